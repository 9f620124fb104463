"""What a sweep came to, in plain numbers and words: counts, the runs worth a look, the rates that converged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.specification import kind_of
from downslope.plain import plain
from downslope.sweeps.columns import STATUSES
from downslope.sweeps.grid import labels_of

if TYPE_CHECKING:
    from downslope.sweeps.sweep import Sweep


def to_dict(found: Sweep) -> dict[str, Any]:
    """All of it, fit for JSON."""
    best, quick = lowest(found), quickest(found)
    return {
        "dimensions": {name: len(labels) for name, labels in found.dimensions.items()},
        "n_runs": found.n_runs,
        "n_converged": int(found.converged.sum()),
        "statuses": counts(STATUSES[found.lanes.status]),
        "behaviours": counts(found.behaviour),
        "best": None if best is None else _run(found, best),
        "quickest": None if quick is None else _run(found, quick),
        "converging_rates": converging_rates(found),
        "seconds": found.seconds,
        "notes": list(found.notes),
        "specification": specification(found),
    }


def counts(words: np.ndarray) -> dict[str, int]:
    """How many runs each word is for, the most frequent first; "" is for none."""
    names, n = np.unique(words, return_counts=True)
    order = np.argsort(-n, kind="stable")
    return {str(names[k]): int(n[k]) for k in order if names[k]}


def lowest(found: Sweep) -> int | None:
    """The run with the lowest loss at its end, by its number; None where none has a loss."""
    losses = found.lanes.loss
    return None if np.isnan(losses).all() else int(np.nanargmin(losses))


def quickest(found: Sweep) -> int | None:
    """The run that converged in the fewest steps, of those that took any; of several, the one with the lowest loss."""
    took = np.flatnonzero(found.converged.ravel() & (found.lanes.n_steps > 0))
    if not took.size:
        return None
    return int(took[np.lexsort((found.lanes.loss[took], found.lanes.n_steps[took]))[0]])


def converging_rates(found: Sweep) -> dict[str, Any] | None:
    """The learning rates at which all runs converged, and some; None where rates are no dimension of numbers."""
    rates = found.dimensions.get("learning_rate")
    if rates is None or rates.dtype.kind != "f":
        return None
    axis = list(found.dimensions).index("learning_rate")
    at_rate = np.moveaxis(found.converged, axis, 0).reshape(len(rates), -1)
    order = np.argsort(rates)
    n_converged = at_rate.sum(axis=1)[order]
    return {
        "all": _stretch(rates[order], n_converged == at_rate.shape[1]),
        "some": _stretch(rates[order], n_converged > 0),
    }


def _stretch(rates: np.ndarray, holds: np.ndarray) -> dict[str, Any] | None:
    """The longest row of neighbours among the rising rates where it holds, and at how many others it does."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]])))
    if not ends.size:
        return None
    firsts, lasts = ends[::2], ends[1::2] - 1
    k = int(np.argmax(lasts - firsts))
    n = int(lasts[k] - firsts[k]) + 1
    low, high = float(rates[firsts[k]]), float(rates[lasts[k]])
    return {"lowest": low, "highest": high, "n": n, "n_elsewhere": int(holds.sum()) - n}


def specification(found: Sweep) -> dict[str, Any]:
    """What was asked for, in numbers and words. Of more than 1000 rates or seeds there are the first three."""
    grid = found.grid
    return {
        "fun": found.objective.name,
        "kind": kind_of(found.objective),
        "variables": list(found.variables) if len(found.variables) <= MOST_NAMED else len(found.variables),
        "methods": plain(labels_of(grid.methods)),
        "learning_rates": plain(labels_of(grid.rates)),
        "coefficients": plain(grid.coefficients),
        "seeds": plain(np.asarray(grid.seeds)) if found.options["noise"] else None,
        "n_starts": len(grid.starts),
        **plain(found.options | {"bounds": found.box}),
    }


def _run(found: Sweep, lane: int) -> dict[str, Any]:
    row = found.row(lane)
    start = row.pop("start")
    ends = {name: row.pop(name) for name in ("x", "loss", "status", "n_steps", "behaviour")}
    points = {"start": _named(found, found.starts[start]), "x": _named(found, found.lanes.x[lane])}
    return plain({"run": lane, "labels": {**row, "start": start}, **ends, **points})  # type: ignore[no-any-return]


def _named(found: Sweep, flat: np.ndarray) -> dict[str, Any]:
    if flat.size > MOST_NAMED:
        return {"x": flat.tolist()}
    return dict(zip(found.variables, flat.tolist(), strict=True))
