"""`make oldest` installs the lower bounds that pyproject.toml declares."""

import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.packaging.oldest import PYPROJECT, lower_bound, oldest


def test_each_dependency_is_held_at_its_bound_and_what_tests_it_is_not():
    project = {
        "name": "downslope",
        "dependencies": ["numpy>=2.0", "rich>=13.7,<20"],
        "optional-dependencies": {
            "pandas": ["pandas>=2.2.2"],
            "all": ["downslope[pandas]"],
            "torch": ["torch>=2.4"],
            "dev": ["pytest>=8"],
        },
    }
    assert list(oldest(project)) == ["numpy==2.0", "rich==13.7", "pandas==2.2.2"]


@pytest.mark.parametrize("requirement", ["numpy", "numpy<3", "numpy==2.0"])
def test_a_dependency_without_a_lower_bound_is_refused(requirement):
    with pytest.raises(ValueError, match="must have one lower bound"):
        lower_bound(Requirement(requirement))


def test_every_dependency_of_this_project_has_one():
    held = {line.partition("==")[0] for line in oldest(tomllib.loads(PYPROJECT.read_text())["project"])}
    assert {"numpy", "scipy", "jax", "pyarrow", "pandas", "optax"} <= held
    assert "torch" not in held


def test_the_oldest_environment_has_the_oldest_versions():
    constraints = Path(sys.prefix) / "constraints.txt"
    if not constraints.exists():
        pytest.skip("this environment is as new as it gets")
    for line in constraints.read_text().split():
        requirement = Requirement(line)
        assert version(requirement.name) in requirement.specifier
