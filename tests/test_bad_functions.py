"""Functions, gradients and formulas that cannot be minimised: refused at the start, with the reason."""

import math
import traceback

import numpy as np
import pytest

import downslope
from downslope import FormulaError, InvalidInput, InvalidObjective, UnknownName
from tests.test_bad_input import Counting, squares

NAN, INF = math.nan, math.inf


@pytest.mark.parametrize(
    ("fun", "rule"),
    [
        (None, "must be a function, a formula, a gallery name or an Objective; got None"),
        (3.0, "must be a function, a formula, a gallery name or an Objective; got 3.0"),
        (dict, "must be a function, a formula, a gallery name or an Objective; got <class 'dict'>"),
        ([squares], "must be a function, a formula, a gallery name or an Objective; got [<function squares"),
    ],
)
def test_what_is_no_function_is_refused(fun, rule):
    with pytest.raises(InvalidInput, match=r"^`fun` ") as caught:
        downslope.minimize(fun, [1.0, 2.0])
    assert rule in str(caught.value)


# Of [1.0, 2.0], at the start: the rule that the message tells, and the value.
RETURNS = {
    "a vector": (lambda x: x**2, "must return one number, and returned an array of 2", "array([1., 4.])"),
    "a matrix": (lambda x: np.outer(x, x), "must return one number, and returned an array of 2 x 2", "array([[1., 2.]"),
    "nothing in an array": (lambda x: x[:0], "must return one number, and returned an array of 0", "array([]"),
    "a string": (lambda x: "low", "must return a real number", "'low'"),
    "None": (lambda x: None, "must return a number (is a `return` missing?)", "None"),
    "a dict": (lambda x: {"loss": 1.0}, "must return a real number", "{'loss': 1.0}"),
    "a complex number": (lambda x: 1j, "must return a real number", "1j"),
    "a function": (lambda x: abs, "must return a real number", "<built-in function abs>"),
    "NaN": (lambda x: NAN, "must be finite at the start x0 = [1.0, 2.0]", "nan"),
    "infinity": (lambda x: -INF, "must be finite at the start x0 = [1.0, 2.0]", "-inf"),
}


@pytest.mark.parametrize("what", RETURNS)
def test_a_function_that_returns_no_finite_number_at_the_start_is_refused(what):
    returns, rule, value = RETURNS[what]
    fun = Counting(returns)
    with pytest.raises(InvalidObjective) as caught:
        downslope.minimize(fun, [1.0, 2.0])
    assert fun.n_calls == 1
    assert str(caught.value).startswith(f"`fun` {rule}")
    assert value in str(caught.value).rpartition("; ")[2]


def broken(x):
    return np.sum(x) / {}["denominator"]  # the user's mistake


@pytest.mark.parametrize("parameter", ["fun", "jac"])
def test_an_error_at_the_start_keeps_its_own_traceback(parameter):
    fun, jac = (broken, None) if parameter == "fun" else (squares, broken)
    with pytest.raises(InvalidObjective) as caught:
        downslope.minimize(fun, [1.0, 2.0], jac=jac)
    message, cause = str(caught.value), caught.value.__cause__
    assert message.startswith(f"`{parameter}` must return ")
    assert "at the start, and raised KeyError: 'denominator'; got array([1., 2.])" in message
    assert isinstance(cause, KeyError)
    assert "the user's mistake" in traceback.extract_tb(cause.__traceback__)[-1].line


# A gradient of squares at [1.0, 2.0], and what is wrong with it.
GRADIENTS = {
    "too short": (lambda x: x[:1], "1 numbers where the start has 2"),
    "a number": (lambda x: 1.0, "1 numbers where the start has 2"),
    "a Hessian": (lambda x: 2 * np.eye(2), "4 numbers where the start has 2"),
    "None": (lambda x: None, "real numbers are needed); got None"),
    "a string": (lambda x: "up", "could not convert string to float"),
    "complex": (lambda x: 2j * x, "real numbers are needed"),
    "a dict": (lambda x: {"a": 1.0, "b": 2.0}, "got {'a': 1.0, 'b': 2.0}"),
}


@pytest.mark.parametrize("what", GRADIENTS)
def test_a_gradient_of_another_form_is_refused(what):
    jac, reason = GRADIENTS[what]
    with pytest.raises(InvalidObjective, match=r"^`jac` must return 2 numbers, arranged as x0 is") as caught:
        downslope.minimize(squares, [1.0, 2.0], jac=jac)
    assert reason in str(caught.value)


def test_a_gradient_that_is_none_is_not_taken_for_nan():
    with pytest.raises(InvalidObjective, match="`jac` must return 1 numbers"):
        downslope.minimize(lambda x: x**2, 1.0, jac=lambda x: None)


def test_a_gradient_with_its_axes_or_leaves_exchanged_is_refused():
    with pytest.raises(InvalidObjective, match=r"shape \(3, 2\) where the start has \(2, 3\)"):
        downslope.minimize(squares, np.ones((2, 3)), jac=lambda x: 2 * x.T)
    with pytest.raises(InvalidObjective, match=r"shape \(3,\) where the start has \(2,\)"):
        downslope.minimize(
            lambda p: squares(p["a"]) + squares(p["b"]),
            {"a": np.ones(2), "b": np.ones(3)},
            jac=lambda p: {"a": 2 * p["b"], "b": 2 * p["a"]},
        )


@pytest.mark.parametrize(
    ("fun", "x0", "words"),
    [
        (lambda a, b: a + b, [1.0, 2.0, 3.0], "`x0` must hold 2 numbers, one for each parameter of `fun`; got 3."),
        (lambda a, b: a + b, 1.0, "`x0` must hold 2 numbers, one for each parameter of `fun`; got 1."),
        (lambda a, b: a + b, {"a": 1.0, "b": 2.0}, "`x0` must be 2 numbers, since `fun` takes 2 parameters"),
        ("x^2 + y^2", [1.0, 2.0, 3.0], "`x0` must be a vector of 2 numbers: x and y"),
        ("x^2", [1.0, 2.0], "`x0` must be one number, x; to sum over a vector, write for example sum(x^2)"),
        ("rosenbrock", [1.0, 2.0, 3.0], "`x0` must hold 2 numbers"),
        ("parabola", [1.0, 2.0], "must return one number, and returned an array of 2"),
    ],
)
def test_a_start_of_another_size_than_the_function_takes_is_refused(fun, x0, words):
    with pytest.raises(InvalidInput) as caught:
        downslope.minimize(fun, x0)
    assert words in str(caught.value)


# The formula, the column that is pointed at, and words of the message.
FORMULAS = [
    ("", None, "empty"),
    ("   ", None, "empty"),
    ("x +", 4, ""),
    ("sin(x", 4, "never closed"),
    ("(" * 4000 + "x" + ")" * 4000, None, "level"),
    ("x.__class__", 2, ""),
    ("().__class__.__bases__", 2, ""),
    ("__import__('os')", 12, "a formula holds no text"),
    ("__import__(x)", 1, ""),
    ("launch(x)", 1, "launch*("),
    ("xy^2", 1, "xy"),
    ("x" * 1_000_000, None, "characters"),
    ("x + " * 250_000 + "x", None, "characters"),
]


@pytest.mark.parametrize(("formula", "column", "words"), FORMULAS, ids=lambda v: repr(v)[:20])
def test_a_bad_formula_is_refused_with_the_column(formula, column, words):
    with pytest.raises(FormulaError, match=r"^`fun` ") as caught:
        downslope.minimize(formula, 1.0)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500
    if column is not None:
        assert caught.value.column == column
        assert str(caught.value).endswith("\n  " + " " * (column - 1) + "^")


def test_the_nearest_gallery_name_is_offered_to_who_misspells_one():
    with pytest.raises(UnknownName, match="Did you mean 'himmelblau'"):
        downslope.gallery.get("himelblau")
