import re

from odoo.tests import freeze_time, tagged
from odoo.tools.mail import email_split_tuples

from .common import NOW
from .test_payable import PayableCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMail(PayableCommon):
    """What clients are written, when, and in which language."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.company.email = "studio@example.com"
        cls.free = cls._create_service("Chat", fee_policy="free", price=0)

    def _mails(self, booking):
        """Return the mails about a booking, the newest last."""
        return self.env["mail.mail"].search(
            [("model", "=", "payment.booking"), ("res_id", "=", booking.id)],
            order="id",
        )

    def _book(self, service=None, local="2026-03-03 09:00", **values):
        return self.env["payment.booking"]._place(
            service or self.free,
            self._utc(local),
            {"guest_name": "Zoé", "guest_email": "zoe@example.com", **values},
            visitor_key=f"mail {local}",
        )

    def _addresses(self, mail):
        """Return to which addresses a mail goes."""
        headers = [mail.email_to or "", *mail.recipient_ids.mapped("email_formatted")]
        for header in [*headers, mail.subject]:
            self.assertNotRegex(header, r"[\r\n]")
        return [a for h in headers for _name, a in email_split_tuples(h)]

    def _calendar_of(self, mail):
        [attachment] = mail.attachment_ids
        self.assertEqual(attachment.name, "booking.ics")
        self.assertIn("text/calendar", attachment.mimetype)
        return attachment.raw.decode()

    # === WHEN === #

    def test_no_mail_before_it_counts(self):
        booking = self._book(self.service)
        self.assertFalse(self._mails(booking))
        tx = self._start_payment(booking)
        self.assertFalse(self._mails(booking))
        tx._set_done()
        self.assertFalse(self._mails(booking))
        tx._post_process()
        self.assertEqual(len(self._mails(booking)), 1)

    def test_confirmation_is_a_receipt_of_what_was_paid(self):
        booking = self._book(self.service)
        tx = self._pay(booking)
        body = self._mails(booking).body_html
        self.assertIn("$ 60.00 on March", body.replace("\xa0", " "))
        self.assertIn(tx.reference, body)
        free = self._book(self.free, "2026-03-05 09:00")
        self.assertNotIn("Your receipt", self._mails(free).body_html)

    def test_lapsed_or_dropped_hold_says_nothing(self):
        lapsed = self._book(self.service)
        dropped = self._book(self.service, "2026-03-04 09:00")
        dropped._drop_hold()
        with freeze_time("2026-03-02 08:00:00"):
            lapsed._end_hold()
        self.assertEqual((lapsed + dropped).mapped("state"), ["expired", "cancelled"])
        self.assertFalse(self._mails(lapsed) + self._mails(dropped))

    def test_one_mail_per_event_with_its_calendar_file(self):
        booking = self._book()
        [confirmed] = self._mails(booking)
        self.assertIn("METHOD:PUBLISH", self._calendar_of(confirmed))
        self.assertIn("SEQUENCE:0", self._calendar_of(confirmed))
        booking._move(self._utc("2026-03-04 10:00"))
        moved = self._mails(booking) - confirmed
        self.assertEqual(len(moved), 1)
        self.assertIn("SEQUENCE:1", self._calendar_of(moved))
        self.assertIn("20260304T090000Z", self._calendar_of(moved))
        booking._cancel(by_client=True)
        cancelled = self._mails(booking) - confirmed - moved
        self.assertEqual(len(cancelled), 1)
        self.assertIn("METHOD:CANCEL", self._calendar_of(cancelled))
        subjects = [mail.subject for mail in confirmed + moved + cancelled]
        self.assertEqual(len(set(subjects)), 3)
        for subject in subjects:
            self.assertIn("Chat", subject)

    def test_client_without_address_gets_none(self):
        booking = self._book(guest_email=False)
        self.assertEqual(booking.state, "confirmed")
        self.assertFalse(self._mails(booking))

    # === WHAT === #

    def test_confirmation_says_what_was_paid_and_where_to_go(self):
        booking = self._book(self.service)
        self._pay(booking)
        [mail] = self._mails(booking)
        self.assertEqual(self._addresses(mail), ["zoe@example.com"])
        self.assertIn("studio@example.com", mail.email_from)
        self.assertIn("60.00", mail.body_html)
        self.assertIn(booking.name, mail.body_html)
        base = booking.get_base_url()
        self.assertIn(f'href="{base}{booking._get_manage_url()}"', mail.body_html)
        for link in re.findall(r'href="([^"]+)"', mail.body_html):
            self.assertRegex(link, r"^(https?://|mailto:|tel:)")

    def test_no_address_of_a_person_in_a_link(self):
        booking = self._book(self.service, guest_phone="+32 470 00 00 00")
        self._pay(booking)
        for link in re.findall(r'href="([^"]+)"', self._mails(booking).body_html):
            for secret in ("zoe", "Zo", "470"):
                self.assertNotIn(secret, link.partition("://")[2].partition("/")[2])

    def test_names_are_only_text(self):
        script = "<script>alert(1)</script>"
        booking = self._book(guest_name=script)
        [mail] = self._mails(booking)
        self.assertNotIn(script, mail.body_html)
        self.assertIn("&lt;script&gt;", mail.body_html)

    def test_names_are_not_evaluated(self):
        booking = self._book(guest_name="{{ 6 * 7 }} <t t-out='6 * 7'/>")
        [mail] = self._mails(booking)
        self.assertNotIn(" 42 ", f"{mail.subject} {mail.body_html}")
        self.assertIn("{{ 6 * 7 }}", mail.body_html)

    def test_header_of_a_mail_cannot_be_forged(self):
        for day, name in enumerate(
            (
                "Zoé\r\nBcc: evil@example.com",
                "Zoe\nBcc: evil@example.com",
                'Zoe" <evil@example.com>, "x',
                "evil@example.com,",
            ),
            3,
        ):
            with self.subTest(name):
                booking = self._book(local=f"2026-03-0{day} 09:00", guest_name=name)
                [mail] = self._mails(booking)
                self.assertEqual(self._addresses(mail), ["zoe@example.com"])

    def test_typed_address_of_a_known_contact_is_not_theirs(self):
        known = self.env["res.partner"].create(
            {"name": "Known", "email": "zoe@example.com"}
        )
        booking = self._book()
        [mail] = self._mails(booking)
        self.assertNotIn(known, mail.recipient_ids + booking.message_partner_ids)
        self.assertEqual(self._addresses(mail), ["zoe@example.com"])

    def test_transfer_says_how_and_until_when(self):
        booking = self._book(self.service, "2026-03-16 09:00")
        tx = self._start_payment(
            booking,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        tx._set_pending()
        [mail] = self._mails(booking)
        self.assertIn("60.00", mail.subject)
        self.assertIn("BE00 0000", mail.body_html)
        self.assertIn(tx._get_communication(), mail.body_html)
        self.assertIn("March 5", mail.body_html)
        self.assertFalse(mail.attachment_ids)
        tx._set_pending()
        self.assertEqual(len(self._mails(booking)), 1, "said once")

    def test_test_money_is_named(self):
        self.provider.write({"state": "test", "is_published": True})
        self.company.booking_accept_test_payments = True
        booking = self._book(self.service)
        self._pay(booking)
        self.assertIn("[Test]", self._mails(booking).subject)
        real = self._book(local="2026-03-04 09:00")
        self.assertNotIn("[Test]", self._mails(real).subject)

    # === LANGUAGE === #

    def test_language_of_the_client(self):
        english = self._book(lang="en_US")
        french = self._book(local="2026-03-03 11:00", lang="fr_FR")
        self.assertEqual(french.partner_id.lang, "fr_FR")
        self.assertIn("March 3", self._mails(english).subject)
        self.assertIn("3 mars", self._mails(french).subject)
        self.assertIn("3 mars", self._mails(french).body_html)
        self.assertNotIn("March 3", self._mails(french).body_html)

    def test_language_of_staff_does_not_matter(self):
        french = self._book(lang="fr_FR")
        french.with_context(lang="en_US")._cancel()
        self.assertIn("3 mars", self._mails(french)[-1].subject)

    def test_language_of_the_contact_comes_first(self):
        self.partner.lang = "fr_FR"
        booking = self.env["payment.booking"]._place(
            self.free, self._utc("2026-03-03 09:00"), {"lang": "en_US"},
            partner=self.partner,
        )  # fmt: skip
        self.assertIn("3 mars", self._mails(booking).subject)

    def test_unknown_language_is_no_trouble(self):
        booking = self._book(lang="xx_XX")
        self.assertEqual(booking.state, "confirmed")
        [mail] = self._mails(booking)
        self.assertIn("Chat", mail.subject)
