"""CSV files, converted once to Parquet beside them: text is read ten times as slowly as numbers.

The first line names the columns. What separates them is a comma, a semicolon or a tab, whichever the first line has
most of. Numbers become float64. An empty place, NA, NaN or null is a missing value.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from downslope.errors import InvalidData, InvalidFile
from downslope.progress import progress_bar
from downslope.training.sources.copying import Copy, found_copy, write_copy
from downslope.training.sources.files import Identity

_BLOCK = 2**22
_SEPARATORS = ",;\t"


def converted(paths: list[Path], origin: Path, progress: bool = False) -> Copy:
    """The copy of CSV files as Parquet, made now or before; `origin` is the one file, or their folder.

    Raises InvalidFile for text that is no table, InvalidData for a value of another type than those before it; it names
    the row, which counts from 0.
    """
    made_from = [Identity.of(path) for path in paths]
    copy = found_copy(origin, made_from, None)
    if copy is not None and copy.parts:
        return copy
    size = sum(identity.size for identity in made_from)
    with progress_bar(size if progress else None, with_loss=False, of="bytes") as update:
        reader = _Reader(paths, update)
        copy = write_copy(origin, made_from, reader.schema, reader.batches(), size)
    if not copy.parts:
        raise InvalidFile(origin, "has no rows", parameter="data")
    return copy


class _Reader:
    """CSV files as one stream of Arrow batches."""

    def __init__(self, paths: list[Path], update: Any):
        self.paths, self.update = paths, update
        self.separator = _separator(paths[0])
        self.schema = _schema(paths[0], self.separator)
        self.n_bytes = 0

    def batches(self) -> Iterator[tuple[int, Any]]:
        """The batches of all files, with the number of the file."""
        from pyarrow import csv

        for number, path in enumerate(self.paths):
            if _separator(path) != self.separator or _names(path, self.separator) != self.schema.names:
                rule = f"has other columns than {self.paths[0].name}: {', '.join(_names(path, self.separator))}"
                raise InvalidFile(path, rule, parameter="data")
            with open(path, "rb") as file, _told(path, self.schema):
                size = os.fstat(file.fileno()).st_size
                reader = csv.open_csv(file, **_options(self.separator, self.schema))
                for i, batch in enumerate(reader, start=1):  # a batch is a block; the file is read far ahead
                    self.update(self.n_bytes + min(i * _BLOCK, size), float("nan"))
                    yield number, batch
            self.n_bytes += size


def _options(separator: str, schema: Any = None) -> dict[str, Any]:
    from pyarrow import csv

    return {
        "read_options": csv.ReadOptions(block_size=_BLOCK, use_threads=False),
        "parse_options": csv.ParseOptions(delimiter=separator),
        "convert_options": csv.ConvertOptions(strings_can_be_null=True, column_types=schema),
    }


def _schema(path: Path, separator: str) -> Any:
    """Names and types by the first megabytes; integers may be followed by fractions, and nothing by numbers."""
    import pyarrow as pa
    from pyarrow import csv

    with open(path, "rb") as file, _told(path, None):
        found = csv.open_csv(file, **_options(separator)).schema
    if all(re.fullmatch(r"[-+.\d eE]*", name) for name in found.names):
        rule = f"must name its columns in the first line, which is {separator.join(found.names)[:60]!r}"
        raise InvalidFile(path, rule, parameter="data")

    def lasting(kind: Any) -> Any:
        return pa.float64() if pa.types.is_integer(kind) or pa.types.is_null(kind) else kind

    return pa.schema([(field.name, lasting(field.type)) for field in found])


def _separator(path: Path) -> str:
    line = _first_line(path)
    return max(_SEPARATORS, key=line.count)


def _names(path: Path, separator: str) -> list[str]:
    """The columns of a file by its first line; as in the schema, where it is the same line."""
    import io

    from pyarrow import csv

    line = _first_line(path)
    with _told(path, None):
        return list(csv.open_csv(io.BytesIO((line + "\n").encode()), **_options(separator)).schema.names)


def _first_line(path: Path) -> str:
    try:
        with open(path, encoding="utf-8-sig") as file:
            line = file.readline(2**20).rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise InvalidFile(path, f"is no text in UTF-8: {error.reason}", parameter="data") from None
    except OSError as error:
        raise InvalidFile(path, f"cannot be read: {error.strerror or error}", parameter="data") from error
    if not line:
        raise InvalidFile(path, "is empty", parameter="data")
    return line


class _told:  # noqa: N801 - reads as a word
    """What pyarrow raises within, in our words: with file, row and column."""

    def __init__(self, path: Path, schema: Any):
        self.path, self.schema = path, schema

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        import pyarrow as pa

        if not isinstance(error, pa.ArrowInvalid):
            return
        text = " ".join(str(error).split())
        found = re.search(r"column #(\d+): (?:Row #(\d+): )?.*?(?:to (\w+): )?invalid value '(.*)'", text)
        if found and self.schema is not None:
            number, line, expected, value = found.groups()
            place = f"row {int(line) - 2} of {self.path.name}" if line else self.path.name
            problem = f"holds {value!r}, where the rows before hold values of type {expected}"
            raise InvalidData(place, self.schema.names[int(number)], problem, "correct it") from None
        raise InvalidFile(self.path, f"cannot be read as a table: {text[:300]}", parameter="data") from None
