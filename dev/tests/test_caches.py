"""Tests of the plugin that keeps caches from test to test."""

import inspect
import threading

import pytest

from odoo.orm.registry import _REGISTRY_CACHES, Registry
from odoo.tools.lru import LRU

from dev import pytest_caches


class OneRegistry(Registry):
    """A registry without a database, with its caches alone."""

    def __new__(cls):
        return object.__new__(cls)

    def __init__(self):
        self._Registry__caches = {name: LRU(8) for name in _REGISTRY_CACHES}
        self._invalidation_flags = threading.local()
        self.loaded = False

    def fill(self):
        """Put something into each cache."""
        for name, cache in self._Registry__caches.items():
            cache["key"] = name

    def left(self):
        """Return the names of the caches that hold something."""
        return {name for name, cache in self._Registry__caches.items() if len(cache)}


@pytest.fixture
def registry(monkeypatch):
    """Return a registry while the plugin is at work."""
    for name in ("clear_cache", "clear_all_caches"):
        # The plugin of this very run is back after the test.
        monkeypatch.setattr(Registry, name, inspect.unwrap(getattr(Registry, name)))
    plugin = pytest_caches.Caches()
    plugin.install()
    one = OneRegistry()
    one.fill()
    return one


def end_class(registry):
    """Do what Odoo does at the end of a class."""

    def reset_changes():
        registry.clear_all_caches()

    reset_changes()


def test_what_nobody_invalidated_stays(registry):
    registry.clear_all_caches()
    assert registry.left() == pytest_caches.KEPT


def test_what_a_test_invalidated_goes(registry):
    registry.clear_cache("assets")
    registry.fill()  # from data that is rolled back
    registry.clear_all_caches()
    assert registry.left() == {"templates", "routing"}
    registry.fill()
    registry.clear_all_caches()
    assert registry.left() == pytest_caches.KEPT, "of the class: still true"


def test_what_a_class_invalidated_goes_at_its_end(registry):
    registry.clear_cache("groups")  # templates are made of groups
    registry.clear_all_caches()
    registry.fill()
    end_class(registry)
    assert registry.left() == {"assets", "routing"}
    registry.fill()
    end_class(registry)
    assert registry.left() == pytest_caches.KEPT
