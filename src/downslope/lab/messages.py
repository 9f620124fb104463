"""Answers as the page reads them: a head of JSON, then all arrays as one run of little-endian float64.

    bytes 0 ... 3     length of the head, unsigned and little-endian
    the head          UTF-8, padded with spaces so that the arrays begin at a multiple of eight
    the arrays        one after another

In the head an array is {"$array": [offset, n_1, n_2, ...]}, its place among the numbers and its shape. An array keeps
NaN and infinities as they are; JSON has none, so elsewhere they are the texts "nan", "inf" and "-inf".
"""

from __future__ import annotations

import json
import math
import struct
from typing import Any

import numpy as np

_WORD = 8


def split(answer: Any) -> tuple[Any, bytes]:
    """The head as plain JSON values, and the arrays' bytes.

    >>> head, numbers = split({"x": np.array([[1.0, 2.0]]), "loss": float("nan")})
    >>> head, len(numbers)
    ({'x': {'$array': [0, 1, 2]}, 'loss': 'nan'}, 16)
    """
    arrays: list[np.ndarray] = []
    head = _plain(answer, arrays, 0)[0]
    return head, b"".join(array.tobytes() for array in arrays)


def packed(answer: Any) -> bytes:
    """One binary message.

    >>> packed({"id": 1, "result": {"loss": 0.5}})
    b'$\\x00\\x00\\x00{"id":1,"result":{"loss":0.5}}      '
    """
    head, numbers = split(answer)
    text = json.dumps(head, separators=(",", ":"), allow_nan=False).encode()
    text += b" " * (-(4 + len(text)) % _WORD)
    return b"".join((struct.pack("<I", len(text)), text, numbers))


def unpacked(message: bytes) -> Any:
    """What was packed, with NumPy arrays; for tests and for clients in Python.

    >>> unpacked(packed({"x": np.array([1.0, np.inf])}))
    {'x': array([ 1., inf])}
    """
    (length,) = struct.unpack_from("<I", message)
    head = json.loads(message[4 : 4 + length])
    return joined(head, message[4 + length :])


def joined(head: Any, numbers: bytes) -> Any:
    """The inverse of `split`, but for the texts in the place of NaN."""
    flat = np.frombuffer(numbers, "<f8")

    def whole(value: Any) -> Any:
        if isinstance(value, dict) and value.keys() == {"$array"}:
            offset, *shape = value["$array"]
            return flat[offset : offset + math.prod(shape)].reshape(shape)
        if isinstance(value, dict):
            return {key: whole(inner) for key, inner in value.items()}
        return [whole(inner) for inner in value] if isinstance(value, list) else value

    return whole(head)


def _plain(value: Any, arrays: list[np.ndarray], n: int) -> tuple[Any, int]:
    """A value as JSON can hold it, and how many numbers there are in the arrays by then."""
    if isinstance(value, np.ndarray):
        arrays.append(np.ascontiguousarray(value, dtype="<f8"))
        return {"$array": [n, *value.shape]}, n + value.size
    if isinstance(value, dict):
        told = {}
        for key, inner in value.items():
            told[key], n = _plain(inner, arrays, n)
        return told, n
    if isinstance(value, list | tuple):
        items = []
        for inner in value:
            item, n = _plain(inner, arrays, n)
            items.append(item)
        return items, n
    if isinstance(value, np.generic):
        value = value.item()
    return (str(value) if isinstance(value, float) and not math.isfinite(value) else value), n
