from odoo import api, models
from odoo.fields import Domain


class AccountMoveLine(models.Model):
    _inherit = "account.move.line"

    @api.model
    def _get_open_credits(self, company, partner, currency, accounts=None):
        """Return what is left of a client's money: advances, credit notes.

        :param res.company company: who has it.
        :param res.partner partner: the client; contacts of a company share it.
        :param res.currency currency: nothing is converted.
        :param account.account accounts: the receivable ones to look at; all of them by
            default.
        """
        domain = (
            Domain("company_id", "=", company.id)
            & Domain("partner_id", "=", partner.commercial_partner_id.id)
            & Domain("account_id.account_type", "=", "asset_receivable")
            & Domain("currency_id", "=", currency.id)
            & Domain("parent_state", "=", "posted")
            & Domain("reconciled", "=", False)
            & Domain("amount_residual_currency", "<", 0)
        )
        if accounts is not None:
            domain &= Domain("account_id", "in", accounts.ids)
        return self.search(domain, order="date, id")

    def _filter_free_credits(self):
        """Return the credits that may pay anything; the records are sudoed.

        What came for a booking, or for products, waits for the invoice of those.
        """

        def is_free(line):
            paid_for = line.payment_id.payment_transaction_id.allocation_ids
            return not paid_for.booking_id and not paid_for.request_id.line_ids

        return self.filtered(is_free)
