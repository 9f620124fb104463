"""Adam (Kingma and Ba 2015): momentum on the gradient, RMSProp on its size, both freed from their zero start.

m <- beta1 m + (1 - beta1) g          s <- beta2 s + (1 - beta2) g^2
x <- x - a (m / (1 - beta1^n)) / (sqrt(s / (1 - beta2^n)) + epsilon)        n = 1, 2, ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.coefficients import coefficient
from downslope.methods.method import Method


class AdamState(NamedTuple):
    """Running means of the gradient and of its square, and how many gradients they hold."""

    mean: Any
    mean_square: Any
    n_gradients: Any


@dataclass(frozen=True)
class Adam(Method):
    """Adaptive moments.

    >>> step, state = Adam(epsilon=0.0).update(8.0, AdamState(0.0, 0.0, 0), learning_rate=0.5)
    >>> round(step, 12), state.n_gradients
    (-0.5, 1)
    """

    beta1: float = coefficient("[0, 1)", 0.9, "the share of the mean gradient that is kept")
    beta2: float = coefficient("[0, 1)", 0.999, "the share of the mean square that is kept")
    epsilon: float = coefficient("[0, inf)", 1e-8, "keeps the division finite")

    default_rate: ClassVar[float | None] = 0.001
    scaling: ClassVar[tuple[str, ...]] = ("mean_square",)

    def init(self, x: Any) -> AdamState:
        """Nothing seen yet."""
        return AdamState(0 * x, 0 * x, 0)

    def update(self, gradient: Any, state: AdamState, learning_rate: Any) -> tuple[Any, AdamState]:
        """-a times the corrected mean over the root of the corrected mean square."""
        n = state.n_gradients + 1
        mean = self.beta1 * state.mean + (1 - self.beta1) * gradient
        mean_square = self.beta2 * state.mean_square + (1 - self.beta2) * gradient * gradient
        state = AdamState(mean, mean_square, n)
        return -learning_rate * (mean / (1 - self.beta1**n)) / self.scale(state), state

    def scale(self, state: AdamState) -> Any:
        """The root of the corrected mean square, plus epsilon."""
        return (state.mean_square / (1 - self.beta2**state.n_gradients)) ** 0.5 + self.epsilon
