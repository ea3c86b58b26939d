from odoo import fields, models


class PaymentTransactionAllocation(models.Model):
    _name = "payment.transaction.allocation"
    _description = "What a Transaction Pays"
    _order = "id"
    _rec_name = "transaction_id"

    transaction_id = fields.Many2one(
        "payment.transaction", required=True, ondelete="cascade", index=True
    )
    booking_id = fields.Many2one(
        "payment.booking", ondelete="restrict", index="btree_not_null"
    )
    request_id = fields.Many2one(
        "payment.request", ondelete="restrict", index="btree_not_null"
    )
    invoice_id = fields.Many2one(
        "account.move", ondelete="restrict", index="btree_not_null"
    )
    amount = fields.Monetary(required=True)
    currency_id = fields.Many2one(related="transaction_id.currency_id")
    purpose = fields.Selection(
        [("full", "In full"), ("deposit", "Deposit"), ("balance", "Balance")],
        default="full",
        required=True,
    )
    state = fields.Selection(related="transaction_id.state")

    _one_document = models.Constraint(
        "CHECK (num_nonnulls(booking_id, request_id, invoice_id) = 1)",
        "An allocation belongs to exactly one document.",
    )
    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "An allocation needs an amount."
    )

    def _get_document(self):
        """Return the document that the allocation pays.

        Override when a further model becomes payable; the constraint above then
        counts its field too.
        """
        self.ensure_one()
        return self.booking_id or self.request_id or self.invoice_id
