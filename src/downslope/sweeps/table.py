"""A sweep as a table: one row a run, with its labels, its start and how it ended."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.lanes import Lanes
from downslope.stopping import Status

if TYPE_CHECKING:
    from downslope.sweeps.sweep import Sweep

STATUS_NAMES = np.array([status.name for status in Status])


def columns(found: Sweep, which: slice | np.ndarray = slice(None)) -> dict[str, np.ndarray]:
    """Every column by name, of all runs or of some; beyond 100 variables "start x" and "end x" have a row a run."""
    runs = np.arange(found.n_runs)[which]
    index = np.unravel_index(runs, found.grid.shape)
    labels = {name: values[k] for (name, values), k in zip(found.dimensions.items(), index, strict=True)}
    starts, ends = found.starts[labels["start"]], found.lanes.x[runs]
    if len(found.variables) <= MOST_NAMED:
        points = {f"start {name}": starts[:, k] for k, name in enumerate(found.variables)}
        points |= {f"end {name}": ends[:, k] for k, name in enumerate(found.variables)}
    else:
        points = {"start x": starts, "end x": ends}
    return {**labels, **points, **results(found, which)}


def results(found: Sweep, which: slice | np.ndarray = slice(None)) -> dict[str, np.ndarray]:
    """How each run ended, or some of them."""
    told = [field.name for field in dataclasses.fields(Lanes) if field.name not in ("x", "status", "reason")]
    return {
        "status": STATUS_NAMES[found.lanes.status[which]],
        "behaviour": found.behaviour.ravel()[which],
        **{name: getattr(found.lanes, name)[which] for name in told},
    }
