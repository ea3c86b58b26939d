from odoo import fields, models


class ProductPricelist(models.Model):
    _inherit = "product.pricelist"

    is_booking_pricelist = fields.Boolean(
        string="Holds Prices of Bookable Services", readonly=True
    )

    # One table of prices per company and currency, also when two requests make it.
    _booking_currency_uniq = models.UniqueIndex(
        "(company_id, currency_id) WHERE is_booking_pricelist",
        "The prices of services in this currency have a pricelist already.",
    )
