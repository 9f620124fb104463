"""Polyak's rate (1969): the step that a linear model says reaches the known lowest loss.

    a = (f(x) - lowest) / |g|^2

On a function that is convex around its minimum it never overshoots the solution set. On a parabola it
halves the distance at each step. The lowest loss must be known: with one that is too low it overshoots.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.coefficients import coefficient
from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


@dataclass(frozen=True)
class Polyak(LearningRate):
    """The rate for a known lowest loss.

    >>> import downslope
    >>> run = downslope.minimize("x^2", 8.0, learning_rate=Polyak(lowest=0.0), max_steps=3)
    >>> run.path.tolist()
    [8.0, 4.0, 2.0, 1.0]
    """

    lowest: float = coefficient("(-inf, inf)", 0.0, "the loss at the minimum")

    needs_downhill: ClassVar[bool] = True
    needs_plain_gradient: ClassVar[bool] = True

    def choose(self, state: Any, here: Here) -> Choice:
        """(f - lowest) / g . g; zero below the lowest loss, where there is nothing to reach."""
        xp = here.xp
        square = xp.sum(here.gradient * here.gradient)
        excess = xp.maximum(here.loss - self.lowest, 0.0)
        return Choice(excess / xp.where(square > 0, square, 1.0), state)
