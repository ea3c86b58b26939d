"""The one way to act on a record that two requests may act on at once."""

from odoo.tools import SQL


def lock_and_touch(records):
    """Lock rows in id order and update a column of them in the same statement.

    PostgreSQL runs Odoo's transactions as REPEATABLE READ: a lock alone would let the
    loser of a race go on with a stale snapshot. Because the rows are updated too, the
    loser fails with a serialization error (40001), and Odoo replays the request on a
    fresh snapshot (`odoo.service.model.retrying`).

    Whoever needs resources locked as well locks them first.

    :param records: records of one model; none is fine.
    """
    ids = tuple(sorted(records.ids))
    if not ids:
        return
    records.env.flush_all()
    table = SQL.identifier(records._table)
    records.env.cr.execute(
        SQL(
            """
            WITH locked AS (
                SELECT id FROM %(table)s WHERE id IN %(ids)s
                ORDER BY id FOR NO KEY UPDATE
            )
            UPDATE %(table)s
               SET write_date = (now() AT TIME ZONE 'UTC')
              FROM locked
             WHERE %(table)s.id = locked.id
            """,
            table=table,
            ids=ids,
        )
    )
    records.invalidate_recordset(["write_date"])


def lock_documents(rows):
    """Lock and touch all that rows pay, in the one order that everybody keeps: links
    that count their payments, people and rooms, bookings, requests, invoices.

    :param rows: records that name a `booking_id`, `request_id` or `invoice_id`, sudoed.
    """
    rows.request_id.direct_link_id._lock_limit()
    late = rows.booking_id.filtered(lambda booking: booking.state == "expired")
    late._lock_resources(late.service_id.group_ids.resource_ids)
    for name in ("booking_id", "request_id", "invoice_id"):
        lock_and_touch(rows[name])
