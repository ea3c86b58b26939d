import base64

from psycopg2 import IntegrityError

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import file_open, mute_logger

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBusiness(BookingCommon):
    """A manager, no administrator, tells who the business is and when it is open."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.other = cls._create_other_company()

    @classmethod
    def _create_colleague(cls, name, groups):
        return new_test_user(
            cls.env,
            login=f"pbp_business_{name}",
            groups=groups,
            tz="Europe/Paris",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _business(self, **context):
        return (
            self.env["payment.booking.business"]
            .with_user(self.manager)
            .with_context(**context)
        )

    def _hours(self):
        return [
            (row.dayofweek, row.hour_from, row.hour_to)
            for row in self.calendar.attendance_ids.sorted("dayofweek")
        ]

    # === THE BUSINESS === #

    def test_form_shows_what_is_there(self):
        self.company.write({"street": "Rue Haute 1", "phone": "+32 2 555 01 01"})
        with Form(self._business()) as form:
            self.assertEqual(form.name, self.company.name)
            self.assertEqual(form.street, "Rue Haute 1")
            self.assertEqual(form.phone, "+32 2 555 01 01")
            self.assertEqual(form.tz, "Europe/Brussels")
            self.assertEqual(len(form.hour_ids), 5)

    def test_manager_changes_the_business(self):
        with file_open("payment_booking_portal/static/description/icon.png", "rb") as f:
            logo = base64.b64encode(f.read())
        hours = self._hours()
        with Form(self._business(default_part="business")) as form:
            form.name = "Studio Lumen"
            form.logo = logo
            form.street = "Rue Haute 1"
            form.zip = "1000"
            form.city = "Brussels"
            form.country_id = self.env.ref("base.be")
            form.phone = "+32 2 555 01 01"
            form.email = "hello@example.com"
        form.record.action_save()
        company = self.company
        self.env.invalidate_all()
        self.assertEqual(company.name, "Studio Lumen")
        self.assertEqual(company.partner_id.street, "Rue Haute 1")
        self.assertEqual(company.partner_id.country_id, self.env.ref("base.be"))
        self.assertEqual((company.zip, company.city), ("1000", "Brussels"))
        self.assertEqual(company.phone, "+32 2 555 01 01")
        self.assertEqual(company.email, "hello@example.com")
        self.assertFalse(company.uses_default_logo)
        self.assertEqual(self._hours(), hours)

    def test_business_without_logo_keeps_the_default(self):
        with Form(self._business(default_part="business")) as form:
            self.assertFalse(form.logo)
            form.phone = "+32 2 555 01 01"
        form.record.action_save()
        self.assertTrue(self.company.uses_default_logo)
        self.assertTrue(self.company.logo)

    # === HOURS === #

    def test_manager_changes_the_hours(self):
        with Form(self._business(default_part="hours")) as form:
            while len(form.hour_ids) > 1:
                form.hour_ids.remove(1)
            with form.hour_ids.edit(0) as row:
                row.hour_from = 10
                row.hour_to = 12.5
            with form.hour_ids.new() as row:
                row.dayofweek = "0"
                row.hour_from = 14
                row.hour_to = 18
        form.record.action_save()
        self.assertEqual(self._hours(), [("0", 10, 12.5), ("0", 14, 18)])
        self.assertEqual(
            self._labels(self.service, "2026-03-09"),
            "10:00 10:30 11:00 11:30 14:00 14:30 15:00 15:30 16:00 16:30 17:00".split(),
        )
        self.assertEqual(self._labels(self.service, "2026-03-10"), [])

    def test_new_time_zone_moves_the_people_too(self):
        self.ben.tz = "Asia/Tokyo"  # who works from elsewhere stays there
        with Form(self._business(default_part="hours")) as form:
            form.tz = "America/New_York"
        form.record.action_save()
        self.assertEqual(self.calendar.tz, "America/New_York")
        self.assertEqual(self.anna.tz, "America/New_York")
        self.assertEqual(self.ben.tz, "Asia/Tokyo")
        self.assertEqual(self.company._get_booking_tz(), "America/New_York")
        self.service.group_ids.resource_ids = self.anna
        labels = self._labels(self.service, "2026-03-09", tz="America/New_York")
        self.assertEqual((labels[0], labels[-1]), ("09:00", "16:00"))

    def test_same_hours_keep_the_break(self):
        self.calendar.attendance_ids = [
            Command.clear(),
            *(
                Command.create(
                    {
                        "name": period,
                        "dayofweek": "0",
                        "hour_from": start,
                        "hour_to": stop,
                        "day_period": period,
                    }
                )
                for period, start, stop in (
                    ("morning", 9, 12),
                    ("lunch", 12, 13),
                    ("afternoon", 13, 17),
                )
            ),
        ]
        rows = self.calendar.attendance_ids
        with Form(self._business(default_part="hours")) as form:
            self.assertEqual(len(form.hour_ids), 2)
            form.tz = "Europe/Paris"
        form.record.action_save()
        self.assertEqual(self.calendar.attendance_ids, rows)

    def test_zone_of_the_user_is_proposed_when_there_is_none(self):
        self.calendar.tz = "UTC"
        self.assertEqual(Form(self._business()).tz, "Europe/Paris")

    def test_hours_of_two_weeks_are_left_alone(self):
        self.calendar.switch_calendar_type()
        rows = self.calendar.attendance_ids
        with Form(self._business()) as form:
            self.assertTrue(form.has_other_hours)
            form.phone = "+32 2 555 01 01"
        form.record.action_save()
        self.assertEqual(self.calendar.attendance_ids, rows)
        self.assertEqual(self.company.phone, "+32 2 555 01 01")

    def test_calendar_of_several_companies_is_copied(self):
        self.calendar.company_id = False
        self.other.resource_calendar_id = self.calendar
        hours = self._hours()
        with Form(self._business(default_part="hours")) as form:
            while len(form.hour_ids) > 1:
                form.hour_ids.remove(1)
        form.record.action_save()
        own = self.company.resource_calendar_id
        self.assertNotEqual(own, self.calendar)
        self.assertEqual(own.company_id, self.company)
        self.assertEqual(len(own.attendance_ids), 1)
        self.assertEqual(self.anna.calendar_id, own)
        self.assertEqual(self.service.calendar_id, own)
        self.assertEqual(self.other.resource_calendar_id, self.calendar)
        self.assertEqual(self._hours(), hours)

    def test_closed_every_day_is_refused(self):
        with Form(self._business(default_part="hours")) as form:
            while len(form.hour_ids):
                form.hour_ids.remove(0)
        with self.assertRaises(UserError):
            form.record.action_save()

    @mute_logger("odoo.sql_db")
    def test_hours_end_after_they_begin(self):
        business = self._business().create({})
        with self.assertRaises(IntegrityError), self.cr.savepoint():
            business.hour_ids[0].hour_to = 8

    # === RIGHTS === #

    def test_plain_user_changes_nothing(self):
        Business = self.env["payment.booking.business"].with_user(self.user)
        with self.assertRaises(AccessError):
            Business.create({})
        with self.assertRaises(AccessError):
            Business.default_get(["name"])
        with self.assertRaises(AccessError):
            Business.browse(self._business().create({}).id).action_save()

    def test_company_of_others_is_refused(self):
        with self.assertRaises(AccessError):
            self._business(allowed_company_ids=self.other.ids).create({})
        business = self._business().create(
            {"company_id": self.other.id, "name": "Stolen"}
        )
        with self.assertRaises(AccessError):
            business.action_save()
        self.assertNotEqual(self.other.name, "Stolen")

    def test_company_that_is_not_the_current_one_is_refused(self):
        self.manager.company_ids += self.other
        business = self._business(
            allowed_company_ids=[self.company.id, self.other.id]
        ).create({"name": "Studio"})
        elsewhere = business.with_context(
            allowed_company_ids=[self.other.id, self.company.id]
        )
        with self.assertRaises(AccessError):
            elsewhere.action_save()
        business.action_save()
        self.assertEqual(self.company.name, "Studio")
        self.assertNotEqual(self.other.name, "Studio")

    def test_other_fields_are_not_reached(self):
        with self.assertRaises(ValueError):
            self._business().create({"currency_id": self.currency_euro.id})
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).name = "Mine"
        with self.assertRaises(AccessError):
            self.company.with_user(self.manager).booking_shared_at = NOW
