"""A training run that is killed again and again ends where it would have ended: to the last bit."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pyarrow import parquet

from downslope.training.checkpoint import checkpoints_in, newest
from tests.training.tables import numbers, table

FIT = """\
import sys, warnings
import numpy as np
import downslope
from downslope.training import keeping
from downslope.training.sources import kept
kept.KEPT_NUMBERS = 0
keeping.SECONDS_BETWEEN = 0.0  # a checkpoint after every chunk
data, folder, result = sys.argv[1:4]
run = downslope.fit("linear", data, target="y", method="adam", learning_rate=0.01, batch_size=7, epochs=40,
                    seed=3, validation=0.1, checkpoint=folder, resume=True)
np.save(result, np.append(run.x["weights"], [run.x["bias"], run.n_steps]))
"""


@pytest.fixture
def rows(tmp_path):
    """A Parquet file that is streamed."""
    X, y = numbers(3000)
    y = X @ np.array([1.0, -2.0, 0.5]) + 0.1 * np.sin(y)
    path = tmp_path / "rows.parquet"
    parquet.write_table(table(X, y), path, row_group_size=200)
    return path


def start(rows, folder, result):
    return subprocess.Popen([sys.executable, "-c", FIT, rows, folder, result])


@pytest.mark.slow
def test_a_run_killed_again_and_again_ends_as_one_that_was_left_alone(rows, tmp_path):
    assert start(rows, tmp_path / "alone", tmp_path / "alone.npy").wait() == 0
    folder, result = tmp_path / "killed", tmp_path / "killed.npy"
    rng, kills, steps = np.random.default_rng(0), 0, [0]
    for _ in range(8):
        process = start(rows, folder, result)
        before = checkpoints_in(folder)
        while process.poll() is None and checkpoints_in(folder) == before:
            time.sleep(0.001)  # until it has gone on
        time.sleep(rng.uniform(0, 0.05))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        steps.append(newest(folder).step)
    print(f"{kills} kills, at checkpoints of steps {steps[1:]}")
    assert kills >= 4
    assert steps == sorted(steps)
    assert start(rows, folder, result).wait() == 0
    alone, killed = np.load(tmp_path / "alone.npy"), np.load(result)
    assert alone.tobytes() == killed.tobytes()
    assert all(name.startswith("step-") for name in os.listdir(folder))


FULL = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))\n" + FIT


@pytest.mark.slow
def test_a_full_disk_costs_a_checkpoint_and_not_the_run(rows, tmp_path):
    result = tmp_path / "full.npy"
    full = FULL.replace("np.save(result, ", "print(run.notes[-1]); print(").replace(
        "n_steps]))", "n_steps]).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", full, rows, tmp_path / "full", result], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert start(rows, tmp_path / "alone", tmp_path / "alone.npy").wait() == 0
    note, found = done.stdout.strip().splitlines()
    assert "cannot be written: File too large" in note
    assert bytes.fromhex(found) == np.load(tmp_path / "alone.npy").tobytes()
    assert os.listdir(tmp_path / "full") == []
