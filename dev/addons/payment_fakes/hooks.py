from odoo.fields import Command

KEYS = {
    "stripe": {
        "stripe_publishable_key": "pk_test_fake",
        "stripe_secret_key": "sk_test_fake",
        "stripe_webhook_secret": "whsec_fake",
    },
    "mollie": {"mollie_api_key": "test_fake"},
}
# The pay page shows a method once: each provider has its own.
METHODS = {
    "stripe": ["card"],
    "mollie": ["paypal", "bancontact", "ideal"],
}


def post_init_hook(env):
    """Enable and publish both providers of the main company, with the fakes' keys."""
    company = env.ref("base.main_company")
    for code, keys in KEYS.items():
        provider = env["payment.provider"].search(
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
        methods.active = True
