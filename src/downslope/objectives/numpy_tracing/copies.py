"""A copy of the user's function in which `np`, `math` and `scipy.special` lead to stand-ins.

The copy has the same bytecode, defaults and closure. Names that hold one of these modules, or a function of
them, lead to its stand-in; names that hold other Python functions lead to such copies of them. Nothing
outside the copy changes, so NumPy itself is never patched.

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

from downslope.objectives.numpy_tracing.stand_ins import BUILTINS, _float, stand_in

LARGEST_NUMBER = 200  # functions copied for one call, nearest first: a call into a large library stays cheap
LIBRARIES = frozenset({"jax", "jaxlib", "numpy", "scipy", "downslope", "torch", "numba"})
LIBRARIES |= sys.stdlib_module_names - {"__main__"}
READS_NAMESPACES = frozenset({"globals", "locals", "vars", "eval", "exec"})


class Names(NamedTuple):
    """What a function does with names outside it."""

    read: frozenset[str]
    assigned_cells: frozenset[str]
    can_move: bool  # whether it runs the same with other globals
    only_calls_float: bool  # float(x), never isinstance(x, float) or dtype=float


class Copies:
    """The copies made for one call, so that a name bound anew is seen by the next."""

    def __init__(self, known: dict[types.CodeType, Names]):
        self._known = known
        self._made: dict[int, types.FunctionType] = {}
        self._waiting: list[tuple[types.FunctionType, types.FunctionType]] = []

    def of(self, fun: Callable[..., Any]) -> Callable[..., Any]:
        """The copy of a function, a method, a partial or an object with a `__call__` of its own."""
        copy: Callable[..., Any] = self._seen_as(fun)
        method = getattr(type(fun), "__call__", None)  # noqa: B004
        if copy is fun and type(method) is types.FunctionType:
            copy = types.MethodType(self._seen_as(method), fun)
        while self._waiting:
            self._connect(*self._waiting.pop(0))
        return copy

    def _seen_as(self, value: Any) -> Any:
        if isinstance(value, functools.partial):
            keywords = {name: self._seen_as(argument) for name, argument in value.keywords.items()}
            return functools.partial(self._seen_as(value.func), *map(self._seen_as, value.args), **keywords)
        if type(value) is types.MethodType:
            return types.MethodType(self._seen_as(value.__func__), value.__self__)
        if type(value) is types.FunctionType and (value.__module__ or "").split(".")[0] not in LIBRARIES:
            return self._function(value)
        return stand_in(value)

    def _function(self, function: types.FunctionType) -> types.FunctionType:
        names = self._names(function.__code__)
        if id(function) not in self._made:
            if not names.can_move or len(self._made) >= LARGEST_NUMBER:
                return function
            around = {**vars(builtins), **BUILTINS, **({"float": _float} if names.only_calls_float else {})}
            namespace = {"__name__": function.__globals__.get("__name__"), "__builtins__": around}
            free = zip(function.__code__.co_freevars, function.__closure__ or (), strict=True)
            cells = tuple(cell if name in names.assigned_cells else types.CellType() for name, cell in free)
            copy = types.FunctionType(function.__code__, namespace, function.__name__, closure=cells)
            copy.__qualname__ = function.__qualname__
            copy.__dict__ = function.__dict__  # shared, so that `fun.calls += 1` counts where it is read
            self._made[id(function)] = copy
            self._waiting.append((function, copy))
        return self._made[id(function)]

    def _connect(self, function: types.FunctionType, copy: types.FunctionType) -> None:
        """Fill in what the copy's names and defaults lead to."""
        if function.__defaults__:
            copy.__defaults__ = tuple(map(self._seen_as, function.__defaults__))
        if function.__kwdefaults__:
            defaults = function.__kwdefaults__.items()
            copy.__kwdefaults__ = {name: self._seen_as(default) for name, default in defaults}
        for name in self._names(function.__code__).read & function.__globals__.keys():
            copy.__globals__[name] = self._seen_as(function.__globals__[name])
        for cell, ours in zip(function.__closure__ or (), copy.__closure__ or (), strict=True):
            if cell is not ours and cell != types.CellType():  # an empty cell is a name not bound yet
                ours.cell_contents = self._seen_as(cell.cell_contents)

    def _names(self, code: types.CodeType) -> Names:
        if code not in self._known:
            self._known[code] = _names(code)
        return self._known[code]


def _names(code: types.CodeType) -> Names:
    steps = list(_instructions(code))
    read = frozenset(step.argval for step in steps if step.opname in ("LOAD_GLOBAL", "LOAD_NAME"))
    moves = any(step.opname in ("STORE_GLOBAL", "DELETE_GLOBAL") for step in steps)
    stored = frozenset(step.argval for step in steps if step.opname in ("STORE_DEREF", "DELETE_DEREF"))
    floats = [step for step in steps if step.argval == "float" and step.opname in ("LOAD_GLOBAL", "LOAD_NAME")]
    # The lowest bit of LOAD_GLOBAL says that what is loaded is called at once.
    calls = all(step.opname == "LOAD_GLOBAL" and (step.arg or 0) & 1 for step in floats)
    return Names(read, stored, not moves and not read & READS_NAMESPACES, bool(floats) and calls)


def _instructions(code: types.CodeType) -> Iterator[dis.Instruction]:
    yield from dis.get_instructions(code)
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _instructions(constant)
