"""What an explanation stands on: the end of a run, the stationary point it belongs to, its curvature and stability."""

from __future__ import annotations

import functools
import warnings
from dataclasses import dataclass
from typing import Any, cast

import numpy as np

from downslope.analysis.behaviour import Motion, motion
from downslope.analysis.curvature import (
    DENSE_UP_TO,
    PointKind,
    Spectrum,
    at_rest,
    free_variables,
    kind_of_point,
    spectrum,
)
from downslope.analysis.multipliers import Stability, stability
from downslope.analysis.stationary import polish, settle
from downslope.analysis.update_map import NotLinearError
from downslope.engines.step import Rules
from downslope.errors import DownslopeError
from downslope.learning_rates import Constant, LearningRate, Schedule
from downslope.methods import Method
from downslope.objectives.finite_difference import Bounds
from downslope.objectives.objective import Bound
from downslope.run import Run
from downslope.stopping import Limits, Status
from downslope.storage.not_stored import NotStored
from downslope.storage.rules import learning_rate_of, method_of

_SINGLE = 4
"""Bytes of a number in single precision; with fewer no curvature is told."""
_TOLERANCE_SHARE = 1e-9
_TOLERANCE = 1e-6
"""What is stationary, where the run was not asked for a tolerance."""


@dataclass(frozen=True, eq=False)
class Place:
    """A point, with what the function is like there."""

    x: np.ndarray
    loss: float
    gradient: np.ndarray
    spectrum: Spectrum
    kind: PointKind

    @property
    def free(self) -> np.ndarray:
        """The curvatures, with those that are flat set to 0."""
        values = self.spectrum.values[self.spectrum.resolved]
        return np.where(np.abs(values) <= self.spectrum.flat_below, 0.0, values)


@dataclass(frozen=True, eq=False)
class Evidence:
    """All that is known of a run before it is put into words."""

    run: Run
    bound: Bound | None
    """The function on flat vectors; None where a loaded run has no code."""
    bounds: Bounds | None
    method: Method | None
    rate: LearningRate | None
    motion: Motion
    end: Place | None
    """The last finite point; None where the function is not at hand."""
    target: Place | None
    """The stationary point at the end, or else the minimum below the run's best point; None where none was found."""
    stability: Stability | None
    """Of the method at the target; where there is none, because there are very many variables, at the end."""
    no_stability: str
    """Why there is none, in words that follow "since"; empty where there is one."""

    @property
    def stationary(self) -> bool:
        """Whether the run ended where the slope is zero, as far as was asked."""
        if self.end is None:
            return self.run.status is Status.GRADIENT_SMALL
        return self.end.kind is not PointKind.NOT_STATIONARY

    @property
    def is_constant(self) -> bool:
        """Whether every step had the same rate."""
        return isinstance(self.rate, Constant)

    @property
    def constant_rate(self) -> float | None:
        """The one rate of all steps and coordinates; None where there was none such."""
        return float(self.rate.rate) if isinstance(self.rate, Constant) and np.ndim(self.rate.rate) == 0 else None

    @property
    def rules(self) -> Rules | None:
        """The run's rules, also those of a loaded one; None where they are another library's and not stored."""
        if self.run.rules is not None or self.method is None or self.rate is None:
            return cast("Rules | None", self.run.rules)
        told = self.run.specification
        target, tolerance, limit = (told[name] for name in ("target_loss", "gradient_tolerance", "loss_limit"))
        limits = Limits(
            -np.inf if target is None else target,
            -1.0 if tolerance is None else tolerance,
            np.inf if limit is None else limit,
            told["max_steps"],
        )
        return Rules(self.method, self.rate, limits, self.bounds, told["noise"] or None, told["seed"] or 0)

    @property
    def start(self) -> np.ndarray:
        """The flat start."""
        return np.ravel(self.run.specification["x0"])

    @functools.cached_property
    def saddle(self) -> Place | None:
        """The saddle or maximum next to the end of a run that was not at rest; None where there is none."""
        if self.bound is None or self.end is None or len(self.end.x) > DENSE_UP_TO or not self.end.spectrum.n_negative:
            return None
        found = polish(self.bound, self.end.x)
        place = None if found is None else place_at(self.bound, found, self.bounds, polished=True)
        return place if place is not None and place.spectrum.n_negative else None

    def product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian at x times v."""
        assert self.bound is not None
        with np.errstate(all="ignore"):
            return self.bound.hessian_vector_product(x, v)

    @property
    def compiles(self) -> bool:
        """Whether many runs at once cost little: those of a function that is not compiled go one after another."""
        return self.bound is not None and self.bound.program is not None and self.bound.program.compiles

    @property
    def exact(self) -> bool:
        """Whether derivatives are exact."""
        return self.bound is not None and self.bound.source.name != "FINITE_DIFFERENCES"


def gather(run: Run) -> Evidence:
    """Look at a run from all sides; nothing of it is made again."""
    method, rate = _rules(run)
    bounds = _bounds(run)
    bound = _bound(run, bounds)
    if bound is None:
        is_coarse = run.structure.dtype.itemsize < _SINGLE
        reason = "half precision is too coarse for curvatures" if is_coarse else "the function is not at hand"
        return Evidence(run, None, bounds, method, rate, motion(run), None, None, None, reason)
    tolerance = run.specification["gradient_tolerance"]
    tolerance = _TOLERANCE if tolerance is None else max(tolerance, _TOLERANCE)
    with np.errstate(all="ignore"):
        end = place_at(bound, run.structure.flatten(run.x), bounds, tolerance)
        target = _target(run, bound, bounds, end)
        # Among very many variables no stationary point is looked for, and where a run came near to one, its end serves.
        near = target or (end if len(end.x) > DENSE_UP_TO and end.loss < run.losses[0] else None)
        found, reason = _stability(run, bound, method, near)
    axes = target.spectrum.vectors if target is not None else None
    if axes is not None and axes.shape[0] != axes.shape[1]:
        axes = None  # not all directions of the path
    return Evidence(run, bound, bounds, method, rate, motion(run, axes), end, target, found, reason)


def place_at(
    bound: Bound, x: np.ndarray, bounds: Bounds | None, tolerance: float = _TOLERANCE, *, polished: bool = False
) -> Place:
    """The point with its loss, slope, curvature and kind."""
    loss, gradient = bound.value_and_gradient(x)
    found = spectrum(bound, x, free=None if bounds is None else free_variables(x, gradient, bounds))
    if polished and found.is_finite:
        found = at_rest(bound, x, found)
    return Place(
        x, loss, gradient, found, kind_of_point(bound, x, gradient, found, bounds, gradient_tolerance=tolerance)
    )


def _rules(run: Run) -> tuple[Method | None, LearningRate | None]:
    if run.rules is not None:
        return run.rules.method, run.rules.learning_rate
    try:
        return method_of(run.specification["method"]), learning_rate_of(run.specification["learning_rate"])
    except DownslopeError:  # a rule of another library, or a function of the step, which no file holds
        return None, None


def _bounds(run: Run) -> Bounds | None:
    told = run.specification["bounds"]
    return None if told is None else (np.asarray(told[0]), np.asarray(told[1]))


def _bound(run: Run, bounds: Bounds | None) -> Bound | None:
    objective = run.objective
    is_coarse = run.structure.dtype.itemsize < _SINGLE
    if is_coarse or isinstance(objective.fun, NotStored) or isinstance(objective.jac, NotStored):
        return None
    with np.errstate(all="ignore"):
        return objective.bind(run.x, bounds)[0]


def _target(run: Run, bound: Bound, bounds: Bounds | None, end: Place) -> Place | None:
    """Where the slope is zero, to rounding: at the run's end, or else at the bottom below its best point."""
    if len(end.x) > DENSE_UP_TO:
        return end if end.kind is not PointKind.NOT_STATIONARY else None
    if end.kind is not PointKind.NOT_STATIONARY:
        found = end.x if not np.any(end.gradient) else polish(bound, end.x)
    else:
        found = settle(bound, _best_point(run))
    if found is None:
        return None
    # Where the slope comes out of large numbers, its rounding is no smaller.
    tolerance = max(_TOLERANCE, _TOLERANCE_SHARE * float(run.gradient_norms[0]))
    place = place_at(bound, found, bounds, tolerance, polished=True)
    return None if place.kind is PointKind.NOT_STATIONARY else place


def _best_point(run: Run) -> np.ndarray:
    losses = run.losses[run.path_steps]
    if run.path is None or not np.isfinite(losses).any():
        return run.structure.flatten(run.x)
    return np.asarray(
        run.structure.flatten_rows(run.path)[int(np.nanargmin(np.where(np.isfinite(losses), losses, np.inf)))]
    )


def _stability(run: Run, bound: Bound, method: Method | None, near: Place | None) -> tuple[Stability | None, str]:
    if method is None:
        return None, "no file holds the rule of another library"
    if near is None:
        return None, "no stationary point was found downhill of its best point"
    if not near.spectrum.is_finite or not near.spectrum.values.size:
        return None, "the curvature there is not finite" if near.spectrum.values.size else "no variable is free there"
    rates = run.learning_rates[:-1][-1:] if run.n_steps else np.array([])
    rate, share = 1.0, np.ones(len(near.x))
    if not method.brings_rate:
        if not rates.size or not np.isfinite(rates).all():
            return None, "no step was made"
        rate = float(rates.max())
        share = np.broadcast_to(rates[-1] / rate, near.x.shape) if rate > 0 else share
    scale = _scale(run, method, near)
    if method.scaling and scale is None:
        return None, "what the method remembered is not known"
    curvatures, hessian = near.free, None
    if scale is not None or np.any(share != 1):
        share = share * (1.0 if scale is None else scale)
        scaled = spectrum(bound, near.x, free=_free(bound, near), scale=share)
        curvatures = np.where(np.abs(scaled.values) <= scaled.flat_below, 0.0, scaled.values)[scaled.resolved]
    elif near.spectrum.is_complete:
        vectors = near.spectrum.vectors
        hessian = vectors @ np.diag(near.spectrum.values) @ vectors.T
    try:
        return stability(method, curvatures, rate, hessian=hessian, n_steps=run.n_steps), ""
    except NotLinearError as error:
        return None, str(error)


def _free(bound: Bound, near: Place) -> np.ndarray | None:
    return None if bound.bounds is None else free_variables(near.x, near.gradient, bound.bounds)


def _scale(run: Run, method: Method, near: Place) -> np.ndarray | None:
    """One over what the method divides each coordinate by; 0 for those that never had a slope."""
    if not method.scaling:
        return None
    state = run.method_state
    if state is None:  # which no file holds; the same run has the same
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            state = run.replay().run.method_state
    if state is None:
        return None
    divisor = np.asarray(method.scale(state), dtype=float)
    never = np.all([np.asarray(getattr(state, name)) == 0 for name in method.scaling], axis=0)
    return np.where(never, 0.0, 1 / np.where(divisor > 0, divisor, 1.0))


def ended_badly(run: Run) -> bool:
    """Whether the run met a value that is not finite, or passed the loss limit."""
    return run.status in (Status.NOT_FINITE, Status.DIVERGED)


def schedule_of(evidence: Evidence) -> Any:
    """The schedule, where the rate depends on the step alone and is not constant."""
    is_schedule = isinstance(evidence.rate, Schedule) and not isinstance(evidence.rate, Constant)
    return evidence.rate if is_schedule else None
