"""How chunks of batches are filled with rows: as they lie, from a file, or picked out of windows.

A fill puts the rows of an epoch from one on into a chunk, and tells how many there are now: all that were asked for, or
whole batches of them; 0 where nobody waits for them. Where a process has a share of each batch, its rows alone are put
there, which the fill counts as the rows of whole batches.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from downslope.training.gathering import Flat
from downslope.training.shares import Share
from downslope.training.sources.source import Rows, Source
from downslope.training.windows import WindowRows


@dataclass
class Chunk:
    """Some batches, one after the other.

    Its arrays are used again: they are valid until the next chunk is asked for.
    """

    rows: Rows
    """K b of them, row after row in memory. What fills up the last batch has weight 0, is of no meaning, and finite."""
    flat: Flat
    """Their features as one vector."""
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


def from_memory(table: Rows, b: int) -> Fill:
    """Rows in the source's own order, as they lie; a batch is copied where it cannot be taken so."""

    def fill(at: int, n: int, chunk: Chunk) -> int:
        found = Flat.part(table.columns.T, at, len(chunk.numbers))
        n_taken = 0 if found is None else min(n, found[1]) // b * b
        if found is not None:
            n = n_taken or min(n, b)
        rows, into = table.part(at, at + n), chunk.rows.part(0, n)
        into.target[:], into.weight[:] = rows.target, rows.weight
        if found is not None and n_taken:
            chunk.flat, chunk.rows = found[0], chunk.rows._replace(columns=rows.columns)
        else:
            into.columns[:] = rows.columns
        chunk.numbers[:n] = np.arange(at, at + n)
        chunk.n_places = n
        return n

    return fill


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


def from_windows(windows: Iterator[WindowRows], share: Share, b: int) -> Fill:
    """Rows in the order of windows, which come one after the other."""
    window: WindowRows | None = None

    def fill(at: int, n: int, chunk: Chunk) -> int:
        nonlocal window
        own, counts = (None, None) if share.is_whole else share.rows(at, n, b)
        chunk.n_places = n if own is None else len(own)
        done, end_row = 0, at + n
        while True:
            window = window or next(windows, None)
            if window is None:
                return 0
            first, end = max(at, window.start), min(window.end, end_row)
            which: slice | np.ndarray = slice(first - window.start, end - window.start)
            n_here = end - first
            if own is not None:
                here = own[done : np.searchsorted(own, end)]
                which, n_here = here - window.start, len(here)
            window.copy(which, chunk.rows.part(done, done + n_here), chunk.numbers[done : done + n_here])
            done += n_here
            if end == window.end:
                window = None
            if end == end_row:
                break
        if counts is not None:
            chunk.rows.weight[: len(counts)][~counts] = 0
        return n

    return fill
