from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

from ..models.payment_due import SOURCE_FIELDS
from .common import MAX_FORM_BYTES
from .dues import PAGE_SIZE, DueLists


class BookingPortal(DueLists, CustomerPortal):
    """The bookings and payments of a client who has an account."""

    def _prepare_home_portal_values(self, counters):
        """Override of `portal` to count the bookings."""
        values = super()._prepare_home_portal_values(counters)
        if "payment_booking_count" in counters:
            Booking = request.env["payment.booking"]
            # Without the check an internal user without our groups gets an error.
            values["payment_booking_count"] = (
                Booking.search_count(self._get_bookings_domain(), limit=1)
                if Booking.has_access("read")
                else 0
            )
        for counter, is_unsettled in (
            ("payment_due_count", True),
            ("payment_document_count", False),
        ):
            if counter in counters:
                values[counter] = self._count_dues(is_unsettled)
        return values

    def _count_dues(self, is_unsettled):
        """Return how much a client has to pay; else only whether there is anything."""
        dues = request.env["payment.due"]
        if not dues.has_access("read"):
            return 0
        partner = request.env.user.partner_id
        domain = dues._get_client_domain(partner)
        if not is_unsettled:
            return dues._narrow(partner).search_count(domain, limit=1)
        return dues._narrow(partner, True).search_count(
            domain & Domain("status", "=", "open")
        )

    def _get_bookings_domain(self, filterby="all"):
        """Return the bookings that a client sees. Override to show more or fewer."""
        now = fields.Datetime.now()
        domain = request.env["payment.booking"]._get_my_domain() & Domain(
            "state", "in", ("hold", "confirmed", "cancelled")
        )
        coming = Domain("stop", ">", now) & Domain("state", "!=", "cancelled")
        if filterby == "upcoming":
            return domain & coming
        if filterby == "past":
            return domain & ~coming
        return domain

    @http.route(
        ["/my/bookings", "/my/bookings/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def my_bookings(self, page=1, filterby="upcoming", **_query):
        """List the bookings of the client, the next one first."""
        Booking = request.env["payment.booking"]
        if not Booking.has_access("read"):
            raise request.not_found()
        filters = {
            "upcoming": {"label": request.env._("Upcoming")},
            "past": {"label": request.env._("Past and cancelled")},
        }
        if filterby not in filters:
            filterby = "upcoming"
        domain = self._get_bookings_domain(filterby)
        total = Booking.search_count(domain)
        pages = pager(
            "/my/bookings",
            total,
            page=page,
            step=PAGE_SIZE,
            url_args={"filterby": filterby},
        )
        order = "start asc" if filterby == "upcoming" else "start desc"
        bookings = Booking.search(
            domain, order=order, limit=PAGE_SIZE, offset=pages["offset"]
        )
        request.session["my_bookings_history"] = bookings.ids
        return request.render(
            "payment_booking_portal.portal_my_bookings",
            {
                **self._prepare_portal_layout_values(),
                "page_name": "bookings",
                "bookings": bookings.sudo(),  # just searched with the client's rights
                "pager": pages,
                "default_url": "/my/bookings",
                "searchbar_filters": filters,
                "filterby": filterby,
            },
        )

    @http.route(
        "/my/bookings/<int:booking_id>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def my_booking(self, booking_id, access_token=None, **_query):
        """Show one booking: the same page as its link does.

        Mails of Odoo's own come here too, with the portal's token.
        """
        try:
            booking = self._document_check_access(
                "payment.booking", booking_id, access_token
            )
        except (AccessError, MissingError):
            raise request.not_found() from None
        return request.redirect(booking._get_manage_url())

    # === PAYMENTS === #

    def _get_dues(self):
        """Return the list of what is due, with the rights of who is logged in.

        :raise NotFound: for who may read none.
        """
        dues = request.env["payment.due"]
        if not dues.has_access("read"):
            raise request.not_found()
        return dues

    @http.route(
        ["/my/payments", "/my/payments/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def my_payments(self, page=1, **query):
        """List what the client owes and paid."""
        partner = request.env.user.partner_id
        values = self._prepare_due_list(
            self._get_dues(), partner, "/my/payments", {**query, "page": page}
        )
        return request.render(
            "payment_booking_portal.portal_my_payments",
            {
                **self._prepare_portal_layout_values(),
                **values,
                "page_name": "payments",
                "pay_url": "/my/payments/pay",
                "row_url": "/my/payments",
                "nothing": query.get("nothing"),
            },
        )

    @http.route(
        "/my/payments/<string:source>/<int:document_id>",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def my_payment(self, source, document_id, **_query):
        """Lead to the pay page of a row, or to its receipt."""
        dues = self._get_dues()
        partner = request.env.user.partner_id
        if source not in SOURCE_FIELDS or document_id >= 2**31:
            raise request.not_found()
        row = dues._narrow(partner).search(
            dues._get_client_domain(partner)
            & Domain("source", "=", source)
            & Domain(SOURCE_FIELDS[source], "=", document_id)
        )
        if not row:
            raise request.not_found()
        return request.redirect(self._get_row_url(row))

    @http.route(
        "/my/payments/pay",
        type="http",
        auth="user",
        website=True,
        methods=["POST"],
        max_content_length=MAX_FORM_BYTES,
    )
    def my_payments_pay(self, **_form):
        """Pay one row, or several at once."""
        partner = request.env.user.partner_id
        return self._pay_dues(self._get_dues(), partner, "/my/payments", payer=partner)

    @http.route(
        "/my/requests/<int:request_id>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def my_request(self, request_id, access_token=None, **_query):
        """Show one request: the same page as its link does.

        Mails of Odoo's own come here too, with the portal's token.
        """
        try:
            document = self._document_check_access(
                "payment.request", request_id, access_token
            )
        except (AccessError, MissingError):
            raise request.not_found() from None
        done = document.sudo().state == "paid"  # the client reads no transactions
        return request.redirect(
            document._get_payable_done_url() if done else document._get_pay_url()
        )
