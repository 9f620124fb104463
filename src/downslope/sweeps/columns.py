"""A table with one row a run: its labels, its start and how it ended."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.engines.lanes import OF_EACH_LANE, Lanes
from downslope.sweeps.behaviour import behaviour_of_lane
from downslope.sweeps.grid import Grid
from downslope.sweeps.rates import are_constant, number_of
from downslope.sweeps.tally import STATUSES

NUMBERS = tuple(name for name in OF_EACH_LANE if name not in ("x", "status"))
"""The results that are plain numbers."""


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


def behaviour_of(
    grid: Grid, lanes: Lanes, box: tuple[np.ndarray, np.ndarray] | None, noise: float, first: int = 0
) -> np.ndarray:
    """How each of these neighbours moved, as entries of `behaviour.WORDS`; `first` is the number of the first."""
    fades = np.array([number_of(rate) is not None and not are_constant([rate]) for rate in grid.rates])
    fading: Any = False
    if fades.any():
        fading = fades[np.unravel_index(first + np.arange(len(lanes)), grid.full_shape)[1]]
    return behaviour_of_lane(lanes, box, noisy=noise > 0, fading=fading)


def ends_of(columns: dict[str, np.ndarray], variables: tuple[str, ...]) -> np.ndarray:
    """The ends among the columns, shape (m, n)."""
    if len(variables) > MOST_NAMED:
        return columns["end x"]
    return np.stack([columns[f"end {name}"] for name in variables], axis=1)


def results_of(lanes: Lanes, behaviour: np.ndarray) -> dict[str, np.ndarray]:
    """How each lane ended."""
    numbers = {name: getattr(lanes, name) for name in NUMBERS}
    return {"status": STATUSES[lanes.status], "behaviour": behaviour, **numbers}
