"""What an optax transformation of ours remembers, in dtypes that no step changes."""

from __future__ import annotations

from typing import Any, NamedTuple, TypeVar

import jax
import jax.numpy as jnp
import numpy as np

from downslope.errors import InvalidInput


class TransformationState(NamedTuple):
    """Arrays alone, so that it can be scanned over, donated and saved."""

    count: Any
    """Updates made, for schedules; it stays at the largest int32."""
    method: Any
    """The method's own state; what has one entry a coordinate is shaped as the parameters are."""


class SearchingState(NamedTuple):
    """The same with what a search remembers; under the names that optax's own searches have."""

    count: Any
    method: Any
    search: Any
    learning_rate: Any
    """The rate of the last step; 0 where none passed, and before the first."""


State = TypeVar("State", TransformationState, SearchingState)


def first_state(state: State) -> State:
    """A state before the first update, as arrays."""
    # A copy, with a dtype of its own: a donated buffer must not be the parameters' as well, and a weakly typed
    # number of Python's would make the first step another program than the second.
    state = state._replace(count=np.int32(0))
    return jax.tree.map(lambda leaf: jnp.array(leaf, jnp.result_type(leaf)), state)  # type: ignore[no-any-return]


def next_state(state: State, **new: Any) -> State:
    """The state after an update, in the dtypes of the one before."""
    return jax.tree.map(_stable, state, state._replace(count=state.count + 1, **new))  # type: ignore[no-any-return]


def step_of(state: TransformationState | SearchingState) -> Any:
    """The count for a schedule, which may divide it: JAX takes int32 / int to single precision, int64 to double."""
    return state.count.astype(int)


def _stable(old: Any, new: Any) -> Any:
    """The new entry in the old one's dtype; a count that has come to its end stays there."""
    old = jnp.asarray(old)
    new = jnp.asarray(new).astype(old.dtype)
    if not jnp.issubdtype(old.dtype, jnp.integer):
        return new
    return jnp.where(new == np.iinfo(old.dtype).max, old, new)


def real_array(leaf: Any) -> Any:
    """A parameter as an array, zeros for one of which only shape and dtype are known; complex ones are refused."""
    if isinstance(leaf, jax.ShapeDtypeStruct):
        leaf = jnp.zeros(leaf.shape, leaf.dtype)
    if jnp.iscomplexobj(leaf):
        raise InvalidInput("params", "must be real: a complex number has no sign and no slope", leaf)
    return jnp.asarray(leaf)


def at_least_single(array: Any) -> Any:
    """Half precision in single, where 1e-8 is more than 0 and 0.999 less than 1."""
    half = jnp.result_type(array) in (jnp.float16, jnp.bfloat16)
    return jnp.asarray(array).astype(jnp.float32) if half else array
