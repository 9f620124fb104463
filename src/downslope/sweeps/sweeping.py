"""The front door of sweeps: checks, runs the grid as lanes, and returns a Sweep."""

from __future__ import annotations

import functools
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypedDict, Unpack, overload

import numpy as np

from downslope.bounds import as_bounds
from downslope.errors import InvalidInput
from downslope.minimization import as_limits
from downslope.objectives.objective import Objective
from downslope.progress import progress_bar
from downslope.run import Run
from downslope.stopping import Status
from downslope.sweeps.grid import Grid, grid_of
from downslope.sweeps.lots import Work, lots_of
from downslope.sweeps.parts import check_folder
from downslope.sweeps.selecting import recorded_lanes, run_of
from downslope.sweeps.specification import losses_at_starts
from downslope.sweeps.streaming import Blocks, blocks_here, drawn_seed, stream
from downslope.sweeps.sweep import Sweep
from downslope.sweeps.sweep_file import SweepFile
from downslope.sweeps.tasks import blocks_in_workers, gathered


class _Options(TypedDict, total=False):
    """All that `sweep` takes but the function and the path, for the types of what it returns."""

    starts: Any
    learning_rates: Any
    methods: Any
    coefficients: Mapping[str, Any] | None
    seeds: Any
    jac: Callable[..., Any] | None
    bounds: Any
    max_steps: int
    target_loss: float | None
    gradient_tolerance: float | None
    loss_limit: float | None
    noise: float
    progress: bool
    record: Any
    scheduler: Any
    workers: int | None


@contextmanager
def _starts_in_place_of_x0() -> Iterator[None]:
    """Errors about `x0`, which a sweep has none of, are about the starts."""
    try:
        yield
    except InvalidInput as error:
        if error.parameter != "x0":
            raise
        raise InvalidInput("starts", error.rule, error.value) from None


@overload
def sweep(fun: Any, *, path: None = None, **options: Unpack[_Options]) -> Sweep: ...


@overload
def sweep(fun: Any, *, path: str | os.PathLike[str], **options: Unpack[_Options]) -> SweepFile: ...


@_starts_in_place_of_x0()
def sweep(
    fun: Any,
    *,
    starts: Any = None,
    learning_rates: Any = None,
    methods: Any = "gradient_descent",
    coefficients: Mapping[str, Any] | None = None,
    seeds: Any = None,
    jac: Callable[..., Any] | None = None,
    bounds: Any = None,
    max_steps: int = 10_000,
    target_loss: float | None = None,
    gradient_tolerance: float | None = 1e-6,
    loss_limit: float | None = None,
    noise: float = 0.0,
    progress: bool = False,
    record: Any = 0,
    path: Any = None,
    scheduler: Any = None,
    workers: int | None = None,
) -> Sweep | SweepFile:
    """Run `minimize` from every start with every learning rate, method, coefficient and seed, all at once.

    Where the function compiles, the runs are lanes of one compiled program on all cores, each with its own end;
    elsewhere they run one by one, where it takes long in a process for each core, and `notes` says why that is slower.
    Each process has its own copy of what the function closes over. Ctrl-C keeps what is finished: the others are
    INTERRUPTED.

    Parameters
    ----------
    fun, jac, bounds, max_steps, target_loss, gradient_tolerance, loss_limit, noise
        As for `minimize`.
    starts
        A list or array of starts, one an entry: `[5.0, -3.0]` are two numbers, `[[1.0, 1.0], [2.0, 0.0]]` two
        vectors; containers must be arranged alike. None is the gallery's own start.
    learning_rates, methods
        One, or a list of them, each as for `minimize`. A list is a dimension of the result.
    coefficients
        Lists of numbers by the coefficient's name, such as {"beta": [0.0, 0.5, 0.9]}; each is a dimension, and
        takes the place of what the methods have.
    seeds
        One seed of the noise, or a list of them.
    progress
        Draw a progress bar on the standard error, with runs per second, where it takes longer than half a second.
    record
        Runs to be made again with all of their record, as `records` of the result: a list of their numbers, the
        last dimension fastest, or how many, spread evenly over the grid.
    path
        A folder to write the results to, block by block, instead of keeping them: the result is a `SweepFile` then,
        and memory is bounded by the block. What was interrupted goes on where it ended when the same is asked for
        again, and the folder of another sweep is refused. Functions are told apart by their names and by their
        losses at a few starts; rate functions by their names alone.
    scheduler
        The address of a Dask cluster, such as "tcp://host:8786", or a dask.distributed.Client: its workers make the
        runs, a block of lanes at a time on each core, and their ends are the same to the last bit on equal machines.
        A worker that dies loses nothing. See docs/scaling.md.
    workers
        How many workers to start on this machine instead, for the time of the sweep.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule, is not that of the sweep at `path`, or the grid's results would not fit in 16 GiB
        and there is no `path`; no scheduler answers, or its workers have other versions. Nothing was run.
    InvalidFile
        `path` cannot be written, or a file in it is damaged or missing.
    ObjectiveFailed
        `fun`, where it is not compiled, raised in a run.
    WorkersFailed
        Workers died over the same runs several times, or raised what a run here would not.

    >>> found = sweep("x^2", starts=[5.0, -3.0], learning_rates=[0.1, 0.5, 0.9, 1.1], max_steps=200)
    >>> found.dimensions["learning_rate"].tolist(), found.n_steps.shape
    ([0.1, 0.5, 0.9, 1.1], (4, 2))
    >>> found.n_steps[:, 0].tolist(), found.converged_fraction
    ([73, 1, 73, 200], 0.75)
    >>> found.behaviour[:, 0].tolist()
    ['straight descent', 'straight descent', 'zigzag', 'diverging']
    >>> found.select(learning_rate=0.9, start=0).message
    'GRADIENT_SMALL after 73 steps: the gradient is within the tolerance.'
    """
    began = time.perf_counter()
    folder = None if path is None else check_folder(path)
    objective = Objective.of(fun, jac)
    is_drawn = seeds is None
    if is_drawn:
        seeds = None if folder is None else drawn_seed(folder)
    if seeds is None:
        seeds = int(np.random.default_rng().integers(2**31))
    grid = grid_of(objective, starts, learning_rates, methods, coefficients, seeds, on_disk=folder is not None)
    limits = as_limits(max_steps, target_loss, gradient_tolerance, loss_limit)
    box = _box(bounds, grid)
    lots = list(lots_of(grid, limits, box, noise))
    recorded = recorded_lanes(record, grid.n_lanes)
    options = {
        "bounds": bounds,
        "max_steps": max_steps,
        "target_loss": target_loss,
        "gradient_tolerance": gradient_tolerance,
        "loss_limit": loss_limit,
        "noise": noise,
    }

    def records(is_finished: Callable[[int], bool]) -> dict[int, Run]:
        return {lane: run_of(grid, objective, options, lane) for lane in recorded if is_finished(lane)}

    with (
        _in_workers(scheduler, workers) as blocks,
        progress_bar(grid.n_lanes if progress else None, with_loss=False, of="runs") as update,
    ):
        work, told = Work(objective, grid, lots), lambda n: update(n, np.nan)
        if folder is not None:
            parts, reason = stream(blocks or blocks_here, folder, work, box, options, is_drawn, told)
        elif blocks is not None:
            sound = losses_at_starts(objective, grid, box)[1]
            lanes = gathered(blocks(work._replace(sound=sound), 0, told), grid)
        else:
            lanes = work.run(0, grid.n_lanes, told)

    def shared(kept: dict[int, Run], reason: str) -> dict[str, Any]:
        told = {"grid": grid, "objective": objective, "box": box, "options": options, "records": kept}
        return {**told, "notes": _notes(reason), "seconds": time.perf_counter() - began}

    if folder is not None:
        kept = records(lambda lane: lane < parts[-1].end if parts else False)
        return SweepFile(**shared(kept, reason), path=folder, parts=parts)
    kept = records(lambda lane: bool(lanes.status[lane] != Status.INTERRUPTED))
    return Sweep(**shared(kept, lanes.reason), lanes=lanes)


@contextmanager
def _in_workers(scheduler: Any, n_workers: int | None) -> Iterator[Blocks | None]:
    """What runs blocks in workers; None where nobody asked for any."""
    if scheduler is None and n_workers is None:
        yield None
        return
    from downslope.sweeps.workers import connected

    with connected(scheduler, n_workers) as client:
        yield functools.partial(blocks_in_workers, client)


def _notes(reason: str) -> tuple[str, ...]:
    return (f"the runs were made one by one, which is slower than all at once, since {reason}",) if reason else ()


def _box(bounds: Any, grid: Grid) -> tuple[np.ndarray, np.ndarray] | None:
    """The bounds, with every start inside."""
    box = as_bounds(bounds, grid.structure, grid.starts[0])
    if box is not None:
        outside = np.flatnonzero(((grid.starts < box[0]) | (grid.starts > box[1])).any(axis=1))
        for k in outside[:1]:
            as_bounds(bounds, grid.structure, grid.starts[k])
    return box
