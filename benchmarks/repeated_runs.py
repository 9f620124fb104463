"""200 steps in two variables, again and again with new rates and starts, warm: what a slider costs.

Goal: at most 2 ms each.
"""

from __future__ import annotations

import itertools

import numpy as np
from timing import interleaved, print_machine, print_table

import downslope

BATCH = 50


def main():
    """Measure batches of runs, each with its own start and rate, and print the time of one."""
    print(__doc__)
    print_machine("jax", "numpy")
    draws = np.random.default_rng(0)
    fresh = itertools.count()

    def formula():
        for _ in range(BATCH):
            start, rate = draws.uniform(-9, 9, 2), 0.05 + 1e-4 * next(fresh) % 0.5
            run = downslope.minimize("bowl_2d", start, learning_rate=rate, max_steps=200, gradient_tolerance=None)
            assert run.n_steps <= 200

    def numpy_function():
        for _ in range(BATCH):
            start, rate = draws.uniform(-9, 9, 2), 0.05 + 1e-4 * next(fresh) % 0.5
            run = downslope.minimize(lambda x: 0.2 * x[0] ** 2 + np.cos(x[1]), start, learning_rate=rate, max_steps=200)
            assert run.n_steps <= 200

    seconds = interleaved({"gallery name": formula, "NumPy lambda, made anew": numpy_function}, rounds=15)
    print_table({name: [s / BATCH for s in values] for name, values in seconds.items()}, unit="ms a run")


if __name__ == "__main__":
    main()
