"""The pictures of the README: `make pictures` runs this on the demonstration data."""

from io import BytesIO
from pathlib import Path

from PIL import Image

from odoo.tests import tagged

from .common_browser import PHONE, PageCase

FOLDER = Path(__file__).parents[2] / "docs" / "img"
DESK = (1200, 800)
# Higher than a phone: the picture shows what one scrolls to.
TALL = (PHONE[0], 1000)
STUDIO_TZ = "America/Los_Angeles"
# Colours of a picture: enough for what is mostly text on white.
COLOURS = 256
MAX_BYTES = 80_000


@tagged("post_install", "-at_install")
class TestPictures(PageCase):
    """Each picture shows what a client or the staff of the studio sees."""

    def _prepare(self, page, size):
        page.resize(*size)
        page.send("Emulation.setScrollbarsHidden", hidden=True)
        page.send("Emulation.setTimezoneOverride", timezoneId=STUDIO_TZ)

    def _save(self, page, name):
        page.evaluate("document.activeElement.blur()")
        picture = Image.open(BytesIO(page.screenshot())).convert("RGB")
        picture = picture.quantize(COLOURS, Image.Quantize.MEDIANCUT, dither=0)
        FOLDER.mkdir(parents=True, exist_ok=True)
        path = FOLDER / name
        picture.save(path, optimize=True)
        self.assertLess(path.stat().st_size, MAX_BYTES, f"{name} is too big")

    def test_client(self):
        service = self.env.ref("payment_booking_portal.service_massage_demo")
        url = service._get_book_url()
        with self.open_page() as page:
            self._prepare(page, TALL)
            page.goto(url)
            # The month after this one: a whole one, whatever the day.
            page.click("#o_pbp_next")
            page.wait_for("document.activeElement.id === 'o_pbp_next'")
            page.click(".o_pbp_month tr:nth-child(2) td:nth-child(4) a")
            page.wait_for("document.activeElement.id === 'o_pbp_times_title'")
            page.evaluate("document.querySelector('.o_pbp_back').scrollIntoView()")
            self._save(page, "booking-phone.png")
            page.click(".o_pbp_slots a", loads=True)
            page.type("#o_pbp_name", "Marie Curie")
            page.type("#o_pbp_email", "marie@example.com")
            page.click(".o_pbp_details button[type=submit]", loads=True)
            page.click("input[name=o_payment_radio]")
            page.find("#customer_input")
            page.type("#customer_input", "4242 4242 4242 4242")
            page.evaluate("scrollTo(0, 0)")
            page.wait_for("document.querySelector('.o_pbp_remaining').innerText")
            self._save(page, "pay-phone.png")

    def test_back_office(self):
        with self.open_page(login="manager") as page:
            self._prepare(page, DESK)
            page.goto("/odoo/action-payment_booking_portal.payment_booking_action")
            page.find(".o_action_manager .o_view_controller .fc-event")
            page.wait_for("!document.querySelector('.o_loading_indicator')")
            self._save(page, "back-office.png")
