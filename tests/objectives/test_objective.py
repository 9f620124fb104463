"""Objective: where a gradient comes from and why, and that each source gives the right derivatives."""

import math

import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
import torch

import downslope
from downslope import GradientSource, InvalidInput, InvalidObjective, Objective
from downslope.objectives import finite_difference, gallery
from tests.objectives.hand_gradients import HAND_GRADIENTS

GIVEN, COMPILED, UNCOMPILED, FINITE_DIFFERENCES = GradientSource


# All of them are x^2 y where x > 0: gradient (2xy, x^2), Hessian ((2y, 2x), (2x, 0)).
def plain(x):
    return np.prod(x) * x[0]


def with_scipy(x):
    return scipy.special.xlogy(x[0] ** 2, np.exp(x[1]))


def with_jax(x):
    return jnp.prod(x) * x[0]


def with_torch(x):
    return torch.prod(x) * x[0]


def two_numbers(x, y):
    return x**2 * y


def with_floats(x):
    return math.pow(float(x[0]), 2) * float(x[1])


def branching(x):
    if x[0] > 0:
        return x[0] ** 2 * x[1]
    return x[1]


def looping(x):
    product, n = x[1], 0
    while n < x[0]:
        n += 1
    return product * x[0] ** 2


def leaving(x):
    first = float.fromhex(float(x[0]).hex())
    return first**2 * x[1]


def leaving_torch(x):
    return (x[0] ** 2).item() * float(x[1])


def jac(x):
    return np.array([2 * x[0] * x[1], x[0] ** 2])


# Name: the objective's arguments, the source, and what the reason says.
SOURCES = {
    "NumPy": ((plain,), COMPILED, "exact, by automatic differentiation"),
    "SciPy": ((with_scipy,), COMPILED, "exact, by automatic differentiation"),
    "JAX": ((with_jax,), COMPILED, "exact, by automatic differentiation"),
    "floats": ((with_floats,), COMPILED, "exact, by automatic differentiation"),
    "two numbers": ((two_numbers,), COMPILED, "exact, by automatic differentiation"),
    "formula": (("x^2 y",), COMPILED, "exact, by automatic differentiation"),
    "torch": ((with_torch,), UNCOMPILED, "PyTorch's autograd"),
    "branching": ((branching,), UNCOMPILED, "branches on its values at test_objective.py:{line}: `if x[0] > 0:`"),
    "looping": ((looping,), UNCOMPILED, "branches on its values at test_objective.py:{line}: `while n < x[0]:`"),
    "leaving": ((leaving,), FINITE_DIFFERENCES, "at test_objective.py:{line}: `first = float.fromhex("),
    "leaving torch": (
        (leaving_torch,),
        FINITE_DIFFERENCES,
        "returns a float, and no tensor at test_objective.py:{line}",
    ),
    "given": ((plain, jac), GIVEN, "`jac` was given"),
    "given, leaving": ((leaving, jac), GIVEN, "`jac` was given; uncompiled, since "),
    "given, torch": ((with_torch, jac), GIVEN, "`jac` was given"),
}
LINE_AFTER = {"branching": 1, "looping": 2, "leaving": 1, "leaving torch": 0, "given, leaving": 1}
X = np.array([1.5, 2.0])
V = np.array([1.0, -2.0])


def start_for(name):
    return torch.tensor(X) if name == "leaving torch" else X


def tolerances(source, given=False):
    """Relative, of the gradient and the second derivatives, for numbers near 1.

    Exact ones round a few times. Differences with h = 6e-6 err by 1e-10; differences of those by
    eps |f| / h^2 = 2e-5; differences of a given gradient by 1e-10.
    """
    if source is FINITE_DIFFERENCES:
        return 1e-9, 1e-4
    return 1e-14, 1e-9 if given else 1e-14


@pytest.mark.sampled
@pytest.mark.parametrize("name", SOURCES)
def test_each_source_is_recognised_and_told(name):
    arguments, source, words = SOURCES[name]
    objective = Objective(*arguments)
    objective.gradient(start_for(name))
    assert objective.gradient_source is source
    line = arguments[0].__code__.co_firstlineno + LINE_AFTER[name] if name in LINE_AFTER else None
    assert words.format(line=line) in objective.gradient_reason
    run = downslope.minimize(*arguments[:1], start_for(name), jac=jac if source is GIVEN else None, max_steps=0)
    assert (run.gradient_source, run.gradient_reason) == (objective.gradient_source, objective.gradient_reason)


@pytest.mark.sampled
@pytest.mark.parametrize("name", SOURCES)
def test_derivatives_are_those_of_the_formula(name):
    arguments, source, _ = SOURCES[name]
    objective, x, v = Objective(*arguments), start_for(name), V
    if name == "leaving torch":
        v = torch.tensor(V)
    first, second = tolerances(source, given=source is GIVEN)
    loss, gradient = objective.value_and_gradient(x)
    assert loss == objective.value(x) == pytest.approx(4.5, rel=1e-14)
    np.testing.assert_allclose(gradient, [6.0, 2.25], rtol=first)
    hessian = objective.hessian(x)
    np.testing.assert_allclose(hessian, [[4.0, 3.0], [3.0, 0.0]], rtol=second, atol=second)
    np.testing.assert_array_equal(hessian, hessian.T)
    product = objective.hessian_vector_product(x, v)
    assert type(product) is type(x)
    np.testing.assert_allclose(product, [-2.0, 3.0], rtol=second)


def at_more_points(problem):
    """The start, and a point of the domain with no symmetry."""
    share = np.array([0.31, 0.67, 0.43, 0.59])[: len(problem.domain)]
    low, high = np.transpose(problem.domain)
    inside = low + np.resize(share, len(low)) * (high - low)
    is_number = isinstance(problem.start, float | int)
    return [problem.start, float(inside[0]) if is_number else inside]


@pytest.mark.sampled
@pytest.mark.parametrize("name", gallery.PROBLEMS)
def test_the_gradient_of_every_gallery_problem_is_the_one_by_hand(name):
    problem = gallery.get(name)
    objective = Objective(name)
    for x in at_more_points(problem):
        gradient = np.atleast_1d(objective.gradient(x))
        by_hand = np.atleast_1d(HAND_GRADIENTS[name](np.asarray(x, float) if np.ndim(x) else x))
        # Both round in each of some ten operations, on terms that may cancel.
        scale = np.max(np.abs(by_hand)) + abs(objective.value(x)) * 1e-3
        np.testing.assert_allclose(gradient, by_hand, rtol=1e-11, atol=1e-13 * scale)
        flat = np.atleast_1d(np.asarray(x, float))
        differences = finite_difference.gradient(lambda p, x=x: objective.value(p if np.ndim(x) else float(p[0])), flat)
        # eps |f| / h with h = 6e-6 max(1, |x|), and h^2 f''' / 6.
        noise = 1e-10 * (1 + abs(objective.value(x))) + 1e-6 * np.max(np.abs(by_hand))
        np.testing.assert_allclose(gradient, differences, rtol=1e-6, atol=noise)
    assert objective.gradient_source is COMPILED


# The same gradient of x^2 y in each form that may be returned.
FORMS = {
    "array": (plain, X, jac),
    "tuple": (plain, X, lambda x: (2 * x[0] * x[1], x[0] ** 2)),
    "list": (plain, X, lambda x: [2 * x[0] * x[1], x[0] ** 2]),
    "JAX array": (plain, X, lambda x: jnp.asarray(jac(x))),
    "several numbers": (two_numbers, X, lambda x, y: (2 * x * y, x**2)),
    "array of several": (two_numbers, X, lambda x, y: np.array([2 * x * y, x**2])),
    "dict": (
        lambda p: p["x"] ** 2 * p["y"][0],
        {"y": [2.0], "x": 1.5},
        lambda p: {"y": [p["x"] ** 2], "x": 2 * p["x"] * p["y"][0]},
    ),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_a_given_gradient_may_have_each_form(form, engine):
    fun, x0, given = FORMS[form]
    objective = Objective(fun, given)
    gradient = objective.gradient(x0)
    if form == "dict":
        assert set(gradient) == {"x", "y"}
        gradient = [gradient["x"], *gradient["y"]]
    np.testing.assert_allclose(gradient, [6.0, 2.25], rtol=1e-15)
    if form == "JAX array":  # code in NumPy beside code in JAX is not compiled together
        engine = "eager"
    run = downslope.minimize(fun, x0, jac=given, learning_rate=0.01, max_steps=1, engine=engine)
    reached = run.structure.flatten(run.x)
    np.testing.assert_allclose(reached, [1.44, 1.9775], rtol=1e-15)
    assert run.engine == engine


def test_a_given_gradient_is_used_and_not_replaced():
    run = downslope.minimize(lambda x: x**2, 4.0, jac=lambda x: 4 * x, learning_rate=0.1, max_steps=1)
    assert run.x == pytest.approx(2.4, rel=1e-15)


@pytest.mark.parametrize("engine", ["eager", "compiled"])
def test_code_that_writes_into_its_argument_harms_nothing(engine):
    def fun(x):
        x[0] = x[0] ** 2
        x *= 2
        return np.sum(x)

    start = np.array([1.5, 2.0])
    run = downslope.minimize(fun, start, learning_rate=0.1, max_steps=2, engine=engine)
    assert start.tolist() == [1.5, 2.0]
    # f = 2 x^2 + 2 y: x <- x (1 - 4a), y <- y - 2a.
    np.testing.assert_allclose(run.path, [[1.5, 2.0], [0.9, 1.8], [0.54, 1.6]], rtol=1e-14)


def test_one_objective_serves_starts_of_several_forms():
    objective = Objective(lambda x: np.sum(x**2))
    assert [objective.value(x) for x in ([1.0, 2.0], [1.0, 2.0, 3.0], 2.0, np.ones((2, 2)))] == [5.0, 14.0, 4.0, 4.0]
    assert objective.gradient(2.0) == 4.0
    assert objective.gradient([1.0, 2.0]).tolist() == [2.0, 4.0]


def test_what_leaves_the_domain_later_is_not_finite():
    objective = Objective(np.log)
    assert objective.value(1.0) == 0.0
    assert math.isnan(objective.value(-1.0))
    overflowing = Objective(lambda x: math.exp(x))
    assert overflowing.value(1.0) == pytest.approx(math.e, rel=1e-15)
    assert not math.isfinite(overflowing.value(1000.0))


def test_the_source_is_unknown_until_a_point_was_seen():
    with pytest.raises(InvalidInput, match="must have seen a point first"):
        _ = Objective(plain).gradient_source


def test_a_direction_of_another_form_is_refused():
    with pytest.raises(InvalidInput, match=r"`v` must be arranged as x is .* got \[1.0\]"):
        Objective(plain).hessian_vector_product(X, [1.0])


def test_a_gradient_that_loses_its_form_later_is_an_error_of_the_run():
    with pytest.raises(downslope.ObjectiveFailed) as caught:
        downslope.minimize(plain, X, jac=lambda x: jac(x) if x[0] == 1.5 else x[:1], learning_rate=0.1, engine="eager")
    assert isinstance(caught.value.__cause__, InvalidObjective)
    assert caught.value.run.n_steps == 0
