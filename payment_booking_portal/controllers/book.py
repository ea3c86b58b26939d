import secrets
from calendar import monthrange
from collections import defaultdict
from datetime import datetime, time, timedelta
from urllib.parse import urlencode

import psycopg2
import pytz
from dateutil.relativedelta import relativedelta

from odoo import fields, http
from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import format_amount, format_date, format_time

from .. import const
from ..exceptions import SlotTaken, StaleSnapshot
from ..tools import slots
from ..tools.dates import format_day, format_start
from .common import (
    ANSWER_PATTERN,
    LINK_KEY,
    MAX_DETAILS_BYTES,
    MAX_TRIES,
    ClientPages,
    clean_form,
    parse_day,
    parse_int,
    parse_month,
    parse_start,
    parse_tz,
)

# Fields of a person never stay in an address.
PERSONAL = ("name", "email", "phone", "note")


def is_personal(key):
    """Tell whether a parameter of an address says something about a person."""
    return key in PERSONAL or bool(ANSWER_PATTERN.fullmatch(key))


class BookingPages(ClientPages, http.Controller):
    """The public pages: services, calendar, details and summary."""

    # === SERVICES === #

    @http.route("/book", type="http", auth="public", website=True, methods=["GET"])
    def book(self, **query):
        """List the services of the main company."""
        return self._render_services(request.env.company, query)

    @http.route(
        "/book/at/<int:company_id>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def book_at(self, company_id, **query):
        """List the services of another company."""
        company = request.env["res.company"].sudo().browse(company_id)  # public page
        if not 0 < company_id < 2**31 or not company.exists():
            raise request.not_found()
        return self._render_services(company, query)

    def _render_services(self, company, query):
        if self._take_personal(query):
            return request.redirect(self._clean_address(query))
        # sudo: guests may not read services; only published ones are shown
        services = (
            request.env["payment.booking.service"]
            .sudo()  # see above
            .search([("company_id", "=", company.id), ("is_published", "=", True)])
            .filtered(lambda service: service._is_open())
        )
        return self._render_page(
            "services_page",
            {
                "services": services,
                "price_of": self._get_price_label,
                "res_company": company.sudo(),  # name, logo and contact are public
            },
        )

    def _get_service(self, slug):
        """Return the service of a slug, sudoed.

        :raise NotFound: for an unknown one, and for an unpublished one unless the
            visitor may see it in the back office (*Try it as a client*).
        """
        _name, service_id = request.env["ir.http"]._unslug(slug)
        service = request.env["payment.booking.service"].browse(service_id or 0)
        # sudo: guests may not read services; only published ones are shown
        service_sudo = service.sudo().exists()  # as said above
        visible = service_sudo.active and (
            service_sudo.is_published or service_sudo.with_user(
                request.env.user
            ).has_access("read")
        )  # fmt: skip
        if not visible:
            raise request.not_found()
        return service_sudo

    # === PREFILL === #

    def _take_personal(self, query):
        """Move what an address says about a person into the session.

        :return: whether there was anything: the address must then be cleaned.
        """
        self._remember_campaign(query)
        personal = {key: query[key] for key in query if is_personal(key) and query[key]}
        self._remember_typed(personal)
        return any(is_personal(key) for key in query)

    def _clean_address(self, query):
        path = request.httprequest.path
        rest = {key: value for key, value in query.items() if not is_personal(key)}
        return f"{path}?{urlencode(rest)}" if rest else path

    # === CALENDAR === #

    @http.route(
        "/book/<string:slug>", type="http", auth="public", website=True, methods=["GET"]
    )
    def service(self, slug, **query):
        """Show the days and the free starts of a service."""
        service = self._get_service(slug)
        if self._take_personal(query):
            return request.redirect(self._clean_address(query))
        if not service._is_open():
            return self._render_end(
                "closed",
                private=False,
                service=service,
                res_company=service.company_id,
            )
        values = self._prepare_calendar(service, query)
        self._remember_return(service, query)
        values["base_url"] = self._get_service_url(service)
        values["details_url"] = f"{values['base_url']}/details"
        return self._render_page("calendar_page", values)

    def _prepare_calendar(self, service, query, booking=None):
        """Return the context of the calendar: month, days and starts.

        :param payment.booking.service service: sudoed.
        :param dict query: `month`, `day`, `tz`, `resource`, `seats`, `currency`.
        :param payment.booking booking: one that is moved.
        """
        tz_name = self._get_tz(service, query)
        tz = pytz.timezone(tz_name)
        resource = self._get_resource(service, query.get("resource"))
        seats = booking.seats if booking else parse_int(query.get("seats")) or 1
        seats = min(seats, service.seats)
        today = datetime.now(tz).date()
        wanted = parse_day(query.get("day"))
        month = parse_month(query.get("month")) or (wanted or today).replace(day=1)
        earliest, latest = (
            pytz.utc.localize(moment).astimezone(tz).date().replace(day=1)
            for moment in service._get_booking_window()
        )
        month = min(max(month, min(earliest, today.replace(day=1))), latest)
        days = self._get_days(service, month, tz, resource, seats, booking)
        next_free = None
        if not days:
            after = tz.localize(datetime.combine(month, time.min))
            start = service._get_next_slot_after(
                max(
                    after.astimezone(pytz.utc).replace(tzinfo=None),
                    fields.Datetime.now(),
                ),
                resource,
                seats,
            )
            next_free = start and pytz.utc.localize(start).astimezone(tz).date()
            if next_free and not query.get("month") and not wanted:
                month = next_free.replace(day=1)
                days = self._get_days(service, month, tz, resource, seats, booking)
        day = wanted if wanted in days else min(days, default=None)
        keep = {
            "tz": tz_name if query.get("tz") else None,
            "resource": resource.id if resource else None,
            "seats": seats if seats > 1 else None,
            "currency": query.get("currency"),
        }
        return {
            "service": service,
            "res_company": service.company_id,
            "month": month,
            "month_name": format_date(request.env, month, date_format="MMMM y"),
            "weeks": self._get_weeks(month, days, day, today),
            "weekdays": self._get_weekdays(),
            "day": day,
            "day_name": day and format_day(request.env, day),
            "parts": self._get_parts(days.get(day, ()), tz_name),
            "next_free": next_free,
            "next_free_name": next_free and format_day(request.env, next_free),
            "previous_month": month > today.replace(day=1)
            and month - relativedelta(months=1),
            "next_month": month < latest and month + relativedelta(months=1),
            "tz": tz_name,
            "business_tz": service.company_id._get_booking_tz(),
            "timezones": pytz.common_timezones,
            "resource": resource,
            "people": self._get_people(service),
            "seats": seats,
            "kept": keep,
            "keep": lambda **more: self._keep(keep, more),
            "format_start": format_start,
            "price_label": self._get_price_label(service),
            "booking": booking,
        }

    def _keep(self, kept, more):
        query = {key: value for key, value in {**kept, **more}.items() if value}
        return f"?{urlencode(query)}" if query else ""

    def _get_days(self, service, month, tz, resource, seats, booking):
        """Return the free starts of a month: (start, places left) by local day."""
        start, stop = (
            tz.localize(datetime.combine(first, time.min))
            .astimezone(pytz.utc)
            .replace(tzinfo=None)
            for first in (month, month + relativedelta(months=1))
        )
        availability = service._get_availability(
            start, stop, resource, seats, booking=booking
        )
        days = defaultdict(list)
        for minutes in availability.starts:
            moment = slots.to_datetime(minutes)
            local = pytz.utc.localize(moment).astimezone(tz)
            left = availability.sessions.get(minutes, service.seats)
            days[local.date()].append((moment, local, left))
        return days

    def _get_week_start(self):
        """Return the first day of the week in the visitor's language: 1 is Monday."""
        return int(request.env["res.lang"]._lang_get(request.env.lang).week_start)

    def _get_weeks(self, month, days, chosen, today):
        """Return the weeks of a month's calendar, padded with None."""
        first_weekday = self._get_week_start()
        offset = (month.weekday() - (first_weekday - 1)) % 7
        cells = [None] * offset
        for number in range(1, monthrange(month.year, month.month)[1] + 1):
            day = month.replace(day=number)
            cells.append(
                {
                    "date": day,
                    "number": number,
                    "count": len(days.get(day, ())),
                    "chosen": day == chosen,
                    "today": day == today,
                    "name": format_day(request.env, day),
                }
            )
        cells += [None] * (-len(cells) % 7)
        return [cells[i : i + 7] for i in range(0, len(cells), 7)]

    def _get_weekdays(self):
        """Return the names of the days of a week in the visitor's order."""
        first_weekday = self._get_week_start()
        monday = datetime(2024, 1, 1).date()
        return [
            (
                format_date(request.env, day, date_format="EEEEEE"),
                format_date(request.env, day, date_format="EEEE"),
            )
            for day in (
                monday + timedelta(days=(first_weekday - 1 + i) % 7) for i in range(7)
            )
        ]

    def _get_parts(self, starts, tz_name):
        """Return the starts of a day by part of the day, with what they are called."""
        names = {
            "morning": request.env._("Morning"),
            "afternoon": request.env._("Afternoon"),
            "evening": request.env._("Evening"),
        }
        parts = defaultdict(list)
        labels = [
            format_time(request.env, moment, tz=tz_name, time_format="short")
            for moment, _local, _left in starts
        ]
        for (moment, local, left), label in zip(starts, labels, strict=True):
            if labels.count(label) > 1:
                # The hour that comes twice when clocks go back.
                label = f"{label} ({local.tzname()})"
            part = (
                "morning"
                if local.hour < 12
                else "afternoon"
                if local.hour < 18
                else "evening"
            )
            parts[part].append({"start": moment, "label": label, "left": left})
        return [(names[part], parts[part]) for part in names if parts[part]]

    def _get_tz(self, service, query):
        """Return the zone in which a visitor reads times.

        What happens at our place is said in our time. Elsewhere: what the visitor
        chose, what the browser told, or ours.
        """
        own = service.company_id._get_booking_tz()
        if service.location_type == "on_site":
            return own
        return (
            parse_tz(query.get("tz"))
            or parse_tz(request.httprequest.cookies.get("tz"))
            or own
        )

    def _get_people(self, service):
        """Return whom a client may choose from: the first group with several people."""
        if service.resource_choice != "client":
            return service.env["resource.resource"]
        for group in service.group_ids:
            people = group.resource_ids.filtered("active")
            if len(people) > 1:
                return people
        return service.env["resource.resource"]

    def _get_resource(self, service, value):
        """Return the person of an address, or an empty recordset for anyone."""
        wanted = parse_int(value)
        return self._get_people(service).filtered(lambda person: person.id == wanted)

    def _get_price_label(self, service, currency=None, seats=1):
        """Return what a service costs, in the words of its fee policy."""
        if service.fee_policy == "hidden":
            return ""
        if service.fee_policy == "free":
            return request.env._("Free")
        if service.fee_policy == "varies":
            return request.env._("For a fee")
        try:
            values = service._prepare_price(
                currency, seats, self._get_proved_partner() or None
            )
        except UserError:  # nobody typed a price yet: the other services have theirs
            return ""
        currency = request.env["res.currency"].browse(values["currency_id"])
        return format_amount(request.env, values["amount_total"], currency)

    # === DETAILS === #

    @http.route(
        "/book/<string:slug>/details",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def details(self, slug, **query):
        """Ask who comes, beside the summary of what is booked."""
        service = self._get_service(slug)
        if self._take_personal(query):
            return request.redirect(self._clean_address(query))
        choice = self._get_choice(service, query)
        if not service._is_open():
            return request.redirect(self._get_service_url(service))
        # Made before the form is sent: two clicks at once are one visitor's.
        self._get_visitor_key()
        if self._is_person_gone(choice, query) or not self._is_free(service, choice):
            return self._render_taken(service, choice)
        return self._render_details(service, choice)

    def _is_free(self, service, choice):
        """Tell whether a start can be booked, or is the visitor's own hold."""
        start = choice["start"]
        availability = service._get_availability(
            start, start + timedelta(minutes=1), choice["resource"], choice["seats"]
        )
        if slots.to_minutes(start) in availability.starts:
            return True
        # sudo: the visitor's own hold, found by the secret of the session
        return bool(
            request.env["payment.booking"]
            .sudo()  # see above
            .search_count(
                [
                    ("visitor_key", "=", self._get_visitor_key()),
                    ("service_id", "=", service.id),
                    ("start", "=", start),
                    ("state", "=", "hold"),
                ],
                limit=1,
            )
        )

    def _is_person_gone(self, choice, query):
        """Tell whether the visitor chose somebody who is not on offer (any more)."""
        return bool(query.get("resource")) and not choice["resource"]

    def _get_choice(self, service, query):
        """Return what a visitor chose, from an address or a form.

        :raise NotFound: when there is no start in it.
        """
        start = parse_start(query.get("start"))
        if not start:
            raise request.not_found()
        offered = service._get_offered_currencies()
        code = query.get("currency")
        currency = offered.filtered(lambda c: c.name == code) or offered[:1]
        return {
            "start": start,
            "resource": self._get_resource(service, query.get("resource")),
            "seats": parse_int(query.get("seats") or 1) or 0,
            "currency": currency,
            "currencies": offered,
            "tz": self._get_tz(service, query),
        }

    def _render_details(self, service, choice, typed=None, errors=None):
        partner = self._get_proved_partner()
        seats = max(1, min(choice["seats"], service.seats))
        prices = [
            (currency, self._get_price_label(service, currency, seats))
            for currency in choice["currencies"]
        ]
        bookings = request.env["payment.booking"].sudo()  # unsaved, for its price
        draft = bookings.new(
            {
                "service_id": service.id,
                "start": choice["start"],
                "stop": choice["start"] + timedelta(minutes=service.duration),
                "tz": choice["tz"],
                "seats": seats,
            }
        )  # fmt: skip  # sudo: an unsaved record, for the words of its lines
        query = {
            "start": format_start(choice["start"]),
            "resource": choice["resource"].id,
            "tz": choice["tz"],
        }
        payment_form = service._get_form()
        return self._render_page(
            "details_page",
            {
                "service": service,
                "res_company": service.company_id,
                "choice": choice,
                "seats": seats,
                "query": query,
                "lines": draft._get_payable_lines(),
                "when": draft._format_when(choice["tz"]),
                "prices": prices,
                "price_label": dict(prices).get(choice["currency"]),
                "priced": service.fee_policy in const.PRICED_POLICIES,
                "partner": partner,
                "typed": {**self._get_typed(), **(typed or {})},
                "typed_answers": typed,
                "errors": errors or {},
                "form_intro": payment_form.intro,
                "questions": self._get_questions(payment_form, partner),
                "asks_phone": not self._get_phone_field(payment_form),
                "request_key": secrets.token_urlsafe(24),
                "base_url": self._get_service_url(service),
                "back_url": self._get_service_url(service)
                + self._get_way_back(choice, seats),
            },
            status=400 if errors else 200,
            private=True,
        )

    def _get_way_back(self, choice, seats):
        """Return the query of the calendar that a choice was made on."""
        start = pytz.utc.localize(choice["start"])
        day = start.astimezone(pytz.timezone(choice["tz"])).date()
        query = {
            "day": day.isoformat(),
            "resource": choice["resource"].id,
            "seats": seats if seats > 1 else None,
            "currency": len(choice["currencies"]) > 1 and choice["currency"].name,
        }
        return self._keep(query, {})

    @http.route(
        "/book/<string:slug>/details",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_DETAILS_BYTES,
    )
    def book_now(self, slug, **form):
        """Book: a hold that leads to the pay page, or a confirmed booking."""
        form = clean_form(form)
        service = self._get_service(slug)
        choice = self._get_choice(service, form)
        # What was unticked or emptied is not in the form.
        payment_form = service._get_form()
        partner = self._get_proved_partner()
        self._remember_answers(payment_form, form, partner)
        if self._is_person_gone(choice, form):
            return self._render_taken(service, choice)
        if form.get("currency", choice["currency"].name) != choice["currency"].name:
            return self._render_end(
                "refused",
                status=409,
                service=service,
                reason=request.env._("This currency is not offered any more."),
                res_company=service.company_id,
            )
        errors = self._check_details(payment_form, form, partner)
        if len(form.get("note") or "") > const.MAX_TEXT:
            errors["note"] = request.env._("This message is too long.")
        if errors:
            return self._render_details(service, choice, form, errors)
        try:
            booking = self._place_with_retries(service, choice, form)
        except SlotTaken:
            self._start_over()
            return self._render_taken(service, choice)
        except UserError as error:
            self._start_over()
            return self._render_end(
                "refused",
                status=409,
                service=service,
                reason=str(error),
                res_company=service.company_id,
            )
        if booking.state == "hold" and booking._is_payable_now():
            return self._go_on(booking, booking._get_pay_url())
        return self._go_on(booking, booking._get_manage_url())

    def _place_with_retries(self, service, choice, form):
        """Place the booking, again at once when the snapshot was too old to see why
        it could not be placed (Odoo's own replay waits up to two seconds).
        """
        partner = self._get_proved_partner()
        visitor_key = self._get_visitor_key()
        key = form.get("request_key") or ""
        origin = self._prepare_origin(service, form)
        for left in reversed(range(MAX_TRIES)):
            try:
                booking = request.env["payment.booking"]._place(
                    service,
                    choice["start"],
                    {
                        "guest_name": not partner and form.get("name"),
                        "guest_email": not partner and form.get("email"),
                        "guest_phone": not partner
                        and self._get_phone(service._get_form(), form),
                        "note": form.get("note"),
                        "lang": request.env.lang,
                        "tz": choice["tz"],
                        **self._get_campaign(),
                        **origin,
                    },
                    resource=choice["resource"],
                    seats=choice["seats"],
                    currency=choice["currency"],
                    partner=partner,
                    visitor_key=visitor_key,
                    # Bound to the visitor: another's key finds nothing.
                    request_key=f"{visitor_key}:{key[:64]}" if key else None,
                )
                if service._get_form() and not booking._has_payment_started():
                    # Proved: it is the visitor's own contact, or one made just now.
                    booking._take_payable_details(
                        form, request.httprequest.remote_addr, proved=True
                    )
                request.env.flush_all()
                return booking
            except (
                StaleSnapshot,
                psycopg2.errors.SerializationFailure,
                psycopg2.errors.DeadlockDetected,
                psycopg2.errors.UniqueViolation,
            ):
                self._start_over()
                if not left:
                    raise SlotTaken(request.env._("Somebody was quicker.")) from None

    def _prepare_origin(self, service, form):
        """Return where a booking comes from, and where its client goes back to."""
        return {
            "direct_link_id": self._get_link_to(service),
            "return_url": self._get_return(form, service),
        }

    def _get_link_to(self, service):
        """Return the id of the direct link that brought the visitor, or False."""
        kept = request.session.get(LINK_KEY) or {}
        return kept.get("service_id") == service.id and kept.get("id")

    def _render_taken(self, service, choice):
        """Say that somebody was quicker, with the nearest free starts."""
        seats = max(1, min(choice["seats"], service.seats))
        nearest = service._get_next_slots(
            choice["start"], resource=choice["resource"], seats=seats
        )
        if not nearest and choice["resource"]:
            nearest = service._get_next_slots(choice["start"], seats=seats)
        return self._render_end(
            "taken",
            status=409,
            service=service,
            res_company=service.company_id,
            slots=service._describe_slots(
                nearest, choice["tz"], seats, self._get_service_url(service)
            ),
        )
