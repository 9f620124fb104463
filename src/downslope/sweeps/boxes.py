"""Descents from many starts in a box, and the minima that they end in: what `multistart` and `basins` share."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.sweeps.minima import Minimum, settled_minima_of
from downslope.sweeps.sweep import Sweep
from downslope.sweeps.sweeping import sweep


def descents(
    objective: Objective,
    bounds: Any,
    box: tuple[np.ndarray, np.ndarray],
    starts: np.ndarray,
    *,
    method: Any,
    learning_rate: Any,
    inside: bool,
    gradient_tolerance: float,
    **options: Any,
) -> tuple[tuple[Minimum, ...], np.ndarray, Sweep]:
    """The minima, which of them each start leads to (-1 for none), and all runs.

    `starts` has shape (m, n), and `box` holds the lower and the upper sides as `bounds` tells them: where they are one
    pair, the function of one variable is given numbers. InvalidInput where a parameter breaks a rule.
    """
    if gradient_tolerance is None:
        raise InvalidInput("gradient_tolerance", "must be a number: it tells where a minimum is reached", None)
    lower, upper = box
    try:
        runs = sweep(
            objective,
            starts=starts[:, 0] if lower.size == 1 and np.ndim(bounds) < 2 else starts,
            learning_rates=[learning_rate],
            methods=[method],
            bounds=list(zip(lower.tolist(), upper.tolist(), strict=True)) if inside else None,
            gradient_tolerance=gradient_tolerance,
            **options,
        )
    except InvalidInput as error:
        if error.parameter not in ("starts", "learning_rates"):
            raise
        name = {"starts": "bounds", "learning_rates": "learning_rate"}[error.parameter]
        raise InvalidInput(name, error.rule, error.value) from None
    minima, which = settled_minima_of(runs, lower, upper, gradient_tolerance)
    return minima, which, runs


def whole(name: str, value: Any, low: int, high: int) -> int:
    """The value; InvalidInput unless it is a whole number in that range."""
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or not low <= int(value) <= high:
        raise InvalidInput(name, f"must be a whole number, from {low} to {high}", value)
    return int(value)
