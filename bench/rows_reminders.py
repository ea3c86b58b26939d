"""Rows of the reminders, beside Odoo's own template sent in a loop."""

import resource
import time

from odoo.tools import SQL

from . import seed
from .base import environment
from .measure import Row, faster, for_information, limited

CLIENTS = 10_000
NATIVE = 300


def add_debts(env, ours, count, name="BENCH"):
    """Insert clients with an open invoice each, overdue since three days."""
    invoice = env["account.move"].browse(ours.invoice)
    today = invoice.company_id._get_booking_today()
    invoice.flush_recordset()
    partner = invoice.partner_id
    numbers = list(range(count))
    partners = seed.copy_row(
        env,
        "res_partner",
        partner.id,
        name=[f"{name} {number}" for number in numbers],
        email=[f"{name.lower()}{number}@example.com" for number in numbers],
        complete_name=[f"{name} {number}" for number in numbers],
    )
    env.execute_query(
        SQL(
            "UPDATE res_partner SET commercial_partner_id = id, lang = 'en_US' "
            "WHERE id = ANY(%s) RETURNING 1",
            partners,
        )
    )
    moves = seed.copy_row(
        env,
        "account_move",
        invoice.id,
        partner_id=partners,
        commercial_partner_id=partners,
        name=[f"{name}/{number}" for number in numbers],
        sequence_number=[number + 1000 for number in numbers],
        payment_reference=[f"{name}/{number}" for number in numbers],
        access_token=[None] * count,
    )
    env.execute_query(
        SQL(
            "UPDATE account_move SET invoice_date_due = %s::date - 3 "
            "WHERE id = ANY(%s) RETURNING 1",
            today,
            moves,
        )
    )
    env.invalidate_all()
    return moves


def prepare(env):
    """Let one rule ask, at any hour."""
    Rule = env["payment.reminder.rule"]
    Rule.with_context(active_test=False).search([]).active = False
    Rule.create({"name": "Bench", "kind": "due", "delay": 3, "moment": "after"})
    env["res.company"].search([]).write(
        {
            "booking_reminder_from": 0,
            "booking_reminder_until": 24,
            "booking_reminder_sunday": True,
        }
    )


def memory():
    """Return how much memory this process has taken at most, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure(registry, ours):
    """Compare queueing and writing the mails of 10,000 clients with Odoo's template."""
    with environment(registry, commit=True) as env:
        prepare(env)
        add_debts(env, ours, CLIENTS)
        env.cr.execute("ANALYZE")
    native = measure_native(registry)
    with environment(registry, commit=True) as env:
        Reminder = env["payment.reminder"]
        begin = time.perf_counter()
        Reminder._queue()
        queueing = time.perf_counter() - begin
        # Other rows of the benchmark leave debts behind, too.
        ours_only = [("client_name", "like", "BENCH")]
        queued = Reminder.search_count([*ours_only, ("state", "=", "queued")])
        begin = time.perf_counter()
        peaks = mail_in_parts(Reminder)
        mailing = time.perf_counter() - begin
        sent = Reminder.search_count([*ours_only, ("state", "=", "sent")])
        mails = len(Reminder.search(ours_only).mail_id)
    if not queued == sent == mails == CLIENTS:
        raise RuntimeError(f"{queued} queued, {sent} sent, {mails} mails.")
    whole = (queueing + mailing) * 1000 / CLIENTS
    text = f"of {NATIVE} for the native, {CLIENTS:,} clients with one invoice each"
    return [
        faster(
            "reminders",
            "queueing reminders and writing their mails and histories, to "
            f"mail.template.send_mail in a loop on the same invoices: per mail, {text}",
            whole,
            native,
            "ms",
            10,
        ),
        for_information(
            "reminders-queueing",
            "of this, queueing alone, to the same native mail",
            queueing * 1000 / CLIENTS,
            native,
            "ms",
        ),
        limited(
            "reminders-memory",
            "growth of the memory's peak from the second batch to the last one",
            peaks[-1] - peaks[1],
            None,
            "MB",
            10,
        ),
        resumable(registry, ours),
    ]


def mail_in_parts(Reminder):
    """Make the mails; return the peak of memory after each batch."""
    peaks = []
    make = type(Reminder)._mail_batch

    def measured(self, batch):
        make(self, batch)
        peaks.append(memory())

    type(Reminder)._mail_batch = measured
    try:
        Reminder._mail_queued()
    finally:
        del type(Reminder)._mail_batch
    return peaks


def measure_native(registry):
    """Return the time of a mail of Odoo's own template of invoices, in ms."""
    with environment(registry) as env:
        moves = env["account.move"].search([("name", "like", "BENCH/")], limit=NATIVE)
        template = env["mail.template"].create(
            {
                "name": "Bench",
                "model_id": env["ir.model"]._get_id("account.move"),
                "subject": "Reminder: {{ object.name }}",
                "email_from": "{{ object.company_id.email_formatted }}",
                "partner_to": "{{ object.partner_id.id }}",
                "lang": "{{ object.partner_id.lang }}",
                "auto_delete": True,
                "body_html": env.ref(
                    "payment_booking_portal.mail_template_payment_reminder"
                )
                .body_html.replace(
                    "object._get_details()",
                    "{'entries': [{'number': object.name, 'due_on': "
                    "format_date(object.invoice_date_due), 'is_late': True, "
                    "'description': False, 'url': object._get_portal_payment_link(), "
                    "'amount': format_amount(object.amount_residual, "
                    "object.currency_id)}], 'totals': [], 'is_late': True, "
                    "'statement': False}",
                )
                .replace("object.client_name", "object.partner_id.name")
                .replace("object.note", "False"),
            }
        )
        template.send_mail(moves[0].id, email_layout_xmlid=LAYOUT)
        begin = time.perf_counter()
        for move in moves:
            template.send_mail(move.id, email_layout_xmlid=LAYOUT)
        env.flush_all()
        return (time.perf_counter() - begin) * 1000 / len(moves)


LAYOUT = "payment_booking_portal.mail_layout"


def resumable(registry, ours):
    """Stop in the middle, go on, and count the mails of each client."""
    with environment(registry, commit=True) as env:
        add_debts(env, ours, 1200, "AGAIN")
        Reminder = env["payment.reminder"]
        make = type(Reminder)._mail_batch
        done = []

        def stopped(self, batch):
            make(self, batch)
            done.append(batch)
            if len(done) == 2:
                raise KeyboardInterrupt

        type(Reminder)._mail_batch = stopped
        try:
            Reminder._cron_send_reminders()
        except KeyboardInterrupt:
            env.cr.rollback()
        finally:
            del type(Reminder)._mail_batch
        left = Reminder.search_count([("state", "=", "queued")])
        Reminder._cron_send_reminders()
        [[mails, addresses]] = env.execute_query(
            SQL(
                "SELECT count(*), count(DISTINCT email_to) FROM mail_mail "
                "WHERE email_to LIKE '%%again%%'"
            )
        )
    return Row(
        "reminders-resumed",
        f"1,200 reminders, stopped after the second batch ({left} left) and started "
        f"again: mails for {addresses} addresses",
        mails,
        None,
        "mails",
        None,
        "one each, none lost",
        left == 700 and mails == addresses == 1200,
    )
