"""Momentum: heavy ball (Polyak 1964) and Nesterov's (1983; in the form of Sutskever et al. 2013).

    heavy ball   v <- beta v - a g        x <- x + v
    Nesterov     v <- beta v + g          x <- x - a (g + beta v)

beta = 0 is plain gradient descent in both. On a quadratic of curvature L the heavy ball is stable for
a < 2 (1 + beta) / L and Nesterov's for a < 2 (1 + beta) / ((1 + 2 beta) L). Nesterov's form is PyTorch's:
it steps where the look-ahead form would look, so the function is evaluated on the path alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

from downslope.coefficients import coefficient
from downslope.methods.method import Method


class MomentumState(NamedTuple):
    """What a moving point remembers."""

    velocity: Any


@dataclass(frozen=True)
class Momentum(Method):
    """Heavy-ball momentum.

    >>> Momentum(beta=0.5).update(10.0, MomentumState(velocity=-1.0), learning_rate=0.1)
    (-1.5, MomentumState(velocity=-1.5))
    """

    beta: float = coefficient("[0, 1)", 0.9, "the share of the velocity that is kept")

    def init(self, x: Any) -> MomentumState:
        """At rest."""
        return MomentumState(0 * x)

    def update(self, gradient: Any, state: MomentumState, learning_rate: Any) -> tuple[Any, MomentumState]:
        """The new velocity is the step."""
        velocity = self.beta * state.velocity - learning_rate * gradient
        return velocity, MomentumState(velocity)


@dataclass(frozen=True)
class Nesterov(Method):
    """Nesterov's momentum.

    >>> Nesterov(beta=0.5).update(10.0, MomentumState(velocity=0.0), learning_rate=0.1)
    (-1.5, MomentumState(velocity=10.0))
    """

    beta: float = coefficient("[0, 1)", 0.9, "the share of the velocity that is kept")

    def init(self, x: Any) -> MomentumState:
        """At rest."""
        return MomentumState(0 * x)

    def update(self, gradient: Any, state: MomentumState, learning_rate: Any) -> tuple[Any, MomentumState]:
        """-a (g + beta v), with the velocity already renewed."""
        velocity = self.beta * state.velocity + gradient
        return -learning_rate * (gradient + self.beta * velocity), MomentumState(velocity)
