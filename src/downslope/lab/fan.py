"""The fan: the descents at all of a slider's learning rates at once, so that dragging it asks for nothing."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.descents import Descents, as_far_as_it_goes, compiles, descents
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.settings import Setting, setting
from downslope.lab.slices import plane
from downslope.lab.sliders import interval
from downslope.stopping import Status
from downslope.sweeps.behaviour import WORDS, behaviour_of_lane

_MOST_UNCOMPILED, _FEWEST = 24, 3
_SECONDS = 2.0
"""What a fan may take where each descent runs as Python."""


def fan(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """Every row of the descent at each rate: the k-th begins at row `first[k]` and has `lengths[k]` of them."""
    asked = setting(params, functions, ("n_rates", "interval"))
    rates = rates_of(asked, params)
    if not compiles(asked):
        rates = _affordable(asked, rates)
    starts = np.tile(np.array(asked.start), (len(rates), 1))
    return {"rates": rates, **told(asked, descents(asked, starts, rates))}


def rates_of(asked: Setting, params: dict[str, Any]) -> np.ndarray:
    """The slider's learning rates, geometric."""
    n = reading.whole("n_rates", params.get("n_rates", LIMITS.rates), 1, LIMITS.rates)
    n = max(min(n, LIMITS.fan_numbers // numbers_a_descent(asked)), 1)
    low, high = _interval(asked, params.get("interval"))
    return np.geomspace(low, high, n)


def numbers_a_descent(asked: Setting) -> int:
    """How many numbers the rows of one descent hold at most."""
    return (min(asked.max_steps, LIMITS.fan_steps) + 1) * (len(asked.start) + 2)


def _interval(asked: Setting, given: Any) -> tuple[float, float]:
    if given is None:
        return interval(asked.function, asked.method)
    low, high = (reading.number("interval", end, 1e-100) for end in reading.listed("interval", given, 2, 2))
    if not low < high:
        raise InvalidInput("interval", "must have low below high", given)
    return low, high


def _affordable(asked: Setting, rates: np.ndarray) -> np.ndarray:
    """As many of the rates as there is time for, by what the slowest takes."""
    began = time.perf_counter()
    as_far_as_it_goes(asked.with_rate(float(rates[0])), max_steps=min(asked.max_steps, LIMITS.fan_steps))
    n = int(np.clip(_SECONDS / (time.perf_counter() - began), _FEWEST, _MOST_UNCOMPILED))
    return rates if n >= len(rates) else np.geomspace(rates[0], rates[-1], n)


def told(asked: Setting, found: Descents) -> dict[str, Any]:
    """Descents as the page reads them."""
    cut = plane(asked.slice, asked.function, found.points.shape[1])
    lanes = as_lanes(found)
    return {
        "first": found.first,
        "lengths": found.lengths,
        "path": found.points,
        **({} if cut is None else {"drawn": cut.coordinates(found.points)}),
        "losses": found.losses,
        "gradient_norms": found.gradient_norms,
        **({} if found.slopes is None else {"slopes": found.slopes}),
        "status": [Status(int(status)).name for status in found.status],
        "behaviour": WORDS[behaviour_of_lane(lanes, None)].tolist(),
        "max_steps": min(asked.max_steps, LIMITS.fan_steps),
    }


def as_lanes(found: Descents) -> Lanes:
    """The ends of descents, in the form in which sweeps judge them."""
    first, n_steps = found.first, found.lengths - 1
    last = first + n_steps
    before, two_before = np.maximum(last - 1, first), np.maximum(last - 2, first)
    is_bad = (found.status == Status.NOT_FINITE) & (n_steps > 0)
    end = np.where(is_bad, before, last)
    with np.errstate(all="ignore"):
        step, step_before = found.points[last] - found.points[before], found.points[before] - found.points[two_before]
        length, length_before = (np.linalg.norm(v, axis=1) for v in (step, step_before))
        turn = np.where(n_steps >= 2, (step * step_before).sum(axis=1) / (length * length_before), np.nan)
        growth = np.where(n_steps >= 2, length / length_before, np.nan)
        rises = np.concatenate([[False], np.diff(found.losses) > 0])
    rises[first] = False
    best = np.fmin.reduceat(found.losses, first)
    return Lanes(
        x=found.points[end],
        loss=found.losses[end],
        status=found.status.copy(),  # lanes are written into
        n_steps=n_steps,
        n_evaluations=found.lengths.copy(),
        gradient_norm=found.gradient_norms[last],
        first_loss=found.losses[first],
        best_loss=best,
        turn=turn,
        growth=growth,
        n_rises=np.add.reduceat(rises.astype(int), first),
    )
