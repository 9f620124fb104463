"""Lanes in plain JAX: optax's sgd in a vmap of a while_loop, and a vmap of a fori_loop."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import optax
from jax import lax


def until_flat(fun, rate, tolerance):
    """A compiled function of the starts (m, n): each one's last point and number of steps."""
    optimizer = optax.sgd(rate)
    slope = jax.grad(fun)

    def one(x):
        def goes_on(carry):
            _, _, gradient, n = carry
            return (jnp.max(jnp.abs(gradient)) > tolerance) & (n < 10_000)

        def step(carry):
            x, state, gradient, n = carry
            update, state = optimizer.update(gradient, state)
            x = optax.apply_updates(x, update)
            return x, state, slope(x), n + 1

        x, _, _, n = lax.while_loop(goes_on, step, (x, optimizer.init(x), slope(x), 0))
        return x, n

    return jax.jit(jax.vmap(one))


def fixed_steps(fun, rate, n_steps):
    """A compiled function of the starts (m, n): where they are after so many steps."""
    slope = jax.grad(fun)
    return jax.jit(jax.vmap(lambda x: lax.fori_loop(0, n_steps, lambda _, x: x - rate * slope(x), x)))
