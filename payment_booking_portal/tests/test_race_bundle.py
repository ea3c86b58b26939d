"""Several documents paid at once, and one of them alone at the same moment."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race
from .test_race import Client

# Overlapping choices of three invoices of a client, ROUNDS times.
CHOICES = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    partner = env["res.partner"].create({"name": "Thrice", "email": "t@example.com"})
    provider = env.ref("payment.payment_provider_demo")
    rounds = []
    for number in range(json.loads(sys.argv[1])):
        invoices = env["account.move"].create([
            {"move_type": "out_invoice", "partner_id": partner.id,
             "invoice_line_ids": [(0, 0, {
                 "name": "Line", "price_unit": amount, "tax_ids": [(5, 0, 0)],
             })]}
            for amount in (100, 50, 30)
        ])
        invoices.action_post()
        first, second, third = invoices
        bundles = [
            env["payment.bundle"]._make_for(list(chosen))
            for chosen in (first + second, third + second, second + first + third)
        ]
        rounds.append({
            "ids": invoices.ids,
            "paths": [bundle._get_pay_url() for bundle in bundles],
            "alone": second._get_pay_url(),
            "native": second._portal_ensure_token(),
        })
    print(json.dumps({
        "rounds": rounds,
        "statement": partner._get_statement_urls(company)[partner.id],
        "choice": {
            "provider_id": provider.id,
            "payment_method_id": provider.payment_method_ids[:1].id,
            "token_id": None,
            "flow": "direct",
            "access_token": "x",
            "tokenization_requested": False,
        },
    }))
"""

# Processes that each settle a payment of the same documents, in another order.
SETTLE = """
import multiprocessing
import psycopg2

def settle(tx_id, barrier, results):
    barrier.wait()
    for _attempt in range(10):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                env["payment.transaction"].browse(tx_id)._post_process()
                env.flush_all()
                cr.commit()
                return results.put("done")
            except psycopg2.OperationalError as error:
                cr.rollback()
                results_of = type(error).__name__
                if results_of == "DeadlockDetected":
                    return results.put(results_of)
    results.put("gave up")

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    provider = env.ref("payment.payment_provider_demo")
    ids = json.loads(sys.argv[1])
    txs = env["payment.transaction"].create([
        {
            "provider_id": provider.id,
            "payment_method_id": provider.payment_method_ids[:1].id,
            "reference": f"settle {number} {ids[0]}", "amount": 180,
            "currency_id": env["account.move"].browse(ids[0]).currency_id.id,
            "partner_id": env["account.move"].browse(ids[0]).partner_id.id,
            "client_key": "x", "state": "done", "operation": "online_direct",
            "invoice_ids": [(6, 0, ids)],
            "allocation_ids": [
                (0, 0, {"invoice_id": invoice.id, "amount": invoice.amount_total})
                for invoice in env["account.move"].browse(ids[::-1] if number else ids)
            ],
        }
        for number in range(2)
    ])
    cr.commit()
    tx_ids = txs.ids
odoo.sql_db.close_all()
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(2), context.Queue()
workers = [
    context.Process(target=settle, args=(tx_id, barrier, results)) for tx_id in tx_ids
]
for worker in workers:
    worker.start()
answers = [results.get(timeout=120) for worker in workers]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    invoices = env["account.move"].browse(ids)
    txs = env["payment.transaction"].browse(tx_ids)
    print(json.dumps({
        "answers": answers,
        "due": [invoice._get_payable_amount() for invoice in invoices],
        "payments": txs.payment_id.mapped("amount"),
    }))
"""


@tagged("post_install", "-at_install")
class TestRaceBundle(test_race.RaceCommon):
    def _start(self, number, barrier, path, params):
        """Start a payment, and return its reference, or why not."""
        client = Client(self.port, address=f"127.0.5.{number}")
        barrier.wait()
        status, text, _location = client.request("POST", path, params=params)
        self.assertEqual(status, 200, text[:2000])
        answer = json.loads(text)
        if "error" in answer:
            return False, answer["error"]["data"]["message"]
        return True, answer["result"]["reference"]

    def _at_once(self, tabs):
        barrier = threading.Barrier(len(tabs))
        with ThreadPoolExecutor(len(tabs)) as pool:
            return list(
                pool.map(
                    lambda tab: self._start(tab[0], barrier, *tab[1]),
                    enumerate(tabs, 1),
                )
            )

    def _live(self, one):
        """Return which transactions may still bring money for each document."""
        rows = self._query(
            "SELECT a.invoice_id, array_agg(tx.id) FROM payment_transaction tx "
            "JOIN payment_transaction_allocation a ON a.transaction_id = tx.id "
            "WHERE a.invoice_id = ANY(%s) AND tx.state != 'cancel' "
            "GROUP BY a.invoice_id",
            one["ids"],
        )
        return dict(rows)

    def test_bundle_and_single_at_once(self):
        data = self._run(CHOICES, 6)
        for one in data["rounds"]:
            both = one["paths"][0]
            native = {
                **data["choice"], "amount": 50.0, "landing_route": "/my",
                "access_token": one["native"],
            }  # fmt: skip
            answers = self._at_once(
                [
                    (f"{both}/transaction", {**data["choice"], "amount": 150.0}),
                    (f"{one['alone']}/transaction", data["choice"]),
                    (f"{both}/transaction", {**data["choice"], "amount": 150.0}),
                    (f"/invoice/transaction/{one['ids'][1]}", native),
                ]
            )
            # The demonstration provider can cancel: the last one is the one.
            self.assertTrue(all(done for done, _text in answers), answers)
            for invoice_id, txs in self._live(one).items():
                self.assertEqual(len(txs), 1, f"{invoice_id} is charged twice")
        self._check_log()

    def test_overlapping_bundles_at_once(self):
        data = self._run(CHOICES, 6)
        for one in data["rounds"]:
            tabs = [(f"{path}/transaction", data["choice"]) for path in one["paths"]]
            answers = self._at_once(tabs + tabs[::-1])
            self.assertTrue(all(done for done, _text in answers), answers)
            for invoice_id, txs in self._live(one).items():
                self.assertEqual(len(txs), 1, f"{invoice_id} is charged twice")
            sums = self._query(
                "SELECT tx.amount = sum(a.amount) FROM payment_transaction tx "
                "JOIN payment_transaction_allocation a ON a.transaction_id = tx.id "
                "WHERE a.invoice_id = ANY(%s) GROUP BY tx.id",
                one["ids"],
            )
            self.assertEqual(set(sums), {(True,)})
        self._check_log()

    def test_same_choice_from_two_tabs(self):
        data = self._run(CHOICES, 1)
        page = data["statement"]

        def choose(number):
            client = Client(self.port, address=f"127.0.6.{number}")
            _status, text, _location = client.request("GET", page)
            token = test_race.CSRF.search(text)[1]
            form = [("csrf_token", token)]
            form += [("due", invoice_id * 4) for invoice_id in data["rounds"][0]["ids"]]
            barrier.wait()
            return client.request("POST", f"{page}/pay", form=form)

        barrier = threading.Barrier(4)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(choose, range(1, 5)))
        for status, text, location in answers:
            self.assertEqual(status, 303, text[:2000])
            self.assertIn("/pay/", location)
        self.assertEqual(len({location for _status, _text, location in answers}), 1)
        found = self._query(
            "SELECT count(DISTINCT bundle_id) FROM payment_bundle_line l "
            "JOIN payment_bundle b ON b.id = l.bundle_id "
            "WHERE l.invoice_id = ANY(%s) AND b.by_statement",
            data["rounds"][0]["ids"],
        )
        self.assertEqual(found, [(1,)], "a double post makes one payment")
        tabs = [
            (f"{location}/transaction", data["choice"])
            for _status, _text, location in answers
        ]
        answers = self._at_once(tabs)
        self.assertTrue(all(done for done, _text in answers), answers)
        self.assertEqual(
            len({tuple(txs) for txs in self._live(data["rounds"][0]).values()}), 1
        )
        self._check_log()

    def test_settled_at_once_in_another_order(self):
        data = self._run(CHOICES, 3)
        for one in data["rounds"]:
            result = self._run(SETTLE, one["ids"])
            self.assertEqual(result["answers"], ["done", "done"], result)
            self.assertEqual(result["due"], [0, 0, 0])
            self.assertEqual(result["payments"], [180, 180], "no money is lost")
