"""A small business that the tests of this addon share; other addons may use it too."""

from datetime import datetime, timedelta

import pytz

from odoo.fields import Command

from odoo.addons.account_payment.tests.common import AccountPaymentCommon

# A Monday morning in winter, Brussels time (UTC+1): tests freeze their clock here.
NOW = "2026-03-02 07:00:00"


class BookingCommon(AccountPaymentCommon):
    """A studio in Brussels: open Monday to Friday 9:00 to 17:00, two people, one room.

    The company is that of `AccountTestInvoicingCommon` (USD). Its only provider is the
    dummy one of `PaymentCommon`, enabled and published: payment can be required.
    """

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
        cls.provider.write({"state": "enabled", "is_published": True})
        cls.anna = cls._create_resource("Anna")
        cls.ben = cls._create_resource("Ben")
        cls.room = cls._create_resource("Room", resource_type="material")
        cls.people = cls._create_group("People", cls.anna + cls.ben)
        cls.rooms = cls._create_group("Rooms", cls.room)
        cls.service = cls._create_service("Haircut")

    # === CREATING === #

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
                    "reference": f"{booking.name}-{len(booking.allocation_ids)}",
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
