"""The sentences after the first: the curvature, what rates it allows, and what cannot be trusted."""

from __future__ import annotations

import numpy as np

from downslope import wording
from downslope.analysis.behaviour import Behaviour
from downslope.analysis.curvature import PointKind
from downslope.analysis.multipliers import Stability
from downslope.explanation.evidence import Evidence, Place
from downslope.explanation.pace import point_in_words
from downslope.learning_rates import Schedule
from downslope.methods import GradientDescent, Newton, RMSProp
from downslope.objectives import finite_difference
from downslope.objectives.bound import GivenBound
from downslope.wording import capital, share, short

_NOTHING = 1e-6
"""A share of the distance that is none: the search for the best rate ends about there."""
_EDGE = 1e-3
_CHECKED, _DISAGREES = 100, 1e-2
"""Variables up to which a given gradient is checked, and the share of the slope by which it may be off."""
_LEVEL = (Behaviour.SADDLE, Behaviour.MAXIMUM, Behaviour.FALLING)
_UNTOLD = (Behaviour.AT_BOUND, *_LEVEL)
"""Where a rate has nothing to do with it."""


def grounds(evidence: Evidence, behaviour: Behaviour) -> list[str]:
    """Each one true by itself."""
    told = [_place(evidence, behaviour), _limits(evidence, behaviour), _caveat(evidence)]
    return [sentence for sentence in told if sentence]


def _place(evidence: Evidence, behaviour: Behaviour) -> str:
    target = evidence.target
    if evidence.bound is None:
        if "precision" in evidence.no_stability:
            return f"Its curvature is not told, since {evidence.no_stability}."
        return "Its curvature is not known: the file holds no function (load it, and replay with the function)."
    if target is None:
        if behaviour in (Behaviour.FALLING, Behaviour.PLATEAU) or len(evidence.start) > 300:
            return "" if evidence.stability is None else _curvatures(evidence.end, "near the end")
        return "No stationary point was found downhill of its best point."
    if target.kind is PointKind.UNDECIDED:
        return "The curvature at the end is not finite, or not resolved: what kind of point it is cannot be told."
    where = f"at the {target.kind.value}" if target.kind in (PointKind.MINIMUM, PointKind.SADDLE) else "there"
    if not evidence.stationary and behaviour not in _LEVEL:
        place = "flat point" if target.kind is PointKind.FLAT else "minimum"
        where = f"at the {place} downhill of its best point, {point_in_words(evidence, target.x)},"
    if target.kind is PointKind.FLAT and not np.any(target.free):
        return f"The curvature {where} is zero as far as can be told, so the slope there says little of the distance."
    return _curvatures(target, where)


def _curvatures(place: Place | None, where: str) -> str:
    if place is None or not place.free.size:
        return ""
    found = place.free
    if len(found) == 1:
        return f"The curvature {where} is {short(found[0])}."
    if found[0] == found[-1] or short(found[0]) == short(found[-1]):
        return f"The curvature {where} is {short(found[0])} in every direction{_seen_of(place)}."
    text = f"The curvatures {where} go from {short(found[0])} to {short(found[-1])}"
    condition = place.spectrum.condition_number
    if condition is not None and place.spectrum.n_negative == 0 and place.spectrum.n_flat == 0:
        text += f" (condition number {condition:,.4g})"
    text += _seen_of(place)
    least = "" if place.spectrum.is_complete else "at least "
    if place.spectrum.n_flat:
        text += f"; {least}{place.spectrum.n_flat} flat, along which nothing pulls back"
    if place.spectrum.n_negative:
        text += f"; {least}{place.spectrum.n_negative} negative, along which every rate leads away"
    return f"{text}."


def _seen_of(place: Place) -> str:
    """How the ends of a large spectrum were found."""
    if place.spectrum.is_complete:
        return ""
    unresolved = "" if place.spectrum.resolved.all() else "; one end is not resolved"
    return f", by {place.spectrum.n_products} Hessian-vector products{unresolved}"


def _limits(evidence: Evidence, behaviour: Behaviour) -> str:
    found, method = evidence.stability, evidence.method
    if found is None:
        has_none = evidence.target is None and evidence.end is not None and evidence.end.spectrum.is_complete
        if method is None or evidence.bound is None or evidence.run.n_steps == 0 or has_none or behaviour in _UNTOLD:
            return ""
        return f"No limit of its rate is told, since {evidence.no_stability}." if evidence.no_stability else ""
    if found.forgets:
        return _sharpness(evidence, found)
    if found.largest_stable is None or behaviour in _UNTOLD:
        return ""
    name = wording.method(evidence.run)
    if found.circles_up_to:
        up_to = f"up to a learning rate of {short(found.circles_up_to)} " if not found.is_factor else ""
        circle = f"{up_to}its multipliers stay on the unit circle, and it circles for ever"
        return f"{capital(name)} comes to rest there at no rate: {circle}."
    if found.largest_stable == 0:
        return f"{capital(name)} is not stable there at any rate."
    if found.is_factor:
        return (
            f"The rule {name} is stable here with steps up to {short(found.largest_stable)} times as long"
            f" as its own, and quickest with {short(found.best_rate or 0)} times."
        )
    held = ", its scaling held," if found.is_scaled else ""
    leads_away = bool(np.any(found.curvatures < 0))  # along some curvature, at any rate
    where = "along the positive curvatures" if leads_away else "there"
    text = f"{capital(name)}{held} is stable {where} up to a learning rate of {short(found.largest_stable)}"
    if evidence.run.learning_rates.ndim > 1 or (evidence.is_constant and evidence.constant_rate is None):
        text += " for the coordinate with the largest one, the others in proportion"
    if found.best_rate is not None and found.best_factor is not None and not leads_away:
        text += f"; the best constant one is {short(found.best_rate)}, where a step "
        is_whole = found.best_factor < _NOTHING
        text += "goes all the way" if is_whole else f"multiplies the distance by {share(found.best_factor)}"
    return f"{text}.{_beyond(evidence, found)}"


def _beyond(evidence: Evidence, found: Stability) -> str:
    """What the run's own rate allows, where it was one rate."""
    is_one = isinstance(evidence.rate, Schedule) and evidence.run.learning_rates.ndim == 1
    if not is_one or found.largest_stable is None or not found.most_curvature:
        return ""
    if isinstance(evidence.method, Newton) or found.rate <= found.largest_stable * (1 + 1e-6):
        return ""
    return f" {capital(short(found.rate))} is stable up to a curvature of {short(found.most_curvature)} only."


def _sharpness(evidence: Evidence, found: Stability) -> str:
    name = capital(wording.method(evidence.run).partition(" (")[0])
    text, rate = f"{name} has no stable rate to tell, since its scaling follows the slopes down", evidence.constant_rate
    if isinstance(evidence.method, RMSProp) and rate is not None:
        text += f"; it settles into bouncing by half its rate, {short(rate / 2)}"
    if not found.most_curvature or not found.curvatures.size:
        return f"{text}."
    largest = found.curvatures[-1]
    side = "below" if largest <= found.most_curvature else "above"
    side = "at" if abs(largest / found.most_curvature - 1) < _EDGE else side
    return (
        f"{text}. At the end the largest curvature after scaling is {short(largest)}, {side} the "
        f"{short(found.most_curvature)} that a rate of {short(found.rate)} is stable up to."
    )


def _caveat(evidence: Evidence) -> str:
    if evidence.bound is not None and isinstance(evidence.bound, GivenBound) and len(evidence.start) <= _CHECKED:
        wrong = _wrong_gradient(evidence.bound, evidence.start)
        if wrong:
            return wrong
    if evidence.bound is not None and not evidence.exact and evidence.target is not None:
        error = evidence.target.spectrum.uncertainty
        return f"The gradient comes from finite differences: the curvatures may be off by {error:.1g}."
    kinks = evidence.run.objective.problem is not None and not evidence.run.objective.problem.smooth
    return "The function has kinks, where slope and curvature say nothing of the other side." if kinks else ""


def _wrong_gradient(bound: GivenBound, start: np.ndarray) -> str:
    """What `jac` gives at the start beside differences of the function; empty where they agree."""
    with np.errstate(all="ignore"):
        given, seen = bound.gradient(start), finite_difference.gradient(bound.value, start, bound.bounds)
    k = int(np.argmax(np.abs(given - seen)))
    if not abs(given[k] - seen[k]) > _DISAGREES * max(float(np.abs(seen).max()), 1e-3):
        return ""
    return (
        f"`jac` disagrees with the function: at the start its component {k} is {short(given[k])}, and differences of "
        f"the function give {short(seen[k])}. Nothing else here can be trusted."
    )


def at_rate(evidence: Evidence, rate: float) -> str:
    """What another constant rate would do near the minimum, by the multipliers alone."""
    found = evidence.stability
    if found is not None and found.is_scaled:
        name = capital(wording.method(evidence.run).partition(" (")[0])
        return f"What a rate of {short(rate)} would do is not known: {name} would scale its steps in another way."
    if found is None or found.forgets or not found.curvatures.size or found.curvatures[-1] <= 0:
        return f"What a rate of {short(rate)} would do is not known here."
    factor = found.factor_at(rate)
    assert factor is not None
    largest = short(found.curvatures[-1])
    allowed = ""
    if isinstance(evidence.method, GradientDescent):
        allowed = f"\nIt allows curvatures up to {short(2 / rate)}, and the largest here is {largest}."
    if factor > 1 + 1e-9:
        return f"At {short(rate)} it would diverge: a step would multiply the distance by up to {factor:.6g}.{allowed}"
    if factor >= 1 - 1e-9:
        return f"At {short(rate)} it would bounce, neither closer nor farther.{allowed}"
    return f"At {short(rate)} it would converge: a step multiplies the distance by {share(factor)} at most.{allowed}"
