"""What an index means, found out by asking NumPy.

JAX clamps an index beyond the end, drops such an assignment, and leaves open which of two assignments to
one place wins; NumPy raises, raises, and lets the last win. So an index without traced numbers is first
tried on a NumPy array of the same shape that occupies no memory.
"""

from __future__ import annotations

from types import EllipsisType
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.memory import LeftNumPy


def normalised(index: Any) -> tuple[Any, bool]:
    """The index without traced arrays, and whether all of it is known now."""
    parts = [_known_if_possible(part) for part in (index if isinstance(index, tuple) else (index,))]
    return tuple(parts), not any(isinstance(part, jax.Array) for part in parts)


def concrete(index: Any) -> Any:
    """The index as plain numbers; under jit a traced one raises JAX's concretization error."""
    parts, _ = normalised(index)
    return tuple(np.asarray(part) if isinstance(part, jax.Array) else part for part in parts)


def traced_mask(index: Any, shape: tuple[int, ...]) -> Any:
    """The mask in `y[mask] = 0`, where it is traced and covers the whole array."""
    part = index.value if type(index) is TracedArray else None
    if isinstance(part, jax.Array) and part.dtype == bool and part.shape == shape:
        return part
    return None


def addressed(shape: tuple[int, ...], index: Any) -> Any:
    """What NumPy returns for the index: an array, or a single number; an IndexError is NumPy's own."""
    return np.broadcast_to(np.False_, shape)[index]


def is_basic(index: tuple[Any, ...]) -> bool:
    """Whether NumPy answers with a view."""
    basic = (int, np.integer, slice, EllipsisType, type(None))
    return all(isinstance(part, basic) and not isinstance(part, bool) for part in index)


def fitted(part: Any, shape: tuple[int, ...]) -> Any:
    """`part` broadcast to `shape`, as NumPy's assignment does: leading axes of length 1 are dropped."""
    given = part.shape
    while part.ndim > len(shape) and part.shape[0] == 1:
        part = part[0]
    padded = (1,) * (len(shape) - part.ndim) + part.shape
    if len(padded) > len(shape) or any(a not in (1, b) for a, b in zip(padded, shape, strict=True)):
        raise ValueError(f"could not broadcast input array from shape {given} into shape {shape}")
    if part.shape == shape:
        return part
    return (jnp if isinstance(part, jax.Array) else np).broadcast_to(part, shape)


def refuse_repeats(shape: tuple[int, ...], index: Any) -> None:
    """Refuse an index that names one place twice."""
    if is_basic(index):
        return
    places = np.arange(int(np.prod(shape))).reshape(shape)[index]
    if np.unique(places).size < places.size:
        raise LeftNumPy("an assignment names one place twice, and JAX leaves open which value wins")


def _known_if_possible(part: Any) -> Any:
    if isinstance(part, slice):
        bounds = (part.start, part.stop, part.step)
        return slice(*(None if bound is None else _whole_number(bound) for bound in bounds))
    if isinstance(part, list):
        return np.asarray(part) if part else np.asarray(part, dtype=int)
    if type(part) is not TracedArray:
        return part
    value = part.value
    if isinstance(value, jax.Array):
        if value.dtype.kind not in "biu":
            raise IndexError("arrays used as indices must be of integer (or boolean) type")
        try:
            value = np.asarray(value)
        except jax.errors.TracerArrayConversionError:
            return value
    return int(value) if value.ndim == 0 and value.dtype != bool else value


def _whole_number(bound: Any) -> int:
    return int(bound.__index__())
