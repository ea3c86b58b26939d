from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    payment_booking_ids = fields.One2many(
        "payment.booking", "invoice_id", string="Bookings", readonly=True
    )
    payment_request_ids = fields.One2many(
        "payment.request", "invoice_id", string="Payment Requests", readonly=True
    )

    def action_match_payment_request(self):
        """Pay invoices with the money of the request that the context names."""
        request_id = self.env.context.get("match_request_id")
        request = self.env["payment.request"].browse(request_id).exists()
        for invoice in self:
            request._match_invoice(invoice)
