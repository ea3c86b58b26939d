from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentReminderSnooze(models.TransientModel):
    """Staff lets the reminders of something wait."""

    _name = "payment.reminder.snooze"
    _description = "Let Reminders Wait"

    due_keys = fields.Json(required=True, readonly=True)
    names = fields.Char(string="For", readonly=True)
    until = fields.Date(
        string="No Reminder Until",
        default=lambda self: fields.Date.context_today(self) + timedelta(days=14),
        help="Empty: reminders go on.",
    )

    @api.model
    def _open(self, rows):
        """Open the dialog.

        :param payment.due rows: whose reminders wait, with the rights of the user.
        :raise UserError: when there are none.
        """
        if not rows:
            raise UserError(self.env._("There is nothing to pay."))
        names = [
            # sudo: staff may not read all contacts
            f"{row.name} ({row.partner_id.sudo().name})" if row.partner_id else row.name
            for row in rows
        ]
        wizard = self.create({"due_keys": rows.ids, "names": ", ".join(names)})
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Let reminders wait"),
            "res_model": self._name,
            "res_id": wizard.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_snooze(self):
        """Keep the date on the documents."""
        self.ensure_one()
        self.check_access("write")
        Due = self.env["payment.due"]
        Due._check_reminder_user()
        for row in Due.search(Due._get_key_domain(self.due_keys)):
            # sudo: plain users write no invoices; this much they decide
            row._get_document().sudo().reminder_snooze_until = self.until
        return {"type": "ir.actions.act_window_close"}
