"""The two databases: the one with our addon, and the peer's."""

import configparser
import contextlib
import os
import sys

import odoo
from odoo import SUPERUSER_ID, api
from odoo.modules.registry import Registry
from odoo.tools import config

from dev import databases
from dev.core import PYTHON, ROOT, STAMPS, STATE, digest, once, run, say
from dev.setup import odoo_version

# What the peer needs, from PyPI, into a folder of its own.
PEER = "resource_booking"
PACKAGES = [
    "odoo-addon-resource-booking==19.0.1.0.1.2",
    "odoo-addon-web-calendar-slot-duration==19.0.1.0.0.2",
    "cssselect==1.2.0",
]
FOLDER = STATE / "bench"
ADDONS = ",".join(
    str(path) for path in (ROOT, ROOT / "bench" / "addons", FOLDER / "odoo" / "addons")
)
# Odoo refuses to install the peer where Python does not find its requirement.
ENVIRONMENT = {"PYTHONPATH": str(FOLDER)}


def get_peer():
    """Get the peer's packages, once."""

    def install():
        """Install resource_booking from PyPI, for the benchmarks only."""
        pip = [PYTHON, "-m", "pip", "--disable-pip-version-check", "install"]
        run(
            [*pip, "--no-deps", "--upgrade", "--target", FOLDER, *PACKAGES], "bench-pip"
        )

    once("bench", digest(*PACKAGES), install, stamps=STAMPS)
    sys.path.append(str(FOLDER))


def peer_template(server):
    """Return the name of the template with the peer installed, made if needed."""
    key = digest(odoo_version(), *PACKAGES)
    template = f"{databases.PREFIX}_bench_peer_{key}"
    if not databases.exists(server, template):
        databases.clean(server, keep=template)
        say("→ Preparing a database with resource_booking (once) …")
        building = f"{template}_new"
        databases.create(server, building)
        try:
            os.environ.update(ENVIRONMENT)
            databases.odoo(
                server,
                building,
                "-i",
                PEER,
                f"--addons-path={ADDONS}",
                log="bench-install",
                checked=False,
            )
        except BaseException:
            databases.drop(server, building)
            raise
        databases.rename(server, building, template)
    return template


@contextlib.contextmanager
def peer_database(server):
    """Give a fresh database with the peer installed, dropped afterwards."""
    template = peer_template(server)
    database = f"{databases.PREFIX}_run_{os.getpid()}"
    databases.create(server, database, template)
    try:
        yield database
    finally:
        databases.drop(server, database)


def load(server, database):
    """Return the registry of a database, in this process."""
    path = databases.write_config(server, database, addons_path=ADDONS)
    config.parse_config(["-c", str(path)], setup_logging=False)
    return Registry(database)


@contextlib.contextmanager
def environment(registry, commit=False):
    """Give the superuser's environment; what is done is undone unless committed."""
    with registry.cursor() as cursor:
        yield api.Environment(cursor, SUPERUSER_ID, {})
        if commit:
            cursor.commit()
        else:
            cursor.rollback()


def close():
    """Close the connections of this process, so that databases can be dropped."""
    Registry.delete_all()
    odoo.sql_db.close_all()


def our_database():
    """Return the name of the database that the configuration in ``ODOO_RC`` names."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(os.environ["ODOO_RC"])
    return parser["options"]["db_name"]
