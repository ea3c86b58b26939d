from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import const
from ..tools.numbers import format_typed_number

KEY = "field_"
# Fields of a contact that answers may fill: kinds of question that fit, and what a
# browser may fill in by itself. The name and the e-mail address are the identity of a
# payer: whoever asks for them does so outside the form.
PARTNER_FIELDS = {
    "phone": ("phone", "tel"),
    "street": ("text", "address-line1"),
    "street2": ("text", "address-line2"),
    "zip": ("text", "postal-code"),
    "city": ("text", "address-level2"),
    "company_name": ("text", "organization"),
    "function": ("text", "organization-title"),
    "vat": ("text", None),
    "website": ("text", "url"),
}


class PaymentFormField(models.Model):
    _name = "payment.form.field"
    _description = "Question of a Payment Form"
    _order = "sequence, id"
    _rec_name = "label"

    form_id = fields.Many2one(
        "payment.form", required=True, ondelete="cascade", index=True
    )
    company_id = fields.Many2one(related="form_id.company_id")
    sequence = fields.Integer(default=10)
    label = fields.Char(string="Question", required=True, translate=True)
    kind = fields.Selection(
        const.QUESTION_KINDS, string="Answer", required=True, default="text"
    )
    required = fields.Boolean()
    help_text = fields.Char(
        string="Help", translate=True, help="A line below the question."
    )
    options = fields.Text(
        string="Choices", translate=True, help="One answer per line, in their order."
    )
    partner_field = fields.Selection(
        selection="_selection_partner_field",
        string="Fills In",
        help="The empty field of the client's contact that the answer fills. What is "
        "there already is never changed.",
    )

    _partner_field_uniq = models.UniqueIndex(
        "(form_id, partner_field) WHERE partner_field IS NOT NULL",
        "Two questions of a form cannot fill the same field of the contact.",
    )

    @api.model
    def _selection_partner_field(self):
        names = self.env["res.partner"].fields_get(PARTNER_FIELDS, ["string"])
        return [
            (name, names[name]["string"] if name in names else name)
            for name in PARTNER_FIELDS
        ]

    # === ONCHANGE AND CONSTRAINTS === #

    @api.onchange("partner_field")
    def _onchange_partner_field(self):
        """Ask in a way that fits what is filled in, and under its name."""
        if self.partner_field:
            self.kind = PARTNER_FIELDS[self.partner_field][0]
            self.label = self.label or dict(self._selection_partner_field()).get(
                self.partner_field
            )

    @api.onchange("kind")
    def _onchange_kind(self):
        if self.partner_field and self.kind != PARTNER_FIELDS[self.partner_field][0]:
            self.partner_field = False

    @api.constrains("kind", "options")
    def _check_options(self):
        for field in self.filtered(lambda f: f.kind == "choice"):
            options = field._get_options()
            if len(options) < 2:
                raise ValidationError(
                    self.env._(
                        "Write at least two choices, one per line: %(question)s",
                        question=field.label,
                    )
                )
            if max(map(len, options)) > const.MAX_SHORT_TEXT:
                raise ValidationError(
                    self.env._(
                        "A choice has %(limit)s characters at most: %(question)s",
                        limit=const.MAX_SHORT_TEXT,
                        question=field.label,
                    )
                )

    @api.constrains("kind", "partner_field")
    def _check_partner_field(self):
        for field in self.filtered("partner_field"):
            fitting = PARTNER_FIELDS[field.partner_field][0]
            if field.kind != fitting:
                kinds = dict(self._fields["kind"]._description_selection(self.env))
                raise ValidationError(
                    self.env._(
                        '"%(question)s" fills a field of the contact: its answer must '
                        "be of the kind %(kind)s.",
                        question=field.label,
                        kind=kinds[fitting],
                    )
                )

    # === QUESTION === #

    def _get_key(self):
        """Return the name of the input."""
        self.ensure_one()
        return f"{KEY}{self.id}"

    def _get_options(self):
        """Return the possible answers to a choice, each once."""
        self.ensure_one()
        lines = (" ".join(line.split()) for line in (self.options or "").splitlines())
        return list(dict.fromkeys(filter(None, lines)))

    def _prepare_question(self, partner=None, answers=None):
        """Return the question for a page, see `payment.form._make_question`.

        :param res.partner partner: a proved contact, to fill in what is known.
        :param payment.form.answer answers: what was answered before.
        """
        self.ensure_one()
        answer = answers and answers.filtered(lambda a: a.field_id == self)[:1]
        if answer:
            value = answer.value
            if self.kind == "number" and value:
                value = format_typed_number(self.env, value)
            elif self.kind == "tick":
                value = value == "1" and "1"
        else:
            value = partner and self.partner_field and partner[self.partner_field]
        return self.form_id._make_question(
            self._get_key(),
            self.label,
            self.kind,
            required=self.required,
            help_text=self.help_text,
            options=self._get_options() if self.kind == "choice" else (),
            value=value,
            autocomplete=self._get_autocomplete(),
        )

    def _get_autocomplete(self):
        if self.partner_field:
            return PARTNER_FIELDS[self.partner_field][1]
        return None
