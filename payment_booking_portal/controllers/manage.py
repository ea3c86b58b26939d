from datetime import timedelta

from odoo import http
from odoo.exceptions import UserError
from odoo.http import content_disposition, request

from ..exceptions import SlotTaken
from ..tools import slots
from ..tools.dates import format_start
from .book import BookingPages
from .common import MAX_FORM_BYTES, parse_start


class ManagePages(BookingPages):
    """The client's page of one booking: GET shows, POST acts."""

    def _get_booking(self, token):
        """Return the booking of a manage link, sudoed, and whether the link is valid.

        :raise NotFound: for a wrong or foreign token: always the same page.
        """
        link = request.env["payment.access.link"]._find(token, "manage")
        booking = link and link._get_document()
        if not booking or booking._name != "payment.booking":
            raise request.not_found()
        return booking, link.is_valid

    @http.route(
        "/booking/<string:token>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def booking(self, token, **_query):
        """Show a booking to whoever has its link: the confirmation page."""
        booking, valid = self._get_booking(token)
        if not valid:
            return self._render_end("dead_link", status=410)
        return self._render_booking(booking, f"/booking/{token}")

    def _render_booking(self, booking, base_url, **values):
        """Render the page of a booking.

        :param payment.booking booking: sudoed.
        :param str base_url: path of the page, on which its actions hang.
        """
        status = booking._get_payable_status()
        payable = booking._is_payable_now()
        if booking.state == "hold" and payable:
            return request.redirect(booking._get_pay_url())
        if booking.state in ("expired", "cancelled") or (
            booking.state == "hold" and status == "over"
        ):
            return self._render_ended(booking)
        if booking.state == "hold" and status == "processing":
            return request.redirect(booking._get_pay_url())
        if booking.state == "hold":
            return self._render_settling(booking)
        return self._render_page(
            "booking_page",
            {
                "booking": booking,
                "res_company": booking.company_id,
                "base_url": base_url,
                "lines": booking._get_mail_lines(),
                # Of its invoice, once that is what is owed.
                "pay_url": (payable or status == "invoiced") and booking._get_pay_url(),
                "status": status,
                "can_change": booking._can_change(),
                "invoice_url": booking._get_invoice_url(),
                "signup_url": booking._get_signup_url(),
                **values,
            },
            private=True,
        )

    def _render_settling(self, booking):
        """Say that the money is here, and that it does not count yet."""
        txs_sudo = booking._get_allocations().transaction_id
        unsettled = any(
            tx.state == "done" and not tx.is_post_processed for tx in txs_sudo
        )
        return self._render_end(
            "checking",
            document=booking,
            # What is settled and still no booking is for staff to decide.
            poll_url=unsettled and f"{booking._get_pay_url()}/poll",
            res_company=booking.company_id,
        )

    def _render_ended(self, booking):
        """Say that a booking is off, and what became of its money."""
        key = "cancelled" if booking.state == "cancelled" else "over"
        if booking._has_been_paid() and key == "over":
            key = "late"
        service = booking.service_id
        starts = service._get_next_slots(booking.start, seats=booking.seats)
        return self._render_end(
            key,
            document=booking,
            service=service,
            slots=service._describe_slots(starts, booking._get_client_tz()),
            res_company=booking.company_id,
        )

    # === CALENDAR FILE === #

    @http.route(
        "/booking/<string:token>/calendar.ics",
        type="http",
        auth="public",
        methods=["GET"],
        sitemap=False,
    )
    def booking_ics(self, token, **_query):
        """Return the calendar file of a booking that counts, or of a cancelled one."""
        booking, valid = self._get_booking(token)
        if not valid or booking.state not in ("confirmed", "cancelled"):
            raise request.not_found()
        return request.make_response(
            booking._get_ics(),
            [
                ("Content-Type", "text/calendar; charset=utf-8"),
                ("Content-Disposition", content_disposition("booking.ics")),
                ("Cache-Control", "no-store"),
                ("X-Robots-Tag", "noindex, nofollow"),
            ],
        )

    # === CANCEL === #

    @http.route(
        "/booking/<string:token>/cancel",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def booking_cancel(self, token, **_query):
        """Ask whether the booking shall really be cancelled."""
        booking, valid = self._get_booking(token)
        if not valid:
            return self._render_end("dead_link", status=410)
        if not booking._can_change():
            return request.redirect(booking._get_manage_url())
        return self._render_page(
            "cancel_page",
            {
                "booking": booking,
                "res_company": booking.company_id,
                "base_url": f"/booking/{token}",
                "lines": booking._get_mail_lines(),
            },
            private=True,
        )

    @http.route(
        "/booking/<string:token>/cancel",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_FORM_BYTES,
    )
    def booking_cancel_now(self, token, **_form):
        """Cancel the booking."""
        booking, valid = self._get_booking(token)
        if not valid:
            return self._render_end("dead_link", status=410)
        if booking._can_change():
            booking._cancel(by_client=True)
        return request.redirect(booking._get_manage_url())

    # === MOVE === #

    @http.route(
        "/booking/<string:token>/move",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def booking_move(self, token, **query):
        """Show the other free starts, or ask whether a chosen one is right."""
        booking, valid = self._get_booking(token)
        if not valid:
            return self._render_end("dead_link", status=410)
        if not booking._can_change():
            return request.redirect(booking._get_manage_url())
        base_url = f"/booking/{token}"
        start = parse_start(query.get("start"))
        if start:
            return self._render_move(booking, base_url, start, query)
        values = self._prepare_calendar(booking.service_id, query, booking)
        values["base_url"] = values["details_url"] = f"{base_url}/move"
        return self._render_page("calendar_page", values, private=True)

    def _render_move(self, booking, base_url, start, query):
        service = booking.service_id
        resource = self._get_resource(service, query.get("resource"))
        availability = service._get_availability(
            start,
            start + timedelta(minutes=1),
            resource,
            booking.seats,
            booking=booking,
        )
        if slots.to_minutes(start) not in availability.starts:
            return self._render_move_taken(booking, base_url, start)
        moved = booking.new(origin=booking)
        moved.start = start
        moved.stop = start + timedelta(minutes=service.duration)
        return self._render_page(
            "move_page",
            {
                "booking": booking,
                "res_company": booking.company_id,
                "base_url": base_url,
                "start": format_start(start),
                "resource": resource,
                "old_when": booking._format_when(),
                "new_when": moved._format_when(),
            },
            private=True,
        )

    def _render_move_taken(self, booking, base_url, start):
        """Say that somebody was quicker; the booking stays as it is."""
        starts = booking.service_id._get_next_slots(start, seats=booking.seats)
        buttons = booking.service_id._describe_slots(starts, booking._get_client_tz())
        for button, moment in zip(buttons, sorted(starts), strict=True):
            button["url"] = f"{base_url}/move?start={format_start(moment)}"
        return self._render_end(
            "taken",
            status=409,
            service=booking.service_id,
            slots=buttons,
            all_url=f"{base_url}/move",
            res_company=booking.company_id,
        )

    @http.route(
        "/booking/<string:token>/move",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_FORM_BYTES,
    )
    def booking_move_now(self, token, **form):
        """Move the booking to another free start at the same price."""
        booking, valid = self._get_booking(token)
        if not valid:
            return self._render_end("dead_link", status=410)
        start = parse_start(form.get("start"))
        if not start:
            raise request.not_found()
        resource = self._get_resource(booking.service_id, form.get("resource"))
        try:
            booking._move(start, resource)
            request.env.flush_all()
        except SlotTaken:
            self._start_over()
            return self._render_move_taken(booking, f"/booking/{token}", start)
        except UserError as error:
            self._start_over()
            return self._render_end(
                "refused",
                status=409,
                reason=str(error),
                res_company=booking.company_id,
            )
        return request.redirect(booking._get_manage_url())
