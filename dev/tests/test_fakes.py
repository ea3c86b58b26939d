"""Tests of the fake providers of the demo."""

import os
import urllib.error
import urllib.request

import pytest

from dev import core, demo, fakes


def test_only_two_kinds_of_providers(monkeypatch):
    for value, wanted in (("", False), ("demo", False), ("fake", True)):
        monkeypatch.setenv("PROVIDERS", value)
        assert fakes.are_wanted() is wanted
    monkeypatch.setenv("PROVIDERS", "stripe")
    with pytest.raises(core.DevError, match="demo or fake"):
        fakes.are_wanted()


def test_the_demo_with_fakes_has_a_database_of_its_own(monkeypatch):
    monkeypatch.delenv("PROVIDERS", raising=False)
    usual = demo.default_database()
    monkeypatch.setenv("PROVIDERS", "fake")
    assert demo.default_database() != usual


def test_the_addon_is_only_on_the_path_of_that_database():
    assert fakes.options(False) == {}
    assert str(fakes.FOLDER) in fakes.options(True)["addons_path"]
    assert fakes.ADDON not in core.addons()


def test_they_run_in_a_block_and_remember(monkeypatch, tmp_path):
    monkeypatch.setattr(fakes, "STATE", tmp_path)
    monkeypatch.setattr(fakes, "LOGS", tmp_path / "log")
    for name in ("FAKE_STRIPE", "FAKE_MOLLIE", "FAKE_PAYPAL"):
        monkeypatch.setenv(name, "")  # restored afterwards
    with fakes.running(8069, "some_db") as roots:
        assert sorted(roots) == ["mollie", "paypal", "stripe"]
        assert os.environ["FAKE_STRIPE"] == roots["stripe"]
        with urllib.request.urlopen(roots["mollie"], timeout=10) as answer:
            assert b"no real money" in answer.read()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(roots["mollie"], timeout=10)
    memory = tmp_path / "fakes" / "some_db.json"
    assert memory.exists()
    fakes.forget("some_db")
    assert not memory.exists()
