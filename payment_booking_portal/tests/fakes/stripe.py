"""A stand-in for Stripe's API, as of the version that `payment_stripe` pins."""

import copy
import hashlib
import hmac
import json
import operator
import re
import time
from contextlib import suppress

from .server import Answer, FakeServer, Refused
from .stripe_const import ADDRESS, ALLOWED, API_VERSION, CARDS, refuse
from .stripe_intents import Intents

COMPARE = {name: getattr(operator, n) for name, n in (
    ("gt", "gt"), ("gte", "ge"), ("lt", "lt"), ("lte", "le")
)}  # fmt: skip


class FakeStripe(Intents, FakeServer):
    """Stripe on loopback."""

    routes = [
        (method, "/v1/" + pattern, name)
        for method, pattern, name in [
            ("POST", "payment_intents", "intent_create"),
            ("GET", "payment_intents", "intent_list"),
            ("GET", r"payment_intents/(\w+)", "intent_get"),
            ("POST", r"payment_intents/(\w+)/confirm", "intent_confirm"),
            ("POST", r"payment_intents/(\w+)/capture", "intent_capture"),
            ("POST", r"payment_intents/(\w+)/cancel", "intent_cancel"),
            ("POST", "setup_intents", "setup_create"),
            ("GET", r"setup_intents/(\w+)", "intent_get"),
            ("POST", r"setup_intents/(\w+)/confirm", "intent_confirm"),
            ("POST", r"setup_intents/(\w+)/cancel", "intent_cancel"),
            ("POST", "customers", "customer_create"),
            ("GET", r"customers/(\w+)/payment_methods", "method_list"),
            ("GET", "payment_methods", "method_list"),
            ("POST", "refunds", "refund_create"),
            ("GET", "refunds", "refund_list"),
            ("GET", "disputes", "dispute_list"),
            ("GET", "charges", "charge_list"),
            ("GET", "events", "event_list"),
            ("POST", "webhook_endpoints", "endpoint_create"),
            ("GET", "webhook_endpoints", "endpoint_list"),
            ("POST", "apple_pay/domains", "domain_create"),
            ("POST", "payment_method_domains", "domain_create"),
            ("GET", "account", "account"),
            ("GET", "balance", "balance_get"),
            ("GET", r"\w+/((?:cus|pm|re|ch|dp|evt|we)_\w+)", "retrieve"),
        ]
    ] + [
        ("GET", "/v3/", "script"),
        ("GET", r"/3ds/(\w+)", "challenge"),
        ("POST", r"/3ds/(\w+)", "challenge_done"),
    ]

    def __init__(self, port=0, webhook_url=None, auto_deliver=False, **values):
        self.secret_key = values.get("secret_key", "sk_test_fake")
        self.publishable_key = values.get("publishable_key", "pk_test_fake")
        self.webhook_secret = values.get("webhook_secret", "whsec_fake")
        self.webhook_url = webhook_url
        self.refund_status = "succeeded"  # of the next refunds
        self._numbers = {}  # of the cards, which no answer shows
        super().__init__(port, auto_deliver)

    def get_memory(self):
        """Override to keep the cards."""
        return {**super().get_memory(), "numbers": dict(self._numbers)}

    def remember(self, memory):
        """Override to know the cards."""
        result = super().remember(memory)
        self._numbers.update(memory["numbers"])
        return result

    # What a client's browser or a bank does, without HTTP

    def pay(self, intent_id, card="4242424242424242", **params):
        """Confirm an intent with a card, and return the intent whatever came of it."""
        params = {"payment_method_data[card][number]": card, **params}
        with self.lock:
            intent = self._find(intent_id)
            with suppress(Refused):
                self._confirm(intent, params)
            return self.render(intent)

    def authenticate(self, intent_id, succeed=True):
        """Answer the 3-D Secure question of an intent."""
        with self.lock:
            intent = self._find(intent_id)
            if intent["status"] == "requires_action":
                self._settle(intent, succeed, "payment_intent_authentication_failure")
            return self.render(intent)

    def settle(self, intent_id, succeed=True):
        """End what is processing."""
        with self.lock:
            intent = self._find(intent_id)
            if intent["status"] == "processing":
                self._settle(intent, succeed, "card_declined")
            return self.render(intent)

    def refund(self, intent_id, amount=None):
        """Refund as a person does on Stripe's own pages."""
        params = {"payment_intent": intent_id}
        with self.lock:
            return self._refund(params | ({"amount": amount} if amount else {}))

    def settle_refund(self, refund_id, status="succeeded"):
        """Give a refund another state: succeeded, pending, failed or canceled."""
        with self.lock:
            refund = self._find(refund_id)
            refund["status"] = status
            if status == "failed":
                refund["failure_reason"] = "expired_or_canceled_card"
            self._emit("charge.refund.updated", refund)
            return self.render(refund)

    def dispute(self, intent_id, amount=None, reason="fraudulent"):
        """Let the client's bank take money back."""
        with self.lock:
            charge = self._find(self._find(intent_id)["latest_charge"])
            dispute = self._add(
                "dp_",
                "dispute",
                amount=amount or charge["amount"],
                balance_transactions=[],
                charge=charge["id"],
                currency=charge["currency"],
                enhanced_eligibility_types=[],
                evidence={"enhanced_evidence": {}},
                evidence_details={
                    "due_by": int(time.time()) + 7 * 86400,
                    "enhanced_eligibility": {},
                    "has_evidence": False,
                    "past_due": False,
                    "submission_count": 0,
                    "submission_method": "not_submitted",
                },
                is_charge_refundable=False,
                network_reason_code="10.4",
                payment_intent=intent_id,
                reason=reason,
                status="needs_response",
            )
            charge["disputed"] = True
            self._emit("charge.dispute.created", dispute)
            return self.render(dispute)

    def close_dispute(self, dispute_id, status="lost"):
        """End a dispute: `won` or `lost`."""
        with self.lock:
            dispute = self._find(dispute_id)
            dispute["status"] = status
            self._emit("charge.dispute.closed", dispute)
            return self.render(dispute)

    def balance(self, currency):
        """Return what was paid less what went back, in minor units."""
        with self.lock:
            currency = currency.lower()
            total = 0
            for one in self.objects.values():
                if one.get("currency") != currency:
                    continue
                if one["object"] == "charge":
                    total += one["amount_captured"]
                elif one["object"] == "refund" and self._counts(one):
                    total -= one["amount"]
                elif one["object"] == "dispute" and one["status"] != "won":
                    total -= one["amount"]
            return total

    # Events

    def events(self, kind=""):
        """Return the events so far, oldest first, of one type if given."""
        with self.lock:
            return [
                copy.deepcopy(one)
                for one in self._all("event")
                if kind in ("", one["type"])
            ]

    def sign(self, payload, secret=None, timestamp=None):
        """Return the header `Stripe-Signature` of a payload in bytes."""
        timestamp = int(time.time()) if timestamp is None else timestamp
        signature = hmac.new(
            (secret or self.webhook_secret).encode(),
            f"{timestamp}.".encode() + payload,
            hashlib.sha256,
        ).hexdigest()
        return f"t={timestamp},v1={signature}"

    def deliver(self, event, url=None, secret=None):
        """Send an event, and return the status of the answer."""
        return self.post(*self._mail(event, url, secret))

    def _mail(self, event, url=None, secret=None):
        payload = json.dumps(event, indent=2).encode()
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "Stripe-Signature": self.sign(payload, secret),
        }
        return url or self.webhook_url, payload, headers

    def _emit(self, kind, value):
        event = self._add(
            "evt_",
            "event",
            api_version=API_VERSION,
            data={"object": self.render(value)},
            pending_webhooks=1,
            request={"id": None, "idempotency_key": None},
            type=kind,
        )
        if self.webhook_url:
            self.post_later(*self._mail(copy.deepcopy(event)))

    def overview(self):
        """Override to tell payments, refunds and disputes."""
        kinds = {"payment_intent": "", "refund": "Refund of ", "dispute": "Dispute of "}
        rows = []
        for key, one in reversed(self.objects.items()):
            kind, status = one["object"], one.get("status")
            if kind not in kinds:
                continue
            about = one.get("description") or one.get("payment_intent") or ""
            actions = {}
            if kind == "payment_intent":
                actions["notify"] = "Notify"
                if status == "processing":
                    actions |= {"settle": "Succeed", "fail": "Fail"}
                elif status == "succeeded" and self._left(one):
                    actions |= {"refund": "Refund", "dispute": "Dispute"}
            elif kind == "refund" and status == "pending":
                actions |= {"settle": "Succeed", "fail": "Fail"}
            elif kind == "dispute" and status not in ("won", "lost"):
                actions |= {"win": "Win", "lose": "Lose"}
            text = f"{kinds[kind]}{self._write(one)} · {about}"
            rows.append((key, text, status.replace("_", " "), actions))
        return rows

    def _left(self, intent):
        """Return what could still be refunded of an intent."""
        charge = self.render(self._find(intent["latest_charge"]))
        return not charge["disputed"] and not charge["refunded"]

    def act(self, action, key):
        """Override to do it."""
        one = self._find(key)
        if action == "notify":
            about = [e for e in self.events() if e["data"]["object"]["id"] == key]
            self.repeat(*self._mail(about[-1]))
        elif action == "refund":
            self.refund(key)
        elif action == "dispute":
            self.dispute(key)
        elif action in ("win", "lose"):
            self.close_dispute(key, "won" if action == "win" else "lost")
        elif action in ("settle", "fail") and one["object"] == "refund":
            self.settle_refund(key, "succeeded" if action == "settle" else "failed")
        elif action in ("settle", "fail"):
            self.settle(key, action == "settle")

    # Objects

    def _add(self, prefix, kind, **values):
        value = {
            "id": self.new_id(prefix),
            "object": kind,
            "created": int(time.time()),
            **({} if kind == "refund" else {"livemode": False}),
            **({} if kind == "event" else {"metadata": {}}),
            **values,
        }
        self.objects[value["id"]] = value
        return value

    def _all(self, kind, **values):
        return [
            one
            for one in self.objects.values()
            if one["object"] == kind
            and all(one.get(key) == value for key, value in values.items() if value)
        ]

    def _find(self, key):
        if key not in self.objects:
            refuse(f"No such object: '{key}'", "resource_missing", "id", 404)
        return self.objects[key]

    def render(self, value, expand=()):
        """Return an object as the API shows it, with what is to be expanded."""
        value = copy.deepcopy(value)
        if value["object"] == "payment_intent":
            value["charges"] = self._sublist(
                "charge", "charges", payment_intent=value["id"]
            )
        elif value["object"] == "charge":
            value["refunds"] = self._sublist("refund", "refunds", charge=value["id"])
            done = [r for r in value["refunds"]["data"] if self._counts(r)]
            value["amount_refunded"] = sum(refund["amount"] for refund in done)
            value["refunded"] = value["amount_refunded"] == value["amount"]
        for path in expand:
            name, _dot, rest = path.partition(".")
            if name not in value:
                refuse(f"This property cannot be expanded ({name}).", param="expand")
            if value[name] in self.objects:
                found = self.objects[value[name]]
                value[name] = self.render(found, [rest] if rest else ())
        return value

    def _sublist(self, kind, url, **values):
        found = [self.render(one) for one in reversed(self._all(kind, **values))]
        # Stripe cuts what is inside an object at ten; the rest is asked for.
        data, has_more = found[:10], len(found) > 10
        return {
            "object": "list",
            "data": data,
            "has_more": has_more,
            "total_count": len(found),
            "url": f"/v1/{url}",
        }

    def _list(self, params, kind, url, **values):
        found = [
            one
            for one in reversed(self._all(kind, **values))
            if self._is_in_span(one, params)
        ]
        ids = [one["id"] for one in found]
        limit = int(params.get("limit", 10))
        if not 1 <= limit <= 100:
            refuse("This value must be between 1 and 100.", param="limit")
        for name in ("starting_after", "ending_before"):
            if params.get(name) and params[name] not in ids:
                refuse(f"No such {kind}: '{params[name]}'", "resource_missing", name)
        if params.get("starting_after"):
            found = found[ids.index(params["starting_after"]) + 1 :]
        if params.get("ending_before"):
            found = found[: ids.index(params["ending_before"])][-limit:]
        expand = [path.removeprefix("data.") for path in params.get("expand[]", [])]
        return Answer(
            {
                "object": "list",
                "data": [self.render(one, expand) for one in found[:limit]],
                "has_more": len(found) > limit,
                "url": f"/v1/{url}",
            }
        )

    @staticmethod
    def _is_in_span(one, params):
        return all(
            compare(one["created"], int(params[f"created[{name}]"]))
            for name, compare in COMPARE.items()
            if f"created[{name}]" in params
        )

    # Requests

    def authenticate_request(self, request):
        """Override to know the secret key, and the publishable one with a secret."""
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        if key == self.secret_key:
            return
        params = dict(request.form)
        match = re.fullmatch(
            r"/v1/(?:payment|setup)_intents/(\w+)(?:/confirm)?", request.path
        )
        if self.publishable_key in (key, params.get("key")) and match:
            intent = self.objects.get(match[1], {})
            if params.get("client_secret") == intent.get("client_secret", ""):
                return
        refuse(f"Invalid API Key provided: {key[:7]}***", status=401, keep=False)

    def fingerprint(self, request):
        """Override to compare parameters, in whatever order they came."""
        return sorted(request.form)

    def conflict(self, key):
        """Override to answer as Stripe does."""
        message = (
            "Keys for idempotent requests can only be used with the same parameters "
            f"they were first used with. Try using a key other than '{key}'."
        )
        return Answer({"error": {"type": "idempotency_error", "message": message}}, 400)

    def trouble(self, status):
        """Override to answer as Stripe does."""
        error = {
            404: {
                "type": "invalid_request_error",
                "message": "Unrecognized request URL.",
            },
            429: {
                "type": "invalid_request_error",
                "code": "rate_limit",
                "message": "Request rate limit exceeded.",
            },
        }.get(status, {"type": "api_error", "message": "An error occurred."})
        return Answer({"error": error}, status)

    def _params(self, request, name):
        allowed = ALLOWED.get(name, set()) | {"expand[]"}
        stars = tuple(one[:-1] + "[" for one in allowed if one.endswith("*"))
        params = {}
        for key, value in request.form:
            key = re.sub(r"\[\d*\]", "[]", key)
            if key not in allowed and not key.startswith(stars):
                refuse(
                    f"Received unknown parameter: {key}",
                    "parameter_unknown",
                    key,
                    keep=False,
                )
            if key.endswith("[]"):
                params.setdefault(key, []).append(value)
            elif value:
                params[key] = value
        return params

    @staticmethod
    def _metadata(params):
        return {
            key[9:-1]: value
            for key, value in params.items()
            if key.startswith("metadata[")
        }

    @staticmethod
    def _integer(params, name, default=None):
        value = params.get(name, default)
        if value is None:
            refuse(
                f"Missing required param: {name}.",
                "parameter_missing",
                name,
                keep=False,
            )
        if not str(value).isdigit() or int(value) < 1:
            message = f"Invalid positive integer: {value}"
            refuse(message, "parameter_invalid_integer", name, keep=False)
        return int(value)

    def _shown(self, value, params):
        return Answer(self.render(value, params.get("expand[]", ())))

    # Refunds

    @staticmethod
    def _counts(refund):
        return refund["status"] not in ("failed", "canceled")

    def refund_create(self, request):
        """Answer a request for a refund."""
        params = self._params(request, "refund_create")
        return self._shown(self._find(self._refund(params)["id"]), params)

    def _refund(self, params):
        charge = params.get("charge")
        if params.get("payment_intent"):
            charge = self._find(params["payment_intent"]).get("latest_charge")
        charge = self._find(charge) if charge else None
        if not charge or not charge["amount_captured"]:
            message = "This PaymentIntent does not have a successful charge to refund."
            refuse(message, param="payment_intent")
        key = charge["id"]
        if charge["disputed"]:
            message = f"Charge {key} has been charged back; cannot issue a refund."
            refuse(message, "charge_disputed")
        done = sum(
            one["amount"]
            for one in self._all("refund", charge=key)
            if self._counts(one)
        )
        left = charge["amount_captured"] - done
        if not left:
            message = f"Charge {key} has already been refunded."
            refuse(message, "charge_already_refunded")
        amount = self._integer(params, "amount", left)
        if amount > left:
            message = (
                f"Refund amount ({amount}) is greater than unrefunded amount on "
                f"charge ({left})"
            )
            refuse(message, "amount_too_large", "amount")
        card = CARDS.get(self._numbers.get(charge["payment_method"]))
        status = "pending" if card == "refund_pending" else self.refund_status
        refund = self._add(
            "re_",
            "refund",
            amount=amount,
            balance_transaction=None,
            charge=key,
            currency=charge["currency"],
            metadata=self._metadata(params),
            payment_intent=charge["payment_intent"],
            reason=params.get("reason"),
            receipt_number=None,
            source_transfer_reversal=None,
            status=status,
            transfer_reversal=None,
        )
        self._emit("charge.refunded", charge)
        return self.render(refund)

    def refund_list(self, request):
        """Answer with refunds."""
        if self.lags:
            return self._list({}, "refund", "refunds", charge="none yet")
        return self._of_charge(request, "refund")

    def dispute_list(self, request):
        """Answer with disputes."""
        return self._of_charge(request, "dispute")

    def _of_charge(self, request, kind):
        params = self._params(request, f"{kind}_list")
        values = {name: params.get(name) for name in ("charge", "payment_intent")}
        return self._list(params, kind, f"{kind}s", **values)

    # The rest

    def customer_create(self, request):
        """Answer a request for a customer."""
        params = self._params(request, "customer_create")
        address = {name: params.get(f"address[{name}]") for name in ADDRESS}
        customer = self._add(
            "cus_",
            "customer",
            address=address if any(address.values()) else None,
            balance=0,
            currency=None,
            default_source=None,
            delinquent=False,
            discount=None,
            invoice_prefix=self.new_id("", 8).upper(),
            invoice_settings={"custom_fields": None, "footer": None},
            metadata=self._metadata(params),
            preferred_locales=[],
            shipping=None,
            tax_exempt="none",
            **{n: params.get(n) for n in ("name", "email", "phone", "description")},
        )
        return self._shown(customer, params)

    def charge_list(self, request):
        """Answer with charges."""
        params = self._params(request, "charge_list")
        values = {name: params.get(name) for name in ("customer", "payment_intent")}
        return self._list(params, "charge", "charges", **values)

    def event_list(self, request):
        """Answer with events."""
        params = self._params(request, "event_list")
        return self._list(params, "event", "events", type=params.get("type"))

    def method_list(self, request, customer=None):
        """Answer with the payment methods of a customer."""
        params = self._params(request, "method_list")
        values = {
            "customer": customer or params.get("customer"),
            "type": params.get("type"),
        }
        return self._list(params, "payment_method", "payment_methods", **values)

    def retrieve(self, request, key):
        """Answer with an object."""
        return self._shown(self._find(key), self._params(request, "retrieve"))

    def endpoint_create(self, request):
        """Answer a request for a webhook: events go there from now on."""
        params = self._params(request, "endpoint_create")
        self.webhook_url = params.get("url") or self.webhook_url
        endpoint = self._add(
            "we_",
            "webhook_endpoint",
            api_version=params.get("api_version"),
            application=None,
            description=params.get("description"),
            enabled_events=params.get("enabled_events[]", []),
            status="enabled",
            url=self.webhook_url,
        )
        # The secret is shown once.
        return Answer(self.render(endpoint) | {"secret": self.webhook_secret})

    def endpoint_list(self, request):
        """Answer with the webhooks."""
        params = self._params(request, "event_list")
        return self._list(params, "webhook_endpoint", "webhook_endpoints")

    def domain_create(self, request):
        """Answer a request to register a domain for Apple Pay."""
        params = self._params(request, "domain_create")
        domain = self._add(
            "apwc_", "apple_pay_domain", domain_name=params.get("domain_name")
        )
        return self._shown(domain, params)

    def account(self, request):
        """Answer with the account."""
        return Answer(
            {
                "id": "acct_fake",
                "object": "account",
                "charges_enabled": True,
                "country": "BE",
                "default_currency": "eur",
                "details_submitted": True,
                "payouts_enabled": True,
                "type": "standard",
            }
        )

    def balance_get(self, request):
        """Answer with the balance."""
        currencies = {one["currency"] for one in self._all("charge")}
        available = [
            {"amount": self.balance(name), "currency": name, "source_types": {}}
            for name in sorted(currencies)
        ]
        return Answer(
            {
                "object": "balance",
                "available": available,
                "livemode": False,
                "pending": [],
            }
        )
