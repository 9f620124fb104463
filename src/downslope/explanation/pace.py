"""How far a run is from where it goes, at the pace that its record shows."""

from __future__ import annotations

import numpy as np

from downslope.explanation.evidence import Evidence, schedule_of
from downslope.wording import short

MOST_COORDINATES = 4
"""Of a longer point the first few are shown."""
_EVEN = 0.5
"""Steps whose length changes by less than this share over the whole run, and by less than this share of how the slope
does, are of equal length."""
_LARGEST = float(np.finfo(float).max)


def steps_needed(evidence: Evidence) -> int | None:
    """How many more steps bring the slope to the tolerance at the pace seen; None where it gets nowhere."""
    run, motion = evidence.run, evidence.motion
    tolerance = run.specification["gradient_tolerance"] or 1e-6
    slope = float(run.gradient_norms[-1])
    if not slope > tolerance or motion.gradient_growth is None or schedule_of(evidence) is not None:
        return None  # a rate that falls keeps no pace
    if evidence.stability is not None and evidence.stability.forgets:
        return None  # near the minimum it will slow down, and nothing tells by how much
    walk = steps_of_a_walk(evidence)
    with np.errstate(all="ignore"):
        if walk is not None:
            needed = walk
        elif motion.power is not None and motion.power > 0:
            needed = run.n_steps * float(np.power(slope / tolerance, 1 / motion.power) - 1)
        elif motion.gradient_growth < 1 - 1e-12:
            needed = float(np.log(tolerance / slope) / np.log(motion.gradient_growth))
        else:
            return None
        found = evidence.stability
        if found is not None and evidence.is_constant and not found.forgets and found.factor and found.factor < 1:
            # Nothing near the minimum is slower than its slowest multiplier.
            needed = min(needed, float(np.log(tolerance / slope) / np.log(found.factor)))
    return int(np.ceil(needed)) if needed < 2**62 else None


def steps_of_a_walk(evidence: Evidence) -> float | None:
    """The steps to the minimum at steps of equal length, as sign descent and Adam make; None for any other run."""
    motion, end, target = evidence.motion, evidence.end, evidence.target
    if end is None or target is None or motion.turns_back or motion.step_growth is None or not motion.jump:
        return None
    changes = abs(np.log(motion.step_growth))
    falls = abs(np.log(motion.gradient_growth)) if motion.gradient_growth else 0.0
    if evidence.run.n_steps < 3 or changes > _EVEN / evidence.run.n_steps or changes > _EVEN * falls:
        return None
    return float(np.abs(end.x - target.x).max()) / motion.jump


def steps_to_overflow(evidence: Evidence) -> int | None:
    """How many more steps take the loss beyond the largest float at the pace seen."""
    growth, loss = evidence.motion.loss_growth, evidence.run.losses[-1]
    if growth is None or growth <= 1 or not np.isfinite(loss) or loss <= 0:
        return None
    return int(np.ceil((np.log(_LARGEST) - np.log(loss)) / np.log(growth)))


def point_in_words(evidence: Evidence, flat: np.ndarray) -> str:
    """X = 1, or (1, 2), with the first few of many."""
    values = ", ".join(short(v) for v in flat[:MOST_COORDINATES]) + (", ..." if len(flat) > MOST_COORDINATES else "")
    return f"{evidence.run.variables[0]} = {values}" if len(flat) == 1 else f"({values})"
