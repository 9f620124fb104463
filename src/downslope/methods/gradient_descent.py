"""Gradient descent (Cauchy 1847).

    x <- x - a g

On a quadratic of curvature L it is stable for a < 2 / L, straight for a <= 1 / L, and zigzags between.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.methods.method import Method


@dataclass(frozen=True)
class GradientDescent(Method):
    """Steps against the gradient, in proportion to it.

    >>> GradientDescent().update(gradient=10.0, state=(), learning_rate=0.1)
    (-1.0, ())
    """

    always_downhill: ClassVar[bool] = True
    default_rate: ClassVar[float | None] = None

    def init(self, x: Any) -> tuple[()]:
        """No memory."""
        return ()

    def update(self, gradient: Any, state: tuple[()], learning_rate: Any) -> tuple[Any, tuple[()]]:
        """-a g."""
        return -learning_rate * gradient, state
