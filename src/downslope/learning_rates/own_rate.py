"""The rate of methods that bring their own: other libraries' rules, which tell it after the step, if at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


@dataclass(frozen=True)
class OwnRate(LearningRate):
    """Chooses nothing: the method of another library knows its rate itself.

    >>> import downslope, optax
    >>> downslope.minimize("x^2", 5.0, method=optax.sgd(0.1), max_steps=2).learning_rates
    array([nan, nan, nan])
    """

    def choose(self, state: Any, here: Here) -> Choice:
        """NaN, in the point's own precision; the engine takes down what the method reports instead."""
        return Choice(here.x.dtype.type("nan"), state)
