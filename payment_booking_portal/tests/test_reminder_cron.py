"""The job of reminders on real processes: killed in the middle, and twice at once."""

import json
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

SEED = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    company.write({
        "booking_reminder_from": 0, "booking_reminder_until": 24,
        "booking_reminder_sunday": True, "booking_reminder_gap": 0,
    })
    env["payment.reminder.rule"].with_context(active_test=False).search([]).unlink()
    env["payment.reminder.rule"].create({
        "name": "Late", "kind": "due", "delay": 3, "moment": "after",
    })
    day = company._get_booking_today() - timedelta(days=3)
    partners = env["res.partner"].create([
        {"name": f"Client {number}", "email": f"client{number}@example.com"}
        for number in range(json.loads(sys.argv[1]))
    ])
    invoices = env["account.move"].create([
        {"move_type": "out_invoice", "partner_id": partner.id,
         "invoice_date": day, "invoice_date_due": day,
         "invoice_payment_term_id": False,
         "invoice_line_ids": [(0, 0, {
             "name": "Line", "price_unit": 10, "tax_ids": [(5, 0, 0)],
         })]}
        for partner in partners
    ])
    invoices.action_post()
    print(json.dumps(invoices.ids))
"""
# Small batches, and a word for each that is committed.
CRON = """
from odoo.addons.payment_booking_portal.models import payment_reminder
payment_reminder.BATCH = 5
Reminder = payment_reminder.PaymentReminder
mail = Reminder._mail
def slow(self):
    mail(self)
    print("batch", flush=True)
    time.sleep(json.loads(sys.argv[1]))
Reminder._mail = slow
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    env["payment.reminder"]._cron_send_reminders()
    cr.commit()
print(json.dumps("done"))
"""
MAILS = """
SELECT l.invoice_id, count(DISTINCT m.id), count(DISTINCT r.id)
  FROM payment_reminder_line l
  JOIN payment_reminder r ON r.id = l.reminder_id AND r.state = 'sent'
  JOIN mail_mail mm ON mm.id = r.mail_id
  JOIN mail_message m ON m.id = mm.mail_message_id
 WHERE l.invoice_id = ANY(%s)
 GROUP BY l.invoice_id
"""


@tagged("post_install", "-at_install")
class TestReminderCron(test_race.RaceCommon):
    def _assert_each_once(self, ids):
        rows = self._query(MAILS, ids)
        self.assertEqual({row[0] for row in rows}, set(ids), "none is lost")
        self.assertEqual({row[1:] for row in rows}, {(1, 1)}, "none is sent twice")
        [(count,)] = self._query(
            "SELECT count(*) FROM mail_mail mm JOIN mail_message m "
            "ON m.id = mm.mail_message_id "
            "WHERE m.model = 'account.move' AND m.res_id = ANY(%s)",
            ids,
        )
        self.assertEqual(count, len(ids))

    def test_killed_in_the_middle(self):
        ids = self._run(SEED, 30)
        process = subprocess.Popen(
            [sys.executable, "-c", test_race.PREAMBLE + CRON, json.dumps(0.3)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for _number in range(3):
            self.assertEqual(process.stdout.readline(), "batch\n")
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
        time.sleep(0.5)  # PostgreSQL notices that it is gone
        done = {row[0] for row in self._query(MAILS, ids)}
        self.assertTrue(0 < len(done) < 30, done)
        self._run(CRON, 0)
        self._assert_each_once(ids)
        self._run(CRON, 0)
        self._assert_each_once(ids)

    def test_twice_at_once(self):
        ids = self._run(SEED, 20)
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda _n: self._run(CRON, 0.1), range(2)))
        self._run(CRON, 0)
        self._assert_each_once(ids)
