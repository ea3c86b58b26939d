from odoo import fields, models
from odoo.fields import Domain


class PaymentReminderMixin(models.AbstractModel):
    """Documents that clients are reminded of: invoices, bookings and requests.

    Each is a payable too (see `payment.payable.mixin`).
    """

    _name = "payment.reminder.mixin"
    _description = "Document That Clients Are Reminded of"

    reminder_snooze_until = fields.Date(
        string="No Reminder Until",
        copy=False,
        tracking=True,
        help="Nobody is reminded of this before that day.",
    )
    payment_reminder_count = fields.Integer(
        string="Reminders", compute="_compute_payment_reminder"
    )
    last_payment_reminder = fields.Date(
        string="Last Reminder", compute="_compute_payment_reminder"
    )

    def _compute_payment_reminder(self):
        # sudo: who may read the document may read that its client was reminded
        lines_sudo = self.env["payment.reminder.line"].sudo()
        name = self._payable_allocation_field
        lines_sudo = lines_sudo.search(
            lines_sudo._get_sent_domain() & Domain(name, "in", self.ids)
        )
        by_document = lines_sudo.grouped(lambda line: line[name].id)
        for document in self:
            found = by_document.get(document._origin.id, lines_sudo.browse())
            reminders_sudo = found.reminder_id
            moment = max(reminders_sudo.mapped("sent_at"), default=False)
            document.payment_reminder_count = len(reminders_sudo)
            document.last_payment_reminder = moment and fields.Date.context_today(
                document, moment
            )

    def action_send_reminder(self):
        """Open the dialog that reminds the clients of what they owe."""
        self.check_access("read")
        Due = self.env["payment.due"]
        Due._check_reminder_user()
        rows = Due._get_rows_of(self)
        others = self - rows.mapped(lambda row: row._get_document().sudo(False))
        reasons = []
        for document in others.sudo():  # plain users read no transactions
            # What was invoiced is owed as an invoice.
            invoiced = document._name != "account.move" and Due._get_rows_of(
                document.invoice_id
            ).sudo(False)
            if invoiced:
                rows |= invoiced
            else:
                status = document._get_payable_status()
                messages = document._get_payable_messages()
                nothing = self.env._("There is nothing to pay.")
                reasons.append(
                    f"{document.display_name}: {messages.get(status, nothing)}"
                )
        return self.env["payment.reminder.send"]._open(rows, reasons)

    def action_snooze_reminders(self):
        """Open the dialog that lets reminders wait."""
        self.check_access("read")
        Due = self.env["payment.due"]
        Due._check_reminder_user()
        return self.env["payment.reminder.snooze"]._open(Due._get_rows_of(self))

    def action_view_reminders(self):
        """Open the reminders of the documents."""
        self.check_access("read")
        return self.env["payment.reminder"]._open_list(
            Domain(f"line_ids.{self._payable_allocation_field}", "in", self.ids)
        )
