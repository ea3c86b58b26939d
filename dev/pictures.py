"""Make the pictures of the README, from the demonstration data."""

from . import databases, demo, postgres
from .core import lock, say
from .testing import start_pytest, wait

# A test that no run of the tests finds by itself.
SCRIPT = "payment_booking_portal/tests/pictures.py"


def pictures(arguments):
    """Write docs/img; return the exit status."""
    database = f"{databases.PREFIX}_pictures"
    with postgres.running() as server, lock("pictures"):
        # A fresh one: nobody has played with its bookings.
        databases.drop(server, database)
        demo.prepare(server, database)
        try:
            say("→ Taking the pictures …")
            process = start_pytest(server, database, [SCRIPT, "-q", *arguments])
            return wait(process, [process])
        finally:
            databases.drop(server, database)
