"""Stripe, by its official SDK: https://docs.stripe.com/api/payment_intents."""

from datetime import datetime, timezone

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_stripe import const
from odoo.addons.payment_stripe import utils as stripe_utils

from .base import (
    ASKED,
    DEAD,
    LOST,
    OPEN,
    PAID,
    REFUNDED,
    REFUNDING,
    REFUSED,
    REVIEWED,
    TIMEOUT,
    UNKNOWN,
    WON,
    Answer,
    Dispute,
    Paid,
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
# What the client has done all for: it is paid, or about to be.
TAKEN = ("succeeded", "requires_capture", "processing")
REFUND_WORDS = {
    "succeeded": REFUNDED,
    "pending": REFUNDING,
    "requires_action": REFUNDING,
    "failed": REFUSED,
    "canceled": REFUSED,
}
# An inquiry that is closed took no money, nor did a dispute that was prevented.
DISPUTE_WORDS = {
    "warning_needs_response": ASKED,
    "needs_response": ASKED,
    "appeal_needs_response": ASKED,
    "won": WON,
    "warning_closed": WON,
    "prevented": WON,
    "lost": LOST,
}
# Where our key stands on a refund.
KEY = "odoo_refund"
# Where a payment says which database began it, and for what.
DATABASE = "odoo_database"
DOCUMENT = "odoo_document"
# The most that a page of a list holds.
PAGE = 100


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
        return self._read_refund(refund)

    def _list_refunds(self, tx_sudo):
        found = self.client.v1.refunds.list(
            {"payment_intent": tx_sudo.provider_reference, "limit": PAGE}
        )
        return [self._read_refund(refund) for refund in found.auto_paging_iter()]

    def _list_refunds_since(self, since):
        found = self.client.v1.refunds.list(self._prepare_span(since))
        return [self._read_refund(refund) for refund in found.auto_paging_iter()]

    def _read_refund(self, refund):
        """Return what a refund of Stripe means.

        :param stripe.Refund refund: of the SDK.
        """
        return Refund(
            REFUND_WORDS.get(refund.status, REFUNDING),
            refund.id,
            self._to_major(refund.amount, refund.currency),
            self._get_metadata(refund, KEY),
            getattr(refund, "failure_reason", None) or "",
            payment=refund.payment_intent or "",
            made_at=self._read_time(refund.created),
        )

    # === DISPUTES === #

    def _list_disputes(self, tx_sudo):
        found = self.client.v1.disputes.list(
            {"payment_intent": tx_sudo.provider_reference, "limit": PAGE}
        )
        return [self._read_dispute(dispute) for dispute in found.auto_paging_iter()]

    def _list_disputes_since(self, since):
        found = self.client.v1.disputes.list(self._prepare_span(since))
        return [self._read_dispute(dispute) for dispute in found.auto_paging_iter()]

    def _read_dispute(self, dispute):
        """Return what a dispute of Stripe means.

        :param stripe.Dispute dispute: of the SDK.
        """
        due = dispute.evidence_details.due_by
        return Dispute(
            DISPUTE_WORDS.get(dispute.status, REVIEWED),
            dispute.id,
            dispute.payment_intent or "",
            self._to_major(dispute.amount, dispute.currency),
            dispute.currency.upper(),
            self._read_time(dispute.created),
            dispute.reason.replace("_", " "),
            self._read_time(due) if due else None,
        )

    # === PAYMENTS WITHOUT A TRANSACTION === #

    def _list_paid_between(self, start, end):
        """Override: a saved card is charged before the transaction is kept."""
        found = self.client.v1.payment_intents.list(self._prepare_span(start, end))
        return [
            Paid(
                intent.id,
                intent.description or "",
                self._get_metadata(intent, DATABASE),
                self._get_metadata(intent, DOCUMENT),
                self._to_major(intent.amount, intent.currency),
                intent.currency.upper(),
            )
            for intent in found.auto_paging_iter()
            if intent.status in TAKEN
        ]

    @staticmethod
    def _prepare_span(start, end=None):
        """Return the parameters that list what was made in a span of time."""
        span = {"gte": int(start.replace(tzinfo=timezone.utc).timestamp())}
        if end:
            span["lt"] = int(end.replace(tzinfo=timezone.utc).timestamp())
        return {"created": span, "limit": PAGE}

    @staticmethod
    def _read_time(seconds):
        return datetime.fromtimestamp(seconds, timezone.utc).replace(tzinfo=None)

    @staticmethod
    def _get_metadata(value, name):
        metadata = value.metadata
        return metadata[name] if metadata and name in metadata else ""

    # === AMOUNTS === #

    def _to_amount(self, tx_sudo, amount):
        return payment_utils.to_minor_currency_units(
            amount,
            tx_sudo.currency_id,
            arbitrary_decimal_number=self._get_places(tx_sudo.currency_id),
        )

    def _to_major(self, amount, code):
        """Return an amount of Stripe in whole units of its currency."""
        currency = self._find_currency(code)
        if not currency:  # of something else that is paid into the account
            return amount / 100
        return payment_utils.to_major_currency_units(
            amount, currency, arbitrary_decimal_number=self._get_places(currency)
        )

    def _get_places(self, currency):
        return const.CURRENCY_DECIMALS.get(currency.name)
