"""Rows of a source, row after row in memory: so they are picked out by number, and so the compiled loop takes them.

A row is copied as one piece. Picking each number from a column of its own took 3 to 8 times as long on 100 features.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from downslope.training.ahead import Ahead
from downslope.training.sources.source import Rows, Source

_TILE = 512
_ALIGNED = 64
_PADDING = 16
"""Columns a power of two apart share the places of the cache; 64 bytes more, and they are turned 7 times as fast."""


class BlockReader:
    """Reads blocks of a source row after row; of one of columns a thread reads the next while one is turned."""

    def __init__(self, source: Source, most: int):
        self.source, self.n_rows = source, min(most, source.n_rows)
        self._spare: list[Rows] = []

    def read(self, blocks: Sequence[tuple[int, Rows]]) -> None:
        """Of each block the rows from its first on, as many as there is room for, which is at most `most`."""
        if self.source.by_rows:
            for first, into in blocks:
                self.source.read(first, into)
            return
        ahead = Ahead(functools.partial(self._columns, blocks), self._room, most=3)
        try:
            with ahead as read:
                for (_, into), rows in zip(blocks, read, strict=True):
                    n = len(into.target)
                    turn(rows.columns[:, :n], into.columns)
                    into.target[:], into.weight[:] = rows.target[:n], rows.weight[:n]
        finally:
            self._spare += ahead.made

    def _columns(self, blocks: Sequence[tuple[int, Rows]], room: Callable[[], Rows]) -> Iterator[Rows]:
        for first, into in blocks:
            rows = room()
            self.source.read(first, rows.part(0, len(into.target)))
            yield rows

    def _room(self) -> Rows:
        return self._spare.pop() if self._spare else room_of_columns(self.source, self.n_rows)


def room_of_columns(source: Source, n_rows: int) -> Rows:
    """Room for so many rows as columns, from which they are to be turned."""
    return Rows.empty(len(source.names), n_rows + _PADDING, source.dtype).part(0, n_rows)


def turn(columns: np.ndarray, into: np.ndarray) -> None:
    """Copy columns (d, m) that lie one after the other into rows that do, tile by tile, as these fit the cache."""
    for first in range(0, columns.shape[1], _TILE):
        into[:, first : first + _TILE] = columns[:, first : first + _TILE]


def gather(rows: Rows, places: np.ndarray, into: Rows) -> None:
    """Copy the rows at `places`; both lie row after row."""
    # Without a mode, which is "raise", NumPy copies by way of one array more.
    np.take(rows.columns.T, places, axis=0, out=into.columns.T, mode="clip")
    np.take(rows.target, places, out=into.target, mode="clip")
    np.take(rows.weight, places, out=into.weight, mode="clip")


class Flat(NamedTuple):
    """Rows one after the other as one vector, which begins at a multiple of 64 bytes.

    Such memory JAX takes as it is; other memory it copies, at 2 million rows of 100 float32 a second.
    """

    numbers: Any
    """As many as the rows have, and `_ALIGNED` bytes more."""
    first: Any
    """The place of the first row in it."""

    @classmethod
    def room(cls, n_numbers: int, dtype: np.dtype[Any]) -> Flat:
        """Zeros.

        >>> flat = Flat.room(5, np.dtype("float32"))
        >>> flat.numbers.ctypes.data % 64, flat.first, len(flat.numbers)
        (0, 0, 21)
        """
        n_bytes = n_numbers * dtype.itemsize + _ALIGNED
        memory = np.zeros(n_bytes + _ALIGNED, np.uint8)
        start = -memory.ctypes.data % _ALIGNED
        return cls(memory[start : start + n_bytes].view(dtype), 0)

    @staticmethod
    def edge(columns: np.ndarray) -> int:
        """So many rows at the table's beginning and end may lie where `part` cannot take them."""
        return -(-_ALIGNED // (columns.itemsize * len(columns)))

    @classmethod
    def part(cls, table: np.ndarray, first: int, n_rows: int) -> tuple[Flat, int] | None:
        """Rows of a table from one on, as they lie, and how many are there: 0 to `n_rows`, for which the length is.

        None where the table is too small for that length.
        """
        d, step = table.shape[1], _ALIGNED // table.itemsize
        beyond, rest = divmod(-table.ctypes.data % _ALIGNED, table.itemsize)
        size, place = n_rows * d + step, first * d
        last = beyond + (table.size - size - beyond) // step * step
        if rest or last < beyond:
            return None
        start = min(beyond + max(0, place - beyond) // step * step, last)
        n_lying = 0 if place < start else max(0, min(n_rows, (start + size - place) // d))
        return cls(table.reshape(-1)[start : start + size], place - start), n_lying

    @classmethod
    def of(cls, columns: np.ndarray, first: int, n_rows: int) -> Flat:
        """Rows of columns (d, m), as they lie where they can be taken so, else a copy; filled up with zeros."""
        found = cls.part(columns.T, first, n_rows) if columns.T.flags.c_contiguous else None
        if found is not None and found[1] == n_rows:
            return found[0]
        flat = cls.room(n_rows * len(columns), columns.dtype)
        part = columns[:, first : first + n_rows]
        turn(part, flat.rows(part.shape[1], len(columns)).T)
        return flat

    def rows(self, n_rows: int, n_features: int) -> np.ndarray:
        """Its rows, a view of shape (n_rows, n_features)."""
        view: np.ndarray = self.numbers[self.first : self.first + n_rows * n_features].reshape(n_rows, n_features)
        return view
