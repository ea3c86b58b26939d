"""A studio that is paid by Stripe and Mollie: Odoo's own modules, against the fakes."""

from unittest.mock import patch

from odoo import SUPERUSER_ID, api, fields

from ..gateways import stripe
from .fakes import FakeMollie, FakeStripe
from .test_payable import PayableCommon


class GatewayCommon(PayableCommon):
    """Both providers are enabled; what they are asked goes to the fakes."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.stripe = cls._open_provider(
            "stripe",
            stripe_publishable_key="pk_test_fake",
            stripe_secret_key="sk_test_fake",
            stripe_webhook_secret="whsec_fake",
        )
        cls.mollie = cls._open_provider("mollie", mollie_api_key="test_fake")
        cls.card = cls.env.ref("payment.payment_method_card")

    @classmethod
    def _open_provider(cls, code, **values):
        provider = cls._prepare_provider(code, update_values=values)
        provider.write({"state": "enabled", "is_published": True})
        provider.journal_id = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", cls.company.id)], limit=1
        )
        return provider

    def setUp(self):
        super().setUp()
        self.fakes = self._make_fakes()
        for fake in self.fakes.values():
            self.addCleanup(fake.__exit__)
        self.addCleanup(self._check_fakes)
        Provider = self.registry["payment.provider"]
        build = Provider._build_request_url
        roots = {code: fake.root for code, fake in self.fakes.items()}

        def build_request_url(provider, endpoint, **kwargs):
            url = build(provider, endpoint, **kwargs)
            root = roots.get(provider.code)
            return root + url[url.index("/v") :] if root else url

        patcher = patch.object(Provider, "_build_request_url", build_request_url)
        self.startPatcher(patcher)
        # Nobody waits between the tries of the SDK; Mollie's tries again on https only.
        sleep = patch.object(
            stripe.stripe.RequestsClient, "_sleep_time_seconds", lambda *_args: 0
        )
        self.startPatcher(sleep)

    def _make_fakes(self):
        return {"stripe": FakeStripe(), "mollie": FakeMollie()}

    def _check_fakes(self):
        for fake in self.fakes.values():
            self.assertFalse(fake.errors, "the fake itself is wrong")

    # === PAYING === #

    def _begin(self, booking, provider):
        """Return a transaction as far as the provider's card form or page."""
        tx = self._start_payment(
            booking,
            provider_id=provider.id,
            payment_method_id=self.card.id,
            operation="online_direct"
            if provider.code == "stripe"
            else "online_redirect",
        )
        tx._get_processing_values()
        return tx

    def _fake_of(self, tx):
        return self.fakes[tx.provider_code]

    def _pay_there(self, tx):
        """Pay at the provider, which tells nobody."""
        self._fake_of(tx).pay(tx.provider_reference)

    def _notify(self, tx):
        """Tell Odoo, as the provider's notification does."""
        if tx.provider_code == "mollie":
            data = {"id": tx.provider_reference, "ref": tx.reference}
        else:
            fake = self._fake_of(tx)
            intent = fake.render(fake.objects[tx.provider_reference])
            data = {
                "reference": tx.reference,
                "payment_intent": intent,
                "payment_method": None,
            }
        self.env["payment.transaction"]._process(tx.provider_code, data)

    def _run(self, model, job):
        """Run a job as the server does, in a cursor that it may commit."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            getattr(env[model], job)()
        self.env.invalidate_all()

    def _reconcile(self):
        self._run("payment.transaction", "_cron_reconcile")
        self._run("payment.transaction", "_cron_post_process")

    def _release_holds(self):
        self._run("payment.booking", "_cron_release_holds")

    def _calls(self, provider):
        return self.fakes[provider.code].calls()

    def _now(self):
        return fields.Datetime.now()
