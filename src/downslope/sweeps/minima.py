"""The distinct minima among the ends of many runs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from downslope.analysis.curvature import PointKind, free_variables, kind_of_point, spectrum
from downslope.analysis.stationary import settle
from downslope.objectives.bound import Bound
from downslope.stopping import Status
from downslope.sweeps.clusters import clusters
from downslope.sweeps.sweep import Sweep

SAME = 1e-3
"""End points closer than this share of the box in every variable are one minimum."""
_TIE = 1e-9
"""Of what the runs descended: a smaller difference between two minima is where their runs ended, and not theirs."""
_MOST_SETTLED = 10_000
"""Ends that are looked at one by one, of the lowest; each takes about a millisecond."""
_SAME_PLACE = 6
"""Digits of a place in the box, by which minima of one loss are ordered."""


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


def settled_minima_of(
    runs: Sweep, lower: np.ndarray, upper: np.ndarray, tolerance: float
) -> tuple[tuple[Minimum, ...], np.ndarray]:
    """The same without ends at saddles and maxima, and with those ends together whose minimum is one.

    Where a minimum is flat, runs end all around it, farther apart than its ends elsewhere; so each end is followed down
    to its minimum. On a line of minima there is none, and all ends of one loss are one. Minima that are as low but for
    rounding are in the order of their places. Beyond 10,000 ends the higher ones are taken as they are.
    """
    ends, which = minima_of(runs, lower, upper)
    if not ends:
        return ends, which
    bound = runs.objective.bind(ends[0].x, runs.box)[0]
    kinds = [_kind(bound, end, tolerance) for end in ends[:_MOST_SETTLED]]
    kinds += [PointKind.MINIMUM] * (len(ends) - len(kinds))
    kept = [k for k, kind in enumerate(kinds) if kind not in (PointKind.SADDLE, PointKind.MAXIMUM)]
    if not kept:
        return (), np.full_like(which, -1)
    descended = float(np.median((runs.lanes.first_loss - runs.lanes.loss)[which >= 0]))
    level = np.cumsum(np.diff([ends[k].loss for k in kept], prepend=ends[kept[0]].loss) > _TIE * descended)
    points = np.stack([_below(bound, ends[k]) if k < _MOST_SETTLED else _flat(bound, ends[k]) for k in kept])
    group = clusters(points, SAME * (upper - lower))
    flat = np.array([kinds[k] is PointKind.FLAT for k in kept])
    for height in np.unique(level[flat]):
        on_line = flat & (level == height)
        if len(np.unique(group[on_line])) > 2:
            group[on_line] = group[on_line][0]
    place = np.round((points - lower) / (upper - lower), _SAME_PLACE).tolist()
    # The ends ascend: the first of each group is its lowest.
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    members.sort(key=lambda inside: (level[inside[0]], place[inside[0]]))
    renumbered = np.full(len(ends) + 1, -1, np.int32)  # the last entry is that of -1
    for number, inside in enumerate(members):
        renumbered[np.array(kept)[inside]] = number
    minima = []
    for inside in members:
        n = sum(ends[kept[i]].n_starts for i in inside)
        minima.append(replace(ends[kept[inside[0]]], n_starts=n, share=n / len(which)))
    return tuple(minima), renumbered[which]


def _kind(bound: Bound, end: Minimum, tolerance: float) -> PointKind:
    x = _flat(bound, end)
    gradient = bound.gradient(x)
    curvature = spectrum(bound, x, free=free_variables(x, gradient, bound.bounds))
    return kind_of_point(bound, x, gradient, curvature, gradient_tolerance=tolerance)


def _below(bound: Bound, end: Minimum) -> np.ndarray:
    """The minimum below an end; the end itself where none is found."""
    x = _flat(bound, end)
    found = settle(bound, x)
    return x if found is None else found


def _flat(bound: Bound, end: Minimum) -> np.ndarray:
    return np.asarray(bound.structure.flatten(end.x))
