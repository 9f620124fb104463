"""The dart thrower's problem: where each angle on the way sends the dart.

Thrown at 10 m/s at a board 10 m away, from the height of the bullseye, 1 m, with g = 9.8 m/s^2 and no drag.
"""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from downslope.errors import InvalidInput
from downslope.objectives import gallery
from downslope.plots import canvas, words
from downslope.plots.region import points_of
from downslope.plots.trail import COLOURS
from downslope.run import Run

SPEED, DISTANCE, HEIGHT, GRAVITY = 10.0, 10.0, 1.0, 9.8
_MOST_THROWS = 60
_FRAME = ((-0.4, 11.0), (-5.0, 7.0))


def dart(runs: words.Runs) -> Figure:
    """The throws of each run on the problem "dart", one panel a run: first to last from pale to dark, the end in red.

    `runs` is a Run, a list of them, or a dict of them by label. Each title has the method and what sets it apart,
    the last angle in degrees, and the count of steps. Of more than 60 throws, 60 are drawn. Raises InvalidInput for
    a run on another problem.

    >>> import downslope
    >>> from downslope import plots
    >>> run = downslope.minimize("dart", learning_rate=0.01, target_loss=1e-3)
    >>> plots.dart(run).axes[0].get_title()
    'gradient descent\\n38.6° after 16 steps'
    """
    named = words.labelled(runs)
    for run in named.values():
        if run.objective.problem is not gallery.get("dart"):
            raise InvalidInput("runs", 'must be on the problem "dart"', run.objective.name)
    figure, panels = canvas.grid(len(named), 4.2, 3.2)
    n_columns = panels[0].get_gridspec().ncols  # type: ignore[union-attr]
    for k, ((label, run), ax) in enumerate(zip(named.items(), panels, strict=True)):
        _draw_throws(ax, run)
        degrees = np.degrees(points_of(run)[-1, 0]) if run.path is not None else np.degrees(run.x)
        ax.set_title(f"{label}\n{degrees:.1f}° after {words.n_steps(run.n_steps)}", fontsize="medium")
        if k % n_columns == 0:
            ax.set_ylabel("height (m)")
        if k + n_columns >= len(panels):
            ax.set_xlabel("distance (m)")
    return figure


def trajectory(angle: float, n: int = 80) -> np.ndarray:
    """Where a dart thrown at this angle, in radians, flies until it is as far as the board; shape (n, 2), metres."""
    forward = max(SPEED * float(np.cos(angle)), 0.0)
    flight = min(DISTANCE / max(forward, 1e-9), 3.0)  # a throw straight up is followed for three seconds
    t = np.linspace(0, flight, n)
    return np.column_stack([forward * t, HEIGHT + SPEED * np.sin(angle) * t - GRAVITY * t**2 / 2])


def _draw_throws(ax: Axes, run: Run) -> None:
    ax.set_autoscale_on(False)
    ax.set_xlim(_FRAME[0])
    ax.set_ylim(_FRAME[1])
    ax.grid(alpha=0.25, lw=0.6)
    ax.plot([DISTANCE, DISTANCE], [HEIGHT - 0.5, HEIGHT + 0.5], color="black", lw=4, solid_capstyle="butt", zorder=2)
    ax.plot([DISTANCE], [HEIGHT], marker="o", ms=6, color="white", mec="black", zorder=4)
    angles = points_of(run)[:, 0] if run.path is not None else np.atleast_1d(run.x)
    angles = angles[np.isfinite(angles)]
    shown = np.unique(np.linspace(0, len(angles) - 1, min(len(angles), _MOST_THROWS)).astype(int))
    throws = [trajectory(angle) for angle in angles[shown]]
    ages = np.linspace(0.25, 0.9, len(throws))
    ax.add_collection(LineCollection(throws[:-1], cmap="Blues", array=ages[:-1], clim=(0, 1), lw=1, zorder=2))
    ax.plot(*throws[-1].T, color=COLOURS[1], lw=2, zorder=3)
    ax.plot([0], [HEIGHT], marker="o", ms=6, color="black", clip_on=False, zorder=4)
