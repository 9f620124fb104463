"""The structure of a start as plain JSON, and back.

A container is written as the kinds of its nodes, with the number of each array in the place of the array:

    {"w": a, "b": [c, d]}   ->   {"dict": [["b", {"list": [0, 1]}], ["w", 2]]}

Classes are never imported on a file's word: named tuples and other custom containers are written by the name of
their type and the names of their parts, and come back as ordered dicts of these, which keep the parts' order.
"""

from __future__ import annotations

import dataclasses
import importlib
import math
from collections import OrderedDict
from typing import Any

import numpy as np
from jax import tree_util

from downslope.errors import InvalidInput
from downslope.objectives.arrays import Kind
from downslope.objectives.structure import Layout, Structure

_PLAIN_KEYS = (str, int, bool, type(None))


def to_form(structure: Structure) -> dict[str, Any]:
    """The structure as dicts, lists, numbers and text."""
    is_tree = structure.layout is Layout.TREE
    numbered = structure.treedef.unflatten(range(len(structure.shapes))) if is_tree else None
    return {
        "layout": structure.layout.value,
        "kind": structure.kind.value,
        "dtype": structure.dtype.name,
        "shapes": [list(shape) for shape in structure.shapes],
        "tree": _node(numbered),
        "plain": list(structure.plain),
    }


def from_form(form: dict[str, Any]) -> tuple[Structure, list[str]]:
    """The structure, and notes on what is not as it was."""
    notes: list[str] = []
    layout, kind = Layout(form["layout"]), Kind(form["kind"])
    treedef = None
    if layout is Layout.TREE:
        treedef = tree_util.tree_structure(_container(form["tree"], notes))
    if not _is_installed(kind):
        notes.append(f"the start was made of {kind.value} arrays; here, without {kind.value}, they are NumPy's")
        kind = Kind.NUMPY
    shapes = tuple(tuple(shape) for shape in form["shapes"])
    structure = Structure(layout, kind, np.dtype(form["dtype"]), shapes, treedef, tuple(form["plain"]))
    return structure, list(dict.fromkeys(notes))


def like_structure(stored: Structure, like: Any) -> Structure:
    """The stored structure in the containers and kind of arrays of `like`; InvalidInput where it does not fit."""
    given, _ = Structure.of(like)
    if given.layout is not stored.layout or given.shapes != stored.shapes or _roots(given) != _roots(stored):
        rule = f"must be arranged as the run's start, which has {_in_words(stored)}"
        raise InvalidInput("like", rule, like)
    return dataclasses.replace(given, dtype=stored.dtype)


def _node(node: Any) -> Any:
    if node is None or type(node) is int:  # the number of an array
        return node
    children = _children(node)
    if type(node) in (list, tuple):
        return {type(node).__name__: [_node(part) for _, part in children]}
    name = {dict: "dict", OrderedDict: "ordered dict"}.get(type(node))
    if name and all(_is_plain_key(entry.key) for entry, _ in children):
        return {name: [[entry.key, _node(part)] for entry, part in children]}
    names = [tree_util.keystr((entry,), simple=True) for entry, _ in children]
    if len(set(names)) < len(names):  # different keys that read alike
        names = [f"{i} {name}" for i, name in enumerate(names)]
    parts = [[name, _node(part)] for name, (_, part) in zip(names, children, strict=True)]
    return {"type": f"{type(node).__module__}.{type(node).__qualname__}", "parts": parts}


def _children(node: Any) -> list[tuple[Any, Any]]:
    """A node's parts in JAX's order, each with its key."""
    paths = tree_util.tree_flatten_with_path(node, is_leaf=lambda part: part is not node)[0]
    return [(entry, part) for (entry,), part in paths]


def _is_plain_key(key: Any) -> bool:
    return type(key) in _PLAIN_KEYS or (type(key) is float and math.isfinite(key))


def _container(form: Any, notes: list[str]) -> Any:
    """The container with numbers in place of its arrays."""
    if form is None or isinstance(form, int):
        return form
    if "type" in form:
        notes.append(f"{form['type']} is an ordered dict here; load(path, like=x0) takes the containers of x0")
        return OrderedDict((name, _container(part, notes)) for name, part in form["parts"])
    ((name, parts),) = form.items()
    if name in ("list", "tuple"):
        made = [_container(part, notes) for part in parts]
        return made if name == "list" else tuple(made)
    kind = {"dict": dict, "ordered dict": OrderedDict}[name]
    return kind((key, _container(part, notes)) for key, part in parts)


def _is_installed(kind: Kind) -> bool:
    if kind is Kind.NUMPY:
        return True
    try:
        importlib.import_module(kind.value)
    except ImportError:
        return False
    return True


def _roots(structure: Structure) -> tuple[str, ...]:
    """The names of the arrays."""
    return dataclasses.replace(structure, shapes=((),) * len(structure.shapes)).names()


def _in_words(structure: Structure) -> str:
    if structure.layout is Layout.NUMBER:
        return "one number"
    shapes = [f"{name} of shape {shape}" for name, shape in zip(_roots(structure), structure.shapes, strict=True)]
    return ", ".join(shapes[:5]) + (f" and {len(shapes) - 5} more" if len(shapes) > 5 else "")
