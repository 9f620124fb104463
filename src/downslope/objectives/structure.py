"""The shape of a start, and the way between it and the one flat vector that the engines see.

    a number                                     -> NUMBER, a vector of one
    a flat list, tuple or array of numbers       -> ARRAY
    an array of any other shape                  -> ARRAY
    a dict or other container of arrays          -> TREE (a JAX pytree)

Public values keep the start's structure. They are NumPy's (a plain float for a number) unless the start was
JAX's or PyTorch's; these keep their kind and dtype.
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from downslope.errors import InvalidInput
from downslope.objectives.arrays import (
    Kind,
    as_real,
    as_real_array,
    check_leaves,
    detached,
    has_float_type,
    is_leaf,
    is_nested_numbers,
    is_plain,
    is_tree_leaf,
    kind_of,
    long,
    to_jax,
    to_torch,
)


class Layout(enum.Enum):
    """How the flat vector is laid out in what the user sees."""

    NUMBER = "number"
    ARRAY = "array"
    TREE = "tree"


@dataclass(frozen=True)
class Structure:
    """The layout of a start; equal structures give equal programs.

    >>> structure, flat = Structure.of([9, -3])
    >>> flat, structure.restore(flat)
    (array([ 9., -3.]), array([ 9., -3.]))
    >>> structure, flat = Structure.of({"w": [[1.0, 2.0]], "b": 3.0})
    >>> flat
    array([3., 1., 2.])
    """

    layout: Layout
    kind: Kind
    dtype: np.dtype[Any]
    shapes: tuple[tuple[int, ...], ...]
    treedef: Any = None
    plain: tuple[bool, ...] = ()
    """Which leaves of a tree were plain Python numbers, and become such again."""

    @staticmethod
    def of(x0: Any) -> tuple[Structure, np.ndarray]:
        """The structure of a start and the start as a flat vector, which may share its memory."""
        if is_plain(x0):
            return Structure(Layout.NUMBER, Kind.NUMPY, np.dtype(float), ((),)), np.array([float(x0)])
        if is_leaf(x0):
            return Structure._of_leaves(Layout.ARRAY if np.ndim(detached(x0)) else Layout.NUMBER, [x0], None)
        if is_nested_numbers(x0):
            return Structure._of_leaves(Layout.ARRAY, [x0], None)
        from jax import tree_util

        if isinstance(x0, Iterator):  # the parameters() of a torch module, for one
            raise InvalidInput("x0", "must be a container, and not an iterator: put it into a list or dict", x0)
        try:
            leaves, treedef = tree_util.tree_flatten(x0, is_leaf=is_tree_leaf)
        except (TypeError, ValueError) as error:  # keys that cannot be sorted
            rule = f"must be a container that JAX can flatten ({str(error).splitlines()[0]})"
            raise InvalidInput("x0", rule, x0) from None
        if any(leaf is None for leaf in leaves) and any(kind_of(leaf) is Kind.JAX for leaf in leaves):
            # In JAX's world None is an empty container: where a module has no bias, or its functions were filtered out.
            leaves, treedef = tree_util.tree_flatten(x0, is_leaf=lambda x: x is not None and is_tree_leaf(x))
        if not leaves:
            raise InvalidInput("x0", "must hold at least one number", x0)
        if leaves[0] is x0:
            kinds = "a number, an array, or a dict, list or other container of them that JAX knows"
            raise InvalidInput("x0", f"must be {kinds}", x0)
        check_leaves(leaves, treedef)
        return Structure._of_leaves(Layout.TREE, leaves, treedef)

    @staticmethod
    def _of_leaves(layout: Layout, leaves: list[Any], treedef: Any) -> tuple[Structure, np.ndarray]:
        kinds = {kind_of(leaf) for leaf in leaves}
        kind = next((k for k in (Kind.TORCH, Kind.JAX) if k in kinds), Kind.NUMPY)
        arrays = [as_real_array(leaf) for leaf in leaves]
        # Counts and plain numbers beside arrays of floats do not widen them, as in NumPy's own arithmetic.
        widening = [a.dtype for a, leaf in zip(arrays, leaves, strict=True) if has_float_type(leaf)]
        dtype = np.result_type(*widening) if widening else np.dtype(float)
        parts = [array.astype(dtype, copy=False).ravel() for array in arrays]
        flat = np.concatenate(parts) if len(parts) > 1 else parts[0]
        if flat.size == 0:
            raise InvalidInput("x0", "must hold at least one number", leaves[0] if len(leaves) == 1 else leaves)
        shapes = tuple(array.shape for array in arrays)
        plain = tuple(is_plain(leaf) for leaf in leaves) if layout is Layout.TREE else ()
        return Structure(layout, kind, dtype, shapes, treedef, plain), flat

    @property
    def size(self) -> int:
        """How many numbers the flat vector has."""
        return sum(int(np.prod(shape)) for shape in self.shapes)

    def names(self) -> tuple[str, ...]:
        """A name for each number of the flat vector: x, x[0], x[0, 1], or those of a tree's leaves.

        >>> Structure.of({"w": [1.0, 2.0], "b": 3.0})[0].names()
        ('b', 'w[0]', 'w[1]')
        """
        if self.layout is Layout.TREE:
            from jax import tree_util

            paths = tree_util.tree_flatten_with_path(self._rebuild(list(range(len(self.shapes)))))[0]
            roots = [tree_util.keystr(path, simple=True, separator=".") for path, _ in paths]
        else:
            roots = ["x"]
        return tuple(
            root + (f"[{', '.join(map(str, index))}]" if index else "")
            for root, shape in zip(roots, self.shapes, strict=True)
            for index in np.ndindex(shape)
        )

    def unflatten(self, flat: Any) -> Any:
        """The user's structure around the flat vector's own kind of arrays (NumPy, JAX or PyTorch)."""
        if self.layout is Layout.NUMBER:
            return flat[0]
        if self.layout is Layout.ARRAY:
            return flat if len(self.shapes[0]) == 1 else flat.reshape(self.shapes[0])
        leaves, start = [], 0
        for shape in self.shapes:
            end = start + int(np.prod(shape))
            leaves.append(flat[start:end].reshape(shape))
            start = end
        return self._rebuild(leaves)

    def spread(self, parameter: str, values: Any, is_one: Callable[[Any], bool]) -> list[Any]:
        """One value a number, from a container with one value an array; InvalidInput where it is arranged otherwise."""
        try:
            leaves = self.treedef.flatten_up_to(values)
        except (ValueError, TypeError):
            leaves = None
        if leaves is None or not all(is_one(leaf) for leaf in leaves):
            raise InvalidInput(parameter, "must be one for all, or one an array, arranged as x0 is", values)
        sizes = (int(np.prod(shape)) for shape in self.shapes)
        return [leaf for leaf, size in zip(leaves, sizes, strict=True) for _ in range(size)]

    def restore(self, flat: np.ndarray) -> Any:
        """A flat NumPy vector as the user gave the start: structure, kind and dtype."""
        if self.layout is Layout.NUMBER and self.kind is Kind.NUMPY:
            return float(flat[0])
        value = self._in_kind(self.unflatten(np.array(flat)))
        if not any(self.plain):
            return value
        leaves = self.treedef.flatten_up_to(value)
        return self._rebuild([float(v) if plain else v for v, plain in zip(leaves, self.plain, strict=True)])

    def restore_rows(self, rows: np.ndarray) -> Any:
        """A NumPy matrix with one flat vector a row as the user's structure, with the rows first."""
        n = len(rows)
        columns = np.cumsum([0, *(int(np.prod(shape)) for shape in self.shapes)])
        leaves = [
            rows[:, a:b].reshape(n, *shape) for a, b, shape in zip(columns, columns[1:], self.shapes, strict=False)
        ]
        return self._in_kind(self._rebuild(leaves) if self.layout is Layout.TREE else leaves[0])

    def flatten_rows(self, value: Any) -> np.ndarray:
        """The inverse of `restore_rows`: a matrix with one flat vector a row."""
        leaves = self.treedef.flatten_up_to(value) if self.layout is Layout.TREE else [value]
        arrays = [np.asarray(detached(leaf)) for leaf in leaves]
        return np.concatenate([array.reshape(len(array), -1) for array in arrays], axis=1)

    def flatten(self, value: Any) -> np.ndarray:
        """A value of this structure (a point, a gradient) as a flat vector; ValueError where it does not fit."""
        leaves = self.treedef.flatten_up_to(value) if self.layout is Layout.TREE else [value]
        arrays = [as_real(detached(leaf), self.dtype) for leaf in leaves]
        flat = np.concatenate([array.ravel() for array in arrays])
        if flat.size != self.size or len(arrays) != len(self.shapes):
            raise ValueError(f"{flat.size} numbers where the start has {self.size}")
        for array, shape in zip(arrays, self.shapes, strict=True):
            # A flat leaf can only be meant in one way; one of another shape, such as a transpose, cannot.
            if array.size != int(np.prod(shape)) or (array.ndim > 1 and long(array.shape) != long(shape)):
                raise ValueError(f"an array of shape {array.shape} where the start has {shape}")
        return flat

    def _rebuild(self, leaves: list[Any]) -> Any:
        from jax import tree_util

        return tree_util.tree_unflatten(self.treedef, leaves)

    def _in_kind(self, value: Any) -> Any:
        if self.kind is Kind.NUMPY:
            return value
        convert = to_torch if self.kind is Kind.TORCH else to_jax
        if self.layout is not Layout.TREE:
            return convert(value)
        from jax import tree_util

        return tree_util.tree_map(convert, value)
