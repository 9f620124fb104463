"""A formula typed as text, as a function: `parse("x cos(x) + 9")`. It is read by a grammar, never by `eval`.

    + - * /         as in Python; − · × ÷ are read too
    x^2  x**2       powers, from the right: 2^x^y is 2^(x^y); before the sign: -x^2 is -(x^2); 2^-1 is 0.5
    2x  x cos(x)    a product needs no sign: 2(x+1), (x+1)(x-1), x y; but x 2 is an error,
                    and so is 1/2x, which could be 1/(2*x) or (1/2)*x
    x  t  x1  w_2   a letter, perhaps with a number, is a variable; xy is one name, and must be declared
    sin(x)          a name with a bracket after it is a call, so x(x+1) is an error that offers x*(x+1)
    pi  e  tau      constants; 2e is 2*e, while 2e3 is 2000
    sum(x^2)        with sum, mean, prod, norm, dot, or min and max of one argument, x is a whole vector

The functions are listed in functions.py, the grammar proper is grammar.lark.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from downslope.errors import FormulaError, InvalidInput, shortened
from downslope.objectives.formula.checking import (
    check,
    checked_names,
    listed,
    natural_order,
    parts_of,
    reduces,
)
from downslope.objectives.formula.functions import CONSTANTS, Part, python, value
from downslope.objectives.formula.reading import MAX_CHARACTERS, MAX_LEVELS, read


@dataclass(frozen=True)
class Formula:
    """A formula that has been read; made by `parse`, equal and hashed by its text and variables.

    `is_vector` is true where a reduction such as sum(...) is applied: the variable is then a whole vector.
    """

    text: str
    variables: tuple[str, ...]
    is_vector: bool = field(compare=False)
    _tree: Part = field(repr=False, compare=False)

    def __call__(self, x: Any) -> Any:
        """The value at `x`: a number, or a flat vector with one entry per variable (any if `is_vector`).

        Computed in `jax.numpy` for JAX arrays and tracers; in NumPy, as a float64, for anything else. A value
        that is undefined or too large is NaN or inf, without a warning. InvalidInput where `x` does not fit.

        >>> parse("x^2 + y/2")([3, 4])
        np.float64(11.0)
        >>> parse("sqrt(x)")(-1)
        np.float64(nan)
        """
        xp, array = _as_array(x, "x0")
        return self.evaluate(xp, self._by_variable(array))

    def evaluate(self, xp: Any, values: Mapping[str, Any]) -> Any:
        """The value with each variable given by name, elementwise on arrays that broadcast.

        `xp` is `numpy` or `jax.numpy`. The result has the shape of all the arrays together.

        >>> parse("x^2 + y").evaluate(np, {"x": np.array([[1.0], [2.0]]), "y": np.array([0.0, 10.0])})
        array([[ 1., 11.],
               [ 4., 14.]])
        """
        missing = [name for name in self.variables if name not in values]
        if missing:
            raise InvalidInput("values", f"must hold {listed(missing)}", list(values))
        arrays = {name: _as_array(values[name], "values", xp)[1] for name in self.variables}
        with np.errstate(all="ignore"):
            result = value(self._tree, xp, arrays)
        shape = () if self.is_vector else np.broadcast_shapes(*(array.shape for array in arrays.values()))
        if type(result) is float or result.shape != shape:  # some variable is unused, perhaps all
            dtype = xp.result_type(*(array.dtype for array in arrays.values()))
            result = xp.array(xp.broadcast_to(xp.asarray(result, dtype=dtype), shape))
        return result[()] if xp is np else result

    @property
    def python(self) -> str:
        """The same in Python with NumPy as np (and scipy.special for erf and sigmoid).

        >>> parse("2x cos(x) + e^-x").python
        '2*x*np.cos(x) + np.exp(-x)'
        """
        return python(self._tree)[0]

    def __str__(self) -> str:
        return self.text

    def __reduce__(self) -> tuple[Callable[..., Formula], tuple[Any, ...]]:
        return parse, (self.text, self.variables)

    def _by_variable(self, x: Any) -> dict[str, Any]:
        names = self.variables
        if self.is_vector and x.ndim <= 1 and x.size:
            return {names[0]: x.reshape(-1)}
        if len(names) == 1 and x.ndim == 0:
            return {names[0]: x}
        if not self.is_vector and x.shape == (len(names),):
            return {name: x[i] for i, name in enumerate(names)}
        if self.is_vector:
            rule = f"must be a flat vector, the whole of which is {names[0]} in {shortened(self.text)}"
        elif len(names) == 1:
            rule = f"must be one number, {names[0]}; to sum over a vector, write for example sum({names[0]}^2)"
        else:
            rule = f"must be a vector of {len(names)} numbers: {listed(names)}"
        raise InvalidInput("x0", rule, x)


def parse(text: str, variables: Iterable[str] | None = None) -> Formula:
    """Read a formula. `variables` declares its variables, in order; without, they are found: x, y or x2, x10.

    Raises FormulaError, pointing at the column, where `text` cannot be read, and InvalidInput where
    `variables` are not names, or are names of functions or constants.

    >>> parse("x cos(x) + 9")(0.0)
    np.float64(9.0)
    >>> parse("x10 + x2 + x1").variables
    ('x1', 'x2', 'x10')
    >>> parse("theta^2 + b", ["theta", "b"])([3, 1])
    np.float64(10.0)
    >>> parse("sum(x^2)")([1, 2, 3])
    np.float64(14.0)
    >>> parse("1/2x")
    Traceback (most recent call last):
    ...
    downslope.errors.FormulaError: `fun` can be read in two ways: write 1/(2*x) or (1/2)*x, at column 2:
      1/2x
       ^
    """
    if not isinstance(text, str):
        raise InvalidInput("fun", "must be a formula as text", text)
    declared = None if variables is None else checked_names(variables)
    tree = read(text)
    for part in parts_of(tree):
        check(text, part, declared)
    found = {part.text for part in parts_of(tree) if part.kind == "name"} - CONSTANTS.keys()
    names = declared or tuple(sorted(found, key=natural_order))
    if not names:
        raise FormulaError(text, "has no variable, such as x")
    is_vector = reduces(text, tree, names)
    return Formula(text, names, is_vector, tree)


def _as_array(x: Any, parameter: str, xp: Any = None) -> tuple[Any, Any]:
    """The namespace of `x` and its numbers: real floats, in NumPy always float64."""
    if xp is None:
        xp = x.__array_namespace__() if hasattr(x, "__array_namespace__") else np
    try:
        array = xp.asarray(x)
        if xp is np and array.dtype.kind == "O":  # fractions; but astype would make NaN of None
            array = np.reshape([float(number) for number in array.flat], array.shape)
        if xp is np and array.dtype.kind in "biuf":
            return xp, array.astype(np.float64)[()]
        if xp is not np and not xp.issubdtype(array.dtype, xp.complexfloating):
            return xp, array if xp.issubdtype(array.dtype, xp.floating) else array.astype(float)
    except (TypeError, ValueError):
        pass  # ragged lists, None, text
    raise InvalidInput(parameter, "must be a number or a flat vector of real numbers", x)


__all__ = ["MAX_CHARACTERS", "MAX_LEVELS", "Formula", "parse"]
