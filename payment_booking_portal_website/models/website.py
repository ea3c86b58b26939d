from urllib.parse import urlsplit

from odoo import api, models
from odoo.exceptions import AccessError


class Website(models.Model):
    _inherit = "website"

    # === SITEMAP === #

    def _get_booking_services(self):
        """Return the services that the website shows, sudoed."""
        self.ensure_one()
        # sudo: guests may not read services; only published ones are shown
        services_sudo = self.env["payment.booking.service"].sudo()
        return services_sudo.search(
            [
                ("company_id", "=", self.company_id.id),
                ("is_published", "=", True),
                ("website_id", "in", (False, self.id)),
            ]
        )

    # === BLOCKS OF THE WEBSITE BUILDER === #

    @api.readonly
    def get_booking_block_choices(self):
        """Return what the blocks of the website builder can show.

        Who edits a website need not read services or links: what is listed here is
        public anyway once it stands on a page.

        :return: dicts with `purpose` (`pay` or `book`), `kind` (the attribute of the
            script that names it), `key`, `name` and `url` (a path).
        :rtype: list
        :raise AccessError: for who may not edit websites.
        """
        self.ensure_one()
        if not self.env.user.has_group("website.group_website_restricted_editor"):
            raise AccessError(self.env._("Only who edits the website may list this."))
        if self.company_id not in self.env.user.company_ids:
            raise AccessError(self.env._("This website is of another company."))
        choices = [
            self._prepare_booking_block_choice("book", service)
            for service in self._get_booking_services()
        ]
        domain = [("company_id", "=", self.company_id.id)]
        # sudo: see above
        links_sudo = self.env["payment.direct.link"].sudo().search(domain)
        widgets_sudo = self.env["payment.widget"].sudo().search(domain)  # see above
        for link in links_sudo:
            purpose = "book" if link.kind == "book" else "pay"
            choices.append(self._prepare_booking_block_choice(purpose, link))
        for widget in widgets_sudo:
            if widget.can_book:
                choices.append(self._prepare_booking_block_choice("book", widget))
            if widget.can_pay:
                choices.append(self._prepare_booking_block_choice("pay", widget))
        return [choice for choice in choices if choice["key"]]

    def _prepare_booking_block_choice(self, purpose, source):
        """Return one choice of `get_booking_block_choices`.

        :param source: a record with `payment.embed.mixin`, sudoed.
        """
        kind, key = source._get_embed_key()
        return {
            "purpose": purpose,
            "kind": kind,
            "key": key,
            "name": source.display_name,
            # A path: the page stays right when the website gets another domain.
            "url": urlsplit(source._get_embed_url() or "").path,
        }
