"""Which rules ask for what, and when: a clock that goes through a month."""

import psycopg2

from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import Form, TransactionCase, freeze_time, tagged
from odoo.tools import mute_logger

from .common import NOW
from .reminder_common import ReminderCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReminderRule(ReminderCommon):
    # === A MONTH === #

    def test_march_hour_by_hour(self):
        """The whole month, with the change of clocks on March 29, to the mail."""
        self._rule(3, "before")
        self._rule(0, "on")
        self._rule(3)
        self._rule(10)
        bert = self._client("Bert", lang="fr_FR")
        first = self._invoice(due="2026-03-10")
        second = self._invoice(due="2026-03-20", partner_id=bert.id)
        # The third day after is Sunday, March 29.
        third = self._invoice(due="2026-03-26", partner_id=bert.id)
        request = self._request(due="2026-03-10")
        self._run_days("2026-03-02", "2026-03-31", hours=range(0, 24, 3))
        both = sorted([first.name, request.name])
        self.assertEqual(
            self._sent(),
            [
                ("03-07 09:00", "Anna", both),
                ("03-10 09:00", "Anna", both),
                ("03-13 09:00", "Anna", both),
                ("03-17 09:00", "Bert", [second.name]),
                ("03-20 09:00", "Anna", both),
                ("03-20 09:00", "Bert", [second.name]),
                ("03-23 09:00", "Bert", sorted([second.name, third.name])),
                ("03-26 09:00", "Bert", [third.name]),
                ("03-30 09:00", "Bert", sorted([second.name, third.name])),
            ],
        )
        # Summer time: the same hour on the wall.
        last = self.Reminder.search([], order="id desc", limit=1)
        self.assertEqual(str(last.sent_at), "2026-03-30 07:00:00")

    def test_latest_rule_only_and_earlier_ones_never_follow(self):
        invoice = self._invoice(due="2026-03-02")
        self._rule(1)
        self._rule(3)
        self._rule(5)
        self._run_at("2026-03-07 10:00")  # the server was off until now
        self.assertEqual(self._sent(), [("03-07 10:00", "Anna", [invoice.name])])
        line = self.Reminder.search([]).line_ids
        self.assertEqual((line.rule_id.delay, str(line.due_day)), (5, "2026-03-02"))
        self._run_days("2026-03-08", "2026-03-20")
        self.assertEqual(len(self._mails()), 1)

    def test_caught_up_for_a_week_and_no_longer(self):
        self._rule(3)
        self._invoice(due="2026-03-01")
        late = self._invoice(due="2026-03-02")
        self._run_at("2026-03-11 10:00")
        # March 4 is seven days ago, March 5 six.
        self.assertEqual(self._sent(), [("03-11 10:00", "Anna", [late.name])])
        self.assertEqual(self._states(), [("sent", False)], "nor is one queued")
        self.assertEqual(self.Reminder.search([]).line_ids.name, late.name)

    def test_old_debts_are_left_alone(self):
        self._rule(3)
        self._invoice(due="2025-03-02")
        self._run_days("2026-03-02", "2026-03-12")
        self.assertFalse(self.Reminder.search([]))

    # === LIMITS === #

    def test_quiet_hours_and_sundays(self):
        self._rule(0, "on")
        invoice = self._invoice(due="2026-03-08")  # a Sunday
        self._run_at("2026-03-08 10:00", "2026-03-08 15:00", "2026-03-09 08:59")
        self.assertFalse(self._mails())
        self._run_at("2026-03-09 09:00")
        self.assertEqual(self._sent(), [("03-09 09:00", "Anna", [invoice.name])])
        self.company.booking_reminder_sunday = True
        other = self._invoice(due="2026-03-15")
        self._run_at("2026-03-15 18:00", "2026-03-15 17:59")
        self.assertEqual(self._sent()[1:], [("03-15 17:59", "Anna", [other.name])])

    def test_queued_in_the_day_and_left_until_night_waits_for_the_morning(self):
        self._rule(3)
        self._invoice(due="2026-03-02")
        with freeze_time(self._utc("2026-03-05 17:59")):
            self.Reminder.with_user(self.env.ref("base.user_root"))
            groups = self.Reminder._group(self.Reminder._get_candidates("due"))
            self.Reminder._insert("due", groups)
        self._run_at("2026-03-05 18:30", "2026-03-06 03:00")
        self.assertEqual(self._states(), [("queued", False)])
        self._run_at("2026-03-06 09:00")
        self.assertEqual(self._states(), [("sent", False)])

    def test_days_between_two_mails(self):
        self.company.booking_reminder_gap = 4
        self._rule(1)
        first = self._invoice(due="2026-03-02")
        second = self._invoice(due="2026-03-04")
        self._run_days("2026-03-03", "2026-03-12")
        self.assertEqual(
            self._sent(),
            [
                ("03-03 10:00", "Anna", [first.name]),
                # March 5 is too soon.
                ("03-07 10:00", "Anna", [second.name]),
            ],
        )

    def test_most_reminders_of_a_document(self):
        self.company.booking_reminder_max = 2
        for delay in (1, 4, 7, 10):
            self._rule(delay)
        invoice = self._invoice(due="2026-03-02")
        self._run_days("2026-03-02", "2026-03-20")
        self.assertEqual(
            [when for when, *_rest in self._sent()], ["03-03 10:00", "03-06 10:00"]
        )
        self.assertFalse(self._row(invoice).next_reminder)
        self.company.booking_reminder_max = 9
        self.Rule.search([("delay", "=", 10)]).most = 2
        self._rule(20, most=3)
        self._run_days("2026-03-21", "2026-03-23")
        self.assertEqual(len(self._mails()), 3)

    def test_what_was_left_out_does_not_count_as_reminded(self):
        self.company.write({"booking_reminder_max": 1, "booking_reminder_gap": 0})
        self._rule(1)
        one, two = self._invoice(due="2026-03-02"), self._invoice(due="2026-03-02")
        self.env.flush_all()
        with freeze_time(self._utc("2026-03-03 09:30")):
            groups = self.Reminder._group(self.Reminder._get_candidates("due"))
            self.Reminder._insert("due", groups)
        one.write({"payment_disputed": True, "payment_disputed_reason": "Wrong"})
        self._run_at("2026-03-03 10:00")
        self.assertEqual(self._sent(), [("03-03 10:00", "Anna", [two.name])])
        one.payment_disputed = False
        self._rule(4)
        self._run_at("2026-03-06 10:00")
        self.assertEqual(self._sent()[1:], [("03-06 10:00", "Anna", [one.name])])

    def test_minimum_amount(self):
        """In the company's currency; without a rate nothing can be compared."""
        self._rule(1, amount_min=100.0)
        euro = self._enable_currency("EUR")
        pound = self._enable_currency("GBP")
        (euro + pound).rate_ids.unlink()
        self.env["res.currency.rate"].create(
            {
                "currency_id": euro.id,
                "name": "2026-01-01",
                "rate": 0.5,  # one euro is two dollars
                "company_id": self.company.id,
            }
        )
        enough = self._invoice(100.0, due="2026-03-02")
        self._invoice(99.99, due="2026-03-02")
        in_euro = self._invoice(50.0, due="2026-03-02", currency_id=euro.id)
        self._invoice(49.99, due="2026-03-02", currency_id=euro.id)
        unknown = self._invoice(1.0, due="2026-03-02", currency_id=pound.id)
        self._run_at("2026-03-03 10:00")
        [(_when, _who, names)] = self._sent()
        self.assertEqual(names, sorted([enough.name, in_euro.name, unknown.name]))

    def test_kinds_of_documents(self):
        self._rule(1, for_invoices=False, for_bookings=False)
        self._invoice(due="2026-03-10")
        self._booking(local="2026-03-10 09:00")
        request = self._request()
        self._run_at("2026-03-11 10:00")
        self.assertEqual(self._sent(), [("03-11 10:00", "Anna", [request.name])])

    def test_rule_that_is_switched_off(self):
        self._rule(1).active = False
        self._invoice(due="2026-03-02")
        self._run_at("2026-03-03 10:00")
        self.assertFalse(self.Reminder.search([]))

    # === STOPS === #

    def _row(self, document):
        self.env.flush_all()
        self.env.invalidate_all()
        return self.env["payment.due"]._get_rows_of(document)

    def test_every_stop(self):
        self._rule(1)
        names = ("paid", "processing", "disputed", "snoozed", "test", "credited")
        invoices = {n: self._invoice(due="2026-03-02") for n in names}
        self._pay(invoices["paid"])
        self._start_payment(invoices["processing"])._set_pending()
        invoices["disputed"].write(
            {"payment_disputed": True, "payment_disputed_reason": "Wrong"}
        )
        invoices["snoozed"].reminder_snooze_until = "2026-03-05"
        self.provider.state = "test"
        self._start_payment(invoices["test"])._set_canceled()
        self.provider.state = "enabled"
        invoices["credited"]._reverse_moves(cancel=True)
        credit = self._create_invoice([30.0], move_type="out_refund")
        credit.action_post()
        self._run_at("2026-03-03 10:00")
        self.assertEqual(self._sent(), [])
        self._run_at("2026-03-04 10:00", "2026-03-05 10:00")
        self.assertEqual(
            self._sent(), [("03-05 10:00", "Anna", [invoices["snoozed"].name])]
        )

    def test_opted_out(self):
        self._rule(1)
        company = self._client("Firm", is_company=True)
        colleague = self._client("Colleague", parent_id=company.id)
        self._invoice(due="2026-03-02", partner_id=colleague.id)
        invoice = self._invoice(due="2026-03-02")
        company.payment_reminder_optout = True
        self._run_at("2026-03-03 10:00")
        self.assertEqual(self._sent(), [("03-03 10:00", "Anna", [invoice.name])])
        self.assertFalse(self._row(invoice).next_reminder)
        self._rule(9)
        self.assertEqual(str(self._row(invoice).next_reminder), "2026-03-11")
        self.partner.payment_reminder_optout = True
        self.assertFalse(self._row(invoice).next_reminder)

    def test_postponed_due_day_is_a_new_one(self):
        """An instalment, or a date agreed anew: its rules begin again."""
        self._rule(1)
        invoice = self._invoice(due="2026-03-02")
        self._run_at("2026-03-03 10:00", "2026-03-04 10:00")
        self.assertEqual(len(self._mails()), 1)
        invoice.invoice_date_due = "2026-03-20"
        self._run_days("2026-03-18", "2026-03-23")
        self.assertEqual(
            [when for when, *_rest in self._sent()], ["03-03 10:00", "03-21 10:00"]
        )

    def test_instalments(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (0, 14)
                ],
            }
        )
        self._rule(1)
        invoice = self._create_invoice([100.0], invoice_payment_term_id=term.id)
        invoice.action_post()
        self._run_at("2026-03-02 10:00")
        part = self._start_payment(invoice, amount=50.0)
        part.allocation_ids.amount = part.amount = 50.0
        part._set_done()
        part._post_process()
        self._run_days("2026-03-03", "2026-03-20")
        self.assertEqual(
            [when for when, *_rest in self._sent()], ["03-02 10:00", "03-16 10:00"]
        )
        amounts = self.Reminder.search([], order="id").line_ids.mapped("amount")
        self.assertEqual(amounts, [100.0, 50.0])

    # === CLIENTS === #

    def test_contacts_of_a_company(self):
        """Each is written to; who has no address, at the company's."""
        self._rule(1)
        firm = self._client("Firm", is_company=True)
        clara = self._client("Clara", parent_id=firm.id)
        dirk = self._client("Dirk", parent_id=firm.id, email=False)
        of_firm, of_clara, of_dirk = (
            self._invoice(due="2026-03-02", partner_id=partner.id)
            for partner in (firm, clara, dirk)
        )
        self._run_at("2026-03-03 10:00")
        self.assertEqual(
            self._sent(),
            [
                ("03-03 10:00", "Firm", sorted([of_firm.name, of_dirk.name])),
                ("03-03 10:00", "Clara", [of_clara.name]),
            ],
        )

    def test_guest_of_a_request_without_a_contact(self):
        self._rule(1)
        request = self._request(
            partner_id=False, guest_name="Gil", guest_email="gil@example.com"
        )
        self.assertFalse(request.partner_id)
        self._run_at("2026-03-11 10:00")
        self.assertEqual(self._sent(), [("03-11 10:00", "Gil", [request.name])])

    def test_two_companies(self):
        """A mail for each, at their own hours, by their own rules and shared ones."""
        other = self._other_company()
        other.booking_reminder_from = 11.0
        shared = self._rule(1)
        self._rule(2, company_id=other.id)
        mine = self._invoice(due="2026-03-02")
        theirs = (
            self.env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.partner.id,
                    "invoice_date": "2026-03-01",
                    "invoice_date_due": "2026-03-02",
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "x", "price_unit": 9.0, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        theirs.action_post()
        self._run_days("2026-03-03", "2026-03-06", hours=(10, 12))
        self.assertEqual(
            [(when, names) for when, _who, names in self._sent()],
            [("03-03 10:00", [mine.name]), ("03-03 12:00", [theirs.name]),
             ("03-05 12:00", [theirs.name])],
        )  # fmt: skip
        self.assertEqual(self._mails()[:1].email_from, self.company.email_formatted)
        companies = self.Reminder.search([], order="id").company_id
        self.assertEqual(companies, self.company + other)
        self.assertFalse(shared.company_id)

    # === BOOKINGS === #

    def test_on_site_booking_only_once_it_is_late(self):
        self._rule(2, "before")
        self._rule(0, "on")
        self._rule(1)
        booking = self._booking("on_site", "2026-03-10 09:00")
        self._run_days("2026-03-05", "2026-03-14")
        self.assertEqual(self._sent(), [("03-11 10:00", "Anna", [booking.name])])

    def test_booking_that_staff_asked_for_is_reminded_once_a_day(self):
        """Its own date and reminder come first: see `_cron_remind_payments`."""
        self._rule(2, "before")
        self._rule(0, "on")
        self._rule(2)
        booking = self._booking("suggested", "2026-03-20 09:00")
        booking._ask_for_payment(self._utc("2026-03-10 12:00"), required=False)
        self.assertTrue(booking.remind_at)
        self._run_days("2026-03-05", "2026-03-10")
        self.assertEqual(self._sent(), [])
        with freeze_time(self._utc("2026-03-10 13:00")):
            booking._remind_or_give_up()
        self._run_days("2026-03-11", "2026-03-14")
        self.assertEqual(self._sent(), [("03-12 10:00", "Anna", [booking.name])])

    def test_booking_then_its_invoice_is_asked_for_once(self):
        self._rule(1)
        booking = self._booking("suggested", "2026-03-10 09:00")
        booking.sudo()._editing().invoice_id = self._invoice(60.0)
        self._run_at("2026-03-11 10:00")
        self.assertEqual(
            self._sent(), [("03-11 10:00", "Anna", [booking.invoice_id.name])]
        )

    # === APPOINTMENTS === #

    def test_day_before_the_appointment(self):
        self._rule(1, "before", kind="appointment", unit="days")
        unpaid = self._booking("suggested", "2026-03-05 09:00")
        paid = self._booking("required", "2026-03-06 10:30")
        self._pay(paid)
        cancelled = self._booking("suggested", "2026-03-05 11:00")
        cancelled._cancel()
        with freeze_time(self._utc("2026-03-04 12:00")):
            self._booking("suggested", "2026-03-05 10:00")  # hears it now
        self._run_days("2026-03-02", "2026-03-07", hours=range(0, 24, 1))
        self.assertEqual(
            self._sent(),
            [
                ("03-04 09:00", "Anna", [unpaid.name]),
                ("03-05 11:00", "Anna", [paid.name]),
            ],
        )
        bodies = [mail.body_html for mail in self._mails()]
        self.assertIn("/pay/", bodies[0])
        self.assertNotIn("/pay/", bodies[1])

    def test_appointment_rule_of_another_company(self):
        self._rule(
            1, "before", kind="appointment", unit="days",
            company_id=self._other_company().id,
        )  # fmt: skip
        self._booking("suggested", "2026-03-05 09:00")
        self._run_days("2026-03-02", "2026-03-05")
        self.assertFalse(self.Reminder.search([]))

    def test_appointment_in_the_morning_is_reminded_of_the_evening_before(self):
        self._rule(2, "before", kind="appointment", unit="hours")
        self.calendar.attendance_ids.write({"hour_from": 6})
        booking = self._booking("suggested", "2026-03-05 08:00")
        self._run_days("2026-03-04", "2026-03-05", hours=range(0, 24))
        self.assertEqual(self._sent(), [("03-04 17:00", "Anna", [booking.name])])

    def test_appointment_after_the_change_of_clocks(self):
        self._rule(1, "before", kind="appointment", unit="days")
        self.company.booking_reminder_from = 0
        self.company.booking_reminder_until = 24
        booking = self._booking("suggested", "2026-03-30 09:00")
        # On Sunday, March 29, when clocks went ahead: as late by the clock.
        self._run_at("2026-03-29 08:59")
        self.assertFalse(self._mails())
        self._run_at("2026-03-29 09:00")
        self.assertEqual(self._sent(), [("03-29 09:00", "Anna", [booking.name])])

    def test_moved_appointment_is_reminded_of_anew(self):
        self._rule(1, "before", kind="appointment", unit="days")
        booking = self._booking("suggested", "2026-03-05 09:00")
        self._run_at("2026-03-04 10:00")
        with freeze_time(self._utc("2026-03-04 12:00")):
            booking._move(self._utc("2026-03-12 09:00"))
        self._run_days("2026-03-05", "2026-03-12")
        self.assertEqual(
            [when for when, *_rest in self._sent()], ["03-04 10:00", "03-11 10:00"]
        )

    def test_two_reminders_of_an_appointment(self):
        self._rule(1, "before", kind="appointment", unit="days")
        self._rule(2, "before", kind="appointment", unit="hours")
        self._booking("suggested", "2026-03-05 15:00")
        self._run_days("2026-03-02", "2026-03-05", hours=range(0, 24))
        self.assertEqual(
            [when for when, *_rest in self._sent()], ["03-04 15:00", "03-05 13:00"]
        )

    # === GIVEN UP === #

    def _age(self, record, moment):
        self.env.flush_all()
        self.env.cr.execute(
            f"UPDATE {record._table} SET create_date = %s WHERE id = %s",
            (self._utc(moment), record.id),
        )
        record.invalidate_recordset(["create_date"])

    def _abandon(self, local="2026-03-20 09:00", email="zoe@example.com"):
        """Return a booking whose guest left without paying."""
        self.service.is_published = True
        booking = self.env["payment.booking"]._place(
            self.service,
            self._utc(local),
            {"guest_name": "Zoé", "guest_email": email},
            visitor_key=f"{local} {email}",
        )
        with freeze_time("2026-03-02 09:00:00"):
            booking._end_hold()
        self.assertEqual(booking.state, "expired")
        self._age(booking, "2026-03-02 08:00")
        return booking

    def test_booking_that_was_given_up(self):
        self._rule(3, kind="abandoned", unit="hours")
        booking = self._abandon()
        self._run_at("2026-03-02 10:30")
        self.assertFalse(self._mails())
        self._run_days("2026-03-02", "2026-03-12", hours=(12, 15))
        self.assertEqual(self._sent(), [("03-02 12:00", "Zoé", [booking.name])])
        body = self._mails().body_html
        self.assertIn(
            f"{self.service._get_book_url()}/details?start=20260320T0800", body
        )

    def test_given_up_and_not_free_any_more(self):
        self._rule(3, kind="abandoned", unit="hours")
        booking = self._abandon()
        for number in range(2):  # both people
            quick = self.env["payment.booking"]._place(
                self.service,
                booking.start,
                {"guest_name": "Quick", "guest_email": "quick@example.com"},
                visitor_key=f"quick {number}",
            )
            self._pay(quick)
        self._run_days("2026-03-02", "2026-03-04")
        self.assertEqual(self._states(), [("cancelled", "It cannot be paid any more.")])

    def test_given_up_and_booked_again(self):
        self._rule(3, kind="abandoned", unit="hours")
        self._abandon()
        self._pay(self._place(local="2026-03-23 09:00"))  # the same address
        self._run_days("2026-03-02", "2026-03-04")
        self.assertFalse(self.Reminder.search([]))

    def test_several_given_up_by_one_client_make_one_mail(self):
        self._rule(3, kind="abandoned", unit="hours")
        self._abandon("2026-03-20 09:00")
        last = self._abandon("2026-03-24 09:00")
        self._abandon("2026-03-25 09:00", "someone@example.com")
        self._run_days("2026-03-02", "2026-03-06", hours=(12,))
        self.assertIn(("03-02 12:00", "Zoé", [last.name]), self._sent())
        self.assertEqual(len(self._sent()), 2)

    def test_request_that_was_given_up(self):
        self._rule(3, kind="abandoned", unit="hours")
        opened, paid, never, tried = (self._request(due=False) for _n in range(4))
        (opened + paid + tried)._editing().write({"opened_at": "2026-03-02 07:30:00"})
        self._pay(paid)
        tx = self._start_payment(tried)
        tx._set_pending()
        self._run_days("2026-03-02", "2026-03-12", hours=(12, 15))
        self.assertEqual(self._sent(), [("03-02 12:00", "Anna", [opened.name])])
        self.assertTrue(never)

    def _give_up(self):
        """Return a request that Anna opened on the morning of March 2."""
        request = self._request(due=False)
        request._editing().opened_at = "2026-03-02 07:30:00"
        return request

    def test_given_up_by_who_wants_no_mail(self):
        self._rule(3, kind="abandoned", unit="hours")
        self._give_up()
        self.partner.payment_reminder_optout = True
        self._run_days("2026-03-02", "2026-03-04", hours=(12,))
        self.assertFalse(self.Reminder.search([]))

    def test_given_up_on_a_day_with_another_mail(self):
        self._rule(1)
        self._rule(3, kind="abandoned", unit="hours")
        late = self._invoice(due="2026-03-01")
        request = self._give_up()
        self._run_days("2026-03-02", "2026-03-04", hours=(10, 12))
        self.assertEqual(
            self._sent(),
            [
                ("03-02 10:00", "Anna", [late.name]),
                ("03-04 10:00", "Anna", [request.name]),
            ],
        )

    def test_given_up_too_long_ago(self):
        self._rule(3, kind="abandoned", unit="hours")
        self._give_up()
        self._run_at("2026-03-10 12:00")  # the server was off until now
        self.assertFalse(self.Reminder.search([]))

    # === THE RULE ITSELF === #

    def test_form(self):
        form = Form(self.Rule)
        form.name = "Before they come"
        form.kind = "appointment"
        form.delay = 2
        rule = form.save()
        self.assertEqual((rule.moment, rule.unit), ("before", "days"))
        with Form(rule) as form:
            form.kind = "abandoned"
        self.assertEqual((rule.moment, rule.unit), ("after", "hours"))
        self.assertEqual(rule.currency_id, self.company.currency_id)

    def test_what_makes_no_sense_is_refused(self):
        for values in (
            {"delay": -1},
            {"unit": "hours"},
            {"kind": "appointment", "moment": "after"},
            {"kind": "abandoned", "moment": "after", "unit": "days"},
            {"amount_min": -1.0},
        ):
            with (
                self.subTest(values),
                mute_logger("odoo.sql_db"),
                self.assertRaises(psycopg2.errors.CheckViolation),
                self.env.cr.savepoint(),
            ):
                self._rule(**{"delay": 1, **values})
        wrong = self.env.ref("payment_booking_portal.mail_template_booking_reminder")
        with self.assertRaises(ValidationError):
            self._rule(mail_template_id=wrong.id)
        both = self.env.ref("payment_booking_portal.mail_template_request_abandoned")
        values = {"kind": "abandoned", "unit": "hours", "mail_template_id": both.id}
        with self.assertRaises(ValidationError):
            self._rule(**values)
        self._rule(**values, for_bookings=False)


@tagged("post_install", "-at_install")
class TestReminderRuleData(TransactionCase):
    def test_fresh_database_writes_to_nobody_about_money(self):
        rules = self.env["payment.reminder.rule"].with_context(active_test=False)
        rules = rules.browse(
            self.env["ir.model.data"]
            .search(
                [
                    ("module", "=", "payment_booking_portal"),
                    ("model", "=", "payment.reminder.rule"),
                    ("noupdate", "=", True),
                ]
            )
            .mapped("res_id")
        )
        self.assertEqual(
            sorted(rules.mapped(lambda r: (r.kind, r.moment, r.delay, r.active))),
            [
                ("abandoned", "after", 3, False),
                ("abandoned", "after", 3, False),
                ("appointment", "before", 1, True),
                ("due", "after", 3, False),
                ("due", "after", 10, False),
                ("due", "after", 24, False),
                ("due", "before", 3, False),
            ],
        )
