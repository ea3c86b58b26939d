from odoo import fields, models
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

    def _decide_unused_money(self, decision, reason, flag, message, tx_sudo=None):
        """Do what the company wants to be done with money that came for nothing.

        :param str decision: a key of `const.MONEY_DECISIONS`.
        :param str reason: why it is given back, for the client's file.
        :param str flag: a key of `const.ATTENTION_REASONS`, if a person must decide.
        :param str message: what happened, for staff.
        :param tx_sudo: the payment that is meant; by default all that was paid.
        """
        self.ensure_one()
        then = self.env._("Decide what is given back.")
        if decision == "refund":
            states = self._give_back(reason, tx_sudo).mapped("state")
            if states and "approval" not in states:
                then = self.env._("It is being given back.")
            else:  # nothing is promised yet
                decision = "ask"
                if states:
                    then = self.env._("Giving it back waits for approval.")
        elif decision == "credit":
            if tx_sudo or self._attempt("invoice_failed", self._keep_as_credit):
                then = self.env._("It stays the client's credit.")
            else:
                decision = "ask"
        self._editing().unused_money = decision
        if decision == "ask":
            self._flag_attention(flag, f"{message} {then}")
        else:
            self._notify_staff("paid", f"{message} {then}")

    def _get_house_lang(self):
        """Return the language of staff, for what a client causes and staff reads."""
        self.ensure_one()
        partner_sudo = self._get_payable_company().sudo().partner_id  # guests read none
        return self.sudo().user_id.lang or partner_sudo.lang or self.env.lang

    # === GIVING IT BACK === #

    def _plan_refunds(self, tx_sudo=None):
        """Return how much goes back of which payment, for all of the money to go back.

        :param tx_sudo: the payment that is meant; by default all that was paid.
        :return: amounts by transaction, sudoed; none where staff must see to it: a
            payment paid something else too, the invoice got money in another way, or
            something is being given back already.
        :rtype: dict
        """
        self.ensure_one()
        compare = self._get_payable_currency().compare_amounts
        txs_sudo = tx_sudo or self._get_paid_transactions()
        plan = {tx: tx._get_refundable_amount() for tx in txs_sudo}
        plan = {tx: amount for tx, amount in plan.items() if amount}
        wanted = (
            tx_sudo._get_document_share(self) if tx_sudo else self._get_payable_paid()
        )
        if compare(sum(plan.values()), wanted) or any(
            len(tx.allocation_ids) > 1
            or (tx._get_refund_ability() == "full_only" and compare(amount, tx.amount))
            for tx, amount in plan.items()
        ):
            return {}
        return plan

    def _give_back(self, reason, tx_sudo=None):
        """Decide to give the money back, all or nothing.

        :param str reason: for the client's file.
        :param tx_sudo: see `_plan_refunds`.
        :return: the refunds, sudoed; none where staff must see to it.
        :rtype: payment.refund.request
        """
        refunds_sudo = self.env["payment.refund.request"].sudo()  # nobody makes them
        try:
            with self.env.cr.savepoint():
                for tx, amount in self._plan_refunds(tx_sudo).items():
                    refunds_sudo |= refunds_sudo._decide(tx, amount, reason)
        except UserError:
            return refunds_sudo.browse()
        return refunds_sudo

    def _is_refund_certain(self):
        """Tell whether all that was paid would be given back without anybody's help."""
        self.ensure_one()
        plan = self._plan_refunds()
        return bool(plan) and all(
            tx._get_refund_ability() != "none"
            and not tx._needs_refund_approval(sum(plan.values()))
            for tx in plan
        )

    def _on_refund_given_up(self):
        """Override: the client is not promised any more that it comes."""
        if self.unused_money == "refund":
            self._editing().unused_money = "ask"
        return super()._on_refund_given_up()

    # === KEEPING IT === #

    def _can_keep_as_credit(self):
        """Tell whether the money can become a credit without anybody's help: its
        invoice is for nothing else, and nothing of it was credited, given back, or is
        asked back by the client's bank.
        """
        invoice_sudo = self._get_issued_invoice()
        disputes = self._get_paid_transactions().dispute_ids
        disputes |= invoice_sudo._get_paid_transactions().dispute_ids
        if self._get_refunded() or any(d.state != "won" for d in disputes):
            return False
        credited = invoice_sudo.reversal_move_ids.filtered(
            lambda move: move.state == "posted"
        )
        return not invoice_sudo or (
            len(invoice_sudo._get_documents()) == 1 and not credited
        )

    def _keep_as_credit(self):
        """Make the money a credit that the client's next invoice can take: Odoo matches
        the credit note with what is still open of the invoice.

        :return: whether it is one now.
        """
        self.ensure_one()
        invoice_sudo = self._get_issued_invoice()
        if not self._can_keep_as_credit():
            return False
        if invoice_sudo:  # else the payment itself is the credit
            values = {
                "ref": self.env._("Credit for %(number)s", number=invoice_sudo.name),
                "invoice_date": fields.Date.context_today(self),
            }
            invoice_sudo._reverse_moves([values]).action_post()
        return True

    # === WHAT THE CLIENT READS === #

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
