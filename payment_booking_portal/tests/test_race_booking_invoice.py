"""Colleagues who invoice the same bookings at once, and clients who pay meanwhile."""

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

INVOICING = """
import multiprocessing
import psycopg2
from odoo.exceptions import UserError
rounds, names, service_id, day = map(json.loads, sys.argv[1:])

def both(first, second):
    (first + second)._make_invoice()

def both_other_way(first, second):
    (second + first)._make_invoice()

def one(first, second):
    first._make_invoice()

def draft(first, second):
    (first + second)._make_invoice(post=False)

def pay(first, second):
    provider = first.env.ref("payment.payment_provider_demo")
    method = first.env.ref("payment_demo.payment_method_demo")
    user = first.env.ref("base.public_user")
    assert not first._prepare_payment(provider.id, method.id, None, "direct", user)
    values = first._prepare_payment_values("race")
    prefix = values.pop("reference_prefix")
    Transaction = first.env["payment.transaction"]
    tx = Transaction.create({
        "provider_id": provider.id, "payment_method_id": method.id,
        "operation": "online_direct",
        "reference": Transaction._compute_reference(provider.code, prefix=prefix),
        **values.pop("custom_create_values"), **values,
    })
    first._on_payment_started(tx)
    tx._set_done()
    tx._post_process()

def record(first, second):
    cash = first.env.ref("payment_booking_portal.payment_method_cash")
    first._record_payment(60, cash)

ACTIONS = [globals()[name] for name in names]

def attempt(action, ids):
    for _attempt in range(12):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                action(*(env["payment.booking"].browse(bid) for bid in ids))
                env.flush_all()
                cr.commit()
                return "done"
            except UserError:
                cr.rollback()
                return "refused"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def work(number, pairs, barrier, results):
    for ids in pairs:
        barrier.wait()
        results.put([ids, ACTIONS[number].__name__, attempt(ACTIONS[number], ids)])

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    partner = env["res.partner"].create({"name": "Once", "email": "o@example.com"})
    service = env["payment.booking.service"].browse(service_id)
    service.product_id.taxes_id = False
    start = datetime.utcnow().replace(minute=0, second=0, microsecond=0)
    bookings = env["payment.booking"].create([
        {"service_id": service_id, "partner_id": partner.id, "fee_policy": "suggested",
         "start": start + timedelta(days=day, hours=2 * number)}
        for number in range(2 * rounds)
    ])
    bookings.action_place()
    pairs = [bookings.ids[2 * n:2 * n + 2] for n in range(rounds)]
    cr.commit()
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(len(ACTIONS)), context.Queue()
workers = [
    context.Process(target=work, args=(number, pairs, barrier, results))
    for number in range(len(ACTIONS))
]
for worker in workers:
    worker.start()
answers = [results.get(timeout=120) for _each in range(len(ACTIONS) * rounds)]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    found = []
    for ids in pairs:
        pair = env["payment.booking"].browse(ids)
        lines = env["account.move.line"].search([
            ("move_id.move_type", "=", "out_invoice"),
            ("display_type", "=", "product"),
            ("move_id.partner_id", "=", partner.id),
        ])
        rows = env["payment.due"].search([
            ("partner_id", "=", partner.id),
            "|", ("booking_id", "in", ids), ("invoice_id", "in", pair.invoice_id.ids),
        ])
        found.append({
            "answers": sorted(
                [name, answer] for pair_ids, name, answer in answers if pair_ids == ids
            ),
            "lines": [
                len(lines.filtered(
                    lambda line: booking.name in line.move_id.invoice_origin.split(", ")
                    and booking._format_when() in line.name
                ))
                for booking in pair
            ],
            "invoices": len(pair.invoice_id),
            "paid": sum(pair.allocation_ids.mapped("amount"))
            + sum(pair.invoice_id.allocation_ids.mapped("amount")),
            "shares": pair.mapped("amount_paid"),
            "due": sum(rows.mapped("amount_due")),
            "flags": pair.filtered("needs_attention").mapped("attention_reason"),
        })
print(json.dumps(found))
"""


@tagged("post_install", "-at_install")
class TestRaceBookingInvoice(test_race.RaceCommon):
    rounds = 6

    def _race(self, *names):
        """Return what became of pairs of bookings that all wanted at once."""
        service_id = self.services["lesson"]["id"]
        day = 2 * next(self.days)
        found = self._run(INVOICING, self.rounds, names, service_id, day)
        for pair in found:
            answers = [answer for _name, answer in pair["answers"]]
            self.assertNotIn("gave up", answers, pair)
            self.assertFalse(pair["flags"], pair)
            self.assertAlmostEqual(sum(pair["shares"]), pair["paid"], 2, pair)
            self.assertAlmostEqual(pair["due"] + pair["paid"], 120, 2, pair)
        return found

    def test_colleagues(self):
        for pair in self._race("both", "both_other_way", "both", "draft"):
            answers = [answer for _name, answer in pair["answers"]]
            self.assertEqual(answers.count("done"), 1, pair)
            self.assertEqual((pair["lines"], pair["invoices"]), ([1, 1], 1), pair)

    def test_one_of_them_alone(self):
        for pair in self._race("both", "one", "one"):
            done = [name for name, answer in pair["answers"] if answer == "done"]
            self.assertEqual(len(done), 1, pair)
            self.assertEqual(pair["lines"], [1, int(done == ["both"])], pair)

    def test_client_pays_meanwhile(self):
        for pair in self._race("both", "pay"):
            self.assertEqual(pair["lines"][0], 1, pair)
            done = [name for name, answer in pair["answers"] if answer == "done"]
            self.assertEqual(len(done), 1, "the invoice or the payment, never both")
            self.assertEqual(pair["paid"], 60 if done == ["pay"] else 0, pair)

    def test_draft_does_not_stand_in_the_way_of_money(self):
        for pair in self._race("draft", "pay", "record"):
            self.assertEqual(pair["lines"][0], 1, pair)
            self.assertEqual(pair["paid"], 60, pair)
