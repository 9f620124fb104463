"""torchrun restarts a training that lost a process; Ctrl-C, SIGTERM and a parent that is killed end all processes."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from pyarrow import parquet

from downslope import training
from downslope.estimators import DescentRegressor
from tests.training.processes import run_together
from tests.training.tables import numbers, table

pytestmark = pytest.mark.slow

RESTARTED = """\
import os, signal, sys
from downslope import training
from downslope.training import keeping
from downslope.training.loop import Training
import numpy as np
folder, kept = sys.argv[1:]
keeping.SECONDS_BETWEEN = 0.0
cluster = training.join(heartbeat=5)
make_steps = Training._steps
def steps(self, feed):
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "0" and cluster.rank == 1 and self.step >= 40:
        os.kill(os.getpid(), signal.SIGKILL)
    if os.environ["TORCHELASTIC_RESTART_COUNT"] == "1" and self.step <= 40:
        sys.stderr.write(f"went on from step {self.step}\\n")  # at once: torchrun's processes have no buffers
    make_steps(self, feed)
Training._steps = steps
options = {"batch_size": 50, "epochs": 10, "method": "momentum", "learning_rate": 0.05}
X = np.random.default_rng(0).normal(size=(500, 4))
run = training.fit("linear", (X, np.sin(X.sum(axis=1))), **options, checkpoint=folder, resume=True, cluster=True)
if cluster.is_first:
    np.save(kept, np.append(run.x["weights"], run.losses))
"""

STOPPED = """\
import os, signal, sys
from downslope import training
from downslope.training.loop import Training
import numpy as np
cluster = training.join()
make_steps = Training._steps
def steps(self, feed):
    if self.step == 200 and cluster.rank == 1:
        os.kill(os.getpid(), signal.SIGINT)
    make_steps(self, feed)
Training._steps = steps
X = np.random.default_rng(0).normal(size=(500, 4))
run = training.fit("linear", (X, X.sum(axis=1)), batch_size=50, epochs=10**5, learning_rate=1e-3, record="losses",
                   cluster=True)
print(run.status.name, run.n_steps, file=sys.stderr)
"""

FULL = """\
import resource, sys
from downslope import training
import numpy as np
cluster = training.join()
if cluster.is_first:
    resource.setrlimit(resource.RLIMIT_FSIZE, (300, 300))
X = np.random.default_rng(0).normal(size=(500, 4))
run = training.fit("linear", (X, X.sum(axis=1)), batch_size=50, epochs=3, learning_rate=0.01, checkpoint=sys.argv[1],
                   cluster=True)
print(run.status.name, run.x["weights"].tobytes().hex(), [n for n in run.notes if "checkpoint" in n], file=sys.stderr)
"""


def test_under_torchrun_a_training_that_lost_a_process_goes_on_by_itself_to_the_same_weights(tmp_path):
    program = tmp_path / "train.py"
    program.write_text(RESTARTED)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", "2", "--max-restarts", "1"]
    words = ["--rdzv-backend", "c10d", "--rdzv-endpoint", "127.0.0.1:0", program, tmp_path / "kept", tmp_path / "x.npy"]
    done = subprocess.run([*launcher, *words], capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stderr
    assert "went on from step 40" in done.stderr
    X = np.random.default_rng(0).normal(size=(500, 4))
    options = {"batch_size": 50, "epochs": 10, "method": "momentum", "learning_rate": 0.05}
    alone = training.fit("linear", (X, np.sin(X.sum(axis=1))), **options)
    found = np.load(tmp_path / "x.npy")
    # Sums in another order; a step amplifies nothing on this well conditioned problem.
    np.testing.assert_allclose(found, np.append(alone.x["weights"], alone.losses), rtol=1e-11, atol=1e-13)


def test_ctrl_c_in_one_process_stops_all_at_the_same_step():
    told = [ended.told.splitlines()[-1] for ended in run_together(STOPPED)]
    assert told[0] == told[1]
    name, n_steps = told[0].split()
    assert name == "INTERRUPTED"
    assert int(n_steps) >= 200


def test_a_full_disk_at_the_process_that_writes_costs_the_checkpoint_and_not_the_run(tmp_path):
    first, second = (ended.told.splitlines()[-1].split(maxsplit=2) for ended in run_together(FULL, tmp_path / "kept"))
    assert first[:2] == second[:2]
    assert first[0] == "MAX_STEPS"
    assert "cannot be written: File too large" in first[2]
    assert os.listdir(tmp_path / "kept") == []


def children(pid):
    found = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(child) for child in found.stdout.split()]


def is_alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return bool(state.strip()) and "Z" not in state  # a zombie has ended, and nobody asked how


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_process_outlives_the_command_that_started_it(number, tmp_path):
    X, y = numbers(2000)
    parquet.write_table(table(X, y), tmp_path / "rows.parquet")
    words = [tmp_path / "rows.parquet", "--target", "y", "--batch-size", "2", "--epochs", "1000000", "--processes", "2"]
    program = [sys.executable, "-c", "from downslope.cli import main; main()", "fit", *words, "--learning-rate", "1e-4"]
    command = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while len(started := children(command.pid)) < 2 and time.monotonic() < deadline:
        time.sleep(0.1)
    time.sleep(3)  # they are on their way, or train already
    command.send_signal(number)
    assert command.wait(timeout=30) != 0
    deadline = time.monotonic() + 20
    while any(map(is_alive, started)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert len(started) == 2
    assert not any(map(is_alive, started))


def test_estimators_under_a_launcher_say_that_each_process_has_its_own(monkeypatch):
    monkeypatch.setitem(os.environ, "RANK", "0")
    monkeypatch.setitem(os.environ, "WORLD_SIZE", "2")
    with pytest.warns(UserWarning, match="each of the 2 processes that torchrun started trains a model of its own"):
        DescentRegressor().fit(*numbers(20))
