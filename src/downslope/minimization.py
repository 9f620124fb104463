"""The front door: checks what it is given, picks an engine, and returns a Run."""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable
from typing import Any

import numpy as np

from downslope.bounds import as_bounds
from downslope.engines.eager import Step
from downslope.engines.job import Engine, Job
from downslope.engines.recorder import Record, Recorder
from downslope.engines.step import Rules
from downslope.errors import InvalidInput
from downslope.learning_rates import (
    Constant,
    LearningRate,
    OwnRate,
    Schedule,
    UnusableRateError,
    as_learning_rate,
)
from downslope.methods import Method, as_method
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Layout, Structure
from downslope.patience import ask
from downslope.progress import progress_bar
from downslope.run import Run
from downslope.stopping import Limits

MOST_HESSIAN_BYTES = 4 * 2**30
"""Newton's method is refused where its matrix would take more."""


def minimize(
    fun: Any,
    x0: Any = None,
    *,
    method: Any = "gradient_descent",
    learning_rate: Any = None,
    jac: Callable[..., Any] | None = None,
    bounds: Any = None,
    max_steps: int = 10_000,
    target_loss: float | None = None,
    gradient_tolerance: float | None = 1e-6,
    loss_limit: float | None = None,
    noise: float = 0.0,
    seed: int | None = None,
    record: Record = "auto",
    engine: Engine = "auto",
    callback: Callable[[Step], Any] | None = None,
    progress: bool = False,
) -> Run:
    """Walk downhill from `x0` and return the `Run`: every step, the end, and its reason.

    Parameters
    ----------
    fun
        What is minimised: a callable with NumPy, SciPy, JAX or PyTorch inside, a formula ("x cos(x) + 9"), a
        gallery name ("rosenbrock"), or an `Objective`. `f(x)` takes the structure of `x0`; two or more required
        positional parameters mean `f(x1, x2)`, one number each. It returns one real number.
    x0
        The start: a number, a flat list or array of numbers, or a dict or other container of arrays. None is the
        gallery's own start. `run.x` has the same structure.
    method
        A name from `downslope.methods.METHODS`, an instance such as `Momentum(beta=0.9)`, an optax transformation
        such as `optax.adam(0.01)`, or a torch.optim class (with options: functools.partial(torch.optim.SGD, lr=0.1)).
    learning_rate
        A number, an array with one rate a coordinate (for a container, one number an array, arranged as `x0` is), a
        schedule or search from `downslope.learning_rates`, a function of the step's count, or None: Armijo
        backtracking where the method always points downhill, and its own default rate otherwise. None beside a
        method of optax or PyTorch, which brings its own.
    jac
        The gradient of `fun`, if you have it, with the structure of `x0`.
    bounds
        (low, high) for all variables, a list with one pair a variable, or scipy.optimize.Bounds (for a container,
        one pair an array, arranged as `x0` is); steps are projected into them, and `fun` is never evaluated outside.
    max_steps
        Updates at most, 0 or more.
    target_loss
        End where the loss is at most this.
    gradient_tolerance
        End where the gradient's largest component is at most this (with bounds, that of P(x - g) - x). None never
        ends for this, except where the gradient is exactly zero and nothing moves the point.
    loss_limit
        End as DIVERGED where the loss is above this.
    noise
        Standard deviation of the normal number added to each gradient component before the method sees it.
    seed
        Of the noise, 0 or more; None draws one, which `run.specification` tells.
    record
        "path" keeps every point, "losses" none, "auto" every point up to 256 MB and then evenly fewer.
    engine
        "compiled", "eager", or "auto": compiled wherever the function and the options allow.
    callback
        Called with a `Step` before each update; returning True stops the run. Needs the eager engine.
    progress
        Draw a progress bar on the standard error, where the run takes longer than half a second.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule; nothing was computed beyond `fun` at the start.
    CallbackFailed, ObjectiveFailed
        User code raised later; `error.run` is the record up to there.

    A bad outcome is no error: it is `run.status`.

    >>> run = minimize(lambda x: (x[0] - 1) ** 2 + 4 * x[1] ** 2, [3.0, 1.0], learning_rate=0.1)
    >>> run.status.name, run.converged, run.x.round(4).tolist()
    ('GRADIENT_SMALL', True, [1.0, 0.0])
    """
    chosen = as_method(method)
    objective = Objective.of(fun, jac)
    start = _start(objective, x0)
    structure, flat = Structure.of(start)
    chosen = chosen.on(structure)
    rate = as_learning_rate(_arranged(learning_rate, structure), chosen)
    limits = as_limits(max_steps, target_loss, gradient_tolerance, loss_limit)
    noise, seed = as_noise(noise, seed, rate)
    _check_choice("record", record, ("auto", "path", "losses"))
    _check_choice("engine", engine, ("auto", "eager", "compiled"))
    if callback is not None and not callable(callback):
        raise InvalidInput("callback", "must be a function or None", callback)
    _check_finite_start(structure, flat)
    check_hessian_fits(chosen, flat)
    box = as_bounds(bounds, structure, flat)
    rate_shape = rate_shape_of(rate, flat.size)
    bound, flat, loss = objective.bind(start, box)
    rules = Rules(chosen, rate, limits, box, noise or None, seed)
    constant = rate.rate if isinstance(rate, Constant) else None
    recorder = Recorder(flat.size, flat.dtype, record, rate_shape, limits.max_steps + 1, constant)
    job = Job(objective, bound, rules, flat, loss, recorder)
    with progress_bar(max_steps if progress else None) as update:

        def after() -> None:
            ask()
            update(job.recorder.n_rows - 1, job.recorder.last_loss)

        job.run(engine, callback, after)
    return job.result()


def _start(objective: Objective, x0: Any) -> Any:
    if x0 is not None:
        return x0
    if objective.problem is None:
        raise InvalidInput("x0", "must be given (only gallery problems bring a start)", None)
    return objective.problem.start


def _arranged(learning_rate: Any, structure: Structure) -> Any:
    """Rates that are arranged as a container is, as a flat array."""
    if structure.layout is not Layout.TREE or isinstance(learning_rate, str | LearningRate | numbers.Number | None):
        return learning_rate
    if callable(learning_rate):
        return learning_rate
    return np.asarray(structure.spread("learning_rate", learning_rate, lambda leaf: isinstance(leaf, numbers.Real)))


def check_hessian_fits(method: Method, flat: np.ndarray) -> None:
    if method.needs_hessian and flat.size * flat.nbytes > MOST_HESSIAN_BYTES:
        gigabytes = flat.size * flat.nbytes / 1e9
        rule = f"must not be Newton for {flat.size} variables, whose Hessian takes {gigabytes:.0f} GB"
        raise InvalidInput("method", rule, type(method).__name__)


def _check_finite_start(structure: Structure, flat: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(flat))
    if bad.size:
        raise InvalidInput("x0", f"must be finite, and {structure.names()[bad[0]]} is not", float(flat[bad[0]]))


def rate_shape_of(rate: LearningRate, n: int) -> tuple[int, ...]:
    """() for one rate, (n,) for one a coordinate; also catches schedules that give no positive rate."""
    if not isinstance(rate, Schedule):
        return ()
    try:
        first = np.asarray(rate(0), dtype=float)
    except UnusableRateError as error:
        raise InvalidInput("learning_rate", f"must give positive, finite rates, and {error}", error.rate) from error
    except Exception as error:
        raise InvalidInput("learning_rate", f"must give a number for step 0, and raised {error!r}", rate) from error
    if first.shape not in ((), (n,)):
        rule = f"must be one number, or {n} of them, one a coordinate"
        raise InvalidInput("learning_rate", rule, first.tolist())
    if not np.all((first > 0) & np.isfinite(first)):
        raise InvalidInput("learning_rate", "must be positive and finite at step 0", first.tolist())
    return first.shape


def as_limits(max_steps: Any, target: Any, tolerance: Any, limit: Any) -> Limits:
    if isinstance(max_steps, bool) or not isinstance(max_steps, numbers.Integral) or not 0 <= int(max_steps) < 2**62:
        raise InvalidInput("max_steps", "must be a whole number from 0 to 2^62", max_steps)
    _check_number("target_loss", target)
    _check_number("gradient_tolerance", tolerance, low=0)
    _check_number("loss_limit", limit)
    return Limits(
        target_loss=-math.inf if target is None else float(target),
        gradient_tolerance=-1.0 if tolerance is None else float(tolerance),
        loss_limit=math.inf if limit is None else float(limit),
        max_steps=int(max_steps),
    )


def as_noise(noise: Any, seed: Any, rate: LearningRate) -> tuple[float, int]:
    _check_number("noise", noise, low=0, none="0 for no noise")
    whole = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**32):
        raise InvalidInput("seed", "must be a whole number from 0 to 2^32 - 1, or None", seed)
    if noise and not isinstance(rate, Schedule | OwnRate):
        rule = (
            f"must be 0 with {type(rate).__name__}, which trusts the gradient; give a number or a schedule as the rate"
        )
        raise InvalidInput("noise", rule, noise)
    if seed is None:
        seed = np.random.default_rng().integers(2**31) if noise else 0
    return float(noise), int(seed)


def _check_number(name: str, value: Any, low: float = -math.inf, none: str = "") -> None:
    if value is None and not none:
        return
    real = isinstance(value, numbers.Real | np.generic) and not isinstance(value, bool | np.bool_)
    if not real or not math.isfinite(value) or value < low:
        size = "a finite number" if low == -math.inf else f"a finite number, {low:g} or more"
        raise InvalidInput(name, f"must be {size}{'' if none else ', or None'}", value)


def _check_choice(name: str, value: Any, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise InvalidInput(name, f"must be one of {', '.join(map(repr, choices))}", value)
