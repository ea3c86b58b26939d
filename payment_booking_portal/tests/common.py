"""A small business that the tests of this addon share; other addons may use it too."""

from datetime import datetime, timedelta

import pytz

from odoo import fields
from odoo.fields import Command

from odoo.addons.payment.tests.common import PaymentCommon

# A Monday morning in winter, Brussels time (UTC+1): tests freeze their clock here.
NOW = "2026-03-02 07:00:00"


class BookingCommon(PaymentCommon):
    """A studio in Brussels: open Monday to Friday 9:00 to 17:00, two people, one room.

    The company is the main one of the database (USD), with the chart of accounts that
    Odoo gave it; `AccountPaymentCommon` makes one for each class, which takes seconds.
    Its only usable provider is the dummy one of `PaymentCommon`, enabled and published:
    payment can be required.
    """

    # To create a user takes as long as a test: a class says which ones it needs.
    needs_internal_user = False
    needs_portal_user = False

    @classmethod
    def setup_independent_user(cls):
        """Override of `base` to act as a person with rights on the books."""
        user = cls.env.ref("base.user_admin")
        groups = ("account.group_account_manager", "account.group_account_user")
        user.group_ids = [Command.link(cls.env.ref(group).id) for group in groups]
        return user

    @classmethod
    def _create_new_internal_user(cls, **kwargs):
        if not cls.needs_internal_user:
            return cls.env["res.users"]
        return super()._create_new_internal_user(**kwargs)

    @classmethod
    def _create_new_portal_user(cls, **kwargs):
        if not cls.needs_portal_user:
            return cls.env["res.users"]
        return super()._create_new_portal_user(**kwargs)

    @classmethod
    def setup_main_company(cls, currency_code="USD"):
        """Override of `base` to have a chart of accounts, whatever the database."""
        if not cls.env.company.chart_template:
            cls._load_chart(cls.env.company)
        return super().setup_main_company(currency_code)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # Clocks are not frozen yet: keep what is created in the past of every test.
        cls.tz = pytz.timezone("Europe/Brussels")
        cls.env.user.write(
            {
                "tz": "Europe/Brussels",
                "group_ids": [
                    Command.link(cls.env.ref("payment_booking_portal.group_manager").id)
                ],
            }
        )
        cls.calendar = cls._create_calendar("Studio hours", range(5), 9, 17)
        cls.company.resource_calendar_id = cls.calendar
        cls._give_journal(cls.provider)
        cls.provider.write({"state": "enabled", "is_published": True})
        cls.anna = cls._create_resource("Anna")
        cls.ben = cls._create_resource("Ben")
        cls.room = cls._create_resource("Room", resource_type="material")
        cls.people = cls._create_group("People", cls.anna + cls.ben)
        cls.rooms = cls._create_group("Rooms", cls.room)
        cls.service = cls._create_service("Haircut")

    def setUp(self):
        # Money is booked here: let `account_payment` post-process transactions.
        self.enable_post_process_patcher = False
        super().setUp()

    # === CREATING === #

    @classmethod
    def _load_chart(cls, company):
        cls.env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
        company.account_fiscal_country_id = company.account_fiscal_country_id or (
            cls.env.ref("base.us")
        )

    @classmethod
    def _give_journal(cls, provider):
        """Let payments of a provider without code of its own be booked at the bank."""
        cls.env["account.payment.method"].sudo().create(
            {"name": "Dummy", "code": provider.code, "payment_type": "inbound"}
        )
        provider.journal_id = cls.env["account.journal"].search(
            [("type", "=", "bank"), ("company_id", "=", provider.company_id.id)],
            limit=1,
        )

    @classmethod
    def _create_other_company(cls):
        company = cls._create_company(name="Other company")
        cls._load_chart(company)
        return company

    @classmethod
    def _create_invoice(cls, amounts, **values):
        """Return a draft invoice of `cls.partner`, one line without tax per amount."""
        return cls.env["account.move"].create(
            {
                "move_type": "out_invoice",
                "partner_id": cls.partner.id,
                "invoice_date": fields.Date.to_date("2026-03-01"),
                "invoice_line_ids": [
                    Command.create(
                        {"name": "Line", "price_unit": amount, "tax_ids": False}
                    )
                    for amount in amounts
                ],
                **values,
            }
        )

    @classmethod
    def _create_calendar(cls, name, days, hour_from, hour_to, tz="Europe/Brussels"):
        return cls.env["resource.calendar"].create(
            {
                "name": name,
                "tz": tz,
                "company_id": cls.company.id,
                "attendance_ids": [Command.clear()]
                + [
                    Command.create(
                        {
                            "name": f"Day {day}",
                            "dayofweek": str(day),
                            "hour_from": hour_from,
                            "hour_to": hour_to,
                            "day_period": "morning",
                        }
                    )
                    for day in days
                ],
            }
        )

    @classmethod
    def _create_resource(cls, name, **values):
        return cls.env["resource.resource"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "calendar_id": cls.calendar.id,
                "tz": "Europe/Brussels",
                **values,
            }
        )

    @classmethod
    def _create_group(cls, name, resources):
        return cls.env["product.booking.resource.group"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "resource_ids": [Command.set(resources.ids)],
            }
        )

    @classmethod
    def _create_service(cls, name, **values):
        """Return a service of one hour, 60 USD without tax, payment required."""
        service = cls.env["payment.booking.service"].create(
            {
                "name": name,
                "company_id": cls.company.id,
                "duration": 60,
                "step": 30,
                "notice_hours": 0,
                "price": 60.0,
                "fee_policy": "required",
                "calendar_id": cls.calendar.id,
                "group_ids": [Command.set(cls.people.ids)],
                "assignment": "fixed",
                **values,
            }
        )
        service.product_id.taxes_id = False
        return service

    # === TIME === #

    @classmethod
    def _utc(cls, local, tz=None):
        """Return the naive UTC datetime of a local time such as `2026-03-03 09:00`."""
        zone = pytz.timezone(tz) if tz else cls.tz
        moment = zone.localize(datetime.strptime(local, "%Y-%m-%d %H:%M"))
        return moment.astimezone(pytz.utc).replace(tzinfo=None)

    def _labels(self, service, day, days=1, tz=None, **kwargs):
        """Return the free starts of local days, as `09:30`; with the day if several."""
        zone = pytz.timezone(tz) if tz else self.tz
        start = self._utc(f"{day} 00:00", tz)
        stop = self._utc(
            f"{datetime.fromisoformat(day).date() + timedelta(days=days)} 00:00", tz
        )
        pattern = "%H:%M" if days == 1 else "%d %H:%M"
        return [
            pytz.utc.localize(slot).astimezone(zone).strftime(pattern)
            for slot in service._get_slots(start, stop, **kwargs)
        ]

    # === BOOKING AND PAYING === #

    def _place(self, service=None, local="2026-03-03 09:00", **kwargs):
        """Place a booking as a guest would, and return it sudoed."""
        kwargs.setdefault("visitor_key", f"visitor {local} {id(kwargs)}")
        return self.env["payment.booking"]._place(
            service or self.service,
            self._utc(local),
            {"guest_name": "Zoé Client", "guest_email": "zoe@example.com"},
            **kwargs,
        )

    def _start_payment(self, booking, **values):
        """Return a new transaction of what is due, made as the pay page does."""
        prepared = booking._prepare_payment_values("test")
        prepared.pop("reference_prefix")
        tx = (
            self.env["payment.transaction"]
            .sudo()
            .create(
                {
                    "provider_id": self.provider.id,
                    "payment_method_id": self.payment_method_id,
                    "operation": "online_redirect",
                    "reference": f"{booking.name}-{len(booking._get_allocations())}",
                    **prepared.pop("custom_create_values"),
                    **prepared,
                    **values,
                }
            )
        )
        booking._on_payment_started(tx)
        return tx

    def _pay(self, booking, **values):
        """Pay a booking in full, post-process it and return the transaction."""
        tx = self._start_payment(booking, **values)
        tx._set_done()
        tx._post_process()
        return tx
