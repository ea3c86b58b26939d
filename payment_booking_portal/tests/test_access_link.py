import base64
import re

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, new_test_user, tagged

from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestAccessLink(BookingHttpCommon):
    """What a secret address opens, and that nothing else does."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.free = cls._create_service("Secret Service", fee_policy="free", price=0)
        cls.links = cls.env["payment.access.link"].sudo()

    def setUp(self):
        super().setUp()
        self.booking = self._place(self.free)
        self.hold = self._place(local="2026-03-04 09:00")
        self.manage = self.links._get_for(self.booking, "manage")
        self.pay = self.links._get_for(self.hold, "pay")

    def _paths(self, scope, token):
        """Return the pages of a scope that show something."""
        if scope == "pay":
            return [f"/pay/{token}", f"/pay/{token}/status"]
        return [
            f"/booking/{token}",
            f"/booking/{token}/cancel",
            f"/booking/{token}/move",
        ]

    # === THE TOKEN === #

    def test_token_has_192_bits_and_is_unique(self):
        tokens = {
            self.links.create(
                {"scope": "pay", "res_model": "payment.booking", "res_id": 1}
            ).token
            for _ in range(50)
        }
        self.assertEqual(len(tokens), 50)
        for token in tokens:
            self.assertEqual(len(base64.urlsafe_b64decode(token)), 24)

    def test_token_opens_its_own_scope_only(self):
        self.assertEqual(self.links._find(self.manage.token, "manage"), self.manage)
        self.assertFalse(self.links._find(self.manage.token, "pay"))
        self.assertFalse(self.links._find(self.pay.token, "manage"))

    def test_garbage_finds_nothing(self):
        token = self.pay.token
        for value in (
            None, True, 5, 1.5, [], {}, [token], b"x" * 32, "", "x", "x" * 32, "x" * 99,
            token[:-1], token + "x", token.swapcase(), "%" * 32, "\x00" * 32, "é" * 32,
            token + "\x00", f" {token}",
        ):  # fmt: skip
            with self.subTest(repr(value)):
                self.assertFalse(self.links._find(value, "pay"))

    def test_one_valid_link_is_used_again(self):
        self.assertEqual(self.links._get_for(self.hold, "pay"), self.pay)
        self.pay._revoke()
        fresh = self.links._get_for(self.hold, "pay")
        self.assertNotEqual(fresh, self.pay)
        self.assertNotEqual(fresh.token, self.pay.token)

    def test_link_of_another_booking_is_another_link(self):
        other = self._place(self.free, "2026-03-05 09:00")
        token = self.links._get_for(other, "manage").token
        self.assertNotEqual(token, self.manage.token)
        self.assertEqual(self.links._find(token, "manage")._get_document(), other)

    def test_tokens_are_read_by_no_colleague(self):
        for group in ("user", "manager"):
            user = new_test_user(
                self.env,
                login=f"pbp_{group}",
                groups=f"payment_booking_portal.group_{group}",
                company_id=self.company.id,
                company_ids=[Command.set(self.company.ids)],
            )
            for link in (self.manage, self.pay):
                with self.assertRaises(AccessError):
                    link.with_user(user).sudo(False).read(["token"])
            with self.assertRaises(AccessError):
                self.links.with_user(user).sudo(False).search([])

    # === WRONG === #

    def test_wrong_tokens_all_get_the_same_page(self):
        bodies = []
        before = self._snapshot()
        for scope, link, other in (
            ("pay", self.pay, self.manage),
            ("manage", self.manage, self.pay),
        ):
            token = link.token
            flipped = token[:-1] + ("A" if token[-1] != "A" else "B")
            for wrong in (
                flipped,
                token[:-1],
                token + "x",
                other.token,
                "x" * 32,
                "tiny-wrong",
            ):
                for path in self._paths(scope, wrong):
                    with self.subTest(path):
                        page = self._get(path)
                        self.assertEqual(page.status_code, 404)
                        body = page.text.replace(wrong, "TOKEN")
                        body = re.sub(r'csrf_token: "\w+"', "", body)
                        body = re.sub(r"/(pay|booking)/TOKEN[a-z/]*", "PATH", body)
                        bodies.append(body)
        for body in bodies:
            self.assertEqual(body, bodies[0], "one page for every wrong token")
        self.assertNotIn("Secret Service", bodies[0])
        self._assert_nothing_written(before)

    def test_wrong_token_calls_nothing(self):
        before = self._snapshot()
        csrf = self._csrf()
        wrong = self.pay.token  # good for paying, not for managing
        for path, data in (
            (f"/booking/{wrong}/cancel", {}),
            (f"/booking/{wrong}/move", {"start": self._start_of("2026-03-05 09:00")}),
            (f"/pay/{self.manage.token}/drop", {}),
            ("/pay/" + "x" * 32 + "/drop", {}),
        ):
            with self.subTest(path):
                answer = self._post(path, {**data, "csrf_token": csrf})
                self.assertEqual(answer.status_code, 404)
        for path in (f"/pay/{self.manage.token}/poll", "/pay/x/poll"):
            with self.subTest(path), self._assertNotFound():
                self._call(path)
        with self._assertNotFound():
            self._call(f"/pay/{self.manage.token}/transaction", flow="redirect")
        self._assert_nothing_written(before)

    def test_calendar_file_of_a_wrong_token(self):
        for token in (self.pay.token, "x" * 32):
            answer = self._get(f"/booking/{token}/calendar.ics")
            self.assertEqual(answer.status_code, 404)

    def test_link_of_a_deleted_document(self):
        draft = self.env["payment.booking"].create(
            {"service_id": self.free.id, "start": self._utc("2026-03-05 09:00")}
        )
        token = self.links._get_for(draft, "manage").token
        draft.unlink()
        self.assertEqual(self._get(f"/booking/{token}").status_code, 404)

    # === EXPIRED AND REVOKED === #

    def _assert_dead(self, page):
        self.assertEqual(page.status_code, 410)
        self.assertEqual(self._title(page), "This link is no longer valid")
        self._assert_private(page)
        for secret in ("Zoé", "zoe@example.com", "Secret Service", "Haircut", "60.00"):
            self.assertNotIn(secret, page.text)

    def test_dead_links_name_nobody_and_no_amount(self):
        csrf = self._csrf()
        for how in ("revoked", "expired"):
            for link in (self.pay, self.manage):
                link.write({"revoked": False, "expires_at": False})
                if how == "revoked":
                    link._revoke()
                else:
                    link.expires_at = "2026-03-02 07:00:00"
            self.env.flush_all()
            before = self._snapshot()
            for scope, link in (("pay", self.pay), ("manage", self.manage)):
                for path in self._paths(scope, link.token):
                    with self.subTest(how=how, path=path):
                        self._assert_dead(self._get(path))
            for action in ("cancel", "move"):
                with self.subTest(how=how, action=action):
                    self._assert_dead(
                        self._post(
                            f"/booking/{self.manage.token}/{action}",
                            {
                                "csrf_token": csrf,
                                "start": self._start_of("2026-03-05 09:00"),
                            },
                        )
                    )
            self.assertEqual(self._call(f"/pay/{self.pay.token}/poll"), {"url": False})
            with self.assertRaises(JsonRpcException):
                self._call(
                    f"/pay/{self.pay.token}/transaction",
                    provider_id=self.provider.id,
                    payment_method_id=self.payment_method_id,
                    flow="redirect",
                )
            answer = self._get(f"/booking/{self.manage.token}/calendar.ics")
            self.assertIn(answer.status_code, (404, 410))
            answer = self._post(f"/pay/{self.pay.token}/drop", {"csrf_token": csrf})
            self.assertIn(answer.status_code, (404, 410))
            self._assert_nothing_written(before)

    def test_link_is_good_until_its_end(self):
        self.pay.expires_at = "2026-03-02 07:00:01"
        self.env.flush_all()
        self.assertEqual(self._get(f"/pay/{self.pay.token}").status_code, 200)

    def test_statement_of_each_company(self):
        other = self._create_other_company()
        child = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.partner.id}
        )
        clients = self.partner + child
        paths = clients._get_statement_urls(self.company)
        self.assertEqual(paths[self.partner.id], paths[child.id])
        self.assertEqual(paths, clients._get_statement_urls(self.company))
        elsewhere = clients._get_statement_urls(other)
        self.assertNotEqual(paths[child.id], elsewhere[child.id])
        token = paths[child.id].rpartition("/")[2]
        link = self.links._find(token, "statement")
        self.assertEqual((link._get_document(), link.company_id), (
            self.partner, self.company,
        ))  # fmt: skip
        self.assertFalse(self.links._find(token, "pay"))
        link._revoke()
        fresh = clients._get_statement_urls(self.company)
        self.assertNotEqual(fresh[child.id], paths[child.id])
        self.assertEqual(elsewhere, clients._get_statement_urls(other))
