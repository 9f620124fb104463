"""Curvature at a point: the eigenvalues of the Hessian, how well each is known, and what kind of point it makes.

Up to 300 variables the whole Hessian is decomposed; beyond, the ends of its spectrum come from at most 200
Hessian-vector products by Lanczos's method. Each value l with its vector v has the residual |H v - l v|, and some
eigenvalue of H lies within that of l.
"""

from __future__ import annotations

import dataclasses
import enum
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis import lanczos
from downslope.analysis.uncertainty import is_exact, uncertainty
from downslope.objectives.bound import Bound
from downslope.objectives.finite_difference import Bounds
from downslope.plain import plain

DENSE_UP_TO = 300
"""Variables, up to which all eigenvalues are computed."""
MOST_PRODUCTS = 200
"""Hessian-vector products at most, beyond that."""
RESOLVED_SHARE = 1e-3
"""A value is resolved where its residual is at most this share of it, or too small to tell it from a flat one."""
BESIDE_SHARE = 1e-5
"""A value is flat where it is at most this share of the curvature of its direction close by: on x^3 polishing ends
at about 1e-8, where rounding hides the slope, and the curvature is that share of what it is at 0.01."""
_CLOSE_BY = 1e-2
"""As a share of the largest variable's size, or of 1."""
_MOST_LOOKED_ALONG = 20
FLAT_SHARE = 2.0**-26
"""A value is flat where it is at most this share of the largest, the square root of float64's precision.

Where a loss grows as a fourth power, its slope is lost in rounding at a distance of about eps^(1/3), and the curvature
there is 12 eps^(2/3) = 4e-10: no sharper line separates such a direction from one that is merely long."""


class PointKind(enum.Enum):
    """What the slope and the curvatures at a point make of it.

    >>> PointKind("saddle")
    <PointKind.SADDLE: 'saddle'>
    """

    MINIMUM = "minimum"
    SADDLE = "saddle"
    MAXIMUM = "maximum"
    FLAT = "flat"
    """Stationary, with a curvature that is zero as far as can be told: the Hessian's signs do not decide."""
    AT_BOUND = "at a bound"
    """Downhill leads out of the box, and along its side nothing leads down."""
    NOT_STATIONARY = "not stationary"
    UNDECIDED = "undecided"
    """Stationary, but the Hessian is not finite, or the end of its spectrum is not resolved."""


@dataclass(frozen=True, eq=False)
class Spectrum:
    """The eigenvalues of the Hessian at a point.

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("x^2 - 2*y^2").bind([0.0, 0.0])
    >>> found = spectrum(bound, x)
    >>> found.values.tolist(), found.n_negative, found.condition_number
    ([-4.0, 2.0], 1, 1.0)
    """

    values: np.ndarray
    """Ascending: all of them where `is_complete`, else up to three at each end."""
    residuals: np.ndarray
    """|H v - l v| of each value."""
    vectors: np.ndarray
    """One column a value, shape (n, k), of length 1; zero at variables that are not free."""
    is_complete: bool
    is_finite: bool
    """False where the Hessian is not finite; there are no values then."""
    n_products: int
    """Hessian-vector products that this took; 0 where the whole Hessian was computed."""
    uncertainty: float
    """The error of the values to be expected from how the Hessian was computed: rounding, or finite differences."""

    @property
    def flat_below(self) -> float:
        """The size up to which a value counts as flat: a share of 1.5e-8 of the largest size, and the uncertainty."""
        return FLAT_SHARE * float(np.max(np.abs(self.values), initial=0.0)) + self.uncertainty

    @property
    def resolved(self) -> np.ndarray:
        """Whether each value's residual is at most a thousandth of it, or at most `flat_below`."""
        return np.asarray(self.residuals <= np.maximum(RESOLVED_SHARE * np.abs(self.values), self.flat_below))

    @property
    def largest(self) -> float | None:
        """The largest eigenvalue; None where it is not resolved (it is then at least `values[-1]`)."""
        return float(self.values[-1]) if self.values.size and self.resolved[-1] else None

    @property
    def smallest(self) -> float | None:
        """The smallest eigenvalue; None where it is not resolved (it is then at most `values[0]`)."""
        return float(self.values[0]) if self.values.size and self.resolved[0] else None

    @property
    def condition_number(self) -> float | None:
        """The largest positive eigenvalue over the smallest that the uncertainty does not cover; None if not known.

        Of an incomplete spectrum it is known where the smallest value of all is positive and resolved.
        """
        positive = self.values[self.values > self.uncertainty]
        known = self.is_complete or (self.smallest is not None and self.smallest > self.uncertainty)
        if not positive.size or not known or self.largest is None:
            return None
        return float(positive[-1] / positive[0])

    @property
    def n_negative(self) -> int:
        """Values below zero; of an incomplete spectrum, so many are there at least (Cauchy's interlacing)."""
        return int(np.count_nonzero(self.values < -self.flat_below))

    @property
    def n_flat(self) -> int:
        """Resolved values that are zero as far as can be told; of an incomplete spectrum there may be more."""
        return int(np.count_nonzero((np.abs(self.values) <= self.flat_below) & self.resolved))

    @property
    def n_positive(self) -> int:
        """Values above zero; of an incomplete spectrum, so many are there at least."""
        return int(np.count_nonzero(self.values > self.flat_below))

    def to_dict(self) -> dict[str, Any]:
        """All but the vectors as plain numbers and lists, fit for JSON."""
        names = ("values", "residuals", "resolved", "is_complete", "is_finite", "n_products", "uncertainty")
        derived = ("flat_below", "largest", "smallest", "condition_number", "n_negative", "n_flat", "n_positive")
        return {name: plain(getattr(self, name)) for name in names + derived}


def spectrum(
    bound: Bound, x: np.ndarray, *, free: np.ndarray | None = None, scale: np.ndarray | None = None
) -> Spectrum:
    """The spectrum of the Hessian at the flat point x.

    `free`, a boolean mask of shape (n,), restricts it to the variables that no bound holds. `scale`, n positive numbers
    d, makes it that of D^(1/2) H D^(1/2): the curvature that a method with the step -d g, one d a variable, meets.

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("x^2 + 50*y^2").bind([1.0, 1.0])
    >>> spectrum(bound, x).values.tolist(), spectrum(bound, x, scale=np.array([1.0, 0.02])).values.round(9).tolist()
    ([2.0, 100.0], [2.0, 2.0])
    """
    x = np.asarray(x, dtype=bound.structure.dtype)
    chosen = np.arange(x.size) if free is None else np.flatnonzero(free)
    root = np.ones(chosen.size) if scale is None else np.sqrt(np.asarray(scale, dtype=float)[chosen])
    with np.errstate(all="ignore"):
        if x.size <= DENSE_UP_TO:
            return _dense(bound, x, chosen, root)
        return _by_products(bound, x, chosen, root)


def at_rest(bound: Bound, x: np.ndarray, found: Spectrum) -> Spectrum:
    """The spectrum at a polished point, with 0 for each curvature that is nothing beside its direction's close by.

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("x^4").bind(1e-6)
    >>> spectrum(bound, x).values.tolist(), at_rest(bound, x, spectrum(bound, x)).values.tolist()
    ([1.2e-11], [0.0])
    """
    reach = _CLOSE_BY * max(1.0, float(np.max(np.abs(x))))
    values = found.values.copy()
    with np.errstate(all="ignore"):
        for k in np.argsort(np.abs(values))[:_MOST_LOOKED_ALONG]:
            direction = found.vectors[:, k]
            near = [_along(bound, x + side * reach * direction, direction) for side in (1, -1)]
            if abs(values[k]) <= BESIDE_SHARE * max((abs(c) for c in near if np.isfinite(c)), default=0.0):
                values[k] = 0.0
    order = np.argsort(values)
    return dataclasses.replace(
        found, values=values[order], residuals=found.residuals[order], vectors=found.vectors[:, order]
    )


def _along(bound: Bound, x: np.ndarray, direction: np.ndarray) -> float:
    """The curvature at x along a direction of length 1; NaN outside the bounds."""
    if bound.bounds is not None and not np.array_equal(np.clip(x, *bound.bounds), x):
        return float("nan")
    x, v = x.astype(bound.structure.dtype), direction.astype(bound.structure.dtype)
    return float(direction @ bound.hessian_vector_product(x, v))


def kind_of_point(
    bound: Bound,
    x: np.ndarray,
    gradient: np.ndarray,
    spectrum: Spectrum,
    bounds: Bounds | None = None,
    *,
    gradient_tolerance: float = 1e-6,
) -> PointKind:
    """The kind of the flat point x, from the gradient there and the spectrum over its `free` variables.

    `bounds` of None are those that the function was bound with. Stationary means that no component of the gradient is
    above the tolerance (with bounds, of P(x - g) - x).

    >>> from downslope import Objective
    >>> bound, x, _ = Objective("x^2 - 2*y^2").bind([0.0, 0.0])
    >>> kind_of_point(bound, x, bound.gradient(x), spectrum(bound, x))
    <PointKind.SADDLE: 'saddle'>
    """
    bounds = bound.bounds if bounds is None else bounds
    movement = gradient if bounds is None else x - np.clip(x - gradient, *bounds)
    if not np.all(np.abs(movement) <= gradient_tolerance):  # also where it is NaN
        return PointKind.NOT_STATIONARY
    held = not np.all(free_variables(x, gradient, bounds))
    if not spectrum.is_finite:
        return PointKind.UNDECIDED
    if spectrum.n_negative and (spectrum.n_positive or held):
        return PointKind.SADDLE
    if held:
        return PointKind.AT_BOUND if spectrum.is_complete or spectrum.smallest is not None else PointKind.UNDECIDED
    if spectrum.smallest is None or spectrum.largest is None:
        return PointKind.UNDECIDED
    if spectrum.smallest > spectrum.flat_below:
        return PointKind.MINIMUM
    return PointKind.MAXIMUM if spectrum.largest < -spectrum.flat_below else PointKind.FLAT


def free_variables(x: np.ndarray, gradient: np.ndarray, bounds: Bounds | None) -> np.ndarray:
    """Which variables no bound holds, as a mask: held is one that lies at a bound which downhill leads across.

    >>> free_variables(np.array([0.0, 0.0]), np.array([1.0, -1.0]), (np.zeros(2), np.ones(2))).tolist()
    [False, True]
    """
    if bounds is None:
        return np.ones(x.size, dtype=bool)
    lower, upper = bounds
    return np.asarray(~(((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0)) | (lower == upper)))


def _dense(bound: Bound, x: np.ndarray, chosen: np.ndarray, root: np.ndarray) -> Spectrum:
    full = np.asarray(bound.hessian(x), dtype=float)
    matrix = full[np.ix_(chosen, chosen)] * np.outer(root, root)
    if not np.all(np.isfinite(matrix)):
        return _not_finite(x.size, 0)
    values, vectors = np.linalg.eigh(matrix)
    residuals = np.linalg.norm(matrix @ vectors - values * vectors, axis=0)
    size = float(np.max(np.abs(values), initial=0.0))
    error = uncertainty(bound, x, chosen, root, size, lambda v: full @ v)
    return Spectrum(values, residuals, _embedded(vectors, x.size, chosen), True, True, 0, error)


def _by_products(bound: Bound, x: np.ndarray, chosen: np.ndarray, root: np.ndarray) -> Spectrum:
    if not chosen.size:
        return Spectrum(np.empty(0), np.empty(0), np.empty((x.size, 0)), True, True, 0, 0.0)

    def of_all(v: np.ndarray) -> np.ndarray:
        return np.asarray(bound.hessian_vector_product(x, v.astype(x.dtype)), dtype=float)

    def product(v: np.ndarray) -> np.ndarray:
        direction = np.zeros(x.size)
        direction[chosen] = root * v
        return np.asarray(root * of_all(direction)[chosen])

    # One product is kept for the uncertainty.
    found = lanczos.ends(product, chosen.size, MOST_PRODUCTS - 1)
    if found is None:
        return _not_finite(x.size, MOST_PRODUCTS)
    size = float(np.max(np.abs(found.values)))
    error = uncertainty(bound, x, chosen, root, size, of_all)
    vectors = _embedded(found.vectors, x.size, chosen)
    n_products = found.n_products + (not is_exact(bound))
    return Spectrum(found.values, found.residuals, vectors, len(found.values) == chosen.size, True, n_products, error)


def _not_finite(n: int, n_products: int) -> Spectrum:
    return Spectrum(np.empty(0), np.empty(0), np.empty((n, 0)), False, False, n_products, np.inf)


def _embedded(vectors: np.ndarray, n: int, chosen: np.ndarray) -> np.ndarray:
    if chosen.size == n:
        return vectors
    full = np.zeros((n, vectors.shape[1]))
    full[chosen] = vectors
    return full
