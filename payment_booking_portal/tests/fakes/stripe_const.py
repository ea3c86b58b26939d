"""What Stripe knows: cards, and what each request may say."""

from .server import Answer, Refused

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
# What was made in a span of time: the names are those of comparisons.
CREATED = {f"created[{name}]" for name in ("gt", "gte", "lt", "lte")}
ADDRESS = ["city", "country", "line1", "line2", "postal_code", "state"]
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
    | {f"shipping[address][{name}]" for name in ADDRESS},
    "intent_confirm": _CONFIRM,
    "intent_get": {"client_secret", "key"},
    "intent_list": LIST | CREATED | {"customer"},
    "intent_capture": {"amount_to_capture", "metadata*", "final_capture"},
    "intent_cancel": {"cancellation_reason"},
    "setup_create": _INTENT | {"usage"},
    "customer_create": {"name", "email", "phone", "description", "metadata*"}
    | {f"address[{name}]" for name in ADDRESS},
    "refund_create": {"amount", "charge", "metadata*", "payment_intent", "reason"},
    "refund_list": LIST | CREATED | {"charge", "payment_intent"},
    "dispute_list": LIST | CREATED | {"charge", "payment_intent"},
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
