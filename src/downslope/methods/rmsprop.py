"""RMSProp (Tieleman and Hinton 2012): AdaGrad with a memory that fades.

    s <- rho s + (1 - rho) g^2        x <- x - a g / (sqrt(s) + epsilon)

PyTorch's form, without centring and momentum; s starts at 0. Near a minimum g and sqrt(s) shrink together,
so at a constant rate it ends in bouncing by about a / 2 rather than at a point.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from downslope.coefficients import coefficient
from downslope.methods.method import Method


class RMSPropState(NamedTuple):
    """The running mean of squared gradients."""

    mean_square: Any


@dataclass(frozen=True)
class RMSProp(Method):
    """Per-coordinate rates from the recent gradients.

    >>> RMSProp(rho=0.75, epsilon=0.0).update(10.0, RMSPropState(0.0), learning_rate=0.5)
    (-1.0, RMSPropState(mean_square=25.0))
    """

    rho: float = coefficient("[0, 1)", 0.99, "the share of the mean square that is kept")
    epsilon: float = coefficient("[0, inf)", 1e-8, "keeps the division finite")

    always_downhill: ClassVar[bool] = True
    default_rate: ClassVar[float | None] = None
    scaling: ClassVar[tuple[str, ...]] = ("mean_square",)

    def init(self, x: Any) -> RMSPropState:
        """Nothing seen yet."""
        return RMSPropState(0 * x)

    def update(self, gradient: Any, state: RMSPropState, learning_rate: Any) -> tuple[Any, RMSPropState]:
        """-a g / (sqrt(s) + epsilon)."""
        state = RMSPropState(self.rho * state.mean_square + (1 - self.rho) * gradient * gradient)
        return -learning_rate * gradient / self.scale(state), state

    def scale(self, state: RMSPropState) -> Any:
        """Sqrt(s) + epsilon."""
        return state.mean_square**0.5 + self.epsilon
