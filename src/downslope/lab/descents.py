"""Many short descents with every step of each, equal to the last bit to what `minimize` makes of them.

The 256 rates of a slider, or 256 marbles. Each is a call of the very program that `minimize` compiles for one run: any
other program of the same steps may round otherwise in the last bit, which chaotic rates turn into another path. That
was measured. Side by side as lanes, nearly all differed; in one program, one after another, one in forty did, since
XLA's choices of what to fuse depend on what is around. It costs little: 256 rates in two variables took 40 to 60 ms
with every method, the way to the page included, on a busy machine.

The rules of a step and of its end are `engines/step.py`'s and `stopping.py`'s, as everywhere.
"""

from __future__ import annotations

import warnings
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.engines.chunk import compile_chunk, keep
from downslope.engines.compiled import rows_of_a_chunk
from downslope.engines.lanes.cores import n_cores
from downslope.engines.leaves import leaf_names
from downslope.engines.recorder import Recorder
from downslope.engines.step import Oracle, Rules
from downslope.errors import RunFailed
from downslope.lab.limits import LIMITS
from downslope.lab.settings import Setting
from downslope.learning_rates import Constant, as_learning_rate
from downslope.minimization import as_limits, minimize
from downslope.objectives.program import Program
from downslope.patience import ask
from downslope.run import Run

_PART = 16
"""So many descents are made between two looks at whether anybody still waits."""
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
    run = _Runner(program, rules, flat)
    m = len(starts)
    found: list[Any] = [None] * m

    def work(which: range) -> None:
        with jax.enable_x64(True):
            for k in which:
                found[k] = run(starts[k], float(rates[k]))

    n_parts = -(-m // _PART)
    work(range(1))  # compiles, where that was not done; two threads would both
    # Part k takes every n_parts-th descent: neighbours take about as long, and both cores are to have as much to do.
    pending = [_POOL.submit(work, range(k, m, n_parts)) for k in range(n_parts)]
    try:
        for part in pending:
            part.result()
            ask()
    finally:
        for part in pending:
            part.cancel()
    lengths, status, points, losses, sizes = zip(*found, strict=True)
    rows, norms = np.concatenate(points), np.concatenate(sizes)
    slopes = signed(program, rows, norms) if rows.shape[1] == 1 else None
    return Descents(np.array(lengths), rows, np.concatenate(losses), norms, slopes, np.array(status))


class _Runner:
    """One run after another, by the program of single runs."""

    def __init__(self, program: Program, rules: Rules, flat: np.ndarray):
        constant = rules.learning_rate.rate if isinstance(rules.learning_rate, Constant) else None
        recorder = Recorder(flat.size, flat.dtype, "path", (), int(rules.limits.max_steps) + 1, constant)
        oracle = Oracle(program.value, program.value_and_gradient, program.hessian)
        self._start, self._loop, self._numbers = compile_chunk(
            oracle, program.kernels, rules, flat, rows_of_a_chunk(flat, True), recorder
        )
        self._place = leaf_names(rules.learning_rate).index("rate")
        self._most = int(rules.limits.max_steps) + 1

    def __call__(self, start: np.ndarray, rate: float) -> tuple[int, int, np.ndarray, np.ndarray, np.ndarray]:
        """How many rows, the status, the points, the losses and the gradients' sizes."""
        of_method, of_rate, *others = self._numbers
        of_rate = [*of_rate]
        of_rate[self._place] = np.asarray(rate, dtype=of_rate[self._place].dtype)
        numbers = (of_method, of_rate, *others)
        _, summary, rows = self._loop(self._start(start, numbers), self._most, numbers)
        n, status, _ = (int(number) for number in np.asarray(summary))
        points, losses, sizes = (np.array(np.asarray(column)[:n]) for column in rows[:3])  # lets the buffers go
        return n, status, points, losses, sizes


_SIGNS_AT_ONCE = 4096


def signed(program: Program, points: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    """The derivative at points of one variable: its size is the record's, its sign is looked up."""
    if "signs" not in program.kernels:
        keep(program.kernels, "signs", jax.jit(lambda rows: jnp.sign(jax.vmap(program.gradient)(rows)[:, 0])))
    signs = np.empty(len(points))
    with jax.enable_x64(True):
        for k in range(0, len(points), _SIGNS_AT_ONCE):
            block = points[k : k + _SIGNS_AT_ONCE]
            padded = np.pad(block, ((0, _SIGNS_AT_ONCE - len(block)), (0, 0)), mode="edge")
            signs[k : k + len(block)] = np.asarray(program.kernels["signs"](padded))[: len(block)]
    return np.asarray(np.copysign(sizes, signs))


def _one_by_one(setting: Setting, starts: np.ndarray, rates: np.ndarray, max_steps: int) -> Descents:
    """The same by `minimize`, for functions that do not compile."""
    runs = []
    for start_of_this, rate in zip(starts, rates, strict=True):
        ask()
        runs.append(as_far_as_it_goes(setting.with_rate(float(rate)), setting.function.x0(start_of_this), max_steps))
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


def as_far_as_it_goes(setting: Setting, x0: Any = None, max_steps: int | None = None) -> Run:
    """The same as `one`; where the function raises, the steps before."""
    try:
        return one(setting, x0, max_steps)
    except RunFailed as error:
        return error.run


def one(setting: Setting, x0: Any = None, max_steps: int | None = None) -> Run:
    """The run of a setting, as copied code makes it."""
    arguments = setting.arguments() | ({} if max_steps is None else {"max_steps": max_steps})
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a run's notes say the same
        return minimize(setting.function.objective(), setting.x0 if x0 is None else x0, record="path", **arguments)


def slopes_of(run: Run) -> np.ndarray:
    """The derivative at each row of a run of one variable."""
    points = run.structure.flatten_rows(run.path).astype(float)
    bound = run.objective.bind(run.structure.restore(points[0]))[0]
    if bound.program is not None and bound.program.compiles:
        return signed(bound.program, points, run.gradient_norms)
    signs = np.sign([bound.gradient(point)[0] if np.isfinite(point).all() else np.nan for point in points])
    return np.asarray(np.copysign(run.gradient_norms, signs))
