"""A checksum over the whole file, inside of it.

Parquet's page checksums cover its numbers alone: a bit flipped in a header or in the footer reads as other names,
counts or metadata, or leads the reader astray. So the footer holds, under the key `downslope.sha256`, the SHA-256
of the file with zeros in the checksum's own place, and no byte is parsed before it agrees.

This key stays the same in all formats to come, so that an old reader can tell a newer file from a damaged one.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import BinaryIO

from downslope.errors import InvalidFile

KEY = "downslope.sha256"
BLANK = "0" * 64
# In a footer a text follows its type and its length, here 8 (after 1 for "the next field") and 64.
_SEAL = re.compile(re.escape(KEY.encode()) + rb"\x18\x40([0-9a-f]{64})", re.DOTALL)
_MAGIC = b"PAR1"
_CHUNK = 2**20


def seal(file: BinaryIO, path: Path) -> None:
    """Write the checksum into a finished Parquet file that has BLANK under KEY."""
    place = _place(file, path)
    digits = _digest(file, place)
    file.seek(place)
    file.write(digits)


def check_seal(file: BinaryIO, path: Path) -> None:
    """InvalidFile unless each byte is the one that was written."""
    place = _place(file, path)
    file.seek(place)
    if file.read(len(BLANK)) != _digest(file, place):
        raise InvalidFile(path, "is damaged: its bytes are not those that were written")


def _place(file: BinaryIO, path: Path) -> int:
    """Where the checksum's digits begin."""
    size = file.seek(0, os.SEEK_END)
    if size == 0:
        raise InvalidFile(path, "is empty")
    file.seek(0)
    head = file.read(4)
    if head != _MAGIC[: len(head)]:
        raise InvalidFile(path, "is no Parquet file, as run.save() writes them")
    file.seek(max(0, size - 8))
    tail = file.read()
    footer_size = int.from_bytes(tail[:4], "little")
    if tail[4:] != _MAGIC or footer_size > size - 12:
        raise InvalidFile(path, "is cut short or damaged: it does not end as a Parquet file does")
    footer = size - 8 - footer_size
    file.seek(footer)
    found = list(_SEAL.finditer(file.read(footer_size)))
    if len(found) != 1:
        raise InvalidFile(path, f"is a Parquet file, and not one that run.save() wrote (no single {KEY} in it)")
    return footer + found[0].start(1)


def _digest(file: BinaryIO, place: int) -> bytes:
    """The SHA-256 of the file with zeros at its digits' place, as digits."""
    digest = hashlib.sha256()
    file.seek(0)
    left = place
    while left:
        chunk = file.read(min(left, _CHUNK))
        digest.update(chunk)
        left -= len(chunk)
    digest.update(BLANK.encode())
    file.seek(place + len(BLANK))
    while chunk := file.read(_CHUNK):
        digest.update(chunk)
    return digest.hexdigest().encode()
