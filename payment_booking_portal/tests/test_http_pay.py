from urllib.parse import urlsplit

from odoo.fields import Command
from odoo.tests import JsonRpcException, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .common import NOW
from .http_common import BookingHttpCommon

LATE = "2026-03-02 07:20:00"  # the hold of 15 minutes is over


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpPay(BookingHttpCommon):
    """The one pay page, its transaction route, and what comes after."""

    needs_portal_user = True

    def setUp(self):
        super().setUp()
        self.booking = self._place()
        self.url = self.booking._get_pay_url()

    def _transaction(self, url=None, **params):
        """Call the transaction route as the payment form does."""
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

    def _tx(self, processing_values):
        tx = self._get_tx(processing_values["reference"])
        tx.invalidate_recordset()
        return tx

    # === THE PAGE === #

    def test_page_says_what_is_due_and_where_it_goes(self):
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        context = self._get_payment_context(page)
        self.assertEqual(context["amount"], 60.0)
        self.assertEqual(context["currency_id"], self.company.currency_id.id)
        self.assertEqual(context["transaction_route"], f"{self.url}/transaction")
        self.assertEqual(context["landing_route"], f"{self.url}/status")
        self.assertEqual(set(context["payment_method_ids"]), set(self._method_ids()))
        self.assertEqual(context["token_ids"], [])
        self.assertIn("Haircut", self._text(page))

    def _method_ids(self):
        return (self.payment_methods + self.card).ids

    def test_saved_methods_are_shown_to_their_owner_only(self):
        partner = self.portal_user.partner_id
        token = self._create_token(partner_id=partner.id)
        self.booking._editing().partner_id = partner
        self.assertEqual(
            self._get_payment_context(self._get(self.url))["token_ids"], []
        )
        self.authenticate(self.portal_user.login, self.portal_user.login)
        context = self._get_payment_context(self._get(self.url))
        self.assertEqual(context["token_ids"], token.ids)

    def test_suggested_payment_can_wait(self):
        booking = self._place(self._create_service("Cut", fee_policy="suggested"))
        page = self._get(booking._get_pay_url())
        self.assertIn("Pay later", self._text(page))
        self.assertNotIn("Pay later", self._text(self._get(self.url)))

    def test_page_costs_no_more_than_that_of_an_invoice(self):
        invoice = self._create_invoice([60])
        invoice.action_post()
        urls = {"ours": self.url, "native": invoice.get_portal_url()}
        counts = {}
        for name, url in urls.items():
            self._get(url)  # what is read once per server is read
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            page = self._get(url)
            counts[name] = self.env.cr.sql_log_count - before
            self.assertTrue(self._get_payment_context(page)["payment_method_ids"])
        self.assertLessEqual(counts["ours"], 1.2 * counts["native"], counts)

    # === STARTING === #

    def test_transaction_is_what_we_say(self):
        values = self._transaction()
        tx = self._tx(values)
        self.booking.invalidate_recordset()
        self.assertEqual(tx.amount, 60.0)
        self.assertEqual(tx.currency_id, self.company.currency_id)
        self.assertEqual(tx.provider_id, self.provider)
        self.assertEqual(tx.partner_id, self.booking.partner_id)
        self.assertEqual(tx.landing_route, f"{self.url}/status")
        self.assertEqual(tx.company_id, self.company)
        self.assertFalse(tx.tokenize)
        self.assertEqual(tx.allocation_ids.booking_id, self.booking)
        self.assertEqual(tx.allocation_ids.amount, 60.0)
        self.assertTrue(tx.reference.startswith(self.booking.name))
        self.assertEqual(values["amount"], 60.0)
        self.assertIn("redirect_form_html", values)

    def test_guest_saves_no_payment_method(self):
        tx = self._tx(self._transaction(tokenization_requested=True))
        self.assertFalse(tx.tokenize)

    def test_values_that_the_form_always_sends_are_ignored(self):
        tx = self._tx(
            self._transaction(
                amount=0.01,
                landing_route="https://evil.example.com",
                is_validation=True,
            )
        )
        self.assertEqual(tx.amount, 60.0)
        self.assertEqual(tx.landing_route, f"{self.url}/status")
        self.assertEqual(tx.operation, "online_redirect")

    def test_forged_values_are_refused(self):
        invoice = self._create_invoice([60])
        before = self._snapshot()
        for name, value in {
            "minimum_amount": 0.01,
            "currency_id": self.currency_euro.id,
            "partner_id": self.partner.id,
            "reference_prefix": "EVIL",
            "invoice_id": invoice.id,
            "custom_create_values": {"state": "done"},
            "state": "done",
            "company_id": 1,
        }.items():
            with self.subTest(name), self.assertRaises(JsonRpcException):
                self._transaction(**{name: value})
        self._assert_nothing_written(before)

    def test_what_is_not_on_offer_is_refused(self):
        unpublished = self.provider.copy(
            {"state": "enabled", "company_id": self.company.id}
        )
        unpublished.is_published = False
        before = self._snapshot()
        for params in (
            {"provider_id": unpublished.id},
            {"provider_id": self.transfer.id},
            {"provider_id": 2**40},
            {"provider_id": -1},
            {"payment_method_id": self.transfer_method.id},
            {"payment_method_id": 2**70},
            {"flow": "token", "token_id": 1},
            {"flow": "offline"},
            {"flow": "validation"},
            {"flow": None},
        ):
            with self.subTest(params=params), self.assertRaises(JsonRpcException):
                self._transaction(**params)
        self._assert_nothing_written(before)

    def test_wrong_types_are_refused(self):
        before = self._snapshot()
        with self.assertNoLogs(level="ERROR"):
            for name in ("provider_id", "payment_method_id", "token_id"):
                for value in ([1], {"a": 1}, True, 1.5, "1", "x" * 1000, [[]]):
                    with (
                        self.subTest(name=name, value=str(value)[:20]),
                        self.assertRaises(JsonRpcException),
                    ):
                        self._transaction(**{name: value})
            for value in (["redirect"], {"flow": 1}, 5, True):
                with self.subTest(flow=value), self.assertRaises(JsonRpcException):
                    self._transaction(flow=value)
        self._assert_nothing_written(before)

    def test_foreign_token_does_not_ride_along(self):
        token = self._create_token(partner_id=self.partner.id)
        tx = self._tx(self._transaction(token_id=token.id))
        self.assertFalse(tx.token_id)

    def test_two_tabs_share_one_transaction(self):
        first, second = self._transaction(), self._transaction()
        self.assertEqual(first["reference"], second["reference"])
        self.assertEqual(len(self.booking.allocation_ids), 1)

    def test_other_offer_is_blocked_while_money_may_come(self):
        tx = self._tx(self._transaction())
        self._age(tx, 1)
        with self.assertRaises(JsonRpcException):
            self._transaction(payment_method_id=self.card.id)
        self.booking.invalidate_recordset()
        self.assertEqual(self.booking.allocation_ids.transaction_id, tx)

    def test_nothing_starts_when_nothing_is_due(self):
        self._pay(self.booking)
        before = self._snapshot()
        with self.assertRaises(JsonRpcException):
            self._transaction()
        self._assert_nothing_written(before)

    # === COMING BACK === #

    def test_client_comes_back_and_is_booked(self):
        tx = self._tx(self._transaction())
        page = self._get(f"{self.url}/status")
        self.assertEqual(self._title(page), "We are checking with your bank")
        self._assert_private(page)
        self.assertEqual(self._call(f"{self.url}/poll"), {"url": False})
        tx._set_done()
        self.env.flush_all()
        page = self._get(f"{self.url}/status")
        self.assertEqual(self._title(page), "We are checking with your bank")
        self.booking.invalidate_recordset()
        self.assertEqual(self.booking.state, "hold", "a GET changes nothing")
        url = self._call(f"{self.url}/poll")["url"]
        self.booking.invalidate_recordset()
        self.assertEqual(self.booking.state, "confirmed")
        self.assertEqual(url, self.booking._get_manage_url())
        answer = self._get(f"{self.url}/status")
        self.assertEqual(urlsplit(answer.headers["Location"]).path, url)
        page = self._get(url)
        self.assertEqual(self._title(page), "You are booked")
        self.assertIn("60.00", self._text(page))
        before = self._snapshot()
        self.assertEqual(self._call(f"{self.url}/poll"), {"url": url})
        self._assert_nothing_written(before)

    def test_another_device_polls_too(self):
        tx = self._tx(self._transaction())
        tx._set_done()
        self.env.flush_all()
        self._new_visitor()
        self.assertTrue(self._call(f"{self.url}/poll")["url"])

    def test_nobody_is_booked_before_the_money_is_settled(self):
        tx = self._tx(self._transaction())
        for state in ("pending", "done"):
            with self.subTest(state):
                getattr(tx, f"_set_{state}")()
                self.env.flush_all()
                page = self._get(self.booking._get_manage_url(), allow_redirects=True)
                self.assertEqual(page.status_code, 200)
                self.assertNotIn("You are booked", self._text(page))
                self.assertEqual(self._title(page), "We are checking with your bank")

    def test_money_that_could_not_be_settled_is_no_endless_loop(self):
        tx = self._tx(self._transaction())
        tx._set_done()
        self.booking._editing().state = "cancelled"
        tx._post_process()
        self.booking._editing().state = "hold"
        self.env.flush_all()
        for url in (self.url, f"{self.url}/status", self.booking._get_manage_url()):
            page = self._get(url, allow_redirects=True)
            self.assertEqual(page.status_code, 200)
            self.assertNotIn("You are booked", self._text(page))

    def test_declined(self):
        tx = self._tx(self._transaction())
        tx._set_error("No")
        self.env.flush_all()
        self.assertEqual(self._call(f"{self.url}/poll"), {"url": f"{self.url}/status"})
        page = self._get(f"{self.url}/status")
        self.assertEqual(self._title(page), "The payment did not go through")
        self.assertIn("You were not charged", self._text(page))
        self.assertIn("is held for you until", self._text(page))
        self.assertEqual(self._get(self.url).status_code, 200)
        self.assertNotEqual(self._tx(self._transaction()), tx, "try again")

    def test_status_without_payment_goes_to_the_pay_page(self):
        answer = self._get(f"{self.url}/status")
        self.assertEqual(urlsplit(answer.headers["Location"]).path, self.url)

    def test_bank_transfer_shows_account_and_deadline(self):
        booking = self._place_far()
        url = booking._get_pay_url()
        tx = self._tx(
            self._transaction(
                url,
                provider_id=self.transfer.id,
                payment_method_id=self.transfer_method.id,
            )
        )
        tx._set_pending()
        self.env.flush_all()
        for path in (url, f"{url}/status"):
            page = self._get(path)
            self.assertIn("Held for you until", self._title(page))
            self.assertIn("BE00 0000", self._text(page))
            self.assertIn(tx._get_communication(), self._text(page))
            self.assertIn("You have not paid yet", self._text(page))

    # === ENDS === #

    def test_over(self):
        with freeze_time(LATE):
            page = self._get(self.url)
            self.assertEqual(page.status_code, 410)
            self.assertEqual(self._title(page), "Your time to pay is over")
            self.assertIn("not charged", self._text(page))
            links = self._parse(page).xpath("//a[contains(@href, '/details?')]/@href")
            self.assertTrue(links)
            self.assertEqual(self._get(links[0]).status_code, 200)
            with self.assertRaises(JsonRpcException):
                self._transaction()

    def test_already_paid(self):
        self._pay(self.booking)
        self.env.flush_all()
        page = self._get(self.url)
        self.assertEqual(page.status_code, 200)
        self.assertEqual(self._title(page), "This is already paid")
        self.assertIn("not charged again", self._text(page))

    def test_cancelled(self):
        self.booking._drop_hold()
        self.env.flush_all()
        page = self._get(self.url)
        self.assertEqual(page.status_code, 410)
        self.assertEqual(self._title(page), "This booking is cancelled")

    def test_late_money_without_its_time(self):
        self.people.resource_ids = self.booking.resource_ids
        tx = self._start_payment(self.booking)
        tx._set_canceled()
        with freeze_time(LATE):
            self.booking._end_hold()
            self._place()
            tx._set_done()
            tx._post_process()
            self.env.flush_all()
            page = self._get(self.url, allow_redirects=True)
            self.assertEqual(self._title(page), "You paid, but the time is gone")
            page = self._get(self.booking._get_manage_url(), allow_redirects=True)
            self.assertEqual(self._title(page), "You paid, but the time is gone")

    def test_nothing_to_pay(self):
        booking = self._place(self._create_service("Chat", fee_policy="free", price=0))
        page = self._get(booking._get_pay_url())
        self.assertEqual(self._title(page), "Nothing to pay")

    def test_drop(self):
        form = self._form(self._get(self.url), "/drop")
        before = self._snapshot()
        with self.assertLogs("odoo.http", "WARNING"):
            self.assertEqual(self._post(f"{self.url}/drop").status_code, 400)
        self.assertIn(self._get(f"{self.url}/drop").status_code, (404, 405))
        self._assert_nothing_written(before)
        answer = self._post(f"{self.url}/drop", form)
        self.assertEqual(answer.status_code, 303)
        self.booking.invalidate_recordset()
        self.assertEqual(self.booking.state, "cancelled")

    def test_drop_is_refused_while_money_may_come(self):
        form = self._form(self._get(self.url), "/drop")
        self._transaction()
        answer = self._post(f"{self.url}/drop", form)
        self.assertEqual(answer.status_code, 409)
        self.booking.invalidate_recordset()
        self.assertEqual(self.booking.state, "hold")

    # === RATE LIMIT === #

    def _start_many(self, number, booking, age=0):
        """Let an address have started payments of a booking some minutes ago."""
        key = self.env["payment.transaction"]._make_client_key("127.0.0.1")
        for i in range(number):
            tx = self._start_payment(
                booking, client_key=key, reference=f"many-{booking.id}-{i}-{age}"
            )
            tx._set_canceled()
            self._age(tx, age)
        self.env.flush_all()

    def _assert_limited(self, url, limited):
        page = self._get(url)
        self.assertEqual(page.status_code, 429 if limited else 200)
        if limited:
            self.assertIn("+32 2 555 01 01", self._text(page))
            with self.assertRaises(JsonRpcException):
                self._transaction(url)

    def test_five_payments_of_a_document_in_ten_minutes(self):
        self._start_many(4, self.booking, 9)
        self._assert_limited(self.url, False)
        self._start_many(1, self.booking)
        self._assert_limited(self.url, True)
        other = self._place(local="2026-03-04 09:00")
        self._assert_limited(other._get_pay_url(), False)
        with freeze_time("2026-03-02 07:02:00"):
            self._assert_limited(self.url, False)

    def test_twenty_payments_of_an_address_in_an_hour(self):
        other = self._place(local="2026-03-04 09:00")
        self._start_many(19, other, 59)
        self._assert_limited(self.url, False)
        self._start_many(1, other, 58)
        self._assert_limited(self.url, True)
        with freeze_time("2026-03-02 07:02:00"):
            self._assert_limited(self.url, False)

    def test_address_itself_is_not_stored(self):
        tx = self._tx(self._transaction())
        self.assertTrue(tx.client_key)
        self.assertNotIn("127.0.0.1", str(tx.read()))

    # === BAD INPUT === #

    def test_garbage_in_json(self):
        before = self._snapshot()
        with mute_logger("odoo.http"), self.assertNoLogs(level="ERROR"):
            for body in ("", "[]", "5", "{", '"x"', '{"params": []}', "{}", "null"):
                with self.subTest(body):
                    answer = self._post(
                        f"{self.url}/transaction",
                        body,
                        headers={"Content-Type": "application/json"},
                    )
                    self.assertLess(answer.status_code, 500)
                    self.assertNotIn('"result": {"provider', answer.text)
        self._assert_nothing_written(before)

    def test_two_companies_money_does_not_mix(self):
        other = self._create_other_company()
        theirs = self.provider.copy(
            {"company_id": other.id, "state": "enabled", "is_published": True}
        )
        theirs.payment_method_ids = [Command.set(self.payment_methods.ids)]
        with self.assertRaises(JsonRpcException):
            self._transaction(provider_id=theirs.id)
        self.assertFalse(self.booking.allocation_ids)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestTryAsClient(BookingHttpCommon):
    """Staff books a service that is not published, with a provider that is not either.

    Odoo unpublishes a provider that is set to test mode, and guests get none then.
    """

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.transfer.write({"state": "disabled", "is_published": False})
        cls.provider.write({"state": "test", "is_published": False})
        cls.company.booking_accept_test_payments = True
        cls.service.is_published = False
        for login, group in (("pbp_try_user", "user"), ("pbp_try_boss", "manager")):
            new_test_user(
                cls.env,
                login=login,
                groups=f"payment_booking_portal.group_{group}",
                company_id=cls.company.id,
                company_ids=[Command.set(cls.company.ids)],
            )

    def _try(self, local):
        """Book and pay as the visitor, and return the booking."""
        url = self.service._get_book_url()
        self.assertEqual(self._get(f"{url}?day={local[:10]}").status_code, 200)
        _answer, booking = self._book(local=local)
        self.assertEqual(booking.state, "hold")
        page = self._get(booking._get_pay_url())
        context = self._get_payment_context(page)
        self.assertIn(self.payment_method_id, context["payment_method_ids"])
        values = self._call(
            context["transaction_route"],
            provider_id=self.provider.id,
            payment_method_id=self.payment_method_id,
            token_id=None,
            flow="redirect",
            tokenization_requested=False,
            access_token="whatever",
        )
        tx = self._get_tx(values["reference"])
        tx._set_done()
        tx._post_process()
        self.env.invalidate_all()
        return booking

    def test_staff_books_and_pays(self):
        for login, local in (
            ("pbp_try_user", "2026-03-03 09:00"),
            ("pbp_try_boss", "2026-03-04 09:00"),
        ):
            with self.subTest(login):
                self.authenticate(login, login)
                booking = self._try(local)
                self.assertEqual(booking.state, "confirmed")
                self.assertEqual(booking.payment_coverage, "paid")

    def test_guest_cannot_book_before_it_is_published(self):
        self.assertEqual(self._get(self.service._get_book_url()).status_code, 404)

    def test_real_business_takes_no_test_money(self):
        self.company.booking_accept_test_payments = False
        self.authenticate("pbp_try_boss", "pbp_try_boss")
        page = self._get(self.service._get_book_url())
        self.assertIn("closed at the moment", self._text(page))
