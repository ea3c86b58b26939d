from odoo import models


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _get_payment_reminders(self):
        """Return the reminders that the mails are, sudoed, by mail."""
        # sudo: whoever sends the queue may not read them
        reminders_sudo = self.env["payment.reminder"].sudo()
        found = reminders_sudo.search([("mail_id", "in", self.ids)])
        return {self.browse(reminder.mail_id.id): reminder for reminder in found}

    def _send(self, auto_commit=False, *args, post_send_callback=None, **kwargs):
        """Override of `mail` to look again at what a reminder asks for, just before it
        goes out: each is sent alone, after it.
        """
        reminders = self._get_payment_reminders()
        if not reminders or self.env["ir.mail_server"]._disable_send():
            return super()._send(
                auto_commit, *args, post_send_callback=post_send_callback, **kwargs
            )
        others = self - self.browse(mail.id for mail in reminders)
        for mails in [others, *reminders]:
            reminder = reminders.get(mails)
            outdated = (
                reminder
                and mails.state == "outgoing"
                and not reminder._check_before_sending(mails)
            )
            if mails and not outdated:
                super(MailMail, mails)._send(
                    auto_commit, *args, post_send_callback=post_send_callback, **kwargs
                )
            elif auto_commit:
                if post_send_callback:
                    post_send_callback(mails.ids)
                # As the parent does after each mail.
                self.env.cr.commit()  # pylint: disable=invalid-commit
        return True

    def _postprocess_sent_message(
        self, success_pids, success_emails, failure_reason=False, failure_type=None
    ):
        """Override of `mail` to let a reminder know what became of its mail."""
        reminders = self._get_payment_reminders()
        words = {
            "mail_smtp": self.env._("The mail server could not be reached."),
            "mail_email_invalid": self.env._("The e-mail address cannot be right."),
            "mail_email_missing": self.env._("The client has no e-mail address."),
        }
        failed = {}
        for mail, reminder in reminders.items():
            if failure_type:
                failed[reminder] = words.get(failure_type) or self.env._(
                    "The mail server refused it: %(reason)s",
                    reason=failure_reason or mail.failure_reason or failure_type,
                )
            elif reminder.state == "failed":
                reminder.write({"state": "sent", "failure": False})
        self.env["payment.reminder"].sudo()._set_failed(failed)  # as above
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason, failure_type
        )
