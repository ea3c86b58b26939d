"""Several documents in one payment: what it pays, and what becomes of each part."""

from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.exceptions import UserError
from odoo.fields import Command
from odoo.tests import freeze_time, tagged

from .bundle_common import BundleCommon
from .common import NOW
from .test_payable import PayableCommon


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestBundle(BundleCommon, PayableCommon):
    # === MAKING === #

    def test_one_payment_for_all_kinds(self):
        invoice, booking, request = (
            self._invoice([120.0]), self._booking(), self._request(),
        )  # fmt: skip
        bundle = self._bundle(invoice, request, booking)
        self.assertEqual(bundle._get_payable_status(), "payable")
        self.assertEqual(bundle._get_payable_amount(), 260.0)
        tx = self._pay(bundle)
        self.assertEqual(tx.amount, 260.0)
        self.assertEqual(tx.bundle_id, bundle)
        self.assertEqual(
            self._shares(tx), {invoice: 120.0, booking: 60.0, request: 80.0}
        )
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(booking.payment_coverage, "paid")
        self.assertEqual(booking.invoice_id.amount_residual, 0.0)
        self.assertEqual(request.state, "paid")
        self.assertEqual(bundle._get_payable_status(), "paid")
        # The advance is the client's credit, and nothing more is.
        credit = tx.payment_id.move_id.line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        self.assertEqual(credit.amount_residual, -80.0)
        self.assertEqual(len(tx.payment_id), 1)

    def test_grouped_by_what_one_payment_can_settle(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.5})]
        account = self.partner.property_account_receivable_id.copy({"code": "121999"})
        invoice = self._invoice([10.0])
        in_euro = self._invoice([20.0], currency_id=euro.id)
        stranger = self.env["res.partner"].create({"name": "Sister company"})
        foreign = self._invoice([30.0], partner_id=stranger.id)
        elsewhere = self.env["res.partner"].create({"name": "Elsewhere"})
        elsewhere.property_account_receivable_id = account
        apart = self._invoice([40.0], partner_id=elsewhere.id)
        bundles = self._bundle(invoice, in_euro, foreign, apart, count=4)
        self.assertEqual(
            sorted(bundles.mapped(lambda b: b._get_payable_amount())), [10, 20, 30, 40]
        )
        self.assertEqual(bundles.currency_id, invoice.currency_id | euro)
        self.assertEqual(
            bundles[3].account_id, account, "what an invoice stands on, not the default"
        )

    def test_receivable_accounts_of_one_client_are_kept_apart(self):
        first = self._invoice([10.0])
        account = self.partner.property_account_receivable_id.copy({"code": "121998"})
        self.partner.property_account_receivable_id = account
        second = self._invoice([20.0])
        bundles = self._bundle(first, second, count=2)
        for bundle in bundles:
            self._pay(bundle)
        self.assertEqual((first + second).mapped("payment_state"), ["paid", "paid"])

    def test_other_company(self):
        other = self._create_other_company()
        mine = self._invoice([10.0])
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
        bundles = self._bundle(mine, theirs, count=2)
        self.assertEqual(bundles.company_id, self.company | other)

    def test_same_choice_is_the_same_bundle(self):
        one, two, three = (self._invoice([amount]) for amount in (10.0, 20.0, 30.0))
        bundle = self._bundle(one, two)
        self.assertEqual(self._bundle(two, one), bundle)
        self.assertNotEqual(self._bundle(one, two, three), bundle)

    def test_finished_ones_are_not_used_again(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        two.write({"payment_disputed": True, "payment_disputed_reason": "No"})
        bundle = self._bundle(one, two)
        tx = self._start_payment(bundle)
        self.assertEqual(self._bundle(one, two), bundle, "it may still be paid")
        tx._set_done()
        tx._post_process()
        self.assertEqual(self._bundle(one, two), bundle, "its receipt is shown")
        two.payment_disputed = False
        again = self._bundle(one, two)
        self.assertNotEqual(again, bundle)
        self.assertEqual(again._get_payable_amount(), 20.0)
        self.assertEqual(self._bundle(two, one), again)
        self._pay(again)
        self.assertEqual(self._bundle(one, two), again)
        self.assertEqual(self.env["payment.bundle"].search_count([]), 2)

    def test_client_is_locked_and_touched_by_a_choice(self):
        child = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.partner.id}
        )
        one, two = self._invoice([10.0]), self._invoice([20.0], partner_id=child.id)
        self.env.flush_all()
        self.env.cr.execute("UPDATE res_partner SET write_date = '2020-01-01'")
        self.env.invalidate_all()
        self._bundle(one, two, payer=child)
        self.assertNotEqual(self.partner.commercial_partner_id.write_date.year, 2020)

    def test_payer_is_who_is_logged_in(self):
        child = self.env["res.partner"].create(
            {"name": "Colleague", "parent_id": self.partner.id}
        )
        one, two = self._invoice([10.0]), self._invoice([20.0], partner_id=child.id)
        self.assertEqual(self._bundle(one, two).partner_id, self.partner)
        self.assertEqual(self._bundle(one, two, payer=child).partner_id, child)
        stranger = self.env["res.partner"].create({"name": "Stranger"})
        bundle = self._bundle(one, two, payer=stranger)
        self.assertEqual(bundle.partner_id, self.partner)

    def test_unused_ones_are_deleted(self):
        used = self._bundle(self._invoice([10.0]), self._invoice([20.0]))
        self._start_payment(used)
        unused = self._bundle(self._invoice([30.0]), self._invoice([40.0]))
        unused._get_pay_url()
        later = fields.Datetime.now() + timedelta(days=31)
        self.env.flush_all()
        self.env.cr.execute(
            "UPDATE payment_bundle SET create_date = %s", [fields.Datetime.now()]
        )
        self.env.invalidate_all()
        with freeze_time(later):
            self.env["payment.bundle"].sudo()._gc_unused()
        self.assertFalse(unused.exists())
        self.assertTrue(used.exists())
        links = self.env["payment.access.link"].sudo()
        self.assertFalse(
            links.search([("res_model", "=", unused._name), ("res_id", "=", unused.id)])
        )

    # === WHAT IS LEFT OUT === #

    def test_what_cannot_be_paid_is_left_out(self):
        paid, disputed, draft, good = (
            self._invoice([amount]) for amount in (10.0, 20.0, 30.0, 40.0)
        )
        bundle = self._bundle(paid, disputed, draft, good)
        self.assertFalse(bundle._get_payable_notice())
        self._pay(paid)
        disputed.write({"payment_disputed": True, "payment_disputed_reason": "No"})
        draft.button_draft()
        self.assertEqual(bundle._get_payable_amount(), 40.0)
        self.assertTrue(bundle._get_payable_notice())
        values = [line["note"] for line in bundle._get_payable_lines()]
        self.assertEqual(values[0], "This is already paid.")
        self.assertIn("being checked", values[1])
        self.assertIn("not issued", values[2])
        tx = self._start_payment(bundle)
        self.assertEqual(self._shares(tx), {good: 40.0})
        self.assertEqual(tx.invoice_ids, good)

    def test_nothing_left(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        bundle = self._bundle(one, two)
        two.write({"payment_disputed": True, "payment_disputed_reason": "No"})
        self._pay(one)
        self.assertEqual(bundle._get_payable_status(), "none_left")
        self.assertIn("being checked", bundle._get_payable_error())
        two.payment_disputed = False
        self._pay(two)
        self.assertEqual(bundle._get_payable_status(), "paid")

    def test_form_first(self):
        form = self.env["payment.form"].create(
            {
                "name": "Why",
                "company_id": self.company.id,
                "field_ids": [Command.create({"label": "Why?", "required": True})],
            }
        )
        booking, invoice = self._booking(), self._invoice([10.0])
        booking.service_id.form_id = form
        bundle = self._bundle(booking, invoice)
        booking._get_pay_url()
        self.assertEqual(bundle._get_payable_amount(), 10.0)
        [asked, _rest] = bundle._get_payable_lines()
        self.assertEqual(asked["note"], "Please fill in the form first.")
        self.assertEqual(asked["url"], booking._get_pay_url())
        question = form.field_ids._get_key()
        booking._take_payable_details({question: "So"}, "192.0.2.1")
        self.assertEqual(bundle._get_payable_amount(), 70.0)

    def test_currency_changed_meanwhile(self):
        self._enable_currency("EUR")
        one, two = self._invoice([10.0]), self._invoice([20.0])
        bundle = self._bundle(one, two)
        one.button_draft()
        one.currency_id = self.env.ref("base.EUR")
        one.action_post()
        self.assertEqual(bundle._get_payable_amount(), 20.0)
        self.assertIn("changed", bundle._get_payable_lines()[0]["note"])

    def test_due_has_changed(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        bundle = self._bundle(one, two)
        self.assertEqual(bundle._get_amount_to_pay(30.0), 30.0)
        self._pay(one)
        with self.assertRaisesRegex(UserError, "has changed"):
            bundle._get_amount_to_pay(30.0)
        self.assertEqual(bundle._get_amount_to_pay(), 20.0)

    def test_slow_method_is_not_offered_for_a_near_booking(self):
        near = self._booking("2026-03-03 09:00")
        bundle = self._bundle(near, self._invoice([10.0]))
        self.assertEqual(bundle._get_payable_start(), near.start)
        providers = bundle._get_payment_options().providers
        self.assertNotIn(self.transfer, providers)
        self.assertIn(self.provider, providers)
        far = self._bundle(self._booking(), self._invoice([10.0]))
        self.assertIn(self.transfer, far._get_payment_options().providers)

    def test_first_of_several_bookings_counts(self):
        far, near = self._booking(), self._booking("2026-03-03 09:00")
        for bundle in (self._bundle(far, near), self._bundle(near, far)):
            self.assertEqual(bundle._get_payable_start(), near.start)
            self.assertNotIn(self.transfer, bundle._get_payment_options().providers)

    def test_card_that_is_pending_is_not_explained_as_a_transfer(self):
        self.partner.email = "client@example.com"
        bundle = self._bundle(self._booking(), self._request())
        tx = self._start_payment(bundle)
        before = self.env["mail.mail"].search([])
        tx._set_pending()
        self.assertFalse(self.env["mail.mail"].search([]) - before)

    def test_too_many_choices_of_one_company(self):
        """Colleagues choose from one list: they share the limit."""
        colleague, stranger = self.env["res.partner"].create(
            [
                {"name": "Colleague", "parent_id": self.partner.id},
                {"name": "Stranger"},
            ]
        )
        self._bundle(self._invoice([10.0]), self._invoice([20.0]))
        path = "odoo.addons.payment_booking_portal.const.RATE_BUNDLE"
        with patch(path, (1, 60)):
            Bundle = self.env["payment.bundle"]
            self.assertTrue(Bundle._is_limited(self.partner))
            self.assertTrue(Bundle._is_limited(colleague))
            self.assertFalse(Bundle._is_limited(stranger))

    def test_held_time_needs_money_that_counts(self):
        held = self.env["payment.booking"].create(
            {
                "service_id": self.service.id,
                "partner_id": self.partner.id,
                "start": self._utc("2026-03-20 09:00"),
            }
        )
        held._ask_for_payment(self._utc("2026-03-10 09:00"))
        bundle = self._bundle(held, self._invoice([10.0]))
        self.assertTrue(bundle._is_payment_required())
        self.provider.capture_manually = True
        self.assertNotIn(self.provider, bundle._get_payment_options().providers)
        self.provider.capture_manually = False
        self._pay(bundle)
        self.assertEqual(held.state, "confirmed")

    # === NOT TWICE === #

    def test_same_offer_is_used_again(self):
        one, two, three = (self._invoice([amount]) for amount in (10.0, 20.0, 10.0))
        bundle = self._bundle(one, two)
        self.assertFalse(self._prepare(bundle))
        tx = self._start_payment(bundle)
        self.assertEqual(self._prepare(bundle), tx)
        # As much, for something else: the first may still bring money.
        other = self._bundle(two, three)
        with self.assertRaisesRegex(UserError, "started a payment"):
            self._prepare(other)
        with self.assertRaisesRegex(UserError, "started a payment"):
            self._prepare(one)

    def test_single_payment_stands_in_the_way(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        self._start_payment(one)
        with self.assertRaisesRegex(UserError, "started a payment"):
            self._prepare(self._bundle(one, two))

    def test_payment_that_can_be_cancelled_is_replaced(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        first = self._start_payment(
            self._bundle(one, two),
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        self.assertFalse(self._prepare(one))
        self.assertEqual(first.state, "cancel")

    def test_documents_of_a_pending_payment_are_being_paid(self):
        one, booking = self._invoice([10.0]), self._booking()
        bundle = self._bundle(one, booking)
        tx = self._start_payment(bundle)
        tx._set_pending()
        self.assertEqual(one._get_payable_status(), "processing")
        self.assertEqual(booking._get_payable_status(), "processing")
        self.assertEqual(bundle._get_payable_status(), "processing")
        self.env.flush_all()
        rows = self.env["payment.due"]._get_rows_of(one)
        self.assertEqual((rows.status, rows.amount_processing), ("processing", 10.0))
        tx._set_canceled()
        self.assertEqual(bundle._get_payable_status(), "payable")

    def test_all_documents_are_locked_in_one_order(self):
        invoices = self._invoice([10.0]) + self._invoice([20.0])
        booking, request = self._booking(), self._request()
        bundle = self._bundle(invoices[1], request, invoices[0], booking)
        locked = []
        path = "odoo.addons.payment_booking_portal.tools.locking.lock_and_touch"
        with patch(path, side_effect=lambda records: locked.append(records)):
            bundle._lock_and_touch()
        self.assertEqual(locked[-3:], [booking, request, invoices])
        self.env.cr.execute("UPDATE account_move SET write_date = '2020-01-01'")
        self.env.invalidate_all()
        bundle._lock_and_touch()
        for invoice in invoices:
            self.assertNotEqual(invoice.write_date.year, 2020, "touched too")

    # === THE MONEY === #

    def test_early_payment_discounts(self):
        for computation in ("included", "mixed"):
            with self.subTest(computation):
                term = self._discount_term(computation)
                early = self._invoice([200.0], invoice_payment_term_id=term.id)
                second = self._invoice([50.0], invoice_payment_term_id=term.id)
                plain = self._invoice([60.0])
                bundle = self._bundle(early, second, plain)
                self.assertEqual(bundle._get_payable_amount(), 196.0 + 49.0 + 60.0)
                tx = self._pay(bundle)
                self.assertEqual(tx.payment_id.amount, 305.0)
                for invoice in (early, second, plain):
                    self.assertEqual(invoice.amount_residual, 0.0)
                    self.assertEqual(invoice.payment_state, "paid")
                    self.assertFalse(invoice.activity_ids)
                self.assertFalse(any(line._get_surplus() for line in tx.allocation_ids))

    def test_discount_in_another_currency(self):
        self._enable_currency("EUR")
        euro = self.env.ref("base.EUR")
        euro.rate_ids = [Command.create({"name": "2026-01-01", "rate": 0.4})]
        term = self._discount_term()
        early = self._invoice(
            [200.0], invoice_payment_term_id=term.id, currency_id=euro.id
        )
        plain = self._invoice([60.0], currency_id=euro.id)
        tx = self._pay(self._bundle(early, plain))
        self.assertEqual(tx.amount, 256.0)
        self.assertEqual((early + plain).mapped("amount_residual"), [0.0, 0.0])

    def test_currencies_without_and_with_three_decimals(self):
        for code, amounts, total in (
            ("JPY", (1000.0, 333.0), 1333.0),
            ("KWD", (10.125, 0.005), 10.13),
        ):
            with self.subTest(code):
                currency = self._enable_currency(code)
                currency.rate_ids.unlink()
                currency.rate_ids = [Command.create({"name": "2026-01-01", "rate": 2})]
                invoices = [
                    self._invoice([amount], currency_id=currency.id)
                    for amount in amounts
                ]
                bundle = self._bundle(*invoices)
                amount = bundle._get_payable_amount()
                self.assertFalse(currency.compare_amounts(amount, total))
                self.assertEqual(amount, currency.round(amount))
                tx = self._pay(bundle)
                self.assertEqual(tx.amount, amount)
                for invoice in invoices:
                    self.assertEqual(invoice.payment_state, "paid")

    def test_invoice_with_a_part_on_its_way_is_paid_on_its_own(self):
        """Odoo would take for it what the client pays for the others."""
        first = self._invoice([100.0], invoice_date_due="2026-02-20")
        second = self._invoice([50.0], invoice_date_due="2026-03-20")
        waited = self._start_payment(first, amount=40.0)
        waited.allocation_ids.amount = 40.0
        waited._set_pending()
        bundle = self._bundle(first, second, self._booking())
        self.assertEqual(bundle._get_payable_amount(), 110.0)
        note = bundle._get_payable_lines()[1]["note"]
        self.assertIn("the rest of it on its own", note)
        self._pay(bundle)
        self.assertEqual((first + second).mapped("amount_residual"), [100.0, 0.0])
        self._pay(first)
        waited._set_done()
        waited._post_process()
        self.assertEqual((first + second).mapped("amount_residual"), [0.0, 0.0])

    def test_one_part_fails(self):
        invoice, booking = self._invoice([100.0]), self._booking()
        bundle = self._bundle(invoice, booking)
        tx = self._start_payment(bundle)
        booking._cancel()
        tx._set_done()
        tx._post_process()
        self.assertEqual(invoice.payment_state, "paid")
        self.assertEqual(booking.attention_reason, "paid_cancelled")
        self.assertFalse(booking.invoice_id)
        self.assertEqual(tx.payment_id.amount, 160.0)
        notes = {
            line["label"].split(" ")[0]: line["note"]
            for line in bundle._get_payable_lines()
        }
        self.assertEqual(notes["Invoice"], "Paid")
        self.assertIn("will write to you", notes["Talk"])
        self.assertEqual(bundle._get_payable_status(), "paid", "its receipt is shown")

    def test_surplus_of_one_part(self):
        one, two = self._invoice([100.0]), self._invoice([50.0])
        bundle = self._bundle(one, two)
        tx = self._start_payment(bundle)
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=one.ids
        )
        wizard.create({"amount": 100.0})._create_payments()
        tx._set_done()
        tx._post_process()
        self.assertEqual((one + two).mapped("amount_residual"), [0.0, 0.0])
        self.assertEqual(
            [line._get_surplus() for line in tx.allocation_ids], [100.0, 0.0]
        )
        [first, second] = bundle._get_payable_lines()
        self.assertIn("100.00 more than was due", first["note"])
        self.assertEqual(second["note"], "Paid")
        self.assertTrue(one.activity_ids, "staff is told")

    def test_rest_can_be_paid_later(self):
        one, two = self._invoice([100.0]), self._invoice([50.0])
        two.write({"payment_disputed": True, "payment_disputed_reason": "No"})
        bundle = self._bundle(one, two)
        self._pay(bundle)
        self.assertEqual(bundle._get_payable_status(), "paid")
        two.payment_disputed = False
        self.assertEqual(bundle._get_payable_status(), "payable")
        self.assertEqual(bundle._get_payable_amount(), 50.0)
        self._pay(bundle)
        self.assertEqual(len(bundle._get_receipt_lines()), 2)
        self.assertEqual(two.payment_state, "paid")

    def test_receipt_has_one_line_for_the_payment(self):
        bundle = self._bundle(self._invoice([100.0]), self._booking())
        tx = self._pay(bundle)
        [line] = bundle._get_receipt_lines()
        self.assertIn("160.00", line)
        self.assertIn(tx.reference, line)
        self.assertEqual(bundle._get_payable_paid(), 160.0)

    def test_refund_counts_for_each(self):
        invoice, request = self._invoice([120.0]), self._request()
        bundle = self._bundle(invoice, request)
        tx = self._pay(bundle)
        tx._refund(amount_to_refund=100.0)
        tx.child_transaction_ids._set_done()
        self.assertEqual(request.payment_coverage, "partly_refunded")
        self.assertEqual(request._get_refunded(), 40.0)
        self.assertEqual(bundle._get_payable_paid(), 100.0)

    def test_one_transfer_is_explained_once(self):
        booking, request = self._booking(), self._request()
        self.partner.email = "client@example.com"
        bundle = self._bundle(booking, request)
        tx = self._start_payment(
            bundle,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        before = self.env["mail.mail"].search([])
        tx._set_pending()
        [mail] = self.env["mail.mail"].search([]) - before
        self.assertIn("140.00", mail.subject)
        self.assertIn(tx.reference, mail.body_html)
        self.assertIn("BE00 0000", mail.body_html)
        self.assertIn("80.00", mail.body_html)
        self.assertIn("/statement/", mail.body_html)

    def test_rate_limit_is_that_of_the_documents(self):
        one, two = self._invoice([10.0]), self._invoice([20.0])
        bundle = self._bundle(one, two)
        Transaction = self.env["payment.transaction"]
        for _number in range(5):
            tx = self._start_payment(
                one, provider_id=self.transfer.id,
                payment_method_id=self.transfer_method.id,
                reference=f"try {_number}",
            )  # fmt: skip
            tx._set_canceled()
        self.assertTrue(Transaction._is_rate_limited("test", bundle))
        other = self._bundle(two, self._invoice([30.0]))
        self.assertFalse(Transaction._is_rate_limited("test", other))
