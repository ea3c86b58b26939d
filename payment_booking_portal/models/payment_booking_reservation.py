from odoo import fields, models
from odoo.tools import SQL


class PaymentBookingReservation(models.Model):
    """Who has a resource, and when: the rows that make double bookings impossible.

    Nobody has rights on this model: rows come and go with bookings and sessions only.
    """

    _name = "payment.booking.reservation"
    _description = "Resource Taken"
    _order = "start, id"

    resource_id = fields.Many2one(
        "resource.resource", required=True, ondelete="restrict", index=True
    )
    start = fields.Datetime(required=True, help="Buffer included.")
    stop = fields.Datetime(required=True, help="Buffer included.")
    booking_id = fields.Many2one(
        "payment.booking", ondelete="cascade", index="btree_not_null"
    )
    session_id = fields.Many2one(
        "payment.booking.session", ondelete="cascade", index="btree_not_null"
    )
    # Read-time truth: a row past this moment counts for nothing. Empty: no limit.
    expires_at = fields.Datetime()

    _one_owner = models.Constraint(
        "CHECK (num_nonnulls(booking_id, session_id) = 1)",
        "A reservation belongs to one booking or one session.",
    )
    _start_before_stop = models.Constraint(
        # An empty range conflicts with nothing.
        "CHECK (start < stop)",
        "A reservation ends after it starts.",
    )
    # `int4range` stands for `=`, for which GiST would need the extension btree_gist.
    _no_double_booking = models.Constraint(
        "EXCLUDE USING gist (int4range(resource_id, resource_id, '[]') WITH &&, "
        "tsrange(start, stop) WITH &&)",
        "Somebody has this time already.",
    )
    _period_index = models.Index("USING gist (tsrange(start, stop))")

    def _is_constraint_active(self):
        """Tell whether PostgreSQL enforces the exclusion constraint.

        An upgrade only warns when existing rows violate a constraint, and goes on
        without it.
        """
        return bool(
            self.env.execute_query(
                SQL(
                    """
                    SELECT 1 FROM pg_constraint
                     WHERE conrelid = 'payment_booking_reservation'::regclass
                       AND contype = 'x' AND convalidated
                    """
                )
            )
        )

    def _insert(self, resource_ids, start, stop, expires_at, owner):
        """Insert the reservations of a booking or session, one row per resource.

        Raw SQL: the ORM would log an error for every loser of a race. The caller has
        a savepoint around it.

        :param list resource_ids: the resources taken.
        :param datetime start: buffer included (naive UTC).
        :param datetime stop: buffer included (naive UTC).
        :param datetime expires_at: see the field; None for no limit.
        :param owner: one `payment.booking` or `payment.booking.session`.
        :raise psycopg2.errors.ExclusionViolation: if somebody was quicker.
        """
        column = SQL.identifier(
            "session_id" if owner._name == "payment.booking.session" else "booking_id"
        )
        uid = self.env.uid
        rows = SQL(", ").join(
            SQL(
                "(%s, %s, %s, %s, %s, %s, %s, now() AT TIME ZONE 'UTC', "
                "now() AT TIME ZONE 'UTC')",
                rid,
                start,
                stop,
                expires_at or None,
                owner.id,
                uid,
                uid,
            )  # fmt: skip
            for rid in sorted(resource_ids)
        )
        self.env.cr.execute(
            SQL(
                "INSERT INTO payment_booking_reservation (resource_id, start, stop, "
                "expires_at, %s, create_uid, write_uid, create_date, write_date) "
                "VALUES %s",
                column,
                rows,
            ),
            log_exceptions=False,
        )
        self.invalidate_model()
