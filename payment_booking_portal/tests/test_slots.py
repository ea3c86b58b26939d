from datetime import date, datetime, timedelta
from unittest.mock import patch

import pytz

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from ..exceptions import SlotTaken
from .common import NOW, BookingCommon

DAY = "2026-03-03"  # a Tuesday
SPRING = "2026-03-29"  # clocks go from 2:00 to 3:00 in Brussels
AUTUMN = "2026-10-25"  # clocks go from 3:00 back to 2:00


class SlotsCommon(BookingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna_alone = cls._create_group("Anna alone", cls.anna)
        cls.ben_alone = cls._create_group("Ben alone", cls.ben)

    def _free(self, name, groups=None, **values):
        """Return a service without payment, of Anna alone by default."""
        groups = groups or self.anna_alone
        return self._create_service(
            name, **{"fee_policy": "free", "group_ids": [(6, 0, groups.ids)], **values}
        )

    def _book(self, service, local, **kwargs):
        return self._place(service, local, **kwargs)

    def _place_at(self, service, start, **values):
        return self.env["payment.booking"]._place(
            service, start, {"guest_name": "Zoé Client", **values}
        )

    def _refuse(self, service, local, **kwargs):
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(service, local, **kwargs)

    def _leave(self, first, last, **values):
        return self.env["resource.calendar.leaves"].create(
            {
                "name": "Leave",
                "company_id": self.company.id,
                "date_from": self._utc(first),
                "date_to": self._utc(last),
                **values,
            }
        )

    def _range(self, first, last, step=30):
        """Return the labels from one to another, both included."""
        moment = datetime.strptime(first, "%H:%M")
        labels = []
        while moment <= datetime.strptime(last, "%H:%M"):
            labels.append(f"{moment:%H:%M}")
            moment += timedelta(minutes=step)
        return labels


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSlots(SlotsCommon):
    """The starts of one day: who is free for the whole duration, on the grid."""

    def test_plain_day(self):
        service = self._free("Chat")
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))
        self.assertEqual(self._labels(service, "2026-03-07"), [], "a Saturday")

    def test_union_of_free_times_is_nobodys(self):
        service = self._free("Long", self.people, duration=120)
        one_hour = {
            person: self._free(f"One {person.name}", group)
            for person, group in (
                (self.anna, self.anna_alone),
                (self.ben, self.ben_alone),
            )
        }
        self._book(one_hour[self.anna], f"{DAY} 10:00")
        self._book(one_hour[self.ben], f"{DAY} 09:00")
        labels = self._labels(service, DAY)
        self.assertEqual(labels, self._range("10:00", "15:00"))
        for local in ("08:30", "09:00", "09:30"):
            self._refuse(service, f"{DAY} {local}")
        self.assertEqual(self._book(service, f"{DAY} 10:00").resource_ids, self.ben)

    def test_grid_after_a_45_minute_booking(self):
        short = self._free("Short", duration=45, step=15)
        service = self._free("Chat")
        self._book(short, f"{DAY} 09:00")
        self.assertEqual(self._labels(service, DAY), self._range("10:00", "16:00"))
        self._refuse(service, f"{DAY} 09:45")

    def test_back_to_back(self):
        short = self._free("Short", duration=45, step=15)
        service = self._free("Chat", back_to_back=True)
        self._book(short, f"{DAY} 09:00")
        labels = self._labels(service, DAY)
        self.assertEqual(labels, ["09:45", *self._range("10:00", "16:00")])
        self._book(service, f"{DAY} 09:45")
        self.assertEqual(
            self._labels(service, DAY), ["10:45", *self._range("11:00", "16:00")]
        )

    def test_back_to_back_belongs_to_who_ends(self):
        short = self._free("Short", self.anna_alone, duration=45, step=15)
        service = self._free("Chat", self.people, back_to_back=True)
        self._book(short, f"{DAY} 09:00")
        self.assertIn("09:45", self._labels(service, DAY))
        self.assertNotIn("09:45", self._labels(service, DAY, resource=self.ben))
        booking = self._book(service, f"{DAY} 09:45")
        self.assertEqual(booking.resource_ids, self.anna)

    def test_back_to_back_minds_the_buffers(self):
        short = self._free("Short", duration=45, step=15, buffer_after=10)
        service = self._free("Chat", back_to_back=True, buffer_before=5)
        self._book(short, f"{DAY} 09:00")
        labels = self._labels(service, DAY)
        self.assertEqual(labels[:2], ["10:00", "10:30"], "45 + 10 + 5 is on the grid")
        self._refuse(service, f"{DAY} 09:55")

    def test_refused_times(self):
        service = self._free("Chat", notice_hours=26, horizon_days=30)
        service.name = "Chat with notice"
        now = datetime.fromisoformat(NOW)
        self.assertEqual(now, self._utc("2026-03-02 08:00"))
        self.assertEqual(self._labels(service, DAY)[0], "10:00", "26 hours later")
        for local in (
            "2026-02-24 10:00",  # past
            "2026-03-02 10:00",  # today, too near
            f"{DAY} 09:30",  # inside the notice
            f"{DAY} 10:15",  # off the grid
            f"{DAY} 10:01",
            f"{DAY} 16:30",  # ends after the hours
            f"{DAY} 08:30",  # before the hours
            "2026-03-08 10:00",  # a Sunday
            "2026-04-01 10:00",  # the first after the horizon
            "2099-03-03 10:00",
        ):
            with self.subTest(local=local):
                day = local[:10]
                self.assertNotIn(local[11:], self._labels(service, day))
                self._refuse(service, local)
        self._book(service, f"{DAY} 10:00")
        self._book(service, "2026-03-31 16:00")

    def test_seconds_are_off_the_grid(self):
        service = self._free("Chat")
        for odd in ({"seconds": 1}, {"seconds": 59}):
            start = self._utc(f"{DAY} 10:00") + timedelta(**odd)
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place_at(service, start)

    def test_far_and_empty_periods(self):
        service = self._free("Chat")
        for first, last in (
            (datetime(1990, 1, 1), datetime(1990, 2, 1)),
            (datetime(2099, 1, 1), datetime(2099, 2, 1)),
            (datetime(2026, 3, 5), datetime(2026, 3, 4)),
            (datetime(2026, 3, 4), datetime(2026, 3, 4)),
        ):
            self.assertEqual(service._get_slots(first, last), [])

    def test_shared_resource(self):
        first = self._free("Chat")
        second = self._free("Talk", duration=30)
        self._book(first, f"{DAY} 10:00")
        labels = self._labels(second, DAY)
        self.assertEqual(
            labels, self._range("09:00", "09:30") + self._range("11:00", "16:30")
        )
        self._refuse(second, f"{DAY} 10:30")

    def test_two_groups_one_of_them_full(self):
        service = self._free("Massage", self.people + self.rooms)
        booking = self._book(service, f"{DAY} 10:00")
        self.assertEqual(booking.resource_ids, self.anna + self.room)
        labels = self._labels(service, DAY)
        self.assertEqual(labels, ["09:00", *self._range("11:00", "16:00")])
        self._refuse(service, f"{DAY} 10:00")
        self.assertIn("10:00", self._labels(self._free("Chat", self.ben_alone), DAY))

    def test_empty_group(self):
        nobody = self._create_group("Nobody", self.env["resource.resource"])
        service = self._free("Never", self.people + nobody)
        self.assertEqual(self._labels(service, DAY), [])
        archived = self._create_resource("Archived", active=False)
        nobody.resource_ids = archived
        self.assertEqual(self._labels(service, DAY), [])

    def test_resource_in_two_groups_serves_one(self):
        both = self._create_group("Anna again", self.anna)
        service = self._free("Impossible", self.anna_alone + both)
        self.assertEqual(self._labels(service, DAY), [])
        self._refuse(service, f"{DAY} 10:00")
        possible = self._free("Four hands", self.people + both)
        self.assertEqual(self._labels(possible, DAY), self._range("09:00", "16:00"))
        booking = self._book(possible, f"{DAY} 10:00")
        self.assertEqual(booking.resource_ids, self.anna + self.ben)
        self._book(self._free("Chat", self.ben_alone), f"{DAY} 14:00")
        self.assertNotIn("14:00", self._labels(possible, DAY))

    def test_buffers_meet(self):
        before = self._free("Before", buffer_after=15)
        after = self._free("After", buffer_before=15, step=15)
        self._book(before, f"{DAY} 10:00")
        # 11:00 + 15 after the first + 15 before the second.
        labels = self._labels(after, DAY)
        self.assertNotIn("11:15", labels)
        self.assertIn("11:30", labels)
        self.assertIn("09:00", labels)
        self.assertNotIn("09:15", labels)
        self._refuse(after, f"{DAY} 11:15")
        self._book(after, f"{DAY} 11:30")
        # The other way round: 12:30 is the end, no buffer after, none before.
        self.assertIn("12:30", self._labels(before, DAY))
        # 10:00 less 15 before leaves an hour and a quarter, buffer after included.
        self.assertNotIn("09:00", self._labels(self._free("C", buffer_after=1), DAY))
        self.assertIn("09:00", self._labels(self._free("D"), DAY))

    def test_buffers_may_lie_outside_the_hours(self):
        service = self._free("Chat", buffer_before=30, buffer_after=30)
        labels = self._labels(service, DAY)
        self.assertEqual((labels[0], labels[-1]), ("09:00", "16:00"))

    def test_the_service_has_a_schedule_too(self):
        mornings = self._create_calendar("Mornings", (1, 3), 8, 12)
        service = self._free("Chat", calendar_id=mornings.id)
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "11:00"))
        self.assertEqual(self._labels(service, "2026-03-04"), [])
        service.calendar_id = False
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def test_grid_starts_at_the_opening(self):
        odd = self._create_calendar("Odd", range(5), 9 + 20 / 60, 12)
        service = self._free("Chat", calendar_id=odd.id, duration=30)
        self.assertEqual(
            self._labels(service, DAY), ["09:20", "09:50", "10:20", "10:50", "11:20"]
        )

    def test_wanted_resource(self):
        service = self._free("Chat", self.people)
        self._book(self._free("Talk"), f"{DAY} 10:00")
        self.assertIn("10:00", self._labels(service, DAY))
        self.assertNotIn("10:00", self._labels(service, DAY, resource=self.anna))
        self._refuse(service, f"{DAY} 10:00", resource=self.anna)
        booking = self._book(service, f"{DAY} 10:00", resource=self.ben)
        self.assertEqual(booking.resource_ids, self.ben)

    def test_nearest_slots(self):
        service = self._free("Chat")
        self._book(service, f"{DAY} 10:00")
        wanted = self._utc(f"{DAY} 10:00")
        near = service._get_next_slots(wanted)
        self.assertEqual(
            [slot - wanted for slot in near],
            [timedelta(hours=-1), timedelta(hours=1), timedelta(minutes=90)],
        )
        self._leave("2026-03-02 00:00", "2026-03-20 23:59")
        near = service._get_next_slots(wanted)
        self.assertEqual(near[0], self._utc("2026-03-23 09:00"))
        self.assertEqual(len(near), 3)
        self.assertEqual(
            service._get_next_slot_after(wanted), self._utc("2026-03-23 09:00")
        )
        self._leave("2026-03-02 00:00", "2026-06-30 23:59")
        self.assertEqual(service._get_next_slots(wanted), [])
        self.assertIsNone(service._get_next_slot_after(wanted))

    # === WHO DOES IT === #

    def test_fixed_assignment(self):
        service = self._free("Chat", self.people, assignment="fixed")
        self.assertEqual(self._book(service, f"{DAY} 10:00").resource_ids, self.anna)
        self.assertEqual(self._book(service, f"{DAY} 10:00").resource_ids, self.ben)
        self.assertEqual(self._book(service, f"{DAY} 12:00").resource_ids, self.anna)

    def test_least_busy_assignment(self):
        service = self._free("Chat", self.people, assignment="least_busy")
        self._book(self._free("Talk"), f"{DAY} 09:00")
        self.assertEqual(self._book(service, f"{DAY} 12:00").resource_ids, self.ben)
        self.assertEqual(self._book(service, f"{DAY} 14:00").resource_ids, self.anna)
        other_day = self._book(service, "2026-03-04 09:00")
        self.assertEqual(other_day.resource_ids, self.anna, "each day counts alone")

    def test_random_assignment(self):
        service = self._free("Chat", self.people, assignment="random")
        with patch("random.sample", lambda ids, count: list(reversed(ids))[:count]):
            booking = self._book(service, f"{DAY} 10:00")
        self.assertEqual(booking.resource_ids, self.ben)
        with patch("random.sample", lambda ids, count: list(ids)[:count]):
            booking = self._book(service, f"{DAY} 12:00")
        self.assertEqual(booking.resource_ids, self.anna)

    # === WHAT IS SHOWN CAN BE BOOKED === #

    def test_offered_can_be_booked_and_the_rest_cannot(self):
        meeting = self._free("Meeting", duration=90, buffer_after=10)
        room_only = self._free("Room only", self.rooms)
        service = self._free(
            "Massage",
            self.people + self.rooms,
            fee_policy="required",
            duration=75,
            buffer_before=5,
            buffer_after=10,
            back_to_back=True,
        )
        self._book(meeting, f"{DAY} 10:00")
        self._book(room_only, f"{DAY} 14:00")
        self._place(service, "2026-03-04 11:30", visitor_key="held")
        self._leave("2026-03-05 09:00", "2026-03-05 13:00", resource_id=self.anna.id)
        self._leave("2026-03-06 12:00", "2026-03-06 23:00")
        self._place(
            self._create_service("Paid", group_ids=[(6, 0, self.rooms.ids)]),
            "2026-03-05 15:00",
        )
        first = self._utc("2026-03-02 00:00")
        offered = service._get_slots(first, first + timedelta(days=7))
        self.assertGreater(len(offered), 30)
        for start in offered:
            with self.subTest(start=start), self.env.cr.savepoint() as savepoint:
                booking = self._place_at(service, start)
                self.assertEqual(booking.state, "hold")
                savepoint.rollback()
        step = timedelta(minutes=5)
        others = {first + step * n for n in range(7 * 288)} - set(offered)
        sample = sorted(others)[::37]
        self.assertGreater(len(sample), 50)
        for start in sample:
            with self.subTest(start=start), self.assertRaises(SlotTaken):
                with self.env.cr.savepoint():
                    self._place_at(service, start)

    def test_live_hold_is_taken_and_a_lapsed_one_is_not(self):
        paid = self._create_service("Paid", group_ids=[(6, 0, self.anna_alone.ids)])
        service = self._free("Chat")
        with freeze_time(NOW) as clock:
            self._place(paid, f"{DAY} 10:00")
            self.assertNotIn("10:00", self._labels(service, DAY))
            clock.tick(15 * 60 - 1)
            self.assertNotIn("10:00", self._labels(service, DAY))
            clock.tick(1)
            self.assertIn("10:00", self._labels(service, DAY))
            booking = self._book(service, f"{DAY} 10:00")
        self.assertEqual(booking.state, "confirmed")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSlotsHours(SlotsCommon):
    """Working hours, leaves and meetings of Odoo."""

    def test_resource_without_schedule(self):
        self.anna.calendar_id = False
        service = self._free("Chat", calendar_id=False, duration=60, step=60)
        self.assertEqual(len(self._labels(service, DAY)), 24)
        self.assertEqual(len(self._labels(service, "2026-03-08")), 24, "Sundays too")
        service.calendar_id = self.calendar
        self.assertEqual(
            self._labels(service, DAY), self._range("09:00", "16:00", step=60)
        )

    def test_leave_of_a_resource_without_schedule_takes_whole_days(self):
        self.anna.calendar_id = False
        service = self._free("Chat", calendar_id=False, step=60)
        self._leave(f"{DAY} 10:00", f"{DAY} 11:00", resource_id=self.anna.id)
        self.assertEqual(self._labels(service, DAY), [])
        self.assertEqual(self._labels(service, "2026-03-02")[-1], "23:00")
        self.assertEqual(self._labels(service, "2026-03-04")[0], "00:00")

    def test_nobody_works_at_the_same_time(self):
        nights = self._create_calendar("Nights", range(7), 20, 23)
        self.room.calendar_id = nights
        service = self._free("Never", self.people + self.rooms)
        self.assertEqual(self._labels(service, DAY), [])

    def test_two_shifts(self):
        shifts = self._create_calendar("Shifts", range(5), 9, 12)
        shifts.attendance_ids = [
            Command.create(
                {
                    "name": f"Afternoon {day}",
                    "dayofweek": str(day),
                    "hour_from": 13.5,
                    "hour_to": 17,
                    "day_period": "afternoon",
                }
            )
            for day in range(5)
        ] + [
            Command.create(
                {
                    "name": "Lunch",
                    "dayofweek": "1",
                    "hour_from": 12,
                    "hour_to": 13.5,
                    "day_period": "lunch",
                }
            )
        ]
        self.anna.calendar_id = shifts
        service = self._free("Chat", calendar_id=shifts.id)
        self.assertEqual(
            self._labels(service, DAY),
            self._range("09:00", "11:00") + self._range("13:30", "16:00"),
        )

    def test_two_week_calendar(self):
        weeks = self._create_calendar("Weeks", (), 9, 17)
        weeks.two_weeks_calendar = True
        parity = self.env["resource.calendar.attendance"].get_week_type(
            date(2026, 3, 3)
        )
        weeks.attendance_ids = [
            Command.create(
                {
                    "name": "Morning",
                    "dayofweek": "1",
                    "week_type": str(parity),
                    "hour_from": 9,
                    "hour_to": 12,
                    "day_period": "morning",
                }
            ),
            Command.create(
                {
                    "name": "Afternoon",
                    "dayofweek": "1",
                    "week_type": str(1 - parity),
                    "hour_from": 14,
                    "hour_to": 17,
                    "day_period": "afternoon",
                }
            ),
        ]
        self.anna.calendar_id = weeks
        service = self._free("Chat", calendar_id=False)
        for day, expected in (
            (DAY, self._range("09:00", "11:00")),
            ("2026-03-10", self._range("14:00", "16:00")),
            ("2026-03-17", self._range("09:00", "11:00")),
            ("2026-03-24", self._range("14:00", "16:00")),
        ):
            self.assertEqual(self._labels(service, day), expected, day)

    def test_leave_of_the_company(self):
        service = self._free("Chat", self.people)
        self._leave(f"{DAY} 00:00", f"{DAY} 23:59")
        self.assertEqual(self._labels(service, DAY), [])
        self.assertTrue(self._labels(service, "2026-03-04"))

    def test_leave_of_another_company_or_calendar(self):
        service = self._free("Chat")
        other = self.env["res.company"].create({"name": "Other"})
        foreign = self._leave(f"{DAY} 00:00", f"{DAY} 23:59")
        foreign.calendar_id = other.resource_calendar_id
        self.assertEqual(foreign.company_id, other)
        elsewhere = self._create_calendar("Elsewhere", range(5), 9, 17)
        self._leave(f"{DAY} 00:00", f"{DAY} 23:59", calendar_id=elsewhere.id)
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def test_leave_of_the_schedule_of_the_service(self):
        own = self._create_calendar("Own", range(5), 9, 17)
        service = self._free("Chat", calendar_id=own.id)
        self._leave(f"{DAY} 00:00", f"{DAY} 23:59", calendar_id=own.id)
        self.assertEqual(self._labels(service, DAY), [])
        self.assertTrue(self._labels(self._free("Talk"), DAY))

    def test_leave_of_one_resource(self):
        service = self._free("Chat", self.people)
        self._leave(f"{DAY} 00:00", f"{DAY} 23:59", resource_id=self.anna.id)
        self.assertTrue(self._labels(service, DAY))
        self.assertEqual(self._labels(service, DAY, resource=self.anna), [])
        booking = self._book(service, f"{DAY} 10:00")
        self.assertEqual(booking.resource_ids, self.ben)

    def test_half_day(self):
        service = self._free("Chat")
        self._leave(f"{DAY} 09:00", f"{DAY} 13:00", resource_id=self.anna.id)
        self.assertEqual(self._labels(service, DAY), self._range("13:00", "16:00"))

    def test_time_that_counts_as_work_is_no_leave(self):
        service = self._free("Chat")
        self._leave(
            f"{DAY} 00:00", f"{DAY} 23:59", resource_id=self.anna.id, time_type="other"
        )
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def _meet(self, **values):
        self.anna.user_id = self.env.user
        return self.env["calendar.event"].create(
            {
                "name": "Meeting",
                "start": self._utc(f"{DAY} 10:00"),
                "stop": self._utc(f"{DAY} 11:00"),
                "partner_ids": [(6, 0, self.env.user.partner_id.ids)],
                **values,
            }
        )

    def test_meeting(self):
        service = self._free("Chat")
        event = self._meet()
        expected = ["09:00", *self._range("11:00", "16:00")]
        self.assertEqual(self._labels(service, DAY), expected)
        self._refuse(service, f"{DAY} 10:30")
        self.assertEqual(
            self._labels(self._free("Talk", self.ben_alone), DAY),
            self._range("09:00", "16:00"),
            "the meeting of Anna's user is not Ben's",
        )
        event.active = False
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def test_meeting_shown_as_free(self):
        service = self._free("Chat")
        self._meet(show_as="free")
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def test_declined_meeting(self):
        service = self._free("Chat")
        event = self._meet()
        self.assertNotIn("10:00", self._labels(service, DAY))
        event.attendee_ids.state = "declined"
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "16:00"))

    def test_all_day_event(self):
        service = self._free("Chat")
        self._meet(
            allday=True,
            start=f"{DAY} 00:00:00",
            stop=f"{DAY} 00:00:00",
            start_date=DAY,
            stop_date=DAY,
        )
        self.assertEqual(self._labels(service, DAY), [])
        self.assertEqual(self._labels(service, "2026-03-02")[-1], "16:00")
        self.assertEqual(self._labels(service, "2026-03-04")[0], "09:00")

    def test_all_day_event_is_the_day_of_its_resource(self):
        self.anna.tz = "Pacific/Auckland"
        self.anna.calendar_id = False
        service = self._free("Chat", calendar_id=False, step=60)
        self._meet(
            allday=True,
            start=f"{DAY} 00:00:00",
            stop=f"{DAY} 00:00:00",
            start_date=DAY,
            stop_date=DAY,
        )
        self.assertEqual(self._labels(service, DAY, tz="Pacific/Auckland"), [])
        self.assertEqual(len(self._labels(service, DAY)), 12, "from noon in Brussels")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSlotsClock(SlotsCommon):
    """Time zones, and the days on which clocks change."""

    def _round_the_clock(self, tz="Europe/Brussels", **values):
        calendar = self._create_calendar("Always", range(7), 0, 24, tz=tz)
        self.anna.write({"calendar_id": calendar.id, "tz": tz})
        return self._free(
            "Always",
            **{"calendar_id": calendar.id, "horizon_days": 300, "step": 60, **values},
        )

    def _check_whole(self, service, first, days, tz, hours):
        """Check that each hour of some days is offered once, and no other."""
        zone = pytz.timezone(tz)
        begin = self._utc(f"{first} 00:00", tz)
        last = datetime.fromisoformat(first) + timedelta(days=days)
        end = self._utc(f"{last:%Y-%m-%d} 00:00", tz)
        self.assertEqual(end - begin, timedelta(hours=hours))
        offered = service._get_slots(begin, end)
        self.assertEqual(offered, [begin + timedelta(hours=n) for n in range(hours)])
        for slot in offered:
            local = pytz.utc.localize(slot).astimezone(zone)
            again = zone.localize(local.replace(tzinfo=None), is_dst=bool(local.dst()))
            self.assertEqual(again, local, "this local time exists")

    def test_the_hour_that_is_missing(self):
        service = self._round_the_clock()
        self._check_whole(service, "2026-03-28", 3, "Europe/Brussels", 71)
        labels = self._labels(service, SPRING)
        self.assertEqual(len(labels), 23)
        self.assertNotIn("02:00", labels)
        self.assertEqual(labels[:3], ["00:00", "01:00", "03:00"])

    def test_the_hour_that_comes_twice(self):
        service = self._round_the_clock()
        self._check_whole(service, "2026-10-24", 3, "Europe/Brussels", 73)
        labels = self._labels(service, AUTUMN)
        self.assertEqual(len(labels), 25)
        self.assertEqual(labels.count("02:00"), 2)
        self.assertEqual(labels[:5], ["00:00", "01:00", "02:00", "02:00", "03:00"])

    def test_midnight_may_be_missing(self):
        # In Santiago the clock goes from Saturday 24:00 to Sunday 1:00.
        service = self._round_the_clock("America/Santiago")
        self._check_whole(service, "2026-09-05", 3, "America/Santiago", 71)

    def test_half_an_hour_may_be_missing(self):
        # On Lord Howe Island clocks change by half an hour.
        service = self._round_the_clock("Australia/Lord_Howe", step=30, duration=30)
        for day, count in (("2026-04-05", 49), ("2026-10-04", 47)):
            self.assertEqual(
                len(self._labels(service, day, tz="Australia/Lord_Howe")), count
            )

    def test_both_hours_that_come_twice_can_be_booked(self):
        service = self._round_the_clock()
        first = datetime(2026, 10, 25, 0, 0)
        one = self._place_at(service, first)
        other = self._place_at(service, first + timedelta(hours=1))
        self.assertEqual((one.state, other.state), ("confirmed", "confirmed"))
        labels = self._labels(service, AUTUMN)
        self.assertEqual((len(labels), labels.count("02:00")), (23, 0))

    def test_across_midnight_and_the_change(self):
        service = self._round_the_clock(duration=240)
        self.assertEqual(len(self._labels(service, "2026-03-28")), 24)
        self.assertEqual(len(self._labels(service, SPRING)), 23)
        booking = self._book(service, "2026-03-28 23:00")
        end = pytz.utc.localize(booking.stop).astimezone(self.tz)
        self.assertEqual(f"{end:%d %H:%M}", "29 04:00", "four hours, not five")

    def test_daily_hours_keep_their_local_time(self):
        sundays = self._create_calendar("Sundays", (6,), 9, 12)
        self.anna.calendar_id = sundays
        service = self._free("Chat", calendar_id=sundays.id, horizon_days=300)
        for day, utc_hour in (
            ("2026-03-22", 8),
            (SPRING, 7),
            ("2026-10-18", 7),
            (AUTUMN, 8),
        ):
            self.assertEqual(self._labels(service, day), self._range("09:00", "11:00"))
            first = service._get_slots(
                self._utc(f"{day} 00:00"), self._utc(f"{day} 23:00")
            )[0]
            self.assertEqual(first.hour, utc_hour, day)

    def test_client_and_business_in_two_zones(self):
        service = self._free("Chat", location_type="online")
        tokyo = self._labels(service, DAY, tz="Asia/Tokyo")
        # 9:00 to 16:00 in Brussels is 17:00 to midnight in Tokyo.
        self.assertEqual(tokyo[1:], self._range("17:00", "23:30"))
        self.assertEqual(tokyo[0], "00:00", "the last one of the day before")
        new_york = self._labels(service, DAY, tz="America/New_York")
        self.assertEqual(new_york, self._range("03:00", "10:00"))
        # The week in which only America has changed its clocks.
        new_york = self._labels(service, "2026-03-10", tz="America/New_York")
        self.assertEqual(new_york, self._range("04:00", "11:00"))

    def test_resources_in_two_zones(self):
        london = self._create_resource("Lily", tz="Europe/London")
        both = self._create_group("Both", self.anna + london)
        service = self._free("Call", both, calendar_id=False)
        # The same 9 to 17, one hour later for who lives in London.
        self.assertEqual(
            self._labels(service, DAY, resource=london), self._range("10:00", "17:00")
        )
        self.assertEqual(
            self._labels(service, DAY, resource=self.anna),
            self._range("09:00", "16:00"),
        )
        self.assertEqual(self._labels(service, DAY), self._range("09:00", "17:00"))

    def test_words_around_the_change(self):
        service = self._round_the_clock(location_type="online")
        first = datetime(2026, 10, 25, 0, 0)
        bookings = [
            self._place_at(service, start, tz=zone)
            for start, zone in (
                (first, "Europe/Brussels"),
                (first + timedelta(hours=1), "Europe/Brussels"),
                (first + timedelta(hours=2), "Asia/Tokyo"),
            )
        ]
        words = [booking._format_when() for booking in bookings]
        self.assertIn("11:00", words[2])
        self.assertIn("Tokyo", words[2])
        self.assertIn("2:00", words[0])
        self.assertIn("2:00", words[1])
        self.assertNotEqual(words[0], words[1], "which of the two is said")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSlotsQueries(SlotsCommon):
    """The number of SQL queries depends on nothing but what is asked."""

    def _count(self, service):
        """Return the queries of a month of slots, read by a fresh environment."""
        start = self._utc("2026-03-02 00:00")
        counts = []
        for _turn in range(2):  # the first one fills the caches of the registry
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            offered = service._get_slots(start, start + timedelta(days=31))
            counts.append(self.cr.sql_log_count - before)
        return counts[-1], offered

    def test_queries_do_not_grow(self):
        self.anna.user_id = self.env.user
        one = self._free("One")
        few, offered = self._count(one)
        self.assertTrue(offered)
        users = self.env["res.users"].create(
            [{"name": f"User {n}", "login": f"slots user {n}"} for n in range(49)]
        )
        fifty = self.anna + self.env["resource.resource"].create(
            [
                {
                    "name": user.name,
                    "user_id": user.id,
                    "company_id": self.company.id,
                    "calendar_id": self.calendar.id,
                    "tz": "Europe/Brussels",
                }
                for user in users
            ]
        )
        many = self._free("Many", self._create_group("Fifty", fifty))
        self.assertLessEqual(self._count(many)[0], few, "50 resources")
        self.env["payment.booking.reservation"].sudo().create(
            [
                {
                    "resource_id": fifty[number % 50].id,
                    "start": self._utc("2026-03-03 09:00") + timedelta(hours=6 * day),
                    "stop": self._utc("2026-03-03 10:00") + timedelta(hours=6 * day),
                    "booking_id": booking.id,
                }
                for booking in self._book(self._free("X", self.rooms), f"{DAY} 09:00")
                for number in range(50)
                for day in range(4)
            ]
        )
        self._leave(f"{DAY} 12:00", f"{DAY} 13:00", resource_id=fifty[7].id)
        busy, offered = self._count(many)
        self.assertTrue(offered)
        self.assertLessEqual(busy, few + 1, "200 bookings, and a leave to read")

    def test_queries_of_group_services_do_not_grow(self):
        service = self._free("Class", seats=5)
        self._book(service, f"{DAY} 09:00")
        few, _offered = self._count(service)
        for day in range(4, 7):
            for hour in (9, 11, 13, 15):
                self._book(service, f"2026-03-{day:02} {hour:02}:00")
        many, offered = self._count(service)
        self.assertIn(self._utc("2026-03-05 11:00"), offered)
        self.assertLessEqual(many, few)
