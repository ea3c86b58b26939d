"""What is new, and what stays, for the client pages on a website."""

from lxml import etree

from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from odoo.addons.payment_booking_portal.tests.common import NOW
from odoo.addons.payment_booking_portal.tests.test_http_embed import EmbedCommon

from ..controllers.book import sitemap_book


class WebsiteCommon(EmbedCommon):
    """The studio has two websites; visitors are on the first unless said otherwise."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        Website = cls.env["website"]
        cls.website = Website.search([], limit=1)
        cls.website.write({"company_id": cls.company.id, "domain": False})
        cls.other = Website.create({"name": "Other", "company_id": cls.company.id})
        cls.own = cls._create_service(
            "Only here", is_published=True, website_id=cls.other.id
        )
        cls.path = cls.service._get_book_url()
        cls.own_path = cls.own._get_book_url()

    def _visit(self, website):
        """Go on on a website."""
        (self.website + self.other).domain = False
        self.env.flush_all()  # two websites never have the same
        website.domain = self.base_url()
        self.env.flush_all()
        self._new_visitor()

    def _sitemap(self, website):
        """Return the paths in the sitemap of a website."""
        self._visit(website)
        answer = self._get("/sitemap.xml")
        self.assertEqual(answer.status_code, 200)
        locations = etree.fromstring(answer.content).findall("{*}url/{*}loc")
        return {
            location.text.removeprefix(self.base_url()).removeprefix("/fr")
            for location in locations
        }


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestWebsitePages(WebsiteCommon):
    # === PUBLISHED ON ONE WEBSITE === #

    def test_a_service_of_one_website_is_not_on_another(self):
        self._visit(self.website)
        self.assertNotIn(self.own.name, self._text(self._get("/book")))
        self.assertEqual(self._get(self.own_path).status_code, 404)
        details = self._details_url(self.own)
        self.assertEqual(self._get(details).status_code, 404)
        self.assertEqual(self._get(self.path).status_code, 200)
        self._visit(self.other)
        self.assertIn(self.own.name, self._text(self._get("/book")))
        self.assertEqual(self._get(self.own_path).status_code, 200)
        self.assertEqual(self._get(details).status_code, 200)
        self.assertEqual(self._get(self.path).status_code, 200)

    def test_it_cannot_be_booked_on_another(self):
        self._visit(self.other)
        url, form = self._fill(self.own)
        self._visit(self.website)
        form["csrf_token"] = self._csrf()
        before = self._snapshot()
        self.assertEqual(self._post(url, form).status_code, 404)
        self._assert_nothing_written(before)

    def test_staff_sees_the_website_as_it_is(self):
        new_test_user(
            self.env,
            login="staff website",
            groups="payment_booking_portal.group_user",
            company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )
        self._visit(self.website)
        self.authenticate("staff website", "staff website")
        self.assertNotIn(self.own.name, self._text(self._get("/book")))
        self.assertEqual(self._get(self.own_path).status_code, 404)

    def test_a_widget_leads_to_what_its_website_shows(self):
        self._visit(self.website)
        page = self._text(self._get(f"/w/{self.widget._get_embed_key()[1]}"))
        self.assertIn(self.service.name, page)
        self.assertNotIn(self.own.name, page)
        link = self._make_link(kind="book", service_id=self.own.id)
        path = f"/l/{link._get_embed_key()[1]}"
        self.env.flush_all()
        self.assertEqual(self._get(path).status_code, 410)
        self._visit(self.other)
        self.assertEqual(self._get(path).status_code, 303)

    def test_its_addresses_are_of_its_own_website(self):
        self.other.domain = "https://other.example"
        for url in (self.own.public_url, self.own.action_try()["url"]):
            self.assertEqual(url, f"https://other.example{self.own_path}")
        booking = self._place(self.own)
        self.assertEqual(booking._get_mail_book_url(), self.own.public_url)
        self.assertEqual(booking.get_base_url(), "https://other.example")
        self.assertEqual(self.own.website_url, self.own_path)

    def test_publishing_stays_what_it_was(self):
        service = self.env["payment.booking.service"].create({"name": "New"})
        self.assertTrue(service.is_published)
        self.assertTrue(service.can_publish)
        self.assertTrue(service._fields["is_published"].tracking)
        self.assertFalse(service.copy().is_published)
        self.assertTrue(service.with_context(website_id=self.website.id)._is_visible())
        on = self.own.with_context(website_id=self.website.id)
        self.assertFalse(on.website_published)
        self.assertTrue(
            self.own.with_context(website_id=self.other.id).website_published
        )

    # === SITEMAP AND SEARCH ENGINES === #

    def test_sitemap_has_the_public_pages_of_the_website(self):
        hidden = self._create_service("Hidden", is_published=False)
        company = self._create_other_company()
        theirs = self._create_service(
            "Theirs",
            company_id=company.id,
            calendar_id=company.resource_calendar_id.id,
            group_ids=False,
        )
        pages = self._sitemap(self.website)
        self.assertLessEqual({"/book", self.path}, pages)
        self.assertNotIn(self.own_path, pages)
        self.assertNotIn(hidden._get_book_url(), pages)
        self.assertNotIn(theirs._get_book_url(), pages)
        private = ("/w/", "/l/", "/pay", "/embed", "/booking", "/my/", "/book/at")
        self.assertFalse([page for page in pages if page.startswith(private)])
        self.assertLessEqual(
            {"/book", self.path, self.own_path}, self._sitemap(self.other)
        )

    def test_editors_find_the_pages(self):
        env = self.env(context={"website_id": self.website.id})
        found = list(sitemap_book(env, None, "haircut"))
        self.assertEqual([page["loc"] for page in found], [self.path])

    def test_search_engines_are_told(self):
        self.service.description = "<p>Wash, <b>cut</b> and dry. " + "Nice. " * 40
        self.service.website_meta_title = "The best haircut"
        self._visit(self.website)
        page = self._parse(self._get(self.path))
        self.assertEqual(page.findtext(".//title"), "The best haircut")
        [text] = page.xpath("//meta[@name='description']/@content")
        self.assertTrue(text.startswith("Wash, cut and dry. Nice."), text)
        self.assertTrue(text.endswith(" …"), text)
        self.assertLessEqual(len(text), 160)
        [canonical] = page.xpath("//link[@rel='canonical']/@href")
        self.assertEqual(canonical, self.base_url() + self.path)

    # === PART OF THE WEBSITE === #

    def test_menu_of_every_website(self):
        for website in (self.website, self.other):
            menus = website.menu_id.child_id.filtered(lambda menu: menu.url == "/book")
            self.assertEqual(len(menus), 1, website.name)

    def test_pages_have_one_header_and_one_title(self):
        self._visit(self.website)
        for path in (
            "/book",
            self.path,
            self._details_url(),
            f"/w/{self.widget._get_embed_key()[1]}",
            f"/l/{self.link._get_embed_key()[1]}",
        ):
            with self.subTest(path=path):
                answer = self._get(path)
                self.assertEqual(answer.status_code, 200)
                page = self._parse(answer)
                for part in ("h1", "header[@id='top']", "footer", "main", "title"):
                    self.assertEqual(len(page.findall(f".//{part}")), 1, part)
                name = self.website.name
                self.assertEqual(page.findtext(".//title").count(name), 1)
                self.assertEqual(page.get("lang"), "en-US")
                self.assertEqual(page.get("data-website-id"), str(self.website.id))

    def test_french(self):
        french = self.env["res.lang"]._activate_lang("fr_FR")
        self.website.language_ids += french
        self._visit(self.website)
        page = self._parse(self._get(f"/{french.url_code}/book"))
        self.assertEqual(page.get("lang"), "fr-FR")
        links = page.xpath("//ul[contains(@class, 'o_pbp_services')]//a/@href")
        self.assertIn(f"/{french.url_code}{self.path}", links)
        details = self._get(f"/{french.url_code}{self._details_url()}")
        form = self._form(details, "/details")
        form.update(name="Zoé", email="zoe@example.com")
        answer = self._post(f"/{french.url_code}{self.path}/details", form)
        self.assertEqual(answer.status_code, 303)
        booking = self.env["payment.booking"].search([], order="id desc", limit=1)
        self.assertEqual(booking.lang, "fr_FR")

    # === WHAT STAYS === #

    def test_private_pages_answer_as_before(self):
        self._visit(self.website)
        _answer, booking = self._book()
        for path in (
            booking._get_pay_url(),
            f"/w/{self.widget._get_embed_key()[1]}",
            f"/l/{self.link._get_embed_key()[1]}",
        ):
            with self.subTest(path=path):
                answer = self._get(path)
                self.assertEqual(answer.status_code, 200)
                self._assert_private(answer)

    def test_frames_know_no_website(self):
        self.website.cookies_bar = True
        self._visit(self.website)
        for source in (self.service, self.own, self.widget):
            with self.subTest(source=source):
                self.opener.cookies.clear()
                answer = self._get(self._frame(source))
                self.assertEqual(answer.status_code, 200, answer.text[:2000])
                self.assertEqual(
                    answer.headers["Content-Security-Policy"],
                    source._get_frame_ancestors(),
                )
                self.assertNotIn("Set-Cookie", answer.headers)
                self.assertEqual(answer.headers["Cache-Control"], "no-store")
                page = self._parse(answer)
                self.assertFalse(page.xpath("//header[@id='top'] | //footer"))
                self.assertNotIn("website_cookies_bar", answer.text)
        path, form = self._details(self.free, self.free)
        answer = self._post(path, form)
        self.assertEqual(answer.status_code, 200)
        self.assertEqual(self._title(answer), "You are booked")
