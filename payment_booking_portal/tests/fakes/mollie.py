"""A stand-in for Mollie's API, version 2, and for its page to pay on."""

import copy
import html
import json
import re
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from urllib.parse import urlencode

from .server import LEAVE, LOSE, Answer, FakeServer, Refused, page, tab_closed

ZERO_DECIMALS = ("ISK", "JPY")
FIELDS = {
    "payment": "amount cancelUrl customerId description dueDate include lines locale "
    "metadata method redirectUrl restrictPaymentMethodsToCountry sequenceType "
    "testmode webhookUrl profileId billingAddress shippingAddress",
    "refund": "amount description metadata testmode",
}
METHODS = {
    "bancontact": "Bancontact",
    "banktransfer": "Bank transfer",
    "creditcard": "Card",
    "ideal": "iDEAL",
    "paypal": "PayPal",
}
# The buttons of the page, and what becomes of the payment.
CHOICES = {
    "paid": "Pay",
    "failed": "Fail",
    "canceled": "Cancel",
    "expired": "Expire",
    "open": "Leave open",
    "pending": "Pay later",
}
MOMENTS = {
    "authorized": "authorizedAt",
    "canceled": "canceledAt",
    "expired": "expiredAt",
    "failed": "failedAt",
    "paid": "paidAt",
}


def moment(delta=timedelta()):
    """Return a time as the API writes it."""
    return (datetime.now(timezone.utc) + delta).strftime("%Y-%m-%dT%H:%M:%S+00:00")


def problem(status, title, detail, field=None):
    """Return an answer that is an error."""
    body = {"status": status, "title": title, "detail": detail}
    if field:
        body["field"] = field
    link = {"href": "https://docs.mollie.com/errors", "type": "text/html"}
    return Answer(body | {"_links": {"documentation": link}}, status)


def refuse(detail, field=None, keep=False):
    """Raise the error of a request that cannot be done."""
    raise Refused(problem(422, "Unprocessable Entity", detail, field), keep)


def write(value, currency):
    """Return an amount as the API writes it."""
    decimals = 0 if currency in ZERO_DECIMALS else 2
    return {"value": f"{value:.{decimals}f}", "currency": currency}


class FakeMollie(FakeServer):
    """Mollie on loopback."""

    content_type = "application/hal+json"
    routes = [
        (method, "/v2/" + pattern, name)
        for method, pattern, name in [
            ("POST", "payments", "payment_create"),
            ("GET", "payments", "payment_list"),
            ("GET", r"payments/(tr_\w+)", "payment_get"),
            ("DELETE", r"payments/(tr_\w+)", "payment_cancel"),
            ("POST", r"payments/(tr_\w+)/refunds", "refund_create"),
            ("GET", r"payments/(tr_\w+)/refunds", "refund_list"),
            ("GET", r"payments/(tr_\w+)/refunds/(re_\w+)", "refund_get"),
            ("DELETE", r"payments/(tr_\w+)/refunds/(re_\w+)", "refund_cancel"),
            ("GET", "refunds", "all_refunds"),
            ("GET", "chargebacks", "all_chargebacks"),
            ("GET", r"payments/(tr_\w+)/chargebacks", "chargeback_list"),
            ("GET", r"payments/(tr_\w+)/chargebacks/(chb_\w+)", "chargeback_get"),
            ("GET", "methods", "method_list"),
        ]
    ] + [
        ("GET", r"/checkout/(tr_\w+)", "checkout"),
        ("POST", r"/checkout/(tr_\w+)", "checkout_done"),
    ]

    def __init__(self, port=0, auto_deliver=False, api_key="test_fake"):
        self.api_key = api_key
        self.refund_status = "pending"  # of the next refunds
        self.cancelable_methods = {"banktransfer"}
        self.notifications = []  # ids of payments, in the order they changed
        super().__init__(port, auto_deliver)

    # What a client or a bank does, without HTTP

    def pay(self, payment_id, status="paid", method=None):
        """Do what a button of the page does, and return the payment."""
        with self.lock:
            payment = self._payment(payment_id)
            if payment["status"] in ("open", "pending", "authorized"):
                payment["method"] = method or payment["method"] or "creditcard"
                self._move(payment, status)
            return self.render(payment)

    def expire(self, payment_id):
        """Let a payment expire."""
        return self.pay(payment_id, "expired")

    def set_cancelable(self, payment_id, is_cancelable=True):
        """Say whether an open payment can be cancelled, whatever its method."""
        with self.lock:
            self._payment(payment_id)["isCancelable"] = is_cancelable

    def refund(self, payment_id, value=None):
        """Refund as a person does on Mollie's own pages; all of it by default."""
        with self.lock:
            payment = self._payment(payment_id)
            left = self._remaining(payment)
            refund = self._refund(payment, left if value is None else Decimal(value))
            return self.render(refund)

    def settle_refund(self, refund_id, status="refunded"):
        """Give a refund another state: `processing`, `refunded`, `failed`, …"""
        with self.lock:
            refund = self.objects[refund_id]
            refund["status"] = status
            self._notify(refund["paymentId"])
            return self.render(refund)

    def charge_back(self, payment_id, value=None):
        """Let the client's bank take money back; all of it by default."""
        with self.lock:
            payment = self._payment(payment_id)
            amount = payment["amount"]
            chargeback = {
                "resource": "chargeback",
                "id": self.new_id("chb_", 6),
                "amount": write(
                    Decimal(amount["value"] if value is None else value),
                    amount["currency"],
                ),
                "createdAt": moment(),
                "reason": {"code": "AC01", "description": "Account is incorrect"},
                "paymentId": payment_id,
                "reversedAt": None,
            }
            self.objects[chargeback["id"]] = chargeback
            self._notify(payment_id)
            return self.render(chargeback)

    def reverse_chargeback(self, chargeback_id):
        """Let the client's bank give the money again."""
        with self.lock:
            chargeback = self.objects[chargeback_id]
            chargeback["reversedAt"] = moment()
            self._notify(chargeback["paymentId"])

    def balance(self, currency):
        """Return what was paid less what went back, in whole units."""
        with self.lock:
            total = Decimal(0)
            for one in self.objects.values():
                if one["amount"]["currency"] != currency.upper():
                    continue
                value = Decimal(one["amount"]["value"])
                kind = one["resource"]
                if kind == "payment" and one["status"] == "paid":
                    total += value
                elif kind == "refund" and self._counts(one):
                    total -= value
                elif kind == "chargeback" and not one["reversedAt"]:
                    total -= value
            return total

    # Webhooks

    def deliver(self, payment_id, url=None):
        """Call the webhook of a payment, and return the status of the answer."""
        return self.post(*self._mail(payment_id, url))

    def _mail(self, payment_id, url=None):
        url = url or self._payment(payment_id)["webhookUrl"]
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return url, urlencode({"id": payment_id}).encode(), headers

    def _notify(self, payment_id):
        self.notifications.append(payment_id)
        if self._payment(payment_id)["webhookUrl"]:
            self.post_later(*self._mail(payment_id))

    def overview(self):
        """Override to tell payments, refunds and chargebacks."""
        rows = []
        for key, one in reversed(self.objects.items()):
            kind, status = one["resource"], one.get("status", "charged back")
            amount = f"{one['amount']['value']} {one['amount']['currency']}"
            text = f"{amount} · {one.get('description') or one['paymentId']}"
            actions = {"notify": "Notify"} if kind == "payment" else {}
            if kind == "payment" and status == "paid" and self._remaining(one):
                actions |= {"refund": "Refund", "charge_back": "Charge back"}
            elif kind == "refund" and status in ("queued", "pending", "processing"):
                actions |= {"settle": "Refunded", "fail": "Failed"}
            elif kind == "chargeback" and not one["reversedAt"]:
                actions |= {"reverse": "Give again"}
            label = "" if kind == "payment" else f"{kind.title()} of "
            rows.append((key, label + text, status, actions))
        return rows

    def act(self, action, key):
        """Override to do it."""
        if action == "notify":
            self.repeat(*self._mail(key))
        elif action == "refund":
            self.refund(key)
        elif action == "charge_back":
            self.charge_back(key)
        elif action == "reverse":
            self.reverse_chargeback(key)
        elif action in ("settle", "fail"):
            self.settle_refund(key, "refunded" if action == "settle" else "failed")

    # Objects

    def _payment(self, key):
        if key not in self.objects:
            detail = "No payment exists with this id."
            raise Refused(problem(404, "Not Found", detail))
        return self.objects[key]

    def _of(self, payment_id, kind):
        return [
            one
            for one in self.objects.values()
            if one["resource"] == kind and one.get("paymentId") == payment_id
        ]

    def _one_of(self, payment_id, key):
        self._payment(payment_id)
        found = self.objects.get(key)
        if not found or found["paymentId"] != payment_id:
            raise Refused(problem(404, "Not Found", "No such object exists."))
        return found

    @staticmethod
    def _counts(refund):
        return refund["status"] not in ("failed", "canceled")

    def _total(self, payment, kind):
        return sum(
            (
                Decimal(one["amount"]["value"])
                for one in self._of(payment["id"], kind)
                if kind == "chargeback" or self._counts(one)
            ),
            Decimal(0),
        )

    def _remaining(self, payment):
        return Decimal(payment["amount"]["value"]) - self._total(payment, "refund")

    def _move(self, payment, status):
        if status == payment["status"]:
            return
        payment["status"] = status
        payment["isCancelable"] = None
        if status in MOMENTS:
            payment[MOMENTS[status]] = moment()
        if status == "paid" and payment["method"] == "creditcard":
            payment["details"] = {
                "cardNumber": "4242",
                "cardHolder": "T. Test",
                "cardLabel": "Visa",
                "cardCountryCode": "BE",
            }
        self._notify(payment["id"])

    def render(self, value):
        """Return an object as the API shows it."""
        value = copy.deepcopy(value)
        kind = value["resource"]
        parent = value.get("paymentId")
        path = f"payments/{parent}/{kind}s" if parent else "payments"
        links = {"self": self._link(f"/v2/{path}/{value['id']}")}
        if parent:
            links["payment"] = self._link(f"/v2/payments/{parent}")
        else:
            self._render_payment(value, links)
        return {k: v for k, v in value.items() if v is not None} | {"_links": links}

    def _render_payment(self, payment, links):
        is_open = payment["status"] in ("open", "pending", "authorized")
        currency = payment["amount"]["currency"]
        if payment["status"] == "open":
            links["checkout"] = self._link(f"/checkout/{payment['id']}", "text/html")
        if is_open:
            if payment["isCancelable"] is None:
                payment["isCancelable"] = payment["method"] in self.cancelable_methods
        else:
            del payment["expiresAt"]
        if payment["status"] == "paid":
            refunded = self._total(payment, "refund")
            payment["amountRefunded"] = write(refunded, currency)
            payment["amountRemaining"] = write(self._remaining(payment), currency)
            payment["settlementAmount"] = payment["amount"]
            back = self._total(payment, "chargeback")
            if back:
                payment["amountChargedBack"] = write(back, currency)
        for kind in ("refund", "chargeback"):
            if self._of(payment["id"], kind):
                links[f"{kind}s"] = self._link(f"/v2/payments/{payment['id']}/{kind}s")

    def _link(self, path, kind="application/hal+json"):
        return {"href": self.root + path, "type": kind}

    def _list(self, request, name, values):
        query = dict(request.query)
        limit = int(query.get("limit", 50))
        values = list(reversed(values))
        ids = [value["id"] for value in values]
        start = ids.index(query["from"]) if query.get("from") in ids else 0
        links = {"self": self._link(request.path), "previous": None, "next": None}
        if len(values) > start + limit:
            after = urlencode({"from": ids[start + limit], "limit": limit})
            links["next"] = self._link(f"{request.path}?{after}")
        shown = [self.render(value) for value in values[start : start + limit]]
        return Answer(
            {"count": len(shown), "_embedded": {name: shown}, "_links": links}
        )

    # Requests

    def authenticate_request(self, request):
        """Override to know the key."""
        if request.headers.get("authorization") != f"Bearer {self.api_key}":
            detail = "Missing authentication, or failed to authenticate"
            raise Refused(problem(401, "Unauthorized Request", detail))

    def conflict(self, key):
        """Override to answer as Mollie does."""
        detail = "This idempotency key was used for another request."
        return problem(422, "Unprocessable Entity", detail)

    def trouble(self, status):
        """Override to answer as Mollie does."""
        title, detail = {
            404: ("Not Found", "No such endpoint."),
            429: ("Too Many Requests", "Please slow down."),
        }.get(status, ("Internal Server Error", "Please try again."))
        return problem(status, title, detail)

    def _body(self, request, kind):
        try:
            body = json.loads(request.body or b"{}")
        except ValueError:
            detail = "The request body is no valid JSON."
            raise Refused(problem(400, "Bad Request", detail)) from None
        for name in body:
            if name not in FIELDS[kind].split():
                detail = f'Non-existent body parameter "{name}" for this API call.'
                refuse(detail, name)
        return body

    def _amount(self, body):
        amount = body.get("amount")
        if not isinstance(amount, dict) or set(amount) != {"value", "currency"}:
            refuse("The amount is required: a value and a currency.", "amount")
        value, currency = amount["value"], amount["currency"]
        if not isinstance(currency, str) or not re.fullmatch("[A-Z]{3}", currency):
            refuse("The amount's currency is not valid.", "amount.currency")
        wanted = r"\d+" if currency in ZERO_DECIMALS else r"\d+\.\d{2}"
        if not isinstance(value, str) or not re.fullmatch(wanted, value):
            detail = "The amount's value has a wrong number of decimals, or is no text."
            refuse(detail, "amount.value")
        if not Decimal(value):
            refuse("The amount is lower than the minimum.", "amount")
        return Decimal(value), currency

    def payment_create(self, request):
        """Answer a request for a payment."""
        body = self._body(request, "payment")
        value, currency = self._amount(body)
        for name in ("description", "redirectUrl"):
            if not body.get(name):
                refuse(f"The {name} is required.", name)
        methods = body.get("method")
        methods = methods if isinstance(methods, list) else [methods] * bool(methods)
        for method in methods:
            if method not in METHODS:
                refuse(f"The payment method is invalid: {method}.", "method")
        payment = {
            "resource": "payment",
            "id": self.new_id("tr_", 10),
            "mode": "test",
            "createdAt": moment(),
            "amount": write(value, currency),
            "description": body["description"],
            "method": methods[0] if len(methods) == 1 else None,
            "metadata": body.get("metadata"),
            "status": "open",
            "isCancelable": None,
            "locale": body.get("locale"),
            "countryCode": "BE",
            "expiresAt": moment(
                timedelta(days=12)
                if methods == ["banktransfer"]
                else timedelta(minutes=15)
            ),
            "profileId": "pfl_fake",
            "sequenceType": "oneoff",
            "redirectUrl": body["redirectUrl"],
            "cancelUrl": body.get("cancelUrl"),
            "webhookUrl": body.get("webhookUrl"),
        }
        self.objects[payment["id"]] = payment
        return Answer(self.render(payment), 201)

    def payment_get(self, request, key):
        """Answer with a payment."""
        return Answer(self.render(self._payment(key)))

    def payment_list(self, request):
        """Answer with payments."""
        return self._list_all(request, "payment")

    def all_refunds(self, request):
        """Answer with the refunds of all payments."""
        return self._list_all(request, "refund")

    def all_chargebacks(self, request):
        """Answer with the chargebacks of all payments."""
        return self._list_all(request, "chargeback")

    def _list_all(self, request, kind):
        found = [one for one in self.objects.values() if one["resource"] == kind]
        return self._list(request, f"{kind}s", found)

    def payment_cancel(self, request, key):
        """Answer a cancellation."""
        payment = self._payment(key)
        if not self.render(payment).get("isCancelable"):
            refuse("The payment cannot be canceled.", keep=True)
        self._move(payment, "canceled")
        return Answer(self.render(payment))

    def refund_create(self, request, key):
        """Answer a request for a refund."""
        payment = self._payment(key)
        body = self._body(request, "refund")
        value, currency = self._amount(body)
        if currency != payment["amount"]["currency"]:
            refuse("The currency is not that of the payment.", "amount.currency")
        details = {name: body.get(name) for name in ("description", "metadata")}
        refund = self._refund(payment, value, **details)
        return Answer(self.render(refund), 201)

    def _refund(self, payment, value, description=None, metadata=None):
        left = self._remaining(payment)
        if payment["status"] != "paid" or not left:
            detail = "The payment is already refunded or has not been paid for yet"
            refuse(detail, keep=True)
        if value > left:
            refuse("The amount is higher than the maximum", "amount", keep=True)
        refund = {
            "resource": "refund",
            "id": self.new_id("re_", 10),
            "mode": "test",
            "amount": write(value, payment["amount"]["currency"]),
            "status": self.refund_status,
            "createdAt": moment(),
            "description": description or payment["description"],
            "metadata": metadata,
            "paymentId": payment["id"],
        }
        self.objects[refund["id"]] = refund
        self._notify(payment["id"])
        return refund

    def refund_list(self, request, key):
        """Answer with the refunds of a payment."""
        self._payment(key)
        found = [] if self.lags else self._of(key, "refund")
        return self._list(request, "refunds", found)

    def refund_get(self, request, key, refund_id):
        """Answer with a refund."""
        return Answer(self.render(self._one_of(key, refund_id)))

    def refund_cancel(self, request, key, refund_id):
        """Answer the cancellation of a refund that has not begun."""
        refund = self._one_of(key, refund_id)
        if refund["status"] not in ("queued", "pending"):
            refuse("The refund cannot be canceled.", keep=True)
        refund["status"] = "canceled"
        return Answer(status=204)

    def chargeback_list(self, request, key):
        """Answer with the chargebacks of a payment."""
        self._payment(key)
        return self._list(request, "chargebacks", self._of(key, "chargeback"))

    def chargeback_get(self, request, key, chargeback_id):
        """Answer with a chargeback."""
        return Answer(self.render(self._one_of(key, chargeback_id)))

    def method_list(self, request):
        """Answer with the payment methods."""
        methods = [
            {
                "resource": "method",
                "id": key,
                "description": name,
                "minimumAmount": write(Decimal("0.01"), "EUR"),
                "maximumAmount": None,
                "image": {},
                "status": "activated",
                "_links": {"self": self._link(f"/v2/methods/{key}")},
            }
            for key, name in METHODS.items()
        ]
        links = {"self": self._link(request.path)}
        return Answer(
            {
                "count": len(methods),
                "_embedded": {"methods": methods},
                "_links": links,
            }
        )

    # What the client's browser sees

    def checkout(self, request, key):
        """Answer with the page to pay on."""
        payment = self._payment(key)
        amount = payment["amount"]
        text = (
            f'<p class="amount">{amount["value"]} {amount["currency"]}</p>'
            f'<p class="small">{html.escape(payment["description"])}</p>'
        )
        if payment["status"] != "open":
            return Answer(page("Mollie", f"{text}<p>Now {payment['status']}.</p>"))
        first, *others = (
            f'<button name="status" value="{value}">{label}</button>'
            for value, label in CHOICES.items()
        )
        first = first.replace("<button", '<button class="first"')
        return Answer(
            page(
                "Mollie",
                f'{text}<form method="post">{LOSE}{LEAVE}{first}'
                f'<div class="others">{"".join(others)}</div></form>',
            )
        )

    def checkout_done(self, request, key):
        """Answer the choice on that page: back to the shop."""
        form = dict(request.form)
        if form.get("status") not in CHOICES:
            refuse("There is no such button.")
        before, self.lose = self.lose, self.lose or form.get("lose") == "1"
        self.pay(key, form["status"])
        self.lose = before
        if form.get("leave") == "1":
            return tab_closed()
        payment = self._payment(key)
        canceled = payment["status"] == "canceled" and payment["cancelUrl"]
        url = canceled or payment["redirectUrl"]
        return Answer(status=303, headers={"Location": url})
