"""The rows of one window of the order, in memory, picked out in any order; or those of one block, in its own.

Where all rows are in memory row after row, nothing is copied for a window.
"""

from __future__ import annotations

import numpy as np

from downslope.training.gathering import BlockReader, gather, room_of_columns, turn
from downslope.training.order import WINDOW, Order, Window
from downslope.training.shares import WHOLE, Share
from downslope.training.sources.source import Rows, Source, bad_value, is_good


class WindowRows:
    """The rows of one window at a time; of a share, only its part of them is read."""

    def __init__(self, source: Source, order: Order, share: Share = WHOLE):
        self.order, self.share = order, share
        n_rows = min(WINDOW * order.block_rows, order.n_rows)
        all_rows = source.in_memory
        self.reader = None
        if all_rows is not None and source.by_rows:
            self.rows = all_rows
        else:
            self.rows = Rows.empty(len(source.names), n_rows, source.dtype, by_rows=True)
            self.reader = BlockReader(source, order.block_rows)
        self.numbers = np.empty(n_rows, np.int64)
        self.window: Window | None = None
        self.own = 0, 0
        """The first place that is read, and the end of them."""

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
            blocks, place = [], 0
            first_own, end_own = self.share.part(sum(map(self.order.size, window.blocks.tolist())))
            for block in window.blocks.tolist():
                size, first = self.order.size(block), block * self.order.block_rows
                self.numbers[place : place + size] = np.arange(first, first + size)
                start, end = max(place, first_own), min(place + size, end_own)
                if start < end:
                    blocks.append((first + start - place, self.rows.part(start, end)))
                place += size
            self.own = first_own, end_own
            if self.reader is not None:
                self.reader.read(blocks)
        self.window = window

    def places(self, first: int, end: int) -> np.ndarray:
        """Where the rows from the epoch's row `first` to its row `end` are here."""
        assert self.window is not None
        return self.window.rows[first - self.start : end - self.start]

    def copy(self, first: int, into: Rows, numbers: np.ndarray) -> None:
        """Copy rows, in the window's order from its row `first` on, and their numbers."""
        assert self.window is not None
        self.take(self.window.rows[first : first + len(numbers)], into, numbers)

    def take(self, places: np.ndarray, into: Rows, numbers: np.ndarray) -> None:
        """Copy the rows at these places, and their numbers."""
        np.take(self.numbers, places, out=numbers, mode="clip")
        gather(self.rows, numbers if self.reader is None else places, into)


class BlockOfColumns:
    """Rows of a source of columns, one block at a time, for who takes them in their own order."""

    def __init__(self, source: Source, order: Order):
        self.source = source
        self.rows = room_of_columns(source, min(order.block_rows, order.n_rows))
        self.start = self.end = 0

    def read(self, start: int, end: int) -> None:
        """Read the rows from `start` to `end`, which is left out."""
        self.source.read(start, self.rows.part(0, end - start))
        self.start, self.end = start, end

    def copy(self, first: int, into: Rows, numbers: np.ndarray) -> None:
        """Turn rows, from the block's `first` on, and tell their numbers."""
        part = self.rows.part(first, first + len(numbers))
        turn(part.columns, into.columns)
        into.target[:], into.weight[:] = part.target, part.weight
        numbers[:] = np.arange(self.start + first, self.start + first + len(numbers))


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
