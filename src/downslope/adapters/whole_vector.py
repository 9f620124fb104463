"""Any method at any learning rate as a transformation, on the parameters as one flat vector."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jax.flatten_util import ravel_pytree

from downslope.adapters.transformation_state import (
    SearchingState,
    TransformationState,
    at_least_single,
    first_state,
    next_state,
    real_array,
    step_of,
)
from downslope.adapters.tree import check_one_a_coordinate
from downslope.errors import InvalidInput
from downslope.learning_rates import BarzilaiBorwein, Here, LearningRate, Polyak, Schedule
from downslope.methods import Method


@dataclass(frozen=True)
class WholeVector:
    """A method that needs all coordinates, or a rate that does."""

    method: Method
    rate: LearningRate

    def init(self, params: Any) -> TransformationState | SearchingState:
        """The states of method and search on the flat vector."""
        x, _ = _flat(jax.tree.map(real_array, params))
        method_state = self.method.init(x)
        if isinstance(self.rate, Schedule):
            return first_state(TransformationState(0, method_state))
        return first_state(SearchingState(0, method_state, self.rate.init(x), np.zeros((), x.dtype)))

    def update(
        self,
        updates: Any,
        state: Any,
        params: Any = None,
        *,
        value: Any = None,
        value_fn: Callable[..., Any] | None = None,
        **extra: Any,
    ) -> Any:
        """The step with the structure of the gradient, and the next state."""
        self._check_arguments(params=params, value=value, value_fn=value_fn)
        gradient, restored = _flat(updates)
        x, params_at = (None, None) if params is None else _flat(params)
        loss = None if value is None else jnp.asarray(value).astype(gradient.dtype)
        loss_at: Any = None
        if value_fn is not None and params_at is not None:
            loss_at = _loss_at(value_fn, params_at, extra)
        hessian = (jax.hessian(loss_at)(x),) if self.method.needs_hessian else ()

        def step_and_state(rate: Any) -> tuple[Any, Any]:
            return self.method.update(gradient, state.method, rate, *hessian)

        finite = jnp.all(jnp.isfinite(gradient))
        here = Here(
            step=step_of(state),
            x=x,
            loss=loss,
            gradient=gradient,
            move=lambda rate: x + step_and_state(rate)[0],
            value=loss_at,
            running=finite if loss is None else finite & jnp.isfinite(loss),
            xp=jnp,
            while_loop=jax.lax.while_loop,
        )
        searching = isinstance(state, SearchingState)
        choice = self.rate.choose(state.search if searching else (), here)
        rate = jnp.asarray(choice.rate).astype(gradient.dtype)
        check_one_a_coordinate(rate, gradient.size)
        step, method_state = step_and_state(rate)
        if not searching:
            return restored(step), next_state(state, method=method_state)
        # Where no rate passes nothing is learned: the next batch meets the old state.
        after = next_state(state, method=method_state, search=choice.state, learning_rate=rate)
        stayed = state._replace(count=after.count, learning_rate=jnp.zeros_like(state.learning_rate))
        chosen = jax.tree.map(lambda new, old: jnp.where(choice.found, new, old), after, stayed)
        return restored(jnp.where(choice.found, step, 0)), chosen

    def _check_arguments(self, **given: Any) -> None:
        scheduled = isinstance(self.rate, Schedule)
        needed = {Polyak: ("params", "value"), BarzilaiBorwein: ("params",)}.get(
            type(self.rate), () if scheduled else ("params", "value", "value_fn")
        )
        if self.method.needs_hessian:
            needed = (*needed, "params", "value_fn")
        missing = [name for name, argument in given.items() if name in needed and argument is None]
        if missing:
            who = type(self.method if scheduled else self.rate).__name__
            rule = f"must be given for {who}: update(grads, state, params, value=..., value_fn=...)"
            raise InvalidInput(missing[0], rule)


def _flat(tree: Any) -> tuple[Any, Callable[[Any], Any]]:
    """The leaves as one vector, and the way back."""
    flat, unravel = ravel_pytree(tree)
    return at_least_single(flat), lambda vector: unravel(vector.astype(flat.dtype))


def _loss_at(value_fn: Callable[..., Any], params_at: Callable[[Any], Any], extra: dict[str, Any]) -> Any:
    """The loss at a flat vector; what it takes beside the parameters is found among the extra arguments by name."""
    arguments = {name: extra[name] for name in inspect.signature(value_fn).parameters if name in extra}
    return lambda x: jnp.asarray(value_fn(params_at(x), **arguments)).astype(x.dtype)
