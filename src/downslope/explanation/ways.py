"""The first sentence of a run that was on its way to a minimum: straight, in a zigzag, in a spiral, or crawling."""

from __future__ import annotations

import numpy as np

from downslope.explanation.evidence import Evidence, schedule_of
from downslope.explanation.pace import direction_in_words, slowest, steps_needed, steps_of_a_walk
from downslope.wording import counted, share, short

_ALIKE = 1e-3
"""A pace seen so close to a multiplier is that multiplier's."""
_REAL = 1e-9
"""A multiplier with an imaginary part below this is real."""


def straight(evidence: Evidence) -> str:
    """Down, without turning back."""
    growth, n, found = evidence.motion.step_growth, evidence.run.n_steps, evidence.stability
    steps = counted(n, "step")
    if growth is None or n < 3:
        return f"it got there in {steps}."
    if found is not None and evidence.is_constant and len(found.multipliers) == len(found.curvatures):
        leading = found.multipliers[:, 0]
        k = int(np.argmax(np.where(found.curvatures > 0, np.abs(leading), -1.0)))
        if abs(leading[k] - growth) < _ALIKE:  # and so real and above 0
            by = direction_in_words(found.curvatures, leading, k)
            return f"{steps}, the last ones each multiplying the distance to the minimum by {short(growth)}{by}."
    return f"it went down in {steps}{'' if evidence.motion.n_reversals else ' without turning back'}."


def zigzag(evidence: Evidence) -> str:
    """Each step turns back on the one before."""
    times = f"it turned back {counted(evidence.motion.n_reversals, 'time')} in {counted(evidence.run.n_steps, 'step')}"
    multiplier, across = evidence.motion.multiplier, _across(evidence)
    if across:
        return f"{times}. {across}{_left(evidence)}"
    if multiplier is not None and multiplier < 0:
        text = f"{times}, each step overshooting: it multiplied the distance by {share(multiplier)}."
        return f"{text}{_left(evidence)}"
    return f"{times}.{_left(evidence)}"


def _across(evidence: Evidence) -> str:
    """What a step does across the valley, and along its floor where that is another direction; nothing elsewhere."""
    found = evidence.stability
    if found is None or not evidence.is_constant or not 1 < len(found.curvatures) == len(found.multipliers):
        return ""
    leading, positive = found.multipliers[:, 0], np.flatnonzero(found.curvatures > 0)
    steepest = leading[-1]
    if not positive.size or steepest.real >= 0 or abs(steepest.imag) >= _REAL:
        return ""
    floor = leading[positive[0]]
    if abs(floor - steepest) < _ALIKE:
        where = direction_in_words(found.curvatures, leading, len(leading) - 1)
        return f"Each step multiplies the distance{where} by {share(steepest.real)}."
    along = f", and along the floor by {share(floor.real)}" if abs(floor.imag) < _REAL else ""
    return f"Across the valley each step multiplies the distance by {share(steepest.real)}{along}."


def _left(evidence: Evidence) -> str:
    """What is still to go, of a run that was cut off on its way."""
    run = evidence.run
    tolerance, slope = run.specification["gradient_tolerance"] or 1e-6, float(run.gradient_norms[-1])
    if run.converged or not slope > tolerance:
        return ""
    needed = steps_needed(evidence)
    away = f": {tolerance:g} is about {counted(needed, 'more step')} away" if needed else ""
    return f" It was still on its way when it was cut off, with a slope of {short(slope)}{away}."


def spiral(evidence: Evidence) -> str:
    """It swings around the minimum."""
    found = evidence.stability
    text, left = f"it turned around {counted(evidence.motion.n_reversals, 'time')} on the way", _left(evidence)
    axis = evidence.motion.axis
    if found is None or not evidence.is_constant or found.is_scaled or axis is None:
        return f"{text}.{left}"
    rows = found.multipliers  # one a curvature, as the axes are
    row = rows[axis] if evidence.target is not None and len(rows) == len(evidence.target.x) else rows[-1]
    leading = row[0]
    if abs(leading.imag) < _ALIKE**2:
        return f"{text}.{left}"
    swing = f"a swing takes about {2 * np.pi / abs(np.angle(leading)):.3g} steps"
    return f"{text}: {swing} and is multiplied by {short(abs(leading))} at each.{left}"


def crawling(evidence: Evidence) -> str:
    """On its way, and not there."""
    run, motion, last = evidence.run, evidence.motion, slowest(evidence)
    tolerance = run.specification["gradient_tolerance"] or 1e-6
    needed, slope = steps_needed(evidence), short(float(run.gradient_norms[-1]))
    if np.isnan(run.gradient_norms[-1]):
        return "it was cut short before the first slope was known."
    if needed is None and schedule_of(evidence) is not None:
        return f"after {counted(run.n_steps, 'step')} the slope is still {slope}; as the rate changes, no pace holds."
    if needed is None and steps_of_a_walk(evidence) is not None:
        away = steps_of_a_walk(evidence)
        return (
            f"each step goes {short(motion.jump or 0.0)} farther, and the minimum is at least {away:,.0f} steps away."
        )
    if needed is None:
        return f"after {counted(run.n_steps, 'step')} the slope is still {slope}, and its changes show no pace."
    if steps_of_a_walk(evidence) is not None:
        pace = f"each step goes {short(motion.jump or 0.0)} farther"
    elif last is not None:
        swings = abs(last.multiplier.imag) >= _REAL
        factor = share(abs(last.multiplier) if swings else last.multiplier.real)
        pace = f"near the minimum {'it swings, and ' if swings else ''}each step multiplies the distance"
        pace += f"{last.direction} by {factor}"
    elif motion.power is not None:
        pace = f"the slope falls only as 1 / step^{short(motion.power)}"
    else:
        pace = f"each step multiplies the slope by {motion.gradient_growth:.6g}"
    return f"the slope is still {slope}; {pace}: {tolerance:g} is about {counted(needed, 'more step')} away."
