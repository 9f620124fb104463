"""Lanes in numba, on all cores, with the gradients by hand."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(parallel=True)
def himmelblau_until_flat(starts, rate, tolerance):
    """Each start's last point and number of steps; shapes (m, 2) and (m,)."""
    ends, counts = np.empty(starts.shape), np.empty(len(starts), np.int64)
    for i in numba.prange(len(starts)):
        x, y = starts[i]
        n = 0
        while True:
            a, b = x * x + y - 11, x + y * y - 7
            slope_x, slope_y = 4 * x * a + 2 * b, 2 * a + 4 * y * b
            if max(abs(slope_x), abs(slope_y)) <= tolerance or n == 10_000:
                break
            x, y = x - rate * slope_x, y - rate * slope_y
            n += 1
        ends[i] = x, y
        counts[i] = n
    return ends, counts


@numba.njit(parallel=True)
def rosenbrock_fixed_steps(starts, rate, n_steps):
    """Where the starts (m, 2) are after so many steps."""
    ends = np.empty(starts.shape)
    for i in numba.prange(len(starts)):
        x, y = starts[i]
        for _ in range(n_steps):
            t = y - x * x
            x, y = x - rate * (-400 * x * t - 2 * (1 - x)), y - rate * 200 * t
        ends[i] = x, y
    return ends
