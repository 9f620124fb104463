"""Rules taken apart into numbers and the rest, so that a new number never recompiles.

`split` gives a hashable skeleton (types and field names) and a flat list of numbers; `join` is its inverse,
and also runs while a program is traced, with JAX values in the numbers' places.
"""

from __future__ import annotations

import dataclasses
import numbers
from collections.abc import Iterator
from typing import Any

import numpy as np

Skeleton = Any
_LEAF = "leaf"


def split(rule: Any, dtype: np.dtype[Any]) -> tuple[Skeleton, list[np.ndarray]]:
    """A rule's skeleton and numbers, the latter in the point's precision.

    >>> from downslope.methods import Momentum
    >>> skeleton, leaves = split(Momentum(beta=0.5), np.dtype(float))
    >>> leaves, join(skeleton, iter([0.25]))
    ([array(0.5)], Momentum(beta=0.25))
    """
    if isinstance(rule, numbers.Real | np.ndarray | np.generic):
        with np.errstate(over="ignore"):  # a limit such as 1e10 is infinite in half precision, and means the same
            return _LEAF, [np.asarray(rule, dtype=dtype)]
    if dataclasses.is_dataclass(rule) and not isinstance(rule, type):
        parts, leaves = [], []
        for field in dataclasses.fields(rule):
            part, numbers_inside = split(getattr(rule, field.name), dtype)
            parts.append((field.name, part))
            leaves += numbers_inside
        return (type(rule), tuple(parts)), leaves
    return ("as it is", rule), []


def leaf_names(rule: Any) -> list[str]:
    """The names of the numbers that `split` gives, in its order.

    >>> from downslope.learning_rates import Constant, WarmUp
    >>> leaf_names(WarmUp(Constant(0.1), n_steps=3))
    ['schedule.rate', 'n_steps']
    """
    if not dataclasses.is_dataclass(rule) or isinstance(rule, type):
        return []
    names = []
    for field in dataclasses.fields(rule):
        value = getattr(rule, field.name)
        if isinstance(value, numbers.Real | np.ndarray | np.generic):
            names.append(field.name)
        names += [f"{field.name}.{inside}" for inside in leaf_names(value)]
    return names


def in_precision(rule: Any, dtype: np.dtype[Any]) -> Any:
    """The rule with its numbers in that precision, so that none of them widens a step."""
    skeleton, numbers_inside = split(rule, dtype)
    return join(skeleton, iter([number[()] for number in numbers_inside]))


def join(skeleton: Skeleton, leaves: Iterator[Any]) -> Any:
    """The rule with these numbers."""
    if skeleton == _LEAF:
        return next(leaves)
    head, rest = skeleton
    if head == "as it is":
        return rest
    return head(**{name: join(part, leaves) for name, part in rest})
