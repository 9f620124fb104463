"""A copy of data that is laid out for training: made once beside them, and used again while they are the same.

    rows.csv  ->  .rows.csv.downslope/part-00000.parquet, ..., and made_from.json, which tells of what

Parquet files of some dozen row groups, which are a block each (order.py), uncompressed, with a checksum for every page:
a block is read without what lies before it, and damage is noticed. The folder takes its name when it is whole; one that
a process left unfinished is swept by the next.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile
from downslope.training.order import block_rows
from downslope.training.sources.files import Identity
from downslope.training.sources.parquet_file import footer_digest

_FILE_PIECES = 2**13
"""Row groups times columns of a file at most: its footer tells of each, and is in memory while the file is open."""
_MADE_FROM = "made_from.json"
_FORMAT = 1


def copy_of(origin: Path) -> Path:
    """Where the copy of a file or folder is kept."""
    return origin.parent / f".{origin.name}.downslope"


@dataclass
class Copy:
    """The files of a copy, and what they were made from."""

    parts: list[Path]
    origins: list[tuple[str, int]]
    """Name and rows of each of the files that it was made from."""
    footers: dict[str, str]
    """The SHA-256 of each file's footer."""
    missing: dict[str, int]
    """The first row in which a column lacks a value, for those that do."""

    @property
    def note(self) -> str:
        """What was done."""
        folder, size = self.parts[0].parent, sum(part.stat().st_size for part in self.parts)
        return f"the data are read from a copy in small blocks, {folder} ({size / 2**20:,.1f} MB), made once"

    def place(self, row: int) -> str:
        """Where a row lies in the files that the copy was made from."""
        for name, n_rows in self.origins:
            if row < n_rows:
                return f"row {row} of {name}"
            row -= n_rows
        raise IndexError(row)


def found_copy(origin: Path, made_from: list[Identity], columns: list[str] | None) -> Copy | None:
    """The copy that there is of just these files as they are, with at least these columns (None: any)."""
    folder = copy_of(origin)
    try:
        digest, _, text = (folder / _MADE_FROM).read_bytes().partition(b"\n")
        if hashlib.sha256(text).hexdigest().encode() != digest:
            return None
        told = json.loads(text)
        if told["format"] != _FORMAT or told["files"] != _told(made_from):
            return None
        if columns is not None and not set(columns) <= set(told["columns"]):
            return None
        parts = [folder / name for name in told["parts"]]
        if not all(part.is_file() for part in parts):
            return None
        origins = [(name, n_rows) for name, n_rows in told["origins"]]
        return Copy(parts, origins, told["footers"], told["missing"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # there is none, or it is none of ours: it is made anew


def write_copy(
    origin: Path, made_from: list[Identity], schema: Any, batches: Iterable[tuple[int, Any]], n_bytes: int
) -> Copy:
    """Write the copy of Arrow batches, which come with the number of the file that each is from; about `n_bytes`.

    Raises InvalidFile where it cannot be written, and leaves nothing then.
    """
    folder = copy_of(origin)
    free = shutil.disk_usage(origin.parent).free
    if free < n_bytes:
        rule = (
            f"takes about {n_bytes / 2**20:,.0f} MB as a copy for training, and {free / 2**20:,.0f} MB are free there"
        )
        raise InvalidFile(origin, rule, parameter="data")
    n_rows, missing = [0] * len(made_from), {}

    def counted() -> Iterator[Any]:
        for number, batch in batches:
            for name, column in zip(schema.names, batch.columns, strict=True):
                if column.null_count and name not in missing:
                    row = int(np.argmax(column.is_null().to_numpy(zero_copy_only=False)))
                    missing[name] = sum(n_rows) + row
            n_rows[number] += len(batch)
            yield _with_values(batch, written)

    written = _always_there(schema)
    with _new_folder(folder, origin) as beside:
        parts = list(_write_parts(beside, written, counted()))
        for identity in made_from:
            identity.check()
        origins = [(identity.path.name, n) for identity, n in zip(made_from, n_rows, strict=True)]
        footers = {part.name: footer_digest(part) for part in parts}
        told = {
            "format": _FORMAT,
            "files": _told(made_from),
            "origins": origins,
            "columns": schema.names,
            "missing": missing,
            "parts": [part.name for part in parts],
            "footers": footers,
        }
        text = json.dumps(told).encode()
        with open(beside / _MADE_FROM, "xb") as file:
            file.write(hashlib.sha256(text).hexdigest().encode() + b"\n" + text)
            file.flush()
            os.fsync(file.fileno())
        shutil.rmtree(folder, ignore_errors=True)
        os.rename(beside, folder)
    return Copy([folder / part.name for part in parts], origins, footers, missing)


def _always_there(schema: Any) -> Any:
    """The schema whose columns of numbers have a value in every row: such are read 1.4 times as fast."""
    import pyarrow as pa

    return pa.schema([field.with_nullable(field.type not in (pa.float32(), pa.float64())) for field in schema])


def _with_values(batch: Any, schema: Any) -> Any:
    """Rows for that schema: NaN is where a number is missing, of which the copy tells apart from its rows."""
    import pyarrow as pa
    from pyarrow import compute

    columns = [
        column if field.nullable or not column.null_count else compute.fill_null(column, float("nan"))
        for field, column in zip(schema, batch.columns, strict=True)
    ]
    return pa.record_batch(columns, schema=schema)


def _told(made_from: list[Identity]) -> list[Any]:
    return [[identity.path.name, identity.inode, identity.size, identity.modified] for identity in made_from]


def _write_parts(folder: Path, schema: Any, batches: Iterable[Any]) -> Iterator[Path]:
    """Write the files, one after the other."""
    groups = _in_groups(batches, block_rows(len(schema.names) - 1))
    following, number = next(groups, None), 0
    while following is not None:
        path = folder / f"part-{number:05}.parquet"
        following, number = _write_part(path, schema, following, groups), number + 1
        yield path


def _write_part(path: Path, schema: Any, following: Any, groups: Iterator[Any]) -> Any:
    """Write one file, and give the row group that begins the next one."""
    from pyarrow import parquet

    with (
        open(path, "xb") as file,
        parquet.ParquetWriter(
            file, schema, compression="none", use_dictionary=False, write_page_checksum=True
        ) as writer,
    ):
        for _ in range(max(1, _FILE_PIECES // len(schema))):
            writer.write_table(following, row_group_size=len(following))
            following = next(groups, None)
            if following is None:
                break
        writer.close()
        file.flush()
        os.fsync(file.fileno())
    return following


def _in_groups(batches: Iterable[Any], rows: int) -> Iterator[Any]:
    """The batches as tables of so many rows each, but for the last."""
    import pyarrow as pa

    waiting: list[Any] = []
    n = 0
    for batch in batches:
        while n + len(batch) >= rows:
            head, batch = batch.slice(0, rows - n), batch.slice(rows - n)
            yield pa.Table.from_batches([*waiting, head])
            waiting, n = [], 0
        if len(batch):
            waiting.append(batch)
            n += len(batch)
    if waiting:
        yield pa.Table.from_batches(waiting)


@contextmanager
def _new_folder(folder: Path, origin: Path) -> Iterator[Path]:
    """A new folder beside, gone in the end unless it was renamed; those that nobody writes to any more are swept."""
    _sweep(folder)
    beside = folder.with_name(f"{folder.name}-{uuid.uuid4().hex}.tmp")
    try:
        beside.mkdir()
        with _locked(beside):
            yield beside
    except OSError as error:
        rule = f"cannot be copied for training to {folder.name} beside it: {error.strerror or error}"
        raise InvalidFile(origin, rule, parameter="data") from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _sweep(folder: Path) -> None:
    """Remove what processes left that were killed: folders on which nobody has a lock."""
    for left in folder.parent.glob(f"{folder.name}-*.tmp"):
        with contextlib.suppress(OSError), _locked(left):
            shutil.rmtree(left, ignore_errors=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """A lock on a folder, which ends with the process however that ends; OSError where another has it."""
    try:
        import fcntl
    except ImportError:  # Windows, which has no lock on a folder
        yield
        return
    number = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    finally:
        os.close(number)
