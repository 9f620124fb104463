"""100,000 recorded steps of the dart at rate 1e-5: point, loss and gradient at each step.

Against a plain Python loop (math module, gradient by hand, the same record) and against optax's sgd in a
hand-compiled lax.scan that records the same. Neither peer tests for an end, which downslope does at each step.

Goals: at least 20 times faster than plain Python; at most 1.3 times the time of optax.
"""

from __future__ import annotations

import math

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import lax
from timing import interleaved, median_ratio, print_machine, print_table

import downslope

N_STEPS, RATE = 100_000, 1e-5


def dart(t):
    """Squared miss of a dart at 10 m, 10 m/s, g = 9.8 m/s2; t is the angle in radians."""
    return 0.5 * (10 * math.tan(t) - 4.9 / math.cos(t) ** 2) ** 2


def dart_slope(t):
    """Its derivative, by hand."""
    height = 10 * math.tan(t) - 4.9 / math.cos(t) ** 2
    return height * (10 / math.cos(t) ** 2 - 9.8 * math.sin(t) / math.cos(t) ** 3)


def plain_python():
    """The loop that a textbook prints."""
    t, points, losses, slopes = 0.0, [], [], []
    for _ in range(N_STEPS + 1):
        slope = dart_slope(t)
        points.append(t)
        losses.append(dart(t))
        slopes.append(slope)
        t -= RATE * slope
    return points, losses, slopes


def plain_python_with_ends():
    """The same, testing at each step for the ends that a Run tells apart."""
    t, points, losses, slopes, rates = 0.0, [], [], [], []
    for n in range(N_STEPS + 1):
        loss, slope = dart(t), dart_slope(t)
        points.append(t)
        losses.append(loss)
        slopes.append(abs(slope))
        rates.append(RATE)
        if not (math.isfinite(loss) and math.isfinite(slope)) or loss <= -math.inf or slope == 0:
            break
        new = t - RATE * slope
        if new == t or n == N_STEPS:
            break
        t = new
    return points, losses, slopes, rates


def optax_scan():
    """A compiled function that makes and records the same steps."""

    def loss(t):
        return 0.5 * (10 * jnp.tan(t) - 4.9 / jnp.cos(t) ** 2) ** 2

    optimiser = optax.sgd(RATE)

    def step(carry, _):
        t, state = carry
        value, slope = jax.value_and_grad(loss)(t)
        update, state = optimiser.update(slope, state)
        return (optax.apply_updates(t, update), state), (t, value, slope)

    with jax.enable_x64(True):
        run = jax.jit(lambda t: lax.scan(step, (t, optimiser.init(t)), None, length=N_STEPS + 1)[1])

    def call():
        with jax.enable_x64(True):
            return jax.tree.map(np.asarray, run(0.0))

    return call


def ours():
    """The library's front door."""
    return downslope.minimize("dart", 0.0, learning_rate=RATE, max_steps=N_STEPS, gradient_tolerance=None)


def main():
    """Measure, check that all three walked the same path, and print the ratios."""
    print(__doc__)
    print_machine("jax", "optax", "numpy")
    peer = optax_scan()
    run, (points, losses, slopes), plain = ours(), peer(), plain_python()
    assert run.n_steps == N_STEPS
    for record in ((points, losses, np.abs(slopes)), (plain[0], plain[1], np.abs(plain[2]))):
        for mine, other in zip((run.path, run.losses, run.gradient_norms), record, strict=True):
            # 1e5 steps of rounding, 1e-16 each, in a run that contracts.
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12)
    seconds = interleaved({"downslope.minimize": ours, "optax in lax.scan": peer}, rounds=41)
    beside = {
        "downslope.minimize, beside Python": ours,
        "plain Python": plain_python,
        "plain Python, testing for ends": plain_python_with_ends,
    }
    seconds |= interleaved(beside, rounds=9)
    print_table(seconds)
    alone, ends = (
        median_ratio(seconds[name], seconds["downslope.minimize, beside Python"])
        for name in ("plain Python", "plain Python, testing for ends")
    )
    slower = median_ratio(seconds["downslope.minimize"], seconds["optax in lax.scan"])
    print(f"plain Python / downslope: {alone:.1f}, testing for ends {ends:.1f} (goal: at least 20)")
    print(f"downslope / optax:        {slower:.2f} (goal: at most 1.3)")


if __name__ == "__main__":
    main()
