from urllib.parse import urldefrag, urlsplit

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.http import request

from .. import const
from ..tools.origins import is_covered, parse_origin, parse_site


class PaymentEmbedMixin(models.AbstractModel):
    """What other websites show: a widget, a direct link, a service.

    Which sites may show it in a frame, where its payers go back to, and the code that
    is pasted there. A model overrides `_get_embed_key`, `_get_embed_url` and what it
    wants to look different.
    """

    _name = "payment.embed.mixin"
    _description = "Shown on Other Websites"

    allowed_sites = fields.Text(
        help="The websites that may show it in their pages, one on each line, such as "
        "https://www.studio.example. On other sites it is a plain link.",
    )
    embed_code = fields.Text(string="Code for a Website", compute="_compute_embed_code")
    embed_guide = fields.Json(
        string="How to Put It on a Website", compute="_compute_embed_code"
    )

    # === COMPUTE METHODS === #

    def _compute_embed_code(self):
        for record in self:
            record.embed_code = record._get_embed_code()
            record.embed_guide = record._prepare_embed_guide()

    # === CONSTRAINTS === #

    @api.constrains("allowed_sites")
    def _check_allowed_sites(self):
        for record in self:
            for line in (record.allowed_sites or "").split():
                if not parse_site(line):
                    raise ValidationError(
                        self.env._(
                            "%(site)s is no website. Type it like this: "
                            "https://www.studio.example",
                            site=line,
                        )
                    )

    # === SITES === #

    def _get_allowed_origins(self):
        """Return the origins of the sites that may show it, our own not among them."""
        self.ensure_one()
        sites = map(parse_site, (self.allowed_sites or "").split())
        return list(dict.fromkeys(filter(None, sites)))

    def _is_allowed_origin(self, origin):
        """Tell whether a site may show it in a frame, and be gone back to.

        :param str origin: of a page, as its browser says it.
        """
        self.ensure_one()
        origin = parse_origin(origin or "")
        own = [parse_origin(self.get_base_url())]
        if request:  # a website of ours may have another name
            own.append(parse_origin(request.httprequest.host_url))
        sites = [*filter(None, own), *self._get_allowed_origins()]
        return bool(origin) and is_covered(origin, sites)

    def _get_frame_ancestors(self):
        """Return the policy that lets the allowed sites frame a page, and no other."""
        return " ".join(["frame-ancestors 'self'", *self._get_allowed_origins()])

    def _read_return_url(self, url):
        """Return where a payer goes back to, or False for a site that is not allowed.

        :param url: the address of the page that the payer left, as a browser sent it.
        """
        if not isinstance(url, str) or len(url) > const.MAX_RETURN_URL:
            return False
        # A browser would read spaces, backslashes and the like in its own way.
        if not url.isascii() or not url.isprintable() or set(url) & set(' \\"<>`'):
            return False
        return urldefrag(url).url if self._is_allowed_origin(url) else False

    # === WHAT IS SHOWN === #

    def _get_embed_services(self):
        """Return the services that its pages show in a frame, sudoed. Override."""
        return self.env["payment.booking.service"].sudo()  # public pages show them

    def _get_embed_links(self):
        """Return the direct links that its pages show in a frame, sudoed. Override."""
        return self.env["payment.direct.link"].sudo()  # public pages show them

    def _is_embedding(self, shown):
        """Tell whether it is about a service or a direct link, or offers it.

        :param shown: one of them.
        """
        self.ensure_one()
        offered = (self, self._get_embed_services(), self._get_embed_links())
        return any(shown in one for one in offered if one._name == shown._name)

    # === THE CODE === #

    def _get_embed_key(self):
        """Return the name of the script's attribute and its value.

        :return: such as `("widget", "Zm9v…")`.
        :rtype: tuple
        """
        raise NotImplementedError

    def _get_embed_url(self):
        """Return the full address of the page that a plain link leads to, or False."""
        raise NotImplementedError

    def _get_embed_path(self, lang):
        """Return the path of the page that is framed, or False if there is none.

        :param str lang: code of a language, such as `fr_FR`.
        """
        kind, key = self._get_embed_key()
        return f"/embed/{lang}/{kind}/{key}"

    def _get_embed_label(self):
        """Return the text of the button."""
        return self.env._("Book online")

    def _get_embed_mode(self):
        """Return what is shown: a key of `const.EMBED_MODES`."""
        return "popup"

    def _get_embed_color(self):
        """Return the colour of the button, as `#rrggbb`."""
        return const.EMBED_COLOR

    def _get_embed_size(self):
        """Return a key of `const.EMBED_SIZES`."""
        return "medium"

    def _get_embed_lang(self):
        """Return the code of the language that is always spoken, or False for that of
        the page.
        """
        return False

    def _get_script_url(self):
        """Return the full address of the script that is pasted into pages."""
        return f"{self.get_base_url()}{const.EMBED_SCRIPT_PATH}"

    def _get_embed_code(self):
        """Return the line that is pasted into a page, or False."""
        self.ensure_one()
        if not self._get_embed_key()[1]:
            return False
        # How it looks is asked for: what is changed here changes there.
        code = Markup(
            '<script async src="{script}" data-{kind}="{key}"></script>'
            '<noscript><a href="{url}">{label}</a></noscript>'
        )
        return str(code.format(script=self._get_script_url(), **self._prepare_code()))

    def _get_embed_element(self):
        """Return the element that stands for one of several on a page, or False.

        The link in it is what is seen until the script is there, or without it.
        """
        self.ensure_one()
        if not self._get_embed_key()[1]:
            return False
        code = Markup(
            '<payment-booking {kind}="{key}"><a href="{url}">{label}</a>'
            "</payment-booking>"
        )
        return str(code.format(**self._prepare_code()))

    def _prepare_code(self):
        kind, key = self._get_embed_key()
        return {
            "kind": kind,
            "key": key,
            "url": self._get_embed_url(),
            "label": self._get_embed_label(),
        }

    def _prepare_embed_guide(self):
        """Return what staff pastes into their website, or False without an address.

        :return: `code`; `script` and `element` for several on a page; `policy`, what a
            site with a Content-Security-Policy has to allow.
        :rtype: dict
        """
        code = self._get_embed_code()
        if not code:
            return False
        server = parse_origin(self.get_base_url()) or self.get_base_url()
        script = Markup('<script async src="{}"></script>')
        return {
            "code": code,
            "script": str(script.format(self._get_script_url())),
            "element": self._get_embed_element(),
            "policy": "; ".join(
                f"{kind}-src {server}" for kind in ("script", "connect", "frame")
            ),
        }

    def _prepare_embed(self, lang, origin):
        """Return what the script wants to know before it shows anything.

        :param str lang: code of the language.
        :param str origin: of the page, or None for one of our own.
        :rtype: dict
        """
        self.ensure_one()
        allowed = origin is None or self._is_allowed_origin(origin)
        path = allowed and self._get_embed_path(lang)
        return {
            "label": self._get_embed_label(),
            "mode": self._get_embed_mode(),
            "color": self._get_embed_color(),
            "size": self._get_embed_size(),
            "lang": lang.replace("_", "-"),
            "dir": self.env["res.lang"]._get_data(code=lang).direction,
            # Paths on the server that the script comes from, whatever its name.
            "url": urlsplit(self._get_embed_url() or "/").path,
            "frame": path,
            "texts": {
                "close": self.env._("Close"),
                "loading": self.env._("Loading …"),
                "failed": self.env._("This cannot be shown here at the moment."),
                "open": self.env._("Open it in a page of its own"),
                "paid": self.env._("Thank you, your payment has arrived."),
                "booked": self.env._("Thank you, you are booked."),
                "mailed": self.env._("You find everything in your mailbox."),
            },
        }
