from contextlib import closing

import psycopg2

from odoo import SUPERUSER_ID, api
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, freeze_time, new_test_user, tagged

from .common import NOW, BookingCommon


class PayableCommon(BookingCommon):
    """Beside the dummy provider, that nobody can ask, a bank transfer, whose whole
    truth is in the database.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.card = cls.env.ref("payment.payment_method_card")
        cls.provider.payment_method_ids = [Command.link(cls.card.id)]
        cls.card.active = True
        cls.transfer_method = cls.env.ref("payment_custom.payment_method_wire_transfer")
        cls.transfer = cls.env["payment.provider"].create(
            {
                "name": "Bank Transfer",
                "code": "custom",
                "custom_mode": "wire_transfer",
                "company_id": cls.company.id,
                "state": "enabled",
                "is_published": True,
                "payment_method_ids": [Command.set(cls.transfer_method.ids)],
            }
        )
        cls.transfer.pending_msg = "<p>Pay to BE00 0000</p>"
        cls.transfer_method.active = True

    def _prepare(self, booking, provider=None, method=None, flow="redirect", **kwargs):
        """Return what `_prepare_payment` says about an offer, chosen by a guest."""
        provider = self.provider if provider is None else provider
        method = self.payment_method if method is None else method
        return booking._prepare_payment(
            kwargs.get("provider_id", provider.id),
            kwargs.get("payment_method_id", method.id),
            kwargs.get("token_id"),
            flow,
            kwargs.get("user", self.public_user),
        )

    def _place_far(self, **kwargs):
        """Place a booking far enough for a bank transfer."""
        return self._place(local="2026-03-16 09:00", **kwargs)

    def _age(self, tx, minutes):
        """Make a transaction older than it is, seen from the frozen clock."""
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_transaction SET create_date = %s::timestamp "
            "- %s * interval '1 minute' WHERE id = %s",
            (NOW, minutes, tx.id),
        )
        tx.invalidate_recordset(["create_date"])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPayable(PayableCommon):
    """What is due, and whether it can be paid now."""

    needs_portal_user = True

    def _assert_refused(self, booking, status):
        """Check that no payment starts, with the words of a status."""
        self.assertEqual(booking._get_payable_status(), status)
        words = booking._get_payable_messages()[status]
        with self.assertRaises(UserError) as caught:
            self._prepare(booking)
        self.assertEqual(str(caught.exception), words)

    # === WHAT IS COVERED === #

    def test_placed_booking_can_be_paid(self):
        booking = self._place()
        self.assertEqual(booking._get_payable_status(), "payable")
        self.assertEqual(booking._get_payable_amount(), 60.0)
        self.assertFalse(booking._get_payable_error())
        self.assertFalse(self._prepare(booking), "a new transaction is needed")

    def test_draft_transaction_covers_nothing(self):
        booking = self._place()
        self._start_payment(booking)
        self.assertEqual(booking._get_payable_amount(), 60.0)
        self.assertEqual(booking.payment_coverage, "none")

    def test_pending_money_covers(self):
        booking = self._place()
        self._start_payment(booking)._set_pending()
        self.assertEqual(booking.payment_coverage, "processing")
        self._assert_refused(booking, "processing")

    def test_authorized_money_covers(self):
        self.provider.support_manual_capture = "full_only"
        booking = self._place()
        self._start_payment(booking)._set_authorized()
        self.assertEqual(booking.payment_coverage, "processing")
        self._assert_refused(booking, "processing")

    def test_done_money_covers_before_its_post_processing(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx._set_done()
        self.assertFalse(tx.is_post_processed)
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking._get_payable_amount(), 0.0)
        self._assert_refused(booking, "paid")

    def test_failed_money_covers_nothing(self):
        booking = self._place()
        self._start_payment(booking)._set_error("No")
        self._start_payment(booking)._set_canceled()
        self.assertEqual(booking._get_payable_status(), "payable")
        self.assertEqual(booking._get_payable_amount(), 60.0)

    def test_test_money_covers_and_blocks_nothing(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx.is_live = False
        tx._set_pending()
        self.assertEqual(booking._get_payable_status(), "payable")
        self.assertEqual(booking._get_payable_amount(), 60.0)
        self.assertFalse(self._prepare(booking, flow="direct"), "a new one may start")
        self.company.booking_accept_test_payments = True
        self._assert_refused(booking, "processing")
        tx._set_done()
        self.assertEqual(len(booking._get_receipt_lines()), 1)
        self.company.booking_accept_test_payments = False
        self.assertFalse(booking._get_receipt_lines())

    def test_part_of_the_money_leaves_the_rest(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx.allocation_ids.amount = 20.0
        tx._set_done()
        self.assertEqual(booking.payment_coverage, "part")
        self.assertEqual(booking._get_payable_amount(), 40.0)
        self.assertEqual(booking.amount_due, 40.0)
        tx._post_process()
        self.assertEqual(booking.state, "hold", "20 of 60 confirm nothing")

    # === WHAT IS REFUSED === #

    def test_paid_booking_is_not_paid_again(self):
        booking = self._place()
        self._pay(booking)
        self._assert_refused(booking, "paid")

    def test_lapsed_booking_is_not_paid(self):
        booking = self._place()
        with freeze_time("2026-03-02 07:16:00"):
            self._assert_refused(booking, "over")
            booking._end_hold()
            self.assertEqual(booking.state, "expired")
            self._assert_refused(booking, "over")

    def test_cancelled_booking_is_not_paid(self):
        booking = self._place()
        booking._drop_hold()
        self._assert_refused(booking, "cancelled")

    def test_free_booking_is_not_paid(self):
        booking = self._place(self._create_service("Chat", fee_policy="free", price=0))
        self._assert_refused(booking, "nothing")

    def test_on_site_booking_is_paid_online_only_if_the_company_wants(self):
        booking = self._place(self._create_service("Cut", fee_policy="on_site"))
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking._get_payable_status(), "payable")
        self.company.booking_pay_later_online = False
        self._assert_refused(booking, "later")

    def test_suggested_booking_is_confirmed_and_can_be_paid(self):
        booking = self._place(self._create_service("Cut", fee_policy="suggested"))
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(booking._get_payable_amount(), 60.0)
        self._pay(booking)
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(booking.payment_coverage, "paid")

    def test_draft_of_staff_is_not_paid(self):
        booking = self.env["payment.booking"].create(
            {"service_id": self.service.id, "start": self._utc("2026-03-03 09:00")}
        )
        booking._editing().write({"amount_total": 60, "fee_policy": "required"})
        self._assert_refused(booking, "closed")

    # === THE OFFER === #

    def test_offer_must_be_one_of_ours(self):
        booking = self._place()
        unpublished = self.provider.copy(
            {"state": "enabled", "is_published": False, "company_id": self.company.id}
        )
        unpublished.payment_method_ids = self.provider.payment_method_ids
        other_method = self.env.ref("payment.payment_method_paypal")
        refused = {
            "unknown provider": {"provider_id": 2**31 - 1},
            "no provider": {"provider_id": None},
            "unpublished provider": {"provider_id": unpublished.id},
            "too near for a transfer": {
                "provider_id": self.transfer.id,
                "payment_method_id": self.transfer_method.id,
            },
            "method of another provider": {
                "payment_method_id": self.transfer_method.id
            },
            "inactive method": {"payment_method_id": other_method.id},
            "no method": {"payment_method_id": None},
            "unknown flow": {"flow": "offline"},
            "no flow": {"flow": None},
            "token of nobody": {"flow": "token", "token_id": 1},
            "a list": {"provider_id": [self.provider.id]},
        }
        for what, choice in refused.items():
            with self.subTest(what), self.assertRaises(UserError):
                self._prepare(booking, **choice)
        self.assertFalse(booking.allocation_ids)

    def test_saved_method_of_another_client_is_refused(self):
        partner = self.portal_user.partner_id
        theirs = self._create_token(partner_id=self.partner.id)
        own = self._create_token(partner_id=partner.id)
        booking = self._place(partner=partner)
        choice = {"flow": "token", "user": self.portal_user}
        with self.assertRaises(UserError):
            self._prepare(booking, token_id=theirs.id, **choice)
        self.assertFalse(self._prepare(booking, token_id=own.id, **choice))
        with self.assertRaises(UserError, msg="a guest has no saved method"):
            self._prepare(booking, token_id=own.id, flow="token")

    def test_values_of_the_transaction_are_ours(self):
        booking = self._place()
        values = booking._prepare_payment_values("key")
        self.assertEqual(values["amount"], 60.0)
        self.assertEqual(values["currency_id"], self.company.currency_id.id)
        self.assertEqual(values["partner_id"], booking.partner_id.id)
        self.assertTrue(booking.partner_id, "a payment needs a contact")

    # === TWICE (INVARIANT 4) === #

    def test_same_offer_uses_the_draft_again(self):
        booking = self._place()
        tx = self._start_payment(booking)
        self.assertEqual(self._prepare(booking), tx)
        self.assertEqual(tx.state, "draft")

    def test_draft_known_to_the_provider_is_not_used_again(self):
        booking = self._place()
        tx = self._start_payment(booking, provider_reference="pi_1")
        with self.assertRaises(UserError):
            self._prepare(booking)
        self.assertEqual(tx.state, "draft")

    def test_other_offer_waits_for_a_provider_that_nobody_can_ask(self):
        booking = self._place()
        tx = self._start_payment(booking)
        self._age(tx, 14)
        with self.assertRaises(UserError) as caught:
            self._prepare(booking, method=self.card)
        self.assertIn("started a payment already", str(caught.exception))
        self._age(tx, 16)
        self.assertFalse(self._prepare(booking, method=self.card), "the way out")
        self.assertEqual(tx.state, "draft", "its money would still be recorded")

    def test_other_offer_cancels_what_is_ours_to_cancel(self):
        booking = self._place_far()
        tx = self._start_payment(
            booking,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        self._age(tx, 0)
        self.assertFalse(self._prepare(booking, method=self.card))
        self.assertEqual(tx.state, "cancel")

    def test_changed_amount_is_another_offer(self):
        booking = self._place_far()
        tx = self._start_payment(
            booking,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        booking._editing().amount_total = 70.0
        self.assertFalse(
            self._prepare(booking, self.transfer, self.transfer_method),
            "a draft of 60 does not pay 70",
        )
        self.assertEqual(tx.state, "cancel")

    def test_partly_pending_money_blocks_whatever_its_age(self):
        booking = self._place()
        tx = self._start_payment(booking)
        tx.allocation_ids.amount = 20.0
        tx._set_pending()
        self._age(tx, 600)
        with self.assertRaises(UserError):
            self._prepare(booking)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestNoWayAround(PayableCommon):
    """Invariant 2: what must be paid is confirmed by nothing else."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.users = {
            "user": cls._create_user("user", "payment_booking_portal.group_user"),
            "manager": cls._create_user(
                "manager", "payment_booking_portal.group_manager"
            ),
            "admin": cls._create_user(
                "boss", "payment_booking_portal.group_manager,base.group_system"
            ),
        }

    @classmethod
    def _create_user(cls, login, groups):
        return new_test_user(
            cls.env,
            login=f"pbp_{login}",
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _assert_unpaid(self, booking, state="hold"):
        booking.invalidate_recordset()
        self.assertEqual(booking.state, state)
        self.assertFalse(booking.event_ids)
        self.assertFalse(booking.invoice_id)
        self.assertFalse(booking.confirmed_at)

    def test_write_confirms_for_nobody(self):
        booking = self._place()
        for name, user in self.users.items():
            for vals in (
                {"state": "confirmed"},
                {"fee_policy": "free"},
                {"amount_total": 0},
                {"price_unit": 0},
                {"hold_until": "2030-01-01 00:00:00"},
                {"confirmed_at": "2026-03-02 07:00:00"},
                {"service_id": self._create_service("Chat", fee_policy="free").id},
                {"seats": 2},
                {"resource_ids": [Command.clear()]},
                {"allocation_ids": [Command.create({"amount": 60})]},
                {"invoice_id": self._create_invoice([60]).id},
            ):
                with self.subTest(user=name, vals=list(vals)):
                    with self.assertRaises(UserError):
                        booking.with_user(user).write(vals)
                    self._assert_unpaid(booking)

    def test_context_of_rpc_opens_nothing(self):
        booking = self._place()
        for value in (True, 1, "object", [], {}):
            with self.assertRaises(UserError):
                booking.with_user(self.users["admin"]).with_context(
                    booking_edit=value
                ).write({"state": "confirmed"})
        self._assert_unpaid(booking)

    def test_create_confirms_for_nobody(self):
        for name, user in self.users.items():
            for vals in (
                {"state": "confirmed"},
                {"state": "hold"},
                {"confirmed_at": "2026-03-02 07:00:00"},
            ):
                with (
                    self.subTest(user=name, vals=vals),
                    self.assertRaises(UserError),
                ):
                    self.env["payment.booking"].with_user(user).create(
                        {
                            "service_id": self.service.id,
                            "start": self._utc("2026-03-03 09:00"),
                            **vals,
                        }
                    )

    def test_import_confirms_nothing(self):
        booking = self._place()
        xmlid = "__test__.booking"
        self.env["ir.model.data"].create(
            {
                "module": "__test__",
                "name": "booking",
                "model": "payment.booking",
                "res_id": booking.id,
            }
        )
        Booking = self.env["payment.booking"].with_user(self.users["admin"])
        result = Booking.load(["id", "state"], [[xmlid, "Confirmed"]])
        self.assertFalse(result["ids"])
        result = Booking.load(
            ["service_id/.id", "start", "state"],
            [[str(self.service.id), "2026-03-03 08:00:00", "Confirmed"]],
        )
        self.assertFalse(result["ids"])
        self._assert_unpaid(booking)

    def test_what_was_placed_does_not_become_free(self):
        for name, user in self.users.items():
            booking = self._place(visitor_key=name)
            for policy in ("free", "hidden", "on_site", "suggested", "varies"):
                with self.subTest(user=name, policy=policy):
                    with self.assertRaises(UserError):
                        booking.with_user(user).write({"fee_policy": policy})
            booking.with_user(user).action_place()  # only drafts
            self._assert_unpaid(booking)
            booking._drop_hold()

    def test_price_typed_in_a_draft_does_not_count(self):
        booking = (
            self.env["payment.booking"]
            .with_user(self.users["user"])
            .create(
                {
                    "service_id": self.service.id,
                    "start": self._utc("2026-03-03 09:00"),
                    "guest_name": "Zoé",
                    "price_unit": 0.01,
                    "amount_total": 0.0,
                }
            )
        )
        booking.action_place()
        self._assert_unpaid(booking)
        self.assertEqual(booking.amount_total, 60.0)

    def test_only_a_manager_confirms_anyway_and_says_why(self):
        booking = self._place()
        with self.assertRaises(AccessError):
            booking.with_user(self.users["user"]).action_confirm_anyway("a friend")
        wizard = self.env["payment.booking.confirm"]
        with self.assertRaises(AccessError):
            wizard.with_user(self.users["user"]).create(
                {"booking_ids": [Command.set(booking.ids)], "reason": "a friend"}
            )
        manager = self.users["manager"]
        for reason in (None, "", "  ", 5, ["a friend"]):
            with self.assertRaises(UserError):
                booking.with_user(manager).action_confirm_anyway(reason)
        self._assert_unpaid(booking)
        wizard.with_user(manager).create(
            {"booking_ids": [Command.set(booking.ids)], "reason": "a friend"}
        ).action_confirm()
        self.assertEqual(booking.state, "confirmed")
        self.assertIn("a friend", " ".join(booking.message_ids.mapped("body")))
        self.assertEqual(booking._get_payable_amount(), 60.0, "it is still owed")

    def test_portal_user_writes_nothing(self):
        booking = self._place(partner=self.portal_user.partner_id)
        theirs = booking.with_user(self.portal_user)
        self.assertEqual(theirs.state, "hold", "their own booking")
        calls = (
            lambda: theirs.write({"state": "confirmed"}),
            lambda: theirs.write({"guest_name": "x"}),
            theirs.action_place,
            theirs.action_cancel,
            theirs.action_attended,
            theirs.action_attention_done,
            lambda: theirs.action_confirm_anyway("please"),
            lambda: theirs.copy({"start": "2026-03-05 09:00:00"}),
            theirs.unlink,
        )
        for number, call in enumerate(calls):
            with self.subTest(number), self.assertRaises(UserError):
                call()
        self._assert_unpaid(booking)

    def test_attendance_confirms_nothing(self):
        booking = self._place()
        booking.with_user(self.users["user"]).write({"attendance": "attended"})
        booking.with_user(self.users["user"]).action_no_show()
        self._assert_unpaid(booking)

    def test_copy_is_a_draft(self):
        booking = self._place()
        self._pay(booking)
        copy = booking.with_user(self.users["user"]).copy(
            {"start": "2026-03-05 09:00:00"}
        )
        self.assertEqual(copy.state, "draft")
        self.assertFalse(copy.allocation_ids)
        self.assertFalse(copy.invoice_id)
        self.assertEqual(copy._get_payable_paid(), 0.0)

    def test_code_of_ours_checks_the_money_too(self):
        booking = self._place()
        with self.assertRaises(UserError):
            booking._confirm()
        self._assert_unpaid(booking)

    def test_event_of_somebody_confirms_nothing(self):
        booking = self._place()
        event = (
            self.env["calendar.event"]
            .with_user(self.users["user"])
            .create(
                {
                    "name": "Mine",
                    "start": "2026-03-03 08:00:00",
                    "stop": "2026-03-03 09:00:00",
                    "partner_ids": [Command.link(self.partner.id)],
                }
            )
        )
        event.payment_booking_id = booking
        event.attendee_ids.do_accept()
        booking.invalidate_recordset()
        self.assertEqual(booking.state, "hold")


@tagged("post_install", "-at_install")
class TestPaymentRace(TransactionCase):
    """Two tabs start to pay at the same moment, each on its own connection."""

    def setUp(self):
        super().setUp()
        self.trash = []
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            ids = self._make_records(env)
        self.booking_id, self.provider_id, self.method_id = ids
        self.addCleanup(self._clean_up)

    def _make_records(self, env):
        """Make and commit a booking on hold and a provider."""
        company = env.ref("base.main_company")
        method = env["payment.method"].create({"name": "Race", "code": "pbp_race"})
        provider = env["payment.provider"].create(
            {
                "name": "Race",
                "code": "none",
                "company_id": company.id,
                "payment_method_ids": [Command.set(method.ids)],
                "redirect_form_view_id": env["ir.ui.view"]
                .create({"name": "Race", "type": "qweb", "arch": "<form/>"})
                .id,
                "state": "enabled",
                "is_published": True,
            }
        )
        method.active = True
        calendar = env["resource.calendar"].create(
            {"name": "Race", "company_id": company.id, "tz": "UTC"}
        )
        resource = env["resource.resource"].create(
            {"name": "Race", "company_id": company.id, "calendar_id": calendar.id}
        )
        group = env["product.booking.resource.group"].create(
            {
                "name": "Race",
                "company_id": company.id,
                "resource_ids": [Command.set(resource.ids)],
            }
        )
        service = env["payment.booking.service"].create(
            {
                "name": "Race",
                "company_id": company.id,
                "price": 60.0,
                "fee_policy": "required",
                "calendar_id": calendar.id,
                "group_ids": [Command.set(group.ids)],
            }
        )
        service.product_id.taxes_id = False
        partner = env["res.partner"].create({"name": "Race"})
        booking = env["payment.booking"]._place(
            service,
            service._get_next_slot_after(service._get_booking_window()[0]),
            {},
            partner=partner,
        )
        self.trash = [
            ("payment.booking", booking.ids),
            ("payment.provider", provider.ids),
            ("payment.method", method.ids),
            ("payment.booking.service", service.ids),
            ("product.template", service.product_tmpl_id.ids),
            ("product.booking.resource.group", group.ids),
            ("resource.resource", resource.ids),
            ("resource.calendar", calendar.ids),
            ("res.partner", partner.ids),
        ]
        return booking.id, provider.id, method.id

    def _clean_up(self):
        """Take away what was committed."""
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            booking = env["payment.booking"].browse(self.booking_id)
            booking.allocation_ids.transaction_id.unlink()
            booking._drop_hold()
            for model, ids in self.trash:
                records = env[model].browse(ids)
                if model == "payment.provider":
                    records.state = "disabled"
                records.unlink()

    def _begin(self, cr):
        """Return the booking as seen by a new request, its snapshot taken."""
        env = api.Environment(cr, SUPERUSER_ID, {})
        booking = env["payment.booking"].browse(self.booking_id)
        self.assertEqual(booking.state, "hold")
        return booking

    def _start(self, booking):
        """Start a payment as the route does."""
        env = booking.env
        tx = booking._prepare_payment(
            self.provider_id,
            self.method_id,
            None,
            "redirect",
            env.ref("base.public_user"),
        )
        if not tx:
            values = booking._prepare_payment_values("race")
            values.pop("reference_prefix")
            tx = env["payment.transaction"].create(
                {
                    "provider_id": self.provider_id,
                    "payment_method_id": self.method_id,
                    "operation": "online_redirect",
                    "reference": f"race-{self.booking_id}-{id(booking)}",
                    **values.pop("custom_create_values"),
                    **values,
                }
            )
        env.flush_all()
        return tx

    def test_loser_is_replayed_and_finds_the_transaction(self):
        with (
            closing(self.registry.cursor()) as first,
            closing(self.registry.cursor()) as second,
        ):
            one, other = self._begin(first), self._begin(second)
            tx = self._start(one)
            first.commit()
            with (
                self.assertLogs("odoo.sql_db", "ERROR"),
                self.assertRaises(psycopg2.errors.SerializationFailure),
            ):
                self._start(other)
            second.rollback()
            other.env.transaction.reset()
            # What Odoo's replay of the request does, on a fresh snapshot.
            again = self._start(self._begin(second))
            self.assertEqual(again.id, tx.id)
            second.rollback()
