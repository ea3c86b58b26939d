"""Rows of the holds: taking a time, alone and among many."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from . import seed
from .measure import (
    Row,
    at_most,
    faster,
    for_information,
    interleave,
    limited,
    median,
    percentile,
)
from .rows_slots import timed
from .web import CSRF, REQUEST_KEY, Visitor

CLIENTS = 50
WORKERS = 2
ROUNDS = 3
ALONE = 15


def our_hold(registry, service_id):
    """Return what places a hold of ours."""

    def action(env):
        # sudo: as the controller of guests does
        service = env["payment.booking.service"].sudo().browse(service_id)
        booking = seed.place(env, service, seed.starts(1)[40])
        if booking.state != "hold":
            raise RuntimeError(f"The booking is {booking.state}.")

    return timed(registry, action)


def peer_hold(registry, booking_id, **context):
    """Return what schedules a booking of the peer, as its portal does."""

    def action(env):
        booking = env["resource.booking"].sudo().browse(booking_id)
        booking = booking.with_context(**{"using_portal": True, "tz": "UTC", **context})
        booking.start = seed.starts(1)[40]
        booking.action_confirm()
        if booking.state != "confirmed":
            raise RuntimeError(f"The peer's booking is {booking.state}.")

    return timed(registry, action)


def measure_alone(ours_registry, ours, peer_registry, peer):
    """Compare taking a time that nobody else wants."""
    rows = []
    for key, text, mine_id, theirs_id in (
        ("hold-1", "1 resource, no bookings", ours.one, peer.one),
        ("hold-200", "200 resources, 10,000 bookings", ours.many, peer.many),
    ):
        mine = our_hold(ours_registry, mine_id)
        theirs = peer_hold(peer_registry, theirs_id)
        silent = peer_hold(peer_registry, theirs_id, **seed.QUIET)
        actions = {"mine": mine, "theirs": theirs, "silent": silent}
        times = interleave(actions, 20)
        hold, scheduling, silent_one = (median(times[name]) for name in actions)
        rows += [
            faster(
                key,
                f"placing a hold to scheduling the same time in resource_booking "
                f"({theirs.queries} queries), {text}, median of 20, nothing sent",
                hold,
                scheduling,
                "ms",
                5,
            ),
            limited(
                f"{key}-queries",
                f"SQL queries of placing a hold, uncontended, {text}",
                mine.queries,
                theirs.queries,
                "queries",
                40,
            ),
            for_information(
                f"{key}-silent",
                f"the same hold to resource_booking kept from preparing its mails and "
                f"messages ({silent.queries} queries), {text}",
                hold,
                silent_one,
                "ms",
            ),
        ]
    return rows


class Client(Visitor):
    """A guest who has filled in the details of a start, and may send them."""

    def __init__(self, site, path, start):
        """Open the details page of a start."""
        super().__init__(site)
        self.path = f"{path}/details"
        moment = f"{start:%Y%m%dT%H%M}"
        page = self.get(f"{self.path}?start={moment}")
        if page.status != 200:
            raise RuntimeError(f"The details page answers {page.status}.")
        self.form = {
            "csrf_token": CSRF.search(page.text)[1],
            "request_key": REQUEST_KEY.search(page.text)[1],
            "start": moment,
            "name": "Zoé Client",
            "email": "zoe@example.com",
        }

    def book(self):
        """Send the form and return the status of the answer."""
        return self.post(self.path, self.form).status


def book_at_once(clients):
    """Let every client book at the same moment; return their statuses and waits."""
    barrier = threading.Barrier(len(clients))
    # Odoo lets eight connections per worker wait and resets others: as the web server
    # in front of it does, the rest waits outside. Its wait counts.
    gate = threading.Semaphore(8 * WORKERS)

    def book(client):
        barrier.wait()
        begin = time.perf_counter()
        with gate:
            status = client.book()
        return status, (time.perf_counter() - begin) * 1000

    with ThreadPoolExecutor(len(clients)) as pool:
        statuses, waits = zip(*pool.map(book, clients), strict=True)
    return statuses, waits


def fill_in(site, path, starts):
    """Return one client per start, each with the details filled in."""
    with ThreadPoolExecutor(WORKERS) as pool:
        return list(pool.map(lambda start: Client(site, path, start), starts))


def measure_seat(site, ours):
    """Let 50 clients want the same last seat at once."""
    free = seed.starts(2)
    alone = []
    for start in free[: ALONE + 2]:
        [status], [wait] = book_at_once([Client(site, ours.path_one, start)])
        if status != 303:
            raise RuntimeError(f"A booking alone answers {status}.")
        alone.append(wait)
    single = median(alone[2:])
    path = f"{ours.path_one}/details"
    before = len(site.requests(path))
    results, waits = [], []
    for start in free[-ROUNDS:]:
        clients = fill_in(site, ours.path_one, [start] * CLIENTS)
        statuses, times = book_at_once(clients)
        results.append(Counter(statuses))
        waits += times
    served = [
        seconds * 1000
        for method, status, _queries, seconds in site.requests(path)[before:]
        if method == "POST"
    ]
    own_seats = fill_in(site, ours.path_one, free[50 : 50 + CLIENTS])
    statuses, crowd = book_at_once(own_seats)
    if set(statuses) != {303}:
        raise RuntimeError(f"Clients with a seat each are answered {set(statuses)}.")
    good = all(result == {303: 1, 409: CLIENTS - 1} for result in results)
    answers = ", ".join(
        f"{count} × {status}"
        for status, count in sorted(sum(results, Counter()).items())
    )
    who = f"{CLIENTS} clients on the last seat, {WORKERS} workers, {ROUNDS} rounds"
    return [
        Row(
            "last-seat",
            f"{who}: a hold (303) for one client per round and a clear answer (409) "
            f"for the others; answers: {answers}",
            sum(result[303] for result in results) / ROUNDS,
            None,
            "holds",
            None,
            f"1 × 303, {CLIENTS - 1} × 409",
            good,
        ),
        at_most(
            "last-seat-p95",
            f"{who}: p95 of the wait, the queue in front of the workers included, to "
            f"one booking alone (median of {ALONE}, a new client and start each)",
            percentile(waits, 95),
            single,
            "ms",
            5,
        ),
        at_most(
            "last-seat-served",
            f"{who}: p95 from when a worker takes the request, waits for locks "
            "included, to the same booking alone",
            percentile(served, 95),
            single,
            "ms",
            5,
        ),
        for_information(
            "last-seat-crowd",
            f"{who}: p95 of the wait to that of as many clients at once who want "
            "different seats",
            percentile(waits, 95),
            percentile(crowd, 95),
            "ms",
        ),
    ]
