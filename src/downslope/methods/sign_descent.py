"""Sign descent: a step of constant length against the slope's sign, in each coordinate.

    x <- x - a sign(g)

Its end is never a point: a coordinate bounces between r and a - r on the two sides of its minimum, so the
nearer of the two is at most a / 2 away. It is the limit of RMSProp and Adam without averaging
(Bernstein et al. 2018, "signSGD").
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.methods.method import Method


@dataclass(frozen=True)
class SignDescent(Method):
    """Steps of constant length.

    >>> SignDescent().update(gradient=10.0, state=(), learning_rate=0.1)
    (-0.1, ())
    """

    always_downhill: ClassVar[bool] = True
    default_rate: ClassVar[float | None] = None

    def init(self, x: Any) -> tuple[()]:
        """No memory."""
        return ()

    def update(self, gradient: Any, state: tuple[()], learning_rate: Any) -> tuple[Any, tuple[()]]:
        """-a sign(g); zero where the slope is zero."""
        one = 0 * gradient + 1  # in the gradient's own dtype, which a plain 1 * (gradient > 0) would leave
        sign = one * (gradient > 0) - one * (gradient < 0)
        return -learning_rate * sign, state
