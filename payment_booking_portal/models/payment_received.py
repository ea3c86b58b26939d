from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from .. import const

# So many documents at most share the refund of one payment: part of the row's id.
REFUND_SLOTS = 1024


class PaymentReceived(models.Model):
    """The money that came, and what was given back, each amount once.

    One row per document that a confirmed transaction pays, one per refund and
    document, and one per payment of a client that no such transaction explains: billing
    registered it in Odoo, or another app took it. The rows are computed when they are
    read; nothing is stored.
    """

    _name = "payment.received"
    _description = "Payment Received"
    _auto = False
    _order = "date desc, id desc"
    _rec_name = "document"
    _rec_names_search = ["document", "reference", "partner_id"]
    _depends = {
        "account.journal": ["name"],
        "account.move": ["name", "move_type"],
        "account.move.line": ["move_id"],
        "account.partial.reconcile": ["debit_move_id", "credit_move_id"],
        "account.payment": [
            "name", "state", "date", "amount", "currency_id", "partner_id",
            "company_id", "payment_type", "partner_type", "memo", "payment_reference",
            "journal_id", "payment_method_line_id", "move_id", "invoice_ids",
            "payment_transaction_id",
        ],
        "account.payment.method.line": ["name"],
        "payment.booking": ["name"],
        "payment.method": ["name"],
        "payment.provider": ["name", "custom_mode"],
        "payment.request": ["name"],
        "payment.transaction": [
            "reference", "provider_reference", "state", "is_live", "operation",
            "amount", "currency_id", "partner_id", "company_id", "provider_id",
            "payment_method_id", "client_key", "received_on", "last_state_change",
            "source_transaction_id", "payment_id",
        ],
        "payment.transaction.allocation": [
            "amount", "booking_id", "request_id", "invoice_id", "transaction_id",
        ],
        "res.company": ["booking_accept_test_payments"],
    }  # fmt: skip

    # What came
    date = fields.Date(readonly=True)
    partner_id = fields.Many2one("res.partner", string="Client", readonly=True)
    amount = fields.Monetary(readonly=True, help="Below zero: it was given back.")
    currency_id = fields.Many2one("res.currency", readonly=True)
    is_refund = fields.Boolean(string="Refund", readonly=True)
    is_test = fields.Boolean(string="Test Money", readonly=True)
    company_id = fields.Many2one("res.company", readonly=True)

    # How
    channel = fields.Selection(
        const.RECEIVED_CHANNELS,
        string="Taken",
        readonly=True,
        help="Online; noted here by staff; or registered in Odoo's accounting.",
    )
    method = fields.Char(readonly=True)
    provider = fields.Char(readonly=True, help="Or the journal in Odoo.")
    reference = fields.Char(readonly=True)

    # What for
    source = fields.Selection(const.RECEIVED_SOURCES, string="Kind", readonly=True)
    document = fields.Char(readonly=True)
    booking_id = fields.Many2one("payment.booking", readonly=True)
    request_id = fields.Many2one("payment.request", readonly=True)
    invoice_id = fields.Many2one("account.move", readonly=True)
    transaction_id = fields.Many2one("payment.transaction", readonly=True)
    payment_id = fields.Many2one("account.payment", readonly=True)
    can_open = fields.Boolean(compute="_compute_can_open")
    has_receipt = fields.Boolean(compute="_compute_has_receipt", compute_sudo=True)

    @api.depends("booking_id", "request_id", "invoice_id", "payment_id")
    @api.depends_context("uid", "allowed_company_ids")
    def _compute_can_open(self):
        names = ("booking_id", "request_id", "invoice_id", "payment_id")
        readable = {name: self[name]._filtered_access("read") for name in names}
        for row in self:
            target = row._get_target()
            row.can_open = bool(target) and any(
                target in records
                for records in readable.values()
                if records._name == target._name
            )

    @api.depends("transaction_id", "is_refund")
    def _compute_has_receipt(self):
        for row in self:
            row.has_receipt = bool(row.transaction_id) and not row.is_refund

    # === THE QUERY === #

    @property
    def _table_query(self):
        """Return all rows; what is not asked for is not computed by PostgreSQL."""
        return SQL(" UNION ALL ").join(
            (
                self._get_allocation_query(),
                self._get_refund_query(),
                self._get_payment_query(),
            )
        )

    @api.model
    def _translate_column(self, alias, column):
        """Return a translated column of a table, in the language of the user."""
        name = SQL.identifier(alias, column)
        return SQL(
            "coalesce(%s ->> %s, %s ->> 'en_US')", name, self.env.lang or "en_US", name
        )

    @api.model
    def _get_transaction_columns(self):
        """Return what a row says of the transaction `tx` that brought its money, and of
        the allocation `a` that says what for.
        """
        return SQL(
            """
                   NOT coalesce(tx.is_live, FALSE) AS is_test,
                   tx.company_id,
                   CASE WHEN provider.custom_mode = 'venue' THEN 'staff'
                        ELSE 'online' END AS channel,
                   %(method)s AS method,
                   %(provider)s AS provider,
                   CASE WHEN a.booking_id IS NOT NULL THEN 'booking'
                        WHEN a.request_id IS NOT NULL THEN 'request'
                        ELSE 'invoice' END AS source,
                   coalesce(b.name, q.name, m.name) AS document,
                   a.booking_id,
                   a.request_id,
                   a.invoice_id
            """,
            method=self._translate_column("method", "name"),
            provider=self._translate_column("provider", "name"),
        )

    @api.model
    def _get_transaction_joins(self):
        """Return the tables of `_get_transaction_columns`, and which money counts.

        Test money does where the company accepts it, and on Odoo's own pages of
        invoices, which are Odoo's to judge (see `payment.transaction._is_money`).
        """
        return SQL(
            """
              JOIN res_company c
                ON c.id = tx.company_id
               AND (tx.is_live OR c.booking_accept_test_payments
                    OR a.invoice_id IS NOT NULL AND tx.client_key IS NULL
                       AND tx.operation != 'offline')
              JOIN (%(days)s) zone ON zone.company_id = tx.company_id
              JOIN payment_provider provider ON provider.id = tx.provider_id
              LEFT JOIN payment_method method ON method.id = tx.payment_method_id
              LEFT JOIN payment_booking b ON b.id = a.booking_id
              LEFT JOIN payment_request q ON q.id = a.request_id
              LEFT JOIN account_move m ON m.id = a.invoice_id
            """,
            days=self.env["payment.due"]._get_days_query(),
        )

    @api.model
    def _get_allocation_query(self):
        """Return what confirmed transactions brought, by document."""
        return SQL(
            """
            SELECT a.id::bigint * 4 AS id,
                   coalesce(tx.received_on, (tx.last_state_change AT TIME ZONE 'UTC'
                            AT TIME ZONE zone.tz)::date) AS date,
                   tx.partner_id,
                   a.amount,
                   tx.currency_id,
                   FALSE AS is_refund,
                   CASE WHEN provider.custom_mode = 'venue'
                        THEN coalesce(tx.provider_reference, tx.reference)
                        ELSE tx.reference END AS reference,
                   tx.id AS transaction_id,
                   tx.payment_id,
                   %(columns)s
              FROM payment_transaction_allocation a
              JOIN payment_transaction tx ON tx.id = a.transaction_id
              %(joins)s
             WHERE tx.state = 'done'
            """,
            columns=self._get_transaction_columns(),
            joins=self._get_transaction_joins(),
        )

    @api.model
    def _get_refund_query(self):
        """Return what was given back of transactions, shared out over the documents.

        The share of each is what the refund comes to with it, less what it comes to
        without it, both rounded: together they are the refund, to the cent.
        """
        return SQL(
            """
            SELECT (child.id::bigint * %(slots)s + a.number) * 4 + 2,
                   (child.last_state_change AT TIME ZONE 'UTC'
                    AT TIME ZONE zone.tz)::date,
                   tx.partner_id,
                   round(child.amount * a.upto / tx.amount / currency.rounding)
                   * currency.rounding
                   - round(child.amount * (a.upto - a.amount) / tx.amount
                           / currency.rounding) * currency.rounding,
                   tx.currency_id,
                   TRUE,
                   child.reference,
                   child.id,
                   child.payment_id,
                   %(columns)s
              FROM payment_transaction child
              JOIN payment_transaction tx ON tx.id = child.source_transaction_id
              JOIN res_currency currency ON currency.id = tx.currency_id
              JOIN (SELECT line.*,
                           row_number() OVER share AS number,
                           sum(line.amount) OVER share AS upto
                      FROM payment_transaction_allocation line
                     WHERE line.transaction_id IN (
                           SELECT source_transaction_id FROM payment_transaction
                            WHERE operation = 'refund' AND state = 'done')
                    WINDOW share AS (PARTITION BY line.transaction_id ORDER BY line.id)
                   ) a ON a.transaction_id = tx.id
              %(joins)s
             WHERE child.operation = 'refund' AND child.state = 'done'
               AND tx.amount > 0
            """,
            slots=REFUND_SLOTS,
            columns=self._get_transaction_columns(),
            joins=self._get_transaction_joins(),
        )

    @api.model
    def _get_payment_query(self):
        """Return the payments of clients that no allocation explains."""
        paid = SQL(
            """
            SELECT paid.id, paid.name
              FROM account_move paid
             WHERE paid.move_type IN ('out_invoice', 'out_refund')
               AND paid.id IN (
                   SELECT r.invoice_id FROM account_move__account_payment r
                    WHERE r.payment_id = p.id
                    UNION
                   SELECT debit.move_id
                     FROM account_move_line mine
                     JOIN account_partial_reconcile match
                       ON match.credit_move_id = mine.id
                     JOIN account_move_line debit ON debit.id = match.debit_move_id
                    WHERE mine.move_id = p.move_id
                    UNION
                   SELECT credit.move_id
                     FROM account_move_line mine
                     JOIN account_partial_reconcile match
                       ON match.debit_move_id = mine.id
                     JOIN account_move_line credit ON credit.id = match.credit_move_id
                    WHERE mine.move_id = p.move_id)
            """
        )
        return SQL(
            """
            SELECT p.id::bigint * 4 + 1,
                   p.date,
                   p.partner_id,
                   CASE p.payment_type WHEN 'inbound' THEN p.amount
                        ELSE -p.amount END,
                   p.currency_id,
                   p.payment_type = 'outbound',
                   coalesce(tx.reference, p.payment_reference, p.memo, p.name),
                   tx.id,
                   p.id,
                   tx.id IS NOT NULL AND NOT coalesce(tx.is_live, FALSE),
                   p.company_id,
                   CASE WHEN tx.id IS NULL THEN 'odoo' ELSE 'online' END,
                   coalesce(%(method)s, line.name),
                   coalesce(%(provider)s, %(journal)s),
                   CASE WHEN EXISTS (%(paid)s) THEN 'invoice' ELSE 'none' END,
                   (SELECT string_agg(found.name, ', ' ORDER BY found.id)
                      FROM (%(paid)s) found),
                   NULL::int,
                   NULL::int,
                   (SELECT CASE count(*) WHEN 1 THEN min(found.id) END
                      FROM (%(paid)s) found)
              FROM account_payment p
              LEFT JOIN payment_transaction tx ON tx.id = p.payment_transaction_id
              LEFT JOIN payment_provider provider ON provider.id = tx.provider_id
              LEFT JOIN payment_method method ON method.id = tx.payment_method_id
              LEFT JOIN account_payment_method_line line
                ON line.id = p.payment_method_line_id
              LEFT JOIN account_journal journal ON journal.id = p.journal_id
             WHERE p.partner_type = 'customer'
               AND p.state IN ('in_process', 'paid')
               AND NOT EXISTS (
                   SELECT FROM payment_transaction_allocation a
                    WHERE a.transaction_id = coalesce(tx.source_transaction_id, tx.id))
            """,
            paid=paid,
            method=self._translate_column("method", "name"),
            provider=self._translate_column("provider", "name"),
            journal=self._translate_column("journal", "name"),
        )

    def _read_group_select(self, aggregate_spec, query):
        """Override: over several currencies there is no sum, converted or not."""
        if aggregate_spec not in ("amount:sum", "amount:sum_currency"):
            return super()._read_group_select(aggregate_spec, query)
        currency = self._field_to_sql(self._table, "currency_id", query)
        return SQL(
            "CASE WHEN min(%s) = max(%s) THEN %s END",
            currency,
            currency,
            super()._read_group_select("amount:sum", query),
        )

    # === ACTIONS === #

    def _get_target(self):
        """Return the document of a row; without one, or with several, its payment."""
        self.ensure_one()
        return self.booking_id or self.request_id or self.invoice_id or self.payment_id

    def action_print_receipt(self):
        """Open the receipt of the payment."""
        self.ensure_one()
        self.check_access("read")
        tx_sudo = self.sudo().transaction_id  # plain users read no transactions
        return {
            "type": "ir.actions.act_url",
            "url": tx_sudo._get_receipt_path(),
            "target": "new",
        }

    def action_send_receipt(self):
        """Send the client the receipt of the payment again.

        :raise AccessError: for who may read what came, and not write to clients.
        :raise UserError: when there is no receipt, or no address.
        """
        self.ensure_one()
        self.check_access("read")
        self.env["payment.due"]._check_reminder_user()
        if not self.has_receipt:
            raise UserError(
                self.env._("Nothing was paid here yet that there is a receipt of.")
            )
        row_sudo = self.sudo()  # plain users read no transactions, nor invoices
        return row_sudo.transaction_id._send_receipts_again(row_sudo._get_target())

    def action_open(self):
        """Open the document, or the row itself for who may not read the document."""
        self.ensure_one()
        self.check_access("read")
        target = self._get_target() if self.can_open else self
        return {
            "type": "ir.actions.act_window",
            "res_model": target._name,
            "res_id": target.id,
            "views": [(False, "form")],
        }
