from datetime import date, timedelta

from odoo.tests import tagged

from .common_browser import BrowserCommon

SUMMARY = "document.querySelector('.o_pbp_summary').innerText"


@tagged("post_install", "-at_install")
class TestWithoutJavaScript(BrowserCommon):
    """The way to the pay page, with the scripts of pages switched off."""

    def test_guest_books(self):
        self.service.write({"resource_choice": "client"})
        with self.open_page(javascript=False) as page:
            page.goto("/book")
            page.click(".o_pbp_services a", loads=True)
            self.assertFalse(
                page.evaluate("!!document.querySelector('.o_pbp_js')"),
                "scripts run all the same",
            )
            page.evaluate(
                f"document.querySelector('#o_pbp_resource').value = {self.ben.id}"
            )
            page.click(".o_pbp_filters button", loads=True)
            self.assertIn(f"resource={self.ben.id}", page.evaluate("location.search"))
            page.click(".o_pbp_month tr:last-child a.o_pbp_day", loads=True)
            self.assertIn(f"resource={self.ben.id}", page.evaluate("location.search"))
            page.click(".o_pbp_slots a", loads=True)
            page.type("#o_pbp_email", "marie@example.com")
            page.type("#o_pbp_name", " ")  # enough for the browser
            page.click(".o_pbp_details button[type=submit]", loads=True)
            page.find("#o_pbp_name_error")
            page.type("#o_pbp_name", "Marie Curie")
            page.click(".o_pbp_details button[type=submit]", loads=True)
            page.find(".o_pbp_deadline strong")
            page.find(".o_pbp_pay noscript p")
            self.assertIn("Ben", page.evaluate(SUMMARY))
            self.assertIn("60.00", page.evaluate(SUMMARY))
            # The hold survives a reload, and can be given up.
            page.goto(page.evaluate("location.pathname"))
            page.find(".o_pbp_deadline")
            page.click("form[action$='/drop'] button", loads=True)
            page.find(".o_pbp_calendar")
        booking = self.get_booking()
        self.assertEqual(booking.client_name, "Marie Curie")
        self.assertNotIn(booking.state, ("hold", "confirmed"))


@tagged("post_install", "-at_install")
class TestKeyboard(BrowserCommon):
    """The way to the pay page with a keyboard, and what it is on to be seen."""

    def _tab_to(self, page, selector):
        """Press the tab key until something has the focus, and shows it."""
        for _press in range(60):
            page.press("Tab")
            if page.evaluate(f"document.activeElement.matches({selector!r})"):
                outline = page.evaluate(
                    "(({outlineStyle, boxShadow}) => "
                    "[outlineStyle, boxShadow].some((style) => style !== 'none'))"
                    "(getComputedStyle(document.activeElement))"
                )
                self.assertTrue(outline, f"the focus on {selector} does not show")
                return
        self.fail(f"{selector} cannot be reached with the tab key")

    def _press_enter(self, page, loads=True):
        if loads:
            page.evaluate("window.pbpOldPage = true")
        page.press("Enter")
        if loads:
            page.wait_loaded()

    def test_guest_books(self):
        with self.open_page() as page:
            page.goto("/book")
            self._tab_to(page, ".o_pbp_services a")
            self._press_enter(page)
            # At the end of a month there may be one day left.
            coming = date.today().replace(day=1) + timedelta(days=32)
            path = page.evaluate("location.pathname")
            page.goto(f"{path}?month={coming:%Y-%m}")
            # Another day: the focus goes on from its times.
            self._tab_to(page, "a.o_pbp_day:not([aria-current])")
            self._press_enter(page, loads=False)
            page.wait_for("document.activeElement.id === 'o_pbp_times_title'")
            self._tab_to(page, ".o_pbp_slots a")
            self._press_enter(page)
            self._tab_to(page, "#o_pbp_name")
            page.send("Input.insertText", text="Marie Curie")
            self._tab_to(page, "#o_pbp_email")
            page.send("Input.insertText", text="marie@example.com")
            self._tab_to(page, ".o_pbp_details button[type=submit]")
            self._press_enter(page)
            page.find(".o_pbp_deadline")
            self._tab_to(page, "input[name=o_payment_radio]")
            page.press(" ")
            page.find("#customer_input")
            self._tab_to(page, "#customer_input")
            page.send("Input.insertText", text="4242424242424242")
            self._tab_to(page, "button[name=o_payment_submit_button]")
            page.press("Enter")
            page.find(".o_pbp_booked_paid")
        self.assert_paid(self.get_booking())
