"""Set up, run, test and check the addons of this repository.

Run it from the root of the repository: ``python3 -m dev --help``. What it makes
lives in ``.dev/``; removing that folder removes every trace.
"""
