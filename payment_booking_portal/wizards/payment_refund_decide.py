from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError


class PaymentRefundDecide(models.TransientModel):
    """Money of one payment that a manager decides to give back."""

    _name = "payment.refund.decide"
    _description = "Give Money Back"

    # Managers read no transactions; see `_get_transaction_sudo`.
    transaction_key = fields.Integer(required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", compute="_compute_payment")
    client_name = fields.Char(string="Client", compute="_compute_payment")
    payment = fields.Char(compute="_compute_payment")
    amount_left = fields.Monetary(string="At Most", compute="_compute_payment")
    how = fields.Char(compute="_compute_payment")
    amount = fields.Monetary(
        compute="_compute_amount", store=True, precompute=True, readonly=False
    )
    reason = fields.Char(required=True)

    @api.depends("transaction_key")
    def _compute_payment(self):
        for wizard in self:
            tx_sudo = wizard._get_transaction_sudo()
            ability = tx_sudo._get_refund_ability()
            texts = {
                "none": self.env._(
                    "%(provider)s cannot give it back from here: you get a task to do "
                    "it by hand.",
                    provider=tx_sudo.provider_id.name,
                ),
                "full_only": self.env._(
                    "%(provider)s gives back all or nothing.",
                    provider=tx_sudo.provider_id.name,
                ),
                "partial": self.env._(
                    "%(provider)s gives it back to what the client paid with.",
                    provider=tx_sudo.provider_id.name,
                ),
            }
            wizard.currency_id = tx_sudo.currency_id
            wizard.client_name = tx_sudo.partner_id.name
            wizard.payment = self.env._(
                "%(method)s, %(reference)s",
                method=tx_sudo.payment_method_id.name,
                reference=tx_sudo.reference,
            )
            wizard.amount_left = tx_sudo._get_refundable_amount()
            wizard.how = texts[ability]

    @api.depends("transaction_key")
    def _compute_amount(self):
        for wizard in self:
            tx_sudo = wizard._get_transaction_sudo()
            wizard.amount = tx_sudo._get_refundable_amount()

    def _get_transaction_sudo(self):
        """Return the payment, sudoed.

        :raise AccessError: for anyone but a manager of its company.
        """
        user = self.sudo(False).env.user
        if not user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager gives money back."))
        # sudo: managers read no transactions
        tx_sudo = self.env["payment.transaction"].sudo().browse(self.transaction_key)
        if (
            not tx_sudo.exists()
            or not tx_sudo.allocation_ids
            or tx_sudo.company_id not in self.sudo(False).env.companies
        ):
            raise AccessError(
                self.env._("This payment belongs to a company that is not yours.")
            )
        return tx_sudo

    @api.model
    def _open(self, txs_sudo):
        """Return the action that opens the dialog for the last payment of some that
        can be given back.

        :param txs_sudo: payments of a document, oldest first, sudoed.
        :raise UserError: when there is none.
        """
        for tx_sudo in reversed(txs_sudo):
            if tx_sudo._get_refundable_amount():
                return {
                    "type": "ir.actions.act_window",
                    "name": self.env._("Give money back"),
                    "res_model": self._name,
                    "views": [(False, "form")],
                    "target": "new",
                    "context": {"default_transaction_key": tx_sudo.id},
                }
        raise UserError(self.env._("There is no payment here to give back."))

    def action_refund(self):
        """Decide: the money goes back right after."""
        self.ensure_one()
        tx_sudo = self._get_transaction_sudo()
        refund = self.env["payment.refund.request"]._decide(
            tx_sudo, self.amount, self.reason
        )
        amount = refund._format()
        texts = {
            "manual": self.env._(
                "You have a task to give %(amount)s back.", amount=amount
            ),
            "approval": self.env._(
                "Another manager must approve that %(amount)s is given back.",
                amount=amount,
            ),
        }
        done = self.env._("%(amount)s is being given back.", amount=amount)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": texts.get(refund.state, done),
                "type": "warning" if refund.state in texts else "success",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
