"""AdaGrad (Duchi, Hazan and Singer 2011): each coordinate's rate shrinks with the gradients it has seen.

    s <- s + g^2        x <- x - a g / (sqrt(s) + epsilon)

s starts at 0, as in PyTorch. The first step therefore has length a in each coordinate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.coefficients import coefficient
from downslope.methods.method import Method


class AdaGradState(NamedTuple):
    """The sum of squared gradients."""

    sum_of_squares: Any


@dataclass(frozen=True)
class AdaGrad(Method):
    """Per-coordinate rates that only shrink.

    >>> AdaGrad(epsilon=0.0).update(3.0, AdaGradState(16.0), learning_rate=0.5)
    (-0.3, AdaGradState(sum_of_squares=25.0))
    """

    epsilon: float = coefficient("[0, inf)", 1e-10, "keeps the division finite")

    always_downhill: ClassVar[bool] = True
    default_rate: ClassVar[float | None] = None
    scaling: ClassVar[tuple[str, ...]] = ("sum_of_squares",)

    def init(self, x: Any) -> AdaGradState:
        """Nothing seen yet."""
        return AdaGradState(0 * x)

    def update(self, gradient: Any, state: AdaGradState, learning_rate: Any) -> tuple[Any, AdaGradState]:
        """-a g / (sqrt(s) + epsilon)."""
        state = AdaGradState(state.sum_of_squares + gradient * gradient)
        return -learning_rate * gradient / self.scale(state), state

    def scale(self, state: AdaGradState) -> Any:
        """Sqrt(s) + epsilon."""
        return state.sum_of_squares**0.5 + self.epsilon
