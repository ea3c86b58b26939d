from urllib.parse import urlsplit

from odoo.tests import freeze_time, tagged

from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpManage(BookingHttpCommon):
    """The client's page of a booking: GET shows, POST acts."""

    needs_internal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna.user_id = cls.internal_user

    def setUp(self):
        super().setUp()
        self.booking = self._place()
        self._pay(self.booking)
        self.env.flush_all()
        self.url = self.booking._get_manage_url()

    def _refresh(self):
        self.env.invalidate_all()
        return self.booking

    # === SHOWING === #

    def test_page_of_a_confirmed_booking(self):
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        self.assertEqual(self._title(page), "You are booked")
        text = self._text(page)
        for words in ("Haircut", self.booking.name, "60.00", "March 3", "Anna"):
            self.assertIn(words, text)
        links = self._parse(page).xpath("//a/@href")
        for path in ("/calendar.ics", "/move", "/cancel"):
            self.assertTrue([url for url in links if url == self.url + path], path)
        invoice = [url for url in links if url.startswith("/my/invoices/")]
        self.assertEqual(len(invoice), 1)
        self.assertEqual(self._get(invoice[0]).status_code, 200)

    def test_pages_show_and_change_nothing(self):
        before = self._snapshot()
        for path in (
            "",
            "/calendar.ics",
            "/cancel",
            "/move",
            "/move?day=2026-03-04",
            f"/move?start={self._start_of('2026-03-04 09:00')}",
            "/move?start=x",
        ):
            page = self._get(self.url + path)
            self.assertEqual(page.status_code, 200, path)
            if path != "/calendar.ics":
                self._assert_private(page)
        self._assert_nothing_written(before)

    # === THE CALENDAR FILE === #

    def _ics(self):
        answer = self._get(f"{self.url}/calendar.ics")
        self.assertEqual(answer.status_code, 200)
        self.assertIn("text/calendar", answer.headers["Content-Type"])
        self.assertIn("no-store", answer.headers["Cache-Control"])
        return dict(
            line.split(":", 1)
            for line in answer.text.replace("\r\n ", "").split("\r\n")
            if ":" in line
        )

    def test_calendar_file_follows_the_booking(self):
        first = self._ics()
        self.assertEqual(first["METHOD"], "PUBLISH")
        self.assertEqual(first["STATUS"], "CONFIRMED")
        self.assertEqual(first["SEQUENCE"], "0")
        self.assertEqual(first["DTSTART"], "20260303T080000Z")
        self.assertEqual(first["DTEND"], "20260303T090000Z")
        self.assertIn("Haircut", first["SUMMARY"])
        self.assertNotIn("zoe@example.com", str(first))
        self.booking._move(self._utc("2026-03-04 10:00"))
        self.env.flush_all()
        moved = self._ics()
        self.assertEqual(moved["UID"], first["UID"])
        self.assertEqual(moved["SEQUENCE"], "1")
        self.assertEqual(moved["DTSTART"], "20260304T090000Z")
        self.booking._cancel(by_client=True)
        self.env.flush_all()
        off = self._ics()
        self.assertEqual(off["UID"], first["UID"])
        self.assertEqual(off["METHOD"], "CANCEL")
        self.assertEqual(off["STATUS"], "CANCELLED")
        self.assertEqual(off["SEQUENCE"], "2")

    def test_no_calendar_file_before_it_counts(self):
        hold = self._place(local="2026-03-05 09:00")
        self.assertEqual(
            self._get(f"{hold._get_manage_url()}/calendar.ics").status_code, 404
        )

    # === CANCEL === #

    def test_cancel(self):
        form = self._form(self._get(f"{self.url}/cancel"), "/cancel")
        answer = self._post(f"{self.url}/cancel", form)
        self.assertEqual(answer.status_code, 303)
        booking = self._refresh()
        self.assertEqual(booking.state, "cancelled")
        self.assertFalse(booking.event_ids)
        self.assertEqual(booking.attention_reason, "paid_cancelled")
        self.assertEqual(booking.payment_coverage, "paid", "the money is not touched")
        self.assertEqual(booking.invoice_id.payment_state, "paid")
        page = self._get(answer.headers["Location"])
        self.assertEqual(self._title(page), "This booking is cancelled")
        self.assertIn("You had paid", self._text(page))
        self.people.resource_ids = booking.resource_ids
        self.assertIn("09:00", self._labels(self.service, "2026-03-03"), "free again")
        before = self._snapshot()
        answer = self._post(f"{self.url}/cancel", {"csrf_token": self._csrf()})
        self.assertEqual(answer.status_code, 303)
        self._assert_nothing_written(before)

    def test_what_becomes_of_the_money(self):
        """Before and after: the client reads what the company does with it."""
        self.company.booking_cancelled_money = "credit"
        page = self._text(self._get(f"{self.url}/cancel"))
        self.assertIn("We keep what you paid as a credit", page)
        self._post(f"{self.url}/cancel", {"csrf_token": self._csrf()})
        page = self._text(self._get(self.url))
        self.assertIn("You had paid. We keep the money as a credit", page)

    def test_money_on_its_way_back(self):
        [tx] = self.booking._get_paid_transactions()
        refund = self.env["payment.refund.request"]._decide(tx, 20.0, "Late start")
        page = self._text(self._get(self.url))
        self.assertIn("$ 20.00 is being given back", page)
        self.assertIn("You paid $ 60.00", page)
        refund.action_done_by_hand()
        page = self._text(self._get(self.url))
        self.assertIn("$ 20.00 given back on March 2, 2026", page)
        self.assertIn("You paid $ 60.00", page, "what was paid, beside what went back")
        rest = self.env["payment.refund.request"]._decide(tx, 40.0, "All of it")
        rest.action_done_by_hand()
        page = self._text(self._get(self.url))
        self.assertIn("$ 40.00 given back on", page)
        self.assertNotIn("Pay now", page, "it is not owed again")

    def test_paid_too_late(self):
        self.people.resource_ids = self.anna
        booking = self._place(local="2026-03-05 09:00", visitor_key="late")
        tx = self._start_payment(booking)
        tx._set_canceled()
        with freeze_time("2026-03-02 09:00:00"):
            booking._end_hold()
            self._place(local="2026-03-05 09:00", visitor_key="quicker")
            tx._set_done()
            tx._post_process()
        for url in (booking._get_manage_url(), booking._get_pay_url()):
            page = self._get(url)
            self.assertEqual(self._title(page), "You paid, but the time is gone")
            text = self._text(page)
            self.assertIn("You were charged. We will contact you", text)
            self.assertIn("Free times near yours", text)
        self._decide_and_give_back(tx)
        for url in (booking._get_manage_url(), booking._get_pay_url()):
            text = self._text(self._get(url))
            self.assertIn("$ 60.00 given back on", text)
            self.assertNotIn("We will contact you", text)

    def _decide_and_give_back(self, tx):
        refund = self.env["payment.refund.request"]._decide(tx, tx.amount, "Gone")
        refund.action_done_by_hand()

    def test_forms_without_their_proof_are_refused(self):
        before = self._snapshot()
        start = self._start_of("2026-03-04 09:00")
        with self.assertLogs("odoo.http", "WARNING"):
            for action in ("cancel", "move"):
                answer = self._post(f"{self.url}/{action}", {"start": start})
                self.assertEqual(answer.status_code, 400)
        self._assert_nothing_written(before)

    # === MOVE === #

    def _move(self, local, **values):
        start = values.pop("start", None) or self._start_of(local)
        return self._post(
            f"{self.url}/move",
            {"csrf_token": self._csrf(), "start": start, **values},
        )

    def test_move(self):
        page = self._get(f"{self.url}/move?day=2026-03-04")
        links = self._parse(page).xpath("//a[contains(@href, 'start=')]/@href")
        start = self._start_of("2026-03-04 10:00")
        [link] = [url for url in links if start in url]
        page = self._get(link)
        self.assertEqual(self._title(page), "Move to this time?")
        form = self._form(page, "/move")
        self.assertEqual(form["start"], start)
        event = self.booking.event_ids
        answer = self._post(f"{self.url}/move", form)
        self.assertEqual(answer.status_code, 303)
        booking = self._refresh()
        self.assertEqual(booking.start, self._utc("2026-03-04 10:00"))
        self.assertEqual(booking.stop, self._utc("2026-03-04 11:00"))
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.amount_total, 60.0)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(len(booking.event_ids), 1)
        self.assertEqual(booking.event_ids.start, booking.start)
        self.assertFalse(booking.needs_attention)
        self.assertTrue(event)
        self.assertEqual(urlsplit(answer.headers["Location"]).path, self.url)
        self.assertIn("March 4", self._text(self._get(self.url)))

    def test_move_to_where_it_was_changes_nothing(self):
        before = self._snapshot()
        answer = self._move("2026-03-03 09:00")
        self.assertEqual(answer.status_code, 303)
        booking = self._refresh()
        self.assertEqual(booking.sequence, 0)
        self.assertEqual(self._snapshot()["mail.mail"], before["mail.mail"])

    def test_move_onto_its_own_time_is_possible(self):
        self.people.resource_ids = self.booking.resource_ids
        self.assertEqual(self._move("2026-03-03 09:30").status_code, 303)
        self.assertEqual(self._refresh().start, self._utc("2026-03-03 09:30"))

    def test_moves_that_are_refused(self):
        self.people.resource_ids = self.booking.resource_ids
        self._pay(self._place(local="2026-03-04 09:00"))
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for local, status in (
                ("2026-03-04 09:00", 409),  # taken
                ("2026-03-04 09:30", 409),  # taken in part
                ("2026-03-04 09:07", 409),  # no start
                ("2026-03-04 20:00", 409),  # closed
                ("2026-03-01 09:00", 409),  # past
                ("2028-03-01 09:00", 409),  # too far
            ):
                with self.subTest(local):
                    answer = self._move(local)
                    self.assertEqual(answer.status_code, status)
                    self.assertEqual(self._title(answer), "Someone was quicker")
                    page = self._get(f"{self.url}/move?start={self._start_of(local)}")
                    self.assertEqual(page.status_code, status)
            for start in ("x", "99991231T2359", "00010101T0000", "2026", "[]"):
                with self.subTest(start):
                    answer = self._move(None, start=start)
                    self.assertEqual(answer.status_code, 404)
            answer = self._move("2026-03-05 09:00", resource="9" * 30)
            self.assertEqual(answer.status_code, 303, "an unknown person is anyone")
            self.booking._move(self._utc("2026-03-03 09:00"))
        after = self._snapshot()
        for model in ("payment.booking.reservation", "payment.transaction"):
            self.assertEqual(len(after[model] or ()), len(before[model] or ()), model)

    def test_past_booking_is_left_alone(self):
        with freeze_time("2026-03-03 08:30:00"):
            page = self._get(self.url)
            self.assertNotIn("/cancel", page.text)
            self.assertEqual(self._get(f"{self.url}/cancel").status_code, 303)
            self.assertEqual(self._get(f"{self.url}/move").status_code, 303)
            before = self._snapshot()
            csrf = self._csrf()
            self._post(f"{self.url}/cancel", {"csrf_token": csrf})
            self.assertEqual(self._move("2026-03-04 09:00").status_code, 409)
            self._assert_nothing_written(before)

    def test_cancelled_booking_cannot_be_moved(self):
        self.booking._cancel()
        self.env.flush_all()
        before = self._snapshot()
        self.assertEqual(self._move("2026-03-04 09:00").status_code, 409)
        self._assert_nothing_written(before)

    # === ENDS === #

    def test_page_of_a_hold_is_its_pay_page(self):
        hold = self._place(local="2026-03-05 09:00")
        answer = self._get(hold._get_manage_url())
        self.assertEqual(urlsplit(answer.headers["Location"]).path, hold._get_pay_url())
        with freeze_time("2026-03-02 07:20:00"):
            page = self._get(hold._get_manage_url())
            self.assertEqual(self._title(page), "Your time to pay is over")

    def test_on_site_and_varying_prices(self):
        on_site = self._place(
            self._create_service("Cut", fee_policy="on_site"), "2026-03-05 09:00"
        )
        text = self._text(self._get(on_site._get_manage_url()))
        self.assertIn("60.00", text)
        self.assertIn("at the appointment", text)
        varies = self._place(
            self._create_service("Advice", fee_policy="varies"), "2026-03-06 09:00"
        )
        text = self._text(self._get(varies._get_manage_url()))
        self.assertIn("We will tell you the price", text)
        self.assertNotIn("0.00", text)

    def test_account_is_offered_where_sign_up_is_open(self):
        set_param = self.env["ir.config_parameter"].sudo().set_param
        service = self._create_service("Chat", fee_policy="free", price=0)
        for day, (scope, links) in enumerate((("b2b", 0), ("b2c", 1)), 4):
            with self.subTest(scope):
                set_param("auth_signup.invitation_scope", scope)
                booking = self._place(service, f"2026-03-0{day} 09:00")
                self.env.flush_all()
                page = self._get(booking._get_manage_url())
                found = self._parse(page).xpath("//a[contains(@href, 'token=')]/@href")
                found = [link for link in found if "/web/signup" in link]
                self.assertEqual(len(found), links, "for this very contact")
