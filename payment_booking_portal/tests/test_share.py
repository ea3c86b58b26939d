import base64
import io
import re
from urllib.parse import unquote

import qrcode
from lxml import etree, html
from PIL import Image
from qrcode.util import MODE_8BIT_BYTE, QRData

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import HttpCase, TransactionCase, freeze_time, new_test_user, tagged

from ..tools import qr
from .common import NOW, BookingCommon
from .common_browser import DESKTOP, PageCase

URL = "https://studio.example.com/book/massage-du-dos-12"


def read_png(content):
    """Return the squares of a PNG of ours with its quiet zone; True is dark."""
    image = Image.open(io.BytesIO(content)).convert("L")
    side = image.width // qr.PNG_SCALE
    middle = qr.PNG_SCALE // 2
    return [
        [
            image.getpixel((x * qr.PNG_SCALE + middle, y * qr.PNG_SCALE + middle)) < 128
            for x in range(side)
        ]
        for y in range(side)
    ]


def read_svg(content):
    """Return the squares of an SVG of ours with its quiet zone; True is dark."""
    root = etree.fromstring(content)
    side = int(root.get("viewBox").split()[2])
    squares = [[False] * side for _y in range(side)]
    for path in root.findall("{*}path"):
        dark = path.get("fill") == "#000"
        for x, y, width, height in re.findall(
            r"M(\d+) (\d+)h(\d+)v(\d+)h-\d+z",
            path.get("d").replace("H0z", f"h-{side}z"),
        ):
            for row in range(int(y), int(y) + int(height)):
                for column in range(int(x), int(x) + int(width)):
                    squares[row][column] = dark
    return squares


def encode(text, size, mask):
    """Return the squares that another encoder than Odoo's makes of a text.

    :param int size: squares of a side, which says the version.
    :param int mask: the pattern laid over it: encoders weigh them differently.
    """
    code = qrcode.QRCode(
        version=(size - 17) // 4,
        error_correction=qrcode.constants.ERROR_CORRECT_M,
        mask_pattern=mask,
        border=qr.QUIET_ZONE,
    )
    code.add_data(QRData(text.encode(), mode=MODE_8BIT_BYTE))
    code.make(fit=False)
    return [[bool(square) for square in row] for row in code.get_matrix()]


def get_mask(squares):
    """Return which pattern lies over a code, from the squares that say so."""
    row = squares[qr.QUIET_ZONE + 8]
    bits = "".join(str(int(row[qr.QUIET_ZONE + column])) for column in range(5))
    return (int(bits, 2) ^ 0b10101) & 0b111


@tagged("post_install", "-at_install")
class TestQr(TransactionCase):
    """The pictures are square by square what another encoder makes of the text."""

    def assert_says(self, squares, text):
        size = len(squares) - 2 * qr.QUIET_ZONE
        self.assertEqual(squares, encode(text, size, get_mask(squares)))

    def test_pictures_say_the_text(self):
        for text in (URL, "https://a.be/book", URL + "?" + "x" * 300, "réservé"):
            with self.subTest(text):
                self.assert_says(read_png(qr.make_png(text)), text)
                self.assert_says(read_svg(qr.make_svg(text)), text)

    def test_another_text_is_told_apart(self):
        with self.assertRaises(AssertionError):
            self.assert_says(read_png(qr.make_png(URL)), URL.replace("12", "13"))

    def test_quiet_zone_is_white(self):
        for squares in (read_png(qr.make_png(URL)), read_svg(qr.make_svg(URL))):
            for line in (*squares[:4], *squares[-4:]):
                self.assertFalse(any(line))
            for line in squares:
                self.assertFalse(any((*line[:4], *line[-4:])))


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestShare(BookingCommon, HttpCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.user = cls._create_colleague("pbp_reception")
        cls.env.ref("base.public_user").sudo().write(
            {
                "company_ids": [Command.link(cls.company.id)],
                "company_id": cls.company.id,
            }
        )

    @classmethod
    def _create_colleague(cls, login, groups="payment_booking_portal.group_user"):
        return new_test_user(
            cls.env,
            login=login,
            groups=groups,
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )

    def _share(self, service=None, user=None, **context):
        """Return the dialog as a user opens it, for the whole page by default."""
        env = self.env(user=user or self.user, context=context, su=False)
        if service is None:
            action = env["payment.booking.share"].action_share_page()
        else:
            action = env["payment.booking.service"].browse(service.id).action_share()
        self.assertEqual(action["target"], "new")
        return env[action["res_model"]].browse(action["res_id"])

    # === THE ADDRESS === #

    def test_address_of_a_service(self):
        share = self._share(self.service)
        self.assertEqual(share.url, self.service.public_url)
        self.assertTrue(share.url.startswith("http"))
        self.assertIn("Haircut", share.title)
        path = share.url.removeprefix(self.service.get_base_url())
        self.assertEqual(self.url_open(path).status_code, 200)

    def test_address_of_the_page(self):
        share = self._share()
        self.assertEqual(share.url, self.company.get_base_url() + "/book")
        self.assertIn("Haircut", self.url_open("/book").text)

    def test_address_of_another_company(self):
        other = self._create_other_company()
        self.user.company_ids += other
        service = self._create_service(
            "Elsewhere",
            company_id=other.id,
            group_ids=[Command.clear()],
            calendar_id=other.resource_calendar_id.id,
        )
        companies = (self.company + other).ids
        share = self._share(service, allowed_company_ids=companies)
        self.assertEqual(share.company_id, other)
        self.assertEqual(share.url, service.public_url)
        page = self._share(allowed_company_ids=other.ids)
        self.assertEqual(page.url, f"{other.get_base_url()}/book/at/{other.id}")
        self.assertEqual(page.title, other.name)

    def test_preview_opens_the_page(self):
        preview = self._share(self.service).action_preview()
        self.assertEqual(preview["url"], self.service._get_book_url())
        self.assertEqual(preview["target"], "new")
        # Of the page's own company, whoever is logged in.
        self.assertEqual(
            self._share().action_preview()["url"], f"/book/at/{self.company.id}"
        )

    # === WHY IT CANNOT BE BOOKED === #

    def test_dialog_says_why_a_service_cannot_be_booked(self):
        self.assertFalse(self._share(self.service).closed_reason)
        self.service.is_published = False
        self.assertIn("not published", self._share(self.service).closed_reason)
        self.service.is_published = True
        self.provider.is_published = False
        self.assertIn("provider", self._share(self.service).closed_reason)

    def test_dialog_says_why_the_page_is_empty(self):
        self.assertFalse(self._share().closed_reason)
        self.provider.is_published = False
        self.assertIn("None of your services", self._share().closed_reason)
        self.service.is_published = False
        self.assertIn("No service is published", self._share().closed_reason)

    # === QR CODE === #

    def test_qr_code_says_the_address(self):
        for share in (self._share(self.service), self._share()):
            png = read_png(base64.b64decode(share.qr_png))
            size = len(png) - 2 * qr.QUIET_ZONE
            self.assertEqual(png, encode(share.url, size, get_mask(png)))
            self.assertEqual(read_svg(base64.b64decode(share.qr_svg)), png)

    def test_downloads(self):
        share = self._share(self.service)
        self.authenticate("pbp_reception", "pbp_reception")
        for action, name, content in (
            (share.action_download_png(), "qr-haircut.png", share.qr_png),
            (share.action_download_svg(), "qr-haircut.svg", share.qr_svg),
        ):
            with self.subTest(name):
                answer = self.url_open(action["url"])
                self.assertEqual(answer.status_code, 200)
                self.assertEqual(answer.content, base64.b64decode(content))
                disposition = unquote(answer.headers["Content-Disposition"])
                self.assertTrue(disposition.startswith("attachment"))
                self.assertIn(name, disposition)

    def test_downloads_are_for_whoever_opened_the_dialog(self):
        url = self._share(self.service).action_download_png()["url"]
        for login in (None, self._create_colleague("pbp_colleague").login):
            with self.subTest(login):
                self.authenticate(login, login)
                self.assertEqual(self.url_open(url).status_code, 404)

    # === HTML BUTTON === #

    def test_button_is_a_plain_link(self):
        share = self._share(self.service)
        link = html.fromstring(share.button_html)
        self.assertEqual(link.tag, "a")
        self.assertEqual(link.get("href"), share.url)
        self.assertEqual(link.text_content(), "Book online")
        self.assertEqual(set(link.keys()), {"href", "style"})
        self.assertEqual(share.button_html, share.button_preview)

    def test_button_escapes_what_is_typed(self):
        share = self._share(self.service)
        share.button_label = 'Cut & "curl" <script>alert(1)</script>'
        link = html.fromstring(share.button_html)
        self.assertEqual(link.text_content(), share.button_label)
        self.assertFalse(link.getchildren())

    # === MAIL === #

    def _mails(self):
        return self.env["mail.mail"].search(
            [("subject", "like", "Book online")], order="id"
        )

    def test_plain_user_writes_to_clients_one_by_one(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        clients = self.env["res.partner"].create(
            [
                {"name": "Zoé", "email": "zoe@example.com", "lang": "en_US"},
                {"name": "Luc", "email": "luc@example.com", "lang": "fr_FR"},
            ]
        )
        self.service.with_context(lang="fr_FR").name = "Coupe"
        share = self._share(self.service)
        share.write({"partner_ids": clients.ids, "message": "Spring <b>is</b> here"})
        answer = share.action_send()
        self.assertEqual(answer["tag"], "display_notification")
        self.assertIn("Zoé, Luc", answer["params"]["message"])
        mails = self._mails()
        self.assertEqual([mail.recipient_ids for mail in mails], list(clients))
        for mail, client, name in zip(
            mails, clients, ("Haircut", "Coupe"), strict=True
        ):
            body = html.fromstring(mail.body_html)
            links = [a.get("href") for a in body.iter("a")]
            self.assertTrue(
                any(link.startswith(share.get_base_url() + "/book/") for link in links)
            )
            text = body.text_content()
            self.assertIn(client.name, text)
            self.assertIn(name, text)
            self.assertIn("Spring <b>is</b> here", text)
            self.assertNotIn((clients - client).name, text)
            self.assertFalse(mail.email_to)
            self.assertFalse(mail.email_cc)
            # It stays in the history of the client.
            self.assertIn(mail.mail_message_id, client.message_ids)

    def test_mail_about_the_page(self):
        client = self.env["res.partner"].create(
            {"name": "Zoé", "email": "zoe@example.com"}
        )
        share = self._share()
        share.partner_ids = client
        share.action_send()
        mail = self._mails()
        self.assertIn(self.company.name, mail.subject)
        self.assertIn(share.url, mail.body_html)

    def test_nobody_is_written_to_in_vain(self):
        share = self._share(self.service)
        with self.assertRaisesRegex(UserError, "Choose"):
            share.action_send()
        nowhere = self.env["res.partner"].create({"name": "No Address"})
        share.partner_ids = nowhere
        with self.assertRaisesRegex(UserError, "No Address"):
            share.action_send()
        nowhere.email = "here@example.com"
        self.service.is_published = False
        share.invalidate_recordset()
        with self.assertRaisesRegex(UserError, "not published"):
            share.action_send()
        self.assertFalse(self._mails())

    # === RIGHTS === #

    def test_only_staff_of_ours_shares(self):
        stranger = self._create_colleague("pbp_stranger", "base.group_user")
        with self.assertRaises(AccessError):
            self._share(user=stranger)

    def test_dialog_of_somebody_else_is_closed(self):
        share = self._share(self.service)
        colleague = self._create_colleague("pbp_colleague")
        with self.assertRaises(AccessError):
            share.with_user(colleague).action_send()

    def test_service_of_another_company_is_not_shared(self):
        other = self._create_other_company()
        service = self._create_service(
            "Elsewhere",
            company_id=other.id,
            group_ids=[Command.clear()],
            calendar_id=other.resource_calendar_id.id,
        )
        Share = self.env["payment.booking.share"].with_user(self.user).sudo(False)
        with self.assertRaises(AccessError):
            Share.create({"service_id": service.id})


@tagged("post_install", "-at_install")
class TestShareDialog(BookingCommon, PageCase):
    """The dialog as reception sees it."""

    browser_size = f"{DESKTOP[0]}x{DESKTOP[1]}"
    touch_enabled = False

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        new_test_user(
            cls.env,
            login="pbp_reception",
            groups="payment_booking_portal.group_user",
            company_id=cls.company.id,
            company_ids=[Command.set(cls.company.ids)],
        )
        # Now: the pages use the cursor of the test while they load.
        cls.form_path = f"/odoo/booking-services/{cls.service.id}"
        cls.service_path = cls.service._get_book_url()
        cls.page_path = cls.company._get_book_url()

    def assert_dialog(self, page, path):
        """Check that the dialog shows the QR code and an address that ends so."""
        page.find(".modal .o_field_widget[name='qr_png'] img")
        page.wait_for("document.querySelector(\"[name='qr_png'] img\").naturalWidth")
        address = page.evaluate(
            "document.querySelector(\".modal [name='url']\").innerText"
        )
        self.assertTrue(address.strip().endswith(path), address)

    def test_dialog_opens_from_the_service(self):
        with self.open_page("pbp_reception") as page:
            page.goto(self.form_path)
            page.click("button[name='action_share']")
            self.assert_dialog(page, self.service_path)

    def test_dialog_opens_from_the_list(self):
        with self.open_page("pbp_reception") as page:
            page.goto("/odoo/booking-services")
            page.click(".o_data_row button[name='action_share']")
            self.assert_dialog(page, self.service_path)
            page.click(".modal button[special='cancel'], .modal .btn-close")
            page.wait_for("!document.querySelector('.modal')")
            page.click("button[name='action_share_page']")
            self.assert_dialog(page, self.page_path)
