"""A container of arrays that adds, multiplies and compares like one number.

A method is written with operators alone, so the same code that steps a float steps a whole model with this,
leaf by leaf, each in its own shape, dtype and place. Only elementwise operators are here: what goes through
them cannot have mixed two coordinates.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.errors import InvalidInput


def _binary(function: Callable[[Any, Any], Any]) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """An operator between a tree and a number or another tree, from the left and from the right."""

    def from_the_left(self: Tree, other: Any) -> Any:
        if isinstance(other, Tree):
            return Tree(jax.tree.map(function, self.tree, other.tree))
        if np.ndim(other):
            return NotImplemented  # one number a coordinate has no place in a leaf
        return Tree(jax.tree.map(lambda leaf: function(leaf, other), self.tree))

    def from_the_right(self: Tree, other: Any) -> Any:
        if np.ndim(other):
            return NotImplemented
        return Tree(jax.tree.map(lambda leaf: function(other, leaf), self.tree))

    return from_the_left, from_the_right


def _unary(function: Callable[[Any], Any]) -> Callable[..., Any]:
    return lambda self: Tree(jax.tree.map(function, self.tree))


@jax.tree_util.register_pytree_node_class
class Tree:
    """A pytree with arithmetic.

    >>> from downslope.methods import Momentum
    >>> rule = Momentum(beta=0.5)
    >>> x = Tree({"offset": 2.0, "slope": 1.0})
    >>> step, state = rule.update(x, rule.init(x), 0.5)
    >>> step.tree, state.velocity.tree
    ({'offset': -1.0, 'slope': -0.5}, {'offset': -1.0, 'slope': -0.5})
    """

    __slots__ = ("tree",)
    __array_ufunc__ = None  # a NumPy number on the left lets this class answer

    def __init__(self, tree: Any):
        self.tree = tree

    __add__, __radd__ = _binary(operator.add)
    __sub__, __rsub__ = _binary(operator.sub)
    __mul__, __rmul__ = _binary(operator.mul)
    __truediv__, __rtruediv__ = _binary(operator.truediv)
    __pow__, __rpow__ = _binary(operator.pow)
    __neg__, __abs__ = _unary(operator.neg), _unary(operator.abs)
    __lt__, __gt__ = _binary(operator.lt)[0], _binary(operator.gt)[0]
    __le__, __ge__ = _binary(operator.le)[0], _binary(operator.ge)[0]
    # Without them Python would compare identities.
    __eq__, __ne__ = _binary(operator.eq)[0], _binary(operator.ne)[0]
    __hash__ = None  # type: ignore[assignment]

    def __bool__(self) -> bool:
        raise TypeError("a tree of numbers is neither true nor false")

    def tree_flatten(self) -> tuple[tuple[Any], None]:
        """As JAX takes it apart."""
        return (self.tree,), None

    @classmethod
    def tree_unflatten(cls, _: None, children: tuple[Any]) -> Tree:
        """The inverse."""
        return cls(*children)


def is_tree(value: Any) -> bool:
    """Whether it is a Tree, for `jax.tree` functions to stop at."""
    return isinstance(value, Tree)


def spread(rate: Any, tree: Any) -> Tree:
    """A rate for every leaf, in the leaf's own precision: one for all, or a flat array with one a coordinate.

    >>> spread(jnp.array([0.1, 0.2, 0.3]), {"slope": jnp.zeros(()), "bias": jnp.zeros(2)}).tree["slope"].item()
    0.30000001192092896
    """
    rate, (leaves, structure) = jnp.asarray(rate), jax.tree.flatten(tree)
    if rate.ndim == 0:
        return Tree(jax.tree.unflatten(structure, [rate.astype(leaf.dtype) for leaf in leaves]))
    check_one_a_coordinate(rate, sum(leaf.size for leaf in leaves))
    pieces = jnp.split(rate, np.cumsum([leaf.size for leaf in leaves])[:-1])
    shaped = [piece.reshape(leaf.shape).astype(leaf.dtype) for piece, leaf in zip(pieces, leaves, strict=True)]
    return Tree(jax.tree.unflatten(structure, shaped))


def check_one_a_coordinate(rate: Any, n: int) -> None:
    """Raise InvalidInput unless the rate is one number or n of them."""
    if rate.shape not in ((), (n,)):
        rule = f"must be one number, or a flat array of {n}, one a coordinate"
        raise InvalidInput("learning_rate", rule, message=f"`learning_rate` {rule}; got the shape {rate.shape}.")
