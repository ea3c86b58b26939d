"""The blocks of the website builder."""

import json

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import new_test_user, tagged

from odoo.addons.payment_booking_portal.tests.common_browser import BrowserCommon

SCRIPT = "/payment-booking/v1.js"
# The page in the frame of the website builder.
FRAME = """
    window.pbpFrame = () => [...document.querySelectorAll("iframe")].find(
        (frame) => frame.contentDocument?.querySelector("#wrapwrap")
    )
"""


class Builder:
    """The website builder, as the hands of a designer use it."""

    def __init__(self, page):
        self.page = page

    def open(self, path="/"):
        """Open a page in the builder."""
        url = f"/odoo/action-website.website_preview?path={path}&enable_editor=1"
        self.page.goto(url)
        self.page.find(".o_builder_sidebar_open .o_snippet")
        self.page.evaluate(FRAME)

    def _query(self, selector):
        return f"pbpFrame()?.contentDocument.querySelector({json.dumps(selector)})"

    def find(self, selector):
        """Wait for an element of the page that is edited."""
        self.page.wait_for(f"!!{self._query(selector)}", f"{selector} is not there")

    def _press(self, kind, x, y):
        button = "none" if kind == "mouseMoved" else "left"
        self.page.send(
            "Input.dispatchMouseEvent",
            **{"type": kind, "x": x, "y": y, "button": button, "clickCount": 1},
        )

    def _click(self, x, y):
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self._press(kind, x, y)

    def _get_place(self, selector):
        """Return where the middle of an element of the edited page is."""
        element = self._query(selector)
        return self.page.evaluate(
            f"""(() => {{
                const outer = pbpFrame().getBoundingClientRect();
                const element = {element};
                element.scrollIntoView({{block: "center"}});
                const box = element.getBoundingClientRect();
                return [
                    outer.x + box.x + box.width / 2, outer.y + box.y + box.height / 2,
                ];
            }})()"""
        )

    def select(self, selector):
        """Click on a block of the page."""
        self.find(selector)
        self._click(*self._get_place(selector))

    def click_block_group(self, group, snippet):
        """Add a block that is chosen from a dialog."""
        self.page.click(
            f'#snippet_groups .o_snippet[name="{group}"] .o_snippet_thumbnail_area'
        )
        choice = (
            "document.querySelector('.modal iframe')?.contentDocument"
            f"?.querySelector('[data-snippet-id={snippet}]')"
        )
        self.page.wait_for(f"!!{choice}")
        self.page.evaluate(f"{choice}.click()")
        self.find(f".{snippet}")

    def drop(self, name, target):
        """Drag an inner block to an element of the page."""
        self.page.click(".o-snippets-tabs button[data-name='blocks']")
        selector = f'#snippet_content .o_snippet[name="{name}"] .o_snippet_thumbnail'
        self.page.find(selector)
        self.page.evaluate(
            f"document.querySelector({json.dumps(selector)}).scrollIntoView()"
        )
        x, y = self.page.get_place(selector)
        to_x, to_y = self._get_place(target)
        self._press("mouseMoved", x, y)
        self._press("mousePressed", x, y)
        for part in range(1, 11):
            self._press_move(x + (to_x - x) * part / 10, y + (to_y - y) * part / 10)
        self._press("mouseReleased", to_x, to_y)

    def _press_move(self, x, y):
        self.page.send(
            "Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=1
        )

    def _row(self, label):
        """Return an option of the selected block, which comes after what holds it."""
        return (
            f'.o_customize_tab .options-container:last-of-type [data-label="{label}"]'
        )

    def choose(self, label, text):
        """Choose in the list of an option."""
        self.page.click(f"{self._row(label)} .dropdown-toggle")
        item = (
            "[...document.querySelectorAll('.o_popover .o-dropdown-item')]"
            f".find((el) => el.innerText.trim() === {json.dumps(text)})"
        )
        self.page.wait_for(f"!!{item}", f"{text} is not in the list")
        self.page.evaluate(f"{item}.click()")

    def type(self, label, text):
        """Type into an option."""
        selector = f"{self._row(label)} input"
        self.page.find(selector)
        self.page.evaluate(f"document.querySelector({json.dumps(selector)}).select()")
        self.page.type(selector, text)
        self.page.press("Tab")

    def save(self):
        """Save and wait until it is there."""
        self.page.click("button[data-action=save]")
        self.page.wait_for("!document.body.classList.contains('o_builder_open')")
        self.page.wait_for("pbpFrame()?.contentDocument.readyState === 'complete'")


@tagged("post_install", "-at_install")
class TestBookingBlock(BrowserCommon):
    """Who edits the website has no right on services, links or widgets."""

    browser_size = "1280x800"
    touch_enabled = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.website = cls.env["website"].search([], limit=1)
        cls.website.company_id = cls.company
        cls.link = cls._make_link("Gift card")
        cls.widget = cls.env["payment.widget"].create(
            {
                "name": "Home page",
                "company_id": cls.company.id,
                "can_pay": True,
                "link_ids": [Command.link(cls.link.id)],
            }
        )
        cls.designer = new_test_user(
            cls.env,
            login="designer",
            groups="base.group_user,website.group_website_designer",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def test_designer_chooses_among_what_is_public(self):
        self._create_service("Hidden", is_published=False)
        other = self.env["website"].create(
            {"name": "Other", "company_id": self.company.id}
        )
        self._create_service("Elsewhere", website_id=other.id)
        archived = self._make_link("Archived")
        archived.active = False
        with self.assertRaises(AccessError):
            self.service.with_user(self.designer).read(["name"])
        choices = self.website.with_user(self.designer).get_booking_block_choices()
        self.assertEqual(
            {(choice["purpose"], choice["name"]) for choice in choices},
            {
                ("book", "Haircut"),
                ("book", "Home page"),
                ("pay", "Gift card"),
                ("pay", "Home page"),
            },
        )
        [service] = [choice for choice in choices if choice["name"] == "Haircut"]
        self.assertEqual(
            service,
            {
                "purpose": "book",
                "kind": "service",
                "key": str(self.service.id),
                "name": "Haircut",
                "url": self.service._get_book_url(),
            },
        )
        [link] = [choice for choice in choices if choice["name"] == "Gift card"]
        self.assertEqual(link["url"], f"/l/{link['key']}")

    def test_nobody_else_lists_it(self):
        internal = new_test_user(self.env, login="internal", groups="base.group_user")
        for user in (internal, self.env.ref("base.public_user")):
            with self.assertRaises(AccessError):
                self.website.with_user(user).get_booking_block_choices()
        foreign = self.env["res.company"].create({"name": "Foreign"})
        website = self.env["website"].create(
            {"name": "Foreign", "company_id": foreign.id}
        )
        with self.assertRaises(AccessError):
            website.with_user(self.designer).get_booking_block_choices()

    def test_a_block_becomes_nothing_but_a_block(self):
        """Whoever writes a text of the website may write such an element into it."""
        block = (
            '<div class="s_payment_booking" data-kind="{}" data-key="{}" '
            'data-mode="{}"><a class="s_payment_booking_link" href="/book">x</a></div>'
        )
        key = self.service.id
        blocks = [
            block.format("onclick", "document.title = 1", "popup"),
            block.format("service", key, "x"),
            block.format("service", key, "popup"),
        ]
        self.env["website.page"].create(
            {
                "name": "Blocks",
                "url": "/blocks",
                "type": "qweb",
                "is_published": True,
                "website_id": self.website.id,
                "arch": '<t t-call="website.layout"><div id="wrap">'
                + "".join(blocks)
                + "</div></t>",
            }
        )
        with self.open_page() as page:
            page.goto("/blocks")
            page.wait_for("!!document.querySelector('payment-booking')")
            found = page.evaluate(
                "[...document.querySelectorAll('payment-booking')]"
                ".map((el) => el.getAttributeNames().sort().join())"
            )
        self.assertEqual(found, ["label,mode,service,style"])

    @classmethod
    def _make_link(cls, name):
        return cls.env["payment.direct.link"].create(
            {"name": name, "title": name, "amount": 50.0, "company_id": cls.company.id}
        )

    # === IN THE BUILDER === #

    def test_blocks_in_the_builder(self):
        self._build(
            {
                "forms": "Contact & Forms",
                "pay": "Pay Button",
                "shows": "Shows",
                "opens": "Opens",
                "in_page": "In the page",
                "text": "Text",
                "style": "Style",
                "second": "Secondary",
                "size": "Size",
                "large": "Large",
            }
        )

    def test_blocks_in_the_builder_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.env["ir.module.module"]._load_module_terms(
            ["website", "payment_booking_portal_website"], ["fr_FR"]
        )
        self.designer.lang = "fr_FR"
        self._build(
            {
                "forms": "Contact & Formulaires",
                "pay": "Bouton de paiement",
                "shows": "Affiche",
                "opens": "Ouvre",
                "in_page": "Dans la page",
                "text": "Texte",
                "style": "Style",
                "second": "Secondaire",
                "size": "Taille",
                "large": "Grande",
            }
        )

    def _build(self, texts):
        """Put both blocks on the home page and visit it.

        Without a tour: its clicks make some versions of Chromium crash in the editor.

        :param dict texts: what the editor reads.
        """
        key = self.link._get_embed_key()[1]
        with self.open_page("designer") as page:
            builder = Builder(page)
            builder.open()
            builder.click_block_group(texts["forms"], "s_payment_book")
            book = ".s_payment_book .s_payment_booking"
            builder.find(f"{book}[data-kind=all] > a[href='/book']")
            builder.select(book)
            builder.choose(texts["shows"], "Haircut")
            builder.choose(texts["opens"], texts["in_page"])
            builder.find(f"{book}[data-key='{self.service.id}'][data-mode=inline] > a")
            builder.drop(texts["pay"], ".s_payment_book h2")
            pay = ".s_payment_booking[data-purpose=pay]"
            builder.find(f"{pay}[data-key='{key}'] > a[href='/l/{key}']")
            builder.select(pay)
            builder.type(texts["text"], "Buy a gift card")
            builder.choose(texts["style"], texts["second"])
            builder.choose(texts["size"], texts["large"])
            builder.find(f"{pay} > a.btn-secondary.btn-lg:not(.btn-primary)")
            builder.save()
        saved = self._get_saved()
        self.assertEqual(saved.count("s_payment_booking_link"), 2)
        for part in (
            f'href="{self.service._get_book_url()}">Book online</a>',
            f'href="/l/{key}">Buy a gift card</a>',
        ):
            self.assertIn(part, saved)
        self.assertNotIn("<payment-booking", saved)
        self.assertNotIn("contenteditable", saved)
        with self.open_page() as page:
            page.goto("/")
            page.find(f"{book} > payment-booking[service='{self.service.id}']")
            page.find(
                f"{pay} > payment-booking[link='{key}'][mode=popup]"
                "[label='Buy a gift card']"
            )
            count = f"document.querySelectorAll('script[src$=\"{SCRIPT}\"]').length"
            self.assertEqual(page.evaluate(count), 1)
            page.goto("/contactus")
            self.assertEqual(page.evaluate(count), 0)

    def _get_saved(self):
        """Return what was saved in the home page of the website."""
        self.env.invalidate_all()
        website = self.website.with_context(website_id=self.website.id)
        return website.viewref("website.homepage").arch
