"""One Parquet file: what its footer tells, and how it is opened."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidFile
from downslope.training.sources.files import Identity

_BUFFER = 2**16
_SMALL_GROUP = 2**25
"""Row groups of up to 32 MB are read as they are, a tenth more quickly than through a buffer for each column."""


class ParquetFile:
    """A file that was looked at, and is opened when it is read.

    `footer` is the SHA-256 that its footer must have. Parquet has checksums for pages alone, and a flipped bit of a
    footer can read as other numbers, or end the process within pyarrow.
    """

    def __init__(self, path: Path, footer: str | None = None):
        self.path = path
        self.identity = Identity.of(path)
        self._buffer = _BUFFER
        self.footer = footer_digest(path)
        if footer is not None and self.footer != footer:
            raise InvalidFile(path, "is damaged: its footer is not the one that was written", parameter="data")
        with self.opened() as opened:
            metadata = opened.metadata
            self.schema = opened.schema_arrow
            groups = [metadata.row_group(i) for i in range(metadata.num_row_groups)]
            rows = [group.num_rows for group in groups]
            if all(group.total_byte_size <= _SMALL_GROUP for group in groups):
                self._buffer = 0
        self.group_rows = np.array(rows, np.int64)
        self.group_starts = np.concatenate([[0], np.cumsum(self.group_rows)])
        self.n_rows = int(self.group_starts[-1])

    def open(self) -> Any:
        """The reader of pyarrow for it, which compares pages with their checksums."""
        from pyarrow import parquet

        with reading(self.path):
            return parquet.ParquetFile(
                self.path, pre_buffer=False, buffer_size=self._buffer, page_checksum_verification=True
            )

    @contextmanager
    def opened(self) -> Iterator[Any]:
        """The reader, closed in the end; what pyarrow raises becomes InvalidFile."""
        with reading(self.path):
            reader = self.open()
            try:
                yield reader
            finally:
                reader.close()

    def first_missing(self, names: list[str]) -> tuple[str, Any, int] | None:
        """The first of these columns whose statistics tell that it lacks values: its name, a row group, its first row.

        The group is an Arrow array. None where no statistics tell of any.
        """
        with self.opened() as opened:
            metadata = opened.metadata
            places = {metadata.schema.column(i).path: i for i in range(metadata.num_columns)}
            for name in names:
                for i in range(metadata.num_row_groups):
                    statistics = metadata.row_group(i).column(places[name]).statistics
                    if statistics is not None and statistics.has_null_count and statistics.null_count:
                        column = opened.read_row_group(i, columns=[name]).column(0).combine_chunks()
                        return name, column, int(self.group_starts[i])
        return None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """What pyarrow raises within becomes InvalidFile, which names the file."""
    import pyarrow as pa

    try:
        yield
    except FileNotFoundError:
        raise InvalidFile(path, "does not exist", parameter="data") from None
    except MemoryError:  # which pyarrow's own is, too
        raise
    except (OSError, pa.ArrowException) as error:
        text = " ".join(str(error).split())
        raise InvalidFile(path, f"is damaged, cut short or no Parquet file: {text}", parameter="data") from error


def footer_digest(path: Path) -> str:
    """The SHA-256 of what stands at the end of a Parquet file: schema, places, statistics."""
    with reading(path), open(path, "rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 8))
        footer = int.from_bytes(file.read(4), "little")
        file.seek(max(0, size - 8 - footer))
        return hashlib.sha256(file.read(footer)).hexdigest()
