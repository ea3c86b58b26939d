from odoo import api, fields, models
from odoo.tools import SQL


class PaymentDirectLinkVisit(models.Model):
    """Who looked at a link on a day: a visitor counts once a day.

    Rows are only added, so that to count never stands in the way of a payment.
    """

    _name = "payment.direct.link.visit"
    _description = "Visit of a Direct Link"
    _log_access = False

    link_id = fields.Many2one(
        "payment.direct.link", required=True, readonly=True, ondelete="cascade"
    )
    day = fields.Date(required=True, readonly=True)
    visitor = fields.Char(
        required=True,
        readonly=True,
        help="Keyed hash of the visitor's session: it says nothing about a person.",
    )

    _visitor_uniq = models.Constraint("UNIQUE (link_id, day, visitor)", "Counted once.")

    @api.model
    def _note(self, link, visitor):
        """Count a visitor of a link, once a day.

        :param payment.direct.link link: what was looked at.
        :param str visitor: see `payment.transaction._make_client_key`.
        """
        self.env.execute_query(
            SQL(
                """
                INSERT INTO payment_direct_link_visit (link_id, day, visitor)
                     VALUES (%s, %s, %s)
                ON CONFLICT DO NOTHING
                  RETURNING id
                """,
                link.id,
                fields.Date.today(),
                visitor,
            )
        )
