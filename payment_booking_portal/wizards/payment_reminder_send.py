from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tools.mail import formataddr

from ..tools.locking import lock_and_touch


class PaymentReminderSend(models.TransientModel):
    """Staff reminds clients: what each would get, who is left out and why."""

    _name = "payment.reminder.send"
    _description = "Send Reminders"

    line_ids = fields.One2many("payment.reminder.send.line", "wizard_id")
    note = fields.Text(string="A Few Words", help="In each of the mails.")
    left_out = fields.Text(readonly=True)
    is_single = fields.Boolean(compute="_compute_is_single")
    # Of the only client
    subject = fields.Char(compute="_compute_single", inverse="_inverse_subject")
    recipient = fields.Char(string="To", compute="_compute_single")
    body = fields.Html(compute="_compute_single", sanitize=False)
    sent_at = fields.Datetime(readonly=True)

    @api.depends("line_ids")
    def _compute_is_single(self):
        for wizard in self:
            wizard.is_single = len(wizard.line_ids) == 1

    @api.depends("line_ids.subject", "line_ids.body")
    def _compute_single(self):
        for wizard in self:
            line = wizard.line_ids if wizard.is_single else wizard.line_ids.browse()
            wizard.subject = line.subject
            wizard.body = line.body
            wizard.recipient = line and formataddr((line.client_name or "", line.email))

    def _inverse_subject(self):
        for wizard in self.filtered("is_single"):
            wizard.line_ids.subject = wizard.subject

    # === OPENING === #

    @api.model
    def _open(self, rows, reasons=()):
        """Open the dialog.

        :param payment.due rows: what to remind of, with the rights of the user.
        :param list reasons: why something else is left out already.
        :raise UserError: when nothing is left.
        """
        refusals = rows.sudo()._get_reminder_refusals()  # reads clients
        left_out = list(reasons) + [
            f"{row.name}: {reason}" for row, reason in refusals.items()
        ]
        allowed = rows.filtered(lambda row: row.sudo() not in refusals)
        Reminder = self.env["payment.reminder"]
        lines = []
        for group in Reminder._find_recipients(allowed):
            reminder_sudo = self._preview_sudo(group)
            error = reminder_sudo._get_address_error()
            if error:
                left_out.append(f"{reminder_sudo.client_name}: {error}")
                continue
            subject = reminder_sudo.with_context(
                lang=reminder_sudo.lang
            )._get_mail_subject()
            lines.append(
                {
                    "due_keys": [found.due_key for found in group],
                    "company_id": reminder_sudo.company_id.id,
                    "partner_id": reminder_sudo.partner_id.id,
                    "client_name": reminder_sudo.client_name,
                    "email": reminder_sudo.email,
                    "amounts": reminder_sudo.amounts,
                    "documents": reminder_sudo.documents,
                    "subject": subject,
                }
            )
        if not lines:
            raise UserError(
                "\n".join(left_out) or self.env._("There is nothing to pay.")
            )
        wizard = self.create(
            {
                "left_out": "\n".join(left_out),
                "line_ids": [Command.create(values) for values in lines],
            }
        )
        return wizard._show()

    def _show(self):
        """Return the action that shows the dialog."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send reminders"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    @api.model
    def _preview_sudo(self, group, **values):
        """Return the reminder that a client would get, which is not in the database.

        :param list group: see `payment.reminder._find_recipients`.
        """
        head = group[0]
        # sudo: staff writes none; nobody else sees this one
        return self.env["payment.reminder"].sudo().new(
            {
                "kind": "manual",
                "company_id": head.company_id,
                "partner_id": head.partner_id,
                "client_name": head.name,
                "email": head.email,
                "lang": head.lang,
                "line_ids": [
                    Command.create(
                        {
                            "due_key": found.due_key,
                            "due_day": found.due_day,
                            "currency_id": found.currency_id,
                            "amount": found.amount,
                            "name": found.number,
                            ("invoice_id", "booking_id", "request_id")[
                                found.due_key % 4
                            ]: found.due_key // 4,
                        }
                    )
                    for found in group
                ],
                **values,
            }
        )  # fmt: skip

    # === SENDING === #

    def action_send(self):
        """Send what is chosen, and say what was sent and what was not.

        :raise UserError: when nothing is chosen, or it was sent already.
        """
        self.ensure_one()
        self.check_access("write")
        self.env["payment.due"]._check_reminder_user()
        lock_and_touch(self)
        self.invalidate_recordset(["sent_at"])
        if self.sent_at:
            raise UserError(self.env._("These reminders were sent already."))
        chosen = self.line_ids.filtered("is_chosen")
        if not chosen:
            raise UserError(self.env._("Choose at least one client."))
        self.sent_at = fields.Datetime.now()
        reminders_sudo, refused = chosen._make_reminders_sudo()
        reminders_sudo._mail()
        sent_sudo = reminders_sudo.filtered(lambda r: r.state == "sent")
        refused += [
            f"{reminder.client_name}: {reminder.failure}"
            for reminder in reminders_sudo - sent_sudo
        ]
        refused += [
            f"{line.name}: {line.left_out_reason}"
            for line in sent_sudo.line_ids.filtered("is_left_out")
        ]
        return self._show_result(len(sent_sudo), refused)

    def _show_result(self, sent, refused):
        """Return the action that says what was sent."""
        refused = (self.left_out or "").splitlines() + refused
        close = {"type": "ir.actions.act_window_close"}
        if not refused:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "success",
                    "message": self.env._("Sent: %(count)s.", count=sent),
                    "next": close,
                },
            }
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.show_text",
            "params": {
                "title": self.env._(
                    "Sent: %(sent)s. Left out: %(refused)s.",
                    sent=sent,
                    refused=len(refused),
                ),
                "text": "\n\n".join(refused),
                "next": close,
            },
        }
