def post_init_hook(env):
    """Give every company its accepted currency and the public pages their texts."""
    env["res.company"].search([])._ensure_booking_pricelists()
