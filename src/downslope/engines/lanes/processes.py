"""Lanes that cannot share a compiled program, as single runs in a process for each core.

joblib's loky starts the processes, and cloudpickle sends them lambdas and closures too. Each has its own copy
of what the function closes over: what a function writes there stays in its process. A lane that raises is told by its
number, and is run again here, so that the error is the one that a run here would give.
"""

from __future__ import annotations

import contextlib
import functools
import pickle
import signal
import threading
import warnings
from collections.abc import Callable, Generator, Iterator
from typing import Any, NamedTuple

import numpy as np

from downslope.engines.lanes.cores import n_cores
from downslope.engines.lanes.lane import Outcome
from downslope.engines.step import Rules
from downslope.errors import MissingExtra
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure

SECONDS_A_BATCH = 0.5

Run = Callable[[Objective, Structure, Rules, np.ndarray], Outcome]
"""What makes one run, and tells of it."""


class Told(NamedTuple):
    """What a process tells of its batch."""

    outcomes: list[tuple[int, Outcome]]
    failed: list[int]
    """The lanes that raised."""


Batches = Generator[Told, None, None]


class Pool:
    """Processes that make the runs of one objective; `why_not` tells why there can be none, and is empty otherwise."""

    def __init__(self, run: Run, objective: Objective, structure: Structure, rules: Rules):
        self.why_not = ""
        try:
            import cloudpickle
            import joblib  # noqa: F401
        except ImportError:
            self.why_not = str(MissingExtra("running them on all cores", "joblib and cloudpickle", extra="sweep"))
            return
        self._dumps = cloudpickle.dumps
        try:
            self._shared = self._dumps((run, objective, structure))
            self._dumps(rules)
        except Exception as error:  # whatever the user's objects raise
            self.why_not = f"they cannot be sent to other processes ({type(error).__name__}: {error})".splitlines()[0]

    def run(
        self, lanes: range, lane: Callable[[int], tuple[np.ndarray, Rules]], seconds: float
    ) -> Generator[Told, None, None]:
        """The runs of some lanes in any order, in batches; `seconds` is about what one run takes.

        Raises KeyboardInterrupt at Ctrl-C, when the processes have ended.
        """
        from joblib import Parallel, delayed

        length = int(np.clip(SECONDS_A_BATCH / seconds, 1, -(-len(lanes) // n_cores())))
        batches = (lanes[k : k + length] for k in range(0, len(lanes), length))
        work = delayed(_work)
        tasks = (work(self._shared, self._dumps([(k, *lane(k)) for k in batch])) for batch in batches)
        parallel = Parallel(n_cores(), return_as="generator_unordered", batch_size=1, pre_dispatch="2*n_jobs")
        told = parallel(tasks)
        try:
            for batch in told:  # noqa: UP028 - `yield from` would close it first, outside of what follows
                yield batch
        finally:
            with warnings.catch_warnings():  # that processes still at work are ended is what is wanted
                warnings.simplefilter("ignore")
                told.close()


def _work(shared: bytes, batch: bytes) -> Told:
    """In another process: one batch."""
    told = Told([], [])
    with _deaf_to_ctrl_c():
        run, objective, structure = _read(shared)
        for k, start, rules in pickle.loads(batch):
            try:
                told.outcomes.append((k, run(objective, structure, rules, start)))
            except Exception:  # which may not survive the way back
                told.failed.append(k)
    return told


@functools.lru_cache(maxsize=1)
def _read(shared: bytes) -> Any:
    """One objective for all batches of a sweep, which so is compiled once a process."""
    return pickle.loads(shared)


@contextlib.contextmanager
def _deaf_to_ctrl_c() -> Iterator[None]:
    """A terminal sends the signal to all processes; the first one decides what becomes of the others."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
