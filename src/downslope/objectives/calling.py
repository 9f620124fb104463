"""How a user's function is called, and what it may return.

`f(x)` takes the start's structure. A function with two or more required positional parameters is
`f(x1, x2)`, one number each.
"""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable
from typing import Any, Literal

import numpy as np

from downslope.errors import InvalidInput, InvalidObjective
from downslope.objectives.structure import Layout, Structure

Call = Literal["array", "numbers"]


def how_called(fun: Callable[..., Any], call: Call | None) -> Call:
    """Tell f(x1, x2), "numbers", from f(x), "array"."""
    if call not in (None, "array", "numbers"):
        raise InvalidInput("call", 'must be "array" for f(x) or "numbers" for f(x1, x2)', call)
    return call or ("numbers" if n_required(fun) > 1 else "array")


def n_required(fun: Callable[..., Any]) -> int:
    """How many positional parameters `fun` cannot do without; 1 where it does not tell."""
    try:
        return sum(p.default is inspect.Parameter.empty for p in _positional(fun))
    except (TypeError, ValueError):  # some built-in functions have no signature
        return 1


def parameter_names(fun: Callable[..., Any]) -> tuple[str, ...]:
    """The names of the positional parameters of f(x1, x2), in order."""
    try:
        return tuple(parameter.name for parameter in _positional(fun))
    except (TypeError, ValueError):
        return ()


def _positional(fun: Callable[..., Any]) -> list[inspect.Parameter]:
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [parameter for parameter in inspect.signature(fun).parameters.values() if parameter.kind in kinds]


def arguments(structure: Structure, call: Call, flat: Any) -> tuple[Any, ...]:
    """The positional arguments of `fun` for a flat vector."""
    if call == "numbers":
        return tuple(flat[i] for i in range(structure.size))
    return (structure.unflatten(flat),)


def check_n_arguments(fun: Callable[..., Any], structure: Structure, call: Call) -> None:
    """Raise InvalidInput where f(x1, x2) meets a start of another length."""
    if call != "numbers":
        return
    n = n_required(fun)
    if structure.layout is Layout.TREE:
        raise InvalidInput("x0", f"must be {n} numbers, since `fun` takes {n} parameters", structure.treedef)
    try:
        inspect.signature(fun).bind(*range(structure.size))
    except TypeError:
        rule = f"must hold {n} number{'s' * (n > 1)}, one for each parameter of `fun`"
        raise InvalidInput("x0", rule, structure.size) from None
    except ValueError:
        return


def as_number(result: Any, parameter: str = "fun") -> float:
    """What `fun` returned as a float; InvalidObjective where it is no single real number."""
    if isinstance(result, float):
        return float(result)
    if hasattr(result, "detach"):
        result = result.detach().cpu().numpy()
    if result is None:
        raise InvalidObjective(parameter, "must return a number (is a `return` missing?)", None)
    try:
        array = np.asarray(result)
        if array.dtype.kind == "O" and array.size == 1:
            array = np.asarray(float(array.reshape(())))
    except (TypeError, ValueError):
        array = np.empty(0, dtype=object)
    if array.dtype.kind not in "biuf":
        raise InvalidObjective(parameter, "must return a real number", result)
    if array.size != 1:
        shape = " x ".join(str(n) for n in array.shape)
        rule = f"must return one number, and returned an array of {shape}; average or sum it"
        raise InvalidObjective(parameter, rule, array)
    return float(array.reshape(()))


def check_start_value(value: float, start: Any) -> None:
    """Raise InvalidObjective where the loss at the start is not finite."""
    if not np.isfinite(value):
        raise InvalidObjective("fun", f"must be finite at the start x0 = {reprlib.repr(start)}", value)
