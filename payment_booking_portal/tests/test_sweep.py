"""What is seen daily at the providers: refunds made there, disputes, lost payments."""

import json
from datetime import timedelta
from unittest.mock import patch

import psycopg2

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.payment.tests.http_common import PaymentHttpCommon

from ..models import payment_provider
from .common import NOW
from .test_refund import RefundCommon

LATER = "2026-03-02 08:00:00"
NEXT_DAYS = ("2026-03-03 08:00:00", "2026-03-04 08:00:00", "2026-03-05 08:00:00")


class SweepCommon(RefundCommon):
    """Money that moves at the provider, and nobody here knows of it."""

    code = None

    def setUp(self):
        super().setUp()
        self.asked = getattr(self, self.code)
        self.fake = self.fakes[self.code]
        self.booking, self.tx = self._paid(self.asked)

    # === AT THE PROVIDER === #

    def _refund_outside(self, tx=None, amount=None):
        """Give money back on the provider's own pages."""
        tx = tx or self.tx
        if self.code == "stripe":
            minor = amount and self._to_minor(tx, amount)
            return self.fake.refund(tx.provider_reference, minor)["id"]
        self.fake.refund_status = "refunded"
        value = amount and self._to_value(tx, amount)
        return self.fake.refund(tx.provider_reference, value)["id"]

    def _lose(self, amount=None):
        """Let the client's bank take the money, for good."""
        reference = self.tx.provider_reference
        if self.code == "mollie":
            value = amount and self._to_value(self.tx, amount)
            return self.fake.charge_back(reference, value)["id"]
        minor = amount and self._to_minor(self.tx, amount)
        key = self.fake.dispute(reference, minor)["id"]
        self.fake.close_dispute(key, "lost")
        return key

    def _give_again(self, key):
        if self.code == "mollie":
            self.fake.reverse_chargeback(key)
        else:
            self.fake.close_dispute(key, "won")

    @staticmethod
    def _to_minor(tx, amount):
        return round(amount * 10**tx.currency_id.decimal_places)

    @staticmethod
    def _to_value(tx, amount):
        return f"{amount:.{tx.currency_id.decimal_places}f}"

    # === HERE === #

    def _sweep(self, when=LATER):
        with freeze_time(when):
            self._run("payment.provider", "_cron_sweep")
            self._run("payment.transaction", "_cron_post_process")

    def _refunds(self, tx=None):
        return (tx or self.tx).refund_request_ids

    def _activities(self, document=None):
        return (document or self.booking).activity_ids

    def _assert_sums(self):
        """Check that what the provider has is what the books have."""
        there = self.fake.balance(self.tx.currency_id.name)
        if self.code == "stripe":
            there = there / 10**self.tx.currency_id.decimal_places
        txs = self.env["payment.transaction"].search(
            [("provider_id", "=", self.asked.id), ("state", "=", "done")]
        )
        self.assertAlmostEqual(sum(txs.mapped("amount")), float(there))
        booked = sum(
            payment.amount * (1 if payment.payment_type == "inbound" else -1)
            for payment in txs.payment_id
        )
        self.assertAlmostEqual(booked, float(there))


class SweepTests:
    """What is true of every provider that is looked at."""

    # === REFUNDS === #

    def test_all_of_it_is_given_back_there(self):
        key = self._refund_outside()
        for when in (LATER, *NEXT_DAYS):
            self._sweep(when)
        [refund] = self._refunds()
        self.assertEqual((refund.state, refund.amount), ("done", 60.0))
        self.assertTrue(refund.is_outside)
        self.assertFalse(refund.user_id)
        [child] = self.tx.child_transaction_ids
        self.assertEqual(child.provider_reference, key)
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.assertEqual(self.booking.state, "confirmed", "nothing is cancelled")
        note = refund.credit_note_id
        self.assertEqual((note.amount_total, note.payment_state), (60.0, "paid"))
        self.assertEqual(self.booking.attention_reason, "refunded_outside")
        [activity] = self._activities()
        self.assertIn("60.00", activity.note)
        self.assertIn(self.asked.name, activity.note)
        self._assert_sums()

    def test_parts(self):
        for number, amount in enumerate((20.01, 39.99)):
            self._refund_outside(amount=amount)
            self._sweep(NEXT_DAYS[number])
            self._assert_sums()
        self.assertEqual(sorted(self._refunds().mapped("amount")), [20.01, 39.99])
        self.assertEqual(self.booking.payment_coverage, "refunded")

    def test_what_was_decided_here_is_no_news(self):
        self._decide(self.tx, 20.0)
        self._run_refunds()
        self._refund_outside(amount=10.0)
        self._sweep()
        self.assertEqual(
            self._refunds().sorted("id").mapped("is_outside"), [False, True]
        )

    def test_decided_here_and_the_process_died(self):
        refund = self._decide(self.tx, 20.0)
        self._execute_and_die(refund)
        self._sweep()
        self.assertEqual(self._refunds(), refund)
        self.assertIn(refund.state, ("pending", "done"))
        self.assertEqual(len(self.tx.child_transaction_ids), 1)
        self.assertFalse(self.booking.needs_attention)
        self._run_refunds()
        self.assertEqual(len(self._refunds_at(self.tx)), 1)

    def test_noted_by_hand_before(self):
        refund = self._decide(self.tx, 20.0)
        refund.write({"state": "failed", "try_at": False})
        key = self._refund_outside(amount=20.0)
        refund.action_done_by_hand()
        self._sweep()
        self.assertEqual(self._refunds(), refund)
        self.assertEqual(self.tx.child_transaction_ids.provider_reference, key)
        self._assert_sums()

    def test_another_one_noted_by_hand(self):
        """What has the key of one decision is never the money of another."""
        first = self._decide(self.tx, 20.0)
        self._execute_and_die(first)
        second = self._decide(self.tx, 20.0)
        second.write({"state": "failed", "try_at": False})
        second.action_done_by_hand()
        self._sweep()
        self.assertIn(first.state, ("pending", "done"))
        self.assertTrue(first.refund_tx_id.provider_reference)
        self.assertFalse(second.refund_tx_id.provider_reference)

    def test_long_ago(self):
        """It keeps its day, and nobody is surprised by a mail."""
        self._refund_outside(amount=20.0)
        self._sweep("2026-03-12 08:00:00")
        [refund] = self._refunds()
        self.assertEqual(str(refund.done_at)[:10], "2026-03-02")
        self.assertIn("March 2", self.tx._get_refund_texts(self.booking)[0])
        self.assertEqual(str(self.tx._get_refunds()[0]["day"]), "2026-03-02")
        mails = self.env["mail.mail"].search([("model", "=", refund._name)])
        self.assertNotIn(refund.id, mails.mapped("res_id"))

    def test_done_there_as_staff_was_asked(self):
        refund = self._decide(self.tx, 20.0)
        refund.write({"state": "failed", "try_at": False})
        self._refund_outside(amount=20.0)
        self._sweep()
        self.assertEqual(self._refunds(), refund)
        self.assertEqual(refund.state, "done")
        with self.assertRaises(UserError):
            refund.action_done_by_hand()
        self._assert_sums()

    def test_staff_made_the_credit_note(self):
        note = self.booking.invoice_id._reverse_moves(
            [{"invoice_date": fields.Date.to_date("2026-03-02")}]
        )
        note.invoice_line_ids.price_unit = 20.0
        note.action_post()
        self._refund_outside(amount=20.0)
        self._sweep()
        self.assertEqual(self._refunds().credit_note_id, note)
        self.assertEqual(note.payment_state, "paid")

    def test_failed_ones_change_nothing(self):
        key = self._refund_outside()
        self.fake.settle_refund(key, "failed")
        self._sweep()
        self.assertFalse(self._refunds())
        self.assertFalse(self.booking.needs_attention)
        self.assertEqual(self.booking.payment_coverage, "paid")

    def test_on_its_way_then_refused(self):
        key = self._refund_outside(amount=20.0)
        self.fake.settle_refund(key, "pending")
        self._sweep()
        [refund] = self._refunds()
        self.assertEqual(refund.state, "pending")
        self.assertEqual(self.booking.payment_coverage, "paid")
        self._run_refunds()  # which must not give it back again
        with freeze_time(NEXT_DAYS[0]):
            self._run_refunds()
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        self.fake.settle_refund(key, "failed")
        self._sweep(NEXT_DAYS[1])
        self.assertEqual(refund.state, "failed")
        self.assertEqual(self.booking.attention_reason, "refund_failed")

    def test_refused_after_it_had_arrived(self):
        key = self._refund_outside()
        self._sweep()
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.fake.settle_refund(key, "failed")
        self._sweep(NEXT_DAYS[0])
        self.assertEqual(self._refunds().state, "failed")
        self.assertEqual(self.booking.payment_coverage, "paid")

    def test_two_bookings_in_one_look(self):
        other, tx = self._paid(self.asked, local="2026-03-04 09:00")
        self._refund_outside(amount=10.0)
        self._refund_outside(tx)
        self._sweep()
        self.assertEqual(self.booking.payment_coverage, "partly_refunded")
        self.assertEqual(other.payment_coverage, "refunded")
        self._assert_sums()

    def test_currencies(self):
        """No decimals, and three of them where the provider has such."""
        names = ["JPY"] + ["KWD"] * (self.code == "stripe")
        for name in names:
            currency = self.env.ref(f"base.{name}")
            currency.active = True
            invoice = self._create_invoice([60.0], currency_id=currency.id)
            invoice.action_post()
            tx = self._pay_invoice(invoice)
            amount = 21.0 if name == "JPY" else 20.125
            self._refund_outside(tx, amount)
            self._sweep(NEXT_DAYS[names.index(name)])
            self.assertEqual(self._refunds(tx).amount, amount)
            self.assertEqual(self._refunds(tx).credit_note_id.amount_total, amount)

    def _pay_invoice(self, invoice):
        tx = self._begin(invoice, self.asked)
        self._pay_there(tx)
        self._notify(tx)
        tx._post_process()
        return tx

    def test_given_back_before_it_was_settled(self):
        """Odoo books no payment of what went back already: it is settled first."""
        booking = self._place(local="2026-03-04 09:00")
        tx = self._begin(booking, self.asked)
        self._pay_there(tx)
        self._notify(tx)
        self._refund_outside(tx)
        self._sweep()
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(booking.payment_coverage, "refunded")
        self.assertEqual(booking.state, "hold", "what went back confirms nothing")
        self._assert_sums()

    def test_payments_of_others_are_left_alone(self):
        self._paid(self.asked, local="2026-03-04 09:00")
        self.tx.allocation_ids.unlink()
        self._refund_outside()
        self._sweep()
        self.assertFalse(self.tx.child_transaction_ids)
        self.assertFalse(self.asked.sweep_error)

    # === DISPUTES === #

    def test_lost(self):
        key = self._lose()
        for when in (LATER, *NEXT_DAYS):
            self._sweep(when)
        [dispute] = self.tx.dispute_ids
        self.assertEqual((dispute.state, dispute.amount), ("lost", 60.0))
        [child] = self.tx.child_transaction_ids
        self.assertEqual((child.provider_reference, child.state), (key, "done"))
        self.assertFalse(self._refunds(), "nobody decided it")
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.assertEqual(self.booking.state, "confirmed", "nothing is cancelled")
        self.assertEqual(self.booking.attention_reason, "disputed")
        self.assertEqual(len(self._activities()), 1)
        self.assertFalse(self.booking.invoice_id.reversal_move_ids)
        self._assert_sums()
        [text] = self.booking._get_refund_texts()
        self.assertIn("taken back by your bank on", text)
        Report = self.env["ir.actions.report"]
        xmlid = "payment_booking_portal.action_report_receipt"
        page = Report._render_qweb_html(xmlid, self.tx.ids)[0].decode()
        self.assertIn("Taken back by your bank on", page)
        self.assertNotIn("Given back on", page)

    def test_lost_in_part(self):
        self._refund_outside(amount=10.0)
        self._lose(30.0)
        self._sweep()
        self.assertEqual(self.booking.payment_coverage, "partly_refunded")
        self.assertEqual(self.tx._get_refundable_amount(), 20.0)
        self._assert_sums()

    def test_never_more_than_was_paid(self):
        self._refund_outside(amount=40.0)
        self._lose()
        self._sweep()
        amounts = sorted(self.tx.child_transaction_ids.mapped("amount"))
        self.assertEqual(amounts, [-40.0, -20.0])
        notes = " ".join(self._activities().mapped("note"))
        self.assertIn("Only", notes)

    def test_lost_and_given_again(self):
        key = self._lose()
        self._sweep()
        self._give_again(key)
        for when in NEXT_DAYS:
            self._sweep(when)
        [dispute] = self.tx.dispute_ids
        self.assertEqual(dispute.state, "won")
        self.assertEqual(self.booking.payment_coverage, "paid")
        self.assertEqual(dispute.refund_tx_id.payment_id.state, "canceled")
        self.assertEqual(len(self._activities()), 2)
        self._assert_sums()

    def test_invoice_is_disputed_and_nobody_is_reminded(self):
        invoice = self.booking.invoice_id
        key = self._lose()
        self._sweep()
        self.assertTrue(invoice.payment_disputed)
        self.assertIn(key, invoice.payment_disputed_reason)
        self.assertEqual(invoice._get_payable_own_status(), "disputed")
        self._give_again(key)
        self._sweep(NEXT_DAYS[0])
        self.assertFalse(invoice.payment_disputed)
        self.assertFalse(invoice.payment_disputed_reason)

    def test_won_after_the_books_were_closed(self):
        key = self._lose()
        self._sweep()

        def action_cancel(payments):
            raise ValueError("The books are closed.")

        self.patch(self.registry["account.payment"], "action_cancel", action_cancel)
        self._give_again(key)
        self._sweep(NEXT_DAYS[0])
        self.assertEqual(self.booking.payment_coverage, "paid")
        self.assertTrue(self.tx.child_transaction_ids.is_post_processed)
        notes = " ".join(self._activities().mapped("note"))
        self.assertIn("The books are closed.", notes)

    def test_timeline_says_who_did_it(self):
        self._lose()
        self._sweep()
        events = self.env["payment.document.event"].search(
            [("booking_id", "=", self.booking.id), ("kind", "=", "attention")]
        )
        self.assertEqual(events.mapped("source"), ["provider"])

    def test_reason_of_staff_stays(self):
        invoice = self.booking.invoice_id
        invoice.write({"payment_disputed": True, "payment_disputed_reason": "Hours"})
        self._give_again(self._lose())
        self._sweep()
        self.assertEqual(invoice.payment_disputed_reason, "Hours")

    # === HOW IT LOOKS === #

    def test_once_a_day_in_as_many_calls(self):
        self._sweep()
        self.fake.reset_log()
        self._sweep("2026-03-03 06:00:00")
        self.assertFalse(self.fake.calls(), "not due yet")
        self._sweep("2026-03-03 07:30:00")
        calls = len(self.fake.calls())
        for hour in range(9, 12):
            self._paid(self.asked, local=f"2026-03-05 {hour:02}:00")
        self.fake.reset_log()
        self._sweep("2026-03-04 08:00:00")
        self.assertEqual(len(self.fake.calls()), calls)
        self.assertLessEqual(calls, 3)

    def _count_queries(self):
        """Return how many queries a look takes that finds nothing new."""
        refunds, disputes, _paid = self.asked._list_sweep(self._gateway(), self._now())
        self.env.flush_all()
        self.env.invalidate_all()
        before = self.env.cr.sql_log_count
        self.assertFalse(self.asked._take_all_back(refunds, disputes))
        return len(refunds), self.env.cr.sql_log_count - before

    def test_no_more_queries_for_more_refunds(self):
        self._refund_outside(amount=10.0)
        self._sweep()
        count, queries = self._count_queries()
        self.assertEqual(count, 1)
        for hour in range(9, 12):
            _booking, tx = self._paid(self.asked, local=f"2026-03-05 {hour:02}:00")
            self._refund_outside(tx, 10.0)
        self._sweep(NEXT_DAYS[0])
        self.assertEqual(self._count_queries(), (4, queries))

    def _gateway(self):
        return payment_provider.get_gateway(self.asked)

    def test_outage_loses_nothing(self):
        self._sweep()
        mark = self.asked.swept_until
        self._refund_outside(amount=10.0)
        self.fake.fail(times=99, path="disputes|chargebacks", status=500)
        self._sweep(NEXT_DAYS[0])
        self.assertEqual(self.asked.swept_until, mark)
        self.assertTrue(self.asked.sweep_error)
        self.assertFalse(self._refunds())
        self.fake.reset_log()
        self.fake._faults.clear()
        self._sweep("2026-03-03 09:30:00")  # an hour later
        self.assertTrue(self._refunds())
        self.assertGreater(self.asked.swept_until, mark)
        self.assertFalse(self.asked.sweep_error)

    def test_too_many_questions(self):
        self.fake.reset_log()
        self.fake.fail(times=99, status=429)
        self._sweep()
        # The SDK of Stripe tries a limited question again by itself.
        self.assertEqual(len({call.path for call in self.fake.calls()}), 1)
        self.assertFalse(self.asked.swept_until)

    def test_bad_record_stops_no_other(self):
        other, tx = self._paid(self.asked, local="2026-03-04 09:00")
        self._refund_outside()
        self._refund_outside(tx)
        Refund = self.registry["payment.refund.request"]
        take, bad = Refund._take_outside, tx.id  # the newest comes first

        def take_outside(model, tx_sudo, answer):
            if tx_sudo.id == bad:
                raise ValueError("broken")
            return take(model, tx_sudo, answer)

        with patch.object(Refund, "_take_outside", take_outside):
            self._sweep()
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.assertFalse(self._refunds(tx))
        self.assertIn("broken", self.asked.sweep_error)
        self._sweep(NEXT_DAYS[0])
        self.assertEqual(other.payment_coverage, "refunded")

    def test_pages(self):
        for _number in range(5):
            self._refund_outside(amount=1.0)
        module = type(self._gateway()).__module__
        with patch(f"{module}.PAGE", 2):
            self._sweep()
        self.assertEqual(sum(self._refunds().mapped("amount")), 5.0)

    def test_copy_of_a_database_asks_nobody(self):
        self._refund_outside()
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("database.is_neutralized", "true")
        self.fake.reset_log()
        self._sweep()
        self.assertFalse(self.fake.calls())

    def test_without_the_sdk(self):
        self._refund_outside()
        gateway = type(self._gateway())
        self.fake.reset_log()
        with patch.object(gateway, "is_installed", lambda: False):
            self._sweep()
        self.assertFalse(self.fake.calls())

    def test_without_payments_nobody_is_asked(self):
        self.fake.reset_log()
        self._sweep("2026-10-02 08:00:00")
        self.assertFalse(self.fake.calls())


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSweepStripe(SweepTests, SweepCommon):
    code = "stripe"

    def test_opened_answered_and_won(self):
        key = self.fake.dispute(self.tx.provider_reference)["id"]
        for when in (LATER, NEXT_DAYS[0]):
            self._sweep(when)
        [dispute] = self.tx.dispute_ids
        self.assertEqual(dispute.state, "asked")
        self.assertEqual(str(dispute.deadline), "2026-03-09")
        [task] = dispute.activity_ids
        self.assertEqual(str(task.date_deadline), "2026-03-09")
        self.assertEqual(self.booking.attention_reason, "disputed")
        self.assertEqual(len(self._activities()), 1)
        self.assertEqual(self.booking.payment_coverage, "paid", "not decided yet")
        self.assertTrue(self.booking.invoice_id.payment_disputed)
        self.fake.close_dispute(key, "under_review")
        self._sweep(NEXT_DAYS[1])
        self.assertEqual(dispute.state, "reviewed")
        self.assertFalse(dispute.activity_ids)
        self.fake.close_dispute(key, "won")
        self._sweep(NEXT_DAYS[2])
        self.assertEqual(dispute.state, "won")
        self.assertFalse(self.booking.invoice_id.payment_disputed)
        self.assertFalse(self.tx.child_transaction_ids)
        self._assert_sums()

    def test_lost_then_appealed(self):
        """The money is gone while an appeal is decided, and may be gone again."""
        key = self._lose()
        days = iter((LATER, *NEXT_DAYS, "2026-03-06 08:00:00", "2026-03-07 08:00:00"))
        self._sweep(next(days))
        for status, coverage in (
            ("under_review", "refunded"),
            ("lost", "refunded"),
            ("won", "paid"),
            ("lost", "refunded"),
        ):
            self.fake.close_dispute(key, status)
            self._sweep(next(days))
            self.assertEqual(self.booking.payment_coverage, coverage, status)
        children = self.tx.child_transaction_ids
        self.assertEqual(sorted(children.mapped("state")), ["done", "error"])
        booked = children.payment_id.sorted("id").mapped("state")
        self.assertEqual(booked[0], "canceled")
        self.assertIn(booked[1], ("in_process", "paid"))

    def test_one_of_two_is_won(self):
        invoice = self.booking.invoice_id
        keys = [
            self.fake.dispute(self.tx.provider_reference, amount)["id"]
            for amount in (2000, 1000)
        ]
        self._sweep()
        marked = next(key for key in keys if key in invoice.payment_disputed_reason)
        [other] = {*keys} - {marked}
        self.fake.close_dispute(marked, "won")
        self._sweep(NEXT_DAYS[0])
        self.assertTrue(invoice.payment_disputed)
        self.assertIn(other, invoice.payment_disputed_reason)

    def test_dispute_that_lasts_is_followed(self):
        key = self.fake.dispute(self.tx.provider_reference)["id"]
        self._sweep()
        for day in ("2026-03-20", "2026-04-20", "2026-05-20", "2026-06-20"):
            self._sweep(f"{day} 08:00:00")
        self.fake.close_dispute(key, "lost")
        self._sweep("2026-06-25 08:00:00")
        self.assertEqual(self.tx.dispute_ids.state, "lost")
        self.assertEqual(self.booking.payment_coverage, "refunded")

    def test_dispute_in_another_currency(self):
        key = self._lose(30.0)
        self.fake.objects[key]["currency"] = "eur"
        self._sweep()
        self.assertEqual(self.tx.dispute_ids.currency_id, self.env.ref("base.EUR"))
        self.assertFalse(self.tx.child_transaction_ids)
        self.assertIn("not in the books", self._activities().note)

    # === PAYMENTS THAT NOBODY HEARD OF === #

    def _charge(self, reference, card="4242424242424242", **metadata):
        """Charge at Stripe what nobody here keeps."""
        client = self._gateway().client
        values = {"amount": 6000, "currency": "usd", "description": reference}
        intent = client.v1.payment_intents.create({**values, "metadata": metadata})
        self.fake.pay(intent.id, card)
        return intent.id

    def _lose_answer(self):
        """Return a booking whose saved card is to be charged, and the transaction."""
        booking = self._place(local="2026-03-04 09:00")
        return booking, self._start_payment(
            booking,
            provider_id=self.asked.id,
            payment_method_id=self.card.id,
            operation="online_token",
        )

    def test_payment_whose_answer_was_lost(self):
        booking, tx = self._lose_answer()
        key = self._charge(tx.reference)
        self._sweep()
        self.assertEqual((tx.state, tx.provider_reference), ("done", key))
        self.assertEqual(booking.state, "confirmed")

    def test_payment_whose_answer_was_lost_and_that_went_back(self):
        booking, tx = self._lose_answer()
        self.fake.refund(self._charge(tx.reference))
        self._sweep()
        self.assertEqual(booking.payment_coverage, "refunded")
        self.assertNotEqual(booking.state, "confirmed")

    def test_payment_whose_answer_was_lost_and_that_is_slow(self):
        _booking, tx = self._lose_answer()
        key = self._charge(tx.reference, card="4000000000001000")
        self._sweep()
        self.assertEqual((tx.state, tx.provider_reference), ("pending", key))

    def test_lost_race_is_run_once_more(self):
        booking, tx = self._lose_answer()
        self._charge(tx.reference)

        def recover(*_args):
            raise psycopg2.OperationalError("a lost race")

        with patch.object(self.registry["payment.transaction"], "_recover", recover):
            self._sweep()
        self.assertFalse(self.asked.swept_until)
        self.assertFalse(self.asked.sweep_error)
        self._sweep("2026-03-02 09:30:00")
        self.assertEqual(booking.state, "confirmed")

    def test_payment_that_cannot_be_told_on_its_document(self):
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        document = f"payment.booking,{self.booking.id}"
        key = self._charge("gone-3", odoo_database=uuid, odoo_document=document)

        def flag(*_args):
            raise ValueError("broken")

        with patch.object(self.registry["payment.booking"], "_flag_attention", flag):
            self._sweep()
        self.assertIn(key, self.company.partner_id.activity_ids.note)

    def test_payment_without_a_transaction(self):
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        booking = self._place(local="2026-03-04 09:00")
        document = f"payment.booking,{booking.id}"
        key = self._charge("gone-1", odoo_database=uuid, odoo_document=document)
        self._charge("other-1", odoo_database="of another", odoo_document=document)
        self._charge("shop-1")
        for when in (LATER, *NEXT_DAYS):
            self._sweep(when)
        [activity] = booking.activity_ids
        self.assertIn(key, activity.note)
        self.assertFalse(self.booking.needs_attention)

    def test_payment_without_a_document(self):
        uuid = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        key = self._charge("gone-2", odoo_database=uuid, odoo_document="x,y")
        self._sweep()
        self.assertIn(key, self.company.partner_id.activity_ids.note)

    def test_payments_say_what_they_are_for(self):
        intent = self.fake.objects[self.tx.provider_reference]
        self.assertEqual(
            intent["metadata"]["odoo_document"], f"payment.booking,{self.booking.id}"
        )

    def test_who_reads_disputes(self):
        self._lose()
        self._sweep()
        [dispute] = self.tx.dispute_ids
        users = {
            group: new_test_user(
                self.env,
                login=group,
                groups=group,
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for group in ("payment_booking_portal.group_manager", "base.group_portal")
        }
        manager, portal = users.values()
        views = [(False, "list"), (False, "form"), (False, "search")]
        mine = dispute.with_user(manager).sudo(False)
        mine.get_views(views)
        self.assertEqual(mine.read(["amount"])[0]["amount"], 60.0)
        with self.assertRaises(AccessError):
            mine.write({"state": "won"})
        with self.assertRaises(AccessError):
            dispute.with_user(portal).sudo(False).read(["amount"])


@tagged("post_install", "-at_install")
class TestSweepStripeTells(SweepCommon, PaymentHttpCommon):
    """Notifications of Stripe, through Odoo's own address for them."""

    code = "stripe"

    def setUp(self):
        with freeze_time(NOW):
            super().setUp()

    def _tell(self, event, secret=None):
        """Send an event as Stripe does, and return the status of the answer."""
        self.env.flush_all()
        payload = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": self.fake.sign(payload, secret),
        }
        url = "/payment/stripe/webhook"
        answer = self.url_open(url, data=payload, headers=headers)
        self.env.invalidate_all()
        return answer.status_code

    def test_refund(self):
        self._refund_outside(amount=20.0)
        [event] = self.fake.events("charge.refunded")
        self.assertEqual(self._tell(event), 200)
        [refund] = self._refunds()
        self.assertEqual(refund.state, "done")
        self.assertEqual(self.booking.attention_reason, "refunded_outside")
        self.assertEqual(self._tell(event), 200)
        self.asked._sweep()
        self.assertEqual(self._refunds(), refund)
        self.assertEqual(len(self._activities()), 1)
        self.assertEqual(len(self.tx.child_transaction_ids), 1)

    @mute_logger("odoo.addons.payment_stripe.controllers.main")
    def test_notification_is_only_a_hint(self):
        self._refund_outside(amount=20.0)
        [event] = self.fake.events("charge.refunded")
        event["data"]["object"]["refunds"]["data"][0]["id"] = "re_other"
        event["data"]["object"]["refunds"]["data"][0]["amount"] = 6000
        self.assertEqual(self._tell(event), 200)
        self.assertEqual(self._refunds().amount, 20.0, "what Stripe says")

    @mute_logger("odoo.addons.payment_stripe.controllers.main", "odoo.http")
    def test_dispute(self):
        self.fake.dispute(self.tx.provider_reference)
        [event] = self.fake.events("charge.dispute.created")
        self.assertEqual(self._tell(event, secret="wrong"), 403)
        self.assertFalse(self.tx.dispute_ids)
        for _time in range(2):
            self.assertEqual(self._tell(event), 200)
        self.assertEqual(self.tx.dispute_ids.state, "asked")
        self.assertEqual(len(self._activities()), 1)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSweepMollie(SweepTests, SweepCommon):
    code = "mollie"

    def test_notification_and_look(self):
        self._refund_outside(amount=20.0)
        key = self.fake.charge_back(self.tx.provider_reference, "10.00")["id"]
        for _time in range(2):
            self._notify(self.tx)
        [refund] = self._refunds()
        self.assertEqual(refund.state, "done")
        self.assertEqual(self.tx.dispute_ids.reference, key)
        for when in (LATER, *NEXT_DAYS):
            self._sweep(when)
        self.assertEqual(self._refunds(), refund)
        self.assertEqual(len(self._activities()), 2)
        self.assertEqual(len(self.tx.child_transaction_ids), 2)
        self._assert_sums()

    def test_old_ones_are_not_read_again(self):
        self._refund_outside(amount=10.0)
        self._sweep()
        gateway = self._gateway()
        self.assertFalse(gateway.list_refunds_since(self._now() + timedelta(days=1)))
        self.assertTrue(gateway.list_refunds_since(self._now()))
