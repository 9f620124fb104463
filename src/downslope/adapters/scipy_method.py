"""downslope's methods behind `scipy.optimize.minimize`, by SciPy's protocol for custom methods.

SciPy calls method(fun, x0, args=, jac=, hess=, hessp=, bounds=, constraints=, callback=, **options) and returns
what it gets. Where the habits differ, SciPy's count here: a start outside the bounds is moved into them, one
without a finite loss is a failed result, the user's own exceptions and Ctrl-C come through, and a callback sees
the point after each step and stops the run by StopIteration alone.
"""

from __future__ import annotations

import inspect
import math
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from downslope.adapters.scipy_code import ScipyCallback, ScipyObjective
from downslope.bounds import sides
from downslope.errors import CallbackFailed, InvalidInput, InvalidObjective, ObjectiveFailed, UnknownName
from downslope.learning_rates import as_learning_rate
from downslope.methods import Method, as_method
from downslope.minimization import minimize
from downslope.run import Run
from downslope.stopping import Status

_OURS = frozenset(inspect.signature(minimize).parameters) - {"fun", "x0", "method", "jac", "bounds", "callback"}
_SCIPYS = {"tol": "gradient_tolerance", "gtol": "gradient_tolerance", "maxiter": "max_steps"}
"""SciPy's names of our options. `gtol` wins over `tol`, which is for what has no tolerance of its own."""
_REPORTS = {"disp": False, "return_all": False}


def scipy_method(method: Any = "gradient_descent", learning_rate: Any = None, **options: Any) -> ScipyMethod:
    """A method for `scipy.optimize.minimize`, and for what calls it, such as `basinhopping`.

    Parameters
    ----------
    method, learning_rate
        As in `downslope.minimize`; checked at once.
    options
        SciPy's `maxiter`, `gtol`, `tol`, `disp` and `return_all`, and the keywords of `downslope.minimize`, such as
        `target_loss`, `noise`, `seed`, `record` and `engine`. Those given to SciPy's `minimize` win over these.

    SciPy's `args`, `jac` (a function or True), `bounds`, `tol` and `callback` do what they do for its own methods;
    a callback needs the eager engine. Without a `jac`, also for "2-point" and its like, the gradient is exact
    wherever the code of `fun` allows. `hess` and `hessp` are not used, with a RuntimeWarning; constraints are refused.

    The result is SciPy's: `success` is `Run.converged`, `status` and `message` are the run's, and `result.run` is the
    `Run`, unless the start itself had no finite loss. `nfev` and `njev` count calls where the functions were called,
    and the record's rows and trials where they were compiled. An exception of `fun`, `jac` or `callback` comes through
    as it is, and Ctrl-C as KeyboardInterrupt.

    Raises
    ------
    InvalidInput
        A parameter or an option breaks a rule, or is not known.

    >>> from scipy.optimize import minimize, rosen
    >>> result = minimize(rosen, [-1.2, 1.0], method=scipy_method("newton"), options={"gtol": 1e-10})
    >>> result.success, result.x.round(6).tolist(), result.run.status.name
    (True, [1.0, 1.0], 'GRADIENT_SMALL')
    """
    chosen = as_method(method)
    as_learning_rate(learning_rate, chosen)
    return ScipyMethod(chosen, {"learning_rate": learning_rate, **_in_our_names(options)})


@dataclass(frozen=True)
class ScipyMethod:
    """What `scipy_method` returns, and SciPy calls."""

    method: Method
    options: Mapping[str, Any]

    def __call__(
        self,
        fun: Callable[..., Any],
        x0: Any,
        args: tuple[Any, ...] = (),
        jac: Any = None,
        hess: Any = None,
        hessp: Any = None,
        bounds: Any = None,
        constraints: Any = (),
        callback: Callable[..., Any] | None = None,
        **options: Any,
    ) -> OptimizeResult:
        """Minimise, as SciPy's `minimize` asks."""
        settings = {**_REPORTS, **self.options, **_in_our_names(options)}
        disp, return_all = settings.pop("disp"), settings.pop("return_all")
        if return_all and settings.setdefault("record", "path") == "losses":
            raise InvalidInput("return_all", 'must be False with record="losses", which keeps no points', return_all)
        _check_unused(type(self.method).__name__, hess, hessp, constraints)
        code = ScipyObjective(fun, jac, args)
        watching = None if callback is None else ScipyCallback(callback)
        bounds = _as_pairs(bounds)
        start = _inside(np.atleast_1d(np.asarray(x0)), bounds)
        failure: Exception
        try:
            run = minimize(code.objective, start, method=self.method, bounds=bounds, callback=watching, **settings)
        except (InvalidObjective, ObjectiveFailed, CallbackFailed) as error:
            failure = error
        else:
            result = _result_of(run, code)
            if watching is not None:
                watching.finish(result)
            return _reported(result, disp, return_all)
        if _is_undefined(failure):
            return _reported(_undefined_at(start, failure), disp, return_all)
        raise failure.__cause__ or failure  # out here, where it keeps the cause and the context that it has


class RunResult(OptimizeResult):  # type: ignore[misc]  # SciPy is untyped
    """SciPy's result with the `Run` beside it, which stays behind where the result is pickled."""

    def __reduce__(self) -> Any:
        """The user's function, which the run holds, need not be one that can be pickled."""
        return OptimizeResult, ({name: value for name, value in self.items() if name != "run"},)


def _result_of(run: Run, code: ScipyObjective) -> OptimizeResult:
    if run.status is Status.INTERRUPTED:
        raise KeyboardInterrupt  # or basinhopping would hop on
    result = RunResult(run.to_scipy(), run=run)
    result.nfev, result.njev = code.n_evaluations(run)
    return result


def _is_undefined(failure: Exception) -> bool:
    """Whether it says that the loss at the start is no finite number."""
    value = getattr(failure, "value", None)
    return isinstance(failure, InvalidObjective) and isinstance(value, float) and not math.isfinite(value)


def _undefined_at(start: np.ndarray, failure: Exception) -> OptimizeResult:
    """A hop may land where the function is not defined: an outcome, and the next one may be better."""
    status = Status.NOT_FINITE
    return OptimizeResult(
        x=start,
        fun=np.nan,
        jac=np.full(start.shape, np.nan),
        success=False,
        status=int(status),
        message=f"{status.name} at the start: {failure}",
        nit=0,
        nfev=1,
        njev=0,
    )


def _reported(result: OptimizeResult, disp: Any, return_all: Any) -> OptimizeResult:
    if return_all:
        result.allvecs = list(result.run.path) if "run" in result else [result.x]
    if disp:  # in the words of SciPy's own methods
        print(result.message)
        print(f"         Current function value: {result.fun:f}")
        print(f"         Iterations: {result.nit}")
        print(f"         Function evaluations: {result.nfev}")
        print(f"         Gradient evaluations: {result.njev}")
    return result


def _in_our_names(options: Mapping[str, Any]) -> dict[str, Any]:
    """The options under the names of `downslope.minimize`; UnknownName where one is not known."""
    known = {*_OURS, *_SCIPYS, *_REPORTS}
    for name in options:
        if name not in known:
            raise UnknownName("options", name, known)
    # None is how SciPy's callers leave out maxiter.
    renamed = {ours: options[name] for name, ours in _SCIPYS.items() if options.get(name) is not None}
    return {**renamed, **{name: value for name, value in options.items() if name not in _SCIPYS}}


def _check_unused(method: str, hess: Any, hessp: Any, constraints: Any) -> None:
    for name, what, value in (("hess", "Hessian", hess), ("hessp", "Hessian-vector product", hessp)):
        if value is not None:
            message = f"Method {method} does not use {what} information ({name})."
            warnings.warn(message, RuntimeWarning, stacklevel=4)  # the line that calls SciPy's `minimize`
    if constraints is not None and (not hasattr(constraints, "__len__") or len(constraints)):
        raise InvalidInput("constraints", "must be empty: `bounds` are all that can be kept", constraints)


def _as_pairs(bounds: Any) -> Any:
    """Bounds as they are, or a list of tuples of any pairs that SciPy takes."""
    if bounds is None or hasattr(bounds, "lb"):
        return bounds
    return [tuple(pair) if np.iterable(pair) else pair for pair in bounds]


def _inside(x0: np.ndarray, bounds: Any) -> np.ndarray:
    """The start moved into the bounds, as SciPy's own methods do: a hop may have left them."""
    if bounds is None:
        return x0
    return np.clip(x0, *(np.asarray(side, dtype=x0.dtype) for side in sides(bounds, x0.size)))
