"""How far two runs of the same start are from each other, column by column."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import numpy as np

from downslope.run import Run
from downslope.storage.environment import MACHINE, environment
from downslope.storage.table import kept_points, kept_steps

_CHUNK = 1024
"""Rows compared at once, so that long paths take no more memory than they have."""


@dataclass(frozen=True)
class Column:
    """One column of both runs, at the steps that both have."""

    name: str
    before: np.ndarray
    now: np.ndarray
    steps: np.ndarray

    @functools.cached_property
    def gaps(self) -> np.ndarray:
        """The largest absolute difference at each step."""
        firsts = range(0, len(self.steps), _CHUNK)
        gaps = [_gaps(self.before[i : i + _CHUNK], self.now[i : i + _CHUNK]) for i in firsts]
        return np.concatenate(gaps) if gaps else np.empty(0)

    @property
    def largest(self) -> float:
        """The largest gap."""
        return float(self.gaps.max(initial=0.0))

    @property
    def worst_step(self) -> int:
        """Where that is."""
        return int(self.steps[np.argmax(self.gaps)])

    @property
    def has_equal_bits(self) -> bool:
        """Whether both are the same, signs of zeros and precision included."""
        if self.before.dtype != self.now.dtype:
            return False
        left, right = (np.ascontiguousarray(side).view(np.uint8) for side in (self.before, self.now))
        return bool(np.array_equal(left, right))


def _gaps(before: np.ndarray, now: np.ndarray) -> np.ndarray:
    """The largest absolute difference in each row; none between NaN and NaN."""
    with np.errstate(all="ignore"):
        gaps = np.abs(before.astype(float) - now.astype(float))
    gaps[(before == now) | (np.isnan(before) & np.isnan(now))] = 0
    gaps[np.isnan(gaps)] = np.inf
    return gaps if gaps.ndim == 1 else np.asarray(gaps.max(axis=1))


def columns_of(before: Run, now: Run) -> list[Column]:
    """The columns of `Run.rows`, over the rows that both runs have."""
    n = min(before.n_steps, now.n_steps) + 1
    (old_steps, old), (new_steps, new) = (kept_points(run, kept_steps(run), 0, n) for run in (before, now))
    common = old_steps[np.isin(old_steps, new_steps)]
    old, new = old[np.isin(old_steps, common)], new[np.isin(new_steps, common)]
    names = before.point_columns
    pairs = zip(names, old.T, new.T, strict=True) if names else [("x", old, new)]
    columns = [Column(name, left, right, common) for name, left, right in pairs]
    # Where one run goes on, its rate is that of a step which the other has not made.
    n_rates = n if before.n_steps == now.n_steps else n - 1
    rows = np.arange(n)
    columns += [
        Column("loss", before.losses[:n], now.losses[:n], rows),
        Column("gradient_norm", before.gradient_norms[:n], now.gradient_norms[:n], rows),
    ]
    return columns + [Column(name, old, new, rows[:n_rates]) for name, old, new in _rates(before, now, n_rates)]


def _rates(before: Run, now: Run, n: int) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """The first n rates, in the columns of `before`."""
    old, new = before.learning_rates[:n], now.learning_rates[:n]
    if old.ndim != new.ndim:  # another learning rate was given
        old, new = (rates.max(axis=1) if rates.ndim == 2 else rates for rates in (old, new))
    if old.ndim == 2 and before.point_columns:
        return list(zip(before.rate_columns, old.T, new.T, strict=True))
    return [("learning_rate", old, new)]


def in_words(before: Run, now: Run, columns: list[Column], ended_alike: bool, identical: bool) -> str:
    """The outcome of a comparison."""
    n = min(before.n_steps, now.n_steps) + 1
    rows = f"{n} row{'s' * (n != 1)}"
    if identical:
        return f"bit-identical over {rows}"
    worst = max(columns, key=lambda column: column.largest)
    words = [
        f"largest difference {worst.largest:.2g}, in {worst.name} at step {worst.worst_step}"
        if worst.largest
        else f"no difference in {rows}"
        if all(column.has_equal_bits for column in columns)
        else f"no difference in {rows} but in the sign of a zero or in precision"
    ]
    if before.n_steps != now.n_steps:
        words.append(f"{before.n_steps} steps before, {now.n_steps} now")
    if not ended_alike:
        words.append(f"{before.status.name} before, {now.status.name} now")
    return "; ".join(words) + _versions(before, now)


def _versions(before: Run, now: Run) -> str:
    """What differs between the places where the two were made, if the first was made elsewhere."""
    then, here = before.made_with, now.made_with or environment()
    if not then:
        return ""
    changed = [name for name in here if name in then and then[name] != here[name]]
    if not changed:
        return " (written with the same versions, on the same machine)"

    def told(made_with: dict[str, str]) -> str:
        versions = " and ".join(f"{name} {made_with[name]}" for name in changed if name not in MACHINE)
        machine = " ".join(made_with[name] for name in changed if name in MACHINE)
        return (f" with {versions}" if versions else "") + (f" on {machine}" if machine else "")

    return f" (written{told(then)}, repeated{told(here)})"
