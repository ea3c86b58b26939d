"""The pages of a payment request, as its client sees them."""

from datetime import timedelta

from odoo import fields
from odoo.tests import JsonRpcException, freeze_time, tagged
from odoo.tools import mute_logger

from .. import const
from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpRequest(BookingHttpCommon):
    needs_portal_user = True

    def setUp(self):
        super().setUp()
        self.client_partner = self.env["res.partner"].create(
            {"name": "Camille Martin", "email": "camille@example.com"}
        )
        self.request = self._make()
        self.request.action_make_link()
        self.url = self.request._get_pay_url()

    def _make(self, **values):
        return self.env["payment.request"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.client_partner.id,
                "amount": 120,
                "reason": "Workshop",
                **values,
            }
        )

    def _transaction(self, url=None, **params):
        return self._call(
            f"{url or self.url}/transaction",
            **{
                "provider_id": self.provider.id,
                "payment_method_id": self.payment_method_id,
                "token_id": None,
                "flow": "redirect",
                "tokenization_requested": False,
                "access_token": "whatever",
                **params,
            },
        )

    def _pay(self, url=None):
        values = self._transaction(url)
        tx = self._get_tx(values["reference"])
        tx._set_done()
        tx._post_process()
        return tx

    def _mails(self):
        """Return the mails to the client: those to staff have other recipients."""
        domain = [("model", "=", "payment.request"), ("email_to", "!=", False)]
        return self.env["mail.mail"].search(domain)

    # === PAYING === #

    def test_client_pays_and_reads_the_receipt(self):
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        self.assertIn("Workshop", self._text(page))
        self.assertEqual(self._get_payment_context(page)["amount"], 120.0)
        tx = self._pay()
        self.assertEqual(tx.amount, 120)
        self.assertEqual(tx.partner_id, self.client_partner)
        self.assertEqual(self.request.state, "paid")
        self.assertEqual(self.request.started_at, fields.Datetime.now())
        answer = self._get(f"{self.url}/status")
        self.assertEqual(answer.status_code, 303)
        receipt = self._get(answer.headers["Location"])
        self._assert_private(receipt)
        self.assertEqual(self._title(receipt), "Thank you, it is paid")
        self.assertIn(tx.reference, self._text(receipt))
        again = self._get(self.url)
        self.assertEqual(self._title(again), "This is already paid")
        self.assertIn(tx.reference, self._text(again))

    def test_nothing_that_a_client_sends_changes_the_offer(self):
        forged = {
            "amount": 0.01,
            "currency_id": self.env.ref("base.JPY").id,
            "partner_id": self.portal_user.partner_id.id,
            "reference_prefix": "X",
            "landing_route": "https://evil.example.com",
            "request_id": 1,
        }
        for name, value in forged.items():
            with self.subTest(name), mute_logger("odoo.http"):
                try:
                    values = self._transaction(**{name: value})
                except JsonRpcException:  # refused: what does not exist there
                    continue
                tx = self._get_tx(values["reference"])
                self.assertEqual(
                    (tx.amount, tx.currency_id), (120, self.company.currency_id)
                )
                self.assertEqual(tx.partner_id, self.client_partner)
                self.assertEqual(tx.landing_route, f"{self.url}/status")

    def test_receipt_before_payment_is_the_pay_page(self):
        answer = self._get(f"{self.url}/receipt")
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith(self.url))

    def test_expires_between_opening_and_paying(self):
        self.request.expires_at = fields.Datetime.now() + timedelta(hours=1)
        self.assertEqual(self._get(self.url).status_code, 200)
        with freeze_time("2026-03-02 09:30:00"):
            with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
                self._transaction()
            page = self._get(self.url)
        self.assertEqual(page.status_code, 410)
        self.assertFalse(self.request.sudo().allocation_ids)

    # === DEAD LINKS === #

    def test_dead_links_say_nothing_about_anyone(self):
        def expire():
            self.request.expires_at = fields.Datetime.now() - timedelta(minutes=1)

        def revoke():
            self.request.expires_at = False
            self.request.action_revoke()

        def draft():
            self.url = self._make()._get_pay_url()

        for kill in (expire, revoke, draft):
            with self.subTest(kill.__name__):
                kill()
                for path in (self.url, f"{self.url}/status"):
                    page = self._get(path)
                    if page.status_code == 303:  # nothing was started yet
                        page = self._get(page.headers["Location"])
                    self.assertEqual(page.status_code, 410)
                    self._assert_private(page)
                    text = self._text(page)
                    self.assertIn("This link is no longer valid", text)
                    self.assertNotIn("120", text)
                    for secret in ("Camille", "Workshop", self.request.name):
                        self.assertNotIn(secret, page.text)

    def test_wrong_tokens_are_one_page(self):
        pages = {
            self._get(f"/pay/{token}").text.replace(token, "")
            for token in ("a" * 32, "b" * 32)
        }
        self.assertEqual(self._get(f"/pay/{'a' * 32}").status_code, 404)
        self.assertEqual(len({len(page) for page in pages}), 1)

    # === A FRESH LINK === #

    def _ask_fresh(self, url=None):
        page = self._get(url or self.url)
        return self._post(f"{url or self.url}/fresh", self._form(page, "/fresh"))

    def test_expired_link_is_renewed_by_mail(self):
        self.request.expires_at = fields.Datetime.now() - timedelta(minutes=1)
        self.request._expire()
        self.assertEqual(self.request.state, "expired")
        answer = self._ask_fresh()
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self._title(answer), "Look into your mailbox")
        self.assertNotIn("camille", answer.text.lower())
        mail = self._mails()
        self.assertIn("camille@example.com", mail.email_to)
        self.assertIn(self.request._get_pay_url(), mail.body_html)
        self.assertEqual(self.request.state, "sent")
        self.assertEqual(self._get(self.url).status_code, 200)

    def test_revoked_link_is_replaced(self):
        self.request.action_revoke()
        self._ask_fresh()
        self.assertEqual(self._get(self.url).status_code, 410)
        fresh = self.request._get_pay_url()
        self.assertNotEqual(fresh, self.url)
        self.assertIn(fresh, self._mails().body_html)
        self.assertEqual(self._get(fresh).status_code, 200)

    def test_request_is_not_dropped(self):
        form = {"csrf_token": self._csrf(self.url)}
        self.assertEqual(self._post(f"{self.url}/drop", form).status_code, 404)
        self.assertEqual(self.request.state, "sent")

    def test_link_that_works_is_not_sent_again(self):
        self.request.action_revoke()
        form = self._form(self._get(self.url), "/fresh")
        url = self.request._get_pay_url()
        answer = self._post(f"{url}/fresh", form)
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith(url))
        self.assertFalse(self._mails())

    def test_revoked_link_pays_and_tells_nothing(self):
        tx = self._get_tx(self._transaction()["reference"])
        tx._set_done()
        self.request.action_revoke()
        with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
            self._transaction()
        self.assertEqual(self._call(f"{self.url}/poll"), {"url": False})
        self.env.invalidate_all()
        self.assertEqual(self.request.sudo().allocation_ids.transaction_id, tx)
        self.assertFalse(tx.is_post_processed)
        tx._post_process()
        self.assertEqual(self.request.state, "paid")
        for path in ("", "/status", "/receipt", "/details"):
            with self.subTest(path):
                page = self._get(f"{self.url}{path}")
                self.assertEqual(page.status_code, 410)
                self.assertNotIn("120", self._text(page))

    def test_revoked_is_every_address(self):
        self.request._portal_ensure_token()
        path = f"/my/requests/{self.request.id}"
        query = f"access_token={self.request.access_token}"
        self.assertIn("/pay/", self._get(f"{path}?{query}").headers["Location"])
        self.request.action_revoke()
        self.assertNotIn(
            "/pay/", self._get(f"{path}?{query}").headers.get("Location", "")
        )

    def test_dead_link_says_nothing_untrue_about_money(self):
        self._transaction()
        self.request.action_revoke()
        text = self._text(self._get(f"{self.url}/status"))
        self.assertNotIn("Nothing was charged", text)
        self.assertIn("If you have paid", text)

    def test_who_pays_for_a_friend_saves_nothing_there(self):
        self.provider.allow_tokenization = True
        self.authenticate(self.portal_user.login, self.portal_user.login)
        tx = self._get_tx(self._transaction(tokenization_requested=True)["reference"])
        self.assertFalse(tx.tokenize)
        mine = self._make(partner_id=self.portal_user.partner_id.id)
        mine.action_make_link()
        box = "o_payment_tokenize_checkbox"
        self.assertNotIn(box, self._get(self.url).text)
        self.assertIn(box, self._get(mine._get_pay_url()).text)
        values = self._transaction(mine._get_pay_url(), tokenization_requested=True)
        self.assertTrue(self._get_tx(values["reference"]).tokenize)

    def test_fresh_link_once_an_hour(self):
        self.request.action_revoke()
        first = self._ask_fresh()
        asked = self.env["payment.access.link"]._get_all(self.request, "pay")
        key = self.env["payment.transaction"]._make_client_key("127.0.0.1")
        self.assertIn(key, asked.mapped("asked_key"), "counts for the address too")
        second = self._ask_fresh()
        self.assertEqual(self._text(first), self._text(second))
        self.assertEqual(len(self._mails()), 1)
        with freeze_time("2026-03-02 08:30:00"):
            self._ask_fresh()
        self.assertEqual(len(self._mails()), 2)

    def test_fresh_link_of_a_cancelled_request_goes_to_staff(self):
        self.request.action_cancel()
        answer = self._ask_fresh()
        self.assertEqual(self._title(answer), "Look into your mailbox")
        self.assertFalse(self._mails())
        self.assertIn("None was sent", self.request.message_ids[0].body)
        self.assertEqual(self._get(self.url).status_code, 410)

    def test_company_may_keep_expired_links_dead(self):
        self.company.booking_renew_links = False
        self.request.expires_at = fields.Datetime.now() - timedelta(minutes=1)
        self._ask_fresh()
        self.assertFalse(self._mails())
        self.assertEqual(self._get(self.url).status_code, 410)

    def test_fresh_links_are_limited_by_address(self):
        self.request.action_revoke()
        form = self._form(self._get(self.url), "/fresh")
        key = self.env["payment.transaction"]._make_client_key("127.0.0.1")
        links = self.env["payment.access.link"].sudo()
        for number in range(const.RATE_ADDRESS[0]):
            links.create(
                {
                    "res_model": "payment.request",
                    "res_id": 10**6 + number,
                    "scope": "pay",
                    "asked_at": fields.Datetime.now(),
                    "asked_key": key,
                }
            )
        answer = self._post(f"{self.url}/fresh", form)
        self.assertEqual(answer.status_code, 429)
        self.assertFalse(self._mails())
        with freeze_time("2026-03-02 08:00:01"):
            self.assertEqual(self._ask_fresh().status_code, 200)
        self.assertEqual(len(self._mails()), 1)

    def test_fresh_link_needs_a_post_with_its_proof(self):
        self.request.action_revoke()
        self.assertEqual(self._get(f"{self.url}/fresh").status_code, 405)
        with mute_logger("odoo.http"):
            self.assertEqual(self._post(f"{self.url}/fresh").status_code, 400)
        self.assertFalse(self._mails())

    # === OPENED === #

    def test_opened_is_said_by_the_page_only(self):
        page = self._get(self.url)
        self.url_open(self.url, method="HEAD")
        self.assertFalse(self.request.opened_at)
        [url] = self._parse(page).xpath("//@data-opened-url")
        self._call(url)
        self.request.invalidate_recordset()
        self.assertEqual(self.request.opened_at, fields.Datetime.now())
        self.assertFalse(self._parse(self._get(self.url)).xpath("//@data-opened-url"))
        with freeze_time("2026-03-02 09:00:00"):
            self._call(url)
        draft = self._make()
        self._call(f"{draft._get_pay_url()}/opened")
        self.env.invalidate_all()
        self.assertEqual(str(self.request.opened_at), NOW, "the first time counts")
        self.assertFalse(draft.opened_at)

    def test_staff_and_robots_do_not_open(self):
        self.authenticate("admin", "admin")
        self._call(f"{self.url}/opened")
        self._new_visitor()
        self.make_jsonrpc_request(
            f"{self.url}/opened", {}, headers={"User-Agent": "Googlebot/2.1"}
        )
        self.request.invalidate_recordset()
        self.assertFalse(self.request.opened_at)

    # === PORTAL === #

    def test_portal_lists_own_requests_only(self):
        mine = self._make(partner_id=self.portal_user.partner_id.id, reason="Mine")
        mine.action_make_link()
        draft = self._make(partner_id=self.portal_user.partner_id.id, reason="Draft")
        self.authenticate(self.portal_user.login, self.portal_user.login)
        text = self._text(self._get("/my/payments"))
        self.assertIn("Mine", text)
        self.assertNotIn("Workshop", text)
        self.assertNotIn("Draft", text)
        answer = self._get(f"/my/requests/{mine.id}")
        self.assertTrue(answer.headers["Location"].endswith(mine._get_pay_url()))
        for foreign in (self.request, draft):
            self.assertEqual(self._get(f"/my/requests/{foreign.id}").status_code, 404)
        self._new_visitor()
        self.assertEqual(self._get(f"/my/requests/{mine.id}").status_code, 404)
        token = mine._portal_ensure_token()
        answer = self._get(f"/my/requests/{mine.id}?access_token={token}")
        self.assertEqual(answer.status_code, 303)

    def test_get_changes_nothing(self):
        links = self.env["payment.access.link"].sudo().search([])
        before = self._snapshot()
        for path in ("", "/status", "/receipt"):
            self._get(f"{self.url}{path}")
        self._assert_nothing_written(before)
        self.assertEqual(self.env["payment.access.link"].sudo().search([]), links)
