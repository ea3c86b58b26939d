from odoo import api, fields, models


class ResPartner(models.Model):
    _inherit = "res.partner"

    payment_booking_ids = fields.One2many("payment.booking", "partner_id")
    payment_booking_count = fields.Integer(
        string="Bookings",
        compute="_compute_payment_booking_count",
        groups="payment_booking_portal.group_user",
    )

    @api.depends("payment_booking_ids")
    def _compute_payment_booking_count(self):
        groups = self.env["payment.booking"]._read_group(
            [("partner_id", "in", self.ids)], ["partner_id"], ["__count"]
        )
        counts = {partner.id: count for partner, count in groups}
        for partner in self:
            partner.payment_booking_count = counts.get(partner.id, 0)

    def action_view_payment_bookings(self):
        """Open the bookings of the client; New makes one for them."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_action"
        )
        return {
            **action,
            "view_mode": "list,calendar,kanban,form",
            "views": [(False, "list"), (False, "calendar"), (False, "form")],
            "domain": [("partner_id", "=", self.id)],
            "context": {"default_partner_id": self.id},
        }
