from datetime import timedelta

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import NOW
from .test_payable import PayableCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestProvider(PayableCommon):
    """Which providers a client can use right now: one answer for every page."""

    needs_internal_user = True

    def _usable(self, **kwargs):
        """Return the providers that a guest may pay 60 USD with."""
        env = kwargs.pop("env", self.env)
        providers, methods = env["payment.provider"]._get_usable(
            kwargs.pop("company", self.company),
            kwargs.pop("currency", self.company.currency_id),
            kwargs.pop("amount", 60.0),
            **kwargs,
        )
        self.assertEqual(
            providers, providers & methods.provider_ids, "each has a method"
        )
        return providers

    def test_published_and_enabled_is_usable(self):
        self.assertEqual(self._usable(), self.provider + self.transfer)
        self.assertEqual(self._usable(required=True), self.provider + self.transfer)

    def test_answer_is_that_of_a_guest_whoever_asks(self):
        self.provider.is_published = False
        for user in (self.internal_user, self.admin_user, self.public_user):
            with self.subTest(user.login):
                env = self.env(user=user, su=False)
                self.assertEqual(self._usable(env=env), self.transfer)

    def test_disabled_is_not_usable(self):
        self.provider.state = "disabled"
        self.assertNotIn(self.provider, self._usable())

    def test_test_provider_counts_only_where_test_money_does(self):
        self.provider.write({"state": "test", "is_published": True})
        self.assertNotIn(self.provider, self._usable())
        self.company.booking_accept_test_payments = True
        self.assertIn(self.provider, self._usable(required=True))

    def test_authorization_is_not_enough_when_payment_is_required(self):
        self.provider.support_manual_capture = "full_only"
        self.provider.capture_manually = True
        self.assertNotIn(self.provider, self._usable(required=True))
        self.assertIn(self.provider, self._usable(required=False))

    def test_transfer_is_offered_only_in_time(self):
        limit = fields.Datetime.now() + timedelta(days=5)
        self.assertIn(self.transfer, self._usable(start=limit))
        self.assertNotIn(
            self.transfer, self._usable(start=limit - timedelta(minutes=1))
        )
        self.company.booking_transfer_min_days = 2
        self.assertIn(self.transfer, self._usable(start=limit - timedelta(days=3)))

    def test_provider_of_another_company_is_not_usable(self):
        other = self._create_other_company()
        theirs = self.provider.copy(
            {"company_id": other.id, "state": "enabled", "is_published": True}
        )
        theirs.payment_method_ids = self.provider.payment_method_ids
        self.assertNotIn(theirs, self._usable())
        self.assertNotIn(self.provider, self._usable(company=other))

    def test_unsupported_currency_is_not_usable(self):
        self.provider.available_currency_ids = [Command.set(self.currency_euro.ids)]
        self.assertNotIn(self.provider, self._usable())
        self.assertIn(self.provider, self._usable(currency=self.currency_euro))

    def test_too_large_an_amount_is_not_usable(self):
        self.provider.maximum_amount = 59.99
        self.assertNotIn(self.provider, self._usable())
        self.provider.maximum_amount = 60
        self.assertIn(self.provider, self._usable())

    def test_country_of_the_client_counts(self):
        self.provider.available_country_ids = [Command.set(self.country_france.ids)]
        self.partner.country_id = self.country_belgium
        self.assertNotIn(self.provider, self._usable(partner=self.partner))
        self.partner.country_id = self.country_france
        self.assertIn(self.provider, self._usable(partner=self.partner))

    def test_provider_without_active_method_is_not_usable(self):
        self.provider.payment_method_ids.active = False
        self.assertNotIn(self.provider, self._usable())

    # === CLOSED, NEVER FREE === #

    def _assert_closed(self):
        self.assertFalse(self.service._is_open())
        self.service.invalidate_recordset()
        self.assertIn("no payment provider", self.service.closed_reason)
        with self.assertRaises(UserError):
            self._place()
        self.assertFalse(
            self.env["payment.booking"].search([("service_id", "=", self.service.id)])
        )

    def test_required_without_provider_is_closed(self):
        self.assertFalse(self.service.closed_reason)
        (self.provider + self.transfer).is_published = False
        self._assert_closed()

    def test_required_with_test_provider_is_closed(self):
        self.transfer.is_published = False
        self.provider.write({"state": "test", "is_published": True})
        self._assert_closed()
        self.company.booking_accept_test_payments = True
        self.assertTrue(self.service._is_open())

    def test_required_above_the_maximum_is_closed(self):
        (self.provider + self.transfer).maximum_amount = 10
        self._assert_closed()

    def test_other_policies_need_no_provider(self):
        (self.provider + self.transfer).is_published = False
        for policy in ("suggested", "on_site", "varies", "free", "hidden"):
            with self.subTest(policy):
                self.service.fee_policy = policy
                self.assertTrue(self.service._is_open())

    def test_new_service_requires_payment_only_if_it_can_be_taken(self):
        service = self.env["payment.booking.service"]
        self.assertEqual(service._default_fee_policy(), "required")
        (self.provider + self.transfer).is_published = False
        self.assertEqual(service._default_fee_policy(), "on_site")

    def test_start_that_no_provider_can_take_in_time_is_not_offered(self):
        self.provider.is_published = False
        self.assertEqual(self._labels(self.service, "2026-03-06"), [])
        self.assertIn("09:00", self._labels(self.service, "2026-03-09"))
        with self.assertRaises(UserError):
            self._place(local="2026-03-06 09:00")
        self.assertEqual(self._place(local="2026-03-09 09:00").state, "hold")
        self.service.fee_policy = "suggested"
        self.assertIn("09:00", self._labels(self.service, "2026-03-06"))

    def test_quick_and_exact_answers_agree(self):
        """The calendar asks one quick question; it must not promise too much."""

        def quick():
            return self.env["payment.provider"]._has_fast(
                self.company, self.company.currency_id, 60.0
            )

        soon = fields.Datetime.now() + timedelta(days=1)
        changes = (
            {},
            {"is_published": False},
            {"is_published": True, "maximum_amount": 10},
            {"maximum_amount": 0, "state": "test", "is_published": True},
            {"state": "enabled", "is_published": True},
            {"available_currency_ids": [Command.set(self.currency_euro.ids)]},
            {"available_currency_ids": [Command.clear()], "state": "disabled"},
        )
        for values in changes:
            with self.subTest(values=values):
                self.provider.sudo().write(values)
                exact = self._usable(required=True, start=soon)
                self.assertEqual(quick(), bool(exact))
