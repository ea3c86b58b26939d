"""Several bookings on one invoice: owed once, and each knows what came for it."""

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged

from ..tools.amounts import share_out
from .common import NOW
from .test_payable import PayableCommon


class BookingInvoiceCommon(PayableCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env,
            "invoicing_staff",
            groups="payment_booking_portal.group_user",
            company_id=cls.company.id,
        )

    def _confirmed(self, price=60.0, day="2026-03-16", policy="suggested", **kwargs):
        """Return a confirmed booking that is owed."""
        service = self._create_service(f"{policy} {price}", fee_policy=policy)
        service.price = price
        kwargs.setdefault("partner", self.partner)
        return self._place(service, f"{day} 09:00", **kwargs)

    def _invoice_of(self, *bookings, user=None, **kwargs):
        records = self.env["payment.booking"].browse([b.id for b in bookings])
        return records.with_user(user or self.user)._make_invoice(**kwargs)

    def _pay_part(self, document, amount):
        return document._record_payment(
            amount, self.env["payment.provider"]._get_venue_methods()[0]
        )

    def _due(self):
        """Return what the client owes: source, number and amount of each row."""
        self.env.flush_all()
        self.env.invalidate_all()
        rows = self.partner._get_due_rows(self.company)
        return [(row.source, row.name, row.amount_due) for row in rows]

    def _coverages(self, *bookings):
        self.env.flush_all()
        return [(b.payment_coverage, b.amount_paid, b.amount_due) for b in bookings]


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBookingInvoice(BookingInvoiceCommon):
    def test_two_bookings_become_one_invoice(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        self.assertEqual((invoice.state, invoice.amount_total), ("posted", 100.0))
        self.assertEqual(one.invoice_id, invoice)
        self.assertEqual(invoice.payment_booking_ids, one + two)
        self.assertEqual(self._due(), [("invoice", invoice.name, 100.0)])
        self._pay(invoice)
        self.assertEqual(invoice.amount_residual, 0.0)
        self.assertEqual(
            self._coverages(one, two), [("paid", 60.0, 0.0), ("paid", 40.0, 0.0)]
        )
        self.assertFalse(self._due())
        self.assertFalse((one + two).filtered("needs_attention"))

    def test_a_draft_is_not_owed_yet(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two, post=False)
        self.assertEqual(invoice.state, "draft")
        self.assertEqual({row[0] for row in self._due()}, {"booking"})
        self.assertEqual(one._get_payable_status(), "payable")
        invoice.action_post()
        self.assertEqual({row[0] for row in self._due()}, {"invoice"})
        self.assertEqual(one._get_payable_status(), "invoiced")
        self.assertEqual(one._get_payable_successor(), invoice)

    def test_a_booking_on_an_invoice_takes_no_money(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        with self.assertRaises(UserError):
            self._prepare(one)
        tx = self._pay_part(one, 30.0)  # at the desk: it pays the invoice
        self.assertEqual(tx.allocation_ids.invoice_id, invoice)
        self.assertEqual(invoice.amount_residual, 70.0)

    def test_what_is_paid_takes_no_more_although_others_are_not(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        tx = self._start_payment(one)
        tx._set_done()
        tx._post_process()
        self.assertEqual(one.payment_coverage, "paid")
        one.invoice_id.button_draft()
        one.invoice_id.button_cancel()
        invoice = self._invoice_of(one, two)
        self.assertEqual(one.payment_coverage, "paid")
        with self.assertRaises(UserError):
            self._pay_part(one, 10.0)
        self.assertEqual(invoice.amount_residual, 40.0)

    def test_part_payments_are_shared_out(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        self._pay_part(invoice, 50.0)
        self.assertEqual(
            self._coverages(one, two), [("part", 30.0, 30.0), ("part", 20.0, 20.0)]
        )
        self.assertEqual(self._due(), [("invoice", invoice.name, 50.0)])
        self._pay_part(invoice, 50.0)
        self.assertEqual([row[0] for row in self._coverages(one, two)], ["paid"] * 2)

    def test_money_that_came_before(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        tx = self._start_payment(one, amount=60.0)
        tx.allocation_ids.amount = tx.amount = 20.0
        # The invoice of the booking cannot be made: the money is an advance.
        one._editing().state = "draft"
        tx._set_done()
        tx._post_process()
        one._editing().state = "confirmed"
        self.assertFalse(one.invoice_id)
        self.assertEqual(self._coverages(one), [("part", 20.0, 40.0)])
        invoice = self._invoice_of(one, two)
        self.assertEqual(invoice.amount_residual, 80.0)
        self.assertEqual(
            self._coverages(one, two), [("part", 20.0, 40.0), ("none", 0.0, 40.0)]
        )
        self._pay(invoice)
        self.assertEqual([row[0] for row in self._coverages(one, two)], ["paid"] * 2)

    def test_late_money_for_a_booking_counts_for_its_invoice(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        tx = self._start_payment(one)
        self._age(tx, 30)
        with self.assertRaises(UserError):  # its provider cannot be asked
            self._invoice_of(one, two)
        tx._set_canceled()
        invoice = self._invoice_of(one, two)
        tx._set_done()  # all the same
        tx._post_process()
        self.assertEqual(invoice.amount_residual, 40.0)
        self.assertEqual(
            self._coverages(one, two), [("paid", 60.0, 0.0), ("none", 0.0, 40.0)]
        )
        self.assertEqual(self._due(), [("invoice", invoice.name, 40.0)])

    def test_late_money_is_not_due_before_it_is_booked(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        tx = self._start_payment(one)
        tx._set_canceled()
        invoice = self._invoice_of(one, two)
        tx._set_done()  # all the same, and nobody has post-processed it yet
        self.assertEqual(self._due(), [("invoice", invoice.name, 40.0)])
        self.assertEqual(invoice._get_payable_amount(), 40.0)

    def test_refund_of_the_invoice_is_shared_out(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        tx = self._pay(self._invoice_of(one, two))
        tx._create_child_transaction(50.0, is_refund=True)._set_done()
        self.env.flush_all()
        self.assertEqual([b._get_refunded() for b in (one, two)], [30.0, 20.0])

    def test_what_is_on_its_way_to_the_invoice_is_shared_out(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        tx = self._start_payment(invoice, amount=50.0)
        tx.allocation_ids.amount = 50.0
        tx._set_pending()
        self.assertEqual(
            [b._get_payable_processing() for b in (one, two)], [30.0, 20.0]
        )

    def test_cancelled_and_draft_again(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        invoice.button_draft()
        self.assertEqual({row[0] for row in self._due()}, {"booking"})
        self.assertEqual(one._get_payable_status(), "payable")
        invoice.button_cancel()
        self.assertEqual({row[0] for row in self._due()}, {"booking"})
        again = self._invoice_of(one, two)
        self.assertNotEqual(again, invoice)
        self.assertEqual(self._due(), [("invoice", again.name, 100.0)])

    def test_deleted_draft_frees_its_bookings(self):
        one = self._confirmed(60.0)
        self._invoice_of(one, post=False).unlink()
        self.assertFalse(one.invoice_id)
        self.assertTrue(self._invoice_of(one))

    def test_credit_note(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        invoice = self._invoice_of(one, two)
        wizard = self.env["account.move.reversal"].with_context(
            active_model="account.move", active_ids=invoice.ids
        )
        wizard.create({"journal_id": invoice.journal_id.id}).refund_moves()
        refund = invoice.reversal_move_ids
        if refund.state == "draft":
            refund.action_post()
        self.assertEqual(invoice.payment_state, "reversed")
        self.assertEqual([c[0] for c in self._coverages(one, two)], ["refunded"] * 2)
        self.assertFalse(self._due())

    def test_refusals(self):
        booking = self._confirmed(60.0)
        hold = self._confirmed(60.0, "2026-03-17", policy="required")
        self.assertEqual(hold.state, "hold")
        free = self._confirmed(60.0, "2026-03-18", policy="free")
        varies = self._confirmed(60.0, "2026-03-19", policy="varies")
        other = self.env["res.partner"].create({"name": "Other"})
        foreign = self._confirmed(60.0, "2026-03-20", partner=other)
        done = self._confirmed(60.0, "2026-03-23")
        self._invoice_of(done)
        for bookings, words in (
            ((hold,), "confirmed"),
            ((free,), "free"),
            ((varies,), "price"),
            ((done,), "already"),
            ((booking, foreign), "several clients"),
            ((), "Choose"),
        ):
            with self.subTest(words=words), self.assertRaisesRegex(UserError, words):
                self._invoice_of(*bookings)
        self.assertFalse(booking.invoice_id or hold.invoice_id)

    def test_currencies_are_not_mixed(self):
        euro = self._enable_currency("EUR")
        self.company.booking_currency_ids = euro
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        two._editing().currency_id = euro
        with self.assertRaisesRegex(UserError, "currencies"):
            self._invoice_of(one, two)

    def test_companies_and_taxes_are_not_mixed(self):
        other = self._create_other_company()
        self.env.user.company_ids += other
        position = self.env["account.fiscal.position"].create({"name": "Export"})
        for field, value, words in (
            ("company_id", other, "several companies"),
            ("fiscal_position_id", position, "different rules"),
        ):
            one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
            two._editing()[field] = value
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._invoice_of(one, two, user=self.env.user)
            self.assertFalse(one.invoice_id or two.invoice_id)

    def test_dialog_sums_no_currencies(self):
        euro = self._enable_currency("EUR")
        self.company.booking_currency_ids = euro
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        two._editing().currency_id = euro
        wizard = self.env["payment.booking.invoice"].create(
            {"booking_ids": [(6, 0, (one + two).ids)]}
        )
        self.assertIn("several currencies", wizard.refusal)
        self.assertEqual((wizard.amount_total, wizard.amount_paid), (0.0, 0.0))

    def test_issued_draft_stops_what_was_started(self):
        one = self._confirmed(60.0)
        invoice = self._invoice_of(one, post=False)
        tx = self._start_payment(
            one,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        invoice.action_post()
        self.assertEqual(tx.state, "cancel")
        self.assertEqual(self._due(), [("invoice", invoice.name, 60.0)])

    def _advance(self, booking, amount):
        """Let money come for a booking whose invoice cannot be made."""
        tx = self._start_payment(booking)
        tx.allocation_ids.amount = tx.amount = amount
        booking._editing().state = "draft"
        tx._set_done()
        tx._post_process()
        booking._editing().state = "confirmed"
        self.assertFalse(booking.invoice_id)
        return tx

    def test_advance_of_one_booking_does_not_pay_another(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        self._advance(one, 20.0)
        wizard = self.env["payment.booking.invoice"].create(
            {"booking_ids": [(6, 0, two.ids)], "use_credit": True}
        )
        self.assertEqual(wizard.credit, 0.0)
        wizard.action_make_invoice()
        self.assertEqual(two.invoice_id.amount_residual, 40.0)
        self.assertEqual(self._invoice_of(one).amount_residual, 40.0)

    def test_credit_of_another_currency_is_not_offered(self):
        euro = self._enable_currency("EUR")
        euro.rate_ids = [(0, 0, {"name": "2026-01-01", "rate": 0.5})]
        self.company.booking_currency_ids = euro
        request = self.env["payment.request"].create(
            {
                "partner_id": self.partner.id,
                "currency_id": euro.id,
                "amount": 70.0,
                "reason": "Advance",
            }
        )
        request.action_make_link()
        self._pay(request.sudo())
        wizard = self.env["payment.booking.invoice"].create(
            {"booking_ids": [(6, 0, self._confirmed(60.0).ids)], "use_credit": True}
        )
        self.assertEqual(wizard.credit, 0.0)

    def test_advance_that_was_given_back_is_not_taken_off(self):
        one = self._confirmed(60.0)
        tx = self._advance(one, 20.0)
        tx._create_child_transaction(20.0, is_refund=True)._set_done()
        self.assertEqual(self._invoice_of(one).amount_residual, 60.0)

    def test_payment_with_more_left_is_for_a_person_to_match(self):
        one = self._confirmed(60.0)
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 30.0, "reason": "Oil"}
        )
        request.action_make_link()
        tx = self._start_payment(one)
        tx.allocation_ids.amount, tx.amount = 20.0, 50.0
        self.env["payment.transaction.allocation"].sudo().create(
            {"transaction_id": tx.id, "request_id": request.id, "amount": 30.0}
        )
        one._editing().state = "draft"
        tx._set_done()
        tx._post_process()
        one._editing().state = "confirmed"
        invoice = self._invoice_of(one)
        self.assertEqual(invoice.amount_residual, 60.0, "30 of it are for the oil")

    def test_rights(self):
        booking = self._confirmed(60.0)
        stranger = new_test_user(self.env, "stranger", groups="base.group_user")
        with self.assertRaises(AccessError):
            self._invoice_of(booking, user=stranger)
        other = self._create_other_company()
        elsewhere = new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            self._invoice_of(booking, user=elsewhere)
        # A plain user may, and is shown no invoice of Odoo's.
        action = booking.with_user(self.user).action_invoice()
        wizard = (
            self.env["payment.booking.invoice"]
            .with_user(self.user)
            .with_context(**action["context"])
            .create({})
        )
        self.assertEqual(wizard.amount_total, 60.0)
        self.assertFalse(wizard.refusal)
        answer = wizard.action_make_invoice()
        self.assertEqual(answer["tag"], "display_notification")
        self.assertEqual(booking.invoice_id.state, "posted")
        with self.assertRaises(AccessError):
            booking.invoice_id.with_user(self.user).check_access("read")

    def test_from_the_client(self):
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        self._invoice_of(one)
        action = self.partner.with_user(self.user).action_invoice_bookings()
        self.assertEqual(action["context"]["default_booking_ids"], two.ids)
        self._invoice_of(two)
        with self.assertRaises(UserError):
            self.partner.with_user(self.user).action_invoice_bookings()

    def test_from_the_client_what_fits_together(self):
        euro = self._enable_currency("EUR")
        self.company.booking_currency_ids = euro
        one, in_euro, foreign = (
            self._confirmed(60.0 + number, f"2026-03-{17 + number}")
            for number in range(3)
        )
        in_euro._editing().currency_id = euro
        foreign._editing().company_id = self._create_other_company()
        self.env.flush_all()
        action = self.partner.action_invoice_bookings()
        self.assertEqual(action["context"]["default_booking_ids"], one.ids)

    def test_paid_with_the_credit_of_the_client(self):
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 70.0, "reason": "Advance"}
        )
        request.action_make_link()
        self._pay(request.sudo())
        one, two = self._confirmed(60.0), self._confirmed(40.0, "2026-03-17")
        wizard = self.env["payment.booking.invoice"].create(
            {"booking_ids": [(6, 0, (one + two).ids)], "use_credit": True}
        )
        self.assertEqual(wizard.credit, 70.0)
        three = self._confirmed(50.0, "2026-03-18")
        other = wizard.create({"booking_ids": [(6, 0, three.ids)]})
        other.action_make_invoice()
        self.assertEqual(three.invoice_id.amount_residual, 50.0, "nobody said so")
        wizard.action_make_invoice()
        self.assertEqual(one.invoice_id.amount_residual, 30.0)

    def test_cancelled_after_it_was_invoiced(self):
        booking = self._confirmed(60.0)
        self._invoice_of(booking)
        booking._cancel()
        self.assertEqual(booking.attention_reason, "cancelled_invoiced")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestShares(BookingInvoiceCommon):
    @settings(max_examples=60, deadline=None)
    @given(
        st.lists(st.integers(1, 10**7), min_size=1, max_size=8),
        st.integers(0, 100),
        st.sampled_from((1.0, 0.01, 0.001)),
    )
    def test_shares_sum_up(self, weights, percent, rounding):
        currency = self.env["res.currency"].new({"name": "X", "rounding": rounding})
        weights = [currency.round(weight * rounding) for weight in weights]
        amount = currency.round(sum(weights) * percent / 100)
        shares = share_out(amount, weights, currency)
        self.assertEqual(currency.compare_amounts(sum(shares), amount), 0)
        for share, weight in zip(shares, weights, strict=True):
            self.assertGreaterEqual(share, 0.0)
            self.assertLessEqual(currency.compare_amounts(share, weight), 0)

    def test_what_came_is_what_the_bookings_say(self):
        bookings = [
            self._confirmed(price, f"2026-03-{16 + number}")
            for number, price in enumerate((33.33, 0.01, 19.99, 46.67))
        ]
        invoice = self._invoice_of(*bookings)
        self.assertEqual(invoice.amount_total, 100.0)
        for amount in (0.01, 33.33, 10.0, 56.66):
            self._pay_part(invoice, amount)
            self.env.flush_all()
            paid = sum(booking.amount_paid for booking in bookings)
            self.assertAlmostEqual(paid, 100.0 - invoice.amount_residual, 2)
            for booking in bookings:
                self.assertLessEqual(booking.amount_paid, booking.amount_total)
        self.assertEqual({b.payment_coverage for b in bookings}, {"paid"})
