"""What providers are asked, and what becomes of their answers."""

import os
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from itertools import permutations
from threading import Thread
from unittest.mock import patch

from odoo import SUPERUSER_ID, api
from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .. import gateways
from ..exceptions import AlreadyPaid
from ..gateways import DEAD, OPEN, PAID, UNKNOWN, Gateway, get_gateway
from .common import NOW
from .gateway_common import GatewayCommon

SOON = "2026-03-02 07:03:00"
LATE = "2026-03-02 07:20:00"  # the hold of 15 minutes is over
MUCH_LATER = "2026-03-04 09:00:00"


class GatewayTests:
    """What is true of every provider that can be asked."""

    code = None

    def setUp(self):
        super().setUp()
        self.asked = getattr(self, self.code)
        self.fake = self.fakes[self.code]
        self.booking = self._place()
        self.tx = self._begin(self.booking, self.asked)

    # === THE NETWORK === #

    def test_proxy(self):
        """The SDK goes through the proxy of the server's environment."""
        asked = []

        class Proxy(BaseHTTPRequestHandler):
            def do_GET(self):
                asked.append(self.path)
                self.send_response(400)
                self.end_headers()
                self.wfile.write(b'{"error": {}, "status": 400, "detail": "No"}')

            def log_message(self, *args):
                pass

        with HTTPServer(("127.0.0.1", 0), Proxy) as proxy:
            thread = Thread(target=proxy.serve_forever, daemon=True)
            thread.start()
            address = f"http://127.0.0.1:{proxy.server_port}"
            none = dict.fromkeys(("NO_PROXY", "no_proxy"), "")
            gateway = get_gateway(self.asked)
            with (
                patch.dict(os.environ, {"HTTP_PROXY": address, **none}),
                patch.object(gateway, "_get_root", lambda: "http://127.0.0.1:9"),
            ):
                answer = gateway.ask(self.tx)
            proxy.shutdown()
        self.assertEqual(answer.word, UNKNOWN)
        self.assertTrue(asked)
        self.assertTrue(asked[0].startswith("http://127.0.0.1:9/v"), asked[0])
        self.assertIn(self.tx.provider_reference, asked[0])

    # === BINDING === #

    def test_bound_before_the_client_gets_it(self):
        self.assertIn(self.tx.provider_reference, self.fake.objects)
        self.assertEqual(self.tx.state, "draft")

    def test_second_click_goes_on_with_the_same(self):
        before = set(self.fake.objects)
        self.tx._get_processing_values()
        self.assertEqual(set(self.fake.objects), before)
        offer = (self.asked.id, self.card.id, self.tx.operation.removeprefix("online_"))
        again = self.booking._take_over(*offer, self.tx.amount)
        self.assertEqual(again, self.tx)

    def test_paid_one_is_not_used_again(self):
        self._pay_there(self.tx)
        offer = (self.asked.id, self.card.id, self.tx.operation.removeprefix("online_"))
        with suppress(AlreadyPaid):  # assertRaises would roll back
            self.booking._take_over(*offer, self.tx.amount)
            self.fail("it could be paid twice")
        self.assertEqual(self.tx.state, "done", "it is kept for who catches this")

    # === NOTIFICATIONS === #

    def test_notification_of_a_payment(self):
        self._pay_there(self.tx)
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "done")
        self.tx._post_process()
        self.assertEqual(self.booking.state, "confirmed")
        self.assertFalse(self.tx.ask_again_at)

    def test_notification_is_only_a_hint(self):
        data = {"id": self.tx.provider_reference, "ref": self.tx.reference}
        if self.code == "stripe":
            intent = self.fake.render(self.fake.objects[self.tx.provider_reference])
            intent.update(status="succeeded", amount_received=intent["amount"])
            data = {"reference": self.tx.reference, "payment_intent": intent}
        else:
            data.update(status="paid", amount={"value": "60.00", "currency": "USD"})
        self.env["payment.transaction"]._process(self.code, data)
        self.assertEqual(self.tx.state, "draft")

    def test_what_is_open_changes_nothing(self):
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft")
        self.assertTrue(self.booking._is_payable_now())

    def test_notified_twice(self):
        self._pay_there(self.tx)
        for _time in range(2):
            self._notify(self.tx)
            self.tx._post_process()
        self.assertEqual(len(self.booking.invoice_id), 1)
        self.assertEqual(self.tx.payment_id.amount, self.tx.amount)

    # === RECONCILING === #

    def test_lost_notification(self):
        self._pay_there(self.tx)
        with freeze_time(SOON):
            self._reconcile()
        self.assertEqual(self.tx.state, "done")
        self.assertEqual(self.booking.state, "confirmed")
        self.assertEqual(self.tx.payment_id.amount, self.tx.amount)

    def test_paid_after_an_error_here(self):
        self.tx._set_error("The provider could not be reached.")
        self._pay_there(self.tx)
        with freeze_time(SOON):
            self._reconcile()
        self.assertEqual(self.tx.state, "done")
        self.assertEqual(self.booking.state, "confirmed")

    def test_those_that_cannot_be_asked_stand_in_nobodys_way(self):
        other = self._start_payment(self._place(local="2026-03-04 09:00"))
        other.ask_again_at = NOW
        self._pay_there(self.tx)
        with freeze_time(SOON):
            self._run_limited(1)
        self.assertEqual(self.tx.state, "done")

    def _run_limited(self, limit):
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["payment.transaction"]._cron_reconcile(limit=limit)
        self.env.invalidate_all()

    def test_asked_less_and_less(self):
        expected = [
            ("07:01:59", 0),
            ("07:02:00", 1),  # then in 5 minutes
            ("07:06:59", 0),
            ("07:07:00", 1),  # 15
            ("07:22:00", 1),  # 60
            ("08:21:59", 0),
            ("08:22:00", 1),
        ]
        for clock, calls in expected:
            self.fake.reset_log()
            with freeze_time(f"2026-03-02 {clock}"):
                self._reconcile()
            self.assertEqual(len(self.fake.calls()), calls, clock)
        self.assertEqual(str(self.tx.ask_again_at), "2026-03-03 08:22:00")

    def test_notifications_do_not_slow_down_the_questions(self):
        for _time in range(6):
            self._notify(self.tx)
        self.assertEqual(str(self.tx.ask_again_at), "2026-03-02 07:02:00")
        self._pay_there(self.tx)
        with freeze_time(SOON):
            self._reconcile()
        self.assertEqual(self.tx.state, "done")

    def test_nobody_asks_after_two_weeks(self):
        with freeze_time("2026-03-17 07:00:01"):
            self._reconcile()
            self.assertFalse(self.tx.ask_again_at)

    def test_paid_ones_are_not_asked_about(self):
        self._pay_there(self.tx)
        self._notify(self.tx)
        self.fake.reset_log()
        with freeze_time(MUCH_LATER):
            self._reconcile()
        self.assertFalse(self.fake.calls())

    def test_run_stops_when_there_are_too_many_questions(self):
        other = self._begin(self._place(local="2026-03-04 09:00"), self.asked)
        self.fake.reset_log()
        self.fake.fail(times=9, status=429)
        with freeze_time(SOON):
            self._reconcile()
        # The SDK of Stripe tries a limited question again by itself.
        asked = {call.path for call in self.fake.calls()}
        self.assertEqual(len(asked), 1)
        self.assertEqual(other.state, "draft")

    def test_staff_asks(self):
        self._pay_there(self.tx)
        action = self.tx.action_ask_provider()
        self.assertIn("has the money", action["params"]["message"])
        self.assertEqual(self.tx.state, "done")

    def test_who_may_not_ask(self):
        plain = new_test_user(
            self.env,
            login="plain",
            groups="payment_booking_portal.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self._pay_there(self.tx)
        with self.assertRaises(AccessError):
            self.tx.with_user(plain).sudo(False).action_ask_provider()
        self.assertEqual(self.tx.state, "draft")

    # === OUTAGES === #

    def _assert_kept(self):
        with freeze_time(LATE):
            self._release_holds()
        self.assertEqual(self.booking.state, "hold")
        self.assertEqual(self.tx.state, "draft")

    def test_outage_keeps_the_time(self):
        for fault in ({"status": 500}, {"cut": True}):
            with self.subTest(**fault):
                self.fake.fail(times=9, **fault)
                self._assert_kept()
                self.assertTrue(self.tx.ask_error)
                self.fake.reset_log()
        self.fake.stop()
        self._assert_kept()
        self.fake.start()
        self._pay_there(self.tx)
        with freeze_time(MUCH_LATER):
            self._reconcile()
        self.assertEqual(self.booking.state, "confirmed")
        self.assertFalse(self.tx.ask_error)

    def test_notification_during_an_outage(self):
        self._pay_there(self.tx)
        self.fake.fail(times=9, status=500)
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft", "nothing is known")
        self.fake.reset_log()
        with freeze_time(SOON):
            self._reconcile()
        self.assertEqual(self.tx.state, "draft", "asked a moment ago")
        with freeze_time(LATE):
            self._reconcile()
        self.assertEqual(self.booking.state, "confirmed")

    def test_staff_hears_of_a_long_silence(self):
        self.fake.fail(times=99, status=500)
        for clock in ("07:03", "07:10", "07:30", "08:40"):
            self.assertFalse(self.booking.needs_attention)
            with freeze_time(f"2026-03-02 {clock}:00"):
                self._reconcile()
        with freeze_time("2026-03-03 09:00:00"):
            self._reconcile()
        self.assertEqual(self.booking.attention_reason, "late_kept")

    # === MISMATCH === #

    def test_other_amount_is_never_money_for_it(self):
        self._pay_there(self.tx)
        found = self.fake.objects[self.tx.provider_reference]
        if self.code == "stripe":
            found["amount_received"] = found["amount"] = 100
        else:
            found["amount"] = {"currency": "USD", "value": "1.00"}
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft")
        self.assertEqual(self.booking.attention_reason, "amount_mismatch")
        self.assertIn("1", self.tx.provider_mismatch)
        # It stays so, whatever comes.
        if self.code == "stripe":
            found["amount_received"] = found["amount"] = 6000
        else:
            found["amount"] = {"currency": "USD", "value": "60.00"}
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft")

    def test_payment_of_something_else(self):
        self._pay_there(self.tx)
        self.fake.objects[self.tx.provider_reference]["description"] = "OTHER"
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft")
        self.assertEqual(self.booking.attention_reason, "amount_mismatch")

    # === THE END OF A HOLD === #

    def test_hold_is_over_and_it_was_paid(self):
        self._pay_there(self.tx)
        with freeze_time(LATE):
            self._release_holds()
            self.assertEqual(self.booking.state, "hold")
            self.tx._post_process()
        self.assertEqual(self.booking.state, "confirmed")

    # === WHO IS NOT ASKED === #

    def test_copy_of_a_database_asks_nobody(self):
        parameters = self.env["ir.config_parameter"].sudo()
        parameters.set_param("database.is_neutralized", "true")
        self.fake.reset_log()
        self.assertEqual(get_gateway(self.asked).fetch(self.tx), UNKNOWN)
        self.assertEqual(self.tx._stop("Over"), UNKNOWN)
        with freeze_time(MUCH_LATER):
            self._reconcile()
        self.assertFalse(self.fake.calls())

    def test_without_the_sdk(self):
        gateway = type(get_gateway(self.asked))
        with patch.object(gateway, "is_installed", lambda: False):
            self.assertEqual(type(get_gateway(self.asked)), Gateway)
            self.assertEqual(self.tx._stop("Over"), UNKNOWN)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestStripe(GatewayTests, GatewayCommon):
    code = "stripe"

    def test_words(self):
        gateway = get_gateway(self.tx.provider_id)
        self.assertEqual(gateway.fetch(self.tx), OPEN)
        self.fake.pay(self.tx.provider_reference, card="4000000000000002")
        self.assertEqual(gateway.fetch(self.tx), OPEN, "declined: another card may do")
        self.fake.pay(self.tx.provider_reference, card="4000002500003155")
        self.assertEqual(gateway.fetch(self.tx), OPEN, "3-D Secure is waited for")
        self.fake.authenticate(self.tx.provider_reference)
        self.assertEqual(gateway.fetch(self.tx), PAID)

    def test_declined_card_can_be_followed_by_another(self):
        self.fake.pay(self.tx.provider_reference, card="4000000000000002")
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "draft")
        self._pay_there(self.tx)
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "done")

    def test_slow_payment_is_on_its_way(self):
        self.fake.pay(self.tx.provider_reference, card="4000000000001000")
        self._notify(self.tx)
        self.assertEqual(self.tx.state, "pending")
        with freeze_time(MUCH_LATER):
            self._release_holds()
            self._release_holds()
        self.assertEqual(self.booking.state, "hold", "the provider says it may come")
        self.assertEqual(self.booking.attention_reason, "late_kept")
        self.fake.settle(self.tx.provider_reference)
        with freeze_time("2026-03-05 09:00:00"):
            self._reconcile()
        self.assertEqual(self.tx.state, "done")

    def test_hold_is_over(self):
        with freeze_time(LATE):
            self._release_holds()
        self.assertEqual(self.booking.state, "expired")
        self.assertEqual(self.tx.state, "cancel")
        found = self.fake.objects[self.tx.provider_reference]
        self.assertEqual(found["status"], "canceled", "nobody can pay it any more")
        self.assertEqual(get_gateway(self.asked).fetch(self.tx), DEAD)

    def test_paid_while_it_is_cancelled(self):
        ask = gateways.StripeGateway._stop

        def paid_first(gateway, tx):
            self._pay_there(tx)
            return ask(gateway, tx)

        with (
            freeze_time(LATE),
            patch.object(gateways.StripeGateway, "_stop", paid_first),
        ):
            self._release_holds()
            self.assertEqual(self.tx.state, "done")
            self.tx._post_process()
        self.assertEqual(self.booking.state, "confirmed")

    def test_every_order_of_notifications(self):
        """The end is what Stripe says, whatever comes first, last or twice."""
        self.fake.pay(self.tx.provider_reference, card="4000000000000002")
        self.fake.pay(self.tx.provider_reference, card="4000002500003155")
        self.fake.authenticate(self.tx.provider_reference)
        events = [
            event
            for event in self.fake.events()
            if event["type"].startswith("payment_intent")
        ]
        kinds = [event["type"] for event in events]
        self.assertIn("payment_intent.payment_failed", kinds)
        for order in list(permutations(events))[:24]:
            with self.env.cr.savepoint() as savepoint:
                for event in (*order, order[0]):
                    intent = event["data"]["object"]
                    data = {"reference": self.tx.reference, "payment_intent": intent}
                    self.env["payment.transaction"]._process("stripe", data)
                self.assertEqual(self.tx.state, "done")
                savepoint.rollback()
                self.env.invalidate_all()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMollie(GatewayTests, GatewayCommon):
    code = "mollie"

    def test_words(self):
        gateway = get_gateway(self.tx.provider_id)
        self.assertEqual(gateway.fetch(self.tx), OPEN)
        for status, word in (
            ("pending", OPEN),
            ("authorized", PAID),
            ("paid", PAID),
        ):
            self.fake.pay(self.tx.provider_reference, status=status)
            self.assertEqual(gateway.fetch(self.tx), word, status)

    def test_dead_ones(self):
        for hour, status in enumerate(("failed", "canceled", "expired"), 10):
            booking = self._place(local=f"2026-03-05 {hour}:00")
            tx = self._begin(booking, self.asked)
            self.fake.pay(tx.provider_reference, status=status)
            self.assertEqual(get_gateway(self.asked).fetch(tx), DEAD, status)
            self._notify(tx)
            self.assertEqual(tx.state, "cancel")

    def test_hold_is_over_and_mollie_cannot_cancel(self):
        self._assert_kept()
        self.fake.expire(self.tx.provider_reference)
        with freeze_time(LATE):
            self._release_holds()
        self.assertEqual(self.booking.state, "expired")
        self.assertEqual(self.tx.state, "cancel")

    def test_hold_is_over_and_mollie_cancels(self):
        self.fake.set_cancelable(self.tx.provider_reference)
        with freeze_time(LATE):
            self._release_holds()
        self.assertEqual(self.booking.state, "expired")
        found = self.fake.objects[self.tx.provider_reference]
        self.assertEqual(found["status"], "canceled")

    def test_asked_again_when_it_is_over(self):
        with freeze_time(LATE):
            self._reconcile()
        self.assertGreater(self.tx.ask_again_at, self._now())
