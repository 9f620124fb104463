"""A method or learning rate of downslope from what a specification tells of it."""

from __future__ import annotations

import dataclasses
import inspect
from typing import Any

import numpy as np

from downslope import learning_rates, methods
from downslope.learning_rates import LearningRate
from downslope.methods import Method
from downslope.storage.not_stored import needed


def method_of(told: dict[str, Any]) -> Method:
    """The method; InvalidInput where it is not one of downslope's own.

    >>> method_of({"name": "Momentum", "beta": 0.5})
    Momentum(beta=0.5)
    """
    method: Method = _rule(told, methods, Method, "method")
    return method


def learning_rate_of(told: dict[str, Any]) -> LearningRate | None:
    """The learning rate, nested ones too; None for a method that brings its own.

    >>> learning_rate_of({"name": "WarmUp", "schedule": {"name": "Constant", "rate": 0.1}, "n_steps": 5.0})
    WarmUp(schedule=Constant(rate=0.1), n_steps=5.0)
    """
    if told["name"] == "OwnRate":
        return None
    rate: LearningRate = _rule(told, learning_rates, LearningRate, "learning_rate")
    return rate


def _rule(told: dict[str, Any], home: Any, base: type, parameter: str) -> Any:
    kind = getattr(home, told["name"], None)
    if not (inspect.isclass(kind) and issubclass(kind, base) and dataclasses.is_dataclass(kind)):
        raise needed(parameter, told["name"])
    given = {key: value for key, value in told.items() if key != "name"}
    fields = {field.name for field in dataclasses.fields(kind)}
    if not given.keys() <= fields or not all(_is_number(v) or isinstance(v, dict) for v in given.values()):
        raise needed(parameter, given.get("function", told["name"]))  # or it has coefficients of a newer version
    inside = {k: _rule(v, home, base, parameter) if isinstance(v, dict) else v for k, v in given.items()}
    return kind(**inside)


def _is_number(value: Any) -> bool:
    return value is None or isinstance(value, float | int | np.ndarray | np.generic)
