"""What the fakes share: a server on loopback, a log of requests, and faults."""

import copy
import html
import json
import queue
import re
import secrets
import string
import threading
import time
import traceback
import urllib.error
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlsplit

PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
* {{ box-sizing: border-box }}
body {{ font: 1rem/1.5 system-ui, sans-serif; color: #1f2937; background: #f3f4f6;
    margin: 0; padding: 1rem }}
main {{ max-width: {width}; margin: 1rem auto; padding: 1.5rem; background: #fff;
    border-radius: .75rem; box-shadow: 0 1px 4px #0003 }}
h1 {{ font-size: 1.4rem; margin: 0 0 1rem }}
.test {{ margin: 0 0 1rem; padding: .5rem .75rem; border-radius: .5rem;
    background: #fef3c7; font-size: .9rem }}
.amount {{ font-size: 2rem; font-weight: 700; line-height: 1.2; margin: 0 }}
.small {{ color: #4b5563; font-size: .9rem; overflow-wrap: anywhere }}
label {{ display: block; padding: .35rem 0 }}
button {{ font: inherit; padding: .6rem 1rem; border: 1px solid #9ca3af;
    border-radius: .5rem; background: #fff; color: inherit; cursor: pointer }}
button:hover {{ background: #f3f4f6 }}
.first {{ display: block; width: 100%; margin: 1rem 0; font-weight: 600; color: #fff;
    background: #1d4ed8; border-color: #1d4ed8 }}
.first:hover {{ background: #1e40af }}
.others {{ display: flex; flex-wrap: wrap; gap: .5rem }}
ul {{ list-style: none; margin: 1rem 0 0; padding: 0 }}
li {{ display: flex; flex-wrap: wrap; gap: .25rem 1rem; align-items: center;
    padding: .75rem 0; border-top: 1px solid #e5e7eb }}
li > div {{ flex: 1 1 14rem; min-width: 0 }}
li button {{ padding: .3rem .7rem; font-size: .9rem }}
</style></head>
<body><main><p class="test">A fake on this machine: no real money moves.</p>
<h1>{title}</h1>{body}</main></body></html>"""


def page(title, body, width="28rem"):
    """Return a page in HTML; the body is trusted, the title is not."""
    return PAGE.format(title=html.escape(title), body=body, width=width)


def tab_closed():
    """Return what is seen by a client who does not go back to the shop."""
    text = "The shop does not know that you were here. You may close this tab."
    return Answer(page("You did not go back", f"<p>{text}</p>"))


LEAVE = (
    '<label><input type="checkbox" name="leave" value="1"> Close the tab: do not go '
    "back to the shop</label>"
)
LOSE = (
    '<label><input type="checkbox" name="lose" value="1"> Lose the notification</label>'
)


@dataclass
class Request:
    """A request that reached a fake."""

    method: str
    path: str
    query: list
    headers: dict
    body: bytes

    @property
    def form(self):
        """Return the pairs of the query and of a form, Odoo sends one with GET too."""
        body = self.body.decode() if b"{" not in self.body[:1] else ""
        return self.query + parse_qsl(body, keep_blank_values=True)


@dataclass
class Answer:
    """What a fake answers."""

    body: object = ""
    status: int = 200
    headers: dict = field(default_factory=dict)


class Refused(Exception):
    """An answer that is an error; `keep` it under its idempotency key."""

    def __init__(self, answer, keep=False):
        super().__init__(answer.body)
        self.answer = answer
        self.keep = keep


@dataclass
class Fault:
    """Something that goes wrong with the next requests."""

    times: int = 1
    path: str = ""
    method: str = ""
    delay: float = 0
    status: int = 0
    cut: bool = False
    # Is the operation done before it goes wrong?
    done: bool = False
    hold: threading.Event = None
    reached: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    # server_close would wait for the threads whose requests a test holds.
    block_on_close = False
    request_queue_size = 64

    def handle_error(self, request, client_address):
        """Keep a client that went away out of the log of the tests."""


class _Handler(BaseHTTPRequestHandler):
    # HTTP/1.0, the default: a connection for each request, so that one which is
    # refused is never one that was kept alive.

    def log_message(self, format, *args):  # noqa: A002
        """Keep the requests out of the log of the tests: they have their own."""

    def _serve(self):
        url = urlsplit(self.path)
        request = Request(
            self.command,
            url.path,
            parse_qsl(url.query, keep_blank_values=True),
            {name.lower(): value for name, value in self.headers.items()},
            self.rfile.read(int(self.headers.get("Content-Length") or 0)),
        )
        fake = self.server.fake
        fault = fake._log(request) or Fault()
        time.sleep(fault.delay)
        answer = None
        if fault.done or not (fault.status or fault.cut):
            if fault.hold and not fault.done:
                self._hold(fault)
            answer = fake._answer(request)
        fault.over.set()
        if fault.hold and fault.done:
            self._hold(fault)
        fault.reached.set()
        if fault.status:
            answer = fake.trouble(fault.status)
        self._send(answer or fake.trouble(500), fault.cut)

    def _hold(self, fault):
        fault.reached.set()
        fault.hold.wait(60)

    def _send(self, answer, cut=False):
        is_page = isinstance(answer.body, str)
        body = (answer.body if is_page else json.dumps(answer.body)).encode()
        headers = {
            "Content-Type": "text/html; charset=utf-8",
            "Access-Control-Allow-Origin": "*",
            # A star does not stand for the first of them.
            "Access-Control-Allow-Headers": "Authorization, *",
            "Access-Control-Allow-Methods": "*",
            "Content-Length": str(len(body)),
            "Cache-Control": "no-store",
        }
        if not is_page:
            headers["Content-Type"] = self.server.fake.content_type
        lines = [f"HTTP/1.0 {answer.status} {self.responses[answer.status][0]}"]
        lines += [
            f"{name}: {text}" for name, text in (headers | answer.headers).items()
        ]
        content = "\r\n".join(lines).encode() + b"\r\n\r\n" + body
        # Half of the body, behind headers that promise all of it.
        self.wfile.write(content[: len(content) - len(body) // 2 - 1 if cut else None])

    do_GET = do_POST = do_DELETE = do_OPTIONS = do_PATCH = do_PUT = _serve


class FakeServer:
    """A provider on loopback: a context manager, or `start` and `stop`.

    `routes` are triples of a method, a pattern of the path and the name of the method
    that answers; its groups are the arguments after the request. All of them run behind
    one lock, `lock`.
    """

    content_type = "application/json"
    key_header = "idempotency-key"
    routes = ()

    def __init__(self, port=0, auto_deliver=False):
        self.lock = threading.RLock()
        self.auto_deliver = auto_deliver
        self.lose = False  # send no webhook until told otherwise
        self.forgets = False  # idempotency keys, as the real ones do after a day
        self.lags = False  # show no refunds in lists yet
        self.requests = []
        self.errors = []  # of the fake itself
        self.deliveries = []  # (address, body, status or None) of each webhook sent
        self.objects = {}
        self._faults = []
        self._replays = {}
        self._port = port
        self._server = None
        self._outbox = queue.Queue()
        self._listen()
        threading.Thread(target=self._post_all, daemon=True).start()

    # The server

    def _listen(self):
        self._server = _Server(("127.0.0.1", self._port), _Handler)
        self._server.fake = self
        self._port = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True
        ).start()

    def stop(self):
        """Stop listening: from now on connections are refused."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def start(self):
        """Listen on the same port again."""
        if not self._server:
            self._listen()

    def __enter__(self):
        return self

    def __exit__(self, *args):
        self.stop()
        self._outbox.put(None)

    @property
    def root(self):
        """Return the address of the API, without a path."""
        return f"http://127.0.0.1:{self._port}"

    # What a test says and asks

    def fail(self, times=1, **values):
        """Let the next requests go wrong, and return the fault.

        :param times: how many requests, the ones that fit `path` and `method`.
        :param values: `path` (a pattern), `method`; `delay` in seconds; `status` to
            answer; `cut`: half of an answer, then a closed connection; `hold`: an
            event to wait for; `done`: whether the operation is done first. The event
            `reached` of the fault tells that a request is there, `over` that what it
            asked for is done, if it ever is.
        """
        fault = Fault(times=times, **values)
        with self.lock:
            self._faults.append(fault)
        return fault

    @contextmanager
    def refusing(self):
        """Refuse connections within a block."""
        self.stop()
        try:
            yield
        finally:
            self.start()

    def calls(self, method="", path=""):
        """Return the requests so far that fit a method and a pattern of a path."""
        with self.lock:
            return [r for r in self.requests if self._fits(r, method, path)]

    def reset_log(self):
        """Forget the requests so far and the faults to come."""
        with self.lock:
            self.requests.clear()
            self._faults.clear()

    @staticmethod
    def _fits(request, method, path):
        return method in ("", request.method) and re.search(path, request.path)

    # From one run to the next

    def get_memory(self):
        """Return what is there, to be written into a file."""
        with self.lock:
            return {"objects": copy.deepcopy(self.objects)}

    def remember(self, memory):
        """Take what `get_memory` returned."""
        with self.lock:
            self.objects.update(memory["objects"])

    # What happens to a request

    def _log(self, request):
        with self.lock:
            self.requests.append(request)
            for fault in self._faults:
                if fault.times and self._fits(request, fault.method, fault.path):
                    fault.times -= 1
                    return fault

    def _answer(self, request):
        if request.method == "OPTIONS":
            return Answer(status=204)
        with self.lock:
            try:
                for method, pattern, name in self.routes:
                    match = re.fullmatch(pattern, request.path)
                    if match and method == request.method:
                        return self._once(request, name, match.groups())
                if request.path == "/":
                    return self._overview(request)
                return self.trouble(404)
            except Refused as refused:
                return refused.answer
            except Exception:
                # A mistake of the fake: tests look here, the client sees a 500.
                self.errors.append(traceback.format_exc())
                return self.trouble(500)

    def _once(self, request, name, args):
        key = request.headers.get(self.key_header)
        if not request.path.startswith("/v") or request.path == "/v3/":
            return getattr(self, name)(request, *args)
        self.authenticate_request(request)
        may_repeat = request.method not in ("POST", "DELETE", "PATCH")
        if not key or may_repeat or self.forgets:
            return getattr(self, name)(request, *args)
        what = (request.method, request.path, self.fingerprint(request))
        if key in self._replays:
            before, answer = self._replays[key]
            if before != what:
                raise Refused(self.conflict(key))
            return Answer(
                answer.body,
                answer.status,
                answer.headers | {"Idempotent-Replayed": "true"},
            )
        try:
            answer = getattr(self, name)(request, *args)
        except Refused as refused:
            if refused.keep:
                self._replays[key] = (what, copy.deepcopy(refused.answer))
            raise
        self._replays[key] = (what, copy.deepcopy(answer))
        return answer

    def _overview(self, request):
        if request.method == "POST":
            form = dict(request.form)
            if "lose" in form:
                self.lose = form["lose"] == "1"
            else:
                self.act(form.get("action"), form.get("id"))
            return Answer(status=303, headers={"Location": "/"})
        state, label = ("lost", "Send") if self.lose else ("sent", "Lose")
        rows = "".join(map(self._overview_row, self.overview()))
        return Answer(
            page(
                type(self).__name__.removeprefix("Fake"),
                f'<form method="post"><p>Notifications are {state}. '
                f'<button name="lose" value="{int(not self.lose)}">{label} '
                f"notifications</button></p></form><ul>{rows}</ul>"
                + ("" if rows else "<p>Nothing was paid here yet.</p>"),
                width="48rem",
            )
        )

    @staticmethod
    def _overview_row(row):
        key, text, status, actions = row
        buttons = "".join(
            f'<button name="action" value="{action}">{label}</button>'
            for action, label in actions.items()
        )
        return (
            f"<li><div>{html.escape(text)}<br>"
            f'<span class="small">{html.escape(key)}</span></div>'
            f"<strong>{html.escape(str(status))}</strong>"
            f'<form method="post" class="others"><input type="hidden" name="id" '
            f'value="{html.escape(key)}">{buttons}</form></li>'
        )

    def overview(self):
        """Return what was paid and went back, newest first.

        :return: tuples of the id, a text, the state and what can be done: see `act`.
        """
        raise NotImplementedError

    def act(self, action, key):
        """Do what a button of the overview says."""
        raise NotImplementedError

    # What each provider does its own way

    def authenticate_request(self, request):
        """Refuse a request with a wrong key."""
        raise NotImplementedError

    def fingerprint(self, request):
        """Return what must be the same under one idempotency key."""
        return request.body

    def conflict(self, key):
        """Return the answer to another request under a used key."""
        raise NotImplementedError

    def trouble(self, status):
        """Return the answer of a provider in trouble, or of one that is too busy."""
        raise NotImplementedError

    # Webhooks

    def post(self, address, body, headers):
        """Send a webhook and return the status of its answer, None if there is none."""
        request = urllib.request.Request(address, body, headers)
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                status = response.status
        except urllib.error.HTTPError as error:
            status = error.code
        except OSError:
            status = None
        self.deliveries.append((address, body, status))
        return status

    def post_later(self, *args):
        """Send a webhook in the thread that sends them, one after the other."""
        if self.auto_deliver and not self.lose:
            self._outbox.put(args)

    def repeat(self, address, *args):
        """Send a webhook once more, because a person says so."""
        if address:
            self._outbox.put((address, *args))

    def wait_sent(self):
        """Wait until the thread has sent all there was to send."""
        self._outbox.join()

    def _post_all(self):
        while args := self._outbox.get():
            self.post(*args)
            self._outbox.task_done()

    # Ids

    def new_id(self, prefix, length=24):
        """Return an id that looks like the provider's."""
        letters = string.ascii_letters + string.digits
        return prefix + "".join(secrets.choice(letters) for _index in range(length))
