"""Receipts: one for each payment, for whoever paid, and for staff."""

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW
from .http_common import BookingHttpCommon
from .test_booking_invoice import BookingInvoiceCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReceipt(BookingInvoiceCommon):
    def setUp(self):
        super().setUp()
        self.invoice = self._create_invoice([120.0])
        self.invoice.action_post()
        self.partner.email = "payer@example.com"

    def _html(self, tx):
        content, kind = tx._render_receipt()
        self.assertIn(kind, ("html", "pdf"))
        content, _kind = self.env["ir.actions.report"]._render_qweb_html(
            "payment_booking_portal.action_report_receipt", tx.ids
        )
        return " ".join(content.decode().split())

    def _mails(self):
        return self.env["mail.mail"].search([("model", "=", "payment.transaction")])

    def test_what_it_says(self):
        tx = self._pay(self.invoice)
        html = self._html(tx)
        for words in (tx.reference, self.invoice.name, "120.00"):
            self.assertIn(words, html)
        self.assertNotIn("Advance payment", html)
        self.assertNotIn("Test payment", html)

    def test_test_money_says_so(self):
        tx = self._pay(self.invoice)
        tx.is_live = False
        self.assertIn("no real money moved", self._html(tx))

    def test_an_advance_says_so(self):
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 70.0, "reason": "For later"}
        )
        request.action_make_link()
        tx = self._pay(request.sudo())
        html = self._html(tx)
        self.assertIn("Advance payment", html)
        self.assertIn("For later", html)

    def test_given_back(self):
        tx = self._pay(self.invoice)
        refund = tx._create_child_transaction(20.0, is_refund=True)
        refund._set_done()
        self.assertIn("Given back on", self._html(tx))
        [receipt] = self.invoice._get_receipts()
        self.assertIn("20.00", receipt["refunds"][0])

    def test_what_is_not_given_back_yet(self):
        tx = self._pay(self.invoice)
        refund = tx._create_child_transaction(20.0, is_refund=True)
        for state in ("draft", "error"):
            with self.subTest(state):
                self.assertEqual(refund.state, state)
                self.assertNotIn("Given back", self._html(tx))
                [receipt] = self.invoice._get_receipts()
                self.assertEqual(receipt["refunds"], [])
            if state == "draft":
                refund._set_error("No money on the account")

    def test_given_back_of_several_documents(self):
        """A document says its own share, the receipt says all of it."""
        tx = self._start_payment(self.invoice)
        other = self._create_invoice([80.0])
        other.action_post()
        tx.amount = 200.0
        self.env["payment.transaction.allocation"].sudo().create(
            {"transaction_id": tx.id, "invoice_id": other.id, "amount": 80.0}
        )
        tx._set_done()
        tx._post_process()
        tx._create_child_transaction(50.0, is_refund=True)._set_done()
        for invoice, amount in ((self.invoice, "30.00"), (other, "20.00")):
            [receipt] = invoice._get_receipts()
            self.assertIn(amount, receipt["refunds"][0])
        self.assertIn("50.00", self._html(tx))

    def test_in_the_language_of_the_client(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.partner.lang = "fr_FR"
        tx = self._pay(self.invoice)
        html = self._html(tx)
        self.assertEqual(tx._get_receipt_lang(), "fr_FR")
        self.assertIn("120,00", html)

    def test_one_mail_for_an_invoice(self):
        before = self._mails()
        tx = self._pay(self.invoice)
        mail = self._mails() - before
        self.assertEqual(len(mail), 1)
        self.assertIn("payer@example.com", mail.email_to)
        self.assertIn(self.invoice.name, mail.body_html)
        self.assertIn(f"/receipt/{tx.id}", mail.body_html)
        tx._post_process()
        self.assertEqual(self._mails() - before, mail, "not twice")

    def test_one_mail_for_several_documents(self):
        booking = self._confirmed(60.0)
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 20.0, "reason": "Oil"}
        )
        request.action_make_link()
        tx = self._start_payment(self.invoice)
        tx.amount = 200.0
        self.env["payment.transaction.allocation"].sudo().create(
            [
                {"transaction_id": tx.id, "booking_id": booking.id, "amount": 60.0},
                {"transaction_id": tx.id, "request_id": request.id, "amount": 20.0},
            ]
        )
        mails = self.env["mail.mail"].search([])
        tx._set_done()
        tx._post_process()
        new = self.env["mail.mail"].search([]) - mails
        receipts = new.filtered(lambda mail: "receipt" in mail.subject.lower() or (
            mail.model == "payment.transaction"
        ))  # fmt: skip
        self.assertEqual(receipts.mapped("model"), ["payment.transaction"])
        for words in (self.invoice.name, "Oil", "200.00"):
            self.assertIn(words, receipts.body_html)
        self.assertEqual(self.invoice.amount_residual, 0.0)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(request.state, "paid")
        texts = " ".join(booking.message_ids.mapped("body")).replace("&nbsp;", "\xa0")
        self.assertIn("paid $\xa060.00", texts)
        self.assertNotIn("paid $\xa0200.00", texts)

    def test_a_booking_confirmed_by_its_payment_tells_of_it_itself(self):
        booking = self._place(partner=self.partner)
        before = self._mails()
        self._pay(booking)
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(self._mails() - before)

    def test_staff_sends_it_again(self):
        document = self.invoice.with_user(self.user)
        with self.assertRaises(UserError):
            document.action_send_receipt()
        tx = self._pay(self.invoice)
        before = self._mails()
        document.action_send_receipt()
        self.assertEqual(len(self._mails() - before), 1)
        action = document.action_print_receipt()
        self.assertEqual(action["url"], f"/my/receipts/{tx.id}")
        self.partner.email = tx.partner_email = False
        with self.assertRaises(UserError):
            document.action_send_receipt()

    def test_from_the_list_of_what_came(self):
        tx = self._pay(self.invoice)
        self.env.flush_all()
        Received = self.env["payment.received"].with_user(self.user)
        row = Received.search([("invoice_id", "=", self.invoice.id)])
        self.assertTrue(row.has_receipt)
        self.assertEqual(row.action_print_receipt()["url"], f"/my/receipts/{tx.id}")

    def test_staff_need_not_send_one(self):
        Wizard = self.env["payment.invoice.record"].with_user(self.user)
        before = self._mails()
        for amount, send in ((20.0, False), (30.0, True)):
            values = {"invoice_id": self.invoice.id, "amount": amount, "send": send}
            Wizard.create(values).action_record()
            self.assertEqual(len(self._mails() - before), int(send))

    def test_rights(self):
        self._pay(self.invoice)
        stranger = new_test_user(self.env, "stranger", groups="base.group_user")
        portal = new_test_user(self.env, "client", groups="base.group_portal")
        for user in (stranger, portal):
            with self.assertRaises(AccessError):
                self.invoice.with_user(user).action_send_receipt()
        other = self._create_other_company()
        elsewhere = new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self.invoice.with_user(elsewhere).action_print_receipt()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpReceipt(BookingHttpCommon, BookingInvoiceCommon):
    def setUp(self):
        super().setUp()
        self.invoice = self._create_invoice([120.0])
        self.invoice.action_post()
        self.tx = self._pay(self.invoice)
        self.url = self.invoice._get_pay_url()

    def test_by_the_link(self):
        page = self._get(f"{self.url}/receipt")
        self.assertIn(f"{self.url}/receipt/{self.tx.id}", page.text)
        answer = self._get(f"{self.url}/receipt/{self.tx.id}")
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        self.assertIn(self.tx.reference.encode(), answer.content)

    def test_not_that_of_another_document(self):
        other = self._create_invoice([7.0])
        other.action_post()
        tx = self._pay(other)
        wrong = [
            f"{self.url}/receipt/{tx.id}",
            f"{self.url}/receipt/999999999",
            f"{self.url}/receipt/99999999999999",
            f"{self.url}x/receipt/{self.tx.id}",
        ]
        for path in wrong:
            with self.subTest(path=path):
                self.assertEqual(self._get(path).status_code, 404)
        draft = self._create_invoice([7.0])
        draft.action_post()
        pending = self._start_payment(draft)
        pending._set_pending()
        path = f"{draft._get_pay_url()}/receipt/{pending.id}"
        self.assertEqual(self._get(path).status_code, 404)

    def test_test_money_gives_none(self):
        """Staff sees it on the document; a client would take it for a proof."""
        self.tx.is_live = False
        self.authenticate("invoicing_staff", "invoicing_staff")
        for path in (
            f"{self.url}/receipt/{self.tx.id}",
            f"/my/receipts/{self.tx.id}",
        ):
            with self.subTest(path=path):
                self.assertEqual(self._get(path).status_code, 404)
        self.company.booking_accept_test_payments = True
        self.assertEqual(self._get(path).status_code, 200)

    def test_staff_of_another_company(self):
        other = self._create_other_company()
        new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.authenticate("elsewhere", "elsewhere")
        self.assertEqual(self._get(f"/my/receipts/{self.tx.id}").status_code, 404)

    def test_client_of_one_of_several_documents(self):
        """It names what others paid for: who may not read that gets none."""
        client = new_test_user(self.env, "client", groups="base.group_portal")
        self.invoice.partner_id.parent_id = client.partner_id
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        foreign = self._create_invoice([5.0], partner_id=stranger.id)
        foreign.action_post()
        self.authenticate("client", "client")
        path = f"/my/receipts/{self.tx.id}"
        self.assertEqual(self._get(path).status_code, 200)
        self.env["payment.transaction.allocation"].sudo().create(
            {"transaction_id": self.tx.id, "invoice_id": foreign.id, "amount": 5.0}
        )
        self.assertEqual(self._get(path).status_code, 404)

    def test_a_dead_link_gives_none(self):
        links = self.env["payment.access.link"]._get_all(self.invoice, "pay")
        links._revoke()
        answer = self._get(f"{self.url}/receipt/{self.tx.id}")
        self.assertEqual(answer.status_code, 410)
        self.assertNotIn(self.tx.reference, answer.text)

    def test_who_is_logged_in(self):
        path = f"/my/receipts/{self.tx.id}"
        self.assertEqual(self._get(path).status_code, 303, "to the login")
        client = new_test_user(self.env, "client", groups="base.group_portal")
        self.authenticate("client", "client")
        self.assertEqual(self._get(path).status_code, 404)
        self.invoice.partner_id.write({"parent_id": client.partner_id.id})
        self.authenticate("client", "client")
        self.assertEqual(self._get(path).status_code, 200)
        self.authenticate("invoicing_staff", "invoicing_staff")
        self.assertEqual(self._get(path).status_code, 200)
        self.assertEqual(self._get("/my/receipts/999999999").status_code, 404)

    def test_pay_page_of_an_invoiced_booking(self):
        booking = self._confirmed(60.0)
        url = booking._get_pay_url()
        self.assertEqual(self._get(url).status_code, 200)
        invoice = self._invoice_of(booking)
        answer = self._get(url)
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith(invoice._get_pay_url()))
        page = self._get(booking._get_manage_url())
        self.assertIn("/pay/", page.text)
