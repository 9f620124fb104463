"""Results: what a sweep in memory and one on disk have in common."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.run import Run
from downslope.sweeps.columns import ends_of
from downslope.sweeps.grid import Grid
from downslope.sweeps.selecting import lane_of, run_of
from downslope.sweeps.tally import Block, Tally, tally_of

if TYPE_CHECKING:
    from downslope.sweeps.sweep import Sweep


@dataclass(frozen=True, eq=False, repr=False)
class Results:
    """The ends of many runs over a grid; `Sweep` and `SweepFile` tell where they are kept.

    Runs are numbered from 0, the last dimension fastest.
    """

    grid: Grid = field(repr=False)
    objective: Objective
    box: tuple[np.ndarray, np.ndarray] | None
    """The lower and the upper bounds, flat."""
    options: dict[str, Any]
    """What all runs shared, as `minimize` takes it."""
    records: dict[int, Run] = field(repr=False)
    """The runs asked for by `record`, in full, by their numbers."""
    notes: tuple[str, ...]
    seconds: float
    """Wall time, compiling included; of a sweep on disk that of the last call."""

    @property
    def dimensions(self) -> dict[str, np.ndarray]:
        """The labels of each dimension, by name: numbers, rules in words, and the start's number."""
        return self.grid.dimensions

    @property
    def variables(self) -> tuple[str, ...]:
        """The name of each number of a point."""
        return self.objective.variable_names(self.grid.structure)

    @property
    def starts(self) -> np.ndarray:
        """The starts as flat vectors, shape (m, n)."""
        return self.grid.starts

    @property
    def n_runs(self) -> int:
        """How many runs were asked for."""
        return self.grid.n_lanes

    @functools.cached_property
    def tally(self) -> Tally:
        """Counts, and the runs worth a look."""
        return tally_of(self.grid, self._blocks())

    def row(self, run: int) -> dict[str, Any]:
        """One run by its number: its labels, and how it ended."""
        named = self.columns(np.array([run]))
        index = np.unravel_index(run, self.grid.shape)
        labels = {name: values[k].item() for (name, values), k in zip(self.dimensions.items(), index, strict=True)}
        x = ends_of(named, self.variables)[0]
        return {
            **labels,
            "x": self.grid.structure.restore(np.array(x, dtype=self.grid.structure.dtype)),
            **{name: named[name][0].item() for name in ("loss", "status", "n_steps", "behaviour")},
        }

    def best(self) -> dict[str, Any]:
        """The run with the lowest loss at its end: its labels, and how it ended. InvalidInput where none has a loss.

        >>> import downslope
        >>> found = downslope.sweep("x cos(x) + 9", starts=[0.0, 5.0, 12.0], learning_rates=0.1)
        >>> best = found.best()
        >>> best["start"], round(best["x"], 4), round(best["loss"], 4), best["status"]
        (2, 9.5293, -0.4773, 'GRADIENT_SMALL')
        """
        lowest = self._lowest()
        if lowest is None:
            raise InvalidInput("sweep", "must have a run with a loss", repr(self))
        return self.row(lowest)

    def select(self, **labels: Any) -> Run:
        """One run made again by `minimize`, with all of its record: `select(learning_rate=0.1, start=0)`.

        A label is an entry of `dimensions`; a dimension of length 1 may be left out. InvalidInput names the labels
        there are. The run is the lane's up to rounding, which a rate that is chaotic amplifies.

        >>> import downslope
        >>> found = downslope.sweep("x^2", starts=[5.0], learning_rates=[0.1, 0.4])
        >>> found.select(learning_rate=0.4).path[:3].round(12).tolist()
        [5.0, 1.0, 0.2]
        """
        return run_of(self.grid, self.objective, self.options, lane_of(self.grid, labels))

    def to_dict(self) -> dict[str, Any]:
        """Counts, the best and the quickest run and the rates that converged, fit for JSON (without a row a run).

        >>> import downslope
        >>> found = downslope.sweep("x^2", starts=[5.0], learning_rates=[0.1, 0.4, 1.1])
        >>> found.to_dict()["converging_rates"]["all"]
        {'lowest': 0.1, 'highest': 0.4, 'n': 2, 'n_elsewhere': 0}
        """
        from downslope.sweeps.summary import to_dict

        return to_dict(self)

    def in_memory(self) -> Sweep:
        """All runs as a `Sweep`."""
        raise NotImplementedError

    def save(self, path: Any) -> None:
        """Write one row a run to a Parquet file, with what was asked for as JSON in its metadata.

        The columns are those of `to_dataframe`. InvalidFile where it cannot be written; an older file is replaced
        as a whole or not at all.
        """
        from downslope.sweeps.saving import save

        save(self, path)

    def columns(self, runs: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of `to_dataframe` for the runs with these numbers."""
        raise NotImplementedError

    def chunks(self) -> Iterator[dict[str, np.ndarray]]:
        """The columns of all finished runs in their order, some at a time."""
        raise NotImplementedError

    def _blocks(self) -> Iterator[Block]:
        raise NotImplementedError

    def _lowest(self) -> int | None:
        return self.tally.lowest
