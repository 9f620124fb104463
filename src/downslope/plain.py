"""Values as JSON can hold them: numbers, text, lists and dicts. Long arrays are told, not listed."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

MOST_NUMBERS = 1000
"""Of a longer array there are its size and a few numbers."""


def plain(value: Any) -> Any:
    """`value` as plain Python. JSON has no NaN and no infinity; they become "nan", "inf" and "-inf".

    >>> plain({"bounds": [np.array([-np.inf, 0.0]), None], "x0": np.arange(2000.0)})
    {'bounds': [['-inf', 0.0], None], 'x0': {'size': 2000, 'first': [0.0, 1.0, 2.0]}}
    """
    if isinstance(value, dict):
        return {key: plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, np.ndarray):
        if value.size > MOST_NUMBERS:
            return {"size": value.size, "first": plain(value[:3].tolist())}
        return plain(value.tolist())
    if isinstance(value, np.generic):
        value = value.item()
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value
