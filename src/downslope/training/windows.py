"""The rows of one window of the order, in memory, from where they are copied into batches.

What is picked out in any order lies row after row here (gathering.py); a source of columns is read by way of columns,
which are turned into rows. Where all rows are in memory as they are needed, nothing is copied.
"""

from __future__ import annotations

import numpy as np

from downslope.training.gathering import copy, gather, turn
from downslope.training.order import WINDOW, Order, Window
from downslope.training.sources.source import Rows, Source, bad_value, is_good

_PADDING = 16
"""Columns a power of two apart share the places of the cache; 64 bytes more, and they are turned 7 times as fast."""


class WindowRows:
    """The rows of one window at a time."""

    def __init__(self, source: Source, order: Order):
        self.source, self.order = source, order
        n_rows = min(WINDOW * order.block_rows, order.n_rows)
        n_features = len(source.names)
        self.is_in_order = not order.shuffle and not order.n_held_out
        self.columns = None
        all_rows = source.in_memory
        self.has_all = all_rows is not None and (source.by_rows or self.is_in_order)
        if all_rows is not None and self.has_all:
            self.rows = all_rows
        else:
            by_rows = source.by_rows or not self.is_in_order
            self.rows = Rows.empty(n_features, n_rows, source.dtype, by_rows=by_rows)
            if by_rows and not source.by_rows:
                self.columns = np.empty((n_features, min(order.block_rows, n_rows) + _PADDING), source.dtype)
        self.numbers = np.empty(n_rows, np.int64)
        self.window: Window | None = None

    @property
    def start(self) -> int:
        """How many rows of the epoch come before it."""
        assert self.window is not None
        return self.window.start

    @property
    def end(self) -> int:
        """How many rows of the epoch are over after it."""
        assert self.window is not None
        return self.window.start + len(self.window.rows)

    def read(self, window: Window) -> None:
        """Read the blocks of a window, if they are not those that are here."""
        if self.window is None or not np.array_equal(self.window.blocks, window.blocks):
            self.window = None  # until it is read in full
            place = 0
            for block in window.blocks.tolist():
                size, first = self.order.size(block), block * self.order.block_rows
                if not self.has_all:
                    self._read(first, self.rows.part(place, place + size))
                self.numbers[place : place + size] = np.arange(first, first + size)
                place += size
        self.window = window

    def _read(self, first: int, into: Rows) -> None:
        """Read one block."""
        if self.columns is None:
            self.source.read(first, into)
            return
        columns = self.columns[:, : len(into.target)]
        self.source.read(first, into._replace(columns=columns))
        turn(columns, into.columns)

    def copy(self, first: int, n: int, batches: Rows, numbers: np.ndarray, filled: int) -> None:
        """Copy n rows, in the window's order from its row `first` on, and their numbers, into batches."""
        assert self.window is not None
        places = self.window.rows[first : first + n]
        into = numbers.reshape(-1)[filled : filled + n]
        np.take(self.numbers, places, out=into, mode="clip")
        if self.is_in_order:
            copy(self.rows, int(into[0]) if self.has_all else first, n, batches, filled)
        else:
            gather(self.rows, into if self.has_all else places, batches, filled)


def held_out_rows(source: Source, order: Order) -> tuple[Rows, np.ndarray]:
    """The rows that no epoch has, in the order of the source, and their numbers there.

    Raises InvalidData where one has a bad value.
    """
    held_out = Rows.empty(len(source.names), order.n_held_out, source.dtype)
    block_rows = min(order.block_rows, order.n_rows)
    buffer = Rows.empty(len(source.names), block_rows, source.dtype, by_rows=source.by_rows)
    numbers = np.empty(order.n_held_out, np.int64)
    place = 0
    for block in range(order.n_blocks):
        rows = order.held_out(block)
        if len(rows):
            read, end = buffer.part(0, order.size(block)), place + len(rows)
            source.read(block * order.block_rows, read)
            for values, into in zip(read, held_out, strict=True):
                into[..., place:end] = values[..., rows]
            numbers[place:end] = rows + block * order.block_rows
            place = end
    good = np.isfinite(held_out.columns).all(axis=0) & is_good(held_out.target, held_out.weight)
    if not good.all():
        raise bad_value(source, held_out, numbers)
    return held_out, numbers
