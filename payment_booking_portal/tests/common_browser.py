"""A real Chromium: tours at the size of a phone, and a page to drive from Python."""

import base64
import json
import time
from contextlib import ExitStack, contextmanager

from odoo.fields import Command
from odoo.tests import HttpCase
from odoo.tests.common import ChromeBrowser, ChromeBrowserException

from .common import BookingCommon

PHONE = (390, 844)
DESKTOP = (1280, 800)
# Seconds until what a page was asked for must be there.
PATIENCE = 60


class Page:
    """One page of a browser, driven through the protocol of its developer tools.

    Unlike a tour it goes on without JavaScript, presses real keys and changes its size.
    """

    def __init__(self, browser, base_url, javascript=True):
        self.browser = browser
        self.base_url = base_url
        self.javascript = javascript
        if not javascript:
            self.send("Emulation.setScriptExecutionDisabled", value=True)

    def send(self, method, **params):
        """Send a command of the protocol and return its answer."""
        return self.browser._websocket_request(method, params=params, timeout=30)

    def evaluate(self, expression):
        """Return the value of an expression, or of the promise that it gives.

        :raise AssertionError: when it throws.
        """
        return self._evaluate(expression)

    def _evaluate(self, expression, **where):
        answer = self.send(
            "Runtime.evaluate",
            expression=expression,
            awaitPromise=True,
            returnByValue=True,
            userGesture=True,
            **where,
        )
        if "exceptionDetails" in answer:
            raise AssertionError(f"{expression[:200]}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression, message=None):
        """Wait until an expression is true, also across pages, and return its value."""
        end = time.monotonic() + PATIENCE
        value = None
        while time.monotonic() < end:
            try:
                value = self.evaluate(expression)
            except (AssertionError, ChromeBrowserException):
                value = None  # between two pages
            if value:
                return value
            time.sleep(0.05)
        text = self.evaluate("location.href + '\\n' + document.body.innerText")
        raise AssertionError(f"{message or expression}: never true on {text}")

    def find(self, selector):
        """Wait for an element that shows."""
        self.wait_for(
            f"document.querySelector({json.dumps(selector)})?.checkVisibility()",
            f"{selector} does not show",
        )

    def goto(self, path):
        """Load an address and wait until it is all there."""
        self.evaluate("window.pbpOldPage = true")
        url = path if "://" in path else f"{self.base_url}{path}"
        self.send("Page.navigate", url=url)
        self.wait_loaded()

    def wait_loaded(self):
        """Wait for a page that was asked for by `goto` or `click`, and its fonts."""
        self.wait_for("!window.pbpOldPage && document.readyState === 'complete'")
        self.evaluate("document.fonts.ready.then(() => true)")
        if self.javascript:
            # The last that Odoo's scripts ask for; to leave before is an error.
            self.wait_for(
                "performance.getEntriesByType('resource')"
                ".some(({name}) => name.includes('/translations'))"
            )

    def click(self, selector, loads=False):
        """Click on an element.

        :param bool loads: whether this loads another page.
        """
        self.find(selector)
        if loads:
            self.evaluate("window.pbpOldPage = true")
        self.evaluate(f"document.querySelector({json.dumps(selector)}).click()")
        if loads:
            self.wait_loaded()

    def get_place(self, selector, text=""):
        """Return where the top of an element that holds a text is, in pixels."""
        element = (
            f"[...document.querySelectorAll({json.dumps(selector)})]"
            f".find((el) => el.innerText.includes({json.dumps(text)}))"
        )
        self.wait_for(f"!!{element}", f"{selector} {text} does not show")
        box = before = None
        while not box or box != before:  # until nothing moves any more
            time.sleep(0.2 if box else 0)
            before, box = (
                box,
                self.wait_for(
                    f"(({{x, y, width, height}}) => ({{x, y, width, height}}))"
                    f"({element}.getBoundingClientRect())"
                ),
            )
        return box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 8)

    def drag(self, selector, text, target, target_text):
        """Drag an element to the height of itself in another one's column."""
        x, y = self.get_place(selector, text)
        to_x, _y = self.get_place(target, target_text)
        press = {"button": "left", "buttons": 1, "clickCount": 1}

        def send(kind, left, **more):
            self.send("Input.dispatchMouseEvent", type=kind, x=left, y=y, **more)

        send("mouseMoved", x)
        send("mousePressed", x, **press)
        for part in range(1, 11):
            send("mouseMoved", x + (to_x - x) * part / 10, **press)
        send("mouseReleased", to_x, **press)

    def type(self, selector, text):
        """Type a text into a field."""
        self.find(selector)
        self.evaluate(f"document.querySelector({json.dumps(selector)}).focus()")
        self.send("Input.insertText", text=text)

    def press(self, key, shift=False):
        """Press and release a key: `Tab`, `Enter` or one with a letter."""
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, " ": 32, "ArrowDown": 40}
        event = {
            "key": key,
            "code": key,
            "windowsVirtualKeyCode": codes[key],
            "modifiers": 8 if shift else 0,
        }
        text = {"Enter": "\r", " ": " "}.get(key)
        down = {"type": "keyDown", "text": text} if text else {"type": "rawKeyDown"}
        self.send("Input.dispatchKeyEvent", **event, **down)
        self.send("Input.dispatchKeyEvent", **event, type="keyUp")

    def resize(self, width, height):
        """Give the page another size."""
        self.send(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )

    def screenshot(self, width=None, height=None):
        """Return the bytes of a PNG of what is seen."""
        if width:
            self.resize(width, height)
        return base64.b64decode(self.send("Page.captureScreenshot")["data"])


class PageCase(HttpCase):
    """Tests that open pages at the size of a phone."""

    browser_size = f"{PHONE[0]}x{PHONE[1]}"
    touch_enabled = True
    # `tests` loads the scripts of the tours, whatever starts the tests.
    debug = ""
    browser_class = ChromeBrowser
    page_class = Page
    # Whether pages may be asked for without the cookie of the test.
    all_requests = False

    def authenticate(self, user, password, **kwargs):
        """Override of `odoo` to set the debug mode."""
        session_extra = {"debug": self.debug, **(kwargs.pop("session_extra", {}) or {})}
        return super().authenticate(
            user, password, session_extra=session_extra, **kwargs
        )

    @contextmanager
    def open_page(self, login=None, javascript=True):
        """Start a browser and give its page; a console error fails the test.

        :param str login: who is logged in, nobody by default.
        :param bool javascript: False switches the scripts of pages off.
        """
        browser = self.browser_class(self, success_signal="only tours have one")
        with (
            self.allow_requests(browser=browser, all_requests=self.all_requests),
            ExitStack() as stack,
        ):
            stack.callback(self._wait_remaining_requests)
            self.authenticate(login, login, browser=browser)
            self.cr.flush()
            self.cr.clear()
            stack.callback(browser.stop)
            yield self.page_class(browser, self.base_url(), javascript)
        self.assertFalse(browser.had_failure, "an error in the console of the browser")


class BrowserCommon(BookingCommon, PageCase):
    """A guest with a phone at the studio of `BookingCommon`, which takes test money.

    The clock is the real one: that of the browser cannot be frozen. Bookings are far
    enough away (two days at least) that no time of the day matters.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        company = cls.company
        company.booking_accept_test_payments = True
        company.partner_id.write(
            {"phone": "+32 2 555 01 01", "email": "studio@example.com"}
        )
        # The pages of the main company are those of the public user's company.
        cls.env.ref("base.public_user").sudo().write(
            {"company_ids": [Command.link(company.id)], "company_id": company.id}
        )
        # Guests pay with Odoo's demonstration provider, and with that alone.
        cls.provider.write({"state": "disabled", "is_published": False})
        cls.demo = cls._prepare_provider("demo", update_values={"is_published": True})
        cls.service.write({"notice_hours": 48, "is_published": True})

    def create_bank(self):
        """Give the company a bank account and guests the bank transfer."""
        account = self.env["res.partner.bank"].create(
            {
                "acc_number": "BE71096123456769",
                "partner_id": self.company.partner_id.id,
                "company_id": self.company.id,
                "allow_out_payment": True,
            }
        )
        journal = self.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", self.company.id)], limit=1
        )
        journal.bank_account_id = account
        provider = self._prepare_provider(
            "custom", update_values={"is_published": True}, custom_mode="wire_transfer"
        )
        provider.action_recompute_pending_msg()
        self.demo.is_published = False

    def book(self, service=None, **kwargs):
        """Return a booking of the first free time, sudoed."""
        service = service or self.service
        start = service._get_next_slots(service._get_booking_window()[0])[0]
        return self.env["payment.booking"]._place(
            service,
            start,
            {"guest_name": "Zoé Client", "guest_email": "zoe@example.com"},
            **{"visitor_key": f"visitor {start}", **kwargs},
        )

    def get_booking(self, service=None):
        """Return the one booking of a service, as the database has it now."""
        self.env.invalidate_all()
        booking = self.env["payment.booking"].search(
            [("service_id", "=", (service or self.service).id)]
        )
        self.assertEqual(len(booking), 1)
        return booking

    def assert_paid(self, booking):
        """Check that a booking is confirmed, invoiced, paid and in the calendar."""
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking.invoice_id.state, "posted")
        self.assertEqual(booking.invoice_id.amount_total, booking.amount_total)
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(len(booking.event_ids), 1)
        self.assertFalse(booking.needs_attention)
