"""Which constant learning rates lead from a start to the minimum below it: by trying them, all at once.

Theory gives the largest rate that is stable at the minimum. Whether a start gets there, and in how many steps, only
runs can tell: far from the minimum the curvature is another, and a step too long may land in another basin, or by
chance in the right one. So thousands of rates are run, and the interval of rates that reach the minimum is read off
them; rates beyond it that happen to arrive are counted, and not called a range.
"""

from __future__ import annotations

import numbers
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.curvature import at_rest, free_variables, spectrum
from downslope.analysis.multipliers import Stability, stability
from downslope.analysis.stationary import settle
from downslope.analysis.update_map import NotLinearError
from downslope.engines.lanes import Lanes, run_lanes
from downslope.engines.step import Rules
from downslope.errors import InvalidInput
from downslope.methods import Method, as_method
from downslope.minimization import minimize
from downslope.objectives.bound import Bound
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.plain import plain
from downslope.stopping import Status
from downslope.wording import counted, short

N_RATES = 2048
"""Rates tried where the function compiles; elsewhere:"""
N_RATES_UNCOMPILED = 48
_BEYOND = 16.0
"""Half the rates tried are evenly spaced from the largest stable one up to so many times as much,"""
_SLOWER = 100.0
"""and half, on a logarithmic scale, below it, down to what is too small to be done in time."""
_NEAR = 1e-2
"""An end this close to the minimum, as a share of the start's distance from it, is there."""
_ROUNDS, _ROUND = 5, 128
"""Each end of the interval is narrowed 128-fold so often, to the last digits of a double;"""
_ROUND_UNCOMPILED = 8
"""eightfold, to five digits, where each run takes its time."""


@dataclass(frozen=True, eq=False, repr=False)
class LearningRateRange:
    """What `downslope.learning_rate_range` returns.

    >>> import downslope
    >>> downslope.learning_rate_range("x^2", 5.0, max_steps=25, target_loss=1e-6, gradient_tolerance=None)
    <LearningRateRange 0.1444 to 0.8556 reach the minimum within 25 steps; stable up to 1, best 0.5>
    """

    largest_stable: float | None
    """The largest rate that is stable at the minimum; None where the method has none, or no minimum was found."""
    best: float | None
    """The best constant rate at the minimum."""
    low: float | None
    """The smallest rate that reaches the minimum in time, from this start; None where no rate did."""
    high: float | None
    """The largest one; all rates between do, too."""
    quickest: float | None
    """The rate tried that took the fewest steps."""
    n_steps: int | None
    """Steps that it took."""
    n_others: int
    """Intervals of rates outside (low, high) that converged as well, to whichever minimum, among the rates tried."""
    max_steps: int
    """Steps within which a rate had to arrive."""
    x: Any
    """The minimum below the start, with the start's structure; None where none was found."""
    loss: float
    """The value there."""
    rates: np.ndarray
    """The rates tried, ascending, shape (m,)."""
    steps: np.ndarray
    """The steps that each rate took to get there, shape (m,); -1 where it did not."""
    converged: np.ndarray
    """Whether each converged at all, there or elsewhere, shape (m,)."""

    @property
    def message(self) -> str:
        """The same in words."""
        if not len(self.rates):
            return "no minimum was found downhill of the start, so that there is nothing to reach"
        if self.low is None or self.high is None:
            text = f"no rate of {len(self.rates):,} reaches the minimum within {counted(self.max_steps, 'step')}"
        else:
            within = counted(self.max_steps, "step")
            text = f"{short(self.low)} to {short(self.high)} reach the minimum within {within}"
        if self.largest_stable is not None and self.best is not None:
            text += f"; stable up to {short(self.largest_stable)}, best {short(self.best)}"
        others = f"; {counted(self.n_others, 'other interval')} happened to converge" if self.n_others else ""
        return text + others

    def to_dict(self) -> dict[str, Any]:
        """All but the rates tried, fit for JSON."""
        names = ("largest_stable", "best", "low", "high", "quickest", "n_steps", "n_others", "max_steps", "loss")
        return {**{name: plain(getattr(self, name)) for name in names}, "message": self.message}

    def __repr__(self) -> str:
        return f"<LearningRateRange {self.message}>"


def learning_rate_range(
    fun: Any,
    x0: Any = None,
    method: Any = "gradient_descent",
    *,
    jac: Callable[..., Any] | None = None,
    bounds: Any = None,
    max_steps: int = 1000,
    target_loss: float | None = None,
    gradient_tolerance: float | None = 1e-6,
    n_rates: int | None = None,
) -> LearningRateRange:
    """The constant learning rates that lead from a start to the minimum below it, within `max_steps`.

    The stable and the best rate at the minimum come from the method's multipliers there; the interval around them
    from runs: `n_rates` rates (2048; 48 where the function is not compiled), half of them below the largest stable one
    and half up to 16 times as much, and then ever finer at both ends. To arrive is to converge, by `target_loss` or
    `gradient_tolerance`, within a hundredth of the start's distance from the minimum.

    `fun`, `x0`, `method`, `jac` and `bounds` are those of `minimize`. Raises InvalidInput for a method of another
    library, which brings its own rate.

    >>> import downslope
    >>> found = downslope.learning_rate_range("x cos(x) + 9", 12.0, max_steps=100)
    >>> round(found.low, 4), round(found.high, 4), round(found.x, 4), found.quickest < found.largest_stable
    (0.0167, 0.1917, 9.5293, True)
    """
    whole = isinstance(max_steps, numbers.Integral) and not isinstance(max_steps, bool)
    if not whole or max_steps < 1:
        raise InvalidInput("max_steps", "must be a whole number, 1 or more", max_steps)
    if n_rates is not None and not (isinstance(n_rates, numbers.Integral) and n_rates >= 8):
        raise InvalidInput("n_rates", "must be a whole number, 8 or more, or None", n_rates)
    chosen = as_method(method)
    if chosen.brings_rate:
        raise InvalidInput("method", "must be one of downslope's own: another library's brings its own rate", method)
    # A run of no step checks what it is given, and knows the rest.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        probe = minimize(
            fun,
            x0,
            method=chosen,
            learning_rate=1.0,
            jac=jac,
            bounds=bounds,
            max_steps=0,
            target_loss=target_loss,
            gradient_tolerance=gradient_tolerance,
            engine="eager",
        )
    rules = probe.rules._replace(limits=probe.rules.limits._replace(max_steps=int(max_steps)))
    start = probe.structure.flatten(probe.x)
    bound = probe.objective.bind(probe.x, rules.bounds)[0]
    goal, found = below(bound, start, rules)
    if goal is None:
        return _nothing(int(max_steps))
    compiles = bound.program is not None and bound.program.compiles
    tries = Tries(probe.objective, rules, probe.structure, start, goal, _ROUND if compiles else _ROUND_UNCOMPILED)
    limit = (found.largest_stable if found is not None else None) or None
    n = int(n_rates or (N_RATES if compiles else N_RATES_UNCOMPILED))
    best = None if limit is None or found is None else found.best_rate
    rates = _rates(n, limit, float(np.abs(start - goal).max()), int(max_steps))
    rates = np.unique(np.concatenate([rates, [] if best is None else [best]]))
    steps, converged = tries.ends(rates)
    ends = tries.interval(rates, steps, np.inf if limit is None else limit)
    low, high = ends or (None, None)
    arrived = steps >= 0
    quickest = int(np.argmin(np.where(arrived, steps, np.iinfo(steps.dtype).max))) if arrived.any() else None
    outside = converged & ~((rates >= ends[0]) & (rates <= ends[1])) if ends else converged
    return LearningRateRange(
        limit,
        best,
        low,
        high,
        None if quickest is None else float(rates[quickest]),
        None if quickest is None else int(steps[quickest]),
        n_intervals(outside),
        int(max_steps),
        probe.structure.restore(goal),
        float(bound.value(goal)),
        rates,
        steps,
        converged,
    )


def _nothing(max_steps: int) -> LearningRateRange:
    """Where there is no minimum to reach."""
    empty = np.empty(0)
    none = (None, None, None, None, None, None)
    return LearningRateRange(*none, 0, max_steps, None, np.nan, empty, empty.astype(int), empty.astype(bool))


def _rates(n: int, limit: float | None, distance: float, max_steps: int) -> np.ndarray:
    """Rates to try: around the limit, or where there is none, around what goes the whole distance in one step."""
    if limit is None:
        return np.asarray(np.geomspace(1e-6, 1e2, n) * max(distance, 1e-300))
    slow = np.geomspace(limit / (_SLOWER * max_steps), limit, n // 2)
    return np.concatenate([slow, np.linspace(limit, _BEYOND * limit, n - n // 2 + 1)[1:]])


def below(bound: Bound, start: np.ndarray, rules: Rules) -> tuple[np.ndarray | None, Stability | None]:
    """The minimum below a start, and the stability of the method there, as far as there is one to tell."""
    found = settle(bound, start)
    return found, None if found is None else stability_at(bound, found, rules.method)


def stability_at(bound: Bound, x: np.ndarray, method: Method) -> Stability | None:
    """The stability of a method at a minimum; None where bounds hold it, or it has none to tell."""
    free = None if bound.bounds is None else free_variables(x, bound.gradient(x), bound.bounds)
    curvature = spectrum(bound, x, free=free)
    # A rule that scales its coordinates by what it has seen has the limit of no other run.
    if not curvature.values.size or method.scaling:
        return None
    curvature = at_rest(bound, x, curvature)
    values = np.where(np.abs(curvature.values) <= curvature.flat_below, 0.0, curvature.values)
    hessian = curvature.vectors @ np.diag(curvature.values) @ curvature.vectors.T
    try:
        return stability(method, values, 1.0, hessian=hessian)
    except NotLinearError:
        return None


@dataclass(frozen=True, eq=False)
class Tries:
    """Runs of one start that differ in their constant rate alone."""

    objective: Objective
    rules: Rules
    structure: Structure
    start: np.ndarray
    goal: np.ndarray
    """The flat point to be reached."""
    a_round: int = _ROUND
    """Rates tried at once to narrow an end of the interval."""

    def run(self, rates: np.ndarray) -> Lanes:
        """A lane a rate."""
        starts = np.broadcast_to(self.start, (len(rates), self.start.size))
        return run_lanes(self.objective, self.rules, self.structure, starts, {"learning_rate.rate": rates})

    def ends(self, rates: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The steps that each rate takes to the goal, -1 where it does not get there; and whether it converged."""
        lanes = self.run(rates)
        converged = np.isin(lanes.status, [int(Status.TARGET_REACHED), int(Status.GRADIENT_SMALL)])
        apart = np.abs(lanes.x - self.goal).max(axis=1)
        near = apart <= _NEAR * max(float(np.abs(self.start - self.goal).max()), 1e-300)
        near |= lanes.status == int(Status.TARGET_REACHED)  # what was asked for
        return np.where(converged & near, lanes.n_steps, -1), converged

    def edge(self, inside: float, outside: float) -> float:
        """The last rate that arrives on the way from `inside`, which does, to `outside`, which does not."""
        for _ in range(_ROUNDS):
            grid = np.linspace(inside, outside, self.a_round)
            missed = np.flatnonzero(self.ends(grid)[0] < 0)
            k = int(missed[0]) if missed.size else len(grid) - 1
            inside, outside = float(grid[max(k - 1, 0)]), float(grid[k])
        return inside

    def interval(self, grid: np.ndarray, steps: np.ndarray, limit: float) -> tuple[float, float] | None:
        """The rates that arrive around the quickest one below `limit`, their ends sought beyond the grid's own."""
        arrived = steps >= 0
        if not arrived.any():
            return None
        usable = arrived & (grid <= limit) if np.any(arrived & (grid <= limit)) else arrived
        k = int(np.argmin(np.where(usable, steps, np.iinfo(steps.dtype).max)))
        missed = np.flatnonzero(~arrived)
        before, after = missed[missed < k], missed[missed > k]
        low = self.edge(grid[before[-1] + 1], grid[before[-1]]) if before.size else grid[0]
        high = self.edge(grid[after[0] - 1], grid[after[0]]) if after.size else grid[-1]
        return float(low), float(high)


def n_intervals(arrived: np.ndarray) -> int:
    """Runs of True.

    >>> n_intervals(np.array([True, True, False, True]))
    2
    """
    return int(np.count_nonzero(np.diff(np.concatenate([[False], arrived]).astype(int)) == 1))
