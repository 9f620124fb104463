"""Targets and weights in memory: one value a row, looked through at once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.training.sources.source import data_error

Place = Callable[[int], str]
"""Tells where a row is."""


def target_vector(
    values: Any, n_rows: int, dtype: np.dtype[Any], name: str, place: Place
) -> tuple[np.ndarray, tuple[str, ...] | None]:
    """Values as numbers, shape (n,), and what they stand for where they were words or truth values.

    >>> target_vector(["no", "yes", "no"], 3, np.dtype(float), "answer", str)
    (array([0., 1., 0.]), ('no', 'yes'))
    """
    vector, labels = _vector(values, n_rows, "target"), None
    if vector.dtype.kind in "OUSb" and not _are_numbers(vector):
        for row, value in enumerate(vector.tolist()):
            if value is None or value != value:
                raise data_error(place(row), name, None)
        words, vector = np.unique(vector.astype(str), return_inverse=True)
        labels = tuple(words.tolist())
    return _numbers(vector, dtype, name, place), labels


def weight_vector(values: Any, n_rows: int, dtype: np.dtype[Any], name: str, place: Place) -> np.ndarray:
    """Weights as numbers, shape (n,), at least 0 and not all 0."""
    weight = _numbers(_vector(values, n_rows, "weight"), dtype, name, place)
    if (weight < 0).any():
        row = int(np.argmax(weight < 0))
        raise data_error(place(row), name, weight[row])
    if not weight.any():
        raise InvalidInput("weight", "must be above 0 for at least one row", 0.0)
    return weight


def _vector(values: Any, n_rows: int, parameter: str) -> np.ndarray:
    if isinstance(values, np.ma.MaskedArray):  # what is masked is missing
        values = np.ma.filled(values.astype(float), np.nan)
    array = np.asarray(values)
    if array.shape in ((n_rows, 1), (1, n_rows)):
        array = array.reshape(-1)
    if array.shape != (n_rows,):
        raise InvalidInput(parameter, f"must have one value for each of the {n_rows} rows", f"shape {array.shape}")
    return array


def _are_numbers(vector: np.ndarray) -> bool:
    """Whether Python objects are numbers, all of those that are there."""
    number = (int, float, np.number)
    return vector.dtype.kind == "O" and all(
        value is None or (isinstance(value, number) and not isinstance(value, bool)) for value in vector
    )


def _numbers(vector: np.ndarray, dtype: np.dtype[Any], name: str, place: Place) -> np.ndarray:
    if vector.dtype.kind not in "fiubO":
        raise data_error(place(0), name, vector[0])
    with np.errstate(over="ignore"):  # beyond float32 is infinite, and found below
        numbers = vector.astype(dtype, copy=False)  # None becomes NaN
    bad = ~np.isfinite(numbers)
    if bad.any():
        row = int(np.argmax(bad))
        raise data_error(place(row), name, None if vector[row] is None else numbers[row])
    return numbers
