"""A run is the same after its process: every number to the last bit, every word."""

import json
import os
import subprocess
import sys

import numpy as np
import pyarrow.parquet
import pytest

import downslope
from downslope import InvalidInput
from downslope.engines import recorder
from downslope.storage import table
from tests.storage.runs import MADE, assert_same, assert_same_value, bits, made_run, make, saved_and_loaded


def metadata_of(path):
    return json.loads(pyarrow.parquet.read_metadata(path).metadata[b"downslope"])


@pytest.mark.slow
@pytest.mark.parametrize("name", MADE)
def test_what_is_loaded_is_what_was_saved(name, tmp_path):
    run = make(name)
    assert_same(saved_and_loaded(run, tmp_path), run)


@pytest.mark.sampled
@pytest.mark.parametrize("last_is_finite", [True, False])
@pytest.mark.parametrize("path", ["whole", "thinned", "none"])
@pytest.mark.parametrize("n_steps", [0, 1, 3, 7])
@pytest.mark.parametrize("size", [1, 3, 100, 101])
@pytest.mark.parametrize("dtype", ["float16", "float64"])
def test_any_record_is_kept(dtype, size, n_steps, path, last_is_finite, tmp_path):
    start = np.arange(size, dtype=dtype)
    for rate_shape in ((), (size,)):
        run = made_run(start, n_steps, path, rate_shape, last_is_finite)
        assert_same(saved_and_loaded(run, tmp_path), run)


def test_a_loaded_run_saved_again_is_the_same_again(tmp_path):
    run = saved_and_loaded(make("gallery"), tmp_path)
    again = saved_and_loaded(run, tmp_path)
    assert_same(again, run)
    assert again.made_with == run.made_with


def test_a_thinned_path_keeps_its_steps_and_the_last_good_point(tmp_path, monkeypatch):
    monkeypatch.setattr(recorder, "PATH_BYTES", 100)
    run = downslope.minimize("x^4", 4.99, learning_rate=0.02)
    assert len(run.path_steps) < run.n_steps
    loaded = saved_and_loaded(run, tmp_path)
    assert_same(loaded, run)
    assert "one point in" in loaded.notes[0]


def test_every_row_group_is_read_in_its_place(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_GROUP_ROWS", 7)
    run = make("noise")
    assert_same(saved_and_loaded(run, tmp_path), run)
    assert pyarrow.parquet.read_metadata(tmp_path / "run.parquet").num_row_groups == 6
    monkeypatch.setattr(table, "GROUP_BYTES", 2 * 200 * 8)
    for name in ("two hundred variables", "two hundred rates"):
        run = make(name)
        assert_same(saved_and_loaded(run, tmp_path), run)
        assert pyarrow.parquet.read_metadata(tmp_path / "run.parquet").num_row_groups == 3


def test_nan_of_other_bits_and_signed_zeros_are_kept(tmp_path):
    run = made_run(np.zeros(2), n_steps=5)
    run.path[1:4, 0] = np.array([0x7FF8000000000001, 0xFFF8000000000002, 0x8000000000000000], np.uint64).view(float)
    assert bits(saved_and_loaded(run, tmp_path).path) == bits(run.path)


def test_an_error_s_record_can_be_kept(tmp_path):
    def fails(x):
        if x[0] < 2:
            raise RuntimeError("no further")
        return float.fromhex(float(x[0]).hex()) ** 2  # not to be traced

    with pytest.raises(downslope.ObjectiveFailed) as caught:
        downslope.minimize(fails, [3.0], learning_rate=0.1)
    assert_same(saved_and_loaded(caught.value.run, tmp_path), caught.value.run)


def test_the_objective_of_a_formula_and_a_problem_is_whole_again(tmp_path):
    for name in ("formula", "declared variables", "vector formula", "gallery"):
        run = make(name)
        loaded = saved_and_loaded(run, tmp_path)
        assert_same_value(loaded.gradient, run.gradient)
        assert loaded.to_scipy().success == run.to_scipy().success


@pytest.mark.parametrize("name", ["function", "several numbers", "container", "PyTorch"])
def test_what_needs_a_function_that_no_file_holds_says_so(name, tmp_path):
    run = make(name)
    loaded = saved_and_loaded(run, tmp_path)
    for use in (lambda: loaded.gradient, loaded.to_scipy, loaded.replay):
        with pytest.raises(InvalidInput, match=r"`fun` must be given: .* no file holds; run.replay\(fun=") as caught:
            use()
        assert caught.value.parameter == "fun"
    assert loaded.variables == run.variables
    assert loaded.objective.name == run.objective.name


def test_a_given_gradient_is_missed_too(tmp_path):
    run = downslope.minimize("x^2", 5.0, jac=lambda x: 2 * x, learning_rate=0.1)
    with pytest.raises(InvalidInput, match=r"the gradient of x\^2 is code, which no file holds"):
        _ = saved_and_loaded(run, tmp_path).gradient


def test_a_problem_of_one_s_own_is_a_function_of_its_name(tmp_path):
    import dataclasses

    from downslope.objectives import gallery

    mine = dataclasses.replace(gallery.get("himmelblau"), fun=lambda x, y: x**2 + y**2)
    run = downslope.minimize(downslope.Objective(mine), [1.0, 2.0], learning_rate=0.1)
    loaded = saved_and_loaded(run, tmp_path)
    assert_same(loaded, run)
    with pytest.raises(InvalidInput, match="himmelblau is code"):
        _ = loaded.gradient


def test_the_specification_is_whole_and_is_shortened_for_json_alone(tmp_path):
    start = np.linspace(1, 2, 2000)
    run = downslope.minimize("sum(x^2)", start, bounds=(0.5, 3.0), learning_rate=np.linspace(0.1, 0.2, 2000))
    begun = start.copy()
    start[:] = 9.0  # the caller's array is his own
    for each in (run, saved_and_loaded(run, tmp_path)):
        told = each.specification
        assert bits(told["x0"]) == bits(begun)
        assert bits(told["bounds"][1]) == bits(np.full(2000, 3.0))
        assert bits(told["learning_rate"]["rate"]) == bits(np.linspace(0.1, 0.2, 2000))
        shortened = json.loads(json.dumps(each.to_dict()["specification"], allow_nan=False))
        assert shortened["x0"] == {"size": 2000, "first": begun[:3].tolist()}
        with pytest.raises(ValueError, match="read-only"):
            told["x0"][0] = 1.0


def test_short_specifications_read_in_json_as_they_always_did():
    run = downslope.minimize("x^2 + y^2", [1.0, 2.0], bounds=[(0, None), (-2, 2)], learning_rate=[0.1, 0.2])
    told = json.loads(json.dumps(run.to_dict(), allow_nan=False))["specification"]
    assert told["x0"] == [1.0, 2.0]
    assert told["bounds"] == [[0.0, -2.0], ["inf", 2.0]]
    assert told["learning_rate"] == {"name": "Constant", "rate": [0.1, 0.2]}


def test_the_metadata_is_json_that_tells_where_the_run_was_made(tmp_path):
    run = make("several numbers")
    run.save(tmp_path / "run.parquet")
    told = metadata_of(tmp_path / "run.parquet")
    assert (told["format"], told["written_by"]) == (1, downslope.__version__)
    assert (told["status"], told["n_steps"], told["loss"]) == (run.status.name, run.n_steps, run.loss)
    assert told["specification"]["variables"] == ["alpha", "beta"]
    assert told["made_with"]["numpy"] == np.__version__
    assert {"downslope", "python", "scipy", "jax", "jaxlib", "machine", "system"} <= told["made_with"].keys()


def test_an_odd_coefficient_of_another_library_s_rule_costs_no_run(tmp_path):
    from fractions import Fraction

    run = make("formula")
    run.specification["method"] |= {"weight": Fraction(1, 3), "shift": np.float32(0.1), "most": float("inf")}
    told = saved_and_loaded(run, tmp_path).specification["method"]
    assert told == {"name": "GradientDescent", "weight": "1/3", "shift": np.float32(0.1), "most": float("inf")}


@pytest.mark.slow
def test_a_run_outlives_its_process(tmp_path):
    code = f"""
import downslope
downslope.minimize("himmelblau", [-1.0, 0.3], learning_rate=0.01).save({str(tmp_path / "run.parquet")!r})
"""
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
    loaded = downslope.load(tmp_path / "run.parquet")
    assert_same_value(loaded.path, make("gallery").path)
    assert loaded.replay().identical


@pytest.mark.slow
def test_pyarrow_is_imported_only_when_a_file_is_written_or_read(tmp_path):
    code = f"""
import sys, downslope
run = downslope.minimize("x^2", 5.0, learning_rate=0.1)
run.replay(), downslope.load
print("pyarrow" in sys.modules)
run.save({str(tmp_path / "run.parquet")!r})
print("pyarrow" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "True"]


@pytest.mark.parametrize("kind", [str, os.fsencode, lambda path: path])
def test_a_path_is_text_bytes_or_a_path(kind, tmp_path):
    path = kind(tmp_path / "a b é.parquet")
    make("formula").save(path)
    assert downslope.load(path).n_steps == 7


@pytest.mark.slow
def test_a_million_rows_and_a_million_variables_are_kept(tmp_path):
    tall = made_run(np.zeros(2), n_steps=1_000_000)
    wide = made_run(np.zeros(1_000_000), n_steps=5, path="thinned")
    narrow = made_run(np.zeros(100_000), n_steps=100_000, path="none")  # nulls take no room
    for run in (tall, wide, narrow):
        loaded = saved_and_loaded(run, tmp_path)
        for field in ("x", "losses", "gradient_norms", "learning_rates", "path_steps"):
            assert bits(getattr(loaded, field)) == bits(getattr(run, field))
        assert run.path is None or bits(loaded.path) == bits(run.path)


def test_a_row_group_takes_no_more_room_than_it_may(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "GROUP_BYTES", 8 * 1000 * 10)
    run = made_run(np.zeros(1000), n_steps=99)
    run.save(tmp_path / "run.parquet")
    told = pyarrow.parquet.read_metadata(tmp_path / "run.parquet")
    assert [told.row_group(i).num_rows for i in range(told.num_row_groups)] == [10] * 10
