"""What happens when code asks a traced array for plain numbers.

Constants are given out. A traced whole number, or a traced condition, is given out while it is known, which
under `jax.grad` without jit it is: its derivative is zero almost everywhere. A traced real number never is,
since what is computed from the plain number would have lost its derivative.
"""

from __future__ import annotations

import sys
import types
from typing import Any

import jax
import numpy as np

from downslope.objectives.numpy_tracing.memory import LARGEST_CELLS, LeftNumPy


class PlainNumbers:
    """The part of `TracedArray` that answers bool(), float(), int(), np.asarray() and print()."""

    __slots__ = ()

    value: Any
    shape: Any
    dtype: Any
    size: Any
    ndim: Any
    is_constant: Any
    freeze: Any
    reshape: Any

    def __getitem__(self, index: Any) -> Any:
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"TracedArray({self.value!r})"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return str(self.value) if isinstance(self.value, jax.core.Tracer) else format(self.value, spec)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """An object array of scalars, which computes element by element until it meets a traced array."""
        caller = _caller_beyond_numpy()
        if self.is_constant:
            numbers = np.array(self.value, dtype=dtype)
        elif caller.split(".")[0] == "scipy":
            raise LeftNumPy(f"{caller} needs plain numbers")
        elif dtype not in (None, object) or self.dtype.kind not in "fc":
            raise LeftNumPy("a plain NumPy array was asked for, as by np.asarray(x, dtype=float)")
        elif self.size > LARGEST_CELLS:
            raise LeftNumPy(f"an array of {self.size:,} numbers would be traced one by one")
        else:
            numbers = np.empty(self.shape, dtype=object)
            for index in np.ndindex(self.shape):
                numbers[index] = self[index] if self.shape else self
        if copy is not True:  # NumPy would share the memory, which these two cannot
            numbers.flags.writeable = False
            self.freeze("np.asarray")
        return numbers

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.value.reshape(()))

    def __float__(self) -> float:
        if self.is_constant:
            return float(self.value)
        raise LeftNumPy(
            "a plain number was asked for: by float(), a C function, `plain_array[i] = ...` or np.asarray(x, float)"
        )

    def __complex__(self) -> complex:
        return complex(float(self))

    def __int__(self) -> int:
        # Truncation is constant almost everywhere, so cutting the derivative here is exact.
        return int(self.value.astype(int)) if self.dtype.kind != "c" else int(float(self))

    def __index__(self) -> int:
        if self.dtype.kind not in "iu":
            raise TypeError("only integer scalar arrays can be converted to a scalar index")
        return int(self.value)

    def __round__(self, digits: int | None = None) -> Any:
        return int(np.rint(self)) if digits is None else np.round(self, digits)

    def __trunc__(self) -> int:
        return int(self)

    def __floor__(self) -> int:
        return int(np.floor(self))

    def __ceil__(self) -> int:
        return int(np.ceil(self))

    def item(self, *index: Any) -> Any:
        """One number; a traced one stays traced, as a scalar."""
        if len(index) > 1:
            return self[index]
        return self.reshape(-1)[index[0]] if index else self.reshape(())[()]

    def tolist(self) -> Any:
        if self.ndim == 0:
            return self.item()
        return [self[i].tolist() if self.ndim > 1 else self[i] for i in range(self.shape[0])]


def _caller_beyond_numpy() -> str:
    """The name of the module that asked NumPy for an array."""
    frame: types.FrameType | None = sys._getframe(2)
    name = ""
    while frame is not None and (name := frame.f_globals.get("__name__", "")).split(".")[0] == "numpy":
        frame = frame.f_back
    return name
