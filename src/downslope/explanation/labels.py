"""Which behaviour a run is called by: the first of these questions that is answered with yes."""

from __future__ import annotations

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import DENSE_UP_TO, PointKind
from downslope.explanation.evidence import Evidence, ended_badly, schedule_of
from downslope.explanation.hovering import circles
from downslope.explanation.pace import slowest
from downslope.explanation.travel import rate_is_zero, travel
from downslope.explanation.walls import walls_hit
from downslope.methods import SignDescent
from downslope.run import Run
from downslope.stopping import Status

_NEAR_SADDLE = 1e-2
"""A saddle this share of the way off is near."""
_REAL = 1e-9
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
        return shape_of(evidence)
    if _grows(evidence):
        return Behaviour.BOUNCING if walls_hit(evidence).size else Behaviour.DIVERGING
    if _is_vast(evidence) or _falls(evidence):
        return Behaviour.FALLING
    if run.specification["noise"] and _hovers(evidence):
        return Behaviour.NOISE_FLOOR
    if motion.cycle is not None or circles(evidence) or _bounces_unseen(evidence):
        return Behaviour.BOUNCING
    if _stops_short(evidence):
        return Behaviour.STOPPED_SHORT
    if run.status in (Status.STALLED, Status.LINE_SEARCH_FAILED) or _is_stuck(evidence):
        return Behaviour.LIMIT_OF_PRECISION
    if _is_at_saddle(evidence):
        return Behaviour.SADDLE
    if _is_on_plateau(evidence):
        return Behaviour.PLATEAU
    if _hovers(evidence):
        swings = isinstance(evidence.method, SignDescent) or (
            evidence.stability is not None and evidence.stability.forgets
        )
        return Behaviour.BOUNCING if swings else Behaviour.ERRATIC
    return _of_the_way(evidence)


def _of_the_way(evidence: Evidence) -> Behaviour:
    """Of a run that was cut off on its way: how it turned, where that is what keeps it; crawling elsewhere."""
    last, motion = slowest(evidence), evidence.motion
    if last is not None and abs(last.multiplier.imag) >= _REAL:
        return shape_of(evidence) if motion.shape in (Behaviour.SPIRAL, Behaviour.ZIGZAG) else Behaviour.CRAWLING
    turns = motion.turns_back or motion.shape is None
    if last is not None:
        return Behaviour.ZIGZAG if last.multiplier.real < 0 and turns else Behaviour.CRAWLING
    shrinks = motion.step_growth is not None and motion.step_growth < 1 and motion.rises == 0
    return Behaviour.ZIGZAG if motion.turns_back and shrinks else Behaviour.CRAWLING


def _of_bad_end(evidence: Evidence) -> Behaviour:
    """Over the edge: by growing, by falling without end, or in the middle of a calm descent."""
    motion, run = evidence.motion, evidence.run
    losses = run.losses[np.isfinite(run.losses)]
    step = motion.step_growth or motion.gradient_growth or 0.0
    grew = len(losses) > 1 and (losses[-1] > losses[0] or not np.isfinite(run.losses[-1])) and motion.rises > 0
    if run.status is Status.DIVERGED or _overflowed(run) or (grew and (step > 1 or len(losses) <= 3)):
        return Behaviour.DIVERGING
    if _is_vast(evidence):
        return Behaviour.FALLING
    return Behaviour.DIVERGING if grew else Behaviour.LEFT_DOMAIN


def _overflowed(run: Run) -> bool:
    """Whether the last step led so far out that the loss there is beyond all numbers: no edge, but a step too long."""
    if run.path is None or len(run.path_steps) < 2 or run.losses[-1] != np.inf:
        return False
    before, after = np.max(np.abs(run.structure.flatten_rows(run.path)[-2:]), axis=1)
    return bool(after > 2 * before)


def _of_stationary(evidence: Evidence) -> Behaviour:
    """At rest somewhere: what kind of place is it, and how did the run come there?"""
    end, target = evidence.end, evidence.target
    if end is None or len(end.x) > DENSE_UP_TO:
        return shape_of(evidence) if target is None else _of_kind(evidence, target.kind)
    if target is None:  # the slope is within the tolerance, and is zero nowhere near
        return Behaviour.PLATEAU
    return _of_kind(evidence, target.kind)


def _of_kind(evidence: Evidence, kind: PointKind) -> Behaviour:
    special = {
        PointKind.SADDLE: Behaviour.SADDLE,
        PointKind.MAXIMUM: Behaviour.MAXIMUM,
        PointKind.AT_BOUND: Behaviour.AT_BOUND,
    }
    if kind in special:
        return special[kind]
    if _is_level(evidence):
        return Behaviour.PLATEAU
    return shape_of(evidence) if evidence.run.n_steps else Behaviour.AT_REST


def _is_level(evidence: Evidence) -> bool:
    """Whether the function is flat all around: no slope and no curvature, from the first step on."""
    end = evidence.end
    return (
        end is not None and end.kind is PointKind.FLAT and not np.any(end.spectrum.values) and evidence.run.n_steps == 0
    )


def shape_of(evidence: Evidence) -> Behaviour:
    """The way's shape; a swing that no multiplier confirms is a bend in the valley."""
    shape, found = evidence.motion.shape, evidence.stability
    if evidence.run.n_steps == 0:
        return Behaviour.AT_REST
    if shape is None:  # no two points in a row were kept, but the multipliers are known
        if found is None or not evidence.is_constant or not np.any(found.curvatures > 0):
            return Behaviour.STRAIGHT
        leading = found.leading
        turns = Behaviour.ZIGZAG if abs(leading.imag) < _REAL and leading.real < 0 else Behaviour.STRAIGHT
        return Behaviour.SPIRAL if abs(leading.imag) >= _REAL else turns
    if shape is Behaviour.SPIRAL and isinstance(evidence.method, SignDescent):
        return Behaviour.STRAIGHT  # a coordinate that has arrived flips to and fro
    if shape is Behaviour.SPIRAL and found is not None and not np.any(found.multipliers.imag):
        shape = Behaviour.STRAIGHT
    if shape is Behaviour.STRAIGHT and evidence.motion.turns_back:
        return Behaviour.ZIGZAG  # a long way, and then to and fro
    return shape


def _grows(evidence: Evidence) -> bool:
    """Whether the loss is above where it began and goes on rising: each third of the last half above the one before."""
    motion, losses = evidence.motion, evidence.run.losses
    step = motion.step_growth if motion.step_growth is not None else motion.gradient_growth
    if not (losses[-1] > losses[0] and motion.rises > 0.4 and (step or 0) > 1 + 1e-6):
        return False
    thirds = [float(np.median(part)) for part in np.array_split(losses[len(losses) // 2 :], 3) if len(part)]
    return thirds == sorted(thirds) and thirds[-1] > losses[0] and (len(losses) < 12 or thirds[-1] > 1.01 * thirds[0])


def _falls(evidence: Evidence) -> bool:
    """Whether the loss falls at a pace that does not slacken, with no minimum found ahead."""
    motion, losses = evidence.motion, evidence.run.losses
    if evidence.target is not None or evidence.end is None or len(evidence.end.x) > DENSE_UP_TO or len(losses) < 3:
        return False
    slope = motion.gradient_growth if motion.gradient_growth is not None else 0.0
    middle = losses[len(losses) // 2]
    steady = losses[0] - middle > 0 and middle - losses[-1] > 0.5 * (losses[0] - middle)
    return bool(slope >= 1 - 1e-6 and steady and (motion.rises == 0 or evidence.run.specification["noise"]))


def _is_vast(evidence: Evidence) -> bool:
    """Whether the loss is on its way to minus infinity."""
    losses = evidence.run.losses[np.isfinite(evidence.run.losses)]
    return len(losses) > 0 and bool(losses[-1] < -_VAST * (abs(losses[0]) + 1))


def _bounces_unseen(evidence: Evidence) -> bool:
    """Whether, without its points, the loss and slope stand still as they do on the edge of stability."""
    found, losses = evidence.stability, evidence.run.losses
    if evidence.motion.shape is not None or found is None or not evidence.is_constant or found.factor is None:
        return False
    tail = losses[len(losses) // 2 :]
    stands = len(tail) > 1 and np.ptp(tail) <= _REAL * np.abs(tail).max() and evidence.run.gradient_norms[-1] > 0
    return bool(stands and abs(found.factor - 1) < 1e-6)


def _is_stuck(evidence: Evidence) -> bool:
    """Whether the loss has not changed at all for the last half of many steps, though there is a slope."""
    losses = evidence.run.losses
    return len(losses) > 24 and bool(np.ptp(losses[len(losses) // 2 :]) == 0)


def _stops_short(evidence: Evidence) -> bool:
    """Whether all the rates to come add up to too little, or to nothing."""
    if evidence.run.status is Status.STALLED and rate_is_zero(evidence):
        return True
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
    is_level = curvature <= end.spectrum.flat_below and evidence.motion.rises == 0
    return bool(is_level and 0 <= gone < _FLAT_FALL * ahead)


def _hovers(evidence: Evidence) -> bool:
    """Whether the loss goes up and down without getting anywhere, over the last half."""
    losses = evidence.run.losses[np.isfinite(evidence.run.losses)]
    half = losses[len(losses) // 2 :]
    if len(half) < 12 or evidence.motion.rises < 0.15:
        return False
    first, second = np.median(half[: len(half) // 2]), np.median(half[len(half) // 2 :])
    floor = evidence.target.loss if evidence.target is not None else losses.min()
    return bool(second - floor > 0.5 * (first - floor))
