"""Films: a tangent along its curve, and one or several runs step by step, in any of five views.

What stays and what moves is drawn by the functions that draw the still pictures; several runs go in step, and those
that end before the others wait where they ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from matplotlib.artist import Artist
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from downslope import wording
from downslope.errors import InvalidInput
from downslope.plots import canvas, history, landscape, line, plane, projection, surface, words
from downslope.plots.moving_picture import Film, Scene
from downslope.plots.region import Interval, Region, checked_interval, checked_region, region_of
from downslope.plots.trail import look_of
from downslope.run import Run

View = Literal["auto", "line", "contours", "surface", "projection", "history"]
VIEWS = ("line", "contours", "surface", "projection", "history")
_FPS, _SLOWEST, _SECONDS = 10.0, 2.0, 5.0
_ONE_RUN = ("surface", "projection")
_N_VARIABLES = {"line": 1, "contours": 2, "surface": 2}


def tangent_film(fun: Any, xs: Any, interval: Interval | None = None, *, fps: float = 2.0) -> Film:
    """The gradient at each of `xs` in turn, as the slope of a dashed line that touches the curve there.

    `fun` is a function of one variable, of any kind that `minimize` takes; `interval` is (low, high), None a little
    more than `xs`. `fps` are frames a second. Raises InvalidInput where one of them is something else.

    >>> from downslope import plots
    >>> film = plots.tangent_film("x^2 - 4x + 5", [-1 + 0.5 * k for k in range(13)])
    >>> len(film), film.frame(2).axes[0].get_title()
    (13, 'gradient at x = 0: -4')
    """
    objective = landscape.objective_with(fun, 1)
    at = _checked_points(xs)
    chosen = _around(at) if interval is None else checked_interval(interval)

    def scene() -> tuple[Figure, Callable[[int], list[Artist]]]:
        figure = canvas.figure()
        ax = figure.add_subplot()
        line.draw_curve(ax, objective, chosen)
        return figure, lambda k: line.draw_tangent(ax, objective, float(at[k]))

    return Film(scene, len(at) - 1, fps=fps, title=f"the gradient of {objective.name}")


def film(
    runs: words.Runs, *, view: View = "auto", region: Region | Interval | None = None, fps: float | None = None
) -> Film:
    """One or several runs, step by step; what `Run.animate` returns.

    Parameters
    ----------
    runs
        A Run, a list of them, or a dict of them by label. Several go in step: a race.
    view
        "line": the descents on their curve, one panel a run. "contours": the paths from above. "surface": the path of
        one run in three dimensions. "projection": the path of one run on its two main directions. "history": loss,
        gradient and learning rate against the steps. "auto" takes what suits the number of variables.
    region
        What the picture shows: (low, high) for "line", ((x_low, x_high), (y_low, y_high)) for "contours" and
        "surface"; None holds the runs.
    fps
        Frames a second, up to 50; None is 10, or fewer for a film that would be over in less than five seconds.

    A film has a frame a step, or 120 of them evenly, with the first and the last. Raises InvalidInput for a view that
    does not suit the runs, before anything is drawn.

    >>> import downslope
    >>> from downslope import plots
    >>> methods = ("gradient_descent", "momentum")
    >>> race = plots.film([downslope.minimize("ravine", method=m, learning_rate=0.11) for m in methods])
    >>> race
    <Film 'ravine: gradient descent, momentum (beta 0.9)': 120 frames at 10 a second>
    """
    named = words.labelled(runs)
    chosen = _checked_view(view, named)
    if region is not None and chosen in ("projection", "history"):
        raise InvalidInput("region", f"must be None for the view {chosen!r}, which has its own", region)
    if region is not None:
        region = checked_interval(region, "region") if chosen == "line" else checked_region(region)
    last = max(run.n_steps for run in named.values())
    speed = min(_FPS, max(_SLOWEST, (last + 1) / _SECONDS)) if fps is None else fps
    return Film(_scene(chosen, named, region), last, fps=speed, title=_title(named))


def _scene(view: str, runs: dict[str, Run], region: Any) -> Scene:
    listed = list(runs.values())
    run = listed[0]

    def scene() -> tuple[Figure, Callable[[int], list[Artist]]]:
        if view == "line":
            return _lines(runs, region)
        if view == "history":
            return _history(runs)
        figure = canvas.figure(7.0, 5.2)
        if view == "projection":
            ax = figure.add_subplot()
            projection.draw_plane(ax, run)
            return figure, lambda step: projection.draw_projection(ax, run, step)
        shown = region_of(listed) if region is None else region
        if view == "surface":
            solid = figure.add_subplot(projection="3d")
            surface.draw_surface(solid, landscape.objective_of(run), shown)
            return figure, lambda step: surface.draw_path(solid, run, shown, step)
        ax = figure.add_subplot()
        plane.draw_contours(ax, landscape.objective_of(run), shown)
        return figure, lambda step: plane.draw_paths(ax, runs, shown, step)

    return scene


def _lines(runs: dict[str, Run], interval: Interval | None) -> tuple[Figure, Callable[[int], list[Artist]]]:
    figure, panels = canvas.grid(len(runs), *((6.4, 4.8) if len(runs) == 1 else (4.6, 3.4)))
    for ax in panels:
        line.draw_background(ax, list(runs.values()), interval)

    def draw(step: int) -> list[Artist]:
        return [
            artist for ax, run in zip(panels, runs.values(), strict=True) for artist in line.draw_descent(ax, run, step)
        ]

    return figure, draw


def _history(runs: dict[str, Run]) -> tuple[Figure, Callable[[int], list[Artist]]]:
    drawers = [history.draw_losses, history.draw_gradients, history.draw_rates]
    if any(history.has_distance(run) for run in runs.values()):
        drawers.insert(1, history.draw_distances)
    figure, panels = canvas.grid(len(drawers), 4.6, 3.2)
    figure.suptitle(" ")
    if len(runs) > 1:
        looks = [look_of(k) for k in range(len(runs))]
        told = zip(looks, runs, strict=True)
        lines = [Line2D([], [], color=look.colour, ls=look.style, lw=2, label=label) for look, label in told]
        figure.legend(handles=lines, loc="outside lower center", ncols=3, frameon=False, fontsize="small")

    def draw(step: int) -> list[Artist]:
        figure.suptitle(f"step {step:,}")
        return [artist for ax, draw_one in zip(panels, drawers, strict=True) for artist in draw_one(ax, runs, step)]

    return figure, draw


def _checked_view(view: str, runs: dict[str, Run]) -> str:
    sizes = {run.structure.size for run in runs.values()}
    if view == "auto":
        return _suitable(sizes, runs)
    if view not in VIEWS:
        raise InvalidInput("view", f"must be auto, {', '.join(VIEWS[:-1])} or {VIEWS[-1]}", view)
    n = _N_VARIABLES.get(view)
    if n is not None and sizes != {n}:
        raise InvalidInput(
            "view", f"must suit the runs: {view!r} is for {wording.counted(n, 'variable')}", sorted(sizes)
        )
    if view == "projection" and sizes == {1}:
        raise InvalidInput("view", "must suit the runs: 'projection' is for two variables or more", [1])
    if view in _ONE_RUN and len(runs) > 1:
        raise InvalidInput("view", f"must suit the runs: {view!r} shows one run", len(runs))
    if view != "history" and any(run.path is None for run in runs.values()):
        raise InvalidInput("view", 'must be "history" for a run without a path (record="losses")', view)
    return view


def _suitable(sizes: set[int], runs: dict[str, Run]) -> str:
    if any(run.path is None for run in runs.values()):
        return "history"
    if sizes in ({1}, {2}):
        return "line" if sizes == {1} else "contours"
    return "projection" if len(runs) == 1 else "history"


def _title(runs: dict[str, Run]) -> str:
    if len(runs) == 1:
        return wording.title(next(iter(runs.values())))
    functions = ", ".join(dict.fromkeys(str(run.specification["fun"]) for run in runs.values()))
    labels = ", ".join(runs)
    return f"{functions}: {labels if len(labels) < 80 else wording.counted(len(runs), 'run')}"


def _checked_points(xs: Any) -> np.ndarray:
    try:
        at = np.asarray(list(xs), dtype=float)
    except (TypeError, ValueError):
        at = np.empty((0, 0))
    if at.ndim != 1 or not at.size or not np.all(np.isfinite(at)):
        raise InvalidInput("xs", "must be finite numbers, one or more", xs)
    return at


def _around(at: np.ndarray) -> Interval:
    low, high = float(at.min()), float(at.max())
    margin = 0.1 * (high - low) or 1.0
    return low - margin, high + margin
