"""Newton's method, with the Hessian made positive definite where it is not.

    H = Q diag(l) Q'        x <- x - a Q diag(1 / max(|l|, damping max|l|)) Q' g

Taking |l| turns directions of negative curvature downhill, away from saddles and maxima (Greenstadt 1967;
Nocedal and Wright 2006, section 3.4). Where H is positive definite and well conditioned this is the exact
Newton step. The cost is n^2 memory and n^3 time, for small n.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from downslope.coefficients import coefficient
from downslope.methods.eigen import symmetric_eigen
from downslope.methods.method import Method


@dataclass(frozen=True)
class Newton(Method):
    """Second order: jumps to the minimum of the local quadratic.

    >>> import numpy as np
    >>> hessian = np.diag([2.0, -4.0])
    >>> step, _ = Newton().update(np.array([2.0, 4.0]), (), 1.0, hessian)
    >>> [round(float(s), 12) for s in step]
    [-1.0, -1.0]
    """

    damping: float = coefficient("[0, 1)", 1e-8, "the smallest curvature used, relative to the largest")

    always_downhill: ClassVar[bool] = True
    default_rate: ClassVar[float | None] = None
    needs_hessian: ClassVar[bool] = True

    def init(self, x: Any) -> tuple[()]:
        """No memory."""
        return ()

    def update(  # type: ignore[override]  # the one rule that needs the Hessian
        self, gradient: Any, state: tuple[()], learning_rate: Any, hessian: Any
    ) -> tuple[Any, tuple[()]]:
        """-a |H|^-1 g; NaN where the Hessian is not finite."""
        xp = hessian.__array_namespace__()
        finite = xp.all(xp.isfinite(hessian))
        # LAPACK raises or hangs on NaN; the answer is masked below.
        values, vectors = symmetric_eigen(xp, xp.where(finite, hessian, 0.0))
        size = xp.abs(values)
        largest = xp.max(size)
        size = xp.where(largest > 0, xp.maximum(size, self.damping * largest), 1.0)
        size = xp.where(size > 0, size, 1.0)
        direction = vectors @ ((vectors.T @ gradient) / size)
        return -learning_rate * xp.where(finite, direction, xp.nan), state
