from odoo import api, fields, models
from odoo.tools import format_date

from .. import const
from ..tools.numbers import format_number


class PaymentFormAnswer(models.Model):
    """The answer of a payer to one question, as the question was then."""

    _name = "payment.form.answer"
    _description = "Answer to a Payment Form"
    _inherit = ["payment.form.record"]
    _order = "sequence, id"
    _rec_name = "label"

    field_id = fields.Many2one(
        "payment.form.field", readonly=True, ondelete="set null", index=True
    )
    sequence = fields.Integer(readonly=True)
    label = fields.Char(string="Question", required=True, readonly=True)
    kind = fields.Selection(const.QUESTION_KINDS, required=True, readonly=True)
    value = fields.Text(
        readonly=True,
        help="As it is kept: dates like 2026-12-31, numbers like 1234.5, ticks as 1.",
    )
    display_value = fields.Text(string="Answer", compute="_compute_display_value")

    # The same form sent twice at once answers once.
    _booking_uniq = models.UniqueIndex(
        "(booking_id, field_id) WHERE booking_id IS NOT NULL"
    )
    _request_uniq = models.UniqueIndex(
        "(request_id, field_id) WHERE request_id IS NOT NULL"
    )
    _invoice_uniq = models.UniqueIndex(
        "(invoice_id, field_id) WHERE invoice_id IS NOT NULL"
    )

    @api.depends("value", "kind")
    @api.depends_context("lang")
    def _compute_display_value(self):
        for answer in self:
            value = answer.value or ""
            if answer.kind == "tick":
                value = self.env._("Yes") if value == "1" else self.env._("No")
            elif answer.kind == "date":
                value = format_date(self.env, value)
            elif answer.kind == "number":
                value = format_number(self.env, value)
            answer.display_value = value
