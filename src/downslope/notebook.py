"""A Run as a notebook shows it: the end and its reason, a table of the outcome, and the loss as a small drawing.

All of it is inline, without scripts and without colours of its own but one, which is seen on white and on black.
"""

from __future__ import annotations

import html
import itertools

import numpy as np

from downslope import wording
from downslope.run import Run

_WIDTH, _HEIGHT, _EDGE = 340, 72, 5
_MOST_PARTS = 340
"""More rows than pixels are drawn as the lowest and the highest of each pixel."""
_CELL = 'style="text-align: left; padding: 1px 12px 1px 0; vertical-align: top; font-weight: {weight}"'


def as_html(run: Run) -> str:
    """The run as a piece of HTML.

    >>> import downslope
    >>> text = as_html(downslope.minimize("x^2", 5.0, learning_rate=0.1))
    >>> "GRADIENT_SMALL" in text, "<svg" in text, "<script" in text
    (True, True, False)
    """
    source = run.gradient_source.name.lower().replace("_", " ")
    rows = {
        "end": wording.point(run),
        "loss": wording.number(run.loss),
        "status": f"{run.status.name}: {run.status.reason}",
        "steps": f"{run.n_steps:,} ({run.n_evaluations:,} evaluations, {run.n_gradients:,} gradients)",
        "method": wording.method(run),
        "learning rate": wording.rate(run).removeprefix("learning rate ").removeprefix("by "),
        "gradient": f"{source} ({run.gradient_reason}); {run.engine} engine",
    }
    table = "".join(_row(name, told) for name, told in rows.items())
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in run.notes)
    return (
        f'<div class="downslope-run"><div><b>{html.escape(wording.title(run))}</b></div>'
        f'<table style="border-collapse: collapse; margin: 4px 0">{table}</table>'
        + (f'<ul style="margin: 4px 0; padding-left: 1.4em">{notes}</ul>' if notes else "")
        + f"{sparkline(run.losses)}</div>"
    )


def _row(name: str, told: str) -> str:
    heading, cell = _CELL.format(weight="bold"), _CELL.format(weight="normal")
    return f"<tr><th {heading}>{name}</th><td {cell}>{html.escape(told)}</td></tr>"


def sparkline(losses: np.ndarray) -> str:
    """The losses as an SVG, on a log scale where they are positive and fall or grow a hundredfold.

    Values that are not finite leave gaps; where none is finite, there is nothing to draw.
    """
    finite = np.isfinite(losses)
    if not finite.any():
        return ""
    steps = np.arange(len(losses))[finite]
    heights, is_log = _heights(losses[finite])
    kept = _kept(heights)
    x = _EDGE + (_WIDTH - 2 * _EDGE) * steps / max(len(losses) - 1, 1)
    y = _HEIGHT - _EDGE - (_HEIGHT - 2 * _EDGE) * heights
    n_gaps = np.cumsum(~finite)[steps[kept]]
    runs_on = [False, *(n_gaps[1:] == n_gaps[:-1])]
    path = "".join(f"{'L' if on else 'M'}{x[k]:.1f} {y[k]:.1f}" for k, on in zip(kept, runs_on, strict=True))
    first, last = wording.number(losses[finite][0]), wording.number(losses[finite][-1])
    left_out = int(np.count_nonzero(~finite))
    told = f"loss {first} to {last}" + (", log scale" if is_log else "")
    told += f"; {wording.counted(left_out, 'value')} not finite" if left_out else ""
    return (
        f'<svg role="img" aria-label="{told}" width="{_WIDTH}" height="{_HEIGHT}" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
        f'style="display: block; max-width: 100%"><path d="{path}" fill="none" stroke="#2a8fd0" stroke-width="1.5" '
        f'stroke-linejoin="round" stroke-linecap="round"/>'
        f'<circle cx="{x[-1]:.1f}" cy="{y[-1]:.1f}" r="3" fill="#2a8fd0"/></svg><div><small>{told}</small></div>'
    )


def _heights(losses: np.ndarray) -> tuple[np.ndarray, bool]:
    """The losses within 0 and 1, and whether by their logarithms."""
    low, high = losses.min(), losses.max()
    is_log = bool(low > 0 and high / 100 > low)
    values = np.log10(losses) if is_log else losses / 2  # halved, for the difference of the largest floats overflows
    low, high = values.min(), values.max()
    extent = high - low
    return ((values - low) / extent if extent > 0 else np.full(len(values), 0.5)), is_log


def _kept(heights: np.ndarray) -> np.ndarray:
    """The rows to draw: all, or the first, the lowest, the highest and the last of each of 340 parts."""
    n = len(heights)
    if n <= 4 * _MOST_PARTS:
        return np.arange(n)
    starts = np.linspace(0, n, _MOST_PARTS + 1).astype(int)
    parts = [
        (a, a + int(heights[a:b].argmin()), a + int(heights[a:b].argmax()), b - 1)
        for a, b in itertools.pairwise(starts)
    ]
    return np.unique(parts)
