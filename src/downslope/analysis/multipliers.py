"""The stability of a method at a stationary point: what a step multiplies small distances by, and up to which rate.

On a quadratic of curvature c, gradient descent at rate a multiplies the distance by 1 - a c. Any method has such
numbers, the eigenvalues of its linear update map: real within (0, 1) it walks straight down, real and negative it
zigzags, complex it spirals, outside the unit circle it diverges (Polyak 1964; Strogatz 2015, chapter 10). The largest
stable rate is where the first multiplier leaves the unit circle, found by search and not by a formula, over the
positive curvatures: where the curvature is zero nothing pulls the point back, and where it is negative no rate does.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from downslope.analysis.update_map import NotLinearError, UpdateMap, update_map, whole_map
from downslope.methods import Method

ON_THE_CIRCLE = 1e-9
"""A multiplier this far outside the unit circle, and no farther, is on it, up to rounding."""
_GRID, _ROUNDS = 128, 5
"""Each round looks at a grid inside the interval that the one before left: 128^5 is beyond double precision."""
_DECADES = 5
_AS_GOOD, _SEVERAL = 1e-6, 8
"""Heavy balls are as quick over a range of rates: more than so many neighbours that differ by less than this share."""
_MOST_CURVATURES = 16
"""So many of the curvatures are searched, the ends among them; the map is smooth in between."""


class _Map(Protocol):
    def multipliers(self, rates: Any, curvatures: Any) -> np.ndarray: ...


@dataclass(frozen=True, eq=False)
class Stability:
    """How a method behaves near a stationary point with these curvatures.

    >>> from downslope.methods import GradientDescent
    >>> found = stability(GradientDescent(), np.array([2.0]), rate=1.1)
    >>> found.multipliers.round(9).tolist(), round(found.largest_stable, 6), round(found.best_rate, 6)
    ([[(-1.2+0j)]], 1.0, 0.5)
    """

    rate: float
    """The rate looked at; for a method that brings its own, a factor on its steps (1 as it is)."""
    is_factor: bool
    curvatures: np.ndarray
    """Shape (m,), ascending; for a method that scales coordinates, those between the roots of 1 / scale."""
    multipliers: np.ndarray
    """At each curvature, largest first, shape (m, k); one row for all where the method mixes coordinates."""
    largest_stable: float | None
    """No multiplier at a positive curvature leaves the unit circle below it; None where none does at any rate looked
    at, 0 where one does at all of them, or is on it at all up to `circles_up_to`."""
    circles_up_to: float | None
    """The rate up to which a multiplier stays on the unit circle, so that it circles for ever; None elsewhere."""
    best_rate: float | None
    """The constant rate at which the slowest distance shrinks most at each step; None where it does at none."""
    best_factor: float | None
    """By which it shrinks there."""
    zigzag_from: float | None
    """The rate from which on the leading multiplier of the largest curvature is negative."""
    most_curvature: float | None
    """The largest curvature at which `rate` is stable."""
    is_scaled: bool
    """The curvatures are preconditioned by the method's own scaling, which was held."""
    forgets: bool
    """The scale follows the recent gradients down, so that no rate settles: there is no limit to claim."""
    map: _Map

    @property
    def factor(self) -> float | None:
        """The largest modulus of a multiplier at the positive curvatures, at `rate`; None where there is none."""
        return self.factor_at(self.rate)

    def factor_at(self, rate: float) -> float | None:
        """The same at another rate.

        >>> from downslope.methods import GradientDescent
        >>> round(stability(GradientDescent(), np.array([0.4, 2.0]), rate=0.5).factor_at(0.9), 9)
        0.8
        """
        positive = self.curvatures[self.curvatures > 0]
        return float(_factors(self.map, [rate], _searched(positive))[0]) if positive.size else None

    @property
    def leading(self) -> complex:
        """The multiplier of the largest modulus at the positive curvatures; the steepest one's where several tie."""
        rows = (
            self.multipliers if len(self.multipliers) < len(self.curvatures) else self.multipliers[self.curvatures > 0]
        )
        sizes = np.abs(rows[:, 0])
        return complex(rows[len(sizes) - 1 - int(np.argmax(sizes[::-1] >= sizes.max() * (1 - ON_THE_CIRCLE))), 0])


def stability(
    method: Method, curvatures: np.ndarray, rate: float, *, hessian: np.ndarray | None = None, n_steps: int = 0
) -> Stability:
    """The stability of `method` at `rate`, where the curvatures (ascending, flat ones set to 0) are known.

    `hessian` serves methods that mix coordinates. Raises NotLinearError where the method has no linear map.
    """
    curvatures = np.asarray(curvatures, dtype=float)
    scaled, forgets = bool(method.scaling), False
    try:
        found: _Map = update_map(method, n_steps)
        forgets = isinstance(found, UpdateMap) and found.forgets
        rows = found.multipliers(np.full(len(curvatures), rate), curvatures)
    except NotLinearError as error:
        if hessian is None or "alike" not in str(error):
            raise
        found = _Whole(whole_map(method, _positive(hessian), n_steps))
        rows = _Whole(whole_map(method, hessian, n_steps)).multipliers([rate], [0.0])
    rows = np.take_along_axis(rows, np.argsort(-np.abs(rows), axis=1), axis=1)
    positive = _searched(curvatures[curvatures > 0])
    limit = circles = best = factor = zigzag = most = None
    if positive.size:
        scale = 1.0 if method.brings_rate else 1 / positive[-1]
        limit = _first(lambda rates: _factors(found, rates, positive) > 1 + ON_THE_CIRCLE, scale)
        best, factor = _best(lambda rates: _factors(found, rates, positive), limit or scale * 10**_DECADES)
        if factor >= 1 - ON_THE_CIRCLE:
            limit, circles, best, factor = 0.0, limit or None, None, None
        zigzag = _first(lambda rates: _is_negative(_leading(found, rates, positive[-1:])), scale)
        if not isinstance(found, _Whole):
            most = _first(lambda c: np.abs(found.multipliers(rate, c)).max(axis=1) > 1 + ON_THE_CIRCLE, 1 / rate)
    return Stability(
        rate, method.brings_rate, curvatures, rows, limit, circles, best, factor, zigzag, most, scaled, forgets, found
    )


@dataclass(frozen=True)
class _Whole:
    """The map of a method that mixes coordinates, in which the curvatures are already."""

    jacobian: Callable[[float], np.ndarray]

    def multipliers(self, rates: Any, curvatures: Any) -> np.ndarray:
        rates = np.broadcast_arrays(rates, curvatures)[0]
        known = {rate: np.linalg.eigvals(self.jacobian(rate)).astype(complex) for rate in set(rates.tolist())}
        return np.array([known[rate] for rate in rates.tolist()])


def _positive(hessian: np.ndarray) -> np.ndarray:
    """The Hessian with its largest curvature in place of those that no rate can answer for."""
    values, vectors = np.linalg.eigh(hessian)
    kept = np.where(values > 1e-9 * np.abs(values).max(), values, values.max())
    return np.asarray(vectors @ np.diag(kept) @ vectors.T)


def _searched(curvatures: np.ndarray) -> np.ndarray:
    if len(curvatures) <= _MOST_CURVATURES:
        return curvatures
    return np.asarray(curvatures[np.unique(np.linspace(0, len(curvatures) - 1, _MOST_CURVATURES).round().astype(int))])


def _factors(found: _Map, rates: Any, curvatures: np.ndarray) -> np.ndarray:
    """The largest modulus at each rate, over the curvatures."""
    rates = np.asarray(rates, dtype=float)
    if isinstance(found, _Whole):
        curvatures = curvatures[:1]
    pairs = np.repeat(rates, len(curvatures)), np.tile(curvatures, len(rates))
    return np.asarray(np.abs(found.multipliers(*pairs)).max(axis=1).reshape(len(rates), -1).max(axis=1))


def _leading(found: _Map, rates: np.ndarray, curvature: np.ndarray) -> np.ndarray:
    rows = found.multipliers(rates, np.full(len(rates), curvature[0]))
    return np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)[:, 0]


def _is_negative(multipliers: np.ndarray) -> np.ndarray:
    return np.asarray((multipliers.real < 0) & (np.abs(multipliers.imag) <= ON_THE_CIRCLE))


def _first(holds: Callable[[np.ndarray], np.ndarray], scale: float) -> float | None:
    """The smallest number at which `holds` does, over ten decades around `scale`; None without one, 0 where all do."""
    low, high = scale * 10.0**-_DECADES, scale * 10.0**_DECADES
    for _ in range(_ROUNDS):
        grid = np.geomspace(low, high, _GRID)
        after = np.flatnonzero(holds(grid))
        if not after.size:
            return None
        if after[0] == 0:
            return 0.0
        low, high = grid[after[0] - 1], grid[after[0]]
    return float(low + (high - low) / 2)


def _best(factors: Callable[[np.ndarray], np.ndarray], limit: float) -> tuple[float, float]:
    """The rate below `limit` with the smallest factor, and that factor; of a range of them the (geometric) middle."""
    low, high = limit * 10.0**-_DECADES, limit
    grid = np.geomspace(low, high, _GRID)
    found = factors(grid)
    least = np.flatnonzero(found <= found.min() + _AS_GOOD * (1 - min(found.min(), 1.0)))
    if len(least) > _SEVERAL and np.all(np.diff(least) == 1):
        middle = float(np.sqrt(grid[least[0]] * grid[least[-1]]))
        return middle, float(factors(np.full(_GRID, middle))[0])
    for _ in range(_ROUNDS):
        found = factors(grid)
        k = int(found.argmin())
        low, high = grid[max(k - 1, 0)], grid[min(k + 1, len(grid) - 1)]
        grid = np.linspace(low, high, _GRID)
    return float((low + high) / 2), float(found.min())
