"""A stand-in for Stripe's API, as of the version that `payment_stripe` pins."""

import copy
import hashlib
import hmac
import html
import json
import re
import time
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlencode

from .server import Answer, FakeServer, Refused, page

API_VERSION = "2019-05-16"
ZERO_DECIMALS = set(
    "BIF CLP DJF GNF JPY KMF KRW MGA PYG RWF VND VUV XAF XOF XPF".split()
)

# What becomes of a card; the slow one is ours, Stripe's cards are never slow.
CARDS = {
    "4242424242424242": "succeeds",
    "5555555555554444": "succeeds",
    "4000000000000002": "declined",
    "4000002500003155": "3ds",
    "4000000000007726": "refund_pending",
    "4000000000001000": "slow",
}
TOKENS = {
    "pm_card_visa": "4242424242424242",
    "pm_card_mastercard": "5555555555554444",
    "pm_card_visa_chargeDeclined": "4000000000000002",
    "pm_card_authenticationRequiredOnSetup": "4000002500003155",
    "pm_card_pendingRefund": "4000000000007726",
    "pm_card_slow": "4000000000001000",
}
CANCELABLE = (
    "requires_payment_method",
    "requires_capture",
    "requires_confirmation",
    "requires_action",
)
LIST = {"limit", "starting_after", "ending_before"}
_ADDRESS = ["city", "country", "line1", "line2", "postal_code", "state"]
_CONFIRM = {
    "client_secret",
    "key",
    "mandate",
    "off_session",
    "payment_method",
    "return_url",
    "use_stripe_sdk",
    "payment_method_data[type]",
    *(f"payment_method_data[card][{n}]" for n in ("number", "exp_month", "cvc")),
    "payment_method_data[card][exp_year]",
    "payment_method_data[billing_details]*",
}
_INTENT = {
    "confirm",
    "customer",
    "description",
    "metadata*",
    "payment_method_options*",
    "payment_method_types[]",
    *_CONFIRM - {"client_secret", "key"},
}
# What each request may say. A star stands for anything within; `expand[]` is for all.
ALLOWED = {
    "intent_create": _INTENT
    | {"amount", "capture_method", "confirmation_method", "currency"}
    | {"automatic_payment_methods[enabled]", "receipt_email", "setup_future_usage"}
    | {"shipping[name]", "shipping[phone]", "statement_descriptor_suffix"}
    | {f"shipping[address][{name}]" for name in _ADDRESS},
    "intent_confirm": _CONFIRM,
    "intent_get": {"client_secret", "key"},
    "intent_list": LIST | {"customer"},
    "intent_capture": {"amount_to_capture", "metadata*", "final_capture"},
    "intent_cancel": {"cancellation_reason"},
    "setup_create": _INTENT | {"usage"},
    "customer_create": {"name", "email", "phone", "description", "metadata*"}
    | {f"address[{name}]" for name in _ADDRESS},
    "refund_create": {"amount", "charge", "metadata*", "payment_intent", "reason"},
    "refund_list": LIST | {"charge", "payment_intent"},
    "dispute_list": LIST | {"charge", "payment_intent"},
    "charge_list": LIST | {"payment_intent", "customer"},
    "event_list": LIST | {"type"},
    "method_list": LIST | {"customer", "type"},
    "endpoint_create": {"api_version", "description", "enabled_events[]", "url"},
    "domain_create": {"domain_name"},
}


def refuse(message, code=None, param=None, status=400, keep=True, **values):
    """Raise an error as the API words it."""
    kind = "card_error" if status == 402 else "invalid_request_error"
    error = {"type": kind, "message": message, "code": code, "param": param, **values}
    error = {key: value for key, value in error.items() if value is not None}
    raise Refused(Answer({"error": error}, status), keep)


class FakeStripe(FakeServer):
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
        found = list(reversed(self._all(kind, **values)))
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

    # Payment and setup intents

    def _new_intent(self, prefix, kind, params, **values):
        customer = params.get("customer")
        if customer and customer not in self.objects:
            refuse(f"No such customer: '{customer}'", "resource_missing", "customer")
        intent = self._add(
            prefix,
            kind,
            application=None,
            cancellation_reason=None,
            customer=customer,
            description=params.get("description"),
            metadata=self._metadata(params),
            next_action=None,
            on_behalf_of=None,
            payment_method=None,
            payment_method_options={},
            payment_method_types=params.get("payment_method_types[]") or ["card"],
            status="requires_payment_method",
            **values,
        )
        intent["client_secret"] = f"{intent['id']}_secret_{self.new_id('')}"
        return intent

    def intent_create(self, request):
        """Answer a request for a payment intent."""
        params = self._params(request, "intent_create")
        amount = self._integer(params, "amount")
        currency = params.get("currency", "")
        if not re.fullmatch("[A-Za-z]{3}", currency):
            refuse(f"Invalid currency: {currency}", param="currency", keep=False)
        intent = self._new_intent(
            "pi_",
            "payment_intent",
            params,
            amount=amount,
            amount_capturable=0,
            amount_received=0,
            application_fee_amount=None,
            canceled_at=None,
            capture_method=params.get("capture_method", "automatic"),
            confirmation_method=params.get("confirmation_method", "automatic"),
            currency=currency.lower(),
            last_payment_error=None,
            latest_charge=None,
            receipt_email=params.get("receipt_email"),
            review=None,
            setup_future_usage=params.get("setup_future_usage"),
            shipping=None,
            source=None,
            statement_descriptor=None,
            transfer_data=None,
            transfer_group=None,
        )
        if params.get("shipping[name]"):
            address = {n: params.get(f"shipping[address][{n}]") for n in _ADDRESS}
            intent["shipping"] = {
                "name": params["shipping[name]"],
                "phone": params.get("shipping[phone]"),
                "address": address,
            }
        self._emit("payment_intent.created", intent)
        if params.get("confirm", "").lower() == "true":
            self._confirm(intent, params)
        return self._shown(intent, params)

    def setup_create(self, request):
        """Answer a request for a setup intent."""
        params = self._params(request, "setup_create")
        intent = self._new_intent(
            "seti_",
            "setup_intent",
            params,
            last_setup_error=None,
            latest_attempt=None,
            mandate=None,
            single_use_mandate=None,
            usage=params.get("usage", "off_session"),
        )
        if params.get("confirm", "").lower() == "true":
            self._confirm(intent, params)
        return self._shown(intent, params)

    def intent_get(self, request, key):
        """Answer with an intent."""
        params = self._params(request, "intent_get")
        return self._shown(self._find(key), params)

    def intent_list(self, request):
        """Answer with payment intents."""
        params = self._params(request, "intent_list")
        customer = params.get("customer")
        return self._list(
            params, "payment_intent", "payment_intents", customer=customer
        )

    def intent_confirm(self, request, key):
        """Answer a confirmation."""
        params = self._params(request, "intent_confirm")
        intent = self._find(key)
        self._confirm(intent, params)
        return self._shown(intent, params)

    def _unexpected(self, intent, verb, statuses):
        message = (
            f"You cannot {verb} this PaymentIntent because it has a status of "
            f"{intent['status']}. Only a PaymentIntent with one of the following "
            f"statuses may be {verb}ed: {', '.join(statuses)}."
        )
        kind = intent["object"]
        code = f"{kind}_unexpected_state"
        refuse(message, code, **{kind: self.render(intent)})

    def _confirm(self, intent, params):
        if intent["status"] == "requires_action":
            return  # Stripe.js asks again after 3-D Secure: the intent as it is
        if intent["status"] not in ("requires_payment_method", "requires_confirmation"):
            self._unexpected(intent, "confirm", ["requires_payment_method"])
        method = self._method(params, intent["customer"])
        intent.update(payment_method=method["id"], next_action=None)
        # Other methods than cards send the client to a page, as 3-D Secure does.
        fate = CARDS.get(self._numbers.get(method["id"]), "declined")
        fate = fate if method["type"] == "card" else "3ds"
        if fate == "3ds" and params.get("off_session", "").lower() == "true":
            fate = "succeeds"  # it was authenticated when it was kept
        if fate == "3ds":
            url = f"{self.root}/3ds/{intent['id']}"
            where = {"url": url, "return_url": params.get("return_url")}
            intent.update(
                status="requires_action",
                next_action={"type": "redirect_to_url", "redirect_to_url": where},
            )
            self._emit(f"{intent['object']}.requires_action", intent)
        elif fate == "slow" and intent["object"] == "payment_intent":
            intent["status"] = "processing"
            self._emit("payment_intent.processing", intent)
        else:
            self._settle(intent, fate != "declined", "card_declined")
        if intent["status"] == "requires_payment_method":
            error = intent.get("last_payment_error") or intent["last_setup_error"]
            message, code = error["message"], error["code"]
            values = {intent["object"]: self.render(intent)}
            refuse(message, code, status=402, **values)

    def _method(self, params, customer):
        key = params.get("payment_method")
        if key and key not in TOKENS:
            return self._find(key)
        kind = params.get("payment_method_data[type]", "card")
        number = TOKENS.get(key) or params.get("payment_method_data[card][number]", "")
        number = re.sub(r"\D", "", number)
        details = {}
        if kind == "card":
            if len(number) < 13:
                message = "Your card number is incorrect."
                refuse(message, "incorrect_number", "number", 402, keep=False)
            details = {
                "brand": "mastercard" if number[0] == "5" else "visa",
                "checks": {
                    "address_line1_check": None,
                    "address_postal_code_check": None,
                    "cvc_check": "pass",
                },
                "country": "US",
                "exp_month": int(
                    params.get("payment_method_data[card][exp_month]", 12)
                ),
                "exp_year": int(
                    params.get("payment_method_data[card][exp_year]", 2040)
                ),
                "fingerprint": hashlib.sha256(number.encode()).hexdigest()[:16],
                "funding": "credit",
                "last4": number[-4:],
                "wallet": None,
            }
        address = {name: None for name in _ADDRESS}
        method = self._add(
            "pm_",
            "payment_method",
            billing_details={
                "address": address,
                "email": None,
                "name": params.get("payment_method_data[billing_details][name]"),
                "phone": None,
            },
            customer=customer,
            type=kind,
            **{kind: details},
        )
        self._numbers[method["id"]] = number
        return method

    def _settle(self, intent, succeed, code):
        """End a confirmation, a 3-D Secure question or what was processing."""
        is_payment = intent["object"] == "payment_intent"
        intent["next_action"] = None
        name = "last_payment_error" if is_payment else "last_setup_error"
        message = {
            "card_declined": "Your card was declined.",
            "payment_intent_authentication_failure": "The provided PaymentMethod has "
            "failed authentication. You can provide another one or try again.",
        }[code]
        if is_payment and code == "card_declined" or succeed:
            self._charge(intent, succeed, message)
        if not succeed:
            method = self.render(self._find(intent["payment_method"]))
            decline = {"decline_code": "generic_decline"}
            intent[name] = {
                "code": code if is_payment else "setup_intent_authentication_failure",
                "message": message,
                "type": "card_error" if is_payment else "invalid_request_error",
                "payment_method": method,
                **(decline if code == "card_declined" else {}),
            }
            intent.update(status="requires_payment_method", payment_method=None)
            kind = "payment_failed" if is_payment else "setup_failed"
            self._emit(f"{intent['object']}.{kind}", intent)
            return
        intent[name] = None
        intent["status"] = "succeeded"
        if is_payment and intent["capture_method"] == "manual":
            intent.update(status="requires_capture", amount_capturable=intent["amount"])
            self._emit("payment_intent.amount_capturable_updated", intent)
            return
        if is_payment:
            intent["amount_received"] = intent["amount"]
        self._emit(f"{intent['object']}.succeeded", intent)

    def _charge(self, intent, succeed, message):
        if intent["object"] != "payment_intent":
            return
        captured = succeed and intent["capture_method"] != "manual"
        method = self._find(intent["payment_method"])
        outcome = {
            "network_status": "approved_by_network",
            "reason": None,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        }
        charge = self._add(
            "ch_",
            "charge",
            amount=intent["amount"],
            amount_captured=intent["amount"] if captured else 0,
            amount_refunded=0,
            application=None,
            balance_transaction=None,
            billing_details=method["billing_details"],
            captured=captured,
            currency=intent["currency"],
            customer=intent["customer"],
            # Odoo finds the transaction of a charge by this.
            description=intent["description"],
            disputed=False,
            failure_code=None if succeed else "card_declined",
            failure_message=None if succeed else message,
            outcome=outcome if succeed else None,
            paid=succeed,
            payment_intent=intent["id"],
            payment_method=method["id"],
            payment_method_details={
                "type": method["type"],
                method["type"]: method[method["type"]],
            },
            receipt_email=intent["receipt_email"],
            receipt_url=None,
            refunded=False,
            shipping=intent["shipping"],
            source=None,
            status="succeeded" if succeed else "failed",
        )
        intent["latest_charge"] = charge["id"]

    def intent_capture(self, request, key):
        """Answer a capture of what is authorized."""
        params = self._params(request, "intent_capture")
        intent = self._find(key)
        if intent["status"] != "requires_capture":
            self._unexpected(intent, "capture", ["requires_capture"])
        amount = self._integer(params, "amount_to_capture", intent["amount"])
        if amount > intent["amount"]:
            message = "The amount is greater than the authorized one."
            refuse(message, "amount_too_large", "amount_to_capture")
        charge = self._find(intent["latest_charge"])
        charge.update(captured=True, amount_captured=amount)
        intent.update(status="succeeded", amount_capturable=0, amount_received=amount)
        self._emit("payment_intent.succeeded", intent)
        return self._shown(intent, params)

    def intent_cancel(self, request, key):
        """Answer a cancellation."""
        params = self._params(request, "intent_cancel")
        intent = self._find(key)
        if intent["status"] not in CANCELABLE:
            self._unexpected(intent, "cancel", CANCELABLE)
        intent.update(
            status="canceled",
            next_action=None,
            cancellation_reason=params.get("cancellation_reason"),
        )
        if intent["object"] == "payment_intent":
            intent.update(canceled_at=int(time.time()), amount_capturable=0)
        self._emit(f"{intent['object']}.canceled", intent)
        return self._shown(intent, params)

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
        address = {name: params.get(f"address[{name}]") for name in _ADDRESS}
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

    # What the client's browser sees

    def script(self, request):
        """Answer with the stand-in for Stripe.js."""
        text = Path(__file__).with_name("stripe.js").read_text()
        headers = {"Content-Type": "text/javascript; charset=utf-8"}
        return Answer(text.replace("__ROOT__", self.root), headers=headers)

    def challenge(self, request, key):
        """Answer with the page of a bank that asks who is paying."""
        intent = self._find(key)
        amount = ""
        if "amount" in intent:
            decimals = 0 if intent["currency"].upper() in ZERO_DECIMALS else 2
            value = f"{intent['amount'] / 10**decimals:.{decimals}f}"
            amount = f" of {value} {intent['currency'].upper()}"
        text = html.escape(f"Do you allow the payment{amount}? No real money moves.")
        return Answer(
            page(
                "3-D Secure",
                f'<p>{text}</p><form method="post">'
                '<button name="result" value="complete">Complete</button>'
                '<button name="result" value="fail">Fail</button></form>',
            )
        )

    def challenge_done(self, request, key):
        """Answer the choice on that page: back to the shop."""
        intent = self._find(key)
        where = (intent["next_action"] or {}).get("redirect_to_url", {})
        succeed = dict(request.form).get("result") == "complete"
        self.authenticate(key, succeed)
        kind = intent["object"]
        query = {
            kind: key,
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if succeed else "failed",
        }
        url = where.get("return_url") or "/"
        url += ("&" if "?" in url else "?") + urlencode(query)
        return Answer(status=303, headers={"Location": url})
