"""Which learning rates a slider goes through: from what crawls to what diverges, for a function and a method.

For a method whose steps are the gradient's size, that depends on the largest curvature L near a minimum: gradient
descent diverges beyond 2/L. A method that scales its steps, as Adam does, moves by about the rate itself in each
variable, so there the width of the drawn range decides.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from downslope.analysis.curvature import spectrum
from downslope.analysis.stationary import settle
from downslope.errors import DownslopeError
from downslope.lab.functions import Function
from downslope.methods import METHODS, Method, Newton, SignDescent

_SLOWEST, _FASTEST = 1e-3, 3.0
"""Of the largest stable rate."""
_OF_WIDTH = (1e-5, 0.3)
_DEFAULT = 0.2
"""Of the largest stable rate: straight downhill in every direction, and not too slowly."""
_DEFAULT_OF_WIDTH = 0.02


def interval(function: Function, method: Method) -> tuple[float, float]:
    """The slider's ends."""
    if method.needs_hessian:
        return 0.01, 2.5
    if _scales(method):
        return tuple(_round(share * _width(function)) for share in _OF_WIDTH)  # type: ignore[return-value]
    stable = _stable(function)
    return _round(_SLOWEST * stable), _round(_FASTEST * stable)


def default_rate(function: Function, method: Method) -> float:
    """Where the slider stands at first."""
    if isinstance(method, Newton):
        return 1.0
    if _scales(method):
        return _round(_DEFAULT_OF_WIDTH * _width(function))
    return _round(_DEFAULT * _stable(function) * (1 - getattr(method, "beta", 0.0) / 2))


def of_every_method(function: Function) -> dict[str, dict[str, object]]:
    """The interval and the default for each method with its default coefficients."""
    return {
        name: {"interval": list(interval(function, kind())), "default": default_rate(function, kind())}
        for name, kind in METHODS.items()
    }


def _scales(method: Method) -> bool:
    return bool(method.scaling) or isinstance(method, SignDescent)


def _round(value: float) -> float:
    """To one digit, where that can be."""
    return float(f"{value:.0e}")


def _width(function: Function) -> float:
    ranges = function.ranges or [(-abs(v), abs(v)) for v in function.start if v] or [(-1.0, 1.0)]
    return max(high - low for low, high in ranges)


@functools.lru_cache(maxsize=256)
def _stable(function: Function) -> float:
    """The largest stable rate of gradient descent at the known minima, or the one below the start; else a guess."""
    largest = 0.0
    objective = function.objective()
    if objective.problem is not None:
        known = [m.curvatures for m in objective.problem.minima if m.curvatures]
        # Of several minima the widest: a slider should show what happens in the valley that most runs end in.
        largest = min((max(curvatures) for curvatures in known if max(curvatures) > 0), default=0.0)
    if not largest:
        try:
            largest = _largest_curvature(function)
        except (DownslopeError, ArithmeticError, ValueError, np.linalg.LinAlgError):
            largest = 0.0
    if not (0 < largest < math.inf):
        return 1.0
    return min(max(2.0 / largest, 1e-90), 1e90)


def _largest_curvature(function: Function) -> float:
    bound, flat, _ = function.objective().bind(function.x0(function.start))
    with np.errstate(all="ignore"):
        below = settle(bound, flat)
        values = [spectrum(bound, x).values for x in (below, flat) if x is not None]
    sizes = [float(np.abs(of_place).max()) for of_place in values if of_place.size and np.isfinite(of_place).all()]
    return next((size for size in sizes if size > 0), 0.0)
