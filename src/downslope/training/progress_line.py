"""What follows a training run while it goes on: one line on the standard error, or a function of the caller's.

The line tells epoch, loss, validation, rows a second and the time left.
"""

from __future__ import annotations

import math
import shutil
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downslope.training.loop import Training

SECONDS_BETWEEN = 0.1
SECONDS_BEFORE = 0.5
"""A run that is over by then draws nothing."""


class ProgressLine:
    """Draws where `wanted` is True, and calls it where it is a function; the line is wiped at the end."""

    def __init__(self, training: Training, wanted: bool | Callable[[Training], Any]):
        self.training, self.wanted = training, wanted
        self.began = time.perf_counter()
        self.drawn_at, self.is_drawn = self.began + SECONDS_BEFORE - SECONDS_BETWEEN, False
        self.first_step: int | None = None

    def __enter__(self) -> ProgressLine:
        self.began = time.perf_counter()
        self.first_step = self.training.step
        return self

    def __exit__(self, *_: Any) -> None:
        if self.is_drawn:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def update(self) -> None:
        """Draw, if it is time."""
        if callable(self.wanted):
            self.wanted(self.training)
            return
        now = time.perf_counter()
        if not self.wanted or now - self.drawn_at < SECONDS_BETWEEN:
            return
        self.drawn_at, self.is_drawn = now, True
        sys.stderr.write(f"\r\x1b[K{self.words(now, shutil.get_terminal_size().columns)}")
        sys.stderr.flush()

    def words(self, now: float, width: int) -> str:
        """The line; in a narrow terminal without the pace, then without losses: a longer one could not be wiped."""
        training = self.training
        job, step = training.job, training.step
        made, left = step - (self.first_step or 0), job.max_steps - step
        seconds = max(now - self.began, 1e-9)
        parts = [f"epoch {min(step // job.n_batches + 1, job.asked.epochs)}/{job.asked.epochs}"]
        losses = training.record.columns_of_last(min(job.n_batches, 50))[0]
        if len(losses):
            parts.append(f"loss {float(losses.mean()):.5g}")
        if training.record.epochs and not math.isnan(training.record.epochs[-1].validation_loss):
            parts.append(f"validation {training.record.epochs[-1].validation_loss:.5g}")
        parts.append(f"{made * (job.asked.batch_size or job.order.n_training) / seconds:,.0f} rows/s")
        if made:
            parts.append(f"{_clock(left * seconds / made)} left")
        while len("  ".join(parts)) >= width and len(parts) > 1:
            del parts[-2]
        return "  ".join(parts)


def _clock(seconds: float) -> str:
    whole = round(seconds)
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02d}:{whole % 60:02d}" if hours else f"{minutes}:{whole % 60:02d}"
