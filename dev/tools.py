"""Open Odoo's own commands, or psql, on a database of this checkout."""

import os
import subprocess

from . import databases, demo, fakes, postgres
from .core import ODOO, ROOT, DevError, need


def odoo(arguments):
    """Run an Odoo command, such as shell, on the database DB."""
    with postgres.running() as server:
        database = chosen(server)
        more = fakes.options(demo.is_fake(server, database))
        config = databases.write_config(server, database, **more)
        command, *rest = arguments or ["shell"]
        return attended([ODOO, command, "-c", config, *rest], server)


def psql(arguments):
    """Open psql on the database DB."""
    with postgres.running() as server:
        command = [need("psql", "postgresql-client"), chosen(server), *arguments]
        return attended(command, server)


def chosen(server):
    """Return the database that DB names, or the one of make demo."""
    database = os.environ.get("DB") or demo.default_database()
    if not databases.exists(server, database):
        names = server.query(
            "SELECT datname FROM pg_database WHERE NOT datistemplate ORDER BY 1"
        )
        raise DevError(
            f"There is no database {database}. Name another one in DB: "
            + ", ".join(name for (name,) in names)
        )
    return database


def attended(command, server):
    """Run a command at the terminal; Ctrl-C is for it alone."""
    environment = {**os.environ, **server.environment}
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    while True:
        try:
            return process.wait()
        except KeyboardInterrupt:
            continue
