"""A tree steps as a number does, leaf by leaf."""

import operator
from fractions import Fraction

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from downslope.adapters.leaf_by_leaf import kinds_of_state
from downslope.adapters.tree import Tree, spread
from downslope.errors import InvalidInput
from downslope.methods import METHODS, Momentum
from downslope.methods.momentum import MomentumState

BINARY = ("add", "sub", "mul", "truediv", "pow", "lt", "le", "gt", "ge", "eq", "ne")


@pytest.mark.parametrize("name", BINARY)
def test_an_operator_works_on_each_leaf_from_both_sides(name):
    function = getattr(operator, name)
    left, right = {"a": 2.0, "b": [3.0, 5.0]}, {"a": 4.0, "b": [3.0, 2.0]}
    assert function(Tree(left), Tree(right)).tree == {
        "a": function(2.0, 4.0),
        "b": [function(3.0, 3.0), function(5.0, 2.0)],
    }
    assert function(Tree(left), 3).tree == {"a": function(2.0, 3), "b": [function(3.0, 3), function(5.0, 3)]}
    for number in (3, np.float64(3.0), Fraction(3)):
        assert function(number, Tree(left)).tree == {"a": function(3, 2.0), "b": [function(3, 3.0), function(3, 5.0)]}
    assert function(jnp.float32(3), Tree(left)).tree["a"] == function(3, 2.0)


def test_signs_are_turned_and_dropped_on_each_leaf():
    assert (-Tree({"a": 2.0, "b": -3.0})).tree == {"a": -2.0, "b": 3.0}
    assert abs(Tree({"a": 2.0, "b": -3.0})).tree == {"a": 2.0, "b": 3.0}


def test_what_would_mix_coordinates_is_refused():
    tree = Tree({"a": np.ones(3)})
    for mixing in (
        lambda: tree @ tree,
        lambda: np.sum(tree),
        lambda: tree + np.ones(3),
        lambda: np.ones(3) * tree,
        lambda: np.sqrt(tree),
        lambda: sum(tree),
        lambda: 1 if tree > 0 else 0,
    ):
        with pytest.raises(TypeError):
            mixing()
    with pytest.raises(AttributeError):
        _ = tree.size


def test_only_newton_needs_all_coordinates_at_once():
    assert [name for name, method in METHODS.items() if kinds_of_state(method()) is None] == ["newton"]


def test_a_coefficient_for_each_coordinate_needs_all_coordinates_at_once():
    assert kinds_of_state(Momentum(np.array([0.5, 0.9]))) is None


class Lazy(Momentum):
    """Shapes its velocity after the gradient, only when it has seen one."""

    def init(self, x):
        return MomentumState(0.0)


class Blind(Momentum):
    def update(self, gradient, state, learning_rate):
        return -learning_rate, state


def test_a_state_that_takes_its_shape_later_and_a_step_without_one_are_left_to_the_flat_vector():
    assert kinds_of_state(Lazy()) is None
    assert kinds_of_state(Blind()) is None


def test_rates_are_spread_over_the_leaves_in_their_order_and_precision():
    tree = {"a": jnp.zeros((2, 1), jnp.float16), "b": jnp.zeros(()), "c": jnp.zeros(0)}
    rates = spread(np.array([1.0, 2.0, 3.0]), tree).tree
    assert jax.tree.map(lambda rate: rate.tolist(), rates) == {"a": [[1.0], [2.0]], "b": 3.0, "c": []}
    for spread_out in (rates, spread(np.float64(0.1), tree).tree):
        assert jax.tree.map(lambda rate: rate.dtype, spread_out) == jax.tree.map(lambda leaf: leaf.dtype, tree)
    with pytest.raises(InvalidInput, match=r"flat array of 3, one a coordinate; got the shape \(2,\)"):
        spread(np.ones(2), tree)
