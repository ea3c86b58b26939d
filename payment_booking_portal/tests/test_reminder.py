"""A reminder on its way: looked at again, written once, and what staff sees of it."""

from unittest.mock import patch

from odoo import api
from odoo.exceptions import AccessError, UserError
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from ..models import payment_reminder
from .common import NOW
from .reminder_common import ReminderCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReminder(ReminderCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._rule(3, "after")

    def _queue(self):
        """Queue what is due on the morning of the 13th, and make no mail."""
        self.env.flush_all()
        with freeze_time(self._utc("2026-03-13 10:00")):
            with self.enter_registry_test_mode(), self.registry.cursor() as cr:
                env = api.Environment(cr, self.env.ref("base.user_root").id, {})
                env["payment.reminder"]._queue()
        self.env.invalidate_all()
        return self.Reminder.search([("state", "=", "queued")])

    def _mail_now(self):
        self._run_at("2026-03-13 11:00")

    # === LOOKED AT AGAIN === #

    def test_paid_between_queue_and_mail(self):
        one, two = self._invoice(120.0), self._invoice(80.0)
        [reminder] = self._queue()
        self.assertEqual(reminder.line_ids.invoice_id, one + two)
        self._pay(one)
        self._mail_now()
        [mail] = self._mails()
        self.assertNotIn(one.name, mail.body_html)
        self.assertIn(two.name, mail.body_html)
        self.assertEqual(reminder._get_lines().invoice_id, two)

    def test_all_paid_between_queue_and_mail(self):
        invoice = self._invoice(120.0)
        [reminder] = self._queue()
        self._pay(invoice)
        self._mail_now()
        self.assertFalse(self._mails())
        self.assertEqual(reminder.state, "cancelled")
        self.assertTrue(reminder.failure)

    def test_a_part_that_was_paid_is_not_asked_for(self):
        invoice = self._invoice(120.0)
        self._queue()
        invoice._record_payment(
            20.0, self.env["payment.provider"]._get_venue_methods()[0]
        )
        self._mail_now()
        [mail] = self._mails()
        self.assertIn("100.00", mail.body_html)

    def _send_mails(self):
        """Send the queue of mails, and return what the mail server got."""
        sent = []

        def send_email(_server, message, *_args, **_kwargs):
            sent.append(message)
            return message["Message-Id"]

        with (
            patch.object(IrMail_Server, "_disable_send", lambda _server: False),
            patch.object(IrMail_Server, "_connect__", lambda *_a, **_kw: None),
            patch.object(IrMail_Server, "send_email", send_email),
        ):
            self._mails().filtered(lambda mail: mail.state == "outgoing").send()
        self.env.invalidate_all()
        return sent

    def test_paid_while_the_mail_waits_for_its_server(self):
        invoice = self._invoice(120.0)
        self._queue()
        self._mail_now()
        [mail] = self._mails()
        reminder = self._reminder_of(mail)
        self.assertEqual(reminder.state, "sent")
        self._pay(invoice)
        with freeze_time(self._utc("2026-03-13 11:05")):
            self.assertFalse(self._send_mails())
        self.assertEqual((mail.state, reminder.state), ("cancel", "cancelled"))
        self.assertIn("was not sent", mail.mail_message_id.body)
        self.assertIn(mail.mail_message_id, invoice.message_ids)

    def test_a_part_paid_while_the_mail_waits(self):
        one, two = self._invoice(120.0), self._invoice(80.0)
        self._queue()
        self._mail_now()
        self._pay(one)
        with freeze_time(self._utc("2026-03-13 11:05")):
            [message] = self._send_mails()
        text = message.get_body(("html",)).get_content()
        self.assertIn(two.name, text)
        self.assertNotIn(one.name, text)

    def test_what_is_still_due_goes_out_once(self):
        self._invoice(120.0)
        self._run_at("2026-03-13 10:00", "2026-03-13 11:00", "2026-03-14 10:00")
        [mail] = self._mails()
        with freeze_time(self._utc("2026-03-13 11:05")):
            [message] = self._send_mails()
            self.assertIn("anna@example.com", message["To"])
            self.assertFalse(self._send_mails())
        self.assertFalse(mail.exists() and mail.state == "outgoing")

    # === WHAT IT SAYS === #

    def test_one_mail_for_all_with_currencies_apart(self):
        euro = self._enable_currency("EUR")
        one = self._invoice(120.0)
        two = self._invoice(80.0, currency_id=euro.id)
        request = self._request(30.0)
        self._run_at("2026-03-13 10:00")
        [mail] = self._mails()
        for words in (one.name, two.name, request.name, "150.00", "80.00"):
            self.assertIn(words, mail.body_html)
        self.assertNotIn("230.00", mail.body_html)
        path = self.partner._get_statement_urls(self.company)[self.partner.id]
        self.assertIn(path, mail.body_html)

    def test_a_single_one_leads_to_its_pay_page(self):
        invoice = self._invoice(120.0)
        self._run_at("2026-03-13 10:00")
        [mail] = self._mails()
        self.assertIn(invoice._get_pay_url(), mail.body_html)
        self.assertIn("anna@example.com", mail.email_to)
        self.assertIn(invoice.name, mail.subject)

    def test_languages_are_apart(self):
        french = self._client("Chloé", lang="fr_FR")
        self._invoice(120.0)
        self._invoice(80.0, partner_id=french.id)
        self._run_at("2026-03-13 10:00")
        by_name = {self._reminder_of(mail).client_name: mail for mail in self._mails()}
        self.assertIn('lang="fr', by_name["Chloé"].body_html)
        self.assertIn("80,00", by_name["Chloé"].body_html)
        self.assertIn("120.00", by_name["Anna"].body_html)

    def test_what_cannot_be_paid_online_has_no_link(self):
        self._invoice(120.0)
        self.env["ir.config_parameter"].sudo().set_param(
            "account_payment.enable_portal_payment", "False"
        )
        self._run_at("2026-03-13 10:00")
        [mail] = self._mails()
        self.assertIn("120.00", mail.body_html)
        self.assertNotIn("/pay/", mail.body_html)

    def test_due_today_is_not_late(self):
        self._rule(0, "on")
        self._invoice(120.0, due="2026-03-12")
        self._run_at("2026-03-12 10:00", "2026-03-16 10:00")
        on_time, late = self._mails()
        self.assertIn("is due on", on_time.subject)
        self.assertNotIn("was due", on_time.subject + on_time.body_html)
        self.assertIn("was due on", late.subject)

    def test_history(self):
        invoice = self._invoice(120.0)
        self._run_at("2026-03-13 10:00")
        note = invoice.message_ids.filtered(lambda m: "Reminded of" in (m.body or ""))
        self.assertEqual(len(note), 1)
        self.assertIn("anna@example.com", note.body)
        self.assertTrue(note.is_internal, "clients see no notes")
        self.assertEqual(self.partner.payment_reminder_count, 1)
        mail = self._mails()
        self.assertEqual(mail.mail_message_id, note)
        mail.unlink()  # as after it was sent
        self.assertTrue(note.exists())
        self.assertEqual(invoice.payment_reminder_count, 1)
        self.assertEqual(str(invoice.last_payment_reminder), "2026-03-13")
        [row] = self.env["payment.due"]._get_rows_of(invoice)
        self.assertEqual(
            (row.reminder_count, str(row.last_reminder)), (1, "2026-03-13")
        )

    # === WHAT GOES WRONG === #

    def test_bad_address_stops_nobody_else(self):
        bad = self._client("Bad", email="nobody at all")
        none = self._client("None", email=False)
        for partner in (bad, none, self.partner):
            self._invoice(50.0, partner_id=partner.id)
        self._run_at("2026-03-13 10:00")
        self.assertEqual(len(self._mails()), 1)
        failed = self.Reminder.search([("state", "=", "failed")])
        self.assertEqual(set(failed.mapped("client_name")), {"Bad", "None"})
        self.assertTrue(all(failed.mapped("failure")))
        self.assertEqual(len(failed.activity_ids), 1, "one for all of them")
        self._run_at("2026-03-14 10:00")
        self.assertEqual(len(failed.activity_ids), 1)
        self.assertEqual(len(self._mails()), 1)

    def test_one_activity_until_it_is_done(self):
        for name, due in (("Bad", "2026-03-10"), ("Worse", "2026-03-11")):
            partner = self._client(name, email="nobody at all")
            self._invoice(50.0, due=due, partner_id=partner.id)
        self._run_at("2026-03-13 10:00", "2026-03-14 10:00")
        failed = self.Reminder.search([("state", "=", "failed")])
        self.assertEqual(len(failed), 2)
        self.assertEqual(len(failed.activity_ids), 1)

    def test_broken_template_is_seen(self):
        broken = self.env.ref(
            "payment_booking_portal.mail_template_payment_reminder"
        ).copy({"body_html": "<p t-out='object.no_such_field'/>"})
        self.Rule.search([]).mail_template_id = broken
        self._invoice(120.0)
        other = self._client("Other")
        self._invoice(80.0, partner_id=other.id)
        self._run_at("2026-03-13 10:00")
        self.assertFalse(self._mails())
        failed = self.Reminder.search([("state", "=", "failed")])
        self.assertEqual(len(failed), 2)
        self.assertIn("no_such_field", failed[0].failure)
        broken.body_html = "<p>Please pay <t t-out='object.amounts'/></p>"
        with freeze_time(self._utc("2026-03-13 12:00")):
            failed.action_retry()
        self.assertEqual(set(failed.mapped("state")), {"sent"})
        self.assertEqual(len(self._mails()), 2)

    def test_one_bad_client_of_a_batch(self):
        original = payment_reminder.PaymentReminder._render_template

        def render(reminders, template, rows):
            if "Bad" in reminders.mapped("client_name"):
                raise ValueError("no such word")
            return original(reminders, template, rows)

        bad = self._client("Bad")
        self._invoice(50.0, partner_id=bad.id)
        self._invoice(50.0)
        with patch.object(payment_reminder.PaymentReminder, "_render_template", render):
            self._run_at("2026-03-13 10:00")
        self.assertEqual([name for _at, name, _docs in self._sent()], ["Anna"])
        failed = self.Reminder.search([("state", "=", "failed")])
        self.assertIn("no such word", failed.failure)

    def test_mail_server_refuses(self):
        invoice = self._invoice(120.0)
        self._run_at("2026-03-13 10:00")
        [mail] = self._mails()
        reminder = self._reminder_of(mail)

        def refuse(*_args, **_kwargs):
            raise ConnectionRefusedError("nobody there")

        with (
            patch.object(IrMail_Server, "_disable_send", lambda _server: False),
            patch.object(IrMail_Server, "_connect__", refuse),
            freeze_time(self._utc("2026-03-13 10:05")),
            mute_logger("odoo.addons.mail.models.mail_mail"),
        ):
            mail.send()
        self.assertEqual(reminder.state, "failed")
        self.assertTrue(reminder.failure)
        self.assertTrue(invoice.exists())

    def test_what_was_sent_is_neither_retried_nor_cancelled(self):
        self._invoice(120.0)
        self._run_at("2026-03-13 10:00")
        [reminder] = self.Reminder.search([])
        with freeze_time(self._utc("2026-03-13 12:00")):
            reminder.action_retry()
            self.assertEqual(self.env["mail.mail"].search_count([]), 1)
            reminder.action_cancel()
        self.assertEqual(self._states(), [("sent", False)])

    # === AS MANY AS THERE ARE === #

    def _count_queries(self, number):
        for index in range(number):
            partner = self._client(f"Many {number} {index}", lang="en_US")
            self._invoice(10.0, partner_id=partner.id)
        self.env.flush_all()
        with freeze_time(self._utc("2026-03-13 10:00")):
            groups = self.Reminder._group(self.Reminder._get_candidates("due"))
            self.assertEqual(len(groups), number)
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            reminders = self.Reminder._insert("due", groups)
            reminders._mail()
            self.env.flush_all()
            count = self.env.cr.sql_log_count - before
        self.assertEqual(set(reminders.mapped("state")), {"sent"})
        return count

    def test_queries_do_not_grow(self):
        self._count_queries(1)  # fills caches
        few = self._count_queries(3)
        many = self._count_queries(40)
        self.assertLessEqual(many, few + 10, f"{few} for 3, {many} for 40")


@tagged("post_install", "-at_install")
@freeze_time("2026-03-13 09:00:00")
class TestReminderSend(ReminderCommon):
    """Staff reminds by hand."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env,
            "reminding",
            groups="payment_booking_portal.group_user",
            company_id=cls.company.id,
        )

    def _open(self, records, user=None):
        records = records.with_user(user or self.user)
        action = records.action_send_reminder()
        wizard = self.env[action["res_model"]].with_user(user or self.user)
        return wizard.browse(action["res_id"])

    def test_preview_and_send(self):
        invoice = self._invoice(120.0)
        wizard = self._open(self.env["payment.due"]._get_rows_of(invoice))
        self.assertTrue(wizard.is_single)
        self.assertIn(invoice.name, wizard.body)
        wizard.subject = "Dear Anna"
        wizard.note = "As we said on the phone."
        self.assertIn("As we said on the phone.", wizard.body)
        wizard.action_send()
        [mail] = self._mails()
        self.assertEqual(mail.subject, "Dear Anna")
        self.assertIn("As we said on the phone.", mail.body_html)
        self.assertEqual(self._reminder_of(mail).kind, "manual")
        with self.assertRaises(UserError):
            wizard.action_send()
        self.assertEqual(len(self._mails()), 1)

    def test_button_pressed_twice_at_once(self):
        """The dialog is locked and touched: the second click fails, and is replayed."""
        invoice = self._invoice(120.0)
        wizard = self._open(self.env["payment.due"]._get_rows_of(invoice))
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_reminder_send SET write_date = '2020-01-01' WHERE id = %s",
            [wizard.id],
        )
        locked = []
        path = "odoo.addons.payment_booking_portal.wizards.payment_reminder_send"
        with patch(f"{path}.lock_and_touch", side_effect=locked.append):
            wizard.action_send()
        self.assertEqual(locked, [wizard])

    def test_many_with_who_is_left_out(self):
        one = self._invoice(120.0)
        other = self._client("Zoe")
        two = self._invoice(80.0, partner_id=other.id)
        paid = self._invoice(10.0)
        self._pay(paid)
        disputed = self._invoice(20.0)
        disputed.write({"payment_disputed": True, "payment_disputed_reason": "Broken"})
        silent = self._client("Silent", payment_reminder_optout=True)
        opted = self._invoice(30.0, partner_id=silent.id)
        nowhere = self._client("Nowhere", email=False)
        lost = self._invoice(40.0, partner_id=nowhere.id)
        snoozed = self._invoice(50.0)
        snoozed.reminder_snooze_until = "2026-04-01"
        all_of_them = one + two + paid + disputed + opted + lost + snoozed
        rows = self.env["payment.due"]._get_rows_of(all_of_them)
        wizard = self._open(rows)
        self.assertEqual(set(wizard.line_ids.mapped("client_name")), {"Anna", "Zoe"})
        for document in (paid, disputed, opted, snoozed):
            self.assertIn(document.name, wizard.left_out)
        self.assertIn("Nowhere", wizard.left_out)
        wizard.line_ids.filtered(lambda line: line.client_name == "Zoe").is_chosen = 0
        answer = wizard.action_send()
        self.assertEqual([name for _at, name, _docs in self._sent()], ["Anna"])
        self.assertEqual(answer["tag"], "payment_booking_portal.show_text")
        self.assertIn("1", answer["params"]["title"])

    def test_nothing_left_says_why(self):
        invoice = self._invoice(120.0)
        self._pay(invoice)
        with self.assertRaises(UserError) as caught:
            self._open(self.env["payment.due"]._get_rows_of(invoice))
        self.assertIn(invoice.name, str(caught.exception))

    def test_paid_while_the_dialog_is_open(self):
        invoice = self._invoice(120.0)
        wizard = self._open(self.env["payment.due"]._get_rows_of(invoice))
        self._pay(invoice)
        wizard.action_send()
        self.assertFalse(self._mails())

    def test_from_each_document(self):
        self._pay(self._invoice(1.0))
        booking = self._booking("on_site", "2026-03-20 09:00")
        request = self._request()
        for document in (booking, request):
            wizard = self._open(document.sudo(False))
            self.assertIn(document.name, wizard.line_ids.documents)
        wizard = self._open(self.partner)
        self.assertIn(booking.name, wizard.line_ids.documents)
        self.assertIn(request.name, wizard.line_ids.documents)

    def test_snooze(self):
        invoice = self._invoice(120.0)
        rows = self.env["payment.due"].with_user(self.user)._get_rows_of(invoice)
        action = rows.action_snooze_reminders()
        wizard = self.env[action["res_model"]].with_user(self.user)
        wizard = wizard.browse(action["res_id"])
        wizard.until = "2026-04-01"
        wizard.action_snooze()
        self.assertEqual(str(invoice.reminder_snooze_until), "2026-04-01")

    def test_rights(self):
        invoice = self._invoice(120.0)
        rows = self.env["payment.due"]._get_rows_of(invoice)
        for groups in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, f"no {groups}", groups=groups)
            with self.assertRaises(AccessError):
                rows.with_user(user).action_send_reminder()
        other = self._create_other_company()
        elsewhere = new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        with self.assertRaises(AccessError):
            rows.with_user(elsewhere).action_send_reminder()
        self._open(rows).action_send()
        reminder = self.Reminder.search([])
        self.assertTrue(reminder.with_user(self.user).has_access("read"))
        self.assertFalse(reminder.with_user(self.user).has_access("write"))
        self.assertFalse(self.Reminder.with_user(elsewhere).search([]))
