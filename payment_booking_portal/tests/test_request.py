"""Requests: money asked from one client, and what becomes of it."""

from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from odoo import api, fields
from odoo.exceptions import AccessError, UserError, ValidationError
from odoo.fields import Command
from odoo.tests import freeze_time, new_test_user, tagged

from .. import const
from .common import NOW
from .test_payable import PayableCommon


class RequestCommon(PayableCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.client_partner = cls.env["res.partner"].create(
            {"name": "Camille Martin", "email": "camille@example.com"}
        )
        cls.cash = cls.env.ref("payment_booking_portal.payment_method_cash")

    def _make(self, **values):
        return self.env["payment.request"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.client_partner.id,
                "amount": 120,
                "reason": "Workshop",
                **values,
            }
        )

    def _make_sent(self, **values):
        request = self._make(**values)
        request.action_make_link()
        return request

    def _make_with_lines(self, *lines, **values):
        """Return a request of products: (price, quantity, taxes) each."""
        return self._make(
            amount=0,
            line_ids=[
                Command.create(
                    {
                        "product_id": self.service.product_id.id,
                        "price_unit": price,
                        "quantity": quantity,
                        "tax_ids": [Command.set(taxes.ids)],
                    }
                )
                for price, quantity, taxes in lines
            ],
            **values,
        )

    def _create_tax(self, amount, included=False):
        return self.env["account.tax"].create(
            {
                "name": f"Tax {amount} {included}",
                "amount": amount,
                "company_id": self.company.id,
                "price_include_override": "tax_included"
                if included
                else "tax_excluded",
            }
        )

    def _mails(self):
        """Return the mails to the client: those to staff have other recipients."""
        domain = [("model", "=", "payment.request"), ("email_to", "!=", False)]
        return self.env["mail.mail"].search(domain)


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestRequest(RequestCommon):
    # === STATES === #

    def test_draft_has_a_dead_link(self):
        request = self._make()
        self.assertEqual(request.state, "draft")
        self.assertEqual(request._get_payable_status(), "dead")
        with self.assertRaises(UserError):
            self._prepare(request)

    def test_sent_can_be_paid(self):
        request = self._make_sent()
        self.assertEqual(request.state, "sent")
        self.assertEqual(request.sent_at, fields.Datetime.now())
        self.assertEqual(request._get_payable_status(), "payable")
        self.assertEqual(request._get_payable_amount(), 120)

    def test_paid_bare_amount_is_an_advance(self):
        request = self._make_sent()
        tx = self._pay(request)
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.started_at, fields.Datetime.now())
        self.assertFalse(request.invoice_id)
        self.assertFalse(tx.invoice_ids)
        lines = tx.payment_id.move_id.line_ids
        credit = lines.filtered(lambda line: line.account_type == "asset_receivable")
        self.assertEqual(credit.amount_residual, -120)
        self.assertFalse(credit.reconciled)

    def test_first_start_of_a_payment_is_kept(self):
        request = self._make_sent()
        self._start_payment(request)
        with freeze_time("2026-03-02 09:00:00"):
            self._start_payment(request)
        self.assertEqual(str(request.started_at), NOW)

    def test_part_then_the_rest(self):
        request = self._make_sent(expires_at=fields.Datetime.now() + timedelta(hours=1))
        request._record_payment(20, self.cash)
        self.assertEqual(request.state, "part")
        self.assertEqual(request._get_payable_amount(), 100)
        with freeze_time("2026-04-02 07:00:00"):
            # After the first money a person decides: it does not run out.
            request._expire()
            self.assertEqual(request.state, "part")
            self.assertFalse(request.is_expired)
            self.assertEqual(request._get_payable_status(), "payable")
            with self.assertRaises(UserError):
                request._record_payment(100.01, self.cash)
            request._record_payment(100, self.cash)
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.amount_due, 0)

    def test_link_runs_out_at_read_time_then_by_cron(self):
        request = self._make_sent(expires_at=fields.Datetime.now() + timedelta(hours=1))
        other = self._make_sent(expires_at=fields.Datetime.now() + timedelta(days=9))
        with freeze_time("2026-03-02 08:00:01"):
            self.assertEqual(request._get_payable_status(), "dead")
            self.assertEqual(request.state, "sent", "the cron tidies up later")
            with self.assertRaises(UserError):
                self._prepare(request)
            self._run_cron()
            request.invalidate_recordset()
            self.assertEqual(request.state, "expired")
            self.assertEqual(other.state, "sent")
            request.action_extend()
            self.assertEqual(request.state, "sent")
            self.assertEqual(
                request.expires_at,
                fields.Datetime.now() + timedelta(days=const.REQUEST_DAYS),
            )
            self.assertEqual(request._get_payable_status(), "payable")

    def _run_cron(self):
        """Run the cron as the server does, in a cursor that it may commit."""
        self.env.flush_all()
        with self.enter_registry_test_mode(), self.registry.cursor() as cr:
            env = api.Environment(cr, self.env.ref("base.user_root").id, {})
            env["payment.request"]._cron_expire()

    def test_money_under_way_keeps_it_alive(self):
        request = self._make_sent(expires_at=fields.Datetime.now() + timedelta(hours=1))
        tx = self._start_payment(request)
        tx._set_pending()
        with freeze_time("2026-03-02 09:00:00"):
            self._run_cron()
            request.invalidate_recordset()
            self.assertEqual(request.state, "sent")
            self.assertFalse(request._is_over())
            tx._set_done()
            tx._post_process()
        self.assertEqual(request.state, "paid")

    def test_money_on_its_way_is_never_given_up(self):
        request = self._make_sent()
        request.expires_at = fields.Datetime.now()
        tx = self._start_payment(request)
        tx._set_pending()
        self._age(tx, 60 * (self.company.booking_late_hours + 1))
        request._expire()
        self.assertEqual(request.state, "sent")

    def test_one_bad_request_does_not_stop_the_others(self):
        bad, good = (
            self._make_sent(expires_at=fields.Datetime.now() + timedelta(hours=hours))
            for hours in (1, 2)
        )
        expire = type(bad)._expire

        def fail(requests):
            if bad.id in requests.ids:
                raise ValueError("broken on purpose")
            return expire(requests)

        self.patch(type(bad), "_expire", fail)
        with freeze_time("2026-03-02 10:00:00"):
            self._run_cron()
        self.env.invalidate_all()
        self.assertEqual((bad.state, good.state), ("sent", "expired"))
        self.assertEqual(bad.attention_reason, "late_kept", "a person hears of it")

    def test_late_money_of_an_expired_request_counts(self):
        request = self._make_sent(expires_at=fields.Datetime.now() + timedelta(hours=1))
        tx = self._start_payment(request)
        request._editing().is_expired = True
        tx._set_done()
        tx._post_process()
        self.assertEqual(request.state, "paid")
        self.assertTrue(tx.payment_id)

    def test_cancelled_request_keeps_late_money_as_credit(self):
        product = self._make_with_lines((60, 2, self.env["account.tax"]))
        product.action_make_link()
        tx = self._start_payment(product)
        product.action_cancel()
        self.assertEqual(product.state, "cancelled")
        self.assertEqual(product._get_payable_status(), "dead")
        tx._set_done()
        tx._post_process()
        self.assertEqual(product.attention_reason, "paid_cancelled")
        self.assertFalse(product.invoice_id)
        self.assertEqual(tx.payment_id.amount, 120)

    def test_cancelled_request_stops_what_was_started(self):
        request = self._make_sent()
        tx = self._start_payment(
            request,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        request.action_cancel()
        self.assertEqual(tx.state, "cancel")

    def test_cancel_after_part_asks_what_is_given_back(self):
        request = self._make_sent()
        request._record_payment(20, self.cash)
        request.action_cancel()
        self.assertEqual(request.state, "cancelled")
        self.assertEqual(request.attention_reason, "paid_cancelled")
        self.assertTrue(request.activity_ids)

    def test_paid_is_not_cancelled_nor_asked_again(self):
        request = self._make_sent()
        self._pay(request)
        request.action_cancel()
        self.assertEqual(request.state, "paid")
        with self.assertRaises(UserError):
            request.action_send()
        with self.assertRaises(UserError):
            self._prepare(request)

    def test_what_was_given_back_is_not_due_again(self):
        request = self._make_sent()
        tx = self._pay(request)
        refund = tx._create_child_transaction(-tx.amount)
        refund.operation = "refund"
        refund.amount = -tx.amount
        refund._set_done()
        request.invalidate_recordset()
        self.assertEqual(request.payment_coverage, "refunded")
        self.assertEqual(request.state, "paid")
        self.assertNotEqual(request._get_payable_status(), "payable")

    def test_second_money_is_flagged(self):
        request = self._make_sent()
        first, second = self._start_payment(request), self._start_payment(request)
        for tx in (first, second):
            tx._set_done()
            tx._post_process()
        self.assertEqual(request.attention_reason, "second_payment")
        self.assertEqual((first + second).payment_id.mapped("amount"), [120, 120])

    # === WHAT IS SENT STAYS === #

    def test_what_was_sent_is_fixed(self):
        request = self._make_with_lines((60, 1, self.env["account.tax"]))
        request.action_make_link()
        line = request.line_ids
        draft = self._make_with_lines((60, 1, self.env["account.tax"]))
        other = self._create_company(name="Elsewhere")
        changes = (
            lambda: request.write({"currency_id": self.env.ref("base.EUR").id}),
            lambda: request.write({"company_id": other.id}),
            lambda: request.write({"partner_id": self.partner.id}),
            lambda: request.write({"amount": 1}),
            lambda: request.write({"amount_min": 1}),
            lambda: request.write({"amount_max": 1}),
            lambda: request.write({"reason": "Something else"}),
            lambda: draft.line_ids.write({"request_id": request.id}),
            lambda: line.write({"price_unit": 1}),
            lambda: line.write({"quantity": 1.5}),
            lambda: line.unlink(),
            lambda: line.copy({"request_id": request.id}),
            lambda: self._make_with_lines().line_ids.create(
                {
                    "request_id": request.id,
                    "product_id": self.service.product_id.id,
                    "price_unit": -10,
                }
            ),
        )
        for number, change in enumerate(changes):
            with self.subTest(number), self.assertRaises(UserError):
                with self.env.cr.savepoint():
                    change()
        self.assertEqual(request.amount_total, 60)

    def test_facts_are_set_by_nobody(self):
        user = new_test_user(
            self.env, "desk", groups="payment_booking_portal.group_user"
        )
        Request = self.env["payment.request"].with_user(user)
        request = self._make().with_user(user)
        values = {
            "state": "paid",
            "sent_at": NOW,
            "opened_at": NOW,
            "started_at": NOW,
            "cancelled_at": NOW,
            "is_expired": True,
            "amount_typed": 5,
            "reason_typed": "Something else",
            "allocation_ids": [Command.create({"amount": 1})],
            "invoice_id": 1,
            "name": "R1",
        }
        for name, value in values.items():
            with self.subTest(name):
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    request.write({name: value})
                with self.assertRaises(UserError), self.env.cr.savepoint():
                    Request.create({"partner_id": self.partner.id, name: value})
                if name in ("state", "sent_at", "is_expired", "amount_typed"):
                    made = Request.with_context(
                        **{f"default_{name}": value, "booking_edit": True}
                    ).create({"partner_id": self.client_partner.id, "amount": 1})
                    self.assertEqual(made.state, "draft")
                    self.assertFalse(made.sent_at)
                    self.assertFalse(made.amount_typed)

    def test_what_tells_clients_apart_is_set_by_nobody(self):
        """Whoever reads it, administrators for one, does not write it either."""
        request = self._make()
        values = dict.fromkeys(("visitor_key", "request_key", "client_key"), "x")
        for name in ("form_answer_ids", "form_submission_ids"):
            values[name] = [Command.clear()]
        for name, value in values.items():
            with self.subTest(name), self.assertRaisesRegex(UserError, "buttons"):
                request.write({name: value})
            with self.subTest(name), self.assertRaisesRegex(UserError, "buttons"):
                request.create({"partner_id": self.partner.id, name: value})

    def test_computed_facts_are_computed(self):
        user = new_test_user(
            self.env, "desk2", groups="payment_booking_portal.group_user"
        )
        records = (
            self._make(),
            self.env["payment.booking"].create(
                {"service_id": self.service.id, "start": "2026-03-09 09:00:00"}
            ),
        )
        names = {"payment_coverage", "amount_paid", "amount_due"}
        for record in records:
            computed = record._get_computed_fields()
            self.assertLess(names, computed)
            for name in computed:
                kind = record._fields[name].type
                value = {"selection": "paid", "char": "x", "datetime": NOW}.get(kind, 7)
                with self.subTest(name):
                    with self.assertRaises(UserError), self.env.cr.savepoint():
                        record.with_user(user).write({name: value})
                    with self.assertRaises(UserError), self.env.cr.savepoint():
                        record.with_user(user).create({name: value})

    def test_transfer_that_does_not_come(self):
        request = self._make_sent()
        transfer = {
            "provider_id": self.transfer.id,
            "payment_method_id": self.transfer_method.id,
        }
        self._start_payment(request, **transfer)._set_pending()
        self.assertEqual(request._get_payable_status(), "processing")
        request.action_give_up_transfer()
        self.assertFalse(request.awaits_transfer)
        self.assertEqual(request._get_payable_status(), "payable")
        # Money at the desk ends the wait by itself.
        tx = self._start_payment(request, **transfer)
        tx._set_pending()
        request._record_payment(120, self.cash)
        self.assertEqual(tx.state, "cancel")
        self.assertEqual(request.state, "paid")

    def test_payment_that_was_left_keeps_nothing_open_for_ever(self):
        request = self._make_sent()
        request.expires_at = fields.Datetime.now()
        tx = self._start_payment(request)
        request._expire()
        self.assertEqual(request.state, "sent")
        self._age(tx, 60 * (self.company.booking_late_hours + 1))
        request._expire()
        self.assertEqual(request.state, "expired")
        tx._set_done()
        tx._post_process()
        self.assertEqual(request.state, "paid", "late money counts all the same")

    def test_sums_of_other_companies_stay_there(self):
        other = self._create_other_company()
        owed = self._make_sent()
        user = new_test_user(
            self.env,
            "elsewhere",
            groups="payment_booking_portal.group_user",
            company_id=other.id,
            company_ids=[Command.set(other.ids)],
        )
        self.assertTrue(self._make().partner_owes)
        draft = (
            self.env["payment.request"]
            .with_user(user)
            .new({"company_id": self.company.id, "partner_id": owed.partner_id.id})
        )
        self.assertFalse(draft.partner_owes)

    def test_amount_is_shown_as_it_is_typed(self):
        self.env["res.lang"]._activate_lang("de_DE")
        dinar = self._enable_currency("KWD")
        request = self._make(amount=0, currency_id=dinar.id)
        request = request.with_context(lang="de_DE")
        request._take_payable_questions({"amount": "1.234"})
        [question] = request._get_payable_questions()
        self.assertEqual(question["value"], "1,234")
        self.assertFalse(request._check_payable_details({"amount": "1,234"}))

    def test_transfers_of_other_apps_are_not_ours(self):
        tx = self._start_payment(
            self._make_sent(),
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        tx._set_pending()
        tx.allocation_ids.unlink()
        with self.assertRaises(UserError):
            tx.action_confirm_received()

    def test_taken_back_to_change(self):
        request = self._make_sent()
        url = request._get_pay_url()
        request.action_edit()
        self.assertEqual(request.state, "draft")
        self.assertEqual(request._get_payable_status(), "dead")
        request.amount = 80
        request.action_make_link()
        self.assertEqual(request._get_payable_amount(), 80)
        self.assertEqual(request._get_pay_url(), url, "the client's link works again")
        self._start_payment(request)._set_pending()
        with self.assertRaises(UserError):
            request.action_edit()

    def test_taken_back_forgets_what_the_client_typed(self):
        request = self._make_sent(amount=0, reason=False)
        request._take_payable_questions({"amount": "15", "reason": "A gift"})
        self.assertEqual(request.amount_total, 15)
        request.action_edit()
        self.assertFalse(request.amount_typed or request.reason_typed)
        self.assertEqual(request.amount_total, 0)

    def test_deleting(self):
        sent = self._make_sent()
        with self.assertRaises(UserError):
            sent.unlink()
        sent.action_cancel()
        sent.unlink()
        paid = self._make_sent()
        self._pay(paid)
        paid._editing().cancelled_at = NOW
        with self.assertRaises(UserError):
            paid.unlink()
        self._make().unlink()

    def test_copy_is_a_new_draft(self):
        request = self._make_sent(expires_at=fields.Datetime.now() + timedelta(days=1))
        self._pay(request)
        copy = request.copy()
        self.assertEqual(copy.state, "draft")
        self.assertEqual(copy.amount_total, 120)
        self.assertFalse(copy.sent_at or copy.expires_at or copy.started_at)
        self.assertNotEqual(copy.name, request.name)
        self.assertEqual(copy.amount_paid, 0)

    # === WHAT MUST BE THERE === #

    def test_sending_checks_what_is_missing(self):
        now = fields.Datetime.now()
        eur = self.env.ref("base.EUR")
        cases = {
            "no client": {"partner_id": False},
            "no price": {"amount": 0, "line_ids": self._line_command(0)},
            "over": {"expires_at": now - timedelta(hours=1)},
            "currency": {"currency_id": eur.id},
        }
        self.company.booking_currency_ids = False
        for case, values in cases.items():
            request = self._make(**values)
            with self.subTest(case):
                with self.assertRaises(UserError):
                    request.action_make_link()
                with self.assertRaises(UserError):
                    request.action_send()
                self.assertEqual(request.state, "draft")

    def _line_command(self, price):
        return [
            Command.create(
                {"product_id": self.service.product_id.id, "price_unit": price}
            )
        ]

    def test_client_without_address_gets_no_composer(self):
        self.client_partner.email = False
        request = self._make()
        with self.assertRaises(UserError):
            request.action_send()
        request.action_make_link()
        self.assertEqual(request.state, "sent")

    def test_form_warns_when_nobody_can_take_it(self):
        request = self._make()
        self.assertFalse(request.warning)
        (self.provider + self.transfer).write({"state": "disabled"})
        request.invalidate_recordset()
        self.assertIn("No payment provider", request.warning)

    def test_client_of_another_company(self):
        other = self._create_other_company()
        self.client_partner.company_id = other
        with self.assertRaises(ValidationError):
            self._make()

    # === AMOUNTS === #

    def test_products_become_the_invoice(self):
        tax = self._create_tax(21)
        request = self._make_with_lines(
            (33.33, 3, tax), (10, 1, self.env["account.tax"])
        )
        self.assertEqual(request.amount_untaxed, 109.99)
        self.assertEqual(request.amount_tax, 21.0)
        self.assertEqual(request.amount_total, 130.99)
        request.action_make_link()
        tx = self._pay(request)
        invoice = request.invoice_id
        self.assertEqual(invoice.state, "posted")
        self.assertEqual(invoice.amount_total, 130.99)
        self.assertEqual(invoice.amount_residual, 0)
        self.assertEqual(tx.invoice_ids, invoice)
        self.assertEqual(request.state, "paid")
        self.assertFalse(request.needs_attention)

    def test_part_payment_of_products(self):
        request = self._make_with_lines((60, 2, self.env["account.tax"]))
        request.action_make_link()
        request._record_payment(50, self.cash)
        invoice = request.invoice_id
        self.assertEqual(invoice.amount_residual, 70)
        self.assertEqual(request._get_payable_amount(), 70)
        tx = self._pay(request)
        self.assertEqual(tx.amount, 70)
        self.assertEqual(request.invoice_id, invoice, "one invoice")
        self.assertEqual(invoice.amount_residual, 0)

    @settings(
        max_examples=25,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        lines=st.lists(
            st.tuples(
                st.integers(1, 99999),
                st.integers(1, 7),
                st.sampled_from(["none", "excluded", "included"]),
            ),
            min_size=1,
            max_size=4,
        ),
        code=st.sampled_from(["USD", "JPY", "KWD"]),
    )
    def test_invoice_is_what_the_client_saw(self, lines, code):
        currency = self.env.ref(f"base.{code}")
        currency.active = True
        self.company.booking_currency_ids += currency
        taxes = self._taxes()
        unit = 10**-currency.decimal_places
        request = self._make_with_lines(
            *((cents * unit, quantity, taxes[key]) for cents, quantity, key in lines),
            currency_id=currency.id,
        )
        request.action_make_link()
        invoice = request.env["account.move"].create(request._prepare_invoice_values())
        self.assertEqual(
            currency.compare_amounts(invoice.amount_total, request.amount_total), 0
        )
        self.assertEqual(
            currency.compare_amounts(invoice.amount_tax, request.amount_tax), 0
        )

    def _taxes(self):
        if not hasattr(self, "_made_taxes"):
            self._made_taxes = {
                "none": self.env["account.tax"],
                "excluded": self._create_tax(21),
                "included": self._create_tax(6, included=True),
            }
        return self._made_taxes

    def test_currencies_of_no_two_and_three_decimals(self):
        for code, amount in (("JPY", 1234), ("USD", 12.34), ("KWD", 1.234)):
            currency = self.env.ref(f"base.{code}")
            currency.active = True
            self.company.booking_currency_ids += currency
            with self.subTest(code):
                request = self._make_sent(currency_id=currency.id, amount=amount)
                self.assertEqual(request._get_payable_amount(), amount)
                tx = self._pay(request)
                self.assertEqual((tx.amount, tx.currency_id), (amount, currency))
                self.assertEqual(request.state, "paid")
                self.assertEqual(tx.payment_id.currency_id, currency)

    def test_price_of_a_product_in_its_currency(self):
        eur = self.env.ref("base.EUR")
        self.company.booking_currency_ids = eur
        product = self.service.product_id
        self.env["res.currency.rate"].search([("currency_id", "=", eur.id)]).unlink()
        lines = [Command.create({"product_id": product.id})]
        request = self._make(amount=0, currency_id=eur.id, line_ids=lines)
        self.assertEqual(request.amount_total, 0, "no rate: never one to one")
        self.env["res.currency.rate"].create(
            {"currency_id": eur.id, "rate": 0.5, "name": "2026-01-01"}
        )
        request = self._make(amount=0, currency_id=eur.id, line_ids=lines)
        self.assertEqual(request.amount_total, 30)
        request = self._make(amount=0, line_ids=lines)
        self.assertEqual(request.amount_total, 60)

    # === AN AMOUNT OF THE CLIENT === #

    def test_open_amount_waits_for_the_client(self):
        request = self._make_sent(amount=0, amount_min=10, amount_max=50)
        self.assertEqual(request._get_payable_status(), "details")
        with self.assertRaises(UserError):
            self._prepare(request)

    @settings(
        max_examples=60,
        deadline=None,
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        low=st.integers(0, 10**7),
        high=st.integers(0, 10**7),
        amount=st.integers(-(10**7), 10**7),
        code=st.sampled_from(["USD", "JPY", "KWD"]),
    )
    def test_amounts_stay_between_their_limits(self, low, high, amount, code):
        currency = self.env.ref(f"base.{code}")
        unit = 10**-currency.decimal_places
        if high and high < low:
            low, high = high, low
        request = self.env["payment.request"].new(
            {
                "company_id": self.company.id,
                "currency_id": currency.id,
                "amount_min": low * unit,
                "amount_max": high * unit,
            }
        )
        fine = amount > 0 and amount >= low and (not high or amount <= high)
        refused = request._check_amount(amount * unit)
        self.assertEqual(not refused, fine, (low, high, amount, refused))
        # No fraction of the smallest coin.
        self.assertTrue(request._check_amount(amount * unit + unit / 2))

    def test_amount_without_limits_has_one(self):
        request = self._make(amount=0)
        self.assertFalse(request._check_amount(const.MAX_AMOUNT))
        self.assertIn("too high", request._check_amount(const.MAX_AMOUNT + 1))

    def test_limits_the_wrong_way_round(self):
        with self.assertRaises(ValidationError):
            self._make(amount=0, amount_min=50, amount_max=10)

    def test_recorded_money_is_the_amount_of_an_open_request(self):
        request = self._make_sent(amount=0)
        request._record_payment(35, self.cash)
        self.assertEqual(request.state, "paid")
        self.assertEqual(request.amount_total, 35)

    # === WHO OWES === #

    def test_dues_are_counted_once(self):
        draft = self._make()
        self.assertFalse(draft.partner_owes)
        self._make_sent()
        products = self._make_with_lines((60, 1, self.env["account.tax"]))
        products.action_make_link()
        draft.invalidate_recordset()
        self.assertIn("180", draft.partner_owes)
        products._record_payment(10, self.cash)  # now an invoice, with 50 left
        self.assertEqual(products.invoice_id.amount_residual, 50)
        draft.invalidate_recordset()
        self.assertIn("170", draft.partner_owes)
        bare = self._make_sent(amount=100)
        bare._record_payment(40, self.cash)
        draft.invalidate_recordset()
        self.assertIn("230", draft.partner_owes, "the rest of what has no invoice")
        other = self._make(partner_id=self.partner.id)
        self.assertFalse(other.partner_owes)

    # === MAIL === #

    def test_receipt_goes_to_the_client(self):
        request = self._make_sent()
        tx = self._pay(request)
        mail = self._mails()
        self.assertEqual(len(mail), 1)
        self.assertIn("camille@example.com", mail.email_to)
        self.assertIn(tx.reference, mail.body_html)
        self.assertIn("/receipt", mail.body_html)

    def test_transfer_gets_its_account_by_mail(self):
        request = self._make_sent()
        tx = self._start_payment(
            request,
            provider_id=self.transfer.id,
            payment_method_id=self.transfer_method.id,
        )
        tx._set_pending()
        mail = self._mails()
        self.assertIn("BE00 0000", mail.body_html)
        self.assertIn(tx._get_communication(), mail.body_html)
        self.assertTrue(request.awaits_transfer)
        request.action_transfer_received()
        self.assertEqual(request.state, "paid")

    # === RIGHTS === #

    def test_rights_of_each_group(self):
        request = self._make_sent()
        other = self._create_other_company()
        foreign = self._make(company_id=other.id, currency_id=other.currency_id.id)
        desk = new_test_user(
            self.env, "desk", groups="payment_booking_portal.group_user"
        )
        self.assertEqual(request.with_user(desk).state, "sent")
        mine = request.with_user(desk).create(
            {"partner_id": self.client_partner.id, "amount": 5}
        )
        mine.action_make_link()
        self.assertFalse(mine.warning)
        self.assertIn("120", mine.partner_owes)
        mine.action_revoke()
        mine.action_extend()
        mine.action_cancel()
        with self.assertRaises(AccessError):
            foreign.with_user(desk).read(["amount"])
        with self.assertRaises(AccessError):
            foreign.with_user(desk).action_cancel()
        billing = new_test_user(
            self.env, "billing", groups="account.group_account_invoice"
        )
        self.assertEqual(request.with_user(billing).amount, 120)
        for action in ("cancel", "revoke", "extend", "edit", "make_link", "send"):
            with self.subTest(action), self.assertRaises(AccessError):
                getattr(request.with_user(billing), f"action_{action}")()
        plain = new_test_user(self.env, "plain", groups="base.group_user")
        with self.assertRaises(AccessError):
            request.with_user(plain).read(["amount"])
