"""Check or write the style of every file."""

import subprocess

from .core import ROOT, VENV, addons, say

RUFF = VENV / "bin" / "ruff"
PYLINT = VENV / "bin" / "pylint"
NODE = ROOT / "node_modules" / ".bin"
PRETTIER = [NODE / "prettier", "--log-level=warn", "--no-error-on-unmatched-pattern"]
ESLINT = [NODE / "eslint", "--max-warnings=0", "--no-error-on-unmatched-pattern"]


def lint(arguments):
    """Run every check, also after one failed; return the exit status."""
    return all_of(
        ("ruff check", [RUFF, "check", "."]),
        ("ruff format", [RUFF, "format", "--check", "."]),
        ("pylint-odoo", [PYLINT, "--rcfile=.pylintrc-mandatory", *addons()]),
        ("prettier", [*PRETTIER, "--check", "."]),
        ("eslint", [*ESLINT, "."]),
    )


def fmt(arguments):
    """Write the style of every file; return the exit status."""
    return all_of(
        ("ruff check", [RUFF, "check", "--fix", "."]),
        ("ruff format", [RUFF, "format", "."]),
        ("prettier", [*PRETTIER, "--write", "."]),
        ("eslint", [*ESLINT, "--fix", "."]),
    )


def all_of(*commands):
    """Run commands one after the other; return 1 if any failed."""
    failed = []
    for name, command in commands:
        say(f"→ {name}")
        if subprocess.run([str(word) for word in command], cwd=ROOT).returncode:
            failed.append(name)
    if failed:
        say(f"\nFailed: {', '.join(failed)}. Much of it is cured by: make fmt")
    return int(bool(failed))
