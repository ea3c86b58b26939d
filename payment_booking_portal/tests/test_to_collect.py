"""The list of staff over what clients owe: its filters, totals and buttons."""

import ast
import re

from lxml import etree

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestToCollect(BookingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = new_test_user(
            cls.env,
            "collecting",
            groups="payment_booking_portal.group_user",
            company_id=cls.company.id,
        )
        cls.late = cls._invoice(120.0, "2026-02-20")
        cls.soon = cls._invoice(80.0, "2026-03-10")
        cls.disputed = cls._invoice(30.0, "2026-03-12")
        cls.disputed.write(
            {"payment_disputed": True, "payment_disputed_reason": "Not delivered"}
        )
        service = cls._create_service("Massage", fee_policy="on_site")
        cls.booking = cls.env["payment.booking"]._place(
            service, cls._utc("2026-03-05 09:00"), {}, partner=cls.partner
        )
        cls.request = cls.env["payment.request"].create(
            {"partner_id": cls.partner.id, "amount": 50.0, "reason": "Oil"}
        )
        cls.request.action_make_link()
        cls.env.flush_all()
        cls.action = cls.env.ref("payment_booking_portal.payment_due_action")

    @classmethod
    def _invoice(cls, amount, day, **values):
        invoice = cls._create_invoice([amount], invoice_date_due=day, **values)
        invoice.action_post()
        return invoice

    def _rows(self, *filters, user=None):
        """Return the documents that the list shows with some of its filters: any of
        those between two lines of the menu, and all such groups, as Odoo does.
        """
        arch = etree.fromstring(
            self.env.ref("payment_booking_portal.payment_due_view_search").arch
        )
        domain, group = Domain("partner_id", "=", self.partner.id), []
        for node in [*arch, etree.Element("separator")]:
            if node.tag == "filter" and node.get("name") in filters:
                text = node.get("domain").replace("uid", str(self.env.uid))
                group.append(Domain(ast.literal_eval(text)))
            elif node.tag == "separator" and group:
                domain, group = domain & Domain.OR(group), []
        self.env.flush_all()
        rows = self.env["payment.due"].with_user(user or self.user).search(domain)
        return [row.sudo()._get_document() for row in rows]

    def _row(self, document, user=None):
        rows = self.env["payment.due"].with_user(user or self.user)
        return rows._get_rows_of(document)

    def test_what_it_opens_with(self):
        context = ast.literal_eval(self.action.context)
        filters = [name.removeprefix("search_default_") for name in context]
        self.assertEqual(
            self._rows(*filters),
            [self.late, self.booking, self.soon, self.disputed, self.request],
        )

    def test_filters(self):
        paid = self._invoice(10.0, "2026-03-20")
        self._pay(paid)
        underway = self._invoice(11.0, "2026-03-21")
        self._start_payment(underway)._set_pending()
        expected = {
            "overdue": [self.late],
            "pending": [self.booking, self.soon, self.disputed, self.request],
            "processing": [underway],
            "paid": [paid],
            "disputed": [self.disputed],
            "booking": [self.booking],
            "request": [self.request],
            "online": [paid],
            "test": [],
        }
        for name, documents in expected.items():
            with self.subTest(name=name):
                self.assertEqual(self._rows(name), documents)
        self.assertEqual(
            self._rows("invoiced", "to_collect"), [self.late, self.soon, self.disputed]
        )
        # What the list opens with is narrowed.
        self.assertEqual(self._rows("to_collect", "real", "overdue"), [self.late])
        self.assertEqual(
            self._rows("to_collect", "overdue", "pending", "booking"), [self.booking]
        )

    def test_staff_may_make_something_new(self):
        for kind in ("list", "kanban"):
            view = (
                self.env["payment.due"]
                .with_user(self.user)
                .get_view(
                    self.env.ref(f"payment_booking_portal.payment_due_view_{kind}").id,
                    kind,
                )
            )
            self.assertEqual(etree.fromstring(view["arch"]).get("create"), "1")

    def test_test_money_is_left_out(self):
        tx = self._start_payment(self.late)
        tx.is_live = False
        tx._set_pending()
        self.assertNotIn(self.late, self._rows("real"))
        self.assertEqual(self._rows("test"), [self.late])

    def test_currencies_are_not_summed(self):
        euro = self._enable_currency("EUR")
        self._invoice(70.0, "2026-02-01", currency_id=euro.id)
        self.env.flush_all()
        domain = [("partner_id", "=", self.partner.id), ("is_owed", "=", True)]
        Due = self.env["payment.due"].with_user(self.user)
        totals = {total["currency_id"]: total for total in Due.get_totals(domain)}
        dollar = self.company.currency_id
        self.assertEqual(set(totals), {dollar.id, euro.id})
        self.assertIn("340.00", totals[dollar.id]["due"])
        self.assertIn("120.00", totals[dollar.id]["overdue"])
        self.assertIn("70.00", totals[euro.id]["due"])

    def test_currencies_without_and_with_three_decimals(self):
        for code, amounts, part, due, late in (
            ("JPY", (1000.0, 333.0), 400.0, "933", "600"),
            ("KWD", (10.125, 0.005), 0.125, "10.005", "10.000"),
        ):
            with self.subTest(code):
                currency = self._enable_currency(code)
                currency.rate_ids.unlink()
                currency.rate_ids = [Command.create({"name": "2026-01-01", "rate": 2})]
                first, second = (
                    self._invoice(amount, day, currency_id=currency.id)
                    for amount, day in zip(
                        amounts, ("2026-02-20", "2026-03-20"), strict=True
                    )
                )
                self._record(first, part)
                Due = self.env["payment.due"].with_user(self.user)
                domain = [("currency_id", "=", currency.id)]
                [total] = Due.get_totals(domain)
                for words, number in ((total["due"], due), (total["overdue"], late)):
                    self.assertEqual(re.findall(r"\d[\d.,]*", words), [number])
                rows = Due.search(domain)
                self.assertFalse(
                    currency.compare_amounts(rows[0].amount_due, float(late))
                )
                [(found,)] = Due._read_group(domain, [], ["amount_due:sum"])
                self.assertFalse(currency.compare_amounts(found, float(due)))
                self._record(first, float(late))
                self._record(second, amounts[1])
                self.assertEqual(Due.get_totals(domain), [])
                for invoice, amount in zip((first, second), amounts, strict=True):
                    self.assertEqual(invoice.payment_state, "paid")
                    received = sum(invoice.matched_payment_ids.mapped("amount"))
                    self.assertFalse(currency.compare_amounts(received, amount))

    def _record(self, invoice, amount):
        """Note money as plain staff does, from the list."""
        action = self._row(invoice).action_record_payment()
        Wizard = self.env[action["res_model"]].with_user(self.user)
        with Form(Wizard.with_context(**action["context"])) as form:
            form.amount = amount
        form.record.action_record()
        self.env.flush_all()
        self.env.invalidate_all()

    def test_totals_leave_out_test_money_and_held_times(self):
        tx = self._start_payment(self.late)
        tx.is_live = False
        tx._set_error("declined")
        held = self.env["payment.booking"].create(
            {
                "service_id": self.service.id,
                "partner_id": self.partner.id,
                "start": self._utc("2026-03-06 09:00"),
            }
        )
        held._ask_for_payment(self._utc("2026-03-05 09:00"), send=False)
        self.env.flush_all()
        domain = [("partner_id", "=", self.partner.id)]
        Due = self.env["payment.due"].with_user(self.user)
        self.assertIn(held, Due.search(domain).booking_id)
        [total] = Due.get_totals(domain)
        self.assertIn("220.00", total["due"])  # 80, 30, 60 and 50
        self.assertFalse(total["overdue"])

    def test_an_auditor_reads_and_does_nothing(self):
        auditor = new_test_user(
            self.env,
            "auditor",
            groups="base.group_user,account.group_account_readonly",
            company_id=self.company.id,
        )
        self.assertEqual(
            self._rows("to_collect", user=auditor), self._rows("to_collect")
        )
        Due = self.env["payment.due"].with_user(auditor)
        domain = [("partner_id", "=", self.partner.id)]
        totals = Due.get_totals(domain)
        self.assertEqual(
            totals, self.env["payment.due"].with_user(self.user).get_totals(domain)
        )
        self.assertIn("120.00", totals[0]["overdue"])
        for document in (self.late, self.booking, self.request):
            row = self._row(document, auditor)
            for method in (
                "action_record_payment",
                "action_send_link",
                "action_send_reminder",
                "action_snooze_reminders",
            ):
                with self.subTest(document=document, method=method):
                    with self.assertRaises(AccessError):
                        getattr(row, method)()
            with self.assertRaises(AccessError):
                row.write({"name": "x"})
        # What an auditor may read is opened, else the row of the list.
        action = self._row(self.late, auditor).action_open()
        self.assertEqual(action["res_model"], "account.move")
        action = self._row(self.booking, auditor).action_open()
        self.assertEqual(action["res_model"], "payment.due")

    def test_a_portal_user_is_refused(self):
        """Who may read their own rows, on their own page, has no buttons of staff."""
        portal = new_test_user(self.env, "portal_client", groups="base.group_portal")
        self.assertFalse(self._rows(user=portal), "nothing of others")
        portal.partner_id.parent_id = self.partner.commercial_partner_id
        mine = self._invoice(7.0, "2026-02-20", partner_id=portal.partner_id.id)
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        foreign = self._invoice(9.0, "2026-02-20", partner_id=stranger.id)
        self.env.flush_all()
        rows = self._row(mine, portal)
        self.assertEqual(rows.amount_due, 7.0)
        self.assertFalse(self._row(foreign, portal))
        row = self._row(foreign)
        for method in (
            "action_open",
            "action_record_payment",
            "action_send_link",
            "action_send_reminder",
            "action_snooze_reminders",
            "action_view_partner",
        ):
            for one in (rows, row.with_user(portal)):
                with self.subTest(method), self.assertRaises(AccessError):
                    getattr(one, method)()
        for values in ({"amount_due": 0.0}, {"status": "paid"}):
            with self.assertRaises(AccessError):
                rows.write(values)
        with self.assertRaises(AccessError):
            rows.read(["reminder_count"])

    def test_totals_are_for_staff(self):
        for groups in ("base.group_user", "base.group_portal"):
            user = new_test_user(self.env, f"no {groups}", groups=groups)
            with self.assertRaises(AccessError):
                self.env["payment.due"].with_user(user).get_totals([])

    def test_buttons_reach_the_document(self):
        self.partner.email = "client@example.com"
        for document, model in (
            (self.booking, "payment.booking.record"),
            (self.request, "payment.request.record"),
            (self.soon, "payment.invoice.record"),
        ):
            with self.subTest(document=document):
                action = self._row(document).action_record_payment()
                self.assertEqual(action["res_model"], model)
        action = self._row(self.booking).action_send_link()
        self.assertEqual(action["res_model"], "payment.booking.ask")
        action = self._row(self.request).action_send_link()
        self.assertEqual(action["res_model"], "mail.compose.message")
        action = self._row(self.soon).action_send_link()
        self.assertEqual(action["tag"], "display_notification")
        with self.assertRaises(UserError):
            self._row(self.disputed).action_send_link()

    def test_plain_staff_records_money_on_an_invoice(self):
        action = self._row(self.late).action_record_payment()
        Wizard = self.env[action["res_model"]].with_user(self.user)
        with Form(Wizard.with_context(**action["context"])) as form:
            form.amount = 120.0
        form.record.action_record()
        self.assertEqual(self.late.amount_residual, 0.0)
        self.assertNotIn(self.late, self._rows("to_collect"))

    def test_open(self):
        action = self._row(self.booking).action_open()
        self.assertEqual(action["res_model"], "payment.booking")
        row = self._row(self.late)
        action = row.action_open()  # plain users read no invoices
        self.assertEqual((action["res_model"], action["res_id"]), (row._name, row.id))
        with Form(row) as form:
            self.assertEqual(form.amount_due, 120.0)
        billing = new_test_user(
            self.env, "billing", groups="base.group_user,account.group_account_invoice"
        )
        action = self._row(self.late, billing).action_open()
        self.assertEqual(action["res_model"], "account.move")

    def test_another_company(self):
        other = self._create_other_company()
        elsewhere = new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[(6, 0, other.ids)],
        )
        self.assertFalse(self._rows(user=elsewhere))
        row = self._row(self.late)
        with self.assertRaises(AccessError):
            row.with_user(elsewhere).action_send_link()
