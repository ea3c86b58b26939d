"""Colleagues at the desk note money on one invoice at once, in processes."""

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

# Each colleague has the dialog open, with its own user and its own amount.
COLLEAGUES = """
import multiprocessing
import psycopg2
from odoo.exceptions import UserError
rounds, amounts = map(json.loads, sys.argv[1:])

def record(wizard_id, user_id):
    for _attempt in range(12):
        with registry.cursor() as cr:
            env = api.Environment(cr, user_id, {})
            try:
                env["payment.invoice.record"].browse(wizard_id).action_record()
                env.flush_all()
                cr.commit()
                return "done"
            except UserError:
                cr.rollback()
                return "refused"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def work(number, wizards, user_id, barrier, results):
    for wizard_id in wizards:
        barrier.wait()
        results.put(record(wizard_id, user_id))

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    partner = env["res.partner"].create({"name": "Once", "email": "o@example.com"})
    invoices = env["account.move"].create([
        {"move_type": "out_invoice", "partner_id": partner.id,
         "invoice_line_ids": [(0, 0, {
             "name": "Line", "price_unit": 120, "tax_ids": [(5, 0, 0)],
         })]}
        for _number in range(rounds)
    ])
    invoices.action_post()
    group = env.ref("payment_booking_portal.group_user")
    users = env["res.users"].with_context(no_reset_password=True).create([
        {"name": f"Desk {number}", "login": f"race_record_{number}_{invoices[0].id}",
         "company_id": company.id, "company_ids": [(6, 0, company.ids)],
         "group_ids": [(6, 0, group.ids)]}
        for number in range(len(amounts))
    ])
    dialogs = [
        env["payment.invoice.record"].with_user(user).create([
            {"invoice_id": invoice.id, "amount": amount} for invoice in invoices
        ]).ids
        for user, amount in zip(users, amounts)
    ]
    ids, user_ids = invoices.ids, users.ids
    cr.commit()
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(len(amounts)), context.Queue()
workers = [
    context.Process(
        target=work, args=(number, dialogs[number], user_ids[number], barrier, results)
    )
    for number in range(len(amounts))
]
for worker in workers:
    worker.start()
answers = [results.get(timeout=120) for _each in range(rounds * len(amounts))]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["res.users"].browse(user_ids).active = False
    print(json.dumps([answers, [
        [invoice.amount_residual, sorted(invoice.allocation_ids.mapped("amount")),
         sum(invoice.matched_payment_ids.mapped("amount"))]
        for invoice in env["account.move"].browse(ids)
    ]]))
"""


@tagged("post_install", "-at_install")
class TestRaceRecord(test_race.RaceCommon):
    def test_colleagues_note_the_same_money(self):
        rounds = 4
        answers, invoices = self._run(COLLEAGUES, rounds, [120, 120])
        self.assertEqual(
            sorted(answers), ["done"] * rounds + ["refused"] * rounds, answers
        )
        self.assertEqual(invoices, [[0, [120], 120]] * rounds)

    def test_parts_that_are_too_much_together(self):
        rounds = 4
        answers, invoices = self._run(COLLEAGUES, rounds, [80, 70, 40])
        self.assertNotIn("gave up", answers)
        for residual, amounts, booked in invoices:
            self.assertEqual(sum(amounts), booked)
            self.assertEqual(residual, 120 - booked)
            # Whoever comes first, one other fits beside them, or none.
            self.assertIn(amounts, [[40, 80], [40, 70]])
