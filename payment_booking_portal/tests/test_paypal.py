"""PayPal takes money only when this server says so, and what it says is checked."""

from odoo.exceptions import UserError, ValidationError
from odoo.tests import freeze_time, tagged
from odoo.tools import mute_logger

from ..exceptions import AlreadyPaid
from ..gateways import UNKNOWN
from .common import NOW
from .fakes import FakePaypal
from .gateway_common import GatewayCommon
from .http_common import BookingHttpCommon

PROVIDER_LOG = "odoo.addons.payment.models.payment_provider"


@tagged("post_install", "-at_install")
@freeze_time(NOW)
class TestPaypal(GatewayCommon, BookingHttpCommon):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.paypal_provider = cls._open_provider(
            "paypal",
            paypal_email_account="studio@example.com",
            paypal_client_id="client_fake",
            paypal_client_secret="secret_fake",
            paypal_webhook_id="webhook_fake",
        )
        cls.paypal = cls.env.ref("payment.payment_method_paypal")
        cls.paypal.active = True

    def _make_fakes(self):
        return {"paypal": FakePaypal()}

    def setUp(self):
        super().setUp()
        self.fake = self.fakes["paypal"]
        self.fake.webhook_url = f"{self.base_url()}/payment/paypal/webhook/"
        self.booking = self._place()
        self.tx, self.order = self._approve(self.booking)
        self.env.flush_all()

    def _approve(self, booking):
        """Return a transaction, and its order as the client approved it."""
        tx = self._start_payment(
            booking,
            provider_id=self.paypal_provider.id,
            payment_method_id=self.paypal.id,
            operation="online_direct",
        )
        order = tx._get_processing_values()["order_id"]
        self.fake.approve(order)
        return tx, order

    def _capture(self, order=None):
        order = order or self.order
        return self.tx._send_api_request(
            "POST", f"/v2/checkout/orders/{order}/capture", idempotency_key=self.order
        )

    def _assert_nothing_taken(self, words):
        with self.assertRaisesRegex(UserError, words):
            self._capture()
        self.assertFalse(self.fake.balance("usd"))

    # === NOTIFICATIONS === #

    def test_what_paypal_does_not_vouch_for_changes_nothing(self):
        order = {**self.fake.render(self.fake.objects[self.order])}
        order["status"] = "COMPLETED"
        address, body, headers = self.fake._mail(order, "CHECKOUT.ORDER.COMPLETED")
        bare = {"Content-Type": headers["Content-Type"]}
        with self.allow_requests(all_requests=True), mute_logger(PROVIDER_LOG):
            self.assertEqual(self.fake.post(address, body, bare), 403)
        self.env.invalidate_all()
        self.assertEqual(self.tx.state, "draft")
        self.assertEqual(self.booking.state, "hold")

    # === WHAT IS CAPTURED === #

    def test_order_is_the_one_of_the_payment(self):
        _tx, order = self._approve(self._place(local="2026-03-04 11:00"))
        with self.assertRaisesRegex(UserError, "given up"):
            self._capture(order)
        self.assertFalse(self.fake.balance("usd"))
        self._capture()
        self.assertEqual(self.fake.balance("usd"), 60)

    def test_what_is_paid_meanwhile_is_not_taken(self):
        tx = self._start_payment(self.booking)
        tx._set_pending()
        self._assert_nothing_taken("not charged.*being processed")
        tx._set_done()
        self._assert_nothing_taken("not charged.*already paid")

    def test_more_than_is_due_is_not_taken(self):
        self.booking._editing().amount_total = 50.0
        self._assert_nothing_taken("not charged.*Only.*50.00")

    def test_what_is_done_is_not_taken_again(self):
        self.tx._set_done()
        self._assert_nothing_taken("already")

    # === A LOST ANSWER === #

    @mute_logger(PROVIDER_LOG)
    def test_lost_answer_is_asked_for(self):
        for times, calls in ((1, 2), (2, 2)):
            with self.subTest(times=times):
                self.fake.reset_log()
                self.fake.fail(times, path="capture", status=500, done=True)
                answer = self._capture()
                self.assertEqual(answer["status"], "COMPLETED")
                self.assertEqual(len(self.fake.calls(path="capture")), calls)
                self.assertEqual(self.fake.balance("usd"), 60)

    @mute_logger(PROVIDER_LOG)
    def test_money_of_which_nobody_heard_is_not_dead(self):
        self.fake.fail(3, path="orders/", status=500, done=True)
        with self.assertRaises(ValidationError):
            self._capture()
        self.assertEqual(self.fake.balance("usd"), 60)
        self.assertTrue(self.booking._is_money_underway())
        self.fake.fail(1, path="orders/", status=500)
        self.assertEqual(self.tx._stop("Another way"), UNKNOWN)
        self.assertEqual(self.tx.state, "draft")
        try:
            self.booking._cancel_or_block(self.tx)
            self.fail("it could be paid twice")
        except AlreadyPaid as error:
            self.assertEqual(error.document, self.booking)
        self.assertEqual(self.tx.state, "done")

    @mute_logger(PROVIDER_LOG)
    def test_order_that_paypal_forgot_is_dead(self):
        del self.fake.objects[self.order]
        self.assertEqual(self.tx._stop("Another way"), "dead")
        self.assertEqual(self.tx.state, "cancel")
