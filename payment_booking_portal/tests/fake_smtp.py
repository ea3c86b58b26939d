"""A mail server on this machine that says what a test wants to hear."""

import socketserver
import threading
from contextlib import contextmanager


class _Session(socketserver.StreamRequestHandler):
    """One client, with just enough of RFC 5321."""

    def handle(self):
        replies = self.server.replies
        self._say(replies.get("CONNECT", "220 fake.example ready"))
        while line := self.rfile.readline():
            verb = line.decode().split(":")[0].split(" ")[0].strip().upper()
            if verb == "EHLO":
                self._say("250-fake.example")
                self._say(replies.get("EHLO", "250 AUTH LOGIN PLAIN"))
            elif verb == "QUIT":
                self._say("221 Bye")
                return
            elif verb == "DATA" and "DATA" not in replies:
                self._say("354 Go on")
                content = b""
                while not content.endswith(b"\r\n.\r\n"):
                    content += self.rfile.readline()
                self.server.mails.append(content.decode())
                self._say(replies.get("END", "250 2.0.0 Ok: queued as 4F9D195432C"))
            else:
                self._say(replies.get(verb, "250 Ok"))

    def _say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


@contextmanager
def fake_smtp(**replies):
    """Run a mail server; its port is in `server_address`, its mails in `mails`.

    :param replies: other answers, by the command they answer: `RCPT="550 No"`, say;
        `CONNECT` and `END` (of the content) are no commands but moments.
    """
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), _Session) as server:
        server.daemon_threads = True
        server.mails = []
        server.replies = replies
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
