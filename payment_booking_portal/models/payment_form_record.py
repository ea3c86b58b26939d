from odoo import api, fields, models


class PaymentFormRecord(models.AbstractModel):
    """What a payer left behind with a form: it belongs to exactly one document.

    It is written by our own methods only, and goes with the document and with the
    contact.
    """

    _name = "payment.form.record"
    _description = "Record of a Payment Form"

    form_id = fields.Many2one(
        "payment.form", required=True, readonly=True, ondelete="restrict", index=True
    )
    booking_id = fields.Many2one(
        "payment.booking", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    request_id = fields.Many2one(
        "payment.request", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one(related="form_id.company_id", store=True, index=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        compute="_compute_partner_id",
        compute_sudo=True,
        store=True,
        ondelete="cascade",
        index="btree_not_null",
    )

    _one_document = models.Constraint(
        "CHECK (num_nonnulls(booking_id, request_id, invoice_id) = 1)",
        "What a payer fills in belongs to exactly one document.",
    )

    @api.depends(
        "booking_id.partner_id", "request_id.partner_id", "invoice_id.partner_id"
    )
    def _compute_partner_id(self):
        for record in self:
            record.partner_id = (
                record.booking_id.partner_id
                or record.request_id.partner_id
                or record.invoice_id.partner_id
            )
