"""A sweep as a Parquet file: one row a run, for pandas, polars and DuckDB.

What was asked for is in the file's metadata, as JSON under the key `downslope.sweep`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

import downslope
from downslope.errors import InvalidInput
from downslope.storage.atomic_file import check_writable, replacing
from downslope.storage.environment import environment
from downslope.sweeps.summary import specification

if TYPE_CHECKING:
    import pyarrow

    from downslope.sweeps.results import Results

FORMAT = 1
KEY = "downslope.sweep"


def save(found: Results, path: Any) -> None:
    """Write the sweep to a file, which is replaced as a whole or not at all; InvalidFile where that cannot be."""
    from pyarrow import parquet

    target = check_writable(path)
    told = {
        "format": FORMAT,
        "written_by": downslope.__version__,
        "made_with": environment(),
        "notes": list(found.notes),
        "seconds": found.seconds,
        "specification": specification(found),
    }
    groups = map(_table, found.chunks())
    group = next(groups, None)
    if group is None:
        raise InvalidInput("sweep", "must have a finished run", repr(found))
    schema = group.schema.with_metadata({KEY: json.dumps(told, allow_nan=False, default=str)})
    with replacing(target) as file, parquet.ParquetWriter(file, schema, compression="zstd") as writer:
        writer.write_table(group.cast(schema))
        for group in groups:
            writer.write_table(group.cast(schema))


def _table(named: dict[str, np.ndarray]) -> pyarrow.Table:
    import pyarrow as pa

    def column(values: np.ndarray) -> Any:
        if values.ndim == 1:
            return pa.array(values)
        return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])

    return pa.table({name: column(values) for name, values in named.items()})
