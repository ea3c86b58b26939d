"""A real Chromium on another website that pastes our script."""

import json
from pathlib import Path

from odoo.fields import Command
from odoo.tests.common import ChromeBrowser

from .common_browser import BrowserCommon, Page
from .embed_host import HOST, serve_host

SWITCHES = [
    # All frames in one process: one connection drives them. What pages may do to each
    # other stays the same.
    "--disable-site-isolation-trials",
    "--disable-features=IsolateOrigins,site-per-process",
]
FIND_FRAME = "/embed/"


class HostBrowser(ChromeBrowser):
    """A browser that also loads the other website."""

    def _spawn_chrome(self, cmd):
        """Override to add switches, and to decide about the cookies of frames."""
        blocks = self.test_case.blocks_foreign_cookies
        profile = Path(self.user_data_dir, "Default")
        profile.mkdir()
        settings = {
            "cookie_controls_mode": 1 if blocks else 0,
            "block_third_party_cookies": blocks,
        }
        (profile / "Preferences").write_text(json.dumps({"profile": settings}))
        return super()._spawn_chrome([*cmd[:-1], *SWITCHES, cmd[-1]])

    def _handle_request_paused(self, **params):
        """Override: the other website is not fetched by the tests."""
        if not params["request"]["url"].startswith(f"http://{HOST}:"):
            return super()._handle_request_paused(**params)
        return self._websocket_send(
            "Fetch.continueRequest", params={"requestId": params["requestId"]}
        )


class FramePage(Page):
    """What is in our frame, on a page of another website."""

    def _get_frame_id(self):
        root = self.send("Page.getFrameTree")["frameTree"]
        frames = [child["frame"] for child in root.get("childFrames", ())]
        found = [one["id"] for one in frames if FIND_FRAME in one["url"]]
        if not found:
            raise AssertionError(f"no frame of ours: {frames}")
        return found[-1]

    def evaluate(self, expression):
        """Override: in the frame, beside its own scripts."""
        world = self.send(
            "Page.createIsolatedWorld",
            frameId=self._get_frame_id(),
            worldName="tests",
        )
        return self._evaluate(expression, contextId=world["executionContextId"])

    def press_to_load(self, key):
        """Press a key that leads to another page."""
        self.evaluate("window.pbpOldPage = true")
        self.press(key)
        self.wait_loaded()

    def wait_loaded(self):
        """Override: it has none of Odoo's scripts."""
        self.wait_for("!window.pbpOldPage && document.readyState === 'complete'")
        self.evaluate("document.fonts.ready.then(() => true)")


class HostPage(Page):
    """A page of another website; its elements of ours are found by their selector."""

    @property
    def frame(self):
        """The page in the frame."""
        return FramePage(self.browser, self.base_url)

    def wait_loaded(self):
        """Override: only our own pages have Odoo's scripts."""
        self.wait_for("!window.pbpOldPage && document.readyState === 'complete'")
        if self.evaluate("location.href").startswith(self.base_url):
            return super().wait_loaded()
        return None

    def inside(self, selector, element="payment-booking"):
        """Return the expression of what an element of ours shows."""
        return (
            f"document.querySelector({json.dumps(element)})"
            f"?.shadowRoot?.querySelector({json.dumps(selector)})"
        )

    def find_inside(self, selector, element="payment-booking"):
        """Wait until an element of ours shows something."""
        self.wait_for(f"{self.inside(selector, element)}?.checkVisibility()")

    def click_inside(self, selector, element="payment-booking"):
        """Click on something that an element of ours shows."""
        self.find_inside(selector, element)
        self.evaluate(f"{self.inside(selector, element)}.click()")

    def wait_ready(self, element="payment-booking"):
        """Wait until an element of ours shows its frame, and what is in it."""
        self.find_inside("iframe", element)
        self.wait_for(f"{self.inside('.note', element)}.hidden")
        self.frame.wait_loaded()

    def follow(self, click, selector, *more):
        """Click on what leads the whole window to another page of ours."""
        self.evaluate("window.pbpOldPage = true")
        click(selector, *more)
        self.wait_loaded()


class EmbedBrowserCommon(BrowserCommon):
    """The studio of `BrowserCommon`, and a website that may show what it offers."""

    browser_class = HostBrowser
    page_class = HostPage
    # In a frame of another website no cookie is sent, not even that of the test.
    all_requests = True
    # As Safari, Firefox and the careful do.
    blocks_foreign_cookies = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.host = cls.enterClassContext(serve_host())
        cls.site = cls.host.origin
        cls.service.allowed_sites = cls.site
        cls.free = cls._create_service(
            "Free advice",
            fee_policy="free",
            is_published=True,
            notice_hours=48,
            allowed_sites=cls.site,
        )
        cls.link = cls.env["payment.direct.link"].create(
            {
                "name": "Voucher",
                "title": "Voucher",
                "amount": 50,
                "company_id": cls.company.id,
                "allowed_sites": cls.site,
            }
        )
        cls.widget = cls.env["payment.widget"].create(
            {
                "name": "Home page",
                "title": "What can we do for you?",
                "company_id": cls.company.id,
                "can_pay": True,
                "can_account": True,
                "link_ids": [Command.link(cls.link.id)],
                "allowed_sites": cls.site,
                "button_label": "Book or pay",
            }
        )

    def setUp(self):
        super().setUp()
        self.host.pages = dict(self.host.pages)

    def get_key(self, source):
        """Return the end of the address of what a website shows."""
        return "/".join(source._get_embed_key())

    def element(self, source, inner="", **attributes):
        """Return the tag of an element of ours."""
        kind, key = source._get_embed_key()
        values = {kind: key, **attributes}
        text = " ".join(f'{name}="{value}"' for name, value in values.items())
        return f"<payment-booking {text}>{inner}</payment-booking>"

    def script(self, source=None, **attributes):
        """Return the tag of our script."""
        values = {}
        if source:
            kind, key = source._get_embed_key()
            values = {f"data-{kind}": key}
            values.update({f"data-{name}": attributes[name] for name in attributes})
        text = " ".join(f'{name}="{value}"' for name, value in values.items())
        url = f"{self.base_url()}/payment-booking/v1.js"
        return f'<script async src="{url}" {text}></script>'

    def heard(self, page):
        """Return the events that the website heard of."""
        return page.evaluate("window.heard")

    def pay_in_top(self, page):
        """Pay with the demonstration provider, on the pay page."""
        page.click("input[name=o_payment_radio]")
        page.type("#customer_input", "4242")
        page.follow(page.click, "button[name=o_payment_submit_button]")
