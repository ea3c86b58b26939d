# Each target is one command of the program in dev/: python3 -m dev --help
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup demo test lint fmt i18n bench pictures shell psql clean

help:
	@echo "make demo              run Odoo with the addon and demonstration data"
	@echo "make test              run the tests, e.g. make test ARGS='-k hold'"
	@echo "make lint              check the style of every file"
	@echo "make fmt               write the style of every file"
	@echo "make i18n              refresh the translation template and catalogues"
	@echo "make bench             run the benchmarks"
	@echo "make pictures          make the pictures of the README"
	@echo "make shell             open an Odoo shell on the database DB"
	@echo "make psql              open psql on the database DB"
	@echo "make setup             only get what the others need"
	@echo "make clean             remove all that was got and made"
	@echo
	@echo "Variables: PORT, DB, PROVIDERS, WEBSITE, QUICK, WORKERS, ODOO_SOURCE, PYTHON, ARGS,"
	@echo "PGHOST, PGPORT, PGUSER, PGPASSWORD for a PostgreSQL server of your own."

setup lint fmt i18n:
	@$(PYTHON) -m dev $@

# exec: a signal sent to the command of make reaches the program.
demo test bench pictures psql:
	@exec $(PYTHON) -m dev $@ $(ARGS)

shell:
	@exec $(PYTHON) -m dev odoo shell $(ARGS)

clean:
	rm -rf .dev node_modules
