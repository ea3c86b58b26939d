from odoo import http
from odoo.http import request

from odoo.addons.payment_booking_portal.controllers.embed import EmbedBookingPages


def sitemap_book(env, rule, query):
    """Yield the pages of a website where something can be booked.

    :param str query: what an editor of the website types to find a page, or None.
    """
    website = env["website"].get_current_website()
    pages = [{"loc": "/book"}]
    pages += [
        {"loc": service._get_book_url(), "lastmod": service.write_date.date()}
        for service in website._get_booking_services()
    ]
    for page in pages:
        if not query or query.lower() in page["loc"]:
            yield page


class WebsiteBookingPages(EmbedBookingPages):
    """The pages of services as part of a website."""

    @http.route(sitemap=sitemap_book)
    def book(self, **query):
        """Override: it is in the sitemap."""
        return super().book(**query)

    @http.route(sitemap=sitemap_book)
    def service(self, slug, **query):
        """Override: it is in the sitemap, if public."""
        return super().service(slug, **query)

    def _get_service(self, slug):
        """Override: only those of the website.

        :raise NotFound: for one of another website, also for staff.
        """
        service = super()._get_service(slug)
        if not service._is_on_website():
            raise request.not_found()
        return service

    def _prepare_calendar(self, service, query, booking=None):
        """Override: the page of a service is that of its record, so that whoever edits
        the website publishes it there and says what search engines show.
        """
        values = super()._prepare_calendar(service, query, booking)
        if not booking and not self._get_frame():
            values["main_object"] = service
        return values
