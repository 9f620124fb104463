"""Whatever a user has, as a source."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from downslope.errors import InvalidFile, InvalidInput
from downslope.training.order import block_rows
from downslope.training.sources import csv
from downslope.training.sources.arrays import ArraySource
from downslope.training.sources.files import Identity, files_of
from downslope.training.sources.frames import frame_source, is_frame
from downslope.training.sources.kept import KeptSource, is_small
from downslope.training.sources.npy import NpySource
from downslope.training.sources.parquet import ParquetSource
from downslope.training.sources.regrouping import regrouped
from downslope.training.sources.source import Source

_MOST_GROUP_BLOCKS = 2
"""Row groups of more blocks than this are read again and again by shuffling."""


def open_source(
    data: Any,
    target: Any = None,
    weight: Any = None,
    *,
    features: Sequence[str] | None = None,
    shuffle: bool = True,
    progress: bool = False,
) -> Source:
    """A source for data of any kind.

    Parameters
    ----------
    data
        A source; an array (n, d), or a tuple (features, target) or (features, target, weight); a pandas or polars frame
        or Arrow table; a path to a .parquet, .csv or .npy file, or to a folder of files of one kind.
    target, weight
        Arrays (n,) beside an array or a frame; names of columns of a frame, of Parquet and of CSV; beside a .npy file
        arrays, paths to others or the number of a column. None: there is none.
    features
        The names of the columns to use, and their order; None: all but target and weight.
    shuffle
        Whether rows will be asked for in any order. Large row groups are then copied once into small ones.
    progress
        Whether a bar shows how far a conversion is.

    Raises
    ------
    InvalidInput
        No such kind, or parts that do not fit together.
    InvalidData
        A value or column that cannot be trained on.
    InvalidFile
        A file that is missing, damaged, or unlike its neighbours.
    UnknownName
        A column that is not there.

    >>> open_source(([[1.0], [2.0]], [0, 1])).n_rows
    2
    """
    if isinstance(data, str | os.PathLike):
        return _of_files(files_of(os.fspath(data)), Path(os.fspath(data)), target, weight, features, shuffle, progress)
    if hasattr(data, "read") and hasattr(data, "fingerprint"):
        return data  # type: ignore[no-any-return]
    if isinstance(data, tuple):
        if len(data) not in (2, 3) or target is not None or (len(data) == 3 and weight is not None):
            raise InvalidInput("data", "must be (features, target) or (features, target, weight)", data)
        data, target, weight = data[0], data[1], data[2] if len(data) == 3 else weight
    if is_frame(data):
        return _of_frame(data, target, weight, features)
    if features is not None:
        raise InvalidInput("features", "are chosen by name, and an array has no names", features)
    return ArraySource(data, target, weight)


def _of_frame(frame: Any, target: Any, weight: Any, features: Sequence[str] | None) -> Source:
    """A source of a frame, whose target and weights are columns of it or arrays beside it."""
    beside = [value for value in (target, weight) if value is not None and not isinstance(value, str)]
    if not beside:
        return frame_source(frame, target, weight, features)
    if len(beside) < sum(value is not None for value in (target, weight)):
        raise InvalidInput("weight", "must be a column's name as the target is, or an array as the target is", weight)
    rows = frame_source(frame, None, None, features)
    return ArraySource(rows.in_memory.columns.T, target, weight, names=rows.names)


def _of_files(
    files: list[Path],
    origin: Path,
    target: Any,
    weight: Any,
    features: Sequence[str] | None,
    shuffle: bool,
    progress: bool,
) -> Source:
    """A source of files of one kind, kept in memory where it is small."""
    kind = files[0].suffix.lower()
    source: Source
    if kind == ".npy":
        if len(files) > 1:
            raise InvalidInput("data", "must be one .npy file; a folder may hold .parquet or .csv files", str(origin))
        if features is not None:
            raise InvalidInput("features", "are chosen by name, and a .npy file has no names", features)
        source = NpySource(files[0], target, weight)
    else:
        for parameter, name in (("target", target), ("weight", weight)):
            if name is not None and not isinstance(name, str):
                raise InvalidInput(parameter, "must be the name of a column of the files", name)
        copy = csv.converted(files, origin, progress) if kind == ".csv" else None
        parquet = ParquetSource(copy.parts if copy else files, target, weight, features, copy=copy)
        is_coarse = parquet.largest_group > _MOST_GROUP_BLOCKS * block_rows(len(parquet.names))
        if shuffle and copy is None and is_coarse and not is_small(parquet):
            try:
                parquet = regrouped(parquet, origin, [Identity.of(file) for file in files], progress)
            except InvalidFile as error:  # a full disk, say; damage is met again when it is read
                parquet.notes = (f"large row groups make shuffling slow, and no copy in small ones was made: {error}",)
        source = parquet
    return KeptSource(source) if is_small(source) else source
