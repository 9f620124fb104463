"""The user's code as SciPy hands it over, `fun`, `jac`, `args` and `callback`, in downslope's forms."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from downslope.engines.eager import Step
from downslope.errors import InvalidInput
from downslope.objectives.objective import GradientSource, Objective
from downslope.run import Run
from downslope.stopping import Status


class ScipyObjective:
    """The objective that `fun`, `jac` and `args` make, and how often they were called on plain numbers.

    The functions inside are closures over the user's, and so are told apart by what these contain: a thousand
    restarts compile once. For that they hold nothing that changes; the counts, and what a pair returned last, are
    attributes of a function that they call.
    """

    def __init__(self, fun: Callable[..., Any], jac: Any, args: tuple[Any, ...]):
        if type(fun).__name__ == "MemoizeJac" and getattr(jac, "__self__", None) is fun:
            # jac=True, in SciPy's wrapping, which keeps what it returns and so could not be compiled.
            value = gradient = _at(fun.fun, args)

            def loss(x: Any) -> Any:
                return _remembered(value, x)[0]

            def slope(x: Any) -> Any:
                return _remembered(value, x)[1]
        else:
            value, gradient = _at(fun, args), _at(jac, args) if callable(jac) else None

            def loss(x: Any) -> Any:
                return _counted(value, x)

            def slope(x: Any) -> Any:
                return _counted(gradient, x)

        loss.__name__ = str(getattr(fun, "__name__", type(fun).__name__))
        self._value, self._gradient = value, gradient
        self.objective = Objective(loss, slope if gradient else None, call="array")

    def n_evaluations(self, run: Run) -> tuple[int, int]:
        """Losses and gradients evaluated: as counted where each was a call of the user's, else as recorded."""
        sources = (GradientSource.GIVEN, GradientSource.FINITE_DIFFERENCES)
        called = run.engine == "eager" and run.gradient_source in sources and self._value.n_calls > 1
        n_values = self._value.n_calls if called else run.n_evaluations
        return n_values, self._gradient.n_calls if called and self._gradient else run.n_gradients


def _at(fun: Callable[..., Any], args: tuple[Any, ...]) -> Any:
    def at(x: Any) -> Any:
        return fun(x, *args)

    function: Any = at
    function.n_calls, function.x, function.answer = 0, None, None
    return function


def _counted(at: Any, x: Any) -> Any:
    if type(x) is np.ndarray:  # and not traced
        at.n_calls += 1
    return at(x)


def _remembered(at: Any, x: Any) -> Any:
    """Value and gradient from one call a point, which is what jac=True is for."""
    if type(x) is not np.ndarray:
        return at(x)
    if at.x is None or not np.array_equal(at.x, x):
        at.x, at.answer = x.copy(), _counted(at, x)
    return at.answer


class ScipyCallback:
    """SciPy's callback, called with `xk` or with `intermediate_result` after each step."""

    def __init__(self, callback: Callable[..., Any]):
        if not callable(callback):
            raise InvalidInput("callback", "must be a function or None", callback)
        self._callback, self._last = callback, 0
        try:
            self._takes_result = set(inspect.signature(callback).parameters) == {"intermediate_result"}
        except (TypeError, ValueError):  # some built-in functions have no signature
            self._takes_result = False

    def __call__(self, step: Step) -> None:
        """Ours come before each step. StopIteration goes through, and ends the run; an answer means nothing."""
        if step.n > 0:
            self._call(step.n, step.x, step.loss, step.gradient)

    def finish(self, result: OptimizeResult) -> None:
        """The last point, unless it was seen already, or is none."""
        if result.nit > self._last and result.status != Status.NOT_FINITE:
            try:
                self._call(result.nit, result.x, result.fun, result.jac)
            except StopIteration:
                return  # the run is over as it is

    def _call(self, n: int, x: np.ndarray, loss: float, gradient: np.ndarray) -> None:
        self._last = n
        if self._takes_result:
            self._callback(intermediate_result=OptimizeResult(x=x.copy(), fun=loss, jac=gradient.copy(), nit=n))
        else:
            self._callback(x.copy())
