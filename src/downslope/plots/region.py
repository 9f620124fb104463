"""Which part of the world a picture shows.

A frame holds every finite point of its runs, with a margin. One that runs away would leave nothing else to be
seen: alone, it is held until it is a dozen times farther out than where it began; beside others, only where it stays
near their frame. Its way out is marked.
"""

from __future__ import annotations

import numbers
from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.run import Run

Interval: TypeAlias = tuple[float, float]
Region: TypeAlias = tuple[Interval, ...]

FARTHEST = 1e100
"""Beyond it, the arithmetic of drawing overflows."""
_UNKNOWN: Interval = (-5.0, 5.0)
_REACH = 12.0
_MARGIN = 0.1


def drawable(values: Any) -> np.ndarray:
    """The values as floats, NaN where they are too large to be drawn."""
    array = np.array(values, dtype=float)
    return np.where(np.abs(array) < FARTHEST, array, np.nan)


def points_of(run: Run) -> np.ndarray:
    """The recorded points, one flat vector a row, shape (rows, n); no rows where the path was not recorded."""
    if run.path is None:
        return np.empty((0, run.structure.size))
    return drawable(run.structure.flatten_rows(run.path))


def region_of(runs: Iterable[Run]) -> Region:
    """The region of every variable that holds the runs, and their known minima where these are near."""
    runs = list(runs)
    minima = known_minima(runs[0].objective, runs[0].structure.size)
    held = _held_of_several(runs, minima)
    if not len(held):
        return default_region(runs[0].objective, runs[0].structure.size)
    low, high = held.min(axis=0), held.max(axis=0)
    room = 3 * np.max(high - low)  # a run that crawls should be seen to
    near = minima[np.all((minima >= low - room) & (minima <= high + room), axis=1)]
    low, high = (end(np.vstack([held, near]), axis=0) for end in (np.min, np.max))
    return tuple(zip(*_within_bounds(runs, *widened(low, high)), strict=True))


def interval_of(runs: Iterable[Run]) -> Interval:
    """The same for one variable."""
    return region_of(runs)[0]


def default_region(objective: Objective, n: int) -> Region:
    """Where to look at a function without a run: its problem's domain, or (-5, 5)."""
    problem = objective.problem
    if problem is not None and len(problem.domain) == n:
        return tuple((float(low), float(high)) for low, high in problem.domain)
    return (_UNKNOWN,) * n


def known_minima(objective: Objective, n: int) -> np.ndarray:
    """The minima that a problem tells of, shape (minima, n); none for other functions."""
    minima = objective.problem.minima if objective.problem is not None else ()
    rows = [np.ravel(minimum.x) for minimum in minima]
    return np.array([row for row in rows if row.size == n], dtype=float).reshape(-1, n)


def _held_of_several(runs: list[Run], minima: np.ndarray) -> np.ndarray:
    """Of runs that run away beside others that stay: all, where that is not far; else their starts alone."""
    staying = [run for run in runs if not runs_away(run)]
    if not staying:
        return np.concatenate([_held(run, minima) for run in runs])
    points = [finite_points(run) for run in runs]
    held = np.concatenate([*(finite_points(run) for run in staying), *(rows[:1] for rows in points)])
    if not len(held):
        return held
    low, high = held.min(axis=0), held.max(axis=0)
    room = np.max(high - low)
    near = [rows for rows in points if np.all((rows >= low - room) & (rows <= high + room))]
    return np.concatenate([held, *near])


def _held(run: Run, minima: np.ndarray) -> np.ndarray:
    points = finite_points(run)
    if len(points) < 3 or not runs_away(run):
        return points
    distance = np.max(np.abs(points - points[0]), axis=1)
    to_minimum = np.min(np.max(np.abs(minima - points[0]), axis=1), initial=np.inf)
    size = max(distance[1], to_minimum if np.isfinite(to_minimum) else 0.0)
    outside = np.flatnonzero(distance > _REACH * size)
    return points[: max(outside[0], 2)] if outside.size else points


def finite_points(run: Run) -> np.ndarray:
    """The points that can be drawn."""
    points = points_of(run)
    return np.asarray(points[np.all(np.isfinite(points), axis=1)])


def runs_away(run: Run) -> bool:
    """Whether a run diverges: it ends higher than it began, or falls for ever, ever faster."""
    if run.converged:
        return False
    finite = run.losses[np.isfinite(run.losses)]
    if finite.size and finite[-1] > finite[0]:
        return True
    points = finite_points(run)
    if len(points) < 3:
        return False
    distance = np.max(np.abs(points - points[0]), axis=1)
    return bool(distance[-1] > 100 * np.median(distance))


def widened(low: np.ndarray, high: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The corners of a frame with a margin around these of what it holds; never without height or width."""
    extent = high - low
    largest = float(np.max(extent))
    if largest == 0:
        largest = 2.0 * max(1.0, float(np.max(np.abs(low)))) * (_MARGIN if np.any(low) else 1.0)
    # A path along one axis is no reason for a frame without height, nor one among huge numbers for one that rounds off.
    least = np.maximum(0.25 * largest, 1e-9 * np.maximum(np.abs(low), np.abs(high)))
    extent = np.maximum(extent, least)
    centre = low / 2 + high / 2
    half = extent * (0.5 + _MARGIN)
    return centre - half, centre + half


def _within_bounds(runs: list[Run], low: np.ndarray, high: np.ndarray) -> tuple[Any, Any]:
    """Where every run was bounded, the function is not asked beyond its bounds for a picture either."""
    bounds = [run.specification["bounds"] for run in runs]
    if all(bound is not None for bound in bounds):
        low = np.maximum(low, np.min([np.broadcast_to(b[0], low.shape) for b in bounds], axis=0))
        high = np.minimum(high, np.max([np.broadcast_to(b[1], low.shape) for b in bounds], axis=0))
        flat = low >= high  # a variable held fixed
        low, high = np.where(flat, low - 0.5, low), np.where(flat, high + 0.5, high)
    return low.tolist(), high.tolist()


def checked_interval(interval: Any, parameter: str = "interval") -> Interval:
    """`interval` as two floats; InvalidInput where it is not (low, high)."""
    rule = "must be (low, high), two finite numbers with low < high"
    try:
        low, high = interval
    except (TypeError, ValueError):
        raise InvalidInput(parameter, rule, interval) from None
    for end in (low, high):
        if not isinstance(end, numbers.Real) or isinstance(end, bool) or not abs(float(end)) < FARTHEST:
            raise InvalidInput(parameter, rule, interval)
    if not low < high:
        raise InvalidInput(parameter, rule, interval)
    return float(low), float(high)


def checked_region(region: Any) -> Region:
    """`region` as two intervals; InvalidInput where it is not."""
    try:
        x, y = region
    except (TypeError, ValueError):
        rule = "must be ((x_low, x_high), (y_low, y_high))"
        raise InvalidInput("region", rule, region) from None
    return checked_interval(x, "region"), checked_interval(y, "region")
