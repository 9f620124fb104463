"""What is looked at of the rows before training: all of them for batch descent, a sample of many, those held out."""

from __future__ import annotations

from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.training.feeding import all_rows, held_out_rows, target_error
from downslope.training.models import Model
from downslope.training.order import Order
from downslope.training.sources import Rows, Source, open_source, read_rows
from downslope.training.sources.source import bad_value, is_good
from downslope.training.target_words import as_numbered, row_of

MOST_NUMBERS = 2**24
"""Where the training rows are more numbers than this, blocks of them stand for all where a loss over all is told."""
MOST_CLASSES = 2**20
_MOST_TOLD = 3
MOST_BATCH_BYTES = 4 * 2**30
"""Batch descent holds all rows in memory; more than these are read anew at each step."""


def training_rows(source: Source, order: Order) -> Rows | None:
    if order.n_training * len(source.names) * source.dtype.itemsize > MOST_BATCH_BYTES:
        return None
    rows, numbers = all_rows(source, order)
    check_values(source, rows, numbers)
    return rows


def check_values(source: Source, rows: Rows, numbers: np.ndarray) -> None:
    with np.errstate(all="ignore"):
        suspect = not np.isfinite(rows.columns.sum()) or not is_good(rows.target, rows.weight).all()
    if suspect and not (np.isfinite(rows.columns).all() and is_good(rows.target, rows.weight).all()):
        raise bad_value(source, rows, numbers)


def survey(source: Source, model: Model, rows: Rows | None) -> tuple[int, float]:
    """How many classes there are, if that is asked, and the mean weight; from all rows, where they must be seen."""
    n_classes = len(source.labels) if source.labels else 0
    rows = source.in_memory if rows is None else rows
    wants_classes = model.loss is not None and getattr(model.loss, "n_classes", 0) is None and not n_classes
    if rows is not None or not (wants_classes or source.weight_name):
        if rows is None:
            return n_classes, 1.0
        total = float(rows.weight.sum(dtype=float))
        if total <= 0:
            raise InvalidInput("data", "must have a row whose weight is not zero", "weights that add up to 0")
        return (_classes(rows.target) if wants_classes else n_classes), total / len(rows.weight)
    total, size = 0.0, 2**16
    for first in range(0, source.n_rows, size):
        part = read_rows(source, first, min(size, source.n_rows - first))
        check_values(source, part, np.arange(first, first + len(part.target)))
        total += float(part.weight.sum(dtype=float))
        n_classes = max(n_classes, _classes(part.target)) if wants_classes else n_classes
    if total <= 0:
        raise InvalidInput("data", "must have a row whose weight is not zero", "weights that add up to 0")
    return n_classes, total / source.n_rows


def _classes(target: np.ndarray) -> int:
    return int(target.max()) + 1 if 0 <= target.max() < MOST_CLASSES else 0


def sampled(source: Source, order: Order) -> tuple[Rows, bool]:
    """The training rows, or those of blocks spread evenly over them; and whether these are all."""
    most = max(1, MOST_NUMBERS // (order.block_rows * len(source.names)))
    blocks = np.unique(np.linspace(0, order.n_blocks - 1, min(most, order.n_blocks)).astype(int))
    is_whole = len(blocks) == order.n_blocks
    if source.in_memory is not None and is_whole and not order.n_held_out:
        if not source.is_checked:
            check_values(source, source.in_memory, np.arange(source.n_rows))
        return source.in_memory, True
    n = sum(order.size(block) for block in blocks.tolist())
    rows, end = Rows.empty(len(source.names), n, source.dtype, by_rows=source.by_rows), 0
    for block in blocks.tolist():
        first, size = block * order.block_rows, order.size(block)
        read = rows.part(end, end + size)
        source.read(first, read)
        kept = np.delete(np.arange(size), order.held_out(block))
        if not source.is_checked:  # what is wrong with a row is said when training comes to it
            kept = kept[(np.isfinite(read.columns).all(axis=0) & is_good(read.target, read.weight))[kept]]
        if len(kept) < size:
            for values in read:
                values[..., : len(kept)] = values[..., kept]
        end += len(kept)
    rows = rows.part(0, end)
    if not len(rows.target):
        raise InvalidInput("data", "must have rows that can be trained on", source.place(0))
    return rows, is_whole


def check_sample(source: Source, model: Model, rows: Rows, one_class: bool) -> None:
    """Raise InvalidInput where a target is outside the loss's domain, or there is one class alone."""
    if model.loss is None:
        return
    good = np.asarray(model.loss.allows(np, rows.target))
    if not good.all():
        at = int(np.argmax(~good))
        value = float(rows.target[at])
        row = row_of(source, value)
        raise target_error(source, at if row is None else row, value, model.loss)
    if model.loss.is_classifier and not one_class and len(np.unique(rows.target)) < 2:
        only = f"{rows.target[0]:g}" if source.labels is None else source.labels[int(rows.target[0])]
        raise InvalidInput("data", "must have two classes or more in the target", f"only {only}")


def empty_classes_told(model: Model, rows: Rows) -> list[str]:
    """A note, where classes are numbered and some number has no row."""
    n = getattr(model.loss, "n_classes", None)
    if n is None:
        return []
    empty = np.setdiff1d(np.arange(n), rows.target.astype(int))
    if not empty.size:
        return []
    few, n_more = ", ".join(map(str, empty[:_MOST_TOLD])), empty.size - _MOST_TOLD
    few += f" and {n_more:,} more" if n_more > 0 else ""
    which = f"class {few}" if empty.size == 1 else f"the classes {few}"
    return [f"the {n:,} classes are 0 to {n - 1:,}, and no row is of {which}; a target of words has no such gaps"]


def validation_rows(
    source: Source, order: Order, validation: Any, share: float, model: Model
) -> tuple[Rows | None, Any]:
    if share:
        return held_out_rows(source, order)[0], float(share)
    if validation is None or isinstance(validation, int | float):
        return None, 0.0
    is_table = not isinstance(validation, tuple)
    other = open_source(
        validation,
        source.target_name if is_table else None,
        source.weight_name if is_table else None,
        features=source.names if is_table else None,
        shuffle=False,
    )
    if len(other.names) != len(source.names):
        rule = f"must have the {len(source.names)} features of the training data"
        raise InvalidInput("validation", rule, f"{len(other.names)} features")
    rows = read_rows(other, 0, other.n_rows)
    check_values(other, rows, np.arange(other.n_rows))
    if source.labels is not None and other.labels is not None:
        rows = rows._replace(target=as_numbered(source, other, rows.target))
    if model.loss is not None and not np.asarray(model.loss.allows(np, rows.target)).all():
        bad = int(np.argmax(~np.asarray(model.loss.allows(np, rows.target))))
        raise target_error(other, bad, float(rows.target[bad]), model.loss)
    return Rows(*(np.asarray(part, source.dtype) for part in rows)), "rows"
