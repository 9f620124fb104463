"""A training run as the page follows it: what is known of it now, and at its end why it went so and a slice around it.

The training tells it now and then; the page asks for it as often as it likes, and both may do so at once.
"""

from __future__ import annotations

import math
import threading
import time
import warnings
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.lab.surface import heights
from downslope.training import TrainingRun, loss_slice
from downslope.training.loop import Training
from downslope.training.record import Epoch
from downslope.wording import capital

SECONDS_BETWEEN = 0.25
MOST_PLACES = 400
"""Of the batches' losses, along the steps; beyond, neighbours share a place."""
_RESOLUTION = 41
_MOST_POINTS = 2000


class Watched:
    """What the page is told of one training run.

    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(60, 2))
    >>> import downslope
    >>> told = Watched.ended(downslope.fit("linear", (X, X @ [1.0, 2.0]), batch_size=20, epochs=2)).told()
    >>> told["status"], told["step"], told["epochs"]["step"].tolist(), told["slice"]["z"].shape
    ('MAX_STEPS', 6, [3.0, 6.0], (41, 41))
    """

    def __init__(self, title: str):
        self._lock = threading.Lock()
        self._told: dict[str, Any] = {"title": title, "status": "STARTING"}
        self._next = 0.0

    @classmethod
    def ended(cls, run: TrainingRun, title: str = "") -> Watched:
        """Of a run that is over."""
        watched = cls(title or run.specification["fun"])
        watched.end(run)
        return watched

    def told(self) -> dict[str, Any]:
        """All that is known now."""
        with self._lock:
            return dict(self._told)

    def follow(self, training: Training) -> None:
        """Take down how far a training has come; costs nothing where that was just done."""
        now = time.perf_counter()
        if now < self._next:
            return
        self._next = now + SECONDS_BETWEEN
        job, record = training.job, training.record
        losses, sizes, rates = record.columns()
        if not len(losses):
            return
        step, left = training.step, job.max_steps - training.step
        per_step = training.seconds / max(step, 1)
        pace = (job.asked.batch_size or job.order.n_training) / max(per_step, 1e-12)
        self._take(
            status="RUNNING",
            step=step,
            n_steps=job.max_steps,
            seconds=training.seconds,
            seconds_left=left * per_step,
            epoch=min(step // job.n_batches + 1, job.asked.epochs),
            rows_per_second=record.epochs[-1].rows_per_second if record.epochs else pace,
            **_columns(losses, sizes, rates, record.epochs),
        )

    def end(self, run: TrainingRun) -> None:
        """Take down the end, with its explanation and, where its rows are at hand, a slice around its weights."""
        self._take(
            status=run.status.name,
            step=run.n_steps,
            n_steps=run.n_steps,
            seconds=run.seconds,
            seconds_left=0.0,
            epoch=run.epochs[-1].epoch if run.epochs else 0,
            rows_per_second=run.epochs[-1].rows_per_second if run.epochs else 0.0,
            # The last row is the loss over all rows, where no step leaves.
            **_columns(run.losses[:-1], run.gradient_norms[:-1], run.learning_rates[:-1], list(run.epochs)),
            message=run.message,
            notes=[f"{capital(note)}." for note in run.notes],
        )
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a run's notes say the same
            self._take(sentences=list(run.explain().sentences), **_slice(run))

    def _take(self, **facts: Any) -> None:
        with self._lock:
            self._told = {**self._told, **facts}


def _columns(losses: np.ndarray, sizes: np.ndarray, rates: np.ndarray, epochs: list[Epoch]) -> dict[str, Any]:
    """The record, thinned to what can be drawn."""
    n = len(losses)
    edges = np.unique(np.linspace(0, n, min(n, MOST_PLACES) + 1).astype(int))
    first = edges[:-1]
    with np.errstate(all="ignore"):
        batches = {
            "step": first.astype(float),
            "loss": np.add.reduceat(losses.astype(float), first) / np.diff(edges),
            "low": np.minimum.reduceat(losses, first).astype(float),
            "high": np.maximum.reduceat(losses, first).astype(float),
        }
    columns = np.array([tuple(map(float, epoch)) for epoch in epochs], float).reshape(-1, len(Epoch._fields))
    of = dict(zip(Epoch._fields, columns.T, strict=True))
    known = {name: float(values[-1]) if n else math.nan for name, values in (("gradient", sizes), ("rate", rates))}
    return {
        "batches": batches,
        "epochs": {
            "step": of["n_steps"],
            "loss": of["training_loss"],
            "validation": of["validation_loss"],
            "sharpness": of["sharpness"],
        },
        "loss": float(batches["loss"][-1]) if n else math.nan,
        **known,
    }


def _slice(run: TrainingRun) -> dict[str, Any]:
    """The loss on the plane in which the weights moved most; or why there is none."""
    if run.structure.size < 2:
        return {"slice": None, "no_slice": "there is one weight alone"}
    try:
        found = loss_slice(run, resolution=_RESOLUTION)
    except InvalidInput as error:
        return {"slice": None, "no_slice": error.rule}
    return {
        "slice": {
            "x": found.a,
            "y": found.b,
            "z": found.losses,
            **heights(found.losses),
            "path": _thinned(found.path),
            "explained": found.explained,
        }
    }


def _thinned(path: np.ndarray) -> np.ndarray:
    """The same way with fewer points, its end among them."""
    return path[:: -max(1, len(path) // _MOST_POINTS)][::-1]
