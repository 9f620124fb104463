"""How a run moved, read from its record: which way each step turned, and how its steps and slopes grew or shrank.

The path is read in the directions of the Hessian's own axes where they are known, since a run that zigzags across a
ravine goes straight along it. Rates of growth are slopes of logarithms over the last quarter of the run.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

import numpy as np

from downslope.run import Run

MOST_NUMBERS = 2_000_000
"""Of a longer path only the last rows are read."""
_SHORTEST_TAIL = 12
_REVERSES = 0.5
"""A run zigzags where steps that turn back make up this share of its way."""
_MATTERS = 0.2
"""An axis with this share of the way matters; and a zigzag turns back at no smaller share of its steps."""
_ROUNDING = 1e-13
"""Steps and slopes below this share of the largest are rounding."""
_SAME = 1e-2
"""Two points that take turns are a cycle where their distance changes by less than this share over the tail."""


class Behaviour(enum.Enum):
    """What a run did, in a word or two.

    >>> Behaviour.ZIGZAG.value
    'zigzag'
    """

    AT_REST = "at rest"
    STRAIGHT = "straight descent"
    ZIGZAG = "zigzag"
    SPIRAL = "spiral"
    BOUNCING = "bouncing"
    CRAWLING = "crawling"
    PLATEAU = "plateau"
    SADDLE = "stuck at a saddle"
    MAXIMUM = "stuck at a maximum"
    DIVERGING = "diverging"
    FALLING = "falling without end"
    STOPPED_SHORT = "stopped short"
    AT_BOUND = "held at a bound"
    NOISE_FLOOR = "noise floor"
    ERRATIC = "erratic"
    LEFT_DOMAIN = "left the domain"
    LIMIT_OF_PRECISION = "limit of precision"


@dataclass(frozen=True, eq=False)
class Motion:
    """What the record shows of a run's way."""

    shape: Behaviour | None
    """STRAIGHT, ZIGZAG or SPIRAL; None where no two steps in a row are known."""
    n_reversals: int
    """How often the direction that the run moved in most was reversed."""
    step_growth: float | None
    """By what the steps' length was multiplied at each step, over the tail."""
    gradient_growth: float | None
    """The same of the gradient's size."""
    loss_growth: float | None
    """The same of the loss, where it rises."""
    turns_back: bool
    """Whether, over the tail, each step turns back on the one before."""
    cycle: tuple[np.ndarray, np.ndarray] | None
    """The two flat points that take turns at the end, where they do."""
    power: float | None
    """p, where the gradient falls as 1 / step^p rather than by a factor."""
    rises: float
    """Share of the tail's steps at which the loss rose."""
    jump: float | None = None
    """The length of a step in its largest component, in the middle of those of the tail."""
    axis: int | None = None
    """The number of the axis that swings most, where one does."""

    @property
    def multiplier(self) -> float | None:
        """What each step of the tail multiplied the step by, with its sign."""
        return None if self.step_growth is None else (-1 if self.turns_back else 1) * self.step_growth


def motion(run: Run, axes: np.ndarray | None = None) -> Motion:
    """Read the record; `axes` has the Hessian's eigenvectors as its columns, shape (n, k).

    >>> import downslope
    >>> found = motion(downslope.minimize("x^2", 5.0, learning_rate=0.9))
    >>> found.shape, round(found.multiplier, 6)
    (<Behaviour.ZIGZAG: 'zigzag'>, -0.8)
    """
    points = _points(run)
    losses, slopes = _finite(run.losses), _finite(run.gradient_norms)
    gradient_growth, power = _decay(_above_rounding(slopes, _ROUNDING * float(np.max(slopes, initial=0.0))))
    facts = {
        "gradient_growth": gradient_growth,
        "power": power,
        "loss_growth": _growth(losses) if len(losses) > 1 and losses[-1] > max(losses[0], 0) else None,
        "rises": float(np.mean(np.diff(_tail(losses)) > 0)) if len(losses) > 1 else 0.0,
    }
    with np.errstate(all="ignore"):
        steps = np.diff(points, axis=0) if points is not None else np.empty((0, 1))
    steps = steps[np.isfinite(steps).all(axis=1)]
    if points is not None and len(steps):  # steps of a few roundings say nothing
        size = float(np.max(np.abs(points[np.isfinite(points).all(axis=1)])))
        steps = steps[: len(_above_rounding(np.abs(steps).max(axis=1), _ROUNDING * size))]
    if len(steps) == 0:
        return Motion(None, 0, None, turns_back=False, cycle=None, **facts)  # type: ignore[arg-type]
    lengths = _lengths(steps)
    growth = _growth(lengths)
    cosines = _cosines(_tail(steps))
    turns_back = bool(len(cosines) and np.median(cosines) < -0.9)
    shape, n_reversals, axis = _shape(steps @ axes if axes is not None else steps)
    cycle = _cycle(points, growth) if turns_back and points is not None else None
    jump = float(np.median(np.abs(_tail(steps)).max(axis=1)))
    seen = {"turns_back": turns_back, "cycle": cycle, "jump": jump, "axis": axis}
    return Motion(shape, n_reversals, growth, **seen, **facts)  # type: ignore[arg-type]


def _above_rounding(sizes: np.ndarray, floor: float) -> np.ndarray:
    """The sizes up to the last one above the floor; none, where none is above 0."""
    above = np.flatnonzero(sizes > floor) if np.any(sizes > floor) else np.flatnonzero(sizes > 0)
    return sizes[: int(above[-1]) + 1] if above.size else sizes[:0]


def _cycle(points: np.ndarray, growth: float | None) -> tuple[np.ndarray, np.ndarray] | None:
    """The two points that take turns over the whole tail, where they do."""
    tail = _tail(points)
    if len(tail) < 5 or not np.isfinite(tail).all():
        return None
    apart = _lengths(np.diff(tail, axis=0))
    returns = _lengths(tail[2:] - tail[:-2])
    if (
        apart.min() <= _ROUNDING * np.abs(tail).max()
        or returns.max() >= _SAME * apart.min()
        or abs(np.log(growth or 1)) * len(tail) >= _SAME
    ):
        return None
    return tail[-2], tail[-1]


def _points(run: Run) -> np.ndarray | None:
    """The path's flat points one step apart, from the last ones backwards; None where there are none."""
    if run.path is None or len(run.path_steps) < 2 or run.path_steps[1] != 1:
        return None
    rows = run.structure.flatten_rows(run.path).astype(float)
    return rows[-max(MOST_NUMBERS // rows.shape[1], 3) :]


def _shape(steps: np.ndarray) -> tuple[Behaviour, int, int]:
    """The shape of the way, from its steps along each axis; the turns on the axis that tells, and which that is."""
    size = float(np.abs(steps).max())
    scaled = steps / size if size > 0 else steps
    back = scaled[1:] * scaled[:-1] < 0
    way = np.abs(scaled)
    ways, total = way.sum(axis=0), way.sum()
    reversed_way = np.where(back, np.minimum(way[1:], way[:-1]), 0.0).sum() + np.where(back[:1], way[:1], 0.0).sum()
    counts = back.sum(axis=0)
    busiest = int(np.where(ways > _MATTERS * total, counts, -1).argmax())
    if total > 0 and reversed_way > _REVERSES * total and counts[busiest] >= _MATTERS * (len(steps) - 1):
        return Behaviour.ZIGZAG, int(counts[busiest]), busiest
    # Two turns on an axis that matters, far enough apart not to be a zigzag: it swings around.
    is_swing = counts[busiest] >= 2
    return Behaviour.SPIRAL if is_swing else Behaviour.STRAIGHT, int(counts[busiest]), busiest


def _tail(rows: np.ndarray) -> np.ndarray:
    """The last quarter, or the last dozen."""
    return rows[-max(len(rows) // 4, _SHORTEST_TAIL) :]


def _lengths(steps: np.ndarray) -> np.ndarray:
    largest = np.abs(steps).max(axis=1, keepdims=True)
    safe = np.where(largest > 0, largest, 1.0)
    return np.asarray((largest * np.sqrt(((steps / safe) ** 2).sum(axis=1, keepdims=True)))[:, 0])


def _cosines(steps: np.ndarray) -> np.ndarray:
    lengths = _lengths(steps)
    kept = lengths > 0
    units = steps[kept] / lengths[kept, None]
    return np.asarray((units[1:] * units[:-1]).sum(axis=1))


def _finite(values: np.ndarray) -> np.ndarray:
    return np.asarray(values[np.isfinite(values)], dtype=float)  # half precision has no linear algebra


def _growth(values: np.ndarray) -> float | None:
    """The factor at each step: the slope of the logarithm over the tail, which swings of a spiral disturb little."""
    tail = _tail(values)
    tail = tail[: int(np.flatnonzero(tail > 0)[-1]) + 1] if np.any(tail > 0) else tail[:0]
    positive = np.flatnonzero(tail > 0)
    if len(positive) < 2:
        return None
    return float(np.exp(np.polyfit(positive, np.log(tail[positive]), 1)[0]))


def _decay(slopes: np.ndarray) -> tuple[float | None, float | None]:
    """The gradient's factor at each step, and its power of the step's number where that fits better."""
    growth = _growth(slopes)
    first = len(slopes) // 2
    tail = slopes[first:]
    if growth is None or growth >= 1 or len(tail) < 4 * _SHORTEST_TAIL or np.any(tail <= 0):
        return growth, None
    steps, logs = np.arange(first, len(slopes)) + 1.0, np.log(tail)
    by_factor = np.polyfit(steps, logs, 1, full=True)[1]
    slope, rest = np.polyfit(np.log(steps), logs, 1, full=True)[:2]
    if by_factor.size and rest.size and rest[0] < 0.01 * by_factor[0]:
        return growth, float(-slope[0])
    return growth, None
