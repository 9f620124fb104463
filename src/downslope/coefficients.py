"""Coefficients of methods and learning rates, with their intervals as data.

A frozen dataclass declares each coefficient once:

    beta: float = coefficient("[0, 1)", 0.9)

The interval is checked at the boundary (`minimize`) and not in the constructor, because the constructor
also runs while a program is traced, where the coefficients are not yet numbers.
"""

from __future__ import annotations

import dataclasses
import numbers
from typing import Any

import numpy as np

from downslope.errors import InvalidInput


def coefficient(interval: str, default: Any = dataclasses.MISSING, meaning: str = "") -> Any:
    """A dataclass field that must lie in `interval`, such as "[0, 1)" or "(0, inf)"."""
    return dataclasses.field(default=default, metadata={"interval": interval, "meaning": meaning})


def coefficients(rule: Any) -> dict[str, str]:
    """The interval of each coefficient of a method or learning rate, by name.

    >>> from downslope.methods import Momentum
    >>> coefficients(Momentum)
    {'beta': '[0, 1)'}
    """
    declared = dataclasses.fields(rule) if dataclasses.is_dataclass(rule) else ()
    return {field.name: field.metadata["interval"] for field in declared if "interval" in field.metadata}


def check_coefficients(rule: Any, owner: str) -> None:
    """Raise InvalidInput where a coefficient is no number or lies outside its interval."""
    for name, interval in coefficients(rule).items():
        check_in_interval(f"{owner}.{name}", getattr(rule, name), interval)


def check_in_interval(parameter: str, value: Any, interval: str) -> None:
    """Raise InvalidInput unless every entry of `value` is a real number in `interval`."""
    if not isinstance(value, numbers.Real | np.ndarray | np.generic) or isinstance(value, bool):
        raise InvalidInput(parameter, f"must be a number in {interval}", value)
    array = np.asarray(value, dtype=float)
    low, high = (float(end) for end in interval[1:-1].split(","))
    above = array >= low if interval[0] == "[" else array > low
    below = array <= high if interval[-1] == "]" else array < high
    if not np.all(above & below):
        raise InvalidInput(parameter, _in_words(interval), value)


def _in_words(interval: str) -> str:
    return {
        "(0, inf)": "must be positive and finite",
        "[0, inf)": "must be zero or positive, and finite",
    }.get(interval, f"must be in {interval}")
