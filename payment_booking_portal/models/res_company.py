from odoo import api, fields, models


class ResCompany(models.Model):
    _inherit = "res.company"

    booking_currency_ids = fields.Many2many(
        "res.currency",
        "res_company_booking_currency_rel",
        string="Accepted Currencies",
        help="Clients may pay in these currencies. Your own is always accepted.",
    )
    booking_accept_test_payments = fields.Boolean(
        string="Accept Test Payments",
        help="Payments of the demo provider and of providers in test mode count as "
        "money. Leave this off for real business.",
    )
    booking_pay_later_online = fields.Boolean(
        string="Clients May Pay On-Site Bookings Online",
        default=True,
        help="Offer a Pay button for bookings that are paid at the appointment.",
    )
    booking_transfer_days = fields.Integer(
        string="Bank Transfer Deadline (days)",
        default=3,
        help="How long a booking is held for a bank transfer.",
    )
    booking_transfer_min_days = fields.Integer(
        string="Bank Transfer at Least (days before)",
        default=5,
        help="Bank transfer is not offered when the appointment is nearer than this.",
    )
    booking_late_hours = fields.Integer(
        string="Hold Unanswered Payments (hours)",
        default=24,
        help="A hold whose payment the provider gives no answer for is released after "
        "this long, and staff is told.",
    )

    @api.model_create_multi
    def create(self, vals_list):
        companies = super().create(vals_list)
        companies._ensure_booking_pricelists()
        return companies

    def write(self, vals):
        result = super().write(vals)
        if {"booking_currency_ids", "currency_id"} & vals.keys():
            self._ensure_booking_pricelists()
        return result

    # === CURRENCIES === #

    def _get_booking_currencies(self):
        """Return the currencies that clients may pay in, the company's own first.

        :rtype: res.currency
        """
        self.ensure_one()
        accepted = self.booking_currency_ids.filtered("active") - self.currency_id
        return self.currency_id + accepted

    def _has_currency_rate(self, currency):
        """Tell whether Odoo can convert between the company's currency and another.

        Without a rate Odoo converts at 1:1 (`res.currency._get_rates`), which is never
        what a price should do.

        :param res.currency currency: the other currency.
        """
        self.ensure_one()
        return currency == self.currency_id or bool(
            self.env["res.currency.rate"]
            .sudo()  # rates are not readable by the public
            .search_count(
                [
                    ("currency_id", "=", currency.id),
                    ("company_id", "in", (False, self.root_id.id)),
                    ("name", "<=", fields.Date.context_today(self)),
                ],
                limit=1,
            )
        )

    def _get_booking_currencies_without_rate(self):
        """Return the accepted currencies that only explicit prices can be shown in."""
        self.ensure_one()
        return self._get_booking_currencies().filtered(
            lambda currency: not self._has_currency_rate(currency)
        )

    def _get_booking_pricelist(self, currency):
        """Return the pricelist that holds the prices of services in a currency.

        :param res.currency currency: one of the accepted currencies.
        :return: the pricelist, sudoed; made if there is none yet.
        :rtype: product.pricelist
        """
        self.ensure_one()
        Pricelist = self.env["product.pricelist"].sudo()  # clients may not read them
        domain = [
            ("is_booking_pricelist", "=", True),
            ("company_id", "=", self.id),
            ("currency_id", "=", currency.id),
        ]
        return Pricelist.search(domain, limit=1) or Pricelist.create(
            {
                "name": self.env._("Online booking (%(code)s)", code=currency.name),
                "is_booking_pricelist": True,
                "company_id": self.id,
                "currency_id": currency.id,
            }
        )

    def _ensure_booking_pricelists(self):
        """Make the pricelist of every accepted currency."""
        for company in self:
            for currency in company._get_booking_currencies():
                company._get_booking_pricelist(currency)

    # === WORDS FOR CLIENTS === #

    def _get_booking_tz(self):
        """Return the name of the business's time zone."""
        self.ensure_one()
        return (
            self.resource_calendar_id.tz
            or self.partner_id.tz
            or self.env.ref("base.user_admin").sudo().tz  # the installer's own zone
            or "UTC"
        )

    def _get_booking_contact(self):
        """Return how a client reaches the business: phone and e-mail, if known."""
        self.ensure_one()
        company_sudo = self.sudo()  # guests may not read companies
        return {"phone": company_sudo.phone, "email": company_sudo.email}
