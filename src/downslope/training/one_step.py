"""One step of a training run, as JAX traces it.

At each batch: the average loss of its rows with the penalty, its gradient (clipped, where asked), the learning rate,
the method's step, and the proximal step of L1:

    F(x) = sum_i w_i loss_i(x) / sum_i w_i  +  l2 / 2 |x|^2  +  l1 |x|_1        biases are not penalised
    x <- soft(x + step, a l1 / s)            soft(u, t) = sign(u) max(|u| - t, 0)

s is what an adaptive method divides each coordinate by, and 1 - beta for a moving one, whose velocity is 1 / (1 - beta)
steps long: then the weights that stay put are those of the penalised minimum (Parikh and Boyd 2014, section 4.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from downslope.learning_rates import Here, LearningRate
from downslope.methods import Method, Momentum, Nesterov, Surroundings
from downslope.objectives.structure import Structure
from downslope.stopping import Facts, Limits, goes_on
from downslope.training.models import Model


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


def value_and_gradient(model: Model, structure: Structure, x: Any, data: Data) -> tuple[Any, Any]:
    """The average loss of one batch and its flat gradient, without penalties."""
    value, gradient = model.value_and_gradient(structure.unflatten(x), data.columns, data.target, data.share)
    leaves = [jnp.ravel(leaf) for leaf in jax.tree.leaves(gradient)]
    return jnp.asarray(value, x.dtype), jnp.concatenate(leaves).astype(x.dtype)


def take(
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
