"""How far the curvatures at a point may be off, by the way in which the Hessian was computed.

With the step h = eps^(1/3), differences of values are off by about eps |f| / h^2 = eps^(1/3) |f| in a second
derivative, and differences of exact gradients by eps^(2/3) of the curvature.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from downslope.objectives.bound import Bound, GradientSource, TorchBound


def is_exact(bound: Bound) -> bool:
    """Whether second derivatives are exact, up to rounding."""
    return bound.program is not None or isinstance(bound, TorchBound)


def uncertainty(
    bound: Bound,
    x: np.ndarray,
    chosen: np.ndarray,
    root: np.ndarray,
    size: float,
    product: Callable[[np.ndarray], np.ndarray],
) -> float:
    """What the eigenvalues, of sizes up to `size`, may be off by.

    Exact derivatives: a few roundings. Differences: the curvature along one direction is measured a second time, with
    a step eight times as long, which rounding disturbs eight times less; and no less than what theory lets expect.
    """
    eps = float(np.finfo(x.dtype).eps)
    rounding = 64 * eps * np.sqrt(max(chosen.size, 1)) * size
    if is_exact(bound) or not chosen.size:
        return float(rounding)
    direction = np.zeros(x.size)
    direction[chosen] = np.random.default_rng(1).choice([-1.0, 1.0], chosen.size) / np.sqrt(chosen.size)
    step = 8 * eps ** (1 / 3) * max(1.0, float(np.max(np.abs(x)))) * direction * np.sqrt(chosen.size)
    ahead, behind = (x + side * step for side in (1.0, -1.0))
    if bound.bounds is not None:  # never outside
        ahead, behind = (np.clip(point, *bound.bounds) for point in (ahead, behind))
    moved = (ahead - behind).astype(float)
    length = float(moved @ moved)
    loss, gradient = bound.value_and_gradient(x)
    expected = eps ** (1 / 3) * abs(loss) if bound.source is GradientSource.FINITE_DIFFERENCES else 0.0
    expected += eps ** (2 / 3) * (size + float(np.max(np.abs(gradient))))
    if not length:
        return float(expected + rounding)
    change = (bound.gradient(ahead.astype(x.dtype)) - bound.gradient(behind.astype(x.dtype))).astype(float)
    measured = abs(moved @ change - moved @ product(moved)) / length
    return float(max(expected, 2 * np.sqrt(chosen.size) * measured) * np.max(root) ** 2 + rounding)
