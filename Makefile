# Two commands: `make demo` runs the main job, `make test` proves that everything works.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOME_FOLDER ?= xinheng-home
PORT ?= 8000

.PHONY: demo test lint bench clean help

help:
	@echo "make demo   make a town, train, rank, and serve it at http://127.0.0.1:$(PORT)"
	@echo "make test   all tests"
	@echo "make lint   ruff and mypy"
	@echo "make bench  speed, as ratios and rates"
	@echo "make clean  remove the virtual environment and build output"

# Made once, and again when the pinned versions change.
$(VENV)/ready: pyproject.toml constraints.txt
	@echo "Setting up $(VENV) with the tested versions (once; a minute or two) ..."
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check "pip>=25.1,<27"
	@$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[postgresql]" --group dev
	@touch $@
	@echo "$(VENV) is ready."

demo: $(VENV)/ready
	@echo "Made-up town of 2,000 food businesses: generate, ingest, train, rank, serve ..."
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
