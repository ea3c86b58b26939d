"""Paths, messages and small tools shared by every command."""

import ast
import contextlib
import fcntl
import hashlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STATE = ROOT / ".dev"
VENV = STATE / "venv"
PYTHON = VENV / "bin" / "python"
ODOO = VENV / "bin" / "odoo"
STAMPS = STATE / "stamps"
LOGS = STATE / "log"


class DevError(Exception):
    """Something the reader can cure; the message says how."""


def say(text):
    """Print one line of progress at once, also into a pipe."""
    print(text, flush=True)


def digest(*parts):
    """Return a short hash of the parts, each a string, bytes or path."""
    result = hashlib.sha256()
    for part in parts:
        if isinstance(part, Path):
            part = part.read_bytes()
        elif isinstance(part, str):
            part = part.encode()
        result.update(len(part).to_bytes(8, "big"))
        result.update(part)
    return result.hexdigest()[:12]


def need(tool, package=None):
    """Return the path of a tool, or say how to install it."""
    path = shutil.which(tool)
    if not path:
        raise DevError(
            f"{tool} is missing. Install it with: apt-get install {package or tool}"
        )
    return path


def run(command, log, cure="", **options):
    """Run a command into a log file; on failure show its end and the cure."""
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    with path.open("wb") as out:
        done = subprocess.run(
            [str(word) for word in command],
            stdout=out,
            stderr=subprocess.STDOUT,
            **{"cwd": ROOT, "stdin": subprocess.DEVNULL, **options},
        )
    if done.returncode:
        tail = "\n".join(path.read_text(errors="replace").splitlines()[-15:])
        raise DevError(
            f"{' '.join(map(str, command[:4]))} … failed "
            f"(all of it: {path.relative_to(ROOT)}):\n{tail}\n{cure}".rstrip()
        )
    return path


@contextlib.contextmanager
def lock(name):
    """Let one command of this checkout at a time into the block."""
    STATE.mkdir(exist_ok=True)
    with (STATE / f"{name}.lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"Waiting for another command of this checkout ({name}) …")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def once(name, key, action, stamps=None):
    """Run the action unless it already ended well for the same key."""
    stamp = (stamps or STAMPS) / name
    if stamp.exists() and stamp.read_text() == key:
        return False
    stamp.unlink(missing_ok=True)
    say(f"→ {action.__doc__.strip().splitlines()[0].rstrip('.')} …")
    start = time.monotonic()
    action()
    stamp.parent.mkdir(parents=True, exist_ok=True)
    stamp.write_text(key)
    say(f"  done in {time.monotonic() - start:.0f} s")
    return True


def addons():
    """Return the addons of this repository, each after those it depends on."""
    manifests = {
        path.parent.name: ast.literal_eval(path.read_text())
        for path in sorted(ROOT.glob("*/__manifest__.py"))
    }
    ordered = {}

    def add(name):
        if name in manifests and name not in ordered:
            for depend in manifests[name].get("depends", []):
                add(depend)
            ordered[name] = manifests[name]

    for name in manifests:
        add(name)
    if not ordered:
        raise DevError("No addon here: no folder with a __manifest__.py.")
    return ordered


def port_is_free(port):
    """Tell whether nothing listens on a port of 127.0.0.1."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(preferred=0):
    """Return the preferred port if it is free, else any free one."""
    if preferred and port_is_free(preferred):
        return preferred
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def inside_venv():
    """Tell whether this process is the Python of the virtual environment."""
    return Path(sys.prefix) == VENV


def enter_venv():
    """Start this program again with the Python of the virtual environment."""
    if not inside_venv():
        os.chdir(ROOT)
        # Keep what Python compiles, whatever the machine says: Odoo is thousands of
        # files, and each command would compile them again.
        os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
        os.environ["PYTHONPYCACHEPREFIX"] = str(STATE / "pycache")
        os.execv(PYTHON, [str(PYTHON), "-m", "dev", *sys.argv[1:]])
