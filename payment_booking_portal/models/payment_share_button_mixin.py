from markupsafe import Markup

from odoo import api, fields, models


class PaymentShareButtonMixin(models.AbstractModel):
    """What is also put on a website as a button: a link that works anywhere."""

    _name = "payment.share.button.mixin"
    _description = "Button for a Website"
    _inherit = "payment.share.mixin"

    button_label = fields.Char(
        default=lambda self: self._default_button_label(), required=True
    )
    button_html = fields.Text(string="Code of the Button", compute="_compute_button")
    button_preview = fields.Html(
        string="How It Looks", compute="_compute_button", sanitize=False
    )

    @api.model
    def _default_button_label(self):
        """Return what the button says. Override where something else is shared."""
        return self.env._("Book online")

    @api.depends("url", "button_label")
    def _compute_button(self):
        for record in self:
            # A plain link: it works in every editor of web pages.
            record.button_preview = Markup('<a href="{}" style="{}">{}</a>').format(
                record.url or "#",
                record._get_button_style(),
                record.button_label or "",
            )
            record.button_html = str(record.button_preview)

    def _get_button_style(self):
        """Return the style of the HTML button, as in our mails. Override to change."""
        return (
            "display: inline-block; padding: 12px 24px; border-radius: 6px; "
            "background-color: #2f6f5e; color: #ffffff; font-weight: bold; "
            "text-decoration: none;"
        )
