"""The compiled loop over a block of lanes that stay in the processor's cache.

A block has a fixed number of slots. In each round those lanes that have ended are written out and give way to waiting
ones, and then all make some steps, so that nobody waits for the slowest. Waiting lanes come in pages of fixed length,
so that the size of a sweep never recompiles either. The axis of lanes is the last of every array, where the
processor's vector instructions run along it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from downslope.engines.lanes.lane import Lane, Outcome, advance, begin, outcome
from downslope.engines.lanes.side_by_side import (
    columns,
    each_lane,
    gradients_side_by_side,
    made,
    quicker_options,
    side_by_side,
)
from downslope.engines.step import Oracle, Rules
from downslope.stopping import Status

STEPS_BETWEEN_LOOKS = 32
"""Whether enough lanes have ended is asked this often; a refill costs about as much as ten steps."""
_ENOUGH = 1 / 16
"""A refill waits until this share of the slots is free, for lanes that end one by one."""
EMPTY = -1
"""The index of a slot without a lane."""
MOST_UNUSED = 16
"""The last slots stay empty: there a vectorised loop may end in scalar code, which rounds exp and log otherwise."""


class Page(NamedTuple):
    """Lanes that wait, as arrays with the lanes last."""

    index: Any
    """Which lane of the sweep each is."""
    starts: Any
    numbers: Any
    """The numbers of its method, its learning rate and its seed."""


class Slots(NamedTuple):
    """Lanes under way."""

    index: Any
    numbers: Any
    lanes: Lane


class Budget(NamedTuple):
    """How far a call of the loop may go."""

    n_steps: Any
    n_waiting: Any
    """How many lanes of the page are real."""
    drain: Any
    """No page follows: go on with empty slots."""


class Finished(NamedTuple):
    """The lanes that ended in a call, in the order of their ends; rows beyond `n` mean nothing."""

    n: Any
    floats: Any
    """x, then the other fields of `Outcome` that are no counts; shape (k, rows)."""
    integers: Any
    """The lane's index, then the counts; shape (5, rows)."""


class Block:
    """The programs of a block: `run` for the loop, `interrupted` for what is under way when it is over."""

    def __init__(self, oracle: Oracle, rebuild: Callable[[Any, Any], Rules], n_slots: int, page_length: int):
        self.oracle = oracle._replace(value_and_gradient=gradients_side_by_side(oracle.value_and_gradient))
        self.rebuild, self.n_slots, self.page_length = rebuild, n_slots, page_length
        self.usable = np.arange(n_slots) < n_slots - min(MOST_UNUSED, n_slots // 2)
        self.run = jax.jit(self._run, compiler_options=quicker_options())
        self.interrupted = jax.jit(self._as_they_stand)
        self._known_shapes: dict[Any, Lane] = {}

    def empty_slots(self, page: Page, shared: Any) -> Slots:
        """Slots without lanes, shaped after a page."""
        numbers = jax.tree.map(lambda leaf: np.zeros((*leaf.shape[:-1], self.n_slots), leaf.dtype), page.numbers)
        starts = np.zeros((len(page.starts), self.n_slots), page.starts.dtype)
        lanes = jax.tree.map(lambda leaf: np.zeros(leaf.shape, leaf.dtype), self._shapes(shared, numbers, starts))
        lanes = lanes._replace(status=np.full(self.n_slots, int(Status.INTERRUPTED)))  # anything but RUNNING
        return Slots(np.full(self.n_slots, EMPTY), numbers, lanes)

    def _shapes(self, shared: Any, numbers: Any, starts: np.ndarray) -> Lane:
        """The shapes of lanes, which take milliseconds to find and are kept."""
        key = tuple((leaf.shape, leaf.dtype.str) for leaf in (*jax.tree.leaves(numbers), starts))
        if key not in self._known_shapes:
            self._known_shapes[key] = jax.eval_shape(self._begin, shared, numbers, starts)
        return self._known_shapes[key]

    def _run(
        self, shared: Any, slots: Slots, page: Page, taken: Any, budget: Budget
    ) -> tuple[Slots, Any, Any, Finished]:
        """Write out, fill and step until the budget or the page is used up.

        `shared` is what all lanes have in common, `taken` how many of the page's lanes have left it. Returns the
        slots, the new `taken`, the number of steps made, and the lanes that ended.
        """

        def goes_on(carry: Any) -> Any:
            n, slots, taken, _ = carry
            occupied = slots.index != EMPTY
            full = jnp.all(slots.lanes.running | ~self.usable)
            work = (taken < budget.n_waiting) | full | (jnp.any(occupied) & budget.drain)
            return (n < budget.n_steps) & work

        def round_(carry: Any) -> Any:
            n, slots, taken, finished = carry
            slots, taken, finished = self._refill(shared, slots, page, taken, budget.n_waiting, finished)
            n_made, lanes = self._step(shared, slots, budget.n_steps - n)
            return n + n_made, slots._replace(lanes=lanes), taken, finished

        # In a call no more lanes can end than there are in the slots and on the page; and rows are written a block
        # at a time.
        n_rows = 2 * self.n_slots + self.page_length
        shapes = jax.eval_shape(lambda: self._rows(shared, slots))
        rows = [jnp.zeros((shape.shape[0], n_rows), shape.dtype) for shape in shapes]
        nothing = (jnp.asarray(0), slots, taken, Finished(jnp.asarray(0), *rows))
        n, slots, taken, finished = lax.while_loop(goes_on, round_, nothing)
        return slots, taken, n, finished

    def _step(self, shared: Any, slots: Slots, n_steps: Any) -> tuple[Any, Lane]:
        """Up to n steps of every lane, until enough have ended; how many, and the lanes."""
        occupied = slots.index != EMPTY

        def goes_on(carry: Any) -> Any:
            n, lanes = carry
            ended = jnp.sum(occupied & ~lanes.running)
            return (n < n_steps) & (ended < _ENOUGH * self.n_slots) & jnp.any(lanes.running)

        def steps(carry: Any) -> Any:
            n, lanes = carry
            more = jnp.minimum(n_steps - n, STEPS_BETWEEN_LOOKS)
            lanes = lax.fori_loop(0, more, lambda _, lanes: self._advance(shared, slots.numbers, lanes), lanes)
            return n + more, lanes

        n, lanes = lax.while_loop(goes_on, steps, (jnp.asarray(0), slots.lanes))
        return jnp.maximum(n, 1), lanes

    def _as_they_stand(self, shared: Any, slots: Slots) -> Finished:
        """All lanes in the slots, as they stand."""
        there = slots.index != EMPTY
        order = jnp.argsort(~there, stable=True)
        return Finished(jnp.sum(there), *(rows[:, order] for rows in self._rows(shared, slots)))

    def _refill(
        self, shared: Any, slots: Slots, page: Page, taken: Any, n_waiting: Any, finished: Finished
    ) -> tuple[Slots, Any, Finished]:
        """Lanes that have ended onto the list, and waiting ones into the free slots."""
        free = ~slots.lanes.running & self.usable
        ended = free & (slots.index != EMPTY)
        rank_of_ended, rank_of_free = made(jnp.cumsum(jnp.stack([ended, free]), axis=1) - 1)
        finished = self._written(made(self._rows(shared, slots)), ended, rank_of_ended, finished)

        source = taken + rank_of_free
        enters = free & (source < n_waiting)
        source = made(jnp.minimum(source, self.page_length - 1))

        def placed(new: Any, old: Any) -> Any:
            return jnp.where(enters, new, old)

        new = jax.tree.map(lambda leaf: columns(leaf, source), page)
        numbers = jax.tree.map(placed, new.numbers, slots.numbers)
        lanes = jax.tree.map(placed, self._begin(shared, new.numbers, new.starts), slots.lanes)
        index = placed(new.index, jnp.where(ended, EMPTY, slots.index))
        return Slots(index, numbers, lanes), taken + jnp.sum(enters), finished

    def _written(self, rows: tuple[Any, Any], ended: Any, rank: Any, finished: Finished) -> Finished:
        """The list with the rows of those that have ended: gathered to the front, and written a block at a time."""
        n = self.n_slots
        front = jnp.where(ended, rank, n + jnp.arange(n))
        order = made(jnp.zeros(n, int).at[front].set(jnp.arange(n), mode="drop", unique_indices=True))
        floats, integers = (
            lax.dynamic_update_slice(old, columns(new, order), (0, finished.n))
            for old, new in zip(finished[1:], rows, strict=True)
        )
        return Finished(finished.n + jnp.sum(ended), floats, integers)

    def _rows(self, shared: Any, slots: Slots) -> tuple[Any, Any]:
        """The outcomes as two matrices, whose writing costs less than that of eleven columns."""

        def one(numbers: Any, lane: Lane) -> Outcome:
            return outcome(self.oracle, self.rebuild(shared, numbers), lane)

        told = Outcome(*each_lane(one, slots.numbers, slots.lanes))
        counts = (told.status, told.n_steps, told.n_evaluations, told.n_rises)
        return jnp.concatenate([told.x, jnp.stack(told[1:7])]), jnp.stack([slots.index, *counts])

    def _begin(self, shared: Any, numbers: Any, starts: Any) -> Lane:
        def one(numbers: Any, x: Any) -> Lane:
            return begin(self.oracle, self.rebuild(shared, numbers), x)

        return Lane(*each_lane(one, numbers, starts))

    def _advance(self, shared: Any, numbers: Any, lanes: Lane) -> Lane:
        def one(numbers: Any, lane: Lane) -> Lane:
            return advance(self.oracle, self.rebuild(shared, numbers), lane)

        return Lane(*jax.tree.map(side_by_side, each_lane(one, numbers, lanes)))


def outcomes(finished: Finished) -> tuple[np.ndarray, Outcome]:
    """The lanes' indices and what is told of them, as NumPy arrays with the lanes last."""
    n = int(finished.n)
    floats, integers = (np.asarray(rows)[:, :n] for rows in finished[1:])
    return integers[0], Outcome(floats[:-6], *floats[-6:], *integers[1:])
