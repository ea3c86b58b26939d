"""The same business in both databases: people, hours, services, 10,000 bookings."""

import dataclasses
from datetime import datetime, time, timedelta

from dateutil.relativedelta import relativedelta

from odoo.fields import Command
from odoo.tools import SQL

PEOPLE = 200
MINUTES = 30
OPENING, CLOSING = 8, 16
CONTEXT = {
    "tracking_disable": True,
    "mail_create_nolog": True,
    "mail_create_nosubscribe": True,
    "no_reset_password": True,
    "no_mail_to_attendees": True,
    "tz": "UTC",
}
QUIET = {**CONTEXT, "dont_notify": True, "mail_notify_author": False}


# Time ---------------------------------------------------------------------------


def month(ahead):
    """Return the start and the end of a coming month (naive UTC)."""
    first = datetime.combine(datetime.now().date().replace(day=1), time.min)
    start = first + relativedelta(months=ahead)
    return start, start + relativedelta(months=1)


def starts(ahead):
    """Return every start of the opening hours of a coming month."""
    day, end = month(ahead)
    found = []
    while day < end:
        if day.weekday() < 5:
            opening = day + timedelta(hours=OPENING)
            count = (CLOSING - OPENING) * 60 // MINUTES
            found += [opening + timedelta(minutes=MINUTES * i) for i in range(count)]
        day += timedelta(days=1)
    return found


def spread(count, first=0):
    """Return (index of the person, start) of bookings spread over people and month."""
    slots = starts(1)
    found = []
    for number in range(first, count):
        turn, person = divmod(number, PEOPLE)
        # Seven is prime to the number of starts of a day: no start comes twice.
        found.append((person, slots[(turn * 7 + person) % len(slots)]))
    return found


# Rows ---------------------------------------------------------------------------


def copy_row(env, table, source, **columns):
    """Insert copies of a row and return their ids, in order.

    :param int source: id of a row that the ORM made.
    :param columns: by name, the values of the copies; other columns stay the same.
    """
    rows = env.execute_query(
        SQL(
            "SELECT column_name, udt_name FROM information_schema.columns "
            "WHERE table_name = %s AND column_name <> 'id'",
            table,
        )
    )
    kinds = dict(rows)
    names = SQL(", ").join(map(SQL.identifier, kinds))
    values = SQL(", ").join(
        SQL.identifier("new" if name in columns else "old", name) for name in kinds
    )
    arrays = SQL(", ").join(
        SQL(f"%s::{kinds[name]}[]", list(items)) for name, items in columns.items()
    )
    aliases = SQL(", ").join(map(SQL.identifier, columns))
    rows = env.execute_query(
        SQL(
            "INSERT INTO %s (%s) SELECT %s FROM %s old, unnest(%s) AS new (%s) "
            "WHERE old.id = %s RETURNING id",
            SQL.identifier(table),
            names,
            values,
            SQL.identifier(table),
            arrays,
            aliases,
            source,
        )
    )
    return [row_id for (row_id,) in rows]


def link(env, model, field, lefts, rights):
    """Insert the rows of a many2many field."""
    field = env[model]._fields[field]
    env.execute_query(
        SQL(
            "INSERT INTO %s (%s, %s) SELECT * FROM unnest(%s::int[], %s::int[]) "
            "RETURNING 1",
            SQL.identifier(field.relation),
            SQL.identifier(field.column1),
            SQL.identifier(field.column2),
            list(lefts),
            list(rights),
        )
    )


def settle(server, database):
    """Let PostgreSQL know what its tables hold, as autovacuum does in time."""
    server.query("VACUUM ANALYZE", database=database)


# People -------------------------------------------------------------------------


def make_people(env):
    """Return the people of the business: resources with users, at the same hours."""
    env = env(context={**env.context, **CONTEXT})
    calendar = env["resource.calendar"].create(
        {
            "name": "Opening hours",
            "tz": "UTC",
            "attendance_ids": [Command.clear()]
            + [
                Command.create(
                    {
                        "name": f"Day {day}",
                        "dayofweek": str(day),
                        "hour_from": OPENING,
                        "hour_to": CLOSING,
                        "day_period": "morning",
                    }
                )
                for day in range(5)
            ],
        }
    )
    env.company.resource_calendar_id = calendar
    users = env["res.users"].create(
        [
            {"name": f"Person {i}", "login": f"person{i}", "tz": "UTC"}
            for i in range(PEOPLE + 1)
        ]
    )
    return env["resource.resource"].create(
        [
            {
                "name": user.name,
                "user_id": user.id,
                "calendar_id": calendar.id,
                "tz": "UTC",
            }
            for user in users
        ]
    )


# Ours ---------------------------------------------------------------------------


@dataclasses.dataclass
class Ours:
    """What the database with our addon holds: ids."""

    one: int  # a service of one person without bookings
    many: int  # a service of 200 people
    path_one: str
    path_many: str
    people: list
    partners: list
    pattern: int  # a confirmed booking of one of the 200
    booking: int  # a hold that has to be paid
    invoice: int


def make_ours(env):
    """Make our business and return what it holds."""
    allow_demo_payments(env)
    alone, *people = make_people(env).ids
    one, many = (make_service(env, ids) for ids in ([alone], people))
    counter = make_service(env, people, fee_policy="on_site")
    for service in one + many + counter:
        if service._get_closed_reason():
            raise RuntimeError(service._get_closed_reason())
    # Far from the months that are measured.
    far, farther, *_rest = starts(4)
    pattern = place(as_guest(env), counter, far).sudo()
    if pattern.state != "confirmed" or not pattern.event_ids.attendee_ids:
        raise RuntimeError("The pattern of the bookings has no event.")
    booking = place(as_guest(env), one, farther)
    return Ours(
        one=one.id,
        many=many.id,
        path_one=one._get_book_url(),
        path_many=many._get_book_url(),
        people=people,
        partners=env["resource.resource"].browse(people).user_id.partner_id.ids,
        pattern=pattern.id,
        booking=booking.id,
        invoice=make_invoice(env, booking.amount_total).id,
    )


def allow_demo_payments(env):
    """Let Odoo's demo provider take the money."""
    provider = env.ref("payment.payment_provider_demo")
    provider.write({"state": "test", "is_published": True})
    env.company.booking_accept_test_payments = True


def make_service(env, people, **values):
    """Return a service that one of the people does, paid at booking."""
    group = env["product.booking.resource.group"].create(
        {"name": f"{len(people)} people", "resource_ids": [Command.set(people)]}
    )
    service = env["payment.booking.service"].create(
        {
            "name": f"Service of {len(people)}",
            "duration": MINUTES,
            "step": MINUTES,
            "notice_hours": 0,
            "horizon_days": 190,
            "price": 60.0,
            "fee_policy": "required",
            "assignment": "fixed",
            "group_ids": [Command.set(group.ids)],
            **values,
        }
    )
    service.product_id.taxes_id = False
    return service


def as_guest(env):
    """Return the environment of a visitor."""
    return env(user=env.ref("base.public_user"))


def place(env, service, start, visitor="bench"):
    """Book as a guest does, in a guest's environment, and return the booking."""
    return env["payment.booking"]._place(
        service,
        start,
        {"guest_name": "Zoé Client", "guest_email": "zoe@example.com"},
        visitor_key=f"{visitor} {service.id} {start}",
    )


def make_invoice(env, amount):
    """Return a posted invoice."""
    invoice = env["account.move"].create(
        {
            "move_type": "out_invoice",
            "partner_id": env["res.partner"].create({"name": "Zoé Client"}).id,
            "invoice_line_ids": [
                Command.create(
                    {
                        "name": "Service",
                        "price_unit": amount,
                        "tax_ids": [Command.clear()],
                    }
                )
            ],
        }
    )
    invoice.action_post()
    return invoice


def add_bookings(env, ours, planned):
    """Insert confirmed bookings, each with its reservation and calendar event.

    :param list planned: see `spread`.
    :return: their ids.
    :rtype: list
    """
    pattern = env["payment.booking"].browse(ours.pattern)
    event = pattern.event_ids
    reservation = env["payment.booking.reservation"].search(
        [("booking_id", "=", pattern.id)]
    )
    begin = [start for _person, start in planned]
    end = [start + timedelta(minutes=MINUTES) for start in begin]
    people = [ours.people[person] for person, _start in planned]
    partners = [ours.partners[person] for person, _start in planned]
    tokens = [None] * len(planned)
    bookings = copy_row(
        env, "payment_booking", pattern.id, start=begin, stop=end, access_token=tokens
    )
    link(env, "payment.booking", "resource_ids", bookings, people)
    copy_row(
        env,
        "payment_booking_reservation",
        reservation.id,
        booking_id=bookings,
        resource_id=people,
        start=begin,
        stop=end,
    )
    events = copy_row(
        env,
        "calendar_event",
        event.id,
        start=begin,
        stop=end,
        payment_booking_id=bookings,
        access_token=tokens,
    )
    link(env, "calendar.event", "partner_ids", events, partners)
    attendee = event.attendee_ids[:1]
    copy_row(
        env,
        "calendar_attendee",
        attendee.id,
        event_id=events,
        partner_id=partners,
        access_token=tokens,
    )
    return bookings


def remove_bookings(env, bookings):
    """Delete what `add_bookings` inserted."""
    for query in (
        "DELETE FROM calendar_event WHERE payment_booking_id = ANY(%s) RETURNING 1",
        "DELETE FROM payment_booking WHERE id = ANY(%s) RETURNING 1",
    ):
        env.execute_query(SQL(query, bookings))


# The peer's ---------------------------------------------------------------------


@dataclasses.dataclass
class Peer:
    """What the peer's database holds: ids."""

    one: int  # a booking to schedule with one person without bookings
    many: int  # a booking to schedule with one of 200 people
    page: str


def make_peer(env):
    """Make the peer's business, with as many bookings, and return what it holds."""
    alone, *people = make_people(env)
    env = env(context={**env.context, **QUIET})
    partner = env["res.partner"].create({"name": "Zoé Client"})
    combinations = env["resource.booking.combination"].create(
        [{"resource_ids": [Command.set(person.ids)]} for person in [alone, *people]]
    )
    one = make_booking(env, partner, combinations[:1])
    many = make_booking(env, partner, combinations[1:])
    pattern = many.copy({"partner_ids": [Command.set(partner.ids)]})
    pattern.start = starts(4)[0]
    pattern.action_confirm()
    env.flush_all()
    if pattern.state != "confirmed":
        raise RuntimeError("The pattern of the peer's bookings is not confirmed.")
    add_peer_bookings(env, pattern, combinations[1:], spread(10_000))
    return Peer(
        one=one.id,
        many=many.id,
        page=one.get_portal_url(
            suffix="/schedule/{0.year}/{0.month}".format(month(1)[0])
        ),
    )


def make_booking(env, partner, combinations):
    """Return a booking without a time, of a type that the combinations serve."""
    kind = env["resource.booking.type"].create(
        {
            "name": f"Type of {len(combinations)}",
            "duration": MINUTES / 60,
            "slot_duration": MINUTES / 60,
            "modifications_deadline": 0,
            "combination_assignment": "sorted",
            "resource_calendar_id": env.company.resource_calendar_id.id,
            "combination_rel_ids": [
                Command.create({"sequence": number, "combination_id": combination.id})
                for number, combination in enumerate(combinations)
            ],
        }
    )
    return env["resource.booking"].create(
        {"type_id": kind.id, "partner_ids": [Command.set(partner.ids)]}
    )


def add_peer_bookings(env, pattern, combinations, planned):
    """Insert confirmed bookings of the peer, each with its calendar event."""
    event = pattern.meeting_id
    begin = [start for _person, start in planned]
    end = [start + timedelta(minutes=MINUTES) for start in begin]
    tokens = [None] * len(planned)
    events = copy_row(
        env, "calendar_event", event.id, start=begin, stop=end, access_token=tokens
    )
    bookings = copy_row(
        env,
        "resource_booking",
        pattern.id,
        meeting_id=events,
        combination_id=[combinations[person].id for person, _start in planned],
        start=begin,
        stop=end,
        access_token=tokens,
    )
    client = pattern.partner_ids.id
    link(env, "resource.booking", "partner_ids", bookings, [client] * len(bookings))
    staff = combinations.resource_ids.user_id.partner_id
    for source in event.attendee_ids:
        partners = [
            client if source.partner_id.id == client else staff[person].id
            for person, _start in planned
        ]
        link(env, "calendar.event", "partner_ids", events, partners)
        copy_row(
            env,
            "calendar_attendee",
            source.id,
            event_id=events,
            partner_id=partners,
            access_token=tokens,
        )
