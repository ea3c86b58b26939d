{
    "name": "Fake Payment Providers",
    "summary": "Stripe and Mollie on this machine; only for the demo of a checkout",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "payment_booking_portal maintainers",
    "license": "LGPL-3",
    "depends": ["payment_booking_portal", "payment_stripe", "payment_mollie"],
    "data": ["views/payment_templates.xml"],
    "post_init_hook": "post_init_hook",
    "installable": True,
}
