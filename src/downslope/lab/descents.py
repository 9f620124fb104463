"""Many short descents with every step of each, equal to the last bit to what `minimize` makes of them.

The 256 rates of a slider, or 256 marbles. Each descent is a loop of its own inside one compiled program: a lane of a
vectorised program would round otherwise in the last bit, which chaotic rates turn into another path, and was slower
(76 to 139 ms for 256 rates of 500 steps, against 1 to 119 ms one after another on one core; measured). Descents go
to the cores in parts of one size, so that neither the number of rates nor a new number ever compiles anything.

The rules of a step and of its end are `engines/step.py`'s and `stopping.py`'s, as everywhere.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from downslope.engines.chunk import LIBRARY, cast, keep
from downslope.engines.lanes.feeding import n_cores
from downslope.engines.leaves import join, leaf_names, split
from downslope.engines.step import Oracle, Position, Rules, leave, look, start
from downslope.lab.limits import LIMITS
from downslope.lab.settings import Setting
from downslope.learning_rates import as_learning_rate
from downslope.minimization import as_limits, minimize
from downslope.objectives.program import Program
from downslope.patience import ask
from downslope.run import Run
from downslope.stopping import Facts, Limits, goes_on, status_of

PART = 32
"""Descents of one call of the program; what is left over is filled up with ones of no step."""
_ROWS = LIMITS.fan_steps + 1
_POOL = ThreadPoolExecutor(n_cores(), thread_name_prefix="downslope-descents")


@dataclass(frozen=True, eq=False)
class Descents:
    """The records of m descents of n variables, one after another: those of descent k begin at row `first[k]`."""

    lengths: np.ndarray
    """Rows of each, shape (m,): steps made, and one."""
    points: np.ndarray
    """Shape (rows, n)."""
    losses: np.ndarray
    gradient_norms: np.ndarray
    slopes: np.ndarray | None
    """The derivative, for one variable; None for more."""
    status: np.ndarray
    """Why each ended: a `Status` as a number."""

    @property
    def first(self) -> np.ndarray:
        """The row at which each begins."""
        return np.concatenate([[0], np.cumsum(self.lengths)[:-1]])

    def record(self, k: int) -> slice:
        """The rows of descent k."""
        first = int(self.first[k])
        return slice(first, first + int(self.lengths[k]))


def descents(setting: Setting, starts: np.ndarray, rates: np.ndarray) -> Descents:
    """Descend from each start, shape (m, n), at its rate, shape (m,); all else is the setting's.

    Steps are made up to the setting's `max_steps` or the limit for fans, whichever is less.
    """
    objective = setting.function.objective()
    max_steps = min(setting.max_steps, LIMITS.fan_steps)
    bound, flat, loss = objective.bind(setting.x0)
    learning_rate = as_learning_rate(setting.with_rate(float(rates[0])).rate, setting.method)
    limits = as_limits(max_steps, None, setting.gradient_tolerance, None)
    rules = Rules(setting.method, learning_rate, limits, None, setting.noise or None, setting.seed)
    for _ in range(2):
        if bound.program is None or not bound.program.compiles:
            break
        found = _compiled(bound.program, rules, flat, starts, rates)
        # A program may be stale: it has swallowed what its function closed over.
        value = float(bound.program.call("value", flat))
        fresh = objective.checked(bound, value, flat, loss)
        if fresh is bound:
            return found
        bound = fresh
    return _one_by_one(setting, starts, rates, max_steps)


def compiles(setting: Setting) -> bool:
    """Whether the descents can share a compiled program."""
    bound = setting.function.objective().bind(setting.x0)[0]
    return bound.program is not None and bound.program.compiles


def _compiled(program: Program, rules: Rules, flat: np.ndarray, starts: np.ndarray, rates: np.ndarray) -> Descents:
    kernel, numbers = _program(program, rules, flat)
    m, n = starts.shape
    n_parts = -(-m // PART)
    # Part k takes every n_parts-th descent: neighbours take about as long, and both cores are to have as much to do.
    order = [np.arange(k, m, n_parts) for k in range(n_parts)]
    rows = np.empty((m, _ROWS, n + 2 + (n == 1)))
    lengths, status = np.empty(m, np.int64), np.empty(m, np.int64)

    def work(which: np.ndarray) -> None:
        with jax.enable_x64(True):
            there = np.resize(which, PART)
            most = np.where(np.arange(PART) < len(which), rules.limits.max_steps, 0)
            found = kernel(starts[there], rates[there], most, numbers)
            lengths[which], status[which], rows[which] = (np.asarray(array)[: len(which)] for array in found)

    pending = [_POOL.submit(work, which) for which in order]
    try:
        for part in pending:
            part.result()
            ask()
    finally:
        for part in pending:
            part.cancel()
    kept = rows[np.arange(_ROWS) < lengths[:, None]]
    losses, sizes, *slopes = kept[:, n:].T
    return Descents(lengths, kept[:, :n], losses, sizes, slopes[0] if slopes else None, status)


def _program(program: Program, rules: Rules, flat: np.ndarray) -> tuple[Callable[..., Any], Any]:
    """The compiled program for these rules, kept with the function's, and the numbers to call it with."""
    method, method_numbers = split(rules.method, flat.dtype)
    rate, rate_numbers = split(rules.learning_rate, flat.dtype)
    place = leaf_names(rules.learning_rate).index("rate")
    target, tolerance, limit, _ = (np.float64(number) for number in rules.limits)
    numbers = (method_numbers, rate_numbers, (target, tolerance, limit), rules.noise, rules.seed)

    def rebuild(numbers: Any, rate_of_this: Any, max_steps: Any) -> Rules:
        of_method, of_rate, losses, noise, seed = numbers
        of_rate = [*of_rate[:place], rate_of_this, *of_rate[place + 1 :]]
        own = join(method, iter(of_method)), join(rate, iter(of_rate))
        return Rules(*own, Limits(losses[0], losses[1], losses[2], max_steps), None, noise, seed)

    key = ("descents", method, rate, rules.noise is None, flat.size)
    if key not in program.kernels:
        oracle = Oracle(program.value, program.value_and_gradient, program.hessian)

        def all_of_them(starts: Any, rates: Any, most: Any, numbers: Any) -> Any:
            def one(own: Any) -> Any:
                x, rate_of_this, max_steps = own
                return _descent(oracle, rebuild(numbers, rate_of_this, max_steps), x)

            return lax.map(one, (starts, rates, most))

        keep(program.kernels, key, jax.jit(all_of_them))
    return program.kernels[key], numbers


def _descent(oracle: Oracle, rules: Rules, x: Any) -> tuple[Any, Any, Any]:
    """How many rows, the status, and the rows: a point, its loss, its gradient's size, its slope for one variable."""
    has_slope = x.shape[0] == 1

    def continues(carry: Any) -> Any:
        return carry[1]

    def body(carry: Any) -> Any:
        i, _, position, _, rows = carry
        view = look(oracle, LIBRARY, rules, position)
        departure = leave(oracle, LIBRARY, rules, position, view)
        slope = [view.gradient[0]] if has_slope else []
        row = jnp.concatenate([position.x, jnp.stack([view.loss, view.gradient_size, *slope])])
        rows = lax.dynamic_update_index_in_dim(rows, row, i, 0, allow_negative_indices=False)
        facts = cast(no_facts, departure.facts)
        return i + 1, goes_on(facts, rules.limits), cast(position, departure.position), facts, rows

    position = Position(*jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), start(rules, x)))
    no_facts = jax.tree.map(jnp.asarray, Facts(position.step, True, x.dtype.type(0), x.dtype.type(0)))
    # One buffer for all columns: a loop that touches little memory is compiled as one function, ten times as fast.
    rows = jnp.zeros((_ROWS, x.shape[0] + 2 + has_slope), x.dtype)
    i, _, _, facts, rows = lax.while_loop(continues, body, (0, True, position, no_facts, rows))
    return i, status_of(facts, rules.limits), rows


def _one_by_one(setting: Setting, starts: np.ndarray, rates: np.ndarray, max_steps: int) -> Descents:
    """The same by `minimize`, for functions that do not compile."""
    runs = []
    for start_of_this, rate in zip(starts, rates, strict=True):
        ask()
        runs.append(one(setting.with_rate(float(rate)), setting.function.x0(start_of_this), max_steps))
    slopes = None
    if starts.shape[1] == 1:
        slopes = np.concatenate([slopes_of(run) for run in runs])
    return Descents(
        np.array([len(run.losses) for run in runs]),
        np.concatenate([run.structure.flatten_rows(run.path) for run in runs]),
        np.concatenate([run.losses for run in runs]),
        np.concatenate([run.gradient_norms for run in runs]),
        slopes,
        np.array([int(run.status) for run in runs]),
    )


def one(setting: Setting, x0: Any = None, max_steps: int | None = None) -> Run:
    """The run of a setting, as copied code makes it."""
    arguments = setting.arguments() | ({} if max_steps is None else {"max_steps": max_steps})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a run's notes say the same
        return minimize(setting.function.objective(), setting.x0 if x0 is None else x0, record="path", **arguments)


def slopes_of(run: Run) -> np.ndarray:
    """The derivative at each row of a run of one variable: its size is the record's, its sign is looked up."""
    points = run.structure.flatten_rows(run.path)
    bound = run.objective.bind(run.structure.restore(points[0]))[0]
    signs = np.sign([bound.gradient(point)[0] if np.isfinite(point).all() else np.nan for point in points])
    return np.asarray(np.copysign(run.gradient_norms, signs))
