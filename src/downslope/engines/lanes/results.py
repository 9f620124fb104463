"""Lanes: how many descents ended, one entry a lane."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np

from downslope.engines.lanes.lane import Outcome
from downslope.stopping import Status


@dataclass(frozen=True, eq=False)
class Lanes:
    """The ends of m descents of n variables, in the order of their starts."""

    x: np.ndarray
    """The last point that is finite throughout, shape (m, n)."""
    loss: np.ndarray
    """The loss at `x`; NaN where the lane was interrupted before it began. This and all others have shape (m,)."""
    status: np.ndarray
    """Why each ended: a `Status` as a number."""
    n_steps: np.ndarray
    """Updates made."""
    n_evaluations: np.ndarray
    """Points at which the loss was asked for: one a row, and the trials of a line search."""
    gradient_norm: np.ndarray
    """The largest component of the gradient at the last row, in absolute value."""
    first_loss: np.ndarray
    best_loss: np.ndarray
    """The lowest loss of all rows; NaN where none is a number."""
    turn: np.ndarray
    """The cosine of the angle between the last two steps: 1 straight on, -1 straight back. NaN before two steps,
    and where it was interrupted."""
    growth: np.ndarray
    """The length of the last step over that of the one before; NaN as for `turn`."""
    n_rises: np.ndarray
    """How many steps raised the loss."""
    reason: str = ""
    """Why they ran one by one, and whether in several processes; empty where they shared a compiled program."""
    is_cut_short: bool = False
    """Whether Ctrl-C came, be it after the last lane had ended: what would follow them is not wanted."""

    def __len__(self) -> int:
        return len(self.status)

    @staticmethod
    def not_begun(starts: np.ndarray) -> Lanes:
        """Lanes that are all INTERRUPTED at their starts, to be written over."""
        m, dtype = len(starts), starts.dtype
        loss, size, first, best, turn, growth = (np.full(m, np.nan, dtype) for _ in range(6))
        n_steps, n_evaluations, n_rises = (np.zeros(m, np.int64) for _ in range(3))
        status = np.full(m, int(Status.INTERRUPTED), np.int8)
        return Lanes(starts.copy(), loss, status, n_steps, n_evaluations, size, first, best, turn, growth, n_rises)

    @staticmethod
    def joined(parts: list[Lanes]) -> Lanes:
        """Several lots of lanes as one."""
        if len(parts) == 1:
            return parts[0]
        arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in OF_EACH_LANE}
        reason = "; ".join(dict.fromkeys(part.reason for part in parts if part.reason))
        return Lanes(**arrays, reason=reason, is_cut_short=any(part.is_cut_short for part in parts))

    def put(self, index: np.ndarray, told: Outcome) -> None:
        """Write these lanes."""
        self.x[index] = told.x.T
        for name in Outcome._fields[1:]:
            getattr(self, name)[index] = getattr(told, name)


OF_EACH_LANE = tuple(field.name for field in dataclasses.fields(Lanes) if field.type == "np.ndarray")
"""The results with an entry a lane, by name."""
