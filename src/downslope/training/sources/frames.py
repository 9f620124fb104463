"""pandas and polars frames and Arrow tables as a source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.training.sources import arrow_columns
from downslope.training.sources.arrays import ArraySource
from downslope.training.sources.source import data_error


def is_frame(data: Any) -> bool:
    """Whether it is a frame or a table, known without loading their libraries."""
    return type(data).__module__.partition(".")[0] in ("pandas", "polars", "pyarrow") and hasattr(type(data), "columns")


def frame_source(
    frame: Any, target: str | None, weight: str | None = None, features: Sequence[str] | None = None
) -> ArraySource:
    """The rows of a frame.

    >>> import pandas
    >>> frame = pandas.DataFrame({"age": [30, 40], "height": [1.7, 1.8], "smokes": [True, False]})
    >>> frame_source(frame, "smokes").names
    ('age', 'height')
    >>> frame_source(frame.assign(colour=["red", "green"]), "smokes")
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidData: `data` column 'colour', the frame, holds words, which are no numbers: replace it by a
    column of 0 and 1 for each category (pandas.get_dummies does), or leave it out.
    """
    table = _arrow(frame)
    selection = arrow_columns.select(table.schema, target, weight, features, "the frame")
    parts = {name: table.column(name).combine_chunks() for name in selection.columns}
    for name, part in parts.items():
        if part.null_count:
            row = int(np.argmax(part.is_null().to_numpy(zero_copy_only=False)))
            raise data_error(f"row {row}", name, None)
    columns = np.empty((len(selection.names), len(table)), selection.dtype)
    for name, column in zip(selection.names, columns, strict=True):
        column[:] = arrow_columns.numbers(parts[name])
    values = None
    if target is not None:
        # ArraySource makes labels of words, and of truth values.
        values = parts[target].to_numpy(zero_copy_only=False) if selection.has_words else numbers_of(parts, target)
    return ArraySource(
        columns.T,
        values,
        None if weight is None else numbers_of(parts, weight),
        names=selection.names,
        target_name=target or "target",
        weight_name=weight or "weight",
    )


def numbers_of(parts: dict[str, Any], name: str) -> np.ndarray:
    """One of the columns."""
    return arrow_columns.numbers(parts[name])


def _arrow(frame: Any) -> Any:
    """The frame as an Arrow table."""
    import pyarrow as pa

    if type(frame).__name__ == "LazyFrame":
        raise InvalidInput("data", "must be a frame with its rows, as lazy.collect() gives it", "a LazyFrame")
    library = type(frame).__module__.partition(".")[0]
    try:
        if library == "pandas":
            frame = frame.rename(columns=str)
            return pa.Table.from_pandas(frame, preserve_index=False)
    except (ValueError, pa.ArrowTypeError) as error:  # ArrowInvalid is a ValueError
        words = "; ".join(str(part) for part in error.args)
        raise InvalidInput(
            "data", f"must have columns with names of their own and values of one type: {words}", "a frame"
        ) from error
    if library == "polars":
        return frame.to_arrow()
    return frame if isinstance(frame, pa.Table) else pa.Table.from_batches([frame])
