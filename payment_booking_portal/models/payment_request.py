import logging
from datetime import timedelta
from urllib.parse import urlsplit

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_date

from .. import const
from ..gateways import PAID
from ..tools.numbers import format_typed_number, parse_number
from ..tools.taxes import compute_totals

_logger = logging.getLogger(__name__)

# Facts that only our methods change: what became of the request.
PROTECTED_FIELDS = {
    "name",
    "state",
    "sent_at",
    "opened_at",
    "started_at",
    "cancelled_at",
    "is_expired",
    "amount_typed",
    "reason_typed",
    "invoice_id",
    "allocation_ids",
    "form_answer_ids",
    "form_submission_ids",
    "client_key",
    "direct_link_id",
    "return_url",
    "visitor_key",
    "request_key",
    "unused_money",
}
# Open in a draft, protected once the client was asked.
PROTECTED_ONCE_SENT = {
    "company_id",
    "partner_id",
    "currency_id",
    "amount",
    "amount_min",
    "amount_max",
    "reason",
    "line_ids",
    "fiscal_position_id",
    "amount_untaxed",
    "amount_tax",
    "amount_total",
}


class PaymentRequest(models.Model):
    """Money asked from one client: products with their taxes, or a bare amount.

    Its facts are separate: sent, opened, expired, cancelled, and what was paid. The
    state only sums them up.
    """

    _name = "payment.request"
    _description = "Payment Request"
    _inherit = [
        "payment.terms.mixin",
        "payment.document.mixin",
        "payment.share.mixin",
    ]
    _order = "id desc"
    _payable_allocation_field = "request_id"
    _document_sequence = "payment.request"
    _protected_fields = PROTECTED_FIELDS
    _fresh_link_template = "payment_booking_portal.mail_template_request_fresh"

    # === FIELDS === #

    # What is asked for
    line_ids = fields.One2many("payment.request.line", "request_id", copy=True)
    amount = fields.Monetary(
        help="Without products. Leave it empty to let the client type the amount."
    )
    amount_min = fields.Monetary(string="At Least")
    amount_max = fields.Monetary(string="At Most")
    amount_typed = fields.Monetary(
        string="Amount of the Client", readonly=True, copy=False
    )
    reason = fields.Char(
        help="What the money is for. Leave it empty to let the client say it."
    )
    reason_typed = fields.Char(string="Reason of the Client", readonly=True, copy=False)
    message = fields.Text(help="A few words to the client, in the mail.")
    fiscal_position_id = fields.Many2one(
        compute="_compute_fiscal_position_id", store=True, precompute=True, copy=True
    )
    amount_untaxed = fields.Monetary(compute="_compute_amount_total", store=True)
    amount_tax = fields.Monetary(compute="_compute_amount_total", store=True)
    amount_total = fields.Monetary(
        compute="_compute_amount_total", store=True, tracking=True
    )
    # Unlike a booking's, these depend on lines: Odoo computes them after the creation.
    payment_coverage = fields.Selection(precompute=False)
    amount_paid = fields.Monetary(precompute=False)
    amount_due = fields.Monetary(precompute=False)
    allocation_ids = fields.One2many(
        "payment.transaction.allocation", "request_id", readonly=True
    )

    # What the client fills in
    form_answer_ids = fields.One2many(
        "payment.form.answer",
        "request_id",
        string="Answers",
        readonly=True,
        groups="payment_booking_portal.group_user",
    )
    form_submission_ids = fields.One2many(
        "payment.form.submission",
        "request_id",
        string="Forms Sent",
        readonly=True,
        groups="payment_booking_portal.group_manager",
    )

    # When
    due_date = fields.Date(copy=False, tracking=True, index=True)
    expires_at = fields.Datetime(
        string="Link Valid Until",
        copy=False,
        tracking=True,
        help="The client cannot pay by the link any more then. Empty: no limit.",
    )
    sent_at = fields.Datetime(string="Sent", readonly=True, copy=False)
    opened_at = fields.Datetime(
        string="Opened",
        readonly=True,
        copy=False,
        help="When the client first looked at the pay page for two seconds.",
    )
    started_at = fields.Datetime(
        string="Payment Started",
        readonly=True,
        copy=False,
        help="When the client first chose a way to pay.",
    )
    cancelled_at = fields.Datetime(readonly=True, copy=False)
    is_expired = fields.Boolean(string="Expired", readonly=True, copy=False)
    state = fields.Selection(
        const.REQUEST_STATES,
        group_expand=True,
        compute="_compute_state",
        store=True,
        readonly=True,
        index=True,
        tracking=True,
        default="draft",
    )
    client_key = fields.Char(
        readonly=True,
        copy=False,
        index="btree_not_null",
        groups="base.group_system",
        help="Keyed hash of the address that made the request, for the rate limit.",
    )

    # Who filled it in on a direct link
    visitor_key = fields.Char(readonly=True, copy=False, groups="base.group_system")
    request_key = fields.Char(readonly=True, copy=False, groups="base.group_system")

    # For the form
    warning = fields.Text(compute="_compute_warning")
    partner_owes = fields.Char(compute="_compute_partner_owes")
    title = fields.Char(string="For", compute="_compute_title")
    paid_at = fields.Datetime(compute="_compute_paid_at", compute_sudo=True)
    url = fields.Char(groups="payment_booking_portal.group_user")
    qr_png = fields.Binary(groups="payment_booking_portal.group_user")
    qr_svg = fields.Binary(groups="payment_booking_portal.group_user")

    # What an advance can pay
    credit_left = fields.Monetary(
        compute="_compute_open_invoice_ids", groups="account.group_account_invoice"
    )
    open_invoice_ids = fields.Many2many(
        "account.move",
        compute="_compute_open_invoice_ids",
        groups="account.group_account_invoice",
    )
    matched_invoice_ids = fields.Many2many(
        "account.move",
        compute="_compute_open_invoice_ids",
        groups="account.group_account_invoice",
    )

    _expiry_index = models.Index(
        "(expires_at) WHERE state = 'sent' AND expires_at IS NOT NULL"
    )
    # One unpaid use per visitor of a direct link; the same form sent twice makes one.
    _unsettled_index = models.Index(
        f"(partner_id) WHERE {const.UNSETTLED_DOCUMENT % {'row': ''}}"
    )
    _visitor_uniq = models.UniqueIndex(
        "(visitor_key, direct_link_id) WHERE visitor_key IS NOT NULL"
    )
    _request_uniq = models.UniqueIndex("(request_key) WHERE request_key IS NOT NULL")
    _amount_not_negative = models.Constraint(
        "CHECK (amount >= 0 AND amount_min >= 0 AND amount_max >= 0"
        " AND amount_typed >= 0)",
        "An amount cannot be negative.",
    )

    # === COMPUTE METHODS === #

    @api.depends("partner_id", "company_id")
    def _compute_fiscal_position_id(self):
        FiscalPosition = self.env["account.fiscal.position"].sudo()  # users read none
        for request in self:
            position = FiscalPosition.with_company(request.company_id)
            request.fiscal_position_id = (
                position._get_fiscal_position(request.partner_id.sudo())
                if request.partner_id
                else False
            )

    @api.depends(
        "amount",
        "amount_typed",
        "currency_id",
        "line_ids.quantity",
        "line_ids.price_unit",
        "line_ids.tax_ids",
    )
    def _compute_amount_total(self):
        for request in self:
            if request.line_ids:
                request.update(
                    compute_totals(
                        [line._prepare_base_line() for line in request.line_ids],
                        request.company_id.sudo(),  # taxes of its countries
                        request.currency_id,
                    )
                )
                continue
            request.amount_untaxed = request.amount_tax = 0.0
            request.amount_total = request.amount or request.amount_typed

    @api.depends(
        "sent_at",
        "cancelled_at",
        "is_expired",
        "amount_total",
        "amount_paid",
        "payment_coverage",
    )
    def _compute_state(self):
        for request in self:
            coverage = request.payment_coverage
            if request.cancelled_at:
                request.state = "cancelled"
            elif coverage in ("paid", "refunded", "partly_refunded"):
                request.state = "paid"  # what was given back is another fact
            elif request.amount_paid:
                request.state = "part"
            elif request.is_expired:
                request.state = "expired"
            else:
                request.state = "sent" if request.sent_at else "draft"

    @api.depends("name", "reason", "reason_typed", "client_name")
    def _compute_display_name(self):
        for request in self:
            reference = request.name != "/" and request.name
            what = request.reason or request.reason_typed
            parts = [reference, what, request.client_name]
            request.display_name = " – ".join(filter(None, parts)) or self.env._("New")

    def _compute_access_url(self):
        result = super()._compute_access_url()
        for request in self:
            request.access_url = f"/my/requests/{request.id}"
        return result

    @api.depends(
        "state", "currency_id", "company_id", "amount_total", "amount_min", "amount_max"
    )
    def _compute_warning(self):
        for request in self:
            request.warning = request._get_unpayable_warning()

    @api.depends("partner_id", "company_id")
    def _compute_partner_owes(self):
        for request in self:
            request.partner_owes = bool(request.partner_id) and (
                request.partner_id._describe_dues(
                    request.company_id & self.env.companies, request._origin
                )
            )

    @api.depends("reason", "reason_typed", "line_ids.product_id")
    def _compute_title(self):
        for request in self:
            names = request.line_ids.product_id.mapped("display_name")
            request.title = request.reason or request.reason_typed or ", ".join(names)

    @api.depends("allocation_ids.transaction_id.last_state_change")
    def _compute_paid_at(self):
        for request in self:
            done = request.allocation_ids.transaction_id.filtered(
                lambda tx: tx.state == "done"
            )
            moments = done.mapped("last_state_change")
            request.paid_at = max(moments) if moments else False

    @api.depends("sent_at")
    def _compute_url(self):
        return super()._compute_url()

    @api.depends("state", "partner_id", "allocation_ids")
    @api.depends_context("uid")
    def _compute_open_invoice_ids(self):
        for request in self:
            lines = request._get_credit_lines()
            request.credit_left = -sum(lines.mapped("amount_residual_currency"))
            request.open_invoice_ids = request._get_open_invoices(lines)
            request.matched_invoice_ids = (
                request._get_advances().reconciled_invoice_ids.sudo(False)
            )

    # === CONSTRAINTS === #

    @api.constrains("amount_min", "amount_max", "currency_id")
    def _check_limits(self):
        for request in self:
            too_low = request.currency_id.compare_amounts(
                request.amount_max, request.amount_min
            )
            if request.amount_max and too_low < 0:
                raise ValidationError(
                    self.env._("The highest amount is below the lowest one.")
                )

    @api.constrains("partner_id", "company_id")
    def _check_partner_company(self):
        for request in self:
            partner_company = request.partner_id.company_id
            if partner_company and partner_company != request.company_id:
                raise ValidationError(
                    self.env._("This client belongs to another company.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to number requests, and to keep what only we set."""
        for vals in vals_list:
            if not self._is_protected_edit():
                self._check_protected(vals)
            if vals.get("name", "/") == "/":
                vals["name"] = self._next_number()
        requests = super().create(vals_list)
        requests._note_event("created")
        return requests

    def write(self, vals):
        """Override: what a client was asked for stays as it is."""
        if not self._is_protected_edit():
            self._check_protected(vals)
            if any(request.sent_at or request.cancelled_at for request in self):
                self._check_protected(vals, PROTECTED_ONCE_SENT)
        result = super().write(vals)
        if "expires_at" in vals and not self._is_protected_edit():
            self._update_expiry()
        return result

    def _check_lines_open(self):
        """Refuse to change the lines of requests that a client was sent."""
        if not self._is_protected_edit() and any(
            request.sent_at or request.cancelled_at for request in self
        ):
            self._refuse_protected("line_ids")

    @api.ondelete(at_uninstall=False)
    def _unlink_except_sent(self):
        if any(request.state in ("sent", "part", "paid") for request in self):
            raise UserError(self.env._("Cancel a request before you delete it."))
        if any(request.sudo().allocation_ids for request in self):  # for plain users
            raise UserError(
                self.env._("A request that somebody paid for cannot be deleted.")
            )

    # === PAYABLE === #

    def _get_payable_title(self):
        """Override: the reason, or what is sold."""
        names = self.line_ids.product_id.sudo().mapped("display_name")  # guests: none
        return (
            self.reason
            or self.reason_typed
            or ", ".join(names)
            or self.env._("Payment to %(company)s", company=self.company_id.sudo().name)
        )

    def _get_payable_lines(self):
        """Override to list the products, taxes and dates."""
        request = self.sudo()  # guests read the lines of their own request
        lines = [
            {"label": line._get_label(), "amount": line.price_total}
            for line in request.line_ids
        ]
        if request.amount_tax:
            lines += [
                {"label": self.env._("Without tax"), "amount": request.amount_untaxed},
                {"label": self.env._("Tax"), "amount": request.amount_tax},
            ]
        if request.amount_paid:
            lines.append({"label": self.env._("Paid"), "amount": request.amount_paid})
        if self.due_date:
            due = format_date(self.env, self.due_date, date_format="long")
            lines.append({"label": self.env._("Due"), "value": due})
        lines.append({"label": self.env._("Reference"), "value": self.name})
        return lines

    def _get_payable_reference(self):
        """Override: the number alone, as it stands on a bank statement."""
        return self.name

    def _is_amount_open(self):
        """Tell whether the client types the amount."""
        self.ensure_one()
        return not self.line_ids and not self.amount

    def _is_reason_open(self):
        """Tell whether the client says what the money is for."""
        self.ensure_one()
        return not self.line_ids and not self.reason

    def _is_over(self):
        """Tell whether the link ran out. After the first money a person decides, and
        what is being paid may be paid to its end.
        """
        self.ensure_one()
        if not self.expires_at or self.expires_at > fields.Datetime.now():
            return False
        return not self._get_payable_paid() and not self._get_payable_processing()

    def _get_payable_own_status(self):
        """Override: a draft, expired or cancelled request has a dead link."""
        if self.state == "paid":
            return "paid"  # perhaps given back since
        if self.cancelled_at or not self.sent_at or self._is_over():
            return "dead"
        link_sudo = self.direct_link_id.sudo()  # clients read no links
        closed = link_sudo and link_sudo._get_closed_key(besides=self)
        if closed:
            return "used_up" if closed == "used_up" else "link_closed"
        return "payable"

    def _get_payable_status(self):
        """Override: before the client typed an amount the total is nothing."""
        if self._is_amount_open() and not self.amount_typed:
            status = self._get_payable_own_status()
            return "details" if status == "payable" else status
        return super()._get_payable_status()

    def _get_payable_messages(self):
        """Override to name what only requests have."""
        return {
            **super()._get_payable_messages(),
            "dead": self.env._("This link is no longer valid."),
            "details": self.env._("Type the amount that you want to pay."),
            "link_closed": self.env._("This link is closed. You were not charged."),
            "used_up": self.env._(
                "Somebody was quicker: this cannot be paid any more. You were not "
                "charged."
            ),
        }

    def _record_payment(self, amount, payment_method, date=None, note=None):
        """Override: what staff received is the amount that was left open."""
        blank = self._is_amount_open() and not self.amount_typed
        if blank and self._get_payable_status() == "details":
            self._editing().amount_typed = self.currency_id.round(amount)
        return super()._record_payment(amount, payment_method, date, note)

    def _get_payable_done_url(self):
        """Override: the receipt."""
        return f"{self._get_pay_url()}/receipt"

    def _on_payment_started(self, tx_sudo):
        """Override to keep when the client first chose a way to pay."""
        self._note_event("payment_started", tx=tx_sudo)
        if not self.started_at:
            self._editing().started_at = fields.Datetime.now()

    def _on_payment_pending(self, tx_sudo):
        """Override to send the account that a bank transfer goes to."""
        for request in self:
            if tx_sudo.provider_id._is_slow() and not tx_sudo.bundle_id:
                request._send_mail(
                    "payment_booking_portal.mail_template_request_transfer"
                )

    def _on_payment_done(self, tx_sudo):
        """Override to write to the client, and to tell staff what was not awaited."""
        result = super()._on_payment_done(tx_sudo)
        if self.cancelled_at:
            # The robot: it is no decision of who happens to look at the payment.
            request = self.with_user(SUPERUSER_ID)._editing()
            request = request.with_context(lang=self._get_house_lang())
            request._decide_unused_money(
                self.company_id.booking_late_money,
                request.env._("Paid after it was cancelled"),
                "paid_cancelled",
                request.env._(
                    "%(amount)s came for a cancelled request.",
                    amount=request._format_amount(tx_sudo._get_document_share(self)),
                ),
                tx_sudo,
            )
        self._flag_used_up(tx_sudo)
        self._prepare_signup()
        return result

    def _settle(self, tx_sudo):
        """Override to send the receipt once there is an invoice."""
        invoice = super()._settle(tx_sudo)
        if self.env.context.get("booking_receipt", True):
            self._attempt(
                "confirm_failed",
                self._send_mail,
                "payment_booking_portal.mail_template_request_receipt",
            )
        return invoice

    # === DIRECT LINKS === #

    def _get_rate_domain(self):
        """Override: all uses of a link by an address count together."""
        link = self.direct_link_id
        if not link:
            return super()._get_rate_domain()
        return Domain("allocation_ids.request_id.direct_link_id", "=", link.id)

    def _get_payable_thanks(self):
        """Override: the words of the direct link."""
        return self.direct_link_id.sudo().thanks or super()._get_payable_thanks()

    def _get_payable_return_url(self):
        """Override: without a page that the client left, the address that staff set on
        the direct link.
        """
        return (
            super()._get_payable_return_url()
            or self.direct_link_id.sudo().return_url  # clients read no links
        )

    def _get_payable_again_url(self):
        """Override: whoever filled in a direct link fills it in again."""
        link_sudo = self.direct_link_id.sudo()  # clients read no links
        fresh = link_sudo and not self._has_payment_started()
        return bool(fresh) and urlsplit(link_sudo.url).path

    def _get_payable_closing_message(self):
        """Override: as on the page of the direct link."""
        return self.direct_link_id.sudo().closing_message  # clients read no links

    def _prepare_payment(self, *args, **kwargs):
        """Override to lock a link that counts its payments, always before the request:
        of two who take its last one, the loser starts over and reads that it is gone.
        """
        self.direct_link_id.sudo()._lock_limit()  # clients read no links
        return super()._prepare_payment(*args, **kwargs)

    def _lock_to_settle(self):
        """Override to lock a link that counts its payments first."""
        self.direct_link_id.sudo()._lock_limit()  # clients read no links
        return super()._lock_to_settle()

    def _flag_used_up(self, tx_sudo):
        """Tell staff of money that came when a link had no payment left."""
        link_sudo = self.direct_link_id.sudo()  # clients read no links
        most = link_sudo.max_payments
        if most and link_sudo._count_uses(besides=self, started=False) >= most:
            self._flag_attention(
                "link_used_up",
                self.env._(
                    "%(amount)s came when all payments of the link were used up. "
                    "Decide whether it is given back.",
                    amount=self._format_amount(tx_sudo._get_document_share(self)),
                ),
            )

    def _is_same_use(self, values, total):
        """Tell whether a visitor of a direct link says the same again.

        :param dict values: of the request that would be made.
        :param float total: its amount.
        """
        self.ensure_one()
        given = ("guest_name", "guest_email", "guest_phone", "reason", "reason_typed")
        return (
            self.currency_id.id == values["currency_id"]
            and not self.currency_id.compare_amounts(self.amount_total, total)
            and all((self[name] or "") == (values[name] or "") for name in given)
            and (not values["partner_id"] or self.partner_id.id == values["partner_id"])
        )

    def _use_again(self, values, total):
        """Return the request with what its visitor says now; empty if that takes a new
        one, since money came or may come for what they said before.

        :param dict values: of the request that would be made.
        :param float total: its amount.
        """
        self.ensure_one()
        status = self._get_payable_status()
        if self._is_same_use(values, total) and status in ("payable", "processing"):
            self.write({"expires_at": values["expires_at"]})
            return self
        over = self.cancelled_at or self._get_payable_paid() or status == "processing"
        if over or self._stop_live_transactions():
            self.visitor_key = False
            self.flush_recordset(["visitor_key"])  # before the new one takes it
            return self.browse()
        given = ("guest_name", "guest_email", "guest_phone")
        if all((self[name] or "") == (values[name] or "") for name in given):
            values = {
                **values,
                "partner_id": values["partner_id"] or self.partner_id.id,
            }
        self.line_ids.unlink()
        self.write({**values, "is_expired": False})
        return self

    def _get_staff_to_tell(self, event):
        """Override: who follows a direct link hears of its payments.

        Visitors who leave are nobody's business.
        """
        partners = super()._get_staff_to_tell(event)
        link_sudo = self.direct_link_id.sudo()  # clients read no links
        if not link_sudo:
            return partners
        if event == "expired":
            return partners.browse()
        followers = link_sudo.message_partner_ids.filtered(
            lambda partner: any(not user.share for user in partner.user_ids)
        )
        return partners | followers | link_sudo.user_id.partner_id

    def _get_abandoned_domain(self, limit):
        """Override: what a client looked at, or filled in on a direct link."""
        seen = Domain("opened_at", "<=", limit) | Domain("started_at", "<=", limit)
        filled = Domain("direct_link_id", "!=", False) & Domain("sent_at", "<=", limit)
        return Domain("state", "in", ("sent", "expired")) & (seen | filled)

    def _is_invoiced_when_paid(self):
        """Override: a bare amount is an advance, matched to an invoice later."""
        return bool(self.line_ids) and not self.cancelled_at

    def _prepare_invoice_lines(self):
        """Override to invoice the products at the prices that the client saw."""
        return [line._prepare_invoice_line() for line in self.line_ids]

    def _get_unpayable_warning(self):
        """Return why the client will not be able to pay, for staff, or False."""
        self.ensure_one()
        amount = self.amount_total or self.amount_min or self.amount_max
        if self.state not in ("draft", "sent", "part") or not self.currency_id:
            return False
        providers, _methods = self.env["payment.provider"]._get_usable(
            self.company_id, self.currency_id, amount or 1.0, partner=self.partner_id
        )
        if providers:
            return False
        return self.env._(
            "No payment provider can take this: the client will not be able to pay. "
            "Publish a provider, or choose another currency."
        )

    # === WHAT THE CLIENT FILLS IN === #

    def _get_payable_questions(self):
        """Override to ask for the amount and the reason that staff left open."""
        questions = []
        currency = self.currency_id
        if self._is_amount_open():
            questions.append(
                {
                    "name": "amount",
                    "kind": "number",
                    "label": self.env._("Amount in %(code)s", code=currency.name),
                    "required": True,
                    "help": self._describe_limits(),
                    "value": self.amount_typed
                    and format_typed_number(
                        self.env,
                        f"{self.amount_typed:.{currency.decimal_places}f}",
                    ),
                }
            )
        if self._is_reason_open():
            questions.append(
                {
                    "name": "reason",
                    "kind": "text",
                    "label": self.env._("What is it for?"),
                    "required": True,
                    "help": "",
                    "value": self.reason_typed or "",
                }
            )
        return questions

    def _check_payable_details(self, values):
        """Override to check the amount of the client."""
        errors = super()._check_payable_details(values)
        if self._is_amount_open() and "amount" not in errors:
            amount = parse_number(self.env, values["amount"])
            error = self._check_amount(float(amount))
            if error:
                errors["amount"] = error
        return errors

    def _take_payable_questions(self, answers):
        """Override to keep the amount and the reason of the client."""
        values = {}
        if answers.get("amount"):
            values["amount_typed"] = float(answers["amount"])
            error = self._check_amount(values["amount_typed"])
            if error:
                raise UserError(error)
        if answers.get("reason"):
            values["reason_typed"] = answers["reason"]
        self._editing().write(values)

    def _get_payable_form(self):
        """Override for the form of the request, else the one of all requests."""
        request_sudo = self.sudo()  # guests read neither requests nor companies
        own = request_sudo.form_id or request_sudo.company_id.booking_request_form_id
        return own.filtered("active") or super()._get_payable_form()

    def _is_payer_proved(self, user):
        """Override: whom staff asked got the link from staff."""
        by_staff = not self.sudo().client_key  # a direct link keeps who used it
        return (by_staff and bool(self.partner_id)) or super()._is_payer_proved(user)

    def _describe_limits(self):
        """Return between which amounts the client chooses, in words."""
        self.ensure_one()
        low = self._format_amount(self.amount_min)
        high = self._format_amount(self.amount_max)
        if self.amount_min and self.amount_max:
            return self.env._("From %(low)s to %(high)s", low=low, high=high)
        if self.amount_min:
            return self.env._("At least %(low)s", low=low)
        if self.amount_max:
            return self.env._("At most %(high)s", high=high)
        return ""

    def _check_amount(self, amount):
        """Return what is wrong with an amount of the client, or False.

        :param float amount: in the request's currency.
        """
        self.ensure_one()
        currency = self.currency_id
        if currency.compare_amounts(amount, currency.round(amount)) or (
            abs(amount - currency.round(amount)) > 1e-9
        ):
            return self.env._(
                "%(currency)s has no such fractions.", currency=currency.name
            )
        if currency.compare_amounts(amount, 0.0) <= 0:
            return self.env._("Type the amount that you want to pay.")
        too_low = currency.compare_amounts(amount, self.amount_min) < 0
        too_high = self.amount_max and (
            currency.compare_amounts(amount, self.amount_max) > 0
        )
        if too_low or too_high or amount > const.MAX_AMOUNT:
            return self._describe_limits() or self.env._("This amount is too high.")
        return False

    # === EXPIRY === #

    def _update_expiry(self):
        """Let the request live or die as its new date says."""
        now = fields.Datetime.now()
        for request in self._editing():
            over = bool(request.expires_at and request.expires_at <= now)
            if request.is_expired and not over:
                request.is_expired = False

    @api.model
    def _cron_expire(self, limit=None):
        """End the requests whose link ran out, once no money can come any more.

        :param int limit: how many are looked at in one run; all by default.
        """
        domain = Domain("state", "=", "sent") & Domain(
            "expires_at", "<=", fields.Datetime.now()
        )
        ids = self.search(domain, order="expires_at", limit=limit).ids
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(ids))
        for rid in ids:
            request = self.browse(rid).try_lock_for_update().filtered_domain(domain)
            try:
                request._expire()
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                _logger.info("expiry of request %s: %s", rid, error, exc_info=True)
                if not isinstance(error, psycopg2.OperationalError):
                    self.browse(rid)._flag_attention("late_kept", str(error))
            if not cron._commit_progress(1):
                break

    def _expire(self):
        """End requests, unless money may still come for them."""
        for request in self._editing():
            request._lock_and_touch()
            if request._get_payable_paid() or request._stop_live_transactions():
                continue
            request.is_expired = True
            request._note_event("expired")
            request._notify_staff(
                "expired", self.env._("Not paid in time: the link is over.")
            )

    def _get_stop_reason(self):
        """Override to say what is over."""
        return self.env._("The request is over.")

    def _stop_live_transactions(self):
        """Override: what was given up is not waited for."""
        words = super()._stop_live_transactions()
        return {
            tx: word
            for tx, word in words.items()
            if word == PAID or not self._is_given_up(tx)
        }

    def _is_given_up(self, tx_sudo):
        """Tell whether nobody pays any more what was only started, at a provider that
        gives no answer: after as long as for a held time. Late money still counts.
        """
        hours = tx_sudo.company_id.booking_late_hours or const.HOLD_CAP_HOURS
        age = fields.Datetime.now() - tx_sudo.create_date
        return tx_sudo.state == "draft" and age > timedelta(hours=hours)

    # === THE LINK === #

    def _is_opened_awaited(self):
        """Override: staff sees whether the client has looked at it."""
        return bool(self.sent_at and not self.opened_at)

    def _note_opened(self):
        """Override to keep when the client first looked at the pay page."""
        for request in self._editing():
            if request.sent_at and not request.opened_at:
                request.opened_at = fields.Datetime.now()
                request._note_event("opened")

    def _renew(self):
        """Override to give more time, if the company lets clients renew links.

        A cancelled request stays so.
        """
        over = not self.cancelled_at and self.sent_at and self._is_over()
        if self.direct_link_id:
            return  # the price may be another one by now: the link says it
        if over and self.company_id.booking_renew_links:
            days = timedelta(days=const.REQUEST_DAYS)
            self.write(
                {"expires_at": fields.Datetime.now() + days, "is_expired": False}
            )
            self._note_event("link_extended", until=self.expires_at)

    # === SENDING === #

    def _check_sendable(self):
        """Check that a client can be asked.

        :raise UserError: what is missing.
        """
        self.ensure_one()
        if self.cancelled_at or self.state == "paid":
            raise UserError(self.env._("This request is over. Make a new one."))
        if not self.partner_id and not self.guest_email:
            raise UserError(self.env._("Choose the client first."))
        if not self._is_amount_open() and (
            self.currency_id.compare_amounts(self.amount_total, 0.0) <= 0
        ):
            raise UserError(self.env._("There is nothing to pay. Check the prices."))
        if self.expires_at and self.expires_at <= fields.Datetime.now():
            raise UserError(
                self.env._("The date until which the link is valid is over already.")
            )
        accepted = self.company_id.sudo()._get_booking_currencies()  # its settings
        if self.currency_id not in accepted:
            raise UserError(
                self.env._(
                    "%(currency)s is not accepted. Choose another currency.",
                    currency=self.currency_id.name,
                )
            )

    def _mark_sent(self):
        """Let the link of requests work; what is asked for is fixed from now on."""
        for request in self._editing():
            request._check_sendable()
            if not request.sent_at:
                request.sent_at = fields.Datetime.now()
                request._note_event("requested", until=request.expires_at)

    def action_send(self):
        """Open Odoo's composer with the mail and its Pay button.

        :raise UserError: when something is missing.
        """
        self.ensure_one()
        self.check_access("write")
        self._check_sendable()
        if not self.client_email:
            raise UserError(
                self.env._("The client has no e-mail address. Copy the link instead.")
            )
        template = self.env.ref("payment_booking_portal.mail_template_request")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Send the payment link"),
            "res_model": "mail.compose.message",
            "view_mode": "form",
            "views": [(False, "form")],
            "target": "new",
            "context": {
                "default_model": self._name,
                "default_res_ids": self.ids,
                "default_template_id": template.id,
                "default_composition_mode": "comment",
                "default_email_layout_xmlid": "payment_booking_portal.mail_layout",
                "force_email": True,
                "hide_mail_template_management_options": True,
                "mark_request_sent": True,
            },
        }

    def message_post(self, **kwargs):
        """Override of `mail` to let the link work once its mail is on its way."""
        if self.env.context.get("mark_request_sent"):
            self.check_access("write")
            self._mark_sent()
            # The link is the client's: it is in the history, and in nobody's inbox.
            kwargs["notify_skip_followers"] = True
        return super(
            PaymentRequest, self.with_context(mark_request_sent=False)
        ).message_post(**kwargs)

    def _get_mail_lines(self):
        """Override to add the total."""
        lines = super()._get_mail_lines()
        if self.amount_total:
            total = self._format_amount(self.amount_total)
            lines.insert(-1, {"label": self.env._("Total"), "value": total})
        return lines

    def _get_mail_amount(self):
        """Override: empty while the client types it."""
        if not self.amount_total or not self._get_payable_amount():
            return ""
        return super()._get_mail_amount()

    # === ACTIONS === #

    def action_make_link(self):
        """Let the link work without a mail, for who sends it in another way."""
        self.check_access("write")
        self._mark_sent()

    def action_edit(self):
        """Take a request back to change it, as long as no money came or may come."""
        self.check_access("write")
        for request in self._editing():
            request._lock_and_touch()
            if request._get_payable_paid() or request._stop_live_transactions():
                raise UserError(
                    self.env._("Money came, or is on its way: it stays as it is.")
                )
            request.write(
                {
                    "sent_at": False,
                    "cancelled_at": False,
                    "is_expired": False,
                    "amount_typed": 0.0,
                    "reason_typed": False,
                }
            )
            request._note_event("edited")

    def action_revoke(self):
        """Make the links dead that are out, and nothing else: a new one can be sent."""
        self.check_access("write")
        for request in self:
            links = self.env["payment.access.link"]._get_all(request, "pay")
            links._revoke()
            request.sudo().access_token = False  # of the buttons in Odoo's own mails
            request._note_event("link_revoked")
            request.message_post(body=self.env._("The link was revoked."))

    def action_extend(self):
        """Give the client more time, as much as a new request has by default."""
        self.check_access("write")
        for request in self:
            request.expires_at = fields.Datetime.now() + timedelta(
                days=const.REQUEST_DAYS
            )
            request._note_event("link_extended", until=request.expires_at)

    def action_cancel(self):
        """Cancel requests: the link is dead; money that came stays the client's."""
        self.check_access("write")
        for request in self._editing():
            request._lock_and_touch()
            if request.cancelled_at or request.state == "paid":
                continue
            request._stop_live_transactions()
            request.cancelled_at = fields.Datetime.now()
            request._note_event("cancelled")
            if request._get_payable_paid():
                request._flag_attention(
                    "paid_cancelled",
                    self.env._(
                        "Cancelled after %(amount)s was paid. Decide what is given "
                        "back.",
                        amount=request._format_amount(request._get_payable_paid()),
                    ),
                )

    def _open_dialog(self, view_xmlid, title):
        """Return the action that shows the request itself in a dialog."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": self._name,
            "res_id": self.id,
            "views": [(self.env.ref(view_xmlid).id, "form")],
            "target": "new",
            "context": {"dialog_size": "medium"},
        }

    def _get_shared_url(self):
        """Override: the pay page, once it is there for the client."""
        self.ensure_one()
        return bool(self.sent_at and self.id) and self._get_mail_url("pay")

    def _ensure_live(self):
        """Let the link of a draft work, for who is about to give it to the client."""
        self.check_access("write")
        self.filtered(lambda request: not request.sent_at)._mark_sent()

    def action_copy_link(self):
        """Copy the address of the pay page; the link of a draft works from now on."""
        self.ensure_one()
        was_draft = not self.sent_at
        self._ensure_live()
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.copy_text",
            "params": {
                "text": self.url,
                "message": self.env._("The link works now, and is copied.")
                if was_draft
                else self.env._("The link is copied."),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def action_show_qr(self):
        """Show the QR code of the pay page; the link of a draft works from now on."""
        self._ensure_live()
        return self._open_dialog(
            "payment_booking_portal.payment_request_view_form_qr",
            self.env._("QR code"),
        )

    def action_open_client_page(self):
        """Override: the link of a draft works from now on, for who pays by phone."""
        if self.state == "draft":
            self._ensure_live()
        return super().action_open_client_page()

    def action_record_payment(self):
        """Open the dialog that notes money received by staff."""
        return self._open_wizard(
            "payment.request.record", self.env._("Record a payment")
        )

    def action_view_dues(self):
        """Open what the client owes: their form, on the tab Payments."""
        self.ensure_one()
        self.check_access("read")
        return self.partner_id.action_view_payments()

    def action_view_partner(self):
        """Open the client."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "res.partner",
            "res_id": self.partner_id.id,
            "views": [(False, "form")],
        }

    def action_send_selected(self):
        """Send each request to its client, and say which ones could not be sent."""
        self.check_access("write")
        sent, refused = self.browse(), []
        for request in self:
            try:
                with self.env.cr.savepoint():
                    request._send_link()
                sent |= request
            except UserError as error:
                refused.append(f"{request.display_name}: {error}")
        if not refused:
            return {
                "type": "ir.actions.client",
                "tag": "display_notification",
                "params": {
                    "type": "success",
                    "message": self.env._("Sent: %(count)s.", count=len(sent)),
                    "next": {"type": "ir.actions.act_window_close"},
                },
            }
        return {
            "type": "ir.actions.client",
            "tag": "payment_booking_portal.show_text",
            "params": {
                "title": self.env._(
                    "Sent: %(sent)s. Not sent: %(refused)s.",
                    sent=len(sent),
                    refused=len(refused),
                ),
                "text": "\n\n".join(refused),
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    def _send_link(self):
        """Queue the mail with the link.

        :raise UserError: when it cannot be sent.
        """
        self.ensure_one()
        self._check_sendable()
        if not self.client_email:
            raise UserError(self.env._("The client has no e-mail address."))
        self._mark_sent()
        self._send_mail("payment_booking_portal.mail_template_request")
        self.message_post(
            body=self.env._("The link was sent to %(email)s.", email=self.client_email)
        )

    # === MONEY RECEIVED BY STAFF === #

    def _prepare_to_record(self, amount):
        """Make a request ready for money that is there already.

        :param float amount: what was received.
        """
        self.ensure_one()
        self.check_access("write")
        request = self._editing()
        if self._is_amount_open() and not self.amount_typed:
            error = self._check_amount(amount)
            if error:
                raise UserError(error)
        if not self.cancelled_at and self._is_over():
            # After the first money a request does not expire any more.
            request.write({"expires_at": False, "is_expired": False})
        self._ensure_live()

    # === ADVANCES === #

    def _get_advances(self):
        """Return the payments of a bare amount, sudoed."""
        self.ensure_one()
        if self.line_ids:
            return self.env["account.payment"].sudo()  # the invoice has them
        return self._get_allocations().transaction_id.payment_id

    def _get_credit_lines(self):
        """Return what is left of the money as the client's credit: journal items."""
        self.ensure_one()
        lines = self._get_advances().move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
            and line.parent_state == "posted"
            and not line.reconciled
            and line.balance < 0
        )
        return lines.sudo(False)

    def _get_open_invoices(self, lines):
        """Return the invoices of the client that the credit can pay, oldest first.

        :param account.move.line lines: see `_get_credit_lines`.
        """
        self.ensure_one()
        if not lines:
            return self.env["account.move"]
        partner = self.partner_id.commercial_partner_id
        return self.env["account.move"].search(
            [
                ("move_type", "=", "out_invoice"),
                ("state", "=", "posted"),
                ("payment_state", "in", ("not_paid", "partial")),
                ("company_id", "=", self.company_id.id),
                ("commercial_partner_id", "=", partner.id),
                ("amount_residual", ">", 0),
                ("line_ids.account_id", "in", lines.account_id.ids),
            ],
            order="invoice_date_due, id",
        )

    def _match_invoice(self, invoice):
        """Pay an open invoice of the client with what is left of the money.

        :param account.move invoice: one of `open_invoice_ids`; one that was matched
            already is fine.
        :raise AccessError: for who may not write invoices.
        :raise UserError: when it is not open, or not the client's.
        """
        self.ensure_one()
        if not self.env.user.has_group("account.group_account_invoice"):
            raise AccessError(self.env._("Only billing matches payments and invoices."))
        self.check_access("read")
        invoice.check_access("write")
        self._lock_and_touch()
        lines = self._get_credit_lines()
        if invoice not in self._get_open_invoices(lines):
            if invoice in self._get_advances().reconciled_invoice_ids:
                return  # a second press of the button
            raise UserError(
                self.env._("This invoice cannot be matched with this payment.")
            )
        for line in lines:
            if invoice.payment_state in ("not_paid", "partial"):
                invoice.js_assign_outstanding_line(line.id)
        self.invalidate_recordset()
        self.sudo().message_post(  # billing does not write requests
            body=self.env._(
                "Matched with invoice %(invoice)s by %(user)s.",
                invoice=invoice.name,
                user=self.env.user.name,
            )
        )

    # === WHO COLLECTS === #

    def _is_owed(self):
        """Override: only what a client was asked for is owed; a visitor who filled in a
        direct link owes nothing.
        """
        return self.state in self._get_owed_states()

    def _get_owed_states(self):
        return ("part",) if self.direct_link_id else ("sent", "part")

    def _get_due_day(self):
        """Override."""
        return self.due_date

    @api.model
    def _get_my_domain(self):
        """Return the requests that the current user may see in the portal."""
        partner = self.env.user.partner_id.commercial_partner_id
        return Domain("partner_id", "child_of", partner.id) & Domain(
            "sent_at", "!=", False
        )
