"""The function behind a run: its losses over an interval or a grid, and how to slice them into levels."""

from __future__ import annotations

import time

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.calling import check_n_arguments
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.plots.region import Interval, Region, drawable
from downslope.run import Run
from downslope.storage.not_stored import StoredObjective

_SECONDS = 1.5
"""What a slow function may take for one landscape."""


def objective_of(run: Run) -> Objective | None:
    """The function of a run, which sees points as the run did; None where a file kept its name alone."""
    if isinstance(run.objective, StoredObjective):
        return None
    run.objective.value(run.x)  # binds it to this run's structure, whatever it has seen since
    return run.objective


def objective_with(fun: object, n: int) -> Objective:
    """`fun` as an Objective of n variables; InvalidInput where it takes another number of them."""
    objective = Objective.of(fun)
    problem, formula = objective.problem, objective.formula
    known = None
    if problem is not None and not problem.any_size:
        known = len(problem.variables)
    elif formula is not None and not formula.is_vector:
        known = len(formula.variables)
    elif objective.call == "numbers":
        try:
            check_n_arguments(objective.fun, Structure.of(np.zeros(n))[0], objective.call)
        except InvalidInput:
            known = -1
    if known not in (None, n):
        what = "one variable" if n == 1 else f"{n} variables"
        raise InvalidInput("fun", f"must have {what} for this picture", objective.name)
    return objective


def names_of(objective: Objective | None, n: int) -> tuple[str, ...]:
    """The names of the variables of a function without a run."""
    structure = Structure.of(0.0 if n == 1 else np.zeros(n))[0]
    return structure.names() if objective is None else objective.variable_names(structure)


def over_interval(objective: Objective | None, interval: Interval, most: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Points of the interval and the losses there, NaN where there is none to draw."""
    x = np.linspace(*interval, _affordable(objective, [interval], most))
    return x, _losses(objective, x[:, None])


def over_region(
    objective: Objective | None, region: Region, most: int = 160
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The grid's two coordinates and the losses, shape (m, m) with the second variable down the rows."""
    side = _affordable(objective, region, most, 2)
    x, y = (np.linspace(*interval, side) for interval in region)
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    return x, y, _losses(objective, grid).reshape(side, side)


def over_plane(
    objective: Objective,
    region: Region,
    origin: np.ndarray,
    directions: np.ndarray,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
    most: int = 100,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The same on a plane through `origin` in the space of all variables; NaN beyond the bounds of the run."""
    n = len(origin)
    probe = [(float(v), float(v)) for v in origin]
    side = _affordable(objective, probe, max(10, min(most, int((2**27 / (8 * n)) ** 0.5))), 2)
    x, y = (np.linspace(*interval, side) for interval in region)
    losses = []
    for height in y:  # a row at a time: a grid of points of a million variables would fill the memory
        points = origin + height * directions[1] + x[:, None] * directions[0]
        row = _losses(objective, points if bounds is None else np.clip(points, *bounds))
        inside = True if bounds is None else np.all((points >= bounds[0]) & (points <= bounds[1]), axis=1)
        losses.append(np.where(inside, row, np.nan))
    return x, y, np.array(losses)


def _losses(objective: Objective | None, points: np.ndarray) -> np.ndarray:
    if objective is None:
        return np.full(len(points), np.nan)
    return drawable(objective.values(points))


def _affordable(objective: Objective | None, region: Region | list[Interval], most: int, power: int = 1) -> int:
    """How many points a side; fewer for a function that is slow."""
    if objective is None:
        return 2
    seconds = _seconds_a_point(objective, region, 8)
    if 1000 * seconds < _SECONDS:  # a compiled function takes a thousand points in the time of eight
        seconds = _seconds_a_point(objective, region, 1000)
    affordable = (_SECONDS / max(seconds, 1e-9)) ** (1 / power)
    return int(np.clip(affordable, 20, most))


def _seconds_a_point(objective: Objective, region: Region | list[Interval], n: int) -> float:
    points = np.stack([np.linspace(*interval, n) for interval in region], axis=-1)
    objective.values(points[:1])  # the first call may compile
    began = time.perf_counter()
    objective.values(points)
    return (time.perf_counter() - began) / n


def height_limits(curve: np.ndarray, path: np.ndarray) -> Interval:
    """The range of losses worth showing: all of the path, and the curve but for towers ten times as high as the rest.

    A well is never left out, however deep, but for the lower side of a pole.

    Of the path, what is a hundred times higher than that is left out too; its way out is marked.
    """
    curve, path = curve[np.isfinite(curve)], path[np.isfinite(path)]
    both = np.concatenate([curve, path])
    if not both.size:
        return 0.0, 1.0
    low, high = float(both.min()), float(both.max())
    if curve.size:
        if np.max(np.abs(np.diff(curve)), initial=0) > 0.5 * (curve.max() - curve.min()):  # it jumps, as at a pole
            usual = np.quantile(curve, [0.2, 0.8])
            reach = 5 * float(usual[1] - usual[0]) or np.inf
            low = min(max(low, float(usual[0]) - reach), float(path.min(initial=np.inf)))
            high = min(high, float(usual[1]) + reach)
        high = min(high, low + 10 * float(np.quantile(curve, 0.8) - low))
        if path.size:
            held = path[path <= low + 100 * (high - low)]
            high = max(high, float(path[0]), float(held.max(initial=low)))
    margin = 0.06 * (high - low) or max(1.0, abs(low)) * 0.1
    return low - margin, high + margin


def levels_of(losses: np.ndarray, n_levels: int) -> np.ndarray | None:
    """Contour levels: evenly spaced, or denser in the valley where most of the region is low; None where it is flat.

    The levels rise as t^p for t from 0 to 1, where p brings the median of the losses to a quarter of the way or more.
    """
    finite = losses[np.isfinite(losses)]
    if not finite.size:
        return None
    low, high = float(finite.min()), float(finite.max())
    if not high > low:
        return None
    share = max((float(np.median(finite)) - low) / (high - low), 1e-30)
    power = max(1.0, np.log(share) / np.log(0.25))
    levels = np.unique(low + (high - low) * np.linspace(0, 1, n_levels + 1) ** power)
    return levels if len(levels) > 2 else None
