from odoo import api, fields, models


class PaymentSamePerson(models.TransientModel):
    """Staff says that the client of a document is a contact known before."""

    _name = "payment.same.person"
    _description = "Same Person"

    res_model = fields.Selection(
        [("payment.booking", "Booking"), ("payment.request", "Payment request")],
        required=True,
        readonly=True,
    )
    res_id = fields.Many2oneReference(
        string="Document", model_field="res_model", required=True, readonly=True
    )
    client_name = fields.Char(compute="_compute_client")
    client_email = fields.Char(compute="_compute_client")
    candidate_ids = fields.Many2many("res.partner", compute="_compute_client")
    partner_id = fields.Many2one(
        "res.partner",
        string="Is the Same as",
        compute="_compute_partner_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
        domain="[('id', 'in', candidate_ids)]",
    )

    @api.depends("res_model", "res_id")
    def _compute_client(self):
        for wizard in self:
            document = wizard._get_document()
            wizard.client_name = document.client_name
            wizard.client_email = document.client_email
            wizard.candidate_ids = document.duplicate_partner_ids

    @api.depends("res_model", "res_id")
    def _compute_partner_id(self):
        for wizard in self:
            wizard.partner_id = wizard._get_document().duplicate_partner_ids[:1]

    def _get_document(self):
        """Return the booking or request, which the user must be allowed to change."""
        self.ensure_one()
        # Stored fields are computed as superuser: ask as the user that it is.
        document = self.env[self.res_model].sudo(False).browse(self.res_id)
        document.check_access("write")
        return document

    def action_merge(self):
        """Merge the contact of the document into the chosen one."""
        self.ensure_one()
        self._get_document()._set_same_person(self.partner_id)
        return {"type": "ir.actions.act_window_close"}
