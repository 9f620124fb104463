"""Batches of a source's rows in a given order, read ahead by threads, in memory that does not grow.

    for chunk in Batches(source, order, batch_size=256).chunks(step=0, n_steps=1000):
        ...                 chunk.rows: K batches of b rows, one row after the other, for one call of a compiled loop

Rows in memory that come in order are taken as they lie, a process's share of them too; a file's rows that lie in one
piece are read into the chunks by a thread. Else one thread reads windows (order.py), or blocks of columns that come in
order, and another copies their rows into the chunks. There are at most two windows or three blocks, and three chunks,
which are used again and again: this bounds memory, whatever the size of the data.

Every chunk has the same shape. The last batch of an epoch is shorter, the last chunk may have fewer batches; what is
left over has weight 0. Chunks do not cross the end of an epoch.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Iterator
from typing import Any

import jax
import numpy as np

from downslope.training.ahead import Ahead
from downslope.training.filling import Chunk, Fill, from_memory, from_parts, from_pieces, from_shares, from_source
from downslope.training.gathering import Flat
from downslope.training.order import Order
from downslope.training.shares import WHOLE, Share
from downslope.training.sources.source import Rows, Source, bad_value, is_good
from downslope.training.windows import BlockOfColumns, WindowRows, held_out_rows

__all__ = ["Batches", "Chunk", "held_out_rows"]

CHUNK_NUMBERS = 2**21
"""A chunk holds about so many numbers, 8 MB of float32: enough that a call's cost is little beside it."""
_MORE = 8
"""And so many times as many where nothing is copied."""
_FEW = 2**19
"""So many numbers are copied as quickly as two calls more are made: those before and after what is taken as it lies."""
MOST_BATCHES = 4096
"""And at most so many batches, so that Ctrl-C and progress are not far apart."""


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
        K; None: as many as hold about two million numbers, of one epoch at most.
    share
        Which rows of each batch are wanted; all of them, or those of one process.
    """

    def __init__(
        self,
        source: Source,
        order: Order,
        batch_size: int,
        batches_per_chunk: int | None = None,
        share: Share = WHOLE,
    ):
        self.source, self.order, self.batch_size, self.share = source, order, batch_size, share
        table = source.in_memory
        self.is_in_order = not order.shuffle and not order.n_held_out
        lies_so = table is not None and self.is_in_order and table.columns.T.flags.c_contiguous
        # Of a share nobody sees what lies between its rows; an accelerator would be sent that, too.
        shares_lie = source.is_checked and jax.default_backend() == "cpu"
        self.takes_as_it_lies = lies_so and (share.is_whole or shares_lie)
        self.takes_blocks = self.is_in_order and share.is_whole
        self.reads_a_part = not share.is_whole and order.shuffle and not (table is not None and source.by_rows)
        self.batches_per_chunk = batches_per_chunk or self._batches_per_chunk()
        self._spare: list[Any] = []

    @property
    def n_batches(self) -> int:
        """Steps of an epoch."""
        return -(-self.order.n_training // self.batch_size)

    @functools.cached_property
    def places(self) -> int:
        """Of each batch, in a chunk: b, or fewer of a share."""
        return self.share.most(self.batch_size) if self.reads_a_part else self.share.size(self.batch_size)

    def _batches_per_chunk(self) -> int:
        most = CHUNK_NUMBERS * (_MORE if self.takes_as_it_lies else 1)
        n = min(MOST_BATCHES, most // max(1, len(self.source.names) * self.places), self.n_batches)
        if self.takes_as_it_lies and self.source.in_memory is not None:
            columns = self.source.in_memory.columns
            n_lying = (columns.shape[1] - 2 * Flat.edge(columns)) // self.batch_size
            if n * self.places * len(columns) > _FEW:
                n = min(n, n_lying)
        return max(1, n)

    @property
    def chunk_rows(self) -> int:
        """Rows of every chunk, with those of weight 0."""
        return self.batches_per_chunk * self.places

    def chunks(self, step: int = 0, n_steps: int | None = None) -> Iterator[Chunk]:
        """The chunks from a step on, until there have been `n_steps`; None: without end.

        Raises InvalidData for a row that has a value that is missing or not finite, when all batches before that of
        the row have been given; InvalidFile where a file is damaged, as soon as what came before has been given.
        """
        end = None if n_steps is None else step + n_steps
        table = self.source.in_memory
        if table is not None and self.takes_as_it_lies:
            room, fill = self._chunk(), from_memory(table, self.share, self.batch_size)
            yield from _chunks(self, fill, step, end, lambda: dataclasses.replace(room))
            return
        if self.source.by_rows and self.is_in_order:
            with self._ahead(from_source(self.source, self.share, self.batch_size), step, end) as chunks:
                yield from chunks
            return
        read, most = (_blocks, 3) if self.takes_blocks else (_windows, 2)
        pieces: Ahead[Any] = Ahead(functools.partial(read, self, step, end), self._piece, most)
        try:
            with pieces, self._ahead(self._fill(iter(pieces)), step, end) as chunks:
                yield from chunks
        finally:
            self._spare += pieces.made

    def _ahead(self, fill: Fill, step: int, end: int | None) -> Ahead[Chunk]:
        """One chunk is with those who asked, one is being filled, one waits."""
        return Ahead(functools.partial(_chunks, self, fill, step, end), self._chunk, most=3)

    def _fill(self, pieces: Iterator[Any]) -> Fill:
        if self.reads_a_part:
            return from_parts(pieces, self.places, self.batch_size)
        return from_pieces(pieces) if self.share.is_whole else from_shares(pieces, self.share, self.batch_size)

    def _piece(self) -> WindowRows | BlockOfColumns:
        """Room for a window or block: from an earlier call, as new memory costs a fifth of the reading."""
        if self._spare:
            return self._spare.pop()  # type: ignore[no-any-return]
        if self.takes_blocks:
            return BlockOfColumns(self.source, self.order)
        return WindowRows(self.source, self.order, self.share if self.reads_a_part else WHOLE)

    def _chunk(self) -> Chunk:
        """A chunk to fill. What is left over in it must be finite."""
        n, d, dtype = self.chunk_rows, len(self.source.names), self.source.dtype
        n_flat = self.batches_per_chunk * self.batch_size if self.takes_as_it_lies else n
        flat = Flat.room(n_flat * d, dtype)
        rows = Rows(flat.rows(n, d).T, np.zeros(n, dtype), np.ones(n, dtype))
        return Chunk(rows, flat, self.places, np.zeros(n, np.int64))


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


def _blocks(
    batches: Batches, step: int, end: int | None, room: Callable[[], BlockOfColumns]
) -> Iterator[BlockOfColumns]:
    """The blocks of the source's own order, read one after the other."""
    size = batches.order.block_rows
    for _, first_row, end_row in _epochs(batches, step, end):
        while first_row < end_row:
            block, start = room(), first_row
            first_row = min((start // size + 1) * size, end_row)
            block.read(start, first_row)
            yield block


def _chunks(batches: Batches, fill: Fill, step: int, end: int | None, room: Callable[[], Chunk]) -> Iterator[Chunk]:
    """The chunks, filled one after the other; up to the batch that has a bad value, which is raised."""
    for epoch, first_row, end_row in _epochs(batches, step, end):
        at = first_row
        while at < end_row:
            chunk = room()
            most = batches.batches_per_chunk * batches.batch_size
            n = chunk.n_rows = fill(at, min(most, end_row - at), chunk)
            if not n:
                return
            at += n
            if n % batches.batch_size and batches.share.is_whole:  # the epoch's last batch is filled up
                chunk.rows.weight[n:] = 0
            chunk.step, chunk.epoch, chunk.n_batches = step, epoch, -(-n // batches.batch_size)
            bad = None if batches.source.is_checked else _first_bad(chunk)
            if bad is not None:
                chunk.n_batches = bad // batches.places
                chunk.n_rows = chunk.n_batches * batches.batch_size
                chunk.n_places = chunk.n_batches * batches.places
            step += chunk.n_batches
            if chunk.n_batches:
                yield chunk
            if bad is not None:
                raise bad_value(batches.source, chunk.rows.part(bad, bad + 1), chunk.numbers[bad : bad + 1])


def _first_bad(chunk: Chunk) -> int | None:
    """The first row that has a bad value."""
    rows = chunk.rows.part(0, chunk.n_places)
    with np.errstate(all="ignore"):  # the sum of finite numbers may overflow, and then each is looked at
        total = rows.columns.sum() + rows.target.sum() + rows.weight.sum()
        if np.isfinite(total) and rows.weight.min() >= 0:
            return None
    good = np.isfinite(rows.columns).all(axis=0) & is_good(rows.target, rows.weight)
    return None if good.all() else int(np.argmin(good))
