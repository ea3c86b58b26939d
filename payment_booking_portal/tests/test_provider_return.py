"""Who comes back from a provider's page in a browser that we do not know."""

from urllib.parse import parse_qsl, urlencode, urlsplit

from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from .common import NOW
from .gateway_common import GatewayCommon
from .http_common import BookingHttpCommon

LANDING = "/pay/somewhere/status"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestProviderReturn(GatewayCommon, BookingHttpCommon):
    def setUp(self):
        super().setUp()
        self.http_request_allow_all = True  # the fakes are on another port
        self._new_visitor()

    def _start(self, provider, local="2026-03-03 09:00"):
        """Return a transaction that was started on a page of ours, and the query with
        which its client comes back.
        """
        tx = self._begin(self._place(local=local, visitor_key=local), provider)
        tx.write({"client_key": "somebody", "landing_route": LANDING})
        if provider == self.stripe:
            intent = tx.provider_reference
            return tx, {"reference": tx.reference, "payment_intent": intent}
        payment = self.fakes["mollie"].objects[tx.provider_reference]
        return tx, dict(parse_qsl(urlsplit(payment["redirectUrl"]).query))

    def _come_back(self, tx, query):
        """Return the path that the client is sent to."""
        self.env.flush_all()
        path = f"/payment/{tx.provider_code}/return?{urlencode(query)}"
        with mute_logger("odoo.addons.payment_stripe.controllers.main"):
            return urlsplit(self._get(path).headers["Location"]).path

    def test_lands_without_a_session(self):
        for provider in (self.stripe, self.mollie):
            with self.subTest(provider.code):
                tx, query = self._start(provider, f"2026-03-03 1{provider.id % 2}:00")
                self._pay_there(tx)
                self.assertEqual(self._come_back(tx, query), LANDING)
                self.assertEqual(tx.state, "done", "and was asked about")

    def test_a_reference_proves_nothing(self):
        other_proofs = {}
        for provider in (self.stripe, self.mollie):
            tx, query = self._start(provider, f"2026-03-04 1{provider.id % 2}:00")
            other_proofs[provider] = query
        for provider, name in (
            (self.stripe, "payment_intent"),
            (self.mollie, "access_token"),
        ):
            tx, query = self._start(provider, f"2026-03-05 1{provider.id % 2}:00")
            for proof in ("", "x", "é", other_proofs[provider][name], None):
                with self.subTest(provider.code, proof=proof):
                    tried = {**query, name: proof}
                    if proof is None:
                        del tried[name]
                    self.assertEqual(self._come_back(tx, tried), "/payment/status")

    def test_unknown_reference(self):
        for provider, name in ((self.stripe, "reference"), (self.mollie, "ref")):
            tx, query = self._start(provider, f"2026-03-06 1{provider.id % 2}:00")
            with self.subTest(provider.code), mute_logger("odoo.http"):
                path = f"/payment/{provider.code}/return?"
                answer = self._get(path + urlencode({**query, name: "nobody"}))
                self.assertNotIn(LANDING, answer.headers.get("Location", ""))

    def test_pages_of_odoo_stay_as_they_are(self):
        """An invoice that is paid on Odoo's own page goes back there."""
        tx, query = self._start(self.mollie, "2026-03-09 10:00")
        tx.client_key = False
        self.assertEqual(self._come_back(tx, query), "/payment/status")
