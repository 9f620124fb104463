"""Sharpness: the leading eigenvalue of the loss's Hessian, by a few products with vectors.

Gradient descent with rate a is stable where it is below 2 / a. On networks it rises until it hovers there: the edge of
stability (Cohen et al. 2021).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from downslope.analysis.lanczos import ends
from downslope.objectives.structure import Structure
from downslope.training.models import Model
from downslope.training.objective import Average, TrainingObjective
from downslope.training.sources.source import Rows

_PRODUCTS = 30


def leading(product: Callable[[np.ndarray], np.ndarray], n: int) -> float:
    """The largest eigenvalue of a symmetric operator on n numbers; NaN where a product is not finite.

    >>> round(leading(lambda v: np.array([1.0, 5.0, -7.0]) * v, 3), 9)
    5.0
    """
    found = ends(lambda v: np.asarray(product(v), float), n, _PRODUCTS)
    return float("nan") if found is None else float(found.values[-1])


def sharpness_at(objective: TrainingObjective, x: np.ndarray) -> float:
    """That of the loss over all training rows."""
    bound = objective.bound()
    return leading(lambda v: bound.hessian_vector_product(x, v), x.size)


def steepest(model: Model, structure: Structure, x: np.ndarray, rows: Rows, batch_size: int, n_batches: int) -> float:
    """The largest sharpness of some batches, taken evenly from the rows; of their average loss without penalties."""
    n = len(rows.target)
    size = min(batch_size, n)
    firsts = np.unique(np.linspace(0, n - size, min(n_batches, max(1, n // size))).astype(int))
    found = [0.0]
    for first in firsts.tolist():
        average = Average(model, structure, rows.part(first, first + size))
        value = leading(lambda v, average=average: average.product(x, v), structure.size)  # type: ignore[misc]
        found.append(value)
    return float(np.nanmax(found))
