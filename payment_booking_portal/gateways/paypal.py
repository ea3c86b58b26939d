"""What becomes of money at PayPal, for which there is no SDK here.

PayPal takes nothing by itself: the client approves an order, and Odoo's own server
captures it while the client waits (see `payment.transaction._check_capture`). What was
not captured is dead as soon as we say so.
"""

from .base import LocalGateway


class PaypalGateway(LocalGateway):
    """The gateway of a provider that takes money only when this server tells it to."""

    knows_all = False
