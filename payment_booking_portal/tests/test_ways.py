"""Ways to pay that move no money at once: at the appointment, and by bank transfer."""

from unittest.mock import patch

from odoo.exceptions import UserError
from odoo.tests import JsonRpcException, freeze_time, tagged
from odoo.tools import mute_logger

from ..gateways import Gateway
from .bundle_common import BundleCommon
from .common import NOW
from .http_common import BookingHttpCommon
from .reminder_common import ReminderCommon
from .test_payable import PayableCommon


class VenueCommon(BundleCommon):
    """The studio also lets clients pay at the appointment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.at_venue = cls.env.ref("payment_booking_portal.payment_provider_at_venue")
        cls.at_venue.write(
            {"company_id": cls.company.id, "state": "enabled", "is_published": True}
        )
        cls.at_venue_method = cls.at_venue.payment_method_ids

    def _is_offered(self, document):
        return self.at_venue in document._get_payment_options().providers


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAtVenue(VenueCommon, BookingHttpCommon):
    """A client chooses to pay at the appointment: nothing is paid, nor on its way."""

    def setUp(self):
        super().setUp()
        self.booking = self._booking(local="2026-03-03 09:00")
        self.url = self.booking._get_pay_url()

    def _choose(self, url=None, **params):
        return self._call(
            f"{url or self.url}/transaction",
            **{
                "provider_id": self.at_venue.id,
                "payment_method_id": self.at_venue_method.id,
                "flow": "redirect",
                "access_token": "",
                **params,
            },
        )

    # === OFFERED OR NOT === #

    def test_method_is_switched_on_with_its_provider(self):
        self.assertTrue(self.at_venue_method.active)

    def test_offered_where_money_is_not_asked_for_first(self):
        self.assertTrue(self._is_offered(self.booking), "however near it is")
        self.assertTrue(self._is_offered(self._booking("2026-03-04 09:00", "on_site")))
        varies = self._booking("2026-03-05 09:00", "varies")
        varies._set_price(70.0, self.company.currency_id)
        self.assertTrue(self._is_offered(varies))

    def test_never_offered_for_a_payment_that_is_required(self):
        booking = self._booking("2026-03-04 09:00", "required")
        self.assertFalse(self._is_offered(booking))
        booking._confirm(reason="an old friend")
        self.assertFalse(self._is_offered(booking), "confirmed all the same")
        providers, _methods = self.env["payment.provider"]._get_usable(
            self.company, self.company.currency_id, 60.0, required=True, at_venue=True
        )
        self.assertNotIn(self.at_venue, providers)

    def test_offered_for_an_appointment_to_come_only(self):
        invoice = self._invoice([60.0])
        for document in (invoice, self._request(), self._bundle(self.booking, invoice)):
            self.assertFalse(self._is_offered(document), document._name)
        with freeze_time("2026-03-03 09:00:00"):
            self.assertFalse(self._is_offered(self.booking), "it has begun")

    def test_offered_where_there_is_a_place(self):
        self.booking.service_id.location_type = "online"
        self.assertFalse(self._is_offered(self.booking), "by video, nobody comes")
        self.booking._editing().fee_policy = "on_site"
        self.assertTrue(self._is_offered(self.booking), "so says the policy itself")

    def test_not_offered_once_staff_asks_for_the_money(self):
        self.booking._choose_venue()
        self.booking._ask_for_payment(self._utc("2026-03-02 20:00"), required=False)
        self.assertFalse(self.booking.pays_at_venue)
        self.assertFalse(self._is_offered(self.booking))

    def test_odoo_offers_it_nowhere_itself(self):
        providers = self.env["payment.provider"].sudo()._get_compatible_providers(
            self.company.id, self.partner.id, 60.0,
            currency_id=self.company.currency_id.id,
        )  # fmt: skip
        self.assertNotIn(self.at_venue, providers)

    def test_it_opens_no_service(self):
        (self.provider + self.transfer).is_published = False
        self.assertFalse(self.service._is_open())

    def test_it_is_no_connected_provider(self):
        self.env["payment.provider"].search([("id", "!=", self.at_venue.id)]).write(
            {"state": "disabled", "is_published": False}
        )
        self.env["payment.provider"]._get_venue_provider(self.company)
        step = self.env["payment.setup.step"].search([("key", "=", "provider")])
        self.assertFalse(step.is_done)
        self.assertFalse(step._get_started_provider(self.company))

    # === CHOSEN === #

    def test_choice_is_no_payment(self):
        form = self._choose()["redirect_form_html"]
        self.assertIn(f'action="{self.url}/at-venue"', form)
        self.env.invalidate_all()
        self.assertTrue(self.booking.pays_at_venue)
        self.assertFalse(self.booking._get_allocations())
        self.assertEqual(self.booking.state, "confirmed")
        self.assertEqual(self.booking.payment_coverage, "none")
        self.assertEqual(self.booking.amount_due, 60.0)
        self.assertEqual(self.booking._get_payable_status(), "payable")
        self.assertIn("pays at the appointment", self.booking.message_ids[0].body)

    def test_page_says_what_comes_next(self):
        self._choose()
        page = self._get(f"{self.url}/at-venue")
        self._assert_private(page)
        self.assertEqual(self._title(page), "You pay at the appointment")
        text = self._text(page)
        for words in ("$ 60.00", "Nothing was charged", "March 3", "studio@example"):
            self.assertIn(words, text)
        messages = self.booking.message_ids
        self._choose()
        self.env.invalidate_all()
        self.assertEqual(self.booking.message_ids, messages, "said once")

    def test_another_way_is_named_if_there_is_one(self):
        self._choose()
        self.assertIn("Pay now after all", self._get(f"{self.url}/at-venue").text)
        self.assertIn("You can also pay now", self._get(self.url).text)
        self.env["payment.provider"].search([("id", "!=", self.at_venue.id)]).write(
            {"state": "disabled", "is_published": False}
        )
        self.assertNotIn("Pay now after all", self._get(f"{self.url}/at-venue").text)
        self.assertNotIn("You can also pay now", self._get(self.url).text)

    def test_what_was_begun_before_is_not_refused(self):
        tx = self._start_payment(self.booking)
        tx._set_canceled()
        self._choose()
        answer = self._get(f"{self.url}/status")
        self.assertTrue(answer.headers["Location"].endswith(f"{self.url}/at-venue"))

    def test_page_of_the_choice_is_only_for_who_made_it(self):
        answer = self._get(f"{self.url}/at-venue")
        self.assertTrue(answer.headers["Location"].endswith(self.url))
        self.assertFalse(self.booking.pays_at_venue, "to look at it chooses nothing")
        self.assertEqual(self._get("/pay/wrong/at-venue").status_code, 404)

    def test_required_booking_is_not_talked_out_of_its_payment(self):
        booking = self._booking("2026-03-04 09:00", "required")
        with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
            self._choose(booking._get_pay_url())
        booking.invalidate_recordset()
        self.assertFalse(booking.pays_at_venue)
        self.assertEqual(booking.state, "hold")

    def test_money_on_its_way_stands_in_the_way(self):
        self._start_payment(self.booking)
        self.env.flush_all()
        with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
            self._choose()
        self.env.invalidate_all()
        self.assertFalse(self.booking.pays_at_venue)

    def test_only_our_page_writes_it(self):
        with self.assertRaises(UserError):
            self.booking.with_user(self.env.user).sudo(False).pays_at_venue = True

    # === AND THEN === #

    def test_staff_notes_the_money(self):
        self._choose()
        self.env.invalidate_all()
        method = self.env["payment.provider"]._get_venue_methods()[0]
        tx = self.booking._record_payment(60.0, method)
        self.assertEqual(tx.state, "done")
        self.assertEqual(self.booking.payment_coverage, "paid")
        self.assertEqual(self.booking.invoice_id.payment_state, "paid")
        self.env.flush_all()
        answer = self._get(f"{self.url}/at-venue")
        self.assertTrue(answer.headers["Location"].endswith(self.url))

    def test_client_may_change_their_mind(self):
        self._choose()
        self.assertIn("You can also pay now", self._text(self._get(self.url)))
        manage = self._text(self._get(self.booking._get_manage_url()))
        self.assertIn("at the appointment or online", manage)
        self.env.invalidate_all()
        self._pay(self.booking)
        self.assertEqual(self.booking.payment_coverage, "paid")
        self.assertEqual(len(self.booking._get_allocations()), 1)
        self.assertFalse(self.booking._is_venue_chosen())


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAtVenueReminders(VenueCommon, ReminderCommon):
    """Who pays at the appointment is not asked before it."""

    def test_reminded_only_once_it_is_late(self):
        self._rule(2, "before")
        self._rule(0, "on")
        self._rule(1)
        booking = self._booking("2026-03-10 09:00")
        booking._choose_venue()
        self._run_days("2026-03-07", "2026-03-10")
        self.assertEqual(self._sent(), [])
        self._run_days("2026-03-11", "2026-03-11")
        self.assertEqual([name for _at, _who, [name] in self._sent()], [booking.name])

    def test_who_did_not_choose_is_asked(self):
        self._rule(2, "before")
        self._booking("2026-03-10 09:00")
        self._run_days("2026-03-07", "2026-03-09")
        self.assertEqual(len(self._sent()), 1)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTransfer(BookingHttpCommon):
    """All that a bank transfer needs, on the page and in the mail."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.euro = cls._enable_currency("EUR")
        cls.bank = cls.env["res.partner.bank"].create(
            {
                "acc_number": "BE71096123456769",
                "partner_id": cls.company.partner_id.id,
                "company_id": cls.company.id,
                "allow_out_payment": True,
            }
        )
        cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        ).bank_account_id = cls.bank
        cls.transfer.qr_code = True

    def _transfer_of(self, booking, **values):
        tx = self._start_payment(
            booking,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
            **values,
        )
        tx._set_pending()
        return tx

    def _details(self, tx):
        return self.transfer._get_transfer_details(tx)

    def test_page_and_mail_say_all(self):
        booking = self._place_far()
        tx = self._transfer_of(booking)
        self.env.flush_all()
        page = self._get(f"{booking._get_pay_url()}/status")
        text = self._text(page)
        self.assertIn("Held for you until", self._title(page))
        self.assertIn("Thursday", self._title(page))
        for words in ("BE71 0961 2345 6769", tx.reference, self.company.name):
            self.assertIn(words, text)
        copied = self._parse(page).xpath("//button/@data-copy")
        self.assertEqual(copied, ["60.00", "BE71 0961 2345 6769", tx.reference])
        [mail] = self.env["mail.mail"].search(
            [("model", "=", booking._name), ("res_id", "=", booking.id)]
        )
        for words in ("BE71 0961 2345 6769", tx.reference, "$\xa060.00"):
            self.assertIn(words, mail.body_html)

    def test_confirmed_booking_gets_the_mail_too(self):
        service = self._create_service("Talk", fee_policy="suggested")
        booking = self._place_far(service=service)
        mails = self.env["mail.mail"].search([])
        self._transfer_of(booking)
        [mail] = self.env["mail.mail"].search([]) - mails
        self.assertIn("BE71 0961 2345 6769", mail.body_html)
        self.assertIn("You are booked", mail.body_html)
        self.assertNotIn("held for you", mail.body_html)

    def test_code_to_scan_where_the_account_allows_it(self):
        tx = self._transfer_of(self._place_far())
        self.assertFalse(self._details(tx)["qr_image"], "SEPA knows euros only")
        tx.currency_id = self.euro
        details = self._details(tx)
        self.assertIn("data:image/png", details["qr_image"])
        self.assertIn("/report/barcode/", details["qr_url"])
        self.assertIn("EUR60.0", details["qr_url"])
        self.transfer.qr_code = False
        self.assertFalse(self._details(tx)["qr_image"])
        first = self.env.ref("payment.payment_provider_transfer")
        self.assertTrue(first.qr_code, "switched on when the addon was installed")

    def test_structured_reference_stays_one(self):
        tx = self._transfer_of(self._place_far())
        tx.currency_id = self.euro
        free = self._details(tx)["qr_url"].split("%0A")
        invoice = self._create_invoice([60.0])
        invoice.payment_reference = "RF18539007547034"
        tx.invoice_ids = invoice
        details = self._details(tx)
        self.assertEqual(details["reference"], "RF18539007547034")
        coded = details["qr_url"].split("%0A")
        at = next(n for n, part in enumerate(coded) if "RF18539007547034" in part)
        self.assertNotEqual(coded[at], free[at], "in the field for such references")
        self.assertFalse(free[at])

    def test_account_is_said_once(self):
        account = self.transfer._get_transfer_account()
        self.assertEqual(account, self.bank)
        note = self.transfer._get_transfer_note
        self.transfer.action_recompute_pending_msg()
        self.assertIn("BE71", self.transfer.pending_msg)
        self.assertFalse(note(account), "what Odoo writes is shown already")
        self.transfer.pending_msg = "<h5>Bank</h5><p>BE71 0961 2345 6769</p><p>Hi</p>"
        self.assertIn("Hi", note(account))
        self.assertIn("Hi", note(self.env["res.partner.bank"]))
        self.transfer.pending_msg = "<p><br></p>"
        self.assertFalse(note(account))


@tagged("post_install", "-at_install")
class TestGatewayNote(PayableCommon):
    """Staff reads what Odoo cannot do with a provider."""

    def _note(self, code):
        provider = self.env["payment.provider"].search([("code", "=", code)], limit=1)
        return provider.gateway_note

    def test_paypal(self):
        note = self._note("paypal")
        self.assertIn("cannot ask PayPal what became", note)
        self.assertIn("cannot give money back through PayPal", note)

    def test_providers_that_are_asked(self):
        for code in ("stripe", "mollie", "custom", "demo"):
            self.assertFalse(self._note(code), code)

    def test_provider_that_can_nothing(self):
        self.provider.code = "none"
        self.assertFalse(self.provider.gateway_note)
        gateways = "odoo.addons.payment_booking_portal.gateways.GATEWAYS"
        with patch.dict(gateways, {"custom": Gateway}):
            self.transfer.invalidate_recordset()
            note = self.transfer.gateway_note
        self.assertIn("nor cancel them there", note)
        self.assertIn("24 more hours", note)
        self.assertIn("15 minutes", note)

    def test_missing_library(self):
        self.patch(self.registry["payment.provider"], "_has_library", lambda s: False)
        note = self._note("mollie")
        self.assertIn("library of Mollie is missing", note)
        self.assertIn("cannot give money back through Mollie", note)
        self.assertNotIn("cannot give money back", self._note("stripe"))
        self.assertFalse(self._note("custom"))

    def test_form_shows_it(self):
        arch = self.env["payment.provider"].get_view(view_type="form")["arch"]
        self.assertIn("gateway_note", arch)
