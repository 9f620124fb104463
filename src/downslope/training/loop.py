"""The loop of a training run: chunks of steps, the end of each epoch, and the end of all."""

from __future__ import annotations

import dataclasses
import math
import time
from collections.abc import Iterator
from typing import Any

import jax
import numpy as np

from downslope.engines.compiled import SECONDS_A_CHUNK, Tabulated, is_code
from downslope.errors import CallbackFailed, InvalidData, InvalidFile, ScheduleFailed
from downslope.learning_rates import UnusableRateError
from downslope.stopping import Status
from downslope.training.batches import Batches
from downslope.training.ending import ended_run, last_good, where_it_broke
from downslope.training.feeding import Feed, feeds, whole_batch
from downslope.training.interrupting import Interrupts
from downslope.training.keeping import Keeper
from downslope.training.preparing import Job
from downslope.training.progress_line import ProgressLine
from downslope.training.record import Epoch, TrainingRecord
from downslope.training.sharpness import sharpness_at
from downslope.training.steps import Position, Rows
from downslope.training.summing import passes
from downslope.training.training_run import TrainingRun

BUFFER_BYTES = 16 * 2**20
MOST_STEPS = 4096
"""Steps of one call, and bytes of its points, at most."""


class Training:
    """One training run while it goes on."""

    def __init__(self, job: Job, callback: Any, progress: Any, checkpoint: Any, resume: bool):
        self.job, self.callback = job, callback
        self.notes = list(job.notes)
        self.position: Position = job.steps.start(job.x0)
        self.record = TrainingRecord(job.x0.size, job.structure.dtype, job.max_steps + 1, job.asked.record == "auto")
        self.best = (math.inf, 0, job.x0)
        """The lowest validation loss, its epoch, its weights."""
        self.status = Status.RUNNING
        self.seconds_before = 0.0
        self.began = self.epoch_began = time.perf_counter()
        self.last_feed: Feed | None = None
        self.cluster = job.cluster
        self.interrupts = Interrupts(job.cluster)
        self.keeper = Keeper(self, checkpoint, resume)
        self.line = ProgressLine(self, progress)

    def goes_on(self, position: Position) -> None:
        """Begin where another run of the same model and method has come to, with its weights and memory."""
        fresh = self.position
        self.position = fresh._replace(
            x=np.asarray(position.x), method_state=position.method_state, rate_state=position.rate_state
        )

    @property
    def step(self) -> int:
        """Updates made."""
        return int(self.position.step)

    @property
    def seconds(self) -> float:
        """Of this run, those before a resume included."""
        return self.seconds_before + time.perf_counter() - self.began

    @property
    def x(self) -> np.ndarray:
        """The weights to use at this moment: the average, once there is one."""
        averaged = self.job.steps.averages and float(self.position.n_averaged) > 0
        return np.array(self.position.average if averaged else self.position.x)

    def run(self) -> TrainingRun:
        """Train to the end, whatever it is."""
        try:
            return self._run()
        finally:
            self.keeper.close()
            self.job.source.close()

    def _run(self) -> TrainingRun:
        with self.line, self.interrupts:
            try:
                self._train()
            except KeyboardInterrupt:
                self.status = Status.INTERRUPTED
            except InvalidData as error:
                if self.record.n_rows == 0 or not self.cluster.is_alone:  # the others have not met the row
                    raise
                self.status = Status.NOT_FINITE
                self.notes.append(str(error))
            except InvalidFile as error:  # damage that training came upon
                if self.record.n_rows:
                    self.status = Status.INTERRUPTED
                    self.keeper.keep()
                    error.run = self._ended()
                raise
            except UnusableRateError as error:
                run = self._ended()
                raise ScheduleFailed(f"`learning_rate` {error}; `error.run` holds the steps before", run) from error
        if self.status is Status.RUNNING:
            self.status = Status.MAX_STEPS
        if self.status not in (Status.NOT_FINITE, Status.DIVERGED):
            self.keeper.keep()
        return self._ended()

    def _train(self) -> None:
        if self.status is not Status.RUNNING:  # a resumed run that had already ended
            return
        for feed in self._feeds():
            self.interrupts.check()
            self.last_feed = feed
            self._steps(feed)
            if self.status is not Status.RUNNING:
                return
            if feed.ends_epoch and self._epoch_ends(feed):
                return
            self.line.update()
            self.keeper.keep_in_time()

    def _feeds(self) -> Iterator[Feed]:
        job, left = self.job, self.job.max_steps - self.step
        if left <= 0:
            return
        if job.is_batch and job.rows is None:
            yield from passes(self)
            return
        if job.rows is None:
            batches = Batches(job.source, job.order, job.asked.batch_size or 1, share=self.cluster.share)
            yield from feeds(batches, self.step, left, job.mean_weight, job.model)
            return
        data = whole_batch(job.rows, self.cluster.share)
        every_step = job.validation is not None or self.callback is not None or job.asked.sharpness is not None
        n, most = 1, self._most_steps
        while left > 0:
            began, before = time.perf_counter(), self.step
            n = 1 if every_step else min(n, most, left)
            yield Feed(data, before, n, job.order.n_training, True)
            left = job.max_steps - self.step
            seconds = (time.perf_counter() - began) / max(self.step - before, 1)
            n = int(self.cluster.first_says(max(1, min(int(SECONDS_A_CHUNK / max(seconds, 1e-9)), 8 * n))))

    @property
    def _most_steps(self) -> int:
        job = self.job
        points = BUFFER_BYTES // max(1, job.x0.nbytes) if job.steps.keeps_points else MOST_STEPS
        batches = MOST_STEPS if job.is_batch or self.last_feed is None else self.last_feed.most_batches
        return max(1, min(MOST_STEPS, points, batches))

    def _steps(self, feed: Feed) -> None:
        """Make the steps of a feed, in calls of bounded length; their rows are in the record then."""
        job, done, data = self.job, 0, self.cluster.spread(feed.data)
        while done < feed.n_batches and self.status is Status.RUNNING:
            n = min(feed.n_batches - done, self._most_steps)
            steps, n = self._with_rates(n, feed.epoch)
            epoch = feed.epoch if job.asked.per_epoch and not job.is_batch else None
            first = math.inf if job.asked.average_from is None else (job.asked.average_from - 1) * job.n_batches
            moved = steps.run(self.position, data, n, epoch, first, job.limits, first=done)
            self.position, filled, status, trials, rows = moved
            self.status = Status(status)
            self._add(rows, trials)
            done += filled

    def _with_rates(self, n: int, epoch: int) -> tuple[Any, int]:
        """The compiled steps; a schedule that is Python code is asked for the next rates, and becomes a table."""
        job, schedule = self.job, self.job.rate
        if not is_code(schedule):
            return job.steps.of_size(self._most_steps), n
        asks: Any = schedule
        by_epoch = job.asked.per_epoch and not job.is_batch
        first = epoch if by_epoch else self.step
        known: list[float] = []
        for k in range(first, first + (1 if by_epoch else n)):
            try:
                known.append(float(asks(k)))
            except UnusableRateError:
                if not known:
                    raise
                break
        size = 1 if by_epoch else self._most_steps
        table = Tabulated(np.array(known + known[-1:] * (size - len(known))), first)
        steps = dataclasses.replace(job.steps.of_size(self._most_steps), rate=table)
        return steps, n if by_epoch else len(known)

    def _add(self, rows: Rows, trials: int) -> None:
        columns = (rows.losses, rows.gradient_sizes, rows.learning_rates)
        if self.status in (Status.RUNNING, Status.NOT_FINITE, Status.DIVERGED) or not self.job.is_batch:
            self.record.add(columns, rows.points, trials)
            return
        # It came to rest: the row at which it did is the run's last one, which is looked at again over all rows.
        points = None if rows.points is None else rows.points[:-1]
        self.record.add(tuple(column[:-1] for column in columns), points, trials)

    def _epoch_ends(self, feed: Feed) -> bool:
        """Tell of the epoch; whether the run is over."""
        job, now = self.job, self.seconds
        n = feed.n_batches if job.is_batch else job.n_batches
        losses, _, rates = (column[-n:].astype(float) for column in self.record.columns_of_last(n))
        sizes = np.full(len(losses), job.asked.batch_size or 1.0)
        sizes[-1] = feed.last_rows if not job.is_batch else 1.0
        number = self.step if job.is_batch else feed.epoch + 1
        validation = math.nan if job.validation is None else self.cluster.first_says(job.validation.value(self.x))
        every = job.asked.sharpness
        sharp = sharpness_at(job.objective, self.x) if every is not None and number % every == 0 else math.nan
        pace = job.order.n_training * (n if job.is_batch else 1) / max(time.perf_counter() - self.epoch_began, 1e-9)
        mean = float((losses * sizes).sum() / sizes.sum())
        epoch = Epoch(number, self.step, mean, validation, float(rates[-1]), sharp, pace, now)
        self.record.epochs.append(epoch)
        self.line.update()
        over = self._is_over(epoch)
        self.epoch_began = time.perf_counter()
        return over

    def _is_over(self, epoch: Epoch) -> bool:
        if self.job.validation is not None:
            if epoch.validation_loss < self.best[0] - self.job.asked.min_improvement:
                self.best = epoch.validation_loss, epoch.epoch, self.x
            patience = self.job.asked.early_stopping
            if patience is not None and epoch.epoch - self.best[1] >= patience:
                self.status = Status.STOPPED_EARLY
        return self.status is not Status.RUNNING or (self.callback is not None and self._stops(epoch))

    def _stops(self, epoch: Epoch) -> bool:
        stops = False
        try:
            stops = self.cluster.is_first and self.callback(epoch) is True
        except Exception as error:
            self.status = Status.STOPPED_BY_CALLBACK
            words = f"the callback raised {type(error).__name__}: {error}, after epoch {epoch.epoch}; `error.run` holds"
            raise CallbackFailed(f"{words} the record", self._ended()) from error
        if self.cluster.any_says(stops):
            self.status = Status.STOPPED_BY_CALLBACK
        return self.status is Status.STOPPED_BY_CALLBACK

    def _ended(self) -> TrainingRun:
        self.job, self.position, x = self.job.alone(), jax.tree.map(np.asarray, self.position), self.x
        if self.status in (Status.NOT_FINITE, Status.DIVERGED):
            x = last_good(self.job, self.position, self.status)
            self.notes += where_it_broke(self)
        elif self.job.asked.early_stopping is not None and math.isfinite(self.best[0]):
            x = self.best[2]
            self.notes.append(f"x are the weights of epoch {self.best[1]}, whose validation loss was the lowest")
        elif self.job.steps.averages and float(self.position.n_averaged):
            self.notes.append(f"x is the average of the weights since epoch {self.job.asked.average_from}")
        return ended_run(self, x)
