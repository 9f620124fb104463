"""One variable: the function's curve, its tangent, and descents along it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from downslope import wording
from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.plots import canvas, landscape, words
from downslope.plots.region import Interval, checked_interval, default_region, drawable, interval_of
from downslope.plots.trail import COLOURS, draw_track, line_points, look_of, track
from downslope.run import Run

CURVE = "0.35"


def curve(fun: Any, interval: Interval | None = None, *, ax: Axes | None = None) -> Axes:
    """The function of one variable over `interval`; None is its problem's domain, or (-5, 5).

    `fun` is anything that `minimize` takes. Where it gives no finite number, the curve has a gap. Raises InvalidInput
    where `fun` has more variables, or `interval` is not (low, high).

    >>> from downslope import plots
    >>> ax = plots.curve("x cos(x) + 9", (-5.1, 14.1))
    >>> ax.get_title(), ax.get_xlabel()
    ('x cos(x) + 9', 'x')
    """
    objective = landscape.objective_with(fun, 1)
    ax = canvas.axes(ax)
    draw_curve(ax, objective, _chosen(objective, interval))
    ax.set_title(objective.name)
    return ax


def tangent(fun: Any, x: float, interval: Interval | None = None, *, ax: Axes | None = None) -> Axes:
    """The gradient at `x` as the slope of a dashed line that touches the curve there.

    `fun` and `interval` are those of `curve`. Raises InvalidInput also where `x` is not finite. Where the function
    or its gradient has no finite value at `x`, the title says so. `ax` is where to draw; None is a figure of its
    own.

    >>> from downslope import plots
    >>> plots.tangent("x^2 - 4x + 5", 0, (-1, 5)).get_title()
    'gradient at x = 0: -4'
    """
    try:
        x = float(x)
    except (TypeError, ValueError):
        x = np.nan
    if not np.isfinite(x):
        raise InvalidInput("x", "must be a finite number", x)
    objective = landscape.objective_with(fun, 1)
    chosen = _chosen(objective, interval)
    if interval is None:
        chosen = min(chosen[0], x - 1), max(chosen[1], x + 1)
    ax = canvas.axes(ax)
    draw_curve(ax, objective, chosen)
    draw_tangent(ax, objective, x)
    return ax


def descent(run: Run, *, step: int | None = None, interval: Interval | None = None, ax: Axes | None = None) -> Axes:
    """A descent along its curve: points joined by arrows, from a black start; None is all steps.

    The title tells the step and the learning rate, and where a run leaves the picture. A run from a file that was
    made with a Python function is drawn without its curve. `ax` is where to draw; None is a figure of its own.
    Raises InvalidInput for a run of more variables, a step that it has not, or an interval that is not (low, high).

    >>> import downslope
    >>> from downslope import plots
    >>> run = downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=0.2, max_steps=10)
    >>> plots.descent(run).get_title()
    'step 10, learning rate 0.2'
    """
    words.check_run(run, 1, "paths(run) or projection(run) draws it")
    words.check_step([run], step)
    ax = canvas.axes(ax)
    draw_background(ax, [run], interval)
    draw_descent(ax, run, step)
    return ax


def descents(runs: words.Runs, *, step: int | None = None) -> Figure:
    """Several descents of one variable side by side, all in the same frame; one panel a run.

    Raises InvalidInput where a run has more variables.

    >>> import downslope
    >>> from downslope import plots
    >>> rates = (0.2, 0.02, 0.8, 1.01)
    >>> runs = [downslope.minimize("x^2 - 4x + 5", -1.0, learning_rate=a, max_steps=10) for a in rates]
    >>> [ax.get_title() for ax in plots.descents(runs).axes][:2]
    ['step 10, learning rate 0.2', 'step 10, learning rate 0.02']
    """
    named = words.labelled(runs)
    for run in named.values():
        words.check_run(run, 1, "paths(runs) draws it")
    words.check_step(named.values(), step)
    figure, panels = canvas.grid(len(named), 5.0, 3.8)
    for (label, run), ax in zip(named.items(), panels, strict=True):
        draw_background(ax, list(named.values()), None)
        draw_descent(ax, run, step)
        if not label.startswith(wording.method(run)):  # the caller's own
            ax.set_title(f"{label}: {ax.get_title()}")
    return figure


def draw_curve(ax: Axes, objective: Objective | None, interval: Interval, path: np.ndarray | None = None) -> None:
    """The background: the curve, in a frame that holds it, and the losses of a path too; None draws the frame alone."""
    x, losses = landscape.over_interval(objective, interval)
    ax.set_autoscale_on(False)
    ax.set_xlim(interval)
    ax.set_ylim(landscape.height_limits(losses, np.empty(0) if path is None else path))
    # From one side of a pole to the other there is no curve, although the samples are neighbours.
    low, high = ax.get_ylim()
    across = (np.minimum(losses[:-1], losses[1:]) < low) & (np.maximum(losses[:-1], losses[1:]) > high)
    losses[1:][across] = np.nan
    # Far beyond the frame a steep curve would overflow the rasteriser.
    ax.plot(x, np.clip(losses, low - 1e4 * (high - low), high + 1e4 * (high - low)), color=CURVE, lw=1.6, zorder=2)
    ax.set_xlabel(landscape.names_of(objective, 1)[0])
    ax.set_ylabel("loss")
    ax.grid(alpha=0.25, lw=0.6)


def draw_background(ax: Axes, runs: list[Run], interval: Interval | None) -> None:
    """The curve that these runs share, in a frame that holds all of them."""
    chosen = interval_of(runs) if interval is None else checked_interval(interval)
    tracks = [line_points(run) for run in runs]
    inside = [losses[(x >= chosen[0]) & (x <= chosen[1])] for x, losses in (points.T for points in tracks)]
    draw_curve(ax, landscape.objective_of(runs[0]), chosen, np.concatenate(inside))
    ax.set_xlabel(runs[0].variables[0])


def draw_tangent(ax: Axes, objective: Objective, x: float) -> list[Artist]:
    """The point, its dashed tangent across the frame, and the title."""
    name = landscape.names_of(objective, 1)[0]
    loss, slope = _slope(objective, x)
    if not (np.isfinite(loss) and np.isfinite(slope)):
        ax.set_title(f"no gradient at {name} = {words.short(x, 4)}")
        return []
    ax.set_title(f"gradient at {name} = {words.short(x, 4)}: {words.short(slope, 4)}")
    low, high = ax.get_xlim()
    ends = np.array([low, high])
    return [
        *ax.plot(ends, loss + slope * (ends - x), color=COLOURS[1], lw=1.6, ls="--", zorder=3),
        *ax.plot([x], [loss], ls="", marker="o", ms=8, mfc=COLOURS[1], mec="white", zorder=5, clip_on=True),
    ]


def draw_descent(ax: Axes, run: Run, step: int | None = None, k: int = 0) -> list[Artist]:
    """The descent up to a step, with the look of the k-th run, and the title."""
    found = track(ax, run, line_points(run), step)
    title = words.at_step(run, words.chosen_step(run, step))
    notes = [found.note, words.missing(run)]
    ax.set_title("\n".join([title, *filter(None, notes)]))
    return draw_track(ax, found, look_of(k))


def _slope(objective: Objective, x: float) -> tuple[float, float]:
    """The loss and the gradient at a point, NaN where there are none."""
    if not np.isfinite(objective.values([[x]])[0]):  # values() tells that without raising
        return np.nan, np.nan
    structure = objective.structure
    loss, gradient = objective.value_and_gradient(structure.restore(np.array([x])))
    return float(drawable(loss)), float(drawable(structure.flatten(gradient))[0])


def _chosen(objective: Objective, interval: Interval | None) -> Interval:
    return default_region(objective, 1)[0] if interval is None else checked_interval(interval)
