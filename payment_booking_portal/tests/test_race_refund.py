"""Three colleagues, and three jobs, give the same money back at once, in processes."""

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

SETUP = """
import multiprocessing
import psycopg2
from odoo.exceptions import UserError
from odoo.addons.payment_booking_portal.tests.fakes import FakeStripe
rounds, workers_count, amount = map(json.loads, sys.argv[1:])
fake = FakeStripe()
Provider = registry["payment.provider"]
build = Provider._build_request_url

def build_request_url(provider, endpoint, **kwargs):
    url = build(provider, endpoint, **kwargs)
    return fake.root + url[url.index("/v"):] if provider.code == "stripe" else url

Provider._build_request_url = build_request_url

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    bank = env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", company.id)], limit=1
    )
    card = env.ref("payment.payment_method_card")
    provider = env.ref("payment.payment_provider_stripe").copy({
        "company_id": company.id, "name": f"Stripe for {amount}",
    })
    provider.write({
        "stripe_publishable_key": "pk_test_fake", "stripe_secret_key": "sk_test_fake",
        "payment_method_ids": [(4, card.id)], "state": "enabled",
        "is_published": True, "journal_id": bank.id,
    })
    partner = env["res.partner"].create({"name": "Back", "email": "b@example.com"})
    invoices = env["account.move"].create([
        {"move_type": "out_invoice", "partner_id": partner.id,
         "invoice_line_ids": [(0, 0, {
             "name": "Line", "price_unit": 60, "tax_ids": [(5, 0, 0)],
         })]}
        for _number in range(rounds)
    ])
    invoices.action_post()
    txs = env["payment.transaction"].create([
        {"provider_id": provider.id, "payment_method_id": card.id,
         "amount": 60, "currency_id": invoice.currency_id.id,
         "partner_id": partner.id, "operation": "online_direct",
         "reference": f"back-{invoice.id}",
         "allocation_ids": [(0, 0, {"invoice_id": invoice.id, "amount": 60})],
         "invoice_ids": [(6, 0, invoice.ids)]}
        for invoice in invoices
    ])
    for tx in txs:
        tx._get_processing_values()
        fake.pay(tx.provider_reference)
        tx._ask()
        tx._post_process()
    assert set(txs.mapped("state")) == {"done"}, txs.mapped("state")
    tx_ids, invoice_ids = txs.ids, invoices.ids
    txs_there = txs.mapped("provider_reference")
    cr.commit()

"""

DECIDE = """
def decide(tx_id):
    for _attempt in range(12):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                tx = env["payment.transaction"].browse(tx_id)
                env["payment.refund.request"]._decide(tx, amount, "Race")
                env.flush_all()
                cr.commit()
                return "done"
            except UserError:
                cr.rollback()
                return "refused"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def work(barrier, results):
    for tx_id in tx_ids:
        barrier.wait()
        results.put(decide(tx_id))
    for _again in range(4):
        barrier.wait()
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            env["payment.refund.request"]._cron_refund()
            cr.commit()
    results.put("job")
"""

START = """
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(workers_count), context.Queue()
workers = [
    context.Process(target=work, args=(barrier, results))
    for _number in range(workers_count)
]
for worker in workers:
    worker.start()
"""

WORKERS = (
    SETUP
    + DECIDE
    + START
    + """
answers = [results.get(timeout=120) for _each in range((rounds + 1) * workers_count)]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["payment.transaction"]._cron_post_process()
    print(json.dumps([
        [answer for answer in answers if answer != "job"],
        [
            [sum(tx.refund_request_ids.mapped("amount")),
             sorted(set(tx.refund_request_ids.mapped("state"))),
             -sum(tx.child_transaction_ids.mapped("amount")),
             sum(tx.child_transaction_ids.payment_id.mapped("amount")),
             sum(refund["amount"] for refund in fake.objects.values()
                 if refund["object"] == "refund"
                 and refund["payment_intent"] == tx.provider_reference) / 100]
            for tx in env["payment.transaction"].browse(tx_ids)
        ],
        fake.balance("USD"), len(fake.errors),
    ]))
    provider = env["payment.transaction"].browse(tx_ids).provider_id
    provider.write({"state": "disabled", "is_published": False})
    cr.commit()
fake.__exit__()
"""
)

# Notifications, and looks at the provider, all at once: of a refund that was made on
# its pages, and of a dispute that was lost.
SWEEP = (
    SETUP
    + """
def look(tx_id):
    for _attempt in range(12):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                env["payment.transaction"].browse(tx_id)._look_back()
                env.flush_all()
                cr.commit()
                return "done"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def work(barrier, results):
    for tx_id in tx_ids:
        barrier.wait()
        results.put(look(tx_id))

for tx in txs_there:
    fake.refund(tx, amount * 100)
    fake.close_dispute(fake.dispute(tx, 1000)["id"])
"""
    + START
    + """
answers = [results.get(timeout=120) for _each in range(rounds * workers_count)]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["payment.transaction"]._cron_post_process()
    txs = env["payment.transaction"].browse(tx_ids)
    print(json.dumps([
        sorted(set(answers)),
        [
            [tx.refund_request_ids.mapped("amount"), tx.dispute_ids.mapped("amount"),
             sorted(tx.child_transaction_ids.mapped("amount")),
             len(tx.child_transaction_ids.payment_id),
             len(tx.allocation_ids.invoice_id.activity_ids)]
            for tx in txs
        ],
        fake.balance("USD"), len(fake.errors),
    ]))
    txs.provider_id.write({"state": "disabled", "is_published": False})
    cr.commit()
fake.__exit__()
"""
)


@tagged("post_install", "-at_install")
class TestRaceRefund(test_race.RaceCommon):
    def test_all_of_it_by_three_at_once(self):
        rounds = 4
        answers, txs, balance, errors = self._run(WORKERS, rounds, 3, 60)
        self.assertEqual(
            sorted(answers), ["done"] * rounds + ["refused"] * 2 * rounds, answers
        )
        self.assertEqual(txs, [[60, ["done"], 60, 60, 60]] * rounds)
        self.assertEqual((balance, errors), (0, 0))

    def test_parts_by_three_at_once(self):
        """Two parts fit, the third does not; each goes back once."""
        rounds = 3
        answers, txs, balance, errors = self._run(WORKERS, rounds, 3, 25)
        self.assertEqual(
            sorted(answers), ["done"] * 2 * rounds + ["refused"] * rounds, answers
        )
        self.assertEqual(txs, [[50, ["done"], 50, 50, 50]] * rounds)
        self.assertEqual((balance, errors), (rounds * 1000, 0))

    def test_three_looks_at_once(self):
        """What went back at the provider is kept once, and staff is told once."""
        rounds = 3
        answers, txs, balance, errors = self._run(SWEEP, rounds, 3, 20)
        self.assertEqual(answers, ["done"])
        self.assertEqual(txs, [[[20], [10], [-20, -10], 2, 2]] * rounds)
        self.assertEqual((balance, errors), (rounds * 3000, 0))
