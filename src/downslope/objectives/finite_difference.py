"""Finite differences: the last resort, and the check of the other sources.

Central differences with the step h = eps^(1/3) max(1, |x_i|): the rounding error eps |f| / h and the
truncation error h^2 |f'''| / 6 are then of the same order, about 1e-10 relative. Near a bound, where one
side is out, three points on the other side keep the second order; `fun` is never evaluated outside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

Bounds = tuple[np.ndarray, np.ndarray]


def gradient(value: Callable[[np.ndarray], float], x: np.ndarray, bounds: Bounds | None = None) -> np.ndarray:
    """The gradient of `value` at the flat vector x, from 2 or 3 evaluations a coordinate.

    >>> gradient(lambda x: float(x[0] ** 2 + 3 * x[1]), np.array([2.0, 1.0])).round(6)
    array([4., 3.])
    """
    return jacobian(lambda point: np.asarray(value(point)), x, bounds)


def jacobian(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, bounds: Bounds | None = None) -> np.ndarray:
    """Derivatives of a scalar or vector function; the derivative with respect to x[i] is the row i."""
    return np.stack([_partial(function, x, i, bounds) for i in range(x.size)]).astype(x.dtype)


def _partial(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, i: int, bounds: Bounds | None) -> np.ndarray:
    h = np.finfo(x.dtype).eps ** (1 / 3) * max(1.0, abs(float(x[i])))
    below, above = (np.inf, np.inf) if bounds is None else (float(x[i] - bounds[0][i]), float(bounds[1][i] - x[i]))

    def at(offset: float) -> np.ndarray:
        point = x.copy()
        point[i] += offset
        if bounds is not None:  # x + h may round to just outside
            point[i] = np.clip(point[i], bounds[0][i], bounds[1][i])
        return function(point)

    if min(below, above) >= h:
        return np.asarray((at(h) - at(-h)) / (2 * h))
    side, room = (1, above) if above >= below else (-1, below)
    h = side * min(h, room / 2)
    if h == 0:  # held between equal bounds
        return np.zeros_like(np.asarray(function(x)))
    return np.asarray((-3 * function(x) + 4 * at(h) - at(2 * h)) / (2 * h))
