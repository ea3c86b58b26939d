from datetime import timedelta

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import SQL

from .common import NOW, BookingCommon
from .common_browser import DESKTOP, PageCase


class OverviewCommon(BookingCommon):
    """Bookings of the studio, and the figures as a plain user asks for them."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.later = cls._create_service("Massage", fee_policy="suggested", price=80.0)
        cls.user = cls._create_colleague("pbp_reception")
        cls.lang = cls.env["res.lang"].search([("code", "=", cls.user.lang)])
        cls.lang.week_start = "1"

    @classmethod
    def _create_colleague(cls, login, group="payment_booking_portal.group_user"):
        return new_test_user(
            cls.env,
            login=login,
            groups=group,
            tz="Europe/Brussels",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _as_user(self, companies=None, user=None, **context):
        ids = (companies or self.company).ids
        model = self.env["payment.overview"].with_user(user or self.user).sudo(False)
        return model.with_context(allowed_company_ids=ids, **context)

    def _figures(self, companies=None, currency=None):
        """Return the figures in a currency by key: value and count."""
        data = self._as_user(companies).get_overview()
        currency = currency or self.company.currency_id
        [block] = [b for b in data["blocks"] if b["currency_id"] == currency.id]
        figures = [*block["cards"], *block["ages"], block["expected"], *block["weeks"]]
        found = {f["key"]: (round(f["value"], 2), f["count"]) for f in figures}
        for key in ("attention", "test", "speed"):
            found[key] = (data[key].get("value"), data[key]["count"])
        return found

    def _list(self, key, companies=None, currency=None):
        """Return the bookings of the list that a figure opens, as the user."""
        overview = self._as_user(companies)
        action = overview.get_list_action(key, currency.id if currency else False)
        bookings = overview.env[action["res_model"]].with_context(**action["context"])
        return bookings.search(action["domain"])

    def _set_start(self, booking, local, tz=None):
        """Put a booking somewhere in time: no method of ours books the past."""
        start = self._utc(local, tz)
        stop = start + timedelta(hours=1)
        booking.flush_recordset()
        self.env.execute_query(
            SQL(
                "UPDATE payment_booking SET start = %s, due_at = %s, stop = %s "
                "WHERE id = %s",
                start,
                start,
                stop,
                booking.id,
            )
        )
        booking.invalidate_recordset()

    def _set_paid(self, tx, local, placed=None):
        """Let money have come at another time."""
        tx.last_state_change = self._utc(local)
        booking = tx.allocation_ids.booking_id
        if placed:
            self.env.execute_query(
                SQL(
                    "UPDATE payment_booking SET create_date = %s WHERE id = %s",
                    self._utc(placed),
                    booking.id,
                )
            )
        booking.invalidate_recordset()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestOverview(OverviewCommon):
    """Monday 2 March 2026, 8 in the morning in Brussels."""

    def _owe(self, local, service=None, **kwargs):
        """Return a confirmed booking that is not paid, at any time."""
        service = service or self.later
        free = service._get_next_slots(self._utc("2026-03-04 09:00"))[0]
        booking = self.env["payment.booking"]._place(
            service,
            free,
            {"guest_name": "Zoé Client", "guest_email": "zoe@example.com"},
            visitor_key=f"visitor {local} {free}",
            **kwargs,
        )
        self._set_start(booking, local)
        return booking

    # === WHAT IS DUE === #

    def test_nothing_yet(self):
        data = self._as_user().get_overview()
        self.assertFalse(data["has_bookings"])
        [block] = data["blocks"]
        self.assertEqual({card["value"] for card in block["cards"]}, {0.0})
        self.assertEqual(data["speed"]["amount"], "–")

    def test_due_overdue_and_expected_add_up(self):
        self._owe("2026-02-27 16:00")
        self._owe("2026-02-10 10:00")
        self._owe("2025-12-10 10:00")
        self._owe("2026-03-02 17:00")  # today
        self._owe("2026-03-08 10:00")  # Sunday: still this week
        self._owe("2026-03-09 10:00")
        self._owe("2026-04-12 10:00")  # the last day of the sixth week
        self._owe("2026-04-13 10:00")  # one later
        figures = self._figures()
        for key, expected in {
            "due": (640.0, 8),
            "overdue": (240.0, 3),
            "overdue_week": (80.0, 1),
            "overdue_month": (80.0, 1),
            "overdue_older": (80.0, 1),
            "expected": (320.0, 4),
            "week_0": (160.0, 2),
            "week_1": (80.0, 1),
            "week_2": (0.0, 0),
            "week_5": (80.0, 1),
        }.items():
            with self.subTest(key):
                self.assertEqual(figures[key], expected)

    def test_week_begins_as_the_language_says(self):
        booking = self._owe("2026-03-08 10:00")  # a Sunday
        self.assertIn(booking, self._list("week_0"))
        self.lang.week_start = "7"
        self.assertIn(booking, self._list("week_1"))
        self.assertNotIn(booking, self._list("week_0"))

    def test_every_figure_equals_the_list_that_it_opens(self):
        for local in ("2026-02-27 16:00", "2026-01-10 10:00", "2026-03-10 10:00"):
            self._owe(local)
        self._pay(self._place(local="2026-03-05 09:00"))
        self._place(local="2026-03-05 11:00")._flag_attention("late_kept", "Look")
        self._set_paid(
            self._pay(self._place(local="2026-03-05 13:00")), "2026-02-20 09:00"
        )
        figures = self._figures()
        for key, (value, count) in figures.items():
            bookings = self._list(key)
            with self.subTest(key):
                self.assertEqual(len(bookings), count)
                if value is not None and key != "speed":
                    column = "received" if key.startswith("received") else "due"
                    total = sum(bookings.mapped(f"amount_{column}"))
                    self.assertAlmostEqual(total, value)
        self.assertLessEqual(
            {
                *("due", "overdue", "expected", "week_1", "overdue_week"),
                *("overdue_older", "received_month", "received_days_30"),
                *("attention", "speed"),
            },
            {key for key, (_value, count) in figures.items() if count},
        )

    def test_paid_cancelled_expired_and_held_are_not_due(self):
        self._owe("2026-03-10 10:00")._cancel()
        self._place(local="2026-03-05 09:00")  # a hold
        expired = self._place(local="2026-03-05 11:00")
        expired._release("expired")
        self._pay(self._place(local="2026-03-05 13:00"))
        free = self._create_service("Call", fee_policy="free", price=0.0)
        self._owe("2026-03-11 10:00", service=free)
        self.assertEqual(self._figures()["due"], (0.0, 0))

    def test_part_that_was_paid_is_not_due(self):
        booking = self._owe("2026-03-10 10:00")
        tx = self._start_payment(booking, amount=30.0)
        tx.allocation_ids.amount = 30.0
        tx._set_done()
        figures = self._figures()
        self.assertEqual(figures["due"], (50.0, 1))
        self.assertEqual(figures["received_month"], (30.0, 1))

    def test_owed_once_when_there_is_an_invoice(self):
        booking = self._owe("2026-03-10 10:00")
        booking._make_payable_invoice(self.env["payment.transaction"])
        self.assertEqual(booking.invoice_id.amount_residual, 80.0)
        self.assertEqual(self._figures()["due"], (80.0, 1))

    def test_overdue_the_day_after_in_the_zone_of_the_business(self):
        self._owe("2026-03-03 23:30")
        self._owe("2026-03-04 00:30")  # still March 3 in UTC
        for moment, overdue in (
            ("2026-03-03 22:45", 0),  # 23:45 in Brussels
            ("2026-03-03 23:15", 1),  # a quarter past midnight
        ):
            with self.subTest(moment), freeze_time(moment):
                figures = self._figures()
                self.assertEqual(figures["overdue"][1], overdue)
                self.assertEqual(figures["expected"][1], 2 - overdue)

    def test_date_of_staff_is_the_due_day(self):
        booking = self._owe("2026-03-20 10:00")
        booking._ask_for_payment(self._utc("2026-03-05 18:00"), required=False)
        with freeze_time("2026-03-06 09:00:00"):
            self.assertEqual(self._figures()["overdue"][1], 1)

    def test_today_of_each_company_counts(self):
        other = self._create_other_company()
        other.resource_calendar_id = self._create_calendar(
            "Tokyo", range(7), 0, 24, tz="Asia/Tokyo"
        ).copy({"company_id": other.id})
        self.user.company_ids += other
        service = self._create_service(
            "Shiatsu",
            company_id=other.id,
            fee_policy="suggested",
            group_ids=[Command.clear()],
            calendar_id=other.resource_calendar_id.id,
        )
        bookings = self.env["payment.booking"].create(
            [
                {"service_id": self.later.id, "start": "2026-03-03 10:00:00"},
                {"service_id": service.id, "start": "2026-03-03 10:00:00"},
            ]
        )
        bookings._editing().write(
            {
                "state": "confirmed",
                "amount_total": 10.0,
                "currency_id": self.company.currency_id.id,
            }
        )
        both = self.company + other
        # 17:30 in Brussels, half past midnight in Tokyo.
        with freeze_time("2026-03-03 16:30"):
            self.assertEqual(self._list("overdue", both).service_id, service)
            self.assertEqual(self._list("expected", both).service_id, self.later)

    # === CURRENCIES AND COMPANIES === #

    def test_currencies_are_never_summed(self):
        euro = self._enable_currency("EUR")
        self.company.booking_currency_ids = euro
        self.env["product.pricelist.item"].create(
            {
                "booking_service_id": self.later.id,
                "booking_currency_id": euro.id,
                "fixed_price": 70.0,
            }
        )
        self._owe("2026-03-10 10:00")
        self._owe("2026-03-11 10:00", currency=euro)
        self.assertEqual(self._figures()["due"], (80.0, 1))
        self.assertEqual(self._figures(currency=euro)["due"], (70.0, 1))
        blocks = self._as_user().get_overview()["blocks"]
        self.assertEqual(
            [block["currency_id"] for block in blocks],
            [self.company.currency_id.id, euro.id],
        )
        self.assertEqual(self._list("due", currency=euro).currency_id, euro)
        self.assertEqual(len(self._list("due")), 2)

    def test_selected_companies_alone_count(self):
        other = self._create_other_company()
        service = self._create_service(
            "Elsewhere",
            company_id=other.id,
            fee_policy="suggested",
            group_ids=[Command.clear()],
            calendar_id=other.resource_calendar_id.id,
        )
        theirs = self.env["payment.booking"].create(
            {"service_id": service.id, "start": "2026-03-10 10:00:00"}
        )
        theirs._editing().write(
            {
                "state": "confirmed",
                "amount_total": 25.0,
                "currency_id": self.company.currency_id.id,
                "needs_attention": True,
            }
        )
        ours = self._owe("2026-03-10 10:00")
        self.user.company_ids += other
        for companies, total, bookings in (
            (self.company, 80.0, ours),
            (other, 25.0, theirs),
            (self.company + other, 105.0, ours + theirs),
        ):
            with self.subTest(companies.mapped("name")):
                figures = self._figures(companies)
                self.assertEqual(figures["due"], (total, len(bookings)))
                self.assertEqual(figures["attention"][1], len(bookings & theirs))
                self.assertEqual(self._list("due", companies), bookings.sorted())

    # === MONEY THAT CAME === #

    def test_received_by_the_day_that_it_came(self):
        for local, paid in (
            ("2026-03-05 09:00", "2026-03-01 00:10"),  # in Brussels it is March
            ("2026-03-05 10:00", "2026-02-28 23:50"),
            ("2026-03-05 11:00", "2026-02-01 00:10"),  # 29 days ago
            ("2026-03-05 13:00", "2026-01-31 23:50"),
        ):
            self._set_paid(self._pay(self._place(local=local)), paid)
        figures = self._figures()
        self.assertEqual(figures["received_month"], (60.0, 1))
        self.assertEqual(figures["received_days_30"], (180.0, 3))

    def test_received_counts_the_money_of_the_period_alone(self):
        booking = self._owe("2026-03-10 10:00")
        for amount, paid in ((30.0, "2026-02-10 10:00"), (50.0, "2026-03-01 10:00")):
            tx = self._start_payment(booking, amount=amount)
            tx.allocation_ids.amount = amount
            tx._set_done()
            self._set_paid(tx, paid)
        self.assertEqual(self._figures()["received_month"], (50.0, 1))
        self.assertEqual(self._figures()["received_days_30"], (80.0, 1))
        self.assertEqual(self._list("received_month").amount_received, 50.0)
        self.assertEqual(self._list("received_days_30").amount_received, 80.0)
        self.assertEqual(booking.amount_received, 80.0)

    def test_money_given_back_is_not_received(self):
        whole = self._pay(self._place(local="2026-03-05 09:00"))
        half = self._pay(self._place(local="2026-03-05 11:00"))
        for tx, amount in ((whole, 60.0), (half, 20.0)):
            refund = tx._create_child_transaction(amount, is_refund=True)
            refund._set_done()
        self.assertEqual(self._figures()["received_month"], (40.0, 1))
        self.assertEqual(self._list("received_month"), half.allocation_ids.booking_id)

    def test_money_on_its_way_is_not_received(self):
        booking = self._owe("2026-03-10 10:00")
        tx = self._start_payment(booking)
        tx._set_pending()
        figures = self._figures()
        self.assertEqual(figures["received_month"], (0.0, 0))
        self.assertEqual(figures["due"], (80.0, 1))

    def test_test_money_stays_out(self):
        self.company.booking_accept_test_payments = True
        self.provider.state = "test"
        self._pay(self._place(local="2026-03-05 09:00"))
        booking = self._owe("2026-03-10 10:00")
        tx = self._start_payment(booking, amount=30.0)
        tx.allocation_ids.amount = 30.0
        tx._set_done()
        self.assertEqual(booking.amount_due, 50.0)
        figures = self._figures()
        for key in ("due", "expected", "received_month", "received_days_30", "speed"):
            with self.subTest(key):
                self.assertEqual(figures[key][1], 0)
        self.assertEqual(figures["test"][1], 2)
        self.assertEqual(len(self._list("test")), 2)

    def test_median_of_days_until_the_money(self):
        for local, placed, paid in (
            ("2026-03-05 09:00", "2026-02-20 10:00", "2026-02-21 10:00"),
            ("2026-03-05 10:00", "2026-02-20 10:00", "2026-02-22 22:00"),
            ("2026-03-05 11:00", "2026-02-01 10:00", "2026-02-28 10:00"),
            (
                "2026-03-05 13:00",
                "2025-11-01 10:00",
                "2025-11-28 10:00",
            ),  # too long ago
        ):
            self._set_paid(self._pay(self._place(local=local)), paid, placed)
        data = self._as_user().get_overview()["speed"]
        self.assertEqual(data["value"], 2.5)
        self.assertEqual(data["amount"], "2.5")
        self.assertEqual(data["count"], 3)
        self.assertEqual(len(self._list("speed")), 3)

    # === RIGHTS === #

    def test_only_staff_of_ours_asks(self):
        for group in ("base.group_user", "account.group_account_invoice"):
            stranger = self._create_colleague(
                f"pbp_{group}", f"base.group_user,{group}"
            )
            overview = self._as_user(user=stranger)
            with self.subTest(group):
                self.assertRaises(AccessError, overview.get_overview)
                self.assertRaises(AccessError, overview.get_list_action, "due")

    def test_manager_without_other_rights_sees_the_figures(self):
        manager = self._create_colleague(
            "pbp_owner", "payment_booking_portal.group_manager"
        )
        self._pay(self._place())
        data = self._as_user(user=manager).get_overview()
        self.assertEqual(data["blocks"][0]["cards"][2]["value"], 60.0)

    def test_unknown_figure_is_refused(self):
        self.assertRaises(UserError, self._as_user().get_list_action, "profit")

    def test_last_payment_can_be_searched_but_not_by_name(self):
        paid = self._pay(self._place()).allocation_ids.booking_id
        self._owe("2026-03-10 10:00")
        Booking = self._as_user().env["payment.booking"]
        moment = paid.last_received_at
        for operator, found in ((">=", paid), ("<=", paid), (">", paid - paid)):
            domain = [("last_received_at", operator, moment)]
            self.assertEqual(Booking.search(domain), found)
        self.assertFalse(Booking.search([("last_received_at", "<", moment)]))

    # === SPEED === #

    def test_queries_do_not_grow_with_bookings(self):
        def count():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._as_user().get_overview()
            return self.env.cr.sql_log_count - before

        self._as_user().get_overview()  # what any request caches
        self._owe("2026-03-10 10:00")
        self._pay(self._place(local="2026-03-05 09:00"))
        one = count()
        for hour in (10, 11, 13, 14, 15):
            self._owe(f"2026-03-11 {hour}:00")
            self._pay(self._place(local=f"2026-03-06 {hour}:00"))
        self.assertEqual(count(), one)
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(12):
            self._as_user().get_overview()

    # === IN FRENCH === #

    def test_words_follow_the_language(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        label = self._as_user(lang="fr_FR")._get_week_label(1)
        self.assertEqual(label, "9 mars")
        self.assertEqual(self._as_user(lang="en_US")._get_week_label(1), "Mar 9")


@tagged("post_install", "-at_install")
class TestOverviewPage(OverviewCommon, PageCase):
    """The page in a browser, with the real clock."""

    browser_size = f"{DESKTOP[0]}x{DESKTOP[1]}"
    touch_enabled = False

    def test_figure_opens_its_list(self):
        booking = self.env["payment.booking"]._place(
            self.later,
            self.later._get_next_slots(self.later._get_booking_window()[0])[0],
            {"guest_name": "Zoé Client", "guest_email": "zoe@example.com"},
        )
        name = booking.client_name  # now: the pages use the cursor of the test
        with self.open_page("pbp_reception") as page:
            page.goto("/odoo/booking-overview")
            page.find("[data-key='due']")
            text = page.evaluate(
                "document.querySelector(\"[data-key='due']\").innerText"
            )
            self.assertIn("80.00", text)
            self.assertIn("1 booking", text)
            page.click("[data-key='due']")
            page.find(".o_list_view .o_data_row")
            rows = page.evaluate(
                "[...document.querySelectorAll('.o_data_row')].map(r => r.innerText)"
            )
            self.assertEqual(len(rows), 1)
            self.assertIn(name, rows[0])
            footer = page.evaluate("document.querySelector('.o_list_footer').innerText")
            self.assertIn("80.00", footer)

    def test_no_booking_shows_what_to_do(self):
        with self.open_page("pbp_reception") as page:
            page.goto("/odoo/booking-overview")
            page.click(".o_payment_overview .btn-primary")
            page.find(".modal .o_field_widget[name='url']")
