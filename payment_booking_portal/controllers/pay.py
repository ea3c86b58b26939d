from markupsafe import Markup
from werkzeug.exceptions import TooManyRequests

from odoo import fields
from odoo.exceptions import UserError
from odoo.http import content_disposition, request, route

from odoo.addons.payment.controllers.portal import PaymentPortal
from odoo.addons.payment.controllers.post_processing import PaymentPostProcessing

from .. import const
from ..exceptions import AlreadyPaid
from ..tools.numbers import parse_number
from .common import (
    CUT_KEY,
    LIST_KEY,
    MAX_DETAILS_BYTES,
    MAX_FORM_BYTES,
    SELECTION_KEY,
    ClientPages,
    clean_form,
    is_person,
    read_wish,
)

# States of a transaction on which Odoo's own status page waits for ever.
WAITING = ("draft", "pending")
ENDS = {
    # What the pay page says instead of a form (see `_get_payable_status`).
    "nothing": ("nothing", 200),
    "paid": ("already_paid", 200),
    "processing": ("checking", 200),
    "over": ("over", 410),
    "cancelled": ("cancelled", 410),
    "closed": ("closed", 409),
    "later": ("later", 200),
    "draft": ("not_payable", 409),
    "withdrawn": ("not_payable", 410),
    "disputed": ("not_payable", 409),
    "invoiced": ("not_payable", 409),
    "link_closed": ("link_closed", 410),
    "used_up": ("used_up", 410),
    "none_left": ("not_payable", 409),
}


class StatusPage(PaymentPostProcessing):
    """Odoo's own page after a payment."""

    @route()
    def display_status(self, **kwargs):
        """Override of `payment` for a client who comes back without having paid: what
        is open stays a draft, for which this page would wait for ever. Where the
        client goes next says how it stands.
        """
        tx_sudo = self._get_monitored_transaction()
        if tx_sudo and tx_sudo.state in WAITING and tx_sudo._is_asked():
            return request.redirect(tx_sudo.landing_route)
        return super().display_status(**kwargs)


class PayPages(ClientPages, PaymentPortal):
    """The one pay page, transaction route and landing page of every payable."""

    def _get_payable(self, token):
        """Return the link and the document of a token, sudoed.

        :raise NotFound: for a wrong or foreign token: always the same page.
        """
        link = request.env["payment.access.link"]._find(token, "pay")
        document = link and link._get_document()
        if not document:
            raise request.not_found()
        return link, document

    def _get_client_key(self):
        return request.env["payment.transaction"]._make_client_key(
            request.httprequest.remote_addr
        )

    # === SEVERAL AT ONCE === #

    def _get_selection(self):
        """Return the payments that the visitor's choice led to, sudoed."""
        ids = request.session.get(SELECTION_KEY) or []
        bundles_sudo = request.env["payment.bundle"].sudo()  # theirs, says the session
        return bundles_sudo.browse(ids).exists()

    def _get_list_values(self, document):
        """Return where a client goes on who chose the document from a list."""
        is_bundle = document._name == "payment.bundle"
        more = is_bundle and document in self._get_selection()
        return {
            "list_url": request.session.get(LIST_KEY),
            "selection_url": more and "/pay/selection",
            "cut_notice": is_bundle and self._get_cut_notice(document),
        }

    def _get_cut_notice(self, bundles):
        """Return that more was chosen than can be paid at once, in words, or False.

        :param payment.bundle bundles: what the page is about.
        """
        cut = request.session.get(CUT_KEY)
        if not cut or not set(bundles.ids) & set(cut["bundle_ids"]):
            return False
        return request.env._(
            "You chose %(chosen)s payments. %(count)s can be paid at once: those that "
            "are due first. The other %(left)s are not paid here, you can pay them "
            "afterwards.",
            chosen=cut["chosen"],
            count=cut["now"],
            left=cut["chosen"] - cut["now"],
        )

    @route(
        "/pay/selection",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_selection(self, **_query):
        """Show the payments of a choice that one payment cannot settle."""
        AccessLink = request.env["payment.access.link"]
        payments = []
        for bundle in self._get_selection():
            link = AccessLink._get_valid(bundle, "pay")[bundle.id]
            if link:
                status = bundle._get_payable_status()
                payments.append(
                    {
                        "bundle": bundle,
                        "status": status,
                        "amount": bundle._get_payable_amount(),
                        "reason": status != "payable"
                        and bundle._get_payable_messages()[status],
                        "url": f"/pay/{link.token}",
                    }
                )
        list_url = request.session.get(LIST_KEY)
        if not payments:
            return request.redirect(list_url or "/my/payments")
        companies = request.env["res.company"].sudo()  # guests read none
        companies = companies.union(*(p["bundle"].company_id for p in payments))
        return self._render_page(
            "selection_page",
            {
                "payments": payments,
                "list_url": list_url,
                "cut_notice": self._get_cut_notice(self._get_selection()),
                "several_companies": len(companies) > 1,
                "res_company": companies[:1],
            },
            private=True,
        )

    # === PAY PAGE === #

    @route(
        "/pay/<string:token>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay(self, token, **query):
        """Show what is due and the ways to pay it."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        if request.env["payment.transaction"]._is_rate_limited(
            self._get_client_key(), document
        ):
            return self._render_limited(document)
        successor = document._get_payable_successor()
        if successor:
            return request.redirect(successor._get_pay_url())
        status = document._get_payable_status()
        if status == "details":
            return self._render_pay_details(document, token)
        if status != "payable":
            return self._render_status(document, token, status)
        return self._render_page(
            "pay_page", self._prepare_pay_page(document, token, query), private=True
        )

    def _read_choice(self, document, query):
        """Return how much a client wants to pay, and the context of the choices.

        :param document: a payable, sudoed.
        :param dict query: of the address: `choice`, and `own` as it was typed.
        """
        choices = document._get_payable_choices()
        by_key = {choice["key"]: choice for choice in choices}
        chosen = query.get("choice")
        due = document._get_payable_amount()
        values = {"choices": choices, "chosen": "full", "own": "", "own_error": False}
        if chosen not in by_key:
            return due, values
        amount = by_key[chosen]["amount"]
        if chosen == "own":
            values["own"] = (query.get("own") or "")[: const.MAX_SHORT_TEXT]
            typed = parse_number(request.env, values["own"].strip())
            if typed is None:
                values["own_error"] = request.env._("This is not a number.")
                return due, values
            amount = float(typed)
            values["own_error"] = document._check_payable_part(amount)
            if values["own_error"]:
                return due, values
        return amount, {**values, "chosen": chosen}

    def _prepare_pay_page(self, document, token, query=None):
        """Return the context of the pay page.

        :param document: a payable, sudoed.
        :param str token: the token of its link.
        :param dict query: of the address, see `_read_choice`.
        """
        amount, choice_values = self._read_choice(document, query or {})
        currency = document._get_payable_currency()
        options = document._get_payment_options(amount, request.env.user)
        partner = document._get_payable_partner()
        public = request.env.ref("base.public_user").sudo().partner_id  # of a guest
        company = document._get_payable_company()
        deadline = document._get_payable_deadline()
        payment_context = {
            "reference_prefix": document._get_payable_reference(),
            "amount": amount,
            "currency": currency,
            "partner_id": (partner or public).id,
            "providers_sudo": options.providers,
            "payment_methods_sudo": options.methods,
            "tokens_sudo": options.tokens,
            "availability_report": options.report,
            "transaction_route": f"/pay/{token}/transaction",
            "landing_route": f"/pay/{token}/status",
            "access_token": token,
        }
        last_tx = self._get_last_transaction(document)
        return {
            **payment_context,
            **choice_values,
            "show_tokenize_input_mapping": self._get_tokenize_mapping(
                document, options.providers
            ),
            "document": document,
            "lines": document._get_payable_lines(),
            "deadline": deadline,
            "seconds_left": deadline
            and int((deadline - fields.Datetime.now()).total_seconds()),
            "drop_url": deadline and f"/pay/{token}/drop",
            "opened_url": document._is_opened_awaited() and f"/pay/{token}/opened",
            "later_url": document._get_payable_later_url(),
            "details_url": document._get_details_questions()
            and document._can_change_details()
            and f"/pay/{token}/details",
            "policy": document._get_shown_policy(),
            "failed_tx": last_tx.filtered(lambda tx: tx._was_refused()),
            "received_tx": last_tx.filtered(lambda tx: tx.state == "done"),
            "notice": document._get_payable_notice(),
            **self._get_list_values(document),
            "res_company": company,
            "token": token,
        }

    def _may_save_method(self, document):
        """Tell whether the payment method may be saved: for the client in person, not
        for whoever pays in their place.
        """
        user = request.env.user
        partner = document._get_payable_partner()
        return not user._is_public() and user.partner_id == partner

    def _get_tokenize_mapping(self, document, providers_sudo):
        """Return for which providers a client may save the method."""
        if not self._may_save_method(document):
            return dict.fromkeys(providers_sudo.ids, False)
        return self._compute_show_tokenize_input_mapping(providers_sudo)

    def _render_status(self, document, token, status):
        """Render the end that a status means."""
        if status == "processing":
            return self._render_checking(document, token)
        if status == "dead":
            return self._render_dead(document, token)
        status_key, code = ENDS[status]
        if document._has_been_paid():
            # Money without its booking: what is paid is not what the client wants.
            own = document._get_payable_own_status()
            lost = {"over": ("late", 200), "cancelled": ENDS["cancelled"]}
            status_key, code = lost.get(own, (status_key, code))
        return self._render_end(
            status_key,
            status=code,
            document=document,
            done_url=status in ("paid", "later") and document._get_payable_done_url(),
            receipts=status == "paid" and self._get_receipts(document, token),
            reason=document._get_payable_messages().get(status),
            slots=self._get_other_slots(document)
            if status_key in ("over", "cancelled", "late")
            else None,
            res_company=document._get_payable_company(),
        )

    def _get_other_slots(self, document):
        """Return other times to choose from, for a document that has one."""
        if document._name != "payment.booking":
            return None
        service = document.service_id
        starts = service._get_next_slots(document.start, seats=document.seats)
        return service._describe_slots(starts, document._get_client_tz())

    def _render_limited(self, document):
        return self._render_end(
            "limited",
            status=TooManyRequests.code,
            res_company=document._get_payable_company(),
        )

    def _render_dead(self, document, token):
        """Say that a link is dead: nothing about whom or what it was for."""
        return self._render_end(
            "dead_link",
            status=410,
            charged=document._has_payment_started(),
            again_url=document._get_payable_again_url(),
            fresh_url=f"/pay/{token}/fresh",
            res_company=document._get_payable_company(),
        )

    @route(
        "/pay/<string:token>/fresh",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_FORM_BYTES,
        captcha="payment_fresh_link",
    )
    def pay_fresh(self, token, **_form):
        """Send a fresh link to the address on file; the answer is always the same."""
        link, document = self._get_payable(token)
        if link.is_valid and document._get_payable_status() != "dead":
            return request.redirect(f"/pay/{token}")
        if document._get_payable_again_url():
            return request.redirect(document._get_payable_again_url())
        client_key = self._get_client_key()
        if request.env["payment.access.link"]._is_ask_limited(client_key):
            return self._render_limited(document)
        document._ask_fresh_link(link, client_key)
        return self._render_end(
            "fresh_link", res_company=document._get_payable_company()
        )

    # === OPENED === #

    @route("/pay/<string:token>/opened", type="jsonrpc", auth="public")
    def pay_opened(self, token):
        """Keep that the client looks at the page: it says so after two seconds."""
        link, document = self._get_payable(token)
        if link.is_valid and is_person():
            document._note_opened()

    # === DETAILS === #

    @route(
        "/pay/<string:token>/details",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_details(self, token, **_query):
        """Show the form again, to change what was filled in."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        questions = document._get_details_questions()
        if not questions or not document._can_change_details():
            return request.redirect(f"/pay/{token}")
        return self._render_pay_details(document, token)

    def _render_pay_details(self, document, token, typed=None, errors=None):
        """Render what the payer has to fill in before the payment.

        :param document: a payable, sudoed.
        :param str token: the token of its link.
        :param dict typed: what was sent.
        :param dict errors: what is wrong with it, by name.
        """
        user = request.env.user
        proved = document._get_payable_partner().filtered(
            lambda partner: not user._is_public() and user.partner_id == partner
        )
        deadline = document._get_payable_deadline()
        is_change = document._get_payable_status() == "payable"
        return self._render_page(
            "pay_details_page",
            {
                "document": document,
                "title": document._get_payable_title(),
                "lines": document._get_payable_lines(),
                "amount": document._get_payable_amount(),
                "currency": document._get_payable_currency(),
                "deadline": deadline,
                "seconds_left": deadline
                and int((deadline - fields.Datetime.now()).total_seconds()),
                "form_intro": document._get_payable_form().intro,
                "questions": document._get_details_questions(proved),
                "typed_answers": typed,
                "errors": errors or {},
                "details_url": f"/pay/{token}/details",
                "drop_url": deadline and f"/pay/{token}/drop",
                "later_url": document._get_payable_later_url(),
                "opened_url": document._is_opened_awaited() and f"/pay/{token}/opened",
                "back_url": is_change and f"/pay/{token}",
                "res_company": document._get_payable_company(),
            },
            status=400 if errors else 200,
            private=True,
        )

    @route(
        "/pay/<string:token>/details",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_DETAILS_BYTES,
    )
    def pay_take_details(self, token, **form):
        """Check and keep what the payer filled in; the pay page comes next."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        form = clean_form(form)
        if document._can_change_details():  # else the pay page says why not
            errors = document._check_payable_details(form)
            if errors:
                return self._render_pay_details(document, token, form, errors)
            document._take_payable_details(
                form,
                request.httprequest.remote_addr,
                proved=document._is_payer_proved(request.env.user),
            )
        return request.redirect(f"/pay/{token}")

    @route(
        "/pay/form/<int:form_id>/preview",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_form_preview(self, form_id, phone=None, bare=None, **_query):
        """Show a form as clients see it, to the colleagues who may read it."""
        form = request.env["payment.form"].browse(form_id if form_id < 2**31 else 0)
        is_colleague = request.env.user.has_group("payment_booking_portal.group_user")
        if not is_colleague or not form.exists() or not form.has_access("read"):
            raise request.not_found()
        company = form.company_id
        values = {
            "preview": form,
            "bare": bare,
            "form_intro": form.intro,
            "questions": form._get_questions(),
            "title": request.env._("What your client pays for"),
            "lines": [
                {
                    "label": request.env._("When"),
                    "value": request.env._("The time that was chosen"),
                }
            ],
            "amount": 60.0,
            "currency": company.currency_id,
            "errors": {},
            "res_company": company.sudo(),  # name, logo and contact are public
        }
        template = "form_preview_phone" if phone else "pay_details_page"
        return self._render_page(template, values, private=True)

    # === TRANSACTION === #

    @route("/pay/<string:token>/transaction", type="jsonrpc", auth="public")
    def pay_transaction(
        self,
        token,
        provider_id=None,
        payment_method_id=None,
        token_id=None,
        flow=None,
        tokenization_requested=False,
        **kwargs,
    ):
        """Create the transaction of what is due, and return its processing values.

        Amount, currency, partner and landing page are ours. What the client sends is a
        choice among the providers and methods on offer.

        :param str token: the token of the pay link.
        :param int provider_id: the chosen provider.
        :param int payment_method_id: the chosen method.
        :param int token_id: the chosen saved payment method.
        :param str flow: `direct`, `redirect` or `token`.
        :param bool tokenization_requested: whether the client wants the method saved.
        :param kwargs: `amount`, a choice where a part may be paid.
        :return: see `payment.transaction._get_processing_values`; if an earlier payment
            has come meanwhile, only `paid_url`, where the client goes on.
        :rtype: dict
        :raise NotFound: for a wrong token.
        :raise UserError: why it cannot be paid.
        """
        link, document = self._get_payable(token)
        self._validate_transaction_kwargs(kwargs, ("access_token",))
        if not link.is_valid:
            raise UserError(request.env._("This link is no longer valid."))
        for value in (provider_id, payment_method_id, token_id):
            if value is not None and (not isinstance(value, int) or value is True):
                raise UserError(request.env._("This payment method does not exist."))
        wish = read_wish(kwargs.get("amount"))
        client_key = self._get_client_key()
        if request.env["payment.transaction"]._is_rate_limited(client_key, document):
            raise UserError(
                request.env._(
                    "Too many payments were started from here. Please wait ten "
                    "minutes, or contact us."
                )
            )
        try:
            tx_sudo = document._prepare_payment(
                provider_id, payment_method_id, token_id, flow, request.env.user, wish
            )
        except AlreadyPaid:  # an answer, no error: what was kept is committed
            return {"paid_url": f"/pay/{token}/status"}
        if tx_sudo:
            PaymentPostProcessing.monitor_transaction(tx_sudo)
            return tx_sudo._get_processing_values()
        provider_sudo = request.env["payment.provider"].sudo()  # just checked
        if flow != "token" and provider_sudo.browse(provider_id)._is_at_venue():
            return self._choose_venue(document, token)
        if flow == "token":  # the provider and method of a saved method are its own
            saved = request.env["payment.token"].sudo().browse(token_id)  # just checked
            provider_id = saved.provider_id.id
        # The charge waits until the document knows of its transaction.
        request.update_context(delay_token_charge=True)
        tx_sudo = self._create_transaction(
            provider_id,
            payment_method_id,
            token_id,
            flow=flow,
            tokenization_requested=bool(tokenization_requested)
            and self._may_save_method(document),
            landing_route=f"/pay/{token}/status",
            **document._prepare_payment_values(client_key, wish),
        )
        document._on_payment_started(tx_sudo)
        if flow == "token":
            tx_sudo._charge_with_token()
        return tx_sudo._get_processing_values()

    # === AT THE APPOINTMENT === #

    def _choose_venue(self, document, token):
        """Keep that the client pays at the appointment. No transaction: nothing is
        paid, nor on its way.

        :return: what the payment form needs to go on to the page that says so.
        :rtype: dict
        """
        document._choose_venue()
        form = Markup('<form method="get" action="/pay/{}/at-venue"/>').format(token)
        return {"redirect_form_html": form}

    @route(
        "/pay/<string:token>/at-venue",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_at_venue(self, token, **_query):
        """Say that, and where, the client pays at the appointment."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        if not document._is_venue_chosen():  # paid meanwhile, or over
            return request.redirect(document._get_pay_url())
        return self._render_end(
            "later",
            document=document,
            pay_url=document._can_pay_elsewhere() and document._get_pay_url(),
            done_url=document._get_payable_done_url(),
            res_company=document._get_payable_company(),
        )

    # === LANDING === #

    def _get_last_transaction(self, document):
        """Return the newest transaction of a document, sudoed."""
        return document._get_allocations().transaction_id.sorted("id")[-1:]

    @route(
        "/pay/<string:token>/status",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_status(self, token, **_query):
        """Say what became of the payment; the address needs no session."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        if document._is_venue_chosen():  # what was begun before is over, not refused
            return request.redirect(f"/pay/{token}/at-venue")
        tx_sudo = self._get_last_transaction(document)
        status = document._get_payable_status()
        if not tx_sudo or status == "invoiced":
            return request.redirect(document._get_pay_url())
        if status == "paid" and tx_sudo.is_post_processed:
            return request.redirect(document._get_payable_done_url())
        if document._is_payable_now():
            end = self._get_failed_end(tx_sudo)
            if end:
                return self._render_end(
                    end,
                    document=document,
                    tx=tx_sudo,
                    poll_url=end == "unfinished" and f"/pay/{token}/poll",
                    deadline=document._get_payable_deadline(),
                    pay_url=document._get_pay_url(),
                    res_company=document._get_payable_company(),
                )
        if tx_sudo.state in ("draft", "pending", "authorized") or (
            tx_sudo.state == "done" and not tx_sudo.is_post_processed
        ):
            return self._render_checking(document, token)
        if document._is_payable_now():  # what was paid is not all
            return request.redirect(document._get_pay_url())
        return self._render_status(document, token, status)

    def _get_failed_end(self, tx_sudo):
        """Return which end says that the client may try again, if one does."""
        if tx_sudo.state == "cancel" or tx_sudo._was_refused():
            return "declined"
        return "unfinished" if tx_sudo._is_unfinished() else None

    def _render_checking(self, document, token):
        """Say that money is on its way; a bank transfer gets its account number."""
        tx_sudo = self._get_last_transaction(document)
        # Other apps too, or another choice of documents, may have started it.
        slow = tx_sudo.state == "pending" and tx_sudo.provider_id._is_slow()
        return self._render_end(
            "transfer" if slow else "checking",
            document=document,
            tx=tx_sudo,
            poll_url=f"/pay/{token}/poll",
            deadline=document._get_payable_deadline(),
            res_company=document._get_payable_company(),
        )

    @route("/pay/<string:token>/poll", type="jsonrpc", auth="public")
    def pay_poll(self, token):
        """Post-process what is done, and say where the client goes next.

        :return: `url` of the next page, or False while nothing is known.
        :rtype: dict
        """
        link, document = self._get_payable(token)
        if not link.is_valid:
            return {"url": False}
        # Perhaps an earlier one than the last is paid; a lost race is replayed by Odoo.
        document._get_allocations().transaction_id.filtered(
            lambda tx: tx.state in ("done", "cancel") and not tx.is_post_processed
        )._post_process()
        tx_sudo = self._get_last_transaction(document)
        if document._get_payable_status() == "paid":
            return {"url": document._get_payable_done_url()}
        if tx_sudo.state in ("error", "cancel", "done"):
            return {"url": f"/pay/{token}/status"}
        return {"url": False}

    # === RECEIPT === #

    def _get_receipts(self, document, token):
        """Return the receipts of a document for a page, with the `url` of each."""
        return [
            {**receipt, "url": f"/pay/{token}/receipt/{receipt['id']}"}
            for receipt in document._get_receipts()
        ]

    @route(
        "/pay/<string:token>/receipt/<int:tx_id>",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_receipt_file(self, token, tx_id, **_query):
        """Give the file of one receipt to who has the link of what was paid."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        return self._send_receipt_file(
            document._get_receipt_transactions().filtered(lambda tx: tx.id == tx_id)
        )

    @route(
        "/my/receipts/<int:tx_id>",
        type="http",
        auth="user",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def my_receipt(self, tx_id, **_query):
        """Give the receipt of a payment to who may read what it paid, or to staff."""
        # sudo: clients and plain users read no transactions
        txs_sudo = request.env["payment.transaction"].sudo()
        tx_sudo = txs_sudo.browse(tx_id if tx_id < 2**31 else 0).exists()
        user = request.env.user
        is_staff = user.has_group("payment_booking_portal.group_user")
        if is_staff and tx_sudo.company_id <= request.env.companies:
            allowed = bool(tx_sudo)
        else:
            documents = [line._get_document() for line in tx_sudo.allocation_ids]
            allowed = documents and all(
                document.sudo(False).with_user(user).has_access("read")
                for document in documents
            )
        return self._send_receipt_file(tx_sudo if allowed else txs_sudo.browse())

    def _send_receipt_file(self, tx_sudo):
        """Return the receipt of a payment as an answer.

        :param payment.transaction tx_sudo: empty for who may not have it.
        :raise NotFound: whatever the reason, always the same.
        """
        paid = tx_sudo.filtered(
            lambda tx: tx.state == "done" and tx.allocation_ids and tx._is_money()
        )
        if not paid:
            raise request.not_found()
        content, kind = paid._render_receipt()
        name = f"{paid.reference}.{kind}".replace("/", "-")
        mimetype = {"pdf": "application/pdf", "html": "text/html; charset=utf-8"}
        return request.make_response(
            content,
            [
                ("Content-Type", mimetype[kind]),
                ("Content-Disposition", content_disposition(name, "inline")),
                ("Cache-Control", "no-store"),
                ("Referrer-Policy", "same-origin"),
                ("X-Robots-Tag", "noindex, nofollow"),
                ("Content-Security-Policy", "frame-ancestors 'self'"),
            ],
        )

    @route(
        "/pay/<string:token>/receipt",
        type="http",
        auth="public",
        website=True,
        methods=["GET"],
        sitemap=False,
    )
    def pay_receipt(self, token, **_query):
        """Say thank you, with the receipt, for what has no page of its own."""
        link, document = self._get_payable(token)
        if not link.is_valid:
            return self._render_dead(document, token)
        if document._get_payable_status() != "paid":
            return request.redirect(document._get_pay_url())
        return self._render_page(
            "receipt_page",
            {
                "document": document,
                "currency": document._get_payable_currency(),
                "lines": document._get_payable_lines(),
                "receipts": self._get_receipts(document, token),
                "thanks": document._get_payable_thanks(),
                **self._get_list_values(document),
                "return_url": document._get_payable_return_url(),
                "invoice_url": document._get_invoice_url(),
                "signup_url": document._get_signup_url(),
                "res_company": document._get_payable_company(),
            },
            private=True,
        )

    # === DROP === #

    @route(
        "/pay/<string:token>/drop",
        type="http",
        auth="public",
        website=True,
        methods=["POST"],
        sitemap=False,
        max_content_length=MAX_FORM_BYTES,
    )
    def pay_drop(self, token, **_form):
        """Give up a hold, at the client's wish."""
        link, document = self._get_payable(token)
        if not link.is_valid or document._name != "payment.booking":
            raise request.not_found()
        try:
            document._drop_hold()
        except AlreadyPaid:  # not rolled back: what was kept is committed
            return request.redirect(f"/pay/{token}/status")
        except UserError as error:
            request.env.cr.rollback()
            return self._render_end("refused", status=409, reason=str(error))
        service = document.service_id
        return request.redirect(service._get_book_url())
