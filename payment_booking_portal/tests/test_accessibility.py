import json
from pathlib import Path
from urllib.parse import urlsplit

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged

from ..const import QUESTION_KINDS
from ..tools.dates import format_start
from .common_browser import DESKTOP, PHONE, BrowserCommon

AXE = Path(__file__).parents[2] / "node_modules" / "axe-core" / "axe.min.js"
# The narrowest screen that WCAG asks for (1.4.10).
NARROW = (320, 640)
# What is not ours to cure: selectors of elements made by Odoo, each with its rule.
OF_ODOO = {
    # The icon "Test mode" of Odoo's payment form: only test providers show it.
    "aria-prohibited-attr": ["[name=o_payment_option] i[data-bs-toggle=tooltip]"],
}
RUN = """
axe.run(document, {resultTypes: ["violations"]}).then(({violations}) =>
    violations
        .filter(({impact}) => ["serious", "critical"].includes(impact))
        .flatMap(({id, help, nodes}) =>
            nodes.map((node) => ({
                id, help, target: node.target.flat().join(" "), html: node.html,
                core: (%s[id] || []).some(
                    (selector) =>
                        document.querySelector(node.target.flat().join(" "))
                            ?.matches(selector)
                ),
            }))
        )
        .filter(({core}) => !core)
)
"""

# No colour or place of anything changes any more.
AT_REST = """
!document.getAnimations().some((one) => one instanceof CSSTransition)
"""
# What makes a page scroll sideways.
TOO_WIDE = """
document.documentElement.scrollWidth <= innerWidth ? [] :
    [...document.querySelectorAll("body *")]
        .filter((el) => el.getBoundingClientRect().right > innerWidth + 1)
        .map((el) => el.outerHTML.slice(0, 120))
"""


@tagged("post_install", "-at_install")
class TestAccessibility(BrowserCommon):
    """Nothing serious stands in anybody's way, with and without JavaScript."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.service.description = "<p>A cut, and a <b>coffee</b>.</p>"
        cls.klass = cls._create_service(
            "Yoga class with a name that goes on and on for everybody who likes yoga",
            seats=8,
            is_published=True,
            notice_hours=48,
            resource_choice="client",
            location_type="online",
        )

    def _get_axe(self):
        self.assertTrue(
            AXE.exists(),
            "axe-core is missing: npm ci (or make setup) puts it into node_modules",
        )
        return AXE.read_text()

    def _check(self, page, axe, name):
        """Check a page at the size of a phone and of a desk, and its width on a
        very small phone.
        """
        for size in (PHONE, DESKTOP):
            page.resize(*size)
            page.wait_for(AT_REST)  # a colour that fades in has no contrast yet
            if not page.evaluate("!!window.axe"):
                page.evaluate(f"{axe}; true")
            found = page.evaluate(RUN % json.dumps(OF_ODOO))
            self.assertEqual(found, [], f"{name} at {size[0]} px")
        page.resize(*NARROW)
        self.assertEqual(page.evaluate(TOO_WIDE), [], f"{name} scrolls sideways")
        page.resize(*PHONE)
        self.assertTrue(page.evaluate("document.documentElement.lang"), name)
        self.assertEqual(page.evaluate("document.querySelectorAll('h1').length"), 1)

    # === AXE === #

    def test_booking_pages(self):
        axe = self._get_axe()
        url = self.service._get_book_url()
        start = self.service._get_next_slots(self.service._get_booking_window()[0])[0]
        details = f"{url}/details?start={format_start(start)}"
        with self.open_page() as page:
            for name, path in (
                ("services", "/book"),
                ("calendar", url),
                ("calendar of a class", self.klass._get_book_url()),
                ("details", details),
            ):
                page.goto(path)
                self._check(page, axe, name)
            # A name is required by the browser too: go round it.
            page.evaluate("document.querySelector('.o_pbp_details').noValidate = true")
            page.click(".o_pbp_details button", loads=True)
            self._check(page, axe, "details with mistakes")
            self.assertEqual(
                page.evaluate("document.activeElement.getAttribute('role')"), "alert"
            )

    def test_pay_pages(self):
        axe = self._get_axe()
        hold_url = self.book()._get_pay_url()
        paid = self._create_service("Paid", is_published=True)
        paid = self.book(paid)
        pay_url = paid._get_pay_url()
        tx = self._start_payment(
            paid,
            provider_id=self.demo.id,
            payment_method_id=self.demo.payment_method_ids[:1].id,
        )
        with self.open_page() as page:
            page.goto(hold_url)
            page.find(".o_pbp_deadline")
            page.click("input[name=o_payment_radio]")
            page.find("#customer_input")
            self._check(page, axe, "pay")
            page.goto(f"{pay_url}/status")
            self._check(page, axe, "checking")
        tx._set_error("Refused")
        with self.open_page() as page:
            page.goto(f"{pay_url}/status")
            self._check(page, axe, "declined")
        self._pay(
            paid,
            provider_id=self.demo.id,
            payment_method_id=self.demo.payment_method_ids[:1].id,
        )
        self.assert_paid(paid)
        manage_url = paid._get_manage_url()
        with self.open_page() as page:
            page.goto(pay_url)
            self._check(page, axe, "already paid")
            page.goto(manage_url)
            page.find(".o_pbp_booked_paid")
            self._check(page, axe, "confirmation")
            page.goto(f"{manage_url}/cancel")
            self._check(page, axe, "cancel?")
            page.goto(f"{manage_url}/move")
            self._check(page, axe, "move")
            page.click(".o_pbp_slots a", loads=True)
            self._check(page, axe, "move?")

    def test_form_pages(self):
        axe = self._get_axe()
        form = self.env["payment.form"].create(
            {
                "name": "New client",
                "company_id": self.company.id,
                "intro": "Tell us a little.",
                "policy": "<p>Cancel a day before.</p>" * 20,
                "policy_required": True,
                "field_ids": [
                    Command.create(
                        {
                            "label": f"Question {kind}",
                            "kind": kind,
                            "required": number % 2,
                            "help_text": number % 3 and f"About {kind}",
                            "options": options,
                        }
                    )
                    for number, (kind, options) in enumerate(
                        [(kind, "One\nTwo") for kind, _label in QUESTION_KINDS]
                        + [("choice", "a\nb\nc\nd\ne\nf")]
                    )
                ],
            }
        )
        self.service.form_id = form
        pay_url = self.book()._get_pay_url()
        start = self.service._get_next_slots(self.service._get_booking_window()[0])[0]
        details = f"{self.service._get_book_url()}/details?start={format_start(start)}"
        with self.open_page() as page:
            for name, path in (("form", pay_url), ("details with form", details)):
                page.goto(path)
                page.find(".o_pbp_policy_text")
                self._check(page, axe, name)
                # What is required, the browser asks for too: go round it.
                page.evaluate(
                    "document.querySelector('.o_pbp_details').noValidate = true"
                )
                page.click(".o_pbp_details button[type=submit]", loads=True)
                page.find(".invalid-feedback")
                self._check(page, axe, f"{name} with mistakes")
                self.assertEqual(
                    page.evaluate("document.activeElement.getAttribute('role')"),
                    "alert",
                )
        with self.open_page(login=self.env.ref("base.user_admin").login) as page:
            for path in ("preview", "preview?phone=1"):
                page.goto(f"/pay/form/{form.id}/{path}")
                self._check(page, axe, path)

    def test_transfer(self):
        axe = self._get_axe()
        self.create_bank()
        transfer = self.env["payment.provider"].search(
            [("code", "=", "custom"), ("company_id", "=", self.company.id)], limit=1
        )
        self.service.notice_hours = 24 * 8
        booking = self.book()
        tx = self._start_payment(
            booking,
            provider_id=transfer.id,
            payment_method_id=transfer.payment_method_ids[:1].id,
        )
        tx._set_pending()
        url = booking._get_pay_url()
        with self.open_page() as page:
            page.goto(f"{url}/status")
            page.find(".o_pbp_end_transfer .o_pbp_copy")
            self._check(page, axe, "transfer")

    def test_direct_links(self):
        axe = self._get_axe()
        euro = self._enable_currency("EUR")
        self.company.booking_currency_ids = euro
        links = self.env["payment.direct.link"]
        both = links.create(
            {
                "name": "Both",
                "title": "Support the studio and everybody who comes here",
                "text": "Every Sunday we teach for free.\nThank you!",
                "amount_type": "open",
                "amount_min": 5,
                "amount_max": 500,
                "suggestions": "10; 25; 50",
                "ask_reason": True,
                "price_ids": [
                    Command.create(
                        {
                            "currency_id": euro.id,
                            "amount_min": 5,
                            "amount_max": 450,
                            "suggestions": "10; 20",
                        }
                    )
                ],
            }
        )
        fixed = links.create({"name": "Fixed", "title": "Voucher", "amount": 1234.5})
        closed = links.create({"name": "Over", "amount": 1, "date_end": "2020-01-01"})
        with self.open_page() as page:
            page.goto(urlsplit(both.url).path)
            self._check(page, axe, "open amount")
            page.evaluate("document.querySelector(\"[id$='USD_own'] + label\").click()")
            page.find("#o_pbp_amount_USD")
            self.assertFalse(
                page.evaluate(
                    "document.querySelector('#o_pbp_amount_EUR').checkVisibility()"
                )
            )
            self._check(page, axe, "other amount")
            page.click(".o_pbp_link_form button", loads=True)
            self._check(page, axe, "mistakes")
            self.assertEqual(
                page.evaluate("document.activeElement.getAttribute('role')"), "alert"
            )
            page.goto(urlsplit(fixed.url).path)
            self._check(page, axe, "fixed amount")
            page.goto(urlsplit(closed.url).path)
            page.find(".o_pbp_end_link_closed")
            self._check(page, axe, "closed link")

    def test_end_pages(self):
        axe = self._get_axe()
        over = self.book()
        over_url = over._get_pay_url()
        over._editing().hold_until = fields.Datetime.subtract(
            fields.Datetime.now(), minutes=1
        )
        closed = self._create_service(
            "Closed", is_published=True, group_ids=False, calendar_id=False
        )
        closed_url = closed._get_book_url()
        start = self.service._get_next_slots(self.service._get_booking_window()[0])[0]
        start = start.replace(hour=2)
        with self.open_page() as page:
            page.goto(over_url)
            page.find(".o_pbp_end_over")
            self._check(page, axe, "over")
            page.goto(
                f"{self.service._get_book_url()}/details?start={format_start(start)}"
            )
            page.find(".o_pbp_end_taken")
            self._check(page, axe, "taken")
            page.goto(closed_url)
            self._check(page, axe, "closed")
            page.goto("/book/at/999999")
            self.assertIn("404", page.evaluate("document.body.innerText"))

    def test_payments(self):
        axe = self._get_axe()
        partner = self.portal_user.partner_id
        partner.name = "Joel Willis"
        euro = self._enable_currency("EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        names = ("A roof with windows on the side where the sun rises " * 3, "Door")
        invoices = [
            self._create_invoice([100.0], partner_id=partner.id, ref=ref, **values)
            for ref, values in (
                (names[0], {"invoice_date_due": "2026-02-01"}),
                (names[1], {"invoice_date_due": "2100-02-01"}),
                ("Disputed", {"payment_disputed": True,
                              "payment_disputed_reason": "x"}),
                ("Euro", {"currency_id": euro.id}),
                ("Paid", {}),
            )
        ]  # fmt: skip
        for invoice in invoices:
            invoice.action_post()
        self._pay(
            invoices[-1],
            provider_id=self.demo.id,
            payment_method_id=self.demo.payment_method_ids[:1].id,
        )
        statement = partner._get_statement_urls(self.company)[partner.id]
        with self.open_page(login=self.portal_user.login) as page:
            page.goto("/my/payments")
            page.find(".o_pbp_due_rows [name=due]")
            self._check(page, axe, "list")
            page.goto("/my/payments?filterby=paid")
            self._check(page, axe, "paid")
            page.goto("/my/payments?filterby=refunded")
            self._check(page, axe, "empty")
            page.goto("/my/payments")
            page.click("#o_pbp_all")
            page.click(".o_pbp_pay_selected", loads=True)
            page.find(".o_pbp_selection")
            self._check(page, axe, "one after the other")
            page.click(".o_pbp_selection a", loads=True)
            self._check(page, axe, "pay several")
        with self.open_page() as page:
            page.goto(statement)
            page.find("button[name=only]")
            self._check(page, axe, "statement")

    def test_portal(self):
        axe = self._get_axe()
        self.portal_user.name = "Joel Willis"
        service = self._create_service("Later", fee_policy="suggested")
        booking = self.book(service, partner=self.portal_user.partner_id)
        with self.open_page(login=self.portal_user.login) as page:
            page.goto("/my/bookings")
            page.find(f".o_pbp_bookings a[href*='{booking.id}']")
            self._check(page, axe, "list")
            page.goto("/my/bookings?filterby=past")
            page.find(".o_pbp a[href='/book']")
            self._check(page, axe, "empty list")
