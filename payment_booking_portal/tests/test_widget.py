"""Website widgets in the back office: who makes them, what staff sees and copies."""

from lxml import html

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, freeze_time, new_test_user, tagged

from .common import NOW
from .test_direct_link import LinkCommon

GROUP = "payment_booking_portal.group_"
SITE = "https://www.studio.example"


class WidgetCommon(LinkCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls._create_colleague("widget_user", f"{GROUP}user")
        cls.manager = cls._create_colleague("widget_manager", f"{GROUP}manager")
        cls.service.is_published = True
        cls.link = cls._make_link()
        cls.widget = cls.env["payment.widget"].create(
            {"name": "Home page", "company_id": cls.company.id}
        )

    @classmethod
    def _create_colleague(cls, login, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def _as(self, user, record=None):
        record = self.widget if record is None else record
        return record.with_user(user).sudo(False)

    def _get_row(self, widget):
        """Return the row of the address of a widget, dead ones too."""
        links = self.env["payment.access.link"].sudo()
        return links.search([("res_model", "=", widget._name)]).filtered(
            lambda link: link.res_id == widget.id
        )


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestWidget(WidgetCommon):
    # === RIGHTS === #

    def test_user_reads_and_copies_the_code_only(self):
        widget = self._as(self.user)
        self.assertIn(widget.url, widget.button_html)
        self.assertTrue(widget.embed_guide["code"])
        self.assertEqual(widget.action_try()["url"], widget.url)
        for change in (
            lambda: widget.write({"title": "Mine"}),
            lambda: widget.copy(),
            lambda: widget.action_new_address(),
            lambda: widget.unlink(),
        ):
            with self.assertRaises(AccessError):
                change()

    def test_manager_makes_one(self):
        form = Form(self._as(self.manager, self.env["payment.widget"]))
        form.name = "Prices"
        form.can_pay = True
        form.link_ids.add(self.link)
        form.color = "#aa3355"
        form.allowed_sites = SITE
        widget = form.save()
        self.assertEqual(widget.company_id, self.company)
        self.assertIn("background-color: #aa3355", widget.button_html)
        widget.action_archive()
        self.assertEqual(widget.closed_reason, "It is archived.")

    def test_other_company_sees_none(self):
        other = self._create_other_company()
        stranger = self._create_colleague("widget_other", f"{GROUP}manager", other)
        widgets = self._as(stranger, self.env["payment.widget"])
        self.assertFalse(widgets.search([("id", "=", self.widget.id)]))
        with self.assertRaises(AccessError):
            self._as(stranger).read(["name"])

    # === THE ADDRESS === #

    def test_copy_has_an_address_of_its_own(self):
        copy = self._as(self.manager).copy()
        self.assertEqual(copy.name, "Home page (copy)")
        self.assertTrue(copy.url)
        self.assertNotEqual(copy.url, self.widget.url)
        self.assertEqual(len(self._get_row(self.widget)), 1)

    def test_new_address_kills_the_old_one(self):
        before, code = self.widget.url, self.widget.embed_code
        widget = self._as(self.manager)
        widget.action_new_address()
        self.assertNotEqual(widget.url, before)
        self.assertNotEqual(widget.embed_code, code)
        AccessLink = self.env["payment.access.link"]
        old = AccessLink._find(before.rpartition("/")[2], "widget")
        self.assertFalse(old.is_valid)
        new = AccessLink._find(widget.url.rpartition("/")[2], "widget")
        self.assertTrue(new.is_valid)
        self.assertEqual(new._get_document(), self.widget)

    def test_deleting_one_revokes_its_address(self):
        other = self.widget.copy()
        row = self._get_row(self.widget)
        self._as(self.manager).unlink()
        self.assertTrue(row.revoked)
        self.assertFalse(self._get_row(other).revoked)

    # === THE CODE === #

    def test_code_is_the_same_for_all_that_is_shown(self):
        for source, kind in (
            (self.widget, "widget"),
            (self.link, "link"),
            (self.service, "service"),
        ):
            with self.subTest(kind):
                guide = source.embed_guide
                key = source._get_embed_key()[1]
                self.assertEqual(guide["code"], source.embed_code)
                script, fallback = html.fragments_fromstring(guide["code"])
                self.assertEqual(script.get(f"data-{kind}"), key)
                self.assertEqual(script.get("src"), source._get_script_url())
                self.assertIsNotNone(script.get("async"))
                self.assertEqual(fallback.tag, "noscript")
                element = html.fragment_fromstring(guide["element"])
                self.assertEqual(
                    (element.tag, element.get(kind)),
                    (
                        "payment-booking",
                        key,
                    ),
                )
                self.assertEqual(element.find("a").get("href"), source._get_embed_url())
                server = source.get_base_url()
                self.assertEqual(
                    guide["policy"],
                    f"script-src {server}; connect-src {server}; frame-src {server}",
                )

    def test_pasted_code_keeps_pace(self):
        code = self.widget.embed_guide["code"]
        self.widget.write({"mode": "inline", "color": "#123456", "size": "large"})
        self.assertEqual(self.widget.embed_guide["code"], code)

    def test_element_cannot_be_broken_out_of(self):
        self.widget.button_label = '"></a><script>alert(1)</script>'
        self.assertNotIn("<script>alert", self.widget.embed_guide["element"])

    def test_no_code_without_an_address(self):
        for model in ("payment.widget", "payment.direct.link"):
            draft = self.env[model].new({"name": "Draft"})
            self.assertFalse(draft.embed_guide)
        self.assertFalse(self.env["payment.booking.service"].new({}).embed_guide)

    # === PREVIEW === #

    def test_preview_says_what_is_not_saved(self):
        widget = self._as(self.manager)
        self.assertFalse(widget.preview, "the page itself is shown")
        with Form(widget) as form:
            self.assertFalse(form.preview)
            form.color = "#aa3355"
            self.assertFalse(form.preview, "that does not change what opens")
            self.assertIn("#aa3355", form.button_preview)
            form.title = "What shall it be?"
            self.assertIn("What shall it be?", form.preview)
            self.assertIn("Haircut", form.preview)
            form.can_pay = True
            form.link_ids.add(self.link)
            self.assertIn("Workshop", form.preview)
            form.can_book = False
            self.assertNotIn("Haircut", form.preview)
            self.assertNotIn("My account", form.preview)
            form.can_account = True
            self.assertIn("My account", form.preview)
            form.can_book = True
            form.service_ids.add(self._create_service("Hidden", is_published=False))
            self.assertNotIn("Haircut", form.preview)
            self.assertNotIn("Hidden", form.preview, "it is not published")
            form.service_ids.clear()
            form.title = False
            form.can_account = False
            form.link_ids.clear()
            form.can_pay = False
            self.assertFalse(form.preview, "it is as saved")

    def test_preview_of_a_new_one(self):
        form = Form(self._as(self.manager, self.env["payment.widget"]))
        self.assertIn("Haircut", form.preview)
        form.text = "<script>alert(1)</script>"
        self.assertNotIn("<script>", form.preview)

    def test_staff_reads_why_clients_find_nothing(self):
        self.assertFalse(self._as(self.user).closed_reason)
        self.env["payment.booking.service"].search([]).is_published = False
        self.widget.invalidate_recordset()
        self.assertIn("Publish a service", self._as(self.user).closed_reason)
        self.widget.write({"can_pay": True, "link_ids": [Command.set(self.link.ids)]})
        self.assertFalse(self._as(self.user).closed_reason)
        self.link.date_end = "2026-03-01"
        self.widget.invalidate_recordset()
        self.assertTrue(self._as(self.user).closed_reason, "its last day is over")
        self.widget.can_account = True
        self.assertFalse(self._as(self.user).closed_reason)

    def test_views_load_for_both(self):
        fields = {"preview", "embed_guide", "allowed_sites", "color", "button_html"}
        for user in (self.user, self.manager):
            with self.subTest(user.login):
                views = self._as(user, self.env["payment.widget"]).get_views(
                    [(False, kind) for kind in ("list", "kanban", "form", "search")]
                )
                form = views["views"]["form"]["arch"]
                self.assertLessEqual(
                    fields, set(views["models"]["payment.widget"]["fields"])
                )
                self.assertEqual("action_new_address" in form, user == self.manager)

    def test_code_stands_in_the_form_of_what_it_shows(self):
        for source in (self.widget, self.link, self.service):
            with self.subTest(source._name):
                form = self._as(self.user, source).get_view(view_type="form")
                arch = html.fromstring(form["arch"])
                for name in ("embed_guide", "allowed_sites"):
                    self.assertTrue(arch.xpath(f"//field[@name='{name}']"), name)


@tagged("post_install", "-at_install")
class TestWidgetPreview(WidgetCommon, HttpCase):
    def test_only_staff_sees_the_preview(self):
        url = "/payment-booking/preview"
        self.assertIn("/web/login", self.url_open(url).url)
        self.authenticate("widget_user", "widget_user")
        answer = self.url_open(url)
        self.assertEqual(answer.status_code, 200)
        page = html.fromstring(answer.text)
        self.assertTrue(page.xpath("//*[@id='o_pbp_mock_place']"))
        self.assertEqual(page.xpath("//script/@src"), ["/payment-booking/v1.js"])
        self.assertEqual(
            answer.headers["Content-Security-Policy"], "frame-ancestors 'self'"
        )
        self._create_colleague("widget_nobody", "base.group_user")
        self.authenticate("widget_nobody", "widget_nobody")
        self.assertEqual(self.url_open(url).status_code, 404)
