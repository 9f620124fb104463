"""How a sweep's cost grows with its lanes, from 1e3 to 1e7, and what a basin map takes in a new process.

Himmelblau, random starts, rate 0.005, tolerance 1e-6; the largest with results streamed to a folder. Goals: time a lane
that does not grow, 2 GiB, and at most 3 s for 1,024 x 1,024 starts, compiling and the import included.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time

import numpy as np
from timing import print_machine

import downslope

BASINS = """
import time
began = time.perf_counter()
import downslope
found = downslope.basins("himmelblau", [(-5, 5), (-5, 5)], resolution=1024, learning_rate=0.005)
print(time.perf_counter() - began, len(found.minima))
"""


def himmelblau(x):
    return (x[0] ** 2 + x[1] - 11) ** 2 + (x[0] + x[1] ** 2 - 7) ** 2


def seconds_of(n, **where):
    """Seconds of a sweep of n random starts, and how many of them converged."""
    starts = np.random.default_rng(0).uniform(-5, 5, (n, 2))
    began = time.perf_counter()
    found = downslope.sweep(himmelblau, starts=starts, learning_rates=0.005, gradient_tolerance=1e-6, **where)
    return time.perf_counter() - began, found.converged_fraction


def main():
    """Measure growth, memory and the map."""
    print(__doc__)
    print_machine("jax", "numpy")
    seconds_of(1000)
    print("     lanes   seconds  microseconds a lane  converged   (medians of 5; of 3 from a million on)")
    for n in 10 ** np.arange(3, 7):
        seconds, converged = zip(*(seconds_of(int(n)) for _ in range(5 if n < 10**6 else 3)), strict=True)
        middle = float(np.median(seconds))
        print(f"{n:10,}{middle:10.4f}{1e6 * middle / n:21.3f}{converged[0]:11.4f}")
    with tempfile.TemporaryDirectory() as folder:
        seconds, converged = seconds_of(10**7, path=f"{folder}/sweep")
    print(f"{10**7:10,}{seconds:10.4f}{seconds / 10:21.3f}{converged:11.4f}   streamed to Parquet")
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20:.2f} GiB\n")
    times = []
    for _ in range(5):
        words = subprocess.run(
            [sys.executable, "-c", BASINS], capture_output=True, text=True, check=True
        ).stdout.split()
        times.append(float(words[0]))
    print(f"basins of 1,024 x 1,024 starts in a new process: {np.median(times):.2f} s "
          f"(least {min(times):.2f}, most {max(times):.2f}), {words[1]} minima")  # fmt: skip


if __name__ == "__main__":
    main()
