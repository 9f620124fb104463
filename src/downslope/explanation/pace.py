"""How far a run is from where it goes, at the pace that its record shows."""

from __future__ import annotations

import numpy as np

from downslope.explanation.evidence import Evidence
from downslope.wording import short

MOST_COORDINATES = 4
"""Of a longer point the first few are shown."""
_LARGEST = float(np.finfo(float).max)


def steps_needed(evidence: Evidence) -> int | None:
    """How many more steps bring the slope to the tolerance at the pace seen; None where it gets nowhere."""
    run, motion = evidence.run, evidence.motion
    tolerance = run.specification["gradient_tolerance"] or 1e-6
    slope = float(run.gradient_norms[-1])
    if not slope > tolerance or motion.gradient_growth is None:
        return None
    if motion.power is not None and motion.power > 0:
        needed = run.n_steps * ((slope / tolerance) ** (1 / motion.power) - 1)
    elif motion.gradient_growth < 1 - 1e-12:
        needed = np.log(tolerance / slope) / np.log(motion.gradient_growth)
    else:
        return None
    return int(np.ceil(needed)) if needed < 2**62 else None


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
