from odoo import fields, models
from odoo.tools import format_amount


class PaymentMoneyBackMixin(models.AbstractModel):
    """Money of a payment that went back, or may: a refund, a dispute.

    What it was, whose and for what, kept as it was then.
    """

    _name = "payment.money.back.mixin"
    _description = "Money That Goes Back"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "document"
    _check_company_auto = True

    transaction_id = fields.Many2one(
        "payment.transaction",
        string="Payment",
        required=True,
        readonly=True,
        ondelete="restrict",
        index=True,
    )
    refund_tx_id = fields.Many2one(
        "payment.transaction",
        string="Booked As",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
    )
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="restrict", index=True
    )
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    amount = fields.Monetary(required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner", string="Client", readonly=True, index="btree_not_null"
    )
    document = fields.Char(readonly=True, help="What was paid.")
    provider_name = fields.Char(string="Paid With", readonly=True)
    reason = fields.Char(readonly=True)

    def _prepare_payment_values(self, tx_sudo):
        """Return the values that say which payment it is of.

        :param payment.transaction tx_sudo: that paid, sudoed.
        """
        documents = [line._get_document() for line in tx_sudo.allocation_ids]
        return {
            "transaction_id": tx_sudo.id,
            "company_id": tx_sudo.company_id.id,
            "currency_id": tx_sudo.currency_id.id,
            "partner_id": tx_sudo.partner_id.id,
            "document": ", ".join(d.display_name for d in documents),
            "provider_name": tx_sudo.provider_id.name,
        }

    def _format(self):
        """Return the amount in words."""
        return format_amount(self.env, self.amount, self.currency_id)
