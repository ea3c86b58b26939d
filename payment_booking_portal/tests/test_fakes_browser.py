"""A guest pays at Stripe and Mollie in a browser: Odoo's own modules, the fakes."""

from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal

from odoo import fields
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tests.common import _registry_test_lock
from odoo.tools import mute_logger

from .common_browser import BrowserCommon
from .gateway_common import GatewayCommon

SCRIPT = "https://js.stripe.com/v3/"
GOOD = "4242 4242 4242 4242"
DECLINED = "4000 0000 0000 0002"
SECURE = "4000 0025 0000 3155"
SLOW = "4000 0000 0000 1000"
PAY = "button[name=o_payment_submit_button]:enabled"
DIALOG = ".o_dialog .modal-body"
BOOKED = ".o_pbp_booked_paid"


class FakesBrowserCommon(BrowserCommon, GatewayCommon):
    """The fakes send their notifications, and the pages of both are really clicked."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Each provider has a method of its own: the page shows a method once.
        cls.paypal = cls.env.ref("payment.payment_method_paypal")
        cls.paypal.active = True
        cls.stripe.payment_method_ids = [Command.set(cls.card.ids)]
        cls.mollie.payment_method_ids = [Command.set(cls.paypal.ids)]
        (cls.demo + cls.transfer).write({"state": "disabled", "is_published": False})

    def setUp(self):
        super().setUp()
        self.fake_stripe, self.fake_mollie = self.fakes["stripe"], self.fakes["mollie"]
        self.fake_stripe.webhook_url = f"{self.base_url()}/payment/stripe/webhook"
        for fake in self.fakes.values():
            fake.auto_deliver = True
        # The fakes are not the browser: their notifications have no cookie.
        self.http_request_allow_all = True

    def fetch_proxy(self, url):
        """Override of `odoo` to give the stand-in for Stripe.js."""
        if url == SCRIPT:
            script = self.fake_stripe.script(None)
            return self.make_fetch_proxy_response(script.body)
        return super().fetch_proxy(url)

    # === WHAT A GUEST DOES === #

    def _book(self, page, prefix=""):
        """Book the last free time of the month, up to the pay page."""
        page.goto(f"{prefix}/book")
        page.click('.o_pbp_services a[href*="/book/haircut"]', loads=True)
        for links in (".o_pbp_month a.o_pbp_day", ".o_pbp_slots a"):
            # Not the first: while the guest types, it may become too near.
            last = f"[...document.querySelectorAll('{links}')].pop()"
            page.goto(page.evaluate(f"{last}.getAttribute('href')"))
        page.type("input[name=name]", "Marie Curie")
        page.type("input[name=email]", "marie@example.com")
        page.click(".o_pbp_details button[type=submit]", loads=True)
        page.find(".o_pbp_deadline")

    def _fill_card(self, page, number):
        page.click("input[name=o_payment_radio][data-provider-code=stripe]")
        for name, text in (("number", number), ("expiry", "12 / 40"), ("cvc", "123")):
            selector = f"[data-field={name}]"
            page.find(selector)
            page.evaluate(f"document.querySelector('{selector}').value = ''")
            page.type(selector, text)

    def _pay_by_card(self, page, number):
        self._fill_card(page, number)
        page.click(PAY)

    def _pay_by_mollie(self, page):
        page.click("input[name=o_payment_radio][data-provider-code=mollie]")
        page.click(PAY)
        page.find("button[name=status][value=paid]")
        self.assertTrue(
            page.evaluate("location.href").startswith(self.fake_mollie.root)
        )

    def _find_end(self, page, selector=BOOKED):
        """Wait for the page that the guest ends on, and for all of it."""
        page.find(selector)
        page.wait_loaded()

    def _read_dialog(self, page):
        page.find(DIALOG)
        text = page.evaluate(f"document.querySelector('{DIALOG}').innerText")
        page.click(".o_dialog footer button")
        page.wait_for("!document.querySelector('.o_dialog')")
        return text

    @contextmanager
    def _database(self):
        """Look at the database while the browser is open: nobody else does."""
        for fake in self.fakes.values():
            fake.wait_sent()
        with _registry_test_lock:
            yield


@tagged("post_install", "-at_install")
class TestFakesBrowser(FakesBrowserCommon):
    """A guest books, and pays at Stripe or Mollie."""

    # === WHAT THE DATABASE AND THE PROVIDER SAY === #

    def _get_tx(self):
        self.env.invalidate_all()
        booking = self.env["payment.booking"].search(
            [("service_id", "=", self.service.id)]
        )
        return booking.sudo()._get_allocations().transaction_id

    def _assert_held(self, state):
        """Check that nothing is decided yet.

        :param str state: of the transaction, which is returned.
        """
        with self._database():
            tx = self._get_tx()
            self.assertEqual(tx.state, state)
            self.assertEqual(self.get_booking().state, "hold")
            self.assertFalse(tx.payment_id)
        return tx

    def _assert_paid_once(self, provider):
        """Check the booking, its one payment, and the money at the provider."""
        for fake in self.fakes.values():
            fake.wait_sent()
        txs = self._get_tx()
        tx = txs.filtered(lambda tx: tx.state == "done")
        self.assertEqual(len(tx), 1)
        self.assertLessEqual(set((txs - tx).mapped("state")), {"cancel"})
        self.assertEqual(tx.provider_id, provider)
        self.assertIn(tx.provider_reference, self._fake_of(tx).objects)
        self.assertEqual(tx.amount, 60.0)
        self.assertEqual(tx.payment_id.amount, 60.0)
        booking = self.get_booking()
        self.assert_paid(booking)
        self.assertIn(tx.payment_id, booking.invoice_id._get_reconciled_payments())
        by_card = provider == self.stripe
        self.assertEqual(self.fake_stripe.balance("usd"), 6000 if by_card else 0)
        self.assertEqual(self.fake_mollie.balance("usd"), 0 if by_card else Decimal(60))
        for fake in self.fakes.values():
            self.assertEqual(
                {status for *_what, status in fake.deliveries} - {200}, set()
            )

    def _assert_not_charged(self):
        self.assertEqual(self.fake_stripe.balance("usd"), 0)
        self.assertEqual(self.fake_mollie.balance("usd"), 0)
        with self._database():
            booking = self.get_booking()
            self.assertEqual(booking.state, "hold")
            self.assertGreater(booking.hold_until, fields.Datetime.now())
            self.assertFalse(booking.invoice_id)
            self.assertFalse(self._get_tx().payment_id)

    def test_another_tab_has_paid(self):
        """Who then chooses another way pays no second time, and is told."""
        self.fake_stripe.lose = True
        with self.open_page() as page:
            self._book(page)
            with self._database():
                tx = self._begin(self.get_booking().sudo(), self.stripe)
                self.env.flush_all()
                self._pay_there(tx)
            page.click("input[name=o_payment_radio][data-provider-code=mollie]")
            page.click(PAY)
            self._find_end(page)
        self._assert_paid_once(self.stripe)

    # === STRIPE === #

    def test_card(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_card(page, GOOD)
            self._find_end(page)
        self._assert_paid_once(self.stripe)
        self.assertEqual(self._get_tx().payment_method_id.code, "visa")

    def test_card_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        with self.open_page() as page:
            self._book(page, "/fr")
            self._pay_by_card(page, GOOD)
            self._find_end(page, f"html[lang=fr-FR] {BOOKED}")
        self._assert_paid_once(self.stripe)
        self.assertEqual(self.get_booking().partner_id.lang, "fr_FR")

    def test_card_is_declined(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_card(page, DECLINED)
            self.assertIn("Your card was declined.", self._read_dialog(page))
            self._assert_not_charged()
            self._pay_by_card(page, GOOD)
            self._find_end(page)
        self._assert_paid_once(self.stripe)
        self.assertEqual(len(self.fake_stripe.calls("POST", "/confirm$")), 2)

    def test_3d_secure(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_card(page, SECURE)
            page.find("button[value=complete]")
            self._assert_not_charged()
            page.click("button[value=complete]")
            self._find_end(page)
        self._assert_paid_once(self.stripe)

    def test_3d_secure_fails(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_card(page, SECURE)
            page.click("button[value=fail]")
            page.find(".o_pbp_end_declined strong")
            page.wait_loaded()
            self._assert_not_charged()
            page.click(".o_pbp_end_declined a.btn-primary", loads=True)
            page.find(".o_pbp_pay_failed")
            self._pay_by_card(page, GOOD)
            self._find_end(page)
        self._assert_paid_once(self.stripe)
        self.assertEqual(len(self.fake_stripe.calls("POST", "payment_intents$")), 1)
        self.assertFalse(self._get_tx().state_message)

    def test_bank_takes_its_time(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_card(page, SLOW)
            page.find(".o_pbp_end_checking")
            page.wait_loaded()
            tx = self._assert_held("pending")
            self.fake_stripe.settle(tx.provider_reference)
            self._find_end(page)
        self._assert_paid_once(self.stripe)

    def test_stripe_is_down_when_the_guest_comes_back(self):
        with self.open_page() as page:
            self._book(page)
            self.fake_stripe.fail(times=99, method="GET", path="intents", status=500)
            with mute_logger("odoo.addons.payment_stripe.controllers.main"):
                self._pay_by_card(page, GOOD)
                page.find(".o_pbp_end_checking")
                page.wait_loaded()
                tx = self._assert_held("draft")
            self.fake_stripe.reset_log()
            with self._database():
                tx.ask_again_at = fields.Datetime.now()
                self._reconcile()
            self._find_end(page)
        self._assert_paid_once(self.stripe)

    # === MOLLIE === #

    def test_hosted_page(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.click("button[value=paid]")
            self._find_end(page)
        self._assert_paid_once(self.mollie)
        self.assertEqual(self._get_tx().payment_method_id, self.paypal)

    def test_guest_gives_up_at_mollie(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.click("button[value=canceled]")
            page.find(".o_pbp_end_declined strong")
            page.wait_loaded()
            self._assert_not_charged()
            page.click(".o_pbp_end_declined a.btn-primary", loads=True)
            self._pay_by_card(page, GOOD)
            self._find_end(page)
        self._assert_paid_once(self.stripe)
        states = self._get_tx().sorted("id").mapped("state")
        self.assertEqual(states, ["cancel", "done"])

    def test_guest_comes_back_without_paying(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.click("button[value=open]")
            page.find(".o_pbp_end_unfinished strong")
            page.wait_loaded()
            self._assert_not_charged()
            page.click(".o_pbp_end_unfinished a.btn-primary", loads=True)
            page.wait_for("!document.querySelector('.o_pbp_pay_failed')")
            self._pay_by_mollie(page)
            page.click("button[value=paid]")
            self._find_end(page)
        self._assert_paid_once(self.mollie)
        self.assertEqual(len(self.fake_mollie.calls("POST", "/v2/payments$")), 1)

    def test_unfinished_page_goes_on_by_itself(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.click("button[value=open]")
            page.find(".o_pbp_end_unfinished")
            page.wait_loaded()
            self.fake_mollie.pay(self._assert_held("draft").provider_reference)
            self._find_end(page)
        self._assert_paid_once(self.mollie)

    def test_back_button(self):
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.evaluate("window.pbpOldPage = true")
            page.evaluate("history.back()")
            page.find(".o_pbp_deadline")
            page.wait_loaded()
            # Money may come from Mollie's page: no second way to pay beside it.
            self._fill_card(page, GOOD)
            page.click(PAY)
            self.assertIn("You have started a payment", self._read_dialog(page))
            self._assert_not_charged()
            self._pay_by_mollie(page)
            page.click("button[value=paid]")
            self._find_end(page)
        self._assert_paid_once(self.mollie)
        self.assertEqual(len(self.fake_mollie.calls("POST", "/v2/payments$")), 1)

    def test_tab_is_closed(self):
        self.fake_mollie.lose = True
        with self.open_page() as page:
            self._book(page)
            self._pay_by_mollie(page)
            page.click("input[name=leave]")
            page.click("button[value=paid]")
            page.wait_for("document.body.innerText.includes('You did not go back')")
            # Paid, and neither a notification nor the client comes back.
            self._assert_held("draft")
        self._reconcile()
        self.assertEqual(self._get_tx().state, "draft", "asked too early")
        with freeze_time(fields.Datetime.now() + timedelta(minutes=3)):
            self._reconcile()
        self.assertFalse(self.fake_mollie.deliveries)
        self._assert_paid_once(self.mollie)
