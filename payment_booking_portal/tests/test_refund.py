"""Money that goes back: once, to the cent, and never said before it is true."""

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW
from .gateway_common import GatewayCommon


class RefundCommon(GatewayCommon):
    def _paid(self, provider, **place):
        """Return a booking that was paid with a provider, and the transaction."""
        booking = self._place(**place)
        tx = self._begin(booking, provider)
        self._pay_there(tx)
        self._notify(tx)
        tx._post_process()
        self.assertEqual(booking.state, "confirmed")
        return booking, tx

    def _decide(self, tx, amount, reason="Cancelled in time"):
        return self.env["payment.refund.request"]._decide(tx, amount, reason)

    def _run_refunds(self):
        self._run("payment.refund.request", "_cron_refund")
        self._run("payment.transaction", "_cron_post_process")

    def _execute_and_die(self, refund):
        """Tell the provider, and lose all that was written of it."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.env.uid, {})
            env["payment.refund.request"].browse(refund.id)._execute()
            cr.rollback()
        self.env.invalidate_all()

    def _refunds_at(self, tx):
        fake = self._fake_of(tx)
        return [key for key in fake.objects if key.startswith("re_")]


class RefundTests:
    """What is true of every provider that gives money back."""

    code = None

    def setUp(self):
        super().setUp()
        self.asked = getattr(self, self.code)
        self.fake = self.fakes[self.code]
        self.booking, self.tx = self._paid(self.asked)

    def _arrive(self):
        """Let what is on its way arrive, and be asked about."""
        if self.code == "mollie":
            for key in self._refunds_at(self.tx):
                self.fake.settle_refund(key)
        with freeze_time("2026-03-03 07:00:00"):
            self._run_refunds()

    def test_all_of_it(self):
        refund = self._decide(self.tx, 60.0)
        self.assertFalse(self._refunds_at(self.tx), "only once it is committed")
        self.assertEqual(self.booking.payment_coverage, "paid")
        self._run_refunds()
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        self._arrive()
        self.assertEqual(refund.state, "done")
        self.assertEqual(self.booking.payment_coverage, "refunded")
        note = refund.credit_note_id
        self.assertEqual((note.amount_total, note.payment_state), (60.0, "paid"))
        self.assertEqual(note.reversed_entry_id, self.booking.invoice_id)
        payment = refund.refund_tx_id.payment_id
        self.assertEqual((payment.amount, payment.payment_type), (60.0, "outbound"))
        self.assertFalse(self.fake.balance("USD"), "the provider has nothing left")

    def test_parts(self):
        for amount, coverage in ((20.01, "partly_refunded"), (39.99, "refunded")):
            refund = self._decide(self.tx, amount)
            self._run_refunds()
            self._arrive()
            self.assertEqual(refund.state, "done")
            self.assertEqual(self.booking.payment_coverage, coverage)
            self.assertEqual(refund.credit_note_id.amount_total, amount)
            self.assertEqual(refund.credit_note_id.payment_state, "paid")
        self.assertFalse(self.fake.balance("USD"))
        self.assertEqual(self.tx._get_refundable_amount(), 0.0)

    def test_never_above_what_was_paid(self):
        with self.assertRaises(UserError):
            self._decide(self.tx, 60.01)
        self._decide(self.tx, 40.0)
        with self.assertRaises(UserError):
            self._decide(self.tx, 20.01)
        self._decide(self.tx, 20.0)
        for wrong in (0.0, -1.0, 0.004):
            with self.assertRaises(UserError):
                self._decide(self.tx, wrong)

    def test_once_though_the_answer_is_lost(self):
        refund = self._decide(self.tx, 60.0)
        self.fake.fail(times=9, method="POST", path="refunds", cut=True, done=True)
        self._run_refunds()
        self.assertIn(refund.state, ("queued", "pending"))
        self.fake.reset_log()
        with freeze_time("2026-03-02 08:00:00"):
            self._run_refunds()
        self._arrive()
        self.assertEqual(refund.state, "done")
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        self.assertEqual(len(self.tx.child_transaction_ids), 1)

    def test_once_though_the_process_dies(self):
        """What the provider did is found again after nothing of it was written."""
        refund = self._decide(self.tx, 60.0)
        self._execute_and_die(refund)
        self.assertEqual(refund.state, "queued")
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        self.fake._replays.clear()  # a provider forgets keys after a day
        self._run_refunds()
        self._arrive()
        self.assertEqual(refund.state, "done")
        self.assertEqual(len(self._refunds_at(self.tx)), 1)

    def test_given_back_before_it_was_booked(self):
        """Odoo books no payment then: it takes the refund for a capture."""
        booking = self._place(local="2026-03-04 09:00")
        tx = self._begin(booking, self.asked)
        self._pay_there(tx)
        self._notify(tx)
        self._decide(tx, 20.0)
        self._run("payment.refund.request", "_cron_refund")
        self.tx = tx
        self._arrive()
        self._run("payment.transaction", "_cron_post_process")
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(tx.child_transaction_ids.payment_id.amount, 20.0)

    def test_outage(self):
        refund = self._decide(self.tx, 60.0)
        self.fake.fail(times=99, status=500)
        for clock in ("07:00", "07:02", "07:10", "07:40", "09:00", "14:00"):
            with freeze_time(f"2026-03-02 {clock}:00"):
                self._run_refunds()
        self.assertEqual(refund.state, "queued")
        self.assertTrue(refund.error)
        self.assertEqual(self.booking.attention_reason, "refund_failed")
        self.fake.reset_log()
        with freeze_time("2026-03-04 07:00:00"):
            self._run_refunds()
        self.assertEqual(len(self._refunds_at(self.tx)), 1)

    def test_somebody_was_quicker_there(self):
        refund = self._decide(self.tx, 60.0)
        self.fake.refund(self.tx.provider_reference)
        self._run_refunds()
        self._arrive()
        self.assertEqual(self.tx.refund_request_ids, refund)
        self.assertEqual((refund.state, refund.is_outside), ("done", False))
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        self.assertFalse(self.booking.needs_attention)

    def test_a_part_went_back_meanwhile(self):
        refund = self._decide(self.tx, 50.0)
        self._refund_a_part()
        self._run_refunds()
        self.assertEqual(refund.state, "failed")
        self.assertEqual(len(self._refunds_at(self.tx)), 1)
        with self.assertRaises(UserError):
            refund.action_retry()

    def _refund_a_part(self):
        """Give 20 of it back on the provider's own pages."""
        amount = 2000 if self.code == "stripe" else "20.00"
        self.fake.refund(self.tx.provider_reference, amount)

    def test_refused(self):
        refund = self._decide(self.tx, 60.0)
        status = 400 if self.code == "stripe" else 422
        self.fake.fail(method="POST", path="refunds", status=status)
        self._run_refunds()
        self.assertEqual(refund.state, "failed")
        self.assertTrue(refund.error)
        self.assertEqual(self.booking.attention_reason, "refund_failed")
        self.assertNotIn("given back on", refund._get_client_text())

    def test_copy_of_a_database_gives_nothing_back(self):
        refund = self._decide(self.tx, 60.0)
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("database.is_neutralized", "true")
        self.fake.reset_log()
        self._run_refunds()
        self.assertFalse(self.fake.calls())
        self.assertEqual(refund.state, "queued")

    def test_what_the_client_reads(self):
        refund = self._decide(self.tx, 60.0)
        self.assertIn("is being given back", refund._get_client_text())
        self._run_refunds()
        self._arrive()
        self.assertIn("given back on", refund._get_client_text())


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRefundStripe(RefundTests, RefundCommon):
    code = "stripe"

    def test_fails_after_it_arrived(self):
        refund = self._decide(self.tx, 60.0)
        self._run_refunds()
        self.assertEqual(refund.state, "done")
        # As the notification of Odoo's module says it.
        refund.refund_tx_id._set_error("Account closed", ("done",))
        self.assertEqual(refund.state, "failed")
        self.assertEqual(self.booking.attention_reason, "refund_failed")
        self.assertEqual(self.booking.payment_coverage, "paid")

    def test_fails_after_it_was_booked(self):
        """It goes out of the books; the next refund takes over the credit note."""
        refund = self._decide(self.tx, 20.01)
        self._run_refunds()
        child, note = refund.refund_tx_id, refund.credit_note_id
        self.assertEqual((child.payment_id.amount, note.payment_state), (20.01, "paid"))
        child._set_error("Account closed", ("done",))
        self._run_refunds()
        self.assertEqual(child.payment_id.state, "canceled")
        self.assertEqual(note.payment_state, "not_paid")
        again = self._decide(self.tx, 20.01)
        self._run_refunds()
        self.assertEqual(again.credit_note_id, note)
        self.assertEqual(note.payment_state, "paid")
        self.assertEqual(self.booking.invoice_id.reversal_move_ids, note)

    def test_notification_is_quicker_than_we_are(self):
        """Odoo's module makes the refund of a notification: there is one in the end."""
        refund = self._decide(self.tx, 60.0)
        self._execute_and_die(refund)
        [key] = self._refunds_at(self.tx)
        child = self.tx._create_child_transaction(60.0, is_refund=True)
        data = {"refund": self.fake.render(self.fake.objects[key])}
        child._process("stripe", data)
        self._run_refunds()
        self.assertEqual(refund.state, "done")
        self.assertEqual(refund.refund_tx_id, child)
        self.assertEqual(self.tx.child_transaction_ids, child)

    def test_fails_on_its_way(self):
        refund = self._decide(self.tx, 60.0)
        self.fake.refund_status = "pending"
        self._run_refunds()
        self.assertEqual(refund.state, "pending")
        [key] = self._refunds_at(self.tx)
        self.fake.settle_refund(key, "failed")
        with freeze_time("2026-03-03 07:00:00"):
            self._run_refunds()
        self.assertEqual(refund.state, "failed")
        self.assertEqual(self.booking.payment_coverage, "paid")
        self.assertEqual(self.tx._get_refundable_amount(), 60.0)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRefundMollie(RefundTests, RefundCommon):
    code = "mollie"

    def test_on_its_way_is_not_given_back(self):
        refund = self._decide(self.tx, 60.0)
        self._run_refunds()
        self.assertEqual(refund.state, "pending")
        self.assertEqual(self.booking.payment_coverage, "paid")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRefundByHand(RefundCommon):
    """Where the provider cannot, staff gets a task with a deadline."""

    def setUp(self):
        super().setUp()
        self.booking = self._place()
        self.tx = self._pay(self.booking)

    def _let_odoo_refund(self):
        """Give the provider a module that refunds, and says nothing of it."""
        Provider = self.registry["payment.provider"]
        compute = Provider._compute_feature_support_fields

        def compute_partial(providers):
            compute(providers)
            providers.support_refund = "partial"

        self.patch(Provider, "_compute_feature_support_fields", compute_partial)
        self.tx.payment_method_id.support_refund = "partial"
        self.env.invalidate_all()

    def test_task_then_done(self):
        refund = self._decide(self.tx, 60.0)
        self.assertEqual(refund.state, "manual")
        self.assertEqual(str(refund.deadline), "2026-03-09")
        self.assertEqual(str(refund.activity_ids.date_deadline), "2026-03-09")
        refund.action_done_by_hand()
        self.assertEqual(refund.state, "done")
        self.assertFalse(refund.activity_ids)
        self._run("payment.transaction", "_cron_post_process")
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.assertEqual(refund.credit_note_id.payment_state, "paid")
        with self.assertRaises(UserError):
            refund.action_done_by_hand()

    def test_given_up(self):
        refund = self._decide(self.tx, 60.0)
        refund.action_cancel()
        self.assertEqual(self.tx._get_refundable_amount(), 60.0)
        self.assertFalse(refund.activity_ids)

    def test_cash_and_transfers(self):
        """What staff noted goes out of the same journal."""
        for method in ("cash", "transfer"):
            booking = self._place(local=f"2026-03-05 {len(method) + 5:02}:00")
            method = self.env.ref(f"payment_booking_portal.payment_method_{method}")
            booking._record_payment(60.0, method)
            [tx] = booking._get_paid_transactions()
            refund = self._decide(tx, 25.0)
            self.assertEqual(refund.state, "manual", "nobody but staff can")
            refund.action_done_by_hand()
            self._run("payment.transaction", "_cron_post_process")
            payment = refund.refund_tx_id.payment_id
            self.assertEqual((payment.amount, payment.payment_type), (25.0, "outbound"))
            self.assertEqual(payment.journal_id, tx.payment_id.journal_id)
            self.assertEqual(refund.credit_note_id.payment_state, "paid")
            self.assertEqual(booking.payment_coverage, "partly_refunded")

    def test_module_of_odoo_is_told_once(self):
        """A refund that waits for its notification is neither made again nor a task."""
        self._let_odoo_refund()
        refund = self._decide(self.tx, 60.0)
        for day in ("02 08", "03 08", "05 08", "20 08"):
            with freeze_time(f"2026-03-{day}:00:00"):
                self._run_refunds()
            self.assertEqual(refund.state, "pending")
        [child] = self.tx.child_transaction_ids
        self.assertFalse(refund.activity_ids)
        with self.assertRaises(UserError):
            refund.action_done_by_hand()
        child._set_done()
        self.assertEqual(refund.state, "done")

    def test_module_of_odoo_was_told_and_the_process_died(self):
        self._let_odoo_refund()
        refund = self._decide(self.tx, 60.0)
        refund.tries = 1  # committed before the provider was told
        self._run_refunds()
        self.assertEqual(refund.state, "manual", "rather a question than a second one")
        self.assertFalse(self.tx.child_transaction_ids)
        self.assertTrue(refund.activity_ids)

    def _user(self, group):
        return new_test_user(
            self.env,
            login=group,
            groups=group,
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )

    def test_manager_decides(self):
        manager = self._user("payment_booking_portal.group_manager")
        action = self.booking.with_user(manager).sudo(False).action_refund_payment()
        wizard = (
            self.env["payment.refund.decide"]
            .with_user(manager)
            .with_context(**action["context"])
            .create({"reason": "Ill"})
        )
        self.assertEqual((wizard.amount, wizard.amount_left), (60.0, 60.0))
        wizard.amount = 10.0
        wizard.action_refund()
        [refund] = self.tx.refund_request_ids
        self.assertEqual((refund.amount, refund.reason), (10.0, "Ill"))
        self.assertEqual(refund.user_id, manager)

    def test_nobody_else_decides(self):
        refund = self._decide(self.tx, 10.0)
        for group in (
            "payment_booking_portal.group_user",
            "account.group_account_invoice",
            "base.group_user",
            "base.group_portal",
        ):
            user = self._user(group)
            booking = self.booking.with_user(user).sudo(False)
            with self.subTest(group), self.assertRaises(AccessError):
                booking.action_refund_payment()
            for method in ("action_done_by_hand", "action_retry", "action_cancel"):
                with self.subTest(group, method=method), self.assertRaises(AccessError):
                    getattr(refund.with_user(user).sudo(False), method)()
            with self.subTest(group, wizard=True), self.assertRaises(AccessError):
                self.env["payment.refund.decide"].with_user(user).create(
                    {"transaction_key": self.tx.id, "amount": 1.0, "reason": "x"}
                )
        self.assertEqual(refund.state, "manual")

    def test_manager_of_another_company(self):
        other = self._create_other_company()
        manager = new_test_user(
            self.env,
            login="other_manager",
            groups="payment_booking_portal.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        with self.assertRaises(AccessError):
            self.env["payment.refund.decide"].with_user(manager).create(
                {"transaction_key": self.tx.id, "amount": 1.0, "reason": "x"}
            )
        refund = self._decide(self.tx, 10.0)
        with self.assertRaises(AccessError):
            refund.with_user(manager).sudo(False).action_cancel()
