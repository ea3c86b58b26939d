from collections import Counter
from datetime import datetime

import pytz
from markupsafe import Markup

from odoo import SUPERUSER_ID, api, fields, models
from odoo.http import request
from odoo.tools import format_amount, format_date, format_time

from .. import const
from ..gateways import DEAD, OPEN, PAID
from ..tools import dates
from .payment_protected_mixin import EDIT_SENTINEL

# How each kind looks: an icon, and the colour of what went well or wrong.
LOOKS = {
    "created": ("fa-pencil", "secondary"),
    "chosen": ("fa-hand-pointer-o", "secondary"),
    "held": ("fa-hourglass-half", "info"),
    "requested": ("fa-paper-plane-o", "info"),
    "opened": ("fa-eye", "info"),
    "filled_in": ("fa-list-alt", "secondary"),
    "venue_chosen": ("fa-home", "info"),
    "payment_started": ("fa-credit-card", "info"),
    "asked": ("fa-question", "secondary"),
    "payment_pending": ("fa-refresh", "info"),
    "paid": ("fa-money", "success"),
    "payment_failed": ("fa-times", "danger"),
    "payment_stopped": ("fa-ban", "secondary"),
    "confirmed": ("fa-check", "success"),
    "invoiced": ("fa-file-text-o", "secondary"),
    "mailed": ("fa-envelope-o", "secondary"),
    "mail_failed": ("fa-envelope", "danger"),
    "moved": ("fa-calendar", "info"),
    "price_changed": ("fa-tag", "info"),
    "link_revoked": ("fa-chain-broken", "warning"),
    "link_extended": ("fa-clock-o", "info"),
    "edited": ("fa-pencil", "secondary"),
    "expired": ("fa-hourglass-end", "warning"),
    "cancelled": ("fa-times", "danger"),
    "refund_decided": ("fa-undo", "info"),
    "refund_approved": ("fa-check", "info"),
    "refund_done": ("fa-undo", "success"),
    "refund_failed": ("fa-undo", "danger"),
    "refund_cancelled": ("fa-undo", "secondary"),
    "attention": ("fa-exclamation", "warning"),
    "attention_done": ("fa-check", "secondary"),
    "attended": ("fa-user", "success"),
    "no_show": ("fa-user-times", "warning"),
    "attendance_reset": ("fa-user-o", "secondary"),
}
# What may happen often: the same again is counted on the row that is there.
COUNTED_KINDS = ("asked", "filled_in")
# What nobody does but the clock, whoever happens to come by.
CLOCK_KINDS = ("expired",)


def acting_as(records, source):
    """Return records whose timeline says that somebody else acts than the user.

    :param str source: a key of `const.EVENT_SOURCES`.
    """
    # No message can carry the object: nobody but our own methods says so.
    return records.with_context(event_source=(EDIT_SENTINEL, source))


def acting_as_notifier(records):
    """Return records that the provider, or a client who comes back from it, tells us
    about.
    """
    if request and "webhook" not in request.httprequest.path:
        return records
    return acting_as(records, "provider")


class PaymentDocumentEvent(models.Model):
    """A step in the life of a booking or payment request: never changed afterwards.

    It keeps what happened as a kind and small values. Its words are made when somebody
    reads it, in their language. Nobody has the right to write one: the methods that do
    something say so by `_note_event` of the document, in the same transaction.
    """

    _name = "payment.document.event"
    _description = "Step of a Booking or Payment Request"
    _order = "happened_at, id"
    _rec_name = "kind"

    booking_id = fields.Many2one(
        "payment.booking", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    request_id = fields.Many2one(
        "payment.request", readonly=True, ondelete="cascade", index="btree_not_null"
    )
    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        precompute=True,
        required=True,
    )
    kind = fields.Selection(const.EVENT_KINDS, required=True, readonly=True)
    source = fields.Selection(const.EVENT_SOURCES, required=True, readonly=True)
    user_id = fields.Many2one(
        "res.users", string="Staff", readonly=True, ondelete="set null"
    )
    transaction_id = fields.Many2one(
        "payment.transaction",
        string="Payment",
        readonly=True,
        ondelete="set null",
        index="btree_not_null",
    )
    happened_at = fields.Datetime(string="Time", required=True, readonly=True)
    count = fields.Integer(string="Times", default=1, readonly=True)
    last_at = fields.Datetime(string="Last Time", readonly=True)
    details = fields.Json(readonly=True)
    text = fields.Char(string="Step", compute="_compute_text")
    source_text = fields.Char(string="By", compute="_compute_source_text")

    _one_document = models.Constraint(
        "CHECK (num_nonnulls(booking_id, request_id) = 1)",
        "A step belongs to exactly one document.",
    )

    @api.depends("booking_id.company_id", "request_id.company_id")
    def _compute_company_id(self):
        for event in self:
            event.company_id = event._get_document().company_id

    def _get_document(self):
        """Return the document that the step is of."""
        self.ensure_one()
        return self.booking_id or self.request_id

    # === WRITING === #

    @api.model
    def _note(self, documents, kinds, tx=None, details=None):
        """Keep steps of documents, as they happen: in one INSERT.

        :param documents: bookings or requests.
        :param kinds: keys of `const.EVENT_KINDS`, in their order.
        :param payment.transaction tx: the payment that it is about.
        :param dict details: small values, for `_get_parts`.
        """
        # sudo: nobody writes steps; no default of a view belongs to them either
        events_sudo = self.env(su=True, context={})[self._name]
        now = fields.Datetime.now()
        values_list = []
        for document in documents:
            for kind in kinds:
                values = {
                    "booking_id": False,
                    "request_id": False,
                    documents._payable_allocation_field: document.id,
                    "kind": kind,
                    "happened_at": now,
                    "transaction_id": tx.id if tx else False,
                    "details": self._encode(
                        {**document._prepare_event_details(kind, tx), **(details or {})}
                    ),
                    **self._prepare_source(kind),
                }
                if kind not in COUNTED_KINDS or not events_sudo._count_again(values):
                    values_list.append(values)
        return events_sudo.create(values_list)

    @api.model
    def _encode(self, details):
        """Return what is said as JSON can hold it, without what is empty."""
        return {
            key: fields.Datetime.to_string(value)
            if isinstance(value, datetime)
            else value
            for key, value in details.items()
            if value is not None and value is not False
        }

    @api.model
    def _prepare_source(self, kind):
        """Return the values that say who does what is happening."""
        said = self.env.context.get("event_source")
        if kind in CLOCK_KINDS:
            source = "system"
        elif isinstance(said, tuple) and said[0] is EDIT_SENTINEL:
            source = said[1]
        elif self.env.uid == SUPERUSER_ID:
            source = "system"
        else:
            source = "staff" if self.env.user._is_internal() else "client"
        return {"source": source, "user_id": source == "staff" and self.env.uid}

    def _count_again(self, values):
        """Count what happened again just as before, and tell whether it did.

        Its transaction is locked by the caller.

        :param dict values: of the new step.
        """
        names = ("booking_id", "request_id", "transaction_id")
        last = self.search(
            [(name, "=", values[name]) for name in names], order="id desc", limit=1
        )
        same = ("kind", "source", "details")  # without details, there are none to read
        if any((last[name] or None) != (values[name] or None) for name in same):
            return False
        if last.user_id.id != values["user_id"]:
            return False
        last.write({"count": last.count + 1, "last_at": values["happened_at"]})
        return True

    # === READING === #

    @api.depends("kind", "details", "count", "last_at")
    @api.depends_context("lang", "tz", "uid")
    def _compute_text(self):
        for event in self:
            event.text = " · ".join([event._get_label("kind"), *event._get_parts()])

    @api.depends("source", "user_id", "transaction_id")
    @api.depends_context("lang")
    def _compute_source_text(self):
        for event in self:
            event_sudo = event.sudo()  # plain users read no transactions
            names = {
                "staff": event_sudo.user_id.name,
                "provider": event_sudo.transaction_id.provider_id.name,
            }
            event.source_text = names.get(event.source) or event._get_label("source")

    def _get_label(self, name):
        """Return the word of a selection field in the reader's language."""
        self.ensure_one()
        words = dict(self._fields[name]._description_selection(self.env))
        return words[self[name]]

    def _get_parts(self):
        """Return what is said about the step besides its kind: a list of texts."""
        self.ensure_one()
        details = self.details or {}
        return [
            *self._get_change("start", self._format_moment),
            *self._get_change("amount", self._format_amount, self._format_was_amount),
            *filter(None, self._get_payment_parts()),
            *(
                [self.env._("until %(moment)s", moment=self._format_moment(moment))]
                if (moment := details.get("until"))
                else []
            ),
            *([self._get_reason(key)] if (key := details.get("reason")) else []),
            *([details["text"]] if details.get("text") else []),
            *([self._get_repetition()] if self.count > 1 else []),
        ]

    def _get_change(self, name, write, write_old=None):
        """Return in words what a value is, and what it was before if it changed.

        :param str name: of a value in the details.
        :param write: the method that puts a value in words.
        :param write_old: the same for what it was; `write` by default.
        """
        new, old = ((self.details or {}).get(key) for key in (name, f"was_{name}"))
        if not new and old is None:
            return []
        if old is None:
            return [write(new)]
        old = (write_old or write)(old)
        return [self.env._("from %(old)s to %(new)s", old=old, new=write(new))]

    def _get_payment_parts(self):
        """Return how it is paid, or what the provider answered."""
        tx_sudo = self.sudo().transaction_id  # plain users read no transactions
        if not tx_sudo:
            return []
        provider = self.source != "provider" and tx_sudo.provider_id.name
        if self.kind == "asked":
            return [provider, self._get_answer()]
        method_id = (self.details or {}).get("method")
        if not method_id:
            return []
        is_online = tx_sudo.operation != "offline"
        return [
            tx_sudo.payment_method_id.browse(method_id).name,
            is_online and provider,
            not tx_sudo.is_live and self.env._("test money"),
        ]

    def _get_answer(self):
        """Return what the provider said when it was asked."""
        texts = {
            PAID: self.env._("The provider has the money."),
            OPEN: self.env._("Nothing was paid yet, and it may still come."),
            DEAD: self.env._("No money can come any more."),
        }
        word = (self.details or {}).get("answer")
        return texts.get(word) or self.env._("The provider gave no answer.")

    def _get_reason(self, key):
        """Return why a person must decide."""
        document = self._get_document()
        reasons = document._fields["attention_reason"]._description_selection(self.env)
        return dict(reasons).get(key, key)

    def _get_repetition(self):
        """Return how often it happened, and when the last time was."""
        last = self._get_local(self.last_at)
        same_day = last.date() == self._get_local(self.happened_at).date()
        return self.env._(
            "%(count)s times, the last at %(moment)s",
            count=self.count,
            moment=self._format_time(self.last_at, "short")
            if same_day
            else self._format_moment(self.last_at),
        )

    def _get_local(self, moment):
        """Return a moment where the reader is."""
        return pytz.utc.localize(moment).astimezone(self.env.tz)

    def _format_time(self, moment, time_format):
        """Return the time of the day of a moment, where the reader is."""
        zone = self.env.tz.zone
        return format_time(self.env, moment, tz=zone, time_format=time_format)

    def _format_moment(self, moment):
        """Return a moment in words, where the reader is."""
        moment = fields.Datetime.to_datetime(moment)
        return f"{self._format_day(moment)}, {self._format_time(moment, 'short')}"

    def _format_day(self, moment):
        """Return the day of a moment in words, with its year if that is another one."""
        day = self._get_local(moment).date()
        if day.year == self._get_local(fields.Datetime.now()).year:
            return dates.format_day(self.env, day)
        return format_date(self.env, day, date_format="full")

    def _format_amount(self, amount, name="currency"):
        currency_id = self.details.get(name) or self.details["currency"]
        currency = self.env["res.currency"].browse(currency_id)
        return format_amount(self.env, amount, currency)

    def _format_was_amount(self, amount):
        return self._format_amount(amount, "was_currency")

    # === SHOWING === #

    @api.model
    def _get_of(self, documents):
        """Return the steps of documents, by document.

        :param documents: bookings or requests.
        :rtype: dict
        """
        name = documents._payable_allocation_field
        found = self.search([(name, "in", documents.ids)])
        return found.grouped(name)

    def _render_text(self):
        """Return the step as HTML; no line begins with a dot."""
        label = Markup("<strong>%s</strong>") % self._get_label("kind")
        return label + "".join(f"\N{NO-BREAK SPACE}· {p}" for p in self._get_parts())

    def _render_timeline(self):
        """Return the steps as HTML: a list for each day, in the reader's zone."""
        days = {}
        minutes = Counter(event.happened_at.replace(second=0) for event in self)
        for event in self:
            is_quick = minutes[event.happened_at.replace(second=0)] > 1
            icon, colour = LOOKS[event.kind]
            day = self._format_day(event.happened_at)
            days.setdefault(day, []).append(
                {
                    "kind": event.kind,
                    "text": event._render_text(),
                    "source": event.source_text,
                    "time": event._format_time(
                        event.happened_at, "medium" if is_quick else "short"
                    ),
                    "moment": f"{event.happened_at.isoformat()}Z",
                    "icon": icon,
                    "colour": colour,
                }
            )
        return self.env["ir.qweb"]._render(
            "payment_booking_portal.document_timeline", {"days": days}
        )
