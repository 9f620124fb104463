"""What a sweep in two Dask workers of one core each costs and gains, beside the same sweep in one process on two cores.

Both have two cores, so that a ratio of 1 is the best there can be: what is above is Dask's messages, the results' way
here and, with a folder, the one process that writes it. Workers are there and programs compiled before; what the first
sweep of a new cluster takes is told apart.

    python benchmarks/sweep_workers.py [--rounds 3]
"""

from __future__ import annotations

import argparse
import tempfile
import time
from pathlib import Path

import numpy as np
from timing import interleaved, median_ratio, print_machine, print_table

import downslope
from downslope.sweeps.workers import connected


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def rosenbrock(x):
    return np.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def starts(n, size=2):
    return np.random.default_rng(0).uniform(-2, 2, (n, size))


SWEEPS = {
    "a million short runs": (himmelblau, {"starts": starts(2**20), "learning_rates": 0.005}),
    "the same into a folder": (himmelblau, {"starts": starts(2**20), "learning_rates": 0.005, "path": "sweep"}),
    "8,192 runs of 5,000 steps, 20 variables": (
        rosenbrock,
        {"starts": starts(8192, 20), "learning_rates": 2e-4, "gradient_tolerance": None, "max_steps": 5000},
    ),
}


def main():
    """Measure each sweep here and there, in turn."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    rounds = parser.parse_args().rounds
    print(__doc__)
    print_machine("jax", "distributed")
    began = time.perf_counter()
    with connected(None, 2) as client, tempfile.TemporaryDirectory() as parent:
        print(f"two workers started in {time.perf_counter() - began:.1f} s")
        number = iter(range(10**6))

        def run(fun, options, **where):
            if "path" in options:
                options = options | {"path": Path(parent) / f"sweep{next(number)}"}
            began = time.perf_counter()
            downslope.sweep(fun, **options, **where)
            return time.perf_counter() - began

        for name, (fun, options) in SWEEPS.items():
            first = {"one process": run(fun, options), "two workers": run(fun, options, scheduler=client)}
            candidates = {
                "one process": lambda fun=fun, options=options: run(fun, options),
                "two workers": lambda fun=fun, options=options: run(fun, options, scheduler=client),
            }
            seconds = interleaved(candidates, rounds)
            print(f"\n{name}; first time, compiling included: "
                  f"{', '.join(f'{where} {taken:.1f} s' for where, taken in first.items())}")  # fmt: skip
            print_table(seconds, "s", 1)
            print(f"workers to process: {median_ratio(seconds['two workers'], seconds['one process']):.2f}")


if __name__ == "__main__":
    main()
