from odoo import fields, http
from odoo.exceptions import AccessError, MissingError
from odoo.fields import Domain
from odoo.http import request

from odoo.addons.portal.controllers.portal import CustomerPortal, pager

PAGE_SIZE = 20


class BookingPortal(CustomerPortal):
    """The bookings of a client who has an account."""

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
