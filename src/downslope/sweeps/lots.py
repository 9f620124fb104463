"""The grid as lots of lanes that share a program, of which any stretch can be run by itself.

A lane's start and numbers are worked out from its place in the grid when its turn comes: the grid is never laid out
in memory.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.engines.lanes import Lanes, run_lanes
from downslope.engines.step import Rules
from downslope.learning_rates import as_learning_rate
from downslope.minimization import as_noise, check_hessian_fits, rate_shape_of
from downslope.objectives.objective import Objective
from downslope.stopping import Limits
from downslope.sweeps.grid import Grid
from downslope.sweeps.rates import groups_of, number_of


@dataclass(frozen=True)
class Lot:
    """The lanes that differ in numbers alone."""

    rules: Rules
    axes: dict[str, np.ndarray]
    """What differs, as `run_lanes` names it: the values along each axis, the slowest first."""
    starts: np.ndarray
    """The fastest axis; shape (m, n)."""

    @property
    def shape(self) -> tuple[int, ...]:
        """The lengths of the axes, that of the starts last."""
        return (*(len(values) for values in self.axes.values()), len(self.starts))

    def lanes(self, first: int, end: int) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The starts and the numbers of the lanes from `first` to `end`, which is left out."""
        places = np.unravel_index(np.arange(first, end), self.shape)
        numbers = {name: values[k] for (name, values), k in zip(self.axes.items(), places, strict=False)}
        return self.starts[places[-1]], numbers


def lots_of(grid: Grid, limits: Limits, box: Any, noise: float) -> Iterator[Lot]:
    """The lots of a grid, in the order of its lanes; InvalidInput where rules do not go together."""
    for method, rates in itertools.product(grid.methods, groups_of(grid.rates)):
        check_hessian_fits(method, grid.starts[0])
        rate = as_learning_rate(rates[0], method)
        rate_shape_of(rate, grid.structure.size)
        noises = [as_noise(noise, seed, rate) for seed in grid.seeds]
        axes = {f"method.{name}": values for name, values in grid.coefficients.items()}
        if len(rates) > 1:
            axes = {"learning_rate.rate": np.array([number_of(rate) for rate in rates]), **axes}
        axes["seed"] = np.array([seed for _, seed in noises])
        rules = Rules(method.on(grid.structure), rate, limits, box, noises[0][0] or None, noises[0][1])
        yield Lot(rules, axes, grid.starts)


def run_between(
    first: int,
    end: int,
    objective: Objective,
    grid: Grid,
    lots: list[Lot],
    progress: Callable[[int], None],
    sound: np.ndarray | None = None,
) -> Lanes:
    """The grid's lanes from `first` to `end`, which is left out; after Ctrl-C all that is left is INTERRUPTED.

    `progress` is called with the number of finished ones. `sound` is as for `run_lanes`.
    """
    parts: list[Lanes] = []
    n_before = 0
    for lot in lots:
        low, high = max(first - n_before, 0), min(end - n_before, math.prod(lot.shape))
        n_before += math.prod(lot.shape)
        if low >= high:
            continue
        starts, numbers = lot.lanes(low, high)
        if parts and parts[-1].is_cut_short:
            parts.append(dataclasses.replace(Lanes.not_begun(starts), is_cut_short=True))
            continue
        told = _counted_from(sum(map(len, parts)), progress)
        parts.append(run_lanes(objective, lot.rules, grid.structure, starts, numbers, progress=told, sound=sound))
    return Lanes.joined(parts)


def _counted_from(n_before: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n: progress(n_before + n)
