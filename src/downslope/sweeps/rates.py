"""The learning rates of a sweep: which differ in a number alone, and so share a program and an axis of numbers.

Numbers do, and so do schedules of one kind that begin at different rates: GeometricDecay(0.1, 0.99) and
GeometricDecay(0.2, 0.99), say.
"""

from __future__ import annotations

import dataclasses
import itertools
import numbers
from typing import Any

import numpy as np

from downslope.learning_rates import Constant


def number_of(rate: Any) -> float | None:
    """The rate itself, or the one that a schedule begins with; None for all else."""
    first = getattr(rate, "rate", None) if dataclasses.is_dataclass(rate) else rate
    return float(first) if isinstance(first, numbers.Real) and not isinstance(first, bool) else None


def groups_of(rates: list[Any]) -> list[list[Any]]:
    """The rates in their order, those together that are neighbours and differ in their number alone.

    >>> from downslope.learning_rates import Backtracking
    >>> [len(group) for group in groups_of([0.1, 0.2, Backtracking(), 0.3])]
    [2, 1, 1]
    """
    return [list(group) for _, group in itertools.groupby(rates, key=_kind)]


def numbers_alone(rates: list[Any]) -> np.ndarray | None:
    """The numbers of all of them, where nothing else tells them apart; else None."""
    if len(groups_of(rates)) > 1 or number_of(rates[0]) is None:
        return None
    return np.array([number_of(rate) for rate in rates])


def _kind(rate: Any) -> Any:
    """What is left without the number; equal to nothing where there is none."""
    if number_of(rate) is None:
        return object()
    if not dataclasses.is_dataclass(rate) or isinstance(rate, Constant):
        return "number"
    others = {field.name: getattr(rate, field.name) for field in dataclasses.fields(rate) if field.name != "rate"}
    plain = all(value is None or isinstance(value, numbers.Real) for value in others.values())
    return (type(rate), others) if plain else object()


def are_constant(rates: list[Any]) -> bool:
    """Whether all are numbers that stay as they are."""
    return all(isinstance(rate, Constant | numbers.Real) and number_of(rate) is not None for rate in rates)
