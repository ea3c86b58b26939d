"""Requests: money asked from one client, and what becomes of it."""

from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import BookingCommon


@tagged("post_install", "-at_install")
class TestRequest(BookingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_partner = cls.env["res.partner"].create(
            {"name": "Camille Martin", "email": "camille@example.com"}
        )

    def _make(self, **values):
        return self.env["payment.request"].create(
            {"partner_id": self.client_partner.id, "amount": 120, **values}
        )

    def test_bare_amount_is_sent_and_paid(self):
        request = self._make(reason="Workshop")
        self.assertEqual(request.state, "draft")
        self.assertEqual(request._get_payable_status(), "dead")
        request.action_make_link()
        self.assertEqual(request.state, "sent")
        self.assertEqual(request._get_payable_status(), "payable")
        cash = self.env.ref("payment_booking_portal.payment_method_cash")
        tx_sudo = request._record_payment(120, cash)
        self.assertEqual(request.state, "paid")
        self.assertFalse(request.invoice_id)
        self.assertEqual(tx_sudo.payment_id.amount, 120)

    def test_sent_is_fixed(self):
        request = self._make()
        request.action_make_link()
        with self.assertRaises(UserError):
            request.amount = 1
        with self.assertRaises(UserError):
            request.state = "paid"
