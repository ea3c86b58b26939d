"""What the page Readiness says, to whom, and what it costs."""

import json
from contextlib import closing
from datetime import timedelta
from itertools import count
from types import SimpleNamespace
from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import TransactionCase, freeze_time, new_test_user, tagged

from odoo.addons.payment.tests.http_common import PaymentHttpCommon

from ..gateways.base import Sdk
from ..models import payment_provider as provider_file
from .common import NOW, BookingCommon

URL = "https://studio.example.com"
LOOPBACK = "http://localhost:8069"
KEYS = {
    "stripe_publishable_key": "pk_live_secret",
    "stripe_secret_key": "sk_live_secret",
    "stripe_webhook_secret": "whsec_secret",
}
# Every check, and the providers that it looks at in the studio.
CHECKS = {
    "copy": [""],
    "url": [""],
    "currency": [""],
    "test_money": [""],
    "mail": [""],
    "cron": [""],
    "state": ["Mollie", "Stripe"],
    "keys": ["Mollie", "Stripe"],
    "webhook": ["Stripe"],
    "notification": ["Mollie", "Stripe"],
    "reconcile": ["Mollie", "Stripe"],
    "sdk": ["Mollie", "Stripe"],
    "apple_pay": ["Stripe"],
}


class ReadinessCommon(BookingCommon):
    """A studio where all is well: Stripe and Mollie enabled, at a public address."""

    numbers = count()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        others = cls.env["payment.provider"].search([("state", "!=", "disabled")])
        others.write({"state": "disabled", "is_published": False})
        cls.now = fields.Datetime.to_datetime(NOW)
        cls.stripe = cls._open_provider("stripe", apple_pay_domain=URL[8:], **KEYS)
        cls.mollie = cls._open_provider("mollie", mollie_api_key="live_secret")
        cls.env["ir.config_parameter"].set_param("web.base.url", URL)
        cls.company.write(
            {
                "booking_currency_ids": False,
                "booking_accept_test_payments": False,
                "booking_mail_result": "sent",
                "booking_mail_tested_at": NOW,
                "booking_mail_server": cls.company._get_booking_mail_server()[1],
            }
        )
        site = cls.env["payment.readiness"]._get_site(cls.company)
        cls.crons = cls.env["payment.readiness"]._get_crons(site)
        cls._set_crons(active=True, lastcall=NOW, failure_count=0)
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.administrator = cls._create_colleague(
            "administrator", f"{group}manager,base.group_system", name="Ada Minh"
        )

    @classmethod
    def _open_provider(cls, code, company=None, **values):
        provider = cls._prepare_provider(
            code, company=company, update_values={**values, "notified_at": NOW}
        )
        provider.write({"state": "enabled", "is_published": True})
        return provider

    @classmethod
    def _create_colleague(cls, key, groups, company=None, **values):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=f"pbp_readiness_{key}",
            groups=groups,
            tz="Europe/Brussels",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **values,
        )

    @classmethod
    def _set_crons(cls, crons=None, **values):
        """Write jobs past the lock that Odoo takes."""
        crons = cls.crons if crons is None else crons
        crons.flush_recordset()
        for name, value in values.items():
            cls.env.cr.execute(
                f"UPDATE ir_cron SET {name} = %s WHERE id IN %s",
                [value, tuple(crons.ids)],
            )
        crons.invalidate_recordset()

    def _look(self, user=None):
        """Return the page, as an administrator by default."""
        self.env.flush_all()
        self.env.invalidate_all()
        user = user or self.administrator
        return self.env["payment.readiness"].with_user(user).get_readiness()

    def _rows(self, user=None):
        return [
            row for section in self._look(user)["sections"] for row in section["rows"]
        ]

    def _row(self, key, provider=None, user=None):
        """Return the worst row of a check, of a provider if it has one."""
        name = provider.name if provider else ""
        return next(
            row
            for row in self._rows(user)
            if row["key"] == key and row["provider"] == name
        )

    def _assert_row(self, key, level, *words, cure=None, button=False, provider=None):
        """Check the worst row of a check, as an administrator reads it.

        :param words: in what was found.
        :param str cure: in the cure; False where there is nothing to do.
        """
        row = self._row(key, provider)
        self.assertEqual(row["level"], level, row)
        for word in words:
            self.assertIn(word, row["found"])
        if level != "green":
            self.assertTrue(row["cure"], "each trouble has its cure")
        self.assertIn(cure or "", row["cure"])
        self.assertEqual(row["button"], button)
        self.assertEqual(bool(row["button_label"]), bool(button))
        return row

    def _open(self, name, provider=None, user=None):
        model = self.env["payment.readiness"].with_user(user or self.administrator)
        return model.open_cure(name, provider.id if provider else False)

    def _create_tx(self, provider, hours, **values):
        """Return a payment that a provider was asked for some hours ago."""
        return self.env["payment.transaction"].create(
            {
                "provider_id": provider.id,
                "payment_method_id": provider.payment_method_ids[:1].id
                or self.payment_method.id,
                "amount": 10.0,
                "currency_id": self.company.currency_id.id,
                "partner_id": self.partner.id,
                "operation": "online_redirect",
                "reference": f"{provider.code} {next(self.numbers)}",
                "last_state_change": self.now - timedelta(hours=hours),
                **values,
            }
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReadiness(ReadinessCommon):
    """Each check, green and not."""

    def test_all_is_well(self):
        page = self._look()
        self.assertEqual(page["title"], "Everything is ready")
        self.assertEqual((page["level"], page["red"]), ("green", 0))
        self.assertEqual(
            [section["level"] for section in page["sections"]],
            ["green"],
            json.dumps(page, indent=1),
        )
        found = {}
        for row in self._rows():
            found.setdefault(row["key"], []).append(row["provider"])
            self.assertFalse(row["button"], "there is nothing to mend")
            self.assertTrue(row["found"])
        self.assertEqual({key: sorted(names) for key, names in found.items()}, CHECKS)

    def test_worst_first(self):
        self.stripe.is_published = False
        self.assertEqual(self._look()["title"], "Ready, with 1 thing to look at")
        self.stripe.stripe_webhook_secret = False
        page = self._look()
        self.assertEqual((page["level"], page["red"]), ("red", 1))
        self.assertEqual(page["title"], "1 thing to mend now")
        self.assertEqual(
            [section["level"] for section in page["sections"]],
            ["red", "amber", "green"],
        )

    # === THE COMPANY === #

    def test_copy(self):
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "True")
        self._set_crons(active=False)
        self._assert_row("copy", "amber", "copy", cure="real one")
        keys = {row["key"] for row in self._rows()}
        self.assertFalse(keys & {"cron", "notification", "reconcile"}, "said once")

    def test_url(self):
        providers = self.stripe + self.mollie
        for url, state, level, word in (
            (URL, "enabled", "green", URL),
            ("http://studio.example.com", "enabled", "red", "not encrypted"),
            ("http://192.168.1.7:8069", "enabled", "red", "not encrypted"),
            ("http://studio.example.com", "disabled", "amber", "not encrypted"),
            (LOOPBACK, "enabled", "amber", "this machine only"),
            ("https://127.0.0.1", "enabled", "amber", "this machine only"),
            ("http://[::1]:8069", "enabled", "amber", "this machine only"),
            ("http://shop.localhost", "enabled", "amber", "this machine only"),
        ):
            with self.subTest(url=url, state=state):
                self.env["ir.config_parameter"].set_param("web.base.url", url)
                providers.state = state
                button = level != "green" and "url"
                self._assert_row("url", level, word, button=button)
        action = self._open("url")
        parameter = self.env["ir.config_parameter"].browse(action["res_id"])
        self.assertEqual(parameter.key, "web.base.url")

    def test_currency(self):
        self._enable_currency("EUR")
        self._enable_currency("JPY")
        euro, yen = self.env.ref("base.EUR"), self.env.ref("base.JPY")
        self.company.booking_currency_ids = euro + yen
        self.stripe.available_currency_ids = euro + self.company.currency_id
        self.mollie.available_currency_ids = euro
        self._assert_row(
            "currency", "red", "JPY", cure="accepted currencies", button="providers"
        )
        good = [row for row in self._rows() if row["key"] == "currency"][-1]
        self.assertIn("EUR", good["found"])
        self.assertNotIn("JPY", good["found"])
        self.company.booking_currency_ids = euro
        self._assert_row("currency", "green", "EUR")
        self.stripe.available_currency_ids = euro
        self._assert_row("currency", "red", "USD", cure="your own", button="providers")
        self.assertEqual(self._open("providers")["res_model"], "payment.provider")

    def test_no_provider(self):
        (self.stripe + self.mollie).state = "disabled"
        self.service.is_published = False
        row = {"cure": "Connect", "button": "providers"}
        self._assert_row("currency", "amber", "cannot pay online", **row)
        self.service.is_published = True
        self._assert_row("currency", "red", "nobody can book", **row)
        self.service.fee_policy = "on_site"
        self._assert_row("currency", "amber", "cannot pay online", **row)

    def test_test_money(self):
        self.company.booking_accept_test_payments = True
        row = {"cure": "Switch off", "button": "settings"}
        self._assert_row("test_money", "red", "without paying", **row)
        (self.stripe + self.mollie).write({"state": "test", "is_published": False})
        self._assert_row("test_money", "amber", "address for clients", **row)
        self.env["ir.config_parameter"].set_param("web.base.url", LOOPBACK)
        self._assert_row("test_money", "green", "for trying")
        transfer = self._prepare_provider("custom", custom_mode="wire_transfer")
        transfer.state = "enabled"
        self._assert_row("test_money", "green", "for trying")
        self.env["ir.config_parameter"].set_param("web.base.url", URL)
        self._assert_row("test_money", "red", "without paying", **row)
        self.assertEqual(self._open("settings")["res_model"], "res.config.settings")

    def test_mail(self):
        self.company.booking_mail_result = False
        row = {"button": "mail"}
        self._assert_row("mail", "amber", "Not tested", cure="test mail", **row)
        self.company.booking_mail_result = "login"
        self._assert_row("mail", "red", "password", cure="Mend it", **row)
        self.company.write(
            {"booking_mail_result": "sent", "booking_mail_server": "old:25"}
        )
        self._assert_row("mail", "amber", "another one", cure="test mail", **row)
        action = self._open("mail", user=self.manager)
        self.assertEqual(action["res_model"], "payment.booking.mail.test")

    def test_cron(self):
        job = self.env.ref("payment_booking_portal.ir_cron_reconcile")
        later = fields.Datetime.to_string(self.now - timedelta(minutes=46))
        for values, words, cure in (
            ({"active": False}, ["Switched off", job.name], "active"),
            ({"failure_count": 2}, ["fail", job.name], "log"),
            ({"lastcall": later}, ["do not run", job.name], "scheduler"),
        ):
            with self.subTest(values):
                self._set_crons(job, **values)
                self._assert_row("cron", "red", *words, cure=cure, button="cron")
                self._set_crons(job, active=True, lastcall=NOW, failure_count=0)
        self._assert_row("cron", "green", "All run")
        # A daily one has time.
        self._set_crons(lastcall=later)
        self._set_crons(
            self.crons.filtered(lambda c: c.interval_type == "minutes"), lastcall=NOW
        )
        self._assert_row("cron", "green")
        # The first run is not due at once.
        self._set_crons(lastcall=None, create_date=NOW)
        self._assert_row("cron", "green", "about to run")
        action = self._open("cron")
        self.assertEqual(action["domain"], [("id", "in", self.crons.ids)])

    def test_all_jobs_late_are_one_row(self):
        self._set_crons(lastcall="2026-02-01 00:00:00")
        rows = [row for row in self._rows() if row["key"] == "cron"]
        self.assertEqual(len(rows), 1)
        self.assertIn(f"and {len(self.crons) - 3} more", rows[0]["found"])

    def test_job_that_odoo_switches_off(self):
        (self.stripe + self.mollie).state = "disabled"
        self.assertFalse(self.env.ref("payment.cron_post_process_payment_tx").active)
        self._assert_row("cron", "green")

    # === PROVIDERS === #

    def test_state(self):
        row = {"provider": self.stripe, "button": "provider"}
        self.stripe.is_published = False
        self._assert_row("state", "amber", "not published", cure="Publish", **row)
        self.stripe.state = "test"
        self._assert_row("state", "amber", "no real money", cure="Enable it", **row)
        self.env["ir.config_parameter"].set_param("web.base.url", LOOPBACK)
        self._assert_row(
            "state",
            "amber",
            "nobody can pay",
            cure="accept test payments",
            **{**row, "button": "settings"},
        )
        self.company.booking_accept_test_payments = True
        self._assert_row("state", "green", "for trying", provider=self.stripe)
        action = self._open("provider", self.stripe)
        self.assertEqual(action["res_id"], self.stripe.id)
        self.assertEqual(action["res_model"], "payment.provider")

    def test_demo_provider(self):
        demo = self._prepare_provider("demo")
        demo.state = "test"
        row = {"provider": demo, "button": "provider"}
        self._assert_row("state", "red", "demo", cure="Disable it", **row)
        self.env["ir.config_parameter"].set_param("web.base.url", LOOPBACK)
        self._assert_row("state", "green", "without money", provider=demo)
        keys = {r["key"] for r in self._rows() if r["provider"] == demo.name}
        self.assertEqual(keys, {"state"}, "it has nothing else")

    def test_pay_at_the_appointment_is_no_provider(self):
        at_venue = self.env.ref("payment_booking_portal.payment_provider_at_venue")
        at_venue.write(
            {"company_id": self.company.id, "state": "enabled", "is_published": True}
        )
        self.assertNotIn(
            at_venue, self.env["payment.readiness"]._get_providers(self.company)
        )

    def test_money_received_by_staff_is_no_provider(self):
        venue = self.env["payment.provider"]._get_venue_provider(self.company)
        self.assertEqual(venue.state, "enabled")
        self.assertNotIn(venue.name, {row["provider"] for row in self._rows()})

    def test_keys(self):
        for provider, state, values, level, word, cure in (
            (self.stripe, "enabled", {"stripe_secret_key": "sk_test_secret"},
             "red", "for tests", "live keys"),
            (self.stripe, "enabled", {"stripe_publishable_key": "pk_test_secret"},
             "red", "for tests", "live keys"),
            (self.stripe, "enabled", {"stripe_secret_key": "rk_test_secret"},
             "red", "for tests", "live keys"),
            (self.stripe, "test", {}, "red", "Live keys", "test keys"),
            (self.mollie, "enabled", {"mollie_api_key": "test_secret"},
             "red", "for tests", "live keys"),
            (self.mollie, "test", {"mollie_api_key": "test_secret"},
             "green", "right mode", None),
        ):  # fmt: skip
            with self.subTest(provider=provider.code, state=state, values=values):
                before = provider.read(["state", *values])[0]
                provider.write({"state": state, **values})
                button = level != "green" and "provider"
                self._assert_row(
                    "keys", level, word, cure=cure, button=button, provider=provider
                )
                provider.write({name: before[name] for name in ["state", *values]})
        self._assert_row("keys", "green", provider=self.stripe)

    def test_keys_are_missing(self):
        """Odoo lets nobody save this; a copy of a database has it."""
        self.stripe.flush_recordset()
        self.env.cr.execute(
            "UPDATE payment_provider SET stripe_secret_key = NULL WHERE id = %s",
            self.stripe.ids,
        )
        self._assert_row(
            "keys",
            "red",
            "Secret Key",
            cure="account",
            button="provider",
            provider=self.stripe,
        )

    def test_webhook(self):
        row = {"provider": self.stripe, "button": "provider", "cure": "Generate"}
        self.stripe.stripe_webhook_secret = False
        self._assert_row("webhook", "red", "forged", **row)
        self.stripe.state = "test"
        self._assert_row("webhook", "amber", "forged", **row)

    def test_notification(self):
        row = {"provider": self.mollie, "button": "provider"}
        self.mollie.notified_at = False
        unknown = {"provider": self.mollie, "cure": "first payment"}
        self._assert_row("notification", "unknown", "None yet", **unknown)
        # The notice of this one may be on its way; that one is too long ago.
        self._create_tx(self.mollie, 0.5, state="done")
        self._create_tx(self.mollie, 24 * 8, state="done")
        self._create_tx(self.mollie, 3, state="pending")
        self._assert_row("notification", "unknown", "None yet", **unknown)
        self._create_tx(self.mollie, 2, state="done")
        self._assert_row("notification", "red", "Never", cure="webhook", **row)
        self.mollie.notified_at = self.now - timedelta(hours=4)
        self._assert_row("notification", "amber", "last one", cure="webhook", **row)
        self.mollie.notified_at = self.now - timedelta(hours=2)
        self._assert_row("notification", "green", provider=self.mollie)
        self.mollie.write({"notified_at": False, "state": "test"})
        self._assert_row("notification", "amber", "Never", **row)

    def test_reconcile(self):
        self._assert_row("reconcile", "green", "last looked at", provider=self.mollie)
        tx = self._create_tx(
            self.mollie,
            3,
            ask_again_at=NOW,
            ask_count=2,
            ask_error="no such key live_secret",
        )
        row = {"provider": self.mollie, "button": "payments", "cure": "keys"}
        self._assert_row("reconcile", "amber", "1 payment", **row)
        tx.ask_count = 5
        self._assert_row("reconcile", "red", "1 payment", **row)
        self._assert_row("reconcile", "green", provider=self.stripe)
        domain = self._open("payments", self.mollie)["domain"]
        self.assertEqual(self.env["payment.transaction"].search(domain), tx)
        tx.ask_error = False
        self._assert_row("reconcile", "green", provider=self.mollie)
        row["button"] = "provider"
        for days, level in ((2, "amber"), (4, "red")):
            seen = self.now - timedelta(days=days)
            self.mollie.write({"sweep_error": "live_secret", "swept_until": seen})
            self._assert_row("reconcile", level, "Mollie", **row)

    def test_sdk(self):
        row = {"provider": self.stripe, "cure": "stripe>=12.5,<17"}
        for version, level, word in (
            (None, "red", "missing"),
            ("12.4.9", "amber", "12.4.9"),
            ("17.0.0", "amber", "17.0.0"),
        ):
            with (
                self.subTest(version),
                patch.object(Sdk, "get_version", lambda sdk, version=version: version),
            ):
                self._assert_row("sdk", level, "stripe", word, **row)
        for version in ("12.5", "12.5.1", "16.9"):
            with (
                self.subTest(version),
                patch.object(Sdk, "get_version", lambda sdk, version=version: version),
            ):
                self._assert_row("sdk", "green", version, provider=self.stripe)
        self.stripe.state = "test"
        with patch.object(Sdk, "get_version", lambda sdk: None):
            self._assert_row("sdk", "amber", "missing", **row)

    def test_apple_pay(self):
        row = {"provider": self.stripe, "button": "apple_pay"}
        self.stripe.apple_pay_domain = False
        self._assert_row("apple_pay", "unknown", "Only Stripe", cure="register", **row)
        self.assertEqual(self._look()["level"], "green", "no trouble")
        self.stripe.apple_pay_domain = "old.example.com"
        self._assert_row("apple_pay", "amber", "old.example.com", **row)
        Provider = self.registry["payment.provider"]
        with (
            patch.object(
                Provider, "_send_api_request", lambda *a, **k: {"livemode": False}
            ),
            self.assertRaises(UserError),
        ):
            self._open("apple_pay", self.stripe)
        self._assert_row("apple_pay", "amber", "old.example.com", **row)
        with patch.object(
            Provider, "_send_api_request", lambda *a, **k: {"livemode": True}
        ):
            action = self._open("apple_pay", self.stripe)
        self.assertEqual(action["tag"], "display_notification")
        self._assert_row("apple_pay", "green", URL[8:], provider=self.stripe)
        with self.assertRaises(AccessError):
            stripe = self.stripe.with_user(self.manager)
            stripe.action_stripe_verify_apple_pay_domain()

    # === WHO === #

    def test_who_may_look(self):
        with self.assertRaises(AccessError):
            self._look(self.user)
        with self.assertRaises(AccessError):
            self._open("mail", user=self.user)
        menu = self.env.ref("payment_booking_portal.menu_readiness")
        visible = self.env["ir.ui.menu"].with_user(self.user)._visible_menu_ids()
        self.assertNotIn(menu.id, visible)
        visible = self.env["ir.ui.menu"].with_user(self.manager)._visible_menu_ids()
        self.assertIn(menu.id, visible)

    def test_manager_without_settings(self):
        self.stripe.stripe_webhook_secret = False
        self.company.booking_mail_result = False
        row = self._row("webhook", self.stripe, user=self.manager)
        self.assertFalse(row["button"])
        self.assertIn("Ada Minh", row["whom"])
        row = self._row("mail", user=self.manager)
        self.assertEqual(row["button"], "mail", "this one they can")
        self.assertFalse(row["whom"])
        readiness = self.env["payment.readiness"]
        for name, button in readiness._get_buttons().items():
            if button.is_for_administrators:
                with self.subTest(name), self.assertRaises(AccessError):
                    self._open(name, self.stripe, user=self.manager)

    def test_company_by_company(self):
        other = self._create_other_company()
        theirs = self._open_provider(
            "stripe",
            company=other,
            **{**KEYS, "stripe_webhook_secret": False},
        )
        self.assertEqual(self._look()["level"], "green", "not ours")
        with self.assertRaises(UserError):
            self._open("provider", theirs)
        self.administrator.company_ids += other
        with self.assertRaises(UserError):
            self._open("provider", theirs)
        there = self.env["payment.readiness"].with_user(self.administrator)
        there = there.with_company(other)
        page = there.get_readiness()
        self.assertEqual((page["company"], page["level"]), (other.name, "red"))
        self.assertEqual(there.open_cure("provider", theirs.id)["res_id"], theirs.id)

    def test_unknown_buttons(self):
        for name in ("", "check", "copy"):
            with self.subTest(name), self.assertRaises(UserError):
                self._open(name)
        with self.assertRaises(UserError):
            self._open("provider")

    def test_no_secret_is_told(self):
        for values in (
            {},
            {"state": "test"},
            {"stripe_secret_key": "sk_test_secret"},
            {"apple_pay_domain": False, "notified_at": False},
        ):
            self.stripe.write(values)
            self._create_tx(
                self.stripe, 3, ask_again_at=NOW, ask_error=f"live_secret {values}"
            )
            self.assertNotIn("secret", json.dumps(self._look()).replace("Secret", ""))

    # === COST AND LIGHT === #

    def test_few_queries(self):
        self._look()  # groups and translations are cached now
        self.env.flush_all()
        self.env.invalidate_all()
        readiness = self.env["payment.readiness"].with_user(self.administrator)
        with self.assertQueryCount(28):
            readiness.get_readiness()

    def test_more_providers_cost_no_more(self):
        def count_queries():
            self._look()
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.cr.sql_log_count
            self.env["payment.readiness"]._get_rows(self.company)
            return self.cr.sql_log_count - before

        few = count_queries()
        for number in range(3):
            copy = self.mollie.copy({"name": f"Mollie {number}"})
            copy.write({"mollie_api_key": "live_secret", "state": "enabled"})
        self.assertLessEqual(count_queries(), few + 2)

    def _light(self):
        self.env.invalidate_all()
        return self.company._get_readiness_light()[self.company.id]

    def test_light(self):
        self._look()
        self.assertEqual(self._light(), 0)
        self.stripe.stripe_webhook_secret = False
        self.assertEqual(self._light(), 0, "nobody has looked yet")
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["payment.readiness"]._cron_check()
        self.assertEqual(self._light(), 1)
        self.stripe.stripe_webhook_secret = "whsec_secret"
        self._look(self.manager)
        self.assertEqual(self._light(), 0)

    def test_light_if_no_job_runs(self):
        self._look()
        self.company.booking_readiness_at = self.now - timedelta(hours=25)
        self.assertEqual(self._light(), 1)
        self.env["ir.config_parameter"].set_param("database.is_neutralized", "True")
        self.assertEqual(self._light(), 0)

    def test_light_costs_one_query(self):
        companies = self.company + self._create_other_company()
        companies._get_readiness_light()  # parameters are cached now
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(1):
            companies._get_readiness_light()

    def test_company_is_written_only_for_news(self):
        self._look()
        self.company.booking_readiness_at = before = self.now - timedelta(minutes=10)
        self._look()
        self.assertEqual(self.company.booking_readiness_at, before)
        self.company.booking_readiness_at = self.now - timedelta(minutes=40)
        self._look()
        self.assertEqual(self.company.booking_readiness_at, self.now)

    def test_bad_check_stops_no_other_company(self):
        other = self._create_other_company()
        Readiness = self.registry["payment.readiness"]

        def count_red(readiness, company):
            if company.id == self.company.id:
                raise ValueError("broken")
            return 7

        self.env.flush_all()
        with (
            patch.object(Readiness, "_count_red", count_red),
            self.assertLogs("odoo.addons.payment_booking_portal", "ERROR"),
            self.enter_registry_test_mode(),
            self.registry.cursor() as cr,
        ):
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["payment.readiness"]._cron_check()
        self.env.invalidate_all()
        self.assertEqual(other.booking_readiness_red, 7)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestNotified(ReadinessCommon, PaymentHttpCommon):
    """What counts as a notification, and that noting it disturbs nobody."""

    def _note(self, path):
        request = SimpleNamespace(httprequest=SimpleNamespace(path=path))
        with patch.object(provider_file, "request", request):
            self.mollie._note_notification()

    def test_addresses(self):
        for path, is_one in (
            ("/payment/mollie/webhook", True),
            ("/payment/paypal/webhook/", True),
            ("/payment/adyen/notification", True),
            ("/payment/mollie/return", False),
            ("/payment/paypal/complete_order", False),
            ("/pay/webhook/poll", False),
            ("/", False),
        ):
            with self.subTest(path):
                self.mollie.notified_at = False
                self.env.flush_all()
                self._note(path)
                self.assertEqual(bool(self.mollie.notified_at), is_one)

    def test_noted_once_in_ten_minutes(self):
        self.mollie.notified_at = before = self.now - timedelta(minutes=9)
        self.env.flush_all()
        self._note("/payment/mollie/webhook")
        self.assertEqual(self.mollie.notified_at, before)
        self.mollie.notified_at = self.now - timedelta(minutes=11)
        self.env.flush_all()
        self._note("/payment/mollie/webhook")
        self.assertEqual(self.mollie.notified_at, self.now)

    def test_a_client_who_comes_back_is_none(self):
        tx = self._create_tx(self.mollie, 0, provider_reference="tr_1")
        answer = {
            "id": "tr_1",
            "status": "pending",
            "amount": {"value": "10.00", "currency": tx.currency_id.name},
        }
        self.mollie.notified_at = False
        self.env.flush_all()
        data = {"id": "tr_1", "ref": tx.reference}
        with patch.object(
            self.registry["payment.transaction"],
            "_send_api_request",
            lambda *args, **kwargs: answer,
        ):
            self._make_http_get_request(self._build_url("/payment/mollie/return"), data)
            self.env.invalidate_all()
            self.assertEqual(tx.state, "pending")
            self.assertFalse(self.mollie.notified_at)
            self._make_http_post_request(
                self._build_url("/payment/mollie/webhook"), data
            )
        self.env.invalidate_all()
        self.assertTrue(self.mollie.notified_at)

    def test_light_in_the_session(self):
        self.company._note_readiness(3)
        for user, light in ((self.manager, 3), (self.user, None)):
            self.authenticate(user.login, user.login)
            info = self.make_jsonrpc_request("/web/session/get_session_info", {})
            found = info.get("booking_readiness", {}).get(str(self.company.id))
            self.assertEqual(found, light, user.login)


@tagged("post_install", "-at_install")
class TestNotifiedTogether(TransactionCase):
    """Two notifications at once, each in a database transaction of its own."""

    def setUp(self):
        super().setUp()
        with self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            provider = env.ref("payment.payment_provider_mollie")
            self.provider_id = provider.id
            self.before = provider.notified_at
            provider.notified_at = False
        self.addCleanup(self._clean_up)

    def _clean_up(self):
        with self.registry.cursor() as cr:
            self._provider(cr).notified_at = self.before

    def _provider(self, cr):
        """Return the provider as seen by a new request, its snapshot taken."""
        env = api.Environment(cr, SUPERUSER_ID, {})
        provider = env["payment.provider"].browse(self.provider_id)
        provider.read(["notified_at"])
        cr.execute("SET LOCAL lock_timeout = '2s'")  # to wait is to fail
        return provider

    def test_neither_waits_nor_fails(self):
        now = fields.Datetime.now()
        later = now + timedelta(hours=1)
        with (
            closing(self.registry.cursor()) as first,
            closing(self.registry.cursor()) as second,
        ):
            one, other = self._provider(first), self._provider(second)
            one._set_notified_at(now)
            other._set_notified_at(later)  # the row is taken: left to the first
            first.commit()
            other._set_notified_at(later)  # changed since it began: left as well
            other.env["res.partner"].search_count([], limit=1)  # it goes on
            second.commit()
            self.assertEqual(self._provider(first).notified_at, now)
            self._provider(second)._set_notified_at(later)
            second.commit()
            first.rollback()
            one.env.invalidate_all()
            self.assertEqual(self._provider(first).notified_at, later)
