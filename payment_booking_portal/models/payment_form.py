import hashlib
import re
from datetime import date

from markupsafe import Markup, escape

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import email_normalize, is_html_empty

from .. import const
from ..tools.numbers import parse_number

PHONE = re.compile(r"\+?[0-9 ()./\u00a0-]+(( ?(ext|x|#)\.? ?)[0-9]{1,6})?", re.I)
YEARS = range(1850, 2200)
# What a browser needs to know of each kind: type of the input, keyboard of a phone.
INPUTS = {
    "text": ("text", None),
    "email": ("email", "email"),
    "phone": ("tel", "tel"),
    "number": ("text", "decimal"),  # a number input knows one decimal sign only
    "date": ("date", None),
}
# What the policy is called in a form that is sent, and the version that was shown.
POLICY = "policy"
POLICY_HASH = "policy_hash"
# The fields of a company that say where a form is used, by field of the form.
COMPANY_USES = {
    "is_default": "booking_form_id",
    "is_for_requests": "booking_request_form_id",
    "is_for_invoices": "booking_invoice_form_id",
}


class PaymentForm(models.Model):
    _name = "payment.form"
    _description = "Payment Form"
    _order = "name, id"

    name = fields.Char(required=True)
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    intro = fields.Text(
        string="Introduction", translate=True, help="Stands above the questions."
    )
    field_ids = fields.One2many(
        "payment.form.field", "form_id", string="Questions", copy=True
    )
    policy = fields.Html(
        string="Payment Policy",
        translate=True,
        sanitize_overridable=False,
        help="Clients read it before they pay. The version that they accept is kept.",
    )
    policy_required = fields.Boolean(
        string="Must Be Ticked", help="Nobody pays before the box is ticked."
    )
    policy_label = fields.Char(
        string="Text of the Tick Box",
        translate=True,
        default=lambda self: self.env._("I have read this and agree."),
    )

    # Where it is used
    is_default = fields.Boolean(
        string="Whenever Nothing Else Is Set",
        compute="_compute_uses",
        inverse="_inverse_is_default",
        help="For every service, request and invoice without a form of its own.",
    )
    is_for_requests = fields.Boolean(
        string="Payment Requests",
        compute="_compute_uses",
        inverse="_inverse_is_for_requests",
    )
    is_for_invoices = fields.Boolean(
        string="Invoices", compute="_compute_uses", inverse="_inverse_is_for_invoices"
    )
    service_ids = fields.One2many("payment.booking.service", "form_id")
    request_ids = fields.One2many("payment.request", "form_id")
    link_ids = fields.One2many("payment.direct.link", "form_id")
    uses = fields.Char(string="Used For", compute="_compute_uses_label")
    submission_ids = fields.One2many("payment.form.submission", "form_id")
    submission_count = fields.Integer(
        string="Times Sent", compute="_compute_submission_count"
    )

    # === COMPUTE METHODS === #

    @api.depends(
        "company_id.booking_form_id",
        "company_id.booking_request_form_id",
        "company_id.booking_invoice_form_id",
    )
    def _compute_uses(self):
        for form in self:
            company_sudo = form.company_id.sudo()  # plain users read few fields of it
            for name, company_field in COMPANY_USES.items():
                form[name] = bool(form._origin) and (
                    company_sudo[company_field] == form._origin
                )

    @api.depends(
        *("is_default", "is_for_requests", "is_for_invoices"),
        *("service_ids.name", "link_ids.name"),
    )
    def _compute_uses_label(self):
        for form in self:
            labels = {
                "is_default": self.env._("Default"),
                "is_for_requests": self.env._("Requests"),
                "is_for_invoices": self.env._("Invoices"),
            }
            words = [label for name, label in labels.items() if form[name]]
            form.uses = ", ".join(
                words + form.service_ids.mapped("name") + form.link_ids.mapped("name")
            )

    def _inverse_is_default(self):
        self._set_company_use("is_default")

    def _inverse_is_for_requests(self):
        self._set_company_use("is_for_requests")

    def _inverse_is_for_invoices(self):
        self._set_company_use("is_for_invoices")

    def _set_company_use(self, name):
        """Let the company use the form, or stop it.

        :param str name: a key of `COMPANY_USES`.
        :raise AccessError: for anyone but a manager.
        """
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager can do this."))
        company_field = COMPANY_USES[name]
        for form in self:
            # sudo: managers write no companies; this choice is theirs
            company_sudo = form.company_id.sudo()
            if form[name]:
                company_sudo[company_field] = form
            elif company_sudo[company_field] == form:
                company_sudo[company_field] = False

    def _compute_submission_count(self):
        # sudo: a number; only managers read the rows
        submissions_sudo = self.env["payment.form.submission"].sudo()
        counts = dict(
            submissions_sudo._read_group(
                [("form_id", "in", self.ids)], ["form_id"], ["__count"]
            )
        )
        for form in self:
            form.submission_count = counts.get(form._origin, 0)

    # === CONSTRAINTS === #

    @api.constrains("company_id", "active")
    def _check_uses(self):
        for form in self:
            users = form.service_ids.company_id | form._get_using_companies()
            users |= form.request_ids.company_id | form.link_ids.company_id
            if users - form.company_id:
                raise ValidationError(
                    self.env._("The form is used by another company already.")
                )
            if not form.active and form._is_used():
                raise ValidationError(form._get_used_message())

    @api.constrains("policy", "policy_required")
    def _check_policy(self):
        for form in self:
            if form.policy_required and is_html_empty(form.policy):
                raise ValidationError(
                    self.env._("Write the policy that clients have to agree with.")
                )

    # === CRUD METHODS === #

    def copy_data(self, default=None):
        """Override to tell the copy from the original."""
        vals_list = super().copy_data(default)
        for form, vals in zip(self, vals_list, strict=True):
            if not (default or {}).get("name"):
                vals["name"] = self.env._("%s (copy)", form.name)
        return vals_list

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        for form in self:
            if form._is_used():
                raise UserError(form._get_used_message())
            if form.sudo().submission_ids:  # plain users do not get here
                raise UserError(
                    self.env._(
                        "Clients have filled in %(form)s. Archive it: what they "
                        "accepted must stay readable.",
                        form=form.name,
                    )
                )

    def _get_using_companies(self):
        """Return the companies that use the form."""
        self.ensure_one()
        return (
            self.env["res.company"]
            .sudo()  # of all companies, also those one does not see
            .search(Domain.OR([(name, "=", self.id)] for name in COMPANY_USES.values()))
        )

    def _is_used(self):
        """Tell whether clients may meet the form."""
        self.ensure_one()
        form_sudo = self.sudo().with_context(active_test=False)  # archived ones too
        return bool(
            self._get_using_companies()
            or form_sudo.service_ids
            or form_sudo.link_ids
            or form_sudo.request_ids.filtered(
                lambda request: request.state in ("draft", "sent", "part")
            )
        )

    def _get_used_message(self):
        return self.env._(
            "%(form)s is in use. Choose another form for: %(uses)s",
            form=self.name,
            uses=self.uses or self.env._("what is archived, or a payment request"),
        )

    # === QUESTIONS === #

    @api.model
    def _make_question(
        self,
        name,
        label,
        kind,
        required=False,
        help_text=None,
        options=(),
        value="",
        autocomplete=None,
    ):
        """Return a question as the template `form_questions` and `_read_answer` need
        it. What documents ask beside a form has the same shape.

        :param str name: name of the input.
        :param str label: the question.
        :param str kind: a key of `const.QUESTION_KINDS`.
        :param bool required: whether it must be answered.
        :param str help_text: a line below.
        :param options: the possible answers to a choice.
        :param str value: the answer so far, as it is typed.
        :param str autocomplete: what the browser may fill in by itself.
        :rtype: dict
        """
        input_type, inputmode = INPUTS.get(kind, (None, None))
        return {
            "name": name,
            "label": label,
            "kind": kind,
            "required": required,
            "help": help_text or "",
            "options": list(options),
            "value": value or "",
            "type": input_type,
            "inputmode": inputmode,
            "autocomplete": autocomplete,
            "maxlength": const.MAX_TEXT if kind == "long" else const.MAX_SHORT_TEXT,
        }

    @api.model
    def _complete_question(self, question):
        """Return a question of a document with all that a page needs.

        :param dict question: at least `name`, `label` and `kind`.
        """
        full = self._make_question(*(question[k] for k in ("name", "label", "kind")))
        full.update(question)
        full["value"] = full["value"] or ""
        return full

    def _get_questions(self, partner=None, answers=None):
        """Return what the form asks, in order, the policy last.

        :param res.partner partner: a proved contact, to fill in what is known.
        :param payment.form.answer answers: what was answered before.
        :return: see `_make_question`; the policy has `html` and `hash` too.
        :rtype: list
        """
        self.ensure_one()
        questions = [
            field._prepare_question(partner, answers) for field in self.field_ids
        ]
        if self._has_policy():
            questions.append(
                {
                    **self._make_question(
                        POLICY,
                        self.policy_label or self.env._("I have read this and agree."),
                        POLICY,
                        required=self.policy_required,
                    ),
                    "html": self.policy,
                    "hash": self._get_policy_hash(),
                }
            )
        return questions

    def _get_known_fields(self, partner, answers=None):
        """Return the questions that need no answer: a phone number that is known.

        :param res.partner partner: the contact who owes, perhaps an empty one.
        :param payment.form.answer answers: what was answered before: it is shown again.
        """
        return self.field_ids.filtered(
            lambda field: (
                field.partner_field == "phone"
                and partner.sudo().phone  # clients read no contacts
                and (not answers or field not in answers.field_id)
            )
        )

    def _has_policy(self):
        """Tell whether there is a text to be read before one pays."""
        return not is_html_empty(self.policy)

    def _has_step(self):
        """Tell whether there is anything that a payer must look at and send."""
        return bool(self) and bool(
            self.field_ids or (self._has_policy() and self.policy_required)
        )

    def _check_values(self, values):
        """Return what is wrong with what a client typed: a message per question.

        :param dict values: the fields of a form as they were sent; unknown ones are
            ignored.
        :rtype: dict
        """
        return self._check_questions(self._get_questions(), values)

    @api.model
    def _check_questions(self, questions, values):
        """Return what is wrong with the answers to questions: a message by name."""
        errors = {}
        for question in questions:
            _value, error = self._read_answer(question, values)
            if error:
                errors[question["name"]] = error
        return errors

    @api.model
    def _read_answer(self, question, values):
        """Return the answer to a question, and what is wrong with it.

        :param dict question: see `_make_question`.
        :param dict values: the fields of a form as they were sent.
        :return: the answer as it is kept, such as an ISO date; a message or False.
        :rtype: tuple
        """
        raw = values.get(question["name"])
        raw = raw.replace("\x00", "").strip() if isinstance(raw, str) else ""
        kind = question["kind"]
        if kind == POLICY:
            return self._read_policy(question, values, raw)
        if kind == "tick":
            if question["required"] and raw != "1":
                return "", self.env._("Please tick this box.")
            return "1" if raw == "1" else "0", False
        if not raw:
            missing = question["required"] and self.env._("Please answer this.")
            return "", missing
        if len(raw) > question["maxlength"]:
            return "", self.env._(
                "This is too long: %(limit)s characters at most.",
                limit=question["maxlength"],
            )
        reader = getattr(self, f"_read_{kind}")
        return reader(question, raw)

    @api.model
    def _read_text(self, question, raw):
        return " ".join(raw.split()), False  # one line

    @api.model
    def _read_long(self, question, raw):
        return raw.replace("\r\n", "\n"), False

    @api.model
    def _read_email(self, question, raw):
        value = email_normalize(raw)
        return value or "", not value and self.env._("This is not an e-mail address.")

    @api.model
    def _read_phone(self, question, raw):
        digits = sum(char.isdigit() for char in raw)
        if not PHONE.fullmatch(raw) or not 5 <= digits <= 20:
            return "", self.env._("This is not a phone number.")
        return " ".join(raw.split()), False

    @api.model
    def _read_number(self, question, raw):
        value = parse_number(self.env, raw)
        return value or "", value is None and self.env._("This is not a number.")

    @api.model
    def _read_date(self, question, raw):
        try:
            value = date.fromisoformat(raw)
        except ValueError:
            value = None
        if not value or value.year not in YEARS or raw != value.isoformat():
            return "", self.env._("This is not a date. Write it like 2026-12-31.")
        return raw, False

    @api.model
    def _read_choice(self, question, raw):
        if raw not in question["options"]:
            return "", self.env._("Please choose one of the answers.")
        return raw, False

    @api.model
    def _read_policy(self, question, values, raw):
        if values.get(POLICY_HASH) != question["hash"]:
            return "", self._get_changed_message()
        if question["required"] and raw != "1":
            return "", self.env._("Please read this and tick the box.")
        return "1" if question["required"] else "0", False

    @api.model
    def _get_changed_message(self):
        return self.env._("This text has just changed. Please read it again.")

    def _read_values(self, values):
        """Return the answers to the form as they are kept, by question.

        :param dict values: what was sent, already checked.
        :return: text by `payment.form.field`; questions left open are not in it.
        :rtype: dict
        """
        answers = {}
        for field in self.field_ids:
            value, _error = self._read_answer(field._prepare_question(), values)
            if value:
                answers[field] = value
        return answers

    # === POLICY === #

    def _get_policy_text(self):
        """Return exactly what a client reads, with the words of the tick box."""
        self.ensure_one()
        text = self.policy or Markup()
        if self.policy_required:
            label = self.policy_label or self.env._("I have read this and agree.")
            text += Markup("<p>☐ %s</p>") % escape(label)
        return str(text)

    def _get_policy_hash(self):
        """Return what tells this version of the policy from any other: SHA-256."""
        return hashlib.sha256(self._get_policy_text().encode()).hexdigest()

    # === ACTIONS === #

    def action_preview(self):
        """Open the form as clients see it."""
        self.ensure_one()
        self.check_access("read")
        return {
            "type": "ir.actions.act_url",
            "url": f"/pay/form/{self.id}/preview",
            "target": "new",
        }

    def action_view_services(self):
        """Open the services that have the form."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_service_action"
        )
        return {
            **action,
            "domain": [("form_id", "=", self.id)],
            "context": {"default_form_id": self.id},
        }
