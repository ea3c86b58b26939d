from collections import namedtuple
from datetime import timedelta

from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Command, Domain
from odoo.tools import format_date

from .. import const
from ..tools.locking import lock_and_touch, lock_documents

# What becomes of one document of a bundle: `status` as `_get_payable_status` says it,
# and the amount that would be paid now.
Part = namedtuple("Part", "line document status amount")

# Why staff has to decide about money that came for a booking or a request.
KEPT_REASONS = ("late_no_slot", "paid_cancelled", "confirm_failed", "link_used_up")


class PaymentBundle(models.Model):
    """Several documents that a client pays at once, each in full.

    It owes nothing itself, and nothing is decided when it is made: what can be paid,
    and how much, is what its documents say at that moment. It is paid on the one pay
    page, by a link of its own. One payment can settle what is of one company, currency
    and client and stands on one receivable account: see `_get_key`.

    Its transactions are those that were started for it, by their `bundle_id`. Their
    allocations name the documents, and never the bundle: settling, refunds and the list
    of what is due do not know of it.
    """

    _name = "payment.bundle"
    _description = "Payment of Several Documents"
    _inherit = "payment.payable.mixin"
    _order = "id desc"

    name = fields.Char(string="Reference", required=True, readonly=True)
    company_id = fields.Many2one("res.company", required=True, readonly=True)
    currency_id = fields.Many2one("res.currency", required=True, readonly=True)
    partner_id = fields.Many2one(
        "res.partner",
        string="Client",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
    )
    account_id = fields.Many2one(
        "account.account", string="Receivable Account", readonly=True
    )
    by_statement = fields.Boolean(
        readonly=True, help="Chosen on the statement, by whoever had its link."
    )
    document_key = fields.Char(
        readonly=True, index=True, help="Which documents: the same ones are used again."
    )
    line_ids = fields.One2many("payment.bundle.line", "bundle_id", readonly=True)
    transaction_ids = fields.One2many("payment.transaction", "bundle_id", readonly=True)

    # === MAKING === #

    @api.model
    def _get_key(self, document):
        """Return what documents must have in common to be paid at once."""
        partner = document._get_payable_partner()
        return (
            document._get_payable_company(),
            document._get_payable_currency(),
            partner.commercial_partner_id,
            document._get_payable_account(),
        )

    @api.model
    def _make_for(self, documents, payer=None, by_statement=False):
        """Return the payments that pay documents, sudoed: as few as can be.

        The clients are locked and touched: of two that make the same choice at once
        (a button pressed twice), the second finds what the first made.

        :param list documents: payables, sudoed, that the client may see.
        :param res.partner payer: who is logged in; they pay what is their company's.
        :param bool by_statement: see the field.
        """
        groups = {}
        for document in documents:
            groups.setdefault(self._get_key(document), []).append(document)
        lock_and_touch(self.env["res.partner"].union(*(key[2] for key in groups)))
        bundles = self.sudo()  # clients own no record: the documents are theirs
        for key, members in groups.items():
            bundles |= bundles._ensure(key, members, payer, by_statement)
        return bundles - self

    @api.model
    def _ensure(self, key, documents, payer, by_statement):
        """Return the bundle of documents; the one that they had before, if any.

        One that brought money is done with: what is due now is another payment. Only
        where nothing is due any more it is shown again, with its receipt.

        See `_make_for` for the parameters.
        """
        company, currency, client, account = key
        order = list(const.DUE_SOURCE_ORDER)
        documents = sorted(
            documents, key=lambda d: (order.index(d._payable_allocation_field), d.id)
        )
        partners = {document._get_payable_partner() for document in documents}
        if payer and payer.commercial_partner_id == client:
            partner = payer
        else:
            partner = partners.pop() if len(partners) == 1 else client
        values = {
            "company_id": company.id,
            "currency_id": currency.id,
            "partner_id": partner.id,
            "account_id": account.id,
            "by_statement": by_statement,
            "document_key": " ".join(
                f"{document._payable_allocation_field}:{document.id}"
                for document in documents
            ),
        }
        domain = Domain.AND(Domain(name, "=", value) for name, value in values.items())
        before = self.search(domain)
        unfinished = before.filtered(lambda bundle: not bundle._is_finished())
        if unfinished:
            return unfinished[0]
        if before and not any(document._is_payable_now() for document in documents):
            return before[0]
        return self.create(
            {
                **values,
                "name": self.env["ir.sequence"].next_by_code(self._name),
                "line_ids": [
                    Command.create({document._payable_allocation_field: document.id})
                    for document in documents
                ],
            }
        )

    def _is_finished(self):
        """Tell whether money came by it."""
        self.ensure_one()
        return any(tx.state == "done" for tx in self.transaction_ids)

    @api.model
    def _is_limited(self, partner):
        """Tell whether too many payments were put together for a client lately."""
        most, minutes = const.RATE_BUNDLE
        since = fields.Datetime.now() - timedelta(minutes=minutes)
        mine = Domain("partner_id", "child_of", partner.commercial_partner_id.ids)
        domain = mine & Domain("create_date", ">", since)
        return self.sudo().search_count(domain, limit=most) >= most  # own no record

    @api.autovacuum
    def _gc_unused(self):
        """Delete what was put together and never paid."""
        limit = fields.Datetime.now() - timedelta(days=const.BUNDLE_DAYS)
        unused = self.search(
            [("create_date", "<", limit), ("transaction_ids", "=", False)], limit=1000
        )
        links = self.env["payment.access.link"]
        links.search(
            [("res_model", "=", self._name), ("res_id", "in", unused.ids)]
        ).unlink()
        unused.unlink()

    # === ITS DOCUMENTS === #

    def _get_parts(self):
        """Return what becomes of each document now.

        :rtype: list[Part]
        """
        self.ensure_one()
        mine = (
            self.company_id,
            self.currency_id,
            self.partner_id.commercial_partner_id,
            self.account_id,
        )
        parts = []
        for line in self.sudo().line_ids:  # who has the link may see what it pays
            document = line._get_document()
            status = document._get_payable_status()
            if status == "payable" and self._get_key(document) != mine:
                status = "changed"  # an invoice that was reset and issued anew
            if status == "payable" and self._is_partly_on_its_way(document):
                status = "part"
            amount = document._get_payable_amount() if status == "payable" else 0.0
            parts.append(Part(line, document, status, amount))
        return parts

    def _is_partly_on_its_way(self, document):
        """Tell whether an invoice must be paid on its own.

        Odoo matches the payment of several invoices with all that is open of the first
        one, and would take for it what is meant for the others.
        """
        if document._name != "account.move" or len(self.sudo().line_ids) < 2:
            return False
        coming = document._get_payable_processing() + document._get_payment_unbooked()
        return not self.currency_id.is_zero(coming)

    def _get_open_parts(self):
        """Return what is paid now: the documents that can be."""
        return [part for part in self._get_parts() if part.status == "payable"]

    def _describe_left_out(self, part):
        """Return why a document is not paid with the others."""
        if part.status == "changed":
            return self.env._("This has changed. Please choose again.")
        if part.status == "part":
            return self.env._(
                "A part of it is being paid. Please pay the rest of it on its own."
            )
        messages = part.document._get_payable_messages()
        return messages.get(part.status) or self.env._("Not now")

    # === WHAT IS DUE === #

    def _get_allocations(self):
        """Override: what its own transactions pay."""
        return self.sudo().transaction_ids.allocation_ids  # clients read none

    def _get_payable_amount(self):
        """Override: all that can be paid now."""
        self.ensure_one()
        amount = sum(part.amount for part in self._get_open_parts())
        return self.currency_id.round(amount)

    def _get_payable_total(self):
        """Override: what was paid, is on its way, and is due."""
        return self.currency_id.round(
            self._get_payable_paid()
            + self._get_payable_processing()
            + self._get_payable_amount()
        )

    def _get_payable_status(self):
        """Override: as long as one document can be paid, it can."""
        self.ensure_one()
        statuses = {part.status for part in self._get_parts()}
        if "payable" in statuses:
            return "payable"
        if "processing" in statuses or self._get_payable_processing():
            return "processing"
        if self._get_payable_paid() or statuses == {"paid"}:
            return "paid"
        return "none_left"

    def _get_payable_messages(self):
        """Override to say why each document cannot be paid."""
        reasons = " ".join(
            f"{part.line._get_label()}: {self._describe_left_out(part)}"
            for part in self._get_parts()
            if part.status not in ("payable", "paid")
        )
        return {**super()._get_payable_messages(), "none_left": reasons}

    def _get_amount_to_pay(self, wish=None):
        """Override: what the client saw must still be what is due.

        :raise UserError: when a document was paid meanwhile, or another can be now.
        """
        due = self._get_payable_amount()
        if wish is not None and self.currency_id.compare_amounts(wish, due):
            raise UserError(
                self.env._("What is due has changed. Please load the page again.")
            )
        return due

    def _is_payment_required(self):
        """Override: what a booking needs for its confirmation counts for all."""
        return any(p.document._is_payment_required() for p in self._get_open_parts())

    def _get_payable_start(self):
        """Override: the first appointment, for the methods that take too long."""
        starts = [p.document._get_payable_start() for p in self._get_open_parts()]
        return min(filter(None, starts), default=False)

    def _get_payable_form(self):
        """Override: forms belong to the documents, and are filled in there first."""
        return self.env["payment.form"]

    def _get_form_records(self, model):
        """Override: see `_get_payable_form`."""
        return self.env[model]

    # === WHAT THE CLIENT READS === #

    def _get_payable_title(self):
        """Override: how many."""
        return self.env._("%(count)s payments at once", count=len(self.line_ids))

    def _get_payable_reference(self):
        """Override: the number, as it stands on a bank statement."""
        return self.name

    def _get_payable_lines(self):
        """Override: how much of it each document gets, or got."""
        allocations = {}
        for allocation in self._get_allocations():
            if allocation.transaction_id.state in ("pending", "authorized", "done"):
                document = allocation._get_document()
                allocations.setdefault(document, []).append(allocation)
        lines = []
        for part in self._get_parts():
            label = part.line._get_label()
            for allocation in allocations.get(part.document, ()):
                lines.append(
                    {
                        "label": label,
                        "amount": allocation.amount,
                        "note": self._describe_outcome(allocation),
                    }
                )
            if part.status == "payable":
                note = self._describe_due(part.document)
                lines.append({"label": label, "amount": part.amount, "note": note})
            elif part.document not in allocations:
                url = part.status == "details" and part.line._get_own_url()
                lines.append(
                    {
                        "label": label,
                        "value": self.env._("Fill in")
                        if url
                        else self.env._("Not now"),
                        "url": url,
                        "note": self._describe_left_out(part),
                    }
                )
        return lines

    def _describe_due(self, document):
        """Return the day a document is due on, in words, or False."""
        is_invoice = document._name == "account.move"
        day = document.invoice_date_due if is_invoice else document._get_due_day()
        return bool(day) and self.env._(
            "Due on %(date)s", date=format_date(self.env, day)
        )

    def _describe_outcome(self, allocation):
        """Return what became of the money for one document."""
        tx_sudo, document = allocation.transaction_id, allocation._get_document()
        if tx_sudo.state != "done":
            return self.env._("Being paid")
        if not tx_sudo.is_post_processed:
            return self.env._("Received")
        surplus = allocation._get_surplus()
        if self._is_kept(document):
            return self.env._(
                "Received, but it could not be used for this. We know about it and "
                "will write to you about this money."
            )
        if surplus:
            return self.env._(
                "%(amount)s more than was due. We know about it and will write to you "
                "about this money.",
                amount=self._format_amount(surplus),
            )
        left = document._get_payable_amount()
        if not self.currency_id.is_zero(left):
            amount = self._format_amount(left)
            return self.env._("Still to pay: %(amount)s", amount=amount)
        return self.env._("Paid")

    @api.model
    def _is_kept(self, document):
        """Tell whether money for a document is a credit that a person decides about."""
        if document._name == "account.move":
            return document.state != "posted"
        return document.needs_attention and document.attention_reason in KEPT_REASONS

    def _get_payable_notice(self):
        """Override to say that not all of what was chosen is paid here."""
        parts = self._get_parts()
        mine = {line._get_document() for line in self._get_allocations()}
        left_out = [
            p for p in parts if p.status != "payable" and p.document not in mine
        ]
        if not left_out or len(left_out) == len(parts):
            return False
        return self.env._(
            "Not all of what you chose can be paid here. You see why below each; the "
            "rest is paid now."
        )

    def _get_payable_done_url(self):
        """Override: the receipt."""
        return f"{self._get_pay_url()}/receipt"

    def _get_payable_again_url(self):
        """Override: whoever has no link any more chooses again."""
        return "/my/payments"

    # === STARTING A PAYMENT === #

    def _get_rate_domain(self):
        """Override: what its documents were tried for counts together."""
        lines = self.sudo().line_ids  # clients read none
        return Domain.OR(
            Domain(f"allocation_ids.{name}", "in", lines[name].ids)
            for name in const.DUE_SOURCE_ORDER
        )

    def _lock_and_touch(self):
        """Override: its documents are what must not be paid twice."""
        lock_documents(self.sudo().line_ids)  # clients read none

    def _get_blocking_transactions(self):
        """Override: what stands in the way of any document that is paid now."""
        txs_sudo = self.env["payment.transaction"].sudo()  # clients read none
        return txs_sudo.union(
            *(p.document._get_blocking_transactions() for p in self._get_open_parts())
        )

    def _is_reusable(self, tx_sudo, *offer):
        """Override: it must pay the same documents, with the same amounts."""
        if not tx_sudo.bundle_id or not super()._is_reusable(tx_sudo, *offer):
            return False
        wanted = {part.document: part.amount for part in self._get_open_parts()}
        given = {line._get_document(): line.amount for line in tx_sudo.allocation_ids}
        return wanted.keys() == given.keys() and not any(
            self.currency_id.compare_amounts(amount, given[document])
            for document, amount in wanted.items()
        )

    def _prepare_allocations(self, amount):
        """Override: one for each document, in full."""
        return [
            {
                part.document._payable_allocation_field: part.document.id,
                "amount": part.amount,
            }
            for part in self._get_open_parts()
        ]

    def _prepare_payment_values(self, client_key, wish=None):
        """Override to link the invoices as Odoo does, and the bundle."""
        values = super()._prepare_payment_values(client_key, wish)
        invoices = [p.line.invoice_id.id for p in self._get_open_parts()]
        values["custom_create_values"].update(
            bundle_id=self.id, invoice_ids=[(6, 0, [i for i in invoices if i])]
        )
        return values

    def _on_payment_started(self, tx_sudo):
        """Override to tell the documents."""
        for allocation in tx_sudo.allocation_ids:
            allocation._get_document()._on_payment_started(tx_sudo)

    def _on_payment_pending(self, tx_sudo):
        """Override to send the account that one bank transfer for all goes to."""
        for bundle in self:
            if tx_sudo.provider_id._is_slow():
                bundle._send_mail(
                    "payment_booking_portal.mail_template_bundle_transfer"
                )

    # === MAIL === #

    def _get_mail_statement_url(self):
        """Return the address of the client's statement, for the foot of a mail."""
        self.ensure_one()
        return self.partner_id._get_full_statement_url(self.company_id)
