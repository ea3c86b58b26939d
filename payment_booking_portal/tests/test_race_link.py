"""Payers at once on the last payment of a direct link, with real server workers."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from odoo.tests import tagged

# The module, not its tests: pytest would run them again.
from . import test_race
from .test_race import CSRF, REQUEST_KEY, Client

LINKS = """
with registry.cursor() as cr:
    env = api.Environment(cr, SUPERUSER_ID, {})
    links = env["payment.direct.link"].create([
        {"name": f"Race {number}", "amount": 10, "title": "Race",
         "max_payments": json.loads(sys.argv[2])}
        for number in range(json.loads(sys.argv[1]))
    ])
    provider = env.ref("payment.payment_provider_demo")
    print(json.dumps({
        "links": [{"id": link.id, "path": link.url[-25:]} for link in links],
        "provider": provider.id,
        "method": provider.payment_method_ids[:1].id,
    }))
"""


class Payer(Client):
    """A guest who fills in a direct link and pays."""

    def open(self, path):
        """Read the form of a link."""
        self.path = path
        status, text, _location = self.request("GET", path)
        assert status == 200, (status, text[:2000])
        self.form = {
            "csrf_token": CSRF.search(text)[1],
            "request_key": REQUEST_KEY.search(text)[1],
            "currency": "USD",
            "name": f"Payer {self.address}",
            "email": "payer@example.com",
        }
        return self

    def fill(self, barrier=None):
        """Send the form, and return the answer."""
        if barrier:
            barrier.wait()
        answer = self.request("POST", self.path, self.form)
        self.pay_path = urlsplit(answer[2]).path
        return answer

    def pay(self, barrier, provider, method):
        """Start a payment, and return the transaction's reference or the error."""
        barrier.wait()
        status, text, _location = self.request(
            "POST",
            f"{self.pay_path}/transaction",
            params={
                "provider_id": provider,
                "payment_method_id": method,
                "token_id": None,
                "flow": "direct",
                "tokenization_requested": False,
                "access_token": "x",
            },
        )
        assert status == 200, (status, text[:2000])
        answer = json.loads(text)
        if "error" in answer:
            return False, answer["error"]["data"]["message"]
        return True, answer["result"]["reference"]


@tagged("post_install", "-at_install")
class TestRaceLink(test_race.RaceCommon):
    def _payers(self, path, count):
        payers = [
            Payer(self.port, address=f"127.0.1.{number}").open(path)
            for number in range(1, count + 1)
        ]
        for payer in payers:
            status, text, _location = payer.fill()
            self.assertEqual(status, 303, text[:2000])
        return payers

    def _at_once(self, payers, action):
        barrier = threading.Barrier(len(payers))
        with ThreadPoolExecutor(len(payers)) as pool:
            return list(pool.map(lambda payer: action(payer, barrier), payers))

    def _transactions(self, link_id):
        return self._query(
            "SELECT tx.id FROM payment_transaction tx "
            "JOIN payment_transaction_allocation a ON a.transaction_id = tx.id "
            "JOIN payment_request r ON r.id = a.request_id "
            "WHERE r.direct_link_id = %s",
            link_id,
        )

    def test_last_payment_of_a_link(self):
        data = self._run(LINKS, 6, 1)
        for link in data["links"]:
            payers = self._payers(link["path"], 4)
            answers = self._at_once(
                payers,
                lambda payer, barrier: payer.pay(
                    barrier, data["provider"], data["method"]
                ),
            )
            lost = [text for won, text in answers if not won]
            self.assertEqual(len(lost), 3, answers)
            for text in lost:
                self.assertIn("Somebody was quicker", text)
                self.assertIn("You were not charged", text)
            self.assertEqual(len(self._transactions(link["id"])), 1)
            for payer, (won, _text) in zip(payers, answers, strict=True):
                status, text, _location = payer.request("GET", payer.pay_path)
                self.assertEqual(status, 200 if won else 410)
                if not won:
                    self.assertIn("Someone was quicker", text)
        self._check_log()

    def test_several_payments_left(self):
        data = self._run(LINKS, 2, 3)
        for link in data["links"]:
            answers = self._at_once(
                self._payers(link["path"], 6),
                lambda payer, barrier: payer.pay(
                    barrier, data["provider"], data["method"]
                ),
            )
            self.assertEqual(sum(won for won, _text in answers), 3, answers)
            self.assertEqual(len(self._transactions(link["id"])), 3)
        self._check_log()

    def test_same_form_sent_at_once_makes_one_request(self):
        data = self._run(LINKS, 4, 0)
        for link in data["links"]:
            payer = Payer(self.port, address="127.0.2.1").open(link["path"])
            clicks = []
            for _click in range(4):
                click = Payer(self.port, payer.cookies, payer.address)
                click.path, click.form = payer.path, payer.form
                clicks.append(click)
            answers = self._at_once(clicks, lambda click, barrier: click.fill(barrier))
            self.assertEqual({answer[0] for answer in answers}, {303}, answers)
            self.assertEqual(len({answer[2] for answer in answers}), 1)
            [(count,)] = self._query(
                "SELECT count(*) FROM payment_request WHERE direct_link_id = %s",
                link["id"],
            )
            self.assertEqual(count, 1)
        self._check_log()

    def test_opened_is_counted_once_and_stops_no_payment(self):
        data = self._run(LINKS, 1, 50)
        [link] = data["links"]
        payers = self._payers(link["path"], 4)
        visitor = Payer(self.port, address="127.0.3.1").open(link["path"])
        lookers = [Payer(self.port, visitor.cookies, "127.0.3.1") for _n in range(4)]

        def act(payer, barrier):
            if payer in lookers:
                barrier.wait()
                opened = f"{link['path']}/opened"
                return payer.request("POST", opened, params={})[0] == 200, "opened"
            return payer.pay(barrier, data["provider"], data["method"])

        answers = self._at_once([*payers, *lookers], act)
        self.assertTrue(all(done for done, _text in answers), answers)
        self.assertEqual(len(self._transactions(link["id"])), 4)
        [(count,)] = self._query(
            "SELECT count(*) FROM payment_direct_link_visit WHERE link_id = %s",
            link["id"],
        )
        self.assertEqual(count, 1)
        self._check_log()
