"""Run both fakes until told to stop: `python -m fakes`, in the folder above."""

import argparse
import signal
import sys
import threading

from . import FakeMollie, FakeStripe


def main():
    """Run both fakes."""
    parser = argparse.ArgumentParser(prog="fakes", description=__doc__)
    parser.add_argument("--stripe-port", type=int, default=0)
    parser.add_argument("--mollie-port", type=int, default=0)
    parser.add_argument("--webhook", default="http://127.0.0.1:8069")
    args = parser.parse_args()
    # Mollie is told with each payment where to send its notifications.
    webhook = args.webhook.rstrip("/") + "/payment/stripe/webhook"
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    with (
        FakeStripe(args.stripe_port, webhook_url=webhook, auto_deliver=True) as stripe,
        FakeMollie(args.mollie_port, auto_deliver=True) as mollie,
    ):
        sys.stdout.write(f"stripe {stripe.root} mollie {mollie.root}\n")
        sys.stdout.flush()
        stop.wait()


if __name__ == "__main__":
    main()
