"""One lane: a descent inside a compiled program that steps many, with the little that it remembers of its path.

    begin     a lane at its start
    advance   one step of it; a lane that has ended stays as it is
    outcome   what is told of it

The rules of a step and of its end are `engines/step.py`'s and `stopping.py`'s, as in a single run. A lane keeps
no path: its last three points, four losses and three counts are enough for its end, its direction and its growth.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from downslope.engines.step import Library, Oracle, Position, Rules, leave, look, same, start
from downslope.stopping import Status, status_of


class Lane(NamedTuple):
    """A descent under way; row k is what was seen last, from the point after k updates."""

    status: Any
    """RUNNING, or why it has ended."""
    position: Position
    """Where row k + 1 will be."""
    x: Any
    """The point of row k."""
    x_before: Any
    x_two_before: Any
    loss: Any
    loss_before: Any
    gradient_size: Any
    first_loss: Any
    best_loss: Any
    """Of the rows that are finite throughout; inf where there is none."""
    n_rises: Any
    n_trials: Any

    @property
    def running(self) -> Any:
        """Whether it has not ended."""
        return self.status == int(Status.RUNNING)


class Outcome(NamedTuple):
    """What is told of a lane, each entry as in `Lanes`."""

    x: Any
    loss: Any
    gradient_norm: Any
    first_loss: Any
    best_loss: Any
    turn: Any
    growth: Any
    status: Any
    n_steps: Any
    n_evaluations: Any
    n_rises: Any


def _unchanged(new: Any, old: Any, again: Any) -> tuple[Any, Any]:
    unmoved = jnp.all(new[0] == old[0])
    return unmoved, jnp.asarray(unmoved & same(jnp, new[1], old[1]))


_LIBRARY = Library(jnp, lax.while_loop, _unchanged)


def begin(rules: Rules, x: Any) -> Lane:
    """A lane that has seen nothing yet."""
    nan, zero = jnp.full((), jnp.nan, x.dtype), jnp.asarray(0)
    position = Position(*jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), start(rules, x)))
    running, none = jnp.asarray(int(Status.RUNNING)), jnp.full((), jnp.inf, x.dtype)
    return Lane(running, position, x, x, x, nan, nan, nan, nan, none, zero, zero)


def advance(oracle: Oracle, rules: Rules, lane: Lane) -> Lane:
    """The lane one row further."""
    position = lane.position
    view = look(oracle, _LIBRARY, rules, position)
    # A lane that has ended is told so as by a callback, or its line search would hold up its neighbours.
    view = view._replace(facts=view.facts._replace(stopped=~lane.running))
    departure = leave(oracle, _LIBRARY, rules, position, view)
    better = view.facts.finite & (view.loss < lane.best_loss)
    further = Lane(
        status=status_of(departure.facts, rules.limits),
        position=departure.position,
        x=position.x,
        x_before=lane.x,
        x_two_before=lane.x_before,
        loss=view.loss,
        loss_before=lane.loss,
        gradient_size=view.gradient_size,
        first_loss=jnp.where(position.step == 0, view.loss, lane.first_loss),
        best_loss=jnp.where(better, view.loss, lane.best_loss),
        n_rises=lane.n_rises + (view.loss > lane.loss),
        n_trials=lane.n_trials + departure.n_trials,
    )
    # A rule may mix dtypes; a loop's carry may not.
    return Lane(
        *jax.tree.map(lambda old, new: jnp.where(lane.running, jnp.asarray(new, old.dtype), old), lane, further)
    )


def outcome(lane: Lane) -> Outcome:
    """What is told of a lane that has ended, or that is interrupted here."""
    n_steps = jnp.maximum(lane.position.step - 1, 0)
    # The last row that is finite throughout; a start with a bad gradient is its own last good point.
    is_last = (lane.status != int(Status.NOT_FINITE)) | (n_steps == 0)
    last, before = lane.x - lane.x_before, lane.x_before - lane.x_two_before
    length, length_before = _length(last), _length(before)
    nan = jnp.full((), jnp.nan, lane.x.dtype)
    return Outcome(
        x=jnp.where(is_last, lane.x, lane.x_before),
        loss=jnp.where(is_last, lane.loss, lane.loss_before),
        gradient_norm=lane.gradient_size,
        first_loss=lane.first_loss,
        best_loss=jnp.where(lane.best_loss == jnp.inf, nan, lane.best_loss),
        turn=jnp.where(n_steps < 2, nan, jnp.sum((last / length) * (before / length_before))),
        growth=jnp.where(n_steps < 2, nan, length / length_before),
        status=jnp.where(lane.running, int(Status.INTERRUPTED), lane.status),
        n_steps=n_steps,
        n_evaluations=jnp.minimum(lane.position.step, n_steps + 1) + lane.n_trials,
        n_rises=lane.n_rises,
    )


def _length(step: Any) -> Any:
    """The Euclidean length; scaled, so that steps of 1e200 do not overflow."""
    largest = jnp.max(jnp.abs(step))
    scale = jnp.where((largest > 0) & (largest < jnp.inf), largest, 1)
    return scale * jnp.sqrt(jnp.sum((step / scale) ** 2))
