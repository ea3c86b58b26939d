from .base import (
    DEAD,
    OPEN,
    PAID,
    REFUNDED,
    REFUNDING,
    REFUSED,
    UNKNOWN,
    Answer,
    Gateway,
    LocalGateway,
    Refund,
)
from .mollie import MollieGateway
from .stripe import StripeGateway

# By the code of the provider.
GATEWAYS = {
    "custom": LocalGateway,
    "demo": LocalGateway,
    "mollie": MollieGateway,
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
