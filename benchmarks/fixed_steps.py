"""1,000 fixed steps of Rosenbrock's function on 100,000 lanes: million steps a second.

`downslope.sweep` looks at each step whether the lane ends there and keeps what it tells of the way; the others step
blindly: a jax.vmap of a fori_loop, numba with prange, and C with vector instructions (peers/fixed_steps.c, which says
how it is compiled). Goals: 7 times the naive vmap, and 40% of the C.
"""

from __future__ import annotations

import jax
import numpy as np
from peers import c_lanes, jax_lanes, numba_lanes
from timing import interleaved, median_ratio, print_machine, print_table

import downslope

RATE, N_STEPS, N_LANES = 0.001, 1000, 100_000


def rosenbrock(x):
    return 100 * (x[1] - x[0] ** 2) ** 2 + (1 - x[0]) ** 2


def main():
    """Compare results, then times."""
    print(__doc__)
    print_machine("jax", "numba", "numpy")
    starts = np.random.default_rng(0).uniform(-1, 1, (N_LANES, 2))
    in_c = c_lanes.rosenbrock_fixed_steps()
    with jax.enable_x64(True):
        naive = jax_lanes.fixed_steps(rosenbrock, RATE, N_STEPS)
        candidates = {
            "downslope.sweep": lambda: downslope.sweep(
                rosenbrock, starts=starts, learning_rates=RATE, max_steps=N_STEPS, gradient_tolerance=None
            ),
            "vmap of fori_loop": lambda: jax.block_until_ready(naive(starts)),
            "numba with prange": lambda: numba_lanes.rosenbrock_fixed_steps(starts, RATE, N_STEPS),
        }
        if in_c is not None:
            candidates["C"] = lambda: in_c(starts, RATE, N_STEPS)
        found = candidates["downslope.sweep"]()
        for name in list(candidates)[1:]:
            print(f"{name}: largest distance of the ends {np.max(np.abs(found.x - candidates[name]())):.1e}")
        seconds = interleaved(candidates, rounds=9)
    print()
    print_table(seconds)
    for name, values in seconds.items():
        print(f"{N_LANES * N_STEPS / np.median(values) / 1e6:8,.0f} million steps a second: {name}")
    ours = seconds.pop("downslope.sweep")
    for name, theirs in seconds.items():
        print(f"{median_ratio(theirs, ours):8.2f} times the speed of {name} (median of ratios)")


if __name__ == "__main__":
    main()
