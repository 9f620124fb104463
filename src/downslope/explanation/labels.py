"""Which behaviour a run is called by: the first of these questions that is answered with yes."""

from __future__ import annotations

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.explanation.evidence import Evidence, ended_badly, schedule_of
from downslope.explanation.travel import travel
from downslope.methods import SignDescent
from downslope.stopping import Status

_NEAR_SADDLE = 1e-2
"""A saddle this share of the way off is near."""
_VAST = 1e30
"""A loss that fell below minus so many times its size at the start is on its way to minus infinity."""
_FLAT_FALL = 1e-2
"""A run that has gone this share of the loss down, and no more, has not left its plateau."""


def behaviour_of(evidence: Evidence) -> Behaviour:
    """The one label."""
    run, motion = evidence.run, evidence.motion
    if ended_badly(run):
        return _of_bad_end(evidence)
    if evidence.stationary and run.status not in (Status.TARGET_REACHED, Status.LINE_SEARCH_FAILED):
        return _of_stationary(evidence)
    if run.status is Status.TARGET_REACHED:
        return _shape(evidence)
    if run.specification["noise"] and _hovers(evidence):
        return Behaviour.NOISE_FLOOR
    if _grows(evidence):
        return Behaviour.DIVERGING
    if motion.cycle is not None:
        return Behaviour.BOUNCING
    if _stops_short(evidence):
        return Behaviour.STOPPED_SHORT
    if run.status in (Status.STALLED, Status.LINE_SEARCH_FAILED):
        return Behaviour.LIMIT_OF_PRECISION
    if _falls(evidence):
        return Behaviour.FALLING
    if _is_at_saddle(evidence):
        return Behaviour.SADDLE
    if _is_on_plateau(evidence):
        return Behaviour.PLATEAU
    if _hovers(evidence):
        swings = isinstance(evidence.method, SignDescent) or (
            evidence.stability is not None and evidence.stability.forgets
        )
        return Behaviour.BOUNCING if swings else Behaviour.ERRATIC
    return Behaviour.CRAWLING


def _of_bad_end(evidence: Evidence) -> Behaviour:
    """Over the edge: by growing, by falling without end, or in the middle of a calm descent."""
    motion, run = evidence.motion, evidence.run
    losses = run.losses[np.isfinite(run.losses)]
    step = motion.step_growth or motion.gradient_growth or 0.0
    grew = len(losses) > 1 and (losses[-1] > losses[0] or not np.isfinite(run.losses[-1])) and motion.rises > 0
    if run.status is Status.DIVERGED or (grew and (step > 1 or len(losses) <= 3)):
        return Behaviour.DIVERGING
    if motion.rises == 0 and losses[-1] < -_VAST * (abs(losses[0]) + 1):
        return Behaviour.FALLING
    return Behaviour.DIVERGING if grew else Behaviour.LEFT_DOMAIN


def _of_stationary(evidence: Evidence) -> Behaviour:
    """At rest somewhere: what kind of place is it, and how did the run come there?"""
    end, target = evidence.end, evidence.target
    assert end is not None
    if target is None:  # the slope is within the tolerance, and is zero nowhere near
        return Behaviour.PLATEAU
    kind = target.kind if target.kind is not PointKind.NOT_STATIONARY else end.kind
    special = {
        PointKind.SADDLE: Behaviour.SADDLE,
        PointKind.MAXIMUM: Behaviour.MAXIMUM,
        PointKind.AT_BOUND: Behaviour.AT_BOUND,
    }
    if kind in special:
        return special[kind]
    if _is_level(evidence):
        return Behaviour.PLATEAU
    return _shape(evidence) if evidence.run.n_steps else Behaviour.AT_REST


def _is_level(evidence: Evidence) -> bool:
    """Whether the function is flat all around: no slope and no curvature, from the first step on."""
    end = evidence.end
    assert end is not None
    return end.kind is PointKind.FLAT and not np.any(end.spectrum.values) and evidence.run.n_steps == 0


def _shape(evidence: Evidence) -> Behaviour:
    """The way's shape; a swing that no multiplier confirms is a bend in the valley."""
    shape = evidence.motion.shape
    if evidence.run.n_steps == 0 or shape is None:
        return Behaviour.AT_REST if evidence.run.n_steps == 0 else Behaviour.STRAIGHT
    if shape is Behaviour.SPIRAL and evidence.stability is not None:
        turning = np.abs(evidence.stability.multipliers.imag) > 0
        return Behaviour.SPIRAL if turning.any() else Behaviour.STRAIGHT
    return shape


def _grows(evidence: Evidence) -> bool:
    """Whether the loss is above where it began and goes on rising."""
    motion, losses = evidence.motion, evidence.run.losses
    step = motion.step_growth if motion.step_growth is not None else motion.gradient_growth
    return bool(losses[-1] > losses[0] and motion.rises > 0.4 and (step or 0) > 1 + 1e-6)


def _falls(evidence: Evidence) -> bool:
    """Whether the loss falls at a pace that does not slacken, with no minimum found ahead."""
    motion = evidence.motion
    slope = motion.gradient_growth if motion.gradient_growth is not None else 0.0
    return evidence.target is None and evidence.bound is not None and motion.rises == 0 and slope >= 1 - 1e-6


def _stops_short(evidence: Evidence) -> bool:
    """Whether all the rates to come add up to too little."""
    if schedule_of(evidence) is None or evidence.run.n_steps == 0:
        return False
    ahead = travel(evidence)
    return ahead is not None and ahead.falls_short


def _is_at_saddle(evidence: Evidence) -> bool:
    """Whether a run that was still going had come close to a saddle, where it is slow."""
    saddle = evidence.saddle
    if saddle is None or evidence.end is None:
        return False
    way = float(np.linalg.norm(evidence.end.x - evidence.start))
    return float(np.linalg.norm(evidence.end.x - saddle.x)) <= _NEAR_SADDLE * max(way, 1e-300)


def _is_on_plateau(evidence: Evidence) -> bool:
    """Whether there is next to no slope and no bottom's curvature, though a minimum lies ahead."""
    end, target, losses = evidence.end, evidence.target, evidence.run.losses
    if end is None or target is None or not np.any(end.gradient):
        return False
    direction = end.gradient / np.linalg.norm(end.gradient)
    curvature = float(direction @ evidence.product(end.x, direction))
    gone, ahead = losses[0] - losses[-1], losses[-1] - target.loss
    return curvature <= end.spectrum.flat_below and gone < _FLAT_FALL * ahead


def _hovers(evidence: Evidence) -> bool:
    """Whether the loss goes up and down without getting anywhere, over the last half."""
    losses = evidence.run.losses[np.isfinite(evidence.run.losses)]
    half = losses[len(losses) // 2 :]
    if len(half) < 12 or evidence.motion.rises < 0.15:
        return False
    first, second = np.median(half[: len(half) // 2]), np.median(half[len(half) // 2 :])
    floor = evidence.target.loss if evidence.target is not None else losses.min()
    return bool(second - floor > 0.5 * (first - floor))
