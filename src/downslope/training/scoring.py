"""How well a model predicts, in the number that people ask for: the accuracy of classes, R2 of numbers.

accuracy = sum_i w_i [prediction_i = y_i] / sum_i w_i
R2       = 1 - sum_i w_i (y_i - prediction_i)^2 / sum_i w_i (y_i - mean)^2     mean: sum_i w_i y_i / sum_i w_i

Both are those of scikit-learn (which is an extra), 1 at best; R2 is 0 for who always says the mean, below for worse.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from downslope.training.models import Model, UserLoss, predicted
from downslope.training.sources.source import Rows

_NUMBERS = 2**21
"""Rows are looked at in pieces of about so many numbers."""


def name_of_score(model: Model) -> str:
    """What is told of this model; "" of a loss of the user's own, which says nothing of predictions."""
    if isinstance(model, UserLoss) or model.loss is None:
        return ""
    return "accuracy" if model.loss.is_classifier else "R2"


def score(model: Model, params: Any, rows: Rows) -> float:
    """Of some rows; NaN where all weights are 0 or, of R2, all targets are the same.

    >>> from downslope.training.models import Linear
    >>> rows = Rows(np.array([[1.0, 2.0, 3.0]]), np.array([1.0, 2.0, 5.0]), np.ones(3))
    >>> round(score(Linear("squared_error"), {"weights": np.array([2.0]), "bias": np.array(-1.0)}, rows), 4)
    0.8846
    """
    with np.errstate(all="ignore"):  # weights of a run that got away lead beyond the numbers
        found = np.concatenate(list(_predictions(model, params, rows)))
    return of_predictions(name_of_score(model), found, rows.target.astype(float), rows.weight.astype(float))


def of_predictions(name: str, found: np.ndarray, target: np.ndarray, weight: np.ndarray) -> float:
    """The same of predictions that are there; classes may be words."""
    total = weight.sum()
    with np.errstate(all="ignore"):
        if name == "accuracy":
            return float((weight * (found == target)).sum() / total)
        mean = (weight * target).sum() / total
        spread = float((weight * (target - mean) ** 2).sum())
        return float(1 - (weight * (target - found) ** 2).sum() / spread) if spread > 0 else float("nan")


def _predictions(model: Model, params: Any, rows: Rows) -> Iterator[np.ndarray]:
    n = max(1, _NUMBERS // max(1, len(rows.columns)))
    for first in range(0, len(rows.target), n):
        outputs = model.outputs(np, params, rows.columns[:, first : first + n])
        yield np.asarray(predicted(model.loss, np.asarray(outputs)), float)
