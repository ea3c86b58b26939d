from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import format_date, str2bool

from .. import const

# Whether the client may pay a part.
PART_TYPES = [
    ("company", "As set for the company"),
    ("full", "In full only"),
    ("part", "Part payments allowed"),
]


class AccountMove(models.Model):
    """A customer invoice is a payable: what is due is its residual, less the money that
    is on its way.
    """

    _name = "account.move"
    _inherit = ["account.move", "payment.payable.mixin"]
    _payable_allocation_field = "invoice_id"

    payment_booking_ids = fields.One2many(
        "payment.booking", "invoice_id", string="Bookings", readonly=True
    )
    payment_request_ids = fields.One2many(
        "payment.request", "invoice_id", string="Payment Requests", readonly=True
    )
    allocation_ids = fields.One2many(
        "payment.transaction.allocation", "invoice_id", readonly=True, copy=False
    )
    payment_part = fields.Selection(
        PART_TYPES,
        string="Part Payments",
        required=True,
        default="company",
        help="Whether the client may pay a part of it online.",
    )
    payment_part_percent = fields.Float(
        string="At Least (%)",
        digits=(5, 2),
        help="The least that a client pays at once, in percent of the total. The rest "
        "can always be paid.",
    )
    payment_disputed = fields.Boolean(
        string="Disputed",
        copy=False,
        tracking=True,
        help="It cannot be paid online, and nobody is reminded, until this is settled.",
    )
    payment_disputed_reason = fields.Char(
        string="Reason of the Dispute", copy=False, tracking=True
    )

    _payment_part_percent_range = models.Constraint(
        "CHECK (payment_part_percent BETWEEN 0 AND 100)",
        "A percentage is between 0 and 100.",
    )

    # What `payment.due` looks for when it shows a client what is to pay.
    _unsettled_index = models.Index(
        f"(partner_id) WHERE {const.UNSETTLED_INVOICE % {'row': ''}}"
    )

    @api.constrains("payment_disputed", "payment_disputed_reason")
    def _check_payment_disputed(self):
        for move in self:
            if move.payment_disputed and not move.payment_disputed_reason:
                raise ValidationError(self.env._("Say why the invoice is disputed."))

    # === WHAT IS DUE === #

    def _get_payment_share(self, tx_sudo):
        """Return how much of a transaction is for this invoice, in its currency.

        :param payment.transaction tx_sudo: one that pays it.
        """
        self.ensure_one()
        allocations = tx_sudo.allocation_ids
        if allocations:
            mine = allocations.filtered(lambda line: line.invoice_id == self)
            return sum(mine.mapped("amount"))
        # Made by another app: what it does not say can only be all of it.
        return min(tx_sudo.amount, self.amount_residual)

    def _get_payment_transactions(self, states):
        """Return the transactions of the invoice in some states, sudoed.

        Those that other apps started count too.
        """
        self.ensure_one()
        move_sudo = self.sudo()  # neither clients nor staff read transactions
        txs_sudo = move_sudo.transaction_ids | self._get_allocations().transaction_id
        return txs_sudo.filtered(
            lambda tx: tx.state in states and (not tx.allocation_ids or tx._is_money())
        )

    def _get_payment_unbooked(self):
        """Return the money that is there, and that the residual does not show yet.

        It is not post-processed, or its journal writes nothing before the bank
        statement comes (a payment without journal entry).
        """
        self.ensure_one()
        unbooked = 0.0
        for tx_sudo in self._get_payment_transactions(["done"]):
            if not tx_sudo.is_post_processed and not tx_sudo.payment_id:
                unbooked += self._get_payment_share(tx_sudo)
        for payment in self.sudo().matched_payment_ids:  # clients read no payments
            if payment.state == "in_process" and not payment.move_id:
                tx_sudo = payment.payment_transaction_id
                unbooked += (
                    self._get_payment_share(tx_sudo)
                    if tx_sudo and payment.currency_id == self.currency_id
                    else payment.currency_id._convert(
                        payment.amount, self.currency_id, self.company_id, payment.date
                    )
                )
        return unbooked

    def _get_payable_paid(self):
        """Override: what Odoo has reconciled, and the money that it has not yet."""
        self.ensure_one()
        paid = self.amount_total - self.amount_residual + self._get_payment_unbooked()
        return self.currency_id.round(paid)

    def _get_payable_processing(self):
        """Override to count the payments that other apps started too."""
        self.ensure_one()
        txs_sudo = self._get_payment_transactions(const.COUNTED_TX_STATES)
        return self.currency_id.round(
            sum(self._get_payment_share(tx_sudo) for tx_sudo in txs_sudo)
        )

    def _get_payable_amount(self):
        """Override to take off the discount of who pays early, in full and at once."""
        amount = super()._get_payable_amount()
        terms = self._get_payment_terms()
        if terms.get("installment_state") == "epd" and (
            self.currency_id.compare_amounts(amount, self.amount_residual) == 0
        ):
            return self.currency_id.round(terms["amount_due"])
        return amount

    def _get_payable_account(self):
        """Override: the account that it stands on."""
        lines = self.sudo().line_ids  # clients read no journal items
        terms = lines.filtered(lambda line: line.display_type == "payment_term")
        return terms.account_id[:1] or super()._get_payable_account()

    def _get_payment_terms(self):
        """Return what Odoo says of instalments and discounts; empty before posting."""
        self.ensure_one()
        if self.state != "posted":
            return {}
        return self.sudo()._get_invoice_next_payment_values()  # clients read no terms

    def _get_payable_own_status(self):
        """Override: only a posted customer invoice is paid online."""
        if self.state == "cancel":
            return "withdrawn"
        if self.state != "posted" or self.move_type != "out_invoice":
            return "draft"
        if self.payment_disputed or self.payment_state == "blocked":
            return "disputed"
        return "payable" if self._is_portal_payment_enabled() else "closed"

    @api.model
    def _is_portal_payment_enabled(self):
        """Tell whether Odoo's setting lets clients pay invoices online."""
        parameters_sudo = self.env["ir.config_parameter"].sudo()  # guests read none
        enabled = parameters_sudo.get_param("account_payment.enable_portal_payment")
        return str2bool(enabled or "", False)

    def _get_payable_status(self):
        """Override: what was credited is not owed, and was not paid either."""
        if self.payment_state == "reversed":
            return "nothing"
        if self.state != "posted" or self.move_type != "out_invoice":
            return self._get_payable_own_status()
        return super()._get_payable_status()

    def _get_payable_messages(self):
        """Override to name what only invoices have."""
        return {
            **super()._get_payable_messages(),
            "draft": self.env._("This invoice is not issued yet."),
            "withdrawn": self.env._("This invoice was cancelled."),
            "disputed": self.env._(
                "This invoice is being checked. Please contact us before you pay it."
            ),
            "closed": self.env._("Invoices cannot be paid online at the moment."),
        }

    # === WHAT THE CLIENT READS === #

    def _get_payable_title(self):
        """Override: the number, as the client finds it on the paper."""
        return self.env._("Invoice %(number)s", number=self.name)

    def _get_payable_reference(self):
        """Override: the number alone, as it stands on a bank statement."""
        return self.name

    def _get_payable_lines(self):
        """Override: total, what is paid, discount, and the due date."""
        move = self.sudo()  # guests read their own invoice by its link
        lines = [{"label": self.env._("Total"), "amount": move.amount_total}]
        paid = move._get_payable_paid()
        if not move.currency_id.is_zero(paid):
            lines.append({"label": self.env._("Paid"), "amount": paid})
        processing = move._get_payable_processing()
        if not move.currency_id.is_zero(processing):
            lines.append({"label": self.env._("Being paid"), "amount": processing})
        terms = move._get_payment_terms()
        if move._get_payable_amount() != move.currency_id.round(
            move.amount_total - paid - processing
        ):
            lines.append({"label": terms["epd_discount_msg"], "value": ""})
        if move.invoice_date_due:
            due = format_date(self.env, move.invoice_date_due, date_format="long")
            lines.append({"label": self.env._("Due"), "value": due})
        return lines

    def _get_payable_done_url(self):
        """Override: the receipt."""
        return f"{self._get_pay_url()}/receipt"

    def _get_invoice_url(self):
        """Override: Odoo's own page of it."""
        return self.sudo().get_portal_url()  # its token is for who has ours

    def _get_payable_form(self):
        """Override for the form of invoices."""
        company_sudo = self.company_id.sudo()  # guests read no companies
        own = company_sudo.booking_invoice_form_id.filtered("active")
        return own or super()._get_payable_form()

    def _is_payer_proved(self, user):
        """Override: the link of an invoice comes from staff."""
        return bool(self.partner_id)

    # === MAIL AND PDF === #

    @api.depends("payment_state", "payment_disputed")
    def _compute_display_link_qr_code(self):
        """Override of `account`: no code on a PDF that leads to no payment."""
        result = super()._compute_display_link_qr_code()
        for move in self.filtered("display_link_qr_code"):
            move.display_link_qr_code = move._is_payable_now()
        return result

    def _get_portal_payment_link(self):
        """Override of `account_payment`: straight to the pay page."""
        self.ensure_one()
        if not self._is_payable_now():
            return super()._get_portal_payment_link()
        return self.get_base_url() + self._get_pay_url()

    def _notify_by_email_prepare_rendering_context(self, message, **kwargs):
        """Override of `account` to have a button that leads to the pay page."""
        context = super()._notify_by_email_prepare_rendering_context(message, **kwargs)
        if self._is_payable_now():
            move = self.with_context(lang=context.get("lang") or self.env.lang)
            amount = move._format_amount(move._get_payable_amount())
            context["pay_button"] = {
                "url": move._get_portal_payment_link(),
                "title": move.env._("Pay %(amount)s", amount=amount),
            }
        return context

    # === PAYING A PART === #

    def _is_part_allowed(self):
        """Tell whether the client may choose how much to pay."""
        self.ensure_one()
        company_sudo = self.company_id.sudo()  # guests read no companies
        allowed = {"full": False, "part": True}
        return allowed.get(self.payment_part, company_sudo.booking_part_payments)

    def _get_part_minimum(self):
        """Return the least that may be paid now: the last rest is always payable."""
        self.ensure_one()
        company_sudo = self.company_id.sudo()  # guests read no companies
        percent = company_sudo.booking_part_percent
        if self.payment_part == "part":
            percent = self.payment_part_percent
        currency = self.currency_id
        least = max(
            currency.round(self.amount_total * percent / 100.0), currency.rounding
        )
        return min(least, self._get_payable_amount())

    def _get_payable_choices(self):
        """Override: in full, the next instalment, or an amount of the client."""
        self.ensure_one()
        currency = self.currency_id
        due = self._get_payable_amount()
        choices = [
            {"key": "full", "label": self.env._("In full"), "amount": due},
        ]
        terms = self._get_payment_terms()
        part = terms.get("next_amount_to_pay") or 0.0
        untouched = currency.compare_amounts(due, self.amount_residual) == 0
        if terms.get("installment_state") in ("overdue", "next") and untouched:
            if currency.compare_amounts(part, due) < 0:
                day = format_date(self.env, terms["next_due_date"])
                label = (
                    self.env._("What is overdue")
                    if terms["installment_state"] == "overdue"
                    else self.env._("Due on %(date)s", date=day)
                )
                choices.append({"key": "next", "label": label, "amount": part})
        least = self._get_part_minimum()
        if self._is_part_allowed() and currency.compare_amounts(least, due) < 0:
            choices.append(
                {
                    "key": "own",
                    "label": self.env._("Another amount"),
                    "amount": 0.0,
                    "help": self.env._(
                        "From %(low)s to %(high)s",
                        low=self._format_amount(least),
                        high=self._format_amount(due),
                    ),
                }
            )
        return choices if len(choices) > 1 else []

    def _check_payable_part(self, amount):
        """Override: one of the choices, or the client's amount within its limits."""
        self.ensure_one()
        currency = self.currency_id
        due = self._get_payable_amount()
        choices = self._get_payable_choices()
        if any(
            choice["key"] != "own"
            and currency.compare_amounts(choice["amount"], amount) == 0
            for choice in choices
        ):
            return False
        if all(choice["key"] != "own" for choice in choices):
            return super()._check_payable_part(amount)
        if abs(amount - currency.round(amount)) > 1e-9:
            return self.env._(
                "%(currency)s has no such fractions.", currency=currency.name
            )
        low = self._get_part_minimum()
        if currency.compare_amounts(amount, low) < 0 or (
            currency.compare_amounts(amount, due) > 0
        ):
            return self.env._(
                "You can pay from %(low)s to %(high)s.",
                low=self._format_amount(low),
                high=self._format_amount(due),
            )
        return False

    # === THE MONEY === #

    def _get_blocking_transactions(self):
        """Override: what is on its way is taken off, the rest may be paid."""
        return (
            super()
            ._get_blocking_transactions()
            .filtered(lambda tx: tx.state not in const.COUNTED_TX_STATES)
        )

    def _prepare_payment_values(self, client_key, wish=None):
        """Override to link the invoice as Odoo does."""
        values = super()._prepare_payment_values(client_key, wish)
        values["custom_create_values"]["invoice_ids"] = [(6, 0, self.ids)]
        return values

    def _prepare_native_payment(
        self, wish, signed=None, *, provider_id=None, payment_method_id=None, flow=None
    ):
        """Check and lock invoices that one of Odoo's own routes is about to have paid.

        :param float wish: the amount that the client sent; None: all that is due.
        :param float signed: an amount that staff asked for with a link of Odoo.
        :return: the transaction to use again, if there is one, and how much is paid of
            each invoice.
        :rtype: tuple
        :raise UserError: why they cannot be paid.
        """
        self._lock_and_touch()
        payable = self.filtered(lambda move: not move._get_payable_error())
        if not payable:
            raise UserError(
                self[:1]._get_payable_error() or self.env._("There is nothing to pay.")
            )
        if len(self) > 1:
            amounts = {move: move._get_payable_amount() for move in payable}
            total, currency = sum(amounts.values()), payable.currency_id
            if wish is None or currency.compare_amounts(wish, total):
                raise UserError(
                    self.env._("What is due has changed. Please load the page again.")
                )
            for move in payable:
                for tx_sudo in move._get_blocking_transactions():
                    move._cancel_or_block(tx_sudo)
            return self.env["payment.transaction"], amounts
        due = self._get_payable_amount()
        by_staff = (
            wish is not None
            and signed
            and self.currency_id.compare_amounts(wish, signed) == 0
            and self.currency_id.compare_amounts(wish, due) <= 0
        )
        error = wish is not None and not by_staff and self._check_payable_part(wish)
        if error:
            raise UserError(error)
        amount = due if wish is None else self.currency_id.round(wish)
        tx_sudo = self._take_over(provider_id, payment_method_id, flow, amount)
        return tx_sudo, {self: amount}

    def _on_payment_done(self, tx_sudo):
        """Override: money for what is not owed any more is for a person to decide.

        It is kept as the client's credit. Odoo would post a draft invoice for it.
        """
        result = super()._on_payment_done(tx_sudo)
        share = self._get_payment_share(tx_sudo)
        if self.state != "posted":
            tx_sudo.invoice_ids -= self
            self._flag_attention(
                "paid_cancelled",
                self.env._(
                    "%(amount)s came for an invoice that is not issued. Decide what "
                    "becomes of it.",
                    amount=self._format_amount(share),
                ),
            )
        elif self.currency_id.compare_amounts(share, self.amount_residual) > 0:
            self._flag_attention(
                "second_payment",
                self.env._(
                    "%(amount)s came, and only %(due)s was due. Decide what becomes of "
                    "the rest.",
                    amount=self._format_amount(share),
                    due=self._format_amount(self.amount_residual),
                ),
            )
        return result

    def _flag_attention(self, reason, message):
        """Override to give the responsible an activity."""
        result = super()._flag_attention(reason, message)
        for move in self.sudo():  # clients write no activities
            move.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=str(dict(const.ATTENTION_REASONS)[reason]),
                note=message,
                user_id=(move.invoice_user_id.id or self.env.ref("base.user_admin").id),
            )
        return result

    # === ACTIONS === #

    def action_match_payment_request(self):
        """Pay invoices with the money of the request that the context names."""
        request_id = self.env.context.get("match_request_id")
        request = self.env["payment.request"].browse(request_id).exists()
        for invoice in self:
            request._match_invoice(invoice)

    def action_copy_pay_link(self):
        """Copy the address of the pay page.

        :raise UserError: when it cannot be paid, with the reason.
        """
        self.ensure_one()
        self.check_access("read")
        error = self._get_payable_error()
        if error and self._get_payable_status() != "details":
            raise UserError(error)
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.copy_text",
            "params": {
                "text": self.get_base_url() + self._get_pay_url(),
                "message": self.env._("The link is copied."),
            },
        }
