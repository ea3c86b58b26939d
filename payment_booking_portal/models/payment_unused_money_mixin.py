from odoo import SUPERUSER_ID, fields, models
from odoo.exceptions import UserError

from .. import const


class PaymentUnusedMoneyMixin(models.AbstractModel):
    """What becomes of money that came for nothing: too late, or for what was cancelled.

    The company says what it wants (see `res.company`); what was decided is kept on the
    document, because the client was told so.
    """

    _name = "payment.unused.money.mixin"
    _description = "Document Whose Money May Be Left Over"

    unused_money = fields.Selection(
        const.MONEY_DECISIONS,
        string="Money Left Over",
        readonly=True,
        copy=False,
        help="What the client was told about money that came too late, or for what "
        "was cancelled.",
    )

    def _decide_unused_money(self, decision, reason, flag, message):
        """Do what the company wants to be done with money that came for nothing.

        :param str decision: a key of `const.MONEY_DECISIONS`.
        :param str reason: why it is given back, for the client's file.
        :param str flag: a key of `const.ATTENTION_REASONS`, if a person must decide.
        :param str message: what happened, for staff.
        """
        self.ensure_one()
        if decision == "refund":
            refunds = self._give_back_all(reason)
            if not refunds:
                decision = "ask"
            elif "approval" in refunds.mapped("state"):
                self._editing().unused_money = "ask"  # nothing is promised yet
                return
        self._editing().unused_money = decision
        if decision == "ask":
            self._flag_attention(flag, message)
        else:
            then = {
                "refund": self.env._("It is being given back."),
                "credit": self.env._("It stays the client's credit."),
            }
            self._notify_staff("paid", f"{message} {then[decision]}")

    def _give_back_all(self, reason):
        """Decide to give back all that was paid for the document and is still there.

        :param str reason: for the client's file.
        :return: the refunds, sudoed; none where staff must see to it: the money paid
            something else too, or its provider gives back all or nothing.
        :rtype: payment.refund.request
        """
        self.ensure_one()
        # The robot: it is no decision of who cancels, or looks at a payment.
        refunds_sudo = self.env["payment.refund.request"].with_user(SUPERUSER_ID)
        txs_sudo = self._get_refundable_transactions()
        if any(len(tx.allocation_ids) > 1 for tx in txs_sudo):
            return refunds_sudo
        try:
            with self.env.cr.savepoint():
                for tx_sudo in txs_sudo:
                    amount = tx_sudo._get_refundable_amount()
                    refunds_sudo |= refunds_sudo._decide(tx_sudo, amount, reason)
        except UserError:
            return refunds_sudo.browse()
        return refunds_sudo

    def _get_refundable_transactions(self):
        """Return the payments of which something can be given back, sudoed."""
        return self._get_paid_transactions().filtered(
            lambda tx: tx._get_refundable_amount()
        )

    def _is_refund_certain(self):
        """Tell whether all that was paid would be given back without anybody's help."""
        self.ensure_one()
        company_sudo = self._get_payable_company().sudo()  # clients read none
        txs_sudo = self._get_refundable_transactions()
        return bool(txs_sudo) and all(
            len(tx.allocation_ids) == 1
            and tx._get_refund_ability() != "none"
            and not company_sudo._needs_refund_approval(
                tx._get_refundable_amount(), tx.currency_id
            )
            for tx in txs_sudo
        )

    def _get_unused_money_text(self):
        """Override: what was given back, or is about to be, else what the company does
        with it.
        """
        self.ensure_one()
        refunds = self._get_refund_texts()
        if refunds and (self.unused_money != "refund" or self._get_refunded()):
            return " ".join(f"{text}." for text in refunds)
        texts = self._get_payable_company()._get_unused_money_texts()
        return texts[self.unused_money or "ask"]
