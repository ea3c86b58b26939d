"""Servers of Odoo, and visitors of their pages."""

import contextlib
import dataclasses
import http.client
import json
import os
import re
import subprocess
import time
from http.cookies import SimpleCookie
from urllib.parse import urlencode

from dev import databases, demo
from dev.core import LOGS, ROOT, free_port

# What Odoo says of each request: status, SQL queries, their time, the rest's time.
REQUEST = re.compile(
    r'"(?P<method>[A-Z]+) (?P<path>\S+) HTTP/[\d.]+" (?P<status>\d+) \S+ '
    r"(?P<queries>\d+) (?P<sql>[\d.]+) (?P<rest>[\d.]+)"
)
CSRF = re.compile(r'name="csrf_token"[^>]*?value="([^"]+)"')
REQUEST_KEY = re.compile(r'name="request_key"[^>]*?value="([^"]+)"')


@dataclasses.dataclass
class Site:
    """A running Odoo."""

    port: int
    log: object

    def requests(self, path):
        """Return the requests to a path: method, status, SQL queries, seconds."""
        found = []
        for match in REQUEST.finditer(self.log.read_text(errors="replace")):
            if match["path"].startswith(path):
                seconds = float(match["sql"]) + float(match["rest"])
                found.append(
                    (
                        match["method"],
                        int(match["status"]),
                        int(match["queries"]),
                        seconds,
                    )
                )
        return found


@contextlib.contextmanager
def running(server, database, addons_path, workers=0, environment=None):
    """Run Odoo on a database of a PostgreSQL server; stop it afterwards."""
    port = free_port()
    config = databases.write_config(
        server,
        database,
        addons_path=addons_path,
        server_wide_modules="base,rpc,web,pbp_bench",
        http_port=port,
        gevent_port=free_port(),
        workers=workers,
    )
    log = LOGS / f"bench-{database}-{workers}.log"
    LOGS.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as out:
        process = subprocess.Popen(
            [os.environ["PBP_ODOO_BIN"], "server", "-c", config],
            cwd=ROOT,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        demo.wait_until_ready(process, port, log)
        yield Site(port, log)
    finally:
        demo.stop(process)


@dataclasses.dataclass
class Answer:
    """What a server answered."""

    status: int
    headers: object
    body: bytes
    seconds: float

    @property
    def text(self):
        """Return the page."""
        return self.body.decode()


class Visitor:
    """A browser's cookies, and little else: most of the time must be the server's."""

    def __init__(self, site):
        """Be new to a site."""
        self.site = site
        self.cookies = SimpleCookie()

    def get(self, path):
        """Open a page."""
        return self.send("GET", path)

    def post(self, path, form):
        """Send a form."""
        return self.send(
            "POST", path, urlencode(form), "application/x-www-form-urlencoded"
        )

    def call(self, path, **params):
        """Call a JSON route and return its result."""
        answer = self.send("POST", path, json.dumps({"params": params}))
        return json.loads(answer.body)["result"]

    def send(self, method, path, body=None, kind="application/json"):
        """Send a request and return the answer; redirections are not followed."""
        cookies = [f"{name}={cookie.value}" for name, cookie in self.cookies.items()]
        headers = {"Cookie": "; ".join(cookies)} if cookies else {}
        if body is not None:
            headers["Content-Type"] = kind
        begin = time.perf_counter()
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.site.port, timeout=120
        )
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        seconds = time.perf_counter() - begin
        for cookie in response.headers.get_all("Set-Cookie") or []:
            self.cookies.load(cookie)
        return Answer(response.status, response.headers, content, seconds)
