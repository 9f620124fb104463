"""A training made again, and the difference."""

from __future__ import annotations

import dataclasses
from typing import Any

from downslope.errors import InvalidInput
from downslope.stopping import Status
from downslope.storage.replay import Replay, compared
from downslope.storage.rules import learning_rate_of, method_of
from downslope.training.fitted import Fitted
from downslope.training.fitting import fitted
from downslope.training.loop import Training
from downslope.training.preparing import Job
from downslope.training.training_run import TrainingRun


def replay(run: TrainingRun, data: Any = None) -> Replay:
    """What `TrainingRun.replay` documents."""
    if data is None and run.data is None:
        rule = "must be given: a file holds no rows; run.replay(data) takes them"
        raise InvalidInput("data", rule, None, message=f"`data` {rule}.")
    return compared(run, again(run.data) if data is None else _from_words(run, data))


def again(job: Job, **changes: Any) -> TrainingRun:
    """The same training, with other fields of the job."""
    return Training(dataclasses.replace(job, **changes) if changes else job, None, False, None, False).run()


def _from_words(run: TrainingRun, data: Any) -> TrainingRun:
    """A loaded run, from its specification and the rows."""
    told = dict(run.specification["training"])
    if isinstance(told["validation"], str):
        raise InvalidInput(
            "run", "must have held out a share of its rows to be replayed from a file", told["validation"]
        )
    if "kind" not in told["model"]:
        raise InvalidInput(
            "run", "must be of a model of downslope's to be replayed from a file", run.specification["fun"]
        )
    model = Fitted.of_form(told.pop("model"), None).model
    n_rows, batch_size = told.pop("n_rows"), told.pop("batch_size")
    told.pop("n_features")
    if run.status in (Status.INTERRUPTED, Status.STOPPED_BY_CALLBACK):
        raise InvalidInput("run", "must have come to an end by itself to be replayed from a file", run.status.name)
    return fitted(
        model,
        data,
        start=run.structure.restore(run.specification["x0"]),
        method=method_of(run.specification["method"]),
        learning_rate=learning_rate_of(run.specification["learning_rate"]),
        batch_size=None if batch_size == n_rows else batch_size,
        gradient_tolerance=run.specification["gradient_tolerance"],
        loss_limit=run.specification["loss_limit"],
        seed=run.specification["seed"],
        record=run.specification["record"],
        **told,
    )[0]
