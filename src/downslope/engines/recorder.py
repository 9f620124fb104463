"""Recorder: takes the rows of a run while it goes on."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np

Record = Literal["path", "losses", "auto"]

PATH_BYTES = 256 * 2**20
"""What a path may take with record="auto" before every second row of it is dropped."""
_FIRST_ROWS = 2**20
_FIRST_BYTES = 2**26


class Recorder:
    """The rows so far: points (thinned where they take too much memory), losses, gradient sizes and rates."""

    def __init__(
        self,
        size: int,
        dtype: np.dtype[Any],
        record: Record = "auto",
        rate_shape: tuple[int, ...] = (),
        max_rows: int = _FIRST_ROWS,
        constant_rate: Any = None,
    ):
        self.size, self.dtype, self.record, self.max_rows = size, dtype, record, max_rows
        self.keeps_path = record != "losses"
        self.rate_shape = rate_shape if self.keeps_path else ()
        self.constant_rate = constant_rate
        """The rate of every step, where it is the same and need not be taken down."""
        self.n_rows = self.n_trials = 0
        self.stride = 1
        """Every how many rows a point is kept."""
        self.last_x: np.ndarray | None = None
        self.last_finite_x: np.ndarray | None = None
        """The point of the last row that is finite throughout; the start where none is."""
        self.method_state: Any = None
        """What the method remembered at the end, where an explanation needs it."""
        self._points = _Column((size,), dtype, max_rows if self.keeps_path else 0)
        self._losses = _Column((), dtype, max_rows)
        self._sizes = _Column((), dtype, max_rows)
        self._rates = _Column(self.rate_shape, dtype, max_rows)

    def fresh(self) -> Recorder:
        """An empty recorder for the same run."""
        return Recorder(self.size, self.dtype, self.record, self.rate_shape, self.max_rows, self.constant_rate)

    @property
    def first_loss(self) -> float:
        """The loss at the start."""
        return float(self._losses.rows[0])

    @property
    def last_loss(self) -> float:
        """The loss of the last row."""
        return float(self._losses.rows[-1])

    def add_row(self, x: np.ndarray, loss: Any, size: Any, rate: Any, n_trials: int) -> None:
        """Append one row."""
        rate = rate if np.ndim(rate) <= len(self.rate_shape) else np.max(rate)
        self.add_rows(x[None], (loss, size, np.broadcast_to(rate, self.rate_shape)[None]), 1, n_trials)

    def add_rows(self, x: np.ndarray | None, columns: tuple[Any, Any, Any], n: int, n_trials: int) -> None:
        """Append n rows: points of shape (n, size) or None where the caller keeps them; losses, sizes, rates."""
        losses, sizes, rates = columns
        if x is not None:
            self._note_last(x, losses, sizes)
            if self.keeps_path:
                self._points.append(x[(-self.n_rows) % self.stride :: self.stride])
                self._thin()
        self._losses.append(losses, n)
        self._sizes.append(sizes, n)
        if self.constant_rate is None:
            self._rates.append(rates, n)
        self.n_rows += n
        self.n_trials += n_trials

    def path(self) -> tuple[np.ndarray | None, np.ndarray]:
        """The points and their steps, the last row always among them."""
        if not self.keeps_path or self.last_x is None:
            return None, np.arange(self.n_rows)
        steps = np.arange(0, self.n_rows, self.stride)
        rows = self._points.rows[: len(steps)]
        if steps[-1] == self.n_rows - 1:
            return rows, steps
        return np.concatenate([rows, self.last_x[None]]), np.append(steps, self.n_rows - 1)

    def columns(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Losses, gradient sizes and rates of all rows."""
        # Ctrl-C may have come between two columns; n_rows counts the rows that are whole.
        losses, sizes, rates = (c.rows[: self.n_rows] for c in (self._losses, self._sizes, self._rates))
        if self.constant_rate is not None:
            rate = self.constant_rate if self.rate_shape else np.max(self.constant_rate)
            rates = np.full((self.n_rows, *self.rate_shape), rate, self.dtype)
        rates[-1] = np.nan  # no step leaves the last row
        return losses, sizes, rates

    def _note_last(self, x: np.ndarray, losses: Any, sizes: Any) -> None:
        """Only the last row of a run can be other than finite."""
        self.last_x = x[-1].astype(self.dtype)  # a copy; an eager run may be ahead of the path's precision
        if np.isfinite(np.ravel(losses)[-1]) and np.isfinite(np.ravel(sizes)[-1]):
            self.last_finite_x = self.last_x
        elif len(x) > 1 or self.last_finite_x is None:
            self.last_finite_x = x[max(len(x) - 2, 0)].astype(self.dtype)

    def _thin(self) -> None:
        while self.record == "auto" and self._points.rows.nbytes > PATH_BYTES and len(self._points.rows) > 2:
            self.stride *= 2
            self._points.keep_every_second()


class _Column:
    """An array that grows at its end. Memory that was never written to costs nothing but addresses."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], max_rows: int):
        row_bytes = max(1, int(np.prod(shape))) * dtype.itemsize
        capacity = max(1, min(max_rows, _FIRST_ROWS, _FIRST_BYTES // row_bytes))
        self._array = np.empty((capacity, *shape), dtype)
        self._n = 0

    @property
    def rows(self) -> np.ndarray:
        return self._array[: self._n]

    def append(self, rows: Any, n: int | None = None) -> None:
        n = len(rows) if n is None else n
        if self._n + n > len(self._array):
            grown = np.empty((max(2 * len(self._array), self._n + n), *self._array.shape[1:]), self._array.dtype)
            grown[: self._n] = self.rows
            self._array = grown
        self._array[self._n : self._n + n] = rows
        self._n += n

    def keep_every_second(self) -> None:
        kept = self.rows[::2].copy()
        self._n = 0
        self.append(kept)
