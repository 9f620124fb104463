"""A sweep in the workers of a Dask cluster is the sweep here: all runs, none twice, whatever becomes of the workers."""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

import downslope
from downslope import InvalidInput, MissingExtra, ObjectiveFailed, Status, WorkersFailed, sweep
from downslope.sweeps import parts, streaming, tasks, workers
from downslope.sweeps.lots import Work
from tests.test_sweep_files import GRID, LONG_GRID, N_RUNS, STARTS, assert_same_table, himmelblau

psutil = pytest.importorskip("psutil")  # Dask needs it
distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,  # each compiles many runs at once, in processes of their own
    pytest.mark.skipif(sys.platform == "win32", reason="signals are sent"),
]


@pytest.fixture(scope="module")
def client():
    """Two workers, each a process of one thread."""
    with workers.connected(None, 2) as found:
        yield found


@pytest.fixture
def short_blocks(monkeypatch):
    """Blocks of 500 lanes, which end inside the lots that share a program."""
    monkeypatch.setattr(streaming, "MOST_LANES", 500)


def assert_same_ends(one, other):
    assert one.grid.shape == other.grid.shape
    for name in ("x", "loss", "status", "n_steps", "behaviour"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.lanes.n_evaluations, other.lanes.n_evaluations)


SCALE = 2.0


@pytest.mark.parametrize(
    ("fun", "options"),
    [
        pytest.param(himmelblau, {}, id="imported"),
        pytest.param(
            "himmelblau",
            {"learning_rates": [None, 0.01], "methods": "gradient_descent", "coefficients": None},
            id="problem",
        ),
        pytest.param("(x^2 + y - 11)^2 + (x + y^2 - 7)^2", {"noise": 0.5, "seeds": [1, 2]}, id="formula"),
        pytest.param(lambda x: SCALE * np.sum((x - 1) ** 2), {"bounds": (-4, 4)}, id="lambda"),
        pytest.param(
            lambda x: sum(x**2) if x[0] > 0 else 2 * sum(x**2), {"starts": STARTS[:3], "max_steps": 9}, id="one by one"
        ),
    ],
)
def test_the_runs_are_those_made_here_to_the_last_bit(client, short_blocks, fun, options):
    asked = GRID | {"methods": "momentum"} | options
    assert_same_ends(sweep(fun, **asked, scheduler=client), sweep(fun, **asked))


def test_what_a_function_captures_is_sent_and_what_it_is_written_for_need_not_be_a_module(client, tmp_path):
    program = tmp_path / "script.py"
    program.write_text(
        "import sys, numpy as np, downslope\n"
        "weights = np.arange(1.0, 4.0)\n"
        "def loss(x):\n    return np.sum(weights * (x - 1) ** 2)\n"
        "asked = {'starts': np.eye(3), 'learning_rates': [0.1, 0.2]}\n"  # no `if __name__ == '__main__'`
        "print((downslope.sweep(loss, **asked, workers=1).x == downslope.sweep(loss, **asked).x).all())\n"
    )
    done = subprocess.run([sys.executable, program], capture_output=True, text=True, timeout=120)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_folder_is_whole_in_order_and_goes_on_with_workers_or_without(client, tmp_path, short_blocks, monkeypatch):
    folder = tmp_path / "sweep"
    address = client.scheduler.address
    found = sweep(himmelblau, **GRID, path=folder, scheduler=address)
    expected = sweep(himmelblau, **GRID).to_dataframe()
    assert found.n_finished == N_RUNS
    assert [part.first for part in found.parts] == [0, *(part.end for part in found.parts[:-1])]
    assert_same_table(found.to_dataframe(), expected)
    for part in found.parts[2:]:
        part.path.unlink()
    assert_same_table(sweep(himmelblau, **GRID, path=folder).to_dataframe(), expected)
    for part in parts.parts_in(folder)[1:]:
        part.path.unlink()
    assert_same_table(sweep(himmelblau, **GRID, path=folder, scheduler=address).to_dataframe(), expected)


def test_workers_may_have_several_threads():
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=3, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs="ERROR"
    ) as cluster:
        found = sweep(himmelblau, **GRID, scheduler=cluster.scheduler_address)
    assert_same_ends(found, sweep(himmelblau, **GRID))


def test_a_killed_worker_loses_no_run_and_none_is_there_twice(client, tmp_path, short_blocks):
    folder, before, n_at_the_kill = tmp_path / "sweep", client.run(os.getpid), []

    def kill_one():
        while len(there := list(folder.glob("part-*"))) < 4:
            time.sleep(0.01)
        os.kill(next(iter(before.values())), signal.SIGKILL)
        n_at_the_kill.append(len(there))

    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    found = sweep(himmelblau, **LONG_GRID, path=folder, scheduler=client)
    killer.join(timeout=10)
    assert n_at_the_kill[0] < len(found.parts) / 2
    assert found.n_finished == 60_000
    assert_same_table(found.to_dataframe(), sweep(himmelblau, **LONG_GRID).to_dataframe())
    client.wait_for_workers(2, timeout=30)
    assert set(client.run(os.getpid).values()) != set(before.values())  # Dask has started another one


def n_tasks(client):
    """How many the scheduler still has, a second later at most."""
    until = time.monotonic() + 1
    while (n := client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks))) and time.monotonic() < until:
        time.sleep(0.05)
    return n


def test_an_error_in_the_function_is_the_one_that_a_run_here_gives(client, tmp_path):
    def fun(x):
        if x < -0.5:
            raise ValueError(f"no such place: {x:.3f}")
        return x**2

    asked = {"starts": [1.0, 2.0, 3.0] * 2, "learning_rates": [0.1, 0.95], "max_steps": 9}
    with pytest.raises(ObjectiveFailed) as there:
        sweep(fun, **asked, scheduler=client, path=tmp_path / "sweep")
    assert n_tasks(client) == 0
    with pytest.raises(ObjectiveFailed) as here:
        sweep(fun, **asked)
    assert str(there.value) == str(here.value)
    assert isinstance(there.value.__cause__, ValueError)
    np.testing.assert_array_equal(there.value.run.path, here.value.run.path)
    assert {status for part in parts.parts_in(tmp_path / "sweep") for status in part.statuses} <= set(
        Status.__members__
    )


def test_runs_that_kill_every_worker_are_told(client):
    here = os.getpid()

    def fun(x):
        if x > 9 and os.getpid() != here:
            os._exit(1)
        return x**2 if x > 0 else 2 * x**2

    with pytest.raises(WorkersFailed, match=r"a worker raised KilledWorker.*all those workers died while running it"):
        sweep(fun, starts=[1.0, 10.0], learning_rates=0.1, scheduler=client)
    client.wait_for_workers(2, timeout=30)


def test_an_error_that_is_the_workers_own_is_told_with_its_cause(client):
    here = os.getpid()

    def fun(x):
        if os.getpid() != here:
            raise FileNotFoundError("no rows.csv on this machine")
        return x**2

    with pytest.raises(InvalidInput, match=r"raised FileNotFoundError: no rows\.csv on this machine"):
        sweep(fun, starts=[1.0], learning_rates=0.1, scheduler=client)


def test_a_module_that_workers_do_not_have_is_named(client, tmp_path, monkeypatch):
    (tmp_path / "only_here.py").write_text("def fun(x):\n    return x**2\n")
    monkeypatch.syspath_prepend(tmp_path)
    fun = importlib.import_module("only_here").fun
    with pytest.raises(WorkersFailed, match="a worker raised ModuleNotFoundError: No module named 'only_here'"):
        sweep(fun, starts=[1.0], learning_rates=0.1, scheduler=client)


def test_workers_that_come_later_take_part():
    with distributed.LocalCluster(
        n_workers=0, threads_per_worker=1, host="127.0.0.1", dashboard_address="127.0.0.1:0", silence_logs="ERROR"
    ) as cluster:
        threading.Timer(1.0, cluster.scale, [1]).start()
        found = sweep("x^2", starts=[1.0, 2.0], learning_rates=[0.1, 0.2], scheduler=cluster.scheduler_address)
    assert_same_ends(found, sweep("x^2", starts=[1.0, 2.0], learning_rates=[0.1, 0.2]))


@pytest.mark.parametrize("package", ["downslope", "jax"])
def test_workers_of_another_version_are_refused_and_both_versions_are_named(client, monkeypatch, package):
    own = tasks.versions()
    monkeypatch.setattr(tasks, "versions", lambda: own | {package: "99.1"})
    with pytest.raises(InvalidInput, match=rf"workers with {package} 99\.1, as here; got '{own[package]} at tcp://"):
        sweep("x^2", starts=[1.0], learning_rates=0.1, scheduler=client)


def test_a_scheduler_that_is_not_there_is_told_within_seconds(tmp_path):
    began = time.monotonic()
    with pytest.raises(
        InvalidInput, match="`scheduler` must be the address of a Dask scheduler that answers within 5 s"
    ):
        sweep("x^2", starts=[1.0], learning_rates=0.1, scheduler="tcp://127.0.0.1:9", path=tmp_path / "sweep")
    assert time.monotonic() - began < 20
    assert not (tmp_path / "sweep").exists()


@pytest.fixture
def programs():
    """Dask's own programs as anybody starts them: the address of the scheduler, it, and a worker."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"tcp://127.0.0.1:{free.getsockname()[1]}"
    start = [sys.executable, "-m", "dask"]
    quiet = {"env": os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}, "stderr": subprocess.DEVNULL}
    local = ["--dashboard-address", "127.0.0.1:0", "--host"]
    scheduler = subprocess.Popen([*start, "scheduler", *local, address], **quiet)
    worker = subprocess.Popen([*start, "worker", address, "--nthreads", "1", *local, "127.0.0.1"], **quiet)
    yield address, scheduler, worker
    for process in (worker, scheduler):
        process.terminate()
        process.wait(timeout=30)


def test_a_scheduler_that_is_lost_is_told_and_the_sweep_goes_on_without(programs, tmp_path, short_blocks):
    address, scheduler, _ = programs
    folder = tmp_path / "sweep"
    until = time.monotonic() + 30
    while scheduler_is_silent(address) and time.monotonic() < until:
        time.sleep(0.1)

    def kill():
        while len(list(folder.glob("part-*"))) < 4:
            time.sleep(0.01)
        scheduler.kill()

    threading.Thread(target=kill, daemon=True).start()
    with pytest.raises(WorkersFailed, match="the scheduler of the workers is gone"):
        sweep(himmelblau, **LONG_GRID, path=folder, scheduler=address)
    there = parts.parts_in(folder)
    assert 4 <= len(there) < 100
    assert sweep(himmelblau, **LONG_GRID, path=folder).n_finished == 60_000


def scheduler_is_silent(address):
    host, port = address.removeprefix("tcp://").split(":")
    with socket.socket() as tried:
        return tried.connect_ex((host, int(port))) != 0


def test_a_cluster_without_workers_is_not_waited_for_without_end(monkeypatch):
    monkeypatch.setattr(tasks, "SECONDS_WITHOUT_WORKERS", 1.0)
    with (
        distributed.LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster,
        pytest.raises(WorkersFailed, match="no worker has been there for 1 s"),
    ):
        sweep("x^2", starts=[1.0], learning_rates=0.1, scheduler=cluster.scheduler_address)


@pytest.mark.parametrize(
    ("options", "parameter", "rule"),
    [
        ({"workers": 0}, "workers", "must be a whole number, 1 or more"),
        ({"workers": 2.0}, "workers", "must be a whole number, 1 or more"),
        ({"workers": 2, "scheduler": "tcp://127.0.0.1:9"}, "workers", "must be None beside a `scheduler`"),
        ({"scheduler": 8786}, "scheduler", "must be an address with its port, such as tcp://host:8786, or a Client"),
        ({"scheduler": "127.0.0.1"}, "scheduler", "must be an address with its port, such as tcp://host:8786"),
        ({"scheduler": "carrier-pigeon://coop:1"}, "scheduler", "must be the address of a Dask scheduler"),
    ],
)
def test_bad_input_is_named_before_anything_runs(options, parameter, rule):
    with pytest.raises(InvalidInput, match=rule) as caught:
        sweep("x^2", starts=[1.0], learning_rates=0.1, **options)
    assert caught.value.parameter == parameter


def test_a_missing_dask_is_named_with_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(MissingExtra, match=r"a sweep in workers needs Dask: pip install \"downslope\[dask\]\""):
        sweep("x^2", starts=[1.0], learning_rates=0.1, workers=2)


def test_progress_counts_runs_up_to_all(client, short_blocks):
    counts = []
    with workers.connected(client, None) as same:
        grid, objective, lots = asked_for(himmelblau, **LONG_GRID)
        blocks = tasks.blocks_in_workers(same, Work(objective, grid, lots, STARTS[0]), 0, counts.append)
        n = sum(len(lanes) for lanes in blocks)
    assert n == 60_000
    assert counts == sorted(counts)
    assert counts[-1] == n
    assert any(0 < count < n for count in counts)


def asked_for(fun, starts, learning_rates):
    from downslope.minimization import as_limits
    from downslope.sweeps.grid import grid_of
    from downslope.sweeps.lots import lots_of

    objective = downslope.Objective(fun)
    grid = grid_of(objective, starts, learning_rates, "gradient_descent", None, 0)
    return grid, objective, list(lots_of(grid, as_limits(10_000, None, 1e-6, None), None, 0.0))


LONG = """
import sys, psutil, downslope
from downslope.sweeps import streaming
from tests.test_sweep_files import himmelblau, LONG_GRID
streaming.MOST_LANES = 500
print(downslope.sweep(himmelblau, **LONG_GRID, path=sys.argv[1], workers=2))
print(len(psutil.Process().children(recursive=True)), "left")
"""


def begun(folder):
    """A process of its own group that runs a sweep in two workers, when some parts are there; and its workers."""
    process = subprocess.Popen(
        [sys.executable, "-c", LONG, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    until = time.monotonic() + 90
    while len(list(folder.glob("part-*"))) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    return process, psutil.Process(process.pid).children(recursive=True)


def test_ctrl_c_keeps_what_is_finished_ends_the_workers_and_the_sweep_goes_on(tmp_path):
    folder = tmp_path / "sweep"
    process, _ = begun(folder)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    printed, errors = process.communicate(timeout=60)
    there = parts.parts_in(folder)
    assert 0 < there[-1].end < 60_000
    assert printed.split("\n")[0].startswith(f"<SweepFile {str(folder)!r}: {there[-1].end} of 60000 runs")
    assert printed.split("\n")[1] == "0 left"
    assert (process.returncode, errors) == (0, "")
    found = sweep(himmelblau, **LONG_GRID, path=folder)
    assert_same_table(found.to_dataframe(), sweep(himmelblau, **LONG_GRID).to_dataframe())


def test_workers_end_by_themselves_where_the_sweep_was_killed(tmp_path):
    process, family = begun(tmp_path / "sweep")
    assert len(family) >= 3  # what holds the workers, and two of them
    process.kill()
    process.communicate(timeout=10)
    _, alive = psutil.wait_procs(family, timeout=30)
    assert alive == []


def test_what_is_started_here_listens_on_the_loopback_interface_alone():
    with workers.connected(None, 2):
        family = [psutil.Process(), *psutil.Process().children(recursive=True)]
        listening = [c.laddr for p in family for c in p.net_connections("inet") if c.status == psutil.CONN_LISTEN]
    assert len(listening) >= 3
    assert {address.ip for address in listening} == {"127.0.0.1"}


def test_the_command_line_runs_a_sweep_in_workers_as_without(run_cli, tmp_path, client):
    words = ("sweep", "ravine", "--learning-rate", "0.01:1:log:50", "--method", "momentum", "--beta", "0:0.9:10")
    expected = json.loads(run_cli(*words, "--json")[1])
    for place in (("--workers", "2"), ("--scheduler", client.scheduler.address)):
        status, printed, errors = run_cli(*words, *place, "--json")
        assert (status, errors) == (0, "")
        assert {**json.loads(printed), "seconds": 0} == {**expected, "seconds": 0}
    status, printed, _ = run_cli(*words, "--scheduler", client.scheduler.address, "--save", f"{tmp_path}/runs/")
    assert status == 0
    assert "500 runs" in printed
    assert parts.parts_in(tmp_path / "runs")[-1].end == 500
    for place, told in (
        (("--workers", "none"), "--workers must be a number"),
        (("--workers", "0"), "--workers must be a whole number, 1 or more"),
        (("--scheduler", "tcp://127.0.0.1:9"), "--scheduler must be the address of a Dask scheduler"),
    ):
        status, _, errors = run_cli("sweep", "x^2", "--start", "1", "--learning-rate", "0.1", *place)
        assert status == 2
        assert told in errors
