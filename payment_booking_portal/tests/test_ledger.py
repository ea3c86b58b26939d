"""What the providers have and what Odoo has is the same, whatever happened between.

A long walk of random steps: clients pay, decline, leave and come back; notifications
are lost, repeated and mixed up; providers are away; processes die before they commit;
staff cancels and gives back. In the end everything heals, and each cent is counted.
"""

import json
import os
import random
import threading
from contextlib import contextmanager, suppress
from datetime import timedelta
from decimal import Decimal
from unittest.mock import patch
from urllib.parse import urlencode, urlsplit

import requests

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged
from odoo.tools import SQL, mute_logger

from ..gateways import mollie, stripe
from .common import NOW
from .gateway_common import GatewayCommon
from .http_common import BookingHttpCommon

STEPS = int(os.environ.get("LEDGER_STEPS") or 500)
DECIMALS = {"EUR": 2, "JPY": 0, "KWD": 3}
PRICES = {"EUR": 33.35, "JPY": 4321, "KWD": 12.345}
JOBS = (
    ("payment.transaction", "_cron_reconcile"),
    ("payment.booking", "_cron_release_holds"),
    ("payment.transaction", "_cron_post_process"),
    ("payment.refund.request", "_cron_refund"),
    ("payment.transaction", "_cron_post_process_forgotten"),
)
CARDS = (
    *("4242424242424242",) * 6,
    "4000000000000002",  # declined
    "4000002500003155",  # 3-D Secure
    "4000000000001000",  # slow
)
MOLLIE_ENDS = (*("paid",) * 6, "failed", "canceled", "expired", "pending")


class Killed(BaseException):
    """The process is gone before it could commit."""


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestLedger(GatewayCommon, BookingHttpCommon):
    """The sum at the providers is the sum in Odoo, and in its books."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        currencies = [cls._enable_currency(name) for name in DECIMALS]
        cls.currencies = cls.env["res.currency"].union(*currencies)
        cls.company.booking_currency_ids = [Command.set(cls.currencies.ids)]
        cls.services = [
            cls._create_service(
                f"Lesson in {currency.name}",
                currency_id=currency.id,
                price=PRICES[currency.name],
                fee_policy=policy,
            )
            for currency in cls.currencies
            for policy in ("required", "suggested")
        ]
        cls.since = {
            model: cls.env[model].sudo().search([], order="id desc", limit=1).id or 0
            for model in ("payment.transaction", "account.payment")
        }

    def setUp(self):
        super().setUp()
        # A late answer is waited for no longer than need be.
        for module in (stripe, mollie):
            self.startPatcher(patch.object(module, "TIMEOUT", 0.3))
        self.startPatcher(patch.object(mollie, "RETRIES", 0))
        self.seed = int(os.environ.get("LEDGER_SEED") or 1)
        self.random = random.Random(self.seed)
        self.documents, self.txs = [], self.env["payment.transaction"].sudo()
        self.outbox = []  # notifications that nobody has delivered yet
        self.heard = {"stripe": 0, "mollie": 0}
        self.tampered = set()
        self.log, self.late = [], []
        self.addCleanup(self._do_what_is_late)

    @contextmanager
    def enter_registry_test_mode(self):
        """Override: tests that ask pages are in it already."""
        self.env.flush_all()
        yield
        self.env.invalidate_all()

    # === THE WALK === #

    def test_sums_after_a_long_walk(self):
        steps, weights = zip(*self._get_steps(), strict=True)
        with (
            freeze_time(NOW) as self.clock,
            mute_logger(
                "odoo.addons.payment.models.payment_transaction",
                "odoo.addons.payment.models.payment_provider",
                "odoo.addons.payment_stripe.controllers.main",
                "odoo.addons.payment_stripe.models.payment_transaction",
                "odoo.addons.payment_mollie.controllers.main",
            ),
        ):
            for _number in range(STEPS):
                [step] = self.random.choices(steps, weights)
                self.log.append(step.__name__.removeprefix("_step_"))
                step()
                self._collect()
            self._heal()
            self._check_sums()
            self._check_documents()
            self._check_refunds()

    def _get_steps(self):
        return (
            (self._step_order, 12),
            (self._step_begin, 20),
            (self._step_pay, 18),
            (self._step_settle, 4),
            (self._step_deliver, 9),
            (self._step_repeat, 3),
            (self._step_lose, 3),
            (self._step_return, 4),
            (self._step_pass_time, 7),
            (self._step_job, 10),
            (self._step_job_dies, 5),
            (self._step_answer_dies, 3),
            (self._step_cancel, 3),
            (self._step_refund, 6),
            (self._step_settle_refund, 4),
            (self._step_break, 2),
            (self._step_mend, 5),
            (self._step_cash, 1),
            (self._step_delay, 1),
            (self._step_forget, 2),
            (self._step_tamper, 1),
            (self._step_revive, 2),
        )

    def _pick(self, values):
        values = list(values)
        return self.random.choice(values) if values else None

    def _now_and_then(self, chance):
        return self.random.random() < chance

    # === WHAT CLIENTS DO === #

    def _step_order(self):
        """Book a time, or be asked for money."""
        kind = self._pick(("booking", "booking", "request", "invoice"))
        currency = self._pick(self.currencies)
        amount = currency.round(self.random.uniform(5, 90))
        if kind == "booking":
            day = self.random.choice((9, 10, 11, 12, 13))
            local = f"2026-03-{day:02} {self.random.randrange(9, 16):02}:00"
            # A time that somebody else has is refused.
            with self._refused():
                service = self._pick(self.services)
                document = self._place(service, local, visitor_key=str(len(self.log)))
                self.documents.append(document)
            return
        if kind == "request":
            document = self.env["payment.request"].create(
                {
                    "company_id": self.company.id,
                    "partner_id": self.partner.id,
                    "currency_id": currency.id,
                    "amount": amount,
                    "reason": "Workshop",
                }
            )
            document.action_make_link()
        else:
            document = self._create_invoice([amount], currency_id=currency.id)
            document.action_post()
        self.documents.append(document.sudo())

    def _step_begin(self):
        """Choose a way to pay, perhaps another one than before."""
        document = self._pick(self.documents[-6:])
        provider = self._pick((self.stripe, self.mollie))
        flow = "direct" if provider == self.stripe else "redirect"
        if not document:
            return
        with self._refused():
            tx = document._prepare_payment(
                provider.id, self.card.id, None, flow, self.public_user
            )
            if not tx:
                tx = self._start_payment(
                    document,
                    provider_id=provider.id,
                    payment_method_id=self.card.id,
                    operation=f"online_{flow}",
                    reference=f"L{len(self.log)}",
                )
                self._age(tx, 0)
            tx._get_processing_values()
            self.txs |= tx
        self.txs = self.txs.exists()

    @contextmanager
    def _refused(self):
        """Let a step be refused, and leave nothing behind then."""
        try:
            with self.env.cr.savepoint():
                yield
        # Odoo's own modules choke on an answer that is cut.
        except (UserError, requests.RequestException) as error:
            self.log[-1] += f" ({error})"

    def _age(self, tx, minutes):
        """Override to follow the clock of the walk."""
        self.env.flush_all()
        created = fields.Datetime.now() - timedelta(minutes=minutes)
        self.env.cr.execute(
            SQL(
                "UPDATE payment_transaction SET create_date = %s WHERE id = %s",
                created,
                tx.id,
            )
        )
        tx.invalidate_recordset(["create_date"])

    def _get_bound(self):
        return self.txs.filtered("provider_reference")[-12:]

    def _step_pay(self):
        """Use a card at the provider, which takes it or not."""
        tx = self._pick(self._get_bound()[-6:])
        if not tx:
            return
        fake, key = self._fake_of(tx), tx.provider_reference
        if tx.provider_code == "mollie":
            fake.set_cancelable(key, self._now_and_then(0.5))
            fake.pay(key, self._pick(MOLLIE_ENDS))
        elif fake.objects[key]["status"] == "requires_action":
            fake.authenticate(key, self._now_and_then(0.8))
        else:
            fake.pay(key, card=self._pick(CARDS))

    def _step_settle(self):
        """End what is slow at the provider."""
        tx = self._pick(self._get_bound())
        if not tx:
            return
        fake, key = self._fake_of(tx), tx.provider_reference
        well = self._now_and_then(0.7)
        if tx.provider_code == "stripe":
            fake.settle(key, well)
        elif fake.objects[key]["status"] == "pending":
            fake.pay(key, "paid" if well else "failed")

    def _step_return(self):
        """Come back to the shop from the provider."""
        tx = self._pick(self._get_bound())
        if not tx:
            return
        if tx.provider_code == "stripe":
            query = {"reference": tx.reference, "payment_intent": tx.provider_reference}
        else:
            query = {"ref": tx.reference}
        self._ask(f"/payment/{tx.provider_code}/return?{urlencode(query)}")

    def _ask(self, path, **kwargs):
        self.env.flush_all()
        self.url_open(path, allow_redirects=False, timeout=60, **kwargs)
        self.env.invalidate_all()

    # === NOTIFICATIONS === #

    def _collect(self):
        """Put the news of the providers into the outbox."""
        events = self.fakes["stripe"].events()
        for event in events[self.heard["stripe"] :]:
            # Nobody asks about a refund that arrived: Stripe says that it did not.
            failed = event["data"]["object"].get("status") == "failed"
            is_sure = event["type"] == "charge.refund.updated" and failed
            self.outbox.append(("stripe", event, is_sure))
        self.heard["stripe"] = len(events)
        news = self.fakes["mollie"].notifications
        self.outbox += [("mollie", key, False) for key in news[self.heard["mollie"] :]]
        self.heard["mollie"] = len(news)

    def _deliver(self, code, what, _is_sure):
        """Send a notification to Odoo's own controller."""
        fake = self.fakes[code]
        if code == "stripe":
            body = json.dumps(what).encode()
            headers = {
                "Content-Type": "application/json",
                "Stripe-Signature": fake.sign(body),
            }
            self._ask("/payment/stripe/webhook", data=body, headers=headers)
        else:
            url, body, headers = fake._mail(what)
            parts = urlsplit(url)
            self._ask(f"{parts.path}?{parts.query}", data=body, headers=headers)

    def _step_deliver(self):
        """Deliver any notification: the last one may come first."""
        item = self._pick(self.outbox[-6:])
        if item:
            self.outbox.remove(item)
            self._deliver(*item)

    def _step_repeat(self):
        """Deliver one that will come again."""
        item = self._pick(self.outbox[-6:])
        if item:
            self._deliver(*item)

    def _step_lose(self):
        item = self._pick(item for item in self.outbox if not item[2])
        if item:
            self.outbox.remove(item)

    # === TIME AND JOBS === #

    def _step_pass_time(self):
        minutes = self.random.choice((1, 1, 3, 5, 10, 20, 60))
        self.clock.tick(timedelta(minutes=minutes))

    def _step_job(self):
        self._run(*self._pick(JOBS))

    def _step_job_dies(self):
        """Kill a job before one of its commits."""
        IrCron = self.registry["ir.cron"]
        commit, left = IrCron._commit_progress, iter(range(self.random.randrange(3)))

        def commit_or_die(cron, *args, **kwargs):
            if next(left, None) is None:
                cron.env.cr.rollback()
                raise Killed
            return commit(cron, *args, **kwargs)

        with suppress(Killed), patch.object(IrCron, "_commit_progress", commit_or_die):
            self._run(*self._pick(JOBS))
        self.env.invalidate_all()

    def _step_answer_dies(self):
        """Take an answer of the provider, and lose all that was written of it."""
        tx = self._pick(self._get_bound())
        if not tx:
            return
        self.env.flush_all()
        with self.registry.cursor() as cr:
            tx = tx.with_env(api.Environment(cr, SUPERUSER_ID, {}))
            if self._now_and_then(0.5):
                tx._ask()
            else:
                tx._stop("Over")
            cr.rollback()
        self.env.invalidate_all()

    # === STAFF === #

    def _step_cancel(self):
        document = self._pick(self.documents[-12:])
        if not document:
            return
        if document._name == "payment.booking":
            document._editing()._cancel(by_client=self._now_and_then(0.5))
        elif document._name == "payment.request":
            document.action_cancel()

    def _step_refund(self):
        """Decide to give money back: all of it, or a part."""
        self.fakes["stripe"].refund_status = self._pick(("succeeded", "pending"))
        self.fakes["mollie"].refund_status = self._pick(("queued", "pending"))
        tx = self._pick(tx for tx in self.txs if tx.state == "done")
        if not tx:
            return
        left = tx._get_refundable_amount()
        part = self._pick((1, 1, 0.5, self.random.random()))
        with self._refused():
            self.env["payment.refund.request"]._decide(tx, left * part, "Ill")

    def _step_settle_refund(self):
        """End a refund that is on its way, or let one fail that arrived."""
        fake = self._pick(self.fakes.values())
        ends = {
            "pending": ("succeeded", "refunded", "failed"),
            "queued": ("refunded", "canceled"),
            "succeeded": ("failed",),
        }
        refund = self._pick(
            one
            for key, one in fake.objects.items()
            if key.startswith("re_") and one["status"] in ends
        )
        if not refund or (refund["status"] == "succeeded" and self._now_and_then(0.8)):
            return
        other = "refunded" if fake is self.fakes["stripe"] else "succeeded"
        choices = [end for end in ends[refund["status"]] if end != other]
        fake.settle_refund(refund["id"], self._pick(choices))

    def _step_cash(self):
        """Note money at the desk, while the client may pay on line."""
        document = self._pick(self.documents[-12:])
        cash = self.env.ref("payment_booking_portal.payment_method_cash")
        if document:
            with self._refused():
                document._record_payment(document._get_payable_amount(), cash)

    # === WHAT GOES WRONG === #

    def _step_break(self):
        """Let a provider be away for a while."""
        fake = self._pick(self.fakes.values())
        if self._now_and_then(0.3):
            fake.stop()
            return
        fault = self._pick(
            (
                {"status": 500},
                {"status": 500, "done": True},
                {"cut": True},
                {"cut": True, "done": True},
                {"status": 429},
                {"method": "POST", "path": "refunds", "cut": True, "done": True},
            )
        )
        fake.fail(times=self.random.randrange(1, 12), **fault)

    def _step_delay(self):
        """Let a provider do something after nobody waits for its answer any more."""
        fake = self._pick(self.fakes.values())
        path = self._pick(("refunds$", "/cancel$"))
        if path != "refunds$" and fake is self.fakes["mollie"]:
            what = {"method": "DELETE"}
        else:
            what = {"method": "POST", "path": path}
        self.late.append(fake.fail(hold=threading.Event(), **what))

    def _do_what_is_late(self):
        for fault in self.late:
            fault.hold.set()
            if fault.reached.is_set():
                self.assertTrue(fault.over.wait(10))
        self.late = []

    def _step_mend(self):
        self._do_what_is_late()
        for fake in self.fakes.values():
            fake.start()
            fake.reset_log()

    def _step_forget(self):
        """Forget the keys of requests, as the real ones do after a day."""
        self._do_what_is_late()
        for fake in self.fakes.values():
            fake._replays.clear()

    def _step_tamper(self):
        """Let the provider know another payment than the one that was asked for."""
        tx = self._pick(self._get_bound())
        if not tx or tx.state != "draft":
            return
        found = self._fake_of(tx).objects[tx.provider_reference]
        if found["status"] in ("open", "requires_payment_method"):
            found["description"] = "SOMETHING ELSE"
            self.tampered.add(tx.provider_reference)
            self._pay_there(tx)

    def _step_revive(self):
        """Let money come for what the provider called dead, as some transfers do."""
        fake = self.fakes["mollie"]
        dead = ("expired", "failed", "canceled")
        tx = self._pick(
            tx
            for tx in self._get_bound()
            if tx.provider_code == "mollie" and tx.state == "cancel"
        )
        if tx and fake.objects[tx.provider_reference]["status"] in dead:
            fake._move(fake.objects[tx.provider_reference], "paid")
            self.heard["mollie"] = len(fake.notifications)
            self.outbox.append(("mollie", tx.provider_reference, True))

    # === IN THE END === #

    def _heal(self):
        """Let providers answer, what is slow end, and jobs run until all is quiet."""
        self._step_mend()
        self._step_forget()
        stripe_fake, mollie_fake = self.fakes["stripe"], self.fakes["mollie"]
        stripe_fake.refund_status = "succeeded"
        for key, one in list(stripe_fake.objects.items()):
            if one["object"] == "payment_intent":
                stripe_fake.settle(key)
            elif one["object"] == "refund" and one["status"] == "pending":
                stripe_fake.settle_refund(key)
        for tx in self.txs.filtered(lambda tx: tx.provider_code == "mollie"):
            one = mollie_fake.objects.get(tx.provider_reference)
            if one and one["status"] in ("open", "pending"):
                paid = one["status"] == "pending"
                mollie_fake.pay(one["id"], "paid" if paid else "expired")
        for item in [item for item in self.outbox if item[2]]:
            self._deliver(*item)
        before = None
        for _round in range(12):
            for key, one in list(mollie_fake.objects.items()):
                is_refund = one["resource"] == "refund"
                if is_refund and one["status"] in ("queued", "pending"):
                    mollie_fake.settle_refund(key)
            self.clock.tick(timedelta(days=1))
            for job in JOBS:
                self._run(*job)
            now = self._get_picture()
            if now == before:
                return
            before = now
        self.fail(f"It does not come to rest (seed {self.seed}).")

    def _get_picture(self):
        return [
            [(one.id, one.state) for one in self.env[model].sudo().search([])]
            for model in (
                "payment.transaction",
                "payment.refund.request",
                "account.payment",
                "payment.booking",
            )
        ]

    def _get_new(self, model, domain):
        return self.env[model].sudo().search([("id", ">", self.since[model]), *domain])

    def _get_tampered_sum(self, currency):
        """Return what was paid for something else than what was asked for."""
        total = Decimal(0)
        for key in self.tampered:
            one = self.fakes["stripe"].objects.get(key)
            if one and one["currency"] == currency.lower():
                received = Decimal(one["amount_received"])
                total += received.scaleb(-DECIMALS[currency])
            one = self.fakes["mollie"].objects.get(key)
            if one and one["amount"]["currency"] == currency:
                total += Decimal(one["amount"]["value"]) * (one["status"] == "paid")
        return total

    def _check_sums(self):
        asked = ("provider_id", "in", (self.stripe + self.mollie).ids)
        txs = self._get_new("payment.transaction", [asked, ("state", "=", "done")])
        payments = self._get_new(
            "account.payment",
            [
                ("payment_transaction_id.provider_id", "in", asked[2]),
                ("state", "in", ("in_process", "paid")),
            ],
        )
        for currency in self.currencies:
            name = currency.name
            there = Decimal(self.fakes["stripe"].balance(name)).scaleb(-DECIMALS[name])
            there += self.fakes["mollie"].balance(name)
            there -= self._get_tampered_sum(name)
            here = sum(
                Decimal(str(tx.amount)) for tx in txs if tx.currency_id == currency
            )
            booked = sum(
                Decimal(str(payment.amount))
                * (1 if payment.payment_type == "inbound" else -1)
                for payment in payments
                if payment.currency_id == currency
            )
            with self.subTest(currency=name, seed=self.seed):
                paid = txs.filtered(lambda tx, name=name: tx.currency_id.name == name)
                self.assertTrue(paid, "nothing was paid: the walk proves nothing")
                self.assertEqual((here, booked), (there, there))
        with self.subTest("one payment for each", seed=self.seed):
            self.assertEqual(payments.payment_transaction_id.sorted(), txs.sorted())
            self.assertEqual(len(payments), len(txs))

    def _check_documents(self):
        overlaps = self.env.execute_query(
            SQL(
                """SELECT a.id FROM payment_booking_reservation a
                     JOIN payment_booking_reservation b
                       ON a.resource_id = b.resource_id AND a.id < b.id
                      AND a.start < b.stop AND b.start < a.stop"""
            )
        )
        self.assertFalse(overlaps)
        for document in self.documents:
            currency = document._get_payable_currency()
            lines = document._get_allocations().filtered(
                lambda line: line.transaction_id.state == "done"
            )
            came = sum(lines.mapped("amount"))
            total = document._get_payable_total()
            with self.subTest(document=document.display_name, seed=self.seed):
                if document._name == "payment.booking" and (
                    document.state == "confirmed" and document.fee_policy == "required"
                ):
                    self.assertGreaterEqual(currency.compare_amounts(came, total), 0)
                if currency.compare_amounts(came, total) > 0:
                    self.assertTrue(self._is_flagged(document), "paid twice")
        for tx in self.txs.filtered(lambda tx: tx.provider_reference in self.tampered):
            with self.subTest(tampered=tx.reference, seed=self.seed):
                self.assertNotEqual(tx.state, "done")

    @staticmethod
    def _is_flagged(document):
        if document._name == "account.move":
            return bool(document.activity_ids)
        return document.needs_attention

    def _check_refunds(self):
        made = {}
        for code, kind in (("stripe", "object"), ("mollie", "resource")):
            for one in self.fakes[code].objects.values():
                if one[kind] == "refund":
                    key = (one["metadata"] or {}).get("odoo_refund")
                    made.setdefault(key, []).append(one)
        refunds = self.env["payment.refund.request"].search([])
        keys = {refund._get_key(): refund for refund in refunds}
        self.assertLessEqual(set(made), set(keys))
        for key, refund in keys.items():
            with self.subTest(refund=refund.display_name, seed=self.seed):
                there = made.get(key, [])
                self.assertLessEqual(len(there), 1, "given back twice")
                arrived = [
                    one for one in there if one["status"] in ("succeeded", "refunded")
                ]
                self.assertEqual(refund.state == "done", bool(arrived))
