"""A stand-in for PayPal's API (orders, version 2) and for its buttons."""

import base64
import copy
import hashlib
import hmac
import json
from decimal import Decimal, InvalidOperation
from pathlib import Path

from .server import Answer, FakeServer, Refused, page

SCRIPT = Path(__file__).with_name("paypal.js")
TOKEN = "A21AAFake"


def problem(status, name, message, issue=None):
    """Return an answer that is an error."""
    details = [{"issue": issue, "description": message}] if issue else []
    return Answer({"name": name, "message": message, "details": details}, status)


def refuse(issue, message, keep=False):
    """Raise the error of a request that cannot be done."""
    raise Refused(problem(422, "UNPROCESSABLE_ENTITY", message, issue), keep)


class FakePaypal(FakeServer):
    """PayPal on loopback: an order is made, approved by the client, and captured."""

    key_header = "paypal-request-id"
    routes = (
        ("POST", "/v1/oauth2/token", "token"),
        ("POST", "/v1/notifications/webhooks", "webhook_create"),
        ("POST", "/v1/notifications/verify-webhook-signature", "webhook_verify"),
        ("POST", "/v2/checkout/orders", "order_create"),
        ("GET", r"/v2/checkout/orders/(\w+)", "order_get"),
        ("POST", r"/v2/checkout/orders/(\w+)/capture", "order_capture"),
        ("GET", "/sdk/js", "script"),
        ("POST", r"/approve/(\w+)", "approve_there"),
    )

    def __init__(
        self, port=0, webhook_url="", auto_deliver=False,
        client_id="client_fake", secret="secret_fake", webhook_id="webhook_fake",
    ):  # fmt: skip
        self.client_id = client_id
        self.secret = secret
        self.webhook_id = webhook_id
        self.webhook_url = webhook_url
        self.capture_status = "COMPLETED"  # of the next captures
        super().__init__(port, auto_deliver)

    # What a client does, without HTTP

    def approve(self, order_id):
        """Do what the client does in PayPal's window, and return the order."""
        with self.lock:
            order = self._order(order_id)
            if order["status"] == "CREATED":
                order["status"] = "APPROVED"
                self._notify(order, "CHECKOUT.ORDER.APPROVED")
            return self.render(order)

    def balance(self, currency):
        """Return what was captured, in whole units."""
        with self.lock:
            return sum(
                (
                    Decimal(capture["amount"]["value"])
                    for order in self.objects.values()
                    for capture in self._captures(order)
                    if capture["status"] == "COMPLETED"
                    and capture["amount"]["currency_code"] == currency.upper()
                ),
                Decimal(0),
            )

    # Webhooks

    def deliver(self, order_id, event="CHECKOUT.ORDER.COMPLETED", is_signed=True):
        """Call the webhook about an order, and return the status of the answer."""
        address, body, headers = self._mail(self._order(order_id), event)
        if not is_signed:
            headers["PAYPAL-TRANSMISSION-SIG"] = "forged"
        return self.post(address, body, headers)

    def _mail(self, order, event):
        content = {
            "id": self.new_id("WH-"),
            "event_type": event,
            "resource": self.render(order),
        }
        headers = {
            "Content-Type": "application/json",
            "PAYPAL-TRANSMISSION-ID": content["id"],
            "PAYPAL-TRANSMISSION-SIG": self._sign(content["id"], content),
        }
        return self.webhook_url, json.dumps(content).encode(), headers

    def _notify(self, order, event):
        if self.webhook_url:
            self.post_later(*self._mail(order, event))

    def _sign(self, transmission_id, content):
        text = (
            f"{transmission_id}|{self.webhook_id}|{json.dumps(content, sort_keys=True)}"
        )
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()

    def overview(self):
        """Override to tell orders."""
        return [
            (
                key,
                "{value} {currency_code} · {reference}".format(
                    reference=order["purchase_units"][0]["reference_id"],
                    **order["purchase_units"][0]["amount"],
                ),
                order["status"].lower(),
                {"notify": "Notify"},
            )
            for key, order in reversed(self.objects.items())
        ]

    def act(self, action, key):
        """Override to do it."""
        if action == "notify":
            order = self._order(key)
            self.repeat(*self._mail(order, f"CHECKOUT.ORDER.{order['status']}"))

    # Objects

    def _order(self, key):
        if key not in self.objects:
            raise Refused(
                problem(404, "RESOURCE_NOT_FOUND", "The resource does not exist.")
            )
        return self.objects[key]

    @staticmethod
    def _captures(order):
        return order["purchase_units"][0].get("payments", {}).get("captures", [])

    def render(self, order):
        """Return an order as the API shows it."""
        return copy.deepcopy(order)

    # Requests

    def authenticate_request(self, request):
        """Override to know the keys, and the token that they are changed into."""
        words = request.headers.get("authorization") or ""
        pair = f"{self.client_id}:{self.secret}".encode()
        known = f"Bearer {TOKEN}"
        if request.path == "/v1/oauth2/token":
            known = f"Basic {base64.b64encode(pair).decode()}"
        if words != known:
            raise Refused(
                problem(401, "AUTHENTICATION_FAILURE", "Authentication failed.")
            )

    def conflict(self, key):
        """Override to answer as PayPal does."""
        text = "The same request id was used for another request."
        return problem(422, "UNPROCESSABLE_ENTITY", text, "DUPLICATE_REQUEST_ID")

    def trouble(self, status):
        """Override to answer as PayPal does."""
        return problem(status, "INTERNAL_SERVER_ERROR", "Please try again.")

    @staticmethod
    def _body(request):
        try:
            return json.loads(request.body or b"{}")
        except ValueError:
            raise Refused(
                problem(400, "INVALID_REQUEST", "The request is no JSON.")
            ) from None

    def token(self, request):
        """Answer a request for a token."""
        return Answer({"access_token": TOKEN, "expires_in": 32400})

    def webhook_create(self, request):
        """Answer who wants to be notified."""
        self.webhook_url = self._body(request)["url"]
        return Answer({"id": self.webhook_id, "url": self.webhook_url}, 201)

    def webhook_verify(self, request):
        """Answer whether a notification is ours."""
        body = self._body(request)
        if not body["transmission_id"] or not body["transmission_sig"]:
            raise Refused(problem(400, "VALIDATION_ERROR", "A header is missing."))
        good = body["webhook_id"] == self.webhook_id and hmac.compare_digest(
            body["transmission_sig"],
            self._sign(body["transmission_id"], body["webhook_event"]),
        )
        return Answer({"verification_status": "SUCCESS" if good else "FAILURE"})

    def order_create(self, request):
        """Answer a request for an order."""
        body = self._body(request)
        units = body.get("purchase_units") or []
        if body.get("intent") != "CAPTURE" or len(units) != 1:
            refuse("INVALID_PARAMETER_VALUE", "One unit to capture is known here.")
        amount = units[0].get("amount") or {}
        try:
            value = Decimal(str(amount["value"]))
        except (KeyError, InvalidOperation):
            refuse("MISSING_REQUIRED_PARAMETER", "The amount is missing, or no number.")
        if value <= 0 or len(amount.get("currency_code") or "") != 3:
            refuse("CANNOT_BE_ZERO_OR_NEGATIVE", "The amount is not valid.")
        order = {
            "id": self.new_id("", 17).upper(),
            "intent": "CAPTURE",
            "status": "CREATED",
            "payment_source": {"paypal": {"email_address": "payer@example.com"}},
            "purchase_units": [
                {
                    "reference_id": units[0].get("reference_id") or "default",
                    "amount": {
                        "currency_code": amount["currency_code"],
                        "value": f"{value:.2f}",
                    },
                }
            ],
        }
        self.objects[order["id"]] = order
        return Answer(self.render(order), 201)

    def order_get(self, request, key):
        """Answer with an order."""
        return Answer(self.render(self._order(key)))

    def order_capture(self, request, key):
        """Answer a request to take the money of an order."""
        order = self._order(key)
        if order["status"] == "COMPLETED":
            refuse("ORDER_ALREADY_CAPTURED", "Order already captured.", keep=True)
        if order["status"] != "APPROVED":
            refuse("ORDER_NOT_APPROVED", "The payer has not approved the order.")
        order["status"] = "COMPLETED"
        unit = order["purchase_units"][0]
        capture = {
            "id": self.new_id("", 17).upper(),
            "status": self.capture_status,
            "amount": dict(unit["amount"]),
            "final_capture": True,
        }
        unit["payments"] = {"captures": [capture]}
        self._notify(order, "CHECKOUT.ORDER.COMPLETED")
        return Answer(self.render(order), 201)

    # The buttons

    def script(self, request):
        """Answer with the stand-in for the script of the buttons."""
        text = SCRIPT.read_text().replace("__ROOT__", self.root)
        return Answer(text, headers={"Content-Type": "text/javascript; charset=utf-8"})

    def approve_there(self, request, key):
        """Answer the window of the client."""
        self.approve(key)
        return Answer(page("Approved", "<p>You may close this window.</p>"))
