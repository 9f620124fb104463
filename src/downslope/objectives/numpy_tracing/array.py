"""`TracedArray`: what NumPy code sees in place of an ndarray while JAX records it.

NumPy hands its calls over through its own protocols, `__array_ufunc__` and `__array_function__` (NEP 13
and 18); `dispatch` finds JAX's counterpart. This file is the rest of an ndarray: shape, indexing,
assignment, views, conversion to plain numbers.

A 0-dimensional result is a *scalar*, which no assignment can change, as NumPy's `float64` is.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

from downslope.objectives.numpy_tracing.memory import LARGEST_CELLS, LeftNumPy, Memory, Step, put

# Methods that are the NumPy function of the same name, called on the array.
METHODS = frozenset(
    [
        "sum",
        "prod",
        "mean",
        "std",
        "var",
        "max",
        "min",
        "argmax",
        "argmin",
        "cumsum",
        "cumprod",
        "all",
        "any",
        "dot",
        "trace",
        "take",
        "repeat",
        "searchsorted",
        "diagonal",
        "swapaxes",
        "squeeze",
        "argsort",
        "nonzero",
        "compress",
        "conj",
        "conjugate",
        "round",
        "clip",
    ]
)
# Object arrays call ufuncs as methods of their elements: np.sin of one calls element.sin().
ELEMENTWISE = frozenset(
    [
        "sin",
        "cos",
        "tan",
        "arcsin",
        "arccos",
        "arctan",
        "sinh",
        "cosh",
        "tanh",
        "arcsinh",
        "arccosh",
        "arctanh",
        "exp",
        "exp2",
        "expm1",
        "log",
        "log2",
        "log10",
        "log1p",
        "sqrt",
        "cbrt",
        "square",
        "fabs",
        "floor",
        "ceil",
        "trunc",
        "rint",
        "sign",
        "degrees",
        "radians",
        "deg2rad",
        "rad2deg",
        "isnan",
        "isinf",
        "isfinite",
        "arctan2",
        "hypot",
        "logaddexp",
        "maximum",
        "minimum",
        "fmax",
        "fmin",
    ]
)


class TracedArray(NDArrayOperatorsMixin):
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
    mT = property(lambda self: np.swapaxes(self, -1, -2))
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

    def __repr__(self) -> str:
        return f"TracedArray({self.value!r})"

    def __str__(self) -> str:
        return str(self.value)

    def __format__(self, spec: str) -> str:
        return str(self.value) if isinstance(self.value, jax.core.Tracer) else format(self.value, spec)

    # -- NumPy's protocols -------------------------------------------------------------------------------

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **kwargs: Any) -> Any:
        from downslope.objectives.numpy_tracing import dispatch

        return dispatch.apply_ufunc(ufunc, method, inputs, kwargs)

    def __array_function__(self, function: Any, types: Any, args: Any, kwargs: Any) -> Any:
        from downslope.objectives.numpy_tracing import dispatch

        return dispatch.apply_function(function, args, kwargs)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> Any:
        """An object array of scalars, which computes element by element until it meets a traced array."""
        caller = sys._getframe(1).f_globals.get("__name__", "")
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

    def __getattr__(self, name: str) -> Any:
        if name in METHODS or name in ELEMENTWISE:
            function = getattr(np, name)
            return lambda *args, **kwargs: function(self, *args, **kwargs)
        if hasattr(np.ndarray, name) and not name.startswith("__"):
            raise LeftNumPy(f"the array method or attribute .{name} has no counterpart in JAX")
        raise AttributeError(f"'numpy.ndarray' object has no attribute {name!r}")

    # -- plain numbers -----------------------------------------------------------------------------------

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError("The truth value of an array with more than one element is ambiguous.")
        return bool(self.value.reshape(()))

    def __float__(self) -> float:
        if self.is_constant:
            return float(self.value)
        raise LeftNumPy("a plain number was asked for, by float(), a C function or `plain_array[i] = ...`")

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
        return self[index] if len(index) > 1 else self.reshape(-1)[index[0]] if index else self.reshape(())[()]

    def tolist(self) -> Any:
        return [row.tolist() if self.ndim > 1 else row for row in self] if self.ndim else self.item()

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
        self.replace(np.sort(self, axis=axis).value)

    # -- indexing ----------------------------------------------------------------------------------------

    def __getitem__(self, index: Any) -> Any:
        from downslope.objectives.numpy_tracing import dispatch, indexing

        index, is_static = indexing.normalised(index)
        if not is_static:  # an index beyond the end gives NaN, never JAX's silently clamped neighbour
            return dispatch.wrapped(jnp.asarray(self.value).at[index].get(mode="fill", fill_value=jnp.nan))
        target = indexing.addressed(self.shape, index)
        if not isinstance(target, np.ndarray):
            number = self._memory.cell(index) if not self._steps else self.value[index]
            return dispatch.wrapped(number)
        if indexing.is_basic(index) and not self._is_scalar:
            return self._view(Step(lambda v: v[index], lambda whole, part: put(whole, index, part)))
        return TracedArray(Memory(self.value[index]))

    def __setitem__(self, index: Any, new: Any) -> None:
        from downslope.objectives.numpy_tracing import dispatch, indexing

        if self._is_scalar:
            raise TypeError(f"'numpy.{self.dtype}' object does not support item assignment")
        self._memory.check_writable()
        part = dispatch.plain_array(new)
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
