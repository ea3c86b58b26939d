"""Get Odoo 19, Python packages and Node packages into ``.dev/``."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import apt
from .core import (
    ODOO,
    PYTHON,
    ROOT,
    STAMPS,
    STATE,
    VENV,
    DevError,
    digest,
    lock,
    need,
    once,
    run,
    say,
)

SERIES = "19.0"
REPOSITORY = "https://github.com/odoo/odoo"
PYTHONS = [(3, 11), (3, 12), (3, 13)]
REQUIREMENTS = [
    ROOT / "dev" / "requirements.txt",
    ROOT / "dev" / "requirements-odoo.txt",
]
FOLDER = STATE / "odoo"
NETWORK = "Check the network, then run the same command again: what is done is kept."

# Odoo, and the packages its relative links point into. Font Awesome and its
# neighbours come from the machine's own release: sid's has other file names.
PACKAGES = {
    "odoo-19": "sid",
    "fonts-montserrat": "sid",
    "fonts-ocr-b": "sid",
    "fonts-roboto-unhinted": "sid",
    "fonts-font-awesome": "",
    "fonts-inconsolata": "",
    "libjs-jquery": "",
    "libjs-jquery-form": "",
    "libjs-underscore": "",
}

# Referenced by the back office but absent from the Debian package: without it
# every back-office page logs an error, which fails browser tests.
ABSENT_FILE = "mail/static/lib/selfie_segmentation/selfie_segmentation.js"

# As pip writes its own: Python and the shell read the second line each in its way,
# and a path with a space in it does no harm.
LAUNCHER = """\
#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import odoo.cli

if __name__ == "__main__":
    odoo.cli.main()
"""


def prepare(*needs):
    """Get the Python packages, then Odoo or the Node packages if asked."""
    with lock("setup"):
        setup_python()
        if "odoo" in needs:
            setup_odoo()
        if "node" in needs:
            setup_node()


def setup(arguments):
    """Say that everything is there: the needs of this command are everything."""
    say("Everything is there. Next: make demo, or make test.")
    return 0


# Python ---------------------------------------------------------------------


def setup_python():
    """Make the virtual environment with the Python packages."""
    version = sys.version_info[:2]
    if version not in PYTHONS and Path(sys.prefix) != VENV:
        names = ", ".join(f"{major}.{minor}" for major, minor in PYTHONS)
        raise DevError(
            f"This is Python {version[0]}.{version[1]}; Odoo {SERIES} is set up for "
            f"{names}. Name another one with: make PYTHON=python3.12 …"
        )
    if Path(sys.prefix) == VENV:
        return

    def install():
        """Install the Python packages into .dev/venv (about a minute)."""
        try:
            import ensurepip  # noqa: F401
        except ImportError:
            raise DevError(
                "venv is missing. Install it with: apt-get install python3-venv"
            ) from None
        run([sys.executable, "-m", "venv", "--clear", VENV], "venv")
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check"]
        requirements = ROOT / "dev" / "requirements.txt"
        run([*pip, "install", "-r", requirements], "pip-install", NETWORK)
        run([*pip, "check"], "pip-check")
        (STAMPS / "link").unlink(missing_ok=True)

    once("python", digest(sys.version, *REQUIREMENTS), install)


# Odoo -----------------------------------------------------------------------


def setup_odoo():
    """Get Odoo's source and make it importable."""
    given = os.environ.get("ODOO_SOURCE")
    if given:
        source = given_source(given)
    else:
        how = from_debian if apt.available() else from_git
        once("odoo", digest(how.__name__, str(PACKAGES)), how)
        source = package_folder()

    def link():
        """Make Odoo importable in the virtual environment."""
        site = next((VENV / "lib").glob("python3*/site-packages"))
        (site / "odoo-source.pth").write_text(f"{source}\n")
        # Metadata of our own, so that pip knows which Odoo is here, wherever the
        # source came from.
        info = site / f"odoo-{SERIES}.dist-info"
        info.mkdir(exist_ok=True)
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: odoo\nVersion: {SERIES}\n"
        )
        (info / "RECORD").write_text("")
        # Not python -m odoo: with workers, Odoo starts its own command again.
        ODOO.write_text(LAUNCHER.format(python=PYTHON))
        ODOO.chmod(0o755)
        check = f"import odoo.release as r; assert r.series == '{SERIES}', r.series"
        run([PYTHON, "-c", check], "odoo-import")
        run([PYTHON, "-m", "pip", "check"], "pip-check")

    if not ODOO.exists():
        (STAMPS / "link").unlink(missing_ok=True)
    once("link", digest(str(source), odoo_version(source), LAUNCHER), link)


def given_source(given):
    """Return the folder named by ODOO_SOURCE, checked."""
    source = Path(given).expanduser().resolve()
    if not (source / "odoo" / "release.py").exists():
        raise DevError(
            f"ODOO_SOURCE={given} holds no odoo/release.py. Name the folder that "
            f"holds the package odoo: the root of a checkout of branch {SERIES}."
        )
    return source


def package_folder():
    """Return the folder that holds the package ``odoo``."""
    debian = FOLDER / "usr" / "lib" / "python3" / "dist-packages"
    return debian if debian.exists() else FOLDER


def source_folder():
    """Return the folder of the Odoo in use."""
    given = os.environ.get("ODOO_SOURCE")
    return given_source(given) if given else package_folder()


def odoo_version(source=None):
    """Return what tells this Odoo from another one."""
    source = source or source_folder()
    marker = FOLDER / "version"
    if FOLDER in [source, *source.parents] and marker.exists():
        return marker.read_text()
    if (source / ".git").exists():
        head = subprocess.run(
            ["git", "-C", source, "rev-parse", "HEAD"], capture_output=True, text=True
        )
        if head.stdout.strip():
            return head.stdout.strip()
    return digest(source / "odoo" / "release.py")


def from_debian():
    """Fetch Odoo 19 from Debian (130 MB, under a minute)."""
    unpacked = STATE / "odoo.new"
    shutil.rmtree(unpacked, ignore_errors=True)
    unpacked.mkdir(parents=True)
    versions = apt.unpack(PACKAGES, unpacked)
    packages = unpacked / "usr" / "lib" / "python3" / "dist-packages"
    for info in packages.glob("*.egg-info"):
        # Its requirements are Debian's names; ours are in requirements-odoo.txt.
        shutil.rmtree(info)
    absent = packages / "odoo" / "addons" / ABSENT_FILE
    if not absent.exists():
        absent.parent.mkdir(parents=True, exist_ok=True)
        absent.touch()
    dangling = [
        str(path.relative_to(unpacked))
        for path in unpacked.rglob("*")
        if path.is_symlink() and not path.exists()
    ]
    if dangling:
        # One of them makes every page an error 500.
        raise DevError(
            "Links of the Odoo package point nowhere; its Debian dependencies have "
            "changed. Add what they need to PACKAGES in dev/setup.py, or name a "
            "checkout with ODOO_SOURCE:\n" + "\n".join(dangling)
        )
    (unpacked / "version").write_text(versions["odoo-19"])
    replace(unpacked, FOLDER)


def from_git():
    """Clone Odoo 19 (about 200 MB, some minutes)."""
    need("git")
    cloned = STATE / "odoo.new"
    shutil.rmtree(cloned, ignore_errors=True)
    run(
        ["git", "clone", "--depth=1", f"--branch={SERIES}", REPOSITORY, cloned],
        "git-clone",
        f"{NETWORK} Or name a checkout with ODOO_SOURCE=/path.",
    )
    replace(cloned, FOLDER)


def replace(new, old):
    """Put a finished folder in the place of an older one."""
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)


# Node -----------------------------------------------------------------------


def setup_node():
    """Install the Node packages that lint needs."""
    npm = need("npm")

    def install():
        """Install the Node packages into node_modules."""
        run([npm, "ci", "--no-audit", "--no-fund"], "npm", NETWORK)

    if not (ROOT / "node_modules").exists():
        (STAMPS / "node").unlink(missing_ok=True)
    once("node", digest(ROOT / "package-lock.json"), install)
