"""
A method of one's own
=====================

Three paths in a ravine: gradient descent drops to the floor and creeps, momentum swings from wall to wall, and the
method defined here, which forgets its velocity whenever that would lead uphill, ends at the minimum after 135 steps.

O'Donoghue and Candès (2015) restart momentum in this way.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

from downslope import Method, minimize, plots
from downslope.coefficients import coefficient


class Velocity(NamedTuple):
    velocity: Any


@dataclass(frozen=True)
class Restarting(Method):
    beta: float = coefficient("[0, 1)", 0.9, "the share of the velocity that is kept")

    def init(self, x):
        return Velocity(0 * x)

    def update(self, gradient, state, learning_rate):
        forward = (state.velocity * gradient).sum() <= 0
        velocity = forward * self.beta * state.velocity - learning_rate * gradient
        return velocity, Velocity(velocity)


methods = ("gradient_descent", "momentum", Restarting())
plots.paths([minimize("ravine", [-4.5, 1.5], method=each, learning_rate=0.1, max_steps=150) for each in methods])
