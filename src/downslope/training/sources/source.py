"""What gives rows: a table of features, a target and perhaps weights, of which any part can be read.

A source knows nothing of blocks, batches and orders; it is asked for the rows from one number on, and writes them into
arrays that somebody else keeps. So the order of rows depends on their count alone, wherever they lie.

Features are columns, (d, m): converting a file's columns to rows costs as much as reading them.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple, Protocol

import numpy as np

from downslope.errors import InvalidData, shortened


class Rows(NamedTuple):
    """Some rows, as columns."""

    columns: np.ndarray
    """The features, shape (d, m), float32 or float64."""
    target: np.ndarray
    """Shape (m,), of the same type; zeros where the source has no target."""
    weight: np.ndarray
    """Shape (m,), of the same type; ones where the source has no weights."""

    def part(self, first: int, end: int) -> Rows:
        """Views of the rows from `first` to `end`, which is left out."""
        return Rows(self.columns[:, first:end], self.target[first:end], self.weight[first:end])

    @classmethod
    def empty(cls, n_features: int, n_rows: int, dtype: np.dtype[Any], *, by_rows: bool = False) -> Rows:
        """Room for so many rows, with target 0 and weight 1; in memory row after row where `by_rows`.

        >>> Rows.empty(3, 2, np.dtype("float32")).weight
        array([1., 1.], dtype=float32)
        """
        columns = np.empty((n_rows, n_features), dtype).T if by_rows else np.empty((n_features, n_rows), dtype)
        return cls(columns, np.zeros(n_rows, dtype), np.ones(n_rows, dtype))


class Source(Protocol):
    """A table of rows."""

    names: tuple[str, ...]
    """Of the features, d of them."""
    n_rows: int
    dtype: np.dtype[Any]
    """float32 or float64: of what `read` gives."""
    by_rows: bool
    """Whether the numbers of a row lie side by side, so that reading into such arrays is quicker."""
    is_checked: bool
    """Whether all values are known to be finite, so that who reads need not look."""
    target_name: str | None
    """None: there is no target, and `read` leaves its place as it is."""
    weight_name: str | None
    """None: there are no weights, and `read` leaves their place as it is."""
    labels: tuple[str, ...] | None
    """Where the target is words: what its numbers 0, 1, ... stand for."""

    notes: tuple[str, ...]
    """What was done with the data that their owner should know."""

    @property
    def in_memory(self) -> Rows | None:
        """All rows, where they are in memory, laid out as `by_rows` says."""

    def read(self, first: int, into: Rows) -> None:
        """Write the rows from `first` on, as many as there is room for; one thread at a time.

        A value that is missing is NaN, and not every value is finite: who reads looks. Raises InvalidFile where a file
        is damaged, cut short or not the one that was opened.
        """

    def place(self, row: int) -> str:
        """Where a row lies, in words: "row 812 of rows.parquet"; rows count from 0."""

    def fingerprint(self) -> str:
        """A text that changes when the data do."""

    def close(self) -> None:
        """Let go of open files; another `read` opens them again."""


def data_error(place: str, column: str | None, value: Any) -> InvalidData:
    """The error for a value that cannot be trained on, with what to do about it.

    >>> raise data_error("row 7 of a.csv", "age", None)
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidData: `data` column 'age', row 7 of a.csv, has no value: fill it in (by the column's mean,
    say), or leave such rows or the column out.
    """
    if value is None:
        problem, advice = "has no value", "fill it in (by the column's mean, say), or leave such rows or the column out"
    elif isinstance(value, float | np.floating) and math.isnan(value):
        problem, advice = "is NaN", "fill it in (by the column's mean, say), or leave such rows or the column out"
    elif isinstance(value, float | np.floating) and math.isinf(value):
        problem, advice = f"is {value} as {np.asarray(value).dtype}", "leave the row out, or scale the column"
    elif isinstance(value, float | int | np.number):
        problem, advice = f"is {value}, and weights must be at least 0", "leave the row out"
    else:
        problem = f"holds {shortened(value, 40)}, which is no number"
        advice = "replace the column by one of 0 and 1 for each category (pandas.get_dummies does), or leave it out"
    return InvalidData(place, column, problem, advice)


def read_rows(source: Source, first: int, n_rows: int) -> Rows:
    """Rows of a source, in arrays of their own."""
    rows = Rows.empty(len(source.names), n_rows, source.dtype, by_rows=source.by_rows)
    source.read(first, rows)
    return rows


def is_good(target: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of each row, whether target and weight can be trained on."""
    good: np.ndarray = np.isfinite(target) & np.isfinite(weight) & (weight >= 0)
    return good


def bad_value(source: Source, rows: Rows, numbers: np.ndarray) -> InvalidData:
    """The error for the first of some rows that has a bad value; `numbers` are the source's own of these rows."""
    columns = (*rows.columns, rows.target, rows.weight)
    names = (*source.names, source.target_name, source.weight_name)
    bad = np.array([~np.isfinite(column) for column in columns])
    bad[-1] |= ~is_good(rows.target, rows.weight) & ~bad[-2]
    row = int(np.argmax(bad.any(axis=0)))
    column = int(np.argmax(bad[:, row]))
    return data_error(source.place(int(numbers[row])), names[column], columns[column][row])
