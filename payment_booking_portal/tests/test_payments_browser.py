"""The client's payments with a phone, with and without JavaScript."""

from odoo.tests import tagged

from .common_browser import BrowserCommon


@tagged("post_install", "-at_install")
class TestPaymentsBrowser(BrowserCommon):
    debug = "tests"
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.partner = cls.portal_user.partner_id

    def setUp(self):
        super().setUp()
        self.invoices = self.env["account.move"]
        for amount, due in ((100.0, "2026-02-01"), (50.0, "2100-01-01")):
            self.invoices |= self._create_invoice([amount], invoice_date_due=due)
        self.invoices.action_post()
        service = self._create_service("Later", fee_policy="suggested")
        self.booking = self.book(service, partner=self.partner)

    def _assert_all_paid(self):
        self.env.invalidate_all()
        self.assertEqual(self.invoices.mapped("payment_state"), ["paid", "paid"])
        self.assertEqual(self.booking.payment_coverage, "paid")
        [tx] = self.invoices.transaction_ids
        self.assertEqual(tx.amount, 210.0)
        self.assertEqual(len(tx.allocation_ids), 3)

    def test_client_pays_several(self):
        self.start_tour(
            "/my",
            "payment_booking_portal.client_pays_several",
            login=self.portal_user.login,
        )
        self._assert_all_paid()

    def test_client_pays_several_in_french(self):
        self.env["res.lang"]._activate_lang("fr_FR")
        self.partner.lang = "fr_FR"
        self.start_tour(
            "/my",
            "payment_booking_portal.client_pays_several",
            login=self.portal_user.login,
        )
        self._assert_all_paid()

    def _tick_and_pay(self, page, path):
        page.goto(path)
        for number in (1, 3):
            page.click(f".o_pbp_due_rows li:nth-child({number}) [name=due]")
        page.click(".o_pbp_pay_selected", loads=True)
        page.find(".o_pbp_summary .o_pbp_total")
        bundle = self.env["payment.bundle"].search([], limit=1)
        self.assertEqual(len(bundle.line_ids), 2)
        self.assertIn("/pay/", page.evaluate("location.pathname"))
        self.assertIn(bundle._format_amount(150.0), page.evaluate(
            "document.querySelector('.o_pbp_total').innerText"
        ).replace(" ", "\N{NO-BREAK SPACE}"))  # fmt: skip

    def test_without_javascript(self):
        with self.open_page(self.portal_user.login, javascript=False) as page:
            self._tick_and_pay(page, "/my/payments")

    def test_statement_without_javascript(self):
        path = self.partner._get_statement_urls(self.company)[self.partner.id]
        with self.open_page(javascript=False) as page:
            self._tick_and_pay(page, path)
            page.goto(path)
            page.click("button[name=only]", loads=True)
            page.find(".o_pbp_summary")
