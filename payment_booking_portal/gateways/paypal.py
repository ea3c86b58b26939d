"""What becomes of money at PayPal, for which there is no SDK here.

PayPal takes nothing by itself: the client approves an order, and Odoo's own server
captures it while the client waits (see `payment.transaction._capture_order`). What was
not captured is dead as soon as we say so; whether it was, PayPal is asked, since the
answer to a capture may be lost.
"""

from odoo.exceptions import ValidationError

from .base import DEAD, OPEN, PAID, UNKNOWN, Answer, Gateway

ORDERS = "/v2/checkout/orders"
# By the status of a capture: https://developer.paypal.com/docs/api/orders/v2.
WORDS = {
    "COMPLETED": PAID,
    "PENDING": OPEN,
    "DECLINED": DEAD,
    "FAILED": DEAD,
    "REFUNDED": DEAD,
}


def get_capture(order):
    """Return what was taken of an order, or None."""
    payments = order["purchase_units"][0].get("payments") or {}
    return next(iter(payments.get("captures") or []), None)


def is_missing(error):
    """Tell whether a request of Odoo's failed because PayPal knows of no such thing.

    :param ValidationError error: raised while the one of HTTP was handled.
    """
    response = getattr(error.__context__, "response", None)
    return getattr(response, "status_code", None) == 404


class PaypalGateway(Gateway):
    """The gateway of a provider that takes money only when this server tells it to.

    `can_ask` stays off: no cron asks about a payment that nobody stops.
    """

    can_stop = True

    def ask(self, tx_sudo, reference=None):
        answer = super().ask(tx_sudo)
        if answer.word != UNKNOWN or self.provider_sudo._is_copy_of_database():
            return answer
        order_id = tx_sudo.provider_order
        return self._ask(tx_sudo, order_id) if order_id else Answer(OPEN)

    def stop(self, tx_sudo):
        answer = self.ask(tx_sudo)
        if answer.word == OPEN and not answer.data and tx_sudo.state == "draft":
            return Answer(DEAD)
        return answer

    def _ask(self, tx_sudo, order_id):
        try:
            order = tx_sudo._send_api_request("GET", f"{ORDERS}/{order_id}")
        except ValidationError as error:
            # PayPal forgets an order after a while, if nothing was taken.
            return Answer(OPEN if is_missing(error) else UNKNOWN, error=str(error))
        capture = get_capture(order)
        if not capture:
            return Answer(OPEN)
        word = WORDS.get(capture["status"], UNKNOWN)
        if word not in (PAID, OPEN):
            return Answer(word)
        data = {
            **capture,
            "txn_type": "CAPTURE",
            "reference_id": order["purchase_units"][0].get("reference_id"),
        }
        return Answer(word, data)
