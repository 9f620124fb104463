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


def along(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, direction: np.ndarray, bounds: Bounds | None = None
) -> np.ndarray:
    """The derivative of a scalar or vector function at x along a direction, whose length counts.

    >>> float(along(lambda x: x[0] * x[1], np.array([2.0, 1.0]), np.array([3.0, 0.0])).round(6))
    3.0
    """
    longest = float(np.max(np.abs(direction)))
    h = np.finfo(x.dtype).eps ** (1 / 3) * max(1.0, float(np.max(np.abs(x)))) / max(longest, 1e-300)
    return _difference(function, x, direction, h, bounds)


def _partial(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, i: int, bounds: Bounds | None) -> np.ndarray:
    unit = np.zeros_like(x)
    unit[i] = 1
    return _difference(function, x, unit, np.finfo(x.dtype).eps ** (1 / 3) * max(1.0, abs(float(x[i]))), bounds)


def _difference(
    function: Callable[[np.ndarray], np.ndarray], x: np.ndarray, direction: np.ndarray, h: float, bounds: Bounds | None
) -> np.ndarray:
    below, above = (np.inf, np.inf) if bounds is None else _room(x, direction, bounds)

    def at(offset: float) -> np.ndarray:
        point = (x + offset * direction).astype(x.dtype, copy=False)
        # x + h may round to just outside
        return function(point if bounds is None else np.clip(point, *bounds))

    if min(below, above) >= h:
        return np.asarray((at(h) - at(-h)) / (2 * h))
    side, room = (1, above) if above >= below else (-1, below)
    h = side * min(h, room / 2)
    if h == 0:  # held between bounds
        return np.zeros_like(np.asarray(function(x)))
    return np.asarray((-3 * function(x) + 4 * at(h) - at(2 * h)) / (2 * h))


def _room(x: np.ndarray, direction: np.ndarray, bounds: Bounds) -> tuple[float, float]:
    """How many times `direction` fits between x and the bounds, backwards and forwards."""
    moving = direction != 0
    to_lower, to_upper = ((bounds[side][moving] - x[moving]) / direction[moving] for side in (0, 1))
    ahead, behind = np.maximum(to_lower, to_upper), -np.minimum(to_lower, to_upper)
    return float(np.min(behind, initial=np.inf)), float(np.min(ahead, initial=np.inf))
