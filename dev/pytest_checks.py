"""Pytest plugin: a skipped test or a warning of our addons fails the run."""

import logging
from pathlib import Path

import pytest

from .core import ROOT, addons


class Checks(logging.Handler):
    """Collect what must not happen in a run, and fail it at the end.

    It listens on the root logger: ``assertLogs`` and ``mute_logger`` stop a record
    below it, so what a test expects or silences does not count.
    """

    def __init__(self):
        super().__init__(logging.WARNING)
        self.addons = list(addons())
        self.test = "before the tests"
        self.skipped = []
        self.logged = []
        self.deprecated = []

    def emit(self, record):
        """Keep a warning or error logged by an addon of ours."""
        for name in self.addons:
            logger = f"odoo.addons.{name}"
            if record.name == logger or record.name.startswith(logger + "."):
                self.logged.append(
                    f"{self.test}: {record.levelname} {record.name}: "
                    f"{record.getMessage()}"
                )

    def pytest_sessionstart(self):
        """Listen to the log."""
        logging.getLogger().addHandler(self)
        for name in self.addons:
            # Whatever the level of Odoo's own loggers.
            logging.getLogger(f"odoo.addons.{name}").setLevel(logging.INFO)

    def pytest_runtest_logstart(self, nodeid):
        """Remember the running test."""
        self.test = nodeid

    def pytest_runtest_logreport(self, report):
        """Keep a skipped test."""
        if report.skipped and not hasattr(report, "wasxfail"):
            self.skip(report)

    def pytest_collectreport(self, report):
        """Keep a skipped module."""
        if report.skipped:
            self.skip(report)

    def skip(self, report):
        """Note which test was skipped, and why."""
        reason = report.longrepr
        if isinstance(reason, tuple):
            reason = reason[-1]
        self.skipped.append(f"{report.nodeid}: {reason}")

    def pytest_warning_recorded(self, warning_message, nodeid):
        """Keep a deprecation that our files cause."""
        if not issubclass(
            warning_message.category, (DeprecationWarning, PendingDeprecationWarning)
        ):
            return
        text = str(warning_message.message)
        file = Path(warning_message.filename)
        ours = [ROOT / name for name in self.addons]
        if any(folder in file.parents or str(folder) in text for folder in ours):
            self.deprecated.append(f"{nodeid}: {file}:{warning_message.lineno}: {text}")

    def problems(self):
        """Return pairs of a heading and the lines under it."""
        return [
            (title, lines)
            for title, lines in (
                ("a skipped test proves nothing: make it run", self.skipped),
                ("warnings logged by our addons", self.logged),
                ("deprecated things our addons use", self.deprecated),
            )
            if lines
        ]

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session):
        """Fail the run if anything was kept."""
        logging.getLogger().removeHandler(self)
        if self.problems() and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter):
        """Say what was kept."""
        for title, lines in self.problems():
            terminalreporter.section(f"FAILED: {title}", red=True)
            for line in dict.fromkeys(lines):
                terminalreporter.line(line)


def pytest_configure(config):
    """Add the checks to the run."""
    config.pluginmanager.register(Checks(), "addon-checks")
