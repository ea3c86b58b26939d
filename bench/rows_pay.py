"""Rows of the pay page, beside Odoo's own for an invoice."""

from urllib.parse import urlencode

from odoo.addons.payment import utils as payment_utils

from .base import environment
from .measure import at_most, interleave, median
from .web import Visitor


def addresses(registry, ours):
    """Return the addresses of our pay page and of Odoo's, for the same amount."""
    with environment(registry, commit=True) as env:
        booking = env["payment.booking"].browse(ours.booking)
        invoice = env["account.move"].browse(ours.invoice)
        amount = invoice.amount_residual
        token = payment_utils.generate_access_token(
            invoice.partner_id.id, amount, invoice.currency_id.id, env=env
        )
        query = {"amount": amount, "invoice_id": invoice.id, "access_token": token}
        return booking._get_pay_url(), f"/payment/pay?{urlencode(query)}"


def measure(site, registry, ours):
    """Compare the pay pages in time and in SQL queries."""
    visitor = Visitor(site)
    paths = dict(zip(("mine", "native"), addresses(registry, ours), strict=True))

    def opener(path):
        def open_page():
            answer = visitor.get(path)
            if answer.status != 200 or b"o_payment_form" not in answer.body:
                raise RuntimeError(f"The pay page {path} answers {answer.status}.")

        return open_page

    times = interleave({key: opener(paths[key]) for key in paths}, 40, warm_up=5)
    queries = {
        key: median([request[2] for request in site.requests(path)[5:]])
        for key, path in paths.items()
    }
    return [
        at_most(
            "pay-page",
            "pay page of a booking to Odoo's pay page of an invoice, median of 40",
            median(times["mine"]),
            median(times["native"]),
            "ms",
            1.2,
        ),
        at_most(
            "pay-page-queries",
            "SQL queries of the same two pages",
            queries["mine"],
            queries["native"],
            "queries",
            1.2,
        ),
    ]
