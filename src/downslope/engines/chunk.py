"""The compiled loop of a chunk of steps: a start, and at most n rows from a position on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax

from downslope.engines.leaves import join, split
from downslope.engines.one_kernel import jit_loop
from downslope.engines.recorder import Recorder
from downslope.engines.step import Library, Oracle, Position, Rules, leave, look, same, start
from downslope.stopping import Facts, Limits, goes_on, status_of

MOST_KERNELS = 64
"""Compiled loops kept for one function; another library's rule is another loop with each new number in it."""
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


def compile_chunk(
    oracle: Oracle, kernels: dict[Any, Any], rules: Rules, x0: np.ndarray, n_rows: int, recorder: Recorder
) -> tuple[Callable[..., Any], Callable[..., Any], Any]:
    """The start and the compiled loop for these rules, and the numbers to call them with."""
    method, method_numbers = split(rules.method, x0.dtype)
    rate, rate_numbers = split(rules.learning_rate, x0.dtype)
    target, tolerance, limit, max_steps = rules.limits
    losses = np.array([target, tolerance, limit], dtype=x0.dtype)
    limits = Limits(losses[0], losses[1], losses[2], np.asarray(max_steps))
    numbers = (method_numbers, rate_numbers, limits, rules.bounds, rules.noise, rules.seed)
    rate_shape = recorder.rate_shape if recorder.constant_rate is None else None
    key = (method, rate, rules.bounds is None, rules.noise is None, recorder.keeps_path, rate_shape)

    def rebuild(numbers: Any) -> Rules:
        of_method, of_rate, *rest = numbers
        return Rules(join(method, iter(of_method)), join(rate, iter(of_rate)), *rest)

    if key not in kernels:
        loop = partial(_loop, oracle, rebuild, n_rows, recorder.keeps_path, rate_shape)
        keep(kernels, key, jit_loop(loop))
    if rules.method.brings_rate:  # equal rules of other libraries share a loop, and may start from other states
        return partial(_start, lambda numbers: rules), kernels[key], numbers
    return partial(_start, rebuild), kernels[key], numbers


def keep(kernels: dict[Any, Any], key: Any, kernel: Any) -> None:
    """Keep a compiled loop, and let the oldest one go where there are many."""
    if len(kernels) >= MOST_KERNELS:
        kernels.pop(next(iter(kernels)))
    kernels[key] = kernel


def _start(rebuild: Callable[[Any], Rules], x: Any, numbers: Any) -> Position:
    position = start(rebuild(numbers), x)
    # Python's weakly typed numbers would make the loop's first chunk another program than its second. NumPy does
    # this at once; as a program of JAX it would be compiled first.
    return Position(*jax.tree.map(_strong, position))


def _strong(leaf: Any) -> Any:
    return jnp.asarray(leaf, leaf.dtype) if isinstance(leaf, jax.Array) else np.asarray(leaf)


def _loop(
    oracle: Oracle,
    rebuild: Callable[[Any], Rules],
    n_rows: int,
    keeps_path: bool,
    rate_shape: tuple[int, ...] | None,
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
