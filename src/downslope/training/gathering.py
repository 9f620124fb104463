"""Rows picked out of many, by number, into columns.

Where the numbers of a row lie side by side, a row is copied as one piece, some hundred rows at a time, and these are
turned into columns while they are in the cache: 17 million rows of 100 float32 a second here, where picking each number
from its own column makes 2 to 6.
"""

from __future__ import annotations

import numpy as np

from downslope.training.sources.source import Rows

_TILE = 256


def gather(rows: Rows, places: np.ndarray, into: Rows) -> None:
    """Copy the rows at `places` into the columns `into`."""
    np.take(rows.target, places, out=into.target, mode="clip")  # "raise" would copy by way of another array
    np.take(rows.weight, places, out=into.weight, mode="clip")
    if rows.columns.strides[0] < rows.columns.strides[1]:
        by_rows = rows.columns.T
        for first in range(0, len(places), _TILE):
            tile = by_rows.take(places[first : first + _TILE], axis=0, mode="clip")
            into.columns[:, first : first + _TILE] = tile.T
    else:
        for column, target in zip(rows.columns, into.columns, strict=True):
            np.take(column, places, out=target, mode="clip")
