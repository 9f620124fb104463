"""The size of a step.

A number is a `Constant`, an array a `Constant` with one rate a coordinate, a function of the step's count a
`Custom` schedule, and None the method's own default.
"""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any

import numpy as np

from downslope.coefficients import check_coefficients, check_in_interval
from downslope.errors import InvalidInput
from downslope.learning_rates.barzilai_borwein import BarzilaiBorwein
from downslope.learning_rates.learning_rate import Choice, Here, LearningRate
from downslope.learning_rates.line_search import Backtracking
from downslope.learning_rates.own_rate import OwnRate
from downslope.learning_rates.polyak import Polyak
from downslope.learning_rates.schedules import (
    Constant,
    Cosine,
    Custom,
    Cyclical,
    GeometricDecay,
    InverseTime,
    Schedule,
    StepDecay,
    UnusableRateError,
    WarmRestarts,
    WarmUp,
)
from downslope.methods import GradientDescent, Method


def as_learning_rate(rate: Any, method: Method) -> LearningRate:
    """A learning rate from what a user gives as `rate`, checked by itself and against the `method`.

    >>> from downslope.methods import Momentum
    >>> as_learning_rate(0.1, Momentum())
    Constant(rate=0.1)
    >>> as_learning_rate(Backtracking(), Momentum())
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidInput: `learning_rate` cannot be a line search (Backtracking) with Momentum: ...
    """
    if method.brings_rate:
        if rate is not None:
            rule = "must be None with an optax transformation or a torch.optim class, which brings its own rate"
            raise InvalidInput("learning_rate", rule, rate)
        return OwnRate()
    if rate is None:
        rate = _default(method)
    elif isinstance(rate, numbers.Real | np.ndarray | np.generic | list | tuple) and not isinstance(rate, bool):
        rate = Constant(_numbers(rate))
        check_in_interval("learning_rate", rate.rate, "(0, inf)")
    elif callable(rate) and not isinstance(rate, LearningRate | type):
        rate = Custom(rate)
    if not isinstance(rate, LearningRate):
        rule = "must be a positive number, an array of them, a schedule or None"
        raise InvalidInput("learning_rate", rule, rate)
    _check(rate)
    _check_pair(rate, method)
    return rate


def _numbers(rate: Any) -> Any:
    if not isinstance(rate, list | tuple | np.ndarray):
        return rate
    try:
        array = np.asarray(rate, dtype=float)
    except (TypeError, ValueError):
        raise InvalidInput("learning_rate", "must hold numbers alone", rate) from None
    if array.ndim != 1 or array.size == 0:
        raise InvalidInput("learning_rate", "must be one number, or a flat array with one a coordinate", rate)
    return array


def _default(method: Method) -> LearningRate:
    if method.default_rate is not None:
        return Constant(method.default_rate)
    # A full Newton step has the rate 1 by its nature; more only overshoots, and asking for less delays it.
    return Backtracking(slope=1e-4, largest=1.0) if method.needs_hessian else Backtracking()


def _check(rate: LearningRate) -> None:
    check_coefficients(rate, type(rate).__name__)
    declared: tuple[Any, ...] = dataclasses.fields(rate) if dataclasses.is_dataclass(rate) else ()
    for field in declared:
        inner = getattr(rate, field.name)
        if isinstance(inner, LearningRate):
            _check(inner)
        elif field.name == "schedule":
            raise InvalidInput(f"{type(rate).__name__}.schedule", "must be a schedule such as Constant(0.1)", inner)
    if isinstance(rate, Cyclical) and np.any(np.asarray(rate.high) < np.asarray(rate.low)):
        raise InvalidInput("Cyclical.high", "must be at least Cyclical.low", rate.high)


def _check_pair(rate: LearningRate, method: Method) -> None:
    name, rule = type(rate).__name__, type(method).__name__
    if rate.needs_plain_gradient and not isinstance(method, GradientDescent):
        reason = f"cannot be {name} with {rule}: {name} is derived for the steps of gradient descent"
    elif rate.needs_downhill and not method.always_downhill:
        reason = (
            f"cannot be a line search ({name}) with {rule}: its step depends on earlier ones and may point uphill, "
            "where no rate passes; give a number or a schedule"
        )
    else:
        return
    raise InvalidInput("learning_rate", reason, rate)


__all__ = [
    "Backtracking",
    "BarzilaiBorwein",
    "Choice",
    "Constant",
    "Cosine",
    "Custom",
    "Cyclical",
    "GeometricDecay",
    "Here",
    "InverseTime",
    "LearningRate",
    "OwnRate",
    "Polyak",
    "Schedule",
    "StepDecay",
    "UnusableRateError",
    "WarmRestarts",
    "WarmUp",
    "as_learning_rate",
]
