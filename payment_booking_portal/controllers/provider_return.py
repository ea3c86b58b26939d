"""Clients who come back from a provider's page, perhaps in another browser.

Odoo's status page knows them by their session: who paid in the app of a bank often
comes back without one. The return address itself proves whose payment it is, so that
they land on the page of what they paid; a reference alone proves nothing.
"""

from odoo import http
from odoo.http import request
from odoo.tools import consteq

from odoo.addons.payment import utils as payment_utils
from odoo.addons.payment_mollie.controllers.main import MollieController
from odoo.addons.payment_stripe.controllers.main import StripeController


def land(response, code, data, is_proved):
    """Return the way to the landing page of a payment of ours, else a response.

    :param response: what Odoo's own module answers.
    :param str code: of the provider.
    :param dict data: the query of the return address.
    :param is_proved: tells of a transaction (sudoed) whether its client comes back.
    """
    # sudo: clients read no transactions
    tx_sudo = request.env["payment.transaction"].sudo()
    tx_sudo = tx_sudo._search_by_reference(code, data)
    if tx_sudo.client_key and tx_sudo.landing_route and is_proved(tx_sudo):
        return request.redirect(tx_sudo.landing_route)
    return response


class StripeReturn(StripeController):
    @http.route()
    def stripe_return(self, **data):
        """Override of `payment_stripe`: only who paid knows the id of the intent."""
        intent = str(data.get("payment_intent") or "")
        response = super().stripe_return(**data)
        return land(
            response,
            "stripe",
            data,
            lambda tx: tx.provider_reference
            and intent.isascii()
            and consteq(tx.provider_reference, intent),
        )


class MollieReturn(MollieController):
    @http.route()
    def mollie_return_from_checkout(self, **data):
        """Override of `payment_mollie`: we put a proof into the address."""
        response = super().mollie_return_from_checkout(**data)
        proof = str(data.get("access_token") or "")
        return land(
            response,
            "mollie",
            data,
            lambda tx: proof.isascii()
            and payment_utils.check_access_token(proof, tx.reference),
        )
