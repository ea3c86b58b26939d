from collections import defaultdict, namedtuple
from datetime import timedelta
from itertools import islice, product

import psycopg2

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_amount, format_datetime

from .. import const
from ..exceptions import SlotTaken
from ..tools import slots
from ..tools.locking import lock_and_touch

# Facts of a session that only our methods change, and those that whoever plans it says.
PROTECTED_FIELDS = {
    "company_id",
    "stop",
    "state",
    "is_planned",
    "cancel_message",
    "booking_ids",
    "seat_ids",
}
PROTECTED_ONCE_PLANNED = {"service_id", "start", "resource_ids"}

# Who could serve a session: the people and rooms, why they would rather not (time off,
# another appointment), and what is merely unusual (hours, grid).
Candidate = namedtuple("Candidate", "resources away notes")


class PaymentBookingSession(models.Model):
    """A start of a group service: its places, and who has them.

    A *planned* session is a date that staff fixed: it owns its people and rooms from
    then on, whoever comes. Another is opened by its first client, and goes with its
    last one.
    """

    _name = "payment.booking.session"
    _inherit = "payment.protected.mixin"
    _description = "Group Session"
    _order = "start desc, id desc"
    _protected_fields = PROTECTED_FIELDS
    _protected_defaults = {"state": "open"}

    # === FIELDS === #

    service_id = fields.Many2one(
        "payment.booking.service", required=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, precompute=True
    )
    is_planned = fields.Boolean(
        string="Planned",
        readonly=True,
        copy=False,
        help="Fixed by staff: it stays when nobody has a place.",
    )
    state = fields.Selection(
        const.SESSION_STATES, default="open", required=True, readonly=True, copy=False
    )
    start = fields.Datetime(required=True, copy=False)
    stop = fields.Datetime(
        string="End",
        compute="_compute_stop",
        store=True,
        precompute=True,
        required=True,
    )
    seats = fields.Integer(
        string="Places",
        compute="_compute_seats",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    resource_ids = fields.Many2many(
        "resource.resource",
        "payment_booking_session_resource_rel",
        string="With",
        copy=False,
    )
    booking_ids = fields.One2many("payment.booking", "session_id", readonly=True)
    seat_ids = fields.One2many("payment.booking.seat", "session_id", readonly=True)
    cancel_message = fields.Text(string="What Clients Were Told", readonly=True)

    # What staff wants to know
    taken_seats = fields.Integer(string="Taken", compute="_compute_taken_seats")
    places = fields.Char(string="Places Taken", compute="_compute_taken_seats")
    collected = fields.Char(compute="_compute_money")
    due = fields.Char(compute="_compute_money")
    warning = fields.Text(compute="_compute_warning")

    # Two clients who open the same start at once share one session.
    _open_start_uniq = models.UniqueIndex(
        "(service_id, start) WHERE state = 'open'",
        "This service has a session at that time already.",
    )
    _start_before_stop = models.Constraint(
        "CHECK (start < stop)", "A session ends after it starts."
    )
    _seats_positive = models.Constraint(
        "CHECK (seats BETWEEN 1 AND 1000)", "A session has between 1 and 1,000 places."
    )

    # === COMPUTE METHODS === #

    @api.depends("service_id.name", "start", "seats")
    @api.depends_context("booking_places_first")
    def _compute_display_name(self):
        for session in self:
            name = session.service_id.sudo().name or ""  # of an unpublished one too
            if self.env.context.get("booking_places_first"):
                # What counts in the narrow boxes of a calendar, which has the time.
                session.display_name = f"{session.places} {name}"
                continue
            when = format_datetime(self.env, session.start, dt_format="short")
            session.display_name = ", ".join(filter(None, [name, when]))

    @api.depends("start", "service_id")
    def _compute_stop(self):
        for session in self:
            duration = timedelta(minutes=session.service_id.duration or 1)
            session.stop = session.start and session.start + duration

    @api.depends("service_id")
    def _compute_seats(self):
        for session in self:
            session.seats = session.service_id.seats or 1

    @api.depends("seat_ids", "seats")
    def _compute_taken_seats(self):
        taken = self._get_taken_seats()
        for session in self:
            session.taken_seats = len(taken[session._origin.id])
            session.places = f"{session.taken_seats}/{session.seats}"

    @api.depends(
        "booking_ids.state",
        "booking_ids.fee_policy",
        "booking_ids.amount_paid",
        "booking_ids.amount_due",
    )
    def _compute_money(self):
        for session in self:
            paid, test, due = (defaultdict(float) for _kind in range(3))
            for booking in session.booking_ids:
                currency = booking.currency_id
                # Test money stays out of every figure.
                (test if booking.is_test else paid)[currency] += booking.amount_paid
                if booking._is_live() and booking.fee_policy in const.PRICED_POLICIES:
                    due[currency] += booking.amount_due
            some = bool(session.booking_ids)
            session.due = some and session._format_amounts(due)
            session.collected = some and session._format_amounts(paid)
            if any(test.values()):
                session.collected = self.env._(
                    "%(amount)s (test money: %(test)s)",
                    amount=session.collected,
                    test=session._format_amounts(test),
                )

    def _format_amounts(self, amounts):
        """Return amounts by currency in words; they are never added up."""
        self.ensure_one()
        own = self.service_id.sudo().currency_id or self.env.company.currency_id
        known = {c: amount for c, amount in amounts.items() if not c.is_zero(amount)}
        return " + ".join(
            format_amount(self.env, amount, currency)
            for currency, amount in (known or {own: 0.0}).items()
        )

    @api.depends("service_id", "start", "resource_ids", "state", "is_planned")
    def _compute_warning(self):
        now = fields.Datetime.now()
        for session in self:
            session.warning = False
            if not session.service_id or not session.start or session.start <= now:
                continue
            if session.state == "open" and (session.is_planned or not session._origin):
                session.warning = session._get_warning() or False

    def _get_warning(self):
        """Return what speaks against the time of a session, for staff."""
        self.ensure_one()
        service, start = self.service_id._origin, self.start
        if not service.has_access("read"):
            return False  # what follows is computed with all rights
        people = self.resource_ids._origin
        if self._origin:
            booking = self._origin.booking_ids.event_ids.payment_booking_id[:1]
            found = self._get_obstacles(service, people, start, booking)
            candidate = self._describe(service, people, found)
        else:
            if not service._is_group_service():
                return self._get_not_group_reason(service)
            candidate = next(self._get_candidates(service, start, people), None)
            if not candidate:
                return self._get_taken_reason(service, start, people)
        return "\n".join(candidate.away + candidate.notes)

    # === CONSTRAINTS === #

    @api.constrains("seats")
    def _check_seats(self):
        taken = self._get_taken_seats()
        for session in self:
            if session.seats < len(taken[session.id]):
                raise ValidationError(
                    self.env._("More places than that are taken already.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to plan sessions: each owns its people and rooms at once.

        The first client's own session is not made here (`payment.booking`).

        :raise SlotTaken: if nobody is free, or somebody was quicker.
        """
        for vals in vals_list:
            self._check_protected(vals)
        vals_list = [self._prepare_planned(vals) for vals in vals_list]
        services = self.env["payment.booking.service"].browse(
            [vals["service_id"] for vals in vals_list]
        )
        self.check_access("create")
        services.check_access("read")
        self._lock_services(services)
        for service, vals in zip(services, vals_list, strict=True):
            self._check_plannable(service, vals["start"])
        try:
            sessions = super().create(vals_list)
            sessions.flush_recordset()
        except psycopg2.errors.UniqueViolation as error:  # somebody was quicker
            raise SlotTaken(self.env._("Somebody was quicker.")) from error
        for session in sessions:
            session._take_resources()
        return sessions

    @api.model
    def _prepare_planned(self, vals):
        """Return the values of a planned session from what somebody typed.

        :raise UserError: without a service or a start.
        """
        start = fields.Datetime.to_datetime(vals.get("start"))
        if not start or not vals.get("service_id"):
            raise UserError(self.env._("Choose a service and a start."))
        start = start.replace(second=0, microsecond=0)
        return {**vals, "start": start, "is_planned": True}

    def write(self, vals):
        if not self._is_protected_edit():
            self._check_protected(vals, PROTECTED_FIELDS | PROTECTED_ONCE_PLANNED)
            if "seats" in vals:
                self.check_access("write")
                for session in self:
                    session._lock()
        result = super().write(vals)
        if "start" in vals:
            # Together: to flush the start alone would break `start < stop`.
            self.flush_recordset(["start", "stop"])
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_booked(self):
        if self._is_protected_edit():
            return
        if any(session.booking_ids for session in self):
            raise UserError(
                self.env._("Somebody booked this session. Cancel it instead.")
            )

    # === PLACES === #

    def _get_taken_seats(self, excluded=None):
        """Return the numbers of the seats that are taken now, by session id.

        :param payment.booking excluded: one whose own seats count as free (a move).
        """
        taken = defaultdict(set)
        if not self.ids:
            return taken
        self.env["payment.booking.seat"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT session_id, seat FROM payment_booking_seat
                 WHERE session_id = ANY(%s)
                   AND (expires_at IS NULL OR expires_at > %s)
                   AND booking_id <> %s
                """,
                self.ids,
                fields.Datetime.now(),
                excluded.id if excluded else 0,
            )
        )
        for session_id, seat in rows:
            taken[session_id].add(seat)
        return taken

    @api.model
    def _find_open(self, service, start):
        """Return the open session of a service at a start, locked for its clients.

        Many clients may share the lock. Whoever moves or cancels the session waits
        for them, and they fail (and start again) if that was done since they looked.
        """
        self.flush_model(["service_id", "start", "state"])
        rows = self.env.execute_query(
            SQL(
                """
                SELECT id FROM payment_booking_session
                 WHERE service_id = %s AND start = %s AND state = 'open'
                   FOR SHARE
                """,
                service.id,
                start,
            )
        )
        return self.browse([sid for [sid] in rows])

    def _sync_reservations(self):
        """Make the session's resources free when its last place is.

        A session made for its clients lives as long as one of them has a place, held
        or booked. A planned one stays, and so do its resources, until it is cancelled.
        """
        for session in self._editing():
            cancelled = session.state == "cancelled"
            if session.is_planned and not cancelled:
                continue
            session.env["payment.booking.seat"].flush_model()
            [(seats, forever, until)] = session.env.execute_query(
                SQL(
                    """
                    SELECT count(*), bool_or(expires_at IS NULL), max(expires_at)
                      FROM payment_booking_seat WHERE session_id = %s
                    """,
                    session.id,
                )
            )
            reservations = session.env["payment.booking.reservation"].search(
                [("session_id", "=", session.id)]
            )
            if cancelled or not seats:
                reservations.unlink()
                if not cancelled:
                    session.unlink()
            else:
                reservations.write({"expires_at": False if forever else until})

    # === LOCKING === #

    @api.model
    def _lock_services(self, services):
        """Lock the people and rooms of services: always before sessions and bookings.

        :return: the bookings' model, with the right to write protected fields.
        """
        bookings = self.env["payment.booking"]._editing()
        bookings._lock_resources(services.sudo().group_ids.resource_ids)
        return bookings

    def _lock(self):
        """Lock a session to change its time or its places, knowing all its clients.

        The lock does not refresh the snapshot: a place taken since it began cannot be
        seen. But its number cannot be inserted again: PostgreSQL then refuses with a
        serialization error, and Odoo replays the request.
        """
        self.ensure_one()
        self._lock_services(self.service_id)
        lock_and_touch(self)
        for statement in (
            """
            INSERT INTO payment_booking_seat (session_id, seat)
            SELECT id, generate_series(1, seats) FROM payment_booking_session
             WHERE id = %s
            ON CONFLICT (session_id, seat) DO NOTHING
            """,
            """
            DELETE FROM payment_booking_seat
             WHERE session_id = %s AND booking_id IS NULL
            """,
        ):
            self.env.cr.execute(SQL(statement, self.id), log_exceptions=False)
        self.invalidate_recordset()

    # === PLANNING === #

    @api.model
    def _check_plannable(self, service, start):
        """Check that a service can have a session at a time.

        :raise UserError: why not.
        """
        if not service._is_group_service():
            raise UserError(self._get_not_group_reason(service))
        if start <= fields.Datetime.now():
            raise UserError(self.env._("This time is over."))
        self.env["payment.booking"]._editing()._purge_lapsed(service.sudo(), start)
        if self._has_session(service, start):
            raise SlotTaken(
                self.env._("%s has a session at that time already.", service.name)
            )

    @api.model
    def _has_session(self, service, start):
        """Tell whether a service has a session at a time already."""
        return bool(
            self.sudo().search_count(  # whoever asks may plan the service
                [
                    ("service_id", "=", service.id),
                    ("start", "=", start),
                    ("state", "=", "open"),
                ],
                limit=1,
            )
        )

    def _take_resources(self):
        """Reserve people and rooms for a session that was just planned.

        :raise SlotTaken: if none of those that could serve it is free.
        """
        self.ensure_one()
        session = self._editing()
        service, start = session.service_id, session.start
        wanted = session.resource_ids
        if wanted - service.group_ids.resource_ids:
            raise UserError(
                self.env._("Choose among the people and rooms of the service.")
            )
        for candidate in self._get_candidates(service, start, wanted):
            if session._reserve(candidate.resources):
                session.resource_ids = candidate.resources
                return
        raise SlotTaken(self._get_taken_reason(service, start, wanted))

    def _reserve(self, resources):
        """Insert the reservations of the session, if they are free.

        :return: whether they were.
        :rtype: bool
        """
        self.env.flush_all()
        try:
            with self.env.cr.savepoint(flush=False):
                self.env["payment.booking.reservation"]._insert(
                    resources.ids, *self._get_reserved_period(), None, self
                )
        except psycopg2.errors.ExclusionViolation:
            return False
        return True

    def _get_reserved_period(self, start=None):
        """Return from when until when the session keeps its resources, with buffers.

        :param datetime start: another start than its own.
        """
        service = self.service_id
        start = start or self.start
        return (
            start - timedelta(minutes=service.buffer_before or 0),
            start + timedelta(minutes=service.duration + (service.buffer_after or 0)),
        )

    @api.model
    def _get_candidates(self, service, start, wanted):
        """Yield who could serve a session, the preferred ones first.

        Whoever has another booking or session then is left out. Hours, time off and
        appointments only make somebody less preferred.

        :param payment.booking.service service: what.
        :param datetime start: when (naive UTC).
        :param resource.resource wanted: people and rooms that somebody asked for.
        """
        service = service.sudo()  # users see no calendars
        groups = [group.resource_ids.filtered("active") for group in service.group_ids]
        everyone = service.env["resource.resource"].union(*groups)
        if not groups or not all(groups) or wanted - everyone:
            return
        found = self._get_obstacles(service, everyone, start)
        order = service._order_resources(everyone.ids, start)
        position = {rid: index for index, rid in enumerate(order)}
        wanted_ids = set(wanted.ids)
        combinations = (
            ids
            for ids in product(*(group.ids for group in groups))
            if len(set(ids)) == len(ids)
            and wanted_ids.issubset(ids)
            and not found["taken"].intersection(ids)
        )
        against = found["leave"] | found["meeting"]
        for ids in sorted(
            islice(combinations, 500),
            key=lambda ids: (
                len(against.intersection(ids)),
                len(found["off"].intersection(ids)),
                [position[rid] for rid in ids],
            ),
        )[:20]:
            yield self._describe(service, everyone.browse(ids), found)

    @api.model
    def _get_obstacles(self, service, resources, start, booking=None):
        """Return who has what against a time: sets of resource ids by kind.

        :param payment.booking booking: one whose calendar event does not count.
        :return: `taken`, `leave`, `meeting` and `off` (outside the working hours); and
            whether the service itself is `closed` then or the start `odd`.
        :rtype: dict
        """
        service = service.sudo()  # users see no calendars
        stop = start + timedelta(minutes=service.duration)
        first, last = slots.to_minutes(start), slots.to_minutes(stop)
        before = timedelta(minutes=service.buffer_before or 0)
        after = timedelta(minutes=service.buffer_after or 0)
        hours = service._get_hours(resources, start, stop)

        def is_open(key):
            return any(o <= first and last <= c for o, c in hours[key][0])

        def busy(rows):
            return {rid for rid, left, right in rows if left < stop and right > start}

        days = hours[None][1] if service.calendar_id else set()
        if not service.calendar_id:
            days = days.union(*(hours[rid][1] for rid in resources.ids))
        return {
            "taken": {
                rid
                for rid, _left, _right in service._get_reserved(
                    resources, start - before, stop + after, None
                )
            },
            "leave": busy(service._get_leaves(resources, start, stop)),
            "meeting": busy(service._get_meetings(resources, start, stop, booking)),
            "off": {rid for rid in resources.ids if not is_open(rid)},
            "closed": bool(service.calendar_id) and not is_open(None),
            "odd": not service._is_planned_only()
            and not any(
                first in slots.day_starts(left, right, service.step, first, first + 1)
                for left, right in days
            ),
        }

    @api.model
    def _describe(self, service, resources, found):
        """Return a candidate: resources, with what is against them in words."""

        def names(kind):
            return ", ".join(r.name for r in resources if r.id in found[kind])

        away, notes = [], []
        if names("leave"):
            away.append(self.env._("%(who)s: time off.", who=names("leave")))
        if names("meeting"):
            away.append(
                self.env._(
                    "%(who)s: something else in the calendar.", who=names("meeting")
                )
            )
        if names("off"):
            notes.append(
                self.env._("Outside the working hours of %(who)s.", who=names("off"))
            )
        if found["closed"]:
            notes.append(self.env._("Outside the schedule of the service."))
        if found["odd"] and not notes:
            notes.append(
                self.env._(
                    "Not a usual start: clients choose one every %(step)s minutes.",
                    step=service.step,
                )
            )
        return Candidate(resources.sudo(False), away, notes)

    @api.model
    def _get_not_group_reason(self, service):
        return self.env._(
            "%s has one place per start. Give it more on its form to plan sessions.",
            service.name,
        )

    @api.model
    def _get_taken_reason(self, service, start, wanted):
        """Return why nobody can serve a session, in words.

        See `_get_candidates` for the parameters.
        """
        groups = service.sudo().group_ids  # users see no archived ones
        everyone = groups.resource_ids.filtered("active")
        people = wanted.sudo() or everyone  # as above
        taken = self._get_obstacles(service, everyone, start)["taken"] if groups else ()
        busy = people.filtered(lambda r: r.id in taken)
        if not busy:
            return self.env._("Nobody can do it with these people and rooms.")
        return self.env._(
            "%(who)s: taken by another booking or session at that time.",
            who=", ".join(busy.mapped("name")),
        )

    @api.model
    def _plan_dates(self, service, starts, seats=None, wanted=None):
        """Plan a session at each of several starts; those that cannot be are skipped.

        :param payment.booking.service service: what.
        :param list starts: naive UTC.
        :param int seats: how many places; those of the service by default.
        :param resource.resource wanted: people and rooms asked for.
        :return: the sessions, the (start, reason) of those skipped, and the
            (session, warning) of those at an unusual time.
        """
        self.check_access("create")
        service.check_access("read")
        wanted = wanted or self.env["resource.resource"]
        values = {"service_id": service.id, "resource_ids": [(6, 0, wanted.ids)]}
        if seats:
            values["seats"] = seats
        self._lock_services(service)
        sessions, skipped, unusual = self.browse(), [], []
        for start in starts:
            try:
                with self.env.cr.savepoint():
                    candidate = next(self._get_candidates(service, start, wanted), None)
                    if candidate and candidate.away:
                        raise SlotTaken(" ".join(candidate.away))
                    session = self.create({**values, "start": start})
            except SlotTaken as error:
                skipped.append((start, str(error)))
                continue
            sessions |= session
            if candidate and candidate.notes:
                unusual.append((session, " ".join(candidate.notes)))
        return sessions, skipped, unusual

    # === CLIENTS === #

    def _place_for_clients(self, clients, fee_policy=None):
        """Book places for clients: a booking of their own for each, or none at all.

        A booking that must be paid first is held, another is confirmed.

        :param list clients: values of `payment.booking` for each: `partner_id`, or
            `guest_name`, `guest_email` and `guest_phone`; and `seats`.
        :param str fee_policy: another one than the service's.
        :return: the bookings, and the clients for whom there was no place.
        :raise UserError: if nobody can be added any more.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_open()
        Booking = self.env["payment.booking"]
        bookings, refused = Booking, []
        for client in clients:
            try:
                with self.env.cr.savepoint():
                    booking = Booking.create(self._prepare_place(client, fee_policy))
                    booking.action_place()
            except SlotTaken:
                refused.append(client)
                continue
            bookings |= booking
        return bookings, refused

    def _prepare_place(self, client, fee_policy):
        """Return the values of a client's booking. Override to add to them."""
        values = {"service_id": self.service_id.id, "start": self.start, **client}
        if fee_policy and fee_policy != self.service_id.fee_policy:
            values["fee_policy"] = fee_policy
        return values

    def _check_open(self):
        """Check that clients may still come or go.

        :raise UserError: why not.
        """
        if self.state != "open":
            raise UserError(self.env._("This session is cancelled."))
        if self.start <= fields.Datetime.now():
            raise UserError(self.env._("This session has begun."))

    # === CANCELLING AND MOVING === #

    def _cancel(self, message=None):
        """Cancel sessions: everyone is told, the people and rooms are free again.

        A session that nobody ever booked is removed.

        :param str message: what clients are told besides.
        """
        for session in self._editing():
            session._lock()
            if session.state == "cancelled":
                continue
            bookings = session._get_live_bookings()
            told = bookings.filtered(lambda b: b._knows_of_hold())
            session.write({"state": "cancelled", "cancel_message": message or False})
            bookings._cancel()
            for booking in told:
                booking._send_mail(
                    "payment_booking_portal.mail_template_booking_cancelled"
                )
            session._sync_reservations()
            if not session.booking_ids:
                session.unlink()

    def _get_live_bookings(self):
        """Return the held and confirmed bookings, locked."""
        bookings = self.booking_ids.filtered(lambda b: b._is_live()).sorted("id")
        bookings._lock_and_touch()
        return bookings

    def _move(self, start):
        """Move a session and all its bookings to another time; payments stay.

        :param datetime start: the new start (naive UTC).
        :raise SlotTaken: if its people and rooms are not free then.
        :raise UserError: if the session cannot be moved.
        """
        self.ensure_one()
        session = self._editing()
        session._lock()
        session._check_open()
        service = session.service_id
        start = start.replace(second=0, microsecond=0)
        if start == session.start:
            return
        session._check_plannable(service, start)
        session._move_reservations(start)
        session.start = start
        bookings = session._get_live_bookings()
        for booking in bookings:
            booking._note_event("moved", was_start=booking.start, start=start)
            booking._editing().write({"start": start, "sequence": booking.sequence + 1})
        bookings._quiet_events().browse(bookings.event_ids.ids).write(
            {"start": start, "stop": session.stop}
        )
        for booking in bookings:
            if booking.state == "confirmed" or booking._knows_of_hold():
                booking._send_mail("payment_booking_portal.mail_template_booking_moved")

    def _move_reservations(self, start):
        """Reserve the session's resources at another time instead.

        :raise SlotTaken: if somebody has one of them then.
        """
        self.env.flush_all()
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    SQL(
                        "UPDATE payment_booking_reservation SET start = %s, stop = %s "
                        "WHERE session_id = %s",
                        *self._get_reserved_period(start),
                        self.id,
                    ),
                    log_exceptions=False,
                )
        except psycopg2.errors.ExclusionViolation as error:
            raise SlotTaken(
                self.env._(
                    "%(who)s: not free at that time. Choose another one.",
                    who=", ".join(self.resource_ids.mapped("name")),
                )
            ) from error
        self.env["payment.booking.reservation"].invalidate_model()

    # === ACTIONS === #

    def action_cancel(self, message=None):
        """Cancel sessions from the back office.

        :param str message: what clients are told besides.
        """
        self.check_access("write")
        self._cancel(message and str(message).strip()[: const.MAX_TEXT])

    def action_move(self, start):
        """Move a session from the back office.

        :param start: the new start (UTC), a datetime or its text.
        """
        self.check_access("write")
        self._move(fields.Datetime.to_datetime(start))
