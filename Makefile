# The commands of this project. `make help` lists them.
#
# `make run` and `make test` need Python 3.11 or later and make, and do the rest themselves: a
# virtual environment in .venv, the packages of requirements/*.lock checked against their hashes,
# and this project installed so that changes in src/ count at once. Nothing is installed outside
# .venv. What is in place is not done again: a stamp in .venv remembers each step.
#
# Here stands how a command is started, never what it does: that is Python, in src/ or tools/.
# CI runs the same targets (.ci/run and .github/workflows/ci.yml).

PORT ?= 8080
PYTHON ?=
ARGS ?=

VENV := .venv
PY := $(VENV)/bin/python
PIP := $(PY) -m pip --disable-pip-version-check --no-input
LOCKED := $(PIP) install -qq --require-hashes --only-binary :all:
# The build backend is in the lock, so the project itself is installed without asking an index.
PROJECT := $(PIP) install -qq --no-deps --no-build-isolation --no-index --editable .

MADE := $(VENV)/.made-in
RUN := $(VENV)/.has-run
DEV := $(VENV)/.has-dev
BENCH := $(VENV)/.has-bench

# What is formatted, linted and typed. The folders that come later count as soon as they exist.
CODE := src tests tools $(wildcard examples benchmarks)
TYPED := src tests tools $(wildcard examples)

# An environment that was moved here, or whose Python has gone, is made anew (tools/venv.sh).
ifneq ($(shell test "$$(cat $(MADE) 2>/dev/null)" = "$$PWD" && $(PY) -c pass 2>/dev/null && echo usable),usable)
.PHONY: $(MADE)
endif

.DEFAULT_GOAL := help
.PHONY: help run test check format-check lint types imports links bench crash format lock changelog clean

help:  ## list these commands
	@echo "make COMMAND, where COMMAND is one of:"
	@sed -n 's/^\([a-z-]*\):.*  ## \(.*\)/  \1|\2/p' Makefile | awk -F'|' '{printf "%-14s %s\n", $$1, $$2}'

# --- the commands -----------------------------------------------------------------------------

run: $(RUN)  ## serve the example tenants on 127.0.0.1:8080 (PORT=9000 for another port)
	@exec $(PY) -m reception serve --config examples/reception.toml --port $(PORT)

test: $(DEV)  ## run the tests (ARGS="-k menu" passes options to pytest)
	@$(PY) -m pytest $(ARGS)

check: $(DEV)  ## format, lint, types, import rules, links in the docs; all, also when one fails
	@$(MAKE) --no-print-directory --keep-going format-check lint types imports links

bench: $(BENCH)  ## measure Reception, with and without dialogs, against the bare server and a hand-made app
	@$(PY) -m benchmarks $(ARGS)
	@$(PY) -m benchmarks.durable $(ARGS)

crash: $(DEV)  ## kill workers and the database under load (ARGS="--cycles 50 --seed 1"); an hour
	@$(PY) -m tests.crash $(ARGS)

format: $(DEV)  ## rewrite the code in the house format, mend what the linter can mend
	@$(PY) -m ruff check --fix --quiet --exit-zero $(CODE)
	@$(PY) -m ruff format $(CODE)

lock: .make/has-uv  ## make requirements/*.lock anew, with releases at least a week old
	@echo "Making the locks:"
	@$(PY) tools/lock.py .make/locker/bin/uv

changelog: $(MADE)  ## move changes/*.md into CHANGELOG.md (VERSION=0.2.0)
	@$(PY) tools/changelog.py release "$(VERSION)"

clean:  ## remove everything that these commands made
	rm -rf $(VENV) .make build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis \
	    src/*.egg-info examples/reception-data
	find src tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# --- the parts of check -----------------------------------------------------------------------

format-check: $(DEV)
	@echo "Format:"
	@$(PY) -m ruff format --check $(CODE)

lint: $(DEV)
	@echo "Lint:"
	@$(PY) -m ruff check $(CODE)

types: $(DEV)
	@echo "Types:"
	@$(PY) -m mypy --strict $(TYPED)

imports: $(DEV)
	@echo "Import rules:"
	@# Its cache remembers what a file's imports led to when another file was not there yet.
	@$(VENV)/bin/lint-imports --no-logo --no-cache

links: $(DEV)
	@echo "Links in the docs, changelog fragments:"
	@$(PY) tools/docs_links.py
	@$(PY) tools/changelog.py check

# --- the set-up -------------------------------------------------------------------------------

$(MADE): tools/venv.sh
	@MAKECMDGOALS="$(MAKECMDGOALS)" sh tools/venv.sh "$(PYTHON)"
	@touch $@

$(RUN): $(MADE) requirements/run.lock requirements/build.lock pyproject.toml
	@echo "Installing what Reception needs to run into $(VENV) ..."
	@$(LOCKED) -r requirements/run.lock -r requirements/build.lock
	@$(PROJECT)
	@touch $@

# dev.lock holds what run.lock holds, so this is enough for `make run` as well.
$(DEV): $(MADE) requirements/dev.lock pyproject.toml
	@echo "Installing what the tests and checks need into $(VENV) ..."
	@$(LOCKED) -r requirements/dev.lock
	@$(PROJECT)
	@touch $@

$(BENCH): $(RUN) requirements/bench.lock
	@echo "Installing what the benchmark compares with into $(VENV) ..."
	@$(LOCKED) -r requirements/bench.lock
	@touch $@

.make/has-uv: $(MADE) requirements/locker.lock
	@$(PY) -m venv .make/locker
	@.make/locker/bin/python -m pip --disable-pip-version-check --no-input install -qq \
	    --require-hashes --only-binary :all: -r requirements/locker.lock
	@touch $@
