"""The page of all that a client owes, by a link."""

from urllib.parse import urlsplit

from odoo.exceptions import AccessError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged
from odoo.tools import mute_logger

from .bundle_common import BundleCommon
from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestStatement(BundleCommon, BookingHttpCommon):
    def setUp(self):
        super().setUp()
        self.one = self._invoice([100.0], invoice_date_due="2026-02-20")
        self.two = self._invoice([50.0])
        self.stranger = self.env["res.partner"].create({"name": "Stranger"})
        self.foreign = self._invoice([999.0], partner_id=self.stranger.id)
        self.path = self._statement()

    def _statement(self, partner=None, company=None):
        partner = partner or self.partner
        path = partner._get_statement_urls(company or self.company)[partner.id]
        self.env.flush_all()
        return path

    def _row_ids(self, *documents):
        self.env.flush_all()
        rows = self.env["payment.due"]
        return [rows._get_rows_of(document).id for document in documents]

    def _choose(self, *documents, **values):
        form = {
            "csrf_token": self._csrf(),
            "due": self._row_ids(*documents),
            **values,
        }
        answer = self._post(f"{self.path}/pay", form)
        self.assertEqual(answer.status_code, 303, answer.text[:1000])
        return urlsplit(answer.headers["Location"])

    # === THE PAGE === #

    def test_page(self):
        page = self._get(self.path)
        self.assertEqual(page.status_code, 200)
        self._assert_private(page)
        words = self._text(page)
        self.assertIn("To pay $ 150.00", words.replace("\xa0", " "))
        self.assertIn("overdue $ 100.00", words.replace("\xa0", " "))
        for text in (self.one.name, self.two.name, self.partner.name):
            self.assertIn(text, words)
        self.assertNotIn(self.foreign.name, words)
        page = self._parse(page)
        self.assertFalse(page.xpath("//a[contains(@href, '/my/payments')]"))
        self.assertEqual(len(page.xpath("//button[@name='only']")), 2)

    def test_currencies_without_and_with_three_decimals(self):
        (self.one + self.two).button_draft()
        (self.one + self.two).button_cancel()
        owed = self._owe_in_odd_currencies()
        page = self._parse(self._get(self.path))
        [totals] = page.xpath("//section[contains(@class, 'o_pbp_due_totals')]")
        self.assertEqual(
            self._digits(totals.text_content()),
            [
                number
                for _currency, _invoices, (due, late, _part) in owed.values()
                for number in (due, late)
            ],
        )
        for code, (currency, invoices, (_due, late, _part)) in owed.items():
            first, second = invoices
            with self.subTest(code):
                path = self._choose(*invoices).path
                page = self._get(path)
                [form] = self._parse(page).xpath("//form[@data-amount]")
                self.assertEqual(float(form.get("data-amount")), second.amount_total)
                link = self.env["payment.access.link"]._find(path.split("/")[2], "pay")
                tx = self._pay(link._get_document())
                self.assertEqual(tx.amount, second.amount_total)
                self.assertEqual(tx.currency_id, currency)
                # A part of it is being paid: the rest is paid on its own.
                self.assertEqual(self._pay(first).amount, float(late))
        self._assert_settled(owed)
        self.assertIn("Nothing to pay", self._text(self._get(self.path)))

    def test_look_changes_nothing(self):
        links = self.env["payment.access.link"].sudo().search([])
        before = self._snapshot()
        for query in ("", "?filterby=paid", "?search=x", "/page/2"):
            self.assertEqual(self._get(f"{self.path}{query}").status_code, 200)
        self._assert_nothing_written(before)
        self.assertEqual(self.env["payment.access.link"].sudo().search([]), links)
        self.assertEqual(self._get(f"{self.path}/pay").status_code, 405)

    def test_paid_ones_of_a_year(self):
        old = self._invoice([7.0], invoice_date="2025-02-01")
        for invoice in (self.two, old):
            self._pay(invoice)
        words = self._text(self._get(f"{self.path}?filterby=paid"))
        self.assertIn(self.two.name, words)
        self.assertNotIn(old.name, words)
        self.assertNotIn(self.one.name, words)
        words = self._text(self._get(f"{self.path}?filterby=all"))
        self.assertIn(self.one.name, words, "there is no such filter here")
        self.assertNotIn(self.two.name, words)

    def test_credits_of_a_year(self):
        old, new = (
            self._create_invoice(
                [30.0], move_type="out_refund", invoice_date=day, ref=f"Credit of {day}"
            )
            for day in ("2025-02-01", "2026-02-01")
        )
        (old + new).action_post()
        self.env.flush_all()
        words = self._text(self._get(f"{self.path}?filterby=refunded"))
        self.assertIn(new.name, words)
        self.assertNotIn(old.name, words)

    def test_contacts_of_a_company_share_it(self):
        child = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.partner.id}
        )
        theirs = self._invoice([8.0], partner_id=child.id)
        self.assertEqual(self._statement(child), self.path)
        self.assertIn(theirs.name, self._text(self._get(self.path)))

    def test_one_company_only(self):
        other = self._create_other_company()
        theirs = self.env["account.move"].with_company(other).create(
            {
                "move_type": "out_invoice",
                "partner_id": self.partner.id,
                "invoice_line_ids": [
                    Command.create({"name": "x", "price_unit": 9.0, "tax_ids": False})
                ],
            }
        )  # fmt: skip
        theirs.action_post()
        theirs.ref = "Of the other one"
        self.assertNotIn(theirs.ref, self._text(self._get(self.path)))
        path = self._choose(theirs).path
        self.assertEqual(path, self.path)
        words = self._text(self._get(self._statement(company=other)))
        self.assertIn(theirs.ref, words)
        self.assertNotIn("100.00", words)

    def test_nobody_is_logged_in_and_whoever_is_sees_the_same(self):
        user = new_test_user(self.env, "pbp_st", groups="base.group_portal")
        self.authenticate(user.login, user.login)
        self.assertIn(self.one.name, self._text(self._get(self.path)))

    # === PAYING === #

    def test_pay_one(self):
        path = self._choose(only=self._row_ids(self.one)[0]).path
        self.assertEqual(path, self.one._get_pay_url())
        page = self._get(path)
        self.assertEqual(page.status_code, 200)
        self.assertTrue(self._parse(page).xpath(f"//a[@href='{self.path}']"))
        self._new_visitor()
        self.assertNotIn("/statement/", self._get(path).text)

    def test_paid_row_leads_to_its_receipt(self):
        self._pay(self.one)
        path = self._choose(only=self._row_ids(self.one)[0]).path
        self.assertTrue(path.endswith("/receipt"))

    def test_pay_several(self):
        path = self._choose(self.one, self.two).path
        link = self.env["payment.access.link"]._find(path.split("/")[2], "pay")
        bundle = link._get_document()
        self.assertTrue(bundle.by_statement)
        self.assertEqual(bundle.partner_id, self.partner)
        self.assertEqual(bundle._get_payable_amount(), 150)
        page = self._get(path)
        self.assertIn("$ 150.00", self._text(page))

    def test_what_is_sent_is_a_choice(self):
        for due in ([], ["x"], self._row_ids(self.foreign)):
            self.assertEqual(self._choose(due=due).query, "nothing=1")
        ids = self._row_ids(self.foreign, self.one)
        path = self._choose(due=ids).path
        self.assertEqual(path, self.one._get_pay_url())
        with mute_logger("odoo.http"):
            answer = self._post(f"{self.path}/pay", {"due": ids})
        self.assertEqual(answer.status_code, 400, "no CSRF")

    # === THE LINK === #

    def test_wrong_link(self):
        bodies = set()
        pay = self.one._get_pay_url().rpartition("/")[2]
        right = self.path.rpartition("/")[2]
        near = right[:-1] + ("A" if right[-1] == "B" else "B")
        for token in ("x", "A" * 32, pay, near):
            for address in (f"/statement/{token}", f"/statement/{token}/page/2"):
                answer = self._get(address)
                self.assertEqual(answer.status_code, 404)
                bodies.add(self._text(answer).replace(address, ""))
            answer = self._post(f"/statement/{token}/pay", {"csrf_token": self._csrf()})
            self.assertEqual(answer.status_code, 404)
        self.assertEqual(len(bodies), 1)
        token = self.path.rpartition("/")[2]
        self.assertEqual(self._get(f"/pay/{token}").status_code, 404)

    def test_revoked(self):
        bundle_path = self._choose(self.one, self.two).path
        self.partner.action_revoke_statement()
        self.env.flush_all()
        page = self._get(self.path)
        self.assertEqual(page.status_code, 410)
        self._assert_private(page)
        words = self._text(page)
        self.assertIn("no longer valid", words)
        for text in (self.partner.name, self.one.name, "100", "150"):
            self.assertNotIn(text, words)
        answer = self._post(f"{self.path}/pay", {"csrf_token": self._csrf()})
        self.assertEqual(answer.status_code, 410)
        self.assertEqual(self._get(bundle_path).status_code, 410)
        fresh = self._statement()
        self.assertNotEqual(fresh, self.path)
        self.assertEqual(self._get(fresh).status_code, 200)

    def test_deleted_client(self):
        partner = self.env["res.partner"].create({"name": "Gone"})
        path = self._statement(partner)
        partner.unlink()
        self.env.flush_all()
        self.assertEqual(self._get(path).status_code, 404)

    # === STAFF AND MAILS === #

    def test_who_may_revoke(self):
        plain = new_test_user(self.env, "pbp_plain3", groups="base.group_user")
        client = new_test_user(self.env, "pbp_cl3", groups="base.group_portal")
        for user in (plain, client):
            partner = self.partner.with_user(user)
            for action in ("action_revoke_statement", "action_copy_statement_link"):
                with self.subTest(user.login), self.assertRaises(AccessError):
                    getattr(partner, action)()
        staff = new_test_user(
            self.env, "pbp_staff3", groups="payment_booking_portal.group_user",
            company_id=self.company.id, company_ids=[Command.set(self.company.ids)],
        )  # fmt: skip
        action = self.partner.with_user(staff).action_copy_statement_link()
        self.assertTrue(action["params"]["text"].endswith(self.path))
        self.partner.with_user(staff).action_revoke_statement()
        self.assertEqual(self._get(self.path).status_code, 410)

    def test_other_companies_keep_their_links(self):
        other = self._create_other_company()
        path = self._statement(company=other)
        companies = self.env["res.partner"].with_context(
            allowed_company_ids=self.company.ids
        )
        companies.browse(self.partner.id).action_revoke_statement()
        self.env.flush_all()
        self.assertEqual(self._get(path).status_code, 200)

    def test_foot_of_our_mails(self):
        self.partner.email = "client@example.com"
        for document, template in (
            (self._request(), "mail_template_request_receipt"),
            (self._booking(), "mail_template_booking_confirmed"),
        ):
            with self.subTest(document._name):
                before = self.env["mail.mail"].search([])
                document._send_mail(f"payment_booking_portal.{template}")
                mail = self.env["mail.mail"].search([]) - before
                self.assertIn(self.path, mail.body_html)

    def test_no_link_to_who_is_not_known(self):
        held = self._place(self.service, "2026-03-03 09:00")
        self.assertFalse(held._get_mail_statement_url())
        for record in (held, self.partner, self.env["payment.booking"], None):
            self.assertFalse(self.company._get_statement_url_of(record))
        self.assertFalse(self.env["res.partner"]._get_full_statement_url(self.company))
