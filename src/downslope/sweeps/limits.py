"""What theory says of the rates of a sweep: the stability of the method at the minimum that each start leads to.

Which minimum a start leads to, the sweep itself tells: it lies below the end of the smallest rate that converged, for
small steps stay nearest to the way straight down. Methods that scale each coordinate by its past gradients have no
limit before their run, and none is claimed.
"""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from downslope.analysis.curvature import DENSE_UP_TO
from downslope.analysis.multipliers import Stability
from downslope.analysis.rates import stability_at
from downslope.analysis.stationary import settle
from downslope.methods import Method
from downslope.sweeps.clusters import clusters
from downslope.sweeps.rates import are_constant
from downslope.sweeps.sweep import Sweep

_SAME = 1e-3
"""Ends closer than this share of what the ends span are one minimum."""


def stabilities(found: Sweep, entries: list[dict[str, int]]) -> list[Stability | None]:
    """The stability of each of some settings, whose runs differ in their learning rate alone.

    A setting is the number of the entry in every dimension but "learning_rate". None where the rates are not numbers
    that stay as they are, theory has no limit to tell, or, of several starts, no rate converged.

    >>> import downslope
    >>> found = downslope.sweep("x^2", starts=[5.0, 3.0], learning_rates=[0.1, 0.9])
    >>> [round(stability.largest_stable, 6) for stability in stabilities(found, [{"start": 0}, {"start": 1}])]
    [1.0, 1.0]
    """
    told: list[Stability | None] = [None] * len(entries)
    if not (has_rates(found) and are_constant(found.grid.rates)) or found.grid.structure.size > DENSE_UP_TO:
        return told
    methods = [_method(found, entry) for entry in entries]
    ends = _ends(found, entries)
    if len({entry["start"] for entry in entries}) == 1:  # where no rate converged, the way down from it is followed
        ends = [found.starts[entries[0]["start"]] if end is None else end for end in ends]
    known = {
        k: end
        for k, (end, method) in enumerate(zip(ends, methods, strict=True))
        if end is not None and not (method.scaling or method.brings_rate)
    }
    if not known:
        return told
    points = np.stack(list(known.values()))
    label = clusters(points, np.full(points.shape[1], _SAME * float(np.ptp(points, axis=0).max()) or 1.0))
    of_minimum: dict[tuple[str, int], Stability | None] = {}
    for k, point, minimum in zip(known, points, label.tolist(), strict=True):
        key = (repr(methods[k]), minimum)
        if key not in of_minimum:
            bound, x, _ = found.objective.bind(found.grid.structure.restore(point), found.box)
            settled = settle(bound, x)
            of_minimum[key] = None if settled is None else stability_at(bound, settled, methods[k])
        told[k] = of_minimum[key]
    return told


def has_rates(found: Sweep) -> bool:
    """Whether the learning rates are a dimension of numbers, be it of those that schedules begin with."""
    return "learning_rate" in found.dimensions and found.dimensions["learning_rate"].dtype.kind == "f"


def _ends(found: Sweep, entries: list[dict[str, int]]) -> list[np.ndarray | None]:
    """Where the smallest rate that converged ended, for each setting; None where none did."""
    ascending = np.argsort(found.dimensions["learning_rate"], kind="stable")
    lanes, converged = np.arange(found.n_runs).reshape(found.grid.shape), found.converged
    ends: list[np.ndarray | None] = []
    for entry in entries:
        index = tuple(ascending if name == "learning_rate" else entry[name] for name in found.dimensions)
        reached = lanes[index][converged[index]]
        ends.append(found.lanes.x[reached[0]] if reached.size else None)
    return ends


def _method(found: Sweep, entry: dict[str, int]) -> Method:
    """The method of a setting, its coefficients among them."""
    grid = found.grid
    values = {name: float(labels[entry[name]]) for name, labels in grid.coefficients.items()}
    rule: Any = grid.methods[entry.get("method", 0)]
    made: Method = dataclasses.replace(rule, **values) if values else rule
    return made
