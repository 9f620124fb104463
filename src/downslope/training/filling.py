"""How chunks of batches are filled with rows: from memory, from a file, or from what another thread has read.

A fill puts the rows of an epoch from one on into a chunk, and tells how many there are now: all that were asked for, or
whole batches of them; 0 where nobody waits for them. Where a process has a share of each batch, its rows alone are put
there, which the fill counts as the rows of whole batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np

from downslope.training.gathering import Flat
from downslope.training.shares import Share
from downslope.training.sources.source import Rows, Source
from downslope.training.windows import BlockOfColumns, WindowRows

Piece = TypeVar("Piece", bound=WindowRows | BlockOfColumns)


@dataclass
class Chunk:
    """Some batches, one after the other.

    Its arrays are used again: they are valid until the next chunk is asked for.
    """

    rows: Rows
    """K b of them, row after row in memory. What fills up the last batch has weight 0, is of no meaning, and finite."""
    flat: Flat
    """Their features as one vector. Where a share lies in the source's own memory, only here, and not in `rows`."""
    apart: int
    """So many rows lie there from the first of a batch to the first of the next."""
    numbers: np.ndarray
    """The source's own of the rows, shape (K b,)."""
    step: int = 0
    """Of its first batch; the run's first batch is step 0."""
    epoch: int = 0
    n_batches: int = 0
    """At most K."""
    n_rows: int = 0
    """Of these batches, over all processes; below n_batches * b where the last batch is shorter."""
    n_places: int = 0
    """How many rows are here: `n_rows`, or of a share (shares.py) as many as it has places."""


Fill = Callable[[int, int, Chunk], int]
"""From which row on, how many, into what; gives how many there are now."""


def from_memory(table: Rows, share: Share, b: int) -> Fill:
    """A share of rows in the source's own order, which are taken as they lie where that can be."""
    c, d = share.size(b), len(table.columns)

    def fill(at: int, n: int, chunk: Chunk) -> int:
        n_batches = len(chunk.numbers) // c
        n, lie = _rows_that_lie(table.columns, at, n, b, n_batches * b, share)
        found = Flat.part(table.columns.T, at + share.rank * c, n_batches * b) if lie else None
        if found is not None and found[1] >= n - b + c:
            chunk.flat, chunk.apart = found[0], b
            if share.is_whole:
                chunk.rows = chunk.rows._replace(columns=table.columns[:, at : at + n])
        else:
            share.copy(table.columns.T[at : at + n], b, chunk.flat.rows(n_batches * c, d))
        chunk.rows.weight[:] = 0
        for values, into in ((table.target, chunk.rows.target), (table.weight, chunk.rows.weight)):
            share.copy(values[at : at + n], b, into)
        share.copy(np.arange(at, at + n), b, chunk.numbers)
        chunk.n_places = -(-n // b) * c
        return n

    return fill


def _rows_that_lie(columns: np.ndarray, at: int, n: int, b: int, span: int, share: Share) -> tuple[int, bool]:
    """How many of n rows come now, and whether they can be taken as they lie, as a part of `span` rows.

    The same in all processes, whose tables begin at addresses of their own: what comes first and last is copied.
    """
    n_rows, edge = columns.shape[1], Flat.edge(columns)
    if n_rows - span < 2 * edge:
        return n, False
    if at < edge:
        return min(n, -(-(edge - at) // b) * b), False
    n_lying = (min(at + n, n_rows - edge - share.beyond(b)) - at) // b * b
    return (n_lying, True) if n_lying > 0 else (n, False)


def from_source(source: Source, share: Share, b: int) -> Fill:
    """Rows in the source's own order."""

    def fill(at: int, n: int, chunk: Chunk) -> int:
        if source.weight_name is None:
            chunk.rows.weight[:] = 1
        chunk.n_places = n
        if share.is_whole:
            source.read(at, chunk.rows.part(0, n))
            chunk.numbers[:n] = np.arange(at, at + n)
            return n
        numbers, counts = share.rows(at, n, b)
        chunk.n_places = len(numbers)
        chunk.numbers[: len(numbers)] = numbers
        for place in range(0, len(numbers), share.size(b)):
            n_own = int(counts[place : place + share.size(b)].sum())
            if n_own:
                source.read(int(numbers[place]), chunk.rows.part(place, place + n_own))
        chunk.rows.weight[: len(numbers)][~counts] = 0
        return n

    return fill


def from_pieces(pieces: Iterator[WindowRows | BlockOfColumns]) -> Fill:
    """Rows in the order of windows or blocks, which come one after the other."""
    all_pieces = _Pieces(pieces)

    def fill(at: int, n: int, chunk: Chunk) -> int:
        chunk.n_places = n
        for piece, first, end in all_pieces.of(at, at + n):
            part = slice(first - at, end - at)
            piece.copy(first - piece.start, chunk.rows.part(part.start, part.stop), chunk.numbers[part])
        return n if all_pieces.are_there else 0

    return fill


def from_shares(windows: Iterator[WindowRows], share: Share, b: int) -> Fill:
    """A share of rows in the order of windows, of which all rows are here."""
    pieces = _Pieces(windows)

    def fill(at: int, n: int, chunk: Chunk) -> int:
        own, counts = share.rows(at, n, b)
        chunk.n_places = len(own)
        done = 0
        for window, _, end in pieces.of(at, at + n):
            here = own[done : np.searchsorted(own, end)]
            stop = done + len(here)
            places = window.places(window.start, window.end)[here - window.start]
            window.take(places, chunk.rows.part(done, stop), chunk.numbers[done:stop])
            done = stop
        chunk.rows.weight[: len(counts)][~counts] = 0
        return n if pieces.are_there else 0

    return fill


def from_parts(windows: Iterator[WindowRows], c: int, b: int) -> Fill:
    """Rows in the order of windows of which a part is here: at most c rows of each batch."""
    pieces = _Pieces(windows)

    def fill(at: int, n: int, chunk: Chunk) -> int:
        n_batches = -(-n // b)
        chunk.n_places = n_batches * c
        counts, is_row = np.zeros(n_batches, int), np.zeros(n_batches * c, bool)
        done = 0
        for window, first, end in pieces.of(at, at + n):
            places = window.places(first, end)
            which = np.flatnonzero((places >= window.own[0]) & (places < window.own[1]))
            batch = (first - at + which) // b
            slots = batch * c + counts[batch] + np.arange(len(batch)) - np.searchsorted(batch, batch)
            counts += np.bincount(batch, minlength=n_batches)
            if counts.max() > c:
                raise RuntimeError(f"{counts.max()} of a batch's {b} rows are one process's; another `seed` will do")
            is_row[slots] = True
            stop = n_batches * c if end == at + n else (end - at) // b * c + counts[(end - at) // b]
            if len(which):
                filled = _filled_up(slots - done, places[which], stop - done)
                window.take(filled, chunk.rows.part(done, stop), chunk.numbers[done:stop])
            done = stop
        chunk.rows.weight[: len(is_row)][~is_row] = 0
        return n if pieces.are_there else 0

    return fill


def _filled_up(slots: np.ndarray, values: np.ndarray, n: int) -> np.ndarray:
    """The values at their slots; a slot without one has that of the slot before.

    >>> _filled_up(np.array([1, 2, 4]), np.array([7, 8, 9]), 6).tolist()
    [7, 7, 8, 8, 9, 9]
    """
    last = np.zeros(n, int)
    last[slots] = np.arange(len(slots))
    return values[np.maximum.accumulate(last)]


class _Pieces(Generic[Piece]):
    """What of a range of an epoch's rows each window or block has; one is asked for when the one before is over."""

    def __init__(self, pieces: Iterator[Piece]):
        self._pieces = pieces
        self._piece: Piece | None = None
        self.are_there = True

    def of(self, at: int, end_row: int) -> Iterator[tuple[Piece, int, int]]:
        """A piece, the first and the end of the rows that are its; stops where nobody waits for them."""
        while True:
            piece = self._piece = self._piece or next(self._pieces, None)
            self.are_there = piece is not None
            if piece is None:
                return
            end = min(piece.end, end_row)
            yield piece, max(at, piece.start), end
            if end == piece.end:
                self._piece = None
            if end == end_row:
                return
