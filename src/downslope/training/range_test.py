"""The learning-rate range test (Smith 2017): rates that grow from step to step, and the loss that each met.

The loss falls while rates are useful, and rises where they are too large. The suggestion is the rate at which the
smoothed loss fell fastest, and never more than half of what the measured sharpness lets the method be stable at; where
the loss never fell clearly, there is none, and the reason says so. Nothing is changed: the test has its own weights.
"""

from __future__ import annotations

import dataclasses
import math
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.analysis.multipliers import stability
from downslope.analysis.update_map import NotLinearError
from downslope.errors import InvalidInput
from downslope.learning_rates import GeometricDecay
from downslope.methods import as_method
from downslope.training.asked import check_real, check_whole
from downslope.training.preparing import Job, prepared
from downslope.training.replaying import again
from downslope.training.scaling import UnscaledFeatures
from downslope.training.sharpness import leading

_SMOOTHING = 0.9
_EXPLODED = 4.0
"""A smoothed loss so many times its lowest ends the curve."""
_CLEARLY = 0.02
"""A fall by less than this share of the loss at the start is no answer."""


@dataclass(frozen=True, eq=False, repr=False)
class RateSearch:
    """What `find_learning_rate` returns.

    >>> import downslope, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(1000, 5))
    >>> found = downslope.find_learning_rate("linear", (X, X @ np.arange(5.0)), batch_size=50)
    >>> 0.01 < found.suggestion < found.largest_stable
    True
    """

    rates: np.ndarray
    """Of each step, growing by one factor."""
    losses: np.ndarray
    """Of each step's batch, before its update."""
    smoothed: np.ndarray
    """Their running mean, corrected for its start."""
    suggestion: float | None
    """None where the test has no answer."""
    reason: str
    """Why this one, or why none."""
    sharpness: float
    """The largest curvature measured, at the start and where the loss was lowest."""
    largest_stable: float | None
    """The rate up to which the method is stable at that curvature; None where it knows no such limit."""

    def __repr__(self) -> str:
        told = "no suggestion" if self.suggestion is None else f"{self.suggestion:.3g}"
        return f"<RateSearch: {told}: {self.reason}>"


def find_learning_rate(
    model: Any,
    data: Any,
    *,
    smallest: float = 1e-6,
    largest: float = 10.0,
    n_steps: int = 200,
    method: Any = "gradient_descent",
    batch_size: int | None = None,
    **options: Any,
) -> RateSearch:
    """A range test: `n_steps` steps at rates that grow from `smallest` to `largest`; other options are those of `fit`.

    Raises InvalidInput where a parameter breaks a rule.
    """
    check_real("smallest", smallest, 0)
    check_real("largest", largest, 0)
    check_whole("n_steps", n_steps, 10)
    if not 0 < smallest < largest:
        raise InvalidInput("largest", f"must be above `smallest`, {smallest}, which must be positive", largest)
    rule = as_method(method)
    if rule.brings_rate or rule.needs_hessian:
        raise InvalidInput("method", "must have a learning rate to look for", method)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UnscaledFeatures)
        given = {"method": rule, "learning_rate": smallest, "batch_size": batch_size, "epochs": 1, **options}
        job = prepared(model, data, **given)
    factor = (largest / smallest) ** (1 / (n_steps - 1))
    growing = GeometricDecay(smallest, factor)
    epochs = -(-n_steps // job.n_batches)
    run = again(
        job,
        rate=growing,
        asked=dataclasses.replace(job.asked, epochs=epochs),
        steps=dataclasses.replace(job.steps, rate=growing),
        validation=None,
    )
    return _read(job, run, n_steps)


def _read(job: Job, run: Any, n_steps: int) -> RateSearch:
    losses = run.losses[:-1][:n_steps].astype(float)
    rates = run.learning_rates[: len(losses)].astype(float)
    finite = np.flatnonzero(~np.isfinite(losses))
    end = int(finite[0]) if finite.size else len(losses)
    losses, rates = losses[:end], rates[:end]
    smoothed = _smoothed(losses)
    lowest = int(np.argmin(smoothed)) if end else 0
    exploded = np.flatnonzero(smoothed[lowest:] > _EXPLODED * smoothed[lowest] + 1e-300)
    if exploded.size and smoothed[lowest] > 0:
        end = lowest + int(exploded[0]) + 1
        losses, rates, smoothed = losses[:end], rates[:end], smoothed[:end]
    sharpness = _sharpness(job, run, lowest)
    limit = _largest_stable(job, sharpness)

    def found(suggestion: float | None, reason: str) -> RateSearch:
        return RateSearch(rates, losses, smoothed, suggestion, reason, sharpness, limit)

    if end < 10:
        return found(None, f"the loss was no longer finite after {end} steps; begin with a smaller rate")
    if smoothed[0] - smoothed[lowest] < _CLEARLY * abs(smoothed[0]):
        return found(None, "the loss never fell clearly at any of these rates: it may be at its minimum, or all noise")
    span = max(1, min(len(rates) // 10, lowest))  # the mean's first steps are noisy, so falls are taken over several
    falls = smoothed[: lowest + 1 - span] - smoothed[span : lowest + 1]
    fastest = float(rates[int(np.argmax(falls)) + span // 2])
    if limit is not None and fastest > limit / 2:
        words = f"half of {limit:.3g}, up to which the method is stable at the measured sharpness {sharpness:.3g}"
        return found(limit / 2, words)
    return found(fastest, f"where the loss fell fastest; the sharpness measured is {sharpness:.3g}")


def _smoothed(losses: np.ndarray) -> np.ndarray:
    """A running mean that forgets, divided by the weight it holds."""
    mean, smoothed = 0.0, np.empty(len(losses))
    for k, loss in enumerate(losses):
        mean = _SMOOTHING * mean + (1 - _SMOOTHING) * loss
        smoothed[k] = mean / (1 - _SMOOTHING ** (k + 1))
    return smoothed


def _sharpness(job: Job, run: Any, lowest: int) -> float:
    points = [job.x0]
    if run.path is not None and lowest > 0:
        at = int(np.searchsorted(run.path_steps, lowest, side="right")) - 1
        points.append(run.structure.flatten_rows(run.path)[at])
    bound = job.objective.bind(job.structure.restore(job.x0))[0]
    found = [leading(lambda v, x=x: bound.hessian_vector_product(x, v), x.size) for x in points]  # type: ignore[misc]
    return float(np.nanmax(found)) if np.isfinite(found).any() else math.nan


def _largest_stable(job: Job, sharpness: float) -> float | None:
    """By the method's own update map; None for those that divide by what they remember, whose limit moves."""
    if job.method.scaling or not sharpness > 0:
        return None
    try:
        return stability(job.method, np.array([sharpness]), 1.0 / sharpness).largest_stable
    except NotLinearError:
        return None
