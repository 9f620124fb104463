"""A .npy file of features, read piece by piece into arrays that are there.

By `readinto`, not by a memory map: where a mapped file is cut short, the next look at it kills the process.
"""

from __future__ import annotations

import hashlib
import re
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile, InvalidInput
from downslope.training.sources.files import Identity
from downslope.training.sources.source import Rows
from downslope.training.sources.vectors import target_vector, weight_vector


class NpyFile:
    """An array of numbers (n, d) in a file, row after row or column after column."""

    def __init__(self, path: Path):
        self.path = path
        self.identity = Identity.of(path)
        self._file: FileIO | None = None
        with open(path, "rb") as file:
            try:
                version = np.lib.format.read_magic(file)
                # The newer formats differ in the header's length and its letters alone, and are rare.
                read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
                shape, self.is_by_columns, self.dtype = read(file)
            except ValueError as error:
                raise InvalidFile(path, f"is no .npy file of numbers: {error}", parameter="data") from None
            self.start = file.tell()
        if self.dtype.kind not in "fiub":
            raise InvalidFile(path, f"must hold real numbers, and holds {self.dtype}", parameter="data")
        if len(shape) not in (1, 2) or 0 in shape:
            raise InvalidFile(path, f"must have rows and features, and has shape {shape}", parameter="data")
        self.n_rows, self.n_columns = shape if len(shape) == 2 else (shape[0], 1)
        expected = self.start + self.n_rows * self.n_columns * self.dtype.itemsize
        if self.identity.size < expected:
            rule = f"is cut short: {self.identity.size} bytes, where its shape {shape} takes {expected}"
            raise InvalidFile(path, rule, parameter="data")

    def read(self, first: int, into: np.ndarray) -> None:
        """The rows from `first` on into an array (m, d) of any layout and type."""
        if self._file is None:
            self.identity.check()
            self._file = FileIO(self.path)
        if self.is_by_columns:
            for i in range(self.n_columns):
                self._fill(i * self.n_rows + first, into[:, i])
        else:
            self._fill(first * self.n_columns, into)

    def _fill(self, place: int, into: np.ndarray) -> None:
        """The numbers from `place` on, as many as there is room for."""
        is_same = into.dtype == self.dtype and into.flags.c_contiguous
        numbers = into if is_same else np.empty(into.shape, self.dtype)
        assert self._file is not None
        self._file.seek(self.start + place * self.dtype.itemsize)
        room = numbers.reshape(-1).view(np.uint8).data
        while len(room):
            n = self._file.readinto(room)
            if not n:
                raise InvalidFile(self.path, "was cut short while it was read", parameter="data")
            room = room[n:]
        if not is_same:
            with np.errstate(over="ignore"):  # beyond float32 is infinite, which who reads finds
                into[:] = numbers

    def close(self) -> None:
        """Close it."""
        if self._file is not None:
            self._file.close()
            self._file = None

    __del__ = close


class NpySource:
    """The rows of a .npy file (n, d).

    Parameters
    ----------
    path
        The file of the features.
    target, weight
        Arrays (n,), in memory or as paths of .npy files; or a column of the file, which is then no feature: its number,
        also as text, or its name (`x1` is the first); None: none.
    """

    is_checked = False
    in_memory: Rows | None = None
    notes: tuple[str, ...] = ()

    def __init__(self, path: Path, target: Any = None, weight: Any = None):
        self.file = file = NpyFile(path)
        self.n_rows = file.n_rows
        self.dtype: np.dtype[Any] = np.dtype(np.float32 if file.dtype in (np.float32, np.float16) else np.float64)
        self.by_rows = not file.is_by_columns
        self._target_column = self._column(target, "target")
        self._weight_column = self._column(weight, "weight")
        self._features = [i for i in range(file.n_columns) if i not in (self._target_column, self._weight_column)]
        self.names = tuple(f"x{i + 1}" for i in self._features)
        if not self.names:
            raise InvalidFile(path, "must have at least one feature beside target and weight", parameter="data")
        self.target_name = None if target is None else "target"
        self.weight_name = None if weight is None else "weight"
        self.labels: tuple[str, ...] | None = None
        self._target = self._weight = None
        if target is not None and self._target_column is None:
            values = _in_memory(target, "target")
            self._target, self.labels = target_vector(values, self.n_rows, self.dtype, "target", self.place)
        if weight is not None and self._weight_column is None:
            values = _in_memory(weight, "weight")
            self._weight = weight_vector(values, self.n_rows, self.dtype, "weight", self.place)

    def _column(self, values: Any, parameter: str) -> int | None:
        """A column of the file, if it is the number or the name of one."""
        n = self.file.n_columns
        if isinstance(values, str) and values in (names := [f"x{k + 1}" for k in range(n)]):
            return names.index(values)
        if isinstance(values, str) and re.fullmatch(r"-?[0-9]+", values):
            values = int(values)
        if not isinstance(values, int | np.integer):
            return None
        if isinstance(values, bool) or not -n <= values < n:
            raise InvalidInput(parameter, f"must be one of the {n} columns of {self.file.path.name}", values)
        return int(values) % n

    def read(self, first: int, into: Rows) -> None:
        """Read the rows from `first` on."""
        end = first + len(into.target)
        if len(self._features) == self.file.n_columns:
            self.file.read(first, into.columns.T)
        else:
            table = np.empty((end - first, self.file.n_columns), self.dtype)
            self.file.read(first, table)
            into.columns[:] = table[:, self._features].T
            if self._target_column is not None:
                into.target[:] = table[:, self._target_column]
            if self._weight_column is not None:
                into.weight[:] = table[:, self._weight_column]
        if self._target is not None:
            into.target[:] = self._target[first:end]
        if self._weight is not None:
            into.weight[:] = self._weight[first:end]
        self.file.identity.check()

    def place(self, row: int) -> str:
        """The row's number in the file."""
        return f"row {row} of {self.file.path.name}"

    def fingerprint(self) -> str:
        """The SHA-256 of name, size and time of the file, and of target and weights that are in memory."""
        file = self.file
        told = (file.path.name, file.identity.size, file.identity.modified, self.names, self._target_column)
        digest = hashlib.sha256(repr((*told, self._weight_column, self.labels)).encode())
        for values in (self._target, self._weight):
            digest.update(b"none" if values is None else np.ascontiguousarray(values).data)
        return digest.hexdigest()

    def close(self) -> None:
        """Close the file."""
        self.file.close()


def _in_memory(values: Any, parameter: str) -> Any:
    """An array that is given, or the one in a file."""
    if not isinstance(values, str | Path):
        return values
    if Path(values).suffix != ".npy":
        raise InvalidInput(
            parameter,
            "must be a column's name (x1 is the first), its number, an array, or the path of a .npy file",
            values,
        )
    file = NpyFile(Path(values))
    array = np.empty((file.n_rows, file.n_columns), file.dtype)
    file.read(0, array)
    file.close()
    return array
