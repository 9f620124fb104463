"""The final loss against the learning rate: which rates are too slow, which are stable, and from where on none is."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from downslope.analysis.multipliers import Stability
from downslope.errors import InvalidInput
from downslope.plots import canvas
from downslope.plots.dimensions import chosen_entries, dimension, title
from downslope.plots.plane import fitted_below
from downslope.plots.region import FARTHEST
from downslope.plots.trail import COLOURS
from downslope.plots.words import short
from downslope.sweeps.limits import has_rates, stabilities
from downslope.sweeps.sweep import Sweep

_REACHED, _MISSED, _STABLE = COLOURS[0], COLOURS[1], "#E3F1EC"


def loss_by_rate(found: Sweep, *, ax: Axes | None = None, **chosen: Any) -> Axes:
    """The final loss of each learning rate of a sweep: a dot where the run converged, a cross where it did not.

    The scale of the rates is logarithmic, and that of the losses where they are positive and span more than two
    decades. A loss beyond ten times that of the start, or without a number, is a triangle at the upper edge. Where the
    method has a largest stable rate at the minimum that the start leads to, the rates below it are shaded, and it and
    the best rate there are lines. `chosen` gives the label of each dimension beside the learning rate that is longer
    than one, such as `start=0`. Raises InvalidInput for a sweep without a list of rates that are numbers.

    >>> import numpy as np
    >>> import downslope
    >>> from downslope import plots
    >>> found = downslope.sweep("x^2", starts=[5.0], learning_rates=np.geomspace(0.01, 2, 40), max_steps=50)
    >>> ax = plots.loss_by_rate(found)
    >>> [text.get_text() for text in ax.get_legend().get_texts()][-2:]
    ['largest stable learning rate 1', 'best learning rate 0.5']
    """
    if not isinstance(found, Sweep):
        raise InvalidInput("found", "must be a Sweep, as downslope.sweep returns it", found)
    if not has_rates(found):
        raise InvalidInput("found", "must have a list of learning rates that are numbers", found)
    entries = chosen_entries(found, ("learning_rate",), chosen)
    along = dimension(found, "learning_rate")
    index = tuple(entries.get(name, slice(None)) for name in found.dimensions)
    lanes = np.arange(found.n_runs).reshape(found.grid.shape)[index][along.order]
    (theory,) = stabilities(found, [entries])
    is_own = ax is None
    ax = canvas.axes(ax)
    ax.set_xscale("log")
    ax.set_xlim(along.edges[0] if along.edges[0] > 0 else along.values[0] / 1.1, along.edges[-1])
    ax.set_xlabel(along.label)
    ax.set_ylabel("final loss")
    ax.set_title(title(ax, found, ("learning_rate",), entries))
    ax.grid(alpha=0.25, lw=0.6)
    handles = [*_draw_ends(ax, found, along.values, lanes), *_draw_theory(ax, theory)]
    fitted_below(ax, handles, with_room=is_own)
    return ax


def _draw_ends(ax: Axes, found: Sweep, rates: np.ndarray, lanes: np.ndarray) -> list[Artist]:
    losses, converged = found.lanes.loss[lanes], found.converged.ravel()[lanes]
    _set_heights(ax, losses, found.lanes.first_loss[lanes])
    is_log, (low, high) = ax.get_yscale() == "log", ax.get_ylim()
    with np.errstate(invalid="ignore"):
        above = ~(losses <= high)
        below = (losses < low) & is_log
    inside = ~above & ~below
    ax.plot(rates[inside], losses[inside], color="0.75", lw=0.8, zorder=2)
    handles: list[Artist] = []
    for which, colour, mark, label in (
        (converged, _REACHED, "o", "converged"),
        (~converged, _MISSED, "X", "did not converge"),
    ):
        look: dict[str, Any] = {"ls": "", "color": colour, "mec": "white", "mew": 0.4}
        ax.plot(rates[which & inside], losses[which & inside], marker=mark, ms=5, zorder=3, **look)
        edge = ax.get_xaxis_transform()
        for where, height, shape in ((which & above, 1, "^"), (which & below, 0, "v")):
            if where.any():
                at = rates[where]
                ax.plot(at, np.full(len(at), height), shape, ms=6, transform=edge, clip_on=False, zorder=4, **look)
        if which.any():
            shown = "^" if (which & above).sum() == which.sum() else mark
            handles.append(Line2D([], [], marker=shown, ms=6, label=label, **look))
    return handles


def _set_heights(ax: Axes, losses: np.ndarray, begun: np.ndarray) -> None:
    """The scale that suits the losses, and limits around those that are no higher than where the runs began."""
    shown = losses[np.abs(losses) < FARTHEST]
    begun = begun[np.abs(begun) < FARTHEST]
    top = float(begun.max(initial=-np.inf))
    held = shown[shown <= top] if (shown <= top).any() else shown
    if not held.size:
        ax.set_yticks([])
        return
    low, high = float(held.min()), float(held.max())
    positive = held[held > 0]
    if low >= 0 and positive.size and high > 100 * float(positive.min()):
        ax.set_yscale("log")
        least = float(positive.min())
        margin = (high / least) ** 0.06
        ax.set_ylim(least / margin, min(10 * top, high * margin) if np.isfinite(top) else high * margin)
        return
    margin = 0.06 * (high - low) or 0.1 * max(abs(low), 1e-6)
    ax.set_ylim(low - margin, high + margin)


def _draw_theory(ax: Axes, theory: Stability | None) -> list[Artist]:
    """The stable rates, their limit, and the best of them."""
    if theory is None or not theory.largest_stable or theory.forgets:
        return []
    limit, best, (low, high) = theory.largest_stable, theory.best_rate, ax.get_xlim()
    handles: list[Artist] = []
    if limit > low:
        ax.axvspan(low, min(limit, high), color=_STABLE, lw=0, zorder=0)
        handles.append(Patch(color=_STABLE, label="stable"))
    for rate, style, label in ((limit, "--", "largest stable"), (best, ":", "best")):
        if rate is not None:
            ax.axvline(rate, color="black", ls=style, lw=1.4, zorder=2.5)
            beyond = "" if low <= rate <= high else " (not in the picture)"
            text = f"{label} learning rate {short(rate, 4)}{beyond}"
            handles.append(Line2D([], [], color="black", ls=style, lw=1.4, label=text))
    return handles
