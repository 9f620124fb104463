"""One lane of a grid, found by its labels or its number, and made again as a full Run."""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.minimization import minimize
from downslope.objectives.objective import Objective
from downslope.run import Run
from downslope.sweeps.grid import Grid


def lane_of(grid: Grid, labels: Mapping[str, Any]) -> int:
    """The number of the lane with these labels; InvalidInput names the labels there are."""
    unknown = [name for name in labels if name not in grid.dimensions]
    if unknown:
        raise InvalidInput(unknown[0], f"must be one of {', '.join(grid.dimensions)}", labels[unknown[0]])
    found = [position(name, values, labels.get(name)) for name, values in grid.dimensions.items()]
    return int(np.ravel_multi_index(found, grid.shape))


def run_of(grid: Grid, objective: Objective, options: Mapping[str, Any], lane: int) -> Run:
    """A lane by its number, made again by `minimize` with all of its record."""
    method, rate, *places, seed, start = (int(k) for k in np.unravel_index(lane, grid.full_shape))
    values = {name: float(v[k]) for (name, v), k in zip(grid.coefficients.items(), places, strict=True)}
    rule: Any = grid.methods[method]
    return minimize(
        objective,
        grid.structure.restore(grid.starts[start]),
        method=dataclasses.replace(rule, **values) if values else rule,
        learning_rate=grid.rates[rate],
        seed=grid.seeds[seed],
        **options,
    )


def recorded_lanes(record: Any, n_lanes: int) -> list[int]:
    """The lanes that `record` asks for: those of a list, or so many, spread evenly from the first to the last.

    >>> recorded_lanes(3, 101), recorded_lanes([7, 0], 101), recorded_lanes(5, 2)
    ([0, 50, 100], [7, 0], [0, 1])
    """
    if _is_whole(record) and record >= 0:
        n = min(int(record), n_lanes)
        return [round(lane) for lane in np.linspace(0, n_lanes - 1, n).tolist()]
    rule = f"must be a number of lanes, or a list of lanes from 0 to {n_lanes - 1}"
    if not isinstance(record, list | tuple | range | np.ndarray):
        raise InvalidInput("record", rule, record)
    for lane in record:
        if not (_is_whole(lane) and 0 <= lane < n_lanes):
            raise InvalidInput("record", rule, lane)
    return [int(lane) for lane in record]


def _is_whole(value: Any) -> bool:
    return isinstance(value, numbers.Integral) and not isinstance(value, bool)


def position(name: str, labels: np.ndarray, wanted: Any) -> int:
    """The number of a dimension's entry by its label; None is the only one. InvalidInput names the labels there are."""
    if wanted is None and len(labels) == 1:
        return 0
    same = np.flatnonzero(
        np.isclose(labels, wanted, rtol=1e-9, atol=0) if _is_number(labels, wanted) else labels == wanted
    )
    if not same.size:
        shown = ", ".join(map(str, labels[:8])) + (", ..." if len(labels) > 8 else "")
        raise InvalidInput(name, f"{'must be given, as' if wanted is None else 'must be'} one of {shown}", wanted)
    return int(same[0])


def _is_number(labels: np.ndarray, wanted: Any) -> bool:
    return labels.dtype.kind == "f" and isinstance(wanted, int | float | np.number)
