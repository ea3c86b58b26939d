"""An invoice is a payable: what is due, why it cannot be paid, paying a part."""

from unittest.mock import patch

from psycopg2 import IntegrityError

from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import NOW, BookingCommon


def return_in_payment(_move):
    return "in_payment"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestInvoice(BookingCommon):
    def setUp(self):
        super().setUp()
        self.invoice = self._create_invoice([100, 20])
        self.invoice.action_post()

    def _pay_invoice(self, invoice=None, wish=None, state="done"):
        invoice = (invoice or self.invoice).sudo()
        values = invoice._prepare_payment_values("key", wish)
        prefix = values.pop("reference_prefix")
        custom = values.pop("custom_create_values")
        tx = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": self.provider.id,
                    "payment_method_id": self.payment_method_id,
                    "operation": "online_redirect",
                    "reference": self.env["payment.transaction"]._compute_reference(
                        self.provider.code, prefix=prefix
                    ),
                    **values,
                    **custom,
                }
            )
        )
        if state == "pending":
            tx._set_pending()
        if state == "done":
            tx._set_done()
            tx._post_process()
        return tx

    def _register(self, invoice, amount):
        wizard = (
            self.env["account.payment.register"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"amount": amount})
        )
        return wizard._create_payments()

    def test_due_is_the_residual(self):
        self.assertEqual(self.invoice._get_payable_status(), "payable")
        self.assertEqual(self.invoice._get_payable_amount(), 120)
        self._register(self.invoice, 50)
        self.assertEqual(self.invoice._get_payable_amount(), 70)
        self.assertEqual(self.invoice._get_payable_paid(), 50)

    def test_paid_online(self):
        tx = self._pay_invoice()
        self.assertEqual(self.invoice.amount_residual, 0)
        self.assertEqual(tx.payment_id.amount, 120)
        self.assertEqual(tx.allocation_ids.invoice_id, self.invoice)
        self.assertEqual(self.invoice._get_payable_status(), "paid")

    def test_money_on_its_way_is_not_due(self):
        tx = self._pay_invoice(state="pending")
        self.assertEqual(self.invoice._get_payable_status(), "processing")
        tx._set_canceled()
        self.assertEqual(self.invoice._get_payable_status(), "payable")

    def test_done_but_not_yet_booked(self):
        tx = self._pay_invoice(state="draft")
        tx._set_done()
        self.assertEqual(self.invoice.amount_residual, 120)
        self.assertEqual(self.invoice._get_payable_status(), "paid")
        tx._post_process()
        self.assertEqual(self.invoice._get_payable_paid(), 120)

    def test_payment_without_journal_entry(self):
        journals = self.env["account.journal"].search(
            [
                ("type", "in", ("bank", "cash")),
                ("company_id", "=", self.company.id),
            ]
        )
        journals.inbound_payment_method_line_ids.payment_account_id = False
        # As with an app that reconciles bank statements.
        Move = type(self.env["account.move"])
        with patch.object(Move, "_get_invoice_in_payment_state", return_in_payment):
            payment = self._register(self.invoice, 50)
            self.assertFalse(payment.move_id)
            self.assertEqual(self.invoice.amount_residual, 120)
            self.assertEqual(self.invoice._get_payable_amount(), 70)

    def test_started_by_another_app(self):
        tx = self._create_transaction(
            "redirect", amount=120, invoice_ids=[Command.set(self.invoice.ids)]
        )
        self.assertEqual(self.invoice._get_payable_status(), "payable")
        tx._set_pending()
        self.assertEqual(self.invoice._get_payable_status(), "processing")

    def test_why_not(self):
        draft = self._create_invoice([10])
        self.assertEqual(draft._get_payable_status(), "draft")
        draft.button_cancel()
        self.assertEqual(draft._get_payable_status(), "withdrawn")
        bill = self._create_invoice([10], move_type="in_invoice")
        bill.action_post()
        self.assertEqual(bill._get_payable_status(), "draft")
        with self.assertRaises(ValidationError):
            self.invoice.payment_disputed = True
        self.invoice.write(
            {"payment_disputed": True, "payment_disputed_reason": "Wrong hours"}
        )
        self.assertEqual(self.invoice._get_payable_status(), "disputed")
        self.assertIn("checked", self.invoice._get_payable_error())
        with self.assertRaisesRegex(UserError, "checked"):
            self.invoice.action_copy_pay_link()
        self.invoice.payment_disputed = False
        parameters = self.env["ir.config_parameter"]
        parameters.set_param("account_payment.enable_portal_payment", "False")
        self.assertEqual(self.invoice._get_payable_status(), "closed")

    def test_credited(self):
        wizard = (
            self.env["account.move.reversal"]
            .with_context(active_model="account.move", active_ids=self.invoice.ids)
            .create({"journal_id": self.invoice.journal_id.id, "reason": "x"})
        )
        wizard.refund_moves()
        credit = wizard.new_move_ids
        credit.action_post()
        if self.invoice.amount_residual:
            lines = (self.invoice + credit).line_ids.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            )
            lines.reconcile()
        self.assertEqual(self.invoice._get_payable_status(), "nothing")
        self.assertEqual(credit._get_payable_status(), "draft")

    # === PARTS ===

    def test_in_full_only(self):
        self.assertEqual(self.invoice._get_payable_choices(), [])
        self.assertEqual(self.invoice._get_amount_to_pay(10.0), 120)

    def test_part_limits(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        keys = [choice["key"] for choice in self.invoice._get_payable_choices()]
        self.assertEqual(keys, ["full", "own"])
        self.assertEqual(self.invoice._get_amount_to_pay(30.0), 30)
        self.assertEqual(self.invoice._get_amount_to_pay(120.0), 120)
        for wrong in (29.99, 120.01, 0.0, -5.0, 50.001):
            with self.assertRaises(UserError, msg=wrong):
                self.invoice._get_amount_to_pay(wrong)

    def test_last_rest_is_payable(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        self._pay_invoice(wish=100.0)
        self.assertEqual(self.invoice._get_payable_amount(), 20)
        self.assertEqual(self.invoice._get_payable_choices(), [])
        self._pay_invoice()
        self.assertEqual(self.invoice._get_payable_status(), "paid")

    def test_one_invoice_says_otherwise(self):
        self.company.write({"booking_part_payments": True, "booking_part_percent": 25})
        self.invoice.payment_part = "full"
        self.assertEqual(self.invoice._get_payable_choices(), [])
        self.invoice.write({"payment_part": "part", "payment_part_percent": 50})
        self.assertEqual(self.invoice._get_amount_to_pay(60.0), 60)
        with self.assertRaises(UserError):
            self.invoice._get_amount_to_pay(59.0)

    def test_currency_without_decimals(self):
        yen = self.env.ref("base.JPY")
        yen.active = True
        invoice = self._create_invoice([1000], currency_id=yen.id)
        invoice.action_post()
        invoice.write({"payment_part": "part", "payment_part_percent": 33.33})
        self.assertEqual(invoice._get_part_minimum(), 333)
        self.assertEqual(invoice._get_amount_to_pay(333.0), 333)
        with self.assertRaises(UserError):
            invoice._get_amount_to_pay(333.5)

    def test_instalments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two halves",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (10, 40)
                ],
            }
        )
        invoice = self._create_invoice([100], invoice_payment_term_id=term.id)
        invoice.action_post()
        choices = {c["key"]: c["amount"] for c in invoice._get_payable_choices()}
        self.assertEqual(choices, {"full": 100, "next": 50})
        with self.assertRaises(UserError):
            invoice._get_amount_to_pay(60.0)
        self._pay_invoice(invoice, wish=50.0)
        self.assertEqual(invoice._get_payable_amount(), 50)

    def test_early_payment_discount(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "2 % in ten days",
                "early_discount": True,
                "discount_days": 10,
                "discount_percentage": 10,
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 30}
                    )
                ],
            }
        )
        invoice = self._create_invoice([100], invoice_payment_term_id=term.id)
        invoice.action_post()
        self.assertEqual(invoice._get_payable_amount(), 90)
        self._pay_invoice(invoice)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(invoice._get_payable_status(), "paid")

    # === MONEY WITHOUT A HOME ===

    def test_money_for_a_draft_is_kept_and_told(self):
        tx = self._pay_invoice(state="draft")
        self.invoice.button_draft()
        tx._set_done()
        tx._post_process()
        self.assertEqual(self.invoice.state, "draft")
        self.assertEqual(tx.payment_id.amount, 120)
        self.assertIn("not issued", self.invoice.activity_ids.note)

    def test_second_payment_is_kept_and_told(self):
        tx = self._pay_invoice(state="draft")
        self._register(self.invoice, 100)
        tx._set_done()
        tx._post_process()
        self.assertEqual(self.invoice.amount_residual, 0)
        self.assertEqual(tx.payment_id.amount, 120)
        self.assertIn("only", self.invoice.activity_ids.note)

    @mute_logger("odoo.sql_db")
    def test_percentage_range(self):
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.invoice.payment_part_percent = 120
            self.env.flush_all()

    # === MAIL AND PDF ===

    def _send(self, invoice):
        """Send an invoice as Odoo does, and return the body of the mail."""
        self.partner.write({"email": "norbert@example.com", "lang": "en_US"})
        wizard = (
            self.env["account.move.send.wizard"]
            .with_context(active_model="account.move", active_ids=invoice.ids)
            .create({"sending_methods": ["email"]})
        )
        wizard.action_send_and_print()
        mails = self.env["mail.mail"].sudo().search([("model", "=", "account.move")])
        return str(mails.filtered(lambda m: m.res_id == invoice.id)[:1].body_html)

    def test_mail_with_pay_button(self):
        body = self._send(self.invoice)
        self.assertIn(f'{self.invoice._get_pay_url()}"', body)
        self.assertRegex(body, r"Pay \$\s120\.00")
        self.assertIn("View Invoice", body)

    def test_mail_without_pay_button(self):
        self.invoice.write({"payment_disputed": True, "payment_disputed_reason": "x"})
        body = self._send(self.invoice)
        self.assertIn("View Invoice", body)
        self.assertNotIn("/pay/", body)

    def test_code_on_the_pdf(self):
        def render():
            report = self.env["ir.actions.report"]
            return report._render_qweb_html(
                "account.account_invoices", self.invoice.ids
            )[0].decode()

        self.company.link_qr_code = True
        page = render()
        self.assertIn(f'{self.invoice._get_pay_url()}"', page)
        self.assertIn("PAY IN A FLASH", page)
        self._pay_invoice()
        self.invoice.invalidate_recordset()
        self.assertNotIn("PAY IN A FLASH", render())
