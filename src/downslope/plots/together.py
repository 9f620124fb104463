"""Several views of one run, and several runs in one figure."""

from __future__ import annotations

from collections.abc import Callable

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from downslope.plots import canvas, landscape, words
from downslope.plots.history import draw_distances, draw_gradients, draw_losses, draw_rates, entries, has_distance
from downslope.plots.line import draw_background, draw_descent
from downslope.plots.plane import draw_contours, draw_paths, legend_lines
from downslope.plots.projection import draw_plane, draw_projection
from downslope.plots.region import points_of, region_of
from downslope.plots.trail import draw_track, line_points, look_of, track
from downslope.run import Run


def plot(run: Run, step: int | None = None) -> Figure:
    """The picture that suits the number of variables, and the loss beside it; what `run.plot()` returns.

    One variable: the descent on its curve. Two: the path on the contours. More: the path on its two main directions.
    A run without a recorded path has its losses and gradients. Raises InvalidInput for a step that it has not.

    >>> import downslope
    >>> figure = downslope.minimize("rosenbrock", method="newton").plot()
    >>> [ax.get_xlabel() for ax in figure.axes][:2]
    ['x', 'step']
    """
    words.check_run(run)
    named = words.labelled(run)
    words.check_step([run], step)
    figure, (left, right) = _side_by_side()
    if run.path is None:
        draw_losses(left, named, step)
        draw_gradients(right, named, step)
        figure.suptitle(f"{run.message}\n{words.missing(run)}")
        return figure
    if run.structure.size == 1:
        draw_background(left, [run], None)
        draw_descent(left, run, step)
    elif run.structure.size == 2:
        chosen = region_of([run])
        draw_contours(left, landscape.objective_of(run), chosen)
        draw_paths(left, run, chosen, step)
    else:
        draw_plane(left, run)
        draw_projection(left, run, step)
    draw_losses(right, named, step)
    figure.suptitle(run.message)
    return figure


def history(runs: words.Runs) -> Figure:
    """Loss, distance to the nearest known minimum, gradient and learning rate against the steps.

    The distance is left out where no minimum is known. `runs` is a Run, a list of them, or a dict of them by label.

    >>> import downslope
    >>> from downslope import plots
    >>> figure = plots.history(downslope.minimize("parabola", learning_rate=0.1))
    >>> [ax.get_ylabel() for ax in figure.axes]
    ['loss', 'distance to the nearest minimum', 'largest gradient component', 'learning rate']
    """
    named = words.labelled(runs)
    panels: list[Callable[..., object]] = [draw_losses, draw_gradients, draw_rates]
    if any(has_distance(run) for run in named.values()):
        panels.insert(1, draw_distances)
    figure, axes = canvas.grid(len(panels), 5.0, 3.6)
    for draw, ax in zip(panels, axes, strict=True):
        draw(ax, named)
    _legend(figure, named)
    return figure


def compare(runs: words.Runs) -> Figure:
    """Several runs in one figure: their ways, where they have one or two variables, their losses, and their ends.

    `runs` is a Run, a list of them, or a dict of them by label. Raises InvalidInput where it is none of these.

    >>> import downslope
    >>> from downslope import plots
    >>> methods = ("gradient_descent", "momentum")
    >>> runs = {m: downslope.minimize("ravine", method=m, learning_rate=0.11) for m in methods}
    >>> [ax.get_ylabel() for ax in plots.compare(runs).axes][:2]
    ['y', 'loss']
    """
    named = words.labelled(runs)
    sizes = {run.structure.size for run in named.values()}
    drawable = sizes in ({1}, {2}) and any(run.path is not None for run in named.values())
    notes = None
    if not drawable:
        figure = canvas.figure(7.0, 4.8)
        draw_losses(figure.add_subplot(), named)
    else:
        figure, (left, right) = _side_by_side()
        notes = _draw_ways(left, named, sizes.pop())
        draw_losses(right, named)
    _legend(figure, named, notes)
    return figure


def _draw_ways(ax: Axes, runs: dict[str, Run], n: int) -> list[str]:
    """The ways, and in words where each leaves the picture."""
    listed, notes = list(runs.values()), []
    if n == 1:
        draw_background(ax, listed, None)
    else:
        draw_contours(ax, landscape.objective_of(listed[0]), region_of(listed))
        ax.set_xlabel(listed[0].variables[0])
        ax.set_ylabel(listed[0].variables[1])
    for k, run in enumerate(listed):
        found = track(ax, run, line_points(run) if n == 1 else points_of(run))
        draw_track(ax, found, look_of(k))
        notes.append("; ".join(filter(None, [found.note, words.missing(run)])))
    return notes


def _legend(figure: Figure, runs: dict[str, Run], notes: list[str] | None = None) -> None:
    """The ends of all runs under a figure; `notes`, one a run, tell where each left the picture of the ways."""
    told = entries(runs, with_status=True)
    figure.set_figheight(figure.get_figheight() + canvas.LINE * (len(told) + 1))
    if notes is not None:
        told = [("\n".join(filter(None, [text, note])), look) for (text, look), note in zip(told, notes, strict=True)]
    handles = legend_lines(told, notes is not None)
    columns = 2 if len(told) > 1 else 1
    figure.legend(handles=handles, loc="outside lower center", ncols=columns, frameon=False, fontsize="small")


def _side_by_side() -> tuple[canvas.Picture, tuple[Axes, Axes]]:
    figure = canvas.figure(11.5, 5.0)
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    return figure, (left, right)
