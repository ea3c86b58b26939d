from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from ..gateways import DEAD, OPEN, PAID, UNKNOWN, get_gateway
from .common import NOW
from .test_payable import PayableCommon

LATE = "2026-03-02 07:20:00"  # the hold of 15 minutes is over


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTransaction(PayableCommon):
    """Money that arrived is in the books, whatever else goes wrong."""

    needs_portal_user = True

    def _mails_of(self, booking):
        domain = [("model", "=", "payment.booking"), ("res_id", "=", booking.id)]
        return self.env["mail.mail"].search(domain)

    def _credit_of(self, booking):
        """Return what the client has paid beyond what was invoiced."""
        lines = self.env["account.move.line"].search(
            [
                ("partner_id", "=", booking.partner_id.id),
                ("account_id.account_type", "=", "asset_receivable"),
                ("parent_state", "=", "posted"),
            ]
        )
        return -sum(lines.mapped("amount_residual_currency"))

    # === BEFORE AND AFTER === #

    def test_nothing_happens_before_the_money(self):
        partners = self.env["res.partner"].search_count([])
        booking = self._place()
        self.assertEqual(self.env["res.partner"].search_count([]), partners)
        tx = self._start_payment(booking)
        self.assertEqual(self.env["res.partner"].search_count([]), partners + 1)
        tx._set_done()
        self.assertEqual(booking.state, "hold", "only post-processing confirms")
        self.assertFalse(booking.event_ids)
        self.assertFalse(booking.invoice_id)
        self.assertFalse(self._mails_of(booking))
        self.assertFalse(tx.payment_id)

    def test_post_processing_twice_does_it_once(self):
        booking = self._place()
        tx = self._pay(booking)
        before = booking.invoice_id, tx.payment_id, booking.event_ids
        mails = self._mails_of(booking)
        self.assertEqual(len(mails), 1)
        tx._post_process()
        tx._post_process()
        self.assertEqual((booking.invoice_id, tx.payment_id, booking.event_ids), before)
        self.assertEqual(self._mails_of(booking), mails)
        self.assertEqual(tx.invoice_ids, booking.invoice_id)
        payments = self.env["account.payment"].search(
            [("partner_id", "=", booking.partner_id.id)]
        )
        self.assertEqual(payments, tx.payment_id)

    def test_notification_twice_does_it_once(self):
        booking = self._place()
        tx = self._pay(booking)
        tx._set_done()
        tx._set_pending()
        tx._set_canceled()
        self.assertEqual(tx.state, "done", "money that came does not go")
        tx._post_process()
        self.assertEqual(booking.amount_paid, 60.0)
        self.assertEqual(self._credit_of(booking), 0.0)

    def test_cron_settles_when_the_client_never_returns(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_done()
        with patch.object(self.env.cr, "commit"):
            tx._cron_post_process()
        self.assertTrue(tx.is_post_processed)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.invoice_id.payment_state, "paid")

    def test_done_money_asks_for_its_cron(self):
        tx = self._start_payment(self._place())
        cron = self.env.ref("payment.cron_post_process_payment_tx")
        triggers = self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)])
        tx._set_done()
        self.assertGreater(
            self.env["ir.cron.trigger"].search_count([("cron_id", "=", cron.id)]),
            triggers,
        )

    def test_one_bad_transaction_does_not_stop_the_others(self):
        first, second = self._place(), self._place(local="2026-03-04 09:00")
        txs = self._start_payment(first) + self._start_payment(second)
        txs._set_done()
        origin = type(first)._on_payment_done

        def fail_once(booking, tx):
            if booking == first:
                raise ValueError("broken")
            return origin(booking, tx)

        with patch.object(type(first), "_on_payment_done", fail_once):
            txs._post_process()
        self.assertEqual(second.state, "confirmed")
        self.assertEqual(first.state, "hold")
        self.assertEqual(first.attention_reason, "confirm_failed")
        self.assertEqual(txs[0].payment_id.amount, 60.0, "the money is recorded")
        self.assertTrue(txs[0].is_post_processed)

    def test_batch_leaves_the_draft_invoice_of_a_cancelled_one_alone(self):
        paid, given_up = self._place(), self._place(local="2026-03-04 09:00")
        txs = self._start_payment(paid) + self._start_payment(given_up)
        draft = self._create_invoice([60])
        txs[1].invoice_ids = draft
        txs[0]._set_done()
        txs[1]._set_canceled()
        txs._post_process()
        self.assertEqual(draft.state, "draft")
        self.assertEqual(paid.invoice_id.payment_state, "paid")

    # === LATE AND DOUBLE MONEY === #

    def test_done_after_cancel_is_recorded(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_canceled()
        tx._set_done()
        tx._post_process()
        self.assertEqual(tx.state, "done")
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(booking.state, "confirmed")

    def test_done_after_cancel_stays_refused_for_what_is_not_ours(self):
        tx = self._create_transaction("redirect", reference="not ours")
        tx._set_canceled()
        with self.assertLogs("odoo.addons.payment.models.payment_transaction"):
            tx._set_done()
        self.assertEqual(tx.state, "cancel")

    def test_late_money_takes_the_time_again(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_canceled()
        with freeze_time(LATE):
            booking._end_hold()
            self.assertEqual(booking.state, "expired")
            self.assertIn("09:00", self._labels(self.service, "2026-03-03"))
            tx._set_done()
            tx._post_process()
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(booking.needs_attention)
        self.assertEqual(booking.invoice_id.payment_state, "paid")
        self.service.group_ids.resource_ids = booking.resource_ids
        with freeze_time(LATE):
            self.assertNotIn("09:00", self._labels(self.service, "2026-03-03"))

    def test_late_money_without_its_time_is_credit_and_flagged(self):
        self.people.resource_ids = self.anna
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_canceled()
        with freeze_time(LATE):
            booking._end_hold()
            quicker = self._place()
            tx._set_done()
            tx._post_process()
        self.assertEqual(quicker.state, "hold")
        self.assertEqual(booking.state, "expired")
        self.assertEqual(booking.attention_reason, "late_no_slot")
        self.assertEqual(booking.activity_ids.user_id, booking.user_id)
        self.assertFalse(booking.invoice_id)
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(self._credit_of(booking), 60.0)
        self.assertEqual(booking.payment_coverage, "paid")

    def test_money_for_a_cancelled_booking_is_credit_and_flagged(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_canceled()
        booking._drop_hold()
        self.assertEqual(booking.state, "cancelled")
        tx._set_done()
        tx._post_process()
        self.assertEqual(booking.state, "cancelled")
        self.assertEqual(booking.attention_reason, "paid_cancelled")
        self.assertFalse(booking.event_ids)
        self.assertEqual(self._credit_of(booking), 60.0)

    def test_second_payment_is_credit_and_flagged(self):
        booking = self._place()
        first = self._start_payment(booking)
        second = self._start_payment(booking)
        (first + second)._set_done()
        first._post_process()
        self.assertEqual(booking.attention_reason, "second_payment")
        second._post_process()
        self.assertEqual(booking.attention_reason, "second_payment")
        self.assertEqual(booking.amount_paid, 120.0)
        self.assertEqual(booking.invoice_id.amount_total, 60.0)
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(second.payment_id.amount, 60.0)
        self.assertEqual(self._credit_of(booking), 60.0)
        self.assertEqual(len(booking.event_ids), 1)
        confirmation, receipt = self._mails_of(booking).sorted("id")
        self.assertIn("You are booked", confirmation.subject)
        self.assertIn("Your receipt", receipt.subject)

    # === WHEN ACCOUNTING SAYS NO === #

    def test_money_is_recorded_when_the_invoice_cannot_be_made(self):
        self.env["account.journal"].search(
            [("type", "=", "sale"), ("company_id", "=", self.company.id)]
        ).active = False
        booking = self._place()
        tx = self._pay(booking)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(len(booking.event_ids), 1)
        self.assertFalse(booking.invoice_id)
        self.assertEqual(booking.attention_reason, "invoice_failed")
        self.assertTrue(tx.is_post_processed)
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(self._credit_of(booking), 60.0)
        self.assertEqual(booking.payment_coverage, "paid")

    def test_closed_period_does_not_lose_the_money(self):
        self.company.fiscalyear_lock_date = "2026-03-31"
        self.company.sale_lock_date = "2026-03-31"
        booking = self._place()
        tx = self._pay(booking)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertTrue(tx.is_post_processed)

    def test_invoice_that_differs_from_the_price_is_flagged(self):
        tax = self.env["account.tax"].create(
            {"name": "21 %", "amount": 21, "price_include_override": "tax_excluded"}
        )
        self.service.product_id.taxes_id = tax
        booking = self._place()
        self.assertEqual(booking.amount_total, 72.6)
        tax.amount = 25
        tx = self._pay(booking)
        self.assertEqual(tx.amount, 72.6, "the client pays what was agreed")
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.invoice_id.amount_total, 75.0)
        self.assertEqual(booking.attention_reason, "amount_mismatch")

    # === REFUNDS === #

    def test_refund_reduces_what_is_covered(self):
        booking = self._place()
        tx = self._pay(booking)
        refund = self._create_transaction(
            "redirect",
            amount=-20.0,
            currency_id=booking.currency_id.id,
            reference="refund",
            operation="refund",
            source_transaction_id=tx.id,
            partner_id=booking.partner_id.id,
        )
        self.assertEqual(booking._get_refunded(), 0.0, "not before it is done")
        refund._set_done()
        self.assertEqual(booking._get_refunded(), 20.0)
        self.assertEqual(booking.payment_coverage, "partly_refunded")
        refund.copy(
            {"amount": -40.0, "reference": "rest", "source_transaction_id": tx.id}
        )._set_done()
        booking.invalidate_recordset()
        self.assertEqual(booking._get_refunded(), 60.0)

    # === TEST MONEY === #

    def test_test_money_is_no_money(self):
        self.provider.write({"state": "test", "is_published": True})
        booking = self._place(self._create_service("Cut", fee_policy="suggested"))
        tx = self._pay(booking)
        self.assertFalse(tx.is_live)
        self.assertTrue(booking.is_test)
        self.assertEqual(booking.payment_coverage, "none")
        self.assertEqual(booking._get_payable_amount(), 60.0)
        self.assertTrue(tx.is_post_processed)
        self.assertFalse(tx.payment_id, "it stays out of the books")
        self.assertFalse(booking.invoice_id)
        self.company.booking_accept_test_payments = True
        self.assertEqual(booking._get_payable_amount(), 0.0)

    def test_test_money_confirms_only_if_the_company_accepts_it(self):
        for accepted, state in ((False, "hold"), (True, "confirmed")):
            with self.subTest(accepted=accepted):
                self.provider.write({"state": "enabled", "is_published": True})
                booking = self._place(local=f"2026-03-0{4 + accepted} 09:00")
                self.provider.write({"state": "test", "is_published": True})
                self.company.booking_accept_test_payments = accepted
                self._pay(booking)
                self.assertEqual(booking.state, state)

    # === BANK TRANSFER === #

    def _start_transfer(self):
        booking = self._place_far()
        tx = self._start_payment(
            booking,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        tx._set_pending()
        return booking, tx

    def test_transfer_has_a_deadline(self):
        booking, tx = self._start_transfer()
        self.assertEqual(str(booking.hold_until), "2026-03-05 07:00:00")
        self.assertEqual(booking.payment_coverage, "processing")
        mail = self._mails_of(booking)
        self.assertEqual(len(mail), 1, "the instructions")
        self.assertIn("BE00 0000", mail.body_html)
        self.assertIn(tx._get_communication(), mail.body_html)
        self.assertFalse(mail.attachment_ids, "no calendar file before it counts")
        with freeze_time("2026-03-05 06:59:00"):
            self.assertTrue(booking._is_hold_alive())
        with freeze_time("2026-03-05 07:01:00"):
            booking._end_hold()
            self.assertEqual(booking.state, "expired")

    def test_transfer_deadline_is_a_day_before_the_start(self):
        self.company.booking_transfer_days = 30
        booking, _tx = self._start_transfer()
        self.assertEqual(str(booking.hold_until), "2026-03-15 08:00:00")

    def test_manager_confirms_a_transfer(self):
        booking, tx = self._start_transfer()
        groups = {
            "user": "payment_booking_portal.group_user",
            "manager": "payment_booking_portal.group_manager",
        }
        users = {
            login: new_test_user(
                self.env,
                login=f"transfer_{login}",
                groups=group,
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for login, group in groups.items()
        }
        for user in (users["user"], self.portal_user, self.public_user):
            with self.assertRaises(AccessError):
                tx.with_user(user).sudo(False).action_confirm_received()
        self.assertEqual(tx.state, "pending")
        tx.with_user(users["manager"]).sudo(False).action_confirm_received()
        self.assertEqual(tx.state, "done")
        self.assertIn(users["manager"].name, tx.state_message)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(tx.payment_id.payment_method_line_id.code, "manual")
        self.assertEqual(tx.payment_id.journal_id.type, "bank")
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        with self.assertRaises(UserError):
            tx.with_user(users["manager"]).sudo(False).action_confirm_received()

    def test_button_of_the_booking_confirms_its_transfer(self):
        booking, tx = self._start_transfer()
        self.assertTrue(booking.awaits_transfer)
        groups = {"desk": "group_user", "boss": "group_manager"}
        desk, boss = (
            booking.sudo(False).with_user(
                new_test_user(
                    self.env,
                    login=login,
                    groups=f"payment_booking_portal.{group}",
                    company_id=self.company.id,
                    company_ids=[Command.set(self.company.ids)],
                )
            )
            for login, group in groups.items()
        )
        with self.assertRaises(AccessError):
            desk.action_transfer_received()
        self.assertEqual(tx.state, "pending")
        boss.action_transfer_received()
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertFalse(booking.awaits_transfer)

    def test_manager_confirms_no_card_payment(self):
        tx = self._start_payment(self._place())
        with self.assertRaises(UserError):
            tx.action_confirm_received()
        self.assertEqual(tx.state, "draft")

    def test_manager_confirms_no_transfer_of_another_company(self):
        booking, tx = self._start_transfer()
        other = self._create_other_company()
        manager = new_test_user(
            self.env,
            login="other_manager",
            groups="payment_booking_portal.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            tx.with_user(manager).sudo(False).action_confirm_received()
        self.assertEqual(tx.state, "pending")
        self.assertEqual(booking.state, "hold")

    # === GATEWAYS === #

    def test_nobody_answers_for_an_unknown_provider(self):
        tx = self._start_payment(self._place())
        gateway = get_gateway(self.provider)
        self.assertEqual(gateway.fetch(tx), UNKNOWN)
        self.assertEqual(gateway.stop(tx).word, UNKNOWN)
        tx._set_pending()
        self.assertEqual(gateway.stop(tx).word, UNKNOWN)
        tx._set_done()
        self.assertEqual(gateway.stop(tx).word, PAID)
        tx.state = "cancel"
        self.assertEqual(gateway.fetch(tx), DEAD)

    def test_local_provider_answers_for_itself(self):
        _booking, tx = self._start_transfer()
        gateway = get_gateway(self.transfer)
        self.assertEqual(gateway.stop(tx).word, OPEN, "the client knows the account")
        draft = self._start_payment(
            self._place(local="2026-03-17 09:00"),
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        self.assertEqual(gateway.fetch(draft), OPEN)
        self.assertEqual(gateway.stop(draft).word, DEAD)
