"""The points of a box where the slope is zero: minima, maxima and saddles, found from many samples.

From every sample Newton's method on the gradient leads to a point of any kind, and from every fourth the way downhill
leads to a minimum. In one variable the samples are evenly spaced, and each change of the slope's sign between
neighbours is followed too; in more they are a scrambled Sobol sequence (Owen 1998). Points that differ by less than
1e-5 of the box are one.

The share of finds that were the only one of their point is about the share of new ones among further finds (Good
1953). No number of samples proves that there is nothing more: a basin narrower than their spacing can hide.
"""

from __future__ import annotations

import numbers
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.analysis.critical_set import CriticalPoint, CriticalPoints
from downslope.analysis.curvature import DENSE_UP_TO, PointKind, at_rest, kind_of_point, spectrum
from downslope.analysis.stationary import polish, settle
from downslope.bounds import sides
from downslope.errors import InvalidInput
from downslope.objectives.bound import Bound
from downslope.objectives.calling import n_required
from downslope.objectives.finite_difference import Bounds
from downslope.objectives.many_points import bound_at_one_of, losses
from downslope.objectives.objective import Objective
from downslope.patience import ask

SAME = 1e-5
"""Points that lie closer, as a share of the box in every variable, are one point."""
MOST_SAMPLES = 2**20
_DOWNHILL_EVERY = 4
_HALVINGS = 10
"""Of an interval in which the slope changes its sign, before Newton's method takes over."""


def critical_points(
    fun: Any, bounds: Any = None, *, n_samples: int = 256, seed: int = 0, jac: Callable[..., Any] | None = None
) -> CriticalPoints:
    """The minima, maxima and saddles of `fun` inside a box, as far as samples find them.

    Parameters
    ----------
    fun
        What `minimize` takes: a callable, a formula, a gallery name or an Objective. With one pair of bounds, f(x)
        is given a number; else a vector.
    bounds
        (low, high), a list with one pair a variable, or scipy.optimize.Bounds; finite. None is a gallery problem's own
        domain. `fun` is never evaluated outside, and points on the edge count only where the slope is zero there.
    n_samples
        Starts of the search, 1 or more.
    seed
        Of the samples, 0 or more.
    jac
        The gradient of `fun`, if you have it.

    Returns a `CriticalPoints`: a sequence of points, lowest loss first, which tells in words what it may have missed. A
    kink, where there is no slope, is none of them. Raises InvalidInput where a parameter breaks a rule, or `fun` is
    finite at no sample.

    >>> found = critical_points("x^3 - 3x", (-2, 3))
    >>> [(point.x, point.loss, point.kind.value) for point in found]
    [(1.0, -2.0, 'minimum'), (-1.0, 2.0, 'maximum')]
    """
    objective = Objective.of(fun, jac)
    _check_whole("n_samples", n_samples, 1, MOST_SAMPLES)
    _check_whole("seed", seed, 0, 2**63 - 1)
    box = search_box(objective, bounds)
    samples = _samples(box, int(n_samples), int(seed))
    bound = bound_at_one_of(objective, samples, box)
    if bound is None:
        raise InvalidInput("fun", f"must be finite at one of {n_samples} samples at least", objective.name)
    search = _Search(bound, box, samples.astype(bound.structure.dtype))
    with np.errstate(all="ignore"):
        search.run()
        return search.result(objective)


@dataclass
class _Found:
    """A point and the samples that led to it."""

    x: np.ndarray
    size: float
    """Of the gradient there."""
    samples: set[int]


@dataclass
class _Search:
    bound: Bound
    box: Bounds
    samples: np.ndarray
    found: list[_Found] = field(default_factory=list)
    n_not_finite: int = 0
    n_on_plains: int = 0

    def run(self) -> None:
        finite = np.isfinite(losses(self.bound, self.samples))
        self.n_not_finite = int(np.count_nonzero(~finite))
        slopes = []
        for k in np.flatnonzero(finite):
            ask()
            sample = self.samples[k]
            slopes.append(self.bound.gradient(sample))
            if not slopes[-1].any() and not self.bound.hessian(sample).any():
                self.n_on_plains += 1
                continue
            self.note(polish(self.bound, sample, farthest=self.widths), {int(k)})
            if k % _DOWNHILL_EVERY == 0:
                self.note(settle(self.bound, sample), {int(k)})
        if self.samples.shape[1] == 1:
            self.follow_changes_of_sign(np.flatnonzero(finite), np.sign(slopes)[:, 0])

    @property
    def widths(self) -> np.ndarray:
        return self.box[1] - self.box[0]

    def follow_changes_of_sign(self, which: np.ndarray, signs: np.ndarray) -> None:
        for i in np.flatnonzero(signs[:-1] * signs[1:] < 0):
            left, right = self.samples[which[i]], self.samples[which[i + 1]]
            for _ in range(_HALVINGS):
                middle = (left + right) / 2
                if np.sign(self.bound.gradient(middle)[0]) == signs[i]:
                    left = middle
                else:
                    right = middle
            farthest = np.maximum(right - left, SAME * self.widths)
            self.note(polish(self.bound, (left + right) / 2, farthest=farthest), {int(which[i]), int(which[i + 1])})

    def note(self, x: np.ndarray | None, samples: set[int]) -> None:
        """Remember a point, unless it is none or known; of two that are one, the better."""
        if x is None or not self.is_stationary(x):
            return
        size = float(np.max(np.abs(self.bound.gradient(x))))
        for known in self.found:
            if np.all(np.abs(known.x - x) <= SAME * self.widths):
                known.samples |= samples
                if size < known.size:
                    known.x, known.size = x, size
                return
        self.found.append(_Found(x, size, set(samples)))

    def is_stationary(self, x: np.ndarray) -> bool:
        """Whether the slope is zero also in the variables that lie on an edge of the box."""
        held = (x <= self.box[0]) | (x >= self.box[1])
        if not held.any():
            return True
        eps = float(np.finfo(x.dtype).eps)
        change = np.abs(self.bound.hessian(x)) @ self.widths
        return bool(np.all(np.abs(self.bound.gradient(x)[held]) <= eps**0.5 * change[held]))

    def result(self, objective: Objective) -> CriticalPoints:
        points = [(self.described(found), found.samples) for found in self.found]
        points.sort(key=lambda pair: pair[0].loss)
        led = set().union(*(samples for _, samples in points))
        # An isolated flat point draws several samples; on a line of them nearly every sample ends somewhere else.
        flat = [pair for pair in points if pair[0].kind is PointKind.FLAT]
        is_line = sum(len(samples) == 1 for _, samples in flat) > 2
        if is_line:
            points = [pair for pair in points if pair[0].kind is not PointKind.FLAT or pair is flat[0]]
        return CriticalPoints(
            points=tuple(point for point, _ in points),
            variables=objective.variable_names(self.bound.structure),
            bounds=(self.box[0].copy(), self.box[1].copy()),
            n_samples=len(self.samples),
            n_not_finite=self.n_not_finite,
            n_on_plains=self.n_on_plains,
            n_on_lines=len(set().union(*(samples for _, samples in flat))) if is_line else 0,
            n_without=len(self.samples) - self.n_not_finite - self.n_on_plains - len(led),
        )

    def described(self, found: _Found) -> CriticalPoint:
        curvature = at_rest(self.bound, found.x, spectrum(self.bound, found.x))
        # Polished, and so of slope zero: what is left of it is rounding, and decides nothing.
        kind = kind_of_point(self.bound, found.x, np.zeros_like(found.x), curvature)
        loss = self.bound.value(found.x)
        return CriticalPoint(self.bound.structure.restore(found.x), loss, kind, curvature.values, len(found.samples))


def _check_whole(name: str, value: Any, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not low <= int(value) <= high:
        raise InvalidInput(name, f"must be a whole number, from {low} to {high}", value)


def search_box(objective: Objective, bounds: Any) -> Bounds:
    """Lower and upper bounds, each of shape (n,), finite and with room between them."""
    if bounds is None:
        if objective.problem is None:
            raise InvalidInput("bounds", "must be given (only gallery problems bring a domain)", None)
        bounds = list(objective.problem.domain)
    n = _n_variables(objective, bounds)
    if n > DENSE_UP_TO:
        raise InvalidInput("bounds", f"must be of at most {DENSE_UP_TO} variables", n)
    lower, upper = (np.array(np.broadcast_to(np.asarray(side, dtype=float), (n,))) for side in sides(bounds, n))
    if not np.all(np.isfinite(lower) & np.isfinite(upper)):
        raise InvalidInput("bounds", "must be finite on every side: samples are drawn between them", bounds)
    if not np.all(lower < upper):
        raise InvalidInput("bounds", "must have low < high", bounds)
    return lower, upper


def _n_variables(objective: Objective, bounds: Any) -> int:
    """How many variables: as many as there are pairs; of a single pair, what the function itself tells, or one."""
    if hasattr(bounds, "lb") and np.size(bounds.lb) > 1:
        return int(np.size(bounds.lb))
    pairs = list(bounds) if isinstance(bounds, list | tuple | np.ndarray) else []
    if any(isinstance(pair, list | tuple | np.ndarray) for pair in pairs):
        return len(pairs)
    if objective.call == "numbers":
        return n_required(objective.problem.fun if objective.problem else objective.fun)
    if objective.problem is not None:
        return len(objective.problem.variables)
    if objective.formula is not None and not objective.formula.is_vector:
        return len(objective.formula.variables)
    return 1


def _samples(box: Bounds, n_samples: int, seed: int) -> np.ndarray:
    lower, upper = box
    if lower.size == 1:
        return np.linspace(lower, upper, n_samples + 2)[1:-1]
    from scipy.stats import qmc

    sequence = qmc.Sobol(lower.size, scramble=True, seed=seed)
    unit = sequence.random_base2(int(np.ceil(np.log2(n_samples))))[:n_samples]
    return np.asarray(np.clip(lower + unit * (upper - lower), lower, upper))
