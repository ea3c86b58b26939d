"""Rows of reconciling: the job beside the calls to the provider that it makes."""

import multiprocessing
import time
from unittest.mock import patch

from odoo import fields
from odoo.fields import Command
from odoo.tools import SQL

from . import seed
from .base import environment
from .measure import Row, at_most

OPEN = 1000
FEW = 100
# What the fake takes to answer, in seconds: a real one takes longer.
DELAY = 0.02
KEY = "sk_test_fake"


def get_client(provider):
    """Return the client of the SDK, as the addon makes it."""
    # Not known before the addons path is set.
    from odoo.addons.payment_booking_portal.gateways import get_gateway

    return get_gateway(provider).client


def serve(pipe):
    """Run the fake of Stripe in a process of its own until told to stop."""
    from odoo.addons.payment_booking_portal.tests.fakes import FakeStripe

    with FakeStripe(secret_key=KEY) as fake:
        pipe.send(fake.root)
        pipe.recv()
        fake.fail(times=10**9, delay=DELAY)
        pipe.send("slow")
        pipe.recv()


def measure(registry, ours):
    """Reconcile payments that clients began and did not finish."""
    context = multiprocessing.get_context("fork")
    pipe, other = context.Pipe()
    process = context.Process(target=serve, args=(other,), daemon=True)
    process.start()
    root = pipe.recv()
    Provider = registry["payment.provider"]
    build = Provider._build_request_url

    def build_request_url(provider, endpoint, **kwargs):
        url = build(provider, endpoint, **kwargs)
        return root + url[url.index("/v") :] if provider.code == "stripe" else url

    with patch.object(Provider, "_build_request_url", build_request_url):
        try:
            with environment(registry, commit=True) as env:
                provider_id, references = make_open(env, ours)
            pipe.send("slow down")
            pipe.recv()
            return compare(registry, provider_id, references)
        finally:
            pipe.send("stop")
            process.join(10)


def make_open(env, ours):
    """Insert open transactions, each with an intent at the fake."""
    invoice = env["account.move"].browse(ours.invoice)
    card = env.ref("payment.payment_method_card")
    provider = env.ref("payment.payment_provider_stripe").copy(
        {"company_id": invoice.company_id.id, "name": "Bench"}
    )
    provider.write(
        {
            "stripe_publishable_key": "pk_test_fake",
            "stripe_secret_key": KEY,
            "payment_method_ids": [Command.link(card.id)],
            "state": "enabled",
        }
    )
    first = env["payment.transaction"].create(
        {
            "provider_id": provider.id,
            "payment_method_id": card.id,
            "amount": 60.0,
            "currency_id": invoice.currency_id.id,
            "partner_id": invoice.partner_id.id,
            "operation": "online_direct",
            "reference": "open-0",
        }
    )
    env.flush_all()
    intents = get_client(provider).v1.payment_intents
    names = [f"open-{number}" for number in range(1, OPEN + 1)]
    made = [
        intents.create(
            {
                "amount": 6000,
                "currency": invoice.currency_id.name.lower(),
                "description": name,
                "payment_method_types": ["card"],
            }
        ).id
        for name in names
    ]
    long_ago = fields.Datetime.now().replace(microsecond=0)
    txs = seed.copy_row(
        env,
        "payment_transaction",
        first.id,
        reference=names,
        provider_reference=made,
        ask_again_at=[long_ago] * OPEN,
    )
    env.execute_query(
        SQL(
            "INSERT INTO payment_transaction_allocation "
            "(transaction_id, invoice_id, amount, purpose) "
            "SELECT id, %s, 60, 'full' FROM unnest(%s) id RETURNING 1",
            invoice.id,
            txs,
        )
    )
    env.invalidate_all()
    return provider.id, made


def compare(registry, provider_id, references):
    """Return the rows: time to that of the calls, and queries of one payment."""
    with environment(registry) as env:
        client = get_client(env["payment.provider"].browse(provider_id))
        begin = time.perf_counter()
        for reference in references:
            client.v1.payment_intents.retrieve(
                reference, params={"expand": ["payment_method"]}
            )
        native = (time.perf_counter() - begin) * 1000
    queries = {}
    with environment(registry, commit=True) as env:
        Transaction = env["payment.transaction"]
        for limit in (FEW, OPEN - FEW):
            before = env.cr.sql_log_count
            begin = time.perf_counter()
            Transaction._cron_reconcile(limit=limit)
            spent = (time.perf_counter() - begin) * 1000
            queries[limit] = (env.cr.sql_log_count - before) / limit
        left = Transaction.search_count(Transaction._get_askable_domain())
        if left:
            raise RuntimeError(f"{left} were not asked about.")
    per_call = native / OPEN
    few, many = queries[FEW], queries[OPEN - FEW]
    return [
        at_most(
            "reconcile",
            f"reconciling one of {OPEN - FEW} open transactions to one call of the "
            f"SDK, of a provider that answers in {DELAY * 1000:.0f} ms",
            spent / (OPEN - FEW),
            per_call,
            "ms",
            1.2,
        ),
        Row(
            "reconcile-queries",
            f"SQL queries per transaction, {OPEN - FEW} of them to {FEW}",
            many,
            few,
            "queries",
            many / few,
            "constant",
            many <= few * 1.05,
        ),
    ]
