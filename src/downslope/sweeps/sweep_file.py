"""SweepFile: what a sweep that was written to disk came to."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.errors import MissingExtra
from downslope.stopping import Status
from downslope.sweeps.columns import NUMBERS, ends_of
from downslope.sweeps.grid import check_fits
from downslope.sweeps.parts import Part, read, read_block
from downslope.sweeps.results import Results
from downslope.sweeps.sweep import Sweep
from downslope.sweeps.tally import Block

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True, eq=False, repr=False)
class SweepFile(Results):
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
    parts: tuple[Part, ...] = field(repr=False)
    """The files, in the order of the runs."""

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

    def columns(self, runs: np.ndarray) -> dict[str, np.ndarray]:
        """The columns of `to_dataframe` for m finished runs, by their numbers, each of shape (m,); IndexError else."""
        which = np.searchsorted([part.end for part in self.parts], runs, side="right")
        found: dict[str, Any] = {}
        for k, run in zip(which, runs, strict=True):
            row = read(self.parts[k], int(run) - self.parts[k].first, 1)
            found = {name: np.concatenate([found[name], value]) if found else value for name, value in row.items()}
        return found

    def chunks(self) -> Iterator[dict[str, np.ndarray]]:
        """The columns of all finished runs in their order, m at a time, each of shape (m,)."""
        return (read(part) for part in self.parts)

    def _blocks(self) -> Iterator[Block]:
        return map(read_block, self.parts)

    def _lowest(self) -> int | None:
        """As the footers tell, without the parts being read."""
        lowest = [(part.best_loss, part.first + part.best_row) for part in self.parts if part.best_row is not None]
        return min(lowest)[1] if lowest else None

    def in_memory(self) -> Sweep:
        """All runs as a `Sweep`, for pictures and arrays; those that are not finished are INTERRUPTED.

        InvalidInput where the results would not fit in 16 GiB.
        """
        check_fits(self.grid)
        lanes = Lanes.not_begun(self.starts[np.arange(self.n_runs) % len(self.starts)])
        for part, named in zip(self.parts, self.chunks(), strict=True):
            rows = slice(part.first, part.end)
            lanes.x[rows] = ends_of(named, self.variables)
            lanes.status[rows] = read_block(part).status
            for name in NUMBERS:
                getattr(lanes, name)[rows] = named[name]
        shared = {f.name: getattr(self, f.name) for f in dataclasses.fields(Results)}
        return Sweep(**shared, lanes=lanes)

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
