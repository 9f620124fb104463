"""What a sweep came to, in plain numbers and words: counts, the runs worth a look, the rates that converged."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.specification import kind_of
from downslope.plain import plain
from downslope.sweeps.grid import labels_of

if TYPE_CHECKING:
    from downslope.sweeps.results import Results


def to_dict(found: Results) -> dict[str, Any]:
    """All of it, fit for JSON."""
    tally = found.tally
    return {
        "dimensions": {name: len(labels) for name, labels in found.dimensions.items()},
        "n_runs": found.n_runs,
        "n_converged": tally.n_converged,
        "statuses": tally.statuses,
        "behaviours": tally.behaviours,
        "best": None if tally.lowest is None else _run(found, tally.lowest),
        "quickest": None if tally.quickest is None else _run(found, tally.quickest),
        "converging_rates": tally.converging_rates,
        "seconds": found.seconds,
        "notes": list(found.notes),
        "specification": specification(found),
    }


def specification(found: Results) -> dict[str, Any]:
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


def _run(found: Results, lane: int) -> dict[str, Any]:
    row = found.row(lane)
    start = row.pop("start")
    ends = {name: row.pop(name) for name in ("x", "loss", "status", "n_steps", "behaviour")}
    end = found.grid.structure.flatten(ends.pop("x"))
    points = {"start": _named(found, found.starts[start]), "x": _named(found, end)}
    return plain({"run": lane, "labels": {**row, "start": start}, **ends, **points})  # type: ignore[no-any-return]


def _named(found: Results, flat: np.ndarray) -> dict[str, Any]:
    if flat.size > MOST_NAMED:
        return {"x": flat.tolist()}
    return dict(zip(found.variables, flat.tolist(), strict=True))
