import logging
from collections import namedtuple
from datetime import timedelta

import psycopg2

from odoo import fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import format_amount, format_date
from odoo.tools.mail import formataddr
from odoo.tools.misc import get_lang

from odoo.addons.payment import utils as payment_utils

from .. import const
from ..exceptions import AlreadyPaid
from ..gateways import DEAD, OPEN, PAID
from ..tools.locking import lock_and_touch
from .payment_form import POLICY_HASH

_logger = logging.getLogger(__name__)

PaymentOptions = namedtuple("PaymentOptions", "providers methods tokens report")


class PaymentPayableMixin(models.AbstractModel):
    """Methods of everything that can be paid on the pay page.

    The mixin has no field and inherits nothing, so that `account.move` can have it
    too. A model becomes payable by naming its field on `payment.transaction.allocation`
    (and the One2many `allocation_ids` back) and overriding the methods of the first
    section.
    """

    _name = "payment.payable.mixin"
    _description = "Payable Document"

    # Name of the Many2one to this model on `payment.transaction.allocation`.
    _payable_allocation_field = None
    # Whether its own mails tell the client of a payment; else the transaction does.
    _has_own_receipt = False
    # The statuses (see `_get_payable_status`) in which staff may note money that came.
    _recordable_statuses = ("payable", "details", "later", "processing")

    # === TO OVERRIDE === #

    def _get_payable_company(self):
        """Return the company that is paid."""
        return self.company_id

    def _get_payable_currency(self):
        """Return the currency that the document is paid in."""
        return self.currency_id

    def _get_payable_partner(self):
        """Return the contact who owes, or an empty one while a guest has none."""
        return self.partner_id

    def _ensure_payable_partner(self):
        """Return the contact who owes, making it if need be: a payment needs one."""
        return self._get_payable_partner()

    def _get_payable_account(self):
        """Return the receivable account that the money settles, sudoed."""
        company = self._get_payable_company()
        partner_sudo = self._get_payable_partner().sudo()  # clients read no accounts
        partner_sudo = partner_sudo.commercial_partner_id.with_company(company)
        return partner_sudo.property_account_receivable_id

    def _get_payable_notice(self):
        """Return what a client should know before they pay, if anything."""
        return False

    def _get_payable_total(self):
        """Return what the document costs in all, in its currency."""
        return self.amount_total

    def _get_payable_title(self):
        """Return what is paid for, in the client's words."""
        return self.display_name

    def _get_payable_lines(self):
        """Return the lines of the pay page: dicts of `label`, `value` or `amount`."""
        return []

    def _get_payable_start(self):
        """Return when the service takes place (naive UTC), if it does."""
        return False

    def _get_payable_deadline(self):
        """Return until when it can be paid (naive UTC), or False for no limit."""
        return False

    def _is_payment_required(self):
        """Tell whether only this money confirms the document."""
        return False

    def _can_pay_at_venue(self):
        """Tell whether the client may choose to pay at the appointment. Override."""
        return False

    def _choose_venue(self):
        """Keep that the client pays at the appointment. The document is locked."""

    def _is_venue_chosen(self):
        """Tell whether the client said that they pay there, and it is due. Override."""
        return False

    def _get_payable_own_status(self):
        """Return why the document itself cannot be paid, as a key of
        `_get_payable_messages`, or `payable`.
        """
        return "payable"

    def _get_payable_successor(self):
        """Return the document that is owed in place of this one, sudoed; empty if this
        one is. Its pay page leads there, and it takes no money itself any more.
        """
        return self.browse()

    def _get_payable_later_url(self):
        """Return where a client goes who does not want to pay now, if they may."""
        return False

    def _get_payable_done_url(self):
        """Return the page that a client sees once the document is paid."""
        return self._get_pay_url()

    def _get_payable_again_url(self):
        """Return where a client starts again whose link is dead, or False. Override."""
        return False

    def _get_payable_closing_message(self):
        """Return what a client reads when there is no payment left, if anything."""
        return False

    def _get_invoice_url(self):
        """Return the address of the posted invoice for the client, or False."""
        return False

    def _get_signup_url(self):
        """Return the address where the client makes an account, or False."""
        return False

    def _get_payable_thanks(self):
        """Return what the client reads once it is paid, beside the receipt."""
        return ""

    def _get_payable_return_url(self):
        """Return the page of the business that a client goes back to once it is paid,
        or False. Never one that a client sent.
        """
        return False

    def _get_payable_return_host(self):
        """Return the name of the website that the client came from and goes back to,
        whatever happens, or False.
        """
        return False

    def _is_opened_awaited(self):
        """Tell whether it is worth knowing that the client looks at the pay page."""
        return False

    def _note_opened(self):
        """Keep that the client has looked at the pay page."""

    def _ask_fresh_link(self, link_sudo, client_key):
        """Let the client have a fresh link, sent to the address on file.

        :param payment.access.link link_sudo: the dead one.
        :param str client_key: see `payment.transaction._make_client_key`.
        """

    def _on_payment_started(self, tx_sudo):
        """React to a new transaction. The document is locked."""

    def _on_payment_pending(self, tx_sudo):
        """React to money that is on its way."""

    def _on_payment_received(self, tx_sudo):
        """React to money that is there, before it is post-processed."""

    def _on_payment_failed(self, tx_sudo):
        """React to a transaction that failed or was cancelled."""

    def _on_refund_given_up(self):
        """React to money that will not go back by itself, after all."""

    def _on_payment_done(self, tx_sudo):
        """Do what the money was for. The document is locked; may raise `UserError`."""

    def _make_payable_invoice(self, tx_sudo):
        """Return the posted invoice that the money settles, if there is to be one.

        Called in a savepoint once `_on_payment_done` is over. Without an invoice the
        payment becomes the client's outstanding credit.
        """
        return self.env["account.move"]

    def _flag_attention(self, reason, message):
        """Tell staff that a person must decide. Override on documents with a flag.

        :param str reason: a key of `const.ATTENTION_REASONS`.
        :param str message: what happened, for staff.
        """
        _logger.info("%s needs attention (%s): %s", self, reason, message)

    def _note_event(self, *kinds, tx=None, **details):
        """Keep steps for the timeline. Override on documents that have one.

        :param kinds: keys of `const.EVENT_KINDS`, in their order.
        :param payment.transaction tx: the payment that they are about.
        :param details: what else is said (see `payment.document.event`).
        """

    # === WHAT IS DUE === #

    def _get_allocations(self):
        """Return the allocations of the document, sudoed."""
        return self.sudo().allocation_ids  # clients read no transaction

    def _get_payable_paid(self):
        """Return the money that the provider confirmed, less what was given back."""
        self.ensure_one()
        currency = self._get_payable_currency()
        paid = 0.0
        for allocation in self._get_allocations():
            tx_sudo = allocation.transaction_id
            if tx_sudo.state == "done" and tx_sudo._is_money():
                paid += allocation.amount - tx_sudo._get_refunded_share(allocation)
        return currency.round(paid)

    def _get_payable_processing(self):
        """Return the money that is on its way: pending or authorized."""
        self.ensure_one()
        return self._get_payable_currency().round(
            sum(
                allocation.amount
                for allocation in self._get_allocations()
                if allocation.transaction_id.state in const.COUNTED_TX_STATES
                and allocation.transaction_id._is_money()
            )
        )

    def _format_amount(self, amount):
        """Return an amount in the document's currency, in words."""
        return format_amount(self.env, amount, self._get_payable_currency())

    def _get_payable_amount(self):
        """Return what is due now: the total less the money confirmed or on its way."""
        self.ensure_one()
        due = (
            self._get_payable_total()
            - self._get_payable_paid()
            - self._get_payable_processing()
        )
        return max(0.0, self._get_payable_currency().round(due))

    def _get_payable_choices(self):
        """Return the amounts that a client chooses from; none: what is due, in full.

        Override where a part may be paid, with `_check_payable_part`.

        :return: dicts of `key`, `label` and `amount`; the amount of `own` is typed, its
            limits stand in `help`.
        :rtype: list
        """
        return []

    def _check_payable_part(self, amount):
        """Return why not that much can be paid, or False.

        :param float amount: what the client chose, in the document's currency.
        """
        due = self._get_payable_amount()
        if self._get_payable_currency().compare_amounts(amount, due) == 0:
            return False
        return self.env._(
            "Please pay %(amount)s, in full.", amount=self._format_amount(due)
        )

    def _get_amount_to_pay(self, wish=None):
        """Return how much is paid now: what the client chose among our offers.

        :param float wish: what the client sent; None: all that is due.
        :raise UserError: when that much cannot be paid.
        """
        self.ensure_one()
        due = self._get_payable_amount()
        if wish is None or not self._get_payable_choices():
            return due  # nothing to choose: what was sent is not read
        error = self._check_payable_part(wish)
        if error:
            raise UserError(error)
        return self._get_payable_currency().round(wish)

    def _get_payable_status(self):
        """Return the one word that decides what the pay page shows.

        :return: `payable`, or a key of `_get_payable_messages`.
        :rtype: str
        """
        self.ensure_one()
        currency = self._get_payable_currency()
        total = self._get_payable_total()
        if not total or currency.is_zero(total):
            return "nothing"
        if currency.compare_amounts(self._get_payable_paid(), total) >= 0:
            return "paid"
        if currency.is_zero(self._get_payable_amount()):
            return "processing"
        own_status = self._get_payable_own_status()
        if own_status == "payable" and self._is_details_missing():
            return "details"
        return own_status

    def _is_payable_now(self):
        """Tell whether the client can pay now, perhaps after filling in a form."""
        return self._get_payable_status() in ("payable", "details")

    def _get_payable_messages(self):
        """Return what the words of `_get_payable_status` mean for a client."""
        return {
            "details": self.env._("Please fill in the form first."),
            "nothing": self.env._("There is nothing to pay."),
            "paid": self.env._("This is already paid."),
            "processing": self.env._("A payment is being processed."),
            "over": self.env._("Your time to pay is over."),
            "cancelled": self.env._("This was cancelled."),
            "closed": self.env._("Online payment is closed at the moment."),
            "later": self.env._("This is paid at the appointment."),
        }

    def _get_payable_error(self):
        """Return the reason why the document cannot be paid now, or False."""
        status = self._get_payable_status()
        return status != "payable" and self._get_payable_messages()[status]

    # === WHAT THE PAYER FILLS IN === #

    def _get_payable_form(self):
        """Return the form that the payer fills in, sudoed; empty if there is none."""
        company_sudo = self._get_payable_company().sudo()  # guests read no companies
        return company_sudo.booking_form_id.filtered("active")

    def _get_payable_questions(self):
        """Return what the document itself asks, before the form's own questions.

        :return: see `payment.form._make_question`; a required one without a `value`
            stands in the way of the payment.
        :rtype: list
        """
        return []

    def _get_own_questions(self):
        """Return `_get_payable_questions` with all that a page needs."""
        Form = self.env["payment.form"]
        return [Form._complete_question(q) for q in self._get_payable_questions()]

    def _take_payable_questions(self, answers):
        """Keep the answers to `_get_payable_questions`. The document is locked.

        :param dict answers: answer by name, as `payment.form._read_answer` returns it.
        """

    def _get_form_records(self, model):
        """Return what payers left behind with a form for the document, sudoed.

        :param str model: `payment.form.answer` or `payment.form.submission`.
        """
        records_sudo = self.env[model].sudo()  # clients see their own by the link
        return records_sudo.search([(self._payable_allocation_field, "in", self.ids)])

    def _get_details_questions(self, partner=None):
        """Return all that the payer is asked, with the answers so far.

        :param res.partner partner: a proved contact, to fill in what is known.
        """
        self.ensure_one()
        form = self._get_payable_form()
        questions = self._get_own_questions()
        if form:
            answers = self._get_form_records("payment.form.answer")
            known = form._get_known_fields(self._get_payable_partner(), answers)
            skipped = {field._get_key() for field in known}
            questions = questions + [
                question
                for question in form._get_questions(partner, answers)
                if question["name"] not in skipped
            ]
        return questions

    def _is_details_missing(self):
        """Tell whether the payer has still to fill in something.

        What was sent once counts, also if the form has changed since.
        """
        self.ensure_one()
        if any(
            question["required"] and not question["value"]
            for question in self._get_own_questions()
        ):
            return True
        form = self._get_payable_form()
        if not form._has_step():
            return False
        submissions = self._get_form_records("payment.form.submission")
        return form not in submissions.form_id

    def _has_payment_started(self):
        """Tell whether money came, or may be on its way."""
        self.ensure_one()
        return bool(self._get_live_transactions() or self._get_payable_paid())

    def _can_change_details(self):
        """Tell whether the payer may (still) fill in the form before paying."""
        self.ensure_one()
        status = self._get_payable_status()
        return status == "details" or (
            status == "payable" and not self._has_payment_started()
        )

    def _check_payable_details(self, values):
        """Return what is wrong with what the payer typed: a message per question.

        :param dict values: the fields of the form as they were sent.
        """
        return self.env["payment.form"]._check_questions(
            self._get_details_questions(), values
        )

    def _is_payer_proved(self, user):
        """Tell whether who fills in the form is the contact who owes, and not just
        somebody who typed an e-mail address.

        :param res.users user: the visitor.
        """
        partner = self._get_payable_partner()
        return bool(partner) and not user._is_public() and user.partner_id == partner

    def _take_payable_details(self, values, address, proved=False, own=True):
        """Keep what the payer filled in, and the policy accepted with it.

        Former answers of the document are replaced. The same form sent twice is kept
        once.

        :param dict values: the fields of the form, checked already.
        :param str address: the network address of the payer.
        :param bool proved: whether the payer is the contact, whose empty fields may
            then be filled.
        :param bool own: whether the document's own questions were asked too.
        """
        self.ensure_one()
        form = self._get_payable_form()
        questions = self._get_own_questions() if own else []
        if not form and not questions:
            return
        self._lock_and_touch()
        self._note_event("filled_in")
        if questions:
            Form = self.env["payment.form"]
            self._take_payable_questions(
                {q["name"]: Form._read_answer(q, values)[0] for q in questions}
            )
        if not form:
            return
        document = {
            self._payable_allocation_field: self.id,
            "form_id": form.id,
        }
        self._get_form_records("payment.form.answer").unlink()
        self.env["payment.form.answer"].sudo().create(  # clients write nothing
            [
                {
                    **document,
                    "field_id": field.id,
                    "sequence": number,
                    "label": field.label,
                    "kind": field.kind,
                    "value": value,
                }
                for number, (field, value) in enumerate(
                    form._read_values(values).items()
                )
            ]
        )
        policy = self.env["payment.form.policy"]
        if form._has_policy():
            if values.get(POLICY_HASH) != form._get_policy_hash():
                raise UserError(form._get_changed_message())
            policy = policy._keep(form)
        last = self._get_form_records("payment.form.submission")[:1]
        if last.form_id != form or last.policy_id != policy:
            self.env["payment.form.submission"].sudo().create(  # as above
                {
                    **document,
                    "submitted_at": fields.Datetime.now(),
                    "address": address,
                    "lang": get_lang(self.env).code,
                    "policy_id": policy.id,
                    "is_ticked": bool(policy) and form.policy_required,
                }
            )
        if proved:
            self._fill_payer()

    def _fill_payer(self):
        """Fill the empty fields of the contact with the answers that are meant for it.

        The caller knows that the contact is the payer, or was made for this document.
        """
        self.ensure_one()
        if not self._get_payable_form():
            return
        partner_sudo = self._get_payable_partner().sudo()  # clients write no contacts
        for answer in self._get_form_records("payment.form.answer"):
            name = answer.field_id.partner_field
            if not partner_sudo or not name or partner_sudo[name]:
                continue
            try:
                with self.env.cr.savepoint():
                    partner_sudo[name] = answer.value
                    partner_sudo.flush_recordset()
            except (UserError, ValidationError) as error:
                # Such as a VAT number that does not exist: the answer is kept anyway.
                _logger.info("%s of %s not filled: %s", name, partner_sudo, error)
                partner_sudo.invalidate_recordset()

    def _get_shown_policy(self):
        """Return the policy that stands on the pay page: the one accepted, if any."""
        self.ensure_one()
        form = self._get_payable_form()
        if not form:
            return False
        accepted = self._get_form_records("payment.form.submission")[:1].policy_id
        return accepted.body or (form._has_policy() and form.policy)

    # === RECEIPTS === #

    def _has_been_paid(self):
        """Tell whether money came for the document, whatever was given back since."""
        return bool(self._get_receipt_transactions() or self._get_payable_paid())

    def _get_unused_money_text(self):
        """Return what the client reads about money that came for nothing. Override."""
        return self.env._("We will write to you about this money.")

    def _get_paid_transactions(self):
        """Return the transactions that paid the document, sudoed, oldest first."""
        self.ensure_one()
        return self._get_allocations().transaction_id.sorted("id").filtered(
            lambda tx: tx.state == "done" and tx._is_money()
        )  # fmt: skip

    def _get_receipts(self):
        """Return what was paid, how and when, for a page or a mail.

        :return: per payment a dict of the `id` of the transaction, `text`, and the
            texts of what was given back since: `refunds`.
        :rtype: list
        """
        self.ensure_one()
        return [
            {
                "id": tx_sudo.id,
                "text": self.env._(
                    "%(amount)s on %(date)s, %(method)s, reference %(reference)s",
                    amount=self._format_amount(tx_sudo._get_document_share(self)),
                    date=format_date(
                        self.env, tx_sudo._get_paid_day(), date_format="long"
                    ),
                    method=tx_sudo.payment_method_id.name,
                    reference=tx_sudo.reference,
                ),
                "refunds": tx_sudo._get_refund_texts(self),
            }
            for tx_sudo in self._get_paid_transactions()
        ]

    def _get_receipt_lines(self):
        """Return `_get_receipts` as lines of text."""
        return [
            line
            for receipt in self._get_receipts()
            for line in (receipt["text"], *receipt["refunds"])
        ]

    def _get_receipt_row(self):
        """Return what a receipt says of the document: a dict of `number`, `label`,
        `invoice` (its number, if another document) and `is_advance`: not invoiced yet.
        """
        self.ensure_one()
        return {
            "number": self._get_payable_reference(),
            "label": self._get_payable_title(),
            "invoice": False,
            "is_advance": False,
        }

    def _get_receipt_transactions(self):
        """Return the payments that staff gives the client a receipt of, sudoed."""
        return self._get_paid_transactions()

    def _check_receipt_rights(self):
        """Check that the user may see what clients paid, and write to them.

        :raise AccessError: for anyone but staff of its company.
        """
        user = self.env.user
        is_staff = user.has_group("payment_booking_portal.group_user")
        if not is_staff and not user.has_group("account.group_account_invoice"):
            raise AccessError(self.env._("Only staff can do this."))
        if self.sudo()._get_payable_company() - self.env.companies:  # of an invoice
            raise AccessError(
                self.env._("This belongs to a company that is not yours.")
            )

    def _get_receipts_to_show(self):
        """Return `_get_receipt_transactions`, for staff.

        :raise UserError: when there is none.
        """
        self.ensure_one()
        self._check_receipt_rights()
        txs_sudo = self.sudo()._get_receipt_transactions()  # plain users read none
        if not txs_sudo:
            raise UserError(
                self.env._("Nothing was paid here yet that there is a receipt of.")
            )
        return txs_sudo

    def action_print_receipt(self):
        """Open the receipt of the last payment, as a PDF."""
        return {
            "type": "ir.actions.act_url",
            "url": self._get_receipts_to_show()[-1]._get_receipt_path(),
            "target": "new",
        }

    def action_send_receipt(self):
        """Send the receipts of the document to the client again."""
        txs_sudo = self._get_receipts_to_show()
        # sudo: plain users write no invoices
        return txs_sudo._send_receipts_again(self.sudo())

    # === GIVING BACK === #

    def _get_refund_texts(self):
        """Return what the client reads about money that was given back, or is about
        to be.

        :rtype: list
        """
        self.ensure_one()
        return [
            text
            for tx_sudo in self._get_paid_transactions()
            for text in tx_sudo._get_refund_texts(self)
        ]

    def _get_refund_requests(self):
        """Return what was decided about giving back its money, sudoed."""
        self.ensure_one()
        return self.sudo()._get_receipt_transactions().refund_request_ids

    def action_view_refunds(self):
        """Open what was decided about giving back its money."""
        self._check_receipt_rights()
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Refunds"),
            "res_model": "payment.refund.request",
            "view_mode": "list,form",
            "domain": [("id", "in", self._get_refund_requests().ids)],
        }

    def action_refund_payment(self):
        """Open the dialog that gives a payment of the document back, for managers.

        :raise AccessError: for anyone else.
        """
        self.ensure_one()
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager gives money back."))
        self._check_receipt_rights()
        txs_sudo = self.sudo()._get_receipt_transactions()  # managers read none
        return self.env["payment.refund.decide"]._open(txs_sudo)

    # === LINKS === #

    def _get_pay_url(self):
        """Return the address of the pay page."""
        link = self.env["payment.access.link"]._get_for(self, "pay")
        return f"/pay/{link.sudo().token}"  # the token is for whoever gets the address

    # === MAILS TO THE CLIENT === #

    def _get_client_name(self):
        """Return the name of the client. Override where a guest has given theirs."""
        return self._get_payable_partner().name

    def _get_client_email(self):
        """Return the e-mail address of the client. Override as `_get_client_name`."""
        return self._get_payable_partner().email

    def _get_client_langs(self):
        """Return the languages that the client may read, the best one first."""
        return [self._get_payable_partner().lang]

    def _get_client_lang(self):
        """Return the language in which the client reads."""
        self.ensure_one()
        installed = dict(self.env["res.lang"].get_installed())
        for lang in self._get_client_langs():
            if lang in installed:  # it may have been switched off since
                return lang
        return self.env.lang

    def _send_mail(self, template_xmlid):
        """Queue a mail to the client, in the client's language.

        :param str template_xmlid: a template on this model.
        """
        self.ensure_one()
        if not self._get_client_email():
            return
        template = self.env.ref(template_xmlid).sudo()  # clients read no templates
        attachments = self._make_mail_attachments()
        values = {"attachment_ids": [Command.link(a.id) for a in attachments]}
        template.send_mail(
            self.id,
            email_values=values,
            email_layout_xmlid="payment_booking_portal.mail_layout",
        )
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()

    def _make_mail_attachments(self):
        """Return new attachments of a mail to the client, sudoed."""
        return self.env["ir.attachment"].sudo()  # they belong to the mail

    def _has_test_money(self):
        """Tell whether somebody paid it, or tried to, with test money."""
        return any(not tx.is_live for tx in self._get_allocations().transaction_id)

    def _get_mail_prefix(self):
        """Return what stands before the subject of a mail about test money."""
        self.ensure_one()
        return self.env._("[Test] ") if self._has_test_money() else ""

    def _get_mail_to(self):
        """Return the client's address with the name, for the header of a mail."""
        self.ensure_one()
        return formataddr((self._get_client_name() or "", self._get_client_email()))

    def _get_mail_url(self, page="manage"):
        """Return the full address of a client page, for a mail.

        :param str page: `pay`, or `manage` for what it shows once it is paid.
        """
        self.ensure_one()
        path = self._get_pay_url() if page == "pay" else self._get_payable_done_url()
        return self.get_base_url() + path

    def _get_mail_lines(self):
        """Return what a mail lists: dicts with `label` and `value`."""
        return [
            {
                "label": line["label"],
                "value": line["value"]
                if "value" in line
                else self._format_amount(line["amount"]),
            }
            for line in self._get_payable_lines()
        ]

    def _get_mail_amount(self):
        """Return what is to pay, in words."""
        return self._format_amount(self._get_payable_amount())

    def _get_mail_subject(self):
        """Return the subject of a mail that asks for the money."""
        self.ensure_one()
        amount = self._get_mail_amount()
        company = self.company_id.name
        if not amount:
            return self.env._("Payment to %(company)s", company=company)
        return self.env._(
            "%(company)s: please pay %(amount)s", company=company, amount=amount
        )

    def _get_transfer_transactions(self):
        """Return the bank transfers that are waited for, sudoed."""
        return self._get_live_transactions().filtered(
            lambda tx: tx.state == "pending" and tx.provider_id._is_slow()
        )

    def _get_transfer_transaction(self):
        """Return the bank transfer that is waited for, the last one if there are
        several (parts of an invoice), sudoed.
        """
        return self._get_transfer_transactions().sorted(
            lambda tx: (tx.last_state_change, tx.id)
        )[-1:]

    def _get_transfer_reference(self):
        """Return what the client must write on the transfer."""
        tx_sudo = self._get_transfer_transaction()
        return tx_sudo.reference and tx_sudo._get_communication()

    def _get_transfer_details(self):
        """Return what the client needs for the transfer that is waited for, if any: see
        `payment.provider._get_transfer_details`.
        """
        tx_sudo = self._get_transfer_transaction()
        return tx_sudo and tx_sudo.provider_id._get_transfer_details(tx_sudo)

    # === PROVIDERS === #

    def _get_payment_options(self, amount=None, user=None):
        """Return what the client may pay with.

        :param float amount: what is paid; what is due by default.
        :param res.users user: the visitor, for the saved payment methods.
        :rtype: PaymentOptions
        """
        self.ensure_one()
        report = {}
        partner = self._get_payable_partner()
        providers, methods = self.env["payment.provider"]._get_usable(
            self._get_payable_company(),
            self._get_payable_currency(),
            self._get_payable_amount() if amount is None else amount,
            partner=partner,
            required=self._is_payment_required(),
            start=self._get_payable_start(),
            at_venue=self._can_pay_at_venue(),
            report=report,
        )
        tokens = self.env["payment.token"].sudo()  # clients read tokens on the pay page
        if user and not user._is_public() and user.partner_id == partner:
            tokens = tokens._get_available_tokens(providers.ids, partner.id)
        return PaymentOptions(providers, methods, tokens, report)

    # === STARTING A PAYMENT === #

    def _get_rate_domain(self):
        """Return which transactions count against the rate limit of the document."""
        return Domain(
            f"allocation_ids.{self._payable_allocation_field}", "in", self.ids
        )

    def _lock_and_touch(self):
        """Lock the documents against a second payment (DESIGN, D3b)."""
        lock_and_touch(self)

    def _get_live_transactions(self):
        """Return the transactions that may still bring money, sudoed."""
        return self._get_allocations().transaction_id.filtered(
            lambda tx: tx.state in const.LIVE_TX_STATES and tx._is_money()
        )

    def _get_stop_reason(self):
        """Return what a transaction says that nobody waits for any more."""
        return self.env._("This was cancelled.")

    def _stop_live_transactions(self):
        """Cancel at their provider the transactions that can be.

        :return: the word of the provider (see `gateways`) by transaction, sudoed, whose
            money came or may still come.
        :rtype: dict
        """
        reason = self._get_stop_reason()
        words = {tx: tx._stop(reason) for tx in self._get_live_transactions()}
        return {tx: word for tx, word in words.items() if word != DEAD}

    def _get_blocking_transactions(self):
        """Return the transactions that stand in the way of another payment, unless they
        can be used again or cancelled, sudoed.
        """
        return self._get_live_transactions()

    def _check_payment_offer(
        self, provider_id, payment_method_id, token_id, flow, user, amount=None
    ):
        """Check that what the client chose is among what we offer.

        :raise UserError: when it is not.
        """
        options = self._get_payment_options(amount, user)
        if flow == "token":
            token = options.tokens.filtered(lambda t: t.id == token_id)
            allowed = bool(token)
        else:
            provider = options.providers.filtered(lambda p: p.id == provider_id)
            method = options.methods.filtered(lambda m: m.id == payment_method_id)
            allowed = flow in ("direct", "redirect") and provider & method.provider_ids
        if not allowed:
            raise UserError(
                self.env._("This payment method is not available. Choose another one.")
            )

    def _prepare_payment(
        self, provider_id, payment_method_id, token_id, flow, user, wish=None
    ):
        """Lock the document and check that it can be paid with the client's choice.

        Earlier transactions are dealt with here: the one of the same offer is used
        again, others are cancelled at their provider, and one that may still bring
        money stands in the way.

        :param float wish: see `_get_amount_to_pay`.
        :return: the transaction to use again, sudoed; empty when a new one is needed.
        :raise UserError: why it cannot be paid, for the client.
        """
        self.ensure_one()
        self._lock_and_touch()
        error = self._get_payable_error()
        if error:
            raise UserError(error)
        amount = self._get_amount_to_pay(wish)
        self._check_payment_offer(
            provider_id, payment_method_id, token_id, flow, user, amount
        )
        return self._take_over(provider_id, payment_method_id, flow, amount)

    def _take_over(self, provider_id, payment_method_id, flow, amount):
        """Deal with earlier transactions; the document is locked: `_prepare_payment`.

        :return: the transaction to use again, sudoed; empty when a new one is needed.
        :raise UserError: when the money of an earlier one may still come.
        """
        reusable = self.env["payment.transaction"].sudo()  # see _get_live_transactions
        for tx_sudo in self._get_blocking_transactions():
            offer = (provider_id, payment_method_id, flow, amount)
            if (
                not reusable
                and self._is_reusable(tx_sudo, *offer)
                and (not tx_sudo._is_known_there() or tx_sudo._ask() == OPEN)
            ):
                reusable = tx_sudo
                continue
            self._cancel_or_block(tx_sudo)
        return reusable

    def _is_reusable(self, tx_sudo, provider_id, payment_method_id, flow, amount):
        """Tell whether an earlier transaction is the very offer that is wanted now.

        Override where the amount does not say all.
        """
        currency = self._get_payable_currency()
        return (
            flow != "token"
            and tx_sudo.state == "draft"
            and (not tx_sudo.provider_reference or tx_sudo._is_asked())
            and tx_sudo.operation == f"online_{flow}"
            and tx_sudo.provider_id.id == provider_id
            and tx_sudo.payment_method_id.id == payment_method_id
            and tx_sudo.currency_id == currency
            and currency.compare_amounts(tx_sudo.amount, amount) == 0
        )

    def _cancel_or_block(self, tx_sudo):
        """Make sure that an earlier transaction cannot be paid, or refuse a new one.

        :raise AlreadyPaid: when its money has come.
        :raise UserError: when its money may still come.
        """
        answer = tx_sudo._stop(self.env._("Replaced by another payment."))
        if answer == DEAD:
            return
        if answer == PAID and tx_sudo.state in ("authorized", "done"):
            raise AlreadyPaid(self.env._("A payment has come meanwhile."), self)
        age = fields.Datetime.now() - tx_sudo.create_date
        given_up = age > timedelta(minutes=const.UNKNOWN_BLOCK_MINUTES)
        if tx_sudo.state == "draft" and answer != PAID and given_up:
            return
        raise UserError(
            self.env._(
                "You have started a payment already. Finish it, or wait a few minutes "
                "before you choose another way to pay."
            )
        )

    def _prepare_payment_values(self, client_key, wish=None):
        """Return the values of the new transaction that we decide, not the client.

        :param str client_key: see `payment.transaction.client_key`.
        :param float wish: see `_get_amount_to_pay`.
        """
        self.ensure_one()
        amount = self._get_amount_to_pay(wish)
        partner = self._ensure_payable_partner()
        return {
            "amount": amount,
            "currency_id": self._get_payable_currency().id,
            "partner_id": partner.id,
            "reference_prefix": payment_utils.singularize_reference_prefix(
                prefix=self._get_payable_reference()
            ),
            "custom_create_values": {
                "client_key": client_key,
                **self._prepare_link_values(amount),
            },
        }

    def _prepare_link_values(self, amount):
        """Return the values that make a new transaction pay the document.

        :param float amount: how much of it, in the document's currency.
        """
        self.ensure_one()
        return {
            "allocation_ids": [
                Command.create(values) for values in self._prepare_allocations(amount)
            ],
        }

    def _prepare_allocations(self, amount):
        """Return what a new transaction pays: the values of its allocations."""
        return [{self._payable_allocation_field: self.id, "amount": amount}]

    def _get_payable_reference(self):
        """Return how the document is called on a bank statement."""
        return self.display_name

    # === RECEIVING MONEY === #

    def _settle(self, tx_sudo):
        """Do what a confirmed transaction was for, and make its invoice.

        Each step has a savepoint of its own: whatever goes wrong, the money itself is
        recorded by the caller, and staff is told.

        :param tx_sudo: one done transaction, sudoed.
        :return: the invoices to reconcile the payment with.
        :rtype: account.move
        """
        self.ensure_one()
        self._lock_to_settle()
        self._attempt("confirm_failed", self._on_payment_done, tx_sudo)
        invoice = self._attempt("invoice_failed", self._make_payable_invoice, tx_sudo)
        return invoice or self.env["account.move"]

    def _lock_to_settle(self):
        """Lock what the money may change. Override to lock resources first."""
        self._lock_and_touch()

    def _attempt(self, reason, method, *args):
        try:
            with self.env.cr.savepoint():
                return method(*args)
        except psycopg2.OperationalError:
            raise  # a lost race: the whole request is replayed
        except Exception as error:
            _logger.info("%s on %s: %s", method.__name__, self, error, exc_info=True)
            self.env.invalidate_all()
            self._flag_attention(reason, str(error))
            return None

    # === MONEY RECEIVED BY STAFF === #

    def _get_recordable_amount(self):
        """Return how much staff can note: the transfers that are waited for are given
        up then.
        """
        self.ensure_one()
        field = self._payable_allocation_field
        waited = self._get_transfer_transactions().allocation_ids.filtered(
            lambda line: line[field] == self
        )
        amount = self._get_payable_amount() + sum(waited.mapped("amount"))
        return self._get_payable_currency().round(amount)

    def _record_payment(self, amount, payment_method, date=None, note=None):
        """Book money that staff received: through a transaction, as if paid online.

        Invoice, payment, reconciliation and confirmation are the same then.

        :param float amount: how much, in the document's currency.
        :param payment.method payment_method: one of `_get_venue_methods`.
        :param date date: when; today by default.
        :param str note: a reference of the payment.
        :return: the transaction, sudoed.
        :raise UserError: when that much is not due.
        """
        self.ensure_one()
        document = self.sudo()  # the caller has checked the rights
        document._lock_and_touch()
        status = document._get_payable_status()
        successor = document._get_payable_successor()
        if successor and status in ("invoiced", "processing"):
            # Not when this one is paid: the invoice may be of others too.
            return successor._record_payment(amount, payment_method, date, note)
        if status not in self._recordable_statuses:
            raise UserError(document._get_payable_messages()[status])
        currency = document._get_payable_currency()
        if currency.compare_amounts(amount, document._get_payable_amount()) > 0:
            # The client pays staff what the transfer was for.
            document._get_transfer_transactions()._give_up_transfer()
        for tx_sudo in document._get_blocking_transactions():
            document._cancel_or_block(tx_sudo)
        if currency.compare_amounts(amount, 0) <= 0:
            raise UserError(self.env._("Type the amount that was paid."))
        if currency.compare_amounts(amount, document._get_payable_amount()) > 0:
            raise UserError(
                self.env._(
                    "Only %(amount)s is due.",
                    amount=document._format_amount(document._get_payable_amount()),
                )
            )
        company = document._get_payable_company()
        Transaction = self.env["payment.transaction"].sudo()  # staff creates none
        provider = self.env["payment.provider"]._get_venue_provider(company)
        tx_sudo = Transaction.create(
            {
                "provider_id": provider.id,
                "payment_method_id": payment_method.id,
                "operation": "offline",
                "amount": currency.round(amount),
                "currency_id": currency.id,
                "partner_id": document._ensure_payable_partner().id,
                "reference": Transaction._compute_reference(
                    provider.code, prefix=document._get_payable_reference()
                ),
                "provider_reference": note,
                "received_on": date,
                **document._prepare_link_values(currency.round(amount)),
            }
        )
        tx_sudo._set_done(
            state_message=self.env._("Received by %(user)s.", user=self.env.user.name)
        )
        tx_sudo._post_process()
        return tx_sudo
