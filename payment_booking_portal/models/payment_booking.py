import logging
from datetime import timedelta

import psycopg2
import pytz

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_date, format_time

from .. import const
from ..exceptions import AlreadyPaid, SlotTaken, StaleSnapshot
from ..gateways import OPEN, PAID, LocalGateway, get_gateway
from ..tools import ics, slots
from .payment_document_event import acting_as
from .payment_protected_mixin import EDIT_SENTINEL

_logger = logging.getLogger(__name__)

# Facts that only our methods change: what was sold, when, to whom it belongs.
PROTECTED_FIELDS = {
    "state",
    "hold_until",
    "confirmed_at",
    "session_id",
    "sequence",
    "visitor_key",
    "client_key",
    "request_key",
    "allocation_ids",
    "form_answer_ids",
    "form_submission_ids",
    "invoice_id",
    "name",
    "placed_by_id",
    "pay_until",
    "remind_at",
    "unpaid_told",
    "pays_at_venue",
    "direct_link_id",
    "return_url",
    "unused_money",
    "ended_at",
}
# Open in a draft, protected as soon as somebody holds the time.
PROTECTED_ONCE_PLACED = {
    "service_id",
    "company_id",
    "start",
    "stop",
    "seats",
    "resource_ids",
    "fee_policy",
    "currency_id",
    "has_own_price",
    "price_unit",
    "tax_ids",
    "fiscal_position_id",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
}


class PaymentBooking(models.Model):
    _name = "payment.booking"
    _description = "Booking"
    _inherit = "payment.document.mixin"
    _order = "start desc, id desc"
    _payable_allocation_field = "booking_id"
    _document_sequence = "payment.booking"
    _protected_fields = PROTECTED_FIELDS
    _fresh_link_template = "payment_booking_portal.mail_template_booking_payment"

    # === FIELDS === #

    service_id = fields.Many2one(
        "payment.booking.service",
        required=True,
        ondelete="restrict",
        index=True,
        tracking=True,
    )
    company_id = fields.Many2one(
        related="service_id.company_id", store=True, index=True, precompute=True
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        compute="_compute_user_id",
        store=True,
        readonly=False,
        precompute=True,
    )

    note = fields.Text(string="Message of the Client")
    tz = fields.Char(string="Time Zone of the Client")

    # When and with whom
    start = fields.Datetime(required=True, index=True, tracking=True, copy=False)
    stop = fields.Datetime(
        compute="_compute_stop", store=True, precompute=True, readonly=True
    )
    resource_ids = fields.Many2many(
        "resource.resource",
        "payment_booking_resource_rel",
        string="With",
        copy=False,
    )
    session_id = fields.Many2one(
        "payment.booking.session", ondelete="set null", index=True, copy=False
    )
    seats = fields.Integer(string="Places", default=1, required=True)
    event_ids = fields.One2many("calendar.event", "payment_booking_id", copy=False)
    sequence = fields.Integer(
        default=0, copy=False, help="Version of the calendar file."
    )

    # What it costs (frozen when it is placed)
    fee_policy = fields.Selection(const.FEE_POLICIES, copy=False, tracking=True)
    # No digits: a currency may have three decimals.
    price_unit = fields.Float(string="Unit Price", copy=False)
    tax_ids = fields.Many2many("account.tax", readonly=True, copy=False)
    allocation_ids = fields.One2many(
        "payment.transaction.allocation", "booking_id", readonly=True
    )
    form_answer_ids = fields.One2many(
        "payment.form.answer",
        "booking_id",
        string="Form",
        readonly=True,
        groups="payment_booking_portal.group_user",
    )
    form_submission_ids = fields.One2many(
        "payment.form.submission",
        "booking_id",
        string="Forms Sent",
        readonly=True,
        groups="payment_booking_portal.group_manager",
    )

    # When money came (see `payment.overview`). Test money is no money here.
    last_received_at = fields.Datetime(
        string="Last Payment",
        compute="_compute_received",
        search="_search_last_received_at",
    )
    amount_received = fields.Monetary(
        string="Received",
        compute="_compute_received",
        help="Money that came and was kept, in the period of a list if it has one.",
    )

    # Three separate facts
    state = fields.Selection(
        const.BOOKING_STATES,
        default="draft",
        required=True,
        readonly=True,
        copy=False,
        index=True,
        tracking=True,
    )
    attendance = fields.Selection(
        const.ATTENDANCES, default="none", required=True, copy=False, tracking=True
    )
    hold_until = fields.Datetime(readonly=True, copy=False)
    confirmed_at = fields.Datetime(readonly=True, copy=False)
    ended_at = fields.Datetime(
        readonly=True, copy=False, help="When it expired, or was cancelled."
    )

    # For the form
    policy_now = fields.Selection(const.FEE_POLICIES, compute="_compute_policy_now")
    service_seats = fields.Integer(related="service_id.seats")
    service_currency_ids = fields.Many2many(
        related="service_id.accepted_currency_ids", string="Currencies of the Service"
    )
    service_has_several_currencies = fields.Boolean(
        related="service_id.has_several_currencies"
    )

    # Made by staff
    placed_by_id = fields.Many2one(
        "res.users", string="Booked by", readonly=True, copy=False
    )
    has_own_price = fields.Boolean(
        string="Another Price",
        copy=False,
        help="Sold at a price agreed with the client instead of the service's.",
    )
    pay_until = fields.Datetime(
        string="To Be Paid Until",
        readonly=True,
        copy=False,
        help="Until when staff asked the client to pay. A hold ends then.",
    )
    due_at = fields.Datetime(
        string="Due",
        compute="_compute_due_at",
        store=True,
        precompute=True,
        index=True,
        help="The date that staff set, else that of the appointment.",
    )
    pays_at_venue = fields.Boolean(
        string="Pays at the Appointment",
        readonly=True,
        copy=False,
        help="The client said so on the pay page. The amount stays due.",
    )
    unpaid_told = fields.Boolean(readonly=True, copy=False)
    remind_at = fields.Datetime(
        string="Reminder",
        readonly=True,
        copy=False,
        help="When the client is reminded of the payment, once.",
    )
    can_invoice = fields.Boolean(compute="_compute_can_invoice")
    time_warnings = fields.Text(compute="_compute_time_warnings")
    start_label = fields.Char(string="Time of the Day", compute="_compute_start_label")

    # Who placed it
    visitor_key = fields.Char(readonly=True, copy=False, groups="base.group_system")
    client_key = fields.Char(
        readonly=True,
        copy=False,
        groups="base.group_system",
        index="btree_not_null",
        help="Keyed hash of the address that booked in a frame, for the rate limit.",
    )
    request_key = fields.Char(readonly=True, copy=False, groups="base.group_system")

    # One hold per visitor and service; the same form sent twice books once.
    _visitor_uniq = models.UniqueIndex(
        "(visitor_key, service_id) WHERE state = 'hold' AND visitor_key IS NOT NULL"
    )
    _request_uniq = models.UniqueIndex("(request_key) WHERE request_key IS NOT NULL")
    _hold_index = models.Index("(hold_until) WHERE state = 'hold'")
    _remind_index = models.Index("(remind_at) WHERE remind_at IS NOT NULL")
    _pay_until_index = models.Index(
        "(pay_until) WHERE state = 'confirmed' AND unpaid_told IS NOT TRUE"
    )
    _unsettled_index = models.Index(
        f"(partner_id) WHERE {const.UNSETTLED_DOCUMENT % {'row': ''}}"
    )
    _start_before_stop = models.Constraint(
        "CHECK (start < stop)", "A booking ends after it starts."
    )
    _seats_positive = models.Constraint(
        "CHECK (seats BETWEEN 1 AND 1000)", "A booking has at least one place."
    )

    # === COMPUTE METHODS === #

    @api.depends("service_id.user_id")
    def _compute_user_id(self):
        for booking in self:
            booking.user_id = booking.user_id or booking.service_id.user_id

    @api.depends("start", "service_id")
    def _compute_stop(self):
        for booking in self:
            duration = timedelta(minutes=booking.service_id.duration or 1)
            booking.stop = booking.start and booking.start + duration

    @api.depends("name", "service_id.name", "client_name")
    @api.depends_context("booking_client_first")
    def _compute_display_name(self):
        for booking in self:
            what = booking.service_id.sudo().name  # of an unpublished service too
            reference = booking.name != "/" and booking.name
            parts = [reference, what, booking.client_name]
            if self.env.context.get("booking_client_first"):
                parts.reverse()  # what counts in the narrow boxes of a calendar
            booking.display_name = " – ".join(filter(None, parts))

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for booking in self:
            booking.access_url = f"/my/bookings/{booking.id}"
        return result

    @api.depends(
        "allocation_ids.amount",
        "allocation_ids.transaction_id.state",
        "allocation_ids.transaction_id.child_transaction_ids.state",
        "invoice_id.allocation_ids.transaction_id.state",
    )
    @api.depends_context("received_period")
    def _compute_received(self):
        since = self.env["payment.overview"]._get_since(
            self.env.context.get("received_period"), self.company_id
        )
        rows = self.env.execute_query(
            SQL(
                "SELECT booking_id, received_at, amount FROM %s received "
                "WHERE booking_id = ANY(%s)",
                self._get_received_sql(since),
                self._origin.ids,
            )
        )
        found = {booking_id: values for booking_id, *values in rows}
        for booking in self:
            received = found.get(booking._origin.id, (False, 0.0))
            booking.last_received_at, booking.amount_received = received

    def _search_last_received_at(self, operator, value):
        operators = {op: SQL(op) for op in ("<", "<=", ">", ">=")}
        if operator not in operators:
            return NotImplemented
        query = SQL(
            "(SELECT booking_id FROM %s received WHERE received_at %s %s)",
            self._get_received_sql(),
            operators[operator],
            value,
        )
        return [("id", "in", query)]

    def _get_received_sql(self, since=None):
        """Return a table of the real money that came for bookings and was kept.

        Raw SQL: plain users read no transactions. Whoever uses it selects bookings that
        the user may read.

        :param dict since: from when (naive UTC) by company; from ever by default.
        :return: rows of `booking_id`, `received_at` (the last time), `amount`.
        :rtype: SQL
        """
        self.env["payment.transaction"].flush_model()
        self.env["payment.transaction.allocation"].flush_model()
        periods = since and SQL(" OR ").join(
            SQL("tx.company_id = %s AND tx.last_state_change >= %s", company.id, moment)
            for company, moment in since.items()
        )
        return SQL(
            """
            (SELECT kept.booking_id,
                    max(kept.received_at) AS received_at,
                    sum(kept.amount) AS amount
               FROM (SELECT a.booking_id,
                            tx.last_state_change AS received_at,
                            a.amount - %(back)s AS amount
                       FROM payment_transaction_allocation a
                       JOIN payment_transaction tx ON tx.id = a.transaction_id
                       JOIN res_currency c ON c.id = tx.currency_id
                      WHERE a.booking_id IS NOT NULL AND %(money)s
                      UNION ALL
                     SELECT part.booking_id,
                            tx.last_state_change,
                            (a.amount - %(back)s) * part.share
                       FROM payment_transaction_allocation a
                       JOIN payment_transaction tx ON tx.id = a.transaction_id
                       JOIN res_currency c ON c.id = tx.currency_id
                       JOIN (%(parts)s) part ON part.invoice_id = a.invoice_id
                      WHERE %(money)s) kept
              WHERE kept.amount > 0
              GROUP BY kept.booking_id)
            """,
            back=SQL(
                """
                round(coalesce((
                    SELECT -sum(child.amount) FROM payment_transaction child
                     WHERE child.source_transaction_id = tx.id
                       AND child.operation = 'refund' AND child.state = 'done'
                    ), 0) * a.amount / tx.amount, c.decimal_places)
                """
            ),
            money=SQL(
                "tx.state = 'done' AND tx.is_live AND (%s)", periods or SQL("TRUE")
            ),
            parts=self._get_invoice_parts_sql(),
        )

    def _get_invoice_parts_sql(self):
        """Return which part of the money of an invoice came for each of its bookings:
        in proportion of what is left of it (see `account.move`).

        :return: a query of `invoice_id`, `booking_id`, `share` (at most 1).
        :rtype: SQL
        """
        return SQL(
            """
            SELECT b.invoice_id,
                   b.id AS booking_id,
                   greatest(0, b.amount_total - coalesce(own.amount, 0)) / nullif(
                       sum(greatest(0, b.amount_total - coalesce(own.amount, 0)))
                       OVER (PARTITION BY b.invoice_id), 0) AS share
              FROM payment_booking b
              LEFT JOIN LATERAL (
                    SELECT sum(a.amount) AS amount
                      FROM payment_transaction_allocation a
                      JOIN payment_transaction tx ON tx.id = a.transaction_id
                     WHERE a.booking_id = b.id AND tx.state = 'done') own ON TRUE
             WHERE b.invoice_id IN (
                   SELECT invoice_id FROM payment_transaction_allocation
                    WHERE invoice_id IS NOT NULL)
            """
        )

    @api.depends("fee_policy", "service_id.fee_policy")
    def _compute_policy_now(self):
        for booking in self:
            booking.policy_now = booking.fee_policy or booking.service_id.fee_policy

    @api.depends("state", "fee_policy", "amount_total", "invoice_id.state")
    def _compute_can_invoice(self):
        for booking in self:
            booking.can_invoice = not booking._get_own_invoice_refusal()

    @api.depends("service_id", "start", "resource_ids", "seats", "state")
    def _compute_time_warnings(self):
        for booking in self:
            warnings = []
            if booking.state == "draft" and booking.service_id and booking.start:
                warnings = booking.service_id._get_start_warnings(
                    booking.start, booking.resource_ids._origin, booking.seats
                )
            booking.time_warnings = "\n".join(warnings)

    @api.depends("pay_until", "start")
    def _compute_due_at(self):
        for booking in self:
            booking.due_at = booking.pay_until or booking.start

    @api.depends("start")
    @api.depends_context("tz", "lang")
    def _compute_start_label(self):
        for booking in self:
            booking.start_label = booking.start and format_time(
                self.env, booking.start, time_format="short"
            )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if not self._is_protected_edit():
                self._check_protected(vals)
                if vals.get("state", "draft") != "draft":
                    self._refuse_protected("state")
            if vals.get("name", "/") == "/":
                vals["name"] = self._next_number()
        return super().create(vals_list)

    def write(self, vals):
        if not self._is_protected_edit():
            if vals.get("start") and len(self) == 1 and self.state != "draft":
                vals = self._move_by_write(vals)
            self._check_protected(vals)
            if any(booking.state != "draft" for booking in self):
                self._check_protected(vals, PROTECTED_ONCE_PLACED)
        self._note_attendance(vals)
        result = super().write(vals)
        if "start" in vals:
            # Together: to flush the start alone would break `start < stop`.
            self.flush_recordset(["start", "stop"])
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_except_placed(self):
        if any(booking.state in ("hold", "confirmed") for booking in self):
            raise UserError(self.env._("Cancel a booking before you delete it."))
        if any(booking.sudo().allocation_ids for booking in self):  # as above
            raise UserError(
                self.env._("A booking that somebody paid for cannot be deleted.")
            )

    # === STATE === #

    def _update_state(self, allowed_states, target_state, **values):
        """Change the state of bookings: the only method that does.

        Bookings that are in the target state already are skipped; those in a state
        that does not lead there are skipped and logged in their chatter by nobody:
        the caller decides what it means. The rows are locked and touched first.

        :param tuple allowed_states: source states the caller expects.
        :param str target_state: one of `const.BOOKING_STATES`.
        :param dict values: further protected values to write.
        :return: the bookings that changed.
        :rtype: payment.booking
        """
        self._lock_and_touch()
        self.invalidate_recordset(["state"])
        changed = self.filtered(
            lambda b: b.state in allowed_states
            and (b.state, target_state) in const.BOOKING_TRANSITIONS
        )
        changed._editing().write({"state": target_state, **values})
        if target_state in const.EVENT_OF_STATE:
            changed._note_event(const.EVENT_OF_STATE[target_state])
        return changed

    def _note_attendance(self, vals):
        """Keep that a client came or did not, for the timeline.

        :param dict vals: what is about to be written.
        """
        value = vals.get("attendance")
        if value in const.EVENT_OF_ATTENDANCE:
            changed = self.filtered(lambda booking: booking.attendance != value)
            changed._note_event(const.EVENT_OF_ATTENDANCE[value])

    def _prepare_event_details(self, kind, tx=None):
        """Override to say which time was chosen, and how long it is held."""
        details = super()._prepare_event_details(kind, tx)
        if kind == "chosen":
            details["start"] = self.start
        elif kind == "held":
            details["until"] = self.hold_until
        return details

    # === PLACING === #

    @api.model
    def _place(
        self,
        service,
        start,
        values,
        *,
        resource=None,
        seats=1,
        currency=None,
        partner=None,
        visitor_key=None,
        request_key=None,
    ):
        """Book a time: a hold if it must be paid first, else a confirmed booking.

        Everything is checked again here; that a start was offered means nothing. The
        loser of a race leaves nothing behind: the caller rolls back.

        :param payment.booking.service service: what.
        :param datetime start: when (naive UTC).
        :param dict values: what the client typed.
        :param resource.resource resource: the person or room the client wants.
        :param int seats: how many places.
        :param res.currency currency: one of the offered currencies.
        :param res.partner partner: the client, when proved (login, staff).
        :param str visitor_key: the visitor's secret: one hold per service and visitor.
        :param str request_key: the form's secret: the same form books once.
        :return: the booking, sudoed.
        :rtype: payment.booking
        :raise SlotTaken: if somebody was quicker, or the start cannot be booked.
        :raise UserError: if the service or the currency is not on offer.
        :raise StaleSnapshot: try again after a rollback.
        """
        bookings = self._editing()  # guests own nothing; all of it is checked here
        service = service.sudo()  # as above
        known = bookings._find_placed(service, visitor_key, request_key)
        same = known.filtered(lambda b: request_key and b.request_key == request_key)
        if same:
            return self.sudo().browse(same.ids)  # without the right to edit
        currency = currency or service.currency_id
        bookings._check_offer(service, currency)
        bookings._lock_resources(service.group_ids.resource_ids)
        mine = known._replace_own_hold(start, resource, seats, currency)
        if mine:
            return self.sudo().browse(mine.ids)  # without the right to edit
        bookings._purge_lapsed(service, start)
        availability = service._get_availability(
            start, start + timedelta(minutes=1), resource, seats
        )
        if slots.to_minutes(start) not in availability.starts or start.second:
            raise SlotTaken(self.env._("Somebody was quicker."))
        price = service._prepare_price(currency, seats, partner)
        hold_until = False
        if service.fee_policy == "required":
            self._check_payment_possible(service, price, partner, start)
            hold_until = fields.Datetime.now() + timedelta(minutes=service.hold_minutes)
        booking = bookings.with_context(tracking_disable=True).create(
            {
                **bookings._clean_values(values),
                "service_id": service.id,
                "start": start,
                "seats": seats,
                "partner_id": partner.id if partner else False,
                "fee_policy": service.fee_policy,
                "visitor_key": hold_until and visitor_key,
                "request_key": request_key,
                "state": "hold" if hold_until else "draft",
                "hold_until": hold_until,
                **price,
            }
        )
        if not booking._allocate(availability, hold_until):
            raise SlotTaken(self.env._("Somebody was quicker."))
        booking = booking.with_context(tracking_disable=False)
        booking._note_event("chosen", *["held"] * bool(hold_until))
        if hold_until:
            booking._trigger_release_cron()
        else:
            booking._confirm()
        return self.sudo().browse(booking.ids)  # without the right to edit

    @api.model
    def _is_rate_limited(self, client_key):
        """Tell whether an address booked too often in frames lately.

        :param str client_key: see `payment.transaction._make_client_key`.
        """
        most, minutes = const.RATE_ADDRESS
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        domain = [("client_key", "=", client_key), ("create_date", ">", since)]
        return self.search_count(domain, limit=most) >= most

    def _check_offer(self, service, currency):
        """Check that a service is on offer, in a currency.

        Whether the money can be taken is checked once its amount is known.

        :raise UserError: why not, for the client.
        """
        reason = service._get_incomplete_reason(check_hours=False)
        if reason or not service._is_visible():
            raise UserError(self.env._("Online booking is closed at the moment."))
        if (
            currency != service.currency_id
            and currency not in service.company_id._get_booking_currencies()
        ):
            raise UserError(
                self.env._(
                    "This service cannot be paid in %(currency)s.",
                    currency=currency.name,
                )
            )

    def _check_payment_possible(self, service, price, partner, start):
        """Check that the very amount of a booking can be paid, in time for its start.

        :param dict price: see `payment.booking.service._prepare_price`.
        :raise UserError: why not, for the client: it is never free by accident.
        """
        currency = self.env["res.currency"].browse(price["currency_id"])
        amount = price["amount_total"]
        providers = None
        if not currency.is_zero(amount):
            providers, _methods = self.env["payment.provider"]._get_usable(
                service.company_id,
                currency,
                amount,
                partner=partner,
                required=True,
                start=start,
            )
        if not providers:
            raise UserError(self.env._("Online booking is closed at the moment."))

    def _get_return_results(self):
        """Override: a booking that counts, paid or not."""
        results = super()._get_return_results()
        return ["booked", *results] if self.state == "confirmed" else results

    def _clean_values(self, values):
        """Override to keep the time zone and the message of the client."""
        cleaned = super()._clean_values(values)
        if values.get("tz") in pytz.all_timezones_set:
            cleaned["tz"] = values["tz"]
        if values.get("note"):
            cleaned["note"] = str(values["note"]).strip()[: const.MAX_TEXT]
        if values.get("client_key"):
            cleaned["client_key"] = values["client_key"]
        if values.get("direct_link_id"):  # from the session
            link = self.env["payment.direct.link"].browse(values["direct_link_id"])
            cleaned["direct_link_id"] = link.exists().id
        return cleaned

    def _lock_resources(self, resources):
        """Lock resources in id order: always before bookings (see `SLOTS`).

        The lock keeps racers from waiting for each other in circles; what forbids a
        double booking is the exclusion constraint.
        """
        if resources:
            self.env.execute_query(
                SQL(
                    "SELECT id FROM resource_resource WHERE id = ANY(%s) "
                    "ORDER BY id FOR NO KEY UPDATE",
                    resources.ids,
                )
            )

    def _find_placed(self, service, visitor_key, request_key):
        """Return the booking of a form sent before, and the visitor's hold.

        See `_place` for the parameters. What a lock waits for is not seen: the unique
        indexes are what refuses a second one.
        """
        mine = Domain.FALSE
        if visitor_key:
            mine = (
                Domain("visitor_key", "=", visitor_key)
                & Domain("service_id", "=", service.id)
                & Domain("state", "=", "hold")
            )
        if request_key:
            mine |= Domain("request_key", "=", request_key)
        return self.search(mine)

    def _replace_own_hold(self, start, resource, seats, currency):
        """Return the visitor's hold if it is the same one, else give it up.

        :raise UserError: if money may be on its way for another time.
        """
        if not self:
            return self
        mine = self.ensure_one()
        same = (
            mine.start == start
            and mine.seats == seats
            and mine.currency_id == currency
            and (not resource or resource <= mine.resource_ids)
        )
        if same and mine._is_hold_alive():
            return mine
        if mine._is_money_underway():
            raise UserError(
                self.env._(
                    "You are paying for another time of this service. Finish or drop "
                    "that booking first."
                )
            )
        mine._stop_live_transactions()
        mine._release("cancelled" if mine._is_hold_alive() else "expired")
        return self.browse()

    def _purge_lapsed(self, service, start):
        """Give back the times of holds that are over, on the resources of a service.

        A booking that somebody is just paying for is locked, and kept.
        """
        now = fields.Datetime.now()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT b.id FROM payment_booking b
                 WHERE b.state = 'hold' AND b.id IN (
                    SELECT r.booking_id FROM payment_booking_reservation r
                     WHERE r.resource_id = ANY(%(resources)s)
                       AND r.expires_at <= %(now)s
                    UNION
                    SELECT s.booking_id FROM payment_booking_seat s
                      JOIN payment_booking_session t ON t.id = s.session_id
                     WHERE s.expires_at <= %(now)s
                       AND (t.service_id = %(service)s AND t.start = %(start)s
                            OR EXISTS (
                                SELECT FROM payment_booking_reservation r
                                 WHERE r.session_id = t.id
                                   AND r.resource_id = ANY(%(resources)s)
                                   AND r.expires_at <= %(now)s))
                 )
                 ORDER BY b.id
                   FOR NO KEY UPDATE OF b SKIP LOCKED
                """,
                resources=service.group_ids.resource_ids.ids,
                service=service.id,
                start=start,
                now=now,
            )
        )
        for booking in self.browse([bid for [bid] in rows]):
            # Drafts that only we know of: the clock's doing, not who comes by.
            acting_as(booking, "system")._stop_live_transactions()
            if booking._release("expired") and booking.pay_until:
                booking._tell_unpaid()

    def _allocate(self, availability, expires_at, by_staff=False, wanted=None):
        """Take the resources or seats for the booking's time.

        :param Availability availability: one that covers the start.
        :param datetime expires_at: when they are free again by themselves, if ever.
        :param bool by_staff: whether a start may be taken that is not on offer.
        :param resource.resource wanted: then, those that it must be.
        :return: whether they could be had.
        :rtype: bool
        """
        self.ensure_one()
        combinations = self._get_combinations(availability, by_staff, wanted)
        if self.service_id._is_group_service():
            return self._allocate_seats(combinations, expires_at)
        for resources in combinations:
            if self._reserve(resources, self, expires_at):
                self._editing().resource_ids = resources
                return True
        return False

    def _get_combinations(self, availability, by_staff=False, wanted=None):
        """Yield the resources to try, see `_allocate`: first those on offer."""
        service = self.service_id
        yield from service._get_combinations(availability, self.start)
        if by_staff:
            yield from service._get_combinations_for_staff(self.start, wanted)

    def _reserve(self, resources, owner, expires_at):
        """Insert the reservations of an owner (booking or session), if they are free.

        :return: whether they were.
        :rtype: bool
        """
        self.env.flush_all()
        try:
            with self.env.cr.savepoint(flush=False):
                self.env["payment.booking.reservation"]._insert(
                    resources.ids,
                    *self.service_id._get_span(self.start),
                    expires_at,
                    owner,
                )
        except psycopg2.errors.ExclusionViolation:
            return False
        return True

    def _allocate_seats(self, combinations, expires_at):
        """Take places in the session of the booking's start, opening it if need be.

        :param combinations: the resources to try for a new session.
        """
        Session = self.env["payment.booking.session"]
        session = Session._find_open(self.service_id, self.start)
        session = session or self._open_session(combinations, expires_at)
        if not session:
            return False
        taken = session._get_taken_seats()[session.id]
        numbers = [n for n in range(1, session.seats + 1) if n not in taken]
        got = 0
        for number in numbers:
            if got == self.seats:
                break
            got += self._take_seat(session, number, expires_at)
        if got < self.seats:
            return False
        editing = self._editing()
        editing.session_id = session
        editing.resource_ids = session.resource_ids
        session._sync_reservations()
        return True

    def _open_session(self, combinations, expires_at):
        """Return a new session at the booking's start, empty if no resource is free.

        :param combinations: the resources to try.
        :raise StaleSnapshot: if somebody has just opened it.
        """
        service = self.service_id
        Session = self.env["payment.booking.session"]
        for resources in combinations:
            self.env.flush_all()
            try:
                with self.env.cr.savepoint(flush=False):
                    # Raw SQL: the ORM would log an error for every loser of a race.
                    self.env.cr.execute(
                        SQL(
                            """
                            INSERT INTO payment_booking_session (
                                service_id, company_id, start, stop, seats, state,
                                create_uid, write_uid, create_date, write_date)
                            VALUES (%s, %s, %s, %s, %s, 'open', %s, %s,
                                now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
                            RETURNING id
                            """,
                            service.id,
                            service.company_id.id,
                            self.start,
                            self.stop,
                            service.seats,
                            self.env.uid,
                            self.env.uid,
                        ),  # fmt: skip
                        log_exceptions=False,
                    )
                    session = Session.browse(self.env.cr.fetchone()[0])
                    if not self._reserve(resources, session, expires_at):
                        raise psycopg2.errors.ExclusionViolation()
            except psycopg2.errors.UniqueViolation as error:
                raise StaleSnapshot() from error
            except psycopg2.errors.ExclusionViolation:
                continue
            session._editing().resource_ids = resources
            return session
        return Session

    def _take_seat(self, session, number, expires_at):
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(
                    SQL(
                        """
                        INSERT INTO payment_booking_seat (
                            session_id, booking_id, seat, expires_at,
                            create_uid, write_uid, create_date, write_date)
                        VALUES (%s, %s, %s, %s, %s, %s,
                            now() AT TIME ZONE 'UTC', now() AT TIME ZONE 'UTC')
                        """,
                        session.id,
                        self.id,
                        number,
                        expires_at or None,
                        self.env.uid,
                        self.env.uid,
                    ),  # fmt: skip
                    log_exceptions=False,
                )
        except psycopg2.errors.UniqueViolation:
            return False
        self.env["payment.booking.seat"].invalidate_model()
        return True

    # === HOLDING === #

    def _hold(self, hold_until):
        """Keep the time for a client who has to pay.

        :param datetime hold_until: until when (naive UTC).
        """
        self._update_state(("draft",), "hold", hold_until=hold_until)
        self._trigger_release_cron()

    def _trigger_release_cron(self):
        # The cron tidies up; what counts is `expires_at`, whenever somebody looks.
        # A trigger alone, as `ir.cron._trigger` makes: the cron need not be read.
        cron_id = self.env["ir.model.data"]._xmlid_to_res_id(
            "payment_booking_portal.ir_cron_release_holds", raise_if_not_found=True
        )
        self.env["ir.cron.trigger"].sudo().create(  # clients may not
            [
                {
                    "cron_id": cron_id,
                    "call_at": booking.hold_until.replace(second=0)
                    + timedelta(minutes=1),
                }
                for booking in self
            ]
        )

    def _is_hold_alive(self):
        """Tell whether the time is still kept for the client."""
        self.ensure_one()
        return self.state == "hold" and (
            self.hold_until > fields.Datetime.now() or self._is_money_underway()
        )

    def _is_money_underway(self):
        """Tell whether money came already, or may come whatever we do.

        A draft of a provider whose whole truth is here can be stopped; a bank transfer
        has its own deadline, which is the hold's.
        """
        self.ensure_one()
        return bool(self._get_payable_paid()) or any(
            not isinstance(get_gateway(tx.provider_id), LocalGateway)
            or (tx.state != "draft" and not tx.provider_id._is_slow())
            for tx in self._get_live_transactions()
        )

    def _sync_clock(self):
        """Let the reservations end with the hold, or never, as its payment demands."""
        for booking in self.sudo():  # plain users may not touch reservations
            expires_at = False
            if booking.state == "hold" and not booking._is_money_underway():
                expires_at = booking.hold_until
            for model in ("payment.booking.reservation", "payment.booking.seat"):
                rows_sudo = self.env[model].sudo()  # as above
                rows_sudo = rows_sudo.search([("booking_id", "=", booking.id)])
                rows_sudo.write({"expires_at": expires_at})
            booking.session_id._sync_reservations()

    def _release(self, target_state):
        """Give the time back and end the booking.

        :param str target_state: `expired` or `cancelled`.
        :return: the bookings that ended.
        :rtype: payment.booking
        """
        ended = self._update_state(
            ("hold", "confirmed"),
            target_state,
            hold_until=False,
            ended_at=fields.Datetime.now(),
        )
        ended._free_time()
        return ended

    def _free_time(self):
        """Delete the reservations and seats of the bookings."""
        for model in ("payment.booking.reservation", "payment.booking.seat"):
            # sudo: plain users may not touch reservations
            self.env[model].sudo().search([("booking_id", "in", self.ids)]).unlink()
        self.session_id.sudo()._sync_reservations()  # as above

    def _is_live(self):
        """Tell whether the booking has a time, held or confirmed."""
        self.ensure_one()
        return self.state in ("hold", "confirmed")

    def _knows_of_hold(self):
        """Tell whether the client was told of a hold: staff made it, or a transfer is
        waited for. Who just left a page half-way gets no mail.
        """
        self.ensure_one()
        booking_sudo = self.sudo()  # the secret is for nobody's eyes
        return self.state == "hold" and (
            not booking_sudo.visitor_key or booking_sudo.awaits_transfer
        )

    def _drop_hold(self):
        """Give up a hold that the client does not want any more.

        :raise AlreadyPaid: if money has come.
        :raise UserError: if money may be on its way.
        """
        self.ensure_one()
        self._lock_and_touch()
        if self.state != "hold":
            return
        alive = self._stop_live_transactions()
        if self._get_payable_paid():
            raise AlreadyPaid(self.env._("A payment has come meanwhile."), self)
        if alive:
            raise UserError(
                self.env._(
                    "You have started a payment already. Finish it, or wait a few "
                    "minutes before you choose another way to pay."
                )
            )
        self._release("cancelled")

    def _get_stop_reason(self):
        """Override to say what is over."""
        return self.env._("The time to pay is over.")

    @api.model
    def _cron_release_holds(self, limit=None):
        """End the holds that are over, once no money can come any more.

        :param int limit: how many are looked at in one run; all by default: those
            kept for an unanswered payment must not stand before the others.
        """
        domain = [("state", "=", "hold"), ("hold_until", "<=", fields.Datetime.now())]
        todo = self.search(domain, order="hold_until", limit=limit)
        ids, cron = todo.ids, self.env["ir.cron"]
        cron._commit_progress(remaining=len(ids))
        for bid in ids:
            booking = self.browse(bid).try_lock_for_update().filtered_domain(domain)
            try:
                booking._end_hold()
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                if not isinstance(error, psycopg2.OperationalError):
                    self.browse(bid)._flag_attention("late_kept", str(error))
            if not cron._commit_progress(1):
                break

    def _end_hold(self):
        """Release holds on the provider's answer, or at the cap (DESIGN, D5)."""
        for booking in self:
            booking._lock_and_touch()
            alive = booking._stop_live_transactions()
            if booking._get_payable_paid() or PAID in alive.values():
                continue  # post-processing confirms it
            waiting = [tx for tx in alive if not tx.provider_id._is_slow()]
            hours = booking.company_id.booking_late_hours or const.HOLD_CAP_HOURS
            cap = booking.hold_until + timedelta(hours=hours)
            if waiting and fields.Datetime.now() < cap:
                continue
            expected = [tx for tx in waiting if alive[tx] == OPEN and tx._is_asked()]
            if expected:  # until the provider says that it is over
                if booking.attention_reason != "late_kept":
                    booking._flag_attention(
                        "late_kept",
                        self.env._(
                            "%(provider)s says that a payment may still come, "
                            "%(hours)s hours later. The time is kept.",
                            provider=expected[0].provider_id.name,
                            hours=hours,
                        ),
                    )
                continue
            if waiting:
                booking._flag_attention(
                    "late_kept",
                    self.env._(
                        "%(provider)s gave no answer about a payment for %(hours)s "
                        "hours. The time was given back.",
                        provider=waiting[0].provider_id.name,
                        hours=hours,
                    ),
                )
            if booking._release("expired") and booking.pay_until:
                booking._tell_unpaid()

    # === CONFIRMING === #

    def _get_amount_required(self):
        """Return the money without which the booking does not count."""
        self.ensure_one()
        return self.amount_total if self.fee_policy == "required" else 0.0

    def _is_covered(self):
        """Tell whether enough money came for the booking to count."""
        self.ensure_one()
        required = self._get_amount_required()
        currency = self._get_payable_currency()
        return currency.compare_amounts(self._get_payable_paid(), required) >= 0

    def _confirm(self, reason=None):
        """Confirm bookings: the one way, whoever asks.

        :param str reason: why one is confirmed without its money; the caller has
            checked that a manager says so.
        :raise UserError: if a booking that must be paid first is not.
        """
        for booking in self.sudo():  # what a client may confirm is checked here
            booking._lock_and_touch()
            if booking.state == "confirmed":
                continue
            if not reason and not booking._is_covered():
                raise UserError(
                    self.env._("This booking counts once it is paid: it is not yet.")
                )
            if not booking._update_state(
                ("draft", "hold", "expired"),
                "confirmed",
                hold_until=False,
                confirmed_at=fields.Datetime.now(),
            ):
                raise UserError(
                    self.env._("A cancelled booking cannot be confirmed any more.")
                )
            booking._note_event("confirmed", text=reason)
            booking._ensure_payable_partner()
            booking._prepare_signup()
            booking._sync_clock()
            booking._make_calendar_event()
            booking._send_mail("payment_booking_portal.mail_template_booking_confirmed")
            if reason:
                booking.message_post(
                    body=self.env._("Confirmed without payment: %(why)s", why=reason)
                )
            elif not booking.placed_by_id and not booking._get_payable_paid():
                booking._notify_staff(
                    "booked", self.env._("%(who)s booked.", who=booking.client_name)
                )

    def _regain_time(self):
        """Take the time of an expired booking again, with anybody who is free.

        :return: whether it could be had.
        :rtype: bool
        """
        self.ensure_one()
        if self.start <= fields.Datetime.now():
            return False
        self._purge_lapsed(self.service_id, self.start)
        availability = self.service_id._get_availability(
            self.start,
            self.start + timedelta(minutes=1),
            seats=self.seats,
            any_time=True,
        )
        if slots.to_minutes(self.start) not in availability.starts:
            return False
        return self._allocate(availability, False)

    # === PAYABLE === #

    def _get_payable_currency(self):
        """Override for a draft, which has no currency of its own yet."""
        return (
            self.currency_id
            or self.service_id.sudo().currency_id  # of an unpublished service too
            or self.company_id.currency_id
            or self.env.company.currency_id
        )

    def _prepare_partner_values(self):
        """Override to keep the client's time zone."""
        tz = self.tz if self.tz in pytz.all_timezones_set else False
        return {**super()._prepare_partner_values(), "tz": tz}

    def _get_payable_form(self):
        """Override for the form of the service."""
        return self.service_id._get_form()

    def _is_payer_proved(self, user):
        """Override: whom staff booked for got the link from staff."""
        return bool(self.placed_by_id) or super()._is_payer_proved(user)

    def _get_payable_title(self):
        return self.service_id.sudo().name  # of an unpublished service too

    def _get_payable_lines(self):
        service = self.service_id.sudo()  # guests read the booking's own service
        lines = [
            {"label": self.env._("When"), "value": self._format_when()},
            {"label": self.env._("Where"), "value": service._get_location()},
        ]
        people = self.sudo().resource_ids  # guests read no resources
        if people:
            names = ", ".join(people.mapped("name"))
            lines.append({"label": self.env._("With"), "value": names})
        if self.seats > 1:
            lines.append({"label": self.env._("Places"), "value": self.seats})
        if self.amount_tax:
            lines += [
                {"label": self.env._("Without tax"), "amount": self.amount_untaxed},
                {"label": self.env._("Tax"), "amount": self.amount_tax},
            ]
        return lines

    def _get_payable_start(self):
        return self.start

    def _get_payable_deadline(self):
        return self.hold_until if self.state == "hold" else False

    def _get_payable_reference(self):
        return self.name

    def _is_payment_required(self):
        return self.fee_policy == "required" and self.state != "confirmed"

    def _can_pay_at_venue(self):
        """Override: at an appointment to come that is sure already, and has a place,
        unless staff asked for the money before.
        """
        service_sudo = self.service_id.sudo()  # of an unpublished service too
        has_place = self.fee_policy == "on_site" or (
            service_sudo.location_type == "on_site"
        )
        return (
            self.state == "confirmed"
            and self.fee_policy in const.VENUE_POLICIES
            and has_place
            and not self.pay_until
            and self.start > fields.Datetime.now()
        )

    def _choose_venue(self):
        """Override to tell staff. No money is claimed: all of it stays due."""
        if not self.pays_at_venue:
            self._editing().pays_at_venue = True
            self._note_event("venue_chosen")
            house = self.with_context(lang=self._get_house_lang())
            message = house.env._("The client pays at the appointment.")
            house._notify_staff("booked", message)

    def _is_venue_chosen(self):
        """Override: as long as the amount is due."""
        return (
            self.pays_at_venue and self._can_pay_at_venue() and self._is_payable_now()
        )

    def _get_payable_notice(self):
        """Override for who chose already, and may change their mind."""
        if self._is_venue_chosen() and self._can_pay_elsewhere():
            return self.env._(
                "You said that you pay at the appointment. You can also pay now."
            )
        return super()._get_payable_notice()

    def _can_pay_elsewhere(self):
        """Tell whether there is another way to pay than at the appointment."""
        providers = self._get_payment_options().providers
        return any(not provider._is_at_venue() for provider in providers)

    def _get_payable_own_status(self):
        if self.state == "cancelled":
            return "cancelled"
        if self._get_payable_successor():
            return "invoiced"
        if self.state == "expired":
            return "over"
        if self._get_refunded():
            return "paid"  # and given back: it is not owed again
        if self.state == "hold" and not self._is_hold_alive():
            return "over"
        if self.state == "draft":
            return "closed"
        if self.fee_policy in ("free", "hidden"):
            return "nothing"
        if (
            self.fee_policy == "on_site"
            and not self.company_id.sudo()["booking_pay_later_online"]
        ):  # sudo: guests read no companies
            return "later"
        return "payable"

    def _get_payable_successor(self):
        """Override: once its invoice is issued, the invoice is what is owed."""
        invoice_sudo = self._get_issued_invoice()
        done = ("paid", "nothing")
        if invoice_sudo and invoice_sudo._get_payable_status() not in done:
            return invoice_sudo
        return invoice_sudo.browse()

    def _get_payable_messages(self):
        """Override to name what only bookings have."""
        return {
            **super()._get_payable_messages(),
            "invoiced": self.env._("This is on an invoice: please pay that one."),
        }

    def _get_receipt_row(self):
        """Override to say when it takes place."""
        label = f"{self._get_payable_title()}, {self._format_when()}"
        return {**super()._get_receipt_row(), "label": label}

    def _get_payable_later_url(self):
        return not self._is_payment_required() and self._get_manage_url()

    def _get_payable_done_url(self):
        return self._get_manage_url()

    def _get_mail_statement_url(self):
        """Override: before it is confirmed, whoever placed it is a stranger."""
        return self.state == "confirmed" and super()._get_mail_statement_url()

    def _get_manage_url(self):
        """Return the address of the client's page of the booking."""
        link = self.env["payment.access.link"]._get_for(self, "manage")
        return f"/booking/{link.sudo().token}"  # the token is for who gets the address

    def _on_payment_started(self, tx_sudo):
        self._note_event("payment_started", tx=tx_sudo)
        self._sync_clock()

    def _on_payment_pending(self, tx_sudo):
        """Hold the time until the deadline of a bank transfer."""
        for booking in self.filtered(lambda b: b.state == "hold"):
            if tx_sudo.provider_id._is_slow():
                days = booking.company_id.booking_transfer_days
                deadline = min(
                    fields.Datetime.now() + timedelta(days=days),
                    booking.start - timedelta(hours=24),
                )
                booking._editing().hold_until = max(booking.hold_until, deadline)
                booking._note_event("held")
                booking._trigger_release_cron()
            booking._sync_clock()
        if tx_sudo.provider_id._is_slow() and not tx_sudo.bundle_id:
            # A bundle says it once for all.
            for booking in self.filtered(lambda b: b.state in ("hold", "confirmed")):
                booking._send_mail(
                    "payment_booking_portal.mail_template_booking_transfer"
                )

    def _on_payment_received(self, tx_sudo):
        # From now on no clock may give the time away before post-processing.
        self.filtered(lambda b: b.state == "hold")._sync_clock()

    def _on_payment_failed(self, tx_sudo):
        self.filtered(lambda b: b.state == "hold")._sync_clock()
        return super()._on_payment_failed(tx_sudo)

    def _lock_to_settle(self):
        """Override to lock resources first when the time must be taken again."""
        if self.state == "expired":
            self._lock_resources(self.service_id.group_ids.resource_ids)
        return super()._lock_to_settle()

    def _on_payment_done(self, tx_sudo):
        """Confirm the booking, or tell staff why that is not possible."""
        self.ensure_one()
        if self.state == "expired" and self._is_covered():
            if not self._regain_time():
                self._take_late_money(tx_sudo)
                return None
            self._confirm()
        elif self.state == "hold" and self._is_covered():
            self._confirm()
        elif self.state == "hold":
            self._sync_clock()
        elif self.state == "cancelled":
            # Not again, if it was found while cancelling.
            if not self.unused_money or tx_sudo.last_state_change > self.ended_at:
                self._take_late_money(tx_sudo)
            return None
        return super()._on_payment_done(tx_sudo)

    def _take_late_money(self, tx_sudo):
        """Do what the company wants to be done with money whose time is gone, and tell
        the client exactly that.
        """
        self.ensure_one()
        # The robot: it is no decision of who happens to look at the payment.
        booking = self.with_user(SUPERUSER_ID)._editing()
        booking = booking.with_context(lang=self._get_house_lang())
        amount = booking._format_amount(tx_sudo._get_document_share(self))
        if self.state == "cancelled":
            flag = "paid_cancelled"
            message = booking.env._(
                "%(amount)s came for a cancelled booking.", amount=amount
            )
        else:
            flag = "late_no_slot"
            message = booking.env._(
                "%(amount)s came after the time was given to somebody else.",
                amount=amount,
            )
        decision = self.company_id.booking_late_money
        reason = booking.env._("Paid after the time was gone")
        booking._decide_unused_money(decision, reason, flag, message, tx_sudo)
        late = self.with_context(booking_late_tx=tx_sudo.id)
        late._send_mail("payment_booking_portal.mail_template_booking_late")

    def _get_mail_late_amount(self):
        """Return the payment that came too late, in words, for a mail."""
        # sudo: clients read no transactions; the method that sends the mail names it
        txs_sudo = self.env["payment.transaction"].sudo()
        tx_sudo = txs_sudo.browse(self.env.context.get("booking_late_tx"))
        share = tx_sudo._get_document_share(self) if tx_sudo else self._get_own_money()
        return self._format_amount(share)

    def _is_invoiced_when_paid(self):
        """Override: without a confirmed booking there is nothing to invoice."""
        return self.state == "confirmed"

    def _prepare_invoice_lines(self):
        """Override to invoice the places at their frozen price."""
        product = self.service_id.product_id
        return [
            {
                "product_id": product.id,
                "name": f"{product.display_name}\n{self._format_when()}",
                "quantity": self.seats,
                "price_unit": self.price_unit,
                "tax_ids": [(6, 0, self.tax_ids.ids)],
            }
        ]

    def _settle(self, tx_sudo):
        """Override to send the receipt of a booking that was confirmed already: the
        confirmation tells of its own payment.
        """
        was_confirmed = self.state == "confirmed"
        invoice = super()._settle(tx_sudo)
        if was_confirmed and self.env.context.get("booking_receipt", True):
            self._attempt(
                "confirm_failed",
                self._send_mail,
                "payment_booking_portal.mail_template_booking_receipt",
            )
        return invoice

    # === ONE INVOICE FOR SEVERAL === #

    @api.model
    def _get_invoiceable_domain(self):
        """Return the bookings that can be put on an invoice, but for those that are on
        one already (see `_get_invoice_refusal`): plain users read no invoices.
        """
        return (
            Domain("state", "=", "confirmed")
            & Domain("amount_total", ">", 0)
            & Domain("fee_policy", "not in", ("free", "hidden"))
        )

    def _get_invoice_refusal(self):
        """Return why the bookings cannot be put on one invoice, in words, or False."""
        if not self:
            return self.env._("Choose the bookings to invoice.")
        for booking in self:
            refusal = booking._get_own_invoice_refusal()
            if refusal:
                return f"{booking.display_name}: {refusal}"
        bookings_sudo = self.sudo()  # plain users read no fiscal positions
        if len(bookings_sudo.company_id) > 1:
            return self.env._("These bookings are of several companies.")
        if len(bookings_sudo.partner_id.commercial_partner_id) > 1:
            return self.env._(
                "These bookings are of several clients: make an invoice for each."
            )
        if len(bookings_sudo.currency_id) > 1:
            return self.env._(
                "These bookings are in several currencies: make an invoice for each."
            )
        positions = {booking.fiscal_position_id for booking in bookings_sudo}
        if len(positions) > 1:
            return self.env._(
                "The taxes of these bookings follow different rules: make an invoice "
                "for each."
            )
        return False

    def _get_own_invoice_refusal(self):
        """Return why a booking cannot be put on an invoice, in words, or False."""
        self.ensure_one()
        if self.state != "confirmed":
            return self.env._("Only a confirmed booking can be invoiced.")
        invoice_sudo = self._get_live_invoice()
        if invoice_sudo:
            name = invoice_sudo.name or self.env._("a draft")
            return self.env._("It is on an invoice already: %(name)s.", name=name)
        if self.fee_policy in ("free", "hidden"):
            return self.env._("It is free.")
        if self.currency_id.compare_amounts(self.amount_total, 0) <= 0:
            return self.env._("It has no price yet. Set the price first.")
        return False

    def _make_invoice(self, post=True, use_credit=False, **values):
        """Put bookings of one client on a new invoice.

        Of two colleagues who do it at once, one is told that it is done: the bookings
        are locked and touched.

        :param bool post: issue it, so that it is owed in place of the bookings.
        :param bool use_credit: pay it with what is left of the client's money.
        :param dict values: further values of the invoice.
        :return: the invoice, sudoed.
        :raise UserError: why they cannot be put on one invoice.
        """
        self.check_access("write")
        bookings = self._editing().sorted("start")
        bookings._lock_and_touch()
        refusal = bookings._get_invoice_refusal()
        if refusal:
            raise UserError(refusal)
        if bookings._stop_live_transactions():
            raise UserError(
                self.env._(
                    "A payment of one of these bookings is under way. Wait until it is "
                    "there, or has failed."
                )
            )
        invoice_sudo = bookings._create_invoice(
            {**bookings._prepare_joint_invoice_values(), **values}
        )
        for booking in bookings:
            booking.message_post(
                body=self.env._(
                    "%(user)s made the invoice of it: %(invoice)s",
                    user=self.env.user.name,
                    invoice=invoice_sudo._get_html_link(),
                )
            )
        if post:
            invoice_sudo.action_post()
            invoice_sudo._portal_ensure_token()
            if use_credit:
                lines = invoice_sudo._get_open_credits()._filter_free_credits()
                invoice_sudo._match_lines(lines)
        return invoice_sudo

    def _prepare_joint_invoice_values(self):
        """Return the values of the invoice of several bookings. Override to add."""
        partner = self.partner_id
        return {
            **self[0]._prepare_invoice_values(),
            "partner_id": (
                partner if len(partner) == 1 else partner.commercial_partner_id
            ).id,
            "invoice_origin": ", ".join(self.mapped("name")),
            "invoice_line_ids": [
                Command.create(values)
                for booking in self
                for values in booking._prepare_invoice_lines()
            ],
        }

    def action_invoice(self):
        """Open the wizard that puts bookings on an invoice."""
        self.check_access("write")
        return self.env["payment.booking.invoice"]._open(self)

    def _get_staff_to_tell(self, event):
        """Override: everybody chooses their events where they follow the service.

        The responsible hears of all, unless they follow the service and chose less.
        """
        subtype = self.env.ref(f"payment_booking_portal.mt_service_{event}")
        followers = self.service_id.message_follower_ids
        partners = followers.filtered(lambda f: subtype in f.subtype_ids).partner_id
        partners = partners.filtered(lambda p: any(not u.share for u in p.user_ids))
        responsible = super()._get_staff_to_tell(event)
        return partners | (responsible - followers.partner_id)

    def _get_abandoned_domain(self, limit):
        """Override: holds of guests that ended without a payment."""
        return Domain("state", "=", "expired") & Domain("placed_by_id", "=", False)

    def _can_be_finished(self):
        """Override: the time is over, and may still be free to be booked again."""
        service = self.service_id
        if self.state != "expired" or not service.is_published or not service.active:
            return False
        if service._get_unbookable_reason():
            return False
        availability = service._get_availability(
            self.start, self.start + timedelta(minutes=1), seats=self.seats
        )
        return slots.to_minutes(self.start) in availability.starts

    def _get_mail_again_url(self):
        """Return the full address where the same time can be booked again."""
        self.ensure_one()
        start = self.start.strftime("%Y%m%dT%H%M")
        return f"{self._get_mail_book_url()}/details?start={start}"

    # === CANCELLING AND MOVING === #

    def _cancel(self, by_client=False):
        """Cancel bookings: the time is free again, and whoever paid hears from staff.

        :param bool by_client: whether the client did it on their page.
        """
        for booking in self:
            booking._lock_and_touch()
            if booking.state not in ("hold", "confirmed"):
                continue
            was_confirmed = booking.state == "confirmed"
            booking._stop_live_transactions()
            booking._remove_calendar_event()
            booking._release("cancelled")
            booking._editing().sequence += 1
            if by_client:
                booking._notify_staff(
                    "cancelled",
                    self.env._("%(who)s cancelled.", who=booking.client_name),
                )
            paid = booking._get_payable_paid()
            if paid:
                booking._decide_cancelled_money(paid, by_client)
            if was_confirmed:
                booking._send_mail(
                    "payment_booking_portal.mail_template_booking_cancelled"
                )
            if not paid and booking._get_live_invoice():
                booking._flag_attention(
                    "cancelled_invoiced",
                    self.env._(
                        "It is on an invoice that is not paid. Decide whether the "
                        "client still owes it."
                    ),
                )

    def _decide_cancelled_money(self, paid, by_client):
        """Do what the company wants to be done with what was paid for a booking that
        is cancelled now.

        :param float paid: how much, in its currency.
        :param bool by_client: whether the client cancelled.
        """
        self.ensure_one()
        booking = self.with_context(lang=self._get_house_lang())
        amount = booking._format_amount(paid)
        if by_client:
            message = booking.env._(
                "Cancelled by the client after paying %(amount)s.", amount=amount
            )
            reason = booking.env._("Cancelled by the client")
        else:
            message = booking.env._(
                "Cancelled after %(amount)s was paid.", amount=amount
            )
            reason = booking.env._("Cancelled by us")
        decision = self._get_cancelled_money(by_client)
        booking._decide_unused_money(decision, reason, "paid_cancelled", message)

    def _get_cancelled_money(self, by_client):
        """Return what becomes of what was paid if the booking is cancelled now: a key
        of `const.MONEY_DECISIONS`. Override for a policy of your own.

        :param bool by_client: whether the client cancels.
        """
        self.ensure_one()
        company_sudo = self.company_id.sudo()  # clients read no companies
        decision = company_sudo.booking_cancelled_money
        hours = company_sudo.booking_cancelled_hours if by_client else 0
        in_time = fields.Datetime.now() + timedelta(hours=hours) <= self.start
        # Only managers give money back, also by cancelling.
        user = self.env.user
        may_give_back = (
            by_client
            or user.id == SUPERUSER_ID
            or user.has_group("payment_booking_portal.group_manager")
        )
        return decision if in_time and may_give_back else "ask"

    def _get_cancelling_text(self):
        """Return what the client reads about the money before they cancel."""
        self.ensure_one()
        decision = self._get_cancelled_money(by_client=True)
        if (decision == "refund" and not self._is_refund_certain()) or (
            decision == "credit" and not self._can_keep_as_credit()
        ):
            decision = "ask"
        texts = {
            "ask": self.env._(
                "You paid for it. We will write to you about this money."
            ),
            "refund": self.env._(
                "We give your money back: %(amount)s.",
                amount=self._format_amount(self._get_payable_paid()),
            ),
            "credit": self.env._(
                "We keep what you paid as a credit for your next booking."
            ),
        }
        return texts[decision]

    def _move(self, start, resource=None, by_staff=False):
        """Move a booking to another free start at the same price.

        :param datetime start: the new start (naive UTC).
        :param resource.resource resource: the person or room the client wants.
        :param bool by_staff: whether a hold may be moved too, and to a start that is
            not on offer.
        :raise SlotTaken: if it is not free (any more); the caller rolls back.
        :raise UserError: if this booking cannot be moved.
        """
        self.ensure_one()
        booking = self._editing()  # the caller has checked whose booking it is
        service = booking.service_id
        booking._lock_resources(service.group_ids.resource_ids)
        booking._lock_and_touch()
        movable = booking.state == "confirmed" and booking.start > fields.Datetime.now()
        if not movable and not (by_staff and booking.state in ("hold", "confirmed")):
            raise UserError(self.env._("This booking cannot be moved any more."))
        if start == booking.start and (not resource or resource <= self.resource_ids):
            return
        booking._purge_lapsed(service, start)
        availability = service._get_availability(
            start,
            start + timedelta(minutes=1),
            resource,
            booking.seats,
            booking=booking,
            any_time=by_staff,
        )
        offered = slots.to_minutes(start) in availability.starts and not start.second
        if not offered and not by_staff:
            raise SlotTaken(self.env._("Somebody was quicker."))
        booking._remove_calendar_event()
        booking._free_time()
        booking._note_event("moved", was_start=booking.start, start=start)
        booking.write({"start": start, "sequence": booking.sequence + 1})
        if not booking._allocate(availability, False, by_staff, resource):
            raise SlotTaken(booking._get_taken_text(resource))
        if booking.state == "hold":
            booking._sync_clock()
            return
        booking._make_calendar_event()
        booking._send_mail("payment_booking_portal.mail_template_booking_moved")

    def _get_taken_text(self, resource):
        """Return why staff cannot have the time, in words.

        :param resource.resource resource: the person or room that it must be.
        """
        reasons = self.service_id._get_busy_warnings(self.start, resource, self)
        return " ".join(
            [self.env._("This time is not free. Choose another start or person.")]
            + reasons
        )

    def _move_by_write(self, vals):
        """Move the booking that somebody drags in a calendar; return what is left.

        The people and rooms stay the same. Override of nothing: `write` calls it.

        :raise UserError: if its end was dragged, or the time is not free.
        """
        start = fields.Datetime.to_datetime(vals["start"])
        stop = fields.Datetime.to_datetime(vals.get("stop"))
        if start == self.start and stop in (None, self.stop):
            return vals
        self.check_access("write")
        if stop and stop - start != self.stop - self.start:
            raise UserError(
                self.env._("The service says how long it takes. Change its duration.")
            )
        self._move(start, self.sudo().resource_ids, by_staff=True)  # reads resources
        return {name: vals[name] for name in vals if name not in ("start", "stop")}

    # === CALENDAR === #

    def _prepare_calendar_event(self, without=None):
        """Return the values of the staff's calendar event. Override to add to them.

        The client is named, not an attendee: nobody is invited, and no answer to an
        invitation can be misread.
        """
        self.ensure_one()
        users = self.resource_ids.user_id
        members = self.session_id.booking_ids - (without or self.browse())
        group = members.filtered(lambda member: member.state == "confirmed")
        if group:
            places = f"{sum(group.mapped('seats'))}/{self.session_id.seats}"
            title = f"{self.service_id.name} ({places})"
            lines = [f"{member.name} {member.client_name}" for member in group]
        else:
            title = f"{self.service_id.name} – {self.client_name}"
            contact = [self.name, self.client_phone, self.client_email, self.note]
            lines = list(filter(None, contact))
        return {
            "name": title,
            "start": self.start,
            "stop": self.stop,
            "user_id": users[:1].id,
            "partner_ids": [(6, 0, users.partner_id.ids)],
            "description": self.env["ir.qweb"]._render(
                "payment_booking_portal.calendar_event_description",
                {"lines": lines},
            ),
            "location": self.service_id._get_location(),
            "videocall_location": self.service_id.video_url or False,
            "payment_booking_id": self.id,
            "privacy": "confidential",
            "show_as": "busy",
        }

    def _quiet_events(self):
        """Return the calendar model with no mail, invitation or alarm about it."""
        return self.env["calendar.event"].sudo().with_context(
            no_mail_to_attendees=True,
            dont_notify=True,
            mail_notify_author=False,
            mail_create_nolog=True,
            tracking_disable=True,
            skip_contact_description=True,
            booking_edit=EDIT_SENTINEL,
        )  # fmt: skip  # sudo: the event belongs to the staff member

    def _make_calendar_event(self, without=None):
        """Put the booking in the calendar of who does it; a group has one event.

        :param payment.booking without: one that is just leaving the group.
        """
        self.ensure_one()
        values = self._prepare_calendar_event(without)
        shared = self._quiet_events().browse(self.session_id.booking_ids.event_ids.ids)
        if shared:
            shared.write({key: values[key] for key in ("name", "description")})
        else:
            self._quiet_events().create(values)

    def _remove_calendar_event(self):
        """Take the booking out of the staff's calendar; a group keeps its event."""
        self.ensure_one()
        event = self._quiet_events().browse(self.event_ids.ids)
        others = self.session_id.booking_ids.filtered(
            lambda booking: booking.state == "confirmed" and booking != self
        )
        if not others:
            event.unlink()
            return
        event.write({"payment_booking_id": others[0].id})
        others[0]._make_calendar_event(without=self)

    def _on_event_changed(self):
        """Tell staff that a calendar event says something else than its booking."""
        for booking in self.filtered(lambda b: b.state == "confirmed"):
            acting_as(booking, "calendar")._flag_attention(
                "calendar_changed",
                self.env._(
                    "The calendar event was changed or deleted. The booking itself was "
                    "not: move or cancel it here."
                ),
            )

    def _get_ics(self):
        """Return the calendar file of the booking, as it is now.

        :rtype: bytes
        """
        self.ensure_one()
        booking = self.sudo()  # the caller has checked whose booking it is
        company = booking.company_id
        database = self.env["ir.config_parameter"].sudo().get_param("database.uuid")
        cancelled = booking.state == "cancelled"
        email = company.email
        return ics.build(
            uid=f"booking-{booking.id}@{database}",
            sequence=booking.sequence,
            method="CANCEL" if cancelled else "PUBLISH",
            start=booking.start,
            stop=booking.stop,
            now=fields.Datetime.now(),
            summary=f"{booking.service_id.name} – {company.name}",
            location=booking.service_id.video_url or booking.service_id._get_location(),
            description=booking.name,
            organizer=email and (company.name, email),
        )

    # === MAIL AND WORDS === #

    def _make_mail_attachments(self):
        """Override to join the calendar file."""
        attachments = super()._make_mail_attachments()
        if self.state not in ("confirmed", "cancelled"):
            return attachments
        return attachments.create(
            {
                "name": "booking.ics",
                "raw": self._get_ics(),
                "mimetype": "text/calendar",
                "res_model": self._name,
                "res_id": self.id,
            }
        )

    def _get_mail_book_url(self):
        """Return the full address where the service can be booked again."""
        self.ensure_one()
        service = self.service_id.sudo()  # guests read the booking's own service
        return service.get_base_url() + service._get_book_url()

    def _get_mail_slots(self):
        """Return the nearest free times as links of a mail: dicts with `url` and
        `label`; none where the service cannot be booked.
        """
        self.ensure_one()
        service = self.service_id.sudo()  # guests read the booking's own service
        if not service.is_published or not service.active:
            return []
        starts = service._get_next_slots(self.start, seats=self.seats)
        slots = service.with_env(self.env)._describe_slots(
            starts, self._get_client_tz(), self.seats
        )
        base_url = service.get_base_url()
        return [{**slot, "url": base_url + slot["url"]} for slot in slots]

    def _get_mail_lines(self):
        """Return what a mail lists: dicts with `label`, `value` and perhaps `url`."""
        self.ensure_one()
        lines = [line for line in self._get_payable_lines() if "value" in line]
        video = self.service_id.sudo().video_url  # as above
        if video and self.service_id.sudo().location_type == "online":  # as above
            lines.append({"label": self.env._("Video"), "value": video, "url": video})
        lines.append({"label": self.env._("Reference"), "value": self.name})
        return lines

    def _get_client_tz(self):
        """Return the time zone in which the client reads times.

        What happens at our place is always said in our time.
        """
        self.ensure_one()
        own = super()._get_client_tz()
        if self.service_id.sudo().location_type == "on_site":  # nor services
            return own
        return self.tz if self.tz in pytz.all_timezones_set else own

    def _format_when(self, tz=None):
        """Return the time of the booking in words, with its zone.

        :param str tz: name of a time zone; the client's by default.
        """
        self.ensure_one()
        tz = tz or self._get_client_tz()
        start, stop = (
            pytz.utc.localize(moment).astimezone(pytz.timezone(tz))
            for moment in (self.start, self.stop)
        )
        return self.env._(
            "%(day)s, %(start)s – %(stop)s (%(zone)s)",
            day=format_date(self.env, start.date(), date_format="full"),
            start=format_time(self.env, self.start, tz=tz, time_format="short"),
            stop=format_time(self.env, self.stop, tz=tz, time_format="short"),
            zone=tz.replace("_", " "),
        )

    def _can_change(self):
        """Tell whether the client may move or cancel. Override for a policy."""
        self.ensure_one()
        return self.state == "confirmed" and self.start > fields.Datetime.now()

    # === ACTIONS === #

    def action_confirm_anyway(self, reason=None):
        """Confirm a booking without its payment.

        :param str reason: why; it is kept in the chatter.
        :raise AccessError: for anyone but a manager.
        :raise UserError: without a reason.
        """
        self._check_manager()
        self.check_access("write")
        if not isinstance(reason, str) or not reason.strip():
            raise UserError(self.env._("Say why it is confirmed without payment."))
        for booking in self:
            if booking.state == "draft":
                booking._take_time_for_staff()
            if booking.state == "expired":
                booking._lock_resources(booking.service_id.group_ids.resource_ids)
                booking._lock_and_touch()
                if not booking._editing()._regain_time():
                    raise SlotTaken(self.env._("This time is not free any more."))
            booking._confirm(reason=reason.strip())

    def action_place(self):
        """Place drafts: a hold with a pay link until it is paid, or confirmed."""
        self.check_access("write")
        for booking in self.filtered(lambda b: b.state == "draft"):
            if booking._get_policy() == "required":
                until = booking._get_default_pay_until()
                booking._ask_for_payment(until, required=True)
            else:
                booking._take_time_for_staff()
                booking._confirm()

    def _get_policy(self):
        """Return the fee policy of the booking, a draft's too."""
        self.ensure_one()
        return self.fee_policy or self.service_id.sudo().fee_policy  # unpublished too

    def _take_time_for_staff(self):
        """Take the time of a draft that staff typed, and freeze its price.

        Staff may pass over grid, notice, horizon and hours, never another booking.
        """
        self.ensure_one()
        booking = self._editing()  # the caller has checked the rights
        service = booking.service_id
        wanted = booking.resource_ids
        if not service.active:
            raise UserError(self.env._("This service is archived."))
        booking._lock_resources(service.group_ids.resource_ids)
        booking._lock_and_touch()
        booking._purge_lapsed(service, booking.start)
        booking.write(
            {
                "fee_policy": booking._get_policy(),
                "placed_by_id": self.env.uid,
                **booking._prepare_own_price(),
            }
        )
        availability = service._get_availability(
            booking.start,
            booking.start + timedelta(minutes=1),
            wanted,
            booking.seats,
            any_time=True,
        )
        if not booking._allocate(availability, False, by_staff=True, wanted=wanted):
            raise SlotTaken(booking._get_taken_text(wanted))
        booking._note_event("chosen")
        if booking.fee_policy != service.fee_policy:
            policies = dict(self._fields["fee_policy"]._description_selection(self.env))
            booking.message_post(
                body=self.env._(
                    "%(user)s chose for this booking: %(policy)s",
                    user=self.env.user.name,
                    policy=policies[booking.fee_policy],
                )
            )

    def _prepare_own_price(self):
        """Return the frozen price of a booking of staff, in its policy and currency.

        :raise UserError: when it must be paid and has no price.
        """
        self.ensure_one()
        service = self.service_id
        values = service._prepare_price(
            self.currency_id or service.currency_id,
            self.seats,
            self.partner_id,
            self._get_policy(),
            self.price_unit if self.has_own_price else None,
        )
        if self._get_policy() == "required" and not values["amount_total"]:
            raise UserError(
                self.env._("It must be paid, but has no price. Type the price first.")
            )
        return values

    # === ASKING FOR THE MONEY === #

    def _get_default_pay_until(self):
        """Return until when staff gives a client to pay (naive UTC): two days, a day
        before the start at the latest if that is still far; full hours if possible.
        """
        self.ensure_one()
        now = fields.Datetime.now().replace(second=0)
        hour = now.replace(minute=0) + timedelta(hours=1)
        until = min(
            hour + timedelta(hours=const.STAFF_HOLD_HOURS),
            self.start - timedelta(days=1),
        )
        soon = min(hour + timedelta(hours=1), self.start)
        return max(until, soon, now + timedelta(minutes=15))

    def _get_default_remind_at(self, until):
        """Return when to remind of a payment: a day before, else halfway (UTC)."""
        now = fields.Datetime.now().replace(second=0)
        day_before = until - timedelta(days=1)
        return day_before if day_before > now else now + (until - now) / 2

    def _ask_for_payment(
        self, until, required=True, remind_at=None, message=None, send=True
    ):
        """Ask the client for what is due: place a draft, keep the time until a date.

        The time of a booking that must be paid first is given back when the date has
        passed. One that is confirmed already stays: then a person decides.

        :param datetime until: until when to pay (naive UTC).
        :param bool required: whether the booking counts only once it is paid.
        :param datetime remind_at: when to remind, once; a default if None, never if
            False (naive UTC).
        :param str message: a line of staff for the client.
        :param bool send: whether the client gets the mail with the link.
        :raise UserError: when there is nothing to ask for.
        """
        self.ensure_one()
        if until <= fields.Datetime.now():
            raise UserError(self.env._("The date to pay until is over already."))
        if remind_at is None:
            remind_at = self._get_default_remind_at(until)
        booking = self._editing()  # the caller has checked the rights
        if booking.state == "draft":
            booking.fee_policy = self._get_asked_policy(required)
            booking._take_time_for_staff()
            if required:
                booking._hold(until)
            else:
                booking._confirm()
        booking._lock_and_touch()
        if booking.state not in ("hold", "confirmed"):
            raise UserError(
                self.env._("This booking is over. Make a new one to ask for money.")
            )
        if booking.currency_id.is_zero(booking._get_payable_amount()):
            raise UserError(self.env._("Nothing is due on this booking."))
        booking.write(
            {
                "pay_until": until,
                "remind_at": remind_at,
                "unpaid_told": False,
                "pays_at_venue": False,
            }
        )
        if booking.state == "hold":
            booking.hold_until = until
            booking._trigger_release_cron()
            booking._sync_clock()
        else:
            booking.fee_policy = booking._get_asked_policy(required)
        booking._note_event("requested", until=until)
        if send and booking.client_email:
            booking.with_context(booking_message=message)._send_mail(
                "payment_booking_portal.mail_template_booking_payment"
            )
        booking.message_post(
            body=self.env._(
                "Asked to pay %(amount)s until %(date)s.",
                amount=booking._format_amount(booking._get_payable_amount()),
                date=booking._format_moment(until, with_day=True),
            )
        )

    def _get_asked_policy(self, required):
        """Return the policy of a booking whose client is asked for money."""
        policy = self._get_policy()
        if required:
            return "required"
        return policy if policy in ("suggested", "varies") else "suggested"

    def _set_price(self, price_unit, currency):
        """Change the price of a booking before any money came.

        :param float price_unit: the price of one place.
        :param res.currency currency: its currency.
        :raise UserError: when money came, is on its way, or was invoiced.
        """
        self.ensure_one()
        booking = self._editing()  # the caller has checked the rights
        booking._lock_and_touch()
        if (
            booking._get_payable_paid()
            or booking._get_live_invoice()
            or booking._stop_live_transactions()
        ):
            raise UserError(
                self.env._("Money came, or is on its way: the price stays as it is.")
            )
        was = {
            "was_amount": booking.amount_total,
            "was_currency": booking.currency_id.id,
        }
        booking.write(
            {
                "has_own_price": True,
                "price_unit": price_unit,
                "currency_id": currency.id,
            }
        )
        booking.write(booking._prepare_own_price())
        booking._note_event("price_changed", amount=booking.amount_total, **was)

    def _cron_remind_payments(self):
        """Remind clients of what staff asked for, once, and tell who let it pass."""
        now = fields.Datetime.now()
        live = Domain("state", "in", ("hold", "confirmed"))
        late = (
            Domain("state", "=", "confirmed")
            & Domain("pay_until", "<=", now)
            & Domain("unpaid_told", "=", False)
        )
        todo = self.search((live & Domain("remind_at", "<=", now)) | late)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(todo))
        for bid in todo.ids:
            booking = self.browse(bid).try_lock_for_update()
            try:
                booking._remind_or_give_up()
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                _logger.info("reminder of booking %s: %s", bid, error, exc_info=True)
                if not isinstance(error, psycopg2.OperationalError):
                    self.browse(bid)._editing().remind_at = False
                    self.browse(bid)._flag_attention("reminder_failed", str(error))
            if not cron._commit_progress(1):
                break

    def _remind_or_give_up(self):
        """Do what is due now about a payment that staff asked for."""
        now = fields.Datetime.now()
        for booking in self._editing():
            booking._lock_and_touch()
            due = booking._is_payable_now()
            if booking.remind_at and booking.remind_at <= now:
                booking.remind_at = False
                if due and booking.pay_until > now:
                    booking._send_mail(
                        "payment_booking_portal.mail_template_booking_payment_reminder"
                    )
            if (
                booking.state == "confirmed"
                and not booking.unpaid_told
                and booking.pay_until
                and booking.pay_until <= now
            ):
                booking.unpaid_told = True
                if due:
                    booking._tell_unpaid()

    def _tell_unpaid(self):
        """Tell client and staff that the date to pay until has passed."""
        for booking in self:
            booking._send_mail(
                "payment_booking_portal.mail_template_booking_payment_over"
            )
            if booking.state == "confirmed":
                booking._flag_attention(
                    "unpaid",
                    self.env._("The client did not pay until the date you asked for."),
                )
            else:
                booking._notify_staff(
                    "expired", self.env._("Not paid in time: the time is free again.")
                )

    def action_cancel(self):
        """Cancel bookings from the back office."""
        self.check_access("write")
        self._cancel()

    def action_ask_for_payment(self):
        """Open the wizard that asks the client for the money."""
        return self._open_wizard(
            "payment.booking.ask", self.env._("Ask for the payment")
        )

    def action_record_payment(self):
        """Open the wizard that notes money received by staff."""
        return self._open_wizard(
            "payment.booking.record", self.env._("Record a payment")
        )

    def _is_owed(self):
        """Override: a hold is owed by nobody."""
        return self.state == "confirmed"

    def _get_due_day(self):
        """Override: what staff asked for, else the day of the appointment."""
        self.ensure_one()
        if not self.due_at:
            return False
        tz = pytz.timezone(self.company_id.sudo()._get_booking_tz())  # as elsewhere
        return pytz.utc.localize(self.due_at).astimezone(tz).date()

    def action_move(self):
        """Open the wizard that moves the booking."""
        return self._open_wizard("payment.booking.move", self.env._("Move the booking"))

    def get_move_warnings(self, start):
        """Return what speaks against moving the booking, for who drags it.

        :param str start: the new start (naive UTC).
        :rtype: list
        """
        self.ensure_one()
        self.check_access("write")
        booking = self.sudo()  # plain users read no calendars; they read these texts
        return booking.service_id._get_start_warnings(
            fields.Datetime.to_datetime(start),
            booking.resource_ids,
            booking.seats,
            booking,
        )

    def action_attended(self):
        """Note that the client came."""
        self.check_access("write")
        self.attendance = "attended"

    def action_no_show(self):
        """Note that the client did not come."""
        self.check_access("write")
        self.attendance = "no_show"

    @api.model
    def _get_my_domain(self):
        """Return the bookings that the current user may see in the portal."""
        partner = self.env.user.partner_id.commercial_partner_id
        return Domain("partner_id", "child_of", partner.id)
