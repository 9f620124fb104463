"""Where a run ended among the minima that are known, or that a look around its path has seen."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.curvature import PointKind
from downslope.analysis.stationary import settle
from downslope.engines.compiled import is_code
from downslope.engines.lanes import run_lanes
from downslope.explanation.evidence import Evidence, place_at
from downslope.explanation.pace import point_in_words
from downslope.plain import plain
from downslope.wording import counted, short

_N_POINTS = 1024
_N_STARTS = 256
_MOST_STEPS = 1000
"""Of each run from another start."""
_THERE = 1e-2
"""A run that ends within this share of the box from a minimum has reached it."""
_WIDER = 1.0
"""The box looked at is that of the path, wider by this share of it on either side."""
_LOWER = 1e-6
"""A loss lower by this share of its size, and no less, is lower."""


@dataclass(frozen=True, eq=False)
class Minima:
    """What is known of other minima.

    `source` is "gallery" for those of a named problem, "sample" for a look around the path.
    """

    source: str
    n_known: int
    rank: int | None
    """1 for the lowest of those known; None where the run ended at none of them."""
    lowest: np.ndarray
    lowest_loss: float
    is_lower: bool
    """Whether the lowest one known is lower than where the run ended."""
    words: str
    share: float | None = None
    """Of starts spread evenly over where was looked, run as this one was: how many reach the lowest one."""

    def to_dict(self) -> dict[str, Any]:
        """Fit for JSON."""
        names = ("source", "n_known", "rank", "lowest", "lowest_loss", "is_lower", "share")
        return {name: plain(getattr(self, name)) for name in names}


def minima(evidence: Evidence) -> Minima | None:
    """Of a run that came to rest, or had a minimum ahead; None where there is nothing to say."""
    if evidence.bound is None or evidence.target is None:
        return None
    found = _of_gallery(evidence) or _of_sample(evidence)
    if found is None or not found.is_lower or (found.rank is None and found.source == "sample"):
        return found
    share, words = _reached(evidence, found.lowest)
    return dataclasses.replace(found, share=share, words=f"{found.words}{words}")


def _reached(evidence: Evidence, lowest: np.ndarray) -> tuple[float | None, str]:
    """Which starts lead to the lowest minimum, by the same method and rate: runs from all over the box, at once."""
    run, rules = evidence.run, evidence.rules
    low, high = _box(evidence)
    n = lowest.size
    if n > 2 or rules is None or rules.method.brings_rate or not evidence.compiles or is_code(rules.learning_rate):
        return None, ""  # one after another takes too long
    low, high = np.minimum(low, lowest), np.maximum(high, lowest)
    starts = _grid(low, high, _N_STARTS)
    limits = rules.limits._replace(max_steps=min(rules.limits.max_steps, _MOST_STEPS))
    lanes = run_lanes(run.objective, rules._replace(limits=limits), run.structure, starts)
    there = np.abs(lanes.x - lowest).max(axis=1) < _THERE * max(float((high - low).max()), 1e-300)
    share = float(there.mean())
    if not there.any():
        return 0.0, f" None of {counted(len(starts), 'start')} around here leads there at this rate."
    if n == 1:
        k = np.flatnonzero(there)
        where = "between" if len(k) == k[-1] - k[0] + 1 else "here and there between"
        return share, f" Starts {where} {short(starts[k[0], 0])} and {short(starts[k[-1], 0])} lead there at this rate."
    return share, f" Of {counted(len(starts), 'start')} around here {share:.0%} lead there at this rate."


def _grid(low: np.ndarray, high: np.ndarray, n_points: int) -> np.ndarray:
    side = round(n_points ** (1 / len(low)))
    axes = np.meshgrid(*(np.linspace(a, b, side) for a, b in zip(low, high, strict=True)), indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


def _of_gallery(evidence: Evidence) -> Minima | None:
    problem, target = evidence.run.objective.problem, evidence.target
    assert target is not None
    if problem is None or len(problem.minima) < 2 or np.size(problem.minima[0].x) != target.x.size:
        return None
    known = sorted(problem.minima, key=lambda minimum: minimum.loss)
    points = np.array([np.ravel(minimum.x) for minimum in known])
    size = max(1.0, float(np.abs(points).max()))
    near = np.flatnonzero(np.abs(points - target.x).max(axis=1) < 1e-3 * size)
    all_known = "" if problem.minima_complete else " of those listed"
    lower = known[0].loss < target.loss - _LOWER * max(abs(target.loss), 1.0)
    low = f"the lowest{all_known} is at {point_in_words(evidence, points[0])}, loss {short(known[0].loss)}"
    ended = "It ended at" if evidence.stationary else "Downhill of its best point lies"
    if not near.size:
        words = f"{ended} none of the {len(known)} known minima; {low}."
        return Minima("gallery", len(known), None, points[0], known[0].loss, lower, words)
    rank = 1 + sum(minimum.loss < target.loss - _LOWER * max(abs(target.loss), 1.0) for minimum in known)
    place = "the lowest" if rank == 1 else f"number {rank}, from the lowest,"
    words = f"{ended} {place} of the {len(known)} known minima" + (f"; {low}." if lower else ".")
    lowest = known[int(near[0])] if rank == 1 else known[0]
    return Minima("gallery", len(known), rank, np.ravel(lowest.x), lowest.loss, lower, words)


def _of_sample(evidence: Evidence) -> Minima | None:
    """A lower loss among points around the path, in one or two variables, and the minimum below it."""
    run, target, bound = evidence.run, evidence.target, evidence.bound
    assert target is not None
    assert bound is not None
    n = target.x.size
    if n > 2 or not evidence.compiles or run.path is None:
        return None
    low, high = _box(evidence)
    points = _grid(low, high, _N_POINTS)
    losses = run.objective.values(points)
    if not np.isfinite(losses).any():
        return None
    best = int(np.nanargmin(losses))
    if not losses[best] < target.loss - _LOWER * max(abs(target.loss), 1.0):
        return None
    at_edge = bool(np.any((points[best] == low) | (points[best] == high)))
    found = None if at_edge else settle(bound, points[best])
    if found is not None and place_at(bound, found, evidence.bounds, polished=True).kind is not PointKind.MINIMUM:
        found = None
    inside = found is not None and bool(np.all((found >= low) & (found <= high)))
    where = found if found is not None and inside else points[best]
    loss = float(bound.value(where)) if inside else float(losses[best])
    box = " x ".join(f"[{short(a)}, {short(b)}]" for a, b in zip(low, high, strict=True))
    at = f"{short(loss)} at {point_in_words(evidence, where)}"
    lower = "A lower minimum was seen" if inside else "A lower loss was seen" + (" at the edge" if at_edge else "")
    words = f"{lower}, {at}"
    words += f", among {counted(len(points), 'point')} in {box}."
    return Minima("sample", 2 if inside else 1, 2 if inside else None, where, loss, True, words)


def _box(evidence: Evidence) -> tuple[np.ndarray, np.ndarray]:
    """Around the start, the end and the minimum; a diverged path would be all of space."""
    assert evidence.target is not None
    assert evidence.end is not None
    corners = [evidence.start, evidence.target.x]
    if evidence.stationary:
        corners.append(evidence.end.x)
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    margin = np.maximum(_WIDER * (high - low), 0.5 * np.maximum(1.0, np.abs(evidence.target.x)))
    low, high = low - margin, high + margin
    if evidence.bounds is None:
        return low, high
    return np.maximum(low, evidence.bounds[0]), np.minimum(high, evidence.bounds[1])
