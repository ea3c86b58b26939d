from odoo import fields, models


class AccountMove(models.Model):
    _inherit = "account.move"

    payment_booking_ids = fields.One2many(
        "payment.booking", "invoice_id", string="Bookings", readonly=True
    )
    payment_request_ids = fields.One2many(
        "payment.request", "invoice_id", string="Payment Requests", readonly=True
    )
