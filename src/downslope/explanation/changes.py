"""Changes that may help a run: another rate, another method, another start; by what it did, the simplest first."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope import wording
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.analysis.rates import Tries
from downslope.explanation.evidence import Evidence, schedule_of
from downslope.learning_rates import Backtracking, Constant, Cosine, GeometricDecay
from downslope.methods import Adam, GradientDescent, Momentum, Newton, SignDescent
from downslope.plain import plain
from downslope.storage.replay import start_of

_MOST_NEWTON = 100
"""Variables up to which Newton's method is worth a try."""
_N_RATES = 64
"""Rates run at once, from the largest stable one down by four decades."""
_SECONDS, _SECONDS_A_STEP = 0.1, 1e-7
"""What those runs may take, by a guess of what a step costs beside 1e-8 a variable."""
_NUDGE = 1e-2
"""How far a start is moved off a saddle."""


@dataclass(frozen=True)
class Change:
    """What to give `minimize` in place of what it got."""

    words: str
    """Such as "learning rate 0.5"."""
    arguments: dict[str, Any]
    is_same_method: bool = True


def candidates(evidence: Evidence, behaviour: Behaviour) -> Iterator[Change]:
    """Changes worth trying, the simplest first."""
    if behaviour in (Behaviour.SADDLE, Behaviour.MAXIMUM):
        yield from _away(evidence)
    elif behaviour is Behaviour.PLATEAU and evidence.run.converged:
        tolerance = float(f"{evidence.run.gradient_norms[-1] / 1000:.1g}")
        yield Change(f"a gradient tolerance of {tolerance:g}", {"gradient_tolerance": tolerance})
    elif behaviour is Behaviour.STOPPED_SHORT and schedule_of(evidence) is not None:
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
    if not evidence.compiles or evidence.rules is None or run.specification["noise"]:
        return None
    if evidence.rules.method.needs_hessian or run.n_steps == 0:
        return None
    if found is None or target is None or not found.largest_stable:
        return None
    affordable = int(_SECONDS / _N_RATES / (_SECONDS_A_STEP + 1e-8 * len(evidence.start)))
    limits = evidence.rules.limits
    limits = limits._replace(max_steps=min(limits.max_steps, affordable))
    rules = evidence.rules._replace(learning_rate=Constant(1.0), limits=limits)
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
