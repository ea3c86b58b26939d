from odoo.exceptions import UserError
from odoo.tests import freeze_time, tagged

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBooking(BookingCommon):
    """The life of a booking: placed, paid, confirmed, cancelled, moved."""

    def test_paid_booking_is_confirmed_invoiced_and_reconciled(self):
        booking = self._place()
        self.assertEqual(booking.state, "hold")
        self.assertFalse(booking.event_ids, "nothing reaches the calendar before")
        self.assertFalse(booking.partner_id, "a contact only when the payment starts")
        self.assertFalse(
            self.env["mail.mail"].search([("res_id", "=", booking.id)]), "no mail yet"
        )
        tx = self._pay(booking)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking.invoice_id.state, "posted")
        self.assertEqual(booking.invoice_id.amount_total, 60.0)
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertEqual(len(booking.event_ids), 1)
        self.assertFalse(booking.needs_attention)

    def test_free_booking_is_confirmed_at_once(self):
        service = self._create_service("Chat", fee_policy="free", price=0)
        booking = self._place(service)
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(booking.invoice_id)

    def test_state_cannot_be_written(self):
        booking = self._place()
        for user in (self.env.user, self.env.ref("base.user_admin")):
            with self.assertRaises(UserError):
                booking.with_user(user).sudo(False).write({"state": "confirmed"})

    def test_required_price_that_rounds_to_nothing_is_never_free(self):
        service = self._create_service("Crumb", price=0.001)
        with self.assertRaises(UserError):
            self._place(service)

    def test_test_provider_needs_no_publishing_where_test_money_counts(self):
        self.provider.write({"state": "test", "is_published": False})
        self.assertFalse(self.service._is_open())
        self.company.booking_accept_test_payments = True
        self.assertTrue(self.service._is_open())
        booking = self._place()
        options = booking._get_payment_options()
        self.assertIn(self.provider, options.providers)
        self.assertTrue(options.methods & self.provider.payment_method_ids)
