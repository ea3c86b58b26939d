import base64
import time
from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tests import new_test_user, tagged
from odoo.tools import file_open

from ..controllers.book import BookingPages
from ..tools.dates import format_start
from .common_browser import BrowserCommon


@tagged("post_install", "-at_install")
class TestGuestTours(BrowserCommon):
    """What a guest does with a phone, in a real browser."""

    debug = "tests"

    def _start(self, url, name):
        self.start_tour(url, f"payment_booking_portal.{name}")

    # === BOOKING === #

    def test_guest_pays(self):
        self._start("/book", "guest_pays")
        booking = self.get_booking()
        self.assert_paid(booking)
        self.assertEqual(booking.client_email, "marie@example.com")
        self.assertEqual(booking.amount_total, 60.0)

    def test_guest_pays_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self._start("/fr/book", "guest_pays_in_french")
        booking = self.get_booking()
        self.assert_paid(booking)
        self.assertEqual(booking.partner_id.lang, "fr_FR")

    def test_guest_books_free(self):
        service = self._create_service("First talk", fee_policy="free", price=0)
        self._start("/book", "guest_books_free")
        booking = self.get_booking(service)
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(booking.invoice_id)

    def test_guest_pays_later(self):
        service = self._create_service(
            "Massage", fee_policy="suggested", location_type="online"
        )
        self._start("/book", "guest_pays_later")
        booking = self.get_booking(service)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.payment_coverage, "none")
        self.assertFalse(booking.invoice_id, "nothing is written before money")

    def test_guest_is_too_slow(self):
        self.service.group_ids.resource_ids = self.anna
        start = self.service._get_slots(
            *self.service._get_booking_window(),
        )[5]
        # Another guest books while the details of the first one are shown.
        render = BookingPages._render_details

        def render_and_lose(page, service, choice, *args, **kwargs):
            response = render(page, service, choice, *args, **kwargs)
            response.flatten()
            if choice["start"] == start:
                service.env["payment.booking"]._place(
                    service, start, {"guest_name": "Quick"}, visitor_key="quick"
                )
            return response

        query = f"start={format_start(start)}"
        with patch.object(BookingPages, "_render_details", render_and_lose):
            self._start(
                f"{self.service._get_book_url()}/details?{query}", "guest_is_too_slow"
            )
        self.env.invalidate_all()
        bookings = self.env["payment.booking"].search(
            [("service_id", "=", self.service.id)]
        )
        self.assertEqual(bookings.mapped("state"), ["hold", "hold"])
        at_start = bookings.filtered(lambda booking: booking.start == start)
        self.assertEqual(at_start.guest_name, "Quick")

    # === PAYING === #

    def test_guest_is_declined(self):
        booking = self.book()
        self._start(booking._get_pay_url(), "guest_is_declined")
        self.assert_paid(self.get_booking())
        transactions = booking._get_allocations().transaction_id
        self.assertEqual(sorted(transactions.mapped("state")), ["done", "error"])

    def test_guest_transfers(self):
        self.create_bank()
        self.service.notice_hours = 24 * 8
        booking = self.book()
        self._start(booking._get_pay_url(), "guest_transfers")
        self.env.invalidate_all()
        self.assertEqual(booking.state, "hold")
        self.assertGreater(
            booking.hold_until, fields.Datetime.now() + timedelta(days=2)
        )
        self.assertEqual(booking.payment_coverage, "processing")
        # The money is on the account: staff says so.
        transaction = booking._get_allocations().transaction_id
        transaction._set_done()
        transaction._post_process()
        self.assert_paid(booking)

    # === MANAGING === #

    def test_guest_moves(self):
        self.service.fee_policy = "on_site"
        booking = self.book()
        before = booking.start
        self._start(booking._get_manage_url(), "guest_moves")
        self.env.invalidate_all()
        self.assertEqual(booking.state, "confirmed")
        self.assertGreater(booking.start, before)
        self.assertEqual(booking.event_ids.start, booking.start)
        self.assertIn(before, self.service._get_next_slots(before))

    def test_guest_cancels(self):
        self.service.fee_policy = "on_site"
        booking = self.book()
        self._start(booking._get_manage_url(), "guest_cancels")
        self.env.invalidate_all()
        self.assertEqual(booking.state, "cancelled")
        self.assertFalse(booking.event_ids.filtered("active"))
        self.assertIn(booking.start, self.service._get_next_slots(booking.start))


@tagged("post_install", "-at_install")
class TestManagerTours(BrowserCommon):
    """What a manager does at a desk, with no other rights than our manager's."""

    browser_size = "1366x768"
    touch_enabled = False
    debug = "tests"

    def setUp(self):
        super().setUp()
        self.manager = new_test_user(
            self.env,
            "first_service_manager",
            groups="base.group_user,payment_booking_portal.group_manager",
            name="Mona Manager",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
            tz="Europe/Brussels",
        )

    def _start(self, name, lang=None):
        """Walk through a tour as the manager and return the service made on the way."""
        if lang:
            self.env["res.lang"]._activate_lang(lang)
            self.manager.lang = lang
        self.start_tour(
            "/odoo", f"payment_booking_portal.{name}", login=self.manager.login
        )
        self.env.invalidate_all()
        service = self.env["payment.booking.service"].search(
            [("name", "=", "Hot stones")]
        )
        self.assertEqual((service.duration, service.price), (75, 85.0))
        self.assertFalse(service.closed_reason)
        self.assertEqual(service.company_id, self.company)
        self.assertEqual(service.group_ids.resource_ids.user_id, self.manager)
        self.assertEqual(service.create_uid, self.manager)
        return service

    def test_manager_first_service(self):
        self._start("manager_first_service")

    def test_manager_first_service_in_french(self):
        self._start("manager_first_service", "fr_FR")

    def _prepare_fresh_company(self):
        """Leave to do: the address of the business, and a first service."""
        self.service.active = False
        icon = "payment_booking_portal/static/description/icon.png"
        with file_open(icon, "rb") as file:
            logo = base64.b64encode(file.read())
        self.company.write(
            {
                "name": "Studio",
                "street": False,
                "city": False,
                "logo": logo,
                "phone": "+32 2 555 01 01",
            }
        )

    def test_manager_gets_started(self):
        self._prepare_fresh_company()
        self._start("manager_getting_started")
        self.assertEqual(self.company.street, "Rue Haute 1")
        self.assertEqual(self.company.city, "Brussels")

    def test_manager_gets_started_in_french(self):
        self._prepare_fresh_company()
        self._start("manager_getting_started", "fr_FR")
        self.assertEqual(self.company.street, "Rue Haute 1")

    def _make_widget(self, lang):
        self.env["res.lang"]._activate_lang(lang)
        self.manager.lang = lang
        self.env["payment.widget"].search([]).unlink()
        self.start_tour(
            "/odoo",
            "payment_booking_portal.manager_makes_widget",
            login=self.manager.login,
        )
        self.env.invalidate_all()
        widget = self.env["payment.widget"].search([])
        self.assertEqual((widget.name, widget.create_uid), ("Home page", self.manager))
        self.assertEqual(widget.company_id, self.company)
        self.assertTrue(widget.can_book and widget.can_account)
        self.assertEqual(widget.color, "#aa3355")
        self.assertEqual(widget.allowed_sites, "https://www.studio.example")

    def test_manager_makes_widget(self):
        self._make_widget("en_US")

    def test_manager_makes_widget_in_french(self):
        self._make_widget("fr_FR")

    def test_manager_mends_what_is_red(self):
        company = self.company
        company.booking_mail_result = "login"
        company._note_readiness(1)
        with self.open_page(self.manager.login) as page:
            page.goto("/odoo/booking-overview")
            page.click(".o_payment_readiness_sign")
            red = ".o_payment_readiness_row[data-level='red'][data-key='mail']"
            page.click(f"{red} button")
            page.find(".modal button[name='action_send']")
            # The administrator mends it meanwhile.
            address = company._get_booking_mail_server()[1]
            company.write(
                {
                    "booking_mail_result": "sent",
                    "booking_mail_tested_at": company.write_date,
                    "booking_mail_server": address,
                }
            )
            self.env.flush_all()
            page.click(".modal .btn-close")
            page.find(".o_payment_readiness_row[data-level='green'][data-key='mail']")
            page.wait_for("!document.querySelector('.o_payment_readiness_sign')")


@tagged("post_install", "-at_install")
class TestStaffTours(BrowserCommon):
    """What the reception does, with no other rights than our user's."""

    browser_size = "1366x768"
    touch_enabled = False
    debug = "tests"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.reception = new_test_user(
            cls.env,
            "tour_reception",
            groups="base.group_user,payment_booking_portal.group_user",
            name="Rosa Reception",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
            tz="Europe/Brussels",
        )

    def _start(self, name):
        self.start_tour(
            "/odoo", f"payment_booking_portal.{name}", login=self.reception.login
        )

    def _book_with_link(self, lang):
        self.reception.lang = lang
        self._start("staff_books_with_link")
        booking = self.get_booking()
        self.assertEqual(
            (booking.state, booking.placed_by_id), ("hold", self.reception)
        )
        self.assertEqual(booking.partner_id.email, "zoe@example.com")
        mail = self.env["mail.mail"].search(
            [("model", "=", "payment.booking"), ("res_id", "=", booking.id)]
        )
        self.assertIn(booking._get_pay_url(), mail.body_html)
        self.assertIn("See you soon!", mail.body_html)

    def test_staff_books_with_link(self):
        self._book_with_link("en_US")

    def test_staff_books_with_link_in_french(self):
        self._book_with_link("fr_FR")

    def _do_today(self, lang):
        self.reception.lang = lang
        self.service.fee_policy = "on_site"
        booking = self.env["payment.booking"].create(
            {
                "service_id": self.service.id,
                "start": fields.Datetime.now().replace(second=0),
                "guest_name": "Zoé Client",
                "guest_email": "zoe@example.com",
            }
        )
        booking.action_place()
        self._start("staff_today")
        self.env.invalidate_all()
        self.assert_paid(booking)
        self.assertEqual(booking.attendance, "attended")
        terminal = self.env.ref("payment_booking_portal.payment_method_terminal")
        transaction = booking.sudo().allocation_ids.transaction_id
        self.assertEqual(transaction.payment_method_id, terminal)

    def test_today(self):
        self._do_today("en_US")

    def test_today_in_french(self):
        self._do_today("fr_FR")

    # === PAYMENT REQUESTS === #

    def _create_client(self):
        return self.env["res.partner"].create(
            {"name": "Zoé Client", "email": "zoe@example.com", "lang": "fr_FR"}
        )

    def _get_request(self, client):
        self.env.invalidate_all()
        request = self.env["payment.request"].search([("partner_id", "=", client.id)])
        self.assertEqual(len(request), 1)
        return request

    def _send_link(self, lang):
        self.reception.lang = lang
        client = self._create_client()
        self._start("staff_sends_link")
        request = self._get_request(client)
        self.assertEqual((request.state, request.amount), ("sent", 75))
        self.assertEqual(request.user_id, self.reception)
        message = request.message_ids.filtered("notification_ids")
        self.assertEqual(message.notified_partner_ids, client)
        self.assertIn(request._get_pay_url(), message.body)

    def test_staff_sends_link(self):
        self._send_link("en_US")

    def test_staff_sends_link_in_french(self):
        self._send_link("fr_FR")

    def _record_payment(self, lang):
        self.reception.lang = lang
        client = self._create_client()
        self._start("staff_records")
        request = self._get_request(client)
        self.assertEqual((request.state, request.amount_paid), ("paid", 40))
        terminal = self.env.ref("payment_booking_portal.payment_method_terminal")
        transaction = request.sudo().allocation_ids.transaction_id
        self.assertEqual(transaction.payment_method_id, terminal)

    def test_staff_records(self):
        self._record_payment("en_US")

    def test_staff_records_in_french(self):
        self._record_payment("fr_FR")

    def test_staff_matches(self):
        client = self._create_client()
        invoice = self._create_invoice([200], partner_id=client.id)
        invoice.action_post()
        request = self.env["payment.request"].create(
            {"partner_id": client.id, "amount": 120}
        )
        request.action_make_link()
        cash = self.env.ref("payment_booking_portal.payment_method_cash")
        request._record_payment(120, cash)
        self.reception.group_ids = [
            Command.link(self.env.ref("account.group_account_invoice").id)
        ]
        self._start("staff_matches")
        self.env.invalidate_all()
        self.assertEqual(invoice.amount_residual, 80)

    def test_booking_is_dragged(self):
        """Drag a booking with the mouse: it moves, or goes back when it cannot."""
        self.service.fee_policy = "on_site"
        self.service.group_ids.resource_ids = self.anna
        day = fields.Datetime.now().replace(hour=11, minute=0, second=0)
        monday = day + timedelta(days=7 - day.weekday())
        booking, other = (
            self.env["payment.booking"].create(
                {"service_id": self.service.id, "start": start, "guest_name": name}
            )
            for name, start in (
                ("Dragged", monday),
                ("Other", monday + timedelta(days=2)),
            )
        )
        (booking + other).action_place()
        with self.open_page(login=self.reception.login) as page:
            page.resize(1366, 1600)
            page.goto("/odoo/bookings")
            page.click(".o_calendar_button_next")
            page.drag(".fc-event", "Dragged", ".fc-event", "Other")
            page.wait_for(
                "document.querySelector('.modal')?.innerText.includes('Anna')",
                "no word about Anna",
            )
            page.click(".modal .btn-primary")
            page.wait_for(
                "document.querySelector('.modal')?.innerText.includes('not free')",
                "the refusal does not show",
            )
            page.click(".modal .btn-primary")
            page.wait_for("!document.querySelector('.modal')")
            page.drag(".fc-event", "Dragged", ".fc-day-tue.fc-timegrid-col", "")
            page.click(".modal .btn-primary")  # a quarter past: not on the grid
            page.wait_for("document.querySelector('.fc-day-tue .fc-event')")
            for _moment in range(100):  # until the server has answered
                with self.registry.cursor() as cr:  # waits for a request that runs
                    cr.execute(
                        "SELECT start FROM payment_booking WHERE id = %s", [booking.id]
                    )
                    [(start,)] = cr.fetchall()
                if start != monday:
                    break
                time.sleep(0.1)
        self.env.invalidate_all()
        self.assertEqual(booking.start.date(), (monday + timedelta(days=1)).date())
        self.assertEqual(other.start, monday + timedelta(days=2))
