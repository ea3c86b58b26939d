def post_init_hook(env):
    """Give every company its accepted currency, and its invoices a code to pay by."""
    companies = env["res.company"].search([])
    companies._ensure_booking_pricelists()
    companies.link_qr_code = True
