import logging

import psycopg2

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def _get_payment_reminders(self):
        """Return the reminders that the mails are, sudoed, by mail."""
        # sudo: whoever sends the queue may not read them
        reminders_sudo = self.env["payment.reminder"].sudo()
        found = reminders_sudo.search([("mail_id", "in", self.ids)])
        return {self.browse(reminder.mail_id.id): reminder for reminder in found}

    def _note_mailed(self, reminders, kind):
        """Keep in the timelines that mails to clients went out, or did not.

        :param dict reminders: see `_get_payment_reminders`.
        :param str kind: a key of `const.EVENT_KINDS`.
        """
        for mail_sudo in self.sudo():  # whoever sends the queue may not read them
            reminder_sudo = reminders.get(self.browse(mail_sudo.id))
            documents = mail_sudo._get_client_documents(reminder_sudo)
            try:
                with self.env.cr.savepoint():
                    for document in documents:
                        document._note_event(kind, text=mail_sudo.subject)
            except psycopg2.Error as error:
                # The mail is out: what is not noted must not send it again.
                _logger.info("mail %s not noted: %s", mail_sudo.id, error)

    def _get_client_documents(self, reminder_sudo):
        """Return the documents with a timeline whose client a mail is for, in a list.

        :param payment.reminder reminder_sudo: that the mail is, if any.
        """
        self.ensure_one()
        if reminder_sudo:
            return [line._get_document() for line in reminder_sudo._get_lines()]
        if self.model == "payment.transaction":  # its receipt
            tx_sudo = self.env[self.model].browse(self.res_id).exists()
            return tx_sudo._get_paid_documents() if tx_sudo else []
        if self.model not in ("payment.booking", "payment.request"):
            return []
        document = self.env[self.model].browse(self.res_id).exists()
        if self.is_notification and document.partner_id not in self.recipient_ids:
            return []  # to staff
        return [*document]

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
        if success_pids or success_emails:
            self._note_mailed(reminders, "mailed")
        elif failure_type:
            self._note_mailed(reminders, "mail_failed")
        return super()._postprocess_sent_message(
            success_pids, success_emails, failure_reason, failure_type
        )
