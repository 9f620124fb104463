"""NumPy's functions, answered by JAX's of the same name.

Where no argument is traced, NumPy itself computes: constants keep NumPy's rules and stay usable as sizes,
indices and conditions. Where JAX lacks a function or an option, `LeftNumPy` says which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import scipy.special

from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.memory import LARGEST_CELLS, LeftNumPy, Memory, joined

REDUCTIONS = {"add": "sum", "multiply": "prod", "maximum": "max", "minimum": "min", "logical_and": "all"}
REDUCTIONS |= {"logical_or": "any"}
ACCUMULATIONS = {"add": "cumsum", "multiply": "cumprod"}
# Options that change nothing here, whatever they say: they are about memory layout.
WITHOUT_EFFECT = frozenset({"order", "subok", "like"})
# Functions of several arrays in one list, which must not be stacked into one.
OF_SEVERAL = frozenset(
    [
        "concatenate",
        "concat",
        "stack",
        "vstack",
        "hstack",
        "dstack",
        "column_stack",
        "block",
        "multi_dot",
        "select",
        "piecewise",
    ]
)
# Functions whose result may look into the memory of their argument.
SHARING = frozenset(
    [
        "swapaxes",
        "moveaxis",
        "rollaxis",
        "squeeze",
        "expand_dims",
        "broadcast_to",
        "broadcast_arrays",
        "atleast_1d",
        "atleast_2d",
        "atleast_3d",
        "diagonal",
        "diag",
        "real",
        "imag",
        "real_if_close",
        "flip",
        "fliplr",
        "flipud",
        "rot90",
        "split",
        "array_split",
        "hsplit",
        "vsplit",
        "dsplit",
        "permute_dims",
        "matrix_transpose",
        "einsum",
        "nan_to_num",
        "meshgrid",
        "unstack",
        "resize",
        "trim_zeros",
        "astype",
    ]
)
IN_PLACE = frozenset({"put", "place", "putmask", "put_along_axis"})


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


def apply_ufunc(ufunc: Any, method: str, inputs: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    (out,) = kwargs.pop("out", None) or (None,)
    where = kwargs.pop("where", True)
    inputs = tuple(np.asarray(i) if isinstance(i, list | tuple) and not is_traced(i) else i for i in inputs)
    if method == "__call__":
        result = _call(ufunc, _ufunc_of_jax(ufunc), inputs, kwargs)
    elif method == "outer":
        columns = np.reshape(inputs[0], np.shape(inputs[0]) + (1,) * np.ndim(inputs[1]))
        result = apply_ufunc(ufunc, "__call__", (columns, inputs[1]), kwargs)
    elif name := {"reduce": REDUCTIONS, "accumulate": ACCUMULATIONS}.get(method, {}).get(ufunc.__name__):
        if where is not True:
            kwargs["where"], where = where, True
        kwargs.setdefault("axis", inputs[1] if len(inputs) > 1 else 0)
        result = apply_function(getattr(np, name), inputs[:1], kwargs)
    else:
        raise LeftNumPy(f"np.{ufunc.__name__}.{method} has no counterpart in JAX")
    if where is not True:
        if out is None:
            raise LeftNumPy(f"np.{ufunc.__name__}(where=...) without out= leaves numbers undefined")
        result = np.where(where, result, out)
    return result if out is None else _stored(result, out)


def apply_function(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    name = function.__name__
    if name in IN_PLACE:
        raise LeftNumPy(f"np.{name} changes its argument in place")
    if (special := SPECIAL.get(name)) is not None and getattr(np, name) is function:
        first = args[0] if args else kwargs.pop("a")
        if type(first) is not TracedArray and name not in ("copyto", "fill_diagonal", "clip"):
            first = TracedArray(Memory(plain_array(first)))
        return special(first, *args[1:], **kwargs)
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    result = _call(function, _function_of_jax(function), args, kwargs)
    if name in SHARING:
        first = args[0] if args else None
        if name.startswith("atleast") and type(first) is TracedArray and np.shape(result) == first.shape:
            return first
        if any(type(arg) is TracedArray and not arg.is_scalar for arg in _flat(args)):
            for array in _flat((args, result)):
                if type(array) is TracedArray:
                    array.freeze(f"np.{name}")
    return result if out is None else _stored(result, out)


def _call(function: Any, jax_function: Any, args: Any, kwargs: dict[str, Any]) -> Any:
    """`function` where all is constant, else JAX's; wrapped."""
    stacking = function.__name__ not in OF_SEVERAL
    args = [plain(arg, stacking=stacking) for arg in args]
    kwargs = {name: plain(value, stacking=stacking) for name, value in kwargs.items()}
    if not is_traced([args, list(kwargs.values())]):
        return wrapped(function(*args, **kwargs))
    if jax_function is None:
        raise LeftNumPy(f"{_full_name(function)} has no counterpart in JAX")
    if stacking:
        args = [np.asarray(arg) if isinstance(arg, list) else arg for arg in args]
    kwargs = {name: value for name, value in kwargs.items() if name not in WITHOUT_EFFECT}
    try:
        return wrapped(jax_function(*args, **kwargs))
    except jax.errors.JAXTypeError:
        raise  # a branch or a size depends on a traced value: the caller may go on uncompiled
    except (TypeError, NotImplementedError) as error:
        raise LeftNumPy(f"JAX's {_full_name(function)} does not take these arguments: {error}") from error


def _ufunc_of_jax(ufunc: Any) -> Any:
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return getattr(jnp, name, None)
    if getattr(scipy.special, name, None) is ufunc:
        return getattr(jax.scipy.special, {"psi": "digamma"}.get(name, name), None)
    return None


def _function_of_jax(function: Any) -> Any:
    places = {"numpy": (np, jnp), "numpy.linalg": (np.linalg, jnp.linalg), "numpy.fft": (np.fft, jnp.fft)}
    ours, theirs = places.get(function.__module__, (None, None))
    return getattr(theirs, function.__name__, None) if getattr(ours, function.__name__, None) is not None else None


def _full_name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "np"
    if isinstance(function, np.ufunc):
        module = "np" if getattr(np, function.__name__, None) is function else "scipy.special"
    return f"{module.replace('numpy', 'np')}.{function.__name__}"


def _stacked(parts: list[Any]) -> Any:
    if not any(isinstance(part, jax.Array) for part in parts):
        return np.array(parts)
    shapes = {np.shape(part) for part in parts}
    if len(shapes) > 1:
        raise ValueError(f"the requested array has an inhomogeneous shape: {sorted(shapes)}")
    return joined(parts) if shapes == {()} else jnp.stack([jnp.asarray(part) for part in parts])


def _stored(result: Any, out: Any) -> Any:
    """`result` written into `out`, as `y *= 2` and `out=y` ask."""
    if isinstance(out, tuple):
        (out,) = out
    if type(out) is not TracedArray:
        raise LeftNumPy("a result was to be written into an array of plain numbers")
    if out.is_scalar:
        return result  # y = x[0]; y *= 2 gives y a new number
    if np.broadcast_shapes(np.shape(result), out.shape) != out.shape:
        raise ValueError(f"non-broadcastable output operand with shape {out.shape}")
    if not np.can_cast(result.dtype, out.dtype, "same_kind"):
        raise TypeError(f"cannot cast the result from {result.dtype} to {out.dtype} in place")
    out[...] = result
    return out


def _flat(item: Any) -> Iterator[Any]:
    if isinstance(item, list | tuple):
        for part in item:
            yield from _flat(part)
    else:
        yield item


def _clip(a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **bounds: Any) -> Any:
    low, high = bounds.get("min", a_min), bounds.get("max", a_max)
    result = _call(np.clip, jnp.clip, (a, low, high), {})
    return result if out is None else _stored(result, out)


def _like(number: float | None) -> Callable[..., Any]:
    def build(a: Any, *args: Any, dtype: Any = None, shape: Any = None, **options: Any) -> Any:
        fill, *rest = (args or (options["fill_value"],)) if number is None else (number, *args)
        kind = dtype or (rest[0] if rest else None) or a.dtype
        new = TracedArray(Memory(np.zeros(a.shape if shape is None else shape, kind)))
        new[...] = fill
        return new

    return build


def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a.replace(jnp.fill_diagonal(jnp.asarray(a.value), plain_array(val), wrap=wrap, inplace=False))


def _copyto(dst: Any, src: Any) -> None:
    dst[...] = src


SPECIAL: dict[str, Callable[..., Any]] = {
    "reshape": lambda a, shape, order="C", copy=None: a.reshape(shape, order=order, copy=copy),
    "ravel": lambda a, order="C": a.ravel(order=order),
    "transpose": lambda a, axes=None: a.transpose(*([axes] if axes is not None else [])),
    "copy": lambda a, order="K", subok=False: a.copy(order),
    "shape": lambda a: a.shape,
    "ndim": lambda a: a.ndim,
    "size": lambda a, axis=None: a.size if axis is None else a.shape[axis],
    "clip": _clip,
    "zeros_like": _like(0),
    "empty_like": _like(0),
    "ones_like": _like(1),
    "full_like": _like(None),
    "fill_diagonal": _fill_diagonal,
    "copyto": _copyto,
}
