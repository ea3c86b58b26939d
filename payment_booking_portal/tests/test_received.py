"""What came and what was given back: one list, each amount once."""

from odoo.exceptions import AccessError, UserError
from odoo.fields import Command, Domain
from odoo.tests import freeze_time, tagged

from .common import NOW
from .test_invoice_office import InvoiceOfficeCommon
from .test_request_office import CASH


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestReceived(InvoiceOfficeCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.Received = cls.env["payment.received"]
        cls.provider.name = "Dummy cards"

    # === HELPERS === #

    def _rows(self, domain=(), order="id", partner=None):
        self.env.flush_all()
        self.env.invalidate_all()
        mine = Domain("partner_id", "child_of", (partner or self.camille).ids)
        return self.Received.search(mine & Domain(domain), order=order)

    def _pay_with_allocations(self, *parts):
        """Return a done transaction that pays several documents.

        :param parts: pairs of a document and an amount.
        """
        first = parts[0][0].sudo()
        tx = self._start_payment(first, amount=sum(amount for _doc, amount in parts))
        tx.allocation_ids.amount = parts[0][1]
        for document, amount in parts[1:]:
            self.env["payment.transaction.allocation"].sudo().create(
                {
                    "transaction_id": tx.id,
                    document._payable_allocation_field: document.id,
                    "amount": amount,
                }
            )
        tx.invalidate_recordset()
        tx._set_done()
        tx._post_process()
        return tx

    def _refund(self, tx, amount):
        child = tx._refund(amount_to_refund=amount) or tx.child_transaction_ids[-1:]
        child._set_done()
        child._post_process()
        return child

    def _register(self, invoices, **values):
        wizard = self.env["account.payment.register"].with_context(
            active_model="account.move", active_ids=invoices.ids
        )
        return wizard.create(values)._create_payments()

    # === ONLINE AND BY STAFF === #

    def test_paid_online(self):
        tx = self._pay(self.invoice.sudo())
        row = self._rows()
        self.assertEqual(len(row), 1, "the payment in Odoo is the same money")
        self.assertEqual(tx.payment_id.amount, 120.0)
        self.assertEqual((row.amount, row.currency_id), (120.0, tx.currency_id))
        self.assertEqual((row.channel, row.source), ("online", "invoice"))
        self.assertEqual(
            (row.document, row.invoice_id), (self.invoice.name, self.invoice)
        )
        self.assertEqual(row.method, tx.payment_method_id.name)
        self.assertEqual((row.provider, row.reference), ("Dummy cards", tx.reference))
        self.assertEqual((str(row.date), row.is_refund), ("2026-03-02", False))
        self.assertEqual(row.company_id, self.company)

    def test_only_what_is_confirmed(self):
        tx = self._start_payment(self.invoice.sudo())
        self.assertFalse(self._rows())
        tx._set_pending()
        self.assertFalse(self._rows())
        tx._set_done()
        self.assertEqual(self._rows().amount, 120.0, "before it is booked")
        tx._post_process()
        self.assertEqual(self._rows().amount, 120.0)

    def test_several_documents_are_several_rows(self):
        request = self._make_sent(amount=30.0).sudo()
        self._pay_with_allocations((self.invoice, 120.0), (request, 30.0))
        rows = self._rows()
        self.assertEqual(rows.mapped("amount"), [120.0, 30.0])
        self.assertEqual(rows.mapped("source"), ["invoice", "request"])
        self.assertEqual(rows[1].request_id, request)
        self.assertEqual(rows[1].document, request.name)

    def test_booking(self):
        booking = self._place(partner=self.camille)
        self._pay(booking)
        row = self._rows()
        self.assertEqual((row.source, row.booking_id.sudo()), ("booking", booking))
        self.assertEqual(row.amount, 60.0)

    def test_recorded_by_staff(self):
        method = self.env.ref(CASH)
        self.invoice._record_payment(50.0, method, "2026-02-27", "Till 3")
        row = self._rows()
        self.assertEqual((row.channel, row.method), ("staff", method.name))
        self.assertEqual((row.amount, row.reference), (50.0, "Till 3"))
        self.assertEqual(str(row.date), "2026-02-27")

    def test_day_of_the_business(self):
        self.calendar.tz = "Pacific/Auckland"
        with freeze_time("2026-03-02 20:00:00"):
            self._pay(self.invoice.sudo())
        self.assertEqual(str(self._rows().date), "2026-03-03")

    # === TEST MONEY === #

    def test_test_money(self):
        tx = self._start_payment(self.invoice.sudo())
        tx.is_live = False
        tx._set_done()
        self.assertFalse(self._rows(), "it proves nothing")
        self.company.booking_accept_test_payments = True
        row = self._rows()
        self.assertTrue(row.is_test)
        action = self.env.ref("payment_booking_portal.payment_received_action")
        self.assertIn("search_default_real", action.context)
        view = self.env.ref("payment_booking_portal.payment_received_view_search")
        self.assertIn("""name="real" domain="[('is_test', '=', False)]""",
                      " ".join(view.arch.split()))  # fmt: skip
        self.assertFalse(self._rows([("is_test", "=", False)]))

    def test_test_money_on_the_pages_of_odoo(self):
        tx = self._start_payment(self.invoice.sudo())
        tx.write({"is_live": False, "client_key": False})
        tx._set_done()
        self.assertTrue(tx._is_money())
        self.assertTrue(self._rows().is_test)

    # === REFUNDS === #

    def test_refund(self):
        tx = self._pay(self.invoice.sudo())
        child = self._refund(tx, 50.0)
        row = self._rows([("is_refund", "=", True)])
        self.assertEqual((row.amount, row.invoice_id), (-50.0, self.invoice))
        self.assertEqual((row.transaction_id.sudo(), row.channel), (child, "online"))
        self.assertEqual(len(self._rows()), 2)

    def test_refund_has_its_own_day_and_no_receipt(self):
        self.calendar.tz = "Pacific/Auckland"
        tx = self._pay(self.invoice.sudo())
        with freeze_time("2026-03-05 20:00:00"):
            self._refund(tx, 50.0)
        row = self._rows([("is_refund", "=", True)])
        self.assertEqual(str(row.date), "2026-03-06")
        self.assertFalse(row.has_receipt)
        self.assertTrue(self._rows([("is_refund", "=", False)]).has_receipt)

    def test_refund_that_is_not_confirmed(self):
        tx = self._pay(self.invoice.sudo())
        tx._refund(amount_to_refund=50.0)
        self.assertFalse(self._rows([("is_refund", "=", True)]))

    def test_refunds_are_shared_out_to_the_cent(self):
        invoices = [self._issue([amount]) for amount in (10.0, 10.0, 10.0)]
        tx = self._pay_with_allocations(*((invoice, 10.0) for invoice in invoices))
        self._refund(tx, 10.0)
        self._refund(tx, 20.0)
        rows = self._rows([("is_refund", "=", True)])
        self.assertEqual(len(set(rows.ids)), 6)
        by_child = rows.grouped("transaction_id")
        sums = sorted(
            round(sum(mine.mapped("amount")), 2) for mine in by_child.values()
        )
        self.assertEqual(sums, [-20.0, -10.0])
        self.assertEqual(sorted(rows.mapped("amount"))[-1], -3.33)
        self.assertAlmostEqual(sum(self._rows().mapped("amount")), 0.0)

    def test_refund_in_a_currency_without_decimals(self):
        yen = self._enable_currency("JPY")
        invoices = [self._issue([10.0], currency_id=yen.id) for _each in range(3)]
        tx = self._pay_with_allocations(*((invoice, 10.0) for invoice in invoices))
        self._refund(tx, 10.0)
        amounts = self._rows([("is_refund", "=", True)]).mapped("amount")
        self.assertEqual(sorted(amounts), [-4.0, -3.0, -3.0])

    # === PAYMENTS IN ODOO === #

    def test_registered_in_odoo(self):
        payment = self._register(self.invoice, amount=70.0)
        row = self._rows()
        self.assertEqual((row.channel, row.source), ("odoo", "invoice"))
        self.assertEqual((row.amount, row.invoice_id), (70.0, self.invoice))
        self.assertEqual(row.payment_id, payment)
        self.assertEqual(row.provider, payment.journal_id.name)
        self.assertEqual(row.method, payment.payment_method_line_id.name)

    def test_one_payment_of_two_invoices_is_one_row(self):
        other = self._issue([30.0])
        payment = self._register(self.invoice + other, group_payment=True)
        self.assertEqual(len(payment), 1)
        row = self._rows()
        self.assertEqual((row.amount, row.source), (150.0, "invoice"))
        self.assertFalse(row.invoice_id)
        self.assertEqual(row.document, f"{self.invoice.name}, {other.name}")

    def test_matched_by_hand(self):
        payment = self._create_payment()
        row = self._rows()
        self.assertEqual((row.source, row.document), ("none", False))
        lines = (payment.move_id + self.invoice).line_ids.filtered(
            lambda line: line.account_id.account_type == "asset_receivable"
        )
        lines.reconcile()
        row = self._rows()
        self.assertEqual((row.source, row.invoice_id), ("invoice", self.invoice))

    def _create_payment(self, **values):
        payment = self.env["account.payment"].create(
            {
                "payment_type": "inbound",
                "partner_type": "customer",
                "partner_id": self.camille.id,
                "amount": 25.0,
                "journal_id": self.company.bank_journal_ids[:1].id,
                **values,
            }
        )
        payment.action_post()
        return payment

    def test_which_payments(self):
        draft = self._create_payment()
        draft.action_draft()
        self._create_payment(partner_type="supplier")
        self.assertFalse(self._rows())
        self._create_payment(payment_type="outbound", amount=8.0)
        row = self._rows()
        self.assertEqual((row.amount, row.is_refund), (-8.0, True))

    def test_transaction_of_another_app(self):
        tx = self._create_transaction(
            "redirect",
            amount=70.0,
            partner_id=self.camille.id,
            invoice_ids=[Command.set(self.invoice.ids)],
        )
        tx._set_done()
        tx._post_process()
        row = self._rows()
        self.assertEqual((row.channel, row.amount), ("online", 70.0))
        self.assertEqual((row.invoice_id, row.transaction_id), (self.invoice, tx))

    # === SUMS === #

    def test_no_sum_over_currencies(self):
        yen = self._enable_currency("JPY")
        self._pay(self.invoice.sudo())
        self._pay(self._issue([1000.0], currency_id=yen.id).sudo())
        self._pay(self._issue([500.0], currency_id=yen.id).sudo())
        self._rows()
        mine = [("partner_id", "=", self.camille.id)]
        for spec in ("amount:sum", "amount:sum_currency"):
            [(total,)] = self.Received._read_group(mine, [], [spec])
            self.assertFalse(total)
            sums = dict(self.Received._read_group(mine, ["currency_id"], [spec]))
            self.assertEqual(sums, {self.company.currency_id: 120.0, yen: 1500.0})
        for group in ("method", "date:month", "source", "provider"):
            [(_key, count)] = self.Received._read_group(mine, [group], ["__count"])
            self.assertEqual(count, 3, group)

    # === RIGHTS === #

    def test_who_reads_it(self):
        self._pay(self.invoice.sudo())
        self._pay(self._make_sent(amount=30.0).sudo())
        self._rows()
        auditor = self._create_colleague(
            "auditor", "base.group_user,account.group_account_readonly"
        )
        for user in (self.user, self.manager, self.billing, auditor):
            rows = self._as(user, self.Received).search(
                [("partner_id", "=", self.camille.id)], order="id"
            )
            self.assertEqual(rows.mapped("amount"), [120.0, 30.0], user.login)
        self.portal_user.partner_id = self.camille
        intern = self._create_colleague("intern", "base.group_user")
        for user in (self.portal_user, intern, self.public_user):
            with self.assertRaises(AccessError):
                self._as(user, self.Received).search([])
        for values in ({"amount": 1.0}, {"date": "2026-01-01"}):
            with self.assertRaises(AccessError):
                self._as(self.user, rows).write(values)

    def test_plain_user_opens_what_they_may(self):
        self._pay(self.invoice.sudo())
        request = self._make_sent(amount=30.0)
        self._pay(request.sudo())
        self._create_payment()
        rows = self._rows()
        found = {row.source: row for row in rows}
        mine = self._as(self.user, rows)
        for row in mine.web_read(
            {
                "can_open": {},
                "partner_id": {"fields": {"display_name": {}}},
                "invoice_id": {"fields": {"display_name": {}}},
                "payment_id": {"fields": {"display_name": {}}},
                "company_id": {"fields": {"display_name": {}}},
            }
        ):
            self.assertEqual(row["can_open"], row["id"] == found["request"].id)
        for source, row in found.items():
            action = self._as(self.user, row).action_open()
            if source == "request":
                self.assertEqual(action["res_model"], "payment.request")
                self.assertEqual(action["res_id"], request.id)
            else:
                self.assertEqual(action["res_model"], "payment.received")
                self.assertEqual(action["res_id"], row.id)
        models = {
            source: self._as(self.billing, row).action_open()["res_model"]
            for source, row in found.items()
        }
        self.assertEqual(models["invoice"], "account.move")
        self.assertEqual(models["none"], "account.payment")

    def _get_receipts(self, tx):
        return self.env["mail.mail"].search(
            [("model", "=", "payment.transaction"), ("res_id", "=", tx.id)]
        )

    def test_plain_user_sends_the_receipt_again(self):
        first = self._pay(self.invoice.sudo(), amount=50.0)
        last = self._pay(self.invoice.sudo())
        row = self._rows([("transaction_id", "=", last.id)])
        before = len(self._get_receipts(first)), len(self._get_receipts(last))
        action = self._as(self.user, row).action_send_receipt()
        self.assertIn(self.camille.email, action["params"]["message"])
        after = len(self._get_receipts(first)), len(self._get_receipts(last))
        self.assertEqual(after, (before[0], before[1] + 1), "that of the row")
        message = self.invoice.message_ids[0]
        self.assertIn(self.camille.email, message.body)
        self.assertEqual(message.author_id, self.user.partner_id)

    def test_no_receipt_to_send(self):
        tx = self._pay(self.invoice.sudo())
        paid = self._rows()
        auditor = self._create_colleague(
            "auditor", "base.group_user,account.group_account_readonly"
        )
        with self.assertRaises(AccessError):
            self._as(auditor, paid).action_send_receipt()
        self._refund(tx, 50.0)
        refund = self._rows([("is_refund", "=", True)])
        with self.assertRaisesRegex(UserError, "receipt"):
            self._as(self.user, refund).action_send_receipt()
        self.camille.email = tx.partner_email = False
        with self.assertRaisesRegex(UserError, "address"):
            self._as(self.user, paid).action_send_receipt()

    def test_other_company(self):
        company, theirs = self._get_other_company()
        self.env["account.payment.register"].with_company(company).with_context(
            active_model="account.move", active_ids=theirs.ids
        ).create({})._create_payments()
        self._pay(self.invoice.sudo())
        both = self.Received.with_context(
            allowed_company_ids=(self.company + company).ids
        )
        self._rows()
        mine = [("partner_id", "=", self.camille.id)]
        self.assertEqual(both.sudo().search_count(mine), 2)
        rows = self._as(self.user, self.Received).search(mine)
        self.assertEqual(rows.company_id, self.company)
        stranger = self._create_colleague(
            "stranger", "payment_booking_portal.group_user", company
        )
        rows = self._as(stranger, self.Received).search(mine)
        self.assertEqual((rows.amount, rows.document), (90.0, theirs.name))
        with self.assertRaises(AccessError):
            self._as(self.user, rows).action_open()

    # === QUERIES === #

    def test_queries_do_not_grow(self):
        self._pay(self.invoice.sudo())
        domain = [("partner_id", "=", self.camille.id)]
        spec = {
            "amount": {},
            "document": {},
            "can_open": {},
            "partner_id": {"fields": {"display_name": {}}},
        }

        def read():
            self.env.flush_all()
            self.env.invalidate_all()
            before = self.env.cr.sql_log_count
            answer = self._as(self.user, self.Received).web_search_read(domain, spec)
            return self.env.cr.sql_log_count - before, answer["length"]

        self._pay(self._make_sent(amount=30.0).sudo())
        read()
        once, length = read()
        self.assertEqual(length, 2)
        for amount in (1.0, 2.0, 3.0, 4.0):
            self._pay(self._issue([amount]).sudo())
            self._pay(self._make_sent(amount=amount).sudo())
        again, length = read()
        self.assertEqual(length, 10)
        self.assertEqual(again, once)
