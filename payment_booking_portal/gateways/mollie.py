"""Mollie, by its official SDK: https://docs.mollie.com/reference/payments-api.

The SDK's own page points to a successor: nothing else but this file knows it.
"""

from datetime import datetime

import pytz
import requests

from odoo.addons.payment.const import CURRENCY_MINOR_UNITS

from .base import (
    DEAD,
    LOST,
    OPEN,
    PAID,
    REFUNDED,
    REFUNDING,
    REFUSED,
    TIMEOUT,
    UNKNOWN,
    WON,
    Answer,
    Dispute,
    Refund,
    RemoteGateway,
    Sdk,
)

try:
    from mollie.api.client import Client
    from mollie.api.error import Error, ResponseError, UnprocessableEntityError
except ImportError:  # Mollie's payments work without, but nobody is asked
    Client = None

RETRIES = 3
TOO_MANY_REQUESTS = 429
WORDS = {
    "paid": PAID,
    "authorized": PAID,
    "canceled": DEAD,
    "expired": DEAD,
    "failed": DEAD,
    "pending": OPEN,
}
REFUND_WORDS = {
    "queued": REFUNDING,
    "pending": REFUNDING,
    "processing": REFUNDING,
    "refunded": REFUNDED,
    "failed": REFUSED,
    "canceled": REFUSED,
}
# Where our key stands on a refund.
KEY = "odoo_refund"
# The most that a page of a list holds.
PAGE = 250
# What a payment links to once money of it went back.
BACK_LINKS = ("refunds", "chargebacks")


class MollieGateway(RemoteGateway):
    """Payments carry our reference as their description."""

    sdk = Sdk("mollie-api-python", "3.5", "5")

    @classmethod
    def is_installed(cls):
        return Client is not None

    def _make_client(self):
        client = Client(api_endpoint=self._get_root(), timeout=TIMEOUT, retry=RETRIES)
        client.set_api_key(self.provider_sudo.mollie_api_key or "")
        return client

    def _safely(self, call):
        try:
            return call()
        except ResponseError as error:
            is_limited = error.status == TOO_MANY_REQUESTS
            return Answer(UNKNOWN, error=str(error), is_limited=is_limited)
        except (Error, requests.RequestException) as error:
            return Answer(UNKNOWN, error=str(error))

    def _ask(self, tx_sudo, reference):
        return self._read(tx_sudo, self.client.payments.get(reference))

    def _stop(self, tx_sudo):
        payment = self.client.payments.get(tx_sudo.provider_reference)
        if not payment.is_cancelable:
            return self._read(tx_sudo, payment)
        try:
            payment = self.client.payments.delete(tx_sudo.provider_reference)
        except UnprocessableEntityError:  # paid meanwhile
            payment = self.client.payments.get(tx_sudo.provider_reference)
        return self._read(tx_sudo, payment)

    def _read(self, tx_sudo, payment):
        """Return what a payment means.

        :param payment: of the SDK: a dict as the API sent it.
        """
        mismatch = self._find_mismatch(
            tx_sudo,
            payment["description"],
            payment["amount"]["value"],
            payment["amount"]["currency"],
        )
        if mismatch:
            return Answer(UNKNOWN, mismatch=mismatch)
        word = WORDS.get(payment["status"])
        if not word:  # nothing has been paid yet
            return Answer(OPEN, until=self._read_time(payment.get("expiresAt")))
        links = payment.get("_links") or {}
        return Answer(
            word,
            data={**payment, "ref": tx_sudo.reference},
            went_back=any(name in links for name in BACK_LINKS),
        )

    @staticmethod
    def _read_time(text):
        if not text:
            return None
        return datetime.fromisoformat(text).astimezone(pytz.utc).replace(tzinfo=None)

    # === GIVING BACK === #

    def _refund(self, tx_sudo, amount, key):
        payment = self.client.payments.get(tx_sudo.provider_reference)
        values = {
            "amount": {
                "currency": tx_sudo.currency_id.name,
                "value": self._to_amount(tx_sudo, amount),
            },
            "description": tx_sudo.reference,
            "metadata": {KEY: key},
        }
        try:
            refund = payment.refunds.create(values, idempotency_key=key)
        except UnprocessableEntityError as error:
            return Refund(REFUSED, key=key, error=str(error))  # it never will
        return self._read_refund(refund)

    def _list_refunds(self, tx_sudo):
        payment = self.client.payments.get(tx_sudo.provider_reference)
        found = self._read_pages(payment.refunds)
        return [self._read_refund(refund) for refund in found]

    def _list_refunds_since(self, since):
        found = self._read_pages(self.client.refunds, since)
        return [self._read_refund(refund) for refund in found]

    def _read_pages(self, resource, since=None):
        """Yield what a list of Mollie has, the newest first, until it is too old.

        :param resource: of the SDK.
        :param datetime since: naive UTC; all of it by default.
        """
        page = resource.list(limit=PAGE)
        while page:
            for one in page:
                if since and self._read_time(one["createdAt"]) < since:
                    return
                yield one
            page = page.has_next() and page.get_next()

    def _read_refund(self, refund):
        """Return what a refund of Mollie means.

        :param refund: of the SDK: a dict as the API sent it.
        """
        return Refund(
            REFUND_WORDS.get(refund["status"], REFUNDING),
            refund["id"],
            float(refund["amount"]["value"]),
            (refund.get("metadata") or {}).get(KEY, ""),
            payment=refund.get("paymentId") or "",
            made_at=self._read_time(refund["createdAt"]),
        )

    # === DISPUTES === #

    def _list_disputes(self, tx_sudo):
        payment = self.client.payments.get(tx_sudo.provider_reference)
        found = self._read_pages(payment.chargebacks)
        return [self._read_dispute(chargeback) for chargeback in found]

    def _list_disputes_since(self, since):
        found = self._read_pages(self.client.chargebacks, since)
        return [self._read_dispute(chargeback) for chargeback in found]

    def _read_dispute(self, chargeback):
        """Return what a chargeback means: the money is gone, until it is given again.

        :param chargeback: of the SDK: a dict as the API sent it.
        """
        return Dispute(
            WON if chargeback.get("reversedAt") else LOST,
            chargeback["id"],
            chargeback["paymentId"],
            float(chargeback["amount"]["value"]),
            chargeback["amount"]["currency"],
            self._read_time(chargeback["createdAt"]),
            (chargeback.get("reason") or {}).get("description") or "",
        )

    # === AMOUNTS === #

    def _to_amount(self, tx_sudo, amount):
        currency = tx_sudo.currency_id
        places = CURRENCY_MINOR_UNITS.get(currency.name, currency.decimal_places)
        return f"{amount:.{places}f}"
