"""Several processes train as one does, and where one fails all end and say why: with real processes."""

import json
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import optax
import pytest
from pyarrow import parquet

import downslope
from downslope import training
from downslope.errors import InvalidInput
from tests.training.processes import run_together
from tests.training.tables import numbers, table

pytestmark = pytest.mark.slow
LEAVE_SECONDS = 10 + 5
"""The heartbeat, and 5 s."""

CASES = """\
import os, pickle, sys
from downslope import training
from downslope.training import batches, leaving
from downslope.training.sources import kept as kept_rows
leaving._SECONDS_BETWEEN_QUESTIONS = 0.0  # whoever listens is in the middle of it when the process ends
kept_rows.KEPT_NUMBERS = 0  # files are read while it trains
batches._FEW = 0  # of few rows in memory, too, most are taken as they lie
cases, kept = sys.argv[1:]
cluster = training.join()
assert os.sched_getscheduler(0) == os.SCHED_BATCH
with open(cases, "rb") as file:
    runs = [training.fit(*case, **options, cluster=True) for case, options in pickle.load(file)]
with open(f"{kept}{cluster.rank}", "wb") as file:
    pickle.dump([(run.x, run.losses, run.status, run.epochs, run.notes) for run in runs], file)
"""

FAULT = """\
import os, signal, sys
from downslope import training
fault, rank = sys.argv[1], int(os.environ["RANK"])
is_bad = rank == int(sys.argv[2])
if fault == "version" and is_bad:
    training.joining.version = lambda name: "0.0"
cluster = training.join(heartbeat=int(sys.argv[3]), timeout=20)
from downslope.training.loop import Training
import numpy as np
X = np.random.default_rng(1 if fault == "data" and is_bad else 0).normal(size=(5000, 10))
make_steps = Training._steps
def steps(self, feed):
    if is_bad and self.step > 200:
        if fault in ("SIGKILL", "SIGSTOP"):
            os.kill(os.getpid(), getattr(signal, fault))
        if fault == "error":
            raise ValueError("no such luck")
    make_steps(self, feed)
Training._steps = steps
if fault == "outside" and is_bad:
    raise ValueError("no such luck")
training.fit("linear", (X, X.sum(axis=1)), batch_size=100, epochs=10**6, learning_rate=1e-3, record="losses",
             cluster=True)
"""


def together(tmp_path, cases, n=2):
    """What each process has of the runs."""
    (tmp_path / "cases").write_bytes(pickle.dumps(cases))
    for ended in run_together(CASES, tmp_path / "cases", tmp_path / "kept", n=n):
        assert ended.status == 0, ended.told
    return [pickle.loads((tmp_path / f"kept{rank}").read_bytes()) for rank in range(n)]


OPTAX = """\
import sys
import numpy as np
import optax
from downslope import training
cluster = training.join()
X = np.random.default_rng(0).normal(size=(1000, 3))
rule = {"adam": lambda: optax.adam(0.05), "lbfgs": optax.lbfgs}[sys.argv[1]]()
run = training.fit("linear", (X, X.sum(axis=1)), method=rule, batch_size=50, epochs=3, cluster=True)
print(run.x["weights"].tolist(), file=sys.stderr)
"""


def numbers_of(x):
    return np.append(x["weights"], x["bias"])


def test_two_processes_train_as_one_does(tmp_path):
    X, y = numbers(1003)
    y = X @ np.array([1.0, -2.0, 0.5]) + np.cos(y)
    parquet.write_table(table(X, y), tmp_path / "rows.parquet", row_group_size=100)
    weights = np.abs(np.sin(np.arange(len(y))))
    rows32 = X.astype(np.float32), y.astype(np.float32)
    cases = [
        (("linear", rows32), {"batch_size": 50, "epochs": 48, "learning_rate": 0.05}),  # 1,008 steps
        (
            ("logistic", (X, y > 0, weights)),
            {"batch_size": 51, "epochs": 3, "method": "adam", "learning_rate": 0.05, "l1": 0.01},
        ),
        (("linear", str(tmp_path / "rows.parquet")), {"target": "y", "batch_size": 64, "epochs": 3, "validation": 0.2}),
        (("linear", (X, y)), {"batch_size": 7, "epochs": 2, "shuffle": False, "learning_rate": 0.05}),
        (("logistic", (X, y > 0)), {"epochs": 20}),  # all rows at each step, by a line search
        (("logistic", (X, y > 0)), {"epochs": 4, "method": "newton", "l2": 0.1}),
        (("linear", (X, y)), {"batch_size": 50, "epochs": 30, "learning_rate": 5.0}),  # diverges
    ]
    first, second = together(tmp_path, cases)
    for (case, options), of_first, of_second in zip(cases, first, second, strict=True):
        one = training.fit(*case, **options)
        x, losses, status, epochs, notes = of_first
        tolerance = 1e-6 if case[1] is rows32 else 1e-12  # sums of float32 and float64 in another order
        assert status is one.status
        np.testing.assert_allclose(numbers_of(x), numbers_of(one.x), rtol=tolerance, atol=tolerance)
        np.testing.assert_allclose(losses, one.losses, rtol=10 * tolerance, atol=tolerance)
        if "validation" in options:
            held_out = [[epoch.validation_loss for epoch in run] for run in (epochs, one.epochs)]
            np.testing.assert_allclose(*held_out, rtol=tolerance)
        assert [note for note in notes if "processes" not in note] == list(one.notes)
        np.testing.assert_array_equal(numbers_of(of_second[0]), numbers_of(x))
        np.testing.assert_array_equal(of_second[1], losses)


def test_a_run_goes_on_in_the_same_number_of_processes_to_the_last_bit_and_in_another_to_rounding(tmp_path):
    X, y = numbers(500)
    model = "linear", (X, np.sin(y))
    common = {"batch_size": 32, "learning_rate": 0.05, "method": "momentum"}
    folder, copy = tmp_path / "checkpoint", tmp_path / "copy"
    never_stopped, _ = together(
        tmp_path, [(model, common | {"epochs": 6}), (model, common | {"epochs": 3, "checkpoint": folder})]
    )[0]
    shutil.copytree(folder, copy)
    options = common | {"epochs": 6, "resume": True}
    [resumed] = together(tmp_path, [(model, options | {"checkpoint": folder})])[0]
    np.testing.assert_array_equal(numbers_of(resumed[0]), numbers_of(never_stopped[0]))
    np.testing.assert_array_equal(resumed[1], never_stopped[1])
    alone = training.fit(*model, **options, checkpoint=copy)
    np.testing.assert_allclose(numbers_of(alone.x), numbers_of(never_stopped[0]), rtol=1e-12)


@pytest.mark.parametrize(
    ("fault", "rank", "cause"),
    [
        ("SIGKILL", 1, "process 1: killed or crashed"),
        ("error", 1, "process 1: ValueError: no such luck"),
        ("error", 0, "process 0: ValueError: no such luck"),
        ("outside", 1, "process 1: ValueError: no such luck"),
        ("data", 1, "`data` must be the same in all processes, and is not in process 1"),
        ("version", 1, "process 1: InvalidInput: `cluster` must have downslope "),
    ],
)
def test_where_one_process_fails_all_end_and_name_it(fault, rank, cause):
    ends = run_together(FAULT, fault, rank, 10)
    for other, ended in enumerate(ends):
        assert ended.status != 0
        assert ended.seconds < LEAVE_SECONDS
        assert cause in ended.told or (fault == "SIGKILL" and other == rank)


def test_optax_steps_over_processes_but_where_it_evaluates_the_loss_itself():
    X = np.random.default_rng(0).normal(size=(1000, 3))
    alone = training.fit("linear", (X, X.sum(axis=1)), method=optax.adam(0.05), batch_size=50, epochs=3)
    for ended in run_together(OPTAX, "adam"):
        found = json.loads(ended.told.splitlines()[-1])
        np.testing.assert_allclose(found, alone.x["weights"], rtol=1e-12)  # sums in another order
    for ended in run_together(OPTAX, "lbfgs"):
        assert ended.status != 0
        assert "`method` must not evaluate the loss itself where several processes train" in ended.told


def test_a_row_that_one_process_cannot_use_ends_all(tmp_path):
    X, y = numbers(2000)
    X[1900, 1] = np.nan
    np.save(tmp_path / "rows.npy", np.column_stack([X, y]))
    options = {"target": 3, "batch_size": 10, "epochs": 2, "shuffle": False, "learning_rate": 1e-7}
    options["validation"] = 0.1  # row 1900 is not held out
    (tmp_path / "cases").write_bytes(pickle.dumps([(("linear", str(tmp_path / "rows.npy")), options)]))
    for ended in run_together(CASES, tmp_path / "cases", tmp_path / "kept"):
        assert ended.status != 0
        assert ended.seconds < LEAVE_SECONDS
        assert "process 1: InvalidData: `data` column 'x2', row 1900 of rows.npy, is NaN" in ended.told


def test_where_the_coordinator_is_killed_the_other_ends(tmp_path):
    killed, other = run_together(FAULT, "SIGKILL", 0, 10)
    assert killed.status == -9
    assert other.status != 0
    assert other.seconds < LEAVE_SECONDS
    assert "another task died" in other.told or "process 0" in other.told


def test_a_process_that_hangs_is_noticed_by_its_heartbeat():
    other, _ = run_together(FAULT, "SIGSTOP", 1, 2, stopped=1)
    assert other.status != 0
    assert "unhealthy (stopped sending heartbeats):\n1" in other.told


def test_processes_that_were_told_different_numbers_of_them_do_not_train():
    ends = run_together(FAULT, "none", 0, 10, sizes=[2, 3])
    for ended in ends:
        assert ended.status != 0
        assert ended.seconds < LEAVE_SECONDS
        assert "process 1: InvalidInput: `cluster` must have processes 2, as process 0 has; got 3" in ended.told


def test_the_command_line_trains_in_two_processes_as_in_one(tmp_path):
    X, y = numbers(400)
    parquet.write_table(table(X, np.sin(y)), tmp_path / "rows.parquet")
    words = ["fit", str(tmp_path / "rows.parquet"), "--target", "y", "--batch-size", "32", "--epochs", "3", "--json"]
    program = [sys.executable, "-c", "from downslope.cli import main; main()"]
    one, two = (
        json.loads(subprocess.run([*program, *words, *more], capture_output=True, check=True, timeout=60).stdout)
        for more in ([], ["--processes", "2"])
    )
    assert one["status"] == two["status"]
    np.testing.assert_allclose(list(two["x"].values()), list(one["x"].values()), rtol=1e-12)
    assert "2 processes trained together, each on its share of every batch" in two["notes"]


def test_under_a_launcher_nobody_trains_alone_without_saying_so(monkeypatch):
    monkeypatch.setitem(os.environ, "RANK", "0")
    monkeypatch.setitem(os.environ, "WORLD_SIZE", "2")
    X, y = numbers(20)
    with pytest.raises(InvalidInput, match="`cluster` must be True"):
        downslope.fit("linear", (X, y))
    assert downslope.fit("linear", (X, y), epochs=2, cluster=False).n_steps == 2


def test_without_a_launcher_there_is_no_cluster():
    with pytest.raises(InvalidInput, match="must be started by torchrun, mpirun or srun"):
        downslope.fit("linear", numbers(20), cluster=True)
