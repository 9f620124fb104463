"""Run: every step of one descent, and why it ended."""

from __future__ import annotations

import functools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.errors import MissingExtra
from downslope.objectives.structure import Structure
from downslope.stopping import Status

if TYPE_CHECKING:
    import pandas
    import scipy.optimize

    from downslope.objectives.objective import GradientSource, Objective


_MOST_NAMED = 100
"""Up to so many variables each has a column of its own; more share one, `x`."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One descent, as `minimize` returns it.

    With n = `n_steps` updates made, the record has n + 1 rows: row 0 is the start, row n the end.

    >>> import downslope
    >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.1, max_steps=25, gradient_tolerance=None)
    >>> run.status.name, run.n_steps, round(run.x, 4)
    ('MAX_STEPS', 25, 0.0189)
    >>> run.path[:3].tolist(), run.losses[:2].tolist(), run.gradient_norms[:2].tolist()
    ([5.0, 4.0, 3.2], [25.0, 16.0], [10.0, 8.0])
    """

    x: Any
    """The last point that is finite throughout, with the structure of the start."""
    loss: float
    """The loss at `x`."""
    status: Status
    """Why the run ended."""
    n_steps: int
    """Updates made."""
    n_evaluations: int
    """Points at which the loss was asked for: one a row, and the trials of a line search."""
    path: Any
    """The points: the start's structure with one row a step in front; None with record="losses"."""
    path_steps: np.ndarray
    """The step of each row of `path`; 0 ... n_steps unless the path was thinned."""
    losses: np.ndarray
    """Loss at each row, shape (n_steps + 1,)."""
    gradient_norms: np.ndarray
    """Largest component of the gradient, in absolute value, at each row: what gradient_tolerance tests."""
    learning_rates: np.ndarray
    """The rate of the step that leaves each row; NaN in the last. Per-coordinate rates give (n_steps + 1, n)."""
    gradient_source: GradientSource
    """Where the gradient came from."""
    gradient_reason: str
    """Why from there."""
    engine: str
    """ "compiled" or "eager"."""
    seconds: float
    """Wall time of the descent, compiling included."""
    notes: tuple[str, ...]
    """What a reader of the record should know: thinned paths, suspicious gradients, fallbacks."""
    specification: dict[str, Any]
    """What was asked for, as numbers and words."""
    structure: Structure = field(repr=False)
    objective: Objective = field(repr=False)

    @property
    def converged(self) -> bool:
        """True for TARGET_REACHED and GRADIENT_SMALL alone."""
        return self.status.converged

    @functools.cached_property
    def variables(self) -> tuple[str, ...]:
        """The name of each number of the point."""
        return self.objective.variable_names(self.structure)

    @property
    def message(self) -> str:
        """The end in one sentence."""
        return f"{self.status.name} after {self.n_steps} step{'s' * (self.n_steps != 1)}: {self.status.reason}."

    @property
    def n_gradients(self) -> int:
        """Gradients evaluated: one a row."""
        return len(self.losses)

    @property
    def gradient(self) -> Any:
        """The gradient at `x`, with its structure (evaluated when asked for)."""
        return self.objective.gradient(self.x)

    def to_dict(self) -> dict[str, Any]:
        """The outcome as plain numbers, strings, lists and None, fit for JSON (without the record's rows).

        >>> import downslope
        >>> downslope.minimize("x^2", 5.0, learning_rate=0.5).to_dict()["status"]
        'GRADIENT_SMALL'
        """
        flat = self.structure.flatten(self.x)
        return {
            "status": self.status.name,
            "converged": self.converged,
            "message": self.message,
            "x": self._named(flat),
            "loss": _plain(self.loss),
            "gradient_norm": _plain(self.gradient_norms[-1]),
            "n_steps": self.n_steps,
            "n_evaluations": self.n_evaluations,
            "n_gradients": self.n_gradients,
            "gradient_source": self.gradient_source.name,
            "gradient_reason": self.gradient_reason,
            "engine": self.engine,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "specification": self.specification,
        }

    def _named(self, flat: np.ndarray) -> dict[str, Any]:
        if flat.size > _MOST_NAMED:
            return {"x": [_plain(v) for v in flat]}
        return dict(zip(self.variables, (_plain(v) for v in flat), strict=True))

    def rows(self) -> list[dict[str, float]]:
        """The record, one dict a recorded point: step, the variables, loss, gradient_norm, learning_rate.

        >>> import downslope
        >>> downslope.minimize("x^2", 5.0, learning_rate=0.5).rows()[0]
        {'step': 0, 'x': 5.0, 'loss': 25.0, 'gradient_norm': 10.0, 'learning_rate': 0.5}
        """
        columns = self._columns()
        return [
            dict(zip(columns, (v.tolist() for v in row), strict=True)) for row in zip(*columns.values(), strict=True)
        ]

    def to_dataframe(self) -> pandas.DataFrame:
        """The record as a pandas DataFrame with the columns of `rows`; MissingExtra without pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("to_dataframe()", "pandas", extra="pandas") from None
        columns = self._columns()
        return pandas.DataFrame({name: list(c) if c.ndim > 1 else c for name, c in columns.items()})

    def to_scipy(self) -> scipy.optimize.OptimizeResult:
        """The outcome as SciPy's own result type; `success` is `converged`, `jac` the gradient at `x`.

        >>> import downslope
        >>> result = downslope.minimize("x^2", 5.0, learning_rate=0.5).to_scipy()
        >>> bool(result.success), result.nit, result.x.tolist()
        (True, 1, [0.0])
        """
        from scipy.optimize import OptimizeResult

        return OptimizeResult(
            x=self.structure.flatten(self.x),
            fun=self.loss,
            jac=self.structure.flatten(self.gradient),
            success=self.converged,
            status=int(self.status),
            message=self.message,
            nit=self.n_steps,
            nfev=self.n_evaluations,
            njev=self.n_gradients,
        )

    def _columns(self) -> dict[str, np.ndarray]:
        steps = self.path_steps
        points: dict[str, np.ndarray] = {}
        if self.path is not None:
            rows = self.structure.flatten_rows(self.path)
            points = {"x": rows} if rows.shape[1] > _MOST_NAMED else dict(zip(self.variables, rows.T, strict=True))
        rates = self.learning_rates[steps]
        if rates.ndim == 2 and rates.shape[1] <= _MOST_NAMED:
            named = {f"learning_rate {v}": column for v, column in zip(self.variables, rates.T, strict=True)}
        else:
            named = {"learning_rate": rates}
        columns = {"loss": self.losses[steps], "gradient_norm": self.gradient_norms[steps], **named}
        return {"step": steps, **points, **columns}

    def __repr__(self) -> str:
        return (
            f"<Run {self.status.name} after {self.n_steps} step{'s' * (self.n_steps != 1)}: "
            f"x = {_short(self.x)}, loss = {self.loss:.6g}>"
        )


def _plain(number: Any) -> float | str:
    """JSON has no NaN and no infinity; they become "nan", "inf" and "-inf"."""
    value = float(number)
    return value if np.isfinite(value) else str(value)


def _short(x: Any) -> str:
    if isinstance(x, float):
        return f"{x:.6g}"
    if isinstance(x, np.ndarray):
        return np.array2string(x, precision=6, threshold=6, edgeitems=2)
    text = " ".join(repr(x).split())
    return text if len(text) < 100 else text[:97] + "..."
