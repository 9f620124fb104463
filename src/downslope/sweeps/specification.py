"""What a sweep was asked for, as JSON: a sweep on disk goes on only where it is asked for the same again.

Numbers are compared as they are, starts by their checksum, and rules by their coefficients. Code cannot be compared:
the function is known by its name and its losses at a few of the starts, a rate function by its name alone.
"""

from __future__ import annotations

import hashlib
import json
import numbers
from collections.abc import Mapping
from typing import Any

import numpy as np

import downslope
from downslope.engines.specification import rule_in_words
from downslope.errors import InvalidFile, InvalidInput, InvalidObjective
from downslope.learning_rates import as_learning_rate
from downslope.objectives.many_points import spread
from downslope.objectives.objective import Objective
from downslope.storage.metadata import encoded
from downslope.sweeps.grid import Grid

FORMAT = 1
LOSSES = "losses at some starts"
_N_LOSSES = 8
_SAME_LOSS = 1e-9
"""Another machine may round otherwise; another function differs by more."""
_NOT_COMPARED = ("format", "written_by", "seed drawn")


def specification(
    objective: Objective, grid: Grid, options: Mapping[str, Any], losses: list[float | None], is_drawn: bool
) -> dict[str, Any]:
    """The specification by the parameters' names, as JSON has it.

    `is_drawn` tells that the seed was drawn, and not given. `options` are those of `minimize`, bounds as flat vectors.
    """
    asked = {
        "format": FORMAT,
        "written_by": downslope.__version__,
        "fun": objective.name,
        "jac": None if objective.jac is None else getattr(objective.jac, "__name__", "given"),
        "dimensions": list(grid.dimensions),
        "variables": list(objective.variable_names(grid.structure)),
        "methods": [rule_in_words(rule) for rule in grid.methods],
        "learning_rates": _rates_in_words(grid.rates, grid.methods[0]),
        "coefficients": dict(grid.coefficients),
        "seeds": None if is_drawn else np.asarray(grid.seeds).tolist(),
        "seed drawn": grid.seeds[0] if is_drawn else None,
        "starts": {"shape": list(grid.starts.shape), "dtype": grid.starts.dtype.name, "sha256": _digest(grid.starts)},
        **options,
        LOSSES: losses,  # last, since other starts have other losses
    }
    read: dict[str, Any] = json.loads(json.dumps(encoded(asked), allow_nan=False, default=str))
    return read


def _rates_in_words(rates: list[Any], method: Any) -> Any:
    if all(isinstance(rate, numbers.Real) for rate in rates):
        return np.array(rates, dtype=float)
    return [None if rate is None else rule_in_words(as_learning_rate(rate, method)) for rate in rates]


def _digest(array: np.ndarray) -> str:
    return hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()


def check_same(asked: dict[str, Any], begun: dict[str, Any], path: Any) -> None:
    """InvalidInput for the first parameter that differs from what the sweep at `path` was begun with."""
    if begun["format"] > FORMAT:
        told = f"was written by downslope {begun['written_by']} in format {begun['format']}"
        raise InvalidFile(path, f"{told}; this one reads up to {FORMAT}: upgrade downslope")
    for name, now in asked.items():
        before: Any = begun.get(name)
        if name in _NOT_COMPARED or now == before:
            continue
        if name != LOSSES:
            raise InvalidInput(name, f"must be that of the sweep begun in {str(path)!r}, {_told(before)}", now)
        if not _are_close(now, before):
            rule = f"must give the losses that it gave at some starts when the sweep in {str(path)!r} was begun"
            raise InvalidInput("fun", f"{rule}, {_told(before)}", now)


def _told(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 200 else f"{text[:120]} ... {text[-60:]}"


def _are_close(now: list[float | None], before: list[float | None]) -> bool:
    left, right = (np.array(losses, dtype=float) for losses in (now, before))
    return left.shape == right.shape and np.allclose(left, right, rtol=_SAME_LOSS, atol=0, equal_nan=True)


def losses_at_starts(objective: Objective, grid: Grid, bounds: Any) -> tuple[list[float | None], np.ndarray]:
    """The losses at a few starts, None where one is not finite; and a start where it is.

    Raises InvalidObjective where none of up to 64 starts has a finite loss.
    """
    losses: list[float | None] = []
    sound = None
    for k in spread(len(grid.starts)):
        if len(losses) >= _N_LOSSES and sound is not None:
            break
        try:
            loss = objective.bind(grid.structure.restore(grid.starts[k]), bounds)[2]
            sound = grid.starts[k] if sound is None else sound
        except InvalidObjective as error:
            if not error.rule.startswith("must be finite"):
                raise
            loss, failed = None, error
        losses.append(loss)
    if sound is None:
        raise failed
    return losses[:_N_LOSSES], sound
