"""The compiled steps of a training run: one program scans a chunk of batches.

At each batch: the average loss of its rows with the penalty, its gradient (clipped, where asked), the learning rate,
the method's step, and the proximal step of L1:

    F(x) = sum_i w_i loss_i(x) / sum_i w_i  +  l2 / 2 |x|^2  +  l1 |x|_1        biases are not penalised
    x <- soft(x + step, a l1 / s)            soft(u, t) = sign(u) max(|u| - t, 0)

s is what an adaptive method divides each coordinate by, and 1 - beta for a moving one, whose velocity is 1 / (1 - beta)
steps long: then the weights that stay put are those of the penalised minimum (Parikh and Boyd 2014, section 4.2).

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
from downslope.learning_rates import Here, LearningRate
from downslope.methods import Method, Momentum, Nesterov, Surroundings
from downslope.objectives.structure import Structure
from downslope.stopping import Facts, Limits, goes_on, status_of
from downslope.training.losses import Huber
from downslope.training.models import Model, UserLoss


class Penalties(NamedTuple):
    """What is added to the loss or done to its gradient; numbers, 0 and inf for none."""

    l1: Any
    l2: Any
    clip_norm: Any
    """Gradients longer than this are shortened to it."""


class Position(NamedTuple):
    """Where a training run stands; all that the next step depends on, beside the data."""

    step: Any
    x: Any
    before: Any
    """The weights one step ago: what is left where a step leads out of the numbers."""
    method_state: Any
    rate_state: Any
    average: Any
    """Of the weights since averaging began (Polyak and Juditsky 1992)."""
    n_averaged: Any


class Data(NamedTuple):
    """A chunk of K batches, each in one piece."""

    columns: Any
    """(K, d, b)."""
    target: Any
    """(K, b)."""
    share: Any
    """(K, b): what each row's loss counts in its batch's average."""


class Rows(NamedTuple):
    """The record of a chunk: an entry a step."""

    losses: np.ndarray
    gradient_sizes: np.ndarray
    learning_rates: np.ndarray
    points: np.ndarray | None


@dataclass(frozen=True)
class Shape:
    """What a program is compiled for; equal shapes share one."""

    model: Any
    """A model whose loss has lost its numbers."""
    structure: Structure
    penalised: tuple[bool, ...]
    method: Any
    rate: Any
    has_l1: bool
    clips: bool
    averages: bool
    keeps_points: bool
    is_batch: bool
    """Every step sees all rows: then the loss is a function, which can come to rest."""
    n_rows: int
    """Steps at most, of one call."""


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
    programs: dict[Any, Any] = field(default_factory=dict)
    """Those of a user's own code, which are not shared between runs: it may have changed since it was traced."""

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
        target, tolerance, limit = (np.asarray(value, dtype) for value in limits[:3])
        limits_ = Limits(target, tolerance, limit, np.int64(limits.max_steps))
        penalties = Penalties(*(np.asarray(v, dtype) for v in self.penalties))
        numbers = (self._loss[1], self._method[1], self._rate[1], penalties, limits_)
        schedule_step = np.int64(-1 if epoch is None else epoch)
        with jax.enable_x64(True):
            end, summary, rows = self._program(
                position, data, np.int64(first), np.int64(n), schedule_step, np.asarray(average_from, dtype), numbers
            )
            filled, status, n_trials = (int(v) for v in np.asarray(summary))
            kept = [None if part is None else np.asarray(part)[:filled] for part in rows]
        return end, filled, status, n_trials, Rows(*kept)  # type: ignore[arg-type]

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
        )
        if isinstance(self.model, UserLoss) or self.method.brings_rate:
            return self.programs.setdefault(shape, jax.jit(functools.partial(_loop, shape)))  # type: ignore[no-any-return]
        return _compiled(shape)


@functools.lru_cache(maxsize=64)
def _compiled(shape: Shape) -> Callable[..., Any]:
    return jax.jit(functools.partial(_loop, shape))


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


def value_and_gradient(model: Model, structure: Structure, x: Any, data: Data) -> tuple[Any, Any]:
    """The average loss of one batch and its flat gradient, without penalties."""
    value, gradient = model.value_and_gradient(structure.unflatten(x), data.columns, data.target, data.share)
    leaves = [jnp.ravel(leaf) for leaf in jax.tree.leaves(gradient)]
    return jnp.asarray(value, x.dtype), jnp.concatenate(leaves).astype(x.dtype)


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
    take = functools.partial(_take, shape, model, method, rate, penalties, limits)

    def continues(carry: Any) -> Any:
        i, running, *_ = carry
        return (i < n) & running

    def body(carry: Any) -> Any:
        i, _, position, _, buffers, n_trials = carry
        k = jnp.asarray(0) if shape.is_batch else first + i
        batch = Data(*(lax.dynamic_index_in_dim(part, k, 0, keepdims=False) for part in data))
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


def _take(
    shape: Shape,
    model: Model,
    method: Method,
    rate: LearningRate,
    penalties: Penalties,
    limits: Limits,
    position: Position,
    batch: Data,
    at: Any,
    average_from: Any,
) -> tuple[tuple[Any, ...], Facts, Position, Any]:
    """One step: the row of the record, the facts that decide whether it counts, where it leads."""
    x = position.x
    mask = jnp.asarray(shape.penalised, x.dtype) if not all(shape.penalised) else jnp.ones((), x.dtype)

    def smooth(x: Any) -> tuple[Any, Any]:
        value, gradient = value_and_gradient(model, shape.structure, x, batch)
        held = penalties.l2 * mask * x
        return value + (held * x).sum() / 2, gradient + held

    def whole(x: Any) -> Any:
        value = model.value(shape.structure.unflatten(x), batch.columns, batch.target, batch.share)
        return jnp.asarray(value, x.dtype) + (penalties.l2 / 2 * x * x * mask).sum() + _l1(x)

    def _l1(x: Any) -> Any:
        return penalties.l1 * (jnp.abs(x) * mask).sum() if shape.has_l1 else 0

    loss, gradient = smooth(x)
    size = jnp.max(jnp.abs(gradient))
    stationarity = size
    if shape.has_l1:
        loss = loss + _l1(x)
        stationarity = jnp.max(jnp.abs(_soft(x - gradient, penalties.l1 * mask) - x))
    if shape.clips:
        length = jnp.sqrt((gradient * gradient).sum())
        gradient = gradient * jnp.where(length > penalties.clip_norm, penalties.clip_norm / length, 1)
    finite = jnp.isfinite(loss) & jnp.isfinite(size)
    facts = Facts(jnp.asarray(0), finite, loss, stationarity if shape.is_batch else jnp.inf)

    def moved(rate: Any) -> tuple[Any, Any]:
        extra: tuple[Any, ...] = ()
        if method.needs_hessian:
            hessian = jax.jacfwd(lambda p: smooth(p)[1])(x)
            extra = ((hessian + hessian.T) / 2,)
        if method.brings_rate:
            extra = (Surroundings(x, loss, gradient, whole, lambda p: smooth(p), whole),)
        step, state = method.update(gradient, position.method_state, rate, *extra)
        new = x + step
        return (_soft(new, _threshold(method, state, rate) * penalties.l1 * mask) if shape.has_l1 else new), state

    here = Here(at, x, loss, gradient, lambda r: moved(r)[0], whole, goes_on(facts, limits), jnp, lax.while_loop)
    choice = rate.choose(position.rate_state, here)
    new_x, new_state = moved(choice.rate)
    told, trials = method.report(new_state) if method.brings_rate else (choice.rate, choice.n_trials)
    if shape.is_batch:
        still = jnp.all(new_x == x)
        facts = facts._replace(found=jnp.asarray(choice.found), at_rest=still & (stationarity == 0))
    average, n_averaged = position.average, position.n_averaged
    if shape.averages:
        counts = position.step >= average_from
        n_averaged = n_averaged + counts
        average = average + jnp.where(counts, (new_x - average) / jnp.maximum(n_averaged, 1), 0)
    moved_to = Position(position.step + 1, new_x, x, new_state, choice.state, average, n_averaged)
    return (loss, stationarity, jnp.max(jnp.asarray(told)), x), facts, moved_to, trials


def _soft(u: Any, threshold: Any) -> Any:
    return jnp.sign(u) * jnp.maximum(jnp.abs(u) - threshold, 0)


def _threshold(method: Method, state: Any, rate: Any) -> Any:
    if isinstance(method, Momentum | Nesterov):
        return rate / (1 - method.beta)
    return rate / method.scale(state) if method.scaling else rate


def _as(old: Any, new: Any) -> Any:
    return jnp.asarray(new, jnp.asarray(old).dtype)
