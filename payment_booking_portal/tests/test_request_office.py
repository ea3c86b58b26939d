"""Payment requests in the back office: sent, recorded, matched, merged by staff."""

from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.fields import Command
from odoo.tests import Form, HttpCase, freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from odoo.addons.mail.tests.common import MockEmail

from .common import NOW, BookingCommon

CASH = "payment_booking_portal.payment_method_cash"
TERMINAL = "payment_booking_portal.payment_method_terminal"


class OfficeCommon(BookingCommon):
    """A receptionist, a manager and a bookkeeper, each with nothing but their group."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        group = "payment_booking_portal.group_"
        cls.user = cls._create_colleague("user", f"{group}user")
        cls.manager = cls._create_colleague("manager", f"{group}manager")
        cls.billing = cls._create_colleague(
            "billing", "base.group_user,account.group_account_invoice"
        )
        # Created after `NOW` freezes them: they are older than what tests make.
        cls.camille = cls.env["res.partner"].create(
            {"name": "Camille Martin", "email": "camille@example.com"}
        )

    @classmethod
    def _create_colleague(cls, name, groups, company=None):
        company = company or cls.company
        return new_test_user(
            cls.env,
            login=f"pbp_office_{name}",
            groups=groups,
            email=f"{name}@studio.example.com",
            tz="Europe/Brussels",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def _as(self, user, record):
        return record.with_user(user).sudo(False).with_context(allowed_company_ids=None)

    def _make(self, user=None, **values):
        """Return a new request of 120 for Camille, as the reception."""
        Request = self._as(user or self.user, self.env["payment.request"])
        return Request.create({"partner_id": self.camille.id, "amount": 120, **values})

    def _make_sent(self, **values):
        request = self._make(**values)
        request.action_make_link()
        return request

    def _record(self, request, **values):
        """Record a payment in the dialog that a request opens."""
        action = request.action_record_payment()
        wizard = Form(
            request.env[action["res_model"]].with_context(**action["context"])
        )
        for name, value in values.items():
            setattr(wizard, name, value)
        return wizard.save().action_record()

    def _get_transaction(self, request):
        return request.sudo().allocation_ids.transaction_id


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSend(OfficeCommon, MockEmail, HttpCase):
    """The composer, and the mail that comes out of it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["res.lang"]._activate_lang("fr_FR")
        cls.env.ref("base.public_user").sudo().write(
            {
                "company_ids": [Command.link(cls.company.id)],
                "company_id": cls.company.id,
            }
        )

    def _compose(self, request):
        """Return the form of the composer that *Send* opens."""
        action = request.action_send()
        return Form(request.env[action["res_model"]].with_context(**action["context"]))

    def _send(self, composer):
        with self.mock_mail_gateway():
            composer.save().action_send_mail()
            self.env["mail.mail"].sudo().search([("state", "=", "outgoing")]).send()
        return self._mails

    def test_composer_is_edited_and_sent(self):
        request = self._make(reason="Workshop", message="See you soon!")
        composer = self._compose(request)
        self.assertIn("120.00", composer.subject)
        self.assertIn("See you soon!", composer.body)
        self.assertEqual(composer.partner_ids[:], self.camille)
        self.assertEqual(request.state, "draft", "the composer alone sends nothing")
        composer.subject = "Your workshop"
        url = request._get_mail_url("pay")
        composer.body = str(composer.body).replace(">Pay ", ">Settle now ")
        mails = self._send(composer)
        self.assertEqual(request.state, "sent")
        [mail] = mails
        self.assertEqual(mail["subject"], "Your workshop")
        self.assertIn("Settle now", mail["body"])
        self.assertIn(url, mail["body"])
        self.assertIn("camille@example.com", mail["email_to"][0])

    def test_link_in_the_mail_works(self):
        request = self._make()
        path = request._get_pay_url()
        self.assertEqual(self.url_open(path).status_code, 410, "not sent yet")
        [mail] = self._send(self._compose(request))
        self.assertIn(path, mail["body"])
        self.env.flush_all()
        response = self.url_open(path)
        self.assertEqual(response.status_code, 200)
        self.assertIn("120.00", response.text)

    def test_french_client_of_english_staff(self):
        self.user.lang = "en_US"
        self.camille.lang = "fr_FR"
        self.env.ref(
            "payment_booking_portal.mail_template_request"
        ).sudo().with_context(lang="fr_FR").body_html = (
            "<p>Bonjour <t t-out='object.client_name'/>, réglez "
            "<a t-att-href=\"object._get_mail_url('pay')\">ici</a></p>"
        )
        composer = self._compose(self._make())
        self.assertIn("Bonjour Camille Martin", composer.body)
        [mail] = self._send(composer)
        self.assertIn("réglez", mail["body"])
        self.assertIn('lang="fr_FR"', mail["body"])

    def test_only_the_client_gets_the_link(self):
        request = self._make()
        request.message_subscribe(partner_ids=self.manager.partner_id.ids)
        mails = self._send(self._compose(request))
        recipients = {address for mail in mails for address in mail["email_to"]}
        self.assertEqual(len(recipients), 1, recipients)
        self.assertIn("camille@example.com", recipients.pop())
        told = request.message_ids.notification_ids.res_partner_id
        self.assertEqual(told, self.camille)

    def test_send_again(self):
        request = self._make()
        self._send(self._compose(request))
        sent_at = request.sent_at
        with freeze_time("2026-03-02 09:00:00"):
            mails = self._send(self._compose(request))
        self.assertEqual(len(mails), 1)
        self.assertEqual(request.sent_at, sent_at, "the first time counts")
        self._record(request)
        with self.assertRaisesRegex(UserError, "over"):
            request.action_send()

    def test_sent_later(self):
        """Odoo's composer can wait: the link works once the mail is on its way."""
        request = self._make()
        composer = self._compose(request)
        composer.scheduled_date = "2026-03-02 09:00:00"
        composer.save().action_schedule_message()
        self.assertEqual(request.state, "draft")
        with freeze_time("2026-03-02 09:05:00"), self.mock_mail_gateway():
            self.env["mail.scheduled.message"].sudo()._post_messages_cron()
        [mail] = self._mails
        self.assertEqual(request.state, "sent")
        self.assertIn("camille@example.com", mail["email_to"][0])

    def test_nothing_to_send_to(self):
        self.camille.email = False
        with self.assertRaisesRegex(UserError, "no e-mail address"):
            self._make().action_send()

    def test_several_at_once(self):
        ben = self.env["res.partner"].create({"name": "Ben", "email": "b@example.com"})
        no_mail = self.env["res.partner"].create({"name": "Nomail"})
        good = self._make() + self._make(partner_id=ben.id)
        bad = self._make(partner_id=no_mail.id) + self._make()
        bad[1].action_cancel()
        with self.mock_mail_gateway():
            action = (good + bad).action_send_selected()
            self.env["mail.mail"].sudo().search([("state", "=", "outgoing")]).send()
        self.assertEqual(good.mapped("state"), ["sent", "sent"])
        self.assertEqual(bad.mapped("state"), ["draft", "cancelled"])
        self.assertEqual(len(self._mails), 2)
        for mail in self._mails:
            self.assertEqual(len(mail["email_to"]), 1, "a mail of their own")
        text = action["params"]["text"]
        self.assertIn("Nomail: The client has no e-mail address", text)
        self.assertIn(bad[1].name, text)
        self.assertNotIn(good[0].name, text)

    def test_several_at_once_without_trouble(self):
        action = self._make().action_send_selected()
        self.assertEqual(action["tag"], "display_notification")

    # === OTHER WAYS TO GIVE THE LINK === #

    def test_copied_link_works(self):
        request = self._make()
        action = request.action_copy_link()
        self.assertEqual(request.state, "sent")
        url = action["params"]["text"]
        self.assertTrue(url.endswith(request._get_pay_url()))
        self.env.flush_all()
        self.assertEqual(self.url_open(request._get_pay_url()).status_code, 200)

    def test_qr_code_is_downloaded(self):
        request = self._make()
        request.action_show_qr()
        self.assertEqual(request.state, "sent")
        self.user.password = "pbp_office_user"
        self.authenticate(self.user.login, "pbp_office_user")
        for action, start in (
            (request.action_download_png(), b"\x89PNG"),
            (request.action_download_svg(), b"<svg"),
        ):
            response = self.url_open(action["url"])
            self.assertEqual(response.status_code, 200)
            self.assertTrue(response.content.startswith(start), response.content[:40])

    def test_draft_has_no_address(self):
        request = self._make()
        self.assertFalse(request.url)
        self.assertFalse(request.qr_png)

    def test_client_on_the_phone(self):
        request = self._make(amount=0)
        action = request.action_open_client_page()
        self.assertEqual(action["url"], request._get_pay_url())
        self.assertEqual(request.state, "sent")

    def test_billing_gives_no_link(self):
        request = self._as(self.billing, self._make_sent())
        for name in (
            "action_copy_link",
            "action_show_qr",
            "action_send",
            "action_send_selected",
            "action_record_payment",
            "action_same_person",
            "action_give_up_transfer",
        ):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(request, name)()
        with self.assertRaises(AccessError):
            request.read(["url"])

    def test_billing_writes_and_sends_nothing(self):
        """Whoever reads a request may write a message; it does not send the link."""
        request = self._as(self.billing, self._make())
        request.message_post(body="Is it right?")
        with self.assertRaises(AccessError):
            request.with_context(mark_request_sent=True).message_post(body="Go")
        self.assertEqual(request.state, "draft")


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRecord(OfficeCommon):
    """Money that the reception received."""

    def _open_new(self, **values):
        """Return the form of the dialog that *New* opens."""
        form = Form(self._as(self.user, self.env["payment.request.record"]))
        for name, value in values.items():
            setattr(form, name, value)
        return form

    def _count_receipts(self, request):
        return self.env["mail.mail"].search_count(
            [
                ("model", "=", "payment.request"),
                ("res_id", "=", request.id),
                ("subject", "ilike", "receipt"),
            ]
        )

    def test_what_is_due_in_parts(self):
        request = self._make_sent()
        self._record(request, amount=50, note="slip 12", method=TERMINAL)
        self.assertEqual(request.state, "part")
        self.assertEqual(request.amount_due, 70)
        self._record(request)
        self.assertEqual(request.state, "paid")
        first, second = self._get_transaction(request).sorted("id")
        self.assertEqual(first.payment_method_id, self.env.ref(TERMINAL))
        self.assertEqual(first.provider_reference, "slip 12")
        self.assertEqual(second.payment_method_id, self.env.ref(CASH))
        self.assertEqual(second.amount, 70)
        self.assertEqual(self._count_receipts(request), 2)

    def test_without_receipt(self):
        request = self._make_sent()
        self._record(request, send=False)
        self.assertEqual(request.state, "paid")
        self.assertEqual(self._count_receipts(request), 0)

    def test_new_payment(self):
        form = self._open_new(
            partner_id=self._as(self.user, self.camille),
            amount=35,
            reason="Book",
            date=fields.Date.to_date("2026-02-27"),
        )
        action = form.save().action_record()
        request = self.env["payment.request"].browse(action["res_id"])
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.reason, "Book")
        self.assertEqual(request.user_id, self.user)
        self.assertEqual(request.partner_id, self.camille)
        payment = self._get_transaction(request).payment_id
        self.assertEqual((payment.amount, str(payment.date)), (35, "2026-02-27"))
        asked = self.env["mail.mail"].search(
            [("model", "=", "payment.request"), ("res_id", "=", request.id)]
        )
        self.assertEqual(len(asked), 1, "the receipt, and no link")

    def test_new_payment_in_another_currency(self):
        self.company.booking_currency_ids = self.currency_euro
        form = self._open_new(
            partner_id=self._as(self.user, self.camille),
            amount=35,
            currency_id=self.currency_euro,
        )
        action = form.save().action_record()
        request = self.env["payment.request"].browse(action["res_id"])
        self.assertEqual(request.currency_id, self.currency_euro)
        payment = self._get_transaction(request).payment_id
        self.assertEqual(payment.currency_id, self.currency_euro)

    def test_what_cannot_be(self):
        request = self._make_sent()
        for values, words in (
            ({"amount": 121}, "Only"),
            ({"amount": 0}, "Type the amount"),
            ({"date": fields.Date.to_date("2026-03-03")}, "once it came"),
        ):
            with self.subTest(words), self.assertRaisesRegex(UserError, words):
                self._record(request, **values)
        self.assertEqual(request.state, "sent")
        request.action_cancel()
        with self.assertRaises(UserError):
            self._record(request, amount=1)

    def test_amount_that_the_client_chooses(self):
        request = self._make_sent(amount=0, amount_min=20, amount_max=50)
        with self.assertRaisesRegex(UserError, "From"):
            self._record(request, amount=60)
        self._record(request, amount=30)
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.amount_total, 30)

    def test_after_the_link_expired(self):
        request = self._make(
            expires_at=fields.Datetime.now() + timedelta(days=1),
        )
        request.action_make_link()
        with freeze_time("2026-03-05 07:00:00"):
            request.sudo()._expire()
            self.assertEqual(request.state, "expired")
            self._record(request, amount=20)
            self.assertEqual(request.state, "part")

    def test_products_make_the_invoice(self):
        request = self._make(
            amount=0,
            line_ids=[Command.create({"product_id": self.service.product_id.id})],
        )
        self._record(request)  # a draft: the dialog makes it live
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.sudo().invoice_id.payment_state, "paid")

    def test_dialog_is_ones_own(self):
        wizard = self._open_new(
            partner_id=self._as(self.user, self.camille), amount=5
        ).save()
        with self.assertRaises(AccessError):
            self._as(self.manager, wizard).read(["amount"])


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPartnerTab(OfficeCommon):
    """What is on the tab Payments of a client."""

    def _documents(self, rows):
        return [row._get_document() for row in rows]

    def test_what_stands_there(self):
        draft = self._make()
        pending = self._make_sent(due_date="2026-03-02")
        overdue = self._make_sent(due_date="2026-03-01")
        paid = self._make_sent()
        self._record(paid)
        cancelled = self._make_sent()
        cancelled.action_cancel()
        service = self._create_service("Massage", fee_policy="on_site")
        booking = self._place(service, partner=self.camille)
        partner = self._as(self.user, self.camille)
        self.assertEqual(self._documents(partner.payment_tab_overdue_ids), [overdue])
        self.assertEqual(
            self._documents(partner.payment_tab_pending_ids), [pending, booking]
        )
        self.assertEqual(self._documents(partner.payment_tab_paid_ids), [paid])
        self.assertEqual(partner.payment_tab_draft_ids, draft)
        self.assertEqual(
            [draft.due_status, pending.due_status, overdue.due_status, paid.due_status],
            [False, "pending", "overdue", "paid"],
        )
        self.assertEqual(self._as(self.user, booking).due_status, "pending")
        self.assertIn("300.00", partner.payment_tab_dues)
        self.assertIn("120.00", partner.payment_tab_overdue)
        with freeze_time("2026-03-05 07:00:00"):
            self.env.invalidate_all()
            self.assertEqual(self._as(self.user, booking).due_status, "overdue")
            late = self._documents(partner.payment_tab_overdue_ids)
            self.assertEqual(late, [overdue, pending, booking])

    def test_company_and_its_people(self):
        company = self.env["res.partner"].create({"name": "Acme", "is_company": True})
        self.camille.parent_id = company
        one = self._make_sent()
        two = self._make_sent(partner_id=company.id)
        rows = self._as(self.user, company).payment_tab_pending_ids
        self.assertEqual(self._documents(rows), [one, two])
        rows = self._as(self.user, self.camille).payment_tab_pending_ids
        self.assertEqual(self._documents(rows), [one])

    def test_what_another_company_is_owed_stays_there(self):
        self._make_sent(amount=80)
        other = self._create_other_company()
        foreign = self.env["payment.request"].create(
            {
                "company_id": other.id,
                "currency_id": other.currency_id.id,
                "partner_id": self.camille.id,
                "amount": 500,
            }
        )
        foreign.action_make_link()
        self.assertIn("500.00", self.camille._describe_dues(other))
        partner = self._as(self.user, self.camille)
        self.assertEqual(partner.payment_tab_dues, "$\xa080.00")
        rows = partner.payment_tab_pending_ids
        self.assertNotIn(foreign, self._documents(rows))

    def test_invoices_for_plain_staff_too(self):
        invoice = self._create_invoice([200], partner_id=self.camille.id)
        invoice.action_post()
        for user in (self.user, self.billing):
            partner = self._as(user, self.camille)
            rows = partner.payment_tab_overdue_ids + partner.payment_tab_pending_ids
            self.assertEqual(rows.sudo().invoice_id, invoice)
            self.assertIn("200.00", partner.payment_tab_dues)
        with self.assertRaises(AccessError):
            self._as(self.billing, self.camille).read(["payment_tab_draft_ids"])

    def test_form_opens_for_each(self):
        self._make_sent()
        for user in (self.user, self.manager, self.billing):
            with self.subTest(user.login):
                Form(self._as(user, self.camille))
        action = self._make().action_view_dues()
        view = self.env["ir.ui.view"].browse(action["views"][0][0])
        with Form(self._as(self.user, self.camille), view) as form:
            self.assertIn("120.00", form.payment_tab_dues)

    def test_new_for_the_client(self):
        partner = self._as(self.user, self.camille)
        action = partner.action_new_payment_request()
        Request = self._as(self.user, self.env["payment.request"])
        with Form(Request.with_context(**action["context"])) as form:
            form.amount = 10
        self.assertEqual(form.record.partner_id, self.camille)
        action = partner.action_record_new_payment()
        Record = self._as(self.user, self.env[action["res_model"]])
        with Form(Record.with_context(**action["context"])) as form:
            form.amount = 10
        self.assertEqual(form.record.partner_id, self.camille)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestMatch(OfficeCommon):
    """An advance pays an invoice."""

    def _pay_advance(self, **values):
        request = self._make_sent(**values)
        self._record(request)
        return request

    def _invoice(self, amount=200, **values):
        invoice = self._create_invoice(
            [amount], **{"partner_id": self.camille.id, **values}
        )
        invoice.action_post()
        return invoice

    def _match(self, request, invoice, user=None):
        self._as(user or self.billing, invoice).with_context(
            match_request_id=request.id
        ).action_match_payment_request()
        self.env.invalidate_all()

    def test_match(self):
        request = self._pay_advance()
        invoice = self._invoice()
        record = self._as(self.billing, request)
        self.assertEqual(record.open_invoice_ids, invoice)
        self.assertEqual(record.credit_left, 120)
        self._match(request, invoice)
        self.assertEqual(invoice.amount_residual, 80)
        self.assertEqual(record.matched_invoice_ids, invoice)
        self.assertFalse(record.credit_left)
        self.assertFalse(record.open_invoice_ids)
        said = len(request.message_ids)
        self._match(request, invoice)  # pressed twice
        self.assertEqual(invoice.amount_residual, 80)
        self.assertEqual(len(request.message_ids), said)
        self.assertEqual(request.state, "paid")

    def test_rest_stays_a_credit(self):
        request = self._pay_advance()
        small, big = self._invoice(50), self._invoice(500)
        self._match(request, small)
        self.assertEqual(small.payment_state, "paid")
        record = self._as(self.billing, request)
        self.assertEqual(record.credit_left, 70)
        self.assertEqual(record.open_invoice_ids, big)
        self._match(request, big)
        self.assertEqual(big.amount_residual, 430)
        self.assertEqual(record.matched_invoice_ids, small + big)

    def test_widget_of_the_invoice(self):
        request = self._pay_advance()
        invoice = self._as(self.billing, self._invoice())
        widget = invoice.invoice_outstanding_credits_debits_widget
        [credit] = widget["content"]
        self.assertEqual(credit["amount"], 120)
        invoice.js_assign_outstanding_line(credit["id"])
        self.env.invalidate_all()
        self.assertEqual(invoice.amount_residual, 80)
        self.assertEqual(
            self._as(self.billing, request).matched_invoice_ids, invoice.sudo(False)
        )

    def test_only_billing(self):
        request = self._pay_advance()
        invoice = self._invoice()
        for user in (self.user, self.manager):
            with self.subTest(user.login):
                with self.assertRaisesRegex(AccessError, "Only billing"):
                    self._match(request, invoice, user)
            with self.subTest(user.login), self.assertRaises(AccessError):
                self._as(user, request).read(["open_invoice_ids"])
        self.assertEqual(invoice.amount_residual, 200)

    def test_only_open_invoices_of_the_client(self):
        request = self._pay_advance()
        draft = self._create_invoice([10], partner_id=self.camille.id)
        foreign = self._invoice(partner_id=self.partner.id)
        refund = self._invoice(move_type="out_refund")
        self.assertFalse(self._as(self.billing, request).open_invoice_ids)
        for invoice in (draft, foreign, refund):
            with self.assertRaises(UserError):
                self._match(request, invoice)
        company = self.env["res.partner"].create({"name": "Acme", "is_company": True})
        self.assertFalse(company.child_ids)

    def test_no_request_named(self):
        with self.assertRaises(ValueError):
            self._as(self.billing, self._invoice()).action_match_payment_request()

    def test_other_company(self):
        request = self._pay_advance()
        other = self._create_other_company()
        journal = self.env["account.journal"].search(
            [("company_id", "=", other.id), ("type", "=", "sale")], limit=1
        )
        invoice = self._invoice(company_id=other.id, journal_id=journal.id)
        with self.assertRaises(AccessError):
            self._match(request, invoice)
        both = self.billing
        both.company_ids = [Command.link(other.id)]
        with self.assertRaises(UserError):
            self._as(both, invoice).with_context(
                allowed_company_ids=(self.company + other).ids,
                match_request_id=request.id,
            ).action_match_payment_request()
        alien = self._create_colleague(
            "alien", "base.group_user,account.group_account_invoice", other
        )
        with self.assertRaises(AccessError):
            self._match(request, invoice, alien)

    def test_invoice_in_another_currency(self):
        self.company.booking_currency_ids = self.currency_euro
        self.env["res.currency.rate"].create(
            {
                "name": "2026-01-01",
                "currency_id": self.currency_euro.id,
                "company_id": self.company.id,
                "rate": 0.5,
            }
        )
        request = self._pay_advance(amount=60, currency_id=self.currency_euro.id)
        invoice = self._invoice(200)
        self.assertEqual(self._as(self.billing, request).credit_left, 60)
        self._match(request, invoice)
        self.assertEqual(invoice.amount_residual, 80, "60 € were 120 $")
        self.assertFalse(self._as(self.billing, request).credit_left)

    def test_products_are_no_advance(self):
        request = self._make(
            amount=0,
            line_ids=[Command.create({"product_id": self.service.product_id.id})],
        )
        self._record(request)
        invoice = self._invoice()
        record = self._as(self.billing, request)
        self.assertFalse(record.open_invoice_ids)
        with self.assertRaises(UserError):
            self._match(request, invoice)

    def test_form_of_billing(self):
        request = self._pay_advance()
        self._invoice()
        with Form(self._as(self.billing, request)) as form:
            self.assertEqual(form.credit_left, 120)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestSamePerson(OfficeCommon):
    """Staff says that two contacts are one person."""

    def _get_dialog(self, document):
        action = document.action_same_person()
        return Form(document.env[action["res_model"]].with_context(**action["context"]))

    def _make_twin(self, **values):
        return self.env["res.partner"].create(
            {"name": "C. Martin", "email": "Camille@example.com", **values}
        )

    def test_all_goes_along(self):
        twin = self._make_twin(phone="+32 2 555 01 77")
        request = self._make_sent(partner_id=twin.id)
        self._record(request)
        tx = self._get_transaction(request)
        booking = self._place(partner=twin)
        invoice = self._create_invoice([10], partner_id=twin.id)
        invoice.action_post()
        self.assertEqual(request.duplicate_partner_ids, self.camille)
        dialog = self._get_dialog(request)
        self.assertEqual(dialog.partner_id, self.camille)
        dialog.save().action_merge()
        self.assertFalse(twin.exists())
        for record in (request, booking, invoice, tx):
            self.assertEqual(record.partner_id, self.camille)
        for document in (request, booking):
            self.assertEqual(document.client_name, "Camille Martin")
            self.assertFalse(document.duplicate_partner_ids)
        self.assertEqual(invoice.commercial_partner_id, self.camille)
        self.assertEqual(invoice.line_ids.partner_id, self.camille)
        self.assertEqual(tx.payment_id.partner_id, self.camille)
        self.assertEqual(self.camille.name, "Camille Martin", "its own data stay")
        self.assertEqual(self.camille.phone, "+32 2 555 01 77")

    def test_guest_without_contact(self):
        booking = self._as(self.user, self._place())
        zoe = self.env["res.partner"].create(
            {"name": "Zoé", "email": "zoe@example.com"}
        )
        booking.invalidate_recordset()
        self.assertFalse(booking.partner_id)
        self._get_dialog(booking).save().action_merge()
        self.assertEqual(booking.partner_id, zoe)
        self.assertEqual(booking.client_name, "Zoé")

    def test_shared_contact_stays_shared(self):
        twin = self._make_twin(company_id=self.company.id)
        request = self._make(partner_id=twin.id)
        self._get_dialog(request).save().action_merge()
        self.assertFalse(self.camille.company_id)

    def test_shared_contact_stays_shared_when_it_goes(self):
        """Other companies have documents of it, and still need to read their client."""
        twin = self._make_twin(company_id=False)
        self.camille.company_id = self.company
        request = self._make(partner_id=twin.id)
        self._get_dialog(request).save().action_merge()
        self.assertFalse((twin + self.camille).exists().company_id)

    def test_who_logs_in_is_not_merged(self):
        twin = self._make_twin()
        request = self._make(partner_id=twin.id)
        account = new_test_user(
            self.env,
            "pbp_camille",
            groups="base.group_portal",
            partner_id=twin.id,
            email=twin.email,
        )
        dialog = self._get_dialog(request).save()
        for active in (True, False):
            account.active = active
            with self.assertRaisesRegex(UserError, "account"):
                dialog.action_merge()
        self.assertTrue(twin.exists())
        # Nor the other way round: an account may be anybody's.
        request = self._make()
        account.active = True
        with self.assertRaisesRegex(UserError, "account"):
            self._get_dialog(request).save().action_merge()

    def test_only_those_of_the_list(self):
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        self._make_twin()
        request = self._make()
        dialog = self._get_dialog(request).save()
        dialog.partner_id = stranger
        with self.assertRaisesRegex(UserError, "list"):
            dialog.action_merge()
        self.assertTrue(self.camille.exists())

    def test_other_company_is_not_touched(self):
        other = self._create_other_company()
        twin = self._make_twin(company_id=other.id)
        request = self._make()
        self.assertFalse(request.duplicate_partner_ids)
        request.invalidate_recordset(["duplicate_partner_ids"])
        self.assertFalse(request.sudo().duplicate_partner_ids, "whatever one may read")
        with self.assertRaises(UserError):
            request._set_same_person(self._as(self.user, twin))
        with self.assertRaises(UserError):
            self.camille._merge_into(twin, self.company)

    def test_billing_merges_nobody(self):
        self._make_twin()
        wizard = self._as(self.billing, self.env["payment.same.person"])
        with self.assertRaises(AccessError):
            wizard.create({"res_model": "payment.request", "res_id": self._make().id})


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRequestRights(OfficeCommon):
    """What nobody sets from outside, and other companies."""

    needs_portal_user = True

    def test_facts_are_not_made_up(self):
        request = self._make_sent()
        Request = self._as(self.manager, self.env["payment.request"])
        for values in (
            {"state": "paid"},
            {"sent_at": "2026-01-01 00:00:00"},
            {"opened_at": "2026-01-01 00:00:00"},
            {"amount_typed": 5},
            {"name": "R00001x"},
            {"cancelled_at": "2026-01-01 00:00:00"},
        ):
            with self.subTest(values), self.assertRaises(UserError):
                Request.create({"partner_id": self.camille.id, "amount": 1, **values})
            with self.subTest(values), self.assertRaises(UserError):
                self._as(self.manager, request).write(values)
        [name, value] = "sent_at", "2026-01-01 00:00:00"
        made = Request.with_context(**{f"default_{name}": value}).create(
            {"partner_id": self.camille.id, "amount": 1}
        )
        self.assertEqual(made.state, "draft")

    @mute_logger("odoo.models")
    def test_import_sets_no_facts(self):
        Request = self._as(self.user, self.env["payment.request"])
        result = Request.load(
            ["partner_id/.id", "amount", "sent_at"],
            [[str(self.camille.id), "5", "2026-01-01 00:00:00"]],
        )
        self.assertFalse(result["ids"])
        result = Request.load(
            ["partner_id/.id", "amount"], [[str(self.camille.id), "5"]]
        )
        self.assertEqual(Request.browse(result["ids"]).state, "draft")

    def test_other_company_sees_nothing(self):
        request = self._make_sent()
        other = self._create_other_company()
        alien = self._create_colleague(
            "alien", "payment_booking_portal.group_manager", other
        )
        record = self._as(alien, request)
        self.assertFalse(record.search([("id", "=", request.id)]))
        for name in ("action_send", "action_copy_link", "action_record_payment"):
            with self.subTest(name), self.assertRaises(AccessError):
                getattr(record, name)()
        Record = self._as(alien, self.env["payment.request.record"])
        with self.assertRaises(AccessError):  # it would say what is due, and by whom
            Record.create({"request_id": request.id, "amount": 1})
        self.assertEqual(request.state, "sent")

    def test_client_reads_what_was_sent(self):
        partner = self.portal_user.partner_id
        draft = self._make(partner_id=partner.id)
        sent = self._make_sent(partner_id=partner.id)
        self._make_sent()
        Request = self._as(self.portal_user, self.env["payment.request"])
        self.assertEqual(Request.search([]), sent)
        with self.assertRaises(AccessError):
            self._as(self.portal_user, draft).read(["name"])
        for values in ({"amount": 1}, {"message": "Hello"}):
            with self.assertRaises(UserError):
                self._as(self.portal_user, sent).write(values)

    def test_form_of_the_reception(self):
        with Form(self._as(self.user, self.env["payment.request"])) as form:
            form.partner_id = self._as(self.user, self.camille)
            form.amount = 75
        request = form.record
        self.assertEqual(request.currency_id, self.company.currency_id)
        for step in ("action_make_link", "action_cancel", "action_edit"):
            getattr(request, step)()
            with self.subTest(step):
                Form(request)
        with Form(request) as form:
            with form.line_ids.new() as line:
                line.product_id = self._as(self.user, self.service.product_id)
            self.assertEqual(form.amount_total, 60, "products count, not the amount")

    def test_form_says_what_is_owed(self):
        self._make_sent(amount=80)
        with Form(self._as(self.user, self.env["payment.request"])) as form:
            form.partner_id = self._as(self.user, self.camille)
            self.assertIn("80.00", form.partner_owes)
