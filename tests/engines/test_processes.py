"""Lanes that cannot be compiled run in several processes as they do in one."""

import os
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from downslope import ObjectiveFailed, Status, sweep
from downslope.engines.lanes import one_by_one

pytestmark = pytest.mark.slow  # each compiles many runs at once

pytest.importorskip("joblib")
pytest.importorskip("cloudpickle")
STARTS = np.random.default_rng(2).uniform(-3, 3, (6, 2))


@pytest.fixture
def at_once(monkeypatch):
    """Processes from the second run on, however short they are."""
    monkeypatch.setattr(one_by_one, "SECONDS_HERE", 0.0)
    monkeypatch.setattr(one_by_one, "SECONDS_LEFT", 0.0)
    monkeypatch.setattr(one_by_one, "n_cores", lambda: 2)


def a_lambda():
    weight = 2.0
    return lambda x: abs(x[0]) + weight * x[1] ** 2 if x[0] > 1 else x[0] ** 2 + weight * x[1] ** 2


@pytest.mark.slow
def test_several_processes_give_what_one_gives(at_once, monkeypatch):
    options = {"starts": STARTS, "learning_rates": [0.1, lambda k: 0.2 / (1 + k)], "max_steps": 8}
    shared = sweep(a_lambda(), **options)
    assert "2 processes shared them" in shared.notes[0]
    assert "slower" in shared.notes[0]
    monkeypatch.setattr(one_by_one, "SECONDS_HERE", np.inf)
    alone = sweep(a_lambda(), **options)
    assert "processes shared" not in alone.notes[0]
    for name in ("x", "loss", "status", "n_steps", "n_evaluations", "best_loss", "turn", "growth", "n_rises"):
        np.testing.assert_array_equal(getattr(shared.lanes, name), getattr(alone.lanes, name), err_msg=name)


@pytest.mark.slow
def test_an_error_in_another_process_is_the_one_that_a_run_here_gives(at_once):
    def raises(x):
        if x[0] < 0.5:
            raise RuntimeError("no such place")
        return x[0] ** 2 + x[1] ** 2

    with pytest.raises(ObjectiveFailed, match="no such place"):
        sweep(raises, starts=[[0.6, 0.0], [0.7, 1.0], [2.0, 1.0]], learning_rates=[1e-3, 0.1], max_steps=9)


def test_what_cannot_be_sent_runs_here(at_once):
    lock = threading.Lock()  # which cannot be pickled

    def locks(x):
        with lock:
            return abs(x[0]) if x[0] > 1 else x[0] ** 2

    found = sweep(locks, starts=[[0.5], [0.6], [2.0]], learning_rates=0.1, max_steps=3)
    assert "cannot be sent to other processes" in found.notes[0]
    assert set(found.lanes.status) == {Status.MAX_STEPS}


def test_without_joblib_they_run_here_and_the_extra_is_named(at_once, monkeypatch):
    for name in [name for name in sys.modules if name.startswith("joblib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "joblib", None)
    found = sweep(a_lambda(), starts=STARTS[:3], learning_rates=0.1, max_steps=3)
    assert 'needs joblib and cloudpickle: pip install "downslope[sweep]"' in found.notes[0]
    assert set(found.lanes.status) == {Status.MAX_STEPS}


INTERRUPTED = """
import numpy as np, downslope
from downslope.engines.lanes import one_by_one
from tests.engines.test_processes import a_lambda
one_by_one.SECONDS_HERE = one_by_one.SECONDS_LEFT = 0.0
one_by_one.n_cores = lambda: 2
fun, put = a_lambda(), one_by_one.Lanes.put
def told(self, index, outcome):
    put(self, index, outcome)
    print("put", flush=True)
one_by_one.Lanes.put = told
found = downslope.sweep(fun, starts=np.random.default_rng(2).uniform(-3, 3, (3000, 2)), learning_rates=0.1, max_steps=8)
print("done", *np.bincount(found.lanes.status, minlength=10), flush=True)
"""


@pytest.mark.slow
def test_ctrl_c_keeps_what_the_processes_have_finished():
    command = [sys.executable, "-c", INTERRUPTED]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as process:
        try:
            for _ in range(4):
                assert process.stdout.readline() == "put\n"
            began = time.monotonic()
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers, too
            line = next(line for line in process.stdout if line.startswith("done"))
            seconds = time.monotonic() - began
        finally:
            process.kill()
    counts = [int(word) for word in line.split()[1:]]
    assert sum(counts) == 3000
    assert counts[Status.INTERRUPTED] > 0
    assert 3000 - counts[Status.INTERRUPTED] >= 4
    assert seconds < 10
