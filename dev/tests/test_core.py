"""Tests of the small tools that every command shares."""

import socket

import pytest

from dev import core


def counted(calls, fail=False):
    """Return an action that notes its calls."""

    def action():
        """Count."""
        calls.append(1)
        if fail:
            raise core.DevError("broken")

    return action


def test_a_step_runs_once_per_key(tmp_path):
    calls = []
    assert core.once("step", "a", counted(calls), tmp_path)
    assert not core.once("step", "a", counted(calls), tmp_path)
    assert core.once("step", "b", counted(calls), tmp_path)
    assert len(calls) == 2


def test_a_broken_step_runs_again(tmp_path):
    calls = []
    with pytest.raises(core.DevError):
        core.once("step", "a", counted(calls, fail=True), tmp_path)
    core.once("step", "a", counted(calls), tmp_path)
    assert len(calls) == 2


def test_a_step_broken_for_a_new_key_is_not_done_for_the_old_one(tmp_path):
    calls = []
    core.once("step", "a", counted(calls), tmp_path)
    with pytest.raises(core.DevError):
        core.once("step", "b", counted(calls, fail=True), tmp_path)
    core.once("step", "a", counted(calls), tmp_path)
    assert len(calls) == 3


def test_digest_keeps_its_parts_apart(tmp_path):
    (tmp_path / "file").write_text("ab")
    assert core.digest("ab", "c") != core.digest("a", "bc")
    assert core.digest(tmp_path / "file") == core.digest("ab")


def test_a_missing_tool_is_named_with_its_cure():
    with pytest.raises(core.DevError, match="apt-get install a-package"):
        core.need("no-such-tool", "a-package")


def test_a_failed_command_shows_its_end_and_the_cure():
    with pytest.raises(core.DevError, match=r"(?s)broken here.*Mend it\."):
        core.run(["sh", "-c", "echo broken here; exit 3"], "try", "Mend it.")


def test_an_occupied_port_is_seen():
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert not core.port_is_free(port)
        assert core.free_port(port) != port


def test_addons_come_after_what_they_depend_on():
    names = list(core.addons())
    for name, manifest in core.addons().items():
        for depend in set(manifest["depends"]) & set(names):
            assert names.index(depend) < names.index(name)
