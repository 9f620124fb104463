"""What to try next, tried: the run is repeated with each candidate, and the best of them is quoted as it ran."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope import wording
from downslope.analysis.behaviour import Behaviour
from downslope.errors import DownslopeError
from downslope.explanation.changes import Change, candidates
from downslope.explanation.evidence import Evidence
from downslope.minimization import minimize
from downslope.plain import plain
from downslope.run import Run
from downslope.storage.replay import bounds_of, start_of

_MOST_TRIALS = 4
_MOST_SECONDS = 2.0
"""A trial that could take longer, by what the run took a step, is made with fewer steps."""
_WORTH = 2.0
"""A run that converged is told of what takes this many times fewer steps, and at least so many fewer:"""
_WORTH_STEPS = 5
_SIMPLER = 3.0
"""Another method is told of beside another rate where it takes this many times fewer steps."""
_VAST = 1e30
_NOTICED = 1e-3
"""Where no minimum is known, a loss that is lower by less than this share of the whole fall is no help."""
_QUICK = 50
"""Where a change helps in so many steps, no other is tried."""

_MISPLACED = (Behaviour.SADDLE, Behaviour.MAXIMUM, Behaviour.PLATEAU)
_CONTENT = (Behaviour.AT_REST, Behaviour.AT_BOUND, Behaviour.LIMIT_OF_PRECISION)
"""Nothing to mend."""


@dataclass(frozen=True, eq=False)
class Suggestion:
    """A change that was tried, and how the run went with it."""

    change: Change
    run: Run
    helps: bool
    """Whether it converged, or went lower, where that was wanting, or took far fewer steps."""

    @property
    def words(self) -> str:
        """The change, and what was seen."""
        steps = wording.counted(self.run.n_steps, "step")
        loss = wording.short(self.run.loss)
        if self.run.converged:
            return f"{self.change.words}: tried, it converged in {steps}, to a loss of {loss}."
        if self.run.loss < -_VAST:
            return f"{self.change.words}: tried, it got away, and the loss fell to {loss} without end."
        return f"{self.change.words}: tried, it got to a loss of {loss} in {steps}."

    @property
    def shorter_words(self) -> str:
        """For a second one, beside the first."""
        return f"{self.change.words} took {wording.counted(self.run.n_steps, 'step')}"

    def to_dict(self) -> dict[str, Any]:
        """The change as words and as arguments, and the end of its run."""
        told = {
            k: self.run.specification[k]
            for k in ("x0", "method", "learning_rate", "gradient_tolerance")
            if k in self.change.arguments
        }
        outcome = {"status": self.run.status.name, "n_steps": self.run.n_steps, "loss": self.run.loss}
        return plain({"words": self.words, "change": self.change.words, "arguments": told, **outcome})  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Trials:
    """The changes that were tried."""

    best: Suggestion | None
    """The one to take first: the same method if one such change helps; None where nothing helps."""
    quicker: Suggestion | None
    """Another method that took far fewer steps still."""
    n_tried: int


def tried_changes(evidence: Evidence, behaviour: Behaviour) -> Trials:
    """Try changes until one is good enough."""
    is_content = behaviour in _CONTENT or not evidence.run.specification["max_steps"]
    if evidence.bound is None or evidence.rate is None or is_content:
        return Trials(None, None, 0)
    tried: list[Suggestion] = []
    for change in candidates(evidence, behaviour):
        if len(tried) == _MOST_TRIALS or any(one.helps and one.run.n_steps <= _QUICK for one in tried):
            break
        again = _tried(evidence, change)
        if again is not None:
            tried.append(Suggestion(change, again, _helps(evidence, behaviour, again)))
    useful = sorted((one for one in tried if one.helps), key=lambda one: _rank(evidence, one))
    if not useful:
        return Trials(None, None, len(tried))
    alike = [one for one in useful if one.change.is_same_method and one.run.converged == useful[0].run.converged]
    best = alike[0] if alike else useful[0]
    quicker = useful[0] if _SIMPLER * useful[0].run.n_steps <= best.run.n_steps else None
    return Trials(best, quicker if useful[0].run.converged else None, len(tried))


def _rank(evidence: Evidence, one: Suggestion) -> tuple[bool, bool, float]:
    """Converged before not, in a lower place before a higher one, and then by steps, or by the loss."""
    floor = evidence.run.loss if evidence.target is None else evidence.target.loss
    is_higher = one.run.converged and one.run.loss > floor + 1e-6 * max(abs(floor), 1.0)
    return not one.run.converged, is_higher, one.run.n_steps if one.run.converged else one.run.loss


def _helps(evidence: Evidence, behaviour: Behaviour, again: Run) -> bool:
    run = evidence.run
    if again.n_steps == 0 and not again.converged:
        return False
    tolerance = 1e-6 * max(abs(run.loss), 1e-6)
    if run.converged and behaviour not in _MISPLACED:
        fewer = _WORTH * again.n_steps <= run.n_steps and run.n_steps - again.n_steps >= _WORTH_STEPS
        return again.converged and fewer and again.loss <= run.loss + max(tolerance, 1e-6)
    if behaviour in (Behaviour.SADDLE, Behaviour.MAXIMUM) and again.loss < run.loss - tolerance:
        return True
    best = float(np.nanmin(run.losses[np.isfinite(run.losses)], initial=run.loss))
    if again.converged:
        return again.loss < best - tolerance if run.converged else again.loss <= best + max(tolerance, 1e-6)
    if behaviour is Behaviour.FALLING or not np.isfinite(again.losses[-1]):
        return False
    if evidence.target is None:
        fall = abs(float(run.losses[0]) - best) or abs(best)
        return bool(_typical(run) - _typical(again) > _NOTICED * fall)
    floor = evidence.target.loss
    return bool(_typical(again) - floor < 0.5 * (_typical(run) - floor))


def _typical(run: Run) -> float:
    """The loss that a run ends with, over its last tenth: one row can be lucky."""
    losses = run.losses[-max(len(run.losses) // 10, 1) :]
    return float(np.median(losses)) if np.isfinite(losses).all() else float("inf")


def _tried(evidence: Evidence, change: Change) -> Run | None:
    run, asked = evidence.run, evidence.run.specification
    most = asked["max_steps"]
    seconds_a_step = run.seconds / max(run.n_steps, 1) if run.engine == "eager" else 1e-6 * len(evidence.start)
    most = int(min(most, max(_MOST_SECONDS / max(seconds_a_step, 1e-9), 100)))
    given: dict[str, Any] = {
        "x0": start_of(run.structure, evidence.start),
        "method": evidence.method,
        "learning_rate": evidence.rate,
        "bounds": None if evidence.bounds is None else _pairs(evidence),
        "noise": asked["noise"],
        "seed": asked["seed"],
        **change.arguments,
    }
    limits = {key: asked[key] for key in ("target_loss", "gradient_tolerance", "loss_limit")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return minimize(run.objective, max_steps=most, **(limits | given))
        except DownslopeError:  # a pair that cannot work, or a function that raises at some other point
            return None


def _pairs(evidence: Evidence) -> Any:
    assert evidence.bounds is not None
    return bounds_of(evidence.run.structure, *evidence.bounds)
