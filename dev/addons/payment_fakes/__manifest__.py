{
    "name": "Fake Payment Providers",
    "summary": "Payment providers on this machine; only for the demo of a checkout",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "payment_booking_portal maintainers",
    "license": "LGPL-3",
    "depends": [
        "payment_booking_portal",
        "payment_stripe",
        "payment_mollie",
        "payment_paypal",
    ],
    "data": ["views/payment_templates.xml"],
    "assets": {"web.assets_frontend": ["payment_fakes/static/src/*.js"]},
    "post_init_hook": "post_init_hook",
    "installable": True,
}
