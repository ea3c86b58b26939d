"""What the tests of reminders share: days that pass, and the mails that went out."""

from datetime import datetime, timedelta

import pytz

from odoo import api
from odoo.fields import Command
from odoo.tests import freeze_time
from odoo.tools import email_normalize

from .common import BookingCommon


class ReminderCommon(BookingCommon):
    """The studio in Brussels, with its own rules instead of those that come along."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env["res.partner"].search([]).write({"payment_reminder_optout": False})
        cls.company.email = "studio@example.com"
        cls.partner.write(
            {"name": "Anna", "email": "anna@example.com", "lang": "en_US"}
        )
        cls.Rule = cls.env["payment.reminder.rule"]
        cls.Rule.with_context(active_test=False).search([]).unlink()
        cls.Reminder = cls.env["payment.reminder"]
        # Other companies of the database have their own days.
        cls.env["mail.mail"].search([]).unlink()

    # === MAKING === #

    @classmethod
    def _rule(cls, delay=3, moment="after", **values):
        """Return a rule, of what is owed unless said otherwise."""
        return cls.Rule.create(
            {
                "name": f"{delay} {moment}",
                "kind": "due",
                "delay": delay,
                "moment": moment,
                **values,
            }
        )

    @classmethod
    def _invoice(cls, amount=120.0, due="2026-03-10", **values):
        invoice = cls._create_invoice([amount], invoice_date_due=due, **values)
        invoice.action_post()
        return invoice

    @classmethod
    def _client(cls, name, **values):
        return cls.env["res.partner"].create(
            {"name": name, "email": f"{name.lower()}@example.com", **values}
        )

    @classmethod
    def _request(cls, amount=80.0, due="2026-03-10", **values):
        request = cls.env["payment.request"].create(
            {
                "partner_id": cls.partner.id,
                "company_id": cls.company.id,
                "currency_id": cls.company.currency_id.id,
                "amount": amount,
                "reason": "Consulting",
                "due_date": due,
                "expires_at": "2027-01-01 00:00:00",
                **values,
            }
        )
        request.action_make_link()
        return request.sudo()

    def _booking(self, policy="suggested", local="2026-03-05 09:00", partner=None):
        service = self._create_service(f"{policy} {local}", fee_policy=policy)
        return self._place(service, local, partner=partner or self.partner)

    # === RUNNING === #

    def _run(self):
        """Run the job as the server does, in a cursor that it may commit."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.env.ref("base.user_root").id, {})
            env["payment.reminder"]._cron_send_reminders()
        self.env.invalidate_all()

    def _run_at(self, *moments):
        """Run the job at local moments such as `2026-03-13 10:00`."""
        for moment in moments:
            with freeze_time(self._utc(moment)):
                self._run()

    def _run_days(self, first, last, hours=(10,)):
        """Run the job on each day, at these local hours."""
        day, end = (datetime.fromisoformat(text).date() for text in (first, last))
        while day <= end:
            self._run_at(*(f"{day} {hour:02}:00" for hour in hours))
            day += timedelta(days=1)

    # === READING === #

    def _mails(self):
        """Return the mails of reminders in the order in which they were made."""
        return self.Reminder.search([]).mail_id.sorted("id")

    def _reminder_of(self, mail):
        return self.Reminder.search([("mail_id", "=", mail.id)])

    def _sent(self):
        """Return who was written to, when (local) and about what."""
        found = []
        for mail in self._mails():
            reminder = self._reminder_of(mail)
            self.assertEqual(email_normalize(mail.email_to), reminder.email)
            lines = reminder.line_ids.filtered(lambda line: not line.is_left_out)
            local = pytz.utc.localize(reminder.sent_at).astimezone(self.tz)
            found.append(
                (
                    local.strftime("%m-%d %H:%M"),
                    reminder.client_name,
                    sorted(lines.mapped("name")),
                )
            )
        return found

    def _states(self):
        """Return what became of each reminder, and why."""
        reminders = self.Reminder.search([], order="id")
        return [(r.state, r.failure) for r in reminders]

    def _other_company(self):
        company = self._create_other_company()
        company.partner_id.write({"tz": "Europe/Brussels", "lang": "en_US"})
        self.env.user.company_ids = [Command.link(company.id)]
        return company
