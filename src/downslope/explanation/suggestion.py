"""What to try next, tried: the run is repeated with each candidate, and the best of them is quoted as it ran."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope import wording
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.analysis.rates import Tries
from downslope.errors import DownslopeError
from downslope.explanation.evidence import Evidence, schedule_of
from downslope.learning_rates import Backtracking, Constant, Cosine, GeometricDecay
from downslope.methods import Adam, GradientDescent, Momentum, Newton, SignDescent
from downslope.minimization import minimize
from downslope.plain import plain
from downslope.run import Run
from downslope.stopping import Status
from downslope.storage.replay import bounds_of, start_of

_MOST_TRIALS = 4
_MOST_SECONDS = 2.0
"""A trial that could take longer, by what the run took a step, is made with fewer steps."""
_WORTH = 2.0
"""A run that converged is told of what takes this many times fewer steps, and at least so many fewer:"""
_WORTH_STEPS = 5
_SIMPLER = 3.0
"""Another method is told of beside another rate where it takes this many times fewer steps."""
_QUICK = 50
"""Where a change helps in so many steps, no other is tried."""
_MOST_NEWTON = 100
"""Variables."""
_N_RATES = 64
_NUDGE = 1e-2

_CONTENT = (Behaviour.AT_REST, Behaviour.AT_BOUND, Behaviour.LIMIT_OF_PRECISION)
"""Nothing to mend."""


@dataclass(frozen=True)
class Change:
    """What to give `minimize` in place of what it got."""

    words: str
    """Such as "learning rate 0.5"."""
    arguments: dict[str, Any]
    is_same_method: bool = True


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
        if self.run.status is Status.NOT_FINITE:
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
    if evidence.bound is None or evidence.rate is None or behaviour in _CONTENT:
        return Trials(None, None, 0)
    tried: list[Suggestion] = []
    for change in _candidates(evidence, behaviour):
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
    tolerance = 1e-6 * max(abs(run.loss), 1e-6)
    if run.converged and behaviour not in (Behaviour.SADDLE, Behaviour.MAXIMUM, Behaviour.PLATEAU):
        fewer = _WORTH * again.n_steps <= run.n_steps and run.n_steps - again.n_steps >= _WORTH_STEPS
        return again.converged and fewer and again.loss <= run.loss + max(tolerance, 1e-6)
    if behaviour in (Behaviour.SADDLE, Behaviour.MAXIMUM) and again.loss < run.loss - tolerance:
        return True
    best = float(np.nanmin(run.losses[np.isfinite(run.losses)], initial=run.loss))
    if again.converged:
        return again.loss < best - tolerance if run.converged else again.loss <= best + max(tolerance, 1e-6)
    if behaviour is Behaviour.FALLING or not np.isfinite(again.losses[-1]):
        return False
    seen = min(best, float(np.nanmin(again.losses)))
    floor = evidence.target.loss if evidence.target is not None else seen
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


def _candidates(evidence: Evidence, behaviour: Behaviour) -> Iterator[Change]:
    """Changes worth trying, the simplest first."""
    if behaviour in (Behaviour.SADDLE, Behaviour.MAXIMUM):
        yield from _away(evidence)
    elif behaviour is Behaviour.PLATEAU and evidence.run.converged:
        tolerance = float(f"{evidence.run.gradient_norms[-1] / 1000:.1g}")
        yield Change(f"a gradient tolerance of {tolerance:g}", {"gradient_tolerance": tolerance})
    elif behaviour is Behaviour.STOPPED_SHORT:
        yield from _farther(evidence)
    elif behaviour is Behaviour.NOISE_FLOOR:
        yield from _finer(evidence)
    elif _swings(evidence, behaviour):
        yield from _finer(evidence)
        yield from _downhill(evidence)
    else:
        yield from _better_rate(evidence)
        yield from _downhill(evidence)
        if behaviour in (Behaviour.PLATEAU, Behaviour.CRAWLING):
            yield Change("Adam with learning rate 0.1", {"method": Adam(), "learning_rate": 0.1}, False)


def _swings(evidence: Evidence, behaviour: Behaviour) -> bool:
    """Whether it bounces by the length of its steps, and not by the curvature."""
    if behaviour not in (Behaviour.BOUNCING, Behaviour.ERRATIC, Behaviour.SPIRAL):
        return False
    forgets = evidence.stability is not None and evidence.stability.forgets
    is_kink = evidence.stability is None or (evidence.target is not None and evidence.target.kind is PointKind.FLAT)
    return (isinstance(evidence.method, SignDescent) or forgets or is_kink) and not evidence.run.converged


def _better_rate(evidence: Evidence) -> Iterator[Change]:
    found, method = evidence.stability, evidence.method
    if found is None or found.best_rate is None or found.forgets or found.is_factor or method is None:
        return
    best = float(f"{found.best_rate:.3g}")
    if found.largest_stable is not None and best >= found.largest_stable:
        best = found.best_rate
    if evidence.constant_rate is None or abs(best / evidence.constant_rate - 1) > 0.02:
        yield Change(f"learning rate {best:.3g}", {"learning_rate": best})
    quickest = _quickest_rate(evidence)
    if quickest is not None and abs(quickest / best - 1) > 0.02:
        yield Change(f"learning rate {quickest:.3g}", {"learning_rate": quickest})
    positive = found.curvatures[found.curvatures > 0]
    if isinstance(method, GradientDescent) and positive.size and positive[-1] > 10 * positive[0]:
        root_low, root_high = np.sqrt(positive[0]), np.sqrt(positive[-1])
        beta = float(f"{((root_high - root_low) / (root_high + root_low)) ** 2:.2g}")
        rate = float(f"{(1 + np.sqrt(beta)) ** 2 / positive[-1] * 0.99:.3g}")
        if beta < 1:
            words = f"momentum with beta {beta:g} and learning rate {rate:g}"
            yield Change(words, {"method": Momentum(beta=beta), "learning_rate": rate}, False)


def _quickest_rate(evidence: Evidence) -> float | None:
    """The constant rate that reaches the minimum from this start in the fewest steps, of several run at once."""
    run, found, target = evidence.run, evidence.stability, evidence.target
    usable = run.rules is not None and evidence.bound is not None and evidence.bound.program is not None
    if not usable or found is None or target is None or not found.largest_stable or run.specification["noise"]:
        return None
    rules = run.rules._replace(learning_rate=Constant(1.0))
    rates = np.array([float(f"{rate:.3g}") for rate in np.geomspace(1e-4, 1, _N_RATES) * found.largest_stable])
    steps = Tries(run.objective, rules, run.structure, evidence.start, target.x).ends(rates)[0]
    if not np.any(steps >= 0):
        return None
    return float(rates[np.argmin(np.where(steps >= 0, steps, np.iinfo(steps.dtype).max))])


def _downhill(evidence: Evidence) -> Iterator[Change]:
    method = evidence.method
    plain_rate = evidence.run.specification["noise"]
    if plain_rate:
        return
    if not (isinstance(method, GradientDescent) and isinstance(evidence.rate, Backtracking)):
        if method is not None and method.always_downhill and not isinstance(method, Newton):
            words = "a line search in place of a learning rate"
            yield Change(words, {"learning_rate": None})
        else:
            words = "gradient descent by line search"
            yield Change(words, {"method": GradientDescent(), "learning_rate": None}, False)
    if len(evidence.start) <= _MOST_NEWTON and evidence.exact and not isinstance(method, Newton):
        yield Change("Newton's method", {"method": Newton(), "learning_rate": None}, False)


def _away(evidence: Evidence) -> Iterator[Change]:
    """Off a saddle or a top, along its most negative curvature."""
    place = evidence.target or evidence.end
    if place is None or place.spectrum.smallest is None or place.spectrum.smallest >= 0:
        return
    direction = place.spectrum.vectors[:, 0]
    size = _NUDGE * max(1.0, float(np.abs(evidence.start).max()))
    for side in (1, -1):
        moved = np.array([float(f"{v:.6g}") for v in evidence.start + side * size * direction])
        if evidence.bounds is None or np.array_equal(np.clip(moved, *evidence.bounds), moved):
            words = f"a start beside it, {wording.numbers(moved.tolist())}"
            yield Change(words, {"x0": start_of(evidence.run.structure, moved)})


def _farther(evidence: Evidence) -> Iterator[Change]:
    """Rates that add up to more."""
    schedule = schedule_of(evidence)
    first = float(np.max(evidence.run.learning_rates[0]))
    yield Change(f"learning rate {first:.3g} without the decay", {"learning_rate": first})
    if isinstance(schedule, GeometricDecay):
        for slower in (10, 100):
            factor = float(f"{1 - (1 - schedule.factor) / slower:.6g}")
            changed = dataclasses.replace(schedule, factor=factor)
            yield Change(f"a decay by {factor:g} a step", {"learning_rate": changed})
    yield from _downhill(evidence)


def _finer(evidence: Evidence) -> Iterator[Change]:
    """Rates that go down, so that what bounces by their length settles."""
    if not isinstance(evidence.rate, Constant):
        return
    rate, most = evidence.rate.rate, max(evidence.run.specification["max_steps"], 2)
    shown = wording.numbers(plain(np.asarray(rate)))
    # A cosine keeps the rate up for half of the steps, so that it still gets there.
    words = f"learning rate {shown}, falling to 0 as a cosine over {most:,} steps"
    yield Change(words, {"learning_rate": Cosine(rate, n_steps=float(most))})
    factor = float(f"{1e-6 ** (1 / most):.6g}") if most > 20 else 0.8
    words = f"learning rate {shown}, decaying by {factor:g} a step"
    yield Change(words, {"learning_rate": GeometricDecay(rate, factor)})
