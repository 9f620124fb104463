"""Two variables from above: contours of the loss, and the paths of one or several runs across them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter
from matplotlib.transforms import ScaledTranslation

from downslope.objectives.objective import Objective
from downslope.plots import canvas, landscape, words
from downslope.plots.region import Region, checked_region, default_region, points_of, region_of
from downslope.plots.trail import START, Look, draw_track, look_of, track

# White valleys and grey heights: the paths alone have colour.
GREYS: Colormap = colors.LinearSegmentedColormap.from_list("downslope", ["#FFFFFF", "#D9DFE6", "#9BA8B7"])
_LINES = "#7C8A9A"
_HANDLE, _LETTER = 0.55, 0.065
"""Inches that an entry of a legend takes, and each letter of it."""
_BESIDE_BAR = 0.87
"""The share of its width that a colour bar leaves to the axes."""


def contours(fun: Any, region: Region | None = None, *, levels: int = 30, ax: Axes | None = None) -> Axes:
    """The function `fun` of two variables from above, over ((x_low, x_high), (y_low, y_high)).

    A region of None is the problem's domain, or (-5, 5) both ways. The levels are evenly spaced unless most of the
    region lies low; then they are denser there; `levels` is how many. Where the function gives no finite number,
    nothing is drawn. Raises InvalidInput for a function of another number of variables, or a region that is none.

    >>> from downslope import plots
    >>> ax = plots.contours("0.2*x1^2 + x2^2", ((-10, 10), (-4, 4)))
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_xlim() == (-10, 10)
    ('x1', 'x2', True)
    """
    objective = landscape.objective_with(fun, 2)
    chosen = default_region(objective, 2) if region is None else checked_region(region)
    words.check_levels(levels)
    ax = canvas.axes(ax)
    draw_contours(ax, objective, chosen, levels)
    ax.set_title(objective.name)
    return ax


def paths(
    runs: words.Runs, region: Region | None = None, *, step: int | None = None, levels: int = 30, ax: Axes | None = None
) -> Axes:
    """The ways of one or several runs of two variables across the contours of the first one's function.

    `runs` is a Run, a list of them, or a dict of them by label. Each goes from a black start to its end, with
    arrows where there is room; the legend tells its steps and loss up to `step` (None is all), and where it leaves
    the picture. A region of None holds all finite points; `levels` is the number of contours. Raises InvalidInput
    for runs of other than two variables.

    >>> import downslope
    >>> from downslope import plots
    >>> runs = [downslope.minimize("ravine", method=m, learning_rate=0.11) for m in ("gradient_descent", "momentum")]
    >>> ax = plots.paths(runs)
    >>> [text.get_text() for text in ax.get_legend().get_texts()][:2]
    ['gradient descent: 1,177 steps, loss 4.98e-12', 'momentum (beta 0.9): 261 steps, loss 3.35e-13']
    """
    named = words.labelled(runs)
    for run in named.values():
        words.check_run(run, 2, "descent(run) or projection(run) draws it")
    words.check_step(named.values(), step)
    words.check_levels(levels)
    chosen = region_of(named.values()) if region is None else checked_region(region)
    ax = canvas.axes(ax, len(named) + 1)
    first = next(iter(named.values()))
    draw_contours(ax, landscape.objective_of(first), chosen, levels)
    draw_paths(ax, named, chosen, step)
    return ax


def draw_contours(ax: Axes, objective: Objective | None, region: Region, levels: int = 30) -> None:
    """The background: filled contours and their bar, in a frame that is the region; None draws the frame alone."""
    ax.set_autoscale_on(False)
    ax.set_xlim(region[0])
    ax.set_ylim(region[1])
    first, second = landscape.names_of(objective, 2)
    ax.set_xlabel(first)
    ax.set_ylabel(second)
    x, y, losses = landscape.over_region(objective, region)
    fill_contours(ax, x, y, losses, levels)


def fill_contours(ax: Axes, x: np.ndarray, y: np.ndarray, losses: np.ndarray, levels: int) -> None:
    """Contours of a grid of losses, with a bar; nothing where the losses are all alike or none is finite."""
    heights = landscape.levels_of(losses, levels)
    if heights is None:
        return
    masked = np.ma.masked_invalid(losses)
    norm = colors.BoundaryNorm(heights, GREYS.N)
    filled = ax.contourf(x, y, masked, heights, cmap=GREYS, norm=norm, zorder=0)
    ax.contour(x, y, masked, heights, colors=_LINES, linewidths=0.5, zorder=1)
    ticks = heights[np.linspace(0, len(heights) - 1, 7).astype(int)]
    bar = ax.figure.colorbar(filled, ax=ax, label="loss", ticks=ticks, spacing="uniform")
    nearly_zero = 0.01 * float(ticks[1] - ticks[0])  # the lowest point of a grid is seldom the minimum itself
    spacing = float(ticks[-1] - ticks[0]) / len(ticks)
    digits = int(np.clip(2 + np.ceil(np.log10(np.max(np.abs(ticks)) / spacing)), 3, 8))
    told = FuncFormatter(lambda value, _: words.short(value if abs(value) > nearly_zero else 0.0, digits))
    bar.ax.yaxis.set_major_formatter(told)
    bar.ax.minorticks_off()
    ax.set_axisbelow(False)


def draw_paths(ax: Axes, runs: words.Runs, region: Region, step: int | None = None) -> list[Artist]:
    """The paths up to a step, the legend with how far each has come, and the title."""
    named = words.labelled(runs)
    drawn: list[Artist] = []
    entries: list[tuple[str, Look]] = []
    for k, (label, run) in enumerate(named.items()):
        found = track(ax, run, points_of(run), step)
        drawn += draw_track(ax, found, look_of(k))
        told = [f"{label}: {words.outcome(run, words.chosen_step(run, step))}", found.note, words.missing(run)]
        entries.append(("\n".join(filter(None, told)), look_of(k)))
    first = next(iter(named.values()))
    ax.set_xlabel(first.variables[0])
    ax.set_ylabel(first.variables[1])
    ax.set_title(words.at_step(first, words.chosen_step(first, step)) if len(named) == 1 else words.at(step))
    return [*drawn, legend_below(ax, entries, with_start=True)]


def legend_below(ax: Axes, entries: list[tuple[str, Look]], *, with_start: bool = False) -> Artist:
    """A legend under the axes; the words and the look of each run."""
    columns = 1 if max(len(text) for text, _ in entries) > 30 or len(entries) < 2 else 2
    return handles_below(ax, legend_lines(entries, with_start), columns)


def handles_below(ax: Axes, handles: Sequence[Artist], columns: int, n_lines_more: int = 0) -> Artist:
    """A legend of these under the axes, where it covers nothing; `n_lines_more` are those of the ticks beyond one."""
    below = ax.transAxes + ScaledTranslation(0, -0.5 - canvas.LINE * n_lines_more, ax.figure.dpi_scale_trans)
    return ax.legend(
        handles=handles, loc="upper center", bbox_to_anchor=(0.5, 0), bbox_transform=below, frameon=False,
        ncols=columns, fontsize="small", borderaxespad=0,
    )  # fmt: skip


def fitted_below(ax: Axes, handles: Sequence[Artist], *, with_room: bool, n_lines_more: int = 0) -> None:
    """Such a legend in as many columns, up to three, as the width of the axes has room for.

    `with_room` makes the figure higher by it. `n_lines_more` are those that the ticks have beyond one.
    """
    widths = [_HANDLE + _LETTER * len(str(handle.get_label())) for handle in handles]
    room = _BESIDE_BAR * ax.bbox.width / ax.figure.dpi
    columns = 1
    for n in (2, 3):
        rows = math.ceil(len(widths) / n)
        if n <= len(widths) and sum(max(widths[k : k + rows]) for k in range(0, len(widths), rows)) <= room:
            columns = n
    if with_room:
        canvas.make_room(ax, math.ceil(len(handles) / columns) + 1 + n_lines_more)
    if handles:
        handles_below(ax, handles, columns, n_lines_more)


def legend_lines(entries: list[tuple[str, Look]], with_start: bool) -> list[Line2D]:
    """What a legend shows: a line a run, and the black dot of the starts."""
    lines = [Line2D([], [], color=look.colour, ls=look.style, lw=2, label=text) for text, look in entries]
    dot = Line2D([], [], ls="", marker="o", color=START, ms=6, label="start")
    return [*lines, dot] if with_start else lines
