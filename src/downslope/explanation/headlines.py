"""The first sentence of an explanation: what the run did, with its numbers. One function a behaviour."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.explanation.evidence import Evidence
from downslope.explanation.hovering import bouncing, erratic, noise_floor
from downslope.explanation.leap import leap
from downslope.explanation.pace import (
    MOST_COORDINATES,
    point_in_words,
    steps_to_overflow,
)
from downslope.explanation.travel import travel
from downslope.explanation.walls import is_walled
from downslope.explanation.ways import crawling, spiral, straight, zigzag
from downslope.learning_rates import GeometricDecay, Polyak
from downslope.methods import GradientDescent, SignDescent
from downslope.stopping import Status
from downslope.wording import counted, short

_ARRIVING = (Behaviour.STRAIGHT, Behaviour.ZIGZAG, Behaviour.SPIRAL, Behaviour.CRAWLING, Behaviour.PLATEAU)
"""On the way to some minimum, which may not be the one that a reader thinks of."""
_RUNAWAY = 100.0
"""Growth beyond this is no multiplier of a quadratic, but a function that gets ever steeper."""


def headline(evidence: Evidence, behaviour: Behaviour) -> str:
    """One or two sentences that follow the behaviour's name and a colon."""
    return _HEADLINES[behaviour](evidence) + (leap(evidence) if behaviour in _ARRIVING else "")


def _at_rest(evidence: Evidence) -> str:
    kind = evidence.target.kind if evidence.target is not None else PointKind.UNDECIDED
    place = "is a minimum already" if kind is PointKind.MINIMUM else "has no slope"
    if evidence.run.status is Status.TARGET_REACHED:
        place = "is at the target already"
    return f"the start {place}, and no step was made."


def _plateau(evidence: Evidence) -> str:
    run, end, target = evidence.run, evidence.end, evidence.target
    slope = short(float(run.gradient_norms[-1]))
    if evidence.stationary and target is None:
        return f"the slope, {slope}, is within the tolerance, but zero nowhere near: this is no minimum."
    if end is not None and end.kind is PointKind.FLAT:
        return "there is no slope and no curvature here: the function is flat as far as can be seen."
    gone = float(run.losses[0] - run.losses[-1])
    ahead = "" if target is None else f" of the {short(float(run.losses[0] - target.loss))} down to the next minimum"
    return f"the slope is only {slope}: in {counted(run.n_steps, 'step')} the loss fell by {short(gone)}{ahead}."


def _saddle(evidence: Evidence) -> str:
    place = evidence.saddle if not evidence.stationary else (evidence.target or evidence.end)
    assert place is not None
    lowest, along = place.spectrum.values[0], place.spectrum.vectors[:, 0]
    is_there = "the slope is zero at" if evidence.stationary else "the slope all but vanishes near"
    kind = "a maximum" if place.kind is PointKind.MAXIMUM else "a saddle"
    upright = along * np.sign(along[np.abs(along).argmax()]) + 0.0
    where = " on both sides" if len(along) == 1 else f" along {point_in_words(evidence, upright)}"
    return (
        f"{is_there} {point_in_words(evidence, place.x)}, which is {kind} and no minimum: the loss falls{where}, "
        f"where the curvature is {short(lowest)}."
    )


def _diverging(evidence: Evidence) -> str:
    run, motion = evidence.run, evidence.motion
    multiplier, text = motion.multiplier, ""
    finite = run.losses[np.isfinite(run.losses)]
    if multiplier is not None and 1 < abs(multiplier) < _RUNAWAY and len(finite) > 2:
        text = f"each step multiplied the distance by {short(multiplier)}"
        text += f", and the loss rose from {short(finite[0])} to {short(finite[-1])}."
    elif run.n_steps == len(finite) and run.losses[-1] == np.inf and len(finite) < 3:
        text = f"step {run.n_steps:,} led so far out that the loss is beyond all numbers there."
    else:
        text = f"the loss rose from {short(finite[0])} to {short(finite[-1])} in {counted(len(finite) - 1, 'step')}"
        text += ", faster with each." if len(finite) > 3 else "."
    if run.status is not Status.NOT_FINITE and is_walled(evidence):
        return f"{text} Its bounds will stop it."
    ahead = steps_to_overflow(evidence) if run.status is not Status.NOT_FINITE else None
    return text + (f" It would overflow after about {counted(ahead, 'more step')}." if ahead else "")


def _falling(evidence: Evidence) -> str:
    run = evidence.run
    last = run.losses[np.isfinite(run.losses)][-1]
    return (
        f"the loss went down to {short(last)} in {counted(run.n_steps, 'step')} and the slope did not shrink: no "
        "minimum was found below, and perhaps there is none."
    )


def _slope(evidence: Evidence) -> str:
    return short(float(evidence.run.gradient_norms[-1]))


def _stopped_short(evidence: Evidence) -> str:
    found, rate, run = travel(evidence), evidence.rate, evidence.run
    if run.status is Status.STALLED and isinstance(rate, Polyak):
        zero = "0 to rounding" if run.loss > rate.lowest else "0"
        told = f"the loss, {short(run.loss)}, is not above the lowest one that Polyak's rate was given"
        return f"the learning rate is {zero}, since {told}, {short(rate.lowest)}; the slope is {_slope(evidence)}."
    if found is None:
        return f"the learning rate is 0 from step {run.n_steps:,} on; the slope is {_slope(evidence)}."
    total = f"all its rates, those to come included, add up to S = {short(found.total)}"
    if isinstance(rate, GeometricDecay) and np.ndim(rate.rate) == 0:
        total += f" = {short(float(rate.rate))} / (1 - {rate.factor:g})"
    if isinstance(evidence.method, SignDescent):
        target = evidence.target
        assert target is not None
        away = float(np.abs(evidence.start - target.x).max())
        return f"{total}, and sign descent moves no coordinate farther than that; the minimum was {short(away)} away."
    text = f"{total}, of which {short(found.ahead)} is left"
    positive = evidence.target.free[evidence.target.free > 0] if evidence.target is not None else np.array([])
    if isinstance(evidence.method, GradientDescent) and positive.size:
        c = float(positive[0])
        left = short(np.exp(-c * found.total))
        near = f"Near the minimum, a curvature of {short(c)} shrinks distances"
        return f"{text}. {near} to about exp(-{short(c)} S) = {left}."
    return f"{text}: too little for the way that remains."


def _at_bound(evidence: Evidence) -> str:
    run, end = evidence.run, evidence.end
    assert end is not None
    assert evidence.bounds is not None
    lower, upper = evidence.bounds
    held = [(k, "lower", lower[k]) for k in np.flatnonzero((end.x <= lower) & (end.gradient > 0))]
    held += [(k, "upper", upper[k]) for k in np.flatnonzero((end.x >= upper) & (end.gradient < 0))]
    if not held:
        return f"it came to rest within the bounds after {counted(run.n_steps, 'step')}."
    told = [f"{run.variables[k]} at its {side} bound, {short(bound)}" for k, side, bound in held[:MOST_COORDINATES]]
    more = f", and {len(held) - len(told)} more" if len(held) > len(told) else ""
    return (
        f"{', '.join(told)}{more}; the loss falls beyond (slope {short(end.gradient[held[0][0]])}), and nowhere within."
    )


def _left_domain(evidence: Evidence) -> str:
    run = evidence.run
    end = point_in_words(evidence, run.structure.flatten(run.x))
    if run.n_steps == 0:
        return f"the slope is not finite at the start, {end}."
    return (
        f"step {run.n_steps:,} led from {end} to where the loss or its slope is not finite, without any growth before."
    )


def _limit_of_precision(evidence: Evidence) -> str:
    run = evidence.run
    slope = short(float(run.gradient_norms[-1]))
    if run.status is Status.STALLED:
        return f"the last step was too small to change the point by one bit; the slope is {slope}."
    if evidence.stationary or (evidence.target is not None and evidence.target.kind is PointKind.MINIMUM):
        return f"no step lowers the loss any more, since the fall is smaller than its rounding; the slope is {slope}."
    return (
        f"no step lowers the loss, though the slope is {slope}: a kink or a jump, where the slope on one side says "
        "nothing of the other, or a gradient that is wrong."
    )


_HEADLINES: dict[Behaviour, Callable[[Evidence], str]] = {
    Behaviour.AT_REST: _at_rest,
    Behaviour.STRAIGHT: straight,
    Behaviour.ZIGZAG: zigzag,
    Behaviour.SPIRAL: spiral,
    Behaviour.BOUNCING: bouncing,
    Behaviour.CRAWLING: crawling,
    Behaviour.PLATEAU: _plateau,
    Behaviour.SADDLE: _saddle,
    Behaviour.MAXIMUM: _saddle,
    Behaviour.DIVERGING: _diverging,
    Behaviour.FALLING: _falling,
    Behaviour.STOPPED_SHORT: _stopped_short,
    Behaviour.AT_BOUND: _at_bound,
    Behaviour.NOISE_FLOOR: noise_floor,
    Behaviour.ERRATIC: erratic,
    Behaviour.LEFT_DOMAIN: _left_domain,
    Behaviour.LIMIT_OF_PRECISION: _limit_of_precision,
}
