"""Two tabs and two sessions on one invoice, on our page and on Odoo's, at once."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race
from .test_race import Client

INVOICES = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    partner = env["res.partner"].create({"name": "Twice", "email": "t@example.com"})
    part = json.loads(sys.argv[2])
    invoices = env["account.move"].create([
        {"move_type": "out_invoice", "partner_id": partner.id,
         "payment_part": "part" if part else "full", "payment_part_percent": part,
         "invoice_line_ids": [(0, 0, {
             "name": "Line", "price_unit": 120, "tax_ids": [(5, 0, 0)],
         })]}
        for number in range(json.loads(sys.argv[1]))
    ])
    invoices.action_post()
    provider = env.ref("payment.payment_provider_demo")
    print(json.dumps({
        "invoices": [
            {"id": invoice.id, "path": invoice._get_pay_url(),
             "token": invoice._portal_ensure_token()}
            for invoice in invoices
        ],
        "choice": {
            "provider_id": provider.id,
            "payment_method_id": provider.payment_method_ids[:1].id,
            "token_id": None,
            "tokenization_requested": False,
        },
    }))
"""


@tagged("post_install", "-at_install")
class TestRaceInvoice(test_race.RaceCommon):
    def _start(self, number, barrier, path, params):
        """Start a payment, and return the transaction's reference or the error."""
        client = Client(self.port, address=f"127.0.4.{number}")
        barrier.wait()
        status, text, _location = client.request("POST", path, params=params)
        self.assertEqual(status, 200, text[:2000])
        answer = json.loads(text)
        if "error" in answer:
            return False, answer["error"]["data"]["message"]
        return True, answer["result"]["reference"]

    def _at_once(self, invoice, choice, flows, amount):
        """Start payments of an invoice in two tabs of our page and two of Odoo's."""
        ours = f"{invoice['path']}/transaction"
        native = f"/invoice/transaction/{invoice['id']}"
        tabs = []
        for flow in flows:
            choice = {**choice, "flow": flow, "amount": amount}
            landing = {"landing_route": "/my", "access_token": invoice["token"]}
            tabs += [(ours, {**choice, "access_token": "x"})]
            tabs += [(native, {**choice, **landing})]
        barrier = threading.Barrier(len(tabs))
        with ThreadPoolExecutor(len(tabs)) as pool:
            return list(
                pool.map(
                    lambda tab: self._start(tab[0], barrier, *tab[1]),
                    enumerate(tabs, 1),
                )
            )

    def _amounts(self, invoice):
        return self._query(
            "SELECT a.amount FROM payment_transaction tx "
            "JOIN payment_transaction_allocation a ON a.transaction_id = tx.id "
            "JOIN account_invoice_transaction_rel r ON r.transaction_id = tx.id "
            "WHERE a.invoice_id = %s AND r.invoice_id = a.invoice_id "
            "AND tx.state != 'cancel' AND tx.amount = a.amount",
            invoice["id"],
        )

    def test_same_offer_is_one_payment(self):
        data = self._run(INVOICES, 6, 0)
        for invoice in data["invoices"]:
            answers = self._at_once(
                invoice, data["choice"], ["direct", "direct"], 120.0
            )
            self.assertTrue(all(done for done, _text in answers), answers)
            self.assertEqual(len({reference for _done, reference in answers}), 1)
            self.assertEqual(self._amounts(invoice), [(120,)])
        self._check_log()

    def test_another_offer_replaces_the_first(self):
        data = self._run(INVOICES, 4, 0)
        for invoice in data["invoices"]:
            answers = self._at_once(
                invoice, data["choice"], ["direct", "redirect"], 120.0
            )
            self.assertTrue(all(done for done, _text in answers), answers)
            # The demonstration provider can cancel: one of them can be paid.
            self.assertEqual(self._amounts(invoice), [(120,)])
        self._check_log()

    def test_parts_at_once(self):
        data = self._run(INVOICES, 4, 25)
        for invoice in data["invoices"]:
            answers = self._at_once(invoice, data["choice"], ["direct"], 80.0)
            self.assertTrue(all(done for done, _text in answers), answers)
            self.assertEqual(self._amounts(invoice), [(80,)])
        self._check_log()
