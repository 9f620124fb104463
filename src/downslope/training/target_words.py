"""Targets of words: which losses take them, and which number each stands for.

Words are classes, numbered by the alphabet. Truth values are 0 and 1 to any loss.
"""

from __future__ import annotations

import numpy as np

from downslope.errors import InvalidData
from downslope.training.models import Model
from downslope.training.sources import Source, read_rows

_MOST = 10
_ROWS = 2**16


def check_words(source: Source, model: Model) -> None:
    """Raise InvalidData where the target's words are no classes of the model's loss."""
    labels, loss = source.labels, model.loss
    if labels is None or loss is None or _are_truth_values(labels):
        return
    if not loss.is_classifier:
        advice = "take the logistic loss for two classes or softmax for more, or encode the words as numbers"
        raise _error(source, 0, f"and {loss.name.replace('_', ' ')} takes numbers", advice)
    allowed = np.asarray(loss.allows(np, np.arange(len(labels), dtype=float)))
    if not allowed.all():
        rule = f"one of {len(labels)} words, and the {loss.name} loss takes {int(allowed.sum())}"
        raise _error(source, int(np.argmin(allowed)), rule, f"take the softmax loss, of {len(labels)} classes")


def words_told(source: Source) -> list[str]:
    """A note: which word is which number."""
    labels = source.labels
    if labels is None or _are_truth_values(labels):
        return []
    told = [f"{label!r} is {k}" for k, label in enumerate(labels[:_MOST])]
    rest = [f"and so on by the alphabet, {len(labels):,} in all"] if len(labels) > _MOST else []
    return [f"the target {source.target_name!r} is of words, which count as classes: {', '.join(told + rest)}"]


def as_numbered(source: Source, other: Source, target: np.ndarray) -> np.ndarray:
    """The target of another source, its words numbered as those of the first; InvalidData for a word that it lacks."""
    assert source.labels is not None
    assert other.labels is not None
    unknown = [k for k, word in enumerate(other.labels) if word not in source.labels]
    if unknown:
        rule = f"and the training data have {', '.join(map(repr, source.labels[:_MOST]))}"
        raise _error(other, unknown[0], rule, "leave such rows out, or train on some of that class")
    numbers = np.array([source.labels.index(word) for word in other.labels], target.dtype)
    return np.asarray(numbers[target.astype(int)])


def row_of(source: Source, value: float) -> int | None:
    """The first row whose target is this number."""
    for first in range(0, source.n_rows, _ROWS):
        part = read_rows(source, first, min(_ROWS, source.n_rows - first))
        found = np.flatnonzero(part.target == value)
        if found.size:
            return int(first + found[0])
    return None


def _are_truth_values(labels: tuple[str, ...]) -> bool:
    return set(labels) <= {"False", "True"}


def _error(source: Source, code: int, rule: str, advice: str) -> InvalidData:
    assert source.labels is not None
    place, word = source.place(row_of(source, code) or 0), source.labels[code]
    return InvalidData(place, source.target_name, f"is {word!r}, {rule}", advice)
