"""Run: every step of one descent, and why it ended."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope import columns
from downslope.errors import MissingExtra
from downslope.objectives.structure import Structure
from downslope.plain import plain
from downslope.stopping import Status

if TYPE_CHECKING:
    import pandas
    import scipy.optimize
    from matplotlib.figure import Figure

    from downslope.explanation import Explanation
    from downslope.objectives.objective import GradientSource, Objective
    from downslope.plots.moving_picture import Film
    from downslope.storage import Replay


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """One descent, as `minimize` returns it.

    With n = `n_steps` updates made, the record has n + 1 rows: row 0 is the start, row n the end. `objective` is
    what was minimised, `structure` how a flat vector is arranged as the start was.

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
    """The step of each row of `path`, shape (rows,); 0 ... n_steps unless the path was thinned."""
    losses: np.ndarray
    """Loss at each row, shape (n_steps + 1,)."""
    gradient_norms: np.ndarray
    """Largest component of the gradient at each row, shape (n_steps + 1,): what gradient_tolerance tests."""
    learning_rates: np.ndarray
    """The rate of the step that leaves each row, shape (n_steps + 1,), or (n_steps + 1, n); NaN in the last."""
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
    """What was asked for, whole: words, numbers and read-only arrays. `to_dict` has it fit for JSON."""
    structure: Structure = field(repr=False)
    objective: Objective = field(repr=False)
    rules: Any = field(default=None, repr=False)
    """The method, learning rate and limits themselves, for a replay; None in a loaded run."""
    method_state: Any = field(default=None, repr=False)
    """What an adaptive method has remembered by the end, flat as the engines see it; None in a loaded run."""
    made_with: dict[str, str] = field(default_factory=dict, repr=False)
    """Versions and machine that a loaded run was made with; empty for a run of this very process."""

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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write all of this run to one Parquet file, which `downslope.load` reads back to the last bit.

        A file of that name is replaced as a whole or not at all. pandas, polars and DuckDB read the table: one row a
        step, the columns of `rows`; a point that was not kept is null. What else a Run tells is in the metadata.
        Raises InvalidFile where no file can be written.

        >>> import downslope, pandas, tempfile
        >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.5)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     run.save(f"{folder}/run.parquet")
        ...     print(pandas.read_parquet(f"{folder}/run.parquet"))
           step    x  loss  gradient_norm  learning_rate
        0     0  5.0  25.0           10.0            0.5
        1     1  0.0   0.0            0.0            NaN
        """
        from downslope.storage.run_file import save

        save(self, path)

    def replay(
        self, fun: Any = None, *, jac: Callable[..., Any] | None = None, method: Any = None, learning_rate: Any = None
    ) -> Replay:
        """Make this run again from its specification, by the same engine, and tell the difference.

        Code must be given where the run does not keep it: `fun` and `jac` where they were Python functions and the
        run was loaded; `method` and `learning_rate` where they are not downslope's own or hold a function. What is
        given takes the place of what was. InvalidInput names what is missing. A run that a callback or Ctrl-C ended
        is made again for as many steps.

        >>> import downslope
        >>> downslope.minimize("x^2", 5.0, learning_rate=0.1).replay().message
        'bit-identical over 74 rows'
        """
        from downslope.storage.replay import replay

        return replay(self, fun, jac=jac, method=method, learning_rate=learning_rate)

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
            "loss": plain(self.loss),
            "gradient_norm": plain(self.gradient_norms[-1]),
            "n_steps": self.n_steps,
            "n_evaluations": self.n_evaluations,
            "n_gradients": self.n_gradients,
            "gradient_source": self.gradient_source.name,
            "gradient_reason": self.gradient_reason,
            "engine": self.engine,
            "seconds": self.seconds,
            "notes": list(self.notes),
            "specification": plain(self.specification),
        }

    def _named(self, flat: np.ndarray) -> dict[str, Any]:
        if flat.size > columns.MOST_NAMED:
            return {"x": [plain(v) for v in flat]}
        return dict(zip(self.variables, (plain(v) for v in flat), strict=True))

    def rows(self, which: slice = slice(None)) -> list[dict[str, float]]:
        """The record, one dict a recorded point: step, the variables, loss, gradient_norm, learning_rate.

        `rows(which)` is `rows()[which]`, without making the others.

        >>> import downslope
        >>> downslope.minimize("x^2", 5.0, learning_rate=0.5).rows()[0]
        {'step': 0, 'x': 5.0, 'loss': 25.0, 'gradient_norm': 10.0, 'learning_rate': 0.5}
        """
        chosen = {name: column[which].tolist() for name, column in columns.of_run(self).items()}
        return [dict(zip(chosen, row, strict=True)) for row in zip(*chosen.values(), strict=True)]

    def to_dataframe(self) -> pandas.DataFrame:
        """The record as a pandas DataFrame with the columns of `rows`; MissingExtra without pandas."""
        try:
            import pandas
        except ImportError:
            raise MissingExtra("to_dataframe()", "pandas", extra="pandas") from None
        return pandas.DataFrame({name: list(c) if c.ndim > 1 else c for name, c in columns.of_run(self).items()})

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

    def explain(self, *, suggest: bool = True) -> Explanation:
        """Why this run went as it did: its behaviour, the curvature and rates behind it, and what to try.

        With `suggest` the run is repeated with a few other rates and methods, and the best is quoted as it ran.

        >>> import downslope
        >>> run = downslope.minimize("x^2", 5.0, learning_rate=1.0, max_steps=100)
        >>> print(run.explain().sentences[0])
        Bouncing: it jumps between x = -5 and x = 5, losses 25 and 25, and comes no closer.
        >>> print(run.explain().sentences[-1])
        Try learning rate 0.5: tried, it converged in 1 step, to a loss of 0.
        """
        from downslope.explanation import explain

        return explain(self, suggest=suggest)

    def plot(self, **options: Any) -> Figure:
        """The picture that suits the number of variables; `options` as for `downslope.plots.plot`.

        MissingExtra without matplotlib.

        >>> import downslope
        >>> run = downslope.minimize("x^2", 5.0, learning_rate=0.1, max_steps=25)
        >>> run.plot(step=10).axes[0].get_title()
        'step 10, learning rate 0.1'
        """
        from downslope.plots import plot

        return plot(self, **options)

    def animate(self, **options: Any) -> Film:
        """A film of this run, step by step; `options` as for `plots.film`. MissingExtra without matplotlib."""
        from downslope.plots import film

        return film(self, **options)

    def show(self, **options: Any) -> Any:
        """Open this run in the laboratory; `options` (browser, port) and errors as for `downslope.lab`."""
        from downslope.lab.opening import show

        return show(self, **options)

    def _repr_html_(self) -> str:
        from downslope.notebook import as_html

        return as_html(self)

    @functools.cached_property
    def point_columns(self) -> tuple[str, ...]:
        """The column of each variable in `rows`: its name, or "variable NAME" where that is taken; () beyond 100.

        >>> import downslope
        >>> def product(step, size):
        ...     return (step * size - 1) ** 2
        >>> downslope.minimize(product, [2.0, 3.0]).point_columns
        ('variable step', 'size')
        """
        return columns.of_points(self.variables) if self.structure.size <= columns.MOST_NAMED else ()

    @property
    def rate_columns(self) -> tuple[str, ...]:
        """The columns of the learning rate in `rows`: one, or one a variable."""
        if self.learning_rates.ndim == 2 and self.point_columns:
            return tuple(f"learning_rate {name}" for name in self.point_columns)
        return ("learning_rate",)

    def __repr__(self) -> str:
        steps = f"{self.n_steps} step{'s' * (self.n_steps != 1)}"
        return f"<Run {self.status.name} after {steps}: x = {_short(self.x)}, loss = {self.loss:.6g}>"


def _short(x: Any) -> str:
    if isinstance(x, float):
        return f"{x:.6g}"
    if isinstance(x, np.ndarray):
        return np.array2string(x, precision=6, threshold=6, edgeitems=2)
    text = " ".join(repr(x).split())
    return text if len(text) < 100 else text[:97] + "..."
