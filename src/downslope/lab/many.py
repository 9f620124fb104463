"""Many starts: a map of which minimum each leads to, and marbles dropped all over."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.descents import Descents, descents
from downslope.lab.fan import as_lanes, told
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.places import box
from downslope.lab.settings import Setting, setting
from downslope.lab.slices import plane
from downslope.lab.surface import drawn_ranges
from downslope.methods import METHODS
from downslope.sweeps.basins import basins as basins_of
from downslope.sweeps.grid import grid_of
from downslope.sweeps.minima import Minimum, settled_minima_of
from downslope.sweeps.sweep import Sweep
from downslope.wording import counted

_RESOLUTION = 128
_TOLERANCE = 1e-6


def basins(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Which minimum each start of a grid over the ranges leads to, by `downslope.basins`."""
    asked = setting(params, functions, ("resolution",))
    resolution = reading.whole("resolution", params.get("resolution", _RESOLUTION), 2, LIMITS.resolution)
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
        max_steps=asked.max_steps,
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
    found = descents(asked, starts, np.full(len(starts), asked.learning_rate))
    minima, which = _minima(asked, starts, found, params)
    n_none = int(np.count_nonzero(which < 0))
    message = f"{counted(len(starts), 'marble')}, {'1 minimum' if len(minima) == 1 else f'{len(minima)} minima'} found"
    message += f"; {n_none} of them ended in none within {counted(asked.max_steps, 'step')}." if n_none else "."
    return {
        **told(asked, found),
        "starts": starts,
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


def _minima(
    asked: Setting, starts: np.ndarray, found: Descents, params: dict[str, Any]
) -> tuple[tuple[Minimum, ...], np.ndarray]:
    """The distinct minima among the ends, as sweeps tell them apart."""
    ranges, n = _ranges(asked, params), starts.shape[1]
    if n > 2:  # the plane's, in every direction
        ranges = (max(ranges, key=lambda pair: pair[1] - pair[0]),) * n
    lower, upper = np.array(ranges).T
    objective = asked.function.objective()
    given = starts[:, 0] if asked.function.is_number else starts
    grid = grid_of(objective, given, [asked.rate], [METHODS[asked.method_name]()], None, 0)
    tolerance = _TOLERANCE if asked.gradient_tolerance is None else asked.gradient_tolerance
    runs = Sweep(grid, as_lanes(found), objective, None, {}, {}, (), 0.0)
    return settled_minima_of(runs, lower, upper, tolerance)
