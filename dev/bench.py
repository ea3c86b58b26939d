"""Run the benchmarks with a server at hand."""

import os
import subprocess

from . import databases, postgres
from .core import ODOO, PYTHON, ROOT, say


def bench(arguments):
    """Run ``python -m bench``; return its exit status.

    It finds in PG* the server, in ``ODOO_RC`` the configuration of a fresh database
    with the addon installed, and in ``PBP_ODOO_BIN`` the command that starts Odoo.
    """
    if not (ROOT / "bench" / "__main__.py").exists():
        say("There are no benchmarks: bench/__main__.py is missing.")
        return 2
    with postgres.running() as server:
        with databases.clone(server, "payment_booking_portal") as database:
            config = databases.write_config(server, database)
            environment = {
                **os.environ,
                **server.environment,
                "ODOO_RC": str(config),
                "PBP_ODOO_BIN": str(ODOO),
            }
            command = [PYTHON, "-m", "bench", *arguments]
            process = subprocess.Popen(command, cwd=ROOT, env=environment)
            while True:
                try:
                    return process.wait()
                except KeyboardInterrupt:
                    # The terminal told it as well: let it stop its servers.
                    continue
                except SystemExit:
                    process.terminate()
                    process.wait()
                    raise
