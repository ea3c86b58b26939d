from collections import defaultdict

from odoo import api, fields, models
from odoo.tools import SQL


class PaymentBookingSession(models.Model):
    _name = "payment.booking.session"
    _description = "Group Session"
    _order = "start desc, id desc"

    service_id = fields.Many2one(
        "payment.booking.service", required=True, ondelete="restrict", index=True
    )
    company_id = fields.Many2one(related="service_id.company_id", store=True)
    start = fields.Datetime(required=True, readonly=True)
    stop = fields.Datetime(required=True, readonly=True)
    seats = fields.Integer(string="Places", required=True)
    resource_ids = fields.Many2many(
        "resource.resource",
        "payment_booking_session_resource_rel",
        string="With",
        readonly=True,
    )
    booking_ids = fields.One2many("payment.booking", "session_id", readonly=True)
    seat_ids = fields.One2many("payment.booking.seat", "session_id", readonly=True)
    taken_seats = fields.Integer(compute="_compute_taken_seats")

    # Two clients who open the same start at once share one session.
    _start_uniq = models.Constraint(
        "UNIQUE (service_id, start)",
        "This service has a session at that time already.",
    )
    _start_before_stop = models.Constraint(
        "CHECK (start < stop)", "A session ends after it starts."
    )

    @api.depends("service_id.name", "start")
    def _compute_display_name(self):
        for session in self:
            start = fields.Datetime.context_timestamp(session, session.start)
            session.display_name = f"{session.service_id.name}, {start:%Y-%m-%d %H:%M}"

    @api.depends("seat_ids")
    def _compute_taken_seats(self):
        taken = self._get_taken_seats()
        for session in self:
            session.taken_seats = len(taken[session.id])

    def _get_taken_seats(self, excluded=None):
        """Return the numbers of the seats that are taken now, by session id.

        :param payment.booking excluded: one whose own seats count as free (a move).
        """
        taken = defaultdict(set)
        if not self.ids:
            return taken
        self.env["payment.booking.seat"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT session_id, seat FROM payment_booking_seat
                 WHERE session_id = ANY(%s)
                   AND (expires_at IS NULL OR expires_at > %s)
                   AND booking_id <> %s
                """,
                self.ids,
                fields.Datetime.now(),
                excluded.id if excluded else 0,
            )
        )
        for session_id, seat in rows:
            taken[session_id].add(seat)
        return taken

    def _sync_reservations(self):
        """Make the session's resources free when its last place is.

        A session made for its clients lives as long as one of them has a place, held
        or booked.
        """
        for session in self.sudo():  # plain users may not touch reservations
            session.env["payment.booking.seat"].flush_model()
            [(seats, forever, until)] = session.env.execute_query(
                SQL(
                    """
                    SELECT count(*), bool_or(expires_at IS NULL), max(expires_at)
                      FROM payment_booking_seat WHERE session_id = %s
                    """,
                    session.id,
                )
            )
            reservations = session.env["payment.booking.reservation"].search(
                [("session_id", "=", session.id)]
            )
            if not seats:
                reservations.unlink()
                session.unlink()
            else:
                reservations.write({"expires_at": False if forever else until})
