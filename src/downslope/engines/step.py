"""One step of any descent: what both engines do, written once for NumPy and JAX.

    look    the loss and gradient at a point
    leave   the learning rate and the step away from it, with the facts that say whether the run goes on

A row of the record is a `look` with the rate of the `leave` that follows it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from downslope.learning_rates import Here, LearningRate
from downslope.methods import Method, Surroundings
from downslope.stopping import Facts, Limits, goes_on


class Oracle(NamedTuple):
    """The objective on flat vectors of one array library."""

    value: Callable[[Any], Any]
    value_and_gradient: Callable[[Any], tuple[Any, Any]]
    hessian: Callable[[Any], Any]
    traceable: Callable[[Any], Any] | None = None
    """`value` on JAX's arrays, where the others are NumPy's and it exists."""


class Library(NamedTuple):
    """What differs between plain Python with NumPy and a traced JAX program."""

    xp: Any
    while_loop: Callable[[Callable[[Any], Any], Callable[[Any], Any], Any], Any]
    unchanged: Callable[[Any, Any, Callable[[], Any]], tuple[Any, Any]]
    """unchanged(new, old, again): whether the point, and whether point and state, are equal to the last bit.

    `new` and `old` are pairs of point and state; `again` computes `new` anew."""


class Rules(NamedTuple):
    """How a run goes; numbers and arrays alone, apart from the types of method and learning rate."""

    method: Method
    learning_rate: LearningRate
    limits: Limits
    bounds: tuple[Any, Any] | None
    noise: Any
    """Standard deviation of what is added to each component of the gradient; None for none."""
    seed: Any


class Position(NamedTuple):
    """Where a descent stands and what it remembers."""

    step: Any
    x: Any
    method_state: Any
    rate_state: Any


class View(NamedTuple):
    """What is seen from a position."""

    loss: Any
    gradient: Any
    gradient_size: Any
    facts: Facts


class Departure(NamedTuple):
    """The step away from a position."""

    learning_rate: Any
    n_trials: Any
    position: Position
    facts: Facts


def start(rules: Rules, x: Any) -> Position:
    """The position before the first step."""
    return Position(0, x, rules.method.init(x), rules.learning_rate.init(x))


def look(oracle: Oracle, library: Library, rules: Rules, position: Position) -> View:
    """Evaluate the point."""
    xp, x = library.xp, position.x
    loss, gradient = oracle.value_and_gradient(x)
    # The largest component never overflows where the gradient is finite, and is not finite where it is not.
    size = xp.max(xp.abs(gradient))
    stationarity = size
    if rules.bounds is not None:
        stationarity = xp.max(xp.abs(_project(xp, rules, x - gradient) - x))
    finite = xp.isfinite(loss) & xp.isfinite(size)
    # The step count is left out: on the last row, too, a search may fail or a step stall.
    return View(loss, gradient, size, Facts(-1, finite, loss, stationarity))


def leave(oracle: Oracle, library: Library, rules: Rules, position: Position, view: View) -> Departure:
    """Choose a rate and make the step; `facts` then tell whether it counts."""
    xp, (k, x, method_state, rate_state) = library.xp, position
    noise = None if rules.noise is None else rules.noise * standard_normal(rules.seed, k, x)
    hessian = oracle.hessian(x) if rules.method.needs_hessian else None

    def step_and_state(rate: Any, gradient: Any) -> tuple[Any, Any]:
        noisy = gradient if noise is None else gradient + noise
        extra: tuple[Any, ...] = () if hessian is None else (_free_hessian(xp, rules, hessian, x, noisy),)
        if rules.method.brings_rate:
            extra = (_surroundings(oracle, xp, rules, x, view.loss, gradient),)
        step, state = rules.method.update(noisy, method_state, rate, *extra)
        return _project(xp, rules, x + step), state

    last = k >= rules.limits.max_steps  # its step is never made, and not worth a search
    here = Here(
        step=k,
        x=x,
        loss=view.loss,
        gradient=view.gradient,
        move=lambda rate: step_and_state(rate, view.gradient)[0],
        value=oracle.value,
        running=goes_on(view.facts, rules.limits) & (last ^ True),
        xp=xp,
        while_loop=library.while_loop,
    )
    choice = rules.learning_rate.choose(rate_state, here)
    new_x, new_state = step_and_state(choice.rate, view.gradient)
    unmoved, stalled = library.unchanged(
        (new_x, new_state), (x, method_state), lambda: step_and_state(choice.rate, oracle.value_and_gradient(x)[1])
    )
    facts = view.facts._replace(
        step=k, at_rest=unmoved & (view.facts.stationarity == 0), found=choice.found | last, stalled=stalled
    )
    rate, n_trials = rules.method.report(new_state) if rules.method.brings_rate else (choice.rate, choice.n_trials)
    return Departure(rate, n_trials, Position(k + 1, new_x, new_state, choice.state), facts)


def standard_normal(seed: Any, step: Any, like: Any) -> Any:
    """Normal numbers that depend on the seed and the step's count alone, so that every engine draws the same."""
    import jax

    with jax.enable_x64(True):
        key = jax.random.fold_in(jax.random.key(seed), step)
        drawn = jax.random.normal(key, like.shape, like.dtype)
    return drawn if isinstance(like, jax.Array) else np.asarray(drawn)


def _project(xp: Any, rules: Rules, x: Any) -> Any:
    return x if rules.bounds is None else xp.clip(x, *rules.bounds)


def _surroundings(oracle: Oracle, xp: Any, rules: Rules, x: Any, loss: Any, gradient: Any) -> Surroundings:
    """What another library's rule may ask for, never outside the bounds."""
    traceable = oracle.traceable
    return Surroundings(
        x,
        loss,
        gradient,
        value=lambda point: oracle.value(_project(xp, rules, point)),
        value_and_gradient=lambda point: oracle.value_and_gradient(_project(xp, rules, point)),
        traceable=traceable and (lambda point: traceable(point if rules.bounds is None else point.clip(*rules.bounds))),
    )


def _free_hessian(xp: Any, rules: Rules, hessian: Any, x: Any, gradient: Any) -> Any:
    """The Hessian without the coordinates that a bound holds.

    Projecting a full Newton step can point uphill; on the free coordinates alone it cannot
    (Bertsekas 1982).
    """
    if rules.bounds is None:
        return hessian
    lower, upper = rules.bounds
    held = ((x <= lower) & (gradient > 0)) | ((x >= upper) & (gradient < 0))
    free = ~held[:, None] & ~held[None, :]
    return xp.where(free, hessian, xp.eye(x.shape[0], dtype=x.dtype))


def same(xp: Any, new: Any, old: Any) -> Any:
    """Whether two states, which are arrays or containers of them, are equal to the last bit."""
    from jax import tree_util

    equal: Any = True
    for left, right in zip(tree_util.tree_leaves(new), tree_util.tree_leaves(old), strict=True):
        equal = equal & xp.all(left == right)
    return equal
