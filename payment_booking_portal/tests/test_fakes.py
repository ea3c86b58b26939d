"""The fakes of the providers, asked by the providers' own SDKs."""

import json
import subprocess
import sys
import tempfile
import threading
import time
import typing
import urllib.request
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests
import stripe
from mollie.api.client import Client
from mollie.api.error import ResponseError, UnauthorizedError, UnprocessableEntityError

from odoo.tests import BaseCase, tagged

from odoo.addons.payment_stripe.const import API_VERSION, HANDLED_WEBHOOK_EVENTS

from .fakes import FakeMollie, FakeStripe
from .fakes import stripe as fake_stripe


class _Inbox(BaseHTTPRequestHandler):
    """A web server that keeps what it is sent."""

    def do_POST(self):
        length = int(self.headers["Content-Length"])
        self.server.mails.append((self.headers, self.rfile.read(length)))
        self.send_response(200)
        self.end_headers()

    def log_message(self, format, *args):  # noqa: A002
        """Say nothing."""


class FakeCase(BaseCase):
    """What both fakes are tested with."""

    fake_class = None

    def setUp(self):
        super().setUp()
        self.fake = self.fake_class()
        self.addCleanup(self.fake.__exit__)
        self.addCleanup(lambda: self.assertFalse(self.fake.errors))

    def _inbox(self):
        server = HTTPServer(("127.0.0.1", 0), _Inbox)
        server.mails = []
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        server.url = f"http://127.0.0.1:{server.server_port}/hook"
        return server


class _Names(dict):
    """The names that the SDK's annotations use."""

    def __missing__(self, name):
        # Two names are not those under which the SDK offers the classes.
        if name == "CardResource":
            return stripe.Card
        for module in (stripe, stripe.test_helpers):
            if hasattr(module, name):
                return getattr(module, name)
        raise KeyError(name)


def problems(value, kind, path):
    """Return where a value is not what an annotation of the SDK says."""
    origin, args = typing.get_origin(kind), typing.get_args(kind)
    if kind is typing.Any:
        return []
    if origin is typing.Union:
        found = [problems(value, one, path) for one in args]
        # Stripe's SDK allows any text beside the values it knows, as it may be older
        # than the API; the fake must keep to the values.
        known = [one for one in args if typing.get_origin(one) is typing.Literal]
        if known and isinstance(value, str):
            found = [problems(value, one, path) for one in known]
        # Of several kinds of objects, tell about the one that fits best.
        return min(found, key=len)
    if origin is typing.Literal:
        return [] if value in args else [f"{path}: {value!r} is none of {args}"]
    if isinstance(kind, typing.TypeVar):
        return []
    if origin is list or kind is list:
        if not isinstance(value, list):
            return [f"{path}: {value!r} is no list"]
        return [
            problem
            for index, one in enumerate(value)
            for problem in problems(one, args[0], f"{path}[{index}]")
        ]
    target = origin or kind
    if issubclass(target, stripe.StripeObject):
        return object_problems(value, target, args, path)
    fits = isinstance(value, kind) and not (kind is int and isinstance(value, bool))
    return [] if fits else [f"{path}: {value!r} is no {kind.__name__}"]


def object_problems(value, kind, args, path):
    """Return where an object is not what a class of the SDK says."""
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is no {kind.__name__}"]
    if kind.__name__ == "UntypedStripeObject":
        return []
    hints = typing.get_type_hints(kind, localns=_Names())
    found = []
    for name, hint in hints.items():
        if typing.get_origin(hint) is typing.ClassVar or name.startswith("_"):
            continue
        if name not in value:
            if type(None) not in typing.get_args(hint):
                found.append(f"{path}.{name} is missing")
        elif args and name == "data":
            for index, one in enumerate(value[name]):
                found += problems(one, args[0], f"{path}.{name}[{index}]")
        else:
            found += problems(value[name], hint, f"{path}.{name}")
    # What older versions of the API have, and the SDK knows no more.
    old = {"charges"} if kind is stripe.PaymentIntent else set()
    if kind is stripe.ListObject:
        old = {"object", "total_count"}
    names = set(value) - set(hints) - old
    return found + [f"{path}.{name} is unknown" for name in sorted(names)]


@tagged("post_install", "-at_install")
class TestFakeStripe(FakeCase):
    fake_class = FakeStripe

    def setUp(self):
        super().setUp()
        self.client = self._client("sk_test_fake")

    def _client(self, key):
        return stripe.StripeClient(
            key,
            stripe_version=API_VERSION,
            base_addresses={"api": self.fake.root},
            max_network_retries=0,
            http_client=stripe.RequestsClient(timeout=10),
        ).v1

    def _send(self, method, path, data=None, key="sk_test_fake", **headers):
        """Send a request as Odoo does."""
        return requests.request(
            method,
            f"{self.fake.root}/v1/{path}",
            data=data,
            headers={"AUTHORIZATION": f"Bearer {key}", **headers},
            timeout=10,
        )

    def _intent(self, amount=5000, currency="eur", card="4242424242424242", **values):
        params = {"amount": amount, "currency": currency, "description": "S1", **values}
        intent = self.client.payment_intents.create(params)
        return self.fake.pay(intent.id, card) if card else intent.to_dict()

    def test_version(self):
        self.assertEqual(fake_stripe.API_VERSION, API_VERSION)

    def test_types(self):
        """Every object is what the SDK's own annotations say."""
        customer = self.client.customers.create(
            {"name": "A", "address": {"city": "Ghent"}, "metadata": {"a": "b"}}
        )
        values = {"customer": customer.id, "setup_future_usage": "off_session"}
        for card in ("4242424242424242", "4000000000000002", "4000002500003155"):
            intent = self._intent(card=card, **values)
        intent = self._intent(**values)
        refund = self.client.refunds.create(
            {"payment_intent": intent["id"], "amount": 10}
        )
        self.fake.settle_refund(refund.id, "failed")
        self.fake.dispute(intent["id"])
        manual = self._intent(capture_method="manual")
        self.client.payment_intents.cancel(manual["id"])
        setup = self.client.setup_intents.create({"customer": customer.id})
        self.fake.pay(setup.id)
        self.fake.pay(self.client.setup_intents.create({}).id, "4000000000000002")
        kinds = {
            "payment_intent": stripe.PaymentIntent,
            "charge": stripe.Charge,
            "refund": stripe.Refund,
            "dispute": stripe.Dispute,
            "customer": stripe.Customer,
            "event": stripe.Event,
            "setup_intent": stripe.SetupIntent,
            "payment_method": stripe.PaymentMethod,
        }
        seen = set()
        for value in list(self.fake.objects.values()):
            name = value["object"]
            seen.add(name)
            shown = json.loads(json.dumps(self.fake.render(value)))
            self.assertFalse(problems(shown, kinds[name], name))
        self.assertEqual(seen, set(kinds))

    def test_types_tell(self):
        """The check of the types sees what is wrong, in depth too."""
        intent = self._intent()
        del intent["status"]
        intent["amount"] = "5000"
        intent["capture_method"] = "later"
        intent["charges"]["data"][0]["paid"] = None
        charge = intent["charges"]["data"][0]
        charge["outcome"]["type"] = 3
        charge["more"] = 1
        self.assertEqual(len(problems(intent, stripe.PaymentIntent, "i")), 3)
        self.assertEqual(len(problems(charge, stripe.Charge, "c")), 3)

    def test_paid(self):
        intent = self._intent()
        found = self.client.payment_intents.retrieve(
            intent["id"], {"expand": ["payment_method", "latest_charge"]}
        )
        self.assertEqual(found.status, "succeeded")
        self.assertEqual(found.amount_received, 5000)
        self.assertEqual(found.latest_charge.amount, 5000)
        self.assertEqual(found.payment_method.card.last4, "4242")
        self.assertEqual(found["charges"].data[0].id, found.latest_charge.id)
        self.assertEqual(self.fake.balance("EUR"), 5000)

    def test_declined(self):
        intent = self._intent(card=None)
        with self.assertRaises(stripe.CardError) as caught:
            self.client.payment_intents.confirm(
                intent["id"], {"payment_method": "pm_card_visa_chargeDeclined"}
            )
        self.assertEqual(caught.exception.code, "card_declined")
        found = self.client.payment_intents.retrieve(intent["id"])
        self.assertEqual(found.status, "requires_payment_method")
        self.assertEqual(found.last_payment_error.code, "card_declined")
        self.assertEqual(self.fake.balance("eur"), 0)
        self.assertEqual(self.fake.pay(intent["id"])["status"], "succeeded")

    def test_slow(self):
        for succeed, status in (
            (True, "succeeded"),
            (False, "requires_payment_method"),
        ):
            intent = self._intent(card="4000000000001000")
            self.assertEqual(intent["status"], "processing")
            with self.assertRaises(stripe.InvalidRequestError):
                self.client.payment_intents.cancel(intent["id"])
            self.assertEqual(self.fake.settle(intent["id"], succeed)["status"], status)
        self.assertEqual(self.fake.balance("eur"), 5000)

    def test_three_d_secure(self):
        """The client is sent to a page and from there back to the shop."""
        for result, status in (("complete", "succeeded"), ("fail", "failed")):
            intent = self._intent(card=None)
            answer = self._send(
                "POST",
                f"payment_intents/{intent['id']}/confirm",
                {
                    "client_secret": intent["client_secret"],
                    "payment_method_data[type]": "card",
                    "payment_method_data[card][number]": "4000002500003155",
                    "return_url": "http://shop/return?reference=S1",
                },
                key="pk_test_fake",
            ).json()
            self.assertEqual(answer["status"], "requires_action")
            url = answer["next_action"]["redirect_to_url"]["url"]
            self.assertIn("50.00 EUR", requests.get(url, timeout=10).text)
            back = requests.post(
                url, {"result": result}, allow_redirects=False, timeout=10
            )
            query = parse_qs(urlsplit(back.headers["Location"]).query)
            self.assertEqual(query["reference"], ["S1"])
            self.assertEqual(query["payment_intent"], [intent["id"]])
            self.assertEqual(query["redirect_status"], [status])
        self.assertEqual(self.fake.balance("eur"), 5000)

    def test_cancel(self):
        intent = self._intent(card=None)
        canceled = self.client.payment_intents.cancel(intent["id"])
        self.assertEqual(canceled.status, "canceled")
        self.assertTrue(canceled.canceled_at)
        for status in ("canceled", "succeeded"):
            with self.assertRaises(stripe.InvalidRequestError) as caught:
                self.client.payment_intents.cancel(intent["id"])
            self.assertEqual(caught.exception.code, "payment_intent_unexpected_state")
            self.assertEqual(caught.exception.error.payment_intent.status, status)
            intent = self._intent()

    def test_capture(self):
        intent = self._intent(capture_method="manual")
        self.assertEqual(intent["status"], "requires_capture")
        self.assertEqual(self.fake.balance("eur"), 0)
        # Odoo captures without a body.
        answer = self._send("POST", f"payment_intents/{intent['id']}/capture").json()
        self.assertEqual(answer["status"], "succeeded")
        self.assertEqual(self.fake.balance("eur"), 5000)

    def test_refunds(self):
        intent = self._intent(1300)
        for _index in range(12):
            self.client.refunds.create({"payment_intent": intent["id"], "amount": 100})
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.client.refunds.create({"payment_intent": intent["id"], "amount": 101})
        self.assertEqual(caught.exception.code, "amount_too_large")
        self.fake.refund_status = "pending"
        last = self.client.refunds.create({"payment_intent": intent["id"]})
        self.assertEqual((last.amount, last.status), (100, "pending"))
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.client.refunds.create({"payment_intent": intent["id"]})
        self.assertEqual(caught.exception.code, "charge_already_refunded")
        page = self.client.refunds.list({"payment_intent": intent["id"], "limit": 5})
        self.assertEqual((len(page.data), page.has_more), (5, True))
        found = [refund.id for refund in page.auto_paging_iter()]
        self.assertEqual(len(set(found)), 13)
        self.assertEqual(found[0], last.id)
        self.assertEqual(self.fake.balance("eur"), 0)
        self.fake.settle_refund(last.id, "failed")
        self.assertEqual(self.client.refunds.retrieve(last.id).status, "failed")
        self.assertEqual(self.fake.balance("eur"), 100)
        # The event has ten of them, as Stripe's; Odoo asks for the others.
        charge = self.fake.events("charge.refunded")[-1]["data"]["object"]
        self.assertTrue(charge["refunds"]["has_more"])
        self.assertEqual(charge["description"], "S1")
        data = {"charge": charge["id"], "starting_after": found[9], "limit": 100}
        self.assertEqual(len(self._send("GET", "refunds", data).json()["data"]), 3)

    def test_dispute(self):
        intent = self._intent()
        self.assertFalse(
            self.client.disputes.list({"payment_intent": intent["id"]}).data
        )
        dispute = self.fake.dispute(intent["id"], 2000)
        found = self.client.disputes.list({"payment_intent": intent["id"]}).data
        self.assertEqual([one.id for one in found], [dispute["id"]])
        self.assertTrue(self.client.charges.retrieve(intent["latest_charge"]).disputed)
        self.assertEqual(self.fake.balance("eur"), 3000)
        self.fake.close_dispute(dispute["id"], "won")
        self.assertEqual(self.fake.balance("eur"), 5000)

    def test_lists_of_the_account(self):
        """Refunds, disputes and payments of a span of time, page by page."""
        intents = [self._intent() for _number in range(3)]
        for intent in intents:
            self.fake.refund(intent["id"], 100)
        self.fake.dispute(intents[0]["id"])
        now = int(time.time())
        lists = (
            (self.client.refunds, 3),
            (self.client.disputes, 1),
            (self.client.payment_intents, 3),
        )
        for resource, count in lists:
            for span, found in (
                ({"gte": now - 60, "lt": now + 60}, count),
                ({"gt": now + 60}, 0),
                ({"lte": now - 60}, 0),
            ):
                page = resource.list({"created": span, "limit": 2})
                self.assertEqual(len(list(page.auto_paging_iter())), found)

    def test_idempotency(self):
        intent = self._intent()
        params = {"payment_intent": intent["id"], "amount": 100}
        options = {"idempotency_key": "one"}
        first = self.client.refunds.create(params, options)
        again = self.client.refunds.create(params, options)
        self.assertEqual(again.id, first.id)
        headers = {name.lower(): v for name, v in again.last_response.headers.items()}
        self.assertEqual(headers["idempotent-replayed"], "true")
        with self.assertRaises(stripe.IdempotencyError):
            self.client.refunds.create({**params, "amount": 200}, options)
        self.assertEqual(self.fake.balance("eur"), 4900)

    def test_refused(self):
        with self.assertRaises(stripe.AuthenticationError):
            self._client("sk_test_other").customers.create({})
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self._intent(colour="blue")
        self.assertEqual(caught.exception.code, "parameter_unknown")
        self.assertEqual(caught.exception.param, "colour")
        with self.assertRaises(stripe.InvalidRequestError) as caught:
            self.client.payment_intents.retrieve("pi_none")
        self.assertEqual(caught.exception.code, "resource_missing")
        self.assertEqual(caught.exception.http_status, 404)
        for amount in ("1.5", "0", "-5"):
            with self.assertRaises(stripe.InvalidRequestError):
                self._intent(amount)
        intent = self._intent(card=None)
        path = f"payment_intents/{intent['id']}?client_secret="
        for secret, status in (("wrong", 401), (intent["client_secret"], 200)):
            answer = self._send("GET", path + secret, key="pk_test_fake")
            self.assertEqual(answer.status_code, status)

    def test_odoo(self):
        """What Odoo's own module sends is understood."""
        address = {"address[city]": "Ghent", "address[state]": None, "phone": "+32"}
        customer = self._send("POST", "customers", {"name": "A", **address}).json()
        data = {
            "amount": 1200,
            "currency": "jpy",
            "description": "S1",
            "capture_method": "automatic",
            "payment_method_types[]": "card",
            "expand[]": "payment_method",
            "customer": customer["id"],
            "shipping[address][city]": "",
            "shipping[name]": "A",
            "setup_future_usage": "off_session",
            "payment_method_options[card][mandate_options][reference]": "S1",
        }
        key = {"Idempotency-Key": "k"}
        intent = self._send("POST", "payment_intents", data, **key).json()
        self.assertEqual(intent["status"], "requires_payment_method")
        self.fake.pay(intent["id"])
        found = self._send(
            "GET", f"payment_intents/{intent['id']}", {"expand[]": "payment_method"}
        ).json()
        method = found["payment_method"]
        self.assertEqual(method["card"]["brand"], "visa")
        path = f"customers/{customer['id']}/payment_methods"
        self.assertEqual(self._send("GET", path).json()["data"][0]["id"], method["id"])
        # A token is charged when its owner is not there.
        data.update(
            {
                "confirm": True,
                "off_session": True,
                "payment_method": method["id"],
                "mandate": None,
            }
        )
        del data["setup_future_usage"]
        token = self._send("POST", "payment_intents", data).json()
        self.assertEqual(token["status"], "succeeded")
        data = {
            "url": "http://shop/payment/stripe/webhook",
            "enabled_events[]": HANDLED_WEBHOOK_EVENTS,
            "api_version": API_VERSION,
        }
        hook = self._send("POST", "webhook_endpoints", data).json()
        self.assertEqual(hook["secret"], "whsec_fake")
        self.assertEqual(hook["enabled_events"], HANDLED_WEBHOOK_EVENTS)
        domain = self._send("POST", "apple_pay/domains", {"domain_name": "shop"})
        self.assertFalse(domain.json()["livemode"])

    def test_webhook(self):
        """Events are signed as Stripe signs them, and sent when a test says so."""
        inbox = self._inbox()
        self._intent()
        event = self.fake.events("payment_intent.succeeded")[0]
        self.assertFalse(inbox.mails)
        self.assertEqual(self.fake.deliver(event, inbox.url, "whsec_x"), 200)
        ((headers, body),) = inbox.mails
        arguments = (body, headers["Stripe-Signature"])
        found = stripe.Webhook.construct_event(*arguments, "whsec_x")
        self.assertEqual(found.data.object.status, "succeeded")
        with self.assertRaises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(*arguments, "whsec_y")

    def test_auto_deliver(self):
        inbox = self._inbox()
        self.fake.webhook_url = inbox.url
        self.fake.auto_deliver = True
        self._intent()
        self.fake.lose = True
        self._intent()
        self.fake.wait_sent()
        kinds = [json.loads(body)["type"] for _headers, body in inbox.mails]
        self.assertEqual(kinds, ["payment_intent.created", "payment_intent.succeeded"])

    def test_script(self):
        text = requests.get(f"{self.fake.root}/v3/", timeout=10).text
        self.assertIn(f'"{self.fake.root}"', text)
        self.assertNotIn("__ROOT__", text)
        preflight = requests.options(f"{self.fake.root}/v1/x", timeout=10)
        self.assertEqual(preflight.headers["Access-Control-Allow-Origin"], "*")


@tagged("post_install", "-at_install")
class TestFaults(FakeCase):
    fake_class = FakeStripe

    def _create(self, timeout=10):
        return requests.post(
            f"{self.fake.root}/v1/customers",
            headers={"Authorization": "Bearer sk_test_fake"},
            timeout=timeout,
        )

    def test_status(self):
        for status in (500, 503, 429):
            for done in (False, True):
                count = len(self.fake.objects)
                self.fake.fail(path="customers", status=status, done=done)
                self.assertEqual(self._create().status_code, status)
                self.assertEqual(len(self.fake.objects), count + done)
        self.assertEqual(self._create().status_code, 200)
        self.assertEqual(len(self.fake.calls("POST", "customers")), 7)

    def test_times_and_path(self):
        self.fake.fail(2, path="refunds", status=500)
        self.fake.fail(2, method="POST", status=503)
        codes = [self._create().status_code for _index in range(3)]
        self.assertEqual(codes, [503, 503, 200])

    def test_delay(self):
        fault = self.fake.fail(delay=0.5)
        # Not by `requests`: Odoo's tests lengthen its time-outs.
        request = urllib.request.Request(
            f"{self.fake.root}/v1/customers",
            b"name=A",
            {"Authorization": "Bearer sk_test_fake"},
        )
        with self.assertRaises(TimeoutError):
            urllib.request.urlopen(request, timeout=0.1)
        # A client's time-out does not undo what the provider does.
        self.assertTrue(fault.reached.wait(5))
        self.assertEqual(len(self.fake.objects), 1)

    def test_cut(self):
        for done in (False, True):
            count = len(self.fake.objects)
            self.fake.fail(cut=True, done=done)
            with self.assertRaises((requests.RequestException, ValueError)):
                self._create().json()
            self.assertEqual(len(self.fake.objects), count + done)

    def test_refusing(self):
        with self.fake.refusing(), self.assertRaises(requests.ConnectionError):
            self._create()
        self.assertEqual(self._create().status_code, 200)

    def test_hold(self):
        for done in (False, True):
            count = len(self.fake.objects)
            fault = self.fake.fail(hold=threading.Event(), done=done)
            thread = threading.Thread(target=self._create)
            thread.start()
            self.assertTrue(fault.reached.wait(5))
            self.assertEqual(len(self.fake.objects), count + done)
            fault.hold.set()
            thread.join(5)
            self.assertEqual(len(self.fake.objects), count + 1)

    def test_threads(self):
        """One key from ten threads at once is one operation."""
        intent = self.fake.pay(
            requests.post(
                f"{self.fake.root}/v1/payment_intents",
                {"amount": 1000, "currency": "eur"},
                headers={"Authorization": "Bearer sk_test_fake"},
                timeout=10,
            ).json()["id"]
        )

        def refund():
            requests.post(
                f"{self.fake.root}/v1/refunds",
                {"payment_intent": intent["id"], "amount": 100},
                headers={
                    "Authorization": "Bearer sk_test_fake",
                    "Idempotency-Key": "one",
                },
                timeout=10,
            )

        threads = [threading.Thread(target=refund) for _index in range(10)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(10)
        self.assertEqual(len(self.fake.calls("POST", "refunds")), 10)
        self.assertEqual(self.fake.balance("eur"), 900)


@tagged("post_install", "-at_install")
class TestFakeMollie(FakeCase):
    fake_class = FakeMollie

    def setUp(self):
        super().setUp()
        self.client = self._client("test_fake")

    def _client(self, key):
        client = Client(api_endpoint=self.fake.root, timeout=10)
        client.set_api_key(key)
        return client

    def _create(self, value="50.00", currency="EUR", **values):
        data = {
            "amount": {"value": value, "currency": currency},
            "description": "S1",
            "redirectUrl": "http://shop/payment/mollie/return?ref=S1",
            **values,
        }
        return self.client.payments.create(data)

    def _paid(self, *args):
        payment = self._create(*args)
        self.fake.pay(payment.id)
        return self.client.payments.get(payment.id)

    def _assert_unprocessable(self, field, function, *args, **values):
        with self.assertRaises(UnprocessableEntityError) as caught:
            function(*args, **values)
        self.assertEqual(caught.exception.field, field)

    def test_paid(self):
        payment = self._create(method=["creditcard"], locale="en_US")
        self.assertTrue(payment.is_open())
        self.assertTrue(payment.checkout_url.startswith(self.fake.root))
        self.assertTrue(payment.expires_at)
        self.fake.pay(payment.id)
        payment = self.client.payments.get(payment.id)
        self.assertTrue(payment.is_paid())
        self.assertIsNone(payment.expires_at)
        self.assertIsNone(payment.checkout_url)
        self.assertEqual(payment.details["cardLabel"], "Visa")
        self.assertEqual(payment.amount_remaining["value"], "50.00")
        self.assertEqual(self.fake.balance("EUR"), Decimal(50))

    def test_odoo(self):
        """What Odoo's own module sends is understood."""
        answer = requests.post(
            f"{self.fake.root}/v2/payments",
            json={
                "description": "S1",
                "amount": {"currency": "EUR", "value": "50.00"},
                "locale": "en_US",
                "method": ["creditcard"],
                "redirectUrl": "http://shop/payment/mollie/return?ref=S1",
                "webhookUrl": "http://shop/payment/mollie/webhook?ref=S1",
            },
            headers={"Authorization": "Bearer test_fake"},
            timeout=10,
        )
        self.assertEqual(answer.status_code, 201)
        self.assertEqual(answer.headers["Content-Type"], "application/hal+json")
        self.assertIn("checkout", answer.json()["_links"])

    def test_refused(self):
        for value, currency in (
            ("50", "EUR"),
            ("50.000", "EUR"),
            ("50.00", "JPY"),
            (50, "EUR"),
        ):
            self._assert_unprocessable("amount.value", self._create, value, currency)
        self._assert_unprocessable("amount", self._create, "0.00")
        self._assert_unprocessable("colour", self._create, colour="blue")
        self._assert_unprocessable("redirectUrl", self._create, redirectUrl="")
        self._assert_unprocessable("method", self._create, method="shells")
        self.assertTrue(self._create("50", "JPY").is_open())
        with self.assertRaises(UnauthorizedError):
            self._client("test_other").payments.get("tr_x")
        with self.assertRaises(ResponseError) as caught:
            self.client.payments.get("tr_x")
        self.assertEqual(caught.exception.status, 404)
        self.fake.fail(status=429)
        with self.assertRaises(ResponseError) as caught:
            self.client.payments.get("tr_x")
        self.assertEqual(caught.exception.status, 429)

    def test_cancel(self):
        payment = self._create(method="creditcard")
        self.assertFalse(payment.is_cancelable)
        self._assert_unprocessable(None, self.client.payments.delete, payment.id)
        self.fake.set_cancelable(payment.id)
        self.assertTrue(self.client.payments.delete(payment.id).is_canceled())
        payment = self._create(method="banktransfer")
        self.assertTrue(payment.is_cancelable)
        self.fake.pay(payment.id)
        self._assert_unprocessable(None, self.client.payments.delete, payment.id)

    def test_refunds(self):
        payment = self._paid("30.00")
        amount = {"value": "10.00", "currency": "EUR"}
        create = payment.refunds.create
        first = create({"amount": amount}, idempotency_key="one")
        self.assertTrue(first.is_pending())
        with self.assertLogs(level="WARNING"):  # the SDK tells of a replay
            again = create({"amount": amount}, idempotency_key="one")
        self.assertEqual(again.id, first.id)
        other = {"amount": {**amount, "value": "5.00"}}
        self._assert_unprocessable(None, create, other, idempotency_key="one")
        more = {"amount": {**amount, "value": "20.01"}}
        self._assert_unprocessable("amount", create, more)
        rest = create({"amount": {**amount, "value": "20.00"}})
        self._assert_unprocessable(None, create, {"amount": amount})
        self.assertEqual(self.fake.balance("EUR"), Decimal(0))
        self.fake.settle_refund(first.id)
        self.fake.settle_refund(rest.id, "failed")
        states = [one.status for one in payment.refunds.list()]
        self.assertEqual(states, ["failed", "refunded"])
        self.assertTrue(payment.refunds.get(first.id).is_refunded())
        payment = self.client.payments.get(payment.id)
        self.assertEqual(payment.amount_refunded["value"], "10.00")
        self.assertEqual(payment.amount_remaining["value"], "20.00")
        self.assertEqual(self.fake.balance("EUR"), Decimal(20))
        unpaid = self._create()
        self._assert_unprocessable(None, unpaid.refunds.create, {"amount": amount})

    def test_chargeback(self):
        payment = self._paid()
        self.assertEqual(len(payment.chargebacks.list()), 0)
        chargeback = self.fake.charge_back(payment.id, "20.00")
        (found,) = list(payment.chargebacks.list())
        self.assertEqual(found.id, chargeback["id"])
        self.assertEqual(self.fake.balance("EUR"), Decimal(30))
        self.fake.reverse_chargeback(chargeback["id"])
        self.assertEqual(self.fake.balance("EUR"), Decimal(50))

    def test_lists_of_the_account(self):
        """Refunds and chargebacks of all payments, the newest first."""
        one, two = self._paid(), self._paid()
        made = [self.fake.refund(p.id, "1.00")["id"] for p in (one, two, one)]
        page = self.client.refunds.list(limit=2)
        self.assertEqual([refund.id for refund in page], [made[2], made[1]])
        [last] = page.get_next()
        self.assertEqual((last.id, last.payment_id), (made[0], one.id))
        chargeback = self.fake.charge_back(two.id)
        [found] = self.client.chargebacks.list()
        self.assertEqual((found.id, found.payment_id), (chargeback["id"], two.id))

    def test_paging(self):
        ids = [self._create().id for _index in range(3)]
        page = self.client.payments.list(limit=2)
        self.assertEqual([one.id for one in page], [ids[2], ids[1]])
        self.assertEqual([one.id for one in page.get_next()], [ids[0]])
        self.assertIn("creditcard", [one.id for one in self.client.methods.list()])

    def test_checkout(self):
        """Each button of the page does what it says, and leads back to the shop."""
        inbox = self._inbox()
        self.fake.auto_deliver = True
        sent = 0
        for status in ("paid", "failed", "canceled", "expired", "pending", "open"):
            for lose in ("", "1"):
                payment = self._create(webhookUrl=inbox.url)
                url = payment.checkout_url
                self.assertIn("50.00 EUR", requests.get(url, timeout=10).text)
                back = requests.post(
                    url,
                    {"status": status, "lose": lose},
                    allow_redirects=False,
                    timeout=10,
                )
                self.assertEqual(back.headers["Location"], payment.redirect_url)
                payment = self.client.payments.get(payment.id)
                self.assertEqual(payment.status, status)
                self.fake.wait_sent()
                sent += status != "open" and not lose
                self.assertEqual(len(inbox.mails), sent)
        self.assertEqual(self.fake.balance("EUR"), Decimal(100))
        self.assertTrue(inbox.mails[0][1].startswith(b"id=tr_"))

    def test_client_closes_the_tab(self):
        payment = self._create()
        answer = requests.post(
            payment.checkout_url, {"status": "paid", "leave": "1"}, timeout=10
        )
        self.assertIn("You did not go back", answer.text)
        self.assertEqual(self.client.payments.get(payment.id).status, "paid")

    def test_deliver(self):
        inbox = self._inbox()
        payment = self._create(webhookUrl=inbox.url)
        self.fake.pay(payment.id)
        self.assertEqual(self.fake.notifications, [payment.id])
        self.assertFalse(inbox.mails)
        self.assertEqual(self.fake.deliver(payment.id), 200)
        self.assertEqual(inbox.mails[0][1].decode(), f"id={payment.id}")


class Overview:
    """What a person sees and does on the first page of a fake."""

    def _press(self, action, key):
        answer = requests.post(
            f"{self.fake.root}/", {"action": action, "id": key}, timeout=10
        )
        self.assertEqual(answer.status_code, 200)
        return answer.text

    def test_lose(self):
        """A person can lose the notifications of a demonstration."""
        url = f"{self.fake.root}/"
        self.assertIn("are sent", requests.get(url, timeout=10).text)
        self.assertIn("are lost", requests.post(url, {"lose": "1"}, timeout=10).text)
        self.assertTrue(self.fake.lose)
        requests.post(url, {"lose": "0"}, timeout=10)
        self.assertFalse(self.fake.lose)


@tagged("post_install", "-at_install")
class TestOverviewOfStripe(Overview, FakeCase):
    fake_class = FakeStripe

    def setUp(self):
        super().setUp()
        self.inbox = self._inbox()
        self.fake.webhook_url = self.inbox.url
        client = stripe.StripeClient(
            "sk_test_fake", base_addresses={"api": self.fake.root}
        )
        self.intent = client.v1.payment_intents.create(
            {"amount": 1234, "currency": "eur", "description": "B-<1>"}
        ).id

    def test_refund(self):
        self.assertNotIn(">Refund<", self._press("notify", self.intent))
        self.fake.pay(self.intent)
        page = requests.get(f"{self.fake.root}/", timeout=10).text
        self.assertIn("12.34 EUR · B-&lt;1&gt;", page)
        self.assertIn("succeeded", page)
        self.assertIn(">Refund<", page)
        page = self._press("refund", self.intent)
        self.assertIn("Refund of 12.34 EUR", page)
        self.assertNotIn(">Refund<", page)
        self.assertEqual(self.fake.balance("eur"), 0)

    def test_dispute(self):
        self.fake.pay(self.intent)
        self.assertIn("Dispute of 12.34 EUR", self._press("dispute", self.intent))
        self.assertEqual(self.fake.balance("eur"), 0)
        [dispute] = self.fake._all("dispute")
        self._press("win", dispute["id"])
        self.assertEqual(self.fake.balance("eur"), 1234)

    def test_slow_card(self):
        for action, status in (("fail", "payment method"), ("settle", "succeeded")):
            self.fake.pay(self.intent, card="4000000000001000")
            self.assertIn(status, self._press(action, self.intent))
        self.assertEqual(self.fake.balance("eur"), 1234)

    def test_notify(self):
        self.fake.lose = True
        self.fake.pay(self.intent)
        self._press("notify", self.intent)
        self.fake.wait_sent()
        [(_headers, body)] = self.inbox.mails
        self.assertEqual(json.loads(body)["type"], "payment_intent.succeeded")

    def test_memory(self):
        """What was paid can be refunded by a fake that was started again."""
        self.fake.pay(self.intent, card="4000000000007726")
        memory = json.loads(json.dumps(self.fake.get_memory()))
        with FakeStripe() as other:
            other.remember(memory)
            self.assertEqual(other.balance("eur"), 1234)
            # The number of the card says what becomes of it.
            self.assertEqual(other.refund(self.intent)["status"], "pending")

    def test_client_closes_the_tab(self):
        self.fake.pay(self.intent, card="4000002500003155")
        url = f"{self.fake.root}/3ds/{self.intent}"
        self.assertIn("12.34 EUR", requests.get(url, timeout=10).text)
        choice = {"result": "complete", "leave": "1", "lose": "1"}
        answer = requests.post(url, choice, timeout=10)
        self.assertIn("You did not go back", answer.text)
        self.assertEqual(self.fake.balance("eur"), 1234)
        self.assertFalse(self.inbox.mails)
        self.assertFalse(self.fake.lose)


@tagged("post_install", "-at_install")
class TestOverviewOfMollie(Overview, FakeCase):
    fake_class = FakeMollie

    def setUp(self):
        super().setUp()
        self.inbox = self._inbox()
        client = Client(api_endpoint=self.fake.root, timeout=10)
        client.set_api_key("test_fake")
        self.payment = client.payments.create(
            {
                "amount": {"value": "12.34", "currency": "EUR"},
                "description": "B-<1>",
                "redirectUrl": "http://shop/return",
                "webhookUrl": self.inbox.url,
            }
        ).id
        self.fake.pay(self.payment)

    def test_refund(self):
        page = self._press("refund", self.payment)
        self.assertIn("12.34 EUR · B-&lt;1&gt;", page)
        self.assertNotIn(">Refund<", page)
        self.assertEqual(self.fake.balance("EUR"), 0)
        [refund] = [key for key in self.fake.objects if key.startswith("re_")]
        self.assertIn("failed", self._press("fail", refund))
        self.assertEqual(self.fake.balance("EUR"), Decimal("12.34"))

    def test_charge_back(self):
        self.assertIn("Chargeback of", self._press("charge_back", self.payment))
        self.assertEqual(self.fake.balance("EUR"), 0)
        [key] = [key for key in self.fake.objects if key.startswith("chb_")]
        self._press("reverse", key)
        self.assertGreater(self.fake.balance("EUR"), 0)

    def test_notify(self):
        self.fake.lose = True
        self._press("notify", self.payment)
        self.fake.wait_sent()
        [(_headers, body)] = self.inbox.mails
        self.assertEqual(body.decode(), f"id={self.payment}")


@tagged("post_install", "-at_install")
class TestProgram(BaseCase):
    def test_alone(self):
        """The fakes run without Odoo and without any package, and stop when told."""
        # -S: no site-packages.
        command = [sys.executable, "-S", "-m", "fakes", "--webhook", "http://shop"]
        with subprocess.Popen(
            command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
        ) as process:
            self.addCleanup(process.kill)
            line = process.stdout.readline().split()
            self.assertEqual(line[::2], ["stripe", "mollie", "paypal"])
            for root, path in zip(line[1::2], ("/v3/", "/", "/sdk/js"), strict=True):
                self.assertEqual(requests.get(root + path, timeout=10).status_code, 200)
            process.terminate()
            self.assertEqual(process.wait(10), 0)

    def test_memory(self):
        """What was paid is there again at the next start."""
        memory = {"stripe": {"objects": {}, "numbers": {}}, "mollie": {"objects": {}}}
        memory["mollie"]["objects"]["tr_1"] = {
            "resource": "payment",
            "id": "tr_1",
            "amount": {"value": "5.00", "currency": "EUR"},
            "description": "B-1",
            "status": "paid",
        }
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "memory.json"
            path.write_text(json.dumps(memory))
            command = [sys.executable, "-S", "-m", "fakes", f"--state={path}"]
            with subprocess.Popen(
                command, cwd=Path(__file__).parent, stdout=subprocess.PIPE, text=True
            ) as process:
                self.addCleanup(process.kill)
                root = process.stdout.readline().split()[3]
                self.assertIn("5.00 EUR", requests.get(root, timeout=10).text)
                requests.post(root, {"action": "refund", "id": "tr_1"}, timeout=10)
                process.terminate()
                self.assertEqual(process.wait(10), 0)
            objects = json.loads(path.read_text())["mollie"]["objects"]
        self.assertIn("refund", [one["resource"] for one in objects.values()])
