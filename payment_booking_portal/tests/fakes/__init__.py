"""Stand-ins for two payment providers, on this machine and without Odoo."""

from .mollie import FakeMollie
from .stripe import FakeStripe
