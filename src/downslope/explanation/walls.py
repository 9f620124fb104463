"""Bounds that stop a run which would go on growing: it cannot overflow, and ends up jumping from one to the other."""

from __future__ import annotations

import numpy as np

from downslope.explanation.evidence import Evidence


def walls_hit(evidence: Evidence) -> np.ndarray:
    """The variables that the last step took from one of their bounds to the other."""
    ends = _last_two(evidence)
    if ends is None or evidence.bounds is None:
        return np.empty(0, dtype=int)
    (before, after), (lower, upper) = ends, evidence.bounds
    across = ((before <= lower) & (after >= upper)) | ((before >= upper) & (after <= lower))
    return np.flatnonzero(across & (lower < upper))


def is_walled(evidence: Evidence) -> bool:
    """Whether the variable that moves most has a bound on either side; all of them, where no two points are known."""
    if evidence.bounds is None:
        return False
    ends, (lower, upper) = _last_two(evidence), evidence.bounds
    walled = np.isfinite(lower) & np.isfinite(upper)
    return bool(walled.all() if ends is None else walled[np.abs(ends[1] - ends[0]).argmax()])


def _last_two(evidence: Evidence) -> np.ndarray | None:
    run = evidence.run
    if run.path is None or len(run.path_steps) < 2 or run.path_steps[-1] - run.path_steps[-2] != 1:
        return None
    return np.asarray(run.structure.flatten_rows(run.path[-2:]), dtype=float)
