"""Who chooses another way to pay has paid already, and the provider has told nobody."""

from odoo.tests import freeze_time, tagged

from .common import NOW
from .gateway_common import GatewayCommon
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpPaid(GatewayCommon, BookingHttpCommon):
    needs_portal_user = True

    def setUp(self):
        super().setUp()
        self.booking = self._place()
        self.url = self.booking._get_pay_url()

    def _choose(self, provider, url=None, **params):
        """Choose a way to pay, as the payment form does."""
        return self._call(
            url or f"{self.url}/transaction",
            provider_id=provider.id,
            payment_method_id=self.card.id,
            token_id=None,
            flow="direct" if provider == self.stripe else "redirect",
            tokenization_requested=False,
            landing_route="/",
            **(params or {"access_token": self.booking.access_token}),
        )

    def _choose_and_pay(self, provider, url=None):
        values = self._choose(provider, url)
        tx = self._get_tx(values["reference"])
        tx.invalidate_recordset()
        self._pay_there(tx)
        return tx

    def _assert_shown(self, path):
        """Check that the client is led to the end that the payment has."""
        self.assertIn("We are checking", self._title(self._get(path)))
        url = self._call(f"{self.url}/poll")["url"]
        self.assertEqual(self._get(url).status_code, 200)
        self.env.invalidate_all()
        self.assertEqual(self.booking.state, "confirmed")
        self.assertEqual(len(self.booking.allocation_ids), 1)

    def test_another_provider(self):
        pairs = (
            (self.stripe, self.mollie),
            (self.mollie, self.stripe),
            (self.stripe, self.stripe),
        )
        for hour, (first, second) in enumerate(pairs, 9):
            with self.subTest(first=first.name, second=second.name):
                tx = self._choose_and_pay(first)
                there = len(self.fakes[second.code].objects)
                answer = self._choose(second)
                self.assertEqual(answer, {"paid_url": f"{self.url}/status"})
                tx.invalidate_recordset()
                self.assertEqual(tx.state, "done", "it is kept at once")
                self.assertEqual(len(self.fakes[second.code].objects), there)
                self._assert_shown(answer["paid_url"])
            self.booking = self._place(local=f"2026-03-04 {hour:02}:00")
            self.url = self.booking._get_pay_url()

    def test_given_up(self):
        form = self._form(self._get(self.url), "/drop")
        tx = self._choose_and_pay(self.stripe)
        answer = self._post(f"{self.url}/drop", form)
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(answer.headers["Location"], f"{self.url}/status")
        tx.invalidate_recordset()
        self.assertEqual(tx.state, "done")
        self._assert_shown(f"{self.url}/status")

    def test_invoice_on_the_page_of_odoo(self):
        invoice = self._create_invoice([60])
        invoice.partner_id = self.portal_user.partner_id
        invoice.action_post()
        self.authenticate(self.portal_user.login, self.portal_user.login)
        url = f"/invoice/transaction/{invoice.id}"
        self.booking = invoice
        tx = self._choose_and_pay(self.stripe, url)
        answer = self._choose(self.mollie, url)
        self.assertEqual(answer["paid_url"], f"{invoice._get_pay_url()}/status")
        tx.invalidate_recordset()
        self.assertEqual(tx.state, "done")

    def test_one_of_several_invoices(self):
        self.authenticate(self.portal_user.login, self.portal_user.login)
        invoices = []
        for amount in (60, 70):
            invoice = self._create_invoice([amount])
            invoice.partner_id = self.portal_user.partner_id
            invoice.invoice_date_due = "2026-02-01"
            invoice.action_post()
            invoices.append(invoice)
        self.booking = invoice = invoices[0]  # Odoo names the newest one first
        tx = self._choose_and_pay(self.stripe, f"/invoice/transaction/{invoice.id}")
        answer = self._choose(
            self.mollie,
            "/invoice/transaction/overdue",
            amount=130.0,
            payment_reference="BATCH",
        )
        self.assertEqual(answer["paid_url"], f"{invoice._get_pay_url()}/status")
        tx.invalidate_recordset()
        self.assertEqual(tx.state, "done")

    def test_staff_notes_cash(self):
        tx = self._choose_and_pay(self.stripe)
        wizard = self.env["payment.booking.record"].create(
            {"booking_id": self.booking.id}
        )
        action = wizard.action_record()
        self.assertIn("paid online meanwhile", action["params"]["message"])
        self.assertEqual(tx.state, "done")
        self.assertEqual(self.booking.allocation_ids.transaction_id, tx)
