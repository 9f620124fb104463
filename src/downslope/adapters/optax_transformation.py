"""Our methods as optax transformations, for training loops that are written with optax.

    state = transformation.init(params)
    updates, state = transformation.update(grads, state, params, value=..., value_fn=...)
    params = optax.apply_updates(params, updates)

A rule that uses elementwise operators alone goes leaf by leaf over the parameters, so that shapes, dtypes and
shardings stay. Newton, the searches, and a method of yours with inner products need all coordinates at once:
they see the parameters as one flat vector, as in `minimize`. Half precision is computed in single and stored
in half: epsilon = 1e-8 is zero in float16, and beta2 = 0.999 is one in bfloat16.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import jax

from downslope.adapters.leaf_by_leaf import LeafByLeaf, kinds_of_state
from downslope.adapters.whole_vector import WholeVector
from downslope.coefficients import check_in_interval, coefficients
from downslope.errors import InvalidInput, MissingExtra
from downslope.learning_rates import Constant, Custom, LearningRate, Schedule, WarmUp, as_learning_rate
from downslope.methods import Method, as_method

if TYPE_CHECKING:
    import optax


def as_optax(method: str | Method, learning_rate: Any = None) -> optax.GradientTransformationExtraArgs:
    """A method and its learning rate as an optax transformation.

    Parameters
    ----------
    method
        A name from `downslope.methods.METHODS` or a `Method`, yours included. Coefficients may be JAX values.
    learning_rate
        A number; a flat array with one rate a coordinate, in the order of the parameters' leaves; a schedule or
        search from `downslope.learning_rates`; an optax schedule or another function of the step's count, called
        while JAX traces; a JAX value, which is not checked, so that `optax.inject_hyperparams` and `jax.vmap` can
        set it; or None: what `minimize` takes, which is Armijo backtracking where the method always points downhill.

    Returns
    -------
    optax.GradientTransformationExtraArgs
        Its `update(grads, state, params, value=..., value_fn=...)` needs `value`, the loss at `params`, for Polyak
        and Backtracking, and `value_fn`, the loss as a function of the parameters, for Backtracking and Newton;
        extra arguments that `value_fn` has parameters for are passed on to it. A search belongs last in a chain,
        since it measures the step that it returns, and outside `optax.masked`, which hides parameters that `value_fn`
        needs; `state.learning_rate` is the rate that it found. Where it finds none, the update and this rate are 0,
        and the rest of the state stays for the next batch.

    Raises
    ------
    InvalidInput
        A parameter breaks a rule, at construction; parameters are complex, or an argument is missing, later.
    MissingExtra
        optax is not installed.

    >>> import jax, optax
    >>> def loss(p):
    ...     return (p["slope"] - 1) ** 2 + 4 * p["offset"] ** 2
    >>> params = {"slope": 3.0, "offset": 1.0}
    >>> transformation = optax.chain(optax.clip(10.0), as_optax("momentum", 0.05))
    >>> state = transformation.init(params)
    >>> for _ in range(200):
    ...     updates, state = transformation.update(jax.grad(loss)(params), state, params)
    ...     params = optax.apply_updates(params, updates)
    >>> abs(params["slope"] - 1) < 1e-3, abs(params["offset"]) < 1e-3
    (Array(True, dtype=bool), Array(True, dtype=bool))
    """
    try:
        import optax
    except ImportError as error:
        raise MissingExtra("as_optax", "optax", extra="optax") from error
    chosen = _checked_method(method)
    rate = _checked_rate(learning_rate, chosen)
    if isinstance(rate, Schedule) and (kinds := kinds_of_state(chosen)) is not None:
        by_leaf = LeafByLeaf(chosen, rate, kinds)
        return optax.GradientTransformationExtraArgs(by_leaf.init, by_leaf.update)
    whole = WholeVector(chosen, rate)
    return optax.GradientTransformationExtraArgs(whole.init, whole.update)


def _checked_method(given: Any) -> Method:
    """The method, with the coefficients checked that are numbers already."""
    method: Method = given if isinstance(given, Method) else as_method(given)
    if getattr(method, "brings_rate", False):
        raise InvalidInput("method", "must be one of ours; another library's is used there as it is", method)
    for name, interval in coefficients(method).items():
        if not isinstance(value := getattr(method, name), jax.Array):
            check_in_interval(f"{type(method).__name__}.{name}", value, interval)
    return method


def _checked_rate(rate: Any, method: Method) -> LearningRate:
    if isinstance(rate, jax.Array):
        return Constant(rate)
    return _traceable(as_learning_rate(rate, method))


@dataclass(frozen=True, eq=False)
class _Traced(Schedule):
    """A function of the step's count that JAX calls once, for all steps: what it gives cannot be looked at."""

    function: Callable[[Any], Any]

    def __call__(self, step: Any) -> Any:
        return self.function(step)


def _traceable(rate: LearningRate) -> LearningRate:
    if isinstance(rate, Custom):
        return _Traced(rate.function)
    if isinstance(rate, WarmUp):
        inner: Any = _traceable(rate.schedule)
        return WarmUp(inner, rate.n_steps)
    return rate
