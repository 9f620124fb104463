"""Planes through spaces of more than two variables: where a page draws what it cannot show whole.

A plane has an origin and two orthonormal directions; a point is drawn at its coordinates there. With one or two
variables nothing is cut, and points are drawn where they are.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.curvature import spectrum
from downslope.analysis.stationary import settle
from downslope.errors import InvalidInput
from downslope.lab import reading
from downslope.lab.functions import Function

_MARGIN = 1.5
_SMALLEST = 1e-6


@dataclass(frozen=True, eq=False)
class Plane:
    """An origin, shape (n,), and two orthonormal directions, shape (2, n)."""

    origin: np.ndarray
    directions: np.ndarray

    def points(self, coordinates: np.ndarray) -> np.ndarray:
        """The points at these coordinates, shape (m, 2) to (m, n)."""
        return np.asarray(self.origin + coordinates @ self.directions)

    def coordinates(self, points: np.ndarray) -> np.ndarray:
        """Where points are drawn, shape (m, n) to (m, 2): their feet on the plane."""
        return np.asarray((points - self.origin) @ self.directions.T)

    def to_dict(self) -> dict[str, Any]:
        """As a setting's `slice` has it."""
        return {"origin": self.origin, "directions": self.directions}


def plane(asked: dict[str, Any] | None, function: Function, n: int) -> Plane | None:
    """The plane of a setting; None for one or two variables. Without a `slice` it is the principal one."""
    if n <= 2:
        return None
    asked = asked or {"principal": True}
    reading.only(asked, ("origin", "directions", "principal", "axes"), "a slice")
    if "directions" in asked:
        through = np.array(reading.point("slice", asked.get("origin"), n))
        rows = reading.listed("slice", asked["directions"], 2, 2)
        return _orthonormal(through, np.array([reading.point("slice", row, n) for row in rows]))
    if "axes" in asked:
        axes = [reading.whole("slice", axis, 0, n - 1) for axis in reading.listed("slice", asked["axes"], 2, 2)]
        origin = np.array(reading.point("slice", asked["origin"], n) if "origin" in asked else _centre(function, n)[0])
        return _orthonormal(origin, np.eye(n)[axes])
    return principal(function, n)


def _orthonormal(origin: np.ndarray, rows: np.ndarray) -> Plane:
    first, second = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300)
    second = second - (second @ first) * first
    length = np.linalg.norm(second)
    if not np.linalg.norm(first) > 0.5 or length < 1e-9:
        raise InvalidInput("slice", "must have two directions that are not one", rows.tolist())
    return Plane(origin, np.stack([first, second / length]))


@functools.lru_cache(maxsize=64)
def principal(function: Function, n: int) -> Plane:
    """Through the minimum below the default start, along the two directions of the largest curvature there."""
    origin, vectors = _centre(function, n)
    return _orthonormal(origin, vectors)


def _centre(function: Function, n: int) -> tuple[np.ndarray, np.ndarray]:
    """The minimum below the default start, or the start where there is none; and the directions that bend most."""
    start = np.resize(np.array(function.start), n)
    bound, flat, _ = function.objective().bind(start.tolist())
    below = settle(bound, flat)
    origin = flat if below is None else below
    found = spectrum(bound, origin)
    if found.vectors.shape[1] < 2 or not found.is_finite:
        return origin, np.eye(n)[:2]
    order = np.argsort(-np.abs(found.values), kind="stable")[:2]
    vectors = found.vectors[:, order].T
    # A direction has two signs: the one whose largest component is positive is drawn.
    signs = np.sign(vectors[np.arange(2), np.abs(vectors).argmax(axis=1)])
    return origin, vectors * signs[:, None]


def around(plane: Plane, start: np.ndarray) -> tuple[tuple[float, float], ...]:
    """Ranges of the plane's coordinates that hold its origin and the foot of a start."""
    reach = _MARGIN * max(float(np.abs(plane.coordinates(start[None])).max()), float(np.linalg.norm(start)) / 4, 1.0)
    reach = float(f"{max(reach, _SMALLEST):.2g}")
    return ((-reach, reach), (-reach, reach))
