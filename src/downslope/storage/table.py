"""The record as a table, in row groups of bounded size.

    step    one column a variable, or one list, x    loss    gradient_norm    learning_rate, one or one a variable

There is a row for each step. Where a point was not kept its place is null, which is not NaN; the start and
`run.x` are always there. The list is a plain one: a null in a list of fixed size takes the room of a whole point
in every reader's memory, and a path that was not kept is made of nulls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np

from downslope.columns import MOST_NAMED
from downslope.objectives.structure import Layout
from downslope.run import Run

GROUP_BYTES = 32 * 2**20
"""What the points or the rates of one row group take at most, if they are more than one."""
_GROUP_ROWS = 2**17


@dataclass
class Table:
    """What the table of a file holds."""

    point_steps: np.ndarray
    points: np.ndarray
    """The points that were kept, shape (len(point_steps), n)."""
    losses: np.ndarray
    gradient_norms: np.ndarray
    learning_rates: np.ndarray


def step_of_x(run: Run) -> int:
    """The step whose point is `run.x`: the last, unless its loss or gradient is not finite."""
    finite = np.isfinite(run.losses[-1]) and np.isfinite(run.gradient_norms[-1])
    return run.n_steps if finite else max(run.n_steps - 1, 0)


def kept_steps(run: Run) -> np.ndarray:
    """The steps whose points are known: those of the path, the start and that of `run.x`."""
    steps = run.path_steps if run.path is not None else np.empty(0, dtype=int)
    for step in (0, step_of_x(run)):
        place = int(np.searchsorted(steps, step))
        if place == len(steps) or steps[place] != step:
            steps = np.insert(steps, place, step)
    return steps


def kept_points(run: Run, kept: np.ndarray, first: int, end: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the kept steps those from `first` to `end`, which is left out, and their points as rows."""
    steps = kept[slice(*np.searchsorted(kept, [first, end]))]
    rows = np.empty((len(steps), run.structure.size), run.structure.dtype)
    if run.path is not None:
        inside = slice(*np.searchsorted(run.path_steps, [first, end]))
        rows[np.isin(steps, run.path_steps[inside])] = run.structure.flatten_rows(_rows_of(run, inside))
    elif first == 0:
        rows[0] = run.specification["x0"]
    if first <= step_of_x(run) < end:
        rows[steps == step_of_x(run)] = run.structure.flatten(run.x)
    return steps, rows


def _rows_of(run: Run, inside: slice) -> Any:
    """Some rows of the path."""
    structure = run.structure
    if structure.layout is not Layout.TREE:
        return run.path[inside]
    return structure.treedef.unflatten([leaf[inside] for leaf in structure.treedef.flatten_up_to(run.path)])


def write(run: Run, file: BinaryIO, texts: dict[str, str]) -> None:
    """Write the table to a Parquet file, with these texts in its footer."""
    import pyarrow as pa
    from pyarrow import parquet

    schema = _schema(run)
    with parquet.ParquetWriter(
        file,
        schema,
        compression="zstd",
        use_dictionary=False,  # which takes NaNs of different bits for one
        column_encoding=_encodings(schema),
        write_page_checksum=True,
    ) as writer:
        kept = kept_steps(run)
        for first, end in _groups(run, kept):
            writer.write_batch(pa.record_batch(_arrays(run, schema, kept, first, end), schema=schema))
        writer.add_key_value_metadata(texts)


def _schema(run: Run) -> Any:
    import pyarrow as pa

    def number(dtype: Any) -> Any:
        return pa.from_numpy_dtype(dtype)

    def several(dtype: Any) -> Any:
        return pa.list_(pa.field("element", number(dtype), nullable=False))

    x, rate = run.structure.dtype, run.learning_rates.dtype
    points = [(name, number(x)) for name in run.point_columns] or [("x", several(x))]
    is_list = run.learning_rates.ndim == 2 and not run.point_columns
    always = [("loss", number(run.losses.dtype)), ("gradient_norm", number(run.gradient_norms.dtype))]
    always += [(name, several(rate) if is_list else number(rate)) for name in run.rate_columns]
    return pa.schema(
        [
            pa.field("step", pa.int64(), nullable=False),
            *(pa.field(_in_utf8(name), kind) for name, kind in points),
            *(pa.field(_in_utf8(name), kind, nullable=False) for name, kind in always),
        ]
    )


def _in_utf8(name: str) -> str:
    """A dict's keys may hold half a surrogate pair, which a file's column names cannot."""
    return name.encode(errors="backslashreplace").decode()


def _encodings(schema: Any) -> dict[str, str]:
    """Bytes of equal weight side by side, which a path's neighbours share; DuckDB cannot read that of float16."""
    import pyarrow as pa

    encodings = {"step": "DELTA_BINARY_PACKED"}
    for field in schema:
        is_list = pa.types.is_list(field.type)
        if (field.type.value_type if is_list else field.type) in (pa.float32(), pa.float64()):
            encodings[f"{field.name}.list.element" if is_list else field.name] = "BYTE_STREAM_SPLIT"
    return encodings


def _groups(run: Run, kept: np.ndarray) -> Iterator[tuple[int, int]]:
    """Where row groups begin and end: bounded by rows, by the points in them, and by lists of rates."""
    most_points = max(1, GROUP_BYTES // (run.structure.size * run.structure.dtype.itemsize))
    most_rows = max(1, min(_GROUP_ROWS, GROUP_BYTES // run.learning_rates[0].nbytes))
    first, n_rows = 0, run.n_steps + 1
    while first < n_rows:
        beyond = int(np.searchsorted(kept, first)) + most_points
        end = min(first + most_rows, n_rows, int(kept[beyond]) if beyond < len(kept) else n_rows)
        yield first, end
        first = end


def _arrays(run: Run, schema: Any, kept: np.ndarray, first: int, end: int) -> list[Any]:
    """The columns of one row group."""
    import pyarrow as pa

    steps, points = kept_points(run, kept, first, end)
    known = np.zeros(end - first, dtype=bool)
    known[steps - first] = True
    if run.point_columns:
        columns = [_with_nulls(column, known) for column in points.T]
    else:
        columns = [_lists(points, known, schema.field("x").type)]
    rates = run.learning_rates[first:end]
    if rates.ndim == 1:
        rate_columns = [pa.array(rates)]
    elif run.point_columns:
        rate_columns = [pa.array(column) for column in rates.T]
    else:
        rate_columns = [_lists(rates, np.ones(len(rates), dtype=bool), schema.field("learning_rate").type)]
    norms = run.gradient_norms[first:end]
    return [pa.array(np.arange(first, end)), *columns, pa.array(run.losses[first:end]), pa.array(norms), *rate_columns]


def _with_nulls(column: np.ndarray, known: np.ndarray) -> Any:
    import pyarrow as pa

    values = np.zeros(len(known), column.dtype)
    values[known] = column
    return pa.array(values, mask=None if known.all() else ~known)


def _lists(rows: np.ndarray, known: np.ndarray, kind: Any) -> Any:
    """One list a row that is known, null elsewhere."""
    import pyarrow as pa

    ends = rows.shape[1] * np.concatenate([[0], np.cumsum(known)])
    offsets = pa.array(ends.astype(np.int32), mask=None if known.all() else np.append(~known, False))
    return pa.ListArray.from_arrays(offsets, pa.array(rows.reshape(-1)), type=kind)


def read(file: Any, n_rows: int, n_points: int, n: int, rate_shape: tuple[int, ...]) -> Table:
    """The table of a `pyarrow.parquet.ParquetFile` for n variables."""
    n_point_columns = n if n <= MOST_NAMED else 1
    x, *_, loss, norm, rate = (_dtype(field.type) for field in list(file.schema_arrow)[1 : 4 + n_point_columns])
    table = Table(
        np.empty(n_points, dtype=int),
        np.empty((n_points, n), x),
        np.empty(n_rows, loss),
        np.empty(n_rows, norm),
        np.empty((n_rows, *rate_shape), rate),
    )
    row = point = 0
    for i in range(file.num_row_groups):
        group = file.read_row_group(i)
        columns = [column.combine_chunks() for column in group.columns]
        steps = row + np.flatnonzero(columns[1].is_valid().to_numpy(zero_copy_only=False))
        points, (losses, norms, *rates) = columns[1 : 1 + n_point_columns], columns[1 + n_point_columns :]
        end, point_end = row + len(group), point + len(steps)
        table.point_steps[point:point_end] = steps
        _fill(table.points[point:point_end], points)
        table.losses[row:end], table.gradient_norms[row:end] = _numbers(losses), _numbers(norms)
        _fill(table.learning_rates[row:end].reshape(end - row, -1), rates)
        row, point = end, point_end
    if (row, point) != (n_rows, n_points):
        raise ValueError(f"{row} rows and {point} points, where {n_rows} and {n_points} were written")
    return table


def _dtype(kind: Any) -> np.dtype[Any]:
    import pyarrow as pa

    dtype: np.dtype[Any] = np.dtype((kind.value_type if pa.types.is_list(kind) else kind).to_pandas_dtype())
    return dtype


def _fill(rows: np.ndarray, columns: list[Any]) -> None:
    """Columns, or one of lists, into a matrix; without the nulls."""
    import pyarrow as pa

    if pa.types.is_list(columns[0].type):
        rows[:] = _numbers(columns[0].flatten()).reshape(rows.shape)
        return
    for target, column in zip(rows.T, columns, strict=True):
        target[:] = _numbers(column)


def _numbers(column: Any) -> np.ndarray:
    values = column.to_numpy(zero_copy_only=False)
    return np.asarray(values[column.is_valid().to_numpy(zero_copy_only=False)] if column.null_count else values)
