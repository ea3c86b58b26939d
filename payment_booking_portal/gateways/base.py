"""What we ask a payment provider, beyond what Odoo's own modules can.

A gateway answers one of four words about a transaction's money:

- `PAID`: the provider has it, or is sure to get it;
- `DEAD`: it can never come any more;
- `OPEN`: it may still come;
- `UNKNOWN`: the provider cannot be asked, or did not answer.

Only the files of this folder import a provider's SDK.
"""

from datetime import datetime
from importlib import metadata
from typing import NamedTuple

from odoo.tools.parse_version import parse_version

PAID, OPEN, DEAD, UNKNOWN = "paid", "open", "dead", "unknown"

# What a provider says of a refund; `UNKNOWN` too.
REFUNDED, REFUNDING, REFUSED = "refunded", "refunding", "refused"

# What a provider says of money that a client's bank asks back: an answer is wanted, it
# is being decided, or it is over, for or against us.
ASKED, REVIEWED, WON, LOST = "asked", "reviewed", "won", "lost"

# Seconds until a provider that says nothing counts as not answering.
TIMEOUT = 10


class Answer(NamedTuple):
    """What a provider says about the money of a transaction.

    `data` is what `payment.transaction._process` takes, as Odoo's module of the
    provider expects it; none while nothing is decided: what a client has not paid yet
    must not become an error, or a payment on its way.
    """

    word: str
    data: dict | None = None
    until: datetime | None = None  # until when it can be paid, naive UTC
    error: str = ""  # why there is no answer, for staff
    mismatch: str = ""  # what is not as in the transaction, for staff
    is_limited: bool = False  # the provider wants to be asked less often
    refused: str = ""  # why the last try was in vain, where the client may try again
    went_back: bool = False  # money of it went back, or is asked back


class Refund(NamedTuple):
    """What a provider says about money that goes back.

    `key` is ours, by which a refund is found again whatever happened in between.
    """

    word: str
    reference: str = ""
    amount: float = 0.0  # in the currency of the transaction
    key: str = ""
    error: str = ""  # for staff
    is_limited: bool = False
    payment: str = ""  # the provider's reference of the payment
    made_at: datetime | None = None  # naive UTC


class Dispute(NamedTuple):
    """What a provider says about money that a client's bank asks back, or took."""

    word: str
    reference: str
    payment: str  # the provider's reference of the payment
    amount: float
    currency: str  # its code: it need not be that of the payment
    made_at: datetime  # naive UTC
    reason: str = ""
    until: datetime | None = None  # until when staff can answer, naive UTC


class Paid(NamedTuple):
    """A payment that a provider has, as far as it helps to find ours."""

    reference: str
    description: str  # our reference
    database: str  # the one that began it, if it is known
    document: str  # what it is for: model and id
    amount: float
    currency: str


class Sdk(NamedTuple):
    """The package that a gateway asks with, and the versions that it is tried with."""

    package: str
    lowest: str
    too_new: str  # the first one that is

    @property
    def requirement(self):
        """What `pip` is to install."""
        return f"{self.package}>={self.lowest},<{self.too_new}"

    def get_version(self):
        """Return the version that is installed, or None."""
        try:
            return metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return None

    def is_tried(self, version):
        """Tell whether a version is one of those that are tried."""
        lowest, too_new = parse_version(self.lowest), parse_version(self.too_new)
        return lowest <= parse_version(version) < too_new


class Gateway:
    """The gateway of a provider that cannot be asked."""

    # Whether the provider tells what became of a payment.
    can_ask = False
    # Whether it gives money back, once, however often it is told to.
    can_refund = False
    # What it asks with, if not with this database.
    sdk = None
    # Whether an unfinished payment can be ended.
    can_stop = False
    # Whether there is nothing to know that is not in this database.
    knows_all = False

    def __init__(self, provider_sudo):
        self.provider_sudo = provider_sudo

    @classmethod
    def is_installed(cls):
        """Tell whether the SDK of the provider is there."""
        return True

    def ask(self, tx_sudo, reference=None):
        """Ask the provider what became of a transaction's money.

        :param tx_sudo: one `payment.transaction`, sudoed.
        :param str reference: the provider's own, where the transaction has none yet.
        :rtype: Answer
        """
        if tx_sudo.state in ("done", "authorized"):
            return Answer(PAID)
        if tx_sudo.state in ("cancel", "error"):
            return Answer(DEAD)
        return Answer(UNKNOWN)

    def stop(self, tx_sudo):
        """Make sure that a transaction's money cannot come, and say if that worked.

        :param tx_sudo: one `payment.transaction`, sudoed.
        :rtype: Answer
        """
        return self.ask(tx_sudo)

    def fetch(self, tx_sudo):
        """Return the word of `ask`."""
        return self.ask(tx_sudo).word

    def refund(self, tx_sudo, amount, key, reference=None):
        """Give back a part of what was paid, once for a key.

        :param tx_sudo: the transaction that paid, sudoed.
        :param float amount: in its currency.
        :param str key: of the decision; the same one never gives back twice.
        :param str reference: the provider's own, of a refund that is there already: it
            is looked for only.
        :rtype: Refund
        """
        return Refund(UNKNOWN)

    def list_refunds(self, tx_sudo):
        """Return all that was given back of a transaction, as `Refund`; None if there
        is no answer.
        """
        return None

    def list_disputes(self, tx_sudo):
        """Return the disputes of a transaction, as `Dispute`; None if there is no
        answer.
        """
        return None

    # The same of all payments of the account, in a few calls however many there are;
    # None if there is no answer: see `last_error` and `is_limited`.

    def list_refunds_since(self, since):
        """Return what was given back since a moment.

        :param datetime since: naive UTC.
        """
        return None

    def list_disputes_since(self, since):
        """Return the disputes that were opened since a moment."""
        return None

    def list_paid_between(self, start, end):
        """Return as `Paid` the payments begun in a span of time that may have been
        taken without our hearing of it; empty where that cannot happen.
        """
        return []


class LocalGateway(Gateway):
    """The gateway of a provider whose whole truth is in this database.

    A draft of the demo provider, or of a bank transfer whose account number was never
    shown, is dead as soon as we say so. Once pending, its money may be on its way.
    """

    can_stop = True
    knows_all = True

    def ask(self, tx_sudo, reference=None):
        answer = super().ask(tx_sudo)
        return Answer(OPEN) if answer.word == UNKNOWN else answer

    def stop(self, tx_sudo):
        answer = self.ask(tx_sudo)
        if answer.word == OPEN and tx_sudo.state == "draft":
            return Answer(DEAD)
        return answer


class RemoteGateway(Gateway):
    """The gateway of a provider that is asked through its SDK."""

    can_ask = True
    can_refund = True
    can_stop = True

    def __init__(self, provider_sudo):
        super().__init__(provider_sudo)
        self._client = None
        self._currencies = {}
        self.last_error = ""
        self.is_limited = False

    @property
    def client(self):
        """The client of the SDK: one, so that its connection is used again."""
        if self._client is None:
            self._client = self._make_client()
        return self._client

    def _get_root(self):
        """Return the address of the API without its version, from Odoo's one seam."""
        address = self.provider_sudo._build_request_url("")
        return address.rstrip("/").rpartition("/")[0]

    def ask(self, tx_sudo, reference=None):
        reference = tx_sudo.provider_reference or reference
        if not reference:
            return self._answer_unbound(tx_sudo)
        return self._safely(lambda: self._ask(tx_sudo, reference))

    def stop(self, tx_sudo):
        if not tx_sudo.provider_reference:
            return self._answer_unbound(tx_sudo)
        return self._safely(lambda: self._stop(tx_sudo))

    def refund(self, tx_sudo, amount, key, reference=None):
        refunds = self.list_refunds(tx_sudo)
        if refunds is None:
            return Refund(UNKNOWN, key=key, error=self.last_error)
        for refund in refunds:
            # Made before, and nobody heard of it; or on the provider's own pages.
            if refund.key == key or refund.reference == reference:
                return refund
        if reference:  # never a second one
            error = tx_sudo.env._("The provider does not know this refund any more.")
            return Refund(UNKNOWN, key=key, error=error)
        answer = self._safely(lambda: self._refund(tx_sudo, amount, key))
        if isinstance(answer, Answer):
            return Refund(UNKNOWN, "", 0.0, key, answer.error, answer.is_limited)
        return answer

    def list_refunds(self, tx_sudo):
        return self._list_safely(lambda: self._list_refunds(tx_sudo))

    def list_disputes(self, tx_sudo):
        return self._list_safely(lambda: self._list_disputes(tx_sudo))

    def list_refunds_since(self, since):
        return self._list_safely(lambda: self._list_refunds_since(since))

    def list_disputes_since(self, since):
        return self._list_safely(lambda: self._list_disputes_since(since))

    def list_paid_between(self, start, end):
        return self._list_safely(lambda: self._list_paid_between(start, end))

    def _list_safely(self, call):
        answer = self._safely(call)
        if isinstance(answer, Answer):
            self.last_error = answer.error
            self.is_limited = answer.is_limited
            return None
        return answer

    def _answer_unbound(self, tx_sudo):
        """Answer for a transaction that the provider never heard of: what it makes is
        kept in the very database transaction in which the client gets it.
        """
        if tx_sudo.state == "draft":
            return Answer(DEAD)
        return super().ask(tx_sudo)

    # === TO OVERRIDE === #

    def _make_client(self):
        """Return the client of the SDK."""
        raise NotImplementedError

    def _safely(self, call):
        """Return what a call answers; what goes wrong on the way is `UNKNOWN`."""
        raise NotImplementedError

    def _ask(self, tx_sudo, reference):
        """Return the `Answer` of the provider. May raise the errors of the SDK."""
        raise NotImplementedError

    def _stop(self, tx_sudo):
        """Cancel at the provider. May raise the errors of the SDK."""
        raise NotImplementedError

    def _refund(self, tx_sudo, amount, key):
        """Give back at the provider. May raise the errors of the SDK."""
        raise NotImplementedError

    def _list_refunds(self, tx_sudo):
        """List refunds at the provider. May raise the errors of the SDK."""
        raise NotImplementedError

    def _list_disputes(self, tx_sudo):
        """List disputes at the provider. May raise the errors of the SDK."""
        raise NotImplementedError

    def _list_refunds_since(self, since):
        """List refunds of the account. May raise the errors of the SDK."""
        raise NotImplementedError

    def _list_disputes_since(self, since):
        """List disputes of the account. May raise the errors of the SDK."""
        raise NotImplementedError

    def _list_paid_between(self, start, end):
        """List payments of the account. May raise the errors of the SDK."""
        return []

    def _find_mismatch(self, tx_sudo, reference, amount, currency):
        """Return what differs between the provider's payment and the transaction.

        :param str reference: our reference, as the provider has it.
        :param amount: in minor units for `_to_minor`, see there.
        :param str currency: the code of the currency.
        :return: a text for staff, empty if all is the same.
        """
        expected = (
            tx_sudo.reference,
            self._to_amount(tx_sudo, tx_sudo.amount),
            tx_sudo.currency_id.name,
        )
        found = (reference, amount, (currency or "").upper())
        if found == expected:
            return ""
        return tx_sudo.env._(
            "The provider says %(found)s where %(expected)s was asked for.",
            found=" · ".join(map(str, found)),
            expected=" · ".join(map(str, expected)),
        )

    def _to_amount(self, tx_sudo, amount):
        """Return an amount in the transaction's currency as the provider writes it."""
        raise NotImplementedError

    def _find_currency(self, code):
        """Return the currency of a code, active or not."""
        code = code.upper()
        if code not in self._currencies:
            Currency = self.provider_sudo.env["res.currency"]
            self._currencies[code] = Currency.with_context(active_test=False).search(
                [("name", "=", code)], limit=1
            )
        return self._currencies[code]
