"""Why a training run went as it did: where the noise of batches, the curvature and the rate left it.

Batch descent is explained as any descent is. With smaller batches the loss of a step is a sample, so the words are
about averages: whether the loss still falls, how far the gradient is above zero and how much of that is noise, and the
sharpness beside the largest that the method is stable at: where both agree, the run is at the edge of stability (Cohen
et al. 2021).
"""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np

from downslope.analysis.behaviour import Behaviour, motion
from downslope.analysis.multipliers import stability
from downslope.analysis.update_map import NotLinearError
from downslope.explanation import Explanation
from downslope.explanation import explain as explained
from downslope.explanation.evidence import Evidence
from downslope.explanation.suggestion import Trials
from downslope.learning_rates import Constant, Schedule
from downslope.methods import GradientDescent
from downslope.stopping import Status
from downslope.storage.not_stored import NotStored
from downslope.training.replaying import again
from downslope.training.sharpness import leading
from downslope.training.training_run import TrainingRun
from downslope.wording import capital, counted, short

EDGE = (0.85, 1.2)
"""A sharpness within these shares of the largest stable one is at the edge."""
_STILL_FALLS = 0.02
"""An epoch that lowered the mean loss by this share of all that it fell has not settled."""
_STEADILY = 0.01
"""Nor has a run whose last two epochs each lowered it by this share of what is left."""
_IN_A_ROW = 5
"""Nor one that lowered it in each of so many epochs: noise does so by chance in one case of 6! = 720."""
_NOISY = 3.0
"""Batches whose gradient is so many times that of all rows move the weights by their noise."""
_RISES = 0.5
"""A loss above its first by this share has risen."""
_MOST_SECONDS = 3.0
_HELPS = 0.05
"""Of the fall, or of the loss where that is smaller: a further fall that is worth telling of."""
_WORSE = 0.05
"""A validation loss above its lowest by this share has risen, if it is also"""
_WIGGLES = 3.0
"""times as much as it changes from one epoch to the next."""
_BAD_VALUE = "`data` column"
"""How a note begins that tells of a value which cannot be trained on."""
_FACTORS = (3.0, 1 / 3, 0.1)


def explain(run: TrainingRun, *, suggest: bool = True) -> Explanation:
    """What `TrainingRun.explain` documents."""
    is_batch = run.specification["training"]["batch_size"] == run.specification["training"]["n_rows"]
    edge = _edge(run)
    if is_batch and not isinstance(run.objective.fun, NotStored) and run.status is not Status.DIVERGED:
        found = explained(run, suggest=suggest and run.specification["training"]["l1"] == 0)
        return dataclasses.replace(found, sentences=(*found.sentences, *edge, *_validation(run)))
    behaviour, headline = _headline(run)
    sentences = [f"{capital(behaviour.value)}: {headline}", *edge, *_noise(run, behaviour), *_validation(run)]
    sentences += [f"{capital(note)}." for note in run.notes if "learning rate" in note or "condition number" in note]
    if suggest and run.data is not None:
        sentences += _tried(run)
    evidence = Evidence(
        run, None, None, *_rules(run), motion(run), None, None, None, "its steps see a part of the rows"
    )
    return Explanation(run, behaviour, tuple(sentences), Trials(None, None, 0), None, evidence)


def _rules(run: TrainingRun) -> tuple[Any, Any]:
    return (None, None) if run.rules is None else (run.rules.method, run.rules.learning_rate)


def _headline(run: TrainingRun) -> tuple[Behaviour, str]:
    first, steps = float(run.losses[0]), counted(run.n_steps, "step")
    if run.status in (Status.DIVERGED, Status.NOT_FINITE):
        causes = ("had a loss of", "met a loss of", _BAD_VALUE)
        why = next((note for note in run.notes if any(cause in note for cause in causes)), "")
        words = f"{run.status.reason}, after {steps}{': ' + why if why else ''}."
        is_divergence = run.status is Status.DIVERGED or _BAD_VALUE not in why
        return (Behaviour.DIVERGING if is_divergence else Behaviour.LEFT_DOMAIN), words
    means = _means(run)
    told = f"the loss went from {short(first)} to {short(run.loss)} in {steps}"
    if run.converged:
        return Behaviour.STRAIGHT, f"{told}, where {run.status.reason}."
    if run.status is Status.STOPPED_EARLY:
        return Behaviour.NOISE_FLOOR, f"{told}, and stopped early: the validation loss no longer fell."
    if run.loss > first + abs(first) * _RISES or (len(means) > 1 and means[-1] > means[0] + abs(means[0]) * _RISES):
        return Behaviour.DIVERGING, f"{told}: it rises."
    if len(means) < 2:
        return Behaviour.CRAWLING, f"{told}, in one epoch: whether it would fall further, a second one shows."
    fall, last = means[0] - means[-1], means[-2] - means[-1]
    if last > _STILL_FALLS * abs(fall) and fall > 0:
        share = f"{100 * last / fall:.0f} %"
        return Behaviour.CRAWLING, f"{told}, and still falls: {share} of the way between epochs came in the last one."
    left = abs(means[-1])
    if len(means) > 2 and min(last, means[-3] - means[-2]) > _STEADILY * left:
        return Behaviour.CRAWLING, f"{told}, and still falls: by {100 * last / left:.1f} % in the last epoch."
    fell = np.diff(means[-_IN_A_ROW - 1 :]) < 0
    if fell.all() and (len(fell) == _IN_A_ROW or _is_noisy(run) is False):
        return Behaviour.CRAWLING, f"{told}, and still falls, slowly: by {100 * last / left:.2g} % in the last epoch."
    return Behaviour.NOISE_FLOOR, f"{told}, and no longer falls from epoch to epoch."


def _means(run: TrainingRun) -> np.ndarray:
    means = np.array([epoch.training_loss for epoch in run.epochs], float)
    return np.asarray(means[np.isfinite(means)])


def _edge(run: TrainingRun) -> list[str]:
    """The sharpness at the end, beside what the rate allows."""
    if (
        isinstance(run.objective.fun, NotStored)
        or run.status in (Status.DIVERGED, Status.NOT_FINITE)
        or not run.n_steps
    ):
        measured = [epoch.sharpness for epoch in run.epochs if math.isfinite(epoch.sharpness)]
        sharpness = measured[-1] if measured else math.nan
    else:
        x = run.structure.flatten(run.x)
        bound = run.objective.bind(run.x)[0]
        sharpness = leading(lambda v: bound.hessian_vector_product(x, v), x.size)
    # What a search chose last says nothing of what it would choose where the next step is too long.
    method, rule = _rules(run)
    rate = float(run.learning_rates[-2]) if run.n_steps and isinstance(rule, Schedule) else math.nan
    if not (math.isfinite(sharpness) and math.isfinite(rate) and rate > 0) or method is None or method.scaling:
        return [f"The sharpness is {short(sharpness)}."] if math.isfinite(sharpness) else []
    try:
        allowed = stability(method, np.array([1.0]), rate).most_curvature
    except NotLinearError:
        allowed = None
    if allowed is None:
        return [f"The sharpness is {short(sharpness)}."]
    name = f"2 / rate = {short(allowed)}" if isinstance(method, GradientDescent) else f"{short(allowed)}, where"
    limit = (
        name if isinstance(method, GradientDescent) else f"{name} {type(method).__name__.lower()} stops being stable"
    )
    low, high = EDGE
    if low <= sharpness / allowed <= high:
        return [f"The sharpness is {short(sharpness)}, beside {limit}: the edge of stability."]
    side = "below" if sharpness < allowed else "above"
    return [f"The sharpness is {short(sharpness)}, {side} {limit}."]


def _gradients(run: TrainingRun) -> tuple[float, float] | None:
    """The size of the last batches' gradients, and that of all rows' at the end; None where there are too few."""
    tail, whole = run.gradient_norms[:-1][-200:], float(run.gradient_norms[-1])
    if len(tail) < 10 or not np.isfinite(tail).all() or not math.isfinite(whole):
        return None
    return float(np.median(tail)), whole


def _is_noisy(run: TrainingRun) -> bool | None:
    """Whether noise is most of what moves the weights; None where nothing tells."""
    found = _gradients(run)
    return None if found is None else found[0] > _NOISY * found[1]


def _noise(run: TrainingRun, behaviour: Behaviour) -> list[str]:
    """How the last batches' gradients compare with that of all rows."""
    found = _gradients(run)
    if found is None or behaviour in (Behaviour.DIVERGING, Behaviour.LEFT_DOMAIN):
        return []
    typical, whole = (short(size) for size in found)
    if _is_noisy(run):
        rows = counted(run.specification["training"]["batch_size"], "row")
        told = f"A batch of {rows} has a gradient of {typical}, all rows have {whole}"
        if behaviour is Behaviour.CRAWLING:
            return [f"{told}: a step is mostly noise, and still the loss falls on average."]
        cure = "a smaller rate, larger batches or averaging lower"
        return [f"{told}: what moves the weights now is mostly noise, which {cure}."]
    told = f"A batch has a gradient of {typical}, all rows have {whole}"
    if behaviour is not Behaviour.NOISE_FLOOR or run.status is Status.STOPPED_EARLY:
        return [f"{told}: the training loss can still be lowered."]
    return [f"{told}, and still the loss does not fall: the steps are too long, which a smaller rate mends."]


def _validation(run: TrainingRun) -> list[str]:
    losses = np.array([epoch.validation_loss for epoch in run.epochs], float)
    if not np.isfinite(losses).any():
        return []
    best = int(np.nanargmin(losses))
    words = f"The validation loss was lowest after epoch {run.epochs[best].epoch}: {short(losses[best])}"
    wiggle = float(np.nanmedian(np.abs(np.diff(losses)))) if len(losses) > 1 else 0.0
    rise = losses[-1] - losses[best]
    if not rise > max(_WORSE * abs(losses[best]), _WIGGLES * wiggle):
        return [f"{words}."]
    if run.epochs[-1].training_loss > run.epochs[best].training_loss:
        return [f"{words}; at the end it was {short(losses[-1])}, and the training loss had risen, too."]
    return [f"{words}; at the end it was {short(losses[-1])}: later epochs fitted what does not generalise."]


def _tried(run: TrainingRun) -> list[str]:
    """Other constant rates, tried on the same rows for as many epochs."""
    job: Any = run.data
    if not isinstance(job.rate, Constant) or run.seconds > _MOST_SECONDS:
        return []
    before = float(job.rate.rate)
    tried = []
    for factor in _FACTORS:
        constant = Constant(before * factor)
        other = again(job, rate=constant, steps=dataclasses.replace(job.steps, rate=constant), validation=None)
        got_away = other.status in (Status.DIVERGED, Status.NOT_FINITE) or not math.isfinite(other.loss)
        tried.append((math.inf if got_away else other.loss, before * factor))
    loss, rate = min(tried)
    start = job.objective.bound().value(job.x0)
    rates = f"Of the learning rates {', '.join(short(before * factor) for factor in _FACTORS)}, tried, none went"
    if not loss < start - _HELPS * abs(start):
        return [f"{rates} clearly below the loss at the start, {short(start)}."]
    is_lost = run.status in (Status.DIVERGED, Status.NOT_FINITE) or not math.isfinite(run.loss)
    if is_lost or loss < run.loss - _HELPS * min(abs(start - run.loss), abs(run.loss)):
        return [f"Try learning rate {short(rate)}: tried, it got to a loss of {short(loss)} in as many epochs."]
    return [f"{rates} clearly lower."]
