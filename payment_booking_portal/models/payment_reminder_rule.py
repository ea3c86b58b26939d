from odoo import api, fields, models
from odoo.exceptions import ValidationError

from .. import const

# The models whose mail templates fit each kind of rule.
TEMPLATE_MODELS = {
    "due": ["payment.reminder"],
    "appointment": ["payment.booking"],
    "abandoned": ["payment.request", "payment.booking"],
}


class PaymentReminderRule(models.Model):
    """When clients are written to, without anybody doing it.

    A rule of one kind says when; what is owed then comes from `payment.due`, and is
    asked for by `payment.reminder`.
    """

    _name = "payment.reminder.rule"
    _description = "Reminder Rule"
    _order = "sequence, id"

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", help="Empty: for all companies.", index="btree_not_null"
    )
    kind = fields.Selection(const.RULE_KINDS, required=True, default="due")
    delay = fields.Integer(string="How Many", default=3, required=True)
    unit = fields.Selection(
        [("hours", "hours"), ("days", "days")],
        compute="_compute_when",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    moment = fields.Selection(
        const.RULE_MOMENTS,
        compute="_compute_when",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    for_invoices = fields.Boolean(string="Invoices", default=True)
    for_requests = fields.Boolean(string="Payment Links", default=True)
    for_bookings = fields.Boolean(string="Bookings", default=True)
    currency_id = fields.Many2one("res.currency", compute="_compute_currency_id")
    amount_min = fields.Monetary(
        string="From an Amount of",
        help="In the company's currency. Amounts in a currency without a rate are not "
        "compared: they are reminded of.",
    )
    most = fields.Integer(
        string="Most Reminders",
        help="Silent once a document had so many, those sent by hand included. Zero: "
        "only the company's own limit counts.",
    )
    mail_template_id = fields.Many2one(
        "mail.template",
        string="Mail",
        ondelete="restrict",
        domain="[('model', 'in', template_models)]",
        help="Empty: the usual one.",
    )
    template_models = fields.Json(compute="_compute_template_models")

    _delay_positive = models.Constraint(
        "CHECK (delay BETWEEN 0 AND 1000)", "Choose a number from 0 to 1000."
    )
    _counts_positive = models.Constraint(
        "CHECK (amount_min >= 0 AND most >= 0)", "These numbers are not negative."
    )
    # What the queries of `payment.reminder` take for granted.
    _when = models.Constraint(
        """CHECK (CASE kind WHEN 'due' THEN unit = 'days'
                            WHEN 'appointment' THEN moment = 'before'
                            ELSE unit = 'hours' AND moment = 'after' END)""",
        "What is owed is reminded of in days, an appointment before it; who gave up "
        "in hours after it.",
    )

    # === COMPUTE METHODS === #

    @api.depends("kind")
    def _compute_when(self):
        for rule in self:
            if rule.kind == "due" or not rule.unit:
                rule.unit = "days"
            if rule.kind == "abandoned":
                rule.unit, rule.moment = "hours", "after"
            elif rule.kind == "appointment" or not rule.moment:
                rule.moment = "before"

    @api.depends("company_id")
    @api.depends_context("company")
    def _compute_currency_id(self):
        for rule in self:
            rule.currency_id = (rule.company_id or self.env.company).currency_id

    @api.depends("kind")
    def _compute_template_models(self):
        for rule in self:
            rule.template_models = TEMPLATE_MODELS.get(rule.kind, [])

    # === CONSTRAINTS === #

    @api.constrains("kind", "mail_template_id", "for_requests", "for_bookings")
    def _check_mail_template_id(self):
        for rule in self:
            template_sudo = rule.mail_template_id.sudo()  # users read no templates
            if template_sudo and template_sudo.model not in TEMPLATE_MODELS[rule.kind]:
                raise ValidationError(
                    self.env._("This mail is made for something else. Choose another.")
                )
            if rule.kind != "abandoned" or not template_sudo:
                continue
            others = {
                "payment.request": rule.for_bookings,
                "payment.booking": rule.for_requests,
            }
            if others[template_sudo.model]:
                raise ValidationError(
                    self.env._(
                        "This mail is for payment links or for bookings, not for both: "
                        "make a rule for each."
                    )
                )

    # === BUSINESS METHODS === #

    def _get_template(self, kind, source):
        """Return the mail of a rule, sudoed. Works on an empty recordset too.

        :param str kind: of the reminder.
        :param str source: of its document, see `const.DUE_SOURCES`.
        """
        if self.mail_template_id:
            return self.mail_template_id.sudo()  # staff reads no templates
        names = {
            "appointment": "mail_template_booking_reminder",
            "abandoned": f"mail_template_{source}_abandoned",
        }
        name = names.get(kind, "mail_template_payment_reminder")
        # Not `env.ref`: it asks the database each time.
        template_id = self.env["ir.model.data"]._xmlid_to_res_id(
            f"payment_booking_portal.{name}", raise_if_not_found=True
        )
        return self.env["mail.template"].sudo().browse(template_id)  # as above

    def action_view_reminders(self):
        """Open what the rule sent."""
        self.ensure_one()
        self.check_access("read")
        return self.env["payment.reminder"]._open_list(
            [("line_ids.rule_id", "=", self.id)]
        )
