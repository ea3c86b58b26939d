from odoo import fields, models


class PaymentBookingConfirm(models.TransientModel):
    _name = "payment.booking.confirm"
    _description = "Confirm a Booking Without Its Payment"

    booking_ids = fields.Many2many(
        "payment.booking",
        string="Bookings",
        required=True,
        default=lambda self: self._default_booking_ids(),
    )
    reason = fields.Text(
        required=True, help="Kept in the history of the booking, with your name."
    )

    # === DEFAULTS === #

    def _default_booking_ids(self):
        if self.env.context.get("active_model") != "payment.booking":
            return self.env["payment.booking"]
        return self.env["payment.booking"].browse(self.env.context.get("active_ids"))

    # === ACTIONS === #

    def action_confirm(self):
        """Confirm the bookings; who may do it is checked there."""
        self.ensure_one()
        self.booking_ids.action_confirm_anyway(self.reason)
        return {"type": "ir.actions.act_window_close"}
