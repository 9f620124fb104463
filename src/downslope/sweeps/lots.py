"""The grid as lots of lanes that share a program, of which any stretch can be run by itself.

A lane's start and numbers are worked out from its place in the grid when its turn comes: the grid is never laid out
in memory.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from downslope.engines.lanes import Lanes, run_lanes
from downslope.engines.step import Rules
from downslope.learning_rates import as_learning_rate
from downslope.minimization import as_noise, check_hessian_fits, rate_shape_of
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.stopping import Limits
from downslope.sweeps.grid import Grid
from downslope.sweeps.rates import groups_of, number_of


class Stretch(NamedTuple):
    """Neighbouring lanes of a lot by themselves, as they are sent to where they are run."""

    rules: Rules
    axes: dict[str, np.ndarray]
    shape: tuple[int, ...]
    first: int
    end: int
    starts: np.ndarray
    """That of the first lane and those that follow, each once."""

    def lanes(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        """The start and the numbers of each."""
        places = np.unravel_index(np.arange(self.first, self.end), self.shape)
        numbers = {name: values[k] for (name, values), k in zip(self.axes.items(), places, strict=False)}
        return self.starts[np.arange(self.end - self.first) % len(self.starts)], numbers


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

    def between(self, first: int, end: int) -> Stretch:
        """The lanes from `first` to `end`, which is left out."""
        m = len(self.starts)
        starts = self.starts[np.arange(first, min(end, first + m)) % m]
        return Stretch(self.rules, self.axes, self.shape, first, end, starts)


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


def run_stretches(
    stretches: Iterable[Stretch],
    objective: Objective,
    structure: Structure,
    progress: Callable[[int], None],
    sound: np.ndarray | None = None,
) -> Lanes:
    """Run these lanes; after Ctrl-C all that is left is INTERRUPTED.

    `progress` is called with the number of finished ones. `sound` is as for `run_lanes`.
    """
    parts: list[Lanes] = []
    for stretch in stretches:
        starts, numbers = stretch.lanes()
        if parts and parts[-1].is_cut_short:
            parts.append(dataclasses.replace(Lanes.not_begun(starts), is_cut_short=True))
            continue
        told = _counted_from(sum(map(len, parts)), progress)
        parts.append(run_lanes(objective, stretch.rules, structure, starts, numbers, progress=told, sound=sound))
    return Lanes.joined(parts)


class Work(NamedTuple):
    """All runs of a sweep: what is made in this process, or block by block in others."""

    objective: Objective
    grid: Grid
    lots: list[Lot]
    sound: np.ndarray | None = None
    """As for `run_lanes`."""

    def stretches(self, first: int, end: int) -> list[Stretch]:
        """The grid's lanes from `first` to `end`, which is left out, one stretch a lot."""
        found, n_before = [], 0
        for lot in self.lots:
            low, high = max(first - n_before, 0), min(end - n_before, math.prod(lot.shape))
            n_before += math.prod(lot.shape)
            if low < high:
                found.append(lot.between(low, high))
        return found

    def run(self, first: int, end: int, progress: Callable[[int], None]) -> Lanes:
        """The same lanes, run here."""
        return run_stretches(self.stretches(first, end), self.objective, self.grid.structure, progress, self.sound)


def _counted_from(n_before: int, progress: Callable[[int], None]) -> Callable[[int], None]:
    return lambda n: progress(n_before + n)
