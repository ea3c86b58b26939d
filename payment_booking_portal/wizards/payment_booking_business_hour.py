from odoo import fields, models

NOON = 12.0


class PaymentBookingBusinessHour(models.TransientModel):
    _name = "payment.booking.business.hour"
    _description = "Opening Hours of a Day"
    _order = "dayofweek, hour_from"

    business_id = fields.Many2one(
        "payment.booking.business", required=True, ondelete="cascade"
    )
    dayofweek = fields.Selection(
        # As Odoo's own rows, with their translations.
        lambda self: self.env["resource.calendar.attendance"]
        ._fields["dayofweek"]
        ._description_selection(self.env),
        string="Day",
        required=True,
        default="0",
    )
    hour_from = fields.Float(string="From", required=True, default=9.0)
    hour_to = fields.Float(string="To", required=True, default=17.0)

    _hours_in_order = models.Constraint(
        "CHECK (hour_from >= 0 AND hour_from < hour_to AND hour_to <= 24)",
        "Opening hours end after they begin, on the same day.",
    )

    def _prepare_hours(self):
        """Return the values of the row."""
        self.ensure_one()
        return {
            "dayofweek": self.dayofweek,
            "hour_from": self.hour_from,
            "hour_to": self.hour_to,
        }

    def _prepare_attendance(self):
        """Return the values of Odoo's row of a working calendar."""
        self.ensure_one()
        if self.hour_to <= NOON + 1:
            period = "morning"
        elif self.hour_from >= NOON:
            period = "afternoon"
        else:
            period = "full_day"
        days = dict(self._fields["dayofweek"]._description_selection(self.env))
        return {
            **self._prepare_hours(),
            "name": days[self.dayofweek],
            "day_period": period,
        }
