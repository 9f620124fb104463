"""The site's own extensions, which are no package."""

import importlib.util
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"


def of_the_site(name):
    """The module of docs/extensions/ that has this name."""
    specification = importlib.util.spec_from_file_location(name, DOCS / "extensions" / f"{name}.py")
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    return module
