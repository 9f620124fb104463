"""What the columns of an Arrow table are as numbers: for frames and for Parquet files alike.

Numbers and truth values are taken as they are, decimals as float64. A target of words becomes 0, 1, ... in the order of
the alphabet. Words, dates and lists as features are refused, by name: no encoding of ours would be the right one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import InvalidData, InvalidInput, UnknownName
from downslope.training.sources.source import data_error

_ADVICE = {
    "words": "replace it by a column of 0 and 1 for each category (pandas.get_dummies does), or leave it out",
    "dates": "replace it by numbers, such as days since a day, or leave it out",
    "lists": "give each of their entries a column of its own, or leave it out",
}


@dataclass(frozen=True)
class Selection:
    """Which columns are used, and as what."""

    names: tuple[str, ...]
    target: str | None
    weight: str | None
    dtype: np.dtype[Any]
    has_words: bool
    """Whether the target is words or truth values, and so a label."""

    @property
    def columns(self) -> list[str]:
        """All of them: features, target, weight."""
        return [*self.names, *(name for name in (self.target, self.weight) if name is not None)]


def select(
    schema: Any, target: str | None, weight: str | None, features: Sequence[str] | None, where: str
) -> Selection:
    """The columns that were asked for; without `features` all but target and weight.

    Raises UnknownName for a column that is not there, InvalidData for one that holds no numbers, InvalidInput where
    nothing is left or a name comes twice.
    """
    import pyarrow as pa

    known = list(schema.names)
    twice = next((name for name in known if known.count(name) > 1), None)
    if twice is not None:
        raise InvalidInput("data", f"must name each column once; {where} has several of this name", twice)
    for parameter, name in (("target", target), ("weight", weight), *(("features", name) for name in features or ())):
        if name is not None and name not in known:
            raise UnknownName(parameter, str(name), map(str, known))
    names = tuple(features) if features is not None else tuple(n for n in known if n not in (target, weight))
    if target in names:
        raise InvalidInput("features", "must not have the target among them", target)
    if not names:
        raise InvalidInput("data", "must have at least one feature beside target and weight", f"columns {known}")
    for name in names if weight is None else (*names, weight):
        _check_kind(name, schema.field(name).type, where)
    has_words = False
    if target is not None:
        kind = _plain(schema.field(target).type)
        has_words = _is_words(kind) or pa.types.is_boolean(kind)
        if not has_words:
            _check_kind(target, kind, where)
    small = all(_plain(schema.field(name).type) in (pa.float32(), pa.float16()) for name in names)
    return Selection(names, target, weight, np.dtype(np.float32 if small else np.float64), has_words)


def numbers(column: Any) -> np.ndarray:
    """An Arrow array of numbers as NumPy's; NaN where it has no value.

    >>> import pyarrow as pa
    >>> numbers(pa.array([1, None, 3]))
    array([ 1., nan,  3.])
    """
    import pyarrow as pa

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_decimal(column.type) or (column.null_count and not pa.types.is_floating(column.type)):
        column = column.cast(pa.float64(), safe=False)
    return np.asarray(column.to_numpy(zero_copy_only=False))


def distinct_words(columns: Iterable[Any]) -> tuple[str, ...]:
    """The labels in Arrow arrays, in the order of the alphabet."""
    found: set[str] = set()
    for column in columns:
        found.update(str(value) for value in column.unique().to_pylist() if value is not None)
    return tuple(sorted(found))


def codes(column: Any, labels: tuple[str, ...]) -> np.ndarray:
    """The places of words in the labels; NaN where there is none."""
    import pyarrow as pa
    from pyarrow import compute

    words = column.dictionary_decode() if pa.types.is_dictionary(column.type) else column
    if pa.types.is_boolean(words.type):
        words = compute.if_else(words, "True", "False")
    places = compute.index_in(words.cast(pa.string()), value_set=pa.array(labels, pa.string()))
    return numbers(places.combine_chunks() if isinstance(places, pa.ChunkedArray) else places)


def _plain(kind: Any) -> Any:
    import pyarrow as pa

    return kind.value_type if pa.types.is_dictionary(kind) else kind


def _is_words(kind: Any) -> bool:
    import pyarrow as pa

    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind))


def _check_kind(name: str, kind: Any, where: str) -> None:
    import pyarrow as pa

    kinds, plain = pa.types, _plain(kind)
    if kinds.is_floating(plain) or kinds.is_integer(plain) or kinds.is_boolean(plain) or kinds.is_decimal(plain):
        return
    if kinds.is_null(plain):
        raise data_error(where, name, None)
    holds = "words" if _is_words(plain) else "dates" if kinds.is_temporal(plain) else "lists"
    if holds == "lists" and not kinds.is_nested(plain):
        raise InvalidData(where, name, f"holds {plain}, which is no number", "leave it out")
    raise InvalidData(where, name, f"holds {holds}, which are no numbers", _ADVICE[holds])
