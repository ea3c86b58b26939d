from odoo import fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    payment_booking_ids = fields.One2many("payment.booking", "partner_id")
