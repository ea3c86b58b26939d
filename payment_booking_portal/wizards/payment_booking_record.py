from odoo import api, fields, models


class PaymentBookingRecord(models.TransientModel):
    _name = "payment.booking.record"
    _description = "Record a Payment of a Booking"
    _inherit = ["payment.booking.wizard", "payment.record.wizard"]

    currency_id = fields.Many2one(related="booking_id.currency_id", related_sudo=False)
    amount_due = fields.Monetary(related="booking_id.amount_due", related_sudo=False)
    amount = fields.Monetary(
        compute="_compute_amount", store=True, precompute=True, readonly=False
    )

    @api.depends("booking_id")
    def _compute_amount(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            wizard.amount = booking and booking._get_payable_amount()

    def action_record(self):
        """Book the money, and send the receipt."""
        self.ensure_one()
        told = self._record_on(self.booking_id.with_context(booking_receipt=self.send))
        return told or {"type": "ir.actions.act_window_close"}
