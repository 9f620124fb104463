"""The record of a training run: a row a step, a row an epoch, and the weights' path, thinned.

Losses, gradient sizes and rates are kept for every step, 12 or 24 bytes each. Of the weights one point in `stride` is
kept, so that the path stays within `PATH_BYTES`; the stride is known before the first step, because the number of steps
is, and a resumed run goes on with it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

PATH_BYTES = 32 * 2**20
"""What the points may take: enough for a picture, which shows some thousand of them."""
MOST_POINTS = 2**14


class Epoch(NamedTuple):
    """What is known at the end of an epoch.

    >>> import downslope, numpy as np
    >>> X = np.arange(64.0)[:, None] / 64
    >>> run = downslope.fit("linear", (X, X[:, 0]), batch_size=8, epochs=3, learning_rate=0.1)
    >>> [(epoch.epoch, epoch.n_steps) for epoch in run.epochs]
    [(1, 8), (2, 16), (3, 24)]
    """

    epoch: int
    """Counted from 1."""
    n_steps: int
    """Updates made by then."""
    training_loss: float
    """The mean of the epoch's batch losses, each seen before its own update; penalties included."""
    validation_loss: float
    """Over the rows held out, without penalties, at the end of the epoch; NaN where there are none."""
    learning_rate: float
    """Of the epoch's last step."""
    sharpness: float
    """The leading eigenvalue of the loss's Hessian at the end of the epoch; NaN where it was not asked for."""
    rows_per_second: float
    """Of this epoch."""
    seconds: float
    """Since the run began."""


class TrainingRecord:
    """Grows by the rows of a chunk."""

    def __init__(self, n_parameters: int, dtype: np.dtype[Any], most_steps: int, keeps_path: bool):
        most = max(2, min(MOST_POINTS, PATH_BYTES // (n_parameters * dtype.itemsize)))
        self.stride = max(1, -(-most_steps // most))
        self.dtype, self.keeps_path = dtype, keeps_path
        self.n_rows = self.n_trials = 0
        self.epochs: list[Epoch] = []
        self._columns: list[list[np.ndarray]] = [[], [], []]
        self._points: list[np.ndarray] = []
        self._steps: list[int] = []

    def add(self, columns: tuple[np.ndarray, ...], points: np.ndarray | None, n_trials: int) -> None:
        """Append rows: losses, gradient sizes, rates; and their points."""
        n = len(columns[0])
        for kept, rows in zip(self._columns, columns, strict=True):
            kept.append(np.asarray(rows, self.dtype))
        if points is not None and self.keeps_path:
            first = -self.n_rows % self.stride
            self._points += [point.copy() for point in points[first :: self.stride]]
            self._steps += range(self.n_rows + first, self.n_rows + n, self.stride)
        self.n_rows += n
        self.n_trials += n_trials

    def add_point(self, x: np.ndarray) -> None:
        """The point of the row that comes next, where it is one to keep and the program does not hand points out."""
        if self.keeps_path and (not self._steps or self.n_rows >= self._steps[-1] + self.stride):
            self._points.append(np.array(x))
            self._steps.append(self.n_rows)

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Losses, gradient sizes and rates of all rows."""
        losses, sizes, rates = (np.concatenate(kept) if kept else np.empty(0, self.dtype) for kept in self._columns)
        return losses, sizes, rates

    def columns_of_last(self, n: int) -> tuple[np.ndarray, ...]:
        """The same of the last n rows, or somewhat more."""
        last: list[np.ndarray] = []
        for kept in self._columns:
            first, length = len(kept), 0
            while first and length < n:
                first -= 1
                length += len(kept[first])
            last.append(np.concatenate(kept[first:]) if kept[first:] else np.empty(0, self.dtype))
        return tuple(last)

    def path(self, last: np.ndarray) -> tuple[np.ndarray | None, np.ndarray]:
        """The points and their steps; `last` is that of the last row."""
        if not self.keeps_path:
            return None, np.arange(self.n_rows)
        points, steps = list(self._points), list(self._steps)
        if not steps or steps[-1] != self.n_rows - 1:
            points.append(last)
            steps.append(self.n_rows - 1)
        return np.array(points, self.dtype), np.array(steps)

    def to_arrays(self) -> dict[str, np.ndarray]:
        """All of it, for a checkpoint."""
        losses, sizes, rates = self.columns()
        return {
            "losses": losses,
            "gradient_sizes": sizes,
            "learning_rates": rates,
            "points": np.array(self._points, self.dtype),
            "point_steps": np.array(self._steps, np.int64),
            "epochs": np.array([tuple(map(float, epoch)) for epoch in self.epochs], float).reshape(-1, 8),
            "counts": np.array([self.n_rows, self.n_trials], np.int64),
        }

    def restore(self, arrays: dict[str, np.ndarray]) -> None:
        """The inverse of `to_arrays`."""
        self._columns = [[arrays[name]] for name in ("losses", "gradient_sizes", "learning_rates")]
        self._points, self._steps = list(arrays["points"]), arrays["point_steps"].tolist()
        self.epochs = [Epoch(int(row[0]), int(row[1]), *map(float, row[2:])) for row in arrays["epochs"]]
        self.n_rows, self.n_trials = (int(count) for count in arrays["counts"])
