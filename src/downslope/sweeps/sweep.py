"""Sweep: what many runs over a grid came to."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.errors import MissingExtra
from downslope.stopping import Status
from downslope.sweeps.behaviour import WORDS
from downslope.sweeps.columns import NUMBERS, behaviour_of, columns_of, results_of
from downslope.sweeps.results import Results
from downslope.sweeps.tally import Block

if TYPE_CHECKING:
    import pandas
    import xarray

CHUNK_ROWS = 2**17
"""Rows of a table made at once, which bounds what it takes beside the sweep itself."""


@dataclass(frozen=True, eq=False, repr=False)
class Sweep(Results):
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

    lanes: Lanes = field(repr=False)
    """All runs in a row."""

    @property
    def x(self) -> np.ndarray:
        """Where each run ended, as a flat vector along the last axis: the last point that is finite throughout."""
        return self.lanes.x.reshape(*self.grid.shape, -1)

    @property
    def loss(self) -> np.ndarray:
        """The loss at `x`, in the shape of `dimensions`; NaN where Ctrl-C came before the run began."""
        return self._shaped(self.lanes.loss)

    @property
    def status(self) -> np.ndarray:
        """Why each run ended, in the shape of `dimensions`: a `Status` as a number."""
        return self._shaped(self.lanes.status)

    @property
    def n_steps(self) -> np.ndarray:
        """Updates made, in the shape of `dimensions`."""
        return self._shaped(self.lanes.n_steps)

    @property
    def converged(self) -> np.ndarray:
        """True for TARGET_REACHED and GRADIENT_SMALL alone, in the shape of `dimensions`."""
        return self._shaped(np.isin(self.lanes.status, [s for s in Status if s.converged]))

    @property
    def converged_fraction(self) -> float:
        """The share of all runs that converged."""
        return float(self.converged.mean())

    @property
    def behaviour(self) -> np.ndarray:
        """How each run moved at its end, in the shape of `dimensions`: "zigzag", say; "" where it was interrupted."""
        return self._shaped(WORDS[self._behaviour])

    @functools.cached_property
    def _behaviour(self) -> np.ndarray:
        return behaviour_of(self.grid, self.lanes, self.box, self.options["noise"])

    def _shaped(self, lanes: np.ndarray) -> np.ndarray:
        return lanes.reshape(self.grid.shape)

    def in_memory(self) -> Sweep:
        """Itself, as `SweepFile.in_memory` gives one."""
        return self

    def columns(self, runs: np.ndarray | slice) -> dict[str, np.ndarray]:
        """The columns of `to_dataframe` for the m runs with these numbers, each of shape (m,)."""
        arrays: dict[str, Any] = {name: getattr(self.lanes, name)[runs] for name in ("x", "status", *NUMBERS)}
        numbers = np.arange(self.n_runs)[runs] if isinstance(runs, slice) else runs
        return columns_of(self.grid, self.variables, Lanes(**arrays), WORDS[self._behaviour[runs]], numbers)

    def chunks(self) -> Iterator[dict[str, np.ndarray]]:
        """The columns of all runs in their order, m at a time, each of shape (m,)."""
        for first in range(0, self.n_runs, CHUNK_ROWS):
            yield self.columns(np.arange(first, min(first + CHUNK_ROWS, self.n_runs)))

    def _blocks(self) -> Iterator[Block]:
        yield Block(0, self.lanes.status, self._behaviour, self.lanes.loss, self.lanes.n_steps)

    def to_dataframe(self) -> pandas.DataFrame:
        """One row a run: its labels, its start and how it ended; MissingExtra without pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("to_dataframe()", "pandas", extra="pandas") from None
        named = self.columns(slice(None))
        return pandas.DataFrame({name: v if v.ndim == 1 else list(v) for name, v in named.items()})

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
            for name, values in results_of(self.lanes, WORDS[self._behaviour]).items()
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
