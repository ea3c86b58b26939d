import json
import os
from urllib.parse import urlsplit

from odoo import models
from odoo.exceptions import ValidationError

# Set by `make demo PROVIDERS=fake`. No setting of the database: nobody who uses Odoo
# can send a payment elsewhere.
ROOTS = {"stripe": "FAKE_STRIPE", "mollie": "FAKE_MOLLIE", "paypal": "FAKE_PAYPAL"}
LOOPBACK = "127.0.0.1"


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    def _get_fake_root(self, code):
        """Return the address of the fake of a provider.

        :raise ValidationError: when it does not run: the real one is never asked.
        """
        root = os.environ.get(ROOTS[code]) or ""
        if urlsplit(root).hostname != LOOPBACK:
            raise ValidationError(
                self.env._(
                    "The fakes do not run. Start them with: make demo PROVIDERS=fake"
                )
            )
        return root

    def _build_request_url(self, endpoint, **kwargs):
        """Override of `payment` to ask the fakes."""
        url = super()._build_request_url(endpoint, **kwargs)
        if self.code not in ROOTS:
            return url
        address = urlsplit(url)
        return self._get_fake_root(self.code) + address.path

    def _paypal_get_inline_form_values(self, currency=None):
        """Override of `payment_paypal` to load the stand-in for PayPal's buttons."""
        values = json.loads(super()._paypal_get_inline_form_values(currency))
        if self.code == "paypal":
            values["fake_root"] = self._get_fake_root("paypal")
        return json.dumps(values)

    def _get_fake_script_url(self):
        """Return the address of the stand-in for Stripe.js."""
        return f"{self._get_fake_root('stripe')}/v3/"
