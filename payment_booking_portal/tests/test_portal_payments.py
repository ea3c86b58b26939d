"""The client's page of all that they owe and paid."""

from unittest.mock import patch
from urllib.parse import urlsplit

from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .bundle_common import BundleCommon
from .common import NOW
from .http_common import BookingHttpCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPortalPayments(BundleCommon, BookingHttpCommon):
    needs_portal_user = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # The client is somebody with an account.
        cls.partner = cls.portal_user.partner_id
        cls.foreign_user = new_test_user(
            cls.env, login="pbp_foreign", groups="base.group_portal"
        )

    def setUp(self):
        super().setUp()
        self.late = self._invoice([120.0], invoice_date_due="2026-02-20", ref="Roof")
        self.coming = self._invoice([200.0], invoice_date_due="2026-03-20")
        self.foreign = self._invoice(
            [999.0], partner_id=self.foreign_user.partner_id.id
        )
        self._login()

    def _login(self, user=None):
        user = user or self.portal_user
        self.authenticate(user.login, user.login)

    def _list(self, query="", status=200):
        self.env.flush_all()
        page = self._get(f"/my/payments{query}")
        self.assertEqual(page.status_code, status, page.text[:1000])
        return page

    def _names(self, query=""):
        """Return the headings of the rows, in order."""
        return [
            " ".join(head.text_content().split())
            for head in self._parse(self._list(query)).xpath("//ul//h2")
        ]

    def _totals(self, query=""):
        totals = self._parse(self._list(query)).xpath(
            "//section[contains(@class, 'o_pbp_due_totals')]"
        )
        words = totals[0].text_content() if totals else ""
        return " ".join(words.split()).replace("\xa0", " ")

    def _invoice_name(self, invoice):
        return f"Invoice {invoice.name}"

    # === WHAT IS SHOWN === #

    def test_filters(self):
        booking, request = self._booking(), self._request(due_date="2026-02-25")
        part = self._invoice([50.0])
        self._start_payment(part)._set_pending()
        paid = self._invoice([70.0])
        self._pay(paid)
        credit = self._create_invoice([30.0], move_type="out_refund")
        credit.action_post()
        back = self._request(reason="Given back")
        self._pay(back)._refund(amount_to_refund=80.0)
        back._get_allocations().transaction_id.child_transaction_ids._set_done()
        name = self._invoice_name
        shown = {
            "due": [
                name(self.late), "Consulting", booking.service_id.name,
                name(self.coming),
            ],
            "overdue": [name(self.late), "Consulting"],
            "upcoming": [booking.service_id.name, name(self.coming)],
            "processing": [name(part)],
            "paid": [name(paid)],
            "refunded": ["Given back", f"Credit note {credit.name}"],
        }  # fmt: skip
        self.assertEqual(self._names(), shown["due"], "what is to pay comes first")
        for filterby, names in shown.items():
            with self.subTest(filterby):
                self.assertEqual(self._names(f"?filterby={filterby}"), names)
        everything = self._names("?filterby=all")
        self.assertEqual(len(everything), 8)
        self.assertEqual(
            set(everything), {n for names in shown.values() for n in names}
        )
        self.assertNotIn(name(self.foreign), everything)
        self.assertFalse(request.name in everything)

    def test_what_a_row_says(self):
        self.coming.write({"payment_disputed": True, "payment_disputed_reason": "Eh"})
        self.company.booking_pay_later_online = False
        self._booking(policy="on_site")
        part = self._invoice([50.0], payment_part="part", payment_part_percent=10)
        tx = self._start_payment(part)
        tx.allocation_ids.amount = tx.amount = 20.0
        tx._set_pending()
        request = self._request(amount=0.0, reason="Donation")
        page = self._list()
        words = self._text(page)
        self.assertIn("Overdue since 02/20/2026", words)
        self.assertIn("Being checked: please contact us", words)
        self.assertNotIn("Eh", words.split())
        self.assertIn("You pay at the appointment", words)
        self.assertIn("$ 20.00 is being paid", words)
        self.assertIn("You say how much", words)
        page = self._parse(page)
        late = page.xpath("//li[contains(@class, 'o_pbp_due_late')]")
        self.assertEqual(len(late), 1)
        self.assertTrue(late[0].xpath(".//i[contains(@class, 'fa-exclamation')]"))
        ticks = page.xpath("//input[@name='due']/@value")
        rows = self.env["payment.due"]
        tickable = rows._get_rows_of(self.late) + rows._get_rows_of(part)
        self.assertEqual(sorted(map(int, ticks)), sorted(tickable.ids))
        pay = page.xpath("//ul//a[@data-due]/@data-due")
        self.assertEqual(
            sorted(map(int, pay)),
            sorted([*tickable.ids, *rows._get_rows_of(request).ids]),
        )

    def test_totals_by_currency(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        self.assertEqual(self._totals(), "To pay $ 320.00 of it overdue $ 120.00")
        self._invoice([45.5], currency_id=euro.id, invoice_date_due="2026-03-20")
        words = self._totals()
        self.assertIn("To pay $ 320.00 of it overdue $ 120.00", words)
        self.assertIn("To pay 45.50 €", words)
        self.assertNotIn("365", words)
        self.assertEqual(self._totals("?filterby=paid"), words, "whatever is shown")
        self._pay(self.late)
        self.assertIn("To pay $ 200.00", self._totals())
        self.assertNotIn("overdue", self._totals())

    def test_currencies_without_and_with_three_decimals(self):
        (self.late + self.coming).button_draft()
        (self.late + self.coming).button_cancel()
        owed = self._owe_in_odd_currencies()
        page = self._list()
        totals = self._digits(self._totals())
        words = self._text(page)
        wanted = []
        for code, (currency, invoices, (due, late, part)) in owed.items():
            with self.subTest(code):
                self.assertEqual(totals[:2], [due, late])
                totals = totals[2:]
                first, second = invoices
                for row in self.env["payment.due"]._get_rows_of(first + second):
                    shown = (
                        self._parse(page)
                        .xpath(
                            f"//li[.//*[@data-due='{row.id}']]"
                            "//strong[contains(@class, 'o_pbp_due_amount')]"
                        )[0]
                        .text_content()
                    )
                    [number] = self._digits(shown)
                    decimals = number.partition(".")[2]
                    self.assertEqual(len(decimals), currency.decimal_places)
                    self.assertEqual(float(number), currency.round(row.amount_due))
                    wanted.append(row.id)
                self.assertIn(f"{part} ", words.replace("\xa0", " "))
        self.assertEqual(totals, [])
        form = {"csrf_token": self._csrf("/my/payments"), "due": wanted}
        answer = self._post("/my/payments/pay", form)
        self.assertTrue(answer.headers["Location"].endswith("/pay/selection"))
        bundles = self.env["payment.bundle"].search([])
        self.assertEqual(len(bundles), 2)
        for bundle in bundles:
            _currency, (first, second), (_due, late, _part) = owed[
                bundle.currency_id.name
            ]
            # A part of the first one is being paid: the rest is paid on its own.
            self.assertEqual(bundle._get_payable_amount(), second.amount_total)
            self.assertEqual(self._pay(bundle).amount, second.amount_total)
            self.assertEqual(self._pay(first).amount, float(late))
        self._assert_settled(owed)
        self.assertEqual(self._totals(), "")

    def test_sort(self):
        name = self._invoice_name
        small = self._invoice(
            [5.0], invoice_date="2026-03-02", invoice_date_due="2026-03-25"
        )
        late, coming = name(self.late), name(self.coming)
        for sortby, names in (
            ("due", [late, coming, name(small)]),
            ("amount", [coming, late, name(small)]),
            ("date", [name(small), coming, late]),
            ("number", sorted([late, coming, name(small)])),
            ("", [late, coming, name(small)]),
            ("nonsense", [late, coming, name(small)]),
        ):
            with self.subTest(sortby):
                self.assertEqual(self._names(f"?sortby={sortby}"), names)

    def test_search(self):
        self._request()
        name = self._invoice_name
        self.assertEqual(self._names("?search=roof"), [name(self.late)])
        self.assertEqual(self._names("?search=consult"), ["Consulting"])
        self.assertEqual(
            self._names(f"?search={self.coming.name}"), [name(self.coming)]
        )
        self.assertEqual(self._names("?search=999"), [])
        self.assertIn("Nothing found", self._text(self._list("?search=%25%25x")))

    def test_whatever_is_in_the_address(self):
        for query in (
            "?filterby=x&sortby=y&search_in=z&search=%00",
            "?filterby=due&filterby=all&page=-1",
            "?sortby[]=1&groupby=x&date_begin=x&date_end=y",
            "?search=" + "x" * 5000,
            "?search=%27%3B--%5C%25_&page=999999999999999999999",
            "/page/0",
            "/page/99999",
        ):
            with self.subTest(query[:40]), self.assertNoLogs(level="ERROR"):
                self._list(query)
        with self.assertNoLogs(level="ERROR"):
            self.assertEqual(self._get("/my/payments/page/x").status_code, 404)

    def test_pages(self):
        self._invoice([1.0]).copy_data()
        invoices = self.env["account.move"]
        for number in range(23):
            invoices |= self._invoice(
                [1.0 + number], invoice_date_due=f"2026-04-{number + 1:02}"
            )
        first, second = self._names(), self._names("/page/2")
        self.assertEqual((len(first), len(second)), (20, 6))
        self.assertFalse(set(first) & set(second))
        page = self._parse(self._list("?filterby=upcoming&search=INV&sortby=amount"))
        links = page.xpath("//a[contains(@href, '/my/payments/page/2')]/@href")
        self.assertIn("search=INV", links[0])
        self.assertIn("sortby=amount", links[0])
        self.assertIn("filterby=upcoming", links[0])

    def test_queries_do_not_grow_with_the_rows(self):
        def count(query):
            self._list(query)  # caches of the process
            before = self.env.cr.sql_log_count
            self._list(query)
            return self.env.cr.sql_log_count - before

        self._request()
        self._booking()
        few = count("")
        self.assertEqual(self._count_reads(), 2, "the totals, and the rows")
        for number in range(16):
            self._invoice([1.0 + number], invoice_date_due=f"2026-04-{number + 1:02}")
        self.assertEqual(len(self._names()), 20)
        self.assertEqual(count(""), few)

    def _count_reads(self):
        """Return how often a page reads the list."""
        reads = []
        execute = type(self.env.cr).execute

        def listen(cursor, query, *args, **kwargs):
            code = getattr(query, "code", query)
            if 'AS "payment_due"' in str(code):
                reads.append(code)
            return execute(cursor, query, *args, **kwargs)

        with patch.object(type(self.env.cr), "execute", listen):
            self._list()
        return len(reads)

    def test_empty_lists_say_what_belongs_there(self):
        self._login(new_test_user(self.env, "pbp_new", groups="base.group_portal"))
        self.assertIn("Nothing to pay", self._text(self._list()))
        self.assertIn("appears here", self._text(self._list("?filterby=paid")))

    def test_saved_methods_are_linked(self):
        links = self._parse(self._list()).xpath("//a[@href='/my/payment_method']")
        self.assertTrue(links)
        self.assertEqual(self._get("/my/payment_method").status_code, 200)

    def test_list_makes_no_link(self):
        self._list()
        links = self.env["payment.access.link"].sudo()
        links = links.search([("scope", "=", "pay")])
        self.assertNotIn(self.late.id, links.mapped("res_id"))

    # === THE HOME PAGE === #

    def _count(self):
        self.env.flush_all()
        return self._call(
            "/my/counters", counters=["payment_due_count", "payment_document_count"]
        )

    def test_home(self):
        page = self._parse(self._get("/my"))
        cards = page.xpath("//a[@href='/my/payments']//@data-placeholder_count")
        self.assertEqual(set(cards), {"payment_due_count", "payment_document_count"})
        self.assertEqual(
            self._count(), {"payment_due_count": 2, "payment_document_count": 1}
        )
        tx = self._start_payment(self.late)
        tx._set_pending()
        self.assertEqual(self._count()["payment_due_count"], 1, "one is being paid")
        tx._set_done()
        tx._post_process()
        self._pay(self.coming)
        self.assertEqual(
            self._count(), {"payment_due_count": 0, "payment_document_count": 1}
        )

    def test_colleague_without_our_groups_gets_no_error(self):
        plain = new_test_user(self.env, login="pbp_plain2", groups="base.group_user")
        self._login(plain)
        with self.assertNoLogs(level="ERROR"):
            self.assertEqual(self._count()["payment_due_count"], 0)
            self._list(status=404)

    # === WHO SEES WHAT === #

    def test_contacts_of_one_company_share_the_list(self):
        firm = self.env["res.partner"].create({"name": "Firm", "is_company": True})
        (self.partner + self.foreign_user.partner_id).parent_id = firm
        by_firm = self._invoice([7.0], partner_id=firm.id)
        names = self._names()
        for invoice in (self.late, self.foreign, by_firm):
            self.assertIn(self._invoice_name(invoice), names)
        self._login(self.foreign_user)
        self.assertEqual(self._names(), names)

    def test_staff_see_their_own_here(self):
        group = "payment_booking_portal.group_user"
        staff = new_test_user(
            self.env, "pbp_staff2", groups=group, company_id=self.company.id,
            company_ids=[Command.set(self.company.ids)],
        )  # fmt: skip
        self._login(staff)
        self.assertEqual(self._names(), [])
        row = self.env["payment.due"]._get_rows_of(self.late)
        answer = self._get(f"/my/payments/invoice/{self.late.id}")
        self.assertEqual(answer.status_code, 404)
        form = {"csrf_token": self._csrf("/my/payments"), "due": row.id}
        answer = self._post("/my/payments/pay", form)
        self.assertTrue(answer.headers["Location"].endswith("?nothing=1"))

    def test_two_companies(self):
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
        self.assertNotIn(theirs.ref, self._text(self._list()))
        self.portal_user.sudo().company_ids = [Command.link(other.id)]
        self.assertIn(theirs.ref, self._text(self._list()))
        self.assertIn(other.name, self._text(self._list()))

    # === ONE ROW === #

    def test_row_leads_to_its_pay_page(self):
        booking, request = self._booking(), self._request()
        for document, source in (
            (self.late, "invoice"), (booking, "booking"), (request, "request"),
        ):  # fmt: skip
            answer = self._get(f"/my/payments/{source}/{document.id}")
            path = urlsplit(answer.headers["Location"]).path
            self.assertEqual(path, document._get_pay_url())
            self.assertEqual(self._get(path).status_code, 200)

    def test_paid_row_leads_to_its_receipt(self):
        request = self._request()
        self._pay(request)
        answer = self._get(f"/my/payments/request/{request.id}")
        self.assertTrue(answer.headers["Location"].endswith("/receipt"))
        credit = self._create_invoice([30.0], move_type="out_refund")
        credit.action_post()
        answer = self._get(f"/my/payments/invoice/{credit.id}")
        self.assertIn(f"/my/invoices/{credit.id}", answer.headers["Location"])

    def test_foreign_rows_do_not_exist(self):
        draft = self._create_invoice([5.0])
        with self.assertNoLogs(level="ERROR"):
            for path in (
                f"invoice/{self.foreign.id}",
                f"invoice/{draft.id}",
                f"booking/{self.late.id}",
                "invoice/999999",
                "invoice/99999999999999",
                f"account.move/{self.late.id}",
                f"partner_id/{self.partner.id}",
            ):
                with self.subTest(path):
                    answer = self._get(f"/my/payments/{path}")
                    self.assertEqual(answer.status_code, 404)

    def test_guest_must_log_in(self):
        self._new_visitor()
        for path in ("", "/page/2", f"/invoice/{self.late.id}"):
            answer = self._get(f"/my/payments{path}")
            self.assertIn("/web/login", answer.headers["Location"])
        answer = self._post("/my/payments/pay", {"csrf_token": self._csrf()})
        self.assertIn("/web/login", answer.headers["Location"])
