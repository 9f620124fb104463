"""A sweep as a Parquet file: one row a run, for pandas, polars and DuckDB.

What was asked for is in the file's metadata, as JSON under the key `downslope.sweep`.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np

import downslope
from downslope.storage.atomic_file import check_writable, replacing
from downslope.storage.environment import environment
from downslope.sweeps.columns import columns
from downslope.sweeps.summary import specification

if TYPE_CHECKING:
    import pyarrow

    from downslope.sweeps.sweep import Sweep

FORMAT = 1
KEY = "downslope.sweep"
_GROUP_ROWS = 2**17
"""Rows made and written at once, which bounds what saving takes beside the sweep itself."""


def save(found: Sweep, path: Any) -> None:
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
    firsts = range(0, found.n_runs, _GROUP_ROWS)
    groups = (_table(columns(found, slice(first, first + _GROUP_ROWS))) for first in firsts)
    group = next(groups)
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
