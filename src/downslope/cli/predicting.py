"""Predictions for the rows of a file, block by block, to a file or the standard output."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidInput, UnknownName
from downslope.training.fitted import Fitted
from downslope.training.sources import open_source, read_rows

_ROWS = 2**16


def predicted(model: Fitted, data: str, probabilities: bool) -> Iterator[dict[str, np.ndarray]]:
    """Columns of predictions, for so many rows at a time; the features are found by their names."""
    named = not data.endswith(".npy")
    try:
        source = open_source(data, features=model.names if named else None, shuffle=False)
    except UnknownName as error:
        rule = f"must have the column {error.value!r}, which the model was trained on; its columns are"
        message = f"`data` {data!r} {rule} {', '.join(error.known)}."
        raise InvalidInput("data", rule, error.known, message=message) from None
    if len(source.names) != len(model.names):
        raise InvalidInput("data", f"must have {len(model.names)} columns", f"{len(source.names)} columns")
    for first in range(0, source.n_rows, _ROWS):
        rows = read_rows(source, first, min(_ROWS, source.n_rows - first)).columns.T
        if not probabilities:
            yield {"prediction": model.predict(rows)}
            continue
        found = model.probabilities(rows)
        labels = model.labels or tuple(str(k) for k in range(found.shape[1]))
        yield {f"probability {label}": found[:, k] for k, label in enumerate(labels)}


def check_output(place: str) -> None:
    """Raise where no such file can be written."""
    from downslope.storage.atomic_file import check_writable

    if Path(place).suffix.lower() not in (".csv", ".parquet"):
        raise InvalidInput("output", "must end in .csv or .parquet", place)
    check_writable(place, "output")


def written(blocks: Iterator[dict[str, np.ndarray]], place: str | None) -> None:
    """Write them: a line a row on the standard output, or a file, whole or not at all."""
    if place is None:
        for block in blocks:
            for row in zip(*(column.tolist() for column in block.values()), strict=True):
                print(*row, sep="\t")
        sys.stdout.flush()
        return
    from downslope.storage.atomic_file import replacing

    with replacing(Path(place)) as file:
        _write_table(blocks, file, Path(place).suffix.lower() == ".csv")


def _write_table(blocks: Iterator[dict[str, np.ndarray]], file: Any, is_csv: bool) -> None:
    import pyarrow as pa
    from pyarrow import csv, parquet

    writer: Any = None
    for block in blocks:
        table = pa.table(block)
        if writer is None:
            writer = csv.CSVWriter(file, table.schema) if is_csv else parquet.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()
