"""The timeline: what happened to a booking or payment request, when, and by whom."""

from types import SimpleNamespace
from unittest.mock import patch

from lxml import html

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.service.model import call_kw
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.base.models.ir_mail_server import IrMail_Server

from .. import const
from ..gateways import get_gateway
from ..models.payment_document_event import LOOKS, acting_as
from .common import NOW, BookingCommon
from .common_browser import BrowserCommon
from .test_refund import RefundCommon

REQUEST = "odoo.addons.payment_booking_portal.models.payment_document_event.request"


class TimelineCommon(BookingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.staff = cls._create_colleague("Marc", f"{group}user")
        cls.manager = cls._create_colleague("Maud", f"{group}manager")
        cls.robot = cls.env.ref("base.user_root")
        cls.company.email = "studio@example.com"

    @classmethod
    def _create_colleague(cls, name, groups, **values):
        return new_test_user(
            cls.env,
            login=f"pbp_{name.lower()}",
            name=name,
            groups=groups,
            **{
                "tz": "Europe/Brussels",
                "company_id": cls.company.id,
                "company_ids": [Command.set(cls.company.ids)],
                **values,
            },
        )

    def _as(self, user, record):
        return record.with_user(user).sudo(False)

    def _place_as_guest(self, **kwargs):
        guest = self.env.ref("base.public_user")
        self.env, mine = self.env(user=guest), self.env
        try:
            booking = self._place(**kwargs)
        finally:
            self.env = mine
        return booking.with_env(mine)

    def _events(self, document):
        """Return the steps of a document as anybody with rights on it finds them."""
        self.env.flush_all()
        return self.env["payment.document.event"].search(
            [(document._payable_allocation_field, "=", document.id)]
        )

    def _story(self, document):
        """Return what happened and by whom, in its order."""
        return [(event.kind, event.source) for event in self._events(document)]

    def _read(self, user, document, **context):
        """Return the lines that a user reads on the form."""
        self.env.flush_all()
        self.env.invalidate_all()
        found = self._as(user, document).with_context(tz=user.tz, **context)
        page = html.fromstring(str(found.timeline))
        return [
            " ".join(node.text_content().split())
            for node in page.xpath("//h3 | //li/div")
        ]

    def _translate(self, words):
        """Give steps French words, whatever the catalogue says."""
        rows = self.env["ir.model.fields.selection"].search(
            [
                ("field_id.model", "=", "payment.document.event"),
                ("value", "in", [*words]),
            ]
        )
        for row in rows:
            row.with_context(lang="fr_FR").name = words[row.value]

    def _outgoing(self):
        return self.env["mail.mail"].search([("state", "=", "outgoing")])

    def _send_mails(self, error=None):
        """Let the mail server take what is on its way.

        :param error: what the server says instead, if anything.
        """
        with (
            patch.object(IrMail_Server, "_disable_send", lambda _server: False),
            patch.object(IrMail_Server, "_connect__", side_effect=error),
            patch.object(IrMail_Server, "send_email", return_value="<id>"),
        ):
            self._outgoing().with_user(self.robot).send()
        self.env.invalidate_all()


@tagged("post_install", "-at_install")
class TestTimeline(TimelineCommon, RefundCommon):
    """Whole lives, and what is kept of each step."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.startClassPatcher(freeze_time(NOW))
        cls.cash = cls.env.ref("payment_booking_portal.payment_method_cash")

    # === WHOLE LIVES === #

    def test_life_of_a_booking(self):
        with freeze_time(NOW) as clock:
            booking = self._place_as_guest()
            clock.tick(5)
            guest = self.env.ref("base.public_user")
            tx = self._begin(booking.with_user(guest).sudo(), self.stripe)
            tx = tx.with_user(self.robot)
            clock.tick(200)
            for _time in range(2):
                tx._ask()  # as the job does
                clock.tick(60)
            self._pay_there(tx)
            self._notify(tx)
            tx._post_process()
            clock.tick(30)
            self._send_mails()
            clock.tick(600)
            self._as(self.staff, booking)._move(
                self._utc("2026-03-04 10:00"), by_staff=True
            )
            clock.tick(600)
            self._as(self.staff, booking).action_cancel()
            clock.tick(600)
            self._as(self.manager, self.env["payment.refund.request"])._decide(
                tx.with_user(self.manager).sudo(), 60.0, "Ill"
            )
            clock.tick(60)
            self._run_refunds()
        self.assertEqual(
            self._story(booking),
            [
                ("chosen", "client"),
                ("held", "client"),
                ("payment_started", "client"),
                ("asked", "system"),
                ("asked", "provider"),
                ("paid", "provider"),
                ("confirmed", "system"),
                ("invoiced", "system"),
                ("mailed", "system"),
                ("moved", "staff"),
                ("cancelled", "staff"),
                ("attention", "staff"),
                ("refund_decided", "staff"),
                ("refund_done", "provider"),
            ],
        )
        moments = self._events(booking).mapped("happened_at")
        self.assertEqual(moments, sorted(moments))
        lines = [" ".join(e.text.split()) for e in self._events(booking)]
        self.assertIn("Time chosen · Tuesday, March 3, 9:00 AM", lines[0])
        self.assertIn("Time held · until Monday, March 2, 8:15 AM", lines[1])
        self.assertIn("Payment started · $ 60.00 · Card · Stripe", lines[2])
        self.assertEqual(
            lines[3],
            "Provider asked · Stripe · Nothing was paid yet, and it may still come. · "
            "2 times, the last at 8:04 AM",
        )
        self.assertIn("The provider has the money.", lines[4])
        self.assertIn("Paid · $ 60.00 · VISA", lines[5])
        self.assertIn(
            "from Tuesday, March 3, 9:00 AM to Wednesday, March 4, 10:00 AM", lines[9]
        )
        self.assertEqual(lines[11], "Somebody must decide · Paid, and cancelled by "
                         "the client")  # fmt: skip
        self.assertEqual(lines[12], "Refund decided · $ 60.00 · Ill")
        events = self._events(booking)
        self.assertEqual(events[5].source_text, "Stripe")
        self.assertEqual(events[9].source_text, "Marc")
        self.assertEqual(events[12].user_id, self.manager)

    def test_life_of_a_request(self):
        guest = self.env.ref("base.public_user")
        with freeze_time(NOW) as clock:
            request = self._as(self.staff, self.env["payment.request"]).create(
                {"partner_id": self.partner.id, "amount": 120, "reason": "Workshop"}
            )
            request.action_send_selected()
            clock.tick(60)
            self._send_mails()
            as_client = request.with_user(guest).sudo()
            as_client._note_opened()
            as_client._note_opened()
            clock.tick(60)
            tx = self._start_payment(as_client)
            acting_as(tx, "provider")._set_error("Refused")
            clock.tick(60)
            request.action_revoke()
            request.action_extend()
            tx = self._begin(as_client, self.stripe)
            self._pay_there(tx)
            self._notify(tx)
            tx.with_user(self.robot)._post_process()
        self.assertEqual(
            [story for story in self._story(request) if story[0] != "mailed"],
            [
                ("created", "staff"),
                ("requested", "staff"),
                ("opened", "client"),
                ("payment_started", "client"),
                ("payment_failed", "provider"),
                ("link_revoked", "staff"),
                ("link_extended", "staff"),
                ("payment_started", "client"),
                ("asked", "provider"),
                ("paid", "provider"),
            ],
        )
        self.assertEqual(self._story(request).count(("mailed", "system")), 1)
        texts = self._events(request).mapped("text")
        self.assertTrue(any("Workshop" in t or "please pay" in t for t in texts), texts)
        self.assertTrue(any(text.endswith("Refused") for text in texts), texts)

    def test_cancelled_and_expired_request(self):
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 120}
        )
        request.action_make_link()
        request.with_user(self.robot)._expire()
        request.action_cancel()
        self.assertEqual(
            [kind for kind, _source in self._story(request)],
            ["created", "requested", "expired", "cancelled"],
        )

    # === SOURCES === #

    def test_money_at_the_desk(self):
        booking = self._place_as_guest()
        self._as(self.staff, booking)._record_payment(60.0, self.cash)
        paid = self._events(booking).filtered(lambda e: e.kind == "paid")
        self.assertEqual((paid.source, paid.user_id), ("staff", self.staff))
        self.assertEqual(paid.text.replace("\xa0", " "), "Paid · $ 60.00 · Cash")
        self.assertEqual(self._story(booking)[-2], ("confirmed", "system"))

    def test_time_is_over(self):
        """Whoever comes by, it is the clock that ends a hold."""
        with freeze_time(NOW) as clock:
            booking = self._place_as_guest()
            clock.tick(16 * 60)
            self.service.group_ids.resource_ids = self.anna
            self._place_as_guest()
        self.assertEqual(self._story(booking)[-1], ("expired", "system"))

    def test_client_cancels(self):
        booking = self._place_as_guest()
        booking.with_user(self.env.ref("base.public_user")).sudo()._drop_hold()
        self.assertEqual(self._story(booking)[-1], ("cancelled", "client"))

    def test_calendar(self):
        booking = self._place()
        self._pay(booking)
        booking._on_event_changed()
        self.assertEqual(self._story(booking)[-1], ("attention", "calendar"))

    def test_nobody_says_who_acts(self):
        """A context that comes by RPC is no proof of anything."""
        booking = self._place()
        for forged in ("provider", ["x", "provider"], (object(), "provider"), 5):
            self._as(self.staff, booking).with_context(event_source=forged)._note_event(
                "opened"
            )
        self.assertEqual(self._story(booking)[2:], [("opened", "staff")] * 4)

    # === OTHER STEPS === #

    def test_attendance(self):
        booking = self._place()
        as_staff = self._as(self.staff, booking)
        as_staff.action_attended()
        as_staff.action_attended()
        as_staff.attendance = "no_show"
        as_staff.write({"attendance": "none"})
        self.assertEqual(
            [kind for kind, _source in self._story(booking)][2:],
            ["attended", "no_show", "attendance_reset"],
        )

    def test_asked_to_pay_and_price(self):
        booking = self.env["payment.booking"].create(
            {
                "service_id": self.service.id,
                "start": self._utc("2026-03-05 09:00"),
                "partner_id": self.partner.id,
            }
        )
        self.assertFalse(booking.timeline)
        booking.action_place()
        booking._set_price(45.0, self.company.currency_id)
        booking.action_attention_done()
        self.assertEqual(
            [kind for kind, _source in self._story(booking)],
            ["chosen", "held", "requested", "price_changed", "attention_done"],
        )
        text = self._events(booking)[3].text.replace("\xa0", " ")
        self.assertEqual(text, "Price changed · from $ 60.00 to $ 45.00")

    def test_price_in_another_currency(self):
        euro = self.env.ref("base.EUR")
        euro.active = True
        self.company.booking_currency_ids = [Command.link(euro.id)]
        booking = self._place()
        booking._set_price(45.0, euro)
        text = self._events(booking)[-1].text.replace("\xa0", " ")
        self.assertEqual(text, "Price changed · from $ 60.00 to 45.00 €")

    def test_hold_of_somebody_else(self):
        """Who books the same time does not end what another client began."""
        booking = self._place()
        tx = self._start_payment(booking, provider_id=self.transfer.id)
        self.people.resource_ids = self.anna
        with freeze_time("2026-03-02 08:00:00"):
            self._place(visitor_key="another")
        self.assertEqual(tx.state, "cancel")
        story = dict(self._story(booking))
        self.assertEqual(story["payment_stopped"], "system")

    def test_form_that_is_sent_again(self):
        booking = self._place()
        for _time in range(3):
            booking._note_event("filled_in")
        found = self._events(booking).filtered(lambda event: event.kind == "filled_in")
        self.assertEqual((len(found), found.count), (1, 3))

    def test_confirmed_without_payment(self):
        booking = self._place()
        booking.action_confirm_anyway("A voucher")
        confirmed = self._events(booking).filtered(lambda e: e.kind == "confirmed")
        self.assertEqual(confirmed.text, "Confirmed · A voucher")

    def test_mail_that_fails(self):
        booking = self._place()
        self._pay(booking)
        with mute_logger("odoo.addons.mail.models.mail_mail"):
            self._send_mails(error=OSError("no server"))
        self.assertEqual(self._story(booking)[-1], ("mail_failed", "system"))

    def test_mail_goes_out_once_though_it_cannot_be_noted(self):
        """What is kept of a mail never stops it."""
        booking = self._place()
        self._pay(booking)
        mails = self._outgoing()
        Event = self.registry["payment.document.event"]

        def broken(event, *_args, **_kwargs):
            event.env.cr.execute("SELECT 1 / 0")

        with patch.object(Event, "_note", broken), mute_logger("odoo.sql_db"):
            self._send_mails()
        self.assertFalse(mails.exists().filtered(lambda m: m.state != "sent"))

    def test_reminder_is_a_mail_of_each_document(self):
        mail = self.env["mail.mail"].create({"subject": "So", "body_html": "x"})
        bookings = self._place() + self._place(local="2026-03-05 09:00")
        reminder = self.env["payment.reminder"].sudo().new(
            {"line_ids": [Command.create({"booking_id": b.id}) for b in bookings]}
        )  # fmt: skip
        found = [d._origin for d in mail._get_client_documents(reminder)]
        self.assertEqual(found, [*bookings])

    def test_mail_to_staff_is_no_step(self):
        booking = self._place()
        booking._confirm(reason="A voucher")
        values = {"model": booking._name, "res_id": booking.id, "subject": "So"}
        for partner, found in (
            (self.staff.partner_id, []),
            (booking.partner_id, [booking]),
        ):
            mail = self.env["mail.mail"].create(
                {
                    **values,
                    "is_notification": True,
                    "recipient_ids": [Command.link(partner.id)],
                }
            )
            self.assertEqual(mail._get_client_documents(None), found)

    # === ASKING === #

    def test_repeated_answers_are_one_row(self):
        booking = self._place_as_guest()
        tx = self._begin(booking, self.mollie)
        for _time in range(5):
            self._reconcile_now(tx)
        asked = self._events(booking).filtered(lambda e: e.kind == "asked")
        self.assertEqual((len(asked), asked.count, asked.source), (1, 5, "system"))
        self.fakes["mollie"].fail(times=9, status=500)
        self._reconcile_now(tx)
        self.fakes["mollie"].reset_log()
        self._reconcile_now(tx)
        asked = self._events(booking).filtered(lambda e: e.kind == "asked")
        self.assertEqual(asked.mapped("count"), [5, 1, 1])
        self.assertEqual(
            [event.details["answer"] for event in asked], ["open", "unknown", "open"]
        )

    def _reconcile_now(self, tx):
        tx = tx.with_user(self.robot)
        gateway = get_gateway(tx.provider_id)
        tx._take_answer(gateway.ask(tx), gateway)

    def test_who_tells_of_a_payment(self):
        """A client who comes back is not the provider's notification."""
        booking = self._place_as_guest()
        guest = self.env.ref("base.public_user")
        tx = self._begin(booking, self.mollie).with_user(guest).sudo()
        for page in ("return", "webhook"):
            fake = SimpleNamespace(path=f"/payment/mollie/{page}")
            with patch(REQUEST, SimpleNamespace(httprequest=fake)):
                tx._process("mollie", {"ref": tx.reference})
        self.assertEqual(
            self._story(booking)[-2:], [("asked", "client"), ("asked", "provider")]
        )

    # === READING === #

    def test_language_of_the_reader(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        booking = self._place_as_guest()
        self._translate({"held": "Horaire retenu", "client": "Le client"})
        english = self._read(self.staff, booking, lang="en_US")
        french = self._read(self.staff, booking, lang="fr_FR")
        self.assertEqual(english[0], "Monday, March 2")
        self.assertEqual(french[0], "lundi 2 mars")
        self.assertIn("Time held", english[3])
        self.assertIn("Horaire retenu", french[3])
        self.assertEqual(french[4], "08:00:00 · Le client")

    def test_time_where_the_reader_is(self):
        booking = self._place_as_guest()
        self.assertEqual(
            self._read(self.staff, booking)[2], "08:00:00 AM · The client"
        )  # fmt: skip
        self.staff.tz = "Asia/Tokyo"
        self.assertEqual(
            self._read(self.staff, booking)[2], "04:00:00 PM · The client"
        )  # fmt: skip

    def test_seconds_where_steps_follow_quickly(self):
        with freeze_time(NOW) as clock:
            booking = self._place_as_guest()
            clock.tick(120)
            booking.attendance = "attended"
        self.assertIn("8:00:00", self._read(self.staff, booking)[2])
        self.assertRegex(self._read(self.staff, booking)[6], r"^8:02\sAM")

    def test_what_people_typed_is_text(self):
        booking = self._place_as_guest()
        booking._note_event("confirmed", text="<script>alert(1)</script>")
        self.assertNotIn("<script", self._as(self.staff, booking).timeline)

    def test_every_kind_has_words_and_a_look(self):
        kinds = [kind for kind, _label in const.EVENT_KINDS]
        self.assertEqual(kinds, list(LOOKS))
        booking = self._place()
        booking._note_event(
            *(kind for kind in kinds if kind not in const.EVENT_OF_TX_STATE.values()),
            tx=self._start_payment(booking),
        )
        shown = html.fromstring(str(booking.timeline)).xpath("//li/@data-kind")
        self.assertLess(
            set(kinds) - set(shown), set(const.EVENT_OF_TX_STATE.values()) | {"x"}
        )
        for event in self._events(booking):
            self.assertTrue(event.text)

    # === RIGHTS === #

    def test_who_reads_it(self):
        booking = self._place_as_guest()
        other = self._create_other_company()
        readers = (
            self.staff,
            self.manager,
            self._create_colleague(
                "Bill", "base.group_user,account.group_account_invoice"
            ),
        )
        elsewhere = self._create_colleague(
            "Else",
            "payment_booking_portal.group_manager",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        event = self._events(booking)[0]
        for reader in readers:
            self.assertTrue(self._as(reader, event).text)
            self.assertEqual(len(self._read(reader, booking)), 5)
        for stranger in (
            elsewhere,
            self._create_colleague("Nobody", "base.group_user"),
            self._create_colleague("Zed", "base.group_portal"),
            self.env.ref("base.public_user"),
        ):
            self.env.invalidate_all()
            with self.subTest(stranger.login), self.assertRaises(AccessError):
                self._as(stranger, event).read(["kind"])
        self.assertFalse(
            self._as(elsewhere, self.env["payment.document.event"]).search([])
        )

    def test_client_does_not_read_it_on_their_booking(self):
        client = self._create_colleague("Zoe", "base.group_portal")
        booking = self._place_as_guest()
        booking._editing().partner_id = client.partner_id
        self._as(client, booking).read(["name"])
        with self.assertRaises(AccessError):
            self._as(client, booking).read(["timeline"])

    def test_nobody_writes_it(self):
        booking = self._place_as_guest()
        event = self._events(booking)[0]
        administrator = self._create_colleague(
            "Ada", "payment_booking_portal.group_manager,base.group_system"
        )
        values = {"booking_id": booking.id, "kind": "paid", "source": "provider"}
        calls = (
            ("create", [[values]]),
            ("write", [event.ids, {"kind": "paid"}]),
            ("unlink", [event.ids]),
        )
        for user in (self.staff, self.manager, administrator):
            model = self._as(user, self.env["payment.document.event"])
            for method, args in calls:
                with self.subTest(f"{user.name} {method}"):
                    with self.assertRaises(AccessError):
                        call_kw(model, method, args, {})
            for name in ("_note", "_count_again"):
                with self.assertRaises(AccessError):
                    call_kw(model, name, [booking.ids], {})

    # === KEEPING === #

    def test_nothing_is_left_of_what_did_not_happen(self):
        booking = self._place_as_guest()
        before = self._story(booking)
        with self.assertRaises(ZeroDivisionError), self.env.cr.savepoint():
            booking._cancel()
            raise ZeroDivisionError
        self.env.invalidate_all()
        self.assertEqual(self._story(booking), before)

    def test_it_goes_with_its_document(self):
        booking = self._place_as_guest()
        booking._drop_hold()
        events = self._events(booking)
        self.assertTrue(events)
        booking.unlink()
        self.env.invalidate_all()
        self.assertFalse(events.exists())

    def test_one_insert(self):
        booking = self._place_as_guest()
        booking._note_event("opened")
        with self.assertQueryCount(1):
            booking._note_event("chosen", "held")

    def test_default_of_a_view_changes_nothing(self):
        booking = self._place_as_guest()
        context = {"default_request_id": 1, "default_kind": "paid", "default_count": 9}
        booking.sudo().with_context(**context)._note_event("opened")
        event = self._events(booking)[-1]
        self.assertEqual((event.kind, event.count), ("opened", 1))


@tagged("post_install", "-at_install")
class TestTimelineBrowser(TimelineCommon, BrowserCommon):
    """How it looks, on a desk and on a phone."""

    debug = "tests"

    def test_form(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self._translate({"held": "Horaire retenu"})
        booking = self.book()
        for kind in ("payment_started", "paid", "confirmed"):
            booking._note_event(kind, tx=self._start_payment(booking))
        request = self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 120, "reason": "Workshop"}
        )
        request.action_make_link()
        self.env.flush_all()
        for lang, word in (("en_US", "Time held"), ("fr_FR", "Horaire retenu")):
            self.staff.lang = lang
            with self.open_page(login=self.staff.login) as page:
                for document, action, says in (
                    (booking, "payment_booking_action", word),
                    (request, "payment_request_action", ""),
                ):
                    with self.subTest(f"{lang} {document}"):
                        page.goto(
                            f"/odoo/action-payment_booking_portal.{action}"
                            f"/{document.id}"
                        )
                        self._check(page, says)

    def _check(self, page, says):
        """Check the tab of the page at both sizes."""
        page.click("a[name=timeline]")
        page.find(".o_payment_timeline")
        self.assertIn(
            says,
            page.evaluate("document.querySelector('.o_payment_timeline').innerText"),
        )
        for size in ((1280, 800), (390, 844)):
            page.resize(*size)
            page.wait_for(f"innerWidth === {size[0]}")
            self.assertTrue(
                page.evaluate(
                    "[...document.querySelectorAll('.o_payment_timeline, "
                    ".o_payment_timeline *')].every((el) => "
                    "el.getBoundingClientRect().right <= innerWidth)"
                ),
                f"too wide at {size}",
            )
