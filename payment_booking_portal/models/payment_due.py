from collections import defaultdict

from odoo import api, fields, models
from odoo.exceptions import AccessError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount, format_date, format_list

from .. import const

# Which field of the row names the document of each source.
SOURCE_FIELDS = {
    "invoice": "invoice_id",
    "booking": "booking_id",
    "request": "request_id",
}


class PaymentDue(models.Model):
    """What clients owe, owed, or got back: invoices, bookings and requests in one list.

    Each amount stands in it once, on the last document that it lives on: a booking or a
    request whose invoice is posted is not here, its invoice is. The rows are computed
    when they are read; nothing is stored.

    Behind *To collect*, the tab *Payments* of a client, the client's own page, the
    statement and the reminders: whatever is shown as due comes from here. What a client
    may pay is decided by the document itself (see `payment.payable.mixin`), when they
    pay.
    """

    _name = "payment.due"
    _description = "Amount Due"
    _auto = False
    _order = "due_day, id"
    _rec_name = "name"
    _rec_names_search = ["name", "description", "partner_id"]
    _depends = {
        "account.move": [
            "name", "state", "move_type", "payment_state", "company_id", "partner_id",
            "currency_id", "invoice_date", "invoice_date_due", "amount_total",
            "amount_residual", "payment_disputed", "invoice_user_id", "ref",
            "invoice_payment_term_id", "reminder_snooze_until",
        ],
        "account.move.line": [
            "move_id", "date_maturity", "display_type", "reconciled",
        ],
        "account.payment": ["state", "move_id", "amount", "currency_id"],
        "payment.booking": [
            "name", "state", "company_id", "partner_id", "currency_id", "service_id",
            "start", "due_at", "pay_until", "amount_total", "amount_due", "invoice_id",
            "payment_coverage", "fee_policy", "user_id", "reminder_snooze_until",
            "remind_at",
        ],
        "payment.request": [
            "name", "state", "company_id", "partner_id", "currency_id", "due_date",
            "sent_at", "expires_at", "amount_total", "amount_due", "invoice_id",
            "payment_coverage", "direct_link_id", "reason", "reason_typed", "user_id",
            "reminder_snooze_until",
        ],
        "payment.transaction": [
            "state", "is_live", "operation", "amount", "is_post_processed",
            "payment_id", "client_key",
        ],
        "payment.transaction.allocation": [
            "amount", "booking_id", "request_id", "invoice_id", "transaction_id",
        ],
        "payment.booking.service": ["name"],
        "payment.reminder": ["state", "kind", "sent_at"],
        "payment.reminder.line": [
            "reminder_id", "due_key", "planned_at", "is_left_out",
        ],
        "payment.reminder.rule": [
            "active", "kind", "company_id", "delay", "moment", "for_invoices",
            "for_requests", "for_bookings", "amount_min", "most",
        ],
        "res.company": ["booking_reminder_max", "currency_id"],
        "res.partner": ["payment_reminder_optout", "commercial_partner_id"],
    }  # fmt: skip

    # The document
    source = fields.Selection(const.DUE_SOURCES, readonly=True)
    invoice_id = fields.Many2one("account.move", readonly=True)
    booking_id = fields.Many2one("payment.booking", readonly=True)
    request_id = fields.Many2one("payment.request", readonly=True)
    name = fields.Char(string="Reference", readonly=True)
    description = fields.Char(string="For", readonly=True)
    date = fields.Date(readonly=True, help="Of the invoice or appointment, else sent.")
    company_id = fields.Many2one("res.company", readonly=True)
    user_id = fields.Many2one("res.users", string="Responsible", readonly=True)
    partner_id = fields.Many2one("res.partner", string="Client", readonly=True)

    # The money
    currency_id = fields.Many2one("res.currency", readonly=True)
    amount_total = fields.Monetary(string="Total", readonly=True)
    amount_due = fields.Monetary(
        string="Due", readonly=True, help="Without the money that is on its way."
    )
    amount_processing = fields.Monetary(string="Being Paid", readonly=True)
    status = fields.Selection(const.DUE_ROW_STATUSES, readonly=True)

    # When
    due_day = fields.Date(
        string="Due On",
        readonly=True,
        help="Of a booking: the date that staff set, else that of the appointment.",
    )
    days_late = fields.Integer(readonly=True, aggregator=None)
    age = fields.Selection(const.DUE_AGES, readonly=True)

    # What it is
    is_owed = fields.Boolean(
        string="Owed",
        readonly=True,
        help="Counts among what the client owes; a held time, for one, does not.",
    )
    is_payable = fields.Boolean(
        string="Can Be Paid Online",
        readonly=True,
        help="As far as a list can tell; the document decides when it is paid.",
    )
    is_disputed = fields.Boolean(string="Disputed", readonly=True)
    is_invoiced = fields.Boolean(string="Linked to an Invoice", readonly=True)
    is_online = fields.Boolean(
        string="Paid Online", readonly=True, help="Some of it at least."
    )
    is_test = fields.Boolean(string="Test Money", readonly=True)

    # Reminders (see `payment.reminder`)
    snoozed_until = fields.Date(
        string="No Reminder Until", readonly=True, groups="base.group_user"
    )
    last_reminder = fields.Date(readonly=True, groups="base.group_user")
    reminder_count = fields.Integer(
        string="Reminders", readonly=True, aggregator=None, groups="base.group_user"
    )
    next_reminder = fields.Date(
        groups="base.group_user",
        readonly=True,
        help="As the rules say. Quiet days, and the least days between two mails to a "
        "client, may put it off.",
    )

    # === THE QUERY === #

    @property
    def _table_query(self):
        """Return all rows; what is not asked for is not computed by PostgreSQL.

        It looks into a branch only where all branches have columns of the very same
        types: hence the casts. `OFFSET 0` keeps it from writing out an amount at each
        place that reads it.
        """
        days = self._get_days_query()
        branches = (
            self._get_invoice_query(),
            self._get_booking_query(days),
            self._get_request_query(),
        )
        return SQL(
            """
            SELECT due.*,
                   CASE WHEN due.status = 'open' AND day.today > due.due_day
                        THEN day.today - due.due_day ELSE 0 END AS days_late,
                   CASE WHEN due.status != 'open' OR NOT due.is_owed THEN NULL
                        WHEN due.due_day IS NULL OR due.due_day >= day.today
                        THEN 'pending'
                        WHEN day.today - due.due_day <= 7 THEN 'week'
                        WHEN day.today - due.due_day <= 30 THEN 'month'
                        WHEN day.today - due.due_day <= 90 THEN 'quarter'
                        ELSE 'older' END AS age,
                   %(reminders)s
              FROM (%(rows)s) due
              JOIN (%(days)s) day ON day.company_id = due.company_id
            """,
            reminders=self._get_reminder_columns(),
            rows=SQL(" UNION ALL ").join(branches),
            days=days,
        )

    # === NARROWING === #

    @api.model
    def _narrow(self, partner=None, is_unsettled=False):
        """Return the model for a reader who wants a client's rows, or what is to pay.

        The domain of a search says which rows these are, as ever. This only tells the
        query so early that PostgreSQL finds the documents by an index, and does not
        compute all that a client ever paid to show what is open.

        :param res.partner partner: whose rows, with those of their company.
        :param bool is_unsettled: whether only those with money to come are wanted, open
            or on its way.
        """
        model = self.with_context(due_unsettled=True) if is_unsettled else self
        if partner is None:
            return model
        Partner = self.env["res.partner"].sudo()  # clients read few contacts
        Partner = Partner.with_context(active_test=False)
        partners = Partner.search(
            [("id", "child_of", partner.commercial_partner_id.ids)], order="id"
        )
        return model.with_context(due_partners=partners.ids)

    @api.model
    def _get_narrowing(self, alias, unsettled):
        """Return the condition of a branch that `_narrow` asked for.

        :param str alias: of the table in the query.
        :param str unsettled: what is true of every document with money to come; there
            is a partial index of it.
        """
        condition = SQL()
        partner_ids = self.env.context.get("due_partners")
        if partner_ids is not None:
            partner = SQL.identifier(alias, "partner_id")
            condition = SQL("AND %s IN %s", partner, tuple(partner_ids) or (0,))
        if self.env.context.get("due_unsettled"):
            condition = SQL("%s AND %s", condition, SQL(unsettled))
        return condition

    @api.model
    def _get_days_query(self):
        """Return what day it is in each company, and its time zone: a small table."""
        # sudo: staff reads no companies; archived ones too have money to come
        companies_sudo = self.env["res.company"].sudo().with_context(active_test=False)
        companies_sudo = companies_sudo.search([("id", "!=", False)])
        return SQL(
            "SELECT * FROM (VALUES %s) AS v (company_id, today, tz)",
            SQL(", ").join(
                SQL(
                    "(%s, %s::date, %s)",
                    company.id,
                    company._get_booking_today(),
                    company._get_booking_tz(),
                )
                for company in companies_sudo
            ),
        )

    @api.model
    def _get_invoice_query(self):
        """Return the issued customer invoices, and the credit notes."""
        enabled = self.env["account.move"]._is_portal_payment_enabled()
        return SQL(
            """
            SELECT m.id * 4 AS id,
                   'invoice'::text AS source,
                   m.id AS invoice_id,
                   NULL::int AS booking_id,
                   NULL::int AS request_id,
                   m.name,
                   m.ref::text AS description,
                   m.invoice_date AS date,
                   m.company_id,
                   m.invoice_user_id AS user_id,
                   m.partner_id,
                   m.currency_id,
                   CASE m.move_type WHEN 'out_refund' THEN -m.amount_total
                        ELSE m.amount_total END AS amount_total,
                   open.amount AS amount_due,
                   CASE WHEN open.amount IS NULL THEN 0
                        ELSE coalesce(live.processing, 0) END AS amount_processing,
                   CASE WHEN m.move_type = 'out_refund'
                        THEN CASE WHEN m.amount_residual = 0 THEN 'refunded'
                             ELSE 'credit' END
                        WHEN m.payment_state = 'reversed' THEN 'refunded'
                        WHEN open.amount > 0 THEN 'open'
                        WHEN live.processing > 0 AND open.amount IS NOT NULL
                        THEN 'processing'
                        ELSE 'paid' END AS status,
                   CASE WHEN term.payment_id IS NULL THEN m.invoice_date_due
                        ELSE coalesce(
                            (SELECT min(l.date_maturity) FROM account_move_line l
                              WHERE l.move_id = m.id
                                AND l.display_type = 'payment_term'
                                AND NOT l.reconciled),
                            m.invoice_date_due) END AS due_day,
                   m.move_type = 'out_invoice' AND open.amount > 0 AS is_owed,
                   (%(enabled)s AND m.move_type = 'out_invoice' AND open.amount > 0
                    AND NOT coalesce(m.payment_disputed, FALSE)
                    AND m.payment_state != 'blocked') AS is_payable,
                   (coalesce(m.payment_disputed, FALSE)
                    OR m.payment_state = 'blocked') AS is_disputed,
                   TRUE AS is_invoiced,
                   EXISTS (
                       SELECT FROM account_invoice_transaction_rel r
                         JOIN payment_transaction tx ON tx.id = r.transaction_id
                        WHERE r.invoice_id = m.id AND tx.state = 'done'
                          AND tx.operation != 'offline') AS is_online,
                   EXISTS (
                       SELECT FROM account_invoice_transaction_rel r
                         JOIN payment_transaction tx ON tx.id = r.transaction_id
                        WHERE r.invoice_id = m.id AND tx.state != 'draft'
                          AND tx.is_live IS NOT TRUE) AS is_test,
                   m.reminder_snooze_until AS snoozed_until
              FROM account_move m
              LEFT JOIN (
                    SELECT payment_id FROM account_payment_term_line
                     GROUP BY payment_id HAVING count(*) > 1
                   ) term ON term.payment_id = m.invoice_payment_term_id
              LEFT JOIN (%(live)s) live ON live.invoice_id = m.id
              LEFT JOIN (
                    SELECT r.invoice_id, sum(p.amount) AS amount
                      FROM account_payment p
                      JOIN account_move__account_payment r ON r.payment_id = p.id
                      JOIN account_move i ON i.id = r.invoice_id
                     WHERE p.state = 'in_process' AND p.move_id IS NULL
                       AND p.currency_id = i.currency_id
                     GROUP BY r.invoice_id
                   ) kept ON kept.invoice_id = m.id
              CROSS JOIN LATERAL (
                    SELECT CASE WHEN m.payment_state NOT IN ('paid', 'reversed')
                                 AND m.move_type = 'out_invoice'
                                 AND m.amount_residual > coalesce(live.unbooked, 0)
                                                       + coalesce(kept.amount, 0)
                                THEN greatest(0, m.amount_residual
                                     - coalesce(live.unbooked, 0)
                                     - coalesce(live.processing, 0)
                                     - coalesce(kept.amount, 0)) END AS amount
                     OFFSET 0
                   ) open
             WHERE m.move_type IN ('out_invoice', 'out_refund')
               AND m.state = 'posted'
               AND m.amount_total > 0
               %(narrowing)s
            """,
            narrowing=self._get_narrowing("m", const.UNSETTLED_INVOICE % {"row": "m."}),
            enabled=enabled,
            live=self._get_live_query("invoice_id"),
        )

    @api.model
    def _get_live_query(self, name):
        """Return the money that is on its way, and what is there but not booked yet,
        by document.

        :param str name: the field of `payment.transaction.allocation` that names it.
        """
        # On Odoo's own pages of invoices test money is Odoo's to judge; other apps too
        # start transactions there, and what pays a booking pays its invoice (see
        # `account.move._get_payment_transactions`).
        if name == "invoice_id":
            native = SQL("tx.client_key IS NULL AND tx.operation != 'offline'")
            foreign = SQL(
                """
                UNION ALL
                SELECT r.invoice_id, least(tx.amount, m.amount_residual), tx.state
                  FROM payment_transaction tx
                  JOIN account_invoice_transaction_rel r ON r.transaction_id = tx.id
                  JOIN account_move m ON m.id = r.invoice_id
                 WHERE %(condition)s AND NOT EXISTS (
                       SELECT FROM payment_transaction_allocation a
                        WHERE a.transaction_id = tx.id)
                UNION ALL
                SELECT coalesce(b.invoice_id, q.invoice_id), a.amount, tx.state
                  FROM payment_transaction tx
                  JOIN payment_transaction_allocation a ON a.transaction_id = tx.id
                  JOIN res_company c ON c.id = tx.company_id
                  LEFT JOIN payment_booking b ON b.id = a.booking_id
                  LEFT JOIN payment_request q ON q.id = a.request_id
                 WHERE coalesce(b.invoice_id, q.invoice_id) IS NOT NULL
                   AND %(condition)s
                   AND (tx.is_live OR c.booking_accept_test_payments)
                """,
                condition=self._get_live_condition(),
            )
        else:
            native, foreign = SQL("FALSE"), SQL()
        return SQL(
            """
            SELECT live.document_id AS %(name)s,
                   sum(live.amount) FILTER (WHERE live.state != 'done') AS processing,
                   sum(live.amount) FILTER (WHERE live.state = 'done') AS unbooked
              FROM (SELECT a.%(name)s AS document_id, a.amount, tx.state
                      FROM payment_transaction tx
                      JOIN payment_transaction_allocation a ON a.transaction_id = tx.id
                      JOIN res_company c ON c.id = tx.company_id
                     WHERE a.%(name)s IS NOT NULL AND %(condition)s
                       AND (tx.is_live OR c.booking_accept_test_payments OR %(native)s)
                    %(foreign)s) live
             GROUP BY live.document_id
            """,
            name=SQL.identifier(name),
            condition=self._get_live_condition(),
            native=native,
            foreign=foreign,
        )

    @api.model
    def _get_live_condition(self):
        """Return which transactions `tx` hold money that no document shows yet."""
        return SQL(const.UNBOOKED_TX % {"tx": "tx."})

    @api.model
    def _get_booking_query(self, days):
        """Return the bookings that have a price, and no posted invoice.

        :param SQL days: see `_get_days_query`.
        """
        return SQL(
            """
            SELECT b.id * 4 + 1,
                   'booking'::text,
                   m.id,
                   b.id,
                   NULL::int,
                   b.name,
                   coalesce(s.name ->> %(lang)s, s.name ->> 'en_US'),
                   (b.start AT TIME ZONE 'UTC' AT TIME ZONE zone.tz)::date,
                   b.company_id,
                   b.user_id,
                   b.partner_id,
                   b.currency_id,
                   b.amount_total,
                   CASE b.payment_coverage WHEN 'processing'
                        THEN greatest(0, b.amount_due - live.processing)
                        ELSE b.amount_due END,
                   CASE b.payment_coverage WHEN 'processing' THEN live.processing
                        ELSE 0 END,
                   %(status)s,
                   (b.due_at AT TIME ZONE 'UTC' AT TIME ZONE zone.tz)::date,
                   b.state = 'confirmed' AND b.amount_due > 0
                   AND b.payment_coverage IN ('none', 'part', 'processing'),
                   b.amount_due > 0
                   AND b.payment_coverage IN ('none', 'part', 'processing')
                   AND (b.fee_policy != 'on_site' OR c.booking_pay_later_online),
                   FALSE,
                   m.id IS NOT NULL,
                   %(online)s,
                   %(test)s,
                   b.reminder_snooze_until
              FROM payment_booking b
              JOIN payment_booking_service s ON s.id = b.service_id
              JOIN res_company c ON c.id = b.company_id
              JOIN (%(days)s) zone ON zone.company_id = b.company_id
              LEFT JOIN account_move m ON m.id = b.invoice_id
              LEFT JOIN (%(live)s) live ON live.booking_id = b.id
             WHERE (m.id IS NULL OR m.state != 'posted')
               AND b.amount_total > 0
               AND (b.state = 'confirmed'
                    OR b.state = 'hold' AND b.pay_until IS NOT NULL
                    OR b.state = 'cancelled' AND b.payment_coverage NOT IN
                       ('none', 'processing', 'part'))
               %(narrowing)s
            """,
            narrowing=self._get_narrowing(
                "b", const.UNSETTLED_DOCUMENT % {"row": "b."}
            ),
            lang=self.env.lang or "en_US",
            days=days,
            live=self._get_live_query("booking_id"),
            **self._get_shared_columns("b", "booking_id"),
        )

    @api.model
    def _get_request_query(self):
        """Return the requests that were sent, and have no posted invoice."""
        return SQL(
            """
            SELECT q.id * 4 + 2,
                   'request'::text,
                   m.id,
                   NULL::int,
                   q.id,
                   q.name,
                   coalesce(q.reason, q.reason_typed)::text,
                   q.sent_at::date,
                   q.company_id,
                   q.user_id,
                   q.partner_id,
                   q.currency_id,
                   q.amount_total,
                   CASE q.payment_coverage WHEN 'processing'
                        THEN greatest(0, q.amount_due - live.processing)
                        ELSE q.amount_due END,
                   CASE q.payment_coverage WHEN 'processing' THEN live.processing
                        ELSE 0 END,
                   %(status)s,
                   q.due_date,
                   q.amount_due > 0
                   AND q.payment_coverage IN ('none', 'part', 'processing')
                   AND (q.direct_link_id IS NULL OR q.state = 'part'),
                   q.payment_coverage IN ('none', 'part', 'processing'),
                   FALSE,
                   m.id IS NOT NULL,
                   %(online)s,
                   %(test)s,
                   q.reminder_snooze_until
              FROM payment_request q
              LEFT JOIN account_move m ON m.id = q.invoice_id
              LEFT JOIN (%(live)s) live ON live.request_id = q.id
             WHERE (m.id IS NULL OR m.state != 'posted')
               AND (q.state IN ('part', 'paid')
                    OR q.state = 'sent'
                       AND (q.expires_at IS NULL OR q.expires_at > %(now)s
                            OR q.payment_coverage = 'processing')
                       AND (q.direct_link_id IS NULL
                            OR q.payment_coverage = 'processing')
                    OR q.state = 'cancelled' AND q.payment_coverage NOT IN
                       ('none', 'processing', 'part'))
               %(narrowing)s
            """,
            narrowing=self._get_narrowing(
                "q", const.UNSETTLED_DOCUMENT % {"row": "q."}
            ),
            now=fields.Datetime.now(),
            live=self._get_live_query("request_id"),
            **self._get_shared_columns("q", "request_id"),
        )

    @api.model
    def _get_shared_columns(self, alias, name):
        """Return the columns that bookings and requests compute in the same way.

        :param str alias: of the table in the query.
        :param str name: the field of `payment.transaction.allocation` that names it.
        """
        document = SQL.identifier(alias, "id")
        transactions = SQL(
            "FROM payment_transaction_allocation a "
            "JOIN payment_transaction tx ON tx.id = a.transaction_id WHERE %s = %s",
            SQL.identifier("a", name),
            document,
        )
        return {
            "status": SQL(
                """
                CASE WHEN %(coverage)s IN ('paid', 'partly_refunded', 'refunded')
                     THEN %(coverage)s::text
                     WHEN %(coverage)s = 'processing'
                      AND %(due)s <= coalesce(live.processing, 0)
                     THEN 'processing' ELSE 'open' END
                """,
                coverage=SQL.identifier(alias, "payment_coverage"),
                due=SQL.identifier(alias, "amount_due"),
            ),
            "online": SQL(
                "EXISTS (SELECT %s AND tx.state = 'done' "
                "AND tx.operation != 'offline')",
                transactions,
            ),
            "test": SQL("EXISTS (SELECT %s AND tx.is_live IS NOT TRUE)", transactions),
        }

    # === REMINDERS === #

    @api.model
    def _get_reminder_columns(self):
        """Return what was and is to be reminded of: parts of a row `due` on a `day`,
        which vanish from the query when nobody asks for them.
        """
        sent = SQL(
            "FROM payment_reminder_line l JOIN payment_reminder r "
            "ON r.id = l.reminder_id WHERE l.due_key = due.id AND r.state = 'sent' "
            "AND r.kind IN ('due', 'manual') AND l.is_left_out IS NOT TRUE"
        )
        return SQL(
            """
            (SELECT (max(r.sent_at) AT TIME ZONE 'UTC' AT TIME ZONE day.tz)::date
               %(sent)s) AS last_reminder,
            (SELECT count(DISTINCT r.id) %(sent)s) AS reminder_count,
            CASE WHEN due.status = 'open' AND due.is_owed AND NOT due.is_test
                  AND NOT due.is_disputed AND due.due_day IS NOT NULL
                  AND (due.snoozed_until IS NULL OR due.snoozed_until <= day.today)
                 THEN (SELECT min(greatest(planned.day, day.today)) %(rules)s
                          AND NOT EXISTS (
                              SELECT FROM res_partner p
                                JOIN res_partner cp ON cp.id = p.commercial_partner_id
                               WHERE p.id = due.partner_id
                                 AND (p.payment_reminder_optout
                                      OR cp.payment_reminder_optout)))
                 END AS next_reminder
            """,
            sent=sent,
            rules=self._get_rules_query(),
        )

    @api.model
    def _get_rules_query(self):
        """Return which rules (`rule`) still have a day (`planned.day`) for a row `due`,
        seen from a `day` of its company. What is missed is caught up for some days.

        A rule is silent once it, or one that meant a later day, was kept. Before its
        due day nobody is asked for what is paid at the appointment, nor by a rule for
        what staff asked for until a date (see `payment.booking._cron_remind_payments`).
        """
        return SQL(
            """
            FROM payment_reminder_rule rule
            JOIN res_company company ON company.id = due.company_id
            CROSS JOIN LATERAL (
                 SELECT due.due_day + CASE rule.moment WHEN 'before' THEN -rule.delay
                        WHEN 'after' THEN rule.delay ELSE 0 END AS day) planned
           WHERE rule.active AND rule.kind = 'due'
             AND (rule.company_id IS NULL OR rule.company_id = due.company_id)
             AND CASE due.source WHEN 'invoice' THEN rule.for_invoices
                 WHEN 'booking' THEN rule.for_bookings ELSE rule.for_requests END
             AND planned.day > day.today - %(catch_up)s
             AND (coalesce(rule.amount_min, 0) = 0
                  OR rule.amount_min <= coalesce(%(amount)s, rule.amount_min))
             AND NOT EXISTS (
                 SELECT FROM payment_reminder_line l
                   JOIN payment_reminder r ON r.id = l.reminder_id
                  WHERE l.due_key = due.id AND r.kind = 'due'
                    AND l.planned_at >= planned.day)
             AND (SELECT count(DISTINCT r.id) FROM payment_reminder_line l
                    JOIN payment_reminder r ON r.id = l.reminder_id
                   WHERE l.due_key = due.id AND r.kind IN ('due', 'manual')
                     AND r.state IN ('queued', 'sent') AND l.is_left_out IS NOT TRUE
                 ) < least(company.booking_reminder_max, nullif(rule.most, 0))
             AND (due.source != 'booking' OR EXISTS (
                 SELECT FROM payment_booking b
                  WHERE b.id = due.booking_id AND b.remind_at IS NULL
                    AND (b.pay_until IS NULL AND b.fee_policy != 'on_site'
                         AND b.pays_at_venue IS NOT TRUE
                         OR planned.day > due.due_day)))
            """,
            catch_up=const.REMINDER_CATCH_UP_DAYS,
            amount=self._get_company_amount(),
        )

    @api.model
    def _get_company_amount(self):
        """Return what is due on a row `due` in the money of its `company`; NULL where
        Odoo has no rate (see `res.company._has_currency_rate`).
        """

        def rate(currency):
            return SQL(
                """
                (SELECT rate FROM res_currency_rate
                  WHERE currency_id = %s AND name <= day.today
                    AND (company_id IS NULL
                         OR company_id = split_part(company.parent_path, '/', 1)::int)
                  ORDER BY company_id NULLS LAST, name DESC LIMIT 1)
                """,
                currency,
            )

        return SQL(
            "CASE WHEN due.currency_id = company.currency_id THEN due.amount_due "
            "ELSE round(due.amount_due * coalesce(%s, 1) / nullif(%s, 0), 6) END",
            rate(SQL("company.currency_id")),
            rate(SQL("due.currency_id")),
        )

    @api.model
    def _get_key_domain(self, keys):
        """Return rows by their ids, in a way that finds them by the documents' index.

        :param list keys: ids of rows; they may be gone.
        """
        domain = Domain.FALSE
        for remainder, (source, name) in enumerate(SOURCE_FIELDS.items()):
            ids = [key // 4 for key in keys if key % 4 == remainder]
            if ids:
                domain |= Domain("source", "=", source) & Domain(name, "in", ids)
        return domain

    def _get_reminder_refusals(self):
        """Return why clients are not reminded of rows, in plain words.

        :return: a text by row; rows that may be reminded of are not in it.
        :rtype: dict
        """
        refusals = {}
        for row in self:
            partner_sudo = row.partner_id.sudo()  # staff may not read all contacts
            company_sudo = row.company_id.sudo()  # nor companies
            if row.status == "processing":
                reason = self.env._("A payment is on its way.")
            elif row.status != "open":
                reason = self.env._("It is paid already.")
            elif not row.is_owed:
                reason = self.env._("It is not owed: it is not confirmed.")
            elif row.is_disputed:
                reason = self.env._("It is disputed.")
            elif row.is_test:
                reason = self.env._("It was begun with test money.")
            elif row.snoozed_until and (
                row.snoozed_until > company_sudo._get_booking_today()
            ):
                reason = self.env._(
                    "No reminder before %(date)s.",
                    date=format_date(self.env, row.snoozed_until),
                )
            elif partner_sudo.payment_reminder_optout or (
                partner_sudo.commercial_partner_id.payment_reminder_optout
            ):
                reason = self.env._("The client gets no payment reminders.")
            else:
                continue
            refusals[row] = reason
        return refusals

    @api.model
    def _check_reminder_user(self):
        """Check that the user may remind clients.

        :raise AccessError: when they may not.
        """
        if not self.env.user.has_groups(
            "payment_booking_portal.group_user,account.group_account_invoice"
        ):
            raise AccessError(self.env._("Only staff can do this."))

    def action_send_reminder(self):
        """Open the dialog that reminds the clients of the rows."""
        self._check_reminder_user()
        self.check_access("read")
        return self.env["payment.reminder.send"]._open(self)

    def action_snooze_reminders(self):
        """Open the dialog that lets reminders of the rows wait."""
        self._check_reminder_user()
        self.check_access("read")
        return self.env["payment.reminder.snooze"]._open(self)

    # === THE DOCUMENTS === #

    def _get_document(self):
        """Return the document of a row."""
        self.ensure_one()
        return self[SOURCE_FIELDS[self.source]]

    @api.model
    def _get_rows_of(self, documents):
        """Return the rows of documents; some have none, an invoiced booking for one.

        :param documents: invoices, bookings or requests.
        """
        name = documents._payable_allocation_field
        source = name.removesuffix("_id")
        return self.search([("source", "=", source), (name, "in", documents.ids)])

    def _describe_amount(self):
        """Return what is due in words, one amount per currency, or False."""
        amounts = defaultdict(float)
        for row in self:
            amounts[row.currency_id] += row.amount_due
        texts = [
            format_amount(self.env, amount, currency)
            for currency, amount in amounts.items()
            if not currency.is_zero(amount)
        ]
        return bool(texts) and format_list(self.env, texts)

    # === DOMAINS === #

    @api.model
    def _get_owed_domain(self, companies=None):
        """Return what is owed and not on its way: what staff collects.

        :param res.company companies: whom it is owed to; the selected ones by default.
        """
        companies = self.env.companies if companies is None else companies
        return (
            Domain("company_id", "in", companies.ids)
            & Domain("is_owed", "=", True)
            & Domain("status", "=", "open")
        )

    @api.model
    def _get_client_domain(self, partner):
        """Return what a client sees: their own rows, with those of their company.

        :param res.partner partner: the client.
        """
        return Domain("partner_id", "child_of", partner.commercial_partner_id.ids)

    # === TOTALS === #

    @api.model
    @api.readonly
    def get_totals(self, domain):
        """Return what is due in a list, and what of it is overdue: currencies are never
        summed, test money and held times do not count.

        :param list domain: of the list.
        :return: dicts of `currency_id`, `due` and `overdue` (in words, or False).
        :rtype: list
        """
        self._check_user()
        open_rows = (
            Domain(domain)
            & Domain("status", "=", "open")
            & Domain("is_owed", "=", True)
            & Domain("is_test", "=", False)
        )
        due = self._read_group(open_rows, ["currency_id"], ["amount_due:sum"])
        late = dict(
            self._read_group(
                open_rows & Domain("days_late", ">", 0),
                ["currency_id"],
                ["amount_due:sum"],
            )
        )
        return [
            {
                "currency_id": currency.id,
                "due": format_amount(self.env, amount, currency),
                "overdue": currency in late
                and format_amount(self.env, late[currency], currency),
            }
            for currency, amount in due
            if not currency.is_zero(amount)
        ]

    # === ACTIONS === #

    def _check_user(self):
        if not self.env.user.has_group("payment_booking_portal.group_user") and (
            not self.env.user.has_group("account.group_account_readonly")
            and not self.env.user.has_group("account.group_account_invoice")
        ):
            raise AccessError(self.env._("Only staff can do this."))

    def _get_document_to_act(self):
        """Return the document of a row that staff may see; it checks what it is asked.

        :raise AccessError: for anyone else.
        """
        self.ensure_one()
        self._check_user()
        self.check_access("read")
        return self._get_document()

    def action_open(self):
        """Open the document of the row; or the row itself, for who may not read it."""
        document = self._get_document_to_act()
        target = document if document.has_access("read") else self
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": target._name,
            "res_id": target.id,
            "views": [(False, "form")],
            "target": "current" if target == document else "new",
        }

    def action_send_link(self):
        """Send the client the link to pay, by the way of the document."""
        document = self._get_document_to_act()
        if self.source == "invoice":
            return document.action_send_payment_link()
        if self.source == "booking":
            return document.action_ask_for_payment()
        return document.action_send()

    def action_record_payment(self):
        """Open the dialog of the document that notes money received by staff."""
        return self._get_document_to_act().action_record_payment()

    def action_view_partner(self):
        """Open the client, on the tab Payments."""
        self._get_document_to_act()
        return self.partner_id.action_view_payments()
