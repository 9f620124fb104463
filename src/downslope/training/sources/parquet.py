"""Parquet files as one source, read as a stream that takes little memory.

A row group is decoded from its first row on, batch after batch, a large one through buffers of 64 KB: even a group that
is larger than memory is read so. What is asked for next is mostly what follows, and the stream goes on; else it starts
at the group that holds the row, and leaves out what comes before it. (Measured: a dataset's `to_batches` as it is
peaked at 4 GB where this needs 0.2; without the small buffer all columns of a row group are in memory at once.)

Pages are compared with their checksums where the writer stored any. A file that is no longer the one that was opened is
an error, also when only its name now belongs to another.
"""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile
from downslope.training.sources import arrow_columns
from downslope.training.sources.arrow_columns import Selection
from downslope.training.sources.copying import Copy
from downslope.training.sources.parquet_file import ParquetFile, reading
from downslope.training.sources.source import Rows, data_error

_BATCH = 2**14
_MOST_OPEN = 8


class ParquetSource:
    """The rows of Parquet files, one file after the other.

    Parameters
    ----------
    paths
        The files, at least one; all with the same columns.
    target, weight, features
        Names of columns; without `features` all the others.
    copy
        What the files are a copy of, so that rows are told by that.

    Raises
    ------
    InvalidFile
        A file is no Parquet file, is damaged, or has other columns than the first.
    InvalidData
        A column holds no numbers, or the statistics of the file tell that it lacks values.
    UnknownName
        A column is not there.
    """

    is_checked = False
    by_rows = False
    in_memory: Rows | None = None

    def __init__(
        self,
        paths: Sequence[Path],
        target: str | None,
        weight: str | None = None,
        features: Sequence[str] | None = None,
        *,
        copy: Copy | None = None,
    ):
        self.files = [ParquetFile(path, copy.footers[path.name] if copy else None) for path in paths]
        self.copy = copy
        self.notes: tuple[str, ...] = () if copy is None else (copy.note,)
        first = self.files[0]
        where = copy.origins[0][0] if copy else first.path.name
        self.selection: Selection = arrow_columns.select(first.schema, target, weight, features, where)
        for file in self.files[1:]:
            _check_same_columns(first, file, self.selection.columns)
        self.names, self.dtype = self.selection.names, self.selection.dtype
        self.target_name, self.weight_name = target, weight
        self._starts = np.concatenate([[0], np.cumsum([file.n_rows for file in self.files])])
        self.n_rows = int(self._starts[-1])
        if not self.n_rows:
            raise InvalidFile(where, "has no rows", parameter="data")
        self._opened: OrderedDict[int, Any] = OrderedDict()
        self._stream: Iterator[Any] | None = None
        self._next_row = -1
        self._rest: Any = None
        self._check_values_are_there()
        self.labels: tuple[str, ...] | None = None
        if self.selection.has_words:
            self.labels = arrow_columns.distinct_words(self._columns_of(target))

    def read(self, first: int, into: Rows) -> None:
        """Decode the rows from `first` on."""
        n, done = len(into.target), 0
        while done < n:
            batch = self._batch(first + done)
            size = min(len(batch), n - done)
            self._copy(batch.slice(0, size), into.part(done, done + size))
            self._rest = batch.slice(size) if size < len(batch) else None
            self._next_row = first + done + size
            done += size
        for i in range(self._file_of(first), self._file_of(first + n - 1) + 1):
            self.files[i].identity.check()

    def place(self, row: int) -> str:
        """The row's number in its file."""
        if self.copy is not None:
            return self.copy.place(row)
        i = self._file_of(row)
        return f"row {row - self._starts[i]} of {self.files[i].path.name}"

    def fingerprint(self) -> str:
        """The SHA-256 of names, sizes and footers, in which Parquet keeps sizes and statistics of all columns."""
        told: list[Any] = [self.names, self.target_name, self.weight_name, self.labels, self.dtype.name]
        told += [(file.path.name, file.identity.size, file.footer) for file in self.files]
        return hashlib.sha256(repr(told).encode()).hexdigest()

    def close(self) -> None:
        """Close the files."""
        self._stream, self._rest, self._next_row = None, None, -1
        while self._opened:
            self._opened.popitem()[1].close()

    @property
    def largest_group(self) -> int:
        """The rows of the largest row group."""
        return int(max(file.group_rows.max(initial=0) for file in self.files))

    def _file_of(self, row: int) -> int:
        return int(np.searchsorted(self._starts, row, side="right")) - 1

    def _batch(self, row: int) -> Any:
        """Rows of one file from this one on: at least one."""
        if row == self._next_row and self._rest is not None:
            return self._rest
        i = self._file_of(row)
        file = self.files[i]
        with reading(file.path):
            if row != self._next_row or self._stream is None:
                return self._started(i, row - int(self._starts[i]))
            for batch in self._stream:
                if len(batch):
                    return batch
            return self._started(i, row - int(self._starts[i]))  # the stream of the file before has ended

    def _started(self, i: int, row: int) -> Any:
        """A new stream, at the row group that holds the file's row, whose first rows are left out."""
        file = self.files[i]
        group = int(np.searchsorted(file.group_starts, row, side="right")) - 1
        left_out = row - int(file.group_starts[group])
        groups = list(range(group, len(file.group_rows)))
        self._stream = self._reader(i).iter_batches(
            _BATCH, row_groups=groups, columns=self.selection.columns, use_threads=True
        )
        for batch in self._stream:
            if left_out < len(batch):
                return batch.slice(left_out)
            left_out -= len(batch)
        raise InvalidFile(file.path, "is cut short or damaged: rows are missing", parameter="data")

    def _reader(self, i: int) -> Any:
        """The opened file; the least recently used of several is closed."""
        if i not in self._opened:
            self.files[i].identity.check()
            self._opened[i] = self.files[i].open()
            if len(self._opened) > _MOST_OPEN:
                self._opened.popitem(last=False)[1].close()
        self._opened.move_to_end(i)
        return self._opened[i]

    def _copy(self, batch: Any, into: Rows) -> None:
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        with np.errstate(over="ignore"):  # beyond float32 is infinite, which who reads finds
            for name, column in zip(self.names, into.columns, strict=True):
                column[:] = arrow_columns.numbers(columns[name])
            if self.target_name is not None:
                target = columns[self.target_name]
                words = self.labels
                into.target[:] = arrow_columns.numbers(target) if words is None else arrow_columns.codes(target, words)
            if self.weight_name is not None:
                into.weight[:] = arrow_columns.numbers(columns[self.weight_name])

    @property
    def schema(self) -> Any:
        """Names and types of the columns that are used, as the files have them."""
        import pyarrow as pa

        return pa.schema([self.files[0].schema.field(name) for name in self.selection.columns])

    def batches(self) -> Iterator[tuple[int, Any]]:
        """All rows as Arrow has them, a file's number and some of its rows at a time."""
        for number, file in enumerate(self.files):
            with file.opened() as opened:
                for batch in opened.iter_batches(_BATCH, columns=self.selection.columns, use_threads=False):
                    yield number, batch.select(self.selection.columns)

    def _columns_of(self, name: str | None) -> Iterator[Any]:
        """One column, in pieces."""
        for file in self.files:
            with file.opened() as opened:
                for batch in opened.iter_batches(_BATCH, columns=[name], use_threads=False):
                    yield batch.column(0)

    def _check_values_are_there(self) -> None:
        """InvalidData for a value that is missing, where statistics tell of it."""
        if self.copy is not None:
            for name in self.selection.columns:
                if name in self.copy.missing:
                    raise data_error(self.place(self.copy.missing[name]), name, None)
            return
        for i, file in enumerate(self.files):
            found = file.first_missing(self.selection.columns)
            if found is not None:
                name, column, start = found
                row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
                raise data_error(self.place(int(self._starts[i]) + start + row), name, None)


def _check_same_columns(first: ParquetFile, other: ParquetFile, names: list[str]) -> None:
    """InvalidFile where a file of a folder has other columns than the first."""
    for name in names:
        place = other.schema.get_field_index(name)
        expected = first.schema.field(name).type
        found = "none" if place < 0 else str(other.schema.field(place).type)
        if found != str(expected):
            rule = f"has another column {name!r} than {first.path.name}: {found}, where that one has {expected}"
            raise InvalidFile(other.path, rule, parameter="data")
    extra = [name for name in other.schema.names if name not in first.schema.names]
    if extra:
        raise InvalidFile(
            other.path, f"has a column {extra[0]!r}, which {first.path.name} does not have", parameter="data"
        )
