"""Many clients at once, on real processes: what one process cannot show.

The other tests run inside one transaction, which nobody else can see. Here the data
is committed, in a database of its own, copied from the one under test. A real server
with two workers answers real requests on it; other processes call the methods.
"""

import http.client
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import psycopg2

import odoo
from odoo.sql_db import connection_info_for
from odoo.tests import BaseCase, tagged
from odoo.tools import config

CSRF = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')
REQUEST_KEY = re.compile(r'name="request_key"[^>]*value="([^"]+)"')
ANSWER = re.compile(r'name="(field_[0-9]+)"')
POLICY_HASH = re.compile(r'name="policy_hash"[^>]*value="(\w+)"')
WORKERS = 2

PREAMBLE = """
import json, logging, os, sys, time
from datetime import datetime, timedelta
import odoo
from odoo.tools import config
config.parse_config(["-c", os.environ["RACE_RC"], "--log-level=critical"])
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
registry = Registry(os.environ["RACE_DB"])
"""

# A studio that is always open, so that the tests need no certain day.
SEED = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    company = env.ref("base.main_company")
    company.booking_accept_test_payments = True
    env.ref("payment.payment_provider_demo").write(
        {"state": "test", "is_published": True, "company_id": company.id}
    )
    calendar = env["resource.calendar"].create({
        "name": "Always", "tz": "Europe/Brussels", "company_id": company.id,
        "attendance_ids": [(5, 0, 0)] + [(0, 0, {
            "name": str(day), "dayofweek": str(day), "hour_from": 0, "hour_to": 24,
            "day_period": "morning",
        }) for day in range(7)],
    })
    def resource(name):
        return env["resource.resource"].create({
            "name": name, "company_id": company.id, "calendar_id": calendar.id,
            "tz": "Europe/Brussels",
        })
    def group(resources):
        return env["product.booking.resource.group"].create({
            "name": resources[0].name, "company_id": company.id,
            "resource_ids": [(6, 0, resources.ids)],
        })
    anna, ben, room = resource("Anna"), resource("Ben"), resource("Room")
    alone, people, rooms = group(anna), group(anna + ben), group(room)
    def service(name, groups, **values):
        return env["payment.booking.service"].create({
            "name": name, "company_id": company.id, "calendar_id": calendar.id,
            "duration": 60, "step": 30, "notice_hours": 0, "price": 60,
            "fee_policy": "required", "group_ids": [(6, 0, groups.ids)], **values,
        })
    form = env["payment.form"].create({
        "name": "Asked", "company_id": company.id, "policy": "<p>Be on time.</p>",
        "policy_required": True,
        "field_ids": [(0, 0, {"label": "Why?"}), (0, 0, {"label": "Where?"})],
    })
    services = {
        "asked": service("Asked", group(resource("Cleo") + resource("Dan")),
                         form_id=form.id),
        "private": service("Private", alone),
        "class": service("Class", alone, seats=3),
        "pair": service("Pair", people + rooms, assignment="random"),
        "buffered": service("Buffered", alone + rooms, buffer_before=15,
                            buffer_after=15, duration=45, step=15),
        "lesson": service("Lesson", people, seats=2, fee_policy="free", step=15),
        "group": service("Group", alone, seats=9, fee_policy="free",
                         session_mode="planned"),
    }
    reasons = {key: s._get_unbookable_reason() for key, s in services.items()}
    assert not any(reasons.values()), reasons
    print(json.dumps({
        key: {"id": s.id, "path": s._get_book_url()} for key, s in services.items()
    }))
"""

# Processes that wait for each other, then want what all others want.
RACERS = """
import multiprocessing, random
import psycopg2
from odoo.addons.payment_booking_portal.exceptions import SlotTaken, StaleSnapshot
AGAIN = (StaleSnapshot, psycopg2.errors.SerializationFailure,
         psycopg2.errors.DeadlockDetected, psycopg2.errors.UniqueViolation)

def place(number, service_id, start):
    with registry.cursor() as cr:
        env = api.Environment(cr, SUPERUSER_ID, {})
        service = env["payment.booking.service"].browse(service_id)
        try:
            env["payment.booking"]._place(
                service, start,
                {"guest_name": f"Racer {number}", "guest_email": "r@example.com"},
                visitor_key=f"racer {number} {service_id} {start}",
            )
            env.flush_all()
            cr.commit()
            return "won"
        except SlotTaken:
            cr.rollback()
            return "taken"
        except AGAIN as error:
            cr.rollback()
            return type(error).__name__

def race(number, plan, barrier, results):
    random.Random(number).shuffle(plan)
    answers = []
    barrier.wait()
    for service_id, start in plan:
        for _attempt in range(5):
            answer = place(number, service_id, datetime.fromisoformat(start))
            answers.append(answer)
            if answer in ("won", "taken"):
                break
    results.put(answers)

count, plan = int(sys.argv[1]), json.loads(sys.argv[2])
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(count), context.Queue()
racers = [
    context.Process(target=race, args=(number, list(plan), barrier, results))
    for number in range(count)
]
for racer in racers:
    racer.start()
answers = [results.get(timeout=120) for racer in racers]
for racer in racers:
    racer.join()
print(json.dumps(sum(answers, [])))
"""

# Colleagues at the desk: each drags a booking of their own to the same time, then all
# note the same money.
DESK = """
import multiprocessing
import psycopg2
from odoo.exceptions import UserError
count, service_id, target = map(json.loads, sys.argv[1:])
target = datetime.fromisoformat(target)

def attempt(action, booking_id):
    for _attempt in range(10):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                action(env["payment.booking"].browse(booking_id))
                env.flush_all()
                cr.commit()
                return "done"
            except UserError:
                cr.rollback()
                return "refused"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def drag(booking):
    booking.write({"start": target})

def note(booking):
    method = booking.env.ref("payment_booking_portal.payment_method_cash")
    booking._record_payment(booking.amount_total, method)

def work(action, booking_id, barrier, results):
    barrier.wait()
    results.put(attempt(action, booking_id))

def at_once(action, ids):
    odoo.sql_db.close_all()  # each process has connections of its own
    context = multiprocessing.get_context("fork")
    barrier, results = context.Barrier(len(ids)), context.Queue()
    workers = [
        context.Process(target=work, args=(action, bid, barrier, results))
        for bid in ids
    ]
    for worker in workers:
        worker.start()
    answers = [results.get(timeout=120) for worker in workers]
    for worker in workers:
        worker.join()
    return answers

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    partner = env["res.partner"].create({"name": "Desk", "email": "d@example.com"})
    drafts = env["payment.booking"].create([
        {"service_id": service_id, "partner_id": partner.id, "fee_policy": "on_site",
         "start": target + timedelta(hours=2 * number)}
        for number in range(1, count + 1)
    ])
    drafts.action_place()
    ids = drafts.ids
    cr.commit()
dragged = at_once(drag, ids)
noted = at_once(note, ids[:1] * count)
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    bookings = env["payment.booking"].browse(ids)
    booking = bookings[0]
    print(json.dumps({
        "dragged": dragged,
        "noted": noted,
        "there": sum(b.start == target for b in bookings),
        "events": [len(b.event_ids) for b in bookings],
        "paid": [booking.amount_paid, booking.amount_total],
        "transactions": len(booking.allocation_ids),
        "payments": len(booking.allocation_ids.transaction_id.payment_id),
        "invoice": booking.invoice_id.payment_state,
    }))
"""

# Colleagues and the client at once on one request: money, change, end.
REQUESTS = """
import multiprocessing
import psycopg2
from odoo.exceptions import UserError
rounds, names = map(json.loads, sys.argv[1:])

def record(request):
    method = request.env.ref("payment_booking_portal.payment_method_cash")
    request._record_payment(120, method)

def start(request, flow="direct"):
    provider = request.env.ref("payment.payment_provider_demo")
    method = request.env.ref("payment_demo.payment_method_demo")
    user = request.env.ref("base.public_user")
    old = request._prepare_payment(provider.id, method.id, None, flow, user)
    if old:
        return old
    values = request._prepare_payment_values("race")
    prefix = values.pop("reference_prefix")
    Transaction = request.env["payment.transaction"]
    tx = Transaction.create({
        "provider_id": provider.id, "payment_method_id": method.id,
        "operation": "online_" + flow,
        "reference": Transaction._compute_reference(provider.code, prefix=prefix),
        **values.pop("custom_create_values"), **values,
    })
    request._on_payment_started(tx)
    return tx

def other_tab(request):
    start(request, "redirect")

def pay(request):
    tx = start(request)
    tx._set_done()
    tx._post_process()

def edit(request):
    request.action_edit()

def cancel(request):
    request.action_cancel()

ACTIONS = [globals()[name] for name in names]

def attempt(action, request_id):
    for _attempt in range(12):
        with registry.cursor() as cr:
            env = api.Environment(cr, SUPERUSER_ID, {})
            try:
                action(env["payment.request"].browse(request_id))
                env.flush_all()
                cr.commit()
                return "done"
            except UserError:
                cr.rollback()
                return "refused"
            except psycopg2.OperationalError:
                cr.rollback()
    return "gave up"

def work(number, ids, barrier, results):
    for request_id in ids:
        barrier.wait()
        answer = attempt(ACTIONS[number], request_id)
        results.put([request_id, ACTIONS[number].__name__, answer])

with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    partner = env["res.partner"].create({"name": "Once", "email": "o@example.com"})
    requests = env["payment.request"].create([
        {"partner_id": partner.id, "amount": 120, "reason": "Race"}
        for _number in range(rounds)
    ])
    requests.action_make_link()
    # Somebody tried before: what is written at the first try touches the row no more.
    requests._editing().started_at = datetime.utcnow()
    ids = requests.ids
    cr.commit()
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(len(ACTIONS)), context.Queue()
workers = [
    context.Process(target=work, args=(number, ids, barrier, results))
    for number in range(len(ACTIONS))
]
for worker in workers:
    worker.start()
answers = [results.get(timeout=120) for _each in range(len(ACTIONS) * rounds)]
for worker in workers:
    worker.join()
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    found = {
        request.id: {
            "state": request.state,
            "paid": request.amount_paid,
            "transactions": request.allocation_ids.transaction_id.mapped("state"),
            "flag": request.attention_reason,
        }
        for request in env["payment.request"].browse(ids)
    }
print(json.dumps([answers, found]))
"""

# Processes that do different things to one session at once, round after round.
SESSION_RACERS = """
import multiprocessing
import psycopg2
from odoo.exceptions import ConcurrencyError, UserError
AGAIN = (ConcurrencyError, psycopg2.errors.SerializationFailure,
         psycopg2.errors.DeadlockDetected)

def act(env, number, what, target, start):
    start = start and datetime.fromisoformat(start)
    sessions = env["payment.booking.session"]
    if what == "plan":
        sessions.create({"service_id": target, "start": start})
    elif what == "place":
        env["payment.booking"]._place(
            env["payment.booking.service"].browse(target), start,
            {"guest_name": f"Guest {number}", "guest_email": "g@example.com"},
            visitor_key=f"guest {number} {target} {start}",
        )
    elif what == "cancel":
        sessions.browse(target).action_cancel("Ill")
    elif what == "move":
        sessions.browse(target).action_move(start)

def race(number, jobs, barrier, results):
    answers = []
    for what, target, start in jobs:
        barrier.wait()
        for _attempt in range(10):
            with registry.cursor() as cr:
                env = api.Environment(cr, SUPERUSER_ID, {})
                try:
                    act(env, number, what, target, start)
                    env.flush_all()
                    cr.commit()
                    answer = "done"
                except UserError as error:
                    cr.rollback()
                    answer = "refused"
                except AGAIN as error:
                    cr.rollback()
                    answer = type(error).__name__
            answers.append((what, answer))
            if answer in ("done", "refused"):
                break
    results.put(answers)

racers = json.loads(sys.argv[1])
odoo.sql_db.close_all()  # each process has connections of its own
context = multiprocessing.get_context("fork")
barrier, results = context.Barrier(len(racers)), context.Queue()
processes = [
    context.Process(target=race, args=(number, jobs, barrier, results))
    for number, jobs in enumerate(racers)
]
for process in processes:
    process.start()
answers = [results.get(timeout=120) for process in processes]
for process in processes:
    process.join()
print(json.dumps(sum(answers, [])))
"""

PLAN = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    print(json.dumps(env["payment.booking.session"].create([
        {"service_id": service, "start": datetime.fromisoformat(start)}
        for service, start in json.loads(sys.argv[1])
    ]).ids))
"""

OVERLAPS = """
    SELECT a.id, b.id FROM payment_booking_reservation a
      JOIN payment_booking_reservation b
        ON a.id < b.id AND a.resource_id = b.resource_id
       AND a.start < b.stop AND b.start < a.stop
"""
HALF_DONE = """
    SELECT b.id FROM payment_booking b
     WHERE b.state IN ('hold', 'confirmed')
       AND NOT EXISTS (SELECT FROM payment_booking_reservation r
                        WHERE r.booking_id = b.id)
       AND (SELECT count(*) FROM payment_booking_seat s
             WHERE s.booking_id = b.id) <> b.seats
    UNION ALL
    SELECT r.id FROM payment_booking_reservation r
      JOIN payment_booking b ON b.id = r.booking_id
     WHERE b.state NOT IN ('hold', 'confirmed')
    UNION ALL
    SELECT t.id FROM payment_booking_session t
     WHERE (t.state = 'open') <> EXISTS (
                SELECT FROM payment_booking_reservation r WHERE r.session_id = t.id)
        OR NOT EXISTS (SELECT FROM payment_booking_seat s WHERE s.session_id = t.id)
           AND t.state = 'open' AND t.is_planned IS NOT TRUE
        OR EXISTS (SELECT FROM payment_booking_seat s WHERE s.session_id = t.id)
           AND t.state = 'cancelled'
        OR (SELECT count(*) FROM payment_booking_seat s
             WHERE s.session_id = t.id) > t.seats
    UNION ALL
    SELECT b.id FROM payment_booking b
      JOIN payment_booking_session t ON t.id = b.session_id
      LEFT JOIN payment_booking_reservation r ON r.session_id = t.id
     WHERE b.state IN ('hold', 'confirmed')
       AND (b.start <> t.start OR t.state = 'cancelled' OR r.start <> t.start)
    UNION ALL
    SELECT s.id FROM payment_booking_seat s WHERE s.booking_id IS NULL
"""


class Client:
    """A guest with a browser: cookies, the token of the form, its key."""

    def __init__(self, port, cookies=None, address=None):
        self.port = port
        self.address = address  # where it comes from: each has its own rate limit
        self.cookies = dict(cookies or {})
        self.form = {}

    def request(self, method, path, form=None, params=None):
        """Send a request, again when the queue of the server's socket was full.

        :param dict form: fields of a form.
        :param dict params: parameters of a JSON route.
        """
        while True:
            try:
                return self._request(method, path, form, params)
            except ConnectionResetError:
                time.sleep(0.1)

    def _request(self, method, path, form, params):
        connection = http.client.HTTPConnection(
            "127.0.0.1",
            self.port,
            timeout=60,
            source_address=self.address and (self.address, 0),
        )
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            body = urlencode(form)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif params is not None:
            body = json.dumps({"jsonrpc": "2.0", "params": params})
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        for header in response.headers.get_all("Set-Cookie") or ():
            name, _equals, rest = header.partition("=")
            self.cookies[name] = rest.split(";")[0]
        return response.status, text, response.headers.get("Location") or ""

    def open_details(self, path, start):
        """Open the details page, as somebody does who will book in a moment."""
        self.path = f"{path}/details"
        moment = f"{start:%Y%m%dT%H%M}"
        status, text, _location = self.request("GET", f"{self.path}?start={moment}")
        assert status == 200, (status, text[:2000])
        self.form = {
            "csrf_token": CSRF.search(text)[1],
            "request_key": REQUEST_KEY.search(text)[1],
            "start": moment,
            "name": "Zoé Client",
            "email": "zoe@example.com",
        }
        return self

    def book(self, barrier):
        barrier.wait()
        return self.request("POST", self.path, self.form)


class RaceCommon(BaseCase):
    """A server with two workers on a database of its own, and what asks it."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        [source] = config["db_name"]
        cls.database = f"{source}_race"
        cls.files = Path(tempfile.mkdtemp())
        cls.addClassCleanup(shutil.rmtree, cls.files, ignore_errors=True)
        cls.addClassCleanup(cls._drop_database)
        cls._copy_database(source)
        cls.port = cls._free_port()
        cls._write_config()
        cls.environment = {
            **os.environ,
            "ODOO_RC": str(cls.rc),
            "RACE_RC": str(cls.rc),
            "RACE_DB": cls.database,
        }
        cls.services = cls._run(SEED)
        cls._start_server()
        cls.days = iter(range(10, 50))

    # === THE DATABASE AND THE SERVER === #

    @classmethod
    def _query(cls, sql, *values, database=None):
        """Run a statement that commits by itself, and return its rows."""
        _name, info = connection_info_for(database or cls.database)
        connection = psycopg2.connect(**info)
        connection.autocommit = True
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @classmethod
    def _copy_database(cls, source):
        # A database that somebody is connected to cannot be a template.
        cls._drop_database()
        for left in reversed(range(4)):
            odoo.sql_db.close_db(source)
            try:
                cls._query(
                    f'CREATE DATABASE "{cls.database}" TEMPLATE "{source}"',
                    database="postgres",
                )
                break
            except psycopg2.errors.ObjectInUse:
                if not left:
                    raise
                time.sleep(0.5)
        files = Path(config.filestore(source))
        if files.exists():
            target = Path(config.filestore(cls.database))
            shutil.copytree(files, target, copy_function=os.link, dirs_exist_ok=True)

    @classmethod
    def _drop_database(cls):
        # Not WITH (FORCE): it fails while PostgreSQL's own vacuum looks at it.
        cls._query(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE datname = %s AND usename = current_user",
            cls.database,
            database="postgres",
        )
        cls._query(f'DROP DATABASE IF EXISTS "{cls.database}"', database="postgres")
        shutil.rmtree(config.filestore(cls.database), ignore_errors=True)

    @classmethod
    def _free_port(cls):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            return free.getsockname()[1]

    @classmethod
    def _write_config(cls):
        options = {
            "addons_path": ",".join(config["addons_path"]),
            "data_dir": config["data_dir"],
            "db_host": config["db_host"],
            "db_port": config["db_port"],
            "db_user": config["db_user"],
            "db_password": config["db_password"],
            "db_name": cls.database,
            "dbfilter": f"^{re.escape(cls.database)}$",
            "http_interface": "127.0.0.1",
            "http_port": cls.port,
            "gevent_port": cls._free_port(),
            "workers": WORKERS,
            "max_cron_threads": 0,
            "list_db": False,
            "log_level": "warn",
            "logfile": cls.files / "server.log",
        }
        cls.rc = cls.files / "race.conf"
        lines = (f"{key} = {value}\n" for key, value in options.items() if value)
        # Zero means something for these.
        cls.rc.write_text("[options]\n" + "".join(lines) + "max_cron_threads = 0\n")

    @classmethod
    def _start_server(cls):
        cls.server = subprocess.Popen(
            [sys.executable, "-m", "odoo", "server", "-c", cls.rc],
            env=cls.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        cls.addClassCleanup(cls._stop_server)
        path = cls.services["private"]["path"]
        limit = time.monotonic() + 60
        while True:
            try:
                status, text, _location = Client(cls.port).request("GET", path)
                assert status == 200, text[:2000]
                break
            except OSError:
                assert cls.server.poll() is None, cls._log()
                assert time.monotonic() < limit, cls._log()
                time.sleep(0.2)
        # Both workers load what they need before the races.
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda _n: Client(cls.port).request("GET", path), range(8)))

    @classmethod
    def _stop_server(cls):
        cls.server.terminate()
        try:
            cls.server.wait(20)
        except subprocess.TimeoutExpired:
            cls.server.kill()
            cls.server.wait()

    @classmethod
    def _log(cls):
        log = cls.files / "server.log"
        return log.read_text() if log.exists() else ""

    # === HELPERS === #

    @classmethod
    def _run(cls, script, *arguments):
        """Run a script in a process of its own, and return what it says."""
        done = subprocess.run(
            [sys.executable, "-c", PREAMBLE + script, *map(json.dumps, arguments)],
            env=cls.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert not done.returncode, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def _next_start(self):
        """Return a start that no other test uses: noon UTC of a coming day."""
        now = datetime.utcnow().replace(hour=12, minute=0, second=0, microsecond=0)
        return now + timedelta(days=next(self.days))

    def _race(self, clients):
        """Let clients send their form at once, and return the answers."""
        barrier = threading.Barrier(len(clients))
        with ThreadPoolExecutor(len(clients)) as pool:
            return list(pool.map(lambda client: client.book(barrier), clients))

    def _sort(self, answers):
        """Return how many answers led to payment, and how many were "quicker"."""
        won = [a for a in answers if a[0] == 303 and "/pay/" in a[2]]
        lost = [a for a in answers if a[0] == 409]
        self.assertEqual(
            len(won) + len(lost),
            len(answers),
            [(a[0], a[2], a[1][:300]) for a in answers if a[0] not in (303, 409)],
        )
        for _status, text, _location in lost:
            self.assertIn("Someone was quicker", text)
            self.assertGreaterEqual(text.count("/details?start="), 3, "nearest slots")
        return len(won), len(lost)

    def _holds(self, key, start):
        return self._query(
            "SELECT id, seats FROM payment_booking WHERE service_id = %s "
            "AND start = %s AND state = 'hold'",
            self.services[key]["id"],
            start,
        )

    def _check_log(self):
        log = self._log()
        self.assertNotIn("Traceback", log, log[:3000])


@tagged("post_install", "-at_install")
class TestRace(RaceCommon):
    """Two clients never hold the same resource or place at the same time."""

    def _check_invariants(self):
        self.assertEqual(self._query(OVERLAPS), [])
        self.assertEqual(self._query(HALF_DONE), [])
        self._check_log()

    # === THE RACES === #

    def test_constraint_is_there(self):
        rows = self._query(
            "SELECT pg_get_constraintdef(oid), convalidated FROM pg_constraint "
            "WHERE conrelid = 'payment_booking_reservation'::regclass "
            "AND contype = 'x'"
        )
        self.assertEqual(len(rows), 1)
        self.assertTrue(rows[0][1])
        self.assertIn("tsrange(start, stop) WITH &&", rows[0][0])
        insert = (
            "INSERT INTO payment_booking_reservation "
            "(resource_id, start, stop, session_id) "
            "SELECT %s, %s::timestamp, %s::timestamp, t.id "
            "FROM payment_booking_session t LIMIT 1"
        )
        start = self._next_start()
        client = Client(self.port).open_details(self.services["class"]["path"], start)
        self.assertEqual(self._sort(self._race([client])), (1, 0))
        [(resource, left, right)] = self._query(
            "SELECT r.resource_id, r.start, r.stop FROM payment_booking_reservation r "
            "JOIN payment_booking_session t ON t.id = r.session_id WHERE t.start = %s",
            start,
        )
        with self.assertRaises(psycopg2.errors.ExclusionViolation):
            self._query(insert, resource, left, right)
        with self.assertRaises(psycopg2.errors.CheckViolation):
            self._query(insert, resource, right, right)

    def test_thirty_clients_on_one_place(self):
        start = self._next_start()
        path = self.services["private"]["path"]
        with ThreadPoolExecutor(8) as pool:
            clients = list(
                pool.map(
                    lambda _n: Client(self.port).open_details(path, start), range(30)
                )
            )
        self.assertEqual(self._sort(self._race(clients)), (1, 29))
        self.assertEqual(len(self._holds("private", start)), 1)
        everything = self._query(
            "SELECT count(*) FROM payment_booking WHERE service_id = %s AND start = %s",
            self.services["private"]["id"],
            start,
        )
        self.assertEqual(everything, [(1,)], "the losers left nothing")
        self._check_invariants()

    def test_twenty_clients_on_three_places(self):
        start = self._next_start()
        path = self.services["class"]["path"]
        with ThreadPoolExecutor(8) as pool:
            clients = list(
                pool.map(
                    lambda _n: Client(self.port).open_details(path, start), range(20)
                )
            )
        self.assertEqual(self._sort(self._race(clients)), (3, 17))
        seats = self._query(
            "SELECT s.seat FROM payment_booking_seat s JOIN payment_booking_session t "
            "ON t.id = s.session_id WHERE t.start = %s ORDER BY 1",
            start,
        )
        self.assertEqual(seats, [(1,), (2,), (3,)])
        self._check_invariants()

    def test_one_visitor_twice_at_once(self):
        start = self._next_start()
        path = self.services["private"]["path"]
        first = Client(self.port).open_details(path, start)
        tabs = [first]
        for _number in range(5):
            # Other tabs of the same browser, each with a form of its own.
            tab = Client(self.port, first.cookies).open_details(path, start)
            tab.cookies = dict(first.cookies)
            tabs.append(tab)
        # And an impatient double click: the same form twice.
        double = Client(self.port, first.cookies)
        double.path, double.form = first.path, dict(first.form)
        answers = self._race([*tabs, double])
        self.assertEqual([answer[0] for answer in answers], [303] * 7)
        self.assertEqual(len({answer[2] for answer in answers}), 1, "one pay page")
        self.assertEqual(len(self._holds("private", start)), 1)
        self._check_invariants()

    def test_one_form_sent_many_times_at_once(self):
        start = self._next_start()
        path = self.services["asked"]["path"]
        first = Client(self.port).open_details(path, start)
        _status, text, _location = first.request(
            "GET", f"{first.path}?start={first.form['start']}"
        )
        answers = {key: "Because" for key in ANSWER.findall(text)}
        self.assertEqual(len(answers), 2)
        answers.update(policy="1", policy_hash=POLICY_HASH.search(text)[1])
        first.form.update(answers)
        other = Client(self.port).open_details(path, start)
        other.form.update(answers)
        clients = [first, other]
        for client in (first, other):
            for _number in range(3):
                again = Client(self.port, client.cookies)
                again.path, again.form = client.path, dict(client.form)
                clients.append(again)
        # Eight forms of two visitors, who are the first to read this policy.
        results = self._race(clients)
        self.assertEqual({result[0] for result in results}, {303}, results)
        self.assertEqual(len({result[2] for result in results}), 2, "two pay pages")
        # And once more, on the pay page.
        pay_url = results[0][2]
        first.form.update(
            dict.fromkeys(answers, "1"), policy_hash=answers["policy_hash"]
        )
        again = []
        for _number in range(6):
            client = Client(self.port, first.cookies)
            client.path, client.form = f"{pay_url}/details", dict(first.form)
            again.append(client)
        self.assertEqual({result[0] for result in self._race(again)}, {303})
        rows = self._query(
            "SELECT b.id, count(DISTINCT a.id), count(DISTINCT s.id), "
            "count(DISTINCT s.policy_id), max(a.value) FROM payment_booking b "
            "JOIN payment_form_answer a ON a.booking_id = b.id "
            "JOIN payment_form_submission s ON s.booking_id = b.id "
            "WHERE b.service_id = %s AND b.start = %s GROUP BY b.id ORDER BY b.id",
            self.services["asked"]["id"],
            start,
        )
        self.assertEqual([row[1:4] for row in rows], [(2, 1, 1)] * 2)
        self.assertEqual({row[4] for row in rows}, {"1", "Because"})
        self.assertEqual(
            self._query("SELECT count(*) FROM payment_form_policy"), [(1,)]
        )
        self._check_invariants()

    def test_one_visitor_and_two_starts_at_once(self):
        path = self.services["private"]["path"]
        starts = [self._next_start(), self._next_start()]
        first = Client(self.port).open_details(path, starts[0])
        second = Client(self.port, first.cookies).open_details(path, starts[1])
        second.cookies = dict(first.cookies)
        answers = self._race([first, second])
        self.assertEqual({answer[0] for answer in answers}, {303})
        holds = sum(len(self._holds("private", start)) for start in starts)
        self.assertEqual(holds, 1, "one hold per visitor and service")
        self._check_invariants()

    def test_processes_on_overlapping_starts(self):
        start = self._next_start()
        minutes = timedelta(minutes=15)
        plan = [
            (self.services[key]["id"], (start + minutes * n * every).isoformat())
            for key, every in (
                ("private", 2),
                ("buffered", 1),
                ("pair", 2),
                ("class", 2),
                ("lesson", 1),
            )
            for n in range(3)
        ]
        done = subprocess.run(
            [sys.executable, "-c", PREAMBLE + RACERS, "8", json.dumps(plan)],
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=180,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        answers = json.loads(done.stdout.splitlines()[-1])
        won = answers.count("won")
        [(placed,)] = self._query(
            "SELECT count(*) FROM payment_booking WHERE visitor_key LIKE 'racer %%' "
            "OR guest_name LIKE 'Racer %%'"
        )
        self.assertEqual(won, placed, answers)
        self.assertGreater(won, 3)
        self.assertGreater(answers.count("taken"), 60)
        self.assertNotIn("DeadlockDetected", answers, "locks are taken in one order")
        self._check_invariants()

    # === PLANNED SESSIONS === #

    def _finals(self, answers, what):
        """Return how a kind of job ended in the end, each time."""
        return [a for w, a in answers if w == what and a in ("done", "refused")]

    def test_planning_overlapping_sessions_at_once(self):
        rounds = [self._next_start() for _number in range(4)]
        services = [self.services[key]["id"] for key in ("class", "group")]
        racers = [
            [
                [
                    "plan",
                    services[number % 2],
                    (start + timedelta(minutes=15 * (number % 3))).isoformat(),
                ]
                for start in rounds
            ]
            for number in range(6)
        ]
        answers = self._finals(self._run(SESSION_RACERS, racers), "plan")
        self.assertEqual(answers.count("done"), len(rounds), "one winner each")
        self.assertEqual(answers.count("refused"), 5 * len(rounds))
        self._check_invariants()

    def test_clients_on_the_last_place_of_a_planned_session(self):
        start = self._next_start() + timedelta(minutes=7)  # no usual start
        [session] = self._run(PLAN, [(self.services["class"]["id"], start.isoformat())])
        path = self.services["class"]["path"]
        first = Client(self.port).open_details(path, start)
        second = Client(self.port).open_details(path, start)
        self.assertEqual(self._sort(self._race([first, second])), (2, 0))
        with ThreadPoolExecutor(8) as pool:
            clients = list(
                pool.map(
                    lambda _n: Client(self.port).open_details(path, start), range(12)
                )
            )
        self.assertEqual(self._sort(self._race(clients)), (1, 11))
        seats = self._query(
            "SELECT seat FROM payment_booking_seat WHERE session_id = %s ORDER BY 1",
            session,
        )
        self.assertEqual(seats, [(1,), (2,), (3,)])
        self._check_invariants()

    def test_session_cancelled_or_moved_while_clients_book(self):
        service = self.services["group"]["id"]
        rounds = [self._next_start() for _number in range(6)]
        sessions = self._run(PLAN, [(service, start.isoformat()) for start in rounds])
        late = timedelta(minutes=20)
        racers = [
            [["place", service, start.isoformat()] for start in rounds]
            for _number in range(5)
        ]
        racers.append(
            [
                ["cancel", session, None]
                if number % 2
                else ["move", session, (start + late).isoformat()]
                for number, (start, session) in enumerate(
                    zip(rounds, sessions, strict=True)
                )
            ]
        )
        answers = self._run(SESSION_RACERS, racers)
        self.assertEqual(self._finals(answers, "cancel"), ["done"] * 3)
        self.assertEqual(self._finals(answers, "move"), ["done"] * 3)
        self.assertEqual(len(self._finals(answers, "place")), 5 * len(rounds))
        self._check_invariants()
        live = self._query(
            "SELECT DISTINCT t.state FROM payment_booking b JOIN "
            "payment_booking_session t ON t.id = b.session_id WHERE t.id = ANY(%s) "
            "AND b.state = 'confirmed'",
            sessions,
        )
        self.assertLessEqual(
            set(live), {("open",)}, "nobody is left in a cancelled one"
        )

    # === THE DESK === #

    def test_colleagues_at_the_desk(self):
        start = self._next_start()
        count = 6
        service_id = self.services["private"]["id"]
        result = self._run(DESK, count, service_id, start.isoformat())
        for step in ("dragged", "noted"):
            with self.subTest(step):
                answers = sorted(result[step])
                self.assertEqual(answers, ["done"] + ["refused"] * (count - 1))
        self.assertEqual(result["there"], 1)
        self.assertEqual(result["events"], [1] * count)
        paid, total = result["paid"]
        self.assertEqual(paid, total)
        self.assertEqual((result["transactions"], result["payments"]), (1, 1))
        self.assertEqual(result["invoice"], "paid")
        self._check_invariants()

    def test_one_request_by_everybody_at_once(self):
        everybody = ["record", "record", "pay", "edit", "cancel"]
        answers, found = self._run(REQUESTS, 8, everybody)
        self.assertNotIn("gave up", [answer for _id, _what, answer in answers])
        for request_id, state in found.items():
            took = [
                what
                for rid, what, answer in answers
                if str(rid) == request_id and what in ("record", "pay")
                if answer == "done"
            ]
            with self.subTest(answers=took, **state):
                self.assertLessEqual(len(took), 1, "taken once")
                self.assertEqual(state["transactions"], ["done"] * len(took))
                self.assertEqual(state["paid"], 120 * len(took))
                if took:
                    self.assertEqual(state["state"], "paid")
                else:
                    self.assertIn(state["state"], ("draft", "cancelled"))
                self.assertFalse(state["flag"])

    def test_two_tabs_start_one_payment(self):
        answers, found = self._run(REQUESTS, 6, ["start", "other_tab"] * 2)
        self.assertNotIn("gave up", [answer for _id, _what, answer in answers])
        for state in found.values():
            with self.subTest(**state):
                live = [tx for tx in state["transactions"] if tx != "cancel"]
                self.assertEqual(live, ["draft"], "one way to pay")
