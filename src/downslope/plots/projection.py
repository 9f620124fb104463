"""Many variables: a path seen along its two main directions (principal component analysis), with the loss around.

The directions are the first two right singular vectors of the centred path (Pearson 1901). The landscape is the
loss on the plane through the end of the path; points off that plane have another loss than the colour under them.
"""

from __future__ import annotations

from typing import NamedTuple
from weakref import WeakKeyDictionary

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from downslope import wording
from downslope.errors import InvalidInput
from downslope.plots import canvas, landscape, words
from downslope.plots.plane import fill_contours, legend_below
from downslope.plots.region import Region, drawable, points_of, widened
from downslope.plots.trail import draw_track, look_of, track
from downslope.run import Run

_MOST_ROWS = 1000
"""So many rows of a path tell its directions; a decomposition of all could take minutes."""

_PLANES: WeakKeyDictionary[Run, Plane] = WeakKeyDictionary()
"""A film asks for the same plane at each of its frames."""


class Plane(NamedTuple):
    """A plane through the end of a path."""

    origin: np.ndarray
    directions: np.ndarray
    """Shape (2, n), orthonormal."""
    shares: np.ndarray
    """Of the path's variance, along each direction."""

    def seen(self, points: np.ndarray) -> np.ndarray:
        """Points of shape (rows, n) as they appear on the plane, (rows, 2)."""
        return np.asarray((points - self.origin) @ self.directions.T)


def projection(run: Run, *, step: int | None = None, ax: Axes | None = None) -> Axes:
    """A run of two or more variables on the two main directions of its path, with the loss on that plane.

    The axes tell the share of the path's variance that each direction has. Raises InvalidInput for one variable, or
    a run whose path was not recorded. The path is drawn up to `step`; None is all of it. `ax` is where to draw;
    None is a figure of its own.

    >>> import downslope
    >>> from downslope import plots
    >>> run = downslope.minimize("sum_of_squares", [5.0, -3.0, 2.0], learning_rate=0.1)
    >>> plots.projection(run).get_xlabel()
    'first direction (100% of the variance)'
    """
    words.check_run(run)
    if run.structure.size < 2:
        raise InvalidInput("run", "must have two variables or more (descent(run) draws it)", run.structure.size)
    if run.path is None:
        raise InvalidInput("run", 'must have a path (it was made with record="losses")', None)
    words.check_step([run], step)
    ax = canvas.axes(ax, 2)
    draw_plane(ax, run)
    draw_projection(ax, run, step)
    return ax


def main_plane(run: Run) -> Plane:
    """The plane of a run's two main directions; coordinate axes stand in for those that it has not."""
    if run not in _PLANES:
        _PLANES[run] = _decomposed(run)
    return _PLANES[run]


def _decomposed(run: Run) -> Plane:
    n = run.structure.size
    points = points_of(run)
    points = points[np.all(np.isfinite(points), axis=1)]
    origin = drawable(run.structure.flatten(run.x))
    if not np.all(np.isfinite(origin)):
        origin = points[0] if len(points) else np.zeros(n)
    few = points[np.unique(np.linspace(0, len(points) - 1, min(len(points), _MOST_ROWS)).astype(int))]
    centred = few - few.mean(axis=0) if len(few) else np.zeros((1, n))
    scale = float(np.max(np.abs(centred), initial=0)) or 1.0  # squares of huge numbers overflow
    _, sizes, directions = np.linalg.svd(centred / scale, full_matrices=False)
    variances = sizes**2
    rank = int(np.sum(sizes > 1e-12 * max(sizes[0], 1e-300)))
    basis = list(directions[: min(rank, 2)])
    for unit in np.eye(3, n):
        if len(basis) < 2:
            rest = unit - sum((unit @ known) * known for known in basis)
            if np.linalg.norm(rest) > 0.1:
                basis.append(rest / np.linalg.norm(rest))
    total = float(variances.sum()) or 1.0
    shares = np.append(variances / total, [0.0, 0.0])[:2]
    return Plane(origin, np.array(basis), shares)


def draw_plane(ax: Axes, run: Run, levels: int = 30) -> Region:
    """The background: the loss on the plane, in a frame that holds the path; returns the frame."""
    plane = main_plane(run)
    seen = plane.seen(points_of(run))
    seen = seen[np.all(np.isfinite(seen), axis=1)]
    if not len(seen):
        seen = np.zeros((1, 2))
    low, high = widened(seen.min(axis=0), seen.max(axis=0))
    region = ((float(low[0]), float(high[0])), (float(low[1]), float(high[1])))
    ax.set_autoscale_on(False)
    ax.set_xlim(region[0])
    ax.set_ylim(region[1])
    first, second = (f"{words.short(round(100 * share, 1))}% of the variance" for share in plane.shares)
    ax.set_xlabel(f"first direction ({first})")
    ax.set_ylabel(f"second direction ({second})")
    objective = landscape.objective_of(run)
    if objective is not None:
        x, y, losses = landscape.over_plane(objective, region, plane.origin, plane.directions, bounds_of(run))
        fill_contours(ax, x, y, losses, levels)
    return region


def bounds_of(run: Run) -> tuple[np.ndarray, np.ndarray] | None:
    """The bounds that a run kept to."""
    bounds = run.specification["bounds"]
    if bounds is None:
        return None
    n = run.structure.size
    return np.broadcast_to(bounds[0], n), np.broadcast_to(bounds[1], n)


def draw_projection(ax: Axes, run: Run, step: int | None = None) -> list[Artist]:
    """The path on the plane up to a step, the legend and the title."""
    found = track(ax, run, main_plane(run).seen(points_of(run)), step)
    drawn = draw_track(ax, found, look_of(0))
    at = words.chosen_step(run, step)
    ax.set_title(words.at_step(run, at))
    told = [f"{wording.method(run)}: {words.outcome(run, at)}", found.note, words.missing(run)]
    return [*drawn, legend_below(ax, [("\n".join(filter(None, told)), look_of(0))], with_start=True)]
