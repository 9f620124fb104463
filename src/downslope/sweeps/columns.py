"""A table with one row a run: its labels, its start and how it ended."""

from __future__ import annotations

import dataclasses

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.lanes import Lanes
from downslope.stopping import Status
from downslope.sweeps.grid import Grid

NUMBERS = tuple(field.name for field in dataclasses.fields(Lanes) if field.name not in ("x", "status", "reason"))
"""The results that are plain numbers."""
STATUSES = np.array([status.name for status in Status])


def columns_of(
    grid: Grid, variables: tuple[str, ...], lanes: Lanes, behaviour: np.ndarray, first: int = 0
) -> dict[str, np.ndarray]:
    """The columns by name. `lanes` are those of the grid from the number `first` on, `behaviour` how each moved.

    Up to a hundred variables have a column each; of more, `start x` and `end x` hold a point in each row.
    """
    places = np.unravel_index(np.arange(first, first + len(lanes)), grid.shape)
    columns = {name: labels[k] for (name, labels), k in zip(grid.dimensions.items(), places, strict=True)}
    starts = grid.starts[places[-1]]
    if len(variables) <= MOST_NAMED:
        columns |= {f"start {name}": starts[:, k] for k, name in enumerate(variables)}
        columns |= {f"end {name}": lanes.x[:, k] for k, name in enumerate(variables)}
    else:
        columns |= {"start x": starts, "end x": lanes.x}
    results = {name: getattr(lanes, name) for name in NUMBERS}
    return {**columns, "status": STATUSES[lanes.status], "behaviour": behaviour, **results}
