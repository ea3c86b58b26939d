from odoo.exceptions import ValidationError
from odoo.http import request, route

from odoo.addons.payment_stripe.controllers.main import StripeController


class StripeNotifications(StripeController):
    """What Stripe tells of money that goes back: a hint to ask it."""

    @route()
    def stripe_webhook(self):
        """Override of `payment_stripe` to hear of disputes, where the webhook was told
        to send them: else they are seen at the daily look.
        """
        event = request.get_json_data()
        if str(event.get("type")).startswith("charge.dispute."):
            self._hear_of_dispute(event["data"]["object"])
        return super().stripe_webhook()

    def _hear_of_dispute(self, dispute):
        """Ask Stripe about the payment that a dispute is said to be of.

        :param dict dispute: as the notification has it.
        """
        # sudo: nobody is logged in; the signature is checked
        tx_sudo = request.env["payment.transaction"].sudo()
        tx_sudo = tx_sudo.search(
            [
                ("provider_code", "=", "stripe"),
                ("provider_reference", "=", dispute.get("payment_intent") or ""),
                ("state", "=", "done"),
            ],
            limit=1,
        )
        if tx_sudo and tx_sudo._is_asked():
            self._verify_signature(tx_sudo)
            tx_sudo._look_back()

    @staticmethod
    def _create_refund_tx_from_refund(source_tx_sudo, refund_object):
        """Override of `payment_stripe` to take a notification as a hint: what went back
        is what Stripe says when it is asked, and is kept in one way.

        :raise ValidationError: if it does not know it now: the daily look will tell.
        """
        if not source_tx_sudo._is_asked():
            return StripeController._create_refund_tx_from_refund(
                source_tx_sudo, refund_object
            )
        source_tx_sudo._look_back()
        found = source_tx_sudo._find_refund_tx(refund_object["id"])
        if not found:
            raise ValidationError(
                source_tx_sudo.env._("The provider does not tell of this refund yet.")
            )
        return found
