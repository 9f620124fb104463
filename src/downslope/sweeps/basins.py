"""Basins of attraction: from which starts of a box a method ends in which minimum, and in how many steps.

The basins of the gradient flow meet in the maxima and on the ridges between the minima. A method with a finite rate has
basins of its own: where a step is so long that it leaps over a minimum, 1 - a f'' < 0 with the rate a and the curvature
f'', it may come down on the other side of a ridge.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.analysis.critical_points import search_box
from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.plain import plain
from downslope.stopping import Status
from downslope.sweeps.boxes import descents, whole
from downslope.sweeps.minima import Minimum
from downslope.sweeps.sweep import Sweep
from downslope.wording import counted, number
from downslope.wording import numbers as in_words

MOST_STARTS = 2**25
_MOST_SHOWN = 12
_ZERO = 1e-6
"""Of the box: a run ends where the gradient is small, and not to the last digit."""
_UNDONE = tuple(status for status in Status if not status.converged)


@dataclass(frozen=True, eq=False, repr=False)
class Basins:
    """Which minimum each start of a grid leads to.

    The arrays have shape (m,) for one variable and (m, m) for two, the second variable down the rows: `which[j, i]`
    tells of the start (x[i], y[j]), as pictures and matrices are read.

    >>> import downslope
    >>> found = downslope.basins("double_well", (-1.8, 1.8), resolution=8)
    >>> [round(minimum.x, 4) for minimum in found.minima], found.starts[:3].round(2).tolist()
    ([-1.0, 1.0], [-1.8, -1.29, -0.77])
    >>> found.which.tolist()
    [0, 0, 0, 0, 1, 1, 1, 1]
    """

    minima: tuple[Minimum, ...]
    """Lowest loss first, and by their place where losses are the same but for rounding; those outside the box, where
    some starts leave it, among them."""
    which: np.ndarray
    """The number of the minimum that each start of the grid leads to, in the grid's shape; -1 for none."""
    sweep: Sweep = field(repr=False)
    """All the descents."""
    bounds: tuple[np.ndarray, np.ndarray]
    """The lower and the upper sides of the box, each of shape (n,)."""

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of the variables."""
        return self.sweep.variables

    @property
    def resolution(self) -> int:
        """Starts along each variable, the ends of the box included."""
        return len(self.which)

    @property
    def starts(self) -> np.ndarray:
        """Where each run began, shape (m,) or (m, m, 2)."""
        n = self.sweep.starts.shape[1]
        return self.sweep.starts.reshape(self.which.shape if n == 1 else (*self.which.shape, n))

    @property
    def n_steps(self) -> np.ndarray:
        """Updates made from each start, in the grid's shape."""
        return self._shaped(self.sweep.lanes.n_steps)

    @property
    def status(self) -> np.ndarray:
        """Why each run ended, in the grid's shape: a `Status` as a number."""
        return self._shaped(self.sweep.lanes.status)

    @property
    def outside(self) -> tuple[bool, ...]:
        """Whether each minimum lies outside the box."""
        lower, upper = self.bounds
        return tuple(bool(((m.x < lower) | (m.x > upper)).any()) for m in self.minima)

    def place(self, minimum: Minimum) -> str:
        """Where a minimum lies, in words; what is zero as far as the box can tell is 0."""
        lower, upper = self.bounds
        x = np.ravel(minimum.x)
        return in_words(np.where(np.abs(x) < _ZERO * (upper - lower), 0.0, x).tolist())

    @property
    def message(self) -> str:
        """What was found, in words."""
        m = self.resolution
        n_reached = int(np.count_nonzero(self.which >= 0))
        minima = "1 minimum" if len(self.minima) == 1 else f"{len(self.minima)} minima"
        grid = counted(m, "start") if self.which.ndim == 1 else f"{m:,} x {m:,} starts"
        parts = [f"{minima} from {grid}, of which {number(100 * n_reached / self.which.size)} % reached one"]
        if any(self.outside):
            parts.append(
                f"{sum(self.outside)} of the minima {'lies' if sum(self.outside) == 1 else 'lie'} outside the box"
            )
        others = self.which < 0
        if n_resting := int(np.count_nonzero(others & (self.status == Status.GRADIENT_SMALL))):
            parts.append(f"{counted(n_resting, 'start')} ended at a maximum or a saddle")
        counts = {status: int(np.count_nonzero(others & (self.status == status))) for status in _UNDONE}
        parts += [f"{counted(n, 'start')}: {status.reason}" for status, n in counts.items() if n]
        return "; ".join(parts) + "."

    def to_dict(self) -> dict[str, Any]:
        """What was found, fit for JSON; of a map of more than 1,000 starts, its size and first numbers."""
        minima = [
            {"x": m.x, "loss": m.loss, "n_starts": m.n_starts, "share": m.share, "outside": outside}
            for m, outside in zip(self.minima, self.outside, strict=True)
        ]
        told: dict[str, Any] = plain(
            {
                "fun": self.sweep.objective.name,
                "variables": self.variables,
                "bounds": list(zip(*self.bounds, strict=True)),
                "resolution": self.resolution,
                "minima": minima,
                "which": self.which,
                "n_steps": self.n_steps,
                "message": self.message,
            }
        )
        return told

    def _shaped(self, lanes: np.ndarray) -> np.ndarray:
        return lanes.reshape(self.which.shape)

    def __repr__(self) -> str:
        shown = [
            f"  x = {self.place(m)}  loss {number(m.loss)}  {100 * m.share:.2f} % of starts"
            + ("  outside the box" if outside else "")
            for m, outside in zip(self.minima[:_MOST_SHOWN], self.outside, strict=False)
        ]
        more = len(self.minima) - len(shown)
        return "\n".join([self.message, *shown, *([f"  and {more} more"] if more else [])])


def basins(
    fun: Any,
    bounds: Any = None,
    *,
    resolution: int = 256,
    method: Any = "gradient_descent",
    learning_rate: Any = None,
    inside: bool = False,
    jac: Callable[..., Any] | None = None,
    max_steps: int = 10_000,
    gradient_tolerance: float = 1e-6,
    progress: bool = False,
) -> Basins:
    """Descend from every point of a grid over a box of one or two variables, and tell which minimum each leads to.

    Only runs that end with a small gradient count, and only where no direction leads down: a start on a ridge, which
    ends at a saddle, leads to no minimum. Ends are one minimum where they, or the minima below them, lie within a
    thousandth of the box, and where they lie on a line of minima.

    Parameters
    ----------
    fun, jac, method, learning_rate, max_steps, gradient_tolerance, progress
        As for `minimize` and `sweep`. With one pair of bounds, f(x) is given a number; else a vector.
    bounds
        (low, high), a list with one pair a variable, or scipy.optimize.Bounds; finite. None is a gallery problem's
        own domain.
    resolution
        Starts along each variable, 2 or more, the ends of the box included. An even number has none on the middle,
        where a symmetric function has its ridges.
    inside
        Project steps into the box, so that `fun` is never evaluated outside. By default the starts alone are inside:
        runs may leave the box, come back, or end in a minimum outside, which is counted as the others are.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule; nothing was run.

    >>> found = basins("himmelblau", [(-5, 5), (-5, 5)], resolution=64, learning_rate=0.01)
    >>> found.which.shape, len(found.minima)
    ((64, 64), 4)
    >>> found.message
    '4 minima from 64 x 64 starts, of which 100 % reached one.'
    """
    objective = Objective.of(fun, jac)
    lower, upper = search_box(objective, bounds)
    if lower.size > 2:
        raise InvalidInput("bounds", "must be of one or two variables (multistart takes more)", lower.size)
    m = whole("resolution", resolution, 2, int(MOST_STARTS ** (1 / lower.size)))
    points = np.stack(np.meshgrid(*np.linspace(lower, upper, m, axis=1)), axis=-1)
    minima, which, runs = descents(
        objective,
        bounds,
        (lower, upper),
        points.reshape(-1, lower.size),
        method=method,
        learning_rate=learning_rate,
        inside=inside,
        max_steps=max_steps,
        gradient_tolerance=gradient_tolerance,
        progress=progress,
    )
    return Basins(minima, which.reshape(points.shape[:-1]), runs, (lower, upper))
