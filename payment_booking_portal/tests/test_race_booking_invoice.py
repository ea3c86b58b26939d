"""Two colleagues who put the same bookings on an invoice, at once."""

from concurrent.futures import ThreadPoolExecutor

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

BOOKINGS = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    partner = env["res.partner"].create({"name": "Both", "email": "b@example.com"})
    service = env["payment.booking.service"].create({
        "name": "Invoiced", "company_id": company.id, "duration": 60, "price": 50,
        "fee_policy": "suggested",
    })
    bookings = env["payment.booking"]
    for number in range(2):
        booking = bookings.create({
            "service_id": service.id, "partner_id": partner.id,
            "start": f"2030-03-0{number + 4} 12:00:00",
        })
        booking.action_place()
        bookings |= booking
    print(json.dumps(bookings.ids))
"""
INVOICE = """
from odoo.service.model import retrying
ids = json.loads(sys.argv[1])
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    def make():
        return env["payment.booking"].browse(ids)._make_invoice().id
    try:
        print(json.dumps(retrying(make, env)))
    except Exception as error:
        print(json.dumps(type(error).__name__ + str(error)))
"""


@tagged("post_install", "-at_install")
class TestRaceBookingInvoice(test_race.RaceCommon):
    def test_colleagues_at_once(self):
        ids = self._run(BOOKINGS)
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _n: self._run(INVOICE, ids), range(4)))
        made = [answer for answer in answers if isinstance(answer, int)]
        self.assertEqual(len(made), 1, answers)
        refused = [answer for answer in answers if answer not in made]
        for answer in refused:
            self.assertIn("UserError", answer)
        rows = self._query(
            "SELECT DISTINCT m.id FROM account_move m "
            "JOIN account_move_line l ON l.move_id = m.id "
            "JOIN res_partner p ON p.id = m.partner_id WHERE p.name = 'Both'"
        )
        self.assertEqual(rows, [(made[0],)])
