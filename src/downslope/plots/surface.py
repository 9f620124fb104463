"""Two variables as a surface, with a run's path on it."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import cm, colors
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator
from mpl_toolkits.mplot3d.art3d import Poly3DCollection

from downslope.errors import InvalidInput
from downslope.objectives.objective import Objective
from downslope.plots import canvas, landscape, words
from downslope.plots.region import Region, checked_region, default_region, drawable, points_of, region_of
from downslope.plots.trail import COLOURS, START, rows_until
from downslope.run import Run

_PATH = COLOURS[1]  # vermilion stands out from all of viridis


def surface(fun_or_run: Any, region: Region | None = None, *, step: int | None = None, ax: Axes | None = None) -> Axes:
    """A function of two variables in three dimensions, with a colour bar; a Run brings its path, up to `step`.

    `fun_or_run` is what `minimize` takes, or a Run; `ax` are three-dimensional axes, None a figure of its own.

    `region` is ((x_low, x_high), (y_low, y_high)); None holds the run's finite points, or is the problem's domain,
    or (-5, 5) both ways. Losses that tower above the rest are left out, and the bar's arrow says so. Raises
    InvalidInput for other than two variables, or for axes that are not three-dimensional.

    >>> import downslope
    >>> from downslope import plots
    >>> plots.surface("0.2*x1^2 + x2^2", ((-10, 10), (-4, 4))).get_zlabel()
    'loss'
    >>> run = downslope.minimize("0.2*x1^2 + x2^2", [9.0, -3.0], learning_rate=0.2, max_steps=100)
    >>> plots.surface(run).get_title()
    'step 100, learning rate 0.2'
    """
    if not isinstance(fun_or_run, Run):
        if step is not None:
            raise InvalidInput("step", "must be None for a function; a Run has steps", step)
        objective = landscape.objective_with(fun_or_run, 2)
        chosen = default_region(objective, 2) if region is None else checked_region(region)
        ax = canvas.axes_3d(ax)
        draw_surface(ax, objective, chosen)
        ax.set_title(objective.name)
        return ax
    run = fun_or_run
    words.check_run(run, 2, "descent(run) or projection(run) draws it")
    words.check_step([run], step)
    chosen = region_of([run]) if region is None else checked_region(region)
    ax = canvas.axes_3d(ax)
    draw_surface(ax, landscape.objective_of(run), chosen)
    draw_path(ax, run, chosen, step)
    return ax


def draw_surface(ax: Any, objective: Objective | None, region: Region) -> None:
    """The background: the surface and its bar; None draws the frame alone."""
    ax.set_xlim(region[0])
    ax.set_ylim(region[1])
    first, second = landscape.names_of(objective, 2)
    ax.set_xlabel(first)
    ax.set_ylabel(second)
    ax.set_zlabel("loss", labelpad=8)
    ax.zaxis.set_major_formatter(FuncFormatter(lambda value, _: words.short(value)))
    for axis in (ax.xaxis, ax.yaxis, ax.zaxis):  # more labels than these run into each other at the corners
        axis.set_major_locator(MaxNLocator(nbins=5, prune="both"))
    ax.tick_params(labelsize="small")
    ax.tick_params("z", pad=5)
    ax.computed_zorder = False  # the path is on the surface, and must not sink into it
    x, y, losses = landscape.over_region(objective, region, most=70)
    finite = losses[np.isfinite(losses)]
    low, high = landscape.height_limits(finite, np.empty(0))
    if not finite.size:
        return
    ax.set_zlim(low, high)
    heights = np.minimum(losses, high)
    quads = _quads(x, y, heights)
    norm = colors.Normalize(float(finite.min()), min(float(finite.max()), high))
    faces = cm.viridis(norm(quads[:, :, 2].mean(axis=1)))
    shape = Poly3DCollection(list(quads), facecolors=faces, edgecolors=faces, linewidths=0.2, alpha=0.85, zorder=1)
    ax.add_collection3d(shape, autolim=False)
    scale = cm.ScalarMappable(norm, "viridis")
    towers = "max" if float(finite.max()) > high else "neither"
    bar = ax.figure.colorbar(scale, ax=ax, shrink=0.65, pad=0.12, extend=towers)
    bar.formatter = FuncFormatter(lambda value, _: words.short(value))


def draw_path(ax: Any, run: Run, region: Region, step: int | None = None) -> list[Artist]:
    """The path up to a step, on the surface, and the title."""
    n_rows = rows_until(run, step)
    points = points_of(run)[:n_rows]
    losses = drawable(run.losses[run.path_steps[:n_rows]])
    ax.set_xlabel(run.variables[0])
    ax.set_ylabel(run.variables[1])
    if landscape.objective_of(run) is None and losses.size:
        ax.set_zlim(*landscape.height_limits(np.empty(0), drawable(run.losses)))
    rows = np.column_stack([points, losses])
    low, high = np.transpose([*region, ax.get_zlim()])
    with np.errstate(invalid="ignore"):
        inside = np.all((rows >= low) & (rows <= high), axis=1)
    ax.set_title("\n".join(filter(None, [words.at_step(run, words.chosen_step(run, step)), words.missing(run)])))
    outside = np.flatnonzero(~inside)
    drawn: list[Artist] = []
    if outside.size and outside[0]:
        ax.set_title(f"{ax.get_title()}\nleaves the picture at step {run.path_steps[outside[0]]:,}")
        drawn += ax.plot(*rows[[outside[0] - 1]].T, ls="", marker="X", ms=11, mfc=_PATH, mec="white", zorder=6)
    kept = np.where(inside[:, None], rows, np.nan)
    dots = "o" if len(rows) <= 150 else ""
    drawn += ax.plot(*kept.T, color=_PATH, lw=1.6, marker=dots, ms=3.5, zorder=4)
    for k, colour in ((0, START), (len(rows) - 1, _PATH)):
        if len(rows) and inside[k]:
            drawn += ax.plot(*rows[[k]].T, ls="", marker="o", ms=8, mfc=colour, mec="white", zorder=5 - (k == 0) * 0.5)
    return drawn


def _quads(x: np.ndarray, y: np.ndarray, heights: np.ndarray) -> np.ndarray:
    """The surface's patches with four finite corners, shape (patches, 4, 3)."""
    grid = np.stack([*np.meshgrid(x, y), heights], axis=-1)
    corners = np.stack([grid[:-1, :-1], grid[1:, :-1], grid[1:, 1:], grid[:-1, 1:]], axis=2).reshape(-1, 4, 3)
    return np.asarray(corners[np.all(np.isfinite(corners), axis=(1, 2))])
