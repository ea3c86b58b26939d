"""Refresh the translation templates and catalogues of the addons."""

import re
from pathlib import Path

from . import databases, postgres
from .core import ODOO, ROOT, addons, run, say


def i18n(arguments):
    """Export each addon's .pot and merge it into its .po files."""
    with postgres.running() as server:
        for addon in addons():
            with databases.clone(server, addon) as database:
                config = databases.write_config(server, database)
                folder = ROOT / addon / "i18n"
                folder.mkdir(exist_ok=True)
                new = folder / f"{addon}.new.pot"
                command = [ODOO, "i18n", "export", "-c", config]
                run([*command, "-d", database, "-o", new, addon], "i18n-export")
                refresh(new, folder / f"{addon}.pot")
                for catalogue in sorted(folder.glob("*.po")):
                    merge(folder / f"{addon}.pot", catalogue)
    return 0


def refresh(new, old):
    """Put a new template in the place of the old one if more than dates changed."""
    dates = re.compile(r'(?m)^"(POT-Creation|PO-Revision)-Date:.*\n')
    before = old.read_text() if old.exists() else ""
    if dates.sub("", new.read_text()) == dates.sub("", before):
        new.unlink()
    else:
        new.replace(old)
        say(f"→ {old.relative_to(ROOT)} changed")


def merge(template, catalogue):
    """Bring the entries of a catalogue in line with the template."""
    import polib

    before = Path(catalogue).read_text()
    translations = polib.pofile(str(catalogue), wrapwidth=78)
    translations.merge(polib.pofile(str(template)))
    # A term that is gone would be kept as a comment for ever.
    for entry in translations.obsolete_entries():
        translations.remove(entry)
    after = str(translations)
    if after.strip() != before.strip():
        Path(catalogue).write_text(after.rstrip("\n") + "\n")
    missing = len(translations.untranslated_entries() + translations.fuzzy_entries())
    say(f"  {catalogue.relative_to(ROOT)}: {missing} to translate")
