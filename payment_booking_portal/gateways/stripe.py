"""Stripe, by its official SDK: https://docs.stripe.com/api/payment_intents."""

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const
from odoo.addons.payment_stripe import utils as stripe_utils

from .base import (
    DEAD,
    OPEN,
    PAID,
    REFUNDED,
    REFUNDING,
    REFUSED,
    TIMEOUT,
    UNKNOWN,
    Answer,
    Refund,
    RemoteGateway,
    Sdk,
)

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
REFUND_WORDS = {
    "succeeded": REFUNDED,
    "pending": REFUNDING,
    "requires_action": REFUNDING,
    "failed": REFUSED,
    "canceled": REFUSED,
}
# Where our key stands on a refund.
KEY = "odoo_refund"


class StripeGateway(RemoteGateway):
    """Payments are payment intents; ours carry our reference as their description."""

    sdk = Sdk("stripe", "12.5", "17")

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
            is_refused = status == "requires_payment_method"
            error = is_refused and intent["last_payment_error"] or {}
            return Answer(OPEN, refused=error.get("message") or "")
        data = {
            "reference": tx_sudo.reference,
            "payment_intent": intent,
            "payment_method": intent["payment_method"],
        }
        return Answer(word, data=data)

    # === GIVING BACK === #

    def _refund(self, tx_sudo, amount, key):
        try:
            refund = self.client.v1.refunds.create(
                {
                    "payment_intent": tx_sudo.provider_reference,
                    "amount": self._to_amount(tx_sudo, amount),
                    "metadata": {KEY: key},
                },
                {"idempotency_key": key},
            )
        except (stripe.InvalidRequestError, stripe.CardError) as error:
            return Refund(REFUSED, key=key, error=str(error))  # it never will
        return self._read_refund(tx_sudo, refund)

    def _list_refunds(self, tx_sudo):
        found = self.client.v1.refunds.list(
            {"payment_intent": tx_sudo.provider_reference, "limit": 100}
        )
        return [
            self._read_refund(tx_sudo, refund) for refund in found.auto_paging_iter()
        ]

    def _read_refund(self, tx_sudo, refund):
        """Return what a refund of Stripe means.

        :param stripe.Refund refund: of the SDK.
        """
        metadata = refund.metadata
        return Refund(
            REFUND_WORDS.get(refund.status, REFUNDING),
            refund.id,
            payment_utils.to_major_currency_units(
                refund.amount,
                tx_sudo.currency_id,
                arbitrary_decimal_number=self._get_places(tx_sudo),
            ),
            metadata[KEY] if metadata and KEY in metadata else "",
            getattr(refund, "failure_reason", None) or "",
        )

    # === AMOUNTS === #

    def _to_amount(self, tx_sudo, amount):
        return payment_utils.to_minor_currency_units(
            amount,
            tx_sudo.currency_id,
            arbitrary_decimal_number=self._get_places(tx_sudo),
        )

    def _get_places(self, tx_sudo):
        return const.CURRENCY_DECIMALS.get(tx_sudo.currency_id.name)
