"""What the compiled loop is fed with: chunks of batches, or all rows, again and again.

share   w / (rows of the batch * mean weight)       so a row of weight 2 counts as twice a row of weight 1, also
where it is alone in its batch
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from downslope.errors import InvalidData
from downslope.training.batches import Batches, Chunk, held_out_rows
from downslope.training.gathering import Flat
from downslope.training.losses import Loss
from downslope.training.models import Model
from downslope.training.order import Order
from downslope.training.shares import WHOLE, Share
from downslope.training.sources.source import Rows, Source
from downslope.training.steps import Data


class Feed(NamedTuple):
    """Some batches of one epoch, ready for one call."""

    data: Data
    epoch: int
    n_batches: int
    last_rows: int
    """The rows of the last of them."""
    ends_epoch: bool

    @property
    def most_batches(self) -> int:
        """Of any feed of this shape."""
        return len(self.data.target) // self.data.shape[0]


def feeds(batches: Batches, step: int, n_steps: int, mean_weight: float, model: Model) -> Iterator[Feed]:
    """The batches from a step on. Where a model cannot leave rows out, an epoch's last batch is of its own length."""
    b, d, n_batches = batches.batch_size, len(batches.source.names), batches.n_batches
    short = not model.takes_short_batches
    for chunk in batches.chunks(step, n_steps):
        check_targets(batches.source, chunk, model.loss)
        first = chunk.step % n_batches
        whole = chunk.n_rows // b if short else chunk.n_batches
        share = _shares(chunk, batches, mean_weight)
        if whole:
            data = Data(chunk.flat, chunk.rows.target, share, (batches.places, d), np.int64(chunk.apart))
            last_rows = min(b, chunk.n_rows - (whole - 1) * b)
            yield Feed(data, chunk.epoch, whole, last_rows, first + whole == n_batches)
        if whole < chunk.n_batches:
            rest, n = slice(whole * b, chunk.n_rows), chunk.n_rows - whole * b
            flat = Flat(chunk.flat.numbers, chunk.flat.first + whole * b * d)
            yield Feed(Data(flat, chunk.rows.target[rest], share[rest], (n, d)), chunk.epoch, 1, n, True)


def _shares(chunk: Chunk, batches: Batches, mean_weight: float) -> np.ndarray:
    """What each row counts in its batch's average, one after the other."""
    weight, b = chunk.rows.weight.reshape(-1, batches.places), batches.batch_size
    n_rows = np.clip(chunk.n_rows - b * np.arange(len(weight)), 1, b)
    return np.ravel(weight / (n_rows * mean_weight).astype(weight.dtype)[:, None])


def check_targets(source: Source, chunk: Chunk, loss: Loss | None) -> None:
    """Raise InvalidData where a target is outside the loss's domain."""
    if loss is None:
        return
    target = chunk.rows.target[: chunk.n_places]
    good = np.asarray(loss.allows(np, target))
    if not good.all():
        at = int(np.argmax(~good))
        raise target_error(source, int(chunk.numbers[at]), float(target[at]), loss)


def target_error(source: Source, row: int, value: float, loss: Loss) -> InvalidData:
    """The error for a target that the loss does not know."""
    problem = f"is {value:g}, and the {loss.name} loss takes {loss.domain}"
    return InvalidData(source.place(row), source.target_name or "target", problem, "encode it so, or take another loss")


def all_rows(source: Source, order: Order) -> tuple[Rows, np.ndarray]:
    """The training rows of a source, in its own order, and their numbers."""
    if source.in_memory is not None and not order.n_held_out:
        return source.in_memory, np.arange(source.n_rows)
    d = len(source.names)
    rows = Rows.empty(d, order.n_training, source.dtype)
    numbers = np.empty(order.n_training, np.int64)
    place = 0
    for block in range(order.n_blocks):
        size, first = order.size(block), block * order.block_rows
        read = Rows.empty(d, size, source.dtype)
        source.read(first, read)
        kept = np.delete(np.arange(size), order.held_out(block))
        end = place + len(kept)
        for into, values in zip(rows.part(place, end), read, strict=True):
            into[...] = values[..., kept]
        numbers[place:end] = kept + first
        place = end
    return rows, numbers


def whole_batch(rows: Rows, own: Share = WHOLE) -> Data:
    """All rows as one batch, or a process's share of them, where the compiled loop keeps it."""
    share = rows.weight / np.asarray(rows.weight.sum(dtype=float), rows.weight.dtype)
    (d, n), c = rows.columns.shape, own.size(len(share))
    first = min(own.rank * c, n)
    target, share = (_part(values, first, c) for values in (rows.target, share))
    with jax.enable_x64(True):
        flat = Flat.of(rows.columns, first, c)
        flat = Flat(jnp.asarray(flat.numbers), flat.first)
        return Data(flat, jnp.asarray(target), jnp.asarray(share), (c, d))


def _part(values: np.ndarray, first: int, n: int) -> np.ndarray:
    """So many of them, filled up with zeros."""
    part = values[first : first + n]
    return np.pad(part, (0, n - len(part)))


__all__ = ["Batches", "Feed", "all_rows", "check_targets", "feeds", "held_out_rows", "target_error", "whole_batch"]
