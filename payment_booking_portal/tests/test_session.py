from odoo.exceptions import ValidationError
from odoo.tests import freeze_time, tagged

from ..exceptions import SlotTaken
from .common import NOW, BookingCommon


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
