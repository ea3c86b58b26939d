from odoo import models

from odoo.addons.website.tools import text_from_html

MAX_DESCRIPTION = 160


class PaymentBookingService(models.Model):
    """A service is published on every website, or on one."""

    _name = "payment.booking.service"
    _inherit = [
        "payment.booking.service",
        "website.published.multi.mixin",
        "website.seo.metadata",
    ]

    # === COMPUTE METHODS === #

    def _compute_website_url(self):
        result = super()._compute_website_url()
        for service in self.filtered("id"):
            service.website_url = service._get_book_url()
        return result

    # === ACTIONS === #

    def action_try(self):
        """Override: on its own website."""
        return {**super().action_try(), "url": self.public_url}

    # === SHOP WINDOW === #

    def _is_on_website(self):
        """Tell whether the website that a visitor is on may show it.

        Outside of websites, as in a mail or a frame of another site, any service may be
        shown: there the context names none.
        """
        self.ensure_one()
        website_id = self.env.context.get("website_id")
        return not website_id or self.website_id.id in (False, website_id)

    def _is_visible(self):
        """Override: on the website that the visitor is on."""
        return self._is_on_website() and super()._is_visible()

    def _default_website_meta(self):
        """Override of `website`: the beginning of the public text."""
        meta = super()._default_website_meta()
        text = text_from_html(self.description or "", collapse_whitespace=True)
        if len(text) > MAX_DESCRIPTION:
            text = text[: MAX_DESCRIPTION - 2].rsplit(" ", 1)[0] + " …"
        if text:
            meta["default_meta_description"] = text
            meta["default_opengraph"]["og:description"] = text
            meta["default_twitter"]["twitter:description"] = text
        return meta
