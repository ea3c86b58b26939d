"""Run the benchmarks, print the table and write ``results.json``."""

import contextlib
import signal
import sys
import time

from dev import postgres
from dev.core import say

from . import (
    base,
    rows_holds,
    rows_pay,
    rows_portal,
    rows_reconcile,
    rows_reminders,
    rows_slots,
    seed,
    web,
)
from .measure import RESULTS, show, store

GROUPS = ("slots", "pay", "holds", "seat", "portal", "reminders", "reconcile")
# The groups that measure the peer too.
WITH_PEER = {"slots", "holds"}


def main(database, groups):
    """Measure on a database that has our addon; return the rows."""
    server = postgres.named_server()
    needs_peer = bool(WITH_PEER & groups)
    if needs_peer:
        base.get_peer()
    rows = []
    with contextlib.ExitStack() as stack:
        if needs_peer:
            peer_database = stack.enter_context(base.peer_database(server))
        stack.callback(base.close)
        say("→ Filling the databases …")
        registry = base.load(server, database)
        with base.environment(registry, commit=True) as env:
            ours = seed.make_ours(env)
        if needs_peer:
            peer_registry = base.load(server, peer_database)
            with base.environment(peer_registry, commit=True) as env:
                peer = seed.make_peer(env)
            seed.settle(server, peer_database)
        if {"slots", "pay"} & groups:
            with web.running(server, database, base.ADDONS) as site:
                if "slots" in groups:
                    say("→ Measuring slots and their pages …")
                    rows += rows_slots.measure_empty(site, ours)
                    with web.running(
                        server, peer_database, base.ADDONS, environment=base.ENVIRONMENT
                    ) as peer_site:
                        rows.append(
                            rows_slots.measure_wire(site, peer_site, ours, peer)
                        )
                if "pay" in groups:
                    say("→ Measuring the pay page …")
                    rows += rows_pay.measure(site, registry, ours)
        if "slots" in groups:
            say("→ Measuring slots with 10,000 bookings …")
            rows.append(rows_slots.measure_growth(registry, ours, server, database))
            rows += rows_slots.measure_many(registry, ours, peer_registry, peer)
        elif "holds" in groups:
            with base.environment(registry, commit=True) as env:
                seed.add_bookings(env, ours, seed.spread(rows_slots.MANY))
            seed.settle(server, database)
        if "holds" in groups:
            say("→ Measuring holds …")
            rows += rows_holds.measure_alone(registry, ours, peer_registry, peer)
        if "portal" in groups:
            with web.running(server, database, base.ADDONS) as site:
                say("→ Measuring the client's payments …")
                rows += rows_portal.measure(site, registry, server, database)
        if "seat" in groups:
            with web.running(
                server, database, base.ADDONS, workers=rows_holds.WORKERS
            ) as site:
                say("→ Measuring the last seat …")
                rows += rows_holds.measure_seat(site, ours)
        if "reminders" in groups:
            say("→ Measuring 10,000 reminders …")
            rows += rows_reminders.measure(registry, ours)
        if "reconcile" in groups:
            say(f"→ Measuring {rows_reconcile.OPEN:,} open payments …")
            rows += rows_reconcile.measure(registry, ours)
    return rows


if __name__ == "__main__":
    # So that the blocks that stop servers and drop databases run on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    begin = time.monotonic()
    wanted = set(sys.argv[1:]) or set(GROUPS)
    if wanted - set(GROUPS):
        sys.exit(f"There is: {', '.join(GROUPS)}.")
    found = main(base.our_database(), wanted)
    show(found)
    store(found)
    say(f"\n{RESULTS.name} written.")
    say(f"{time.monotonic() - begin:.0f} s in all.")
