"""Fakes of Stripe, Mollie and PayPal for the demo: what `PROVIDERS=fake` stands for."""

import contextlib
import os
import subprocess

from .core import LOGS, PYTHON, ROOT, STATE, DevError

# The addon that leads Odoo's own modules to the fakes; no part of what is published.
FOLDER = ROOT / "dev" / "addons"
ADDON = "payment_fakes"
FAKES = ROOT / "payment_booking_portal" / "tests"
DATABASE = "booking_fake"
STOP_SECONDS = 5


def are_wanted():
    """Tell whether the providers are to be fakes."""
    value = os.environ.get("PROVIDERS") or "demo"
    if value not in ("demo", "fake"):
        raise DevError(f"PROVIDERS={value}: choose demo or fake.")
    return value == "fake"


def options(is_fake):
    """Return what the configuration of Odoo needs for them, if they are used."""
    return {"addons_path": f"{ROOT},{FOLDER}"} if is_fake else {}


@contextlib.contextmanager
def running(port, database):
    """Run the fakes and put their addresses into the environment, for Odoo.

    :param int port: where Odoo listens: they send their notifications there.
    :param str database: they remember payments as long as this database does.
    :return: their addresses by name.
    """
    LOGS.mkdir(parents=True, exist_ok=True)
    state = STATE / "fakes" / f"{database}.json"
    state.parent.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"fakes-{database}.log"
    command = [PYTHON, "-m", "fakes", f"--webhook=http://127.0.0.1:{port}"]
    command += [f"--state={state}"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            command,
            cwd=FAKES,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=out,
            # Ctrl-C reaches only this program, which then stops them.
            start_new_session=True,
        )
    try:
        words = process.stdout.readline().decode().split()
        if not words:
            raise DevError(f"The fakes did not start: see {log.relative_to(ROOT)}")
        roots = dict(zip(words[::2], words[1::2], strict=True))
        for name, root in roots.items():
            os.environ[f"FAKE_{name.upper()}"] = root
        yield roots
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def forget(database):
    """Forget the payments of a database that is made anew."""
    (STATE / "fakes" / f"{database}.json").unlink(missing_ok=True)
