"""Batches of a source's rows in a given order, read ahead by threads, in memory that does not grow.

    for chunk in Batches(source, order, batch_size=256).chunks(step=0, n_steps=1000):
        ...                 chunk.columns (K, d, b): K batches for one call of a compiled loop

One thread reads windows (order.py), another copies their rows, permuted, into the chunks. There are two windows and
five chunks, which are used again and again: this bounds memory, whatever the size of the data.

Every chunk has the same shape. The last batch of an epoch is shorter, the last chunk may have fewer batches; what is
left over has weight 0. Chunks do not cross the end of an epoch.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from downslope.training.ahead import Ahead
from downslope.training.gathering import aligned_zeros
from downslope.training.order import Order
from downslope.training.sources.source import Rows, Source, bad_value, is_good
from downslope.training.windows import WindowRows, held_out_rows

__all__ = ["Batches", "Chunk", "held_out_rows"]

CHUNK_NUMBERS = 2**20
"""A chunk holds about so many numbers, 4 MB of float32: enough that a call's cost is nothing beside it."""
MOST_BATCHES = 4096
"""And at most so many batches, so that Ctrl-C and progress are not far apart."""


@dataclass
class Chunk:
    """Some batches, each in one piece.

    Its arrays are used again: they are valid until the next but one chunk is asked for.
    """

    columns: np.ndarray
    """Shape (K, d, b). What lies beyond `n_rows` is of no meaning, and finite."""
    target: np.ndarray
    """Shape (K, b)."""
    weight: np.ndarray
    """Shape (K, b); 0 beyond `n_rows`."""
    rows: np.ndarray
    """The source's numbers of the rows, shape (K, b)."""
    step: int = 0
    """Of its first batch; the run's first batch is step 0."""
    epoch: int = 0
    n_batches: int = 0
    """At most K."""
    n_rows: int = 0
    """At most K b; below n_batches * b where the last batch is shorter."""

    @property
    def batches(self) -> Rows:
        """Its arrays but the numbers."""
        return Rows(self.columns, self.target, self.weight)


class Batches:
    """The batches of all epochs.

    Parameters
    ----------
    source
        Gives the rows.
    order
        Which of them come when.
    batch_size
        b, the rows of every batch but an epoch's last.
    batches_per_chunk
        K; None: as many as hold about a million numbers, of one epoch at most.
    """

    def __init__(self, source: Source, order: Order, batch_size: int, batches_per_chunk: int | None = None):
        self.source, self.order, self.batch_size = source, order, batch_size
        n = min(MOST_BATCHES, CHUNK_NUMBERS // max(1, len(source.names) * batch_size), self.n_batches)
        self.batches_per_chunk = batches_per_chunk or max(1, n)
        self._spare_windows: list[WindowRows] = []

    @property
    def n_batches(self) -> int:
        """Steps of an epoch."""
        return -(-self.order.n_training // self.batch_size)

    @property
    def chunk_rows(self) -> int:
        """Rows of every chunk, with those of weight 0."""
        return self.batches_per_chunk * self.batch_size

    def chunks(self, step: int = 0, n_steps: int | None = None) -> Iterator[Chunk]:
        """The chunks from a step on, until there have been `n_steps`; None: without end.

        Raises InvalidData for a row that has a value that is missing or not finite, when all batches before that of
        the row have been given; InvalidFile where a file is damaged, as soon as what came before has been given.
        """
        end = None if n_steps is None else step + n_steps
        windows: Ahead[WindowRows] = Ahead(functools.partial(_windows, self, step, end), self._window, most=2)
        # Two are with those who asked, one is being filled, two wait.
        chunks: Ahead[Chunk] = Ahead(functools.partial(_chunks, self, windows, step, end), self._chunk, most=5, held=2)
        try:
            with windows, chunks:
                yield from chunks
        finally:
            self._spare_windows += windows.made

    def _window(self) -> WindowRows:
        """Room for a window: from an earlier call, as new memory costs a fifth of the reading."""
        try:
            return self._spare_windows.pop()
        except IndexError:
            return WindowRows(self.source, self.order)

    def _chunk(self) -> Chunk:
        """A chunk to fill. What is left over in it must be finite."""
        n, b, dtype = self.batches_per_chunk, self.batch_size, self.source.dtype
        columns, numbers = aligned_zeros((n, len(self.source.names), b), dtype), np.zeros((n, b), np.int64)
        return Chunk(columns, np.zeros((n, b), dtype), np.zeros((n, b), dtype), numbers)


def _epochs(batches: Batches, step: int, end: int | None) -> Iterator[tuple[int, int, int]]:
    """Each epoch from a step on: its number, its first and the end of its rows that are asked for."""
    while end is None or step < end:
        epoch, first = divmod(step, batches.n_batches)
        last = batches.n_batches if end is None else min(batches.n_batches, first + end - step)
        yield epoch, first * batches.batch_size, min(last * batches.batch_size, batches.order.n_training)
        step += last - first


def _windows(batches: Batches, step: int, end: int | None, room: Callable[[], WindowRows]) -> Iterator[WindowRows]:
    """The windows, read one after the other."""
    for epoch, first_row, end_row in _epochs(batches, step, end):
        for window in batches.order.windows(epoch, first_row):
            if window.start >= end_row:
                break
            rows = room()
            rows.read(window)
            yield rows


def _chunks(
    batches: Batches, windows: Iterable[WindowRows], step: int, end: int | None, room: Callable[[], Chunk]
) -> Iterator[Chunk]:
    """The chunks, filled one after the other; up to the batch that has a bad value, which is raised."""
    following = iter(windows)
    for epoch, first_row, end_row in _epochs(batches, step, end):
        for chunk in _epoch(batches, following, first_row, end_row, room):
            n_batches, chunk.n_batches = chunk.n_batches, _good_batches(batches, chunk)
            chunk.step, chunk.epoch = step, epoch
            step += chunk.n_batches
            if chunk.n_batches:
                yield chunk
            if chunk.n_batches < n_batches:
                bad = chunk.n_batches
                rows = Rows(chunk.columns[bad], chunk.target[bad], chunk.weight[bad])
                raise bad_value(batches.source, rows, chunk.rows[bad])


def _epoch(
    batches: Batches, windows: Iterator[WindowRows], at: int, end: int, room: Callable[[], Chunk]
) -> Iterator[Chunk]:
    """The chunks with the rows `at` to `end` of an epoch; `end` is left out."""
    chunk, filled = None, 0
    while at < end:
        window = next(windows, None)
        if window is None:
            return  # nobody waits for more
        window_end = min(end, window.end)
        while at < window_end:
            if chunk is None:
                chunk, filled = room(), 0
            n = min(window_end - at, batches.chunk_rows - filled)
            window.copy(at - window.start, n, chunk.batches, chunk.rows, filled)
            at, filled = at + n, filled + n
            if filled == batches.chunk_rows or at == end:
                chunk.weight.reshape(-1)[filled:] = 0
                chunk.n_rows, chunk.n_batches = filled, -(-filled // batches.batch_size)
                yield chunk
                chunk = None


def _good_batches(batches: Batches, chunk: Chunk) -> int:
    """How many batches come before the first that has a bad value."""
    n = chunk.n_batches
    if batches.source.is_checked:
        return n
    with np.errstate(all="ignore"):  # the sum of finite numbers may overflow, and then each is looked at
        total = chunk.columns[:n].sum() + chunk.target[:n].sum() + chunk.weight[:n].sum()
        if np.isfinite(total) and chunk.weight[:n].min() >= 0:
            return n
    good = np.isfinite(chunk.columns[:n]).all(axis=(1, 2)) & is_good(chunk.target[:n], chunk.weight[:n]).all(axis=1)
    return n if good.all() else int(np.argmin(good))
