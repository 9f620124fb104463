"""The race: several methods or rates from one start, on synchronous steps."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.lab import reading
from downslope.lab.descents import one
from downslope.lab.functions import Functions
from downslope.lab.limits import LIMITS
from downslope.lab.running import record
from downslope.lab.settings import KEYS, setting
from downslope.patience import ask
from downslope.run import Run
from downslope.wording import counted, method, rate, short

_LABEL = 60
_ALIKE = 1e-12
"""Losses that differ by less, beside the fall of the whole race, are alike."""


def race(functions: Functions, params: dict[str, Any]) -> dict[str, Any]:
    """A run for each entrant, who wins by steps and who by loss, and how far each is behind at each step."""
    base = {key: params[key] for key in KEYS if key in params}
    reading.only(params, (*KEYS, "entrants"), "race")
    runs, told, labels = [], [], []
    for piece in reading.listed("entrants", params.get("entrants"), 1, LIMITS.entrants):
        ask()
        own = dict(reading.table("entrants", piece))
        label = reading.optional(reading.text, "label", own.pop("label", None), _LABEL)
        asked = setting({**base, **own}, functions)
        runs.append(one(asked))
        labels.append(label or f"{method(runs[-1])}, {rate(runs[-1])}")
        told.append({"label": labels[-1], **record(runs[-1], asked)})
    by_steps, by_loss = _by_steps(runs), _by_loss(runs)
    return {
        "runs": told,
        "winner_by_steps": by_steps,
        "winner_by_loss": by_loss,
        "words": _words(runs, labels, by_steps, by_loss),
        "differences": differences(runs),
    }


def _by_steps(runs: list[Run]) -> int | None:
    """The one that converged in the fewest steps; None where none did, or two took as many."""
    steps = [run.n_steps if run.converged else np.inf for run in runs]
    least = min(steps)
    return steps.index(least) if least < np.inf and steps.count(least) == 1 else None


def _by_loss(runs: list[Run]) -> int | None:
    """The one that ended lowest; None where two are alike."""
    losses = [run.loss if np.isfinite(run.loss) else np.inf for run in runs]
    least = min(losses)
    fall = max((abs(run.losses[0] - run.loss) for run in runs if np.isfinite(run.loss)), default=0.0)
    alike = [loss for loss in losses if loss - least <= _ALIKE * fall]
    return losses.index(least) if least < np.inf and len(alike) == 1 else None


def _words(runs: list[Run], labels: list[str], by_steps: int | None, by_loss: int | None) -> str:
    words = []
    if by_steps is not None:
        words.append(f"Fewest steps: {labels[by_steps]} converged in {counted(runs[by_steps].n_steps, 'step')}.")
    elif any(run.converged for run in runs):
        words.append("The first two converged in as many steps.")
    else:
        words.append("None converged.")
    if by_loss is not None:
        words.append(f"Lowest loss: {labels[by_loss]} ended at {short(runs[by_loss].loss)}.")
    else:
        words.append("The lowest losses are alike.")
    return " ".join(words)


def differences(runs: list[Run]) -> np.ndarray:
    """By how much each loss lies above the lowest at that step, shape (steps, m); who has ended stands at its end."""
    n = max(len(run.losses) for run in runs)
    losses = np.stack([np.pad(run.losses, (0, n - len(run.losses)), mode="edge") for run in runs], axis=1)
    lowest = np.fmin.reduce(losses, axis=1)
    return np.asarray(losses - lowest[:, None])
