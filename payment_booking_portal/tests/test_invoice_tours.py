"""Invoices at the desk: collected, reminded of, made from bookings, by plain users."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from .common_browser import BrowserCommon


@tagged("post_install", "-at_install")
class TestInvoiceTours(BrowserCommon):
    """What the reception does, with no other rights than our user's."""

    browser_size = "1366x768"
    touch_enabled = False
    debug = "tests"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        # What an administrator who adds the language gets: menus, filters, methods.
        modules = cls.env["ir.module.module"]
        modules._load_module_terms(["payment_booking_portal"], ["fr_FR"])
        cls.reception = new_test_user(
            cls.env,
            "invoice_reception",
            groups="base.group_user,payment_booking_portal.group_user",
            name="Rosa Reception",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            tz="Europe/Brussels",
        )
        cls.company.email = "studio@example.com"
        cls.today = fields.Date.today()
        cls.olga, cls.paul, cls.nadia, cls.later = (
            cls.env["res.partner"].create({"name": name, "email": email})
            for name, email in (
                ("Olga", "olga@example.com"),
                ("Paul", "paul@example.com"),
                ("Nadia", False),
                ("Later", "later@example.com"),
            )
        )

    def _issue(self, client, amount, days):
        """Return an issued invoice that is due in some days."""
        invoice = self._create_invoice(
            [amount],
            partner_id=client.id,
            invoice_date=self.today - timedelta(days=40),
            invoice_date_due=self.today + timedelta(days=days),
        )
        invoice.action_post()
        return invoice

    def _start(self, name, lang, menu="menu_today"):
        self.reception.lang = lang
        action = self.env.ref(f"payment_booking_portal.{menu}").action
        self.start_tour(
            f"/odoo/action-{action.id}?view_type=list",
            f"payment_booking_portal.{name}_{lang}",
            login=self.reception.login,
        )
        self.env.invalidate_all()

    def _get_mails(self, record):
        return self.env["mail.mail"].search(
            [("model", "=", record._name), ("res_id", "=", record.id)]
        )

    def _assert_no_more_rights(self, invoice):
        """Check that all this was done without any right on invoices."""
        with self.assertRaises(AccessError):
            invoice.with_user(self.reception).read(["name"])

    def _assert_paid_at_desk(self, invoice, amount):
        """Return the transaction of the terminal that paid an invoice."""
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(invoice.amount_residual, 0)
        tx = invoice._get_receipt_transactions()
        self.assertEqual((len(tx), tx.state, tx.amount), (1, "done", amount))
        self.assertEqual(
            tx.payment_method_id,
            self.env.ref("payment_booking_portal.payment_method_terminal"),
        )
        self._assert_no_more_rights(invoice)
        with self.assertRaises(AccessError):
            tx.with_user(self.reception).sudo(False).read(["state"])
        return tx

    def _assert_receipt_sent_again(self, tx):
        mails = self._get_mails(tx)
        self.assertEqual(len(mails), 2, "when it was recorded, and again")
        for mail in mails:
            self.assertIn("olga@example.com", mail.email_to)
        self.authenticate(self.reception.login, self.reception.login)
        self.assertEqual(self.url_open(tx._get_receipt_path()).status_code, 200)

    # === COLLECTING === #

    def _collect(self, lang):
        invoice = self._issue(self.olga, 120.0, -10)
        others = self._issue(self.paul, 80.0, -3) + self._issue(self.later, 50.0, 20)
        self._start("staff_collects_invoice", lang)
        tx = self._assert_paid_at_desk(invoice, 120.0)
        self._assert_receipt_sent_again(tx)
        self.assertEqual(others.mapped("payment_state"), ["not_paid", "not_paid"])
        said = invoice.message_ids.filtered(
            lambda message: "olga@example.com" in message.body
        )
        self.assertEqual(said.author_id, self.reception.partner_id)

    def test_staff_collects_invoice(self):
        self._collect("en_US")

    def test_staff_collects_invoice_in_french(self):
        self._collect("fr_FR")

    # === REMINDING === #

    def _remind(self, lang):
        invoice = self._issue(self.olga, 120.0, -10)
        others = self._issue(self.paul, 80.0, -3) + self._issue(self.nadia, 90.0, -5)
        later = self._issue(self.later, 50.0, 20)
        self._start("staff_reminds", lang)
        reminders = self.env["payment.reminder"].search(
            [("line_ids.invoice_id", "in", (invoice + others + later).ids)]
        )
        self.assertEqual(
            sorted(reminders.mapped("email")), ["olga@example.com", "paul@example.com"]
        )
        self.assertEqual(set(reminders.mapped("state")), {"sent"})
        self.assertEqual(set(reminders.mapped("kind")), {"manual"})
        mail = reminders.filtered(lambda r: r.partner_id == self.olga).mail_id
        self.assertIn("See you soon!", mail.body_html)
        self.assertIn(invoice._get_pay_url(), mail.body_html)
        self.assertIn("olga@example.com", invoice.message_ids[0].body)
        paul, nadia = others
        self.assertEqual(paul.reminder_snooze_until, self.today + timedelta(days=14))
        self.assertFalse((invoice + nadia + later).filtered("reminder_snooze_until"))
        self._assert_no_more_rights(invoice)

    def test_staff_reminds(self):
        self._remind("en_US")

    def test_staff_reminds_in_french(self):
        self._remind("fr_FR")

    # === FROM BOOKINGS === #

    def _invoice_bookings(self, lang):
        bookings = self.env["payment.booking"]
        for number, price in enumerate((60, 45)):
            service = self._create_service(f"Lesson {number}", fee_policy="suggested")
            service.price = price
            bookings += self.book(service, partner=self.olga).sudo(False)
        self._start("staff_invoices_bookings", lang, "menu_bookings")
        invoice = bookings.invoice_id
        self.assertEqual(len(invoice), 1)
        self.assertEqual((invoice.amount_total, invoice.state), (105, "posted"))
        self.assertEqual(invoice.create_uid, self.reception)
        self.assertEqual(bookings.mapped("payment_coverage"), ["paid", "paid"])
        self.assertEqual(bookings.mapped("amount_due"), [0, 0])
        tx = self._assert_paid_at_desk(invoice, 105)
        self._assert_receipt_sent_again(tx)
        reminder = self.env["payment.reminder"].search(
            [("partner_id", "=", self.olga.id)]
        )
        self.assertEqual((len(reminder), reminder.state), (1, "sent"))
        link = self._get_mails(invoice) - reminder.mail_id
        self.assertEqual(len(link), 1, "what Send link of the row sends")
        self.assertIn(invoice._get_pay_url(), link.body_html)
        [path] = self.olga._get_statement_urls(self.company).values()
        self.assertEqual(self.url_open(path).status_code, 200)

    def test_staff_invoices_bookings(self):
        self._invoice_bookings("en_US")

    def test_staff_invoices_bookings_in_french(self):
        self._invoice_bookings("fr_FR")
