"""Basins of attraction: which minimum each start leads to by hue, and in how many steps by lightness."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import colors, patheffects
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from downslope import wording
from downslope.errors import InvalidInput
from downslope.plots import canvas, landscape
from downslope.plots.dimensions import rate_in_words
from downslope.plots.line import draw_curve
from downslope.plots.plane import fitted_below
from downslope.plots.sweeps import count_on
from downslope.plots.words import short, titled
from downslope.sweeps.basins import Basins

HUES = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#CDB100")
"""Okabe and Ito's, but for those that are taken for another's paler shade: sky blue for blue, orange for vermilion."""
NONE = "#3A3A3A"
"""Starts that lead to no minimum: darker than any basin."""
_PALEST = 0.35
"""The share of its hue that the quickest start has; white is the rest."""
_SHADES = [(0.83,) * 3, (0.35,) * 3]
"""The same lightnesses without a hue."""
_MOST_TOLD = 6
_MOST_LABELS = 16
_STRIP = 0.09
"""The share of the height that the strip under a curve takes."""
_GAP = 0.04
"""And the room above it, for the loss of the lowest minimum."""
_HALO = [patheffects.withStroke(linewidth=2.5, foreground="white")]


def basins(found: Basins, *, ax: Axes | None = None) -> Axes:
    """The map that `downslope.basins` returned: a hue for each minimum, the darker the more steps a start takes.

    Starts that lead to no minimum are nearly black. Minima inside the box are marked, with their losses; those outside
    are told below. Of more than five minima, basins that touch still have different hues as far as five suffice.
    Contours of the loss lie over it. For one variable, the map is a strip under the curve.

    >>> import downslope
    >>> from downslope import plots
    >>> found = downslope.basins("himmelblau", resolution=32, learning_rate=0.01)
    >>> ax = plots.basins(found)
    >>> ax.get_title(), len(ax.get_legend().get_texts())
    ('himmelblau\\n4 minima by gradient descent, learning rate 0.01', 4)
    """
    if not isinstance(found, Basins):
        raise InvalidInput("found", "must be a Basins, as downslope.basins returns it", found)
    is_own = ax is None
    ax = canvas.axes(ax)
    hues = hues_of(found.which, len(found.minima))
    image, norm = _painted(found, hues)
    if found.which.ndim == 1:
        _draw_strip(ax, found, image)
    else:
        _draw_plane(ax, found, image)
    if norm is not None:
        shades = colors.LinearSegmentedColormap.from_list("shades", _SHADES)
        extend = "max" if found.n_steps[found.which >= 0].max() > norm.vmax else "neither"
        count_on(ax.figure.colorbar(ScalarMappable(norm, shades), ax=ax, label="steps", extend=extend))
    handles = _legend(found, hues)
    fitted_below(ax, handles, with_room=is_own)
    ax.set_title(titled(ax, found.sweep.objective.name, _facts(found)))
    return ax


def hues_of(which: np.ndarray, n: int) -> list[str]:
    """A colour for each of n basins: its own for five of them; of more, one that no basin beside it has, if it can be.

    >>> hues_of(np.array([0, 1, 2, 0]), 3)
    ['#0072B2', '#D55E00', '#009E73']
    """
    if n <= len(HUES):
        return list(HUES[:n])
    touching: list[set[int]] = [set() for _ in range(n)]
    for axis in range(which.ndim):
        one, other = np.moveaxis(which, axis, 0)[:-1].ravel(), np.moveaxis(which, axis, 0)[1:].ravel()
        differs = (one != other) & (one >= 0) & (other >= 0)
        for a, b in np.unique(np.stack([one[differs], other[differs]], axis=1), axis=0).tolist():
            touching[a].add(b)
            touching[b].add(a)
    chosen: list[int] = []
    for k in range(n):
        beside = [chosen[other] for other in touching[k] if other < k]
        # Where all are taken, the one that fewest neighbours have; among equals, the next in turn.
        turn = np.roll(np.arange(len(HUES)), -(k % len(HUES)))
        chosen.append(min(turn.tolist(), key=beside.count))
    return [HUES[colour] for colour in chosen]


def _painted(found: Basins, hues: list[str]) -> tuple[np.ndarray, colors.LogNorm | None]:
    """The colour of every start, shape (..., 3), and the scale of the steps; None where no minimum was reached."""
    reached = found.which >= 0
    image = np.broadcast_to(colors.to_rgb(NONE), (*found.which.shape, 3)).copy()
    if not reached.any():
        return image, None
    steps = np.maximum(found.n_steps, 1)
    low, high = np.quantile(steps[reached], [0.005, 0.995])  # the few slowest lie on the ridges
    norm = colors.LogNorm(float(low), max(float(high), float(low) + 1), clip=True)
    share = _PALEST + (1 - _PALEST) * np.asarray(norm(steps))[reached][:, None]
    image[reached] = _tinted(np.array([colors.to_rgb(hue) for hue in hues])[found.which[reached]], share)
    return image, norm


def _tinted(hue: np.ndarray, share: Any) -> np.ndarray:
    return np.asarray(1 - share * (1 - hue))


def _extent(found: Basins) -> np.ndarray:
    """The outer edges of the grid's cells: half a spacing beyond the box; shape (n, 2)."""
    lower, upper = found.bounds
    half = (upper - lower) / (found.resolution - 1) / 2
    return np.stack([lower - half, upper + half], axis=1)


def _draw_plane(ax: Axes, found: Basins, image: np.ndarray) -> None:
    (left, right), (bottom, top) = _extent(found)
    ax.set_autoscale_on(False)
    ax.set_xlim(left, right)
    ax.set_ylim(bottom, top)
    ax.imshow(
        image, extent=(left, right, bottom, top), origin="lower", aspect="auto", interpolation="nearest", zorder=0
    )
    ax.set_xlabel(found.variables[0])
    ax.set_ylabel(found.variables[1])
    region = tuple(zip(*(side.tolist() for side in found.bounds), strict=True))
    x, y, losses = landscape.over_region(found.sweep.objective, region)
    heights = landscape.levels_of(losses, 15)
    if heights is not None:
        ax.contour(x, y, np.ma.masked_invalid(losses), heights, colors="black", alpha=0.22, linewidths=0.5, zorder=1)
    _mark(ax, found, [np.ravel(minimum.x) for minimum in found.minima], losses)


def _draw_strip(ax: Axes, found: Basins, image: np.ndarray) -> None:
    """The curve, raised by the height of the strip under it."""
    ((left, right),) = _extent(found)
    objective = found.sweep.objective
    draw_curve(ax, objective, (float(found.bounds[0][0]), float(found.bounds[1][0])))
    low, high = ax.get_ylim()
    below = _STRIP + _GAP
    ax.set_ylim(low - (high - low) * below / (1 - below), high)
    ax.set_xlim(left, right)
    strip: Any = ax.inset_axes((0, 0, 1, _STRIP), zorder=1)
    strip.imshow(image[None], extent=(left, right, 0, 1), aspect="auto", interpolation="nearest")
    strip.set_axis_off()
    _mark(ax, found, [np.array([np.ravel(m.x)[0], m.loss]) for m in found.minima], np.array([low, high]))


def _mark(ax: Axes, found: Basins, points: list[np.ndarray], losses: np.ndarray) -> None:
    """A dot at each minimum in the box, and its loss beside it where there is room for so many."""
    inside = [k for k, outside in enumerate(found.outside) if not outside]
    finite = losses[np.isfinite(losses)]
    zero = 1e-9 * float(np.ptp(finite)) if finite.size else 0.0
    far = ax.get_xlim()[0] + 0.85 * np.ptp(ax.get_xlim())
    size = 7.0 if len(inside) <= _MOST_LABELS else 3.5
    for k in inside:
        x, y = points[k]
        ax.plot([x], [y], "o", ms=size, mfc="white", mec="black", mew=1.2, zorder=5, clip_on=False)
        if len(inside) <= _MOST_LABELS:
            loss = found.minima[k].loss
            told = short(0.0 if abs(loss) < zero else loss)
            # Beside a minimum of one variable there is its curve.
            below, left, right = ((0, -15), "center"), ((-7, 5), "right"), ((7, 5), "left")
            shift, side = below if found.which.ndim == 1 else left if x > far else right
            look: dict[str, Any] = {"fontsize": "small", "zorder": 6, "path_effects": _HALO}
            ax.annotate(told, (x, y), xytext=shift, textcoords="offset points", ha=side, **look)


def _legend(found: Basins, hues: list[str]) -> list[Artist]:
    """The first minima with their places and shares, how many more there are, and what leads to none."""
    handles: list[Artist] = []
    for minimum, hue, outside in list(zip(found.minima, hues, found.outside, strict=True))[:_MOST_TOLD]:
        shade = colors.to_hex(_tinted(np.array(colors.to_rgb(hue)), 0.8).tolist())
        where = ", outside the box" if outside else ""
        share = f"{short(100 * minimum.share)} % of starts"
        handles.append(Patch(color=shade, label=f"to {found.place(minimum)}{where}: {share}"))
    if len(found.minima) > _MOST_TOLD:
        handles.append(Line2D([], [], ls="", label=f"and {len(found.minima) - _MOST_TOLD} more"))
    if n_none := int(np.count_nonzero(found.which < 0)):
        handles.append(Patch(color=NONE, label=f"no minimum: {short(100 * n_none / found.which.size)} % of starts"))
    return handles


def _facts(found: Basins) -> str:
    grid = found.sweep.grid
    minima = "1 minimum" if len(found.minima) == 1 else f"{len(found.minima)} minima"
    method = wording.in_words(type(grid.methods[0]).__name__)
    return ", ".join([f"{minima} by {method}", *rate_in_words(found.sweep)])
