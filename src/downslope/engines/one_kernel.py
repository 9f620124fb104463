"""A loop of little work, compiled as one kernel.

On the CPU, XLA calls an operation of a loop's body at a time, which costs more than the operation where it works on a
few numbers; only where a pass touches less than a kilobyte it compiles the loop as a whole. The same can be asked for
by an attribute of a call: then Adam on Rosenbrock's function makes 10 times as many steps a second, and any rule on 10
variables about 5 times as many. Such a kernel runs on one core and calls no library, so it is asked for only where all
of the loop's operations are plain arithmetic on short arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import jax
import jax.numpy as jnp
from jax.experimental.xla_metadata import set_xla_metadata

LONGEST = 4096
"""Numbers in an array of the loop's body: 32 KB, a core's first cache. Longer ones are worth XLA's own libraries."""
_PLAIN = frozenset(
    # of JAX's primitives
    """
    abs acos acosh add add_any and argmax argmin asin asinh atan atan2 atanh bitcast_convert_type broadcast_in_dim
    cbrt ceil clamp closed_call concatenate cond convert_element_type copy_p cos cosh cummax cummin cumprod cumsum
    custom_jvp_call custom_vjp_call digamma div dot_general dynamic_slice eq erf erf_inv erfc exp exp2 expand_dims
    expm1 floor gather ge gt integer_pow iota is_finite jit le lgamma log log1p logistic lt max min mul ne neg
    nextafter not or pad pjit population_count pow random_bits random_fold_in random_seed random_unwrap random_wrap
    reduce_and reduce_max reduce_min reduce_or reduce_prod reduce_sum rem reshape rev round rsqrt scan select_n
    shift_left shift_right_arithmetic shift_right_logical sign sin sinh slice split sqrt square squeeze stack
    stop_gradient sub tan tanh threefry2x32 transpose while xor
    """.split()  # noqa: SIM905
)
_WRITES = frozenset({"dynamic_update_slice"})
"""What writes a row into a long buffer, in place."""


def jit_loop(loop: Callable[..., Any]) -> Callable[..., Any]:
    """`jax.jit` of a function that is little but a loop."""
    program, plain = with_all_needed(loop), jax.jit(loop)
    is_refused = False

    def run(*args: Any) -> Any:
        nonlocal is_refused
        if not is_refused:
            try:
                return program(*args)[1]
            except jax.errors.JaxRuntimeError as error:
                if "UNIMPLEMENTED" not in str(error):
                    raise
                is_refused = True  # XLA has something in mind for an operation that such a kernel cannot hold
        return plain(*args)

    return run


def with_all_needed(loop: Callable[..., Any]) -> Callable[..., Any]:
    """The compiled program, with a first result that is of no use but to need all arguments."""

    @jax.jit
    def inner(*args: Any) -> Any:
        # XLA ends the process where such a call has an argument that it came not to need: so each is needed.
        return _something_of_each(args), loop(*args)

    @jax.jit
    def outer(*args: Any) -> Any:
        needed, found = inner(*args)
        if jax.default_backend() == "cpu" and is_plain(jax.make_jaxpr(inner)(*args).jaxpr):
            # The attributes are those of the call which this is a result of. It is not to be put in its caller's place.
            needed = set_xla_metadata(  # type: ignore[no-untyped-call]
                needed, inlineable="false", xla_cpu_small_call="true"
            )
        return needed, found

    return outer


def _something_of_each(args: Any) -> Any:
    leaves = [jnp.ravel(_numbers(leaf)) for leaf in jax.tree.leaves(args)]
    return sum(leaf[0].astype(float) for leaf in leaves if leaf.size)


def _numbers(leaf: Any) -> Any:
    is_key = jnp.issubdtype(jnp.result_type(leaf), jax.dtypes.prng_key)
    return jax.random.key_data(leaf) if is_key else leaf


def is_plain(program: Any) -> bool:
    """Whether all that a program's loops do is plain arithmetic on short arrays."""
    return all(_is_plain(equation, inside) for equation, inside in _equations(program, False))


def _is_plain(equation: Any, inside: bool) -> bool:
    name = equation.primitive.name
    if name in _WRITES or not inside:
        return name in _PLAIN | _WRITES
    if any(True for _ in _programs_of(equation)):  # they are looked at themselves
        return name in _PLAIN
    if name == "dot_general" and all(v.aval.ndim > 1 for v in equation.invars):
        return False  # of matrices, which is a library's
    is_short = all(getattr(v.aval, "size", 1) <= LONGEST for v in (*equation.invars, *equation.outvars))
    return name in _PLAIN and is_short


def _equations(program: Any, inside: bool) -> Iterator[tuple[Any, bool]]:
    """All equations, and whether each is inside a loop."""
    for equation in program.eqns:
        yield equation, inside
        for inner in _programs_of(equation):
            yield from _equations(inner, inside or equation.primitive.name in ("while", "scan"))


def _programs_of(equation: Any) -> Iterator[Any]:
    for leaf in jax.tree.leaves(
        list(equation.params.values()), is_leaf=lambda p: hasattr(p, "eqns") or hasattr(p, "jaxpr")
    ):
        if hasattr(leaf, "jaxpr"):
            yield leaf.jaxpr
        elif hasattr(leaf, "eqns"):
            yield leaf
