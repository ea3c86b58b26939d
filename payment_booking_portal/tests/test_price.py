from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPrice(BookingCommon):
    """What the client agrees to is what is paid and invoiced, to the last decimal."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.usd = cls.company.currency_id
        cls.eur, cls.jpy, cls.kwd = cls.currencies = (
            cls._enable_currency("EUR")
            + cls._enable_currency("JPY")
            + cls._enable_currency("KWD")
        )
        cls.env["res.currency.rate"].search(
            [("currency_id", "in", (cls.usd + cls.currencies).ids)]
        ).unlink()
        cls.company.booking_currency_ids = [Command.set(cls.currencies.ids)]
        cls.provider.available_currency_ids = [Command.clear()]

    @classmethod
    def _create_rate(cls, currency, rate, day="2026-03-01"):
        return cls.env["res.currency.rate"].create(
            {
                "currency_id": currency.id,
                "company_id": cls.company.id,
                "name": day,
                "rate": rate,
            }
        )

    def _add_price(self, currency, price):
        self.service.price_ids = [
            Command.create({"booking_currency_id": currency.id, "booking_price": price})
        ]

    def _create_tax(self, amount, included=False):
        return self.env["account.tax"].create(
            {
                "name": f"{amount} % {included}",
                "amount": amount,
                "price_include_override": "tax_included"
                if included
                else "tax_excluded",
            }
        )

    def _assert_invoiced(self, booking, total):
        """Check that price, payment and invoice of a booking say the same."""
        self.assertEqual(booking.amount_total, total)
        tx = self._pay(booking)
        self.assertEqual(tx.amount, total)
        invoice = booking.invoice_id
        self.assertEqual(invoice.currency_id, booking.currency_id)
        self.assertEqual(invoice.amount_total, total)
        self.assertEqual(invoice.amount_untaxed, booking.amount_untaxed)
        self.assertEqual(invoice.amount_tax, booking.amount_tax)
        self.assertEqual(invoice.amount_residual, 0.0)
        self.assertEqual(tx.payment_id.currency_id, booking.currency_id)
        self.assertEqual(tx.payment_id.amount, total)
        self.assertFalse(booking.needs_attention)

    # === CURRENCIES === #

    def test_currency_without_price_and_rate_is_not_offered(self):
        self.assertEqual(self.service._get_offered_currencies(), self.usd)
        self.assertIsNone(self.service._get_price_in(self.eur))
        with self.assertRaises(UserError):
            self._place(currency=self.eur)
        self.assertEqual(
            self.company._get_booking_currencies_without_rate(), self.currencies
        )

    def test_rate_of_tomorrow_offers_nothing(self):
        self._create_rate(self.eur, 0.5, "2026-03-03")
        self.assertNotIn(self.eur, self.service._get_offered_currencies())

    def test_currency_that_is_not_accepted_is_not_offered(self):
        chf = self._enable_currency("CHF")
        self._create_rate(chf, 0.9)
        self.assertNotIn(chf, self.service._get_offered_currencies())
        with self.assertRaises(UserError):
            self._place(currency=chf)

    def test_conversion_is_rounded_for_the_currency(self):
        for currency, rate, price in (
            (self.eur, 0.123456, 7.41),
            (self.jpy, 151.377, 9083.0),
            (self.kwd, 0.3071234, 18.427),
        ):
            with self.subTest(currency.name):
                self._create_rate(currency, rate)
                self.assertIn(currency, self.service._get_offered_currencies())
                self.assertEqual(self.service._get_price_in(currency), price)

    def test_explicit_price_is_never_converted(self):
        self._create_rate(self.eur, 0.5)
        self._add_price(self.eur, 55.0)
        self.assertEqual(self.service._get_price_in(self.eur), 55.0)

    def test_explicit_price_needs_no_rate(self):
        for currency, price in ((self.eur, 54.9), (self.jpy, 9000), (self.kwd, 18.505)):
            with self.subTest(currency.name):
                self._add_price(currency, price)
                self.assertIn(currency, self.service._get_offered_currencies())
                self.assertEqual(self.service._get_price_in(currency), price)

    def test_payment_and_invoice_in_each_currency(self):
        prices = ((self.eur, 54.9), (self.jpy, 9000.0), (self.kwd, 18.505))
        for day, (currency, price) in enumerate(prices, 3):
            with self.subTest(currency.name):
                self._add_price(currency, price)
                booking = self._place(local=f"2026-03-0{day} 09:00", currency=currency)
                self.assertEqual(booking.currency_id, currency)
                self._assert_invoiced(booking, price)

    def test_payment_and_invoice_of_a_converted_price(self):
        for day, (currency, rate) in enumerate(
            ((self.eur, 0.91733), (self.jpy, 151.377), (self.kwd, 0.3071234)), 3
        ):
            with self.subTest(currency.name):
                self._create_rate(currency, rate)
                booking = self._place(local=f"2026-03-0{day} 09:00", currency=currency)
                self._assert_invoiced(booking, self.service._get_price_in(currency))

    def test_own_currency_comes_first(self):
        self._add_price(self.eur, 55.0)
        self.assertEqual(self.service._get_offered_currencies(), self.usd + self.eur)
        self.service.currency_id = self.eur
        self.assertEqual(self.service._get_offered_currencies()[0], self.eur)
        self.assertEqual(self._place().currency_id, self.eur)

    def test_company_currency_without_price_is_not_free(self):
        """A price in another currency only: the product's own price was never typed."""
        service = self._create_service("Cut", currency_id=self.eur.id, price=50.0)
        self.assertEqual(service.price, 50.0)
        self.assertNotIn(self.usd, service._get_offered_currencies())
        with self.assertRaises(UserError):
            self._place(service, currency=self.usd)
        self._create_rate(self.eur, 0.5)
        self.assertEqual(service._get_price_in(self.usd), 100.0)
        booking = self._place(service, currency=self.usd)
        self.assertEqual(booking.state, "hold")
        self.assertEqual(booking.amount_total, 100.0)

    def test_price_of_zero_is_not_offered_when_payment_is_required(self):
        self._add_price(self.eur, 0.0)
        self.assertNotIn(self.eur, self.service._get_offered_currencies())
        with self.assertRaises(UserError):
            self._place(currency=self.eur)

    # === FROZEN === #

    def test_price_is_frozen_when_placed(self):
        self._create_rate(self.eur, 0.5)
        booking = self._place(currency=self.eur)
        self.assertEqual(booking.amount_total, 30.0)
        self.service.price = 100.0
        self._create_rate(self.eur, 0.9, "2026-03-02")
        self.service.fee_policy = "free"
        self.service.product_id.taxes_id = self._create_tax(21)
        self.assertEqual(booking.fee_policy, "required")
        self.assertEqual(booking._get_payable_amount(), 30.0)
        self._assert_invoiced(booking, 30.0)

    # === TAXES === #

    def test_tax_excluded(self):
        self.service.product_id.taxes_id = self._create_tax(21)
        booking = self._place()
        self.assertEqual(booking.amount_untaxed, 60.0)
        self.assertEqual(booking.amount_tax, 12.6)
        self._assert_invoiced(booking, 72.6)

    def test_tax_included(self):
        self.service.product_id.taxes_id = self._create_tax(21, included=True)
        booking = self._place()
        self.assertEqual(booking.amount_untaxed, 49.59)
        self.assertEqual(booking.amount_tax, 10.41)
        self._assert_invoiced(booking, 60.0)

    def test_tax_of_another_company_does_not_count(self):
        other = self._create_other_company()
        product = self.service.product_id
        product.company_id = False
        product.taxes_id = other.account_sale_tax_id
        self.assertEqual(self._place().amount_total, 60.0)

    def test_fiscal_position_of_a_foreign_client(self):
        for included, guest, foreign in ((False, 72.6, 60.0), (True, 60.0, 49.59)):
            with self.subTest(included=included):
                domestic = self._create_tax(21, included)
                position = self.env["account.fiscal.position"].create(
                    {
                        "name": f"France {included}",
                        "auto_apply": True,
                        "sequence": 0,
                        "country_id": self.country_france.id,
                        "company_id": self.company.id,
                    }
                )
                self._create_tax(0, included).write(
                    {
                        "name": f"Export {included}",
                        "fiscal_position_ids": [Command.set(position.ids)],
                        "original_tax_ids": [Command.set(domestic.ids)],
                    }
                )
                self.service.product_id.taxes_id = domestic
                partner = self.portal_user.partner_id
                partner.country_id = self.country_france
                day = 3 + 2 * included
                booking = self._place(local=f"2026-03-0{day} 09:00")
                self.assertEqual(booking.amount_total, guest, "of a guest: ours")
                booking = self._place(
                    local=f"2026-03-0{day + 1} 09:00", partner=partner
                )
                self.assertEqual(booking.fiscal_position_id, position)
                self._assert_invoiced(booking, foreign)
                self.assertEqual(booking.invoice_id.fiscal_position_id, position)
                position.active = False

    @settings(
        max_examples=25,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(
        cents=st.integers(1, 99999),
        seats=st.integers(1, 7),
        rate=st.sampled_from([0, 5.5, 6, 7.7, 21, 33.33]),
        included=st.booleans(),
        which=st.integers(0, 3),
    )
    def test_invoice_equals_the_frozen_total(self, cents, seats, rate, included, which):
        currency = (self.usd + self.currencies)[which]
        tax = self._create_tax(rate, included)
        values = self.service._compute_totals(
            currency.round(cents * currency.rounding), seats, tax, currency
        )
        booking = (
            self.env["payment.booking"]
            ._editing()
            .create(
                {
                    "service_id": self.service.id,
                    "start": self._utc("2026-03-03 09:00"),
                    "seats": seats,
                    "partner_id": self.partner.id,
                    "currency_id": currency.id,
                    "price_unit": currency.round(cents * currency.rounding),
                    "tax_ids": [Command.set(tax.ids)],
                    **values,
                }
            )
        )
        invoice = self.env["account.move"].create(booking._prepare_invoice_values())
        for name in ("amount_untaxed", "amount_tax", "amount_total"):
            self.assertEqual(
                currency.compare_amounts(invoice[name], booking[name]), 0, name
            )
        invoice.unlink()
        booking.unlink()
        tax.unlink()
