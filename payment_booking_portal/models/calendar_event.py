from odoo import fields, models

from .payment_protected_mixin import EDIT_SENTINEL


class CalendarEvent(models.Model):
    _inherit = "calendar.event"

    payment_booking_id = fields.Many2one(
        "payment.booking",
        string="Booking",
        readonly=True,
        copy=False,
        index="btree_not_null",
        ondelete="set null",
    )

    # The calendar pages look for what is still to come; core has no index for that.
    _stop_index = models.Index("(stop)")

    def write(self, vals):
        """Override of `calendar` to tell staff when an event leaves its booking."""
        watched = {"start", "stop", "start_date", "stop_date", "allday", "active"}
        before = {}
        if watched & vals.keys():
            before = {e: (e.start, e.stop, e.active) for e in self._get_booked()}
        result = super().write(vals)
        changed = [e for e, old in before.items() if (e.start, e.stop, e.active) != old]
        self.browse().union(*changed)._tell_booking()
        return result

    def unlink(self):
        """Override of `calendar` to tell staff when an event leaves its booking."""
        bookings = self._get_booked().payment_booking_id
        result = super().unlink()
        bookings.sudo()._on_event_changed()  # whoever edits a calendar may cause it
        return result

    def _get_booked(self):
        if self.env.context.get("booking_edit") is EDIT_SENTINEL:
            return self.browse()
        return self.filtered("payment_booking_id")

    def _tell_booking(self):
        bookings_sudo = self.payment_booking_id.sudo()  # whoever edits may cause it
        bookings_sudo._on_event_changed()
