# `make demo` and `make test` set up everything themselves; they need python3 (3.11 or newer,
# with venv and pip) and make. The tests run against the wheel installed in .venv, never against
# the checkout.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PACKAGES := dataflow scheduler serialization

# Directories are listed too: removing a file changes its directory's time.
SOURCES := $(shell find $(PACKAGES) -name __pycache__ -prune -o \
             \( -type d -o -name '*.py' -o -name py.typed \) -print)
WHEEL = $$(ls dist/dataflow_runtime-*.whl)

PIP := -m pip --disable-pip-version-check --no-input -q
PYTEST := -m pytest -n 2 -q
DOCTEST := -m pytest --doctest-modules --pyargs -q $(PACKAGES)

# Nothing but the installed packages may be imported, and pip must compile what it installs.
export PYTHONSAFEPATH := 1
unexport PYTHONPATH PYTHONHOME PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all lint format docs bench lower-bounds wheel install clean

help:
	@echo "make demo          train, save and replay the digits example"
	@echo "make test          lint, types, tests and doctests against the built wheel"
	@echo "make test-all      the same with the long suites"
	@echo "make lint          ruff and mypy only"
	@echo "make format        let ruff format and mend what it can"
	@echo "make docs          write docs/operations.md and dataflow/declared.py anew"
	@echo "make bench         the benchmarks, against PyTorch, JAX and others (big downloads)"
	@echo "make lower-bounds  the tests with the oldest dependencies allowed"
	@echo "make clean         remove everything that make made"

demo: install
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python examples/digits.py

test: lint
	$(BIN)/python $(PYTEST) -m "not long" tests
	$(BIN)/python $(DOCTEST)

test-all: lint
	$(BIN)/python $(PYTEST) tests
	$(BIN)/python $(DOCTEST)

lint: install
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: install
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: install
	$(BIN)/python docs/generate.py

wheel: dist/.stamp
install: $(VENV)/.installed

$(VENV)/.stamp: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and \
	  "Python 3.11 or newer is needed; make PYTHON=/path/to/python3 names one")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python $(PIP) install "hatchling>=1.26"
	@touch $@

dist/.stamp: $(VENV)/.stamp $(SOURCES) pyproject.toml README.md LICENSE
	rm -rf dist
	$(BIN)/python $(PIP) wheel --no-build-isolation --no-deps --wheel-dir dist .
	@touch $@

# First the wheel alone, so that pip reads the new list of dependencies; then those.
$(VENV)/.installed: dist/.stamp
	$(BIN)/python $(PIP) install --compile --force-reinstall --no-deps "$(WHEEL)"
	$(BIN)/python $(PIP) install --compile "$(WHEEL)[test]"
	@touch $@

bench: dist/.stamp
	$(PYTHON) -m venv .venv-bench
	.venv-bench/bin/python $(PIP) install --compile --force-reinstall --no-deps "$(WHEEL)"
	.venv-bench/bin/python $(PIP) install --compile "$(WHEEL)[bench,scipy]"
	.venv-bench/bin/python benchmarks/run.py
	.venv-bench/bin/python benchmarks/suite.py

lower-bounds: dist/.stamp
	$(PYTHON) -m venv .venv-lower
	.venv-lower/bin/python -c 'import tomllib; \
	  print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["dependencies"], sep="\n")' \
	  | sed 's/>=/==/' > .venv-lower/constraints.txt
	.venv-lower/bin/python $(PIP) install --compile --force-reinstall --no-deps "$(WHEEL)"
	.venv-lower/bin/python $(PIP) install --compile -c .venv-lower/constraints.txt "$(WHEEL)[test]"
	.venv-lower/bin/python $(PYTEST) -m "not long" tests

clean:
	rm -rf .venv .venv-bench .venv-lower build dist .hypothesis .mypy_cache .pytest_cache .ruff_cache
	find $(PACKAGES) tests examples benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true
