"""Many runs in one picture: two dimensions of a sweep as a map, or the final loss against the learning rate."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from matplotlib import colors, patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.colorbar import Colorbar
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, LogLocator

from downslope.analysis.behaviour import Behaviour
from downslope.errors import InvalidInput, UnknownName
from downslope.plots import canvas
from downslope.plots.dimensions import Dimension, chosen_entries, dimension, set_axis, title
from downslope.plots.plane import fitted_below
from downslope.plots.region import FARTHEST
from downslope.sweeps.limits import stabilities
from downslope.sweeps.sweep import Sweep

Colour = Literal["steps", "behaviour", "loss"]

NOT_CONVERGED = "#D0D0D0"
STEPS = "viridis_r"
"""Pale where a run is quick: slow runs, dark, lie along the limit of stability, beside the grey beyond it."""
BEHAVIOURS = {
    Behaviour.STRAIGHT: "#0072B2",
    Behaviour.ZIGZAG: "#56B4E9",
    Behaviour.SPIRAL: "#009E73",
    Behaviour.AT_REST: "#1A1A1A",
    Behaviour.AT_BOUND: "#332288",
    Behaviour.CRAWLING: "#F0E442",
    Behaviour.BOUNCING: "#E69F00",
    Behaviour.ERRATIC: "#CC79A7",
    Behaviour.NOISE_FLOOR: "#EBCADB",
    Behaviour.DIVERGING: "#D55E00",
    Behaviour.FALLING: "#7F3300",
    Behaviour.LEFT_DOMAIN: "#666666",
    Behaviour.LIMIT_OF_PRECISION: "#B3A6D9",
    Behaviour.STOPPED_SHORT: "#BFB98A",
}
"""Okabe and Ito's colours for what is common: cool where a run converged, warm where it did not."""
_LIMIT = "#000000"
_HALO = [patheffects.withStroke(linewidth=3.5, foreground="white", alpha=0.8)]


def sweep_map(
    found: Sweep,
    x: str | None = None,
    y: str | None = None,
    *,
    colour: Colour = "steps",
    ax: Axes | None = None,
    **chosen: Any,
) -> Axes:
    """Two dimensions of a sweep as a map, one cell a run, with the largest stable learning rate drawn over it.

    Parameters
    ----------
    found
        What `downslope.sweep` returned.
    x, y
        The dimensions across and up. None is the first that are longer than one, the learning rate across.
    colour
        "steps" to converge, grey where a run did not; "behaviour", in words; or the final "loss".
    ax
        Where to draw; None is a figure of its own.
    **chosen
        The label of a further dimension, such as `beta=0.9`. Of those that are longer than one and not chosen, each
        cell shows the best run: of those that converged the quickest, else the lowest; for "loss" the lowest. The
        title says so.

    The limit is that of the method, with its coefficients, at the minimum that each start leads to: the largest rate at
    which a small distance to it does not grow. It is left out for methods that scale their coordinates, for a start
    from which no rate converged, and where cells show the best of several runs. Raises InvalidInput for dimensions that
    there are not.

    >>> import downslope
    >>> from downslope import plots
    >>> rates, betas = [0.1, 0.5, 1.0, 1.5, 2.0], [0.0, 0.3, 0.6]
    >>> found = downslope.sweep(
    ...     "x^2", starts=[5.0], learning_rates=rates, methods="momentum", coefficients={"beta": betas}
    ... )
    >>> ax = plots.sweep_map(found)
    >>> ax.get_xlabel(), ax.get_ylabel(), ax.get_title()
    ('learning rate', 'beta', 'x^2, momentum')
    """
    if not isinstance(found, Sweep):
        raise InvalidInput("found", "must be a Sweep, as downslope.sweep returns it", found)
    if colour not in _PAINTERS:
        raise UnknownName("colour", colour, _PAINTERS)
    names = _two_of(found, x, y, chosen)
    over = tuple(n for n, labels in found.dimensions.items() if len(labels) > 1 and n not in (*names, *chosen))
    entries = chosen_entries(found, names, chosen, free=over)
    across, up = (dimension(found, name) for name in names)
    cells = _cells(found, (names[1], names[0], *over), entries, by_loss=colour == "loss")
    cells = cells[np.ix_(up.order, across.order)]
    is_own = ax is None
    ax = canvas.axes(ax)
    ax.set_autoscale_on(False)
    set_axis(ax, across, "x")
    set_axis(ax, up, "y")
    handles = _PAINTERS[colour](ax, found, cells, across, up)
    if not over:
        handles += _draw_limit(ax, found, across, up, entries)
    ax.set_title(title(ax, found, names, entries, over))
    n_lines_more = max((name.count("\n") for name in across.names or [""]), default=0)
    fitted_below(ax, handles, with_room=is_own, n_lines_more=n_lines_more)
    return ax


def _cells(found: Sweep, order: tuple[str, ...], entries: dict[str, int], *, by_loss: bool) -> np.ndarray:
    """The number of the run of each cell; of the dimensions in `order` from the third on, that of the best."""
    axes = [[*found.dimensions].index(name) for name in order]
    runs = np.moveaxis(np.arange(found.n_runs).reshape(found.grid.shape), axes, range(len(axes)))
    index: tuple[Any, ...] = (..., *entries.values())
    runs = runs[index]
    runs = runs.reshape(*runs.shape[:2], -1)
    losses = np.nan_to_num(found.lanes.loss, nan=np.inf)[runs]
    best = np.argmin(losses, axis=2)
    if not by_loss:
        converged = found.converged.ravel()[runs]
        steps = np.where(converged, found.lanes.n_steps[runs], np.iinfo(np.int64).max)
        best = np.where(converged.any(axis=2), np.argmin(steps, axis=2), best)
    return np.take_along_axis(runs, best[..., None], axis=2)[..., 0]


def _two_of(found: Sweep, x: str | None, y: str | None, chosen: dict[str, Any]) -> tuple[str, str]:
    """The dimensions across and up: those asked for, or those that are left."""
    for parameter, name in (("x", x), ("y", y)):
        if name is not None and name not in found.dimensions:
            raise InvalidInput(parameter, f"must be one of {', '.join(found.dimensions)}", name)
    if x is not None and x == y:
        raise InvalidInput("y", "must be another dimension than x", y)
    left = [n for n, labels in found.dimensions.items() if len(labels) > 1 and n not in chosen and n not in (x, y)]
    left.sort(key=lambda name: name != "learning_rate")
    n_needed = (x is None) + (y is None)
    if len(left) < n_needed:
        rule = "must have two dimensions longer than 1 that are not chosen (loss_by_rate draws one)"
        raise InvalidInput("found", rule, found)
    x = x if x is not None else left.pop(0)
    return x, y if y is not None else left[0]


def _mesh(ax: Axes, values: np.ndarray, across: Dimension, up: Dimension, **look: Any) -> Any:
    return ax.pcolormesh(across.edges, up.edges, values, zorder=1, rasterized=True, **look)


def _paint_steps(ax: Axes, found: Sweep, cells: np.ndarray, across: Dimension, up: Dimension) -> list[Artist]:
    """Steps on a logarithmic scale, none of them as one."""
    converged = found.converged.ravel()[cells]
    steps = np.ma.masked_array(np.maximum(found.lanes.n_steps[cells], 1), ~converged)
    ax.set_facecolor(NOT_CONVERGED)
    if converged.any():
        norm = colors.LogNorm(steps.min(), max(steps.max(), steps.min() + 1))
        drawn = _mesh(ax, steps, across, up, cmap=STEPS, norm=norm)
        count_on(ax.figure.colorbar(drawn, ax=ax, label="steps to converge"))
    return [Patch(color=NOT_CONVERGED, label="did not converge")] if not converged.all() else []


def _paint_behaviour(ax: Axes, found: Sweep, cells: np.ndarray, across: Dimension, up: Dimension) -> list[Artist]:
    words_of = found.behaviour.ravel()[cells]
    present = [(word.value, colour) for word, colour in BEHAVIOURS.items() if (words_of == word.value).any()]
    codes = np.full(words_of.shape, len(present))  # interrupted, unless it has a word
    for k, (word, _) in enumerate(present):
        codes[words_of == word] = k
    if (words_of == "").any():
        present.append(("interrupted", "#FFFFFF"))
    palette = colors.ListedColormap([colour for _, colour in present])
    _mesh(ax, codes, across, up, cmap=palette, vmin=-0.5, vmax=len(present) - 0.5)
    return [Patch(facecolor=colour, edgecolor="0.5", lw=0.5, label=word) for word, colour in present]


def _paint_loss(ax: Axes, found: Sweep, cells: np.ndarray, across: Dimension, up: Dimension) -> list[Artist]:
    """The final losses, up to the highest that a run began with: what diverged would leave one colour to the rest."""
    losses = np.ma.masked_where(~(np.abs(found.lanes.loss[cells]) < FARTHEST), found.lanes.loss[cells])
    ax.set_facecolor(NOT_CONVERGED)
    if losses.count():
        begun = found.lanes.first_loss[cells]
        low, high = float(losses.min()), float(min(losses.max(), begun[np.isfinite(begun)].max(initial=losses.min())))
        positive = losses.compressed()[losses.compressed() > 0]
        least = float(positive.min(initial=high))
        norm: colors.Normalize = colors.Normalize(low, high)
        if low >= 0 and high > 100 * least:
            norm, losses = colors.LogNorm(least, high), np.ma.maximum(losses, least)
        drawn = _mesh(ax, losses, across, up, cmap="viridis", norm=norm)
        ax.figure.colorbar(drawn, ax=ax, label="final loss", extend="max" if losses.max() > high else "neither")
    is_whole = losses.count() == losses.size
    return [] if is_whole else [Patch(color=NOT_CONVERGED, label="no loss that can be drawn")]


_PAINTERS = {"steps": _paint_steps, "behaviour": _paint_behaviour, "loss": _paint_loss}


def count_on(bar: Colorbar) -> None:
    """Ticks at 1, 2, 5, 10, ... for a bar of counts on a logarithmic scale."""
    bar.ax.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    bar.ax.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    bar.ax.minorticks_off()


def _draw_limit(ax: Axes, found: Sweep, across: Dimension, up: Dimension, entries: dict[str, int]) -> list[Artist]:
    """The largest stable rate, where one of the axes has the rates."""
    if "learning_rate" not in (across.name, up.name):
        return []
    other = up if across.name == "learning_rate" else across
    told = stabilities(found, [{**entries, other.name: int(k)} for k in other.order])
    limits = np.array([np.nan if s is None or not s.largest_stable or s.forgets else s.largest_stable for s in told])
    if not np.isfinite(limits).any():
        return []
    look: dict[str, Any] = {"color": _LIMIT, "lw": 1.6, "path_effects": _HALO, "zorder": 3}
    if other.name in found.grid.coefficients:
        ends = (limits, other.values) if other is up else (other.values, limits)
        ax.plot(*ends, ls="--", **look)
    else:
        side: Literal["vertical", "horizontal"] = "horizontal" if other is up else "vertical"
        ax.stairs(limits, other.edges, orientation=side, baseline=None, ls="--", **look)
    return [Line2D([], [], color=_LIMIT, lw=1.6, ls="--", label="largest stable learning rate")]
