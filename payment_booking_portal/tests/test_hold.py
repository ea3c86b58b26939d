from datetime import datetime, timedelta
from unittest.mock import patch

from odoo import api
from odoo.exceptions import UserError
from odoo.service.model import call_kw
from odoo.tests import freeze_time, new_test_user, tagged

from .. import const
from ..exceptions import SlotTaken
from ..gateways import LocalGateway
from .common import NOW
from .test_payable import PayableCommon

DAY = "2026-03-03"
NINE = f"{DAY} 09:00"
QUARTER = 15 * 60
GATEWAYS = "odoo.addons.payment_booking_portal.gateways.GATEWAYS"


class HoldCommon(PayableCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.alone = cls._create_group("Anna alone", cls.anna)
        cls.paid = cls._create_service("Paid", group_ids=[(6, 0, cls.alone.ids)])
        cls.free = cls._create_service(
            "Free", fee_policy="free", group_ids=[(6, 0, cls.alone.ids)]
        )
        cls.cron = cls.env.ref("payment_booking_portal.ir_cron_release_holds")

    def _rows_of(self, booking):
        self.env.flush_all()
        self.env.invalidate_all()
        return (
            self.env["payment.booking.reservation"]
            .sudo()
            .search([("booking_id", "=", booking.id)])
        )

    def _is_offered(self, local=NINE, service=None):
        day, hour = local.split()
        return hour in self._labels(service or self.free, day)

    def _run_cron(self):
        """Run the cron as the server does, in a cursor that it may commit."""
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.env.ref("base.user_root").id, {})
            env["payment.booking"]._cron_release_holds()

    def _local(self):
        """Make the dummy provider one whose whole truth is in the database."""
        return patch.dict(GATEWAYS, {self.provider.code: LocalGateway})


@tagged("post_install", "-at_install")
class TestHold(HoldCommon):
    """How long a time is kept for a client who has to pay."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))

    # === THE CLOCK === #

    def test_hold_takes_the_time_and_nothing_else(self):
        booking = self._place(self.paid)
        self.assertEqual(booking.state, "hold")
        self.assertEqual(
            booking.hold_until, datetime.fromisoformat(NOW) + timedelta(minutes=15)
        )
        row = self._rows_of(booking)
        self.assertEqual(row.resource_id, self.anna)
        self.assertEqual((row.start, row.stop), (booking.start, booking.stop))
        self.assertEqual(row.expires_at, booking.hold_until)
        self.assertEqual(booking.resource_ids, self.anna)
        self.assertFalse(booking.partner_id or booking.event_ids or booking.invoice_id)
        self.assertEqual(
            (booking.amount_total, booking.amount_due, booking.amount_paid),
            (60.0, 60.0, 0.0),
        )
        self.assertEqual(booking.payment_coverage, "none")

    def test_minutes_of_the_service(self):
        self.paid.hold_minutes = 40
        booking = self._place(self.paid)
        self.assertEqual(
            booking.hold_until, datetime.fromisoformat(NOW) + timedelta(minutes=40)
        )

    def test_buffers_are_taken_too(self):
        self.paid.write({"buffer_before": 10, "buffer_after": 20})
        booking = self._place(self.paid, f"{DAY} 11:00")
        row = self._rows_of(booking)
        self.assertEqual(row.start, booking.start - timedelta(minutes=10))
        self.assertEqual(row.stop, booking.stop + timedelta(minutes=20))

    def test_expires_by_its_timestamp_without_cron(self):
        with freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            clock.tick(QUARTER - 1)
            self.assertFalse(self._is_offered())
            self.assertTrue(booking._is_hold_alive())
            self.assertEqual(booking._get_payable_status(), "payable")
            clock.tick(1)
            self.assertTrue(self._is_offered())
            self.assertFalse(booking._is_hold_alive())
            self.assertEqual(booking._get_payable_status(), "over")
            self.assertEqual(booking.state, "hold", "nobody has tidied up")

    def test_next_client_gets_a_lapsed_time(self):
        with freeze_time(NOW) as clock:
            first = self._place(self.paid, visitor_key="first")
            clock.tick(QUARTER)
            second = self._place(self.paid, visitor_key="second")
        self.assertEqual((first.state, second.state), ("expired", "hold"))
        self.assertFalse(self._rows_of(first))
        self.assertEqual(len(self._rows_of(second)), 1)

    def test_purge_minds_the_neighbours_only(self):
        with freeze_time(NOW) as clock:
            meeting = self._place(self.paid, f"{DAY} 10:30", visitor_key="first")
            elsewhere = self._place(
                self._create_service("Room", group_ids=[(6, 0, self.rooms.ids)]),
                visitor_key="second",
            )
            clock.tick(QUARTER)
            self._place(self.free, f"{DAY} 10:00")
        self.assertEqual(meeting.state, "expired", "it would overlap")
        self.assertEqual(elsewhere.state, "hold", "another resource")

    def test_cron_tidies_up(self):
        with freeze_time(NOW) as clock:
            over = self._place(self.paid, visitor_key="first")
            clock.tick(QUARTER - 60)
            young = self._place(self.paid, f"{DAY} 11:00", visitor_key="second")
            clock.tick(60)
            self._run_cron()
        self.assertEqual((over.state, young.state), ("expired", "hold"))
        self.assertFalse(over.hold_until)
        self.assertFalse(self._rows_of(over))
        self.assertTrue(self._rows_of(young))
        self.assertFalse(over.needs_attention)

    def test_cron_is_woken_after_the_hold(self):
        before = self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
        booking = self._place(self.paid)
        trigger = (
            self.env["ir.cron.trigger"].search([("cron_id", "=", self.cron.id)])
            - before
        )
        self.assertEqual(len(trigger), 1)
        self.assertGreater(trigger.call_at, booking.hold_until)
        self.assertLessEqual(trigger.call_at, booking.hold_until + timedelta(minutes=1))

    def test_one_bad_record_never_stops_the_cron(self):
        holds = self.env["payment.booking"].sudo()
        Booking = self.registry["payment.booking"]
        end_hold = Booking._end_hold
        with freeze_time(NOW) as clock:
            for hour in (9, 11, 13):
                holds |= self._place(
                    self.paid, f"{DAY} {hour:02}:00", visitor_key=str(hour)
                )
            bad = holds[1]

            def fail(records):
                if bad.id in records.ids:
                    # Something half done, that must not stay.
                    records._editing().note = "half done"
                    records.flush_recordset()
                    raise ValueError("The provider sent nonsense")
                return end_hold(records)

            clock.tick(QUARTER)
            with patch.object(Booking, "_end_hold", fail):
                self._run_cron()
        self.assertEqual(holds.mapped("state"), ["expired", "hold", "expired"])
        self.assertFalse(bad.note)
        self.assertTrue(bad.needs_attention, "a person hears of it")
        self.assertIn("nonsense", "".join(bad.message_ids.mapped("body")))

    # === ONE PER VISITOR === #

    def test_same_visitor_same_start_is_the_same_hold(self):
        with freeze_time(NOW) as clock:
            first = self._place(self.paid, visitor_key="me")
            clock.tick(120)
            again = self._place(self.paid, visitor_key="me")
        self.assertEqual(again, first)
        self.assertEqual(
            again.hold_until,
            datetime.fromisoformat(NOW) + timedelta(minutes=15),
            "to come back does not win time",
        )
        self.assertEqual(len(self._rows_of(first)), 1)

    def test_another_start_replaces_the_hold(self):
        first = self._place(self.paid, visitor_key="me")
        second = self._place(self.paid, f"{DAY} 11:00", visitor_key="me")
        self.assertEqual((first.state, second.state), ("cancelled", "hold"))
        self.assertTrue(self._is_offered())
        self.assertFalse(self._is_offered(f"{DAY} 11:00"))

    def test_overlapping_start_of_the_same_visitor(self):
        first = self._place(self.paid, visitor_key="me")
        second = self._place(self.paid, f"{DAY} 09:30", visitor_key="me")
        self.assertEqual((first.state, second.state), ("cancelled", "hold"))

    def test_refused_start_keeps_the_hold(self):
        first = self._place(self.paid, visitor_key="me")
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.paid, f"{DAY} 11:10", visitor_key="me")
        self.env.invalidate_all()
        self.assertEqual(first.state, "hold")

    def test_own_lapsed_hold_is_placed_anew(self):
        with freeze_time(NOW) as clock:
            first = self._place(self.paid, visitor_key="me")
            clock.tick(QUARTER)
            again = self._place(self.paid, visitor_key="me")
        self.assertNotEqual(again, first)
        self.assertEqual((first.state, again.state), ("expired", "hold"))

    def test_two_visitors_and_two_services(self):
        room = self._create_service("Room", group_ids=[(6, 0, self.rooms.ids)])
        first = self._place(self.paid, visitor_key="me")
        second = self._place(room, visitor_key="me")
        self.assertEqual((first.state, second.state), ("hold", "hold"))
        with self.assertRaises(SlotTaken), self.env.cr.savepoint():
            self._place(self.paid, visitor_key="you")

    def test_same_form_books_once(self):
        first = self._place(self.free, request_key="form", visitor_key="me")
        again = self._place(self.free, request_key="form", visitor_key="me")
        other = self._place(
            self.free, f"{DAY} 11:00", request_key="form", visitor_key="me"
        )
        self.assertEqual(again, first)
        self.assertEqual(other, first, "whatever else it says")
        new = self._place(
            self.free, f"{DAY} 11:00", request_key="another", visitor_key="me"
        )
        self.assertNotEqual(new, first)

    def test_drop(self):
        booking = self._place(self.paid)
        booking._drop_hold()
        self.assertEqual(booking.state, "cancelled")
        self.assertFalse(self._rows_of(booking))
        self.assertTrue(self._is_offered())
        booking._drop_hold()
        self.assertEqual(booking.state, "cancelled")

    def test_confirmed_is_not_dropped(self):
        booking = self._place(self.paid)
        self._pay(booking)
        booking._drop_hold()
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(self._is_offered())

    # === A PAYMENT THAT NOBODY CAN ASK ABOUT === #

    def test_live_payment_keeps_the_hold(self):
        with freeze_time(NOW) as clock:
            booking = self._place(self.paid, visitor_key="me")
            self._start_payment(booking)
            self.assertFalse(self._rows_of(booking).expires_at)
            clock.tick(QUARTER + 3600)
            self.assertFalse(self._is_offered())
            self._run_cron()
            self.assertEqual(booking.state, "hold")
            self.assertTrue(booking._is_hold_alive())
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(self.free)
            with self.assertRaises(UserError):
                booking._drop_hold()
            with self.assertRaises(UserError), self.env.cr.savepoint():
                self._place(self.paid, f"{DAY} 11:00", visitor_key="me")
        self.assertEqual(booking.state, "hold")
        self.assertFalse(booking.needs_attention)

    def test_cap_releases_and_tells_staff(self):
        with freeze_time(NOW) as clock:
            booking = self._place(self.paid, "2026-03-06 09:00")
            self._start_payment(booking)
            clock.tick(QUARTER + const.HOLD_CAP_HOURS * 3600 - 60)
            self._run_cron()
            self.assertEqual(booking.state, "hold")
            clock.tick(60)
            self._run_cron()
            self.assertEqual(booking.state, "expired")
            self.assertTrue(booking.needs_attention)
            self.assertEqual(booking.attention_reason, "late_kept")
            self.assertEqual(len(booking.activity_ids), 1)
            self.assertTrue(self._is_offered("2026-03-06 09:00"))
            self._run_cron()
        self.assertEqual(len(booking.activity_ids), 1, "told once")

    def test_cap_of_the_company(self):
        self.company.booking_late_hours = 2
        with freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            self._start_payment(booking)
            clock.tick(QUARTER + 2 * 3600)
            self._run_cron()
        self.assertEqual(booking.state, "expired")

    def test_failed_payment_lets_the_clock_run_again(self):
        for fail in ("_set_canceled", "_set_error"):
            with self.subTest(fail=fail), freeze_time(NOW) as clock:
                booking = self._place(self.paid, visitor_key=fail)
                tx = self._start_payment(booking)
                self.assertFalse(self._rows_of(booking).expires_at)
                clock.tick(60)
                getattr(tx, fail)("No")
                self.assertEqual(
                    self._rows_of(booking).expires_at,
                    datetime.fromisoformat(NOW) + timedelta(minutes=15),
                )
                self.assertFalse(self._is_offered())
                clock.tick(QUARTER - 60)
                self.assertTrue(self._is_offered())
                self._run_cron()
                self.assertEqual(booking.state, "expired")

    def test_second_payment_still_alive_keeps_the_hold(self):
        booking = self._place(self.paid)
        first = self._start_payment(booking)
        self._start_payment(booking)
        first._set_canceled("No")
        self.assertFalse(self._rows_of(booking).expires_at)

    def test_money_received_stops_the_clock(self):
        with self._local(), freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            tx = self._start_payment(booking)
            tx._set_done()
            clock.tick(QUARTER)
            self._run_cron()
            self.assertEqual(booking.state, "hold")
            self.assertFalse(self._is_offered())
            tx._post_process()
        self.assertEqual(booking.state, "confirmed")

    # === A PAYMENT WHOSE TRUTH IS HERE === #

    def test_local_draft_does_not_keep_the_hold(self):
        with self._local(), freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            tx = self._start_payment(booking)
            self.assertEqual(self._rows_of(booking).expires_at, booking.hold_until)
            clock.tick(QUARTER)
            self.assertTrue(self._is_offered())
            self._run_cron()
        self.assertEqual((booking.state, tx.state), ("expired", "cancel"))

    def test_local_draft_is_stopped_by_the_next_client(self):
        with self._local(), freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            tx = self._start_payment(booking)
            clock.tick(QUARTER)
            self._place(self.free)
        self.assertEqual((booking.state, tx.state), ("expired", "cancel"))

    def test_local_draft_is_stopped_by_another_start(self):
        with self._local():
            booking = self._place(self.paid, visitor_key="me")
            tx = self._start_payment(booking)
            self._place(self.paid, f"{DAY} 11:00", visitor_key="me")
        self.assertEqual((booking.state, tx.state), ("cancelled", "cancel"))

    def test_transfer_has_a_deadline_of_its_own(self):
        for local, days, expected in (
            ("2026-03-16 09:00", 3, "2026-03-05 07:00:00"),
            ("2026-03-16 09:00", 30, "2026-03-15 08:00:00"),
        ):
            with self.subTest(days=days):
                self.company.booking_transfer_days = days
                booking = self._place(self.paid, local, visitor_key=str(days))
                tx = self._start_payment(
                    booking,
                    provider_id=self.transfer.id,
                    payment_method_id=self.transfer_method.id,
                )
                tx._set_pending()
                deadline = datetime.fromisoformat(expected)
                self.assertEqual(booking.hold_until, deadline)
                self.assertEqual(self._rows_of(booking).expires_at, deadline)
                with freeze_time(deadline - timedelta(seconds=1)):
                    self.assertFalse(self._is_offered(local))
                with freeze_time(deadline):
                    self._run_cron()
                self.assertEqual(booking.state, "expired")
                self.assertEqual(tx.state, "pending", "the money may still come")
                self.assertFalse(self._rows_of(booking))

    # === LATE MONEY === #

    def _pay_late(self, taken):
        """Return a booking whose money came after its time was given back."""
        with self._local(), freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            tx = self._start_payment(booking)
            clock.tick(QUARTER)
            self._run_cron()
            self.assertEqual((booking.state, tx.state), ("expired", "cancel"))
            if taken:
                self._place(self.free)
            tx._set_done()
            tx._post_process()
        self.env.invalidate_all()
        return booking, tx

    def test_late_money_regains_a_free_time(self):
        booking, tx = self._pay_late(taken=False)
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(self._rows_of(booking).expires_at)
        self.assertEqual(self._rows_of(booking).resource_id, self.anna)
        self.assertFalse(self._is_offered())
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertFalse(booking.needs_attention)

    def test_late_money_for_a_time_that_is_gone(self):
        booking, tx = self._pay_late(taken=True)
        self.assertEqual(booking.state, "expired")
        self.assertFalse(self._rows_of(booking))
        self.assertTrue(booking.needs_attention)
        self.assertEqual(booking.attention_reason, "late_no_slot")
        self.assertFalse(booking.invoice_id)
        self.assertEqual(booking.payment_coverage, "paid", "the money is seen")
        self.assertEqual(tx.payment_id.amount, 60.0)
        self.assertIn(tx.payment_id.state, ("in_process", "paid"))
        receivable = tx.payment_id.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        self.assertEqual(receivable.amount_residual, -60.0, "a credit of the client")

    def test_late_money_for_a_time_in_the_past(self):
        with self._local(), freeze_time(NOW) as clock:
            booking = self._place(self.paid)
            tx = self._start_payment(booking)
            clock.tick(QUARTER)
            self._run_cron()
            clock.tick(3 * 24 * 3600)
            tx._set_done()
            tx._post_process()
        self.assertEqual(booking.state, "expired")
        self.assertEqual(booking.attention_reason, "late_no_slot")
        self.assertTrue(tx.payment_id)

    # === THE LOSER === #

    def test_loser_leaves_nothing(self):
        self._place(self.free, visitor_key="winner")
        counted = (
            "payment.booking",
            "payment.booking.reservation",
            "payment.booking.session",
            "payment.booking.seat",
            "payment.access.link",
            "res.partner",
            "mail.mail",
            "mail.message",
            "calendar.event",
            "ir.cron.trigger",
        )
        self.env.flush_all()
        before = {m: self.env[m].sudo().search_count([]) for m in counted}
        for service in (self.paid, self.free):
            with self.assertRaises(SlotTaken), self.env.cr.savepoint():
                self._place(service, visitor_key="loser", request_key="form")
        # Now as in a race: what was read is older than what is there.
        availability = self.free._get_availability(
            self._utc(f"{DAY} 11:00"), self._utc(f"{DAY} 11:01")
        )
        self._place(self.free, f"{DAY} 11:00", visitor_key="second winner")
        before = {m: self.env[m].sudo().search_count([]) for m in counted}
        Service = self.registry["payment.booking.service"]
        for service in (self.paid, self.free):
            with (
                patch.object(
                    Service, "_get_availability", lambda *a, **kw: availability
                ),
                self.assertRaises(SlotTaken),
                self.env.cr.savepoint(),
            ):
                self._place(service, f"{DAY} 11:00", visitor_key="loser")
        self.env.invalidate_all()
        after = {m: self.env[m].sudo().search_count([]) for m in counted}
        self.assertEqual(after, before)

    def test_stale_reading_takes_the_next_resource(self):
        people = self._create_service(
            "People", fee_policy="free", group_ids=[(6, 0, self.people.ids)]
        )
        start = self._utc(NINE)
        availability = people._get_availability(start, start + timedelta(minutes=1))
        self._place(self.free)
        Service = self.registry["payment.booking.service"]
        with patch.object(Service, "_get_availability", lambda *a, **kw: availability):
            booking = self._place(people)
        self.assertEqual(booking.resource_ids, self.ben)

    # === THE COST === #

    def test_hold_needs_a_provider_for_its_very_amount(self):
        service = self._create_service("Class", seats=8)
        self.provider.maximum_amount = 100.0
        self.assertTrue(self._place(service, seats=1))
        before = self.env["payment.booking"].search_count([])
        with self.assertRaisesRegex(UserError, "closed at the moment"):
            self._place(service, "2026-03-03 11:00", seats=2)
        self.assertEqual(self.env["payment.booking"].search_count([]), before)

    def test_hold_waits_for_an_unknown_provider_up_to_the_cap(self):
        booking = self._place()
        self._start_payment(booking)
        with freeze_time("2026-03-03 07:14:00"):
            booking._end_hold()
            self.assertEqual(booking.state, "hold")
            self.assertEqual(booking._get_payable_status(), "payable")
        with freeze_time("2026-03-03 07:16:00"):
            booking._end_hold()
        self.assertEqual(booking.state, "expired")
        self.assertEqual(booking.attention_reason, "late_kept")

    def test_queries_of_placing_a_hold(self):
        # What costs most: a tax, test money, the least busy of several.
        self.company.booking_accept_test_payments = True
        self.provider.state = "test"
        tax = self.env["account.tax"].create({"name": "VAT", "amount": 21})
        services = {
            "one": self.paid,
            "least busy of two": self._create_service(
                "Two",
                group_ids=[(6, 0, self.people.ids)],
                assignment="least_busy",
            ),
        }
        guest = self.env.ref("base.public_user")
        for name, service in services.items():
            service.product_id.taxes_id = tax
            counts = []
            for day in range(4, 7):  # the first fills the caches of the registry
                self.env.flush_all()
                self.env.invalidate_all()
                currency = self.company.currency_id  # every page has read the company
                before = self.cr.sql_log_count
                booking = (
                    self.env["payment.booking"]
                    .with_user(guest)
                    ._place(
                        service.with_user(guest).sudo(),
                        self._utc(f"2026-03-{day:02} 14:00"),
                        {"guest_name": "Zoé", "guest_email": "zoe@example.com"},
                        visitor_key=f"{name} {day}",
                        request_key=f"{name} {day}",
                        currency=currency,
                    )
                )
                self.env.flush_all()
                counts.append(self.cr.sql_log_count - before)
                self.assertEqual(booking.state, "hold")
            # Another thread of the test server may empty a cache in between.
            self.assertLessEqual(min(counts), 40, name)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBookingState(HoldCommon):
    """The state and what was sold change only through our methods."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = [
            new_test_user(
                cls.env,
                login=f"state {group}",
                groups=f"payment_booking_portal.group_{group}",
                company_id=cls.company.id,
                company_ids=[(6, 0, cls.company.ids)],
            )
            for group in ("user", "manager")
        ]
        admin = cls.env.ref("base.user_admin")
        admin.company_ids |= cls.company
        cls.users.append(admin)

    def _call(self, user, method, *args):
        """Call a method as a client of the RPC does."""
        env = self.env(
            user=user, context={"allowed_company_ids": self.company.ids}, su=False
        )
        return call_kw(env["payment.booking"], method, list(args), {})

    def _refuse(self, user, method, *args):
        with self.assertRaises(UserError), self.env.cr.savepoint():
            self._call(user, method, *args)
        self.env.invalidate_all()

    def test_write(self):
        booking = self._place(self.paid)
        protected = {
            "state": "confirmed",
            "hold_until": "2027-01-01 00:00:00",
            "confirmed_at": "2026-01-01 00:00:00",
            "name": "Mine",
            "sequence": 7,
            "seats": 2,
            "service_id": self.free.id,
            "resource_ids": [(6, 0, self.ben.ids)],
            "fee_policy": "free",
            "price_unit": 1.0,
            "amount_total": 1.0,
            "currency_id": self.env.ref("base.EUR").id,
        }
        fields = list(protected)
        [before] = booking.read(fields)
        for user in self.users:
            for field, value in protected.items():
                with self.subTest(user=user.login, field=field):
                    self._refuse(user, "write", booking.ids, {field: value})
        self.assertEqual(booking.read(fields), [before])

    def test_every_state_is_refused(self):
        booking = self._place(self.paid)
        for state, _label in const.BOOKING_STATES:
            if state != "hold":
                for user in self.users:
                    self._refuse(user, "write", booking.ids, {"state": state})
        self.assertEqual(booking.state, "hold")

    def test_create(self):
        values = {"service_id": self.paid.id, "start": "2026-03-05 09:00:00"}
        for user in self.users:
            for state, _label in const.BOOKING_STATES:
                if state != "draft":
                    self._refuse(user, "create", [{**values, "state": state}])
            for field, value in (
                ("hold_until", "2027-01-01 00:00:00"),
                ("confirmed_at", "2026-01-01 00:00:00"),
                ("session_id", 1),
                ("sequence", 3),
                ("name", "B1"),
            ):
                with self.subTest(user=user.login, field=field):
                    self._refuse(user, "create", [{**values, field: value}])
            [draft] = self._call(user, "create", [dict(values)])
            self.assertEqual(self.env["payment.booking"].browse(draft).state, "draft")

    def test_context_opens_nothing(self):
        booking = self._place(self.paid)
        for user in self.users:
            for value in (True, "EDIT_SENTINEL", 1, {}):
                env = self.env(
                    user=user,
                    context={
                        "allowed_company_ids": self.company.ids,
                        "booking_edit": value,
                    },
                    su=False,
                )
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    call_kw(
                        env["payment.booking"],
                        "write",
                        [booking.ids, {"state": "confirmed"}],
                        {},
                    )
        self.env.invalidate_all()
        self.assertEqual(booking.state, "hold")

    def test_import(self):
        booking = self._place(self.paid)
        booking.flush_recordset()
        external_id = booking._BaseModel__ensure_xml_id()
        [(_record, xmlid)] = list(external_id)
        for user in self.users[1:]:
            with self.subTest(user=user.login):
                result = self._call(
                    user, "load", ["id", "state"], [[xmlid, "confirmed"]]
                )
                self.assertFalse(result["ids"])
                self.assertTrue(result["messages"])
                result = self._call(
                    user,
                    "load",
                    ["service_id/.id", "start", "state"],
                    [[str(self.paid.id), "2026-03-05 09:00:00", "confirmed"]],
                )
                self.assertFalse(result["ids"])
                self.assertTrue(result["messages"])
        self.env.invalidate_all()
        self.assertEqual(booking.state, "hold")

    def test_private_methods_and_rows(self):
        booking = self._place(self.paid)
        for user in self.users:
            env = self.env(user=user, su=False)
            with self.assertRaises(Exception) as caught:
                call_kw(env["payment.booking"], "_confirm", [booking.ids], {})
            self.assertIn("rivate", str(caught.exception))
            rows, seats = (
                env[f"payment.booking.{name}"] for name in ("reservation", "seat")
            )
            self.assertFalse(rows.has_access("read"), user.login)
            for operation in ("write", "create", "unlink"):
                self.assertFalse(rows.has_access(operation), user.login)
                self.assertFalse(seats.has_access(operation), user.login)

    def test_only_the_transitions_of_the_table(self):
        states = [state for state, _label in const.BOOKING_STATES]
        booking = self._place(self.paid)
        for source in states:
            for target in states:
                with self.subTest(source=source, target=target):
                    booking._editing().state = source
                    changed = booking._update_state(tuple(states), target)
                    allowed = (source, target) in const.BOOKING_TRANSITIONS
                    self.assertEqual(bool(changed), allowed)
                    self.assertEqual(booking.state, target if allowed else source)
        self.assertEqual(len(const.BOOKING_TRANSITIONS), 7)

    def test_constraint_is_watched(self):
        rows = self.env["payment.booking.reservation"].sudo()
        self.assertTrue(rows._is_constraint_active())
        self.env.cr.execute(
            "ALTER TABLE payment_booking_reservation "
            "DROP CONSTRAINT payment_booking_reservation_no_double_booking"
        )
        self.assertFalse(rows._is_constraint_active())

    def test_unexpected_source_is_skipped(self):
        booking = self._place(self.paid)
        self.assertFalse(booking._update_state(("draft",), "confirmed"))
        self.assertEqual(booking.state, "hold")

    def test_required_is_confirmed_only_by_money(self):
        booking = self._place(self.paid)
        with self.assertRaises(UserError):
            booking._confirm()
        booking._drop_hold()
        with self.assertRaises(UserError):
            booking._confirm(reason="A manager says so")
        self.assertEqual(booking.state, "cancelled")
