import re

from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestCalendarEvent(BookingCommon):
    """The staff's calendar shows bookings that count, and decides nothing."""

    needs_internal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.anna.user_id = cls.internal_user
        cls.internal_user.email = "anna@example.com"
        cls.company.email = "studio@example.com"
        cls.people.resource_ids = cls.anna

    def setUp(self):
        super().setUp()
        self.booking = self._place()
        self.assertFalse(self.booking.event_ids, "nothing before it counts")
        self._pay(self.booking)
        self.event = self.booking.event_ids

    def _mails_about_events(self):
        return self.env["mail.message"].search(
            [
                ("model", "in", ("calendar.event", "calendar.attendee")),
                ("message_type", "!=", "notification"),
            ]
        )

    def test_event_belongs_to_who_does_it(self):
        self.assertEqual(len(self.event), 1)
        self.assertEqual(self.event.user_id, self.internal_user)
        self.assertEqual(self.event.partner_ids, self.internal_user.partner_id)
        self.assertEqual(self.event.start, self.booking.start)
        self.assertEqual(self.event.stop, self.booking.stop)
        self.assertIn("Haircut", self.event.name)
        self.assertIn("Zoé Client", self.event.name)
        self.assertEqual(self.event.privacy, "confidential")

    def test_client_is_not_invited(self):
        self.assertNotIn(self.booking.partner_id, self.event.partner_ids)
        self.assertNotIn(
            self.booking.partner_id, self.event.attendee_ids.mapped("partner_id")
        )
        self.assertFalse(self._mails_about_events())
        self.assertNotIn(
            self.booking.partner_id, self.event.message_follower_ids.partner_id
        )
        self.assertFalse(self.event.alarm_ids)

    def test_description_names_this_client_only(self):
        description = str(self.event.description)
        self.assertIn(self.booking.name, description)
        self.assertIn("zoe@example.com", description)
        self.assertEqual(re.findall(r"[\w.]+@[\w.]+", description), ["zoe@example.com"])

    def test_script_in_a_name_is_only_text(self):
        service = self._create_service("Chat", fee_policy="free")
        booking = self.env["payment.booking"]._place(
            service,
            self._utc("2026-03-04 09:00"),
            {"guest_name": "<b>x</b>", "guest_email": "a@b.co", "note": "<script>y"},
        )
        self.assertNotIn("<b>", booking.event_ids.description)
        self.assertNotIn("<script>", booking.event_ids.description)

    def test_answer_to_the_event_changes_nothing(self):
        attendee = self.event.attendee_ids
        for answer in ("do_decline", "do_tentative", "do_accept"):
            getattr(attendee, answer)()
            self.assertEqual(self.booking.state, "confirmed")
            self.assertFalse(self.booking.needs_attention)

    def test_moved_event_is_for_staff_to_decide(self):
        start = self.booking.start
        self.event.with_user(self.internal_user).write(
            {"start": "2026-03-03 12:00:00", "stop": "2026-03-03 13:00:00"}
        )
        self.assertEqual(self.booking.attention_reason, "calendar_changed")
        self.assertEqual(self.booking.start, start)
        self.assertEqual(self.booking.state, "confirmed")
        self.assertTrue(self.booking.activity_ids)

    def test_deleted_event_is_for_staff_to_decide(self):
        self.event.with_user(self.internal_user).unlink()
        self.assertEqual(self.booking.attention_reason, "calendar_changed")
        self.assertEqual(self.booking.state, "confirmed")
        self.assertNotIn("09:00", self._labels(self.service, "2026-03-03"))

    def test_archived_event_is_for_staff_to_decide(self):
        self.event.with_user(self.internal_user).active = False
        self.assertEqual(self.booking.attention_reason, "calendar_changed")

    def test_other_changes_of_an_event_are_nobodys_business(self):
        self.event.with_user(self.internal_user).write(
            {"name": "Zoé (bring cake)", "start": self.event.start}
        )
        self.assertFalse(self.booking.needs_attention)

    def test_move_takes_the_event_along(self):
        self.booking._move(self._utc("2026-03-04 10:00"))
        self.assertEqual(len(self.booking.event_ids), 1)
        self.assertEqual(self.booking.event_ids.start, self.booking.start)
        self.assertEqual(self.booking.event_ids.stop, self.booking.stop)
        self.assertFalse(self.booking.needs_attention)
        self.assertFalse(self._mails_about_events())

    def test_cancelling_removes_the_event(self):
        self.booking._cancel()
        self.assertFalse(self.event.exists())
        self.assertEqual(self.booking.attention_reason, "paid_cancelled")

    def test_event_of_a_cancelled_booking_flags_nothing(self):
        service = self._create_service("Chat", fee_policy="free")
        booking = self._place(service, "2026-03-04 09:00")
        event = booking.event_ids
        booking._update_state(("confirmed",), "cancelled")
        event.unlink()
        self.assertFalse(booking.needs_attention)

    def test_group_shares_one_event(self):
        yoga = self._create_service("Yoga", seats=3, fee_policy="free")
        first = self._place(yoga, "2026-03-05 09:00")
        second = self.env["payment.booking"]._place(
            yoga,
            self._utc("2026-03-05 09:00"),
            {"guest_name": "Max", "guest_email": "max@example.com"},
            seats=2,
        )
        event = (first + second).event_ids
        self.assertEqual(len(event), 1)
        self.assertIn("3/3", event.name)
        self.assertIn("Max", str(event.description))
        self.assertNotIn("@", str(event.description), "no address of several clients")
        self.assertFalse(first.needs_attention)
        self.assertFalse(second.needs_attention)
        first._cancel()
        self.assertTrue(event.exists())
        self.assertIn("2/3", event.name)
        self.assertNotIn("Zoé", str(event.description))
        self.assertEqual(second.event_ids, event)
        second._cancel()
        self.assertFalse(event.exists())

    def test_resource_without_user_has_an_event_too(self):
        self.people.resource_ids = [Command.set(self.ben.ids)]
        booking = self._place(
            self._create_service("Chat", fee_policy="free"), "2026-03-05 09:00"
        )
        self.assertEqual(len(booking.event_ids), 1)
        self.assertFalse(booking.event_ids.user_id)
        self.assertNotIn(booking.partner_id, booking.event_ids.partner_ids)
