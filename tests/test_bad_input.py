"""Bad input: one clear error that names the parameter, the rule and the value, before anything is computed."""

import math
import pickle

import numpy as np
import pytest
import scipy.optimize

import downslope
from downslope import (
    Adam,
    FormulaError,
    InvalidFile,
    InvalidInput,
    MissingExtra,
    MissingProgram,
    Momentum,
    Objective,
    ObjectiveFailed,
    UnknownName,
)
from downslope.learning_rates import Backtracking, BarzilaiBorwein, Constant, Cyclical, GeometricDecay
from tests.steady_id import steady_id

NAN, INF = math.nan, math.inf


class Counting:
    """A function that counts its calls."""

    def __init__(self, fun):
        self.fun, self.n_calls = fun, 0

    def __call__(self, x):
        self.n_calls += 1
        return self.fun(x)


def squares(x):
    return np.sum(np.asarray(x) ** 2)


# What is given besides a good function of [1.0, 2.0]; the parameter that is at fault; the rule, and the value, as told.
PARAMETERS = [
    ({"x0": []}, "x0", "must hold at least one number", "[]"),
    ({"x0": np.zeros((0, 2))}, "x0", "must hold at least one number", "array("),
    ({"x0": {}}, "x0", "must hold at least one number", "{}"),
    ({"x0": {"w": []}}, "x0", "must hold at least one number", "[]"),
    ({"x0": None}, "x0", "must be given", "None"),
    ({"x0": [1.0, NAN]}, "x0", "must be finite, and x[1] is not", "nan"),
    ({"x0": -INF}, "x0", "must be finite, and x is not", "-inf"),
    ({"x0": {"w": np.array([1.0, INF]), "b": 1.0}}, "x0", "must be finite, and w[1] is not", "inf"),
    ({"x0": [[1, 2], [3]]}, "x0", "rows of equal length", "[[1, 2], [3]]"),
    ({"x0": "abc"}, "x0", "must be a number, an array, or a dict", "'abc'"),
    ({"x0": [1.0, "b"]}, "x0", "must hold real numbers alone", "'b'"),
    ({"x0": [None, 1.0]}, "x0", "must hold real numbers alone", "None"),
    ({"x0": {"w": 1.0, "b": None}}, "x0", "must hold real numbers alone", "None"),
    ({"x0": 1j}, "x0", "must hold real numbers alone", "1j"),
    ({"x0": [0.0, 5.0], "bounds": (-1, 1)}, "x0", "must lie inside the bounds; x[1] = 5 has [-1, 1]", "(-1, 1)"),
    ({"bounds": (1, -1)}, "bounds", "must have low <= high", "(1, -1)"),
    ({"bounds": [(0, 1), (3, 2)]}, "bounds", "must have low <= high; x[1] = 2 has [3, 2]", "[(0, 1), (3, 2)]"),
    ({"bounds": (NAN, 3)}, "bounds", "must have low <= high", "(nan, 3)"),
    ({"bounds": (INF, INF)}, "bounds", "must leave room", "(inf, inf)"),
    ({"bounds": [(0, 3)] * 3}, "bounds", "or 2 of them, one a variable", "[(0, 3), (0, 3), (0, 3)]"),
    ({"bounds": [(0, 1, 2), (0, 3)]}, "bounds", "pairs (low, high) of numbers or None", "(0, 1, 2)"),
    ({"bounds": [("a", "b"), (0, 3)]}, "bounds", "pairs (low, high) of numbers or None", "('a', 'b')"),
    ({"bounds": "0:3"}, "bounds", "must be a pair (low, high)", "'0:3'"),
    ({"bounds": 3}, "bounds", "must be a pair (low, high)", "3"),
    ({"bounds": scipy.optimize.Bounds([0, 0, 0], [3, 3, 3])}, "bounds", "2 lower and 2 upper bounds", "Bounds("),
    ({"bounds": scipy.optimize.Bounds([3, 3], [0, 0])}, "bounds", "must have low <= high", "Bounds("),
    ({"method": "adm"}, "method", "must be one of adagrad, adam, ", "'adm'. Did you mean 'adam'?"),
    ({"method": "Gradient Descent"}, "method", "must be one of", "Did you mean 'gradient_descent'?"),
    ({"method": 3}, "method", "must be a Method, an optax transformation, a torch.optim class or one of", "3"),
    ({"method": Momentum(beta=1.0)}, "Momentum.beta", "must be in [0, 1)", "1.0"),
    ({"method": Momentum(beta="high")}, "Momentum.beta", "must be a number in [0, 1)", "'high'"),
    ({"method": Adam(beta1=NAN)}, "Adam.beta1", "must be in [0, 1)", "nan"),
    ({"learning_rate": 0}, "learning_rate", "must be positive and finite", "0"),
    ({"learning_rate": -0.1}, "learning_rate", "must be positive and finite", "-0.1"),
    ({"learning_rate": NAN}, "learning_rate", "must be positive and finite", "nan"),
    ({"learning_rate": INF}, "learning_rate", "must be positive and finite", "inf"),
    ({"learning_rate": [0.1, -1.0]}, "learning_rate", "must be positive and finite", "array([ 0.1, -1. ])"),
    ({"learning_rate": [0.1, 0.2, 0.3]}, "learning_rate", "or 2 of them, one a coordinate", "[0.1, 0.2, 0.3]"),
    ({"learning_rate": []}, "learning_rate", "must be one number, or a flat array", "[]"),
    ({"learning_rate": "fast"}, "learning_rate", "must be a positive number", "'fast'"),
    ({"learning_rate": True}, "learning_rate", "must be a positive number", "True"),
    ({"learning_rate": lambda step: -1.0}, "learning_rate", "gave -1.0 for step 0", "-1.0"),
    ({"learning_rate": lambda step: 1 / step}, "learning_rate", "raised ZeroDivisionError", "None"),
    ({"learning_rate": Constant(-1.0)}, "Constant.rate", "must be positive and finite", "-1.0"),
    ({"learning_rate": GeometricDecay(0.1, 1.5)}, "GeometricDecay.factor", "must be in (0, 1]", "1.5"),
    ({"learning_rate": Cyclical(0.2, 0.1)}, "Cyclical.high", "at least Cyclical.low", "0.1"),
    ({"learning_rate": Backtracking(shrink=1.0)}, "Backtracking.shrink", "must be in (0, 1)", "1.0"),
    (
        {"learning_rate": Backtracking(), "method": "momentum"},
        "learning_rate",
        "cannot be a line search (Backtracking) with Momentum",
        "Backtracking(",
    ),
    ({"learning_rate": BarzilaiBorwein(), "method": "adam"}, "learning_rate", "with Adam", "BarzilaiBorwein("),
    ({"max_steps": -1}, "max_steps", "must be a whole number", "-1"),
    ({"max_steps": 1.5}, "max_steps", "must be a whole number", "1.5"),
    ({"max_steps": None}, "max_steps", "must be a whole number", "None"),
    ({"max_steps": 2**62}, "max_steps", "from 0 to 2^62", str(2**62)),
    ({"target_loss": NAN}, "target_loss", "must be a finite number, or None", "nan"),
    ({"target_loss": "low"}, "target_loss", "must be a finite number, or None", "'low'"),
    ({"gradient_tolerance": -1e-6}, "gradient_tolerance", "a finite number, 0 or more, or None", "-1e-06"),
    ({"gradient_tolerance": INF}, "gradient_tolerance", "a finite number, 0 or more, or None", "inf"),
    ({"loss_limit": NAN}, "loss_limit", "must be a finite number, or None", "nan"),
    ({"noise": -1}, "noise", "must be a finite number, 0 or more", "-1"),
    ({"noise": 1.0}, "noise", "must be 0 with Backtracking", "1.0"),
    ({"seed": -1}, "seed", "must be a whole number from 0 to 2^32 - 1", "-1"),
    ({"seed": 0.5}, "seed", "must be a whole number from 0 to 2^32 - 1", "0.5"),
    ({"record": "all"}, "record", "must be one of 'auto', 'path', 'losses'", "'all'"),
    ({"engine": "fast"}, "engine", "must be one of 'auto', 'eager', 'compiled'", "'fast'"),
    ({"callback": "print"}, "callback", "must be a function or None", "'print'"),
    ({"jac": [1.0, 2.0]}, "jac", "must be a function or None", "[1.0, 2.0]"),
]


@pytest.mark.parametrize(("given", "parameter", "rule", "value"), PARAMETERS, ids=steady_id)
def test_a_bad_parameter_is_named_with_its_rule_and_value_before_anything_is_computed(given, parameter, rule, value):
    fun = Counting(squares)
    with pytest.raises(InvalidInput) as caught:
        downslope.minimize(fun, **{"x0": [1.0, 2.0], **given})
    message = str(caught.value)
    assert fun.n_calls == 0
    assert isinstance(caught.value, ValueError)
    assert caught.value.parameter == parameter
    assert message.startswith(f"`{parameter}` ")
    assert rule in message
    assert value in message.partition("; got ")[2] or value in message.rpartition("; got ")[2]
    assert len(message) < 500


def test_options_that_need_another_engine_say_so():
    with pytest.raises(InvalidInput, match=r"`engine` must be .* a callback is called from Python; got 'compiled'"):
        downslope.minimize(squares, [1.0, 2.0], engine="compiled", callback=print)
    with pytest.raises(InvalidInput, match=r"the function is not compiled .*test_bad_input.py:\d+"):
        downslope.minimize(lambda x: x[0] if x[0] > 5 else x[1] ** 2, [1.0, 2.0], engine="compiled")


def test_a_gradient_beside_an_objective_is_refused():
    with pytest.raises(InvalidInput, match="`jac` must be None beside an Objective"):
        downslope.minimize(Objective(squares), [1.0, 2.0], jac=lambda x: 2 * x)
    with pytest.raises(InvalidInput, match='`call` must be "array" for f'):
        Objective(squares, call="vector")
    with pytest.raises(InvalidInput, match="`variables` must be None unless `fun` is a formula"):
        Objective(squares, variables=["x"])


@pytest.mark.parametrize(
    "error",
    [
        InvalidInput("x0", "must be finite", np.inf),
        UnknownName("method", "adan", ["adam"]),
        FormulaError("x +", "ends too early", 4),
        InvalidFile("run.parquet", "is cut short"),
        MissingExtra("to_dataframe()", "pandas", extra="pandas"),
        MissingProgram("a film", "ffmpeg", "apt install ffmpeg"),
        ObjectiveFailed("`fun` raised", downslope.minimize(squares, 1.0, learning_rate=0.1, max_steps=2)),
    ],
    ids=lambda error: type(error).__name__,
)
def test_an_error_reaches_another_process_whole(error):
    try:
        raise error from ZeroDivisionError("why")
    except type(error) as raised:
        there = pickle.loads(pickle.dumps(raised))
    assert (type(there), str(there), str(there.__cause__)) == (type(error), str(error), "why")
    for name in ("parameter", "rule", "value", "path", "column"):
        assert getattr(there, name, None) == getattr(error, name, None)
    if isinstance(error, ObjectiveFailed):
        np.testing.assert_array_equal(there.run.path, error.run.path)
