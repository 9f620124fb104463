"""The same lanes as single runs, one by one: for functions and rules that cannot share a compiled program."""

from __future__ import annotations

import contextlib
import time
import warnings
from collections.abc import Callable

import numpy as np

from downslope.engines.job import Job
from downslope.engines.lanes.cores import n_cores
from downslope.engines.lanes.lane import Outcome
from downslope.engines.lanes.processes import Pool
from downslope.engines.lanes.results import Lanes
from downslope.engines.recorder import Recorder
from downslope.engines.step import Rules
from downslope.errors import InvalidObjective
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.patience import ask
from downslope.run import Run
from downslope.stopping import Status

SECONDS_HERE = 1.0
"""Processes are not started before."""
SECONDS_LEFT = 4.0
"""Nor for less than this; starting them takes about two seconds, JAX's import included."""


def run_one_by_one(
    objective: Objective,
    structure: Structure,
    rules_of: Callable[[int], Rules],
    starts: np.ndarray,
    results: Lanes,
    progress: Callable[[int], None] | None,
) -> str:
    """All lanes to their ends; the results are in `results` then, and when Ctrl-C raises KeyboardInterrupt.

    The first ones run here. Where they show that it will take long, processes share the others; returned is how many
    processes, or why there were none, in words.
    """
    n_done = 0

    def put(k: int, told: Outcome) -> None:
        nonlocal n_done
        results.put(np.array([k]), Outcome(*(np.asarray(value)[..., None] for value in told)))
        if told.status == Status.INTERRUPTED:
            raise KeyboardInterrupt
        n_done += 1
        ask()
        if progress is not None:
            progress(n_done)

    def run_here(k: int) -> None:
        put(k, _told(objective, structure, rules_of(k), starts[k]))

    began = time.perf_counter()
    seconds_a_run = 0.0
    while n_done < len(starts) and not _is_long(n_done, len(starts) - n_done, seconds_a_run):
        run_here(n_done)
        seconds_a_run = (time.perf_counter() - began) / n_done
    rest = range(n_done, len(starts))
    if not rest:
        return ""
    pool = Pool(_told, objective, structure, rules_of(rest[0]))
    if pool.why_not:
        for k in rest:
            run_here(k)
        return pool.why_not
    with contextlib.closing(pool.run(rest, lambda k: (starts[k], rules_of(k)), seconds_a_run)) as batches:
        for outcomes, failed in batches:
            for k, told in outcomes:
                put(k, told)
            for k in failed:
                run_here(k)
    return f"{n_cores()} processes shared them"


def _is_long(n_done: int, n_left: int, seconds_a_run: float) -> bool:
    return n_cores() > 1 and n_done * seconds_a_run > SECONDS_HERE and n_left * seconds_a_run > SECONDS_LEFT


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
    job.run("auto", None, ask)
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
