"""Programs: the JAX form of user functions, kept between runs.

A `Program` holds a function of the flat vector that JAX can differentiate, says whether it can also be
compiled, and keeps what was compiled of it. Programs are found again by the function's fingerprint; the
most recent ones are kept, and those with large captured arrays go when their function goes.
"""

from __future__ import annotations

import threading
import weakref
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from downslope.objectives.calling import Call, arguments
from downslope.objectives.fingerprint import captured_bytes
from downslope.objectives.numpy_tracing import run_on_jax, where_it_left
from downslope.objectives.numpy_tracing.copies import Copies
from downslope.objectives.side_effects import Kept
from downslope.objectives.structure import Structure

_MOST_PROGRAMS = 64
_LARGE_CAPTURE = 2**24


@dataclass
class _Held:
    """Weak references to the user's functions, so that a kept program does not keep their data alive."""

    fun: Callable[[], Callable[..., Any] | None]
    jac: Callable[[], Callable[..., Any] | None]
    keeps_values: bool = False
    """Whether they keep what they compute, in a list or an attribute, and so must be called plainly as well."""


def _reference(fun: Callable[..., Any] | None) -> Callable[[], Callable[..., Any] | None]:
    try:
        return weakref.ref(fun)
    except TypeError:  # None, a built-in or a slotted callable
        return lambda: fun


@dataclass(eq=False)
class Program:
    """A function of a flat JAX vector, and what was compiled of it."""

    value: Callable[[Any], Any]
    value_and_gradient: Callable[[Any], tuple[Any, Any]]
    gradient: Callable[[Any], Any]
    compiles: bool
    reason: str
    """Why it does not compile; empty where it does."""
    held: _Held
    kernels: dict[Any, Any] = field(default_factory=dict)

    def attach(self, fun: Callable[..., Any], jac: Callable[..., Any] | None) -> Program:
        """Trace these functions from now on; they equal, by fingerprint, the ones that made the program."""
        self.held.fun, self.held.jac = _reference(fun), _reference(jac)
        return self

    def values(self, points: Any) -> Any:
        """The value at each row."""
        return jax.vmap(self.value)(points)

    def hessian(self, x: Any) -> Any:
        """The Hessian, symmetric to the last bit."""
        matrix = jax.jacfwd(self.gradient)(x)
        return (matrix + matrix.T) / 2

    def hessian_vector_product(self, x: Any, v: Any) -> Any:
        """Forward over reverse: the cost of a few gradients, and no matrix."""
        return jax.jvp(self.gradient, (x,), (v,))[1]

    def call(self, what: str, *arrays: np.ndarray) -> Any:
        """One of the functions above on NumPy arrays, compiled where possible."""
        function = getattr(self, what)
        with jax.enable_x64(True):
            if self.compiles:
                # Asked for first: wrapping a function takes longer than a small one's call.
                kernel = self.kernels.get(what) or self.kernels.setdefault(what, jax.jit(function))
                return jax.tree.map(np.asarray, kernel(*arrays))
            return jax.tree.map(np.asarray, function(*(jnp.asarray(a) for a in arrays)))


class UntraceableError(Exception):
    """A function leaves what JAX can follow; the message says how and where."""


def build(
    fun: Callable[..., Any],
    jac: Callable[..., Any] | None,
    structure: Structure,
    call: Call,
    x: np.ndarray,
    is_jax_code: bool,
) -> Program:
    """The program of `fun` (and of `jac`, where given) at the flat start x; UntraceableError where there is none."""
    held = _Held(_reference(fun), _reference(jac))
    known: dict[Any, Any] = {}

    def run(name: str, x: Any) -> Any:
        function = getattr(held, name)()
        if function is None:
            raise ReferenceError(f"`{name}` is gone, and its program is asked for something new")
        kept = Kept(function)
        try:
            prepared = Copies(known, only_arrays=True).of(function) if is_jax_code else run_on_jax(function)
            return prepared(*arguments(structure, call, x))
        finally:
            held.keeps_values |= kept.undo()

    def value(x: Any) -> Any:
        return jnp.reshape(jnp.asarray(run("fun", x)), ()).astype(x.dtype)

    def given_gradient(x: Any) -> Any:
        leaves = [jnp.ravel(jnp.asarray(leaf)) for leaf in jax.tree.leaves(run("jac", x))]
        return jnp.concatenate(leaves).astype(x.dtype)

    def given(x: Any) -> tuple[Any, Any]:
        return value(x), given_gradient(x)

    gradient = jax.grad(value) if jac is None else given_gradient
    value_and_gradient = jax.value_and_grad(value) if jac is None else given
    with jax.enable_x64(True):
        try:
            jax.make_jaxpr(value_and_gradient)(x)  # a NumPy array: putting it on the device compiles something
            if not held.keeps_values:
                return Program(value, value_and_gradient, gradient, True, "", held)
            reason = "keeps values that it computes, which a compiled function could not hand out"
        except Exception as error:  # whatever a user's code raises on traced values, it does not compile
            reason = why(error)
        try:
            value_and_gradient(jnp.asarray(x))
        except Exception as error:
            raise UntraceableError(why(error)) from error
    return Program(value, value_and_gradient, gradient, False, reason, held)


def why(error: Exception) -> str:
    """One line: what could not be traced, and where in the user's code."""
    kind = "branches on its values" if isinstance(error, jax.errors.ConcretizationTypeError) else None
    text = kind or " ".join(str(error).split(". ")[0].split())[:160] or type(error).__name__
    where = where_it_left(error)
    return f"{text} at {where}" if where else text


class ProgramCache:
    """The programs used last, by key; safe to use from several threads."""

    def __init__(self) -> None:
        self._programs: OrderedDict[Hashable, Program | UntraceableError] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Hashable) -> Program | UntraceableError | None:
        """The program of that key, marked as used last."""
        with self._lock:
            if key in self._programs:
                self._programs.move_to_end(key)
            return self._programs.get(key)

    def put(self, key: Hashable, program: Program | UntraceableError, fun: Callable[..., Any]) -> None:
        """Keep a program, and let the one used longest ago go."""
        with self._lock:
            self._programs[key] = program
            while len(self._programs) > _MOST_PROGRAMS:
                self._programs.popitem(last=False)
        if captured_bytes(fun) > _LARGE_CAPTURE:
            weakref.finalize(fun, self.drop, key)

    def drop(self, key: Hashable) -> None:
        """Forget a program."""
        with self._lock:
            self._programs.pop(key, None)


PROGRAMS = ProgramCache()
