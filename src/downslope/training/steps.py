"""The compiled loop of a training run: one program scans a chunk of batches, a step each (one_step.py).

Coefficients, rates and penalties are numbers of the program, so that none of them recompiles.
"""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from downslope.engines.leaves import join, split
from downslope.learning_rates import LearningRate
from downslope.methods import Method
from downslope.objectives.structure import Structure
from downslope.stopping import Facts, Limits, goes_on, status_of
from downslope.training import one_step
from downslope.training.cluster import over_processes
from downslope.training.losses import Huber
from downslope.training.models import Model, UserLoss
from downslope.training.one_step import Data, Penalties, Position, Shape, value_and_gradient


class Rows(NamedTuple):
    """The record of a chunk: an entry a step."""

    losses: np.ndarray
    gradient_sizes: np.ndarray
    learning_rates: np.ndarray
    points: np.ndarray | None


@dataclass(frozen=True, eq=False)
class Steps:
    """The compiled loop for a model, a method and a rate."""

    model: Model
    structure: Structure
    method: Method
    rate: LearningRate
    penalties: Penalties
    averages: bool = False
    keeps_points: bool = True
    is_batch: bool = False
    n_rows: int = 1024
    n_processes: int = 1
    programs: dict[Any, Any] = field(default_factory=dict)
    """Those of a user's own code, which are not shared between runs: it may have changed since it was traced."""

    def of_size(self, n_rows: int) -> Steps:
        """The same for calls of at most so many steps; kept, with what was found out of it."""
        if n_rows == self.n_rows:
            return self
        if n_rows not in self._of_sizes:
            self._of_sizes[n_rows] = dataclasses.replace(self, n_rows=n_rows)
        return self._of_sizes[n_rows]

    def start(self, x: np.ndarray) -> Position:
        """The position before the first step."""
        dtype = x.dtype
        with jax.enable_x64(True):
            method = join(self._method[0], iter(self._method[1]))
            states = (method.init(x), join(self._rate[0], iter(self._rate[1])).init(x))
            of_method, of_rate = jax.tree.map(np.asarray, states)
        return Position(np.int64(0), x, x, of_method, of_rate, np.zeros_like(x), dtype.type(0))

    def run(
        self,
        position: Position,
        data: Data,
        n: int,
        epoch: int | None,
        average_from: float,
        limits: Limits,
        first: int = 0,
    ) -> tuple[Position, int, int, int, Rows]:
        """At most n steps, from batch `first` of the chunk on.

        Gives the position after them, rows, status, trials of line searches, and the record. `epoch` is the number that
        the schedule is asked for; None asks it for that of the step. In batch descent the one batch is used again and
        again.
        """
        dtype = self.structure.dtype
        schedule_step = np.int64(-1 if epoch is None else epoch)
        with jax.enable_x64(True):
            numbers = (*self._numbers, _limits(limits, dtype))
            end, summary, rows = self._program(
                position, data, np.int64(first), np.int64(n), schedule_step, np.asarray(average_from, dtype), numbers
            )
            filled, status, n_trials = (int(v) for v in np.asarray(summary))
            kept = [None if part is None else np.asarray(part)[:filled] for part in rows]
        return end, filled, status, n_trials, Rows(*kept)  # type: ignore[arg-type]

    @functools.cached_property
    def _of_sizes(self) -> dict[int, Steps]:
        return {}

    @functools.cached_property
    def _method(self) -> tuple[Any, list[np.ndarray]]:
        return split(self.method, self.structure.dtype)

    @functools.cached_property
    def _rate(self) -> tuple[Any, list[np.ndarray]]:
        return split(self.rate, self.structure.dtype)

    @functools.cached_property
    def _loss(self) -> tuple[Any, list[np.ndarray]]:
        return split_loss(self.model, self.structure.dtype)

    @functools.cached_property
    def _numbers(self) -> tuple[Any, ...]:
        """Of loss, method, rate and penalties; handed to JAX once, and not by each call."""
        penalties = Penalties(*(np.asarray(v, self.structure.dtype) for v in self.penalties))
        return jax.tree.map(jnp.asarray, (self._loss[1], self._method[1], self._rate[1], penalties))  # type: ignore[no-any-return]

    @functools.cached_property
    def _program(self) -> Callable[..., Any]:
        shape = Shape(
            self._loss[0],
            self.structure,
            penalised_numbers(self.model, self.structure),
            self._method[0],
            self._rate[0],
            bool(self.penalties.l1),
            bool(np.isfinite(self.penalties.clip_norm)),
            self.averages,
            self.keeps_points,
            self.is_batch,
            self.n_rows,
            self.n_processes,
        )
        if isinstance(self.model, UserLoss) or self.method.brings_rate:
            return self.programs.setdefault(shape, _program(shape))  # type: ignore[no-any-return]
        return _compiled(shape)


@functools.lru_cache(maxsize=64)
def _limits(limits: Limits, dtype: np.dtype[Any]) -> Limits:
    """The limits, handed to JAX once."""
    target, tolerance, limit = (jnp.asarray(np.asarray(value, dtype)) for value in limits[:3])
    return Limits(target, tolerance, limit, jnp.asarray(np.int64(limits.max_steps)))


@functools.lru_cache(maxsize=64)
def _compiled(shape: Shape) -> Callable[..., Any]:
    return _program(shape)


def _program(shape: Shape) -> Callable[..., Any]:
    loop = functools.partial(_loop, shape)
    return jax.jit(loop) if shape.n_processes == 1 else over_processes(loop)


def split_loss(model: Model, dtype: Any) -> tuple[Any, list[np.ndarray]]:
    """The model without the numbers of its loss, and these."""
    if not isinstance(model.loss, Huber):
        return model, []
    return dataclasses.replace(model, loss=Huber(1.0)), [np.asarray(model.loss.delta, dtype)]  # type: ignore[type-var]


def join_loss(model: Model, numbers: list[Any]) -> Model:
    """The inverse, also while a program is traced."""
    return dataclasses.replace(model, loss=Huber(numbers[0])) if numbers else model  # type: ignore[type-var]


@functools.lru_cache(maxsize=64)
def _penalised(model: Model, structure: Structure) -> tuple[bool, ...]:
    params = structure.unflatten(np.zeros(structure.size))
    flags = jax.tree.leaves(model.is_penalised(params))
    sizes = [int(np.prod(shape)) for shape in structure.shapes]
    return tuple(flag for flag, size in zip(flags, sizes, strict=True) for _ in range(size))


def penalised_numbers(model: Model, structure: Structure) -> tuple[bool, ...]:
    """For each number of the flat vector, whether it is penalised; () for all of them."""
    return () if isinstance(model, UserLoss) else _penalised(split_loss(model, structure.dtype)[0], structure)


def _loop(
    shape: Shape,
    position: Position,
    data: Data,
    first: Any,
    n: Any,
    schedule_step: Any,
    average_from: Any,
    numbers: Any,
) -> tuple[Position, Any, tuple[Any, ...]]:
    of_loss, of_method, of_rate, penalties, limits = numbers
    model = join_loss(shape.model, of_loss)
    method, rate = join(shape.method, iter(of_method)), join(shape.rate, iter(of_rate))
    x = position.x
    take = functools.partial(one_step.take, shape, model, method, rate, penalties, limits)

    def continues(carry: Any) -> Any:
        i, running, *_ = carry
        return (i < n) & running

    def body(carry: Any) -> Any:
        i, _, position, _, buffers, n_trials = carry
        batch = data.batch(jnp.asarray(0) if shape.is_batch else first + i)
        at = jnp.where(schedule_step < 0, position.step, schedule_step)
        row, facts, moved, trials = take(position, batch, at, average_from)
        running = goes_on(facts, limits)
        # Where the run ends, its last point stays: the record's last row is the look at it.
        position = jax.tree.map(lambda new, old: jnp.where(running, new, old).astype(old.dtype), moved, position)
        buffers = tuple(
            None if b is None else lax.dynamic_update_index_in_dim(b, jnp.asarray(v, b.dtype), i, 0)
            for b, v in zip(buffers, row, strict=True)
        )
        return i + 1, running, position, jax.tree.map(_as, no_facts, facts), buffers, n_trials + trials

    no_facts = Facts(jnp.asarray(0), jnp.asarray(True), x.dtype.type(0), x.dtype.type(0), *[jnp.asarray(False)] * 4)
    shapes: tuple[Any, ...] = ((), (), (), x.shape if shape.keeps_points else None)
    buffers = tuple(None if s is None else jnp.zeros((shape.n_rows, *s), x.dtype) for s in shapes)
    carry = (0, True, jax.tree.map(jnp.asarray, position), no_facts, buffers, 0)
    i, _, position, facts, buffers, n_trials = lax.while_loop(continues, body, carry)
    return position, jnp.stack([i, status_of(facts, limits), n_trials]), buffers


def _as(old: Any, new: Any) -> Any:
    return jnp.asarray(new, jnp.asarray(old).dtype)


__all__ = [
    "Data",
    "Penalties",
    "Position",
    "Rows",
    "Steps",
    "join_loss",
    "penalised_numbers",
    "split_loss",
    "value_and_gradient",
]
