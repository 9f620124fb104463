"""Rows picked out of many, by number, and laid side by side in batches.

The rows lie in memory one after the other: a row is copied as one piece, some hundred rows at a time, and these are
turned into columns while they are in the cache. Picking each number from a column of its own took 3 to 8 times as long
on 100 features.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from downslope.training.sources.source import Rows

_TILE = 256
_ALIGNED = 64


def turn(columns: np.ndarray, into: np.ndarray) -> None:
    """Copy columns (d, m) that lie one after the other into rows that do, or the other way round."""
    for first in range(0, columns.shape[1], _TILE):
        into[:, first : first + _TILE] = columns[:, first : first + _TILE]


def gather(rows: Rows, places: np.ndarray, batches: Rows, filled: int) -> None:
    """Copy the rows at `places` into batches (K, d, b), (K, b), (K, b), of whose rows `filled` are there."""
    end = filled + len(places)
    # Without a mode, which is "raise", NumPy copies by way of one array more.
    np.take(rows.target, places, out=batches.target.reshape(-1)[filled:end], mode="clip")
    np.take(rows.weight, places, out=batches.weight.reshape(-1)[filled:end], mode="clip")
    by_rows = rows.columns.T
    for target, first, n in pieces(batches.columns, filled, len(places)):
        tile = by_rows.take(places[first : first + n], axis=0, mode="clip")
        target[:] = tile.reshape(len(target), -1, tile.shape[1]).swapaxes(1, 2)


def copy(rows: Rows, first: int, n: int, batches: Rows, filled: int) -> None:
    """As `gather`, for n rows that follow each other."""
    batches.target.reshape(-1)[filled : filled + n] = rows.target[first : first + n]
    batches.weight.reshape(-1)[filled : filled + n] = rows.weight[first : first + n]
    for target, start, size in pieces(batches.columns, filled, n):
        part = rows.columns[:, first + start : first + start + size]
        target[:] = part.reshape(len(part), len(target), -1).swapaxes(0, 1)


def pieces(columns: np.ndarray, filled: int, n: int) -> Iterator[tuple[np.ndarray, int, int]]:
    """Parts of batches (K, d, b) that take n rows: the part, which of the rows is its first, how many it takes.

    A part is a piece of one batch, or as many whole batches as a tile has room for.
    """
    b, done = columns.shape[2], 0
    while done < n:
        batch, start = divmod(filled + done, b)
        if start or n - done < b or b >= _TILE:
            size = min(b - start, n - done, _TILE)
            yield columns[batch : batch + 1, :, start : start + size], done, size
        else:
            size = min((n - done) // b, _TILE // b) * b
            yield columns[batch : batch + size // b], done, size
        done += size


def aligned_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros that begin at a multiple of 64 bytes: such memory JAX takes as it is, and other memory it copies.

    A step of 256 rows by 100 ran at 34 million rows a second on these, and at 21 on those that were copied.

    >>> aligned_zeros((3, 5), np.dtype("float32")).ctypes.data % 64
    0
    """
    n_bytes = int(np.prod(shape)) * dtype.itemsize
    memory = np.zeros(n_bytes + _ALIGNED, np.uint8)
    first = -memory.ctypes.data % _ALIGNED
    return memory[first : first + n_bytes].view(dtype).reshape(shape)
