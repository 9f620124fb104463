"""A slice through the loss around the weights: two directions, and the losses on the plane that they span.

    L(a, b) = F(x + a u + b v)

Directions are random (each filter of a random vector, the weights of one output, is made as long as the filter of x
itself, so that what looks sharp is not merely small: Li et al. 2018), or the two along which the path went farthest, or
given. The path is drawn as its projection on the plane, which is where it was only as far as `explained` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from downslope.errors import InvalidInput
from downslope.storage.not_stored import NotStored
from downslope.training.asked import check_real, check_whole
from downslope.training.objective import Average
from downslope.training.training_run import TrainingRun

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_NUMBERS = 2**20
"""The rows that the slice is measured on are about so many numbers."""


@dataclass(frozen=True, eq=False, repr=False)
class LossSlice:
    """Losses on a grid, and the run's path over it.

    >>> import downslope, numpy as np
    >>> from downslope.training import loss_slice
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> run = downslope.fit("linear", (X, X @ [1.0, 2.0]), learning_rate=0.5, epochs=20)
    >>> found = loss_slice(run, resolution=11)
    >>> found.losses.shape, int(found.losses.argmin()), bool(found.explained > 0.9)
    ((11, 11), 60, True)
    """

    run: TrainingRun
    a: np.ndarray
    """Places along the first direction, shape (resolution,)."""
    b: np.ndarray
    """Along the second, of the same shape."""
    losses: np.ndarray
    """At each (b, a): rows are places along the second direction."""
    directions: np.ndarray
    """u and v, flat as the weights are, shape (2, n)."""
    path: np.ndarray
    """The kept points of the run in the plane, shape (m, 2)."""
    explained: float
    """The share of the path's spread that lies in the plane."""

    def plot(self) -> Figure:
        """Contours with the path over them; MissingExtra without matplotlib."""
        from downslope.plots import canvas, plane

        ax = canvas.axes(None)
        plane.fill_contours(ax, self.a, self.b, self.losses, 30)
        ax.plot(*self.path.T, "-", color="black", linewidth=1)
        ax.plot(*self.path[0], "o", color="black")
        ax.plot(0, 0, "*", color="black", markersize=12)
        ax.set_xlim(self.a[0], self.a[-1])
        ax.set_ylim(self.b[0], self.b[-1])
        ax.set_xlabel("along the first direction")
        ax.set_ylabel("along the second")
        ax.set_title(f"loss around the weights; the plane holds {100 * self.explained:.0f} % of the path")
        figure: Figure = ax.figure  # type: ignore[assignment]  # and no part of one
        return figure

    def __repr__(self) -> str:
        low, high = self.losses.min(), self.losses.max()
        return f"<LossSlice {len(self.a)} x {len(self.b)}: losses from {low:.4g} to {high:.4g}>"


def loss_slice(
    run: TrainingRun,
    directions: Literal["principal", "random"] | Any = "principal",
    *,
    span: float | None = None,
    resolution: int = 41,
    seed: int = 0,
) -> LossSlice:
    """The slice of a run of this process.

    `directions` are "principal", "random", or two arranged as the weights are; `span` is how far the plane reaches from
    `run.x` along each, None to hold the path (principal) or 1, which is as far as the weights are long (random).
    `resolution` is the number of places along each, and `seed` that of random directions. Raises InvalidInput where a
    run was loaded, which has no rows, or kept no path.

    >>> import downslope, numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2))
    >>> run = downslope.fit("linear", (X, X @ [1.0, 2.0]), learning_rate=0.5, epochs=20)
    >>> loss_slice(run, "random", span=2.0, resolution=5).a.tolist()
    [-2.0, -1.0, 0.0, 1.0, 2.0]
    """
    if not isinstance(run, TrainingRun) or isinstance(run.objective.fun, NotStored):
        raise InvalidInput("run", "must be a training run of this process, which has its rows", run)
    check_whole("resolution", resolution, 3)
    check_whole("seed", seed, 0)
    if span is not None:
        check_real("span", span, 0)
    x = run.structure.flatten(run.x).astype(float)
    points = np.empty((0, x.size)) if run.path is None else run.structure.flatten_rows(run.path).astype(float)
    u, v = _directions(run, directions, points, seed)
    offsets = points - x
    plane = np.linalg.lstsq(np.stack([u, v], axis=1), offsets.T, rcond=None)[0].T if len(points) else np.zeros((1, 2))
    spread = float((offsets**2).sum())
    inside = float(((plane @ np.stack([u, v])) ** 2).sum()) / spread if spread else 1.0
    if span is not None:
        reach = np.full(2, float(span))
    else:
        reach = np.maximum(1.2 * np.abs(plane).max(axis=0), 1e-6) if directions == "principal" else np.ones(2)
        reach = np.maximum(reach, 0.2 * reach.max())
    a, b = (np.linspace(-edge, edge, resolution) for edge in reach)
    return LossSlice(run, a, b, _losses(run, x, u, v, a, b), np.stack([u, v]), plane, inside)


def _directions(run: TrainingRun, directions: Any, points: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    n = run.structure.size
    if isinstance(directions, str) and directions == "principal":
        if len(points) < 3 or n < 2:
            raise InvalidInput("directions", "must be random or given: the run kept too few points", directions)
        _, sizes, found = np.linalg.svd(points - points[-1], full_matrices=False)
        if sizes[1] <= 1e-12 * sizes[0]:
            found[1] = np.linalg.svd(found[:1], full_matrices=True)[2][1]  # a straight path: any direction beside it
        return found[0], found[1]
    if isinstance(directions, str) and directions == "random":
        rng = np.random.default_rng(seed)
        return _as_long_as_the_filters(run, rng), _as_long_as_the_filters(run, rng)
    try:
        u, v = (run.structure.flatten(direction).astype(float) for direction in directions)
    except (TypeError, ValueError, AttributeError) as error:
        rule = f'must be "principal", "random", or two arranged as the weights are ({error})'
        raise InvalidInput("directions", rule, directions) from None
    if np.linalg.matrix_rank(np.stack([u, v])) < 2:
        raise InvalidInput("directions", "must span a plane", directions)
    return u, v


def _as_long_as_the_filters(run: TrainingRun, rng: np.random.Generator) -> np.ndarray:
    """A random direction whose every filter has the length of that filter of the weights; biases stay."""
    import jax

    parts = []
    is_weight = jax.tree.leaves(run.model.model.is_penalised(run.x))
    for leaf, moves in zip(jax.tree.leaves(run.x), is_weight, strict=True):
        weights = np.atleast_1d(np.asarray(leaf, float))
        drawn = rng.standard_normal(weights.shape)
        if not moves:
            parts.append(np.zeros(weights.size))
            continue
        rows, own = drawn.reshape(-1, weights.shape[-1]), weights.reshape(-1, weights.shape[-1])
        lengths = np.linalg.norm(own, axis=1, keepdims=True) / np.linalg.norm(rows, axis=1, keepdims=True)
        parts.append((rows * lengths).ravel())
    return np.concatenate(parts)


def _losses(run: TrainingRun, x: np.ndarray, u: np.ndarray, v: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    objective: Any = run.objective
    rows = objective.rows
    some = rows.part(0, max(1, min(len(rows.target), _NUMBERS // len(rows.columns))))
    average = Average(objective.average.model, objective.average.structure, some)
    dtype = run.structure.dtype

    def loss(point: np.ndarray) -> float:
        return average.value(point.astype(dtype)) + float(objective.penalty(point))

    with np.errstate(all="ignore"):
        return np.array([[loss(x + s * u + t * v) for s in a] for t in b])
