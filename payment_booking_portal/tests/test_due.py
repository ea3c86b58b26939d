"""What clients owe: one list over invoices, bookings and requests, each amount once."""

from unittest.mock import patch

from odoo.exceptions import AccessError
from odoo.fields import Command, Domain
from odoo.tests import freeze_time, new_test_user, tagged

from .common import NOW, BookingCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestDue(BookingCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Due = cls.env["payment.due"]

    # === HELPERS === #

    def _rows(self, domain=(), order=None):
        self.env.flush_all()
        self.env.invalidate_all()
        mine = Domain("partner_id", "child_of", self.partner.ids)
        return self.Due.search(mine & Domain(domain), order=order)

    def _invoice(self, amounts, **values):
        invoice = self._create_invoice(amounts, **values)
        invoice.action_post()
        return invoice

    def _booking(self, policy="suggested", local="2026-03-05 09:00", **values):
        service = self._create_service(f"{policy} {local}", fee_policy=policy, **values)
        return self._place(service, local, partner=self.partner)

    def _request(self, amount=80.0, **values):
        request = self.env["payment.request"].create(
            {
                "partner_id": self.partner.id,
                "company_id": self.company.id,
                "currency_id": self.company.currency_id.id,
                "amount": amount,
                "reason": "Consulting",
                **values,
            }
        )
        request.action_make_link()
        return request.sudo()

    def _assert_agrees(self, row):
        """Check that the list says what the document itself says."""
        document = row._get_document().sudo()
        self.assertAlmostEqual(
            row.amount_due, document._get_payable_amount(), 2, row.name
        )
        self.assertEqual(
            row.status == "open" and row.is_payable,
            document._is_payable_now(),
            f"{row.name}: {row.status}, {document._get_payable_status()}",
        )

    # === INVOICES === #

    def test_open_invoice(self):
        invoice = self._invoice([120.0], invoice_date_due="2026-02-20")
        row = self._rows()
        self.assertEqual(row._get_document(), invoice)
        self.assertEqual((row.source, row.status), ("invoice", "open"))
        self.assertEqual((row.amount_total, row.amount_due), (120.0, 120.0))
        self.assertTrue(row.is_owed and row.is_payable and row.is_invoiced)
        self._assert_agrees(row)

    def test_draft_cancelled_and_bills_are_not_here(self):
        self._create_invoice([10.0])
        self._invoice([20.0]).button_cancel()
        bill = self._create_invoice([30.0], move_type="in_invoice")
        bill.action_post()
        self.assertFalse(self._rows())

    def test_money_on_its_way_is_not_due(self):
        invoice = self._invoice([100.0], payment_part="part", payment_part_percent=10)
        tx = self._start_payment(invoice, amount=100.0)
        tx.allocation_ids.amount = tx.amount = 40.0
        tx._set_pending()
        row = self._rows()
        self.assertEqual((row.amount_due, row.amount_processing), (60.0, 40.0))
        self.assertEqual(row.status, "open")
        self._assert_agrees(row)
        rest = self._start_payment(invoice)
        rest._set_pending()
        row = self._rows()
        self.assertEqual((row.amount_due, row.amount_processing), (0.0, 100.0))
        self.assertEqual((row.status, row.is_owed), ("processing", False))
        self._assert_agrees(row)

    def test_money_that_is_not_booked_yet(self):
        invoice = self._invoice([100.0])
        tx = self._start_payment(invoice)
        tx._set_done()
        row = self._rows()
        self.assertEqual((row.status, row.amount_due), ("paid", 0.0))
        tx._post_process()
        row = self._rows()
        self.assertEqual((row.status, row.amount_due), ("paid", 0.0))
        self.assertTrue(row.is_online)

    def test_payment_of_another_app(self):
        invoice = self._invoice([100.0])
        tx = self._create_transaction(
            "redirect", amount=70.0, invoice_ids=[Command.set(invoice.ids)]
        )
        tx._set_pending()
        row = self._rows()
        self.assertEqual((row.amount_due, row.amount_processing), (30.0, 70.0))
        self._assert_agrees(row)

    def _pay_without_entry(self, invoice, amount, currency):
        """Register money that is booked once the bank statement comes, as with
        accounting of Odoo Enterprise: without it Odoo chooses an account.
        """
        journal = self.company.bank_journal_ids[:1]
        journal.inbound_payment_method_line_ids.payment_account_id = False
        state = patch.object(
            type(invoice), "_get_invoice_in_payment_state", lambda _self: "in_payment"
        )
        self.startPatcher(state)
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.partner.id,
                "amount": amount,
                "currency_id": currency.id,
                "journal_id": journal.id,
                "invoice_ids": [Command.link(invoice.id)],
            }
        )
        payment.action_post()
        self.assertEqual((payment.state, bool(payment.move_id)), ("in_process", False))
        self.assertEqual(invoice.amount_residual, invoice.amount_total)

    def test_payment_without_journal_entry(self):
        invoice = self._invoice([100.0])
        self._pay_without_entry(invoice, 40.0, self.company.currency_id)
        row = self._rows()
        self._assert_agrees(row)
        self.assertEqual((row.status, row.amount_due), ("open", 60.0))

    def test_instalments_are_due_one_by_one(self):
        term = self.env["account.payment.term"].create(
            {
                "name": "Two parts",
                "line_ids": [
                    Command.create(
                        {"value": "percent", "value_amount": 50, "nb_days": days}
                    )
                    for days in (0, 30)
                ],
            }
        )
        invoice = self._invoice([100.0], invoice_payment_term_id=term.id)
        self.assertEqual(str(self._rows().due_day), "2026-03-01")
        part = self._start_payment(invoice, amount=50.0)
        part.allocation_ids.amount = part.amount = 50.0
        part._set_done()
        part._post_process()
        row = self._rows()
        self.assertEqual((str(row.due_day), row.amount_due), ("2026-03-31", 50.0))

    def test_credit_notes(self):
        invoice = self._invoice([100.0])
        refund = self._create_invoice([30.0], move_type="out_refund")
        refund.action_post()
        by_status = {row.status: row for row in self._rows()}
        self.assertEqual(set(by_status), {"open", "credit"})
        self.assertEqual(by_status["credit"].amount_total, -30.0)
        self.assertFalse(by_status["credit"].is_owed or by_status["credit"].is_payable)
        lines = (invoice + refund).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        lines.reconcile()
        by_status = {row.status: row for row in self._rows()}
        self.assertEqual(set(by_status), {"open", "refunded"})
        self.assertEqual(by_status["open"].amount_due, 70.0)
        self._assert_agrees(by_status["open"])

    def test_credited_in_full(self):
        invoice = self._invoice([100.0])
        invoice._reverse_moves(cancel=True)
        self.assertEqual(invoice.payment_state, "reversed")
        self.env.flush_all()
        row = self.Due._get_rows_of(invoice)
        self.assertEqual(
            (row.status, row.amount_due, row.is_owed), ("refunded", 0.0, False)
        )

    def test_disputed(self):
        invoice = self._invoice([100.0])
        invoice.write({"payment_disputed": True, "payment_disputed_reason": "Wrong"})
        row = self._rows()
        self.assertTrue(row.is_disputed and row.is_owed)
        self.assertFalse(row.is_payable)
        self._assert_agrees(row)

    # === BOOKINGS AND REQUESTS === #

    def test_booking_then_its_invoice(self):
        booking = self._booking()
        row = self._rows()
        self.assertEqual(row._get_document().sudo(), booking)
        self.assertEqual((row.status, row.amount_due), ("open", 60.0))
        self.assertEqual(str(row.due_day), "2026-03-05")
        self._assert_agrees(row)
        tx = self._start_payment(booking)
        tx._set_pending()
        row = self._rows()
        self.assertEqual((row.status, row.amount_processing), ("processing", 60.0))
        self._assert_agrees(row)
        tx._set_done()
        tx._post_process()
        row = self._rows()
        self.assertEqual((row.source, row.status), ("invoice", "paid"))
        self.assertEqual(row._get_document(), booking.invoice_id)

    def test_due_day_is_that_of_the_business(self):
        self.calendar.attendance_ids.write({"hour_from": 0, "hour_to": 24})
        self.calendar.tz = "Pacific/Auckland"
        booking = self._booking()
        booking._editing().write({"start": "2026-03-05 20:00:00"})
        self.assertEqual(str(self._rows().due_day), "2026-03-06")

    def test_held_time_is_owed_by_nobody(self):
        booking = self._booking("required")
        self.assertEqual(booking.state, "hold")
        self.assertFalse(self._rows(), "a visitor who left")
        asked = self.env["payment.booking"].create(
            {
                "service_id": self.service.id,
                "partner_id": self.partner.id,
                "start": self._utc("2026-03-06 09:00"),
            }
        )
        asked._ask_for_payment(self._utc("2026-03-05 09:00"))
        row = self._rows()
        self.assertEqual(row.booking_id, asked)
        self.assertEqual((row.status, row.is_owed), ("open", False))
        self.assertTrue(row.is_payable)
        self._assert_agrees(row)

    def test_paid_at_the_venue_only(self):
        self._booking("on_site")
        self._assert_agrees(self._rows())
        self.company.booking_pay_later_online = False
        row = self._rows()
        self.assertTrue(row.is_owed)
        self._assert_agrees(row)

    def test_cancelled_booking_is_here_for_its_money_only(self):
        self._booking(local="2026-03-06 09:00")._cancel()
        booking = self._booking()
        tx = self._start_payment(booking)
        booking._cancel()
        self.assertFalse(self._rows())
        tx._set_done()
        tx._post_process()
        row = self._rows()
        self.assertEqual(row.booking_id.sudo(), booking)
        self.assertEqual((row.status, row.is_owed), ("paid", False))

    def test_answer_to_a_direct_link_is_not_owed(self):
        """Whoever looked at a price in a shop window owes nothing."""
        link = self.env["payment.direct.link"].create(
            {"name": "Oil", "title": "Oil", "amount": 40}
        )
        request = self._request()
        request._editing().direct_link_id = link
        self.assertFalse(self._rows())
        self._start_payment(request)._set_pending()
        self.assertEqual(self._rows().status, "processing")

    def test_request(self):
        request = self._request(due_date="2026-02-27")
        row = self._rows()
        self.assertEqual(row.request_id, request)
        self.assertEqual((row.description, row.days_late), ("Consulting", 3))
        self.assertEqual(row.age, "week")
        self._assert_agrees(row)
        self._pay(request)
        row = self._rows()
        self.assertEqual((row.status, row.is_online), ("paid", True))
        request._get_allocations().transaction_id._refund(amount_to_refund=80.0)
        child = request._get_allocations().transaction_id.child_transaction_ids
        child._set_done()
        self.assertEqual(self._rows().status, "refunded")

    def test_request_whose_link_is_over(self):
        request = self._request(expires_at="2026-03-02 08:00:00")
        self.assertEqual(self._rows().request_id, request)
        with freeze_time("2026-03-02 09:00:00"):
            self.assertFalse(self._rows())

    def test_open_amount_is_shown_and_not_owed(self):
        self._request(amount=0.0)
        row = self._rows()
        self.assertEqual((row.status, row.is_owed), ("open", False))
        self.assertTrue(row.is_payable)

    def test_draft_request_is_not_here(self):
        self.env["payment.request"].create(
            {"partner_id": self.partner.id, "amount": 5.0, "reason": "Draft"}
        )
        self.assertFalse(self._rows())

    # === AGES, COMPANIES, RIGHTS === #

    def test_ages(self):
        for day in (
            "2026-03-02",
            "2026-03-01",
            "2026-02-20",
            "2026-01-01",
            "2025-01-01",
        ):
            self._invoice([1.0], invoice_date_due=day)
        rows = self._rows(order="due_day desc")
        self.assertEqual(
            rows.mapped("age"), ["pending", "week", "month", "quarter", "older"]
        )
        self.assertEqual(rows[:3].mapped("days_late"), [0, 1, 10])

    def test_edges_of_the_ages(self):
        for day, age in (
            ("2026-02-23", "week"),  # 7 days
            ("2026-02-22", "month"),
            ("2026-01-31", "month"),  # 30
            ("2026-01-30", "quarter"),
            ("2025-12-02", "quarter"),  # 90
            ("2025-12-01", "older"),
        ):
            invoice = self._invoice([1.0], invoice_date_due=day)
            with self.subTest(day):
                self.env.flush_all()
                self.assertEqual(self.Due._get_rows_of(invoice).age, age)

    def test_paid_at_the_desk_is_not_online(self):
        method = self.env["payment.provider"]._get_venue_methods()[0]
        invoice, request = self._invoice([120.0]), self._request()
        for document in (invoice, request):
            document._record_payment(30.0, method)
        self.env.flush_all()
        for document in (invoice, request):
            with self.subTest(document=document):
                row = self.Due._get_rows_of(document)
                self.assertTrue(row.amount_due)
                self.assertFalse(row.is_online)
                self._pay(document)
                self.env.flush_all()
                self.env.invalidate_all()
                self.assertTrue(self.Due._get_rows_of(document).is_online)

    def test_test_money_is_not_on_its_way(self):
        documents = [self._invoice([100.0]), self._booking(), self._request()]
        for document in documents:
            tx = self._start_payment(document)
            tx.is_live = False
            tx._set_pending()
        for row in self._rows():
            with self.subTest(row.source):
                self.assertEqual((row.status, row.amount_processing), ("open", 0.0))
                self.assertEqual(row.amount_due, row.amount_total)
                self.assertTrue(row.is_test)
                self._assert_agrees(row)
        self.assertEqual(len(self._rows()), 3)

    def test_blocked_in_odoo(self):
        invoice = self._invoice([100.0])
        invoice.action_toggle_block_payment()
        self.assertEqual(invoice.payment_state, "blocked")
        row = self._rows()
        self.assertTrue(row.is_disputed and row.is_owed)
        self.assertFalse(row.is_payable)
        self._assert_agrees(row)

    def test_kept_money_of_another_currency_is_not_taken_as_it_is(self):
        euro = self._enable_currency("EUR")
        euro.rate_ids.unlink()
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        invoice = self._invoice([100.0])
        self._pay_without_entry(invoice, 20.0, euro)
        # The document converts, a list cannot: it does not say that 20 euros are 20.
        self.assertEqual(invoice._get_payable_amount(), 60.0)
        self.assertEqual(self._rows().amount_due, 100.0)

    def test_what_is_owed_to_one_company(self):
        other = self._create_other_company()
        self._invoice([120.0])
        theirs = (
            self.env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.partner.id,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "x", "price_unit": 9.0, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        theirs.action_post()
        self.env.flush_all()
        for companies, amount in (
            (self.company, "$\xa0120.00"), (other, "$\xa09.00"),
            (self.company + other, "$\xa0129.00"),
        ):  # fmt: skip
            self.assertEqual(self.partner._describe_dues(companies), amount)

    def test_what_is_owed_in_words(self):
        self._invoice([120.0])
        self._booking()
        self._request()
        self.assertEqual(self.partner._describe_dues(self.company), "$\xa0260.00")

    def test_other_company_and_other_client(self):
        other = self._create_other_company()
        invoice = self._invoice([120.0])
        foreign = (
            self.env["account.move"]
            .with_company(other)
            .create(
                {
                    "move_type": "out_invoice",
                    "partner_id": self.partner.id,
                    "invoice_line_ids": [
                        Command.create(
                            {"name": "x", "price_unit": 9.0, "tax_ids": False}
                        )
                    ],
                }
            )
        )
        foreign.action_post()
        group = "payment_booking_portal.group_user"
        staff = new_test_user(
            self.env, "staff_due", groups=group, company_id=self.company.id
        )
        rows = self.Due.with_user(staff).search([])
        self.assertIn(invoice, rows.sudo().invoice_id)
        self.assertNotIn(foreign, rows.sudo().invoice_id)
        client = new_test_user(self.env, "client_due", groups="base.group_portal")
        child = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.partner.id}
        )
        stranger = new_test_user(self.env, "stranger_due", groups="base.group_portal")
        self.assertFalse(self.Due.with_user(stranger).search([]))
        client.partner_id.parent_id = self.partner
        self._invoice([7.0], partner_id=child.id)
        mine = self.Due.with_user(client).search([("company_id", "=", self.company.id)])
        self.assertEqual(sorted(mine.mapped("amount_due")), [7.0, 120.0])
        with self.assertRaises(AccessError):
            self.Due.with_user(self.env.ref("base.public_user")).search([])
        with self.assertRaises(AccessError):
            mine[0].with_user(client).action_open()
