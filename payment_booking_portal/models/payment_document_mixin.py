from datetime import timedelta
from urllib.parse import urlsplit

import pytz

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import email_normalize, format_time

from .. import const
from ..tools import dates


class PaymentDocumentMixin(models.AbstractModel):
    """What the documents of our own that a client pays share: bookings and requests.

    Who owes, what came, and what a person must decide. An invoice has all of this from
    Odoo, and only `payment.payable.mixin` from us.
    """

    _name = "payment.document.mixin"
    _description = "Document That a Client Pays"
    _inherit = [
        "portal.mixin",
        "mail.thread",
        "mail.activity.mixin",
        "payment.unused.money.mixin",
        "payment.payable.mixin",
        "payment.protected.mixin",
        "payment.reminder.mixin",
    ]
    _mail_post_access = "read"
    _has_own_receipt = True

    # Code of the `ir.sequence` of its references.
    _document_sequence = None
    # The mail with a fresh link, for a client whose link is dead.
    _fresh_link_template = None

    # === FIELDS === #

    name = fields.Char(
        string="Reference", readonly=True, copy=False, default="/", index="trigram"
    )
    company_id = fields.Many2one("res.company")
    user_id = fields.Many2one("res.users", string="Responsible")

    # Who owes
    partner_id = fields.Many2one(
        "res.partner", string="Client", index="btree_not_null", tracking=True
    )
    guest_name = fields.Char(string="Name Given")
    guest_email = fields.Char(string="E-mail Given")
    guest_phone = fields.Char(string="Phone Given")
    client_name = fields.Char(compute="_compute_client", store=True, precompute=True)
    client_email = fields.Char(
        string="E-mail", compute="_compute_client", store=True, precompute=True
    )
    client_phone = fields.Char(
        string="Phone", compute="_compute_client", store=True, precompute=True
    )
    partner_email = fields.Char(
        string="E-mail of the Client",
        compute="_compute_partner_contact",
        inverse="_inverse_partner_contact",
    )
    partner_phone = fields.Char(
        string="Phone of the Client",
        compute="_compute_partner_contact",
        inverse="_inverse_partner_contact",
    )
    lang = fields.Char(string="Language")
    campaign = fields.Char(readonly=True, copy=False)
    campaign_source = fields.Char(readonly=True, copy=False)
    campaign_medium = fields.Char(readonly=True, copy=False)
    direct_link_id = fields.Many2one(
        "payment.direct.link",
        readonly=True,
        copy=False,
        ondelete="restrict",
        index="btree_not_null",
        help="The public link that the client came by.",
    )
    return_url = fields.Char(
        string="Came From",
        readonly=True,
        copy=False,
        help="The page of an allowed website that the client left, and goes back to.",
    )
    is_abandoned = fields.Boolean(
        string="Abandoned",
        compute="_compute_is_abandoned",
        search="_search_is_abandoned",
        help="The client looked at it or began to pay, and gave up.",
    )
    duplicate_partner_ids = fields.Many2many(
        "res.partner",
        string="Same E-mail",
        compute="_compute_duplicate_partner_ids",
        help="Other contacts with this e-mail address: perhaps the same person.",
    )

    # What it costs, and what came
    currency_id = fields.Many2one("res.currency")
    fiscal_position_id = fields.Many2one(
        "account.fiscal.position", readonly=True, copy=False
    )
    amount_untaxed = fields.Monetary(readonly=True, copy=False)
    amount_tax = fields.Monetary(readonly=True, copy=False)
    amount_total = fields.Monetary(
        string="Total", readonly=True, copy=False, tracking=True
    )
    invoice_id = fields.Many2one(
        "account.move", readonly=True, copy=False, index="btree_not_null"
    )
    # Precomputed: a new document has no payment yet, and needs no second statement.
    amount_paid = fields.Monetary(
        compute="_compute_payment_coverage", store=True, precompute=True
    )
    amount_due = fields.Monetary(
        compute="_compute_payment_coverage", store=True, precompute=True
    )
    payment_coverage = fields.Selection(
        const.COVERAGES,
        string="Payment",
        compute="_compute_payment_coverage",
        store=True,
        precompute=True,
        tracking=True,
    )
    is_test = fields.Boolean(
        string="Test Money",
        compute="_compute_is_test",
        compute_sudo=True,
        search="_search_is_test",
    )
    has_receipt = fields.Boolean(compute="_compute_has_receipt", compute_sudo=True)
    refund_count = fields.Integer(
        string="Refunds", compute="_compute_refund_count", compute_sudo=True
    )
    awaits_transfer = fields.Boolean(
        string="Waits for a Transfer",
        compute="_compute_awaits_transfer",
        compute_sudo=True,
    )
    due_status = fields.Selection(
        const.DUE_STATUSES, string="Due State", compute="_compute_due_status"
    )

    # What a person must decide
    needs_attention = fields.Boolean(readonly=True, copy=False, index=True)
    attention_reason = fields.Selection(
        const.ATTENTION_REASONS, readonly=True, copy=False
    )

    timeline = fields.Html(
        compute="_compute_timeline",
        sanitize=False,
        groups="payment_booking_portal.group_user,account.group_account_invoice",
    )

    # === COMPUTE METHODS === #

    @api.depends_context("lang", "tz", "uid", "allowed_company_ids")
    def _compute_timeline(self):
        events = self.env["payment.document.event"]._get_of(self)
        for document in self:
            steps = events.get(document._origin)
            document.timeline = bool(steps) and steps._render_timeline()

    @api.depends(
        "partner_id.name",
        "partner_id.email",
        "partner_id.phone",
        "guest_name",
        "guest_email",
        "guest_phone",
    )
    def _compute_client(self):
        for document in self:
            partner = document.partner_id
            document.client_name = partner.name or document.guest_name
            document.client_email = partner.email or document.guest_email
            document.client_phone = partner.phone or document.guest_phone

    @api.depends("partner_id.email", "partner_id.phone")
    def _compute_partner_contact(self):
        for document in self:
            document.partner_email = document.partner_id.email
            document.partner_phone = document.partner_id.phone

    def _inverse_partner_contact(self):
        for document in self.filtered("partner_id"):
            values = {"email": document.partner_email, "phone": document.partner_phone}
            document.partner_id.write(values)
        # In `create`, what the contact changes does not come back by itself.
        for name in ("client_email", "client_phone"):
            self.env.add_to_compute(self._fields[name], self)

    @api.depends("guest_email", "partner_id.email")
    def _compute_duplicate_partner_ids(self):
        for document in self:
            email = email_normalize(document.client_email)
            document.duplicate_partner_ids = email and (
                self.env["res.partner"].search(
                    [
                        ("email_normalized", "=", email),
                        ("id", "!=", document.partner_id.id),
                        ("company_id", "in", (False, document.company_id.id)),
                    ],
                    limit=5,
                )
            )

    @api.depends(
        "amount_total",
        "currency_id",
        "allocation_ids.amount",
        "allocation_ids.transaction_id.state",
        "allocation_ids.transaction_id.child_transaction_ids.state",
        # What its invoice got, which may be of several documents
        "invoice_id.state",
        "invoice_id.amount_total",
        "invoice_id.amount_residual",
        "invoice_id.payment_state",
        "invoice_id.matched_payment_ids.state",
        "invoice_id.allocation_ids.amount",
        "invoice_id.allocation_ids.transaction_id.state",
        "invoice_id.allocation_ids.transaction_id.child_transaction_ids.state",
        "invoice_id.payment_booking_ids.amount_total",
        "invoice_id.payment_booking_ids.allocation_ids.transaction_id.state",
    )
    def _compute_payment_coverage(self):
        for document in self:
            document_sudo = document.sudo()  # plain users read no transactions
            currency = document_sudo._get_payable_currency()
            total = document.amount_total
            paid = document_sudo._get_payable_paid()
            refunded = document_sudo._get_refunded()
            compare = currency.compare_amounts
            credited = document_sudo._get_live_invoice().payment_state == "reversed"
            if credited:
                paid = currency.round(document_sudo._get_own_money() - refunded)
            if credited or (refunded and compare(paid, 0) <= 0):
                coverage = "refunded"
            elif refunded:
                coverage = "partly_refunded"
            elif paid and compare(paid, total) >= 0:
                coverage = "paid"
            elif document_sudo._get_payable_processing():
                coverage = "processing"
            elif paid:
                coverage = "part"
            else:
                coverage = "none"
            document.payment_coverage = coverage
            document.amount_paid = paid
            # What was given back is not owed again.
            is_over = coverage in ("partly_refunded", "refunded")
            document.amount_due = (
                0.0 if is_over else max(0.0, currency.round(total - paid))
            )

    @api.depends("allocation_ids.transaction_id.is_live")
    def _compute_is_test(self):
        for document in self:
            document.is_test = document._has_test_money()

    def _search_is_test(self, operator, value):
        if operator != "in":
            return NotImplemented
        # sudo: plain users read no transactions
        allocations_sudo = self.env["payment.transaction.allocation"].sudo()
        query = allocations_sudo._search([("transaction_id.is_live", "=", False)])
        return [("allocation_ids", "in" if True in value else "not in", query)]

    @api.depends("payment_coverage", "amount_total", "amount_due")
    def _compute_due_status(self):
        for document in self:
            document.due_status = document._get_due_status()

    def _get_due_status(self):
        """Return how a document stands for who collects: a key of `DUE_STATUSES`."""
        self.ensure_one()
        if not self.amount_total:
            return False
        if self.payment_coverage in ("paid", "refunded", "partly_refunded"):
            return "paid"
        if not self.amount_due or not self._is_owed():
            return False
        day = self._get_due_day()
        company_sudo = self.company_id.sudo()  # staff may not read companies
        if day and day < company_sudo._get_booking_today():
            return "overdue"
        return "pending"

    def _is_owed(self):
        """Tell whether a client owes what is not paid. Override."""
        return True

    def _get_due_day(self):
        """Return the last day to pay, or False. Override."""
        return False

    def _compute_is_abandoned(self):
        stored = self.filtered("id")
        domain = Domain("id", "in", stored.ids) & Domain("is_abandoned", "=", True)
        abandoned = self.search(domain) if stored else self.browse()
        for document in self:
            document.is_abandoned = document in abandoned

    def _search_is_abandoned(self, operator, value):
        if operator != "in":
            return NotImplemented
        limit = fields.Datetime.now() - timedelta(minutes=const.ABANDONED_MINUTES)
        # sudo: plain users read no transactions
        allocations_sudo = self.env["payment.transaction.allocation"].sudo()
        recent = allocations_sudo._search([("transaction_id.create_date", ">", limit)])
        domain = (
            self._get_abandoned_domain(limit)
            & Domain("payment_coverage", "=", "none")
            & Domain("allocation_ids", "not in", recent)
        )
        return domain if True in value else ~domain

    def _get_abandoned_domain(self, limit):
        """Return which documents a client gave up. Override to say.

        :param datetime limit: whoever did nothing since then has given up.
        """
        return Domain.FALSE

    def _can_be_finished(self):
        """Tell whether who gave up the payment could still pay. Override."""
        self.ensure_one()
        return self._is_payable_now()

    def _next_number(self):
        """Return the next reference, as `ir.sequence.next_by_code` does but
        with one query less: clients wait for it.
        """
        Sequence = self.env["ir.sequence"].sudo()  # plain users read no sequences
        sequence = Sequence.search_fetch(
            [
                ("code", "=", self._document_sequence),
                ("company_id", "in", [self.env.company.id, False]),
            ],
            ["prefix", "suffix", "padding", "implementation", "use_date_range"],
            order="company_id",
            limit=1,
        )
        return sequence.next_by_id() if sequence else "/"

    def _get_payable_return_url(self):
        """Override: the page that the client left, which is told what happened."""
        results = ",".join(self._get_return_results()) or "closed"
        return self.return_url and f"{self.return_url}#payment-booking={results}"

    def _get_payable_return_host(self):
        """Override: of the page that the client left."""
        return self.return_url and urlsplit(self.return_url).netloc

    def _get_return_results(self):
        """Return what the website is told of a client who comes back."""
        return ["paid"] if self._get_payable_status() == "paid" else []

    def _clean_values(self, values):
        """Return what a client may set on a document, cut to a sane length."""
        allowed = (
            *("guest_name", "guest_email", "guest_phone", "lang"),
            *("campaign", "campaign_source", "campaign_medium"),
        )
        cleaned = {
            # One line: the name goes into the header of a mail.
            key: " ".join(str(values[key]).split())[: const.MAX_SHORT_TEXT]
            for key in allowed
            if values.get(key)
        }
        if values.get("return_url"):  # checked (see `_read_return_url`)
            cleaned["return_url"] = values["return_url"]
        return cleaned

    def _ensure_payable_partner(self):
        """Override to make the contact of a guest.

        A typed e-mail never finds an existing contact: it proves nothing.
        """
        self.ensure_one()
        if not self.partner_id:
            Partner = self.env["res.partner"].sudo()  # guests create no contacts
            self._editing().partner_id = Partner.create(self._prepare_partner_values())
            self._fill_payer()  # it was made for this document
        return self.partner_id

    def _prepare_partner_values(self):
        """Return the values of the contact of a guest. Override to add to them."""
        self.ensure_one()
        langs = dict(self.env["res.lang"].get_installed())
        return {
            "name": self.guest_name or self.guest_email,
            "email": self.guest_email,
            "phone": self.guest_phone,
            "lang": self.lang if self.lang in langs else self.env.lang,
            "company_id": self.company_id.id,
        }

    def _get_live_invoice(self):
        """Return the invoice of the document, unless it was cancelled, sudoed."""
        invoice_sudo = self.sudo().invoice_id  # neither clients nor staff read it
        return invoice_sudo.filtered(lambda move: move.state != "cancel")

    def _get_issued_invoice(self):
        """Return the invoice of the document once it is posted, sudoed."""
        return self._get_live_invoice().filtered(lambda move: move.state == "posted")

    def _get_own_money(self):
        """Return the money that came for the document itself, whatever was given back
        since.
        """
        self.ensure_one()
        return self._get_payable_currency().round(
            sum(
                allocation.amount
                for allocation in self._get_allocations()
                if allocation.transaction_id.state == "done"
                and allocation.transaction_id._is_money()
            )
        )

    def _get_payable_paid(self):
        """Override to count what its invoice got, by any way (bank statement)."""
        self.ensure_one()
        invoice_sudo = self._get_issued_invoice()
        if not invoice_sudo:
            return super()._get_payable_paid()
        shares = invoice_sudo._get_document_shares(invoice_sudo._get_payable_paid())
        paid = max(self._get_own_money(), shares.get(self._origin, 0.0))
        return self._get_payable_currency().round(paid - self._get_refunded())

    def _get_payable_processing(self):
        """Override to count what is on its way to its invoice."""
        processing = super()._get_payable_processing()
        invoice_sudo = self._get_issued_invoice()
        if invoice_sudo:
            processing += invoice_sudo._get_processing_shares().get(self._origin, 0.0)
        return self._get_payable_currency().round(processing)

    def _get_payable_account(self):
        """Override: the fiscal position may put the invoice on another account."""
        account = super()._get_payable_account()
        position_sudo = self.fiscal_position_id.sudo()  # clients read no positions
        return position_sudo.map_account(account) if position_sudo else account

    def _get_refunded(self):
        """Return how much of the money was given back, also of what came for its
        invoice.
        """
        self.ensure_one()
        refunded = sum(
            allocation.transaction_id._get_refunded_share(allocation)
            for allocation in self._get_allocations()
            if allocation.transaction_id._is_money()
        )
        invoice_sudo = self._get_issued_invoice()
        if invoice_sudo:
            refunded += invoice_sudo._get_refund_shares().get(self._origin, 0.0)
        return self._get_payable_currency().round(refunded)

    def _get_gross_paid(self):
        """Return what was paid, whatever was given back since."""
        self.ensure_one()
        paid = self._get_payable_paid() + self._get_refunded()
        return self._get_payable_currency().round(paid)

    def _get_refund_texts(self):
        """Override: what was given back of its invoice, if that is for nothing else."""
        texts = super()._get_refund_texts()
        invoice_sudo = self._get_issued_invoice()
        if not texts and invoice_sudo and len(invoice_sudo._get_documents()) == 1:
            texts = invoice_sudo._get_refund_texts()
        return texts

    def _make_payable_invoice(self, tx_sudo):
        """Return the posted invoice of the document, made from its frozen price."""
        self.ensure_one()
        if not self._is_invoiced_when_paid():
            return self.env["account.move"]
        invoice = self._get_live_invoice()
        if not invoice:
            invoice = self._create_invoice(self._prepare_invoice_values())
        if invoice.state == "draft":
            invoice.with_context(booking_settling=self.ids).action_post()
        invoice._portal_ensure_token()  # now: pages that show its address only read
        return invoice.filtered(lambda move: move.state == "posted")

    def _create_invoice(self, values):
        """Return a new draft invoice of one or several documents, sudoed.

        :param dict values: see `_prepare_invoice_values`.
        """
        invoice_sudo = (
            self.env["account.move"]
            .sudo()  # the caller has checked who asks; plain users make no invoices
            .with_company(self.company_id)
            .create(values)
        )
        self._editing().write({"invoice_id": invoice_sudo.id})
        self._note_event("invoiced")
        agreed = sum(self.mapped("amount_total"))
        if self.currency_id.compare_amounts(invoice_sudo.amount_total, agreed):
            self._flag_attention(
                "amount_mismatch",
                self.env._(
                    "The invoice says %(invoiced)s, the client agreed to %(agreed)s.",
                    invoiced=invoice_sudo._format_amount(invoice_sudo.amount_total),
                    agreed=invoice_sudo._format_amount(agreed),
                ),
            )
        return invoice_sudo

    def _on_payment_failed(self, tx_sudo):
        """Override to tell staff."""
        if tx_sudo.state == "error":
            self._notify_staff(
                "failed",
                self.env._(
                    "A payment of %(amount)s failed: %(reason)s",
                    amount=self._format_amount(tx_sudo._get_document_share(self)),
                    reason=tx_sudo.state_message or tx_sudo.provider_id.name,
                ),
            )

    def _on_payment_done(self, tx_sudo):
        """Override to tell staff. Override further to do what the money was for."""
        self.ensure_one()
        share = tx_sudo._get_document_share(self)
        self._notify_staff(
            "paid",
            self.env._(
                "%(who)s paid %(amount)s.",
                who=self.client_name,
                amount=self._format_amount(share),
            ),
        )
        compare = self._get_payable_currency().compare_amounts
        invoice_sudo = self._get_issued_invoice()
        if compare(self._get_payable_paid(), self.amount_total) > 0 or (
            # Its invoice may have been paid meanwhile, by another way.
            invoice_sudo and compare(share, invoice_sudo.amount_residual) > 0
        ):
            self._flag_attention(
                "second_payment",
                self.env._("More was paid than was due. The rest is a credit."),
            )

    def _is_invoiced_when_paid(self):
        """Tell whether money makes an invoice; else it is the client's credit."""
        return True

    def _prepare_invoice_values(self):
        """Return the values of the invoice. Override to add to them."""
        self.ensure_one()
        return {
            "move_type": "out_invoice",
            "partner_id": self.partner_id.id,
            "currency_id": self.currency_id.id,
            "fiscal_position_id": self.fiscal_position_id.id,
            "invoice_origin": self.name,
            "invoice_user_id": False,
            "invoice_line_ids": [
                Command.create(values) for values in self._prepare_invoice_lines()
            ],
        }

    def _get_receipt_row(self):
        """Override: money is an advance until there is an invoice."""
        invoice_sudo = self._get_issued_invoice()
        return {
            **super()._get_receipt_row(),
            "invoice": invoice_sudo.name,
            "is_advance": not invoice_sudo,
        }

    def _get_receipt_transactions(self):
        """Override: what paid its invoice paid the document."""
        return (
            super()._get_receipt_transactions()
            or self._get_issued_invoice()._get_direct_transactions()
        )

    @api.depends(
        "allocation_ids.transaction_id.state",
        "invoice_id.allocation_ids.transaction_id.state",
    )
    def _compute_has_receipt(self):
        for document in self:
            document.has_receipt = bool(document._get_receipt_transactions())

    @api.depends("allocation_ids.transaction_id.refund_request_ids")
    def _compute_refund_count(self):
        for document in self:
            document.refund_count = len(document._get_refund_requests())

    def _check_receipt_rights(self):
        """Override: who may read the document."""
        self.check_access("read")
        return super()._check_receipt_rights()

    def _prepare_invoice_lines(self):
        """Return the values of each line of the invoice."""
        return []

    def _notify_staff(self, event, message, skip_responsible=False):
        """Note an event in the history and tell who wants to hear of it.

        They get it in Odoo's inbox or by mail, as their own preferences say.

        :param str event: one of `booked`, `paid`, `failed`, `expired`, `cancelled`,
            `attention`, and what a document adds.
        :param str message: what happened.
        :param bool skip_responsible: whether they hear of it in another way.
        """
        robot = self.env.ref("base.partner_root")
        for document in self.sudo():  # clients cause most events
            partners = document._get_staff_to_tell(event)
            if skip_responsible:
                partners -= document.user_id.partner_id
            document.message_post(
                body=message,
                author_id=robot.id if self.env.user.share else None,
                partner_ids=(partners - self.env.user.partner_id).ids,
            )

    def _get_staff_to_tell(self, event):
        """Return the contacts of who wants to hear of an event: the responsible.

        :param str event: see `_notify_staff`.
        """
        return self.user_id.partner_id

    def _flag_attention(self, reason, message):
        """Override to mark the document and give its responsible an activity."""
        for document in self._editing():
            document.write({"needs_attention": True, "attention_reason": reason})
            document._note_event("attention", reason=reason)
            document._notify_staff("attention", message, skip_responsible=True)
            document.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=dict(document._fields["attention_reason"]._description_selection(
                    document.env
                ))[reason],
                note=message,
                user_id=document.user_id.id or self.env.ref("base.user_admin").id,
            )  # fmt: skip

    def _note_event(self, *kinds, tx=None, **details):
        """Override to keep steps of the documents for their timeline."""
        self.env["payment.document.event"]._note(self, kinds, tx, details)
        self.invalidate_recordset(["timeline"], flush=False)

    def _prepare_event_details(self, kind, tx=None):
        """Return what the document itself says of a step. Override to add to it.

        See `_note_event` for the parameters.
        """
        self.ensure_one()
        if kind in ("payment_started", *const.EVENT_OF_TX_STATE.values()):
            return {
                "amount": tx._get_document_share(self),
                "currency": tx.currency_id.id,
                "method": tx.payment_method_id.id,  # a provider may say more later
                # The provider's own words; what we stopped says so by its kind.
                "text": tx.state == "error" and tx.state_message,
            }
        if kind in ("requested", "price_changed"):
            currency = self._get_payable_currency()
            return {"amount": self._get_payable_amount(), "currency": currency.id}
        return {}

    def _get_invoice_url(self):
        """Return the address of the posted invoice for the client, or False."""
        self.ensure_one()
        invoice_sudo = self.sudo().invoice_id  # clients read their invoice by token
        if invoice_sudo.state != "posted":
            return False
        return invoice_sudo.get_portal_url()

    def _get_client_name(self):
        """Override: a guest has given it."""
        return self.client_name

    def _get_client_email(self):
        """Override: a guest has given it."""
        return self.client_email

    def _get_client_langs(self):
        """Override: else the one that they booked or paid in."""
        return [*super()._get_client_langs(), self.lang]

    def _get_mail_message(self):
        """Return what staff wrote into the mail that is being made, if anything."""
        return self.env.context.get("booking_message")

    def _get_mail_statement_url(self):
        """Return the address of the client's statement, for the foot of a mail, or
        False. Override where a mail may go to somebody who owes nothing yet.
        """
        self.ensure_one()
        return self.partner_id._get_full_statement_url(self.company_id)

    def _get_signup_url(self):
        """Return the address where the contact makes the account that sees it.

        A free sign-up would make a second contact.
        """
        self.ensure_one()
        partner_sudo = self.partner_id.sudo()  # clients read no sign-up data
        if partner_sudo.user_ids or not partner_sudo.signup_type:
            return False
        return partner_sudo._get_signup_url()

    def _prepare_signup(self):
        """Let the contact make an account, where the database allows clients to."""
        partner_sudo = self.partner_id.sudo()  # clients write no sign-up data
        scope = self.env["res.users"].sudo()._get_signup_invitation_scope()  # as above
        if scope == "b2c" and not partner_sudo.user_ids:
            partner_sudo.signup_prepare()

    @api.depends("allocation_ids.transaction_id.state")
    def _compute_awaits_transfer(self):
        for document in self:
            document.awaits_transfer = bool(document._get_transfer_transaction())

    def action_transfer_received(self):
        """Note that the bank transfer is on the account: it confirms and invoices.

        :raise AccessError: for anyone but a manager.
        """
        self.check_access("write")
        for document in self:
            document._get_transfer_transaction().sudo(False).action_confirm_received()

    def action_give_up_transfer(self):
        """Stop waiting for a bank transfer: the client can pay in another way."""
        self.check_access("write")
        for document in self.sudo():  # plain users write no transactions
            document._lock_and_touch()
            document._get_transfer_transaction()._give_up_transfer()

    def _ask_fresh_link(self, link_sudo, client_key):
        """Override to mail a fresh link to the client, and to tell staff."""
        self.ensure_one()
        document = self._editing()  # whoever asks holds the right token
        document._lock_and_touch()
        if not link_sudo._note_asked(client_key):
            return
        document._renew()
        if document._get_payable_status() in ("payable", "details"):
            document._send_mail(self._fresh_link_template)
            message = self.env._(
                "The client asked for a fresh link and got it by mail."
            )
        else:
            message = self.env._("The client asked for a fresh link. None was sent.")
        document._notify_staff("attention", message)

    def _renew(self):
        """Give the client more time, if they may have it with a fresh link."""

    def _get_client_tz(self):
        """Return the time zone in which the client reads times: the business's."""
        self.ensure_one()
        return self.company_id.sudo()._get_booking_tz()  # guests read no companies

    def _format_moment(self, moment, with_day=False):
        """Return a moment (naive UTC) in words, in the client's zone.

        :param bool with_day: name the day of today's moments too, for what is read
            on another day.
        """
        self.ensure_one()
        tz = pytz.timezone(self._get_client_tz())
        local = pytz.utc.localize(moment).astimezone(tz)
        at = format_time(self.env, moment, tz=tz.zone, time_format="short")
        now = pytz.utc.localize(fields.Datetime.now()).astimezone(tz)
        if local.date() == now.date() and not with_day:
            return at
        return f"{dates.format_day(self.env, local.date())}, {at}"

    def _check_manager(self):
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager can do this."))

    def _open_wizard(self, model, title):
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": title,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {f"default_{self._payable_allocation_field}": self.id},
        }

    def action_attention_done(self):
        """Note that a person has decided."""
        self.check_access("write")
        self.write({"needs_attention": False, "attention_reason": False})
        self._note_event("attention_done")
        self.activity_unlink(["mail.mail_activity_data_todo"])

    def action_same_person(self):
        """Open the dialog that merges the contact into another one."""
        self.ensure_one()
        self.check_access("write")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Same person"),
            "res_model": "payment.same.person",
            "view_mode": "form",
            "target": "new",
            "context": {"default_res_model": self._name, "default_res_id": self.id},
        }

    def _set_same_person(self, partner):
        """Note that the client is another contact: the present one is merged into it.

        :param res.partner partner: one of `duplicate_partner_ids`.
        :raise UserError: when it is none of them.
        """
        self.ensure_one()
        self.check_access("write")
        if partner not in self.duplicate_partner_ids:
            raise UserError(self.env._("Choose one of the contacts of the list."))
        old = self.partner_id
        if old:
            old._merge_into(partner, self.company_id)
        else:
            partner._check_mergeable(self.company_id)
            self._editing().partner_id = partner
        self.message_post(
            body=self.env._(
                "The same person as %(name)s, says %(user)s.",
                name=partner.display_name,
                user=self.env.user.name,
            )
        )

    def action_view_invoice(self):
        """Open the invoice."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "res_model": "account.move",
            "res_id": self.invoice_id.id,
            "view_mode": "form",
        }

    def action_open_client_page(self):
        """Open what the client sees: the pay page while it is due, then the end."""
        self.ensure_one()
        self.check_access("read")
        payable = self.sudo()._is_payable_now()  # reads transactions
        return {
            "type": "ir.actions.act_url",
            "url": self._get_pay_url() if payable else self._get_payable_done_url(),
            "target": "new",
        }
