from odoo import api, fields, models


class PaymentRequestLine(models.Model):
    _name = "payment.request.line"
    _description = "Line of a Payment Request"
    _order = "request_id, sequence, id"

    request_id = fields.Many2one(
        "payment.request", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(related="request_id.company_id")
    currency_id = fields.Many2one(related="request_id.currency_id")
    product_id = fields.Many2one("product.product", ondelete="restrict", required=True)
    name = fields.Text(
        string="Description",
        compute="_compute_name",
        store=True,
        readonly=False,
        precompute=True,
    )
    quantity = fields.Float(default=1.0, digits="Product Unit", required=True)
    # No digits: a currency may have three decimals.
    price_unit = fields.Float(
        string="Unit Price",
        compute="_compute_price_unit",
        store=True,
        readonly=False,
        precompute=True,
        required=True,
    )
    tax_ids = fields.Many2many(
        "account.tax",
        string="Taxes",
        compute="_compute_tax_ids",
        store=True,
        readonly=False,
        precompute=True,
        domain="[('type_tax_use', '=', 'sale'),"
        " ('company_id', 'parent_of', company_id)]",
    )
    price_subtotal = fields.Monetary(
        string="Without Tax", compute="_compute_amount", store=True
    )
    price_total = fields.Monetary(string="Total", compute="_compute_amount", store=True)

    _quantity_positive = models.Constraint(
        "CHECK (quantity > 0)", "A line needs a quantity."
    )

    # === COMPUTE METHODS === #

    @api.depends("product_id")
    def _compute_name(self):
        for line in self:
            lang = line.request_id.partner_id.lang
            product = line.product_id.with_context(lang=lang or self.env.lang)
            line.name = product.display_name or ""

    @api.depends("product_id", "request_id.currency_id")
    def _compute_price_unit(self):
        for line in self:
            line.price_unit = line._get_price() if line.product_id else 0.0

    @api.depends("product_id", "request_id.partner_id", "request_id.company_id")
    def _compute_tax_ids(self):
        for line in self:
            company = line.company_id or self.env.company
            taxes = line.product_id.sudo().taxes_id  # users read them by company
            taxes = taxes._filter_taxes_by_company(company)
            line.tax_ids = line.request_id.sudo().fiscal_position_id.map_tax(taxes)

    @api.depends(
        "quantity", "price_unit", "tax_ids", "currency_id", "request_id.company_id"
    )
    def _compute_amount(self):
        AccountTax = self.env["account.tax"].sudo()  # users read no tax details
        for line in self:
            company = line.company_id.sudo() or self.env.company.sudo()  # as above
            base_line = line._prepare_base_line()
            AccountTax._add_tax_details_in_base_line(base_line, company)
            AccountTax._round_base_lines_tax_details([base_line], company)
            details = base_line["tax_details"]
            line.price_subtotal = details["total_excluded_currency"]
            line.price_total = details["total_included_currency"]

    # === PRICE AND TAX === #

    def _get_price(self):
        """Return the price of the product in the request's currency; 0 without a rate.

        The prices of the booking pages count here too: they are in the same pricelist.
        """
        self.ensure_one()
        company = self.company_id.sudo() or self.env.company.sudo()  # pricelist, rates
        currency = self.currency_id or company.currency_id
        product = self.product_id.with_company(company).sudo()  # as above
        pricelist = company._get_booking_pricelist(currency)
        price, rule = pricelist._get_product_price_rule(product, 1.0)
        # Odoo converts at 1:1 when a rate is missing: then staff types the price.
        known = company._has_currency_rate(currency) or (
            self.env["product.pricelist.item"].sudo().browse(rule).compute_price
            == "fixed"
        )
        if not known:
            return 0.0
        return product._get_tax_included_unit_price_from_price(
            price,
            product.taxes_id._filter_taxes_by_company(company),
            fiscal_position=self.request_id.sudo().fiscal_position_id,
        )

    def _prepare_base_line(self):
        """Return the line as Odoo's tax engine reads it."""
        self.ensure_one()
        AccountTax = self.env["account.tax"].sudo()  # users read no tax details
        return AccountTax._prepare_base_line_for_taxes_computation(
            {},
            product_id=self.product_id.sudo(),
            tax_ids=self.sudo().tax_ids,
            price_unit=self.price_unit,
            quantity=self.quantity,
            currency_id=self.currency_id or self.env.company.currency_id,
            partner_id=self.request_id.sudo().partner_id,
        )

    def _prepare_invoice_line(self):
        """Return the values of the invoice's line. Override to add to them."""
        self.ensure_one()
        return {
            "product_id": self.product_id.id,
            "name": self.name or self.product_id.display_name,
            "quantity": self.quantity,
            "price_unit": self.price_unit,
            "tax_ids": [(6, 0, self.tax_ids.ids)],
        }

    def _get_label(self):
        """Return what the client reads: the product, and how many if not one."""
        self.ensure_one()
        name = (self.name or self.product_id.display_name).strip()
        if self.quantity == 1:
            return name
        return f"{name} × {self.quantity:g}"

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override: what a client was asked for stays as it is."""
        lines = super().create(vals_list)
        lines.request_id._check_lines_open()
        return lines

    def write(self, vals):
        """Override: what a client was asked for stays as it is."""
        self.request_id._check_lines_open()
        result = super().write(vals)
        if "request_id" in vals:
            self.request_id._check_lines_open()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        self.request_id._check_lines_open()
