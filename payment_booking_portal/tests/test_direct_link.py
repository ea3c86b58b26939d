"""Direct links: what they ask for, who may change them, when they close."""

import base64
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from odoo import fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .. import const
from ..gateways import DEAD, Answer, Gateway
from ..tools.amounts import parse_amount, parse_list
from .common import NOW
from .test_payable import PayableCommon


class LinkCommon(PayableCommon):
    """A studio that takes dollars, euros, yen (0 decimals) and dinars (3)."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        codes = ("EUR", "JPY", "KWD")
        cls.euro, cls.yen, cls.dinar = (cls._enable_currency(code) for code in codes)
        cls.dollar = cls.company.currency_id
        cls.provider.available_currency_ids = [Command.clear()]
        cls.company.booking_currency_ids = cls.euro + cls.yen + cls.dinar
        cls.env["res.currency.rate"].search(
            [("currency_id", "in", (cls.euro + cls.yen + cls.dinar).ids)]
        ).unlink()
        cls.env["res.currency.rate"].create(
            {
                "name": "2026-01-01",
                "currency_id": cls.yen.id,
                "company_id": cls.company.id,
                "rate": 150.0,
            }
        )
        # The browser of a guest, as far as the counters know.
        cls.guest_env = cls.env(user=cls.env.ref("base.public_user"))

    @classmethod
    def _make_link(cls, **values):
        """Return a link of 40 USD, for whoever opens it."""
        return cls.env["payment.direct.link"].create(
            {"name": "Workshop", "title": "Workshop", "amount": 40, **values}
        )

    @classmethod
    def _make_open(cls, **values):
        return cls._make_link(amount_type="open", amount=0, **values)

    @classmethod
    def _make_product(cls, name="Mat", price=50.0, **values):
        return cls.env["product.product"].create(
            {"name": name, "list_price": price, "taxes_id": False, **values}
        )

    def _use(self, link, currency=None, visitor="visitor", **typed):
        """Return the request of a guest who fills in a link."""
        given_values = {
            "guest_name": "Zoé Client",
            "guest_email": "zoe@example.com",
            **typed,
        }
        keys = ("partner", "request_key", "client_key")
        kwargs = {key: given_values.pop(key, None) for key in keys}
        link = link.with_env(self.guest_env).sudo()
        return link._use(
            currency or link.currency_id, given_values, visitor_key=visitor, **kwargs
        ).with_env(self.env)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestDirectLink(LinkCommon):
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("link_user", f"{group}user")
        cls.manager = cls._create_colleague("link_manager", f"{group}manager")
        cls.link = cls._make_link()

    @classmethod
    def _create_colleague(cls, login, groups):
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _as(self, user, link=None):
        return (link or self.link).with_user(user).sudo(False)

    # === THE ADDRESS === #

    def test_address_is_short_and_cannot_be_guessed(self):
        tokens = {self._make_link().url.rsplit("/", 1)[1] for _ in range(20)}
        self.assertEqual(len(tokens), 20)
        for token in tokens:
            self.assertEqual(len(token), 22)
            self.assertEqual(len(base64.urlsafe_b64decode(token + "==")), 16)
        self.assertTrue(self.link.url.endswith("/l/" + self.link.url[-22:]))

    def test_new_address_kills_the_old_one(self):
        old = self.link.url
        self._as(self.manager).action_new_address()
        self.assertNotEqual(self.link.url, old)
        AccessLink = self.env["payment.access.link"]
        self.assertFalse(AccessLink._find(old[-22:], "link").is_valid)
        found = AccessLink._find(self.link.url[-22:], "link")
        self.assertEqual(found._get_document(), self.link)

    def test_addresses_of_a_list_take_one_search(self):
        links = self.link + self._make_link() + self._make_link()
        links.mapped("url")
        links.invalidate_recordset(["url"])
        with self.assertQueryCount(4):
            self.assertEqual(len(set(links.mapped("url"))), 3)

    # === RIGHTS === #

    def test_user_shares_and_manager_writes(self):
        link = self._as(self.user)
        self.assertEqual(link.url, self.link.url)
        self.assertTrue(base64.b64decode(link.qr_png).startswith(b"\x89PNG"))
        self.assertIn(b"<svg", base64.b64decode(link.qr_svg))
        self.assertIn(link.url, link.button_html)
        self.assertIn(link.url, link.signature_html)
        self.assertIn("Workshop", link.preview)
        self.assertEqual(link.action_try()["url"], link.url)
        self.assertFalse(link.closed_reason)
        for refused in (
            lambda: link.write({"amount": 1}),
            lambda: link.action_new_address(),
            lambda: link.copy(),
            lambda: link.unlink(),
            lambda: link.create({"name": "Mine", "amount": 1}),
        ):
            with self.assertRaises(AccessError):
                refused()
        link = self._as(self.manager)
        link.amount = 45
        link.copy().unlink()

    def test_client_and_guest_read_no_links(self):
        for user in (self.portal_user, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self._as(user).read(["name"])
            with self.assertRaises(AccessError):
                self._as(user).action_try()

    def test_nobody_reads_another_companys_links(self):
        other = self._create_other_company()
        link = self._make_link(company_id=other.id)
        for user in (self.user, self.manager):
            with self.assertRaises(AccessError):
                self._as(user, link).read(["url"])

    def test_nobody_makes_up_a_use(self):
        with self.assertRaises(UserError):
            self.env["payment.request"].with_user(self.user).create(
                {
                    "partner_id": self.partner.id,
                    "amount": 1,
                    "direct_link_id": self.link.id,
                }
            )
        request = self._use(self.link)
        with self.assertRaises(UserError):
            request.with_user(self.user).sudo(False).direct_link_id = False

    def test_used_link_is_archived_instead_of_deleted(self):
        self._use(self.link)
        with self.assertRaises(UserError):
            self._as(self.manager).unlink()
        self._as(self.manager).active = False
        self.assertEqual(self.link._get_closed_key(), "archived")

    # === WHAT IS PAID === #

    def test_each_use_is_frozen(self):
        request = self._use(self.link)
        self.assertEqual(request.state, "sent")
        self.assertEqual(request.amount_total, 40)
        self.assertEqual(request.currency_id, self.dollar)
        self.assertEqual(request.reason, "Workshop")
        self.assertEqual(request.user_id, self.link.user_id)
        self.assertFalse(request.partner_id)
        forged = self._use(self.link, visitor="b", amount=1.0, reason="Mine")
        self.assertEqual(forged.amount_total, 40)
        self.assertFalse(forged.amount_typed or forged.reason_typed)
        self.link.amount = 90
        self.assertEqual(request.amount_total, 40)
        self.assertEqual(request._get_payable_status(), "payable")

    def test_no_contact_before_the_payment_and_never_an_existing_one(self):
        existing = self.env["res.partner"].create(
            {"name": "Zoé", "email": "zoe@example.com"}
        )
        request = self._use(self.link)
        self.assertFalse(request.partner_id)
        self._start_payment(request)
        self.assertTrue(request.partner_id)
        self.assertNotEqual(request.partner_id, existing)
        self.assertIn(existing, request.duplicate_partner_ids)

    def test_who_has_the_address_of_a_use_is_not_its_client(self):
        partner = self.portal_user.partner_id
        request = self._use(self.link, partner=partner, client_key="somebody")
        self.assertEqual(request.partner_id, partner)
        self.assertTrue(request._is_payer_proved(self.portal_user))
        self.assertFalse(request._is_payer_proved(self.env.ref("base.public_user")))

    def test_products_have_their_prices_and_taxes(self):
        tax = self.env["account.tax"].create(
            {"name": "20%", "amount": 20, "company_id": self.company.id}
        )
        product = self._make_product(taxes_id=[Command.set(tax.ids)])
        link = self._make_link(
            amount_type="products",
            amount=0,
            line_ids=[Command.create({"product_id": product.id, "quantity": 2})],
            price_ids=[
                Command.create({"currency_id": self.yen.id}),
                Command.create({"currency_id": self.euro.id}),
            ],
        )
        offers = link._get_offers()
        # No rate and no price in euros: not offered, rather than one to one.
        self.assertEqual(set(offers), {self.dollar, self.yen})
        self.assertEqual(offers[self.dollar]["amount"], 120)
        self.assertEqual(offers[self.yen]["amount"], 18000)
        request = self._use(link, self.yen)
        self.assertEqual(request.amount_total, 18000)
        self.assertEqual(request.amount_tax, 3000)
        self._pay(request)
        self.assertEqual(request.invoice_id.amount_total, 18000)
        self.assertFalse(request.needs_attention)

    def test_amounts_by_currency(self):
        self.link.price_ids = [
            Command.create({"currency_id": self.euro.id, "amount": 37.5}),
            Command.create({"currency_id": self.yen.id}),
            Command.create({"currency_id": self.dinar.id}),
        ]
        amounts = {
            currency.name: terms["amount"]
            for currency, terms in self.link._get_offers().items()
        }
        # Converted at the rate where there is one, else not offered.
        self.assertEqual(amounts, {"USD": 40, "EUR": 37.5, "JPY": 6000})
        self.link.price_ids[-1:].amount = 12.345
        self.assertEqual(self.link._get_offers()[self.dinar]["amount"], 12.345)
        request = self._use(self.link, self.dinar)
        self.assertEqual(request.amount_total, 12.345)

    def test_limits_typed_by_half(self):
        link = self._make_open(amount_min=5, amount_max=50)
        link.price_ids = [
            Command.create({"currency_id": self.yen.id, "suggestions": "1; 1000"})
        ]
        # The minimum is the converted one: 750 yen.
        self.assertEqual(link._get_offers()[self.yen]["suggestions"], [1000])
        link.price_ids.write({"suggestions": False, "amount_max": 100})
        self.assertNotIn(self.yen, link._get_offers())

    def test_currency_that_is_not_accepted_any_more_is_not_offered(self):
        self.link.price_ids = [
            Command.create({"currency_id": self.euro.id, "amount": 37.5})
        ]
        self.company.booking_currency_ids -= self.euro
        self.assertEqual(set(self.link._get_offers()), {self.dollar})

    def test_nothing_is_offered_without_provider(self):
        (self.provider + self.transfer).is_published = False
        self.assertFalse(self.link._get_offers())
        self.assertIn("provider", self.link.closed_reason)

    def test_open_amounts_by_currency(self):
        link = self._make_open(amount_min=5, amount_max=50, suggestions="10; 20")
        link.price_ids = [
            Command.create({"currency_id": self.yen.id}),
            Command.create(
                {
                    "currency_id": self.dinar.id,
                    "amount_min": 1,
                    "amount_max": 10,
                    "suggestions": "1.5; 2,125",
                }
            ),
            Command.create({"currency_id": self.euro.id}),
        ]
        offers = link._get_offers()
        self.assertEqual(set(offers), {self.dollar, self.yen, self.dinar})
        self.assertEqual(
            offers[self.yen],
            {
                "amount": 0,
                "amount_min": 750,
                "amount_max": 7500,
                "suggestions": [1500, 3000],
            },
        )
        self.assertEqual(offers[self.dinar]["suggestions"], [1.5, 2.125])
        # A row that is filled in by half keeps the limits.
        link.price_ids[0].suggestions = "2000"
        offer = link._get_offers()[self.yen]
        self.assertEqual((offer["amount_min"], offer["amount_max"]), (750, 7500))
        self.assertEqual(offer["suggestions"], [2000])
        link.price_ids[1].amount_max = 0  # no rate: no limit to convert
        self.assertNotIn(self.dinar, link._get_offers())

    # === CHECKS === #

    def test_what_makes_no_sense_is_refused(self):
        for values in (
            {"amount": 0},
            {"amount": 10**8},
            {"currency_id": self._enable_currency("GBP").id},
            {"amount_type": "products"},
            {"amount_type": "open", "amount_min": 10, "amount_max": 5},
            {"amount_type": "open", "suggestions": "ten; 20"},
            {"amount_type": "open", "suggestions": "10; 1e9"},
            {"amount_type": "open", "suggestions": "10.005"},
            {"amount_type": "open", "suggestions": "10", "amount_min": 20},
            {"amount_type": "open", "suggestions": "; ".join(map(str, range(1, 20)))},
            {"kind": "book"},
            *(
                {"amount_type": kind, "price_ids": [Command.create(price)]}
                for kind, price in (
                    ("fixed", {"currency_id": self.dollar.id}),
                    ("fixed", {"currency_id": self.yen.id, "amount": 10**8}),
                    ("open", {"currency_id": self.yen.id, "suggestions": "ten"}),
                    ("open", {"currency_id": self.yen.id, "suggestions": "10.5"}),
                    (
                        "open",
                        {
                            "currency_id": self.yen.id,
                            "amount_min": 10,
                            "amount_max": 5,
                        },
                    ),
                )
            ),
        ):
            with self.subTest(values), self.assertRaises(ValidationError):
                with self.env.cr.savepoint():
                    self._make_link(**values).flush_recordset()

    def test_service_of_another_company_is_not_linked(self):
        other = self._create_company(name="Elsewhere")
        with self.assertRaisesRegex(ValidationError, "another company"):
            self._make_link(
                kind="book",
                service_id=self.service.id,
                company_id=other.id,
                currency_id=other.currency_id.id,
            )

    def test_return_address_is_a_web_address(self):
        for url in ("https://studio.example", "http://studio.example/thanks?a=1"):
            self.link.return_url = url
        for url in (
            *("javascript:alert(1)", "data:text/html,x", "//evil.example", "/my"),
            *(
                "https://",
                "ftp://studio.example",
                "https://a b",
                " https://x",
                "http:x",
            ),
            *("JaVaScRiPt:alert(1)//http://x", "https://[::1"),
        ):
            with self.subTest(url), self.assertRaises(ValidationError):
                self.link.return_url = url

    # === LIMITS === #

    def test_dates_are_days_of_the_business(self):
        self.link.write({"date_start": "2026-03-02", "date_end": "2026-03-03"})
        for moment, key in (
            ("2026-03-01 22:59:00", "early"),  # 23:59 in Brussels
            ("2026-03-01 23:01:00", False),
            ("2026-03-03 22:59:00", False),
            ("2026-03-03 23:01:00", "over"),
        ):
            with self.subTest(moment), freeze_time(moment):
                self.assertEqual(self.link._get_closed_key(), key)

    def test_closed_between_the_form_and_the_payment(self):
        request = self._use(self.link)
        for values in (
            {"active": False},
            {"date_end": "2026-03-01"},
            {"date_start": "2026-03-05"},
        ):
            undo = {name: self.link[name] for name in values}
            self.link.write(values)
            self.assertEqual(request._get_payable_status(), "link_closed")
            with self.assertRaises(UserError):
                request._prepare_payment(
                    self.provider.id,
                    self.payment_method_id,
                    None,
                    "redirect",
                    self.env.user,
                )
            self.link.write(undo)
        self.assertEqual(request._get_payable_status(), "payable")

    def test_last_payment_is_kept_for_who_started_it(self):
        self.link.max_payments = 1
        first, second = self._use(self.link), self._use(self.link, visitor="other")
        self.assertEqual(second._get_payable_status(), "payable")
        tx = self._start_payment(first)
        self._age(tx, 1)
        self.assertEqual(second._get_payable_status(), "used_up")
        self.assertEqual(
            first._get_payable_status(), "payable", "its own does not count"
        )
        self.assertEqual(self.link._get_closed_key(), "used_up")
        # A payment that was left alone gives its place back after a while.
        self._age(tx, 16)
        self.assertEqual(second._get_payable_status(), "payable")
        tx._set_pending()
        self.env.flush_all()
        self.assertEqual(second._get_payable_status(), "used_up")

    def test_transfers_that_do_not_come_use_nothing_up(self):
        self.link.max_payments = 1
        request = self._use(self.link)
        tx = self._start_payment(request)
        tx._set_pending()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 1)
        request.action_cancel()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 0, "staff frees a place")
        other = self._use(self.link, visitor="other")
        tx = self._start_payment(other)
        tx._set_pending()
        self._age(tx, 60 * 24 * self.company.booking_transfer_days + 1)
        self.assertEqual(self.link._count_uses(), 0)
        tx._set_done()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 1)

    def test_money_of_a_cancelled_use_counts(self):
        self.link.max_payments = 1
        request = self._use(self.link)
        tx = self._start_payment(request)
        request.action_cancel()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 0)
        tx._set_done()
        tx._post_process()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 1)

    def test_address_fills_in_so_many_links(self):
        most, minutes = const.RATE_ADDRESS
        links = [self._make_link() for _number in range(most // 4)]
        for number in range(most):
            self.assertFalse(self.link._is_rate_limited("somebody"))
            link = links[number // 4]
            self._use(link, visitor=f"{number}", client_key="somebody")
        self.assertTrue(self.link._is_rate_limited("somebody"))
        self.assertFalse(self.link._is_rate_limited("another"))
        self.env.cr.execute(
            "UPDATE payment_request SET create_date = %s WHERE client_key = 'somebody'",
            [fields.Datetime.now() - timedelta(minutes=minutes)],
        )
        self.assertFalse(self.link._is_rate_limited("somebody"))

    def test_visitors_owe_nothing(self):
        request = self._use(self.link)
        self._start_payment(request)
        self.assertTrue(request.partner_id)
        self.assertFalse(request.partner_id._describe_dues(self.company))
        self.assertFalse(request.due_status)

    def test_money_beyond_the_limit_is_recorded_and_flagged(self):
        self.link.max_payments = 1
        first, second = self._use(self.link), self._use(self.link, visitor="other")
        self._pay(first)
        self.assertFalse(first.needs_attention)
        tx = self._pay(second)  # it had been started in time
        self.assertEqual(second.state, "paid")
        self.assertTrue(tx.payment_id)
        self.assertEqual(second.attention_reason, "link_used_up")
        self.assertTrue(second.activity_ids)

    def test_test_money_uses_nothing_up_unless_it_is_accepted(self):
        self.link.max_payments = 1
        request = self._use(self.link)
        tx = self._start_payment(request)
        tx.is_live = False
        tx._set_done()
        self.env.flush_all()
        self.assertEqual(self.link._count_uses(), 0)
        self.company.booking_accept_test_payments = True
        self.assertEqual(self.link._count_uses(), 1)

    # === COMING BACK === #

    def test_visitor_comes_back_to_the_same_request(self):
        link = self._make_open()
        first = self._use(link, amount=10.0)
        again = self._use(link, amount=10.0)
        self.assertEqual(first, again)
        other = self._use(link, amount=25.0, guest_name="Zoé Martin")
        self.assertEqual(other, first)
        self.assertEqual(first.amount_total, 25)
        self.assertEqual(first.client_name, "Zoé Martin")
        self.assertEqual(self._use(link, visitor="b", amount=10.0).amount_total, 10)
        self.assertEqual(len(link.request_ids), 2)

    def test_what_money_may_come_for_stays_as_it_is(self):
        link = self._make_open()
        first = self._use(link, amount=10.0)
        self._start_payment(first)
        self.assertEqual(self._use(link, amount=10.0), first, "the same again")
        second = self._use(link, amount=25.0)
        self.assertNotEqual(second, first)
        self.assertEqual((first.amount_total, second.amount_total), (10, 25))

    def test_visitor_of_two_links_has_a_request_of_each(self):
        other = self._make_link(amount=90)
        first, second = self._use(self.link), self._use(other)
        self.assertEqual((first.amount_total, second.amount_total), (40, 90))
        self.assertEqual(self._use(self.link), first)

    def test_another_sum_stops_no_money_on_its_way(self):
        link = self._make_open()
        first = self._use(link, amount=10.0)
        tx = self._start_payment(first)
        tx._set_pending()
        # A provider that could still stop it.
        self.patch(Gateway, "stop", lambda gateway, tx_sudo: Answer(DEAD))
        self.assertNotEqual(self._use(link, amount=25.0), first)
        self.assertEqual(tx.state, "pending")

    def test_same_number_in_another_currency_is_another_sum(self):
        row = {"currency_id": self.yen.id}
        link = self._make_open(price_ids=[Command.create(row)])
        self._use(link, amount=1000.0)
        again = self._use(link, self.yen, amount=1000.0)
        self.assertEqual(again.currency_id, self.yen)

    def test_contact_stays_with_the_same_person(self):
        link = self._make_open()
        request = self._use(link, amount=10.0)
        self._start_payment(request)._set_canceled()
        contact = request.partner_id
        self.assertTrue(contact)
        self.assertEqual(self._use(link, amount=25.0).partner_id, contact)
        other = {"guest_name": "Anna Berg", "guest_email": "anna@example.com"}
        self.assertEqual(self._use(link, amount=25.0, **other), request)
        self.assertFalse(request.partner_id)
        self.assertEqual(request.client_name, "Anna Berg")

    def test_who_paid_may_pay_again(self):
        first = self._use(self.link, request_key="a")
        self._pay(first)
        self.assertEqual(
            self._use(self.link, request_key="a"), first, "a click too many"
        )
        second = self._use(self.link, request_key="b")
        self.assertNotEqual(second, first)
        self.assertEqual(second._get_payable_status(), "payable")

    def test_expired_use_lives_again(self):
        first = self._use(self.link)
        first._editing().expires_at = fields.Datetime.now() - timedelta(minutes=1)
        first._expire()
        self.assertEqual(first.state, "expired")
        self.assertEqual(self._use(self.link), first)
        self.assertEqual(first._get_payable_status(), "payable")

    # === WHO HEARS OF IT === #

    def test_followers_hear_of_money_and_not_of_visitors(self):
        follower = self.user.partner_id
        self.link.message_subscribe(follower.ids)
        self.link.message_subscribe(self.partner.ids)  # a client learns nothing
        self.link.user_id = self.manager
        request = self._use(self.link)
        told = request._get_staff_to_tell("paid")
        self.assertEqual(told, follower + self.manager.partner_id)
        self.assertFalse(request._get_staff_to_tell("expired"))
        self._pay(request)
        messages = request.message_ids.filtered(lambda m: "paid" in (m.body or ""))
        self.assertIn(follower, messages.notified_partner_ids)

    # === COUNTERS === #

    def test_counters_count_what_clients_did(self):
        visits = self.env["payment.direct.link.visit"].sudo()
        for visitor in ("a", "a", "b", "c", "d"):
            visits._note(self.link, visitor)
        with freeze_time("2026-03-03 07:00:00"):
            visits._note(self.link, "a")
        paid = self._use(self.link)
        self._pay(paid)
        euro = self._make_link(currency_id=self.euro.id, amount=12)
        self._pay(self._use(euro))
        self._start_payment(self._use(self.link, visitor="b"))
        self._use(self.link, visitor="c")  # never started
        test = self._use(self.link, visitor="d")
        test_tx = self._start_payment(test)
        test_tx.is_live = False
        test_tx._set_done()
        link = self._as(self.user)
        self.env.invalidate_all()
        self.assertEqual(link.visit_count, 5)
        self.assertEqual(link.started_count, 3)
        self.assertEqual(link.paid_count, 1)
        self.assertAlmostEqual(link.conversion, 0.2)
        self.assertEqual(link.paid_amounts, "$\xa040.00")
        self.assertEqual(self._as(self.user, euro).paid_amounts, "12.00\xa0€")

    def test_what_staff_tries_is_not_counted(self):
        request = self.link.with_user(self.user).sudo()._use(
            self.dollar, {"guest_name": "Me", "guest_email": "me@example.com"}
        )  # fmt: skip
        self._pay(request.with_env(self.env))
        self.env.invalidate_all()
        self.assertEqual((self.link.started_count, self.link.paid_count), (0, 0))

    def test_refunds_leave_the_sum(self):
        request = self._use(self.link)
        tx = self._pay(request)
        refund = tx._create_child_transaction(15, is_refund=True)
        refund._set_done()
        self.env.flush_all()
        self.env.invalidate_all()
        self.assertEqual(self.link.paid_amounts, "$\xa025.00")

    def test_counters_of_many_links_take_as_many_queries_as_of_one(self):
        links = self.link
        for _number in range(5):
            links += self._make_link()
        for link in links:
            self._pay(self._use(link))
        self.env.flush_all()
        counts = []
        for some in (self.link, links):
            self.env.invalidate_all()
            some.mapped("name")
            before = self.env.cr.sql_log_count
            some.mapped("paid_amounts")
            counts.append(self.env.cr.sql_log_count - before)
        self.assertLessEqual(counts[1], counts[0] + 1, counts)

    # === ABANDONED === #

    def test_abandoned_requests(self):
        requests = self.env["payment.request"].with_user(self.user)

        def find():
            self.env.flush_all()
            self.env.invalidate_all()
            return requests.search([("is_abandoned", "=", True)])

        left = self._use(self.link, guest_phone="+32 1")
        paid = self._use(self.link, visitor="b")
        busy = self._use(self.link, visitor="c")
        self._pay(paid)
        self._start_payment(busy)._set_pending()
        self.assertFalse(find())
        with freeze_time("2026-03-02 08:01:00"):
            self.assertEqual(find(), left)
            self.assertTrue(requests.browse(left.id).is_abandoned)
            self.assertFalse(requests.browse(paid.id).is_abandoned)
            self.assertIn(paid, requests.search([("is_abandoned", "=", False)]))
            self._start_payment(left)  # back again
            self.assertFalse(find())
        self.assertEqual(left.client_phone, "+32 1")

    def test_abandoned_holds(self):
        left, paid = self._place(), self._place(local="2026-03-04 09:00")
        self._pay(paid)
        bookings = self.env["payment.booking"].with_user(self.user)
        self.assertFalse(bookings.search([("is_abandoned", "=", True)]))
        with freeze_time("2026-03-02 10:00:00"):
            left._end_hold()
            self.env.flush_all()
            self.assertEqual(bookings.search([("is_abandoned", "=", True)]), left)

    # === PREVIEW === #

    def test_preview_follows_what_is_typed(self):
        link = self.env["payment.direct.link"].new(
            {"name": "New", "amount_type": "fixed", "amount": 12.5, "title": "Not yet"}
        )
        self.assertIn("Not yet", link.preview)
        self.assertIn("12.50", link.preview)
        self.assertNotIn("csrf_token", link.preview)
        link.title = "<script>alert(1)</script>"
        link.invalidate_recordset(["preview"])
        self.assertNotIn("<script>", link.preview)

    def test_codes_to_paste_are_escaped(self):
        self.link.write({"button_label": '"><script>', "signature_label": "<b>Hi"})
        for code in (self.link.button_html, self.link.signature_html):
            self.assertNotIn("<script>", code)
            self.assertNotIn("<b>", code)
            self.assertNotIn("class=", code, "inline styles only")

    # === TARGETS === #

    def test_booking_link_carries_what_is_stored(self):
        link = self._make_link(
            kind="book",
            service_id=self.service.id,
            resource_id=self.anna.id,
            day="2026-03-05",
            seats=1,
            booking_currency_id=self.euro.id,
        )
        self.service.is_published = True
        self.assertEqual(
            link._get_target_url(),
            f"{self.service._get_book_url()}?resource={self.anna.id}"
            "&day=2026-03-05&currency=EUR",
        )
        guest = link.with_env(self.guest_env).sudo()
        self.service.is_published = False
        self.assertFalse(guest._get_target_url())
        self.assertIn("not published", link.closed_reason)


@tagged("post_install", "-at_install")
class TestAmounts(LinkCommon):
    """Amounts as people write them, and between which ones a link takes them."""

    def test_languages(self):
        english, french, german = (".", ","), (",", "\u202f"), (",", ".")
        for text, marks, amount in (
            ("12.50", english, 12.5),
            ("12,50", english, 12.5),
            ("1,234", english, 1234),
            ("1,234.5", english, 1234.5),
            ("12,50", french, 12.5),
            ("12.50", french, 12.5),
            ("1 234,5", french, 1234.5),
            ("1\u202f234,5", french, 1234.5),
            ("1.234", german, 1234),
            ("1.234,56", german, 1234.56),
            ("12.5", german, 12.5),
            ("1'234.50", (".", "'"), 1234.5),
            (",5", french, 0.5),
            ("7.", english, 7),
            *((bad, english, None) for bad in (
                "", "-5", "1e3", "nan", "inf", "1.2.3", "1,2,3", "5 €", "0x10", "１２",
                "9" * 30, "1" + " " * 50, None, 12, "+5", ".", ",", "1,23,456",
            )),
        ):  # fmt: skip
            with self.subTest(text=text, marks=marks):
                self.assertEqual(parse_amount(text, *marks), amount)

    def test_lists(self):
        self.assertEqual(parse_list("10; 20,5 ;30.25;"), [10, 20.5, 30.25])
        self.assertEqual(parse_list(""), [])
        self.assertEqual(parse_list("10; x"), [10, None])

    @settings(max_examples=300, deadline=None)
    @given(
        units=st.integers(0, 10**7),
        marks=st.sampled_from([(".", ","), (",", "."), (",", "\u202f"), (".", "'")]),
        places=st.sampled_from([0, 2, 3]),
    )
    def test_what_is_written_is_read_back(self, units, marks, places):
        point, group = marks
        amount = units / 10**places
        text = f"{amount:,.{places}f}"
        text = text.replace(",", "\0").replace(".", point).replace("\0", group)
        self.assertEqual(parse_amount(text, point, group), amount)

    @settings(max_examples=200, deadline=None)
    @given(data=st.data(), places=st.sampled_from([0, 2, 3]))
    def test_a_link_takes_what_is_between_its_limits(self, data, places):
        currency = {0: self.yen, 2: self.euro, 3: self.dinar}[places]
        unit = 10**places
        low = data.draw(st.integers(0, 5000))
        high = data.draw(st.one_of(st.just(0), st.integers(max(low, 1), 10**6)))
        typed = data.draw(
            st.one_of(
                st.integers(0, 2 * 10**6),
                st.sampled_from([low - 1, low, low + 1, high - 1, high, high + 1]),
            )
        )
        half = data.draw(
            st.sampled_from([0, 0, 0.1, 0.5])
        )  # parts of its smallest coin
        draft = self.env["payment.request"].new(
            {
                "currency_id": currency.id,
                "amount_min": low / unit,
                "amount_max": high / unit,
            }
        )
        taken = not draft._check_amount((typed + half) / unit)
        right = not half and typed > 0 and typed >= low and (not high or typed <= high)
        self.assertEqual(taken, right, (low, high, typed, half))
