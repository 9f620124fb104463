"""Box bounds, in the forms that people write them."""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.structure import Layout, Structure


def as_bounds(bounds: Any, structure: Structure, x0: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Lower and upper bounds, each of shape (n,), or None where there are none.

    Accepts one pair (low, high) for all variables, a pair for each variable, or scipy.optimize.Bounds; None
    on either side stands for no bound there. For a container, one pair for all, or a pair for each of its
    arrays, arranged as the start is.

    >>> as_bounds([(0, None), (-1, 1)], *Structure.of([0.5, 0.5]))
    (array([ 0., -1.]), array([inf,  1.]))
    """
    if bounds is None:
        return None
    if structure.layout is Layout.TREE and not (isinstance(bounds, list | tuple) and _is_pair(bounds)):
        bounds = structure.spread("bounds", bounds, _is_pair)
    lower, upper = (np.broadcast_to(np.asarray(side, dtype=x0.dtype), x0.shape) for side in sides(bounds, x0.size))
    for wrong, parameter, rule in (
        (~(lower <= upper), "bounds", "must have low <= high"),  # also where one is NaN
        ((lower == np.inf) | (upper == -np.inf), "bounds", "must leave room"),
        (~((lower <= x0) & (x0 <= upper)), "x0", "must lie inside the bounds"),
    ):
        if wrong.any():
            i = int(np.argmax(wrong))
            name, box = structure.names()[i], f"[{lower[i]:g}, {upper[i]:g}]"
            raise InvalidInput(parameter, f"{rule}; {name} = {x0[i]:g} has {box}", bounds)
    return lower.copy(), upper.copy()


def sides(bounds: Any, n: int) -> tuple[Any, Any]:
    """The lower and the upper bounds of n variables, infinite where there are none."""
    if hasattr(bounds, "lb") and hasattr(bounds, "ub"):  # scipy.optimize.Bounds
        if any(np.size(side) not in (1, n) for side in (bounds.lb, bounds.ub)):
            raise InvalidInput("bounds", f"must have {n} lower and {n} upper bounds", bounds)
        return bounds.lb, bounds.ub
    if isinstance(bounds, np.ndarray):
        bounds = bounds.tolist()
    if not isinstance(bounds, list | tuple):
        raise InvalidInput("bounds", "must be a pair (low, high), or a list with one pair a variable", bounds)
    pairs = [bounds] * n if len(bounds) == 2 and all(_is_side(side) for side in bounds) else list(bounds)
    if len(pairs) != n:
        raise InvalidInput("bounds", f"must be one pair (low, high), or {n} of them, one a variable", bounds)
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2 or not all(_is_side(side) for side in pair):
            raise InvalidInput("bounds", "must be made of pairs (low, high) of numbers or None", pair)
    return (
        [-np.inf if low is None else low for low, _ in pairs],
        [np.inf if high is None else high for _, high in pairs],
    )


def _is_pair(pair: Any) -> bool:
    return isinstance(pair, list | tuple) and len(pair) == 2 and all(_is_side(side) for side in pair)


def _is_side(side: Any) -> bool:
    return side is None or (isinstance(side, numbers.Real) and not isinstance(side, bool))
