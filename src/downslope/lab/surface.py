"""The loss over the ranges that are drawn: a curve with its slope, or a surface."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.functions import Function, Functions
from downslope.lab.limits import LIMITS
from downslope.lab.slices import around, plane

_PARAMS = ("fun", "ranges", "resolution", "slice", "n_variables")
_RESOLUTION, _LINE_RESOLUTION = 96, 512
_TOP = 0.92
"""Colours run from the lowest loss to the one that this share of the surface lies below: walls are high."""
_POLE = 5
"""A curve that leaves the middle of its heights by so many times their span, up and down alike, has poles."""


def surface(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """For one variable `x`, `z` and `slope`, each (n,); for more `x`, `y` (n,) and `z` (n, n), a row for each y."""
    reading.only(params, _PARAMS, "surface")
    function = functions.find(params.get("fun"))
    n = reading.whole("n_variables", params.get("n_variables", function.n_variables), 1, LIMITS.variables)
    ranges = drawn_ranges(function, n, params.get("ranges"), params.get("slice"))
    if n == 1:
        count = reading.whole("resolution", params.get("resolution", _LINE_RESOLUTION), 2, LIMITS.line_resolution)
        return _curve(function, np.linspace(*ranges[0], count))
    count = reading.whole("resolution", params.get("resolution", _RESOLUTION), 2, LIMITS.resolution)
    x, y = (np.linspace(low, high, count) for low, high in ranges)
    drawn = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    cut = plane(params.get("slice"), function, n)
    points = drawn if cut is None else cut.points(drawn)
    z = function.objective().values(points).reshape(count, count)
    return {"x": x, "y": y, "z": z, **heights(z)}


def drawn_ranges(function: Function, n: int, given: Any, cut: Any) -> tuple[tuple[float, float], ...]:
    """The ranges asked for, or those that suit the function."""
    drawn = min(n, 2)
    if given is not None:
        ranges = tuple(reading.ranges(given))
    elif n > 2:
        ranges = around(plane(cut, function, n), np.resize(np.array(function.start), n))  # type: ignore[arg-type]
    else:
        ranges = function.ranges or ((-5.0, 5.0),) * drawn
    if len(ranges) != drawn:
        raise InvalidInput("ranges", f"must be {drawn} here, one for each variable that is drawn", given)
    return ranges


def _curve(function: Function, x: np.ndarray) -> dict[str, Any]:
    objective = function.objective()
    z = objective.values(x[:, None])
    slope = slopes(function, x)
    return {"x": x, "z": z, "slope": slope, **line_heights(z)}


def slopes(function: Function, x: np.ndarray) -> np.ndarray:
    """The derivative at each point of a line; NaN where there is none."""
    objective = function.objective()
    found = np.full(len(x), np.nan)
    objective.values(x[:, None])  # looks at the function where it is finite
    bound = objective._seen()
    with np.errstate(all="ignore"):
        for k, point in enumerate(x):
            try:
                found[k] = bound.gradient(np.array([point]))[0]
            except (ArithmeticError, ValueError):
                continue
    return found


def line_heights(z: np.ndarray) -> dict[str, float]:
    """Between which losses to draw a curve: all of it, but for walls and poles, which would flatten all the rest."""
    told = heights(z)
    finite = z[np.isfinite(z)]
    if not finite.size:
        return told
    low, bottom, top, high = np.quantile(finite, [0, 1 - _TOP, _TOP, 1])
    span = float(top - bottom)
    if high <= top + span:
        told["high"] = max(told["high"], float(high))
    elif low < bottom - _POLE * span and high > top + _POLE * span:  # up one side and down the other
        told = {"low": float(bottom) - span, "high": float(top) + span}
    return told


def heights(z: np.ndarray) -> dict[str, float]:
    """Between which losses to colour and draw; `low` and `high` are finite, and differ."""
    finite = z[np.isfinite(z)]
    if not finite.size:
        return {"low": 0.0, "high": 1.0}
    low, high = float(finite.min()), float(np.quantile(finite, _TOP))
    return {"low": low, "high": high if high > low else low + max(abs(low), 1.0)}
