"""From a point to the stationary point nearby: Newton's method on the gradient, and a careful way downhill.

    polish      g(x) = 0, wherever x leads: minimum, saddle or maximum      x <- x - t H^-1 g
    settle      downhill to the minimum of the basin that x lies in, and polish there

Polishing halves t until |g| falls (Nocedal and Wright 2006, section 11.2). With bounds, both move in the variables that
no bound holds, and the function is never evaluated outside.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from downslope.analysis.curvature import DENSE_UP_TO, free_variables, spectrum
from downslope.objectives.bound import Bound

REACH = 0.25
"""How far `polish` goes by default, as a share of the largest variable's size or of 1."""
MOST_STEPS = 60
"""Where the slope vanishes as a cube, a step leaves two thirds of the way; 60 leave 3e-11 of it."""
MOST_PRODUCTS = 1000
"""Hessian-vector products of one polishing, beyond 300 variables, unless the caller has fewer."""
_MOST_HALVINGS = 12
_PATIENCE = 10
"""Steps in which the gradient must halve: Newton's method crawls only where it leads nowhere."""
_LARGEST_STEP = 0.25
"""Of how far it may go."""
_NEAR = 1e-3
"""The way down ends with a Newton step of this share of the largest variable: polishing squares what is left."""


def polish(
    bound: Bound,
    x: np.ndarray,
    *,
    farthest: float | np.ndarray | None = None,
    most_products: int = MOST_PRODUCTS,
) -> np.ndarray | None:
    """The stationary point near x, where the gradient is zero to rounding; None where none is found.

    `farthest` is how far from x it may lie, in each variable (a number for all, or shape (n,)); None is a quarter of
    the largest variable's size, or of 1 where that is less. A step goes a quarter of it at most. `most_products` limits
    the Hessian-vector products beyond 300 variables; up to there whole Hessians are used.

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("x^3 - 3x").bind(-1.1)
    >>> polish(bound, x)
    array([-1.])
    """
    dtype = bound.structure.dtype
    start = x = np.asarray(x, dtype=dtype)
    close = float(np.finfo(dtype).eps) ** 0.5 * max(1.0, float(np.max(np.abs(x))))
    if farthest is None:
        farthest = REACH * max(1.0, float(np.max(np.abs(x))))
    step_of = _dense_step if x.size <= DENSE_UP_TO else _by_products(most_products)
    with np.errstate(all="ignore"):
        gradient, free = _slope(bound, x)
        sizes: list[float] = []
        for _ in range(MOST_STEPS):
            size = _norm(gradient[free])
            if len(sizes) >= _PATIENCE and size > 0.5 * sizes[-_PATIENCE]:
                return None
            sizes.append(size)
            if size == 0:
                return x
            found = step_of(bound, x, gradient, free)
            if found is None:
                return None
            step, curvature = found
            if not step.any():  # no curvature at all, and a slope
                return None
            is_close = np.max(np.abs(step)) <= close and size <= close * curvature
            step *= min(1.0, 1.0 / max(float(np.max(np.abs(step) / (_LARGEST_STEP * farthest))), 1e-300))
            following = _closer(bound, x, step, size, 1 if is_close else _MOST_HALVINGS)
            if following is None:
                return x if is_close else None
            x, gradient, free = following
            if np.any(np.abs(x - start) > farthest):
                return None
            if is_close and _norm(gradient[free]) > 0.1 * size:  # rounding, or so flat that the rest takes for ever
                return x
        return None


def settle(bound: Bound, x: np.ndarray) -> np.ndarray | None:
    """The minimum of the basin that x lies in; None where the way down leads to none.

    Newton's steps down, each so short that the quadratic which it trusts holds. Beyond 300 variables L-BFGS-B leads
    down, and that the end is no saddle is left to the caller's own spectrum.

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("himmelblau").bind([4.0, 0.5])
    >>> settle(bound, x)
    array([3., 2.])
    """
    x = np.asarray(x, dtype=bound.structure.dtype)
    with np.errstate(all="ignore"):
        low = _down(bound, x) if x.size <= DENSE_UP_TO else _down_by_gradients(bound, x)
        point = None if low is None else polish(bound, low)
        if point is None or x.size > DENSE_UP_TO:
            return point
        free = _slope(bound, point)[1]
        return point if spectrum(bound, point, free=free).n_negative == 0 else None


def _slope(bound: Bound, x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    gradient = bound.gradient(x)
    return gradient, free_variables(x, gradient, bound.bounds)


def _norm(v: np.ndarray) -> float:
    return float(np.linalg.norm(v.astype(float)))


def _inside(bound: Bound, x: np.ndarray) -> np.ndarray:
    x = x.astype(bound.structure.dtype, copy=False)
    return x if bound.bounds is None else np.asarray(np.clip(x, *bound.bounds))


def _closer(
    bound: Bound, x: np.ndarray, step: np.ndarray, size: float, trials: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """The first of ever shorter steps that lowers the gradient's norm, with the slope there."""
    for k in range(trials):
        trial = _inside(bound, x + 0.5**k * step)
        gradient, free = _slope(bound, trial)
        if _norm(gradient[free]) <= (1 - 1e-4 * 0.5**k) * size:
            return trial, gradient, free
    return None


def _dense_step(bound: Bound, x: np.ndarray, gradient: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float] | None:
    """-H^-1 g over the free variables, and the largest curvature; flat directions are left alone."""
    matrix = np.asarray(bound.hessian(x), dtype=float)[np.ix_(free, free)]
    if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(gradient)):
        return None
    values, vectors = np.linalg.eigh(matrix)
    size = np.abs(values)
    steep = size > np.finfo(x.dtype).eps * len(values) * np.max(size)
    step = np.zeros(x.size)
    step[free] = -vectors[:, steep] @ ((vectors[:, steep].T @ gradient[free]) / values[steep])
    return step, float(np.max(size))


def _by_products(
    most: int,
) -> Callable[[Bound, np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, float] | None]:
    """The same step by MINRES, which takes indefinite matrices; `most` products in all."""
    left = most

    def step_of(bound: Bound, x: np.ndarray, gradient: np.ndarray, free: np.ndarray) -> tuple[np.ndarray, float] | None:
        from scipy.sparse.linalg import LinearOperator, minres

        nonlocal left
        curvature = 0.0

        def product(v: np.ndarray) -> np.ndarray:
            nonlocal left, curvature
            left -= 1
            direction = np.zeros(x.size, dtype=x.dtype)
            direction[free] = v
            image = np.asarray(bound.hessian_vector_product(x, direction), dtype=float)[free]
            curvature = max(curvature, float(np.linalg.norm(image) / np.linalg.norm(v)))
            return np.asarray(image)

        if left <= 0 or not np.all(np.isfinite(gradient)):
            return None
        n = int(np.count_nonzero(free))
        operator = LinearOperator((n, n), matvec=product, dtype=float)
        solution, _ = minres(operator, -gradient[free].astype(float), rtol=1e-10, maxiter=left)
        if not np.all(np.isfinite(solution)):
            return None
        step = np.zeros(x.size)
        step[free] = solution
        return step, curvature

    return step_of


def _down(bound: Bound, x: np.ndarray) -> np.ndarray | None:
    """Downhill by Newton's method in a trust region whose model must hold both ways: no leap into another basin."""
    loss, gradient = bound.value_and_gradient(x)
    radius = 0.1 * max(1.0, float(np.max(np.abs(x))))
    for _ in range(MOST_STEPS):
        free = free_variables(x, gradient, bound.bounds)
        matrix = np.asarray(bound.hessian(x), dtype=float)[np.ix_(free, free)]
        if not np.all(np.isfinite(matrix)) or not np.all(np.isfinite(gradient)) or not np.isfinite(loss):
            return None
        if not gradient[free].any():
            return x
        values, vectors = np.linalg.eigh(matrix)
        slope = vectors.T @ gradient[free]
        whole = np.zeros(x.size)
        whole[free] = -vectors @ (slope / _curvatures_trusted(values, slope))
        while True:
            trial = _inside(bound, x + whole * min(1.0, radius / float(np.max(np.abs(whole)))))
            moved = (trial - x).astype(float)
            expected = float(gradient @ moved + moved[free] @ matrix @ moved[free] / 2)
            lower, following = bound.value_and_gradient(trial)
            if np.isfinite(lower) and lower < loss and 0.25 * expected >= lower - loss >= 4 * expected:
                radius *= 2
                break
            radius = float(np.max(np.abs(moved))) / 4
            if radius <= np.finfo(x.dtype).eps * max(1.0, float(np.max(np.abs(x)))):
                return x  # rounding hides what is still to be gained
        is_newton = values[0] > 0 and not np.any(np.abs(moved - whole) > 1e-6 * np.abs(whole))
        x, loss, gradient = trial, lower, following
        if is_newton and np.max(np.abs(moved)) <= _NEAR * max(1.0, float(np.max(np.abs(x)))):
            return x
    return x


def _curvatures_trusted(values: np.ndarray, slope: np.ndarray) -> np.ndarray:
    """By what a step divides the slope along each eigenvector.

    Along negative curvature the quadratic has no end, and a Newton step there runs along a valley that the way down
    only crosses. It goes as far as the way down would while it covers the step along positive curvature; but all the
    way where hardly any slope is left but that, as beside a saddle.
    """
    size: np.ndarray = np.maximum(np.abs(values), 1e-12 * np.max(np.abs(values)))
    size[size == 0] = 1.0
    up = values > 0
    across, along = _norm(slope[up]), _norm(slope[~up])
    if across > 0 and along > 0:
        pace = across / _norm(slope[up] / size[up])
        size[~up] = np.maximum(size[~up], pace * min(1.0, across / along))
    return size


def _down_by_gradients(bound: Bound, x: np.ndarray) -> np.ndarray | None:
    from scipy.optimize import Bounds, minimize

    box = None if bound.bounds is None else Bounds(*bound.bounds)

    def both(point: np.ndarray) -> tuple[float, np.ndarray]:
        loss, gradient = bound.value_and_gradient(_inside(bound, point))
        return loss, np.asarray(gradient, dtype=float)

    result = minimize(both, x, jac=True, method="L-BFGS-B", bounds=box, options={"gtol": 1e-9, "ftol": 0})
    return _inside(bound, result.x) if np.all(np.isfinite(result.x)) else None
