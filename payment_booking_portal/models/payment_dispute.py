from odoo import api, fields, models
from odoo.tools import format_amount, format_date

from .. import const
from ..gateways import ASKED, LOST, WON
from ..tools.locking import lock_and_touch


class PaymentDispute(models.Model):
    """Money that the bank of a client asks back, or took back.

    Nothing is cancelled: staff is told, once for each state. Money that is lost is
    booked as what it is, money that went back; while it is decided, it is not.
    """

    _name = "payment.dispute"
    _description = "Dispute"
    _inherit = "payment.money.back.mixin"

    state = fields.Selection(
        const.DISPUTE_STATES, required=True, readonly=True, index=True
    )
    provider_id = fields.Many2one(
        "payment.provider", required=True, readonly=True, ondelete="restrict"
    )
    reference = fields.Char(
        string="Reference at the Provider", required=True, readonly=True
    )
    reason = fields.Char(help="What the client's bank says.")
    opened_at = fields.Datetime(string="Opened", required=True, readonly=True)
    deadline = fields.Date(
        string="Answer By", readonly=True, help="Until when you can send evidence."
    )

    _reference_unique = models.Constraint(
        "UNIQUE (provider_id, reference)", "A dispute is kept once."
    )

    # === WHAT THE PROVIDER SAYS === #

    @api.model
    def _find(self, tx_sudo, answer):
        """Return the dispute that a provider tells of, sudoed, if it is known."""
        return tx_sudo.dispute_ids.sudo().filtered(  # for jobs and notifications
            lambda dispute: dispute.reference == answer.reference
        )

    @api.model
    def _is_news(self, tx_sudo, answer):
        """Tell whether a dispute at the provider is not known here as it is.

        :param tx_sudo: the transaction that paid, sudoed.
        :param Dispute answer: of the gateway.
        """
        return self._find(tx_sudo, answer).state != answer.word

    @api.model
    def _take(self, tx_sudo, answer):
        """Keep what the provider says, and tell staff. The transaction is locked.

        :param tx_sudo: the transaction that paid, sudoed.
        :param Dispute answer: of the gateway.
        """
        dispute_sudo = self._find(tx_sudo, answer)
        values = dispute_sudo._prepare_values(tx_sudo, answer)
        if dispute_sudo:
            lock_and_touch(dispute_sudo)
            dispute_sudo.write(values)
        else:
            dispute_sudo = dispute_sudo.create(values)
        dispute_sudo._book()
        dispute_sudo._mark_invoices()
        dispute_sudo._tell()

    @api.model
    def _prepare_values(self, tx_sudo, answer):
        currency = self.env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", answer.currency)], limit=1)
        return {
            **self._prepare_payment_values(tx_sudo),
            "state": answer.word,
            "provider_id": tx_sudo.provider_id.id,
            "reference": answer.reference,
            "currency_id": (currency or tx_sudo.currency_id).id,
            "amount": answer.amount,
            "reason": answer.reason,
            "opened_at": answer.made_at,
            "deadline": answer.until and tx_sudo._get_local_day(answer.until),
        }

    # === BOOKS === #

    def _book(self):
        """Book what is lost as money that went back, once; and not any more what was
        given again.
        """
        self.ensure_one()
        tx_sudo = self.transaction_id
        is_booked = self.refund_tx_id.state == "done"
        if self.state == LOST and not is_booked:
            amount = self._get_lost_amount()
            if amount:
                # Lost again: what was booked the first time stays cancelled.
                self.refund_tx_id.provider_reference = False
                self.refund_tx_id = tx_sudo._ensure_refund_tx(self.reference, amount)
                message = self.env._("Taken back by the client's bank.")
                self.refund_tx_id._set_done(state_message=message)
        elif self.state == WON and is_booked:  # not while an appeal is decided
            # Its payment is cancelled by the post-processing, or staff is told.
            self.refund_tx_id._set_error(
                self.env._("Given again by the client's bank."), ("done",)
            )
        self.env.ref("payment.cron_post_process_payment_tx")._trigger()

    def _get_lost_amount(self):
        """Return how much of the payment is lost: no more than is left of it, and
        nothing that was not paid in this currency.
        """
        self.ensure_one()
        tx_sudo = self.transaction_id
        if self.currency_id != tx_sudo.currency_id:
            return 0.0
        children = tx_sudo.child_transaction_ids.filtered(
            lambda tx: tx.operation == "refund" and tx.state == "done"
        )
        left = tx_sudo.amount + sum(children.mapped("amount"))
        return max(0.0, self.currency_id.round(min(self.amount, left)))

    def _get_open_amount(self):
        """Return how much of the payment is asked back, or lost, and not booked. What
        is asked in another currency puts all of it in question.
        """
        self.ensure_one()
        tx_sudo = self.transaction_id
        if self.state == WON or self.refund_tx_id.state == "done":
            return 0.0
        is_same = self.currency_id == tx_sudo.currency_id
        return min(self.amount, tx_sudo.amount) if is_same else tx_sudo.amount

    # === TELLING === #

    def _get_documents(self):
        return [line._get_document() for line in self.transaction_id.allocation_ids]

    def _get_invoices(self):
        """Return the issued invoices that the money paid."""
        invoices = self.env["account.move"]
        for document in self._get_documents():
            is_invoice = document._name == "account.move"
            invoices |= document if is_invoice else document.invoice_id
        return invoices.filtered(lambda move: move.state == "posted")

    def _mark_invoices(self):
        """Mark the invoices as disputed, so that nobody is reminded of them, until the
        dispute is won; staff settles what is lost.
        """
        self.ensure_one()
        for invoice in self._get_invoices():
            said = invoice.payment_disputed_reason or ""
            if self.state != WON and not invoice.payment_disputed:
                invoice.write(self._prepare_mark())
            elif self.state == WON and self.reference in said:  # not another reason
                disputes = invoice._get_receipt_transactions().dispute_ids
                open_ones = disputes.filtered(lambda dispute: dispute.state != WON)
                invoice.write(open_ones[:1]._prepare_mark())

    def _prepare_mark(self):
        """Return what marks an invoice as disputed, or without a dispute as not."""
        reason = bool(self) and self.env._(
            "The client's bank asks %(provider)s for the money (%(reference)s).",
            provider=self.provider_name,
            reference=self.reference,
        )
        return {"payment_disputed": bool(self), "payment_disputed_reason": reason}

    def _tell(self):
        """Tell staff what has changed, on what was paid; ask for the evidence here."""
        self.ensure_one()
        self.activity_unlink(["mail.mail_activity_data_todo"])
        if self.state == ASKED:
            self._ask_evidence()
        text = self._get_text()
        self._message_log(body=text)
        for document in self._get_documents():
            document._flag_attention("disputed", text)

    def _ask_evidence(self):
        """Ask the responsible of what was paid for the evidence, in time."""
        document = self._get_documents()[0]
        is_invoice = document._name == "account.move"
        user = document.invoice_user_id if is_invoice else document.user_id
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            date_deadline=self.deadline or fields.Date.context_today(self),
            summary=self.env._(
                "Answer the dispute at %(provider)s", provider=self.provider_name
            ),
            note=self._get_text(),
            user_id=user.id or self.env.ref("base.user_admin").id,
        )

    def _get_text(self):
        """Return what staff reads of it, by its state."""
        self.ensure_one()
        values = {
            "amount": self._format(),
            "provider": self.provider_name,
            "reason": self.reason or self.env._("no reason given"),
        }
        if self.state == "asked" and self.deadline:
            return self.env._(
                "The client's bank asks for %(amount)s (%(reason)s). Answer at "
                "%(provider)s until %(date)s, or the money is lost.",
                date=format_date(self.env, self.deadline),
                **values,
            )
        texts = {
            "asked": self.env._(
                "The client's bank asks for %(amount)s (%(reason)s). Answer at "
                "%(provider)s soon, or the money is lost.",
                **values,
            ),
            "reviewed": self.env._(
                "The client's bank asks for %(amount)s (%(reason)s). It is being "
                "decided at %(provider)s.",
                **values,
            ),
            "won": self.env._(
                "The dispute over %(amount)s is over: the money stays with you.",
                **values,
            ),
            "lost": self.env._(
                "The client's bank took %(amount)s back (%(reason)s). Nothing was "
                "cancelled: decide whether the client still owes it.",
                **values,
            ),
        }
        text = texts[self.state]
        if self.state == "lost":
            text += self._get_unbooked_text()
        return text

    def _get_unbooked_text(self):
        """Return what staff reads of what is lost and could not be booked."""
        self.ensure_one()
        if not self.refund_tx_id:
            return " " + self.env._("It is not in the books: please book it.")
        booked = -self.refund_tx_id.amount
        if self.currency_id.compare_amounts(booked, self.amount) >= 0:
            return ""
        return " " + self.env._(
            "Only %(amount)s of it is in the books, for the rest of the payment had "
            "gone back already: please look into it.",
            amount=format_amount(self.env, booked, self.currency_id),
        )
