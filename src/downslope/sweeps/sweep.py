"""Sweep: what many runs over a grid came to."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.errors import InvalidInput, MissingExtra
from downslope.objectives.objective import Objective
from downslope.run import Run
from downslope.stopping import Status
from downslope.sweeps.behaviour import behaviour_of_lane
from downslope.sweeps.columns import columns, results_of
from downslope.sweeps.grid import Grid
from downslope.sweeps.selecting import lane_of, run_of
from downslope.sweeps.summary import to_dict

if TYPE_CHECKING:
    import pandas
    import xarray


@dataclass(frozen=True, eq=False, repr=False)
class Sweep:
    """The ends of many runs, as `sweep` returns them.

    Every result is an array with the shape of `dimensions`, which are those of method, learning_rate, each
    coefficient and seed that were given as lists, and start.

    >>> import downslope
    >>> found = downslope.sweep("ravine", starts=[[2.0, 1.0]], learning_rates=[0.1, 0.3])
    >>> {name: len(labels) for name, labels in found.dimensions.items()}
    {'learning_rate': 2, 'start': 1}
    >>> found
    <Sweep of 2 runs, learning_rate 2 x start 1: 1 converged>
    """

    grid: Grid = field(repr=False)
    lanes: Lanes = field(repr=False)
    """All runs in a row, the last dimension fastest."""
    objective: Objective
    box: tuple[np.ndarray, np.ndarray] | None
    """The lower and the upper bounds, flat."""
    options: dict[str, Any]
    """What all runs shared, as `minimize` takes it."""
    records: dict[int, Run] = field(repr=False)
    """The runs asked for by `record`, in full, by their numbers in `lanes`."""
    notes: tuple[str, ...]
    seconds: float
    """Wall time, compiling included."""

    @property
    def dimensions(self) -> dict[str, np.ndarray]:
        """The labels of each dimension, by name: numbers, rules in words, and the start's number."""
        return self.grid.dimensions

    @property
    def variables(self) -> tuple[str, ...]:
        """The name of each number of a point."""
        return self.objective.variable_names(self.grid.structure)

    @property
    def n_runs(self) -> int:
        """How many runs there are."""
        return len(self.lanes)

    @property
    def starts(self) -> np.ndarray:
        """The starts as flat vectors, shape (m, n)."""
        return self.grid.starts

    @property
    def x(self) -> np.ndarray:
        """Where each run ended, as a flat vector along the last axis: the last point that is finite throughout."""
        return self.lanes.x.reshape(*self.grid.shape, -1)

    @property
    def loss(self) -> np.ndarray:
        """The loss at `x`; NaN where Ctrl-C came before the run began."""
        return self._shaped(self.lanes.loss)

    @property
    def status(self) -> np.ndarray:
        """Why each run ended: a `Status` as a number."""
        return self._shaped(self.lanes.status)

    @property
    def n_steps(self) -> np.ndarray:
        """Updates made."""
        return self._shaped(self.lanes.n_steps)

    @property
    def converged(self) -> np.ndarray:
        """True for TARGET_REACHED and GRADIENT_SMALL alone."""
        return self._shaped(np.isin(self.lanes.status, [s for s in Status if s.converged]))

    @property
    def converged_fraction(self) -> float:
        """The share of all runs that converged."""
        return float(self.converged.mean())

    @functools.cached_property
    def behaviour(self) -> np.ndarray:
        """How each run moved at its end, in a word or two, such as "zigzag"; "" where it was interrupted."""
        return self._shaped(behaviour_of_lane(self.lanes, self.box, noisy=self.options["noise"] > 0))

    def _shaped(self, lanes: np.ndarray) -> np.ndarray:
        return lanes.reshape(self.grid.shape)

    def best(self) -> dict[str, Any]:
        """The run with the lowest loss at its end: its labels, and how it ended. InvalidInput where none has a loss.

        >>> import downslope
        >>> found = downslope.sweep("x cos(x) + 9", starts=[0.0, 5.0, 12.0], learning_rates=0.1)
        >>> best = found.best()
        >>> best["start"], round(best["x"], 4), round(best["loss"], 4), best["status"]
        (2, 9.5293, -0.4773, 'GRADIENT_SMALL')
        """
        if np.isnan(self.lanes.loss).all():
            raise InvalidInput("sweep", "must have a run with a loss", repr(self))
        return self.row(int(np.nanargmin(self.lanes.loss)))

    def row(self, lane: int) -> dict[str, Any]:
        """One run by its number in `lanes`: its labels, and how it ended."""
        index = np.unravel_index(lane, self.grid.shape)
        labels = {name: values[k].item() for (name, values), k in zip(self.dimensions.items(), index, strict=True)}
        return {
            **labels,
            "x": self.grid.structure.restore(self.lanes.x[lane]),
            "loss": float(self.lanes.loss[lane]),
            "status": Status(self.lanes.status[lane]).name,
            "n_steps": int(self.lanes.n_steps[lane]),
            "behaviour": str(self.behaviour[index]),
        }

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

    def to_dataframe(self) -> pandas.DataFrame:
        """One row a run: its labels, its start and how it ended; MissingExtra without pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("to_dataframe()", "pandas", extra="pandas") from None
        named = columns(self)
        return pandas.DataFrame({name: v if v.ndim == 1 else list(v) for name, v in named.items()})

    def to_dict(self) -> dict[str, Any]:
        """Counts, the best and the quickest run and the rates that converged, fit for JSON (without a row a run).

        >>> import downslope
        >>> found = downslope.sweep("x^2", starts=[5.0], learning_rates=[0.1, 0.4, 1.1])
        >>> found.to_dict()["converging_rates"]["all"]
        {'lowest': 0.1, 'highest': 0.4, 'n': 2, 'n_elsewhere': 0}
        """
        return to_dict(self)

    def save(self, path: Any) -> None:
        """Write one row a run to a Parquet file, with what was asked for as JSON in its metadata.

        The columns are those of `to_dataframe`. InvalidFile where it cannot be written; an older file is replaced
        as a whole or not at all.
        """
        from downslope.sweeps.saving import save

        save(self, path)

    def to_xarray(self) -> xarray.Dataset:
        """The results as a Dataset with named dimensions; MissingExtra without xarray.

        Points have one more dimension, "variable"; the starts are its `start_x`.
        """
        try:
            import xarray
        except ImportError:
            raise MissingExtra("to_xarray()", "xarray", extra="sweep") from None
        names = tuple(self.dimensions)
        data = {
            name: (names, self._shaped(values))
            for name, values in results_of(self.lanes, self.behaviour.ravel()).items()
        }
        return xarray.Dataset(
            {**data, "x": ((*names, "variable"), self.x), "start_x": (("start", "variable"), self.grid.starts)},
            coords={**self.dimensions, "variable": list(self.variables)},
            attrs={"fun": self.objective.name, "notes": "; ".join(self.notes)},
        )

    def __repr__(self) -> str:
        lengths = " x ".join(f"{name} {len(labels)}" for name, labels in self.dimensions.items())
        plural = "s" * (self.n_runs != 1)
        return f"<Sweep of {self.n_runs} run{plural}, {lengths}: {int(self.converged.sum())} converged>"
