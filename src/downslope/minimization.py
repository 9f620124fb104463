"""The front door: checks what it is given, picks an engine, and returns a Run."""

from __future__ import annotations

import math
import numbers
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np

from downslope.bounds import as_bounds
from downslope.engines.eager import CallbackRaised, ObjectiveRaised, Step, run_eager
from downslope.engines.recorder import Record, Recorder
from downslope.engines.step import Oracle, Rules
from downslope.errors import CallbackFailed, InvalidInput, ObjectiveFailed
from downslope.learning_rates import LearningRate, Schedule, as_learning_rate
from downslope.methods import Method, as_method
from downslope.objectives.objective import Bound, Objective
from downslope.objectives.structure import Structure
from downslope.progress import progress_bar
from downslope.run import Run
from downslope.specification import describe
from downslope.stopping import Limits, Status

Engine = Literal["auto", "eager", "compiled"]


def minimize(
    fun: Any,
    x0: Any = None,
    *,
    method: str | Method = "gradient_descent",
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
        A name from `downslope.methods.METHODS` or an instance such as `Momentum(beta=0.9)`.
    learning_rate
        A number, an array with one rate a coordinate, a schedule or search from `downslope.learning_rates`, a
        function of the step's count, or None: Armijo backtracking where the method always points downhill, and
        its own default rate otherwise.
    jac
        The gradient of `fun`, if you have it, with the structure of `x0`.
    bounds
        (low, high) for all variables, a list with one pair a variable, or scipy.optimize.Bounds; steps are
        projected into them, and `fun` is never evaluated outside.
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
        Draw a progress bar on the standard error.

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
    rate = as_learning_rate(learning_rate, chosen)
    limits = _limits(max_steps, target_loss, gradient_tolerance, loss_limit)
    noise, seed = _noise(noise, seed, rate)
    _check_choice("record", record, ("auto", "path", "losses"))
    _check_choice("engine", engine, ("auto", "eager", "compiled"))
    if callback is not None and not callable(callback):
        raise InvalidInput("callback", "must be a function or None", callback)
    objective = Objective.of(fun, jac)
    start = _start(objective, x0)
    structure, flat = Structure.of(start)
    _check_finite_start(structure, flat)
    box = as_bounds(bounds, structure, flat)
    rate_shape = _rate_shape(rate, flat.size)
    bound, flat, loss = objective.bind(start, box)
    rules = Rules(chosen, rate, limits, box, noise or None, seed)
    recorder = Recorder(flat.size, flat.dtype, record, rate_shape if record != "losses" else ())
    job = _Job(objective, bound, rules, flat, loss, recorder, start)
    with progress_bar(max_steps if progress else None) as update:
        job.run(engine, callback, lambda: update(recorder.n_rows - 1, recorder.last_loss))
    return job.result()


@dataclass
class _Job:
    """One call of `minimize`, past its checks."""

    objective: Objective
    bound: Bound
    rules: Rules
    x0: np.ndarray
    loss: float
    recorder: Recorder
    start: Any
    status: Status = Status.INTERRUPTED
    engine: str = "eager"
    notes: tuple[str, ...] = ()
    began: float = 0.0

    def run(self, engine: Engine, callback: Callable[[Step], Any] | None, after: Callable[[], None]) -> None:
        """Run to the end, whatever it is; the record is in `result` then."""
        self.began = time.perf_counter()
        reason = self._why_not_compiled(callback)
        if engine == "compiled" and reason:
            raise InvalidInput("engine", f'must be "auto" or "eager" here: {reason}', engine)
        try:
            if engine == "eager" or reason or not self._ran_compiled(engine, after):
                self._run_eager(callback, after)
        except KeyboardInterrupt:
            self.status = Status.INTERRUPTED
        except CallbackRaised as error:
            self._fail(CallbackFailed, "the callback", error)
        except ObjectiveRaised as error:
            self._fail(ObjectiveFailed, f"`{self.objective.name}`", error)

    def _why_not_compiled(self, callback: Any) -> str:
        if callback is not None:
            return "a callback is called from Python"
        if self.bound.program is None or not self.bound.program.compiles:
            return f"the function is not compiled ({self.bound.reason})"
        return ""

    def _ran_compiled(self, engine: Engine, after: Callable[[], None]) -> bool:
        """Run compiled; False where the program proves to be stale beyond repair, or a rule cannot be traced."""
        from downslope.engines.compiled import run_compiled

        began = time.perf_counter()
        self.bound.value(self.x0)
        seconds_a_step = 3 * (time.perf_counter() - began)
        self.engine = "compiled"
        for _ in range(2):
            program = self.bound.program
            if program is None:
                return False
            oracle = Oracle(program.value, program.value_and_gradient, program.hessian)
            checked = _Once(lambda: self._check_program(after))
            try:
                self.status = run_compiled(
                    oracle, program.kernels, self.rules, self.x0, self.recorder, seconds_a_step, checked
                )
                checked()
                return True
            except _StaleProgramError:
                self.recorder = self._fresh_recorder()
            except Exception as error:
                if engine == "compiled" or self.recorder.n_rows or _is_ours(self.rules):
                    raise
                self.notes += (f"run eagerly, since the method or rate cannot be compiled: {error}".splitlines()[0],)
                self.engine = "eager"
                return False
        return False

    def _check_program(self, after: Callable[[], None]) -> None:
        first_loss = float(self.recorder.columns()[0][0])
        checked = self.objective.checked(self.bound, first_loss, self.x0, self.loss)
        if checked is not self.bound:
            self.bound = checked
            raise _StaleProgramError
        after()

    def _run_eager(self, callback: Callable[[Step], Any] | None, after: Callable[[], None]) -> None:
        self.engine = "eager"
        if self.bound.program is not None:
            with np.errstate(all="ignore"):
                value = self.bound.value_and_gradient(self.x0)[0]
            self.bound = self.objective.checked(self.bound, value, self.x0, self.loss)
        oracle = Oracle(self.bound.value, self.bound.value_and_gradient, self.bound.hessian)
        self.status = run_eager(
            oracle, self.rules, self.x0, self.bound.structure, self.recorder, callback, after
        )

    def _fresh_recorder(self) -> Recorder:
        old = self.recorder
        return Recorder(old.size, old.dtype, old.record, old.rate_shape)

    def _fail(self, kind: type[CallbackFailed | ObjectiveFailed], who: str, error: Exception) -> NoReturn:
        cause = error.__cause__
        done = self.result()
        message = f"{who} raised {type(cause).__name__} after {done.n_steps} steps; `error.run` holds them"
        raise kind(message, done) from cause

    def result(self) -> Run:
        """The Run, from what is in the recorder by now."""
        recorder, structure = self.recorder, self.bound.structure
        if recorder.n_rows == 0:  # interrupted before the first gradient was there
            recorder.add_row(self.x0, self.loss, np.nan, np.nan, 0)
        rows, steps = recorder.path()
        losses, sizes, rates = recorder.columns()
        finite = np.flatnonzero(np.isfinite(losses) & np.isfinite(sizes))
        return Run(
            x=structure.restore(recorder.last_finite_x if recorder.last_finite_x is not None else self.x0),
            loss=float(losses[finite[-1]]) if finite.size else float(losses[0]),
            status=self.status,
            n_steps=recorder.n_rows - 1,
            n_evaluations=recorder.n_rows + recorder.n_trials,
            path=None if rows is None else structure.restore_rows(rows),
            path_steps=steps,
            losses=losses,
            gradient_norms=sizes,
            learning_rates=rates,
            gradient_source=self.bound.source,
            gradient_reason=self.bound.reason,
            engine=self.engine,
            seconds=time.perf_counter() - self.began,
            notes=self.notes + self._notes(sizes),
            variables=self.objective.variable_names(structure),
            specification=describe(self.objective, self.rules, self.start, structure, self.x0),
            structure=structure,
            objective=self.objective,
        )

    def _notes(self, sizes: np.ndarray) -> tuple[str, ...]:
        notes = []
        if self.recorder.stride > 1:
            notes.append(f"the path would exceed 256 MB; one point in {self.recorder.stride} is kept")
        if sizes[0] == 0:
            notes.append(
                "the gradient is exactly zero at the start: a stationary point, or code without slope "
                "(floor, round, comparisons, a constant)"
            )
            warnings.warn(notes[-1], stacklevel=4)
        return tuple(notes)


class _StaleProgramError(Exception):
    """The compiled program and the plain function disagree at the start."""


class _Once:
    """Calls a check after the first chunk, and nothing but the progress bar afterwards."""

    def __init__(self, first: Callable[[], None]):
        self.first: Callable[[], None] | None = first

    def __call__(self) -> None:
        if self.first is not None:
            first, self.first = self.first, None
            first()


def _is_ours(rules: Rules) -> bool:
    return all(type(rule).__module__.startswith("downslope.") for rule in (rules.method, rules.learning_rate))


def _start(objective: Objective, x0: Any) -> Any:
    if x0 is not None:
        return x0
    if objective.problem is None:
        raise InvalidInput("x0", "must be given (only gallery problems bring a start)", None)
    return objective.problem.start


def _check_finite_start(structure: Structure, flat: np.ndarray) -> None:
    bad = np.flatnonzero(~np.isfinite(flat))
    if bad.size:
        raise InvalidInput("x0", f"must be finite, and {structure.names()[bad[0]]} is not", float(flat[bad[0]]))


def _rate_shape(rate: LearningRate, n: int) -> tuple[int, ...]:
    """() for one rate, (n,) for one a coordinate; also catches schedules that give no positive rate."""
    if not isinstance(rate, Schedule):
        return ()
    try:
        first = np.asarray(rate(0), dtype=float)
    except Exception as error:
        raise InvalidInput("learning_rate", f"must give a number for step 0, and raised {error!r}", rate) from error
    if first.shape not in ((), (n,)):
        rule = f"must be one number, or {n} of them, one a coordinate"
        raise InvalidInput("learning_rate", rule, f"{first.size} of them")
    if not np.all((first > 0) & np.isfinite(first)):
        raise InvalidInput("learning_rate", "must be positive and finite at step 0", first.tolist())
    return first.shape


def _limits(max_steps: Any, target: Any, tolerance: Any, limit: Any) -> Limits:
    if isinstance(max_steps, bool) or not isinstance(max_steps, numbers.Integral) or not 0 <= max_steps < 2**62:
        raise InvalidInput("max_steps", "must be a whole number, 0 or more", max_steps)
    _check_number("target_loss", target)
    _check_number("gradient_tolerance", tolerance, low=0)
    _check_number("loss_limit", limit)
    return Limits(
        target_loss=-math.inf if target is None else float(target),
        gradient_tolerance=-1.0 if tolerance is None else float(tolerance),
        loss_limit=math.inf if limit is None else float(limit),
        max_steps=int(max_steps),
    )


def _noise(noise: Any, seed: Any, rate: LearningRate) -> tuple[float, int]:
    _check_number("noise", noise, low=0, none="0 for no noise")
    whole = isinstance(seed, numbers.Integral) and not isinstance(seed, bool)
    if seed is not None and not (whole and 0 <= seed < 2**32):
        raise InvalidInput("seed", "must be a whole number from 0 to 2^32 - 1, or None", seed)
    if noise and not isinstance(rate, Schedule):
        rule = f"must be 0 with {type(rate).__name__}, which trusts the gradient; give a number or a schedule as the rate"
        raise InvalidInput("noise", rule, noise)
    return float(noise), int(seed) if seed is not None else int(np.random.default_rng().integers(2**31))


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
