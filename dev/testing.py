"""Run the tests of the addons on a fresh database, browser included."""

import contextlib
import os
import re
import shutil
import subprocess

from . import databases, postgres
from .core import LOGS, ODOO, PYTHON, ROOT, DevError, addons, say
from .setup import source_folder

# In the order in which Odoo looks for them.
BROWSERS = ["google-chrome", "chromium", "chromium-browser", "google-chrome-stable"]

# Whose tests of Odoo's own run with ours: what we override must go on working.
ODOO_TESTS = ["account_payment", "payment", "portal"]
# Those that cannot pass, and why.
NOT_WITH_US = {
    # It pays a draft journal entry, for an amount that is not its own: this is what
    # the guard of Odoo's routes refuses.
    "account_payment/tests/test_payment_flows.py": [
        "TestFlows::test_invoice_payment_flow"
    ],
    # It skips itself once `account_payment` is installed.
    "payment/tests/test_payment_transaction.py": [
        "TestPaymentTransaction::test_updating_state_resets_post_processing_status"
    ],
}


# What in a test file says that it starts browsers or processes of its own. One of its
# tests takes as long as so many others.
HEAVY = re.compile(r"common_browser|browser_js|start_tour|HOOTCommon|test_race|Popen")
HEAVY_WEIGHT = 5
TEST = re.compile(r"^ +def test_", re.MULTILINE)

# What `QUICK=1 make test` leaves out, as the server does, which has half an hour:
# Odoo's own tests, and slow ones of what seldom changes.
SLOW = [
    "test_accessibility.py",
    "test_business.py",
    "test_cut_network.py",
    "test_direct_link.py",
    "test_hoot.py",
    "test_http_form.py",
    "test_http_link.py",
    "test_invoice_tours.py",
    "test_mail_test.py",
    "test_payments_browser.py",
    "test_race_booking_invoice.py",
    "test_race_bundle.py",
    "test_race_invoice.py",
    "test_race_link.py",
    "test_race_record.py",
    "test_reminder_cron.py",
    "test_share.py",
    "test_without_mouse.py",
]


def is_quick():
    """Tell whether slow tests are left out."""
    return os.environ.get("QUICK", "") not in ("", "0")


def test(arguments):
    """Run pytest once per addon of the repository, until one run fails.

    Without arguments there are two at once, each with a database of its own, and about
    half of the work: most machines have two cores.
    """
    if not any(map(shutil.which, BROWSERS)):
        raise DevError(
            "Chromium is missing: Odoo would skip the browser tests. Install it with: "
            "apt-get install chromium"
        )
    status = 0
    with postgres.running() as server:
        for addon, paths in suites(arguments):
            halves = [[*paths, *arguments]] if arguments else split(addon, paths)
            status = run_at_once(server, addon, halves)
            if status:
                break
    return status


def split(addon, paths):
    """Return the arguments of the runs that go on at once.

    Browsers and processes are in the second one, with Odoo's own tests; each other file
    is where there is less to do.

    :param paths: what `suites` says.
    """
    folder = addon + "/tests"
    if folder not in paths:
        return [paths]
    files = {
        f"{folder}/{path.name}": path
        for path in sorted((ROOT / folder).glob("test_*.py"))
        if not (is_quick() and path.name in SLOW)
    }
    texts = {name: path.read_text() for name, path in files.items()}
    weights = {name: len(TEST.findall(text)) for name, text in texts.items()}
    heavy = [name for name in files if HEAVY.search(texts[name] + name)]
    second = [path for path in paths if path not in ("dev/tests", folder)] + heavy
    first = ["dev/tests"] if "dev/tests" in paths else []
    load = [0, HEAVY_WEIGHT * sum(weights[name] for name in heavy)]
    for name in sorted(files.keys() - set(heavy), key=lambda name: -weights[name]):
        least = load.index(min(load))
        (first, second)[least].append(name)
        load[least] += weights[name]
    return [run for run in (first, second) if run]


def run_at_once(server, addon, runs):
    """Run pytest with each list of arguments, at once; return the first bad status.

    The first one is seen as it goes on, the others at the end.
    """
    with contextlib.ExitStack() as stack:
        started = []
        for number, arguments in enumerate(runs):
            suffix = f"_{number}" if number else ""
            database = stack.enter_context(databases.clone(server, addon, suffix))
            output = None
            if number:
                path = LOGS / f"test{suffix}.log"
                output = stack.enter_context(path.open("wb+"))
            started.append(
                (start_pytest(server, database, arguments, suffix, output), output)
            )
        status = 0
        for process, output in started:
            status = wait(process, [other for other, _ in started]) or status
            if output:
                output.seek(0)
                say(output.read().decode(errors="replace"))
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
    theirs = [] if is_quick() else odoo_tests()
    found = [(own[0], ["dev/tests", *theirs, *paths.pop(own[0], [])])]
    return found + list(paths.items())


def odoo_tests():
    """Return the folders of Odoo's tests that run with ours, and what is left out."""
    source = source_folder()
    places = [source / "odoo" / "addons", source / "addons"]
    found = next(place for place in places if (place / ODOO_TESTS[0]).exists())
    place = os.path.relpath(found, ROOT)
    words = [f"{place}/{name}/tests" for name in ODOO_TESTS]
    for file, tests in NOT_WITH_US.items():
        words += [f"--deselect={place}/{file}::{test}" for test in tests]
    return words


def start_pytest(server, database, arguments, suffix="", output=None):
    """Start pytest on a database; return its process.

    The tests find in ``ODOO_RC`` the configuration of their database, and in
    ``PBP_ODOO_BIN`` the command that can start a second Odoo on it:
    ``$PBP_ODOO_BIN server -c $ODOO_RC --http-port=…``.

    :param suffix: tells runs at the same time apart.
    :param output: a file for what it prints; the terminal by default.
    """
    config = databases.write_config(server, database)
    command = [PYTHON, "-m", "pytest", "-p", "dev.pytest_checks"]
    command += [f"--odoo-config={config}", f"--odoo-database={database}"]
    # Odoo's log goes to a file: pytest shows its own copy with a failed test.
    LOGS.mkdir(parents=True, exist_ok=True)
    log = LOGS / f"test-server{suffix}.log"
    log.unlink(missing_ok=True)
    # Not test-enable: it would first run tests of Odoo's own. This gives the part
    # of it that matters here, a read-only connection for read-only routes.
    command += ["--odoo-http", "--odoo-dev=replica"]
    command += ["--odoo-log-level=warn", f"--odoo-extra=logfile={log}"]
    if suffix:
        command += ["-o", f"cache_dir=.dev/pytest_cache{suffix}"]
    environment = {
        **os.environ,
        **server.environment,
        "ODOO_RC": str(config),
        "PBP_ODOO_BIN": str(ODOO),
    }
    return subprocess.Popen(
        [*command, *arguments],
        cwd=ROOT,
        env=environment,
        stdout=output,
        stderr=subprocess.STDOUT if output else None,
    )


def wait(process, others):
    """Wait for the end of a pytest and return its exit status.

    :param others: all that were started: a signal to end ends them too.
    """
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            # The terminal told pytest as well: let it write its summary.
            continue
        except SystemExit:
            for other in others:
                other.terminate()
            for other in others:
                other.wait()
            raise
