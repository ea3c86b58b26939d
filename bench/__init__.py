"""Benchmarks of the slots, the holds and the pay page: ``make bench``.

Each row measures two things side by side, in one run on one machine, and compares
them with a target: see ``docs/design.md``. The peer is the addon ``resource_booking``
of the Odoo Community Association, from PyPI, in a database of its own.

A row that misses its target says so; it does not fail the command.
"""
