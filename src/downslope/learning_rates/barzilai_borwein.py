"""Barzilai and Borwein's rate (1988): the step that the last move says the curvature allows.

    s = x - x_before        y = g - g_before        a = s . s / s . y

It needs no loss and no search, is exact on a one-dimensional quadratic from the second step on, and lets
the loss rise on the way. Where s . y is not positive (negative curvature) the rate before is kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.coefficients import coefficient
from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


class BarzilaiBorweinState(NamedTuple):
    """The point and gradient before, and the rate used there."""

    x: Any
    gradient: Any
    rate: Any


@dataclass(frozen=True)
class BarzilaiBorwein(LearningRate):
    """The inverse of the curvature seen along the last step.

    >>> import downslope
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=BarzilaiBorwein(initial=1.0))
    >>> [round(float(x), 12) for x in run.path]
    [5.0, 4.0, 0.0]
    """

    initial: float = coefficient("(0, inf)", 0.01, "how far the first step may move a coordinate")
    smallest: float = coefficient("(0, inf)", 1e-10, "no rate is below it")
    largest: float = coefficient("(0, inf)", 1e10, "no rate is above it")

    needs_downhill: ClassVar[bool] = True
    needs_plain_gradient: ClassVar[bool] = True

    def init(self, x: Any) -> BarzilaiBorweinState:
        """No step yet, told by a rate of 0."""
        return BarzilaiBorweinState(x, 0 * x, x.dtype.type(0))

    def choose(self, state: BarzilaiBorweinState, here: Here) -> Choice:
        """S . s / s . y, or the first rate, or the last one."""
        xp = here.xp
        moved = here.x - state.x
        curvature = xp.sum(moved * (here.gradient - state.gradient))
        usable = curvature > 0
        ratio = xp.sum(moved * moved) / xp.where(usable, curvature, 1.0)
        first = self.initial / xp.maximum(xp.max(xp.abs(here.gradient)), 1.0)
        kept = xp.where(state.rate > 0, state.rate, first)
        rate = xp.clip(xp.where(usable, ratio, kept), self.smallest, self.largest)
        return Choice(rate, BarzilaiBorweinState(here.x, here.gradient, rate))
