"""The life of payment and setup intents at the stand-in for Stripe."""

import hashlib
import html
import re
import time
from pathlib import Path
from urllib.parse import urlencode

from .server import LEAVE, LOSE, Answer, page, tab_closed
from .stripe_const import ADDRESS, CANCELABLE, CARDS, TOKENS, ZERO_DECIMALS, refuse


class Intents:
    """Requests about intents, and the pages that lead a client through them."""

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
            address = {n: params.get(f"shipping[address][{n}]") for n in ADDRESS}
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
            f"statuses may be {verb.rstrip('e')}ed: {', '.join(statuses)}."
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
        address = {name: None for name in ADDRESS}
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

    # What the client's browser sees

    def script(self, request):
        """Answer with the stand-in for Stripe.js."""
        text = Path(__file__).with_name("stripe.js").read_text()
        headers = {"Content-Type": "text/javascript; charset=utf-8"}
        return Answer(text.replace("__ROOT__", self.root), headers=headers)

    def challenge(self, request, key):
        """Answer with the page of a bank that asks who is paying."""
        intent = self._find(key)
        text = "<p>Is it you who keeps this card?</p>"
        if "amount" in intent:
            text = (
                f'<p class="amount">{self._write(intent)}</p>'
                f'<p class="small">{html.escape(intent["description"] or "")}</p>'
                "<p>Is it you who pays?</p>"
            )
        return Answer(
            page(
                "Your bank: 3-D Secure",
                f'{text}<form method="post">{LOSE}{LEAVE}'
                '<button class="first" name="result" value="complete">Yes</button>'
                '<button name="result" value="fail">No, refuse it</button></form>',
            )
        )

    @staticmethod
    def _write(value):
        """Return an amount for people."""
        currency = value["currency"].upper()
        decimals = 0 if currency in ZERO_DECIMALS else 2
        return f"{value['amount'] / 10**decimals:.{decimals}f} {currency}"

    def challenge_done(self, request, key):
        """Answer the choice on that page: back to the shop."""
        intent = self._find(key)
        where = (intent["next_action"] or {}).get("redirect_to_url", {})
        form = dict(request.form)
        succeed = form.get("result") == "complete"
        before, self.lose = self.lose, self.lose or form.get("lose") == "1"
        self.authenticate(key, succeed)
        self.lose = before
        if form.get("leave") == "1":
            return tab_closed()
        kind = intent["object"]
        query = {
            kind: key,
            f"{kind}_client_secret": intent["client_secret"],
            "redirect_status": "succeeded" if succeed else "failed",
        }
        url = where.get("return_url") or "/"
        url += ("&" if "?" in url else "?") + urlencode(query)
        return Answer(status=303, headers={"Location": url})
