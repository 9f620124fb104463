"""Batch descent on more rows than are kept in memory: each step adds up gradients over one pass through the data.

The compiled step then sees what the pass found as a loss that is straight:

    F(p) = F(x) + g (p - x)         value and gradient at x are those of the pass

so that methods, penalties and clipping work as they do elsewhere; a search that tries other points cannot.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.training.batches import Batches
from downslope.training.feeding import Feed, check_targets
from downslope.training.gathering import Flat
from downslope.training.models import Model
from downslope.training.objective import Average
from downslope.training.one_step import Data
from downslope.training.order import Order
from downslope.training.sources.source import Source

if TYPE_CHECKING:
    from downslope.training.loop import Training

PIECE_NUMBERS = 2**21
"""Rows of a pass are looked at in pieces of about so many numbers."""


@dataclass(frozen=True)
class Summed(Model):
    """The straight loss; as a batch of two rows, its gradient and x, with F(x) as the first one's target."""

    model: Model

    def is_penalised(self, params: Any) -> Any:
        """As of the model itself."""
        return self.model.is_penalised(params)

    def value(self, params: Any, columns: Any, target: Any, share: Any) -> Any:
        """F(p)."""
        import jax
        import jax.numpy as jnp

        point = jnp.concatenate([jnp.ravel(leaf) for leaf in jax.tree.leaves(params)])
        return target[0] + (columns[:, 0] * (point - columns[:, 1])).sum()


def passes(training: Training) -> Iterator[Feed]:
    """A pass for each step that is left."""
    job = training.job
    through = Pass(job.source, job.order, job.objective.average)
    for step in range(training.step, job.max_steps):
        data = through.at(np.array(training.position.x))
        yield Feed(data, step, 1, job.order.n_training, True)


class Pass:
    """Goes through all training rows, in their own order."""

    def __init__(self, source: Source, order: Order, average: Average):
        n_rows = max(1, PIECE_NUMBERS // len(source.names))
        self.batches = Batches(source, dataclasses.replace(order, shuffle=False), min(n_rows, order.n_training), 1)
        self.average = average

    def at(self, x: np.ndarray) -> Data:
        """What the compiled step sees at x."""
        batches, model, d = self.batches, self.average.model, len(self.batches.source.names)
        value, gradient, total = 0.0, np.zeros(x.size), 0.0
        for chunk in batches.chunks(0, batches.n_batches):
            check_targets(batches.source, chunk, model.loss)
            n = batches.batch_size if model.takes_short_batches else chunk.n_rows
            share = (chunk.rows.weight[:n] / chunk.n_rows).astype(x.dtype)
            piece = Data(chunk.flat, chunk.rows.target[:n], share, (n, d))
            of_piece, slope = self.average.value_and_gradient_of(piece, x)
            value += float(of_piece) * chunk.n_rows
            gradient += np.asarray(slope, float) * chunk.n_rows
            total += float(chunk.rows.weight[: chunk.n_rows].sum(dtype=float))
        flat = Flat.room(2 * x.size, x.dtype)
        flat.rows(2, x.size)[:] = gradient / total, x
        return Data(flat, np.array([value / total, 0], x.dtype), np.ones(2, x.dtype), (2, x.size))
