"""What staff sees while they make a widget."""

from odoo import http
from odoo.http import request


class WidgetPreview(http.Controller):
    """A website that does not exist, for the preview in the form of a widget."""

    @http.route(
        "/payment-booking/preview",
        type="http",
        auth="user",
        methods=["GET"],
        sitemap=False,
        readonly=True,
    )
    def widget_preview(self):
        """Show the page around a widget; the form puts the widget in its place."""
        if not request.env["payment.widget"].has_access("read"):
            raise request.not_found()
        response = request.render(
            "payment_booking_portal.widget_preview_page",
            {"company": request.env.company},
        )
        response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response
