from odoo import fields, models
from odoo.exceptions import UserError


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

    def _check_still_due(self):
        """Check that the document still waits for that much, before money is taken.

        :raise UserError: when it does not; nothing is charged then.
        """
        self.ensure_one()
        document = self._get_document()
        due = document._get_payable_amount()  # a draft takes nothing off
        if not document._is_payable_now():
            status = document._get_payable_status()
            reason = document._get_payable_messages()[status]
        elif self.currency_id.compare_amounts(self.amount, due) > 0:
            reason = self.env._(
                "Only %(amount)s is due.", amount=document._format_amount(due)
            )
        else:
            return
        raise UserError(self.env._("You were not charged. %(reason)s", reason=reason))

    def _get_surplus(self):
        """Return how much of it the books could not use for the document's invoice.

        Nothing is known without an invoice, nor of a payment without journal entry.
        """
        self.ensure_one()
        document = self._get_document()
        invoice = self.invoice_id or document.invoice_id
        items = self.transaction_id.payment_id.move_id.line_ids
        if invoice.state != "posted" or not items:
            return 0.0
        used = sum(
            partial.debit_amount_currency
            for partial in items.matched_debit_ids
            if partial.debit_move_id.move_id == invoice
        )
        return max(0.0, self.currency_id.round(self.amount - used))
