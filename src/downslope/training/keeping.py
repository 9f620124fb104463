"""Checkpoints of a training run: what is kept, when, and how a run goes on from one.

Kept are the position (weights, the method's memory, the average), the best weights, and the record; the order of rows
is a function of the seed and the step, so nothing of it needs to be. Facts tell the data's fingerprint and what was
asked for: a run goes on only with the same.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
import warnings
from typing import TYPE_CHECKING, Any

import jax
import numpy as np

from downslope.errors import InvalidFile, InvalidInput
from downslope.plain import plain
from downslope.stopping import Status
from downslope.training.checkpoint import Checkpoint, CheckpointFolder, newest
from downslope.training.ending import specification

if TYPE_CHECKING:
    from downslope.training.loop import Training

SECONDS_BETWEEN = 30.0
_MAY_CHANGE = ("max_steps", "epochs", "early_stopping", "sharpness")
"""What a resumed run may be asked for anew."""


class Keeper:
    """Writes checkpoints of one run into a folder; does nothing without one."""

    def __init__(self, training: Training, folder: Any, resume: bool):
        self.training = training
        self.folder: CheckpointFolder | None = None
        self.kept_at = time.perf_counter()
        self.kept_step = -1
        if folder is None and resume:
            raise InvalidInput("resume", "needs a checkpoint folder to go on from", resume)
        if folder is not None:
            self._open(folder, resume)
        _check_same(training)

    def _open(self, folder: Any, resume: bool) -> None:
        training = self.training
        found = newest(folder)
        if found is not None and not resume:
            rule = "must be a folder without a checkpoint of an earlier run; resuming goes on from it"
            raise InvalidInput("checkpoint", rule, str(folder))
        if found is not None:
            self._restore(found)
            if training.status is not Status.RUNNING or training.step == training.job.max_steps:
                training.notes.append(f"the run in {folder} had ended: there was nothing to go on with")
        elif resume:
            training.notes.append(f"there was no checkpoint in {folder}: begun at the start")
        if training.cluster.is_first:
            self.folder = CheckpointFolder(folder)

    def keep_in_time(self) -> None:
        """Write one, if the last is half a minute old."""
        if self.folder is not None and time.perf_counter() - self.kept_at >= SECONDS_BETWEEN:
            self.keep()

    def keep(self) -> None:
        """Write one."""
        training = self.training
        if self.folder is None or training.step == self.kept_step:
            return
        leaves = jax.tree.leaves(training.position)
        arrays = {f"position {i}": np.asarray(leaf) for i, leaf in enumerate(leaves)}
        arrays |= {f"record {name}": values for name, values in training.record.to_arrays().items()}
        arrays["best x"] = np.asarray(training.best[2])
        self.kept_at = time.perf_counter()
        try:
            self.folder.write(training.step, arrays, self._facts())
        except InvalidFile as error:  # a full disk, say: the run goes on, and the checkpoint before is whole
            training.notes.append(f"no checkpoint at step {training.step}: {error}")
            warnings.warn(training.notes[-1], stacklevel=2)
            return
        self.kept_step = training.step

    def close(self) -> None:
        """Let other runs write to the folder."""
        if self.folder is not None:
            self.folder.close()

    def _facts(self) -> dict[str, Any]:
        training = self.training
        best = None if math.isinf(training.best[0]) else [training.best[0], training.best[1]]
        return {
            "asked": _asked(training),
            "fingerprint": training.job.source.fingerprint(),
            "best": best,
            "status": training.status.name,
            "seconds": training.seconds,
            "stride": training.record.stride,
        }

    def _restore(self, found: Checkpoint) -> None:
        training, facts, arrays = self.training, found.facts, found.arrays
        if facts["fingerprint"] != training.job.source.fingerprint():
            raise InvalidInput("data", "must be those of the run that is resumed; they have changed", str(found.path))
        asked = _asked(training)
        for name, before in facts["asked"].items():
            if asked.get(name) != before:
                rule = f"must be as in the run that is resumed: {json.dumps(before)}"
                raise InvalidInput(name, rule, asked.get(name))
        job = training.job
        if found.step > job.max_steps:
            n_epochs = -(-found.step // job.n_batches)
            rule = f"must be {n_epochs:,} or more: the run that is resumed has made {found.step:,} steps"
            raise InvalidInput("epochs", rule, job.asked.epochs)
        leaves, treedef = jax.tree.flatten(training.position)
        given = [arrays[f"position {i}"] for i in range(len(leaves))]
        training.position = jax.tree.unflatten(treedef, given)
        training.record.restore({n.removeprefix("record "): v for n, v in arrays.items() if n.startswith("record ")})
        training.record.stride = facts["stride"]
        if facts["best"] is not None:
            training.best = (float(facts["best"][0]), int(facts["best"][1]), arrays["best x"])
        training.seconds_before = facts["seconds"]
        if facts["status"] in (Status.GRADIENT_SMALL.name, Status.STOPPED_EARLY.name):
            training.status = Status[facts["status"]]
        self.kept_step = training.step


def _asked(training: Training) -> dict[str, Any]:
    """The specification as JSON has it, without what may change."""
    told = specification(training.job)
    told |= told.pop("training")
    told = {name: value for name, value in told.items() if name not in _MAY_CHANGE}
    told["x0"] = np.asarray(told["x0"]).tobytes().hex() if np.size(told["x0"]) <= 4096 else len(told["x0"])
    return json.loads(json.dumps(plain(told), default=str))  # type: ignore[no-any-return]


def _check_same(training: Training) -> None:
    """Raise InvalidInput, in all processes that train together, where one has other data, options or weights."""
    if training.cluster.is_alone:
        return
    told = {"data": training.job.source.fingerprint(), "checkpoint": training.step} | _asked(training)
    digests = {name: hashlib.sha256(json.dumps(value).encode()).digest() for name, value in told.items()}
    digests["start"] = hashlib.sha256(np.asarray(training.position.x).tobytes()).digest()
    training.cluster.check_same(digests)
