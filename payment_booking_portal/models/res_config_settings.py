from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    booking_currency_ids = fields.Many2many(
        related="company_id.booking_currency_ids", readonly=False
    )
    booking_accept_test_payments = fields.Boolean(
        related="company_id.booking_accept_test_payments", readonly=False
    )
    booking_pay_later_online = fields.Boolean(
        related="company_id.booking_pay_later_online", readonly=False
    )
    booking_transfer_days = fields.Integer(
        related="company_id.booking_transfer_days", readonly=False
    )
    booking_transfer_min_days = fields.Integer(
        related="company_id.booking_transfer_min_days", readonly=False
    )
    booking_late_hours = fields.Integer(
        related="company_id.booking_late_hours", readonly=False
    )
    booking_late_money = fields.Selection(
        related="company_id.booking_late_money", readonly=False
    )
    booking_late_money_text = fields.Char(compute="_compute_booking_money_texts")
    booking_cancelled_money = fields.Selection(
        related="company_id.booking_cancelled_money", readonly=False
    )
    booking_cancelled_money_text = fields.Char(compute="_compute_booking_money_texts")
    booking_cancelled_hours = fields.Integer(
        related="company_id.booking_cancelled_hours", readonly=False
    )
    booking_refund_approval = fields.Boolean(
        related="company_id.booking_refund_approval", readonly=False
    )
    booking_refund_approval_above = fields.Monetary(
        related="company_id.booking_refund_approval_above",
        currency_field="currency_id",
        readonly=False,
    )
    booking_part_payments = fields.Boolean(
        related="company_id.booking_part_payments", readonly=False
    )
    booking_part_percent = fields.Float(
        related="company_id.booking_part_percent", readonly=False
    )
    booking_form_id = fields.Many2one(
        related="company_id.booking_form_id", readonly=False
    )
    booking_request_form_id = fields.Many2one(
        related="company_id.booking_request_form_id", readonly=False
    )
    booking_invoice_form_id = fields.Many2one(
        related="company_id.booking_invoice_form_id", readonly=False
    )
    booking_renew_links = fields.Boolean(
        related="company_id.booking_renew_links", readonly=False
    )
    booking_reminder_from = fields.Float(
        related="company_id.booking_reminder_from", readonly=False
    )
    booking_reminder_until = fields.Float(
        related="company_id.booking_reminder_until", readonly=False
    )
    booking_reminder_sunday = fields.Boolean(
        related="company_id.booking_reminder_sunday", readonly=False
    )
    booking_reminder_gap = fields.Integer(
        related="company_id.booking_reminder_gap", readonly=False
    )
    booking_reminder_max = fields.Integer(
        related="company_id.booking_reminder_max", readonly=False
    )
    booking_currency_warning = fields.Char(compute="_compute_booking_currency_warning")

    @api.depends("company_id", "booking_currency_ids")
    def _compute_booking_currency_warning(self):
        for settings in self:
            company = settings.company_id
            accepted = settings.booking_currency_ids._origin - company.currency_id
            missing = [c.name for c in accepted if not company._has_currency_rate(c)]
            settings.booking_currency_warning = bool(missing) and self.env._(
                "No exchange rate for %(currencies)s: only services with an explicit "
                "price in that currency are offered in it.",
                currencies=", ".join(missing),
            )

    @api.depends("booking_late_money", "booking_cancelled_money")
    def _compute_booking_money_texts(self):
        texts = self.env.company._get_unused_money_texts()
        for settings in self:
            settings.booking_late_money_text = texts.get(settings.booking_late_money)
            settings.booking_cancelled_money_text = texts.get(
                settings.booking_cancelled_money
            )
