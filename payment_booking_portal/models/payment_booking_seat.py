from odoo import fields, models


class PaymentBookingSeat(models.Model):
    _name = "payment.booking.seat"
    _description = "Place in a Group Session"
    _order = "session_id, seat"

    session_id = fields.Many2one(
        "payment.booking.session", required=True, ondelete="cascade", index=True
    )
    # Empty for the moment in which a session is locked (`payment.booking.session`).
    booking_id = fields.Many2one("payment.booking", ondelete="cascade", index=True)
    seat = fields.Integer(required=True)
    expires_at = fields.Datetime()

    _seat_uniq = models.Constraint(
        "UNIQUE (session_id, seat)", "This place is taken already."
    )
    _seat_positive = models.Constraint("CHECK (seat > 0)", "Places count from 1.")
