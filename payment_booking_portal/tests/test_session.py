from datetime import timedelta
from functools import partial

import pytz

from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, new_test_user, tagged

from ..exceptions import SlotTaken
from .common import NOW, BookingCommon
from .test_payable import PayableCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSession(BookingCommon):
    """Group services: clients share a start, up to its places."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alone = cls._create_group("Anna alone", cls.anna)
        cls.group_service = cls._create_service(
            "Class", seats=3, group_ids=[(6, 0, cls.alone.ids)]
        )
        cls.private = cls._create_service(
            "Private", fee_policy="free", group_ids=[(6, 0, cls.alone.ids)]
        )

    def _reservations(self):
        return (
            self.env["payment.booking.reservation"]
            .sudo()
            .search([("resource_id", "in", (self.anna + self.ben).ids)])
        )

    def _taken(self, session):
        self.env.invalidate_all()
        return session.taken_seats

    def test_three_places_and_ten_clients(self):
        placed, refused = self.env["payment.booking"].sudo(), 0
        for number in range(10):
            try:
                with self.env.cr.savepoint():
                    placed |= self._place(
                        self.group_service, visitor_key=f"visitor {number}"
                    )
            except SlotTaken:
                refused += 1
        self.assertEqual((len(placed), refused), (3, 7))
        session = placed.session_id
        self.assertEqual(len(session), 1, "they share one session")
        self.assertEqual(sorted(session.seat_ids.mapped("seat")), [1, 2, 3])
        self.assertEqual(len(self._reservations()), 1, "the session owns the resource")
        self.assertEqual(self._reservations().session_id, session)
        self.assertNotIn("09:00", self._labels(self.group_service, "2026-03-03"))

    def test_places_are_offered_until_the_last(self):
        for number in range(3):
            self.assertIn("09:00", self._labels(self.group_service, "2026-03-03"))
            self._place(self.group_service, visitor_key=f"visitor {number}")
        labels = self._labels(self.group_service, "2026-03-03")
        self.assertEqual(labels[0], "10:00", "9:30 would meet the session")

    def test_private_and_group_never_both(self):
        self._place(self.group_service)
        self.assertEqual(self._labels(self.private, "2026-03-03")[0], "10:00")
        for local in ("2026-03-03 09:00", "2026-03-03 09:30"):
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(self.private, local)
        self._place(self.private, "2026-03-03 10:00")
        self.assertNotIn("10:00", self._labels(self.group_service, "2026-03-03"))
        with self.assertRaises(SlotTaken):
            self._place(self.group_service, "2026-03-03 10:30")

    def test_two_group_services_never_both(self):
        other = self._create_service(
            "Other class", seats=5, group_ids=[(6, 0, self.alone.ids)]
        )
        self._place(self.group_service)
        self.assertEqual(self._labels(other, "2026-03-03")[0], "10:00")
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(other)
        self._place(other, "2026-03-03 10:00")
        self.assertEqual(
            self.env["payment.booking.session"].search_count(
                [("service_id", "in", (self.group_service + other).ids)]
            ),
            2,
        )

    def test_several_places_at_once(self):
        booking = self._place(self.group_service, seats=2)
        self.assertEqual(booking.amount_total, 120.0)
        self.assertEqual(self._taken(booking.session_id), 2)
        day = "2026-03-03"
        self.assertIn("09:00", self._labels(self.group_service, day, seats=1))
        self.assertNotIn("09:00", self._labels(self.group_service, day, seats=2))
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.group_service, seats=2, visitor_key="second")
        self.assertEqual(self._taken(booking.session_id), 2, "no place half taken")
        self._place(self.group_service, seats=1, visitor_key="third")
        self.assertEqual(self._taken(booking.session_id), 3)

    def test_more_places_than_there_are(self):
        for seats in (0, -1, 4, 1000):
            self.assertFalse(
                self._labels(self.group_service, "2026-03-03", seats=seats)
            )
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(self.group_service, seats=seats)
        with self.assertRaises(SlotTaken):
            self._place(self.service, seats=2)

    def test_lapsed_places_come_back(self):
        with freeze_time(NOW) as clock:
            lapsed = self._place(self.group_service, seats=3)
            self.assertNotIn("09:00", self._labels(self.group_service, "2026-03-03"))
            clock.tick(15 * 60)
            self.assertIn("09:00", self._labels(self.group_service, "2026-03-03"))
            self.assertIn(
                "09:30",
                self._labels(self.private, "2026-03-03"),
                "a session of lapsed places takes nobody",
            )
            booking = self._place(self.group_service, visitor_key="second", seats=3)
        self.assertEqual((lapsed.state, booking.state), ("expired", "hold"))
        self.assertEqual(self._taken(booking.session_id), 3)

    def test_lapsed_session_gives_way_to_another_service(self):
        with freeze_time(NOW) as clock:
            lapsed = self._place(self.group_service)
            session = lapsed.session_id
            clock.tick(15 * 60)
            booking = self._place(self.private, "2026-03-03 09:30")
        self.assertEqual((lapsed.state, booking.state), ("expired", "confirmed"))
        self.assertFalse(session.exists())

    def test_one_place_paid_keeps_the_session(self):
        with freeze_time(NOW) as clock:
            first = self._place(self.group_service, visitor_key="first")
            second = self._place(self.group_service, visitor_key="second")
            self._pay(first)
            clock.tick(15 * 60)
            self.assertEqual(self._taken(first.session_id), 1)
            self.assertNotIn("09:30", self._labels(self.private, "2026-03-03"))
            self.env["payment.booking"]._purge_lapsed(
                self.group_service, self._utc("2026-03-03 09:00")
            )
        self.assertEqual((first.state, second.state), ("confirmed", "expired"))
        self.assertFalse(self._reservations().expires_at, "taken for good")

    def test_session_lives_as_long_as_its_longest_hold(self):
        with freeze_time(NOW) as clock:
            self._place(self.group_service, visitor_key="first")
            clock.tick(10 * 60)
            self._place(self.group_service, visitor_key="second")
            clock.tick(6 * 60)
            self.assertNotIn("09:00", self._labels(self.private, "2026-03-03"))
            clock.tick(9 * 60)
            self.assertIn("09:00", self._labels(self.private, "2026-03-03"))

    def test_session_goes_with_its_last_place(self):
        first = self._place(self.group_service, visitor_key="first")
        second = self._place(self.group_service, visitor_key="second")
        session = first.session_id
        first._drop_hold()
        self.assertTrue(session.exists())
        self.assertEqual(self._taken(session), 1)
        second._drop_hold()
        self.assertFalse(session.exists())
        self.assertFalse(self._reservations())
        self.assertIn("09:30", self._labels(self.private, "2026-03-03"))

    def test_cancelling_frees_the_place(self):
        bookings = [
            self._place(self.group_service, visitor_key=f"visitor {n}")
            for n in range(3)
        ]
        for booking in bookings:
            self._pay(booking)
        self.assertNotIn("09:00", self._labels(self.group_service, "2026-03-03"))
        bookings[1]._cancel()
        self.assertIn("09:00", self._labels(self.group_service, "2026-03-03"))
        again = self._place(self.group_service, visitor_key="again")
        seats = bookings[0].session_id.seat_ids
        self.assertEqual(sorted(seats.mapped("seat")), [1, 2, 3])
        self.assertEqual(seats.filtered(lambda s: s.seat == 2).booking_id, again)

    def test_moving_between_sessions(self):
        moved = self._place(self.group_service, visitor_key="first")
        stays = self._place(self.group_service, visitor_key="second")
        there = self._place(self.group_service, "2026-03-04 09:00", visitor_key="third")
        for booking in (moved, stays, there):
            self._pay(booking)
        old, new = stays.session_id, there.session_id
        moved._move(self._utc("2026-03-04 09:00"))
        self.assertEqual(moved.session_id, new)
        self.assertEqual((self._taken(old), self._taken(new)), (1, 2))
        stays._move(self._utc("2026-03-05 09:00"))
        self.assertFalse(old.exists(), "an empty session goes")
        self.assertIn("09:00", self._labels(self.private, "2026-03-03"))
        self.assertEqual(stays.session_id.start, self._utc("2026-03-05 09:00"))
        self.assertEqual(stays.state, "confirmed")

    def test_moving_to_a_full_session(self):
        full = [
            self._place(self.group_service, visitor_key=f"visitor {n}")
            for n in range(3)
        ]
        booking = self._place(
            self.group_service, "2026-03-04 09:00", visitor_key="other"
        )
        self._pay(booking)
        session = booking.session_id
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            booking._move(full[0].start)
        self.assertEqual(booking.start, self._utc("2026-03-04 09:00"))
        self.assertEqual(self._taken(session), 1)

    def test_alone_in_a_session_and_moving_a_little(self):
        booking = self._place(self.group_service)
        self._pay(booking)
        booking._move(self._utc("2026-03-03 09:30"))
        self.assertEqual(booking.start, self._utc("2026-03-03 09:30"))
        self.assertEqual(self._labels(self.private, "2026-03-03")[0], "10:30")

    def test_fewer_places_than_are_taken(self):
        self._place(self.group_service, seats=3)
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            self.group_service.seats = 2
        self.group_service.seats = 5
        self.assertEqual(
            len(self._labels(self.group_service, "2026-03-03")),
            13,
            "the session keeps the places that it was opened with",
        )

    def test_group_event_is_one_and_stays(self):
        self.anna.user_id = self.env.user
        bookings = [
            self._place(self.group_service, visitor_key=f"visitor {n}")
            for n in range(2)
        ]
        for booking in bookings:
            self._pay(booking)
        domain = [("payment_booking_id", "in", [b.id for b in bookings])]
        self.assertEqual(self.env["calendar.event"].search_count(domain), 1)
        bookings[0]._cancel()
        event = self.env["calendar.event"].search(domain)
        self.assertEqual(event.payment_booking_id, bookings[1])
        self.assertIn("09:00", self._labels(self.group_service, "2026-03-03"))
        bookings[1]._cancel()
        self.assertFalse(self.env["calendar.event"].search(domain))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPlannedSession(PayableCommon):
    """Dates of a group service that staff fixed."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alone = cls._create_group("Anna alone", cls.anna)
        cls.free_class = cls._create_service(
            "Class", seats=3, fee_policy="free", group_ids=[Command.set(cls.alone.ids)]
        )
        cls.private = cls._create_service(
            "Private", fee_policy="free", group_ids=[Command.set(cls.alone.ids)]
        )
        cls.user, cls.manager = (
            new_test_user(
                cls.env,
                login=f"session {name}",
                groups=f"payment_booking_portal.group_{name}",
                tz="Europe/Brussels",
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )
            for name in ("user", "manager")
        )
        cls.Session = cls.env["payment.booking.session"].with_user(cls.user)

    def _plan(self, local="2026-03-03 18:00", service=None, **values):
        service = service or self.free_class
        return self.Session.create(
            {"service_id": service.id, "start": self._utc(local), **values}
        )

    def _reservations(self, session):
        return (
            self.env["payment.booking.reservation"]
            .sudo()
            .search([("session_id", "in", session.ids)])
        )

    def _mails(self, bookings):
        return self.env["mail.mail"].search(
            [("model", "=", "payment.booking"), ("res_id", "in", bookings.ids)],
            order="id",
        )

    def _add(self, session, *clients, **values):
        wizard = (
            self.env["payment.booking.session.add"]
            .with_user(self.user)
            .with_context(default_session_id=session.id)
            .create(
                {"line_ids": [Command.create(client) for client in clients], **values}
            )
        )
        return wizard, wizard.action_add()

    # === PLANNING === #

    def test_planned_session_owns_its_time_with_nobody_in_it(self):
        session = self._plan()
        self.assertTrue(session.is_planned)
        self.assertEqual(session.seats, 3)
        self.assertEqual(session.resource_ids, self.anna)
        self.assertEqual(session.stop, self._utc("2026-03-03 19:00"))
        [reservation] = self._reservations(session)
        self.assertFalse(reservation.expires_at)
        self.assertEqual(
            (reservation.start, reservation.stop), (session.start, session.stop)
        )
        self._plan("2026-03-04 09:00")
        self.assertEqual(self._labels(self.private, "2026-03-04")[0], "10:00")
        for local in ("2026-03-04 09:00", "2026-03-04 09:30"):
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(self.private, local)

    def test_planned_session_stays_when_its_last_client_leaves(self):
        session = self._plan()
        booking = self._place(self.free_class, "2026-03-03 18:00")
        self.assertEqual((booking.state, booking.session_id), ("confirmed", session))
        booking._cancel()
        self.assertTrue(session.exists())
        self.assertEqual(session.taken_seats, 0)
        self.assertTrue(self._reservations(session))
        self.assertIn("18:00", self._labels(self.free_class, "2026-03-03"))
        again = self._place(self.free_class, "2026-03-03 18:00")
        again._move(self._utc("2026-03-05 09:00"))
        self.assertTrue(session.exists())
        self.assertNotEqual(again.session_id, session)

    def test_client_cannot_move_onto_the_planned_session_left(self):
        session = self._plan("2026-03-03 10:00")
        booking = self._place(self.free_class, "2026-03-03 10:00")
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            booking._move(self._utc("2026-03-03 10:30"))
        self.assertEqual(booking.session_id, session)

    def test_lapsed_booking_leaves_a_planned_session_alone(self):
        paid_class = self._create_service(
            "Paid class", seats=2, group_ids=[Command.set(self.alone.ids)]
        )
        with freeze_time(NOW) as clock:
            session = self._plan(service=paid_class)
            self._place(paid_class, "2026-03-03 18:00", seats=2)
            self.assertNotIn("18:00", self._labels(paid_class, "2026-03-03"))
            clock.tick(15 * 60)
            self.assertIn("18:00", self._labels(paid_class, "2026-03-03"))
            second = self._place(paid_class, "2026-03-03 18:00", seats=2)
        self.assertEqual(second.session_id, session)
        self.assertFalse(self._reservations(session).expires_at)

    def test_overlap_is_refused(self):
        self._plan()
        other = self._create_service(
            "Other class", seats=5, group_ids=[Command.set(self.alone.ids)]
        )
        count = self.Session.search_count([])
        for service, local in (
            (self.free_class, "2026-03-03 18:30"),
            (other, "2026-03-03 18:00"),
            (other, "2026-03-03 17:15"),
        ):
            with self.assertRaisesRegex(SlotTaken, "Anna"), self.env.cr.savepoint():
                self._plan(local, service)
        with self.assertRaisesRegex(SlotTaken, "already"), self.env.cr.savepoint():
            self._plan()
        self.assertEqual(self.Session.search_count([]), count)
        self._plan("2026-03-03 19:00", other)

    def test_anyone_free_serves_a_planned_session(self):
        both = self._create_service(
            "Both", seats=4, group_ids=[Command.set((self.people + self.rooms).ids)]
        )
        self._plan("2026-03-03 10:00")
        session = self._plan("2026-03-03 10:00", both)
        self.assertEqual(session.resource_ids, self.ben + self.room)
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._plan("2026-03-03 10:30", both)
        wanted = self._plan(
            "2026-03-04 10:00", both, resource_ids=[Command.set(self.ben.ids)]
        )
        self.assertEqual(wanted.resource_ids, self.ben + self.room)
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._plan(
                "2026-03-05 10:00", resource_ids=[Command.set(self.ben.ids)]
            )  # he is in none of its groups

    def test_buffers_of_a_planned_session(self):
        self.free_class.write({"buffer_before": 15, "buffer_after": 30})
        session = self._plan("2026-03-03 11:00")
        [reservation] = self._reservations(session)
        self.assertEqual(reservation.start, self._utc("2026-03-03 10:45"))
        self.assertEqual(reservation.stop, self._utc("2026-03-03 12:30"))

    def test_unusual_times_are_planned_with_a_warning(self):
        for local, warning in (
            ("2026-03-03 18:00", "Outside the working hours of Anna"),
            ("2026-03-07 10:00", "Outside the schedule"),
            ("2026-03-03 10:10", "Not a usual start"),
            ("2026-03-04 10:00", ""),
        ):
            with self.subTest(local), Form(self.Session) as form:
                form.service_id = self.free_class.with_user(self.user)
                form.start = self._utc(local)
                self.assertIn(warning, form.warning or "")
                self.assertEqual(bool(form.warning), bool(warning))
            self.assertIn(warning, form.record.warning or "")
            self.assertEqual(form.record.resource_ids, self.anna)

    def test_form_says_who_is_taken(self):
        self._plan()
        with self.assertRaises(SlotTaken), Form(self.Session) as form:
            form.service_id = self.free_class.with_user(self.user)
            form.start = self._utc("2026-03-03 18:30")
            self.assertIn("Anna", form.warning)

    def test_what_cannot_be_planned(self):
        with self.assertRaisesRegex(UserError, "is over"):
            self._plan("2026-03-01 10:00")
        with self.assertRaisesRegex(UserError, "one place per start"):
            self._plan(service=self.private)
        self._plan()
        with self.assertRaisesRegex(ValidationError, "for groups"):
            self.free_class.seats = 1

    def test_places_of_a_session_are_its_own(self):
        session = self._plan(seats=5)
        self.free_class.seats = 2
        self.assertEqual(session.seats, 5)
        for number in range(2):
            self._place(
                self.free_class, "2026-03-03 18:00", seats=2, visitor_key=str(number)
            )
        with self.assertRaises(ValidationError), self.env.cr.savepoint():
            session.seats = 3
        session.seats = 4
        self.assertNotIn("18:00", self._labels(self.free_class, "2026-03-03"))

    def test_plan_dates_in_the_zone_of_the_business(self):
        with Form(
            self.env["payment.booking.session.plan"]
            .with_user(self.user)
            .with_context(default_service_id=self.free_class.id, tz="Asia/Tokyo")
        ) as form:
            form.day = "2026-03-17"
            form.hour = 18.5
            form.count = 3
            self.assertIn("Outside the working hours", form.warning)
        wizard = form.record
        wizard.action_plan()
        self.assertEqual(
            wizard.session_ids.sorted("start").mapped("start"),
            [
                self._utc(f"2026-{day} 18:30")  # clocks change in between
                for day in ("03-17", "03-24", "03-31")
            ],
        )
        self.assertEqual(wizard.unusual.count("Outside the working hours"), 3)
        self.assertFalse(wizard.skipped)

    def test_plan_dates_skips_and_lists(self):
        self._place(self.private, "2026-03-04 10:00")
        self._plan("2026-03-05 10:00")
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Ski",
                "resource_id": self.anna.id,
                "date_from": self._utc("2026-03-06 00:00"),
                "date_to": self._utc("2026-03-06 23:00"),
            }
        )
        wizard = (
            self.env["payment.booking.session.plan"]
            .with_user(self.user)
            .create(
                {
                    "service_id": self.free_class.id,
                    "day": "2026-03-03",
                    "hour": 10,
                    "repeat": "day",
                    "end": "until",
                    "until": "2026-03-09",
                }
            )
        )
        action = wizard.action_plan()
        self.assertEqual(action["res_id"], wizard.id, "it stays open to say so")
        self.assertEqual(
            [
                f"{pytz.utc.localize(s.start).astimezone(self.tz):%d}"
                for s in wizard.session_ids.sorted("start")
            ],
            ["03", "07", "08", "09"],
        )
        skipped = wizard.skipped.splitlines()
        self.assertEqual(len(skipped), 3)
        self.assertIn("taken by another", skipped[0])
        self.assertIn("already", skipped[1])
        self.assertIn("time off", skipped[2])
        self.assertEqual(len(wizard.unusual.splitlines()), 2, "the weekend")

    def test_plan_dates_wants_sensible_dates(self):
        Plan = self.env["payment.booking.session.plan"].with_user(self.user)
        base = {"service_id": self.free_class.id, "day": "2026-03-03"}
        for values in (
            {"count": 0},
            {"end": "until"},
            {"end": "until", "until": "2026-03-01"},
            {"count": 5000},
            {"hour": 24.0},
            {"hour": -1.0},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                Plan.create({**base, **values}).action_plan()
        spring = Plan.create({**base, "day": "2026-03-29", "hour": 2.5, "count": 1})
        spring.action_plan()
        self.assertIn("does not exist", spring.skipped)
        self.assertFalse(spring.session_ids)

    # === WHAT CLIENTS ARE OFFERED === #

    def test_any_free_time_and_planned_dates(self):
        self._plan()
        labels = self._labels(self.free_class, "2026-03-03")
        self.assertEqual((labels[0], labels[-1]), ("09:00", "18:00"))

    def test_only_the_planned_dates(self):
        opened = self._place(self.free_class, "2026-03-03 11:00")
        self.free_class.session_mode = "planned"
        self.assertEqual(self._labels(self.free_class, "2026-03-02", days=30), [])
        self._plan()
        self._plan("2026-03-08 10:00")
        self.assertEqual(
            self._labels(self.free_class, "2026-03-02", days=30),
            ["03 18:00", "08 10:00"],
        )
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.free_class, "2026-03-04 09:00")
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.free_class, "2026-03-03 11:00")
        self.assertEqual(opened.state, "confirmed")
        booking = self._place(self.free_class, "2026-03-08 10:00")
        self.assertEqual(booking.state, "confirmed")
        booking._move(self._utc("2026-03-03 18:00"))
        self.assertEqual(booking.start, self._utc("2026-03-03 18:00"))

    def test_sold_out_dates_are_not_offered(self):
        self.free_class.session_mode = "planned"
        self._plan()
        self._place(self.free_class, "2026-03-03 18:00", seats=2)
        day = "2026-03-03"
        self.assertEqual(self._labels(self.free_class, day), ["18:00"])
        self.assertEqual(self._labels(self.free_class, day, seats=2), [])
        self._place(self.free_class, "2026-03-03 18:00", visitor_key="last")
        self.assertEqual(self._labels(self.free_class, day), [])
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.free_class, "2026-03-03 18:00", visitor_key="too late")

    def test_notice_and_horizon_count_for_planned_dates(self):
        self.free_class.write(
            {"session_mode": "planned", "notice_hours": 24, "horizon_days": 10}
        )
        for local in ("2026-03-02 20:00", "2026-03-05 20:00", "2026-03-20 20:00"):
            self._plan(local)
        self.assertEqual(
            self._labels(self.free_class, "2026-03-02", days=30), ["05 20:00"]
        )
        for local in ("2026-03-02 20:00", "2026-03-20 20:00"):
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(self.free_class, local)

    def test_the_person_a_client_wants(self):
        both = self._create_service(
            "Both", seats=4, fee_policy="free", session_mode="planned"
        )
        self._plan(service=both, resource_ids=[Command.set(self.ben.ids)])
        labels = partial(self._labels, both, "2026-03-03")
        self.assertEqual(labels(resource=self.ben), ["18:00"])
        self.assertEqual(labels(resource=self.anna), [])

    def test_queries_of_planned_dates_do_not_grow(self):
        self.free_class.session_mode = "planned"

        def count():
            start = self._utc("2026-03-02 00:00")
            for _turn in range(2):  # the first one fills the caches
                self.env.flush_all()
                self.env.invalidate_all()
                before = self.cr.sql_log_count
                offered = self.free_class._get_slots(start, start + timedelta(days=31))
                queries = self.cr.sql_log_count - before
            return queries, len(offered)

        self._plan("2026-03-03 18:00")
        few, _offered = count()
        for day in range(4, 24):
            self._plan(f"2026-03-{day:02} 18:00")
        many, offered = count()
        self.assertEqual(offered, 21)
        self.assertLessEqual(many, few)

    def test_staff_sees_that_no_date_is_planned(self):
        self.free_class.session_mode = "planned"
        self.assertIn("No date is planned", self.free_class.closed_reason)
        self._plan()
        self.env.invalidate_all()
        self.assertFalse(self.free_class.closed_reason)

    # === CLIENTS ADDED BY STAFF === #

    def test_staff_adds_clients(self):
        session = self._plan()
        known = self.env["res.partner"].create(
            {"name": "Léa", "email": "lea@example.com"}
        )
        _wizard, action = self._add(
            session,
            {"partner_id": known.id, "seats": 2},
            {"name": "Tom\r\nBcc: x", "email": "tom@example.com"},
        )
        self.assertEqual(action["type"], "ir.actions.act_window_close")
        bookings = session.booking_ids.sorted("id")
        self.assertEqual(bookings.mapped("state"), ["confirmed"] * 2)
        self.assertEqual(bookings.mapped("seats"), [2, 1])
        self.assertEqual(bookings[0].partner_id, known)
        self.assertEqual(bookings[1].client_name, "Tom Bcc: x")
        self.assertEqual(session.taken_seats, 3)
        self.assertEqual(len(self._mails(bookings)), 2)

    def test_clients_without_place_are_named(self):
        session = self._plan()
        wizard, action = self._add(
            session,
            {"name": "Two", "seats": 2},
            {"name": "Also two", "seats": 2},
            {"name": "One"},
            {"name": "Late"},
        )
        self.assertEqual(action["res_id"], wizard.id, "it stays open to say so")
        self.assertEqual(wizard.line_ids.mapped("name"), ["Also two", "Late"])
        self.assertEqual(
            sorted(session.booking_ids.mapped("client_name")), ["One", "Two"]
        )
        self.assertEqual(session.taken_seats, 3)

    def test_client_who_must_pay_is_held(self):
        paid_class = self._create_service(
            "Paid class", seats=3, group_ids=[Command.set(self.alone.ids)]
        )
        session = self._plan(service=paid_class)
        self._add(session, {"name": "Tom", "email": "tom@example.com"})
        booking = session.booking_ids
        self.assertEqual((booking.state, booking.amount_total), ("hold", 60.0))
        self.assertIn("60.00", session.due)
        self._pay(booking)
        self.assertEqual(booking.state, "confirmed")
        self.env.invalidate_all()
        self.assertIn("60.00", session.collected)
        self.assertNotIn("60", session.due)

    def test_policy_of_added_clients(self):
        session = self._plan()
        bookings, refused = session._place_for_clients(
            [{"guest_name": "Tom", "seats": 1}], "on_site"
        )
        self.assertEqual(bookings.fee_policy, "on_site")
        self.assertFalse(refused)

    def test_whom_nobody_can_add(self):
        session = self._plan()
        with self.assertRaises(UserError):
            self._add(session)
        for client in ({"seats": 1}, {"name": " "}, {"name": "Tom", "seats": 0}):
            with self.subTest(client), self.assertRaises(ValidationError):
                self._add(session, client)
        with freeze_time("2026-03-03 17:00:00"), self.assertRaises(UserError):
            self._add(session, {"name": "Tom"})

    # === MONEY === #

    def test_money_of_a_session_by_currency(self):
        self.company.booking_currency_ids = self.currency_euro
        paid_class = self._create_service(
            "Paid class", seats=5, group_ids=[Command.set(self.alone.ids)]
        )
        paid_class.price_ids = [
            Command.create(
                {"booking_currency_id": self.currency_euro.id, "booking_price": 50.0}
            )
        ]
        session = self._plan(service=paid_class)
        self.provider.available_currency_ids = False
        self._pay(self._place(paid_class, "2026-03-03 18:00", visitor_key="a"))
        self._place(
            paid_class,
            "2026-03-03 18:00",
            visitor_key="b",
            currency=self.currency_euro,
            seats=2,
        )
        self.env.invalidate_all()
        self.assertIn("60.00", session.collected)
        self.assertNotIn("100", session.collected)
        self.assertIn("100.00", session.due)
        self.assertIn("€", session.due)
        self.assertEqual(session.places, "3/5")

    # === CANCELLING === #

    def _cancel(self, session, message="Our teacher is ill."):
        wizard = (
            self.env["payment.booking.session.change"]
            .with_user(self.user)
            .create({"session_id": session.id, "what": "cancel", "message": message})
        )
        return wizard.action_apply()

    def test_cancelling_tells_everyone(self):
        paid_class = self._create_service(
            "Paid class",
            seats=5,
            session_mode="planned",
            group_ids=[Command.set(self.alone.ids)],
        )
        session = self._plan(service=paid_class)
        paid, held = (
            self._place(paid_class, "2026-03-03 18:00", visitor_key=key)
            for key in ("paid", "held")
        )
        self._pay(paid)
        self._add(session, {"name": "Tom", "email": "tom@example.com"})
        asked = session.booking_ids - paid - held
        before = self._mails(session.booking_ids)
        self._cancel(session)
        self.assertEqual(session.state, "cancelled")
        self.assertEqual(set(session.booking_ids.mapped("state")), {"cancelled"})
        self.assertFalse(self._reservations(session))
        self.assertFalse(session.seat_ids)
        mails = self._mails(session.booking_ids) - before
        mails = mails.filtered(lambda mail: "Cancelled:" in mail.subject)
        self.assertEqual(
            sorted(mails.mapped("res_id")),
            sorted((paid + asked).ids),
            "not the one who only left a page half-way",
        )
        for mail in mails:
            self.assertIn("Our teacher is ill.", mail.body_html)
            self.assertIn("METHOD:CANCEL", mail.attachment_ids.raw.decode())
        self.assertTrue(paid.needs_attention)
        self.assertEqual(paid.attention_reason, "paid_cancelled")
        self.assertFalse((held + asked).filtered("needs_attention"))
        self.assertEqual(self._labels(paid_class, "2026-03-03"), [])
        again = self._plan(service=paid_class)
        self.assertEqual(self._labels(paid_class, "2026-03-03"), ["18:00"])
        self.assertNotEqual(again, session)
        self.env.invalidate_all()
        self.assertIn("60.00", session.collected, "until it is given back")

    def test_cancelling_what_nobody_booked_removes_it(self):
        session = self._plan()
        action = self._cancel(session)
        self.assertFalse(session.exists())
        self.assertEqual(action["res_model"], "payment.booking.session")
        self._place(self._create_service("Late", fee_policy="free"))

    def test_cancelling_a_session_of_its_clients_keeps_it(self):
        booking = self._place(self.free_class, "2026-03-03 10:00")
        session = booking.session_id.with_user(self.user)
        self._cancel(session, False)
        self.assertEqual((booking.state, session.state), ("cancelled", "cancelled"))
        self.assertEqual(booking.session_id, session)
        self.assertFalse(self._reservations(session))
        self.assertIn("10:00", self._labels(self.free_class, "2026-03-03"))
        session.action_cancel()  # again: nothing happens
        with self.assertRaises(UserError):
            session.action_move("2026-03-05 10:00:00")
        with self.assertRaises(UserError):
            self._add(session, {"name": "Tom"})

    def test_own_cancellation_has_no_message(self):
        session = self._plan()
        first, second = (
            self._place(self.free_class, "2026-03-03 18:00", visitor_key=key)
            for key in ("first", "second")
        )
        first._cancel(by_client=True)
        self._cancel(session)
        self.assertNotIn("ill", self._mails(first)[-1].body_html)
        self.assertIn("ill", self._mails(second)[-1].body_html)

    # === MOVING === #

    def test_moving_takes_everyone_along(self):
        self.anna.user_id = self.env.user
        paid_class = self._create_service(
            "Paid class", seats=3, group_ids=[Command.set(self.alone.ids)]
        )
        session = self._plan(service=paid_class)
        paid, other = (
            self._place(paid_class, "2026-03-03 18:00", visitor_key=key)
            for key in ("paid", "other")
        )
        self._pay(paid)
        self._pay(other)
        mails = self._mails(paid + other)
        sequence = paid.sequence
        wizard = (
            self.env["payment.booking.session.change"]
            .with_user(self.user)
            .create(
                {
                    "session_id": session.id,
                    "what": "move",
                    "start": self._utc("2026-03-03 18:30"),
                }
            )
        )
        self.assertEqual(wizard.client_count, 2)
        wizard.action_apply()
        start, stop = (
            self._utc(local) for local in ("2026-03-03 18:30", "2026-03-03 19:30")
        )
        self.assertEqual((session.start, session.stop), (start, stop))
        [reservation] = self._reservations(session)
        self.assertEqual((reservation.start, reservation.stop), (start, stop))
        for booking in paid + other:
            self.assertEqual((booking.start, booking.stop), (start, stop))
            self.assertEqual(booking.state, "confirmed")
            self.assertEqual(booking.payment_coverage, "paid")
            self.assertFalse(booking.needs_attention)
        self.assertEqual(paid.sequence, sequence + 1)
        [event] = (paid + other).event_ids
        self.assertEqual((event.start, event.stop), (start, stop))
        new = self._mails(paid + other) - mails
        self.assertEqual(len(new), 2)
        for mail in new:
            ics = mail.attachment_ids.raw.decode()
            self.assertIn(f"DTSTART:{start:%Y%m%dT%H%M%SZ}", ics)
            self.assertIn("METHOD:PUBLISH", ics)
        self.assertEqual(len(session.seat_ids), 2)

    def test_moving_onto_another_is_refused(self):
        session = self._plan()
        booking = self._place(self.free_class, "2026-03-03 18:00")
        self._place(self.private, "2026-03-04 10:00")
        self._plan("2026-03-05 10:00")
        for local, reason in (
            ("2026-03-04 10:30", "Anna"),
            ("2026-03-05 10:00", "already"),
            ("2026-03-05 10:30", "Anna"),
            ("2026-03-01 10:00", "over"),
        ):
            with (
                self.subTest(local),
                self.assertRaisesRegex(UserError, reason),
                self.env.cr.savepoint(),
            ):
                session.action_move(self._utc(local))
        self.assertEqual(session.start, self._utc("2026-03-03 18:00"))
        self.assertEqual(booking.start, session.start)
        self.assertEqual(len(self._mails(booking)), 1)

    def test_a_session_that_has_begun_stays(self):
        session = self._plan()
        with freeze_time("2026-03-03 17:00:00"), self.assertRaises(UserError):
            session.action_move("2026-03-05 10:00:00")

    # === RIGHTS === #

    def test_facts_change_through_buttons_only(self):
        session = self._plan()
        for user in (self.user, self.manager, self.env.ref("base.user_admin")):
            record = session.with_user(user)
            for values in (
                {"start": "2026-03-05 10:00:00"},
                {"stop": "2026-03-05 10:00:00"},
                {"service_id": self.private.id},
                {"state": "cancelled"},
                {"is_planned": False},
                {"resource_ids": [Command.set(self.ben.ids)]},
                {"booking_ids": [Command.clear()]},
                {"seat_ids": [Command.create({"seat": 1})]},
                {"company_id": 99},
                {"cancel_message": "x"},
            ):
                with self.subTest(values), self.assertRaises(UserError):
                    record.write(values)
                with self.subTest(values), self.assertRaises(UserError):
                    record.with_context(booking_edit=True).write(values)
            record.write({"state": "open", "start": session.start})
        for values in ({"state": "cancelled"}, {"stop": "2026-03-09 10:00:00"}):
            with self.assertRaises(UserError):
                self._plan("2026-03-05 10:00", **values)
        drawn = self.Session.with_context(
            default_state="cancelled",
            default_stop="2026-03-09 10:00:00",
            default_company_id=99,
        ).create(
            {
                "service_id": self.free_class.id,
                "start": self._utc("2026-03-05 10:00"),
            }
        )
        self.assertEqual(drawn.state, "open")
        self.assertEqual(drawn.stop, self._utc("2026-03-05 11:00"))
        self.assertEqual(drawn.company_id, self.company)

    def test_booked_session_is_not_deleted(self):
        session, empty = self._plan(), self._plan("2026-03-05 18:00")
        self._place(self.free_class, "2026-03-03 18:00")
        with self.assertRaises(UserError), self.env.cr.savepoint():
            session.unlink()
        empty.unlink()
        self.assertFalse(self._reservations(empty))

    def test_portal_and_public_do_nothing(self):
        session = self._plan()
        portal = new_test_user(
            self.env, login="session portal", groups="base.group_portal"
        )
        for user in (portal, self.env.ref("base.public_user")):
            record = session.with_user(user)
            for call in (
                lambda r: r.read(["start"]),
                lambda r: r.action_cancel(),
                lambda r: r.action_move("2026-03-05 10:00:00"),
                lambda r: r._place_for_clients([{"guest_name": "X", "seats": 1}]),
                lambda r: r.create(
                    {"service_id": self.free_class.id, "start": "2026-03-05 10:00:00"}
                ),
            ):
                with self.assertRaises(AccessError):
                    call(record)
        self.assertEqual(session.state, "open")

    def test_another_company_sees_nothing(self):
        other = self._create_other_company()
        session = self._plan()
        stranger = new_test_user(
            self.env,
            login="session stranger",
            groups="payment_booking_portal.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        Session = self.env["payment.booking.session"].with_user(stranger)
        self.assertFalse(Session.search([]))
        record = session.with_user(stranger)
        for call in (
            lambda: record.action_cancel(),
            lambda: record.action_move("2026-03-05 10:00:00"),
            lambda: record._place_for_clients([{"guest_name": "X", "seats": 1}]),
            lambda: Session.create(
                {"service_id": self.free_class.id, "start": "2026-03-05 10:00:00"}
            ),
            lambda: self.env["payment.booking.session.plan"]
            .with_user(stranger)
            .create({"service_id": self.free_class.id, "day": "2026-03-05"})
            .action_plan(),
        ):
            with self.assertRaises(AccessError), self.env.cr.savepoint():
                call()
        self.assertEqual(session.state, "open")
        foreign = Session.new(
            {
                "service_id": self.free_class.id,
                "start": self._utc("2026-03-03 18:30"),
            }
        )
        self.assertFalse(foreign.warning, "nor who works when")
