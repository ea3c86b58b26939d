"""Run the fakes until told to stop: `python -m fakes`, in the folder above."""

import argparse
import json
import signal
import sys
import threading
from pathlib import Path

from . import FakeMollie, FakePaypal, FakeStripe


def main():
    """Run the fakes."""
    parser = argparse.ArgumentParser(prog="fakes", description=__doc__)
    parser.add_argument("--stripe-port", type=int, default=0)
    parser.add_argument("--mollie-port", type=int, default=0)
    parser.add_argument("--paypal-port", type=int, default=0)
    parser.add_argument("--webhook", default="http://127.0.0.1:8069")
    parser.add_argument("--state", help="a file to remember payments in")
    args = parser.parse_args()
    path = Path(args.state) if args.state else None
    # Mollie is told with each payment where to send its notifications.
    root = args.webhook.rstrip("/") + "/payment"
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_args: stop.set())
    with (
        FakeStripe(args.stripe_port, f"{root}/stripe/webhook", True) as stripe,
        FakeMollie(args.mollie_port, True) as mollie,
        FakePaypal(args.paypal_port, f"{root}/paypal/webhook/", True) as paypal,
    ):
        fakes = {"stripe": stripe, "mollie": mollie, "paypal": paypal}
        if path and path.exists():
            for name, kept in json.loads(path.read_text()).items():
                fakes[name].remember(kept)
        sys.stdout.write(
            " ".join(f"{n} {fake.root}" for n, fake in fakes.items()) + "\n"
        )
        sys.stdout.flush()
        stop.wait()
        if path:
            kept = {name: fake.get_memory() for name, fake in fakes.items()}
            path.write_text(json.dumps(kept))


if __name__ == "__main__":
    main()
