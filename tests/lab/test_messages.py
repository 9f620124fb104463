"""The binary form of answers is what docs/laboratory.md says, byte by byte, and gives back what was put in."""

import json
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from downslope.lab.messages import joined, packed, split, unpacked

floats = st.floats(width=64)
leaves = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
arrays = st.lists(floats, max_size=6).map(np.array) | st.lists(st.tuples(floats, floats), min_size=1, max_size=4).map(
    np.array
)
names = st.text(max_size=6).filter(lambda name: name != "$array")
answers = st.recursive(
    leaves | arrays,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4),
    max_leaves=12,
)


def alike(one, other):
    if isinstance(one, np.ndarray):
        return isinstance(other, np.ndarray) and one.shape == other.shape and one.tobytes() == other.tobytes()
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if isinstance(one, list):
        return len(one) == len(other) and all(map(alike, one, other))
    return one == other


@given(answers)
def test_what_is_packed_is_unpacked_to_the_last_bit(answer):
    assert alike(answer, unpacked(packed(answer)))
    assert alike(answer, joined(*split(answer)))


def test_the_bytes_are_those_of_the_document():
    message = packed({"id": 7, "result": {"x": np.array([[1.5, -2.0]]), "n": np.array([3])}})
    (length,) = struct.unpack("<I", message[:4])
    assert (4 + length) % 8 == 0
    head = json.loads(message[4 : 4 + length].decode("utf-8"))
    assert head == {"id": 7, "result": {"x": {"$array": [0, 1, 2]}, "n": {"$array": [2, 1]}}}
    assert struct.unpack("<3d", message[4 + length :]) == (1.5, -2.0, 3.0)


@pytest.mark.parametrize(("number", "text"), [(float("nan"), "nan"), (float("inf"), "inf"), (float("-inf"), "-inf")])
def test_outside_arrays_what_is_not_finite_is_text(number, text):
    assert unpacked(packed({"loss": number, "list": [np.float64(number)]})) == {"loss": text, "list": [text]}


def test_inside_arrays_it_stays():
    assert np.isnan(unpacked(packed(np.array([np.nan])))).all()
