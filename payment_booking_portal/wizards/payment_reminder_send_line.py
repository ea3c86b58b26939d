from odoo import api, fields, models


class PaymentReminderSendLine(models.TransientModel):
    """What one client would get."""

    _name = "payment.reminder.send.line"
    _description = "Reminder to Send"
    _rec_name = "client_name"

    wizard_id = fields.Many2one(
        "payment.reminder.send", required=True, ondelete="cascade"
    )
    is_chosen = fields.Boolean(string="Send", default=True)
    due_keys = fields.Json(required=True, readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Client", readonly=True)
    client_name = fields.Char(string="Name", readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    documents = fields.Char(readonly=True)
    amounts = fields.Char(readonly=True)
    last_reminder = fields.Date(compute="_compute_last_reminder")
    subject = fields.Char(required=True)
    body = fields.Html(compute="_compute_body", sanitize=False)

    def _get_rows(self):
        """Return what the client is reminded of, with the rights of the user."""
        Due = self.env["payment.due"].sudo(False)
        keys = [key for line in self for key in line.due_keys or []]
        return Due.search(Due._get_key_domain(keys))

    def _compute_last_reminder(self):
        for line in self:
            days = line._get_rows().mapped("last_reminder")
            line.last_reminder = max(filter(None, days), default=False)

    @api.depends("subject", "wizard_id.note")
    def _compute_body(self):
        for line in self:
            reminders_sudo = line._preview_sudo()
            rows = reminders_sudo.with_context(lang=reminders_sudo.lang)._get_rows()
            mails, broken = reminders_sudo._render(rows)
            line.body = (
                mails[reminders_sudo]["body_html"]
                if mails
                else broken.get(reminders_sudo)
            )

    def _find(self):
        """Return what the client gets: see `payment.reminder._find_recipients`."""
        self.ensure_one()
        groups = self.env["payment.reminder"]._find_recipients(self._get_rows())
        return groups[0] if groups else []

    def _preview_sudo(self):
        """Return the reminder as it would be sent, which is not in the database."""
        group = self._find()
        wizard = self.wizard_id
        if not group:
            return self.env["payment.reminder"].sudo()  # empty
        return wizard._preview_sudo(group, subject=self.subject, note=wizard.note)

    # === ACTIONS === #

    def action_preview(self):
        """Show the mail of the client in place of the dialog."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Preview"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_back(self):
        """Go back to the dialog with all clients."""
        self.ensure_one()
        return self.wizard_id._show()

    # === SENDING === #

    def _make_reminders_sudo(self):
        """Return new reminders, and why others are not made.

        :return: reminders, sudoed, and a list of texts.
        :rtype: tuple
        """
        Reminder = self.env["payment.reminder"].sudo()  # staff writes none but so
        reminders_sudo, refused = Reminder, []
        groups, subjects = [], []
        for line in self:
            group = line._find()
            if group:
                groups.append(group)
                subjects.append(line.subject)
            else:
                reason = self.env._("It is not owed any more.")
                refused.append(f"{line.client_name}: {reason}")
        if groups:
            reminders_sudo = Reminder._insert("manual", groups)
            for reminder, subject in zip(reminders_sudo, subjects, strict=True):
                reminder.write({"subject": subject, "note": self.wizard_id.note})
        return reminders_sudo, refused
