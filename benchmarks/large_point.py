"""1,000,000 variables, sum(x^2), record="losses": memory, and memory bandwidth beside a NumPy copy.

A step has to read the point for its loss and gradient, which are tested before the update, then read it again and
write it: three passes of 8 MB. (XLA reads it once more for the gradient's size, and copies it once; that is not
counted as useful.) A NumPy copy reads and writes: two passes.

Memory is the peak of what the process holds, with an allocator that returns large blocks at once (glibc keeps
them for reuse otherwise, and the peak would show what was once held). What compiling holds is told apart.

Goals: memory at most 6 times the vector; at least 50% of the copy's bandwidth.
"""

from __future__ import annotations

import os
import statistics
import sys
import threading
import time
from pathlib import Path

import numpy as np
from timing import print_machine

import downslope

N, N_STEPS, ROUNDS, PASSES = 1_000_000, 300, 9, 3


def loss(x):
    """Plain NumPy."""
    return np.sum(x**2)


def resident_bytes():
    """What the process holds in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


def run(start):
    """300 steps, losses alone recorded."""
    return downslope.minimize(
        loss, start, learning_rate=1e-3, max_steps=N_STEPS, record="losses", gradient_tolerance=None
    )


def peak_bytes(start):
    """The most that a run adds to the process, sampled every 0.5 ms."""
    peak, done = [resident_bytes()], threading.Event()

    def watch():
        while not done.wait(5e-4):
            peak[0] = max(peak[0], resident_bytes())

    before = resident_bytes()
    thread = threading.Thread(target=watch)
    thread.start()
    run(start)
    done.set()
    thread.join()
    return peak[0] - before


def main():
    """Measure and print."""
    print(__doc__)
    print_machine("jax", "numpy")
    start = np.random.default_rng(0).normal(size=N)
    other = np.empty_like(start)
    run(np.ones(3))  # what JAX and Python keep for ever is loaded by now
    print(f"memory of the first run, compiling included: {peak_bytes(start) / 1e6:.0f} MB")
    print(f"memory of a later run: {peak_bytes(start) / start.nbytes:.1f} vectors (goal: at most 6)")
    shares, steps, copies = [], [], []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        for _ in range(100):
            np.copyto(other, start)
        copy = (time.perf_counter() - began) / 100
        began = time.perf_counter()
        run(start)
        step = (time.perf_counter() - began) / N_STEPS
        shares.append((PASSES / step) / (2 / copy))
        steps.append(step)
        copies.append(copy)
    gigabyte = start.nbytes / 1e9
    step, copy = statistics.median(steps), statistics.median(copies)
    print(f"NumPy copy {1e3 * copy:.2f} ms, {2 * gigabyte / copy:.1f} GB/s")
    print(f"a step     {1e3 * step:.2f} ms, {PASSES * gigabyte / step:.1f} GB/s in {PASSES} passes")
    print(f"share of the copy's bandwidth: {statistics.median(shares):.0%} (goal: at least 50%)")
    print(f"counting two passes, as if a step could be one copy: {statistics.median(shares) * 2 / PASSES:.0%}")


if __name__ == "__main__":
    if "MALLOC_MMAP_THRESHOLD_" not in os.environ:
        os.execve(sys.executable, [sys.executable, *sys.argv], {**os.environ, "MALLOC_MMAP_THRESHOLD_": "1000000"})
    main()
