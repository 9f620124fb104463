"""The end of a training run: its last good weights, what broke it, and the Run."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.engines.specification import rule_in_words
from downslope.engines.step import Rules
from downslope.objectives.objective import GradientSource
from downslope.stopping import Status
from downslope.training.batches import Batches
from downslope.training.feeding import all_rows
from downslope.training.fitted import Fitted
from downslope.training.models import Model, UserLoss
from downslope.training.objective import Average
from downslope.training.preparing import Job
from downslope.training.record import TrainingRecord
from downslope.training.sources.source import Rows
from downslope.training.steps import Position
from downslope.training.training_run import TrainingRun

if TYPE_CHECKING:
    from downslope.training.loop import Training

_HUGE = 1e6
"""A number so many times as large as is usual beside it is told of."""


def last_good(job: Job, position: Position, status: Status) -> np.ndarray:
    """The weights to keep where a batch had no finite loss, or one beyond the limit."""
    here, before = np.array(position.x), np.array(position.before)
    if status is Status.NOT_FINITE and not np.isfinite(here).all():
        return before if np.isfinite(before).all() else job.x0
    losses = [_typical_loss(job, x) if np.isfinite(x).all() else math.inf for x in (here, before)]
    return here if losses[0] <= losses[1] else before


def _typical_loss(job: Job, x: np.ndarray) -> float:
    """The median over rows, which the row that made the loss explode does not move; inf where it is not finite."""
    average = job.objective.average
    has_rows = not isinstance(job.model, UserLoss) or job.model.gives_rows
    with np.errstate(all="ignore"):
        loss = float(np.median(average.row_losses(x))) if has_rows else average.value(x)
    return loss if math.isfinite(loss) else math.inf


def where_it_broke(training: Training) -> list[str]:
    """In words: the batch, and the row and column in it that stand out."""
    if training.last_feed is None or (training.status is Status.NOT_FINITE and _ended_before_the_batch(training)):
        return []
    job, step = training.job, training.step
    told = f"a loss of {float(training.record.columns_of_last(1)[0][-1]):.4g}"
    if job.is_batch:
        words = f"step {step} met {told}"
        if job.rows is None:
            return [words]
        rows, numbers = all_rows(job.source, job.order)
    else:
        words = f"the batch of step {step}, in epoch {step // job.n_batches + 1}, had {told}"
        rows, numbers = _batch(job, step)
    if isinstance(job.model, UserLoss) and not job.model.gives_rows:
        return [words]
    losses = _losses(job, rows, np.array(training.position.x))
    at, before = _worst(rows, losses), ""
    # Where several rows are bad, the weights may be at fault, by a huge row of the step before.
    if step > 0 and not job.is_batch and (at is None or np.sum(~np.isfinite(losses)) > 1):
        earlier = _batch(job, step - 1)
        huge = _huge(earlier[0])
        if huge is not None:
            at, before, (rows, numbers) = huge, "the step before led there, ", earlier
    return [words if at is None else f"{words}, {before}{_told(job, rows, numbers, at)}"]


def _batch(job: Job, step: int) -> tuple[Rows, np.ndarray]:
    """The rows of a step's batch, each of weight 1, and the source's own numbers of them."""
    chunk = next(Batches(job.source, job.order, job.asked.batch_size or 1, 1).chunks(step, 1))
    rows = chunk.rows.part(0, chunk.n_rows)
    return rows._replace(weight=np.ones_like(rows.target)), chunk.numbers[: chunk.n_rows]


def _told(job: Job, rows: Rows, numbers: np.ndarray, at: int) -> str:
    """In words: one of some rows, and the column in it that stands out."""
    column = rows.columns[:, at]
    spread = np.abs(job.objective.average_columns()) + 1e-300
    name = int(np.argmax(np.abs(column) / spread))
    names, target = job.source.names, rows.target[at]
    place = f"most of it from {job.source.place(int(numbers[at]))}, where {names[name]!r} is {column[name]:.4g}"
    return f"{place} and the target {target:.4g}"


def _ended_before_the_batch(training: Training) -> bool:
    """Whether it was a row's value that ended the run, before its batch was used."""
    losses, sizes, _ = training.record.columns_of_last(1)
    return bool(np.isfinite(losses[-1]) and np.isfinite(sizes[-1]))


def _losses(job: Job, rows: Rows, x: np.ndarray) -> np.ndarray:
    """Of each row, its weight left out."""
    with np.errstate(all="ignore"):
        return Average(job.model, job.structure, rows._replace(weight=np.ones_like(rows.target))).row_losses(x)


def _worst(rows: Rows, losses: np.ndarray) -> int | None:
    """The row that makes most of the loss; None where none does."""
    bad = ~np.isfinite(losses)
    if bad.all():
        return int(np.argmax(np.abs(rows.columns).max(axis=0)))
    if bad.any():
        return int(np.argmax(bad))
    at = int(np.argmax(losses))
    return at if losses[at] > losses.sum() / 2 and len(losses) > 1 else None


def _huge(rows: Rows) -> int | None:
    """The row of the largest number, where that is far beyond those of the others."""
    sizes = np.maximum(np.abs(rows.columns).max(axis=0), np.abs(rows.target))
    at = int(np.argmax(sizes))
    return at if sizes[at] > _HUGE * np.median(sizes) else None


def ended_run(training: Training, x: np.ndarray) -> TrainingRun:
    """The Run, its last row at x."""
    job, record = training.job, training.record
    record.epochs = list(record.epochs)
    losses, sizes, rates = record.columns()
    broke = training.status is Status.NOT_FINITE and len(losses) > 0 and not _ended_before_the_batch(training)
    bound = job.objective.bound()
    with np.errstate(all="ignore"):
        loss, gradient = bound.value_and_gradient(x)
    if broke:
        n = len(losses)
        loss = float(losses[-2]) if n > 1 else loss
        rates[-1] = np.nan
        last = np.array(training.position.x)
    else:
        if training.status is Status.DIVERGED:
            losses, sizes, rates = losses[:-1], sizes[:-1], rates[:-1]
        dtype = job.structure.dtype
        losses = np.append(losses, dtype.type(loss))
        sizes = np.append(sizes, dtype.type(_size(job, x, gradient)))
        rates = np.append(rates, dtype.type(np.nan))
        loss, last = float(losses[-1]), x
        record.n_rows = len(losses)
    points, steps = record.path(last)
    if points is not None and not broke:
        points[-1] = x
    notes = list(training.notes)
    if record.stride > 1 and points is not None:
        notes.append(f"of the weights' path one point in {record.stride} is kept")
    structure = job.structure
    return TrainingRun(
        x=structure.restore(x),
        loss=float(loss),
        status=training.status,
        n_steps=len(losses) - 1,
        n_evaluations=len(losses) + record.n_trials,
        path=None if points is None else structure.restore_rows(points),
        path_steps=steps,
        losses=losses,
        gradient_norms=sizes,
        learning_rates=rates,
        gradient_source=GradientSource.COMPILED,
        gradient_reason=job.objective.reason,
        engine="compiled",
        seconds=training.seconds,
        notes=tuple(notes),
        specification=specification(job),
        structure=structure,
        objective=job.objective,
        rules=Rules(job.method, job.rate, job.limits._replace(max_steps=job.max_steps), None, None, job.asked.seed),
        method_state=training.position.method_state if job.method.scaling else None,
        epochs=tuple(record.epochs),
        model=Fitted(job.model, structure.restore(x), tuple(job.source.names), _labels(job)),
        data=job,
    )


def _size(job: Job, x: np.ndarray, gradient: np.ndarray) -> float:
    """The largest component of the gradient; with L1, of how far a proximal step of rate 1 moves."""
    l1 = job.asked.l1
    if not l1:
        return float(np.abs(gradient).max())
    mask = job.objective.mask
    smooth = gradient - l1 * mask * np.sign(x)
    u = x - smooth
    return float(np.abs(np.sign(u) * np.maximum(np.abs(u) - l1 * mask, 0) - x).max())


def _labels(job: Job) -> tuple[str, ...] | None:
    is_classifier = job.model.loss is not None and job.model.loss.is_classifier
    return job.source.labels if is_classifier else None


def specification(job: Job) -> dict[str, Any]:
    """What was asked for, in words and numbers; what a minimisation tells, and the training's own."""
    asked, limits = job.asked, job.limits
    x0 = np.array(job.x0)
    x0.setflags(write=False)
    return {
        "fun": job.name,
        "kind": "training",
        "variables": list(job.objective.own_names(job.structure)) or None,
        "call": "array",
        "jac": False,
        "x0": x0,
        "method": rule_in_words(job.method),
        "learning_rate": rule_in_words(job.rate),
        "bounds": None,
        "max_steps": job.max_steps,
        "target_loss": None,
        "gradient_tolerance": asked.gradient_tolerance,
        "loss_limit": None if math.isinf(limits.loss_limit) else limits.loss_limit,
        "noise": 0.0,
        "seed": asked.seed,
        "record": asked.record,
        "training": {
            "model": _model_in_words(job.model),
            "n_rows": job.order.n_training,
            "n_features": len(job.source.names),
            "batch_size": asked.batch_size or job.order.n_training,
            "epochs": asked.epochs,
            "schedule_per": "epoch" if asked.per_epoch else "step",
            "l1": asked.l1,
            "l2": asked.l2,
            "clip_norm": None if math.isinf(asked.clip_norm) else asked.clip_norm,
            "average_from": asked.average_from,
            "early_stopping": asked.early_stopping,
            "min_improvement": asked.min_improvement,
            "validation": job.validation_told,
            "shuffle": asked.shuffle,
            "sharpness": asked.sharpness,
        },
    }


def _model_in_words(model: Model) -> Any:
    return {"name": model.name} if isinstance(model, UserLoss) else Fitted(model, None, ()).to_form()


__all__ = ["TrainingRecord", "ended_run", "last_good", "specification", "where_it_broke"]
