"""Stripe, by its official SDK: https://docs.stripe.com/api/payment_intents."""

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const
from odoo.addons.payment_stripe import utils as stripe_utils

from .base import DEAD, OPEN, PAID, TIMEOUT, UNKNOWN, Answer, RemoteGateway

try:
    import stripe
except ImportError:  # Stripe's payments work without, but nobody is asked
    stripe = None

RETRIES = 2
# The code of the error that a payment cannot be cancelled any more.
UNEXPECTED_STATE = "payment_intent_unexpected_state"
WORDS = {
    "succeeded": PAID,
    "requires_capture": PAID,
    "canceled": DEAD,
    "processing": OPEN,
}


class StripeGateway(RemoteGateway):
    """Payments are payment intents; ours carry our reference as their description."""

    @classmethod
    def is_installed(cls):
        return stripe is not None

    def _make_client(self):
        return stripe.StripeClient(
            stripe_utils.get_secret_key(self.provider_sudo),
            stripe_version=const.API_VERSION,  # the answers are for Odoo's module
            base_addresses={"api": self._get_root()},
            max_network_retries=RETRIES,
            http_client=stripe.RequestsClient(timeout=TIMEOUT),
        )

    def _safely(self, call):
        try:
            return call()
        except stripe.RateLimitError as error:
            return Answer(UNKNOWN, error=str(error), is_limited=True)
        except stripe.StripeError as error:
            return Answer(UNKNOWN, error=str(error))

    def _ask(self, tx_sudo, reference):
        intent = self.client.v1.payment_intents.retrieve(
            reference, params={"expand": ["payment_method"]}
        )
        return self._read(tx_sudo, intent.last_response.data)

    def _stop(self, tx_sudo):
        try:
            intent = self.client.v1.payment_intents.cancel(
                tx_sudo.provider_reference, params={"expand": ["payment_method"]}
            )
        except stripe.InvalidRequestError as error:
            if error.code != UNEXPECTED_STATE:
                raise
            return self._ask(tx_sudo, tx_sudo.provider_reference)  # paid meanwhile
        return self._read(tx_sudo, intent.last_response.data)

    def _read(self, tx_sudo, intent):
        """Return what a payment intent means.

        :param dict intent: as the API sent it, with its payment method.
        """
        status = intent["status"]
        amount = intent["amount_received" if status == "succeeded" else "amount"]
        mismatch = self._find_mismatch(
            tx_sudo, intent["description"], amount, intent["currency"]
        )
        if mismatch:
            return Answer(UNKNOWN, mismatch=mismatch)
        word = WORDS.get(status)
        if not word:  # nothing has been paid yet
            return Answer(OPEN)
        data = {
            "reference": tx_sudo.reference,
            "payment_intent": intent,
            "payment_method": intent["payment_method"],
        }
        return Answer(word, data=data)

    def _to_amount(self, tx_sudo):
        return payment_utils.to_minor_currency_units(
            tx_sudo.amount,
            tx_sudo.currency_id,
            arbitrary_decimal_number=const.CURRENCY_DECIMALS.get(
                tx_sudo.currency_id.name
            ),
        )
