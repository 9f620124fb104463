"""Batches of a source's rows in a given order, read ahead by a thread, in memory that does not grow.

    for chunk in Batches(source, order, batch_size=256).chunks(step=0, n_steps=1000):
        ...                 chunk.columns (K, d, b): K batches for one call of a compiled loop

The thread reads a window (order.py) and copies its rows, permuted, into the chunks. There is one window, and about a
window's worth of chunks on their way: this bounds memory, whatever the size of the data.

Every chunk has the same shape. The last batch of an epoch is shorter, the last chunk may have fewer batches; what is
left over has weight 0. Chunks do not cross the end of an epoch.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.training.gathering import copy, gather, turn
from downslope.training.order import WINDOW, Order, Window
from downslope.training.sources.source import Rows, Source, bad_value, is_good

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
        reader = _Reader(self, step, None if n_steps is None else step + n_steps)
        try:
            yield from reader.chunks()
        finally:
            reader.stop()


class _Reader:
    """The thread that reads ahead, and what it shares with the one that trains."""

    def __init__(self, batches: Batches, step: int, end: int | None):
        self.batches, self.step, self.end = batches, step, end
        n_windows = WINDOW * batches.order.block_rows // batches.chunk_rows
        self.free: queue.SimpleQueue[Chunk | None] = queue.SimpleQueue()
        self.full: queue.SimpleQueue[Chunk | BaseException | None] = queue.SimpleQueue()
        self.n_unmade = max(3, min(n_windows, batches.n_batches) + 2)
        self.stopped = threading.Event()
        self.thread = threading.Thread(target=self._run, name="downslope reads ahead", daemon=True)

    def chunks(self) -> Iterator[Chunk]:
        """What the thread gives, until it is done; its errors are raised here."""
        self.thread.start()
        given: list[Chunk] = []
        while (chunk := self.full.get()) is not None:
            if isinstance(chunk, BaseException):
                raise chunk
            given.append(chunk)
            yield chunk
            if len(given) == 2:
                self.free.put(given.pop(0))

    def stop(self) -> None:
        """End the thread, and wait for it."""
        self.stopped.set()
        self.free.put(None)
        if self.thread.ident is not None:
            self.thread.join()

    def _run(self) -> None:
        try:
            for chunk in _made(self.batches, self.step, self.end, self._room):
                self.full.put(chunk)
            self.full.put(None)
        except _StoppedError:
            pass
        except BaseException as error:
            self.full.put(error)

    def _room(self) -> Chunk:
        """A chunk to fill: a new one while there may be more, else one that was given back."""
        if self.n_unmade and self.free.empty():
            self.n_unmade -= 1
            batches = self.batches
            n, b, dtype = batches.batches_per_chunk, batches.batch_size, batches.source.dtype
            columns = np.zeros((n, len(batches.source.names), b), dtype)  # what is left over in it must be finite
            return Chunk(columns, np.zeros((n, b), dtype), np.zeros((n, b), dtype), np.zeros((n, b), np.int64))
        chunk = self.free.get()
        if chunk is None or self.stopped.is_set():
            raise _StoppedError
        return chunk


class _StoppedError(Exception):
    """Nobody waits for more chunks."""


def _made(batches: Batches, step: int, end: int | None, room: Any) -> Iterator[Chunk]:
    """The chunks, filled one after the other."""
    window_buffer = _WindowBuffer(batches)
    while end is None or step < end:
        epoch, first = divmod(step, batches.n_batches)
        last = batches.n_batches if end is None else min(batches.n_batches, first + end - step)
        for chunk in _epoch(batches, window_buffer, epoch, first, last, room):
            chunk.step = step
            n_batches, chunk.n_batches = chunk.n_batches, _good_batches(batches, chunk)
            step += chunk.n_batches
            if chunk.n_batches:
                yield chunk
            if chunk.n_batches < n_batches:
                bad = chunk.n_batches
                rows = Rows(chunk.columns[bad], chunk.target[bad], chunk.weight[bad])
                raise bad_value(batches.source, rows, chunk.rows[bad])


def _epoch(
    batches: Batches, window_buffer: _WindowBuffer, epoch: int, first: int, last: int, room: Any
) -> Iterator[Chunk]:
    """The chunks with the batches `first` to `last` of an epoch; `last` is left out."""
    at = first * batches.batch_size  # rows of the epoch before the next one to be copied
    end = min(last * batches.batch_size, batches.order.n_training)
    chunk, filled = None, 0
    for window in batches.order.windows(epoch, at):
        if at >= end:
            break
        window_buffer.read(window)
        window_end = min(end, window.start + len(window.rows))
        while at < window_end:
            if chunk is None:
                chunk, filled = room(), 0
            n = min(window_end - at, batches.chunk_rows - filled)
            window_buffer.copy(at - window.start, n, chunk, filled)
            at, filled = at + n, filled + n
            if filled == batches.chunk_rows or at == end:
                chunk.weight.reshape(-1)[filled:] = 0
                chunk.epoch, chunk.n_rows, chunk.n_batches = epoch, filled, -(-filled // batches.batch_size)
                yield chunk
                chunk = None


def _good_batches(batches: Batches, chunk: Chunk) -> int:
    """How many batches come before the first that has a bad value."""
    n, n_rows = chunk.n_batches, chunk.n_rows
    if batches.source.is_checked:
        return n
    with np.errstate(all="ignore"):  # the sum of finite numbers may overflow, and then each is looked at
        total = chunk.columns[:n].sum() + chunk.target[:n].sum() + chunk.weight[:n].sum()
        if np.isfinite(total) and chunk.weight[:n].min() >= 0:
            return n
    good = np.isfinite(chunk.columns[:n]).all(axis=(1, 2)) & is_good(chunk.target[:n], chunk.weight[:n]).all(axis=1)
    return n if good.all() else int(np.argmin(good))


class _WindowBuffer:
    """The rows of one window."""

    def __init__(self, batches: Batches):
        self.source, self.order = batches.source, batches.order
        n_rows = min(WINDOW * self.order.block_rows, self.order.n_rows)
        n_features, dtype = len(self.source.names), self.source.dtype
        self.is_in_order = not self.order.shuffle and not self.order.n_held_out
        self.rows = Rows.empty(n_features, n_rows, dtype, by_rows=self.source.by_rows or not self.is_in_order)
        self.columns = None
        if not self.source.by_rows and not self.is_in_order:
            self.columns = np.empty((n_features, min(self.order.block_rows, n_rows)), dtype)
        self.numbers = np.empty(n_rows, np.int64)
        self.window: Window | None = None

    def read(self, window: Window) -> None:
        """Fill it with the blocks of a window."""
        if self.window is None or not np.array_equal(self.window.blocks, window.blocks):
            self.window = None  # until it is read in full
            place = 0
            for block in window.blocks.tolist():
                size, first = self.order.size(block), block * self.order.block_rows
                self._read(first, self.rows.part(place, place + size))
                self.numbers[place : place + size] = np.arange(first, first + size)
                place += size
        self.window = window

    def _read(self, first: int, into: Rows) -> None:
        """Read one block; by way of columns, which are turned into rows, where the source has columns."""
        if self.columns is None:
            self.source.read(first, into)
            return
        columns = self.columns[:, : len(into.target)]
        self.source.read(first, into._replace(columns=columns))
        turn(columns, into.columns)

    def copy(self, first: int, n: int, chunk: Chunk, filled: int) -> None:
        """Copy n rows, in the window's order from its row `first` on, into a chunk."""
        assert self.window is not None
        rows = self.window.rows[first : first + n]
        if self.is_in_order:
            copy(self.rows, first, n, chunk.batches, filled)
        else:
            gather(self.rows, rows, chunk.batches, filled)
        np.take(self.numbers, rows, out=chunk.rows.reshape(-1)[filled : filled + n], mode="clip")


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
