from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

PAGE_SIZE = 20


class BookingPortal(CustomerPortal):
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
        if "payment_request_count" in counters:
            Request = request.env["payment.request"]
            values["payment_request_count"] = (  # as above
                Request.search_count(self._get_requests_domain(), limit=1)
                if Request.has_access("read")
                else 0
            )
        return values

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

    def _get_requests_domain(self, filterby="all"):
        """Return the requests that a client sees. Override to show more or fewer."""
        domain = request.env["payment.request"]._get_my_domain()
        if filterby == "due":
            return domain & Domain("state", "in", ("sent", "part"))
        if filterby == "paid":
            return domain & Domain("state", "=", "paid")
        return domain & Domain("state", "in", ("sent", "part", "paid"))

    @http.route(
        ["/my/payments", "/my/payments/page/<int:page>"],
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
    )
    def my_payments(self, page=1, filterby="due", **_query):
        """List what the client was asked to pay, the newest first."""
        Request = request.env["payment.request"]
        if not Request.has_access("read"):
            raise request.not_found()
        filters = {
            "due": {"label": request.env._("To pay")},
            "paid": {"label": request.env._("Paid")},
        }
        if filterby not in filters:
            filterby = "due"
        domain = self._get_requests_domain(filterby)
        pages = pager(
            "/my/payments",
            Request.search_count(domain),
            page=page,
            step=PAGE_SIZE,
            url_args={"filterby": filterby},
        )
        requests = Request.search(domain, limit=PAGE_SIZE, offset=pages["offset"])
        request.session["my_payments_history"] = requests.ids
        return request.render(
            "payment_booking_portal.portal_my_payments",
            {
                **self._prepare_portal_layout_values(),
                "page_name": "payments",
                "requests": requests.sudo(),  # just searched with the client's rights
                "pager": pages,
                "default_url": "/my/payments",
                "searchbar_filters": filters,
                "filterby": filterby,
            },
        )

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
