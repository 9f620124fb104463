"""How far a run is from where it goes, at the pace that its record shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from downslope.explanation.evidence import Evidence, schedule_of
from downslope.explanation.walls import is_walled
from downslope.wording import short

MOST_COORDINATES = 4
"""Of a longer point the first few are shown."""
_SHORT = 50
"""So few steps show no pace."""
_MOST_TOLD = 10**9
_EVEN = 0.5
"""Steps whose length changes by less than this share over the whole run, and by less than this share of how the slope
does, are of equal length."""
_LARGEST = float(np.finfo(float).max)
_WANDERS = 0.15
"""A run whose loss rose at this share of its last steps walks nowhere."""
_ALIKE = 1e-6
"""Multipliers whose sizes differ by less are alike."""


@dataclass(frozen=True)
class Slowest:
    """The axis of the minimum ahead whose slope takes longest to vanish."""

    n_steps: float
    """That it takes."""
    multiplier: complex
    """Of the distance along it, at each step."""
    direction: str
    """In words: nothing in one variable, or such as " along the flattest direction"."""


def steps_needed(evidence: Evidence) -> int | None:
    """How many more steps bring the slope to the tolerance; None where nothing tells.

    By the slowest direction of the minimum ahead, where it is known; by the pace of the last steps elsewhere.
    """
    run, motion = evidence.run, evidence.motion
    tolerance = run.specification["gradient_tolerance"] or 1e-6
    slope = float(run.gradient_norms[-1])
    if not slope > tolerance or schedule_of(evidence) is not None:
        return None  # a rate that falls keeps no pace
    if evidence.stability is not None and evidence.stability.forgets:
        return None  # near the minimum it will slow down, and nothing tells by how much
    walk, last = steps_of_a_walk(evidence), slowest(evidence)
    with np.errstate(all="ignore"):
        if walk is not None:
            needed = walk
        elif last is not None:
            needed = last.n_steps
        elif run.n_steps < _SHORT or motion.gradient_growth is None:
            return None
        elif motion.power is not None and motion.power > 0:
            needed = run.n_steps * float(np.power(slope / tolerance, 1 / motion.power) - 1)
        elif motion.gradient_growth < 1 - 1e-12:
            needed = float(np.log(tolerance / slope) / np.log(motion.gradient_growth))
        else:
            return None
    return int(np.ceil(needed)) if needed < _MOST_TOLD else None


def slowest(evidence: Evidence) -> Slowest | None:
    """The axis that is last to arrive, by its multiplier and by the slope that is left along it; None if not known."""
    tolerance = evidence.run.specification["gradient_tolerance"] or 1e-6
    found, target, end = evidence.stability, evidence.target, evidence.end
    if found is None or target is None or end is None or not evidence.is_constant or found.is_scaled or found.is_factor:
        return None
    curvatures, axes, leading = target.free, target.spectrum.vectors, found.multipliers[:, 0]
    if not len(curvatures) == len(leading) == axes.shape[1] or np.any(curvatures < 0):
        return None
    slopes, factors = curvatures * np.abs(axes.T @ (end.x - target.x)), np.abs(leading)
    late = np.flatnonzero(slopes > tolerance)
    if not late.size or np.any(factors[late] >= 1):
        return None
    steps = np.log(tolerance / slopes[late]) / np.log(np.maximum(factors[late], 1e-300))
    k = int(late[np.argmax(steps)])
    return Slowest(float(steps.max()), complex(leading[k]), direction_in_words(curvatures, leading, k))


def direction_in_words(curvatures: np.ndarray, multipliers: np.ndarray, k: int) -> str:
    """Where the k-th axis goes; that of a curvature above 0, among those that are."""
    positive = np.flatnonzero(curvatures > 0)
    if len(curvatures) == 1:
        return ""
    if len(positive) == len(curvatures) and np.ptp(np.abs(multipliers)) <= _ALIKE:
        return " in every direction"
    if len(positive) == 1:
        return " along the only direction that is curved"
    ends = {int(positive[0]): "the flattest direction", int(positive[-1]): "the steepest direction"}
    return f" along {ends.get(k, f'the curvature {short(curvatures[k])}')}"


def steps_of_a_walk(evidence: Evidence) -> float | None:
    """The steps to the minimum at steps of equal length, as sign descent and Adam make; None for any other run."""
    motion, end, target = evidence.motion, evidence.end, evidence.target
    if end is None or target is None or motion.turns_back or motion.step_growth is None or not motion.jump:
        return None
    if motion.rises > _WANDERS:
        return None
    changes = abs(np.log(motion.step_growth))
    falls = abs(np.log(motion.gradient_growth)) if motion.gradient_growth else 0.0
    if evidence.run.n_steps < 3 or changes > _EVEN / evidence.run.n_steps or changes > _EVEN * falls:
        return None
    return float(np.abs(end.x - target.x).max()) / motion.jump


def steps_to_overflow(evidence: Evidence) -> int | None:
    """How many more steps take the loss beyond the largest float at the pace seen; None where bounds are in the way."""
    growth, loss = evidence.motion.loss_growth, evidence.run.losses[-1]
    if is_walled(evidence) or growth is None or growth <= 1 or not np.isfinite(loss) or loss <= 0:
        return None
    return int(np.ceil((np.log(_LARGEST) - np.log(loss)) / np.log(growth)))


def point_in_words(evidence: Evidence, flat: np.ndarray) -> str:
    """X = 1, or (1, 2), with the first few of many."""
    values = ", ".join(short(v) for v in flat[:MOST_COORDINATES]) + (", ..." if len(flat) > MOST_COORDINATES else "")
    return f"{evidence.run.variables[0]} = {values}" if len(flat) == 1 else f"({values})"
