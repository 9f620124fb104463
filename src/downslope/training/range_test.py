"""The learning-rate range test (Smith 2017): rates that grow from step to step, and the loss that each met.

The loss falls while rates are useful, and rises where they are too large. It is measured on the same rows after every
step: a batch's own loss is too noisy to read the curve off. Where it fell fastest is an early, small rate, since the
steps before have gone most of the way by then; so that one, half of the rate with the lowest loss, and one between them
are tried from the start, each for as many steps, and the suggestion is the one that came lowest. It is never more than
half of what the measured sharpness lets the method be stable at. Where the loss never fell clearly there is none, and
the reason says so. Nothing is changed: the test has its own weights.
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
from downslope.learning_rates import Constant, GeometricDecay, LearningRate
from downslope.methods import as_method
from downslope.stopping import Status
from downslope.training.asked import check_real, check_whole
from downslope.training.constant_columns import ConstantColumns
from downslope.training.objective import Average
from downslope.training.preparing import Job, prepared
from downslope.training.replaying import again
from downslope.training.scaling import UnscaledFeatures
from downslope.training.sharpness import leading

_ROWS_NUMBERS = 2**20
"""The rows that the curve is measured on are about so many numbers."""
_EXPLODED = 4.0
"""A loss so many times its lowest ends the curve."""
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
    """Of the steps, growing by one factor, shape (n,)."""
    losses: np.ndarray
    """Over the same rows, at the weights before each step, shape (n,)."""
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

    Up to three rates that it points to are then tried from the start, for as many steps each.

    Parameters
    ----------
    model, data, method, batch_size
        As for `fit`.
    smallest, largest
        The first and the last rate; between them each is the one before times a constant.
    n_steps
        Steps, 10 or more.
    **options
        Others of `fit`.

    Raises InvalidInput where a parameter breaks a rule.

    >>> import downslope, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(200, 3))
    >>> found = downslope.find_learning_rate("linear", (X, X @ [2.0, -1.0, 0.5]), n_steps=100)
    >>> found.rates.shape == found.losses.shape, 0.01 < found.suggestion < 2
    (True, True)
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
        warnings.simplefilter("ignore", ConstantColumns)
        given = {"method": rule, "learning_rate": smallest, "batch_size": batch_size, "epochs": 1, **options}
        job = prepared(model, data, **given)
    factor = (largest / smallest) ** (1 / (n_steps - 1))
    run = _run(job, GeometricDecay(smallest, factor), n_steps)
    return _read(job, run, n_steps)


def _run(job: Job, rate: LearningRate, n_steps: int) -> Any:
    asked = dataclasses.replace(job.asked, epochs=-(-n_steps // job.n_batches))
    return again(job, rate=rate, asked=asked, steps=dataclasses.replace(job.steps, rate=rate), validation=None)


def _read(job: Job, run: Any, n_steps: int) -> RateSearch:
    average = _average(job)
    rates, points, losses = _curve(job, average, run, n_steps)
    lowest = int(np.argmin(losses))
    risen = np.flatnonzero(losses[lowest:] > losses[lowest] + (_EXPLODED - 1) * abs(losses[lowest]))
    if risen.size:
        rates, losses = rates[: lowest + int(risen[0]) + 1], losses[: lowest + int(risen[0]) + 1]
    sharpness = _sharpness(job, points[[0, lowest]])
    limit = _largest_stable(job, sharpness)

    def found(suggestion: float | None, reason: str) -> RateSearch:
        return RateSearch(rates, losses, suggestion, reason, sharpness, limit)

    if losses[0] - losses[lowest] < _CLEARLY * abs(losses[0]):
        ran_away = bool(risen.size) or run.status in (Status.DIVERGED, Status.NOT_FINITE)
        return found(None, _no_answer(job, rates, rose=lowest == 0 and ran_away))
    span = max(1, min(len(rates) // 10, lowest))
    falls = losses[: lowest + 1 - span] - losses[span : lowest + 1]
    fastest, most = float(rates[int(np.argmax(falls)) + span // 2]), float(rates[lowest]) / 2
    if limit is not None:
        fastest, most = min(fastest, limit / 2), min(most, limit / 2)
    tried = sorted({fastest, math.sqrt(fastest * most), most})
    met = [_loss_after(job, average, rate, n_steps) for rate in tried]
    best = int(np.argmin(met))
    if not math.isfinite(met[best]):
        return found(None, f"the loss fell, and none of the rates {_in_words(tried)} lowered it steadily")
    words = f"of {_in_words(tried)}, each tried for {n_steps} steps, the one that came lowest, to {met[best]:.4g}"
    if limit is not None and tried[best] == limit / 2:
        words += f"; it is half of {limit:.3g}, the limit at the measured sharpness {sharpness:.3g}"
    else:
        words += f"; the sharpness measured is {sharpness:.3g}"
    return found(tried[best], words)


def _no_answer(job: Job, rates: np.ndarray, rose: bool) -> str:
    if not rose:
        return f"the loss never fell clearly from {rates[0]:.3g} up: it may be at its minimum, or all noise"
    unscaled = next((f": {note}" for note in job.notes if "not scaled" in note), "; scale the features, or begin lower")
    return f"the loss rose from the smallest of its rates on, {rates[0]:.3g}{unscaled}"


def _in_words(rates: list[float]) -> str:
    return ", ".join(f"{rate:.3g}" for rate in rates)


def _loss_after(job: Job, average: Average, rate: float, n_steps: int) -> float:
    """The loss over the rows of the test, that many steps or a few more from the start on; inf where it ran away."""
    run = _run(job, Constant(rate), n_steps)
    if run.status in (Status.DIVERGED, Status.NOT_FINITE):
        return math.inf
    x = run.structure.flatten(run.x)
    loss = average.value(x) + job.objective.penalty(x)
    return float(loss) if math.isfinite(loss) else math.inf


def _average(job: Job) -> Average:
    """The loss over some of the rows."""
    sample = job.objective.rows
    rows = sample.part(0, max(1, min(len(sample.target), _ROWS_NUMBERS // len(sample.columns))))
    return Average(job.model, job.structure, rows)


def _curve(job: Job, average: Average, run: Any, n_steps: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rates, weights and losses of the steps whose weights are known, up to the last that is finite."""
    steps = run.path_steps[run.path_steps < min(n_steps, run.n_steps)]
    points = run.structure.flatten_rows(run.path)[: len(steps)]
    with np.errstate(all="ignore"):
        losses = np.array([average.value(point) + job.objective.penalty(point) for point in points])
    bad = np.flatnonzero(~np.isfinite(losses))
    end = int(bad[0]) if bad.size else len(losses)
    return run.learning_rates[steps][:end].astype(float), points[:end], losses[:end]


def _sharpness(job: Job, points: np.ndarray) -> float:
    bound = job.objective.bound()
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
