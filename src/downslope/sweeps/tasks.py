"""The blocks of a sweep as tasks of a Dask cluster, each run on one core of a worker; their lanes come here in order.

A task is `run_block`, which workers import. What it is told: the function, once a worker, and the starts and numbers
of its lanes. It gives back their ends, and nothing is written but here. A task whose worker dies is run again by
Dask, on another one. A few tasks a core are under way or wait to be fetched, so that memory does not grow.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import dataclasses
import pickle
import platform
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np

from downslope.engines.lanes import Lanes
from downslope.engines.lanes.cores import on_one_core
from downslope.errors import DownslopeError, InvalidInput, WorkersFailed
from downslope.patience import LostPatience, ask, asking
from downslope.sweeps.grid import Grid
from downslope.sweeps.lots import Stretch, Work, run_stretches
from downslope.sweeps.streaming import FIRST_LANES, next_length

TASKS_A_CORE = 3
"""One that is run, and two that wait before it or for those before them."""
_BLOCKS_A_CORE = 2
"""At least, so that no core waits long for another's last; no more, for a block with few lanes takes as long."""
SECONDS_WITHOUT_WORKERS = 60.0
_SECONDS_A_LOOK = 0.2


def blocks_in_workers(
    client: Any, work: Work, first: int, progress: Callable[[int], None]
) -> Generator[Lanes, None, None]:
    """The lanes from `first` on, a block at a time in their order, run by the workers of this client.

    Raises what a run here would raise, and WorkersFailed where workers die over a block or fail otherwise. Tasks that
    are not wanted any more are cancelled.
    """
    grid = work.grid
    tasks = _Tasks(client, (work.objective, grid.structure, work.sound))
    n_done, n_lanes, tasks_a_core = first, FIRST_LANES, 1  # until a block has shown how fast the runs are
    try:
        while n_done < grid.n_lanes:
            n_cores = tasks.n_cores()
            while first < grid.n_lanes and len(tasks.waiting) < tasks_a_core * n_cores:
                most = -(-grid.n_lanes // (_BLOCKS_A_CORE * n_cores))
                end = min(first + min(n_lanes, most), grid.n_lanes)
                tasks.submit(work.stretches(first, end), end - first)
                first = end
            while not tasks.first_is_done():
                progress(n_done + tasks.n_lanes_done())
                ask()
            lanes, seconds = tasks.take()
            n_done += len(lanes)
            progress(n_done + tasks.n_lanes_done())
            yield lanes
            if lanes.is_cut_short:
                return
            n_lanes, tasks_a_core = next_length(len(lanes), seconds, grid), TASKS_A_CORE
    finally:
        tasks.cancel()


class _Tasks:
    """Blocks that were sent to a cluster and not taken back yet, in their order."""

    def __init__(self, client: Any, function: Any):
        import cloudpickle

        self._client, self._dumps, self._versions = client, cloudpickle.dumps, versions()
        self._heard_of_workers = time.monotonic()
        self.waiting: deque[tuple[Any, int]] = deque()
        """Futures, and how many lanes each has."""
        with _scheduler_there():  # a task of its own, so that it is sent to each worker once, and again where one dies
            self._function = client.submit(bytes, self._dumps(function), pure=False)

    def n_cores(self) -> int:
        """Of all workers together, 1 at least; WorkersFailed where there has been none for long."""
        with _scheduler_there():
            n = int(sum(self._client.nthreads().values()))
        now = time.monotonic()
        if n:
            self._heard_of_workers = now
        elif now - self._heard_of_workers > SECONDS_WITHOUT_WORKERS:
            raise WorkersFailed(f"no worker has been there for {SECONDS_WITHOUT_WORKERS:.0f} s")
        return max(1, n)

    def submit(self, block: list[Stretch], n_lanes: int) -> None:
        """Send one more."""
        with _scheduler_there():
            task = self._client.submit(run_block, self._versions, self._function, self._dumps(block), pure=False)
        self.waiting.append((task, n_lanes))

    def first_is_done(self) -> bool:
        """Whether it is, or came to an error, after some time at most."""
        self.n_cores()
        with _scheduler_there():
            try:
                self.waiting[0][0].exception(timeout=_SECONDS_A_LOOK)  # waits for its end, and does not raise it
            except TimeoutError:
                return False
        return True

    def n_lanes_done(self) -> int:
        """How many lanes of all that wait here are finished."""
        return sum(n for task, n in self.waiting if task.done())

    def take(self) -> tuple[Lanes, float]:
        """What the first gives, which is done; or its error."""
        task, _ = self.waiting.popleft()
        with _scheduler_there():
            error = task.exception()
            if error is None:
                result: tuple[Lanes, float] = task.result()
                return result
        if isinstance(error, DownslopeError):
            raise error
        raise WorkersFailed(f"a worker raised {type(error).__name__}: {error}") from error

    def cancel(self) -> None:
        """Let go of all."""
        with contextlib.suppress(Exception):  # the scheduler may be gone
            self._client.cancel([self._function, *(task for task, _ in self.waiting)])


@contextlib.contextmanager
def _scheduler_there() -> Iterator[None]:
    """Errors of talking to the scheduler, as one of ours."""
    try:
        yield
    except (OSError, RuntimeError, concurrent.futures.CancelledError) as error:
        if isinstance(error, DownslopeError):
            raise
        raise WorkersFailed(f"the scheduler of the workers is gone ({type(error).__name__}: {error})") from error


def versions() -> dict[str, str]:
    """What must be the same in every worker: what is sent is code, and what comes back is compared to the last bit."""
    return {"Python": platform.python_version()} | {
        name: version(name) for name in ("downslope", "jax", "jaxlib", "numpy")
    }


def run_block(asked: dict[str, str], function: bytes, block: bytes) -> tuple[Lanes, float]:
    """In a worker: the lanes of a block, and how many seconds they took."""
    from distributed import get_worker

    worker = get_worker()
    for name, own in versions().items():
        if asked[name] != own:
            raise InvalidInput(
                "scheduler", f"must have workers with {name} {asked[name]}, as here", f"{own} at {worker.address}"
            )
    key = worker.get_current_task()

    def check() -> None:
        task = worker.state.tasks.get(key)
        if task is None or task.state == "cancelled":
            raise LostPatience("the task was cancelled")

    began = time.perf_counter()
    with on_one_core(), asking(check):
        objective, structure, sound = _read(function)
        lanes = run_stretches(pickle.loads(block), objective, structure, lambda n: None, sound)
    return lanes, time.perf_counter() - began


_OF_THREAD = threading.local()


def _read(function: bytes) -> Any:
    """One objective a thread for all blocks of a sweep, which so is compiled once."""
    if getattr(_OF_THREAD, "function", None) != function:
        _OF_THREAD.function, _OF_THREAD.read = function, pickle.loads(function)
    return _OF_THREAD.read


def gathered(blocks: Generator[Lanes, None, None], grid: Grid) -> Lanes:
    """All lanes in memory; after Ctrl-C those that have not come are INTERRUPTED."""
    done: list[Lanes] = []
    with contextlib.closing(blocks), contextlib.suppress(KeyboardInterrupt):
        done.extend(blocks)
    n = sum(map(len, done))
    if n < grid.n_lanes:
        rest = Lanes.not_begun(grid.starts[np.arange(n, grid.n_lanes) % len(grid.starts)])
        done.append(dataclasses.replace(rest, is_cut_short=True))
    return Lanes.joined(done)
