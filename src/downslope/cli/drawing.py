"""Which of the package's pictures a view's name stands for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from downslope import plots
from downslope.errors import InvalidInput

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from downslope.objectives.objective import Objective
    from downslope.run import Run


def function(objective: Objective, view: str, region: Any) -> Figure:
    """A formula alone: its curve, its contours or its surface."""
    n = len(objective.formula.variables) if objective.formula is not None else 0
    suited = {1: ("line",), 2: ("contours", "surface")}.get(n)
    if suited is None:
        rule = f"must be given: --start NUMBERS (a formula of {n} variables has no picture of its own)"
        raise InvalidInput("start", rule, None)
    if view not in ("auto", *suited):
        raise InvalidInput("view", f"must be {' or '.join(suited)}, or beside a --start", view)
    draw: dict[str, Any] = {"line": plots.curve, "contours": plots.contours, "surface": plots.surface}
    return _figure(draw[suited[0] if view == "auto" else view](objective, region))


def descent(run: Run, view: str, region: Any, step: int | None) -> Figure:
    """One run. What view="auto" takes has the losses beside it, unless a region is asked for."""
    if view == "auto" and region is None:
        return plots.plot(run, step=step)
    film = plots.film(run, view=view, region=region)  # type: ignore[arg-type]  # checks what suits the run
    return film.frame(run.n_steps if step is None else step)


def race(runs: dict[str, Run], view: str, region: Any, *, moving: bool) -> Any:
    """Several runs: a film, or its last frame, which shows each run's end."""
    film = plots.film(runs, view=view, region=region)  # type: ignore[arg-type]
    return film if moving else film.frame(film.frames[-1])


def _figure(ax: Any) -> Figure:
    figure: Figure = ax.figure
    return figure
