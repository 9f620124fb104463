"""What `fit` is asked for, checked."""

from __future__ import annotations

import math
import numbers
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.coefficients import check_coefficients
from downslope.engines.specification import rule_in_words
from downslope.errors import InvalidInput, InvalidObjective, UnknownName
from downslope.learning_rates import Constant, LearningRate, as_learning_rate
from downslope.methods import GradientDescent, Method, Momentum, Nesterov
from downslope.minimization import rate_shape_of
from downslope.objectives.numpy_tracing import run_on_jax
from downslope.objectives.program import why
from downslope.objectives.structure import Structure
from downslope.training.models import NAMES, Batch, Linear, Model, UserLoss

EPOCHS, BATCH_EPOCHS = 10, 1000
_OWN_RATE = 0.01
"""Of a method whose default is a line search, on batches too small to trust, where the curvature does not decide it."""


@dataclass(frozen=True)
class Asked:
    """The numbers and switches of a training run."""

    batch_size: int | None
    epochs: int
    per_epoch: bool
    l1: float
    l2: float
    clip_norm: float
    average_from: int | None
    early_stopping: int | None
    min_improvement: float
    gradient_tolerance: float | None
    loss_limit: float | str | None
    shuffle: bool
    seed: int
    sharpness: int | None
    """Every how many epochs it is measured; None for never."""
    record: str


def as_asked(
    *,
    has_validation: bool,
    batch_size: Any = None,
    epochs: Any = None,
    schedule_per: Any = "step",
    l1: Any = 0.0,
    l2: Any = 0.0,
    clip_norm: Any = None,
    average_from: Any = None,
    early_stopping: Any = None,
    min_improvement: Any = 0.0,
    gradient_tolerance: Any = None,
    loss_limit: Any = "auto",
    shuffle: Any = True,
    seed: Any = 0,
    sharpness: Any = None,
    record: Any = "auto",
) -> Asked:
    """The options as numbers; InvalidInput where one breaks a rule."""
    check_whole("batch_size", batch_size, 1, none="for all rows")
    check_whole("epochs", epochs, 0, none=f"for {EPOCHS}, or {BATCH_EPOCHS} of batch descent")
    if schedule_per not in ("step", "epoch"):
        raise InvalidInput("schedule_per", 'must be "step" or "epoch"', schedule_per)
    for name, value in (("l1", l1), ("l2", l2), ("min_improvement", min_improvement)):
        check_real(name, value, 0)
    if clip_norm is not None:
        check_real("clip_norm", clip_norm, 0)
        if clip_norm == 0:
            raise InvalidInput("clip_norm", "must be positive, or None", clip_norm)
    check_whole("average_from", average_from, 1, none="for no averaging")
    check_whole("early_stopping", early_stopping, 1, none="for none")
    if early_stopping is not None and not has_validation:
        raise InvalidInput(
            "early_stopping", "needs validation data: give `validation`, a share or rows", early_stopping
        )
    if gradient_tolerance is not None:
        check_real("gradient_tolerance", gradient_tolerance, 0)
        if batch_size is not None:
            rule = "must be None with batches smaller than the data: their gradients are never small all at once"
            raise InvalidInput("gradient_tolerance", rule, gradient_tolerance)
    if loss_limit != "auto" and loss_limit is not None:
        check_real("loss_limit", loss_limit, -math.inf)
    check_whole("seed", seed, 0)
    check_whole("sharpness", sharpness, 1, none="for never")
    if record not in ("auto", "losses"):
        raise InvalidInput("record", 'must be "auto" or "losses"', record)
    return Asked(
        batch_size,
        (BATCH_EPOCHS if batch_size is None else EPOCHS) if epochs is None else int(epochs),
        schedule_per == "epoch",
        float(l1),
        float(l2),
        math.inf if clip_norm is None else float(clip_norm),
        average_from,
        early_stopping,
        float(min_improvement),
        gradient_tolerance,
        loss_limit,
        bool(shuffle),
        int(seed),
        sharpness,
        record,
    )


def check_whole(name: str, value: Any, low: int, none: str = "") -> None:
    """Raise InvalidInput unless the value is a whole number from `low` on (or None, where that means something)."""
    if value is None and none:
        return
    if isinstance(value, bool) or not isinstance(value, numbers.Integral) or int(value) < low:
        raise InvalidInput(name, f"must be a whole number, {low} or more{f', or None {none}' if none else ''}", value)


def check_real(name: str, value: Any, low: float) -> None:
    """Raise InvalidInput unless the value is a finite number from `low` on."""
    real = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not real or not math.isfinite(value) or value < low:
        size = "a finite number" if low == -math.inf else f"a finite number, {low:g} or more"
        raise InvalidInput(name, f"must be {size}", value)


def as_model(model: Any, start: Any) -> Model:
    """A model from a name, a model, or a loss of the user's own; the latter needs a start."""
    if isinstance(model, str):
        if model not in NAMES:
            raise UnknownName("model", model, NAMES)
        model = NAMES[model]()
    if isinstance(model, type) and issubclass(model, Model):
        model = model()
    if isinstance(model, Model):
        if model.loss is not None:
            check_coefficients(model.loss, type(model.loss).__name__)
        return model
    if not callable(model):
        rule = f"must be a Linear or Network model, a function loss(params, batch), or one of {', '.join(NAMES)}"
        raise InvalidInput("model", rule, model)
    if start is None:
        raise InvalidInput("start", "must be given with a loss of your own: the parameters to start from", None)
    return UserLoss(model, start, name=getattr(model, "__name__", "loss"))


def traced_loss(model: UserLoss, structure: Structure, x: np.ndarray, batch: Batch) -> UserLoss:
    """The user's loss as a function of JAX's arrays: as it is, or as NumPy code that is traced."""
    import jax
    import jax.numpy as jnp

    error: Exception | None = None
    for function in (model.function, run_on_jax(model.function)):

        def value(x: Any, batch: Batch, function: Any = function) -> Any:
            return jnp.asarray(function(structure.unflatten(x), batch))

        with jax.enable_x64(True):
            try:
                shape = jax.eval_shape(jax.jit(value), x, batch).shape
                jax.make_jaxpr(jax.grad(lambda x, b, v=value: jnp.sum(v(x, b))))(x, batch)
            except Exception as raised:  # whatever a user's code raises on traced values
                error = error if error is not None and function is not model.function else raised
                error = raised
                continue
        if shape not in ((), (1,), (len(batch.y),)):
            rule = f"must return the batch's average, or one number for each of its {len(batch.y)} rows"
            raise InvalidObjective("model", rule, f"an array of shape {shape}")
        gives_rows = shape == (len(batch.y),) and len(batch.y) > 1
        return UserLoss(_scalar(function) if not gives_rows else function, model.params, gives_rows, model.name)
    assert error is not None
    raise InvalidObjective("model", f"must be a loss that JAX can follow: {why(error)}", model.name) from error


def _scalar(function: Any) -> Any:
    def average(params: Any, batch: Batch) -> Any:
        import jax.numpy as jnp

        return jnp.reshape(jnp.asarray(function(params, batch)), ())

    return average


def as_rate(rate: Any, method: Method, n: int, is_batch: bool) -> LearningRate | None:
    """The learning rate of n parameters; None where the curvature of the first batches is to decide it."""
    if rate is None and not is_batch and not method.brings_rate and method.default_rate is None:
        if method.needs_hessian:
            return Constant(1.0)
        return None if isinstance(method, GradientDescent) else Constant(_OWN_RATE)
    found = as_learning_rate(rate, method)
    rate_shape_of(found, n)
    return found


def check_method(method: Method, l1: float) -> None:
    """Raise InvalidInput where the method cannot be compiled, or a proximal step is not defined for it."""
    if method.runs_as_python:
        rule = (
            "must be one that compiles, as all of downslope and of optax do, such as optax.adam(0.01); PyTorch's is not"
        )
        raise InvalidInput("method", rule, rule_in_words(method)["name"])
    known = isinstance(method, GradientDescent | Momentum | Nesterov) or method.scaling
    if l1 and not known:
        rule = f"must be 0 with {type(method).__name__}: its steps have no rate that a proximal step could use"
        raise InvalidInput("l1", rule, l1)


def with_classes(model: Model, n_classes: int) -> Model:
    """The model with its softmax told how many classes there are."""
    import dataclasses

    from downslope.training.losses import Softmax

    if not isinstance(model.loss, Softmax) or model.loss.n_classes is not None:
        return model
    if n_classes < 2:
        raise InvalidInput("data", "must have at least two classes in the target", f"{n_classes} class")
    return dataclasses.replace(model, loss=Softmax(n_classes))  # type: ignore[type-var]


__all__ = ["Asked", "Linear", "as_asked", "as_model", "as_rate", "check_method", "traced_loss", "with_classes"]
