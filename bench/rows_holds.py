"""Rows of the holds: taking a time, alone and among many."""

import threading

from . import seed
from .measure import Row, at_most, faster, interleave, limited, median, percentile
from .rows_slots import timed
from .web import CSRF, REQUEST_KEY, Visitor

CLIENTS = 50
ROUNDS = 3


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
        self.answer = None

    def book(self, barrier=None):
        """Send the form, together with all others who wait at the barrier."""
        if barrier:
            barrier.wait()
        self.answer = self.post(self.path, self.form)


def measure_race(site, ours):
    """Let 50 clients want the same last seat at once."""
    free = seed.starts(2)
    alone = []
    for start in free[:12]:
        client = Client(site, ours.path_one, start)
        client.book()
        if client.answer.status != 303:
            raise RuntimeError(f"A booking alone answers {client.answer.status}.")
        alone.append(client.answer.seconds * 1000)
    single = median(alone[2:])
    before = len(site.requests(f"{ours.path_one}/details"))
    times, won, lost, broken = [], [], 0, 0
    for start in free[20 : 20 + ROUNDS]:
        clients = [Client(site, ours.path_one, start) for _ in range(CLIENTS)]
        barrier = threading.Barrier(CLIENTS)
        threads = [threading.Thread(target=c.book, args=[barrier]) for c in clients]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        answers = [client.answer for client in clients]
        times += [answer.seconds * 1000 for answer in answers if answer]
        won.append(sum(bool(a) and a.status == 303 for a in answers))
        lost += sum(bool(a) and a.status == 409 for a in answers)
        broken += sum(not a or a.status not in (303, 409) for a in answers)
    inside = [
        seconds * 1000
        for status, _queries, seconds in site.requests(f"{ours.path_one}/details")[
            before:
        ]
        if status in (303, 409)
    ]
    who = f"{CLIENTS} clients on the last seat, 2 workers, {ROUNDS} rounds"
    return [
        Row(
            "last-seat",
            f"{who}: holds to 1 per round; {lost} of {ROUNDS * (CLIENTS - 1)} were told "
            f"so (409), {broken} got anything else",
            sum(won),
            ROUNDS,
            "holds",
            sum(won) / ROUNDS,
            "1 hold, 49 × 409",
            set(won) == {1} and lost == ROUNDS * (CLIENTS - 1),
        ),
        at_most(
            "last-seat-p95",
            f"{who}: p95 of the wait, turn in the queue of the workers included, to the "
            "median of 10 single bookings, alone",
            percentile(times, 95),
            single,
            "ms",
            5,
        ),
        at_most(
            "last-seat-served-p95",
            f"{who}: the same p95 once a worker has begun",
            percentile(inside, 95),
            single,
            "ms",
            5,
        ),
    ]
