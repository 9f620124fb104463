"""A job: one call of `minimize` past its checks, from the choice of an engine to the Run."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import numpy as np

from downslope.engines.eager import CallbackRaised, MethodRaised, ObjectiveRaised, Step, run_eager
from downslope.engines.recorder import Recorder
from downslope.engines.specification import describe, rule_in_words
from downslope.engines.step import Oracle, Rules
from downslope.errors import CallbackFailed, InvalidInput, MethodFailed, ObjectiveFailed, RunFailed, ScheduleFailed
from downslope.learning_rates import UnusableRateError
from downslope.methods import Method
from downslope.objectives.objective import Bound, Objective
from downslope.objectives.sources import key_of, uncompiled
from downslope.run import Run
from downslope.stopping import Status

Engine = Literal["auto", "eager", "compiled"]


@dataclass
class Job:
    """One call of `minimize`, past its checks."""

    objective: Objective
    bound: Bound
    rules: Rules
    x0: np.ndarray
    loss: float
    recorder: Recorder
    status: Status = Status.INTERRUPTED
    engine: str = "eager"
    notes: tuple[str, ...] = ()
    began: float = 0.0
    checked: bool = False

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
        except MethodRaised as error:
            if not self.recorder.n_rows:
                raise _unusable(self.rules.method, error.__cause__) from error.__cause__
            self._fail(MethodFailed, "the method or learning rate", error)
        except UnusableRateError as error:
            done = self.result()
            raise ScheduleFailed(f"`learning_rate` {error}; `error.run` holds the steps before", done) from error

    def _why_not_compiled(self, callback: Any) -> str:
        if callback is not None:
            return "a callback is called from Python"
        if self.rules.method.runs_as_python:
            return "PyTorch's optimizers run as Python"
        if self.bound.program is None or not self.bound.program.compiles:
            return f"the function is not compiled ({self.bound.reason})"
        return ""

    def _ran_compiled(self, engine: Engine, after: Callable[[], None]) -> bool:
        """Run compiled; False where the program proves to be stale beyond repair, or a rule cannot be traced."""
        from downslope.engines.compiled import run_compiled

        def after_chunk() -> None:
            self._check_program()
            after()

        seconds_a_step = 3 * self.bound.seconds  # a gradient costs a few calls
        self.engine = "compiled"
        for _ in range(2):
            program = self.bound.program
            if program is None:
                return False
            oracle = Oracle(program.value, program.value_and_gradient, program.hessian)
            try:
                self.status = run_compiled(
                    oracle,
                    program.kernels,
                    self.rules,
                    self.x0,
                    self.recorder,
                    seconds_a_step,
                    after_chunk,
                )
                self._check_program()
                return True
            except _StaleProgramError:
                self.recorder = self.recorder.fresh()
            except Exception as error:
                if self.rules.method.brings_rate and not self.recorder.n_rows:
                    raise _unusable(self.rules.method, error) from error
                if engine == "compiled" or self.recorder.n_rows or is_ours(self.rules):
                    raise
                self.notes += (f"run eagerly, since the method or rate cannot be compiled: {error}".splitlines()[0],)
                self.engine = "eager"
                return False
        return False

    def _check_program(self) -> None:
        """Once, as soon as there is a row: whether the program still computes what the plain function does."""
        if self.checked or not self.recorder.n_rows:
            return
        bound = self.objective.checked(self.bound, self.recorder.first_loss, self.x0, self.loss)
        self.checked = bound is self.bound
        if not self.checked:
            self.bound = bound
            raise _StaleProgramError

    def _run_eager(self, callback: Callable[[Step], Any] | None, after: Callable[[], None]) -> None:
        self.engine = "eager"
        if self.bound.program is not None:
            with np.errstate(all="ignore"):
                value = self.bound.value_and_gradient(self.x0)[0]
            self.bound = self.objective.checked(self.bound, value, self.x0, self.loss)
        oracle = Oracle(
            lambda x: self.bound.value(x),
            lambda x: self.bound.value_and_gradient(x),
            lambda x: self.bound.hessian(x),
            self.bound.program.value if self.bound.program is not None and self.bound.program.compiles else None,
        )
        watched = None if callback is None else self._watched(callback)
        self.status = run_eager(oracle, self.rules, self.x0, self.bound.structure, self.recorder, watched, after)

    def _watched(self, callback: Callable[[Step], Any]) -> Callable[[Step], Any]:
        """The callback; where it changes what the function reads (a penalty's weight), compiling ends."""
        key = key_of(self.objective, self.bound)

        def call(step: Step) -> Any:
            answer = callback(step)
            compiled = self.bound.program is not None and self.bound.program.compiles
            if compiled and key_of(self.objective, self.bound) != key:
                self.bound = uncompiled(self.bound, "the callback changes what the function reads")
                self.rules.method.loss_changed()
            return answer

        return call

    def _fail(self, kind: type[RunFailed], who: str, error: Exception) -> NoReturn:
        cause = error.__cause__
        done = self.result()
        message = (
            f"{who} raised {type(cause).__name__}: {cause}, after {done.n_steps} steps; `error.run` holds the record"
        )
        raise kind(message, done) from cause

    def result(self) -> Run:
        """The Run, from what is in the recorder by now."""
        recorder, structure = self.recorder, self.bound.structure
        if recorder.n_rows == 0:  # interrupted before the first gradient was there
            recorder.add_row(self.x0, self.loss, np.nan, np.nan, 0)
        rows, steps = recorder.path()
        losses, sizes, rates = recorder.columns()
        # Only the last row can be other than finite; a start with a bad gradient is its own last good point.
        last = -1 if np.isfinite(losses[-1]) and np.isfinite(sizes[-1]) else max(-2, -len(losses))
        return Run(
            x=structure.restore(recorder.last_finite_x if recorder.last_finite_x is not None else self.x0),
            loss=float(losses[last]),
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
            specification=describe(self.objective, self.rules, structure, self.x0, recorder.record),
            structure=structure,
            objective=self.objective,
            rules=self.rules,
            method_state=recorder.method_state,
        )

    def _notes(self, sizes: np.ndarray) -> tuple[str, ...]:
        notes = []
        if self.recorder.stride > 1:
            notes.append(f"the path would exceed 256 MB; one point in {self.recorder.stride} is kept")
        if self.status is Status.NOT_FINITE and np.isfinite(self.recorder.last_loss):
            notes.append(
                "the last loss is finite and its gradient is not: there the code has no slope, as norm(x) at 0, or has "
                "one that automatic differentiation cannot give, as np.where(x > 0, np.sqrt(x), 0) below 0"
            )
        if sizes[0] == 0:
            notes.append(
                "the gradient is exactly zero at the start: a stationary point, or code without slope "
                "(floor, round, comparisons, a constant)"
            )
            warnings.warn(notes[-1], stacklevel=4)
        return tuple(notes)


class _StaleProgramError(Exception):
    """The compiled program and the plain function disagree at the start."""


def _unusable(method: Method, error: BaseException | None) -> InvalidInput:
    rule = f"must work at the start, and raised {type(error).__name__}: {' '.join(str(error).split())[:200]}"
    return InvalidInput("method", rule, rule_in_words(method)["name"])


def is_ours(rules: Rules) -> bool:
    """Whether method and learning rate are downslope's own, which compile."""
    return all(type(rule).__module__.startswith("downslope.") for rule in (rules.method, rules.learning_rate))
