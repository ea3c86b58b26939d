from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentBookingRecord(models.TransientModel):
    _name = "payment.booking.record"
    _description = "Record a Payment of a Booking"
    _inherit = "payment.booking.wizard"

    currency_id = fields.Many2one(related="booking_id.currency_id", related_sudo=False)
    amount_due = fields.Monetary(
        related="booking_id.amount_due", related_sudo=False, string="Due"
    )
    amount = fields.Monetary(
        compute="_compute_amount",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    method = fields.Selection(
        selection=lambda self: self._get_methods(),
        default="payment_booking_portal.payment_method_cash",
        required=True,
    )
    date = fields.Date(default=fields.Date.context_today, required=True)
    note = fields.Char(string="Reference")
    send = fields.Boolean(string="Send a Receipt by Mail", default=True)

    @api.model
    def _get_methods(self):
        methods = self.env["payment.provider"]._get_venue_methods()
        xmlids = methods.get_external_id()
        return [(xmlids[method.id], method.name) for method in methods]

    @api.depends("booking_id")
    def _compute_amount(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            wizard.amount = booking and booking._get_payable_amount()

    def action_record(self):
        """Book the money, and send the receipt."""
        self.ensure_one()
        booking = self.booking_id
        booking.check_access("write")
        if self.date > fields.Date.context_today(self):
            raise UserError(self.env._("Money is recorded once it came."))
        was_confirmed = booking.state == "confirmed"
        # sudo: plain users read no payment methods
        method = self.env.ref(self.method).sudo()
        booking._record_payment(self.amount, method, self.date, self.note)
        if self.send and was_confirmed:  # else the confirmation has the receipt
            booking._send_mail("payment_booking_portal.mail_template_booking_receipt")
        return {"type": "ir.actions.act_window_close"}
