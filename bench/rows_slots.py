"""Rows of the slots: a month of free starts, as an answer and as a page."""

import gzip
import time

from odoo import fields

from . import seed
from .base import environment
from .measure import at_most, faster, interleave, limited, median, percentile
from .web import Visitor

FEW, MANY = 100, 10_000


def measure_empty(site, ours):
    """Compare a month of slots with an empty JSON route, through HTTP."""
    visitor = Visitor(site)
    start, stop = map(fields.Datetime.to_string, seed.month(1))
    page = f"{ours.path_one}?month={start[:7]}"

    def slots():
        found = visitor.call(
            "/pbp_bench/slots", service_id=ours.one, start=start, stop=stop
        )
        if len(found) != len(seed.starts(1)):
            raise RuntimeError(f"{len(found)} slots in the month.")

    times = interleave(
        {
            "empty": lambda: visitor.call("/pbp_bench/empty"),
            "slots": slots,
            "page": lambda: visitor.get(page),
            "login": lambda: visitor.get("/web/login"),
        },
        repetitions=60,
        warm_up=10,
    )
    empty, slots, page, login = (median(times[name]) for name in times)
    return [
        at_most(
            "slots-1",
            "month of slots, 1 resource, no bookings: JSON route to empty JSON route, "
            "median of 60",
            slots,
            empty,
            "ms",
            3,
        ),
        at_most(
            "slots-1-page",
            "the same month as the whole calendar page to the empty JSON route, median "
            f"of 60 (Odoo's login page: {login:.0f} ms)",
            page,
            empty,
            "ms",
            3,
        ),
    ]


def timed(registry, action, guest=True):
    """Return a function that runs an action in a new transaction, undone at the end.

    It returns the seconds of the action; `queries` and `result` of the function hold
    what else there is to know.
    """

    def run():
        with environment(registry) as env:
            env = seed.as_guest(env) if guest else env
            env.invalidate_all()
            count, begin = env.cr.sql_log_count, time.perf_counter()
            run.result = action(env)
            env.flush_all()
            seconds = time.perf_counter() - begin
            run.queries = env.cr.sql_log_count - count
        return seconds

    return run


def our_slots(registry, service_id, ahead=1):
    """Return what computes a month of our slots."""

    def action(env):
        service = env["payment.booking.service"].sudo().browse(service_id)
        return service._get_slots(*seed.month(ahead))

    return timed(registry, action)


def peer_slots(registry, booking_id):
    """Return what computes a month of the peer's slots, as its page does."""

    def action(env):
        booking = env["resource.booking"].sudo().browse(booking_id)
        booking = booking.with_context(using_portal=True, tz="UTC")
        start = seed.month(1)[0]
        return booking._get_calendar_context(start.year, start.month)["slots"]

    return timed(registry, action)


def measure_growth(registry, ours, server, database):
    """Compare a month without bookings when another one has 100 and 10,000.

    :return: the row; the 10,000 bookings stay.
    """
    with environment(registry, commit=True) as env:
        seed.add_bookings(env, ours, seed.spread(FEW))
    planned = seed.spread(MANY, first=FEW)
    slots = our_slots(registry, ours.many, ahead=2)
    times = {"few": [], "many": []}
    for again in range(2):
        seed.settle(server, database)
        times["few"] += interleave({"few": slots}, 20)["few"]
        with environment(registry, commit=True) as env:
            bookings = seed.add_bookings(env, ours, planned)
        seed.settle(server, database)
        times["many"] += interleave({"many": slots}, 20)["many"]
        if not again:
            with environment(registry, commit=True) as env:
                seed.remove_bookings(env, bookings)
    return at_most(
        "slots-growth",
        "month of slots, 200 resources: 10,000 to 100 bookings in another month, "
        "lower quartile of 40 (taken in turns of 20: a busy machine would decide)",
        percentile(times["many"], 25),
        percentile(times["few"], 25),
        "ms",
        1.1,
    )


def measure_many(ours_registry, ours, peer_registry, peer):
    """Compare a month of slots with 200 resources and 10,000 bookings in it."""
    alone = our_slots(ours_registry, ours.one)
    mine = our_slots(ours_registry, ours.many)
    theirs = peer_slots(peer_registry, peer.many)
    quick = interleave({"mine": mine}, 15)["mine"]
    times = interleave({"mine": mine, "theirs": theirs}, 3, warm_up=1)
    alone()
    free = [start for day in theirs.result.values() for start in day]
    if len(free) != len(mine.result):
        raise RuntimeError(f"{len(mine.result)} slots, and {len(free)} of the peer.")
    what = "month of slots, 200 resources, 10,000 bookings"
    return [
        faster(
            "slots-200",
            f"{what}: the engine to resource_booking's ({mine.queries} to "
            f"{theirs.queries} queries), medians of 18 and 3, same slots",
            median(quick + times["mine"]),
            median(times["theirs"]),
            "ms",
            20,
        ),
        at_most(
            "slots-200-queries",
            f"{what}: our SQL queries to ours with 1 resource, no bookings",
            mine.queries,
            alone.queries,
            "queries",
            1,
        ),
    ]


def measure_wire(site, peer_site, ours, peer):
    """Compare what a month weighs on the wire."""
    start, _stop = seed.month(1)
    mine = Visitor(site).get(f"{ours.path_one}?month={start:%Y-%m}")
    theirs = Visitor(peer_site).get(peer.page)
    for answer, marks in ((mine, b"details?start="), (theirs, b"modal-confirm-")):
        if answer.status != 200 or marks not in answer.body:
            raise RuntimeError(f"A month's page without slots: {answer.status}.")
    weights = [len(gzip.compress(answer.body, 6)) / 1000 for answer in (mine, theirs)]
    return limited(
        "slots-wire",
        "a month's page, gzip: calendar page "
        f"({len(mine.body) / 1000:.0f} kB plain) to resource_booking's "
        f"({len(theirs.body) / 1000:.0f} kB plain)",
        *weights,
        "kB",
        30,
    )
