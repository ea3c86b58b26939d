import secrets

import psycopg2
from werkzeug.exceptions import TooManyRequests

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request

from .. import const
from ..exceptions import StaleSnapshot
from ..tools.amounts import parse_amount
from .common import (
    CAMPAIGN_KEY,
    LINK_KEY,
    MAX_DETAILS_BYTES,
    MAX_TRIES,
    ClientPages,
    clean_form,
    is_person,
)

GONE = 410
AGAIN = (
    StaleSnapshot,
    psycopg2.errors.SerializationFailure,
    psycopg2.errors.DeadlockDetected,
    psycopg2.errors.UniqueViolation,
)


class LinkPages(ClientPages, http.Controller):
    """The public page of direct links: what is paid, by whom, and on to the pay page.

    An address says which link, and nothing else: all that is paid stands on the link.
    """

    def _get_link(self, token):
        """Return the access link and the direct link of a token, sudoed.

        :raise NotFound: for a wrong token: always the same page.
        """
        access = request.env["payment.access.link"]._find(token, "link")
        link = access and access._get_document()
        if not link:
            raise request.not_found()
        return access, link.with_company(link.company_id)

    def _render_closed(self, link, key):
        """Say that a link is closed, in the words of its owner: 410, and no more."""
        return self._render_end(
            "used_up" if key == "used_up" else "link_closed",
            status=GONE,
            closing_message=link.closing_message,
            res_company=link.company_id,
        )

    def _get_closed_key(self, link):
        """Return why a link is closed for the visitor, or False. Override where the
        visitor is not known.
        """
        return link._get_closed_key(link._get_own_use(self._get_visitor_key()))

    def _get_payer(self, link):
        """Return the contact of who is logged in, unless another company owns it: they
        are a guest here.
        """
        partner = self._get_proved_partner()
        return partner.filtered(
            lambda one: not one.company_id or one.company_id == link.company_id
        )

    # === THE PAGE === #

    @http.route(
        "/l/<string:token>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def link(self, token, **query):
        """Show what is paid, or lead to what is booked."""
        access, link = self._get_link(token)
        if not access.is_valid:
            return self._render_end("dead_link", status=GONE)
        closed = self._get_closed_key(link)
        if closed:
            return self._render_closed(link, closed)
        self._remember_campaign(query)
        self._remember_return(link, query)
        if link._get_campaign():
            request.session[CAMPAIGN_KEY] = link._get_campaign()
        if link.kind != "pay":
            return self._redirect(link, token)
        return self._render_link(link, token)

    def _redirect(self, link, token):
        """Lead to the booking page or the payments; count it there (see `opened`)."""
        url = link._get_target_url()
        if not url:
            return self._render_closed(link, "over")
        request.session[LINK_KEY] = {
            "id": link.id,
            "service_id": link.service_id.id,
            "opened_url": f"/l/{token}/opened",
        }
        return request.redirect(url)

    def _render_link(self, link, token, typed=None, errors=None):
        """Render the form of a link.

        :param dict typed: what the visitor sent.
        :param dict errors: what is wrong with it, by field.
        """
        partner = self._get_payer(link)
        offers = link._get_offers(partner)
        if not offers:
            return self._render_end(
                "closed", private=True, status=409, res_company=link.company_id
            )
        values = link._prepare_page(offers, partner)
        payment_form = link._get_form()
        values.update(
            form_intro=payment_form.intro,
            questions=self._get_questions(payment_form, partner),
            asks_phone=not self._get_phone_field(payment_form),
            typed_answers=typed,
            token=token,
            form_url=self._get_link_path(token),
            typed={**self._get_typed(), **(typed or {})},
            errors=errors or {},
            request_key=secrets.token_urlsafe(24),
        )
        status = 400 if errors else 200
        return self._render_page("direct_link_page", values, status, private=True)

    # === FILLING IT IN === #

    @http.route(
        "/l/<string:token>",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_DETAILS_BYTES,
        captcha="direct_link",
    )
    def link_pay(self, token, **form):
        """Make the request of the visitor, and go on to its pay page."""
        form = clean_form(form)
        access, link = self._get_link(token)
        if not access.is_valid:
            return self._render_end("dead_link", status=GONE)
        if link.kind != "pay":
            raise request.not_found()
        closed = self._get_closed_key(link)
        if closed:
            return self._render_closed(link, closed)
        client_key = request.env["payment.transaction"]._make_client_key(
            request.httprequest.remote_addr
        )
        if link._is_rate_limited(client_key):
            return self._render_end(
                "limited",
                status=TooManyRequests.code,
                res_company=link.company_id,
            )
        partner = self._get_payer(link)
        self._remember_answers(link._get_form(), form, partner)
        offers = link._get_offers(partner)
        currency, typed, errors = self._read_form(link, offers, form)
        if errors:
            return self._render_link(link, token, form, errors)
        try:
            document = self._use_with_retries(link, currency, typed, form, client_key)
        except UserError as error:  # such as a policy that changed this very moment
            self._start_over()
            return self._render_end(
                "refused",
                status=409,
                reason=str(error),
                again_url=self._get_link_path(token),
                res_company=link.company_id,
            )
        if not document:  # the visitor's own clicks, all at once: what they made counts
            return request.redirect(self._get_link_path(token))
        return self._go_on(document, document._get_pay_url())

    def _read_form(self, link, offers, form):
        """Return currency, values and errors of a form.

        What is not asked for is not read: a preset stays what it is.
        """
        payment_form = link._get_form()
        partner = self._get_payer(link)
        errors = self._check_details(payment_form, form, partner)
        phone = self._get_phone(payment_form, form) or ""
        if len(phone) > const.MAX_SHORT_TEXT:
            errors["phone"] = request.env._("This phone number is too long.")
        currency = self._get_currency(offers, form.get("currency"))
        if not currency:
            errors["currency"] = request.env._("This currency is not offered any more.")
            return currency, {}, errors
        typed = {"lang": request.env.lang, **self._get_campaign()}
        if not partner:
            typed.update(
                guest_name=form.get("name"),
                guest_email=form.get("email"),
                guest_phone=phone,
            )
        if link.amount_type == "open":
            terms = offers[currency]
            typed["amount"], error = self._read_amount(link, currency, terms, form)
            if error:
                errors[f"amount_{currency.name}"] = error
        if link.ask_reason:
            typed["reason"] = " ".join((form.get("reason") or "").split())
            if not typed["reason"]:
                errors["reason"] = request.env._("Please say what it is for.")
            elif len(typed["reason"]) > const.MAX_SHORT_TEXT:
                errors["reason"] = request.env._("This text is too long.")
        return currency, typed, errors

    def _get_currency(self, offers, code):
        """Return the chosen currency; the first without a choice, none for another."""
        if not code:
            return next(iter(offers), None)
        return next((one for one in offers if one.name == code), None)

    def _read_amount(self, link, currency, terms, form):
        """Return the amount that a visitor chose or typed, and what is wrong."""
        choice = form.get(f"choice_{currency.name}") or ""
        text = (form.get(f"amount_{currency.name}") or "").strip()
        places = currency.decimal_places
        offered = {f"{amount:.{places}f}": amount for amount in terms["suggestions"]}
        if choice in offered and text:
            return 0.0, request.env._(
                "Choose one of these amounts or type your own, not both."
            )
        if choice and choice != "own":
            if choice not in offered:
                return 0.0, request.env._("This amount is not offered any more.")
            return offered[choice], False
        lang = request.env["res.lang"]._get_data(code=request.env.lang)
        amount = parse_amount(text, lang.decimal_point, lang.thousands_sep or "")
        if amount is None:
            return 0.0, request.env._("Type the amount that you want to pay.")
        return amount, link._draft_request(currency, None, terms)._check_amount(amount)

    def _use_with_retries(self, link, currency, typed, form, client_key):
        """Make the request, again at once when the same visitor was quicker."""
        visitor_key = self._get_visitor_key()
        key = form.get("request_key") or ""
        typed["return_url"] = self._get_return(form, link)
        for _try in range(MAX_TRIES):
            try:
                document = link._use(
                    currency,
                    typed,
                    partner=self._get_payer(link),
                    visitor_key=visitor_key,
                    # Bound to the visitor: another's key finds nothing.
                    request_key=f"{visitor_key}:{key[:64]}" if key else None,
                    client_key=client_key,
                )
                if link._get_form() and not document._has_payment_started():
                    document._take_payable_details(
                        form,
                        request.httprequest.remote_addr,
                        proved=document._is_payer_proved(request.env.user),
                        own=False,  # checked and taken with the use
                    )
                request.env.flush_all()
                return document
            except AGAIN:
                self._start_over()
        return None

    # === COUNTING === #

    @http.route("/l/<string:token>/opened", type="jsonrpc", auth="public")
    def opened(self, token):
        """Count a visitor who looked at the page for two seconds.

        Neither staff nor robots count.
        """
        access, link = self._get_link(token)
        kept = request.session.get(LINK_KEY)
        if kept and kept.get("opened_url"):
            request.session[LINK_KEY] = {**kept, "opened_url": False}
        if access.is_valid and is_person() and not link._get_closed_key():
            visits = request.env["payment.direct.link.visit"].sudo()  # insert only
            transactions = request.env["payment.transaction"]
            visits._note(link, transactions._make_client_key(self._get_visitor_key()))
        return True
