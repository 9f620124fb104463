"""A sweep on disk: a folder of Parquet files, one a block of lanes, and what was asked for as JSON.

    sweep/_sweep.json           the specification
    sweep/part-00000.parquet    the first lanes, one a row
    sweep/part-00001.parquet    the next ones

It is a folder because a Parquet file can only be written in one go: its footer comes last, so that a single file
would be lost with the process. pandas, polars, DuckDB and pyarrow read the folder as one table; names that begin
with an underscore or a dot are passed over. Each part is written as a whole or not at all, and its footer tells which
lane it begins with and how its lanes ended: so the parts alone say how far the sweep has come.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile
from downslope.storage.atomic_file import check_path, replacing
from downslope.sweeps.behaviour import WORDS
from downslope.sweeps.tally import STATUSES, Block

try:
    import fcntl
except ImportError:  # Windows: nothing keeps others from the folder there
    fcntl = None  # type: ignore[assignment]

SPECIFICATION = "_sweep.json"
_KEY = b"downslope"


@dataclass(frozen=True)
class Part:
    """One file, as its footer describes it."""

    path: Path
    first: int
    """The number of its first lane."""
    n_rows: int
    statuses: dict[str, int]
    """How many lanes ended so, by the status's name."""
    best_loss: float | None
    """The lowest loss at an end; None where none is a number."""
    best_row: int | None

    @property
    def end(self) -> int:
        """The number of the lane after its last."""
        return self.first + self.n_rows


def check_folder(path: Any) -> Path:
    """`path` as a Path; InvalidFile where no sweep can be put there."""
    folder = check_path(path)
    rule = ""
    try:
        names = [name for name in os.listdir(folder) if not name.startswith(".")]
        if names and SPECIFICATION not in names:
            rule = f"holds {names[0]!r}, and must be empty or hold a sweep"
    except FileNotFoundError:
        if not folder.parent.is_dir():
            rule = f"cannot be made: there is no folder {folder.parent}"
    except NotADirectoryError:
        rule = "is no folder, and must be one: it holds a file for each block of runs"
    except (OSError, ValueError) as error:  # no permission, a name too long, a zero byte
        rule = f"cannot be a folder: {getattr(error, 'strerror', None) or error}"
    if rule:
        raise InvalidFile(folder, rule)
    return folder


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """The folder, made where there is none, with other processes kept from writing to it.

    The system lets go of it when this process dies.
    """
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InvalidFile(folder, f"cannot be made: {error.strerror or error}") from None
    if fcntl is None:
        yield
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InvalidFile(folder, "is being written by another process") from None
        for left in folder.glob(".downslope-*.tmp"):  # by a process that was killed
            left.unlink()
        yield
    finally:
        os.close(handle)


def read_specification(folder: Path) -> dict[str, Any] | None:
    """What the sweep in this folder was asked for; None where it has not begun."""
    try:
        told: dict[str, Any] = json.loads((folder / SPECIFICATION).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise InvalidFile(folder / SPECIFICATION, f"cannot be read: {error}") from None
    return told


def write_specification(folder: Path, asked: dict[str, Any]) -> None:
    """Begin a sweep."""
    with replacing(folder / SPECIFICATION) as file:
        file.write(json.dumps(asked, indent=1).encode())


def parts_in(folder: Path) -> list[Part]:
    """The parts in order; InvalidFile where one is damaged or missing."""
    paths = sorted(folder.glob("part-*.parquet"), key=lambda path: (len(path.name), path.name))
    parts = [_read(path) for path in paths]
    n = 0
    for k, part in enumerate(parts):
        if part.first != n or part.path != _path(folder, k):
            raise InvalidFile(folder, f"has lost runs: {_path(folder, k).name} must be there, from run {n} on")
        n = part.end
    return parts


def _path(folder: Path, k: int) -> Path:
    return folder / f"part-{k:05d}.parquet"


def _read(path: Path) -> Part:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        footer = parquet.read_metadata(path)
        told = json.loads(footer.metadata[_KEY])
        return Part(path, n_rows=footer.num_rows, **told)
    except (OSError, pa.ArrowException, KeyError, TypeError, ValueError) as error:
        raise InvalidFile(
            path,
            f"is damaged, or not of a sweep ({error}); without it and all later parts, the sweep goes on from there",
        ) from None


def write(folder: Path, k: int, first: int, columns: dict[str, np.ndarray]) -> Part:
    """Write the k-th part."""
    import pyarrow as pa
    from pyarrow import parquet

    statuses, counts = np.unique(columns["status"], return_counts=True)
    losses = columns["loss"]
    best = None if np.isnan(losses).all() else int(np.nanargmin(losses))
    told: dict[str, Any] = {
        "first": first,
        "statuses": dict(zip(statuses.tolist(), counts.tolist(), strict=True)),
        "best_loss": None if best is None else float(losses[best]),
        "best_row": best,
    }
    table = pa.table({name: _arrow(values) for name, values in columns.items()})
    table = table.replace_schema_metadata({_KEY: json.dumps(told).encode()})
    path = _path(folder, k)
    with replacing(path) as file:
        # Few numbers repeat, and those that do, such as labels, are found by the compression.
        parquet.write_table(table, file, use_dictionary=_words(columns), write_page_checksum=True)
    return Part(path, n_rows=len(losses), **told)


def read(part: Part, first: int = 0, n_rows: int | None = None) -> dict[str, np.ndarray]:
    """The columns of some of its rows."""
    from pyarrow import parquet

    table = parquet.read_table(part.path).slice(first, n_rows)
    columns = {}
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = column.combine_chunks()
        if name.endswith(" x") and hasattr(values.type, "list_size"):
            columns[name] = values.flatten().to_numpy().reshape(len(values), -1)
        else:
            columns[name] = np.asarray(values.to_pylist()) if hasattr(values, "indices") else values.to_numpy()
    return columns


def read_block(part: Part) -> Block:
    """What is counted."""
    from pyarrow import parquet

    table = parquet.read_table(part.path, columns=["status", "behaviour", "loss", "n_steps"])
    return Block(
        part.first,
        status=_numbered(table["status"], STATUSES),
        behaviour=_numbered(table["behaviour"], WORDS),
        loss=table["loss"].to_numpy(),
        n_steps=table["n_steps"].to_numpy(),
    )


def _numbered(column: Any, words: np.ndarray) -> np.ndarray:
    """A column of words as their places in `words`."""
    values = column.unify_dictionaries().combine_chunks()
    place = {str(word): k for k, word in enumerate(words)}
    places = np.array([place[word] for word in values.dictionary.to_pylist()], np.int64)
    return np.asarray(places[values.indices.to_numpy()])


def _words(columns: dict[str, np.ndarray]) -> list[str]:
    return [name for name, values in columns.items() if values.dtype.kind == "U"]


def _arrow(values: np.ndarray) -> Any:
    import pyarrow as pa

    if values.dtype.kind == "U":
        return pa.array(values).dictionary_encode()  # pandas reads categories, of a byte or so a row
    if values.ndim == 2:
        return pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), values.shape[1])
    return pa.array(values)
