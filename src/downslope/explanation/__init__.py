"""Why a run went as it did, in typed facts and in plain words.

evidence     the end, the stationary point it belongs to, its curvature, the method's stability there
labels       which behaviour that is
headlines    what the run did: `ways` of one that was arriving, `hovering` of one that was not; and `grounds`, why
minima       where it ended among the minima known
suggestion   what to try, tried
"""

from __future__ import annotations

import functools
import html
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.analysis.multipliers import Stability
from downslope.errors import InvalidInput
from downslope.explanation.evidence import Evidence, Place, gather
from downslope.explanation.grounds import at_rate, grounds
from downslope.explanation.headlines import headline
from downslope.explanation.labels import behaviour_of, shape_of
from downslope.explanation.minima import Minima, minima
from downslope.explanation.pace import steps_needed, steps_to_overflow
from downslope.explanation.suggestion import Suggestion, Trials, tried_changes
from downslope.explanation.travel import travel
from downslope.plain import plain
from downslope.run import Run
from downslope.wording import capital, counted

_MISPLACED = (Behaviour.SADDLE, Behaviour.MAXIMUM, Behaviour.PLATEAU)
_ON_ITS_WAY = (Behaviour.CRAWLING, Behaviour.ZIGZAG, Behaviour.SPIRAL)


@dataclass(frozen=True, eq=False, repr=False)
class Explanation:
    """What `run.explain()` returns; printed, it is a few sentences.

    >>> import downslope
    >>> print(downslope.minimize("x^2", 5.0, learning_rate=0.9).explain())
    Zigzag: it turned back 72 times in 73 steps, each step overshooting: it multiplied the distance by -0.8.
    The curvature at the minimum is 2.
    Gradient descent is stable there up to a learning rate of 1; the best constant one is 0.5, where a step goes all
    the way.
    Try learning rate 0.5: tried, it converged in 1 step, to a loss of 0.
    """

    run: Run
    behaviour: Behaviour
    """What the run did."""
    sentences: tuple[str, ...]
    """The same in words; the last one is what to try, where something helps."""
    trials: Trials
    """What was tried, to find something to suggest."""
    minima: Minima | None
    """What is known of other minima."""
    evidence: Evidence
    """What was measured for it."""

    @property
    def suggestion(self) -> Suggestion | None:
        """The change to make, as it ran when it was tried; None where none helped."""
        return self.trials.best

    @property
    def kind(self) -> PointKind | None:
        """The kind of the point at which the run ended; None where the function is not at hand."""
        evidence = self.evidence
        if evidence.end is None:
            return None
        if evidence.stationary and evidence.target is not None:
            return evidence.target.kind
        return PointKind.NOT_STATIONARY

    @property
    def stability(self) -> Stability | None:
        """Multipliers and limits; None where there are none (`to_dict()["no_stability"]` tells why)."""
        return self.evidence.stability

    @property
    def curvatures(self) -> np.ndarray | None:
        """Eigenvalues of the Hessian at the stationary point, ascending, shape (n,); of many, the resolved ends."""
        return None if self.evidence.target is None else self.evidence.target.spectrum.values

    @functools.cached_property
    def steps_needed(self) -> int | None:
        """How many more steps the tolerance is away; None where the run was not on its way there, or nothing tells."""
        return steps_needed(self.evidence) if self.behaviour in _ON_ITS_WAY else None

    @functools.cached_property
    def steps_to_overflow(self) -> int | None:
        """How many more steps a diverging loss takes to overflow; None for any other run."""
        return steps_to_overflow(self.evidence) if self.behaviour is Behaviour.DIVERGING else None

    def at_rate(self, rate: float) -> str:
        """What another constant rate would do near the minimum, by its multipliers.

        >>> import downslope
        >>> print(downslope.minimize("50*x^2", 1.0, learning_rate=0.01).explain().at_rate(0.03))
        At 0.03 it would diverge: a step would multiply the distance by up to 2.
        It allows curvatures up to 66.67, and the largest here is 100.
        """
        if isinstance(rate, bool) or not isinstance(rate, int | float | np.number) or not 0 < rate < np.inf:
            raise InvalidInput("rate", "must be a positive number", rate)
        return at_rate(self.evidence, float(rate))

    def to_dict(self) -> dict[str, Any]:
        """All facts and words as plain numbers, strings, lists and None, fit for JSON.

        >>> import downslope
        >>> told = downslope.minimize("x^2", 5.0, learning_rate=0.9).explain().to_dict()
        >>> told["behaviour"], told["kind"], told["stability"]["largest_stable"]
        ('zigzag', 'minimum', 1.0)
        """
        evidence = self.evidence
        found = travel(evidence)
        motion = evidence.motion
        return {
            "behaviour": self.behaviour.value,
            "sentences": list(self.sentences),
            "kind": None if self.kind is None else self.kind.value,
            "shape": shape_of(evidence).value,
            "observed_multiplier": plain(motion.multiplier),
            "steps_needed": self.steps_needed,
            "steps_to_overflow": self.steps_to_overflow,
            "sum_of_rates": None if found is None else plain(found.total),
            "stationary_point": _place(evidence.target),
            "stability": _stability(evidence.stability),
            "no_stability": evidence.no_stability,
            "minima": None if self.minima is None else self.minima.to_dict(),
            "suggestion": None if self.suggestion is None else self.suggestion.to_dict(),
            "quicker": None if self.trials.quicker is None else self.trials.quicker.to_dict(),
            "n_tried": self.trials.n_tried,
        }

    def __str__(self) -> str:
        return "\n".join(self.sentences)

    def __repr__(self) -> str:
        return f"<Explanation {self.behaviour.value}: {self.sentences[0].partition(': ')[2]}>"

    def _repr_html_(self) -> str:
        head, *rest = (html.escape(sentence) for sentence in self.sentences)
        return f'<div class="downslope-explanation"><p><b>{head}</b></p>{"".join(f"<p>{s}</p>" for s in rest)}</div>'


def explain(run: Run, *, suggest: bool = True) -> Explanation:
    """What `Run.explain` documents."""
    if not isinstance(run, Run):
        raise InvalidInput("run", "must be a Run", run)
    with np.errstate(all="ignore"):
        evidence = gather(run)
        behaviour = behaviour_of(evidence)
        others = minima(evidence)
        trials = tried_changes(evidence, behaviour) if suggest else Trials(None, None, 0)
        sentences = [f"{capital(behaviour.value)}: {headline(evidence, behaviour)}", *grounds(evidence, behaviour)]
    if others is not None:
        sentences.append(others.words)
    if trials.best is not None:
        also = f" {capital(trials.quicker.shorter_words)}." if trials.quicker is not None else ""
        sentences.append(f"Try {trials.best.words}{also}")
    elif trials.n_tried and (not run.converged or behaviour in _MISPLACED):
        sentences.append(
            f"Nothing helped of what was tried ({counted(trials.n_tried, 'change')} of rate, method or start)."
        )
    return Explanation(run, behaviour, tuple(sentences), trials, others, evidence)


def _place(place: Place | None) -> dict[str, Any] | None:
    if place is None:
        return None
    told = {"x": plain(place.x), "loss": plain(place.loss), "kind": place.kind.value}
    return {**told, **place.spectrum.to_dict()}


def _stability(found: Stability | None) -> dict[str, Any] | None:
    if found is None:
        return None
    names = ("rate", "is_factor", "is_scaled", "forgets", "largest_stable", "circles_up_to", "best_rate", "best_factor")
    pairs = [[[plain(float(m.real)), plain(float(m.imag))] for m in row] for row in found.multipliers]
    return {
        **{name: _rounded(getattr(found, name)) for name in names},
        "zigzag_from": _rounded(found.zigzag_from),
        "most_curvature": _rounded(found.most_curvature),
        "curvatures": plain(found.curvatures),
        "multipliers": pairs,
    }


def _rounded(value: Any) -> Any:
    """To seven of the nine digits that a search on the unit circle gives."""
    return float(f"{value:.7g}") if isinstance(value, float) else value


__all__ = ["Behaviour", "Explanation", "explain"]
