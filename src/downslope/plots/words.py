"""What a picture says in words: which run is which, how far each has come, and what a picture does without."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

import numpy as np
from matplotlib.axes import Axes

from downslope import wording
from downslope.errors import InvalidInput
from downslope.run import Run
from downslope.storage.not_stored import StoredObjective

_LETTERS_AN_INCH = 12.5
"""Of a title, which may reach over a colour bar."""

Runs: TypeAlias = Run | Mapping[str, Run] | Iterable[Run]
"""How runs come: one, several, or several with labels."""


def labelled(runs: Runs) -> dict[str, Run]:
    """Each run under its label: the one given, or its method and what sets it apart from the others.

    >>> import downslope
    >>> list(labelled([downslope.minimize("x^2", 5.0, learning_rate=a) for a in (0.1, 0.2)]))
    ['gradient descent, learning rate 0.1', 'gradient descent, learning rate 0.2']
    """
    if isinstance(runs, Run):
        return {wording.method(runs): runs}
    given: list[Any] = list(runs.values()) if isinstance(runs, Mapping) else _listed(runs)
    for run in given:
        if not isinstance(run, Run):
            raise InvalidInput("runs", "must be a Run, a list of them, or a dict of them by label", run)
    if not given:
        raise InvalidInput("runs", "must hold at least one Run", runs)
    labels = [str(label) for label in runs] if isinstance(runs, Mapping) else _told_apart(given)
    return dict(zip(labels, given, strict=True))


def _listed(runs: Any) -> list[Any]:
    return list(runs) if isinstance(runs, Iterable) and not isinstance(runs, str) else [runs]


def _told_apart(runs: list[Run]) -> list[str]:
    facts = [_facts(run) for run in runs]
    differing = [k for k in range(1, len(facts[0])) if len({fact[k] for fact in facts}) > 1]
    labels: list[str] = []
    for fact in facts:
        label = ", ".join([fact[0], *(fact[k] for k in differing)])
        n_before = sum(known.partition(" #")[0] == label for known in labels)
        labels.append(f"{label} #{n_before + 1}" if n_before else label)
    return labels


def _facts(run: Run) -> tuple[str, ...]:
    start = wording.numbers(np.ravel(run.specification["x0"]).tolist())
    return wording.method(run), str(run.specification["fun"]), wording.rate(run), f"from {start}"


def short(value: float, digits: int = 3) -> str:
    """A number with few digits: what a label has room for.

    >>> short(3.70412e-08), short(-0.0), short(38.594)
    ('3.7e-08', '0', '38.6')
    """
    return f"{value + 0.0:.{digits}g}"


def titled(ax: Axes, name: str, facts: str) -> str:
    """A function's name and facts, in as many lines as the width of the axes asks for."""
    width = max(int(ax.bbox.width / ax.figure.dpi * _LETTERS_AN_INCH), 12)
    if len(name) + len(facts) + 2 <= width:
        return f"{name}, {facts}"
    return "\n".join([*textwrap.wrap(name, width), *textwrap.wrap(facts, width)])


def at_step(run: Run, step: int) -> str:
    """The title of a descent: the step's number and the rate that made it.

    >>> import downslope
    >>> at_step(downslope.minimize("x^2", 5.0, learning_rate=0.1, max_steps=4), 3)
    'step 3, learning rate 0.1'
    """
    made = run.learning_rates[max(step - 1, 0)]  # the last row has no rate: no step leaves it
    if not np.all(np.isfinite(made)):
        return f"step {step:,}"  # another library's rule keeps its rate to itself
    rates = ", ".join(short(float(rate), 4) for rate in np.ravel(made)[:3])
    many = ", ..." if np.size(made) > 3 else ""
    return f"step {step:,}, learning rate{'s' * (np.size(made) > 1)} {rates}{many}"


def at(step: int | None) -> str:
    """The title of several runs: their common step, or nothing where each is drawn to its end."""
    return "" if step is None else f"step {step:,}"


def n_steps(n: int) -> str:
    """1 step, 2 steps."""
    return f"{n:,} step{'s' * (n != 1)}"


def outcome(run: Run, step: int) -> str:
    """How far a run has come: its steps and the loss there."""
    return f"{n_steps(step)}, loss {short(float(run.losses[step]))}"


def missing(run: Run) -> str:
    """What a picture of this run has to do without; empty where nothing is missing."""
    if run.path is None:
        return 'no path: the run was made with record="losses"'
    if isinstance(run.objective, StoredObjective):
        return f"the path alone: the file does not hold the function {run.objective.name}"
    return ""


def chosen_step(run: Run, step: int | None) -> int:
    """The step to draw up to: the last, or the one asked for, which may lie beyond a shorter run's end."""
    return run.n_steps if step is None else min(max(step, 0), run.n_steps)


def check_step(runs: Iterable[Run], step: Any) -> None:
    """Raise InvalidInput where none of the runs has got to `step`."""
    most = max(run.n_steps for run in runs)
    if step is not None and not (_is_whole(step) and 0 <= step <= most):
        raise InvalidInput("step", f"must be a whole number from 0 to {most}, or None for all", step)


def check_levels(levels: Any) -> None:
    """Raise InvalidInput where a count of contour levels is none."""
    if not (_is_whole(levels) and 2 <= levels <= 1000):
        raise InvalidInput("levels", "must be a whole number from 2 to 1000", levels)


def check_run(run: Any, n: int | None = None, otherwise: str = "") -> None:
    """Raise InvalidInput where `run` is none, or has not n variables."""
    if not isinstance(run, Run):
        raise InvalidInput("run", "must be a Run", run)
    if n is not None and run.structure.size != n:
        rule = f"must have {'one variable' if n == 1 else f'{n} variables'} ({otherwise})"
        raise InvalidInput("run", rule, run.structure.size)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)
