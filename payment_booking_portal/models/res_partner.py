from collections import defaultdict

from odoo import api, fields, models
from odoo.fields import Domain
from odoo.tools import format_amount, format_list


class ResPartner(models.Model):
    _inherit = "res.partner"

    payment_booking_ids = fields.One2many("payment.booking", "partner_id")
    payment_booking_count = fields.Integer(
        string="Bookings",
        compute="_compute_payment_booking_count",
        groups="payment_booking_portal.group_user",
    )

    payment_request_ids = fields.One2many("payment.request", "partner_id")

    @api.depends("payment_booking_ids")
    def _compute_payment_booking_count(self):
        groups = self.env["payment.booking"]._read_group(
            [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
        )
        counts = {partner.id: count for partner, count in groups}
        for partner in self:
            partner.payment_booking_count = counts.get(partner.id, 0)

    def _forget_form_answers(self):
        """Delete what the contacts filled in when they paid, and where from.

        See `payment.form.submission` for what stays as the proof of a policy.
        """
        domain = [("partner_id", "in", self.ids)]
        # sudo: only our methods write these
        self.env["payment.form.answer"].sudo().search(domain).unlink()
        submissions_sudo = self.env["payment.form.submission"].sudo()  # as above
        submissions_sudo.search(domain).write({"address": False, "lang": False})

    # === WHAT A CLIENT OWES === #

    def _get_dues(self, company, excluded=None):
        """Return what a client owes by currency, each amount once: on its invoice if
        it has one, else on the booking or the request.

        :param res.company company: whom it is owed to.
        :param payment.request excluded: one that does not count.
        :rtype: dict
        """
        self.ensure_one()
        # sudo: plain users read the amounts of a client's invoices through us
        env = self.sudo().env
        mine = Domain("partner_id", "child_of", self.commercial_partner_id.id)
        mine &= Domain("company_id", "=", company.id)
        alone = Domain("invoice_id", "=", False) | Domain(
            "invoice_id.state", "!=", "posted"
        )
        bookings = env["payment.booking"].search(
            mine
            & alone
            & Domain("state", "=", "confirmed")  # a hold is owed by nobody
            & Domain("amount_due", ">", 0)
        )
        requests = env["payment.request"].search(
            mine
            & alone
            & Domain("state", "in", ("sent", "part"))
            & Domain("amount_due", ">", 0)
            & Domain("id", "not in", excluded.ids if excluded else [])
        )
        invoices = env["account.move"].search(
            mine
            & Domain("move_type", "=", "out_invoice")
            & Domain("state", "=", "posted")
            & Domain("payment_state", "in", ("not_paid", "partial"))
        )
        dues = defaultdict(float)
        for document in (*bookings, *requests):
            dues[document.currency_id] += document.amount_due
        for invoice in invoices:
            dues[invoice.currency_id] += invoice.amount_residual
        return dues

    def _describe_dues(self, company, excluded=None):
        """Return what a client owes in words, or False. See `_get_dues`."""
        dues = self._get_dues(company, excluded)
        amounts = [
            format_amount(self.env, amount, currency)
            for currency, amount in dues.items()
            if not currency.is_zero(amount)
        ]
        return bool(amounts) and format_list(self.env, amounts)

    def action_view_payment_bookings(self):
        """Open the bookings of the client; New makes one for them."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_action"
        )
        return {
            **action,
            "view_mode": "list,calendar,kanban,form",
            "views": [(False, "list"), (False, "calendar"), (False, "form")],
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }
