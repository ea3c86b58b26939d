"""Several payments at once, on the pages: what is sent is a choice and nothing more."""

from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .bundle_common import BundleCommon
from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpBundle(BundleCommon, BookingHttpCommon):
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.portal_user.partner_id

    def setUp(self):
        super().setUp()
        self.one, self.two = self._invoice([100.0]), self._invoice([50.0])
        self.authenticate(self.portal_user.login, self.portal_user.login)

    # === HELPERS === #

    def _row_ids(self, *documents):
        self.env.flush_all()
        rows = self.env["payment.due"]
        return [rows._get_rows_of(document).id for document in documents]

    def _choose(self, *documents, **values):
        """Tick rows and send them; return where that leads to."""
        form = {
            "csrf_token": self._csrf("/my/payments"),
            "due": self._row_ids(*documents),
            **values,
        }
        answer = self._post("/my/payments/pay", form)
        self.assertEqual(answer.status_code, 303, answer.text[:1000])
        parts = urlsplit(answer.headers["Location"])
        return parts.path + (f"?{parts.query}" if parts.query else "")

    def _get_bundle(self, path):
        link = self.env["payment.access.link"]._find(path.split("/")[2], "pay")
        bundle = link._get_document()
        self.assertEqual(bundle._name, "payment.bundle")
        return bundle

    def _start(self, path, **params):
        """Start a payment as the page does."""
        answer = self.url_open(
            f"{path}/transaction",
            json={
                "params": {
                    "provider_id": self.provider.id,
                    "payment_method_id": self.payment_method_id,
                    "token_id": None,
                    "flow": "redirect",
                    "tokenization_requested": False,
                    "access_token": "x",
                    **params,
                }
            },
            timeout=60,
        ).json()
        if "error" in answer:
            raise JsonRpcException(200, answer["error"]["data"]["message"])
        return self._get_tx(answer["result"]["reference"])

    def _assert_refused(self, words, path, **params):
        count = self.env["payment.transaction"].sudo().search_count([])
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException) as caught:
            self._start(path, **params)
        self.assertIn(words, str(caught.exception))
        now = self.env["payment.transaction"].sudo().search_count([])
        self.assertEqual(now, count)

    # === PAYING === #

    def test_tick_and_pay(self):
        booking = self._booking()
        path = self._choose(self.one, self.two, booking)
        self.assertTrue(path.startswith("/pay/"))
        page = self._get(path)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        words = self._text(page)
        for text in (self.one.name, self.two.name, booking.name, "$ 100.00", "$ 50.00"):
            self.assertIn(text, words, "what is paid of what is said before")
        self.assertIn("$ 210.00", words)
        form = self._parse(page).xpath("//form[@data-amount]")[0]
        self.assertEqual(float(form.get("data-amount")), 210)
        tx = self._start(path, amount=210.0)
        self.assertEqual(tx.amount, 210)
        self.assertEqual(tx.partner_id, self.partner)
        self.assertEqual(tx.landing_route, f"{path}/status")
        self.assertEqual(self._shares(tx), {self.one: 100, self.two: 50, booking: 60})
        tx._set_done()
        answer = self._call(f"{path}/poll")
        self.assertEqual(answer["url"], f"{path}/receipt")
        page = self._get(answer["url"])
        words = self._text(page)
        self.assertIn("Thank you, it is paid", words)
        self.assertIn(tx.reference, words)
        for text in (self.one.name, self.two.name, booking.name, "$ 60.00"):
            self.assertIn(text, words, "and afterwards")
        self.assertTrue(self._parse(page).xpath("//a[@href='/my/payments']"))
        self.assertEqual(booking.payment_coverage, "paid")
        self._assert_refused("already paid", path)

    def test_choice_of_who_is_logged_in_outlives_the_statement(self):
        path = self._choose(self.one, self.two)
        bundle = self._get_bundle(path)
        self.assertFalse(bundle.by_statement)
        self.partner.action_revoke_statement()
        self.env.flush_all()
        self.assertEqual(self._get(path).status_code, 200)

    def test_one_row_goes_to_its_own_page(self):
        for path in (
            self._choose(self.one),
            self._choose(self.one, self.two, only=self._row_ids(self.one)[0]),
        ):
            self.assertEqual(path, self.one._get_pay_url())
        self.assertFalse(self.env["payment.bundle"].search([]))

    def test_what_is_sent_is_a_choice(self):
        stranger = new_test_user(self.env, "pbp_str", groups="base.group_portal")
        foreign = self._invoice([999.0], partner_id=stranger.partner_id.id)
        draft = self._create_invoice([9.0])
        ids = self._row_ids(self.one, self.two, foreign)
        odd = ["", "x", "-4", "0", "99999999999999999999", draft.id * 4, "1.5", "٣"]
        for sent in ([], odd, [ids[2]], [ids[2], *odd]):
            path = self._choose(due=sent)
            self.assertEqual(path, "/my/payments?nothing=1")
        path = self._choose(due=[*ids, *odd, ids[0]], amount="1", currency_id="2")
        bundle = self._get_bundle(path)
        self.assertEqual(bundle.line_ids.invoice_id, self.one + self.two)
        self.assertEqual(bundle._get_payable_amount(), 150)

    def test_form_needs_its_proof(self):
        due = self._row_ids(self.one, self.two)
        with mute_logger("odoo.http"):
            answer = self._post("/my/payments/pay", {"due": due})
        self.assertEqual(answer.status_code, 400)
        self.assertEqual(self._get("/my/payments/pay").status_code, 405)
        self.assertFalse(self.env["payment.bundle"].search([]))

    def test_amount_is_ours(self):
        path = self._choose(self.one, self.two)
        for wrong in (1.0, 149.99, 151.0, -150.0, 0.0):
            self._assert_refused("has changed", path, amount=wrong)
        for wrong in ("150", True, [150]):
            self._assert_refused("not a number", path, amount=wrong)
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self._start(path, bundle_id=1)
        with mute_logger("odoo.http"), self.assertRaises(JsonRpcException):
            self._start(path, invoice_ids=[1])
        self.assertEqual(self._start(path).amount, 150)

    def test_paid_meanwhile(self):
        three = self._invoice([30.0])
        path = self._choose(self.one, self.two, three)
        self.assertNotIn("Not all of what you chose", self._text(self._get(path)))
        self._pay(self.two)
        self._assert_refused("has changed", path, amount=180.0)
        words = self._text(self._get(path))
        self.assertIn("Not all of what you chose can be paid here", words)
        self.assertIn("This is already paid.", words)
        tx = self._start(path, amount=130.0)
        self.assertEqual(self._shares(tx), {self.one: 100, three: 30})

    def test_paid_between_start_and_money(self):
        path = self._choose(self.one, self.two)
        tx = self._start(path)
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=self.two.ids
        )
        wizard.create({"amount": 50.0})._create_payments()
        tx._set_done()
        answer = self._call(f"{path}/poll")
        words = self._text(self._get(answer["url"]))
        self.assertIn("$ 50.00 more than was due", words)
        self.assertEqual(self.one.payment_state, "paid")

    def test_disputed_and_draft(self):
        self.one.write({"payment_disputed": True, "payment_disputed_reason": "Ehem"})
        path = self._choose(self.one, self.two)
        words = self._text(self._get(path))
        self.assertIn("being checked", words)
        self.assertNotIn("Ehem", words)
        self.two.button_draft()
        page = self._get(path)
        self.assertEqual(page.status_code, 409)
        self.assertIn("not issued", self._text(page))
        self._assert_refused("not issued", path)

    def test_form_of_a_document_comes_first(self):
        form = self.env["payment.form"].create(
            {
                "name": "Why",
                "company_id": self.company.id,
                "field_ids": [Command.create({"label": "Why?", "required": True})],
            }
        )
        booking = self._booking()
        booking.service_id.form_id = form
        path = self._choose(booking, self.one)
        page = self._parse(self._get(path))
        [url] = page.xpath("//dd/a/@href")
        self.assertEqual(url, booking._get_pay_url())
        self.assertIn("Why?", self._text(self._get(url)))
        self.assertEqual(self._shares(self._start(path)), {self.one: 100})

    def test_two_currencies(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        in_euro = self._invoice([30.0], currency_id=euro.id)
        path = self._choose(self.one, self.two, in_euro)
        self.assertEqual(path, "/pay/selection")
        page = self._get(path)
        self._assert_private(page)
        words = self._text(page)
        self.assertIn("one after the other", words)
        self.assertIn("$ 150.00", words)
        self.assertIn("30.00", words)
        self.assertNotIn("180.00", words)
        links = self._parse(page).xpath("//ol//a/@href")
        self.assertEqual(len(links), 2)
        tx = self._start(links[0])
        self.assertEqual((tx.amount, tx.currency_id), (150, self.one.currency_id))
        self.assertIn("/pay/selection", self._get(links[0]).text)
        tx._set_done()
        self._call(f"{links[0]}/poll")
        self.assertIn("/pay/selection", self._get(f"{links[0]}/receipt").text)
        page = self._get(path)
        self.assertEqual(
            self._parse(page).xpath("//ol//a/@href"),
            [f"{links[0]}/receipt", links[1]],
        )
        tx = self._start(links[1])
        self.assertEqual((tx.amount, tx.currency_id), (30, euro))
        tx._set_done()
        self._call(f"{links[1]}/poll")
        self.assertEqual(self._title(self._get(path)), "That is all")

    def test_selection_is_the_visitors_own(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        in_euro = self._invoice([30.0], currency_id=euro.id)
        self._choose(self.one, in_euro)
        [link, _other] = self._parse(self._get("/pay/selection")).xpath("//ol//a/@href")
        self._new_visitor()
        answer = self._get("/pay/selection")
        self.assertEqual(urlsplit(answer.headers["Location"]).path, "/my/payments")
        page = self._get(link)
        self.assertEqual(page.status_code, 200, "who has the link may pay this")
        self.assertNotIn("/pay/selection", page.text)
        self.assertNotIn("/my/payments", page.text)

    def test_transfer_is_explained(self):
        booking = self._booking()
        path = self._choose(self.one, booking)
        tx = self._start(
            path,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        tx._set_pending()
        words = self._text(self._get(f"{path}/status"))
        self.assertIn("$ 160.00", words)
        self.assertIn(tx.reference, words)
        self.assertIn("Being paid", self._text(self._get("/my/payments?filterby=all")))

    def test_other_payment_of_the_same_documents_is_running(self):
        path = self._choose(self.one, self.two)
        for invoice in (self.one, self.two):
            self._start_payment(invoice)._set_pending()
        page = self._get(path)
        self.assertEqual(page.status_code, 200)
        self.assertIn("checking with your bank", self._text(page))
        self._assert_refused("being processed", path)

    def test_look_changes_nothing(self):
        path = self._choose(self.one, self.two)
        before = self._snapshot()
        links = self.env["payment.access.link"].sudo().search([])
        for address in (path, f"{path}/status", f"{path}/receipt", f"{path}/details"):
            self._get(address)
        self._assert_nothing_written(before)
        self.assertEqual(self.env["payment.access.link"].sudo().search([]), links)

    def test_revoked_link(self):
        path = self._choose(self.one, self.two)
        links = self.env["payment.access.link"]
        links._get_all(self._get_bundle(path), "pay")._revoke()
        page = self._get(path)
        self.assertEqual(page.status_code, 410)
        self.assertNotIn(self.one.name, page.text)
        self.assertNotIn("150", self._text(page))
        self._assert_refused("no longer valid", path)
        self.assertTrue(self._parse(page).xpath("//a[@href='/my/payments']"))

    def _limit_documents(self, most):
        return patch("odoo.addons.payment_booking_portal.const.MAX_BUNDLE", most)

    def test_more_than_can_be_paid_at_once(self):
        late = self._invoice([30.0], invoice_date_due="2026-02-01")
        later = self._invoice([40.0], invoice_date_due="2026-05-01")
        disputed = self._invoice([70.0], invoice_date_due="2026-01-01")
        disputed.write({"payment_disputed": True, "payment_disputed_reason": "Eh"})
        chosen = (later, self.one, self.two, disputed, late)
        with self._limit_documents(3):
            path = self._choose(*chosen)
            odd = [*self._row_ids(later), "x", "999999999"] * 3
            self.assertEqual(self._choose(due=odd), later._get_pay_url())
            path = self._choose(*chosen)
        bundle = self._get_bundle(path)
        self.assertEqual(bundle.line_ids.invoice_id, late + self.one + self.two)
        words = self._text(self._get(path))
        self.assertIn("You chose 5 payments. 3 can be paid at once", words)
        self.assertIn("The other 2 are not paid here", words)
        tx = self._start(path, amount=180.0)
        tx._set_done()
        self._call(f"{path}/poll")
        # Afterwards, as the page said.
        with self._limit_documents(3):
            path = self._choose(later, self._invoice([5.0]))
        words = self._text(self._get(path))
        self.assertNotIn("You chose", words)
        self.assertIn("$ 45.00", words)

    def test_more_than_can_be_paid_at_once_in_two_currencies(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        in_euro = self._invoice([30.0], currency_id=euro.id)
        late = self._invoice([7.0], invoice_date_due="2026-05-01")
        with self._limit_documents(3):
            path = self._choose(self.one, self.two, in_euro, late)
        self.assertEqual(path, "/pay/selection")
        page = self._get(path)
        self.assertIn("You chose 4 payments. 3 can be paid", self._text(page))
        links = self._parse(page).xpath("//ol//a/@href")
        for link in links:
            self.assertIn("The other 1 are not", self._text(self._get(link)))
        self._new_visitor()
        words = self._text(self._get(links[0]))
        self.assertNotIn("You chose", words, "it was somebody else's choice")

    def test_too_many_choices(self):
        rows = [self._invoice([1.0 + number]) for number in range(7)]
        ids = self._row_ids(*rows)
        with self.patch_limit(3):
            for number in range(4):
                form = {
                    "csrf_token": self._csrf("/my/payments"),
                    "due": ids[number : number + 2],
                }
                answer = self._post("/my/payments/pay", form)
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(self.env["payment.bundle"].search_count([]), 3)

    def patch_limit(self, most):
        return patch("odoo.addons.payment_booking_portal.const.RATE_BUNDLE", (most, 60))
