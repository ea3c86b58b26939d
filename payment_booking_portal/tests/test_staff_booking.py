from datetime import timedelta

from odoo import api, fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, new_test_user, tagged

from .common import NOW
from .test_payable import PayableCommon

NINE = "2026-03-03 09:00"


class StaffCommon(PayableCommon):
    """A receptionist and a manager, with nothing but their groups."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.reception = cls._create_colleague("reception", "user")
        cls.manager = cls._create_colleague("manager", "manager")
        cls.client = cls.env["res.partner"].create(
            {"name": "Zoé Client", "email": "zoe@example.com"}
        )

    @classmethod
    def _create_colleague(cls, name, group):
        return new_test_user(
            cls.env,
            login=f"staff_{name}",
            email=f"{name}@example.com",
            groups=f"payment_booking_portal.group_{group}",
            tz="Europe/Brussels",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _as(self, user, record):
        return record.with_user(user).sudo(False)

    def _draft(self, local=NINE, user=None, **values):
        """Return a booking that the receptionist has typed."""
        return (
            self.env["payment.booking"]
            .with_user(user or self.reception)
            .create(
                {
                    "service_id": self.service.id,
                    "partner_id": self.client.id,
                    "start": self._utc(local),
                    **values,
                }
            )
        )

    def _ask(self, booking, **values):
        """Ask for the payment through the form of the wizard."""
        action = booking.action_ask_for_payment()
        wizard = Form(
            self.env[action["res_model"]]
            .with_user(booking.env.user)
            .with_context(**action["context"])
        )
        for name, value in values.items():
            setattr(wizard, name, value)
        wizard.save().action_ask()
        booking.invalidate_recordset()

    def _run_cron(self):
        """Run the cron as the server does, in a cursor that it may commit."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.env.ref("base.user_root").id, {})
            env["payment.booking"]._cron_remind_payments()
        self.env.invalidate_all()

    def _mails(self, booking):
        """Return the mails to the client, the newest last."""
        return (
            self.env["mail.mail"]
            .sudo()
            .search(
                [
                    ("model", "=", "payment.booking"),
                    ("res_id", "=", booking.id),
                    ("email_to", "ilike", "zoe@example.com"),
                ],
                order="id",
            )
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestStaffBooking(StaffCommon):
    """Bookings made by phone: the money is asked for all the same."""

    # === PLACING AND ASKING === #

    def test_required_is_held_until_the_chosen_date(self):
        booking = self._draft("2026-03-10 09:00")
        until = self._utc("2026-03-06 18:00")
        self._ask(booking, until=until, message="As agreed on the phone.")
        self.assertEqual(booking.state, "hold")
        self.assertEqual((booking.hold_until, booking.pay_until), (until, until))
        self.assertEqual(booking.remind_at, until - timedelta(days=1))
        self.assertEqual(booking.placed_by_id, self.reception)
        self.assertEqual(booking.amount_total, 60.0)
        [mail] = self._mails(booking)
        self.assertIn(booking.sudo()._get_pay_url(), mail.body_html)
        self.assertIn("As agreed on the phone.", mail.body_html)
        self.assertFalse(mail.attachment_ids, "it is not booked yet")
        self.assertFalse(booking.sudo().event_ids)
        self._pay(booking.sudo())
        self.assertEqual(booking.state, "confirmed")

    def test_suggested_is_confirmed_and_can_be_paid(self):
        booking = self._draft(fee_policy="suggested")
        booking.action_place()
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.amount_due, 60.0)
        self.assertEqual(booking.sudo()._get_payable_status(), "payable")

    def test_any_policy_for_this_one_booking(self):
        days = iter(range(3, 7))
        for policy, due in (("on_site", 60), ("free", 0), ("varies", 0)):
            with self.subTest(policy):
                booking = self._draft(f"2026-03-0{next(days)} 09:00", fee_policy=policy)
                booking.action_place()
                self.assertEqual(booking.state, "confirmed")
                self.assertEqual(booking.fee_policy, policy)
                self.assertEqual(booking.amount_total, due)
                self.assertIn(
                    "chose for this booking", booking.sudo().message_ids[-1].body
                    + "".join(booking.sudo().message_ids.mapped("body")),
                )  # fmt: skip
        self.assertEqual(self.service.fee_policy, "required")

    def test_free_service_can_be_asked_for(self):
        free = self._create_service("Chat", fee_policy="free", price=0)
        booking = self._draft(service_id=free.id, fee_policy="required")
        with self.assertRaisesRegex(UserError, "no price"):
            booking.action_place()
        booking.write({"has_own_price": True, "price_unit": 25})
        booking.action_place()
        self.assertEqual((booking.state, booking.amount_due), ("hold", 25.0))

    def test_varies_gets_its_price_and_is_asked_for(self):
        varies = self._create_service("Colour", fee_policy="varies", price=0)
        booking = self._draft(service_id=varies.id)
        booking.action_place()
        self.assertEqual((booking.state, booking.amount_due), ("confirmed", 0))
        self._ask(booking, price_unit=85)
        self.assertEqual((booking.state, booking.amount_due), ("confirmed", 85.0))
        self.assertEqual(booking.fee_policy, "varies")
        self.assertIn("85.00", self._mails(booking)[-1].body_html)
        self._pay(booking.sudo())
        self.assertEqual(booking.sudo().invoice_id.amount_total, 85.0)

    def test_payment_required_afterwards_and_not_any_more(self):
        booking = self._draft("2026-03-10 09:00", fee_policy="on_site")
        booking.action_place()
        self._ask(booking, is_required=True)
        self.assertEqual((booking.state, booking.fee_policy), ("confirmed", "required"))
        self.assertTrue(booking.pay_until)
        self._ask(booking, is_required=False)
        self.assertEqual(booking.fee_policy, "suggested")

    def test_price_and_currency_change_before_money_came(self):
        euro = self.currency_euro
        self.company.booking_currency_ids = euro
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking)
        self._ask(booking, price_unit=50)
        self.assertEqual(booking.amount_due, 50.0)
        self._ask(booking, price_unit=45, currency_id=euro)
        self.assertEqual((booking.amount_due, booking.currency_id), (45.0, euro))
        self._pay(booking.sudo())
        self.assertEqual(booking.sudo().invoice_id.currency_id, euro)
        with self.assertRaisesRegex(UserError, "Nothing is due"):
            self._ask(booking)
        with self.assertRaisesRegex(UserError, "stays as it is"):
            booking._set_price(10, euro)

    def test_price_stays_while_money_is_underway(self):
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking)
        self._start_payment(booking.sudo())._set_pending()
        with self.assertRaises(UserError):
            booking._set_price(10, booking.currency_id)

    def test_asked_date_must_lie_ahead(self):
        with self.assertRaisesRegex(UserError, "over already"):
            self._ask(self._draft(), until=self._utc("2026-03-01 09:00"))

    def test_client_without_address_gets_no_mail(self):
        self.client.email = False
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking)
        self.assertEqual(booking.state, "hold")
        self.assertFalse(self._mails(booking))

    def test_default_date_is_never_after_the_start(self):
        for local in ("2026-03-02 08:30", "2026-03-02 15:00", "2026-03-03 09:00"):
            with self.subTest(local):
                booking = self._draft(local)
                until = booking._get_default_pay_until()
                self.assertGreater(until, fields.Datetime.now())
                self.assertLessEqual(until, booking.start)

    def test_client_is_made_on_the_spot(self):
        form = Form(self.env["payment.booking"].with_user(self.reception))
        form.service_id = self.service
        form.partner_id = self.env["res.partner"].create({"name": "Just called"})
        form.partner_email = "called@example.com"
        form.start = self._utc("2026-03-10 09:00")
        booking = form.save()
        self.assertEqual(booking.partner_id.email, "called@example.com")
        self.assertEqual(booking.client_email, "called@example.com")

    def test_bookings_of_a_client_from_the_contact(self):
        booking = self._draft(fee_policy="on_site")
        client = self._as(self.reception, self.client)
        self.assertEqual(client.payment_booking_count, 1)
        action = client.action_view_payment_bookings()
        Booking = self.env["payment.booking"].with_user(self.reception)
        self.assertEqual(Booking.search(action["domain"]), booking)
        form = Form(Booking.with_context(**action["context"]))
        self.assertEqual(form.partner_id, self.client)

    # === REMINDER AND END === #

    def test_one_reminder_then_client_and_staff_are_told(self):
        self.service.user_id = self.manager
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking, until=self._utc("2026-03-06 18:00"))
        with freeze_time("2026-03-05 16:00:00"):
            self._run_cron()
            self.assertEqual(len(self._mails(booking)), 1, "not yet")
        with freeze_time("2026-03-05 17:30:00"):
            self._run_cron()
            self._run_cron()
            self.assertEqual(len(self._mails(booking)), 2)
            self.assertIn("reminder", self._mails(booking)[-1].body_html)
        with freeze_time("2026-03-06 17:01:00"):
            self.assertEqual(booking.sudo()._get_payable_status(), "over")
            booking.sudo()._end_hold()
            self.assertEqual(booking.state, "expired")
            self.assertIn("free for others", self._mails(booking)[-1].body_html)
            self.assertEqual(len(self._mails(booking)), 3)
            told = booking.sudo().message_ids.filtered(
                lambda m: self.manager.partner_id in m.notified_partner_ids
            )
            self.assertIn("Not paid in time", told[0].body)

    def test_who_has_paid_is_not_reminded(self):
        booking = self._draft("2026-03-10 09:00", fee_policy="suggested")
        self._ask(booking, until=self._utc("2026-03-06 18:00"))
        self._pay(booking.sudo())
        before = self._mails(booking)
        with freeze_time("2026-03-07 09:00:00"):
            self._run_cron()
        self.assertEqual(self._mails(booking), before)
        self.assertFalse(booking.needs_attention)

    def test_confirmed_and_unpaid_is_for_a_person_to_decide(self):
        booking = self._draft("2026-03-10 09:00", fee_policy="suggested")
        self._ask(booking, until=self._utc("2026-03-06 18:00"))
        with freeze_time("2026-03-06 17:01:00"):
            self._run_cron()
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.attention_reason, "unpaid")
        self.assertTrue(booking.sudo().activity_ids)
        self.assertIn("not received", self._mails(booking)[-1].body_html)

    def test_one_bad_record_never_stops_the_cron(self):
        bad = self._draft("2026-03-10 09:00")
        good = self._draft("2026-03-11 09:00")
        for booking in (bad, good):
            self._ask(booking, until=self._utc("2026-03-06 18:00"))
        real = type(bad)._remind_or_give_up

        def break_one(booking):
            if booking.id == bad.id:
                raise ValueError("broken on purpose")
            return real(booking)

        self.patch(type(bad), "_remind_or_give_up", break_one)
        with freeze_time("2026-03-05 17:30:00"):
            self._run_cron()
        self.assertEqual(len(self._mails(good)), 2)
        self.assertEqual(bad.attention_reason, "reminder_failed")

    # === TIMES === #

    def test_staff_may_pass_what_binds_clients(self):
        self.service.write({"notice_hours": 24, "horizon_days": 30})
        for local, words in (
            ("2026-03-02 12:00", "too soon"),
            ("2026-05-04 09:00", "too far ahead"),
            ("2026-03-04 09:10", "every 30 minutes"),
            ("2026-03-04 19:00", "outside of the working hours"),
            ("2026-03-07 11:00", "outside of the working hours"),
        ):
            with self.subTest(local):
                booking = self._draft(local, fee_policy="on_site")
                self.assertIn(words, booking.time_warnings)
                booking.action_place()
                self.assertEqual(booking.state, "confirmed")
                self.assertTrue(booking.resource_ids)

    def test_offered_time_warns_of_nothing(self):
        self.assertFalse(self._draft().time_warnings)

    def test_never_over_another_booking(self):
        first = self._draft(fee_policy="on_site", resource_ids=self.anna.ids)
        first.action_place()
        second = self._draft(
            "2026-03-03 09:10", fee_policy="on_site", resource_ids=self.anna.ids
        )
        self.assertIn("Anna: there is another booking", second.time_warnings)
        with self.assertRaisesRegex(UserError, "Anna: there is another booking"):
            second.action_place()

    def test_another_person_takes_over_outside_of_the_grid(self):
        first = self._draft(fee_policy="on_site", resource_ids=self.anna.ids)
        first.action_place()
        second = self._draft("2026-03-03 09:10", fee_policy="on_site")
        second.action_place()
        self.assertEqual(second.resource_ids, self.ben)

    def test_colleague_off_is_a_warning(self):
        self.env["resource.calendar.leaves"].create(
            {
                "name": "Dentist",
                "resource_id": self.anna.id,
                "calendar_id": self.calendar.id,
                "date_from": self._utc("2026-03-03 08:00"),
                "date_to": self._utc("2026-03-03 12:00"),
            }
        )
        booking = self._draft(fee_policy="on_site", resource_ids=self.anna.ids)
        self.assertIn("Anna: time off", booking.time_warnings)
        booking.action_place()
        self.assertEqual(booking.resource_ids, self.anna)

    def test_drag_moves_keeps_the_payment_and_tells(self):
        booking = self._draft()
        self._ask(booking)
        tx = self._pay(booking.sudo())
        start = self._utc("2026-03-04 10:00")
        warnings = booking.get_move_warnings(fields.Datetime.to_string(start))
        self.assertEqual(warnings, [])
        booking.write({"start": start, "stop": start + timedelta(hours=1)})
        self.assertEqual(booking.start, start)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking.sudo().allocation_ids.transaction_id, tx)
        self.assertEqual(booking.sudo().event_ids.start, start)
        mail = self._mails(booking)[-1]
        self.assertIn("new time", mail.body_html)
        self.assertEqual(mail.attachment_ids.name, "booking.ics")
        self.assertIn(b"SEQUENCE:1", mail.attachment_ids.raw)

    def test_drag_onto_another_is_refused_with_the_reason(self):
        wanted = {"resource_ids": self.anna.ids, "fee_policy": "on_site"}
        other = self._draft("2026-03-04 10:00", **wanted)
        other.action_place()
        booking = self._draft(**wanted)
        booking.action_place()
        before = booking.start
        with self.assertRaisesRegex(UserError, "Anna"), self.env.cr.savepoint():
            booking.write({"start": other.start})
        booking.invalidate_recordset()
        self.assertEqual(booking.start, before)
        self.assertTrue(booking.sudo().event_ids)

    def test_end_cannot_be_dragged(self):
        booking = self._draft(fee_policy="on_site")
        booking.action_place()
        with self.assertRaisesRegex(UserError, "how long it takes"):
            booking.write(
                {"start": booking.start, "stop": booking.stop + timedelta(hours=1)}
            )

    def test_held_time_moves_with_its_clock(self):
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking)
        until = booking.hold_until
        booking.write({"start": self._utc("2026-03-11 09:00")})
        row = (
            self.env["payment.booking.reservation"]
            .sudo()
            .search([("booking_id", "=", booking.id)])
        )
        self.assertEqual(row.start, self._utc("2026-03-11 09:00"))
        self.assertEqual(row.expires_at, until)
        self.assertEqual(booking.state, "hold")

    def test_wizard_moves_to_another_person(self):
        booking = self._draft(fee_policy="on_site", resource_ids=self.anna.ids)
        booking.action_place()
        action = booking.action_move()
        form = Form(
            self.env[action["res_model"]]
            .with_user(self.reception)
            .with_context(**action["context"])
        )
        form.resource_ids.clear()
        form.resource_ids.add(self.ben)
        form.save().action_move()
        self.assertEqual(booking.resource_ids, self.ben)

    # === MONEY AT THE DESK === #

    def _record(self, booking, **values):
        action = booking.action_record_payment()
        form = Form(
            self.env[action["res_model"]]
            .with_user(booking.env.user)
            .with_context(**action["context"])
        )
        for name, value in values.items():
            setattr(form, name, value)
        form.save().action_record()
        booking.invalidate_recordset()

    def test_recorded_payment_is_as_one_paid_online(self):
        booking = self._draft(fee_policy="on_site")
        booking.action_place()
        self._record(booking, date=fields.Date.to_date("2026-03-01"), note="slip 7")
        booking_sudo = booking.sudo()
        tx = booking_sudo.allocation_ids.transaction_id
        self.assertEqual((tx.state, tx.operation), ("done", "offline"))
        self.assertTrue(tx.is_post_processed)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking_sudo.invoice_id.payment_state, "paid")
        self.assertEqual(tx.payment_id.date, fields.Date.to_date("2026-03-01"))
        self.assertIn("slip 7", tx.payment_id.memo)
        receipt = self._mails(booking)[-1]
        self.assertIn("Thank you for your payment", receipt.body_html)
        self.assertIn(tx.reference, receipt.body_html)

    def test_cash_goes_to_the_cash_journal(self):
        cash = self.env["account.journal"].create(
            {"name": "Till", "type": "cash", "code": "TILL", "sequence": 1}
        )
        methods = {"cash": cash, "terminal": self.provider.journal_id}
        for day, (method, journal) in enumerate(methods.items(), 3):
            booking = self._draft(f"2026-03-0{day} 09:00", fee_policy="on_site")
            booking.action_place()
            xmlid = f"payment_booking_portal.payment_method_{method}"
            self._record(booking, method=xmlid)
            payment = booking.sudo().allocation_ids.transaction_id.payment_id
            self.assertEqual(payment.journal_id.type, journal.type)

    def test_part_then_the_rest(self):
        booking = self._draft(fee_policy="on_site")
        booking.action_place()
        self._record(booking, amount=20)
        self.assertEqual((booking.payment_coverage, booking.amount_due), ("part", 40))
        with self.assertRaisesRegex(UserError, "40.00 is due"):
            self._record(booking, amount=41)
        self._record(booking)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking.sudo().invoice_id.payment_state, "paid")

    def test_money_at_the_desk_confirms(self):
        booking = self._draft("2026-03-10 09:00")
        self._ask(booking)
        self._record(booking)
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking.payment_coverage, "paid")

    def test_what_is_not_due_is_not_recorded(self):
        booking = self._draft(fee_policy="on_site")
        booking.action_place()
        for amount in (0, -5, 60.01):
            with self.subTest(amount), self.assertRaises(UserError):
                self._record(booking, amount=amount)
        with self.assertRaisesRegex(UserError, "once it came"):
            self._record(booking, date=fields.Date.to_date("2026-03-20"))
        booking.action_cancel()
        with self.assertRaises(UserError):
            self._record(booking, amount=60)
        self.assertFalse(booking.sudo().allocation_ids)

    def test_clients_are_never_offered_to_have_paid(self):
        Provider = self.env["payment.provider"]
        venue = Provider._get_venue_provider(self.company)
        self.assertEqual(venue, Provider._get_venue_provider(self.company))
        self.company.booking_accept_test_payments = True
        booking = self._place()
        self.assertNotIn(venue, booking._get_payment_options().providers)
        self.assertNotIn(
            venue,
            Provider.sudo()._get_compatible_providers(
                self.company.id, self.partner.id, 60, currency_id=self.currency_euro.id
            ),
        )

    # === WHO HEARS OF WHAT === #

    def _told(self, booking, user):
        """Return what a person was told about a booking."""
        messages = booking.sudo().message_ids.filtered(
            lambda m: user.partner_id in m.notified_partner_ids
        )
        return " ".join(str(body) for body in messages.mapped("body"))

    def test_responsible_hears_of_what_clients_do(self):
        self.service.user_id = self.manager
        guest = self.env.ref("base.public_user")
        booking = self._place().with_user(guest).sudo()
        tx = self._start_payment(booking)
        tx._set_error("Card refused")
        self.assertIn("Card refused", self._told(booking, self.manager))
        self._pay(booking)
        self.assertIn("paid", self._told(booking, self.manager))
        booking._cancel(by_client=True)
        self.assertIn("cancelled", self._told(booking, self.manager))

    def test_each_person_chooses_the_events(self):
        self.service.user_id = self.manager
        paid = self.env.ref("payment_booking_portal.mt_service_paid")
        self.service.message_subscribe(self.manager.partner_id.ids, paid.ids)
        booked = self.env.ref("payment_booking_portal.mt_service_booked")
        self.service.message_subscribe(self.reception.partner_id.ids, booked.ids)
        self.service.fee_policy = "suggested"
        guest = self.env.ref("base.public_user")
        booking = self._place(self.service.with_user(guest).sudo())
        booking = booking.with_user(guest).sudo()
        self._pay(booking)
        self.assertNotIn("booked", self._told(booking, self.manager))
        self.assertIn("paid", self._told(booking, self.manager))
        self.assertNotIn("paid", self._told(booking, self.reception))

    def test_who_does_it_is_not_told(self):
        self.service.user_id = self.reception
        booking = self._draft(fee_policy="on_site")
        booking.action_place()
        self.assertFalse(self._told(booking, self.reception))

    # === RIGHTS === #

    def test_others_may_do_nothing_of_it(self):
        booking = self._place()
        stranger = new_test_user(self.env, login="stranger", groups="base.group_user")
        theirs = self._as(stranger, booking)
        for method in (
            "action_place",
            "action_ask_for_payment",
            "action_record_payment",
            "action_move",
        ):
            with self.subTest(method), self.assertRaises(AccessError):
                getattr(theirs, method)()
        with self.assertRaises(AccessError):
            theirs.get_move_warnings("2026-03-04 09:00:00")
        for model in ("ask", "move", "record"):
            with self.subTest(model), self.assertRaises(AccessError):
                self.env[f"payment.booking.{model}"].with_user(stranger).create(
                    {"booking_id": booking.id}
                )

    def test_another_company_is_out_of_reach(self):
        other = self._create_other_company()
        foreign = new_test_user(
            self.env,
            login="foreign",
            groups="payment_booking_portal.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        booking = self._place()
        for model in ("ask", "move", "record"):
            with self.subTest(model), self.assertRaises(AccessError):
                wizard = self.env[f"payment.booking.{model}"].with_user(foreign)
                wizard.create({"booking_id": booking.id})
            values = {"booking_id": booking.id}
            wizard = self.env[f"payment.booking.{model}"].with_user(foreign)
            with self.subTest(model, how="onchange"), self.assertRaises(AccessError):
                wizard.onchange(
                    values,
                    ["booking_id"],
                    {
                        "display_name": {},
                        "booking_id": {},
                        **{name: {} for name in wizard._fields if name != "id"},
                    },
                )

    def test_what_one_types_is_for_nobody_else(self):
        booking = self._draft()
        for model in ("ask", "move", "record"):
            wizard = (
                self.env[f"payment.booking.{model}"]
                .with_user(self.reception)
                .create({"booking_id": booking.id})
            )
            self.assertTrue(wizard.has_access("read"))
            self.assertFalse(wizard.with_user(self.manager).has_access("read"), model)

    def test_protected_fields_stay_ours(self):
        booking = self._draft()
        for vals in (
            {"pay_until": "2026-03-03 08:00:00"},
            {"remind_at": "2026-03-03 08:00:00"},
            {"placed_by_id": self.manager.id},
        ):
            with self.subTest(vals), self.assertRaises(UserError):
                booking.write(vals)
        self._ask(booking)
        for vals in ({"has_own_price": True}, {"price_unit": 1}):
            with self.subTest(vals), self.assertRaises(UserError):
                booking.write(vals)

    def test_context_sets_nothing_of_ours(self):
        booking = (
            self.env["payment.booking"]
            .with_user(self.reception)
            .with_context(
                default_state="confirmed",
                default_confirmed_at="2026-03-02 07:00:00",
                default_pay_until="2026-03-02 07:00:00",
                default_placed_by_id=self.manager.id,
            )
            .create({"service_id": self.service.id, "start": self._utc(NINE)})
        )
        self.assertEqual(booking.state, "draft")
        self.assertFalse(
            booking.confirmed_at or booking.pay_until or booking.placed_by_id
        )

    def test_due_day_is_what_staff_set(self):
        booking = self._draft("2026-03-10 09:00", fee_policy="suggested")
        booking.action_place()
        self.assertEqual(booking.due_at, booking.start)
        until = self._utc("2026-03-04 18:00")
        self._ask(booking, until=until)
        self.assertEqual(booking.due_at, until)
