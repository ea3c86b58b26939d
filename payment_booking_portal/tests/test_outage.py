"""Providers that answer too late, forget, or tell things in any order: in the end it is
as the provider says, once.
"""

import threading
from itertools import permutations
from unittest.mock import patch

from odoo.tests import freeze_time, tagged

from ..gateways import UNKNOWN, get_gateway, mollie, stripe
from .common import NOW
from .test_refund import RefundCommon

LATE = "2026-03-02 07:20:00"  # the hold of 15 minutes is over
NEXT_DAY = "2026-03-03 08:00:00"


class LateTests:
    """What is true of every provider whose answer comes after nobody waits for it."""

    code = None

    def setUp(self):
        super().setUp()
        self.asked = getattr(self, self.code)
        self.fake = self.fakes[self.code]
        for module in (stripe, mollie):
            self.startPatcher(patch.object(module, "TIMEOUT", 0.2))
        self.startPatcher(patch.object(stripe, "RETRIES", 0))

    def _answer_late(self, method, path):
        """Let the next request be done only once `_let_it_be_done` says so."""
        self.fault = self.fake.fail(method=method, path=path, hold=threading.Event())
        self.addCleanup(self.fault.hold.set)

    def _let_it_be_done(self):
        self.assertTrue(self.fault.reached.is_set(), "nobody asked")
        self.fault.hold.set()
        self.assertTrue(self.fault.over.wait(10))

    def test_question(self):
        booking = self._place()
        tx = self._begin(booking, self.asked)
        self._pay_there(tx)
        self._answer_late("GET", tx.provider_reference)
        self._notify(tx)
        self.assertEqual((tx.state, booking.state), ("draft", "hold"))
        self.assertTrue(tx.ask_error)
        self._let_it_be_done()
        with freeze_time(LATE):
            self._reconcile()
        self.assertEqual((tx.state, booking.state), ("done", "confirmed"))
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertFalse(tx.ask_error)

    def test_end_of_a_hold(self):
        booking = self._place()
        tx = self._begin(booking, self.asked)
        if self.code == "mollie":
            self.fake.set_cancelable(tx.provider_reference)
        self._answer_late(*self._cancel_request())
        with freeze_time(LATE):
            self._release_holds()
            self.assertEqual((tx.state, booking.state), ("draft", "hold"))
            self.assertTrue(tx.ask_error)
            self._let_it_be_done()
            self._release_holds()
        self.assertEqual((tx.state, booking.state), ("cancel", "expired"))
        there = self.fake.objects[tx.provider_reference]
        self.assertEqual(there["status"], "canceled")

    def _cancel_request(self):
        return ("DELETE", "") if self.code == "mollie" else ("POST", "cancel")

    def _assert_given_back_once(self, refund, tx):
        for key in self._refunds_at(tx):
            self.fake.settle_refund(key, self.arrived)
        with freeze_time(NEXT_DAY):
            self._run_refunds()
        self.assertEqual(refund.state, "done")
        self.assertEqual(len(self._refunds_at(tx)), 1)
        self.assertEqual(len(tx.child_transaction_ids), 1)
        self.assertEqual(tx.child_transaction_ids.payment_id.amount, 20.0)

    def _assert_not_yet(self, refund, tx):
        self.assertEqual(refund.state, "queued")
        self.assertTrue(refund.error)
        self.assertFalse(tx.child_transaction_ids)

    def test_refund_done_after_the_next_try(self):
        """The second request overtakes the first: their key makes them one."""
        _booking, tx = self._paid(self.asked)
        refund = self._decide(tx, 20.0)
        self._answer_late("POST", "refunds")
        self._run_refunds()
        self._assert_not_yet(refund, tx)
        with freeze_time(LATE):
            self._run_refunds()
        self._let_it_be_done()
        self._assert_given_back_once(refund, tx)

    def test_refund_done_before_the_next_try(self):
        _booking, tx = self._paid(self.asked)
        refund = self._decide(tx, 20.0)
        self._answer_late("POST", "refunds")
        self._run_refunds()
        self._assert_not_yet(refund, tx)
        self._let_it_be_done()
        self.fake.reset_log()
        with freeze_time(LATE):
            self._run_refunds()
        self.assertFalse(self.fake.calls("POST", "refunds"), "it is in the list")
        self._assert_given_back_once(refund, tx)

    def test_list_of_refunds(self):
        """Who does not know what was given back gives nothing back."""
        _booking, tx = self._paid(self.asked)
        refund = self._decide(tx, 20.0)
        self._answer_late("GET", "refunds")
        self._run_refunds()
        self._assert_not_yet(refund, tx)
        self.assertFalse(self.fake.calls("POST", "refunds"))
        self.assertIsNone(self._list_in_vain(tx))
        self._let_it_be_done()
        with freeze_time(LATE):
            self._run_refunds()
        self._assert_given_back_once(refund, tx)

    def _list_in_vain(self, tx):
        with self.fake.refusing():
            gateway = get_gateway(self.asked)
            self.assertEqual(gateway.refund(tx, 20.0, "key").word, UNKNOWN)
            return gateway.list_refunds(tx)

    # === TWO GUARDS AGAINST A SECOND REFUND === #

    def _give_back_twice(self):
        """Tell the provider, lose all that was written, and let the job run again."""
        _booking, tx = self._paid(self.asked)
        refund = self._decide(tx, 20.0)
        self._execute_and_die(refund)
        self.assertEqual(len(self._refunds_at(tx)), 1)
        self._run_refunds()
        return refund, tx

    def test_list_alone_is_enough(self):
        self.fake.forgets = True
        self._assert_given_back_once(*self._give_back_twice())

    def test_key_alone_is_enough(self):
        self.fake.lags = True
        refund, tx = self._give_back_twice()
        self.fake.lags = False
        self._assert_given_back_once(refund, tx)

    def test_one_of_them_is_needed(self):
        self.fake.lags = self.fake.forgets = True
        _refund, tx = self._give_back_twice()
        self.assertEqual(len(self._refunds_at(tx)), 2, "these tests prove nothing")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLateStripe(LateTests, RefundCommon):
    code = "stripe"
    arrived = "succeeded"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLateMollie(LateTests, RefundCommon):
    code = "mollie"
    arrived = "refunded"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestOrders(RefundCommon):
    """Whatever was said first, last or twice: what counts is how it is there."""

    # What a notification says, and the state of the payment here if that is the truth.
    truths = {
        "processing": "pending",
        "succeeded": "done",
        "failed": "draft",  # another card may do
        "canceled": "cancel",
        "refunded": "done",
    }

    def _make_true(self, kind, key):
        fake = self.fakes["stripe"]
        if kind == "processing":
            fake.pay(key, card="4000000000001000")
        elif kind == "failed":
            fake.pay(key, card="4000000000000002")
        elif kind == "canceled":
            fake.objects[key]["status"] = "canceled"
        else:
            fake.pay(key)
        if kind == "refunded":
            fake.refund(key)

    def _say(self, tx, kind):
        """Notify as Odoo's controller does, whether it is true or not."""
        fake = self.fakes["stripe"]
        Transaction = self.env["payment.transaction"].sudo()
        if kind == "refunded":
            known = tx.child_transaction_ids.mapped("provider_reference")
            for key in set(self._refunds_at(tx)) - set(known):
                child = tx._create_child_transaction(tx.amount, is_refund=True)
                child._process("stripe", {"refund": fake.render(fake.objects[key])})
            return
        status = "requires_payment_method" if kind == "failed" else kind
        intent = {**fake.render(fake.objects[tx.provider_reference]), "status": status}
        data = {"reference": tx.reference, "payment_intent": intent}
        Transaction._process("stripe", data)

    def test_every_order(self):
        """Each of the 120 orders once, the first of each twice, over five truths."""
        orders = list(permutations(self.truths))
        for number, (truth, state) in enumerate(self.truths.items()):
            booking = self._place(local=f"2026-03-05 {9 + number:02}:00")
            tx = self._begin(booking, self.stripe)
            self._make_true(truth, tx.provider_reference)
            intent = self.fakes["stripe"].objects[tx.provider_reference]
            answer = {**self.fakes["stripe"].render(intent), "payment_method": None}
            # The questions themselves are asked over HTTP in other tests.
            with patch.object(
                stripe.StripeGateway,
                "_ask",
                lambda gateway, tx, _ref, answer=answer: gateway._read(tx, answer),
            ):
                for order in orders[number::5]:
                    with self.env.cr.savepoint() as savepoint:
                        for kind in (*order, order[0]):
                            self._say(tx, kind)
                        self._check_end(booking, tx, truth, state)
                        savepoint.rollback()
                    self.env.invalidate_all()

    def _check_end(self, booking, tx, truth, state):
        self.assertEqual(tx.state, state, truth)
        gone = truth == "refunded"
        self.assertEqual(tx.child_transaction_ids.mapped("state"), ["done"] * gone)
        paid = 60.0 if truth == "succeeded" else 0.0
        self.assertEqual(booking._get_payable_paid(), paid, truth)
        self.assertEqual(tx._get_refundable_amount(), paid, truth)
