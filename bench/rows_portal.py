"""Rows of the client's page of payments, beside Odoo's own of invoices."""

import json
from datetime import date, timedelta

from odoo.fields import Command

from . import seed
from .base import environment
from .measure import at_most, for_information, interleave, median
from .web import Visitor

PATHS = {"mine": "/my/payments", "native": "/my/invoices"}
# Login, how many invoices, and every which of them is to pay: a full page in each case.
CLIENTS = {
    "few": ("portal100", 100, 4),
    "many": ("portal10000", 10_000, 50),
    "open": ("portalopen", 10_000, 1),
}


def make_client(env, login, count, every):
    """Make a client with an account and invoices: every so many are to pay.

    The invoices are copies of one that Odoo made; those that are paid say so, as Odoo
    reads it on both pages.
    """
    env = env(context={**env.context, **seed.CONTEXT})
    user = env["res.users"].create(
        {
            "name": login,
            "login": login,
            "password": login,
            "group_ids": [Command.set(env.ref("base.group_portal").ids)],
        }
    )
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": user.partner_id.id,
            "invoice_line_ids": [
                Command.create(
                    {"name": "Hour", "price_unit": 100, "tax_ids": [Command.clear()]}
                )
            ],
        }
    )
    invoice.action_post()
    env.flush_all()
    numbers = range(1, count)
    is_open = [number % every == 0 for number in numbers]
    left = [100.0 if one else 0.0 for one in is_open]
    # Some are late, some are not due yet.
    today = date.today()
    days = [today - timedelta(days=number % 900) for number in numbers]
    due = [day + timedelta(days=30) for day in days]
    names = [f"{login}/{number:05}" for number in numbers]
    moves = seed.copy_row(
        env,
        "account_move",
        invoice.id,
        name=names,
        sequence_number=[number + 1 for number in numbers],
        access_token=[None] * len(names),
        date=days,
        invoice_date=days,
        invoice_date_due=due,
        payment_state=["not_paid" if one else "paid" for one in is_open],
        amount_residual=left,
        amount_residual_signed=left,
    )
    for line in invoice.line_ids:
        values = {"move_id": moves, "move_name": names, "date": days}
        if line.display_type == "payment_term":
            values.update(
                date_maturity=due,
                amount_residual=left,
                amount_residual_currency=left,
                reconciled=[not one for one in is_open],
            )
        seed.copy_row(env, "account_move_line", line.id, **values)


def log_in(site, database, login):
    """Return a visitor who is logged in."""
    visitor = Visitor(site)
    answer = visitor.send(
        "POST",
        "/web/session/authenticate",
        json.dumps({"params": {"db": database, "login": login, "password": login}}),
    )
    if not json.loads(answer.body).get("result", {}).get("uid"):
        raise RuntimeError(f"{login} cannot log in.")
    return visitor


def measure(site, registry, server, database):
    """Compare the pages in time and in SQL queries, and ours with itself."""
    with environment(registry, commit=True) as env:
        for client in CLIENTS.values():
            make_client(env, *client)
    seed.settle(server, database)

    def opener(visitor, path):
        def open_page():
            answer = visitor.get(path)
            if answer.status != 200:
                raise RuntimeError(f"The page {path} answers {answer.status}.")

        return open_page

    times, queries = {}, {}
    actions = {}
    for client, (login, _count, _every) in CLIENTS.items():
        visitor = log_in(site, database, login)
        for page, path in PATHS.items():
            actions[client, page] = opener(visitor, path)
        actions[client, "paid"] = opener(visitor, f"{PATHS['mine']}?filterby=paid")
        for page, path in PATHS.items():
            actions[client, page]()
            before = len(site.requests(path))
            actions[client, page]()
            queries[client, page] = site.requests(path)[before][2]
    times = {
        key: median(found) for key, found in interleave(actions, 30, warm_up=5).items()
    }
    mostly = "10,000 invoices of one client, one of 50 to pay"
    return [
        at_most(
            "portal",
            f"/my/payments to Odoo's /my/invoices, {mostly}, median of 30",
            times["many", "mine"],
            times["many", "native"],
            "ms",
            1,
        ),
        at_most(
            "portal-growth",
            "/my/payments with 10,000 invoices to itself with 100, one of 4 to pay",
            times["many", "mine"],
            times["few", "mine"],
            "ms",
            1.3,
        ),
        at_most(
            "portal-open",
            "/my/payments to Odoo's /my/invoices, 10,000 invoices, all to pay",
            times["open", "mine"],
            times["open", "native"],
            "ms",
            1,
        ),
        at_most(
            "portal-queries",
            "SQL queries of the same two pages",
            queries["many", "mine"],
            queries["many", "native"],
            "queries",
            1,
        ),
        for_information(
            "portal-paid",
            f"/my/payments?filterby=paid to Odoo's /my/invoices, {mostly}",
            times["many", "paid"],
            times["many", "native"],
            "ms",
        ),
        for_information(
            "portal-open-growth",
            "/my/payments with 10,000 invoices to pay to itself with 100 in all",
            times["open", "mine"],
            times["few", "mine"],
            "ms",
        ),
    ]
