"""SweepFile: what a sweep that was written to disk came to."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.errors import InvalidInput, MissingExtra
from downslope.objectives.objective import Objective
from downslope.run import Run
from downslope.stopping import Status
from downslope.sweeps.grid import Grid
from downslope.sweeps.parts import Part
from downslope.sweeps.selecting import lane_of, run_of

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class SweepFile:
    """A sweep on disk, as `sweep(..., path=...)` returns it: counts in memory, one row a run in the folder.

    The folder is one table to pandas, polars, DuckDB and pyarrow. After Ctrl-C or a crash it holds the first runs;
    the same call again makes the others.

    >>> import downslope, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     options = {"starts": [5.0, -3.0], "learning_rates": [0.1, 1.1], "path": f"{folder}/sweep"}
    ...     found = downslope.sweep("x^2", **options)
    ...     table = found.to_dataframe()
    >>> found.n_finished, found.statuses, found.converged_fraction
    (4, {'GRADIENT_SMALL': 2, 'NOT_FINITE': 2}, 0.5)
    >>> table["n_steps"].tolist()[:2]
    [73, 70]
    """

    path: Path
    """The folder."""
    grid: Grid = field(repr=False)
    objective: Objective
    options: dict[str, Any]
    """What all runs shared, as `minimize` takes it."""
    parts: tuple[Part, ...] = field(repr=False)
    """The files, in the order of the runs."""
    records: dict[int, Run] = field(repr=False)
    """The runs asked for by `record`, in full, by their numbers."""
    notes: tuple[str, ...]
    seconds: float
    """Wall time of the last call, compiling included."""

    @property
    def dimensions(self) -> dict[str, np.ndarray]:
        """The labels of each dimension, by name: numbers, rules in words, and the start's number."""
        return self.grid.dimensions

    @property
    def n_runs(self) -> int:
        """How many runs were asked for."""
        return self.grid.n_lanes

    @property
    def n_finished(self) -> int:
        """How many of them are in the folder."""
        return self.parts[-1].end if self.parts else 0

    @property
    def statuses(self) -> dict[str, int]:
        """How many runs ended so, by the status's name, the most frequent first."""
        total: Counter[str] = Counter()
        for part in self.parts:
            total.update(part.statuses)
        return dict(total.most_common())

    @property
    def converged_fraction(self) -> float:
        """The share of the finished runs that converged; NaN where none is finished."""
        n = sum(count for name, count in self.statuses.items() if Status[name].converged)
        return n / self.n_finished if self.parts else float("nan")

    def best(self) -> dict[str, Any]:
        """The run with the lowest loss at its end, as `Sweep.best`; InvalidInput where none has a loss."""
        from pyarrow import parquet

        lowest = [(part.best_loss, part) for part in self.parts if part.best_loss is not None]
        if not lowest:
            raise InvalidInput("sweep", "must have a run with a loss", repr(self))
        _, part = min(lowest, key=lambda pair: pair[0])
        (row,) = parquet.read_table(part.path).slice(part.best_row, 1).to_pylist()
        names = self.objective.variable_names(self.grid.structure)
        x = [row[f"end {name}"] for name in names] if len(names) <= MOST_NAMED else row["end x"]
        return {
            **{name: row[name] for name in self.dimensions},
            "x": self.grid.structure.restore(np.array(x, dtype=self.grid.structure.dtype)),
            **{name: row[name] for name in ("loss", "status", "n_steps", "behaviour")},
        }

    def select(self, **labels: Any) -> Run:
        """One run made again by `minimize`, as `Sweep.select`; it need not be in the folder yet."""
        return run_of(self.grid, self.objective, self.options, lane_of(self.grid, labels))

    def dataset(self) -> Any:
        """A pyarrow.dataset.Dataset over the parts, for tables larger than memory."""
        from pyarrow import dataset

        return dataset.dataset([str(part.path) for part in self.parts], format="parquet")

    def to_dataframe(self) -> pandas.DataFrame:
        """One row a finished run, in the order of the grid, words as categories; MissingExtra without pandas."""
        try:
            import pandas  # noqa: F401
        except ImportError:
            raise MissingExtra("to_dataframe()", "pandas", extra="pandas") from None
        return self.dataset().to_table().to_pandas()

    def __repr__(self) -> str:
        done = "all" if self.n_finished == self.n_runs else f"{self.n_finished}"
        counts = ", ".join(f"{count} {name}" for name, count in self.statuses.items())
        return f"<SweepFile {str(self.path)!r}: {done} of {self.n_runs} runs{': ' if counts else ''}{counts}>"
