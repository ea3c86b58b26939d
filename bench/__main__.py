"""Run every benchmark, print the table and write ``results.json``."""

import contextlib
import sys
import time

from dev import postgres
from dev.core import say

from . import base, rows_holds, rows_pay, rows_slots, seed, web
from .measure import RESULTS, show, store


def main(database):
    """Measure on a database that has our addon; return the rows."""
    server = postgres.named_server()
    base.get_peer()
    rows = []
    with contextlib.ExitStack() as stack:
        peer_database = stack.enter_context(base.peer_database(server))
        stack.callback(base.close)
        say("→ Filling both databases …")
        registry = base.load(server, database)
        with base.environment(registry, commit=True) as env:
            ours = seed.make_ours(env)
        peer_registry = base.load(server, peer_database)
        with base.environment(peer_registry, commit=True) as env:
            peer = seed.make_peer(env)
        seed.settle(server, peer_database)
        with web.running(server, database, base.ADDONS) as site:
            say("→ Measuring slots …")
            rows += rows_slots.measure_empty(site, ours)
            with web.running(
                server, peer_database, base.ADDONS, environment=base.ENVIRONMENT
            ) as peer_site:
                rows.append(rows_slots.measure_wire(site, peer_site, ours, peer))
            say("→ Measuring the pay page …")
            rows += rows_pay.measure(site, registry, ours)
        say("→ Measuring slots with 10,000 bookings …")
        rows.append(rows_slots.measure_growth(registry, ours, server, database))
        rows += rows_slots.measure_many(registry, ours, peer_registry, peer)
        say("→ Measuring holds …")
        rows += rows_holds.measure_alone(registry, ours, peer_registry, peer)
        with web.running(server, database, base.ADDONS, workers=2) as site:
            say("→ Measuring the last seat …")
            rows += rows_holds.measure_race(site, ours)
    return rows


if __name__ == "__main__":
    begin = time.monotonic()
    found = main(base.our_database())
    show(found)
    store(found)
    say(f"\n{RESULTS.name} written; {time.monotonic() - begin:.0f} s in all.")
    sys.exit(0)
