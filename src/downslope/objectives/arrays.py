"""What a start is made of: numbers, and arrays of NumPy, JAX and PyTorch."""

from __future__ import annotations

import enum
import numbers
import sys
from typing import Any

import numpy as np

from downslope.errors import InvalidInput


class Kind(enum.Enum):
    """Whose arrays the user's start is made of."""

    NUMPY = "numpy"
    JAX = "jax"
    TORCH = "torch"


def check_leaves(leaves: list[Any], treedef: Any) -> None:
    """Raise InvalidInput, with its place, where a container holds something other than numbers."""
    from jax import tree_util

    for i, leaf in enumerate(leaves):
        is_number = leaf is not None and (is_leaf(leaf) or is_nested_numbers(leaf))
        if not is_number or "bool" in str(getattr(leaf, "dtype", "")):
            path = tree_util.tree_flatten_with_path(treedef.unflatten(range(len(leaves))))[0][i][0]
            where = tree_util.keystr(path, simple=True, separator=".")
            rule = f"must hold real numbers alone, and {where} is none (leave it out: equinox.partition does)"
            raise InvalidInput("x0", rule, leaf)


def has_float_type(leaf: Any) -> bool:
    """Whether the leaf has a precision of its own, which lists and plain numbers have not."""
    return "float" in str(getattr(leaf, "dtype", ""))


def is_plain(x: Any) -> bool:
    """A number of Python's own."""
    return isinstance(x, numbers.Real) and not isinstance(x, bool | np.generic)


def is_leaf(x: Any) -> bool:
    """A number or an array."""
    return isinstance(x, np.ndarray | np.generic | numbers.Number) or kind_of(x) is not Kind.NUMPY


def is_tree_leaf(x: Any) -> bool:
    """What ends a container: a number, an array or a list of numbers."""
    # A list of numbers inside a dict is a vector too, not a container of scalars; and None is a mistake here,
    # where JAX's own trees take it for an empty container.
    return x is None or is_leaf(x) or is_nested_numbers(x)


def is_nested_numbers(x: Any) -> bool:
    """A list or tuple (not a named one) of numbers, or of such lists."""
    if not isinstance(x, list | tuple) or hasattr(x, "_fields"):
        return False
    return all(isinstance(item, numbers.Number | np.generic) or is_nested_numbers(item) for item in x)


def kind_of(x: Any) -> Kind:
    """Whose array it is."""
    # Asking sys.modules instead of importing: an array of a library that was never imported cannot exist.
    torch, jax = sys.modules.get("torch"), sys.modules.get("jax")
    if torch is not None and isinstance(x, torch.Tensor):
        return Kind.TORCH
    return Kind.JAX if jax is not None and isinstance(x, jax.Array) else Kind.NUMPY


def detached(x: Any) -> Any:
    """A tensor as a NumPy array; anything else as it is."""
    return x.detach().cpu().numpy() if kind_of(x) is Kind.TORCH else x


def as_real_array(x: Any) -> np.ndarray:
    """As an array of floats; InvalidInput where it holds anything but real numbers."""
    try:
        array = np.asarray(detached(x))
    except ValueError:  # lists of unequal lengths
        raise InvalidInput("x0", "must hold numbers in rows of equal length", x) from None
    if array.dtype.kind in "iu" or array.dtype == np.longdouble:
        array = array.astype(float)
    elif array.dtype.kind == "O" and all(isinstance(item, numbers.Real) for item in array.flat):
        array = array.astype(float)  # Fractions, Decimals and mixtures
    if array.dtype.kind != "f":
        if array.dtype.name in ("bfloat16", "float8_e4m3fn", "float8_e5m2"):
            raise InvalidInput("x0", "must be float16, float32 or float64", array.dtype.name)
        raise InvalidInput("x0", "must hold real numbers alone", x)
    return array


def as_real(x: Any, dtype: np.dtype[Any]) -> np.ndarray:
    """As an array of that dtype; TypeError where NumPy would make NaN of None or drop an imaginary part."""
    array = np.asarray(x)
    if array.dtype.kind == "c" or (array.dtype.kind == "O" and any(item is None for item in array.flat)):
        raise TypeError("real numbers are needed")
    return array.astype(dtype, copy=False)


def long(shape: tuple[int, ...]) -> tuple[int, ...]:
    """The shape without its ones."""
    return tuple(n for n in shape if n != 1)


def to_torch(array: Any) -> Any:
    """As a tensor with its own memory."""
    import torch

    return torch.from_numpy(np.array(array))


def to_jax(array: Any) -> Any:
    """As an array of JAX's."""
    import jax

    # In its own context a float64 start stays float64 whatever the user's global setting is.
    with jax.enable_x64(True):
        return jax.numpy.asarray(array)
