"""Recorder: takes the rows of a run while it goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

Record = Literal["path", "losses", "auto"]

PATH_BYTES = 256 * 2**20
"""What a path may take with record="auto" before every second row of it is dropped."""
_ROWS_A_BLOCK = 256


@dataclass
class Recorder:
    """The rows so far: points (thinned where they take too much memory), losses, gradient sizes and rates."""

    size: int
    dtype: np.dtype[Any]
    record: Record = "auto"
    rate_shape: tuple[int, ...] = ()

    n_rows: int = 0
    n_trials: int = 0
    stride: int = 1
    """Every how many rows a point is kept."""
    last_x: np.ndarray | None = None
    last_finite_x: np.ndarray | None = None
    """The point of the last row that is finite throughout; the start where none is."""
    last_loss: float = np.nan
    _points: list[np.ndarray] = field(default_factory=list)
    _point_bytes: int = 0
    _scalars: list[tuple[np.ndarray, ...]] = field(default_factory=list)
    _waiting: list[tuple[Any, ...]] = field(default_factory=list)

    @property
    def keeps_path(self) -> bool:
        """False where the points themselves are not recorded."""
        return self.record != "losses"

    def add_row(self, x: np.ndarray, loss: Any, size: Any, rate: Any, n_trials: int) -> None:
        """Append one row; rows are put together in blocks."""
        self.last_x, self.last_loss = x, float(loss)
        if self.last_finite_x is None or (np.isfinite(loss) and np.isfinite(size)):
            self.last_finite_x = x
        if np.ndim(rate) > len(self.rate_shape):
            rate = np.max(rate)
        self._waiting.append((x, loss, size, np.broadcast_to(rate, self.rate_shape)))
        self.n_rows += 1
        self.n_trials += n_trials
        if len(self._waiting) == _ROWS_A_BLOCK or len(self._waiting) * x.nbytes > PATH_BYTES // 8:
            self._put_together()

    def add_rows(self, x: np.ndarray | None, columns: tuple[Any, Any, Any], n_trials: int) -> None:
        """Append rows: points of shape (n, size), or None where they are not kept; losses, sizes and rates."""
        losses, sizes, rates = columns
        if x is not None:
            self.last_x = x[-1]
            finite = np.flatnonzero(np.isfinite(losses) & np.isfinite(sizes))
            if finite.size or self.last_finite_x is None:
                self.last_finite_x = x[finite[-1] if finite.size else 0]
            self._keep(x, self.n_rows)
        self._scalars.append((losses, sizes, rates))
        self.last_loss = float(losses[-1])
        self.n_rows += len(losses)
        self.n_trials += n_trials

    def path(self) -> tuple[np.ndarray | None, np.ndarray]:
        """The points and their steps, the last row always among them."""
        self._put_together()
        if not self.keeps_path or self.last_x is None:
            return None, np.arange(self.n_rows)
        steps = np.arange(0, self.n_rows, self.stride)
        missing = steps[-1] != self.n_rows - 1
        rows = np.concatenate([*self._points, *([self.last_x[None]] if missing else [])])
        return rows, np.append(steps, self.n_rows - 1) if missing else steps

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Losses, gradient sizes and rates of all rows."""
        self._put_together()
        losses, sizes, rates = (np.concatenate(parts) for parts in zip(*self._scalars, strict=True))
        rates[-1] = np.nan  # no step leaves the last row
        return losses, sizes, rates

    def _put_together(self) -> None:
        if not self._waiting:
            return
        points, *columns = zip(*self._waiting, strict=True)
        if self.keeps_path:
            self._keep(np.stack(points), self.n_rows - len(points))
        self._scalars.append(tuple(np.array(column, dtype=self.dtype) for column in columns))
        self._waiting = []

    def _keep(self, x: np.ndarray, first: int) -> None:
        """Keep the points whose step is a multiple of the stride; double it where they take too much."""
        kept = x[(-first) % self.stride :: self.stride]
        self._points.append(kept)
        self._point_bytes += kept.nbytes
        while self.record == "auto" and self._point_bytes > PATH_BYTES and self.stride < self.n_rows + len(x):
            self.stride *= 2
            self._points = [np.concatenate(self._points)[::2].copy()]
            self._point_bytes = self._points[0].nbytes
