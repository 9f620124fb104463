"""The oldest versions that pyproject.toml allows, as pip's constraints: what `make oldest` installs.

python tests/packaging/oldest.py > constraints.txt
"""

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement

PYPROJECT = Path(__file__).parents[2] / "pyproject.toml"
AS_NEW_AS_EVER = {"benchmarks", "dev", "docs", "torch"}
"""Tools and peers of the tests, and of the site; and PyTorch, whose builds as old as that bring gigabytes of CUDA."""


def oldest(project: dict[str, Any]) -> Iterator[str]:
    """Each dependency of the package, and of its extras, at its lower bound."""
    extras = project.get("optional-dependencies", {})
    optional = (line for extra, lines in extras.items() if extra not in AS_NEW_AS_EVER for line in lines)
    for requirement in map(Requirement, (*project["dependencies"], *optional)):
        if requirement.name != project["name"]:  # an extra may be made of others
            yield f"{requirement.name}=={lower_bound(requirement)}"


def lower_bound(requirement: Requirement) -> str:
    """The version after its `>=`, of which it must have one."""
    bounds = [part.version for part in requirement.specifier if part.operator == ">="]
    if len(bounds) != 1:
        raise ValueError(f"{requirement} must have one lower bound")
    return bounds[0]


if __name__ == "__main__":
    print(*oldest(tomllib.loads(PYPROJECT.read_text())["project"]), sep="\n")
