from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tools import format_date, str2bool

from .. import const
from ..tools.amounts import share_out

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
    _inherit = ["account.move", "payment.payable.mixin", "payment.reminder.mixin"]
    _payable_allocation_field = "invoice_id"
    # What staff got in the hand is noted, whether or not it could be paid online.
    _recordable_statuses = (
        *("payable", "details", "processing"),
        *("disputed", "closed"),
    )

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
    has_payment_receipt = fields.Boolean(
        compute="_compute_has_payment_receipt", compute_sudo=True
    )
    payment_refund_count = fields.Integer(
        string="Refunds", compute="_compute_payment_refunds", compute_sudo=True
    )
    can_give_back = fields.Boolean(
        compute="_compute_payment_refunds", compute_sudo=True
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
        if tx_sudo.allocation_ids:
            mine = tx_sudo.allocation_ids & (
                self._get_allocations() | self._get_document_allocations()
            )
            return sum(mine.mapped("amount"))
        # Made by another app: what it does not say can only be all of it.
        return min(tx_sudo.amount, self.amount_residual)

    def _get_payment_transactions(self, states):
        """Return the transactions of the invoice in some states, sudoed.

        Those that other apps started count too, and those that pay what is invoiced.
        """
        self.ensure_one()
        move_sudo = self.sudo()  # neither clients nor staff read transactions
        allocations = self._get_allocations() | self._get_document_allocations()
        txs_sudo = move_sudo.transaction_ids | allocations.transaction_id
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

    # === WHAT IT IS FOR === #

    def _get_documents(self):
        """Return the bookings and requests that it is the invoice of, sudoed.

        :return: a list, for they are of two models.
        """
        self.ensure_one()
        move_sudo = self.sudo()  # who pays an invoice may not read these
        bookings = move_sudo.payment_booking_ids.sorted("id")
        return [*bookings, *move_sudo.payment_request_ids.sorted("id")]

    def _get_document_allocations(self):
        """Return the allocations of what it is the invoice of, sudoed."""
        move_sudo = self.sudo()  # as above
        documents = (move_sudo.payment_booking_ids, move_sudo.payment_request_ids)
        return documents[0].allocation_ids | documents[1].allocation_ids

    def _get_document_shares(self, amount):
        """Return how much of the money of the invoice counts for what it is for.

        What came for a document itself counts for that one, the rest for all of them,
        in proportion of what is left of each. What was credited counts as money: it
        is not owed.

        :param float amount: what the invoice got in all.
        :return: amounts by document, sudoed; together they are that amount, unless the
            invoice says something else than its documents.
        :rtype: dict
        """
        self.ensure_one()
        documents = self._get_documents()
        own = [min(doc._get_own_money(), doc.amount_total) for doc in documents]
        left = [
            max(0.0, document.amount_total - money)
            for document, money in zip(documents, own, strict=True)
        ]
        billed = self.amount_total - sum(own)
        came = max(0.0, min(amount, self.amount_total) - sum(own))
        part = came / billed if self.currency_id.compare_amounts(billed, 0) > 0 else 0
        shares = share_out(part * sum(left), left, self.currency_id)
        return {
            document: self.currency_id.round(money + share)
            for document, money, share in zip(documents, own, shares, strict=True)
        }

    def _get_processing_shares(self):
        """Return how much of what is on its way to the invoice itself counts for what
        it is for, by document.
        """
        processing = super()._get_payable_processing()
        if not processing:
            return {}
        paid = self._get_payable_paid()
        before = self._get_document_shares(paid)
        after = self._get_document_shares(paid + processing)
        return {document: after[document] - before[document] for document in after}

    def _get_refund_shares(self):
        """Return how much of what was paid on the invoice itself, and given back,
        counts for what it is for, by document.
        """
        refunded = sum(
            allocation.transaction_id._get_refunded_share(allocation)
            for allocation in self._get_allocations()
            if allocation.transaction_id._is_money()
        )
        if not refunded:
            return {}
        shares = self._get_document_shares(self._get_payable_paid())
        weights = [
            max(0.0, share - document._get_own_money())
            for document, share in shares.items()
        ]
        refunded = min(refunded, sum(weights))
        return dict(
            zip(shares, share_out(refunded, weights, self.currency_id), strict=True)
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

    # === MAILS WITH THE LINK AND THE TRANSFER === #

    def _get_mail_subject(self):
        """Override to name the invoice."""
        self.ensure_one()
        return self.env._(
            "%(company)s: please pay %(amount)s for invoice %(number)s",
            company=self.company_id.name,
            amount=self._get_mail_amount(),
            number=self.name,
        )

    def _get_mail_lines(self):
        """Override to say what it is for."""
        lines = super()._get_mail_lines()
        what = self._describe_lines()
        if what:
            lines.insert(0, {"label": self.env._("For"), "value": what})
        return lines

    def _describe_lines(self, most=3):
        """Return what the invoice is for, in a few words.

        :param int most: how many of its lines are named.
        """
        lines = self.invoice_line_ids.filtered(
            lambda line: line.display_type == "product" and line.name
        )
        names = list(dict.fromkeys(line.name.splitlines()[0] for line in lines))
        return ", ".join(names[:most]) + (" …" if len(names) > most else "")

    def _on_payment_pending(self, tx_sudo):
        """Override to send the account that a bank transfer goes to, once for all that
        the transfer pays.
        """
        first = tx_sudo.allocation_ids[:1].invoice_id
        for move in self & first:
            if tx_sudo.provider_id._is_slow() and not tx_sudo.bundle_id:
                move._send_mail("payment_booking_portal.mail_template_invoice_transfer")

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

    def _prepare_link_values(self, amount):
        """Override to link the invoice as Odoo does."""
        return {
            **super()._prepare_link_values(amount),
            "invoice_ids": [Command.set(self.ids)],
        }

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

    # === WHAT CAME BEFORE IT === #

    def _post(self, soft=True):
        """Override of `account`: an issued invoice is owed in place of its bookings."""
        posted = super()._post(soft)
        for move_sudo in posted.sudo():  # billing does not write bookings
            if move_sudo.move_type == "out_invoice" and move_sudo.payment_booking_ids:
                move_sudo._take_over_bookings()
        return posted

    def _take_over_bookings(self):
        """Let the money of the bookings count for the invoice, now and later.

        The booking whose payment issues the invoice is being settled: its transactions
        are left alone.
        """
        self.ensure_one()
        bookings = self.payment_booking_ids
        bookings._lock_and_touch()
        settling = self.env.context.get("booking_settling") or ()
        for booking in bookings.filtered(lambda record: record.id not in settling):
            booking._stop_live_transactions()
        for payment, amount in self._get_earlier_payments():
            self._match_payment(payment, amount)
        self._get_pay_url()  # now: the pages of the bookings only read

    def _get_earlier_payments(self):
        """Return the payments of the bookings, with what is left of each for them."""
        amounts = {}
        for allocation in self._get_document_allocations():
            tx_sudo = allocation.transaction_id
            payment = tx_sudo.payment_id
            if tx_sudo.state == "done" and payment:
                kept = allocation.amount - tx_sudo._get_refunded_share(allocation)
                amounts[payment] = amounts.get(payment, 0.0) + kept
        return amounts.items()

    def _match_payment(self, payment, amount):
        """Pay the invoice with what is left of a payment, if that was meant for it.

        :param account.payment payment: sudoed.
        :param float amount: how much of it: a payment with more left, for something
            else or given back since, is for a person to match.
        """
        self.ensure_one()
        if payment.state == "in_process" and not payment.move_id:
            payment.invoice_ids += self  # its journal writes nothing before the bank
            return
        lines = self._get_open_credits().filtered(
            lambda line: line.payment_id == payment
        )
        left = -sum(lines.mapped("amount_residual_currency"))
        if lines and self.currency_id.compare_amounts(left, amount) <= 0:
            self._match_lines(lines)

    def _match_lines(self, lines):
        """Pay the invoice with credits of the client, as billing does with a click.

        :param account.move.line lines: see `_get_open_credits`.
        """
        self.ensure_one()
        for line in lines:
            if not self.currency_id.is_zero(self.amount_residual):
                self.js_assign_outstanding_line(line.id)

    def _get_open_credits(self):
        """Return the credits of the client that can pay the invoice, oldest first,
        sudoed.
        """
        self.ensure_one()
        move_sudo = self.sudo()  # plain users read no journal items
        return move_sudo.env["account.move.line"]._get_open_credits(
            move_sudo.company_id,
            move_sudo.commercial_partner_id,
            move_sudo.currency_id,
            move_sudo.line_ids.filtered(
                lambda line: line.account_id.account_type == "asset_receivable"
            ).account_id,
        )

    # === RECEIPTS === #

    def _get_direct_transactions(self):
        """Return the transactions that paid the invoices themselves, sudoed."""
        txs_sudo = self.env["payment.transaction"].sudo()  # as `_get_allocations`
        return txs_sudo.union(*(move._get_paid_transactions() for move in self))

    def _get_receipt_transactions(self):
        """Override: what paid the bookings paid their invoice."""
        txs_sudo = super()._get_receipt_transactions()
        for document in self._get_documents():
            txs_sudo |= document._get_paid_transactions()
        return txs_sudo.sorted("id")

    @api.depends("allocation_ids.transaction_id.refund_request_ids.state")
    def _compute_payment_refunds(self):
        for move in self:
            txs = move._get_receipt_transactions()
            move.payment_refund_count = len(move._get_refund_requests())
            move.can_give_back = any(tx._get_refundable_amount() for tx in txs)

    @api.depends("allocation_ids.transaction_id.state", "payment_state")
    def _compute_has_payment_receipt(self):
        for move in self:
            move.has_payment_receipt = move.move_type == "out_invoice" and bool(
                move._get_receipt_transactions()
            )

    def _check_receipt_rights(self):
        """Override: plain users read no invoices, and may send what clients paid."""
        if not self.env.user.has_group("payment_booking_portal.group_user"):
            self.check_access("read")
        return super()._check_receipt_rights()

    # === ACTIONS === #

    def action_match_payment_request(self):
        """Pay invoices with the money of the request that the context names."""
        request_id = self.env.context.get("match_request_id")
        request = self.env["payment.request"].browse(request_id).exists()
        for invoice in self:
            request._match_invoice(invoice)

    def _check_office(self):
        """Check that the user may see to the payment of the invoices.

        Plain users read no invoices: the methods that call this act for them.

        :raise AccessError: when they may not.
        """
        user = self.env.user
        if user.has_group("account.group_account_invoice"):
            self.check_access("read")
        elif not user.has_group("payment_booking_portal.group_user"):
            raise AccessError(self.env._("Only staff can do this."))
        for move_sudo in self.sudo():  # as said above
            is_ours = move_sudo.company_id in self.env.companies
            if not is_ours or move_sudo.move_type != "out_invoice":
                raise AccessError(self.env._("This is not an invoice of your company."))

    def _check_asked(self):
        """Check that the client can be asked to pay the invoice.

        :raise UserError: why not.
        """
        self.ensure_one()
        if not self._is_payable_now():
            raise UserError(self._get_payable_error())

    def action_copy_pay_link(self):
        """Copy the address of the pay page.

        :raise UserError: when it cannot be paid, with the reason.
        """
        self.ensure_one()
        if not self.has_access("read"):
            self._check_office()
        move_sudo = self.sudo()  # plain users read no invoices
        move_sudo._check_asked()
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.copy_text",
            "params": {
                "text": move_sudo.get_base_url() + move_sudo._get_pay_url(),
                "message": self.env._("The link is copied."),
            },
        }

    def action_send_payment_link(self):
        """Send the client the link: billing users see the mail first.

        :raise UserError: when it cannot be paid, with the reason.
        """
        self.ensure_one()
        self._check_office()
        move_sudo = self.sudo()  # plain users read no invoices
        move_sudo._check_asked()
        if not move_sudo._get_client_email():
            raise UserError(
                self.env._("The client has no e-mail address. Copy the link instead.")
            )
        if self.env.user.has_group("account.group_account_invoice"):
            return self._open_link_composer()
        email = move_sudo._get_client_email()
        move_sudo._send_mail("payment_booking_portal.mail_template_invoice_link")
        message = self.env._("The link was sent to %(email)s.", email=email)
        move_sudo.message_post(body=message)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": message},
        }

    def _open_link_composer(self):
        """Return the action of Odoo's composer with the mail and its Pay button."""
        template = self.env.ref("payment_booking_portal.mail_template_invoice_link")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the payment link"),
            "res_model": "mail.compose.message",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_template_id": template.id,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": "payment_booking_portal.mail_layout",
                # The link is the client's: in the history, and in nobody's inbox.
                "default_notify_skip_followers": True,
                "force_email": True,
                "hide_mail_template_management_options": True,
            },
        }

    def action_record_payment(self):
        """Open the dialog that notes money received by staff.

        Who has billing rights alone gets Odoo's own.

        :raise UserError: when nothing can be paid, with the reason.
        """
        self.ensure_one()
        self._check_office()
        move_sudo = self.sudo()  # plain users read no invoices
        status = move_sudo._get_payable_status()
        if status not in self._recordable_statuses:
            raise UserError(move_sudo._get_payable_messages()[status])
        if not self.env.user.has_group("payment_booking_portal.group_user"):
            return self.action_register_payment()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Record a payment"),
            "res_model": "payment.invoice.record",
            "views": [(False, "form")],
            "target": "new",
            "context": {"default_invoice_id": self.id},
        }
