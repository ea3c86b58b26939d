from odoo import api, fields, models


class ProductPricelistItem(models.Model):
    _inherit = "product.pricelist.item"

    booking_service_id = fields.Many2one(
        "payment.booking.service", ondelete="cascade", index="btree_not_null"
    )
    booking_currency_id = fields.Many2one(
        "res.currency",
        string="In Currency",
        compute="_compute_booking_currency_id",
        inverse="_inverse_booking_currency_id",
    )
    booking_price = fields.Monetary(
        string="Price in Currency",
        compute="_compute_booking_price",
        inverse="_inverse_booking_price",
        currency_field="booking_currency_id",
    )

    _booking_service_uniq = models.UniqueIndex(
        "(booking_service_id, pricelist_id) WHERE booking_service_id IS NOT NULL",
        "This service has a price in that currency already.",
    )

    @api.depends("pricelist_id.currency_id")
    def _compute_booking_currency_id(self):
        for item in self:
            item.booking_currency_id = item.pricelist_id.currency_id

    def _inverse_booking_currency_id(self):
        for item in self.filtered("booking_service_id"):
            company = item.booking_service_id.company_id
            item.pricelist_id = company._get_booking_pricelist(item.booking_currency_id)

    @api.depends("fixed_price")
    def _compute_booking_price(self):
        for item in self:
            item.booking_price = item.fixed_price

    def _inverse_booking_price(self):
        for item in self:
            item.fixed_price = item.booking_price

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if not vals.get("booking_service_id"):
                continue
            # A price typed on a service needs its pricelist and product before INSERT.
            service = self.env["payment.booking.service"].browse(
                vals["booking_service_id"]
            )
            vals.update(
                applied_on="0_product_variant",
                compute_price="fixed",
                product_id=service.product_id.id,
                product_tmpl_id=service.product_id.product_tmpl_id.id,
            )
            currency_id = vals.pop("booking_currency_id", False)
            if currency_id and not vals.get("pricelist_id"):
                currency = self.env["res.currency"].browse(currency_id)
                pricelist = service.company_id._get_booking_pricelist(currency)
                vals["pricelist_id"] = pricelist.id
            if "booking_price" in vals:
                vals["fixed_price"] = vals.pop("booking_price")
        items = super().create(vals_list)
        items.booking_service_id.invalidate_recordset(["price"])
        return items

    def write(self, vals):
        result = super().write(vals)
        self.booking_service_id.invalidate_recordset(["price"])
        return result

    def unlink(self):
        services = self.booking_service_id
        result = super().unlink()
        services.invalidate_recordset(["price"])
        return result
