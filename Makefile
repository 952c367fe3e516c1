# Two commands: `make demo` runs the main job, `make test` proves that everything works.
SHELL := /bin/bash
.SHELLFLAGS := -o pipefail -c
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= xinheng-home
PORT ?= 8000

.PHONY: demo test lint bench clean help

help:
	@echo "make demo   make a city, train, score, and serve it at http://127.0.0.1:$(PORT)"
	@echo "make test   all tests"
	@echo "make lint   ruff and mypy"
	@echo "make bench  speed, as ratios and rates"
	@echo "make clean  remove the virtual environment and build output"

# Each made once, and again when the pinned versions change: what running needs, and what tests need.
INSTALL = $(BIN)/python -m pip install --disable-pip-version-check --no-compile --constraint constraints.txt
TELL = awk '/^Collecting/ {n++; printf "\r  looking at package %d: %-40.40s", n, $$2; fflush()} \
  /^Installing collected/ {printf "\r  installing %d packages, half a minute or so %20s\n", n, ""; fflush()}'

$(VENV)/runs: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) with the tested versions (once; a minute or two) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1,<27"
	@$(INSTALL) --editable ".[postgresql]" | $(TELL)
	@touch $@
	@echo "$(VENV) is ready."

$(VENV)/ready: $(VENV)/runs
	@echo "Adding what the tests need ..."
	@$(INSTALL) --group dev | $(TELL)
	@touch $@

demo: $(VENV)/runs
	@echo "A made-up city of 2,500 enterprises: generate, ingest, train, score, list, serve ..."
	@$(BIN)/xinheng demo --home $(HOME_FOLDER) --port $(PORT)

test: $(VENV)/ready
	@echo "All tests (a few minutes) ..."
	@$(BIN)/pytest -q

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

bench: $(VENV)/ready
	@$(BIN)/python benchmarks/speed.py

clean:
	rm -rf $(VENV) build dist src/xinheng.egg-info
