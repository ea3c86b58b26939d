from odoo import api, fields, models


class PaymentBookingAsk(models.TransientModel):
    _name = "payment.booking.ask"
    _description = "Ask for the Payment of a Booking"
    _inherit = "payment.booking.wizard"

    state = fields.Selection(related="booking_id.state", related_sudo=False)
    client_email = fields.Char(related="booking_id.client_email", related_sudo=False)
    seats = fields.Integer(related="booking_id.seats", related_sudo=False)
    is_required = fields.Boolean(
        string="Payment Required",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
        help="The booking counts only once it is paid.",
    )
    until = fields.Datetime(
        string="Pay Until",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    remind = fields.Boolean(string="Remind Once Before", default=True)
    price_unit = fields.Monetary(
        string="Price",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
    )
    currency_id = fields.Many2one(
        "res.currency",
        compute="_compute_from_booking",
        store=True,
        precompute=True,
        readonly=False,
    )
    currency_ids = fields.Many2many(
        "res.currency", compute="_compute_choices", string="Possible Currencies"
    )
    can_change_price = fields.Boolean(compute="_compute_choices")
    amount_due = fields.Monetary(compute="_compute_amount_due")
    message = fields.Text(help="A line of yours in the mail.")
    send = fields.Boolean(string="Send the Link by Mail", default=True)

    @api.depends("booking_id")
    def _compute_from_booking(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            service = booking.service_id
            currency = booking.currency_id or service.currency_id
            price = booking.price_unit
            if booking.state == "draft" and not booking.has_own_price:
                price = service._get_price_in(currency) or 0.0
            wizard.is_required = bool(booking) and booking._get_policy() == "required"
            wizard.until = booking.pay_until or (
                booking.start and booking._get_default_pay_until()
            )
            wizard.price_unit = price
            wizard.currency_id = currency

    @api.depends("booking_id")
    def _compute_choices(self):
        for wizard in self:
            booking_sudo = wizard._get_booking_sudo()
            service = booking_sudo.service_id
            wizard.currency_ids = service.currency_id
            if service:
                wizard.currency_ids |= service.company_id._get_booking_currencies()
            wizard.can_change_price = bool(booking_sudo) and not (
                booking_sudo._get_payable_paid()
                or booking_sudo._get_payable_processing()
                or booking_sudo._get_live_invoice()
            )

    @api.depends("price_unit", "currency_id", "booking_id")
    def _compute_amount_due(self):
        for wizard in self:
            booking = wizard._get_booking_sudo()
            if not booking:
                wizard.amount_due = 0.0
            elif wizard.can_change_price:
                price = booking.service_id._prepare_price(
                    wizard.currency_id,
                    booking.seats,
                    booking.partner_id,
                    price_unit=wizard.price_unit,
                )
                wizard.amount_due = price["amount_total"]
            else:
                wizard.amount_due = booking._get_payable_amount()

    def _apply_price(self):
        """Change the price of the booking if staff typed another one."""
        booking = self.booking_id
        currency = self.currency_id
        before = self.new({"booking_id": booking.id})
        if not self.can_change_price or (
            currency == before.currency_id
            and currency.compare_amounts(self.price_unit, before.price_unit) == 0
        ):
            return
        if booking.state == "draft":
            booking.write(
                {
                    "has_own_price": True,
                    "price_unit": self.price_unit,
                    "currency_id": currency.id,
                }
            )
        else:
            booking._set_price(self.price_unit, currency)

    def action_ask(self):
        """Place the booking if it is a draft, and send the link."""
        self.ensure_one()
        booking = self.booking_id
        booking.check_access("write")
        self._apply_price()
        booking._ask_for_payment(
            self.until,
            required=self.is_required,
            remind_at=None if self.remind else False,
            message=self.message,
            send=self.send,
        )
        return {"type": "ir.actions.act_window_close"}
