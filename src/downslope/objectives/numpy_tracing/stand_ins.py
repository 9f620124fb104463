"""Stand-ins for what NumPy does not hand over to a traced array.

`np.zeros(3)`, `np.array([x[0], x[1]])`, `math.cos(x[0])` and `max(x[0], 0)` never ask their arguments, yet
they are in most code. Each has a function here that does the same with plain numbers and knows traced ones.
`copies` puts them in place, in a copy of the user's function.
"""

from __future__ import annotations

import builtins
import functools
import math
import sys
import types
from collections.abc import Callable
from typing import Any

import jax
import numpy as np

from downslope.objectives.numpy_tracing import conversion, dispatch
from downslope.objectives.numpy_tracing.array import TracedArray
from downslope.objectives.numpy_tracing.memory import LeftNumPy, Memory
from downslope.objectives.numpy_tracing.names import CONVERTERS, MAKERS, MATH

NUMPY = ("numpy", "numpy.linalg", "numpy.fft")
MODULES = (np, np.linalg, np.fft, math)


class _Module(types.ModuleType):
    """A module whose functions accept traced arrays."""

    def __init__(self, module: types.ModuleType):
        super().__init__(module.__name__)
        self.__dict__["_module"] = module

    def __getattr__(self, name: str) -> Any:
        return stand_in(getattr(self.__dict__["_module"], name))


def stand_in(value: Any) -> Any:
    """What shall be seen in place of `value`; `value` itself where nothing needs to change."""
    if isinstance(value, types.ModuleType):
        return _Module(value) if any(value is module for module in (*MODULES, *_modules_of_scipy())) else value
    if (known := STAND_INS.get(id(value)) or _of_scipy(*_modules_of_scipy()).get(id(value))) is not None:
        return known
    if type(value) in FUNCTIONS and value.__module__ in NUMPY:
        return _listening(value)
    return value


def _listening(function: Any) -> Any:
    """A NumPy function that also finds traced arrays inside lists."""

    @functools.wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if _holds_arrays([args, list(kwargs.values())]):
            return dispatch.apply_function(function, args, kwargs)
        return function(*args, **kwargs)

    return call


def _holds_arrays(item: Any) -> bool:
    if isinstance(item, list | tuple):
        return any(_holds_arrays(part) for part in item)
    return type(item) is TracedArray or conversion.is_traced(item)


# -- arrays that a function makes ------------------------------------------------------------------------


def _constructor(function: Any) -> Any:
    """np.zeros and its like: an array of constants until something traced is stored in it."""

    @functools.wraps(function)
    def make(*args: Any, **kwargs: Any) -> Any:
        if _holds_arrays([args, list(kwargs.values())]):
            return dispatch.apply_function(function, args, kwargs)
        return _fresh(function(*args, **kwargs))

    return make


def _array(function: Any, *, copies: bool) -> Any:
    """np.array and np.asarray."""

    @functools.wraps(function)
    def make(obj: Any, dtype: Any = None, *args: Any, **kwargs: Any) -> Any:
        copy = kwargs.get("copy", copies)
        if not _holds_arrays(obj):
            made = function(obj, dtype, *args, **kwargs)
            return made if isinstance(obj, np.ndarray) and not copy else _fresh(made)
        if type(obj) is TracedArray and not copy and not obj.is_scalar and dtype in (None, obj.dtype):
            return obj
        value = conversion.plain_array(obj)
        value = value.reshape((1,) * (kwargs.get("ndmin", 0) - value.ndim) + value.shape)
        new = TracedArray(Memory(value, contiguous=type(obj) is not TracedArray))
        return new if dtype is None else new.astype(dtype)

    return make


def _full(shape: Any, fill_value: Any, dtype: Any = None, **_: Any) -> Any:
    if not _holds_arrays(fill_value):
        return _fresh(np.full(shape, fill_value, dtype))
    new = _fresh(np.zeros(shape, dtype or fill_value.dtype))
    new[...] = fill_value
    return new


def _fresh(made: Any) -> Any:
    if type(made) is not np.ndarray or made.dtype.kind not in "biufc":
        return made
    return TracedArray(Memory(made, contiguous=made.flags.c_contiguous))


# -- math and builtins -----------------------------------------------------------------------------------


def _either(plain: Callable[..., Any], traced: Callable[..., Any]) -> Callable[..., Any]:
    """`plain` for plain numbers, `traced` where an argument is traced."""

    @functools.wraps(plain)
    def call(*args: Any, **kwargs: Any) -> Any:
        return (traced if _holds_arrays(args) else plain)(*args, **kwargs)

    return call


def _log(x: Any, base: Any = None) -> Any:
    return np.log(x) if base is None else np.log(x) / np.log(base)


def float_of(x: Any = 0.0) -> Any:
    """`float`, which passes a traced scalar on as it is."""
    if type(x) is not TracedArray or x.is_constant:
        return float(x)
    if x.size != 1 or x.dtype.kind == "c":
        raise LeftNumPy("float() needs one real number")
    return x.reshape(())[()].astype(np.result_type(x.dtype, float))


def _extreme(name: str) -> Any:
    """`max` or `min` of single numbers: which one is taken is decided inside the compiled program."""
    builtin = getattr(builtins, name)

    @functools.wraps(builtin)
    def choose(*args: Any, **kwargs: Any) -> Any:
        numbers = list(args[0]) if len(args) == 1 else list(args)
        if kwargs or not numbers or not conversion.is_traced(numbers) or any(np.ndim(n) for n in numbers):
            return builtin(numbers, **kwargs)
        best = numbers[0]
        for number in numbers[1:]:  # the first of equals wins, as in Python
            best = np.where(number > best if name == "max" else number < best, number, best)
        return best

    return choose


def _import(*args: Any, **kwargs: Any) -> Any:
    return stand_in(builtins.__import__(*args, **kwargs))


def _special(name: str) -> Any:
    """A ufunc of scipy.special, for a function of `math`."""

    def call(*args: Any) -> Any:
        import scipy.special

        return getattr(scipy.special, name)(*args)

    return call


def _of_jax(name: str, **defaults: Any) -> Any:
    """A function of scipy.special that is no ufunc, by the same name in JAX."""
    theirs = getattr(jax.scipy.special, name, None) or getattr(jax.nn, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        options = {**defaults, **kwargs} if len(args) == 1 else kwargs
        arrays = [conversion.plain_array(arg) for arg in args[:1]]
        return conversion.wrapped(theirs(*arrays, *map(conversion.plain, args[1:]), **options))

    return call


def _rosen(x: Any) -> Any:
    """scipy.optimize.rosen, which every introduction begins with."""
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2, axis=0)


FUNCTIONS = (types.FunctionType, types.BuiltinFunctionType, type(np.sum))
BUILTINS: dict[str, Any] = {"max": _extreme("max"), "min": _extreme("min"), "__import__": _import}


def _table() -> dict[int, Any]:
    pairs: list[tuple[Any, Any]] = [
        (np.full, _full),
        (math.lgamma, _either(math.lgamma, _special("gammaln"))),
        (math.log, _either(math.log, _log)),
    ]
    pairs += [(ours, _constructor(ours)) for ours in (getattr(np, name) for name in MAKERS)]
    pairs += [(getattr(np, name), _array(getattr(np, name), copies=name == "array")) for name in CONVERTERS]
    for name, other in MATH.items():
        ours = getattr(math, name)
        pairs.append((ours, _either(ours, _listening(getattr(np, other)))))
    for name in ("floor", "ceil", "trunc"):
        ours, rounded = getattr(math, name), getattr(np, name)
        pairs.append((ours, _either(ours, lambda x, rounded=rounded: rounded(x).astype(int))))
    for name in ("erf", "erfc", "gamma"):
        pairs.append((getattr(math, name), _either(getattr(math, name), _special(name))))
    return {id(ours): theirs for ours, theirs in pairs}


STAND_INS = _table()


def _modules_of_scipy() -> tuple[types.ModuleType | None, ...]:
    """Those that are loaded: code that uses one has loaded it, and other code is spared a third of a second."""
    return tuple(map(sys.modules.get, ("scipy", "scipy.special", "scipy.optimize")))


@functools.cache
def _of_scipy(scipy: Any, special: Any, optimize: Any) -> dict[int, Any]:
    table: dict[int, Any] = {}
    if special:
        for name in ("logsumexp", "softmax", "log_softmax", "zeta", "polygamma", "multigammaln"):
            options = {"axis": None} if "softmax" in name else {}
            ours = getattr(special, name)
            table[id(ours)] = _either(ours, _of_jax(name, **options))
    if optimize:
        table[id(optimize.rosen)] = _either(optimize.rosen, _rosen)
    return table
