"""What a function's result can depend on, as a key.

A compiled program has swallowed the values that its function closed over. The key therefore holds the code,
the closure, the defaults and the globals that the code reads, by content where they are small numbers and
arrays, so that rebinding one of them, or writing into it, gives another key. Foreign objects are told apart by
identity and attributes; what slips through, the check of the value at each run's start catches.
"""

from __future__ import annotations

import dis
import functools
import sys
import types
import zlib
from collections.abc import Callable, Hashable, Iterator
from typing import Any

import numpy as np

_DEPTH = 6
_LIBRARIES = {"numpy", "scipy", "jax", "jaxlib", "torch", *sys.stdlib_module_names}


def fingerprint(fun: Callable[..., Any], depth: int = _DEPTH) -> Hashable:
    """A hashable key that differs where `fun` would compute something else, `depth` objects deep.

    >>> scale = 2.0
    >>> loss = lambda x: scale * x**2
    >>> before = fingerprint(loss)
    >>> scale = 3.0
    >>> before == fingerprint(loss)
    False
    """
    try:
        key = _of(fun, depth, frozenset())
        hash(key)
    except Exception:  # a captured object may raise on anything; then nothing is known, and nothing reused
        return ("unknown", object())
    return key


def captured_bytes(fun: Callable[..., Any]) -> int:
    """About how much array data the function closes over directly."""
    values = [cell.cell_contents for cell in getattr(fun, "__closure__", None) or () if _filled(cell)]
    return sum(int(getattr(value, "nbytes", 0)) for value in values)


def _of(value: Any, depth: int, seen: frozenset[int]) -> Hashable:
    if value is None or isinstance(value, int | float | complex | str | bytes | types.CodeType | np.dtype):
        return (type(value).__name__, repr(value) if value != value else value)
    if depth == 0 or id(value) in seen:
        return (type(value).__name__, id(value))
    seen = seen | {id(value)}
    inside = functools.partial(_of, depth=depth - 1, seen=seen)
    if isinstance(value, np.ndarray | np.generic) or type(value).__module__.startswith("jaxlib"):
        return _of_array(value)
    if isinstance(value, types.FunctionType):
        return _of_function(value, inside)
    if isinstance(value, types.MethodType):
        return ("method", inside(value.__func__), inside(value.__self__))
    if isinstance(value, functools.partial):
        return ("partial", inside(value.func), inside(value.args), inside(value.keywords))
    if _is_frozen(value):
        return ("frozen", value)
    if isinstance(value, list | tuple):
        return (type(value).__name__, tuple(inside(item) for item in value))
    if isinstance(value, dict):
        return ("dict", tuple((repr(key), inside(item)) for key, item in value.items()))
    if isinstance(value, types.ModuleType | type) or not hasattr(value, "__dict__"):
        return (type(value).__name__, getattr(value, "__name__", None), id(value))
    return ("object", id(value), inside(vars(value)))


def _is_frozen(value: Any) -> bool:
    """A frozen dataclass, such as a Formula, that hashes by its content."""
    parameters = getattr(type(value), "__dataclass_params__", None)
    return bool(parameters and parameters.frozen and parameters.eq and isinstance(value, Hashable))


def _of_array(value: Any) -> Hashable:
    array = np.asarray(value)
    if array.dtype.kind == "O":
        return ("array", id(value))
    # A checksum of every byte: a fraction of what one evaluation of a loss over the array costs.
    checksum = zlib.crc32(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return ("array", array.shape, array.dtype.str, checksum)


def _of_function(fun: types.FunctionType, inside: Callable[[Any], Hashable]) -> Hashable:
    if is_library(fun):
        return ("library", fun.__module__, fun.__qualname__, id(fun))
    cells = tuple(inside(cell.cell_contents) for cell in fun.__closure__ or () if _filled(cell))
    attributes = set(_attributes(fun.__code__))
    names = sorted(global_names(fun.__code__) & fun.__globals__.keys())
    read = tuple((name, _of_global(fun.__globals__[name], attributes, inside)) for name in names)
    return ("function", fun.__code__, cells, inside(fun.__defaults__), inside(fun.__kwdefaults__), read)


def _of_global(value: Any, names: set[str], inside: Callable[[Any], Hashable]) -> Hashable:
    """A global; of a module (`settings.scale`), the numbers and arrays that the code names."""
    if not isinstance(value, types.ModuleType):
        return inside(value)
    if value.__name__.partition(".")[0] in _LIBRARIES:
        return value.__name__
    read = ((name, getattr(value, name)) for name in sorted(names & vars(value).keys()))
    return (value.__name__, tuple((name, inside(v)) for name, v in read))


def is_library(fun: types.FunctionType) -> bool:
    """Whether a function belongs to Python or to one of the array libraries, and is taken to be constant."""
    return fun.__module__ is not None and fun.__module__.partition(".")[0] in _LIBRARIES


@functools.lru_cache(maxsize=1024)
def global_names(code: types.CodeType) -> frozenset[str]:
    """The names that the code, and the functions defined in it, look up outside: globals, but no attributes."""
    loads = ("LOAD_GLOBAL", "LOAD_NAME", "STORE_GLOBAL")
    own = {step.argval for step in dis.get_instructions(code) if step.opname in loads}
    inner = (global_names(constant) for constant in code.co_consts if isinstance(constant, types.CodeType))
    return frozenset(own.union(*inner))


def _attributes(code: types.CodeType) -> Iterator[str]:
    """Every name in the code, attributes of modules among them."""
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _attributes(constant)


def _filled(cell: types.CellType) -> bool:
    try:
        _ = cell.cell_contents
    except ValueError:
        return False
    return True
