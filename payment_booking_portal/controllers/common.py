"""What all client pages share: headers, end pages, prudent reading of input."""

import math
import re
import secrets
from datetime import date, datetime

import pytz

from odoo.exceptions import UserError
from odoo.http import request
from odoo.tools import email_normalize

from .. import const
from ..tools.dates import START_FORMAT

START_PATTERN = re.compile(r"\d{8}T\d{4}")
MONTH_PATTERN = re.compile(r"(\d{4})-(\d{2})")
# A race that ends in a stale snapshot is run again at once; these are enough tries.
MAX_TRIES = 4
VISITOR_KEY = "payment_booking_visitor"
TYPED_KEY = "payment_booking_typed"
CAMPAIGN_KEY = "payment_booking_campaign"
# The direct link that a visitor came by, where it leads to another page.
LINK_KEY = "payment_booking_link"
# The list of payments that a client chose from, and the payments that were made of it.
LIST_KEY = "payment_booking_list"
SELECTION_KEY = "payment_booking_selection"
# How many were chosen, how many of them are paid now, and by which payments.
CUT_KEY = "payment_booking_cut"
# The page of an allowed website that a visitor left, and goes back to.
RETURN_KEY = "payment_booking_return"
# What a link says of where the visitor comes from, and the field that keeps it.
CAMPAIGN = {
    "utm_campaign": "campaign",
    "utm_source": "campaign_source",
    "utm_medium": "campaign_medium",
}
# A form of ours is small: more than this is refused before it is read (HTTP 413).
MAX_FORM_BYTES = 64 * 1024
# With the questions of a payment form it may be longer.
MAX_DETAILS_BYTES = 512 * 1024
# The questions of payment forms in an address or a session: what they are called, and
# how many are kept.
ANSWER_PATTERN = re.compile(r"field_[1-9][0-9]{0,9}")
MAX_ANSWERS = 60


def clean_form(form):
    """Return the fields of a form that are text, as the database can keep it."""
    return {
        key: value.replace("\x00", "")
        for key, value in form.items()
        if isinstance(value, str)  # not an uploaded file
    }


def pick_answers(values):
    """Return what is typed into the questions of a payment form, cut to sane length.

    :param dict values: an address or a form.
    """
    keys = [key for key in values if ANSWER_PATTERN.fullmatch(key)]
    return {
        key: str(values[key]).replace("\x00", "")[: const.MAX_TEXT]
        for key in keys[:MAX_ANSWERS]
    }


def parse_int(value):
    """Return a positive whole number that fits in the database, or None."""
    try:
        number = int(str(value))
    except ValueError:
        return None
    return number if 0 < number < 2**31 else None


def read_wish(value):
    """Return the amount that a script sent: a choice, see
    `payment.payable.mixin._get_amount_to_pay`.

    :raise UserError: when it is no amount.
    """
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not math.isfinite(value):
        raise UserError(request.env._("This is not a number."))
    return float(value)


def parse_start(value):
    """Return the naive UTC datetime of a start in an address, or None."""
    if not isinstance(value, str) or not START_PATTERN.fullmatch(value):
        return None
    try:
        start = datetime.strptime(value, START_FORMAT)
    except ValueError:
        return None
    # Near the ends of the calendar another time zone would be beyond them.
    return start if 2000 <= start.year < 2200 else None


def parse_day(value):
    """Return the date of a day in an address, or None."""
    try:
        return date.fromisoformat(value)
    except (TypeError, ValueError):
        return None


def parse_month(value):
    """Return the first day of a month in an address, or None."""
    match = MONTH_PATTERN.fullmatch(value or "")
    if not match:
        return None
    try:
        return date(int(match[1]), int(match[2]), 1)
    except ValueError:
        return None


def parse_tz(value):
    """Return the name of a time zone, or None."""
    return value if value in pytz.all_timezones_set else None


def is_person():
    """Tell whether a client may be looking: no robot, and nobody of the business."""
    return not request.env.user._is_internal() and not request.env["ir.http"].is_a_bot()


class ClientPages:
    """Mixin of the controllers whose pages clients see.

    A page may be shown in a frame of another website (see `controllers/embed.py`):
    whatever its address depends on asks the methods below.
    """

    # === ADDRESSES === #

    def _get_frame(self):
        """Return the frame that the page is shown in, or None. Override."""
        return None

    def _get_service_url(self, service):
        """Return the path of the calendar of a service. Override."""
        return service._get_book_url()

    def _get_services_url(self):
        """Return the path of the page to choose a service from, or False. Override."""
        return "/book"

    def _get_link_path(self, token):
        """Return the path of the form of a direct link. Override."""
        return f"/l/{token}"

    def _go_on(self, document, url):
        """Lead from what was filled in to the page of what it made. Override.

        :param document: a booking or request, sudoed.
        :param str url: path of its page.
        """
        request.session.pop(RETURN_KEY, None)  # the way back is the document's now
        return request.redirect(url)

    def _remember_return(self, source, query):
        """Keep the page that a visitor left, if it is of an allowed site.

        :param source: a record with `payment.embed.mixin`, sudoed.
        :param dict query: the address; `back` is that page.
        """
        if query.get("back"):
            url = source._read_return_url(query["back"])
            kept = {"model": source._name, "id": source.id, "url": url}
            request.session[RETURN_KEY] = url and kept

    def _get_return(self, form, shown):
        """Return the page that a visitor left and goes back to, or None. Override where
        it is in the form.

        :param dict form: what is sent.
        :param shown: the service or direct link that the form is about, sudoed.
        """
        kept = request.session.get(RETURN_KEY)
        if not kept:
            return None
        # sudo: guests read none of these; what it is for is checked
        source = request.env[kept["model"]].sudo().browse(kept["id"]).exists()
        if not source or not source._is_embedding(shown):
            return None
        return source._read_return_url(kept["url"]) or None

    def _render_page(self, template, values, status=200, private=False):
        """Render a client page with the headers that it needs.

        :param str template: xml id without the module.
        :param dict values: context of the template.
        :param int status: HTTP status.
        :param bool private: whether its address is a secret.
        """
        own_sudo = request.env.company.sudo()  # guests read none; pages name it
        company = values.setdefault("res_company", own_sudo)
        values.setdefault("contact", company._get_booking_contact())
        values.setdefault("test_money", company.booking_accept_test_payments)
        values.update(
            frame=self._get_frame(),
            service_url=self._get_service_url,
            services_url=self._get_services_url(),
        )
        response = request.render(f"payment_booking_portal.{template}", values)
        response.status_code = status
        response.headers["Content-Security-Policy"] = "frame-ancestors 'self'"
        if private:
            # The address is the key: it goes to no other site, cache or index.
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cache-Control"] = "no-store"
            response.headers["X-Robots-Tag"] = "noindex, nofollow"
        return response

    def _render_end(self, key, status=200, private=True, **values):
        """Render the page of an end: what happened, whether money moved, what next.

        :param str key: an end of the template `end_page`.
        :param int status: HTTP status.
        """
        return self._render_page("end_page", {"end": key, **values}, status, private)

    def _get_visitor_key(self):
        """Return the secret by which a visitor's holds are told from others'."""
        if VISITOR_KEY not in request.session:
            request.session[VISITOR_KEY] = secrets.token_urlsafe(24)
        return request.session[VISITOR_KEY]

    def _remember_typed(self, values):
        """Keep what a visitor typed, so that it is not asked twice."""
        kept = {
            key: str(value)[: const.MAX_SHORT_TEXT]
            for key, value in values.items()
            if value and key in ("name", "email", "phone", "note")
        }
        kept.update(pick_answers(values))
        if kept:
            request.session[TYPED_KEY] = {**self._get_typed(), **kept}

    def _remember_campaign(self, query):
        """Keep where the visitor comes from: the last link that says so counts."""
        told = {
            field: str(query[key])[: const.MAX_SHORT_TEXT]
            for key, field in CAMPAIGN.items()
            if query.get(key)
        }
        if told:
            request.session[CAMPAIGN_KEY] = told

    def _get_campaign(self):
        """Return where the visitor comes from, as values of a booking."""
        return request.session.get(CAMPAIGN_KEY) or {}

    def _check_person(self, form, partner):
        """Return what is wrong with name, e-mail and phone, by field."""
        errors = {}
        if partner:
            return errors
        if not (form.get("name") or "").strip():
            errors["name"] = request.env._("Please tell us your name.")
        elif len(form["name"]) > const.MAX_SHORT_TEXT:
            errors["name"] = request.env._("This name is too long.")
        email = (form.get("email") or "").strip()
        if not email:
            errors["email"] = request.env._("Please tell us your e-mail address.")
        elif len(email) > const.MAX_SHORT_TEXT or not email_normalize(email):
            errors["email"] = request.env._("This is not an e-mail address.")
        return errors

    # === PAYMENT FORMS === #

    def _get_questions(self, payment_form, partner):
        """Return what a payment form asks, with what the visitor typed before, or what
        is known of who is logged in.

        :param payment.form payment_form: sudoed, perhaps empty.
        :param res.partner partner: who is logged in, sudoed, perhaps empty.
        :rtype: list
        """
        if not payment_form:
            return []
        known = {field._get_key() for field in payment_form._get_known_fields(partner)}
        phone_field = self._get_phone_field(payment_form)
        typed = self._get_typed()
        questions = []
        for question in payment_form._get_questions(partner):
            name = question["name"]
            if name in known:
                continue
            if phone_field and name == phone_field._get_key() and typed.get("phone"):
                question["value"] = typed["phone"]
            question["value"] = typed.get(name, question["value"])
            questions.append(question)
        return questions

    def _get_phone_field(self, payment_form):
        """Return the question of a form that asks for the phone: the page does not ask
        for it twice.
        """
        return payment_form.field_ids.filtered(
            lambda field: field.partner_field == "phone"
        )[:1]

    def _get_phone(self, payment_form, form):
        """Return the phone number that a guest typed, wherever it was asked."""
        field = self._get_phone_field(payment_form)
        return form.get(field._get_key()) if field else form.get("phone")

    def _remember_answers(self, payment_form, form, partner):
        """Keep what a visitor sent: what was unticked or emptied is not in the form."""
        questions = self._get_questions(payment_form, partner)
        asked = [question["name"] for question in questions]
        self._remember_typed({**dict.fromkeys(asked, ""), **form})

    def _check_details(self, payment_form, form, partner):
        """Return what is wrong with the answers and the person, by field."""
        errors = request.env["payment.form"]._check_questions(
            self._get_questions(payment_form, partner), form
        )
        errors.update(self._check_person(form, partner))
        return errors

    def _start_over(self):
        """Undo what the request did, and see the database as it is now."""
        request.env.cr.rollback()
        request.env.transaction.reset()

    def _get_typed(self):
        """Return what the visitor typed before."""
        return request.session.get(TYPED_KEY) or {}

    def _get_proved_partner(self):
        """Return the contact of a visitor who is logged in, else an empty one."""
        user = request.env.user
        partners = request.env["res.partner"].sudo()  # the visitor's own contact
        return partners if user._is_public() else partners.browse(user.partner_id.id)
