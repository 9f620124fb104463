"""From what a user gives to what the loop needs: rows, their order, a model with a start, the compiled steps."""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.learning_rates import Constant, LearningRate
from downslope.methods import Method, as_method
from downslope.minimization import check_hessian_fits
from downslope.objectives.structure import Structure
from downslope.stopping import Limits
from downslope.training import asked as asking
from downslope.training.asked import Asked
from downslope.training.cluster import ALONE, Cluster
from downslope.training.constant_columns import constant_warning
from downslope.training.models import Batch, Model, UserLoss, name_of
from downslope.training.objective import Average, TrainingObjective
from downslope.training.order import Order
from downslope.training.scaling import scaling_warning
from downslope.training.sharpness import steepest
from downslope.training.sources import Rows, Source, open_source
from downslope.training.steps import Penalties, Steps
from downslope.training.summing import Summed
from downslope.training.surveying import (
    check_sample,
    empty_classes_told,
    sampled,
    survey,
    training_rows,
    validation_rows,
)
from downslope.training.target_words import check_words, words_told

_LIMIT = 1e6
"""A batch's loss above so many times the one at the start is a run that got away."""
_FIRST_BATCHES = 8


@dataclass(frozen=True, eq=False)
class Job:
    """All that a training run depends on."""

    model: Model
    name: str
    source: Source
    order: Order
    asked: Asked
    structure: Structure
    x0: np.ndarray
    steps: Steps
    method: Method
    rate: LearningRate
    limits: Limits
    mean_weight: float
    rows: Rows | None
    """All training rows, in batch descent, unless they are too many."""
    objective: TrainingObjective
    validation: Average | None
    validation_told: Any
    notes: tuple[str, ...]
    cluster: Cluster

    def alone(self) -> Job:
        """The same job for one process: what an ended run is looked at and made again by."""
        if self.cluster.is_alone:
            return self
        return dataclasses.replace(self, cluster=ALONE, steps=dataclasses.replace(self.steps, n_processes=1))

    @property
    def is_batch(self) -> bool:
        """Every step sees all rows."""
        return self.asked.batch_size is None

    @property
    def n_batches(self) -> int:
        """Steps of an epoch."""
        return 1 if self.asked.batch_size is None else -(-self.order.n_training // self.asked.batch_size)

    @property
    def max_steps(self) -> int:
        """Of all epochs."""
        return self.asked.epochs * self.n_batches


def prepared(
    model: Any,
    data: Any,
    *,
    target: Any = None,
    weight: Any = None,
    features: Any = None,
    validation: Any = 0.0,
    start: Any = None,
    method: Any = "gradient_descent",
    learning_rate: Any = None,
    one_class: bool = False,
    is_part: bool = False,
    progress: bool = False,
    cluster: Cluster = ALONE,
    **options: Any,
) -> Job:
    """The job; InvalidInput where a parameter breaks a rule or the data do not suit the model.

    `one_class` is as for `fitted`; where the rows are a part of others, `is_part`, a column may vary in those.
    """
    model = asking.as_model(model, start)
    method = as_method(method)
    share = validation if isinstance(validation, int | float) and not isinstance(validation, bool) else 0.0
    if not 0 <= share < 1:
        raise InvalidInput("validation", "must be a share of the rows from 0 to below 1, or rows (X, y)", validation)
    has_validation = bool(share) or (validation is not None and not isinstance(validation, int | float))
    asked = asking.as_asked(**options, has_validation=has_validation)
    asking.check_method(method, asked.l1)
    source = open_source(
        data, target, weight, features=features, shuffle=bool(options.get("shuffle", True)), progress=progress
    )
    if source.target_name is None and not isinstance(model, UserLoss):
        raise InvalidInput("data", "must have a target: give (X, y), or the name of the target's column", source.names)
    check_words(source, model)
    if asked.batch_size is not None and asked.batch_size >= source.n_rows:
        asked = dataclasses.replace(asked, batch_size=None)
    order = Order(source.n_rows, len(source.names), asked.seed, asked.shuffle, float(share))
    if order.n_training < 1:
        raise InvalidInput("validation", f"must leave rows to train on of {source.n_rows}", validation)
    rows = training_rows(source, order) if asked.batch_size is None else None
    n_classes, mean_weight = survey(source, model, rows)
    model = asking.with_classes(model, n_classes)
    structure, x0 = _start(model, start, len(source.names), source.dtype)
    method = method.on(structure)
    check_hessian_fits(method, x0)
    sample, is_whole = (rows, True) if rows is not None else sampled(source, order)
    if isinstance(model, UserLoss):
        few = sample.part(0, max(1, min(len(sample.target), asked.batch_size or len(sample.target))))
        model = asking.traced_loss(model, structure, x0, Batch(few.columns.T, few.target))
        if source.weight_name is not None and not model.gives_rows:
            rule = "must not have weights beside a loss that returns an average; return one number a row"
            raise InvalidInput("data", rule, source.weight_name)
    check_sample(source, model, sample, one_class)
    penalties = Penalties(asked.l1, asked.l2, asked.clip_norm)
    told = f"over {'' if is_whole else f'{len(sample.target):,} of '}the {order.n_training:,} training rows"
    average = Average(model, structure, sample)
    objective = TrainingObjective(average, sample, penalties, name_of(model), parameter_names(model, source), told)
    loss0 = average.value_of_some(x0) + objective.penalty(x0)
    if not math.isfinite(loss0):
        raise InvalidInput("start", "must have a finite average loss", loss0)
    notes = list(source.notes)
    notes += [] if is_whole else [f"losses at the end and curvatures are {told}, in blocks spread evenly"]
    is_summed = asked.batch_size is None and rows is None
    cluster.check_suits(model, is_summed)
    rate = asking.as_rate(learning_rate, method, x0.size, rows is not None)
    if is_summed:
        asking.check_needs_no_trials(method, rate)
    if rate is None:
        rate, note = _rate_of_first_batches(model, structure, x0, sample, asked)
        notes.append(note)
    if not cluster.is_alone:
        notes.append(f"{cluster.n_processes} processes trained together, each on its share of every batch")
    warned = None if method.needs_hessian or method.scaling else scaling_warning(model, source.names, sample, asked.l2)
    unvaried = None if is_part else constant_warning(model, source.names, sample)
    for warning in filter(None, (warned, unvaried)):
        notes.append(str(warning))
        warnings.warn(warning, stacklevel=4)
    notes += words_told(source) + (empty_classes_told(model, sample) if is_whole else [])
    held_out, validation_told = validation_rows(source, order, validation, share, model)
    limit = loss0 if loss0 > 0 else 1.0
    limits = Limits(
        -math.inf,
        -1.0 if asked.gradient_tolerance is None else asked.gradient_tolerance,
        limit * _LIMIT if asked.loss_limit == "auto" else math.inf if asked.loss_limit is None else asked.loss_limit,
        2**62,
    )
    return Job(
        model=model,
        name=name_of(model),
        source=source,
        order=order,
        asked=asked,
        structure=structure,
        x0=x0,
        steps=Steps(
            Summed(model) if is_summed else model,
            structure,
            method,
            rate,
            penalties,
            averages=asked.average_from is not None,
            keeps_points=asked.record == "auto",
            is_batch=asked.batch_size is None,
            n_processes=cluster.n_processes,
        ),
        method=method,
        rate=rate,
        limits=limits,
        mean_weight=mean_weight,
        rows=rows,
        objective=objective,
        validation=None if held_out is None else Average(model, structure, held_out),
        validation_told=validation_told,
        notes=tuple(notes),
        cluster=cluster,
    )


def _start(model: Model, start: Any, n_features: int, dtype: Any) -> tuple[Structure, np.ndarray]:
    own = model.start(n_features, dtype) if start is None or not isinstance(model, UserLoss) else start
    structure, flat = Structure.of(own)
    if start is not None and not isinstance(model, UserLoss):
        try:
            flat = structure.flatten(start)
        except (ValueError, TypeError, AttributeError) as error:
            raise InvalidInput("start", f"must be arranged as the model's parameters are ({error})", start) from None
    if not np.isfinite(flat).all():
        raise InvalidInput("start", "must be finite", start)
    return structure, np.array(flat)


def _rate_of_first_batches(
    model: Model, structure: Structure, x0: np.ndarray, sample: Rows, asked: Asked
) -> tuple[LearningRate, str]:
    """Half of the largest rate that the steepest of some batches allows at the start."""
    found = steepest(model, structure, x0, sample, asked.batch_size or len(sample.target), _FIRST_BATCHES)
    if not found or not math.isfinite(found):
        return Constant(0.01), "no curvature was found at the start; the learning rate is 0.01"
    rate = 1 / (found + asked.l2)
    seen = f"the steepest of {_FIRST_BATCHES} batches allows" if asked.batch_size else "the rows allow"
    words = f"the learning rate, {rate:.4g}, is half of what {seen} at the start"
    return Constant(rate), words


def parameter_names(model: Model, source: Source) -> tuple[str, ...]:
    """A linear model's weights are called as their features; () lets the structure name them."""
    from downslope.training.models import Linear, n_outputs

    if not isinstance(model, Linear) or n_outputs(model.loss) or "bias" in source.names:
        return ()
    return ("bias", *source.names) if model.intercept else tuple(source.names)
