"""How far the rates of a schedule reach: what they add up to, in all and from the run's end on.

Sign descent moves each coordinate by at most the sum S of its rates. Gradient descent shrinks the distance along a
curvature c by the product of 1 - a c, about exp(-c S): less than any tolerance only if S grows without bound.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.explanation.evidence import Evidence, schedule_of
from downslope.learning_rates import Polyak
from downslope.methods import SignDescent

_AHEAD = 100_000
"""Steps looked at beyond the end."""
_ROUNDING = 1e-12
"""A loss above another by no more than this share of it is as low."""
_ENDLESS = 1e-3
"""A sum whose last tenth adds more than this share goes on without end, as far as can be seen."""


@dataclass(frozen=True)
class Travel:
    """Sums of rates, and what would be needed."""

    made: float
    """Of the steps made."""
    ahead: float
    """Of all steps to come."""
    missing: float
    """By what the run misses its goal once all rates are used up: a distance for sign descent, else a factor."""

    @property
    def total(self) -> float:
        """S."""
        return self.made + self.ahead

    @property
    def falls_short(self) -> bool:
        """Whether the goal is out of reach."""
        return self.missing > 0


def travel(evidence: Evidence) -> Travel | None:
    """How far the schedule still reaches; None where its sum is not finite, or where the goal is not known."""
    schedule, end, target = schedule_of(evidence), evidence.end, evidence.target
    if schedule is None or end is None or target is None or (evidence.motion.rises > 0.3 and not _is_sign(evidence)):
        return None
    ahead = _sum_ahead(schedule, evidence.run.n_steps)
    made = float(np.nansum(np.nanmax(np.atleast_2d(evidence.run.learning_rates[:-1].T), axis=0)))
    if ahead is None:
        return None
    apart = np.abs(end.x - target.x)
    if _is_sign(evidence):
        return Travel(made, ahead, max(float(apart.max()) - ahead, 0.0))
    goal = _goal(evidence)
    if goal <= 0:
        return Travel(made, ahead, 1.0)
    shrunk = np.exp(-_pull(evidence, made) * ahead)
    return Travel(made, ahead, max(shrunk / goal - 1, 0.0))


def rate_is_zero(evidence: Evidence) -> bool:
    """Whether the rule gives no rate at all where the run ended."""
    rate, schedule, run = evidence.rate, schedule_of(evidence), evidence.run
    if isinstance(rate, Polyak):
        return bool(run.loss - rate.lowest <= _ROUNDING * abs(rate.lowest))
    return schedule is not None and not np.any(schedule(run.n_steps))


def _is_sign(evidence: Evidence) -> bool:
    return isinstance(evidence.method, SignDescent)


def _sum_ahead(schedule: Any, n: int) -> float | None:
    try:
        rates = np.asarray(schedule(np.arange(n, n + _AHEAD)), dtype=float)
    except Exception:  # a rate function of the user's may take one number alone
        return None
    if rates.shape != (_AHEAD,) or not np.isfinite(rates).all():
        return None
    total = float(rates.sum())
    return total if rates[-_AHEAD // 10 :].sum() <= _ENDLESS * total else None


def _goal(evidence: Evidence) -> float:
    """The share of the present distance that the run had to get down to."""
    run, end, target = evidence.run, evidence.end, evidence.target
    assert end is not None
    assert target is not None
    asked = run.specification
    goals = []
    if asked["target_loss"] is not None and end.loss > target.loss:
        goals.append(np.sqrt(max(asked["target_loss"] - target.loss, 0.0) / (end.loss - target.loss)))
    if asked["gradient_tolerance"] is not None:
        goals.append(asked["gradient_tolerance"] / np.abs(end.gradient).max())
    return float(max(goals, default=0.0))


def _pull(evidence: Evidence, made: float) -> float:
    """The curvature along the rest of the way, or what the steps so far made of it, whichever is more."""
    run, end, target = evidence.run, evidence.end, evidence.target
    assert end is not None
    assert target is not None
    apart = end.x - target.x
    length = float(apart @ apart)
    curvature = float(apart @ evidence.product(target.x, apart)) / length if length > 0 else 0.0
    gaps = run.losses[0] - target.loss, end.loss - target.loss
    seen = np.log(gaps[0] / gaps[1]) / (2 * made) if min(gaps) > 0 and made > 0 else 0.0
    return float(max(curvature, seen))
