"""Rules and functions that several tests of explanations need."""

from dataclasses import dataclass

from downslope.methods import Method


@dataclass(frozen=True)
class Tripled(Method):
    """Gradient descent that goes three times as far as its rate says: 1 - 3 a c on a curvature c."""

    def init(self, x):
        return ()

    def update(self, gradient, state, learning_rate):
        return -3 * learning_rate * gradient, state


def logistic(r):
    """A loss on which a step of 1 is the logistic map, x <- r x (1 - x)."""
    return f"0.5*x^2 - {r}*(x^2/2 - x^3/3)"


@dataclass(frozen=True)
class Frictionless(Method):
    """A heavy ball that keeps all of its velocity: on a curvature c, z^2 - (2 - a c) z + 1, of size 1 up to a c = 4."""

    def init(self, x):
        return 0.0 * x

    def update(self, gradient, state, learning_rate):
        velocity = state - learning_rate * gradient
        return velocity, velocity
