from odoo import api, fields, models
from odoo.exceptions import ValidationError


class PaymentTermsMixin(models.AbstractModel):
    """Mixin of what asks for money: whose it is, in which currency, with which form."""

    _name = "payment.terms.mixin"
    _description = "Mixin of Requests and Direct Links"

    company_id = fields.Many2one(
        "res.company",
        required=True,
        index=True,
        default=lambda self: self.env.company,
    )
    user_id = fields.Many2one(
        "res.users", string="Responsible", default=lambda self: self.env.user
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        required=True,
        precompute=True,
    )
    accepted_currency_ids = fields.Many2many(
        "res.currency",
        string="Accepted Currencies",
        compute="_compute_accepted_currency_ids",
    )
    form_id = fields.Many2one(
        "payment.form",
        string="Form",
        ondelete="set null",
        index="btree_not_null",
        domain="[('company_id', '=', company_id)]",
        help="What the client fills in before paying. Empty: the form that you use "
        "for requests.",
    )

    # === COMPUTE METHODS === #

    @api.depends("company_id")
    def _compute_currency_id(self):
        for record in self:
            company = record.company_id or self.env.company
            record.currency_id = record.currency_id or company.currency_id

    @api.depends("company_id")
    def _compute_accepted_currency_ids(self):
        for record in self:
            company_sudo = record.company_id.sudo()  # its pricelists
            record.accepted_currency_ids = (
                company_sudo and company_sudo._get_booking_currencies()
            )

    # === CONSTRAINTS === #

    @api.constrains("form_id", "company_id")
    def _check_form_company(self):
        for record in self:
            form_sudo = record.form_id.sudo()  # of another company: not readable
            if form_sudo.company_id - record.company_id:
                raise ValidationError(
                    self.env._("This form belongs to another company.")
                )
