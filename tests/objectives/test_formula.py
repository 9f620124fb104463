"""Formulas: what they mean, what they refuse and where they point, in NumPy and in JAX."""

import contextlib
import copy
import math
import pickle
import re
import subprocess
import sys
import time
from fractions import Fraction

import hypothesis.strategies as st
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.special
from hypothesis import example, given, settings

from downslope.errors import FormulaError, InvalidInput
from downslope.objectives.formula import MAX_CHARACTERS, MAX_LEVELS, Formula, parse

X, Y = 1.7, -0.6
# A few roundings of double precision, for two orders or algorithms of the same arithmetic.
ROUNDING = 1e-14

MEANINGS = [
    ("x", X),
    ("x cos(x) + 9", X * math.cos(X) + 9),
    ("x*cos (x)", X * math.cos(X)),
    ("-x^2", -(X**2)),
    ("(-x)^2", X**2),
    ("2^-1 x", X / 2),
    ("2^-x x", 2**-X * X),
    ("2^+x", 2**X),
    ("2^x^2", 2 ** (X**2)),
    ("(2^x)^2", (2**X) ** 2),
    ("2^-x^2", 2 ** -(X**2)),
    ("x**2", X**2),
    ("2x^2", 2 * X**2),
    ("x^2x", X**3),
    ("x^2(x+1)", X**2 * (X + 1)),
    ("(x+1)(x-1)", (X + 1) * (X - 1)),
    ("2(x+1)", 2 * (X + 1)),
    ("(x+1)x", (X + 1) * X),
    ("sin(x)cos(x)", math.sin(X) * math.cos(X)),
    ("sin(x)(x+1)", math.sin(X) * (X + 1)),
    ("x - 1 - 2", X - 3),
    ("x - -1", X + 1),
    ("x -1", X - 1),
    ("+x", X),
    ("x/2/4", X / 8),
    ("x/2*4", X * 2),
    ("1/2*x", X / 2),
    ("1/(2x)", 1 / (2 * X)),
    ("(1/2)x", X / 2),
    ("2x/3", 2 * X / 3),
    ("2*-x", -2 * X),
    ("x/-2", -X / 2),
    ("1. + .5 + 1e-3 + 1E2 + x", 101.501 + X),
    ("2e x", 2 * math.e * X),
    ("2e3x", 2000 * X),
    ("2e + x", 2 * math.e + X),
    ("2pi x", 2 * math.pi * X),
    ("tau x", 2 * math.pi * X),
    ("e^x", math.exp(X)),
    ("e^-x^2", math.exp(-X * X)),
    ("2π·x − x×1e−1 ÷ 4", 2 * math.pi * X - X * 0.1 / 4),
    ("\tx\n + 1\r\n", X + 1),
]

FUNCTION_VALUES = {
    "sin(x)": math.sin(X),
    "tan(x)": math.tan(X),
    "asin(x/2)": math.asin(X / 2),
    "arccos(x/2)": math.acos(X / 2),
    "atan(x)": math.atan(X),
    "atan2(x, -2)": math.atan2(X, -2),
    "sinh(x)": math.sinh(X),
    "cosh(x)": math.cosh(X),
    "tanh(x)": math.tanh(X),
    "asinh(x)": math.asinh(X),
    "acosh(x)": math.acosh(X),
    "atanh(x/2)": math.atanh(X / 2),
    "exp(x)": math.exp(X),
    "exp2(x)": 2**X,
    "expm1(x)": math.expm1(X),
    "ln(x)": math.log(X),
    "log(x)": math.log(X),
    "log2(x)": math.log2(X),
    "log10(x)": math.log10(X),
    "log1p(x)": math.log1p(X),
    "sqrt(x)": math.sqrt(X),
    "cbrt(-x)": -(X ** (1 / 3)),
    "abs(-x)": X,
    "sign(-x)": -1.0,
    "floor(-x)": -2.0,
    "ceil(x)": 2.0,
    "round(x)": 2.0,
    "radians(x)": math.radians(X),
    "degrees(x)": math.degrees(X),
    "hypot(x, 3)": math.hypot(X, 3),
    "mod(-x, 1)": -X % 1,
    "pow(x, 3)": X**3,
    "min(x, 2)": X,
    "max(1, x, 2.5, -x)": 2.5,
    "sec(x)": 1 / math.cos(X),
    "csc(x)": 1 / math.sin(X),
    "cot(x)": 1 / math.tan(X),
    "heaviside(x) + heaviside(-x) + heaviside(0x)": 1.5,
    "relu(x) + relu(-x)": X,
    "softplus(x)": math.log(1 + math.exp(X)),
    "sigmoid(x)": 1 / (1 + math.exp(-X)),
    "logistic(-x)": 1 / (1 + math.exp(X)),
    "erf(x)": math.erf(X),
}


@pytest.mark.sampled
@pytest.mark.parametrize(("text", "expected"), [*MEANINGS, *FUNCTION_VALUES.items()])
def test_a_formula_means_what_mathematics_writes_by_it(text, expected):
    formula = parse(text)
    assert formula(X) == pytest.approx(expected, rel=ROUNDING)
    assert type(formula(X)) is np.float64
    with jax.enable_x64(True):
        assert float(jax.jit(formula)(X)) == pytest.approx(expected, rel=ROUNDING)


@pytest.mark.parametrize("text", [text for text, _ in [*MEANINGS, *FUNCTION_VALUES.items()]])
def test_the_python_text_of_a_formula_computes_the_same(text):
    computed = eval(parse(text).python, {"np": np, "scipy": scipy, "x": np.float64(X)})
    assert computed == pytest.approx(parse(text)(X), rel=ROUNDING)


def test_the_python_text_is_readable():
    assert parse("x cos(x) + 9").python == "x*np.cos(x) + 9"
    assert parse("-2x^2 - (y - 1)/(2y)").python == "-2*x**2 - (y - 1)/(2*y)"
    assert parse("2^(-2x)").python == "2**(-2*x)"
    assert parse("sum(x^2)").python == "np.sum(x**2)"


def test_a_name_of_several_letters_is_one_name():
    assert parse("xy + x", ["xy", "x"])([10, 1]) == 11


def test_variables_come_in_natural_order():
    formula = parse("x10 + x9 y + t + x1 + w_2 + w_10 + X")
    assert formula.variables == ("X", "t", "w_2", "w_10", "x1", "x9", "x10", "y")
    assert parse("y - x")([1, 3]) == 2


def test_declared_variables_come_in_the_declared_order_and_may_be_unused():
    formula = parse("theta^2 - b", ["theta", "unused", "b"])
    assert formula.variables == ("theta", "unused", "b")
    assert formula([3, 100, 1]) == 8
    assert parse("3+4", ["x"])(1.0) == 7
    assert type(parse("3+4", ["x"])(1.0)) is np.float64


@pytest.mark.parametrize(
    "variables",
    [
        [],
        "x",
        "theta",
        ["x", "x"],
        ["2x"],
        [""],
        ["x y"],
        [3],
        ["sin"],
        ["pi"],
        ["e"],
        ["sum"],
        ["lambda"],
        ["é"],
    ],
)
def test_declared_variables_must_be_names_that_nothing_else_has(variables):
    with pytest.raises(InvalidInput, match="`variables`"):
        parse("x", variables)


def test_only_text_is_parsed():
    with pytest.raises(InvalidInput, match="`fun` must be a formula"):
        parse(3)


# ---- the whole vector


def test_a_reduction_makes_the_variable_a_whole_vector():
    vector = [3.0, -4.0, 1.0]
    for text, expected in {
        "sum(x^2)": 26.0,
        "mean(x)": 0.0,
        "prod(x)": -12.0,
        "norm(x)": math.sqrt(26),
        "dot(x, 2x)": 52.0,
        "min(x)": -4.0,
        "max(x)": 3.0,
        "max(x) - min(abs(x))": 2.0,
        "sum(max(x, 0))": 4.0,
        "sum(x - mean(x)) + 1": 1.0,
        "10 sum(cos(2pi x)) + 1": 31.0,
    }.items():
        formula = parse(text)
        assert formula.is_vector
        assert formula(vector) == pytest.approx(expected, rel=ROUNDING, abs=ROUNDING), text
        assert type(formula(np.array(vector))) is np.float64
    assert parse("sum(x^2)")(3) == 9
    assert parse("sum(x^2)")([Fraction(1, 2), 1]) == 1.25
    assert not parse("max(x, 0)").is_vector


def test_the_wrong_number_of_entries_is_an_error_of_x0():
    assert parse("x^2")([3.0]) == 9
    for text, x, words in [
        ("x^2", [1, 2], r"one number, x; to sum over a vector, write for example sum\(x\^2\)"),
        ("x^2", [], "one number"),
        ("x + y", 1.0, "2 numbers: x and y"),
        ("x + y + z", [1, 2], "3 numbers: x, y and z"),
        ("sum(x)", [], "flat vector"),
        ("sum(x)", [[1, 2]], "flat vector"),
        ("x y", [[1, 2]], "2 numbers"),
        ("x", "3", "real numbers"),
        ("x", None, "real numbers"),
        ("x + y", [1, None], "real numbers"),
        ("x", 1j, "real numbers"),
        ("x + y", [[1], [1, 2]], "real numbers"),
        ("x + y", {"x": 1}, "real numbers"),
    ]:
        with pytest.raises(InvalidInput, match=f"`x0` must .*{words}"):
            parse(text)(x)
    with pytest.raises(InvalidInput, match="`x0` must be one number"):
        jax.jit(parse("x^2"))(jnp.ones(3))
    with pytest.raises(InvalidInput, match="real numbers"):
        parse("x^2")(jnp.array(1j))


# ---- values on grids


def test_a_formula_is_evaluated_on_whole_grids():
    x, y = np.meshgrid(np.linspace(-1, 1, 5), np.linspace(0, 3, 4))
    assert np.array_equal(parse("x^2 - 2 x y").evaluate(np, {"x": x, "y": y}), x**2 - 2 * x * y)
    assert np.array_equal(parse("1/x").evaluate(np, {"x": np.array([0, 2])}), [np.inf, 0.5])


def test_the_result_has_the_shape_of_the_grid_though_a_variable_is_unused():
    x, y = np.linspace(-1, 1, 5)[None, :], np.arange(4)[:, None]
    assert parse("x^2", ["x", "y"]).evaluate(np, {"x": x, "y": y}).shape == (4, 5)
    constant = parse("3", ["x", "y"]).evaluate(np, {"x": x, "y": y})
    assert np.array_equal(constant, np.full((4, 5), 3.0))
    constant[0, 0] = 1  # not a read-only view


def test_a_grid_that_lacks_a_variable_is_an_error():
    with pytest.raises(InvalidInput, match="`values` must hold y"):
        parse("x + y").evaluate(np, {"x": 1.0})


# ---- extremes: pytest turns every warning into an error


@pytest.mark.parametrize(
    ("text", "x", "expected"),
    [
        ("exp(x)", 1000, math.inf),
        ("0x/x", 0, math.nan),
        ("1/x", 0, math.inf),
        ("x^-1", 0, math.inf),
        ("log(x)", -1, math.nan),
        ("asin(x)", 2, math.nan),
        ("x^0.5", -4, math.nan),
        ("(-4)^0.5 + x", 1, math.nan),
        ("x + 1/0", 1, math.inf),
        ("x + 9^9^9^9", 1, math.inf),
        ("x - 9**9**9**9", 1, -math.inf),
        ("x + 10^400 + 2^-5000", 1, math.inf),
        ("x^3", -2, -8.0),
        ("x^99999999999", -1, -1.0),
        ("x^1e300", 2, math.inf),
        ("x^-1e300", 2, 0.0),
        ("x^0", 0, 1.0),
        ("relu(x)", math.nan, math.nan),
        ("sigmoid(x)", -1000, 0.0),
        ("softplus(x)", 1000, 1000.0),
    ],
)
def test_what_is_undefined_or_too_large_is_nan_or_inf_without_a_warning(text, x, expected):
    assert parse(text)(x) == pytest.approx(expected, nan_ok=True)
    with jax.enable_x64(True):
        assert float(parse(text)(jnp.asarray(float(x)))) == pytest.approx(expected, nan_ok=True)


# ---- JAX

GRADIENTS = [
    ("x cos(x) + 9", lambda x: math.cos(x) - x * math.sin(x)),
    ("x^3 - 2x", lambda x: 3 * x**2 - 2),
    ("x^-2", lambda x: -2 * x**-3),
    ("e^-x^2", lambda x: -2 * x * math.exp(-(x**2))),
    ("2^x", lambda x: math.log(2) * 2**x),
    ("sigmoid(x)", lambda x: math.exp(-x) / (1 + math.exp(-x)) ** 2),
    ("erf(x)", lambda x: 2 / math.sqrt(math.pi) * math.exp(-(x**2))),
    ("relu(x)", lambda x: float(x > 0)),
    ("sqrt(x^2 + 1)/2", lambda x: x / (2 * math.sqrt(x**2 + 1))),
    ("0.5*(10*tan(x) - 4.9/cos(x)**2)**2", lambda t: _dart_gradient(t)),
]


def _dart_gradient(t):
    height = 10 * math.tan(t) - 4.9 / math.cos(t) ** 2
    return height * (10 / math.cos(t) ** 2 - 9.8 * math.tan(t) / math.cos(t) ** 2)


@pytest.mark.sampled
@pytest.mark.parametrize(("text", "gradient"), GRADIENTS)
def test_jax_differentiates_a_formula_exactly(text, gradient):
    with jax.enable_x64(True):
        for x in (-1.3, 0.4, 2.0):
            for differentiated in (jax.grad(parse(text)), jax.jit(jax.grad(parse(text)))):
                assert float(differentiated(x)) == pytest.approx(gradient(x), rel=1e-13)  # a dozen roundings


def test_jax_differentiates_formulas_of_several_variables_and_of_a_vector():
    with jax.enable_x64(True):
        rosenbrock = jax.jit(jax.grad(parse("(1-x)^2 + 100(y - x^2)^2")))(jnp.array([-1.2, 1.0]))
        assert np.allclose(rosenbrock, [-215.6, -88.0], rtol=ROUNDING, atol=0)
        assert np.array_equal(jax.grad(parse("sum(x^2)"))(jnp.array([1.0, 0.0, -3.0])), [2, 0, -6])
        norm = jax.grad(parse("norm(x)"))(jnp.array([3.0, 4.0]))
        assert np.allclose(norm, [0.6, 0.8], rtol=ROUNDING, atol=0)


@pytest.mark.parametrize("text", ["x^2", "x^2.", "x**(1+1)", "pow(x, 2)", "(x)^(2)", "relu(x)", "3x^0"])
def test_the_slope_at_zero_is_zero(text):
    assert float(jax.grad(parse(text))(0.0)) == 0


def test_the_precision_of_jax_arrays_is_kept():
    with jax.enable_x64(True):
        for text in ("2pi x + sin(2) - 1/3", "3"):
            assert parse(text, ["x"])(jnp.float32(1)).dtype == jnp.float32
            assert parse(text, ["x"])(jnp.float64(1)).dtype == jnp.float64
            assert parse(text, ["x"])(jnp.int32(1)).dtype == jnp.float64
    assert parse("sum(x^2)")(np.ones(3, np.float32)).dtype == np.float64


def test_a_formula_without_its_variable_has_gradient_zero():
    assert float(jax.grad(parse("3 + 4", ["x"]))(1.0)) == 0
    assert np.array_equal(jax.grad(parse("x^2", ["x", "y"]))(jnp.ones(2)), [2, 0])


def test_a_formula_is_vectorised_by_vmap():
    points = np.arange(6.0).reshape(3, 2)
    assert np.array_equal(jax.vmap(parse("x y"))(jnp.asarray(points)), points.prod(axis=1))


# ---- formulas as values


def test_formulas_are_equal_and_hashed_by_text_and_variables():
    assert parse("x^2") == parse("x^2") == parse("x^2", ["x"])
    assert len({parse("x^2"), parse("x^2"), parse("x^2", ["x", "y"]), parse("x**2")}) == 3
    assert str(parse("x^2")) == "x^2"
    assert repr(parse("x^2")) == "Formula(text='x^2', variables=('x',), is_vector=False)"


def test_formulas_are_pickled_and_copied():
    formula = parse("theta^2 + b", ["theta", "b"])
    for twin in (pickle.loads(pickle.dumps(formula)), copy.deepcopy(formula)):
        assert isinstance(twin, Formula)
        assert twin == formula
        assert twin([2, 3]) == 7


def test_importing_and_parsing_needs_neither_jax_nor_scipy():
    code = (
        "import sys; from downslope.objectives.formula import parse; assert 'lark' not in sys.modules;"
        "parse('sum(x^2)')([1]); assert not {'jax', 'scipy'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


# ---- errors

ERRORS = [
    # nothing, or not all
    ("", None, "is empty"),
    (" \n\t", None, "is empty"),
    ("x +", 4, "ends too early: a number, name or '(' should follow '+'"),
    ("x ** ", 5, "should follow '**'"),
    ("-", 2, "should follow '-'"),
    ("sin(", 5, "should follow '('"),
    ("min(x,", 7, "should follow ','"),
    ("(x", 1, "has a '(' that is never closed"),
    ("(x)+(x+(y)", 5, "never closed"),
    ("sin(x", 4, "never closed"),
    # brackets and operators
    ("x)", 2, "has an unexpected ')': it closes nothing"),
    ("(x+)", 4, "unexpected ')': a number, name or '(' should follow '+'"),
    ("x+()", 4, "should follow '('"),
    ("* x", 1, "a formula begins with"),
    ("x + * y", 5, "should follow '+'"),
    ("x ^^ 2", 4, "should follow '^'"),
    ("x ** ** 2", 6, "unexpected '**'"),
    ("x, y", 2, "unexpected ','"),
    ("1,5 x", 2, "decimals are written with a point"),
    # products
    ("x 2", 3, "has an unexpected number: an operator"),
    ("2 3 x", 3, "unexpected number"),
    ("(x)2", 4, "unexpected number"),
    ("1.2.3x", 4, "unexpected number"),
    ("x .5", 3, "unexpected number"),
    ("1/2x", 2, "write 1/(2*x) or (1/2)*x"),
    ("1/x cos(x)", 2, "write 1/(x*cos(x)) or (1/x)*cos(x)"),
    ("y + a*b/-2x^2", 8, "write a*b/(-2*x^2) or (a*b/-2)*x^2"),
    ("(a/b/2(x+1))", 5, "write a/b/(2*(x+1)) or (a/b/2)*(x+1)"),
    # stray characters
    ("x @ y", 3, "has an unexpected '@'"),
    ("$", 1, "has an unexpected '$'"),
    ("x # y", 3, "unexpected '#'"),
    ("x\x00", 2, "unexpected '\\x00'"),
    ("x²", 2, "write powers with ^"),
    ("|x|", 1, "write abs(x)"),
    ("x % 2", 3, "write mod(x, y)"),
    ("θ", 1, "unexpected 'θ'"),
    ("x + ١", 5, "unexpected"),
    # Python and its dangers
    ("x.real", 2, "there are no attributes"),
    ("().__class__", 2, "unexpected ')'"),
    ("(x).__class__", 4, "no attributes"),
    ("x[0]", 2, "has an unexpected '['"),
    ("[x for x in y]", 1, "unexpected '['"),
    ("'x'", 1, "a formula holds no text"),
    ('x + "a"', 5, "a formula holds no text"),
    ("y = x^2", 3, "leave out 'y ='"),
    ("f(x) = x", 6, "leave out 'f(x) ='"),
    ("= x", 1, "unexpected '='"),
    ("x == 2", 3, "unexpected '='"),
    ("x < 2", 3, "unexpected '<'"),
    ("x != 2", 3, "unexpected '!'"),
    ("lambda x: x", 9, "unexpected ':'"),
    ("x := 2", 3, "unexpected ':'"),
    ("__import__('os')", 12, "unexpected"),
    ("__import__(x)", 1, "unknown function '__import__'"),
    ("eval(x)", 1, "unknown function 'eval'"),
    # calls
    ("x + y(x+1)", 5, "write y*( for a product"),
    ("x (x+1)", 1, "write x*( for a product"),
    ("pi(x)", 1, "write pi*( for a product"),
    ("xy(x)", 1, "write xy*( for a product"),
    ("cso(x)", 1, "did you mean cos("),
    ("2 + cos x", 5, "write cos(x)"),
    ("sin", 1, "write sin(x)"),
    ("sin^2(x)", 1, "write sin(x)"),
    ("ln t", 1, "write ln(t)"),
    ("x + sin(x, y)", 5, "gives sin 2 arguments, where it takes 1"),
    ("atan2(x)", 1, "gives atan2 1 argument, where it takes 2"),
    ("atan2(x, x, x)", 1, "gives atan2 3 arguments"),
    ("norm(x, x)", 1, "gives norm 2 arguments"),
    ("sin()", 5, "should follow '('"),
    # names
    ("2 + xy", 5, "if it is a product, write x*y"),
    ("theta^2", 1, "a long name must be declared with `variables` (--variables)"),
    ("cosx", 1, "did you mean cos(x)?"),
    ("sine + x", 1, "did you mean sin?"),
    ("2PI x", 2, "did you mean pi?"),
    ("x_", 1, "unknown name"),
    ("3+4", None, "has no variable"),
    ("pi", None, "has no variable"),
    # vectors
    ("sum(x)+2x", 9, "is a vector and not a number: x should be inside sum(...)"),
    ("x sum(x)", 1, "is a vector"),
    ("sum(x) + sum(3)", 14, "gives sum a number, where it takes a vector"),
    ("sum(sum(x))", 5, "gives sum a number"),
    ("dot(x, 2)", 8, "gives dot a number"),
    ("1 + sum(x y)", 5, "has the variables x and y: sum(...) needs one"),
    # sizes
    ("-" * 5000 + "x", 4900, f"nested too deeply, more than {MAX_LEVELS} levels"),
    ("^".join("x" * 5000), 9797, "nested too deeply"),
    ("(" * 4000 + "x" + ")" * 4000, 1, "nested too deeply"),
    ("sin(" * 1500 + "x" + ")" * 1500, 4 * 1399 + 1, "nested too deeply"),
    ("(" * 10000, 10001, "ends too early"),
    ("(" * 10000 + "x" + ")" * 10000, None, "is too long: it has 20,001 characters"),
    ("x" * 1_000_000, None, "is too long: it has 1,000,000 characters of 10,000 allowed"),
    ("a" * 10_000, 1, "unknown name"),
]


@pytest.mark.parametrize(("text", "column", "problem"), ERRORS, ids=[repr(text[:20]) for text, _, _ in ERRORS])
def test_a_formula_that_cannot_be_read_points_at_the_column(text, column, problem):
    started = time.perf_counter()
    with pytest.raises(FormulaError) as raised:
        parse(text)
    assert raised.value.column == column
    assert problem in raised.value.problem
    assert raised.value.formula == text
    assert raised.value.__cause__ is None
    assert len(str(raised.value)) < 400  # never the whole of a long text
    assert time.perf_counter() - started < 20  # nothing hangs; the slowest takes about 0.1 s


def test_a_name_followed_by_an_unknown_bracket_offers_a_product():
    with pytest.raises(FormulaError, match=r"write theta\*\( for a product"):
        parse("theta(b+1)", ["theta", "b"])


def test_an_undeclared_name_is_an_error_once_names_are_declared():
    with pytest.raises(FormulaError, match="'y': the declared variables are x and b") as raised:
        parse("x + y", ["x", "b"])
    assert raised.value.column == 5


def test_a_declared_vector_needs_to_be_the_only_variable():
    with pytest.raises(FormulaError, match=r"variables x and b: sum\(...\) needs one") as raised:
        parse("1 + sum(x)", ["x", "b"])
    assert raised.value.column == 5
    with pytest.raises(FormulaError, match="gives min a number"):
        parse("min(2)", ["x"])


@pytest.mark.slow
def test_long_flat_sums_and_products_are_read():
    assert parse("+".join(["x"] * 3000))(2.0) == 6000
    assert parse(" - ".join(["x"] * 2500))(1.0) == -2498
    assert parse("*".join(["x"] * 5000))(1.0) == 1
    assert parse(" ".join(["x"] * (MAX_CHARACTERS // 2)))(-1.0) == 1
    assert float(jax.grad(parse("+".join(["x"] * 1000)))(2.0)) == 1000


def test_the_deepest_formula_that_is_read_can_be_computed_from_deep_within_a_program():
    formula = parse("(1+3*2" * MAX_LEVELS + "x" + ")" * MAX_LEVELS)  # a sum, a product and another per level

    def call_from(depth):
        return formula(0.0) if depth == 0 else call_from(depth - 1)

    exact = sum(6**k for k in range(MAX_LEVELS))
    assert call_from(400) == pytest.approx(exact, rel=ROUNDING)
    assert float(jax.jit(jax.grad(parse("-" * MAX_LEVELS + "x")))(1.0)) == 1
    with pytest.raises(FormulaError, match="too deeply"):
        parse("(1+3*2" * (MAX_LEVELS + 1) + "x" + ")" * (MAX_LEVELS + 1))


# ---- properties

FRAGMENTS = [
    *"xyte2.(),+-*/^ =[]'\"_πéθ²\n\0",
    "**",
    "1e",
    "sin(",
    "sum(x",
    "min(",
    "cos",
    "pi",
    "e^",
    "1/",
    "__",
]


@settings(max_examples=400)
@given(st.text(max_size=40) | st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join), st.booleans())
@example("x" + "9" * 9000, False)
@example("x\ud800", False)
def test_any_text_is_a_formula_or_a_formula_error(text, declares):
    try:
        formula = parse(text, ["x", "y"] if declares else None)
    except FormulaError as error:
        refused = error
    else:
        refused = None
    if refused:
        assert refused.column is None or 1 <= refused.column <= len(text) + 1
        assert refused.problem[0].islower()
        return
    x = np.ones(2) if formula.is_vector else np.linspace(-1, 2, len(formula.variables))
    assert type(formula(x)) is np.float64
    assert isinstance(formula.python, str)


@given(st.lists(st.text(max_size=3), max_size=3))
def test_any_declared_names_are_accepted_or_invalid_input(names):
    with contextlib.suppress(InvalidInput):
        assert parse("1", names).variables == tuple(names)


# A tree is a number, a name, or (operator, operand, ...).
LEAVES = st.sampled_from(["x", "y", "pi"]) | st.integers(0, 20) | st.floats(0, 50).map(lambda x: round(x, 3))


def _grown(operands):
    return (
        st.tuples(st.sampled_from(["+", "-", "*", "/", "^", "juxtaposed"]), operands, operands)
        | st.tuples(st.sampled_from(["negative", "sin", "exp", "abs"]), operands)
        | st.tuples(st.sampled_from(["min", "hypot"]), operands, operands)
    )


def _rendered(tree, place=0):
    """With few brackets. Places: 1 sum, 2 product, 3 sign, 4 juxtaposition, 5 power, 6 base of a power."""
    if not isinstance(tree, tuple):
        return str(tree)
    operator, *operands = tree
    if operator in ("sin", "exp", "abs", "min", "hypot"):
        return f"{operator}({', '.join(_rendered(operand) for operand in operands)})"
    left, right = operands[0], operands[-1]
    if operator in "+-":
        text, binding = f"{_rendered(left, 1)} {operator} {_rendered(right, 2)}", 1
    elif operator in "*/":  # a divisor without a sign is put into brackets
        text, binding = f"{_rendered(left, 2)}{operator}{_rendered(right, 3 if operator == '*' else 5)}", 2
    elif operator == "negative":
        text, binding = f"-{_rendered(right, 3)}", 3
    elif operator == "juxtaposed":
        second = _rendered(right, 5)
        text = f"{_rendered(left, 4)} {f'({second})' if _ends_a_product(second) else second}"
        # A name followed by a bracket would be a call.
        text, binding = (text, 4) if not _is_call_like(text) else (f"({_rendered(left)})({_rendered(right)})", 4)
    else:
        text, binding = f"{_rendered(left, 6)}^{_rendered(right, 5)}", 5
    return text if binding >= place else f"({text})"


def _ends_a_product(text):
    return text[0].isdigit() or text[0] == "("


def _is_call_like(text):
    return re.search(r"\b(x|y|pi)\s+\(", text) is not None


def _computed(tree, x, y):
    if not isinstance(tree, tuple):
        return {"x": x, "y": y, "pi": math.pi}.get(tree, tree) if isinstance(tree, str) else float(tree)
    operator, *operands = tree
    a, *rest = (_computed(operand, x, y) for operand in operands)
    b = rest[0] if rest else None
    return {
        "+": lambda: a + b,
        "-": lambda: a - b,
        "*": lambda: a * b,
        "juxtaposed": lambda: a * b,
        "/": lambda: a / b,
        "^": lambda: a**b,
        "negative": lambda: -a,
        "sin": lambda: math.sin(a),
        "exp": lambda: math.exp(a),
        "abs": lambda: abs(a),
        "min": lambda: min(a, b),
        "hypot": lambda: math.hypot(a, b),
    }[operator]()


def _is_tame(tree, x, y):
    """Whether every step is real and neither huge nor nearly cancelled, so that roundings stay small."""
    if not isinstance(tree, tuple):
        return True
    if not all(_is_tame(operand, x, y) for operand in tree[1:]):
        return False
    try:
        value = _computed(tree, x, y)
    except (ArithmeticError, ValueError):
        return False
    return not isinstance(value, complex) and 1e-4 < abs(value) < 1e4


@settings(max_examples=300)
@given(st.recursive(LEAVES, _grown, max_leaves=12), st.floats(-3, 3), st.floats(-3, 3))
@example(("-", "x", ("-", "y", 1)), 1.0, 2.0)
@example(("^", ("negative", "x"), 2), 3.0, 0.0)
@example(("negative", ("^", "x", ("negative", "y"))), 3.0, 2.0)
@example(("/", 1, ("juxtaposed", 2, "x")), 3.0, 2.0)
def test_a_tree_written_out_computes_what_the_tree_does(tree, x, y):
    formula = parse(_rendered(tree), ["x", "y"])
    computed = formula([x, y])
    if _is_tame(tree, x, y):
        # At most a dozen steps, each rounding by 1e-16 of what is between 1e-4 and 1e4.
        assert computed == pytest.approx(_computed(tree, x, y), rel=1e-9, abs=1e-9)
        in_python = eval(formula.python, {"np": np, "x": np.float64(x), "y": np.float64(y)})
        assert in_python == pytest.approx(computed, rel=1e-9, abs=1e-9)
