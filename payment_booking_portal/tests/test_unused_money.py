"""Money that came for nothing: what becomes of it, and what the client reads."""

from psycopg2 import IntegrityError

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import html2plaintext, mute_logger

from .common import NOW
from .test_refund import RefundCommon

LATE = "2026-03-02 08:30:00"
CREDIT = "as a credit for your next booking"


class UnusedMoneyCommon(RefundCommon):
    def _mail(self, booking, template):
        """Return the last mail of a template to the client, as text."""
        record = self.env.ref(f"payment_booking_portal.{template}")
        subject = record._render_field("subject", booking.ids)[booking.id]
        mails = self.env["mail.mail"].search(
            [("subject", "=", subject), ("model", "=", booking._name)], order="id desc"
        )
        return html2plaintext(mails[:1].body_html or "")

    def _credit_of(self, tx):
        """Return what is left of a payment for the client to use."""
        items = tx.payment_id.move_id.line_ids
        receivable = items.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        return -receivable.amount_residual

    def _text(self, booking):
        """Return what the client reads on the page of the booking."""
        return booking._get_unused_money_text()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLateMoney(UnusedMoneyCommon):
    """Money that comes when its time belongs to somebody else."""

    def setUp(self):
        super().setUp()
        self.people.resource_ids = self.anna

    def _pay_late(self, provider=None, taken=True):
        """Return a booking that was paid after somebody else got its time."""
        booking = self._place()
        tx = self._begin(booking, provider or self.stripe)
        self.fakes[tx.provider_code].fail(times=9, method="POST", status=500)
        tx._set_canceled()  # as a module that tells us too early
        with freeze_time(LATE):
            booking._end_hold()
            self.assertEqual(booking.state, "expired")
            if taken:
                self._place()
            self.fakes[tx.provider_code].reset_log()
            self._pay_there(tx)
            self._notify(tx)
            tx._post_process()
        return booking, tx

    def test_free_again(self):
        for decision in ("ask", "refund", "credit"):
            with self.subTest(decision):
                self.company.booking_late_money = decision
                booking, tx = self._pay_late(taken=False)
                self.assertEqual(booking.state, "confirmed", "tried first, always")
                self.assertFalse(booking.unused_money)
                self.assertFalse(tx.refund_request_ids)
                self.assertFalse(self._mail(booking, "mail_template_booking_late"))
                booking._cancel()

    def test_ask(self):
        booking, tx = self._pay_late()
        self.assertEqual(booking.attention_reason, "late_no_slot")
        self.assertEqual(booking.unused_money, "ask")
        self.assertFalse(tx.refund_request_ids)
        mail = self._mail(booking, "mail_template_booking_late")
        self.assertIn("We will contact you", mail)
        self.assertIn("60.00", mail)
        self.assertIn("given to somebody else", mail)
        # Staff decides: the client reads that, at once.
        refund = self._decide(tx, 60.0)
        self.assertIn("is being given back", self._text(booking))
        self.assertNotIn("contact you", self._text(booking))
        self.assertEqual(refund.state, "queued")

    def test_refund(self):
        self.company.booking_late_money = "refund"
        booking, tx = self._pay_late()
        [refund] = tx.refund_request_ids
        self.assertEqual((refund.amount, refund.state), (60.0, "queued"))
        self.assertFalse(refund.user_id, "the settings decided")
        self.assertFalse(booking.needs_attention, "nobody has to do anything")
        mail = self._mail(booking, "mail_template_booking_late")
        self.assertIn("We are giving the money back to you", mail)
        self.assertNotIn("given back on", mail)
        with freeze_time("2026-03-02 08:31:00"):
            self._run_refunds()
        self.assertEqual(refund.state, "done")
        self.assertIn("$60.00 given back on", self._text(booking).replace("\xa0", ""))
        self.assertEqual(booking.payment_coverage, "refunded")
        self.assertFalse(self.fakes["stripe"].balance("USD"))
        self.assertFalse(self._credit_of(tx), "no credit is left in the books")

    def test_refund_at_every_provider(self):
        self.company.booking_late_money = "refund"
        booking, tx = self._pay_late(self.mollie)
        [refund] = tx.refund_request_ids
        with freeze_time("2026-03-02 08:31:00"):
            self._run_refunds()
        self.assertEqual(refund.state, "pending")
        self.assertIn("We are giving", self._text(booking), "not yet given back")

    def test_refund_that_the_provider_cannot_make(self):
        """The money goes back by hand: the client is promised the same, staff told."""
        self.company.booking_late_money = "refund"
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_canceled()
        with freeze_time(LATE):
            booking._end_hold()
            self._place()
            tx._set_done()
            tx._post_process()
        [refund] = tx.refund_request_ids
        self.assertEqual(refund.state, "manual")
        self.assertEqual(refund.activity_ids.user_id, booking.user_id)
        self.assertIn("We are giving", self._text(booking))

    def test_refund_of_a_part_is_for_staff(self):
        """What was paid together with something else is no machine's to give back."""
        self.company.booking_late_money = "refund"
        booking = self._place()
        other = self._place(local="2026-03-04 09:00", visitor_key="other")
        other.partner_id = booking._ensure_payable_partner()
        tx = self._begin(booking, self.stripe)
        tx.allocation_ids = [Command.create({"booking_id": other.id, "amount": 1.0})]
        tx._set_canceled()
        with freeze_time(LATE):
            booking._end_hold()
            self._place()
            tx._set_done()
            tx._post_process()
        self.assertEqual(booking.state, "expired")
        self.assertFalse(tx.refund_request_ids)
        self.assertEqual(booking.attention_reason, "late_no_slot")
        self.assertIn("contact you", self._text(booking))

    def test_credit(self):
        self.company.booking_late_money = "credit"
        booking, tx = self._pay_late()
        self.assertFalse(booking.needs_attention)
        self.assertFalse(tx.refund_request_ids)
        self.assertEqual(self._credit_of(tx), 60.0)
        self.assertIn(CREDIT, self._mail(booking, "mail_template_booking_late"))
        self.company.booking_late_money = "ask"
        self.assertIn(CREDIT, self._text(booking), "what was said stays said")

    def test_nearest_times(self):
        booking, _tx = self._pay_late()
        slots = booking._get_mail_slots()
        self.assertEqual(len(slots), 3)
        mail = self._mail(booking, "mail_template_booking_late")
        for slot in slots:
            self.assertTrue(slot["url"].startswith(booking.get_base_url() + "/book/"))
            self.assertIn(slot["label"], mail)
        self.assertNotIn("T0800", " ".join(slot["url"] for slot in slots), "taken")
        self.service.is_published = False
        self.assertFalse(booking._get_mail_slots())

    def test_mail_in_the_language_of_the_client(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"].search(
            [("name", "=", "payment_booking_portal")]
        )._update_translations(["fr_FR"])
        booking, _tx = self._pay_late()
        booking.partner_id.lang = "fr_FR"
        booking._send_mail("payment_booking_portal.mail_template_booking_late")
        mail = self.env["mail.mail"].search([], order="id desc", limit=1)
        self.assertIn("Nous vous contacterons", mail.body_html)
        self.assertIn("mardi", mail.body_html)

    def test_money_for_a_cancelled_booking(self):
        self.company.booking_late_money = "refund"
        booking = self._place()
        tx = self._begin(booking, self.stripe)
        booking._drop_hold()
        self.assertEqual(booking.state, "cancelled")
        tx._set_done()
        tx._post_process()
        self.assertEqual(tx.refund_request_ids.amount, 60.0)
        mail = self._mail(booking, "mail_template_booking_late")
        self.assertIn("after the booking was cancelled", mail)
        self.assertIn("We are giving", mail)

    def test_money_for_a_cancelled_request(self):
        self.company.booking_late_money = "refund"
        request = self.env["payment.request"].create(
            {
                "partner_id": self.env["res.partner"]
                .create({"name": "Ann", "email": "ann@example.com"})
                .id,
                "company_id": self.company.id,
                "currency_id": self.company.currency_id.id,
                "amount": 20.0,
                "reason": "Advance",
            }
        )
        request._send_link()
        tx = self._begin(request, self.stripe)
        request.action_cancel()
        tx._set_done()
        tx._post_process()
        self.assertEqual(tx.refund_request_ids.amount, 20.0)
        self.assertEqual(request.unused_money, "refund")
        self.assertFalse(request.needs_attention)
        mail = self._mail(request, "mail_template_request_receipt")
        self.assertIn("arrived after this was cancelled", mail)
        self.assertIn("We are giving", mail)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestCancelledMoney(UnusedMoneyCommon):
    """What was paid for a booking that is cancelled."""

    def setUp(self):
        super().setUp()
        self.company.booking_cancelled_money = "refund"
        self.booking, self.tx = self._paid(self.stripe)

    def _cancel(self, **kwargs):
        self.booking._cancel(**kwargs)
        return self._mail(self.booking, "mail_template_booking_cancelled")

    def test_client_in_time(self):
        self.company.booking_cancelled_hours = 24
        self.booking.env.flush_all()
        self.assertIn("$60.00", self.booking._get_cancelling_text().replace("\xa0", ""))
        mail = self._cancel(by_client=True)
        [refund] = self.tx.refund_request_ids
        self.assertEqual((refund.amount, refund.state), (60.0, "queued"))
        self.assertIn("We are giving the money back", mail)
        self.assertFalse(self.booking.needs_attention)
        self._run_refunds()
        self.assertEqual(self.booking.payment_coverage, "refunded")
        self.assertEqual(refund.credit_note_id.payment_state, "paid")

    def test_client_too_late(self):
        self.company.booking_cancelled_hours = 26  # it begins 25 hours from now
        self.assertIn("write to you", self.booking._get_cancelling_text())
        mail = self._cancel(by_client=True)
        self.assertFalse(self.tx.refund_request_ids)
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")
        self.assertIn("We will contact you", mail)

    def test_business_is_never_too_late(self):
        self.company.booking_cancelled_hours = 26
        self._cancel()
        self.assertEqual(self.tx.refund_request_ids.amount, 60.0)

    def test_credit(self):
        self.company.booking_cancelled_money = "credit"
        self.assertIn("credit", self.booking._get_cancelling_text())
        self.assertIn(CREDIT, self._cancel(by_client=True))
        self.assertFalse(self.tx.refund_request_ids)
        self.assertFalse(self.booking.needs_attention)

    def test_credit_is_one_in_the_books(self):
        """The invoice is credited: the next one can take it."""
        self.company.booking_cancelled_money = "credit"
        invoice = self.booking.invoice_id
        self._cancel(by_client=True)
        [note] = invoice.reversal_move_ids
        self.assertEqual((note.state, note.amount_residual), ("posted", 60.0))
        self.assertEqual(invoice.amount_residual, 0.0)

    def test_credit_that_goes_back_in_part_is_less(self):
        self.company.booking_cancelled_money = "credit"
        self._cancel(by_client=True)
        note = self.booking.invoice_id.reversal_move_ids
        self.fakes["stripe"].refund(self.tx.provider_reference, 2000)
        self.tx._look_back()
        self._run("payment.transaction", "_cron_post_process")
        self.assertEqual(note.amount_residual, 40.0)
        self.fakes["stripe"].refund(self.tx.provider_reference, 4000)
        self.tx._look_back()
        self._run("payment.transaction", "_cron_post_process")
        self.assertEqual(note.amount_residual, 0.0)

    def test_money_that_is_asked_back_is_for_staff(self):
        for decision in ("credit", "refund"):
            with self.subTest(decision):
                self.company.booking_cancelled_money = decision
                booking, tx = self._paid(self.stripe, local=self._next_day(decision))
                self.fakes["stripe"].dispute(tx.provider_reference)
                tx._look_back()
                self.assertFalse(tx._get_refundable_amount())
                booking._cancel(by_client=True)
                self.assertEqual(booking.unused_money, "ask")
                self.assertFalse(tx.refund_request_ids)
                self.assertFalse(booking.invoice_id.reversal_move_ids)

    def _next_day(self, decision):
        return f"2026-03-05 {9 if decision == 'credit' else 11:02}:00"

    def test_credit_of_an_invoice_that_was_credited_already(self):
        self.company.booking_cancelled_money = "credit"
        self.booking.invoice_id._reverse_moves([{}]).action_post()
        self.assertIn("write to you", self.booking._get_cancelling_text())
        self._cancel(by_client=True)
        self.assertEqual(self.booking.unused_money, "ask")
        self.assertEqual(len(self.booking.invoice_id.reversal_move_ids), 1)

    def test_money_that_came_in_another_way(self):
        """All or nothing: a part of it is no machine's to give back."""
        paid = type(self.booking)._get_payable_paid
        self.patch(
            type(self.booking), "_get_payable_paid", lambda booking: paid(booking) + 1
        )
        self.assertIn("write to you", self.booking._get_cancelling_text())
        self._cancel(by_client=True)
        self.assertFalse(self.tx.refund_request_ids)
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")

    def test_a_part_waits_already(self):
        self._decide(self.tx, 20.0)
        self.assertIn("write to you", self.booking._get_cancelling_text())
        self._cancel(by_client=True)
        self.assertEqual(self.booking.unused_money, "ask")
        self.assertEqual(self.tx.refund_request_ids.amount, 20.0)

    def test_staff_who_give_nothing_back(self):
        """A plain user cancels; a manager gives the money back."""
        user = new_test_user(
            self.env,
            login="plain",
            groups="payment_booking_portal.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.booking.with_user(user).sudo(False).action_cancel()
        self.assertFalse(self.tx.refund_request_ids)
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")

    def test_booking_that_is_over(self):
        with freeze_time("2026-03-04 07:00:00"):
            self._cancel()
        self.assertFalse(self.tx.refund_request_ids)
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")

    def test_more_money_after_that(self):
        """Each payment is decided for itself; the mail speaks of that one."""
        self.company.booking_cancelled_money = "ask"
        self.company.booking_late_money = "refund"
        booking = self._place(local="2026-03-05 09:00", visitor_key="second")
        stray = self._begin(booking, self.mollie)
        first = self._begin(booking, self.stripe)
        self._pay_there(first)
        self._notify(first)
        first._post_process()
        booking._cancel(by_client=True)
        with freeze_time(LATE):
            stray._set_done()
            stray._post_process()
        self.assertFalse(first.refund_request_ids, "a person decides about this one")
        self.assertEqual(stray.refund_request_ids.amount, 60.0)
        mail = self._mail(booking, "mail_template_booking_late")
        self.assertIn("60.00", mail)
        self.assertNotIn("120.00", mail)

    def test_given_up_or_refused(self):
        self._cancel(by_client=True)
        self.assertIn("We are giving", self._text(self.booking))
        [refund] = self.tx.refund_request_ids
        self.fakes["stripe"].fail(method="POST", path="refunds", status=400)
        self._run_refunds()
        self.assertEqual(refund.state, "failed")
        text = self._text(self.booking)
        self.assertIn("could not be given back yet: we will contact you", text)
        refund.action_cancel()
        self.assertIn("We will contact you", self._text(self.booking))

    def test_paid_by_its_invoice_and_given_back(self):
        booking = self._place(local="2026-03-06 09:00", visitor_key="third")
        booking._editing().fee_policy = "suggested"
        booking._confirm()
        booking._make_invoice()
        tx = self._begin(booking.invoice_id, self.stripe)
        self._pay_there(tx)
        self._notify(tx)
        tx._post_process()
        self.assertEqual(booking.payment_coverage, "paid")
        refund = self._decide(tx, 60.0)
        self.assertIn("is being given back", self._text(booking))
        self._run_refunds()
        self.assertEqual(refund.state, "done")
        self.assertTrue(booking._has_been_paid())
        self.assertIn("given back on", self._text(booking))

    def test_twice(self):
        self._cancel(by_client=True)
        self._cancel()
        self.tx._post_process()
        self.booking._on_payment_done(self.tx)
        self.assertEqual(len(self.tx.refund_request_ids), 1)

    def test_a_part_was_given_back_before(self):
        self._decide(self.tx, 45.0)
        self._run_refunds()
        self._cancel()
        self.assertEqual(self.tx.refund_request_ids.mapped("amount"), [45.0, 15.0])

    def test_found_paid_while_it_is_cancelled(self):
        """One mail, one decision: the payment was not known of until then."""
        booking = self._place(local="2026-03-05 09:00", visitor_key="second")
        booking._editing().fee_policy = "suggested"
        booking._confirm()
        tx = self._begin(booking, self.stripe)
        self._pay_there(tx)
        booking._cancel(by_client=True)
        tx._post_process()
        self.assertEqual(tx.refund_request_ids.amount, 60.0)
        self.assertFalse(self._mail(booking, "mail_template_booking_late"))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestApproval(UnusedMoneyCommon):
    """Two pairs of eyes, where the company wants them."""

    def setUp(self):
        super().setUp()
        self.booking, self.tx = self._paid(self.stripe)
        self.company.booking_refund_approval = True
        self.first, self.second = (
            new_test_user(
                self.env,
                login=login,
                groups="payment_booking_portal.group_manager",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for login in ("first_manager", "second_manager")
        )

    def _decide_as(self, user, amount=60.0):
        Refund = self.env["payment.refund.request"].with_user(user).sudo(False)
        return Refund._decide(self.tx, amount, "Ill").sudo(False)

    def test_second_manager(self):
        refund = self._decide_as(self.first)
        self.assertEqual(refund.state, "approval")
        self.assertIn(self.second, refund.activity_ids.user_id)
        self.assertNotIn(self.first, refund.activity_ids.user_id)
        self._run_refunds()
        self.assertFalse(self._refunds_at(self.tx))
        self.assertFalse(refund._get_client_text(), "nothing is promised yet")
        self.assertFalse(self.tx._get_refundable_amount(), "not decided twice")
        with self.assertRaises(UserError):
            refund.action_approve()
        refund.with_user(self.second).action_approve()
        self.assertFalse(refund.sudo().activity_ids)
        self._run_refunds()
        self.assertEqual(refund.state, "done")

    def test_given_back_there_before_it_was_approved(self):
        refund = self._decide_as(self.first)
        self.fakes["stripe"].refund(self.tx.provider_reference)
        self.tx._look_back()
        self.assertEqual(self.tx.refund_request_ids, refund)
        self.assertEqual(refund.state, "done")
        self.assertFalse(refund.sudo().activity_ids)

    def test_a_part_was_given_back_there_before_it_was_approved(self):
        refund = self._decide_as(self.first)
        self.fakes["stripe"].refund(self.tx.provider_reference, 1000)
        self.tx._look_back()
        with self.assertRaises(UserError):
            refund.with_user(self.second).action_approve()
        self.assertEqual(refund.state, "approval")

    def test_small_amounts(self):
        self.company.booking_refund_approval_above = 30.0
        self.assertEqual(self._decide_as(self.first, 30.0).state, "queued")
        self.assertEqual(self._decide_as(self.first, 0.01).state, "approval", "in all")

    def test_just_above(self):
        self.company.booking_refund_approval_above = 30.0
        self.assertEqual(self._decide_as(self.first, 30.01).state, "approval")

    def test_currency_without_rate(self):
        """Nobody knows how much it is: somebody has to look."""
        self.company.booking_refund_approval_above = 1_000_000.0
        unknown = self.env["res.currency"].create({"name": "XXA", "symbol": "X"})
        self.assertTrue(self.company._needs_refund_approval(1.0, unknown))

    def test_who_cancels_decides(self):
        """One manager does not give money back alone, by cancelling either."""
        self.company.booking_cancelled_money = "refund"
        self.booking.with_user(self.first).sudo(False).action_cancel()
        [refund] = self.tx.refund_request_ids
        self.assertEqual((refund.state, refund.user_id), ("approval", self.first))
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")
        with self.assertRaises(UserError):
            refund.with_user(self.first).sudo(False).action_approve()
        refund.with_user(self.second).sudo(False).action_approve()
        self.assertEqual(refund.state, "queued")

    def test_nobody_else_could_approve(self):
        group = self.env.ref("payment_booking_portal.group_manager")
        self.patch(type(group), "all_user_ids", property(lambda groups: self.first))
        self._decide_as(self.first)
        self.assertEqual(self.booking.attention_reason, "refund_failed")

    def test_what_the_manager_is_told(self):
        Wizard = self.env["payment.refund.decide"].with_user(self.first).sudo(False)
        wizard = Wizard.create({"transaction_key": self.tx.id, "reason": "Ill"})
        message = wizard.action_refund()["params"]["message"]
        self.assertIn("Another manager must approve", message)

    def test_given_up(self):
        refund = self._decide_as(self.first)
        refund.with_user(self.second).action_cancel()
        self.assertEqual(refund.state, "cancelled")
        self.assertEqual(self.tx._get_refundable_amount(), 60.0)

    def test_by_itself(self):
        """What the settings decide is promised to nobody before it is approved."""
        self.company.booking_cancelled_money = "refund"
        self.assertIn("write to you", self.booking._get_cancelling_text())
        self.booking._cancel(by_client=True)
        [refund] = self.tx.refund_request_ids
        self.assertEqual(refund.state, "approval")
        self.assertIn("We will contact you", self._text(self.booking))
        refund.with_user(self.first).sudo(False).action_approve()
        self.assertEqual(refund.state, "queued")
        self.assertIn("is being given back", self._text(self.booking))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRefundShown(UnusedMoneyCommon):
    """Staff and client see the same, on the booking and on its invoice."""

    def setUp(self):
        super().setUp()
        self.booking, self.tx = self._paid(self.stripe)

    def test_mail_when_it_is_true(self):
        refund = self._decide(self.tx, 20.0)
        Mail = self.env["mail.mail"]
        domain = [("model", "=", "payment.refund.request"), ("res_id", "=", refund.id)]
        self.assertFalse(Mail.search(domain), "not before")
        self._run_refunds()
        mail = Mail.search(domain)
        self.assertEqual(len(mail), 1)
        self.assertEqual(mail.email_to, self.booking.partner_id.email)
        text = html2plaintext(mail.body_html).replace("\xa0", "")
        self.assertIn("$20.00* back to you, by the way you paid", text)
        self.assertNotIn(self.booking.client_name + " –", text)

    def test_mail_that_cannot_be_made(self):
        """What the provider did is kept; staff is told of the mail."""
        template = self.env.ref("payment_booking_portal.mail_template_refund")
        template.body_html = "<t t-out='object.nothing_of_the_kind'/>"
        refund = self._decide(self.tx, 20.0)
        with mute_logger("odoo.addons.mail.models.mail_render_mixin"):
            self._run_refunds()
        self.assertEqual(refund.state, "done")
        self.assertEqual(self.booking.attention_reason, "mail_failed")

    def test_failed_and_given_back_in_another_way(self):
        """What failed is not tried again once another decision gave it back."""
        refused = self._decide(self.tx, 60.0)
        refused._set_failed()
        other = self._decide(self.tx, 60.0)
        for method in ("action_retry", "action_done_by_hand"):
            with self.subTest(method), self.assertRaises(UserError):
                getattr(refused, method)()
        other._set_failed()
        self.assertIn("could not be given back", other._get_client_text())
        self.assertFalse(refused._get_client_text(), "said once")
        other.action_cancel()
        refused.action_retry()
        self.assertEqual(refused.state, "queued")

    def test_books_that_cannot_match(self):
        Lines = self.registry["account.move.line"]
        booking = self._place(local="2026-03-05 09:00", visitor_key="closed")
        tx = self._begin(booking, self.stripe)
        booking._drop_hold()
        tx._set_done()
        tx._post_process()
        self._decide(tx, 60.0)
        tx.provider_reference = self.tx.provider_reference  # it was paid there

        def reconcile(lines):
            raise ValueError("The books are closed.")

        self.patch(Lines, "reconcile", reconcile)
        self._run_refunds()
        payment = tx.child_transaction_ids.payment_id
        self.assertEqual(payment.amount, 60.0, "booked all the same")
        self.assertEqual(booking.attention_reason, "refund_unmatched")

    def test_lists_and_buttons(self):
        invoice = self.booking.invoice_id
        self.assertTrue(invoice.can_give_back)
        self.assertFalse(invoice.payment_refund_count)
        refund = self._decide(self.tx, 60.0)
        for document, name in (
            (self.booking, "refund_count"),
            (invoice, "payment_refund_count"),
        ):
            document.invalidate_recordset()
            self.assertEqual(document[name], 1)
            action = document.action_view_refunds()
            found = self.env[action["res_model"]].search(action["domain"])
            self.assertEqual(found, refund)
        self.assertFalse(invoice.can_give_back)

    def test_from_the_invoice(self):
        action = self.booking.invoice_id.action_refund_payment()
        self.assertEqual(action["context"]["default_transaction_key"], self.tx.id)

    @mute_logger("odoo.sql_db")
    def test_settings(self):
        settings = self.env["res.config.settings"].with_company(self.company)
        wizard = settings.create({"booking_late_money": "credit"})
        self.assertIn(CREDIT, wizard.booking_late_money_text)
        wizard.booking_late_money = "refund"
        self.assertIn("We are giving", wizard.booking_late_money_text)
        with self.assertRaises(IntegrityError), self.env.cr.savepoint():
            self.company.booking_cancelled_hours = -1
            self.env.flush_all()
