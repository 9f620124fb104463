"""An objective bound to a start: functions of one flat NumPy vector, and where their gradient comes from."""

from __future__ import annotations

import enum
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np

from downslope.errors import InvalidObjective
from downslope.objectives import finite_difference
from downslope.objectives.arrays import Kind
from downslope.objectives.calling import Call, arguments, as_number
from downslope.objectives.finite_difference import Bounds
from downslope.objectives.program import Program
from downslope.objectives.structure import Structure


class GradientSource(enum.Enum):
    """Where a gradient comes from.

    >>> import downslope
    >>> downslope.minimize("x^2", 5.0).gradient_source
    <GradientSource.COMPILED: 'compiled'>
    """

    GIVEN = "given"
    COMPILED = "compiled"
    UNCOMPILED = "uncompiled"
    FINITE_DIFFERENCES = "finite differences"


def double_precision() -> AbstractContextManager[None]:
    """A context in which code written in JAX computes in float64, whatever the user's global setting is."""
    jax = sys.modules.get("jax")
    return nullcontext() if jax is None else jax.enable_x64(True)


class Bound:
    """What every source shares: the plain call of `fun`, and derivatives by finite differences.

    Subclasses replace the derivatives. All vectors are flat NumPy arrays of shape (n,).
    """

    source = GradientSource.FINITE_DIFFERENCES
    program: Program | None = None
    seconds = 0.0
    """What the plain call at the start took."""

    def __init__(self, fun: Callable[..., Any], structure: Structure, call: Call, bounds: Bounds | None, reason: str):
        self.fun, self.structure, self.call, self.bounds, self.reason = fun, structure, call, bounds, reason

    def value(self, x: np.ndarray) -> float:
        """The loss, by the user's own code; NaN where its arithmetic leaves the real numbers."""
        try:
            with double_precision():
                return as_number(self.fun(*self.arguments(x)))
        except (ArithmeticError, ValueError) as error:
            if isinstance(error, ValueError) and "math domain error" not in str(error):
                raise
            return float("nan")  # math.exp(1000), math.log(-1): an outcome, as it is for NumPy, and no mistake

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """The loss and its gradient."""
        return self.value(x), finite_difference.gradient(self.value, x, self.bounds)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """The gradient alone."""
        return self.value_and_gradient(x)[1]

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """The matrix of second derivatives, by differences of the gradient."""
        matrix = finite_difference.jacobian(self.gradient, x, self.bounds)
        return np.asarray((matrix + matrix.T) / 2)

    def hessian_vector_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian times v, by differences of gradients along v."""
        return finite_difference.along(self.gradient, x, v, self.bounds)

    def arguments(self, x: np.ndarray) -> tuple[Any, ...]:
        """What `fun` is called with; copies, so that code which writes into its argument harms nothing."""
        if self.structure.kind is Kind.JAX:
            import jax

            with jax.enable_x64(True):
                return arguments(self.structure, self.call, jax.numpy.asarray(x))
        return arguments(self.structure, self.call, np.array(x))


class GivenBound(Bound):
    """The user's own gradient; compiled as well where both functions can be."""

    source = GradientSource.GIVEN

    def __init__(self, jac: Callable[..., Any], program: Program | None, *args: Any):
        super().__init__(*args)
        self.jac, self.program = jac, program

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """fun(x) and jac(x)."""
        return self.value(x), self.gradient(x)

    def gradient(self, x: np.ndarray) -> np.ndarray:
        """jac(x)."""
        try:
            with double_precision():
                given = self.jac(*self.arguments(x))
        except ArithmeticError:
            return np.full_like(x, np.nan)
        return self._flat(given)

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """The derivative of `jac`: exact where it can be traced, as in the compiled engine."""
        return super().hessian(x) if self.program is None else np.asarray(self.program.call("hessian", x))

    def hessian_vector_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Exact where `jac` can be traced."""
        if self.program is None:
            return super().hessian_vector_product(x, v)
        return np.asarray(self.program.call("hessian_vector_product", x, v))

    def check_start(self, x: np.ndarray) -> None:
        """Raise InvalidObjective where `jac` raises at the start x, or returns another structure."""
        try:
            with double_precision(), np.errstate(all="ignore"):
                given = self.jac(*self.arguments(x))
        except Exception as error:
            rule = f"must return the gradient at the start, and raised {type(error).__name__}: {error}"
            raise InvalidObjective("jac", rule, self.structure.restore(x)) from error
        self._flat(given)

    def _flat(self, given: Any) -> np.ndarray:
        if self.call == "numbers" and isinstance(given, list | tuple):
            given = np.asarray([as_number(g, "jac") for g in given])
        try:
            flat = self.structure.flatten(given)
        except (ValueError, TypeError, AttributeError) as error:
            rule = f"must return {self.structure.size} numbers, arranged as x0 is ({error})"
            raise InvalidObjective("jac", rule, given) from None
        return flat


class ProgramBound(Bound):
    """Exact derivatives by JAX, compiled or not."""

    def __init__(self, program: Program, *args: Any):
        super().__init__(*args)
        self.program: Program = program
        self.source = GradientSource.COMPILED if program.compiles else GradientSource.UNCOMPILED

    def value(self, x: np.ndarray) -> float:
        """The loss, from the code that the gradient belongs to: a line search compares the two."""
        if self.program.held.keeps_values:
            return super().value(x)
        return float(self.program.call("value", x))

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Both from one pass; a function that keeps what it computes is also called plainly, for that."""
        loss, gradient = self.program.call("value_and_gradient", x)
        return super().value(x) if self.program.held.keeps_values else float(loss), gradient

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Exact."""
        if self.program.compiles:
            return np.asarray(self.program.call("hessian", x))
        # Without compiling, one product at a time: a batched one would trace the values that code branches on.
        rows = [self.hessian_vector_product(x, unit) for unit in np.eye(x.size, dtype=x.dtype)]
        matrix = np.stack(rows)
        return np.asarray((matrix + matrix.T) / 2)

    def hessian_vector_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Exact."""
        return np.asarray(self.program.call("hessian_vector_product", x, v))


class TensorBound(Bound):
    """Finite differences, for functions of PyTorch's tensors whose result autograd cannot follow."""

    def arguments(self, x: np.ndarray) -> tuple[Any, ...]:
        """Tensors."""
        import torch

        return arguments(self.structure, self.call, torch.from_numpy(x.copy()))


class GivenTensorBound(TensorBound, GivenBound):
    """The user's own gradient, of tensors."""


class TorchBound(TensorBound):
    """Exact derivatives by PyTorch's autograd, for functions of tensors."""

    source = GradientSource.UNCOMPILED

    def value_and_gradient(self, x: np.ndarray) -> tuple[float, np.ndarray]:
        """Both from one pass."""
        import torch

        point = torch.from_numpy(x.copy()).requires_grad_()
        loss = self._loss(point)
        if not loss.requires_grad:  # a constant function
            return float(loss), np.zeros_like(x)
        (gradient,) = torch.autograd.grad(loss, point, allow_unused=True)
        return float(loss.detach()), np.zeros_like(x) if gradient is None else gradient.numpy()

    def hessian(self, x: np.ndarray) -> np.ndarray:
        """Exact."""
        import torch
        from torch import autograd

        return np.asarray(autograd.functional.hessian(self._loss, torch.from_numpy(x.copy())).numpy())

    def hessian_vector_product(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """Exact."""
        import torch
        from torch import autograd

        point, direction = torch.from_numpy(x.copy()), torch.from_numpy(v.copy())
        return np.asarray(autograd.functional.hvp(self._loss, point, direction)[1].numpy())

    def _loss(self, point: Any) -> Any:
        loss = self.fun(*arguments(self.structure, self.call, point))
        if not hasattr(loss, "requires_grad"):
            code = getattr(self.fun, "__code__", None)
            where = f" at {Path(code.co_filename).name}:{code.co_firstlineno}" if code else ""
            raise TypeError(f"returns a {type(loss).__name__}, and no tensor{where}")
        return loss.reshape(())
