"""What is known of learning rates at the minimum below a start: where zigzag begins, what is best, what diverges."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.analysis.multipliers import Stability
from downslope.analysis.rates import stability_at
from downslope.analysis.stationary import settle
from downslope.lab.fan import rates_of
from downslope.lab.functions import Functions
from downslope.lab.settings import setting
from downslope.plain import plain

_NUMBERS = ("zigzag_from", "best_rate", "best_factor", "largest_stable")
_MOST_CURVATURES = 16


def limits(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """The limits for the present function and method, and the multiplier at each rate of the slider."""
    asked = setting(params, functions, ("n_rates", "interval"))
    rates = rates_of(asked, params)
    bound, flat, _ = asked.function.objective().bind(asked.x0)
    x = settle(bound, flat)
    nothing: dict[str, Any] = dict.fromkeys((*_NUMBERS, "x", "loss", "curvatures", "rates", "multipliers", "factors"))
    if x is None:
        return {"found": False, "why": "no minimum lies below this start", **nothing}
    place = {"x": x.tolist(), "loss": bound.value(x)}
    stability = stability_at(bound, x, asked.method)
    if stability is None or not np.any(stability.curvatures > 0):
        return {"found": False, "why": _why(asked.method.scaling), **nothing, **place}
    multipliers = _leading(stability, rates)
    return {
        "found": True,
        "why": "",
        **place,
        "curvatures": plain(stability.curvatures),
        **{name: getattr(stability, name) for name in _NUMBERS},
        "rates": rates,
        "multipliers": np.stack([multipliers.real, multipliers.imag], axis=1),
        "factors": np.abs(multipliers),
    }


def _why(scaling: tuple[str, ...]) -> str:
    if scaling:
        return "this method divides its steps by what it has seen of the slope: its limits differ from run to run"
    return "near this minimum the method has no limits that could be told"


def _leading(found: Stability, rates: np.ndarray) -> np.ndarray:
    """At each rate the multiplier of the largest size, over the positive curvatures."""
    curvatures = found.curvatures[found.curvatures > 0]
    if len(curvatures) > _MOST_CURVATURES:
        curvatures = curvatures[np.linspace(0, len(curvatures) - 1, _MOST_CURVATURES).astype(int)]
    pairs = np.repeat(rates, len(curvatures)), np.tile(curvatures, len(rates))
    rows = found.map.multipliers(*pairs).reshape(len(rates), -1)
    return np.asarray(np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)[:, 0])
