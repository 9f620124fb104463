"""`TracedArray`: what NumPy code sees in place of an ndarray while JAX records it.

NumPy hands its calls over through its own protocols, `__array_ufunc__` and `__array_function__` (NEP 13
and 18); `dispatch` finds JAX's counterpart. This file is the rest of an ndarray: shape, indexing,
assignment, views.

A 0-dimensional result is a *scalar*, which no assignment can change, as NumPy's `float64` is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from downslope.objectives.numpy_tracing.memory import LeftNumPy, Memory, Step, put
from downslope.objectives.numpy_tracing.names import METHODS
from downslope.objectives.numpy_tracing.numbers import PlainNumbers


class TracedArray(PlainNumbers, NDArrayOperatorsMixin):
    """An array of NumPy's behaviour and JAX's numbers."""

    __slots__ = ("_is_scalar", "_memory", "_seen", "_steps")

    def __init__(self, memory: Memory, steps: tuple[Step, ...] = (), *, is_scalar: bool = False):
        self._memory, self._steps, self._is_scalar = memory, steps, is_scalar
        self._seen: tuple[Any, Any] | None = None

    @property
    def value(self) -> Any:
        """The numbers: a JAX value, or a NumPy array as long as nothing traced has flowed in."""
        whole = self._memory.whole
        if not self._steps:
            return whole
        if self._seen is None or self._seen[0] is not whole:
            part = whole
            for step in self._steps:
                part = step.read(part)
            self._seen = whole, part
        return self._seen[1]

    @property
    def is_scalar(self) -> bool:
        return self._is_scalar

    @property
    def is_constant(self) -> bool:
        return not isinstance(self.value, jax.Array)

    def replace(self, new: Any) -> None:
        """Give every number of this array a new value, through to the memory that it looks into."""
        self._memory.check_writable()
        wholes = [self._memory.whole]
        for step in self._steps[:-1]:
            wholes.append(step.read(wholes[-1]))
        for step, whole in zip(reversed(self._steps), reversed(wholes), strict=False):
            new = step.write(whole, new)
        self._memory.whole = new

    def freeze(self, reason: str) -> None:
        if not self._is_scalar:
            self._memory.frozen = reason

    def _view(self, step: Step) -> TracedArray:
        return TracedArray(self._memory, (*self._steps, step))

    # -- what an ndarray says about itself ---------------------------------------------------------------

    @property  # type: ignore[misc]
    def __class__(self) -> type:
        # So that isinstance(x, np.ndarray) and isinstance(x, float) take the branch that NumPy would.
        return self.dtype.type if self._is_scalar else np.ndarray

    shape = property(lambda self: self.value.shape if self._steps else self._memory.shape)
    dtype = property(lambda self: self._memory.dtype if not self._steps else np.dtype(self.value.dtype))
    ndim = property(lambda self: len(self.shape))
    size = property(lambda self: int(np.prod(self.shape)))
    nbytes = property(lambda self: self.size * self.dtype.itemsize)
    itemsize = property(lambda self: self.dtype.itemsize)
    T = property(lambda self: self.transpose())
    mT = property(lambda self: np.swapaxes(self, -1, -2))  # noqa: N815
    real = property(lambda self: np.real(self))
    imag = property(lambda self: np.imag(self))
    flat = property(lambda self: self.flatten())

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of unsized object")
        return int(self.shape[0])

    def __iter__(self) -> Iterator[Any]:
        return (self[i] for i in range(len(self)))

    def __contains__(self, item: Any) -> bool:
        return bool(np.any(self == item))

    # -- NumPy's protocols -------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from downslope.objectives.numpy_tracing import dispatch

        return dispatch.apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from downslope.objectives.numpy_tracing import dispatch

        return dispatch.apply_function(function, args, kwargs)

    def __getattr__(self, name: str) -> Any:
        function: Any = getattr(np, name, None)
        # The ufuncs too: np.sin of an object array calls element.sin().
        if name in METHODS or isinstance(function, np.ufunc):
            return lambda *args, **kwargs: function(self, *args, **kwargs)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise LeftNumPy(f"the array method or attribute .{name} has no counterpart in JAX")
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")

    def clip(self, min: Any = None, max: Any = None, out: Any = None) -> Any:
        """The method can leave out a side, which the function of NumPy 2.0 cannot."""
        return np.clip(self, min, max, out=out)

    # -- copies and views --------------------------------------------------------------------------------

    def copy(self, order: str = "C") -> TracedArray:
        return TracedArray(Memory(self.value, contiguous=order == "C"))

    def __copy__(self) -> TracedArray:
        return self.copy()

    def __deepcopy__(self, memo: Any) -> TracedArray:
        return self.copy()

    def flatten(self, order: str = "C") -> TracedArray:
        return TracedArray(Memory(self.value.reshape(-1, order=order)))

    def astype(self, dtype: Any, order: str = "K", casting: str = "unsafe", copy: bool = True) -> Any:
        if np.dtype(dtype).kind not in "biufc":
            raise LeftNumPy(f"JAX has no arrays of {np.dtype(dtype)}")
        if self.dtype.kind == "c" and np.dtype(dtype).kind != "c":
            raise LeftNumPy("a complex number would lose its imaginary part")
        if not copy and self.dtype == np.dtype(dtype):
            return self
        return TracedArray(Memory(self.value.astype(dtype)), is_scalar=self._is_scalar)

    def reshape(self, *shape: Any, order: str = "C", copy: bool | None = None) -> TracedArray:
        wanted = shape[0] if len(shape) == 1 and not isinstance(shape[0], int | np.integer) else shape
        wanted = wanted if isinstance(wanted, int | np.integer) else tuple(int(n) for n in wanted)
        if copy or self._is_scalar:
            return TracedArray(Memory(self.value.reshape(wanted, order=order)))
        if order == "C" and self._memory.contiguous and not self._steps:
            old = self.shape
            self.value.reshape(wanted)  # its errors now, not when the view is read
            return self._view(Step(lambda v: v.reshape(wanted), lambda _, part: part.reshape(old)))
        new = TracedArray(Memory(self.value.reshape(wanted, order=order)))
        for array in (self, new):
            array.freeze("reshape")
        return new

    def ravel(self, order: str = "C") -> TracedArray:
        return self.reshape(-1, order=order)

    def transpose(self, *axes: Any) -> TracedArray:
        if self._is_scalar:
            return self
        given = axes[0] if len(axes) == 1 and not isinstance(axes[0], int) else axes
        order = tuple(int(a) % self.ndim for a in given) if given else tuple(reversed(range(self.ndim)))
        back = tuple(int(a) for a in np.argsort(order))
        return self._view(Step(lambda v: v.transpose(order), lambda _, part: part.transpose(back)))

    def fill(self, number: Any) -> None:
        self[...] = number

    def sort(self, axis: int = -1) -> None:
        ordered: Any = np.sort(self, axis=axis)
        self.replace(ordered.value)

    # -- indexing ----------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        from downslope.objectives.numpy_tracing import conversion, indexing

        index, is_static = indexing.normalised(index)
        if not is_static:  # an index beyond the end gives NaN, never JAX's silently clamped neighbour
            return conversion.wrapped(jnp.asarray(self.value).at[index].get(mode="fill"))
        target = indexing.addressed(self.shape, index)
        if not isinstance(target, np.ndarray):
            number = self._memory.cell(index) if not self._steps else self.value[index]
            return conversion.wrapped(number)
        if indexing.is_basic(index) and not self._is_scalar:
            return self._view(Step(lambda v: v[index], lambda whole, part: put(whole, index, part)))
        return TracedArray(Memory(self.value[index]))

    def __setitem__(self, index: Any, new: Any) -> None:
        from downslope.objectives.numpy_tracing import conversion, indexing

        if self._is_scalar:
            raise TypeError(f"'numpy.{self.dtype}' object does not support item assignment")
        self._memory.check_writable()
        part = conversion.plain_array(new)
        if part.dtype.kind == "c" and self.dtype.kind != "c":
            raise LeftNumPy("a complex number would lose its imaginary part")
        mask = indexing.traced_mask(index, self.shape)
        if mask is not None and part.ndim == 0:
            self.replace(jnp.where(mask, jnp.asarray(part).astype(self.dtype), self.value))
            return
        index = indexing.concrete(index)
        target = indexing.addressed(self.shape, index)
        part = indexing.fitted(part.astype(self.dtype), np.shape(target))
        if not self._steps and not isinstance(target, np.ndarray):
            self._memory.set_cell(index, part if isinstance(part, jax.Array) else part.item())
            return
        indexing.refuse_repeats(self.shape, index)
        self.replace(put(self.value, index, part))
