"""Another website with our script, in a real browser: book, pay, come back."""

import gzip

from odoo.http import request
from odoo.tests import tagged
from odoo.tools import file_path

from ..controllers.embed import SCRIPT_FILE
from .common_browser import DESKTOP, PHONE
from .common_embed import EmbedBrowserCommon
from .test_accessibility import AT_REST, AXE, RUN, TOO_WIDE

MAX_SCRIPT_BYTES = 8 * 1024
# What websites of careful people allow: nothing inline, nothing of others.
STRICT = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; "
    "form-action 'none'; trusted-types 'none'; require-trusted-types-for 'script'; "
    "script-src 'self' {server}; connect-src {server}; frame-src {server}"
)
# What the keyboard is on, also in an element of ours and in its frame.
FOCUS = """
((el) => el.shadowRoot?.activeElement || el)(document.activeElement).localName
"""


@tagged("post_install", "-at_install")
class TestEmbedBrowser(EmbedBrowserCommon):
    def _check_access(self, page, name):
        """Check that nothing serious stands in anybody's way, and the width."""
        page.wait_for(AT_REST)
        if not page.evaluate("!!window.axe"):
            page.evaluate(f"{AXE.read_text()}; true")
        self.assertEqual(page.evaluate(RUN % "{}"), [], name)
        self.assertEqual(page.evaluate(TOO_WIDE), [], f"{name} scrolls sideways")

    def _open_popup(self, page, element="payment-booking"):
        page.click_inside("button", element)
        page.wait_ready(element)

    # === THE THREE WAYS === #

    def test_popup(self):
        self.host.set_page(
            self.script(self.widget, name="Zoé Client", email="zoe@example.com")
        )
        with self.open_page() as page:
            page.goto(f"{self.site}/?utm_campaign=spring#prices")
            self._open_popup(page)
            frame = page.frame
            self._check_access(page, "popup")
            self._check_access(frame, "choice")
            frame.click(f".o_pbp_services a[href*='-{self.service.id}']", loads=True)
            self.assertEqual(frame.evaluate("document.activeElement.localName"), "h1")
            frame.click(".o_pbp_slots a", loads=True)
            self._check_access(frame, "details")
            self.assertEqual(
                frame.evaluate("document.querySelector('[name=name]').value"),
                "Zoé Client",
            )
            self.assertNotIn("Zo", frame.evaluate("location.href"))
            page.follow(frame.click, ".o_pbp_details [type=submit]")
            self.assertEqual(page.evaluate("window.top === window"), True)
            page.find(".o_pbp_return_unpaid")
            self.pay_in_top(page)
            page.find(".o_pbp_return_stay")
            self._check_access(page, "return")
            page.follow(page.click, "a.o_pbp_return")
            page.find_inside("dialog.thanks")
            self._check_access(page, "thanks")
            self.assertEqual(self.heard(page), ["booked", "paid"])
            self.assertEqual(
                page.evaluate("location.href"), f"{self.site}/?utm_campaign=spring"
            )
            page.press("Enter")
            page.wait_for(f"!{page.inside('dialog.thanks')}")
        booking = self.get_booking()
        self.assert_paid(booking)
        self.assertEqual(booking.guest_name, "Zoé Client")
        self.assertEqual(booking.campaign, "spring")

    def test_inline(self):
        self.host.set_page(
            self.element(self.link, mode="inline", id="voucher") + self.script()
        )
        with self.open_page() as page:
            page.resize(*DESKTOP)
            page.goto(f"{self.site}/")
            page.wait_ready()
            frame = page.frame
            self._check_access(page, "inline")
            page.wait_for(
                f"{page.inside('iframe')}.clientHeight === "
                f"{frame.evaluate('document.documentElement.scrollHeight')}",
                "as high as what is in it",
            )
            frame.type("[name=name]", "Zoé")
            frame.type("[name=email]", "nobody")
            frame.click(".o_pbp_link_form [type=submit]", loads=True)
            frame.find("[role=alert]:focus")
            frame.evaluate("document.querySelector('[name=email]').value = ''")
            frame.type("[name=email]", "zoe@example.com")
            page.follow(frame.click, ".o_pbp_link_form [type=submit]")
            # Not now: the website is told.
            page.follow(page.click, ".o_pbp_return_unpaid")
            page.wait_for("window.heard.length")
            self.assertEqual(self.heard(page), ["closed voucher"])
            self.assertFalse(page.evaluate(f"!!{page.inside('dialog')}"))
            page.wait_ready()
            frame.type("[name=name]", "Zoé")
            frame.type("[name=email]", "zoe@example.com")
            page.follow(frame.click, ".o_pbp_link_form [type=submit]")
            self.pay_in_top(page)
            page.follow(page.click, "a.o_pbp_return")
            page.find_inside("dialog.thanks")
            self.assertEqual(self.heard(page), ["paid voucher"])
        self.env.invalidate_all()
        made = self.env["payment.request"].search(
            [("direct_link_id", "=", self.link.id)]
        )
        self.assertEqual(made.mapped("state"), ["paid"], "the visitor's own, once")

    def test_button(self):
        self.host.set_page(self.script(self.free, mode="button", label="Come"))
        with self.open_page() as page:
            page.goto(f"{self.site}/")
            page.find_inside("a")
            self.assertEqual(page.evaluate(page.inside("a") + ".innerText"), "Come")
            page.follow(page.click_inside, "a")
            page.click(".o_pbp_slots a", loads=True)
            page.type("[name=name]", "Zoé")
            page.type("[name=email]", "zoe@example.com")
            page.follow(page.click, ".o_pbp_details [type=submit]")
            page.follow(page.click, "a.o_pbp_return")
            page.find_inside("dialog.thanks")
            self.assertEqual(self.heard(page), ["booked"])
        self.assertEqual(self.get_booking(self.free).state, "confirmed")

    # === WHO MAY === #

    def test_another_site_gets_a_link(self):
        self.widget.allowed_sites = "https://www.studio.example"
        framed = f"{self.base_url()}/embed/en_US/{self.get_key(self.widget)}"
        self.host.set_page(
            self.script(self.widget, mode="inline")
            + f'<iframe title="By hand" src="{framed}"></iframe>'
        )
        with self.open_page() as page:
            page.goto(f"{self.site}/")
            page.find_inside("a")
            self.assertFalse(page.evaluate(f"!!{page.inside('iframe')}"))
            self.assertEqual(page.evaluate(f"{page.inside('a')}.target"), "_top")
            # The browser itself refuses it: an empty page of nobody.
            [frame] = page.send("Page.getFrameTree")["frameTree"]["childFrames"]
            self.assertIn("/embed/", frame["frame"].get("unreachableUrl", ""))
            page.follow(page.click_inside, "a")
            page.find("h1")
            self.assertIn("/w/", page.evaluate("location.pathname"))

    def test_what_cannot_be_shown_is_a_link(self):
        """The server may not be asked; it does not know the key; a frame is refused."""
        policy = "connect-src 'none'"
        self.host.set_page(
            self.element(self.free, label="Come", id="free")
            + self.element(self.free, '<a href="/own">Our words</a>', id="own")
            + self.script(),
            Content_Security_Policy=policy,
        )
        self.host.set_page(
            self.element(self.free) + self.script(),
            "/frame",
            Content_Security_Policy="frame-src 'none'",
        )
        with self.open_page() as page:
            page.goto(f"{self.site}/")
            page.find_inside("a", "#free")
            self.assertEqual(
                page.evaluate(page.inside("a", "#free") + ".innerText"), "Come"
            )
            page.find("#own a")
            self.assertFalse(page.evaluate(f"!!{page.inside('a', '#own')}"))
            page.goto(f"{self.site}/frame")
            page.wait_for(f"{page.inside('.note a')}?.checkVisibility()")
            page.follow(page.click_inside, ".note a")
            page.find(".o_pbp_month")

    def test_strict_website_in_french(self):
        """Nothing inline, trusted types; no other page may pretend to be the frame."""
        self.env["res.lang"]._activate_lang("fr_FR")
        self.widget.with_context(lang="fr_FR").title = "Que désirez-vous ?"
        self.host.set_page(
            self.element(self.widget, mode="popup", label="Réserver") + self.script(),
            lang="fr-BE",
            Content_Security_Policy=STRICT.format(server=self.base_url()),
        )
        with self.open_page() as page:
            page.goto(f"{self.site}/")
            self._open_popup(page)
            # Our styles are there: all of a phone.
            self.assertEqual(
                page.evaluate(
                    f"{page.inside('dialog')}.getBoundingClientRect().toJSON()"
                )["width"],
                PHONE[0],
            )
            frame = page.frame
            self.assertEqual(frame.evaluate("document.documentElement.lang"), "fr-FR")
            self._check_access(frame, "French")
            # A message of anybody else is nothing.
            page.evaluate(
                "for (const type of ['booked', 'close', 'pay'])"
                " postMessage({payment: 1, type, url: 'https://evil.example/'}, '*')"
            )
            frame.evaluate(
                "parent.postMessage({payment: 1, type: 'pay',"
                " url: 'https://evil.example/'}, '*')"
            )
            frame.click(f".o_pbp_services a[href*='-{self.free.id}']", loads=True)
            frame.click(".o_pbp_slots a", loads=True)
            frame.type("[name=name]", "Zoé")
            frame.type("[name=email]", "zoe@example.com")
            frame.click(".o_pbp_details [type=submit]", loads=True)
            page.wait_for("window.heard.length")
            self.assertEqual(self.heard(page), ["booked"])
            self._check_access(frame, "booked")
            page.click_inside("button.close")
            self.assertEqual(page.evaluate("location.href"), f"{self.site}/")
            self.assertEqual(self.heard(page), ["booked"])
        booking = self.get_booking(self.free)
        self.assertEqual((booking.state, booking.lang), ("confirmed", "fr_FR"))

    # === KEYS, AND SEVERAL === #

    def test_two_with_the_keyboard(self):
        self.host.set_page(
            self.element(self.free, mode="popup", id="free")
            + self.script(self.link, mode="popup")
            + self.script()
        )
        with self.open_page() as page:
            page.goto(f"{self.site}/")
            for element in ("#free", "payment-booking:not([id])"):
                page.find_inside("button", element)
            self.assertEqual(
                page.evaluate("document.querySelectorAll('payment-booking').length"), 2
            )
            page.press("Tab")
            page.press("Enter")
            page.wait_ready("#free")
            self.assertEqual(page.evaluate(FOCUS), "button")
            self.assertEqual(
                page.evaluate(
                    f"{page.inside('dialog', '#free')}.contains("
                    "document.querySelector('#free').shadowRoot.activeElement)"
                ),
                True,
            )
            # Round and round, never to the page behind.
            seen = set()
            for _key in range(60):
                page.press("Tab")
                seen.add(page.evaluate(FOCUS))
            self.assertIn("iframe", seen)
            self.assertNotIn("a", seen)
            frame = page.frame
            # Escape, in the frame too; and back to the button.
            frame.evaluate("document.querySelector('.o_pbp_slots a').focus()")
            page.press("Escape")
            page.wait_for(f"!{page.inside('dialog', '#free')}.open")
            self.assertEqual(self.heard(page), ["closed free"])
            self.assertEqual(page.evaluate(FOCUS), "button")
            page.press("Enter")
            page.wait_for(f"{page.inside('dialog', '#free')}.open")
            frame.evaluate("document.querySelector('.o_pbp_slots a').focus()")
            frame.press_to_load("Enter")
            frame.wait_for("document.activeElement.localName === 'h1'")
            frame.type("[name=name]", "Zoé")
            frame.type("[name=email]", "zoe@example.com")
            frame.press_to_load("Enter")
            page.wait_for("window.heard.length === 2")
            page.press("Escape")
            page.wait_for(f"!{page.inside('dialog', '#free')}.open")
            self.assertEqual(self.heard(page), ["closed free", "booked free"])
            self._open_popup(page, "payment-booking:not([id])")
            frame.find(".o_pbp_link_form")
        self.assertEqual(self.get_booking(self.free).state, "confirmed")

    # === NO COOKIES === #

    def _watch_cookies(self):
        """Note what the server gets with each request of a frame."""
        sent = []
        method = type(self.env["ir.http"])._auth_method_booking_frame

        def note(_cls):
            sent.append(request.httprequest.headers.get("Cookie") or "")
            return method()

        self.patch(
            type(self.env["ir.http"]), "_auth_method_booking_frame", classmethod(note)
        )
        return sent

    def _load_with_cookie(self):
        """Show a frame to a browser that has a cookie of ours for everywhere."""
        self.host.set_page(self.element(self.free, mode="inline") + self.script())
        with self.open_page() as page:
            page.send(
                "Network.setCookie",
                name="everywhere",
                value="1",
                url=self.base_url(),
                sameSite="None",
                secure=True,
            )
            page.goto(f"{self.site}/")
            page.wait_ready()

    def test_no_cookies_of_others(self):
        """All tests here run in a browser that sends none: this one shows it."""
        sent = self._watch_cookies()
        self._load_with_cookie()
        self.assertEqual(set(sent), {""})

    def test_cookies_would_come(self):
        """The control of the test before: that browser would send it."""
        self.blocks_foreign_cookies = False
        sent = self._watch_cookies()
        self._load_with_cookie()
        self.assertIn("everywhere=1", sent)

    # === SIZE === #

    def test_script_is_small(self):
        with open(file_path(SCRIPT_FILE), "rb") as script:
            packed = gzip.compress(script.read())
        self.assertLess(len(packed), MAX_SCRIPT_BYTES)
