from odoo.fields import Command

KEYS = {
    "stripe": {
        "stripe_publishable_key": "pk_test_fake",
        "stripe_secret_key": "sk_test_fake",
        "stripe_webhook_secret": "whsec_fake",
    },
    "mollie": {"mollie_api_key": "test_fake"},
    "paypal": {
        "paypal_email_account": "studio@example.com",
        "paypal_client_id": "client_fake",
        "paypal_client_secret": "secret_fake",
        "paypal_webhook_id": "webhook_fake",
    },
}
# The pay page shows a method once: each provider has its own.
METHODS = {
    "stripe": ["card"],
    "mollie": ["bancontact", "ideal"],
    "paypal": ["paypal"],
}


def post_init_hook(env):
    """Enable and publish the providers of the main company, with the fakes' keys."""
    company = env.ref("base.main_company")
    # Methods that are not active yet are taken off the others, too.
    providers = env["payment.provider"].with_context(active_test=False)
    for code, keys in KEYS.items():
        provider = providers.search(
            [("code", "=", code), ("company_id", "=", company.id)], limit=1
        )
        methods = env["payment.method"].union(
            *(env.ref(f"payment.payment_method_{name}") for name in METHODS[code])
        )
        provider.write(
            {
                **keys,
                "state": "enabled",
                "is_published": True,
                "payment_method_ids": [Command.set(methods.ids)],
            }
        )
        # The studio is paid in dollars, some of them are for euros only.
        everywhere = {
            "supported_currency_ids": [Command.clear()],
            "supported_country_ids": [Command.clear()],
        }
        methods.write({"active": True, **everywhere})
