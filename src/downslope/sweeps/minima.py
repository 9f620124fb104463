"""The distinct minima among the ends of many runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.stopping import Status
from downslope.sweeps.clusters import clusters
from downslope.sweeps.sweep import Sweep

SAME = 1e-3
"""End points closer than this share of the box in every variable are one minimum."""


@dataclass(frozen=True, eq=False)
class Minimum:
    """A place where descents ended."""

    x: Any
    """The end with the lowest loss: a number for a function of one variable, else a vector of shape (n,)."""
    loss: float
    n_starts: int
    """How many starts led here."""
    share: float
    """The share of all starts that led here."""
    at_bound: bool
    """Whether it lies on an edge of the box, or outside."""


def minima_of(runs: Sweep, lower: np.ndarray, upper: np.ndarray) -> tuple[tuple[Minimum, ...], np.ndarray]:
    """The ends that are one, together, lowest first; and which of them each run ended in, shape (m,), -1 for none."""
    lanes = runs.lanes
    which = np.full(len(lanes), -1, np.int32)
    ended = np.flatnonzero(lanes.status == Status.GRADIENT_SMALL)
    if not ended.size:
        return (), which
    points, losses = lanes.x[ended], lanes.loss[ended]
    label = clusters(points, SAME * (upper - lower))
    counts = np.bincount(label)
    lowest = np.full(len(counts), np.inf)
    np.minimum.at(lowest, label, losses)
    candidates = np.flatnonzero(losses == lowest[label])[::-1]
    first = np.empty(len(counts), np.int64)
    first[label[candidates]] = candidates  # of several that are as low, the first is written last
    ranked = first[np.lexsort((first, lowest))]
    rank = np.empty(len(counts), np.int32)
    rank[label[ranked]] = np.arange(len(ranked))
    which[ended] = rank[label]
    minima = tuple(
        Minimum(
            x=runs.grid.structure.restore(points[k]),
            loss=float(losses[k]),
            n_starts=int(counts[label[k]]),
            share=float(counts[label[k]] / len(lanes)),
            at_bound=bool(((points[k] <= lower) | (points[k] >= upper)).any()),
        )
        for k in ranked
    )
    return minima, which
