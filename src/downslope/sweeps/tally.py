"""What many runs came to, counted block by block: a sweep on disk may be larger than memory."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from downslope.stopping import Status
from downslope.sweeps.behaviour import WORDS
from downslope.sweeps.grid import Grid

STATUSES = np.array([status.name for status in Status])


class Block(NamedTuple):
    """Neighbouring runs, each array of shape (m,)."""

    first: int
    """The number of the first."""
    status: np.ndarray
    """As numbers: entries of `STATUSES`."""
    behaviour: np.ndarray
    """As numbers: entries of `behaviour.WORDS`."""
    loss: np.ndarray
    n_steps: np.ndarray


@dataclass(frozen=True)
class Tally:
    """Counts of all finished runs, and those worth a look."""

    n_converged: int
    statuses: dict[str, int]
    """How many runs ended so, the most frequent first; what is interrupted is counted as well."""
    behaviours: dict[str, int]
    """How many moved so; of those that were interrupted nothing is told."""
    lowest: int | None
    """The number of the run with the lowest loss at its end; None where none has a loss."""
    quickest: int | None
    """Of the run that converged in the fewest steps, of those that took any; of several, with the lowest loss."""
    converging_rates: dict[str, Any] | None
    """The learning rates at which all runs converged, and some; None where rates are no dimension of numbers."""


def tally_of(grid: Grid, blocks: Iterable[Block]) -> Tally:
    """Count the runs of these blocks."""
    statuses, behaviours = np.zeros(len(STATUSES), np.int64), np.zeros(len(WORDS), np.int64)
    lowest: tuple[float, int | None] = (np.inf, None)
    quickest: tuple[float, float, int | None] = (np.inf, np.inf, None)
    rates = grid.dimensions.get("learning_rate")
    axis = [*grid.dimensions].index("learning_rate") if rates is not None and rates.dtype.kind == "f" else None
    at_rate = np.zeros(0 if axis is None else grid.shape[axis], np.int64)
    for block in blocks:
        statuses += np.bincount(block.status, minlength=len(statuses))
        behaviours += np.bincount(block.behaviour, minlength=len(behaviours))
        converged = np.isin(block.status, [s for s in Status if s.converged])
        if not np.isnan(block.loss).all():
            k = int(np.nanargmin(block.loss))
            if lowest[1] is None or block.loss[k] < lowest[0]:
                lowest = (float(block.loss[k]), block.first + k)
        took = np.flatnonzero(converged & (block.n_steps > 0))
        if took.size:
            k = int(took[np.lexsort((block.loss[took], block.n_steps[took]))[0]])
            if (ended := (int(block.n_steps[k]), float(block.loss[k]))) < quickest[:2]:
                quickest = (*ended, block.first + k)
        if axis is not None:
            runs = block.first + np.flatnonzero(converged)
            at_rate += np.bincount(np.unravel_index(runs, grid.shape)[axis], minlength=len(at_rate))
    return Tally(
        n_converged=sum(int(statuses[s]) for s in Status if s.converged),
        statuses=_most_frequent_first(STATUSES, statuses),
        behaviours=_most_frequent_first(WORDS, behaviours),
        lowest=lowest[1],
        quickest=quickest[2],
        converging_rates=None if axis is None else _converging(rates, at_rate, grid.n_lanes // len(at_rate)),
    )


def _most_frequent_first(words: np.ndarray, counts: np.ndarray) -> dict[str, int]:
    """The words that occur; "" is for none. Of those as frequent, by the alphabet."""
    found = [(-int(n), str(word)) for word, n in zip(words, counts, strict=True) if n and word]
    return {word: -n for n, word in sorted(found)}


def _converging(rates: Any, n_converged: np.ndarray, n_runs: int) -> dict[str, Any]:
    order = np.argsort(rates)
    return {
        "all": _stretch(rates[order], n_converged[order] == n_runs),
        "some": _stretch(rates[order], n_converged[order] > 0),
    }


def _stretch(rates: np.ndarray, holds: np.ndarray) -> dict[str, Any] | None:
    """The longest row of neighbours among the rising rates where it holds, and at how many others it does."""
    ends = np.flatnonzero(np.diff(np.concatenate([[False], holds, [False]])))
    if not ends.size:
        return None
    firsts, lasts = ends[::2], ends[1::2] - 1
    k = int(np.argmax(lasts - firsts))
    n = int(lasts[k] - firsts[k]) + 1
    low, high = float(rates[firsts[k]]), float(rates[lasts[k]])
    return {"lowest": low, "highest": high, "n": n, "n_elsewhere": int(holds.sum()) - n}
