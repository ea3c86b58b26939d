"""A process is killed between the provider's answer and its commit; the next one finds
what happened, and records it once.
"""

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race

KILLED = """
import multiprocessing, signal
from odoo.addons.payment_booking_portal.tests.fakes import FakeMollie, FakeStripe
service_id, code, start = map(json.loads, sys.argv[1:])
start = datetime.fromisoformat(start)
fake = {"stripe": FakeStripe, "mollie": FakeMollie}[code]()
Provider = registry["payment.provider"]
build = Provider._build_request_url

def build_request_url(provider, endpoint, **kwargs):
    url = build(provider, endpoint, **kwargs)
    return fake.root + url[url.index("/v"):] if provider.code == code else url

Provider._build_request_url = build_request_url

def new_env(cr):
    return api.Environment(cr, SUPERUSER_ID, {})

with registry.cursor() as cr:
    env = new_env(cr)
    company = env.ref("base.main_company")
    if not company.chart_template:
        env["account.chart.template"].try_loading(
            "generic_coa", company=company, install_demo=False
        )
    bank = env["account.journal"].search(
        [("type", "=", "bank"), ("company_id", "=", company.id)], limit=1
    )
    card = env.ref("payment.payment_method_card")
    provider = env.ref(f"payment.payment_provider_{code}").copy(
        {"company_id": company.id, "name": f"Killed {code}"}
    )
    keys = {
        "stripe": {"stripe_publishable_key": "pk_test_fake",
                   "stripe_secret_key": "sk_test_fake"},
        "mollie": {"mollie_api_key": "test_fake"},
    }
    provider.write({
        **keys[code], "payment_method_ids": [(4, card.id)], "state": "enabled",
        "is_published": True, "journal_id": bank.id,
    })
    service = env["payment.booking.service"].browse(service_id)
    service.product_id.taxes_id = False
    names = ("paid", "refunded", "ended", "ended_paid")
    ids = {}
    for number, name in enumerate(names):
        booking = env["payment.booking"]._place(
            service, start + timedelta(hours=2 * number),
            {"guest_name": name, "guest_email": "k@example.com"}, visitor_key=name,
        )
        values = booking._prepare_payment_values("test")
        tx = env["payment.transaction"].create({
            "provider_id": provider.id, "payment_method_id": card.id,
            "operation": "online_direct" if code == "stripe" else "online_redirect",
            "reference": values.pop("reference_prefix") + code,
            **values.pop("custom_create_values"), **values,
        })
        booking._on_payment_started(tx)
        tx._get_processing_values()
        ids[name] = (booking.id, tx.id, tx.provider_reference)
        if code == "mollie":
            fake.set_cancelable(tx.provider_reference)
        if name != "ended":
            fake.pay(tx.provider_reference)
        if name == "refunded":
            tx._ask()
            tx._post_process()
            assert booking.state == "confirmed", booking.state
            env["payment.refund.request"]._decide(tx, 60, "Killed")
    cr.commit()

# Only what a test is about is due in its job.
def due(name):
    with registry.cursor() as cr:
        booking_id, tx_id, _reference = ids[name]
        long_ago = datetime.utcnow() - timedelta(hours=1)
        if name == "paid":
            cr.execute("UPDATE payment_transaction SET ask_again_at = %s "
                       "WHERE id = %s", (long_ago, tx_id))
        elif name.startswith("ended"):
            cr.execute("UPDATE payment_booking SET hold_until = %s WHERE id = %s",
                       (long_ago, booking_id))

def die_after(model, method):
    # The answer is taken and written, in a database transaction of its own.
    Model = registry[model]
    original = getattr(Model, method)

    def do_and_die(self, *args, **kwargs):
        original(self, *args, **kwargs)
        self.env.flush_all()
        os.kill(os.getpid(), signal.SIGKILL)

    setattr(Model, method, do_and_die)

def work(model, job, victim=None):
    if victim:
        die_after(*victim)
    with registry.cursor() as cr:
        getattr(new_env(cr)[model], job)()

def run(*job, victim=None):
    odoo.sql_db.close_all()  # each process has connections of its own
    worker = multiprocessing.get_context("fork").Process(
        target=work, args=job, kwargs={"victim": victim}
    )
    worker.start()
    worker.join(60)
    return worker.exitcode

def look(name):
    with registry.cursor() as cr:
        env = new_env(cr)
        booking = env["payment.booking"].browse(ids[name][0])
        tx = env["payment.transaction"].browse(ids[name][1])
        reservations = env["payment.booking.reservation"].search_count(
            [("booking_id", "=", booking.id)]
        )
        there = fake.objects[ids[name][2]]["status"]
        payments = (tx + tx.child_transaction_ids).payment_id
        return {
            "booking": booking.state, "tx": tx.state, "there": there,
            "invoices": len(booking.invoice_id), "reservations": bool(reservations),
            "refunds": tx.refund_request_ids.mapped("state"),
            "children": len(tx.child_transaction_ids),
            "refunds_there": sum(key.startswith("re_") for key in fake.objects),
            "payments": [
                [payment.payment_type, payment.amount] for payment in payments
            ],
        }

JOBS = {
    "paid": ("payment.transaction", "_cron_reconcile"),
    "refunded": ("payment.refund.request", "_cron_refund"),
    "ended": ("payment.booking", "_cron_release_holds"),
    "ended_paid": ("payment.booking", "_cron_release_holds"),
}
VICTIMS = {
    "paid": ("payment.transaction", "_take_answer"),
    "refunded": ("payment.refund.request", "_take"),
    "ended": ("payment.transaction", "_stop"),
    "ended_paid": ("payment.transaction", "_stop"),
}
told = {}
for name in names:
    due(name)
    told[name] = [run(*JOBS[name], victim=VICTIMS[name]), look(name)]
    fake._replays.clear()  # a provider forgets keys after a day
    codes = []
    for _again in range(2):
        codes.append(run(*JOBS[name]))
        if code == "mollie" and name == "refunded":
            for key in [key for key in fake.objects if key.startswith("re_")]:
                fake.settle_refund(key)
            with registry.cursor() as cr:
                new_env(cr)["payment.refund.request"].search(
                    [("state", "=", "pending")]
                ).try_at = datetime.utcnow() - timedelta(hours=1)
        codes.append(run("payment.transaction", "_cron_post_process"))
    told[name] += [set(codes) == {0}, look(name)]
with registry.cursor() as cr:
    new_env(cr)["payment.provider"].search([("name", "=", f"Killed {code}")]).write(
        {"state": "disabled", "is_published": False}
    )
told["fake"] = [len(fake.errors), float(fake.balance("USD"))]
print(json.dumps(told))
fake.__exit__()
"""
SIGKILL = -9


class KillTests:
    """What a process that was killed leaves behind, and what the next one does."""

    code = None

    @classmethod
    def _start_server(cls):
        """Override: nobody asks pages here."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        test = cls()
        start = test._next_start().isoformat()
        cls.told = cls._run(KILLED, cls.services["private"]["id"], cls.code, start)

    def _check(self, name, before, after):
        """Compare what was there after the death, and after the next run."""
        exit_code, dead, is_well, healed = self.told[name]
        self.assertEqual(exit_code, SIGKILL, "it was not killed")
        self.assertTrue(is_well)
        for expected, found in ((before, dead), (after, healed)):
            self.assertEqual({key: found[key] for key in expected}, expected)

    def test_after_the_answer_that_it_is_paid(self):
        self._check(
            "paid",
            {"booking": "hold", "tx": "draft", "payments": []},
            {
                "booking": "confirmed",
                "tx": "done",
                "invoices": 1,
                "payments": [["inbound", 60]],
            },
        )

    def test_after_a_refund(self):
        self._check(
            "refunded",
            {"refunds": ["queued"], "children": 0, "refunds_there": 1},
            {
                "refunds": ["done"],
                "children": 1,
                "refunds_there": 1,
                "payments": [["inbound", 60], ["outbound", 60]],
            },
        )

    def test_after_it_was_cancelled_there(self):
        self._check(
            "ended",
            {"booking": "hold", "tx": "draft", "there": "canceled"},
            {
                "booking": "expired",
                "tx": "cancel",
                "reservations": False,
                "payments": [],
            },
        )

    def test_after_it_was_too_late_to_cancel(self):
        self._check(
            "ended_paid",
            {"booking": "hold", "tx": "draft", "payments": []},
            {
                "booking": "confirmed",
                "tx": "done",
                "reservations": True,
                "payments": [["inbound", 60]],
            },
        )

    def test_nothing_more_is_there(self):
        errors, balance = self.told["fake"]
        self.assertEqual((errors, balance), (0, self.balance))


@tagged("post_install", "-at_install")
class TestKillStripe(KillTests, test_race.RaceCommon):
    code = "stripe"
    balance = 12000.0  # in minor units


@tagged("post_install", "-at_install")
class TestKillMollie(KillTests, test_race.RaceCommon):
    code = "mollie"
    balance = 120.0
