from odoo import api, fields, models


class PaymentBookingSessionChange(models.TransientModel):
    _name = "payment.booking.session.change"
    _description = "Cancel or Move a Session"

    session_id = fields.Many2one(
        "payment.booking.session", required=True, ondelete="cascade"
    )
    what = fields.Selection([("cancel", "Cancel"), ("move", "Move")], required=True)
    message = fields.Text(string="What to Tell Them")
    start = fields.Datetime(string="New Start")
    client_count = fields.Integer(compute="_compute_client_count")
    collected = fields.Char(related="session_id.collected")

    @api.depends("session_id")
    def _compute_client_count(self):
        for wizard in self:
            bookings = wizard.session_id.booking_ids
            wizard.client_count = len(bookings.filtered(lambda b: b._is_live()))

    # === ACTIONS === #

    def action_apply(self):
        """Cancel or move; who may do it is checked there."""
        self.ensure_one()
        session = self.session_id
        if self.what == "move":
            session.action_move(self.start)
            return {"type": "ir.actions.act_window_close"}
        session.action_cancel(self.message)
        if session.exists():
            return {"type": "ir.actions.act_window_close"}
        # Nobody was in it, and it is gone: its form has nothing to show any more.
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_session_action"
        )
        return {**action, "target": "main"}
