from odoo import api, fields, models


class PaymentInvoiceRecord(models.TransientModel):
    """Money received by staff for an invoice, which plain users may not read."""

    _name = "payment.invoice.record"
    _description = "Record a Payment of an Invoice"
    _inherit = "payment.record.wizard"

    invoice_id = fields.Many2one("account.move", required=True, readonly=True)
    invoice_number = fields.Char(compute="_compute_invoice")
    client_name = fields.Char(string="Client", compute="_compute_invoice")
    currency_id = fields.Many2one(compute="_compute_invoice")
    amount_due = fields.Monetary(compute="_compute_invoice")
    amount = fields.Monetary(
        compute="_compute_amount", store=True, precompute=True, readonly=False
    )

    @api.depends("invoice_id")
    def _compute_invoice(self):
        for wizard in self:
            invoice_sudo = wizard._get_invoice_sudo()
            wizard.invoice_number = invoice_sudo.name
            wizard.client_name = invoice_sudo._get_client_name()
            wizard.currency_id = invoice_sudo.currency_id
            wizard.amount_due = invoice_sudo and invoice_sudo._get_recordable_amount()

    @api.depends("invoice_id")
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.amount_due

    def _get_invoice_sudo(self):
        """Return the invoice, sudoed: plain users read none.

        :raise AccessError: for an invoice that the user may not record money on.
        """
        # Stored fields are computed as superuser: ask as the user that it is.
        self.sudo(False).invoice_id._check_office()
        return self.invoice_id.sudo()

    def _check_rights(self, document):
        """Override: plain users write no invoices."""
        document._check_office()

    def action_record(self):
        """Book the money on the invoice, and send the receipt."""
        self.ensure_one()
        told = self._record_on(self.invoice_id.with_context(booking_receipt=self.send))
        return told or {"type": "ir.actions.act_window_close"}
