"""Many starts: a map of which minimum each leads to, and marbles dropped all over."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.engines.lanes import OF_EACH_LANE
from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.descents import Descents, descents
from downslope.lab.fan import as_lanes, numbers_a_descent, told
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.places import box
from downslope.lab.settings import Setting, setting
from downslope.lab.slices import plane
from downslope.lab.surface import drawn_ranges
from downslope.stopping import Status
from downslope.sweeps.basins import basins as basins_of
from downslope.sweeps.grid import grid_of
from downslope.sweeps.minima import Minimum, settled_minima_of
from downslope.sweeps.sweep import Sweep
from downslope.sweeps.sweeping import sweep
from downslope.wording import counted

_RESOLUTION = 128
_TOLERANCE = 1e-6
_STEPS = 5_000
"""Where a start leads is asked for at least so many steps, though fewer are shown."""


def basins(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Which minimum each start of a grid over the ranges leads to, by `downslope.basins`."""
    asked = setting(params, functions, ("resolution",))
    most = LIMITS.line_resolution if len(asked.start) == 1 else LIMITS.resolution
    resolution = reading.whole("resolution", params.get("resolution", _RESOLUTION), 2, most)
    n = len(asked.start)
    if n > 2:
        raise InvalidInput("fun", "must be of one or two variables for a map", asked.function.name)
    ranges = drawn_ranges(asked.function, n, params.get("ranges"), None)
    found = basins_of(
        asked.function.objective(),
        box(ranges, asked.function.is_number),
        resolution=resolution,
        method=asked.method,
        learning_rate=asked.rate,
        max_steps=max(asked.max_steps, _STEPS),
        gradient_tolerance=_TOLERANCE if asked.gradient_tolerance is None else asked.gradient_tolerance,
    )
    axes = [np.linspace(low, high, resolution) for low, high in ranges]
    return {
        **dict(zip(("x", "y"), axes, strict=False)),
        "which": found.which.astype(float),
        "steps": found.n_steps.astype(float),
        "minima": [
            {"x": np.ravel(one.x).tolist(), "loss": one.loss, "share": one.share, "outside": outside}
            for one, outside in zip(found.minima, found.outside, strict=True)
        ],
        "message": found.message,
    }


def drop(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Marbles from many starts: all their ways, where each ends, and the distinct minima with their counts."""
    asked = setting(params, functions, ("starts", "count"))
    starts = _starts(asked, params)
    if asked.learning_rate is None:
        raise InvalidInput("learning_rate", "must be a number, the same for all marbles", None)
    most = LIMITS.fan_numbers // numbers_a_descent(asked)
    if len(starts) > most:
        raise InvalidInput("starts", f"must be at most {most} for so many variables and steps", len(starts))
    found = descents(asked, starts, np.full(len(starts), asked.learning_rate))
    runs = _to_their_ends(asked, starts, found)
    minima, which = _minima(asked, runs, params)
    n_none = int(np.count_nonzero(which < 0))
    message = f"{counted(len(starts), 'marble')}, {'1 minimum' if len(minima) == 1 else f'{len(minima)} minima'} found"
    message += (
        f"; {n_none} of them ended in none within {counted(runs.options['max_steps'], 'step')}." if n_none else "."
    )
    return {
        **told(asked, found),
        "starts": starts,
        "ends": runs.lanes.x,
        "steps": runs.lanes.n_steps.astype(float),
        "which": which.astype(float),
        "minima": [{"x": np.ravel(m.x).tolist(), "loss": m.loss, "count": m.n_starts} for m in minima],
        "message": message,
    }


def _starts(asked: Setting, params: dict[str, Any]) -> np.ndarray:
    n = len(asked.start)
    if params.get("starts") is not None:
        rows = reading.listed("starts", params["starts"], 1, LIMITS.starts)
        return np.array([reading.point("starts", row, n) for row in rows])
    count = reading.whole("count", params.get("count", 64), 1, LIMITS.starts)
    lower, upper = np.array(_ranges(asked, params)).T
    drawn = np.random.default_rng(asked.seed).uniform(lower, upper, (count, len(lower)))
    cut = plane(asked.slice, asked.function, n)
    return drawn if cut is None else cut.points(drawn)


def _ranges(asked: Setting, params: dict[str, Any]) -> tuple[tuple[float, float], ...]:
    return drawn_ranges(asked.function, len(asked.start), params.get("ranges"), asked.slice)


def _to_their_ends(asked: Setting, starts: np.ndarray, found: Descents) -> Sweep:
    """All marbles at their ends: those that are still under way where the picture stops are followed further."""
    objective = asked.function.objective()
    options: dict[str, Any] = {
        "max_steps": max(asked.max_steps, _STEPS),
        "gradient_tolerance": _TOLERANCE if asked.gradient_tolerance is None else asked.gradient_tolerance,
        "noise": asked.noise,
    }
    given = starts[:, 0] if asked.function.is_number else starts
    lanes = as_lanes(found)
    unfinished = np.flatnonzero(found.status == Status.MAX_STEPS)
    if unfinished.size:
        further = sweep(
            objective,
            starts=given[unfinished],
            learning_rates=[asked.rate],
            methods=asked.method,
            seeds=asked.seed,
            **options,
        )
        for name in OF_EACH_LANE:
            getattr(lanes, name)[unfinished] = getattr(further.lanes, name)
    grid = grid_of(objective, given, [asked.rate], [asked.method], None, asked.seed)
    return Sweep(grid, objective, None, options, {}, (), 0.0, lanes)


def _minima(asked: Setting, runs: Sweep, params: dict[str, Any]) -> tuple[tuple[Minimum, ...], np.ndarray]:
    """The distinct minima among the ends, as sweeps tell them apart."""
    ranges, n = _ranges(asked, params), runs.starts.shape[1]
    if n > 2:  # the plane's, in every direction
        ranges = (max(ranges, key=lambda pair: pair[1] - pair[0]),) * n
    lower, upper = np.array(ranges).T
    return settled_minima_of(runs, lower, upper, runs.options["gradient_tolerance"])
