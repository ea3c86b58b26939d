from odoo import fields, models


class ResourceResource(models.Model):
    _inherit = "resource.resource"

    booking_group_ids = fields.Many2many(
        "product.booking.resource.group",
        "product_booking_resource_group_rel",
        string="Groups",
        help="Services need one of each of their groups: a masseur and a room, say.",
    )
