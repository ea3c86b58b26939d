"""Rows of the holds: taking a time, alone and among many."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from . import seed
from .measure import Row, at_most, faster, interleave, limited, median, percentile
from .rows_slots import timed
from .web import CSRF, REQUEST_KEY, Visitor

CLIENTS = 50
WORKERS = 2
ROUNDS = 3
ALONE = 15


def our_hold(registry, service_id):
    """Return what places a hold of ours."""

    def action(env):
        service = env["payment.booking.service"].sudo().browse(service_id)
        booking = seed.place(env, service, seed.starts(1)[40])
        if booking.state != "hold":
            raise RuntimeError(f"The booking is {booking.state}.")

    return timed(registry, action)


def peer_hold(registry, booking_id):
    """Return what schedules a booking of the peer, as its portal does."""

    def action(env):
        booking = env["resource.booking"].sudo().browse(booking_id)
        # Without the mails, which it sends in the same request.
        quiet = {**seed.QUIET, "using_portal": True}
        booking = booking.with_context(**quiet)
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
        times = interleave({"mine": mine, "theirs": theirs}, 20)
        rows += [
            faster(
                key,
                f"placing a hold to scheduling the same time in resource_booking "
                f"without its mails ({theirs.queries} queries), {text}, median of 20",
                median(times["mine"]),
                median(times["theirs"]),
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
        clients = [Client(site, ours.path_one, start) for _ in range(CLIENTS)]
        statuses, times = book_at_once(clients)
        results.append(Counter(statuses))
        waits += times
    served = [
        seconds * 1000
        for method, status, _queries, seconds in site.requests(path)[before:]
        if method == "POST"
    ]
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
    ]
