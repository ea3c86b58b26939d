from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .. import const
from ..tools.colors import COLOR, get_text_color


class PaymentWidget(models.Model):
    """What a website shows of the business: pay, book, my account."""

    _name = "payment.widget"
    _description = "Website Widget"
    _inherit = ["payment.embed.mixin", "payment.share.button.mixin"]
    _order = "name, id"
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True, help="For you: clients do not see it.")
    active = fields.Boolean(default=True)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company
    )

    # What clients can do
    can_book = fields.Boolean(string="Book", default=True)
    can_pay = fields.Boolean(string="Make a Payment")
    can_account = fields.Boolean(string="My Account")
    service_ids = fields.Many2many(
        "payment.booking.service",
        string="Services",
        check_company=True,
        help="Empty: all that can be booked online.",
    )
    link_ids = fields.Many2many(
        "payment.direct.link",
        string="Direct Links",
        domain=[("kind", "=", "pay")],
        check_company=True,
    )

    # What they read
    title = fields.Char(translate=True, help="Above the choice.")
    text = fields.Text(translate=True)
    button_label = fields.Char(translate=True)
    lang = fields.Selection(
        selection="_get_langs",
        string="Language",
        help="Empty: the language of the page.",
    )

    # How it looks
    mode = fields.Selection(const.EMBED_MODES, required=True, default="popup")
    color = fields.Char(required=True, default=const.EMBED_COLOR)
    size = fields.Selection(const.EMBED_SIZES, required=True, default="medium")

    # === SELECTIONS === #

    @api.model
    def _get_langs(self):
        return self.env["res.lang"].get_installed()

    # === COMPUTE METHODS === #

    def _compute_url(self):
        links = self.env["payment.access.link"]._get_valid(self._origin, "widget")
        for widget in self:
            token = links[widget._origin.id].token if widget._origin else ""
            widget.url = token and f"{widget.get_base_url()}/w/{token}"

    @api.depends("url", "mode", "button_label")
    def _compute_embed_code(self):
        return super()._compute_embed_code()

    @api.depends("color", "size")
    def _compute_button(self):
        return super()._compute_button()

    # === CONSTRAINTS === #

    @api.constrains("can_book", "can_pay", "can_account", "link_ids")
    def _check_actions(self):
        for widget in self:
            if not (widget.can_book or widget.can_pay or widget.can_account):
                raise ValidationError(
                    self.env._("Choose what clients can do: book, pay, my account.")
                )
            if widget.can_pay and not widget.link_ids:
                raise ValidationError(
                    self.env._("Choose the direct links that clients pay with.")
                )

    @api.constrains("link_ids")
    def _check_links(self):
        if any(link.kind != "pay" for link in self.link_ids):
            raise ValidationError(
                self.env._("Choose direct links that clients pay with.")
            )

    @api.constrains("color")
    def _check_color(self):
        for widget in self:
            if not COLOR.fullmatch(widget.color):
                raise ValidationError(
                    self.env._("Type the colour like this: #2f6f5e")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to make the address: what only shows it makes nothing."""
        widgets = super().create(vals_list)
        for widget in widgets:
            self.env["payment.access.link"]._get_for(widget, "widget")
        return widgets

    # === WHAT IT SHOWS === #

    def _get_embed_services(self):
        """Override: those that were chosen, or all."""
        self.ensure_one()
        services = self.env["payment.booking.service"].sudo()  # only published ones
        if not self.can_book:
            return services
        domain = Domain(
            [("company_id", "=", self.company_id.id), ("is_published", "=", True)]
        )
        chosen_sudo = self.sudo().service_ids  # guests read no widgets
        if chosen_sudo:
            domain &= Domain("id", "in", chosen_sudo.ids)
        return services.search(domain)

    def _get_embed_links(self):
        """Override: those that were chosen."""
        self.ensure_one()
        links_sudo = self.sudo().link_ids  # guests read no widgets
        return links_sudo.filtered(lambda link: self.can_pay and link.active)

    # === THE CODE === #

    def _get_shared_url(self):
        """Override: the page of the widget."""
        return self.url

    def _get_share_title(self):
        """Override: its name."""
        return self.name

    def _get_embed_key(self):
        """Override: its token."""
        return "widget", (self.url or "").rpartition("/")[2]

    def _get_embed_url(self):
        """Override: the page of the widget."""
        return self.url

    def _get_embed_path(self, lang):
        """Override: there is nothing to frame where nothing can be booked or paid."""
        return (self.can_book or self.can_pay) and super()._get_embed_path(lang)

    def _get_embed_label(self):
        """Override: the text of its button."""
        return self.button_label or super()._get_embed_label()

    def _get_embed_mode(self):
        """Override: as chosen."""
        return self.mode

    def _get_embed_color(self):
        """Override: as chosen."""
        return self.color

    def _get_embed_size(self):
        """Override: as chosen."""
        return self.size

    def _get_embed_lang(self):
        """Override: as chosen."""
        return self.lang

    def _get_button_style(self):
        """Override: its colour and size."""
        color = self.color if COLOR.fullmatch(self.color or "") else const.EMBED_COLOR
        padding, font = const.EMBED_SIZE_STYLES[self.size or "medium"]
        return (
            f"display: inline-block; padding: {padding}; font-size: {font}; "
            f"border-radius: 6px; background-color: {color}; "
            f"color: {get_text_color(color)}; font-weight: bold; text-decoration: none;"
        )

    # === ACTIONS === #

    def action_try(self):
        """Open the page of the widget in a new tab, as a client sees it."""
        self.ensure_one()
        return {"type": "ir.actions.act_url", "url": self.url, "target": "new"}
