from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import const


class PaymentBookingSessionAdd(models.TransientModel):
    _name = "payment.booking.session.add"
    _description = "Add Clients to a Session"

    session_id = fields.Many2one(
        "payment.booking.session", required=True, ondelete="cascade"
    )
    free_seats = fields.Integer(compute="_compute_free_seats")
    fee_policy = fields.Selection(
        const.FEE_POLICIES,
        required=True,
        default=lambda self: self._default_fee_policy(),
    )
    line_ids = fields.One2many("payment.booking.session.add.line", "wizard_id")
    is_second_try = fields.Boolean()

    # === DEFAULTS === #

    @api.model
    def _default_fee_policy(self):
        session = self.env["payment.booking.session"].browse(
            self.env.context.get("default_session_id")
        )
        return session.service_id.fee_policy or "on_site"

    # === COMPUTE METHODS === #

    @api.depends("session_id")
    def _compute_free_seats(self):
        for wizard in self:
            session = wizard.session_id
            wizard.free_seats = max(0, session.seats - session.taken_seats)

    # === ACTIONS === #

    def action_add(self):
        """Give each client a booking; those for whom there is no place stay here."""
        self.ensure_one()
        if not self.line_ids:
            raise UserError(self.env._("Choose or type at least one client."))
        lines = list(self.line_ids)
        clients = [line._prepare_client() for line in lines]
        _bookings, refused = self.session_id._place_for_clients(
            clients, self.fee_policy
        )
        if not refused:
            return {"type": "ir.actions.act_window_close"}
        for line, client in zip(lines, clients, strict=True):
            if not any(client is other for other in refused):
                line.unlink()
        self.is_second_try = True
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Add clients"),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }


class PaymentBookingSessionAddLine(models.TransientModel):
    _name = "payment.booking.session.add.line"
    _description = "Client to Add to a Session"

    wizard_id = fields.Many2one(
        "payment.booking.session.add", required=True, ondelete="cascade"
    )
    partner_id = fields.Many2one("res.partner", string="Client", ondelete="cascade")
    name = fields.Char(string="Or a Name")
    email = fields.Char(string="E-mail")
    seats = fields.Integer(string="Places", default=1, required=True)

    @api.constrains("partner_id", "name", "seats")
    def _check_client(self):
        for line in self:
            if not line.partner_id and not (line.name or "").strip():
                raise ValidationError(self.env._("Choose a client or type a name."))
            if line.seats < 1:
                raise ValidationError(self.env._("A client has at least one place."))

    def _prepare_client(self):
        """Return the values of the client's booking."""
        self.ensure_one()
        values = {"seats": self.seats}
        if self.partner_id:
            return {**values, "partner_id": self.partner_id.id}
        # One line: the name goes into the header of a mail.
        typed = {"guest_name": self.name, "guest_email": self.email}
        return {
            **values,
            **{
                key: " ".join((text or "").split())[: const.MAX_SHORT_TEXT]
                for key, text in typed.items()
            },
        }
