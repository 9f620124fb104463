"""Features that are the same in every row: beside a bias they add nothing, and nothing decides their weights."""

from __future__ import annotations

import numpy as np

from downslope.training.models import Linear, Model, UserLoss
from downslope.training.sources.source import Rows

_FIRST_ROWS = 4096
_MOST_NAMES = 5


class ConstantColumns(UserWarning):
    """Features that are the same in every row.

    >>> import downslope, numpy as np, warnings
    >>> X = np.column_stack([np.arange(5.0), np.ones(5)])
    >>> with warnings.catch_warnings(record=True) as told:
    ...     warnings.simplefilter("always")
    ...     run = downslope.fit("linear", (X, X[:, 0]), epochs=1)
    >>> told[0].category.__name__, "x2" in str(told[0].message)
    ('ConstantColumns', True)
    """


def constant_warning(model: Model, names: tuple[str, ...], rows: Rows) -> ConstantColumns | None:
    """The warning, with their names; None where there are none, or no bias that they would repeat."""
    columns = rows.columns
    n = columns.shape[1]
    if n < 2 or isinstance(model, UserLoss) or (isinstance(model, Linear) and not model.intercept):
        return None
    suspects = np.flatnonzero((columns[:, :_FIRST_ROWS] == columns[:, :1]).all(axis=1)).tolist()
    found = [k for k in suspects if (columns[k] == columns[k, 0]).all()]
    if not found:
        return None
    if len(found) == 1:
        what = f"the column {names[found[0]]!r} is {columns[found[0], 0]:g} in all of {n:,} rows"
        return ConstantColumns(f"{what}: it tells nothing that the bias does not; leave the column out")
    named = ", ".join(repr(names[k]) for k in found[:_MOST_NAMES])
    more = f" and {len(found) - _MOST_NAMES} more" if len(found) > _MOST_NAMES else ""
    what = f"the columns {named}{more} are each the same in all of {n:,} rows"
    return ConstantColumns(f"{what}: they tell nothing that the bias does not; leave the columns out")
