"""Five ways to pay on one page, and those that have no browser test elsewhere."""

from odoo import fields
from odoo.fields import Command
from odoo.tests import tagged
from odoo.tools import mute_logger

from . import test_accessibility
from .common_browser import DESKTOP, PHONE
from .fakes import FakePaypal
from .test_fakes_browser import BOOKED, PAY, FakesBrowserCommon

RADIO = "input[name=o_payment_radio][data-payment-method-code={}]"
PAYPAL_SCRIPT = "https://www.paypal.com/sdk/js?"
PAYPAL = "[id^=o_paypal_enabled_button] .o_fake_paypal_button"
LABELS = """
[...document.querySelectorAll("[name=o_payment_option] .o_payment_option_label")]
    .filter((el) => el.checkVisibility()).map((el) => el.innerText.trim())
"""
# The forms of the ways to pay that are open.
OPEN = """
[...document.querySelectorAll("[name=o_payment_inline_form]")]
    .filter((el) => el.checkVisibility()).length
"""
BUTTON = (
    "document.querySelector('button[name=o_payment_submit_button]').textContent.trim()"
)


@tagged("post_install", "-at_install")
class TestWaysBrowser(FakesBrowserCommon):
    """Card (Stripe), a method of Mollie, PayPal, bank transfer, at the appointment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        bancontact = cls.env.ref("payment.payment_method_bancontact")
        bancontact.write(
            {
                "active": True,
                "supported_currency_ids": [Command.clear()],
                "supported_country_ids": [Command.clear()],
            }
        )
        cls.mollie.payment_method_ids = [Command.set(bancontact.ids)]
        cls.paypal_provider = cls._open_provider(
            "paypal",
            paypal_email_account="studio@example.com",
            paypal_client_id="client_fake",
            paypal_client_secret="secret_fake",
            paypal_webhook_id="webhook_fake",
        )
        bank = cls.env["res.partner.bank"].create(
            {
                "acc_number": "BE71096123456769",
                "partner_id": cls.company.partner_id.id,
                "company_id": cls.company.id,
                "allow_out_payment": True,
            }
        )
        cls.stripe.journal_id.bank_account_id = bank
        cls.transfer.write(
            {
                "state": "enabled",
                "is_published": True,
                "redirect_form_view_id": cls.env.ref("payment_custom.redirect_form").id,
            }
        )
        cls.transfer.action_recompute_pending_msg()
        cls.at_venue = cls.env.ref("payment_booking_portal.payment_provider_at_venue")
        cls.at_venue.write(
            {"company_id": cls.company.id, "state": "enabled", "is_published": True}
        )
        cls.talk = cls._create_service(
            "Talk", fee_policy="suggested", notice_hours=24 * 8, is_published=True
        )

    def _make_fakes(self):
        return {**super()._make_fakes(), "paypal": FakePaypal()}

    def setUp(self):
        super().setUp()
        self.fake_paypal = self.fakes["paypal"]
        self.fake_paypal.webhook_url = f"{self.base_url()}/payment/paypal/webhook/"

    def fetch_proxy(self, url):
        """Override of `odoo` to give the stand-in for PayPal's script."""
        if url.startswith(PAYPAL_SCRIPT):
            return self.make_fetch_proxy_response(self.fake_paypal.script(None).body)
        return super().fetch_proxy(url)

    def _place_talk(self):
        booking = self.book(self.talk)
        return booking, booking._get_pay_url()

    def _choose(self, page, code):
        page.click(RADIO.format(code))
        page.wait_for(f"document.querySelector('{RADIO.format(code)}').checked")

    def _assert_open(self, booking):
        """Check that all is still to be paid."""
        with self._database():
            booking.invalidate_recordset()
            self.assertEqual(booking.state, "confirmed")
            self.assertEqual(booking._get_payable_amount(), 60.0)
            self.assertFalse(booking._get_payable_paid())

    # === THE PAGE === #

    def test_five_ways_on_one_page(self):
        axe = test_accessibility.TestAccessibility._get_axe(self)
        check = test_accessibility.TestAccessibility._check
        booking, url = self._place_talk()
        required = self.book(self.service)
        required_url = required._get_pay_url()
        with self.open_page() as page:
            page.goto(url)
            self.assertEqual(
                page.evaluate(LABELS),
                ["Card", "Paypal", "Bancontact", "Wire Transfer", "At the appointment"],
            )
            self._choose(page, "card")
            page.find("[data-field=number]")
            self.assertEqual(page.evaluate(OPEN), 1)
            pay = page.evaluate(BUTTON)
            self.assertIn("60.00", pay)
            for code, label in (
                ("wire_transfer", "Show the bank details"),
                ("pbp_at_venue", "Pay at the appointment"),
                ("bancontact", pay),
            ):
                self._choose(page, code)
                page.wait_for(f"{BUTTON} === {label!r}")
                self.assertLessEqual(page.evaluate(OPEN), 1, code)
                self.assertFalse(
                    page.evaluate(
                        "document.querySelector('[data-field=number]')"
                        ".checkVisibility()"
                    )
                )
            self._choose(page, "paypal")
            page.find(PAYPAL)
            page.wait_for(
                "!document.querySelector('button[name=o_payment_submit_button]')"
                ".checkVisibility()",
                "PayPal has a button of its own",
            )
            check(self, page, axe, "five ways")
            # A required booking, two days before it: neither word nor transfer.
            page.goto(required_url)
            self.assertEqual(page.evaluate(LABELS), ["Card", "Paypal", "Bancontact"])

    # === AT THE APPOINTMENT === #

    def test_at_the_appointment(self):
        booking, url = self._place_talk()
        with self.open_page() as page:
            page.resize(*PHONE)
            page.goto(url)
            self._choose(page, "pbp_at_venue")
            page.click(PAY)
            page.find(".o_pbp_end_later")
            page.wait_loaded()
            text = page.evaluate("document.body.innerText")
            self.assertIn("Nothing was charged", text)
            self._assert_open(booking)
            with self._database():
                self.assertTrue(booking.pays_at_venue)
                self.assertFalse(booking._get_allocations())
            # They change their mind.
            page.click(".o_pbp_pay_after_all", loads=True)
            page.find(".o_pbp_pay_notice")
            self._pay_by_card(page, "4242 4242 4242 4242")
            self._find_end(page)
        self.env.invalidate_all()
        self.assert_paid(booking)

    # === BANK TRANSFER === #

    def test_bank_transfer(self):
        booking, url = self._place_talk()
        with self.open_page() as page:
            page.resize(*DESKTOP)
            page.goto(url)
            self._choose(page, "wire_transfer")
            page.click(PAY)
            page.find(".o_pbp_end_transfer .o_pbp_copy")
            page.wait_loaded()
            text = page.evaluate("document.body.innerText")
            with self._database():
                tx = booking._get_allocations().transaction_id
                self.assertEqual((tx.state, tx.amount), ("pending", 60.0))
                self.assertEqual(tx.provider_id.custom_mode, "wire_transfer")
                self.assertEqual(booking.payment_coverage, "processing")
            for words in ("You have not paid yet", "BE71 0961 2345 6769", tx.reference):
                self.assertIn(words, text)
        tx.action_confirm_received()
        self.assert_paid(booking)

    # === PAYPAL === #

    def test_paypal(self):
        booking, url = self._place_talk()
        with self.open_page() as page:
            page.goto(url)
            self._choose(page, "paypal")
            page.click(PAYPAL)
            page.find(".o_fake_paypal_approve")
            self._assert_open(booking)
            page.click(".o_fake_paypal_approve")
            self._find_end(page)
        self.fake_paypal.wait_sent()
        self.assertEqual(
            {status for *_what, status in self.fake_paypal.deliveries}, {200}
        )
        self.assertEqual(self.fake_paypal.balance("usd"), 60)
        self.env.invalidate_all()
        self.assert_paid(booking)
        tx = booking._get_allocations().transaction_id
        self.assertEqual((tx.state, tx.amount), ("done", 60.0))
        self.assertEqual(tx.provider_id, self.paypal_provider)
        self.assertEqual(tx.payment_id.amount, 60.0)

    def test_paypal_is_given_up(self):
        booking, url = self._place_talk()
        with self.open_page() as page:
            page.goto(url)
            self._choose(page, "paypal")
            page.click(PAYPAL)
            page.click(".o_fake_paypal_cancel")
            self._assert_open(booking)
            self._pay_by_card(page, "4242 4242 4242 4242")
            self._find_end(page, BOOKED)
        self.env.invalidate_all()
        self.assert_paid(booking)
        txs = booking._get_allocations().transaction_id.sorted("id")
        self.assertEqual(txs.mapped("state"), ["cancel", "done"])
        # What was given up is not taken, even if the client approves it after all.
        [order] = self.fake_paypal.objects
        self.fake_paypal.approve(order)
        with self.assertRaisesRegex(Exception, "given up"):
            txs[0]._send_api_request("POST", f"/v2/checkout/orders/{order}/capture")
        self.assertEqual(self.fake_paypal.balance("usd"), 0)

    def test_time_is_over_while_paypal_is_open(self):
        booking = self.book(self.service)
        url = booking._get_pay_url()
        with self.open_page() as page:
            page.goto(url)
            self._choose(page, "paypal")
            page.click(PAYPAL)
            page.find(".o_fake_paypal_approve")
            with self._database():
                booking._editing().hold_until = fields.Datetime.subtract(
                    fields.Datetime.now(), minutes=1
                )
                self.assertTrue(booking._is_hold_alive(), "until PayPal was asked")
                booking._end_hold()
                self.assertEqual(booking.state, "expired")
                self.env.flush_all()
            page.click(".o_fake_paypal_approve")
            self.assertIn("You were not charged", self._read_dialog(page))
        self.fake_paypal.wait_sent()
        self.assertEqual(self.fake_paypal.balance("usd"), 0)

    def test_another_way_has_paid(self):
        """Who then chooses PayPal is told, though its module reads the answer first."""
        booking, url = self._place_talk()
        self.fakes["stripe"].lose = True
        with self.open_page() as page:
            page.goto(url)
            self._choose(page, "paypal")
            page.find(PAYPAL)
            with self._database():
                tx = self._begin(booking, self.stripe)
                self.env.flush_all()
                self._pay_there(tx)
            page.click(PAYPAL)
            self._find_end(page)
        self.assertFalse(self.fake_paypal.objects)
        self.env.invalidate_all()
        self.assert_paid(booking)

    def test_webhook_tells_what_was_taken(self):
        """The answer to the capture was lost; PayPal tells, and so do others."""
        booking, _url = self._place_talk()
        tx = self._start_payment(
            booking,
            provider_id=self.paypal_provider.id,
            payment_method_id=self.paypal.id,
            operation="online_direct",
        )
        order = tx._get_processing_values()["order_id"]
        self.fake_paypal.approve(order)
        self.fake_paypal.lose = True
        self.fake_paypal.order_capture(None, order)
        self.env.flush_all()
        logger = "odoo.addons.payment_paypal.controllers.main"
        with mute_logger(logger), self.allow_requests(all_requests=True):
            self.assertEqual(self.fake_paypal.deliver(order, is_signed=False), 403)
        self.env.invalidate_all()
        self.assertEqual(tx.state, "draft")
        with self.allow_requests(all_requests=True):
            self.assertEqual(self.fake_paypal.deliver(order), 200)
        self.env.invalidate_all()
        self.assertEqual(tx.state, "done")
        tx._post_process()
        self.assert_paid(booking)
