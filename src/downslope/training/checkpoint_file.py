"""The file of a checkpoint: any flipped or missing byte is told.

    magic, 24 bytes   SHA-256 of all that follows, 32   bytes of the header, 8   header: JSON   arrays, aligned

Nothing of a file is believed before its checksum agrees. Nothing is ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

import downslope
from downslope.errors import InvalidFile, InvalidInput
from downslope.storage.metadata import decoded, encoded

_MAGIC = b"downslope checkpoint\0\0\0\1"
_HEAD = len(_MAGIC) + 32 + 8
_ALIGNED = 64
_FORMAT = 1


@dataclass(frozen=True)
class Checkpoint:
    """A state that was read."""

    path: Path
    step: int
    arrays: dict[str, np.ndarray]
    facts: dict[str, Any]
    """What `write` was given: numbers, words, lists and dicts of them."""


def read(path: Path, *, parameter: str = "checkpoint") -> Checkpoint:
    """One checkpoint; InvalidFile unless each byte is the one that was written."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InvalidFile(path, f"cannot be read: {error.strerror or error}", parameter=parameter) from error
    if content[: len(_MAGIC)] != _MAGIC[: len(content)]:
        raise InvalidFile(path, "is damaged, or no checkpoint: it does not begin as one", parameter=parameter)
    digest = content[len(_MAGIC) : len(_MAGIC) + 32]
    view = memoryview(content)
    if len(content) < _HEAD or hashlib.sha256(view[len(_MAGIC) + 32 :]).digest() != digest:
        raise InvalidFile(path, "is damaged: its bytes are not those that were written", parameter=parameter)
    size = int.from_bytes(view[_HEAD - 8 : _HEAD], "little")
    told = json.loads(bytes(view[_HEAD : _HEAD + size]))
    if told["format"] > _FORMAT:
        rule = f"was written by downslope {told['written_by']}, whose format this one does not know: upgrade downslope"
        raise InvalidFile(path, rule, parameter=parameter)
    arrays = {}
    for name, kind, shape, start in told["arrays"]:
        count = int(np.prod(shape, dtype=int))
        arrays[name] = np.frombuffer(view, np.dtype(kind), count, start).reshape(shape).astype(np.dtype(kind[1:]))
    return Checkpoint(path, told["step"], arrays, decoded(told["facts"]))


def write_to(file: BinaryIO, step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> None:
    """Write one; InvalidInput for an array of Python objects."""
    header, contiguous = _header(step, arrays, facts)
    file.write(_MAGIC + bytes(32) + len(header).to_bytes(8, "little"))
    digest = hashlib.sha256(len(header).to_bytes(8, "little"))
    for part in _parts(header, contiguous):
        digest.update(part)
        file.write(part)
    file.seek(len(_MAGIC))
    file.write(digest.digest())


def _header(step: int, arrays: Mapping[str, np.ndarray], facts: Mapping[str, Any]) -> tuple[bytes, list[np.ndarray]]:
    """The header, as long as it needs to be to tell where the arrays are, and these as they are written."""
    contiguous, places = [], []
    for name, array in arrays.items():
        array = np.asarray(array)
        if array.dtype.kind not in "fiub":
            raise InvalidInput("arrays", f"must be numbers; {name} is of type", array.dtype)
        contiguous.append(np.ascontiguousarray(array, array.dtype.newbyteorder("<")))
        places.append([name, "<" + contiguous[-1].dtype.str[1:], list(array.shape)])
    told = {"format": _FORMAT, "written_by": downslope.__version__, "step": int(step), "facts": encoded(dict(facts))}

    def text(first: int) -> bytes:
        starts = _starts(first, contiguous)
        listed = [[*place, start] for place, start in zip(places, starts, strict=True)]
        return json.dumps(told | {"arrays": listed}, allow_nan=False).encode()

    size = _HEAD
    while _aligned(_HEAD + len(text(size))) != size:  # digits of the places may make it longer
        size = _aligned(_HEAD + len(text(size)))
    return text(size).ljust(size - _HEAD), contiguous


def _starts(first: int, arrays: list[np.ndarray]) -> Iterator[int]:
    for array in arrays:
        yield first
        first = _aligned(first + array.nbytes)


def _parts(header: bytes, arrays: list[np.ndarray]) -> Iterator[Any]:
    """What follows the head of a file, piece by piece."""
    yield header
    for array in arrays:
        yield array.reshape(-1).view(np.uint8).data
        yield bytes(_aligned(array.nbytes) - array.nbytes)


def _aligned(size: int) -> int:
    return -(-size // _ALIGNED) * _ALIGNED
