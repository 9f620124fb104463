"""Parquet files of large row groups, copied once into small ones, so that their rows can be shuffled.

A row group can only be decoded from its beginning. Writers put a million rows into one by default; where a block is
16,384 rows of it, each block would cost the reading of half the group.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from downslope.progress import progress_bar
from downslope.training.sources.copying import found_copy, write_copy
from downslope.training.sources.files import Identity
from downslope.training.sources.parquet import ParquetSource


def regrouped(source: ParquetSource, origin: Path, made_from: list[Identity], progress: bool) -> ParquetSource:
    """The same rows and columns, in row groups of a block each."""
    columns = source.selection.columns
    n_bytes = source.n_rows * len(columns) * source.dtype.itemsize
    copy = found_copy(origin, made_from, columns)
    if copy is None:
        with progress_bar(source.n_rows if progress else None, with_loss=False, of="rows") as update:
            copy = write_copy(origin, made_from, source.schema, _batches(source, update), n_bytes)
    source.close()
    return ParquetSource(copy.parts, source.target_name, source.weight_name, source.names, copy=copy)


def _batches(source: ParquetSource, update: Any) -> Iterator[tuple[int, Any]]:
    row = 0
    for number, batch in source.batches():
        row += len(batch)
        update(row, float("nan"))
        yield number, batch
