import hashlib
import hmac
import logging
from datetime import timedelta
from urllib.parse import parse_qsl, urlsplit

import psycopg2
import pytz
from werkzeug.exceptions import Forbidden

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Domain
from odoo.tools import format_amount, format_date

from odoo.addons.payment import utils as payment_utils

from .. import const
from ..gateways import (
    DEAD,
    GATEWAYS,
    OPEN,
    PAID,
    REFUNDED,
    REFUNDING,
    REFUSED,
    UNKNOWN,
    get_gateway,
)
from ..gateways.paypal import ORDERS, get_capture
from ..tools.locking import lock_and_touch, lock_documents
from .payment_document_event import acting_as, acting_as_notifier

_logger = logging.getLogger(__name__)

# Minutes until a provider is asked again about a payment; then once a day.
ASK_STEPS = (2, 5, 15, 60)
# Slow methods take days; then nobody asks any more.
ASK_DAYS = 14


class PaymentTransaction(models.Model):
    _inherit = "payment.transaction"

    allocation_ids = fields.One2many(
        "payment.transaction.allocation", "transaction_id", readonly=True
    )
    received_on = fields.Date(
        readonly=True, help="When staff received money outside of any provider."
    )
    client_key = fields.Char(
        readonly=True,
        index="btree_not_null",
        help="Keyed hash of the address that started the payment, for the rate limit.",
    )

    bundle_id = fields.Many2one(
        "payment.bundle",
        readonly=True,
        ondelete="restrict",
        index="btree_not_null",
        help="The choice of several documents that it was started for.",
    )

    refund_request_ids = fields.One2many(
        "payment.refund.request", "transaction_id", readonly=True
    )
    dispute_ids = fields.One2many("payment.dispute", "transaction_id", readonly=True)
    provider_order = fields.Char(
        string="Order at the Provider",
        readonly=True,
        help="What PayPal calls the order that the client approves.",
    )
    ask_again_at = fields.Datetime(
        string="Next Question",
        readonly=True,
        help="When the provider is asked next what became of it.",
    )
    ask_count = fields.Integer(
        string="Questions Asked",
        readonly=True,
        help="How often it was asked in vain.",
    )
    ask_error = fields.Char(
        string="Why No Answer",
        readonly=True,
        help="Why the provider gave no answer.",
    )
    provider_mismatch = fields.Char(
        string="Differs at the Provider",
        readonly=True,
        help="What the provider knows otherwise. No notification changes it any more.",
    )

    _unbooked_index = models.Index(f"(id) WHERE {const.UNBOOKED_TX % {'tx': ''}}")

    _ask_index = models.Index(
        "(ask_again_at) WHERE state IN ('draft', 'pending', 'error') "
        "AND ask_again_at IS NOT NULL"
    )

    # === RATE LIMIT === #

    @api.model
    def _make_client_key(self, address):
        """Return the hash that stands for a network address.

        :param str address: an IP address; it is not stored.
        """
        secret = self.env["ir.config_parameter"].sudo().get_param("database.secret")
        return hmac.new(
            secret.encode(), f"pbp:{address}".encode(), hashlib.sha256
        ).hexdigest()[:32]

    @api.model
    def _is_rate_limited(self, client_key, document):
        """Tell whether an address started too many payments lately.

        :param str client_key: see `_make_client_key`.
        :param document: what it wants to pay.
        """
        now = fields.Datetime.now()
        by_client = Domain("client_key", "=", client_key)
        limits = (
            (const.RATE_DOCUMENT, by_client & document._get_rate_domain()),
            (const.RATE_ADDRESS, by_client),
        )
        return any(
            self.sudo().search_count(  # clients read no transaction
                domain & Domain("create_date", ">", now - timedelta(minutes=minutes)),
                limit=most,
            )
            >= most
            for (most, minutes), domain in limits
        )

    # === WHAT THE MONEY IS === #

    def _is_money(self):
        """Tell whether the transaction proves a payment: test money does not, unless
        the company accepts it. On Odoo's own pages of invoices it is Odoo's to say.
        """
        self.ensure_one()
        return (
            self.is_live
            or self.company_id.booking_accept_test_payments
            or self._is_native()
        )

    def _is_native(self):
        """Tell whether the payment began on a page of Odoo's own, for invoices."""
        self.ensure_one()
        return not self.client_key and self.operation != "offline" and bool(
            self.allocation_ids and len(self.allocation_ids.invoice_id)
            == len(self.allocation_ids)
        )  # fmt: skip

    def _get_payables(self):
        """Return the allocations of the transaction, through its source for a child."""
        self.ensure_one()
        return (self.source_transaction_id or self).allocation_ids

    def _get_paid_documents(self):
        """Return the documents that the transaction pays, in a list."""
        return [allocation._get_document() for allocation in self.allocation_ids]

    def _get_document_share(self, document):
        """Return how much of the transaction is for a document.

        :param document: one payable that it pays.
        """
        self.ensure_one()
        if document == self.bundle_id:
            return self.amount
        if document._name == "account.move":
            return document._get_payment_share(self)
        mine = self.allocation_ids.filtered(
            lambda allocation: allocation._get_document() == document
        )
        return sum(mine.mapped("amount"))

    def _get_refunded_share(self, allocation):
        """Return how much of an allocation was given back.

        :param allocation: one `payment.transaction.allocation` of this transaction.
        """
        self.ensure_one()
        refunded = -sum(
            child.amount
            for child in self.child_transaction_ids
            if child.operation == "refund" and child.state == "done"
        )
        if not refunded or not self.amount:
            return 0.0
        return self.currency_id.round(refunded * allocation.amount / self.amount)

    # === RECEIPT === #

    def _get_paid_day(self):
        """Return on which day the money came, where the business is."""
        self.ensure_one()
        return self.received_on or self._get_local_day(self.last_state_change)

    def _get_local_day(self, moment):
        tz = pytz.timezone(self.company_id.sudo()._get_booking_tz())  # not for guests
        return pytz.utc.localize(moment).astimezone(tz).date()

    def _get_refunds(self, document=None, without=()):
        """Return what was given back since.

        :param document: of which part; of all by default.
        :param without: refund transactions to leave out.
        :return: dicts of `amount`, `day` and `is_taken`: by the client's bank.
        :rtype: list
        """
        self.ensure_one()
        done_at = {r.refund_tx_id: r.done_at for r in self.refund_request_ids}
        share = self._get_document_share(document) if document else self.amount
        refunds = self.child_transaction_ids.filtered(
            lambda child: child.operation == "refund" and child.state == "done"
        )
        return [
            {
                "amount": self.currency_id.round(-child.amount * share / self.amount),
                "day": child._get_local_day(
                    done_at.get(child) or child.last_state_change
                ),
                "is_taken": child in self.dispute_ids.refund_tx_id,
            }
            for child in refunds.sorted("id")
            if child not in without
        ]

    def _get_refund_texts(self, document):
        """Return what the client reads about money that was given back, or is about
        to be.

        :param document: of which part.
        :rtype: list
        """
        self.ensure_one()
        requests = self.refund_request_ids.sorted("id")
        share = self._get_document_share(document) / self.amount
        texts = [request._get_client_text(share) for request in requests]
        texts += [
            self._get_given_back_text(**refund)
            for refund in self._get_refunds(document, without=requests.refund_tx_id)
        ]
        return [text for text in texts if text]

    def _get_given_back_text(self, amount, day, is_taken=False):
        """Return in words that an amount was given back on a day.

        :param bool is_taken: whether the client's bank took it.
        """
        values = {
            "amount": self._format_receipt_amount(amount),
            "date": format_date(self.env, day, date_format="long"),
        }
        if is_taken:
            return self.env._(
                "%(amount)s taken back by your bank on %(date)s", **values
            )
        return self.env._("%(amount)s given back on %(date)s", **values)

    def _get_receipt_rows(self):
        """Return what a receipt lists: see `_get_receipt_row` of the documents, with
        the `amount` of each.
        """
        self.ensure_one()
        return [
            {
                **allocation._get_document()._get_receipt_row(),
                "amount": allocation.amount,
            }
            for allocation in self.allocation_ids.sorted("id")
        ]

    def _format_receipt_amount(self, amount=None):
        """Return an amount of the receipt in words; all of it by default."""
        self.ensure_one()
        amount = self.amount if amount is None else amount
        return format_amount(self.env, amount, self.currency_id)

    def _get_receipt_path(self):
        """Return the path of the receipt for who is logged in: staff, or the client."""
        self.ensure_one()
        return f"/my/receipts/{self.id}"

    def _get_receipt_url(self):
        """Return the full address of the receipt for the client, for a mail: by the
        link of what was paid, so that no account is needed.
        """
        self.ensure_one()
        document = self.bundle_id or self.allocation_ids[:1]._get_document()
        path = f"{document._get_pay_url()}/receipt/{self.id}"
        return self.company_id.sudo().get_base_url() + path  # guests read no companies

    def _get_receipt_lang(self):
        """Return the language of the receipt: the client's."""
        self.ensure_one()
        installed = dict(self.env["res.lang"].get_installed())
        langs = (self.partner_id.lang, self.partner_lang, self.env.lang)
        return next((lang for lang in langs if lang in installed), "en_US")

    def _render_receipt(self):
        """Return the receipt as a file, and its type: a PDF, or a page to print where
        the program that makes PDFs is not installed.

        :rtype: tuple
        """
        self.ensure_one()
        xmlid = "payment_booking_portal.action_report_receipt"
        # sudo: the caller has checked who asks
        report = self.env["ir.actions.report"].sudo()
        if report.get_wkhtmltopdf_state() in ("install", "broken"):
            return report._render_qweb_html(xmlid, self.ids)[0], "html"
        return report._render_qweb_pdf(xmlid, self.ids)

    def _send_receipt(self):
        """Queue the receipt to the client.

        :return: whether there is an address to send it to.
        """
        self.ensure_one()
        if not (self.partner_id.email or self.partner_email):
            return False
        # sudo: clients read no templates
        template = self.env.ref(
            "payment_booking_portal.mail_template_payment_receipt"
        ).sudo()
        template.send_mail(
            self.id, email_layout_xmlid="payment_booking_portal.mail_layout"
        )
        # sudo: nor jobs
        self.env.ref("mail.ir_cron_mail_scheduler_action").sudo()._trigger()
        return True

    def _send_receipts_again(self, document_sudo):
        """Queue the receipts to the client once more, because staff asks.

        :param document_sudo: whose history says so.
        :return: the action that says so to the user.
        :raise UserError: when there is no address to send them to.
        """
        for tx in self:
            if not tx._send_receipt():
                raise UserError(self.env._("The client has no e-mail address."))
        emails = ", ".join(
            sorted({tx.partner_id.email or tx.partner_email for tx in self})
        )
        message = self.env._("The receipt was sent again to %(email)s.", email=emails)
        document_sudo.message_post(body=message)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"type": "success", "message": message},
        }

    # === ASKING THE PROVIDER === #

    def _is_asked(self):
        """Tell whether the provider is asked about the transaction: it pays something
        of ours, and its provider can be.
        """
        self.ensure_one()
        return bool(
            self.allocation_ids
            and self.operation != "refund"
            and get_gateway(self.provider_id).can_ask
        )

    def _bind(self, reference):
        """Keep what the provider made for the transaction, before the client gets it.

        :param str reference: the provider's own.
        """
        self.ensure_one()
        self.write(
            {
                "provider_reference": reference,
                "ask_again_at": self._get_next_ask(0),
                "ask_count": 0,
            }
        )

    def _stripe_create_intent(self):
        """Override of `payment_stripe` to keep the intent, and to go on with it: a
        second one for the same payment could be paid, too.
        """
        if not self._is_asked():
            return super()._stripe_create_intent()
        if self.provider_reference and self.operation == "online_direct":
            return self.provider_id._send_api_request(
                "GET",
                f"payment_intents/{self.provider_reference}",
                reference=self.reference,
            )
        intent = super()._stripe_create_intent()
        if intent:
            self._bind(intent["id"])
        return intent

    def _get_specific_rendering_values(self, processing_values):
        """Override of `payment_mollie`, as `_stripe_create_intent`."""
        is_mollie = self.provider_code == "mollie" and self._is_asked()
        if is_mollie and self.provider_reference:
            return self._mollie_resume()
        values = super()._get_specific_rendering_values(processing_values)
        if is_mollie and self.provider_reference:
            self._bind(self.provider_reference)
        return values

    def _mollie_resume(self):
        """Return where the client goes on with a payment that Mollie has already.

        :raise UserError: if it is over meanwhile.
        """
        payment = self.provider_id._send_api_request(
            "GET", f"/payments/{self.provider_reference}", reference=self.reference
        )
        address = payment.get("_links", {}).get("checkout", {}).get("href")
        if not address:
            raise UserError(self.env._("A payment is being processed."))
        # As `payment_mollie` does: a form drops the query of its address.
        return {
            "api_url": address,
            "url_params": dict(parse_qsl(urlsplit(address).query)),
        }

    def _mollie_prepare_payment_request_payload(self):
        """Override of `payment_mollie` to let who comes back prove it (see
        `controllers/provider_return.py`).
        """
        payload = super()._mollie_prepare_payment_request_payload()
        proof = payment_utils.generate_access_token(self.reference, env=self.env)
        payload["redirectUrl"] += f"&access_token={proof}"
        return payload

    def _send_api_request(self, method, endpoint, **kwargs):
        """Override of `payment` to be strict with PayPal: its orders are kept, no money
        is taken that nobody waits for, and no notification is believed unchecked.
        """
        send = super()._send_api_request
        if self.provider_code != "paypal":
            return send(method, endpoint, **kwargs)
        if endpoint.endswith("/capture"):
            return self._capture_order(send, endpoint, **kwargs)
        try:
            answer = send(method, endpoint, **kwargs)
        except ValidationError as error:
            if endpoint.endswith("/verify-webhook-signature"):
                # Nobody vouches for it: nothing changes, and PayPal tells it again.
                raise Forbidden() from error
            raise
        if endpoint == ORDERS:
            self.provider_order = answer["id"]
        return answer

    def _capture_order(self, send, endpoint, **kwargs):
        """Take the money of an order that the client approved at PayPal.

        :param send: the method that sends a request.
        :param str endpoint: of the capture.
        :return: the order, as PayPal shows it.
        :rtype: dict
        :raise UserError: when it is not to be paid; nothing is charged then.
        :raise ValidationError: when PayPal took nothing, or does not say; who begins
            another payment asks it again (see `PaypalGateway`).
        """
        self._check_capture(endpoint.split("/")[-2])
        for _try in range(2):  # by its key PayPal takes the money once
            try:
                return send("POST", endpoint, **kwargs)
            except ValidationError as error:
                refusal = error
        order = send("GET", endpoint.removesuffix("/capture"))
        if not get_capture(order):
            raise refusal
        return order

    def _check_capture(self, order_id):
        """Check that what a client approved at PayPal is still to be paid. Nobody stops
        it while it is taken.

        :param str order_id: what is captured; the client sends it.
        :raise UserError: when it is not; nothing is charged then.
        """
        self.ensure_one()
        lock_documents(self.allocation_ids)
        lock_and_touch(self)
        if self.state in ("pending", "authorized", "done"):
            raise UserError(
                self.env._("You have paid already. You are not charged again.")
            )
        if self.state != "draft" or order_id != self.provider_order:
            raise UserError(
                self.env._(
                    "This payment was given up. You were not charged: please start a "
                    "new one."
                )
            )
        for allocation in self.allocation_ids:
            allocation._check_still_due()

    def _process(self, provider_code, payment_data):
        """Override of `payment` to take a notification, or a client who comes back, as
        a hint only: what counts is what the provider says when it is asked.
        """
        tx = self or self._search_by_reference(provider_code, payment_data)
        is_paypal = provider_code == "paypal" and tx.allocation_ids
        if is_paypal and (payment_data or {}).get("status") in ("CREATED", "APPROVED"):
            return tx  # nothing is taken yet, nor on its way
        if not tx or not tx._is_asked():
            told = acting_as(tx, "provider")
            tx = super(PaymentTransaction, told)._process(provider_code, payment_data)
        else:
            intent = payment_data.get("payment_intent")
            reference = intent and intent.get("id")
            acting_as_notifier(tx)._ask(reference=reference, watch=True)
        tx.provider_id._note_notification()
        return tx

    def _ask(self, gateway=None, reference=None, watch=False):
        """Ask the provider what became of the transaction, and take what it says.

        :param gateway: the one to use; a new one by default.
        :param str reference: the provider's own, where the transaction has none yet.
        :param bool watch: whether to look, too, if money of it went back.
        :return: one of the four words of `gateways`.
        """
        self.ensure_one()
        gateway = gateway or get_gateway(self.provider_id)
        answer = gateway.ask(self, reference)
        self._take_answer(answer, gateway, is_news=True)
        if watch and answer.went_back and self.state == "done":
            self._look_back(gateway)
        return answer.word

    def _stop(self, reason):
        """Make sure that the money cannot come, if the provider lets us.

        :param str reason: the message of the transaction that is cancelled.
        :return: one of the four words of `gateways`.
        """
        self.ensure_one()
        gateway = get_gateway(self.provider_id)
        answer = gateway.stop(self)
        if answer.word == DEAD:
            self._note_answer(answer, gateway)
            self._set_canceled(state_message=reason)
        else:
            self._take_answer(answer, gateway)
        return answer.word

    def _take_answer(self, answer, gateway, is_news=False):
        """Keep what the provider said, and when to ask it again.

        :param Answer answer: of the gateway.
        :param gateway: of the provider.
        :param bool is_news: whether something has just happened there: who tries a
            third card is asked about as soon as who began.
        :return: the same.
        """
        self.ensure_one()
        self._note_answer(answer, gateway)
        if answer.mismatch:
            self._note_mismatch(answer.mismatch)
        elif answer.data and not self.provider_mismatch:
            # The parent's: its data is the provider's own now.
            told = acting_as(self, "provider")
            super(PaymentTransaction, told)._process(self.provider_code, answer.data)
        elif answer.word == OPEN and self.state == "draft":
            self.state_message = answer.refused
        if not gateway.can_ask:
            return answer
        is_waiting = answer.word in (OPEN, UNKNOWN) and not self.provider_mismatch
        starts_over = is_news and answer.word != UNKNOWN
        count = 1 if starts_over else self.ask_count + 1
        next_at = is_waiting and self._get_next_ask(0 if starts_over else count)
        if next_at and answer.until and answer.until > fields.Datetime.now():
            next_at = min(next_at, answer.until + timedelta(minutes=1))
        self.write(
            {
                "ask_again_at": next_at,
                "ask_count": count,
                "ask_error": answer.word == UNKNOWN and answer.error,
            }
        )
        return answer

    def _note_answer(self, answer, gateway):
        """Keep for the timelines that the provider was asked, and what it said."""
        was_asked = self.provider_reference or answer.data
        if was_asked and gateway.can_ask:
            for document in self._get_paid_documents():
                document._note_event("asked", tx=self, answer=answer.word)

    def _was_refused(self):
        """Tell whether the client's last try was in vain."""
        self.ensure_one()
        is_open = self.state == "draft" and self._is_asked()
        return self.state == "error" or bool(is_open and self.state_message)

    def _is_unfinished(self):
        """Tell whether the provider was asked, and knew of no payment yet."""
        self.ensure_one()
        is_open = self.state == "draft" and self._is_asked()
        return bool(is_open and self.ask_count and not self.ask_error)

    def _is_known_there(self):
        """Tell whether the provider has something that the client can pay."""
        self.ensure_one()
        return bool(self.provider_reference or self.provider_order)

    def _get_next_ask(self, count):
        """Return when the provider is asked next, or False for never again.

        :param int count: how often it was asked already.
        """
        now = fields.Datetime.now()
        if now - self.last_state_change > timedelta(days=ASK_DAYS):
            return False
        if count < len(ASK_STEPS):
            return now + timedelta(minutes=ASK_STEPS[count])
        return now + timedelta(days=1)

    def _note_mismatch(self, text):
        """Keep that the provider's payment is not the one that was asked for: nobody
        but a person can say what it is.
        """
        self.ensure_one()
        if self.provider_mismatch:
            return
        self.provider_mismatch = text
        for allocation in self.allocation_ids:
            allocation._get_document()._flag_attention("amount_mismatch", text)

    @api.model
    def _get_askable_domain(self):
        """Return the payments to ask about now: what ended in an error here may have
        been paid at the provider.
        """
        providers = self.env["payment.provider"].search([("code", "in", [*GATEWAYS])])
        providers = providers.filtered(lambda p: get_gateway(p).can_ask)
        return (
            Domain("ask_again_at", "<=", fields.Datetime.now())
            & Domain("state", "in", ("draft", "pending", "error"))
            & Domain("provider_id", "in", providers.ids)
        )

    @api.model
    def _cron_reconcile(self, limit=500):
        """Ask providers about payments that they have not told us the end of.

        :param int limit: how many are looked at in one run.
        """
        domain = self._get_askable_domain()
        todo = self.search(domain, order="ask_again_at, id", limit=limit)
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(todo))
        gateways, limited = {}, set()
        for tx_id, provider in [(tx.id, tx.provider_id) for tx in todo]:
            if provider.id in limited:
                continue
            tx = self.browse(tx_id).try_lock_for_update().filtered_domain(domain)
            try:
                if tx:
                    if provider.id not in gateways:  # what is read each commit forgets
                        gateways[provider.id] = get_gateway(provider)
                    if tx._reconcile(gateways[provider.id]).is_limited:
                        limited.add(provider.id)
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                if not isinstance(error, psycopg2.OperationalError):
                    self.browse(tx_id)._note_unasked(str(error))
            if not cron._commit_progress(1):
                break

    def _reconcile(self, gateway):
        """Ask the provider once; tell staff if it gives no answer for a day.

        :param gateway: of the provider.
        :rtype: Answer
        """
        self.ensure_one()
        answer = self._take_answer(gateway.ask(self), gateway)
        if answer.word == UNKNOWN and self.ask_count == len(ASK_STEPS) + 1:
            self._tell_unanswered(answer.error)
        return answer

    def _note_unasked(self, error):
        """Keep why a payment could not be looked at, and try again later."""
        self.ensure_one()
        _logger.info("reconciling %s: %s", self.reference, error, exc_info=True)
        self.write(
            {
                "ask_again_at": self._get_next_ask(self.ask_count + 1),
                "ask_count": self.ask_count + 1,
                "ask_error": error,
            }
        )
        if self.ask_count == len(ASK_STEPS) + 1:
            self._tell_unanswered(error)

    def _tell_unanswered(self, error):
        """Tell staff of a payment about which its provider gives no answer."""
        for allocation in self.allocation_ids:
            allocation._get_document()._flag_attention(
                "late_kept",
                self.env._(
                    "%(provider)s gives no answer about the payment %(reference)s: "
                    "%(error)s",
                    provider=self.provider_id.name,
                    reference=self.reference,
                    error=error,
                ),
            )

    def action_ask_provider(self):
        """Ask the provider now what became of the transaction.

        :raise AccessError: for whoever may not read it.
        """
        self.ensure_one()
        self.check_access("read")
        if self.provider_id.company_id not in self.env.companies:
            raise AccessError(
                self.env._("This payment belongs to a company that is not yours.")
            )
        tx_sudo = self.sudo()  # nobody writes transactions; the provider decides
        lock_and_touch(tx_sudo)
        word = tx_sudo._is_asked() and tx_sudo._ask()
        texts = {
            PAID: self.env._("The provider has the money."),
            OPEN: self.env._("Nothing was paid yet, and it may still come."),
            DEAD: self.env._("No money can come any more."),
        }
        message = texts.get(word) or self.env._("The provider gave no answer.")
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {
                "message": message,
                "type": "info",
                "next": {"type": "ir.actions.act_window_close"},
            },
        }

    # === GIVING BACK === #

    def _get_refund_ability(self):
        """Return what the provider can give back from here: `none`, `full_only` or
        `partial`.
        """
        self.ensure_one()
        if get_gateway(self.provider_id).can_refund:
            return "partial" if self.provider_reference else "none"
        if self.provider_id._is_copy_of_database():
            return "none"
        method = self.payment_method_id.primary_payment_method_id
        abilities = (
            self.provider_id.support_refund or "none",
            (method or self.payment_method_id).support_refund or "none",
        )
        for ability in ("none", "full_only"):
            if ability in abilities:
                return ability
        return "partial"

    def _needs_refund_approval(self, amount):
        """Tell whether a second manager must approve to give back an amount: all that
        goes back for what was paid counts, so that parts do not pass below the limit.

        :param float amount: in the currency of the transaction.
        """
        self.ensure_one()
        txs = self
        for allocation in self.allocation_ids:
            txs |= allocation._get_document()._get_allocations().transaction_id
        decided = txs.refund_request_ids.filtered(
            lambda request: request.state in const.LIVE_REFUND_STATES
            and request.currency_id == self.currency_id
        )
        total = amount + sum(decided.mapped("amount"))
        return self.company_id._needs_refund_approval(total, self.currency_id)

    def _get_refundable_amount(self):
        """Return how much of the money was not given back, nor is to be."""
        self.ensure_one()
        if self.state != "done" or not self._is_money():
            return 0.0
        return max(0.0, self._get_amount_left())

    def _get_amount_left(self):
        """Return how much was paid, less what went back, is to go back, or is asked
        back: below zero where the same money does so twice.
        """
        self.ensure_one()
        decided = self.refund_request_ids.filtered(
            lambda request: request.state in const.LIVE_REFUND_STATES
        )
        others = self.child_transaction_ids.filtered(
            lambda tx: tx.operation == "refund" and tx.state not in ("cancel", "error")
        )
        others -= self.refund_request_ids.refund_tx_id
        gone = sum(decided.mapped("amount")) - sum(others.mapped("amount"))
        gone += sum(dispute._get_open_amount() for dispute in self.dispute_ids)
        return self.currency_id.round(self.amount - gone)

    def _ensure_refund_tx(self, reference, amount):
        """Return the transaction of a refund at the provider, made if need be. The
        transaction is locked.

        :param str reference: the provider's own, of the refund.
        :param float amount: in the currency of the transaction.
        """
        self.ensure_one()
        return self._find_refund_tx(reference) or self._create_child_transaction(
            amount, is_refund=True, provider_reference=reference
        )

    def _find_refund_tx(self, reference):
        """Return the transaction of a refund at the provider, if there is one.

        :param str reference: the provider's own, of the refund.
        """
        self.ensure_one()
        return self.child_transaction_ids.filtered(
            lambda tx: tx.operation == "refund" and tx.provider_reference == reference
        )[:1]

    def _claim_refund_by_hand(self, answer):
        """Recognise a refund at the provider that staff has noted already, and tell
        whether it was one. The transaction is locked.

        One with the key of a decision of ours is never that of another decision.

        :param Refund answer: of the gateway.
        """
        self.ensure_one()
        compare = self.currency_id.compare_amounts
        decision = self.refund_request_ids._find_by_key(self, answer)
        children = decision.refund_tx_id if decision else self.child_transaction_ids
        noted = children.filtered(
            lambda tx: tx.operation == "refund"
            and tx.state == "done"
            and not tx.provider_reference
            and compare(-tx.amount, answer.amount) == 0
        )[:1]
        noted.provider_reference = answer.reference
        return bool(noted)

    def _follow_refund(self, answer):
        """Go where the provider says that a refund is.

        :param Refund answer: of the gateway.
        """
        self.ensure_one()
        if answer.word == REFUNDED:
            self._set_done()
        elif answer.word == REFUNDING:
            self._set_pending()
        elif answer.word == REFUSED:
            self._set_error(answer.error, ("done",))

    # === WHAT WENT BACK WITHOUT US === #

    def _look_back(self, gateway=None):
        """Ask the provider what went back of the payment, and keep it.

        :return: whether it answered; else the job comes back.
        """
        self.ensure_one()
        gateway = gateway or get_gateway(self.provider_id)
        refunds = gateway.list_refunds(self)
        disputes = None if refunds is None else gateway.list_disputes(self)
        self._take_back(refunds or [], disputes or [])
        return disputes is not None

    def _is_back_news(self, refunds, disputes):
        """Tell whether something went back that is not known here."""
        self.ensure_one()
        Refund = self.env["payment.refund.request"]
        Dispute = self.env["payment.dispute"]
        return any(Refund._is_news(self, refund) for refund in refunds) or any(
            Dispute._is_news(self, dispute) for dispute in disputes
        )

    def _take_back(self, refunds, disputes):
        """Keep what went back, or is asked back, at the provider: each once.

        :param list refunds: see `Refund` of the gateways.
        :param list disputes: see `Dispute` of the gateways.
        """
        self.ensure_one()
        if not self._is_back_news(refunds, disputes):
            return
        lock_and_touch(self)
        tx = acting_as(self, "provider")
        Refund = tx.env["payment.refund.request"]
        Dispute = tx.env["payment.dispute"]
        # What has a key of ours can be one decision only: it chooses first.
        for refund in sorted(refunds, key=lambda refund: not refund.key):
            if Refund._is_news(tx, refund):
                Refund._take_outside(tx, refund)
        for dispute in disputes:
            if Dispute._is_news(tx, dispute):
                Dispute._take(tx, dispute)
        if not self.is_post_processed:
            self._settle_what_is_left()

    def _settle_what_is_left(self):
        """Settle a payment of which something went back: after that counts, for it
        confirms nothing, and before that is booked.
        """
        self.ensure_one()
        self._post_process()
        for refund in self.refund_request_ids:
            if refund.state == "done" and not refund.credit_note_id:
                refund._credit()

    def _recover(self, gateway, reference):
        """Record a payment that the provider has: the process that began it died.

        :param gateway: of the provider.
        :param str reference: the provider's own.
        """
        self.ensure_one()
        lock_and_touch(self)
        if self.state == "done":  # it was heard of meanwhile
            return
        if self.provider_reference != reference:
            self._bind(reference)
        self._ask(gateway, reference)
        if self.state == "done":
            self._look_back(gateway)

    def _stripe_prepare_payment_intent_payload(self):
        """Override of `payment_stripe` to say which database and document it is for: a
        saved card is charged before the transaction is kept.
        """
        payload = super()._stripe_prepare_payment_intent_payload()
        if self.allocation_ids:
            document = self.allocation_ids[:1]._get_document()
            # sudo: clients read no parameters
            parameters_sudo = self.env["ir.config_parameter"].sudo()
            payload |= {
                "metadata[odoo_database]": parameters_sudo.get_param("database.uuid"),
                "metadata[odoo_document]": f"{document._name},{document.id}",
            }
        return payload

    def _create_child_transaction(self, amount, is_refund=False, **values):
        """Override of `payment` to make a refund once, where a notification about it
        and its own request come at the same moment: one of them starts again.
        """
        if is_refund and self.allocation_ids:
            lock_and_touch(self)
        return super()._create_child_transaction(amount, is_refund, **values)

    # === STATES === #

    def _set_pending(self, **kwargs):
        """Override of `payment` to keep what is being paid for."""
        txs = super()._set_pending(**kwargs)
        txs._tell_documents("_on_payment_pending")
        for tx in txs.filtered("bundle_id"):
            tx.bundle_id._on_payment_pending(tx)
        return txs

    def _set_authorized(self, **kwargs):
        """Override of `payment` to keep what is being paid for."""
        txs = super()._set_authorized(**kwargs)
        txs._tell_documents("_on_payment_pending")
        return txs

    def _set_done(self, *, state_message=None, extra_allowed_states=()):
        """Override of `payment` to record late money too: money that arrives after we
        cancelled is still the client's money.
        """
        ours = self.filtered("allocation_ids")
        txs = super(PaymentTransaction, self - ours)._set_done(
            state_message=state_message, extra_allowed_states=extra_allowed_states
        )
        if ours:
            txs |= super(PaymentTransaction, ours)._set_done(
                state_message=state_message,
                extra_allowed_states=(*extra_allowed_states, "cancel"),
            )
            txs._tell_documents("_on_payment_received")
            # Nobody may come back to a page that would post-process it.
            self.env.ref("payment.cron_post_process_payment_tx")._trigger()
        txs._tell_refunds()
        return txs

    def _set_canceled(self, state_message=None, extra_allowed_states=()):
        """Override of `payment` to let the clock of a hold run again."""
        txs = super()._set_canceled(
            state_message=state_message, extra_allowed_states=extra_allowed_states
        )
        txs._tell_documents("_on_payment_failed")
        return txs

    def _set_error(self, state_message, extra_allowed_states=()):
        """Override of `payment` to let the clock of a hold run again."""
        txs = super()._set_error(
            state_message, extra_allowed_states=extra_allowed_states
        )
        txs._tell_documents("_on_payment_failed")
        txs._tell_refunds()
        return txs

    def _tell_refunds(self):
        """Let what was decided know that its refund arrived, or failed: a provider may
        say so before it is asked.
        """
        mine = self.filtered(lambda tx: tx.operation == "refund")
        if mine:
            refunds_sudo = self.env["payment.refund.request"].sudo()  # of our own
            refunds_sudo.search([("refund_tx_id", "in", mine.ids)])._follow()

    def _tell_documents(self, hook):
        """Call a hook of `payment.payable.mixin` on what the transactions pay."""
        for tx in self:
            for document in tx._get_paid_documents():
                document._note_event(const.EVENT_OF_TX_STATE[tx.state], tx=tx)
                getattr(document, hook)(tx)

    # === POST-PROCESSING === #

    def _post_process(self):
        """Override of `account_payment` to settle what the money was for first.

        One transaction at a time: the parent's batch would post the draft invoices of
        a cancelled transaction.
        """
        ours = self.filtered("allocation_ids")
        result = super(PaymentTransaction, self - ours)._post_process()
        (self - ours)._unbook_failed_refunds()
        for tx in ours:
            lock_and_touch(tx)
            if tx.state == "done" and not tx.payment_id and tx._is_money():
                tx._settle_payables()
            super(PaymentTransaction, tx)._post_process()
            children = tx.child_transaction_ids
            is_given_back = set(children.mapped("operation")) == {"refund"}
            if tx.state == "done" and not tx.payment_id and is_given_back:
                # The parent takes a refund for the capture of a part.
                tx.with_company(tx.company_id)._create_payment()
        return result

    def _unbook_failed_refunds(self):
        """Cancel the payments of refunds that arrived, and then did not: the money is
        with the business again. Staff is told where the books are closed.
        """
        for tx in self:
            documents = [line._get_document() for line in tx._get_payables()]
            failed = tx.operation == "refund" and tx.state == "error" and documents
            if failed and tx.payment_id.state in ("in_process", "paid"):
                documents[0]._attempt("refund_failed", tx.payment_id.action_cancel)

    @api.model
    def _cron_post_process_forgotten(self, limit=100):
        """Post-process confirmed money that core forgot: it gives up after four days.

        Staff is told about what still fails.

        :param int limit: how many are looked at in one run.
        """
        long_ago = fields.Datetime.now() - timedelta(hours=1)
        todo = self.search(
            [
                "|",
                ("allocation_ids", "!=", False),
                ("source_transaction_id.allocation_ids", "!=", False),
                ("state", "=", "done"),
                ("is_post_processed", "=", False),
                ("last_state_change", "<", long_ago),
            ],
            order="id",
            limit=limit,
        )
        cron = self.env["ir.cron"]
        cron._commit_progress(remaining=len(todo))
        for tx in todo:
            try:
                tx._post_process()
            except Exception as error:  # one bad record never stops the cron
                self.env.cr.rollback()
                if not isinstance(error, psycopg2.OperationalError):
                    for allocation in tx._get_payables():
                        allocation._get_document()._flag_attention(
                            "confirm_failed", str(error)
                        )
            if not cron._commit_progress(1):
                break

    def _settle_payables(self):
        """Confirm and invoice every document that the transaction pays."""
        self.ensure_one()
        if len(self.allocation_ids) > 1:
            lock_documents(self.allocation_ids)
        documents = [allocation._get_document() for allocation in self.allocation_ids]
        wanted = self.env.context.get("booking_receipt", True)
        # One receipt for all that was paid at once.
        alone = len(documents) == 1
        for document in documents:
            document = document.with_context(booking_receipt=wanted and alone)
            # It follows from the money, whoever's visit lets it happen.
            invoices = acting_as(document, "system")._settle(self)
            if invoices:
                self.invoice_ids = [(4, invoice.id) for invoice in invoices]
        if wanted and not (alone and documents[0]._has_own_receipt):
            documents[0]._attempt("confirm_failed", self._send_receipt)

    def _create_payment(self, **extra_create_values):
        """Override of `account_payment`: money that came outside of a provider's API is
        booked on the manual method of a bank journal, for which core has no line.

        Test money that the company does not accept stays out of the books.
        """
        self.ensure_one()
        if (
            self._get_payables()
            and not (self.source_transaction_id or self)._is_money()
        ):
            return self.env["account.payment"]
        if self.provider_code == "custom" and self._get_payables():
            journal = self._get_manual_journal()
            way = "inbound" if self.amount > 0 else "outbound"  # a refund goes out
            line = journal[f"{way}_payment_method_line_ids"].filtered(
                lambda line: line.code == "manual"
            )[:1]
            extra_create_values = {
                "journal_id": journal.id,
                "payment_method_line_id": line.id,
                "date": self.received_on or fields.Date.context_today(self),
                **extra_create_values,
            }
        if len(self.allocation_ids) > 1:
            extra_create_values.setdefault(
                "write_off_line_vals", self._prepare_discounts()
            )
        payment = super()._create_payment(**extra_create_values)
        if self.operation == "refund" and self._get_payables():
            self._match_credit(payment)
        return payment

    def _match_credit(self, payment):
        """Match money that went back with the credit that it was, where no credit note
        takes it.

        :param account.payment payment: of the refund.
        """
        document = self._get_payables()[0]._get_document()
        moves = (self.source_transaction_id.payment_id | payment).move_id
        moves |= self._get_kept_credits()
        items = moves.line_ids.filtered(
            lambda item: item.account_id.account_type == "asset_receivable"
            and item.parent_state == "posted"
            and not item.reconciled
        )
        if not items & payment.move_id.line_ids:
            return  # a credit note took it
        for account in items.account_id:
            mine = items.filtered(
                lambda item, account=account: item.account_id == account
            )
            document._attempt("refund_unmatched", mine.reconcile)

    def _get_kept_credits(self):
        """Return the credit notes by which the money stayed the client's credit."""
        self.ensure_one()
        credits = self.env["account.move"]
        for line in self._get_payables():
            document = line._get_document()
            is_invoice = document._name == "account.move"
            invoice = document if is_invoice else document.invoice_id
            payers = document._get_documents() if is_invoice else [document]
            if any(payer.unused_money == "credit" for payer in payers):
                credits |= invoice.reversal_move_ids
        return credits

    def _prepare_discounts(self):
        """Return the journal items of the discounts for early payment.

        Core makes them only where a payment is for one invoice.
        """
        self.ensure_one()
        items = []
        for allocation in self.allocation_ids.filtered("invoice_id"):
            invoice = allocation.invoice_id
            terms = invoice._get_payment_terms()
            if terms.get("installment_state") != "epd" or (
                self.currency_id.compare_amounts(allocation.amount, terms["amount_due"])
            ):
                continue
            line = terms["epd_line"]
            values = {
                "aml": line,
                "amount_currency": -line.amount_residual_currency,
                "balance": -line.balance,
            }
            discount = terms["epd_discount_amount"]
            kinds = invoice._get_invoice_counterpart_amls_for_early_payment_discount(
                [values], discount
            )
            items += [
                {**item, "partner_id": invoice.partner_id.id}
                for kind in kinds.values()
                for item in kind
            ]
        return items

    def _get_manual_journal(self):
        """Return the journal for money received outside of a provider's API."""
        is_cash = self.payment_method_id == self.env.ref(
            "payment_booking_portal.payment_method_cash"
        )
        Journal = self.env["account.journal"]
        domain = Domain(Journal._check_company_domain(self.company_id))
        cash = is_cash and Journal.search(domain & Domain("type", "=", "cash"), limit=1)
        return (
            cash
            or self.provider_id.journal_id
            or Journal.search(domain & Domain("type", "=", "bank"), limit=1)
        )

    def action_confirm_received(self):
        """Confirm that the money of a bank transfer is on the account.

        :raise AccessError: for anyone but a manager of its company.
        :raise UserError: when the transaction is not a transfer that is waited for.
        """
        if not self.env.user.has_group("payment_booking_portal.group_manager"):
            raise AccessError(self.env._("Only a manager confirms a bank transfer."))
        if self.sudo().company_id - self.env.companies:  # managers read no transactions
            raise AccessError(
                self.env._("This payment belongs to a company that is not yours.")
            )
        for tx in self.sudo():  # plain managers do not write transactions
            waited = tx.provider_code == "custom" and tx.state in ("pending", "draft")
            if not waited or not tx.allocation_ids:  # the others are not ours
                raise UserError(
                    self.env._("This payment does not wait for a bank transfer.")
                )
            tx._set_done(
                state_message=self.env._(
                    "Received, says %(user)s.", user=self.env.user.name
                )
            )
            tx._post_process()

    def _get_communication(self):
        """Override of `payment_custom`: the number of the first of several invoices
        would be a riddle for who reads the bank statement.
        """
        self.ensure_one()
        return self.reference if self.bundle_id else super()._get_communication()

    def _give_up_transfer(self):
        """Stop waiting for bank transfers. What comes all the same is recorded."""
        self._set_canceled(
            state_message=self.env._(
                "Not awaited any more, says %(user)s.", user=self.env.user.name
            )
        )

    # === LOGGING === #

    def _log_message_on_linked_documents(self, message):
        """Override of `account_payment` to log on bookings too."""
        result = super()._log_message_on_linked_documents(message)
        author = self.env.user.partner_id
        if self.env.user._is_public():
            author = self.partner_id
        for allocation in self._get_payables():
            document = allocation._get_document()
            if document._name != "account.move":  # the parent method did those
                document.message_post(body=message, author_id=author.id)
        return result
