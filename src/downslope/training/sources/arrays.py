"""Arrays as a source: features (n, d), a target (n,), weights (n,), in memory and looked through at once."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from downslope.errors import InvalidInput, shortened
from downslope.training.sources.source import Rows, data_error
from downslope.training.sources.vectors import target_vector, weight_vector


class ArraySource:
    """Rows in memory.

    Parameters
    ----------
    features
        Shape (n, d), numbers; (n,) is one feature. float32 stays float32, all else becomes float64. Neither copied
        nor changed where it is one of the two.
    target, weight
        Shape (n,); None: there is none. Words and truth values as a target become 0, 1, ... in the order of their
        alphabet, which `labels` tells. Weights are at least 0.
    names
        Of the features; x1, x2, ... without.
    where
        Where the rows lie, for messages: "row 812" + where.

    Raises
    ------
    InvalidInput
        The shapes disagree, or there are no rows.
    InvalidData
        A value is missing, infinite or no number; names row and column.

    >>> source = ArraySource([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], ["no", "yes", "no"])
    >>> source.names, source.labels
    (('x1', 'x2'), ('no', 'yes'))
    >>> from downslope.training.sources.source import read_rows
    >>> read_rows(source, 1, 2)
    Rows(columns=array([[3., 5.], [4., 6.]]), target=array([1., 0.]), weight=array([1., 1.]))
    """

    def __init__(
        self,
        features: Any,
        target: Any = None,
        weight: Any = None,
        *,
        names: Sequence[str] | None = None,
        target_name: str = "target",
        weight_name: str = "weight",
        where: str = "",
    ):
        table = _table(features)
        self.n_rows, n_features = table.shape
        self.names = tuple(names) if names is not None else tuple(f"x{i + 1}" for i in range(n_features))
        if len(self.names) != n_features:
            raise InvalidInput("names", f"must name the {n_features} features", self.names)
        if not table.size:
            raise InvalidInput("data", "must have at least one row and one feature", f"shape {table.shape}")
        self._where = where
        self._columns = self._numbers_of_table(table)
        self.dtype: np.dtype[Any] = self._columns.dtype
        self.target_name = None if target is None else target_name
        self.weight_name = None if weight is None else weight_name
        self.labels: tuple[str, ...] | None = None
        self._target = self._weight = None
        if target is not None:
            self._target, self.labels = target_vector(target, self.n_rows, self.dtype, target_name, self.place)
        if weight is not None:
            self._weight = weight_vector(weight, self.n_rows, self.dtype, weight_name, self.place)
        self.is_checked = True
        self.notes: tuple[str, ...] = ()
        self.by_rows = bool(self._columns.strides[0] < self._columns.strides[1])
        self.in_memory = Rows(
            self._columns,
            np.zeros(self.n_rows, self.dtype) if self._target is None else self._target,
            np.ones(self.n_rows, self.dtype) if self._weight is None else self._weight,
        )

    def read(self, first: int, into: Rows) -> None:
        """Copy the rows from `first` on."""
        end = first + len(into.target)
        into.columns[:] = self._columns[:, first:end]
        if self._target is not None:
            into.target[:] = self._target[first:end]
        if self._weight is not None:
            into.weight[:] = self._weight[first:end]

    def place(self, row: int) -> str:
        """The row's number and where it is."""
        return f"row {row}{self._where}"

    @functools.cached_property
    def _digest(self) -> str:
        digest = hashlib.sha256(repr((self.names, self._columns.shape, self.dtype.name, self.labels)).encode())
        for values in (self._columns, self._target, self._weight):
            digest.update(b"none" if values is None else np.ascontiguousarray(values.T).data)
        return digest.hexdigest()

    def fingerprint(self) -> str:
        """The SHA-256 of names and numbers."""
        return self._digest

    def close(self) -> None:
        """Nothing is open."""

    def _numbers_of_table(self, table: np.ndarray) -> np.ndarray:
        """The columns (d, n), all finite."""
        if table.dtype.kind in "OUSmMV":
            table = self._numbers_of_objects(table)
        if table.dtype.kind == "c":
            raise InvalidInput("data", "must be real numbers", f"{table.dtype} numbers")
        numbers = table.astype(np.float32 if table.dtype in (np.float32, np.float16) else np.float64, copy=False)
        with np.errstate(all="ignore"):
            total = numbers.sum()
        if not np.isfinite(total):  # the sum of finite numbers may overflow
            bad = np.argwhere(~np.isfinite(numbers))
            if len(bad):
                row, column = bad[0]
                raise data_error(self.place(int(row)), self.names[column], numbers[row, column])
        return numbers.T

    def _numbers_of_objects(self, table: np.ndarray) -> np.ndarray:
        """Numbers that came as Python objects; the first that is none is named."""
        if table.dtype.kind == "O":
            numbers = np.empty(table.shape)
            for row, column in np.ndindex(table.shape):
                value = table[row, column]
                if value is None:
                    raise data_error(self.place(row), self.names[column], None)
                if not isinstance(value, int | float | np.number | np.bool_):
                    raise data_error(self.place(row), self.names[column], value)
                numbers[row, column] = float(value)
            return numbers
        raise data_error(self.place(0), self.names[0], table.flat[0])


def _table(features: Any) -> np.ndarray:
    if hasattr(features, "toarray"):
        raise InvalidInput("data", "must not be sparse; `.toarray()` makes it an array", type(features).__name__)
    if isinstance(features, np.ma.MaskedArray):  # what is masked is missing
        features = np.ma.filled(features.astype(float), np.nan)
    try:
        table = np.asarray(features)
    except ValueError:
        raise InvalidInput("data", "must have rows of equal length", shortened(features)) from None
    if table.ndim == 1:
        table = table[:, None]
    if table.ndim != 2:
        raise InvalidInput("data", "must have two dimensions, rows and features", f"shape {table.shape}")
    return table
