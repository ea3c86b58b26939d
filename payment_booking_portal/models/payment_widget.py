from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.fields import Domain

from .. import const
from ..tools.colors import COLOR, get_text_color

# What decides what opens; the rest says how the button looks.
ACTIONS = ("can_book", "can_pay", "can_account", "service_ids", "link_ids")
CONTENT = (*ACTIONS, "company_id", "title", "text")


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

    # What comes of it
    closed_reason = fields.Char(compute="_compute_closed_reason")
    preview = fields.Html(
        compute="_compute_preview",
        sanitize=False,
        help="What opens, as it stands in the form. Empty when it is as saved: then "
        "the page itself can be shown.",
    )

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

    @api.depends("active", "company_id", *ACTIONS)
    def _compute_closed_reason(self):
        for widget in self:
            widget.closed_reason = widget._get_closed_reason()

    @api.depends(*CONTENT)
    def _compute_preview(self):
        for widget in self:
            changed = not widget._origin or widget._is_content_changed()
            widget.preview = changed and widget._render_preview()

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
            if not COLOR.fullmatch(widget.color or ""):
                raise ValidationError(self.env._("Type the colour like this: #2f6f5e"))

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to make the address: what only shows it makes nothing."""
        widgets = super().create(vals_list)
        for widget in widgets:
            self.env["payment.access.link"]._get_for(widget, "widget")
        return widgets

    def copy_data(self, default=None):
        """Override to tell the copy from the widget. Its address is its own."""
        vals_list = super().copy_data(default)
        for widget, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", widget.name)
        return vals_list

    def unlink(self):
        """Override to make the addresses dead."""
        for widget in self:
            self.env["payment.access.link"]._get_all(widget, "widget")._revoke()
        return super().unlink()

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
        return links_sudo.filtered(
            lambda link: self.can_pay and link.active and link.kind == "pay"
        )

    def _get_choices(self):
        """Return what clients can use now: services and direct links, sudoed."""
        services = self._get_embed_services()
        links = self._get_embed_links()
        return (
            services.filtered(lambda service: service._is_open()),
            links.filtered(lambda link: not link._get_closed_key()),
        )

    def _get_closed_reason(self):
        """Return why clients find nothing, for staff, or False."""
        self.ensure_one()
        if not self.active:
            return self.env._("It is archived.")
        if self.can_account or any(self._get_choices()):
            return False
        return self.env._(
            "Nothing of it can be booked or paid. Publish a service, or choose a "
            "direct link that is open."
        )

    def _is_content_changed(self):
        """Tell whether what opens differs from what is saved."""
        saved = self._origin
        return any(
            set(self[name].ids) != set(saved[name].ids)
            if self._fields[name].relational
            else self[name] != saved[name]
            for name in CONTENT
        )

    def _render_preview(self):
        """Return what opens, as it stands in the form; nothing in it can be used."""
        self.ensure_one()
        services, links = self._get_choices()
        return self.env["ir.qweb"]._render(
            "payment_booking_portal.widget_preview",
            {
                "widget": self,
                "services": services,
                "links": links,
                "res_company": self.company_id.sudo(),  # its name is public
            },
        )

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
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": self.url, "target": "new"}

    def action_new_address(self):
        """Give the widgets another address: code that is out is dead from now on."""
        self.check_access("write")
        for widget in self:
            self.env["payment.access.link"]._renew(widget, "widget")
        self.invalidate_recordset()
