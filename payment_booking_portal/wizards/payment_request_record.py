from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentRequestRecord(models.TransientModel):
    """Money received by staff: for a request, or for none yet, which makes one."""

    _name = "payment.request.record"
    _description = "Record a Payment"
    _inherit = "payment.record.wizard"

    request_id = fields.Many2one("payment.request", readonly=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        compute="_compute_partner_id",
        store=True,
        precompute=True,
        readonly=False,
    )
    client_name = fields.Char(related="request_id.client_name", related_sudo=False)
    client_email = fields.Char(string="E-mail", compute="_compute_client_email")
    partner_owes = fields.Char(compute="_compute_partner_owes")
    reason = fields.Char()
    currency_id = fields.Many2one(
        compute="_compute_currency_id",
        store=True,
        precompute=True,
        readonly=False,
        required=True,
    )
    currency_ids = fields.Many2many(
        "res.currency", string="Possible Currencies", compute="_compute_currency_ids"
    )
    amount_due = fields.Monetary(compute="_compute_amount_due")
    amount = fields.Monetary(
        compute="_compute_amount", store=True, precompute=True, readonly=False
    )

    # === COMPUTE METHODS === #

    # One method each: a value that is given keeps Odoo from computing the others.
    @api.depends("request_id")
    def _compute_partner_id(self):
        for wizard in self:
            request_sudo = wizard._get_request_sudo()
            wizard.partner_id = request_sudo.partner_id or wizard.partner_id

    @api.depends("request_id")
    def _compute_currency_id(self):
        for wizard in self:
            request_sudo = wizard._get_request_sudo()
            currency = wizard._get_company().currency_id
            wizard.currency_id = request_sudo.currency_id or currency

    @api.depends("request_id")
    def _compute_amount(self):
        for wizard in self:
            wizard.amount = wizard.amount_due

    @api.depends("request_id")
    def _compute_amount_due(self):
        for wizard in self:
            request_sudo = wizard._get_request_sudo()
            wizard.amount_due = request_sudo and request_sudo._get_payable_amount()

    @api.depends("partner_id", "request_id")
    def _compute_client_email(self):
        for wizard in self:
            client = wizard.partner_id.email or wizard.request_id.client_email
            wizard.client_email = client

    @api.depends("request_id")
    def _compute_currency_ids(self):
        for wizard in self:
            company_sudo = wizard._get_company().sudo()  # its pricelists
            wizard.currency_ids = company_sudo._get_booking_currencies()

    @api.depends("partner_id", "request_id")
    def _compute_partner_owes(self):
        for wizard in self:
            partner = not wizard.request_id and wizard.partner_id
            wizard.partner_owes = bool(partner) and (
                partner._describe_dues(wizard._get_company())
            )

    def _get_company(self):
        """Return who is paid."""
        return self.request_id.company_id or self.env.company

    def _get_request_sudo(self):
        """Return the request, sudoed: plain users read no transactions.

        :raise AccessError: for a request that the user may not change.
        """
        # Stored fields are computed as superuser: ask as the user that it is.
        self.sudo(False).request_id.check_access("write")
        return self.request_id.sudo()

    # === ACTIONS === #

    def _make_request(self):
        """Return a new request for what was paid: nobody is asked for it."""
        self.ensure_one()
        if not self.partner_id:
            raise UserError(self.env._("Choose the client first."))
        return self.env["payment.request"].create(
            {
                "company_id": self._get_company().id,
                "partner_id": self.partner_id.id,
                "currency_id": self.currency_id.id,
                "amount": self.amount,
                "reason": self.reason,
            }
        )

    def action_record(self):
        """Book the money, and show the request."""
        self.ensure_one()
        request = self.request_id or self._make_request()
        request._prepare_to_record(self.amount)
        told = self._record_on(request.with_context(booking_receipt=self.send))
        if self.request_id:
            return told or {"type": "ir.actions.act_window_close"}
        return {
            "type": "ir.actions.act_window",
            "res_model": request._name,
            "res_id": request.id,
            "views": [(False, "form")],
        }
