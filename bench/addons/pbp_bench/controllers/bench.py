from odoo import fields, http
from odoo.http import request


class BenchRoutes(http.Controller):
    """What the benchmarks compare with, without any page around it."""

    @http.route("/pbp_bench/empty", type="jsonrpc", auth="public")
    def empty(self):
        """Answer nothing: what any JSON route of Odoo costs."""
        return {}

    @http.route("/pbp_bench/slots", type="jsonrpc", auth="public")
    def slots(self, service_id, start, stop):
        """Answer the free starts of a service, as the calendar page computes them."""
        service = request.env["payment.booking.service"].sudo()  # guests read none
        service = service.browse(service_id)
        free = service._get_slots(
            fields.Datetime.to_datetime(start), fields.Datetime.to_datetime(stop)
        )
        return [fields.Datetime.to_string(slot) for slot in free]
