from odoo import api, fields, models
from odoo.exceptions import ValidationError


class PaymentDirectLinkPrice(models.Model):
    """A further currency of a link. Empty amounts are converted at Odoo's rate."""

    _name = "payment.direct.link.price"
    _description = "Currency of a Direct Link"
    _order = "link_id, id"

    link_id = fields.Many2one(
        "payment.direct.link", required=True, ondelete="cascade", index=True
    )
    currency_id = fields.Many2one("res.currency", required=True)
    amount = fields.Monetary()
    amount_min = fields.Monetary(string="At Least")
    amount_max = fields.Monetary(string="At Most")
    suggestions = fields.Char(string="Suggested Amounts")

    _currency_uniq = models.Constraint(
        "UNIQUE (link_id, currency_id)", "Each currency once."
    )
    _amount_not_negative = models.Constraint(
        "CHECK (amount >= 0 AND amount_min >= 0 AND amount_max >= 0)",
        "An amount cannot be negative.",
    )

    @api.constrains(
        *("currency_id", "amount", "amount_min", "amount_max", "suggestions")
    )
    def _check_terms(self):
        for price in self:
            if price.currency_id == price.link_id.currency_id:
                raise ValidationError(
                    self.env._(
                        "%(currency)s is the link's own currency already.",
                        currency=price.currency_id.name,
                    )
                )
        self.link_id._check_terms()
