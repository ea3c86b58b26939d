"""The slot engine against slow, obvious references."""

from datetime import datetime, timedelta

import pytz
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from odoo.fields import Command
from odoo.tests import BaseCase, freeze_time, tagged

from ..tools import slots
from .common import NOW, BookingCommon

BASE = 29_000_000  # a minute of 2025
SPAN = 600  # minutes looked at

PURE = settings(max_examples=300, deadline=None, derandomize=True, database=None)
WITH_ORM = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # to shrink an example takes minutes here
    suppress_health_check=list(HealthCheck),
)


@st.composite
def interval_lists(draw, most=4):
    """Draw intervals inside the span, overlapping, touching or not."""
    found = []
    for _number in range(draw(st.integers(0, most))):
        start = draw(st.integers(0, SPAN - 1))
        found.append((start, start + draw(st.integers(0, 240))))
    return found


def minutes_of(intervals):
    """Return every minute of intervals: the obvious reading."""
    return {minute for start, stop in intervals for minute in range(start, stop)}


def shift(intervals):
    return [(BASE + start, BASE + stop) for start, stop in intervals]


@tagged("post_install", "-at_install")
class TestSlotsPure(BaseCase):
    """`tools/slots.py`, minute by minute."""

    @PURE
    @given(interval_lists(8))
    def test_merge(self, intervals):
        merged = slots.merge(intervals)
        self.assertEqual(minutes_of(merged), minutes_of(intervals))
        for (_start, stop), (start, _stop) in zip(merged, merged[1:], strict=False):
            self.assertLess(stop, start, "disjoint, sorted, not touching")

    @PURE
    @given(interval_lists(8), interval_lists(8))
    def test_intersect(self, left, right):
        found = slots.intersect(slots.merge(left), slots.merge(right))
        self.assertEqual(minutes_of(found), minutes_of(left) & minutes_of(right))

    @PURE
    @given(
        st.integers(0, 300),
        st.integers(0, 300),
        st.integers(5, 120),
        st.integers(-100, 500),
        st.integers(0, 500),
    )
    def test_day_starts(self, opening, length, step, first, wide):
        closing, last = opening + length, first + wide
        found = list(slots.day_starts(opening, closing, step, first, last))
        expected = [
            minute
            for minute in range(opening, closing)
            if (minute - opening) % step == 0 and first <= minute < last
        ]
        self.assertEqual(found, expected)

    @PURE
    @given(
        st.lists(st.integers(0, SPAN), min_size=1, max_size=40),
        st.integers(5, 180),
        st.integers(0, 30),
        st.integers(0, 30),
        st.lists(st.tuples(interval_lists(), interval_lists()), min_size=1, max_size=4),
        st.lists(st.lists(st.integers(0, 3), max_size=3), min_size=0, max_size=3),
        st.dictionaries(st.integers(0, SPAN), st.integers(0, 2), max_size=3),
    )
    def test_availability(self, starts, duration, before, after, people, groups, open_):
        groups = [
            [i for i in dict.fromkeys(group) if i < len(people)] for group in groups
        ]
        starts = {BASE + start for start in starts}
        open_ = {BASE + start: places for start, places in open_.items()}
        grid = slots.Grid(starts | set(open_), duration, before, after)
        masks = {
            person: grid.clear_busy(
                grid.mask_open(slots.merge(shift(hours))), shift(busy)
            )
            for person, (hours, busy) in enumerate(people)
        }
        found = slots.Availability(grid, groups, masks, open_)

        def is_free(person, start):
            hours, busy = people[person]
            served = set(range(start - BASE, start - BASE + duration))
            taken = set(range(start - BASE - before, start - BASE + duration + after))
            # An interval of no length takes no minute, but splits nothing either.
            busy = [(left, right) for left, right in busy if left < right]
            return served <= minutes_of(hours) and not taken & minutes_of(busy)

        def choose(start, left, used=()):
            """Return every way to give each group one free person of its own."""
            if not left:
                return [used]
            return [
                way
                for person in left[0]
                if person not in used and is_free(person, start)
                for way in choose(start, left[1:], (*used, person))
            ]

        expected = []
        for start in sorted(starts | set(open_)):
            ways = choose(start, groups) if groups else []
            self.assertEqual(
                list(found.combinations(start)) if groups else [], ways, start
            )
            if open_.get(start, 1 if ways else 0) > 0:
                expected.append(start)
        self.assertEqual(found.starts, expected)

    @PURE
    @given(st.datetimes(datetime(1980, 1, 1), datetime(2200, 1, 1)))
    def test_minutes(self, moment):
        low = slots.to_datetime(slots.to_minutes(moment))
        high = slots.to_datetime(slots.to_minutes(moment, ceil=True))
        self.assertLessEqual(low, moment)
        self.assertGreaterEqual(high, moment)
        self.assertLessEqual(high - low, timedelta(minutes=1))
        aware = pytz.utc.localize(moment).astimezone(pytz.timezone("Asia/Kathmandu"))
        self.assertEqual(slots.to_minutes(aware), slots.to_minutes(moment))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSlotsReference(BookingCommon):
    """`_get_slots` against the intervals of core, one resource after the other."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        always = cls._create_calendar("Always", range(7), 0, 24)
        shifts = cls._create_calendar("Shifts", (0, 2, 3, 6), 8.5, 12)
        shifts.attendance_ids = [
            Command.create(
                {
                    "name": "Late",
                    "dayofweek": day,
                    "hour_from": 13 + 1 / 3,
                    "hour_to": 22,
                    "day_period": "afternoon",
                }
            )
            for day in "016"
        ]
        cls.calendars = [cls.calendar, always, shifts]
        cls.people_list = [cls.anna, cls.ben, cls.room]
        cls.owner = cls._create_service(
            "Owner of reservations", fee_policy="free", calendar_id=False
        )

    def _reference(self, service, start, stop):
        """Return the free starts: core's intervals, one loop for everything."""
        tz = pytz.timezone("Europe/Brussels")
        margin = timedelta(days=3)
        low, high = (pytz.utc.localize(m) for m in (start - margin, stop + margin))
        work = {}
        for resource in service.group_ids.resource_ids:
            intervals = resource.calendar_id._work_intervals_batch(
                low, high, resources=resource
            )[resource.id]
            work[resource] = slots.merge(
                (slots.to_minutes(left), slots.to_minutes(right, ceil=True))
                for left, right, _meta in intervals
            )
        rows = self.env["payment.booking.reservation"].sudo().search([])
        reserved = [(row.resource_id, row.start, row.stop) for row in rows]
        # A buffer may lie outside the hours, but not in a leave.
        reserved += [
            (resource, leave.date_from, leave.date_to)
            for leave in self.env["resource.calendar.leaves"].search(
                [("company_id", "=", self.company.id)]
            )
            for resource in leave.resource_id or service.group_ids.resource_ids
        ]
        first_group = service.group_ids[0].resource_ids
        grid = set()
        day = low.astimezone(tz).date()
        while day <= high.astimezone(tz).date():
            midnight = tz.localize(datetime.combine(day, datetime.min.time()))
            day += timedelta(days=1)
            next_midnight = tz.localize(datetime.combine(day, datetime.min.time()))
            for calendar in first_group.calendar_id:
                hours = calendar._attendance_intervals_batch(
                    midnight, next_midnight, tz=tz
                )[False]
                moments = [m for left, right, _a in hours for m in (left, right)]
                if not moments:
                    continue
                moment = slots.to_minutes(min(moments))
                while moment < slots.to_minutes(max(moments), ceil=True):
                    grid.add(moment)
                    moment += service.step
        found = []
        for minute in sorted(grid):
            moment = slots.to_datetime(minute)
            if not start <= moment < stop:
                continue
            begin = moment - timedelta(minutes=service.buffer_before)
            end = moment + timedelta(minutes=service.duration + service.buffer_after)

            def is_free(resource, minute=minute, begin=begin, end=end):
                last = minute + service.duration
                return any(
                    left <= minute and last <= right for left, right in work[resource]
                ) and not any(
                    who == resource and left < end and right > begin
                    for who, left, right in reserved
                )

            if all(
                any(is_free(resource) for resource in group.resource_ids)
                for group in service.group_ids
            ):
                found.append(moment)
        return found

    @WITH_ORM
    @given(st.data())
    def test_against_the_intervals_of_core(self, data):
        draw = data.draw
        savepoint = self.env.cr.savepoint()
        try:
            for resource in self.people_list:
                resource.calendar_id = draw(st.sampled_from(self.calendars))
            service = self._create_service(
                "Any",
                fee_policy="free",
                calendar_id=False,
                horizon_days=300,
                duration=draw(st.sampled_from([15, 45, 60, 100, 180, 300])),
                step=draw(st.sampled_from([10, 15, 30, 45, 60])),
                buffer_before=draw(st.sampled_from([0, 5, 20])),
                buffer_after=draw(st.sampled_from([0, 10, 35])),
                group_ids=draw(
                    st.sampled_from(
                        [
                            [(6, 0, self.people.ids)],
                            [(6, 0, self.rooms.ids)],
                            [(6, 0, (self.people + self.rooms).ids)],
                        ]
                    )
                ),
            )
            # A week, perhaps with a change of clocks in it.
            first = draw(st.sampled_from(["2026-03-09", "2026-03-26", "2026-10-22"]))
            start = self._utc(f"{first} 00:00")
            stop = start + timedelta(days=draw(st.integers(1, 7)))
            booking = self.env["payment.booking"].create(
                {"service_id": self.owner.id, "start": start}
            )
            taken = {}
            for _number in range(draw(st.integers(0, 6))):
                resource = draw(st.sampled_from(self.people_list))
                begin = start + timedelta(minutes=5 * draw(st.integers(0, 2000)))
                end = begin + timedelta(minutes=5 * draw(st.integers(1, 60)))
                mine = taken.setdefault(resource, [])
                if all(end <= left or begin >= right for left, right in mine):
                    mine.append((begin, end))
                    self.env["payment.booking.reservation"].sudo()._insert(
                        resource.ids, begin, end, None, booking
                    )
            for _number in range(draw(st.integers(0, 2))):
                begin = start + timedelta(minutes=5 * draw(st.integers(0, 2000)))
                who = draw(st.sampled_from([False, *self.people_list]))
                self.env["resource.calendar.leaves"].create(
                    {
                        "name": "Leave",
                        "company_id": self.company.id,
                        "resource_id": who and who.id,
                        "date_from": begin,
                        "date_to": begin + timedelta(hours=draw(st.integers(1, 30))),
                    }
                )
            self.assertEqual(
                service._get_slots(start, stop), self._reference(service, start, stop)
            )
        finally:
            savepoint.rollback()
            self.env.invalidate_all()
