"""What `critical_points` found: the points, and in words what the search may have missed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.curvature import PointKind
from downslope.plain import plain
from downslope.wording import counted, number, numbers

_MOST_SHOWN = 12
_PLURALS = {PointKind.MINIMUM: "minima", PointKind.MAXIMUM: "maxima", PointKind.SADDLE: "saddles"}


@dataclass(frozen=True, eq=False)
class CriticalPoint:
    """A point where the slope is zero.

    >>> import downslope
    >>> point = downslope.critical_points("(x - 2)^2 + 3", (0, 5)).lowest
    >>> point, point.x, point.curvatures.tolist()
    (<minimum x = 2, loss = 3, curvature 2>, 2.0, [2.0])
    """

    x: Any
    """A number for a function of one variable, else a vector of shape (n,)."""
    loss: float
    """The value there."""
    kind: PointKind
    """Minimum, maximum, saddle or flat."""
    curvatures: np.ndarray
    """The eigenvalues of the Hessian there, ascending, shape (n,)."""
    n_finds: int
    """How often it was found: from samples by Newton's method, downhill, and between changes of the slope's sign."""

    def __repr__(self) -> str:
        where = numbers(np.ravel(self.x).tolist())
        curvatures = numbers(self.curvatures.tolist())
        return f"<{self.kind.value} x = {where}, loss = {number(self.loss)}, curvature {curvatures}>"


@dataclass(frozen=True, eq=False)
class CriticalPoints:
    """The points that samples led to, lowest loss first; a sequence.

    >>> import downslope
    >>> downslope.critical_points("double_well", (-1.8, 1.8))
    3 critical points from 256 samples: 2 minima, 1 maximum.
    Each was found at least ... times; a basin narrower than the spacing of the samples can still be missed.
      minimum  x = ...1  loss 0  curvature 8   ... finds
      minimum  x = ...1  loss 0  curvature 8   ... finds
      maximum  x = 0     loss 1  curvature -4  ... finds
    """

    points: tuple[CriticalPoint, ...]
    variables: tuple[str, ...]
    """The names of the numbers in a point."""
    bounds: tuple[np.ndarray, np.ndarray]
    """The lower and the upper sides of the box, each of shape (n,)."""
    n_samples: int
    """Starts of the search."""
    n_not_finite: int
    """Samples where the loss is not finite."""
    n_on_plains: int
    """Samples where the function is flat: neither slope nor curvature."""
    n_on_lines: int
    """Samples that ended on a line or surface without slope, of which the lowest point alone is listed."""
    n_without: int
    """Samples that led to no point inside the box."""

    def __len__(self) -> int:
        return len(self.points)

    def __iter__(self) -> Iterator[CriticalPoint]:
        return iter(self.points)

    def __getitem__(self, k: int) -> CriticalPoint:
        return self.points[k]

    @property
    def minima(self) -> tuple[CriticalPoint, ...]:
        """The minima, lowest first."""
        return self._of(PointKind.MINIMUM)

    @property
    def maxima(self) -> tuple[CriticalPoint, ...]:
        """The maxima, lowest first."""
        return self._of(PointKind.MAXIMUM)

    @property
    def saddles(self) -> tuple[CriticalPoint, ...]:
        """The saddles, lowest first."""
        return self._of(PointKind.SADDLE)

    @property
    def lowest(self) -> CriticalPoint | None:
        """The point of the lowest loss; None where there is none. On an edge of the box it may be lower still."""
        return self.points[0] if self.points else None

    def _of(self, kind: PointKind) -> tuple[CriticalPoint, ...]:
        return tuple(point for point in self.points if point.kind is kind)

    @property
    def message(self) -> str:
        """What was found, and what may have been missed, in words."""
        head = f"{counted(len(self), 'critical point')} from {counted(self.n_samples, 'sample')}"
        kinds = [words for kind in PointKind if (words := _kinds(kind, len(self._of(kind))))]
        head += f": {', '.join(kinds)}." if kinds else "."
        return "\n".join([head, self._what_may_be_missed(), *self._what_happened_to_the_others()])

    def _what_may_be_missed(self) -> str:
        if not self.points:
            return "A narrow basin can still be missed."
        counts = [point.n_finds for point in self.points]
        once = counts.count(1)
        if once:
            share = max(1, round(100 * once / sum(counts)))
            return f"Found once: {once}, so others were missed: about {share}% of further finds would be new."
        found = (
            f"It was found {counts[0]} times" if len(counts) == 1 else f"Each was found at least {min(counts)} times"
        )
        return f"{found}; a basin narrower than the spacing of the samples can still be missed."

    def _what_happened_to_the_others(self) -> list[str]:
        told = (
            (self.n_not_finite, "had no finite loss"),
            (self.n_on_plains, "fell where the function is flat, which is not listed"),
            (self.n_on_lines, "ended on a line or surface without slope, of which the lowest point is listed"),
            (self.n_without, "led to no point inside the bounds"),
        )
        return [f"{counted(n, 'sample')} {what}." for n, what in told if n]

    def to_dict(self) -> dict[str, Any]:
        """All of it as plain numbers, text, lists and dicts, fit for JSON."""
        points = [
            {
                "x": dict(zip(self.variables, plain(np.ravel(point.x).tolist()), strict=True)),
                "loss": plain(point.loss),
                "kind": point.kind.value,
                "curvatures": plain(point.curvatures),
                "n_finds": point.n_finds,
            }
            for point in self.points
        ]
        counts = ("n_samples", "n_not_finite", "n_on_plains", "n_on_lines", "n_without")
        return {
            "message": self.message,
            "points": points,
            "bounds": plain(np.stack(self.bounds, axis=1)),
            **{name: getattr(self, name) for name in counts},
        }

    def __repr__(self) -> str:
        rows = [
            (
                point.kind.value,
                f"x = {numbers(np.ravel(point.x).tolist())}",
                f"loss {number(point.loss)}",
                f"curvature {numbers(point.curvatures.tolist())}",
                counted(point.n_finds, "find"),
            )
            for point in self.points[:_MOST_SHOWN]
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [
            "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
            for row in rows
        ]
        more = len(self) - len(rows)
        return "\n".join([self.message, *lines, *([f"  and {more} more"] if more else [])])


def _kinds(kind: PointKind, n: int) -> str:
    if n == 0:
        return ""
    return f"{n} {kind.value if n == 1 else _PLURALS.get(kind, kind.value)}"
