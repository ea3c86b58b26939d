"""What we ask a payment provider, beyond what Odoo's own modules can.

A gateway answers one of four words about a transaction's money:

- `PAID`: the provider has it, or is sure to get it;
- `DEAD`: it can never come any more;
- `OPEN`: it may still come;
- `UNKNOWN`: the provider cannot be asked, or did not answer.

Only the files of this folder import a provider's SDK.
"""

PAID, OPEN, DEAD, UNKNOWN = "paid", "open", "dead", "unknown"


class Gateway:
    """The gateway of a provider that cannot be asked."""

    def __init__(self, provider_sudo):
        self.provider_sudo = provider_sudo

    def fetch(self, tx_sudo):
        """Return what became of a transaction's money.

        :param tx_sudo: one `payment.transaction`, sudoed.
        :return: one of the four words above.
        """
        if tx_sudo.state in ("done", "authorized"):
            return PAID
        if tx_sudo.state in ("cancel", "error"):
            return DEAD
        return UNKNOWN

    def cancel(self, tx_sudo):
        """Make sure that a transaction's money cannot come, and say if that worked.

        :param tx_sudo: one `payment.transaction`, sudoed.
        :return: one of the four words above.
        """
        return self.fetch(tx_sudo)


class LocalGateway(Gateway):
    """The gateway of a provider whose whole truth is in this database.

    A draft of the demo provider, or of a bank transfer whose account number was never
    shown, is dead as soon as we say so. Once pending, its money may be on its way.
    """

    def fetch(self, tx_sudo):
        answer = super().fetch(tx_sudo)
        return OPEN if answer == UNKNOWN else answer

    def cancel(self, tx_sudo):
        answer = self.fetch(tx_sudo)
        return DEAD if answer == OPEN and tx_sudo.state == "draft" else answer


GATEWAYS = {"demo": LocalGateway, "custom": LocalGateway}


def get_gateway(provider_sudo):
    """Return the gateway of a provider (`payment.provider`, sudoed)."""
    return GATEWAYS.get(provider_sudo.code, Gateway)(provider_sudo)
