import logging
import re
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg2
from lxml import html

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.http import request
from odoo.tools import SQL, format_amount, is_html_empty

from odoo.addons.account.tools import is_valid_structured_reference

from .. import const
from ..gateways import GATEWAYS, Gateway, get_gateway

_logger = logging.getLogger(__name__)

# How Odoo's modules end the address that a provider notifies; a client never comes
# back to one of these.
NOTIFIED_PATHS = ("webhook", "notification")
# A notification is noted once in so many minutes.
NOTE_MINUTES = 10
# A provider is looked at once a day; after an outage, or a lost race, sooner.
SWEEP_HOURS, SWEEP_AGAIN_HOURS = 23, 1
# How many days back each look goes, at least: a refund may fail weeks later.
SWEEP_DAYS = 30
# How many days back it goes the first time, and for what is not over yet; a provider
# whose last payment is older is not asked any more.
SWEEP_MOST_DAYS = 180
# How many days of payments are compared the first time.
SWEEP_PAID_DAYS = 3
# Payments younger than this may still be on their way into the database.
SWEEP_FRESH_MINUTES = 15


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    custom_mode = fields.Selection(
        selection_add=[
            # What stands for money that came to staff; offered to nobody.
            ("venue", "Received by staff"),
            # What a client may choose: nothing is paid now.
            ("at_venue", "At the appointment"),
        ]
    )
    notified_at = fields.Datetime(
        string="Last Notification",
        readonly=True,
        copy=False,
        help="When the provider last told us of a payment, to ten minutes.",
    )
    apple_pay_domain = fields.Char(
        string="Domain for Apple Pay",
        readonly=True,
        copy=False,
        help="The one that Stripe last took from here.",
    )
    swept_until = fields.Datetime(
        string="Looked At Until",
        readonly=True,
        copy=False,
        help="Up to when it was looked at the provider for money that went back.",
    )
    sweep_at = fields.Datetime(string="Next Look", readonly=True, copy=False)
    sweep_error = fields.Char(
        string="Last Look in Vain",
        readonly=True,
        copy=False,
        help="Why the last look at the provider did not work.",
    )
    gateway_note = fields.Text(
        string="What Odoo Cannot Do Here", compute="_compute_gateway_note"
    )

    @api.depends("code", "custom_mode")
    def _compute_gateway_note(self):
        for provider in self:
            provider.gateway_note = "\n".join(provider._get_gateway_limits())

    def _has_library(self):
        """Tell whether the SDK by which Odoo asks the provider is installed."""
        self.ensure_one()
        return GATEWAYS.get(self.code, Gateway).is_installed()

    def _get_gateway_limits(self):
        """Return what Odoo cannot do with a provider, and what this means: sentences
        for staff. Override for a provider of yours.

        :rtype: list
        """
        self.ensure_one()
        gateway = GATEWAYS.get(self.code, Gateway)
        if self.code == "none" or gateway.knows_all:
            return []
        labels = dict(self._fields["code"]._description_selection(self.env))
        name = labels.get(self.code, self.name)
        has_library = self._has_library()
        limits = []
        if not has_library:
            limits.append(
                self.env._(
                    "The Python library of %(provider)s is missing on the server. "
                    "Therefore:",
                    provider=name,
                )
            )
        if not (gateway.can_stop and has_library):
            limits.append(
                self.env._(
                    "Odoo cannot ask %(provider)s about unfinished payments, nor "
                    "cancel them there. A client who gave one up waits %(minutes)s "
                    "minutes before another way to pay can be chosen. The time of such "
                    "a booking is kept for %(hours)s more hours; then it is free "
                    "again, and you are told.",
                    provider=name,
                    minutes=const.UNKNOWN_BLOCK_MINUTES,
                    hours=self.company_id.booking_late_hours or const.HOLD_CAP_HOURS,
                )
            )
        elif not gateway.can_ask:
            limits.append(
                self.env._(
                    "Odoo cannot ask %(provider)s what became of a payment: it knows "
                    "only what it is told. Set up the webhook below.",
                    provider=name,
                )
            )
        if not (gateway.can_ask and has_library):
            limits.append(
                self.env._(
                    "What is given back or disputed on the pages of %(provider)s is "
                    "not seen in Odoo.",
                    provider=name,
                )
            )
        can_refund = gateway.can_refund and has_library
        if not can_refund and self.support_refund in (False, "none"):
            limits.append(
                self.env._(
                    "Odoo cannot give money back through %(provider)s. You do it "
                    "there; Odoo makes it a task, and books it once you say that it is "
                    "done.",
                    provider=name,
                )
            )
        return limits

    @api.model
    def _is_copy_of_database(self):
        """Tell whether the database is a neutralised copy: it must not touch the money
        of the clients of the original one.
        """
        # sudo: nobody but administrators reads parameters
        parameters_sudo = self.env["ir.config_parameter"].sudo()
        return bool(parameters_sudo.get_param("database.is_neutralized"))

    # === MONEY RECEIVED BY STAFF === #

    @api.model
    def _get_venue_provider(self, company):
        """Return the provider that stands for money received by staff, sudoed.

        It is offered to nobody: `_get_compatible_providers` leaves it out.

        :param res.company company: who is paid; the provider is made if need be.
        """
        # sudo: staff reads no providers
        Provider = self.sudo().with_company(company)
        return Provider.search(
            [("custom_mode", "=", "venue"), ("company_id", "=", company.id)], limit=1
        ) or Provider.create(
            {
                "name": "Received by staff",
                "code": "custom",
                "custom_mode": "venue",
                "company_id": company.id,
                "state": "enabled",
                "is_published": False,
                "payment_method_ids": [(6, 0, self._get_venue_methods().ids)],
            }
        )

    @api.model
    def _get_venue_methods(self):
        """Return how staff may have received money, sudoed. Override to add to it."""
        names = ("cash", "terminal", "transfer", "cheque")
        return (
            self.env["payment.method"]
            .sudo()
            .union(  # staff reads no methods
                *(
                    self.env.ref(f"payment_booking_portal.payment_method_{n}")
                    for n in names
                )
            )
        )

    # === PAYING AT THE APPOINTMENT === #

    def _is_at_venue(self):
        """Tell whether choosing the provider means to pay at the appointment."""
        self.ensure_one()
        return self.custom_mode == "at_venue"

    def _get_default_payment_method_codes(self):
        """Override of `payment_custom` to switch the method on with its provider."""
        self.ensure_one()
        if self._is_at_venue():
            return {"pbp_at_venue"}
        return super()._get_default_payment_method_codes()

    @api.model
    def _get_compatible_providers(self, company_id, *args, at_venue=False, **kwargs):
        """Override of `payment` to offer nobody to pay by having paid, and to pay at
        the appointment only for what has one: no page of Odoo's own does.

        :param bool at_venue: see `_get_usable`.
        """
        providers = super()._get_compatible_providers(company_id, *args, **kwargs)
        hidden = {"venue"} if at_venue else {"venue", "at_venue"}
        return providers.filtered(lambda provider: provider.custom_mode not in hidden)

    # === BANK TRANSFER === #

    def _get_transfer_account(self):
        """Return the account that clients transfer to, sudoed; empty if unknown."""
        self.ensure_one()
        provider_sudo = self.sudo()  # clients read neither journals nor accounts
        journals_sudo = provider_sudo.journal_id | provider_sudo.journal_id.search(
            [
                *provider_sudo.journal_id._check_company_domain(self.company_id),
                ("type", "=", "bank"),
                ("bank_account_id", "!=", False),
            ]
        )
        own = provider_sudo.company_id.partner_id.bank_ids
        return (journals_sudo.bank_account_id or own)[:1]

    @api.model
    def _format_account(self, account_sudo):
        """Return the number of an account, an IBAN in groups of four."""
        number = account_sudo.sanitized_acc_number or ""
        if re.fullmatch(r"[A-Z]{2}\d{2}[A-Z0-9]{10,30}", number):
            return " ".join(re.findall(".{1,4}", number))
        return account_sudo.acc_number

    def _get_transfer_note(self, account_sudo):
        """Return what the provider's own message says beyond the account, if anything.

        The one that Odoo makes is a title and the accounts of the company.
        """
        message = self.sudo().pending_msg  # clients read no providers
        if is_html_empty(message):
            return False
        number = account_sudo.sanitized_acc_number
        if not number:
            return message
        tree = html.fragment_fromstring(str(message), create_parent="div")
        for title in tree.xpath("//h1|//h2|//h3|//h4|//h5|//h6"):
            title.drop_tree()
        said = (re.sub(r"\W", "", text) for text in tree.itertext())
        return message if any(text and number not in text for text in said) else False

    def _get_transfer_details(self, tx_sudo):
        """Return all that a client needs for a bank transfer, for pages and mails.

        :param payment.transaction tx_sudo: the transfer that is waited for.
        :rtype: dict
        """
        self.ensure_one()
        account_sudo = self._get_transfer_account()
        reference = tx_sudo._get_communication()
        details = {
            "amount": f"{tx_sudo.amount:.{tx_sudo.currency_id.decimal_places}f}",
            "reference": reference,
            "account": self._format_account(account_sudo),
            "holder": account_sudo.acc_holder_name or account_sudo.partner_id.name,
            "bic": account_sudo.bank_bic,
            "bank": account_sudo.bank_name,
            "note": self._get_transfer_note(account_sudo),
            "qr_image": False,
            "qr_url": False,
        }
        if account_sudo and self.sudo().qr_code:  # as above
            structured = is_valid_structured_reference(reference)
            words = ("", reference) if structured else (reference, "")
            what = (tx_sudo.amount, *words, tx_sudo.currency_id, tx_sudo.partner_id)
            details["qr_image"] = account_sudo.build_qr_code_base64(*what)
            url = account_sudo.build_qr_code_url(*what)
            details["qr_url"] = url and account_sudo.get_base_url() + url
        return details

    # === WHAT CLIENTS CAN PAY WITH === #

    @api.model
    def _get_usable(
        self, company, currency, amount, *, partner=None, required=False, start=None,
        at_venue=False, report=None,
    ):  # fmt: skip
        """Return the providers and methods that a client could pay with right now.

        The one definition of a usable provider, for what is displayed, for placing a
        hold and for the pay page. It is evaluated as the public user: staff sees
        unpublished providers, clients do not, but for those in test mode while the
        company accepts test payments (Odoo unpublishes a provider set to Test).

        :param res.company company: who is paid.
        :param res.currency currency: in which currency.
        :param float amount: how much.
        :param res.partner partner: who pays, if known.
        :param bool required: whether the booking counts only once it is paid.
        :param datetime start: when the service takes place (naive UTC), if it does.
        :param bool at_venue: whether the client may also choose to pay there.
        :param dict report: see `payment.provider._get_compatible_providers`.
        :return: providers and methods, sudoed.
        :rtype: tuple
        """
        xmlid_to_id = self.env["ir.model.data"]._xmlid_to_res_id
        public = self.env["res.users"].browse(xmlid_to_id("base.public_user"))
        partner_id = partner.id if partner else xmlid_to_id("base.public_partner")
        as_guest = self.with_user(public).sudo()  # guests may not read providers
        # As staff, to see unpublished test providers; `_is_usable` drops other ones.
        viewer = as_guest
        if company.booking_accept_test_payments:
            viewer = self.with_user(SUPERUSER_ID)
        providers = (
            viewer._get_compatible_providers(
                company.id,
                partner_id,
                amount,
                currency_id=currency.id,
                at_venue=at_venue,
                report=report,
            )
            .with_env(as_guest.env)
            .filtered(lambda provider: provider._is_usable(company, required, start))
        )
        methods = as_guest.env["payment.method"]._get_compatible_payment_methods(
            providers.ids, partner_id, currency_id=currency.id, report=report
        )
        return providers & methods.provider_ids, methods

    def _is_usable(self, company, required, start):
        """Tell whether a compatible provider's money comes in time, and is money.

        Override to exclude a provider of yours. See `_get_usable` for the parameters.
        """
        self.ensure_one()
        if self.state == "test":
            if not company.booking_accept_test_payments:
                return False
        elif not self.is_published:
            return False
        if self._is_at_venue():
            return not required  # a choice is no money
        if required and self.capture_manually:
            return False  # an authorization is not money yet
        if start and self._is_slow():
            days = company.booking_transfer_min_days
            return start >= fields.Datetime.now() + timedelta(days=days)
        return True

    @api.model
    def _has_fast(self, company, currency, amount=None):
        """Tell whether a provider of a company can take an amount at once.

        One query, for the calendar: what can be paid with is decided by `_get_usable`.
        See there for the parameters; without an amount, one without limit is meant.
        """
        offered = Domain("state", "=", "enabled") & Domain("is_published", "=", True)
        if company.booking_accept_test_payments:
            offered |= Domain("state", "=", "test")
        unlimited = (False, 0)  # NULL where never set
        enough = Domain.OR(Domain("maximum_amount", "=", none) for none in unlimited)
        if amount is not None:
            rate_sudo = currency.sudo()  # guests read no rates
            today = fields.Date.context_today(self)
            in_company = rate_sudo._convert(amount, company.currency_id, company, today)
            enough |= Domain("maximum_amount", ">=", in_company)
        return bool(
            self.sudo().search_count(  # guests may not read providers
                enough
                & offered
                & Domain(self._check_company_domain(company))
                & Domain(
                    [
                        ("capture_manually", "=", False),
                        ("code", "not in", self._get_slow_codes()),
                        "|",
                        ("available_currency_ids", "=", False),
                        ("available_currency_ids", "in", currency.ids),
                    ]
                ),
                limit=1,
            )
        )

    @api.model
    def _get_slow_codes(self):
        """Return the codes of the providers whose money takes days. Override to add."""
        return ["custom"]

    def _is_slow(self):
        """Tell whether the money of this provider takes days."""
        self.ensure_one()
        return self.code in self._get_slow_codes()

    # === WHAT PROVIDERS TELL US === #

    def _note_notification(self):
        """Keep when providers last told us of a payment, if that is what happens now: a
        client who comes back, or a question of ours, is no notification.
        """
        path = request.httprequest.path if request else ""
        if self and path.strip("/").rpartition("/")[2] in NOTIFIED_PATHS:
            self._set_notified_at(fields.Datetime.now())

    def _set_notified_at(self, now):
        """Keep a time, unless one of a few minutes ago is there.

        Notifications come together: who cannot have the row at once leaves it to who
        has it, so that none of them waits or fails.

        :param datetime now: naive UTC.
        """
        statement = SQL(
            """
            WITH due AS (
                SELECT id FROM payment_provider
                 WHERE id IN %(ids)s
                   AND (notified_at IS NULL OR notified_at < %(before)s)
                   FOR NO KEY UPDATE SKIP LOCKED
            )
            UPDATE payment_provider
               SET notified_at = %(now)s
              FROM due
             WHERE payment_provider.id = due.id
            """,
            ids=tuple(self.ids),
            before=now - timedelta(minutes=NOTE_MINUTES),
            now=now,
        )
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(statement, log_exceptions=False)
        except psycopg2.errors.SerializationFailure:
            return  # another one was quicker, after we had begun
        self.invalidate_recordset(["notified_at"], flush=False)

    def action_stripe_verify_apple_pay_domain(self):
        """Override of `payment_stripe` to keep which domain Stripe took."""
        self.check_access("write")
        action = super().action_stripe_verify_apple_pay_domain()
        self.apple_pay_domain = self._get_web_domain()
        return action

    def _get_web_domain(self):
        """Return the domain that clients pay at, as Stripe is told it."""
        self.ensure_one()
        return urlsplit(self.get_base_url()).netloc

    # === THE DAILY SWEEP === #

    @api.model
    def _get_sweep_domain(self):
        return Domain("code", "in", [*GATEWAYS]) & (
            Domain("sweep_at", "=", False)
            | Domain("sweep_at", "<=", fields.Datetime.now())
        )

    def _is_swept(self):
        """Tell whether the provider is asked, and took payments of ours lately."""
        self.ensure_one()
        since = fields.Datetime.now() - timedelta(days=SWEEP_MOST_DAYS)
        return get_gateway(self).can_ask and bool(
            self.env["payment.transaction"].search_count(
                [
                    ("provider_id", "=", self.id),
                    ("allocation_ids", "!=", False),
                    ("last_state_change", ">=", since),
                ],
                limit=1,
            )
        )

    @api.model
    def _cron_sweep(self):
        """Look at the providers for money that went back, or came, without our hearing
        of it: each once a day.
        """
        domain = self._get_sweep_domain()
        ids = self.search(domain, order="id").filtered(lambda p: p._is_swept()).ids
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(ids))
        for provider_id in ids:
            provider = self.browse(provider_id).try_lock_for_update()
            try:
                provider.filtered_domain(domain)._sweep()
            except Exception as error:  # one bad provider never stops the cron
                self.env.cr.rollback()
                _logger.info("sweep of %s: %s", provider_id, error, exc_info=True)
                self.browse(provider_id)._end_sweep(error=str(error))
            if not cron._commit_progress(1):
                break

    def _sweep(self):
        """Look at the providers once; what is found is committed payment by payment."""
        for provider in self:
            gateway = get_gateway(provider)
            started = fields.Datetime.now()
            lists = provider._list_sweep(gateway, started)
            if lists is None:  # all of it is asked for again
                provider._end_sweep(error=gateway.last_error)
                continue
            refunds, disputes, payments = lists
            # First what was paid: then what went back of it is found, too.
            faults = provider._find_all_paid(gateway, payments)
            faults += provider._take_all_back(refunds, disputes)
            errors = [
                f"{name}: {error}"
                for name, error in faults
                if not isinstance(error, psycopg2.OperationalError)
            ]
            # Each payment stands in one span of time: a lost race is run once more.
            has_raced = len(errors) < len(faults)
            provider._end_sweep(None if has_raced else started, "; ".join(errors))

    def _list_sweep(self, gateway, started):
        """Return the refunds, disputes and payments that the provider lists; None as
        soon as it does not answer.

        :param datetime started: when this look began.
        """
        self.ensure_one()
        calls = (
            (gateway.list_refunds_since, self._get_refunds_since()),
            (gateway.list_disputes_since, self._get_disputes_since()),
            (gateway.list_paid_between, *self._get_paid_span(started)),
        )
        lists = []
        for call, *span in calls:
            found = call(*span)
            if found is None:
                return None
            lists.append(found)
        return lists

    def _get_sweep_start(self):
        """Return up to when the provider was looked at: some time ago, if never."""
        self.ensure_one()
        most = fields.Datetime.now() - timedelta(days=SWEEP_MOST_DAYS)
        return max(self.swept_until or most, most)

    def _get_paid_span(self, started):
        """Return the span of time whose payments are compared: each stands in one span,
        so that staff is told once.

        :param datetime started: when this look began.
        """
        self.ensure_one()
        fresh = timedelta(minutes=SWEEP_FRESH_MINUTES)
        start = started - timedelta(days=SWEEP_PAID_DAYS)
        if self.swept_until:
            start = self._get_sweep_start()
        return start - fresh, started - fresh

    def _get_refunds_since(self):
        """Return from when on refunds are listed: with those that are not over."""
        self.ensure_one()
        oldest = self.env["payment.transaction"].search(
            [
                ("provider_id", "=", self.id),
                ("operation", "=", "refund"),
                ("state", "=", "pending"),
            ],
            order="create_date",
            limit=1,
        )
        return self._get_since(oldest.create_date)

    def _get_disputes_since(self):
        """Return from when on disputes are listed: a lost one may be won yet."""
        self.ensure_one()
        oldest = self.env["payment.dispute"].search(
            [("provider_id", "=", self.id), ("state", "!=", "won")],
            order="opened_at",
            limit=1,
        )
        return self._get_since(oldest.opened_at)

    def _get_since(self, oldest):
        """Return how far back a list is read.

        :param datetime oldest: of what is not over; False if there is none.
        """
        now = fields.Datetime.now()
        since = self._get_sweep_start() - timedelta(days=SWEEP_DAYS)
        if oldest:
            since = min(since, oldest - timedelta(days=1))
        return max(since, now - timedelta(days=SWEEP_MOST_DAYS))

    def _end_sweep(self, started=None, error=""):
        """Keep when the provider is looked at next.

        :param datetime started: when this look began; none if there was no answer.
        """
        self.ensure_one()
        again = SWEEP_HOURS if started else SWEEP_AGAIN_HOURS
        self.write(
            {
                "swept_until": started or self.swept_until,
                "sweep_at": fields.Datetime.now() + timedelta(hours=again),
                "sweep_error": error,
            }
        )

    def _take_all_back(self, refunds, disputes):
        """Keep all that went back, payment by payment.

        :return: what went wrong.
        :rtype: list
        """
        self.ensure_one()
        found = {}
        for index, answers in enumerate((refunds, disputes)):
            for answer in answers:
                found.setdefault(answer.payment, ([], []))[index].append(answer)
        news = [
            (tx.id, tx.reference, found[tx.provider_reference])
            for tx in self._find_paid_transactions([*found])
            if tx._is_back_news(*found[tx.provider_reference])
        ]
        faults = []
        for tx_id, reference, answers in news:
            tx = self.env["payment.transaction"].browse(tx_id)
            faults += self._try_one(reference, tx._take_back, *answers)
        return faults

    def _find_paid_transactions(self, references):
        """Return the payments of ours that the provider knows by its references."""
        self.ensure_one()
        return self.env["payment.transaction"].search(
            [
                ("provider_id", "=", self.id),
                ("provider_reference", "in", [name for name in references if name]),
                ("operation", "!=", "refund"),
                ("state", "=", "done"),
                ("allocation_ids", "!=", False),
            ]
        )

    def _try_one(self, name, method, *args):
        """Do something for one payment, and commit: what fails stops no other.

        :param str name: the reference of the payment.
        :return: what went wrong, in a list: the name and the exception.
        """
        faults = []
        try:
            method(*args)
        except Exception as error:
            self.env.cr.rollback()
            _logger.info("sweep, %s: %s", name, error, exc_info=True)
            faults.append((name, error))
        self.env["ir.cron"]._commit_progress()
        return faults

    # === PAYMENTS THAT NOBODY HEARD OF === #

    def _find_all_paid(self, gateway, payments):
        """Record the payments that the provider has and that were not heard of; tell
        of those that there is no transaction for.

        :param list payments: see `Paid` of the gateways.
        :return: what went wrong.
        :rtype: list
        """
        self.ensure_one()
        Transaction = self.env["payment.transaction"]
        txs = Transaction.search(
            [("reference", "in", [payment.description for payment in payments])]
        )
        known = set(txs.mapped("reference"))
        open_ones = {
            tx.reference: tx.id
            for tx in txs
            if tx.provider_id == self and tx.state != "done" and tx._is_asked()
        }
        # sudo: nobody but administrators reads parameters
        parameters_sudo = self.env["ir.config_parameter"].sudo()
        database = parameters_sudo.get_param("database.uuid")
        faults = []
        for payment in payments:
            name, reference = payment.description, payment.reference
            if name in open_ones:
                tx = Transaction.browse(open_ones[name])
                faults += self._try_one(name, tx._recover, gateway, reference)
            elif name not in known and payment.database == database:
                faults += self._try_one(name, self._tell_unknown, payment)
        return faults

    def _tell_unknown(self, payment):
        """Tell staff of money that the provider has and that nobody noted: the process
        died before it was.

        :param Paid payment: of the gateway.
        """
        self.ensure_one()
        currency = self.env["res.currency"].with_context(active_test=False)
        currency = currency.search([("name", "=", payment.currency)], limit=1)
        text = self.env._(
            "%(provider)s has a payment of %(amount)s for this (%(reference)s, "
            "%(key)s) that was not noted here. Note it, or give it back at "
            "%(provider)s.",
            provider=self.name,
            amount=format_amount(self.env, payment.amount, currency),
            reference=payment.description,
            key=payment.reference,
        )
        try:
            with self.env.cr.savepoint():
                if self._tell_on_document(payment.document, text):
                    return
        except psycopg2.OperationalError:
            raise  # a lost race
        except Exception as error:  # it is told once: somebody has to read it
            _logger.info("%s: %s", payment.document, error, exc_info=True)
        self.company_id.partner_id.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=dict(const.ATTENTION_REASONS)["confirm_failed"],
            note=text,
            user_id=self.env.ref("base.user_admin").id,
        )

    def _tell_on_document(self, name, text):
        """Tell staff on what a payment is for, and tell whether it is there.

        :param str name: model and id, as the provider kept them.
        """
        model, _comma, key = name.partition(",")
        document = (
            key.isdigit()
            and model in ("account.move", "payment.booking", "payment.request")
            and self.env[model].browse(int(key)).exists()
        )
        if document:
            document._flag_attention("confirm_failed", text)
        return bool(document)
