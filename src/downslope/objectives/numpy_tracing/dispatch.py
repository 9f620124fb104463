"""NumPy's functions, answered by JAX's of the same name.

Where no argument is traced, NumPy itself computes: constants keep NumPy's rules and stay usable as sizes,
indices and conditions. Where JAX lacks a function or an option, `LeftNumPy` says which.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.conversion import is_traced, plain, plain_array, wrapped
from downslope.objectives.numpy_tracing.memory import LeftNumPy, Memory
from downslope.objectives.numpy_tracing.names import (
    ACCUMULATIONS,
    IN_PLACE,
    OF_SEVERAL,
    REDUCTIONS,
    SHARING,
    WITHOUT_EFFECT,
)


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
        given: Any = args[0] if args else None
        if name.startswith("atleast") and type(given) is TracedArray and np.shape(result) == given.shape:
            return given
        is_copy = (name == "diag" and np.ndim(given) == 1) or (name == "nan_to_num" and kwargs.get("copy", True))
        if not is_copy and any(type(arg) is TracedArray and not arg.is_scalar for arg in _flat(args)):
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
        args = [_array_of_list(arg) for arg in args]
    kwargs = {name: _array_of_list(value) for name, value in kwargs.items() if name not in WITHOUT_EFFECT}
    try:
        return wrapped(jax_function(*args, **kwargs))
    except jax.errors.JAXTypeError:
        raise  # a branch or a size depends on a traced value: the caller may go on uncompiled
    except (TypeError, NotImplementedError) as error:
        raise LeftNumPy(f"JAX's {_full_name(function)} does not take these arguments: {error}") from error


def _array_of_list(item: Any) -> Any:
    return np.asarray(item) if isinstance(item, list) else item


def _ufunc_of_jax(ufunc: Any) -> Any:
    name = ufunc.__name__
    if getattr(np, name, None) is ufunc:
        return getattr(jnp, name, None)
    if getattr(sys.modules.get("scipy.special"), name, None) is ufunc:  # code that uses it has loaded it
        return getattr(jax.scipy.special, {"psi": "digamma"}.get(name, name), None)
    return None


def _function_of_jax(function: Any) -> Any:
    if isinstance(function, np.ufunc):  # in NumPy 2.0 and 2.1 these have no __module__
        return _ufunc_of_jax(function)
    places = {"numpy": (np, jnp), "numpy.linalg": (np.linalg, jnp.linalg), "numpy.fft": (np.fft, jnp.fft)}
    ours, theirs = places.get(function.__module__, (None, None))
    name = function.__name__
    return getattr(theirs, name, None) if getattr(ours, name, None) is function else None


def _full_name(function: Any) -> str:
    module = getattr(function, "__module__", None) or "np"
    if isinstance(function, np.ufunc):
        module = "np" if getattr(np, function.__name__, None) is function else "scipy.special"
    return f"{module.replace('numpy', 'np')}.{function.__name__}"


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
