"""Run Odoo with the addon and demonstration data."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request

from . import databases, fakes, postgres
from .core import (
    LOGS,
    ODOO,
    ROOT,
    DevError,
    addons,
    digest,
    free_port,
    lock,
    port_is_free,
    say,
)
from .setup import odoo_version

ADDON = "payment_booking_portal"
# What `WEBSITE=1` adds; it brings Odoo's `website`.
WEBSITE = "payment_booking_portal_website"
DEMO = "booking_demo"
WEBSITE_DEMO = "booking_website"
HOST = "127.0.0.1"
# What the end of the start shows: public pages, then who may log in.
PAGES = {
    "/book": "what a client sees first",
    "/my/bookings": "a client's own bookings",
    "/web/login": "staff",
}
LOGINS = {
    "admin": "administrator",
    "manager": "manager of the studio",
    "reception": "receptionist",
    "client": "client with an account",
}
START_SECONDS = 180
STOP_SECONDS = 15


def demo(arguments):
    """Start Odoo and stay until Ctrl-C; return the exit status."""
    port = number("PORT", 8069)
    if not port_is_free(port):
        raise DevError(
            f"Port {port} of 127.0.0.1 is in use. Stop what listens there, or choose "
            f"another one: make demo PORT={free_port(port + 1)}"
        )
    database = os.environ.get("DB") or default_database()
    with postgres.running() as server:
        with lock("demo"):
            prepare(server, database)
            set_address(server, database, port)
        if not fakes.are_wanted():
            return serve(server, database, port)
        with fakes.running(port, database) as roots:
            return serve(server, database, port, roots)


def default_database():
    """Return the database of the demo when `DB` names none."""
    if with_website():
        return WEBSITE_DEMO
    return fakes.DATABASE if fakes.are_wanted() else DEMO


def with_website():
    """Tell whether the demonstration is part of a website."""
    return os.environ.get("WEBSITE", "") not in ("", "0")


def number(variable, default):
    """Return a whole number from the environment."""
    value = os.environ.get(variable) or str(default)
    if not value.isdigit():
        raise DevError(f"{variable}={value} is not a number.")
    return int(value)


def prepare(server, database):
    """Make the database, or bring it up to date with the files of the addon."""
    if ADDON not in addons():
        raise DevError(f"There is no folder {ADDON} with a __manifest__.py.")
    version = odoo_version()
    names, modules = sorted(addons()), [ADDON]
    if fakes.are_wanted():
        names.append(fakes.FOLDER.relative_to(ROOT) / fakes.ADDON)
        modules.append(fakes.ADDON)
    else:
        modules.append(databases.DEMO_PROVIDER)
    if with_website():
        modules.append(WEBSITE)
    key = f"{version} {digest(*map(databases.addon_hash, names))}"
    key += " fake" * fakes.are_wanted()
    install = {"log": f"demo-{database}", **fakes.options(fakes.are_wanted())}
    if not databases.exists(server, database):
        say("→ Installing Odoo with demonstration data (two minutes, once) …")
        # Under another name until it is complete, so that a stop halfway is harmless.
        building = f"{database}_new"
        databases.create(server, building)
        wanted = ",".join(modules)
        databases.odoo(server, building, "-i", wanted, "--with-demo", **install)
        fakes.forget(database)
        note(server, building, key)
        databases.rename(server, building, database)
        return
    done = noted(server, database)
    if done is None:
        raise DevError(
            f"The database {database} was not made by this command, which would "
            "change it. Choose another name: make demo DB=booking_demo_2"
        )
    if is_fake(server, database) != fakes.are_wanted():
        raise DevError(
            f"The database {database} was made with the other PROVIDERS. Leave DB out, "
            "or choose another name."
        )
    if done != key:
        say("→ Updating the addon in the database …")
        wanted = ",".join(modules) if done.split()[0] == version else "base"
        databases.odoo(server, database, "-u", wanted, **install)
        note(server, database, key)


def set_address(server, database, port):
    """Make the links in mails and QR codes lead to this server.

    It is the address that is printed: who pays comes back to the same session.
    """
    server.query(
        "UPDATE ir_config_parameter SET value = %s WHERE key = 'web.base.url'",
        f"http://{HOST}:{port}",
        database=database,
    )


def note(server, database, key):
    """Write into a database what it was made from."""
    server.query(f'COMMENT ON DATABASE "{database}" IS %s', f"dev: {key}")


def noted(server, database):
    """Return what a database was made from; None if not by this program."""
    [(comment,)] = server.query(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database "
        "WHERE datname = %s",
        database,
    )
    return comment[5:] if (comment or "").startswith("dev: ") else None


def is_fake(server, database):
    """Tell whether the providers of a database are fakes."""
    return (noted(server, database) or "").endswith(" fake")


def serve(server, database, port, roots=None):
    """Run Odoo until it ends or is told to stop; return the exit status.

    :param dict roots: the addresses of the fakes by name, if they run.
    """
    log = LOGS / f"server-{database}.log"
    config = databases.write_config(
        server,
        database,
        http_port=port,
        gevent_port=free_port(port + 3),
        # Threads: with workers, live updates need a web server in front of Odoo.
        workers=number("WORKERS", 0),
        max_cron_threads=1,
        **fakes.options(bool(roots)),
    )
    say("→ Starting Odoo …")
    with log.open("wb") as out:
        process = subprocess.Popen(
            [ODOO, "server", "-c", config],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches only this program, which then stops Odoo in order.
            start_new_session=True,
        )
    try:
        wait_until_ready(process, port, log)
        announce(port, log, roots or {})
        status = process.wait()
        raise DevError(
            f"Odoo ended by itself with status {status}: see {log.relative_to(ROOT)}"
        )
    except (KeyboardInterrupt, SystemExit):
        say("\nStopping …")
        return 0
    finally:
        stop(process)


def wait_until_ready(process, port, log):
    """Wait until the first page answers."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            tail = log.read_text(errors="replace").splitlines()[-15:]
            raise DevError("Odoo did not start:\n" + "\n".join(tail))
        status = get(f"http://127.0.0.1:{port}/book")
        if status == 404:
            status = get(f"http://127.0.0.1:{port}/web/login")
        if status == 200:
            return
        time.sleep(0.3)
    raise DevError(
        f"No page answers after {START_SECONDS} s: see {log.relative_to(ROOT)}"
    )


def get(url):
    """Return the status of a page; 0 while nothing answers."""
    try:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code
    except OSError:
        return 0


def announce(port, log, roots):
    """Say that everything is there, and where."""
    address = f"http://{HOST}:{port}"
    say(f"\nReady: {address}")
    for page, text in PAGES.items():
        say(f"  {address + page:<38} {text}")
    for name, root in roots.items():
        say(f"  {root:<38} the fake {name.title()}: its payments, refunds, notices")
    say("Log in with (the password is the login):")
    for login, text in LOGINS.items():
        say(f"  {login:<38} {text}")
    say(f"Log: {log.relative_to(ROOT)}. Stop with Ctrl-C.")


def stop(process):
    """Stop Odoo and every process it started."""
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            pass
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    process.wait()
