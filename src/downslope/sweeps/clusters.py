"""Which of many points are one, by their distances.

Two points closer than the radius in every coordinate are always one, and so are chains of such points: there is no
rounding whose edge could run between them. Points are first gathered in cells of one radius, for a million of
them lie at a handful of places; then neighbouring cells are joined.
"""

from __future__ import annotations

import numpy as np


def clusters(points: np.ndarray, radius: np.ndarray) -> np.ndarray:
    """The number of each point's cluster, 0, 1, ...; `points` has shape (m, n), `radius` (n,).

    Cells are joined where one point of each lies within two radii, so that points up to two radii apart may count
    as one, and points closer than one always do.

    >>> clusters(np.array([[0.999], [5.0], [1.001], [1.0]]), np.array([0.1])).tolist()
    [0, 1, 0, 0]
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components
    from scipy.spatial import cKDTree

    scaled = (points - points.min(axis=0)) / radius
    first, cell = _cells(np.floor(scaled))
    pairs = cKDTree(scaled[first]).query_pairs(2.0, p=np.inf, output_type="ndarray")
    joined = coo_array((np.ones(len(pairs)), pairs.T), shape=(len(first), len(first)))
    _, of_cell = connected_components(joined, directed=False)
    return np.asarray(of_cell[cell])


def _cells(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The first row of each kind, and the kind of each row, as np.unique over rows tells them.

    Sorting numbers and looking each up is several times as fast as np.unique's sort of rows, with their indices.
    """
    kind = np.zeros(len(rows), np.int64)
    for column in rows.T:
        values = np.unique(column)
        kind = kind * len(values) + np.searchsorted(values, column)
        kind = np.searchsorted(np.unique(kind), kind)
    first = np.empty(kind.max() + 1, np.int64)
    first[kind[::-1]] = np.arange(len(rows))[::-1]
    return first, kind
