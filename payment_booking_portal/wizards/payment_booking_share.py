from odoo import api, fields, models
from odoo.exceptions import UserError


class PaymentBookingShare(models.TransientModel):
    _name = "payment.booking.share"
    _description = "Share a Booking Page"
    _inherit = "payment.share.button.mixin"
    _rec_name = "title"

    # === FIELDS === #

    service_id = fields.Many2one(
        "payment.booking.service",
        readonly=True,
        help="Empty: the page with all services.",
    )
    company_id = fields.Many2one(
        "res.company",
        required=True,
        readonly=True,
        default=lambda self: self.env.company,
    )
    title = fields.Char(compute="_compute_page")
    closed_reason = fields.Char(compute="_compute_page")

    partner_ids = fields.Many2many(
        "res.partner", string="Clients", domain=[("email", "!=", False)]
    )
    message = fields.Text()

    # === COMPUTE METHODS === #

    @api.depends("service_id", "company_id")
    def _compute_page(self):
        for share in self:
            share.title = share._get_title()
            share.closed_reason = share._get_closed_reason()

    @api.depends("service_id", "company_id")
    def _compute_url(self):
        return super()._compute_url()

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        shares = super().create(vals_list)
        for share in shares.filtered("service_id"):
            share.service_id.check_access("read")
            share.company_id = share.service_id.company_id
        return shares

    # === THE PAGE === #

    def _get_title(self):
        """Return what is shared, in the words of a client."""
        self.ensure_one()
        return self.service_id.name or self.company_id.name

    def _get_share_title(self):
        """Override: the title of the page."""
        return self.title

    def _get_shared_url(self):
        """Override: the address of the page."""
        return self.get_base_url() + self._get_path()

    def _get_path(self):
        """Return the path of the page. Override to share something else."""
        self.ensure_one()
        if self.service_id:
            return self.service_id._get_book_url()
        return self.company_id._get_book_url()

    def _get_closed_reason(self):
        """Return why nobody can book on the page, for staff, or False."""
        self.ensure_one()
        if self.service_id:
            return self.service_id._get_closed_reason()
        return self.company_id._get_booking_closed_reason()

    # === ACTIONS === #

    def _get_form_action(self):
        """Return the action that opens the dialog."""
        self.ensure_one()
        self.company_id._note_booking_shared()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Share %(title)s", title=self.title),
            "res_model": self._name,
            "res_id": self.id,
            "view_mode": "form",
            "target": "new",
        }

    @api.model
    def action_share_page(self):
        """Open the dialog for the page with all services of the current company."""
        return self.create({})._get_form_action()

    def action_preview(self):
        """Open the page in a new tab, as a client sees it."""
        self.ensure_one()
        path = self._get_path()
        if not self.service_id:
            # `/book` shows a visitor who is logged in their own company.
            path = f"/book/at/{self.company_id.id}"
        return {"type": "ir.actions.act_url", "url": path, "target": "new"}

    # === MAIL === #

    def _get_mail_partner(self):
        """Return the client whom the mail that is being written is for."""
        partner_id = self.env.context.get("share_partner_id")
        return self.env["res.partner"].browse(partner_id)

    def _get_mail_lang(self):
        """Return the language in which that client reads."""
        return self._get_mail_partner().lang or self.env.lang

    def action_send(self):
        """Send each of the chosen clients a mail of their own, in their language.

        One mail each: nobody sees who else got it.

        :raise UserError: when there is nobody to write to, or nothing to book.
        """
        self.ensure_one()
        self.check_access("write")
        if self.closed_reason:
            raise UserError(self.closed_reason)
        if not self.partner_ids:
            raise UserError(self.env._("Choose the clients to write to."))
        nowhere = self.partner_ids.filtered(lambda partner: not partner.email)
        if nowhere:
            raise UserError(
                self.env._(
                    "There is no e-mail address for %(names)s.",
                    names=", ".join(nowhere.mapped("display_name")),
                )
            )
        template = self.env.ref("payment_booking_portal.mail_template_booking_share")
        for partner in self.partner_ids:
            template.with_context(share_partner_id=partner.id).send_mail(
                self.id,
                email_values={
                    "recipient_ids": [(4, partner.id)],
                    # Kept in the history of the client: this dialog will be gone.
                    "model": partner._name,
                    "res_id": partner.id,
                },
                email_layout_xmlid="payment_booking_portal.mail_layout",
            )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()  # no RPC
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "type": "success",
                "message": self.env._(
                    "Sent to %(names)s.",
                    names=", ".join(self.partner_ids.mapped("name")),
                ),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }
