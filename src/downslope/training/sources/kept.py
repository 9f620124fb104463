"""A source that is small enough to be kept in memory after it was read once."""

from __future__ import annotations

import functools

from downslope.training.sources.source import Rows, Source, read_rows

KEPT_NUMBERS = 2**24
"""64 MB of float32."""


class KeptSource:
    """The same rows, read from the other source when they are first asked for, and never again."""

    def __init__(self, source: Source):
        self._source = source
        self.names, self.n_rows, self.dtype = source.names, source.n_rows, source.dtype
        self.by_rows, self.is_checked, self.notes = source.by_rows, source.is_checked, source.notes
        self.target_name, self.weight_name, self.labels = source.target_name, source.weight_name, source.labels

    @functools.cached_property
    def in_memory(self) -> Rows:
        """All rows."""
        rows = read_rows(self._source, 0, self.n_rows)
        self._source.close()
        return rows

    def read(self, first: int, into: Rows) -> None:
        """Copy the rows from `first` on."""
        for values, target in zip(self.in_memory.part(first, first + len(into.target)), into, strict=True):
            target[:] = values

    def place(self, row: int) -> str:
        """Where the row lies in the other source."""
        return self._source.place(row)

    def fingerprint(self) -> str:
        """That of the other source."""
        return self._source.fingerprint()

    def close(self) -> None:
        """Nothing is open, and the rows are kept."""


def is_small(source: Source) -> bool:
    """Whether it is small enough."""
    return (len(source.names) + 2) * source.n_rows <= KEPT_NUMBERS
