"""Where the starts of a search are, inside a box.

sobol             scrambled Sobol sequence (Owen 1998): even in every projection
latin_hypercube   one in each of m slices of every variable (McKay, Beckman and Conover 1979)
uniform           independent
grid              the same number along every variable, the ends included
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from downslope.errors import InvalidInput, UnknownName


def sample(sampler: str, lower: np.ndarray, upper: np.ndarray, m: int, seed: int) -> np.ndarray:
    """Starts in the box, shape (m, n); a grid has as many as fit below m.

    >>> sample("grid", np.array([0.0, 0.0]), np.array([1.0, 2.0]), 5, 0).tolist()
    [[0.0, 0.0], [0.0, 2.0], [1.0, 0.0], [1.0, 2.0]]
    """
    if sampler not in SAMPLERS:
        raise UnknownName("sampler", sampler, SAMPLERS)
    unit = SAMPLERS[sampler](lower.size, m, seed)
    return np.asarray(np.clip(lower + unit * (upper - lower), lower, upper))  # rounding may leave the box


def _sobol(n: int, m: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    return np.asarray(qmc.Sobol(n, scramble=True, seed=seed).random_base2(math.ceil(math.log2(m)))[:m])


def _latin_hypercube(n: int, m: int, seed: int) -> np.ndarray:
    from scipy.stats import qmc

    return np.asarray(qmc.LatinHypercube(n, seed=seed).random(m))


def _uniform(n: int, m: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).random((m, n))


def _grid(n: int, m: int, seed: int) -> np.ndarray:
    side = round(m ** (1 / n))
    side -= side**n > m
    if side < 2:
        raise InvalidInput("n_starts", f"must be at least {2**n} for a grid in {n} variables", m)
    axes = np.meshgrid(*[np.linspace(0, 1, side)] * n, indexing="ij")
    return np.stack([axis.ravel() for axis in axes], axis=1)


SAMPLERS: dict[str, Callable[[int, int, int], np.ndarray]] = {
    "sobol": _sobol,
    "latin_hypercube": _latin_hypercube,
    "uniform": _uniform,
    "grid": _grid,
}
