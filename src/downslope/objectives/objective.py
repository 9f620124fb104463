"""Objective: what is minimised, and where its gradient comes from."""

from __future__ import annotations

import difflib
import reprlib
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from downslope.errors import FormulaError, InvalidInput, InvalidObjective
from downslope.objectives import gallery
from downslope.objectives.arrays import Kind
from downslope.objectives.bound import Bound, GradientSource, TorchBound, double_precision
from downslope.objectives.calling import (
    Call,
    as_number,
    check_n_arguments,
    check_start_value,
    how_called,
    parameter_names,
)
from downslope.objectives.finite_difference import Bounds
from downslope.objectives.formula import Formula, parse
from downslope.objectives.many_points import bound_at_one_of, losses
from downslope.objectives.structure import Structure


class Objective:
    """A function to minimise, with exact derivatives where its code allows.

    `fun` is a callable (NumPy, SciPy, JAX or PyTorch inside), a formula, a gallery name, or an Objective;
    `jac` its gradient, if you have it, returning the structure of x (for f(x1, x2) several numbers).
    `call` overrides how `fun` is called: "array" for f(x), "numbers" for f(x1, x2). `variables` declares
    the names in a formula.

    The source of the gradient is known once a point was seen:

    >>> import numpy as np
    >>> objective = Objective(lambda x: np.sum(np.cos(x)))
    >>> objective.gradient([0.0, np.pi / 2])
    array([-0., -1.])
    >>> objective.gradient_source
    <GradientSource.COMPILED: 'compiled'>
    """

    def __init__(
        self,
        fun: Any,
        jac: Callable[..., Any] | None = None,
        *,
        call: Call | None = None,
        variables: Sequence[str] | None = None,
    ):
        if jac is not None and not callable(jac):
            raise InvalidInput("jac", "must be a function or None", jac)
        if isinstance(fun, str):
            fun = gallery.PROBLEMS[fun] if fun in gallery.PROBLEMS else _parsed(fun, variables)
        elif variables is not None:
            raise InvalidInput("variables", "must be None unless `fun` is a formula", variables)
        self.problem = fun if isinstance(fun, gallery.Problem) else None
        self.formula = fun if isinstance(fun, Formula) else None
        if self.problem is not None:
            fun = self.problem.fun
        if not callable(fun) or isinstance(fun, type):
            rule = "must be a function, a formula, a gallery name or an Objective"
            raise InvalidInput("fun", rule, fun)
        self.fun, self.jac = fun, jac
        self.call = "array" if self.formula is not None else how_called(fun, call)
        self._bound: Bound | None = None

    @staticmethod
    def of(fun: Any, jac: Callable[..., Any] | None = None, variables: Sequence[str] | None = None) -> Objective:
        """`fun` itself where it is an Objective already, and a new one otherwise."""
        if not isinstance(fun, Objective):
            return Objective(fun, jac, variables=variables)
        if jac is not None:
            raise InvalidInput("jac", "must be None beside an Objective, which has its own gradient", jac)
        return fun

    @property
    def name(self) -> str:
        """The gallery name, the formula, or the function's name."""
        if self.problem is not None:
            return self.problem.name
        if self.formula is not None:
            return self.formula.text
        return str(getattr(self.fun, "__name__", None) or reprlib.repr(self.fun))

    @property
    def gradient_source(self) -> GradientSource:
        """Where the gradient comes from, at the last point asked for."""
        return self._seen().source

    @property
    def gradient_reason(self) -> str:
        """Why it comes from there, in words."""
        return self._seen().reason

    @property
    def structure(self) -> Structure:
        """How the points that it has seen last are arranged."""
        return self._seen().structure

    def value(self, x: Any) -> float:
        """The loss at x."""
        bound, flat = self._at(x)
        with np.errstate(all="ignore"):
            return bound.value(flat)

    def values(self, points: Any) -> np.ndarray:
        """The losses at many points, each a flat vector: shape (m, n) to (m,); NaN where there is no real number.

        Where the function compiles, one pass serves a thousand points. Raises InvalidInput where `points` is no
        matrix, and InvalidObjective where the function gives a number at none of them.

        >>> Objective("x^2 + y").values([[1.0, 2.0], [3.0, 4.0]]).tolist()
        [3.0, 13.0]
        """
        rows = np.asarray(points, dtype=float)
        if rows.ndim != 2:
            raise InvalidInput("points", "must have one point a row, shape (m, n)", points)
        bound = self._bound
        if bound is None or bound.structure.size != rows.shape[1]:
            bound = bound_at_one_of(self, rows)
        return np.full(len(rows), np.nan) if bound is None else losses(bound, rows)

    def gradient(self, x: Any) -> Any:
        """The gradient at x, with its structure."""
        return self.value_and_gradient(x)[1]

    def value_and_gradient(self, x: Any) -> tuple[float, Any]:
        """The loss and the gradient at x."""
        bound, flat = self._at(x)
        with np.errstate(all="ignore"):
            loss, gradient = bound.value_and_gradient(flat)
        return loss, bound.structure.restore(gradient)

    def hessian(self, x: Any) -> np.ndarray:
        """The Hessian at x over the flat variables, shape (n, n)."""
        bound, flat = self._at(x)
        return bound.hessian(flat)

    def hessian_vector_product(self, x: Any, v: Any) -> Any:
        """The Hessian at x times v, with the structure of x, without the matrix."""
        bound, flat = self._at(x)
        try:
            direction = bound.structure.flatten(v)
        except (TypeError, ValueError) as error:
            raise InvalidInput("v", f"must be arranged as x is ({error})", v) from None
        return bound.structure.restore(bound.hessian_vector_product(flat, direction))

    def variable_names(self, structure: Structure) -> tuple[str, ...]:
        """A name for each number of the flat vector."""
        return self.own_names(structure) or structure.names()

    def own_names(self, structure: Structure) -> tuple[str, ...]:
        """The names that a formula, a problem or the parameters of f(x1, x2) give to the numbers; () where none do."""
        declared = self.formula.variables if self.formula else self.problem.variables if self.problem else ()
        if len(declared) == structure.size and not (self.formula and self.formula.is_vector and structure.size > 1):
            return tuple(declared)
        if self.call == "numbers" and len(names := parameter_names(self.fun)) >= structure.size:
            return names[: structure.size]  # those with defaults may be left out
        return ()

    def bind(self, x0: Any, bounds: Bounds | None = None) -> tuple[Bound, np.ndarray, float]:
        """The objective on flat vectors around a start, the start as one, and the loss there.

        Calls the plain function once; raises InvalidObjective where it gives no finite number.
        """
        from downslope.objectives.sources import bound_to

        structure, flat = Structure.of(x0)
        if self.formula is None:
            check_n_arguments(self.fun, structure, self.call)
        plain = Bound(self.fun, structure, self.call, bounds, "")
        began = time.perf_counter()
        result, is_torch = self._first_call(plain, flat)
        seconds = time.perf_counter() - began
        loss = as_number(result)
        check_start_value(loss, x0)
        self._bound = bound_to(self, plain, result, is_torch, flat)
        self._bound.seconds = seconds
        return self._bound, flat, loss

    def checked(self, bound: Bound, value: float, flat: np.ndarray, loss: float) -> Bound:
        """The bound objective, made anew where `value`, its loss at `flat` of shape (n,), is not the plain `loss`."""
        from downslope.objectives.sources import made_anew

        self._bound = made_anew(self, bound, value, flat, loss)
        return self._bound

    def _first_call(self, plain: Bound, flat: np.ndarray) -> tuple[Any, bool]:
        """What `fun` returns at the start, and whether it works on PyTorch's tensors."""
        torch = sys.modules.get("torch")
        if plain.structure.kind is Kind.TORCH:
            return self._call(TorchBound(plain.fun, plain.structure, plain.call, None, ""), flat), True
        try:
            result = self._call(plain, flat)
        except InvalidObjective:
            if torch is None:
                raise
            try:  # torch.sum(x) refuses a NumPy array; a function of tensors gets one
                return self._call(TorchBound(plain.fun, plain.structure, plain.call, None, ""), flat), True
            except InvalidObjective:
                pass
            raise
        return result, torch is not None and isinstance(result, torch.Tensor)

    def _call(self, bound: Bound, flat: np.ndarray) -> Any:
        try:
            with np.errstate(all="ignore"), double_precision():
                return self.fun(*bound.arguments(flat))
        except InvalidInput:
            raise
        except Exception as error:
            rule = f"must return a number at the start, and raised {type(error).__name__}: {error}"
            raise InvalidObjective("fun", rule, bound.structure.restore(flat)) from error

    def _at(self, x: Any) -> tuple[Bound, np.ndarray]:
        structure, flat = Structure.of(x)
        if self._bound is None or self._bound.structure != structure:
            bound, flat, loss = self.bind(x)
            return self.checked(bound, bound.value_and_gradient(flat)[0], flat, loss), flat
        return self._bound, flat

    def _seen(self) -> Bound:
        if self._bound is None:
            raise InvalidInput("Objective", "must have seen a point first; call gradient(x)", self.name)
        return self._bound

    def __getstate__(self) -> dict[str, Any]:
        """What a copy in another process is made of: its compiled programs stay here."""
        return {**vars(self), "_bound": None}

    def __repr__(self) -> str:
        return f"<Objective {self.name}>"


def _parsed(text: str, variables: Sequence[str] | None) -> Formula:
    """A formula; where it is one unknown name, the error offers the nearest problem of the gallery."""
    try:
        return parse(text, variables)
    except FormulaError as error:
        near = difflib.get_close_matches(text.strip().lower(), gallery.PROBLEMS, n=1)
        if not near or not text.strip().isidentifier():
            raise
        raise FormulaError(text, f"{error.problem} (or did you mean the problem {near[0]!r}?)", error.column) from None


__all__ = ["Bound", "GradientSource", "Objective"]
