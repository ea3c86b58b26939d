from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW, BookingCommon

# One red pixel.
LOGO = (
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk"
    b"YPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)
KEYS = ["business", "hours", "mail", "provider", "service", "trial", "share"]


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSetupStep(BookingCommon):
    """What is ticked, for whom, and on what the app opens."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.administrator = cls._create_colleague(
            "administrator", f"{group}manager,base.group_system", name="Ada Minh"
        )
        # A fresh company, and a manager of nothing else.
        cls.fresh = cls._create_other_company()
        cls.fresh.resource_calendar_id.tz = "UTC"
        cls.env["payment.provider"].search([("company_id", "=", cls.fresh.id)]).write(
            {"state": "disabled", "is_published": False}
        )
        cls.fresh_manager = cls._create_colleague(
            "fresh", f"{group}manager", company=cls.fresh
        )

    @classmethod
    def _create_colleague(cls, key, groups, company=None, **values):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=f"pbp_setup_{key}",
            groups=groups,
            tz="Europe/Brussels",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
            **values,
        )

    def _step(self, key, user=None):
        """Return a step as a user, the manager of the fresh company by default."""
        self.env.invalidate_all()
        step = self.env.ref(f"payment_booking_portal.setup_step_{key}")
        return step.with_user(user or self.fresh_manager)

    def _open(self, key, user=None):
        return self._step(key, user).action_open()

    def _create_fresh_service(self, **values):
        return self._create_service(
            "Massage",
            company_id=self.fresh.id,
            calendar_id=self.fresh.resource_calendar_id.id,
            group_ids=False,
            fee_policy="on_site",
            **values,
        )

    def _book(self, service, local="2026-03-03 10:00", user=None):
        """Book as the page does for somebody who looks at it."""
        bookings = self.env["payment.booking"].with_user(user or self.public_user)
        return bookings.sudo()._place(  # sudo: as the page does
            service, self._utc(local), {"guest_name": "Zoé"}, visitor_key=local
        )

    def _finish(self):
        """Do all that is to do in the fresh company."""
        company = self.fresh
        company.write(
            {
                "logo": LOGO,
                "street": "Rue Haute 1",
                "city": "Brussels",
                "phone": "+32 2 555 01 01",
                "booking_mail_result": "sent",
                "booking_mail_tested_at": NOW,
                "booking_mail_server": company._get_booking_mail_server()[1],
            }
        )
        company.resource_calendar_id.tz = "Europe/Brussels"
        self._use_provider()
        service = self._create_fresh_service()
        self._book(service)

    def _use_provider(self):
        provider = self.provider.copy(
            {"company_id": self.fresh.id, "state": "enabled", "is_published": True}
        )
        provider.payment_method_ids = self.provider.payment_method_ids
        return provider

    # === ALL STEPS === #

    def test_steps_in_order(self):
        steps = self.env["payment.setup.step"].with_user(self.fresh_manager)
        steps = steps.search([])
        self.assertEqual(steps.mapped("key"), KEYS)
        self.assertFalse(any(steps.mapped("is_done")))
        self.assertTrue(all(steps.mapped("hint")))
        self.assertEqual(steps.filtered("is_next").key, "business")

    def test_next_is_the_first_that_one_can_do(self):
        self._finish()
        self.env["payment.provider"].search(
            [("company_id", "=", self.fresh.id)]
        ).is_published = False
        self.fresh.booking_mail_result = False
        self.assertTrue(self._step("mail").is_next)
        self.fresh.booking_mail_result = "sent"
        self.env.invalidate_all()
        steps = self.env["payment.setup.step"].with_user(self.fresh_manager).search([])
        self.assertEqual(steps.filtered(lambda s: not s.is_done).key, "provider")
        self.assertFalse(steps.filtered("is_next"), "an administrator has to")

    def test_company_by_company(self):
        self._finish()
        both = self.fresh_manager
        both.company_ids += self.company
        steps = self.env["payment.setup.step"].with_user(both).search([])
        self.assertTrue(all(steps.with_company(self.fresh).mapped("is_done")))
        # Both are looked at, the other one is current.
        elsewhere = steps.with_context(
            allowed_company_ids=[self.company.id, self.fresh.id]
        )
        for key in ("business", "mail", "trial", "share"):
            with self.subTest(key):
                step = elsewhere.filtered(lambda s, key=key: s.key == key)
                self.assertFalse(step.is_done)

    def test_few_queries(self):
        self._finish()
        service = self._create_fresh_service()
        for hour in range(11, 17):
            self._book(service.copy(), f"2026-03-03 {hour}:00")
        steps = self.env["payment.setup.step"].with_user(self.fresh_manager)
        fields_read = ["name", "is_done", "hint", "can_open", "is_next"]
        steps.search([]).read(fields_read)  # groups and translations are cached now
        self.env.flush_all()
        self.env.invalidate_all()
        with self.assertQueryCount(40):
            steps.search([]).read(fields_read)

    # === EACH STEP === #

    def test_business(self):
        company = self.fresh
        company.write({"phone": False, "email": False, "street": False})
        self.assertFalse(self._step("business").is_done)
        for word in ("logo", "address", "phone"):
            self.assertIn(word, self._step("business").hint)
        company.write({"street": "Rue Haute 1", "city": "Brussels"})
        self.assertNotIn("address", self._step("business").hint)
        company.phone = "+32 2 555 01 01"
        self.assertEqual(self._step("business").hint, "Missing: logo.")
        company.logo = LOGO
        self.assertTrue(self._step("business").is_done)
        company.name = "YourCompany"
        self.assertEqual(self._step("business").hint, "Missing: name.")
        action = self._open("business")
        self.assertEqual(action["res_model"], "payment.booking.business")
        self.assertEqual(action["target"], "new")

    def test_hours(self):
        calendar = self.fresh.resource_calendar_id
        self.assertFalse(self._step("hours").is_done)
        calendar.tz = "Europe/Brussels"
        self.assertTrue(self._step("hours").is_done)
        self.assertIn("5 days", self._step("hours").hint)
        calendar.attendance_ids.unlink()
        self.assertFalse(self._step("hours").is_done)
        self.assertEqual(self._open("hours")["context"], {"default_part": "hours"})

    def test_provider(self):
        step = self._step("provider")
        self.assertFalse(step.is_done)
        self.assertFalse(step.can_open)
        self.assertIn("Ask", step.hint)
        provider = self._use_provider()
        self.assertTrue(self._step("provider").is_done)
        provider.is_published = False
        self.assertFalse(self._step("provider").is_done)
        self.assertIn("not published", self._step("provider").hint)

    def test_provider_in_test_mode(self):
        provider = self._use_provider()
        provider.write({"state": "test", "is_published": False})
        self.assertFalse(self._step("provider").is_done)
        self.assertIn("test mode", self._step("provider").hint)
        self.fresh.booking_accept_test_payments = True
        self.assertTrue(self._step("provider").is_done)
        self.assertIn("test money", self._step("provider").hint)

    def test_who_connects_a_provider(self):
        self.administrator.company_ids += self.fresh
        self.assertIn("Ada Minh", self._step("provider").hint)
        with self.assertRaises(AccessError):
            self._open("provider")
        administrator = self._step("provider", self.administrator)
        administrator = administrator.with_company(self.fresh)
        self.assertTrue(administrator.can_open)
        self.assertNotIn("Ada Minh", administrator.hint)
        action = administrator.action_open()
        self.assertEqual(action["res_model"], "payment.provider")
        provider = self._use_provider()
        provider.is_published = False
        action = administrator.action_open()
        self.assertEqual(action["res_id"], provider.id)

    def test_provider_with_an_onboarding_is_proposed(self):
        self.fresh.country_id = self.env.ref("base.be")
        self.administrator.company_ids += self.fresh
        step = self._step("provider", self.administrator).with_company(self.fresh)
        provider = self.env["payment.provider"].browse(step.action_open()["res_id"])
        self.assertEqual(provider.code, "stripe")
        self.assertEqual(provider.company_id, self.fresh)

    def test_service(self):
        action = self._open("service")
        self.assertEqual(action["views"], [(False, "form")])
        self.assertFalse(action["res_id"])
        service = self._create_fresh_service(price=0)
        step = self._step("service")
        self.assertFalse(step.is_done)
        self.assertIn("no price", step.hint)
        self.assertEqual(self._open("service")["res_id"], service.id)
        service.price = 50
        self.assertTrue(self._step("service").is_done)
        service.active = False
        self.assertFalse(self._step("service").is_done)

    def test_trial(self):
        self.assertFalse(self._step("trial").can_open)
        for key in ("trial", "share"):
            with self.assertRaises(UserError):
                self._open(key)
        service = self._create_fresh_service()
        self.assertTrue(self._step("trial").can_open)
        action = self._open("trial")
        self.assertEqual(action["url"], service._get_book_url())
        self.assertEqual(action["target"], "new")
        self.env["payment.booking"].create(
            {"service_id": service.id, "start": "2026-03-04 09:00:00"}
        )
        self.assertFalse(self._step("trial").is_done, "a draft is no booking")
        self._book(service)
        self.assertTrue(self._step("trial").is_done)

    def test_share_by_the_link(self):
        self.assertFalse(self._step("share").can_open)
        service = self._create_fresh_service(is_published=False)
        self.assertEqual(self._open("share")["res_id"], service.id)
        self.assertIn("Not published", self._step("share").hint)
        self.assertFalse(self.fresh.booking_shared_at, "there was nothing to share")
        service.is_published = True
        self.assertFalse(self._step("share").is_done)
        self._open("share")
        self.assertTrue(self._step("share").is_done)
        service.is_published = False
        self.assertFalse(self._step("share").is_done)

    def test_share_by_a_client(self):
        service = self._create_fresh_service()
        self._book(service, user=self.fresh_manager)
        self.assertFalse(self._step("share").is_done, "a colleague's own try")
        self._book(service, "2026-03-04 10:00")
        self.assertTrue(self._step("share").is_done)

    # === START === #

    def _start(self, user):
        self.env.invalidate_all()
        action = self.env.ref("payment_booking_portal.action_open_app")
        return action.with_user(user).run()["xml_id"]

    def test_app_opens_on_the_steps_until_all_are_done(self):
        start = "payment_booking_portal.payment_setup_step_action"
        self.assertEqual(self._start(self.fresh_manager), start)
        self._finish()
        today = self.env["payment.setup.step"]._get_today_action()["xml_id"]
        self.assertIn("payment_booking_action", today)
        self.assertEqual(self._start(self.fresh_manager), today)
        self.fresh.booking_mail_result = "unreachable"
        self.assertEqual(self._start(self.fresh_manager), start)

    def test_reception_goes_to_the_bookings(self):
        today = self.env["payment.setup.step"]._get_today_action()["xml_id"]
        self.assertEqual(self._start(self.user), today)

    def test_app_is_for_our_users(self):
        stranger = self._create_colleague("stranger", "base.group_user")
        with self.assertRaises(AccessError):
            self._start(stranger)

    # === RIGHTS === #

    def test_steps_are_for_managers(self):
        step = self._step("business", self.user)
        with self.assertRaises(AccessError):
            step.read(["hint"])
        with self.assertRaises(AccessError):
            step.action_open()

    def test_steps_are_not_ticked_by_hand(self):
        step = self._step("business")
        with self.assertRaises(AccessError):
            step.write({"is_done": True})
        with self.assertRaises(AccessError):
            step.unlink()

    # === EMPTY STATES === #

    def test_every_list_says_what_belongs_there(self):
        records = self.env["ir.model.data"].search(
            [
                ("module", "=", "payment_booking_portal"),
                ("model", "=", "ir.actions.act_window"),
            ]
        )
        actions = self.env["ir.actions.act_window"].browse(records.mapped("res_id"))
        lists = actions.filtered(
            lambda action: action.view_mode != "form"
            and action.res_model not in ("payment.setup.step", "res.config.settings")
        )
        self.assertTrue(lists)
        for action in lists:
            with self.subTest(action.xml_id):
                self.assertIn("o_view_nocontent", action.help or "")
                self.assertIn("<p>", action.help, "how to make the first one")
