"""The first sentence of a run that goes on moving and comes no closer: bouncing, noise floor, erratic."""

from __future__ import annotations

import numpy as np

from downslope import wording
from downslope.explanation.evidence import Evidence
from downslope.explanation.pace import MOST_COORDINATES, point_in_words
from downslope.explanation.walls import walls_hit
from downslope.methods import GradientDescent, SignDescent
from downslope.wording import capital, short

_CURVED = 0.1
_ALIKE = 1e-3
"""A length so close to another, as a share of it, is that length."""


def bouncing(evidence: Evidence) -> str:
    """Between two points, or by the length of its steps."""
    run, cycle, walls = evidence.run, evidence.motion.cycle, walls_hit(evidence)
    if cycle is None and walls.size:
        before, after = run.structure.flatten_rows(run.path[-2:])
        cycle = before, after
    if circles(evidence):
        low, high = _range_of_loss(evidence)
        return f"it circles, neither closer nor farther; over the last half the loss was between {low} and {high}."
    if cycle is None:
        return _floor(evidence)
    text = f"it jumps between {point_in_words(evidence, cycle[0])} and {point_in_words(evidence, cycle[1])}"
    text += f", losses {short(run.losses[-2])} and {short(run.losses[-1])}, and comes no closer."
    if walls.size:
        names = [run.variables[k] for k in walls[:MOST_COORDINATES]] + ["..."] * (len(walls) > MOST_COORDINATES)
        return f"{text} Both are at bounds of {', '.join(names)}, which cut its steps short."
    if isinstance(evidence.method, SignDescent) and evidence.constant_rate is not None:
        return text + _sign_end(evidence)
    if _is_kink(evidence, *cycle):
        return f"{text} Between the two the slope jumps: a kink, at which no constant rate comes to rest."
    if evidence.stability is not None and evidence.stability.forgets:
        name = wording.method(run)
        text += f" {capital(name)} divides by the recent slopes, so its steps do not shrink with them"
        half, jump = (evidence.constant_rate or 0.0) / 2, (evidence.motion.jump or 0.0) / 2
        is_half = abs(jump - half) <= _ALIKE * half
        return f"{text}: it ends up half its rate, {short(half)}, to either side." if is_half else f"{text}."
    return text


def circles(evidence: Evidence) -> bool:
    """Whether its multipliers are on the unit circle at this rate and at every other that is not too large."""
    found = evidence.stability
    return found is not None and evidence.is_constant and 0 < found.rate < (found.circles_up_to or 0.0) * (1 - _ALIKE)


def _is_kink(evidence: Evidence, one: np.ndarray, other: np.ndarray) -> bool:
    """Whether the slope changes its sign between two points by far more than their curvature explains."""
    bound = evidence.bound
    if bound is None or evidence.target is not None:
        return False
    way = other - one
    with np.errstate(all="ignore"):
        before, after = (float(bound.gradient(point.astype(bound.structure.dtype)) @ way) for point in (one, other))
        curved = [abs(float(way @ evidence.product(point, way))) for point in (one, other)]
    return before < 0 < after and max(curved) < _CURVED * (after - before)


def _sign_end(evidence: Evidence) -> str:
    rate, target, cycle = evidence.constant_rate, evidence.target, evidence.motion.cycle
    assert rate is not None
    assert cycle is not None
    told = f" Each step of sign descent is {short(rate)} long in every coordinate"
    if target is None:
        return f"{told}, however small the slope."
    nearer, farther = sorted(float(np.abs(end - target.x).max()) for end in cycle)
    if len(target.x) > 1:
        return f"{told}; the nearer end is {short(nearer)} from the minimum, at most half a step."
    return f"{told}: the ends are r = {short(nearer)} and step - r = {short(farther)} from the minimum."


def _floor(evidence: Evidence) -> str:
    low, high = _range_of_loss(evidence)
    rate, jump = evidence.constant_rate, evidence.motion.jump
    told = f", by {short(jump)} at a time" if jump is not None else ""
    half = f" (half its rate is {short(rate / 2)})" if rate is not None and told else ""
    return f"it goes on jumping{told}{half}; over the last half the loss was between {low} and {high}."


def noise_floor(evidence: Evidence) -> str:
    """As low as noise lets it go."""
    run, target = evidence.run, evidence.target
    half = run.losses[len(run.losses) // 2 :]
    noise, rate = run.specification["noise"], evidence.constant_rate
    if target is None:
        return f"the loss hovers around {short(np.median(half))}, kept there by noise of {short(noise)} on each slope."
    text = f"the loss hovers {short(float(np.mean(half)) - target.loss)} above the minimum's on average"
    positive = target.free[target.free > 0]
    if isinstance(evidence.method, GradientDescent) and rate is not None and positive.size == len(target.x):
        expected = float(np.sum(rate * noise**2 / (2 * (2 - rate * positive))))
        if np.all(rate * positive < 2):
            cause = f"noise of {short(noise)} at rate {short(rate)}"
            return f"{text}; {cause} lets expect {short(expected)} at these curvatures."
    return f"{text}, kept there by noise of {short(noise)} on each slope."


def erratic(evidence: Evidence) -> str:
    """Neither here nor there."""
    low, high = _range_of_loss(evidence)
    return f"it neither settles nor runs away; over the last half the loss was between {low} and {high}."


def _range_of_loss(evidence: Evidence) -> tuple[str, str]:
    losses = evidence.run.losses[np.isfinite(evidence.run.losses)]
    half = losses[len(losses) // 2 :]
    return short(half.min()), short(half.max())
