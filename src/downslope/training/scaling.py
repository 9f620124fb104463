"""What unscaled features cost: the condition number of their second moments, as they are and standardised.

Gradient descent needs a number of steps in proportion to it: the largest curvature limits the rate, and the smallest
has to be walked along at that rate (Nocedal and Wright 2006, theorem 3.3). For squared error the second moments are
the Hessian itself.
"""

from __future__ import annotations

import numpy as np

from downslope.training.models import Linear, Model, UserLoss
from downslope.training.sources.source import Rows

MOST_ROWS, MOST_FEATURES = 4096, 500
_WORTH, _MANY = 100.0, 1e3
_ZERO = 1e-10
_HUGE = 1e150
"""Whose square is beyond double precision."""


class UnscaledFeatures(UserWarning):
    """Features of very different sizes, which slow any method without curvature down.

    >>> import downslope, numpy as np, warnings
    >>> X = np.random.default_rng(0).normal(size=(50, 2)) * [1.0, 1000.0]
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     run = downslope.fit("linear", (X, X[:, 0]), epochs=1)
    >>> [warning.category.__name__ for warning in told]
    ['UnscaledFeatures']
    """


def condition_numbers(columns: np.ndarray, l2: float = 0.0, *, intercept: bool = True) -> tuple[float, float]:
    """Of the features (d, n) with a bias beside them: as they are, and standardised.

    Directions without any spread, such as a column that repeats another, count in neither.

    >>> x = np.linspace(-1, 1, 101)
    >>> [round(number) for number in condition_numbers(np.stack([x**2, 1000 * x]))]
    [4140708, 1]
    """
    rows = _first(columns)
    spread = rows.std(axis=1)
    varies = spread > 1e-12 * np.abs(rows).max(axis=1, initial=0)
    scaled = (rows[varies] - rows[varies].mean(axis=1)[:, None]) / spread[varies][:, None]
    after = _singular(_table(scaled, l2, intercept))
    rank = max(1, int((after > _ZERO * after[0]).sum())) if len(after) else 1
    before = _singular(_table(rows[varies], l2, intercept))
    return tuple(float((v[0] / max(v[rank - 1], 1e-300)) ** 2) if len(v) else 1.0 for v in (before, after))  # type: ignore[return-value]


def _first(columns: np.ndarray) -> np.ndarray:
    """Some thousand rows, which tell of all."""
    return np.asarray(columns[:, : min(MOST_ROWS, max(1000, 3 * len(columns)))], float)


def _table(rows: np.ndarray, l2: float, intercept: bool) -> np.ndarray:
    """The features row after row, with a bias beside them and the penalty below."""
    n = rows.shape[1]
    held = [rows.T, *([np.ones((n, 1))] if intercept else [])]
    table = np.concatenate(held, axis=1)
    return np.concatenate([table, np.sqrt(l2 * n) * np.eye(len(rows), table.shape[1])]) if l2 else table


def _singular(table: np.ndarray) -> np.ndarray:
    """Singular values, descending: the roots of the moments' eigenvalues, without their squares, which would drown the
    small ones.
    """
    return np.asarray(np.linalg.svd(table, compute_uv=False)) if table.size else np.empty(0)


def _is_well_conditioned(columns: np.ndarray, l2: float, intercept: bool) -> bool:
    """Whether the moments' own eigenvalues are within `_MANY`: where they are so near, squares drown nothing.

    The singular values took two threads of LAPACK half as long as an epoch over a million rows; these take little.
    """
    table = _table(_first(columns), l2, intercept)
    found = np.linalg.eigvalsh(table.T @ table)
    return bool(found[-1] < _MANY * found[0])


def scaling_warning(model: Model, names: tuple[str, ...], rows: Rows, l2: float) -> UnscaledFeatures | None:
    """The warning, with both numbers; None where scaling would gain little."""
    if isinstance(model, UserLoss) or len(names) > MOST_FEATURES:
        return None
    intercept = not isinstance(model, Linear) or model.intercept
    sizes = np.abs(rows.columns[:, :MOST_ROWS]).max(axis=1)
    if float(sizes.max(initial=0)) > _HUGE:
        name, size = names[int(np.argmax(sizes))], sizes.max()
        what = f"the feature {name!r} goes up to {size:.3g}, too large to square"
        return UnscaledFeatures(f"{what}: leave out such rows, or scale the column")
    if _is_well_conditioned(rows.columns, l2, intercept):
        return None
    before, after = condition_numbers(rows.columns, l2, intercept=intercept)
    if before < _MANY or before < _WORTH * after:
        return None
    largest, smallest = names[int(np.argmax(sizes))], names[int(np.argmin(sizes))]
    between = f" (from {smallest!r} to {largest!r})" if largest != smallest else ""
    return UnscaledFeatures(
        f"the features are not scaled{between}: their condition number is {before:.3g}, and standardised it would be "
        f"{after:.3g}, so that descent needs about {before / after:.2g} times as many steps; subtract each column's "
        "mean and divide by its standard deviation"
    )
