"""Another website, of another site for the browser, that pastes our script."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

# Not the name that Odoo's tests use: for a browser it is a website of its own.
HOST = "localhost"
PAGE = """<!DOCTYPE html>
<html lang="{lang}">
<head>
<meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Studio</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/site.css">
<script src="/site.js"></script>
</head>
<body><main><h1>Welcome to the studio</h1>
<p>We cut hair, and we are open from Monday to Friday.</p>
{content}
<p><a id="after" href="/other">What else we do</a></p></main></body>
</html>"""
STYLE = """
body { font: 17px/1.5 Georgia, serif; margin: 0; background: #faf7f2; color: #222; }
main { max-width: 960px; margin: 0 auto; padding: 24px 16px; }
"""
# What a website does with our events.
SCRIPT = """
window.heard = [];
for (const name of ["booked", "paid", "closed"]) {
    addEventListener(`payment-booking:${name}`, (ev) => {
        window.heard.push(`${name} ${ev.target.id}`.trim());
    });
}
"""


class HostPages:
    """Pages by path, with headers of their own."""

    def __init__(self, port):
        self.origin = f"http://{HOST}:{port}"
        self.pages = {}
        self.set("/site.css", STYLE, kind="text/css")
        self.set("/site.js", SCRIPT, kind="text/javascript")

    def set(self, path, text, kind="text/html", **headers):
        """Serve a text at a path, whatever its query.

        :param headers: with `_` for `-`.
        """
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.pages[path] = (
            text.encode(),
            {"Content-Type": f"{kind}; charset=utf-8", **named},
        )

    def set_page(self, content, path="/", lang="en", **headers):
        """Serve a page of the website, and return its address."""
        self.set(path, PAGE.format(content=content, lang=lang), **headers)
        return f"{self.origin}{path}"


@contextmanager
def serve_host():
    """Serve a website on this machine as long as the block lasts."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            page = pages.pages.get(self.path.partition("?")[0])
            body, headers = page or (b"Not found", {"Content-Type": "text/plain"})
            self.send_response(200 if page else 404)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_args):
            """Override: the log of the tests is not about this."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    pages = HostPages(server.server_address[1])
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield pages
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
