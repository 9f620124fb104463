"""The loss at many points, for pictures: compiled and in blocks where the program compiles, one by one elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from downslope.errors import InvalidObjective
from downslope.objectives.bound import Bound
from downslope.objectives.fingerprint import captured_bytes
from downslope.objectives.finite_difference import Bounds

if TYPE_CHECKING:
    from downslope.objectives.objective import Objective

_BLOCK_BYTES = 2**27
"""What a block may take, where each point meets all the data that the function closes over."""
_LONGEST_BLOCK = 1024


def losses(bound: Bound, points: np.ndarray) -> np.ndarray:
    """The loss at each row of `points`, shape (m,); NaN where the function's arithmetic leaves the real numbers."""
    points = np.asarray(points, dtype=bound.structure.dtype)
    program = bound.program
    with np.errstate(all="ignore"):
        if program is not None and program.compiles and not program.held.keeps_values:
            length = _block_length(bound, points.shape[1])
            blocks = [_padded(points[k : k + length], length) for k in range(0, len(points), length)]
            found = [program.call("values", block) for block in blocks]
            return np.concatenate(found, dtype=float)[: len(points)] if found else np.empty(0)
        return np.array([_one(bound, point) for point in points], dtype=float)


def _block_length(bound: Bound, n: int) -> int:
    bytes_a_point = captured_bytes(bound.fun) + 8 * n
    return int(np.clip(_BLOCK_BYTES // bytes_a_point, 1, _LONGEST_BLOCK))


def _padded(block: np.ndarray, length: int) -> np.ndarray:
    """Blocks of one length share one compiled program."""
    return np.pad(block, ((0, length - len(block)), (0, 0)), mode="edge")


def _one(bound: Bound, point: np.ndarray) -> float:
    try:
        return Bound.value(bound, point)  # the user's own code: JAX without compiling is a hundred times slower
    except ValueError:  # such as NumPy's LinAlgError; `Bound.value` has caught the arithmetic ones
        return float("nan")


def spread(n_points: int, most: int = 64) -> list[int]:
    """Up to `most` row numbers, far from one another from the first on: where to look for a finite loss.

    >>> spread(9)
    [4, 1, 6, 3, 8, 5, 7, 0, 2]
    """
    golden = (5**0.5 - 1) / 2
    rows = (int((0.5 + k * golden) % 1 * n_points) for k in range(4 * most))
    return list(dict.fromkeys(rows))[: min(most, n_points)]


def bound_at_one_of(objective: Objective, rows: np.ndarray, bounds: Bounds | None = None) -> Bound | None:
    """`objective` bound to the first point with a finite loss, of some that lie far apart; None where none has one.

    Raises InvalidObjective where it gives no number at all.
    """
    for k in spread(len(rows)):
        # One number is a number before it is a vector of one.
        for point in [float(rows[k, 0]), rows[k]] if rows.shape[1] == 1 else [rows[k]]:
            try:
                bound, flat, loss = objective.bind(point, bounds)
                with np.errstate(all="ignore"):
                    return objective.checked(bound, bound.value_and_gradient(flat)[0], flat, loss)
            except InvalidObjective as error:
                if error.rule.startswith("must be finite"):
                    break
                if isinstance(error.__cause__, ArithmeticError | ValueError):
                    break
                if isinstance(point, np.ndarray):
                    raise
    return None
