"""The front door of training: checks what it is given, and returns a Run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

from downslope.training.cluster import ALONE, Cluster
from downslope.training.joining import asked_for
from downslope.training.leaving import at_once
from downslope.training.loop import Training
from downslope.training.preparing import prepared
from downslope.training.record import Epoch
from downslope.training.steps import Position
from downslope.training.training_run import TrainingRun


def fit(
    model: Any,
    data: Any,
    *,
    target: Any = None,
    weight: Any = None,
    features: Sequence[str] | None = None,
    validation: Any = 0.0,
    start: Any = None,
    method: Any = "gradient_descent",
    learning_rate: Any = None,
    schedule_per: Literal["step", "epoch"] = "step",
    batch_size: int | None = None,
    epochs: int | None = None,
    l1: float = 0.0,
    l2: float = 0.0,
    clip_norm: float | None = None,
    average_from: int | None = None,
    early_stopping: int | None = None,
    min_improvement: float = 0.0,
    gradient_tolerance: float | Literal["auto"] | None = "auto",
    loss_limit: float | Literal["auto"] | None = "auto",
    shuffle: bool = True,
    seed: int = 0,
    sharpness: int | None = None,
    record: Literal["auto", "losses"] = "auto",
    callback: Callable[[Epoch], Any] | None = None,
    progress: bool | Callable[[Training], Any] = False,
    checkpoint: Any = None,
    resume: bool = False,
    cluster: bool | None = None,
) -> TrainingRun:
    """Train a model on data, by a descent on the average loss of its rows; returns the `TrainingRun`.

    Parameters
    ----------
    model
        "linear" (half the squared error), "logistic", "softmax" or "huber"; a `training.Linear` or `training.Network`;
        or a function `loss(params, batch)` in NumPy or JAX, where `X, y = batch` have shapes (b, d) and (b,): it
        returns the batch's average, or one number a row (then rows may have weights). It needs a `start`.
    data
        (X, y) or (X, y, weights) with X of shape (n, d); a pandas or polars frame; or a .parquet, .csv or .npy file, or
        a folder of files of one kind, which may be larger than memory. Arrays are not copied: `run.explain()` and the
        pictures look at them again, as they are then.
    target, weight, features
        Where the data are a table: the column to predict, that of the rows' weights, if any, and the columns to use,
        None for all others. Words as a target are classes, which `run.notes` numbers.
    validation
        A share of the rows to hold out, below 1, or rows of their own, (X, y).
    start
        The parameters to start from, any pytree; None is the model's own: zeros, or what its initialisation draws.
    method, learning_rate
        As for `minimize`, PyTorch's optimizers apart; of one rate a parameter the record keeps the largest. Where no
        rate is given, batch descent searches one at each step; on smaller batches gradient descent takes half of what
        the steepest of the first batches allows, which `run.notes` tells.
    schedule_per
        Whether a schedule counts steps or epochs.
    batch_size
        Rows a step; None is all of them, which is batch descent: then an epoch is a step, and where they take more than
        4 GB each step reads them anew. 1 is stochastic descent.
    epochs
        Passes over the rows; None is 10, and 1,000 of batch descent.
    l1, l2
        Penalties: l1 |w|_1 + l2 / 2 |w|^2, of the weights and not of biases. L1 is made by a proximal step, which sets
        weights to exactly zero.
    clip_norm
        Gradients longer than this are shortened to it.
    average_from
        From this epoch on (the first is 1) weights are averaged over all steps (Polyak and Ruppert); the average is
        what `run.x` and the validation loss are of.
    early_stopping, min_improvement
        End when the validation loss has not fallen by more than `min_improvement` for so many epochs. The weights of
        the best epoch are kept.
    gradient_tolerance
        End when the gradient's largest component is at most this; of batch descent only, where "auto" is 1e-6.
    loss_limit
        End as DIVERGED where a batch's loss is above this; "auto" is a million times the loss at the start.
    shuffle, seed
        The order of rows in each epoch, and which rows are held out: a function of the seed and of counts alone.
    sharpness
        Every how many epochs the leading eigenvalue of the Hessian is measured.
    record
        "auto" keeps the weights' path, thinned to some thousand points; "losses" keeps none.
    callback
        Called with an `Epoch` at the end of each; returning True stops the run.
    progress
        Draw a progress line on the standard error; or a function that is called with the training under way, between
        pieces of work, as `downslope fit --watch` does.
    checkpoint, resume
        A folder, in which the state is kept every half minute and at the end; with `resume` the run goes on from there,
        and ends with the same weights, to the last bit, as one that was never stopped. Where there is no checkpoint
        yet, or nothing left to do, `run.notes` tells it.
    cluster
        True: train one model together with the processes that torchrun, mpirun or srun started beside this one, or that
        `training.join` joined. Every process calls `fit` with the same arguments and returns the same run; the first
        one alone calls `callback`, draws progress and writes checkpoints. One that fails ends all, with a message.
        False: train in this process alone. None is False where no such launcher started several processes, and refused
        where one did.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule, or the data cannot be trained on; nothing was computed.
    InvalidFile
        The data cannot be read; where training came upon it, its `run` is the record up to there.
    CallbackFailed
        The callback raised; `error.run` is the record up to there.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> run = fit("linear", (X, X @ [2.0, -1.0] + 3.0), gradient_tolerance=1e-10)
    >>> run.status.name, {name: np.round(value, 8).tolist() for name, value in run.x.items()}
    ('GRADIENT_SMALL', {'bias': 3.0, 'weights': [2.0, -1.0]})
    """
    run, _ = fitted(
        model,
        data,
        target=target,
        weight=weight,
        features=features,
        validation=validation,
        start=start,
        method=method,
        learning_rate=learning_rate,
        schedule_per=schedule_per,
        batch_size=batch_size,
        epochs=epochs,
        l1=l1,
        l2=l2,
        clip_norm=clip_norm,
        average_from=average_from,
        early_stopping=early_stopping,
        min_improvement=min_improvement,
        gradient_tolerance=gradient_tolerance,
        loss_limit=loss_limit,
        shuffle=shuffle,
        seed=seed,
        sharpness=sharpness,
        record=record,
        callback=callback,
        progress=progress,
        checkpoint=checkpoint,
        resume=resume,
        cluster=asked_for(cluster),
    )
    return run


def fitted(
    model: Any,
    data: Any,
    *,
    position: Position | None = None,
    one_class: bool = False,
    callback: Any = None,
    progress: Any = False,
    checkpoint: Any = None,
    resume: bool = False,
    cluster: Cluster = ALONE,
    **options: Any,
) -> tuple[TrainingRun, Position]:
    """The run, and where it stands: a later one can go on from that `position`, with what the method remembers.

    `one_class` allows rows of one class alone, where the others are known to exist.
    """
    with at_once(cluster):
        progress = progress if cluster.is_first else False
        job = prepared(model, data, one_class=one_class, progress=progress is True, cluster=cluster, **options)
        training = Training(job, callback, progress, checkpoint, resume)
        if position is not None:
            training.goes_on(position)
        run = training.run()
        return run, training.position
