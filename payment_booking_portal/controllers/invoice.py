"""Odoo's own ways to pay invoices, guarded like ours: see `account.move`."""

import re

from odoo import http
from odoo.http import request

from odoo.addons.account_payment.controllers.payment import PaymentPortal
from odoo.addons.account_payment.controllers.portal import PortalAccount

from ..exceptions import AlreadyPaid
from .common import read_wish

# Amounts that staff signed in a payment link of Odoo, by invoice.
SIGNED_KEY = "payment_booking_signed"
# What Odoo calls a payment of several invoices, as the page sends it back.
REFERENCE = re.compile(r"[A-Za-z0-9/_-]{1,64}")


class InvoicePayments(PaymentPortal):
    def _process_transaction(
        self, partner_id, currency_id, invoice_ids, payment_reference, **kwargs
    ):
        """Override of `account_payment`, behind both of its routes: amount and state
        are checked under a lock, as on our own pay page.

        :raise UserError: why it cannot be paid.
        """
        moves_sudo = request.env["account.move"].sudo()  # the route checked the access
        invoices_sudo = moves_sudo.browse(invoice_ids)
        wish = read_wish(kwargs.get("amount"))
        signed = request.session.get(SIGNED_KEY) or {}
        try:
            tx_sudo, amounts = invoices_sudo._prepare_native_payment(
                wish,
                signed.get(str(invoices_sudo.id)) if len(invoices_sudo) == 1 else None,
                provider_id=kwargs.get("provider_id"),
                payment_method_id=kwargs.get("payment_method_id"),
                flow=kwargs.get("flow"),
            )
        except AlreadyPaid as error:  # an answer: what was kept is committed
            return {"paid_url": f"{error.document._get_pay_url()}/status"}
        if tx_sudo:
            return tx_sudo._get_processing_values()
        kwargs.update(amount=sum(amounts.values()), is_validation=False)
        if payment_reference and not REFERENCE.fullmatch(str(payment_reference)):
            payment_reference = False  # the numbers of the invoices instead
        request.update_context(pay_invoices={i.id: a for i, a in amounts.items()})
        return super()._process_transaction(
            partner_id, currency_id, invoice_ids, payment_reference, **kwargs
        )

    def _create_transaction(self, *args, custom_create_values=None, **kwargs):
        """Override of `payment` to say which transaction pays how much of what."""
        amounts = request.env.context.get("pay_invoices")
        if amounts:
            custom_create_values = {
                **(custom_create_values or {}),
                "allocation_ids": [
                    (0, 0, {"invoice_id": invoice_id, "amount": amount})
                    for invoice_id, amount in amounts.items()
                ],
            }
        return super()._create_transaction(
            *args, custom_create_values=custom_create_values, **kwargs
        )


class InvoicePages(PortalAccount):
    @http.route()
    def portal_my_invoice_detail(
        self, invoice_id, payment_token=None, amount=None, **kw
    ):
        """Override of `account_payment` to remember the amount that staff signed: the
        parent has checked the signature.
        """
        response = super().portal_my_invoice_detail(
            invoice_id, payment_token=payment_token, amount=amount, **kw
        )
        if amount and response.status_code == 200:
            request.session[SIGNED_KEY] = {
                **(request.session.get(SIGNED_KEY) or {}),
                str(invoice_id): self._cast_as_float(amount),
            }
        return response

    def _overdue_invoices_get_page_view_values(self, overdue_invoices, **kwargs):
        """Override of `account_payment` to ask for what is due, not for the totals."""
        payable = overdue_invoices.filtered(
            lambda invoice: invoice.sudo()._is_payable_now()  # clients read no money
        )
        values = super()._overdue_invoices_get_page_view_values(payable, **kwargs)
        if "payment" in values:
            payable_sudo = payable.sudo()  # as above
            due = sum(invoice._get_payable_amount() for invoice in payable_sudo)
            values["payment"]["amount"] = values["amount"] = due
        return values
