"""The pages that other websites frame: who may, what they show, what they never do."""

import json
from datetime import timedelta
from urllib.parse import urlsplit

from odoo import fields
from odoo.exceptions import ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .. import const
from ..tools.colors import get_text_color
from ..tools.origins import is_covered, parse_origin, parse_site
from .common import NOW
from .http_common import BookingHttpCommon
from .test_direct_link import LinkCommon

SITE = "https://www.studio.example"
PAGE = f"{SITE}/prices?from=news"
VISITOR = "v" * 32


class EmbedCommon(LinkCommon, BookingHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.link = cls._make_link(allowed_sites=SITE)
        cls.service.write({"is_published": True, "allowed_sites": SITE})
        cls.free = cls._create_service(
            "Free", fee_policy="free", is_published=True, allowed_sites=SITE
        )
        cls.widget = cls.env["payment.widget"].create(
            {
                "name": "Home page",
                "company_id": cls.company.id,
                "can_pay": True,
                "link_ids": [Command.link(cls.link.id)],
                "allowed_sites": f"{SITE}\n*.studio.example:8443",
                "title": "Welcome",
            }
        )

    def _key(self, source):
        return "/".join(source._get_embed_key())

    def _frame(self, source, lang="en_US"):
        return f"/embed/{lang}/{self._key(source)}"

    def _config(self, source, origin=None, lang="en"):
        headers = {"Origin": origin} if origin else {}
        answer = self._get(
            f"/embed/v1/{self._key(source)}?lang={lang}", headers=headers
        )
        self.assertEqual(answer.status_code, 200, answer.text[:500])
        return answer, json.loads(answer.text)

    def _details(self, source, service=None, local="2026-03-03 09:00", **typed):
        """Return the address and the filled form of the details in a frame."""
        service = service or self.service
        path = (
            f"{self._frame(source)}/book/{self.env['ir.http']._slug(service)}/details"
        )
        page = self._get(f"{path}?start={self._start_of(local)}")
        self.assertEqual(page.status_code, 200, page.text[:2000])
        form = self._form(page, path)
        form.update(name="Zoé Client", email="zoe@example.com", **typed)
        return path, form

    def _link_form(self):
        """Return the address and the filled form of a direct link in a frame."""
        path = f"{self._frame(self.link)}/pay/{self.link._get_embed_key()[1]}"
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com", back=PAGE, visitor=VISITOR)
        return path, form

    def _last_booking(self):
        self.env.invalidate_all()
        return self.env["payment.booking"].search([], order="id desc", limit=1).sudo()


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestHttpEmbed(EmbedCommon):
    # === WHO MAY === #

    def test_only_allowed_sites_frame_it(self):
        for source in (self.widget, self.link, self.service):
            with self.subTest(source=source):
                page = self._get(self._frame(source))
                if page.status_code == 303:
                    page = self._get(page.headers["Location"])
                self.assertEqual(page.status_code, 200, page.text[:1000])
                policy = page.headers["Content-Security-Policy"]
                self.assertEqual(policy, source._get_frame_ancestors())
                self.assertIn(SITE, policy.split())
        self.assertEqual(
            self.widget._get_frame_ancestors(),
            f"frame-ancestors 'self' {SITE} https://*.studio.example:8443",
        )
        self.service.allowed_sites = False
        self.env.flush_all()
        page = self._get(self._frame(self.service))
        self.assertEqual(
            page.headers["Content-Security-Policy"], "frame-ancestors 'self'"
        )

    def test_config_tells_a_foreign_site_no_more_than_a_link(self):
        _answer, config = self._config(self.widget, SITE)
        self.assertEqual(config["frame"], self._frame(self.widget))
        answer, _config = self._config(self.widget)
        self.assertIn("private", answer.headers["Cache-Control"])
        for origin in ("https://evil.example", "null", f"{SITE}.evil.example"):
            with self.subTest(origin=origin):
                answer, config = self._config(self.widget, origin)
                self.assertFalse(config["frame"])
                self.assertEqual(config["url"], urlsplit(self.widget.url).path)
                self.assertIn("Origin", answer.headers["Vary"])
                self.assertEqual(answer.headers["Access-Control-Allow-Origin"], "*")
        self.assertNotIn("studio.example", json.dumps(config))

    def test_wrong_keys_are_all_the_same(self):
        self.service.copy({"name": "Secret", "is_published": False})
        archived = self.widget.copy()
        archived.active = False
        hidden = self.env["payment.booking.service"].search([], order="id desc")[:1]
        self.env.flush_all()
        token = self.widget._get_embed_key()[1]
        texts = set()
        for key in (
            "widget/" + "A" * 22,
            f"link/{token}",
            f"widget/{self.link._get_embed_key()[1]}",
            self._key(archived),
            self._key(hidden),
            "service/0",
            "service/99999999999999",
            "service/x",
            "user/1",
        ):
            for path in (f"/embed/en_US/{key}", f"/embed/v1/{key}"):
                answer = self._get(path)
                self.assertEqual(answer.status_code, 404, path)
                texts.add(self._title(answer))
        self.assertEqual(len(texts), 1, texts)

    def test_a_frame_shows_only_what_its_site_chose(self):
        other = self._create_service("Other", is_published=True)
        self.widget.service_ids = self.service
        other_link = self._make_link()
        self.env.flush_all()
        slug = self.env["ir.http"]._slug(other)
        frame = self._frame(self.widget)
        self.assertEqual(self._get(f"{frame}/book/{slug}").status_code, 404)
        self.assertEqual(
            self._get(f"{self._frame(self.service)}/book/{slug}").status_code, 404
        )
        token = other_link._get_embed_key()[1]
        self.assertEqual(self._get(f"{frame}/pay/{token}").status_code, 404)
        before = self._snapshot()
        path, form = self._details(self.widget)
        wrong = path.replace(self.env["ir.http"]._slug(self.service), slug)
        self.assertEqual(self._post(wrong, form).status_code, 404)
        self._assert_nothing_written(before)

    # === STATELESS === #

    def test_who_is_logged_in_is_a_guest(self):
        user = new_test_user(
            self.env,
            login="portal embed",
            groups="base.group_portal",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self.authenticate("portal embed", "portal embed")
        path, form = self._details(self.service)
        self.assertNotIn(user.name, self._get(path.rpartition("/")[0]).text)
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 200)
        booking = self._last_booking()
        self.assertNotEqual(booking.partner_id, user.partner_id)
        self.assertEqual(booking.guest_email, "zoe@example.com")

    def test_what_a_visitor_typed_here_is_not_known_there(self):
        self._get(f"{self.free._get_book_url()}?name=Marguerite")
        page = self._get(self._details_url(self.free))
        self.assertIn("Marguerite", page.text)
        path, _form = self._details(self.free, self.free)
        page = self._get(f"{path}?start={self._start_of('2026-03-03 09:00')}")
        self.assertNotIn("Marguerite", page.text)

    def test_no_cookie_is_set(self):
        for path in (
            self._frame(self.widget),
            self._frame(self.service),
            f"/embed/v1/{self._key(self.widget)}",
            "/payment-booking/v1.js",
        ):
            with self.subTest(path=path):
                self.opener.cookies.clear()
                answer = self._get(path)
                self.assertEqual(answer.status_code, 200)
                self.assertNotIn("Set-Cookie", answer.headers)

    def test_script_is_cached_and_asked_for_again(self):
        answer = self._get("/payment-booking/v1.js")
        self.assertIn("max-age=86400", answer.headers["Cache-Control"])
        self.assertIn("javascript", answer.headers["Content-Type"])
        again = self._get(
            "/payment-booking/v1.js", headers={"If-None-Match": answer.headers["ETag"]}
        )
        self.assertEqual(again.status_code, 304)

    def test_language_of_the_page(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env.flush_all()
        for lang, said in (("fr_FR", "fr-FR"), ("fr", "fr-FR"), ("xx", "en-US")):
            page = self._get(self._frame(self.service, lang))
            self.assertEqual(self._parse(page).get("lang"), said)
        _answer, config = self._config(self.service, lang="fr-BE")
        self.assertIn("/embed/fr_FR/", config["frame"])
        self.widget.lang = "fr_FR"
        self.env.flush_all()
        _answer, config = self._config(self.widget, lang="en")
        self.assertEqual(config["lang"], "fr-FR")

    # === BOOK AND PAY === #

    def test_what_must_be_paid_goes_on_in_the_top_window(self):
        self.company.booking_accept_test_payments = True
        self.env.flush_all()
        path, form = self._details(
            self.widget, self.service, back=PAGE, visitor=VISITOR
        )
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 200, answer.text[:2000])
        booking = self._last_booking()
        self.assertEqual((booking.service_id, booking.state), (self.service, "hold"))
        self.assertEqual(booking.return_url, PAGE)
        main = self._parse(answer).xpath("//main")[0]
        self.assertEqual(main.get("data-result"), "pay")
        self.assertEqual(
            urlsplit(main.get("data-next-url")).path, booking._get_pay_url()
        )
        self.assertEqual(answer.headers["Cache-Control"], "no-store")
        # The same visitor again: one hold.
        path, form = self._details(
            self.widget, self.service, "2026-03-03 11:00", back=PAGE, visitor=VISITOR
        )
        self.assertEqual(self._post(path, form).status_code, 200)
        holds = self.env["payment.booking"].search(
            [("service_id", "=", self.service.id), ("state", "=", "hold")]
        )
        self.assertEqual(len(holds), 1)

    def test_what_is_booked_at_once_is_said_in_the_frame(self):
        path, form = self._details(self.free, self.free, back=PAGE)
        answer = self._post(path, form)
        booking = self._last_booking()
        self.assertEqual(booking.state, "confirmed")
        self.assertEqual(
            self._parse(answer).xpath("//main")[0].get("data-result"), "booked"
        )
        self.assertEqual(self._title(answer), "You are booked")
        self.assertEqual(
            booking._get_payable_return_url(), f"{PAGE}#payment-booking=booked"
        )

    def test_a_link_is_paid_in_the_top_window(self):
        path = f"{self._frame(self.link)}/pay/{self.link._get_embed_key()[1]}"
        self.assertEqual(
            urlsplit(self._get(self._frame(self.link)).headers["Location"]).path, path
        )
        page = self._get(path)
        form = self._form(page, path)
        form.update(name="Zoé", email="zoe@example.com", back=PAGE, visitor=VISITOR)
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 200, answer.text[:2000])
        request = self.env["payment.request"].search([], order="id desc", limit=1)
        self.assertEqual(request.direct_link_id, self.link)
        self.assertEqual(request.return_url, PAGE)
        main = self._parse(answer).xpath("//main")[0]
        self.assertEqual(
            urlsplit(main.get("data-next-url")).path, request._get_pay_url()
        )

    def test_wishes_and_campaign_of_the_website(self):
        """What is said once in the address is kept, without a session."""
        self.widget.write({"can_pay": False, "service_ids": self.free})
        self.env.flush_all()
        frame = self._frame(self.widget)
        answer = self._get(f"{frame}?day=2026-03-05&seats=2&name=Zoe&evil=1")
        self.assertEqual(
            urlsplit(answer.headers["Location"]).query, "day=2026-03-05&seats=2"
        )
        path, form = self._details(self.widget, self.free, utm_campaign="spring")
        self._post(path, form)
        self.assertEqual(self._last_booking().campaign, "spring")
        self.link.campaign = "flyer"
        self.env.flush_all()
        path = f"{self._frame(self.link)}/pay/{self.link._get_embed_key()[1]}"
        form = self._form(self._get(path), path)
        form.update(name="Zoé", email="zoe@example.com", utm_campaign="spring")
        self._post(path, form)
        request = self.env["payment.request"].search([], order="id desc", limit=1)
        self.assertEqual(request.campaign, "flyer", "of the link")

    def test_errors_stay_in_the_frame(self):
        path, form = self._details(self.service, back=PAGE)
        form["email"] = "nobody"
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 400)
        self.assertIn("This is not an e-mail address.", answer.text)
        self.assertIn(SITE, answer.headers["Content-Security-Policy"])
        self._form(answer, path)

    # === THE WAY BACK === #

    def test_nobody_is_sent_to_another_site(self):
        for back in (
            "https://evil.example/",
            f"{SITE}@evil.example/",
            f"{SITE}.evil.example/",
            "//evil.example/",
            "javascript:alert(1)",
            f"{SITE}\\@evil.example",
            f"{SITE}/a b",
            "http://www.studio.example/",
            f"{SITE}:8443/",
            f"{SITE}/{'x' * 2100}",
            "",
        ):
            with self.subTest(back=back[:60]):
                self.assertFalse(self.service._read_return_url(back))
        path, form = self._details(self.service, back="https://evil.example/")
        self._post(path, form)
        self.assertFalse(self._last_booking().return_url)

    def test_a_form_of_another_website_is_refused(self):
        for path, form in (
            self._details(self.free, self.free),
            self._link_form(),
        ):
            before = self._snapshot()
            for origin in ("https://evil.example", SITE, "null"):
                answer = self._post(path, form, headers={"Origin": origin})
                self.assertEqual(answer.status_code, 403, origin)
            self._assert_nothing_written(before)
            answer = self._post(path, form, headers={"Origin": self.base_url()})
            self.assertEqual(answer.status_code, 200)

    def test_many_bookings_of_one_address_are_stopped(self):
        most, _minutes = const.RATE_ADDRESS
        path, form = self._details(self.free, self.free)
        self.assertEqual(self._post(path, form).status_code, 200)
        booking = self._last_booking()
        self.assertTrue(booking.client_key)
        self.env["payment.booking"]._editing().create(
            [
                {
                    "service_id": self.free.id,
                    "start": booking.start,
                    "client_key": booking.client_key,
                }
                for _number in range(most - 1)
            ]
        )
        path, form = self._details(self.free, self.free, "2026-03-03 11:00")
        before = self._snapshot()
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 429)
        self.assertEqual(self._title(answer), "Please wait a little")
        self._assert_nothing_written(before)

    def test_the_same_form_books_once_without_a_script(self):
        path, form = self._details(self.free, self.free)
        for _click in range(2):
            self.assertEqual(self._post(path, form).status_code, 200)
        bookings = self.env["payment.booking"].search(
            [("service_id", "=", self.free.id)]
        )
        self.assertEqual(len(bookings), 1)

    def test_a_closed_link_is_closed_in_a_frame(self):
        link = self._make_link(
            kind="book", service_id=self.free.id, closing_message="Come in spring!"
        )
        page = self._get(self._frame(link))
        path = urlsplit(page.headers["Location"]).path
        self.assertEqual(self._get(path).status_code, 200)
        link.date_end = "2026-03-01"
        self.env.flush_all()
        page = self._get(self._frame(link))
        self.assertEqual(page.status_code, 410)
        self.assertIn("Come in spring!", self._text(page))
        self.assertEqual(self._get(path).status_code, 404)

    def test_a_use_that_was_begun_does_not_close_a_framed_page(self):
        self.link.max_payments = 1
        path, form = self._link_form()
        self._post(path, form)
        request = self.env["payment.request"].search([], order="id desc", limit=1)
        self._call(
            f"{request._get_pay_url()}/transaction",
            provider_id=self.provider.id,
            payment_method_id=self.payment_method_id,
            token_id=None,
            flow="redirect",
            tokenization_requested=False,
            access_token="x",
        )
        self.env.invalidate_all()
        self.assertEqual(self.link._get_closed_key(), "used_up")
        self.assertEqual(self._get(path).status_code, 200)

    def test_who_pays_in_a_frame_has_looked(self):
        self.assertEqual(self.link.visit_count, 0)
        self._post(*self._link_form())
        self.env.invalidate_all()
        self.assertEqual(self.link.visit_count, 1)

    def test_way_back_outlives_a_lost_race_and_is_of_what_was_shown(self):
        calendar = f"{self.free._get_book_url()}?back={SITE}/prices"
        self._get(calendar)
        url, form = self._fill(self.free)
        for person in ("Anna's", "Ben's"):
            self._place(service=self.free, visitor_key=person)
        self.env.flush_all()
        self.assertEqual(self._post(url, form).status_code, 409)
        _answer, booking = self._book(self.free, local="2026-03-03 11:00")
        self.assertEqual(booking.return_url, f"{SITE}/prices")
        # What its website does not show leads nowhere.
        foreign = self._create_service("Foreign", fee_policy="free", is_published=True)
        self._get(calendar)
        _answer, booking = self._book(foreign, local="2026-03-04 09:00")
        self.assertFalse(booking.return_url)

    def test_button_of_a_widget_comes_back_too(self):
        page = self._get(f"{urlsplit(self.widget.url).path}?back={SITE}/prices")
        self.assertEqual(self._title(page), "Welcome")
        _answer, booking = self._book(self.free)
        self.assertEqual(booking.return_url, f"{SITE}/prices")
        page = self._get(booking._get_manage_url())
        [button] = self._parse(page).xpath("//a[contains(@class, 'o_pbp_return')]")
        self.assertEqual(button.get("href"), f"{SITE}/prices#payment-booking=booked")
        _answer, booking = self._book(self.free, local="2026-03-03 11:00")
        self.assertFalse(booking.return_url, "once")

    def test_way_back_from_the_payment(self):
        """Open, declined and over pages lead back to the website that was left."""
        self.company.booking_accept_test_payments = True
        self.env.flush_all()
        path, form = self._details(self.service, back=PAGE)
        self._post(path, form)
        booking = self._last_booking()
        url = booking._get_pay_url()

        def get_back(path, title):
            page = self._get(path)
            self.assertEqual(self._title(page), title)
            return [
                (link.get("href"), link.text_content())
                for link in self._parse(page).xpath(
                    "//a[contains(@class, 'o_pbp_return_unpaid')]"
                )
            ]

        back = [(f"{PAGE}#payment-booking=closed", "Back to www.studio.example")]
        self.assertEqual(get_back(url, "Pay"), back)
        self._start_payment(booking)._set_error("Refused")
        declined = "The payment did not go through"
        self.assertEqual(get_back(f"{url}/status", declined), back)
        now = fields.Datetime.now()
        booking._editing().hold_until = now - timedelta(minutes=1)
        self.env.flush_all()
        self.assertEqual(get_back(url, "Your time to pay is over"), back)
        _answer, own = self._book(self.service, local="2026-03-03 14:00")
        self.assertEqual(get_back(own._get_pay_url(), "Pay"), [], "from nowhere")

    def test_only_a_website_is_gone_back_to_by_itself(self):
        """An address that staff set is a button and no more."""
        path, form = self._details(self.free, self.free, back=PAGE)
        self._post(path, form)
        page = self._parse(self._get(self._last_booking()._get_manage_url()))
        [box] = page.xpath("//*[contains(@class, 'o_pbp_returning')]")
        self.assertIn("www.studio.example", box.text_content())
        self.assertTrue(box.xpath(".//*[@hidden]//button"))
        link = self._make_link(return_url="https://www.studio.example/thanks")
        request = self._use(link)
        self._pay(request)
        page = self._parse(self._get(request._get_payable_done_url()))
        [button] = page.xpath("//a[contains(@class, 'o_pbp_return')]")
        self.assertEqual(button.get("href"), "https://www.studio.example/thanks")
        self.assertFalse(page.xpath("//*[contains(@class, 'o_pbp_returning')]"))

    # === WHAT STAFF TYPES === #

    def test_sites_and_origins(self):
        for typed, meant in (
            ("studio.example", "https://studio.example"),
            (" HTTPS://Studio.Example/page ", "https://studio.example"),
            ("http://localhost:8000", "http://localhost:8000"),
            ("https://studio.example:443", "https://studio.example"),
            ("*.studio.example", "https://*.studio.example"),
            ("bücher.example", "https://xn--bcher-kva.example"),
            ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example"),
            ("straße.example", None),  # browsers do not mean strasse.example
            ("*", None),
            ("https://", None),
            ("ftp://studio.example", None),
            ("https://a;script-src", None),
            ("https://user:pass@studio.example", None),
            ("studio.*", None),
            ("'self'", None),
        ):
            with self.subTest(typed=typed):
                self.assertEqual(parse_site(typed), meant)
        self.assertIsNone(parse_origin("null"))
        self.assertIsNone(parse_origin("https://*.studio.example"))
        sites = ["https://*.studio.example"]
        self.assertTrue(is_covered("https://a.b.studio.example", sites))
        self.assertFalse(is_covered("https://studio.example", sites))
        self.assertFalse(is_covered("https://evilstudio.example", sites))
        for wrong in ("https://a b;c", "*"):
            with self.assertRaises(ValidationError):
                self.widget.allowed_sites = wrong

    def test_widget_says_what_is_missing(self):
        for values in (
            {"can_book": False, "can_pay": False},
            {"can_pay": True, "link_ids": [Command.clear()]},
            {"color": "red;background:url(x)"},
        ):
            with self.subTest(values=values), self.assertRaises(ValidationError):
                self.widget.write(values)

    def test_code_cannot_be_broken_out_of(self):
        self.widget.button_label = '"><script>alert(1)</script>'
        self.assertNotIn("<script>alert", self.widget.embed_code)
        self.assertIn('data-widget="', self.widget.embed_code)
        self.assertIn("/payment-booking/v1.js", self.widget.embed_code)

    def test_text_can_be_read_on_every_color(self):
        self.assertEqual(get_text_color("#2f6f5e"), "#ffffff")
        self.assertEqual(get_text_color("#ffdd00"), "#111111")
