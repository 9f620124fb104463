"""Settings that every test shares."""

import json
from pathlib import Path

import pytest
from hypothesis import settings

# The first call of a compiled function takes long; a deadline would fail on it.
settings.register_profile("downslope", deadline=None, max_examples=40)
settings.load_profile("downslope")


@pytest.fixture(scope="session")
def seeds():
    """The numbers that the five texts print, recomputed."""
    return json.loads((Path(__file__).parent / "reference" / "seeds.json").read_text())
