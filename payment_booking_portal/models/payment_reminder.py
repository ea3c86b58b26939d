import logging
import secrets
from collections import defaultdict, namedtuple
from datetime import timedelta

import psycopg2
from lxml import html
from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain
from odoo.tools import SQL, format_amount, format_date, format_list, split_every
from odoo.tools.mail import email_normalize, formataddr

from .. import const

_logger = logging.getLogger(__name__)

# How many clients are written to between two commits.
BATCH = 500
MAIL_LAYOUT = "payment_booking_portal.mail_layout"
# The start of the body, which mail programs show beside the subject.
PREVIEW_LENGTH = 150

# What one reminder asks for: found by SQL, see `_get_candidates`.
Candidate = namedtuple(
    "Candidate",
    "company_id partner_id email name lang due_key rule_id planned_at due_day "
    "currency_id amount number",
)
# What the layout of mails reads of a message.
MailMessage = namedtuple("MailMessage", "body preview")


class PaymentReminder(models.Model):
    """One mail to one client, in one language, of one company: of what is owed, before
    an appointment, or to who gave up a payment.

    The job queues first (`_queue`), then makes the mails (`_mail_queued`), a batch at a
    time. What a reminder asks for is looked at again at each step, the last time when
    the mail server is about to get it (see `mail.mail`).
    """

    _name = "payment.reminder"
    _description = "Reminder"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "id desc"
    _rec_name = "client_name"
    _rec_names_search = ["client_name", "email"]
    _mail_post_access = "read"

    kind = fields.Selection(const.REMINDER_KINDS, required=True, readonly=True)
    state = fields.Selection(
        const.REMINDER_STATES,
        required=True,
        readonly=True,
        default="queued",
        index=True,
    )
    failure = fields.Char(string="Why Not", readonly=True)
    company_id = fields.Many2one(
        "res.company", required=True, readonly=True, ondelete="cascade", index=True
    )
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        readonly=True,
        ondelete="cascade",
        index="btree_not_null",
    )
    client_name = fields.Char(string="Name", readonly=True)
    email = fields.Char(string="E-mail", readonly=True)
    lang = fields.Char(string="Language", readonly=True)
    sent_at = fields.Datetime(string="Sent", readonly=True)
    mail_id = fields.Many2one(
        "mail.mail",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
        groups="base.group_system",
    )
    subject = fields.Char(readonly=True, help="Of staff; else the template's.")
    note = fields.Text(readonly=True, help="A few words of staff in the mail.")
    line_ids = fields.One2many("payment.reminder.line", "reminder_id", readonly=True)
    documents = fields.Char(compute="_compute_documents")
    amounts = fields.Char(compute="_compute_documents")

    _queued_index = models.Index("(id) WHERE state = 'queued'")
    _email_index = models.Index("(email) WHERE partner_id IS NULL")

    @api.depends("line_ids.name", "line_ids.amount", "line_ids.is_left_out")
    def _compute_documents(self):
        for reminder in self:
            lines = reminder._get_lines() or reminder.line_ids
            reminder.documents = ", ".join(filter(None, lines.mapped("name")))
            reminder.amounts = reminder._format_amounts(lines)

    def _get_lines(self):
        """Return the lines that still ask for something."""
        return self.line_ids.filtered(lambda line: not line.is_left_out)

    def _format_amounts(self, lines):
        """Return what lines ask for in words, one amount per currency."""
        amounts = defaultdict(float)
        for line in lines:
            amounts[line.currency_id] += line.amount
        texts = [
            format_amount(self.env, amount, currency)
            for currency, amount in amounts.items()
            if currency and not currency.is_zero(amount)
        ]
        return format_list(self.env, texts) if len(texts) > 1 else "".join(texts)

    # === THE JOB === #

    @api.model
    def _cron_send_reminders(self):
        """Queue what the rules say, then make the mails; both go on where they were.

        Odoo does not replay a job that lost a race: what a batch could not do is there
        at the next run.
        """
        if self._queue():
            self._mail_queued()

    @api.model
    def _queue(self):
        """Queue the reminders that the rules ask for now.

        :return: whether there is time left.
        :rtype: bool
        """
        cron = self.env["ir.cron"]
        for kind, _label in const.RULE_KINDS:
            groups = self._group(self._get_candidates(kind))
            cron._commit_progress(remaining=len(groups))
            for batch in split_every(BATCH, groups, list):
                try:
                    self._insert(kind, batch)
                except psycopg2.OperationalError as error:
                    self.env.cr.rollback()  # somebody else just queued some of them
                    _logger.info("queueing of reminders: %s", error)
                self.env.invalidate_all()
                if not cron._commit_progress(len(batch)):
                    return False
        return True

    @api.model
    def _mail_queued(self):
        """Make the mails of what is queued, where it is not a quiet hour."""
        cron = self.env["ir.cron"]
        ids = self.search(self._get_mailable_domain(), order="id").ids
        cron._commit_progress(remaining=len(ids))
        for batch in split_every(BATCH, ids, list):
            self._mail_batch(self.browse(batch))
            self.env.invalidate_all()
            if not cron._commit_progress(len(batch)):
                break

    @api.model
    def _get_mailable_domain(self):
        """Return the queued reminders that may go out at this hour."""
        companies = self._get_companies()
        money = [c.id for c in companies if c._is_reminder_time()]
        appointments = [c.id for c in companies if c._get_appointment_horizon()]
        return Domain("state", "=", "queued") & (
            Domain("kind", "=", "manual")
            | (Domain("kind", "=", "appointment") & self._of(appointments))
            | (Domain("kind", "in", ("due", "abandoned")) & self._of(money))
        )

    def _of(self, company_ids):
        return Domain("company_id", "in", company_ids)

    def _mail_batch(self, batch):
        """Make the mails of a batch; one that fails in an unforeseen way is found, and
        does not stop the others.
        """
        try:
            batch._mail()
            self.env.flush_all()
        except psycopg2.OperationalError as error:
            self.env.cr.rollback()  # another process has them: they are done by it
            _logger.info("mailing of reminders: %s", error)
        except Exception as error:  # one bad record never stops the job
            self.env.cr.rollback()
            _logger.info("mailing of reminders: %s", error, exc_info=True)
            if len(batch) > 1:
                for reminder in batch:
                    self._mail_batch(reminder)
                    self.env["ir.cron"]._commit_progress()
            else:
                batch.try_lock_for_update()._set_failed({batch: str(error)})

    @api.model
    def _get_companies(self):
        """Return the companies whose clients are written to, sudoed."""
        companies_sudo = self.env["res.company"].sudo()  # staff reads no companies
        return companies_sudo.search([("active", "=", True)])

    # === WHAT TO QUEUE === #

    @api.model
    def _get_candidates(self, kind):
        """Return what rules of a kind ask for now, clients together.

        :param str kind: see `const.RULE_KINDS`.
        :rtype: list
        """
        if not self.env["payment.reminder.rule"].search_count(
            [("kind", "=", kind)], limit=1
        ):
            return []
        companies = self._get_companies()
        if kind == "appointment":
            horizons = {c: c._get_appointment_horizon() for c in companies}
            horizons = {company: at for company, at in horizons.items() if at}
            query = self._get_appointment_query(horizons) if horizons else None
        else:
            companies = companies.filtered(lambda c: c._is_reminder_time())
            query = (
                getattr(self, f"_get_{kind}_query")(companies) if companies else None
            )
        if query is None:
            return []
        self.env.flush_all()
        return [Candidate(*row) for row in self.env.execute_query(query)]

    @api.model
    def _group(self, candidates):
        """Return candidates as lists, one for each mail."""
        groups = defaultdict(list)
        for found in candidates:
            key = (found.company_id, found.partner_id or found.email, found.lang)
            groups[key].append(found)
        return list(groups.values())

    @api.model
    def _get_days_query(self, companies, **columns):
        """Return a small table: what day it is in companies, their time zone, how many
        days lie between two mails, and their language.

        :param columns: more columns, each a value by company and its type.
        """
        return SQL(
            "SELECT * FROM (VALUES %s) v (company_id, today, tz, gap, lang%s)",
            SQL(", ").join(
                SQL(
                    "(%s, %s::date, %s, %s, %s%s)",
                    company.id,
                    company._get_booking_today(),
                    company._get_booking_tz(),
                    company.booking_reminder_gap,
                    company.partner_id.lang or "en_US",
                    SQL().join(
                        SQL(", %s::timestamp", values[company])
                        for values in columns.values()
                    ),
                )
                for company in companies
            ),
            SQL().join(SQL(", %s", SQL.identifier(name)) for name in columns),
        )

    @api.model
    def _get_recipient_query(self):
        """Return who gets the mail about a `document` (a table with `partner_id`, the
        client's `name`, `email` and `lang`), seen from the `day` there: a contact
        without an address reads it at their company's.
        """
        langs = [code for code, _name in self.env["res.lang"].get_installed()]
        return SQL(
            """
            LEFT JOIN res_partner p ON p.id = document.partner_id
            LEFT JOIN res_partner cp ON cp.id = p.commercial_partner_id
            CROSS JOIN LATERAL (
                SELECT coalesce(p.email, '') = '' AND coalesce(cp.email, '') != ''
                    AS is_company) at
            CROSS JOIN LATERAL (
                SELECT CASE WHEN at.is_company THEN cp.id ELSE p.id END AS partner_id,
                       CASE WHEN at.is_company THEN cp.email
                            ELSE coalesce(nullif(p.email, ''), document.email) END
                            AS email,
                       coalesce(CASE WHEN at.is_company THEN cp.name ELSE p.name END,
                                document.name) AS name,
                       coalesce(p.payment_reminder_optout, FALSE)
                       OR coalesce(cp.payment_reminder_optout, FALSE) AS is_optout,
                       (SELECT code FROM unnest(ARRAY[
                            CASE WHEN at.is_company THEN cp.lang ELSE p.lang END,
                            document.lang, day.lang, 'en_US']) AS code
                         WHERE code = ANY(%(langs)s) LIMIT 1) AS lang) who
            """,
            langs=langs,
        )

    @api.model
    def _get_gap_condition(self):
        """Return that a client (`who`) had no mail about money in the last days."""
        return SQL(
            """
            NOT EXISTS (
                SELECT FROM payment_reminder r
                 WHERE (r.partner_id = who.partner_id
                        OR r.partner_id IS NULL AND who.partner_id IS NULL
                           AND r.email = who.email)
                   AND r.company_id = day.company_id
                   AND r.state IN ('queued', 'sent') AND r.kind != 'appointment'
                   AND (coalesce(r.sent_at, r.create_date) AT TIME ZONE 'UTC'
                        AT TIME ZONE day.tz)::date > day.today - day.gap)
            """
        )

    @api.model
    def _get_due_query(self, companies):
        """Return the rows of `payment.due` that a rule has its day for: of several
        the one that means the latest day.

        :param res.company companies: those where it is no quiet hour.
        """
        Due = self.env["payment.due"]
        return SQL(
            """
            SELECT document.company_id, who.partner_id, who.email, who.name, who.lang,
                   document.id, document.rule_id, document.planned_day::timestamp,
                   document.due_day, document.currency_id, document.amount_due,
                   document.number
              FROM (SELECT due.id, due.company_id, due.partner_id, due.due_day,
                           due.currency_id, due.amount_due, due.name AS number,
                           rule.id AS rule_id, rule.day AS planned_day,
                           coalesce(b.client_name, q.client_name) AS name,
                           coalesce(b.client_email, q.client_email) AS email,
                           coalesce(b.lang, q.lang) AS lang
                      FROM (%(due)s) due
                      JOIN (%(days)s) day ON day.company_id = due.company_id
                      CROSS JOIN LATERAL (
                           SELECT rule.id, planned.day %(rules)s
                              AND planned.day <= day.today
                            ORDER BY planned.day DESC, rule.sequence, rule.id
                            LIMIT 1) rule
                      LEFT JOIN payment_booking b
                             ON b.id = due.booking_id AND due.source = 'booking'
                      LEFT JOIN payment_request q ON q.id = due.request_id
                     WHERE due.status = 'open' AND due.is_owed
                       AND NOT due.is_disputed AND NOT due.is_test
                       AND due.due_day IS NOT NULL
                       AND (due.snoozed_until IS NULL
                            OR due.snoozed_until <= day.today)) document
              JOIN (%(days)s) day ON day.company_id = document.company_id
              %(recipients)s
             WHERE NOT who.is_optout AND %(gap)s
             ORDER BY document.company_id, who.partner_id, who.email, document.due_day,
                      document.id
            """,
            due=Due._table_query,
            days=self._get_days_query(companies),
            rules=Due._get_rules_query(),
            recipients=self._get_recipient_query(),
            gap=self._get_gap_condition(),
        )

    @api.model
    def _get_appointment_query(self, horizons):
        """Return the confirmed bookings whose rule has its moment before a horizon.

        Whoever booked after that moment needs no reminder.

        :param dict horizons: see `res.company._get_appointment_horizon`.
        """
        companies = self.env["res.company"].union(*horizons)
        return SQL(
            """
            SELECT DISTINCT ON (document.company_id, document.id)
                   document.company_id, who.partner_id, who.email, who.name, who.lang,
                   document.id * 4 + 1, rule.id, planned.moment, local.day,
                   document.currency_id, document.amount_due, document.number
              FROM (SELECT b.id, b.company_id, b.partner_id, b.start, b.confirmed_at,
                           b.client_name AS name, b.client_email AS email, b.lang,
                           b.currency_id, b.amount_due, b.name AS number
                      FROM payment_booking b
                     WHERE b.state = 'confirmed' AND b.start > %(now)s) document
              JOIN (%(days)s) day ON day.company_id = document.company_id
              JOIN payment_reminder_rule rule ON rule.active
                   AND rule.kind = 'appointment' AND rule.for_bookings
                   AND (rule.company_id IS NULL
                        OR rule.company_id = document.company_id)
              CROSS JOIN LATERAL (
                   SELECT document.start AT TIME ZONE 'UTC' AT TIME ZONE day.tz AS start
                   ) there
              CROSS JOIN LATERAL (SELECT there.start::date AS day) local
              CROSS JOIN LATERAL (
                   SELECT CASE rule.unit WHEN 'days'
                          THEN (there.start - make_interval(days => rule.delay))
                               AT TIME ZONE day.tz AT TIME ZONE 'UTC'
                          ELSE document.start - make_interval(hours => rule.delay)
                          END AS moment) planned
              %(recipients)s
             WHERE planned.moment <= day.horizon
               AND document.confirmed_at < planned.moment
               AND NOT EXISTS (
                   SELECT FROM payment_reminder_line l
                     JOIN payment_reminder r ON r.id = l.reminder_id
                    WHERE l.due_key = document.id * 4 + 1 AND r.kind = 'appointment'
                      AND l.due_day = local.day AND l.planned_at >= planned.moment)
             ORDER BY document.company_id, document.id, planned.moment DESC,
                      rule.sequence, rule.id
            """,
            now=fields.Datetime.now(),
            days=self._get_days_query(companies, horizon=horizons),
            recipients=self._get_recipient_query(),
        )

    @api.model
    def _get_abandoned_query(self, companies):
        """Return the bookings and requests that a client gave up, once, the last one if
        there are several of the same thing.

        :param res.company companies: those where it is no quiet hour.
        """
        given_up = [("is_abandoned", "=", True)]
        # sudo: the job writes to clients of all companies
        bookings_sudo = self.env["payment.booking"].sudo()
        requests_sudo = self.env["payment.request"].sudo()  # as above
        return SQL(
            """
            SELECT DISTINCT ON (document.company_id, who.email)
                   document.company_id, who.partner_id, who.email, who.name, who.lang,
                   document.due_key, rule.id, planned.moment, NULL::date,
                   document.currency_id, document.amount, document.number
              FROM (SELECT b.id * 4 + 1 AS due_key, TRUE AS is_booking, b.company_id,
                           b.partner_id, b.client_name AS name, b.client_email AS email,
                           b.lang, b.currency_id, b.amount_due AS amount,
                           b.name AS number, b.create_date AS since
                      FROM payment_booking b
                     WHERE b.id IN %(bookings)s AND b.start > %(now)s
                       AND b.create_date > %(oldest)s
                       AND NOT EXISTS (
                           SELECT FROM payment_booking later
                            WHERE later.id > b.id AND later.service_id = b.service_id
                              AND lower(later.client_email) = lower(b.client_email))
                    UNION ALL
                    SELECT q.id * 4 + 2, FALSE, q.company_id, q.partner_id,
                           q.client_name, q.client_email, q.lang, q.currency_id,
                           q.amount_due, q.name,
                           greatest(q.sent_at, q.opened_at, q.started_at)
                      FROM payment_request q
                     WHERE q.id IN %(requests)s
                       AND NOT EXISTS (
                           SELECT FROM payment_request later
                            WHERE later.id > q.id
                              AND later.direct_link_id = q.direct_link_id
                              AND lower(later.client_email) = lower(q.client_email))
                   ) document
              JOIN (%(days)s) day ON day.company_id = document.company_id
              JOIN payment_reminder_rule rule ON rule.active AND rule.kind = 'abandoned'
                   AND (rule.company_id IS NULL
                        OR rule.company_id = document.company_id)
                   AND CASE WHEN document.is_booking THEN rule.for_bookings
                       ELSE rule.for_requests END
              CROSS JOIN LATERAL (
                   SELECT document.since + make_interval(hours => rule.delay) AS moment
                   ) planned
              %(recipients)s
             WHERE planned.moment <= %(now)s
               AND planned.moment > %(now)s - make_interval(days => %(catch_up)s)
               AND who.email != '' AND NOT who.is_optout AND %(gap)s
               AND NOT EXISTS (
                   SELECT FROM payment_reminder_line l
                     JOIN payment_reminder r ON r.id = l.reminder_id
                    WHERE l.due_key = document.due_key AND r.kind = 'abandoned')
             ORDER BY document.company_id, who.email, document.since DESC,
                      rule.sequence, rule.id
            """,
            bookings=bookings_sudo._search(given_up).subselect(),
            requests=requests_sudo._search(given_up).subselect(),
            now=fields.Datetime.now(),
            oldest=fields.Datetime.now() - timedelta(days=60),
            days=self._get_days_query(companies),
            recipients=self._get_recipient_query(),
            gap=self._get_gap_condition(),
            catch_up=const.REMINDER_CATCH_UP_DAYS,
        )

    @api.model
    def _insert(self, kind, groups):
        """Insert reminders with their lines, a few statements for all of them.

        What was queued meanwhile is left out: see the index of the lines.

        :param str kind: of the reminders.
        :param list groups: lists of `Candidate`, one for each mail.
        :return: the reminders.
        :rtype: payment.reminder
        """
        rows = self.env.execute_query(
            SQL(
                "SELECT nextval('payment_reminder_id_seq') FROM generate_series(1, %s)",
                len(groups),
            )
        )
        ids = [row_id for (row_id,) in rows]
        heads = [(row_id, group[0]) for row_id, group in zip(ids, groups, strict=True)]
        now = fields.Datetime.now()
        stamp = SQL("%s, %s, %s, %s", self.env.uid, self.env.uid, now, now)
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO payment_reminder (
                    id, company_id, partner_id, email, client_name, lang, kind, state,
                    create_uid, write_uid, create_date, write_date)
                SELECT *, %s, 'queued', %s
                  FROM unnest(%s::int[], %s::int[], %s::int[], %s::text[], %s::text[],
                              %s::text[])
                """,
                kind,
                stamp,
                [row_id for row_id, _head in heads],
                [head.company_id for _id, head in heads],
                [head.partner_id for _id, head in heads],
                [head.email for _id, head in heads],
                [head.name for _id, head in heads],
                [head.lang for _id, head in heads],
            )
        )
        lines = [
            (row_id, found)
            for row_id, group in zip(ids, groups, strict=True)
            for found in group
        ]
        self.env.cr.execute(
            SQL(
                """
                INSERT INTO payment_reminder_line (
                    reminder_id, due_key, rule_id, planned_at, due_day, currency_id,
                    amount, name, invoice_id, booking_id, request_id,
                    create_uid, write_uid, create_date, write_date)
                SELECT v.*,
                       CASE WHEN v.due_key %% 4 = 0 THEN v.due_key / 4 END,
                       CASE WHEN v.due_key %% 4 = 1 THEN v.due_key / 4 END,
                       CASE WHEN v.due_key %% 4 = 2 THEN v.due_key / 4 END,
                       %s
                  FROM unnest(%s::int[], %s::int[], %s::int[], %s::timestamp[],
                              %s::date[], %s::int[], %s::numeric[], %s::text[])
                       AS v (reminder_id, due_key, rule_id, planned_at, due_day,
                             currency_id, amount, name)
                    ON CONFLICT DO NOTHING
                """,
                stamp,
                [row_id for row_id, _found in lines],
                [found.due_key for _id, found in lines],
                [found.rule_id or None for _id, found in lines],
                [found.planned_at or None for _id, found in lines],
                [found.due_day or None for _id, found in lines],
                [found.currency_id for _id, found in lines],
                [found.amount for _id, found in lines],
                [found.number for _id, found in lines],
            )
        )
        self.env.cr.execute(
            SQL(
                "DELETE FROM payment_reminder r WHERE r.id = ANY(%s) AND NOT EXISTS "
                "(SELECT FROM payment_reminder_line l WHERE l.reminder_id = r.id)",
                ids,
            )
        )
        self.invalidate_model()
        self.env["payment.reminder.line"].invalidate_model()
        existing = set(self.browse(ids).exists().ids)
        return self.browse(row_id for row_id in ids if row_id in existing)

    # === LOOKING AGAIN === #

    def _get_rows(self):
        """Return the rows of `payment.due` that the reminders ask for, by key, sudoed.

        They come with all that a mail says, in one query.
        """
        names = [
            *("source", "invoice_id", "booking_id", "request_id", "name"),
            *("description", "company_id", "partner_id", "currency_id", "amount_due"),
            *("status", "due_day", "is_owed", "is_payable", "is_disputed", "is_test"),
            "snoozed_until",
        ]
        keys = self.line_ids.mapped("due_key")
        Due = self.env["payment.due"]
        rows_sudo = Due.sudo()  # plain users read amounts through us
        rows_sudo.invalidate_model()  # as it is now, whatever was read before
        rows_sudo = rows_sudo.search_fetch(rows_sudo._get_key_domain(keys), names)
        return {row.id: row for row in rows_sudo}

    def _look_again(self, rows):
        """Leave out what need not be asked any more, and take amounts as they are now.

        A reminder that asks for nothing any more is cancelled.

        :param dict rows: see `_get_rows`.
        :return: those that ask for something.
        :rtype: payment.reminder
        """
        refusals = self.env["payment.due"].union(*rows.values())
        refusals = refusals._get_reminder_refusals()
        for reminder in self:
            reason = False
            for line in reminder._get_lines():
                row = rows.get(line.due_key)
                reason = line._get_outdated_reason(row, refusals.get(row))
                if reason:
                    line.write({"is_left_out": True, "left_out_reason": reason})
                elif row and reminder.kind in ("due", "manual"):
                    line._take_amount(row)
            if not reminder._get_lines():
                reminder.write({"state": "cancelled", "failure": reason})
        return self.filtered(lambda reminder: reminder.state != "cancelled")

    # === MAKING THE MAILS === #

    def _mail(self):
        """Make the mails of queued reminders that nobody else works on.

        All of it is one transaction: a reminder is sent exactly if its mail is there.
        """
        reminders = self.sudo().try_lock_for_update()  # staff writes none
        queued = reminders.filtered(lambda reminder: reminder.state == "queued")
        for lang, group in queued.grouped("lang").items():
            rows = group.with_context(lang=lang)._get_rows()
            standing = group._look_again(rows)
            failed = {r: r._get_address_error() for r in standing}
            failed = {r: error for r, error in failed.items() if error}
            mails, broken = (standing - self.browse().union(*failed))._render(rows)
            self._set_failed({**failed, **broken})
            reminders.browse().union(*mails)._create_mails(mails)
        if queued:
            cron_sudo = self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()
            cron_sudo._trigger()  # staff triggers no jobs

    def _get_address_error(self):
        """Return why the client cannot be written to, or False."""
        self.ensure_one()
        if not self.email:
            return self.env._("The client has no e-mail address.")
        if not email_normalize(self.email, strict=False):
            return self.env._("The e-mail address cannot be right.")
        return False

    def _get_mail_template(self):
        """Return the mail of a reminder, sudoed."""
        self.ensure_one()
        line = self._get_lines()[:1]
        return line.rule_id._get_template(self.kind, line._get_source())

    def _render(self, rows):
        """Return the mails of reminders of one language, made in bulk.

        :param dict rows: see `_get_rows`.
        :return: values of mails, and why others could not be made, by reminder.
        :rtype: tuple
        """
        mails, broken = {}, {}
        for template, group in self.grouped(
            lambda reminder: reminder._get_mail_template()
        ).items():
            try:
                with self.env.cr.savepoint():
                    mails.update(group._render_template(template, rows))
            except psycopg2.OperationalError:
                raise
            except Exception as error:  # find out which ones are bad
                _logger.info("reminders %s: %s", group.ids, error, exc_info=True)
                for reminder in group:
                    try:
                        with self.env.cr.savepoint():
                            mails.update(reminder._render_template(template, rows))
                    except psycopg2.OperationalError:
                        raise
                    except Exception as error:
                        _logger.info("reminder %s: %s", reminder.id, error)
                        cause = error.__cause__ or error
                        broken[reminder] = self.env._(
                            "The mail could not be written: %(error)s",
                            error=" ".join(str(cause).split())[:500],
                        )
        return mails, broken

    def _render_template(self, template, rows):
        """Return the values of mails of one template and language, by reminder.

        :param mail.template template: sudoed.
        :param dict rows: see `_get_rows`.
        """
        details = self._prepare_details(rows)
        # pylint: disable=context-overridden
        template = template.with_context(lang=self[0].lang, reminder_details=details)
        model = template.env[template.model]
        if template.model == self._name:
            records = model.browse(self._ids)
        else:
            # As many as reminders: each has one document then.
            records = model.browse(r._get_lines()._get_document().id for r in self)
        heads = {
            name: template._render_field(name, records._ids)
            for name in ("subject", "email_from", "reply_to", "email_cc")
            if template[name]
        }
        bodies = self._render_bodies(template, records)
        mails = {}
        for reminder, record, body in zip(self, records, bodies, strict=True):
            values = {name: found[record.id] for name, found in heads.items()}
            values["email_from"] = (
                values.get("email_from") or reminder.company_id.email_formatted
            )
            mails[reminder] = {
                **values,
                "subject": reminder.subject or values.get("subject"),
                "reply_to": values.get("reply_to") or values["email_from"],
                "email_to": formataddr((reminder.client_name or "", reminder.email)),
                "body_html": body,
                "mail_server_id": template.mail_server_id.id,
                "auto_delete": template.auto_delete,
            }
        return mails

    def _render_bodies(self, template, records):
        """Return the bodies of mails of one template, in their layout.

        :param mail.template template: sudoed, in the language of the mails.
        :param records: what each mail is about; as many as reminders.
        :rtype: list
        """
        body = html.fragment_fromstring(template.body_html or "", create_parent="t")
        texts = self._render_each(
            template,
            body,
            [{"object": record} for record in records],
        )
        layout = html.fragment_fromstring(
            f'<t t-call="{template.email_layout_xmlid or MAIL_LAYOUT}"/>'
        )
        pages = self._render_each(
            template,
            layout,
            [
                {
                    "message": MailMessage(
                        text, " ".join(text.striptags().split())[:PREVIEW_LENGTH]
                    ),
                    "company": reminder.company_id.with_env(template.env),
                    "record": record,
                    "record_name": reminder.client_name,
                    "tracking_values": [],
                    "lang": template.env.lang,
                }
                for reminder, record, text in zip(self, records, texts, strict=True)
            ],
        )
        return [template._replace_local_links(page) for page in pages]

    def _render_each(self, template, node, items):
        """Render a piece of QWeb with several sets of variables.

        It is compiled once: the engine of templates would do it for each record. What
        the piece sets for one is forgotten before the next.

        :param etree node: the piece.
        :param list items: dicts with the same keys.
        :rtype: list
        """
        mark = Markup("<!-- %s -->") % secrets.token_hex(16)
        common = template._render_eval_context()
        loop = html.fragment_fromstring('<t t-foreach="items" t-as="item"/>')
        values = {name: f"common.get('{name}')" for name in self._get_set_names(node)}
        values.update({name: f"item['{name}']" for name in items[0]})
        for name, value in values.items():
            attributes = {"t-set": name, "t-value": value}
            loop.append(html.html_parser.makeelement("t", attributes))
        loop.append(node)
        loop.append(html.html_parser.makeelement("t", {"t-out": "mark"}))
        text = template.env["ir.qweb"]._render(
            loop, {**common, "common": common, "items": items, "mark": mark}
        )
        return [Markup(part) for part in text.split(mark)[:-1]]

    @api.model
    def _get_set_names(self, node):
        """Return the variables that a piece of QWeb sets."""
        names = set(node.xpath("//@t-set"))
        for name in node.xpath("//@t-as"):
            endings = ("", "_value", "_index", "_first", "_last", "_size", "_parity")
            names |= {name + ending for ending in endings}
        return {name for name in names if name.isidentifier()}

    def _create_mails(self, mails):
        """Create the mails of reminders: each is a note in the history of the first
        document that it asks for; further ones get a note of their own.

        The history of the client is the list of reminders behind the button of the
        contact's form: it tells the state of each mail, too.

        :param dict mails: values by reminder, see `_render`.
        """
        if not self:
            return
        author, _email_from = self.env["mail.thread"]._message_compute_author()
        common = {
            "author_id": author,
            "message_type": "notification",
            "is_internal": True,
            "subtype_id": self.env["ir.model.data"]._xmlid_to_res_id("mail.mt_note"),
            "is_notification": True,  # the note stays when the mail is deleted
        }
        values_list = []
        further = defaultdict(dict)
        for reminder in self:
            first, *others = [
                (line._get_document(), reminder._get_history_note(line))
                for line in reminder._get_lines()
            ]
            document, note = first
            values_list.append(
                {
                    **common,
                    **mails[reminder],
                    "model": document._name,
                    "res_id": document.id,
                    "body": note,
                }
            )
            for document, note in others:
                further[document._name][document.id] = note
        # sudo: staff writes no mails but by templates
        created = self.env["mail.mail"].sudo().create(values_list)
        now = fields.Datetime.now()
        # Nobody follows these fields: no history, no tracking.
        quiet = self.with_context(tracking_disable=True)
        for reminder, mail in zip(quiet, created, strict=True):
            reminder.mail_id = mail
        quiet.write({"state": "sent", "failure": False, "sent_at": now})
        for model, notes in further.items():
            self.env[model].browse(notes)._message_log_batch(notes)

    def _get_history_note(self, line):
        """Return what the history of a document says about the mail.

        :param payment.reminder.line line: which asks for that document.
        """
        if self.kind == "appointment":
            return self.env._(
                "Reminded of the appointment: mail to %(email)s.", email=self.email
            )
        if self.kind == "abandoned":
            return self.env._(
                "Asked to finish the payment: mail to %(email)s.", email=self.email
            )
        return self.env._(
            "Reminded of %(documents)s: mail to %(email)s.",
            documents=self._format_amounts(line),
            email=self.email,
        )

    # === WHAT THE MAIL SAYS === #

    def _prepare_details(self, rows):
        """Return what the mails of reminders of money say, by their id: links included,
        with a number of queries that does not grow.

        :param dict rows: see `_get_rows`.
        """
        lang = self[:1].lang or self.env.lang
        money = self.filtered(lambda r: r.kind in ("due", "manual"))
        env = self.with_context(lang=lang).env
        urls = money._get_pay_urls(rows)
        statements = money._get_statement_urls()
        todays = {c: c._get_booking_today() for c in money.company_id}
        details = {}
        for reminder in money:
            today = todays[reminder.company_id]
            entries = []
            for line in reminder._get_lines():
                row = rows[line.due_key]
                entries.append(
                    {
                        "number": row.name,
                        "description": row.description,
                        "due_day": row.due_day,
                        "due_on": row.due_day and format_date(env, row.due_day),
                        "is_late": bool(row.due_day and row.due_day < today),
                        "amount": format_amount(env, line.amount, line.currency_id),
                        "currency": line.currency_id,
                        "value": line.amount,
                        "url": urls.get(line.due_key),
                    }
                )
            details[reminder.id] = {
                "entries": entries,
                "totals": self._get_totals(env, entries),
                "is_late": any(entry["is_late"] for entry in entries),
                "statement": len(entries) > 1 and statements.get(reminder),
            }
        return details

    @api.model
    def _get_totals(self, env, entries):
        """Return what is asked for in words: an amount per currency."""
        if len(entries) == 1:
            return [entries[0]["amount"]]
        totals = defaultdict(float)
        for entry in entries:
            totals[entry["currency"]] += entry["value"]
        return [
            format_amount(env, value, currency) for currency, value in totals.items()
        ]

    def _get_pay_urls(self, rows):
        """Return the pay pages of what can be paid online, by the key of its row."""
        base = self[:1].get_base_url()
        keys = defaultdict(dict)
        for line in self.line_ids:
            row = rows.get(line.due_key)
            if row and row.is_payable and not line.is_left_out:
                document = row._get_document()
                keys[document._name][document.id] = line.due_key
        urls = {}
        AccessLink = self.env["payment.access.link"]
        for model, found in keys.items():
            links = AccessLink._ensure_for(self.env[model].browse(found), "pay")
            urls.update(
                {
                    found[document_id]: f"{base}/pay/{link.token}"
                    for document_id, link in links.items()
                }
            )
        return urls

    def _get_statement_urls(self):
        """Return where each client sees and pays all that is due, by reminder."""
        base = self[:1].get_base_url()
        several = self.filtered(lambda r: r.partner_id and len(r._get_lines()) > 1)
        urls = {}
        for company, group in several.grouped("company_id").items():
            paths = group.partner_id._get_statement_urls(company)
            urls.update({r: base + paths[r.partner_id.id] for r in group})
        return urls

    def _get_details(self):
        """Return what the mail says, see `_prepare_details`; for its template."""
        self.ensure_one()
        known = self.env.context.get("reminder_details", {}).get(self.id)
        return known or self._prepare_details(self._get_rows())[self.id]

    def _get_mail_subject(self):
        """Return the subject of a mail about money."""
        details = self._get_details()
        totals = details["totals"]
        amount = format_list(self.env, totals) if len(totals) > 1 else "".join(totals)
        if len(details["entries"]) > 1 or not details["entries"][0]["due_on"]:
            if details["is_late"]:
                return self.env._("Reminder: please pay %(amount)s", amount=amount)
            return self.env._("To pay: %(amount)s", amount=amount)
        [entry] = details["entries"]
        if details["is_late"]:
            return self.env._(
                "Reminder: %(amount)s was due on %(date)s (%(number)s)",
                amount=amount,
                date=entry["due_on"],
                number=entry["number"],
            )
        return self.env._(
            "%(amount)s is due on %(date)s (%(number)s)",
            amount=amount,
            date=entry["due_on"],
            number=entry["number"],
        )

    # === THE LAST LOOK === #

    def _check_before_sending(self, mail):
        """Look again when a mail server is about to get the mail of a reminder.

        The mail is cancelled if all was paid meanwhile, and made anew if a part was.

        :return: whether to send it.
        :rtype: bool
        """
        self.ensure_one()
        try:
            with self.env.cr.savepoint():
                before = [(line.id, line.amount) for line in self._get_lines()]
                rows = self.with_context(lang=self.lang)._get_rows()
                if not self._look_again(rows):
                    mail.sudo().write(  # whoever sends the queue may not write it
                        {
                            "state": "cancel",
                            "failure_reason": self.failure,
                            "body": self.env._(
                                "The reminder to %(email)s was not sent: %(reason)s",
                                email=self.email,
                                reason=self.failure,
                            ),
                        }
                    )
                    return False
                if before == [(line.id, line.amount) for line in self._get_lines()]:
                    return True
                mails, broken = self._render(rows)
                if broken:
                    raise UserError(broken[self])
                values = mails[self]
                mail_sudo = mail.sudo()  # whoever sends the queue may not write it
                mail_sudo.write({key: values[key] for key in ("subject", "body_html")})
                return True
        except psycopg2.OperationalError:
            raise
        except Exception as error:  # rather none than a wrong one
            _logger.info("reminder %s: %s", self.id, error, exc_info=True)
            mail.write({"state": "cancel", "failure_reason": str(error)})
            self._set_failed({self: str(error)})
            return False

    # === FAILURES === #

    def _set_failed(self, reasons):
        """Note which reminders could not be sent, and tell staff.

        :param dict reasons: why, by reminder.
        """
        for reminder, reason in reasons.items():
            reminder.write({"state": "failed", "failure": reason})
        if reasons:
            self.browse().union(*reasons)._tell_staff()

    def _tell_staff(self):
        """Give each responsible one activity about reminders that failed, however many
        there are; none while an earlier one is not done.
        """
        kind = self.env.ref("mail.mail_activity_data_todo")
        by_user = self.grouped(lambda reminder: reminder._get_responsible())
        # sudo: the job and clients cause them
        told = (
            self.env["mail.activity"]
            .sudo()
            ._read_group(
                [
                    ("res_model", "=", self._name),
                    ("activity_type_id", "=", kind.id),
                    ("user_id", "in", [user.id for user in by_user]),
                ],
                ["user_id"],
            )
        )
        told = {user for (user,) in told}
        for user, reminders in by_user.items():
            if user not in told:
                reminders[0].activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=self.env._("Reminders could not be sent"),
                    note=reminders[0].failure,
                    user_id=user.id,
                )

    def _get_responsible(self):
        """Return who hears of a failure: the responsible of a document, else an
        administrator.
        """
        self.ensure_one()
        for line in self.line_ids:
            document = line._get_document()
            name = "invoice_user_id" if line.invoice_id else "user_id"
            user = document[name]
            if user.active and user.has_groups(
                "payment_booking_portal.group_user,account.group_account_invoice"
            ):
                return user
        return self.env.ref("base.user_admin")

    # === BY HAND === #

    @api.model
    def _find_recipients(self, rows):
        """Return rows of `payment.due` as lists of `Candidate`, one for each mail.

        :param payment.due rows: what to remind of, whatever the rules say.
        """
        if not rows:
            return []
        companies = rows.company_id.sudo()  # staff reads no companies
        query = SQL(
            """
            SELECT document.company_id, who.partner_id, who.email, who.name, who.lang,
                   document.id, NULL::int, NULL::timestamp, document.due_day,
                   document.currency_id, document.amount_due, document.number
              FROM (SELECT due.id, due.company_id, due.partner_id, due.due_day,
                           due.currency_id, due.amount_due, due.name AS number,
                           coalesce(b.client_name, q.client_name) AS name,
                           coalesce(b.client_email, q.client_email) AS email,
                           coalesce(b.lang, q.lang) AS lang
                      FROM (%(due)s) due
                      LEFT JOIN payment_booking b
                             ON b.id = due.booking_id AND due.source = 'booking'
                      LEFT JOIN payment_request q ON q.id = due.request_id
                     WHERE due.id = ANY(%(keys)s)) document
              JOIN (%(days)s) day ON day.company_id = document.company_id
              %(recipients)s
             ORDER BY document.company_id, who.name, document.due_day, document.id
            """,
            due=rows._table_query,
            keys=rows.ids,
            days=self._get_days_query(companies),
            recipients=self._get_recipient_query(),
        )
        self.env.flush_all()
        return self._group([Candidate(*row) for row in self.env.execute_query(query)])

    def _check_user(self):
        self.env["payment.due"]._check_reminder_user()
        self.check_access("read")

    def action_retry(self):
        """Try again to send what failed, to the address that the client has now."""
        self._check_user()
        for reminder in self.sudo().filtered(lambda r: r.state == "failed"):  # as below
            email = reminder.partner_id.email or reminder.email
            reminder.write({"state": "queued", "email": email, "failure": False})
        self.sudo()._mail()  # staff writes no reminders but so
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def action_cancel(self):
        """Do not send what waits, or failed."""
        self._check_user()
        todo_sudo = self.sudo().filtered(  # staff writes no reminders but so
            lambda reminder: reminder.state in ("queued", "failed")
        )
        reason = self.env._("Cancelled by %(user)s.", user=self.env.user.name)
        todo_sudo.write({"state": "cancelled", "failure": reason})
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def action_open_document(self):
        """Open what the reminder is about, or the client if that is more."""
        self.ensure_one()
        self.check_access("read")
        documents = [line._get_document() for line in self.line_ids]
        record = documents[0] if len(documents) == 1 else self.partner_id
        return {
            "type": "ir.actions.act_window",
            "res_model": record._name,
            "res_id": record.id,
            "views": [(False, "form")],
        }

    @api.model
    def _open_list(self, domain):
        """Return the action that shows some reminders."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_reminder_action"
        )
        return {**action, "domain": list(Domain(domain)), "context": {}}
