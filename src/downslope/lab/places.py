"""Points of the picture: where a click lands, and where the slope is zero."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.analysis.critical_points import critical_points
from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.slices import plane

_SAMPLES = 128


def place(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """The start at a place of the picture, with the loss and its gradient there."""
    reading.only(params, ("fun", "at", "slice", "n_variables"), "place")
    function = functions.find(params.get("fun"))
    n = reading.whole("n_variables", params.get("n_variables", function.n_variables), 1, LIMITS.variables)
    at = np.array(reading.point("at", params.get("at"), min(n, 2)))
    cut = plane(params.get("slice"), function, n)
    start = at if cut is None else cut.points(at[None])[0]
    loss, gradient = function.objective().value_and_gradient(function.x0(start))
    return {"start": start.tolist(), "loss": loss, "gradient": np.ravel(gradient).tolist()}


def critical(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """The minima, maxima and saddles within the ranges, as far as samples find them."""
    reading.only(params, ("fun", "ranges"), "critical")
    function = functions.find(params.get("fun"))
    if function.n_variables > 2:
        raise InvalidInput("fun", "must be of one or two variables here", function.name)
    ranges = reading.ranges(params["ranges"]) if params.get("ranges") is not None else list(function.ranges or ())
    if len(ranges) != function.n_variables:
        raise InvalidInput("ranges", f"must be {function.n_variables} here, one for each variable", ranges)
    found = critical_points(function.objective(), box(ranges, function.is_number), n_samples=_SAMPLES)
    points = [
        {
            "x": np.ravel(point.x).tolist(),
            "loss": point.loss,
            "kind": point.kind.value,
            "curvatures": point.curvatures.tolist(),
        }
        for point in found
    ]
    return {"points": points, "message": found.message}


def box(ranges: Any, is_number: bool) -> Any:
    """Ranges as the library takes them: one pair alone for a function of one number."""
    return tuple(ranges[0]) if is_number else [tuple(pair) for pair in ranges]
