"""The public page of direct links, attacked and used."""

from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW
from .common_browser import BrowserCommon
from .http_common import BookingHttpCommon
from .test_direct_link import LinkCommon
from .test_form import FormCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpLink(LinkCommon, BookingHttpCommon):
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.link = cls._make_link(closing_message="The sale is over.\nWrite to us!")
        cls.open_link = cls._make_open(
            title="Give",
            amount_min=5,
            amount_max=500,
            suggestions="10; 25; 50",
            price_ids=[
                Command.create(
                    {"currency_id": cls.yen.id, "suggestions": "1000; 2000"}
                ),
                Command.create(
                    {
                        "currency_id": cls.dinar.id,
                        "amount_min": 0.5,
                        "amount_max": 150,
                    }
                ),
            ],
        )

    def _path(self, link=None):
        return urlsplit((link or self.link).url).path

    def _fill_link(self, link=None, **typed):
        """Send the form of a link as a guest, and return the answer."""
        path = self._path(link)
        page = self._get(path)
        self.assertEqual(page.status_code, 200, page.text[:2000])
        form = self._form(page, path)
        typed = {"name": "Zoé Client", "email": "zoe@example.com", **typed}
        return self._post(path, {**form, **typed})

    def _requests(self, link=None):
        self.env.invalidate_all()
        return self.env["payment.request"].search(
            [("direct_link_id", "=", (link or self.link).id)]
        )

    def _request(self, answer, link=None):
        """Return the request that a form made."""
        self.assertEqual(answer.status_code, 303, answer.text[:3000])
        request = self._requests(link)[:1]
        self.assertEqual(
            urlsplit(answer.headers["Location"]).path, request._get_pay_url()
        )
        return request

    def _transaction(self, request, **params):
        return self._call(
            f"{request._get_pay_url()}/transaction",
            **{
                "provider_id": self.provider.id,
                "payment_method_id": self.payment_method_id,
                "token_id": None,
                "flow": "redirect",
                "tokenization_requested": False,
                "access_token": "x",
                **params,
            },
        )

    # === THE PAGE === #

    def test_page_says_what_is_paid(self):
        page = self._get(self._path())
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        self.assertEqual(self._title(page), "Workshop")
        self.assertIn("40.00", self._text(page))
        self.assertIn("studio@example.com", self._text(page))
        self.assertIn('data-captcha="direct_link"', page.text)

    def test_get_writes_nothing(self):
        before = self._snapshot()
        for link in (self.link, self.open_link):
            self._get(self._path(link))
        self._assert_nothing_written(before)
        self.assertFalse(self._requests())
        self.env.invalidate_all()
        self.assertEqual(self.link.visit_count, 0)

    def test_fixed_amount_is_paid(self):
        request = self._request(self._fill_link(phone="+32 2 555"))
        self.assertEqual(request.amount_total, 40)
        self.assertEqual(request.client_name, "Zoé Client")
        self.assertEqual(request.client_phone, "+32 2 555")
        self.assertFalse(request.partner_id)
        page = self._get(request._get_pay_url())
        self.assertEqual(self._get_payment_context(page)["amount"], 40)
        tx = self._get_tx(self._transaction(request)["reference"])
        self.assertEqual(tx.amount, 40)
        tx._set_done()
        tx._post_process()
        self.assertEqual(self._requests().state, "paid")

    def test_client_is_not_asked(self):
        self.authenticate(self.portal_user.login, self.portal_user.login)
        page = self._get(self._path())
        form = self._form(page, self._path())
        self.assertNotIn("email", form)
        forged = {**form, "name": "Eve", "email": "eve@example.com"}
        request = self._request(self._post(self._path(), forged))
        self.assertEqual(request.partner_id, self.portal_user.partner_id)
        self.assertFalse(request.guest_email)

    def test_typed_mail_attaches_to_nobody_and_shows_nothing(self):
        secret = self.env["res.partner"].create(
            {"name": "Secret Person", "email": "zoe@example.com", "phone": "+1 999"}
        )
        request = self._request(self._fill_link())
        self._transaction(request)
        self.env.invalidate_all()
        self.assertTrue(request.partner_id)
        self.assertNotEqual(request.partner_id, secret)
        for path in (self._path(), request._get_pay_url()):
            text = self._get(path).text
            self.assertNotIn("Secret Person", text)
            self.assertNotIn("+1 999", text)

    def test_thanks_and_way_back(self):
        self.link.write(
            {"thanks": "You made our day.", "return_url": "https://studio.example/x"}
        )
        request = self._request(self._fill_link())
        self._pay(request)
        page = self._get(request._get_payable_done_url())
        self.assertEqual(page.status_code, 200)
        self.assertIn("You made our day.", self._text(page))
        self.assertIn('href="https://studio.example/x"', page.text)
        other = self._get(
            f"{request._get_payable_done_url()}?return_url=https://evil.example"
        )
        self.assertNotIn("evil.example", other.text)

    # === TAMPERING === #

    def test_address_changes_nothing(self):
        plain = self._form(self._get(self._path()), self._path())
        query = (
            "?amount=1&amount_USD=1&currency=EUR&price=1&max_payments=9&company_id=1"
            "&partner_id=1&title=Free&return_url=https://evil.example&name=Eve"
            "&email=eve@example.com&access_token=x&line_ids=1"
        )
        page = self._get(self._path() + query)
        form = self._form(page, self._path())
        self.assertEqual({**form, "request_key": 0}, {**plain, "request_key": 0})
        for word in ("evil", "Eve", "eve@", "Free"):
            self.assertNotIn(word, page.text)
        self.assertIn("40.00", self._text(page))

    def test_form_changes_nothing_that_is_preset(self):
        other = self._create_other_company()
        before = {name: self.link[name] for name in ("amount", "active", "user_id")}
        forged = {
            "amount": "1",
            "amount_USD": "1",
            "amount_typed": "1",
            "choice_USD": "1.00",
            "amount_total": "1",
            "amount_min": "0",
            "reason": "Hacked",
            "reason_typed": "Hacked",
            "state": "paid",
            "partner_id": str(self.partner.id),
            "company_id": str(other.id),
            "user_id": "1",
            "direct_link_id": "1",
            "expires_at": "2099-01-01",
            "visitor_key": "x",
            "client_key": "x",
            "line_ids": "1",
            "message": "x",
            "return_url": "https://evil.example",
            "campaign": "Hacked",
            "lang": "xx",
        }
        request = self._request(self._fill_link(**forged))
        self.assertEqual(request.amount_total, 40)
        self.assertFalse(request.amount_typed)
        self.assertEqual(request.company_id, self.company)
        self.assertEqual(request.direct_link_id, self.link)
        self.assertEqual(request.user_id, self.link.user_id)
        self.assertFalse(request.partner_id)
        self.assertFalse(request.reason_typed)
        self.assertEqual(request.reason, "Workshop")
        self.assertFalse(request.message)
        self.assertFalse(request.campaign)
        self.assertEqual(request.state, "sent")
        self.assertLess(request.expires_at, fields.Datetime.to_datetime("2026-03-03"))
        self.assertEqual(before, {name: self.link[name] for name in before})
        self.assertEqual(
            self._get_tx(self._transaction(request, amount=1)["reference"]).amount, 40
        )

    def test_currency_is_one_of_the_offered(self):
        for code in ("EUR", "KWD", "XXX", "usd", "' OR 1=1", "1"):
            with self.subTest(code):
                answer = self._fill_link(currency=code)
                self.assertEqual(answer.status_code, 400)
        self.assertFalse(self._requests())

    def test_values_are_bounded(self):
        for field, value in (
            ("name", "x" * 201),
            ("name", "   "),
            ("email", "no mail"),
            ("email", "x" * 201 + "@example.com"),
            ("phone", "1" * 201),
        ):
            with self.subTest(field=field, value=value[:10]):
                answer = self._fill_link(**{field: value})
                self.assertEqual(answer.status_code, 400)
                self.assertIn("Please check", self._text(answer))
        self.assertFalse(self._requests())
        answer = self._fill_link(name="Zo\x00é\r\nBcc: x@y.z")
        self.assertEqual(self._request(answer).guest_name, "Zoé Bcc: x@y.z")

    def test_too_much_is_not_read(self):
        path = self._path()
        form = self._form(self._get(path), path)
        answer = self._post(path, {**form, "name": "x" * 600_000})
        self.assertEqual(answer.status_code, 413)

    @mute_logger("odoo.http")
    def test_form_of_another_site_is_refused(self):
        answer = self._post(self._path(), {"name": "Eve", "email": "eve@example.com"})
        self.assertEqual(answer.status_code, 400)
        self.assertFalse(self._requests())

    def test_wrong_token_is_the_same_page_for_all(self):
        request = self._request(self._fill_link())
        pay_token = request._get_pay_url().rsplit("/", 1)[1]
        token = self._path()[3:]
        pages = {
            self._get(f"/l/{wrong}").text
            for wrong in (pay_token, token[:-1] + "_", token.swapcase(), "x" * 22)
        }
        self.assertEqual(len(pages), 1)
        for wrong in (pay_token, token[:-1], "1", token + "x"):
            self.assertEqual(self._get(f"/l/{wrong}").status_code, 404, wrong)
            with self.assertRaises(JsonRpcException), mute_logger("odoo.http"):
                self._call(f"/l/{wrong}/opened")
        self.assertEqual(self._get(f"/pay/{token}").status_code, 404)
        self.assertEqual(self._get(f"/booking/{token}").status_code, 404)

    # === OPEN AMOUNTS === #

    def test_suggestion_is_paid(self):
        page = self._get(self._path(self.open_link))
        self.assertIn("25.00", self._text(page))
        answer = self._fill_link(self.open_link, choice_USD="25.00")
        request = self._request(answer, self.open_link)
        self.assertEqual(request.amount_total, 25)
        self.assertEqual(request._get_payable_status(), "payable")
        answer = self._fill_link(self.open_link, currency="JPY", choice_JPY="1000")
        request = self._request(answer, self.open_link)
        self.assertEqual((request.currency_id, request.amount_total), (self.yen, 1000))

    def test_own_amount_by_currency(self):
        for code, text, amount in (
            ("USD", "12.5", 12.5),
            ("USD", "12,50", 12.5),
            ("JPY", "1,500", 1500),
            ("KWD", "1.234", 1.234),
        ):
            with self.subTest(code=code, text=text):
                typed = {f"amount_{code}": text, f"choice_{code}": "own"}
                answer = self._fill_link(self.open_link, currency=code, **typed)
                request = self._request(answer, self.open_link)
                self.assertEqual(request.currency_id.name, code)
                self.assertEqual(request.amount_total, amount)

    def test_amount_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        path = f"/fr{self._path(self.open_link)}"
        form = self._form(self._get(path), self._path(self.open_link))
        form.update(name="Zoé", email="zoe@example.com", amount_USD="1\u202f2,5")
        self._post(path, form)
        self.assertEqual(self._requests(self.open_link).amount_total, 12.5)
        form["amount_USD"] = "trente"
        [field] = self._parse(self._post(path, form)).xpath(
            "//input[@name='amount_USD']"
        )
        self.assertEqual(field.get("value"), "trente")

    def test_amount_in_german(self):
        """There a point stands between the thousands."""
        self.env["res.lang"]._activate_lang("de_DE")
        self.open_link.amount_max = 5000
        path = f"/de{self._path(self.open_link)}"
        form = self._form(self._get(path), self._path(self.open_link))
        form.update(name="Zoé", email="zoe@example.com", amount_USD="1.234")
        self._post(path, form)
        self.assertEqual(self._requests(self.open_link).amount_total, 1234)

    def test_wrong_amounts_are_refused_beside_their_field(self):
        for code, text in (
            ("USD", ""),
            ("USD", "4.99"),
            ("USD", "500.01"),
            ("USD", "-20"),
            ("USD", "20.005"),
            ("USD", "1e2"),
            ("USD", "nan"),
            ("USD", "inf"),
            ("USD", "99999999999"),
            ("USD", "twenty"),
            ("JPY", "1500.5"),
            ("KWD", "0.499"),
            ("KWD", "1.2345"),
        ):
            with self.subTest(code=code, text=text):
                answer = self._fill_link(
                    self.open_link, currency=code, **{f"amount_{code}": text}
                )
                self.assertEqual(answer.status_code, 400)
                page = self._parse(answer)
                [field] = page.xpath(f"//input[@name='amount_{code}']")
                self.assertEqual(field.get("aria-invalid"), "true")
                self.assertEqual(field.get("value"), text)
                [name] = page.xpath("//input[@name='name']")
                self.assertEqual(name.get("value"), "Zoé Client", "kept")
                [chosen] = page.xpath("//input[@name='currency'][@checked]")
                self.assertEqual(chosen.get("value"), code)
        self.assertFalse(self._requests(self.open_link))

    def test_two_amounts_at_once_are_asked_again(self):
        answer = self._fill_link(self.open_link, choice_USD="10.00", amount_USD="35")
        self.assertEqual(answer.status_code, 400)
        self.assertIn("not both", self._text(answer))

    def test_suggestion_that_is_gone(self):
        path = self._path(self.open_link)
        form = self._form(self._get(path), path)
        self.open_link.suggestions = "15; 30"
        form.update(name="Zoé", email="zoe@example.com", choice_USD="10.00")
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 400)
        self.assertIn("not offered any more", self._text(answer))

    def test_reason_is_asked(self):
        self.link.ask_reason = True
        answer = self._fill_link(reason=" ")
        self.assertEqual(answer.status_code, 400)
        self.assertIn("what it is for", self._text(answer))
        self.assertEqual(self._fill_link(reason="x" * 201).status_code, 400)
        request = self._request(self._fill_link(reason="Invoice\n 12"))
        self.assertEqual(request.reason_typed, "Invoice 12")
        self.assertIn("Invoice 12", self._text(self._get(request._get_pay_url())))

    # === COMING BACK === #

    def test_same_form_twice_makes_one(self):
        path = self._path()
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com")
        urls = {self._post(path, form).headers["Location"] for _click in range(3)}
        self.assertEqual(len(urls), 1)
        self.assertEqual(len(self._requests()), 1)

    def test_another_visitor_gets_another_request(self):
        first = self._request(self._fill_link())
        self._new_visitor()
        second = self._request(self._fill_link())
        self.assertNotEqual(first, second)

    def test_key_of_another_visitor_finds_nothing(self):
        path = self._path()
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com")
        self._post(path, form)
        self._new_visitor()
        theirs = self._form(self._get(path), path)
        theirs.update(name="Zoé", email="zoe@example.com")
        self._post(path, {**theirs, "request_key": form["request_key"]})
        self.assertEqual(len(self._requests()), 2)

    # === LIMITS === #

    def _check_closed(self, path, form):
        before = len(self._requests())
        for answer in (self._get(path), self._post(path, form)):
            self.assertEqual(answer.status_code, 410)
            self._assert_private(answer)
            text = self._text(answer)
            self.assertIn("The sale is over.", text)
            self.assertIn("You were not charged", text)
            self.assertNotIn("Workshop", answer.text)
            self.assertNotIn("40.00", text)
        self.assertEqual(len(self._requests()), before)

    def test_closed_links(self):
        path = self._path()
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com")
        for values in (
            {"active": False},
            {"date_end": "2026-03-01"},
            {"date_start": "2026-03-05"},
        ):
            with self.subTest(values):
                undo = {name: self.link[name] for name in values}
                self.link.write(values)
                self._check_closed(path, form)
                self.link.write(undo)

    def test_used_up(self):
        path = self._path()
        late = self._request(self._fill_link())
        late_url = late._get_pay_url()
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com")
        self.link.max_payments = 1
        self._pay(self._use(self.link, visitor="somebody else"))
        self._check_closed(path, form)
        with self.assertRaises(JsonRpcException):
            self._transaction(late)
        self.env.invalidate_all()
        self.assertFalse(late.allocation_ids)
        page = self._get(late_url)
        self.assertEqual(page.status_code, 410)
        self.assertEqual(self._title(page), "Someone was quicker")
        self.assertIn("The sale is over.", self._text(page))

    def test_dead_use_starts_again_at_the_link(self):
        """No mail goes to an address that somebody typed, and no old price lives on."""
        request = self._request(self._fill_link())
        url = request._get_pay_url()
        mails = self.env["mail.mail"].search_count([])
        form = self._form(self._get(self._path()), self._path())
        proof = {"csrf_token": form["csrf_token"]}
        answer = self._post(f"{url}/fresh", proof)
        self.assertEqual(urlsplit(answer.headers["Location"]).path, url)
        request.expires_at = fields.Datetime.now() - timedelta(minutes=1)
        page = self._get(url)
        self.assertEqual(page.status_code, 410)
        self.assertIn(f'href="{self._path()}"', page.text)
        answer = self._post(f"{url}/fresh", proof)
        self.assertEqual(urlsplit(answer.headers["Location"]).path, self._path())
        self.env.invalidate_all()
        self.assertEqual(self.env["mail.mail"].search_count([]), mails)
        self.assertTrue(request._is_over())

    def test_dead_use_with_a_payment_is_not_renewed(self):
        request = self._request(self._fill_link())
        self._transaction(request)
        request.expires_at = fields.Datetime.now() - timedelta(minutes=1)
        url = request._get_pay_url()
        page = self._get(url)
        self.assertEqual(page.status_code, 410)
        self._post(f"{url}/fresh", self._form(page, "/fresh"))
        self.env.invalidate_all()
        self.assertTrue(request._is_over())
        domain = [("model", "=", "payment.request"), ("email_to", "!=", False)]
        self.assertFalse(self.env["mail.mail"].search(domain))

    def test_last_use_stays_open_for_who_has_it(self):
        self.link.max_payments = 1
        request = self._request(self._fill_link())
        self._transaction(request)
        self.assertEqual(self._get(self._path()).status_code, 200)
        self.assertEqual(self._request(self._fill_link()), request)
        self._new_visitor()
        self.assertEqual(self._get(self._path()).status_code, 410)

    def test_old_address_is_dead(self):
        path = self._path()
        form = self._form(self._get(path), path)
        self.link.action_new_address()
        for answer in (self._get(path), self._post(path, form)):
            self.assertEqual(answer.status_code, 410)
            self.assertNotIn("Workshop", answer.text)
            self.assertNotIn("The sale is over.", answer.text)
        self.assertEqual(self._get(self._path()).status_code, 200)

    def test_closed_without_provider(self):
        (self.provider + self.transfer).is_published = False
        answer = self._get(self._path())
        self.assertEqual(answer.status_code, 409)
        self.assertNotIn("Workshop", answer.text)

    def test_rate_limit(self):
        for _number in range(5):
            self._new_visitor()
            self._request(self._fill_link())
        self._new_visitor()
        answer = self._fill_link()
        self.assertEqual(answer.status_code, 429)
        self.assertIn("studio@example.com", self._text(answer))
        self.assertEqual(len(self._requests()), 5)
        # Another link has its own count; an address only so many in an hour.
        self._request(
            self._fill_link(self.open_link, choice_USD="10.00"), self.open_link
        )
        with freeze_time("2026-03-02 07:10:01"):
            self._new_visitor()
            self._request(self._fill_link())

    def test_payments_of_an_address_count_by_link(self):
        requests = self.env["payment.request"]
        for number in range(6):
            requests |= self._use(self.link, visitor=f"visitor {number}")
        for request in requests[1:]:
            self._transaction(request)
        with self.assertRaisesRegex(JsonRpcException, ""):
            self._transaction(requests[0])
        self.env.invalidate_all()
        self.assertFalse(requests[0].allocation_ids)

    # === OTHER KINDS === #

    def test_link_to_a_service(self):
        self.service.is_published = True
        link = self._make_link(
            kind="book",
            service_id=self.service.id,
            resource_id=self.anna.id,
            campaign="Flyer",
        )
        answer = self._get(f"{self._path(link)}?resource=1&seats=9&utm_campaign=x")
        self.assertEqual(answer.status_code, 303)
        self.assertEqual(
            urlsplit(answer.headers["Location"])[2:4],
            (self.service._get_book_url(), f"resource={self.anna.id}"),
        )
        page = self._get(self.service._get_book_url())
        opened = f"{self._path(link)}/opened"
        self.assertIn(f'data-opened-url="{opened}"', page.text)
        self._call(opened)
        self.env.invalidate_all()
        self.assertEqual(link.visit_count, 1)
        page = self._get(self.service._get_book_url())
        self.assertNotIn("data-opened-url", page.text)
        _answer, booking = self._book()
        self.assertEqual(booking.direct_link_id, link)
        self.assertEqual(booking.campaign, "Flyer")
        self._pay(booking)
        self.env.invalidate_all()
        self.assertEqual((link.started_count, link.paid_count), (1, 1))
        self.assertEqual(self._post(self._path(link)).status_code, 400, "no CSRF")

    def test_link_to_a_service_takes_no_form(self):
        self.service.is_published = True
        link = self._make_link(kind="book", service_id=self.service.id)
        form = self._form(self._get(self._path()), self._path())
        form.update(name="Zoé", email="zoe@example.com")
        self.assertEqual(self._post(self._path(link), form).status_code, 404)
        self.assertFalse(self._requests(link))

    def test_link_to_a_service_that_is_gone(self):
        link = self._make_link(kind="book", service_id=self.service.id)
        self.service.is_published = False
        self.assertEqual(self._get(self._path(link)).status_code, 410)
        self.service.write({"is_published": True, "active": False})
        self.assertEqual(self._get(self._path(link)).status_code, 410)

    def test_link_to_ones_payments(self):
        link = self._make_link(kind="payments")
        answer = self._get(self._path(link))
        self.assertEqual(urlsplit(answer.headers["Location"]).path, "/my/payments")
        self.authenticate(self.portal_user.login, self.portal_user.login)
        page = self._get(self._path(link), allow_redirects=True)
        self.assertEqual(page.status_code, 200)
        self.assertIn("data-opened-url", page.text)
        link.active = False
        self.assertEqual(self._get(self._path(link)).status_code, 410)

    def test_campaign_is_kept(self):
        self._get(f"{self._path()}?utm_campaign=Spring&utm_source=mail")
        request = self._request(self._fill_link())
        self.assertEqual(request.campaign, "Spring")
        self.assertEqual(request.campaign_source, "mail")

    # === COUNTING === #

    def _opened(self, **headers):
        self._get(self._path())
        self._call(f"{self._path()}/opened", **headers)
        self.env.invalidate_all()
        return self.link.visit_count

    def test_visitors_are_counted_once_a_day(self):
        self.assertEqual(self._opened(), 1)
        self.assertEqual(self._opened(), 1)
        self._new_visitor()
        self.assertEqual(self._opened(), 2)

    def test_visits_of_what_is_closed_are_not_counted(self):
        path = self._path()
        self.link.active = False
        self.assertEqual(self._opened(), 0)
        self.link.active = True
        self.link.action_new_address()
        self._call(f"{path}/opened")
        self.env.invalidate_all()
        self.assertEqual(self.link.visit_count, 0, "the address is dead")
        self.assertEqual(self._opened(), 1)

    def test_staff_and_robots_are_not_counted(self):
        user = new_test_user(
            self.env,
            login="pbp_link_staff",
            groups="payment_booking_portal.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.authenticate(user.login, user.login)
        self.assertEqual(self._opened(), 0)
        self._new_visitor()
        self.opener.headers["User-Agent"] = "Googlebot/2.1"
        self.assertEqual(self._opened(), 0)

    # === PAGES COST LITTLE === #

    def test_page_of_many_uses_costs_as_much(self):
        path = self._path()
        self.link.max_payments = 100
        counts = []
        for _round in range(2):
            self._get(path)
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            self._get(path)
            counts.append(self.env.cr.sql_log_count - before)
            for number in range(5):
                self._pay(self._use(self.link, visitor=f"visitor {number}"))
        self.assertLessEqual(counts[1], counts[0] + 2, counts)


@tagged("post_install", "-at_install")
class TestLinkBrowser(BrowserCommon):
    """A guest with a phone on the page of a direct link."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.link = cls.env["payment.direct.link"].create(
            {
                "name": "Give",
                "amount_type": "open",
                "suggestions": "10; 25",
                "company_id": cls.company.id,
            }
        )
        cls.path = urlsplit(cls.link.url).path

    def _type_person(self, page):
        page.type("#o_pbp_name", "Zoé Client")
        page.type("#o_pbp_email", "zoe@example.com")

    def test_choose_and_pay(self):
        with self.open_page() as page:
            page.goto(self.path)
            page.click("label[for=o_pbp_choice_USD_1]")
            page.wait_for(
                "document.querySelector('.o_pbp_pay_amount').innerText.includes('25')"
            )
            self._type_person(page)
            page.click(".o_pbp_link_form button", loads=True)
            page.click("input[name=o_payment_radio]")
            page.type("#customer_input", "4242424242424242")
            page.click("button[name=o_payment_submit_button]")
            page.wait_for("location.pathname.endsWith('/receipt')")
        self.env.invalidate_all()
        self.assertEqual(self.link.request_ids.amount_paid, 25)

    def test_without_javascript(self):
        with self.open_page(javascript=False) as page:
            page.goto(self.path)
            shown = "document.querySelector('#o_pbp_amount_USD').checkVisibility()"
            self.assertFalse(page.evaluate(shown))
            page.click("label[for=o_pbp_choice_USD_own]")
            self.assertTrue(page.evaluate(shown))
            page.type("#o_pbp_amount_USD", "12,5")
            self._type_person(page)
            page.click(".o_pbp_link_form button", loads=True)
            self.assertIn("/pay/", page.evaluate("location.pathname"))
            self.env.invalidate_all()
            self.assertEqual(self.link.request_ids.amount_total, 12.5)

    def test_page_that_is_looked_at_is_counted(self):
        with self.open_page() as page:
            page.goto(self.path)
            page.wait_for(
                "performance.getEntriesByType('resource')"
                ".some(({name}) => name.endsWith('/opened'))"
            )
        self.env.invalidate_all()
        self.assertEqual(self.link.visit_count, 1)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpLinkForm(FormCommon, LinkCommon, BookingHttpCommon):
    """A direct link with a form of its own: one page, then the payment."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.link = cls._make_link(form_id=cls.form.id)
        cls.path = urlsplit(cls.link.url).path

    def _send(self, **typed):
        form = self._form(self._get(self.path), self.path)
        form.pop(self._key("Level"), None)
        given = {"name": "Zoé Client", "email": "zoe@example.com"}
        typed = {self._key("City"): "Ghent", "policy": "1", **given, **typed}
        return self._post(self.path, {**form, **typed})

    def _requests(self):
        self.env.invalidate_all()
        return self.env["payment.request"].search(
            [("direct_link_id", "=", self.link.id)]
        )

    def test_one_page_asks_for_all(self):
        page = self._get(self.path)
        text = self._text(page)
        for words in ("Tell us a little.", "City", "No-show", "I agree"):
            self.assertIn(words, text)
        answer = self._send(**{self._key("Height"): "1,8"})
        self.assertEqual(answer.status_code, 303, answer.text[:2000])
        request = self._requests()
        self.assertEqual(request.form_id, self.form)
        self.assertEqual(
            self._answers(request),
            {"City": "Ghent", "Height": "1.8", "Pictures are fine": "0"},
        )
        submission = self._submissions(request)
        self.assertEqual(submission.address, "127.0.0.1")
        self.assertTrue(submission.is_ticked)
        self.assertEqual(request._get_payable_status(), "payable")
        page = self._get(request._get_pay_url())
        self.assertEqual(self._title(page), "Pay")

    def test_nothing_is_made_without_the_answers(self):
        for missing, message in (
            (self._key("City"), "Please answer this."),
            ("policy", "Please read this and tick the box."),
        ):
            with self.subTest(missing):
                answer = self._send(**{missing: ""})
                self.assertEqual(answer.status_code, 400)
                self.assertIn(message, self._text(answer))
                self.assertIn("Zoé Client", answer.text, "it is not asked again")
        self.assertFalse(self._requests())

    def test_policy_that_changed_is_read_again(self):
        form = self._form(self._get(self.path), self.path)
        self.form.policy = "<p>Nothing is given back.</p>"
        typed = {"name": "Zoé", "email": "zoe@example.com", "policy": "1"}
        typed[self._key("City")] = "Ghent"
        form.pop(self._key("Level"), None)
        answer = self._post(self.path, {**form, **typed})
        self.assertEqual(answer.status_code, 400)
        self.assertIn("Nothing is given back.", self._text(answer))
        self.assertFalse(self._requests())

    def test_answers_of_who_comes_back_are_replaced(self):
        self._send()
        self._send(**{self._key("City"): "Bruges"})
        request = self._requests()
        self.assertEqual(len(request), 1)
        self.assertEqual(self._answers(request)["City"], "Bruges")

    def test_answers_stay_once_money_is_on_its_way(self):
        self._send()
        request = self._requests()
        self._start_payment(request)._set_pending()
        self._send(**{self._key("City"): "Bruges"})
        self.assertEqual(self._answers(request)["City"], "Ghent")

    def test_amount_is_read_where_it_is_asked(self):
        """A field of the pay page's own form changes nothing here."""
        self.link.write({"amount_type": "open", "amount": 0, "amount_min": 20})
        for forged in ("0.01", "-5", "99999999", "abc"):
            with self.subTest(forged):
                self._new_visitor()
                answer = self._send(amount_USD="25", amount=forged, reason="Forged")
                self.assertEqual(answer.status_code, 303)
                request = self._requests()[:1]
                self.assertEqual(request.amount_total, 25)
                self.assertEqual(request.title, "Workshop")
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    request._take_payable_questions({"amount": "0.01"})

    def test_client_of_another_company_pays_as_a_guest(self):
        other = self.env["res.company"].create({"name": "Elsewhere"})
        user = new_test_user(
            self.env,
            "elsewhere",
            groups="base.group_portal",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        user.partner_id.company_id = other
        self.authenticate("elsewhere", "elsewhere")
        self.assertIn("email", self._form(self._get(self.path), self.path))
        self.assertEqual(self._send().status_code, 303)
        request = self._requests()
        self.assertFalse(request.partner_id)
        self.assertEqual(request.client_name, "Zoé Client")

    def test_phone_is_asked_once(self):
        self.form.field_ids = [
            Command.create(
                {"label": "Mobile", "kind": "phone", "partner_field": "phone"}
            )
        ]
        page = self._get(self.path)
        self.assertNotIn("phone", self._form(page, self.path))
        mobile = self.form.field_ids.filtered(lambda f: f.partner_field == "phone")
        self._send(**{mobile._get_key(): "+32 2 555 77"})
        self.assertEqual(self._requests().guest_phone, "+32 2 555 77")

    def test_form_of_the_requests_is_the_default(self):
        link = self._make_link()
        self.assertFalse(link._get_form())
        self.company.booking_request_form_id = self.form
        self.assertEqual(link._get_form(), self.form)
        self.assertIn("No-show", self._text(self._get(urlsplit(link.url).path)))

    def test_form_in_use_stays(self):
        with self.assertRaisesRegex(UserError, "Workshop|in use"):
            self.form.active = False
        other = self.env["res.company"].create({"name": "Elsewhere"})
        foreign = self.form.copy({"company_id": other.id})
        with self.assertRaisesRegex(UserError, "another company"):
            self.link.form_id = foreign
