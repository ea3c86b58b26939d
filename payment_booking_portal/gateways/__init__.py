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
    UNKNOWN,
    WON,
    Answer,
    Dispute,
    Gateway,
    LocalGateway,
    Paid,
    Refund,
)
from .mollie import MollieGateway
from .paypal import PaypalGateway
from .stripe import StripeGateway

# By the code of the provider.
GATEWAYS = {
    "custom": LocalGateway,
    "demo": LocalGateway,
    "mollie": MollieGateway,
    "paypal": PaypalGateway,
    "stripe": StripeGateway,
}


def get_gateway(provider_sudo):
    """Return the gateway of a provider (`payment.provider`, sudoed).

    Nobody is asked where the SDK is missing, nor from a copy of a database: that could
    cancel or give back what clients really paid.
    """
    gateway = GATEWAYS.get(provider_sudo.code, Gateway)
    if gateway.can_ask and (
        not gateway.is_installed() or provider_sudo._is_copy_of_database()
    ):
        gateway = Gateway
    return gateway(provider_sudo)
