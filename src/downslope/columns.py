"""The columns of a run's record, as `rows`, data frames and files have them: step, variables, loss, slope, rate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from downslope.run import Run

MOST_NAMED = 100
"""Up to so many variables each has a column of its own; more share one, `x`."""
_OTHERS = ("step", "loss", "gradient_norm", "learning_rate")


def of_points(variables: Iterable[str]) -> tuple[str, ...]:
    """A column's name for each variable: its own, or "variable NAME" where that is taken.

    >>> of_points(("step", "size"))
    ('variable step', 'size')
    """
    taken, columns = set(_OTHERS), []
    for name in variables:
        while name in taken or name.startswith("learning_rate "):
            name = f"variable {name}"
        taken.add(name)
        columns.append(name)
    return tuple(columns)


def of_run(run: Run) -> dict[str, np.ndarray]:
    """Every column of the recorded points, by name."""
    steps = run.path_steps
    points: dict[str, np.ndarray] = {}
    if run.path is not None:
        rows = run.structure.flatten_rows(run.path)
        points = dict(zip(run.point_columns, rows.T, strict=True)) if run.point_columns else {"x": rows}
    rates = run.learning_rates[steps]
    is_one = run.rate_columns == ("learning_rate",)
    named = {"learning_rate": rates} if is_one else dict(zip(run.rate_columns, rates.T, strict=True))
    return {"step": steps, **points, "loss": run.losses[steps], "gradient_norm": run.gradient_norms[steps], **named}
