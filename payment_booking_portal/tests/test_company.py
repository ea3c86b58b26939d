from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW
from .http_common import BookingHttpCommon

OURS = (
    "payment.booking",
    "payment.booking.service",
    "payment.booking.session",
    "payment.booking.seat",
    "product.booking.resource.group",
    "payment.transaction.allocation",
)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestCompany(BookingHttpCommon):
    """Two companies in one database, and nothing of one in the other (invariant 10)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.other = cls._create_other_company()
        cls.other_manager = new_test_user(
            cls.env,
            login="pbp_other_manager",
            groups="payment_booking_portal.group_manager",
            tz="Europe/Brussels",
            company_id=cls.other.id,
            company_ids=[Command.set(cls.other.ids)],
        )
        cls.both_manager = new_test_user(
            cls.env,
            login="pbp_both_manager",
            groups="payment_booking_portal.group_manager",
            company_id=cls.company.id,
            company_ids=[Command.set((cls.company + cls.other).ids)],
        )
        cls.yoga = cls._create_service("Yoga", seats=3)

    def setUp(self):
        super().setUp()
        self.booking = self._place(self.yoga)
        self._pay(self.booking)

    def _as(self, user, record):
        return record.with_user(user).sudo(False)

    def test_other_company_sees_nothing(self):
        for model in OURS:
            with self.subTest(model):
                records = self.env[model].sudo().search([])
                self.assertTrue(records, "there is something to see")
                seen = self._as(self.other_manager, self.env[model]).search([])
                self.assertFalse(seen)
                with self.assertRaises(AccessError):
                    self._as(self.other_manager, records[:1]).read(["display_name"])

    def test_other_company_changes_nothing(self):
        booking = self._as(self.other_manager, self.booking)
        for call in (
            lambda: booking.write({"attendance": "attended"}),
            lambda: booking.action_confirm_anyway("mine"),
            booking.action_cancel,
            booking.action_attended,
            booking.unlink,
            lambda: self._as(self.other_manager, self.yoga).write({"name": "Mine"}),
            lambda: self._as(self.other_manager, self.people).unlink(),
            lambda: self._as(self.other_manager, self.env["payment.booking"])
            .create({"service_id": self.yoga.id, "start": "2026-03-05 09:00:00"})
            .action_place(),
        ):
            with self.assertRaises(AccessError):
                call()
        self.assertEqual(self.booking.state, "confirmed")

    def test_chosen_companies_count(self):
        services = self._as(self.both_manager, self.env["payment.booking.service"])
        for companies, seen in ((self.company, True), (self.other, False)):
            found = services.with_context(allowed_company_ids=companies.ids).search([])
            self.assertEqual(self.yoga in found, seen)

    def _create_other_service(self):
        self.other.resource_calendar_id = self.env["resource.calendar"].create(
            {"name": "Theirs", "company_id": self.other.id}
        )
        return self._as(self.other_manager, self.env["payment.booking.service"]).create(
            {"name": "Theirs", "fee_policy": "on_site", "price": 10.0}
        )

    def test_each_company_has_its_page(self):
        service = self._create_other_service()
        self.env.flush_all()
        page = self._text(self._get("/book"))
        self.assertIn("Yoga", page)
        self.assertNotIn("Theirs", page)
        page = self._text(self._get(f"/book/at/{self.other.id}"))
        self.assertNotIn("Yoga", page)
        self.assertIn("Theirs", page)
        self.assertEqual(self._get(service._get_book_url()).status_code, 200)

    def test_service_of_another_company_does_not_mix(self):
        service = self._create_other_service()
        self.assertEqual(service.company_id, self.other)
        self.assertEqual(service.product_id.company_id, self.other)
        self.assertEqual(service.group_ids.company_id, self.other)
        for values in (
            {"group_ids": [Command.link(self.people.id)]},
            {"product_id": self.yoga.product_id.id},
            {"calendar_id": self.calendar.id},
        ):
            with self.subTest(values=values), self.assertRaises(UserError):
                service.sudo().write(values)

    def test_required_service_needs_a_provider_of_its_own(self):
        service = self._create_other_service().sudo()
        self.assertTrue(service._is_open())
        service.fee_policy = "required"
        self.assertFalse(service._is_open(), "the studio's provider is not theirs")

    def test_money_goes_to_the_company_of_the_booking(self):
        tx = self.booking.allocation_ids.transaction_id
        self.assertEqual(tx.company_id, self.company)
        self.assertEqual(tx.payment_id.company_id, self.company)
        self.assertEqual(self.booking.invoice_id.company_id, self.company)

    def test_unpublished_page_is_not_shown_to_the_other_company(self):
        self.yoga.is_published = False
        self.env.flush_all()
        self.authenticate(self.other_manager.login, self.other_manager.login)
        self.assertEqual(self._get(self.yoga._get_book_url()).status_code, 404)
