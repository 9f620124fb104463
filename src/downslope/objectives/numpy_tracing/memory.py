"""The numbers behind traced arrays: changed in place as NumPy's are, though JAX's values never change.

A `Memory` is a buffer that several arrays may look into. What it holds is replaced, never mutated:

    constants   a NumPy array, as long as nothing traced was stored (so `int(n[0])` still works under jit)
    cells       one entry per number, while a loop fills it: `out[i] = ...` records no scatter in the program
    whole       a JAX array

A `Step` leads from a buffer to a part of it and back, so that assigning into a row, a slice or a transpose
reaches the array that it was taken from. Where NumPy's own answer to "view or copy?" cannot be known,
the memory is frozen: it can be read, and assigning raises.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

LARGEST_CELLS = 2_000  # numbers handled one by one; beyond, a program would take minutes to trace


class LeftNumPy(TypeError):
    """The code asked for plain numbers where JAX has only symbols; the message says where and what."""


class Step(NamedTuple):
    """From an array to a part that shares its memory, and back."""

    read: Callable[[Any], Any]
    write: Callable[[Any, Any], Any]


class Memory:
    """One buffer of numbers."""

    def __init__(self, whole: Any, *, contiguous: bool = False):
        self._whole: Any = whole
        self._cells: Any = None
        self.shape: tuple[int, ...] = whole.shape
        self.dtype: np.dtype[Any] = np.dtype(whole.dtype)
        # Whether NumPy's buffer is surely in C order, so that its reshape is surely a view.
        self.contiguous = contiguous or whole.ndim <= 1
        self.frozen: str | None = None

    @property
    def whole(self) -> Any:
        """All numbers, as a NumPy array while they are constants, else as a JAX array."""
        if self._whole is None:
            self._whole = joined(self._cells.ravel().tolist(), self.dtype).reshape(self.shape)
        return self._whole

    @whole.setter
    def whole(self, new: Any) -> None:
        self._whole, self._cells = new, None

    def check_writable(self) -> None:
        if self.frozen:
            raise LeftNumPy(
                f"this array may share its memory with another ({self.frozen}), so assigning into it "
                "cannot be followed; assign into a copy"
            )

    def cell(self, index: Any) -> Any:
        """One number. The first one taken from a JAX array splits all of it: the derivative of one split is
        one concatenation, where that of each `x[i]` is an array of zeros with one number in it.
        """
        if self._cells is None:
            if isinstance(self._whole, np.ndarray) or not 1 < self._whole.size <= LARGEST_CELLS:
                return self._whole[index]
            self._cells = np.empty(self.shape, dtype=object)
            for place, piece in enumerate(jax.lax.split(self._whole.ravel(), (1,) * self._whole.size)):
                self._cells.flat[place] = piece
        number = self._cells[index]
        return number.reshape(()) if isinstance(number, jax.Array) else self.dtype.type(number)

    def set_cell(self, index: Any, number: Any) -> None:
        """Store one number; `index` addresses exactly one."""
        if self._cells is None:
            constants = isinstance(self._whole, np.ndarray)
            if not constants or not isinstance(number, jax.Array) or self._whole.size > LARGEST_CELLS:
                self.whole = put(self._whole, index, number)
                return
            self._cells = self._whole.astype(object)
        self._cells[index] = number
        self._whole = None


def put(whole: Any, index: Any, part: Any) -> Any:
    """`whole` with `part` at `index`, in new memory."""
    if isinstance(whole, np.ndarray) and not isinstance(part, jax.Array):
        new = whole.copy()
        new[index] = part
        return new
    return jnp.asarray(whole).at[index].set(jnp.asarray(part).astype(whole.dtype))


def joined(numbers: Iterable[Any], dtype: Any = None) -> Any:
    """A vector from single numbers; neighbouring constants become one array."""
    runs: list[Any] = []
    for traced, run in itertools.groupby(numbers, lambda number: isinstance(number, jax.Array)):
        members = list(run)
        runs.append(jnp.concatenate([jnp.ravel(n) for n in members]) if traced else np.array(members))
    vector = runs[0] if len(runs) == 1 else jnp.concatenate(runs)
    return vector if dtype is None else vector.astype(dtype)
