"""The front door of sweeps: checks, runs the grid as lanes, and returns a Sweep."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np

from downslope.bounds import as_bounds
from downslope.engines.lanes import Lanes, run_lanes
from downslope.engines.step import Rules
from downslope.errors import InvalidInput
from downslope.learning_rates import Constant, as_learning_rate
from downslope.minimization import as_limits, as_noise, check_hessian_fits, rate_shape_of
from downslope.objectives.objective import Objective
from downslope.progress import progress_bar
from downslope.stopping import Limits, Status
from downslope.sweeps.grid import Grid, grid_of
from downslope.sweeps.sweep import Sweep


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
) -> Sweep:
    """Run `minimize` from every start with every learning rate, method, coefficient and seed, all at once.

    Where the function compiles, the runs are lanes of one compiled program on all cores, each with its own end;
    elsewhere they run one after another, and `notes` says why. Ctrl-C keeps what is finished: the others are
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

    Raises
    ------
    InvalidInput
        A parameter breaks a rule, or the grid's results would not fit in 16 GiB; nothing was run.
    ObjectiveFailed
        `fun`, where it is not compiled, raised in a run.

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
    objective = Objective.of(fun, jac)
    if seeds is None:
        seeds = int(np.random.default_rng().integers(2**31))
    grid = grid_of(objective, starts, learning_rates, methods, coefficients, seeds)
    limits = as_limits(max_steps, target_loss, gradient_tolerance, loss_limit)
    box = _box(bounds, grid)
    lots = list(_lots(grid, limits, box, noise))
    parts: list[Lanes] = []
    with progress_bar(grid.n_lanes if progress else None, with_loss=False, of="runs") as update:
        for rules, numbers, n_copies in lots:
            points = np.tile(grid.starts, (n_copies, 1))
            if parts and (parts[-1].status == Status.INTERRUPTED).any():
                parts.append(Lanes.not_begun(points))
                continue
            told = _counted_from(sum(map(len, parts)), update)
            parts.append(run_lanes(objective, rules, grid.structure, points, numbers, progress=told))
    lanes = Lanes.joined(parts)
    options = {
        "bounds": bounds,
        "max_steps": max_steps,
        "target_loss": target_loss,
        "gradient_tolerance": gradient_tolerance,
        "loss_limit": loss_limit,
        "noise": noise,
    }
    notes = (f"the runs were made one after another, since {lanes.reason}",) if lanes.reason else ()
    return Sweep(grid, lanes, objective, box, options, notes, time.perf_counter() - began)


def _counted_from(n_before: int, update: Callable[[int, float], None]) -> Callable[[int], None]:
    return lambda n: update(n_before + n, np.nan)


def _lots(grid: Grid, limits: Limits, box: Any, noise: float) -> Iterator[tuple[Rules, dict[str, np.ndarray], int]]:
    """The grid in lots that share a program: rules, the numbers of each lane, and how often the starts are repeated."""
    for method, rates in itertools.product(grid.methods, grid.rate_groups):
        check_hessian_fits(method, grid.starts[0])
        rate = as_learning_rate(rates[0], method)
        rate_shape_of(rate, grid.structure.size)
        noises = [as_noise(noise, seed, rate) for seed in grid.seeds]
        axes = {f"method.{name}": values for name, values in grid.coefficients.items()}
        if isinstance(rate, Constant) and len(rates) > 1:
            axes = {"learning_rate.rate": np.asarray(rates, dtype=float), **axes}
        axes["seed"] = np.array([seed for _, seed in noises])
        shape = (*(len(values) for values in axes.values()), len(grid.starts))
        spread = np.meshgrid(*axes.values(), np.arange(len(grid.starts)), indexing="ij", copy=False)
        numbers = {name: values.ravel() for name, values in zip(axes, spread, strict=False)}
        rules = Rules(method.on(grid.structure), rate, limits, box, noises[0][0] or None, noises[0][1])
        yield rules, numbers, math.prod(shape[:-1])


def _box(bounds: Any, grid: Grid) -> tuple[np.ndarray, np.ndarray] | None:
    """The bounds, with every start inside."""
    try:
        box = as_bounds(bounds, grid.structure, grid.starts[0])
        if box is not None:
            outside = np.flatnonzero(((grid.starts < box[0]) | (grid.starts > box[1])).any(axis=1))
            for k in outside[:1]:
                as_bounds(bounds, grid.structure, grid.starts[k])
    except InvalidInput as error:
        if error.parameter != "x0":
            raise
        raise InvalidInput("starts", error.rule, error.value) from None
    return box
