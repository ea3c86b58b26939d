from datetime import timedelta

import pytz

from odoo import api, fields, models
from odoo.fields import Domain

from .. import const


class PaymentReminderLine(models.Model):
    """One document that a reminder is about. Written by `payment.reminder` only."""

    _name = "payment.reminder.line"
    _description = "Document of a Reminder"
    _order = "due_day, id"
    _rec_name = "name"

    reminder_id = fields.Many2one(
        "payment.reminder", required=True, readonly=True, ondelete="cascade", index=True
    )
    sent_at = fields.Datetime(related="reminder_id.sent_at", related_sudo=False)
    company_id = fields.Many2one(related="reminder_id.company_id", related_sudo=False)
    rule_id = fields.Many2one(
        "payment.reminder.rule",
        readonly=True,
        ondelete="set null",
        help="Empty: sent by hand.",
    )
    planned_at = fields.Datetime(
        readonly=True, help="When the rule meant it; a whole day of what is owed."
    )
    due_key = fields.Integer(
        readonly=True, required=True, index=True, help="The row of `payment.due`."
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    booking_id = fields.Many2one(
        "payment.booking", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    request_id = fields.Many2one(
        "payment.request", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    name = fields.Char(string="Reference", readonly=True)
    due_day = fields.Date(string="Due On", readonly=True)
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount = fields.Monetary(string="Amount Asked", readonly=True)
    is_left_out = fields.Boolean(readonly=True)
    left_out_reason = fields.Char(string="Left Out Because", readonly=True)

    # What makes "never twice" true, whatever crashes. A new due day (an instalment, a
    # moved appointment) is something new to be reminded of.
    _rule_document_uniq = models.UniqueIndex(
        "(rule_id, due_key, coalesce(due_day, '1900-01-01'::date)) "
        "WHERE rule_id IS NOT NULL"
    )

    @api.model
    def _get_sent_domain(self):
        """Return the lines that clients have read about money."""
        return (
            Domain("reminder_id.state", "=", "sent")
            & Domain("reminder_id.kind", "in", ("due", "manual"))
            & Domain("is_left_out", "=", False)
        )

    def _get_document(self):
        """Return the document of a line."""
        self.ensure_one()
        return self.invoice_id or self.booking_id or self.request_id

    def _get_source(self):
        """Return the kind of its document, see `const.DUE_SOURCES`."""
        self.ensure_one()
        return (
            "invoice"
            if self.invoice_id
            else ("booking" if self.booking_id else "request")
        )

    # === LOOKING AGAIN === #

    def _get_outdated_reason(self, row, refusal):
        """Return why the line need not be asked any more, in plain words, or False.

        :param payment.due row: sudoed, or None.
        :param str refusal: see `payment.due._get_reminder_refusals`.
        """
        self.ensure_one()
        kind = self.reminder_id.kind
        if kind == "appointment":
            return self._get_appointment_reason()
        if kind == "abandoned":
            return self._get_abandoned_reason()
        if not row:
            return self.env._("It is not owed any more.")
        if not refusal and kind == "due" and self._is_too_late():
            return self.env._("It could not be sent in time.")
        return refusal

    def _is_too_late(self):
        days = timedelta(days=const.REMINDER_CATCH_UP_DAYS)
        today = self.reminder_id.company_id._get_booking_today()
        waits = self.reminder_id.state == "queued"
        return waits and self.planned_at and (self.planned_at + days).date() <= today

    def _get_appointment_reason(self):
        """Return why nobody need be reminded of the appointment, or False."""
        booking = self.booking_id
        if booking.state != "confirmed":
            return self.env._("The booking is cancelled.")
        if booking.start <= fields.Datetime.now():
            return self.env._("It could not be sent in time.")
        tz = pytz.timezone(booking.company_id._get_booking_tz())
        day = pytz.utc.localize(booking.start).astimezone(tz).date()
        return self.due_day != day and self.env._("The booking was moved.")

    def _get_abandoned_reason(self):
        """Return why nobody is asked to finish the payment, or False."""
        document = self.booking_id or self.request_id
        if document.partner_id.payment_reminder_optout:
            return self.env._("The client gets no payment reminders.")
        if document.payment_coverage != "none" or document._get_live_transactions():
            return self.env._("A payment is on its way.")
        return not document._can_be_finished() and self.env._(
            "It cannot be paid any more."
        )

    def _take_amount(self, row):
        """Keep what is due now.

        :param payment.due row: sudoed.
        """
        self.ensure_one()
        if self.currency_id != row.currency_id or (
            row.currency_id.compare_amounts(self.amount, row.amount_due)
        ):
            self.write({"amount": row.amount_due, "currency_id": row.currency_id.id})
