"""What the gallery tells of a function: a start, its minima, the curvature there, and where it comes from."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np

Point: TypeAlias = float | tuple[float, ...]

# What a gallery function takes and gives: a float, a NumPy array, or a value that JAX traces.
Value: TypeAlias = Any


@dataclass(frozen=True)
class Minimum:
    """A local minimum, each number rounded once from 60 digits.

    >>> from downslope.objectives import gallery
    >>> gallery.get("ravine").minima
    (Minimum(x=(0.0, 0.0), loss=0.0, curvatures=(0.1, 8.0)),)
    """

    x: Point
    """A float for a function of one variable, else a tuple of n."""
    loss: float
    """The value there."""
    curvatures: tuple[float, ...] | None
    """The n eigenvalues of the Hessian there, ascending; None where there is no Hessian."""


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A named function with what is known of it.

    A problem is callable at a point: a number for one variable, else a flat vector of shape (n,).

    >>> from downslope.objectives import gallery
    >>> rosenbrock = gallery.get("rosenbrock")
    >>> float(rosenbrock((3.0, 4.0)))
    2504.0
    >>> rosenbrock.minima[0].x
    (1.0, 1.0)
    >>> rosenbrock.formula
    '100*(y - x^2)^2 + (1 - x)^2'
    """

    name: str
    """What `minimize` takes."""
    title: str
    """One short sentence, for people."""
    fun: Callable[..., Value] = field(repr=False)
    """Of a flat vector, or of one number for each variable."""
    formula: str
    """In the notation of formulas."""
    start: Point
    """Where a run begins unless told otherwise: a number, or n of them."""
    minima: tuple[Minimum, ...] = field(repr=False)
    """Those known, lowest first."""
    domain: tuple[tuple[float, float], ...]
    """For each variable, the range worth plotting and sampling."""
    variables: tuple[str, ...]
    """Their names, at the size of `start`."""
    source: str
    """Where it comes from: author, title, year."""
    notes: str = ""
    """What else to know."""
    formula_parses: bool = True
    """False where `formula` is for people only."""
    any_size: bool = False
    """Whether `fun` takes a vector of any length; start, minima and domain are of one length."""
    smooth: bool = True
    """False where there is no gradient somewhere in the domain; the notes say where."""
    minima_complete: bool = True
    """False where the domain holds further local minima, which `minima` leaves out."""

    def __call__(self, x: Value) -> Value:
        """The value at the point `x`."""
        if isinstance(x, list | tuple):
            x = np.asarray(x, dtype=float)
        if not self._takes_numbers:
            return self.fun(x)
        # By index: a traced vector need not be iterable.
        return self.fun(*(x[i] for i in range(len(self.variables))))

    @cached_property
    def _takes_numbers(self) -> bool:
        return len(inspect.signature(self.fun).parameters) > 1
