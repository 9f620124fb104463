"""The rate of methods that bring their own: other libraries' rules, which tell it after the step, if at all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from downslope.learning_rates.learning_rate import Choice, Here, LearningRate


@dataclass(frozen=True)
class OwnRate(LearningRate):
    """Chooses nothing."""

    def choose(self, state: Any, here: Here) -> Choice:
        """NaN, in the point's own precision; the engine takes down what the method reports instead."""
        return Choice(here.x.dtype.type("nan"), state)
