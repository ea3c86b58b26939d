"""What other websites show of ours: the script, and the pages in a frame of theirs.

A framed page is public and stateless. It knows no session: whoever is logged in is a
guest there, and what must be kept is in its form. Only the sites that are allowed may
frame it. Payment opens in the top window, where the pages are the usual ones.
"""

import hashlib
from urllib.parse import parse_qsl, urlencode, urlsplit

from werkzeug.exceptions import Forbidden, TooManyRequests

from odoo import http
from odoo.http import request
from odoo.tools import file_open, is_html_empty

from .. import const
from ..tools.origins import parse_origin
from .book import BookingPages
from .common import MAX_DETAILS_BYTES, ClientPages, is_person, parse_int
from .link import GONE, LinkPages

SCRIPT_FILE = "payment_booking_portal/static/src/embed/payment_booking.js"
# A site that pasted the script has the new one after this time at the latest.
SCRIPT_SECONDS = 24 * 3600
STALE_SECONDS = 7 * SCRIPT_SECONDS
# The secret by which the website knows its visitor: made by the script.
MAX_VISITOR_KEY = 64
# What a website may say of its visitor's wishes, beside who they are.
WISHES = ("day", "month", "resource", "seats", "currency", "tz")
FRAMED = {
    "type": "http",
    "auth": "booking_frame",
    "methods": ["GET"],
    "sitemap": False,
    "save_session": False,
}
# There is no session that a forged form could use; see `check_own_form`.
FRAMED_FORM = {
    **FRAMED,
    "methods": ["POST"],
    "csrf": False,
    "max_content_length": MAX_DETAILS_BYTES,
}


class Frame:
    """A page in a frame of another website: who allows it, and where it lives."""

    def __init__(self, source, lang):
        self.source = source  # a record with `payment.embed.mixin`, sudoed
        self.path = source._get_embed_path(lang)
        self.client_key = None  # of the address that sent the form, for the limit


def check_own_form():
    """Check that a form was sent by a page of ours: browsers say from where.

    There is no session that a forged one could use, but it would be sent in the name
    of its visitor, from their address.

    :raise Forbidden: if another website sent it.
    """
    origin = request.httprequest.headers.get("Origin")
    own = urlsplit(request.httprequest.host_url).netloc
    if origin and urlsplit(origin).netloc != own:
        raise Forbidden()


def get_lang(code, company):
    """Return the code of the installed language that is meant, or that of a company.

    :param str code: such as `fr`, `fr-BE` or `fr_FR`.
    :param res.company company: sudoed.
    """
    langs = [one for one, _name in request.env["res.lang"].get_installed()]
    wanted = (code or "").replace("-", "_")
    short = wanted.split("_")[0].lower()
    same = [one for one in langs if one.lower() == wanted.lower()]
    same += [one for one in langs if one.split("_")[0] == short]
    own = company.partner_id.lang
    return next(iter(same), own if own in langs else langs[0])


def find_source(kind, key):
    """Return what a website shows: a widget, direct link or service, sudoed.

    :raise NotFound: whatever is wrong with the key, always the same.
    """
    source = None
    if kind in ("widget", "link"):
        access = request.env["payment.access.link"]._find(key, kind)
        if access and access.is_valid:
            source = access._get_document()
    elif kind == "service":
        # sudo: guests may not read services; only published ones are shown
        services_sudo = request.env["payment.booking.service"].sudo()
        service_sudo = services_sudo.browse(parse_int(key) or 0).exists()
        source = service_sudo.filtered("is_published")
    if not source or not source.active:
        raise request.not_found()
    return source.with_company(source.company_id)


class FramedPages(ClientPages):
    """Mixin of the controllers with framed pages: the same pages, elsewhere."""

    def _open_frame(self, lang, kind, key):
        """Say that the page is framed, and speak the language of the website.

        :return: what the website shows, sudoed.
        :raise NotFound: if there is nothing to frame.
        """
        source = find_source(kind, key)
        lang = get_lang(lang, source.company_id)
        request.update_context(lang=lang)
        request.booking_frame = Frame(source.with_context(lang=lang), lang)
        if not request.booking_frame.path:
            raise request.not_found()
        return request.booking_frame.source

    def _get_frame(self):
        """Override: the one that the request is about."""
        return getattr(request, "booking_frame", None) or super()._get_frame()

    def _get_service_url(self, service):
        """Override: in the frame."""
        frame = self._get_frame()
        if not frame:
            return super()._get_service_url(service)
        return f"{frame.path}/book/{request.env['ir.http']._slug(service)}"

    def _get_services_url(self):
        """Override: the choice of the widget."""
        frame = self._get_frame()
        if not frame:
            return super()._get_services_url()
        source = frame.source
        if source._name != "payment.widget":
            return False
        several = sum(map(len, source._get_choices())) > 1 or source.can_account
        return several and frame.path

    def _get_link_path(self, token):
        """Override: in the frame."""
        frame = self._get_frame()
        if not frame:
            return super()._get_link_path(token)
        return f"{frame.path}/pay/{token}"

    def _get_visitor_key(self):
        """Override: what the website's own script sends, else one for this request."""
        if not self._get_frame():
            return super()._get_visitor_key()
        # Without a script, a form that is sent twice is still the same one.
        params = request.params
        sent = str(params.get("visitor") or params.get("request_key") or "")
        if len(sent) >= 20:
            # Never one of a session, nor of a visitor of another website.
            origin = parse_origin(str(request.params.get("back") or "")) or ""
            digest = hashlib.sha256(f"{origin} {sent}".encode()).hexdigest()
            return f"frame:{digest}"[:MAX_VISITOR_KEY]
        return super()._get_visitor_key()

    def _get_campaign(self):
        """Override: what the website's script wrote into the form; that of the link
        that it shows counts more.
        """
        frame = self._get_frame()
        if not frame:
            return super()._get_campaign()
        self._remember_campaign(request.params)
        is_link = frame.source._name == "payment.direct.link"
        own = frame.source._get_campaign() if is_link else None
        return own or super()._get_campaign()

    def _keep_wishes(self, url, query):
        """Return an address with what a website says that its visitor wishes.

        :param str url: path of a calendar, perhaps with wishes of its own.
        :param dict query: of the address that led here.
        """
        path, _mark, own = url.partition("?")
        wishes = {key: query[key] for key in WISHES if query.get(key)}
        wishes.update(parse_qsl(own))
        return f"{path}?{urlencode(wishes)}" if wishes else path

    def _get_return(self, form, shown):
        """Override: what the website's script wrote into the form, if allowed."""
        frame = self._get_frame()
        if not frame:
            return super()._get_return(form, shown)
        return frame.source._read_return_url(form.get("back")) or None

    def _go_on(self, document, url):
        """Override: the frame ends here, the top window goes on."""
        if not self._get_frame():
            return super()._go_on(document, url)
        return self._render_page(
            "embed_next_page",
            {
                "document": document,
                "next_url": url,
                "booked": document._name == "payment.booking"
                and document.state == "confirmed",
                "res_company": document.company_id,
            },
            private=True,
        )

    def _render_page(self, template, values, status=200, private=False):
        """Override to let the allowed websites frame the page."""
        # Odoo gives this one to its own frontend only.
        values.setdefault("is_html_empty", is_html_empty)
        response = super()._render_page(template, values, status, private)
        frame = self._get_frame()
        if frame:
            policy = frame.source._get_frame_ancestors()
            response.headers["Content-Security-Policy"] = policy
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
            response.headers["Cache-Control"] = "no-store"
        return response


class EmbedBookingPages(FramedPages, BookingPages):
    """The script, the widget's own page, and booking in a frame."""

    # === THE SCRIPT === #

    @http.route(
        const.EMBED_SCRIPT_PATH,
        type="http",
        auth="none",
        methods=["GET"],
        save_session=False,
        readonly=True,
    )
    def embed_script(self):
        """Return the script that websites paste: kept a day, then asked for again."""
        with file_open(SCRIPT_FILE, "rb") as script:
            content = script.read()
        response = request.make_response(
            content,
            [
                ("Content-Type", "text/javascript; charset=utf-8"),
                (
                    "Cache-Control",
                    f"public, max-age={SCRIPT_SECONDS}, "
                    f"stale-while-revalidate={STALE_SECONDS}",
                ),
                ("Access-Control-Allow-Origin", "*"),
                ("Cross-Origin-Resource-Policy", "cross-origin"),
                ("X-Content-Type-Options", "nosniff"),
            ],
        )
        response.set_etag(hashlib.sha256(content).hexdigest()[:16])
        return response.make_conditional(request.httprequest)

    @http.route(
        "/embed/v1/<string:kind>/<string:key>",
        type="http",
        auth="booking_frame",
        methods=["GET"],
        save_session=False,
        cors="*",
        sitemap=False,
    )
    def embed_config(self, kind, key, lang="", **_query):
        """Return what the script needs to know, as JSON; nothing of it is a secret."""
        source = find_source(kind, key)
        lang = get_lang(source._get_embed_lang() or lang, source.company_id)
        # A page of our own sends no origin.
        origin = request.httprequest.headers.get("Origin")
        source = source.with_context(lang=lang)
        response = request.make_json_response(source._prepare_embed(lang, origin))
        response.headers["Vary"] = "Origin"
        response.headers["Cache-Control"] = "private, max-age=300"
        return response

    # === THE PAGE OF A WIDGET === #

    @http.route(
        "/w/<string:token>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def widget(self, token, **query):
        """Show the choice of a widget on a page of its own."""
        widget = find_source("widget", token)
        self._remember_campaign(query)
        self._remember_return(widget, query)
        return self._render_choice(widget, query)

    def _render_choice(self, widget, query):
        """Render what a client can do, or lead there if there is but one thing.

        :param payment.widget widget: sudoed.
        :param dict query: of the address.
        """
        services, links = widget._get_choices()
        choices = [self._get_service_url(service) for service in services]
        choices += [self._get_link_path(link._get_embed_key()[1]) for link in links]
        if len(choices) == 1 and not widget.can_account:
            return request.redirect(self._keep_wishes(choices[0], query))
        if not choices and widget.can_account and not self._get_frame():
            return request.redirect("/my/payments")
        return self._render_page(
            "widget_page",
            {
                "widget": widget,
                "services": services,
                "links": links,
                "price_of": self._get_price_label,
                "link_path": self._get_link_path,
                "res_company": widget.company_id,
            },
            private=True,
        )

    # === IN A FRAME === #

    @http.route("/embed/<string:lang>/<string:kind>/<string:key>", **FRAMED)
    def embed(self, lang, kind, key, **query):
        """Show what a website shows first."""
        source = self._open_frame(lang, kind, key)
        if kind == "widget":
            return self._render_choice(source, query)
        if kind == "service":
            return self.service(request.env["ir.http"]._slug(source), **query)
        if source.kind != "book":
            return request.redirect(self._get_link_path(key))
        url = source._get_target_url(self._get_service_url)
        if source._get_closed_key() or not url:
            return self._render_end(
                "link_closed",
                status=GONE,
                closing_message=source.closing_message,
                res_company=source.company_id,
            )
        return request.redirect(self._keep_wishes(url, query))

    def _check_framed(self, service):
        """Check that a website shows a service.

        :raise NotFound: if it does not.
        """
        if service not in self._get_frame().source._get_embed_services():
            raise request.not_found()

    def _get_service(self, slug):
        """Override: in a frame, only what the website shows."""
        service = super()._get_service(slug)
        if self._get_frame():
            self._check_framed(service)
        return service

    def _get_link_to(self, service):
        """Override: in a frame there is no session that says it."""
        frame = self._get_frame()
        if not frame:
            return super()._get_link_to(service)
        return frame.source._name == "payment.direct.link" and frame.source.id

    def _prepare_origin(self, service, form):
        """Override to keep what the limit counts by."""
        values = super()._prepare_origin(service, form)
        frame = self._get_frame()
        return {**values, "client_key": frame.client_key} if frame else values

    @http.route(
        "/embed/<string:lang>/<string:kind>/<string:key>/book/<string:slug>", **FRAMED
    )
    def embed_service(self, lang, kind, key, slug, **query):
        """Show the calendar of a service in a frame."""
        self._open_frame(lang, kind, key)
        return self.service(slug, **query)

    @http.route(
        "/embed/<string:lang>/<string:kind>/<string:key>/book/<string:slug>/details",
        **FRAMED,
    )
    def embed_details(self, lang, kind, key, slug, **query):
        """Ask who comes, in a frame."""
        self._open_frame(lang, kind, key)
        return self.details(slug, **query)

    @http.route(
        "/embed/<string:lang>/<string:kind>/<string:key>/book/<string:slug>/details",
        **FRAMED_FORM,
    )
    def embed_book_now(self, lang, kind, key, slug, **form):
        """Book from a frame: the payment goes on in the top window."""
        check_own_form()
        source = self._open_frame(lang, kind, key)
        client_key = request.env["payment.transaction"]._make_client_key(
            request.httprequest.remote_addr
        )
        # sudo: guests read no bookings; it is counted how many came from one address
        if request.env["payment.booking"].sudo()._is_rate_limited(client_key):
            return self._render_end(
                "limited",
                status=TooManyRequests.code,
                res_company=source.company_id,
            )
        request.booking_frame.client_key = client_key
        return self.book_now(slug, **form)


class EmbedLinkPages(FramedPages, LinkPages):
    """Paying by a direct link in a frame."""

    def _get_link(self, token):
        """Override: in a frame, only what the website shows."""
        access, link = super()._get_link(token)
        frame = self._get_frame()
        if frame and link not in frame.source._get_embed_links():
            raise request.not_found()
        return access, link

    def _get_closed_key(self, link):
        """Override: a page in a frame does not know whose use was only begun."""
        if self._get_frame() and request.httprequest.method == "GET":
            return link._get_closed_key(started=False)
        return super()._get_closed_key(link)

    @http.route(
        "/embed/<string:lang>/<string:kind>/<string:key>/pay/<string:token>", **FRAMED
    )
    def embed_link(self, lang, kind, key, token, **query):
        """Show the form of a direct link in a frame."""
        self._open_frame(lang, kind, key)
        return self.link(token, **query)

    @http.route(
        "/embed/<string:lang>/<string:kind>/<string:key>/pay/<string:token>",
        **FRAMED_FORM,
    )
    def embed_link_pay(self, lang, kind, key, token, **form):
        """Take the form of a direct link from a frame."""
        check_own_form()
        self._open_frame(lang, kind, key)
        return self.link_pay(token, **form)

    def _go_on(self, document, url):
        """Override: who filled it in has looked at it; no script of ours said so."""
        if self._get_frame() and is_person():
            visits = request.env["payment.direct.link.visit"].sudo()  # insert only
            key = request.env["payment.transaction"]._make_client_key(
                self._get_visitor_key()
            )
            visits._note(document.direct_link_id, key)
        return super()._go_on(document, url)
