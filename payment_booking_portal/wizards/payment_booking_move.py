from odoo import api, fields, models


class PaymentBookingMove(models.TransientModel):
    _name = "payment.booking.move"
    _description = "Move a Booking"
    _inherit = "payment.booking.wizard"

    service_id = fields.Many2one(related="booking_id.service_id", related_sudo=False)
    start = fields.Datetime(
        string="New Start",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    resource_ids = fields.Many2many(
        "resource.resource",
        string="With",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
    )
    warnings = fields.Text(compute="_compute_warnings")

    @api.depends("booking_id")
    def _compute_from_booking(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            wizard.start = booking.start
            wizard.resource_ids = booking.resource_ids

    @api.depends("start", "resource_ids")
    def _compute_warnings(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            warnings = wizard.start and booking.service_id._get_start_warnings(
                wizard.start, wizard.sudo().resource_ids._origin, booking.seats, booking
            )
            wizard.warnings = "\n".join(warnings or [])

    def action_move(self):
        """Move the booking; the client gets the new calendar file."""
        self.ensure_one()
        self.booking_id.check_access("write")
        self.booking_id._move(self.start, self.sudo().resource_ids, by_staff=True)
        return {"type": "ir.actions.act_window_close"}
