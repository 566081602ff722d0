# The commands of this repository. `make` lists them; each one sets up first what it needs.

.DEFAULT_GOAL := help
.PHONY: help setup setup-test up test check format docs bench pins clean
.NOTPARALLEL:

BIN := .venv/bin
CODE := libs services plugins tools
CONFIG ?= config/demo.yaml
# Which tests to run, and how: `make test TESTS=tests/poller PYTEST="-x -k drops"`.
TESTS ?= tests
PYTEST ?=
# Which figures to measure, all when not given: `make bench BENCH="messages poll_rate"`.
BENCH ?=

help: ## list these commands
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do printf 'make %-12s %s\n' "$$name" "$$text"; done

setup: ## install what a site needs to run, once
	@tools/setup.sh run

setup-test: ## install that, and what the checks and tests need
	@tools/setup.sh test

up: setup ## run a site: the simulated one, or yours with CONFIG=your.yaml
	@$(BIN)/hashbus up --config $(CONFIG)

# Four at a time on two cores, as most of a test is waiting for a server; each file by itself, as the emulated miners of
# a file have addresses of their own.
test: setup-test check ## check the code and run all tests
	$(BIN)/pytest -n 4 --dist loadfile $(PYTEST) $(TESTS)

check: setup-test ## lint, types, architecture, sizes, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports --no-logo
	$(BIN)/python tools/shape.py
	@if [ -e tools/contract.py ]; then set -x; $(BIN)/python tools/contract.py --check; fi
	$(BIN)/python tools/supported.py --check
	$(BIN)/python tools/dashboards.py --check
	$(BIN)/python tools/metrics_page.py --check
	$(BIN)/python tools/rest_page.py --check

format: setup-test ## put every file into the one form
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: setup-test ## write the files that are generated from messages and drivers
	$(BIN)/python tools/contract.py
	$(BIN)/python tools/supported.py
	$(BIN)/python tools/dashboards.py
	$(BIN)/python tools/metrics_page.py
	$(BIN)/python tools/rest_page.py

bench: setup-test ## measure the figures of benchmarks/README.md
	$(BIN)/python -m benchmarks.run $(BENCH)

pins: setup-test ## pin the newest packages that the ranges allow
	@tools/pins.sh

clean: ## remove everything that was made here
	rm -rf .venv .tools .hypothesis .mypy_cache .pytest_cache .ruff_cache .import_linter_cache tools/asyncapi/node_modules
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
