import socket
from email import message_from_string
from unittest.mock import patch

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import config, mute_logger

from .common import NOW, BookingCommon
from .fake_smtp import fake_smtp


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMailTest(BookingCommon):
    """A test mail through a real connection, and what is said of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.administrator = cls._create_colleague(
            "administrator", f"{group}manager,base.group_system", name="Ada Minh"
        )
        cls.company.write({"name": "Studio", "email": "studio@example.com"})
        cls.env["ir.mail_server"].search([]).active = False
        cls.step = cls.env.ref("payment_booking_portal.setup_step_mail")

    @classmethod
    def _create_colleague(cls, key, groups, **values):
        return new_test_user(
            cls.env,
            login=f"pbp_mail_{key}",
            groups=groups,
            email=f"{key}@example.com",
            tz="Europe/Brussels",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            **values,
        )

    def _create_server(self, port, **values):
        return self.env["ir.mail_server"].create(
            {
                "name": "Fake",
                "smtp_host": "127.0.0.1",
                "smtp_port": port,
                "smtp_encryption": "none",
                **values,
            }
        )

    def _send(self, user=None):
        """Send a test mail as somebody would, and return the dialog."""
        test = self.env["payment.booking.mail.test"].with_user(user or self.manager)
        test = test.create({})
        MailServer = self.env.registry["ir.mail_server"]
        with patch.object(MailServer, "_disable_send", lambda *_args: False):
            test.action_send()
        self.env.invalidate_all()
        return test

    def _is_done(self, user=None):
        self.env.invalidate_all()
        return self.step.with_user(user or self.manager).is_done

    # === SENT === #

    def test_mail_goes_out_and_its_answer_is_shown(self):
        self.assertFalse(self._is_done())
        with fake_smtp() as server:
            self._create_server(server.server_address[1])
            test = self._send()
        [content] = server.mails
        mail = message_from_string(content)
        self.assertIn("manager@example.com", mail["To"])
        self.assertIn("studio@example.com", mail["From"])
        self.assertIn("Studio", mail["Subject"])
        self.assertTrue(test.is_sent)
        self.assertEqual(test.result, "The mail server took the mail.")
        self.assertEqual(test.answer, "250 2.0.0 Ok: queued as 4F9D195432C")
        self.assertIn("manager@example.com", test.advice)
        self.assertTrue(self._is_done())

    def test_server_of_the_configuration_file(self):
        with fake_smtp() as server:
            options = {
                "smtp_server": "127.0.0.1",
                "smtp_port": server.server_address[1],
                "smtp_ssl": False,
                "smtp_user": False,
            }
            with patch.dict(config.options, options):
                test = self._send()
                self.assertTrue(test.is_sent)
                self.assertTrue(self._is_done())
        self.assertEqual(len(server.mails), 1)

    def test_another_server_must_be_tested_again(self):
        with fake_smtp() as server:
            record = self._create_server(server.server_address[1])
            test = self._send()
        self.assertTrue(self._is_done())
        record.smtp_host = "mail.example.com"
        self.env.invalidate_all()
        self.assertFalse(self._is_done())
        self.assertIn("another one", self.step.with_user(self.manager).hint)
        self.assertFalse(test.is_sent)
        self.assertIn("another one", test.advice)

    def test_each_company_tests_its_own(self):
        other = self._create_other_company()
        self.manager.company_ids += other
        with fake_smtp() as server:
            self._create_server(server.server_address[1])
            self._send()
        step = self.step.with_user(self.manager)
        self.assertTrue(step.is_done)
        self.assertFalse(step.with_company(other).is_done)
        test = self.env["payment.booking.mail.test"].with_user(self.manager)
        self.assertFalse(test.with_company(other).create({}).result)

    # === REFUSED === #

    def _assert_fails(self, result, answer, **values):
        replies = values.pop("replies", {})
        with fake_smtp(**replies) as server, mute_logger("odoo.addons.base"):
            self._create_server(server.server_address[1], **values)
            test = self._send()
        self.assertFalse(server.mails if "END" not in replies else [])
        self.assertFalse(test.is_sent)
        self.assertEqual(self.company.booking_mail_result, result)
        self.assertIn(answer, test.answer)
        self.assertTrue(test.result)
        self.assertTrue(test.advice)
        self.assertFalse(self._is_done())
        return test

    def test_login_is_refused(self):
        test = self._assert_fails(
            "login",
            "535 5.7.8 Bad credentials",
            smtp_user="studio",
            smtp_pass="wrong",
            replies={"AUTH": "535 5.7.8 Bad credentials"},
        )
        self.assertIn("password", test.result)
        self.assertIn("Ada Minh", test.advice, "who can mend it")
        hint = self.step.with_user(self.manager).hint
        self.assertIn("Ada Minh", hint)
        self.assertNotIn("Ada Minh", self.step.with_user(self.administrator).hint)

    def test_sender_is_refused(self):
        self._assert_fails("sender", "553 Not yours", replies={"MAIL": "553 Not yours"})

    def test_recipient_is_refused(self):
        self._assert_fails(
            "recipient", "550 No such user", replies={"RCPT": "550 No such user"}
        )

    def test_content_is_refused(self):
        self._assert_fails("other", "554 Spam", replies={"END": "554 Spam"})

    def test_no_encryption(self):
        self._assert_fails("encryption", "STARTTLS", smtp_encryption="starttls")

    def test_nobody_answers(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and never listens
            self._create_server(taken.getsockname()[1])
            test = self._send()
        self.assertEqual(self.company.booking_mail_result, "unreachable")
        self.assertIn("refused", test.answer)

    def test_no_server_at_all(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # and never listens
            options = {
                "smtp_server": "localhost",
                "smtp_port": taken.getsockname()[1],
                "smtp_ssl": False,
            }
            with patch.dict(config.options, options):
                test = self._send()
        self.assertEqual(test.result, "No mail server is set up yet.")
        self.assertFalse(self._is_done())

    def test_failure_after_success_is_shown(self):
        with fake_smtp() as server:
            record = self._create_server(server.server_address[1])
            self._send()
        self.assertTrue(self._is_done())
        self._send()  # the server is gone
        self.assertFalse(self._is_done())
        self.assertTrue(record.active)

    def test_business_without_address(self):
        self.company.email = False
        with fake_smtp() as server:
            self._create_server(server.server_address[1])
            with patch.dict(config.options, {"email_from": False}):
                self._send()
        self.assertFalse(server.mails)
        self.assertEqual(self.company.booking_mail_result, "sender")

    def test_user_without_address(self):
        self.manager.email = False
        with self.assertRaises(UserError):
            self._send()
        self.assertFalse(self.company.booking_mail_tested_at)

    # === RIGHTS === #

    def test_plain_user_sends_nothing(self):
        test = self.env["payment.booking.mail.test"].create({})
        with self.assertRaises(AccessError):
            test.with_user(self.user).action_send()
        with self.assertRaises(AccessError):
            self.env["payment.booking.mail.test"].with_user(self.user).create({})
        with self.assertRaises(AccessError):
            self.company.with_user(self.user).read(["booking_mail_answer"])

    def test_servers_are_for_administrators(self):
        test = self.env["payment.booking.mail.test"]
        with self.assertRaises(AccessError):
            test.with_user(self.manager).create({}).action_configure()
        action = test.with_user(self.administrator).create({}).action_configure()
        self.assertEqual(action["res_model"], "ir.mail_server")
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).booking_mail_result = "sent"
