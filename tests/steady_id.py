"""Names of test cases that are the same in every process, which pytest-xdist needs."""

import re
from typing import Any


def steady_id(value: Any) -> str:
    """A short text for a parameter, without the addresses that `repr` puts into it."""
    return re.sub(r" at 0x[0-9a-f]+", "", repr(value))[:60]
