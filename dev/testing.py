"""Run the tests of the addons on a fresh database, browser included."""

import os
import shutil
import subprocess

from . import databases, postgres
from .core import LOGS, ODOO, PYTHON, ROOT, DevError, addons

# In the order in which Odoo looks for them.
BROWSERS = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"]


def test(arguments):
    """Run pytest once per addon of the repository, until one run fails."""
    if not any(map(shutil.which, BROWSERS)):
        raise DevError(
            "Chromium is missing: Odoo would skip the browser tests. Install it with: "
            "apt-get install chromium"
        )
    status = 0
    with postgres.running() as server:
        for addon, paths in suites(arguments):
            with databases.clone(server, addon) as database:
                status = run_pytest(server, database, [*paths, *arguments])
            if status:
                break
    return status


def suites(arguments):
    """Return pairs of an addon to install and the test folders to add."""
    own = list(addons())
    named = [
        word.split("::")[0]
        for word in arguments
        if not word.startswith("-") and (ROOT / word.split("::")[0]).exists()
    ]
    if named:
        # Paths given by hand are run alone, with the highest addon among them.
        folders = [(ROOT / word).resolve().relative_to(ROOT).parts[0] for word in named]
        return [(max([own[0], *set(own) & set(folders)], key=own.index), [])]
    paths = {
        name: [name + "/tests"] for name in own if (ROOT / name / "tests").exists()
    }
    found = [(own[0], ["dev/tests", *paths.pop(own[0], [])])]
    return found + list(paths.items())


def run_pytest(server, database, arguments):
    """Run pytest on a database; return its exit status.

    The tests find in ``ODOO_RC`` the configuration of their database, and in
    ``PBP_ODOO_BIN`` the command that can start a second Odoo on it:
    ``$PBP_ODOO_BIN server -c $ODOO_RC --http-port=…``.
    """
    config = databases.write_config(server, database)
    command = [PYTHON, "-m", "pytest", "-p", "dev.pytest_checks"]
    command += [f"--odoo-config={config}", f"--odoo-database={database}"]
    # Odoo's log goes to a file: pytest shows its own copy with a failed test.
    log = LOGS / "test-server.log"
    log.unlink(missing_ok=True)
    # Not test-enable: it would first run tests of Odoo's own. This gives the part
    # of it that matters here, a read-only connection for read-only routes.
    command += ["--odoo-http", "--odoo-dev=replica"]
    command += ["--odoo-log-level=warn", f"--odoo-extra=logfile={log}"]
    environment = {
        **os.environ,
        **server.environment,
        "ODOO_RC": str(config),
        "PBP_ODOO_BIN": str(ODOO),
    }
    process = subprocess.Popen([*command, *arguments], cwd=ROOT, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal told pytest as well: let it write its summary.
            continue
        except SystemExit:
            process.terminate()
            process.wait()
            raise
