"""Invoices in the back office: the link, the transfer, money that staff notes."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, tagged

from odoo.addons.mail.tests.common import MockEmail

from .common import NOW
from .test_payable import PayableCommon
from .test_request_office import CASH, TERMINAL, OfficeCommon

LINK = "payment_booking_portal.mail_template_invoice_link"


class InvoiceOfficeCommon(OfficeCommon, PayableCommon):
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.company.email = "studio@example.com"

    def setUp(self):
        super().setUp()
        self.invoice = self._issue([100.0, 20.0])

    def _issue(self, amounts, **values):
        """Return an issued invoice of Camille."""
        invoice = self._create_invoice(
            amounts, **{"partner_id": self.camille.id, **values}
        )
        invoice.action_post()
        return invoice

    def _get_other_company(self):
        """Return another company, and an issued invoice of it."""
        company = self._create_other_company()
        invoice = (
            self.env["account.move"]
            .with_company(company)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.camille.id,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "Theirs", "price_unit": 90.0, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        invoice.action_post()
        return company, invoice

    def _pending_transfer(self, invoice, amount=None):
        values = {} if amount is None else {"amount": amount}
        tx = self._start_payment(
            invoice.sudo(),
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
            reference=f"{invoice.name}-{len(invoice.allocation_ids) + 1}",
            **values,
        )
        if amount is not None:
            tx.allocation_ids.amount = amount
        tx._set_pending()
        return tx

    def _refusals(self):
        """Return invoices that nobody can be asked to pay, with the reason."""
        draft = self._create_invoice([10.0], partner_id=self.camille.id)
        cancelled = self._issue([11.0])
        cancelled.button_draft()
        cancelled.button_cancel()
        disputed = self._issue([12.0])
        disputed.write({"payment_disputed": True, "payment_disputed_reason": "Hours"})
        paid = self._issue([13.0])
        self._pay(paid.sudo())
        processing = self._issue([14.0])
        self._start_payment(processing.sudo())._set_pending()
        return {
            "not issued yet": draft,
            "was cancelled": cancelled,
            "being checked": disputed,
            "already paid": paid,
            "being processed": processing,
        }


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestInvoiceLink(InvoiceOfficeCommon, MockEmail):
    """Staff sends the link of an invoice."""

    def _compose(self, invoice):
        action = invoice.action_send_payment_link()
        return Form(invoice.env[action["res_model"]].with_context(**action["context"]))

    def _send_queue(self):
        self.env["mail.mail"].sudo().search([("state", "=", "outgoing")]).send()
        return self._mails

    def test_billing_sees_the_mail_first(self):
        invoice = self._as(self.billing, self.invoice)
        self.invoice.message_subscribe(partner_ids=self.manager.partner_id.ids)
        composer = self._compose(invoice)
        self.assertIn(self.invoice.name, composer.subject)
        self.assertEqual(composer.partner_ids[:], self.camille)
        with self.mock_mail_gateway():
            composer.save().action_send_mail()
            [mail] = self._send_queue()
        self.assertIn("camille@example.com", mail["email_to"][0])
        self.assertIn(self.invoice._get_mail_url("pay"), mail["body"])
        self.assertIn("Pay $\xa0120.00", mail["body"].replace("&nbsp;", "\xa0"))
        self.assertNotIn("mail.mail_notification_layout", mail["body"])

    def test_plain_staff_sends_it_through_us(self):
        invoice = self._as(self.user, self.invoice)
        with self.assertRaises(AccessError):
            invoice.read(["name"])
        with self.mock_mail_gateway():
            action = invoice.action_send_payment_link()
            [mail] = self._send_queue()
        self.assertIn("camille@example.com", action["params"]["message"])
        self.assertIn("camille@example.com", mail["email_to"][0])
        self.assertIn(self.invoice._get_mail_url("pay"), mail["body"])
        note = self.invoice.message_ids[0]
        self.assertIn("The link was sent", note.body)
        self.assertEqual(note.author_id, self.user.partner_id)

    def test_mail_says_what_is_due(self):
        self.company.booking_part_payments = True
        self.invoice.invoice_date_due = "2026-03-31"
        part = self._start_payment(self.invoice.sudo(), amount=50.0)
        part.allocation_ids.amount = 50.0
        part._set_done()
        part._post_process()
        template = self.env.ref(LINK)
        body = template._render_field("body_html", self.invoice.ids)[self.invoice.id]
        text = body.replace("\xa0", " ")
        for words in ("Line", "$ 120.00", "$ 50.00", "March 31, 2026", "Pay $ 70.00"):
            self.assertIn(words, text)
        self.assertIn("a part of it", text)
        self.company.booking_part_payments = False
        body = template._render_field("body_html", self.invoice.ids)[self.invoice.id]
        self.assertNotIn("a part of it", body)

    def test_language_of_the_client(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.camille.lang = "fr_FR"
        self.assertEqual(self.invoice._get_client_lang(), "fr_FR")
        self.env.ref(LINK).with_context(
            lang="fr_FR"
        ).subject = "Facture {{ object.name }}"
        with self.mock_mail_gateway():
            self._as(self.user, self.invoice).action_send_payment_link()
            [mail] = self._send_queue()
        self.assertEqual(mail["subject"], f"Facture {self.invoice.name}")
        self.assertIn('lang="fr_FR"', mail["body"])

    def test_test_money_is_said(self):
        self.company.booking_accept_test_payments = True
        self.provider.state = "test"
        tx = self._start_payment(self.invoice.sudo(), amount=20.0)
        tx.allocation_ids.amount = 20.0
        self.assertTrue(self.invoice._get_mail_prefix())
        tx.is_live = True
        self.assertFalse(self.invoice._get_mail_prefix())

    def test_refused_with_the_reason(self):
        for words, invoice in self._refusals().items():
            for user in (self.user, self.billing):
                with self.subTest(words, user=user.login):
                    mine = self._as(user, invoice)
                    with self.assertRaisesRegex(UserError, words):
                        mine.action_send_payment_link()
                    with self.assertRaisesRegex(UserError, words):
                        mine.action_copy_pay_link()

    def test_client_without_address(self):
        self.camille.email = False
        for user in (self.user, self.billing):
            with self.assertRaisesRegex(UserError, "no e-mail"):
                self._as(user, self.invoice).action_send_payment_link()
        action = self._as(self.user, self.invoice).action_copy_pay_link()
        self.assertIn(self.invoice._get_pay_url(), action["params"]["text"])

    def test_who_may_not(self):
        company, theirs = self._get_other_company()
        bill = self._create_invoice([5.0], move_type="in_invoice")
        bill.action_post()
        self.portal_user.partner_id = self.camille
        intern = self._create_colleague("intern", "base.group_user")
        stranger = self._create_colleague(
            "stranger", "payment_booking_portal.group_user", company
        )
        for user, invoice in (
            (self.user, theirs),
            (self.billing, theirs),
            (self.user, bill),
            (self.portal_user, self.invoice),
            (intern, self.invoice),
            (stranger, self.invoice),
            (self.public_user, self.invoice),
        ):
            mine = self._as(user, invoice)
            for method in ("action_send_payment_link", "action_record_payment"):
                with self.subTest(user=user.login, method=method):
                    with self.assertRaises(AccessError):
                        getattr(mine, method)()
        with self.assertRaises(AccessError):
            self._as(self.user, theirs).action_copy_pay_link()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestInvoiceTransfer(InvoiceOfficeCommon, MockEmail):
    """The mail to who chose to pay an invoice by bank transfer."""

    def _mail_of(self, *args):
        with self.mock_mail_gateway():
            tx = self._pending_transfer(*args)
            self.env["mail.mail"].sudo().search([("state", "=", "outgoing")]).send()
        return tx, self._mails

    def test_account_reference_and_amount(self):
        self.transfer.pending_msg = "<p>Pay to BE71 0961 2345 6769</p>"
        tx, [mail] = self._mail_of(self.invoice)
        self.assertIn("camille@example.com", mail["email_to"][0])
        body = mail["body"].replace("&nbsp;", "\xa0")
        for words in ("BE71 0961 2345 6769", tx._get_communication(), "$\xa0120.00"):
            self.assertIn(words, body)

    def test_second_part_has_a_reference_of_its_own(self):
        _first, _mails = self._mail_of(self.invoice, 40.0)
        with freeze_time("2026-03-02 08:00:00"):
            second, [mail] = self._mail_of(self.invoice, 30.0)
        self.assertIn("30.00", mail["body"])
        self.assertIn(second._get_communication(), mail["body"])

    def test_one_transfer_for_two_invoices_is_one_mail(self):
        other = self._issue([5.0])
        with self.mock_mail_gateway():
            tx = self._start_payment(
                self.invoice.sudo(),
                provider_id=self.transfer.id,
                payment_method_id=self.transfer_method.id,
            )
            tx.amount = 125.0
            self.env["payment.transaction.allocation"].sudo().create(
                {"transaction_id": tx.id, "invoice_id": other.id, "amount": 5.0}
            )
            tx.invalidate_recordset()
            tx._set_pending()
            self.env["mail.mail"].sudo().search([("state", "=", "outgoing")]).send()
        [mail] = self._mails
        self.assertIn("125.00", mail["body"])

    def test_no_mail(self):
        with self.mock_mail_gateway():
            self._start_payment(self.invoice.sudo())._set_pending()
        self.assertFalse(self._new_mails, "a card is not a transfer")
        other = self._issue([5.0])
        self.camille.email = False
        with self.mock_mail_gateway():
            self._pending_transfer(other)
        self.assertFalse(self._new_mails, "nobody to write to")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestInvoiceRecord(InvoiceOfficeCommon):
    """Plain staff notes money on invoices that they may not read."""

    def _open(self, invoice=None, user=None):
        invoice = self._as(user or self.user, invoice or self.invoice)
        action = invoice.action_record_payment()
        return Form(invoice.env[action["res_model"]].with_context(**action["context"]))

    def _record(self, invoice=None, user=None, **values):
        form = self._open(invoice, user)
        for name, value in values.items():
            setattr(form, name, value)
        form.save().action_record()
        return (invoice or self.invoice).sudo().allocation_ids.transaction_id

    def test_in_full(self):
        form = self._open()
        self.assertEqual(form.client_name, "Camille Martin")
        self.assertEqual(form.invoice_number, self.invoice.name)
        self.assertEqual((form.amount, form.amount_due), (120.0, 120.0))
        tx = self._record(method=TERMINAL, date="2026-02-27", note="Slip 12")
        self.assertEqual(self.invoice.amount_residual, 0.0)
        self.assertEqual(tx.invoice_ids, self.invoice)
        self.assertEqual(tx.provider_reference, "Slip 12")
        self.assertEqual(str(tx.payment_id.date), "2026-02-27")
        self.assertEqual(tx.payment_id.journal_id.type, "bank")
        self.assertIn(self.user.name, tx.state_message)
        self.assertEqual(self.invoice._get_payable_status(), "paid")

    def test_cash_goes_to_the_cash_journal(self):
        self.env["account.journal"].create(
            {
                "name": "Till",
                "code": "TILL",
                "type": "cash",
                "company_id": self.company.id,
            }
        )
        tx = self._record(method=CASH)
        self.assertEqual(tx.payment_id.journal_id.type, "cash")
        self.assertTrue(tx.payment_id.is_reconciled)

    def test_any_part_up_to_what_is_due(self):
        self.invoice.payment_part = "full"
        self._record(amount=0.01)
        self._record(amount=50.0)
        self.assertAlmostEqual(self.invoice.amount_residual, 69.99)
        with self.assertRaisesRegex(UserError, "69.99 is due"):
            self._record(amount=70.0)
        self._record(amount=69.99)
        self.assertEqual(self.invoice.amount_residual, 0.0)

    def test_checked(self):
        for amount in (0.0, -5.0):
            with self.assertRaisesRegex(UserError, "Type the amount"):
                self._record(amount=amount)
        with self.assertRaisesRegex(UserError, "once it came"):
            self._record(date="2026-03-03")
        self.assertFalse(self.invoice.allocation_ids)

    def test_disputed_or_closed_to_clients(self):
        """What is in the till is noted, whether or not clients can pay online."""
        self.invoice.write(
            {"payment_disputed": True, "payment_disputed_reason": "Hours"}
        )
        self._record(amount=20.0)
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "False"
        )
        self.invoice.payment_disputed = False
        self._record(amount=100.0)
        self.assertEqual(self.invoice.amount_residual, 0.0)

    def test_refused_with_the_reason(self):
        refusals = self._refusals()
        refusals.pop("being checked")  # see above
        refusals.pop("being processed")
        for words, invoice in refusals.items():
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._open(invoice)

    def test_paid_while_the_dialog_is_open(self):
        form = self._open()
        self._pay(self.invoice.sudo())
        with self.assertRaisesRegex(UserError, "already paid"):
            form.save().action_record()
        self.assertEqual(len(self.invoice.allocation_ids), 1)

    def test_a_transfer_of_a_part_goes_on(self):
        transfer = self._pending_transfer(self.invoice, 50.0)
        invoice = self.invoice.sudo()
        methods = self.env["payment.provider"]._get_venue_methods()
        invoice._record_payment(70.0, methods[0])
        self.assertEqual(transfer.state, "pending")
        self.assertEqual(invoice._get_payable_status(), "processing")
        invoice._record_payment(20.0, methods[0])  # more than the rest
        self.assertEqual(transfer.state, "cancel")
        self.assertEqual(invoice._get_payable_amount(), 30.0)

    def test_client_pays_here_instead_of_by_transfer(self):
        transfer = self._pending_transfer(self.invoice)
        form = self._open()
        self.assertEqual(form.amount, 120.0, "the transfer is given up")
        form.save().action_record()
        self.assertEqual(transfer.state, "cancel")
        self.assertEqual(self.invoice.amount_residual, 0.0)

    def test_rest_of_what_is_on_its_way(self):
        card = self._start_payment(self.invoice.sudo(), amount=50.0)
        card.allocation_ids.amount = 50.0
        card._set_pending()
        with self.assertRaisesRegex(UserError, "70.00 is due"):
            self._record(amount=71.0)
        self._record(amount=70.0)
        self.assertEqual(card.state, "pending")
        self.assertEqual(self.invoice.amount_residual, 50.0)

    def test_started_payment_is_stopped(self):
        tx = self._start_payment(self.invoice.sudo())
        with self.assertRaisesRegex(UserError, "started a payment"):
            self._record()  # the dummy provider cannot be asked
        tx._set_canceled()
        self._record()
        self.assertEqual(self.invoice.amount_residual, 0.0)

    def test_currency_without_decimals(self):
        yen = self._enable_currency("JPY")
        invoice = self._issue([1000.0], currency_id=yen.id)
        self._record(invoice, amount=400.0)
        self.assertEqual(invoice.amount_residual, 600.0)
        tx = self._record(invoice)
        self.assertEqual(invoice.amount_residual, 0.0)
        self.assertEqual(tx.currency_id, yen)

    def test_billing_alone_gets_the_dialog_of_odoo(self):
        action = self._as(self.billing, self.invoice).action_record_payment()
        self.assertEqual(action["res_model"], "account.payment.register")
        with self.assertRaises(AccessError):
            self._as(self.billing, self.env["payment.invoice.record"]).create(
                {"invoice_id": self.invoice.id}
            )
        both = self._create_colleague(
            "both",
            "payment_booking_portal.group_user,account.group_account_invoice",
        )
        self._record(user=both)
        self.assertEqual(self.invoice.amount_residual, 0.0)

    def test_invoice_of_another_company(self):
        _company, theirs = self._get_other_company()
        Wizard = self._as(self.user, self.env["payment.invoice.record"])
        with self.assertRaises(AccessError):
            Wizard.create({"invoice_id": theirs.id, "amount": 1.0, "method": CASH})
        with self.assertRaises(AccessError):
            Wizard.new({"invoice_id": theirs.id}).amount_due  # noqa: B018
        wizard = self._open().save()
        with self.assertRaises(AccessError):
            wizard.write({"invoice_id": theirs.id})
            wizard.action_record()
        self.assertFalse(theirs.sudo().allocation_ids)

    def test_dialog_of_a_colleague(self):
        wizard = self._open().save()
        other = self._create_colleague("other", "payment_booking_portal.group_user")
        with self.assertRaises(AccessError):
            self._as(other, wizard).action_record()
        self.assertFalse(self.invoice.sudo().allocation_ids)
