from odoo import api, fields, models


class ProductBookingResourceGroup(models.Model):
    _name = "product.booking.resource.group"
    _description = "One of These Resources"
    _order = "sequence, id"
    _check_company_auto = True

    name = fields.Char(required=True, translate=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    resource_ids = fields.Many2many(
        "resource.resource",
        "product_booking_resource_group_rel",
        string="People or Rooms",
        check_company=True,
        help="A booking needs one of these.",
    )
    service_ids = fields.Many2many(
        "payment.booking.service",
        "payment_booking_service_group_rel",
        string="Services",
    )
    resource_count = fields.Integer(compute="_compute_resource_count")

    @api.depends("resource_ids")
    def _compute_resource_count(self):
        for group in self:
            group.resource_count = len(group.resource_ids)
