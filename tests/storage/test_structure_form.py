"""Structures as JSON: the same containers again, or the nearest that need no class."""

import json
import sys
from collections import OrderedDict, defaultdict
from typing import NamedTuple

import equinox
import jax
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from downslope import InvalidInput
from downslope.objectives.structure import Structure
from downslope.storage.structure_form import from_form, to_form
from tests.storage.runs import assert_same, assert_same_value, bits, made_run, saved_and_loaded


class Line(NamedTuple):
    slope: object
    offset: object  # alphabetically before slope, and yet after it


class Layer(equinox.Module):
    weight: object
    bias: object
    size: int = equinox.field(static=True, default=2)


numbers = st.floats(-9, 9, width=16)
arrays = st.builds(
    lambda shape, dtype, seed: np.random.default_rng(seed).normal(size=shape).astype(dtype),
    st.lists(st.integers(1, 3), max_size=3).map(tuple),
    st.sampled_from(["float16", "float32", "float64"]),
    st.integers(0, 99),
)
leaves = numbers | arrays | st.lists(numbers, min_size=1, max_size=3)
keys = st.text(max_size=3) | st.integers(-9, 9).map(str)


def containers(parts):
    return (
        st.dictionaries(keys, parts, min_size=1, max_size=3)
        | st.dictionaries(st.integers(-9, 9), parts, min_size=1, max_size=3)
        | st.dictionaries(keys, parts, min_size=1, max_size=3).map(OrderedDict)
        | st.lists(parts, min_size=1, max_size=3)
        | st.lists(parts, min_size=1, max_size=3).map(tuple)
    )


def is_a_start(start):
    """Rows of unequal lengths are none."""
    try:
        return bool(Structure.of(start))
    except InvalidInput:
        return False


def with_custom(parts):
    return containers(parts) | st.builds(Line, parts, parts) | st.builds(Layer, parts, parts)


starts = st.recursive(leaves, containers, max_leaves=8).filter(is_a_start)
customs = st.recursive(leaves, with_custom, max_leaves=6).filter(is_a_start)


def again(structure):
    """Through JSON and back."""
    return from_form(json.loads(json.dumps(to_form(structure), allow_nan=False)))


@given(starts)
def test_plain_containers_are_the_same_again(start):
    structure, _ = Structure.of(start)
    assert again(structure) == (structure, [])


@given(starts, st.sampled_from(["whole", "thinned", "none"]), st.booleans())
def test_any_start_s_run_is_kept(tmp_path_factory, start, path, last_is_finite):
    run = made_run(start, 4, path, last_is_finite=last_is_finite)
    assert_same(saved_and_loaded(run, tmp_path_factory.mktemp("run")), run)


@given(customs)
def test_other_containers_keep_order_names_and_numbers(start):
    structure, flat = Structure.of(start)
    found, notes = again(structure)
    assert found.names() == structure.names()
    assert found.shapes == structure.shapes
    assert bits(found.flatten(found.restore(flat))) == bits(flat)
    has_custom = any(name in str(structure.treedef) for name in ("Line", "Layer"))
    assert bool(notes) == has_custom


@given(customs, st.sampled_from(["whole", "none"]))
def test_like_gives_the_containers_back(tmp_path_factory, start, path):
    run = made_run(start, 2, path)
    assert_same(saved_and_loaded(run, tmp_path_factory.mktemp("run"), like=start), run)


def test_a_named_tuple_becomes_a_dict_by_field_name_and_a_note_says_so(tmp_path):
    start = {"fit": Line(slope=[1.0, 2.0], offset=3.0)}
    run = made_run(start)
    loaded = saved_and_loaded(run, tmp_path)
    assert list(loaded.x["fit"]) == ["slope", "offset"]
    assert_same_value(loaded.x["fit"]["slope"], run.x["fit"].slope)
    assert_same_value(loaded.path["fit"]["offset"], run.path["fit"].offset)
    name = f"{Line.__module__}.Line"
    assert loaded.notes == (
        *run.notes,
        f"{name} is an ordered dict here; load(path, like=x0) takes the containers of x0",
    )
    assert saved_and_loaded(run, tmp_path, like=start).notes == run.notes


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (defaultdict(list, {"b": 1.0, "a": 2.0}), {"a": 2.0, "b": 1.0}),
        ({(1, 2): 1.0, (0, 5): 2.0}, {"(0, 5)": 2.0, "(1, 2)": 1.0}),
        ({np.int64(2): 1.0, np.int64(1): 2.0}, {"1": 2.0, "2": 1.0}),
        ({1.5: 1.0, 0.5: 2.0}, {0.5: 2.0, 1.5: 1.0}),
        ({True: 1.0}, {True: 1.0}),
        (Layer([1.0], 2.0), {"weight": np.array([1.0]), "bias": 2.0}),
        (Layer(jax.numpy.ones(1), None), {"weight": jax.numpy.ones(1), "bias": None}),
    ],
    ids=str,
)
def test_what_json_cannot_tell_becomes_text(start, expected):
    structure, flat = Structure.of(start)
    found, _ = again(structure)
    assert dict(found.restore(flat)) == expected


def test_keys_that_read_alike_stay_apart():
    class Key:
        def __init__(self, number):
            self.number = number

        def __lt__(self, other):
            return self.number < other.number

        def __repr__(self):
            return "key"

    structure, flat = Structure.of({Key(1): 1.0, Key(2): 2.0})
    assert dict(again(structure)[0].restore(flat)) == {"0 key": 1.0, "1 key": 2.0}


@pytest.mark.parametrize(
    "start",
    [
        torch.arange(3.0),
        torch.tensor(2.0, dtype=torch.float64),
        {"a": torch.arange(3.0, dtype=torch.float64), "b": 2.0},
        jax.numpy.arange(3.0),
        {"a": jax.numpy.arange(3.0), "b": [1.0, 2.0]},
    ],
    ids=str,
)
def test_jax_and_pytorch_keep_their_kind(start, tmp_path):
    run = made_run(start)
    assert_same(saved_and_loaded(run, tmp_path), run)


@pytest.mark.parametrize("start", [torch.arange(3.0), {"a": torch.arange(3.0), "b": 2.0}], ids=str)
def test_without_pytorch_its_tensors_become_numpy_s_and_a_note_says_so(start, tmp_path, monkeypatch):
    run = made_run(start)
    run.save(tmp_path / "run.parquet")
    monkeypatch.setitem(sys.modules, "torch", None)  # as where it is not installed
    import downslope

    loaded = downslope.load(tmp_path / "run.parquet")
    assert loaded.notes[-1] == "the start was made of torch arrays; here, without torch, they are NumPy's"
    assert {type(leaf) for leaf in jax.tree.leaves(loaded.x)} <= {np.ndarray, float}
    monkeypatch.undo()
    assert bits(loaded.structure.flatten(loaded.x)) == bits(run.structure.flatten(run.x))


def test_like_sets_the_kind_of_arrays_too(tmp_path):
    run = made_run(np.arange(3.0))
    loaded = saved_and_loaded(run, tmp_path, like=torch.zeros(3))
    assert isinstance(loaded.x, torch.Tensor)
    assert (loaded.x.dtype, loaded.path.shape) == (torch.float64, (4, 3))
    assert bits(loaded.x) == bits(run.x)


@pytest.mark.parametrize(
    ("start", "like", "words"),
    [
        ([1.0, 2.0], [1.0, 2.0, 3.0], r"which has x of shape \(2,\)"),
        ([1.0, 2.0], 1.0, r"which has x of shape \(2,\)"),
        (1.0, [1.0], "which has one number"),
        (Line(1.0, 2.0), {"slope": 1.0}, r"which has slope of shape \(\), offset"),
        (Line(1.0, 2.0), {"slope": 1.0, "offset": 2.0}, "slope"),  # whose order is another
        ({"a": [1.0]}, {"b": [1.0]}, r"which has a of shape \(1,\)"),
        ([np.zeros(2)] * 7, [np.zeros(3)] * 7, "and 2 more"),
        ([1.0, 2.0], ["a", "b"], "must"),
    ],
    ids=str,
)
def test_a_like_that_does_not_fit_is_refused(start, like, words, tmp_path):
    with pytest.raises(InvalidInput, match=words):
        saved_and_loaded(made_run(start), tmp_path, like=like)


def test_no_class_is_imported_and_no_code_run_on_a_file_s_word(tmp_path):
    run = made_run({"a": 1.0})
    run.save(tmp_path / "run.parquet")
    assert b"pickle" not in (tmp_path / "run.parquet").read_bytes()
    form = {"layout": "tree", "kind": "numpy", "dtype": "float64", "shapes": [[]], "plain": [True]}
    before = set(sys.modules)
    found, _ = from_form({**form, "tree": {"type": "antigravity.Module", "parts": [["a", 0]]}})
    assert found.restore(np.ones(1)) == OrderedDict(a=1.0)
    assert set(sys.modules) == before
