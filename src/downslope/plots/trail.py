"""A run's way across a picture: its points, the arrows between them, its ends, and where it leaves the frame."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes

from downslope.plots.region import drawable, points_of
from downslope.plots.words import chosen_step
from downslope.run import Run

# Okabe and Ito (2008): told apart with any kind of colour vision. Black is the starts' colour, and yellow is too pale.
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
STYLES = ("-", (0, (4, 1.5)), (0, (1, 1.2)))
"""The colours' second and third time round."""
START = "black"
MOST_ARROWS = 40
_MOST_DOTS = 150
_FAR = 1e4
"""In frames: what lies beyond is drawn on the way to it, or rasterising it would overflow."""


class Track(NamedTuple):
    """A run's rows up to a step, and where in them it goes astray."""

    points: np.ndarray
    """Shape (rows, 2), NaN where a point cannot be drawn."""
    left_at: int | None
    """The row of the first point outside the frame."""
    broke_at: int | None
    """The row of the first point that is not finite, or whose loss is not."""
    note: str
    """Both in words; empty where neither happens."""


class Look(NamedTuple):
    """How one of several runs is drawn, in every picture and legend."""

    colour: str
    style: Any


def look_of(k: int) -> Look:
    """The look of the k-th run."""
    return Look(COLOURS[k % len(COLOURS)], STYLES[k // len(COLOURS) % len(STYLES)])


def rows_until(run: Run, step: int | None) -> int:
    """How many recorded points there are up to a step."""
    return int(np.searchsorted(run.path_steps, chosen_step(run, step), side="right")) if run.path is not None else 0


def track(ax: Axes, run: Run, points: np.ndarray, step: int | None = None) -> Track:
    """Where the points of a run, shape (rows, 2), go in the frame of `ax` up to a step."""
    n_rows = rows_until(run, step)
    points = points[:n_rows]
    steps = run.path_steps[:n_rows]
    raw = np.isfinite(run.structure.flatten_rows(run.path)[:n_rows]).all(axis=1) if n_rows else np.empty(0, bool)
    finite = raw & np.isfinite(run.losses[steps])
    with np.errstate(invalid="ignore"):
        inside = np.all((points >= _limits(ax)[0]) & (points <= _limits(ax)[1]), axis=1)
    left_at, broke_at = _first(~inside & finite), _first(~finite)
    notes = []
    if left_at is not None:
        back = " for a while" if np.any(inside[left_at:]) else ""
        notes.append(f"leaves the picture{back} at step {steps[left_at]:,}")
    if broke_at is not None:
        what = "the point" if not raw[broke_at] else "the loss"
        notes.append(f"{what} is not finite at step {steps[broke_at]:,}")
    return Track(points, left_at, broke_at, "; ".join(notes))


def draw_track(ax: Axes, found: Track, look: Look) -> list[Artist]:
    """The line, its arrows, the black start, the end, and the marks where it is cut."""
    colour, style = look
    points = _pulled_in(ax, found.points)
    if not len(points):
        return []
    dots = "o" if len(points) <= _MOST_DOTS else ""
    drawn: list[Artist] = [
        *ax.plot(*points.T, color=colour, ls=style, lw=1.4, marker=dots, ms=3.5, mec="none", zorder=3)
    ]
    drawn += _arrows(ax, points, colour)
    drawn += _marker(ax, found.points[0], "o", START, 7.5)
    shown = np.flatnonzero(_inside(ax, found.points))
    if len(points) > 1 and shown.size and found.left_at is None:
        drawn += _marker(ax, found.points[shown[-1]], "o" if found.broke_at is None else "X", colour, 9.0)
    if found.left_at:
        drawn += _way_out(ax, points[found.left_at - 1], points[found.left_at], colour)
    return drawn


def _marker(ax: Axes, point: np.ndarray, shape: str, colour: str, size: float) -> list[Artist]:
    if not _inside(ax, point[None])[0]:
        return []
    x, y = point
    style: dict[str, Any] = {"marker": shape, "ms": size, "mfc": colour, "mec": "white", "mew": 1.0}
    return [*ax.plot([x], [y], ls="", zorder=5, clip_on=False, **style)]


def _arrows(ax: Axes, points: np.ndarray, colour: str) -> list[Artist]:
    """Heads on the segments that are long enough for one, so far apart that they can be told apart."""
    low, high = _limits(ax)
    pixels = (points - low) / (high - low) * [ax.bbox.width, ax.bbox.height]
    lengths = np.hypot(*np.diff(pixels, axis=0).T)
    # The middle of a segment is where its head is drawn.
    inside = _inside(ax, (points[:-1] + points[1:]) / 2)
    room = np.flatnonzero((lengths > 0.028 * ax.bbox.width) & inside)
    if not room.size:
        return []
    middles = (pixels[:-1] + pixels[1:]) / 2
    apart = 0.04 * ax.bbox.width
    chosen = [room[0]]
    for k in room[1:]:
        if np.hypot(*(middles[k] - middles[chosen[-1]])) > apart:
            chosen.append(k)
    chosen = [chosen[i] for i in np.unique(np.linspace(0, len(chosen) - 1, MOST_ARROWS).astype(int))]
    tails, heads = points[chosen], points[np.array(chosen) + 1]
    ahead = tails + 0.58 * (heads - tails)
    tails = tails + 0.42 * (heads - tails)
    shape: dict[str, Any] = {"headwidth": 5, "headlength": 6, "headaxislength": 5.5, "minlength": 0, "minshaft": 1e-3}
    return [
        ax.quiver(
            *tails.T, *(ahead - tails).T, angles="xy", scale_units="xy", scale=1, color=colour, units="dots",
            width=1.4 * ax.figure.dpi / 72, zorder=3.5, pivot="tail", **shape,
        )
    ]  # fmt: skip


def _way_out(ax: Axes, inside: np.ndarray, outside: np.ndarray, colour: str) -> list[Artist]:
    """An arrow up to the frame's edge, in the direction of the step that leaves it."""
    low, high = _limits(ax)
    a, b = (inside - low) / (high - low), (outside - low) / (high - low)
    if not np.all(np.isfinite([a, b])):
        return []
    direction = b - a
    with np.errstate(divide="ignore", invalid="ignore"):
        ways = np.where(direction > 0, (1 - a) / direction, np.where(direction < 0, -a / direction, np.inf))
    edge = a + min(1.0, float(np.min(ways))) * direction
    unit = direction / (np.hypot(*direction) or 1.0)
    arrow = {"arrowstyle": "-|>,head_width=0.5,head_length=1", "color": colour, "lw": 2, "shrinkA": 0, "shrinkB": 0}
    mark = ax.annotate(
        "", xy=tuple(edge), xytext=tuple(edge - 0.06 * unit), xycoords="axes fraction",
        textcoords="axes fraction", arrowprops=arrow, annotation_clip=False, zorder=6,
    )  # fmt: skip
    return [mark]


def line_points(run: Run) -> np.ndarray:
    """The points of a run of one variable on its curve: the variable and the loss."""
    x = points_of(run)
    return np.column_stack([x[:, 0], drawable(run.losses[run.path_steps[: len(x)]])])


def _limits(ax: Axes) -> tuple[np.ndarray, np.ndarray]:
    low, high = np.transpose([ax.get_xlim(), ax.get_ylim()])
    return low, high


def _inside(ax: Axes, points: np.ndarray) -> np.ndarray:
    low, high = _limits(ax)
    with np.errstate(invalid="ignore"):
        return np.asarray(np.all((points >= low) & (points <= high), axis=1))


def _pulled_in(ax: Axes, points: np.ndarray) -> np.ndarray:
    """Far points, brought nearer to the frame on the straight way to its centre."""
    low, high = _limits(ax)
    centre, half = (low + high) / 2, (high - low) / 2
    away = (points - centre) / half
    size = np.max(np.abs(away), axis=1, keepdims=True, initial=0)
    return np.where(size > _FAR, centre + half * away * _FAR / np.maximum(size, 1.0), points)


def _first(mask: np.ndarray) -> int | None:
    found = np.flatnonzero(mask)
    return int(found[0]) if found.size else None
