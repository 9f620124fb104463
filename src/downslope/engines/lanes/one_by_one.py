"""The same lanes as single runs, one after another: for functions and rules that cannot share a compiled program."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import numpy as np

from downslope.engines.job import Job
from downslope.engines.lanes.lane import Outcome
from downslope.engines.lanes.results import Lanes
from downslope.engines.recorder import Recorder
from downslope.engines.step import Rules
from downslope.errors import InvalidObjective
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.run import Run
from downslope.stopping import Status


def run_one_by_one(
    objective: Objective,
    structure: Structure,
    rules_of: Callable[[int], Rules],
    starts: np.ndarray,
    results: Lanes,
    progress: Callable[[int], None] | None,
) -> None:
    """All lanes to their ends, or to Ctrl-C during a run; the results are in `results` then."""
    for k, start in enumerate(starts):
        told = _told(objective, structure, rules_of(k), start)
        results.put(np.array([k]), Outcome(*(np.asarray(value)[..., None] for value in told)))
        if told.status == Status.INTERRUPTED:
            return
        if progress is not None:
            progress(k + 1)


def _told(objective: Objective, structure: Structure, rules: Rules, start: np.ndarray) -> Outcome:
    try:
        bound, flat, loss = objective.bind(structure.restore(start), rules.bounds)
    except InvalidObjective as error:
        if not error.rule.startswith("must be finite"):
            raise
        nan = np.nan
        return Outcome(start, nan, nan, nan, nan, nan, nan, int(Status.NOT_FINITE), 0, 1, 0)
    recorder = Recorder(flat.size, flat.dtype, max_rows=int(rules.limits.max_steps) + 1)
    job = Job(objective, bound, rules, flat, loss, recorder)
    job.run("auto", None, lambda: None)
    with warnings.catch_warnings():  # a start without slope is a status among many
        warnings.simplefilter("ignore")
        return _summary(job.result())


def _summary(run: Run) -> Outcome:
    numbers = run.losses[~np.isnan(run.losses)]
    turn, growth = _turn_and_growth(run.structure.flatten_rows(run.path)[-3:])
    return Outcome(
        x=run.structure.flatten(run.x),
        loss=run.loss,
        gradient_norm=run.gradient_norms[-1],
        first_loss=run.losses[0],
        best_loss=np.min(numbers) if numbers.size else np.nan,
        turn=turn,
        growth=growth,
        status=int(run.status),
        n_steps=run.n_steps,
        n_evaluations=run.n_evaluations,
        n_rises=int(np.sum(np.diff(run.losses) > 0)),
    )


def _turn_and_growth(points: np.ndarray) -> tuple[float, float]:
    """The cosine between the last two steps and the ratio of their lengths, from the last three points."""
    if len(points) < 3:
        return np.nan, np.nan
    with np.errstate(all="ignore"):
        before, last = np.diff(points, axis=0)
        length_before, length = np.linalg.norm(before), np.linalg.norm(last)
        return float((last / length) @ (before / length_before)), float(length / length_before)
