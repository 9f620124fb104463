"""Chunks of batches, and what fills them: rows of memory as they lie, of a file, or of what another thread has read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.training.gathering import Flat
from downslope.training.sources.source import Rows, Source
from downslope.training.windows import BlockOfColumns, WindowRows


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
    """At most K b; below n_batches * b where the last batch is shorter."""


Fill = Callable[[int, int, Chunk], int]
"""Put an epoch's rows, from one on and so many, into a chunk. How many there are now; 0: nobody waits for them."""


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
        return n

    return fill


def from_source(source: Source) -> Fill:
    """Rows in the source's own order."""

    def fill(at: int, n: int, chunk: Chunk) -> int:
        if source.weight_name is None:
            chunk.rows.weight[:n] = 1
        source.read(at, chunk.rows.part(0, n))
        chunk.numbers[:n] = np.arange(at, at + n)
        return n

    return fill


def from_pieces(pieces: Iterator[Any]) -> Fill:
    """Rows in the order of windows or blocks, which come one after the other."""
    piece: WindowRows | BlockOfColumns | None = None

    def fill(at: int, n: int, chunk: Chunk) -> int:
        nonlocal piece
        done = 0
        while done < n:
            piece = piece or next(pieces, None)
            if piece is None:
                return 0
            end = min(piece.end - at, n)
            piece.copy(at + done - piece.start, chunk.rows.part(done, end), chunk.numbers[done:end])
            done = end
            if at + done == piece.end:
                piece = None
        return n

    return fill
