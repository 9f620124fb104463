"""Which source an objective's gradient comes from: the first of these that works at the start.

1. GIVEN                `jac`
2. UNCOMPILED           PyTorch's autograd, for functions of tensors
3. COMPILED             JAX, through NumPy's dispatch protocols or directly
4. UNCOMPILED           JAX without compiling, for code that branches on its values
5. FINITE_DIFFERENCES   for code that leaves NumPy
"""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any

import numpy as np

from downslope.errors import InvalidObjective
from downslope.objectives.bound import Bound, GivenBound, GivenTensorBound, ProgramBound, TensorBound, TorchBound
from downslope.objectives.calling import as_number
from downslope.objectives.fingerprint import fingerprint
from downslope.objectives.program import PROGRAMS, Program, UntraceableError, build, why

if TYPE_CHECKING:
    from downslope.objectives.objective import Objective


def bound_to(objective: Objective, plain: Bound, result: Any, is_torch: bool, flat: np.ndarray) -> Bound:
    """The objective with its derivatives, around the flat start whose plain result is known."""
    common = (plain.fun, plain.structure, plain.call, plain.bounds)
    jac = objective.jac
    if is_torch and jac is None:
        return _by_autograd(TorchBound(*common, "exact, by PyTorch's autograd"), flat)
    program = None if is_torch else _program(objective, plain, result, flat)
    if jac is not None:
        usable = program if isinstance(program, Program) and program.compiles else None
        kind = GivenTensorBound if is_torch else GivenBound
        why_not = "it works on PyTorch's tensors" if is_torch else _why_not_compiled(program)
        reason = "`jac` was given" if usable else f"`jac` was given; uncompiled, since {why_not}"
        given = kind(jac, usable, *common, reason)
        given.check_start(flat)
        return given
    if isinstance(program, UntraceableError):
        check_repeatable(plain, flat, float(as_number(result)))
        return Bound(*common, str(program))
    assert program is not None  # torch code returned above
    reason = "exact, by automatic differentiation" if program.compiles else program.reason
    return ProgramBound(program, *common, reason)


def check_repeatable(bound: Bound, flat: np.ndarray, loss: float) -> None:
    """Raise InvalidObjective where the plain function gives another loss at the same point."""
    with np.errstate(all="ignore"):
        again = Bound.value(bound, flat)
    if again != loss and not np.isnan(again):
        rule = "must give the same value whenever it gets the same x (fix its seed; `noise` adds noise to the gradient)"
        raise InvalidObjective("fun", f"{rule}; at the start it gave {loss:.17g}", again)


def _why_not_compiled(program: Program | UntraceableError | None) -> str:
    return program.reason if isinstance(program, Program) else str(program)


def _by_autograd(exact: TorchBound, flat: np.ndarray) -> Bound:
    """Autograd where the result is a tensor all the way, and finite differences otherwise."""
    try:
        with warnings.catch_warnings():  # PyTorch warns where a tensor becomes a plain number
            warnings.simplefilter("ignore")
            exact.value_and_gradient(flat)
    except Exception as error:
        return TensorBound(exact.fun, exact.structure, exact.call, exact.bounds, why(error))
    return exact


def agrees(value: float, plain: float, dtype: np.dtype[Any]) -> bool:
    """Whether a compiled value is the plain one, up to rounding and the cancellation it may be amplified by."""
    eps = float(np.finfo(dtype).eps)
    return bool(abs(value - plain) <= eps**0.75 + eps**0.5 * abs(plain))


def _program(objective: Objective, plain: Bound, result: Any, flat: np.ndarray) -> Program | UntraceableError:
    key = key_of(objective, plain)
    known = PROGRAMS.get(key)
    if known is None:
        known = _built(objective, plain, result, flat)
        PROGRAMS.put(key, known, plain.fun)
    return known.attach(plain.fun, objective.jac) if isinstance(known, Program) else known


def made_anew(objective: Objective, bound: Bound, value: float, flat: np.ndarray, loss: float) -> Bound:
    """`bound`, if its value at the start is the plain loss; else traced again; else without its program.

    A program may be stale: it has swallowed what its function closed over, and something that the
    fingerprint does not see may have changed since.
    """
    if bound.program is None or agrees(value, loss, flat.dtype):
        return bound
    PROGRAMS.drop(key_of(objective, bound))
    fresh = bound_to(objective, bound, loss, False, flat)
    if fresh.program is not None:
        value = float(fresh.program.call("value", flat))
        if agrees(value, loss, flat.dtype):
            return fresh
    common = (bound.fun, bound.structure, bound.call, bound.bounds)
    PROGRAMS.drop(key_of(objective, bound))
    check_repeatable(bound, flat, loss)
    if objective.jac is not None:
        return GivenBound(objective.jac, None, *common, bound.reason)
    return Bound(*common, f"the traced function gives {value:.17g} at the start and the plain one {loss:.17g}")


def uncompiled(bound: Bound, reason: str) -> Bound:
    """The same with its program run as Python, so that it reads what the function reads at each call."""
    if not isinstance(bound, ProgramBound):
        return bound
    program = dataclasses.replace(bound.program, compiles=False, reason=reason, kernels={})
    return ProgramBound(program, bound.fun, bound.structure, bound.call, bound.bounds, reason)


def key_of(objective: Objective, plain: Bound) -> Hashable:
    """What the objective's program depends on."""
    functions = (plain.fun,) if objective.jac is None else (plain.fun, objective.jac)
    return (*(fingerprint(f) for f in functions), plain.structure, plain.call)


def _built(objective: Objective, plain: Bound, result: Any, flat: np.ndarray) -> Program | UntraceableError:
    import jax

    # What wrote the result tells what the code is made of; the other reading is tried second.
    jax_first = isinstance(result, jax.Array) or objective.formula is not None
    failures, uncompiled = [], []
    for is_jax_code in (jax_first, not jax_first):
        try:
            program = build(plain.fun, objective.jac, plain.structure, plain.call, flat, is_jax_code)
        except UntraceableError as error:
            failures.append(error)
            continue
        if program.compiles:
            return program
        uncompiled.append(program)
    return uncompiled[0] if uncompiled else failures[0]
