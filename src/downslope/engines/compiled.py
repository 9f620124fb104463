"""One run, compiled by JAX and recorded, in chunks of bounded length.

A chunk is a compiled loop that stops by itself when the run ends, or after `n` steps; `n` is a number of
the program and not a part of it, so a new step count never recompiles. Between chunks Python takes the rows,
draws the progress bar and sees Ctrl-C, which does not reach it inside a compiled loop; chunks are therefore
timed, and kept to a fraction of a second.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from downslope.engines.leaves import join, split
from downslope.engines.recorder import Recorder
from downslope.engines.step import Library, Oracle, Position, Rules, leave, look, same, start
from downslope.learning_rates import Custom, Schedule, WarmUp
from downslope.stopping import Facts, Limits, Status, goes_on, status_of

LONGEST_CHUNK = 16384
"""Rows of a chunk's buffers; more gain nothing, and cost short runs the clearing of memory."""
BUFFER_BYTES = 16 * 2**20
"""At most this much for the points of one chunk."""
SECONDS_A_CHUNK = 0.1
"""Ctrl-C and the progress bar wait at most about this long."""

_SAMPLE = 1024


def _unchanged(new: Any, old: Any, again: Callable[[], Any]) -> tuple[Any, Any]:
    """Whether nothing moved.

    Of long vectors the head is looked at first, which spares most steps a pass over memory; and the new
    point is computed again where the head did not move, for XLA to write it over the old one.
    """

    def compare(new: Any) -> tuple[Any, Any]:
        unmoved = jnp.all(new[0] == old[0])
        return unmoved, jnp.asarray(unmoved & same(jnp, new[1], old[1]))

    if jnp.size(old[0]) <= 4 * _SAMPLE:
        return compare(new)
    head_unmoved = jnp.all(new[0][:_SAMPLE] == old[0][:_SAMPLE])
    return lax.cond(head_unmoved, lambda: compare(again()), lambda: (jnp.asarray(False), jnp.asarray(False)))  # type: ignore[no-any-return]


_LIBRARY = Library(jnp, lax.while_loop, _unchanged)


@dataclass(frozen=True, eq=False)
class _Tabulated(Schedule):
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
    """Run to the end; the rows go to the recorder.

    `kernels` keeps the compiled chunks of this objective; `seconds_a_step` is a first guess of a step's cost;
    `after_chunk` is called with rows newly in the recorder, and may raise.
    """
    n_rows = chunk_rows(x0, recorder.keeps_path)
    tabulated = _is_code(rules.learning_rate)
    n = _steps_in_time(seconds_a_step, n_rows)
    max_steps = rules.limits.max_steps
    position: Position | None = None
    with jax.enable_x64(True):
        while True:
            first = recorder.n_rows
            if tabulated or not first:
                present = _with_table(rules, first, n_rows) if tabulated else rules
                start_chunk, run_chunk, numbers = _chunk(oracle, kernels, present, x0, n_rows, recorder)
            if position is None:
                position = start_chunk(x0, numbers)
            if not recorder.keeps_path and first < max_steps:
                n = min(n, max_steps - first)  # the last row begins a chunk, whose point is at hand
            began = time.perf_counter()
            chunk_start = position
            position, summary, buffers = run_chunk(position, n, numbers)
            filled, ended, n_trials = (int(number) for number in np.asarray(summary))  # waits for the chunk
            seconds = time.perf_counter() - began
            status = Status(ended)
            points, losses, sizes, rates = (None if b is None else np.asarray(b)[:filled] for b in buffers)
            recorder.add_rows(points, (losses, sizes, rates), filled, n_trials)
            if status is not Status.RUNNING:
                break
            after_chunk()
            n = _steps_in_time(seconds / filled, n_rows, at_most=8 * n)
        if not recorder.keeps_path:
            del position
            recorder.last_x = recorder.last_finite_x = _point(run_chunk, chunk_start, filled - 1, numbers)
            if status is Status.NOT_FINITE and recorder.n_rows > 1:
                if filled == 1:  # the row before is in the chunk before, whose start was let go to save memory
                    filled = recorder.n_rows
                    whole = _with_table(rules, 0, filled) if tabulated else rules
                    start_chunk, run_chunk, numbers = _chunk(oracle, kernels, whole, x0, n_rows, recorder)
                    chunk_start = start_chunk(x0, numbers)
                recorder.last_finite_x = _point(run_chunk, chunk_start, filled - 2, numbers)
    return status


def chunk_rows(x0: np.ndarray, keeps_path: bool) -> int:
    """How many rows a chunk's buffers hold; a function of the point's size alone."""
    if not keeps_path:
        return LONGEST_CHUNK
    return int(np.clip(BUFFER_BYTES // x0.nbytes, 1, LONGEST_CHUNK))


def _steps_in_time(seconds_a_step: float, n_rows: int, at_most: int = LONGEST_CHUNK) -> int:
    return int(np.clip(SECONDS_A_CHUNK / max(seconds_a_step, 1e-9), 1, min(n_rows, at_most)))


def _point(run_chunk: Any, position: Position, n: int, numbers: Any) -> np.ndarray:
    """The point n steps after a position, by repeating them.

    Carrying a second point through the loop instead would cost every step one more pass over memory.
    """
    return np.array(run_chunk(position, n, numbers)[0].x if n else position.x)


def _is_code(schedule: Any) -> bool:
    return isinstance(schedule, Custom) or (isinstance(schedule, WarmUp) and _is_code(schedule.schedule))


def _with_table(rules: Rules, first: int, n: int) -> Rules:
    """A schedule that is any Python code is run outside the program: its next n rates become a table."""
    schedule: Any = rules.learning_rate
    rates = np.array([schedule(k) for k in range(first, first + n)], dtype=float)
    return rules._replace(learning_rate=_Tabulated(rates, first))


def _chunk(
    oracle: Oracle, kernels: dict[Any, Any], rules: Rules, x0: np.ndarray, n_rows: int, recorder: Recorder
) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """The compiled start and loop for these rules, and the numbers to call them with."""
    method, method_numbers = split(rules.method, x0.dtype)
    rate, rate_numbers = split(rules.learning_rate, x0.dtype)
    target, tolerance, limit, max_steps = rules.limits
    losses = np.array([target, tolerance, limit], dtype=x0.dtype)
    limits = Limits(losses[0], losses[1], losses[2], np.asarray(max_steps))
    numbers = (method_numbers, rate_numbers, limits, rules.bounds, rules.noise, rules.seed)
    key = (method, rate, rules.bounds is None, rules.noise is None, recorder.keeps_path, recorder.rate_shape)
    if key not in kernels:

        def rebuild(numbers: Any) -> Rules:
            of_method, of_rate, *rest = numbers
            return Rules(join(method, iter(of_method)), join(rate, iter(of_rate)), *rest)

        loop = partial(_loop, oracle, rebuild, n_rows, recorder.keeps_path, recorder.rate_shape)
        kernels[key] = jax.jit(lambda x, numbers: start(rebuild(numbers), x)), jax.jit(loop)
    return *kernels[key], numbers


def _loop(
    oracle: Oracle,
    rebuild: Callable[[Any], Rules],
    n_rows: int,
    keeps_path: bool,
    rate_shape: tuple[int, ...],
    position: Position,
    n: Any,
    numbers: Any,
) -> tuple[Position, Any, tuple[Any, ...]]:
    """The compiled loop: at most n rows from `position` on.

    Returns the position after them; the number of rows, the status and the number of trials; and the rows.
    """
    rules, x = rebuild(numbers), position.x

    def continues(carry: Any) -> Any:
        i, running, *_ = carry
        return (i < n) & running

    def body(carry: Any) -> Any:
        i, _, position, _, buffers, n_trials = carry
        view = look(oracle, _LIBRARY, rules, position)
        departure = leave(oracle, _LIBRARY, rules, position, view)
        # The status itself is worked out after the loop: XLA would repeat its logic in every fused kernel.
        running = goes_on(departure.facts, rules.limits)
        row = (position.x if keeps_path else None, view.loss, view.gradient_size, departure.learning_rate)
        facts = _cast(no_facts, departure.facts)
        return (
            i + 1,
            running,
            _cast(position, departure.position),
            facts,
            _put(buffers, row, i),
            n_trials + departure.n_trials,
        )

    shapes = (x.shape if keeps_path else None, (), (), rate_shape)
    buffers = tuple(None if s is None else jnp.zeros((n_rows, *s), x.dtype) for s in shapes)
    no_facts = Facts(position.step, True, x.dtype.type(0), x.dtype.type(0))
    carry = (0, True, position, jax.tree.map(jnp.asarray, no_facts), buffers, 0)
    i, _, position, facts, buffers, n_trials = lax.while_loop(continues, body, carry)
    return position, jnp.stack([i, status_of(facts, rules.limits), n_trials]), buffers


def _cast(old: Any, new: Any) -> Any:
    """A rule may mix dtypes; the loop's carry may not."""
    return jax.tree.map(lambda a, b: jnp.asarray(b, jnp.asarray(a).dtype), old, new)


def _put(buffers: tuple[Any, ...], row: tuple[Any, ...], i: Any) -> tuple[Any, ...]:
    return tuple(
        None
        if buffer is None
        else lax.dynamic_update_index_in_dim(buffer, _shaped(value, buffer), i, 0, allow_negative_indices=False)
        for buffer, value in zip(buffers, row, strict=True)
    )


def _shaped(value: Any, buffer: Any) -> Any:
    """A row's entry; where one rate a coordinate is too much to keep, the largest stands for all."""
    value = jnp.asarray(value, buffer.dtype)
    return value if value.ndim == buffer.ndim - 1 else jnp.max(value)
