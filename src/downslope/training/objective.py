"""The loss of a training run as a function of its parameters: the average over the training rows, with the penalties.

So a training run is explained, drawn and compared like the descent of any other function. Where there are more rows
than `MOST_NUMBERS` allows, blocks spread evenly over the data stand for all, and `is_sample` says so.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.objectives.bound import Bound, GradientSource
from downslope.objectives.objective import Objective
from downslope.objectives.structure import Structure
from downslope.training.gathering import Flat
from downslope.training.models import Model, UserLoss
from downslope.training.sources.source import Rows
from downslope.training.steps import (
    Data,
    Penalties,
    join_loss,
    penalised_numbers,
    split_loss,
    value_and_gradient,
)

PIECE_NUMBERS = 2**21
"""Rows are evaluated in pieces of about so many numbers, which stay in the processor's cache."""


class Average:
    """The average loss over some rows, without penalties, with its derivatives."""

    def __init__(self, model: Model, structure: Structure, rows: Rows):
        self.model, self.structure, self.n_rows = model, structure, rows.target.shape[0]
        self._shape, self._numbers = split_loss(model, structure.dtype)
        self.rows = rows

    @functools.cached_property
    def pieces(self) -> list[Data]:
        """The rows as the compiled functions take them; made when they are first needed."""
        return list(self._cut(self.rows))

    def value_of_some(self, x: np.ndarray) -> float:
        """The average over the first of the rows alone."""
        first = next(self._cut(self.rows))
        value = self._of_piece("value_and_gradient", first, x)[0]
        return float(value) / max(float(np.asarray(first.share).sum()), 1e-300)

    def value_and_gradient_of(self, piece: Data, x: np.ndarray) -> Any:
        """The part of other rows."""
        return self._of_piece("value_and_gradient", piece, x)

    def value(self, x: np.ndarray) -> float:
        """The average."""
        return float(sum(self._each("value", x)))

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The average and its flat gradient."""
        parts = list(self._each("value_and_gradient", x))
        return float(sum(value for value, _ in parts)), np.asarray(sum(gradient for _, gradient in parts))

    def product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian times v."""
        return np.asarray(sum(self._each("product", x, np.asarray(v, x.dtype))))

    def row_losses(self, x: np.ndarray) -> np.ndarray:
        """The loss of each row; only where the model tells it."""
        losses = np.concatenate([np.atleast_1d(part) for part in self._each("row_losses", x)])
        return losses[: self.n_rows]

    def _each(self, what: str, *vectors: np.ndarray) -> Any:
        for piece in self.pieces:
            yield self._of_piece(what, piece, *vectors)

    def _of_piece(self, what: str, piece: Data, *vectors: np.ndarray) -> Any:
        kernel = _kernel(what, self._shape, self.structure) if not isinstance(self.model, UserLoss) else self._own(what)
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, kernel(self._numbers, piece, *vectors))

    @functools.cached_property
    def _kernels(self) -> dict[str, Callable[..., Any]]:
        return {}

    def _own(self, what: str) -> Callable[..., Any]:
        return self._kernels.setdefault(what, _made(what, self._shape, self.structure))

    def _cut(self, rows: Rows) -> Any:
        """Pieces of one shape, the last filled up with rows that do not count (or, of a user's average, cut short)."""
        total = float(np.sum(rows.weight, dtype=float))
        n_features, n = rows.columns.shape
        size = max(1, min(n, PIECE_NUMBERS // max(1, n_features)))
        short = not self.model.takes_short_batches
        with jax.enable_x64(True):
            for first in range(0, n, size):
                part = rows.part(first, min(first + size, n))
                share = part.weight / np.asarray(total, part.weight.dtype) if total else part.weight
                missing = 0 if short else size - len(part.target)
                target, share = np.pad(part.target, (0, missing)), np.pad(share, (0, missing))
                flat = Flat.of(rows.columns, first, len(target))
                yield Data(flat, jnp.asarray(target), jnp.asarray(share), (len(target), n_features))


@functools.lru_cache(maxsize=64)
def _kernel(what: str, shape: Model, structure: Structure) -> Callable[..., Any]:
    return _made(what, shape, structure)


def _made(what: str, shape: Model, structure: Structure) -> Callable[..., Any]:
    def both(numbers: list[Any], piece: Data, x: Any) -> Any:
        value, gradient = value_and_gradient(join_loss(shape, numbers), structure, x, piece.batch(0))
        if shape.takes_short_batches:
            return value, gradient
        part = piece.share.sum()
        return value * part, gradient * part

    def value(numbers: list[Any], piece: Data, x: Any) -> Any:
        rows = piece.batch(0)
        found = join_loss(shape, numbers).value(structure.unflatten(x), rows.columns, rows.target, rows.share)
        return found if shape.takes_short_batches else found * piece.share.sum()

    def product(numbers: list[Any], piece: Data, x: Any, v: Any) -> Any:
        return jax.jvp(lambda p: both(numbers, piece, p)[1], (x,), (v,))[1]

    def row_losses(numbers: list[Any], piece: Data, x: Any) -> Any:
        model: Any = join_loss(shape, numbers)
        params, rows = structure.unflatten(x), piece.batch(0)
        if model.loss is None:
            return model.function(params, (rows.columns.T, rows.target))
        return model.loss.value(jnp, model.outputs(jnp, params, rows.columns), rows.target)

    functions: dict[str, Callable[..., Any]] = {"value": value, "product": product, "row_losses": row_losses}
    return jax.jit(functions.get(what, both))


class TrainingBound(Bound):
    """The penalised average on flat vectors; derivatives are exact, and nothing is compiled into one program."""

    source = GradientSource.UNCOMPILED

    def __init__(self, objective: TrainingObjective, structure: Structure):
        super().__init__(objective.fun, structure, "array", None, objective.reason)
        self._objective = objective

    def value(self, x: np.ndarray) -> float:
        """F(x)."""
        return self._objective.average.value(x) + self._objective.penalty(x)

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """F(x) and its gradient, L1 by its sign."""
        value, gradient = self._objective.average.value_and_gradient(x)
        l1, l2, _ = self._objective.penalties
        mask = self._objective.mask
        return value + self._objective.penalty(x), (gradient + l2 * mask * x + l1 * mask * np.sign(x)).astype(x.dtype)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Exact, a product at a time."""
        rows = [self.hessian_vector_product(x, unit) for unit in np.eye(x.size, dtype=x.dtype)]
        matrix = np.stack(rows)
        return np.asarray((matrix + matrix.T) / 2)

    def hessian_vector_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Exact."""
        return np.asarray(
            self._objective.average.product(x, v) + self._objective.penalties.l2 * self._objective.mask * v
        )


class TrainingObjective(Objective):
    """The objective of a training run."""

    def __init__(
        self, average: Average, rows: Rows, penalties: Penalties, name: str, names: tuple[str, ...], of_rows: str
    ):
        self.average, self.penalties, self.rows = average, penalties, rows
        self.reason = f"exact, {of_rows}"
        flags = penalised_numbers(average.model, average.structure)
        self.mask = np.asarray(flags, average.structure.dtype) if flags else average.structure.dtype.type(1)
        self._told, self._names = name, names

        def training_loss(params: Any) -> float:
            return self.bind(params)[2]

        super().__init__(training_loss, call="array")

    @property
    def name(self) -> str:
        """The model's."""
        return self._told

    def own_names(self, structure: Structure) -> tuple[str, ...]:
        """Those of the parameters, by feature."""
        return self._names if len(self._names) == structure.size else ()

    def penalty(self, x: np.ndarray) -> float:
        """What L1 and L2 add."""
        held = np.asarray(x, float) * self.mask
        return float(self.penalties.l1 * np.abs(held).sum() + self.penalties.l2 / 2 * (held @ held))

    def average_columns(self) -> np.ndarray:
        """The usual size of each feature."""
        some = self.rows.part(0, max(1, PIECE_NUMBERS // len(self.rows.columns)))
        return np.asarray(np.abs(some.columns).mean(axis=1))

    def bind(self, x0: Any, bounds: Any = None) -> tuple[Bound, np.ndarray, float]:
        """The loss on flat vectors around x0."""
        flat = np.asarray(Structure.of(x0)[1], self.average.structure.dtype)
        bound = self.bound()
        return bound, flat, bound.value_and_gradient(flat)[0]  # a program that is needed anyway

    def bound(self) -> TrainingBound:
        """The same, without a look at any point."""
        bound = TrainingBound(self, self.average.structure)
        self._bound = bound
        return bound

    def checked(self, bound: Bound, value: float, flat: np.ndarray, loss: float) -> Bound:
        """Nothing compiled can be stale here: the rows are its arguments."""
        return bound
