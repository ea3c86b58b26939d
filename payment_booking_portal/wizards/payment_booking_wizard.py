from odoo import fields, models


class PaymentBookingWizard(models.AbstractModel):
    """What the wizards about one booking share: nobody sees through them what they
    may not read.
    """

    _name = "payment.booking.wizard"
    _description = "Wizard About a Booking"

    booking_id = fields.Many2one("payment.booking", required=True, readonly=True)

    def _get_booking_sudo(self):
        """Return the booking, sudoed: plain users read no transactions, taxes, hours.

        :raise AccessError: for a booking that the user may not change.
        """
        # Stored fields are computed as superuser: ask as the user that it is.
        self.sudo(False).booking_id.check_access("write")
        return self.booking_id.sudo()
