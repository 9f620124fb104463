"""Any optax transformation as a method, in the same compiled loop as ours.

    updates, state = transformation.update(gradient, state, params, value=, grad=, value_fn=)
    x <- x + updates

The transformation sees parameters, gradients and functions with the structure of the start. Value, gradient
and value function are what optax's line searches ask for; a few rules have names of their own for them.
"""

from __future__ import annotations

from collections.abc import Callable
from types import FunctionType
from typing import Any, ClassVar

import numpy as np

from downslope.methods.method import Method, Surroundings
from downslope.objectives.fingerprint import fingerprint
from downslope.objectives.structure import Layout, Structure

_DEPTH = 24
"""A chain is closures in closures."""
_EXTRA_ARGUMENTS = (("value", "grad", "value_fn"), ("value", "grad", "value_fn", "obj_fn"), ("grad_fn",), ())
"""What rules take, in the order tried: nearly all the first or none of it, Sophia the second, SAM the third."""
_WRAPPERS = ("chain", "with_extra_args_support")
_NOTHING = ("identity", "init_empty_state")


class Optax(Method):
    """A transformation around a start of a known structure.

    Two of them are equal, and share a compiled loop, where their `update` would compute the same: the numbers
    that optax.inject_hyperparams keeps in the state are no part of it.
    """

    brings_rate: ClassVar[bool] = True

    def __init__(self, transformation: Any, structure: Structure | None = None):
        self.transformation, self.structure = transformation, structure
        self._key = (fingerprint(transformation.update, _DEPTH), structure)
        self._asks_for_values = False
        self._jitted: Callable[..., tuple[Any, Any]] | None = None

    def on(self, structure: Structure) -> Optax:
        """The same for starts of that structure."""
        return Optax(self.transformation, structure)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Optax) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)

    @property
    def in_words(self) -> dict[str, Any]:
        """The transformation by the names of its parts."""
        return {"name": "optax", "transformation": ", ".join(_parts(self.transformation.update))}

    def init(self, x: Any) -> Any:
        """The transformation's own state."""
        import jax

        with jax.enable_x64(True):
            state = self.transformation.init(self._params(jax.numpy.asarray(x)))
        return _in_numpy(state) if isinstance(x, np.ndarray) else state

    def update(  # type: ignore[override]  # foreign rules see where they stand
        self, gradient: Any, state: Any, learning_rate: Any, around: Surroundings
    ) -> tuple[Any, Any]:
        """The transformation's updates as one flat vector."""
        if not isinstance(gradient, np.ndarray):
            return self._update(gradient, state, around)
        step, state = self._update_eagerly(gradient, state, around)
        return np.array(step), _in_numpy(state)

    def loss_changed(self) -> None:
        """Ask the plain function from now on."""
        self._asks_for_values = True

    def report(self, state: Any) -> tuple[Any, Any]:
        """The rate that a line search or inject_hyperparams keeps in the state (NaN if none), and a search's trials."""
        from optax import tree_utils

        named = [rate for _, rate in tree_utils.tree_get_all_with_path(state, "learning_rate")]
        rates = [rate for rate in named if not isinstance(rate, tuple) and np.ndim(rate) == 0]
        trials = [n for _, n in tree_utils.tree_get_all_with_path(state, "num_linesearch_steps")]
        return (rates[0] if len(rates) == 1 else np.nan), sum(trials)

    def _update_eagerly(self, gradient: np.ndarray, state: Any, around: Surroundings) -> tuple[Any, Any]:
        """In the eager engine: compiled, unless it asks for the value function and that is any Python code."""
        import jax

        with jax.enable_x64(True):
            if not self._asks_for_values:
                try:
                    return self._compiled(around.traceable)(gradient, state, around.x, around.loss)
                except _ValueWantedError:
                    self._asks_for_values = True
            with jax.disable_jit():
                x, loss = jax.numpy.asarray(around.x), jax.numpy.asarray(around.loss)
                seen = around._replace(x=x, loss=loss, value=_as_jax(around))
                return self._update(jax.numpy.asarray(gradient), jax.tree.map(jax.numpy.asarray, state), seen)

    def _compiled(self, value: Callable[[Any], Any] | None) -> Callable[..., tuple[Any, Any]]:
        import jax

        def unknown(point: Any) -> Any:
            raise _ValueWantedError

        def update(gradient: Any, state: Any, x: Any, loss: Any) -> tuple[Any, Any]:
            return self._update(gradient, state, Surroundings(x, loss, gradient, value or unknown, unknown, None))

        if self._jitted is None:  # one for each run, whose start makes this anew
            self._jitted = jax.jit(update)
        return self._jitted

    def _update(self, gradient: Any, state: Any, around: Surroundings) -> tuple[Any, Any]:
        import jax
        import optax

        def value_fn(params: Any) -> Any:
            return around.value(self._flat(params, around.x.dtype))

        params, grad = self._params(around.x), self._params(gradient)
        known = {
            "value": around.loss,
            "grad": grad,
            "value_fn": value_fn,
            "obj_fn": value_fn,
            "grad_fn": lambda params, *_: jax.grad(value_fn)(params),
        }
        refusals = []
        for names in _EXTRA_ARGUMENTS:
            extra = {name: known[name] for name in names}
            try:
                updates, state = optax.with_extra_args_support(self.transformation).update(grad, state, params, **extra)
            except (TypeError, ValueError) as error:  # an argument too many, or one missing
                refusals.append(error)
            else:
                return self._flat(updates, around.x.dtype), state
        raise refusals[0]

    def _params(self, flat: Any) -> Any:
        assert self.structure is not None  # `minimize` puts it on the start first
        return self.structure.unflatten(flat)

    def _flat(self, params: Any, dtype: Any) -> Any:
        from jax import numpy as jnp

        assert self.structure is not None
        leaves = self.structure.treedef.flatten_up_to(params) if self.structure.layout is Layout.TREE else [params]
        return jnp.concatenate([jnp.ravel(leaf) for leaf in leaves]).astype(dtype)


def _in_numpy(state: Any) -> Any:
    """JAX's arrays would be cut to 32 bits outside its own context; only random keys have to stay."""
    import jax

    def convert(leaf: Any) -> Any:
        is_key = isinstance(leaf, jax.Array) and not isinstance(leaf.dtype, np.dtype)
        return leaf if is_key else np.asarray(leaf)

    return jax.tree.map(convert, state)


class _ValueWantedError(Exception):
    """The rule asks for the value function."""


def _as_jax(around: Surroundings) -> Callable[[Any], Any]:
    """The plain value as a function that JAX can differentiate, by the plain gradient."""
    import jax

    @jax.custom_vjp
    def value(x: Any) -> Any:
        return jax.numpy.asarray(around.value(np.asarray(x)), x.dtype)

    def forward(x: Any) -> tuple[Any, Any]:
        loss, gradient = around.value_and_gradient(np.asarray(x))
        return jax.numpy.asarray(loss, x.dtype), jax.numpy.asarray(gradient)

    value.defvjp(forward, lambda gradient, seed: (seed * gradient,))
    return value


def _numbers(update: Callable[..., Any]) -> str:
    """The plain numbers that a transformation was made with: "(b1=0.9, b2=0.999)"."""
    names = getattr(getattr(update, "__code__", None), "co_freevars", ())
    cells = (cell.cell_contents for cell in getattr(update, "__closure__", None) or ())
    told = [f"{name}={value:g}" for name, value in zip(names, cells, strict=True) if type(value) in (int, float)]
    return f"({', '.join(told)})" if told else ""


def _parts(update: Callable[..., Any]) -> list[str]:
    """The names of the transformations in a chain, from the functions that its closures hold."""
    name = getattr(update, "__qualname__", type(update).__name__).partition(".<locals>")[0].removesuffix(".update")
    cells = [cell.cell_contents for cell in getattr(update, "__closure__", None) or ()]
    if name == "inject_hyperparams":  # its numbers are in the state, and so in the record
        return [f"{name}({', '.join(c.__name__ for c in cells if isinstance(c, FunctionType))})"]
    if name not in _WRAPPERS:
        return [] if name in _NOTHING else [name + _numbers(update)]
    inside = [i for cell in cells for i in (cell if type(cell) is tuple else [cell])]  # a transformation is one, too
    updates = [getattr(item, "update", item) for item in inside]
    parts = [part for item in updates if hasattr(item, "__qualname__") for part in _parts(item)]
    return list(dict.fromkeys(parts))
