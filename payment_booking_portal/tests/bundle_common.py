"""What the tests of several payments at once share."""

import re

from odoo.fields import Command

from .common import BookingCommon


class BundleCommon(BookingCommon):
    """Documents of one client, and what becomes of them."""

    def _invoice(self, amounts, **values):
        invoice = self._create_invoice(amounts, **values)
        invoice.action_post()
        return invoice

    def _booking(self, local="2026-03-16 09:00", policy="suggested", **values):
        service = self._create_service(f"Talk {local}", fee_policy=policy, **values)
        return self._place(service, local, partner=self.partner)

    def _request(self, amount=80.0, **values):
        request = self.env["payment.request"].create(
            {
                "partner_id": self.partner.id,
                "company_id": self.company.id,
                "currency_id": self.company.currency_id.id,
                "amount": amount,
                "reason": "Consulting",
                **values,
            }
        )
        request.action_make_link()
        return request.sudo()

    def _bundle(self, *documents, count=1, **kwargs):
        """Return what documents are paid with."""
        self.env.flush_all()
        bundles = self.env["payment.bundle"]._make_for(
            [document.sudo() for document in documents], **kwargs
        )
        self.assertEqual(len(bundles), count)
        return bundles

    def _shares(self, tx):
        """Return how much a transaction pays of what."""
        return {line._get_document(): line.amount for line in tx.allocation_ids}

    def _owe_in_odd_currencies(self):
        """Let the client owe money without decimals, and with three of them.

        :return: by code: the currency, two invoices (the first one late, of which a
            part is on its way), and in digits what is due, late, and on its way.
        :rtype: dict
        """
        owed = {}
        for code, amounts, part, digits in (
            ("JPY", (1000.0, 333.0), 400.0, ("933", "600", "400")),
            ("KWD", (10.125, 0.005), 0.125, ("10.005", "10.000", "0.125")),
        ):
            currency = self._enable_currency(code)
            currency.rate_ids.unlink()
            currency.rate_ids = [Command.create({"name": "2026-01-01", "rate": 2})]
            first, second = (
                self._invoice(
                    [amount],
                    invoice_date_due=day,
                    currency_id=currency.id,
                    payment_part="part",
                    payment_part_percent=1,
                )
                for amount, day in zip(
                    amounts, ("2026-02-20", "2026-03-20"), strict=True
                )
            )
            tx = self._start_payment(first, amount=part)
            tx.allocation_ids.amount = part
            tx._set_pending()
            owed[code] = (currency, (first, second), digits)
        self.env.flush_all()
        return owed

    def _digits(self, text):
        """Return the amounts in a text, with their decimals."""
        return re.findall(r"\d+(?:,\d{3})*(?:\.\d+)?", text)

    def _assert_settled(self, owed):
        """Check that all of it is paid, or on its way: not a coin more or less."""
        for code, (currency, invoices, _digits) in owed.items():
            for invoice in invoices:
                left = invoice._get_payable_amount()
                self.assertTrue(currency.is_zero(left), f"{code}: {left}")
                waited = invoice._get_payable_processing()
                self.assertFalse(
                    currency.compare_amounts(invoice.amount_residual, waited), code
                )

    def _discount_term(self, computation="included"):
        """Return payment terms with 2 % off for who pays within ten days."""
        return self.env["account.payment.term"].create(
            {
                "name": "2 % in 10 days",
                "early_discount": True,
                "discount_percentage": 2,
                "discount_days": 10,
                "early_pay_discount_computation": computation,
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 100, "nb_days": 30}
                    )
                ],
            }
        )
