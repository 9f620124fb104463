"""Settings that every test shares."""

import gc
import json
import os
import sys
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import settings

from tests.browsers import browsers  # noqa: F401  # a fixture

# The first call of a compiled function takes long; a deadline would fail on it.
# CI draws the same examples each time: what fails there fails here.
settings.register_profile("downslope", deadline=None, max_examples=40, derandomize=bool(os.environ.get("CI")))
settings.load_profile("downslope")
# Neither this process nor those that tests start leave anything in the user's cache folder.
os.environ["DOWNSLOPE_CACHE_DIR"] = "off"


SLOW_EXAMPLES = {"adapters", "analysis", "explanation", "plots", "sweeps"}
"""The packages whose examples each compile what they explain, or many runs at once."""


FAST_CASES = 2


def pytest_collection_modifyitems(items):
    """Examples of these packages are slow tests; so are, of a sampled test, all cases but the first two."""
    n_cases = Counter()
    for item in items:
        if isinstance(item, pytest.DoctestItem) and {*item.name.split(".")[1:2]} & SLOW_EXAMPLES:
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("sampled"):
            test = item.parent, item.originalname
            n_cases[test] += 1
            if n_cases[test] > FAST_CASES:
                item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def seeds():
    """The numbers that the five texts print, recomputed."""
    return json.loads((Path(__file__).parent / "reference" / "seeds.json").read_text())


@pytest.fixture
def run_cli(monkeypatch, capsys):
    """Run `downslope` with these words; gives the exit status, standard output and standard error."""
    from downslope.cli import main

    def run(*words, columns=100):
        monkeypatch.setattr(sys, "argv", ["downslope", *words])
        monkeypatch.setenv("COLUMNS", str(columns))
        with pytest.raises(SystemExit) as caught:
            main()
        gc.unfreeze()  # a command freezes what it loaded; here others, such as DuckDB, tidy up at the end
        printed = capsys.readouterr()
        return caught.value.code or 0, printed.out, printed.err

    return run
