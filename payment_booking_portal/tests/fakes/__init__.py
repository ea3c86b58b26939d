"""Stand-ins for three payment providers, on this machine and without Odoo."""

from .mollie import FakeMollie
from .paypal import FakePaypal
from .stripe import FakeStripe
