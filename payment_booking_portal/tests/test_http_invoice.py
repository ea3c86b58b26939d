"""Invoices are paid on our page or on Odoo's own, and never twice."""

from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, tagged
from odoo.tools import mute_logger

from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpInvoice(BookingHttpCommon):
    needs_portal_user = True

    def setUp(self):
        super().setUp()
        self.invoice = self._make([100, 20])
        self.url = self.invoice._get_pay_url()

    def _make(self, amounts, **values):
        invoice = self._create_invoice(amounts, **values)
        invoice.action_post()
        return invoice

    def _call(self, path, **params):
        """Override to have the words of a refusal."""
        answer = self.url_open(path, json={"params": params}, timeout=60).json()
        if "error" in answer:
            raise JsonRpcException(200, answer["error"]["data"]["message"])
        return answer["result"]

    def _choice(self, **params):
        return {
            "provider_id": self.provider.id,
            "payment_method_id": self.payment_method_id,
            "token_id": None,
            "flow": "redirect",
            "tokenization_requested": False,
            **params,
        }

    def _start(self, **params):
        values = self._call(
            f"{self.url}/transaction", **self._choice(access_token="x", **params)
        )
        return self._get_tx(values["reference"])

    def _start_native(self, invoice=None, **params):
        invoice = invoice or self.invoice
        values = self._call(
            f"/invoice/transaction/{invoice.id}",
            **self._choice(
                access_token=invoice._portal_ensure_token(),
                landing_route="/my/invoices",
                **{"amount": invoice.amount_residual, **params},
            ),
        )
        return self._get_tx(values["reference"])

    def _start_overdue(self, amount, **params):
        values = self._call(
            "/invoice/transaction/overdue",
            **self._choice(
                landing_route="/my/invoices",
                amount=amount,
                **{"payment_reference": "BATCH/2026/0001", **params},
            ),
        )
        return self._get_tx(values["reference"])

    def _assert_refused(self, words, start, **params):
        count = self.env["payment.transaction"].sudo().search_count([])
        with (
            mute_logger("odoo.http"),
            self.assertRaises(JsonRpcException) as caught,
        ):
            start(**params)
        self.assertIn(words, str(caught.exception))
        now = self.env["payment.transaction"].sudo().search_count([])
        self.assertEqual(now, count)

    # === OUR PAGE ===

    def test_pay_page(self):
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        words = self._text(page)
        self.assertIn(self.invoice.name, words)
        self.assertIn("120.00", words)
        self.assertNotIn("How much?", words)

    def test_paid_on_our_page(self):
        tx = self._start(amount=1.0)  # what a script sends is not read
        self.assertEqual(tx.amount, 120)
        self.assertEqual(tx.partner_id, self.invoice.partner_id)
        self.assertEqual(tx.invoice_ids, self.invoice)
        self.assertTrue(tx.reference.startswith(self.invoice.name))
        tx._set_done()
        answer = self._call(f"{self.url}/poll")
        self.assertEqual(answer["url"], f"{self.url}/receipt")
        self.assertEqual(self.invoice.payment_state, "paid")
        words = self._text(self._get(f"{self.url}/receipt"))
        self.assertIn("Thank you, it is paid", words)
        self.assertIn("already paid", self._text(self._get(self.url)))
        self._assert_refused("already paid", self._start)

    def test_ends(self):
        draft = self._create_invoice([10])
        words = self._text(self._get(draft._get_pay_url()))
        self.assertIn("not issued", words)
        self.assertNotIn(self.partner.name, words)
        self.invoice.write(
            {"payment_disputed": True, "payment_disputed_reason": "Wrong hours"}
        )
        page = self._get(self.url)
        self.assertEqual(page.status_code, 409)
        self.assertIn("being checked", self._text(page))
        self.assertNotIn("Wrong hours", self._text(page))
        self._assert_refused("being checked", self._start)

    def test_bank_transfer_is_mailed_to_who_has_an_address(self):
        for email in ("payer@example.com", False):
            self.partner.email = email
            invoice = self._make([10])
            self.url = invoice._get_pay_url()
            before = self.env["mail.mail"].search_count([])
            tx = self._start(
                provider_id=self.transfer.id,
                payment_method_id=self.transfer_method.id,
            )
            tx._set_pending()
            self.env.flush_all()
            text = self._text(self._get(self.url))
            self.assertIn(tx._get_communication(), text)
            self.assertEqual("sent you all of this by e-mail" in text, bool(email))
            sent = self.env["mail.mail"].search_count([]) - before
            self.assertEqual(sent, 1 if email else 0)

    def test_choose_a_part(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        words = self._text(self._get(self.url))
        self.assertIn("How much?", words)
        self.assertIn("From $ 30.00 to $ 120.00", words)
        page = self._parse(self._get(f"{self.url}?choice=own&own=45"))
        form = page.xpath("//form[@data-amount]")[0]
        self.assertEqual(float(form.get("data-amount")), 45)
        for own in ("29", "121", "-1", "abc", "", "1e9", "45.001", "nan"):
            page = self._parse(self._get(f"{self.url}?choice=own&own={own}"))
            form = page.xpath("//form[@data-amount]")[0]
            self.assertEqual(float(form.get("data-amount")), 120, own)
            self.assertTrue(page.xpath("//input[@aria-invalid='true']"), own)
        for odd in ("choice=x", "choice=full&choice=own", "own=45"):
            self.assertEqual(self._get(f"{self.url}?{odd}").status_code, 200)

    def test_pay_a_part(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        for wrong in (29.0, 121.0, -50.0):
            self._assert_refused("You can pay", self._start, amount=wrong)
        self._assert_refused("fractions", self._start, amount=45.001)
        for wrong in ("45", True, [45]):
            self._assert_refused("not a number", self._start, amount=wrong)
        tx = self._start(amount=45.0)
        self.assertEqual(tx.amount, 45)
        self.assertEqual(tx.allocation_ids.amount, 45)
        tx._set_done()
        self._call(f"{self.url}/poll")
        self.assertEqual(self.invoice.amount_residual, 75)
        words = self._text(self._get(self.url))
        self.assertIn("we received $ 45.00", words)
        self.assertIn("75.00", words)

    def test_other_part_replaces_the_first(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        first = self._start(amount=45.0)
        self.assertEqual(self._start(amount=45.0), first)
        self._assert_refused("started a payment", self._start, amount=60.0)

    def test_part_on_its_way(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        tx = self._start(amount=45.0)
        tx._set_pending()
        words = self._text(self._get(self.url))
        self.assertIn("75.00", words)
        self._assert_refused("You can pay", self._start, amount=100.0)
        self.assertEqual(self._start(amount=75.0).amount, 75)

    # === ODOO'S OWN ROUTES ===

    def test_native(self):
        tx = self._start_native()
        self.assertEqual(tx.amount, 120)
        self.assertEqual(tx.allocation_ids.invoice_id, self.invoice)
        self.assertEqual(self._start_native(), tx)
        tx._set_done()
        self._assert_refused("already paid", self._start_native)
        self._assert_refused("already paid", self._start)

    def test_native_amount_is_checked(self):
        for wrong in (1.0, 121.0, -120.0):
            self._assert_refused("in full", self._start_native, amount=wrong)
        for wrong in ("120", True, [120]):
            self._assert_refused("not a number", self._start_native, amount=wrong)
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        self._assert_refused("You can pay", self._start_native, amount=29.0)
        self.assertEqual(self._start_native(amount=30.0).amount, 30)

    def test_native_state_is_checked(self):
        draft = self._create_invoice([10])
        self._assert_refused("not issued", self._start_native, invoice=draft)
        self.invoice.write({"payment_disputed": True, "payment_disputed_reason": "x"})
        self._assert_refused("being checked", self._start_native)

    def test_native_is_no_validation(self):
        tx = self._start_native(is_validation=True)
        self.assertEqual((tx.operation, tx.amount), ("online_redirect", 120))

    def test_native_pending(self):
        self._start_native()._set_pending()
        self._assert_refused("being processed", self._start_native)
        self._assert_refused("being processed", self._start)

    def test_signed_amount_of_staff(self):
        wizard = self.env["payment.link.wizard"].create(
            {"res_model": "account.move", "res_id": self.invoice.id, "amount": 40}
        )
        self._assert_refused("in full", self._start_native, amount=40.0)
        path = wizard.link[wizard.link.index("/my/") :]
        self.assertEqual(self._get(path.split("#")[0]).status_code, 200)
        self.assertEqual(self._start_native(amount=40.0).amount, 40)
        self._assert_refused("in full", self._start_native, amount=39.0)

    def test_overdue_in_one_go(self):
        partner = self.portal_user.partner_id
        old = [
            self._make([amount], partner_id=partner.id, invoice_date_due="2026-02-01")
            for amount in (30, 50)
        ]
        self._pay_part(old[0], 10)
        self._log_in()
        page = self._parse(self._get("/my/invoices/overdue"))
        form = page.xpath("//form[@data-amount]")[0]
        self.assertEqual(float(form.get("data-amount")), 70)
        self._assert_refused("has changed", self._start_overdue, amount=80.0)
        tx = self._start_overdue(amount=70.0)
        self.assertEqual(tx.amount, 70)
        self.assertEqual(
            {line.invoice_id: line.amount for line in tx.allocation_ids},
            {old[0]: 20, old[1]: 50},
        )
        tx._set_done()
        tx._post_process()
        self.assertEqual([one.payment_state for one in old], ["paid", "paid"])

    def test_overdue_paid_meanwhile(self):
        partner = self.portal_user.partner_id
        old = [
            self._make([amount], partner_id=partner.id, invoice_date_due="2026-02-01")
            for amount in (30, 50, 70)
        ]
        self._pay_part(old[0], 30)
        self._log_in()
        self._assert_refused("has changed", self._start_overdue, amount=150.0)
        tx = self._start_overdue(amount=120.0, payment_reference="<b>x</b>")
        self.assertEqual(tx.allocation_ids.invoice_id, old[1] + old[2])
        self.assertNotIn("<", tx.reference)

    def _log_in(self):
        self.authenticate(self.portal_user.login, self.portal_user.login)

    def _pay_part(self, invoice, amount):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"amount": amount})
        )
        wizard._create_payments()

    def test_form_of_invoices(self):
        form = self.env["payment.form"].create(
            {
                "name": "Cost centre",
                "company_id": self.company.id,
                "field_ids": [
                    Command.create(
                        {"label": "Cost centre", "kind": "text", "required": True}
                    )
                ],
            }
        )
        self.company.booking_invoice_form_id = form
        words = self._text(self._get(self.url))
        self.assertIn("Cost centre", words)
        self._assert_refused("fill in", self._start)
