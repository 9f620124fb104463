"""Armijo backtracking (Armijo 1966; Nocedal and Wright 2006, algorithm 3.1).

From a trial rate, shrink until the loss falls by at least a small share of what the slope promises:

    f(P(x + a d)) <= f(x) + slope g . (P(x + a d) - x)

P is the projection into the bounds. The first trial is `grow` times the rate accepted last, at most
`largest`. On a quadratic of curvature L a rate passes below 2 (1 - slope) / L: the usual slope of 1e-4 lets
gradient descent bounce along at almost 2 / L, and 0.3 keeps it clear of that. Only trial points with a finite
loss are accepted: minus infinity passes the inequality. A rate so small that the point does not move ends the
search without one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.coefficients import coefficient
from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


class BacktrackingState(NamedTuple):
    """The first rate to try."""

    trial: Any


class _Search(NamedTuple):
    rate: Any
    accepted: Any
    moved: Any
    n_trials: Any


@dataclass(frozen=True)
class Backtracking(LearningRate):
    """Halve the rate until the loss falls enough; the default of methods that always point downhill.

    >>> import downslope
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=Backtracking(initial=1.0, shrink=0.5))
    >>> run.x, run.n_steps, run.n_evaluations  # 1.0 bounces back to -5 and is refused, 0.5 lands on 0
    (0.0, 1, 4)
    """

    initial: float = coefficient("(0, inf)", 1.0, "the very first trial")
    shrink: float = coefficient("(0, 1)", 0.5, "from one trial to the next")
    slope: float = coefficient("(0, 1)", 0.3, "the share of the promised fall that is asked for")
    grow: float = coefficient("[1, inf)", 2.0, "from the rate accepted last to the next first trial")
    largest: float = coefficient("(0, inf)", 1e10, "no trial is above it")
    max_trials: float = coefficient("[1, 1000]", 60, "trials for one step before the search gives up")

    needs_downhill: ClassVar[bool] = True

    def init(self, x: Any) -> BacktrackingState:
        """Start from `initial`, in the point's own precision."""
        return BacktrackingState(x.dtype.type(1) * self.initial)

    def choose(self, state: BacktrackingState, here: Here) -> Choice:
        """The first of trial, trial * shrink, ... that passes."""
        xp = here.xp

        def attempt(search: _Search) -> _Search:
            rate = xp.where(search.n_trials == 0, search.rate, search.rate * self.shrink)
            point = here.move(rate)
            loss = here.value(point)
            promised = xp.sum(here.gradient * (point - here.x))
            enough = loss <= here.loss + self.slope * promised
            # A rate too small to move the point passes the inequality, and helps nobody, unless nothing should move.
            moved = xp.any(point != here.x) | xp.all(here.gradient == 0)
            return _Search(rate, moved & enough & xp.isfinite(loss), moved, search.n_trials + 1)

        def goes_on(search: _Search) -> Any:
            return here.running & search.moved & ~search.accepted & (search.n_trials < self.max_trials)

        first = xp.minimum(state.trial, self.largest)
        no, yes = xp.asarray(False), xp.asarray(True)
        end = here.while_loop(goes_on, attempt, _Search(first, no, yes, xp.asarray(0)))
        return Choice(end.rate, BacktrackingState(end.rate * self.grow), end.accepted, end.n_trials)
