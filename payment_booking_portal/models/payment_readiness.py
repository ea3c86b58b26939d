import ipaddress
import logging
import re
from datetime import timedelta
from typing import NamedTuple
from urllib.parse import urlsplit

import psycopg2
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Domain
from odoo.tools import format_datetime

from .. import const
from ..gateways import GATEWAYS, Gateway
from .payment_transaction import ASK_STEPS

_logger = logging.getLogger(__name__)

# Keys of most providers say what they are for: `sk_test_…`, `live_…`.
KEY_MODE = re.compile(r"(?:[a-z]{2,3}_)?(test|live)_")
# What a provider's notifications are signed with, where it is set by hand.
WEBHOOK_FIELDS = {"stripe": "stripe_webhook_secret", "paypal": "paypal_webhook_id"}
# Keys that Odoo's modules do not demand, but that nothing works without.
MORE_KEYS = {"paypal": ["paypal_client_secret"]}
# Providers that have neither keys nor notifications.
LOCAL_CODES = ("none", "custom", "demo")
# A payment of so many days is looked at; the notice of one may take so many hours.
PAID_DAYS = 7
NOTICE_HOURS = 1
# A provider that was not looked at in full for so many days is a problem.
SWEEP_PATIENCE_DAYS = 3
# A job is late after so many of its intervals, and some minutes more.
LATE_INTERVALS = 3
LATE_MINUTES = 30
# Jobs of Odoo that ours stand on.
ODOO_JOBS = (
    "payment.cron_post_process_payment_tx",
    "mail.ir_cron_mail_scheduler_action",
)


class Site(NamedTuple):
    """What the checks of a company look at, sudoed."""

    company: models.Model
    providers: models.Model  # those in use: enabled, or in test mode
    url: str  # what clients open
    is_loopback: bool  # it is this machine, for nobody else
    is_copy: bool  # of a database: nobody is asked from here

    @property
    def is_https(self):
        return urlsplit(self.url).scheme == "https"

    @property
    def is_public(self):
        """Whether clients are likely to come."""
        return self.is_https and not self.is_loopback


class Row(NamedTuple):
    """What a check found, in plain words, and how to mend it. Never a secret."""

    level: str  # one of `const.READINESS_LEVELS`
    found: str
    cure: str = ""
    button: str = ""  # one of `_get_buttons`
    provider: models.Model | None = None


class Button(NamedTuple):
    """A way to the cure; see `_get_action_<name>`."""

    label: str
    is_for_administrators: bool = True
    is_of_provider: bool = False


class PaymentReadiness(models.AbstractModel):
    """Whether clients can pay, and all hear of it: a row per check and provider.

    Nothing is stored but the number of red rows (see `res.company`). To add a check,
    extend `_get_checks` and write `_get_rows_<key>`; for a new kind of cure, extend
    `_get_buttons` and write `_get_action_<name>`.
    """

    _name = "payment.readiness"
    _description = "Readiness"

    # === WHAT THE CLIENT ASKS FOR === #

    @api.model
    def get_readiness(self):
        """Return what the page *Readiness* shows for the current company.

        :rtype: dict
        """
        self._check_manager()
        company = self.env.company
        rows = self._get_rows(company)
        levels = [row.level for _key, row in rows]
        company._note_readiness(levels.count("red"))
        labels = self._get_checks()
        buttons = self._get_buttons()
        is_administrator = self._is_administrator()
        whom = not is_administrator and self._ask_administrator(company)
        sections = []
        for level in const.READINESS_LEVELS:
            prepared = [
                self._prepare_row(labels[key], key, row, buttons.get(row.button), whom)
                for key, row in rows
                if row.level == level
            ]
            if prepared:
                label = self._get_level_label(level)
                sections.append({"level": level, "label": label, "rows": prepared})
        return {
            "company": company.name,
            "level": self._get_worst(levels),
            "title": self._get_title(levels),
            "red": levels.count("red"),
            "sections": sections,
        }

    @api.model
    def open_cure(self, name, provider_id=False):
        """Open where a row is mended.

        :param str name: of a button.
        :param int provider_id: of the provider of the row, if it has one.
        :raise AccessError: for whoever may not mend it.
        """
        self._check_manager()
        company = self.env.company
        button = self._get_buttons().get(name)
        if not button:
            raise UserError(self.env._("There is no such button."))
        if button.is_for_administrators and not self._is_administrator():
            raise AccessError(self._ask_administrator(company))
        # Only those of the company, whatever was asked for.
        providers = self._get_providers(company)
        provider = providers.filtered(lambda p: p.id == provider_id).sudo(False)
        if button.is_of_provider and not provider:
            raise UserError(self.env._("This provider is not in use any more."))
        return getattr(self, f"_get_action_{name}")(company, provider)

    @api.model
    def _cron_check(self):
        """Make the checks of every company, for the sign in the app."""
        companies = self.env["res.company"].search([("active", "=", True)])
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(companies))
        for company in companies:
            try:
                company._note_readiness(self._count_red(company))
                company.flush_recordset()
            except Exception as error:  # one bad company never stops the cron
                self.env.cr.rollback()
                if not isinstance(error, psycopg2.OperationalError):
                    _logger.exception(
                        "checking the readiness of company %s", company.id
                    )
            if not cron._commit_progress(1):
                break

    @api.model
    def _count_red(self, company):
        """Return how many rows of a company are red."""
        return sum(row.level == "red" for _key, row in self._get_rows(company))

    # === WHO === #

    def _check_manager(self):
        self.env["payment.setup.step"]._check_manager()

    def _is_administrator(self):
        return self.env["payment.setup.step"]._is_administrator()

    def _ask_administrator(self, company):
        return self.env["payment.setup.step"]._ask_administrator(company)

    # === ALL CHECKS === #

    @api.model
    def _get_checks(self):
        """Return the checks in order, with their names. Override to add to them.

        :rtype: dict
        """
        return {
            "copy": self.env._("Database"),
            "url": self.env._("Web address"),
            "currency": self.env._("Currencies"),
            "test_money": self.env._("Test payments"),
            "mail": self.env._("Outgoing mail"),
            "cron": self.env._("Scheduled jobs"),
            "state": self.env._("State"),
            "keys": self.env._("Keys"),
            "webhook": self.env._("Secret of notifications"),
            "notification": self.env._("Last notification"),
            "reconcile": self.env._("Answers"),
            "sdk": self.env._("Software to ask with"),
            "apple_pay": self.env._("Apple Pay"),
        }

    @api.model
    def _get_rows(self, company):
        """Return what all checks of a company found.

        :return: pairs of the key of a check and a `Row`.
        :rtype: list
        """
        self = self.with_company(company)
        site = self._get_site(company)
        return [
            (key, row)
            for key in self._get_checks()
            for row in getattr(self, f"_get_rows_{key}")(site)
        ]

    def _get_site(self, company):
        """Return what the checks look at."""
        # sudo: nothing of it is told but what the rows say
        company_sudo = company.sudo()
        url = company_sudo.get_base_url()
        return Site(
            company=company_sudo,
            providers=self._get_providers(company),
            url=url,
            is_loopback=self._is_loopback(urlsplit(url).hostname or ""),
            is_copy=self.env["payment.provider"]._is_copy_of_database(),
        )

    def _get_providers(self, company):
        """Return the providers that a company uses, sudoed."""
        Provider = self.env["payment.provider"].sudo()  # for administrators only
        return Provider.search(
            [
                *Provider._check_company_domain(company),
                ("state", "in", ("enabled", "test")),
                ("custom_mode", "not in", ("venue", "at_venue")),  # nothing online
            ]
        )

    @api.model
    def _is_loopback(self, host):
        """Tell whether a host is the machine itself."""
        try:
            return ipaddress.ip_address(host).is_loopback
        except ValueError:
            return host == "localhost" or host.endswith(".localhost")

    # === SHOWING === #

    def _get_level_label(self, level):
        return {
            "red": self.env._("To mend now"),
            "amber": self.env._("To look at"),
            "unknown": self.env._("Not known"),
            "green": self.env._("All right"),
        }[level]

    def _get_worst(self, levels):
        """Return the colour of the light: what nobody can know is no trouble."""
        return next((level for level in ("red", "amber") if level in levels), "green")

    def _get_title(self, levels):
        worst = self._get_worst(levels)
        count = levels.count(worst)
        if worst == "green":
            return self.env._("Everything is ready")
        if worst == "red":
            if count == 1:
                return self.env._("1 thing to mend now")
            return self.env._("%(count)s things to mend now", count=count)
        if count == 1:
            return self.env._("Ready, with 1 thing to look at")
        return self.env._("Ready, with %(count)s things to look at", count=count)

    def _prepare_row(self, label, key, row, button, whom):
        """Return a row for the page.

        :param str label: the name of the check.
        :param Button button: or None.
        :param whom: whom to ask for what only administrators may do; False for these.
        """
        if row.level == "green":  # there is nothing to mend
            button = None
        may_open = button and not (button.is_for_administrators and whom)
        return {
            "key": key,
            "label": label,
            "level": row.level,
            "level_label": self._get_level_label(row.level),
            "provider_id": row.provider.id if row.provider else False,
            "provider": row.provider.name if row.provider else "",
            "found": row.found,
            "cure": row.cure,
            "button": row.button if may_open else False,
            "button_label": button.label if may_open else False,
            "whom": whom if button and not may_open else False,
        }

    # === THE COMPANY === #

    def _get_rows_copy(self, site):
        """Return whether this is the real database.

        Each `_get_rows_…` returns a list of `Row`.

        :param Site site: what to look at.
        """
        if not site.is_copy:
            return [Row("green", self.env._("The real one, no copy."))]
        return [
            Row(
                "amber",
                self.env._(
                    "This is a copy of a database: no provider is asked, no money is "
                    "given back, no mail goes out and no job runs."
                ),
                self.env._("Serve your clients from the real one."),
            )
        ]

    def _get_rows_url(self, site):
        """Return whether clients reach the pages safely. See `_get_rows_copy`."""
        if site.is_public:
            return [Row("green", site.url)]
        if site.is_loopback:
            level = "amber"
            found = self.env._(
                "%(url)s is this machine only: links in mails lead nowhere, and no "
                "provider can notify you.",
                url=site.url,
            )
        else:
            level = "red" if site.providers else "amber"
            found = self.env._(
                "Clients come to %(url)s, which is not encrypted.", url=site.url
            )
        cure = self.env._(
            "Give Odoo an address with https, and write it into the system parameter "
            "web.base.url."
        )
        return [Row(level, found, cure, "url")]

    def _get_rows_currency(self, site):
        """Return whether each currency can be paid in. See `_get_rows_copy`."""
        if not site.providers:
            return [self._get_row_without_provider(site)]
        rows, taken = [], []
        for currency in site.company._get_booking_currencies():
            if self._get_takers(site, currency):
                taken.append(currency.name)
                continue
            rows.append(
                Row(
                    "red",
                    self.env._(
                        "Clients may choose %(currency)s, and cannot pay in it.",
                        currency=currency.name,
                    ),
                    self.env._(
                        "Let a provider take it, or take it off the accepted "
                        "currencies (Configuration › Settings)."
                    )
                    if currency != site.company.currency_id
                    else self.env._("Let a provider take it: it is your own."),
                    "providers",
                )
            )
        if taken:
            found = self.env._(
                "Clients can pay in %(currencies)s.", currencies=", ".join(taken)
            )
            rows.append(Row("green", found))
        return rows

    def _get_takers(self, site, currency):
        """Return the providers that clients could pay with in a currency, sudoed."""
        providers, _methods = self.env["payment.provider"]._get_usable(
            site.company, currency, 1.0
        )
        return providers

    def _get_row_without_provider(self, site):
        """Return what it means that no provider is in use: red where a client has to
        pay, which nobody can.
        """
        needs_payment = self.env["payment.booking.service"].sudo().search_count(
            [
                ("company_id", "=", site.company.id),
                ("is_published", "=", True),
                ("fee_policy", "=", "required"),
            ],
            limit=1,
        )  # fmt: skip
        if needs_payment:
            found = self.env._(
                "No payment provider is connected, and there are services that must "
                "be paid to be booked: nobody can book them."
            )
        else:
            found = self.env._(
                "No payment provider is connected: clients cannot pay online."
            )
        cure = self.env._("Connect a provider.")
        return Row("red" if needs_payment else "amber", found, cure, "providers")

    def _get_rows_test_money(self, site):
        """Return whether test money passes for money. See `_get_rows_copy`."""
        if not site.company.booking_accept_test_payments:
            return [Row("green", self.env._("They do not count as money."))]
        cure = self.env._(
            "Switch off “Accept test payments” (Configuration › Settings)."
        )
        enabled = site.providers.filtered(lambda p: p.state == "enabled")
        # A bank transfer beside the demo provider, on this machine, is a trial.
        if enabled and (site.is_public or set(enabled.mapped("code")) - {*LOCAL_CODES}):
            found = self.env._(
                "They count as money beside a provider that is enabled: clients could "
                "book without paying."
            )
            return [Row("red", found, cure, "settings")]
        if site.is_public:
            found = self.env._("They count as money, at an address for clients.")
            return [Row("amber", found, cure, "settings")]
        return [Row("green", self.env._("They count as money, for trying."))]

    def _get_rows_mail(self, site):
        """Return whether mails go out. See `_get_rows_copy`."""
        result = site.company.booking_mail_result
        status = self.env["payment.setup.step"]._get_status_mail(site.company)
        if status["is_done"]:
            return [Row("green", status["hint"])]
        is_failed = result and result != "sent"
        cure = (
            self.env._("Mend it, and send a test mail.")
            if is_failed
            else self.env._("Send a test mail to yourself.")
        )
        return [Row("red" if is_failed else "amber", status["hint"], cure, "mail")]

    # === JOBS === #

    def _get_rows_cron(self, site):
        """Return whether the jobs run, a row per kind of trouble.

        See `_get_rows_copy`, which says it for a copy.
        """
        if site.is_copy:
            return []
        crons = self._get_crons(site)
        now = fields.Datetime.now()
        stopped = crons.filtered(lambda cron: not cron.active)
        failing = (crons - stopped).filtered("failure_count")
        late = (crons - stopped - failing).filtered(
            lambda cron: self._is_late(cron, now)
        )
        rows = []
        if stopped:
            found = self.env._("Switched off: %(jobs)s.", jobs=self._list(stopped))
            cure = self.env._("Make them active again.")
            rows.append(Row("red", found, cure, "cron"))
        if failing:
            found = self.env._("They fail: %(jobs)s.", jobs=self._list(failing))
            cure = self.env._(
                "The server's log says why; “Run manually” shows it as well."
            )
            rows.append(Row("red", found, cure, "cron"))
        if late:
            found = self.env._("They do not run: %(jobs)s.", jobs=self._list(late))
            cure = self.env._(
                "Odoo's scheduler must run on the server (max_cron_threads above 0)."
            )
            rows.append(Row("red", found, cure, "cron"))
        last = max(filter(None, crons.mapped("lastcall")), default=None)
        if not rows and last:
            found = self.env._(
                "All run; the last one at %(time)s.", time=self._at(last)
            )
            rows.append(Row("green", found))
        elif not rows:
            rows.append(Row("green", self.env._("They are about to run.")))
        return rows

    def _get_crons(self, site):
        """Return the jobs that must run, sudoed. Override to add to them."""
        Cron = self.env["ir.cron"].sudo().with_context(active_test=False)
        data = self.env["ir.model.data"].sudo()  # managers may not read either
        ours = data.search(
            [("model", "=", "ir.cron"), ("module", "=", "payment_booking_portal")]
        )
        crons = Cron.browse(ours.mapped("res_id")).exists()
        for xmlid in ODOO_JOBS:
            crons |= self.env.ref(xmlid, raise_if_not_found=False) or Cron.browse()
        if not site.providers:  # Odoo switches it off then
            crons -= self.env.ref(ODOO_JOBS[0], raise_if_not_found=False) or crons[:0]
        return crons

    def _is_late(self, cron, now):
        """Tell whether a job should have run long ago."""
        interval = relativedelta(
            **{cron.interval_type: cron.interval_number * LATE_INTERVALS}
        )
        last = cron.lastcall or cron.create_date
        return now > last + interval + timedelta(minutes=LATE_MINUTES)

    def _list(self, records, most=3):
        """Return the names of a few records, and how many more there are."""
        names = ", ".join(records[:most].mapped("display_name"))
        more = len(records) - most
        if more <= 0:
            return names
        return self.env._("%(names)s and %(count)s more", names=names, count=more)

    def _at(self, moment):
        return format_datetime(self.env, moment, tz=self.env.user.tz, dt_format="short")

    # === PROVIDERS === #

    def _get_rows_state(self, site):
        """Return whether providers take real money. See `_get_rows_copy`."""
        return [self._get_row_state(site, provider) for provider in site.providers]

    def _get_row_state(self, site, provider):
        """Return the row of one provider. See `_get_rows_state`."""
        row = {"provider": provider, "button": "provider"}
        accepted = site.company.booking_accept_test_payments
        if provider.state == "enabled":
            if provider.is_published:
                return Row("green", self.env._("Enabled and published."), **row)
            found = self.env._("Enabled, but not published: clients do not see it.")
            return Row("amber", found, self.env._("Publish it."), **row)
        if provider.code == "demo":
            if not site.is_public:
                return Row("green", self.env._("For trying, without money."), **row)
            found = self.env._("The demo provider, at an address for clients.")
            cure = self.env._("Disable it, and connect a real provider.")
            return Row("red", found, cure, **row)
        if site.is_public:
            found = self.env._(
                "In test mode at an address for clients: no real money comes."
            )
            cure = self.env._(
                "Enable it with its live keys and publish it, or disable it."
            )
            return Row("amber", found, cure, **row)
        if accepted:
            return Row("green", self.env._("In test mode, for trying."), **row)
        found = self.env._(
            "In test mode, and test payments are not accepted: nobody can pay with it."
        )
        cure = self.env._(
            "To try it, accept test payments (Configuration › Settings); else enable "
            "it."
        )
        return Row("amber", found, cure, **{**row, "button": "settings"})

    def _get_rows_keys(self, site):
        """Return whether the keys are those of the mode. See `_get_rows_copy`."""
        rows = []
        for provider in site.providers:
            names = self._get_key_fields(provider)
            if names:
                level, found, cure = self._look_at_keys(provider, names)
                rows.append(Row(level, found, cure, "provider", provider))
        return rows

    def _get_key_fields(self, provider):
        """Return the names of the fields that hold the keys of a provider."""
        code = provider._get_code()
        if code in LOCAL_CODES:
            return []
        names = [
            name
            for name, field in provider._fields.items()
            if getattr(field, "required_if_provider", None) == code
        ]
        return names + MORE_KEYS.get(code, [])

    def _look_at_keys(self, provider, names):
        """Return the level, what was found and the cure. No key is told.

        :param list names: of the fields.
        """
        missing = [name for name in names if not provider[name]]
        if missing:
            labels = [
                provider._fields[name]._description_string(self.env) for name in missing
            ]
            found = self.env._("Missing: %(keys)s.", keys=", ".join(labels))
            cure = self.env._("Copy them from your account at the provider.")
            return "red", found, cure
        modes = {
            match[1]
            for name in names
            if isinstance(provider[name], str)
            and (match := KEY_MODE.match(provider[name]))
        }
        if provider.state == "enabled" and "test" in modes:
            found = self.env._("Keys for tests, though it is enabled: no money comes.")
            cure = self.env._("Copy the live keys, or set the provider to test mode.")
            return "red", found, cure
        if provider.state == "test" and "live" in modes:
            found = self.env._(
                "Live keys, though it is in test mode: real money moves."
            )
            cure = self.env._("Copy the test keys, or enable the provider.")
            return "red", found, cure
        return "green", self.env._("All there, and of the right mode."), ""

    def _get_rows_webhook(self, site):
        """Return whether notifications are signed. See `_get_rows_copy`."""
        rows = []
        for provider in site.providers:
            name = WEBHOOK_FIELDS.get(provider.code)
            if not name or name not in provider._fields:
                continue
            row = {"provider": provider, "button": "provider"}
            if provider[name]:
                found = self.env._("Set: a forged notification is refused.")
                rows.append(Row("green", found, **row))
                continue
            found = self.env._(
                "Not set: Odoo cannot tell a forged notification from a real one."
            )
            cure = self.env._("Open the provider and press “Generate your webhook”.")
            level = "red" if provider.state == "enabled" else "amber"
            rows.append(Row(level, found, cure, **row))
        return rows

    def _get_rows_notification(self, site):
        """Return whether providers tell us of payments. See `_get_rows_copy`."""
        if site.is_copy:
            return []
        providers = site.providers.filtered(lambda p: p.code not in LOCAL_CODES)
        paid = self._get_last_paid(providers)
        return [
            self._get_row_notification(provider, paid.get(provider))
            for provider in providers
        ]

    def _get_last_paid(self, providers):
        """Return when each provider's last payment of these days came, but for those of
        which the notification may still be on its way.

        :rtype: dict
        """
        now = fields.Datetime.now()
        Transaction = self.env["payment.transaction"].sudo()  # only the time is told
        return dict(
            Transaction._read_group(
                [
                    ("provider_id", "in", providers.ids),
                    ("state", "=", "done"),
                    ("operation", "!=", "refund"),
                    ("last_state_change", ">", now - timedelta(days=PAID_DAYS)),
                    ("last_state_change", "<", now - timedelta(hours=NOTICE_HOURS)),
                ],
                ["provider_id"],
                ["last_state_change:max"],
            )
        )

    def _get_row_notification(self, provider, paid):
        """Return the row of one provider. See `_get_rows_notification`.

        :param datetime paid: when its last payment came, or None.
        """
        row = {"provider": provider, "button": "provider"}
        told = provider.notified_at
        cure = self.env._(
            "Look at the webhook in your account at the provider: its address is this "
            "site's, and its secret the one in Odoo."
        )
        if told and not (paid and told < paid - timedelta(hours=NOTICE_HOURS)):
            return Row("green", self._at(told), **row)
        if told:
            found = self.env._(
                "The last one came on %(told)s, the last payment on %(paid)s.",
                told=self._at(told),
                paid=self._at(paid),
            )
            return Row("amber", found, cure, **row)
        if not paid:
            found = self.env._("None yet, and no payment lately.")
            cure = self.env._("The first payment will tell.")
            return Row("unknown", found, cure, provider=provider)
        found = self.env._(
            "Never one, though a client paid on %(paid)s: a payment is found only when "
            "the client comes back, or when we ask.",
            paid=self._at(paid),
        )
        level = "red" if provider.state == "enabled" else "amber"
        return Row(level, found, cure, **row)

    # === ASKING === #

    def _get_asked(self, site):
        """Return the gateways of the providers that can be asked, with the providers.

        The class: nobody is asked here.
        """
        pairs = [(GATEWAYS.get(p.code, Gateway), p) for p in site.providers]
        return [(gateway, provider) for gateway, provider in pairs if gateway.can_ask]

    def _get_rows_reconcile(self, site):
        """Return whether providers answer. See `_get_rows_copy`."""
        if site.is_copy:
            return []
        asked = [p for gateway, p in self._get_asked(site) if gateway.is_installed()]
        silent = self._get_silent(asked)
        job = self.env.ref("payment_booking_portal.ir_cron_reconcile", False)
        last = job and job.sudo().lastcall  # managers read no jobs
        rows = []
        for provider in asked:
            count, most = silent.get(provider, (0, 0))
            unseen = self._get_row_sweep(provider)
            if unseen:
                rows.append(unseen)
            if not count and not unseen:
                found = (
                    self.env._(
                        "It answers; open payments were last looked at on %(time)s.",
                        time=self._at(last),
                    )
                    if last
                    else self.env._("No question is open.")
                )
                rows.append(Row("green", found, provider=provider))
            if not count:
                continue
            found = (
                self.env._("No answer about 1 payment.")
                if count == 1
                else self.env._("No answer about %(count)s payments.", count=count)
            )
            cure = self.env._(
                "Look at its keys; the payments say why there was no answer. Odoo goes "
                "on asking."
            )
            level = "red" if most > len(ASK_STEPS) else "amber"
            rows.append(Row(level, found, cure, "payments", provider))
        return rows

    def _get_row_sweep(self, provider):
        """Return what is wrong with the daily look at a provider, if anything."""
        if not provider.sweep_error:
            return None
        seen = provider.swept_until
        long_ago = fields.Datetime.now() - timedelta(days=SWEEP_PATIENCE_DAYS)
        found = self.env._(
            "%(provider)s could not be looked at for refunds and disputes.",
            provider=provider.name,
        )
        if seen:
            found = self.env._(
                "%(provider)s could not be looked at in full for refunds and disputes. "
                "It was last looked at on %(time)s.",
                provider=provider.name,
                time=self._at(seen),
            )
        cure = self.env._(
            "Look at its keys; the provider's form says why. Odoo goes on trying."
        )
        level = "red" if seen and seen < long_ago else "amber"
        return Row(level, found, cure, "provider", provider)

    def _get_silent(self, providers):
        """Return how many questions have no answer, and how often the most asked one
        was asked, by provider.

        :rtype: dict
        """
        ids = [provider.id for provider in providers]
        groups = (
            self.env["payment.transaction"]
            .sudo()  # only their number is told
            ._read_group(
                self._get_silent_domain() & Domain("provider_id", "in", ids),
                ["provider_id"],
                ["__count", "ask_count:max"],
            )
        )
        return {provider: (count, most) for provider, count, most in groups}

    def _get_silent_domain(self):
        return (
            Domain("state", "in", ("draft", "pending", "error"))
            & Domain("ask_again_at", "!=", False)
            & Domain("ask_error", "!=", False)
        )

    def _get_rows_sdk(self, site):
        """Return whether what we ask with is there. See `_get_rows_copy`."""
        rows = []
        for gateway, provider in self._get_asked(site):
            sdk = gateway.sdk
            if not sdk:
                continue
            version = sdk.get_version()
            cure = self.env._(
                'On the server: pip install "%(requirement)s", then start Odoo again.',
                requirement=sdk.requirement,
            )
            if not version or not gateway.is_installed():
                level = "red" if provider.state == "enabled" else "amber"
                found = self.env._(
                    "%(package)s is missing: a lost notification is not found, and "
                    "nothing is given back from here.",
                    package=sdk.package,
                )
            elif not sdk.is_tried(version):
                level = "amber"
                found = self.env._(
                    "%(package)s %(version)s is none of those that were tried.",
                    package=sdk.package,
                    version=version,
                )
            else:
                level, found, cure = "green", f"{sdk.package} {version}", ""
            rows.append(Row(level, found, cure, provider=provider))
        return rows

    # === APPLE PAY === #

    def _get_rows_apple_pay(self, site):
        """Return whether Stripe was told the domain, which Apple Pay needs. Only Stripe
        knows what it has: we keep what it took from here. See `_get_rows_copy`.
        """
        rows = []
        for provider in site.providers:
            if provider.code != "stripe" or provider.state != "enabled":
                continue
            domain = provider._get_web_domain()
            if not site.is_public:
                continue  # Stripe cannot look at it
            row = {"provider": provider, "button": "apple_pay"}
            if provider.apple_pay_domain == domain:
                found = self.env._("%(domain)s is registered.", domain=domain)
                rows.append(Row("green", found, provider=provider))
            elif provider.apple_pay_domain:
                found = self.env._(
                    "Registered for %(old)s; clients pay at %(domain)s now.",
                    old=provider.apple_pay_domain,
                    domain=domain,
                )
                rows.append(Row("amber", found, self.env._("Register it."), **row))
            else:
                found = self.env._(
                    "Only Stripe knows whether %(domain)s is registered.", domain=domain
                )
                cure = self.env._(
                    "To offer Apple Pay, register it; doing so twice does no harm."
                )
                rows.append(Row("unknown", found, cure, **row))
        return rows

    # === CURES === #

    @api.model
    def _get_buttons(self):
        """Return the ways to the cures by name. Override to add to them.

        :rtype: dict
        """
        return {
            "url": Button(self.env._("Set the address")),
            "providers": Button(self.env._("Providers")),
            "provider": Button(self.env._("Open the provider"), is_of_provider=True),
            "settings": Button(self.env._("Settings")),
            "mail": Button(self.env._("Test the mail"), is_for_administrators=False),
            "cron": Button(self.env._("Scheduled jobs")),
            "payments": Button(
                self.env._("Payments without answer"), is_of_provider=True
            ),
            "apple_pay": Button(self.env._("Register the domain"), is_of_provider=True),
        }

    def _get_action(self, xmlid):
        return self.env["ir.actions.actions"]._for_xml_id(xmlid)

    def _get_action_providers(self, company, provider):
        """Return the action of a button.

        :param res.company company: the current one.
        :param payment.provider provider: of the row, with the user's rights; or none.
        """
        return self._get_action("payment.action_payment_provider")

    def _get_action_provider(self, company, provider):
        """Return the form of the provider. See `_get_action_providers`."""
        return {
            **self._get_action_providers(company, provider),
            "name": provider.name,
            "res_id": provider.id,
            "views": [(False, "form")],
        }

    def _get_action_url(self, company, provider):
        """Return the parameter. See `_get_action_providers`."""
        parameter = self.env["ir.config_parameter"].search(
            [("key", "=", "web.base.url")], limit=1
        )
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Web address"),
            "res_model": parameter._name,
            "res_id": parameter.id,
            "views": [(False, "form")],
        }

    def _get_action_settings(self, company, provider):
        """Return our settings. See `_get_action_providers`."""
        return self._get_action("payment_booking_portal.res_config_settings_action")

    def _get_action_mail(self, company, provider):
        """Return the dialog that sends a test mail. See `_get_action_providers`."""
        return self._get_action(
            "payment_booking_portal.payment_booking_mail_test_action"
        )

    def _get_action_cron(self, company, provider):
        """Return the jobs that must run. See `_get_action_providers`."""
        crons = self._get_crons(self._get_site(company))
        return {
            **self._get_action("base.ir_cron_act"),
            "domain": [("id", "in", crons.ids)],
            "context": {"active_test": False},
        }

    def _get_action_payments(self, company, provider):
        """Return the payments without answer. See `_get_action_providers`."""
        domain = self._get_silent_domain() & Domain("provider_id", "=", provider.id)
        return {
            **self._get_action("payment.action_payment_transaction"),
            "domain": list(domain),
            "context": {},
        }

    def _get_action_apple_pay(self, company, provider):
        """Tell Stripe the domain. See `_get_action_providers`."""
        return provider.action_stripe_verify_apple_pay_domain()
