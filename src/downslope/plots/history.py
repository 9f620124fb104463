"""What every run has: its loss, distance to the minimum, gradient and learning rate against the steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from downslope.errors import InvalidInput
from downslope.plots import canvas, words
from downslope.plots.plane import legend_below
from downslope.plots.region import FARTHEST, drawable, known_minima, runs_away
from downslope.plots.trail import Look, look_of
from downslope.run import Run

Series = Callable[[Run], tuple[np.ndarray, np.ndarray]]
"""The steps, shape (rows,), and what is drawn against them, shape (rows, lines)."""

_MOST = 1e230
"""On a logarithmic scale, whose ticks overflow beyond; its inverse counts as zero."""
_COLUMN_STYLES = ("-", "--", ":", "-.")
_MOST_RATES = 6
"""Per-coordinate rates drawn one by one; of more, the smallest, the median and the largest."""


def losses(runs: words.Runs, *, ax: Axes | None = None) -> Axes:
    """The loss against the steps, of one or several runs.

    The scale is logarithmic where no loss is negative and the positive ones span more than two decades; on it, a loss
    of exactly zero is a triangle at the bottom edge. A loss that is not finite, or too large to be drawn, is a cross at
    the last one before it. Beside runs that stay, one that diverges leaves the picture at a triangle at the top. Of a
    training with rows held out, a dashed line joins the validation losses at the ends of epochs.

    >>> import downslope
    >>> from downslope import plots
    >>> ax = plots.losses(downslope.minimize("x^2", 5.0, learning_rate=0.1))
    >>> ax.get_ylabel(), ax.get_yscale()
    ('loss', 'log')
    """
    return _panel(runs, ax, draw_losses)


def distances(runs: words.Runs, *, ax: Axes | None = None) -> Axes:
    """The Euclidean distance to the nearest known minimum, for runs on problems of the gallery.

    `runs` is a Run, a list of them, or a dict of them by label; `ax` is where to draw; None is a figure of its own.
    Raises InvalidInput where no minimum is known for any of the runs, or no path was recorded.

    >>> import downslope
    >>> from downslope import plots
    >>> plots.distances(downslope.minimize("parabola", learning_rate=0.1)).get_ylabel()
    'distance to the nearest minimum'
    """
    named = words.labelled(runs)
    if not any(has_distance(run) for run in named.values()):
        rule = "must be on a problem of the gallery, whose minima are known, and have a path"
        raise InvalidInput("runs", rule, list(named.values()))
    return _panel(named, ax, draw_distances)


def gradients(runs: words.Runs, *, ax: Axes | None = None) -> Axes:
    """The largest component of the gradient, in absolute value, against the steps: what gradient_tolerance tests.

    `runs` is a Run, a list of them, or a dict of them by label; `ax` is where to draw; None is a figure of its own.

    >>> import downslope
    >>> from downslope import plots
    >>> plots.gradients(downslope.minimize("x^2", 5.0, learning_rate=0.1)).get_ylabel()
    'largest gradient component'
    """
    return _panel(runs, ax, draw_gradients)


def rates(runs: words.Runs, *, ax: Axes | None = None) -> Axes:
    """The learning rate of each step; one line a coordinate where each has its own, or the spread of many.

    `runs` is a Run, a list of them, or a dict of them by label; `ax` is where to draw; None is a figure of its own.

    >>> import downslope
    >>> from downslope import plots
    >>> plots.rates(downslope.minimize("x^2", 5.0)).get_ylabel()
    'learning rate'
    """
    return _panel(runs, ax, draw_rates)


def _panel(runs: words.Runs, ax: Axes | None, draw: Callable[..., list[Artist]]) -> Axes:
    named = words.labelled(runs)
    ax = canvas.axes(ax, len(named))
    draw(ax, named)
    legend_below(ax, entries(named))
    return ax


def entries(runs: dict[str, Run], *, with_status: bool = False) -> list[tuple[str, Look]]:
    """The legend of several runs: label and look, how far each came, and what is not finite."""
    told = []
    for k, (label, run) in enumerate(runs.items()):
        text = f"{label}: {words.outcome(run, run.n_steps)}"
        if with_status:
            text += f"\n{run.status.name}: {run.status.reason}"
        elif not np.all(np.isfinite(run.losses)):
            text += f"\nnot finite at step {int(np.argmin(np.isfinite(run.losses))):,}"
        told.append((text, look_of(k)))
    return told


def draw_losses(ax: Axes, runs: words.Runs, step: int | None = None) -> list[Artist]:
    """The losses up to a step, in a frame for the whole of the runs."""
    if any(len(_validation(run)[0]) for run in words.labelled(runs).values()) and not ax.get_title():
        ax.set_title("dashed: the validation loss", fontsize="small")
    return _draw(ax, runs, step, "loss", _losses)


def draw_distances(ax: Axes, runs: words.Runs, step: int | None = None) -> list[Artist]:
    """The distances to the nearest known minimum up to a step; no line for a run without one."""
    return _draw(ax, runs, step, "distance to the nearest minimum", _distances)


def draw_gradients(ax: Axes, runs: words.Runs, step: int | None = None) -> list[Artist]:
    """The gradients' sizes up to a step."""
    series: Series = lambda run: (np.arange(len(run.losses)), run.gradient_norms[:, None])  # noqa: E731
    return _draw(ax, runs, step, "largest gradient component", series)


def draw_rates(ax: Axes, runs: words.Runs, step: int | None = None) -> list[Artist]:
    """The learning rates up to a step."""
    return _draw(ax, runs, step, "learning rate", _rates)


def has_distance(run: Run) -> bool:
    """Whether a minimum is known, and a path to measure from."""
    return run.path is not None and len(known_minima(run.objective, run.structure.size)) > 0


def _losses(run: Run) -> tuple[np.ndarray, np.ndarray]:
    steps, lines = np.arange(len(run.losses)), run.losses[:, None]
    ends, validation = _validation(run)
    if not len(ends):
        return steps, lines
    return steps, np.column_stack([lines, np.interp(steps, ends, validation, left=np.nan)])


def _validation(run: Run) -> tuple[np.ndarray, np.ndarray]:
    """The steps at which epochs of a training end, and the validation losses there."""
    told = [(e.n_steps, e.validation_loss) for e in getattr(run, "epochs", ()) if np.isfinite(e.validation_loss)]
    ends, losses = np.array(told, float).reshape(-1, 2).T
    return ends, losses


def _distances(run: Run) -> tuple[np.ndarray, np.ndarray]:
    if not has_distance(run):
        return np.empty(0, int), np.empty((0, 1))
    points = drawable(run.structure.flatten_rows(run.path))
    nearest = np.full(len(points), np.inf)
    for minimum in known_minima(run.objective, run.structure.size):
        nearest = np.fmin(nearest, np.linalg.norm(points - minimum, axis=1))
    return run.path_steps, np.where(np.isfinite(points).all(axis=1), nearest, np.nan)[:, None]


def _rates(run: Run) -> tuple[np.ndarray, np.ndarray]:
    made = run.learning_rates[:-1] if run.n_steps else run.learning_rates[:0]  # the last row has no step
    lines = made if made.ndim == 2 else made[:, None]
    if lines.shape[1] > _MOST_RATES and len(lines):
        lines = np.quantile(lines, [0, 0.5, 1], axis=1).T
    return np.arange(len(made)), lines


def _draw(ax: Axes, runs: words.Runs, step: int | None, name: str, series: Series) -> list[Artist]:
    named = words.labelled(runs)
    whole = [series(run) for run in named.values()]
    staying = [values for run, (_, values) in zip(named.values(), whole, strict=True) if not runs_away(run)]
    # Beside runs that stay, one that runs away is seen until it is a hundred times above where any began.
    everything = [values for _, values in whole]
    with np.errstate(over="ignore"):
        begun = [100 * values[:1] for values in everything]
    last = max((int(steps[-1]) for steps, _ in whole if len(steps)), default=0)
    is_empty = not _set_frame(ax, everything, [*staying, *begun] if 0 < len(staying) < len(whole) else everything)
    ax.set_xlim(-0.02 * max(last, 1), 1.02 * max(last, 1))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
    ax.set_xlabel("step")
    ax.set_ylabel(name)
    ax.grid(alpha=0.25, lw=0.6)
    if series is _rates and ax.get_yscale() == "linear":
        ax.set_ylim(0, ax.get_ylim()[1])  # a constant rate is a line at its height, not in the middle of a few zeros
    drawn: list[Artist] = []
    if is_empty:
        words_inside = "no value that can be drawn"
        drawn.append(ax.text(0.5, 0.5, words_inside, transform=ax.transAxes, ha="center", va="center"))
    for k, (run, (steps, values)) in enumerate(zip(named.values(), whole, strict=True)):
        shown = steps <= words.chosen_step(run, step)
        for column, line in enumerate(values[shown].T):
            drawn += _draw_one(ax, steps[shown], line, look_of(k), column)
    return drawn


def _set_frame(ax: Axes, everything: list[np.ndarray], held: list[np.ndarray]) -> bool:
    """The scale that suits everything, and limits around what is held; whether there is anything to draw."""
    values, within = (np.concatenate([part.ravel() for part in parts]) for parts in (everything, held))
    finite = values[np.abs(values) < _MOST]
    positive = finite[finite > 1 / _MOST]
    within = within[np.isfinite(within)]
    ax.set_autoscale_on(False)
    if positive.size and finite.min() >= 0 and positive.max() > 100 * positive.min():
        ax.set_yscale("log")
        low, high = np.log10(positive.min()), np.log10(min(positive.max(), within.max(initial=1 / _MOST)))
        margin = 0.06 * (high - low) or 1.0
        ax.set_ylim(10.0 ** max(low - margin, -245), 10.0 ** min(high + margin, 245))
        return True
    finite = finite[np.abs(finite) < FARTHEST]
    if not finite.size:
        return False
    low, high = float(finite.min()), float(min(finite.max(), within.max(initial=finite.min())))
    margin = 0.06 * (high - low) or 0.1 * max(abs(low), 1e-6)
    ax.set_ylim(low - margin, high + margin)
    return True


def _draw_one(ax: Axes, steps: np.ndarray, line: np.ndarray, look: Look, column: int) -> list[Artist]:
    """A line, and marks where it is zero on a logarithmic scale, leaves the frame, or is no longer finite."""
    colour, style = look.colour, look.style if column == 0 else _COLUMN_STYLES[column % len(_COLUMN_STYLES)]
    is_log = ax.get_yscale() == "log"
    with np.errstate(invalid="ignore"):
        is_drawn = (line > 1 / _MOST) & (line < _MOST) if is_log else np.abs(line) < FARTHEST
        is_zero = (line >= 0) & (line <= 1 / _MOST) & is_log
        is_above = line > ax.get_ylim()[1]
    dots = "o" if len(steps) <= 40 else ""
    shown = np.where(is_drawn, line, np.nan)
    drawn: list[Artist] = [*ax.plot(steps, shown, color=colour, lw=1.5, ls=style, marker=dots, ms=3, zorder=3)]
    edge = ax.get_xaxis_transform()
    mark: dict[str, Any] = {"color": colour, "ms": 8, "mec": "white", "clip_on": False, "zorder": 5}
    for where, height, shape in ((is_zero, 0, "v"), (is_above, 1, "^")):
        if np.any(where):
            drawn += ax.plot([steps[np.argmax(where)]], [height], shape, transform=edge, **mark)
    broken = np.flatnonzero(~np.isfinite(line))
    if broken.size and broken[0] and is_drawn[broken[0] - 1] and not np.any(is_above[: broken[0]]):
        drawn += ax.plot([steps[broken[0] - 1]], [line[broken[0] - 1]], "X", **mark)
    return drawn
