"""An elementwise method as a transformation: each leaf keeps its shape, dtype and place."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from downslope.adapters.transformation_state import (
    TransformationState,
    at_least_single,
    first_state,
    next_state,
    real_array,
    step_of,
)
from downslope.adapters.tree import Tree, is_tree, spread
from downslope.learning_rates import Schedule
from downslope.methods import Method


class Kinds(NamedTuple):
    """The structure of a method's state, and which of its entries have one number a coordinate."""

    structure: Any
    one_a_coordinate: list[bool]

    def wrapped(self, state: Any) -> Any:
        """The state with a Tree in each of those places."""
        entries = zip(self.structure.flatten_up_to(state), self.one_a_coordinate, strict=True)
        return self.structure.unflatten(Tree(entry) if many else entry for entry, many in entries)


def kinds_of_state(method: Method) -> Kinds | None:
    """None for a method that needs all coordinates at once, which the operators of a Tree refuse.

    >>> from downslope.methods import Adam, Newton
    >>> kinds_of_state(Adam()).one_a_coordinate, kinds_of_state(Newton())
    ([True, True, False], None)
    """

    def one_step(x: Any) -> tuple[Any, Any, Any]:
        before = method.init(Tree(x))
        step, after = method.update(Tree(x), before, 1.0)
        return before, step, after

    try:
        before, step, after = jax.eval_shape(one_step, np.zeros(2, np.float32))
    except Exception:  # if the fault is the method's, `update` on the flat vector raises it again
        return None
    entries, structure = jax.tree.flatten(before, is_leaf=is_tree)
    unlike: Any = jax.tree.structure(after) != jax.tree.structure(before)  # type: ignore[operator]
    if unlike or not is_tree(step):
        return None
    return Kinds(structure, [is_tree(entry) for entry in entries])


@dataclass(frozen=True)
class LeafByLeaf:
    """An elementwise method at a rate that depends on the step's count alone."""

    method: Method
    schedule: Schedule
    kinds: Kinds

    def init(self, params: Any) -> TransformationState:
        """Each entry of the method's state is a tree like the parameters, or one number for all."""
        return first_state(TransformationState(0, _bare(self.method.init(Tree(jax.tree.map(real_array, params))))))

    def update(self, updates: Any, state: TransformationState, params: Any = None, **_: Any) -> Any:
        """The step, each leaf in its gradient's dtype, and the next state."""
        gradient, method_state = jax.tree.map(at_least_single, (updates, state.method))
        rates = spread(self.schedule(step_of(state)), gradient)
        step, after = self.method.update(Tree(gradient), self.kinds.wrapped(method_state), rates)
        return jax.tree.map(_cast, updates, step.tree), next_state(state, method=_bare(after))


def _bare(state: Any) -> Any:
    return jax.tree.map(lambda entry: entry.tree if is_tree(entry) else entry, state, is_leaf=is_tree)


def _cast(gradient: Any, step: Any) -> Any:
    dtype = jnp.result_type(gradient)
    return step if step.dtype == dtype else step.astype(dtype)  # a cast would end a weak type, and recompile
