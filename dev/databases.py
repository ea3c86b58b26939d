"""Databases: templates kept by what they were made from, and their clones."""

import contextlib
import os
import re
import shutil
import subprocess
import tempfile

from .core import (
    LOGS,
    ODOO,
    ROOT,
    STATE,
    DevError,
    addons,
    digest,
    lock,
    run,
    say,
)
from .setup import odoo_version

DATA = STATE / "data"
CONFIGS = STATE / "conf"
# Every name of this checkout begins so: a server may serve several checkouts.
PREFIX = f"pbp_{digest(str(ROOT))[:5]}"
# Only for demonstration and tests, hence in no manifest.
DEMO_PROVIDER = "payment_demo"
TESTED = {DEMO_PROVIDER, "payment_paypal", "account_qr_code_sepa"}
# A change in other files (scripts, styles, pictures) needs no new installation.
INSTALLED = {".py", ".xml", ".csv", ".po", ".sql", ".html"}
NOT_INSTALLED = {"tests", "static", "readme"}
BUNDLES = [
    "bus.websocket_worker_assets",
    "web.assets_backend_lazy",
    "web.assets_frontend",
    "web.assets_frontend_lazy",
    "web.assets_frontend_minimal",
    "web.assets_tests",
    "web.assets_web",
    "web.assets_web_print",
    "web.fullcalendar_lib",
    "web.report_assets_common",
    "web.report_assets_pdf",
]
RECORD = re.compile(
    r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+ \d+ (?P<level>[A-Z]+) \S+ (?P<logger>\S+): "
)


def addon_hash(name):
    """Return a hash of the files of an addon that its installation reads."""
    folder = ROOT / name
    parts = []
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if (
            path.suffix in INSTALLED
            and relative.parts[0] not in NOT_INSTALLED
            and path.is_file()
        ):
            parts += [str(relative), path]
    return digest(*parts)


def static_hash(name):
    """Return a hash of the scripts and styles of an addon."""
    files = [
        path for path in sorted((ROOT / name).glob("static/**/*")) if path.is_file()
    ]
    return digest(*[part for path in files for part in (str(path.name), path)])


def closure(name):
    """Return an addon and those of this repository under it, lowest first."""
    own = addons()
    found = []

    def add(addon):
        for depend in own[addon].get("depends", []):
            if depend in own:
                add(depend)
        if addon not in found:
            found.append(addon)

    add(name)
    return found


def dependencies(names):
    """Return the modules from elsewhere that the addons stand on."""
    own = addons()
    found = set(TESTED)
    for name in names:
        found.update(own[name].get("depends", []))
    return sorted(found - set(own))


def write_config(server, database, **more):
    """Write the Odoo configuration for one database and return its path."""
    options = {
        "addons_path": ROOT,
        "data_dir": DATA,
        "db_host": server.host,
        "db_port": server.port,
        "db_user": server.user,
        "db_password": server.password,
        "db_name": database,
        "dbfilter": f"^{re.escape(database)}$",
        "http_interface": "127.0.0.1",
        "list_db": False,
        "max_cron_threads": 0,
        **more,
    }
    CONFIGS.mkdir(parents=True, exist_ok=True)
    path = CONFIGS / f"{database}.conf"
    lines = (f"{key} = {value}\n" for key, value in options.items() if value != "")
    path.write_text("[options]\n" + "".join(lines))
    return path


def exists(server, database):
    """Tell whether a database exists."""
    return bool(server.query("SELECT 1 FROM pg_database WHERE datname = %s", database))


def create(server, database, template="template0"):
    """Create a database, as a copy of another one and of its files if asked."""
    drop(server, database)
    if template == "template0":
        server.query(
            f"CREATE DATABASE \"{database}\" ENCODING 'unicode' LC_COLLATE 'C' "
            "TEMPLATE template0"
        )
        return
    # Thousands of small files: to copy them is quicker than to write a log of them.
    copy = " STRATEGY FILE_COPY" if server.version >= 150000 else ""
    server.query(f'CREATE DATABASE "{database}" TEMPLATE "{template}"{copy}')
    files = DATA / "filestore" / template
    if files.exists():
        # Odoo never writes into a file it has stored, so the copies may share it.
        shutil.copytree(files, DATA / "filestore" / database, copy_function=os.link)


def drop(server, database):
    """Drop a database and its files, whoever is connected."""
    # Not WITH (FORCE): it fails while PostgreSQL's own vacuum looks at the database,
    # which a plain drop sends away.
    server.query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = %s AND usename = current_user AND pid <> pg_backend_pid()",
        database,
    )
    server.query(f'DROP DATABASE IF EXISTS "{database}"')
    shutil.rmtree(DATA / "filestore" / database, ignore_errors=True)
    (CONFIGS / f"{database}.conf").unlink(missing_ok=True)


def rename(server, old, new):
    """Rename a database and its files."""
    shutil.rmtree(DATA / "filestore" / new, ignore_errors=True)
    server.query(f'ALTER DATABASE "{old}" RENAME TO "{new}"')
    (CONFIGS / f"{old}.conf").unlink(missing_ok=True)
    if (DATA / "filestore" / old).exists():
        (DATA / "filestore" / old).rename(DATA / "filestore" / new)


def odoo(server, database, *arguments, log, checked=True, **more):
    """Run Odoo to its end on a database; fail on a warning of ours if checked.

    :param more: for the configuration.
    """
    config = write_config(server, database, **more)
    LOGS.mkdir(parents=True, exist_ok=True)
    path = LOGS / f"{log}.log"
    with path.open("wb") as out:
        done = subprocess.run(
            [ODOO, "server", "-c", config, "--no-http", *arguments]
            + ["--stop-after-init"],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
        )
    records = list(bad_records(path.read_text(errors="replace")))
    if done.returncode:
        serious = [text for level, _, text in records if level != "WARNING"]
        tail = serious[-1:] or path.read_text(errors="replace").splitlines()[-15:]
        raise DevError(
            f"Odoo failed (all of it: {path.relative_to(ROOT)}):\n" + "\n".join(tail)
        )
    if checked:
        check_log(records, path, database)


def bad_records(text):
    """Yield level, logger and text of each warning or error in an Odoo log."""
    record = None
    for line in [*text.splitlines(), "2000-01-01 00:00:00,0 0 INFO - end: "]:
        match = RECORD.match(line)
        if match:
            if record and record[0] in ("WARNING", "ERROR", "CRITICAL"):
                yield record[0], record[1], "\n".join(record[2])
            record = (match["level"], match["logger"], [line])
        elif record:
            record[2].append(line)


def check_log(records, path, database):
    """Fail if a warning or error comes from, or speaks of, an addon of ours."""
    names = list(addons())

    def speaks_of_us(logger, text):
        if logger == "py.warnings":
            # Its first line names the file at fault. The rest is how it was reached,
            # through files of ours too when we call Odoo's.
            text = text.partition("\n")[0]
        # The name of the database, and so of its files, may hold that of an addon.
        text = text.replace(database, "")
        return any(name in text for name in names)

    ours = [text for _, logger, text in records if speaks_of_us(logger, text)]
    if ours:
        raise DevError(
            f"The log of the installation must hold no warning of ours "
            f"(all of it: {path.relative_to(ROOT)}):\n" + "\n".join(ours)
        )


def make_template(server, name, modules, template="template0", checked=True):
    """Make a template database that appears only when it is complete."""
    if exists(server, name):
        return
    building = f"{name}_new"
    create(server, building, template)
    try:
        modules = ",".join(modules)
        odoo(server, building, "-i", modules, log="install-" + name, checked=checked)
    except BaseException:
        drop(server, building)
        raise
    rename(server, building, name)


def test_template(server, addon):
    """Return the name of the template with an addon installed, made if needed."""
    names = closure(addon)
    depends = dependencies(names)
    base_key = digest(odoo_version(), *depends)
    base = f"{PREFIX}_base_{addon}_{base_key}"
    hashes = [part for name in names for part in (name, addon_hash(name))]
    template = f"{PREFIX}_{addon}_{digest(base_key, *hashes)}"
    if not exists(server, template):
        clean(server, keep=base)
        if not exists(server, base):
            say("→ Preparing a database with what the addon needs (once) …")
            make_template(server, base, depends, checked=False)
        say(f"→ Installing {addon} …")
        make_template(server, template, names, base)
        clean(server, keep=template)
    made_of = digest(template, str(BUNDLES), *map(static_hash, names))
    pages = f"{PREFIX}_{addon}_pages_{made_of}"
    if not exists(server, pages):
        say("→ Building the scripts and styles of the pages …")
        building = f"{pages}_new"
        create(server, building, template)
        build_pages(server, building)
        rename(server, building, pages)
        clean(server, keep=pages)
    return pages


def build_pages(server, database):
    """Store the scripts and styles of the pages that browser tests open.

    Odoo would build them again in each class of such tests, for ten seconds.
    """
    script = (
        f"for name in {BUNDLES}:\n"
        "    env['ir.qweb']._get_asset_bundle(name, css=False).js()\n"
        "    env['ir.qweb']._get_asset_bundle(name, js=False).css()\n\n"
        "env.cr.commit()\n"
    )
    with tempfile.TemporaryFile() as code:
        code.write(script.encode())
        code.seek(0)
        config = write_config(server, database)
        run([ODOO, "shell", "-c", config, "--no-http"], "pages", stdin=code)


def clean(server, keep):
    """Drop the templates that one replaces, and what broken runs left behind."""
    family = re.escape(keep.rpartition("_")[0])
    replaced = re.compile(rf"{family}_[0-9a-f]{{12}}(_new)?")
    run = re.compile(rf"{PREFIX}_run_(\d+)(?:_\w+)?")
    for (name,) in server.query("SELECT datname FROM pg_database"):
        left = run.fullmatch(name)
        if (replaced.fullmatch(name) and name != keep) or (
            left and not alive(int(left.group(1)))
        ):
            drop(server, name)


def alive(pid):
    """Tell whether a process runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


@contextlib.contextmanager
def clone(server, addon, suffix=""):
    """Give a fresh database with an addon installed, dropped afterwards."""
    with lock("databases"):
        template = test_template(server, addon)
        database = f"{PREFIX}_run_{os.getpid()}{suffix}"
        create(server, database, template)
    try:
        yield database
    finally:
        drop(server, database)
