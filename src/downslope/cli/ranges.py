"""Many values as text, read into arrays.

    0.1                 one value
    -5:5:200            LOW:HIGH:COUNT, evenly spaced, the ends included
    1e-3:1:log:100      LOW:HIGH:log:COUNT, each value the one before times the same factor
    0,0.5,0.9:0.99:10   several of these

Of a start, the commas stand between variables, as in `run --start`, and every combination is a start:

    -5:5:20,-2:2:10     200 starts of two variables
    9,-3;0:1:5,2        several of these, with a semicolon between: 1 start and 5
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from downslope.cli import reading
from downslope.errors import InvalidInput

FORM = "must be a number, LOW:HIGH:COUNT or LOW:HIGH:log:COUNT, or several with commas between"
MOST = 10**7
"""Values of one option; what a grid of them takes is checked by `sweep`."""


def values(parameter: str, text: str | None) -> float | np.ndarray | None:
    """A number where there is one, else an array.

    >>> values("beta", "0.5"), values("beta", "0:0.9:4,0.95").tolist()
    (0.5, [0.0, 0.3, 0.6, 0.9, 0.95])
    """
    if text is None:
        return None
    if ":" not in text and "," not in text:
        return float(_axis(parameter, text)[0])
    return np.concatenate([_axis(parameter, part) for part in text.split(",")])


def whole_values(parameter: str, text: str | None) -> int | list[int] | None:
    """The same in whole numbers.

    >>> whole_values("seed", "3"), whole_values("seed", "0:4:3,7")
    (3, [0, 2, 4, 7])
    """
    if text is None or (":" not in text and "," not in text):
        return reading.whole(parameter, text)
    found = values(parameter, text)
    broken = [value for value in np.ravel(found).tolist() if not value.is_integer()]  # type: ignore[arg-type]
    if broken:
        raise InvalidInput(parameter, f"must be of whole numbers, and has {broken[0]:g}", text)
    return [int(value) for value in np.ravel(found).tolist()]  # type: ignore[arg-type]


def learning_rates(text: str | None, decay: float | None = None) -> Any:
    """Numbers as above, and the names of searches among them; with a decay, schedules that begin with the numbers.

    >>> learning_rates("backtracking,0.1:0.2:2")
    [Backtracking(...), 0.1, 0.2]
    >>> learning_rates("0.1,0.2", 0.9)
    [GeometricDecay(rate=0.1, factor=0.9), GeometricDecay(rate=0.2, factor=0.9)]
    """
    if text is None or text in reading.SEARCHES:
        return reading.learning_rate(text, decay)
    words = [part.strip() for part in text.split(",")]
    if not any(word in reading.SEARCHES for word in words):
        found = values("learning_rate", text)
        return found if decay is None else _decaying(found, decay)
    if decay is not None:
        raise InvalidInput("decay", "needs numbers as the learning rates, and searches find their own", decay)
    listed: list[Any] = []
    for word in words:
        listed += [reading.SEARCHES[word]()] if word in reading.SEARCHES else _axis("learning_rate", word).tolist()
    return listed


def _decaying(rates: Any, decay: float) -> Any:
    if isinstance(rates, float):
        return reading.decaying(rates, decay)
    return [reading.decaying(rate, decay) for rate in rates.tolist()]


def starts(text: str | None) -> np.ndarray | None:
    """Numbers, shape (m,), or vectors, shape (m, n), the last variable fastest.

    >>> starts("0:1:2,5;7,8").tolist()
    [[0.0, 5.0], [1.0, 5.0], [7.0, 8.0]]
    """
    if text is None:
        return None
    points = [[_axis("start", part) for part in point.split(",")] for point in text.split(";")]
    if len({len(axes) for axes in points}) > 1:
        raise InvalidInput("start", "must have as many variables after a semicolon as before", text)
    n = sum(math.prod(len(axis) for axis in axes) for axes in points)
    if n > MOST:
        raise InvalidInput("start", f"must span at most {MOST:,} starts, and spans {n:,}", text)
    grids = [np.stack([axis.ravel() for axis in np.meshgrid(*axes, indexing="ij")], axis=1) for axes in points]
    flat = np.concatenate(grids)
    return flat[:, 0] if flat.shape[1] == 1 else flat


def _axis(parameter: str, text: str) -> np.ndarray:
    """One value, or a range of them."""
    words = [word.strip() for word in text.split(":")]
    if len(words) not in (1, 3, 4) or (len(words) == 4 and words[2] != "log"):
        raise InvalidInput(parameter, FORM, text)
    try:
        low, high, count = float(words[0]), float(words[1 % len(words)]), float(words[-1])
    except ValueError:
        raise InvalidInput(parameter, FORM, text) from None
    if len(words) == 1:
        return np.array([low])
    if not (-math.inf < low < high < math.inf):
        raise InvalidInput(parameter, "must have LOW below HIGH, both finite", text)
    if not (count.is_integer() and 2 <= count <= MOST):
        raise InvalidInput(parameter, f"must have a whole COUNT from 2 to {MOST:,}", text)
    if len(words) == 3:
        return np.linspace(low, high, int(count))
    if low <= 0:
        raise InvalidInput(parameter, "must have LOW above 0 where it is spaced by log", text)
    return np.geomspace(low, high, int(count))
