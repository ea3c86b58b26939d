from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW
from .test_payable import PayableCommon

READ, WRITE = "r---", "rwcd"
NONE = "----"
# Rights by model: user, manager, billing, administrator, client, guest.
TABLE = {
    "payment.booking": (WRITE, WRITE, READ, WRITE, READ, NONE),
    "payment.booking.service": (READ, WRITE, READ, WRITE, NONE, NONE),
    "product.booking.resource.group": (READ, WRITE, READ, WRITE, NONE, NONE),
    "payment.request": (WRITE, WRITE, READ, WRITE, READ, NONE),
    "payment.request.line": (WRITE, WRITE, READ, WRITE, NONE, NONE),
    "payment.request.record": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.invoice.record": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.received": (READ, READ, READ, READ, NONE, NONE),
    "payment.due": (READ, READ, READ, READ, READ, NONE),
    "payment.booking.invoice": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.same.person": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.booking.session": (WRITE, WRITE, READ, WRITE, NONE, NONE),
    "payment.booking.seat": (READ, READ, NONE, READ, NONE, NONE),
    "payment.booking.reservation": (NONE, NONE, NONE, NONE, NONE, NONE),
    "payment.transaction.allocation": (READ, READ, READ, READ, NONE, NONE),
    "payment.document.event": (READ, READ, READ, READ, NONE, NONE),
    "payment.access.link": (NONE, NONE, NONE, READ, NONE, NONE),
    "payment.direct.link": (READ, WRITE, NONE, WRITE, NONE, NONE),
    "payment.direct.link.line": (READ, WRITE, NONE, WRITE, NONE, NONE),
    "payment.direct.link.price": (READ, WRITE, NONE, WRITE, NONE, NONE),
    "payment.widget": (READ, WRITE, NONE, WRITE, NONE, NONE),
    "payment.direct.link.visit": (NONE, NONE, NONE, NONE, NONE, NONE),
    "payment.booking.confirm": (NONE, "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.setup.step": (NONE, READ, NONE, READ, NONE, NONE),
    "payment.booking.business": (NONE, WRITE, NONE, WRITE, NONE, NONE),
    "payment.booking.business.hour": (NONE, WRITE, NONE, WRITE, NONE, NONE),
    "payment.booking.mail.test": (NONE, "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.booking.share": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.booking.session.add": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.booking.session.add.line": (WRITE, WRITE, NONE, WRITE, NONE, NONE),
    "payment.booking.session.change": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
    "payment.booking.session.plan": ("rwc-", "rwc-", NONE, "rwc-", NONE, NONE),
}


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRights(PayableCommon):
    """Each kind of user, with nothing but its own group."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.billing = cls._create_colleague(
            "billing", "base.group_user,account.group_account_invoice"
        )
        cls.administrator = cls._create_colleague(
            "administrator", f"{group}manager,base.group_system"
        )
        cls.other_client = new_test_user(
            cls.env, login="pbp_other_client", groups="base.group_portal"
        )
        cls.everybody = (
            cls.user,
            cls.manager,
            cls.billing,
            cls.administrator,
            cls.portal_user,
            cls.public_user.sudo(),
        )

    @classmethod
    def _create_colleague(cls, name, groups):
        return new_test_user(
            cls.env,
            login=f"pbp_{name}",
            groups=groups,
            tz="Europe/Brussels",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _as(self, user, record):
        return record.with_user(user).sudo(False)

    # === THE TABLE === #

    def test_table_of_rights(self):
        operations = zip("rwcd", ("read", "write", "create", "unlink"), strict=True)
        for letter, operation in operations:
            for model, row in TABLE.items():
                for user, rights in zip(self.everybody, row, strict=True):
                    with self.subTest(model, user=user.login, operation=operation):
                        self.assertEqual(
                            self._as(user, self.env[model]).has_access(operation),
                            letter in rights,
                        )

    def test_models_of_odoo(self):
        for model, who, operations in (
            ("res.partner", self.user, "read write create"),
            ("resource.resource", self.manager, "read write create unlink"),
            ("resource.calendar", self.manager, "read write create unlink"),
            ("resource.calendar.attendance", self.manager, "read write create unlink"),
            ("resource.calendar.leaves", self.manager, "read write create unlink"),
            ("product.template", self.manager, "read write create"),
            ("product.product", self.manager, "read write create"),
            ("account.move", self.billing, "read write create"),
        ):
            for operation in operations.split():
                with self.subTest(model, user=who.login, operation=operation):
                    self.assertTrue(
                        self._as(who, self.env[model]).has_access(operation)
                    )
        for model, who, operations in (
            ("res.partner", self.user, "unlink"),
            ("resource.resource", self.user, "write create unlink"),
            ("resource.calendar", self.user, "write create unlink"),
            ("product.template", self.user, "write create unlink"),
            ("product.pricelist.item", self.user, "write create unlink"),
            ("account.move", self.user, "read write create unlink"),
            ("account.payment", self.user, "read write create unlink"),
            ("payment.transaction", self.user, "read write create unlink"),
            ("payment.provider", self.user, "read write create unlink"),
            ("payment.provider", self.manager, "write create unlink"),
            ("account.move", self.manager, "write create unlink"),
            ("payment.transaction", self.manager, "write create unlink"),
            ("res.company", self.manager, "write create unlink"),
            ("ir.config_parameter", self.manager, "read write create unlink"),
        ):
            for operation in operations.split():
                with self.subTest(model, user=who.login, operation=operation):
                    self.assertFalse(
                        self._as(who, self.env[model]).has_access(operation)
                    )

    # === CLIENTS === #

    def test_client_reads_their_own_bookings_only(self):
        own = self._place(partner=self.portal_user.partner_id)
        guest = self._place(local="2026-03-04 09:00")
        theirs = self._place(
            local="2026-03-05 09:00", partner=self.other_client.partner_id
        )
        Booking = self._as(self.portal_user, self.env["payment.booking"])
        self.assertEqual(Booking.search([]), own)
        self.assertEqual(self._as(self.portal_user, own).amount_total, 60.0)
        for booking in (guest, theirs):
            with self.assertRaises(AccessError):
                self._as(self.portal_user, booking).read(["name"])
        for user in (self.portal_user, self.user, self.manager):
            for name in ("visitor_key", "request_key"):
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    self._as(user, own).read([name])

    def test_guest_reads_nothing(self):
        booking = self._place()
        for record in (booking, self.service, self.people):
            with self.assertRaises(AccessError):
                self._as(self.public_user, record).read(["name"])

    # === COLLEAGUES === #

    def test_user_books_for_a_new_client(self):
        client = self._as(self.user, self.env["res.partner"]).create(
            {"name": "Léa", "email": "lea@example.com"}
        )
        with Form(self._as(self.user, self.env["payment.booking"])) as form:
            form.service_id = self._as(self.user, self.service)
            form.partner_id = client
            form.start = "2026-03-03 08:00:00"
        booking = form.record
        booking.action_place()
        self.assertEqual(booking.state, "hold")
        self.assertEqual(booking.amount_total, 60.0)
        booking.action_cancel()
        self.assertEqual(booking.state, "cancelled")

    def test_user_reads_a_paid_booking_whole(self):
        booking = self._place()
        self._pay(booking)
        for user in (self.user, self.manager, self.billing):
            with self.subTest(user.login):
                self.env.invalidate_all()
                record = self._as(user, booking)
                with Form(record) as form:
                    self.assertEqual(form.state, "confirmed")
                self.assertEqual(record.payment_coverage, "paid")
                self.assertTrue(record.display_name)
                record.search_read([("payment_coverage", "=", "paid")], ["name"])

    def test_user_notes_who_came(self):
        booking = self._place(self._create_service("Cut", fee_policy="on_site"))
        self._as(self.user, booking).action_attended()
        self.assertEqual(booking.attendance, "attended")

    def test_user_changes_no_service(self):
        with self.assertRaises(AccessError):
            self._as(self.user, self.service).price = 1.0
        with self.assertRaises(AccessError):
            self._as(self.user, self.service).fee_policy = "free"
        with self.assertRaises(AccessError):
            self._as(self.user, self.env["payment.booking.service"]).create(
                {"name": "Mine"}
            )

    def test_billing_only_reads(self):
        booking = self._place()
        record = self._as(self.billing, booking)
        self.assertEqual(record.name, booking.name)
        for action in (
            "action_place",
            "action_cancel",
            "action_attended",
            "action_no_show",
            "action_attention_done",
        ):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(record, action)()
        with self.assertRaises(AccessError):
            record.action_confirm_anyway("because")
        self.assertEqual(booking.state, "hold")
        with self.assertRaises(AccessError):
            record.unlink()

    def test_placed_booking_is_not_deleted(self):
        booking = self._place()
        for user in (self.user, self.manager, self.administrator):
            with self.assertRaises(UserError):
                self._as(user, booking).unlink()
        booking._drop_hold()
        self._as(self.user, booking).unlink()
        self.assertFalse(booking.exists())

    # === MANAGERS === #

    def test_first_service_of_a_manager(self):
        Service = self._as(self.manager, self.env["payment.booking.service"])
        with Form(Service) as form:
            form.name = "Massage"
            form.duration = 45
            form.price = 80.0
        service = form.record
        self.assertFalse(service.closed_reason)
        self.assertEqual(service.price, 80.0)
        self.assertEqual(service.fee_policy, "required", "a provider can take it")
        self.assertEqual(service.group_ids.resource_ids.user_id, self.manager)
        service.notice_hours = 0
        service.product_id.taxes_id = False
        booking = self._place(service.sudo())
        self.assertEqual(booking.amount_total, 80.0)
        self._pay(booking)
        self.assertEqual(booking.event_ids.user_id, self.manager)

    def test_manager_opens_a_room(self):
        calendar = self._as(self.manager, self.env["resource.calendar"]).create(
            {"name": "Evenings", "company_id": self.company.id}
        )
        room = self._as(self.manager, self.env["resource.resource"]).create(
            {
                "name": "Attic",
                "resource_type": "material",
                "calendar_id": calendar.id,
                "company_id": self.company.id,
            }
        )
        group = self._as(
            self.manager, self.env["product.booking.resource.group"]
        ).create({"name": "Attics", "resource_ids": [Command.set(room.ids)]})
        service = self._as(self.manager, self.service)
        service.group_ids = [Command.link(group.id)]
        self._as(self.manager, self.env["resource.calendar.leaves"]).create(
            {
                "name": "Works",
                "resource_id": room.id,
                "calendar_id": calendar.id,
                "date_from": "2026-03-03 00:00:00",
                "date_to": "2026-03-03 23:00:00",
            }
        )
        self.assertEqual(self._labels(self.service, "2026-03-03"), [])
        self.assertTrue(self._labels(self.service, "2026-03-04"))

    def test_manager_sets_prices_in_other_currencies(self):
        self.company.booking_currency_ids = self.currency_euro
        service = self._as(self.manager, self.service)
        service.price_ids = [
            Command.create(
                {"booking_currency_id": self.currency_euro.id, "booking_price": 55.0}
            )
        ]
        self.assertEqual(service._get_price_in(self.currency_euro), 55.0)

    def test_keys_of_providers_are_for_administrators(self):
        names = ["stripe_secret_key", "mollie_api_key"]
        for user in (self.user, self.manager, self.billing, self.portal_user):
            for name in names:
                with self.subTest(user=user.login), self.assertRaises(AccessError):
                    self._as(user, self.provider).read([name])

    def test_settings_are_for_administrators(self):
        for user in (self.user, self.manager):
            with mute_logger("odoo.models"), self.assertRaises(AccessError):
                self._as(user, self.env["res.config.settings"]).create(
                    {"booking_accept_test_payments": True}
                ).execute()
        self.assertFalse(self.company.booking_accept_test_payments)
