"""Mollie, by its official SDK: https://docs.mollie.com/reference/payments-api.

The SDK's own page points to a successor: nothing else but this file knows it.
"""

from datetime import datetime

import pytz
import requests

from odoo.addons.payment.const import CURRENCY_MINOR_UNITS

from .base import DEAD, OPEN, PAID, TIMEOUT, UNKNOWN, Answer, RemoteGateway

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


class MollieGateway(RemoteGateway):
    """Payments carry our reference as their description."""

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
        return Answer(word, data={**payment, "ref": tx_sudo.reference})

    @staticmethod
    def _read_time(text):
        if not text:
            return None
        return datetime.fromisoformat(text).astimezone(pytz.utc).replace(tzinfo=None)

    def _to_amount(self, tx_sudo):
        currency = tx_sudo.currency_id
        places = CURRENCY_MINOR_UNITS.get(currency.name, currency.decimal_places)
        return f"{tx_sudo.amount:.{places}f}"
