import random
from collections import defaultdict
from datetime import datetime, time, timedelta
from functools import partial
from itertools import islice
from itertools import product as cartesian
from urllib.parse import urlencode

import pytz
from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import SQL, format_time
from odoo.tools.image import image_data_uri

from .. import const
from ..tools import dates, slots
from ..tools.taxes import compute_totals


class PaymentBookingService(models.Model):
    _name = "payment.booking.service"
    _description = "Bookable Service"
    _inherit = ["mail.thread", "image.mixin", "payment.embed.mixin"]
    _order = "sequence, name, id"
    _check_company_auto = True

    # === FIELDS === #

    name = fields.Char(required=True, translate=True)
    active = fields.Boolean(default=True)
    sequence = fields.Integer(default=10)
    company_id = fields.Many2one(
        "res.company", required=True, default=lambda self: self.env.company, index=True
    )
    user_id = fields.Many2one(
        "res.users",
        string="Responsible",
        default=lambda self: self.env.user,
        help="Told when something about a booking needs a decision.",
    )
    product_id = fields.Many2one(
        "product.product",
        string="Product",
        ondelete="restrict",
        index=True,
        check_company=True,
        copy=False,
        help="What is invoiced, with its taxes and income account. Made on the fly.",
    )
    product_tmpl_id = fields.Many2one(
        related="product_id.product_tmpl_id", store=True, index=True
    )
    is_published = fields.Boolean(
        string="Published", default=True, tracking=True, copy=False
    )
    description = fields.Html(
        string="Public Text", translate=True, sanitize_overridable=False
    )

    # When
    duration = fields.Integer(
        string="Duration (minutes)", required=True, default=60, tracking=True
    )
    calendar_id = fields.Many2one(
        "resource.calendar",
        string="Schedule",
        default=lambda self: self._default_calendar_id(),
        check_company=True,
        help="Days and hours of the service, beside the hours of its people and rooms. "
        "Empty: whenever they work.",
    )
    step = fields.Integer(
        string="A Start Every (minutes)",
        default=30,
        required=True,
        help="Counted from the opening of the day.",
    )
    back_to_back = fields.Boolean(
        help="Also offer the moment at which the booking before ends."
    )
    buffer_before = fields.Integer(string="Minutes Free Before", tracking=True)
    buffer_after = fields.Integer(string="Minutes Free After", tracking=True)
    notice_hours = fields.Float(
        string="Minimum Notice (hours)",
        default=2,
        help="How long before the start a client may still book.",
    )
    horizon_days = fields.Integer(
        string="Booked at Most (days ahead)", default=60, required=True
    )
    hold_minutes = fields.Integer(
        string="Minutes to Pay",
        default=15,
        required=True,
        help="How long a time is held for a client who has to pay.",
    )

    # Who and where
    group_ids = fields.Many2many(
        "product.booking.resource.group",
        "payment_booking_service_group_rel",
        string="Needs One of Each",
        copy=True,
        help="A time can be booked when each of these groups has somebody (or a room) "
        "free for the whole duration.",
    )
    resource_choice = fields.Selection(
        [
            ("client", "The client may choose"),
            ("system", "We choose"),
        ],
        string="Who Chooses the Person",
        default="client",
        required=True,
    )
    assignment = fields.Selection(
        [
            ("fixed", "The first one free"),
            ("least_busy", "The one with the fewest bookings that day"),
            ("random", "Any, by chance"),
        ],
        string="Anyone Means",
        default="least_busy",
        required=True,
    )
    seats = fields.Integer(
        string="Places per Start",
        default=1,
        required=True,
        help="More than one makes a group service: clients share the start.",
    )
    session_mode = fields.Selection(
        [
            ("any", "Any free time"),
            ("planned", "Only the dates I plan"),
        ],
        string="Clients Choose",
        default="any",
        required=True,
        help="Of a group service: whether a client may open a start that is free, or "
        "joins one of the dates that you fixed.",
    )
    location_type = fields.Selection(
        [("on_site", "At our place"), ("online", "By video"), ("phone", "By phone")],
        default="on_site",
        required=True,
    )
    location = fields.Char(help="Address or directions. Empty: your company's address.")
    video_url = fields.Char(
        string="Video Link", help="Sent to clients with the confirmation."
    )

    # Price
    fee_policy = fields.Selection(
        const.FEE_POLICIES,
        required=True,
        default=lambda self: self._default_fee_policy(),
        tracking=True,
    )
    currency_id = fields.Many2one(
        "res.currency",
        required=True,
        compute="_compute_currency_id",
        store=True,
        readonly=False,
        precompute=True,
    )
    price = fields.Monetary(
        compute="_compute_price",
        inverse="_inverse_price",
        help="The price of the product, or its fixed price in the chosen currency.",
    )
    price_ids = fields.One2many(
        "product.pricelist.item", "booking_service_id", string="Further Prices"
    )
    accepted_currency_ids = fields.Many2many(
        "res.currency", compute="_compute_accepted_currency_ids"
    )
    has_several_currencies = fields.Boolean(compute="_compute_accepted_currency_ids")

    form_id = fields.Many2one(
        "payment.form",
        string="Form",
        ondelete="restrict",
        index="btree_not_null",
        check_company=True,
        help="What the client fills in. Empty: the form that you use for everything.",
    )

    # State of the shop window
    closed_reason = fields.Char(
        string="Why It Cannot Be Booked", compute="_compute_closed_reason"
    )
    public_url = fields.Char(string="Booking Page", compute="_compute_public_url")
    booking_count = fields.Integer(compute="_compute_booking_count")
    session_count = fields.Integer(compute="_compute_session_count")

    _duration_positive = models.Constraint(
        "CHECK (duration > 0 AND duration <= 10080)",
        "A service lasts between one minute and one week.",
    )
    _step_positive = models.Constraint(
        "CHECK (step BETWEEN 5 AND 1440)",
        "A start can be offered at most every 5 minutes, at least every day.",
    )
    _seats_positive = models.Constraint(
        "CHECK (seats BETWEEN 1 AND 1000)", "A start has between 1 and 1,000 places."
    )
    _buffers_positive = models.Constraint(
        "CHECK (coalesce(buffer_before, 0) >= 0 AND coalesce(buffer_after, 0) >= 0)",
        "The time free before and after cannot be negative.",
    )
    _horizon_positive = models.Constraint(
        "CHECK (horizon_days BETWEEN 1 AND 730 AND coalesce(notice_hours, 0) >= 0)",
        "Bookings open between 1 day and 2 years ahead; the notice is not negative.",
    )
    _hold_positive = models.Constraint(
        "CHECK (hold_minutes BETWEEN 5 AND 1440)",
        "A client has between 5 minutes and one day to pay.",
    )

    # === DEFAULTS === #

    @api.model
    def _default_calendar_id(self):
        return self.env.company.resource_calendar_id

    @api.model
    def _default_fee_policy(self):
        """Ask for money at booking only once a provider can take it."""
        company = self.env.company
        providers, _methods = self.env["payment.provider"]._get_usable(
            company, company.currency_id, 1.0, required=True
        )
        return "required" if providers else "on_site"

    # === COMPUTE METHODS === #

    @api.depends("company_id")
    def _compute_currency_id(self):
        for service in self:
            service.currency_id = service.currency_id or service.company_id.currency_id

    # Not on the currency nor the further prices: on a form they would wipe out the
    # price just typed. What is saved invalidates it instead.
    @api.depends("product_id.list_price")
    def _compute_price(self):
        for service in self:
            service.price = service._get_explicit_prices().get(service.currency_id, 0.0)

    def _inverse_price(self):
        for service in self:
            if service.currency_id == service._get_product_currency():
                service.product_id.list_price = service.price
                continue
            item = service.price_ids.filtered(
                lambda item, s=service: item.pricelist_id.currency_id == s.currency_id
            )
            if item:
                item.fixed_price = service.price
            else:
                self.env["product.pricelist.item"].create(
                    {
                        "booking_service_id": service.id,
                        "booking_currency_id": service.currency_id.id,
                        "fixed_price": service.price,
                    }
                )

    @api.depends("company_id.booking_currency_ids", "company_id.currency_id")
    def _compute_accepted_currency_ids(self):
        for service in self:
            currencies = service.company_id._get_booking_currencies()
            service.accepted_currency_ids = currencies
            service.has_several_currencies = len(currencies) > 1

    @api.depends(
        "active",
        "is_published",
        "fee_policy",
        "currency_id",
        "price",
        "group_ids.resource_ids.active",
        "group_ids.resource_ids.calendar_id",
        "calendar_id",
    )
    def _compute_closed_reason(self):
        for service in self:
            service.closed_reason = service._get_closed_reason() or False

    def _compute_public_url(self):
        for service in self:
            saved = service._origin  # empty while a new service is typed
            service.public_url = bool(saved) and (
                saved.get_base_url() + saved._get_book_url()
            )

    def _compute_booking_count(self):
        counts = dict(
            self.env["payment.booking"]._read_group(
                [("service_id", "in", self.ids), ("state", "=", "confirmed")],
                ["service_id"],
                ["__count"],
            )
        )
        for service in self:
            service.booking_count = counts.get(service, 0)

    def _compute_session_count(self):
        counts = dict(
            self.env["payment.booking.session"]._read_group(
                self._get_coming_sessions_domain(), ["service_id"], ["__count"]
            )
        )
        for service in self:
            service.session_count = counts.get(service, 0)

    def _get_coming_sessions_domain(self):
        return [
            ("service_id", "in", self.ids),
            ("state", "=", "open"),
            ("start", ">", fields.Datetime.now()),
        ]

    @api.onchange("currency_id")
    def _onchange_currency_id(self):
        """Propose the price of another currency; one typed on a new service stays."""
        if self._origin and self.currency_id:
            price = self._origin._get_price_in(self.currency_id)
            if price is not None:
                self.price = price

    def _get_form(self):
        """Return the form that clients fill in, sudoed; empty if there is none."""
        service_sudo = self.sudo()  # guests read neither services nor companies
        own = service_sudo.form_id
        return (own or service_sudo.company_id.booking_form_id).filtered("active")

    # === CONSTRAINTS === #

    @api.constrains("currency_id", "company_id")
    def _check_currency(self):
        for service in self:
            if service.currency_id not in service.company_id._get_booking_currencies():
                raise ValidationError(
                    self.env._(
                        "%(currency)s is not among your accepted currencies "
                        "(Configuration › Settings).",
                        currency=service.currency_id.name,
                    )
                )

    @api.constrains("group_ids", "company_id")
    def _check_group_company(self):
        for service in self:
            if service.group_ids.company_id - service.company_id:
                raise ValidationError(
                    self.env._(
                        "The people and rooms of a service belong to its company."
                    )
                )

    @api.constrains("seats")
    def _check_seats(self):
        Session = self.env["payment.booking.session"]
        for service in self:
            if not service._is_group_service() and Session.search_count(
                service._get_coming_sessions_domain(), limit=1
            ):
                raise ValidationError(
                    self.env._("Cancel its coming sessions first: they are for groups.")
                )
            live = Session.search_count(
                [
                    ("service_id", "=", service.id),
                    ("stop", ">", fields.Datetime.now()),
                    ("is_planned", "=", False),  # the others have their own places
                    ("seat_ids.seat", ">", service.seats),
                ],
                limit=1,
            )
            if live:
                raise ValidationError(
                    self.env._(
                        "More places than that are booked already for a coming start."
                    )
                )

    # === CRUD METHODS === #

    @api.model_create_multi
    def create(self, vals_list):
        prices = []
        for vals in vals_list:
            company = self.env["res.company"].browse(
                vals.get("company_id") or self.env.company.id
            )
            # The price lives on the product, which must exist before it is written.
            prices.append(vals.pop("price", None))
            if not vals.get("product_id"):
                vals["product_id"] = self._create_product(vals, company).id
            if "calendar_id" not in vals:
                vals["calendar_id"] = company.resource_calendar_id.id
        services = super().create(vals_list)
        for service, price in zip(services, prices, strict=True):
            if price is not None:
                service.price = price
            if not service.group_ids:
                service.group_ids = service._get_default_group()
        return services

    def write(self, vals):
        result = super().write(vals)
        if "currency_id" in vals:
            self.invalidate_recordset(["price"])
        if "name" in vals:
            for service in self:
                if len(service.product_tmpl_id.booking_service_ids) == 1:
                    service.product_id.name = service.name
        if "company_id" in vals and self.env["payment.booking"].search_count(
            [("service_id", "in", self.ids)], limit=1
        ):
            raise UserError(
                self.env._("A service with bookings cannot move to another company.")
            )
        return result

    def copy_data(self, default=None):
        vals_list = super().copy_data(default)
        for service, vals in zip(self, vals_list, strict=True):
            if "name" not in (default or {}):
                vals["name"] = self.env._("%s (copy)", service.name)
            vals.setdefault("price", service.price)
            vals.setdefault("is_published", False)  # until somebody has looked at it
        return vals_list

    @api.model
    def _create_product(self, vals, company):
        """Return the product made on the fly for a new service.

        :param dict vals: the values of the service.
        :param res.company company: the company of the service.
        """
        return self.env["product.product"].create(
            {
                "name": vals["name"],
                "type": "service",
                "company_id": company.id,
                "list_price": 0.0,
                "purchase_ok": False,
                "taxes_id": [(6, 0, company.account_sale_tax_id.ids)],
            }
        )

    def _get_default_group(self):
        """Return the group of a new service: the current user, at company hours."""
        self.ensure_one()
        user = self.env.user
        Group = self.env["product.booking.resource.group"]
        Resource = self.env["resource.resource"]
        resource = Resource.search(
            [("user_id", "=", user.id), ("company_id", "=", self.company_id.id)],
            limit=1,
        ) or Resource.create(
            {
                "name": user.name,
                "user_id": user.id,
                "company_id": self.company_id.id,
                "calendar_id": self.company_id.resource_calendar_id.id,
                "tz": self.company_id._get_booking_tz(),
            }
        )
        domain = [
            ("company_id", "=", self.company_id.id),
            ("resource_ids", "=", resource.id),
        ]
        alone = Group.search(domain).filtered(lambda g: g.resource_ids == resource)
        return alone[:1] or Group.create(
            {
                "name": resource.name,
                "company_id": self.company_id.id,
                "resource_ids": [(4, resource.id)],
            }
        )

    # === ACTIONS === #

    def action_try(self):
        """Open the booking page as a client sees it."""
        self.ensure_one()
        return {
            "type": "ir.actions.act_url",
            "url": self._get_book_url(),
            "target": "new",
        }

    def action_share(self):
        """Open the dialog with the address, the QR code, the mail and the button."""
        self.ensure_one()
        share = self.env["payment.booking.share"].create({"service_id": self.id})
        return share._get_form_action()

    def action_share_page(self):
        """Open the same dialog for the page with all services, whichever are ticked."""
        return self.env["payment.booking.share"].action_share_page()

    def action_view_bookings(self):
        """Open the bookings of the service."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_action"
        )
        action["domain"] = [("service_id", "in", self.ids)]
        action["context"] = {"default_service_id": self.id}
        return action

    def action_view_sessions(self):
        """Open the sessions of the service."""
        action = self.env["ir.actions.act_window"]._for_xml_id(
            "payment_booking_portal.payment_booking_session_action"
        )
        action["domain"] = [("service_id", "in", self.ids)]
        action["context"] = {
            "default_service_id": self.id,
            "search_default_upcoming": 1,
            "search_default_open": 1,
            "booking_places_first": True,
        }
        return action

    # === SHOP WINDOW === #

    def _get_book_url(self):
        """Return the path of the public page of the service."""
        self.ensure_one()
        return f"/book/{self.env['ir.http']._slug(self)}"

    def _get_embed_key(self):
        """Override: its number, which its address shows too."""
        return "service", str(self._origin.id or "")

    def _get_embed_url(self):
        """Override: its public page."""
        return self._origin.id and self.get_base_url() + self._origin._get_book_url()

    def _get_embed_services(self):
        """Override: itself."""
        return self.sudo()  # its page is public

    def _get_embed_mode(self):
        """Override: its calendar."""
        return "inline"

    def _is_group_service(self):
        """Tell whether clients share a start."""
        self.ensure_one()
        return self.seats > 1

    def _is_planned_only(self):
        """Tell whether clients book only the dates that staff planned."""
        return self._is_group_service() and self.session_mode == "planned"

    def _get_location(self):
        """Return where the service takes place, in one line, for clients."""
        self.ensure_one()
        if self.location_type == "phone":
            return self.env._("By phone")
        if self.location_type == "online":
            return self.env._("By video")
        partner_sudo = self.company_id.sudo().partner_id  # guests read no contact
        address = partner_sudo._display_address(without_company=True)
        return self.location or ", ".join(
            line.strip() for line in address.splitlines() if line.strip()
        )

    def _get_image_url(self):
        """Return the picture of the service for its public page, or False.

        Inlined as a data address: guests may not read the image of a record.
        """
        self.ensure_one()
        return self.image_512 and image_data_uri(self.image_512)

    def _get_closed_reason(self):
        """Return why clients cannot book the service and what cures it, or False.

        For staff; clients read that online booking is closed.
        """
        self.ensure_one()
        if self.active and not self.is_published:
            return self.env._("It is not published. Switch Published on.")
        reason = self._get_unbookable_reason()
        if not reason and self._is_planned_only() and not self.session_count:
            return self.env._("No date is planned. Press Plan dates.")
        return reason

    def _get_unbookable_reason(self):
        """Return why the service could not be booked even if it were published."""
        reason = self._get_incomplete_reason()
        if reason:
            return reason
        if self.fee_policy == "required" and not self._get_payable_currencies(limit=1):
            return self.env._(
                "Payment is required, and no payment provider can take it. Publish a "
                "provider under Configuration, or choose another fee policy."
            )
        return False

    def _get_incomplete_reason(self, check_hours=True):
        """Return what somebody must still fill in, or False.

        :param bool check_hours: whether to read the working hours too; who is about to
            ask for free starts need not.
        """
        env = self.env
        resources = self.sudo().group_ids.resource_ids  # plain users see no calendars
        if not self.active:
            return env._("It is archived. Unarchive it.")
        if not self.group_ids:
            return env._("It needs nobody and no room. Add one under People and rooms.")
        empty = self.group_ids.filtered(lambda g: not g.resource_ids.filtered("active"))
        if empty:
            return env._(
                "Nobody is in the group %(group)s. Add a person or a room to it.",
                group=empty[0].name,
            )
        calendars = (resources.calendar_id | self.calendar_id).sudo()
        without_hours = calendars.filtered(
            lambda c: check_hours and not c.attendance_ids and not c.flexible_hours
        )
        if self._is_planned_only():
            without_hours = calendars.browse()  # a planned date needs none
        if without_hours and (
            self.calendar_id in without_hours
            or all(r.calendar_id in without_hours for r in resources)
        ):
            return env._(
                "The working hours %(name)s have no hours. Fill them in.",
                name=without_hours[0].name,
            )
        if self.fee_policy in const.PRICED_POLICIES and not self.price:
            return env._("It has no price. Set one, or make it free.")
        return False

    def _is_open(self):
        """Tell whether the current user can book the service."""
        return self._is_visible() and not self._get_unbookable_reason()

    def _is_visible(self):
        """Tell whether it is published; staff may try it before."""
        return self.is_published or self.env.user.has_group(
            "payment_booking_portal.group_user"
        )

    # === PRICES === #

    def _get_product_currency(self):
        """Return the currency of the product's own price."""
        self.ensure_one()
        product = self.product_id.with_company(self.company_id)
        return product.company_id.currency_id or product.currency_id

    def _get_explicit_prices(self):
        """Return the prices that somebody typed, by currency.

        :rtype: dict
        """
        self.ensure_one()
        service_sudo = self.sudo()  # guests read neither products nor pricelists
        # An empty price is no price: it would make the service free in that currency.
        prices = {
            item.pricelist_id.currency_id: item.fixed_price
            for item in service_sudo.price_ids
            if item.fixed_price
        }
        if service_sudo.product_id.list_price:
            prices.setdefault(
                service_sudo._get_product_currency(), service_sudo.product_id.list_price
            )
        return prices

    def _get_price_in(self, currency):
        """Return the price of one place in a currency, or None if it has none.

        An explicit price counts as it is. Another is converted from the service's own
        price at Odoo's rate and rounded for the currency; without a rate there is
        none, since Odoo would convert at 1:1.

        :param res.currency currency: the client's choice.
        """
        self.ensure_one()
        prices = self._get_explicit_prices()
        if currency in prices:
            return prices[currency]
        company = self.company_id
        own = self.currency_id
        if not company._has_currency_rate(own) or not company._has_currency_rate(
            currency
        ):
            return None
        today = fields.Date.context_today(self)
        return own.sudo()._convert(prices.get(own, 0.0), currency, company, today)

    def _get_offered_currencies(self):
        """Return the currencies that a client may choose from, the service's own first.

        :rtype: res.currency
        """
        self.ensure_one()
        if self.fee_policy not in const.PRICED_POLICIES:
            return self.currency_id
        currencies = self.currency_id | self.company_id._get_booking_currencies()
        if self.fee_policy == "required":
            return self._get_payable_currencies()
        return currencies.filtered(lambda c: self._get_price_in(c) is not None)

    def _get_payable_currencies(self, limit=None):
        """Return the currencies with a price that a usable provider can take.

        :param int limit: how many are enough to know.
        """
        self.ensure_one()
        currencies = self.currency_id | self.company_id._get_booking_currencies()
        result = self.env["res.currency"]
        for currency in currencies:
            price = self._get_price_in(currency)
            if price is None:
                continue
            providers, _methods = self.env["payment.provider"]._get_usable(
                self.company_id, currency, price, required=True
            )
            if providers:
                result |= currency
            if limit and len(result) >= limit:
                break
        return result

    def _prepare_price(
        self, currency=None, seats=1, partner=None, fee_policy=None, price_unit=None
    ):
        """Return the frozen price of a booking, taxes included and excluded.

        :param res.currency currency: one of the offered currencies; the own by default.
        :param int seats: how many places.
        :param res.partner partner: who pays, for the fiscal position.
        :param str fee_policy: the policy of this one booking; the service's by default.
        :param float price_unit: a price that staff agreed with the client.
        :return: values of `payment.booking`.
        :rtype: dict
        """
        self.ensure_one()
        service_sudo = self.sudo()  # guests read neither products nor taxes
        currency = currency or self.currency_id
        company = service_sudo.company_id
        product = service_sudo.product_id.with_company(company)
        if price_unit is None and (
            (fee_policy or self.fee_policy) in const.PRICED_POLICIES
        ):
            price_unit = self._get_price_in(currency)
            if price_unit is None:
                raise UserError(
                    self.env._(
                        "There is no price in %(currency)s.", currency=currency.name
                    )
                )
        price_unit = price_unit or 0.0
        taxes = product.taxes_id._filter_taxes_by_company(company)
        position = self.env["account.fiscal.position"].sudo()  # as above
        if partner:
            position = position.with_company(company)._get_fiscal_position(partner)
        mapped = position.map_tax(taxes) if position else taxes
        if mapped != taxes:
            price_unit = product._get_tax_included_unit_price_from_price(
                price_unit, taxes, fiscal_position=position
            )
        return {
            "currency_id": currency.id,
            "price_unit": price_unit,
            "tax_ids": [(6, 0, mapped.ids)],
            "fiscal_position_id": position.id,
            **self._compute_totals(price_unit, seats, mapped, currency),
        }

    def _compute_totals(self, price_unit, quantity, taxes, currency):
        """Return the amounts that the invoice will have, from Odoo's own engine."""
        self.ensure_one()
        AccountTax = self.env["account.tax"].sudo()  # guests read no taxes
        base_line = AccountTax._prepare_base_line_for_taxes_computation(
            {},
            product_id=self.product_id.sudo(),
            tax_ids=taxes,
            price_unit=price_unit,
            quantity=quantity,
            currency_id=currency,
        )
        company_sudo = self.company_id.sudo()  # nor companies
        return compute_totals([base_line], company_sudo, currency)

    # === SLOTS === #

    def _get_slots(self, start, stop, resource=None, seats=1):
        """Return the starts that a client can book.

        :param datetime start: from when (naive UTC).
        :param datetime stop: until when (naive UTC, excluded).
        :param resource.resource resource: the person or room the client wants.
        :param int seats: how many places.
        :return: the starts (naive UTC), in order.
        :rtype: list
        """
        availability = self._get_availability(start, stop, resource, seats)
        return [slots.to_datetime(minutes) for minutes in availability.starts]

    def _get_next_slots(self, start, count=3, resource=None, seats=1, days=62):
        """Return the free starts that are nearest to a moment.

        :param datetime start: the moment (naive UTC).
        :param int count: how many.
        :return: the starts (naive UTC), nearest first.
        :rtype: list
        """
        for radius in (2, 14, days):
            delta = timedelta(days=radius)
            found = self._get_slots(start - delta, start + delta, resource, seats)
            if len(found) >= count or radius == days:
                return sorted(found, key=lambda slot: abs(slot - start))[:count]
        return []

    def _describe_slots(self, starts, tz_name, seats=1, base_url=None):
        """Return starts as buttons: dicts with `url` (a path) and `label`.

        :param list starts: naive UTC datetimes.
        :param str tz_name: the zone in which the client reads them.
        :param int seats: how many places are wanted.
        :param str base_url: path of the calendar; its public page by default.
        """
        self.ensure_one()
        tz = pytz.timezone(tz_name)
        base_url = base_url or self._get_book_url()
        buttons = []
        for start in sorted(starts):
            day = pytz.utc.localize(start).astimezone(tz).date()
            query = {"start": dates.format_start(start), "tz": tz_name}
            if seats > 1:
                query["seats"] = seats
            at = format_time(self.env, start, tz=tz_name, time_format="short")
            buttons.append(
                {
                    "url": f"{base_url}/details?{urlencode(query)}",
                    "label": f"{dates.format_day(self.env, day)}, {at}",
                }
            )
        return buttons

    def _get_next_slot_after(self, moment, resource=None, seats=1):
        """Return the first free start at or after a moment (naive UTC), or None."""
        horizon = fields.Datetime.now() + timedelta(days=self.horizon_days + 1)
        while moment < horizon:
            until = moment + relativedelta(days=31)
            found = self._get_slots(moment, until, resource, seats)
            if found:
                return found[0]
            moment = until
        return None

    def _get_booking_window(self, start=None):
        """Return from when until when clients may book now (naive UTC).

        :param datetime start: from when one asks (naive UTC): providers are read only
            if they make a difference to what comes then.
        """
        self.ensure_one()
        now = fields.Datetime.now()
        earliest = now + timedelta(hours=self.notice_hours or 0)
        if self.fee_policy == "required":
            # A nearer time could be held, but not paid for in time.
            days = self.company_id.sudo().booking_transfer_min_days  # guests: as below
            slow = now + timedelta(days=days)
            if max(earliest, start or earliest) < slow and self._is_only_paid_slowly():
                earliest = slow
        return earliest, now + timedelta(days=self.horizon_days)

    def _is_only_paid_slowly(self):
        """Tell whether no usable provider's money comes at once."""
        has_fast = partial(
            self.env["payment.provider"]._has_fast, self.company_id, self.currency_id
        )
        # Most have no limit: then the price need not even be computed.
        return not (has_fast() or has_fast(self.price))

    def _get_availability(
        self, start, stop, resource=None, seats=1, booking=None, any_time=False
    ):
        """Return who is free when: the one function behind display and booking.

        The number of SQL queries does not depend on the number of resources nor on
        that of bookings.

        :param datetime start: from when (naive UTC).
        :param datetime stop: until when (naive UTC, excluded).
        :param resource.resource resource: the person or room the client wants; staff
            may want several.
        :param int seats: how many places.
        :param payment.booking booking: one whose own time counts as free (a move).
        :param bool any_time: whether notice and horizon do not matter (late money).
        :rtype: Availability
        """
        self.ensure_one()
        service_sudo = self.sudo()  # guests read no calendars
        if any_time:
            earliest, latest = fields.Datetime.now(), stop
        else:
            earliest, latest = self._get_booking_window(start)
        start, stop = max(start, earliest), min(stop, latest)
        groups = service_sudo._get_candidates(resource)
        possible = groups and all(groups) and 1 <= seats <= self.seats
        if start >= stop or not possible:
            return slots.Availability(slots.Grid([], self.duration), [], {})
        if self._is_planned_only():
            return self._get_planned_availability(
                groups, start, stop, resource, seats, booking
            )
        everyone = service_sudo.env["resource.resource"].union(*groups)
        reach = timedelta(
            minutes=self.duration + (self.buffer_before or 0) + (self.buffer_after or 0)
        )
        hours = service_sudo._get_hours(everyone, start, stop)
        busy = service_sudo._get_busy_intervals(
            everyone, start - reach, stop + reach, booking=booking
        )
        sessions = service_sudo._get_open_sessions(start, stop, resource, booking)
        busy = {
            rid: [
                (slots.to_minutes(left), slots.to_minutes(right, ceil=True))
                # A booking and its event in the calendar are often the same time.
                for left, right in set(intervals)
            ]
            for rid, intervals in busy.items()
        }
        return service_sudo._combine(groups, hours, busy, sessions, start, stop, seats)

    def _get_candidates(self, wanted=None):
        """Return who could do it: the resources of each group.

        :param resource.resource wanted: those that it must be, where a group has them.
        :rtype: list
        """
        groups = [group.resource_ids.filtered("active") for group in self.group_ids]
        return [wanted and group & wanted or group for group in groups]

    def _combine(self, groups, hours, busy, sessions, start, stop, seats):
        """Return the availability from hours and busy times (minutes).

        :param list groups: the resources of each group.
        :param dict hours: see `_get_hours`.
        :param dict busy: busy intervals by resource id.
        :param dict sessions: places left by start.
        """
        first = slots.to_minutes(start, ceil=True)
        last = slots.to_minutes(stop, ceil=True)
        starts = set()
        extra = defaultdict(set)
        if self.calendar_id:
            days = hours[None][1]
        else:
            days = {day for r in groups[0] for day in hours[r.id][1]}
        for opening, closing in days:
            starts.update(slots.day_starts(opening, closing, self.step, first, last))
        if self.back_to_back:
            for rid, intervals in busy.items():
                ends = {stop + (self.buffer_before or 0) for _start, stop in intervals}
                extra[rid] = {end for end in ends - starts if first <= end < last}
        grid = slots.Grid(
            starts.union(*extra.values(), sessions),
            self.duration,
            self.buffer_before or 0,
            self.buffer_after or 0,
        )
        on_grid = grid.mask_of(starts)
        scheduled = grid.mask_open(hours[None][0]) if self.calendar_id else -1
        masks, opened = {}, {}
        for rid in {r.id for group in groups for r in group}:
            key = id(hours[rid][0])  # resources of one calendar share the list
            if key not in opened:
                opened[key] = grid.mask_open(hours[rid][0])
            mask = opened[key] & scheduled & (on_grid | grid.mask_of(extra[rid]))
            masks[rid] = grid.clear_busy(mask, busy.get(rid, ()))
        return slots.Availability(
            grid,
            [[r.id for r in group] for group in groups],
            masks,
            self._limit_sessions(sessions, seats),
        )

    def _get_planned_availability(self, groups, start, stop, resource, seats, booking):
        """Return the availability of a service whose dates are all planned.

        See `_get_availability` for the parameters. Working hours and busy times do not
        matter: a planned session has its people and rooms already.
        """
        # sudo: guests read no sessions
        sessions = self.sudo()._get_open_sessions(start, stop, resource, booking)
        return slots.Availability(
            slots.Grid(sessions, self.duration),
            [[r.id for r in group] for group in groups],
            {},
            self._limit_sessions(sessions, seats),
        )

    def _limit_sessions(self, sessions, seats):
        """Return the places left by start; none where fewer are left than asked."""
        return {at: left if left >= seats else 0 for at, left in sessions.items()}

    def _get_hours(self, resources, start, stop):
        """Return the working hours of resources, leaves not yet taken off.

        Odoo computes the attendances of a calendar again for each resource, although
        they only differ by time zone: here each pair is computed once.

        :param resource.resource resources: people and rooms.
        :param datetime start: from when (naive UTC).
        :param datetime stop: until when (naive UTC).
        :return: by resource id, and under None for the service's own schedule: the
            merged hours, and the (opening, closing) of each day, in minutes.
        :rtype: dict
        """
        self.ensure_one()
        known = {}

        def hours_of(calendar, tz_name):
            if (calendar, tz_name) not in known:
                known[calendar, tz_name] = self._get_calendar_hours(
                    calendar, pytz.timezone(tz_name), start, stop
                )
            return known[calendar, tz_name]

        hours = {r.id: hours_of(r.calendar_id, r.tz) for r in resources}
        if self.calendar_id:
            hours[None] = hours_of(self.calendar_id, self.calendar_id.tz)
        return hours

    @api.model
    def _get_calendar_hours(self, calendar, tz, start, stop):
        """Return the hours and days of a calendar in a time zone; none means always.

        :param resource.calendar calendar: empty for a resource without schedule.
        :param tzinfo tz: the time zone its hours are meant in.
        """
        # Whole days around the period, so that each day's opening is the real one.
        begin = pytz.utc.localize(start).astimezone(tz).date() - timedelta(days=1)
        days = (pytz.utc.localize(stop).astimezone(tz).date() - begin).days + 3
        midnights = [
            tz.localize(datetime.combine(begin + timedelta(days=i), time.min))
            for i in range(days)
        ]
        bounds = [slots.to_minutes(midnight) for midnight in midnights]
        if not calendar or calendar.flexible_hours:
            return (
                slots.merge([(bounds[0], bounds[-1])]),
                set(zip(bounds, bounds[1:], strict=False)),
            )
        attendances = calendar._attendance_intervals_batch(
            midnights[0], midnights[-1], tz=tz
        )[False]
        by_day, hours = {}, []
        for left, right, _attendance in attendances:
            opening = slots.to_minutes(left, ceil=True)
            closing = slots.to_minutes(right, ceil=True)
            if opening >= closing:
                continue
            hours.append((opening, closing))
            day = left.astimezone(tz).date()
            known = by_day.get(day, (opening, closing))
            by_day[day] = (min(known[0], opening), max(known[1], closing))
        return slots.merge(hours), set(by_day.values())

    def _get_busy_intervals(self, resources, start, stop, booking=None):
        """Return when resources are taken. Override to add your own busy times.

        :param resource.resource resources: people and rooms.
        :param datetime start: from when (naive UTC).
        :param datetime stop: until when (naive UTC).
        :param payment.booking booking: one whose own time counts as free.
        :return: lists of (start, stop), naive UTC, by resource id.
        :rtype: dict
        """
        busy = defaultdict(list)
        for rid, left, right in (
            *self._get_reserved(resources, start, stop, booking),
            *self._get_leaves(resources, start, stop),
            *self._get_meetings(resources, start, stop, booking),
        ):
            busy[rid].append((left, right))
        return busy

    def _get_reserved(self, resources, start, stop, booking):
        """Return the live reservations of resources: holds, bookings, sessions."""
        self.env["payment.booking.reservation"].flush_model()
        rows = self.env.execute_query(
            SQL(
                """
                SELECT resource_id, start, stop
                  FROM payment_booking_reservation
                 WHERE resource_id = ANY(%s)
                   AND tsrange(start, stop) && tsrange(%s, %s)
                   AND (expires_at IS NULL OR expires_at > %s)
                   AND (booking_id IS NULL OR booking_id <> %s)
                   AND (session_id IS NULL OR session_id <> %s)
                """,
                resources.ids,
                start,
                stop,
                fields.Datetime.now(),
                booking.id if booking else 0,
                self._get_session_left_empty(booking).id or 0,
            )
        )
        return rows

    def _get_session_left_empty(self, booking):
        """Return the session that goes when a booking leaves it, else an empty one."""
        if not booking or not booking.session_id:
            return self.env["payment.booking.session"]
        session_sudo = booking.session_id.sudo()  # guests read no sessions
        if session_sudo.is_planned:
            return session_sudo.browse()  # it stays
        others = session_sudo._get_taken_seats(excluded=booking)[session_sudo.id]
        return session_sudo[: 0 if others else 1]

    def _get_leaves(self, resources, start, stop):
        """Return the leaves of resources, of their calendars and of the company."""
        leaves = self.env["resource.calendar.leaves"].search(
            [
                ("time_type", "=", "leave"),
                ("date_from", "<", stop),
                ("date_to", ">", start),
                ("resource_id", "in", [False, *resources.ids]),
            ]
        )
        result = []
        for leave in leaves:
            left, right = leave.date_from, leave.date_to
            if leave.resource_id:
                if leave.resource_id._is_fully_flexible():
                    # As `resource` does: without a schedule a leave takes whole days.
                    tz = pytz.timezone(leave.resource_id.tz)
                    bounds = leave.calendar_id._handle_flexible_leave_interval(
                        pytz.utc.localize(left).astimezone(tz),
                        pytz.utc.localize(right).astimezone(tz),
                        leave,
                    )
                    left, right = (
                        tz.localize(bound.replace(tzinfo=None))
                        .astimezone(pytz.utc)
                        .replace(tzinfo=None)
                        for bound in bounds
                    )
                result.append((leave.resource_id.id, left, right))
                continue
            everyone = (
                not leave.calendar_id or leave.calendar_id == self.calendar_id
            ) and leave.company_id == self.company_id
            result += [
                (resource.id, left, right)
                for resource in resources
                if everyone
                or (
                    leave.calendar_id in (resource.calendar_id, leave.calendar_id[:0])
                    and leave.company_id == resource.company_id
                )
            ]
        return result

    def _get_meetings(self, resources, start, stop, booking):
        """Return the calendar events that keep the resources' users busy."""
        with_user = resources.filtered("user_id")
        if not with_user:
            return []
        for model in ("calendar.event", "calendar.attendee", "res.users"):
            self.env[model].flush_model()
        resources.flush_recordset(["user_id"])
        day = timedelta(days=1)  # all-day events are kept as dates of any zone
        rows = self.env.execute_query(
            SQL(
                """
                SELECT r.id, e.start, e.stop, e.allday, e.start_date, e.stop_date
                  FROM calendar_event e
                  JOIN calendar_attendee a ON a.event_id = e.id
                  JOIN res_users u ON u.partner_id = a.partner_id
                  JOIN resource_resource r ON r.user_id = u.id
                 WHERE r.id = ANY(%(resources)s)
                   AND a.state IS DISTINCT FROM 'declined'
                   AND e.active AND e.show_as = 'busy'
                   AND e.stop > %(start)s AND e.start < %(stop)s
                   AND (e.payment_booking_id IS NULL
                        OR e.payment_booking_id <> %(booking)s)
                """,
                resources=with_user.ids,
                start=start - day,
                stop=stop + day,
                booking=booking.id if booking else 0,
            )
        )
        result = []
        for rid, left, right, allday, first, last in rows:
            if allday:
                tz = pytz.timezone(resources.browse(rid).tz)
                left, right = (
                    tz.localize(datetime.combine(date, time.min))
                    .astimezone(pytz.utc)
                    .replace(tzinfo=None)
                    for date in (first, last + day)
                )
            result.append((rid, left, right))
        return result

    def _get_open_sessions(self, start, stop, resource=None, booking=None):
        """Return the places left at the starts that group sessions have already.

        :return: places left by start (minutes).
        :rtype: dict
        """
        if not self._is_group_service():
            return {}
        domain = [
            ("service_id", "=", self.id),
            ("start", ">=", start),
            ("start", "<", stop),
            ("state", "=", "open"),
        ]
        if self._is_planned_only():
            domain.append(("is_planned", "=", True))
        sessions = self.env["payment.booking.session"].search(domain)
        if not sessions:
            return {}
        taken = sessions._get_taken_seats(excluded=booking)
        alive = sessions._get_taken_seats() if booking else taken
        left = {}
        for session in sessions:
            if not session.is_planned and not alive[session.id]:
                continue  # nobody has a place in it any more
            wanted = not resource or resource <= session.resource_ids
            free = session.seats - len(taken[session.id]) if wanted else 0
            left[slots.to_minutes(session.start)] = max(free, 0)
        return left

    # === WHO DOES IT === #

    def _order_resources(self, resource_ids, start):
        """Return resource ids in the order in which they are tried.

        Override to prefer somebody.

        :param list resource_ids: those free at `start`, in the group's order.
        :param datetime start: naive UTC.
        """
        self.ensure_one()
        if self.assignment == "random":
            return random.sample(resource_ids, len(resource_ids))
        if self.assignment == "least_busy" and len(resource_ids) > 1:
            day = start.replace(hour=0, minute=0)
            rows = self.env.execute_query(
                SQL(
                    """
                    SELECT resource_id, count(*) FROM payment_booking_reservation
                     WHERE resource_id = ANY(%s) AND start >= %s AND start < %s
                       AND (expires_at IS NULL OR expires_at > %s)
                     GROUP BY resource_id
                    """,
                    resource_ids,
                    day,
                    day + timedelta(days=1),
                    fields.Datetime.now(),
                )
            )
            load = dict(rows)
            return sorted(resource_ids, key=lambda rid: load.get(rid, 0))
        return resource_ids

    def _get_combinations(self, availability, start, limit=20):
        """Yield the resources to try for a start, the preferred ones first.

        :param Availability availability: one that covers the start.
        :param datetime start: naive UTC.
        """
        self.ensure_one()
        minute = slots.to_minutes(start)
        position = {}
        for free in availability.free(minute):
            for index, rid in enumerate(self._order_resources(free, start)):
                position.setdefault(rid, index)
        combinations = list(availability.combinations(minute))[:500]
        combinations.sort(key=lambda ids: tuple(position[rid] for rid in ids))
        for ids in combinations[:limit]:
            yield self.env["resource.resource"].browse(ids)

    # === FOR STAFF === #

    def _get_span(self, start):
        """Return from when until when a start keeps its resources, buffers included.

        :param datetime start: naive UTC.
        """
        self.ensure_one()
        before = timedelta(minutes=self.buffer_before or 0)
        length = timedelta(minutes=self.duration + (self.buffer_after or 0))
        return start - before, start + length

    def _get_combinations_for_staff(self, start, wanted=None, limit=20):
        """Yield the resources to try for a start outside of the offered ones.

        Hours, leaves and meetings may be passed over, never another booking.

        :param datetime start: naive UTC.
        :param resource.resource wanted: those that it must be.
        """
        groups = self._get_candidates(wanted)
        everyone = self.env["resource.resource"].union(*groups)
        reserved = self._get_reserved(everyone, *self._get_span(start), None)
        taken = {rid for rid, _left, _right in reserved}
        free = [[rid for rid in group.ids if rid not in taken] for group in groups]
        different = (ids for ids in cartesian(*free) if len(set(ids)) == len(ids))
        for ids in islice(different, limit):
            yield self.env["resource.resource"].browse(ids)

    def _get_start_warnings(self, start, wanted=None, seats=1, booking=None):
        """Return what speaks against a start, as short texts for staff.

        Nothing of it forbids the start, but for another booking: that one is refused
        when the time is taken.

        :param datetime start: naive UTC.
        :param resource.resource wanted: those that it must be.
        :param int seats: how many places.
        :param payment.booking booking: one whose own time counts as free (a move).
        :rtype: list
        """
        self.ensure_one()
        service = self.sudo()  # plain users read no calendars; they read these texts
        until = start + timedelta(minutes=1)
        now = fields.Datetime.now()
        earliest, latest = service._get_booking_window(start)
        warnings = []
        if start < now:
            warnings.append(self.env._("This time is in the past."))
        elif start < earliest:
            warnings.append(self.env._("It is too soon for clients to book online."))
        elif start > latest:
            warnings.append(self.env._("It is too far ahead for clients to book."))
        if start < now:
            return warnings + service._get_busy_warnings(start, wanted, booking)
        availability = service._get_availability(
            start, until, wanted, seats, booking=booking, any_time=True
        )
        if slots.to_minutes(start) in availability.starts and not start.second:
            return warnings
        busy = service._get_busy_warnings(start, wanted, booking)
        if not busy and service._is_within_hours(start, wanted):
            busy = [
                self.env._(
                    "Clients can only start every %(step)s minutes.", step=self.step
                )
            ]
        elif not busy:
            busy = [self.env._("It is outside of the working hours.")]
        return warnings + busy

    def _get_busy_warnings(self, start, wanted, booking):
        """Return who is taken at a start, by what, if nobody is left in a group."""
        texts = []
        span = self._get_span(start)
        for group in self._get_candidates(wanted):
            reasons = {
                "booking": self._get_reserved(group, *span, booking),
                "leave": self._get_leaves(group, *span),
                "meeting": self._get_meetings(group, *span, booking),
            }
            free = set(group.ids)
            found = []
            for reason, rows in reasons.items():
                taken = {
                    rid
                    for rid, left, right in rows
                    if left < span[1] and right > span[0]
                } & free
                if taken:
                    people = group.filtered(lambda r, ids=taken: r.id in ids)
                    names = ", ".join(people.mapped("name"))
                    found.append(self._get_busy_text(reason, names))
                free -= taken
            if not free:
                texts += found
        return texts

    def _get_busy_text(self, reason, names):
        """Return why people or rooms are taken, in words."""
        if reason == "booking":
            return self.env._("%(names)s: there is another booking.", names=names)
        if reason == "leave":
            return self.env._("%(names)s: time off.", names=names)
        return self.env._("%(names)s: a meeting in the calendar.", names=names)

    def _is_within_hours(self, start, wanted):
        """Tell whether the service and one resource of each group work at a start."""
        left = slots.to_minutes(start)
        right = left + self.duration
        groups = self._get_candidates(wanted)
        everyone = self.env["resource.resource"].union(*groups)
        hours = self._get_hours(everyone, start, start + timedelta(minutes=1))

        def is_open(key):
            return any(a <= left and right <= b for a, b in hours[key][0])

        return (None not in hours or is_open(None)) and all(
            any(is_open(resource.id) for resource in group) for group in groups
        )
