"""A copy of the user's function in which `np`, `math` and `scipy.special` lead to stand-ins.

The copy has the same bytecode, defaults and closure. Names that hold one of these modules, or a function of
them, lead to its stand-in; names that hold other Python functions lead to such copies of them; all other
names lead where they always do, at the moment they are read. Nothing outside the copy changes, so NumPy
itself is never patched.

Left as they are, and so to NumPy's own protocols: functions that assign globals or read them by `globals()`
or `eval`, methods reached through an object such as `self.model(x)`, and libraries.
"""

from __future__ import annotations

import builtins
import dis
import functools
import sys
import types
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from downslope.objectives.numpy_tracing.stand_ins import BUILTINS, FUNCTIONS, float_of, stand_in

LIBRARIES = frozenset({"jax", "jaxlib", "numpy", "scipy", "torch", "numba"})
LIBRARIES |= sys.stdlib_module_names - {"__main__"}
READS_NAMESPACES = frozenset({"globals", "locals", "vars", "eval", "exec"})
LOADS = ("LOAD_GLOBAL", "LOAD_NAME")
HOLDS_CODE = (types.ModuleType, types.MethodType, functools.partial, *FUNCTIONS)


class CodeFacts(NamedTuple):
    """What a function's bytecode says about names outside it."""

    can_move: bool  # whether it runs the same with other globals
    only_calls_float: bool  # float(x), never isinstance(x, float) or dtype=float
    assigned_cells: frozenset[str]


class Copies:
    """The copies made for one call. What the bytecode says is kept in `known` for the next.

    Names that hold a NumPy array lead to another object with its memory. JAX remembers what it took an array for
    by the array's identity: one that was traced in 64 bits is still taken for that outside, where the user's own
    call then fails ("RuntimeProgramInputMismatch", jaxlib 0.10). With `only_arrays`, for code written in JAX,
    this is all that differs.
    """

    def __init__(self, known: dict[types.CodeType, CodeFacts], only_arrays: bool = False):
        self._known = known
        self.only_arrays = only_arrays
        self._made: dict[int, tuple[Any, Any]] = {}  # with the original: an id is only its own while it lives

    def of(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """The copy of a function, a method, a partial or an object with a `__call__` of its own."""
        copy: Callable[..., Any] = self.seen_as(fun)
        method = getattr(type(fun), "__call__", None)  # noqa: B004
        if copy is fun and type(method) is types.FunctionType:
            return types.MethodType(self.seen_as(method), fun)
        return copy

    def seen_as(self, value: Any) -> Any:
        """What a name that holds `value` leads to inside a copy."""
        if isinstance(value, functools.partial):
            keywords = {name: self.seen_as(argument) for name, argument in value.keywords.items()}
            return functools.partial(self.seen_as(value.func), *map(self.seen_as, value.args), **keywords)
        if type(value) is types.MethodType:
            return types.MethodType(self.seen_as(value.__func__), value.__self__)
        if type(value) is types.FunctionType and (value.__module__ or "").split(".")[0] not in LIBRARIES:
            return self._copy(value)
        if type(value) is np.ndarray:
            return value.view()
        return stand_in(value) if isinstance(value, HOLDS_CODE) and not self.only_arrays else value

    def _copy(self, function: types.FunctionType) -> types.FunctionType:
        if id(function) in self._made:
            return self._made[id(function)][1]  # type: ignore[no-any-return]
        code = function.__code__
        if code not in self._known:
            self._known[code] = _facts(code)
        facts = self._known[code]
        if not facts.can_move:
            return function
        names = _Names(self, function.__globals__, facts)
        free = list(zip(code.co_freevars, function.__closure__ or (), strict=True))
        shared = [name in facts.assigned_cells or not _has_stand_in(cell) for name, cell in free]
        cells = tuple(cell if as_is else types.CellType() for (_, cell), as_is in zip(free, shared, strict=True))
        copy = types.FunctionType(code, names, function.__name__, closure=cells)
        self._made[id(function)] = function, copy  # before looking further: functions may name each other
        for (_, cell), ours in zip(free, cells, strict=True):
            if ours is not cell:
                ours.cell_contents = self.seen_as(cell.cell_contents)
        copy.__defaults__ = function.__defaults__ and tuple(map(self.seen_as, function.__defaults__))
        keywords = function.__kwdefaults__ or {}
        copy.__kwdefaults__ = {name: self.seen_as(default) for name, default in keywords.items()}
        copy.__dict__ = function.__dict__  # shared, so that `fun.calls += 1` counts where it is read
        copy.__qualname__ = function.__qualname__
        return copy


class _Names(dict[str, Any]):
    """The globals of a copy: read from the original's, at the moment of reading.

    Python asks `__missing__` of a function's globals when they are a subclass of dict.
    """

    def __init__(self, copies: Copies, original: dict[str, Any], facts: CodeFacts):
        around = vars(builtins) if copies.only_arrays else {**vars(builtins), **BUILTINS}
        if facts.only_calls_float and not copies.only_arrays:
            around["float"] = float_of
        super().__init__(__builtins__=around, __name__=original.get("__name__"))
        self._copies, self._original = copies, original

    def __missing__(self, name: str) -> Any:
        return self._copies.seen_as(self._original[name])


def _has_stand_in(cell: types.CellType) -> bool:
    try:
        return isinstance(cell.cell_contents, (np.ndarray, *HOLDS_CODE))
    except ValueError:  # an empty cell: a name that is not bound yet
        return False


def _facts(code: types.CodeType) -> CodeFacts:
    steps = list(_instructions(code))
    assigns = any(step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for step in steps)
    reads_all = any(step.opname in LOADS and step.argval in READS_NAMESPACES for step in steps)
    floats = [step for step in steps if step.opname in LOADS and step.argval == "float"]
    # The lowest bit of LOAD_GLOBAL says that what is loaded is called at once.
    only_calls = all(step.opname == "LOAD_GLOBAL" and (step.arg or 0) & 1 for step in floats)
    stored = frozenset(step.argval for step in steps if step.opname in ("STORE_DEREF", "DELETE_DEREF"))
    return CodeFacts(not assigns and not reads_all, bool(floats) and only_calls, stored)


def _instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _instructions(constant)
