"""The dimensions of a sweep as the axes of a picture: where each entry lies, how wide its cell is, on which scale."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from downslope import wording
from downslope.engines.specification import rule_in_words
from downslope.errors import InvalidInput
from downslope.plots.words import short, titled
from downslope.sweeps.rates import are_constant, numbers_alone
from downslope.sweeps.selecting import position
from downslope.sweeps.sweep import Sweep

_NUMBERED = "number of the start"
_LETTERS = 55
"""Of all names together that fit along an axis, in one line."""
_MOST_NAMED = 30
"""Entries without a number whose names fit along an axis."""


@dataclass(frozen=True, eq=False)
class Dimension:
    """One of a sweep's dimensions along an axis, ascending."""

    name: str
    label: str
    order: np.ndarray
    """The entries in the order in which they are drawn."""
    values: np.ndarray
    """Where they lie, ascending."""
    edges: np.ndarray
    """Where their cells begin and end, one more."""
    scale: Literal["linear", "log"]
    names: list[str] | None
    """In place of numbers, where the entries have none."""


def dimension(found: Sweep, name: str) -> Dimension:
    """The dimension `name` as an axis.

    Numbers that are spaced evenly by their ratios lie on a logarithmic scale. Starts are drawn where they are if they
    differ in one variable alone, and in their order otherwise.

    >>> import downslope
    >>> found = downslope.sweep("x^2", starts=[5.0, 3.0], learning_rates=[0.01, 0.1, 1.0])
    >>> rates, starts = dimension(found, "learning_rate"), dimension(found, "start")
    >>> rates.scale, rates.label, starts.values.tolist(), starts.order.tolist(), starts.label
    ('log', 'learning rate', [3.0, 5.0], [1, 0], 'start x')
    """
    labels, names = found.dimensions[name], None
    label = wording.in_words(name).replace("_", " ")
    if name == "start":
        label, labels = _starts(found)
    elif labels.dtype.kind != "f":
        names = [str(entry).replace("(", " (") for entry in labels]  # where a line may break
        if name == "method" and len({_method(found, k) for k in range(len(labels))}) == len(labels):
            names = [_method(found, k) for k in range(len(labels))]
        names = ["\n".join(textwrap.wrap(entry, max(_LETTERS // len(names), 10))) for entry in names]
        labels = np.arange(len(labels))
    order = np.argsort(labels, kind="stable")
    values = np.asarray(labels, dtype=float)[order]
    scale: Literal["linear", "log"] = "log" if _is_logarithmic(values) else "linear"
    return Dimension(name, label, order, values, _edges(values, scale), scale, names)


def chosen_entries(
    found: Sweep, shown: tuple[str, ...], labels: dict[str, Any], *, free: tuple[str, ...] = ()
) -> dict[str, int]:
    """The entry of every dimension that is neither shown nor left `free`: by its label, or because it is the only one.

    InvalidInput for a label of none of these, and where a label is missing.
    """
    for name in labels:
        if name not in found.dimensions or name in shown:
            left = [known for known in found.dimensions if known not in shown]
            rule = f"must not be given: dimensions that can be chosen are {', '.join(left) or 'none'}"
            raise InvalidInput(name, rule, labels[name])
    fixed = {name: known for name, known in found.dimensions.items() if name not in (*shown, *free)}
    for name, known in fixed.items():
        if name not in labels and len(known) > 1:
            rule = f"must be chosen, such as {name}={known[0]!s}, since the picture shows {' and '.join(shown)} alone"
            raise InvalidInput(name, rule, None)
    return {name: position(name, known, labels.get(name)) for name, known in fixed.items()}


def title(ax: Axes, found: Sweep, shown: tuple[str, ...], entries: dict[str, int], over: tuple[str, ...] = ()) -> str:
    """The function, the method, what was chosen in dimensions longer than one, and over which each cell is the best."""
    parts = []
    if "method" not in (*shown, *over):
        parts.append(_method(found, entries.get("method", 0)))
    parts += rate_in_words(found)
    for name, k in entries.items():
        if name != "method" and len(found.dimensions[name]) > 1:
            parts.append(_told(found, name, k))
    if over:
        names = [f"{len(found.dimensions[name])} {_plural(name)}" for name in over]
        parts.append(f"best of {' x '.join(names)}")
    facts = ", ".join(parts)
    return titled(ax, found.objective.name, facts) if facts else found.objective.name


def rate_in_words(found: Sweep) -> list[str]:
    """The learning rate where all runs share it, and the schedule where it is one of a kind."""
    rates = found.grid.rates
    told = numbers_alone(rates)
    if told is None:
        return []
    shared = [] if "learning_rate" in found.dimensions and len(rates) > 1 else [f"learning rate {short(told[0], 4)}"]
    return shared if are_constant(rates) else [*shared, wording.schedule(rule_in_words(rates[0]))]


def _method(found: Sweep, k: int) -> str:
    """A method with its momentum, unless that is a dimension."""
    method = found.grid.methods[k]
    own = [f" (beta {short(v, 4)})" for n, v in vars(method).items() if n == "beta" and n not in found.dimensions]
    return "".join([wording.in_words(type(method).__name__), *own])


def _plural(name: str) -> str:
    return {"learning_rate": "learning rates"}.get(name, f"{name}s")


def _told(found: Sweep, name: str, k: int) -> str:
    if name == "start":
        return f"from {wording.numbers([float(f'{value:.4g}') for value in found.starts[k]])}"
    label = found.dimensions[name][k]
    return f"{name.replace('_', ' ')} {short(label, 4) if isinstance(label, float) else label}"


def set_axis(ax: Axes, along: Dimension, which: Literal["x", "y"]) -> None:
    """Limits, scale, label and ticks of one axis of a map."""
    set_scale, set_limits, set_label = (getattr(ax, f"set_{which}{what}") for what in ("scale", "lim", "label"))
    set_scale(along.scale)
    set_limits(along.edges[0], along.edges[-1])
    set_label(along.label)
    if along.label == _NUMBERED:
        getattr(ax, f"{which}axis").set_major_locator(MaxNLocator(integer=True))
    if along.names is None:
        return
    getattr(ax, f"set_{which}ticks")(along.values[:_MOST_NAMED], along.names[:_MOST_NAMED])


def _starts(found: Sweep) -> tuple[str, np.ndarray]:
    differing = np.flatnonzero(np.ptp(found.starts, axis=0))
    if len(differing) == 1:
        return f"start {found.variables[differing[0]]}", found.starts[:, differing[0]]
    return _NUMBERED, np.arange(len(found.starts))


def _is_logarithmic(values: np.ndarray) -> bool:
    """Whether the ratios of neighbours are more alike than their differences."""
    if len(values) < 3 or values[0] <= 0 or values[-1] < 5 * values[0]:
        return False
    steps, ratios = np.diff(values), np.diff(np.log(values))
    return bool(np.std(ratios) * np.mean(steps) < np.std(steps) * np.mean(ratios))


def _edges(values: np.ndarray, scale: str) -> np.ndarray:
    """Half way to each neighbour, on the axis's own scale."""
    at = np.log(values) if scale == "log" else values
    if len(at) == 1:
        at = np.array([at[0] - 1, at[0], at[0] + 1])
        return np.asarray((at[:-1] + at[1:]) / 2)
    middles = (at[:-1] + at[1:]) / 2
    edges = np.concatenate([[2 * at[0] - middles[0]], middles, [2 * at[-1] - middles[-1]]])
    return np.exp(edges) if scale == "log" else edges
