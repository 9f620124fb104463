"""One step of a training run, as JAX traces it.

At each batch: the average loss of its rows with the penalty, its gradient (clipped, where asked), the learning rate,
the method's step, and the proximal step of L1:

    F(x) = sum_i w_i loss_i(x) / sum_i w_i  +  l2 / 2 |x|^2  +  l1 |x|_1        biases are not penalised
    x <- soft(x + step, a l1 / s)            soft(u, t) = sign(u) max(|u| - t, 0)

s is what an adaptive method divides each coordinate by, and 1 - beta for a moving one, whose velocity is 1 / (1 - beta)
steps long: then the weights that stay put are those of the penalised minimum (Parikh and Boyd 2014, section 4.2).
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from downslope.errors import InvalidInput
from downslope.learning_rates import Here, LearningRate
from downslope.methods import Method, Momentum, Nesterov, Surroundings
from downslope.objectives.structure import Structure
from downslope.stopping import Facts, Limits, goes_on
from downslope.training.all_reduce import sum_over_processes
from downslope.training.gathering import Flat
from downslope.training.models import Linear, Model

TILE = 512
"""Rows of a linear model's batch that are looked at together: what is cut out of the data stays in the cache."""


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


@functools.partial(
    jax.tree_util.register_dataclass, data_fields=["flat", "target", "share", "apart"], meta_fields=["shape"]
)
@dataclass(frozen=True)
class Data:
    """A chunk of batches."""

    flat: Flat
    """The features, row after row: products with rows ran twice as fast as with columns."""
    target: Any
    """Shape (K b,)."""
    share: Any
    """Shape (K b,): what each row's loss counts in its batch's average."""
    shape: tuple[int, int]
    """b, the rows of a batch, and d, the features of a row."""
    apart: Any = None
    """So many rows lie from the first of a batch to the first of the next, in `flat`; None: b."""

    def batch(self, k: Any) -> Batch:
        """One of them."""
        n, d = self.shape
        return Batch(self, self.flat.first + k * (n if self.apart is None else self.apart) * d, k * n, n)


class Batch(NamedTuple):
    """Some rows of the data; they are cut out where they are used."""

    data: Data
    place: Any
    """Of its first number, in `data.flat`."""
    first: Any
    """Its first row's, in `data.target`."""
    n_rows: int

    @property
    def columns(self) -> Any:
        """The features, shape (d, n_rows)."""
        n, d = self.n_rows, self.data.shape[1]
        return lax.dynamic_slice_in_dim(self.data.flat.numbers, self.place, n * d).reshape(n, d).T

    @property
    def target(self) -> Any:
        """Shape (n_rows,)."""
        return lax.dynamic_slice_in_dim(self.data.target, self.first, self.n_rows)

    @property
    def share(self) -> Any:
        """Shape (n_rows,)."""
        return lax.dynamic_slice_in_dim(self.data.share, self.first, self.n_rows)

    def part(self, first: Any, n_rows: int) -> Batch:
        """Some of its rows."""
        return Batch(self.data, self.place + first * self.data.shape[1], self.first + first, n_rows)


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
    n_processes: int = 1
    """That train together, each on its share of the batch."""


def value_and_gradient(model: Model, structure: Structure, x: Any, batch: Batch) -> tuple[Any, Any]:
    """The average loss of one batch and its flat gradient, without penalties."""
    params = structure.unflatten(x)

    def of_part(first: Any, n_rows: int) -> tuple[Any, Any]:
        part = batch.part(first, n_rows)
        value, gradient = model.value_and_gradient(params, part.columns, part.target, part.share)
        leaves = [jnp.ravel(leaf) for leaf in jax.tree.leaves(gradient)]
        return jnp.asarray(value, x.dtype), jnp.concatenate(leaves).astype(x.dtype)

    n_tiles = batch.n_rows // TILE if isinstance(model, Linear) else 0
    if n_tiles < 2:
        return of_part(0, batch.n_rows)

    def add(tile: Any, total: tuple[Any, Any]) -> tuple[Any, Any]:
        return jax.tree.map(jnp.add, total, of_part(tile * TILE, TILE))  # type: ignore[no-any-return]

    # What is left over comes first, so that there is something to add to.
    left_over = batch.n_rows - n_tiles * TILE
    total = of_part(n_tiles * TILE, left_over) if left_over else (jnp.zeros((), x.dtype), jnp.zeros_like(x))
    return lax.fori_loop(0, n_tiles, add, total)  # type: ignore[no-any-return]


def take(
    shape: Shape,
    model: Model,
    method: Method,
    rate: LearningRate,
    penalties: Penalties,
    limits: Limits,
    position: Position,
    batch: Batch,
    at: Any,
    average_from: Any,
) -> tuple[tuple[Any, ...], Facts, Position, Any]:
    """One step: the row of the record, the facts that decide whether it counts, where it leads."""
    x = position.x
    mask = jnp.asarray(shape.penalised, x.dtype) if not all(shape.penalised) else jnp.ones((), x.dtype)

    def own(x: Any) -> tuple[Any, Any]:
        return value_and_gradient(model, shape.structure, x, batch)

    def smooth(x: Any) -> tuple[Any, Any]:
        return with_penalty(x, *sum_over_processes(own(x), shape.n_processes))

    def with_penalty(x: Any, value: Any, gradient: Any) -> tuple[Any, Any]:
        held = penalties.l2 * mask * x
        return value + (held * x).sum() / 2, gradient + held

    def whole(x: Any) -> Any:
        value = model.value(shape.structure.unflatten(x), batch.columns, batch.target, batch.share)
        value = sum_over_processes(jnp.asarray(value, x.dtype), shape.n_processes)
        return value + (penalties.l2 / 2 * x * x * mask).sum() + _l1(x)

    def _l1(x: Any) -> Any:
        return penalties.l1 * (jnp.abs(x) * mask).sum() if shape.has_l1 else 0

    if method.needs_hessian:  # by way of one sum
        found = *own(x), jax.jacfwd(lambda p: own(p)[1])(x)
        value, gradient, hessian = sum_over_processes(found, shape.n_processes)
        loss, gradient = with_penalty(x, value, gradient)
        hessian = (hessian + hessian.T) / 2 + jnp.diag(jnp.broadcast_to(penalties.l2 * mask, x.shape))
    else:
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
            extra = (hessian,)
        if method.brings_rate:
            value, both = (whole, smooth) if shape.n_processes == 1 else (_refuse, _refuse)
            extra = (Surroundings(x, loss, gradient, value, both, value),)
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


def _refuse(x: Any) -> Any:
    """Of sums that do not wait for each other, processes may begin another one first: then all hang or crash."""
    rule = "must not evaluate the loss itself where several processes train, as downslope's line search may"
    raise InvalidInput("method", rule, "an optax transformation that does")


def _soft(u: Any, threshold: Any) -> Any:
    return jnp.sign(u) * jnp.maximum(jnp.abs(u) - threshold, 0)


def _threshold(method: Method, state: Any, rate: Any) -> Any:
    if isinstance(method, Momentum | Nesterov):
        return rate / (1 - method.beta)
    return rate / method.scale(state) if method.scaling else rate
