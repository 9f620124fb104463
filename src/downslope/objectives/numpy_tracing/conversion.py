"""Between what NumPy code holds and what JAX takes.

NumPy code holds traced arrays, alone, in lists, or as the elements of object arrays; JAX takes its own
arrays and NumPy's.
"""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.memory import LARGEST_CELLS, LeftNumPy, Memory, joined


def wrapped(result: Any) -> Any:
    """A result as NumPy code expects it: arrays and traced scalars wrapped, plain numbers as they are."""
    if isinstance(result, jax.Array):
        return TracedArray(Memory(result), is_scalar=result.ndim == 0)
    if type(result) is np.ndarray:
        return TracedArray(Memory(result)) if result.dtype != object else result
    if isinstance(result, tuple):
        items = [wrapped(item) for item in result]
        return type(result)(*items) if hasattr(result, "_fields") else tuple(items)
    return [wrapped(item) for item in result] if isinstance(result, list) else result


def is_traced(item: Any) -> bool:
    """Whether a traced array is somewhere in lists, tuples and object arrays."""
    if type(item) is TracedArray or isinstance(item, jax.Array):
        return True
    if isinstance(item, list | tuple):
        return any(is_traced(part) for part in item)
    return type(item) is np.ndarray and item.dtype == object and any(is_traced(part) for part in item.flat)


def plain(item: Any, *, stacking: bool = True) -> Any:
    """An argument without traced arrays; lists that hold some become one array."""
    if type(item) is TracedArray:
        return item.value
    if type(item) is np.ndarray and item.dtype == object and is_traced(item):
        if item.size > LARGEST_CELLS:
            raise LeftNumPy(f"an array of {item.size:,} traced numbers would be traced one by one")
        return joined([plain(number) for number in item.flat]).reshape(item.shape)
    if isinstance(item, list | tuple) and is_traced(item):
        parts = [plain(part) for part in item]
        return _stacked(parts) if stacking else type(item)(parts)
    if callable(item) and not isinstance(item, type):
        return lambda *args, **kwargs: plain(item(*map(wrapped, args), **kwargs))
    return item


def plain_array(item: Any) -> Any:
    """An array, of NumPy or of JAX, from a number, an array or nested lists of either."""
    value = plain(item)
    return value if isinstance(value, jax.Array) else np.asarray(value)


def _stacked(parts: list[Any]) -> Any:
    if not any(isinstance(part, jax.Array) for part in parts):
        return np.array(parts)
    shapes = {np.shape(part) for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"the requested array has an inhomogeneous shape: {sorted(shapes)}")
    return joined(parts) if shapes == {()} else jnp.stack([jnp.asarray(part) for part in parts])
