from urllib.parse import urlsplit

from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPortal(BookingHttpCommon):
    """The bookings of clients who have an account."""

    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_partner = cls.portal_user.partner_id
        cls.other_user = new_test_user(
            cls.env, login="pbp_other", groups="base.group_portal"
        )

    def setUp(self):
        super().setUp()
        self.free = self._create_service("Chat", fee_policy="free", price=0)
        self.past_service = self._create_service("Old Talk", fee_policy="free", price=0)
        with freeze_time("2026-02-20 07:00:00"):
            self.past = self._place(
                self.past_service, "2026-02-24 09:00", partner=self.client_partner
            )
        self.coming = self._place(
            self.free, "2026-03-03 09:00", partner=self.client_partner
        )
        self.off_service = self._create_service("Called Off", fee_policy="free")
        self.off = self._place(
            self.off_service, "2026-03-04 09:00", partner=self.client_partner
        )
        self.off._cancel(by_client=True)
        self.foreign_service = self._create_service("Not Yours", fee_policy="free")
        self.foreign = self._place(
            self.foreign_service,
            "2026-03-05 09:00",
            partner=self.other_user.partner_id,
        )
        self.env.flush_all()

    def _login(self, user):
        self.authenticate(user.login, user.login)

    def test_list_of_coming_and_past_bookings(self):
        self._login(self.portal_user)
        for filterby, shown, hidden in (
            ("", ("Chat",), ("Old Talk", "Called Off")),
            ("?filterby=upcoming", ("Chat",), ("Old Talk", "Called Off")),
            ("?filterby=past", ("Old Talk", "Called Off"), ("Chat",)),
            ("?filterby=garbage", ("Chat",), ("Old Talk",)),
        ):
            with self.subTest(filterby):
                page = self._get(f"/my/bookings{filterby}")
                self.assertEqual(page.status_code, 200)
                names = [
                    link.text_content().strip()
                    for link in self._parse(page).xpath("//h2/a")
                ]
                for name in shown:
                    self.assertIn(name, names)
                for name in (*hidden, "Not Yours"):
                    self.assertNotIn(name, names)

    def test_empty_list_says_what_belongs_there(self):
        newcomer = new_test_user(
            self.env, login="pbp_newcomer", groups="base.group_portal"
        )
        self._login(newcomer)
        for filterby, title in (
            ("upcoming", "You have no booking ahead"),
            ("past", "You have no past booking"),
        ):
            with self.subTest(filterby):
                page = self._get(f"/my/bookings?filterby={filterby}")
                self.assertIn(title, self._text(page))
                self.assertIn("What you book appears here", self._text(page))
                self.assertTrue(self._parse(page).xpath("//a[@href='/book']"))

    def test_booking_opens_its_page(self):
        self._login(self.portal_user)
        answer = self._get(f"/my/bookings/{self.coming.id}")
        self.assertEqual(answer.status_code, 303)
        path = urlsplit(answer.headers["Location"]).path
        self.assertEqual(path, self.coming._get_manage_url())
        self.assertEqual(self._title(self._get(path)), "You are booked")

    def test_booking_of_another_client_does_not_exist(self):
        self._login(self.portal_user)
        bodies = set()
        for number in (self.foreign.id, 999999, 2**31 - 1):
            answer = self._get(f"/my/bookings/{number}")
            self.assertEqual(answer.status_code, 404)
            bodies.add(self._text(answer).replace(str(number), ""))
        self.assertEqual(len(bodies), 1, "existing or not: the same page")
        with self.assertNoLogs(level="ERROR"):
            self.assertEqual(
                self._get("/my/bookings/99999999999999999999").status_code, 404
            )

    def test_colleague_of_the_same_company_sees_it(self):
        self.portal_user.partner_id.parent_id = self.partner
        self.other_user.partner_id.parent_id = self.partner
        self.env.flush_all()
        self._login(self.portal_user)
        self.assertEqual(self._get(f"/my/bookings/{self.foreign.id}").status_code, 303)

    def test_guest_sees_nothing(self):
        answer = self._get("/my/bookings")
        self.assertEqual(answer.status_code, 303)
        self.assertIn("/web/login", answer.headers["Location"])
        for query in ("", "?access_token=", "?access_token=x", "?access_token=%00"):
            with self.subTest(query), self.assertNoLogs(level="ERROR"):
                answer = self._get(f"/my/bookings/{self.coming.id}{query}")
                self.assertEqual(answer.status_code, 404)

    def test_token_of_the_portal_opens_its_booking_only(self):
        token = self.coming._portal_ensure_token()
        self.env.flush_all()
        answer = self._get(f"/my/bookings/{self.coming.id}?access_token={token}")
        self.assertEqual(
            urlsplit(answer.headers["Location"]).path, self.coming._get_manage_url()
        )
        answer = self._get(f"/my/bookings/{self.foreign.id}?access_token={token}")
        self.assertEqual(answer.status_code, 404)

    def _count(self):
        return self._call("/my/counters", counters=["payment_booking_count"])

    def test_home_shows_bookings(self):
        self._login(self.portal_user)
        page = self._get("/my")
        self.assertEqual(page.status_code, 200)
        self.assertTrue(self._parse(page).xpath("//a[@href='/my/bookings']"))
        self.assertTrue(self._count()["payment_booking_count"])
        self._login(new_test_user(self.env, login="none", groups="base.group_portal"))
        self.assertEqual(self._count(), {"payment_booking_count": 0})

    def test_colleague_without_our_groups_gets_no_error(self):
        plain = new_test_user(
            self.env,
            login="pbp_plain",
            groups="base.group_user",
            company_id=self.company.id,
            company_ids=[(6, 0, self.company.ids)],
        )
        self._login(plain)
        with self.assertNoLogs(level="ERROR"):
            self.assertEqual(self._get("/my").status_code, 200)
            self.assertEqual(self._count(), {"payment_booking_count": 0})
            self.assertEqual(self._get("/my/bookings").status_code, 404)
            self.assertEqual(
                self._get(f"/my/bookings/{self.coming.id}").status_code, 404
            )

    def test_pages_of_a_long_list(self):
        self._login(self.portal_user)
        with self.assertNoLogs(level="ERROR"):
            for path in ("/page/1", "/page/99", "?sortby=x&filterby=[]"):
                self.assertEqual(self._get(f"/my/bookings{path}").status_code, 200)
