"""From what a user gives to what the loop needs: rows, their order, a model with a start, the compiled steps."""

from __future__ import annotations

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
from downslope.training.feeding import MOST_BATCH_BYTES, all_rows, held_out_rows, target_error
from downslope.training.models import Batch, Model, UserLoss
from downslope.training.objective import Average, TrainingObjective
from downslope.training.order import Order
from downslope.training.scaling import scaling_warning
from downslope.training.sharpness import steepest
from downslope.training.sources import Rows, Source, open_source, read_rows
from downslope.training.sources.source import bad_value, is_good
from downslope.training.steps import Penalties, Steps

MOST_NUMBERS = 2**24
"""Where the training rows are more numbers than this, blocks of them stand for all where a loss over all is told."""
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
    """All training rows, in batch descent."""
    objective: TrainingObjective
    validation: Average | None
    validation_told: Any
    notes: tuple[str, ...]

    @property
    def is_batch(self) -> bool:
        """Every step sees all rows."""
        return self.rows is not None

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
    progress: bool = False,
    **options: Any,
) -> Job:
    """The job; InvalidInput where a parameter breaks a rule or the data do not suit the model."""
    model = asking.as_model(model, start)
    method = as_method(method)
    source = open_source(
        data, target, weight, features=features, shuffle=bool(options.get("shuffle", True)), progress=progress
    )
    if source.target_name is None and not isinstance(model, UserLoss):
        raise InvalidInput("data", "must have a target: give (X, y), or the name of the target's column", source.names)
    share = validation if isinstance(validation, int | float) and not isinstance(validation, bool) else 0.0
    if not 0 <= share < 1:
        raise InvalidInput("validation", "must be a share of the rows from 0 to below 1, or rows (X, y)", validation)
    has_validation = bool(share) or (validation is not None and not isinstance(validation, int | float))
    asked = asking.as_asked(**options, has_validation=has_validation, n_rows=source.n_rows)
    asking.check_l1(asked.l1, method)
    order = Order(source.n_rows, len(source.names), asked.seed, asked.shuffle, float(share))
    if order.n_training < 1:
        raise InvalidInput("validation", f"must leave rows to train on of {source.n_rows}", validation)
    rows = _all_rows(source, order) if asked.batch_size is None else None
    n_classes, mean_weight = _survey(source, model, rows)
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
    loss0 = objective.bind(structure.restore(x0))[2]
    if not math.isfinite(loss0):
        raise InvalidInput("start", "must have a finite average loss", loss0)
    notes = [] if is_whole else [f"losses at the end and curvatures are {told}, in blocks spread evenly"]
    rate = asking.as_rate(learning_rate, method, rows is not None)
    if rate is None:
        rate, note = _rate_of_first_batches(model, structure, x0, sample, asked)
        notes.append(note)
    warned = None if method.needs_hessian or method.scaling else scaling_warning(model, source.names, sample, asked.l2)
    if warned is not None:
        notes.append(str(warned))
        warnings.warn(warned, stacklevel=4)
    validation_rows, validation_told = _validation(source, order, validation, share, model)
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
            model,
            structure,
            method,
            rate,
            penalties,
            averages=asked.average_from is not None,
            keeps_points=asked.record == "auto",
            is_batch=rows is not None,
        ),
        method=method,
        rate=rate,
        limits=limits,
        mean_weight=mean_weight,
        rows=rows,
        objective=objective,
        validation=None if validation_rows is None else Average(model, structure, validation_rows),
        validation_told=validation_told,
        notes=tuple(notes),
    )


def _all_rows(source: Source, order: Order) -> Rows:
    n_bytes = order.n_training * len(source.names) * source.dtype.itemsize
    if n_bytes > MOST_BATCH_BYTES:
        rule = f"must be given for data this large: batch descent would hold all {n_bytes / 1e9:.0f} GB in memory"
        raise InvalidInput("batch_size", rule, None)
    rows, numbers = all_rows(source, order)
    _check_values(source, rows, numbers)
    return rows


def _check_values(source: Source, rows: Rows, numbers: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        suspect = not np.isfinite(rows.columns.sum()) or not is_good(rows.target, rows.weight).all()
    if suspect and not (np.isfinite(rows.columns).all() and is_good(rows.target, rows.weight).all()):
        raise bad_value(source, rows, numbers)


def _survey(source: Source, model: Model, rows: Rows | None) -> tuple[int, float]:
    """How many classes there are, if that is asked, and the mean weight; from all rows, where they must be seen."""
    n_classes = len(source.labels) if source.labels else 0
    wants_classes = model.loss is not None and getattr(model.loss, "n_classes", 0) is None and not n_classes
    if rows is not None or not (wants_classes or source.weight_name):
        if rows is None:
            return n_classes, 1.0
        total = float(rows.weight.sum(dtype=float))
        if total <= 0:
            raise InvalidInput("data", "must have a row whose weight is not zero", "weights that add up to 0")
        return (_classes(rows.target) if wants_classes else n_classes), total / len(rows.weight)
    total, size = 0.0, 2**16
    for first in range(0, source.n_rows, size):
        part = read_rows(source, first, min(size, source.n_rows - first))
        _check_values(source, part, np.arange(first, first + len(part.target)))
        total += float(part.weight.sum(dtype=float))
        n_classes = max(n_classes, _classes(part.target)) if wants_classes else n_classes
    if total <= 0:
        raise InvalidInput("data", "must have a row whose weight is not zero", "weights that add up to 0")
    return n_classes, total / source.n_rows


def _classes(target: np.ndarray) -> int:
    return int(target.max()) + 1 if 0 <= target.max() < 2**20 else 0


def sampled(source: Source, order: Order) -> tuple[Rows, bool]:
    """The training rows, or those of blocks spread evenly over them; and whether these are all."""
    most = max(1, MOST_NUMBERS // (order.block_rows * len(source.names)))
    blocks = np.unique(np.linspace(0, order.n_blocks - 1, min(most, order.n_blocks)).astype(int))
    parts = []
    for block in blocks.tolist():
        read = read_rows(source, block * order.block_rows, order.size(block))
        kept = np.delete(np.arange(len(read.target)), order.held_out(block))
        good = np.isfinite(read.columns).all(axis=0) & is_good(read.target, read.weight)
        kept = kept[good[kept]]  # what is wrong with the others is said when training comes to them
        parts.append(Rows(*(values[..., kept] for values in read)))
    rows = (
        parts[0] if len(parts) == 1 else Rows(*(np.concatenate(values, axis=-1) for values in zip(*parts, strict=True)))
    )
    if not len(rows.target):
        raise InvalidInput("data", "must have rows that can be trained on", source.place(0))
    return rows, len(blocks) == order.n_blocks


def check_sample(source: Source, model: Model, rows: Rows, one_class: bool) -> None:
    """Raise InvalidInput where a target is outside the loss's domain, or there is one class alone."""
    if model.loss is None:
        return
    good = np.asarray(model.loss.allows(np, rows.target))
    if not good.all():
        at = int(np.argmax(~good))
        value = float(rows.target[at])
        row = _row_of(source, value)
        raise target_error(source, at if row is None else row, value, model.loss)
    if model.loss.is_classifier and not one_class and len(np.unique(rows.target)) < 2:
        raise InvalidInput("data", "must have two classes or more in the target", f"only {rows.target[0]:g}")


def _row_of(source: Source, value: float) -> int | None:
    for first in range(0, source.n_rows, 2**16):
        part = read_rows(source, first, min(2**16, source.n_rows - first))
        found = np.flatnonzero(part.target == value)
        if found.size:
            return int(first + found[0])
    return None


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


def _validation(source: Source, order: Order, validation: Any, share: float, model: Model) -> tuple[Rows | None, Any]:
    if share:
        return held_out_rows(source, order)[0], float(share)
    if validation is None or isinstance(validation, int | float):
        return None, 0.0
    is_table = not isinstance(validation, tuple)
    other = open_source(
        validation,
        source.target_name if is_table else None,
        source.weight_name if is_table else None,
        features=source.names if is_table else None,
        shuffle=False,
    )
    if len(other.names) != len(source.names):
        rule = f"must have the {len(source.names)} features of the training data"
        raise InvalidInput("validation", rule, f"{len(other.names)} features")
    rows = read_rows(other, 0, other.n_rows)
    _check_values(other, rows, np.arange(other.n_rows))
    if model.loss is not None and not np.asarray(model.loss.allows(np, rows.target)).all():
        bad = int(np.argmax(~np.asarray(model.loss.allows(np, rows.target))))
        raise target_error(other, bad, float(rows.target[bad]), model.loss)
    return Rows(*(np.asarray(part, source.dtype) for part in rows)), "rows"


def _rate_of_first_batches(
    model: Model, structure: Structure, x0: np.ndarray, sample: Rows, asked: Asked
) -> tuple[LearningRate, str]:
    """Half of the largest rate that the steepest of some batches allows at the start."""
    assert asked.batch_size is not None
    found = steepest(model, structure, x0, sample, asked.batch_size, _FIRST_BATCHES)
    if not found or not math.isfinite(found):
        return Constant(0.01), "no curvature was found at the start; the learning rate is 0.01"
    rate = 1 / (found + asked.l2)
    words = (
        f"the learning rate, {rate:.4g}, is half of what the steepest of {_FIRST_BATCHES} batches allows at the start"
    )
    return Constant(rate), words


def name_of(model: Model) -> str:
    """A model in a word or two."""
    if isinstance(model, UserLoss):
        return model.name
    loss = model.loss.name if model.loss is not None else "loss"
    sizes = getattr(model, "hidden_layer_sizes", None)
    if sizes is None:
        return "linear regression" if loss == "squared_error" else f"{loss} regression"
    return f"network {'-'.join(map(str, sizes)) or 'without hidden layers'}, {loss.replace('_', ' ')}"


def parameter_names(model: Model, source: Source) -> tuple[str, ...]:
    """A linear model's weights are called as their features; () lets the structure name them."""
    from downslope.training.models import Linear, n_outputs

    if not isinstance(model, Linear) or n_outputs(model.loss) or "bias" in source.names:
        return ()
    return ("bias", *source.names) if model.intercept else tuple(source.names)
