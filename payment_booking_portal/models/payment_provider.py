from datetime import timedelta
from urllib.parse import urlsplit

import psycopg2

from odoo import SUPERUSER_ID, api, fields, models
from odoo.fields import Domain
from odoo.http import request
from odoo.tools import SQL

# How Odoo's modules end the address that a provider notifies; a client never comes
# back to one of these.
NOTIFIED_PATHS = ("webhook", "notification")
# A notification is noted once in so many minutes.
NOTE_MINUTES = 10


class PaymentProvider(models.Model):
    _inherit = "payment.provider"

    custom_mode = fields.Selection(selection_add=[("venue", "At the venue")])
    notified_at = fields.Datetime(
        string="Last Notification",
        readonly=True,
        copy=False,
        help="When the provider last told us of a payment, to ten minutes.",
    )
    apple_pay_domain = fields.Char(
        string="Domain for Apple Pay",
        readonly=True,
        copy=False,
        help="The one that Stripe last took from here.",
    )

    @api.model
    def _is_copy_of_database(self):
        """Tell whether the database is a neutralised copy: it must not touch the money
        of the clients of the original one.
        """
        # sudo: nobody but administrators reads parameters
        parameters_sudo = self.env["ir.config_parameter"].sudo()
        return bool(parameters_sudo.get_param("database.is_neutralized"))

    # === MONEY RECEIVED BY STAFF === #

    @api.model
    def _get_venue_provider(self, company):
        """Return the provider that stands for money received by staff, sudoed.

        It is offered to nobody: `_get_compatible_providers` leaves it out.

        :param res.company company: who is paid; the provider is made if need be.
        """
        # sudo: staff reads no providers
        Provider = self.sudo().with_company(company)
        return Provider.search(
            [("custom_mode", "=", "venue"), ("company_id", "=", company.id)], limit=1
        ) or Provider.create(
            {
                "name": "Received by staff",
                "code": "custom",
                "custom_mode": "venue",
                "company_id": company.id,
                "state": "enabled",
                "is_published": False,
                "payment_method_ids": [(6, 0, self._get_venue_methods().ids)],
            }
        )

    @api.model
    def _get_venue_methods(self):
        """Return how staff may have received money, sudoed. Override to add to it."""
        names = ("cash", "terminal", "transfer", "cheque")
        return (
            self.env["payment.method"]
            .sudo()
            .union(  # staff reads no methods
                *(
                    self.env.ref(f"payment_booking_portal.payment_method_{n}")
                    for n in names
                )
            )
        )

    @api.model
    def _get_compatible_providers(self, company_id, *args, **kwargs):
        """Override of `payment` to offer nobody to pay by having paid."""
        providers = super()._get_compatible_providers(company_id, *args, **kwargs)
        return providers.filtered(lambda provider: provider.custom_mode != "venue")

    # === WHAT CLIENTS CAN PAY WITH === #

    @api.model
    def _get_usable(
        self, company, currency, amount, *, partner=None, required=False, start=None,
        report=None,
    ):  # fmt: skip
        """Return the providers and methods that a client could pay with right now.

        The one definition of a usable provider, for what is displayed, for placing a
        hold and for the pay page. It is evaluated as the public user: staff sees
        unpublished providers, clients do not, but for those in test mode while the
        company accepts test payments (Odoo unpublishes a provider set to Test).

        :param res.company company: who is paid.
        :param res.currency currency: in which currency.
        :param float amount: how much.
        :param res.partner partner: who pays, if known.
        :param bool required: whether the booking counts only once it is paid.
        :param datetime start: when the service takes place (naive UTC), if it does.
        :param dict report: see `payment.provider._get_compatible_providers`.
        :return: providers and methods, sudoed.
        :rtype: tuple
        """
        xmlid_to_id = self.env["ir.model.data"]._xmlid_to_res_id
        public = self.env["res.users"].browse(xmlid_to_id("base.public_user"))
        partner_id = partner.id if partner else xmlid_to_id("base.public_partner")
        as_guest = self.with_user(public).sudo()  # guests may not read providers
        # As staff, to see unpublished test providers; `_is_usable` drops other ones.
        viewer = as_guest
        if company.booking_accept_test_payments:
            viewer = self.with_user(SUPERUSER_ID)
        providers = (
            viewer._get_compatible_providers(
                company.id, partner_id, amount, currency_id=currency.id, report=report
            )
            .with_env(as_guest.env)
            .filtered(lambda provider: provider._is_usable(company, required, start))
        )
        methods = as_guest.env["payment.method"]._get_compatible_payment_methods(
            providers.ids, partner_id, currency_id=currency.id, report=report
        )
        return providers & methods.provider_ids, methods

    def _is_usable(self, company, required, start):
        """Tell whether a compatible provider's money comes in time, and is money.

        Override to exclude a provider of yours. See `_get_usable` for the parameters.
        """
        self.ensure_one()
        if self.state == "test":
            if not company.booking_accept_test_payments:
                return False
        elif not self.is_published:
            return False
        if required and self.capture_manually:
            return False  # an authorization is not money yet
        if start and self._is_slow():
            days = company.booking_transfer_min_days
            return start >= fields.Datetime.now() + timedelta(days=days)
        return True

    @api.model
    def _has_fast(self, company, currency, amount=None):
        """Tell whether a provider of a company can take an amount at once.

        One query, for the calendar: what can be paid with is decided by `_get_usable`.
        See there for the parameters; without an amount, one without limit is meant.
        """
        offered = Domain("state", "=", "enabled") & Domain("is_published", "=", True)
        if company.booking_accept_test_payments:
            offered |= Domain("state", "=", "test")
        unlimited = (False, 0)  # NULL where never set
        enough = Domain.OR(Domain("maximum_amount", "=", none) for none in unlimited)
        if amount is not None:
            rate_sudo = currency.sudo()  # guests read no rates
            today = fields.Date.context_today(self)
            in_company = rate_sudo._convert(amount, company.currency_id, company, today)
            enough |= Domain("maximum_amount", ">=", in_company)
        return bool(
            self.sudo().search_count(  # guests may not read providers
                enough
                & offered
                & Domain(self._check_company_domain(company))
                & Domain(
                    [
                        ("capture_manually", "=", False),
                        ("code", "not in", self._get_slow_codes()),
                        "|",
                        ("available_currency_ids", "=", False),
                        ("available_currency_ids", "in", currency.ids),
                    ]
                ),
                limit=1,
            )
        )

    @api.model
    def _get_slow_codes(self):
        """Return the codes of the providers whose money takes days. Override to add."""
        return ["custom"]

    def _is_slow(self):
        """Tell whether the money of this provider takes days."""
        self.ensure_one()
        return self.code in self._get_slow_codes()

    # === WHAT PROVIDERS TELL US === #

    def _note_notification(self):
        """Keep when providers last told us of a payment, if that is what happens now: a
        client who comes back, or a question of ours, is no notification.
        """
        path = request.httprequest.path if request else ""
        if self and path.strip("/").rpartition("/")[2] in NOTIFIED_PATHS:
            self._set_notified_at(fields.Datetime.now())

    def _set_notified_at(self, now):
        """Keep a time, unless one of a few minutes ago is there.

        Notifications come together: who cannot have the row at once leaves it to who
        has it, so that none of them waits or fails.

        :param datetime now: naive UTC.
        """
        statement = SQL(
            """
            WITH due AS (
                SELECT id FROM payment_provider
                 WHERE id IN %(ids)s
                   AND (notified_at IS NULL OR notified_at < %(before)s)
                   FOR NO KEY UPDATE SKIP LOCKED
            )
            UPDATE payment_provider
               SET notified_at = %(now)s
              FROM due
             WHERE payment_provider.id = due.id
            """,
            ids=tuple(self.ids),
            before=now - timedelta(minutes=NOTE_MINUTES),
            now=now,
        )
        try:
            with self.env.cr.savepoint(flush=False):
                self.env.cr.execute(statement, log_exceptions=False)
        except psycopg2.errors.SerializationFailure:
            return  # another one was quicker, after we had begun
        self.invalidate_recordset(["notified_at"], flush=False)

    def action_stripe_verify_apple_pay_domain(self):
        """Override of `payment_stripe` to keep which domain Stripe took."""
        self.check_access("write")
        action = super().action_stripe_verify_apple_pay_domain()
        self.apple_pay_domain = self._get_web_domain()
        return action

    def _get_web_domain(self):
        """Return the domain that clients pay at, as Stripe is told it."""
        self.ensure_one()
        return urlsplit(self.get_base_url()).netloc
