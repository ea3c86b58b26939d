"""Tests of reading installation logs and of choosing what to run."""

import contextlib

import pytest

from dev import core, databases, demo, i18n, testing

ADDON = next(iter(core.addons()))
HEAD = "2026-01-02 03:04:05,678 42"
LOG = f"""\
{HEAD} INFO db odoo.modules.loading: loading {ADDON}
{HEAD} WARNING db odoo.models: something of Odoo's own
{HEAD} ERROR db odoo.modules: it broke
Traceback (most recent call last):
  File "{ADDON}/models/thing.py", line 1
{HEAD} INFO db odoo.modules.loading: done
"""


def test_a_record_goes_on_until_the_next_one():
    records = list(databases.bad_records(LOG))
    assert [(level, logger) for level, logger, _ in records] == [
        ("WARNING", "odoo.models"),
        ("ERROR", "odoo.modules"),
    ]
    assert "Traceback" in records[1][2]


def test_a_record_that_speaks_of_our_addon_is_refused():
    records = list(databases.bad_records(LOG))
    path = core.LOGS / "try.log"
    databases.check_log(records[:1], path, "db")
    with pytest.raises(core.DevError, match="it broke"):
        databases.check_log(records, path, "db")


def test_the_name_of_the_database_is_no_mention():
    log = f"{HEAD} WARNING db_{ADDON} odoo.models: something of Odoo's own\n"
    records = list(databases.bad_records(log))
    databases.check_log(records, core.LOGS / "try.log", f"db_{ADDON}")


def test_a_deprecation_is_of_the_file_at_fault_not_of_its_callers():
    log = (
        f"{HEAD} WARNING db py.warnings: /{{}}/models/a.py:1: DeprecationWarning: old\n"
        f'  File "/{ADDON}/models/b.py", line 2, in call\n'
    )
    path = core.LOGS / "try.log"
    theirs = list(databases.bad_records(log.format("mail")))
    assert len(theirs) == 1
    databases.check_log(theirs, path, "db")
    ours = list(databases.bad_records(log.format(ADDON)))
    with pytest.raises(core.DevError, match="DeprecationWarning"):
        databases.check_log(ours, path, "db")


def test_every_addon_has_its_run_and_this_program_is_in_the_first():
    found = testing.suites(["-k", "something"])
    assert found[0][1][0] == "dev/tests"
    assert [name for name, _ in found][0] == ADDON


def test_a_path_is_run_alone():
    assert testing.suites(["dev/tests/test_core.py::test_x"]) == [(ADDON, [])]


def test_only_a_change_of_terms_changes_the_template(tmp_path, monkeypatch):
    monkeypatch.setattr(i18n, "ROOT", tmp_path)
    head = '"POT-Creation-Date: {}\\n"\n'
    old, new = tmp_path / "a.pot", tmp_path / "a.new.pot"
    old.write_text(head.format(1) + 'msgid "A"\n')
    new.write_text(head.format(2) + 'msgid "A"\n')
    i18n.refresh(new, old)
    assert "Date: 1" in old.read_text() and not new.exists()
    new.write_text(head.format(3) + 'msgid "B"\n')
    i18n.refresh(new, old)
    assert "Date: 3" in old.read_text()


def test_each_test_file_runs_in_one_of_the_halves(monkeypatch):
    for quick in ("", "1"):
        monkeypatch.setenv("QUICK", quick)
        [(addon, paths)] = [found for found in testing.suites([]) if found[0] == ADDON]
        first, second = testing.split(addon, paths)
        assert not set(first) & set(second)
        folder = f"{addon}/tests"
        files = {f"{folder}/{p.name}" for p in (core.ROOT / folder).glob("test_*.py")}
        slow = {f"{folder}/{name}" for name in testing.SLOW}
        assert slow <= files
        assert set(first) | set(second) == (
            files - slow | {"dev/tests"}
            if quick
            else files | {"dev/tests", *paths} - {folder}
        )
        assert f"{folder}/test_tours.py" in second
        assert f"{folder}/test_race.py" in second
        assert f"{folder}/test_slots.py" in first


class Ended:
    """A process that is over after some looks at it."""

    def __init__(self, status, looks=1):
        self.returncode = status
        self.looks = looks
        self.terminated = False

    def poll(self):
        """Say whether it is over."""
        self.looks -= 1
        return None if self.looks >= 0 else self.returncode

    def terminate(self):
        """Note that it was told to end."""
        self.terminated = True

    def wait(self):
        """Be over."""


@pytest.fixture
def started(monkeypatch):
    """Replace databases and pytest; return what is started."""
    started = []
    statuses = {"bad": 1, "nothing": testing.NOTHING}

    @contextlib.contextmanager
    def clone(server, addon, suffix):
        yield f"{addon}{suffix}"

    def start(server, database, arguments, suffix, output):
        process = Ended(statuses.get(arguments[0], 0), looks=len(arguments))
        started.append((database, arguments, process))
        return process

    monkeypatch.setattr(testing.databases, "clone", clone)
    monkeypatch.setattr(testing, "start_pytest", start)
    monkeypatch.setattr(testing, "POLL", 0)
    return started


def test_lanes_go_on_at_once_and_their_runs_follow_each_other(started):
    lanes = [[("a", ["slow"] * 9)], [("a", ["x"]), ("b", ["y"])]]
    assert testing.run_lanes(None, lanes) == 0
    assert [database for database, *_rest in started] == ["a", "a_1", "b_1"]


def test_a_bad_status_is_kept_and_the_rest_goes_on(started):
    lanes = [[("a", ["x"])], [("a", ["bad"]), ("b", ["y"])]]
    assert testing.run_lanes(None, lanes) == 1
    assert len(started) == 3


def test_a_name_may_be_in_one_addon_only(started):
    nothing = ("a", ["nothing"])
    assert testing.run_lanes(None, [[nothing, ("b", ["x"])]]) == 0
    assert testing.run_lanes(None, [[nothing, nothing]]) == testing.NOTHING


def test_a_signal_to_end_ends_all(started, monkeypatch):
    def stop(_seconds):
        raise SystemExit(1)

    monkeypatch.setattr(testing.time, "sleep", stop)
    with pytest.raises(SystemExit):
        testing.run_lanes(None, [[("a", ["x"])], [("a", ["y"])]])
    assert all(process.terminated for _database, _args, process in started)


def test_the_demo_with_a_website_has_a_database_of_its_own(monkeypatch):
    for value, name in (("", demo.DEMO), ("0", demo.DEMO), ("1", demo.WEBSITE_DEMO)):
        monkeypatch.setenv("WEBSITE", value)
        assert demo.default_database() == name
    assert demo.WEBSITE in core.addons()
