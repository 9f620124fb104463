"""A sweep on disk is the sweep in memory, block by block: all runs, none twice, whatever happened in between."""

import json
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest

import downslope
from downslope import InvalidFile, InvalidInput, InvalidObjective, MissingExtra, Status, sweep
from downslope.engines.lanes import one_by_one
from downslope.learning_rates import GeometricDecay
from downslope.sweeps import parts, streaming
from downslope.sweeps.lots import Work

pytestmark = pytest.mark.slow  # each compiles many runs at once

STARTS = np.random.default_rng(5).uniform(-4, 4, (300, 2))
GRID = {
    "starts": STARTS,
    "learning_rates": [0.002, 0.01],
    "methods": ["momentum", "nesterov"],
    "coefficients": {"beta": [0.0, 0.5]},
    "seeds": 3,
    "max_steps": 200,
}
N_RUNS = 300 * 2 * 2 * 2


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


@pytest.fixture
def short_blocks(monkeypatch):
    """Blocks of 500 lanes, which end inside the lots that share a program."""
    monkeypatch.setattr(streaming, "MOST_LANES", 500)


def assert_same_table(table, expected):
    words = {name: str for name in ("method", "status", "behaviour") if name in expected}
    pd.testing.assert_frame_equal(table.astype(words), expected.astype(words), check_exact=True)


def test_the_table_on_disk_is_the_one_in_memory_to_the_last_bit(tmp_path, short_blocks):
    on_disk = sweep(himmelblau, **GRID, path=tmp_path / "sweep")
    in_memory = sweep(himmelblau, **GRID)
    assert [part.n_rows for part in on_disk.parts] == [256, 500, 500, 500, 500, 144]
    assert_same_table(on_disk.to_dataframe(), in_memory.to_dataframe())
    assert (on_disk.n_runs, on_disk.n_finished) == (N_RUNS, N_RUNS)
    assert on_disk.converged_fraction == in_memory.converged_fraction
    assert on_disk.statuses == {
        Status(k).name: n for k, n in sorted(enumerate(np.bincount(in_memory.status.ravel())), key=lambda p: -p[1]) if n
    }
    best, expected = on_disk.best(), in_memory.best()
    np.testing.assert_array_equal(best.pop("x"), expected.pop("x"))
    assert best == expected
    labels = {"method": "Nesterov(beta=0.9)", "learning_rate": 0.002, "beta": 0.5, "start": 7}
    np.testing.assert_array_equal(on_disk.select(**labels).path, in_memory.select(**labels).path)


def test_a_sweep_on_disk_is_read_back_whole_and_counts_the_same(tmp_path, short_blocks, monkeypatch):
    on_disk = sweep(himmelblau, **GRID, path=tmp_path / "sweep")
    in_memory = sweep(himmelblau, **GRID)
    assert {**on_disk.to_dict(), "seconds": 0} == {**in_memory.to_dict(), "seconds": 0}
    assert on_disk.in_memory().to_xarray().equals(in_memory.to_xarray())
    assert on_disk.row(1700)["loss"] == in_memory.row(1700)["loss"]
    on_disk.save(tmp_path / "one.parquet")
    assert_same_table(pd.read_parquet(tmp_path / "one.parquet"), in_memory.to_dataframe())
    (tmp_path / "sweep" / "part-00005.parquet").unlink()
    monkeypatch.setattr(Work, "run", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    cut = sweep(himmelblau, **GRID, path=tmp_path / "sweep")
    read = cut.in_memory()
    assert (cut.n_finished, int((read.status == Status.INTERRUPTED).sum())) == (N_RUNS - 144, 144)
    np.testing.assert_array_equal(read.lanes.x[-144:], np.tile(STARTS, (8, 1))[-144:])
    monkeypatch.setattr("downslope.sweeps.grid.MOST_BYTES", 1000)
    with pytest.raises(InvalidInput, match="must span a grid whose results fit"):
        cut.in_memory()


def test_every_reader_takes_the_folder_as_one_table(tmp_path, short_blocks):
    polars, duckdb = pytest.importorskip("polars"), pytest.importorskip("duckdb")
    folder = tmp_path / "sweep.parquet"
    found = sweep(himmelblau, **GRID, path=folder)
    losses = found.to_dataframe()["loss"]
    assert len(losses) == N_RUNS
    np.testing.assert_array_equal(pd.read_parquet(folder)["loss"], losses)
    np.testing.assert_array_equal(polars.read_parquet(folder / "*.parquet")["loss"], losses)
    ((total,),) = duckdb.sql(f"SELECT sum(n_steps) FROM '{folder}/*.parquet'").fetchall()
    assert total == found.to_dataframe()["n_steps"].sum()
    assert found.dataset().count_rows() == N_RUNS


@pytest.mark.slow
def test_starts_may_be_numbers_and_points_may_be_long(tmp_path):
    found = sweep("x cos(x) + 9", starts=[0.0, 5.0, 12.0], learning_rates=0.1, path=tmp_path / "numbers")
    assert found.best()["x"] == pytest.approx(9.529334405361963, abs=1e-6)
    long = np.random.default_rng(1).normal(size=(3, 120))
    found = sweep(lambda x: np.sum((x - 1) ** 2), starts=long, learning_rates=0.1, path=tmp_path / "long")
    table = found.to_dataframe()
    np.testing.assert_array_equal(np.stack(table["start x"]), long)
    np.testing.assert_allclose(np.stack(table["end x"]), 1.0, atol=1e-6)
    assert found.best()["x"].shape == (120,)


def test_what_is_finished_is_not_run_again(tmp_path, monkeypatch):
    first = sweep(himmelblau, **GRID, path=tmp_path / "sweep")
    monkeypatch.setattr(Work, "run", None)
    again = sweep(himmelblau, **GRID, path=tmp_path / "sweep")
    assert_same_table(again.to_dataframe(), first.to_dataframe())
    assert again.statuses == first.statuses


KILLED = """
import sys, numpy as np, downslope
from downslope.sweeps import streaming
streaming.MOST_LANES = 2000
from tests.test_sweep_files import himmelblau, LONG_GRID
print("begun", flush=True)
print(downslope.sweep(himmelblau, **LONG_GRID, path=sys.argv[1]))
"""
LONG_GRID = {
    "starts": np.random.default_rng(6).uniform(-4, 4, (1000, 2)),
    "learning_rates": np.linspace(1e-4, 1e-2, 60),
}


def interrupted_after(folder, n_parts, the_signal):
    """The parts that are there, and what was printed, when a process was sent a signal after so many parts."""
    process = subprocess.Popen([sys.executable, "-c", KILLED, folder], stdout=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + 60
        while len(list(folder.glob("part-*"))) < n_parts and time.monotonic() < until:
            time.sleep(0.002)
        process.send_signal(the_signal)
        printed, _ = process.communicate(timeout=60)
    finally:
        process.kill()
    return parts.parts_in(folder), printed, process.returncode


@pytest.mark.slow
@pytest.mark.parametrize("the_signal", [signal.SIGKILL, signal.SIGINT])
def test_a_process_that_was_killed_goes_on_with_all_runs_and_none_twice(tmp_path, the_signal):
    folder = tmp_path / "sweep"
    for n_parts in (3, 7):
        there, printed, status = interrupted_after(folder, n_parts, the_signal)
        assert 0 < there[-1].end < 60_000
        if the_signal == signal.SIGINT:  # Ctrl-C is no crash: the call returned what there is
            assert status == 0
            assert f"{there[-1].end} of 60000 runs" in printed
    found = sweep(himmelblau, **LONG_GRID, path=folder)
    assert found.n_finished == 60_000
    assert not list(folder.glob(".downslope-*"))
    # Which lanes share a block changes no lane, so that the whole is the same to the last bit.
    assert_same_table(found.to_dataframe(), sweep(himmelblau, **LONG_GRID).to_dataframe())


@pytest.mark.slow
def test_ctrl_c_keeps_the_lanes_before_the_first_that_is_not_finished(tmp_path, monkeypatch):
    monkeypatch.setattr(one_by_one, "n_cores", lambda: 1)  # a busy machine would count in several processes
    calls = 0

    def fun(x):  # branches, and so runs one by one
        nonlocal calls
        calls += 1
        if calls == 200:
            raise KeyboardInterrupt
        return x**2 if x > 0 else 2 * x**2

    options = {"starts": [1.0, 2.0, -3.0, 4.0], "learning_rates": [0.1, 0.2], "max_steps": 40}
    found = sweep(fun, **options, path=tmp_path / "sweep")
    assert 0 < found.n_finished < 8
    again = sweep(fun, **options, path=tmp_path / "sweep")
    assert [part.first for part in again.parts] == [0, found.n_finished]
    assert "one by one" in again.notes[0]
    assert_same_table(again.to_dataframe(), sweep(fun, **options).to_dataframe())


FULL = """
import resource, sys, downslope
from tests.test_sweep_files import himmelblau, GRID
from downslope.sweeps import streaming
streaming.MOST_LANES = 700
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000))  # more than 256 runs take, less than 700
try:
    downslope.sweep(himmelblau, **GRID, path=sys.argv[1])
except downslope.InvalidFile as error:
    print(error)
"""


@pytest.mark.slow
def test_a_full_disk_is_told_and_keeps_the_whole_parts(tmp_path):
    folder = tmp_path / "sweep"
    done = subprocess.run([sys.executable, "-c", FULL, folder], capture_output=True, text=True, check=True)
    assert "part-00001.parquet' cannot be written: File too large" in done.stdout
    assert sorted(path.name for path in folder.iterdir()) == ["_sweep.json", "part-00000.parquet"]
    assert sweep(himmelblau, **GRID, path=folder).n_finished == N_RUNS


@pytest.mark.parametrize(
    ("changed", "parameter"),
    [
        ({"starts": STARTS[::-1]}, "starts"),
        ({"starts": STARTS.astype(np.float32)}, "starts"),
        ({"learning_rates": [0.002, 0.02]}, "learning_rates"),
        ({"learning_rates": [GeometricDecay(0.002, 0.9), 0.01]}, "learning_rates"),
        ({"methods": ["momentum", downslope.Nesterov(0.8)]}, "methods"),
        ({"coefficients": {"beta": [0.0, 0.6]}}, "coefficients"),
        ({"seeds": 4}, "seeds"),
        ({"seeds": [3]}, "dimensions"),
        ({"max_steps": 100}, "max_steps"),
        ({"bounds": (-9, 9)}, "bounds"),
        ({"target_loss": 0.1}, "target_loss"),
        ({"gradient_tolerance": 1e-3}, "gradient_tolerance"),
        ({"loss_limit": 1e9}, "loss_limit"),
        ({"noise": 0.1}, "noise"),
        ({"jac": lambda x: 2 * x}, "jac"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_another_sweep_is_refused_and_what_differs_is_named(changed, parameter, begun):
    with pytest.raises(InvalidInput, match="begun") as caught:
        sweep(himmelblau, **{**GRID, **changed}, path=begun)
    assert caught.value.parameter == parameter


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    folder = tmp_path_factory.mktemp("begun") / "sweep"
    sweep(himmelblau, **GRID, path=folder)
    return folder


def test_another_function_is_refused_even_by_the_same_name(begun):
    def other(x):
        return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 8) ** 2

    with pytest.raises(InvalidInput, match="`fun` must be that of the sweep begun in"):
        sweep(other, **GRID, path=begun)
    other.__name__ = "himmelblau"
    with pytest.raises(InvalidInput, match="`fun` must give the losses that it gave at some starts when"):
        sweep(other, **GRID, path=begun)


@pytest.mark.slow
def test_a_seed_that_was_drawn_is_kept(tmp_path, short_blocks):
    options = {"starts": STARTS, "learning_rates": 0.005, "noise": 0.3, "max_steps": 30, "path": tmp_path / "sweep"}
    found = sweep(himmelblau, **options)
    (tmp_path / "sweep" / "part-00001.parquet").unlink()
    assert_same_table(sweep(himmelblau, **options).to_dataframe(), found.to_dataframe())


@pytest.mark.slow
def test_a_block_of_bad_starts_is_a_block_of_bad_lanes(tmp_path, short_blocks):
    def half_plane(x):
        return np.where(x[0] > 0, x[0] - np.log(x[0]), np.nan) + x[1] ** 2

    starts = np.abs(STARTS).repeat(4, axis=0)
    starts[256:900, 0] *= -1
    options = {"starts": starts, "learning_rates": 0.1, "max_steps": 300}
    found = sweep(half_plane, **options, path=tmp_path / "sweep")
    assert found.parts[1].statuses == {"NOT_FINITE": 500}
    assert_same_table(found.to_dataframe(), sweep(half_plane, **options).to_dataframe())
    with pytest.raises(InvalidObjective, match="must be finite"):
        sweep(half_plane, starts=starts[256:900], learning_rates=0.1, path=tmp_path / "none")
    assert not (tmp_path / "none").exists()


def test_a_grid_is_never_laid_out(tmp_path, monkeypatch):
    """A grid of 10^12 runs begins at once; no array of its length would fit anywhere."""
    written = []

    def write(folder, k, first, columns):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(parts_write(folder, k, first, columns))
        return written[-1]

    parts_write = parts.write
    monkeypatch.setattr(parts, "write", write)
    grid = {
        "starts": np.random.default_rng(0).uniform(-4, 4, (10**4, 2)),
        "learning_rates": np.geomspace(1e-6, 1e-2, 10**4),
        "seeds": range(10**4),
        "max_steps": 10,
    }
    found = sweep(himmelblau, **grid, path=tmp_path / "sweep")
    assert (found.n_runs, found.n_finished) == (10**12, sum(part.n_rows for part in written))
    beta = np.linspace(0, 0.9, 10**7)
    with pytest.raises(InvalidInput, match="must span at most"):
        sweep(himmelblau, **grid, methods="momentum", coefficients={"beta": beta}, path=tmp_path / "more")


def test_where_no_sweep_can_be_put_is_said_before_anything_runs(tmp_path):
    def never(x):
        raise AssertionError("nothing may be computed")

    (tmp_path / "file").write_text("")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "photo.jpg").write_text("")
    for path, rule in (
        (tmp_path / "file", "is no folder, and must be one"),
        (tmp_path / "full", r"holds 'photo\.jpg', and must be empty or hold a sweep"),
        (tmp_path / "no" / "where", "there is no folder"),
        ("a\0b", "cannot be a folder"),
        (5.0, "must be a path"),
    ):
        with pytest.raises(InvalidFile, match=rule) as caught:
            sweep(never, starts=[1.0], learning_rates=0.1, path=path)
        assert caught.value.parameter == "path"
    with pytest.raises(InvalidInput, match="learning_rates"):
        sweep(never, starts=[1.0], learning_rates=[], path=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_a_damaged_or_missing_part_is_named(tmp_path, short_blocks):
    folder = tmp_path / "sweep"
    sweep(himmelblau, **GRID, path=folder)
    whole = (folder / "part-00002.parquet").read_bytes()
    (folder / "part-00002.parquet").write_bytes(whole[:-100])
    with pytest.raises(InvalidFile, match=r"part-00002\.parquet' is damaged"):
        sweep(himmelblau, **GRID, path=folder)
    (folder / "part-00002.parquet").unlink()
    with pytest.raises(InvalidFile, match=r"part-00002\.parquet must be there, from run 756 on"):
        sweep(himmelblau, **GRID, path=folder)
    (folder / "part-00002.parquet").write_bytes(whole)
    (folder / "_sweep.json").write_text("{")
    with pytest.raises(InvalidFile, match="cannot be read"):
        sweep(himmelblau, **GRID, path=folder)


def test_a_newer_format_is_refused(tmp_path):
    options = {"starts": [1.0], "learning_rates": 0.1, "path": tmp_path / "sweep"}
    sweep("x^2", **options)
    told = json.loads((tmp_path / "sweep" / "_sweep.json").read_text())
    (tmp_path / "sweep" / "_sweep.json").write_text(json.dumps(told | {"format": 2}))
    with pytest.raises(InvalidFile, match="upgrade downslope"):
        sweep("x^2", **options)


@pytest.mark.skipif(sys.platform == "win32", reason="nothing guards the folder there")
def test_two_processes_cannot_write_one_sweep(tmp_path):
    (tmp_path / "sweep").mkdir()
    with parts.held(tmp_path / "sweep"), pytest.raises(InvalidFile, match="is being written by another process"):
        sweep("x^2", starts=[1.0], learning_rates=0.1, path=tmp_path / "sweep")


def test_recorded_lanes_are_full_runs(tmp_path):
    found = sweep(himmelblau, **GRID, record=[5, 2399], path=tmp_path / "sweep")
    table = found.to_dataframe()
    for lane, run in found.records.items():
        assert run.status.name == table["status"][lane]
        np.testing.assert_allclose(run.path[-1], table[["end x[0]", "end x[1]"]].to_numpy()[lane], rtol=1e-8)


def test_a_missing_pandas_is_named(tmp_path, monkeypatch):
    found = sweep("x^2", starts=[1.0], learning_rates=0.1, path=tmp_path / "sweep")
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(MissingExtra, match="pandas"):
        found.to_dataframe()


TEN_MILLION = """
import re, sys, numpy as np, downslope
starts = np.random.default_rng(0).uniform(-5, 5, (10_000_000, 2))
found = downslope.sweep("himmelblau", starts=starts, learning_rates=0.005, path=sys.argv[1])
peak = re.search(r"VmHWM: +([0-9]+) kB", open("/proc/self/status").read().replace("\\t", " "))[1]
print(found.n_finished, found.dataset().count_rows(), int(peak) / 2**20)
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc; ru_maxrss would count the parent's")
def test_ten_million_runs_take_less_than_two_gibibytes(tmp_path):
    command = [sys.executable, "-c", TEN_MILLION, tmp_path / "sweep"]
    n_finished, n_rows, gibibytes = map(float, subprocess.run(command, capture_output=True, check=True).stdout.split())
    assert n_finished == n_rows == 10**7
    assert gibibytes < 2
