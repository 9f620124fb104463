"""A table with one row a run: its labels, its start and how it ended."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.lanes import Lanes
from downslope.stopping import Status
from downslope.sweeps.grid import Grid

if TYPE_CHECKING:
    from downslope.sweeps.sweep import Sweep

NUMBERS = tuple(field.name for field in dataclasses.fields(Lanes) if field.name not in ("x", "status", "reason"))
"""The results that are plain numbers."""
STATUSES = np.array([status.name for status in Status])


def columns_of(
    grid: Grid, variables: tuple[str, ...], lanes: Lanes, behaviour: np.ndarray, runs: np.ndarray
) -> dict[str, np.ndarray]:
    """The columns by name. `lanes` are those of the grid with the numbers `runs`, `behaviour` how each moved.

    Up to a hundred variables have a column each; of more, `start x` and `end x` hold a point in each row.
    """
    places = np.unravel_index(runs, grid.shape)
    columns = {name: labels[k] for (name, labels), k in zip(grid.dimensions.items(), places, strict=True)}
    starts = grid.starts[places[-1]]
    if len(variables) <= MOST_NAMED:
        columns |= {f"start {name}": starts[:, k] for k, name in enumerate(variables)}
        columns |= {f"end {name}": lanes.x[:, k] for k, name in enumerate(variables)}
    else:
        columns |= {"start x": starts, "end x": lanes.x}
    return {**columns, **results_of(lanes, behaviour)}


def results_of(lanes: Lanes, behaviour: np.ndarray) -> dict[str, np.ndarray]:
    """How each lane ended."""
    numbers = {name: getattr(lanes, name) for name in NUMBERS}
    return {"status": STATUSES[lanes.status], "behaviour": behaviour, **numbers}


def columns(found: Sweep, which: slice | np.ndarray = slice(None)) -> dict[str, np.ndarray]:
    """The columns of all runs of a sweep, or of some."""
    arrays: dict[str, Any] = {name: getattr(found.lanes, name)[which] for name in ("x", "status", *NUMBERS)}
    lanes = Lanes(**arrays)
    runs = np.arange(found.n_runs)[which]
    return columns_of(found.grid, found.variables, lanes, found.behaviour.ravel()[which], runs)
