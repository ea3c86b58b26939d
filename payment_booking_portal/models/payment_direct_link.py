from datetime import timedelta
from urllib.parse import urlencode, urlsplit

from markupsafe import Markup

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.fields import Command, Domain
from odoo.tools import SQL, format_amount, format_list

from .. import const
from ..tools.amounts import parse_list
from ..tools.locking import lock_and_touch

# What a use of a link must agree in to be the same use again.
TERMS = ("amount", "amount_min", "amount_max")
TYPED = ("guest_name", "guest_email", "guest_phone", "reason_typed")


class PaymentDirectLink(models.Model):
    """A public address that anybody pays at, again and again.

    What is paid stands here, not in the address: a changed address changes nothing.
    Each use makes a `payment.request`, which keeps what the link said at that moment.
    """

    _name = "payment.direct.link"
    _description = "Direct Link"
    _inherit = [
        "mail.thread",
        "payment.terms.mixin",
        "payment.share.button.mixin",
        "payment.embed.mixin",
    ]
    _mail_post_access = "read"
    _order = "id desc"

    # === FIELDS === #

    name = fields.Char(
        required=True, tracking=True, help="For you: clients do not see it."
    )
    active = fields.Boolean(default=True, tracking=True)
    kind = fields.Selection(
        const.LINK_KINDS, required=True, default="pay", tracking=True
    )

    # What the client reads
    title = fields.Char(translate=True)
    text = fields.Text(translate=True)
    thanks = fields.Text(
        string="Thank-You Text",
        translate=True,
        help="Shown on the receipt page after the payment.",
    )
    return_url = fields.Char(
        string="Return Address",
        help="A button on the receipt page leads there, for example to your website.",
    )
    closing_message = fields.Text(
        translate=True,
        help="Shown instead of the page when the link is archived, out of its dates or "
        "used up.",
    )

    # What is paid
    amount_type = fields.Selection(
        const.LINK_AMOUNTS,
        string="Amount",
        required=True,
        default="fixed",
        tracking=True,
    )
    amount = fields.Monetary(string="Fixed Amount", tracking=True)
    amount_min = fields.Monetary(string="At Least", tracking=True)
    amount_max = fields.Monetary(string="At Most", tracking=True)
    suggestions = fields.Char(
        string="Suggested Amounts", help="For example: 10; 20; 50"
    )
    line_ids = fields.One2many("payment.direct.link.line", "link_id", copy=True)
    price_ids = fields.One2many(
        "payment.direct.link.price", "link_id", string="Other Currencies", copy=True
    )
    ask_reason = fields.Boolean(
        string="Ask What It Is For", help="The client says what the payment is for."
    )
    reason = fields.Char(
        translate=True,
        help="Stands on the receipt. The title is taken if you leave it empty.",
    )

    # What the client fills in
    form_id = fields.Many2one(
        help="What the client fills in besides name and e-mail. Empty: the form that "
        "you use for requests."
    )

    # What is booked
    service_id = fields.Many2one("payment.booking.service", ondelete="restrict")
    service_resource_ids = fields.Many2many(
        "resource.resource", compute="_compute_service_resource_ids"
    )
    resource_id = fields.Many2one("resource.resource", string="With")
    day = fields.Date(help="The calendar opens on this day.")
    seats = fields.Integer(string="Places", default=1)
    booking_currency_id = fields.Many2one("res.currency", string="Price Shown In")
    campaign = fields.Char(help="Kept on each payment and booking, for your figures.")
    campaign_source = fields.Char()
    campaign_medium = fields.Char()

    # Until when, and how often
    date_start = fields.Date(string="Open From", tracking=True)
    date_end = fields.Date(string="Open Until", tracking=True)
    max_payments = fields.Integer(
        string="Number of Payments",
        tracking=True,
        help="The link closes after that many payments. Empty: no limit.",
    )
    closed_reason = fields.Char(compute="_compute_closed_reason")

    # How it is given to clients
    signature_label = fields.Char(
        string="Text of the Signature",
        required=True,
        default=lambda self: self._default_button_label(),
    )
    signature_html = fields.Text(
        string="Code of the Signature", compute="_compute_signature"
    )
    signature_preview = fields.Html(
        string="Signature", compute="_compute_signature", sanitize=False
    )
    preview = fields.Html(compute="_compute_preview", sanitize=False)

    # What came of it
    request_ids = fields.One2many("payment.request", "direct_link_id")
    visit_count = fields.Integer(string="Visits", compute="_compute_counters")
    started_count = fields.Integer(string="Started", compute="_compute_counters")
    paid_count = fields.Integer(string="Paid", compute="_compute_counters")
    conversion = fields.Float(
        compute="_compute_counters", help="How many who opened it have paid."
    )
    paid_amounts = fields.Char(
        string="Received",
        compute="_compute_counters",
        help="Money that came and was kept. Test money does not count.",
    )
    use_count = fields.Integer(string="Used", compute="_compute_use_count")

    _amount_not_negative = models.Constraint(
        "CHECK (amount >= 0 AND amount_min >= 0 AND amount_max >= 0)",
        "An amount cannot be negative.",
    )
    _max_payments_not_negative = models.Constraint(
        "CHECK (max_payments >= 0)", "A link cannot be paid less than never."
    )
    _dates_in_order = models.Constraint(
        "CHECK (date_start <= date_end)", "A link closes after it opens."
    )
    _seats_positive = models.Constraint(
        "CHECK (seats BETWEEN 1 AND 1000)", "A booking has at least one place."
    )

    # === DEFAULTS === #

    @api.model
    def _default_button_label(self):
        """Override: what a direct link is mostly for."""
        return self.env._("Pay online")

    # === COMPUTE METHODS === #

    def _compute_url(self):
        links = self.env["payment.access.link"]._get_valid(self._origin, "link")
        for link in self:
            token = links[link._origin.id].token if link._origin else ""
            link.url = token and f"{link.get_base_url()}/l/{token}"

    @api.depends("service_id")
    def _compute_service_resource_ids(self):
        for link in self:
            link.service_resource_ids = link.service_id.group_ids.resource_ids

    @api.depends(
        *("active", "date_start", "date_end", "max_payments", "kind", "amount_type"),
        *("amount", "currency_id", "line_ids.product_id", "line_ids.quantity"),
        "service_id.closed_reason",
    )
    def _compute_closed_reason(self):
        for link in self:
            link.closed_reason = link._get_closed_reason()

    def _compute_use_count(self):
        for link in self:
            link.use_count = link._count_uses()

    @api.depends("url", "button_label")
    def _compute_embed_code(self):
        return super()._compute_embed_code()

    @api.depends("url", "signature_label")
    def _compute_signature(self):
        # A table: Outlook draws no padding around a link, but around a cell.
        code = Markup(
            '<table role="presentation" cellpadding="0" cellspacing="0" border="0" '
            'style="border-collapse: separate;"><tr><td style="padding: 9px 18px; '
            'border-radius: 6px; background-color: #2f6f5e;"><a href="{}" '
            'style="color: #ffffff; font-family: Arial, Helvetica, sans-serif; '
            'font-size: 14px; font-weight: bold; text-decoration: none;">{}</a>'
            "</td></tr></table>"
        )
        for link in self:
            link.signature_preview = code.format(
                link.url or "#", link.signature_label or ""
            )
            link.signature_html = str(link.signature_preview)

    @api.depends(
        *("kind", "title", "text", "amount_type", "currency_id", "amount"),
        *("amount_min", "amount_max", "suggestions", "ask_reason", "reason"),
        *("line_ids.product_id", "line_ids.quantity", "company_id", "service_id"),
        *("price_ids.currency_id", "price_ids.amount", "price_ids.amount_min"),
        *("price_ids.amount_max", "price_ids.suggestions"),
        *("form_id.intro", "form_id.field_ids", "form_id.policy"),
    )
    def _compute_preview(self):
        for link in self:
            link.preview = link._render_preview()

    def _compute_counters(self):
        figures = self._get_figures()
        for link in self:
            opened, started, paid, sums = figures[link._origin.id]
            link.visit_count = opened
            link.started_count = started
            link.paid_count = paid
            link.conversion = min(1.0, paid / opened) if opened else 0.0
            link.paid_amounts = bool(sums) and format_list(
                self.env,
                [format_amount(self.env, amount, cur) for cur, amount in sums],
            )

    # === CONSTRAINTS === #

    @api.constrains(
        *("kind", "amount_type", "amount", "amount_min", "amount_max"),
        *("suggestions", "currency_id", "company_id", "price_ids", "line_ids"),
    )
    def _check_terms(self):
        for link in self.filtered(lambda link: link.kind == "pay"):
            accepted = link.company_id.sudo()._get_booking_currencies()  # pricelists
            for currency in link.currency_id | link.price_ids.currency_id:
                if currency not in accepted:
                    raise ValidationError(
                        self.env._(
                            "%(currency)s is not accepted. Choose another currency.",
                            currency=currency.name,
                        )
                    )
            for terms in (link, *link.price_ids):
                link._check_amounts(terms)
            if link.amount_type == "products" and not link.line_ids:
                raise ValidationError(self.env._("Choose the products to pay for."))
            zero = link.currency_id.compare_amounts(link.amount, 0.0) <= 0
            if link.amount_type == "fixed" and zero:
                raise ValidationError(self.env._("Type the amount to pay."))

    def _check_amounts(self, terms):
        """Check the amounts of the link, or of one of its other currencies.

        :param terms: a record with `amount`, `amount_min`, `amount_max`, `suggestions`.
        :raise ValidationError: what is wrong with them.
        """
        currency = terms.currency_id
        draft = self.env["payment.request"].new({"currency_id": currency.id})
        typed = [terms.amount] if self.amount_type == "fixed" else []
        if self.amount_type == "open":
            if terms.amount_max and (
                currency.compare_amounts(terms.amount_max, terms.amount_min) < 0
            ):
                raise ValidationError(
                    self.env._("The highest amount is below the lowest one.")
                )
            typed += [terms.amount_min, terms.amount_max]
            limited = {"amount_min": terms.amount_min, "amount_max": terms.amount_max}
            draft.update(limited)
            suggested = parse_list(terms.suggestions)
            if None in suggested or len(suggested) > const.MAX_SUGGESTIONS:
                raise ValidationError(
                    self.env._(
                        "Type the suggested amounts like this: 10; 20; 50. At most "
                        "%(most)s.",
                        most=const.MAX_SUGGESTIONS,
                    )
                )
            for amount in suggested:
                error = draft._check_amount(amount)
                if error:
                    raise ValidationError(
                        self.env._(
                            "Suggested amount %(amount)s: %(error)s",
                            amount=f"{amount:g}",
                            error=error,
                        )
                    )
        if any(amount > const.MAX_AMOUNT for amount in typed):
            raise ValidationError(self.env._("This amount is too high."))

    @api.constrains("return_url")
    def _check_return_url(self):
        for link in self.filtered("return_url"):
            try:
                parts = urlsplit(link.return_url)
                good = parts.scheme in ("http", "https") and parts.hostname
            except ValueError:
                good = False
            if not good or any(char.isspace() for char in link.return_url):
                raise ValidationError(
                    self.env._("The return address must begin with https://")
                )

    @api.constrains("kind", "service_id", "company_id")
    def _check_service(self):
        for link in self.filtered(lambda link: link.kind == "book"):
            if not link.service_id:
                raise ValidationError(self.env._("Choose the service to book."))
            if link.service_id.sudo().company_id != link.company_id:  # as stored
                raise ValidationError(
                    self.env._("This service belongs to another company.")
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        """Override to make the address: what only shows it makes nothing."""
        links = super().create(vals_list)
        for link in links:
            self.env["payment.access.link"]._get_for(link, "link")
        return links

    @api.ondelete(at_uninstall=False)
    def _unlink_except_used(self):
        # sudo: whatever company's rows refer to it
        if any(link.sudo().request_ids for link in self):
            raise UserError(self.env._("Somebody used this link. Archive it instead."))

    # === WHAT IS PAID === #

    def _get_title(self):
        """Return the heading of the page."""
        self.ensure_one()
        return self.title or self.env._(
            "Payment to %(company)s", company=self.company_id.sudo().name
        )

    def _read_terms(self, terms):
        """Return the amounts that somebody typed on the link or on a currency of it.

        :param terms: see `_check_amounts`.
        :rtype: dict
        """
        is_open = self.amount_type == "open"
        suggested = parse_list(terms.suggestions) if is_open else []
        return {
            "amount": 0.0 if is_open else terms.amount,
            "amount_min": terms.amount_min if is_open else 0.0,
            "amount_max": terms.amount_max if is_open else 0.0,
            "suggestions": [amount for amount in suggested if amount],
        }

    def _get_terms(self, currency, partner=None):
        """Return what is paid in a currency, or None if it is not offered.

        What somebody typed for the currency counts as it is. Else it is converted at
        Odoo's rate; without a rate there is nothing to convert at.

        :param res.currency currency: the client's choice.
        :param res.partner partner: who pays, if known, for the taxes of products.
        :return: `amount`, `amount_min`, `amount_max` and `suggestions`.
        :rtype: dict or None
        """
        self.ensure_one()
        if self.amount_type == "products":
            return self._get_product_terms(currency, partner)
        terms = self._read_terms(self)
        if currency != self.currency_id:
            row = self.price_ids.filtered(lambda price: price.currency_id == currency)
            typed = self._read_terms(row[:1])
            converted = any(terms.values()) and self._convert_terms(terms, currency)
            if converted:
                terms = {key: typed[key] or converted[key] for key in terms}
            elif all(typed[key] for key in TERMS if terms[key]):
                terms = typed
            else:
                return None
        if self.amount_type == "fixed":
            if currency.compare_amounts(terms["amount"], 0.0) <= 0:
                return None
            return terms
        low, high = terms["amount_min"], terms["amount_max"]
        if high and currency.compare_amounts(low, high) > 0:
            return None  # typed by half: no amount fits
        terms["suggestions"] = [
            amount
            for amount in terms["suggestions"]
            if currency.compare_amounts(amount, low) >= 0
            and (not high or currency.compare_amounts(amount, high) <= 0)
        ]
        return terms

    def _convert_terms(self, terms, currency):
        """Return own amounts in another currency, or None without a rate."""
        company_sudo = self.company_id.sudo()  # guests read neither rates nor companies
        own = self.currency_id.sudo()  # as above
        known = (own, currency)
        if not all(company_sudo._has_currency_rate(one) for one in known):
            return None
        today = fields.Date.context_today(self)

        def convert(amount):
            return own._convert(amount, currency, company_sudo, today)

        return {
            **{key: convert(terms[key]) for key in terms if key != "suggestions"},
            "suggestions": [convert(amount) for amount in terms["suggestions"]],
        }

    def _get_product_terms(self, currency, partner=None):
        draft = self._draft_request(currency, partner)
        unpriced = draft.line_ids.filtered(lambda line: not line.price_unit)
        company_sudo = self.company_id.sudo()  # guests read no rates
        if unpriced and not company_sudo._has_currency_rate(currency):
            return None
        if currency.compare_amounts(draft.amount_total, 0.0) <= 0:
            return None
        return {
            "amount": draft.amount_total,
            "amount_min": 0.0,
            "amount_max": 0.0,
            "suggestions": [],
        }

    def _get_offers(self, partner=None):
        """Return what is paid in each currency that somebody can pay in: see
        `_get_terms`. The link's own currency comes first.

        :rtype: dict
        """
        self.ensure_one()
        accepted = self.company_id.sudo()._get_booking_currencies()  # guests: none
        offers = {}
        for currency in (self.currency_id | self.price_ids.currency_id) & accepted:
            terms = self._get_terms(currency, partner)
            if terms is None:
                continue
            least = terms["amount"] or terms["amount_min"]
            providers, _methods = self.env["payment.provider"]._get_usable(
                self.company_id, currency, least or 1.0, partner=partner
            )
            if providers:
                offers[currency] = terms
        return offers

    def _prepare_request_values(self, currency, partner=None, terms=None):
        """Return what a use of the link asks for. Override to add to it.

        :param res.currency currency: one of the offered currencies.
        :param res.partner partner: who pays, when proved (login).
        :param dict terms: see `_get_terms`.
        """
        self.ensure_one()
        products = self.amount_type == "products"
        reason = self.reason or (not products and self._get_title())
        values = {
            "company_id": self.company_id.id,
            "direct_link_id": self._origin.id,
            "user_id": self.user_id.id,
            "form_id": self.form_id.id,
            "partner_id": partner.id if partner else False,
            "currency_id": currency.id,
            "reason": False if self.ask_reason else reason,
            "line_ids": [
                Command.create(line._prepare_request_line())
                for line in self.line_ids
                if products and line.product_id
            ],
        }
        for name in ("amount", "amount_min", "amount_max"):
            values[name] = terms[name] if terms and not products else 0.0
        return values

    def _draft_request(self, currency, partner=None, terms=None):
        """Return an unsaved request, for its prices and its checks."""
        # sudo: guests read neither products nor taxes
        requests = self.env["payment.request"].sudo().with_company(self.company_id)
        return requests.new(self._prepare_request_values(currency, partner, terms))

    def _get_form(self):
        """Return the form that payers fill in, sudoed; empty if there is none."""
        self.ensure_one()
        values = {"company_id": self.company_id.id, "form_id": self.form_id.id}
        # sudo: guests read no requests; the same form as on the pay page
        return self.env["payment.request"].sudo().new(values)._get_payable_form()

    # === LIMITS === #

    def _get_closed_key(self, besides=None, started=True):
        """Return why the link is closed now, or False.

        :param payment.request besides: a use of its own, which does not count.
        :param bool started: whether uses that were only begun take their place.
        :return: `archived`, `early`, `over` or `used_up`.
        """
        self.ensure_one()
        if not self.active:
            return "archived"
        today = self.company_id.sudo()._get_booking_today()  # guests: no companies
        if self.date_start and today < self.date_start:
            return "early"
        if self.date_end and today > self.date_end:
            return "over"
        uses = self.max_payments and self._count_uses(besides, started)
        if self.max_payments and uses >= self.max_payments:
            return "used_up"
        return False

    def _get_closed_reason(self):
        """Return why clients cannot use the link now, for staff, or False."""
        self.ensure_one()
        key = self._get_closed_key()
        messages = {
            "archived": self.env._("It is archived."),
            "early": self.env._("It is not open yet."),
            "over": self.env._("Its last day is over."),
            "used_up": self.env._("All its payments are used up."),
        }
        if key:
            return messages[key]
        if self.kind == "book":
            return self.service_id._get_closed_reason() if self.service_id else False
        if self.kind == "pay" and not self._get_offers():
            return self.env._(
                "Nobody can pay: check the amount, and publish a payment provider."
            )
        return False

    def _count_uses(self, besides=None, started=True):
        """Return how many payments the link was used for.

        A payment counts once its money came or is on its way. One that was just started
        keeps its place for a while, like a hold.

        :param payment.request besides: a use that does not count.
        :param bool started: whether those that were only started count too.
        """
        self.ensure_one()
        money = Domain("state", "in", ("done", "pending", "authorized"))
        if started:
            since = fields.Datetime.now() - timedelta(
                minutes=const.UNKNOWN_BLOCK_MINUTES
            )
            money |= Domain("state", "=", "draft") & Domain("create_date", ">", since)
        if not self.company_id.sudo().booking_accept_test_payments:  # see `_is_money`
            money &= Domain("is_live", "=", True)
        # A transfer that does not come gives its place back.
        days = self.company_id.sudo().booking_transfer_days
        waited = fields.Datetime.now() - timedelta(days=days)
        money &= Domain("state", "!=", "pending") | Domain("create_date", ">", waited)
        uses = Domain("direct_link_id", "in", self._origin.ids)
        uses &= Domain("cancelled_at", "=", False) | Domain("amount_paid", ">", 0)
        if besides:
            uses &= Domain("id", "not in", besides.ids)
        # sudo: clients and plain users read no transactions
        return self.env["payment.request"].sudo().search_count(
            uses & Domain("allocation_ids.transaction_id", "any", money)
        )  # fmt: skip

    def _lock_limit(self):
        """Lock the links whose payments are counted: always before their requests."""
        lock_and_touch(self.filtered("max_payments"))

    def _is_rate_limited(self, client_key):
        """Tell whether an address filled in too many links lately.

        :param str client_key: see `payment.transaction._make_client_key`.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        by_client = Domain("client_key", "=", client_key)
        limits = (
            (const.RATE_DOCUMENT, by_client & Domain("direct_link_id", "=", self.id)),
            (const.RATE_ADDRESS, by_client & Domain("direct_link_id", "!=", False)),
        )
        requests = self.env["payment.request"].sudo()  # clients read their own only
        return any(
            requests.search_count(
                domain & Domain("create_date", ">", now - timedelta(minutes=minutes)),
                limit=most,
            )
            >= most
            for (most, minutes), domain in limits
        )

    # === USING IT === #

    def _get_own_use(self, visitor_key):
        """Return the request that a visitor made last by the link, sudoed."""
        requests = self.env["payment.request"].sudo()  # found by the visitor's secret
        if not visitor_key:
            return requests
        return requests.search(
            [("direct_link_id", "=", self.id), ("visitor_key", "=", visitor_key)]
        )

    def _use(
        self,
        currency,
        typed,
        *,
        partner=None,
        visitor_key=None,
        request_key=None,
        client_key=None,
    ):
        """Return the request of a visitor who fills in the link, sudoed.

        Whoever comes back uses their unpaid request again, with what they say now. What
        they typed is checked by the caller, what is asked for comes from the link. The
        loser of a race gets an error of PostgreSQL: the caller tries again.

        :param res.currency currency: one of the offered currencies.
        :param dict typed: `amount`, `reason`, and values of `_clean_values`.
        :param res.partner partner: the client, when proved (login).
        :param str visitor_key: the secret of the visitor's session.
        :param str request_key: the secret of the form: sent twice, it makes one.
        :param str client_key: see `payment.transaction._make_client_key`.
        """
        self.ensure_one()
        requests = self.env["payment.request"].with_company(self.company_id)._editing()
        terms = self._get_terms(currency, partner)
        values = {
            **self._prepare_request_values(currency, partner, terms),
            **dict.fromkeys(TYPED[:3], False),
            **requests._clean_values(typed),
            "amount_typed": self.amount_type == "open" and typed.get("amount") or 0.0,
            "reason_typed": self.ask_reason and typed.get("reason"),
        }
        total = values["amount_typed"] or terms["amount"]
        sent = request_key and requests.search([("request_key", "=", request_key)])
        if sent and sent._is_same_use(values, total):
            return self.env["payment.request"].sudo().browse(sent.ids)
        now = fields.Datetime.now()
        values.update(
            visitor_key=visitor_key,
            request_key=not sent and request_key,
            client_key=client_key,
            sent_at=now,
            expires_at=now + timedelta(hours=const.LINK_USE_HOURS),
        )
        mine = requests.browse(self._get_own_use(visitor_key).ids)
        if mine:
            mine._lock_and_touch()
            mine = mine._use_again(values, total)
        mine = mine or requests.with_context(tracking_disable=True).create(values)
        return self.env["payment.request"].sudo().browse(mine.ids)  # no right to edit

    # === REDIRECTS === #

    def _get_target_url(self, service_url=None):
        """Return where a link leads that is no payment of its own, or False.

        :param service_url: gives the path of a service; its public page by default.
        """
        self.ensure_one()
        if self.kind == "payments":
            return "/my/payments"
        service = self.sudo().service_id  # guests read no services
        if self.kind != "book" or not service.active or not service._is_visible():
            return False
        query = {
            "resource": self.resource_id.id,
            "day": self.day and self.day.isoformat(),
            "seats": self.seats > 1 and self.seats,
            "currency": self.booking_currency_id.name,
        }
        query = {key: value for key, value in query.items() if value}
        path = service_url(service) if service_url else service._get_book_url()
        return path + (f"?{urlencode(query)}" if query else "")

    def _get_campaign(self):
        """Return where a visitor comes from, as values of a request or booking."""
        self.ensure_one()
        names = ("campaign", "campaign_source", "campaign_medium")
        return {name: self[name] for name in names if self[name]}

    # === SHARING === #

    def _get_shared_url(self):
        """Override: the address without a query: nothing of it is a secret."""
        return self.url

    def _get_share_title(self):
        """Override: the internal name."""
        return self.name

    def _get_embed_key(self):
        """Override: the token of its address."""
        return "link", (self.url or "").rpartition("/")[2]

    def _get_embed_url(self):
        """Override: its address."""
        return self.url

    def _get_embed_path(self, lang):
        """Override: what is not public is not framed."""
        return self.kind != "payments" and super()._get_embed_path(lang)

    def _get_embed_services(self):
        """Override: the one that is booked, while the link is open."""
        booked_sudo = self.sudo().service_id  # guests read no services
        is_open = self.kind == "book" and not self._get_closed_key()
        return booked_sudo.filtered(lambda _service: is_open)

    def _get_embed_links(self):
        """Override: itself."""
        return self.sudo().filtered(lambda link: link.kind == "pay")  # as above

    def _get_embed_label(self):
        """Override: the text of its button."""
        return self.button_label or super()._get_embed_label()

    def _render_preview(self):
        """Return the page of the link as it stands in the form, saved or not."""
        self.ensure_one()
        if self.kind != "pay":
            return False
        offers = self._get_offers()
        shown = offers or {self.currency_id: self._get_terms(self.currency_id)}
        return self.env["ir.qweb"]._render(
            "payment_booking_portal.direct_link_preview",
            {
                **self._prepare_page({c: t for c, t in shown.items() if t}),
                "preview": True,
            },
        )

    def _prepare_page(self, offers, partner=None):
        """Return the context of the form that clients see.

        :param dict offers: see `_get_offers`.
        :param res.partner partner: who is logged in, if anybody.
        """
        self.ensure_one()
        panels = []
        for currency, terms in offers.items():
            draft = self._draft_request(currency, partner, terms)
            panels.append(
                {
                    "currency": currency,
                    "amount": terms["amount"],
                    "lines": [
                        {"label": line._get_label(), "amount": line.price_total}
                        for line in draft.line_ids
                    ],
                    "tax": draft.amount_tax,
                    "limits": draft._describe_limits(),
                    "suggestions": [
                        {
                            "value": f"{amount:.{currency.decimal_places}f}",
                            "label": format_amount(self.env, amount, currency),
                        }
                        for amount in terms["suggestions"]
                    ],
                }
            )
        payment_form = self._get_form()
        return {
            "link": self,
            "panels": panels,
            "partner": partner,
            "form_intro": payment_form.intro,
            "questions": payment_form._get_questions() if payment_form else [],
            "asks_phone": True,
            "typed_answers": None,
            "typed": {},
            "errors": {},
            "preview": False,
            "res_company": self.company_id.sudo(),  # its name and logo are public
        }

    # === COUNTERS === #

    def _get_figures(self):
        """Return what came of links: opened, started, paid, and the sums by currency.

        Set-wise, and for plain users too, who read no transactions: only figures of
        links that they may read leave this method. What staff tried does not count.

        :return: a tuple for each id, the sums as pairs of currency and amount.
        :rtype: dict
        """
        ids = self._origin.ids
        figures = {link_id: [0, 0, 0, []] for link_id in (*ids, False)}
        Visit = self.env["payment.direct.link.visit"].sudo()  # see above
        for link, count in Visit._read_group(
            [("link_id", "in", ids)], ["link_id"], ["__count"]
        ):
            figures[link.id][0] = count
        for model, domain in (
            ("payment.request", Domain("started_at", "!=", False)),
            ("payment.booking", Domain("state", "!=", "draft")),
        ):
            domain &= Domain("direct_link_id", "in", ids)
            domain &= Domain("create_uid.share", "=", True)
            documents = self.env[model].sudo()  # see above
            for link, count in documents._read_group(
                domain, ["direct_link_id"], ["__count"]
            ):
                figures[link.id][1] += count
        for table, column in (
            ("payment_request", "request_id"),
            ("payment_booking", "booking_id"),
        ):
            for link_id, currency_id, count, amount in self._query_money(table, column):
                currency = self.env["res.currency"].browse(currency_id)
                figures[link_id][2] += count
                figures[link_id][3].append((currency, amount))
        return figures

    def _query_money(self, table, column):
        """Return rows of link, currency, number of documents paid, and money kept."""
        for model in ("payment.transaction", "payment.transaction.allocation"):
            self.env[model].flush_model()
        self.env["payment.request"].flush_model(["direct_link_id"])
        return self.env.execute_query(
            SQL(
                """
                SELECT d.direct_link_id, tx.currency_id, count(DISTINCT d.id),
                       sum(a.amount - round(
                           coalesce(back.amount, 0) * a.amount / tx.amount,
                           c.decimal_places))
                  FROM %(table)s d
                  JOIN res_users u ON u.id = d.create_uid AND u.share
                  JOIN payment_transaction_allocation a ON a.%(column)s = d.id
                  JOIN payment_transaction tx ON tx.id = a.transaction_id
                   AND tx.state = 'done' AND tx.is_live
                  JOIN res_currency c ON c.id = tx.currency_id
                  LEFT JOIN LATERAL (
                       SELECT -sum(child.amount) AS amount
                         FROM payment_transaction child
                        WHERE child.source_transaction_id = tx.id
                          AND child.operation = 'refund'
                          AND child.state = 'done') back ON TRUE
                 WHERE d.direct_link_id = ANY(%(ids)s)
                 GROUP BY d.direct_link_id, tx.currency_id
                 ORDER BY d.direct_link_id, tx.currency_id
                """,
                table=SQL.identifier(table),
                column=SQL.identifier(column),
                ids=self._origin.ids,
            )
        )

    # === ACTIONS === #

    def action_try(self):
        """Open the page as a client sees it; what staff does there is not counted."""
        self.ensure_one()
        self.check_access("read")
        return {"type": "ir.actions.act_url", "url": self.url, "target": "new"}

    def action_new_address(self):
        """Give the links another address: the old one is dead from now on."""
        self.check_access("write")
        for link in self:
            self.env["payment.access.link"]._renew(link, "link")
            link.message_post(body=self.env._("The link got a new address."))
        self.invalidate_recordset(["url"])

    def action_view_requests(self):
        """Open the payments that were made or begun by the link."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": self.name,
            "res_model": "payment.booking"
            if self.kind == "book"
            else "payment.request",
            "view_mode": "list,form",
            "domain": [("direct_link_id", "=", self.id)],
            "context": {"create": False},
        }
