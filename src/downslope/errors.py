"""Every error of downslope.

    DownslopeError
    ├── InvalidInput (also a ValueError)     a parameter breaks a rule; nothing was computed
    │   ├── UnknownName                      a name that is not in a list; offers the nearest
    │   ├── FormulaError                     a formula that cannot be read; points at the column
    │   ├── InvalidData                      a value that cannot be trained on; names row and column
    │   ├── InvalidFile                      a file that holds no whole run, or cannot be written; names the path
    │   └── InvalidObjective                 `fun` or `jac` gives no usable number at the start
    ├── RunFailed (also a RuntimeError)      user code raised after the start; `.run` holds what was done
    │   ├── ObjectiveFailed                  `fun` or `jac` raised at a later point
    │   ├── MethodFailed                     a method or learning rate raised at a later point
    │   ├── ScheduleFailed                   a rate function raised, or gave no positive number, for a later step
    │   └── CallbackFailed                   `callback` raised
    ├── WorkersFailed (also a RuntimeError)  processes that run a sweep died, or raised what is no error of a run
    ├── MissingExtra (also an ImportError)   an optional package is not installed; names the extra
    ├── MissingProgram (also a FileNotFoundError)   another program is not installed; says how to get it
    └── PageNotBuilt (also a FileNotFoundError)     the laboratory's page is not there; says how to build it

A bad *input* is an error; a bad *outcome* (a diverging run, a NaN) is a `Status`.
"""

from __future__ import annotations

import difflib
import numbers
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from downslope.run import Run


class DownslopeError(Exception):
    """The base of every error that downslope raises. It reaches another process whole, as far as it can be pickled.

    >>> import downslope
    >>> try:
    ...     downslope.minimize("x^2", 5.0, learning_rate=-0.1)
    ... except downslope.DownslopeError as error:
    ...     print(error)
    `learning_rate` must be positive and finite; got -0.1.
    """

    def __reduce__(self) -> Any:
        """Made again from what it holds: its arguments are not those of `__init__`, with which Python would try."""
        return _made_again, (type(self), self.args, vars(self), self.__cause__)


class InvalidInput(DownslopeError, ValueError):
    """A parameter breaks a rule.

    `parameter`, `rule` and `value` say which, what and what was given instead.

    >>> raise InvalidInput("learning_rate", "must be positive", -0.1)
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidInput: `learning_rate` must be positive; got -0.1.
    """

    def __init__(self, parameter: str, rule: str, value: Any = None, *, message: str | None = None):
        self.parameter, self.rule, self.value = parameter, rule, value
        super().__init__(message or f"`{parameter}` {rule}; got {shortened(value)}.")


class UnknownName(InvalidInput):
    """A name that is not among the known ones; the message offers the nearest of those `known`.

    >>> raise UnknownName("method", "momentun", ["adam", "momentum"])
    Traceback (most recent call last):
    ...
    downslope.errors.UnknownName: `method` must be one of adam, momentum; got 'momentun'. Did you mean 'momentum'?
    """

    def __init__(self, parameter: str, name: str, known: Iterable[str]):
        self.known = known = sorted(known)
        near = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        rule = f"must be one of {', '.join(known)}"
        super().__init__(parameter, rule, name, message=f"`{parameter}` {rule}; got {shortened(name)}.{hint}")


class FormulaError(InvalidInput):
    """A formula that cannot be read; `column` counts from 1 and may be None.

    >>> import downslope
    >>> try:
    ...     downslope.minimize("x^2 +", 5.0)
    ... except downslope.FormulaError as error:
    ...     error.column
    6
    """

    def __init__(self, formula: str, problem: str, column: int | None = None):
        self.formula, self.problem, self.column = formula, problem, column
        super().__init__("fun", problem, formula, message=_pointing(formula, problem, column))


class InvalidFile(InvalidInput):
    """A file that is missing, damaged or of another kind, or a place where none can be written; `path` is its name.

    Where it ended a training run, `run` is the record up to there; else None.

    >>> raise InvalidFile("run.parquet", "is cut short")
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidFile: `path` 'run.parquet' is cut short.
    """

    def __init__(self, path: Any, rule: str, *, parameter: str = "path"):
        self.path = path
        self.run: Run | None = None
        super().__init__(parameter, rule, path, message=f"`{parameter}` {shortened(str(path), 300)} {rule}.")


class InvalidData(InvalidInput):
    """A value that cannot be trained on: missing, infinite or no number; `place` and `column` say where.

    >>> raise InvalidData("row 3 of rows.parquet", "age", "is NaN", "leave the row out")
    Traceback (most recent call last):
    ...
    downslope.errors.InvalidData: `data` column 'age', row 3 of rows.parquet, is NaN: leave the row out.
    """

    def __init__(self, place: str, column: str | None, problem: str, advice: str):
        self.place, self.column = place, column
        message = f"`data` column {column!r}, {place}, {problem}: {advice}."
        super().__init__("data", problem, place, message=message)


class InvalidObjective(InvalidInput):
    """`fun` or `jac` gives no usable number at the start.

    >>> import downslope
    >>> try:
    ...     downslope.minimize(lambda x: None, 5.0)
    ... except downslope.InvalidObjective as error:
    ...     print(error)
    `fun` must return a number (is a `return` missing?); got None.
    """


class RunFailed(DownslopeError, RuntimeError):
    """User code raised during a run; `run` is the record up to there, its cause the user's own error.

    >>> import downslope
    >>> def loss(x):
    ...     if x < 2.0:
    ...         raise ValueError("no data below 2")
    ...     return x**2
    >>> try:
    ...     downslope.minimize(loss, 5.0, learning_rate=0.1)
    ... except downslope.RunFailed as error:
    ...     print(error.run.losses.round(2), repr(error.__cause__))
    [25.   16.   10.24  6.55  4.19] ValueError('no data below 2')
    """

    def __init__(self, message: str, run: Run):
        self.run = run
        super().__init__(message)


class ObjectiveFailed(RunFailed):
    """`fun` or `jac` raised at a point after the start.

    >>> import downslope
    >>> measured = {5.0: 25.0}
    >>> try:
    ...     downslope.minimize(lambda x: measured[float(x)], 5.0, jac=lambda x: 2 * x, learning_rate=0.1)
    ... except downslope.ObjectiveFailed as error:
    ...     error.run.path.tolist(), repr(error.__cause__)
    ([5.0], 'KeyError(4.0)')
    """


class MethodFailed(RunFailed):
    """A method or learning rate, of yours or of another library, raised at a point after the start.

    >>> import downslope
    >>> class Tired(downslope.Method):
    ...     def init(self, x):
    ...         return 0
    ...     def update(self, gradient, state, learning_rate):
    ...         if state == 3:
    ...             raise RuntimeError("three steps are enough")
    ...         return -learning_rate * gradient, state + 1
    >>> try:
    ...     downslope.minimize("x^2", 5.0, method=Tired(), engine="eager")
    ... except downslope.MethodFailed as error:
    ...     error.run.n_steps
    2
    """


class ScheduleFailed(RunFailed):
    """A rate function raised, or gave something other than positive numbers, for a later step.

    >>> import downslope
    >>> try:
    ...     downslope.minimize("x^2", 5.0, learning_rate=lambda k: 0.3 - 0.1 * k)
    ... except downslope.ScheduleFailed as error:
    ...     error.run.n_steps
    2
    """


class CallbackFailed(RunFailed):
    """`callback` raised.

    >>> import downslope
    >>> try:
    ...     downslope.minimize("x^2", 5.0, learning_rate=0.1, callback=lambda step: 1 / (2 - step.n))
    ... except downslope.CallbackFailed as error:
    ...     error.run.n_steps, repr(error.__cause__)
    (1, "ZeroDivisionError('division by zero')")
    """


class WorkersFailed(DownslopeError, RuntimeError):
    """The processes that run a sweep cannot: they died, their scheduler is gone, or one of them raised.

    What was finished before is in the sweep's folder, where it has one.

    >>> raise WorkersFailed("the scheduler is gone")
    Traceback (most recent call last):
    ...
    downslope.errors.WorkersFailed: the scheduler is gone
    """


class MissingExtra(DownslopeError, ImportError):
    """An optional package is not installed.

    >>> raise MissingExtra("to_dataframe()", "pandas", extra="pandas")
    Traceback (most recent call last):
    ...
    downslope.errors.MissingExtra: to_dataframe() needs pandas: pip install "downslope[pandas]".
    """

    def __init__(self, feature: str, package: str, *, extra: str):
        super().__init__(f'{feature} needs {package}: pip install "downslope[{extra}]".')


class MissingProgram(DownslopeError, FileNotFoundError):
    """Another program is not installed.

    >>> raise MissingProgram("a film as .mp4", "ffmpeg", "apt install ffmpeg")
    Traceback (most recent call last):
    ...
    downslope.errors.MissingProgram: a film as .mp4 needs ffmpeg, which is not installed: apt install ffmpeg.
    """

    def __init__(self, feature: str, program: str, how: str):
        super().__init__(f"{feature} needs {program}, which is not installed: {how}.")


class PageNotBuilt(DownslopeError, FileNotFoundError):
    """The laboratory's page, which its scripts are built into, is not there.

    >>> raise PageNotBuilt
    Traceback (most recent call last):
    ...
    downslope.errors.PageNotBuilt: the laboratory's page is not built. In a checkout `make lab` or `pip install -e .`
    builds it, for which npm's registry must be reached; a wheel of downslope holds it.
    """

    def __init__(self) -> None:
        super().__init__(
            "the laboratory's page is not built. In a checkout `make lab` or `pip install -e .` builds it, for which "
            "npm's registry must be reached; a wheel of downslope holds it."
        )


def _made_again(kind: type[Exception], args: Any, held: dict[str, Any], cause: BaseException | None) -> Exception:
    error = kind.__new__(kind, *args)
    error.args = args  # which an OSError leaves to its `__init__`
    error.__dict__.update(held)
    error.__cause__ = cause
    return error


def shortened(value: Any, limit: int = 80) -> str:
    """`repr(value)`, with the middle left out where it is long."""
    if isinstance(value, numbers.Real) and hasattr(value, "item"):
        value = value.item()  # NumPy's 1.0 reads as 1.0
    # A million characters need not be quoted in full to be cut down afterwards.
    text = repr(value[: 4 * limit]) if isinstance(value, str | bytes | list | tuple) else repr(value)
    text = " ".join(text.split())
    return text if len(text) <= limit else f"{text[: limit // 2]} ... {text[-limit // 3 :]}"


def _pointing(formula: str, problem: str, column: int | None) -> str:
    if column is None:
        return f"`fun` {problem}; got {shortened(formula)}."
    first = max(0, column - 41)
    excerpt = formula[first : first + 80].replace("\n", " ").replace("\t", " ")
    return f"`fun` {problem}, at column {column}:\n  {excerpt}\n  {' ' * (column - 1 - first)}^"
