"""Pytest plugin: made templates, assets and routes stay from test to test.

Odoo's test cases empty every cache after each test. To compile the same templates, list
the same assets and build the same routes again takes half of the time of a test that
opens pages. Here such a cache is emptied only if something invalidated it meanwhile, in
the test or in the set-up of its class: then what it holds may be of data that is rolled
back. All other caches are emptied as ever.
"""

import functools
import sys

from odoo.orm import registry as registries
from odoo.orm.registry import Registry

KEPT = {"assets", "routing", "templates"}
# The clean-up at the end of a class, in `odoo/tests/common.py`.
END_OF_CLASS = "reset_changes"


class Caches:
    """Replaces the two methods of the registry that empty its caches."""

    def __init__(self):
        self.clear_cache = Registry.clear_cache
        self.clear_all_caches = Registry.clear_all_caches
        self.in_test = set()  # emptied since the last test ended
        self.in_class = set()  # emptied since the last class ended

    def install(self):
        """Put the methods in their place."""
        caches = self

        @functools.wraps(self.clear_cache)
        def clear_cache(registry, *names):
            caches.note(names or ("default",))
            caches.clear_cache(registry, *names)

        @functools.wraps(self.clear_all_caches)
        def clear_all_caches(registry):
            ends = sys._getframe(1).f_code.co_name == END_OF_CLASS
            caches.clear_but_kept(registry, ends)

        Registry.clear_cache = clear_cache
        Registry.clear_all_caches = clear_all_caches

    def note(self, names):
        """Remember which caches are emptied."""
        emptied = {one for name in names for one in registries._CACHES_BY_KEY[name]}
        self.in_test |= emptied
        self.in_class |= emptied

    def clear_but_kept(self, registry, end_of_class):
        """Empty the caches, but for those that are as they were before."""
        kept = KEPT - (self.in_class if end_of_class else self.in_test)
        containers = registry._Registry__caches
        saved = {name: list(containers[name].items()) for name in kept}
        self.clear_all_caches(registry)
        for name, items in saved.items():
            for key, value in items:
                containers[name][key] = value
        self.in_test.clear()
        if end_of_class:
            self.in_class.clear()


def pytest_configure(config):
    """Keep the caches in this run."""
    Caches().install()
