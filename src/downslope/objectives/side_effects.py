"""What a function keeps of a traced call, undone.

A loss may keep what it sees: `history.append(value)`, `self.residual = r`, `best["x"] = x`. Of a traced call
that would be a tracer, which means nothing once the trace is over. So what the function can reach is noted
before such a call, and what holds a tracer afterwards is put back as it was.
"""

from __future__ import annotations

import functools
import itertools
import types
from collections.abc import Callable, Iterator
from typing import Any

import jax

from downslope.objectives.fingerprint import global_names, is_library
from downslope.objectives.numpy_tracing import TracedArray

_DEPTH = 4
_MOST_ITEMS = 1000


class Kept:
    """The lists, dicts, attributes and outer variables that a function can reach, as they are now."""

    def __init__(self, fun: Callable[..., Any]):
        self._places = [(place, _copied(place)) for place in _places(fun, _DEPTH, set())]

    def undo(self) -> bool:
        """Put back every place that holds a tracer now; whether there was one."""
        found = False
        for place, before in self._places:
            if _holds_tracer(_content(place)):
                _put_back(place, before)
                found = True
        return found


def _places(value: Any, depth: int, seen: set[int]) -> Iterator[Any]:
    if depth == 0 or id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, types.FunctionType):
        if not is_library(value):
            yield from value.__closure__ or ()
            read = {name: value.__globals__[name] for name in global_names(value.__code__) & value.__globals__.keys()}
            inside = [
                *(_content(cell) for cell in value.__closure__ or ()),
                *read.values(),
                *(value.__defaults__ or ()),
            ]
            yield from itertools.chain.from_iterable(_places(item, depth - 1, seen) for item in inside)
    elif isinstance(value, types.MethodType):
        yield from _places(value.__func__, depth, seen)
        yield from _places(value.__self__, depth, seen)
    elif isinstance(value, functools.partial):
        for item in (value.func, value.args, value.keywords):
            yield from _places(item, depth, seen)
    elif isinstance(value, list | dict):
        yield value
        items = value.values() if isinstance(value, dict) else value
        for item in itertools.islice(items, _MOST_ITEMS):
            yield from _places(item, depth - 1, seen)
    elif hasattr(value, "__dict__") and not isinstance(value, type | types.ModuleType):
        yield from _places(vars(value), depth, seen)


def _content(place: Any) -> Any:
    if not isinstance(place, types.CellType):
        return place
    try:
        return place.cell_contents
    except ValueError:  # not bound yet
        return None


def _copied(place: Any) -> Any:
    return place.copy() if isinstance(place, list | dict) else _content(place)


def _put_back(place: Any, before: Any) -> None:
    if isinstance(place, types.CellType):
        place.cell_contents = before
    elif isinstance(place, dict):
        place.clear()
        place.update(before)
    else:
        place[:] = before


def _holds_tracer(value: Any, depth: int = 3) -> bool:
    if isinstance(value, jax.core.Tracer) or type(value) is TracedArray:
        return True
    if depth == 0 or not isinstance(value, list | tuple | dict):
        return False
    # What was added last is looked at first; a long history is not gone through.
    items = list(value.values()) if isinstance(value, dict) else value
    return any(_holds_tracer(item, depth - 1) for item in items[-_MOST_ITEMS:])
