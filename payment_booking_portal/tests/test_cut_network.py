"""A client pays on a train: the connection goes away, and comes back."""

from odoo.tests import tagged

from .common_browser import BrowserCommon

DIALOG = ".o_dialog .modal-body"
PAY = "button[name=o_payment_submit_button]:enabled"
# The request reaches the server, its answer does not reach the client.
LOSE_ANSWER = """(() => {
    const {open, send} = XMLHttpRequest.prototype;
    XMLHttpRequest.prototype.open = function (method, url) {
        this.pbpUrl = url;
        return open.apply(this, arguments);
    };
    XMLHttpRequest.prototype.send = function (body) {
        if (!this.pbpUrl.endsWith("/transaction") || window.pbpLost) {
            return send.apply(this, arguments);
        }
        window.pbpLost = true;
        const real = new XMLHttpRequest();
        real.open("POST", this.pbpUrl);
        real.setRequestHeader("Content-Type", "application/json");
        real.onload = () => this.dispatchEvent(new Event("error"));
        real.send(body);
    };
})()"""


@tagged("post_install", "-at_install")
class TestCutNetwork(BrowserCommon):
    def setUp(self):
        super().setUp()
        self.partner = self.env["res.partner"].create(
            {"name": "Camille Martin", "email": "camille@example.com"}
        )
        self.request = self.env["payment.request"].create(
            {
                "company_id": self.company.id,
                "partner_id": self.partner.id,
                "amount": 120,
                "reason": "Workshop",
            }
        )
        self.request.action_make_link()
        self.url = self.request._get_pay_url()

    def _choose(self, page):
        page.goto(self.url)
        page.click("input[name=o_payment_radio]")
        page.type("input[name=customer_input]", "4242 4242 4242 4242")

    def _read_dialog(self, page):
        page.find(DIALOG)
        text = page.evaluate(f"document.querySelector('{DIALOG}').innerText")
        page.click(".o_dialog footer button")
        page.wait_for("!document.querySelector('.o_dialog')")
        return text

    def _check_paid_once(self):
        self.env.invalidate_all()
        txs = self.request.sudo()._get_allocations().transaction_id
        self.assertEqual(txs.mapped("state").count("done"), 1)
        self.assertEqual(self.request.amount_paid, 120)
        self.assertEqual(self.request.state, "paid")

    def test_cut_before_the_payment(self):
        with self.open_page() as page:
            self._choose(page)
            offline = {
                "latency": 0,
                "downloadThroughput": -1,
                "uploadThroughput": -1,
            }
            page.send("Network.enable")
            page.send("Network.emulateNetworkConditions", offline=True, **offline)
            page.click(PAY)
            self.assertIn("You will not pay twice", self._read_dialog(page))
            page.send("Network.emulateNetworkConditions", offline=False, **offline)
            page.click(PAY, loads=True)
            page.wait_for("document.body.innerText.includes('Thank you')")
        self._check_paid_once()

    def test_answer_is_lost(self):
        with self.open_page() as page:
            self._choose(page)
            page.evaluate(LOSE_ANSWER)
            page.click(PAY)
            self.assertIn("You will not pay twice", self._read_dialog(page))
            page.click(PAY, loads=True)
            page.wait_for("document.body.innerText.includes('Thank you')")
        self._check_paid_once()
