from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentBookingInvoice(models.TransientModel):
    _name = "payment.booking.invoice"
    _description = "Invoice Bookings"

    booking_ids = fields.Many2many("payment.booking", string="Bookings")
    partner_id = fields.Many2one(
        "res.partner", string="Client", compute="_compute_totals"
    )
    currency_id = fields.Many2one("res.currency", compute="_compute_totals")
    amount_total = fields.Monetary(string="Invoice", compute="_compute_totals")
    amount_paid = fields.Monetary(string="Paid Already", compute="_compute_totals")
    refusal = fields.Text(compute="_compute_totals")
    credit = fields.Monetary(
        string="Credit of the Client",
        compute="_compute_credit",
        help="Advances and credit notes that are not used yet.",
    )
    invoice_date = fields.Date(default=fields.Date.context_today, required=True)
    post = fields.Boolean(
        string="Issue It Now",
        default=True,
        help="The client owes it from now on, in place of the bookings. Off: billing "
        "finishes a draft.",
    )
    use_credit = fields.Boolean(string="Pay It With the Credit")

    @api.depends("booking_ids")
    def _compute_totals(self):
        for wizard in self:
            bookings = wizard.booking_ids._origin
            clients = bookings.partner_id.commercial_partner_id
            wizard.partner_id = clients if len(clients) == 1 else False
            wizard.currency_id = bookings.currency_id[:1]
            wizard.refusal = bookings._get_invoice_refusal()
            one = len(bookings.currency_id) == 1  # amounts of several are never summed
            wizard.amount_total = one and sum(bookings.mapped("amount_total"))
            wizard.amount_paid = one and sum(bookings.mapped("amount_paid"))

    @api.depends("booking_ids")
    def _compute_credit(self):
        Line = self.env["account.move.line"].sudo()  # plain users read no such items
        for wizard in self:
            wizard.credit = 0.0
            bookings = wizard.booking_ids._origin
            if wizard.partner_id and not wizard.refusal:
                lines = Line._get_open_credits(
                    bookings.company_id, wizard.partner_id, wizard.currency_id
                )
                free = lines._filter_free_credits()
                wizard.credit = -sum(free.mapped("amount_residual_currency"))

    @api.model
    def _open(self, bookings):
        """Return the action that opens the dialog for bookings."""
        if not bookings:
            raise UserError(self.env._("There is no booking to invoice."))
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Make an invoice"),
            "res_model": self._name,
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_booking_ids": bookings.ids},
        }

    def action_make_invoice(self):
        """Make the invoice, and show it to who may see it."""
        self.ensure_one()
        invoice_sudo = self.booking_ids._make_invoice(
            self.post,
            use_credit=self.use_credit,
            invoice_date=self.invoice_date,
        )
        invoice = invoice_sudo.sudo(False)
        if invoice.has_access("read"):
            return {
                "type": "ir.actions.act_window",
                "res_model": invoice._name,
                "res_id": invoice.id,
                "views": [(False, "form")],
            }
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Invoice %(name)s is made.", name=invoice_sudo.name
                )
                if self.post
                else self.env._("The draft of the invoice is made."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
