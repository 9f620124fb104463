"""One lane: a descent inside a compiled program that steps many, with the little that it remembers of its path.

    begin     a lane at its start
    advance   one step of it; a lane that has ended stays on its last row
    outcome   what is told of it

The rules of a step and of its end are `engines/step.py`'s and `stopping.py`'s, as in a single run. A lane keeps no
path: where it stands, the two points before, two losses and two counts. All that a step writes passes through the
processor's cache, whose speed is the speed of the whole; so what can be worked out at the end is not carried along.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import lax

from downslope.engines.step import Library, Oracle, Position, Rules, leave, look, same, start
from downslope.stopping import Status, status_of


class Lane(NamedTuple):
    """A descent under way."""

    status: Any
    """RUNNING, or why it has ended."""
    position: Position
    """The next row; the last one where it has ended."""
    x_before: Any
    """The point of the row before."""
    x_two_before: Any
    first_loss: Any
    loss_before: Any
    best_loss: Any
    """Up to the row before; inf where there is none."""
    n_rises: Any
    """Up to the row before."""
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


def begin(oracle: Oracle, rules: Rules, x: Any) -> Lane:
    """A lane at its start."""
    zero, nan, none = jnp.asarray(0), jnp.full((), jnp.nan, x.dtype), jnp.full((), jnp.inf, x.dtype)
    position = Position(*jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.asarray(leaf).dtype), start(rules, x)))
    return Lane(jnp.asarray(int(Status.RUNNING)), position, x, x, oracle.value(x), nan, none, zero, zero)


def advance(oracle: Oracle, rules: Rules, lane: Lane) -> Lane:
    """The lane one row further."""
    position = lane.position
    view = look(oracle, _LIBRARY, rules, position)
    # A lane that has ended is told so as by a callback, or its line search would hold up its neighbours.
    view = view._replace(facts=view.facts._replace(stopped=~lane.running))
    departure = leave(oracle, _LIBRARY, rules, position, view)
    status = jnp.where(lane.running, status_of(departure.facts, rules.limits), lane.status)
    further = Lane(
        status=status,
        position=departure.position,
        x_before=position.x,
        x_two_before=lane.x_before,
        first_loss=lane.first_loss,
        loss_before=view.loss,
        best_loss=jnp.minimum(lane.best_loss, view.loss),
        n_rises=lane.n_rises + (view.loss > lane.loss_before),
        n_trials=lane.n_trials,
    )
    goes_on = status == int(Status.RUNNING)
    # A rule may mix dtypes; a loop's carry may not.
    moved = Lane(*jax.tree.map(lambda old, new: jnp.where(goes_on, jnp.asarray(new, old.dtype), old), lane, further))
    n_trials = lane.n_trials + jnp.where(lane.running, departure.n_trials, 0)  # a search that failed counts as well
    return moved._replace(status=status, n_trials=n_trials)


def outcome(oracle: Oracle, rules: Rules, lane: Lane) -> Outcome:
    """What is told of a lane that has ended, or that is interrupted here and so stands on the row before."""
    running = lane.running
    last_x = jnp.where(running, lane.x_before, lane.position.x)
    view = look(oracle, _LIBRARY, rules, lane.position._replace(x=last_x))
    n_rows = jnp.where(running, lane.position.step, lane.position.step + 1)
    n_steps = jnp.maximum(n_rows - 1, 0)
    # The last row that is finite throughout; a start with a bad gradient is its own last good point.
    is_last = (lane.status != int(Status.NOT_FINITE)) | (n_steps == 0)
    nan = jnp.full((), jnp.nan, view.loss.dtype)
    last, before = last_x - lane.x_before, lane.x_before - lane.x_two_before
    length, length_before = _length(last), _length(before)
    two_steps = (n_steps >= 2) & ~running
    rose = ~running & (view.loss > lane.loss_before)
    return Outcome(
        x=jnp.where(is_last, last_x, lane.x_before),
        loss=jnp.where(is_last, view.loss, lane.loss_before),
        gradient_norm=view.gradient_size,
        first_loss=lane.first_loss,
        best_loss=jnp.where(lane.best_loss == jnp.inf, view.loss, jnp.fmin(lane.best_loss, view.loss)),
        turn=jnp.where(two_steps, jnp.sum((last / length) * (before / length_before)), nan),
        growth=jnp.where(two_steps, length / length_before, nan),
        status=jnp.where(running, int(Status.INTERRUPTED), lane.status),
        n_steps=n_steps,
        n_evaluations=n_rows + lane.n_trials,
        n_rises=lane.n_rises + rose,
    )


def _length(step: Any) -> Any:
    """The Euclidean length; scaled, so that steps of 1e200 do not overflow."""
    largest = jnp.max(jnp.abs(step))
    scale = jnp.where((largest > 0) & (largest < jnp.inf), largest, 1)
    return scale * jnp.sqrt(jnp.sum((step / scale) ** 2))
