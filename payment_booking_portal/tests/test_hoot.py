import re

from odoo.tests import HttpCase, tagged

# The module, not its classes: pytest would run the tests that they contain.
from odoo.addons.web.tests import test_js

SUITE = "@payment_booking_portal"
# One line of HOOT's summary, e.g. "Passed 27 tests (90 assertions, total time: …)"
PASSED = re.compile(r"Passed (\d+) tests")
# Fewer means that files of ours were not found.
ENOUGH = 25


@tagged("post_install", "-at_install")
class TestHoot(HttpCase):
    """The unit tests of the scripts of the client pages."""

    def test_interactions(self):
        suite = test_js.HOOTCommon._generate_hash(self, SUITE)
        error = None
        with self.assertLogs(self._logger, "INFO") as logs:
            try:
                self.browser_js(
                    "/web/tests?headless&loglevel=2&preset=desktop&timeout=15000"
                    f"&id={suite}",
                    "",
                    "",
                    login="admin",
                    timeout=300,
                    success_signal="[HOOT] Test suite succeeded",
                    error_checker=test_js.unit_test_error_checker,
                )
            except AssertionError as failure:
                error = failure
        told = "\n".join(line for line in logs.output if "[HOOT]" in line)
        if error:
            self.fail(f"{error}\n{told}")
        passed = PASSED.search(told)
        self.assertTrue(passed, f"HOOT does not say how many tests passed: {told}")
        self.assertGreaterEqual(int(passed[1]), ENOUGH, "tests of ours were not run")
