"""Read the command line and run one command."""

import importlib
import signal
import sys

from . import setup
from .core import DevError, enter_venv, say

# Command: its module, what it needs beside Python packages, what it does.
COMMANDS = {
    "setup": ("setup", {"odoo", "node"}, "get all that the other commands need"),
    "demo": ("demo", {"odoo"}, "run Odoo with the addon and demonstration data"),
    "test": ("testing", {"odoo", "node"}, "run the tests; arguments are for pytest"),
    "lint": ("lint", {"node"}, "check the style of every file"),
    "fmt": ("lint", {"node"}, "write the style of every file"),
    "pictures": ("pictures", {"odoo"}, "make the pictures of the README"),
    "i18n": ("i18n", {"odoo"}, "refresh the translation template and catalogues"),
    "bench": ("bench", {"odoo"}, "run the benchmarks; arguments are for them"),
    "odoo": ("tools", {"odoo"}, "run an Odoo command (default: shell) on DB"),
    "psql": ("tools", {"odoo"}, "open psql on DB"),
}


def main(arguments):
    """Run the asked command; return its exit status."""
    name, *rest = arguments or ["--help"]
    if name not in COMMANDS:
        say("usage: python3 -m dev COMMAND [ARGUMENT …]\n")
        for command, (_, _, text) in COMMANDS.items():
            say(f"  {command:<10}{text}")
        return 0 if name in ("-h", "--help", "help") else 2
    module, needs, _ = COMMANDS[name]
    # So that the blocks that stop servers and drop databases run on SIGTERM too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        setup.prepare()
        enter_venv()
        setup.prepare(*needs)
        command = getattr(importlib.import_module(f"dev.{module}"), name)
        return command(rest)
    except DevError as error:
        print(f"\nError: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("")
        return 130


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
