"""The parts of a formula that has been read, its functions and constants, and what each of them computes.

One definition serves NumPy and JAX: what is computed is given the namespace, `numpy` or `jax.numpy`, as `xp`.

Whatever is made of constants alone is a Python float; values are never of that exact type. It is computed
by NumPy, so that 9^9^9 is inf where Python's own floats raise, and JAX keeps the precision of its arrays.
A constant exponent that is whole becomes an int: then JAX multiplies, and the slope of x^2 at 0 is 0.
"""

from __future__ import annotations

import functools
import importlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

CONSTANTS = {"pi": math.pi, "π": math.pi, "e": math.e, "tau": math.tau}
LARGEST_INTEGER_EXPONENT = 2**31  # NumPy refuses huge ints; as floats they give the same power


@dataclass(frozen=True, slots=True)
class Part:
    """A number, name, sign, power, call or chain; it spans `start` to `end` of the text.

    A chain is a sum or product of any length, 1 + x - y or 2 x / y; `text` holds its operators, one character
    each, with " " for a product without a sign. So a long sum is flat, and depth comes from brackets alone.
    """

    kind: str
    start: int
    end: int
    text: str = ""
    children: tuple[Part, ...] = ()
    n_levels: int = 0  # of brackets, signs and powers within one another
    number: float = math.nan
    bracketed: bool = False


@dataclass(frozen=True, slots=True)
class Function:
    """`compute(xp, *arguments)`, and the same as Python text."""

    n_arguments: int
    compute: Callable[..., Any]
    python: str
    takes_more: bool = False  # two arguments at a time, however many there are

    def __call__(self, xp: Any, *arguments: Any) -> Any:
        if not self.takes_more:
            return self.compute(xp, *arguments)
        return functools.reduce(lambda left, right: self.compute(xp, left, right), arguments)

    def to_python(self, *arguments: str) -> str:
        return functools.reduce(self.python.format, arguments) if self.takes_more else self.python.format(*arguments)


def numpy_function(name: str, n_arguments: int = 1, *, takes_more: bool = False) -> Function:
    """The function that NumPy and `jax.numpy` both have under this name."""

    def compute(xp: Any, *arguments: Any) -> Any:
        return getattr(xp, name)(*arguments)

    places = ", ".join(["{}"] * n_arguments)
    return Function(n_arguments, compute, f"np.{name}({places})", takes_more)


def special_function(name: str) -> Function:
    """The function that `scipy.special` and `jax.scipy.special` both have under this name."""

    def compute(xp: Any, x: Any) -> Any:
        # Imported late: neither is needed by most formulas, and both are slow to import.
        module = importlib.import_module("scipy.special" if xp is np else "jax.scipy.special")
        return getattr(module, name)(x)

    return Function(1, compute, f"scipy.special.{name}({{}})")


def power(xp: Any, base: Any, exponent: Any) -> Any:
    if type(exponent) is float and exponent.is_integer() and abs(exponent) < LARGEST_INTEGER_EXPONENT:
        exponent = int(exponent)
    return base**exponent


FUNCTIONS: dict[str, Function] = {
    **{
        name: numpy_function(name)
        for name in [
            *("sin", "cos", "tan", "arcsin", "arccos", "arctan"),
            *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
            *("exp", "exp2", "expm1", "log", "log2", "log10", "log1p", "sqrt", "cbrt"),
            *("abs", "sign", "floor", "ceil", "round", "radians", "degrees"),
        ]
    },
    **{name: numpy_function("arc" + name[1:]) for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh")},
    "ln": numpy_function("log"),
    "atan2": numpy_function("arctan2", 2),
    "arctan2": numpy_function("arctan2", 2),
    "hypot": numpy_function("hypot", 2),
    "mod": numpy_function("mod", 2),
    "pow": Function(2, power, "(({})**({}))"),
    "min": numpy_function("minimum", 2, takes_more=True),
    "max": numpy_function("maximum", 2, takes_more=True),
    "sec": Function(1, lambda xp, x: 1.0 / xp.cos(x), "(1/np.cos({}))"),
    "csc": Function(1, lambda xp, x: 1.0 / xp.sin(x), "(1/np.sin({}))"),
    "cot": Function(1, lambda xp, x: 1.0 / xp.tan(x), "(1/np.tan({}))"),
    "heaviside": Function(1, lambda xp, x: xp.heaviside(x, 0.5), "np.heaviside({}, 0.5)"),
    # Not maximum(x, 0), whose slope at 0 is a half in JAX; and NaN stays NaN.
    "relu": Function(1, lambda xp, x: xp.where(x <= 0, 0.0, x), "np.maximum({}, 0)"),
    "softplus": Function(1, lambda xp, x: xp.logaddexp(x, 0.0), "np.logaddexp({}, 0)"),
    "sigmoid": special_function("expit"),  # 1/(1 + exp(-x)) has slope NaN where exp overflows
    "logistic": special_function("expit"),
    "erf": special_function("erf"),
}

# From a whole vector to a number.
REDUCTIONS: dict[str, Function] = {
    **{name: numpy_function(name) for name in ("sum", "prod", "mean", "min", "max")},
    "norm": Function(1, lambda xp, x: xp.linalg.norm(x), "np.linalg.norm({})"),
    "dot": numpy_function("dot", 2),
}

OPERATORS: dict[str, Callable[..., Any]] = {
    "+": lambda xp, left, right: left + right,
    "-": lambda xp, left, right: left - right,
    "*": lambda xp, left, right: left * right,
    " ": lambda xp, left, right: left * right,
    "/": lambda xp, left, right: left / right,
}


def is_reduction(part: Part) -> bool:
    """Whether `part` makes a number of a vector; min and max do with one argument."""
    return part.kind == "call" and part.text in REDUCTIONS and not (part.text in FUNCTIONS and len(part.children) > 1)


def function_of(call: Part) -> Function:
    return (REDUCTIONS if is_reduction(call) else FUNCTIONS)[call.text]


def value(part: Part, xp: Any, variables: Mapping[str, Any]) -> Any:
    """The value of `part`, where each variable is a NumPy or JAX value."""
    match part.kind:
        case "number":
            return part.number
        case "name":
            return CONSTANTS[part.text] if part.text in CONSTANTS else variables[part.text]
    values = []
    for child in part.children:  # a comprehension would take a second level of recursion
        values.append(value(child, xp, variables))  # noqa: PERF401
    match part.kind:
        case "negative":
            return -values[0]
        case "power" if is_e(part.children[0]):
            return _apply(_EXP, xp, values[1])  # exact to the last digit, and so is its slope
        case "power":
            return _apply(power, xp, *values)
        case "call":
            return _apply(function_of(part), xp, *values)
    total = values[0]
    for operator, operand in zip(part.text, values[1:], strict=True):
        total = _apply(OPERATORS[operator], xp, total, operand)
    return total


_EXP = FUNCTIONS["exp"]


def is_e(part: Part) -> bool:
    return part.kind == "name" and part.text == "e"


def _apply(operation: Callable[..., Any], xp: Any, *arguments: Any) -> Any:
    if all(type(argument) is float for argument in arguments):
        return float(operation(np, *map(np.float64, arguments)))
    return operation(xp, *arguments)


# How tightly Python binds: a part is put into brackets where it binds less tightly than its place asks.
_SUM, _PRODUCT, _SIGN, _POWER, _ATOM = range(5)


def python(part: Part) -> tuple[str, int]:
    """`part` as Python text, and how tightly that binds."""
    match part.kind:
        case "number":
            return _python_number(part.number), _ATOM
        case "name":
            return (f"np.{part.text}" if part.text in ("pi", "e") else _PYTHON_NAMES.get(part.text, part.text)), _ATOM
    parts = []
    for child in part.children:
        parts.append(python(child))  # noqa: PERF401
    match part.kind:
        case "negative":
            return f"-{_within(parts[0], _PRODUCT)}", min(_SIGN, max(parts[0][1], _PRODUCT))
        case "power" if is_e(part.children[0]):
            return _EXP.to_python(parts[1][0]), _ATOM
        case "power":
            return f"{_within(parts[0], _ATOM)}**{_within(parts[1], _SIGN)}", _POWER
        case "call":
            return function_of(part).to_python(*(text for text, _ in parts)), _ATOM
    is_sum = part.text[0] in "+-"
    text = _within(parts[0], _SUM if is_sum else _PRODUCT)
    for operator, operand in zip(part.text, parts[1:], strict=True):
        text += (
            f" {operator} {_within(operand, _PRODUCT)}"
            if is_sum
            else f"{operator.replace(' ', '*')}{_within(operand, _POWER)}"
        )
    return text, _SUM if is_sum else _PRODUCT


_PYTHON_NAMES = {"π": "np.pi", "tau": "(2*np.pi)"}


def _within(part: tuple[str, int], place: int) -> str:
    text, binding = part
    return text if binding >= place else f"({text})"


def _python_number(number: float) -> str:
    if number.is_integer() and number < 1e15:
        return str(int(number))
    return "np.inf" if math.isinf(number) else repr(number)
