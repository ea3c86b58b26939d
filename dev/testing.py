"""Run the tests of the addons on a fresh database, browser included."""

import contextlib
import os
import re
import shutil
import subprocess
import time

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
HEAVY_WEIGHT = 3
# The same of making a database for another addon.
INSTALL_WEIGHT = 80
TEST = re.compile(r"^ +def test_", re.MULTILINE)
# What pytest says when no test was chosen.
NOTHING = 5
# Seconds between two looks at what goes on.
POLL = 0.2

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
    "test_outage.py",
    "test_payments_browser.py",
    "test_race_booking_invoice.py",
    "test_race_bundle.py",
    "test_race_invoice.py",
    "test_race_kill.py",
    "test_race_link.py",
    "test_race_record.py",
    "test_race_refund.py",
    "test_reminder_cron.py",
    "test_share.py",
    "test_ways_browser.py",
    "test_without_mouse.py",
]


def is_quick():
    """Tell whether slow tests are left out."""
    return os.environ.get("QUICK", "") not in ("", "0")


def test(arguments):
    """Run pytest on every addon of the repository; return the first bad status.

    Without arguments there are two lanes, each with databases of its own and about half
    of the work: most machines have two cores.
    """
    if not any(map(shutil.which, BROWSERS)):
        raise DevError(
            "Chromium is missing: Odoo would skip the browser tests. Install it with: "
            "apt-get install chromium"
        )
    with postgres.running() as server:
        return run_lanes(server, plan(arguments))


def plan(arguments):
    """Return the lanes: lists of pairs of an addon and the arguments of its pytest.

    The runs of one lane follow each other. Addons on top of the first one are short:
    they come last.
    """
    found = suites(arguments)
    if arguments:
        return [[(addon, [*paths, *arguments]) for addon, paths in found]]
    (addon, paths), *others = found
    beside = sum(weigh_addon(name) for name, _paths in others)
    lanes = [[(addon, run)] for run in split(addon, paths, beside)]
    lanes[-1] += others
    return lanes


def weigh_addon(addon):
    """Return how long an addon takes, in tests of no more than one process."""
    texts = [path.read_text() for path in (ROOT / addon).glob("tests/test_*.py")]
    heavy = sum(len(TEST.findall(text)) for text in texts)
    return INSTALL_WEIGHT + HEAVY_WEIGHT * heavy


def split(addon, paths, beside=0):
    """Return the arguments of the runs that go on at once.

    Browsers and processes are in the second one, with Odoo's own tests; each other file
    is where there is less to do.

    :param paths: what `suites` says.
    :param int beside: what the second one has to do besides.
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
    load = [0, beside + HEAVY_WEIGHT * sum(weights[name] for name in heavy)]
    for name in sorted(files.keys() - set(heavy), key=lambda name: -weights[name]):
        least = load.index(min(load))
        (first, second)[least].append(name)
        load[least] += weights[name]
    return [run for run in (first, second) if run]


def run_lanes(server, lanes):
    """Run the lanes at once; return the first bad status.

    The first lane is seen as it goes on, the others at the end.
    """
    lanes = [Lane(server, number, runs) for number, runs in enumerate(lanes)]
    going = True
    while going:
        try:
            going = any([lane.go_on() for lane in lanes])
            time.sleep(POLL)
        except KeyboardInterrupt:
            # The terminal told pytest as well: let it write its summary.
            for lane in lanes:
                lane.runs.clear()
        except SystemExit:
            for lane in lanes:
                lane.stop()
            raise
    for lane in lanes:
        lane.show()
    statuses = [status for lane in lanes for status in lane.statuses]
    if set(statuses) == {NOTHING}:
        return NOTHING
    # What is chosen by its name is in some of the addons.
    return next((one for one in statuses if one not in (0, NOTHING)), 0)


class Lane:
    """Runs that follow each other, beside other lanes."""

    def __init__(self, server, number, runs):
        self.server = server
        self.suffix = f"_{number}" if number else ""
        self.runs = list(runs)
        self.process = None
        self.statuses = []
        self.stack = contextlib.ExitStack()
        self.output = None
        if number:
            LOGS.mkdir(parents=True, exist_ok=True)
            self.output = (LOGS / f"test{self.suffix}.log").open("wb+")

    def go_on(self):
        """Start the next run if none is on; tell whether there is one."""
        if self.process and self.process.poll() is None:
            return True
        if self.process:
            self.statuses.append(self.process.returncode)
            self.process = None
            self.stack.close()
        if self.runs:
            self.start(*self.runs.pop(0))
        return bool(self.process)

    def start(self, addon, arguments):
        """Start pytest on a fresh database."""
        database = databases.clone(self.server, addon, self.suffix)
        database = self.stack.enter_context(database)
        self.process = start_pytest(
            self.server, database, arguments, self.suffix, self.output
        )

    def stop(self):
        """End what is on."""
        if self.process:
            self.process.terminate()
            self.process.wait()
        self.stack.close()

    def show(self):
        """Say what was not seen yet."""
        if self.output:
            self.output.seek(0)
            say(self.output.read().decode(errors="replace"))
            self.output.close()


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
    command += ["-p", "dev.pytest_caches"]
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
