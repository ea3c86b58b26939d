from odoo import fields, models


class PaymentDirectLinkLine(models.Model):
    _name = "payment.direct.link.line"
    _description = "Product of a Direct Link"
    _order = "link_id, sequence, id"

    link_id = fields.Many2one(
        "payment.direct.link", required=True, ondelete="cascade", index=True
    )
    sequence = fields.Integer(default=10)
    product_id = fields.Many2one("product.product", ondelete="restrict", required=True)
    quantity = fields.Float(default=1.0, digits="Product Unit", required=True)

    _quantity_positive = models.Constraint(
        "CHECK (quantity > 0)", "A line needs a quantity."
    )

    def _prepare_request_line(self):
        """Return the values of a request's line, which finds its price and taxes."""
        self.ensure_one()
        return {
            "sequence": self.sequence,
            "product_id": self.product_id.id,
            "quantity": self.quantity,
        }
