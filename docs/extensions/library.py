"""Which library the site was built with: what was executed with another one has to be executed anew."""

from __future__ import annotations

import functools
import hashlib
from pathlib import Path

import downslope


@functools.cache
def fingerprint() -> str:
    """Of all of downslope's code, and of the laboratory's page."""
    found = hashlib.sha256()
    package = Path(downslope.__file__).parent
    for file in sorted([*package.rglob("*.py"), *package.glob("lab/page/standalone.js")]):
        found.update(file.read_bytes())
    return found.hexdigest()[:16]
