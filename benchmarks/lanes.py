"""Many runs at once, beside what a good engineer would write in JAX.

Himmelblau, 262,144 random starts, rate 0.005, tolerance 1e-6: `downslope.sweep` and optax's sgd in a jax.vmap of a
lax.while_loop, each on both cores as it finds them. Then 100,000 starts with 1,000 fixed steps of Rosenbrock, beside a
jax.vmap of a fori_loop. Goals: 10 times optax, and 7 times the naive vmap.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from timing import interleaved, median_ratio, print_machine, print_table

import downslope

RATE, TOLERANCE = 0.005, 1e-6


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def with_optax(starts):
    """Each start's last point and number of steps; a lane that has ended waits for the slowest."""
    optimizer = optax.sgd(RATE)
    slope = jax.grad(himmelblau)

    def one(x):
        def goes_on(carry):
            _, _, gradient, n = carry
            return (jnp.max(jnp.abs(gradient)) > TOLERANCE) & (n < 10_000)

        def step(carry):
            x, state, gradient, n = carry
            update, state = optimizer.update(gradient, state)
            x = optax.apply_updates(x, update)
            return x, state, slope(x), n + 1

        x, _, _, n = lax.while_loop(goes_on, step, (x, optimizer.init(x), slope(x), 0))
        return x, n

    return jax.jit(jax.vmap(one))(starts)


def fixed_steps(starts):
    """1,000 steps of plain gradient descent."""
    slope = jax.grad(rosenbrock)
    return jax.jit(jax.vmap(lambda x: lax.fori_loop(0, 1000, lambda _, x: x - 0.001 * slope(x), x)))(starts)


def main():
    """Compare results, then times."""
    print(__doc__)
    print_machine("jax", "optax", "numpy")
    draws = np.random.default_rng(0)
    starts, fewer = draws.uniform(-5, 5, (262_144, 2)), draws.uniform(-1, 1, (100_000, 2))
    with jax.enable_x64(True):
        compiled, naive = jax.jit(with_optax), jax.jit(fixed_steps)

        def ours():
            return downslope.sweep(himmelblau, starts=starts, learning_rates=RATE, gradient_tolerance=TOLERANCE)

        def optax_vmap():
            return jax.block_until_ready(compiled(starts))

        found, (x, n) = ours(), optax_vmap()
        same = int(np.sum(found.n_steps == np.asarray(n)))
        farthest = np.max(np.abs(found.x - np.asarray(x)))
        print(f"step counts equal in {same:,} of {len(starts):,} lanes, mean {found.n_steps.mean():.1f}, slowest "
              f"{found.n_steps.max()}; largest distance of the ends {farthest:.1e}")  # fmt: skip
        seconds = interleaved({"downslope.sweep": ours, "optax in vmap of while_loop": optax_vmap}, rounds=7)
        print_table(seconds)
        ours_s, theirs_s = seconds.values()
        print(f"downslope is {median_ratio(theirs_s, ours_s):.1f} times as fast (median of ratios)\n")

        def ours_fixed():
            options = {"max_steps": 1000, "gradient_tolerance": None}
            return downslope.sweep(rosenbrock, starts=fewer, learning_rates=0.001, **options)

        seconds = interleaved(
            {
                "downslope.sweep, fixed steps": ours_fixed,
                "vmap of fori_loop": lambda: jax.block_until_ready(naive(fewer)),
            },
            rounds=5,
        )
        print_table(seconds)
        ours_s, theirs_s = seconds.values()
        print(f"downslope is {median_ratio(theirs_s, ours_s):.1f} times as fast (median of ratios)")


if __name__ == "__main__":
    main()
