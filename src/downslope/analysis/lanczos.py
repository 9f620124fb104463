"""The ends of a symmetric operator's spectrum, from products with vectors alone (Lanczos 1950).

    H V = V T + r e'        V orthonormal, T tridiagonal

The eigenvalues of T approach those of H from inside, the outermost and best separated ones first. Every new vector is
made orthogonal to all earlier ones, which keeps copies of values already found away (Paige 1971; Golub and Van Loan
2013, section 10.3). SciPy's `eigsh` was tried instead: it has no strict limit on products, and hands out nothing but
what converged, without the residuals of the rest.

The caveat of any such method: a residual proves that there is an eigenvalue so near, not that there is none beyond.
With a random start one is missed only by an unlikely accident (Kuczyński and Woźniakowski 1992).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

N_ENDS = 3
"""How many values at each end are looked for."""
MOST_BYTES = 2**30
"""What the vectors may take; beyond 690,000 variables this leaves fewer than 194 of them."""
_CHECK_EVERY = 10
_CONVERGED = 1e-8


class Ends(NamedTuple):
    """Ritz values, ascending, up to three at each end."""

    values: np.ndarray
    vectors: np.ndarray
    """(n, k), columns."""
    residuals: np.ndarray
    """|H v - l v|, measured."""
    n_products: int


def ends(product: Callable[[np.ndarray], np.ndarray], n: int, most_products: int) -> Ends | None:
    """The ends of the spectrum of `product`, an n x n symmetric operator; None where a product is not finite.

    It ends early where the smallest and the largest value have converged, to 1e-8 of their size. The start is random
    and always the same.

    >>> curvatures = np.linspace(1, 2, 400)
    >>> curvatures[0], curvatures[-1] = -1, 5
    >>> found = ends(lambda v: curvatures * v, 400, 200)
    >>> found.values[[0, -1]].round(9).tolist(), found.n_products < 60
    ([-1.0, 5.0], True)
    """
    most_steps = max(1, min(most_products - 2 * N_ENDS, n, MOST_BYTES // (8 * n)))
    basis = np.empty((most_steps, n))
    vector = np.random.default_rng(0).standard_normal(n)
    vector /= np.linalg.norm(vector)
    diagonal, beside = np.empty(most_steps), np.empty(most_steps)
    steps = 0
    while steps < most_steps:
        basis[steps] = vector
        image = product(vector)
        if not np.all(np.isfinite(image)):
            return None
        size = float(np.linalg.norm(image))
        diagonal[steps] = vector @ image
        image = image - diagonal[steps] * vector - (beside[steps - 1] * basis[steps - 1] if steps else 0.0)
        known = basis[: steps + 1]
        image -= (known @ image) @ known
        beside[steps] = np.linalg.norm(image)
        steps += 1
        if beside[steps - 1] <= 10 * np.finfo(float).eps * size:  # what was seen is all that the start can show
            break
        vector = image / beside[steps - 1]
        if steps % _CHECK_EVERY == 0 and steps > 2 * N_ENDS:
            values, inner = _ritz(diagonal[:steps], beside[: steps - 1])
            if _converged(values, np.abs(beside[steps - 1] * inner[-1])):
                break
    values, inner = _ritz(diagonal[:steps], beside[: steps - 1])
    vectors = basis[:steps].T @ inner
    vectors /= np.linalg.norm(vectors, axis=0)
    images = np.stack([product(v) for v in vectors.T], axis=1)
    if not np.all(np.isfinite(images)):
        return None
    return Ends(values, vectors, np.linalg.norm(images - values * vectors, axis=0), steps + len(values))


def _converged(values: np.ndarray, residuals: np.ndarray) -> bool:
    """Whether both outermost values are known far better than anyone asks; one that is zero, to rounding."""
    size = np.abs(values)
    outermost = (residuals <= _CONVERGED * size + 100 * np.finfo(float).eps * np.max(size))[[0, -1]]
    return bool(np.all(outermost))


def _ritz(diagonal: np.ndarray, beside: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The outermost eigenvalues of the tridiagonal matrix, and their eigenvectors."""
    from scipy.linalg import eigh_tridiagonal

    values, vectors = eigh_tridiagonal(diagonal, beside)
    if len(values) > 2 * N_ENDS:
        outermost = np.r_[:N_ENDS, -N_ENDS:0]
        return values[outermost], vectors[:, outermost]
    return values, vectors
