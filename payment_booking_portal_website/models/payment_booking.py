from odoo import models


class PaymentBooking(models.Model):
    _inherit = "payment.booking"

    def get_base_url(self):
        """Override of `website`: on the website of the service, where it can be booked
        again.
        """
        service_sudo = self.service_id.sudo()  # clients read no services
        if len(service_sudo) == 1:
            return service_sudo.get_base_url()
        return super().get_base_url()
