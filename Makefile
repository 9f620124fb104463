# Two commands do all the set-up on a machine that has only python3 and make: `make demo` and `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: demo test check lint format types unit slow benchmarks clean

demo: $(VENV)/installed  ## minimise real functions; writes demo/ and prints what it found
	$(BIN)/python examples/demo.py

test: check slow  ## everything that CI runs

check: lint types unit  ## the fast part

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

format: $(VENV)/installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

types: $(VENV)/installed-dev
	$(BIN)/mypy

unit: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -n 2 -m "not slow"

slow: $(VENV)/installed-dev
	$(BIN)/python -m pytest -q -n 2 -m slow

benchmarks: $(VENV)/installed-dev  ## ratios to peers, each in one run
	for script in benchmarks/*.py; do echo "== $$script"; $(BIN)/python $$script; done

$(VENV)/installed: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable .
	touch $@

$(VENV)/installed-dev: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/installed

clean:
	rm -rf $(VENV) demo dist build
