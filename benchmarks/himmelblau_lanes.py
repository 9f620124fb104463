"""262,144 runs that each stop on their own, beside what a good engineer would write.

Himmelblau, random starts, rate 0.005, tolerance 1e-6: `downslope.sweep`, optax's sgd in a jax.vmap of a
lax.while_loop, numba with prange and the gradient by hand, a batch in PyTorch, and SciPy's BFGS in a loop (512 starts,
scaled up). All use both cores as they find them. Goals: 10 times optax and 1.2 times numba.
"""

from __future__ import annotations

import jax
import numpy as np
import scipy.optimize
from peers import jax_lanes, numba_lanes, torch_lanes
from timing import interleaved, median_ratio, print_machine, print_table

import downslope

RATE, TOLERANCE = 0.005, 1e-6
N_LANES, N_SCIPY = 262_144, 512


def of_coordinates(x, y):
    """Himmelblau's function."""
    return (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2


def himmelblau(x):
    return of_coordinates(x[0], x[1])


def main():
    """Compare results, then times."""
    print(__doc__)
    print_machine("jax", "optax", "numba", "torch", "scipy", "numpy")
    starts = np.random.default_rng(0).uniform(-5, 5, (N_LANES, 2))
    with jax.enable_x64(True):
        compiled = jax_lanes.until_flat(himmelblau, RATE, TOLERANCE)

        def scipy_loop():
            for start in starts[:N_SCIPY]:
                scipy.optimize.minimize(himmelblau, start, method="BFGS", options={"gtol": TOLERANCE})

        candidates = {
            "downslope.sweep": lambda: downslope.sweep(
                himmelblau, starts=starts, learning_rates=RATE, gradient_tolerance=TOLERANCE
            ),
            "optax in vmap of while_loop": lambda: jax.block_until_ready(compiled(starts)),
            "numba with prange": lambda: numba_lanes.himmelblau_until_flat(starts, RATE, TOLERANCE),
            "batch in PyTorch": lambda: torch_lanes.until_flat(of_coordinates, starts, RATE, TOLERANCE),
        }
        found = candidates["downslope.sweep"]()
        for name in list(candidates)[1:]:
            x, n = (np.asarray(part) for part in candidates[name]())
            print(f"{name}: as many steps in {np.sum(found.n_steps == n):,} of {N_LANES:,} lanes; "
                  f"largest distance of the ends {np.max(np.abs(found.x - x)):.1e}")  # fmt: skip
        print(f"steps: mean {found.n_steps.mean():.1f}, most {found.n_steps.max()}\n")
        seconds = interleaved(candidates | {f"SciPy's BFGS, {N_SCIPY} starts": scipy_loop}, rounds=9)
        scipy_seconds = seconds.pop(f"SciPy's BFGS, {N_SCIPY} starts")
        seconds["SciPy's BFGS in a loop (scaled)"] = [s * N_LANES / N_SCIPY for s in scipy_seconds]
        print_table(seconds)
        ours = seconds.pop("downslope.sweep")
        for name, theirs in seconds.items():
            print(f"{median_ratio(theirs, ours):8.1f} times as fast as {name} (median of ratios)")


if __name__ == "__main__":
    main()
