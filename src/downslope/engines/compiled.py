"""One run, compiled by JAX and recorded, in chunks of bounded length.

A chunk is a compiled loop that stops by itself when the run ends, or after `n` steps; `n` is a number of
the program and not a part of it, so a new step count never recompiles. Between chunks Python takes the rows,
draws the progress bar and sees Ctrl-C, which does not reach it inside a compiled loop; chunks are therefore
timed, and kept to a fraction of a second.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import numpy as np

from downslope.engines.chunk import compile_chunk
from downslope.engines.recorder import Recorder
from downslope.engines.step import Oracle, Position, Rules
from downslope.learning_rates import Custom, Schedule, UnusableRateError, WarmUp
from downslope.stopping import Status

LONGEST_CHUNK = 16384
"""Rows of a chunk's buffers; more gain nothing, and cost short runs the clearing of memory."""
BUFFER_BYTES = 16 * 2**20
"""At most this much for the points of one chunk."""
_RATES_AHEAD = 256
"""A rate function is asked this far ahead of the step that uses the rate."""
SECONDS_A_CHUNK = 0.1
"""Ctrl-C and the progress bar wait at most about this long."""


@dataclass(frozen=True, eq=False)
class Tabulated(Schedule):
    """A schedule's rates from step `first` on, for schedules that are any Python code."""

    rates: Any
    first: Any

    def __call__(self, step: Any) -> Any:
        return self.rates[(step - self.first).astype(int)]


def run_compiled(
    oracle: Oracle,
    kernels: dict[Any, Any],
    rules: Rules,
    x0: np.ndarray,
    recorder: Recorder,
    seconds_a_step: float,
    after_chunk: Callable[[], None],
) -> Status:
    """Run to the end, or to Ctrl-C; the rows go to the recorder.

    `kernels` keeps the compiled chunks of this objective; `seconds_a_step` is a first guess of a step's cost;
    `after_chunk` is called with rows newly in the recorder, and may raise.
    """
    programs = _Programs(oracle, kernels, rules, x0, recorder)
    chunk, status = None, Status.RUNNING
    n = _steps_in_time(seconds_a_step, programs.n_rows)
    with jax.enable_x64(True):
        try:
            while status is Status.RUNNING:
                chunk = programs.run(chunk, n)
                status = chunk.status
                if status is Status.RUNNING:
                    after_chunk()
                n = _steps_in_time(chunk.seconds / chunk.filled, programs.n_rows, at_most=8 * n)
        except KeyboardInterrupt:
            status = Status.INTERRUPTED
        if chunk is not None and rules.method.scaling:
            recorder.method_state = jax.tree.map(np.asarray, chunk.end.method_state)
        if chunk is not None and not recorder.keeps_path:
            programs.tell_last_points(chunk, status)
    return status


class _Chunk(NamedTuple):
    """A chunk that has run: where it began and ended, and how to repeat it."""

    start: Position
    end: Position
    filled: int
    status: Status
    seconds: float
    run: Callable[..., Any]
    numbers: Any

    def point(self, row: int) -> np.ndarray:
        """The point of one of its rows, by repeating the steps before it.

        Carrying a second point through the loop instead would cost every step one more pass over memory.
        """
        return np.array(self.run(self.start, row, self.numbers)[0].x if row else self.start.x)


@dataclass
class _Programs:
    """The chunks of one run."""

    oracle: Oracle
    kernels: dict[Any, Any]
    rules: Rules
    x0: np.ndarray
    recorder: Recorder

    @functools.cached_property
    def n_rows(self) -> int:
        """How many rows a chunk's buffers hold; a function of the point's size alone."""
        return rows_of_a_chunk(self.x0, self.recorder.keeps_path)

    def run(self, before: _Chunk | None, n: int) -> _Chunk:
        """The next chunk, of at most n rows; its rows are in the recorder when this returns."""
        first, max_steps = self.recorder.n_rows, self.rules.limits.max_steps
        if not self.recorder.keeps_path and first < max_steps:
            n = min(n, max_steps - first)  # so that the last row begins a chunk, whose point is at hand
        if is_code(self.rules.learning_rate):
            n = min(n, self._n_rates(first))
        start_chunk, run_chunk, numbers = self._program(first, n, self.n_rows, before)
        position = start_chunk(self.x0, numbers) if before is None else before.end
        began = time.perf_counter()
        end, summary, buffers = run_chunk(position, n, numbers)
        filled, status, n_trials = (int(number) for number in np.asarray(summary))  # waits for the chunk
        seconds = time.perf_counter() - began
        points, losses, sizes, rates = (None if b is None else np.asarray(b)[:filled] for b in buffers)
        self.recorder.add_rows(points, (losses, sizes, rates), filled, n_trials)
        return _Chunk(position, end, filled, Status(status), seconds, run_chunk, numbers)

    def tell_last_points(self, chunk: _Chunk, status: Status) -> None:
        """Where the path is not kept: the point of the last row, and of the last one that is finite."""
        recorder = self.recorder
        recorder.last_x = recorder.last_finite_x = chunk.point(chunk.filled - 1)
        if status is not Status.NOT_FINITE or recorder.n_rows == 1:
            return
        if chunk.filled == 1:  # the row before is in the chunk before, whose start was let go to save memory
            start_chunk, run_chunk, numbers = self._program(0, recorder.n_rows, recorder.n_rows, None)
            position = start_chunk(self.x0, numbers)
            chunk = chunk._replace(start=position, filled=recorder.n_rows, run=run_chunk, numbers=numbers)
        recorder.last_finite_x = chunk.point(chunk.filled - 2)

    def _program(self, first: int, n: int, n_table: int, before: _Chunk | None) -> tuple[Any, Any, Any]:
        """The compiled start and loop for n steps from `first` on, and the numbers to call them with."""
        schedule: Any = self.rules.learning_rate
        if not is_code(schedule):
            if before is not None:
                return None, before.run, before.numbers
            return compile_chunk(self.oracle, self.kernels, self.rules, self.x0, self.n_rows, self.recorder)
        # A schedule that is any Python code runs outside the program: its next n rates become a table, filled up
        # to a length that does not change, so that it compiles once.
        known = [schedule(k) for k in range(first, first + n)]
        rates = np.array(known + known[-1:] * (n_table - n), dtype=float)
        rules = self.rules._replace(learning_rate=Tabulated(rates, first))
        return compile_chunk(self.oracle, self.kernels, rules, self.x0, self.n_rows, self.recorder)

    def _n_rates(self, first: int) -> int:
        """How many rates to ask a rate function for: none beyond the last step, nor beyond one that fails."""
        schedule: Any = self.rules.learning_rate
        wanted = min(_RATES_AHEAD, int(self.rules.limits.max_steps) + 1 - first)
        for k in range(first, first + wanted):
            try:
                schedule(k)
            except UnusableRateError:
                if k == first:
                    raise
                return k - first
        return wanted


def rows_of_a_chunk(x0: np.ndarray, keeps_path: bool) -> int:
    """The length of the buffers that a chunk's program has for such a point."""
    return int(np.clip(BUFFER_BYTES // x0.nbytes, 1, LONGEST_CHUNK)) if keeps_path else LONGEST_CHUNK


def _steps_in_time(seconds_a_step: float, n_rows: int, at_most: int = LONGEST_CHUNK) -> int:
    return max(1, min(int(SECONDS_A_CHUNK / max(seconds_a_step, 1e-9)), n_rows, at_most))


def is_code(schedule: Any) -> bool:
    """Whether a schedule is any Python code, which no program can hold."""
    return isinstance(schedule, Custom) or (isinstance(schedule, WarmUp) and is_code(schedule.schedule))
