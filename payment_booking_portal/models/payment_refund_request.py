import logging
from datetime import timedelta

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tools import format_amount, format_date

from .. import const
from ..gateways import REFUNDED, REFUNDING, REFUSED, UNKNOWN, Refund, get_gateway
from ..tools.locking import lock_and_touch
from .payment_document_event import acting_as

_logger = logging.getLogger(__name__)

# Minutes until a refund is tried, or asked about, again; then once a day.
TRY_STEPS = (1, 5, 15, 60, 240)
# Days that staff has to give money back where the provider cannot.
MANUAL_DAYS = 7
# Managers who are asked to approve a refund.
MAX_APPROVERS = 5
# A client is not written to about what was given back elsewhere so many days ago.
NEWS_DAYS = 3
# A refund made at the provider is one that was decided, sooner in this order.
CLAIMED_STATES = ("manual", "failed", "queued", "approval")


class PaymentRefundRequest(models.Model):
    """Money that is given back: decided once, done once.

    The decision is committed before the provider is told, and carries a key by which
    the provider's refund is found again: whatever breaks in between, the next run finds
    it, or makes it. Each change locks the transaction that paid.
    """

    _name = "payment.refund.request"
    _description = "Refund"
    _inherit = "payment.money.back.mixin"

    state = fields.Selection(
        const.REFUND_STATES,
        required=True,
        readonly=True,
        default="approval",
        index=True,
    )
    refund_tx_id = fields.Many2one(string="Refund at the Provider")
    reason = fields.Char(required=True)
    user_id = fields.Many2one("res.users", string="Decided By", readonly=True)
    done_at = fields.Datetime(string="Given Back", readonly=True)
    credit_note_id = fields.Many2one(
        "account.move", readonly=True, index="btree_not_null", ondelete="set null"
    )
    deadline = fields.Date(readonly=True, help="Until when staff gives it back.")
    is_outside = fields.Boolean(
        string="Outside of Odoo",
        readonly=True,
        help="It was made on the provider's own pages.",
    )
    try_at = fields.Datetime(string="Next Try", readonly=True)
    tries = fields.Integer(readonly=True)
    error = fields.Char(string="Why Not", readonly=True)

    _amount_positive = models.Constraint(
        "CHECK (amount > 0)", "A refund needs an amount."
    )
    _refund_tx_unique = models.Constraint(
        "UNIQUE (refund_tx_id)", "A refund at the provider belongs to one decision."
    )
    _to_do_index = models.Index("(try_at) WHERE state IN ('queued', 'pending')")

    # === DECIDING === #

    @api.model
    def _decide(self, tx_sudo, amount, reason):
        """Decide to give back money; it happens right after this is committed.

        :param tx_sudo: the transaction that paid, sudoed.
        :param float amount: in its currency.
        :param str reason: for the client's file.
        :return: the refund, sudoed.
        :raise UserError: when that much cannot be given back.
        """
        lock_and_touch(tx_sudo)
        left = tx_sudo._get_refundable_amount()
        currency = tx_sudo.currency_id
        amount = currency.round(amount)
        if currency.compare_amounts(amount, 0) <= 0:
            raise UserError(self.env._("A refund needs an amount."))
        if currency.compare_amounts(amount, left) > 0:
            raise UserError(
                self.env._(
                    "At most %(amount)s can be given back.",
                    amount=format_amount(self.env, left, currency),
                )
            )
        ability = tx_sudo._get_refund_ability()
        if ability == "full_only" and currency.compare_amounts(amount, tx_sudo.amount):
            raise UserError(
                self.env._(
                    "%(provider)s gives back all or nothing.",
                    provider=tx_sudo.provider_id.name,
                )
            )
        needs_approval = tx_sudo._needs_refund_approval(amount)
        user = self.env.user
        refund_sudo = self.sudo().create(  # nobody creates refunds but so
            {
                **self._prepare_values(tx_sudo, amount, reason),
                "state": "approval",
                # Nobody where the settings of the company say so.
                "user_id": not user.share and user.id != SUPERUSER_ID and user.id,
            }
        )
        refund_sudo._log(
            self.env._(
                "%(amount)s to be given back: %(reason)s",
                amount=refund_sudo._format(),
                reason=reason,
            )
        )
        refund_sudo._note("refund_decided", text=reason)
        if needs_approval:
            refund_sudo._ask_approval()
        else:
            refund_sudo._start()
        return refund_sudo

    def _start(self):
        """Let what was decided happen, once this is committed."""
        self.ensure_one()
        now = fields.Datetime.now()
        if self.transaction_id._get_refund_ability() == "none":
            deadline = now + timedelta(days=MANUAL_DAYS)
            self.write({"state": "manual", "deadline": deadline})
            self._ask_staff()
        else:
            self.write({"state": "queued", "try_at": now})
            # sudo: managers trigger no jobs
            self.env.ref("payment_booking_portal.ir_cron_refunds").sudo()._trigger()

    def _get_responsible(self):
        """Return who sees to it: who decided, else who is responsible for what was
        paid.
        """
        self.ensure_one()
        document = self.transaction_id.allocation_ids[:1]._get_document()
        owner = document.user_id if "user_id" in document._fields else None
        return self.user_id or owner or self.env.ref("base.user_admin")

    def _ask_approval(self):
        """Ask the other managers of the company to approve."""
        self.ensure_one()
        group = self.env.ref("payment_booking_portal.group_manager")
        approvers = group.all_user_ids.filtered(
            lambda user: not user.share
            and user != self.user_id
            and self.company_id in user.company_ids
        )
        if not approvers:
            self._flag(
                self.env._(
                    "%(amount)s waits for approval, and there is no other manager.",
                    amount=self._format(),
                )
            )
        for user in approvers[:MAX_APPROVERS]:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self.env._(
                    "Approve to give back %(amount)s to %(client)s",
                    amount=self._format(),
                    client=self.partner_id.name or "",
                ),
                user_id=user.id,
            )

    @api.model
    def _prepare_values(self, tx_sudo, amount, reason):
        """Return the values of a new refund that say what it is."""
        return {
            **self._prepare_payment_values(tx_sudo),
            "amount": amount,
            "reason": reason,
        }

    def _get_key(self):
        """Return what makes the refund the same one for the provider, for ever."""
        self.ensure_one()
        # sudo: nobody but administrators reads parameters
        parameters_sudo = self.env["ir.config_parameter"].sudo()
        return f"{parameters_sudo.get_param('database.uuid')}-refund-{self.id}"

    def _log(self, text):
        """Note on what was paid, and here, what became of the refund."""
        self.ensure_one()
        self._message_log(body=text)
        for allocation in self.transaction_id.allocation_ids:
            allocation._get_document()._message_log(body=text)

    def _note(self, kind, **details):
        """Keep a step in the timelines of what was paid.

        :param str kind: a key of `const.EVENT_KINDS`.
        :param details: what else is said.
        """
        tx_sudo = self.transaction_id
        is_said = kind in ("refund_done", "refund_failed") and self.env.uid == (
            SUPERUSER_ID
        )  # a job hears it from the provider
        for line in tx_sudo.allocation_ids:
            document = line._get_document()
            if is_said:
                document = acting_as(document, "provider")
            share = self.amount * line.amount / tx_sudo.amount
            document._note_event(
                kind,
                tx=tx_sudo,
                amount=self.currency_id.round(share),
                currency=self.currency_id.id,
                **details,
            )

    def _ask_staff(self):
        """Ask staff to give the money back by hand."""
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            date_deadline=self.deadline,
            summary=self.env._(
                "Give back %(amount)s to %(client)s",
                amount=self._format(),
                client=self.partner_id.name or "",
            ),
            note=self.env._(
                "%(provider)s cannot give it back from here. Do it on the provider's "
                "pages or by bank transfer, then press “Given back”.",
                provider=self.provider_name,
            ),
            user_id=self._get_responsible().id,
        )

    # === DOING === #

    @api.model
    def _get_todo_domain(self):
        return Domain("state", "in", ("queued", "pending")) & Domain(
            "try_at", "<=", fields.Datetime.now()
        )

    @api.model
    def _cron_refund(self, limit=200):
        """Give back what was decided, and ask what became of what is on its way.

        :param int limit: how many are looked at in one run.
        """
        domain = self._get_todo_domain()
        ids = self.search(domain, order="try_at, id", limit=limit).ids
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(ids))
        for refund_id in ids:
            refund = self.browse(refund_id).try_lock_for_update()
            try:
                refund.filtered_domain(domain)._execute()
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                if not isinstance(error, psycopg2.OperationalError):
                    _logger.info("refund %s: %s", refund_id, error, exc_info=True)
                    self.browse(refund_id)._note_failed_try(str(error))
            if not cron._commit_progress(1):
                break

    def _execute(self):
        """Give the money back, or ask about it. The decision is committed already."""
        for refund in self.sudo():  # managers and jobs write no transactions
            tx_sudo = refund.transaction_id
            lock_and_touch(tx_sudo)
            lock_and_touch(refund)
            gateway = get_gateway(tx_sudo.provider_id)
            if gateway.can_refund:
                refund._execute_at(gateway)
            elif tx_sudo._get_refund_ability() == "none":  # not any more
                refund._note_failed_try(self.env._("The provider cannot be reached."))
            else:
                refund._execute_by_odoo()

    def _execute_at(self, gateway):
        """Let the provider give the money back, unless it did meanwhile.

        :param gateway: of the provider.
        """
        self.ensure_one()
        tx_sudo = self.transaction_id
        if not self.refund_tx_id:
            if not tx_sudo._look_back(gateway):
                self._note_failed_try(gateway.last_error)
                return
            if self.refund_tx_id:  # somebody was quicker on the provider's pages
                return
            if self.currency_id.compare_amounts(tx_sudo._get_amount_left(), 0) < 0:
                error = self.env._("This money went back in another way meanwhile.")
                self._take(Refund(REFUSED, error=error))
                return
        reference = self.refund_tx_id.provider_reference
        key = self._get_key()
        self._take(gateway.refund(tx_sudo, self.amount, key, reference))

    def _execute_by_odoo(self):
        """Let Odoo's module of the provider give the money back.

        It cannot find a refund again: one that nobody knows the end of is left to
        staff, rather than made twice.
        """
        if self.refund_tx_id:  # the module hears when it has arrived
            self._follow()
            return
        if self.tries:
            self.write({"state": "manual", "try_at": False})
            self.deadline = self.deadline or fields.Date.context_today(self)
            self._ask_staff()
            return
        self.tries = 1
        self.env.cr.flush()
        self.env["ir.cron"]._commit_progress()  # before the provider is told
        lock_and_touch(self.transaction_id)
        refund_tx = self.transaction_id._refund(self.amount)
        self.refund_tx_id = refund_tx
        self._follow()

    def _take(self, answer):
        """Keep what the provider said.

        :param Refund answer: of the gateway.
        """
        self.ensure_one()
        if answer.reference and not self.refund_tx_id:
            self.refund_tx_id = self.transaction_id._ensure_refund_tx(
                answer.reference, self.amount
            )
        if answer.word == UNKNOWN:
            self._note_failed_try(answer.error)
            return
        if answer.word == REFUSED:
            self.error = answer.error
            if not self.refund_tx_id:
                self._set_failed()
                return
        if answer.word == REFUNDED and not answer.key:  # on the provider's own pages
            self.done_at = answer.made_at
        self.refund_tx_id._follow_refund(answer)
        self._follow()

    def _follow(self):
        """Go where the transaction of the refund went."""
        for refund in self:
            state = refund.refund_tx_id.state
            if state == "done" and refund.state != "done":
                refund._set_done()
            elif state in ("error", "cancel") and refund.state != "failed":
                refund.error = refund.error or refund.refund_tx_id.state_message
                refund._set_failed()
            elif state in ("draft", "pending") and refund.state in (
                "queued",
                "pending",
            ):
                refund._postpone({"state": "pending", "error": False})

    def _postpone(self, values):
        """Try, or ask, again later."""
        tries = self.tries + 1
        minutes = TRY_STEPS[tries - 1] if tries <= len(TRY_STEPS) else 24 * 60
        try_at = fields.Datetime.now() + timedelta(minutes=minutes)
        self.write({**values, "tries": tries, "try_at": try_at})

    def _note_failed_try(self, error):
        """Keep why it did not work, and tell staff when it lasts."""
        self.ensure_one()
        self._postpone({"error": error})
        if self.tries == len(TRY_STEPS):
            self._flag(
                self.env._(
                    "%(amount)s could not be given back yet: %(error)s",
                    amount=self._format(),
                    error=error,
                )
            )

    def _set_done(self):
        self.ensure_one()
        self.write(
            {
                "state": "done",
                "done_at": self.done_at or fields.Datetime.now(),
                "try_at": False,
                "error": False,
            }
        )
        self._credit()
        self.env.ref("payment.cron_post_process_payment_tx")._trigger()
        self.activity_unlink(["mail.mail_activity_data_todo"])
        self._note("refund_done")
        self._log(self.env._("%(amount)s given back.", amount=self._format()))
        document = self.transaction_id.allocation_ids[:1]._get_document()
        document._attempt("mail_failed", self._send_done_mail)

    def _set_failed(self):
        self.ensure_one()
        self.write({"state": "failed", "try_at": False, "done_at": False})
        self._take_back_promise()
        self._note("refund_failed", text=self.error)
        self._flag(
            self.env._(
                "%(amount)s was not given back: %(error)s",
                amount=self._format(),
                error=self.error or "",
            )
        )

    def _take_back_promise(self):
        """Let no page say any more that the money is on its way."""
        for allocation in self.transaction_id.allocation_ids:
            allocation._get_document()._on_refund_given_up()

    def _flag(self, text):
        """Tell staff, on what was paid."""
        for allocation in self.transaction_id.allocation_ids:
            allocation._get_document()._flag_attention("refund_failed", text)

    # === OUTSIDE OF ODOO === #

    @api.model
    def _is_news(self, tx_sudo, answer):
        """Tell whether a refund at the provider is not known here as it is.

        :param tx_sudo: the transaction that paid, sudoed.
        :param Refund answer: of the gateway.
        """
        child = tx_sudo._find_refund_tx(answer.reference)
        if not child:
            return answer.word != REFUSED
        if answer.key and self._find_decision(tx_sudo, answer):
            return True  # Odoo's module was told of it before we were
        states = {
            REFUNDED: ("done",),
            # The provider has said more already.
            REFUNDING: ("pending", "done", "error", "cancel"),
            REFUSED: ("error", "cancel"),
        }
        return child.state not in states[answer.word]

    @api.model
    def _take_outside(self, tx_sudo, answer):
        """Keep a refund that the provider has and that is news: one that was decided
        here, or one that was made on the provider's own pages. The transaction is
        locked.

        :param tx_sudo: the transaction that paid, sudoed.
        :param Refund answer: of the gateway.
        """
        child = tx_sudo._find_refund_tx(answer.reference)
        if child:
            refund_sudo = self.sudo().search([("refund_tx_id", "=", child.id)], limit=1)
            if not refund_sudo and answer.key:
                refund_sudo = self._find_decision(tx_sudo, answer)
            if refund_sudo:
                refund_sudo._take(answer)
            else:  # made by Odoo's own button
                child._follow_refund(answer)
            return
        if tx_sudo._claim_refund_by_hand(answer):
            return
        refund_sudo = self._find_decision(tx_sudo, answer)
        if refund_sudo:
            refund_sudo.activity_unlink(["mail.mail_activity_data_todo"])
            refund_sudo.state = "queued"
            refund_sudo._take(answer)
            return
        reason = self.env._(
            "Given back at %(provider)s, outside of Odoo",
            provider=tx_sudo.provider_id.name,
        )
        refund_sudo = self.sudo().create(  # nobody creates refunds but so
            {
                **self._prepare_values(tx_sudo, answer.amount, reason),
                "state": "queued",
                "is_outside": True,
                "try_at": fields.Datetime.now(),
            }
        )
        refund_sudo._take(answer)
        refund_sudo._tell_outside(answer)

    @api.model
    def _find_decision(self, tx_sudo, answer):
        """Return the decision that a refund at the provider comes from: by its key, or
        one to give back just that amount.
        """
        open_ones = tx_sudo.refund_request_ids.filtered(
            lambda refund: not refund.refund_tx_id and refund.state in CLAIMED_STATES
        )
        if answer.key:
            return open_ones & self._find_by_key(tx_sudo, answer)
        compare = tx_sudo.currency_id.compare_amounts
        return open_ones.filtered(
            lambda refund: compare(refund.amount, answer.amount) == 0
        ).sorted(lambda refund: CLAIMED_STATES.index(refund.state))[:1]

    @api.model
    def _find_by_key(self, tx_sudo, answer):
        """Return the decision whose key a refund at the provider has, if any."""
        return tx_sudo.refund_request_ids.filtered(
            lambda refund: refund._get_key() == answer.key
        )

    def _tell_outside(self, answer):
        """Tell staff of a refund that nobody decided here."""
        self.ensure_one()
        moment = answer.made_at or fields.Datetime.now()
        text = self.env._(
            "On %(date)s, %(amount)s was sent back to the client at %(provider)s, not "
            "from here.",
            date=format_date(self.env, self.transaction_id._get_local_day(moment)),
            amount=self._format(),
            provider=self.provider_name,
        )
        for allocation in self.transaction_id.allocation_ids:
            allocation._get_document()._flag_attention("refunded_outside", text)

    # === BOOKS === #

    def _credit(self):
        """Make the credit note of what was given back, for its payment to take."""
        self.ensure_one()
        document = self.transaction_id.allocation_ids[:1]._get_document()
        self.credit_note_id = (
            document._attempt("refund_failed", self._make_credit_note)
            or self.env["account.move"]
        )
        if self.credit_note_id and self.refund_tx_id:
            self.refund_tx_id.invoice_ids = [Command.set(self.credit_note_id.ids)]

    def _make_credit_note(self):
        """Return the posted credit note of what was given back, if the money paid one
        invoice; else the refund stays open against the client's credit.
        """
        self.ensure_one()
        lines = self.transaction_id.allocation_ids
        document = len(lines) == 1 and lines._get_document()
        invoice = document and (lines.invoice_id or document.invoice_id)
        if not invoice or invoice.state != "posted":
            return self.env["account.move"]
        credited = invoice.reversal_move_ids.filtered(lambda m: m.state == "posted")
        compare = self.currency_id.compare_amounts
        for credit_note in credited:  # made by staff, or for a refund that failed
            if compare(credit_note.amount_residual, self.amount) == 0:
                return credit_note
        left = invoice.amount_total - sum(credited.mapped("amount_total"))
        if self.currency_id.compare_amounts(self.amount, left) > 0:
            return self.env["account.move"]  # staff made one already
        is_whole = not self.currency_id.compare_amounts(
            self.amount, invoice.amount_total
        )
        values = {
            "ref": self.env._("Refund of %(number)s", number=invoice.name),
            "invoice_date": fields.Date.context_today(self),
        }
        credit_note = invoice._reverse_moves([values])
        if not is_whole:
            credit_note.invoice_line_ids = [
                Command.clear(),
                *map(Command.create, self._prepare_part_lines(invoice)),
            ]
        credit_note.action_post()
        return credit_note

    def _prepare_part_lines(self, invoice):
        """Return the lines of a credit note over a part of an invoice: one per set of
        taxes, by Odoo's own way of sharing an amount, to the cent.
        """
        AccountTax = self.env["account.tax"]
        base_lines, _tax_lines = invoice._get_rounded_base_and_tax_lines()
        reduced = AccountTax._reduce_base_lines_to_target_amount(
            base_lines, invoice.company_id, "fixed", self.amount
        )
        return [
            {
                "name": self.reason,
                "quantity": line["quantity"],
                "price_unit": line["price_unit"],
                "tax_ids": [Command.set(line["tax_ids"].ids)],
                "account_id": (
                    line["account_id"] or invoice.invoice_line_ids.account_id[:1]
                ).id,
                "extra_tax_data": AccountTax._export_base_line_extra_tax_data(line),
            }
            for line in reduced
        ]

    # === BY HAND === #

    def _check_manager(self):
        """Check that the user may decide about money.

        :raise AccessError: for anyone but a manager of its company.
        """
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager gives money back."))
        if self.sudo().company_id - self.env.companies:
            raise AccessError(
                self.env._("This belongs to a company that is not yours.")
            )

    def _check_amount_left(self):
        """Check that what failed was not given back by another decision meanwhile.

        :raise UserError: if it was.
        """
        self.ensure_one()
        left = self.transaction_id._get_refundable_amount()
        if (
            self.state == "failed"
            and self.currency_id.compare_amounts(self.amount, left) > 0
        ):
            raise UserError(
                self.env._("This money was given back by another decision meanwhile.")
            )

    def action_approve(self):
        """Approve what another manager decided, or the settings of the company.

        :raise UserError: for who decided.
        """
        self._check_manager()
        for refund in self.sudo():  # managers write no refunds but so
            lock_and_touch(refund.transaction_id)
            lock_and_touch(refund)
            if refund.state != "approval":
                continue
            if refund.user_id == self.env.user:
                raise UserError(
                    self.env._("Another manager must approve what you decided.")
                )
            left = refund.transaction_id._get_amount_left()
            if refund.currency_id.compare_amounts(left, 0) < 0:
                raise UserError(
                    self.env._("This money went back in another way meanwhile.")
                )
            refund.activity_unlink(["mail.mail_activity_data_todo"])
            refund._note("refund_approved")
            refund._log(self.env._("Approved by %(user)s.", user=self.env.user.name))
            refund._start()

    def action_done_by_hand(self):
        """Note that staff gave the money back outside of the provider's API."""
        self._check_manager()
        for refund in self.sudo():  # managers write no transactions
            lock_and_touch(refund.transaction_id)
            lock_and_touch(refund)
            if refund.state not in ("manual", "failed"):
                raise UserError(
                    self.env._("This refund does not wait for you to do it.")
                )
            refund._check_amount_left()
            refund.refund_tx_id = refund.transaction_id._create_child_transaction(
                refund.amount, is_refund=True
            )
            refund.refund_tx_id._set_done(
                state_message=self.env._(
                    "Given back by hand, says %(user)s.", user=self.env.user.name
                )
            )
            refund._follow()

    def action_retry(self):
        """Try again what the provider refused, or did not answer."""
        self._check_manager()
        for refund in self.sudo():  # managers write no refunds but so
            lock_and_touch(refund.transaction_id)
            lock_and_touch(refund)
            if refund.state == "failed" and not refund.refund_tx_id:
                refund._check_amount_left()
                refund.state = "queued"
            if refund.state in ("queued", "pending"):
                refund.try_at = fields.Datetime.now()
        # sudo: managers trigger no jobs
        self.env.ref("payment_booking_portal.ir_cron_refunds").sudo()._trigger()

    def action_cancel(self):
        """Give up a refund that did not happen."""
        self._check_manager()
        for refund in self.sudo():  # managers write no refunds but so
            lock_and_touch(refund.transaction_id)
            lock_and_touch(refund)
            is_open = refund.state in ("approval", "manual", "failed")
            if not is_open or refund.refund_tx_id.state in ("pending", "done"):
                raise UserError(
                    self.env._("This refund is under way: it cannot be given up.")
                )
            refund.write({"state": "cancelled", "try_at": False})
            refund._take_back_promise()
            refund._note("refund_cancelled")
            refund.activity_unlink(["mail.mail_activity_data_todo"])
            refund._log(
                self.env._(
                    "%(amount)s is not given back, says %(user)s.",
                    amount=refund._format(),
                    user=self.env.user.name,
                )
            )

    # === FOR THE CLIENT === #

    def _get_client_text(self, share=1.0):
        """Return what the client reads: never "given back" before it is.

        :param float share: which part of it is meant.
        """
        self.ensure_one()
        tx = self.sudo().transaction_id  # managers and clients read none
        amount = self.currency_id.round(self.amount * share)
        if self.state == "done":
            return tx._get_given_back_text(amount, tx._get_local_day(self.done_at))
        amount = tx._format_receipt_amount(amount)
        if self.state in ("queued", "pending", "manual"):
            return self.env._("%(amount)s is being given back", amount=amount)
        later = tx.refund_request_ids.filtered(lambda other: other.id > self.id)
        if self.state == "failed" and not later:
            return self.env._(
                "%(amount)s could not be given back yet: we will contact you",
                amount=amount,
            )
        return ""  # perhaps never

    def _get_client_titles(self):
        """Return what was paid, in the client's words."""
        self.ensure_one()
        documents = [
            line._get_document() for line in self.transaction_id.allocation_ids
        ]
        return ", ".join(document._get_payable_title() for document in documents)

    def _send_done_mail(self):
        """Write to the client that the money was given back."""
        self.ensure_one()
        long_ago = fields.Datetime.now() - timedelta(days=NEWS_DAYS)
        is_old = self.is_outside and self.done_at < long_ago
        if is_old or not self._get_client_email():
            return
        # sudo: managers read no templates
        self.env.ref("payment_booking_portal.mail_template_refund").sudo().send_mail(
            self.id, email_layout_xmlid="payment_booking_portal.mail_layout"
        )
        # sudo: nor jobs
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    def _get_client_email(self):
        """Return the address of the client, as receipts use it."""
        return self.partner_id.email or self.transaction_id.partner_email

    def _get_mail_prefix(self):
        """Return what stands before the subject of a mail about test money."""
        self.ensure_one()
        return "" if self.transaction_id.is_live else self.env._("[Test] ")

    def _get_client_lang(self):
        """Return the language in which the client reads."""
        return self.transaction_id._get_receipt_lang()
