"""What the tests of several payments at once share."""

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
